//! Where backups lie: one directory for each, named by its id.
//!
//! ```text
//! backups/
//!   7F3K/            complete: it was renamed to this name
//!     summary.json   the little that lists need
//!     pack           zstd frames: contents, and the manifest last
//!     files/N        contents that are the originals, or share their blocks
//!     undone.json    there once it was brought back
//!   .new-9Q2M/       being written, or left by a guard that was killed
//!   .gone-4XW1/      being removed
//! ```

use std::fs::DirBuilder;
use std::io::{ErrorKind, Result};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::engine::Engine;
use super::hold::is_used;
use super::manifest::{Summary, Undone};
use super::summary::read_summary;
use super::writer::Writer;
use crate::Unsaved;
use crate::limits::BackupLimits;
use guard_ground::atomic;
use guard_ground::shelf;
use guard_ground::time::now;

/// The name of the store in the state directory.
pub const NAME: &str = "backups";
/// The beginning of the name of a backup that is being written.
const NEW: &str = ".new-";
/// The beginning of the name of a backup that is being removed.
const GONE: &str = ".gone-";
/// A backup that was begun so recently may not have its lock yet.
const YOUNG: Duration = Duration::from_secs(60);
/// How long a command waits for old backups to be removed.
const TIDYING: Duration = Duration::from_millis(30);

/// The place of all backups.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
    limits: BackupLimits,
    engine: Option<Engine>,
    identity: Option<PathBuf>,
}

/// One complete backup.
#[derive(Clone, Debug)]
pub struct StoredBackup {
    /// Where it lies.
    pub directory: PathBuf,
    /// What it says about itself.
    pub summary: Summary,
    /// Whether it was brought back.
    pub undone: Option<Undone>,
}

impl Store {
    /// The store of a state directory; what the rules name instead, if they do.
    ///
    /// # Errors
    /// When no home directory is known.
    pub fn open(state: Option<&Path>, limits: &BackupLimits) -> std::result::Result<Self, Unsaved> {
        let engine = limits
            .store
            .as_deref()
            .and_then(|store| Engine::of(store, limits.credentials.as_deref()));
        let directory = match limits.store.as_deref() {
            Some(place) if Path::new(place).is_absolute() => PathBuf::from(place),
            Some(place) if engine.is_none() => {
                return Err(Unsaved(format!(
                    "the store {place:?} is neither an absolute path nor restic:…, borg:… or rclone:…"
                )));
            }
            // What an engine keeps has its summary here.
            _ => state
                .ok_or_else(|| Unsaved("no home directory is known".to_owned()))?
                .join(NAME),
        };
        Ok(Self {
            directory,
            limits: limits.clone(),
            engine,
            identity: None,
        })
    }

    /// The same store with a file of age identities, which read what is encrypted.
    #[must_use]
    pub fn with_identity(mut self, identity: Option<PathBuf>) -> Self {
        self.identity = identity;
        self
    }

    /// The engine that keeps the backups.
    pub(super) fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    /// The file of age identities.
    pub(super) fn identity(&self) -> Option<&Path> {
        self.identity.as_deref()
    }

    /// Where it lies.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Starts a backup.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn begin(&self, deadline: Instant) -> std::result::Result<Writer, Unsaved> {
        guard_ground::signals::catch_size_limit();
        let failed = |error: std::io::Error| {
            Unsaved(format!(
                "{}: {error}",
                guard_ground::sanitize::path(&self.directory)
            ))
        };
        atomic::directory(&self.directory).map_err(failed)?;
        for _ in 0..64 {
            let id = shelf::new_id();
            if self.directory.join(&id).exists() {
                continue;
            }
            let aside = self.directory.join(format!("{NEW}{id}"));
            match DirBuilder::new().mode(0o700).create(&aside) {
                Ok(()) => {
                    let place = self.directory.join(&id);
                    let engine = self.engine.clone();
                    return Writer::new(id, aside, place, self.limits.clone(), engine, deadline);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Err(Unsaved("no free id was found".to_owned()))
    }

    /// The limits.
    pub fn limits(&self) -> &BackupLimits {
        &self.limits
    }

    /// All complete backups, the newest first.
    pub fn items(&self) -> Vec<StoredBackup> {
        self.items_while(|| true)
    }

    /// The same, as far as there is time.
    fn items_while(&self, goes_on: impl Fn() -> bool) -> Vec<StoredBackup> {
        let mut items: Vec<StoredBackup> = std::fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten()
            .take_while(|_| goes_on())
            .filter_map(|entry| item(&entry.path()))
            .collect();
        items.sort_by(|a, b| (b.summary.time, &b.summary.id).cmp(&(a.summary.time, &a.summary.id)));
        items
    }

    /// Names of what should be backups and cannot be read as such.
    pub fn unreadable(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| item(&entry.path()).is_none())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }

    /// The backup with this id, in whatever case it is written.
    pub fn by_id(&self, id: &str) -> Option<StoredBackup> {
        let id = shelf::spell(id);
        let plain = id.len() == 4 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.then(|| item(&self.directory.join(id)))?
    }

    /// Removes a backup; `let_go` is told first.
    ///
    /// # Errors
    /// The system's reason.
    pub fn remove(&self, item: &StoredBackup, let_go: &dyn Fn(&StoredBackup)) -> Result<()> {
        let_go(item);
        let gone = self.directory.join(format!("{GONE}{}", item.summary.id));
        // Under another name at once, so that nobody finds it half removed.
        std::fs::rename(&item.directory, &gone)?;
        std::fs::remove_dir_all(&gone)
    }

    /// Removes what is too old or too much, and what killed guards left. Never takes long: what is not
    /// done by then is done the next time. `let_go` is told of each backup before it goes.
    pub fn tidy(&self, let_go: &dyn Fn(&StoredBackup)) {
        let end = Instant::now() + TIDYING;
        let Ok(entries) = std::fs::read_dir(&self.directory) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let left = name.starts_with(GONE) || (name.starts_with(NEW) && is_left(&entry.path()));
            if left && !remove_until(&entry.path(), end) {
                return;
            }
        }
        // Of those that there is no time to read, none is missed: each can only be a reason to keep less.
        let known = self.items_while(|| Instant::now() < end);
        for item in outdated(known, &self.limits, now()) {
            if is_used(&item.directory) {
                continue;
            }
            let_go(&item);
            let gone = self.directory.join(format!("{GONE}{}", item.summary.id));
            if std::fs::rename(&item.directory, &gone).is_err() || !remove_until(&gone, end) {
                return;
            }
        }
    }
}

/// Of these backups, the newest first, those that are too old or too much; the oldest first. The newest
/// of a workspace that was not undone stays.
fn outdated(items: Vec<StoredBackup>, limits: &BackupLimits, now: u64) -> Vec<StoredBackup> {
    let mut last = std::collections::HashSet::new();
    let mut sum = 0_u64;
    let mut outdated = Vec::new();
    for item in items {
        let is_last = item.undone.is_none()
            && item.summary.undoes.is_none()
            && last.insert(item.summary.subject.clone());
        sum = sum.saturating_add(item.summary.stored);
        let age = Duration::from_millis(now.saturating_sub(item.summary.time));
        let too_old = age.as_secs_f64() > limits.days * 86_400.0;
        if !is_last && (too_old || sum > limits.store_bytes) {
            sum = sum.saturating_sub(item.summary.stored);
            outdated.push(item);
        }
    }
    outdated.reverse();
    outdated
}

fn item(directory: &Path) -> Option<StoredBackup> {
    let name = directory.file_name()?.to_str()?;
    if name.starts_with('.') {
        return None;
    }
    let summary = read_summary(&directory.join("summary.json"))?;
    let undone = shelf::read(&directory.join("undone.json")).ok();
    (summary.id == name).then(|| StoredBackup {
        directory: directory.to_owned(),
        undone: undone.and_then(|text| serde_json::from_slice(&text).ok()),
        summary,
    })
}

/// Whether the guard that wrote it was killed: it holds a lock as long as it writes.
fn is_left(aside: &Path) -> bool {
    let old = aside
        .metadata()
        .and_then(|metadata| metadata.modified())
        .ok()
        .and_then(|time| time.elapsed().ok())
        .is_some_and(|age| age > YOUNG);
    old && !is_used(aside)
}

/// Removes a directory, file by file; whether it was done before `end`.
fn remove_until(directory: &Path, end: Instant) -> bool {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if !remove_until(&path, end) {
                return false;
            }
        } else {
            let _ = std::fs::remove_file(&path);
        }
        if Instant::now() > end {
            return false;
        }
    }
    std::fs::remove_dir(directory).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::manifest::{Blob, HeldAt};
    use crate::summary::summary_text;
    use guard_ground::bytes::Bytes;

    const DAY: u64 = 86_400_000;
    const NOW: u64 = 100 * DAY;

    fn item(
        id: &str,
        subject: &str,
        days: u64,
        stored: u64,
        undone: bool,
        undoes: bool,
    ) -> StoredBackup {
        StoredBackup {
            directory: PathBuf::from(id),
            summary: Summary {
                version: 1,
                id: id.to_owned(),
                time: NOW - days * DAY,
                agent: None,
                argv: Vec::new(),
                subject: Bytes(subject.as_bytes().to_vec()),
                loss: Vec::new(),
                unsaved: Vec::new(),
                undoes: undoes.then(|| "0000".to_owned()),
                files: 1,
                bytes: stored,
                stored,
                manifest: Blob {
                    sha256: String::new(),
                    size: 0,
                    at: HeldAt::Pack(0, 0),
                    segments: None,
                },
                encrypted: false,
                elsewhere: false,
            },
            undone: undone.then_some(Undone { time: 0, by: None }),
        }
    }

    const LIMITS: BackupLimits = BackupLimits {
        bytes: 1,
        files: 1,
        seconds: 1.0,
        days: 14.0,
        store_bytes: 100,
        store: None,
        credentials: None,
        recipient: None,
    };

    fn gone(items: Vec<StoredBackup>) -> Vec<String> {
        outdated(items, &LIMITS, NOW)
            .into_iter()
            .map(|item| item.summary.id)
            .collect()
    }

    #[test]
    fn what_retention_takes() {
        assert_eq!(
            gone(vec![
                item("NEW1", "/a", 1, 10, false, false),
                item("OLD1", "/a", 15, 10, false, false),
                item("LAST", "/b", 40, 10, false, false),
                item("OLD2", "/b", 41, 10, false, false),
            ]),
            ["OLD2", "OLD1"],
            "by age, but never the last of a workspace"
        );
        assert_eq!(
            gone(vec![
                item("DONE", "/a", 20, 10, true, false),
                item("UNDO", "/a", 20, 10, false, true),
                item("LAST", "/a", 21, 10, false, false),
            ]),
            ["UNDO", "DONE"],
            "what was brought back does not count as the last one"
        );
        assert_eq!(
            gone(vec![
                item("A001", "/a", 1, 60, false, false),
                item("A002", "/a", 2, 60, false, false),
                item("A003", "/a", 3, 30, false, false),
                item("B001", "/b", 4, 60, false, false),
            ]),
            ["A002"],
            "by size, the smaller older one still fits"
        );
    }

    #[test]
    fn a_summary_is_read_only_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("summary.json");
        let text = summary_text(&item("AAAA", "/a", 1, 1, false, false).summary).unwrap();
        std::fs::write(&file, &text).unwrap();
        assert_eq!(read_summary(&file).unwrap().id, "AAAA");
        for at in 0..text.len() - 1 {
            let mut broken = text.clone();
            *broken.get_mut(at).unwrap() ^= 1;
            std::fs::write(&file, &broken).unwrap();
            assert!(read_summary(&file).is_none(), "{at}");
        }
    }
}
