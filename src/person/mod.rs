//! The person: whose terminal this is, and the words that they type on it.

pub mod evidence;
pub mod prompt;

pub use evidence::{Presence, presence};
