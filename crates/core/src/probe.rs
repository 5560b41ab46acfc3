//! Running a real tool to look, never to change: with a deadline, no terminal to ask on, and a
//! bounded amount of output.

use guard_ground::time::timespec;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use crate::context::Context;
use guard_ground::progress::Progress;

/// Output beyond this many bytes is not read: the answer is then *unknown*.
const MAX_OUTPUT: usize = 256 << 20;

/// What a tool answered.
#[derive(Debug)]
pub struct ToolAnswer {
    /// Whether it exited with 0.
    pub success: bool,
    /// Its exit code, if it was not killed.
    pub code: Option<i32>,
    /// Standard output.
    pub output: Vec<u8>,
    /// Standard error.
    pub errors: Vec<u8>,
}

impl ToolAnswer {
    /// The line of standard error that says what went wrong, for messages.
    pub fn complaint(&self) -> String {
        let text = String::from_utf8_lossy(&self.errors);
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let line = lines
            .clone()
            .find(|line| line.starts_with("fatal:") || line.starts_with("error:"))
            .or_else(|| lines.next_back())
            .unwrap_or("no message");
        guard_ground::sanitize::cut(&guard_ground::sanitize::text(line.trim()), 200)
    }
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// The time budget ran out.
    TimedOut,
    /// More output than guard reads.
    TooMuch,
    /// The tool is not on PATH.
    NotFound(String),
    /// The system refused.
    System(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TimedOut => write!(formatter, "it took longer than the time budget"),
            Self::TooMuch => write!(formatter, "the tool printed more than guard reads"),
            Self::NotFound(name) => write!(formatter, "the real {name} was not found"),
            Self::System(reason) => write!(formatter, "{reason}"),
        }
    }
}

/// One look with a real tool.
#[derive(Clone, Debug)]
pub struct Probe<'a> {
    program: PathBuf,
    directory: PathBuf,
    context: &'a Context,
    variables: Vec<(&'static str, OsString)>,
    removed: &'static [&'static str],
    deadline: Instant,
    progress: Option<(&'a Progress, &'static str)>,
    outlives_nobody: bool,
    input: Feed,
}

/// What stands on a tool's standard input.
#[derive(Clone, Debug)]
enum Feed {
    Nothing,
    Bytes(Vec<u8>),
    File(Arc<File>),
    /// A pipe on which nothing comes, until the look ends.
    Held,
}

impl<'a> Probe<'a> {
    /// A probe with the real `tool` in `directory`, answering before `deadline`.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such tool besides guard.
    pub fn new(
        tool: &str,
        directory: &Path,
        context: &'a Context,
        deadline: Instant,
    ) -> Result<Self, Failure> {
        let program =
            guard_ground::real_tool::find(OsStr::new(tool), context.variable("PATH").as_deref())
                .ok_or_else(|| Failure::NotFound(tool.to_owned()))?;
        Ok(Self::of_program(program, directory, context, deadline))
    }

    /// A probe with any program.
    pub fn of_program(
        program: PathBuf,
        directory: &Path,
        context: &'a Context,
        deadline: Instant,
    ) -> Self {
        Self {
            program,
            directory: directory.to_owned(),
            context,
            variables: Vec::new(),
            removed: &[],
            deadline,
            progress: None,
            outlives_nobody: false,
            input: Feed::Nothing,
        }
    }

    /// The same look with this much time at most.
    #[must_use]
    pub fn within(&self, time: std::time::Duration) -> Self {
        let mut probe = self.clone();
        probe.deadline = probe.deadline.min(Instant::now() + time);
        probe
    }

    /// Sets a variable for the tool.
    #[must_use]
    pub fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// The same for a value that need not be text.
    #[must_use]
    pub fn variable_os(mut self, name: &'static str, value: OsString) -> Self {
        self.variables.push((name, value));
        self
    }

    /// Puts this on the tool's standard input.
    #[must_use]
    pub fn input(mut self, bytes: Vec<u8>) -> Self {
        self.input = Feed::Bytes(bytes);
        self
    }

    /// Takes variables away from the tool.
    #[must_use]
    pub fn without(mut self, names: &'static [&'static str]) -> Self {
        self.removed = names;
        self
    }

    /// Says on a person's terminal what it is doing, once that takes long.
    #[must_use]
    pub fn telling(mut self, progress: Option<&'a Progress>, what: &'static str) -> Self {
        self.progress = progress.map(|progress| (progress, what));
        self
    }

    /// The tool ends when guard is killed, in the way that an interrupt ends it.
    #[must_use]
    pub fn outliving_nobody(mut self) -> Self {
        self.outlives_nobody = true;
        self
    }

    /// The tool reads this file, from where it stands.
    #[must_use]
    pub fn reading(mut self, file: File) -> Self {
        self.input = Feed::File(Arc::new(file));
        self
    }

    /// The tool waits on its standard input until the look ends.
    #[must_use]
    pub fn held(mut self) -> Self {
        self.input = Feed::Held;
        self
    }

    /// Starts the tool and reads what it prints as it comes: it may be more than fits in memory.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stream<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Stream, Failure> {
        let Started {
            mut running,
            deadline,
        } = self.start(arguments)?;
        Ok(Stream {
            output: running.0.stdout.take(),
            complaints: running.0.stderr.take(),
            errors: Vec::new(),
            running,
            deadline,
        })
    }

    /// Runs the tool with these arguments.
    ///
    /// # Errors
    /// When there is no answer in time, too much of it, or the system refuses.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<ToolAnswer, Failure> {
        let started = self.start(arguments)?;
        listen(started.running, started.deadline, self.progress)
    }

    /// Starts the tool with these arguments, so that other looks can go on meanwhile. It ends when
    /// what is returned is dropped.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn start<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Started, Failure> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(&self.directory)
            .stdin(match &self.input {
                Feed::Nothing => Stdio::null(),
                Feed::Held | Feed::Bytes(_) => Stdio::piped(),
                Feed::File(file) => {
                    let file = file.try_clone();
                    file.map_err(|error| Failure::System(error.to_string()))?
                        .into()
                }
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in self.context.overlay() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        for name in self.removed {
            command.env_remove(name);
        }
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        // A session of its own: what the tool starts ends with it, and finds no terminal. What a
        // repository or a configuration names could otherwise put itself between the person and guard.
        let outlives_nobody = self.outlives_nobody;
        // SAFETY: between fork and exec this makes system calls, without memory of its own.
        #[allow(unsafe_code)]
        unsafe {
            command.pre_exec(move || {
                #[cfg(target_os = "linux")]
                if outlives_nobody {
                    let signal = rustix::process::Signal::INT;
                    rustix::process::set_parent_process_death_signal(Some(signal))?;
                }
                Ok(rustix::process::setsid().map(drop)?)
            });
        }
        let mut child = command
            .spawn()
            .map_err(|error| Failure::System(error.to_string()))?;
        if let Feed::Bytes(input) = &self.input
            && let Some(mut stdin) = child.stdin.take()
        {
            let input = input.clone();
            // Beside the reading of what it prints: neither waits for the other. What the tool does not
            // read is not needed.
            std::thread::spawn(move || {
                let _ = std::io::Write::write_all(&mut stdin, &input);
            });
        }
        Ok(Started {
            running: Running(child),
            deadline: self.deadline,
        })
    }
}

/// A look that goes on.
#[derive(Debug)]
pub struct Started {
    running: Running,
    deadline: Instant,
}

impl Started {
    /// Waits for the answer.
    ///
    /// # Errors
    /// When there is no answer in time, or too much of it.
    pub fn finish(self) -> Result<ToolAnswer, Failure> {
        listen(self.running, self.deadline, None)
    }
}

/// What a tool prints, read as it comes, until a deadline.
#[derive(Debug)]
pub struct Stream {
    running: Running,
    output: Option<ChildStdout>,
    complaints: Option<ChildStderr>,
    errors: Vec<u8>,
    deadline: Instant,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while let Some(output) = &mut self.output {
            let mut waiting = vec![PollFd::new(&*output, PollFlags::IN)];
            if let Some(pipe) = &self.complaints {
                waiting.push(PollFd::new(pipe, PollFlags::IN));
            }
            let left = self.deadline.checked_duration_since(Instant::now());
            let left = left.ok_or(std::io::ErrorKind::TimedOut)?;
            match poll(&mut waiting, Some(&timespec(left))) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            let mut ready = waiting.iter().map(|fd| !fd.revents().is_empty());
            let (printed, complained) = (ready.next() == Some(true), ready.next() == Some(true));
            drop(waiting);
            if complained && take(&mut self.complaints, &mut self.errors).is_err() {
                return Err(std::io::ErrorKind::OutOfMemory.into());
            }
            if printed {
                let read = output.read(buffer)?;
                if read == 0 {
                    self.output = None;
                }
                return Ok(read);
            }
        }
        Ok(0)
    }
}

impl Stream {
    /// Lets the tool end, and passes over what it still prints.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn end(mut self) -> Result<ToolAnswer, Failure> {
        drop(self.running.0.stdin.take());
        let copied = std::io::copy(&mut self, &mut std::io::sink());
        if let Err(error) = copied {
            return Err(if error.kind() == std::io::ErrorKind::TimedOut {
                Failure::TimedOut
            } else {
                Failure::System(error.to_string())
            });
        }
        // What it complained about at last is still in the pipe.
        let rest = listen_to(self.complaints.take(), self.deadline)?;
        self.errors.extend(rest);
        let status = self.running.0.wait();
        let status = status.map_err(|error| Failure::System(error.to_string()))?;
        Ok(ToolAnswer {
            success: status.success(),
            code: status.code(),
            output: Vec::new(),
            errors: std::mem::take(&mut self.errors),
        })
    }
}

impl Stream {
    /// What the tool complained about, once it has ended by itself.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn complaint(&mut self) -> Result<Vec<u8>, Failure> {
        let rest = listen_to(self.complaints.take(), self.deadline)?;
        self.errors.extend(rest);
        Ok(self.errors.clone())
    }
}

/// Everything from a pipe.
fn listen_to(mut pipe: Option<ChildStderr>, deadline: Instant) -> Result<Vec<u8>, Failure> {
    let mut all = Vec::new();
    while let Some(open) = &pipe {
        let left = deadline.checked_duration_since(Instant::now());
        let left = timespec(left.ok_or(Failure::TimedOut)?);
        match poll(&mut [PollFd::new(open, PollFlags::IN)], Some(&left)) {
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Failure::System(error.to_string())),
            Ok(0) => return Err(Failure::TimedOut),
            Ok(_) => take(&mut pipe, &mut all)?,
        }
    }
    Ok(all)
}

/// A child that does not outlive its reader.
#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let group = i32::try_from(self.0.id())
                .ok()
                .and_then(rustix::process::Pid::from_raw);
            if let Some(group) = group {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// How often progress is shown.
const TICK: Duration = Duration::from_millis(500);

fn listen(
    mut running: Running,
    deadline: Instant,
    progress: Option<(&Progress, &str)>,
) -> Result<ToolAnswer, Failure> {
    let began = Instant::now();
    let system = |error: rustix::io::Errno| Failure::System(error.to_string());
    let mut stdout = running.0.stdout.take();
    let mut stderr = running.0.stderr.take();
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    while stdout.is_some() || stderr.is_some() {
        let mut waiting = Vec::with_capacity(2);
        if let Some(pipe) = &stdout {
            waiting.push(PollFd::new(pipe, PollFlags::IN));
        }
        if let Some(pipe) = &stderr {
            waiting.push(PollFd::new(pipe, PollFlags::IN));
        }
        let left = deadline
            .checked_duration_since(Instant::now())
            .ok_or(Failure::TimedOut)?;
        let patience = if progress.is_some() {
            left.min(TICK)
        } else {
            left
        };
        let ready = match poll(&mut waiting, Some(&timespec(patience))) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other.map_err(system)?,
        };
        if let Some((progress, what)) = progress {
            progress.show(&format!("{what}, {} s", began.elapsed().as_secs()));
        }
        if ready == 0 && patience == left {
            return Err(Failure::TimedOut);
        }
        let mut events = waiting
            .iter()
            .map(|fd| !fd.revents().is_empty())
            .collect::<Vec<_>>()
            .into_iter();
        if stdout.is_some() && events.next() == Some(true) {
            take(&mut stdout, &mut output)?;
        }
        if stderr.is_some() && events.next() == Some(true) {
            take(&mut stderr, &mut errors)?;
        }
    }
    let status = running
        .0
        .wait()
        .map_err(|error| Failure::System(error.to_string()))?;
    Ok(ToolAnswer {
        success: status.success(),
        code: status.code(),
        output,
        errors,
    })
}

fn take(pipe: &mut Option<impl Read>, into: &mut Vec<u8>) -> Result<(), Failure> {
    let mut buffer = [0_u8; 16384];
    let read = pipe
        .as_mut()
        .map_or(0, |pipe| pipe.read(&mut buffer).unwrap_or(0));
    into.extend_from_slice(buffer.get(..read).unwrap_or_default());
    if read == 0 {
        *pipe = None;
    }
    if into.len() > MAX_OUTPUT {
        return Err(Failure::TooMuch);
    }
    Ok(())
}
