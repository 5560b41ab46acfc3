//! Saving what SQL would destroy, and bringing it back: rows as COPY data, whole objects by `pg_dump`,
//! all seen in one transaction that only reads.

pub mod define;
pub mod drill;
pub mod dump;
pub mod kept;
pub mod link;
pub mod look;
pub mod objects;
pub mod part;
pub mod save;
pub mod script;
mod there;
pub mod wish;

use dump::KeptDump;
use guard_core::kept::Kept;
use guard_core::wish::{Saving, Wish};
use guard_store::Unsaved;
use guard_store::manifest::{Body, Part};
use guard_store::writer::Writer;
use kept::KeptRows;

pub use save::save;
pub use wish::{SqlWish, TableWish};

impl Body for KeptRows {
    const KIND: &'static str = "psql-rows";
}

impl Body for KeptDump {
    const KIND: &'static str = "psql-objects";
}

impl Wish for SqlWish {
    fn save(&self, saving: &Saving<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        save(self, saving.context, writer)
    }
}

/// Rows or objects of a database in a backup.
pub fn revive(part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
    if let Some(rows) = part.read::<KeptRows>() {
        return Some(rows.map(|rows| Box::new(rows) as Box<dyn Kept>));
    }
    let objects = part.read::<KeptDump>()?;
    Some(objects.map(|objects| Box::new(objects) as Box<dyn Kept>))
}
