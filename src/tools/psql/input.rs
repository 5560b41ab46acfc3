//! SQL on standard input: read before psql reads it, then handed on, the same bytes.

use std::fs::File;
use std::io::{Error, Read as _, Seek as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use rustix::fs::{FileType, fstat};

use super::MAX_SQL;

/// The bytes of a file that is no larger than what guard reads.
///
/// # Errors
/// The system's reason, or that the file is too large or no regular file.
pub(super) fn read_file(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut opened = File::open(file)?;
    let metadata = opened.metadata()?;
    if !metadata.is_file() {
        return Err(Error::other(
            "it is no regular file, so it cannot be read twice",
        ));
    }
    bounded(&mut opened)
}

fn bounded(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.take(MAX_SQL + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_SQL {
        return Err(Error::other("there is more SQL than guard reads"));
    }
    Ok(text)
}

/// Copies standard input to a file that has no name, puts that in its place, and returns what it
/// holds. `None` for a terminal, a closed descriptor or a device: nothing is read from those.
///
/// # Errors
/// The system's reason; standard input may then have been read in part, so psql must not run.
pub(super) fn spool() -> std::io::Result<Option<Vec<u8>>> {
    let stdin = std::io::stdin();
    let Ok(status) = fstat(stdin.as_fd()) else {
        return Ok(None);
    };
    match FileType::from_raw_mode(status.st_mode) {
        FileType::CharacterDevice | FileType::BlockDevice | FileType::Directory => return Ok(None),
        _ => {}
    }
    let mut copy = nameless_file()?;
    let mut source = File::from(stdin.as_fd().try_clone_to_owned()?);
    std::io::copy(&mut source, &mut copy)?;
    copy.rewind()?;
    let text = bounded(&mut copy);
    copy.rewind()?;
    rustix::stdio::dup2_stdin(&copy)?;
    text.map(Some)
}

/// A file that has no name and goes with the last process that has it open.
#[cfg(target_os = "linux")]
pub(crate) fn nameless_file() -> std::io::Result<File> {
    let memory = rustix::fs::memfd_create("guard-sql", rustix::fs::MemfdFlags::CLOEXEC)?;
    Ok(File::from(memory))
}

/// A file that has no name and goes with the last process that has it open.
#[cfg(not(target_os = "linux"))]
pub(crate) fn nameless_file() -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let name = format!("/tmp/guard-sql.{}", std::process::id());
    let mut options = File::options();
    let file = options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&name)?;
    std::fs::remove_file(&name)?;
    Ok(file)
}
