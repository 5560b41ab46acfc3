//! Where in a backup what lies: the pack, the directories of contents beside it.

use std::path::{Path, PathBuf};

/// The name of the pack.
pub(super) const PACK: &str = "pack";
/// Its name where it is encrypted.
pub(super) const ENCRYPTED: &str = "pack.age";
/// The directory of contents that lie beside it.
pub(super) const FILES: &str = "files";
/// So many files to a directory of them.
pub(super) const A_SHELF: u32 = 128;

/// The directory of this number.
pub(super) fn shelf_name(backup: &Path, number: u32) -> PathBuf {
    backup.join(FILES).join(number.to_string())
}

/// Where in a backup the content of this number lies.
pub(super) fn file_name(backup: &Path, number: u32) -> PathBuf {
    shelf_name(backup, number / A_SHELF).join((number % A_SHELF).to_string())
}
