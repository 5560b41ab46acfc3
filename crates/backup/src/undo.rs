//! Bringing a backup back: look, refuse what would lose something newer, save what is replaced,
//! restore, verify.

use guard_core::kept::deadline;

use guard_core::kept::Undoing;
use guard_ground::atomic::{self, Promise};
use guard_ground::time::now;
use guard_store::Unsaved;
use guard_store::manifest::{Manifest, Undone};
use guard_store::store::{Store, StoredBackup};

/// What an undo would do.
#[derive(Clone, Debug, Default)]
pub struct UndoPlan {
    /// What comes back and where.
    pub lines: Vec<String>,
    /// What would be lost by it.
    pub conflicts: Vec<String>,
    /// Something lies outside the workspace.
    pub is_outside: bool,
}

/// What an undo did.
#[derive(Clone, Debug)]
pub struct UndoOutcome {
    /// The backup that takes it back; none where nothing was replaced.
    pub by: Option<String>,
    /// What could not be made quite as it was.
    pub notes: Vec<String>,
    /// What is not as it was saved, though it was brought back.
    pub differences: Vec<String>,
}

/// Looks at what an undo would do. Changes nothing.
///
/// # Errors
/// When that cannot be told.
pub fn plan(undoing: &Undoing<'_>) -> Result<UndoPlan, String> {
    let mut plan = UndoPlan::default();
    for part in undoing.parts {
        plan.lines.extend(part.lines());
        plan.conflicts.extend(part.conflicts(undoing)?);
        plan.is_outside |= match undoing.into {
            None => part.is_outside(undoing.world),
            Some(into) => !undoing.world.is_inside(into),
        };
    }
    Ok(plan)
}

/// Brings everything back, and saves what it replaces first.
///
/// # Errors
/// What could not be done.
pub fn run(item: &StoredBackup, undoing: &Undoing<'_>) -> Result<UndoOutcome, String> {
    let by = match undoing.into {
        None => Some(save_now(item, undoing).map_err(|why| {
            format!("what stands there now cannot be saved first ({why}); nothing was changed")
        })?),
        Some(into) => {
            std::fs::create_dir_all(into)
                .map_err(|error| format!("{}: {error}", guard_ground::sanitize::path(into)))?;
            None
        }
    };
    let mut outcome = UndoOutcome {
        by,
        notes: Vec::new(),
        differences: Vec::new(),
    };
    for part in undoing.parts {
        outcome.notes.extend(part.restore(undoing)?);
    }
    for part in undoing.parts {
        outcome.differences.extend(part.differences(undoing)?);
    }
    if undoing.into.is_none() && outcome.differences.is_empty() {
        mark(item, outcome.by.as_deref())?;
    }
    Ok(outcome)
}

/// Saves what is there now; the id.
fn save_now(item: &StoredBackup, undoing: &Undoing<'_>) -> Result<String, Unsaved> {
    let mut writer = undoing.store.begin(deadline())?;
    let mut manifest = Manifest {
        tool: "guard".to_owned(),
        argv: vec![
            "guard".to_owned(),
            "undo".to_owned(),
            item.summary.id.clone(),
        ],
        cwd: undoing.context.directory.clone().unwrap_or_default().into(),
        subject: item.summary.subject.clone(),
        loss: vec![format!(
            "what stood where {} was brought back",
            item.summary.id
        )],
        undoes: Some(item.summary.id.clone()),
        ..Manifest::new()
    };
    for part in undoing.parts {
        manifest.parts.extend(part.save_now(undoing, &mut writer)?);
    }
    Ok(writer.seal(manifest)?.id)
}

/// Notes that it was brought back.
fn mark(item: &StoredBackup, by: Option<&str>) -> Result<(), String> {
    let undone = Undone {
        time: now(),
        by: by.map(str::to_owned),
    };
    let text = serde_json::to_vec(&undone).map_err(|error| error.to_string())?;
    atomic::write(&item.directory.join("undone.json"), &text, Promise::KEPT)
        .map_err(|error| error.to_string())
}

/// The backup to undo when none is named: the newest of a workspace that was not undone, and that is
/// not itself what an undo replaced.
pub fn candidates(store: &Store, subject: &std::path::Path) -> Vec<StoredBackup> {
    let mut items = store.items();
    items.retain(|item| {
        item.undone.is_none()
            && item.summary.undoes.is_none()
            && item.summary.subject.path() == subject
    });
    items
}
