//! What a backup says about itself.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::text::Bytes;
use super::tree::kept::KeptTrees;
use crate::tools::aws::backup::KeptThings;
use crate::tools::git::backup::KeptGit;
use crate::tools::kubectl::backup::KeptObjects;
use crate::tools::terraform::backup::KeptState;

/// The form of backups that this guard writes.
const VERSION: u32 = 1;

/// Where a content lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// The SHA-256 of the content, in hexadecimal digits.
    pub sha256: String,
    /// Its length in bytes.
    pub size: u64,
    /// Where it lies in the backup.
    pub at: Held,
    /// Of a file with holes: where its data is, as first byte and length. The content is these, one
    /// after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<(u64, u64)>>,
}

/// Where in a backup a content lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// A zstd frame (RFC 8878) of the pack: its first byte, its length.
    Pack(u64, u64),
    /// A file of its own, by number: the original itself or one that shares its blocks.
    File(u32),
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

/// How long ago something was, in words.
pub fn ago(time: u64) -> String {
    format!(
        "{} ago",
        crate::message::duration(now().saturating_sub(time) / 1000)
    )
}

/// One thing that is saved. Each kind is written and read by the module of its tool.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Files and directories.
    Trees(KeptTrees),
    /// The state of a repository.
    Git(Box<KeptGit>),
    /// Rows of a database.
    PsqlRows(crate::tools::psql::backup::kept::KeptRows),
    /// Tables and views of a database.
    PsqlObjects(crate::tools::psql::backup::dump::KeptObjects),
    /// Objects of a cluster.
    Kubectl(KeptObjects),
    /// A state of terraform.
    Terraform(Box<KeptState>),
    /// Things of an AWS account.
    Aws(Box<KeptThings>),
}

/// Everything about one backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The form.
    pub version: u32,
    /// Its id; set when it is sealed.
    pub id: String,
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// Who: the name of the user.
    pub user: String,
    /// The agent, if known.
    pub agent: Option<String>,
    /// The tool, or `guard` for what an undo replaced.
    pub tool: String,
    /// The command, secrets masked.
    pub argv: Vec<String>,
    /// Where it ran.
    pub cwd: Bytes,
    /// The workspace that it is about.
    pub subject: Bytes,
    /// What it was about to lose.
    pub loss: Vec<String>,
    /// What is not in the backup, in plain sentences.
    pub unsaved: Vec<String>,
    /// The backup whose undoing this one can take back.
    pub undoes: Option<String>,
    /// What was saved.
    pub parts: Vec<Part>,
}

impl Manifest {
    /// An empty one, of here and now.
    pub fn new() -> Self {
        Self {
            version: VERSION,
            id: String::new(),
            time: now(),
            user: crate::install::user_name(),
            agent: None,
            tool: String::new(),
            argv: Vec::new(),
            cwd: Bytes::default(),
            subject: Bytes::default(),
            loss: Vec::new(),
            unsaved: Vec::new(),
            undoes: None,
            parts: Vec::new(),
        }
    }

    /// Whether this guard can read it.
    pub fn is_readable(&self) -> bool {
        self.version == VERSION
    }
}

impl Default for Manifest {
    fn default() -> Self {
        Self::new()
    }
}

/// The little that lists need, in a file of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// The form.
    pub version: u32,
    /// The id.
    pub id: String,
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// The agent, if known.
    pub agent: Option<String>,
    /// The command, secrets masked.
    pub argv: Vec<String>,
    /// The workspace that it is about.
    pub subject: Bytes,
    /// What it was about to lose.
    pub loss: Vec<String>,
    /// What is not in the backup.
    pub unsaved: Vec<String>,
    /// The backup whose undoing this one can take back.
    pub undoes: Option<String>,
    /// How many files, rows or objects it holds.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What it takes in the store.
    pub stored: u64,
    /// The manifest, in the pack.
    pub manifest: Blob,
    /// Whether the pack is encrypted.
    pub encrypted: bool,
    /// An engine keeps everything but this summary.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub elsewhere: bool,
}

/// That a backup was brought back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Undone {
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// The backup that takes it back.
    pub by: Option<String>,
}
