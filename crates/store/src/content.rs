//! Contents of a pack, held against their digests.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt as _;

use sha2::{Digest as _, Sha256};

use super::manifest::{Blob, HeldAt};
use guard_ground::digest::hex;

/// A range of the pack.
pub(super) struct Range<'a> {
    pub(super) pack: &'a File,
    pub(super) position: u64,
    pub(super) left: u64,
}

impl Read for Range<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(part) = buffer.get_mut(..most) else {
            return Ok(0);
        };
        let read = self.pack.read_at(part, self.position)?;
        self.position += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Whether a content of a pack can be read as it was written.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(pack: &File, blob: &Blob) -> Result<(), String> {
    let HeldAt::Pack(position, left) = blob.at else {
        return Ok(());
    };
    let content = zstd::stream::Decoder::new(Range {
        pack,
        position,
        left,
    });
    let content = content.map_err(|error| error.to_string())?;
    copy(Box::new(content), blob, &mut std::io::sink())
}

/// Copies a content and holds it against its digest.
pub(super) fn copy(
    mut content: Box<dyn Read + '_>,
    blob: &Blob,
    to: &mut dyn Write,
) -> Result<(), String> {
    let mut hasher = Sha256::new();
    let mut size = 0_u64;
    let mut buffer = vec![0_u8; 1 << 16];
    loop {
        let read = content
            .read(&mut buffer)
            .map_err(|error| format!("it cannot be read: {error}"))?;
        let Some(some) = buffer.get(..read).filter(|some| !some.is_empty()) else {
            break;
        };
        hasher.update(some);
        size += read as u64;
        if size > blob.size {
            break;
        }
        to.write_all(some).map_err(|error| error.to_string())?;
    }
    if size != blob.size || hex(&hasher.finalize()) != blob.sha256 {
        return Err("it is not what was saved: the backup is damaged".to_owned());
    }
    Ok(())
}
