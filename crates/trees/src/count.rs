//! Counting what a tree holds: in parallel when it is large, and bounded by the budget.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{DirEntry, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::Trees;
use guard_core::preview::Budget;

/// How many of the largest and of the newest files are named.
const NAMED: usize = 3;
/// Up to so many entries one thread is faster than several.
const ALONE: u64 = 4096;
/// More nested repositories than this are counted, not looked into.
const MAX_REPOSITORIES: usize = 64;

/// What is known about files before they are counted: which of them can be had again.
#[derive(Debug, Default)]
pub struct Recoverable {
    /// Files that a commit holds as they are, by absolute path.
    pub committed: HashSet<OsString>,
    /// Directories in which git tracks something, by absolute path.
    pub tracked_directories: HashSet<OsString>,
}

/// What a tree holds.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// Files that would be gone for good.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Directories.
    pub directories: u64,
    /// Files that a commit holds.
    pub committed: u64,
    /// Files and directories that can be made again; what such directories hold is not counted.
    pub disposable: u64,
    /// The largest of the lost files.
    pub largest: Vec<(u64, PathBuf)>,
    /// The newest of the lost files, by seconds since 1970.
    pub newest: Vec<(i64, PathBuf)>,
    /// Repositories and worktrees inside, which are counted by themselves.
    pub repositories: Vec<PathBuf>,
    /// Directories that could not be read.
    pub unreadable: u64,
    /// True when the budget ended the count.
    pub stopped: bool,
    /// What has to be saved so that all of it can be brought back.
    pub trees: Trees,
}

impl Tally {
    /// Adds another tally.
    pub fn add(&mut self, other: Self) {
        self.files += other.files;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.directories += other.directories;
        self.committed += other.committed;
        self.disposable += other.disposable;
        self.unreadable += other.unreadable;
        self.stopped |= other.stopped;
        self.repositories.extend(other.repositories);
        self.trees.add(other.trees);
        for entry in other.largest {
            keep_top(&mut self.largest, entry);
        }
        for entry in other.newest {
            keep_top(&mut self.newest, entry);
        }
    }

    fn lose(&mut self, path: PathBuf, metadata: &Metadata) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(held_bytes(metadata));
        if self.largest.len() < NAMED
            || self
                .largest
                .last()
                .is_some_and(|(size, _)| metadata.len() > *size)
        {
            keep_top(&mut self.largest, (metadata.len(), path.clone()));
        }
        if self.newest.len() < NAMED
            || self
                .newest
                .last()
                .is_some_and(|(time, _)| metadata.mtime() > *time)
        {
            keep_top(&mut self.newest, (metadata.mtime(), path));
        }
    }
}

/// The bytes that a file really holds: its holes are none. Very small files may take no block at all.
pub(crate) fn held_bytes(metadata: &Metadata) -> u64 {
    let on_disk = metadata.blocks().saturating_mul(512);
    metadata.len().min(on_disk.max(4096))
}

fn keep_top<K: Ord + Copy>(top: &mut Vec<(K, PathBuf)>, entry: (K, PathBuf)) {
    let at = top.partition_point(|(key, _)| *key >= entry.0);
    top.insert(at, entry);
    top.truncate(NAMED);
}

/// How a tree is counted.
pub struct Counter<'a> {
    /// What can be had again.
    pub recoverable: &'a Recoverable,
    /// Names that can be made again; not asked outside the workspace.
    pub is_disposable: &'a (dyn Fn(&OsStr, bool) -> bool + Sync),
    /// The limits.
    pub budget: &'a Budget,
}

impl Counter<'_> {
    /// Counts a file, a link, or everything in a directory.
    pub fn count(&self, path: &Path) -> Tally {
        let mut tally = Tally::default();
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => self.count_tree(path.to_owned(), tally),
            Ok(metadata) => {
                self.count_file(path.to_owned(), &metadata, &mut tally);
                tally
            }
            Err(_) => tally,
        }
    }

    fn count_file(&self, path: PathBuf, metadata: &Metadata, tally: &mut Tally) {
        let kind = metadata.file_type();
        if kind.is_fifo() || kind.is_socket() {
            // A way between processes; it holds nothing by itself.
            return;
        }
        if self.recoverable.committed.contains(path.as_os_str()) {
            tally.committed += 1;
        } else if path
            .file_name()
            .is_some_and(|name| (self.is_disposable)(name, false))
        {
            tally.disposable += 1;
        } else {
            tally.lose(path, metadata);
        }
    }

    fn count_tree(&self, root: PathBuf, mut tally: Tally) -> Tally {
        let mut waiting = vec![root];
        let mut seen = 0;
        while let Some(directory) = waiting.pop() {
            seen += self.count_directory(&directory, &mut waiting, &mut tally);
            if Instant::now() > self.budget.deadline {
                tally.stopped = true;
                return tally;
            }
            if seen > ALONE && waiting.len() > 1 {
                break;
            }
        }
        if waiting.is_empty() {
            return tally;
        }
        self.count_in_parallel(waiting, seen, tally)
    }

    fn count_in_parallel(&self, waiting: Vec<PathBuf>, seen: u64, mut tally: Tally) -> Tally {
        let shared = Shared {
            waiting: Mutex::new(waiting),
            changed: Condvar::new(),
            busy: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            seen: AtomicU64::new(seen),
        };
        let workers = std::thread::available_parallelism()
            .map_or(2, std::num::NonZero::get)
            .clamp(2, 8);
        let parts = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..workers {
                // A thread that the system refuses leaves its share to the others.
                let _ = std::thread::Builder::new().spawn_scoped(scope, || {
                    let part = self.work(&shared);
                    lock(&parts).push(part);
                });
            }
            let part = self.work_and_watch(&shared);
            lock(&parts).push(part);
        });
        for part in lock(&parts).drain(..) {
            tally.add(part);
        }
        tally.stopped |= shared.stopped.load(Ordering::Relaxed);
        tally
    }

    fn work_and_watch(&self, shared: &Shared) -> Tally {
        let Some(progress) = &self.budget.progress else {
            return self.work(shared);
        };
        while !shared.is_finished() {
            progress.show(&format!(
                "{} files so far",
                shared.seen.load(Ordering::Relaxed)
            ));
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Tally::default()
    }

    fn work(&self, shared: &Shared) -> Tally {
        let mut tally = Tally::default();
        let mut found = Vec::new();
        while let Some(directory) = shared.take() {
            let seen = self.count_directory(&directory, &mut found, &mut tally);
            shared.seen.fetch_add(seen, Ordering::Relaxed);
            shared.give(&mut found);
            if Instant::now() > self.budget.deadline {
                shared.stop();
            }
        }
        tally
    }

    /// Counts one directory's own entries; its directories are added to `waiting`.
    fn count_directory(
        &self,
        directory: &Path,
        waiting: &mut Vec<PathBuf>,
        tally: &mut Tally,
    ) -> u64 {
        let Ok(entries) = std::fs::read_dir(directory) else {
            tally.unreadable += 1;
            return 1;
        };
        tally.directories += 1;
        let mut seen = 1;
        let mut inner = Vec::new();
        let mut files = Vec::new();
        let mut repository = false;
        for entry in entries.flatten() {
            seen += 1;
            if entry.file_name() == ".git" {
                repository = true;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => inner.push(entry.path()),
                _ => files.push(entry),
            }
            if seen % 1024 == 0 && Instant::now() > self.budget.deadline {
                tally.stopped = true;
                break;
            }
        }
        if repository || is_bare(&inner, &files) {
            // A repository's files say nothing by their number: its work is asked of git.
            if tally.repositories.len() < MAX_REPOSITORIES {
                tally.repositories.push(directory.to_owned());
                return seen;
            }
        }
        for entry in files {
            if let Ok(metadata) = entry.metadata() {
                self.count_file(entry.path(), &metadata, tally);
            }
        }
        for path in inner {
            if self.is_disposable_directory(&path) {
                tally.disposable += 1;
            } else {
                waiting.push(path);
            }
        }
        seen
    }

    fn is_disposable_directory(&self, path: &Path) -> bool {
        path.file_name()
            .is_some_and(|name| (self.is_disposable)(name, true))
            && !self
                .recoverable
                .tracked_directories
                .contains(path.as_os_str())
            && !guard_ground::path::holds_repository(path)
    }
}

/// Whether a directory looks like a bare repository (gitrepository-layout(5)).
fn is_bare(directories: &[PathBuf], files: &[DirEntry]) -> bool {
    let has = |name: &str| {
        directories
            .iter()
            .any(|path| path.file_name() == Some(OsStr::new(name)))
    };
    has("objects") && has("refs") && files.iter().any(|entry| entry.file_name() == "HEAD")
}

/// What the workers share: directories that wait, and how far they are.
struct Shared {
    waiting: Mutex<Vec<PathBuf>>,
    changed: Condvar,
    busy: AtomicUsize,
    stopped: AtomicBool,
    seen: AtomicU64,
}

impl Shared {
    /// The next directory; `None` when all is done or the budget has ended.
    fn take(&self) -> Option<PathBuf> {
        let mut waiting = lock(&self.waiting);
        loop {
            if self.stopped.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(directory) = waiting.pop() {
                self.busy.fetch_add(1, Ordering::Relaxed);
                return Some(directory);
            }
            if self.busy.load(Ordering::Relaxed) == 0 {
                self.changed.notify_all();
                return None;
            }
            waiting = self
                .changed
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give(&self, found: &mut Vec<PathBuf>) {
        let mut waiting = lock(&self.waiting);
        waiting.append(found);
        self.busy.fetch_sub(1, Ordering::Relaxed);
        self.changed.notify_all();
    }

    fn stop(&self) {
        let _waiting = lock(&self.waiting);
        self.stopped.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    fn is_finished(&self) -> bool {
        let waiting = lock(&self.waiting);
        self.stopped.load(Ordering::Relaxed)
            || (waiting.is_empty() && self.busy.load(Ordering::Relaxed) == 0)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
