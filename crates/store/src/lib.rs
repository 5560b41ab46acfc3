//! A box on disk: a pack of contents, a manifest of kinds and bodies, engines that keep them elsewhere.
//! It knows no tool.

pub mod aside;
mod content;
pub mod engine;
mod hold;
mod layout;
pub mod limits;
pub mod manifest;
pub mod reader;
pub mod sparse;
pub mod store;
mod summary;
pub mod writer;

/// Why something cannot be saved, as the end of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsaved(pub String);

impl std::fmt::Display for Unsaved {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<std::io::Error> for Unsaved {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<String> for Unsaved {
    fn from(why: String) -> Self {
        Self(why)
    }
}

/// A backup that is complete.
#[derive(Clone, Debug)]
#[must_use]
pub struct Saved {
    /// Its id.
    pub id: String,
    /// How many files, rows or objects it holds.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What it does not hold, in plain sentences.
    pub unsaved: Vec<String>,
}
