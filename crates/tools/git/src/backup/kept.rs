//! What a backup knows about a repository.

use serde::{Deserialize, Serialize};

use guard_ground::bytes::Bytes;
use guard_store::manifest::Blob;
use guard_trees::kept::KeptTrees;

/// What was saved of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptGit {
    /// `.git`, or a linked worktree's own directory below it.
    pub git_dir: Bytes,
    /// What all worktrees share.
    pub common_dir: Bytes,
    /// The top of the working tree; none in a bare repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top: Option<Bytes>,
    /// HEAD, where it was going to move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// References and where they stood.
    pub refs: Vec<KeptRef>,
    /// The index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<KeptIndex>,
    /// Files in which git notes what it is in the middle of: `MERGE_HEAD`, `rebase-merge`.
    pub state: KeptTrees,
    /// Files of the work tree.
    pub files: KeptTrees,
    /// Reflogs.
    pub logs: Vec<KeptLog>,
    /// Sections of the repository's configuration.
    pub sections: Vec<KeptSection>,
    /// Objects that `refs/guard/ID/0`, `refs/guard/ID/1`, … keep alive.
    pub objects: Vec<String>,
    /// References of remotes.
    pub remotes: Vec<KeptRemoteRef>,
}

/// What HEAD holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// The name of a branch.
    Branch(Bytes),
    /// A commit.
    Detached(String),
}

/// A reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRef {
    /// Its full name.
    pub name: Bytes,
    /// Where it stood.
    pub value: RefValue,
}

/// What a reference holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefValue {
    /// It is not there.
    Absent,
    /// An object.
    Object(String),
    /// The name of another reference.
    Symbolic(Bytes),
}

/// The index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptIndex {
    /// The command was going to put other contents there.
    pub changed: bool,
    /// The file; one entry.
    pub file: KeptTrees,
}

/// A reflog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLog {
    /// The file.
    pub path: Bytes,
    /// The reference's full name.
    pub name: Bytes,
    /// What it held; none where it was not there.
    pub content: Option<Blob>,
}

/// A section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSection {
    /// `branch.topic`.
    pub name: Bytes,
    /// Full keys and values, in their order.
    pub settings: Vec<(Bytes, Bytes)>,
}

/// A reference of a remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRemoteRef {
    /// The remote's name or address as git was given it, without a password.
    pub address: String,
    /// Its name there.
    pub name: String,
    /// What stood there; none where there was nothing.
    pub old: Option<String>,
    /// What the command was to leave there.
    pub new: Option<String>,
}
