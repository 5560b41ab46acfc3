//! The words that rules, messages and JSON share, each listed once. Whatever reads or writes one of them
//! asks here, so that a new one cannot be missing somewhere.

mod effect;
mod measure;
mod place;

pub use effect::Effect;
pub use measure::{Measure, levels};
pub use place::PlaceKind;
