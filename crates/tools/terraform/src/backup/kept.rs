//! A state in a backup: what is told of it, and how it comes back.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::place::{StatePlace, pull};
use super::statefile::{addresses, head, renumbered};
use crate::complaint::complaint;
use guard_core::kept::{self, Kept, Undoing};
use guard_core::world::World;
use guard_ground::{memfd, sanitize};
use guard_store::Unsaved;
use guard_store::aside::{self, AsideFiles};
use guard_store::manifest::{Blob, Body, Part};
use guard_store::reader::BackupReader;
use guard_store::writer::Writer;
use guard_words::Measure;

/// Addresses that are listed.
const NAMED: usize = 12;

/// A state in a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptState {
    /// Where it was.
    pub place: StatePlace,
    /// The state, as terraform writes it; `None` where there was none.
    pub content: Option<Blob>,
    /// Which line of states it belongs to.
    pub lineage: String,
    /// Its number in that line.
    pub serial: u64,
    /// How many resources it holds.
    pub resources: u64,
    /// The first of their addresses.
    pub addresses: Vec<String>,
    /// Whether the command rewrote nothing but the state.
    pub alone: bool,
    /// The plan that was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Blob>,
    /// The state that the command put in its place, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Blob>,
}

impl Body for KeptState {
    const KIND: &'static str = "terraform";
}

impl KeptState {
    pub(super) fn of(place: &StatePlace, text: &[u8], writer: &Writer) -> Result<Self, Unsaved> {
        let head = head(text)?;
        let all = addresses(&head.held);
        writer.count(1, text.len() as u64)?;
        Ok(Self {
            place: place.clone(),
            content: Some(writer.bytes(text)?),
            lineage: head.lineage,
            serial: head.serial,
            resources: all.len() as u64,
            addresses: all.into_iter().take(NAMED).collect(),
            alone: true,
            plan: None,
            after: None,
        })
    }

    /// What may stand there now: what the command, or the undo that this takes back, is known to have
    /// left. `None` where that is not known.
    fn expected(&self, undoing: &Undoing<'_>) -> Result<Option<Value>, String> {
        if let Some(blob) = &self.after {
            return Ok(Some(head(&undoing.reader.bytes(blob)?)?.held));
        }
        let Some(reader) = undoing.earlier()? else {
            return Ok(None);
        };
        for earlier in reader.manifest().parts_of::<Self>() {
            if earlier.place == self.place
                && let Some(blob) = &earlier.content
            {
                return Ok(Some(head(&reader.bytes(blob)?)?.held));
            }
        }
        Ok(None)
    }

    fn text(&self, reader: &BackupReader) -> Result<Vec<u8>, String> {
        match &self.content {
            Some(blob) => reader.bytes(blob),
            None => Err("there was no state".to_owned()),
        }
    }

    fn files(&self, reader: &BackupReader) -> Result<AsideFiles, String> {
        let mut files = Vec::new();
        if let Some(blob) = &self.content {
            files.push(("terraform.tfstate".to_owned(), reader.bytes(blob)?));
        }
        if let Some(blob) = &self.plan {
            files.push(("plan.tfplan".to_owned(), reader.bytes(blob)?));
        }
        Ok(files)
    }

    /// Why it is not pushed.
    fn hindrance(&self) -> Option<&'static str> {
        if !self.alone {
            return Some(
                "what terraform did to real things is not undone by their old state, and would only be hidden by it. \
                 Write the state from before, and the plan, for reading with --into DIR; terraform apply makes anew \
                 what the configuration names, without its data",
            );
        }
        self.content.is_none().then_some(
            "there was no state before: terraform workspace delete, or terraform state rm, takes what is there now",
        )
    }
}

impl Kept for KeptState {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "the state of {}: {}, serial {}",
            self.place.shown(),
            Measure::Resources.count(self.resources),
            self.serial
        )];
        lines.extend(
            self.addresses
                .iter()
                .map(|address| format!("  {}", sanitize::cut(&sanitize::text(address), 160))),
        );
        if self.resources > self.addresses.len() as u64 {
            lines.push("  …".to_owned());
        }
        if self.plan.is_some() {
            lines.push("the plan that was applied".to_owned());
        }
        if !self.alone {
            lines.push(
                "only written into files (--into DIR): the resources do not come back".to_owned(),
            );
        }
        lines
    }

    fn is_outside(&self, _world: &World) -> bool {
        true
    }

    fn conflicts(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if let Some(into) = undoing.into {
            return Ok(aside::conflicts(into, &self.files(undoing.reader)?));
        }
        if let Some(why) = self.hindrance() {
            return Err(why.to_owned());
        }
        let saved = head(&self.text(undoing.reader)?)?;
        let probe = self.place.probe(undoing.context, kept::deadline())?;
        let Some(now) = pull(&probe)? else {
            return Ok(Vec::new());
        };
        let now = head(&now)?;
        let place = self.place.shown();
        // Every write of a state counts it up: where it is not known what the command left, its own
        // write was the first one.
        Ok(
            if now.held == saved.held || self.expected(undoing)? == Some(now.held) {
                Vec::new()
            } else if now.lineage != saved.lineage {
                vec![format!(
                    "the state of {place} is another one by now, of another lineage"
                )]
            } else if now.serial > saved.serial.saturating_add(1) {
                vec![format!(
                    "the state of {place} was changed since: it is at serial {}, the command left it at {}",
                    now.serial,
                    saved.serial.saturating_add(1)
                )]
            } else {
                Vec::new()
            },
        )
    }

    fn save_now(&self, undoing: &Undoing<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        let probe = self.place.probe(undoing.context, kept::deadline())?;
        let part = match pull(&probe)? {
            Some(text) => Self::of(&self.place, &text, writer)?,
            None => Self {
                place: self.place.clone(),
                alone: true,
                ..Self::default()
            },
        };
        Ok(vec![Part::new(&part)?])
    }

    fn restore(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if let Some(into) = undoing.into {
            aside::write(into, &self.files(undoing.reader)?)?;
            return Ok(Vec::new());
        }
        if let Some(why) = self.hindrance() {
            return Err(why.to_owned());
        }
        let text = self.text(undoing.reader)?;
        let saved = head(&text)?;
        let probe = self.place.probe(undoing.context, kept::deadline())?;
        let now = pull(&probe)?.map(|now| head(&now)).transpose()?;
        let other = now.as_ref().is_some_and(|now| now.lineage != saved.lineage);
        let serial = now.map_or(saved.serial, |now| now.serial.max(saved.serial));
        let text = renumbered(&text, serial.saturating_add(1))?;
        let file = memfd::MemoryFile::new("guard-state")
            .and_then(|kept| kept.file()?.write_all(&text).map(|()| kept))
            .map_err(|error| format!("no file for terraform: {error}"))?;
        let mut words: Vec<OsString> = ["state", "push"].map(Into::into).to_vec();
        if other {
            // A person was told that it is another one, and said to write over it.
            words.push("-force".into());
        }
        words.push(file.path().into());
        let answer = probe.run(&words).map_err(|failure| failure.to_string())?;
        if answer.success {
            Ok(Vec::new())
        } else {
            Err(complaint(&answer))
        }
    }

    fn differences(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if let Some(into) = undoing.into {
            return Ok(aside::differences(into, &self.files(undoing.reader)?));
        }
        let saved = head(&self.text(undoing.reader)?)?;
        let probe = self.place.probe(undoing.context, kept::deadline())?;
        let same = match pull(&probe)? {
            Some(now) => head(&now)?.held == saved.held,
            None => false,
        };
        Ok(if same {
            Vec::new()
        } else {
            vec![format!(
                "the state of {} is not what was saved",
                self.place.shown()
            )]
        })
    }

    fn drill(&self, undoing: &Undoing<'_>, scratch: &Path) -> Result<Vec<String>, String> {
        let files = self.files(undoing.reader)?;
        aside::write(scratch, &files)?;
        if let Some(first) = aside::differences(scratch, &files).first() {
            return Err(first.clone());
        }
        let Some(blob) = &self.content else {
            return Ok(vec!["there was no state".to_owned()]);
        };
        let text = undoing.reader.bytes(blob)?;
        let saved = head(&text)?;
        if saved.lineage != self.lineage || saved.serial != self.serial {
            return Err("another state was saved than the backup says".to_owned());
        }
        renumbered(&text, saved.serial.saturating_add(1))?;
        let mut lines = vec![format!(
            "a state with {} written into a file and compared",
            Measure::Resources.count(self.resources)
        )];
        lines.push(match self.shows(undoing, scratch) {
            Ok(()) => "terraform reads it".to_owned(),
            Err(why) => format!("terraform was not asked to read it: {why}"),
        });
        Ok(lines)
    }

    fn contents(&self) -> Vec<(String, &Blob)> {
        let state = self.content.as_ref();
        let plan = self.plan.as_ref();
        let state = state.map(|blob| (format!("the state of {}", self.place.shown()), blob));
        let plan = plan.map(|blob| ("the plan that was applied".to_owned(), blob));
        let after = self.after.as_ref();
        let after = after.map(|blob| ("the state that was put in its place".to_owned(), blob));
        state.into_iter().chain(plan).chain(after).collect()
    }
}

impl KeptState {
    /// Has terraform read what was written into the scratch place.
    fn shows(&self, undoing: &Undoing<'_>, scratch: &Path) -> Result<(), String> {
        let probe = self.place.probe(undoing.context, kept::deadline())?;
        let mut words: Vec<OsString> = ["show", "-json", "-no-color"].map(Into::into).to_vec();
        words.push(scratch.join("terraform.tfstate").into());
        let answer = probe.run(&words).map_err(|failure| failure.to_string())?;
        if answer.success {
            Ok(())
        } else {
            Err(complaint(&answer))
        }
    }
}
