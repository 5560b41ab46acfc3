//! The AWS CLI, both major versions: argparse three times over.
//!
//! Checked against version 1.45. The main parser reads the global options wherever they stand and
//! leaves the rest; of that the first word that is no option is the service, the next one the
//! operation (`awscli/clidriver.py`, `awscli/argparser.py`). All parsers take unique abbreviations,
//! those of version 2 as well (AWS CLI user guide, "Troubleshooting errors", on `allow_abbrev`).
//!
//! Aliases in `~/.aws/cli/alias` are not looked up: one that has a name of its own shows as an unknown
//! service, with a doubt.

mod services;

use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use crate::context::Context;
use crate::invocation::{Flag, Invocation, Word};
use crate::tools::Tool;
use crate::tools::options::{ARGPARSE, Grammar};
use crate::tools::scope::probe;
use services::SERVICES;

/// `awscli/data/cli.json` of both versions.
const GLOBALS: Grammar = Grammar {
    options: "ca-bundle= cli-auto-prompt cli-binary-format= cli-connect-timeout= cli-error-format= \
         cli-read-timeout= color= debug endpoint-url= no-cli-auto-prompt no-cli-pager no-paginate \
         no-sign-request no-verify-ssl output= profile= query= region= v2-debug version",
    inherited: "",
    style: ARGPARSE,
};

/// Global options that say where a command goes and how it gets there.
const SCOPE: [&str; 8] = [
    "ca-bundle",
    "cli-connect-timeout",
    "cli-read-timeout",
    "endpoint-url",
    "no-sign-request",
    "no-verify-ssl",
    "profile",
    "region",
];

/// Options of the S3 transfer commands (`awscli/customizations/s3/subcommands.py`).
const TRANSFER: &str = "acl= cache-control= case-conflict= checksum-algorithm= checksum-mode= \
     content-disposition= content-encoding= content-language= content-type= copy-props= dryrun \
     exclude= expires= follow-symlinks force-glacier-transfer grants= ignore-glacier-warnings \
     include= metadata= metadata-directive= no-follow-symlinks no-guess-mime-type no-overwrite \
     no-progress only-show-errors page-size= quiet request-payer? source-region= sse? sse-c? \
     sse-c-copy-source? sse-c-copy-source-key= sse-c-key= sse-kms-key-id= storage-class= \
     website-redirect=";

/// The high-level S3 commands and the options that only they have.
const S3: [(&str, &str, &str); 9] = [
    ("cp", TRANSFER, "expected-size= recursive"),
    ("mv", TRANSFER, "recursive validate-same-s3-paths"),
    ("sync", TRANSFER, "delete exact-timestamps size-only"),
    (
        "rm",
        "",
        "dryrun exclude= include= only-show-errors page-size= quiet recursive request-payer?",
    ),
    ("rb", "", "force"),
    ("mb", "", "tags="),
    (
        "ls",
        "",
        "bucket-name-prefix= bucket-region= human-readable page-size= recursive request-payer? \
         summarize",
    ),
    ("presign", "", "expires-in="),
    ("website", "", "error-document= index-document="),
];

/// Options whose value may be left out (argparse `nargs='?'`), with the values they choose from.
const OPTIONAL: [(&str, &[&str]); 4] = [
    ("sse", &["AES256", "aws:kms", "aws:kms:dsse"]),
    ("sse-c", &["AES256"]),
    ("sse-c-copy-source", &["AES256"]),
    ("request-payer", &["requester"]),
];

/// Options of operations that rules look for: an abbreviation of one is read as that one.
const KEY_OPTIONS: [&str; 11] = [
    "delete-associated-snapshots",
    "no-deletion-protection",
    "no-deletion-protection-enabled",
    "no-enable-termination-protection",
    "no-termination-protection-enabled",
    "no-delete-protection",
    "no-disable-api-termination",
    "cli-input-json",
    "cli-input-yaml",
    "lifecycle-configuration",
    "versioning-configuration",
];

/// Reads the arguments as the AWS CLI does.
///
/// Nothing in the context changes the reading: `AWS_PROFILE` and the like say where a command goes.
pub fn read(arguments: &[Word], _context: &Context) -> Invocation {
    let mut invocation = Invocation::new(Tool::Aws);
    let mut rest = read_globals(arguments, &mut invocation);
    let end = read_verb(arguments, &mut rest, &mut invocation);
    // What the operation receives: all that follows it, and its own options that stand before.
    invocation.arguments = rest
        .iter()
        .copied()
        .filter(|at| *at < end)
        .chain(end..arguments.len())
        .filter_map(|at| arguments.get(at))
        .map(|word| word.text.clone())
        .collect();
    let words: Vec<Word> = rest
        .iter()
        .filter_map(|at| arguments.get(*at).cloned())
        .collect();
    read_operation(&words, &mut invocation);
    invocation.inert = is_inert(arguments, &words, &invocation);
    if invocation.has_any(&["--cli-input-json", "--cli-input-yaml"]) {
        invocation.doubt("the request's parameters are read from a document");
    }
    invocation
}

/// The main parser: takes the global options out and returns the indexes of what is left.
fn read_globals(words: &[Word], invocation: &mut Invocation) -> Vec<usize> {
    let mut left = Vec::with_capacity(words.len());
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let option = word
            .bytes()
            .starts_with(b"--")
            .then(|| probe(&GLOBALS, word));
        let Some(Some((mut flags, takes_next))) = option else {
            left.push(at);
            at += 1;
            continue;
        };
        let Some(mut flag) = flags.pop().filter(|flag| flag.familiar) else {
            left.push(at);
            at += 1;
            continue;
        };
        let in_scope = SCOPE.contains(&&*flag.long);
        if in_scope {
            invocation.scope.push(word.text.clone());
        }
        at += 1;
        // argparse never takes an option as a value; it stops with an error.
        if takes_next && let Some(value) = words.get(at).filter(|next| !is_option(next)) {
            flag.value = Some(value.text.clone());
            if in_scope {
                invocation.scope.push(value.text.clone());
            }
            at += 1;
        }
        invocation.flags.push(flag);
    }
    left
}

fn is_option(word: &Word) -> bool {
    word.bytes().starts_with(b"--")
}

/// Takes service, operation and waiter out of `rest`, and returns the index after the last of them.
fn read_verb(words: &[Word], rest: &mut Vec<usize>, invocation: &mut Invocation) -> usize {
    let mut end = 0;
    loop {
        let wanted = if invocation.verb.get(1).is_some_and(|word| word == "wait") {
            3
        } else {
            2
        };
        let next = rest.iter().position(|at| {
            words
                .get(*at)
                .is_some_and(|word| !word.bytes().starts_with(b"-"))
        });
        let Some(next) = next.filter(|_| invocation.verb.len() < wanted) else {
            return end;
        };
        let at = rest.remove(next);
        end = at + 1;
        let Some(word) = words.get(at) else {
            return end;
        };
        let text = word.text.to_string_lossy().into_owned();
        if invocation.verb.is_empty() && !is_service(&text) {
            invocation.doubt(format!(
                "the AWS CLI has no command {} that guard knows: it may be an alias",
                crate::sanitize::os(&word.text)
            ));
        }
        invocation.verb.push(Cow::Owned(text));
    }
}

/// The operation's own options and operands.
fn read_operation(words: &[Word], invocation: &mut Invocation) {
    let s3 = match invocation.verb.as_slice() {
        [service, command] if service == "s3" => S3.iter().find(|(name, _, _)| name == command),
        _ => None,
    };
    match s3 {
        Some((_, options, inherited)) => {
            let grammar = Grammar {
                options,
                inherited,
                style: ARGPARSE,
            };
            read_s3(&grammar, words, invocation);
        }
        None => read_parameters(words, invocation),
    }
}

/// An S3 command. argparse takes the `--` out and goes on reading options after it.
fn read_s3(grammar: &Grammar, words: &[Word], invocation: &mut Invocation) {
    let mut joined = Vec::with_capacity(words.len());
    let mut before = None;
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        if word.bytes() == b"--" {
            before = before.or(Some(joined.len()));
            continue;
        }
        let Some((flags, takes_next)) = probe(grammar, word) else {
            joined.push(word.clone());
            continue;
        };
        let next = words.get(at).filter(|next| !is_option(next));
        let name = flags.last().map_or("", |flag| &*flag.long);
        let chosen = OPTIONAL.iter().find(|(option, _)| *option == name);
        let takes_next = takes_next
            || chosen.is_some_and(|(_, values)| {
                next.is_some_and(|next| values.iter().any(|value| next.text == *value))
                    && !word.bytes().contains(&b'=')
            });
        let Some(value) = next.filter(|_| takes_next) else {
            joined.push(word.clone());
            continue;
        };
        at += 1;
        joined.push(attached(name, value));
        // `mb --tags KEY VALUE`, and one or more grants.
        while let Some(more) = words.get(at).filter(|next| takes_more(name, next)) {
            at += 1;
            joined.push(attached(name, more));
            if name == "tags" {
                break;
            }
        }
    }
    let parsed = grammar.read(&joined);
    invocation.separator = before.map(|before| {
        let options = joined.iter().take(before).filter(|word| is_option(word));
        before - options.count()
    });
    invocation.flags.extend(parsed.flags);
    invocation.operands = parsed.operands;
}

fn takes_more(name: &str, word: &Word) -> bool {
    match name {
        "tags" => !is_option(word),
        "grants" => !is_option(word) && word.bytes().contains(&b'='),
        _ => false,
    }
}

fn attached(name: &str, value: &Word) -> Word {
    let mut text = OsString::from(format!("--{name}="));
    text.push(&value.text);
    Word {
        text,
        known: value.known,
    }
}

/// The parameters of an API operation: an option takes all words up to the next option. One with
/// several values becomes several flags. (The file that a few operations write their result to is
/// taken for such a value as well.)
fn read_parameters(words: &[Word], invocation: &mut Invocation) {
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        if word.bytes() == b"--" {
            invocation.separator = invocation.separator.or(Some(invocation.operands.len()));
            continue;
        }
        let Some(written) = word.bytes().strip_prefix(b"--") else {
            invocation.operands.push(word.clone());
            continue;
        };
        let mut parts = written.splitn(2, |byte| *byte == b'=');
        let name = String::from_utf8_lossy(parts.next().unwrap_or_default());
        let flag = |value: Option<OsString>| Flag {
            long: KEY_OPTIONS
                .iter()
                .find(|key| **key == name)
                .or_else(|| {
                    // As short as an abbreviation can be and still name one of these.
                    let long_enough = name.len() > "no-del".len();
                    KEY_OPTIONS
                        .iter()
                        .find(|key| long_enough && key.starts_with(&*name))
                })
                .map_or_else(
                    || Cow::Owned(name.clone().into_owned()),
                    |key| Cow::Borrowed(*key),
                ),
            short: 0,
            value,
            familiar: true,
        };
        if let Some(value) = parts.next() {
            let value = std::ffi::OsStr::from_bytes(value).to_owned();
            invocation.flags.push(flag(Some(value)));
            continue;
        }
        let mut bare = true;
        while let Some(value) = words.next_if(|next| !is_option(next)) {
            invocation.flags.push(flag(Some(value.text.clone())));
            bare = false;
        }
        if bare {
            invocation.flags.push(flag(None));
        }
    }
}

/// Help, version, a skeleton, or a dry run.
fn is_inert(arguments: &[Word], rest: &[Word], invocation: &Invocation) -> bool {
    // Options after a `--` are taken by one parser and not by the next.
    let divided = arguments.iter().any(|word| word.bytes() == b"--");
    if invocation.verb.is_empty()
        || (!divided && arguments.iter().any(|word| word.text == "--version"))
    {
        return true;
    }
    // An alias may be a shell command that takes `help` and `--dry-run` for anything.
    if !is_service(invocation.verb_name()) {
        return false;
    }
    let dry = if invocation.verb_name() == "s3" {
        invocation.has("--dryrun")
    } else {
        invocation.has("--generate-cli-skeleton") || is_dry_run(invocation)
    };
    (dry && !divided)
        || invocation.verb.iter().any(|word| word == "help")
        // `--names a help` is a name like any other: only alone it asks for help.
        || matches!(rest, [word] if word.text == "help")
}

fn is_service(name: &str) -> bool {
    SERVICES.binary_search(&name).is_ok()
}

/// `--dry-run`, unless a later `--no-dry-run`, in whatever abbreviation, takes it back.
fn is_dry_run(invocation: &Invocation) -> bool {
    invocation
        .flags
        .iter()
        .rev()
        .find(|flag| {
            flag.long == "dry-run"
                || (flag.long.starts_with("no-d") && "no-dry-run".starts_with(&*flag.long))
        })
        .is_some_and(|flag| flag.long == "dry-run" && flag.value.is_none())
}

/// Operations that change nothing although their names do not say so.
const READING: [(&str, &str); 20] = [
    ("s3", "ls"),
    ("s3", "presign"),
    ("configure", "list"),
    ("configure", "list-profiles"),
    ("configure", "get"),
    ("history", "list"),
    ("history", "show"),
    ("dynamodb", "query"),
    ("dynamodb", "scan"),
    ("dynamodb", "transact-get-items"),
    ("logs", "filter-log-events"),
    ("logs", "tail"),
    ("logs", "test-metric-filter"),
    ("cloudformation", "validate-template"),
    ("configservice", "select-resource-config"),
    ("configservice", "select-aggregate-resource-config"),
    ("iam", "simulate-principal-policy"),
    ("iam", "simulate-custom-policy"),
    ("sts", "decode-authorization-message"),
    ("ddb", "select"),
];

/// `get-…` that makes something, or that writes what it got to a file.
const NOT_READING: [(&str, &str); 5] = [
    ("cognito-identity", "get-id"),
    ("cognito-identity", "get-open-id-token"),
    (
        "cognito-identity",
        "get-open-id-token-for-developer-identity",
    ),
    ("redshift", "get-cluster-credentials"),
    ("ssm", "get-access-token"),
];

/// Operations that stream their result to a file (`has_streaming_output` in botocore's models).
const TO_FILE: &str = "describe-input-device-thumbnail get-clip get-code-binding-source \
     get-configuration get-connection-function get-export get-function get-glyphs \
     get-hosted-configuration-version get-image-frame get-image-set-metadata \
     get-introspection-schema get-job-output get-latest-configuration get-lineage-event \
     get-map-glyphs get-map-sprites get-map-style-descriptor get-map-tile get-media \
     get-media-for-fragment-list get-object get-object-torrent get-package-version-asset \
     get-position-estimate get-profile get-raw-message-content get-read-set get-reference \
     get-resource-position get-sdk get-snapshot-block get-sol-function-package-content \
     get-sol-function-package-descriptor get-sol-network-package-content \
     get-sol-network-package-descriptor get-sprites get-static-map get-style-descriptor \
     get-thing-shadow get-tile get-work-unit-results";

/// Whether the invocation is known to change nothing, neither in the account nor in files.
pub fn only_reads(invocation: &Invocation) -> bool {
    if invocation.inert {
        return true;
    }
    let [service, operation, ..] = invocation.verb.as_slice() else {
        return false;
    };
    let is = |list: &[(&str, &str)]| {
        list.iter()
            .any(|(name, verb)| service == name && operation == verb)
    };
    if is(&READING) || operation == "wait" {
        return true;
    }
    let streams = TO_FILE
        .split_ascii_whitespace()
        .any(|name| name == operation)
        // lambda's and iam's own operations of these names print.
        && !(service == "lambda" && operation == "get-function");
    let reads = [
        "describe-",
        "list-",
        "get-",
        "head-",
        "search-",
        "lookup-",
        "batch-get-",
        "batch-describe-",
    ];
    is_service(service)
        && !streams
        && !is(&NOT_READING)
        && reads.iter().any(|prefix| operation.starts_with(prefix))
}

#[cfg(test)]
mod tests;
