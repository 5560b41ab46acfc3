//! Commands inside a git command. git puts its own directory first on PATH when it runs them, so
//! an inner `git` never meets the shim: the outer command answers for it, and for tools called by
//! their path. Everything else that they run (`rm`, `psql` …) meets its own shim and is not judged
//! twice.

use guard_ground::path;
use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use guard_core::context::Context;
use guard_core::invocation::{Invocation, Nested, Word};
use guard_shell as shell;

/// Where an inner command runs.
#[derive(Clone, Copy)]
pub(super) enum NestedPlace<'a> {
    /// In the outer command's directory, or in this one.
    Here(Option<&'a Path>),
    /// In directories that only the running command will know.
    Unknown,
}

/// Variables whose value git hands to a shell (git(1), "Environment Variables").
const COMMAND_VARIABLES: [&str; 9] = [
    "GIT_EDITOR",
    "GIT_SEQUENCE_EDITOR",
    "GIT_PAGER",
    "GIT_EXTERNAL_DIFF",
    "GIT_SSH_COMMAND",
    "GIT_PROXY_COMMAND",
    "EDITOR",
    "VISUAL",
    "PAGER",
];

/// Configuration whose value git hands to a shell (git-config(1)), in lower case; a star stands for
/// a name of the user's.
const COMMAND_SETTINGS: [&str; 14] = [
    "core.editor",
    "core.pager",
    "core.fsmonitor",
    "core.sshcommand",
    "core.askpass",
    "sequence.editor",
    "diff.external",
    "credential.helper",
    "pager.*",
    "diff.*.{command,textconv}",
    "merge.*.driver",
    "{difftool,mergetool}.*.cmd",
    "filter.*.{clean,smudge,process}",
    "gpg.program",
];

/// Adds the commands of a shell command given as an argv (`sh -c …`).
pub(super) fn add_shell(
    outer: &mut Invocation,
    via: &str,
    argv: &[Word],
    place: NestedPlace<'_>,
    context: &Context,
) {
    let words = argv.iter().map(shell::ShellWord::from).collect();
    let script = shell::read_argv(words, &shell::Known::default());
    add_script(outer, via, &script, place, context);
}

/// Adds the commands of a shell command given as text.
pub(super) fn add_text(
    outer: &mut Invocation,
    via: &str,
    text: &OsStr,
    place: NestedPlace<'_>,
    context: &Context,
) {
    let script = shell::read(&text.to_string_lossy(), &shell::Known::default());
    add_script(outer, via, &script, place, context);
}

/// Variables that hold commands for git, with their values.
#[derive(Default)]
struct GitCommands(OnceCell<Vec<(&'static str, OsString)>>);

/// Adds the commands that variables and `-c` name as editors, pagers, filters and the like.
pub(super) fn add_configured(outer: &mut Invocation, context: &Context) {
    // Most editors are not worth a look.
    let is_worth = |value: &OsStr| {
        path::holds(value, OsStr::new("git")) || path::holds(value, OsStr::new("/rm"))
    };
    let known = context.remember_variables::<GitCommands>();
    let variables = known.0.get_or_init(|| {
        let set = COMMAND_VARIABLES.into_iter();
        set.filter_map(|name| Some((name, context.variable(name)?)))
            .filter(|(_, value)| is_worth(value))
            .collect()
    });
    // What they start has the same variables, which were then looked at: `GIT_SSH_COMMAND=git`.
    let inside = context
        .in_directory(None)
        .remembering_variables(GitCommands(OnceCell::from(Vec::new())));
    for (via, value) in variables {
        add_text(outer, via, value, NestedPlace::Here(None), &inside);
    }
    if outer.scope.is_empty() {
        return;
    }
    let mut found: Vec<(String, OsString)> = Vec::new();
    for (option, setting) in outer.scope.iter().zip(outer.scope.iter().skip(1)) {
        let Some((key, value)) = setting.to_str().and_then(|text| text.split_once('=')) else {
            continue;
        };
        let lower = key.to_ascii_lowercase();
        let is_command = |pattern: &&str| guard_ground::glob::matches(pattern, lower.as_bytes());
        if option == "-c" && COMMAND_SETTINGS.iter().any(is_command) {
            found.push((key.to_owned(), value.trim_start_matches('!').into()));
        }
    }
    for (via, value) in found.iter().filter(|(_, value)| is_worth(value)) {
        add_text(outer, via, value, NestedPlace::Here(None), context);
    }
}

fn add_script(
    outer: &mut Invocation,
    via: &str,
    script: &shell::Script,
    place: NestedPlace<'_>,
    context: &Context,
) {
    if let Some(problem) = &script.problem {
        outer.doubt(format!("{via}: {problem}"));
    }
    for command in &script.commands {
        let Some((program, arguments)) = command.words.split_first() else {
            continue;
        };
        let by_path = program.text.as_encoded_bytes().contains(&b'/');
        let name = path::base_name(&program.text);
        if command.remote || !(name == "git" || by_path) {
            continue;
        }
        let (directory, elsewhere) = match (&command.directory, place) {
            (shell::Directory::Known(there), NestedPlace::Here(Some(top))) => {
                (Some(top.join(there)), false)
            }
            (shell::Directory::Known(there), NestedPlace::Here(None)) => {
                (Some(there.clone()), false)
            }
            _ => (None, true),
        };
        let mut arguments: Vec<Word> = arguments.iter().map(Word::from).collect();
        if command.more_operands {
            arguments.push(Word {
                text: "…".into(),
                known: false,
            });
        }
        let inner = context.in_directory(directory.as_deref());
        let Some(invocation) = inner.nested((*name).as_ref(), &arguments) else {
            continue;
        };
        outer.nested.push(Nested {
            via: via.to_owned(),
            invocation,
            directory,
            elsewhere,
        });
    }
}
