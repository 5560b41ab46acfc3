//! How much is saved and kept.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What is saved before a command destroys it, and how long it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackupLimits {
    /// The most bytes that one command's backup may hold.
    pub bytes: u64,
    /// The most files.
    pub files: u64,
    /// Seconds that saving may take.
    pub seconds: f64,
    /// Days that a backup is kept.
    pub days: f64,
    /// Bytes that all backups may take together.
    pub store_bytes: u64,
    /// Where backups lie; in the state directory without.
    pub store: Option<Cow<'static, str>>,
    /// A file of variables for the engine that keeps them.
    pub credentials: Option<Cow<'static, str>>,
    /// Whom they are encrypted to.
    pub recipient: Option<Cow<'static, str>>,
}

impl BackupLimits {
    /// Whether nothing is saved at all: what would be lost is asked about.
    pub fn is_off(&self) -> bool {
        self.files == 0 || self.bytes == 0
    }
}
