//! A stand-in for what a destructive command would take: a small directory among guard's own files, which
//! no command may delete. `guard doctor` sends a real `rm -r` at it through each way that commands
//! take. Where guard stands in the way, it is still there afterwards; where not, nothing of value is gone.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use guard_core::context::Context;
use guard_core::place::{Placed, Resolved};
use guard_core::probe::{Failure, Probe, ToolAnswer};
use guard_core::verdict::Verdict;
use guard_ground::exit_code;

/// How long one way may take: a shell may read long start-up files.
const PATIENCE: Duration = Duration::from_secs(10);

/// The directory that stand-ins lie in, in the state directory.
const DIRECTORY: &str = "doctor";

/// How the audit log calls the refusal of a command: what is aimed at stand-ins alone is told apart.
pub fn refusal(verdict: &Verdict, state: Option<&Path>) -> &'static str {
    let above = state.and_then(|state| state.canonicalize().ok());
    let is_stand_in = |placed: &Placed| {
        let path = placed.path.as_ref().map(Resolved::as_path);
        path.zip(above.as_deref())
            .is_some_and(|(path, state)| path.starts_with(state.join(DIRECTORY)))
    };
    if !verdict.places.is_empty() && verdict.places.iter().all(is_stand_in) {
        "stand-in held"
    } else {
        "denied"
    }
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StandInFate {
    /// guard blocked the command, and it is still there.
    Held,
    /// It is gone.
    Gone,
    /// The command did not get as far as that.
    Unproven(String),
}

/// A stand-in; taken away when dropped.
#[derive(Debug)]
pub struct StandIn {
    directory: PathBuf,
}

impl StandIn {
    /// Puts one into the state directory.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn new(state: &Path) -> io::Result<Self> {
        let above = state.join(DIRECTORY);
        std::fs::create_dir_all(&above)?;
        let directory = (0..u32::MAX)
            .map(|number| above.join(format!("{}-{number}", std::process::id())))
            .find(|path| std::fs::create_dir(path).is_ok())
            .ok_or_else(|| io::Error::other("no name is left"))?;
        let stand_in = Self { directory };
        stand_in.put()?;
        Ok(stand_in)
    }

    /// What the command is to delete.
    pub fn target(&self) -> PathBuf {
        self.directory.join("stand-in")
    }

    /// Where it lies, for what has to be told in a file.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Puts it back after it went.
    fn put(&self) -> io::Result<()> {
        std::fs::create_dir_all(self.target())?;
        std::fs::write(self.target().join("file"), "guard doctor put this here.\n")
    }

    /// The command that would delete it, as a shell reads it, with `rm` called like this.
    pub fn command(&self, rm: &str) -> OsString {
        let target = self.target();
        let quoted = shlex::bytes::try_quote(target.as_os_str().as_encoded_bytes());
        let mut line = OsString::from(format!("{rm} -r "));
        match quoted {
            Ok(quoted) => {
                use std::os::unix::ffi::OsStrExt as _;
                line.push(OsStr::from_bytes(&quoted));
            }
            // A NUL cannot stand in a path.
            Err(_) => line.push("."),
        }
        line
    }

    /// Runs a program that is told about it; what it printed.
    ///
    /// # Errors
    /// When it does not run to its end in time, or fails.
    pub fn hear(
        &self,
        program: &Path,
        arguments: &[OsString],
        context: &Context,
    ) -> Result<Vec<u8>, String> {
        let answer = self
            .run(program, arguments, context)
            .map_err(|failure| failure.to_string())?;
        if answer.success {
            Ok(answer.output)
        } else {
            Err(answer.complaint())
        }
    }

    fn run(
        &self,
        program: &Path,
        arguments: &[OsString],
        context: &Context,
    ) -> Result<ToolAnswer, Failure> {
        let deadline = Instant::now() + PATIENCE;
        Probe::of_program(program.to_owned(), &self.directory, context, deadline).run(arguments)
    }

    /// Runs a program that is to delete it.
    pub fn send(&self, program: &Path, arguments: &[OsString], context: &Context) -> StandInFate {
        let answer = self.run(program, arguments, context);
        if !self.target().join("file").exists() {
            return match self.put() {
                Ok(()) => StandInFate::Gone,
                Err(error) => StandInFate::Unproven(error.to_string()),
            };
        }
        match answer {
            Ok(answer) if answer.code == Some(exit_code::BLOCKED) => StandInFate::Held,
            Ok(answer) => StandInFate::Unproven(answer.complaint()),
            Err(failure) => StandInFate::Unproven(failure.to_string()),
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
        if let Some(above) = self.directory.parent() {
            let _ = std::fs::remove_dir(above);
        }
    }
}
