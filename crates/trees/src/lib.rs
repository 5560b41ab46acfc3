//! Files and directories: what they are, saving them, bringing them back.

pub mod asking;
mod attributes;
mod contents;
pub mod count;
mod found;
pub mod held;
pub mod kept;
pub mod measure;
pub mod nested;
mod part;
mod restore;
mod save;
pub mod status;

use std::path::PathBuf;
use std::sync::Arc;

use crate::count::Recoverable;
use crate::kept::KeptTrees;
use guard_core::kept::Kept;
use guard_core::wish::{Saving, Wish};
use guard_store::Unsaved;
use guard_store::manifest::{Body, Part};
use guard_store::writer::Writer;

pub use part::is_committed;
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

impl Body for KeptTrees {
    const KIND: &'static str = "trees";
}

impl Wish for Trees {
    fn save(&self, saving: &Saving<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        let kept = save(self, saving.world, writer)?;
        kept.iter().map(Part::new).collect()
    }
}

/// Files and directories in a backup.
pub fn revive(part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
    let kept = part.read::<KeptTrees>()?;
    Some(kept.map(|kept| Box::new(kept) as Box<dyn Kept>))
}
