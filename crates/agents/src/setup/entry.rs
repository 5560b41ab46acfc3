//! guard's entry in an agent's configuration: whether a command is one, and what became of adding it.

use super::manifest::Trace;
use guard_ground::sanitize;

/// What became of a file that was to get a hook.
pub enum HookOutcome {
    /// The new text, and how it is taken out again.
    Change(Vec<u8>, Trace),
    /// It stands there.
    Done,
}

/// Whether a command line is guard's hook for an agent.
pub(super) fn is_hook(command: &str, word: &str) -> bool {
    command
        .trim()
        .strip_suffix(word)
        .and_then(|rest| rest.trim_end().strip_suffix("hook"))
        .is_some_and(|rest| {
            rest.trim_end()
                .trim_end_matches(['\'', '"'])
                .ends_with("guard")
        })
}

/// A hook is there already: is it this guard's?
pub(super) fn is_ours(shown: &str, there: &str, command: &str) -> Result<HookOutcome, String> {
    if there == command || shlex::split(there) == shlex::split(command) {
        return Ok(HookOutcome::Done);
    }
    Err(format!(
        "{shown} already calls another guard: {}; take that out first, with guard setup --undo or by hand",
        sanitize::text(there)
    ))
}
