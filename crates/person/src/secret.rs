//! Reading a passphrase: without echo, with a deadline, and with the terminal's modes put back on
//! every way out but SIGKILL.

use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr,
    tcsetattr,
};
use zeroize::Zeroizing;

use super::prompt::{Answer, Line, Signals, read_line};

/// The modes to go back to.
struct Quiet<'t> {
    terminal: &'t File,
    before: Termios,
}

impl<'t> Quiet<'t> {
    /// Turns the echo off, and ^Z: a suspended guard would leave the shell without echo.
    fn on(terminal: &'t File) -> std::io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        quiet
            .local_modes
            .insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        // 0 is _POSIX_VDISABLE on Linux and macOS (termios(3)).
        quiet.special_codes[SpecialCodeIndex::VSUSP] = 0;
        tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// From here on no other program of the user's can trace this process or read its memory (prctl(2),
/// `PR_SET_DUMPABLE`); the real tool is open again.
fn close_to_others() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Asks for a secret on the terminal.
///
/// # Errors
/// How the question ended without one.
pub fn ask(
    terminal: &mut File,
    question: &str,
    time: Duration,
) -> Result<Zeroizing<Vec<u8>>, Answer> {
    close_to_others();
    let mut signals = Signals::listen().map_err(|_| Answer::Refused)?;
    let deadline = Instant::now() + time;
    let modes = terminal.try_clone().map_err(|_| Answer::Refused)?;
    let _quiet = Quiet::on(&modes).map_err(|_| Answer::Refused)?;
    loop {
        let _ = tcflush(&*terminal, QueueSelector::IFlush);
        let _ = terminal.write_all(question.as_bytes());
        match read_line(terminal, &mut signals, deadline) {
            Line::Text(text) if text.is_empty() => return Err(Answer::Refused),
            Line::Text(text) => return Ok(text),
            Line::Continued => {}
            Line::End => return Err(Answer::Refused),
            Line::TimedOut => return Err(Answer::TimedOut),
            Line::Signal(number) => return Err(Answer::Interrupted(number)),
        }
    }
}
