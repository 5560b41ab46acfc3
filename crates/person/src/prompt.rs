//! The question on the terminal: the dry run, the phrase, three tries, a deadline.
//!
//! The terminal's modes are not changed for it, so there is nothing to restore: not after a signal,
//! not after ^Z, not when guard is killed. (A passphrase is read by [`super::secret`].)
//!
//! That is why it is own code: `dialoguer` knows no deadline, takes what was typed ahead for an answer, and
//! leaves modes changed when it is killed. For menus, in which nothing is agreed to, guard uses it.

use guard_ground::signals::is_ignored;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Once};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{QueueSelector, tcflush};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use zeroize::Zeroizing;

use guard_ground::time::timespec;

/// Longer answers are wrong answers.
const MAX_ANSWER: usize = 4096;

/// How a question ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The phrase was typed.
    Approved,
    /// It was not: by an empty line, the end of input, or too many wrong tries.
    Refused,
    /// Nobody answered in time.
    TimedOut,
    /// This signal ended the question.
    Interrupted(i32),
}

/// A question that waits for a phrase.
pub struct Question<'a> {
    /// Everything that the person should read first.
    pub text: &'a str,
    /// What they type.
    pub phrase: &'a str,
    /// Wrong phrases before the answer is no.
    pub tries: u32,
    /// How long the question stays open.
    pub time: Duration,
}

impl Question<'_> {
    /// Asks on `terminal`.
    pub fn ask(&self, terminal: &mut File) -> Answer {
        let Ok(mut signals) = Signals::listen() else {
            return Answer::Refused;
        };
        let deadline = Instant::now() + self.time;
        let _ = terminal.write_all(self.text.as_bytes());
        let mut tries = self.tries;
        while tries > 0 {
            // What was typed before the question could be read answers nothing.
            let _ = tcflush(&*terminal, QueueSelector::IFlush);
            self.show(terminal, tries, deadline);
            match read_line(terminal, &mut signals, deadline).words() {
                Line::Text(text) if *text == *self.phrase.as_bytes() => return Answer::Approved,
                Line::Text(text) if text.is_empty() => return Answer::Refused,
                Line::Text(_) => {
                    tries -= 1;
                    let _ = terminal.write_all(b"That is not the phrase.\n");
                }
                Line::Continued => {}
                Line::End => return Answer::Refused,
                Line::TimedOut => {
                    let _ = terminal.write_all(b"\nNo answer in time.\n");
                    return Answer::TimedOut;
                }
                Line::Signal(number) => {
                    let _ = terminal.write_all(b"\n");
                    return Answer::Interrupted(number);
                }
            }
        }
        Answer::Refused
    }

    fn show(&self, terminal: &mut File, tries: u32, deadline: Instant) {
        let seconds = deadline.saturating_duration_since(Instant::now()).as_secs();
        let tries = if tries == 1 {
            "1 try".to_owned()
        } else {
            format!("{tries} tries")
        };
        let _ = write!(
            terminal,
            "\nTo run it, type exactly:  {}\nTo stop, press Enter. ({tries}, {seconds} s)\n> ",
            self.phrase
        );
        let _ = terminal.flush();
    }
}

/// One free answer, in plain text; `None` when there is none.
pub fn answer(terminal: &mut File, time: Duration) -> Option<String> {
    let mut signals = Signals::listen().ok()?;
    let deadline = Instant::now() + time;
    match read_line(terminal, &mut signals, deadline).words() {
        Line::Text(text) => String::from_utf8(text.to_vec()).ok(),
        _ => None,
    }
}

/// Lets a person choose in a menu of somebody else's making; which signal arrived meanwhile, if one did.
/// It ends the menu and not the process, so that the terminal is left as it was.
///
/// # Errors
/// When signals cannot be listened to.
pub fn choosing<T>(choose: impl FnOnce() -> T) -> std::io::Result<Result<T, i32>> {
    let mut signals = Signals::listen()?;
    let chosen = choose();
    Ok(
        match signals.take().filter(|number| ENDING.contains(number)) {
            Some(number) => Err(number),
            None => Ok(chosen),
        },
    )
}

pub(super) enum Line {
    Text(Zeroizing<Vec<u8>>),
    Continued,
    End,
    TimedOut,
    Signal(i32),
}

impl Line {
    /// The line's words, with one blank between them.
    pub(super) fn words(self) -> Self {
        match self {
            Self::Text(text) => {
                let words = text
                    .split(u8::is_ascii_whitespace)
                    .filter(|word| !word.is_empty());
                Self::Text(words.collect::<Vec<_>>().join(&b' ').into())
            }
            other => other,
        }
    }
}

/// One line, as it was typed. In a terminal's usual mode the kernel hands over whole
/// lines; where a program left it raw, the line ends at either end-of-line byte.
pub(super) fn read_line(terminal: &mut File, signals: &mut Signals, deadline: Instant) -> Line {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
    loop {
        let Some(left) = deadline.checked_duration_since(Instant::now()) else {
            return Line::TimedOut;
        };
        let (typed, signalled) = {
            let mut waiting = [
                PollFd::new(&*terminal, PollFlags::IN),
                PollFd::new(&signals.pipe, PollFlags::IN),
            ];
            match poll(&mut waiting, Some(&timespec(left))) {
                Ok(0) => return Line::TimedOut,
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Line::End,
            }
            let [typed, signalled] = waiting;
            (!typed.revents().is_empty(), !signalled.revents().is_empty())
        };
        if signalled && let Some(number) = signals.take() {
            return if number == SIGCONT {
                Line::Continued
            } else {
                Line::Signal(number)
            };
        }
        if typed {
            let mut buffer = Zeroizing::new([0_u8; 512]);
            match terminal.read(&mut *buffer) {
                Ok(0) => return Line::End,
                Ok(count) => line.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                // The terminal is gone, or we no longer stand in its foreground.
                Err(_) => return Line::End,
            }
            if let Some(end) = line
                .iter()
                .position(|byte| matches!(byte, b'\n' | b'\r' | 3 | 4))
            {
                if matches!(line.get(end), Some(3 | 4)) {
                    return Line::End;
                }
                line.truncate(end);
                return Line::Text(line);
            }
            if line.len() > MAX_ANSWER {
                return Line::Text(b"?".to_vec().into());
            }
        }
    }
}

/// Signals that end a question.
const ENDING: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// Whether signals that end a question end this process instead: between questions.
static UNASKED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Signals during the question arrive through a pipe; between questions, and after the last, they
/// end the process as they did before it. Those that were ignored when guard started stay ignored;
/// the others have their default action again once the tool is executed (execve(2)).
pub(super) struct Signals {
    pipe: UnixStream,
    pending: Vec<(i32, Arc<AtomicBool>)>,
    registered: Vec<signal_hook::SigId>,
}

impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        static FIRST: Once = Once::new();
        FIRST.call_once(|| {
            for number in ENDING {
                if !is_ignored(number) {
                    let unasked = Arc::clone(&UNASKED);
                    let _ = signal_hook::flag::register_conditional_default(number, unasked);
                }
            }
        });
        let (pipe, sender) = UnixStream::pair()?;
        pipe.set_nonblocking(true)?;
        let mut signals = Self {
            pipe,
            pending: Vec::new(),
            registered: Vec::new(),
        };
        for number in ENDING.into_iter().chain([SIGCONT]) {
            if is_ignored(number) {
                continue;
            }
            let flag = Arc::default();
            signals
                .registered
                .push(signal_hook::flag::register(number, Arc::clone(&flag))?);
            signals
                .registered
                .push(signal_hook::low_level::pipe::register(
                    number,
                    sender.try_clone()?,
                )?);
            signals.pending.push((number, flag));
        }
        UNASKED.store(false, Ordering::SeqCst);
        Ok(signals)
    }

    /// The signal that arrived; those that end the question come before a mere continuation.
    fn take(&mut self) -> Option<i32> {
        let mut drained = [0_u8; 64];
        while self.pipe.read(&mut drained).is_ok_and(|count| count > 0) {}
        self.pending
            .iter()
            .filter(|(_, flag)| flag.swap(false, Ordering::SeqCst))
            .map(|(number, _)| *number)
            .next()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        UNASKED.store(true, Ordering::SeqCst);
        // One that came with the answer is not lost.
        if let Some(number) = self.take().filter(|number| ENDING.contains(number)) {
            let _ = signal_hook::low_level::emulate_default_handler(number);
        }
        for registered in self.registered.drain(..) {
            signal_hook::low_level::unregister(registered);
        }
    }
}
