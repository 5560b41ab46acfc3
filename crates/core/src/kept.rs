//! One thing in a backup: what it can tell, and how it is brought back.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::preview::Budget;
use crate::world::World;
use guard_store::Unsaved;
use guard_store::manifest::{Blob, Part};
use guard_store::reader::BackupReader;
use guard_store::store::Store;
use guard_store::writer::Writer;

/// What bringing something back needs to know.
pub struct Undoing<'a> {
    /// The backup.
    pub reader: &'a BackupReader,
    /// What is in it.
    pub parts: &'a [Box<dyn Kept>],
    /// The store that it lies in.
    pub store: &'a Store,
    /// Where guard was called.
    pub context: &'a Context,
    /// The workspace.
    pub world: &'a World,
    /// Another directory than things came from.
    pub into: Option<&'a Path>,
    /// The time that looking may take.
    pub budget: &'a Budget,
}

impl Undoing<'_> {
    /// The backup that this one takes back: what it brought back may be replaced.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn earlier(&self) -> Result<Option<BackupReader>, String> {
        let id = self.reader.manifest().undoes.as_deref();
        id.and_then(|id| self.store.by_id(id))
            .map(|item| BackupReader::open(&item, self.store))
            .transpose()
    }
}

/// One kind of thing that is saved.
pub trait Kept {
    /// What comes back and where, one line each; sanitised.
    fn lines(&self) -> Vec<String>;

    /// Whether something of it lies outside the workspace: only a person brings that back.
    fn is_outside(&self, world: &World) -> bool;

    /// What stands in its way and would be lost by bringing it back; sanitised.
    ///
    /// # Errors
    /// When it cannot be told.
    fn conflicts(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String>;

    /// Saves what is there now and will be replaced, so that the undo can be undone.
    ///
    /// # Errors
    /// When it cannot be saved.
    fn save_now(&self, undoing: &Undoing<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved>;

    /// Brings it back; what could not be made quite as it was is returned.
    ///
    /// # Errors
    /// What could not be brought back.
    fn restore(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String>;

    /// In what the things differ from what was saved.
    ///
    /// # Errors
    /// When it cannot be told.
    fn differences(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String>;

    /// Brings it back into a scratch place and compares; what was found is returned, and what that place
    /// cannot show.
    ///
    /// # Errors
    /// What is wrong with the backup.
    fn drill(&self, undoing: &Undoing<'_>, scratch: &Path) -> Result<Vec<String>, String>;

    /// Its contents, by the names that people know them by.
    fn contents(&self) -> Vec<(String, &Blob)>;

    /// Lets go of what it keeps outside the store for the backup `id`, which is being removed.
    fn forget(&self, _id: &str) {}
}

/// Looking and verifying may take so long.
pub const TIME: Duration = Duration::from_secs(120);

/// When a look that begins now has to end: a person may have thought about it for longer than that before.
pub fn deadline() -> Instant {
    Instant::now() + TIME
}
