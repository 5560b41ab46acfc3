//! What a kubectl command would destroy: the API server's own dry run says which objects, and a look
//! at them what hangs on each.

mod apply;
mod config;
mod contents;
mod delete;
mod lots;
mod nodes;
mod patch;
mod workloads;

use crate::backup::Objects;
use crate::objects;
use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::time::{Duration, Instant};

use serde_json::Value;

use guard_core::context::{Context, Input};
use guard_core::inputs;
use guard_core::invocation::Invocation;
use guard_core::loss::Loss;
use guard_core::naming::typeable;
use guard_core::preview::{Budget, Preview};
use guard_core::probe::{Probe, ToolAnswer};
use guard_ground::memfd::MemoryFile;
use guard_ground::sanitize;

/// Why a loss could not be measured.
type Unmeasured = String;
/// What was measured.
type Measured = Result<Loss, Unmeasured>;

/// Options that choose objects, for `get` too.
const SELECTING: [&str; 6] = [
    "all-namespaces",
    "field-selector",
    "filename",
    "kustomize",
    "recursive",
    "selector",
];

/// What kubectl or the server says when nothing of this kind is done, now or in a moment: there is no
/// such object, it is not allowed, or the command is not well formed. The real command says the same.
const REFUSALS: [&str; 24] = [
    "(NotFound)",
    "(Forbidden)",
    "(MethodNotAllowed)",
    "doesn't have a resource type",
    "no matches for kind",
    "no objects passed to",
    "does not exist",
    "no name was specified",
    "no need to specify a resource type",
    "must provide one or more resources",
    "Must provide",
    "must specify",
    "unknown flag",
    "unknown shorthand flag",
    "invalid argument",
    "flag needs an argument",
    "accepts ",
    "error parsing",
    "is not valid",
    "no rollout history found",
    "unable to find specified revision",
    "cannot delete",
    "is required",
    "could not find any",
];

/// kubectl, where the command runs it.
struct KubectlProbe<'a> {
    invocation: &'a Invocation,
    context: &'a Context,
    probe: Probe<'a>,
    /// What stood on standard input, for `-f -`.
    input: OnceCell<Option<MemoryFile>>,
}

/// Where the command goes.
#[derive(Default)]
struct Destination {
    context: String,
    server: String,
    namespace: String,
}

/// Measures one invocation.
pub(crate) fn measure(invocation: &Invocation, context: &Context, budget: &Budget) -> Preview {
    let unknown = |why: String, loss: Loss| Preview::Unknown(why, loss);
    if let Some(doubt) = invocation.doubts.first() {
        return unknown(doubt.clone(), Loss::default());
    }
    let Some(directory) = context.directory.as_deref() else {
        return unknown(
            "what runs elsewhere cannot be seen from here".to_owned(),
            Loss::default(),
        );
    };
    let probe = match Probe::new(
        invocation.tool.as_str(),
        directory,
        context,
        budget.deadline,
    ) {
        Ok(probe) => probe.telling(budget.progress.as_ref(), "asking the cluster"),
        Err(failure) => return unknown(failure.to_string(), Loss::default()),
    };
    let kubectl = KubectlProbe {
        invocation,
        context,
        probe,
        input: OnceCell::new(),
    };
    let mut facts = Loss::default();
    let measured = kubectl.measured(&mut facts);
    let harmless = matches!(&measured, Ok(loss) if loss.is_none());
    let place = if harmless {
        Destination::default()
    } else {
        kubectl.place(&mut facts)
    };
    match measured {
        Ok(loss) if loss.is_none() => Preview::Exact(Loss::default()),
        Ok(mut loss) => {
            for fact in facts.facts {
                loss.fact(fact);
            }
            kubectl.find_again(&mut loss, directory);
            if loss.phrase.place.is_empty() {
                loss.phrase.place = kubectl.place_words(&place);
            }
            if loss.lots.iter().any(|lot| lot.at_least) {
                Preview::Estimate(loss)
            } else {
                Preview::Exact(loss)
            }
        }
        Err(why) => {
            kubectl.find_again(&mut facts, directory);
            unknown(why, facts)
        }
    }
}

impl KubectlProbe<'_> {
    fn measured(&self, facts: &mut Loss) -> Measured {
        let verb: Vec<&str> = self.invocation.verb.iter().map(|word| &**word).collect();
        if let Some(flag) = self.invocation.flags.iter().find(|flag| !flag.familiar) {
            return Err(format!(
                "guard does not know the option {}",
                sanitize::text(&flag.long)
            ));
        }
        match verb.as_slice() {
            ["delete"] => delete::delete(self),
            ["replace"] if self.invocation.has("--force") => delete::replace(self),
            ["replace" | "create"] => delete::raw_request(self),
            ["debug"] => delete::debug(self),
            ["apply"] => apply::apply(self),
            ["scale"] => workloads::scale(self),
            ["rollout", "undo"] => workloads::undo(self),
            ["drain"] => nodes::drain(self),
            ["taint"] => nodes::taint(self),
            ["patch"] => patch::patch(self),
            ["edit"] => {
                workloads::serving(self, facts)?;
                Err("what an editor leaves is known only when it has run".to_owned())
            }
            ["cp", "into"] => {
                workloads::destination(self, facts)?;
                Err("what a copy overwrites in a container cannot be seen from here".to_owned())
            }
            ["config", ..] => config::config(self),
            _ => Err(format!("guard cannot measure kubectl {}", verb.join(" "))),
        }
    }

    /// Says of what has to be saved where it is found.
    fn find_again(&self, loss: &mut Loss, directory: &std::path::Path) {
        for mut objects in loss.saves.take::<Objects>() {
            objects.found_by(self.invocation, directory.to_owned());
            loss.saves.push(objects);
        }
    }

    /// Runs kubectl with the command's own scope.
    fn ask<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<ToolAnswer, Unmeasured> {
        let mut all: Vec<OsString> = self.invocation.scope.clone();
        all.extend(words.iter().map(|word| word.as_ref().to_owned()));
        self.probe.run(&all).map_err(|failure| failure.to_string())
    }

    /// The command's options of these names, as they were read.
    fn options(&self, names: &[&str]) -> Result<Vec<OsString>, Unmeasured> {
        let mut words = Vec::new();
        for flag in &self.invocation.flags {
            if !names.contains(&&*flag.long) {
                continue;
            }
            let mut word = OsString::from(format!("--{}", flag.long));
            if let Some(value) = &flag.value {
                word.push("=");
                if flag.long == "filename" && value == "-" {
                    word.push(self.input_path()?);
                } else {
                    word.push(value);
                }
            }
            words.push(word);
        }
        Ok(words)
    }

    /// Where a preview finds what stands on standard input.
    fn input_path(&self) -> Result<OsString, Unmeasured> {
        if self.context.input != Input::Process {
            return Err("what stands on standard input is known only when it runs".to_owned());
        }
        if self.input.get().is_none() {
            let kept = inputs::copy_input()
                .map_err(|error| format!("standard input cannot be kept: {error}"))?;
            let _ = self.input.set(kept);
        }
        match self.input.get() {
            Some(Some(kept)) => Ok(kept.path().into()),
            _ => Ok("/dev/null".into()),
        }
    }

    /// The operands, where no option can be meant.
    fn operands(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["--".into()];
        words.extend(
            self.invocation
                .operands
                .iter()
                .map(|word| word.text.clone()),
        );
        words
    }

    /// The command as the server's dry run, with its options of these names; what it printed. `None`
    /// when it is refused as a whole.
    fn dry_run(&self, names: &[&str], more: &[&str]) -> Result<String, Unmeasured> {
        let mut words: Vec<OsString> = self
            .invocation
            .verb
            .iter()
            .map(|word| OsString::from(word.as_ref()))
            .collect();
        words.extend(self.options(names)?);
        words.push("--dry-run=server".into());
        words.extend(more.iter().map(OsString::from));
        words.extend(self.operands());
        let answer = self.ask(&words)?;
        judged(&answer)?;
        Ok(String::from_utf8_lossy(&answer.output).into_owned())
    }

    /// The objects that the command chooses, in full.
    fn chosen(&self, more: &[&str]) -> Result<Vec<Value>, Unmeasured> {
        let mut words = self.options(&SELECTING)?;
        words.extend(more.iter().map(OsString::from));
        words.extend(self.operands());
        self.get(&words)
    }

    /// `kubectl get` of these words, in full.
    fn get(&self, words: &[OsString]) -> Result<Vec<Value>, Unmeasured> {
        let mut all: Vec<OsString> = ["get", "--output=json", "--ignore-not-found"]
            .map(Into::into)
            .to_vec();
        all.extend(words.iter().cloned());
        let answer = self.ask(&all)?;
        judged(&answer)?;
        if String::from_utf8_lossy(&answer.errors).contains("(Forbidden)") {
            // Who may not look may still be allowed to delete.
            return Err(format!("kubectl says: {}", answer.complaint()));
        }
        objects::read(&answer.output)
    }

    /// The same by words that are known here.
    fn get_named(&self, words: &[&str]) -> Result<Vec<Value>, Unmeasured> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        self.get(&words)
    }

    /// Which context, server and namespace the command goes to, from kubectl itself.
    fn place(&self, facts: &mut Loss) -> Destination {
        let mut place = Destination::default();
        let view = self.view().unwrap_or_default();
        let text = |pointer: &str| {
            let value = view.pointer(pointer).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let flag = |name: &str| {
            let flag = self.invocation.flag(name);
            flag.and_then(|flag| flag.text()).map(str::to_owned)
        };
        place.context = text("/current-context");
        place.server = flag("--server").unwrap_or_else(|| text("/clusters/0/cluster/server"));
        place.namespace = flag("--namespace")
            .or_else(|| Some(text("/contexts/0/context/namespace")))
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "default".to_owned());
        let or_none = |name: &str| {
            let name = if name.is_empty() { "unknown" } else { name };
            guard_ground::mask::mask(&sanitize::text(name))
        };
        facts.facts.insert(
            0,
            format!(
                "context {}, server {}, namespace {}",
                or_none(&place.context),
                or_none(&place.server),
                or_none(&place.namespace)
            ),
        );
        place
    }

    /// kubectl's configuration for this command. It asks no server, so it has a time of its own: where
    /// a cluster took too long, it is still said which.
    fn view(&self) -> Option<Value> {
        let directory = self.context.directory.as_deref()?;
        let deadline = Instant::now() + Duration::from_secs(2);
        let name = self.invocation.tool.as_str();
        let probe = Probe::new(name, directory, self.context, deadline).ok()?;
        let mut words = self.invocation.scope.clone();
        words.extend(["config", "view", "--minify", "--output=json"].map(Into::into));
        let answer = probe.run(&words).ok().filter(|answer| answer.success)?;
        serde_json::from_slice(&answer.output).ok()
    }

    /// The place in the phrase.
    fn place_words(&self, place: &Destination) -> String {
        let context = typeable(place.context.as_ref());
        if self.invocation.has("--all-namespaces") {
            format!("in all of {context}")
        } else if context.is_empty() {
            format!("in {}", typeable(place.namespace.as_ref()))
        } else {
            format!("in {context}/{}", typeable(place.namespace.as_ref()))
        }
    }
}

/// Whether the answer can be relied on: the tool was content, or it refused for a reason that holds for
/// the real command too.
fn judged(answer: &ToolAnswer) -> Result<(), Unmeasured> {
    if answer.success {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&answer.errors);
    let refuses = |line: &str| REFUSALS.iter().any(|refusal| line.contains(refusal));
    let problem = errors
        .lines()
        .filter(|line| {
            let line = line.to_ascii_lowercase();
            line.starts_with("error")
                || line.starts_with("unable to connect")
                || line.starts_with("the connection")
        })
        .find(|line| !refuses(line));
    match problem {
        None if errors.lines().any(refuses) => Ok(()),
        None => Err(format!("kubectl says: {}", answer.complaint())),
        Some(line) => Err(format!(
            "kubectl says: {}",
            sanitize::cut(&guard_ground::mask::mask(&sanitize::text(line)), 300)
        )),
    }
}
