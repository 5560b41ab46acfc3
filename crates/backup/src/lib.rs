//! Saving what a command would destroy, before it does, so that it can be brought back.
//!
//! The preview says what would be lost and what has to be saved ([`Wish`](guard_core::wish::Wish)); the
//! wishes put their parts into a backup in the store, and what reads such a part again
//! ([`Kept`](guard_core::kept::Kept)) brings it back. A backup is complete or it is not there.

pub mod drill;
pub mod saving;
pub mod undo;

use std::fmt::Write as _;

use guard_core::tool::Toolbox;
use guard_ground::text;
use guard_store::reader::BackupReader;
use guard_store::store::{Store, StoredBackup};
use saving::SavedFirst;

/// Lets go of what a backup that is removed keeps outside the store, as well as it can be done.
pub fn let_go(item: &StoredBackup, store: &Store, tools: &Toolbox) {
    // What has to be fetched or decrypted first would take too long: its references stay.
    if item.summary.encrypted || item.summary.elsewhere {
        return;
    }
    let Ok(reader) = BackupReader::open(item, store) else {
        return;
    };
    for part in &reader.manifest().parts {
        if let Ok(kept) = tools.revive(part) {
            kept.forget(&item.summary.id);
        }
    }
}

/// Whom to tell how it is brought back.
pub fn announcement(SavedFirst { saved, measure }: &SavedFirst) -> String {
    let size = text::human_bytes(saved.bytes);
    let what = match (saved.files, saved.bytes) {
        (0, 0) => "saved first".to_owned(),
        (0, _) => format!("saved first ({size})"),
        (count, _) => format!("{} ({size}) saved first", measure.count(count)),
    };
    let mut line = format!("{what}; bring back with: guard undo {}", saved.id);
    if let Some(first) = saved.unsaved.first() {
        line.push_str("; not saved: ");
        line.push_str(first);
        if saved.unsaved.len() > 1 {
            let _ = write!(line, " and {} more", saved.unsaved.len() - 1);
        }
    }
    line
}
