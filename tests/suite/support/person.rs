//! A person at a pseudo-terminal.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

use super::detached::{self, Settings, Started};
use super::run::Outcome;

/// Nothing that a person waits for takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A person who reads the screen and types.
pub struct Person {
    started: Started,
    link: UnixStream,
    screen: Vec<u8>,
    /// What lies before has been read.
    read: usize,
    began: Instant,
}

impl Person {
    pub(super) fn start(command: &mut Command, settings: Settings) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let started = detached::start(command, settings, Some(&theirs));
        drop(theirs);
        ours.set_read_timeout(Some(Duration::from_millis(10)))
            .unwrap();
        Self {
            started,
            link: ours,
            screen: Vec::new(),
            read: 0,
            began: Instant::now(),
        }
    }

    /// Sends guard a signal, while it asks.
    pub fn signal(&self, number: i32) {
        detached::signal(self.innermost(), number);
    }

    /// Types these keys.
    pub fn keys(&mut self, keys: &str) {
        self.link.write_all(keys.as_bytes()).unwrap();
    }

    /// Types a line.
    pub fn line(&mut self, text: &str) {
        self.keys(&format!("{text}\r"));
    }

    /// Everything that the screen showed so far.
    pub fn screen(&mut self) -> String {
        self.look();
        String::from_utf8_lossy(&self.screen).replace("\r\n", "\n")
    }

    /// Takes in what has been printed; false when nothing more will come.
    fn look(&mut self) -> bool {
        let mut buffer = [0_u8; 4096];
        match self.link.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.screen.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => true,
            Err(error) => panic!("the terminal: {error}"),
        }
    }

    /// Waits until the screen shows `text` after what was read before; what stood there up to its
    /// end.
    #[track_caller]
    pub fn until(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let new = String::from_utf8_lossy(&self.screen[self.read..]).into_owned();
            if let Some(at) = new.find(text) {
                let seen = new[..at + text.len()].to_owned();
                self.read += seen.len();
                return seen.replace("\r\n", "\n");
            }
            let open = self.look();
            assert!(
                open && Instant::now() < deadline,
                "{text:?} did not appear; the screen: {}",
                self.screen()
            );
        }
    }

    /// Waits for the question; the phrase that it asks for. guard is then ready to read.
    #[track_caller]
    pub fn phrase(&mut self) -> String {
        self.until("type exactly:");
        let phrase = self.until("\r\n").trim().to_owned();
        self.until("\n> ");
        self.settled();
        phrase
    }

    /// Waits for a question after which nothing is echoed, and answers it.
    #[track_caller]
    pub fn secret(&mut self, question: &str, answer: &str) {
        self.until(question);
        if !question.ends_with(": ") {
            self.until(": ");
        }
        self.settled();
        self.line(answer);
    }

    /// Waits until the innermost process sleeps. What is typed before it does is type-ahead, which
    /// guard throws away.
    pub fn settled(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if stat(self.innermost()).is_some_and(|fields| fields[0] == "S") {
                return;
            }
            self.look();
        }
        panic!("no process waits for input: {}", self.screen());
    }

    /// The process at the end of the chain of children: guard, while it asks.
    pub fn innermost(&self) -> i32 {
        let mut innermost = self.started.id;
        while let Some(child) = child_of(innermost) {
            innermost = child;
        }
        innermost
    }

    /// The terminal's modes.
    pub fn modes(&self) -> String {
        let terminal = detached::open_terminal(self.started.terminal);
        format!("{:?}", rustix::termios::tcgetattr(&terminal).unwrap())
    }

    /// Waits for the command's end.
    #[track_caller]
    pub fn ends(self) -> Outcome {
        self.ends_within(PATIENCE)
    }

    /// The same with another patience.
    #[track_caller]
    pub fn ends_within(mut self, patience: Duration) -> Outcome {
        let deadline = Instant::now() + patience;
        while self.look() {
            assert!(
                Instant::now() < deadline,
                "it has not ended; the screen: {}",
                self.screen()
            );
        }
        let status = self.started.number();
        let screen = String::from_utf8_lossy(&self.screen).replace("\r\n", "\n");
        Outcome::new(status, screen.as_bytes(), b"", self.began.elapsed())
    }
}

fn child_of(parent: i32) -> Option<i32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .find(|id| stat(*id).is_some_and(|fields| fields[1] == parent.to_string()))
}

/// The fields of `/proc/ID/stat` from the state on (proc(5)).
fn stat(id: i32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}
