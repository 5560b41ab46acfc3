//! Where guard keeps rules and state. Written down when it is installed, next to the binary, so
//! that later changes of HOME or XDG_* do not move them: the environment belongs to the command
//! that guard judges.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The file, relative to the directory of the binary, that says where things are.
const WRITTEN_DOWN: &str = "../share/guard/places";

/// guard's own places.
#[derive(Debug, Clone)]
pub struct Places {
    /// The binary, links resolved.
    pub binary: Option<PathBuf>,
    /// The directory of the user's rules.
    pub config: Option<PathBuf>,
    /// The directory of the audit log.
    pub state: Option<PathBuf>,
    /// The directory of shims and notes that the installation made.
    pub share: Option<PathBuf>,
}

impl Places {
    /// What was written down at install time; in a checkout, the usual places in the home directory
    /// that the system's user list names.
    pub fn find() -> Self {
        let binary = crate::real_tool::own_path();
        let directory = binary.as_deref().and_then(Path::parent);
        let noted = directory
            .map(|directory| directory.join(WRITTEN_DOWN))
            .and_then(|file| Some((std::fs::read(&file).ok()?, file)));
        if let Some((text, file)) = noted {
            let entry = |name: &str| {
                text.split(|byte| *byte == b'\n')
                    .find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
                    .map(|value| PathBuf::from(OsStr::from_bytes(value)))
                    .filter(|path| path.is_absolute())
            };
            return Self {
                config: entry("config"),
                state: entry("state"),
                share: file.parent().map(Path::to_owned),
                binary,
            };
        }
        let home = home();
        Self {
            binary,
            config: home.as_ref().map(|home| home.join(".config/guard")),
            state: home.as_ref().map(|home| home.join(".local/state/guard")),
            share: None,
        }
    }

    /// The user's rules file.
    pub fn rules_file(&self) -> Option<PathBuf> {
        self.config
            .as_ref()
            .map(|directory| directory.join("rules.toml"))
    }

    /// The audit log.
    pub fn log_file(&self) -> Option<PathBuf> {
        self.state
            .as_ref()
            .map(|directory| directory.join("audit.jsonl"))
    }

    /// What no command may delete: the binary, the shims, rules and state.
    pub fn own_files(&self) -> Vec<PathBuf> {
        [&self.binary, &self.config, &self.state, &self.share]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
}

/// The user's home directory by the system's user list (passwd(5)), not by HOME. The file is read
/// directly: a static executable cannot load the C library's name services. A user that only a
/// directory service knows falls back to HOME.
pub fn home() -> Option<PathBuf> {
    let user = rustix::process::getuid().as_raw().to_string();
    let listed = std::fs::read("/etc/passwd").ok().and_then(|list| {
        list.split(|byte| *byte == b'\n').find_map(|line| {
            let mut fields = line.split(|byte| *byte == b':').skip(2);
            if fields.next()? != user.as_bytes() {
                return None;
            }
            fields
                .nth(2)
                .map(|home| PathBuf::from(OsStr::from_bytes(home)))
        })
    });
    listed
        .or_else(|| std::env::var_os("HOME").map(PathBuf::from))
        .filter(|home| home.is_absolute())
}

/// The name of the user, for the audit log.
pub fn user_name() -> String {
    let user = rustix::process::getuid().as_raw().to_string();
    let list = std::fs::read("/etc/passwd").unwrap_or_default();
    list.split(|byte| *byte == b'\n')
        .find_map(|line| {
            let mut fields = line.split(|byte| *byte == b':');
            let name = fields.next()?;
            (fields.nth(1)? == user.as_bytes()).then(|| String::from_utf8_lossy(name).into_owned())
        })
        .unwrap_or(user)
}
