//! What a backup says about itself.

use guard_ground::time::now;

use std::borrow::Cow;

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::Unsaved;

use guard_ground::bytes::Bytes;

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
    pub at: HeldAt,
    /// Of a file with holes: where its data is, as first byte and length. The content is these, one
    /// after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<(u64, u64)>>,
}

/// Where in a backup a content lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldAt {
    /// A zstd frame (RFC 8878) of the pack: its first byte, its length.
    Pack(u64, u64),
    /// A file of its own, by number: the original itself or one that shares its blocks.
    File(u32),
}

/// One thing that is saved: a kind, and what the tool that writes this kind says of it. The store
/// knows neither. In JSON: `{"KIND": BODY}`.
#[derive(Clone, Debug)]
pub struct Part {
    kind: Cow<'static, str>,
    body: Box<RawValue>,
}

/// What a part of one kind says of what was saved.
pub trait Body: Serialize + DeserializeOwned {
    /// The kind, as it stands in manifests.
    const KIND: &'static str;
}

impl Part {
    /// A part with this body.
    ///
    /// # Errors
    /// When the body cannot be written as JSON.
    pub fn new<B: Body>(body: &B) -> Result<Self, Unsaved> {
        let body = serde_json::value::to_raw_value(body);
        Ok(Self {
            kind: Cow::Borrowed(B::KIND),
            body: body.map_err(|error| Unsaved(error.to_string()))?,
        })
    }

    /// Its kind.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What it says, if it is of this kind.
    ///
    /// # Errors
    /// When it is, but cannot be read.
    pub fn read<B: Body>(&self) -> Option<Result<B, String>> {
        let read = || serde_json::from_str(self.body.get()).map_err(|error| error.to_string());
        (self.kind == B::KIND).then(read)
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&self.kind, &self.body)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OnePart;
        impl<'de> Visitor<'de> for OnePart {
            type Value = Part;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a part of a backup: {\"KIND\": …}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
                let Some((kind, body)) = map.next_entry::<String, Box<RawValue>>()? else {
                    return Err(A::Error::custom("a part without a kind"));
                };
                Ok(Part {
                    kind: kind.into(),
                    body,
                })
            }
        }
        deserializer.deserialize_map(OnePart)
    }
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
            user: guard_ground::install::user_name(),
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

    /// What its parts of one kind say; of what cannot be read nothing.
    pub fn parts_of<B: Body>(&self) -> impl Iterator<Item = B> {
        self.parts.iter().filter_map(|part| part.read()?.ok())
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
