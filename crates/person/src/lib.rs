//! The person: whose terminal this is, the words that they type on it, and the approvals that only
//! they can give.

pub mod approval;
pub mod ask;
pub mod evidence;
pub mod hold;
pub mod holder;
pub mod identity;
pub mod keys;
pub mod next;
pub mod prompt;
pub mod proof;
pub mod requests;
pub mod secret;
pub mod signers;
pub mod size;
pub mod statement;
pub mod trail;

pub use evidence::{Evidence, Trust, gather};
