//! The room.

pub mod options;
pub mod scope;
