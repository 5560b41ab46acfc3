//! Files and directories: what they are, saving them, bringing them back.

mod attributes;
mod contents;
pub mod kept;
mod part;
mod restore;
mod save;
pub(crate) mod sparse;

use std::path::PathBuf;
use std::sync::Arc;

use crate::preview::files::Recoverable;

pub(crate) use part::is_committed;
pub use restore::{Conflict, Restoring};
pub use save::{save, state_now, states_now};

/// Files and directories that a command takes or writes over.
#[derive(Clone, Debug, Default)]
pub struct Trees {
    /// Where they begin.
    pub roots: Vec<Root>,
    /// Repositories in them that a remote holds too.
    pub elsewhere: Vec<PathBuf>,
    /// What commits hold of them.
    pub recoverable: Vec<Arc<Recoverable>>,
}

/// A file, or a directory with all that is in it.
#[derive(Clone, Debug)]
pub struct Root {
    /// The path, without symlinks in its parents.
    pub path: PathBuf,
    /// The command unlinks it: the inode itself can be kept. What is written over in place cannot.
    pub unlinked: bool,
    /// It lies in the workspace: what can be made again is left out.
    pub inside: bool,
    /// A directory that goes only if it is empty by then: nothing in it goes with it.
    pub alone: bool,
}

impl Trees {
    /// Adds other trees.
    pub fn add(&mut self, other: Self) {
        self.roots.extend(other.roots);
        self.elsewhere.extend(other.elsewhere);
        self.recoverable.extend(other.recoverable);
    }
}
