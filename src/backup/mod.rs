//! Saving what a command would destroy, before it does, so that it can be brought back.
//!
//! The preview says what would be lost ([`Wanted`]); a tool's own module turns that into [`Part`]s of
//! a backup: a [`manifest::Manifest`] and the contents that it names, in a directory of its own in the
//! [`store::Store`]. A backup is complete or it is not there: it is written aside, synced, read back, and
//! renamed.

pub mod aside;
pub mod drill;
pub mod engine;
pub mod manifest;
pub mod part;
pub mod reader;
pub mod store;
pub mod text;
pub mod tree;
pub mod undo;
pub mod writer;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::judge::Judge;
use crate::preview::{Loss, Measure};
use crate::rules::Rules;
use crate::tools::git::backup as git;
use crate::tools::{Tool, aws, kubectl, terraform};
use crate::verdict::Verdict;
use manifest::{Manifest, Part};
use store::Store;
use text::Bytes;
use writer::Writer;

/// What a preview found that has to be saved; each kind is saved by the module of its tool.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Files and directories that go, or are written over.
    Trees(tree::Trees),
    /// What git commands lose.
    Git(git::Wanted),
    /// Rows and objects of a database.
    Psql(crate::tools::psql::backup::Wish),
    /// Objects of a cluster.
    Kubectl(kubectl::backup::Objects),
    /// A state of terraform.
    Terraform(terraform::backup::State),
    /// Things of an AWS account.
    Aws(aws::backup::Things),
}

/// Why something cannot be saved, as the end of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsaved(pub String);

impl std::fmt::Display for Unsaved {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<std::io::Error> for Unsaved {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<String> for Unsaved {
    fn from(why: String) -> Self {
        Self(why)
    }
}

/// A backup that is complete.
#[derive(Clone, Debug)]
#[must_use]
pub struct Saved {
    /// Its id.
    pub id: String,
    /// How many files, rows or objects it holds.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What it does not hold, in plain sentences.
    pub unsaved: Vec<String>,
    /// What is counted.
    pub measure: Measure,
}

/// What saving needs to know of the command.
pub struct Saving<'a> {
    /// The tool.
    pub tool: Tool,
    /// The command.
    pub argv: &'a [OsString],
    /// Where it runs.
    pub context: &'a Context,
    /// Who judged it.
    pub judge: &'a Judge<'a>,
    /// The rules that hold.
    pub rules: &'a Rules,
    /// The state directory.
    pub state: Option<PathBuf>,
}

/// Why a loss of this size is not saved; `None` when it may be, as far as the preview can tell.
pub fn obstacle(loss: &Loss, rules: &Rules) -> Option<String> {
    if loss.parts.iter().any(|part| !part.kept) || loss.saves.is_empty() {
        return Some("guard cannot save it first".to_owned());
    }
    let limits = &rules.backup;
    let (bytes, files) = (loss.amount("bytes"), loss.amount("files"));
    if files > limits.files {
        return Some(format!("{files} files are too many to save first"));
    }
    if bytes > limits.bytes {
        return Some(format!(
            "{} are too much to save first",
            crate::preview::human_bytes(bytes)
        ));
    }
    None
}

impl Saving<'_> {
    /// Saves what the verdict says would be lost. `None` when its preview names nothing that could be
    /// saved.
    ///
    /// # Errors
    /// When it cannot be saved whole and within the limits; nothing is left behind then.
    pub fn take(&self, verdict: &Verdict) -> Option<Result<Saved, Unsaved>> {
        let loss = verdict.preview.loss()?;
        if loss.saves.is_empty() || self.rules.backup.is_off() {
            return None;
        }
        Some(self.save(verdict, loss))
    }

    fn save(&self, verdict: &Verdict, loss: &Loss) -> Result<Saved, Unsaved> {
        let store = Store::open(self.state.as_deref(), &self.rules.backup)?;
        let deadline = Instant::now() + Duration::from_secs_f64(self.rules.backup.seconds);
        let mut writer = store.begin(deadline)?;
        let mut parts = Vec::new();
        for wanted in &loss.saves {
            parts.extend(save_one(wanted, self, &mut writer)?);
        }
        for (part, line) in loss.parts.iter().zip(loss.lines()) {
            if !part.kept {
                writer.pass_over(line);
            }
        }
        let manifest = self.manifest(verdict, parts);
        let mut saved = writer.seal(manifest)?;
        if matches!(self.tool.family(), Tool::Kubectl | Tool::Aws) {
            saved.measure = Measure::Objects;
        }
        store.tidy();
        Ok(saved)
    }

    fn manifest(&self, verdict: &Verdict, parts: Vec<Part>) -> Manifest {
        let directory = self.context.directory.clone().unwrap_or_default();
        Manifest {
            agent: self.judge.agent().map(|agent| agent.name.to_owned()),
            tool: self.tool.name().to_owned(),
            argv: crate::audit::Entry::argv(self.argv),
            subject: Bytes::from(crate::paths::top_of(
                &directory
                    .canonicalize()
                    .unwrap_or_else(|_| directory.clone()),
            )),
            cwd: Bytes::from(directory),
            loss: verdict.preview.loss().map(Loss::lines).unwrap_or_default(),
            parts,
            ..Manifest::new()
        }
    }
}

fn save_one(
    wanted: &Wanted,
    saving: &Saving<'_>,
    writer: &mut Writer,
) -> Result<Vec<Part>, Unsaved> {
    match wanted {
        Wanted::Trees(trees) => {
            let part = tree::save(trees, saving.judge.world(), writer)?;
            Ok(part.map(Part::Trees).into_iter().collect())
        }
        Wanted::Git(wanted) => {
            let part = git::save(wanted, saving, writer)?;
            Ok(vec![Part::Git(Box::new(part))])
        }
        Wanted::Psql(wish) => crate::tools::psql::backup::save(wish, saving.context, writer),
        Wanted::Kubectl(objects) => {
            let part = kubectl::backup::save(objects, saving, writer)?;
            Ok(part.map(Part::Kubectl).into_iter().collect())
        }
        Wanted::Aws(things) => {
            let part = aws::backup::save(things, saving, writer)?;
            Ok(part
                .map(|things| Part::Aws(Box::new(things)))
                .into_iter()
                .collect())
        }
        Wanted::Terraform(state) => {
            let part = terraform::backup::save(state, saving, writer)?;
            Ok(part
                .map(|state| Part::Terraform(Box::new(state)))
                .into_iter()
                .collect())
        }
    }
}

/// Lets go of what a backup that is removed keeps outside the store, as well as it can be done.
pub fn let_go(item: &store::Item, store: &Store) {
    // What has to be fetched or decrypted first would take too long: its references stay.
    if item.summary.encrypted || item.summary.elsewhere {
        return;
    }
    let Ok(reader) = reader::Reader::open(item, store) else {
        return;
    };
    for part in &reader.manifest().parts {
        if let Part::Git(kept) = part {
            git::forget(kept, &item.summary.id);
        }
    }
}

/// Whom to tell how it is brought back.
pub fn announcement(saved: &Saved) -> String {
    let size = crate::preview::human_bytes(saved.bytes);
    let what = match (saved.files, saved.bytes) {
        (0, 0) => "saved first".to_owned(),
        (0, _) => format!("saved first ({size})"),
        (count, _) => format!("{} ({size}) saved first", saved.measure.count(count)),
    };
    let mut line = format!("{what}; bring back with: guard undo {}", saved.id);
    if let Some(first) = saved.unsaved.first() {
        line.push_str("; not saved: ");
        line.push_str(first);
        if saved.unsaved.len() > 1 {
            let _ = write!(line, " and {} more", saved.unsaved.len() - 1);
        }
    }
    line
}
