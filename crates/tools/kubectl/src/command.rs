//! What a command starts in a container, read as a command of its own.

use super::read::read_at;
use guard_core::context::Context;
use guard_core::invocation::{Invocation, Nested, Word};
use guard_ground::path;
use guard_shell as shell;

/// Commands inside commands (`exec -- kubectl exec -- …`) are followed this far.
pub(super) const DEPTH: usize = 8;

/// What `exec`, `run --command` and `debug` start in a container.
pub(super) fn read_command(invocation: &mut Invocation, context: &Context, depth: usize) {
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
