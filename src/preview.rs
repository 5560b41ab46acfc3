//! What one invocation would destroy here and now: the loss, or *unknown*.

pub mod files;
pub mod instead;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::backup::Wanted;
use crate::context::Context;
use crate::invocation::Invocation;
use crate::paths::{Placed, World};
use crate::rules::Infrastructure;
use crate::tools::{self, Tool};
use instead::Instead;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Files and links.
    Files,
    /// Commits that nothing else would hold.
    Commits,
    /// Stash entries.
    Stashes,
    /// Annotated tags.
    Tags,
    /// Repositories with work of their own.
    Repositories,
    /// Rows of tables.
    Rows,
    /// Tables.
    Tables,
    /// Objects of a cluster or in a store, and other things in a database: views, functions, columns.
    Objects,
    /// What a cloud holds, and what terraform manages: instances, databases, roles.
    Resources,
    /// Items of tables that have no rows.
    Items,
    /// Messages in queues.
    Messages,
    /// Pods that serve now.
    Pods,
}

impl Measure {
    /// The word that rules and JSON use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Commits => "commits",
            Self::Stashes => "stashes",
            Self::Tags => "tags",
            Self::Repositories => "repositories",
            Self::Rows => "rows",
            Self::Tables => "tables",
            Self::Objects => "objects",
            Self::Resources => "resources",
            Self::Items => "items",
            Self::Messages => "messages",
            Self::Pods => "pods",
        }
    }

    /// `1 file`, `3412 files`.
    pub fn count(self, number: u64) -> String {
        let noun = match (self, number) {
            (Self::Files, 1) => "file",
            (Self::Files, _) => "files",
            (Self::Commits, 1) => "commit",
            (Self::Commits, _) => "commits",
            (Self::Stashes, 1) => "stash",
            (Self::Stashes, _) => "stashes",
            (Self::Tags, 1) => "tag",
            (Self::Tags, _) => "tags",
            (Self::Repositories, 1) => "repository",
            (Self::Repositories, _) => "repositories",
            (Self::Rows, 1) => "row",
            (Self::Rows, _) => "rows",
            (Self::Tables, 1) => "table",
            (Self::Tables, _) => "tables",
            (Self::Objects, 1) => "object",
            (Self::Objects, _) => "objects",
            (Self::Resources, 1) => "resource",
            (Self::Resources, _) => "resources",
            (Self::Items, 1) => "item",
            (Self::Items, _) => "items",
            (Self::Messages, 1) => "message",
            (Self::Messages, _) => "messages",
            (Self::Pods, 1) => "pod",
            (Self::Pods, _) => "pods",
        };
        format!("{number} {noun}")
    }
}

/// Some of what would be gone, of one sort.
#[derive(Clone, Debug)]
pub struct Part {
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
    /// The parts; none when nothing is lost.
    pub parts: Vec<Part>,
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
    pub saves: Vec<Wanted>,
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
        self.parts.is_empty()
    }

    /// Adds a part unless it is empty.
    pub fn add(&mut self, part: Part) {
        if part.count > 0 || part.at_least {
            self.parts.push(part);
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
        self.parts.extend(other.parts);
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

    /// How much of one thing, over all parts. `bytes` counts too.
    pub fn amount(&self, measure: &str) -> u64 {
        self.parts
            .iter()
            .map(|part| {
                if measure == "bytes" {
                    part.bytes.unwrap_or(0)
                } else if part.measure.name() == measure {
                    part.count
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

    /// One line a part: `3412 files, 1.2 GiB, untracked: a.jpg, b.jpg`.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for part in &self.parts {
            let mut line = String::new();
            if part.at_least {
                line.push_str("more than ");
            }
            line.push_str(&part.measure.count(part.count));
            if let Some(bytes) = part.bytes {
                let _ = write!(line, " ({})", human_bytes(bytes));
            }
            if !part.what.is_empty() {
                let _ = write!(line, " {}", part.what);
            }
            if !part.examples.is_empty() {
                let _ = write!(line, ": {}", part.examples.join(", "));
                let shown = u64::try_from(part.examples.len()).unwrap_or(u64::MAX);
                if part.count > shown || part.at_least {
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
        for part in &self.parts {
            match sums
                .iter_mut()
                .find(|(measure, _)| *measure == part.measure)
            {
                Some((_, sum)) => *sum = sum.saturating_add(part.count),
                None => sums.push((part.measure, part.count)),
            }
        }
        sums.iter()
            .map(|(measure, sum)| measure.count(*sum))
            .collect::<Vec<_>>()
            .join(" and ")
    }
}

/// What a preview found.
#[derive(Clone, Debug)]
#[must_use]
pub enum Preview {
    /// Not measured, because nothing asked for it.
    Skipped,
    /// Everything was counted.
    Exact(Loss),
    /// At least this much.
    Estimate(Loss),
    /// It could not be measured: why, and what is known all the same.
    Unknown(String, Loss),
}

impl Preview {
    /// The word that JSON uses.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Exact(_) => "exact",
            Self::Estimate(_) => "estimate",
            Self::Unknown(..) => "unknown",
        }
    }

    /// What was measured.
    pub fn loss(&self) -> Option<&Loss> {
        match self {
            Self::Skipped => None,
            Self::Exact(loss) | Self::Estimate(loss) | Self::Unknown(_, loss) => Some(loss),
        }
    }

    /// Whether everything was counted and nothing would be gone.
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::Exact(loss) if loss.is_none())
    }

    /// Both together: as certain as the less certain one.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Skipped, other) => other,
            (this, Self::Skipped) => this,
            (Self::Exact(mut a), Self::Exact(b)) => {
                a.merge(b);
                Self::Exact(a)
            }
            (Self::Unknown(why, mut a), other) => {
                a.merge(other.into_loss());
                Self::Unknown(why, a)
            }
            (this, Self::Unknown(why, b)) => {
                let mut a = this.into_loss();
                a.merge(b);
                Self::Unknown(why, a)
            }
            (this, other) => {
                let mut a = this.into_loss();
                a.merge(other.into_loss());
                Self::Estimate(a)
            }
        }
    }

    fn into_loss(self) -> Loss {
        match self {
            Self::Skipped => Loss::default(),
            Self::Exact(loss) | Self::Estimate(loss) | Self::Unknown(_, loss) => loss,
        }
    }
}

/// What a preview may use.
#[derive(Debug)]
pub struct Budget {
    /// When it has to answer.
    pub deadline: Instant,
    /// Counts files as they are seen, for a progress line.
    pub progress: Option<Progress>,
    /// What the rules say about terraform's resources.
    pub infrastructure: Infrastructure<'static>,
}

/// A progress line on a person's terminal.
#[derive(Debug)]
pub struct Progress {
    terminal: std::fs::File,
    started: Instant,
}

impl Progress {
    /// Progress on `terminal`, shown once the preview takes long.
    pub fn on(terminal: std::fs::File) -> Self {
        Self {
            terminal,
            started: Instant::now(),
        }
    }

    /// Shows what has been done so far, if it has taken long enough to wonder.
    pub fn show(&self, done: &str) {
        use std::io::Write as _;
        if self.started.elapsed() > Duration::from_millis(400) {
            let _ = write!(
                &self.terminal,
                "\r\x1b[Kguard: measuring what would be lost: {done}"
            );
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        use std::io::Write as _;
        if self.started.elapsed() > Duration::from_millis(400) {
            let _ = write!(&self.terminal, "\r\x1b[K");
        }
    }
}

/// Measures one invocation with the real tools, read-only. What is nested in it is measured on its
/// own.
pub fn measure(
    invocation: &Invocation,
    places: &[Placed],
    world: &World,
    context: &Context,
    budget: &Budget,
) -> Preview {
    match invocation.tool.family() {
        Tool::Rm => {
            let taking = tools::rm::preview::Taking::Unlinks;
            tools::rm::preview::measure(places, taking, world, context, budget)
        }
        Tool::Git if !tools::git::overwritten(invocation).is_empty() => {
            let taking = tools::rm::preview::Taking::WritesOver;
            tools::rm::preview::measure(places, taking, world, context, budget)
        }
        Tool::Git => tools::git::preview::measure(invocation, world, context, budget),
        Tool::Terraform => tools::terraform::preview::measure(invocation, context, budget),
        Tool::Psql => tools::psql::preview::measure(invocation, context, budget),
        Tool::Aws => tools::aws::preview::measure(invocation, context, budget),
        Tool::Kubectl => tools::kubectl::preview::measure(invocation, context, budget),
        Tool::Other(_) => Preview::Unknown(
            format!("guard cannot measure {} yet", invocation.tool.name()),
            Loss::default(),
        ),
    }
}

/// A share as people read it: `34 %`, `0.02 %`.
pub fn human_percent(percent: f64) -> String {
    match percent {
        100.0.. => "all of it".to_owned(),
        10.0.. => format!("{percent:.0} %"),
        0.1.. => format!("{percent:.1} %"),
        _ => format!("{percent:.4} %"),
    }
}

/// A size as people read it: `512 B`, `1.2 GiB`.
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut unit = 0;
    let mut whole = bytes;
    let mut tenths = 0;
    while whole >= 1024 && unit + 1 < UNITS.len() {
        tenths = (whole % 1024) * 10 / 1024;
        whole /= 1024;
        unit += 1;
    }
    let unit_name = UNITS.get(unit).copied().unwrap_or("B");
    if unit == 0 || whole >= 100 {
        format!("{whole} {unit_name}")
    } else {
        format!("{whole}.{tenths} {unit_name}")
    }
}

#[cfg(test)]
mod tests {
    use super::human_bytes;

    #[test]
    fn sizes() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_536, "1.5 KiB"),
            (1_288_490_188, "1.1 GiB"),
            (500 << 20, "500 MiB"),
        ] {
            assert_eq!(human_bytes(bytes), shown);
        }
    }
}
