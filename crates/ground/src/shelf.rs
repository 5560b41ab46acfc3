//! Small JSON files under short ids: requests, grants, refusals, exceptions.
//!
//! A file is written aside, synced and linked into its place, so that it is whole or not there. Its
//! name is `ID-MARK.json`; the mark is the beginning of a command's fingerprint, so that a shim finds
//! what concerns its command without reading the others.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Result};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use ssh_key::rand_core::{OsRng, RngCore as _};

use crate::atomic::{self, Promise};
use crate::lock::{self, Lock, PATIENT};

/// The letters of ids: none that is mistaken for another when read aloud (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// How many of them.
const LENGTH: usize = 4;
/// How much of a fingerprint stands in a file's name.
const MARK: usize = 16;
/// No file is larger; a command line is at most two megabytes (execve(2), "Limits"), and four
/// times that when every byte has to be escaped.
const MAX_FILE: u64 = 16 << 20;
/// So many files on one shelf, and no more are added.
pub const MAX_FILES: usize = 1000;

/// A directory of such files.
#[derive(Clone, Debug)]
pub struct Shelf {
    directory: PathBuf,
}

/// One file on a shelf.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Its id.
    pub id: String,
    mark: String,
    path: PathBuf,
}

impl Shelf {
    /// The shelf in this directory, which need not be there yet.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Everything on it, by id. Empty when there is no such directory.
    pub fn items(&self) -> Vec<Item> {
        let mut items: Vec<Item> = std::fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| item(&entry.path()))
            .collect();
        items.sort();
        items
    }

    /// The file with this id, in whatever case it is written.
    pub fn by_id(&self, id: &str) -> Option<Item> {
        let id = spell(id);
        self.items().into_iter().find(|item| item.id == id)
    }

    /// The files about the command with this fingerprint.
    pub fn about(&self, fingerprint: &str) -> Vec<Item> {
        let mut items = self.items();
        items.retain(|item| item.is_about(fingerprint));
        items
    }

    /// Whoever holds the lock changes the shelf alone. Waits, but not for ever.
    ///
    /// # Errors
    /// When the directory cannot be made, or somebody holds the lock for two seconds.
    pub fn lock(&self) -> Result<Lock> {
        atomic::directory(&self.directory)?;
        lock::file(&self.directory.join("lock"), PATIENT)
    }

    /// Adds a file under a new id, which `make` is given.
    ///
    /// # Errors
    /// When it cannot be written, or there are too many already.
    pub fn add<T: Serialize>(
        &self,
        _lock: &Lock,
        fingerprint: &str,
        make: impl Fn(&str) -> T,
    ) -> Result<String> {
        let items = self.items();
        if items.len() >= MAX_FILES {
            return Err(Error::other(format!(
                "{MAX_FILES} wait already; answer them or let them expire (guard pending)"
            )));
        }
        for _ in 0..64 {
            let id = new_id();
            if items.iter().any(|item| item.id == id) {
                continue;
            }
            self.put(&id, fingerprint, &make(&id))?;
            return Ok(id);
        }
        Err(Error::other("no free id was found"))
    }

    /// Writes a file whose id is known already; one that is there is replaced.
    ///
    /// # Errors
    /// When it cannot be written; what was there before is then still there.
    pub fn put<T: Serialize>(&self, id: &str, fingerprint: &str, content: &T) -> Result<()> {
        atomic::directory(&self.directory)?;
        let name = format!("{id}-{}.json", mark(fingerprint));
        let text = serde_json::to_vec(content)?;
        atomic::write(&self.directory.join(name), &text, Promise::KEPT)
    }
}

impl Item {
    /// What it holds, as far as it can be read.
    ///
    /// # Errors
    /// When it cannot be read, is too large, or is not of this form.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&read(&self.path)?)
            .map_err(|error| Error::new(ErrorKind::InvalidData, error.to_string()))
    }

    /// Whether it is about the command with this fingerprint.
    pub fn is_about(&self, fingerprint: &str) -> bool {
        self.mark == mark(fingerprint)
    }

    /// Takes it off the shelf. That it is gone already is no error.
    ///
    /// # Errors
    /// The system's reason.
    pub fn remove(&self) -> Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Marks it as being answered, until the lock is dropped. `None` when somebody else answers.
    ///
    /// # Errors
    /// When the mark cannot be made.
    pub fn answering(&self) -> Result<Option<Lock>> {
        match lock::file(&self.path.with_extension("answering"), 1) {
            Ok(lock) => Ok(Some(lock)),
            Err(error) if error.kind() == ErrorKind::TimedOut => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Opens a file for reading. Anything but a plain file is refused: a pipe would be waited for without
/// end.
///
/// # Errors
/// When it cannot be read, or is no plain file.
pub fn open(path: &Path) -> Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is no plain file"));
    }
    Ok(file)
}

/// What a file holds.
///
/// # Errors
/// When it cannot be read, is no plain file, or is too large.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    if open(path)?.take(MAX_FILE + 1).read_to_end(&mut text)? as u64 > MAX_FILE {
        return Err(Error::new(ErrorKind::FileTooLarge, "it is too large"));
    }
    Ok(text)
}

/// What a text file holds.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|_| Error::new(ErrorKind::InvalidData, "it is not text"))
}

fn item(path: &Path) -> Option<Item> {
    let (id, mark) = path
        .file_name()?
        .to_str()?
        .strip_suffix(".json")?
        .split_once('-')?;
    let plain = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    (plain(id, LENGTH) && plain(mark, MARK)).then(|| Item {
        id: id.to_owned(),
        mark: mark.to_owned(),
        path: path.to_owned(),
    })
}

fn mark(fingerprint: &str) -> &str {
    fingerprint.get(..MARK).unwrap_or(fingerprint)
}

/// An id as it is written down, however it was typed: small letters, and those that Crockford's
/// alphabet leaves out.
pub fn spell(id: &str) -> String {
    id.trim()
        .to_ascii_uppercase()
        .replace('O', "0")
        .replace(['I', 'L'], "1")
}

/// A new id.
pub fn new_id() -> String {
    (0..LENGTH)
        .filter_map(|_| {
            let at = usize::try_from(OsRng.next_u32() % 32).ok()?;
            LETTERS.get(at).map(|letter| char::from(*letter))
        })
        .collect()
}

/// A number that is used once, in hexadecimal digits.
pub fn nonce() -> String {
    let mut bytes = [0_u8; 16];
    OsRng.fill_bytes(&mut bytes);
    crate::digest::hex(&bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ABOUT: &str = "0123456789abcdef0123456789abcdef";

    fn shelf() -> (tempfile::TempDir, Shelf) {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(directory.path().join("requests"));
        (directory, shelf)
    }

    #[test]
    fn what_is_added_is_found_by_id_and_by_command() {
        let (_directory, shelf) = shelf();
        let lock = shelf.lock().unwrap();
        let id = shelf.add(&lock, ABOUT, str::to_owned).unwrap();
        assert_eq!(id.len(), LENGTH);
        let item = shelf.by_id(&id.to_ascii_lowercase()).unwrap();
        assert_eq!(item.read::<String>().unwrap(), id);
        assert_eq!(shelf.about(ABOUT), std::slice::from_ref(&item));
        assert_eq!(shelf.about("fedcba9876543210"), []);
        item.remove().unwrap();
        item.remove().unwrap();
        assert_eq!(shelf.items(), []);
    }

    #[test]
    fn ids_are_forgiving() {
        assert_eq!(spell(" 7f3k "), "7F3K");
        assert_eq!(spell("OIL0"), "0110");
    }

    #[test]
    fn files_of_other_names_are_passed_over() {
        let (_directory, shelf) = shelf();
        let lock = shelf.lock().unwrap();
        for name in [
            "lock",
            "x.json",
            "ABCD-short.json",
            "../x-0123456789abcdef.json",
            "ABCD.json",
        ] {
            let _ = std::fs::write(shelf.directory.join(name), "{}");
        }
        assert_eq!(shelf.items(), []);
        drop(lock);
    }

    #[test]
    fn a_shelf_holds_so_many_and_no_more() {
        let (_directory, shelf) = shelf();
        let lock = shelf.lock().unwrap();
        for at in 0..MAX_FILES {
            let name = format!("{at:04}-{}.json", mark(ABOUT));
            std::fs::write(shelf.directory.join(name), "1").unwrap();
        }
        let error = shelf.add(&lock, ABOUT, |_| 1).unwrap_err();
        assert!(error.to_string().contains("guard pending"), "{error}");
    }
}
