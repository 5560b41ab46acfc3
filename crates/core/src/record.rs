//! What `guard run` writes down about each agent that it starts: which process it is and where it
//! works. The records lie in guard's state directory, which no command under the shims may change,
//! so a child can move neither.

use guard_ground::atomic;
use guard_ground::process;
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{Error, Read as _, Result};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use guard_ground::install::Places;

/// The variable that names the run to what was detached from its agent (a terminal multiplexer's
/// server). It can only add an agent and a workspace where no ancestor says so.
pub const VARIABLE: &str = "GUARD_RUN";
/// The directory of the records, in the state directory.
const DIRECTORY: &str = "runs";
/// No record is longer than two paths.
const MAX_FILE: u64 = 1 << 16;

/// One agent that `guard run` started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    id: u32,
    started: u64,
    /// The directory that it was started in, links resolved.
    pub workspace: PathBuf,
    /// The name of its program.
    pub program: OsString,
}

impl Record {
    /// The record of this process, which is about to become `program`. `None` where the system does
    /// not tell when a process started.
    pub fn of_this_process(workspace: PathBuf, program: &OsStr) -> Option<Self> {
        let id = std::process::id();
        Some(Self {
            id,
            started: process::stat_of(id)?.started,
            workspace,
            program: program.to_owned(),
        })
    }

    /// What tells it from every other: `PROCESS-START`.
    pub fn name(&self) -> String {
        format!("{}-{}", self.id, self.started)
    }

    /// Whether the process still runs.
    pub fn is_live(&self) -> bool {
        process::stat_of(self.id).is_some_and(|stat| stat.started == self.started)
    }

    /// Writes it below the state directory and removes those of agents that have ended.
    pub fn write(&self, state: &Path) -> Result<()> {
        let directory = state.join(DIRECTORY);
        atomic::make_directory(&directory)?;
        for record in read_all(&directory) {
            if !record.is_live() {
                let _ = std::fs::remove_file(directory.join(record.name()));
            }
        }
        let mut bytes = Vec::new();
        for (key, value) in [
            ("workspace", self.workspace.as_os_str()),
            ("program", &self.program),
        ] {
            bytes.extend_from_slice(key.as_bytes());
            bytes.push(b'=');
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(0);
        }
        atomic::put(&directory.join(self.name()), &bytes)
    }

    /// Takes it back: the agent could not be started.
    pub fn remove(&self, state: &Path) {
        let _ = std::fs::remove_file(state.join(DIRECTORY).join(self.name()));
    }

    fn read(path: &Path) -> Option<Self> {
        let (id, started) = path.file_name()?.to_str()?.split_once('-')?;
        let (id, started) = (id.parse().ok()?, started.parse().ok()?);
        let mut bytes = Vec::new();
        OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(path)
            .ok()?
            .take(MAX_FILE)
            .read_to_end(&mut bytes)
            .ok()?;
        let field = |key: &str| {
            bytes
                .split(|byte| *byte == 0)
                .find_map(|field| field.strip_prefix(key.as_bytes())?.strip_prefix(b"="))
                .map(|value| OsString::from_vec(value.to_vec()))
        };
        Some(Self {
            id,
            started,
            workspace: field("workspace").map(PathBuf::from)?,
            program: field("program")?,
        })
    }
}

fn read_all(directory: &Path) -> Vec<Record> {
    std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Record::read(&entry.path()))
        .collect()
}

/// All records, read once, and only when somebody asks for ancestors: never for a command at which
/// nothing is at stake.
fn all() -> &'static [Record] {
    static ALL: OnceLock<Vec<Record>> = OnceLock::new();
    ALL.get_or_init(|| {
        Places::find()
            .state
            .map(|state| read_all(&state.join(DIRECTORY)))
            .unwrap_or_default()
    })
}

/// The record of a process that runs.
pub fn of(id: u32) -> Option<&'static Record> {
    all()
        .iter()
        .find(|record| record.id == id && record.is_live())
}

/// The record that [`VARIABLE`] names, of an agent that still runs.
pub fn by_variable() -> Option<&'static Record> {
    let name = std::env::var_os(VARIABLE)?;
    all()
        .iter()
        .find(|record| name == record.name().as_str() && record.is_live())
}

/// The current directory, links resolved: what a run's workspace is.
pub fn workspace() -> Result<PathBuf> {
    std::env::current_dir()
        .and_then(|directory| directory.canonicalize())
        .map_err(|error| Error::new(error.kind(), format!("the current directory: {error}")))
}
