//! Reading and writing the files of others: through links, whole or not at all.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use guard_ground::atomic::{self, Promise};
use guard_ground::sanitize;

/// Start-up and configuration files are smaller.
const MAX_SIZE: u64 = 8 * 1024 * 1024;

/// A file as it is now.
#[derive(Clone, Debug)]
pub struct FileNow {
    /// The file itself, links resolved.
    pub target: PathBuf,
    /// What it holds; nothing when it is not there.
    pub before: Option<Vec<u8>>,
}

/// Reads a file that may not be there, links resolved.
pub fn look(path: &Path) -> Result<FileNow, String> {
    let shown = sanitize::path(path);
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
    let target = match path.canonicalize() {
        Ok(target) => target,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_link => {
            return Ok(FileNow {
                target: resolved(path),
                before: None,
            });
        }
        Err(_) if is_link => {
            let to = std::fs::read_link(path).unwrap_or_default();
            return Err(format!(
                "{shown} is a link to {}, which cannot be reached",
                sanitize::path(&to)
            ));
        }
        Err(error) => return Err(format!("{shown}: {error}")),
    };
    let failed = |error: std::io::Error| format!("{shown} cannot be read: {error}");
    let meta = std::fs::metadata(&target).map_err(failed)?;
    if !meta.is_file() {
        return Err(format!("{shown} is no regular file"));
    }
    if meta.len() > MAX_SIZE {
        return Err(format!("{shown} is larger than 8 MiB"));
    }
    let mut before = Vec::new();
    File::open(&target)
        .and_then(|file| file.take(MAX_SIZE).read_to_end(&mut before))
        .map_err(failed)?;
    Ok(FileNow {
        target,
        before: Some(before),
    })
}

/// The path of a file that is not there, with the links among the directories above it resolved.
fn resolved(path: &Path) -> PathBuf {
    for above in path.ancestors().skip(1) {
        if let (Ok(real), Ok(rest)) = (above.canonicalize(), path.strip_prefix(above)) {
            return real.join(rest);
        }
    }
    path.to_owned()
}

/// Whether a file can be replaced; said before anything is written.
pub fn writable(path: &Path, target: &Path, exists: bool) -> Result<(), String> {
    let shown = sanitize::path(path);
    if exists {
        let is_locked =
            std::fs::metadata(target).is_ok_and(|meta| meta.permissions().mode() & 0o222 == 0);
        if is_locked || rustix::fs::access(target, Access::WRITE_OK).is_err() {
            return Err(format!("{shown} is read-only"));
        }
    }
    let above = target
        .ancestors()
        .skip(1)
        .find(|above| above.symlink_metadata().is_ok())
        .unwrap_or(Path::new("/"));
    if !above.is_dir() {
        return Err(format!(
            "{shown} cannot be made: {} is no directory",
            sanitize::path(above)
        ));
    }
    if rustix::fs::access(above, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        return Err(format!(
            "{shown} cannot be written: the directory {} is read-only",
            sanitize::path(above)
        ));
    }
    Ok(())
}

/// The directories above a file that are not there, the innermost first.
pub fn missing_directories(target: &Path) -> Vec<PathBuf> {
    target
        .ancestors()
        .skip(1)
        .take_while(|above| above.symlink_metadata().is_err())
        .map(Path::to_owned)
        .collect()
}

/// Replaces a file in one step, with the owner and the mode that it had; `None` removes it. Refuses
/// when it does not hold what is expected any more.
pub fn replace(
    target: &Path,
    expected: Option<&[u8]>,
    wanted: Option<&[u8]>,
) -> Result<(), String> {
    let shown = sanitize::path(target);
    let failed = |error: std::io::Error| format!("{shown} cannot be written: {error}");
    let now = match std::fs::read(target) {
        Ok(now) => Some(now),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    if now.as_deref() != expected {
        return Err(format!("{shown} was changed by somebody just now"));
    }
    let Some(wanted) = wanted else {
        return std::fs::remove_file(target).map_err(failed);
    };
    if let Some(directory) = target.parent() {
        std::fs::create_dir_all(directory).map_err(failed)?;
    }
    atomic::write(target, wanted, Promise::OF_OTHERS).map_err(failed)
}
