//! kubectl: cobra finds the verb, pflag reads the options.
//!
//! Checked against kubectl 1.32. Aliases that a person may keep in `~/.kube/kuberc` (or a file that
//! `KUBERC` names; 1.33 and later) are not looked up: they show as unknown verbs, with a doubt.

pub mod backup;
mod place;
pub mod preview;
mod verbs;

use guard_ground::path;
use std::borrow::Cow;
use std::ffi::OsString;

use guard_core::context::Context;
use guard_core::environment::Signals;
use guard_core::grammar::options::{Grammar, PFLAG, names};
use guard_core::grammar::scope::{probe, scope};
use guard_core::invocation::{Flag, Invocation, Nested, Word};
use guard_core::kept::Kept;
use guard_core::preview::Preview;
use guard_core::rule::Limits;
use guard_core::tool::{Origin, Scene, Tool};
use guard_shell as shell;
use guard_store::manifest::Part;
use guard_words::Measure;
use verbs::VERBS;

/// `kubectl options`, with `--help`, which every verb has.
const GLOBALS: &str = "as= as-group= as-uid= as-user-extra= cache-dir= certificate-authority= \
     client-certificate= client-key= cluster= context= disable-compression h|help \
     insecure-skip-tls-verify kubeconfig= kuberc= log-flush-frequency= match-server-version \
     n|namespace= password= profile= profile-output= request-timeout= s|server= \
     tls-server-name= token= user= username= v|v= vmodule= warnings-as-errors";

/// Global options that say nothing about where a command goes.
const NOT_SCOPE: [&str; 7] = [
    "help",
    "log-flush-frequency",
    "profile",
    "profile-output",
    "v",
    "vmodule",
    "warnings-as-errors",
];

/// Other names of verbs, as `kubectl VERB --help` lists them: parent, alias, name.
const ALIASES: [(&str, &str, &str); 17] = [
    ("", "clusterinfo", "cluster-info"),
    ("config", "use", "use-context"),
    ("create", "cm", "configmap"),
    ("create", "cj", "cronjob"),
    ("create", "deploy", "deployment"),
    ("create", "ing", "ingress"),
    ("create", "ns", "namespace"),
    ("create", "pdb", "poddisruptionbudget"),
    ("create", "pc", "priorityclass"),
    ("create", "resourcequota", "quota"),
    ("create", "sa", "serviceaccount"),
    ("create", "svc", "service"),
    ("set", "sa", "serviceaccount"),
    ("top", "nodes", "node"),
    ("top", "no", "node"),
    ("top", "pods", "pod"),
    ("top", "po", "pod"),
];

/// kubectl.
pub struct Kubectl;

impl Tool for Kubectl {
    fn name(&self) -> &'static str {
        "kubectl"
    }

    fn read(&self, arguments: &[Word], context: &Context) -> Invocation {
        read(arguments, context)
    }

    fn only_reads(&self, invocation: &Invocation) -> bool {
        only_reads(invocation)
    }

    fn inputs(&self, invocation: &Invocation) -> Vec<Origin> {
        Origin::of_flags(invocation, &["--filename", "--kustomize"], true)
    }

    fn variables(&self) -> &'static [&'static str] {
        &["KUBE", "HOME"]
    }

    fn signals(&self, invocation: &Invocation, context: &Context, signals: &mut Signals) {
        let flags = [
            "--context",
            "--cluster",
            "--namespace",
            "--server",
            "--user",
            "--kubeconfig",
        ];
        signals.flags(invocation, &flags);
        if !invocation.has_any(&["--context", "--cluster", "--server"])
            && let Some(current) = place::current_context(invocation, context)
        {
            signals.push("current context", current.as_ref());
        }
        if matches!(invocation.verb_name(), "delete" | "drain") {
            signals.operands(invocation);
        }
        signals.variables(context, &[]);
    }

    fn measure(&self, invocation: &Invocation, scene: &Scene<'_>) -> Preview {
        preview::measure(invocation, scene.context, scene.budget)
    }

    fn patience(&self, limits: &Limits) -> f64 {
        limits.cluster_seconds
    }

    fn saves(&self) -> Measure {
        Measure::Objects
    }

    fn revive(&self, part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
        backup::revive(part)
    }
}

/// Commands inside commands (`exec -- kubectl exec -- …`) are followed this far.
const DEPTH: usize = 8;

/// Reads the arguments as kubectl does.
///
/// Nothing in the context changes the reading: KUBECONFIG and its contexts say where a command
/// goes, not what it does.
pub fn read(arguments: &[Word], context: &Context) -> Invocation {
    read_at(arguments, context, 0)
}

fn read_at(arguments: &[Word], context: &Context, depth: usize) -> Invocation {
    let mut invocation = Invocation::new("kubectl");
    let found = find_verb(arguments);
    if let Some(doubt) = &found.doubt {
        invocation.doubt(doubt.as_str());
    }
    let own = options(&found.verb);
    let grammar = Grammar {
        options: own,
        inherited: GLOBALS,
        style: PFLAG,
    };
    invocation.arguments = found.arguments(arguments);
    let rest: Vec<Word> = found
        .rest
        .iter()
        .filter_map(|at| arguments.get(*at).cloned())
        .collect();
    let parsed = grammar.read(&rest);
    invocation.scope = scope(&grammar, &rest, |flag| is_scope(flag, own));
    invocation.verb = found.verb;
    invocation.flags = parsed.flags;
    invocation.operands = parsed.operands;
    invocation.separator = parsed.separator;
    invocation.inert = is_inert(&invocation, found.known);
    if invocation.verb_is(&["cp"]) && invocation.operands.last().is_some_and(is_in_pod) {
        // The two directions are different commands to rules.
        invocation.verb.push(Cow::Borrowed("into"));
    }
    read_command(&mut invocation, context, depth);
    invocation
}

/// Whether an operand of `cp` names a place in a pod (`extractFileSpec`): what stands before the first
/// colon is the pod.
fn is_in_pod(word: &Word) -> bool {
    !word.bytes().starts_with(b":") && word.bytes().contains(&b':')
}

/// Whether an option says where the command goes. A verb's own option hides the global one of the
/// same name: `config set-context --cluster`, `debug --profile`.
fn is_scope(flag: &Flag, own: &'static str) -> bool {
    !NOT_SCOPE.contains(&&*flag.long) && names(GLOBALS, &flag.long) && !names(own, &flag.long)
}

/// The words of a verb with blanks between them.
fn path<'v>(verb: &'v [Cow<'static, str>]) -> Cow<'v, str> {
    match verb {
        [] => Cow::Borrowed(""),
        [word] => Cow::Borrowed(word),
        words => Cow::Owned(words.join(" ")),
    }
}

/// A verb's own options.
fn options(verb: &[Cow<'static, str>]) -> &'static str {
    let path = path(verb);
    VERBS
        .binary_search_by(|(known, _)| (*known).cmp(&*path))
        .ok()
        .and_then(|at| VERBS.get(at))
        .map_or("", |(_, options)| options)
}

/// The name of a verb below `parent`, when kubectl has it.
fn verb_below(parent: &[Cow<'static, str>], word: &str) -> Option<&'static str> {
    let above = path(parent);
    let word = ALIASES
        .iter()
        .find(|(parent, alias, _)| *alias == word && *parent == above)
        .map_or(word, |(_, _, name)| name);
    let start = if above.is_empty() { 0 } else { above.len() + 1 };
    let path = if above.is_empty() {
        Cow::Borrowed(word)
    } else {
        Cow::Owned([&above, " ", word].concat())
    };
    // The verb itself stands before all verbs below it.
    let at = VERBS.partition_point(|(known, _)| *known < &*path);
    let (known, _) = VERBS.get(at)?;
    let rest = known.strip_prefix(&*path)?;
    if rest.is_empty() || rest.starts_with(' ') {
        known.get(start..path.len())
    } else {
        None
    }
}

/// The verb, and what is left when its words are taken out.
struct FoundVerb {
    verb: Vec<Cow<'static, str>>,
    known: bool,
    doubt: Option<String>,
    /// Indexes of the words that are not part of the verb.
    rest: Vec<usize>,
    /// The index after the verb's last word.
    end: usize,
}

impl FoundVerb {
    /// What the verb receives: everything after it, and of what stands before it all but the
    /// global options.
    fn arguments(&self, words: &[Word]) -> Vec<OsString> {
        let globals = Grammar {
            options: "",
            inherited: GLOBALS,
            style: PFLAG,
        };
        let mut kept = Vec::new();
        let mut rest = self.rest.iter().peekable();
        while let Some(at) = rest.next() {
            let Some(word) = words.get(*at) else { continue };
            if *at < self.end
                && let Some((flags, takes_next)) = probe(&globals, word)
                && flags.iter().all(|flag| flag.familiar)
            {
                if takes_next {
                    rest.next();
                }
                continue;
            }
            kept.push(word.text.clone());
        }
        kept
    }
}

/// Walks down the commands as cobra's `Find` does: at each level the first word that is neither an
/// option nor an option's value, where an option that the level does not know counts as one with a
/// value (`kubectl --all pods delete` is `delete --all pods`).
fn find_verb(words: &[Word]) -> FoundVerb {
    let mut found = FoundVerb {
        verb: Vec::new(),
        known: true,
        doubt: None,
        rest: (0..words.len()).collect(),
        end: 0,
    };
    loop {
        let (at, name) = match next_verb(words, &found) {
            NextWord::Verb(at, name) => (at, name),
            NextWord::Unknown(at) if found.verb.is_empty() => {
                take_unknown(words, &mut found, at);
                return found;
            }
            NextWord::Unknown(_) | NextWord::Nothing => return found,
        };
        found.verb.push(Cow::Borrowed(name));
        let index = found.rest.remove(at);
        found.end = found.end.max(index + 1);
    }
}

fn take_unknown(words: &[Word], found: &mut FoundVerb, at: usize) {
    let index = found.rest.remove(at);
    found.end = index + 1;
    found.known = false;
    let Some(word) = words.get(index) else { return };
    found.doubt = Some(format!(
        "kubectl has no verb {}: it may be a plugin or an alias",
        guard_ground::sanitize::os(&word.text)
    ));
    let text = word.text.to_string_lossy().into_owned();
    found.verb.push(Cow::Owned(text));
}

enum NextWord {
    Verb(usize, &'static str),
    Unknown(usize),
    Nothing,
}

/// The next word of the verb, as an index into `found.rest`.
fn next_verb(words: &[Word], found: &FoundVerb) -> NextWord {
    let level = Grammar {
        options: options(&found.verb),
        inherited: GLOBALS,
        style: PFLAG,
    };
    let named = |at: usize| -> Option<&'static str> {
        let word = found.rest.get(at).and_then(|index| words.get(*index))?;
        let text = word.text.to_str().filter(|_| word.known)?;
        verb_below(&found.verb, text)
    };
    let exact = first_operand(words, found, &level, true);
    if let Some(at) = exact
        && let Some(name) = named(at)
    {
        return NextWord::Verb(at, name);
    }
    // kubectl stops with an error where an unknown option has swallowed the verb. Reading it as
    // an option without a value sees what was meant.
    if let Some(at) = first_operand(words, found, &level, false)
        && exact != Some(at)
        && let Some(name) = named(at)
    {
        return NextWord::Verb(at, name);
    }
    exact.map_or(NextWord::Nothing, NextWord::Unknown)
}

fn first_operand(
    words: &[Word],
    found: &FoundVerb,
    level: &Grammar,
    unknown_take_values: bool,
) -> Option<usize> {
    let mut at = 0;
    while let Some(index) = found.rest.get(at) {
        let word = words.get(*index)?;
        let bytes = word.bytes();
        if bytes == b"--" {
            return None;
        }
        match probe(level, word) {
            None if bytes.is_empty() || bytes == b"-" => at += 1,
            None => return Some(at),
            Some((flags, takes_next)) => {
                let alone = matches!(bytes, [b'-', b'-', ..] | [b'-', _]) && !bytes.contains(&b'=');
                let unknown = alone && !flags.iter().any(|flag| flag.familiar);
                at += if takes_next || (unknown && unknown_take_values) {
                    2
                } else {
                    1
                };
            }
        }
    }
    None
}

/// Help, version, or a dry run that the verb honours.
fn is_inert(invocation: &Invocation, known: bool) -> bool {
    if !known {
        return false;
    }
    // Without a verb kubectl shows its help.
    if matches!(
        invocation.verb_name(),
        "" | "help" | "version" | "options" | "completion"
    ) || invocation.has("--help")
    {
        return true;
    }
    // With --raw the request goes out as it is: `delete --raw /… --dry-run=server` deletes.
    if invocation.has("--raw") {
        return false;
    }
    // cmdutil.GetDryRunStrategy: bare is "unchanged" and means client, booleans are old spellings,
    // the last one counts. Not every verb has it; elsewhere it is an error.
    options(&invocation.verb).contains("dry-run")
        && invocation.flag("--dry-run").is_some_and(|flag| {
            flag.value.is_none()
                || matches!(
                    flag.text(),
                    Some(
                        "client"
                            | "server"
                            | "unchanged"
                            | "true"
                            | "True"
                            | "TRUE"
                            | "t"
                            | "T"
                            | "1"
                    )
                )
        })
}

/// What `exec`, `run --command` and `debug` start in a container.
fn read_command(invocation: &mut Invocation, context: &Context, depth: usize) {
    let command = match invocation.verb_name() {
        "exec" => command_after(invocation, usize::from(!invocation.has("--filename"))),
        "debug" => command_after(invocation, usize::MAX),
        "run" if invocation.has("--command") => match invocation.separator {
            // The name may stand after the `--` as well.
            Some(0) => invocation.operands.get(1..).unwrap_or_default(),
            _ => command_after(invocation, 1),
        },
        _ => return,
    };
    // Looked through shells and wrappers as a command string is (`sh -c`, `env`, `timeout`).
    let words = command.iter().map(shell::ShellWord::from).collect();
    let script = shell::read_argv(words, &shell::Known::default());
    if let Some(problem) = script.problem {
        invocation.doubt(problem);
    }
    let via = format!("kubectl {}", invocation.verb_name());
    // The container has its own directory, files and variables.
    let there = context.elsewhere();
    for command in &script.commands {
        let Some((program, arguments)) = command.words.split_first() else {
            continue;
        };
        let name = path::base_name(&program.text);
        let arguments: Vec<Word> = arguments.iter().map(Word::from).collect();
        let inner = if name == "kubectl" {
            if depth >= DEPTH {
                invocation.doubt("the commands inside this one go deeper than guard reads");
                return;
            }
            Some(read_at(&arguments, &there, depth + 1))
        } else {
            there.nested((*name).as_ref(), &arguments)
        };
        let Some(inner) = inner else {
            continue;
        };
        invocation.nested.push(Nested {
            via: via.clone(),
            invocation: inner,
            directory: None,
            elsewhere: true,
        });
    }
}

/// The words after `--`; without one what follows the first `names` operands (old releases took
/// `exec POD COMMAND`).
fn command_after(invocation: &Invocation, names: usize) -> &[Word] {
    match invocation.separator {
        Some(_) => invocation.after_separator(),
        None => invocation.operands.get(names..).unwrap_or_default(),
    }
}

/// Verbs of one word that change nothing.
const READING: [&str; 9] = [
    "api-resources",
    "api-versions",
    "describe",
    "diff",
    "events",
    "explain",
    "get",
    "logs",
    "wait",
];

/// Verbs that only group others: alone they show their help.
const GROUPS: [&str; 7] = [
    "alpha",
    "auth",
    "certificate",
    "config",
    "plugin",
    "rollout",
    "set",
];

/// Whether the invocation is known to change nothing, neither in the cluster nor in files.
pub fn only_reads(invocation: &Invocation) -> bool {
    if invocation.inert {
        return true;
    }
    // --profile-output and --output-directory name files that are written.
    let writes = invocation.has_any(&["--profile-output", "--output-directory"])
        || (invocation.has("--profile") && !invocation.verb_is(&["debug"]));
    let verb: Vec<&str> = invocation.verb.iter().map(|word| &**word).collect();
    !writes
        && match verb.as_slice() {
            [name] if READING.contains(name) || GROUPS.contains(name) => true,
            ["cluster-info" | "top", ..]
            | ["auth", "can-i" | "whoami"]
            | ["rollout", "status" | "history"]
            | ["plugin", "list"]
            | ["apply", "view-last-applied"]
            | [
                "config",
                "view" | "current-context" | "get-clusters" | "get-contexts" | "get-users",
            ] => true,
            // Generators and plugins of kustomize are programs of their own.
            ["kustomize"] => !invocation.has_any(&[
                "--output",
                "--enable-helm",
                "--enable-alpha-plugins",
                "--mount",
                "--network",
            ]),
            _ => false,
        }
}

#[cfg(test)]
mod tests;
