//! Saving files and directories: by sharing their blocks where the file system can, else by keeping
//! the inode under another name, else by copying.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use sha2::{Digest as _, Sha256};

use super::kept::{Attributes, Entry, KeptTrees, State};
use super::sparse::{Segments, segments};
use super::{Root, Trees};
use crate::backup::Unsaved;
use crate::backup::manifest::{Blob, Held};
use crate::backup::text::Bytes;
use crate::backup::writer::{Shelf, Writer};
use crate::digest::hex;
use crate::paths::World;
use crate::preview::files::held_bytes;
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
    let around = around(found.iter().map(|one| one.path.as_path()));
    let entries = Contents::new(writer, &names).of(&found)?;
    Ok(Some(KeptTrees {
        base: base(trees),
        entries,
        around,
    }))
}

/// The directories that these paths lie in, but for those that are among them.
pub(super) fn around<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<(Bytes, (i64, i64))> {
    let paths: std::collections::BTreeSet<&Path> = paths.collect();
    let parents: std::collections::BTreeSet<&Path> = paths
        .iter()
        .filter_map(|path| path.parent())
        .filter(|parent| !paths.contains(parent))
        .collect();
    parents
        .into_iter()
        .filter_map(|parent| {
            let metadata = parent.symlink_metadata().ok()?;
            let time = (metadata.mtime(), metadata.mtime_nsec());
            Some((Bytes::from(parent), time))
        })
        .collect()
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
            if !root.alone {
                done = Some(&root.path);
            }
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
        self.writer.count(1, held_bytes(&metadata))?;
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
        if root.alone {
            return Ok(());
        }
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
        let work: Vec<(&Found, Option<usize>)> = found.iter().zip(same).collect();
        let workers = match std::thread::available_parallelism() {
            Ok(cores) if work.len() >= MANY => cores.get().clamp(1, 4),
            _ => 1,
        };
        if workers == 1 {
            return self.entries(&work);
        }
        let share = work.len().div_ceil(workers);
        let parts: Vec<Result<Vec<Entry>, Unsaved>> = std::thread::scope(|scope| {
            let threads: Vec<_> = work
                .chunks(share)
                .map(|chunk| scope.spawn(move || self.entries(chunk)))
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

    fn entries(&self, work: &[(&Found, Option<usize>)]) -> Result<Vec<Entry>, Unsaved> {
        let mut entries = Vec::with_capacity(work.len());
        let mut at_work = AtWork {
            shelf: None,
            parent: None,
        };
        for (one, same) in work {
            let (state, extended) = match same {
                Some(earlier) => (State::SameAs(*earlier), None),
                None => self.state(one, &mut at_work)?,
            };
            let extended = extended.unwrap_or_else(|| extended_of(&one.path));
            entries.push(Entry {
                path: Bytes::from(one.path.as_path()),
                state,
                attributes: Some(with(&one.metadata, extended)),
            });
        }
        Ok(entries)
    }

    /// What stands there; of a file that was opened, its extended attributes too.
    fn state(
        &self,
        one: &Found,
        at_work: &mut AtWork,
    ) -> Result<(State, Option<Extended>), Unsaved> {
        let kind = one.metadata.file_type();
        if kind.is_dir() {
            return Ok((State::Directory, None));
        }
        if kind.is_fifo() {
            return Ok((State::Pipe, None));
        }
        let failed = |error: std::io::Error| about(&one.path, &error);
        if kind.is_symlink() {
            let target = std::fs::read_link(&one.path).map_err(failed)?;
            return Ok((State::Link(Bytes::from(target)), None));
        }
        let mut before = one.metadata.clone();
        for _ in 0..TRIES {
            self.writer.in_time()?;
            let file = at_work.open(&one.path).map_err(failed)?;
            let names = before.nlink();
            let (content, kept) = self.content(one, &file, &before, at_work)?;
            let after = file.metadata().map_err(failed)?;
            // What was kept is this very file only if it has one name more now.
            if is_same(&before, &after) && (!kept || after.nlink() == names + 1) {
                let state = State::File {
                    length: before.len(),
                    content,
                };
                return Ok((state, Some(extended_of_file(&file))));
            }
            before = one.path.symlink_metadata().map_err(failed)?;
        }
        Err(Unsaved(format!(
            "{} is being written to",
            sanitize::path(&one.path)
        )))
    }

    /// Takes the content; whether the file itself was kept under another name.
    fn content(
        &self,
        one: &Found,
        file: &File,
        metadata: &Metadata,
        at_work: &mut AtWork,
    ) -> Result<(Blob, bool), Unsaved> {
        let failed = |error: std::io::Error| about(&one.path, &error);
        let holes = metadata.blocks().saturating_mul(512) < metadata.len();
        let segments = if holes {
            segments(file, metadata.len()).map_err(failed)?
        } else {
            None
        };
        let size = match &segments {
            Some(segments) => segments.iter().map(|(_, length)| length).sum(),
            None => metadata.len(),
        };
        let kept = if size > 0 {
            self.keep(one, file, metadata, at_work)?
        } else {
            None
        };
        let mut content = source(file, segments.clone());
        if let Some((number, is_the_file)) = kept {
            let sha256 = digest(&mut *content, size).map_err(failed)?;
            let blob = Blob {
                sha256,
                size,
                at: Held::File(number),
                segments,
            };
            return Ok((blob, is_the_file));
        }
        let blob = self.writer.stream(&mut *content, size)?;
        Ok((Blob { segments, ..blob }, false))
    }

    /// Keeps the file itself beside the pack, by its blocks or by its inode: its number there, and
    /// whether it is the file itself.
    fn keep(
        &self,
        one: &Found,
        file: &File,
        metadata: &Metadata,
        at_work: &mut AtWork,
    ) -> Result<Option<(u32, bool)>, Unsaved> {
        if self.shares_blocks.load(Ordering::Relaxed) {
            let (number, name) = at_work.shelf(self.writer)?.place();
            if share_blocks(file, &name) {
                return Ok(Some((number, false)));
            }
            self.shares_blocks.store(false, Ordering::Relaxed);
        }
        // Another name outside could be written through later, and so could an open descriptor.
        let inode = (metadata.dev(), metadata.ino());
        let all_names = self.names.get(&inode).copied().unwrap_or(1);
        if !one.unlinked
            || !self.links.load(Ordering::Relaxed)
            || metadata.nlink() != all_names
            || !is_closed(file)
        {
            return Ok(None);
        }
        let (number, name) = at_work.shelf(self.writer)?.place();
        match at_work.link(&one.path, &name) {
            Ok(()) => Ok(Some((number, true))),
            Err(rustix::io::Errno::XDEV) => {
                self.links.store(false, Ordering::Relaxed);
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }
}

/// What one thread works with: the directory of its files, and the one that it reads in.
struct AtWork {
    shelf: Option<Shelf>,
    parent: Option<(PathBuf, OwnedFd)>,
}

impl AtWork {
    fn shelf(&mut self, writer: &Writer) -> Result<&mut Shelf, Unsaved> {
        if self.shelf.is_none() {
            self.shelf = Some(writer.shelf()?);
        }
        self.shelf
            .as_mut()
            .ok_or_else(|| Unsaved("no directory for files".to_owned()))
    }

    /// The directory that a path lies in, opened once for all that lie in it, and its name there.
    fn parent<'p>(&mut self, path: &'p Path) -> std::io::Result<(&OwnedFd, &'p OsStr)> {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(ErrorKind::InvalidInput.into());
        };
        if self
            .parent
            .as_ref()
            .is_none_or(|(known, _)| known != directory)
        {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let opened = rustix::fs::open(directory, flags, Mode::empty())?;
            self.parent = Some((directory.to_owned(), opened));
        }
        match &self.parent {
            Some((_, opened)) => Ok((opened, name)),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn open(&mut self, path: &Path) -> std::io::Result<File> {
        let (parent, name) = self.parent(path)?;
        // A pipe that was put there meanwhile is not waited for, and a link not followed.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(
            parent,
            name,
            flags,
            Mode::empty(),
        )?))
    }

    fn link(&mut self, path: &Path, to: &Path) -> rustix::io::Result<()> {
        let (parent, name) = self.parent(path).map_err(|_| rustix::io::Errno::NOENT)?;
        rustix::fs::linkat(parent, name, CWD, to, AtFlags::empty())
    }
}

/// Makes a file of its own with the same blocks (`ioctl_ficlone(2)`); whether that can be done here.
#[cfg(target_os = "linux")]
fn share_blocks(file: &File, name: &Path) -> bool {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(name)
        .is_ok_and(|copy| rustix::fs::ioctl_ficlone(&copy, file).is_ok());
    if !made {
        let _ = std::fs::remove_file(name);
    }
    made
}

#[cfg(not(target_os = "linux"))]
fn share_blocks(_file: &File, _name: &Path) -> bool {
    false
}

/// The data of a file, without its holes.
fn source<'f>(file: &'f File, segments: Option<Vec<(u64, u64)>>) -> Box<dyn Read + 'f> {
    match segments {
        Some(segments) => Box::new(Segments::of(file, segments)),
        None => Box::new(file),
    }
}

/// The digest of so many bytes. Whether there are more or fewer by now, the file's size says.
fn digest(from: &mut dyn Read, size: u64) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = [0_u8; 1 << 14];
    let mut left = size;
    while left > 0 {
        let most = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let read = from.read(buffer.get_mut(..most).unwrap_or_default())?;
        if read == 0 {
            break;
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
        left -= read as u64;
    }
    Ok(hex(&hasher.finalize()))
}

/// What stands at these paths now, with contents saved; for what an undo will replace.
///
/// # Errors
/// When it cannot be saved.
pub fn states_now(paths: &[PathBuf], writer: &Writer) -> Result<Vec<Entry>, Unsaved> {
    let mut entries = Vec::with_capacity(paths.len());
    let mut first: HashMap<(u64, u64), usize> = HashMap::new();
    for (at, path) in paths.iter().enumerate() {
        let metadata = match path.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if is_absence(&error) => {
                entries.push(Entry {
                    path: Bytes::from(path.as_path()),
                    state: State::Absent,
                    attributes: None,
                });
                continue;
            }
            Err(error) => return Err(about(path, &error)),
        };
        let several = metadata.nlink() > 1 && metadata.is_file();
        let earlier = *first.entry((metadata.dev(), metadata.ino())).or_insert(at);
        let state = if several && earlier != at {
            State::SameAs(earlier)
        } else {
            state_now(path, &metadata, writer)?
        };
        entries.push(Entry {
            path: Bytes::from(path.as_path()),
            state,
            attributes: Some(attributes(path, &metadata)),
        });
    }
    Ok(entries)
}

/// A copy of what stands at a path.
fn state_now(path: &Path, metadata: &Metadata, writer: &Writer) -> Result<State, Unsaved> {
    if !metadata.is_dir() {
        writer.count(1, held_bytes(metadata))?;
    }
    let names = HashMap::new();
    let contents = Contents::new(writer, &names);
    contents.links.store(false, Ordering::Relaxed);
    contents.shares_blocks.store(false, Ordering::Relaxed);
    let found = Found {
        path: path.to_owned(),
        metadata: metadata.clone(),
        unlinked: false,
    };
    let mut at_work = AtWork {
        shelf: None,
        parent: None,
    };
    Ok(contents.state(&found, &mut at_work)?.0)
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

/// Extended attributes (xattr(7)): names and values.
type Extended = Vec<(Bytes, Bytes)>;

/// Owner, mode, times and extended attributes of what stands at a path.
pub(super) fn attributes(path: &Path, metadata: &Metadata) -> Attributes {
    with(metadata, extended_of(path))
}

fn with(metadata: &Metadata, extended: Extended) -> Attributes {
    Attributes {
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        extended,
    }
}

fn extended_of(path: &Path) -> Extended {
    extended(
        |names| rustix::fs::llistxattr(path, names),
        |name, value| rustix::fs::lgetxattr(path, name, value),
    )
}

fn extended_of_file(file: &File) -> Extended {
    extended(
        |names| rustix::fs::flistxattr(file, names),
        |name, value| rustix::fs::fgetxattr(file, name, value),
    )
}

/// The most that the kernel lets names or a value be (xattr(7)).
const MOST: usize = 1 << 16;

/// Extended attributes; none where the file system has none.
fn extended(
    list: impl Fn(&mut [u8]) -> rustix::io::Result<usize>,
    get: impl Fn(&OsStr, &mut [u8]) -> rustix::io::Result<usize>,
) -> Extended {
    let mut few = [0_u8; 512];
    let mut many;
    let names = match list(&mut few) {
        Ok(length) => few.get(..length),
        Err(rustix::io::Errno::RANGE) => {
            many = vec![0_u8; MOST];
            let length = list(&mut many).unwrap_or(0);
            many.get(..length)
        }
        Err(_) => None,
    };
    names
        .unwrap_or_default()
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .filter_map(|name| {
            let mut value = vec![0_u8; MOST];
            let name = OsStr::from_bytes(name);
            let length = get(name, &mut value).ok()?;
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
