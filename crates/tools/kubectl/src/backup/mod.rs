//! Objects of a cluster: what is saved before they go or change, and how they come back.
//!
//! They are read by `kubectl get` in the command's own scope, when it is settled that the command runs, and
//! kept as they can be made again. What their owners make again is left out. The data of volumes cannot be
//! saved.

mod kept;
mod reach;
mod strip;
mod yaml;

use guard_core::kept::Kept;
use guard_core::wish::Wish;
use guard_store::manifest::{Body, Part};
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::Value;

use crate::kinds::{EVERYWHERE, LISTING, kinds};
use crate::objects::{list, name as short_name, text};
use guard_core::invocation::Invocation;
use guard_core::wish::Saving;
use guard_ground::bytes::Bytes;
use guard_store::Unsaved;
use guard_store::writer::Writer;

pub use kept::{KeptObject, KeptObjects};
use reach::ClusterReach;
pub use reach::{ClusterPlace, ObjectName};
use strip::ObjectFate;

/// Options that lead to a cluster and are no secrets.
const STORED: [&str; 11] = [
    "as",
    "as-group",
    "as-uid",
    "certificate-authority",
    "client-certificate",
    "client-key",
    "cluster",
    "insecure-skip-tls-verify",
    "kubeconfig",
    "tls-server-name",
    "user",
];
/// Options that are secrets: they lead to the cluster now and are not kept.
const SECRET: [&str; 3] = ["password", "token", "username"];

/// Objects that go or change.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// Where the command runs.
    pub directory: PathBuf,
    /// Options that say where it goes, secrets among them.
    pub scope: Vec<OsString>,
    /// Those of them that are kept.
    pub stored: Vec<OsString>,
    /// Options that are not kept, by name.
    pub secrets: Vec<String>,
    /// The objects.
    pub targets: Vec<DoomedObject>,
    /// Namespaces with all that is in them.
    pub namespaces: Vec<String>,
    /// Kinds of which every object goes.
    pub definitions: Vec<String>,
}

/// One object.
#[derive(Clone, Debug)]
pub struct DoomedObject {
    /// Which.
    pub name: ObjectName,
    /// What the command makes of it, where that is known: it may be replaced again.
    pub after: Option<Value>,
}

impl Objects {
    /// These objects, and what goes with them.
    pub fn of(objects: &[Value]) -> Self {
        let mut all = Self::default();
        for object in objects {
            all.add(object, None);
        }
        all
    }

    /// Adds an object; `after` is what the command makes of it.
    pub fn add(&mut self, object: &Value, after: Option<Value>) {
        let name = ObjectName::of(object);
        if name.api_version.is_empty() || name.kind.is_empty() || name.name.is_empty() {
            return;
        }
        self.targets.push(DoomedObject { name, after });
    }

    /// Adds what these objects hold: all that is in a namespace, all objects of a kind.
    #[must_use]
    pub fn with_contents(mut self, objects: &[Value]) -> Self {
        for object in objects {
            let name = text(object, "/metadata/name").to_owned();
            match text(object, "/kind") {
                "Namespace" => self.namespaces.push(name),
                "CustomResourceDefinition" => self.definitions.push(name),
                _ => {}
            }
        }
        self
    }

    /// Says where they are: as the command says it, without its namespace, for each object has its own.
    pub fn found_by(&mut self, invocation: &Invocation, directory: PathBuf) {
        self.directory = directory;
        for flag in &invocation.flags {
            let long = flag.long.as_ref();
            let context = matches!(long, "context" | "server");
            if !(context || STORED.contains(&long) || SECRET.contains(&long)) {
                continue;
            }
            let mut word = OsString::from(format!("--{long}"));
            if let Some(value) = &flag.value {
                word.push("=");
                word.push(value);
            }
            let value = flag.value.as_deref().unwrap_or_default().to_string_lossy();
            if SECRET.contains(&long) || guard_ground::mask::mask(&value) != value {
                self.secrets.push(format!("--{long}"));
            } else {
                self.stored.push(word.clone());
            }
            self.scope.push(word);
        }
    }
}

/// Whether the objects themselves are all that is lost: no data behind them, nothing that ran.
pub fn is_all(object: &Value) -> bool {
    !matches!(
        text(object, "/kind"),
        "PersistentVolumeClaim" | "PersistentVolume" | "Pod" | "Job" | "Node"
    )
}

impl Body for KeptObjects {
    const KIND: &'static str = "kubectl";
}

impl Wish for Objects {
    fn save(&self, saving: &Saving<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        let kept = save(self, saving, writer)?;
        kept.iter().map(Part::new).collect()
    }
}

/// Objects of a cluster in a backup.
pub fn revive(part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
    let kept = part.read::<KeptObjects>()?;
    Some(kept.map(|kept| Box::new(kept) as Box<dyn Kept>))
}

/// Saves them.
///
/// # Errors
/// When the cluster does not answer in time, or it is too much.
pub fn save(
    objects: &Objects,
    saving: &Saving<'_>,
    writer: &Writer,
) -> Result<Option<KeptObjects>, Unsaved> {
    let reach = ClusterReach::new(
        &objects.directory,
        saving.context,
        writer.deadline(),
        objects.scope.clone(),
    )?;
    let (context, server) = reach.whither()?;
    let mut found = FoundObjects::default();
    let names: Vec<&ObjectName> = objects.targets.iter().map(|target| &target.name).collect();
    for object in reach.present(&names)? {
        found.add(object);
    }
    for namespace in &objects.namespaces {
        found.all_in(&reach, namespace, writer)?;
    }
    for kind in &objects.definitions {
        let (some, all) = reach.get(&[kind.as_str(), "--all-namespaces"])?;
        if !all {
            writer.pass_over(format!("some objects of kind {kind}, which cannot be read"));
        }
        for object in some {
            found.add(object);
        }
    }
    found.volumes(&reach, writer);
    let mut place = ClusterPlace {
        directory: Bytes::from(objects.directory.clone()),
        kubeconfig: saving.context.value("KUBECONFIG").map(Bytes::from),
        scope: objects.stored.iter().cloned().map(Bytes::from).collect(),
        context,
        server,
    };
    if !place.context.is_empty()
        && !place
            .scope
            .iter()
            .any(|word| word.0.starts_with(b"--context="))
    {
        // The current one may be another one by then.
        place.scope.push(Bytes::from(OsString::from(format!(
            "--context={}",
            place.context
        ))));
    }
    for secret in &objects.secrets {
        writer.pass_over(format!(
            "the option {secret}: bringing it back uses what the kubeconfig says"
        ));
    }
    let kept = found.keep(objects, writer)?;
    Ok((!kept.is_empty()).then_some(KeptObjects {
        place,
        objects: kept,
    }))
}

/// Objects as they are now.
#[derive(Default)]
struct FoundObjects {
    objects: Vec<Value>,
    seen: HashSet<String>,
    /// Names of claims whose volume is kept when they go.
    retained: HashSet<String>,
}

impl FoundObjects {
    fn add(&mut self, object: Value) {
        // One object can be found in several groups.
        let uid = text(&object, "/metadata/uid").to_owned();
        if uid.is_empty() || self.seen.insert(uid) {
            self.objects.push(object);
        }
    }

    /// Everything in a namespace.
    fn all_in(
        &mut self,
        reach: &ClusterReach<'_>,
        namespace: &str,
        writer: &Writer,
    ) -> Result<(), Unsaved> {
        let listed = reach.ask(&LISTING)?;
        let kinds = kinds(&listed.output);
        if kinds.is_empty() {
            return Err(Unsaved(reach::complaint(&listed)));
        }
        let words = [kinds.join(","), format!("--namespace={namespace}")];
        let (some, all) = reach.get(&words)?;
        if !(all && listed.success) {
            writer.pass_over(format!(
                "some objects in namespace {namespace}, which cannot be read"
            ));
        }
        for object in some {
            if !EVERYWHERE.contains(&short_name(&object).as_str()) {
                self.add(object);
            }
        }
        Ok(())
    }

    /// Says of volumes that their data are not saved, and finds out which of them stay.
    fn volumes(&mut self, reach: &ClusterReach<'_>, writer: &Writer) {
        for object in &self.objects {
            match text(object, "/kind") {
                "PersistentVolumeClaim" => {
                    let volume = text(object, "/spec/volumeName");
                    if volume.is_empty() {
                        continue;
                    }
                    let volumes = reach.get(&["pv", volume]).unwrap_or_default().0;
                    let policy = volumes.first().map_or("", |volume| {
                        text(volume, "/spec/persistentVolumeReclaimPolicy")
                    });
                    if policy == "Retain" {
                        self.retained.insert(ObjectName::of(object).shown());
                    }
                    let size = text(object, "/status/capacity/storage");
                    writer.pass_over(format!(
                        "the data of {} ({}), which {}",
                        ObjectName::of(object).shown(),
                        if size.is_empty() {
                            "size unknown"
                        } else {
                            size
                        },
                        if policy == "Retain" {
                            "stay in the volume: bind it again by clearing its claimRef"
                        } else {
                            "go with the volume"
                        }
                    ));
                }
                "PersistentVolume" => {
                    writer.pass_over(format!("the data of {}", ObjectName::of(object).shown()));
                }
                _ => {}
            }
        }
    }

    /// Writes what cannot be made again otherwise.
    fn keep(self, wanted: &Objects, writer: &Writer) -> Result<Vec<KeptObject>, Unsaved> {
        let gone: HashSet<String> = self
            .objects
            .iter()
            .map(|object| text(object, "/metadata/uid").to_owned())
            .filter(|uid| !uid.is_empty())
            .collect();
        let mut left: BTreeMap<(&str, String), u64> = BTreeMap::new();
        let mut kept = Vec::new();
        for object in &self.objects {
            let kind = text(object, "/kind").to_ascii_lowercase();
            match strip::fate(object) {
                ObjectFate::Saved => {}
                ObjectFate::MadeAgain => {
                    *left
                        .entry(("made again by their owners", kind))
                        .or_default() += 1;
                    continue;
                }
                ObjectFate::Ended => {
                    *left.entry(("that had run to their end", kind)).or_default() += 1;
                    continue;
                }
            }
            let name = ObjectName::of(object);
            let after = wanted
                .targets
                .iter()
                .find(|target| target.name.is(&name))
                .and_then(|target| target.after.as_ref());
            // What only changes keeps its uid, and what it owns.
            let none = HashSet::new();
            let gone = if after.is_some() { &none } else { &gone };
            warn(object, gone, writer);
            let mut fresh = strip::stripped(object, gone);
            if name.kind == "PersistentVolumeClaim"
                && !self.retained.contains(&name.shown())
                && let Some(spec) = fresh.get_mut("spec").and_then(Value::as_object_mut)
            {
                spec.remove("volumeName");
            }
            let content = kept::write(&fresh, writer)?;
            let after = after
                .map(|after| kept::write(&strip::stripped(after, gone), writer))
                .transpose()?;
            writer.count(1, content.size)?;
            kept.push(KeptObject {
                name,
                content: Some(content),
                after,
            });
        }
        for ((why, kind), count) in left {
            writer.pass_over(format!("{count} {kind} {why}"));
        }
        kept.sort_by_key(|object| strip::order(&object.name.kind));
        Ok(kept)
    }
}

/// Says what will not be quite as it was.
fn warn(object: &Value, gone: &HashSet<String>, writer: &Writer) {
    let name = ObjectName::of(object).shown();
    match text(object, "/kind") {
        "Job" => writer.pass_over(format!("how far {name} has come: it comes back suspended")),
        "Pod" => writer.pass_over(format!("what runs in {name}")),
        "Secret" if text(object, "/type") == "kubernetes.io/service-account-token" => {
            writer.pass_over(format!("the token in {name}: it gets another one"));
        }
        _ => {}
    }
    let owner = list(object, "/metadata/ownerReferences")
        .iter()
        .find(|owner| gone.contains(text(owner, "/uid")));
    if let Some(owner) = owner {
        writer.pass_over(format!(
            "that {name} belongs to {}/{}",
            text(owner, "/kind").to_ascii_lowercase(),
            text(owner, "/name")
        ));
    }
}
