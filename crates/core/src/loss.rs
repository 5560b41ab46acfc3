//! What would be gone for good.

use std::fmt::Write as _;

use guard_words::Measure;

use crate::instead::Instead;
use crate::wish::Wishes;
use guard_ground::text::human_bytes;
use guard_store::limits::BackupLimits;

/// Some of what would be gone, of one sort.
#[derive(Clone, Debug)]
pub struct Lot {
    /// What is counted.
    pub measure: Measure,
    /// How many.
    pub count: u64,
    /// More than `count`: counting stopped early.
    pub at_least: bool,
    /// Bytes, for files and tables.
    pub bytes: Option<u64>,
    /// What they are, after the count: `with uncommitted changes`, `of branch topic`.
    pub what: String,
    /// Some of them, by name, the most telling first; already sanitised.
    pub examples: Vec<String>,
    /// Whether what [`Loss::saves`] names brings all of it back.
    pub kept: bool,
}

/// What would be gone for good.
#[derive(Clone, Debug, Default)]
pub struct Loss {
    /// The lots; none when nothing is lost.
    pub lots: Vec<Lot>,
    /// What a reader should know besides: what can be recovered and why; sanitised.
    pub facts: Vec<String>,
    /// What a person types besides the size: `delete`, `in ../shared/uploads`.
    pub phrase: Phrase,
    /// The largest share of any one table that is lost, in percent.
    pub share: f64,
    /// Tags of what would be lost, where they could be read.
    pub tags: Option<Vec<(String, String)>>,
    /// A digest of exactly what is lost, where another loss of the same size is another loss.
    pub things: Option<String>,
    /// What runs in place of the command, so that nothing but this is lost.
    pub instead: Option<Instead>,
    /// What has to be saved so that it can be brought back.
    pub saves: Wishes,
}

/// The words that name the thing.
#[derive(Clone, Debug, Default)]
pub struct Phrase {
    /// `delete`, `discard`, `drop`.
    pub verb: &'static str,
    /// `in ../shared/uploads`, `from origin/main`; may be empty.
    pub place: String,
}

impl Loss {
    /// Whether nothing is lost.
    pub fn is_none(&self) -> bool {
        self.lots.is_empty()
    }

    /// Adds a lot unless it is empty.
    pub fn add(&mut self, lot: Lot) {
        if lot.count > 0 || lot.at_least {
            self.lots.push(lot);
        }
    }

    /// Adds a fact once.
    pub fn fact(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if !self.facts.contains(&sentence) {
            self.facts.push(sentence);
        }
    }

    /// Takes another loss in.
    pub fn merge(&mut self, other: Self) {
        self.lots.extend(other.lots);
        self.share = self.share.max(other.share);
        if let Some(tags) = other.tags {
            self.tags.get_or_insert_default().extend(tags);
        }
        for fact in other.facts {
            self.fact(fact);
        }
        if self.phrase.verb.is_empty() {
            self.phrase = other.phrase;
        }
        self.things = self.things.take().or(other.things);
        self.instead = self.instead.take().or(other.instead);
        self.saves.extend(other.saves);
    }

    /// How much of one thing, over all lots. `bytes` counts too.
    pub fn amount(&self, measure: &str) -> u64 {
        self.lots
            .iter()
            .map(|lot| {
                if measure == "bytes" {
                    lot.bytes.unwrap_or(0)
                } else if lot.measure.name() == measure {
                    lot.count
                } else {
                    0
                }
            })
            .sum()
    }

    /// As [`Loss::amount`], with `rows-percent`, the largest share of any one table.
    pub fn level(&self, measure: &str) -> f64 {
        if measure == "rows-percent" {
            return self.share;
        }
        // Counts are far below 2^52, where f64 is exact.
        #[allow(clippy::cast_precision_loss)]
        let amount = self.amount(measure) as f64;
        amount
    }

    /// One line a lot: `3412 files, 1.2 GiB, untracked: a.jpg, b.jpg`.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for lot in &self.lots {
            let mut line = String::new();
            if lot.at_least {
                line.push_str("more than ");
            }
            line.push_str(&lot.measure.count(lot.count));
            if let Some(bytes) = lot.bytes {
                let _ = write!(line, " ({})", human_bytes(bytes));
            }
            if !lot.what.is_empty() {
                let _ = write!(line, " {}", lot.what);
            }
            if !lot.examples.is_empty() {
                let _ = write!(line, ": {}", lot.examples.join(", "));
                let shown = u64::try_from(lot.examples.len()).unwrap_or(u64::MAX);
                if lot.count > shown || lot.at_least {
                    line.push_str(", …");
                }
            }
            lines.push(line);
        }
        lines
    }

    /// The size in the words that a person types: `3412 files and 2 commits`.
    pub fn size(&self) -> String {
        let mut sums: Vec<(Measure, u64)> = Vec::new();
        for lot in &self.lots {
            match sums.iter_mut().find(|(measure, _)| *measure == lot.measure) {
                Some((_, sum)) => *sum = sum.saturating_add(lot.count),
                None => sums.push((lot.measure, lot.count)),
            }
        }
        sums.iter()
            .map(|(measure, sum)| measure.count(*sum))
            .collect::<Vec<_>>()
            .join(" and ")
    }
}

/// Why a loss of this size is not saved; `None` when it may be, as far as the preview can tell.
pub fn obstacle(loss: &Loss, limits: &BackupLimits) -> Option<String> {
    if loss.lots.iter().any(|lot| !lot.kept) || loss.saves.is_empty() {
        return Some("guard cannot save it first".to_owned());
    }
    let (bytes, files) = (loss.amount("bytes"), loss.amount("files"));
    if files > limits.files {
        return Some(format!("{files} files are too many to save first"));
    }
    if bytes > limits.bytes {
        return Some(format!("{} are too much to save first", human_bytes(bytes)));
    }
    None
}
