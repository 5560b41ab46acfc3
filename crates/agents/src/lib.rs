//! The room.

pub mod hook;
pub mod run;
pub mod setup;
pub mod stand_in;
