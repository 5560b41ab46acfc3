//! The cluster that objects come from, and asking it.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::objects::{read, text};
use guard_core::context::Context;
use guard_core::probe::{Probe, ToolAnswer};
use guard_ground::bytes::Bytes;
use guard_ground::memfd::MemoryFile;
use guard_ground::sanitize;

/// What kubectl says of a kind that the cluster does not know, or not yet.
pub(super) const UNKNOWN_KIND: [&str; 3] = [
    "no matches for kind",
    "could not find the requested resource",
    "doesn't have a resource type",
];

/// An object by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectName {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// Its namespace; empty where it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectName {
    /// The name of an object.
    pub fn of(object: &Value) -> Self {
        Self {
            api_version: text(object, "/apiVersion").to_owned(),
            kind: text(object, "/kind").to_owned(),
            namespace: text(object, "/metadata/namespace").to_owned(),
            name: text(object, "/metadata/name").to_owned(),
        }
    }

    /// Whether both name the same object, in whatever version of its group.
    pub fn is(&self, other: &Self) -> bool {
        let group = |version: &str| version.split_once('/').map(|(group, _)| group.to_owned());
        self.kind == other.kind
            && self.name == other.name
            && self.namespace == other.namespace
            && group(&self.api_version) == group(&other.api_version)
    }

    /// `prod/deployment/web`; sanitised.
    pub fn shown(&self) -> String {
        let kind = self.kind.to_ascii_lowercase();
        let name = if self.namespace.is_empty() {
            format!("{kind}/{}", self.name)
        } else {
            format!("{kind}/{} in {}", self.name, self.namespace)
        };
        sanitize::cut(&sanitize::text(&name), 160)
    }

    /// So much of the object that kubectl finds it.
    fn stub(&self) -> Value {
        let mut metadata = json!({"name": self.name});
        if let Some(map) = metadata.as_object_mut()
            && !self.namespace.is_empty()
        {
            map.insert("namespace".to_owned(), self.namespace.clone().into());
        }
        json!({"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata})
    }
}

/// What leads to a cluster again. Tokens and passwords of a command line are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterPlace {
    /// The directory that the command ran in: paths of the kubeconfig can be relative to it.
    pub directory: Bytes,
    /// The variable KUBECONFIG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<Bytes>,
    /// The options that say where it goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<Bytes>,
    /// The context, by name.
    pub context: String,
    /// The server that this context led to.
    pub server: String,
}

impl ClusterPlace {
    /// For a screen.
    pub fn shown(&self) -> String {
        let shown = |name: &str| guard_ground::mask::mask(&sanitize::text(name));
        match (self.context.is_empty(), self.server.is_empty()) {
            (false, false) => format!("context {} ({})", shown(&self.context), shown(&self.server)),
            (false, true) => format!("context {}", shown(&self.context)),
            _ => shown(&self.server),
        }
    }
}

/// kubectl, pointed at one cluster.
pub(super) struct ClusterReach<'a> {
    probe: Probe<'a>,
    scope: Vec<OsString>,
}

impl<'a> ClusterReach<'a> {
    /// With these options, in this directory.
    ///
    /// # Errors
    /// When there is no kubectl.
    pub(super) fn new(
        directory: &Path,
        context: &'a Context,
        deadline: Instant,
        scope: Vec<OsString>,
    ) -> Result<Self, String> {
        let probe = Probe::new("kubectl", directory, context, deadline)
            .map_err(|failure| failure.to_string())?;
        Ok(Self { probe, scope })
    }

    /// To the place that a backup names; refused where its context leads elsewhere by now.
    ///
    /// # Errors
    /// When it cannot be reached, or is another one.
    pub(super) fn again(
        place: &ClusterPlace,
        context: &'a Context,
        deadline: Instant,
    ) -> Result<Self, String> {
        let mut directory = PathBuf::from(place.directory.os());
        if !directory.is_dir() {
            directory = context.directory.clone().unwrap_or_else(|| "/".into());
        }
        let scope = place
            .scope
            .iter()
            .map(|word| word.os().to_owned())
            .collect();
        let mut reach = Self::new(&directory, context, deadline, scope)?;
        reach.probe = match &place.kubeconfig {
            Some(files) => reach
                .probe
                .variable("KUBECONFIG", &files.os().to_string_lossy()),
            None => reach.probe.without(&["KUBECONFIG"]),
        };
        let (_, server) = reach.whither()?;
        if server != place.server {
            return Err(format!(
                "the backup is of {}, which now leads to {}",
                place.shown(),
                guard_ground::mask::mask(&sanitize::text(&server))
            ));
        }
        Ok(reach)
    }

    /// Context and server, as kubectl understands its configuration.
    ///
    /// # Errors
    /// When it does not say.
    pub(super) fn whither(&self) -> Result<(String, String), String> {
        let answer = self.content(&["config", "view", "--minify", "--output=json"])?;
        let view: Value = serde_json::from_slice(&answer.output)
            .map_err(|_| "kubectl did not print its configuration".to_owned())?;
        let given = self.scope.iter().find_map(|word| {
            let word = word.to_str()?;
            word.strip_prefix("--server=").map(str::to_owned)
        });
        let server = given.unwrap_or_else(|| text(&view, "/clusters/0/cluster/server").to_owned());
        // What is kept holds no password.
        let server = guard_ground::mask::mask(&server);
        Ok((text(&view, "/current-context").to_owned(), server))
    }

    /// Runs kubectl.
    ///
    /// # Errors
    /// When there is no answer.
    pub(super) fn ask<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<ToolAnswer, String> {
        let mut all = self.scope.clone();
        all.extend(words.iter().map(|word| word.as_ref().to_owned()));
        self.probe.run(&all).map_err(|failure| failure.to_string())
    }

    /// The same; kubectl must be content.
    pub(super) fn content<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<ToolAnswer, String> {
        let answer = self.ask(words)?;
        if answer.success {
            Ok(answer)
        } else {
            Err(complaint(&answer))
        }
    }

    /// `kubectl get` of these words, and whether that is all of it.
    pub(super) fn get<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<(Vec<Value>, bool), String> {
        let mut all: Vec<OsString> = ["get", "--output=json", "--ignore-not-found"]
            .map(Into::into)
            .to_vec();
        all.extend(words.iter().map(|word| word.as_ref().to_owned()));
        let answer = self.ask(&all)?;
        if !answer.success && answer.output.is_empty() {
            return Err(complaint(&answer));
        }
        Ok((read(&answer.output)?, answer.success))
    }

    /// The objects of these names that are there; the rest is not.
    ///
    /// # Errors
    /// When that cannot be told of each of them.
    pub(super) fn present(&self, names: &[&ObjectName]) -> Result<Vec<Value>, String> {
        let mut wanted: Vec<&ObjectName> = names.to_vec();
        loop {
            if wanted.is_empty() {
                return Ok(Vec::new());
            }
            let file = file_of(wanted.iter().map(|name| name.stub()))?;
            let words = [
                "get".to_owned(),
                "--output=json".to_owned(),
                "--ignore-not-found".to_owned(),
                format!("--filename={}", file.path()),
            ];
            let answer = self.ask(&words)?;
            if answer.success {
                return read(&answer.output);
            }
            // Of a kind that is not there, there are no objects.
            let errors = String::from_utf8_lossy(&answer.errors);
            let before = wanted.len();
            wanted.retain(|name| {
                let unknown = format!(
                    "no matches for kind \"{}\" in version \"{}\"",
                    name.kind, name.api_version
                );
                !errors.contains(&unknown)
            });
            if wanted.len() == before {
                return Err(complaint(&answer));
            }
        }
    }

    /// Runs a verb on these objects.
    ///
    /// # Errors
    /// What kubectl says against it.
    pub(super) fn with_objects(
        &self,
        words: &[&str],
        objects: impl Iterator<Item = Value>,
    ) -> Result<(), String> {
        let file = file_of(objects)?;
        let mut all: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        all.push(format!("--filename={}", file.path()));
        self.content(&all).map(drop)
    }

    /// Deletes objects by name.
    ///
    /// # Errors
    /// What kubectl says against it.
    pub(super) fn delete<'n>(
        &self,
        names: impl Iterator<Item = &'n ObjectName>,
    ) -> Result<(), String> {
        let words = [
            "delete",
            "--ignore-not-found",
            "--wait=true",
            "--timeout=60s",
        ];
        self.with_objects(&words, names.map(ObjectName::stub))
    }
}

/// What kubectl says, masked: it can name what an object holds.
pub(super) fn complaint(answer: &ToolAnswer) -> String {
    format!(
        "kubectl says: {}",
        guard_ground::mask::mask(&answer.complaint())
    )
}

/// A list of objects in a file without a name.
fn file_of(objects: impl Iterator<Item = Value>) -> Result<MemoryFile, String> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects.collect::<Vec<_>>()});
    let put = || -> std::io::Result<MemoryFile> {
        let kept = MemoryFile::new("guard-objects")?;
        kept.file()?.write_all(list.to_string().as_bytes())?;
        Ok(kept)
    };
    put().map_err(|error| format!("no file for kubectl: {error}"))
}
