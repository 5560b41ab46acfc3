//! How a loss in a cluster is put together.

use guard_core::loss::{Loss, Lot, Phrase};
use guard_words::Measure;

/// Names on a line.
pub(super) const EXAMPLES: usize = 12;

/// A lot of a loss.
pub(super) fn lot(measure: Measure, count: u64, what: &str, examples: Vec<String>) -> Lot {
    Lot {
        measure,
        count,
        at_least: false,
        kept: false,
        bytes: None,
        what: what.to_owned(),
        examples,
    }
}

/// An empty loss with the verb of its phrase.
pub(super) fn losing(verb: &'static str) -> Loss {
    Loss {
        phrase: Phrase {
            verb,
            place: String::new(),
        },
        ..Loss::default()
    }
}
