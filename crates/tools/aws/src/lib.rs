//! The AWS CLI, both major versions: argparse three times over.
//!
//! Checked against version 1.45. The main parser reads the global options wherever they stand and
//! leaves the rest; of that the first word that is no option is the service, the next one the
//! operation (`awscli/clidriver.py`, `awscli/argparser.py`). All parsers take unique abbreviations,
//! those of version 2 as well (AWS CLI user guide, "Troubleshooting errors", on `allow_abbrev`).
//!
//! Aliases are looked up (`alias`); one that runs a shell command is not known. What an operation does
//! is known from a table of all of them (`table`).

mod alias;
pub mod backup;
mod error;
mod parameters;
pub mod preview;
mod s3;
mod table;

use std::borrow::Cow;
use std::rc::Rc;

use alias::Alias;
use guard_core::context::Context;
use guard_core::environment::Signals;
use guard_core::grammar::options::{ARGPARSE, Grammar};
use guard_core::grammar::scope::probe;
use guard_core::invocation::{Invocation, Word};
use guard_core::kept::Kept;
use guard_core::place::Target;
use guard_core::preview::Preview;
use guard_core::tool::{Origin, Scene, Tool};
use guard_store::manifest::Part;
use guard_words::Measure;

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

/// aws.
pub struct Aws;

impl Tool for Aws {
    fn name(&self) -> &'static str {
        "aws"
    }

    fn read(&self, arguments: &[Word], context: &Context) -> Invocation {
        read(arguments, context)
    }

    fn only_reads(&self, invocation: &Invocation) -> bool {
        only_reads(invocation)
    }

    /// Buckets and names of resources are no paths.
    fn targets(&self, _invocation: &Invocation) -> Vec<Target> {
        Vec::new()
    }

    /// Files in the CLI's own notation (AWS CLI user guide, "Loading parameters from a file").
    fn inputs(&self, invocation: &Invocation) -> Vec<Origin> {
        let values = invocation.flags.iter().filter_map(|flag| flag.text());
        let files = values.filter_map(|value| {
            value
                .strip_prefix("file://")
                .or_else(|| value.strip_prefix("fileb://"))
        });
        files.map(|path| Origin::File(path.into())).collect()
    }

    fn variables(&self) -> &'static [&'static str] {
        &["AWS_", "HOME"]
    }

    fn signals(&self, invocation: &Invocation, context: &Context, signals: &mut Signals) {
        signals.flags(invocation, &["--profile", "--endpoint-url"]);
        signals.operands(invocation);
        let own = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_VAULT"];
        signals.variables(context, &own);
    }

    fn measure(&self, invocation: &Invocation, scene: &Scene<'_>) -> Preview {
        preview::measure(invocation, scene.context, scene.budget)
    }

    fn has_tags(&self, invocation: &Invocation) -> bool {
        !invocation.inert && invocation.operation != "read"
    }

    fn saves(&self) -> Measure {
        Measure::Objects
    }

    fn revive(&self, part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
        backup::revive(part)
    }
}

/// Aliases that name each other end here.
const MAX_ALIASES: usize = 10;

/// Reads the arguments as the AWS CLI does.
///
/// Variables change nothing about the reading: `AWS_PROFILE` and the like say where a command goes.
pub fn read(arguments: &[Word], context: &Context) -> Invocation {
    let mut words = Cow::Borrowed(arguments);
    let mut seen = Vec::new();
    let mut file = None;
    loop {
        let mut invocation = Invocation::new("aws");
        let mut rest = read_globals(&words, &mut invocation);
        let at = read_verb(&words, &mut rest, &mut invocation);
        let aliases = file.get_or_insert_with(|| alias::load(context));
        match expand(&words, &at, &invocation, aliases, &mut seen) {
            Expanded::Not => {
                read_rest(&words, &rest, &at, &mut invocation, context);
                doubt_service(&mut invocation, aliases.is_err());
                return invocation;
            }
            Expanded::Words(expanded) => words = Cow::Owned(expanded),
            Expanded::Shell(command) => {
                read_rest(&words, &rest, &at, &mut invocation, context);
                invocation.inert = false;
                invocation.operation = table::UNKNOWN;
                invocation.doubt(format!(
                    "it is an alias that runs a shell command: {}",
                    guard_ground::sanitize::cut(&guard_ground::sanitize::text(&command), 120)
                ));
                return invocation;
            }
        }
    }
}

/// What became of the first words of a command.
enum Expanded {
    Not,
    Words(Vec<Word>),
    Shell(String),
}

/// Puts the words of an alias in its place, once for each name.
fn expand(
    words: &[Word],
    at: &[usize],
    invocation: &Invocation,
    aliases: &Result<Option<Rc<str>>, ()>,
    seen: &mut Vec<String>,
) -> Expanded {
    let Ok(Some(text)) = aliases else {
        return Expanded::Not;
    };
    for (place, name) in at.iter().zip(&invocation.verb).take(2) {
        let first = at.first() == Some(place);
        let of = (!first).then(|| invocation.verb_name());
        let key = format!("{} {name}", of.unwrap_or_default());
        // An alias that names its own command means the CLI's.
        if seen.contains(&key) || seen.len() >= MAX_ALIASES {
            continue;
        }
        match alias::find(text, of, name) {
            None => {}
            Some(Alias::Shell(command)) => return Expanded::Shell(command),
            Some(Alias::Words(alias)) => {
                seen.push(key);
                let mut expanded = words.to_vec();
                expanded.splice(*place..=*place, alias);
                return Expanded::Words(expanded);
            }
        }
    }
    Expanded::Not
}

/// Everything that follows the verb.
fn read_rest(
    words: &[Word],
    rest: &[usize],
    at: &[usize],
    invocation: &mut Invocation,
    context: &Context,
) {
    let end = at.last().map_or(0, |last| last + 1);
    // What the operation receives: all that follows it, and its own options that stand before.
    invocation.arguments = rest
        .iter()
        .copied()
        .filter(|at| *at < end)
        .chain(end..words.len())
        .filter_map(|at| words.get(at))
        .map(|word| word.text.clone())
        .collect();
    let own: Vec<Word> = rest
        .iter()
        .filter_map(|at| words.get(*at).cloned())
        .collect();
    if !s3::read(&own, invocation) {
        parameters::read(&own, invocation, context);
    }
    invocation.inert = is_inert(words, &own, invocation);
    invocation.operation = match table::class(&invocation.verb) {
        // What the request holds could be anything that the operation can do.
        "write" | "permissions" if invocation.unread => table::UNKNOWN,
        class => class,
    };
}

fn doubt_service(invocation: &mut Invocation, aliases_unknown: bool) {
    let Some(service) = invocation.verb.first() else {
        return;
    };
    if !table::has_service(service) {
        let name = guard_ground::sanitize::text(service);
        invocation.doubt(format!(
            "the AWS CLI has no command {name} that guard knows{}",
            if aliases_unknown {
                ": it may be an alias"
            } else {
                ""
            }
        ));
    }
    // An alias may be a shell command that takes `help` and `--dry-run` for anything.
    if aliases_unknown && !table::has_service(invocation.verb_name()) {
        invocation.inert = false;
    }
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

/// Takes service, operation and waiter out of `rest`, and returns where they stand.
fn read_verb(words: &[Word], rest: &mut Vec<usize>, invocation: &mut Invocation) -> Vec<usize> {
    let mut places = Vec::with_capacity(3);
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
            return places;
        };
        let at = rest.remove(next);
        places.push(at);
        let text = words
            .get(at)
            .map_or_else(String::new, |word| word.text.to_string_lossy().into_owned());
        invocation.verb.push(Cow::Owned(text));
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

/// Whether the invocation is known to change nothing, neither in the account nor in files.
pub fn only_reads(invocation: &Invocation) -> bool {
    if invocation.inert {
        return true;
    }
    let [service, operation, ..] = invocation.verb.as_slice() else {
        return false;
    };
    let streams = table::find(service, operation).is_some_and(|operation| operation.streams);
    invocation.operation == "read" && !streams && table::has_service(service)
}

#[cfg(test)]
mod operations;
#[cfg(test)]
mod tests;
