//! Owner, mode, times and extended attributes.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::kept::Attributes;
use guard_ground::bytes::Bytes;

/// Extended attributes (xattr(7)): names and values.
pub(super) type Extended = Vec<(Bytes, Bytes)>;

/// Owner, mode, times and extended attributes of what stands at a path.
pub(super) fn attributes(path: &Path, metadata: &Metadata) -> Attributes {
    with(metadata, extended_of(path))
}

/// Owner, mode and times, with these extended attributes.
pub(super) fn with(metadata: &Metadata, extended: Extended) -> Attributes {
    Attributes {
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        extended,
    }
}

/// Extended attributes of what stands at a path.
pub(super) fn extended_of(path: &Path) -> Extended {
    extended(
        |names| rustix::fs::llistxattr(path, names),
        |name, value| rustix::fs::lgetxattr(path, name, value),
    )
}

/// Extended attributes of an open file.
pub(super) fn extended_of_file(file: &File) -> Extended {
    extended(
        |names| rustix::fs::flistxattr(file, names),
        |name, value| rustix::fs::fgetxattr(file, name, value),
    )
}

/// The most that the kernel lets names or a value be (xattr(7)).
const MOST: usize = 1 << 16;

/// Extended attributes; none where the file system has none.
fn extended(
    list: impl Fn(&mut [u8]) -> rustix::io::Result<usize>,
    get: impl Fn(&OsStr, &mut [u8]) -> rustix::io::Result<usize>,
) -> Extended {
    let mut few = [0_u8; 512];
    let mut many;
    let names = match list(&mut few) {
        Ok(length) => few.get(..length),
        Err(rustix::io::Errno::RANGE) => {
            many = vec![0_u8; MOST];
            let length = list(&mut many).unwrap_or(0);
            many.get(..length)
        }
        Err(_) => None,
    };
    names
        .unwrap_or_default()
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .filter_map(|name| {
            let mut value = vec![0_u8; MOST];
            let name = OsStr::from_bytes(name);
            let length = get(name, &mut value).ok()?;
            value.truncate(length);
            Some((Bytes::from(OsString::from(name)), Bytes(value)))
        })
        .collect()
}
