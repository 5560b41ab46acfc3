//! Files that are whole or not there: written aside, in the same directory, and renamed into their place.
//!
//! Whoever reads one sees what was there before or all of what was written, also when guard is killed on
//! the way. What else is promised, [`Promise`] says.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Error, Result, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::{sanitize, signals};

/// What a file that is written has, beside being whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The mode of a file that is new, before the umask.
    mode: u32,
    /// Whether owner, group and mode of a file that is there stay what they are.
    keeps: bool,
    lasts: Lasts,
}

/// What a file outlives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lasts {
    /// The end of the process.
    Process,
    /// The end of power: what stands under the name, before or after, is whole.
    Power,
    /// As [`Lasts::Power`], and once it is written the name leads to it for good.
    Named,
}

impl Promise {
    /// What guard makes again when it is gone: its user's alone, not synced.
    pub const MADE_AGAIN: Self = Self {
        mode: 0o600,
        keeps: false,
        lasts: Lasts::Process,
    };
    /// What guard keeps: its user's alone, synced before it takes its place.
    pub const KEPT: Self = Self {
        mode: 0o600,
        keeps: false,
        lasts: Lasts::Power,
    };
    /// A file of somebody else's: owner, group and mode stay, or a new one is readable for all; synced,
    /// its name too.
    pub const OF_OTHERS: Self = Self {
        mode: 0o644,
        keeps: true,
        lasts: Lasts::Named,
    };

    /// The same, as fast as many of them have to be.
    #[must_use]
    pub const fn unsynced(self) -> Self {
        Self {
            lasts: Lasts::Process,
            ..self
        }
    }

    /// The same with another mode for a new file.
    #[must_use]
    pub const fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }
}

/// Writes a file.
///
/// # Errors
/// The system's reason; what was there before is then still there.
pub fn write(path: &Path, bytes: &[u8], promise: Promise) -> Result<()> {
    signals::catch_size_limit();
    into_place(path, |aside| write_aside(path, aside, bytes, promise))?;
    if promise.lasts == Lasts::Named
        && let Some(directory) = path.parent().and_then(|above| File::open(above).ok())
    {
        // Some file systems sync no directories; the file is there.
        let _ = directory.sync_all();
    }
    Ok(())
}

fn write_aside(path: &Path, aside: &Path, bytes: &[u8], promise: Promise) -> Result<()> {
    let before = std::fs::metadata(path).ok().filter(|_| promise.keeps);
    // Until it has its owner, nobody else reads it.
    let mode = before.as_ref().map_or(promise.mode, |_| 0o600);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(aside)?;
    if let Some(before) = before {
        let fresh = file.metadata()?;
        if (fresh.uid(), fresh.gid()) != (before.uid(), before.gid()) {
            std::os::unix::fs::fchown(&file, Some(before.uid()), Some(before.gid()))?;
        }
        file.set_permissions(before.permissions())?;
    }
    file.write_all(bytes)?;
    if promise.lasts == Lasts::Process {
        return Ok(());
    }
    file.sync_all()
}

/// Writes what guard makes again, unless it is there as it should be.
///
/// # Errors
/// The system's reason, with the file's name.
pub fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    let is_plain = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
    if is_plain && std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    write(path, bytes, Promise::MADE_AGAIN).map_err(|error| told(path, &error))
}

/// Makes a symbolic link, unless it is there as it should be.
///
/// # Errors
/// The system's reason, with the link's name.
pub fn link(target: &Path, path: &Path) -> Result<()> {
    if std::fs::read_link(path).is_ok_and(|there| there == target) {
        return Ok(());
    }
    into_place(path, |aside| std::os::unix::fs::symlink(target, aside))
        .map_err(|error| told(path, &error))
}

/// Makes something beside `path` and gives it that name.
fn into_place(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let aside = aside(path);
    // What a process of the same number left, or somebody put there, is not written through.
    let _ = std::fs::remove_file(&aside);
    let done = fill(&aside).and_then(|()| std::fs::rename(&aside, path));
    if done.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    done
}

/// A name that nobody looks for: it ends like no file that guard or a shell reads.
fn aside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".guard-{}", std::process::id()));
    PathBuf::from(name)
}

/// Makes a directory that is the user's alone, with those above it.
///
/// # Errors
/// The system's reason.
pub fn directory(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// As [`directory`], with an error that names it.
///
/// # Errors
/// The system's reason, with the directory's name.
pub fn make_directory(path: &Path) -> Result<()> {
    directory(path).map_err(|error| told(path, &error))
}

/// An error that names the file it is about.
pub fn told(path: &Path, error: &Error) -> Error {
    Error::new(error.kind(), format!("{}: {error}", sanitize::path(path)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn modes_stay_where_they_are_others() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("f");
        write(&path, b"1", Promise::KEPT.mode(0o640)).unwrap();
        assert_eq!(mode(&path) & 0o700, 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o604)).unwrap();
        write(&path, b"2", Promise::OF_OTHERS).unwrap();
        assert_eq!(
            (mode(&path), std::fs::read(&path).unwrap()),
            (0o604, b"2".to_vec())
        );
        write(&path, b"3", Promise::KEPT).unwrap();
        assert_eq!(
            (mode(&path), std::fs::read(&path).unwrap()),
            (0o600, b"3".to_vec())
        );
    }

    #[test]
    fn what_cannot_be_written_leaves_what_was_there() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("d");
        std::fs::create_dir_all(path.join("full")).unwrap();
        // What somebody put where the new file is made is not written through.
        std::os::unix::fs::symlink(place.path().join("other"), aside(&path)).unwrap();
        assert!(write(&path, b"1", Promise::OF_OTHERS).is_err());
        let names: Vec<_> = std::fs::read_dir(place.path()).unwrap().flatten().collect();
        assert_eq!(names.len(), 1);
        assert!(path.join("full").is_dir());
    }
}
