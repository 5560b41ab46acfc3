//! Writing a backup: contents into a pack or beside it, the manifest, and the name that makes it count.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read, Seek as _, Write};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use sha2::{Digest as _, Sha256};

use super::content;
use super::engine::{self, Engine};
use super::hold::hold;
use super::layout::{A_SHELF, ENCRYPTED, FILES, PACK, shelf_name};
use super::manifest::{Blob, HeldAt, Manifest, Summary};
use super::summary::summary_text;
use crate::limits::BackupLimits;
use crate::{Saved, Unsaved};
use guard_ground::atomic;
use guard_ground::digest::hex;
use guard_ground::text::human_bytes;

/// How hard zstd tries: text shrinks to a third, at some 400 MB a second.
const LEVEL: i32 = 1;
/// Contents up to this size are compressed in one go.
const SMALL: u64 = 1 << 20;

/// A backup that is being written. What is not sealed is removed again.
pub struct Writer {
    id: String,
    aside: PathBuf,
    place: PathBuf,
    limits: BackupLimits,
    engine: Option<Engine>,
    deadline: Instant,
    pack: Mutex<Pack>,
    files: AtomicU64,
    bytes: AtomicU64,
    shelves: AtomicU32,
    unsaved: Mutex<Vec<String>>,
    sealed: bool,
    _alive: File,
}

/// A directory for some files of their own. Each is small: large directories are slow to add to.
pub struct Drawer {
    directory: OwnedFd,
    next: u32,
    end: u32,
}

impl Drawer {
    /// Whether no more files fit.
    pub fn is_full(&self) -> bool {
        self.next == self.end
    }

    /// A new number, and the name in the directory that belongs to it.
    pub fn place(&mut self) -> (u32, String) {
        let number = self.next;
        self.next += 1;
        (number, (number % A_SHELF).to_string())
    }

    /// The directory.
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

struct Pack {
    blobs: Vec<Blob>,
    out: BufWriter<File>,
    position: u64,
    compressor: zstd::bulk::Compressor<'static>,
}

impl Writer {
    /// A writer in the directory `aside`, which is empty; what is complete goes to `place`.
    pub(super) fn new(
        id: String,
        aside: PathBuf,
        place: PathBuf,
        limits: BackupLimits,
        engine: Option<Engine>,
        deadline: Instant,
    ) -> Result<Self, Unsaved> {
        let alive = hold(&aside)?;
        // What is to be encrypted never lies on the disk as it is.
        let pack = match &limits.recipient {
            None => new_file(&aside.join(PACK))?,
            Some(_) => guard_ground::spool::file()?,
        };
        let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
        compressor.include_checksum(false)?;
        Ok(Self {
            place,
            id,
            limits,
            engine,
            deadline,
            pack: Mutex::new(Pack {
                blobs: Vec::new(),
                out: BufWriter::with_capacity(1 << 17, pack),
                position: 0,
                compressor,
            }),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            shelves: AtomicU32::new(0),
            unsaved: Mutex::new(Vec::new()),
            sealed: false,
            _alive: alive,
            aside,
        })
    }

    /// The id that the backup will have.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Until when everything must be saved.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Counts files, rows or objects and their bytes against the limits.
    ///
    /// # Errors
    /// When it is too much, or takes too long.
    pub fn count(&self, files: u64, bytes: u64) -> Result<(), Unsaved> {
        let files = self.files.fetch_add(files, Ordering::Relaxed) + files;
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if files > self.limits.files {
            return Err(Unsaved(format!(
                "more than {} files are too many to save first",
                self.limits.files
            )));
        }
        if bytes > self.limits.bytes {
            return Err(Unsaved(format!(
                "more than {} are too much to save first",
                human_bytes(self.limits.bytes)
            )));
        }
        self.in_time()
    }

    /// # Errors
    /// When the time is over.
    pub fn in_time(&self) -> Result<(), Unsaved> {
        if Instant::now() > self.deadline {
            return Err(Unsaved(format!(
                "saving it takes longer than {} s",
                self.limits.seconds
            )));
        }
        Ok(())
    }

    /// What was counted so far.
    pub fn counted(&self) -> (u64, u64) {
        (
            self.files.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        )
    }

    /// Goes back to what was counted before: a second attempt saves less.
    pub fn recount(&self, (files, bytes): (u64, u64)) {
        self.files.store(files, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Notes something that the backup does not hold.
    pub fn pass_over(&self, what: String) {
        let mut unsaved = lock(&self.unsaved);
        if !unsaved.contains(&what) {
            unsaved.push(what);
        }
    }

    /// Saves a content that is in memory.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn bytes(&self, content: &[u8]) -> Result<Blob, Unsaved> {
        let sha256 = hex(&Sha256::digest(content));
        let mut pack = lock(&self.pack);
        let frame = pack.compressor.compress(content)?;
        let start = pack.append(&frame)?;
        let blob = Blob {
            sha256,
            size: content.len() as u64,
            at: HeldAt::Pack(start, frame.len() as u64),
            segments: None,
        };
        pack.blobs.push(blob.clone());
        Ok(blob)
    }

    /// Saves a content to its end; `size` is how long it seems to be.
    ///
    /// # Errors
    /// When it cannot be read or written, or takes too long.
    pub fn stream(&self, content: &mut dyn Read, size: u64) -> Result<Blob, Unsaved> {
        if size <= SMALL {
            let mut whole = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
            content.take(SMALL * 2).read_to_end(&mut whole)?;
            if (whole.len() as u64) < SMALL * 2 {
                return self.bytes(&whole);
            }
            return self.long(&mut whole.chain(content));
        }
        self.long(content)
    }

    fn long(&self, content: &mut dyn Read) -> Result<Blob, Unsaved> {
        let mut pack = lock(&self.pack);
        let start = pack.position;
        let mut hasher = Sha256::new();
        let mut size = 0_u64;
        {
            let mut encoder = zstd::stream::Encoder::new(&mut *pack, LEVEL)?;
            let mut buffer = vec![0_u8; 1 << 17];
            loop {
                let read = content.read(&mut buffer)?;
                let Some(some) = buffer.get(..read).filter(|some| !some.is_empty()) else {
                    break;
                };
                hasher.update(some);
                encoder.write_all(some)?;
                size += read as u64;
                if size > self.limits.bytes {
                    return Err(Unsaved(format!(
                        "more than {} are too much to save first",
                        human_bytes(self.limits.bytes)
                    )));
                }
                self.in_time()?;
            }
            encoder.finish()?;
        }
        let blob = Blob {
            sha256: hex(&hasher.finalize()),
            size,
            at: HeldAt::Pack(start, pack.position - start),
            segments: None,
        };
        pack.blobs.push(blob.clone());
        Ok(blob)
    }

    /// Whether contents may lie beside the pack, as they are.
    pub fn takes_originals(&self) -> bool {
        self.limits.recipient.is_none()
    }

    /// A directory for some files of their own; each thread has one, so that they do not wait for one
    /// another.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn shelf(&self) -> Result<Drawer, Unsaved> {
        let number = self.shelves.fetch_add(1, Ordering::Relaxed);
        let directory = shelf_name(&self.aside, number);
        atomic::directory(&directory)?;
        Ok(Drawer {
            directory: File::open(&directory)?.into(),
            next: number * A_SHELF,
            end: (number + 1) * A_SHELF,
        })
    }

    /// Writes the manifest, syncs everything, reads it back, and gives it its name.
    ///
    /// # Errors
    /// When anything of that fails; then there is no backup.
    pub fn seal(mut self, mut manifest: Manifest) -> Result<Saved, Unsaved> {
        manifest.id.clone_from(&self.id);
        manifest.unsaved.append(&mut lock(&self.unsaved));
        let text = serde_json::to_vec(&manifest).map_err(|error| Unsaved(error.to_string()))?;
        let blob = self.stream(&mut text.as_slice(), text.len() as u64)?;
        let mut pack = lock(&self.pack);
        pack.out.flush()?;
        let plain = pack.out.get_ref().try_clone()?;
        let packed = pack.position;
        drop(pack);
        match &self.limits.recipient {
            None => plain.sync_all()?,
            Some(recipient) => self.encrypt(&plain, recipient)?,
        }
        let bytes = self.bytes.load(Ordering::Relaxed);
        let summary = Summary {
            version: manifest.version,
            id: self.id.clone(),
            time: manifest.time,
            agent: manifest.agent.clone(),
            argv: manifest.argv.clone(),
            subject: manifest.subject.clone(),
            loss: manifest.loss.clone(),
            unsaved: manifest.unsaved.clone(),
            undoes: manifest.undoes.clone(),
            files: self.files.load(Ordering::Relaxed),
            bytes,
            stored: self.stored(packed),
            manifest: blob,
            encrypted: self.limits.recipient.is_some(),
            elsewhere: self.engine.is_some(),
        };
        let text = summary_text(&summary)?;
        let mut file = new_file(&self.aside.join("summary.json"))?;
        file.write_all(&text)?;
        file.sync_all()?;
        self.read_back(&plain)?;
        if let Some(engine) = &self.engine {
            engine.put(&self.aside, &self.id, self.deadline)?;
            self.leave_the_summary();
        }
        // File systems with a journal write names down in the order in which they were given: once this
        // one is on the disk, so are those of everything in it. To sync each directory costs a flush each.
        std::fs::rename(&self.aside, &self.place)?;
        self.sealed = true;
        if let Some(store) = self.place.parent() {
            File::open(store)?.sync_all()?;
        }
        Ok(Saved {
            id: self.id.clone(),
            files: summary.files,
            bytes,
            unsaved: summary.unsaved,
        })
    }

    /// What it takes in the store.
    fn stored(&self, packed: u64) -> u64 {
        if self.engine.is_some() {
            0
        } else if self.shelves.load(Ordering::Relaxed) > 0 {
            packed + self.bytes.load(Ordering::Relaxed)
        } else {
            packed
        }
    }

    fn encrypt(&self, plain: &File, recipient: &str) -> Result<(), Unsaved> {
        let mut whole = plain.try_clone()?;
        whole.rewind()?;
        let place = self.aside.join(ENCRYPTED);
        engine::encrypt(whole, &place, recipient, self.deadline)?;
        Ok(File::open(&place)?.sync_all()?)
    }

    /// Removes what the engine keeps.
    fn leave_the_summary(&self) {
        for name in [PACK, ENCRYPTED] {
            let _ = std::fs::remove_file(self.aside.join(name));
        }
        let _ = std::fs::remove_dir_all(self.aside.join(FILES));
    }

    /// Whether everything in the pack can be read as it was written.
    fn read_back(&self, pack: &File) -> Result<(), Unsaved> {
        for blob in &lock(&self.pack).blobs {
            content::check(pack, blob)
                .map_err(|why| Unsaved(format!("it cannot be read back: {why}")))?;
        }
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.sealed {
            let _ = std::fs::remove_dir_all(&self.aside);
        }
    }
}

impl Pack {
    /// Adds bytes; where they start.
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<u64> {
        let start = self.position;
        self.write_all(bytes)?;
        Ok(start)
    }
}

impl Write for Pack {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.position += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

fn new_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
