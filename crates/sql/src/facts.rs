//! What is known of one statement.

use std::collections::BTreeMap;

use super::kinds::{KindSet, StatementKind};

/// The kinds of the prepared statements, by name.
pub(super) type Prepared = BTreeMap<Vec<u8>, KindSet>;

/// What a statement does to the transaction it stands in.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Control {
    #[default]
    None,
    Begin,
    Commit {
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
}

/// All that is known of one statement.
#[derive(Clone, Debug, Default)]
pub(super) struct StatementFacts {
    pub(super) kinds: KindSet,
    /// What the most destructive of the kinds is done to.
    pub(super) object: Option<String>,
    pub(super) why: Option<&'static str>,
    pub(super) control: Control,
    /// Does something that no ROLLBACK undoes.
    pub(super) lasting: bool,
    /// After it a transaction is not known to go on as before.
    pub(super) breaks: bool,
    /// The lines after it are data.
    pub(super) copy_in: bool,
    /// The statement that PREPARE keeps.
    pub(super) prepares: Option<(Vec<u8>, KindSet)>,
}

impl StatementFacts {
    pub(super) fn add(&mut self, kind: StatementKind, object: impl FnOnce() -> Option<String>) {
        if self.kinds == KindSet::default() || kind > self.kinds.top() {
            self.object = object();
        }
        self.kinds.add(kind);
    }

    pub(super) fn unknown(&mut self, why: &'static str) {
        self.add(StatementKind::Unknown, || None);
        self.why.get_or_insert(why);
        self.breaks = true;
    }
}
