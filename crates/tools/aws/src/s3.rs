//! The grammar of the high-level S3 commands, which are the CLI's own
//! (`awscli/customizations/s3/subcommands.py`).

use std::ffi::OsString;

use super::is_option;
use guard_core::grammar::options::{ARGPARSE, Grammar};
use guard_core::grammar::scope::probe;
use guard_core::invocation::{Invocation, Word};

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

/// Reads the words of an S3 command, if it is one that the CLI has.
pub fn read(words: &[Word], invocation: &mut Invocation) -> bool {
    let command = match invocation.verb.as_slice() {
        [service, command] if service == "s3" => S3.iter().find(|(name, _, _)| name == command),
        _ => None,
    };
    let Some((_, options, inherited)) = command else {
        return false;
    };
    let grammar = Grammar {
        options,
        inherited,
        style: ARGPARSE,
    };
    read_with(&grammar, words, invocation);
    true
}

/// An S3 command. argparse takes the `--` out and goes on reading options after it.
fn read_with(grammar: &Grammar, words: &[Word], invocation: &mut Invocation) {
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
