//! Paths, by their text and by what is there.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// Whether a path is `directory` or lies below it.
pub fn is_within(path: &Path, directory: &Path) -> bool {
    below(path, directory).is_some()
}

/// What of a path stands behind `directory`, if it is that or lies below it. Both are absolute and
/// plain, so their bytes decide; `Path::strip_prefix` would take both apart for every comparison.
pub fn below<'p>(path: &'p Path, directory: &Path) -> Option<&'p Path> {
    let directory = directory.as_os_str().as_bytes();
    let rest = path.as_os_str().as_bytes().strip_prefix(directory)?;
    let rest = if rest.is_empty() || directory == b"/" {
        rest
    } else {
        rest.strip_prefix(b"/")?
    };
    Some(Path::new(OsStr::from_bytes(rest)))
}

/// As `Path::join`, which makes a copy and then has to grow it.
pub fn join(directory: &Path, name: &OsStr) -> PathBuf {
    let mut joined = PathBuf::with_capacity(directory.as_os_str().len() + 1 + name.len());
    joined.push(directory);
    joined.push(name);
    joined
}

/// A path's directory and name, by its last slash.
pub fn parts(path: &Path) -> (Option<&Path>, Option<&OsStr>) {
    let bytes = path.as_os_str().as_bytes();
    let Some(slash) = bytes.iter().rposition(|byte| *byte == b'/') else {
        return (path.parent(), path.file_name());
    };
    let (parent, name) = bytes.split_at(slash);
    let parent = if parent.is_empty() { b"/" } else { parent };
    (
        Some(Path::new(OsStr::from_bytes(parent))),
        name.get(1..).map(OsStr::from_bytes),
    )
}

/// Whether an error says that nothing is there.
pub fn is_absence(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    )
}

/// The longest existing part of a path made canonical, the rest by its letters.
pub fn existing_part(path: &Path) -> PathBuf {
    let plain = lexical(path);
    for ancestor in plain.ancestors() {
        if let Ok(canonical) = ancestor.canonicalize() {
            let rest = plain.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() {
                canonical
            } else {
                canonical.join(rest)
            };
        }
    }
    plain
}

/// A path without `.` and `..`, by its letters alone.
/// A path by its letters alone: `.` and `..` resolved.
pub fn lexical(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    let mut plain = Vec::with_capacity(bytes.len() + 1);
    for part in bytes.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => plain.truncate(plain.iter().rposition(|byte| *byte == b'/').unwrap_or(0)),
            name => {
                plain.push(b'/');
                plain.extend_from_slice(name);
            }
        }
    }
    if plain.is_empty() {
        plain.push(b'/');
    }
    PathBuf::from(OsString::from_vec(plain))
}

/// Whether a directory is a repository or holds one a level below (two below `@scope`), as a linked
/// package or a checked-out dependency does.
pub fn holds_repository(directory: &Path) -> bool {
    let is_repository = |path: &Path| path.join(".git").symlink_metadata().is_ok();
    let inner = |path: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        directories.map(|entry| entry.path()).collect()
    };
    if !directory
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_dir())
    {
        return false;
    }
    is_repository(directory)
        || inner(directory).iter().any(|below| {
            let scope = below
                .file_name()
                .is_some_and(|name| name.as_bytes().starts_with(b"@"));
            is_repository(below) || (scope && inner(below).iter().any(|path| is_repository(path)))
        })
}

/// The git top level above a directory, else the directory itself.
pub fn top_of(start: &Path) -> PathBuf {
    start
        .ancestors()
        .find(|directory| directory.join(".git").symlink_metadata().is_ok())
        .unwrap_or(start)
        .to_owned()
}

/// The last part of a command's name: `rm` of `/bin/rm`.
pub fn base_name(name: &OsStr) -> Cow<'_, str> {
    let bytes = name.as_bytes();
    let last = bytes.rsplit(|byte| *byte == b'/').next();
    String::from_utf8_lossy(last.unwrap_or(bytes))
}

/// Whether one text stands in another, whole.
pub fn holds(outer: &OsStr, inner: &OsStr) -> bool {
    let (outer, inner) = (outer.as_encoded_bytes(), inner.as_encoded_bytes());
    !inner.is_empty() && outer.windows(inner.len()).any(|window| window == inner)
}
