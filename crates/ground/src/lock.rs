//! One writer at a time: advisory locks on files (flock(2), as the standard library takes them), which go
//! with the process that holds them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

/// How often a lock is asked for before it is said that another process holds it: two seconds.
pub const PATIENT: u32 = 200;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// A lock, for as long as it is kept.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Locks an open file, asking `tries` times. One that a stopped process holds is not waited for
/// without end.
///
/// # Errors
/// [`ErrorKind::TimedOut`] when another process holds it, else the system's reason.
pub fn take(file: &File, tries: u32) -> Result<()> {
    for attempt in 1..=tries {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        if attempt < tries {
            std::thread::sleep(PAUSE);
        }
    }
    Err(Error::new(
        ErrorKind::TimedOut,
        "another process holds the lock",
    ))
}

/// Locks the file at `path`, which is made for its owner only, asking `tries` times.
///
/// # Errors
/// As [`take`], and when it cannot be made.
pub fn file(path: &Path, tries: u32) -> Result<Lock> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        // A pipe in its place would be waited for without end.
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    take(&file, tries)?;
    Ok(Lock { _file: file })
}

/// Locks a file beside `file`, of the same name with `.lock`.
///
/// # Errors
/// As [`file()`], after two seconds.
pub fn beside(path: &Path) -> Result<Lock> {
    file(&path.with_extension("lock"), PATIENT)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn one_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let held = file(&path, 1).unwrap();
        let error = file(&path, 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(held);
        file(&path, 1).unwrap();
    }
}
