//! Reading a backup. Every content is held against its digest before anybody uses it.

use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::content::{Range, copy};
use super::engine;
use super::hold::hold;
use super::layout::{ENCRYPTED, PACK, file_name};
use super::manifest::{Blob, HeldAt, Manifest};
use super::sparse::Segments;
use super::store::{Store, StoredBackup};

/// Fetching and decrypting may take so long.
const FETCHING: Duration = Duration::from_secs(300);

/// A backup that is read.
pub struct BackupReader {
    directory: PathBuf,
    pack: File,
    manifest: Manifest,
    _held: File,
    fetched: Option<Fetched>,
}

/// What an engine gave back, for as long as it is read.
struct Fetched(PathBuf);

impl Fetched {
    fn new(store: &Path, id: &str) -> std::io::Result<Self> {
        let place = store.join(format!(".gone-{id}-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&place)?;
        Ok(Self(place))
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The pack as it was before it was encrypted.
fn decrypted(pack: &Path, identity: Option<&Path>) -> Result<File, String> {
    let identity = identity.ok_or(
        "it is encrypted; name the file of the age identity that reads it with --identity FILE",
    )?;
    let system = |error: std::io::Error| error.to_string();
    let plain = guard_ground::spool::file().map_err(system)?;
    engine::decrypt(
        File::open(pack).map_err(system)?,
        plain.try_clone().map_err(system)?,
        identity,
        Instant::now() + FETCHING,
    )?;
    Ok(plain)
}

impl BackupReader {
    /// Opens a backup and reads its manifest. What an engine keeps is fetched, what is encrypted is
    /// decrypted first.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(item: &StoredBackup, store: &Store) -> Result<Self, String> {
        let id = &item.summary.id;
        let about = |why: String| format!("backup {id}: {why}");
        let problem = |error: std::io::Error| about(error.to_string());
        let fetched = match (item.summary.elsewhere, store.engine()) {
            (false, _) => None,
            (true, Some(engine)) => {
                let fetched = Fetched::new(store.directory(), id).map_err(problem)?;
                engine
                    .get(&fetched.0, id, Instant::now() + FETCHING)
                    .map_err(about)?;
                Some(fetched)
            }
            (true, None) => {
                return Err(about(
                    "the rules no longer name the store that keeps it".to_owned(),
                ));
            }
        };
        let directory = fetched
            .as_ref()
            .map_or(&item.directory, |fetched| &fetched.0)
            .clone();
        let pack = if item.summary.encrypted {
            decrypted(&directory.join(ENCRYPTED), store.identity()).map_err(about)?
        } else {
            File::open(directory.join(PACK)).map_err(problem)?
        };
        let mut reader = Self::of(item, directory, pack)?;
        reader.fetched = fetched;
        Ok(reader)
    }

    /// A reader of what lies in this directory, with this pack.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn of(item: &StoredBackup, directory: PathBuf, pack: File) -> Result<Self, String> {
        let problem = |error: std::io::Error| format!("backup {}: {error}", item.summary.id);
        let mut reader = Self {
            _held: hold(&item.directory).map_err(problem)?,
            fetched: None,
            pack,
            directory,
            manifest: Manifest::new(),
        };
        let mut text = Vec::new();
        reader
            .copy(&item.summary.manifest, &mut text)
            .map_err(|why| format!("the manifest of backup {}: {why}", item.summary.id))?;
        reader.manifest = serde_json::from_slice(&text)
            .map_err(|error| format!("the manifest of backup {}: {error}", item.summary.id))?;
        if !reader.manifest.is_readable() {
            return Err(format!(
                "backup {} was written by a newer guard",
                item.summary.id
            ));
        }
        Ok(reader)
    }

    /// What the backup says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where a content of its own lies.
    pub fn file(&self, number: u32) -> PathBuf {
        file_name(&self.directory, number)
    }

    /// The content, uncompressed. It is not checked: [`BackupReader::copy`] does.
    fn content(&self, blob: &Blob) -> std::io::Result<Box<dyn Read + '_>> {
        Ok(match blob.at {
            HeldAt::Pack(position, left) => Box::new(zstd::stream::Decoder::new(Range {
                pack: &self.pack,
                position,
                left,
            })?),
            HeldAt::File(number) => {
                let file = File::open(self.file(number))?;
                match &blob.segments {
                    None => Box::new(file),
                    Some(segments) => Box::new(Segments::of(file, segments.clone())),
                }
            }
        })
    }

    /// Writes a content somewhere.
    ///
    /// # Errors
    /// When it cannot be read or written, or is not what was saved: what was written then is not to be
    /// used.
    pub fn copy(&self, blob: &Blob, to: &mut dyn Write) -> Result<(), String> {
        let content = self.content(blob).map_err(|error| error.to_string())?;
        copy(content, blob, to)
    }

    /// A small content as a whole.
    ///
    /// # Errors
    /// As [`BackupReader::copy`].
    pub fn bytes(&self, blob: &Blob) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        self.copy(blob, &mut bytes)?;
        Ok(bytes)
    }
}
