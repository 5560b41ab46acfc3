//! What guard says on stderr.

use std::io::Write as _;

/// Prints one line to stderr. A closed or full stderr changes nothing: the exit code says it too.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "guard: {line}");
}

/// Prints a text to stderr.
pub fn print(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
