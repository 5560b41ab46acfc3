//! terraform: hashicorp/cli finds the subcommand, Go's flag package reads the options.
//!
//! Checked against terraform 1.11: `main.go` (`extractChdirOption`, `mergeEnvArgs`) and
//! hashicorp/cli (`processArgs`) say what follows here. Where terraform stops with an error (options
//! before the subcommand, after the first operand, or between two words of a subcommand) guard reads
//! on as if it did not.

pub mod backup;
mod complaint;
pub mod preview;
mod written;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use guard_core::context::Context;
use guard_core::environment::Signals;
use guard_core::grammar::options::{GO, Grammar, Style};
use guard_core::invocation::{Invocation, Word};
use guard_core::kept::Kept;
use guard_core::preview::Preview;
use guard_core::rule::Limits;
use guard_core::tool::{Origin, Scene, Tool};
use guard_store::manifest::Part;

/// The options of all subcommands: no name takes a value in one and none in another, but for
/// `-plan`, which `graph` gives a file.
/// Those of `tofu` alone stand at the end.
const OPTIONS: &str = "h|help v|version chdir= allow-deferral allow-missing auto-approve backend \
     backend-config= backup= check cloud-run= compact-warnings config= destroy detailed-exitcode \
     diff draw-cycles dry-run enable-plugin-cache filter= force force-copy from-module= \
     fs-mirror= generate-config-out= get id= ignore-remote-version input json junit-xml= list \
     lock lock-file lock-timeout= lockfile= migrate-state module-depth= net-mirror= no-color \
     no-tests operation-parallelism= or-create out= parallelism= plan? platform= plugin-dir= \
     query= raw reconfigure recursive refresh refresh-only replace= run-parallelism= \
     show-sensitive state= state-out= target= test-directory= type= update upgrade var= var-file= \
     verbose write \
     concise consolidate-errors consolidate-warnings deprecation= exclude= exclude-file= \
     json-into= target-file=";

const GRAMMAR: Grammar = Grammar {
    options: OPTIONS,
    inherited: "",
    style: GO,
};

/// Subcommands, in the words that terraform lists them with.
const COMMANDS: &str = "apply cloud console destroy fmt force-unlock get graph import init \
     internal-plugin login logout metadata modules output plan policy providers push query refresh \
     rpcapi show stacks state taint test untaint validate version workspace";

/// Subcommands with subcommands of their own.
const NESTED: [(&str, &str); 6] = [
    (
        "state",
        "list mv pull push replace-provider rm show identities",
    ),
    ("workspace", "delete list new select show"),
    ("providers", "lock mirror schema"),
    ("metadata", "functions"),
    (
        "stacks",
        "configuration create deployment-group deployment-run fmt init list providers-lock validate version",
    ),
    ("test", "cleanup"),
];

/// terraform, and what has its grammar, its rules, and plans and states of the same form.
pub struct Terraform {
    name: &'static str,
}

/// terraform.
pub static TERRAFORM: Terraform = Terraform { name: "terraform" };
/// `OpenTofu`.
pub static TOFU: Terraform = Terraform { name: "tofu" };

impl Tool for Terraform {
    fn name(&self) -> &'static str {
        self.name
    }

    fn family(&self) -> &'static str {
        TERRAFORM.name
    }

    fn read(&self, arguments: &[Word], context: &Context) -> Invocation {
        read(arguments, context)
    }

    fn only_reads(&self, invocation: &Invocation) -> bool {
        only_reads(invocation)
    }

    fn inputs(&self, invocation: &Invocation) -> Vec<Origin> {
        let mut inputs = Origin::of_flags(invocation, &["-var-file"], false);
        if matches!(invocation.verb_name(), "apply" | "destroy")
            || invocation.verb_is(&["state", "push"])
        {
            let operands = invocation.operands.iter();
            inputs.extend(operands.flat_map(|operand| Origin::named(&operand.text, false)));
        }
        inputs
    }

    fn variables(&self) -> &'static [&'static str] {
        &["TF_", "AWS_", "GOOGLE_", "ARM_"]
    }

    fn signals(&self, invocation: &Invocation, context: &Context, signals: &mut Signals) {
        signals.flags(invocation, &["--var-file", "--state", "--chdir"]);
        if !context.has_variable("TF_WORKSPACE")
            && let Some(workspace) = preview::place::selected(invocation, context)
        {
            signals.push("workspace", workspace.as_ref());
        }
        if invocation.verb_name() == "workspace" {
            signals.operands(invocation);
        }
        let own = ["TF_WORKSPACE", "TF_VAR_environment", "TF_VAR_env"];
        signals.variables(context, &own);
    }

    fn measure(&self, invocation: &Invocation, scene: &Scene<'_>) -> Preview {
        preview::measure(invocation, scene.context, scene.budget)
    }

    fn patience(&self, limits: &Limits) -> f64 {
        limits.plan_seconds
    }

    fn revive(&self, part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
        backup::revive(part)
    }
}

/// Reads the arguments as terraform does, with what `TF_CLI_ARGS` and `TF_CLI_ARGS_<subcommand>`
/// put in.
pub fn read(arguments: &[Word], context: &Context) -> Invocation {
    let mut invocation = Invocation::new("terraform");
    let mut words = arguments.to_vec();
    if let Some(at) = chdir(&words) {
        let option = words.remove(at);
        let directory = option.bytes().get(b"-chdir=".len()..).unwrap_or_default();
        invocation.directory = Some(PathBuf::from(OsStr::from_bytes(directory)));
        invocation.scope.push(option.text);
    }
    let written = find(&words);
    add_variables(&mut words, &written, context, &mut invocation);

    let found = find(&words);
    invocation.verb = found.verb;
    if let Some(at) = found.unknown {
        let name = words
            .get(at)
            .map(|word| guard_ground::sanitize::os(&word.text));
        invocation.doubt(format!(
            "terraform has no command {} that guard knows",
            name.unwrap_or_default()
        ));
    }
    let rest: Vec<Word> = found
        .rest
        .iter()
        .filter_map(|at| words.get(*at).cloned())
        .collect();
    invocation.arguments = rest.iter().map(|word| word.text.clone()).collect();
    invocation.inert = is_inert(&words, &rest, &invocation.verb);
    let parsed = GRAMMAR.read(&rest);
    invocation.flags = parsed.flags;
    invocation.operands = parsed.operands;
    invocation.separator = parsed.separator;
    invocation
}

/// Where the `-chdir=DIR` stands that terraform takes out: the last one before the first word that
/// is no option. `--chdir=` and an empty one are errors.
fn chdir(words: &[Word]) -> Option<usize> {
    words
        .iter()
        .take_while(|word| word.bytes().starts_with(b"-"))
        .enumerate()
        .filter(|(_, word)| {
            word.bytes()
                .strip_prefix(b"-chdir=")
                .is_some_and(|directory| !directory.is_empty())
        })
        .last()
        .map(|(at, _)| at)
}

/// The subcommand, and what is left when its words are taken out.
struct FoundVerb {
    verb: Vec<Cow<'static, str>>,
    /// The index of the subcommand's last word.
    last: Option<usize>,
    /// The index of a subcommand that is not in the list.
    unknown: Option<usize>,
    rest: Vec<usize>,
}

fn find(words: &[Word]) -> FoundVerb {
    let mut found = FoundVerb {
        verb: Vec::new(),
        last: None,
        unknown: None,
        rest: (0..words.len()).collect(),
    };
    let Some(at) = next_operand(words, 0) else {
        return found;
    };
    let Some(word) = words.get(at) else {
        return found;
    };
    found.rest.retain(|index| *index != at);
    found.last = Some(at);
    let text = word.text.to_str().filter(|_| word.known);
    let Some(name) = text.and_then(top) else {
        found.unknown = Some(at);
        let shown = word.text.to_string_lossy().into_owned();
        found.verb.push(Cow::Owned(shown));
        return found;
    };
    found.verb.push(Cow::Borrowed(name));
    let below = NESTED.iter().find(|(above, _)| *above == name);
    if let Some((_, names)) = below
        && let Some(at) = next_operand(words, at + 1)
        && let Some(word) = words.get(at).filter(|word| word.known)
        && let Some(name) = names
            .split_ascii_whitespace()
            .find(|name| word.text == *name)
    {
        found.verb.push(Cow::Borrowed(name));
        found.rest.retain(|index| *index != at);
        found.last = Some(at);
    }
    found
}

fn top(word: &str) -> Option<&'static str> {
    // `env` is the old name of `workspace`; terraform still has it.
    if word == "env" {
        return Some("workspace");
    }
    COMMANDS.split_ascii_whitespace().find(|name| *name == word)
}

/// The first word that is no option, also not behind a `--`.
fn next_operand(words: &[Word], from: usize) -> Option<usize> {
    words
        .iter()
        .enumerate()
        .skip(from)
        .take_while(|(_, word)| word.bytes() != b"--")
        .find(|(_, word)| !word.bytes().is_empty() && !word.bytes().starts_with(b"-"))
        .map(|(at, _)| at)
}

/// Puts in what the variables hold: first `TF_CLI_ARGS`, then the subcommand's own, each directly
/// after the first word that equals the subcommand's last one; without a subcommand in front, where
/// `TF_CLI_ARGS` can bring the subcommand itself.
fn add_variables(
    words: &mut Vec<Word>,
    found: &FoundVerb,
    context: &Context,
    invocation: &mut Invocation,
) {
    let suffix = found.verb.join("_").replace('-', "_");
    let last = found.last.and_then(|at| words.get(at)).cloned();
    for name in ["TF_CLI_ARGS".to_owned(), format!("TF_CLI_ARGS_{suffix}")] {
        let Some(value) = context.value(&name) else {
            continue;
        };
        let Some(extra) = split(value.as_bytes()) else {
            invocation.doubt(format!("{name} cannot be split into words"));
            continue;
        };
        let at = last
            .as_ref()
            .and_then(|last| words.iter().position(|word| word.text == last.text))
            .map_or(0, |at| at + 1);
        words.splice(at..at, extra.into_iter().map(Word::known));
    }
}

/// Splits as mattn/go-shellwords does: quotes and backslashes, no comments, nothing expanded.
/// (It stops at `;`, `&`, `|`, `<` and `>`; guard reads on.) `None` for an open quote.
fn split(text: &[u8]) -> Option<Vec<OsString>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (None | Some(b'"'), b'\\') => word.get_or_insert_default().push(bytes.next()?),
            (Some(open), _) if byte == open => quote = None,
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (None, b' ' | b'\t' | b'\r' | b'\n') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    quote
        .is_none()
        .then(|| words.into_iter().map(OsString::from_vec).collect())
}

/// Help, version, or a dry run.
fn is_inert(words: &[Word], rest: &[Word], verb: &[Cow<'static, str>]) -> bool {
    let is = |word: &Word, names: [&str; 3]| names.iter().any(|name| word.text == *name);
    // main.go puts `version` in front when one of these stands anywhere, even after a `--`.
    let version = |word: &Word| is(word, ["-v", "-version", "--version"]);
    let help = |word: &Word| is(word, ["-h", "-help", "--help"]);
    let verb: Vec<&str> = verb.iter().map(|word| &**word).collect();
    words.iter().any(version)
        || words
            .iter()
            .take_while(|word| word.bytes() != b"--")
            .any(help)
        || verb.is_empty()
        || verb == ["version"]
        || (matches!(verb.as_slice(), ["state", "rm" | "mv"]) && is_dry_run(rest))
}

/// Whether `-dry-run` stands where Go's flag package still sees it: before the first operand.
fn is_dry_run(rest: &[Word]) -> bool {
    let grammar = Grammar {
        style: Style {
            permutes: false,
            ..GO
        },
        ..GRAMMAR
    };
    grammar
        .read(rest)
        .flags
        .iter()
        .any(|flag| flag.is("--dry-run"))
}

/// Whether the invocation is known to change nothing: neither infrastructure nor state nor files.
/// (A plan takes the state's lock for its time, and gives it back.)
pub fn only_reads(invocation: &Invocation) -> bool {
    if invocation.inert {
        return true;
    }
    let verb: Vec<&str> = invocation.verb.iter().map(|word| &**word).collect();
    match verb.as_slice() {
        ["plan"] => !invocation.has_any(&["-out", "-generate-config-out", "-state-out"]),
        ["fmt"] => invocation.has("-check"),
        [
            "console" | "graph" | "modules" | "output" | "providers" | "show" | "state" | "stacks"
            | "validate" | "version" | "workspace",
        ]
        | ["providers", "schema"]
        | ["stacks", "validate" | "version"]
        | ["metadata", ..]
        | ["state", "identities" | "list" | "pull" | "show"]
        | ["workspace", "list" | "show"] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
