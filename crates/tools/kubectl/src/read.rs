//! How kubectl reads its arguments.

use std::borrow::Cow;

use super::command::read_command;
use super::find::{GLOBALS, find_verb, options};
use guard_core::context::Context;
use guard_core::grammar::options::{Grammar, PFLAG, names};
use guard_core::grammar::scope::scope;
use guard_core::invocation::{Flag, Invocation, Word};

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

/// Reads the arguments as kubectl does.
///
/// Nothing in the context changes the reading: KUBECONFIG and its contexts say where a command
/// goes, not what it does.
pub fn read(arguments: &[Word], context: &Context) -> Invocation {
    read_at(arguments, context, 0)
}

pub(super) fn read_at(arguments: &[Word], context: &Context, depth: usize) -> Invocation {
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
