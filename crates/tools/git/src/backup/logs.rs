//! Reflogs: files of lines, the oldest first (gitrepository-layout(5), `logs`).

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::kept::KeptLog;
use super::{NAMESPACE, RepositoryPlace};
use guard_ground::atomic::{self, Promise};
use guard_ground::bytes::Bytes;
use guard_store::Unsaved;
use guard_store::writer::Writer;

/// The stash is a reflog.
pub(super) const STASH: &str = "refs/stash";

/// The file of a reference's reflog.
pub(super) fn file(place: &RepositoryPlace, name: &OsStr) -> PathBuf {
    let own = name == "HEAD"
        || ["refs/bisect/", "refs/worktree/", "refs/rewritten/"]
            .iter()
            .any(|prefix| name.as_bytes().starts_with(prefix.as_bytes()));
    let directory = if own {
        &place.git_dir
    } else {
        &place.common_dir
    };
    directory.join("logs").join(name)
}

/// Saves a reflog.
pub(super) fn keep(
    place: &RepositoryPlace,
    name: &OsStr,
    writer: &Writer,
) -> Result<KeptLog, Unsaved> {
    let path = file(place, name);
    let content = match std::fs::read(&path) {
        Ok(bytes) => Some(writer.bytes(&bytes)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        // A directory of other references' reflogs.
        Err(_) if path.is_dir() => None,
        Err(error) => return Err(error.into()),
    };
    Ok(KeptLog {
        path: Bytes::from(path),
        name: Bytes::from(name.to_owned()),
        content,
    })
}

/// The names of all references with a reflog.
pub(super) fn names(place: &RepositoryPlace) -> Vec<OsString> {
    let mut found = Vec::new();
    let logs = place.common_dir.join("logs");
    let mut waiting = vec![logs.join("refs")];
    while let Some(directory) = waiting.pop() {
        let entries = std::fs::read_dir(&directory).into_iter().flatten();
        for entry in entries.flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push(path);
            } else if let Ok(name) = path.strip_prefix(&logs)
                && !name
                    .as_os_str()
                    .as_bytes()
                    .starts_with(NAMESPACE.as_bytes())
            {
                found.push(name.as_os_str().to_owned());
            }
        }
    }
    found.push("HEAD".into());
    found.sort();
    found
}

/// What a reflog holds after an undo: what was saved, and behind it what came since.
pub(super) fn merged(name: &[u8], saved: &[u8], now: &[u8]) -> Vec<u8> {
    if now.starts_with(saved) {
        return now.to_vec();
    }
    let mut all = saved.to_vec();
    if name == STASH.as_bytes() {
        // Dropping an entry rewrites its neighbours: an entry is known by its commit.
        let known: HashSet<&[u8]> = lines(saved).filter_map(new_of).collect();
        let mut before = lines(saved).last().and_then(new_of).map(<[u8]>::to_vec);
        for line in lines(now) {
            let Some(new) = new_of(line).filter(|new| !known.contains(*new)) else {
                continue;
            };
            let old = before.unwrap_or_else(|| vec![b'0'; new.len()]);
            all.extend_from_slice(&old);
            all.extend_from_slice(line.get(old.len()..).unwrap_or_default());
            all.push(b'\n');
            before = Some(new.to_vec());
        }
        return all;
    }
    let known: HashSet<&[u8]> = lines(saved).collect();
    for line in lines(now).filter(|line| !known.contains(line)) {
        all.extend_from_slice(line);
        all.push(b'\n');
    }
    all
}

pub(super) fn lines(log: &[u8]) -> impl Iterator<Item = &[u8]> {
    log.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
}

/// The object that a line leads to: `OLD NEW WHO…`.
pub(super) fn new_of(line: &[u8]) -> Option<&[u8]> {
    line.split(|byte| *byte == b' ').nth(1)
}

/// All objects that a reflog names.
pub(super) fn objects(log: &[u8]) -> impl Iterator<Item = String> {
    lines(log)
        .flat_map(|line| line.split(|byte| *byte == b' ').take(2))
        .map(|object| String::from_utf8_lossy(object).into_owned())
}

/// Writes a reflog; without content it goes.
pub(super) fn write(path: &Path, content: Option<&[u8]>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", guard_ground::sanitize::path(path));
    let Some(content) = content else {
        return match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound && path.is_file() => {
                Err(failed(error))
            }
            _ => Ok(()),
        };
    };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    // git locks the reference, not the reflog; a new name leaves no half-written one.
    atomic::write(path, content, Promise::OF_OTHERS.unsynced()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::merged;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const C: &str = "cccccccccccccccccccccccccccccccccccccccc";
    const D: &str = "dddddddddddddddddddddddddddddddddddddddd";

    #[test]
    fn a_dropped_stash_comes_back_below_a_newer_one() {
        let saved = format!("{A} {B} x\tone\n{B} {C} x\ttwo\n");
        let now = format!("{A} {C} x\ttwo\n{C} {D} x\tthree\n");
        let after = format!("{A} {B} x\tone\n{B} {C} x\ttwo\n{C} {D} x\tthree\n");
        let found = merged(b"refs/stash", saved.as_bytes(), now.as_bytes());
        assert_eq!(String::from_utf8_lossy(&found), after);
    }

    #[test]
    fn what_came_since_stays() {
        let saved = format!("{A} {B} x\tone\n{B} {C} x\ttwo\n");
        let now = format!("{saved}{C} {D} x\tthree\n");
        let found = merged(b"HEAD", saved.as_bytes(), now.as_bytes());
        assert_eq!(String::from_utf8_lossy(&found), now);
        let expired = format!("{C} {D} x\tthree\n");
        let found = merged(b"HEAD", saved.as_bytes(), expired.as_bytes());
        assert_eq!(String::from_utf8_lossy(&found), now);
    }
}
