//! What guard wrote where, and what was there before: in guard's state directory.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::jsonc;
use super::shell::{BEGIN, contains};
use guard_ground::atomic::{self, Promise};
use guard_ground::digest::Hasher;
use guard_ground::lock::{self, Lock};
use guard_ground::sanitize;

/// How guard's text is taken out of a file that others have changed since.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Trace {
    /// An entry of an array in JSON.
    Json {
        /// The keys that lead to the array.
        keys: Vec<String>,
        /// The entry.
        entry: Value,
        /// How many of the keys were there before.
        found: usize,
    },
    /// Marked blocks of text.
    Blocks {
        /// Each as it was written.
        texts: Vec<String>,
    },
    /// The whole file.
    Whole,
}

/// What is left when guard's text is taken out.
#[derive(Debug, PartialEq, Eq)]
pub enum Without {
    /// The text without it.
    Text(Vec<u8>),
    /// It is not there any more.
    Gone,
    /// It was changed, or the file cannot be read; why it stays.
    Stays(String),
}

impl Trace {
    /// Takes guard's text out of a file that holds more than guard left there.
    pub fn without(&self, now: &[u8]) -> Without {
        match self {
            Self::Whole => Without::Stays("guard's file was changed since".to_owned()),
            Self::Json { keys, entry, found } => {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                match jsonc::remove(now, &keys, entry, *found) {
                    Ok(Some(text)) if jsonc::read(&text).is_ok() => Without::Text(text),
                    Ok(None) if !contains(now, b"guard") => Without::Gone,
                    Ok(_) => Without::Stays("guard's entry was changed since".to_owned()),
                    Err(fault) => Without::Stays(format!("line {}: {}", fault.line, fault.what)),
                }
            }
            Self::Blocks { texts } => {
                let mut text = now.to_vec();
                for block in texts {
                    let block = block.trim_end().as_bytes();
                    if let Some(at) = memchr::memmem::find(&text, block) {
                        let rest = text.get(at + block.len()..).unwrap_or_default();
                        let line = match rest {
                            [b'\r', b'\n', ..] => 2,
                            [b'\n', ..] => 1,
                            _ => 0,
                        };
                        text.drain(at..at + block.len() + line);
                    }
                }
                if contains(&text, BEGIN.as_bytes()) {
                    return Without::Stays(
                        "what stands between guard's two marks was changed since".to_owned(),
                    );
                }
                if text == now {
                    Without::Gone
                } else {
                    Without::Text(text)
                }
            }
        }
    }
}

/// One file that guard wrote to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetupEntry {
    /// `claude`, `shell` …
    pub name: String,
    /// The shells that read it, for `shell`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shells: Vec<String>,
    /// As it was named.
    pub path: PathBuf,
    /// The file itself, links resolved.
    pub target: PathBuf,
    /// The digest of what guard left there.
    pub after: String,
    /// The copy of what was there before; nothing when there was no file.
    pub backup: Option<String>,
    /// Directories that guard made for it, the innermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<PathBuf>,
    /// How it is taken out again.
    pub trace: Trace,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SetupManifest {
    /// The files.
    pub entries: Vec<SetupEntry>,
}

/// The directory of the manifest and of the copies.
pub struct SetupShelf {
    directory: PathBuf,
    _lock: Lock,
}

impl SetupShelf {
    /// Opens it, and keeps others out.
    pub fn open(state: &Path) -> Result<Self, String> {
        let directory = state.join("setup");
        let failed = |error: std::io::Error| {
            format!("{} cannot be written: {error}", sanitize::path(&directory))
        };
        atomic::directory(&directory).map_err(failed)?;
        let lock = lock::file(&directory.join("lock"), 1).map_err(|error| match error.kind() {
            ErrorKind::TimedOut => "another guard setup runs now; wait for it".to_owned(),
            _ => failed(error),
        })?;
        Ok(Self {
            directory,
            _lock: lock,
        })
    }

    /// Reads the manifest.
    pub fn read(&self) -> Result<SetupManifest, String> {
        read(&self.directory)
    }

    /// Writes the manifest.
    pub fn write(&self, manifest: &SetupManifest) -> Result<(), String> {
        let text = serde_json::to_vec_pretty(manifest).map_err(|error| {
            format!("what was done cannot be written down, so nothing was: {error}")
        })?;
        self.put("manifest.json", &text)
    }

    /// Keeps a copy; its name.
    pub fn keep(&self, content: &[u8]) -> Result<String, String> {
        let name = format!("before-{}", digest(content));
        self.put(&name, content)?;
        Ok(name)
    }

    /// Reads a copy.
    pub fn copy(&self, name: &str) -> Result<Vec<u8>, String> {
        let file = self.directory.join(name);
        let content =
            std::fs::read(&file).map_err(|error| format!("{}: {error}", sanitize::path(&file)))?;
        if name == format!("before-{}", digest(&content)) {
            Ok(content)
        } else {
            Err(format!("{} was changed", sanitize::path(&file)))
        }
    }

    /// Removes copies that no entry names, and everything when there is none.
    pub fn tidy(&self, manifest: &SetupManifest) {
        for file in std::fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = file.file_name();
            let is_copy = name.to_string_lossy().starts_with("before-");
            let is_named = manifest
                .entries
                .iter()
                .any(|entry| entry.backup.as_deref().is_some_and(|copy| name == copy));
            if is_copy && !is_named {
                let _ = std::fs::remove_file(file.path());
            }
        }
        if manifest.entries.is_empty() {
            let _ = std::fs::remove_file(self.directory.join("manifest.json"));
            let _ = std::fs::remove_file(self.directory.join("lock"));
            let _ = std::fs::remove_dir(&self.directory);
        }
    }

    fn put(&self, name: &str, content: &[u8]) -> Result<(), String> {
        let file = self.directory.join(name);
        atomic::write(&file, content, Promise::KEPT)
            .map_err(|error| format!("{} cannot be written: {error}", sanitize::path(&file)))
    }
}

/// Reads the manifest without changing anything.
pub fn peek(state: &Path) -> Result<SetupManifest, String> {
    read(&state.join("setup"))
}

fn read(directory: &Path) -> Result<SetupManifest, String> {
    let file = directory.join("manifest.json");
    match std::fs::read(&file) {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| format!("{}: {error}", sanitize::path(&file))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(SetupManifest::default()),
        Err(error) => Err(format!("{}: {error}", sanitize::path(&file))),
    }
}

/// The digest of a content.
pub fn digest(content: &[u8]) -> String {
    let mut hasher = Hasher::default();
    hasher.raw(content);
    hasher.finish()
}
