//! The exit codes of guard itself. The real tool's own codes pass through untouched, because guard
//! becomes the tool.

/// Done, or a command that would run.
pub const OK: i32 = 0;
/// A guard command failed for the reason it printed.
pub const FAILURE: i32 = 1;
/// guard's own command line was wrong.
pub const USAGE: i32 = 2;
/// Blocked: denied, or waiting for a person.
pub const BLOCKED: i32 = 77;
/// guard's own configuration is broken and the command was not plainly harmless.
pub const BROKEN: i32 = 78;
/// The real tool was found but cannot be executed (sh(1), "Exit status").
pub const NOT_EXECUTABLE: i32 = 126;
/// The real tool was not found (sh(1), "Exit status").
pub const NOT_FOUND: i32 = 127;
