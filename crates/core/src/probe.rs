//! Running a real tool to look, never to change: with a deadline, no terminal to ask on, and a
//! bounded amount of output.

mod answer;
mod pipes;
mod stream;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use crate::context::Context;
use guard_ground::progress::Progress;
use pipes::{Running, listen};

pub use answer::{Failure, ToolAnswer};
pub use stream::Stream;

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
        let mut command = self.command(arguments)?;
        self.set_apart(&mut command);
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

    /// The tool with its arguments, pipes and variables.
    fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Command, Failure> {
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
        Ok(command)
    }

    /// A session of its own: what the tool starts ends with it, and finds no terminal. What a
    /// repository or a configuration names could otherwise put itself between the person and guard.
    fn set_apart(&self, command: &mut Command) {
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
