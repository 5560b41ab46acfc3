//! Reading a backup. Every content is held against its digest before anybody uses it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::manifest::{Blob, Held, Manifest};
use super::store::{Item, hold};
use super::tree::sparse::Segments;
use crate::digest::hex;

/// A backup that is read.
pub struct Reader {
    directory: PathBuf,
    pack: File,
    manifest: Manifest,
    _held: File,
}

/// A range of the pack.
struct Range<'a> {
    pack: &'a File,
    position: u64,
    left: u64,
}

impl Read for Range<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(part) = buffer.get_mut(..most) else {
            return Ok(0);
        };
        let read = self.pack.read_at(part, self.position)?;
        self.position += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

impl Reader {
    /// Opens a backup and reads its manifest.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(item: &Item) -> Result<Self, String> {
        let problem = |error: std::io::Error| format!("backup {}: {error}", item.summary.id);
        let mut reader = Self {
            _held: hold(&item.directory).map_err(problem)?,
            pack: File::open(item.directory.join("pack")).map_err(problem)?,
            directory: item.directory.clone(),
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

    /// The content, uncompressed. It is not checked: [`Reader::copy`] does.
    fn content(&self, blob: &Blob) -> std::io::Result<Box<dyn Read + '_>> {
        Ok(match blob.at {
            Held::Pack(position, left) => Box::new(zstd::stream::Decoder::new(Range {
                pack: &self.pack,
                position,
                left,
            })?),
            Held::File(number) => {
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
        let mut content = self.content(blob).map_err(|error| error.to_string())?;
        let mut hasher = Sha256::new();
        let mut size = 0_u64;
        let mut buffer = vec![0_u8; 1 << 16];
        loop {
            let read = content
                .read(&mut buffer)
                .map_err(|error| format!("it cannot be read: {error}"))?;
            let Some(some) = buffer.get(..read).filter(|some| !some.is_empty()) else {
                break;
            };
            hasher.update(some);
            size += read as u64;
            if size > blob.size {
                break;
            }
            to.write_all(some).map_err(|error| error.to_string())?;
        }
        if size != blob.size || hex(&hasher.finalize()) != blob.sha256 {
            return Err("it is not what was saved: the backup is damaged".to_owned());
        }
        Ok(())
    }

    /// A small content as a whole.
    ///
    /// # Errors
    /// As [`Reader::copy`].
    pub fn bytes(&self, blob: &Blob) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        self.copy(blob, &mut bytes)?;
        Ok(bytes)
    }

    /// Whether everything that was written into the pack is there as it was.
    ///
    /// # Errors
    /// The first thing that is not.
    pub fn check_pack(&self) -> Result<(), String> {
        self.contents(|name, blob| match blob.at {
            Held::Pack(..) => self
                .copy(blob, &mut std::io::sink())
                .map_err(|why| format!("{name}: {why}")),
            Held::File(number) => match self.file(number).symlink_metadata() {
                Ok(_) => Ok(()),
                Err(error) => Err(format!("{name}: {error}")),
            },
        })
    }

    /// Goes through all contents with the names that people know them by.
    ///
    /// # Errors
    /// The first one of `look`.
    pub fn contents(
        &self,
        mut look: impl FnMut(&str, &Blob) -> Result<(), String>,
    ) -> Result<(), String> {
        for part in &self.manifest.parts {
            for (name, blob) in part.kept().contents() {
                look(&name, blob)?;
            }
        }
        Ok(())
    }
}

/// The name of a content of its own: so many in a directory, so that none is slow.
pub(super) fn file_name(directory: &Path, number: u32) -> PathBuf {
    directory.join("files").join(number.to_string())
}
