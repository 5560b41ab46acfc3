//! Saving what a verdict loses.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use guard_core::context::Context;
use guard_core::loss::Loss;
use guard_core::name::ToolName;
use guard_core::tool::Toolbox;
use guard_core::verdict::Verdict;
use guard_core::wish::Saving;
use guard_core::world::World;
use guard_ground::bytes::Bytes;
use guard_ground::{mask, path};
use guard_store::limits::BackupLimits;
use guard_store::manifest::{Manifest, Part};
use guard_store::store::Store;
use guard_store::{Saved, Unsaved};
use guard_words::Measure;

/// One command whose loss may be saved.
pub struct Saver<'a> {
    /// The tools that guard knows.
    pub tools: &'a Toolbox,
    /// The tool.
    pub tool: &'a ToolName,
    /// The command.
    pub argv: &'a [OsString],
    /// Where it runs.
    pub context: &'a Context,
    /// Workspace, homes, mounts.
    pub world: &'a World,
    /// The agent that runs it, if one is known.
    pub agent: Option<String>,
    /// What the rules say about saving.
    pub limits: &'a BackupLimits,
    /// The state directory.
    pub state: Option<PathBuf>,
}

/// A backup that is complete, and what of it is counted.
#[derive(Clone, Debug)]
#[must_use]
pub struct SavedFirst {
    /// The backup.
    pub saved: Saved,
    /// What is counted.
    pub measure: Measure,
}

impl Saver<'_> {
    /// Saves what the verdict says would be lost. `None` when its preview names nothing that could be
    /// saved.
    ///
    /// # Errors
    /// When it cannot be saved whole and within the limits; nothing is left behind then.
    pub fn take(&self, verdict: &Verdict) -> Option<Result<SavedFirst, Unsaved>> {
        let loss = verdict.preview.loss()?;
        if loss.saves.is_empty() || self.limits.is_off() {
            return None;
        }
        Some(self.save(loss))
    }

    fn save(&self, loss: &Loss) -> Result<SavedFirst, Unsaved> {
        let store = Store::open(self.state.as_deref(), self.limits)?;
        let deadline = Instant::now() + Duration::from_secs_f64(self.limits.seconds);
        let mut writer = store.begin(deadline)?;
        let saving = Saving {
            context: self.context,
            world: self.world,
        };
        let mut parts = Vec::new();
        for wish in loss.saves.iter() {
            parts.extend(wish.save(&saving, &mut writer)?);
        }
        for (lot, line) in loss.lots.iter().zip(loss.lines()) {
            if !lot.kept {
                writer.pass_over(line);
            }
        }
        let saved = writer.seal(self.manifest(loss, parts))?;
        store.tidy(&|item| super::let_go(item, &store, self.tools));
        Ok(SavedFirst {
            saved,
            measure: self.tools.of(self.tool).saves(),
        })
    }

    fn manifest(&self, loss: &Loss, parts: Vec<Part>) -> Manifest {
        let directory = self.context.directory.clone().unwrap_or_default();
        Manifest {
            agent: self.agent.clone(),
            tool: self.tool.to_string(),
            argv: mask::masked(self.argv),
            subject: Bytes::from(path::top_of(
                &directory
                    .canonicalize()
                    .unwrap_or_else(|_| directory.clone()),
            )),
            cwd: Bytes::from(directory),
            loss: loss.lines(),
            parts,
            ..Manifest::new()
        }
    }
}
