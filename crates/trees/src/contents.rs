//! Taking the contents of files: by sharing their blocks where the file system can, else by keeping the
//! inode under another name, else by copying.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags};
use sha2::{Digest as _, Sha256};

use super::attributes::{Extended, extended_of, extended_of_file, with};
use super::found::{FoundPath, about};
use super::kept::{PathState, TreeEntry};
use guard_ground::bytes::Bytes;
use guard_ground::digest::hex;
use guard_ground::sanitize;
use guard_store::Unsaved;
use guard_store::manifest::{Blob, HeldAt};
use guard_store::sparse::{Segments, segments};
use guard_store::writer::{Drawer, Writer};

/// From so many files on, several threads are faster than one.
const MANY: usize = 256;
/// A file that is written to while it is read is read again so often.
const TRIES: usize = 3;

/// Takes the contents of what was found.
pub(super) struct Contents<'a> {
    writer: &'a Writer,
    names: &'a HashMap<(u64, u64), u64>,
    shares_blocks: AtomicBool,
    links: AtomicBool,
}

impl<'a> Contents<'a> {
    /// With the number of names that were found of each inode with several.
    pub(super) fn new(writer: &'a Writer, names: &'a HashMap<(u64, u64), u64>) -> Self {
        let originals = writer.takes_originals();
        Self {
            writer,
            names,
            shares_blocks: AtomicBool::new(originals && cfg!(target_os = "linux")),
            links: AtomicBool::new(originals),
        }
    }

    /// That copies, whatever the file system can.
    pub(super) fn copying(writer: &'a Writer) -> Self {
        static NONE: OnceLock<HashMap<(u64, u64), u64>> = OnceLock::new();
        Self {
            writer,
            names: NONE.get_or_init(HashMap::new),
            shares_blocks: AtomicBool::new(false),
            links: AtomicBool::new(false),
        }
    }

    /// What stands there, with a copy of its content.
    pub(super) fn copy(&self, one: &FoundPath) -> Result<PathState, Unsaved> {
        Ok(self.state(one, &mut AtWork::default())?.0)
    }

    /// Takes all of them.
    pub(super) fn of(&self, found: &[FoundPath]) -> Result<Vec<TreeEntry>, Unsaved> {
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
        let work: Vec<(&FoundPath, Option<usize>)> = found.iter().zip(same).collect();
        let workers = match std::thread::available_parallelism() {
            Ok(cores) if work.len() >= MANY => cores.get().clamp(1, 4),
            _ => 1,
        };
        if workers == 1 {
            return self.entries(&work);
        }
        let share = work.len().div_ceil(workers);
        let parts: Vec<Result<Vec<TreeEntry>, Unsaved>> = std::thread::scope(|scope| {
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

    fn entries(&self, work: &[(&FoundPath, Option<usize>)]) -> Result<Vec<TreeEntry>, Unsaved> {
        let mut entries = Vec::with_capacity(work.len());
        let mut at_work = AtWork::default();
        for (one, same) in work {
            let (state, extended) = match same {
                Some(earlier) => (PathState::SameAs(*earlier), None),
                None => self.state(one, &mut at_work)?,
            };
            let extended = extended.unwrap_or_else(|| extended_of(&one.path));
            entries.push(TreeEntry {
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
        one: &FoundPath,
        at_work: &mut AtWork,
    ) -> Result<(PathState, Option<Extended>), Unsaved> {
        let kind = one.metadata.file_type();
        if kind.is_dir() {
            return Ok((PathState::Directory, None));
        }
        if kind.is_fifo() {
            return Ok((PathState::Pipe, None));
        }
        let failed = |error: std::io::Error| about(&one.path, &error);
        if kind.is_symlink() {
            let target = std::fs::read_link(&one.path).map_err(failed)?;
            return Ok((PathState::Link(Bytes::from(target)), None));
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
                let state = PathState::File {
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
        one: &FoundPath,
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
                at: HeldAt::File(number),
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
        one: &FoundPath,
        file: &File,
        metadata: &Metadata,
        at_work: &mut AtWork,
    ) -> Result<Option<(u32, bool)>, Unsaved> {
        if self.shares_blocks.load(Ordering::Relaxed) {
            let own = at_work.shelf(self.writer)?;
            let (number, name) = own.place();
            if share_blocks(file, own.directory(), &name) {
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
        match at_work.link(&one.path, self.writer)? {
            Ok(number) => Ok(Some((number, true))),
            Err(rustix::io::Errno::XDEV) => {
                self.links.store(false, Ordering::Relaxed);
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }
}

/// What one thread works with: the directory of its files, and the one that it reads in.
#[derive(Default)]
struct AtWork {
    shelf: Option<Drawer>,
    parent: Option<(PathBuf, OwnedFd)>,
}

impl AtWork {
    fn shelf(&mut self, writer: &Writer) -> Result<&mut Drawer, Unsaved> {
        if self.shelf.as_ref().is_none_or(Drawer::is_full) {
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

    /// Gives the file at a path a second name on the shelf; its number there.
    fn link(&mut self, path: &Path, writer: &Writer) -> Result<rustix::io::Result<u32>, Unsaved> {
        let (number, name) = self.shelf(writer)?.place();
        self.parent(path).map_err(|error| about(path, &error))?;
        let (Some((_, parent)), Some(own)) = (&self.parent, &self.shelf) else {
            return Ok(Err(rustix::io::Errno::NOENT));
        };
        let written = path.file_name().unwrap_or_default();
        let linked = rustix::fs::linkat(parent, written, own.directory(), name, AtFlags::empty());
        Ok(linked.map(|()| number))
    }
}

/// Makes a file of its own with the same blocks (`ioctl_ficlone(2)`); whether that can be done here.
#[cfg(target_os = "linux")]
fn share_blocks(file: &File, directory: BorrowedFd<'_>, name: &str) -> bool {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let made = rustix::fs::openat(directory, name, flags, Mode::RUSR | Mode::WUSR)
        .is_ok_and(|copy| rustix::fs::ioctl_ficlone(&copy, file).is_ok());
    if !made {
        let _ = rustix::fs::unlinkat(directory, name, AtFlags::empty());
    }
    made
}

#[cfg(not(target_os = "linux"))]
fn share_blocks(_file: &File, _directory: BorrowedFd<'_>, _name: &str) -> bool {
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
