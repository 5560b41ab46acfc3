//! What finding a path gives to taking its content.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use guard_ground::sanitize;
use guard_store::Unsaved;

/// A path that was found, and what stands there.
pub(super) struct FoundPath {
    /// The path.
    pub(super) path: PathBuf,
    /// What stands there.
    pub(super) metadata: Metadata,
    /// The command unlinks it.
    pub(super) unlinked: bool,
}

/// What went wrong with a path.
pub(super) fn about(path: &Path, error: &std::io::Error) -> Unsaved {
    Unsaved(format!("{}: {error}", sanitize::path(path)))
}
