//! Saving what git commands lose, and bringing it back.
//!
//! Contents go into guard's own store: files of the work tree, the index, reflogs, the files in which git
//! notes that it has stopped half-way. Commits and other objects stay in the repository, kept alive by
//! references below [`NAMESPACE`]: `refs/guard/7F3K/0` for the first one of backup 7F3K.

mod drill;
mod earlier;
mod files;
mod forget;
mod in_the_way;
pub mod kept;
mod logs;
mod part;
mod refs;
mod remote;
mod repository;
mod restore;
mod save;
mod told;
mod worktree;

use guard_core::kept::Kept;
use guard_core::wish::Saving;
use guard_core::wish::Wish;
use guard_store::Unsaved;
use guard_store::manifest::{Body, Part};
use guard_store::writer::Writer;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

pub use forget::forget;
pub use kept::KeptGit;
pub use save::save;

/// Where references stand that keep alive what was saved.
pub const NAMESPACE: &str = "refs/guard/";

/// Variables by which a command works with another index or with other objects than the repository's.
pub(crate) const MOVING: [&str; 4] = [
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
];

/// Where a repository lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryPlace {
    /// `.git`, or a linked worktree's own directory below it.
    pub git_dir: PathBuf,
    /// What all worktrees share.
    pub common_dir: PathBuf,
    /// The top of the working tree; none in a bare repository.
    pub top: Option<PathBuf>,
}

/// What a command does to the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Index {
    /// Nothing.
    #[default]
    Untouched,
    /// It writes down other times and inodes of files.
    Refreshed,
    /// It puts other contents there.
    Changed,
}

/// What has to be saved of a repository, gathered while the loss is measured.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Files and directories that are written over or removed; what is not there now was not there.
    pub files: BTreeSet<PathBuf>,
    /// What happens to the index.
    pub index: Index,
    /// HEAD moves, with the branch that it is on.
    pub head: bool,
    /// References that move or go, by full name.
    pub refs: BTreeSet<OsString>,
    /// Any reference may move or go.
    pub every_ref: bool,
    /// Reflogs that go, by the reference's full name.
    pub logs: BTreeSet<OsString>,
    /// Any reflog may lose entries.
    pub every_log: bool,
    /// Objects that nothing else may hold afterwards.
    pub objects: BTreeSet<String>,
    /// Contents that only the index holds.
    pub staged: BTreeSet<String>,
    /// Sections of the configuration that go: `branch.topic`.
    pub sections: BTreeSet<String>,
    /// References of remotes that move or go.
    pub remotes: Vec<RemoteRef>,
    /// Why it cannot be saved.
    pub unable: Option<String>,
}

/// A reference of a remote that a push moves or deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteRef {
    /// Where it is pushed to.
    pub address: String,
    /// Its name there.
    pub name: String,
    /// What stands there now.
    pub old: String,
    /// What the push leaves there.
    pub new: Option<String>,
}

impl Needs {
    /// Whether there is nothing to save.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
            && self.index == Index::Untouched
            && !self.head
            && self.refs.is_empty()
            && !self.every_ref
            && self.logs.is_empty()
            && !self.every_log
            && self.objects.is_empty()
            && self.sections.is_empty()
            && self.remotes.is_empty()
    }

    /// The command puts other contents into the index and the work tree, and may move HEAD.
    pub fn changes_work_tree(&mut self) {
        self.index = Index::Changed;
        self.head = true;
    }

    /// The index is only refreshed, unless more is known.
    pub fn refreshes_index(&mut self) {
        self.index = self.index.max(Index::Refreshed);
    }
}

impl Body for KeptGit {
    const KIND: &'static str = "git";
}

impl Wish for GitWish {
    fn save(&self, saving: &Saving<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        Ok(vec![Part::new(&save(self, saving, writer)?)?])
    }
}

/// A repository in a backup.
pub fn revive(part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
    let kept = part.read::<KeptGit>()?;
    Some(kept.map(|kept| Box::new(kept) as Box<dyn Kept>))
}

/// What has to be saved of one repository.
#[derive(Clone, Debug)]
pub struct GitWish {
    /// The repository.
    pub place: RepositoryPlace,
    /// What is at stake in it.
    pub needs: Needs,
}
