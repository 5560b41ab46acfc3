//! Standard streams that the caller closed.
//!
//! A file that guard opens would take their number, and a message for stderr could end in the
//! audit log. So before guard opens anything that it writes to, closed ones are filled with
//! /dev/null, in a way that the real tool finds them closed again.

use std::fs::OpenOptions;
use std::os::fd::IntoRawFd as _;

/// Fills closed standard streams. Harmless when called again.
pub fn fill() {
    // The standard library opens files close-on-exec, so the real tool does not inherit these.
    while let Ok(file) = OpenOptions::new().read(true).write(true).open("/dev/null") {
        if into_number(file) > 2 {
            break;
        }
    }
}

/// Keeps the low numbers open; a higher one is closed again.
fn into_number(file: std::fs::File) -> i32 {
    use std::os::fd::AsRawFd as _;
    let number = file.as_raw_fd();
    if number <= 2 {
        return file.into_raw_fd();
    }
    number
}

/// Prints bytes to standard output and standard error. Nobody there to read them changes nothing.
pub fn print(output: &[u8], errors: &[u8]) {
    use std::io::Write as _;
    let mut stdout = std::io::stdout();
    let _ = stdout.write_all(output).and_then(|()| stdout.flush());
    let _ = std::io::stderr().write_all(errors);
}
