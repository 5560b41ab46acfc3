//! Saving files and directories: by sharing their blocks where the file system can, else by keeping
//! the inode under another name, else by copying.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest as _, Sha256};

use super::kept::{Attributes, Entry, KeptTrees, State};
use super::sparse::{Segments, segments};
use super::{Root, Trees};
use crate::backup::Unsaved;
use crate::backup::manifest::{Blob, Held};
use crate::backup::text::Bytes;
use crate::backup::writer::Writer;
use crate::digest::hex;
use crate::paths::World;
use crate::sanitize;

/// From so many files on, several threads are faster than one.
const MANY: usize = 256;
/// A file that is written to while it is read is read again so often.
const TRIES: usize = 3;

/// Saves trees. Everything that goes is saved where that stays within the limits, else what no
/// commit holds. `None` when there is nothing.
///
/// # Errors
/// When it cannot be saved whole.
pub fn save(trees: &Trees, world: &World, writer: &Writer) -> Result<Option<KeptTrees>, Unsaved> {
    let mut walk = Walk {
        trees,
        world,
        writer,
        only_lost: false,
        found: Vec::new(),
        names: HashMap::new(),
    };
    let before = writer.counted();
    if let Err(why) = walk.all() {
        let committed = trees
            .recoverable
            .iter()
            .any(|known| !known.committed.is_empty());
        if !committed {
            return Err(why);
        }
        writer.recount(before);
        walk.only_lost = true;
        walk.found.clear();
        walk.names.clear();
        walk.all()?;
        writer.pass_over("files that a commit holds; git brings them back".to_owned());
    }
    if walk.found.is_empty() {
        return Ok(None);
    }
    let Walk { found, names, .. } = walk;
    let entries = Contents::new(writer, &names).of(&found)?;
    Ok(Some(KeptTrees {
        base: base(trees),
        entries,
    }))
}

/// The directory that all of them lie in.
fn base(trees: &Trees) -> Bytes {
    let mut parents = trees
        .roots
        .iter()
        .map(|root| root.path.parent().unwrap_or(Path::new("/")));
    let first = parents.next().unwrap_or(Path::new("/"));
    let common = parents.fold(first, |common, parent| {
        common
            .ancestors()
            .find(|above| parent.starts_with(above))
            .unwrap_or(Path::new("/"))
    });
    Bytes::from(common)
}

/// A path that was found, and what stands there.
struct Found {
    path: PathBuf,
    metadata: Metadata,
    unlinked: bool,
}

struct Walk<'a> {
    trees: &'a Trees,
    world: &'a World,
    writer: &'a Writer,
    only_lost: bool,
    found: Vec<Found>,
    /// How many names of an inode with several were found.
    names: HashMap<(u64, u64), u64>,
}

impl Walk<'_> {
    fn all(&mut self) -> Result<(), Unsaved> {
        let mut roots: Vec<&Root> = self.trees.roots.iter().collect();
        roots.sort_by(|a, b| a.path.cmp(&b.path));
        let mut done: Option<&Path> = None;
        for root in roots {
            // What lies in another one is saved with it.
            if done.is_some_and(|done| root.path.starts_with(done)) {
                continue;
            }
            self.root(root)?;
            done = Some(&root.path);
        }
        Ok(())
    }

    fn root(&mut self, root: &Root) -> Result<(), Unsaved> {
        match root.path.symlink_metadata() {
            Ok(metadata) => self.one(root, root.path.clone(), metadata),
            Err(error) if is_absence(&error) => Ok(()),
            Err(error) => Err(about(&root.path, &error)),
        }
    }

    fn one(&mut self, root: &Root, path: PathBuf, metadata: Metadata) -> Result<(), Unsaved> {
        let kind = metadata.file_type();
        if kind.is_socket() || kind.is_block_device() || kind.is_char_device() {
            let what = if kind.is_socket() { "socket" } else { "device" };
            self.writer
                .pass_over(format!("the {what} {}", sanitize::path(&path)));
            return Ok(());
        }
        if kind.is_dir() {
            return self.directory(root, path, metadata);
        }
        if self.only_lost && self.is_committed(&path) {
            return Ok(());
        }
        if metadata.nlink() > 1 {
            *self
                .names
                .entry((metadata.dev(), metadata.ino()))
                .or_default() += 1;
        }
        // What a file with holes takes is what it really has.
        let bytes = metadata
            .len()
            .min(metadata.blocks().saturating_mul(512).max(4096));
        self.writer.count(1, bytes)?;
        self.found.push(Found {
            path,
            metadata,
            unlinked: root.unlinked,
        });
        Ok(())
    }

    fn directory(&mut self, root: &Root, path: PathBuf, metadata: Metadata) -> Result<(), Unsaved> {
        if self.trees.elsewhere.contains(&path) {
            self.writer.pass_over(format!(
                "the repository {}, which its remote holds",
                sanitize::path(&path)
            ));
            return Ok(());
        }
        let entries = std::fs::read_dir(&path).map_err(|error| about(&path, &error))?;
        self.found.push(Found {
            path,
            metadata,
            unlinked: root.unlinked,
        });
        self.writer.in_time()?;
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if is_absence(&error) => continue,
                Err(error) => return Err(about(&path, &error)),
            };
            if root.inside && self.is_disposable(&entry.file_name(), &path, &metadata) {
                self.writer.pass_over(format!(
                    "{} and the like, which can be made again",
                    sanitize::os(&entry.file_name())
                ));
                continue;
            }
            self.one(root, path, metadata)?;
        }
        Ok(())
    }

    /// As the preview counts: what git tracks something in, or what holds a repository, is not.
    fn is_disposable(&self, name: &OsStr, path: &Path, metadata: &Metadata) -> bool {
        let known = &self.trees.recoverable;
        self.world.is_disposable_name(name, metadata.is_dir())
            && if metadata.is_dir() {
                !known
                    .iter()
                    .any(|known| known.tracked_directories.contains(path.as_os_str()))
                    && !crate::paths::holds_repository(path)
            } else {
                !self.is_committed(path)
            }
    }

    fn is_committed(&self, path: &Path) -> bool {
        self.trees
            .recoverable
            .iter()
            .any(|known| known.committed.contains(path.as_os_str()))
    }
}

/// Takes the contents of what was found.
struct Contents<'a> {
    writer: &'a Writer,
    names: &'a HashMap<(u64, u64), u64>,
    shares_blocks: AtomicBool,
    links: AtomicBool,
}

impl<'a> Contents<'a> {
    fn new(writer: &'a Writer, names: &'a HashMap<(u64, u64), u64>) -> Self {
        let originals = writer.takes_originals();
        Self {
            writer,
            names,
            shares_blocks: AtomicBool::new(originals && cfg!(target_os = "linux")),
            links: AtomicBool::new(originals),
        }
    }

    fn of(&self, found: &[Found]) -> Result<Vec<Entry>, Unsaved> {
        let mut first: HashMap<(u64, u64), usize> = HashMap::new();
        let mut same: Vec<Option<usize>> = Vec::with_capacity(found.len());
        for (at, one) in found.iter().enumerate() {
            let inode = (one.metadata.dev(), one.metadata.ino());
            same.push(if self.names.contains_key(&inode) {
                let earlier = *first.entry(inode).or_insert(at);
                (earlier != at).then_some(earlier)
            } else {
                None
            });
        }
        let directory = self.writer.shelf()?;
        let work: Vec<(&Found, Option<usize>)> = found.iter().zip(same).collect();
        let workers = match std::thread::available_parallelism() {
            Ok(cores) if work.len() >= MANY => cores.get().clamp(1, 4),
            _ => 1,
        };
        if workers == 1 {
            return self.entries(&work, &directory);
        }
        let share = work.len().div_ceil(workers);
        let parts: Vec<Result<Vec<Entry>, Unsaved>> = std::thread::scope(|scope| {
            let threads: Vec<_> = work
                .chunks(share)
                .map(|chunk| {
                    let directory = &directory;
                    scope.spawn(move || self.entries(chunk, directory))
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|_| Err(Unsaved("a thread of guard's ended".to_owned())))
                })
                .collect()
        });
        let mut entries = Vec::with_capacity(work.len());
        for part in parts {
            entries.extend(part?);
        }
        Ok(entries)
    }

    fn entries(
        &self,
        work: &[(&Found, Option<usize>)],
        beside: &Path,
    ) -> Result<Vec<Entry>, Unsaved> {
        let mut entries = Vec::with_capacity(work.len());
        for (one, same) in work {
            let state = match same {
                Some(earlier) => State::SameAs(*earlier),
                None => self.state(one, beside)?,
            };
            entries.push(Entry {
                path: Bytes::from(one.path.as_path()),
                state,
                attributes: Some(attributes(&one.path, &one.metadata)),
            });
        }
        Ok(entries)
    }

    fn state(&self, one: &Found, beside: &Path) -> Result<State, Unsaved> {
        let kind = one.metadata.file_type();
        if kind.is_dir() {
            return Ok(State::Directory);
        }
        if kind.is_fifo() {
            return Ok(State::Pipe);
        }
        let failed = |error: std::io::Error| about(&one.path, &error);
        if kind.is_symlink() {
            let target = std::fs::read_link(&one.path).map_err(failed)?;
            return Ok(State::Link(Bytes::from(target)));
        }
        for _ in 0..TRIES {
            self.writer.in_time()?;
            let file = open(&one.path).map_err(failed)?;
            let before = file.metadata().map_err(failed)?;
            let content = self.content(one, file, &before, beside)?;
            let after = one.path.symlink_metadata().map_err(failed)?;
            if is_same(&before, &after) {
                return Ok(State::File {
                    length: before.len(),
                    content,
                });
            }
        }
        Err(Unsaved(format!(
            "{} is being written to",
            sanitize::path(&one.path)
        )))
    }

    fn content(
        &self,
        one: &Found,
        file: File,
        metadata: &Metadata,
        beside: &Path,
    ) -> Result<Blob, Unsaved> {
        let failed = |error: std::io::Error| about(&one.path, &error);
        let holes = metadata.blocks().saturating_mul(512) < metadata.len();
        let segments = if holes {
            segments(&file, metadata.len()).map_err(failed)?
        } else {
            None
        };
        let size = match &segments {
            Some(segments) => segments.iter().map(|(_, length)| length).sum(),
            None => metadata.len(),
        };
        if size > 0
            && let Some(number) = self.keep(one, &file, metadata, beside)
        {
            let mut hasher = Sha256::new();
            let mut read = source(file.try_clone().map_err(failed)?, segments.clone());
            let copied = digest(&mut *read, &mut hasher).map_err(failed)?;
            if copied != size {
                // It grew or shrank meanwhile; the next attempt sees why.
                let _ = std::fs::remove_file(beside.join(number.to_string()));
            }
            return Ok(Blob {
                sha256: hex(&hasher.finalize()),
                size: copied,
                at: Held::File(number),
                segments,
            });
        }
        let mut content = source(file, segments.clone());
        let blob = self.writer.stream(&mut *content, size)?;
        Ok(Blob { segments, ..blob })
    }

    /// Keeps the file itself beside the pack, by its blocks or by its inode; its number there.
    fn keep(&self, one: &Found, file: &File, metadata: &Metadata, beside: &Path) -> Option<u32> {
        if self.shares_blocks.load(Ordering::Relaxed) {
            match self.share_blocks(file, beside) {
                Some(number) => return Some(number),
                None => self.shares_blocks.store(false, Ordering::Relaxed),
            }
        }
        // Another name outside could be written through later, and so could an open descriptor.
        let inode = (metadata.dev(), metadata.ino());
        let all_names = self.names.get(&inode).copied().unwrap_or(1);
        if !one.unlinked
            || !self.links.load(Ordering::Relaxed)
            || metadata.nlink() != all_names
            || !is_closed(file)
        {
            return None;
        }
        let number = self.writer.number();
        match std::fs::hard_link(&one.path, beside.join(number.to_string())) {
            Ok(()) => Some(number),
            Err(error) => {
                if error.kind() == ErrorKind::CrossesDevices {
                    self.links.store(false, Ordering::Relaxed);
                }
                None
            }
        }
    }

    /// A file of its own with the same blocks (`ioctl_ficlone(2)`).
    #[cfg(target_os = "linux")]
    fn share_blocks(&self, file: &File, beside: &Path) -> Option<u32> {
        let number = self.writer.number();
        let name = beside.join(number.to_string());
        let copy = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&name)
            .ok()?;
        if rustix::fs::ioctl_ficlone(&copy, file).is_ok() {
            return Some(number);
        }
        let _ = std::fs::remove_file(&name);
        None
    }

    #[cfg(not(target_os = "linux"))]
    fn share_blocks(&self, _file: &File, _shelf: &Path) -> Option<u32> {
        None
    }
}

/// The data of a file, without its holes.
fn source(file: File, segments: Option<Vec<(u64, u64)>>) -> Box<dyn std::io::Read> {
    match segments {
        Some(segments) => Box::new(Segments::of(file, segments)),
        None => Box::new(file),
    }
}

fn digest(from: &mut dyn std::io::Read, hasher: &mut Sha256) -> std::io::Result<u64> {
    let mut buffer = [0_u8; 1 << 14];
    let mut size = 0;
    loop {
        let read = from.read(&mut buffer)?;
        let Some(some) = buffer.get(..read).filter(|some| !some.is_empty()) else {
            return Ok(size);
        };
        hasher.update(some);
        size += read as u64;
    }
}

/// What stands at a path now, with its content saved; for what an undo will replace.
///
/// # Errors
/// When it cannot be saved.
pub fn state_now(path: &Path, writer: &Writer) -> Result<Entry, Unsaved> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if is_absence(&error) => {
            return Ok(Entry {
                path: Bytes::from(path),
                state: State::Absent,
                attributes: None,
            });
        }
        Err(error) => return Err(about(path, &error)),
    };
    let found = Found {
        path: path.to_owned(),
        metadata,
        unlinked: false,
    };
    if !found.metadata.is_dir() {
        writer.count(1, found.metadata.len())?;
    }
    let names = HashMap::new();
    let contents = Contents::new(writer, &names);
    contents.links.store(false, Ordering::Relaxed);
    contents.shares_blocks.store(false, Ordering::Relaxed);
    let state = contents.state(&found, Path::new(""))?;
    Ok(Entry {
        path: Bytes::from(path),
        state,
        attributes: Some(attributes(path, &found.metadata)),
    })
}

fn open(path: &Path) -> std::io::Result<File> {
    // A pipe that was put there meanwhile is not waited for, and a link not followed.
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

/// Whether nobody has a file open for writing: a read lease is given only then (fcntl(2),
/// `F_SETLEASE`).
#[cfg(target_os = "linux")]
fn is_closed(file: &File) -> bool {
    use std::os::fd::AsRawFd as _;
    let set = |kind: libc::c_int| {
        // SAFETY: a system call on an open descriptor, with an integer.
        #[allow(unsafe_code)]
        unsafe {
            libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, kind) == 0
        }
    };
    set(libc::F_RDLCK) && set(libc::F_UNLCK)
}

#[cfg(not(target_os = "linux"))]
fn is_closed(_file: &File) -> bool {
    false
}

/// Owner, mode, times and extended attributes of what stands at a path.
pub(super) fn attributes(path: &Path, metadata: &Metadata) -> Attributes {
    Attributes {
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        extended: extended(path),
    }
}

/// Extended attributes; none where the file system has none.
fn extended(path: &Path) -> Vec<(Bytes, Bytes)> {
    let mut names = [0_u8; 1024];
    let mut larger;
    let listed = match rustix::fs::llistxattr(path, &mut names[..]) {
        Ok(0) => return Vec::new(),
        Ok(length) => names.get(..length).unwrap_or_default(),
        Err(rustix::io::Errno::RANGE) => {
            larger = vec![0_u8; 1 << 16];
            match rustix::fs::llistxattr(path, &mut larger[..]) {
                Ok(length) => larger.get(..length).unwrap_or_default(),
                Err(_) => return Vec::new(),
            }
        }
        Err(_) => return Vec::new(),
    };
    listed
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .filter_map(|name| {
            let mut value = vec![0_u8; 1 << 16];
            let name = OsStr::from_bytes(name);
            let length = rustix::fs::lgetxattr(path, name, &mut value[..]).ok()?;
            value.truncate(length);
            Some((Bytes::from(OsString::from(name)), Bytes(value)))
        })
        .collect()
}

fn is_same(before: &Metadata, after: &Metadata) -> bool {
    let facts = |metadata: &Metadata| {
        (
            metadata.dev(),
            metadata.ino(),
            metadata.len(),
            metadata.mtime(),
            metadata.mtime_nsec(),
        )
    };
    facts(before) == facts(after)
}

fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn about(path: &Path, error: &std::io::Error) -> Unsaved {
    Unsaved(format!("{}: {error}", sanitize::path(path)))
}
