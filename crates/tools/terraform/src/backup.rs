//! terraform's state before a command rewrites it, and how it comes back.
//!
//! What only the state lost (`state rm`, `state mv`, `state push`, a workspace) is brought back by
//! `terraform state push`. What `apply` and `destroy` did to real things nothing brings back: the state from
//! before and the plan are kept for people to read, and never pushed.

use guard_core::kept;
use guard_core::wish::Wish;
use guard_ground::memfd;
use std::ffi::OsString;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::preview::complaint;
use guard_core::context::Context;
use guard_core::kept::{Kept, Undoing};
use guard_core::probe::Probe;
use guard_core::wish::Saving;
use guard_core::world::World;
use guard_ground::bytes::Bytes;
use guard_ground::sanitize;
use guard_store::Unsaved;
use guard_store::aside::{self, AsideFiles};
use guard_store::manifest::{Blob, Body, Part};
use guard_store::reader::BackupReader;
use guard_store::writer::Writer;
use guard_words::Measure;

/// Variables that put arguments into subcommands, write files, or name another place.
const NOT_FOR_STATES: [&str; 8] = [
    "TF_CLI_ARGS",
    "TF_CLI_ARGS_show",
    "TF_CLI_ARGS_state_pull",
    "TF_CLI_ARGS_state_push",
    "TF_DATA_DIR",
    "TF_LOG",
    "TF_LOG_PATH",
    "TF_WORKSPACE",
];
/// Addresses that are listed.
const NAMED: usize = 12;

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

/// Where a state is. No variables with credentials are in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatePlace {
    /// `terraform` or `tofu`.
    pub tool: String,
    /// The directory of the configuration.
    pub directory: Bytes,
    /// The workspace.
    pub workspace: String,
    /// The variable `TF_DATA_DIR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Bytes>,
}

impl StatePlace {
    /// For a screen.
    fn shown(&self) -> String {
        format!(
            "workspace {} of {}",
            sanitize::text(&self.workspace),
            sanitize::path(self.directory.path())
        )
    }

    /// Whether terraform works in this workspace without being told to.
    fn is_selected(&self) -> bool {
        let data = self
            .data
            .as_ref()
            .map_or(Path::new(".terraform"), Bytes::path);
        let file = self.directory.path().join(data).join("environment");
        let selected = std::fs::read_to_string(file).unwrap_or_default();
        let selected = match selected.trim() {
            "" => "default",
            name => name,
        };
        selected == self.workspace
    }

    /// terraform, there.
    fn probe<'a>(&self, context: &'a Context, deadline: Instant) -> Result<Probe<'a>, String> {
        let directory = PathBuf::from(self.directory.os());
        if !directory.is_dir() {
            return Err(format!("{} is not there", sanitize::path(&directory)));
        }
        let mut probe = Probe::new(&self.tool, &directory, context, deadline)
            .map_err(|failure| failure.to_string())?
            .without(&NOT_FOR_STATES)
            .variable("CHECKPOINT_DISABLE", "1")
            .outliving_nobody();
        if let Some(data) = &self.data {
            probe = probe.variable("TF_DATA_DIR", &data.os().to_string_lossy());
        }
        if !self.is_selected() {
            probe = probe.variable("TF_WORKSPACE", &self.workspace);
        }
        Ok(probe)
    }
}

/// The state as it is now; `None` where there is none.
fn pull(probe: &Probe<'_>) -> Result<Option<Vec<u8>>, String> {
    let answer = probe
        .run(&["state", "pull"])
        .map_err(|failure| failure.to_string())?;
    if !answer.success {
        return Err(complaint(&answer));
    }
    Ok((!answer.output.trim_ascii().is_empty()).then_some(answer.output))
}

impl Body for KeptState {
    const KIND: &'static str = "terraform";
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

/// What a state says about itself (statefile version 4).
struct StateHead {
    lineage: String,
    serial: u64,
    /// What it holds, apart from its number and who wrote it.
    held: Value,
}

fn head(text: &[u8]) -> Result<StateHead, String> {
    let unreadable = || "terraform's state is in a form that guard cannot read".to_owned();
    let mut held: Value = serde_json::from_slice(text).map_err(|_| unreadable())?;
    let map = held.as_object_mut().ok_or_else(unreadable)?;
    if map.get("version").and_then(Value::as_u64) != Some(4) {
        return Err(unreadable());
    }
    let serial = map.remove("serial").and_then(|serial| serial.as_u64());
    map.remove("terraform_version");
    let lineage = map.get("lineage").and_then(Value::as_str);
    Ok(StateHead {
        lineage: lineage.ok_or_else(unreadable)?.to_owned(),
        serial: serial.ok_or_else(unreadable)?,
        held,
    })
}

/// The same text with another number. Only the number: what else a value may become when it is read and
/// written again is not for guard to find out.
fn renumbered(text: &[u8], serial: u64) -> Result<Vec<u8>, String> {
    let odd = || "terraform's state is in a form that guard cannot write".to_owned();
    let source = std::str::from_utf8(text).map_err(|_| odd())?;
    let before = head(text)?;
    let mut done = String::with_capacity(source.len() + 8);
    let mut found = false;
    for line in source.split_inclusive('\n') {
        match line.strip_prefix("  \"serial\": ") {
            Some(rest) if !found => {
                found = true;
                let rest = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
                done.push_str("  \"serial\": ");
                done.push_str(&serial.to_string());
                done.push_str(rest);
            }
            _ => done.push_str(line),
        }
    }
    let after = head(done.as_bytes())?;
    if after.serial == serial && after.held == before.held {
        Ok(done.into_bytes())
    } else {
        Err(odd())
    }
}

/// Addresses of managed resources, without indices.
fn addresses(held: &Value) -> Vec<String> {
    let resources = held.get("resources").and_then(Value::as_array);
    let text = |value: &Value, name: &str| {
        let text = value.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let mut all = Vec::new();
    for resource in resources.into_iter().flatten() {
        if text(resource, "mode") != "managed" {
            continue;
        }
        let module = text(resource, "module");
        let dot = if module.is_empty() { "" } else { "." };
        let base = format!(
            "{module}{dot}{}.{}",
            text(resource, "type"),
            text(resource, "name")
        );
        for instance in resource
            .get("instances")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            all.push(match instance.get("index_key") {
                Some(key) => format!("{base}[{key}]"),
                None => base.clone(),
            });
        }
    }
    all
}

impl KeptState {
    fn of(place: &StatePlace, text: &[u8], writer: &Writer) -> Result<Self, Unsaved> {
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

#[cfg(test)]
mod tests;
