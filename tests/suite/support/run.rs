//! Running a command without a terminal.

use std::ffi::{OsStr, OsString};
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::detached::{self, Settings};
use super::{Person, World};

/// How a command ended and what it printed.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output; on a terminal everything that the screen showed.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// How long it took.
    pub time: Duration,
}

impl Outcome {
    pub(super) fn new(status: i32, stdout: &[u8], stderr: &[u8], time: Duration) -> Self {
        Self {
            code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
            signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
            stdout: String::from_utf8_lossy(stdout).into_owned(),
            stderr: String::from_utf8_lossy(stderr).into_owned(),
            time,
        }
    }

    /// It ran, guard said nothing, and the tool was content.
    #[track_caller]
    pub fn ran(&self) -> &Self {
        assert_eq!((self.code, self.guard_said()), (Some(0), false), "{self:?}");
        self
    }

    /// guard blocked it, and says so to the agent.
    #[track_caller]
    pub fn blocked(&self) -> &Self {
        assert_eq!(self.code, Some(77), "{self:?}");
        assert!(self.stderr.starts_with("guard: blocked"), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        self
    }

    /// Standard error holds this text.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "{text:?} is not in {self:?}");
        self
    }

    /// Whether guard printed anything.
    pub fn guard_said(&self) -> bool {
        self.stderr.lines().any(|line| line.starts_with("guard:"))
    }
}

/// A command to run.
pub struct Run<'w> {
    pub(super) world: &'w World,
    words: Vec<OsString>,
    program: Option<PathBuf>,
    directory: PathBuf,
    variables: Vec<(OsString, Option<OsString>)>,
    input: Vec<u8>,
    settings: Settings,
    patience: Duration,
}

impl<'w> Run<'w> {
    pub(super) fn new<S: AsRef<OsStr>>(world: &'w World, words: &[S]) -> Self {
        Self {
            world,
            words: words.iter().map(|word| word.as_ref().to_owned()).collect(),
            program: None,
            directory: world.path("app"),
            variables: Vec::new(),
            input: Vec::new(),
            settings: Settings::default(),
            patience: Duration::from_secs(60),
        }
    }

    /// The file to execute, when it is not what the first word finds on PATH.
    pub fn program(mut self, program: impl AsRef<Path>) -> Self {
        self.program = Some(program.as_ref().to_owned());
        self
    }

    /// Runs in another directory of the world.
    pub fn directory(mut self, relative: &str) -> Self {
        self.directory = self.world.path(relative);
        self
    }

    /// With a variable.
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables
            .push((name.into(), Some(value.as_ref().to_owned())));
        self
    }

    /// Without a variable.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.push((name.into(), None));
        self
    }

    /// With other directories on PATH.
    pub fn search(self, directories: &[PathBuf]) -> Self {
        self.variable("PATH", std::env::join_paths(directories).unwrap())
    }

    /// With this on standard input.
    pub fn input(mut self, text: impl AsRef<[u8]>) -> Self {
        text.as_ref().clone_into(&mut self.input);
        self
    }

    /// With standard streams closed.
    pub fn closed(mut self, streams: &'static [i32]) -> Self {
        self.settings.closed = streams;
        self
    }

    /// With signals that were ignored, and signals that were blocked, by whoever started it.
    pub fn signals(mut self, ignored: &'static [i32], blocked: &'static [i32]) -> Self {
        self.settings.ignored = ignored;
        self.settings.blocked = blocked;
        self
    }

    /// As a user whom file permissions stop.
    pub fn by_nobody(mut self) -> Self {
        self.settings.nobody = true;
        self
    }

    /// The test fails when it takes longer.
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    fn command(&self) -> Command {
        use std::os::unix::process::CommandExt as _;
        let (name, arguments) = self.words.split_first().unwrap();
        let mut command = Command::new(
            self.program
                .as_deref()
                .map_or(name.as_os_str(), Path::as_os_str),
        );
        command
            .arg0(name)
            .args(arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(self.world.environment());
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Outcome {
        let began = Instant::now();
        let output = self.output();
        let status = output.status.into_raw();
        Outcome::new(status, &output.stdout, &output.stderr, began.elapsed())
    }

    /// Runs it to its end; every byte that it printed.
    #[track_caller]
    pub fn output(self) -> Output {
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.input.is_empty() {
            command.stdin(Stdio::null());
        } else {
            command.stdin(Stdio::piped());
        }
        let mut started = detached::start(&mut command, self.settings, None);
        let mut stdin = started.streams.stdin.take();
        let mut stdout = started.streams.stdout.take().unwrap();
        let mut stderr = started.streams.stderr.take().unwrap();
        let (mut printed, mut complained) = (Vec::new(), Vec::new());
        let status = std::thread::scope(|scope| {
            scope.spawn(|| {
                if let Some(mut stdin) = stdin.take() {
                    // The command need not read it.
                    let _ = stdin.write_all(&self.input);
                }
            });
            scope.spawn(|| stdout.read_to_end(&mut printed));
            scope.spawn(|| stderr.read_to_end(&mut complained));
            let left = Timespec::try_from(self.patience).unwrap();
            let mut waiting = [PollFd::new(&started.report, PollFlags::IN)];
            let ended = poll(&mut waiting, Some(&left)).unwrap();
            if ended == 0 {
                detached::end(started.id);
            }
            (ended > 0).then(|| started.number())
        });
        let output = Output {
            status: ExitStatus::from_raw(status.unwrap_or(libc::SIGKILL)),
            stdout: printed,
            stderr: complained,
        };
        assert!(
            status.is_some(),
            "{:?} still ran after {:?}: {output:?}",
            self.words,
            self.patience
        );
        output
    }

    /// Runs it on a pseudo-terminal that a person sits at.
    pub fn at_terminal(self) -> Person {
        let mut command = self.command();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Person::start(&mut command, self.settings)
    }
}
