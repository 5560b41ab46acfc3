//! Holes in files (lseek(2), `SEEK_DATA`): they are neither read nor stored.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{Read, Result};
use std::os::unix::fs::FileExt as _;

use rustix::fs::{SeekFrom, seek};

/// The data of a file, one piece after the other.
pub struct Segments<F> {
    file: F,
    pieces: std::vec::IntoIter<(u64, u64)>,
    position: u64,
    left: u64,
}

impl<F: Borrow<File>> Segments<F> {
    /// These pieces of a file.
    pub fn of(file: F, segments: Vec<(u64, u64)>) -> Self {
        Self {
            file,
            pieces: segments.into_iter(),
            position: 0,
            left: 0,
        }
    }
}

impl<F: Borrow<File>> Read for Segments<F> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.left == 0 {
            match self.pieces.next() {
                Some((start, length)) => (self.position, self.left) = (start, length),
                None => return Ok(0),
            }
        }
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(part) = buffer.get_mut(..most) else {
            return Ok(0);
        };
        let read = self.file.borrow().read_at(part, self.position)?;
        self.position += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Where a file of this length has data; `None` when it has no hole.
pub fn segments(file: &File, length: u64) -> Result<Option<Vec<(u64, u64)>>> {
    let mut found = Vec::new();
    let mut position = 0;
    while position < length {
        let start = match seek(file, SeekFrom::Data(position)) {
            Ok(start) => start,
            // Nothing but a hole up to the end.
            Err(rustix::io::Errno::NXIO) => break,
            // The file system knows no holes.
            Err(rustix::io::Errno::INVAL) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let end = seek(file, SeekFrom::Hole(start))?.min(length);
        found.push((start, end.saturating_sub(start)));
        position = end;
    }
    seek(file, SeekFrom::Start(0))?;
    let whole = found == [(0, length)] || length == 0;
    Ok((!whole).then_some(found))
}
