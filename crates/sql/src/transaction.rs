//! Which statements stand in a transaction that provably ends in ROLLBACK.

use super::facts::Control;

/// One statement as a transaction sees it.
#[derive(Copy, Clone, Debug)]
pub(super) struct TransactionStep {
    pub(super) control: Control,
    /// The transaction is not known to go on as before.
    pub(super) breaks: bool,
    /// The statement's place in the result, if a ROLLBACK would undo it.
    pub(super) undone: Option<usize>,
}

/// A transaction block that is open.
#[derive(Debug)]
struct OpenBlock {
    /// The text in which it began.
    text: usize,
    /// Whether BEGIN was alone in that text. In company, an error anywhere in
    /// the text keeps the server from running any of it.
    alone: bool,
    proven: bool,
    inside: Vec<usize>,
}

/// Follows the transactions of one session.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    open: Option<OpenBlock>,
    texts: usize,
    /// No transaction proves anything any more.
    unsure: bool,
}

impl Transactions {
    /// Takes the statements of one text, which psql sends at once. Gives the
    /// places of those that are now known to be rolled back.
    pub(super) fn text(&mut self, steps: &[TransactionStep]) -> Vec<usize> {
        self.texts += 1;
        let alone = steps.len() == 1;
        let mut undone = Vec::new();
        for step in steps {
            match step.control {
                Control::Begin if self.open.is_none() => self.begin(alone),
                Control::Begin => {}
                Control::Commit { chain } => {
                    self.end(alone, chain);
                }
                Control::Rollback { chain } => {
                    undone.extend(self.end(alone, chain));
                }
                Control::None => {
                    if let (Some(open), Some(place)) = (&mut self.open, step.undone) {
                        open.inside.push(place);
                    }
                }
            }
            if step.breaks {
                self.doubt();
            }
        }
        undone
    }

    fn begin(&mut self, alone: bool) {
        self.open = Some(OpenBlock {
            text: self.texts,
            alone,
            proven: !self.unsure,
            inside: Vec::new(),
        });
    }

    /// Ends the transaction, and begins the next one of a chain. Gives what
    /// stood in it, if this statement provably ended it.
    fn end(&mut self, alone: bool, chain: bool) -> Vec<usize> {
        let text = self.texts;
        let sure = |open: &OpenBlock| open.proven && (open.text == text || (open.alone && alone));
        let Some(open) = self.open.take().filter(sure) else {
            return Vec::new();
        };
        if chain {
            self.begin(alone);
        }
        open.inside
    }

    /// From here on the open transaction proves nothing.
    pub(super) fn doubt(&mut self) {
        if let Some(open) = &mut self.open {
            open.proven = false;
        }
    }

    /// From here on no transaction proves anything.
    pub(super) fn doubt_all(&mut self) {
        self.unsure = true;
        self.doubt();
    }

    /// The connection has ended, and with it the transaction.
    pub(super) fn disconnect(&mut self) {
        self.open = None;
    }
}
