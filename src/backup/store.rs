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

use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Result};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::Unsaved;
use super::engine::Engine;
use super::manifest::{Summary, Undone, now};
use super::writer::Writer;
use crate::digest::Hasher;
use crate::person::shelf;
use crate::rules::BackupLimits;

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
pub struct Item {
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
            .and_then(|store| Engine::of(store, limits.credentials));
        let directory = match limits.store {
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
            limits: *limits,
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
        crate::audit::catch_size_limit();
        let failed = |error: std::io::Error| {
            Unsaved(format!(
                "{}: {error}",
                crate::sanitize::path(&self.directory)
            ))
        };
        let make = |path: &Path, recursive: bool| {
            DirBuilder::new()
                .recursive(recursive)
                .mode(0o700)
                .create(path)
        };
        make(&self.directory, true).map_err(failed)?;
        for _ in 0..64 {
            let id = shelf::new_id();
            if self.directory.join(&id).exists() {
                continue;
            }
            let aside = self.directory.join(format!("{NEW}{id}"));
            match make(&aside, false) {
                Ok(()) => return Writer::new(self, id, aside, deadline),
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
    pub fn items(&self) -> Vec<Item> {
        let mut items: Vec<Item> = std::fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten()
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
    pub fn by_id(&self, id: &str) -> Option<Item> {
        let id = shelf::spell(id);
        let plain = id.len() == 4 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.then(|| item(&self.directory.join(id)))?
    }

    /// Removes a backup.
    ///
    /// # Errors
    /// The system's reason.
    pub fn remove(&self, item: &Item) -> Result<()> {
        super::let_go(item, self);
        let gone = self.directory.join(format!("{GONE}{}", item.summary.id));
        // Under another name at once, so that nobody finds it half removed.
        std::fs::rename(&item.directory, &gone)?;
        std::fs::remove_dir_all(&gone)
    }

    /// Removes what is too old or too much, and what killed guards left. Never takes long: what is not
    /// done by then is done the next time.
    pub fn tidy(&self) {
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
        for item in self.outdated() {
            if is_used(&item.directory) {
                continue;
            }
            super::let_go(&item, self);
            let gone = self.directory.join(format!("{GONE}{}", item.summary.id));
            if std::fs::rename(&item.directory, &gone).is_err() || !remove_until(&gone, end) {
                return;
            }
        }
    }

    /// What retention takes: the oldest first.
    fn outdated(&self) -> Vec<Item> {
        outdated(self.items(), &self.limits, now())
    }
}

/// Of these backups, the newest first, those that are too old or too much. The newest of a workspace
/// that was not undone stays.
fn outdated(items: Vec<Item>, limits: &BackupLimits, now: u64) -> Vec<Item> {
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

fn item(directory: &Path) -> Option<Item> {
    let name = directory.file_name()?.to_str()?;
    if name.starts_with('.') {
        return None;
    }
    let summary = read_summary(&directory.join("summary.json"))?;
    let undone = shelf::read(&directory.join("undone.json")).ok();
    (summary.id == name).then(|| Item {
        directory: directory.to_owned(),
        undone: undone.and_then(|text| serde_json::from_slice(&text).ok()),
        summary,
    })
}

/// A summary as it is written: one line, and behind it the line's digest.
pub(super) fn summary_text(summary: &Summary) -> std::result::Result<Vec<u8>, Unsaved> {
    let mut text = serde_json::to_vec(summary).map_err(|error| Unsaved(error.to_string()))?;
    let digest = digest(&text);
    text.push(b'\n');
    text.extend_from_slice(digest.as_bytes());
    text.push(b'\n');
    Ok(text)
}

/// A summary that is as it was written.
fn read_summary(file: &Path) -> Option<Summary> {
    let text = shelf::read(file).ok()?;
    let mut lines = text.split(|byte| *byte == b'\n');
    let (line, wanted) = (lines.next()?, lines.next()?);
    (digest(line).as_bytes() == wanted).then(|| serde_json::from_slice(line).ok())?
}

fn digest(text: &[u8]) -> String {
    let mut hasher = Hasher::default();
    hasher.raw(text);
    hasher.finish()
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

/// Whether somebody writes or reads a backup.
fn is_used(directory: &Path) -> bool {
    File::open(directory)
        .is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_err())
}

/// Keeps a backup from being removed, for as long as the result is held.
///
/// # Errors
/// The system's reason.
pub(super) fn hold(directory: &Path) -> Result<File> {
    let file = File::open(directory)?;
    flock(&file, FlockOperation::LockShared)?;
    Ok(file)
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
