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
pub mod wish;

pub use save::save;
pub use wish::{TableWish, Wish};
