//! terraform's state before a command rewrites it, and how it comes back.
//!
//! What only the state lost (`state rm`, `state mv`, `state push`, a workspace) is brought back by
//! `terraform state push`. What `apply` and `destroy` did to real things nothing brings back: the state from
//! before and the plan are kept for people to read, and never pushed.

mod kept;
mod place;
mod statefile;

use std::io::{Seek as _, SeekFrom};
use std::path::PathBuf;

use guard_core::kept::Kept;
use guard_core::wish::{Saving, Wish};
use guard_ground::memfd;
use guard_store::Unsaved;
use guard_store::manifest::Part;
use guard_store::writer::Writer;

pub use kept::KeptState;
pub use place::StatePlace;

use place::pull;
use statefile::head;

/// A state that a command rewrites.
#[derive(Clone, Debug)]
pub struct StateWish {
    /// Where it is.
    pub place: StatePlace,
    /// The command only rewrites the state: putting the old one back brings back all that it took.
    pub alone: bool,
    /// The plan that will be applied.
    pub plan: Option<memfd::MemoryFile>,
    /// The file that becomes the state.
    pub pushed: Option<PathBuf>,
}

impl Wish for StateWish {
    fn save(&self, saving: &Saving<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        let kept = save(self, saving, writer)?;
        kept.iter().map(Part::new).collect()
    }
}

/// A state in a backup.
pub fn revive(part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
    let kept = part.read::<KeptState>()?;
    Some(kept.map(|kept| Box::new(kept) as Box<dyn Kept>))
}

/// Saves the state. `None` where there is none.
///
/// # Errors
/// When terraform does not give it in time, or it is too much.
pub fn save(
    state: &StateWish,
    saving: &Saving<'_>,
    writer: &Writer,
) -> Result<Option<KeptState>, Unsaved> {
    let probe = state.place.probe(saving.context, writer.deadline())?;
    let Some(text) = pull(&probe)? else {
        return Ok(None);
    };
    let mut kept = KeptState::of(&state.place, &text, writer)?;
    kept.alone = state.alone;
    if !state.alone {
        writer.pass_over("the resources that it destroys or changes, and their data".to_owned());
    }
    if let Some(file) = &state.pushed {
        let text = std::fs::read(file)?;
        if head(&text).is_ok() {
            writer.count(1, text.len() as u64)?;
            kept.after = Some(writer.bytes(&text)?);
        }
    }
    if let Some(plan) = &state.plan {
        let mut file = plan.file()?;
        file.seek(SeekFrom::Start(0))?;
        let size = file.metadata()?.len();
        writer.count(1, size)?;
        kept.plan = Some(writer.stream(&mut file, size)?);
    }
    Ok(Some(kept))
}
