//! Becoming the real tool.
//!
//! The environment is handed on untouched but for guard's own loop counter; argv\[0\], the signal
//! mask and the signal dispositions stay as they were inherited. `std`'s `Command::exec` cannot be
//! used: it empties the signal mask and resets SIGPIPE.

use std::ffi::{CString, OsStr, OsString};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// `DEPTH:REPEATS:HASH`: how many guards stand above this process, how many of them in a row
/// judged this same command, and which one it was. It can only stop a command, never pass one.
const COUNTER: &str = "GUARD_LOOP";
/// The same command through this many guards in a row is a loop.
const MAX_REPEATS: u32 = 12;
/// Different commands nest less deeply than this.
const MAX_DEPTH: u32 = 200;

/// A loop: another shim calls guard back without end.
#[derive(Debug, PartialEq, Eq)]
pub struct Loop;

/// The loop counter that the next guard will see.
#[derive(Debug, PartialEq, Eq)]
pub struct LoopCounter(String);

impl LoopCounter {
    /// Counts this guard for `argv`.
    ///
    /// # Errors
    /// [`Loop`] when the same command came through guard too often, or too many stand above.
    pub fn next(argv: &[OsString]) -> Result<Self, Loop> {
        let mut hasher = DefaultHasher::new();
        argv.hash(&mut hasher);
        Self::after(std::env::var_os(COUNTER).as_deref(), hasher.finish())
    }

    fn after(previous: Option<&OsStr>, hash: u64) -> Result<Self, Loop> {
        let mut fields = previous.and_then(OsStr::to_str).unwrap_or("").split(':');
        let mut number = |radix| {
            fields
                .next()
                .and_then(|field| u64::from_str_radix(field, radix).ok())
        };
        let (depth, repeats, last) = (number(10), number(10), number(16));
        let depth = depth
            .and_then(|depth| u32::try_from(depth).ok())
            .unwrap_or(0)
            + 1;
        let repeats = match (
            repeats.and_then(|repeats| u32::try_from(repeats).ok()),
            last,
        ) {
            (Some(repeats), Some(last)) if last == hash => repeats + 1,
            _ => 0,
        };
        if depth > MAX_DEPTH || repeats >= MAX_REPEATS {
            return Err(Loop);
        }
        Ok(Self(format!("{depth}:{repeats}:{hash:x}")))
    }
}

/// Replaces this process by `program`. Returns only when that failed, with the system's reason.
pub fn become_tool(program: &Path, argv: &[OsString], counter: &LoopCounter) -> std::io::Error {
    // SAFETY: guard has no other thread when it execs (previews join theirs), so nothing reads the
    // environment while it is changed.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var(COUNTER, &counter.0);
    }
    become_program(program, argv)
}

/// Replaces this process by a program that is no tool: an agent, a shell. The environment stays.
/// Returns only when that failed, with the system's reason.
pub fn become_program(program: &Path, argv: &[OsString]) -> std::io::Error {
    let path = CString::new(program.as_os_str().as_bytes());
    let arguments: Result<Vec<CString>, _> = argv
        .iter()
        .map(|word| CString::new(word.as_bytes()))
        .collect();
    let (Ok(path), Ok(arguments)) = (path, arguments) else {
        // The kernel never hands over an argument with a NUL inside.
        return std::io::ErrorKind::InvalidInput.into();
    };
    let mut pointers: Vec<*const libc::c_char> =
        arguments.iter().map(|argument| argument.as_ptr()).collect();
    pointers.push(std::ptr::null());
    // SAFETY: `path` and every argument are NUL-terminated and live until the call returns, and
    // the list of pointers ends with a null pointer, as execv(3) asks.
    #[allow(unsafe_code)]
    unsafe {
        libc::execv(path.as_ptr(), pointers.as_ptr());
    }
    std::io::Error::last_os_error()
}

/// The same with these variables set.
pub fn become_program_with(
    program: &Path,
    argv: &[OsString],
    variables: &[(OsString, OsString)],
) -> std::io::Error {
    for (name, value) in variables {
        // `set_var` would not return from a name or a value that cannot be set.
        let name_holds =
            !name.is_empty() && !name.as_bytes().iter().any(|byte| matches!(byte, 0 | b'='));
        if !name_holds || value.as_bytes().contains(&0) {
            return std::io::ErrorKind::InvalidInput.into();
        }
        // SAFETY: as in `become_tool`: guard has no other thread here.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var(name, value);
        }
    }
    become_program(program, argv)
}

/// The same without these variables.
pub fn become_tool_without(
    program: &Path,
    argv: &[OsString],
    removed: &[&str],
    counter: &LoopCounter,
) -> std::io::Error {
    for name in removed {
        // SAFETY: as in `become_tool`: guard has no other thread here.
        #[allow(unsafe_code)]
        unsafe {
            std::env::remove_var(name);
        }
    }
    become_tool(program, argv, counter)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_same_command_again_and_again_is_a_loop() {
        let mut counter = LoopCounter::after(None, 7).unwrap();
        for _ in 1..MAX_REPEATS {
            counter = LoopCounter::after(Some(OsStr::new(&counter.0)), 7).unwrap();
        }
        assert_eq!(
            LoopCounter::after(Some(OsStr::new(&counter.0)), 7),
            Err(Loop)
        );
        assert!(LoopCounter::after(Some(OsStr::new(&counter.0)), 8).is_ok());
    }

    #[test]
    fn nested_commands_are_no_loop_until_they_are_absurdly_deep() {
        let mut counter = LoopCounter::after(None, 0).unwrap();
        for depth in 1..u64::from(MAX_DEPTH) {
            counter = LoopCounter::after(Some(OsStr::new(&counter.0)), depth).unwrap();
        }
        assert_eq!(
            LoopCounter::after(Some(OsStr::new(&counter.0)), 999),
            Err(Loop)
        );
    }

    #[test]
    fn nonsense_in_the_counter_starts_anew() {
        for nonsense in ["", "x", "-1:0:0", "1:2", "99999999999999999999:1:1", "::::"] {
            assert!(
                LoopCounter::after(Some(OsStr::new(nonsense)), 1).is_ok(),
                "{nonsense}"
            );
        }
    }
}
