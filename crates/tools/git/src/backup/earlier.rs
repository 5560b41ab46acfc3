//! What the backup that an undo takes back holds of a repository: that may be replaced.

use std::path::Path;

use super::kept::{Head, KeptGit, KeptLog, KeptRef};
use super::repository::Repository;
use super::worktree::{Entries, SavedIndex};
use guard_core::kept::Undoing;
use guard_store::reader::BackupReader;
use guard_trees::Restoring;

/// The backup that this one takes back: what it holds may be replaced.
pub(super) struct EarlierGit {
    reader: BackupReader,
    kept: KeptGit,
}

impl EarlierGit {
    /// The same repository's part of it.
    pub fn of(undoing: &Undoing<'_>, kept: &KeptGit) -> Option<Self> {
        let reader = undoing.earlier().ok()??;
        let found = reader
            .manifest()
            .parts_of::<KeptGit>()
            .find(|git| git.git_dir == kept.git_dir)?;
        Some(Self {
            reader,
            kept: found,
        })
    }

    /// Whether a file is as it was saved there.
    pub fn has_file(&self, path: &Path) -> bool {
        let files = [&self.kept.files, &self.kept.state];
        files.into_iter().any(|files| {
            let one = files.only(path);
            let restoring = Restoring {
                trees: &one,
                reader: &self.reader,
                into: None,
            };
            !one.entries.is_empty() && restoring.conflicts(&|_| false).is_empty()
        })
    }

    /// Whether a reflog is as it was saved there.
    pub fn has_log(&self, log: &KeptLog, now: &[u8]) -> bool {
        let same = self.kept.logs.iter().find(|one| one.path == log.path);
        same.and_then(|one| one.content.as_ref())
            .and_then(|blob| self.reader.bytes(blob).ok())
            .is_some_and(|saved| saved == now || now.starts_with(&saved))
    }

    /// Whether a reference is as it was saved there.
    pub fn has_ref(&self, now: &KeptRef) -> bool {
        self.kept.refs.contains(now)
    }

    /// Whether HEAD is as it was saved there.
    pub fn has_head(&self, now: &Head) -> bool {
        self.kept.head.as_ref() == Some(now)
    }

    /// What the index that was saved there has.
    pub fn index(&self, repository: &Repository<'_>) -> Option<Entries> {
        let index = self.kept.index.as_ref()?;
        let saved = SavedIndex::write(repository, index, &self.reader).ok()?;
        saved.entries(repository).ok()
    }
}
