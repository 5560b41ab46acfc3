//! Why a command does not run, and what whoever ran it can do now.

use super::hold::Freeze;
use super::requests::{Refusal, Request};

/// What comes next. The words for it are made where it is said.
#[derive(Debug)]
pub enum Next {
    /// Nothing: it is never allowed here.
    Denied,
    /// Nobody can be asked, for this reason.
    Nothing(String),
    /// A person said no.
    Refused(Refusal),
    /// A person can approve the request that was left.
    Approve {
        /// Why nobody was asked here.
        why: String,
        /// The request.
        request: Box<Request>,
        /// Whether a key to approve with is set up.
        has_key: bool,
    },
    /// The question at the terminal ended like this.
    Ended(String),
    /// A freeze holds it.
    Frozen(Freeze),
    /// Plan mode recorded it, under this number.
    Planned(u32),
    /// Plan mode could not record it, for this reason.
    Unrecorded(String),
}
