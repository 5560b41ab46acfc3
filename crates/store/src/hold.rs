//! Who writes or reads a backup: a lock on its directory says so.

use std::fs::File;
use std::io::Result;
use std::path::Path;

/// Whether somebody writes or reads a backup.
pub(super) fn is_used(directory: &Path) -> bool {
    File::open(directory).is_ok_and(|file| file.try_lock().is_err())
}

/// Keeps a backup from being removed, for as long as the result is held.
///
/// # Errors
/// The system's reason.
pub(super) fn hold(directory: &Path) -> Result<File> {
    let file = File::open(directory)?;
    file.lock_shared()?;
    Ok(file)
}
