//! Bringing files and directories back as they were, and saying in what they differ.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};
use sha2::{Digest as _, Sha256};

use super::attributes::attributes;
use super::kept::{Attributes, KeptTrees, PathState, TreeEntry};
use guard_ground::digest::hex;
use guard_ground::sanitize;
use guard_store::manifest::Blob;
use guard_store::reader::BackupReader;
use guard_store::sparse::{Segments, segments};

/// A command that was saved for runs at once: what changed within so many milliseconds, it changed.
const AT_ONCE: u64 = 2000;

/// Something that stands where a backup would be brought back to, and is nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Where.
    pub path: PathBuf,
    /// What is the matter, after the path.
    pub why: &'static str,
}

impl Conflict {
    /// As a line.
    pub fn line(&self) -> String {
        format!("{} {}", sanitize::path(&self.path), self.why)
    }
}

/// Files and directories on their way back.
pub struct Restoring<'a> {
    /// What was saved.
    pub trees: &'a KeptTrees,
    /// The backup.
    pub reader: &'a BackupReader,
    /// Another directory than they came from.
    pub into: Option<&'a Path>,
}

impl Restoring<'_> {
    /// Where an entry goes.
    pub fn target(&self, entry: &TreeEntry) -> PathBuf {
        let path = entry.path.path();
        match self.into {
            None => path.to_owned(),
            Some(into) => {
                let below = path
                    .strip_prefix(self.trees.base.path())
                    // What lies elsewhere must not lead out of the directory.
                    .or_else(|_| path.strip_prefix("/"))
                    .unwrap_or(Path::new("elsewhere"));
                into.join(below)
            }
        }
    }

    /// What would be lost by it. `is_held` says whether what stands at a path is kept elsewhere: in a
    /// commit, or in another backup.
    pub fn conflicts(&self, is_held: &dyn Fn(&Path) -> bool) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for entry in &self.trees.entries {
            let path = self.target(entry);
            if let Some(why) = self.conflict(entry, &path, is_held) {
                conflicts.push(Conflict { path, why });
            }
        }
        conflicts
    }

    fn conflict(
        &self,
        entry: &TreeEntry,
        path: &Path,
        is_held: &dyn Fn(&Path) -> bool,
    ) -> Option<&'static str> {
        if passes_a_link(path) {
            return Some("lies behind a link that was not there");
        }
        let metadata = path.symlink_metadata().ok()?;
        match &entry.state {
            PathState::Absent if self.into.is_some() => None,
            PathState::Absent | PathState::Directory if metadata.is_dir() => None,
            PathState::Absent => (!is_held(path)).then_some("was made or changed since"),
            _ if metadata.is_dir() => Some("is a directory now"),
            _ if self.is_same_content(entry, path, &metadata) => None,
            _ => (!is_held(path)).then_some("was made or changed since"),
        }
    }

    fn is_same_content(&self, entry: &TreeEntry, path: &Path, metadata: &Metadata) -> bool {
        match &entry.state {
            PathState::Absent => false,
            PathState::Directory => metadata.is_dir(),
            PathState::File { length, content } => {
                metadata.is_file()
                    && metadata.len() == *length
                    && digest_of(path, *length, content.segments.is_some())
                        .is_some_and(|digest| digest == content.sha256)
            }
            PathState::SameAs(earlier) => self
                .trees
                .entries
                .get(*earlier)
                .is_some_and(|first| self.is_same_content(first, path, metadata)),
            PathState::Link(target) => {
                std::fs::read_link(path).is_ok_and(|now| now.as_os_str() == target.os())
            }
            PathState::Pipe => metadata.file_type().is_fifo(),
        }
    }

    /// In what the files and directories differ from what was saved; empty when they are as they were.
    pub fn differences(&self) -> Vec<String> {
        let mut found = Vec::new();
        for entry in &self.trees.entries {
            let path = self.target(entry);
            if let Some(what) = self.difference(entry, &path) {
                found.push(format!("{}: {what}", sanitize::path(&path)));
            }
        }
        found
    }

    fn difference(&self, entry: &TreeEntry, path: &Path) -> Option<String> {
        if entry.state == PathState::Absent && self.into.is_some() {
            // What was not there is not taken away from another directory.
            return None;
        }
        let metadata = match path.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(_) if entry.state == PathState::Absent => return None,
            Err(error) => return Some(error.to_string()),
        };
        if entry.state == PathState::Absent {
            // A directory that is not empty holds what came later.
            return (!metadata.is_dir()).then(|| "it is still there".to_owned());
        }
        if !self.is_same_content(entry, path, &metadata) {
            return Some("its content is not what was saved".to_owned());
        }
        if let PathState::SameAs(earlier) = entry.state {
            let first = self.trees.entries.get(earlier)?;
            let first = self.target(first).symlink_metadata().ok()?;
            if (first.dev(), first.ino()) != (metadata.dev(), metadata.ino()) {
                return Some("it is no longer the same file as its other name".to_owned());
            }
        }
        let wanted = entry.attributes.as_ref()?;
        let now = attributes(path, &metadata);
        let is_link = matches!(entry.state, PathState::Link(_));
        if !is_link && now.mode != wanted.mode {
            return Some(format!("its mode is {:o}, not {:o}", now.mode, wanted.mode));
        }
        if (now.uid, now.gid) != (wanted.uid, wanted.gid) {
            return Some(format!(
                "its owner is {}:{}, not {}:{}",
                now.uid, now.gid, wanted.uid, wanted.gid
            ));
        }
        if now.modified != wanted.modified {
            return Some("its time of change is another".to_owned());
        }
        (now.extended != wanted.extended).then(|| "its extended attributes are others".to_owned())
    }

    /// Brings everything back. What could not be made as it was, but does not matter to the content
    /// (an owner that only root can give), is returned.
    ///
    /// # Errors
    /// The first thing that could not be brought back at all; what came before it stays.
    pub fn restore(&self) -> Result<Vec<String>, String> {
        let mut notes = Vec::new();
        let untouched = self.untouched();
        if self.into.is_none() {
            for entry in self.trees.entries.iter().rev() {
                if entry.state == PathState::Absent {
                    remove(entry.path.path())?;
                }
            }
        }
        for (number, entry) in self.trees.entries.iter().enumerate() {
            let path = self.target(entry);
            self.place(entry, &path, number, &mut notes)
                .map_err(|why| format!("{}: {why}", sanitize::path(&path)))?;
        }
        // What was put into a directory changed its time.
        for entry in self.trees.entries.iter().rev() {
            if entry.state == PathState::Directory {
                set_attributes(&self.target(entry), entry, &mut notes)?;
            }
        }
        for (path, time) in untouched {
            // Of no consequence where it fails.
            let _ = set_time(path, *time);
        }
        Ok(notes)
    }

    /// The directories around that nothing but the command has changed since: they get their times back.
    fn untouched(&self) -> Vec<(&Path, &(i64, i64))> {
        if self.into.is_some() {
            return Vec::new();
        }
        let end = self.reader.manifest().time.saturating_add(AT_ONCE);
        let changed_by = |path: &Path| {
            let metadata = path.symlink_metadata().ok()?;
            let millis = metadata.mtime_nsec() / 1_000_000;
            u64::try_from(metadata.mtime().saturating_mul(1000).saturating_add(millis)).ok()
        };
        self.trees
            .around
            .iter()
            .map(|(path, time)| (path.path(), time))
            .filter(|(path, _)| changed_by(path).is_some_and(|time| time <= end))
            .collect()
    }

    fn place(
        &self,
        entry: &TreeEntry,
        path: &Path,
        number: usize,
        notes: &mut Vec<String>,
    ) -> Result<(), String> {
        if entry.state == PathState::Absent {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
        }
        let now = path.symlink_metadata().ok();
        if entry.state == PathState::Directory {
            if now.as_ref().is_some_and(Metadata::is_dir) {
                return Ok(());
            }
            if now.is_some() {
                std::fs::remove_file(path).map_err(|error| error.to_string())?;
            }
            return std::fs::create_dir(path).map_err(|error| error.to_string());
        }
        if let PathState::SameAs(earlier) = entry.state {
            return self.link_again(earlier, path, number);
        }
        if let Some(now) = &now {
            if now.is_dir() {
                std::fs::remove_dir(path).map_err(|error| error.to_string())?;
            } else if self.is_same_content(entry, path, now) && now.nlink() == 1 {
                return set_attributes(path, entry, notes);
            }
        }
        let aside = self.aside(path, number);
        let made = self
            .make(entry, &aside)
            .and_then(|()| set_attributes(&aside, entry, notes))
            .and_then(|()| std::fs::rename(&aside, path).map_err(|error| error.to_string()));
        if made.is_err() {
            let _ = std::fs::remove_file(&aside);
        }
        made
    }

    /// A name next to a path, for what is not whole yet.
    fn aside(&self, path: &Path, number: usize) -> PathBuf {
        let id = &self.reader.manifest().id;
        path.with_file_name(format!(".guard-{id}-{}-{number}", std::process::id()))
    }

    fn link_again(&self, earlier: usize, path: &Path, number: usize) -> Result<(), String> {
        let first = self
            .trees
            .entries
            .get(earlier)
            .ok_or("the backup names no such entry")?;
        let first = self.target(first);
        let inode = |path: &Path| {
            path.symlink_metadata()
                .map(|metadata| (metadata.dev(), metadata.ino()))
                .ok()
        };
        if inode(&first) == inode(path) {
            return Ok(());
        }
        let aside = self.aside(path, number);
        std::fs::hard_link(&first, &aside)
            .and_then(|()| std::fs::rename(&aside, path))
            .map_err(|error| error.to_string())
    }

    fn make(&self, entry: &TreeEntry, path: &Path) -> Result<(), String> {
        let system = |error: rustix::io::Errno| error.to_string();
        match &entry.state {
            PathState::File { length, content } => self.write(path, *length, content),
            PathState::Link(target) => rustix::fs::symlink(target.os(), path).map_err(system),
            PathState::Pipe => {
                rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
                    .map_err(system)
            }
            PathState::Absent | PathState::Directory | PathState::SameAs(_) => Ok(()),
        }
    }

    fn write(&self, path: &Path, length: u64, content: &Blob) -> Result<(), String> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| error.to_string())?;
        match &content.segments {
            None => self.reader.copy(content, &mut &file)?,
            Some(segments) => {
                let mut pieces = Pieces {
                    file: &file,
                    segments: segments.iter(),
                    left: 0,
                };
                self.reader.copy(content, &mut pieces)?;
                file.set_len(length).map_err(|error| error.to_string())?;
            }
        }
        file.sync_data().map_err(|error| error.to_string())
    }
}

/// Writes a content back to where its pieces were.
struct Pieces<'a> {
    file: &'a File,
    segments: std::slice::Iter<'a, (u64, u64)>,
    left: u64,
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        while self.left == 0 {
            let (start, length) = self
                .segments
                .next()
                .ok_or_else(|| std::io::Error::other("there is more data than pieces"))?;
            self.file.seek(SeekFrom::Start(*start))?;
            self.left = *length;
        }
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let written = self.file.write(bytes.get(..most).unwrap_or_default())?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether a parent of a path is a symbolic link now. None was when it was saved.
pub(crate) fn passes_a_link(path: &Path) -> bool {
    path.ancestors().skip(1).any(|above| {
        above
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_symlink())
    })
}

fn remove(path: &Path) -> Result<(), String> {
    let Ok(metadata) = path.symlink_metadata() else {
        return Ok(());
    };
    let done = if metadata.is_dir() {
        match std::fs::remove_dir(path) {
            // It holds what came later.
            Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => Ok(()),
            other => other,
        }
    } else {
        std::fs::remove_file(path)
    };
    done.map_err(|error| format!("{}: {error}", sanitize::path(path)))
}

/// The digest of a file's content, without its holes where it had some when it was saved.
fn digest_of(path: &Path, length: u64, sparse: bool) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let mut hasher = Sha256::new();
    if !sparse {
        std::io::copy(&mut file, &mut hasher).ok()?;
    } else if let Some(segments) = segments(&file, length).ok()? {
        std::io::copy(&mut Segments::of(file, segments), &mut hasher).ok()?;
    } else {
        std::io::copy(&mut file, &mut hasher).ok()?;
    }
    Some(hex(&hasher.finalize()))
}

fn set_attributes(path: &Path, entry: &TreeEntry, notes: &mut Vec<String>) -> Result<(), String> {
    let Some(wanted) = &entry.attributes else {
        return Ok(());
    };
    let metadata = path.symlink_metadata().map_err(|error| error.to_string())?;
    let is_link = metadata.is_symlink();
    if (metadata.uid(), metadata.gid()) != (wanted.uid, wanted.gid)
        && std::os::unix::fs::lchown(path, Some(wanted.uid), Some(wanted.gid)).is_err()
    {
        notes.push(format!(
            "{} belonged to {}:{}, which only root can give",
            entry.path.shown(),
            wanted.uid,
            wanted.gid
        ));
    }
    set_extended(path, entry, &attributes(path, &metadata), wanted, notes);
    if !is_link {
        rustix::fs::chmod(path, Mode::from_raw_mode(wanted.mode))
            .map_err(|error| error.to_string())?;
    }
    set_time(path, wanted.modified)
}

fn set_time(path: &Path, (seconds, nanoseconds): (i64, i64)) -> Result<(), String> {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| error.to_string())
}

fn set_extended(
    path: &Path,
    entry: &TreeEntry,
    now: &Attributes,
    wanted: &Attributes,
    notes: &mut Vec<String>,
) {
    for (name, _) in &now.extended {
        // What a directory gives to everything new in it was not there before.
        if !wanted.extended.iter().any(|(kept, _)| kept == name) {
            let _ = rustix::fs::lremovexattr(path, name.os());
        }
    }
    for (name, value) in &wanted.extended {
        if now
            .extended
            .iter()
            .any(|(own, same)| own == name && same == value)
        {
            continue;
        }
        if rustix::fs::lsetxattr(path, name.os(), &value.0, XattrFlags::empty()).is_err() {
            notes.push(format!(
                "{} had the attribute {}, which cannot be set",
                entry.path.shown(),
                name.shown()
            ));
        }
    }
}
