//! Where guard keeps rules and state. Written down when it is installed, next to the binary, so
//! that later changes of HOME or XDG_* do not move them: the environment belongs to the command
//! that guard judges.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The file, relative to the directory of the binary, that says where things are.
const WRITTEN_DOWN: &str = "../share/guard/places";
/// Where locked rules and keys are, one directory for each user's number.
const LOCKED: &str = "/etc/guard";

/// The name of the audit log in the state directory.
pub const LOG: &str = "audit.jsonl";

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
    /// Where `guard lock` puts the user's rules and keys: a directory of root's.
    pub locked: PathBuf,
    /// Where they are while they are not locked.
    pub unlocked: Option<PathBuf>,
}

impl Places {
    /// What was written down at install time; in a checkout, the usual places in the home directory
    /// that the system's user list names.
    pub fn find() -> Self {
        Self::of(rustix::process::getuid().as_raw())
    }

    /// The same for another user's number.
    pub fn of(user: u32) -> Self {
        let binary = crate::real_tool::own_path();
        let directory = binary.as_deref().and_then(Path::parent);
        let noted = directory
            .map(|directory| directory.join(WRITTEN_DOWN))
            .and_then(|file| Some((std::fs::read(&file).ok()?, file)));
        let (config, state, share, locked) = if let Some((text, file)) = noted {
            let entry = |name: &str| {
                text.split(|byte| *byte == b'\n')
                    .find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
                    .and_then(|value| match value.strip_prefix(b"~/") {
                        // An installation for all users: below the home of whoever runs it.
                        Some(below) => Some(home_of(user)?.join(OsStr::from_bytes(below))),
                        None => Some(PathBuf::from(OsStr::from_bytes(value))),
                    })
                    .filter(|path| path.is_absolute())
            };
            let share = file.parent().map(Path::to_owned);
            (entry("config"), entry("state"), share, entry("locked"))
        } else {
            let home = home_of(user);
            let below = |place: &str| home.as_ref().map(|home| home.join(place));
            (
                below(".config/guard"),
                below(".local/state/guard"),
                None,
                None,
            )
        };
        let locked = locked
            .unwrap_or_else(|| PathBuf::from(LOCKED))
            .join(user.to_string());
        let is_locked = std::fs::symlink_metadata(&locked).is_ok_and(|meta| {
            use std::os::unix::fs::MetadataExt as _;
            meta.is_dir() && meta.uid() == 0
        });
        Self {
            binary,
            config: if is_locked {
                Some(locked.clone())
            } else {
                config.clone()
            },
            state,
            share,
            locked,
            unlocked: config,
        }
    }

    /// Whether rules and keys are root's.
    pub fn is_locked(&self) -> bool {
        self.config.as_ref() == Some(&self.locked)
    }

    /// The user's rules file.
    pub fn rules_file(&self) -> Option<PathBuf> {
        self.config
            .as_ref()
            .map(|directory| directory.join("rules.toml"))
    }

    /// The audit log.
    pub fn log_file(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|directory| directory.join(LOG))
    }

    /// What no command may delete: the binary, the shims, rules and state.
    pub fn own_files(&self) -> Vec<PathBuf> {
        [
            &self.binary,
            &self.config,
            &self.unlocked,
            &self.state,
            &self.share,
        ]
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
    home_of(rustix::process::getuid().as_raw())
}

fn home_of(user: u32) -> Option<PathBuf> {
    let user = user.to_string();
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
