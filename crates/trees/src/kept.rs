//! What is known of files and directories that were saved.

use std::path::Path;

use serde::{Deserialize, Serialize};

use guard_ground::bytes::Bytes;
use guard_store::manifest::Blob;

/// Files and directories in a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptTrees {
    /// The directory that all of them lie in.
    pub base: Bytes,
    /// Each of them, a directory before what is in it.
    pub entries: Vec<TreeEntry>,
    /// Directories that stay, and their times of change: taking something out of them changed these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub around: Vec<(Bytes, (i64, i64))>,
}

/// A path and what stood there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeEntry {
    /// The absolute path.
    pub path: Bytes,
    /// What stood there.
    pub state: PathState,
    /// Owner, mode, times; `None` where nothing stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Attributes>,
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathState {
    /// Nothing.
    Absent,
    /// A directory; what is in it has entries of its own.
    Directory,
    /// A file.
    File {
        /// Its length in bytes, holes included.
        length: u64,
        /// What it holds.
        content: Blob,
    },
    /// Another name of the file at an earlier entry, by number.
    SameAs(usize),
    /// A symbolic link.
    Link(Bytes),
    /// A named pipe.
    Pipe,
}

/// Everything about a file but what it holds (inode(7)).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// The permission bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// When it was changed last: seconds since 1970 and nanoseconds.
    pub modified: (i64, i64),
    /// Extended attributes (xattr(7)), access control lists among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extended: Vec<(Bytes, Bytes)>,
}

impl KeptTrees {
    /// The same with the entry of one path alone.
    #[must_use]
    pub fn only(&self, path: &Path) -> Self {
        let entries = self.entries.iter();
        Self {
            base: self.base.clone(),
            entries: entries
                .filter(|entry| entry.path.path() == path)
                .cloned()
                .collect(),
            around: Vec::new(),
        }
    }

    /// How many files and links there are.
    pub fn files(&self) -> u64 {
        let files = self
            .entries
            .iter()
            .filter(|entry| !matches!(entry.state, PathState::Directory | PathState::Absent));
        files.count() as u64
    }
}
