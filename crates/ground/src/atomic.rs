//! Files that are whole or not there.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{Error, Result, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::sanitize;

/// Makes a directory that is the user's alone, with those above it.
pub fn make_directory(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| told(path, &error))
}

/// Writes a file whole, unless it is there as it should be.
pub fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    let is_plain = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
    if is_plain && std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    write_whole(path, bytes).map_err(|error| told(path, &error))
}

/// A file of guard's, whole or not there.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".new.{}", std::process::id()));
    let aside = PathBuf::from(aside);
    let _ = std::fs::remove_file(&aside);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&aside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    written
}

/// An error that names the file it is about.
pub fn told(path: &Path, error: &Error) -> Error {
    Error::new(error.kind(), format!("{}: {error}", sanitize::path(path)))
}
