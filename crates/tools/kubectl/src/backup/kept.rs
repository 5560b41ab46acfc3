//! Objects in a backup.

use guard_core::kept;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reach::{ClusterPlace, ClusterReach, ObjectName, UNKNOWN_KIND};
use super::{strip, yaml};
use crate::kinds::{EVERYWHERE, LISTING, kinds};
use crate::objects::name as short_name;
use guard_core::kept::{Kept, Undoing};
use guard_core::world::World;
use guard_ground::sanitize;
use guard_store::Unsaved;
use guard_store::aside::{self, AsideFiles};
use guard_store::manifest::{Blob, Part};
use guard_store::reader::BackupReader;
use guard_store::writer::Writer;
use guard_words::Measure;

/// Names that are listed.
const NAMED: usize = 12;
/// A kind that was just defined is served after a moment.
const PATIENCE: Duration = Duration::from_secs(15);

/// Objects of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptObjects {
    /// The cluster.
    pub place: ClusterPlace,
    /// The objects, in an order in which they can be made.
    pub objects: Vec<KeptObject>,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptObject {
    /// Its name.
    pub name: ObjectName,
    /// As it can be made again, in JSON; `None` where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Blob>,
    /// What the command made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Blob>,
}

/// Writes an object.
pub(super) fn write(object: &Value, writer: &Writer) -> Result<Blob, Unsaved> {
    let text = serde_json::to_vec(object).map_err(|error| Unsaved(error.to_string()))?;
    writer.bytes(&text)
}

fn read(blob: Option<&Blob>, reader: &BackupReader) -> Result<Option<Value>, String> {
    blob.map(|blob| {
        serde_json::from_slice(&reader.bytes(blob)?)
            .map_err(|_| "what was saved is no object".to_owned())
    })
    .transpose()
}

/// An object as it was, and as it is.
struct ObjectPair<'a> {
    kept: &'a KeptObject,
    saved: Option<Value>,
    present: Option<Value>,
}

impl ObjectPair<'_> {
    /// Whether it is there as it was.
    fn is_same(&self) -> bool {
        match (&self.saved, &self.present) {
            (None, None) => true,
            (Some(saved), Some(present)) => strip::is_same(saved, present),
            _ => false,
        }
    }
}

impl KeptObjects {
    fn reach<'a>(&self, undoing: &Undoing<'a>) -> Result<ClusterReach<'a>, String> {
        ClusterReach::again(&self.place, undoing.context, kept::deadline())
    }

    fn pairs(
        &self,
        reach: &ClusterReach<'_>,
        reader: &BackupReader,
    ) -> Result<Vec<ObjectPair<'_>>, String> {
        let names: Vec<&ObjectName> = self.objects.iter().map(|object| &object.name).collect();
        let present = reach.present(&names)?;
        self.objects
            .iter()
            .map(|kept| {
                let found = present
                    .iter()
                    .find(|one| ObjectName::of(one).is(&kept.name));
                Ok(ObjectPair {
                    kept,
                    saved: read(kept.content.as_ref(), reader)?,
                    present: found.cloned(),
                })
            })
            .collect()
    }

    /// The files of `--into`: numbered, so that `kubectl apply -f DIR` makes them in their order.
    fn files(&self, reader: &BackupReader) -> Result<AsideFiles, String> {
        let mut files = Vec::new();
        for (number, object) in self.objects.iter().enumerate() {
            let Some(saved) = read(object.content.as_ref(), reader)? else {
                continue;
            };
            let name = &object.name;
            let file = format!(
                "{:04}-{}-{}{}{}.yaml",
                number + 1,
                name.kind.to_ascii_lowercase(),
                name.namespace,
                if name.namespace.is_empty() { "" } else { "-" },
                name.name
            );
            files.push((file, yaml::document(&saved).into_bytes()));
        }
        Ok(files)
    }

    /// What stands in a place that was empty before and would go with its owner, besides what the backup
    /// knows.
    fn strangers(
        &self,
        reach: &ClusterReach<'_>,
        pair: &ObjectPair<'_>,
    ) -> Result<Vec<String>, String> {
        let name = &pair.kept.name.name;
        let objects = match pair.kept.name.kind.as_str() {
            "Namespace" => {
                let kinds = kinds(&reach.content(&LISTING)?.output);
                let words = [kinds.join(","), format!("--namespace={name}")];
                complete(reach.get(&words)?)?
            }
            "CustomResourceDefinition" => complete(reach.get(&[name, "--all-namespaces"])?)?,
            _ => return Ok(Vec::new()),
        };
        let is_strange = |object: &&Value| {
            let is_known = self
                .objects
                .iter()
                .any(|known| known.name.is(&ObjectName::of(object)));
            !is_known
                && strip::fate(object) != strip::ObjectFate::MadeAgain
                && !EVERYWHERE.contains(&short_name(object).as_str())
        };
        let strangers = objects.iter().filter(is_strange);
        Ok(strangers
            .map(|object| format!("{} was made since", ObjectName::of(object).shown()))
            .collect())
    }

    /// One round of making what is missing; what kubectl said against it.
    fn make(&self, reach: &ClusterReach<'_>, undoing: &Undoing<'_>) -> Result<(), String> {
        let pairs = self.pairs(reach, undoing.reader)?;
        let is_first = |pair: &&ObjectPair<'_>| strip::order(&pair.kept.name.kind) <= 1;
        let missing = |pair: &&ObjectPair<'_>| pair.saved.is_some() && pair.present.is_none();
        let words = ["create", "--validate=false"];
        // Kinds have to be known before there are objects of them.
        for first in [true, false] {
            let objects: Vec<Value> = pairs
                .iter()
                .filter(|pair| missing(pair) && is_first(pair) == first)
                .filter_map(|pair| pair.saved.clone())
                .collect();
            if !objects.is_empty() {
                reach.with_objects(&words, objects.into_iter())?;
            }
        }
        let changed: Vec<Value> = pairs
            .iter()
            .filter(|pair| !pair.is_same())
            .filter_map(|pair| {
                let (saved, present) = (pair.saved.as_ref()?, pair.present.as_ref()?);
                Some(strip::onto(saved, present))
            })
            .collect();
        if !changed.is_empty() {
            let words = ["replace", "--validate=false"];
            reach.with_objects(&words, changed.into_iter())?;
        }
        let gone: Vec<&ObjectName> = pairs
            .iter()
            .rev()
            .filter(|pair| pair.saved.is_none() && pair.present.is_some())
            .map(|pair| &pair.kept.name)
            .collect();
        if !gone.is_empty() {
            reach.delete(gone.into_iter())?;
        }
        Ok(())
    }
}

/// All of it, or nothing that can be relied on.
fn complete((objects, all): (Vec<Value>, bool)) -> Result<Vec<Value>, String> {
    if all {
        Ok(objects)
    } else {
        Err("kubectl does not show all objects that are there".to_owned())
    }
}

impl Kept for KeptObjects {
    fn lines(&self) -> Vec<String> {
        let there: Vec<&KeptObject> = self
            .objects
            .iter()
            .filter(|object| object.content.is_some())
            .collect();
        let gone = self.objects.len() - there.len();
        let mut sums: BTreeMap<String, usize> = BTreeMap::new();
        for object in &there {
            *sums
                .entry(object.name.kind.to_ascii_lowercase())
                .or_default() += 1;
        }
        let kinds: Vec<String> = sums
            .iter()
            .map(|(kind, count)| format!("{count} {}", sanitize::text(kind)))
            .collect();
        let mut lines = vec![format!(
            "{} in {}: {}",
            Measure::Objects.count(there.len() as u64),
            self.place.shown(),
            kinds.join(", ")
        )];
        lines.extend(
            there
                .iter()
                .take(NAMED)
                .map(|object| format!("  {}", object.name.shown())),
        );
        if there.len() > NAMED {
            lines.push("  …".to_owned());
        }
        if gone > 0 {
            lines.push(format!(
                "{} that were not there go",
                Measure::Objects.count(gone as u64)
            ));
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
        let reach = self.reach(undoing)?;
        let earlier = EarlierObjects::of(undoing);
        let mut found = Vec::new();
        for pair in self.pairs(&reach, undoing.reader)? {
            let Some(present) = &pair.present else {
                continue;
            };
            if pair.is_same() {
                continue;
            }
            let after = read(pair.kept.after.as_ref(), undoing.reader)?;
            let expected = after.is_some_and(|after| strip::is_same(&after, present))
                || earlier.as_ref().is_some_and(|earlier| earlier.has(present));
            if !expected {
                found.push(format!(
                    "{} was made or changed since",
                    pair.kept.name.shown()
                ));
            } else if pair.saved.is_none() {
                found.extend(self.strangers(&reach, &pair)?);
            }
        }
        Ok(found)
    }

    fn save_now(&self, undoing: &Undoing<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        let reach = self.reach(undoing)?;
        let mut objects = Vec::new();
        for pair in self.pairs(&reach, undoing.reader)? {
            let content = pair
                .present
                .as_ref()
                .map(|present| {
                    let none = std::collections::HashSet::new();
                    write(&strip::stripped(present, &none), writer)
                })
                .transpose()?;
            if let Some(content) = &content {
                writer.count(1, content.size)?;
            }
            objects.push(KeptObject {
                name: pair.kept.name.clone(),
                content,
                after: None,
            });
        }
        let now = Self {
            place: self.place.clone(),
            objects,
        };
        Ok(vec![Part::new(&now)?])
    }

    fn restore(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if let Some(into) = undoing.into {
            aside::write(into, &self.files(undoing.reader)?)?;
            return Ok(Vec::new());
        }
        let reach = self.reach(undoing)?;
        let end = Instant::now() + PATIENCE;
        loop {
            match self.make(&reach, undoing) {
                Ok(()) => return Ok(Vec::new()),
                Err(why) => {
                    let may_pass = UNKNOWN_KIND.iter().any(|unknown| why.contains(unknown))
                        || why.contains("(AlreadyExists)");
                    if !may_pass || Instant::now() > end {
                        return Err(why);
                    }
                    std::thread::sleep(Duration::from_millis(300));
                }
            }
        }
    }

    fn differences(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if let Some(into) = undoing.into {
            return Ok(aside::differences(into, &self.files(undoing.reader)?));
        }
        let reach = self.reach(undoing)?;
        let mut found = Vec::new();
        for pair in self.pairs(&reach, undoing.reader)? {
            let name = pair.kept.name.shown();
            match (&pair.saved, &pair.present) {
                (None, None) => {}
                (None, Some(_)) => found.push(format!("{name}: it is still there")),
                (Some(_), None) => found.push(format!("{name}: it is not there")),
                (Some(saved), Some(present)) => {
                    if let Some(path) = strip::first_missing(saved, present) {
                        let path = sanitize::text(&path);
                        found.push(format!("{name}: {path} is not what was saved"));
                    }
                }
            }
        }
        Ok(found)
    }

    fn drill(&self, undoing: &Undoing<'_>, scratch: &Path) -> Result<Vec<String>, String> {
        let files = self.files(undoing.reader)?;
        aside::write(scratch, &files)?;
        if let Some(first) = aside::differences(scratch, &files).first() {
            return Err(first.clone());
        }
        for object in &self.objects {
            let saved = read(object.content.as_ref(), undoing.reader)?;
            if saved.is_some_and(|saved| !ObjectName::of(&saved).is(&object.name)) {
                return Err(format!("{}: another object was saved", object.name.shown()));
            }
        }
        let all = Measure::Objects.count(files.len() as u64);
        let mut lines = vec![format!("{all} written as files and compared")];
        lines.push(match self.rehearse(undoing) {
            Ok((taken, untried)) => format!(
                "the cluster's dry run takes {taken} of them{}",
                match untried {
                    0 => String::new(),
                    more => format!("; {more} could not be tried: what holds them is not there"),
                }
            ),
            Err(Rehearsal::Refused(why)) => return Err(why),
            Err(Rehearsal::Unreachable(why)) => format!("the cluster was not asked: {why}"),
        });
        Ok(lines)
    }

    fn contents(&self) -> Vec<(String, &Blob)> {
        let mut all = Vec::new();
        for object in &self.objects {
            let name = object.name.shown();
            all.extend(object.content.as_ref().map(|blob| (name.clone(), blob)));
            let after = object.after.as_ref();
            all.extend(after.map(|blob| (format!("{name}, as the command left it"), blob)));
        }
        all
    }
}

/// Why a dry run did not succeed.
enum Rehearsal {
    /// The cluster does not take an object.
    Refused(String),
    /// It did not answer.
    Unreachable(String),
}

impl KeptObjects {
    /// Has the server try what is missing; how many it takes, and how many could not be tried.
    fn rehearse(&self, undoing: &Undoing<'_>) -> Result<(usize, usize), Rehearsal> {
        let reach = self.reach(undoing).map_err(Rehearsal::Unreachable)?;
        let pairs = self
            .pairs(&reach, undoing.reader)
            .map_err(Rehearsal::Unreachable)?;
        let (mut taken, mut untried) = (0, 0);
        for pair in pairs {
            let Some(saved) = pair.saved.clone() else {
                continue;
            };
            let verb = if pair.present.is_some() {
                "replace"
            } else {
                "create"
            };
            let words = [verb, "--dry-run=server", "--validate=false"];
            match reach.with_objects(&words, std::iter::once(saved)) {
                Ok(()) => taken += 1,
                // Its namespace or its kind would come first.
                Err(why)
                    if why.contains("not found")
                        || UNKNOWN_KIND.iter().any(|unknown| why.contains(unknown)) =>
                {
                    untried += 1;
                }
                Err(why) if why.contains("(Forbidden)") => untried += 1,
                Err(why) => {
                    let name = pair.kept.name.shown();
                    return Err(Rehearsal::Refused(format!("{name}: {why}")));
                }
            }
        }
        Ok((taken, untried))
    }
}

/// The backup that this one takes back: what it brought back may be replaced.
struct EarlierObjects(Vec<Value>);

impl EarlierObjects {
    fn of(undoing: &Undoing<'_>) -> Option<Self> {
        let reader = undoing.earlier().ok()??;
        let mut all = Vec::new();
        for kept in reader.manifest().parts_of::<KeptObjects>() {
            for object in &kept.objects {
                all.extend(read(object.content.as_ref(), &reader).ok().flatten());
            }
        }
        Some(Self(all))
    }

    fn has(&self, present: &Value) -> bool {
        let name = ObjectName::of(present);
        self.0
            .iter()
            .any(|saved| ObjectName::of(saved).is(&name) && strip::is_same(saved, present))
    }
}
