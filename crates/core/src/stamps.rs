//! What psql reads besides its arguments, as it was when guard read it: a file that changes before psql
//! reads it has not been judged.

use std::fs::{File, Metadata};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// One thing that psql reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StampedInput {
    /// Standard input.
    Input {
        /// What the file was when guard read it; `None` when guard has put the bytes into a file of its
        /// own.
        stamp: Option<Stamp>,
    },
    /// A file: of `-f`, `\i`, or psqlrc.
    File {
        /// Where it is.
        path: PathBuf,
        /// What it was when guard read it; `None` when it was not there, or no regular file.
        stamp: Option<Stamp>,
    },
}

/// What changes when a file does: device, number, size, and the time of its last change, which only
/// the kernel sets (stat(2), `st_ctim`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    place: (u64, u64),
    size: u64,
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of a file; pipes and devices have none.
    pub fn of(file: &Metadata) -> Option<Self> {
        file.is_file().then(|| Self {
            place: (file.dev(), file.ino()),
            size: file.size(),
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }

    fn at(path: &Path) -> Option<Self> {
        Self::of(&path.metadata().ok()?)
    }
}

/// A file that is no longer what guard read, if there is one.
pub fn changed(inputs: &[StampedInput]) -> Option<&Path> {
    inputs.iter().find_map(|source| match source {
        StampedInput::File { path, stamp } => (Stamp::at(path) != *stamp).then_some(path.as_path()),
        StampedInput::Input { stamp: None } => None,
        StampedInput::Input { stamp } => {
            let input = std::io::stdin().as_fd().try_clone_to_owned();
            let now = input.and_then(|input| File::from(input).metadata()).ok();
            let same = now.and_then(|file| Stamp::of(&file)) == *stamp;
            (!same).then_some(Path::new("standard input"))
        }
    })
}
