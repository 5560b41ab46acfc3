//! Freeze and plan mode: what changes something does not run, harmless or not, until a person ends
//! it.
//!
//! Both are files below `holds/` in the state directory, which is there only while something
//! holds: every other command pays for one look that finds nothing.

use super::next::Next;
use guard_judge::case::Case;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::identity::{Identity, means_something};
use super::statement::now;
use guard_core::context::Context;
use guard_core::environment;
use guard_core::inputs;
use guard_core::invocation::Invocation;
use guard_core::message;
use guard_core::tool::{Origin, Toolbox};
use guard_core::verdict::Verdict;
use guard_ground::atomic::{self, Promise};
use guard_ground::bytes::Exact;
use guard_ground::sanitize;
use guard_ground::shelf::{self, Item, Shelf};
use guard_judge::rules::Rules;

/// What stands for a fingerprint on the shelf of freezes.
const FREEZES: &str = "freeze0000000000";
/// Input for a planned command beyond this many bytes is not kept.
const MAX_INPUT: u64 = 64 << 20;

/// A freeze.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Freeze {
    /// Its id.
    pub id: String,
    /// Since when, seconds since 1970.
    pub since: u64,
    /// Until when; without end if not given.
    pub until: Option<u64>,
    /// Only commands that point at this environment; all without one.
    pub environment: Option<String>,
    /// Who froze.
    pub by: String,
}

/// A command that plan mode recorded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Planned {
    /// Its number, from 1.
    pub number: u32,
    /// When it was tried.
    pub issued: u64,
    /// The agent, if known.
    pub agent: Option<String>,
    /// The tool.
    pub tool: String,
    /// The command.
    pub argv: Vec<Exact>,
    /// Where.
    pub cwd: Option<Exact>,
    /// The variables that change what it means.
    pub variables: Vec<(String, Exact)>,
    /// The digest of what it reads.
    pub inputs: Option<String>,
    /// Whether its standard input was kept beside it.
    pub input_kept: bool,
    /// What guard would decide about it.
    pub verdict: String,
    /// What it would lose.
    pub lines: Vec<String>,
}

/// The files of freezes and of the plan.
#[derive(Clone, Debug)]
pub struct Holds {
    directory: PathBuf,
}

/// What holds a command.
#[derive(Debug)]
pub enum Hold {
    /// A freeze.
    Frozen(Freeze),
    /// Plan mode.
    Planning(Holds),
}

/// A command that was held.
#[derive(Debug)]
pub struct Held {
    /// What to tell the agent.
    pub next: Next,
    /// The words for the log.
    pub answer: String,
}

impl Freeze {
    fn of_everything(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            since: now(),
            until: None,
            environment: None,
            by: "somebody".to_owned(),
        }
    }
}

impl Holds {
    /// The files below the state directory.
    pub fn new(state: &Path) -> Self {
        Self {
            directory: state.join("holds"),
        }
    }

    fn freezes_shelf(&self) -> Shelf {
        Shelf::new(self.directory.clone())
    }

    /// Whether something may hold. What cannot be looked at may.
    fn is_there(&self) -> bool {
        std::fs::symlink_metadata(&self.directory).map_or_else(
            |error| error.kind() != std::io::ErrorKind::NotFound,
            |_| true,
        )
    }

    /// A freeze that holds everything, when it cannot be read which freezes there are.
    fn unreadable(&self) -> Option<Freeze> {
        match std::fs::read_dir(&self.directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Some(Freeze {
                by: format!("{}: {error}", sanitize::path(&self.directory)),
                ..Freeze::of_everything("unreadable")
            }),
            _ => None,
        }
    }

    /// The freezes that have not ended.
    pub fn freezes(&self) -> Vec<(Item, Freeze)> {
        self.freezes_shelf()
            .about(FREEZES)
            .into_iter()
            .map(|item| {
                // One that cannot be read holds everything.
                let freeze = item
                    .read()
                    .unwrap_or_else(|_| Freeze::of_everything(&item.id));
                (item, freeze)
            })
            .filter(|(_, freeze)| freeze.until.is_none_or(|until| until > now()))
            .collect()
    }

    /// Freezes from now on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn freeze(&self, until: Option<u64>, environment: Option<&str>) -> std::io::Result<String> {
        let freezes = self.freezes_shelf();
        let lock = freezes.lock()?;
        freezes.add(&lock, FREEZES, |id| Freeze {
            id: id.to_owned(),
            since: now(),
            until,
            environment: environment.map(str::to_owned),
            by: guard_ground::install::user_name(),
        })
    }

    /// The freeze that holds this command, if one does.
    pub fn freeze_on(
        &self,
        tools: &Toolbox,
        invocation: &Invocation,
        rules: &Rules,
        context: &Context,
    ) -> Option<Freeze> {
        let points_at =
            || environment::of(&tools.signals(invocation, context), &rules.environments);
        let holds = |freeze: &Freeze| {
            freeze
                .environment
                .as_ref()
                .is_none_or(|name| points_at().is_some_and(|at| at.name == *name))
        };
        self.unreadable()
            .into_iter()
            .chain(self.freezes().into_iter().map(|(_, freeze)| freeze))
            .find(holds)
    }

    fn plan(&self) -> PathBuf {
        self.directory.join("plan")
    }

    /// Whether plan mode is on. What cannot be looked at is.
    pub fn is_planning(&self) -> bool {
        self.plan().join("on").try_exists().unwrap_or(true)
    }

    /// Turns plan mode on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn start_plan(&self) -> std::io::Result<()> {
        let _lock = Shelf::new(self.plan()).lock()?;
        atomic::write(&self.plan().join("on"), b"", Promise::KEPT)
    }

    /// Turns plan mode off; what was planned stays until it is applied or dropped.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn end_plan(&self) -> std::io::Result<()> {
        remove(&self.plan().join("on"))
    }

    /// What was planned, in order.
    pub fn planned(&self) -> Vec<Planned> {
        let mut planned: Vec<Planned> = std::fs::read_dir(self.plan())
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|end| end == "json"))
            .filter_map(|entry| serde_json::from_slice(&shelf::read(&entry.path()).ok()?).ok())
            .collect();
        planned.sort_by_key(|planned| planned.number);
        planned
    }

    /// The kept standard input of a planned command.
    pub fn input_of(&self, planned: &Planned) -> PathBuf {
        self.plan().join(format!("{:06}.input", planned.number))
    }

    /// Takes a planned command off the list.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn drop_planned(&self, planned: &Planned) -> std::io::Result<()> {
        remove(&self.input_of(planned))?;
        remove(&self.plan().join(format!("{:06}.json", planned.number)))
    }

    /// Removes the directory when nothing holds any more and nothing is planned, so that commands pay
    /// for nothing.
    pub fn tidy(&self) {
        if self.freezes().is_empty() && !self.is_planning() && self.planned().is_empty() {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }

    /// Records a command.
    fn add_planned(&self, mut planned: Planned, keep: bool) -> std::io::Result<Planned> {
        let _lock = Shelf::new(self.plan()).lock()?;
        let last = self.planned().last().map_or(0, |planned| planned.number);
        planned.number = last.saturating_add(1);
        if keep {
            planned.input_kept = inputs::keep_input(&self.input_of(&planned), MAX_INPUT)?;
        }
        let text = serde_json::to_vec(&planned)?;
        let file = self.plan().join(format!("{:06}.json", planned.number));
        atomic::write(&file, &text, Promise::KEPT)?;
        Ok(planned)
    }
}

impl Planned {
    /// The command.
    pub fn command(&self) -> Vec<OsString> {
        self.argv.iter().map(|word| word.0.clone()).collect()
    }

    /// Where it ran.
    pub fn directory(&self) -> Option<PathBuf> {
        self.cwd.as_ref().map(|path| PathBuf::from(&path.0))
    }

    /// Whether guard could have written it: it sets no variables but those that tell commands apart.
    pub fn is_consistent(&self, tools: &Toolbox) -> bool {
        let tool = tools.named(&self.tool);
        let own = tools.of(&tool).variables();
        !self.argv.is_empty()
            && self
                .variables
                .iter()
                .all(|(name, _)| means_something(own, name))
    }
}

fn remove(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether the invocation and all that is nested in it change nothing.
fn only_reads(tools: &Toolbox, invocation: &Invocation) -> bool {
    tools.only_reads(invocation)
        && invocation
            .nested
            .iter()
            .all(|nested| only_reads(tools, &nested.invocation))
}

impl Hold {
    /// What holds this command, if anything does.
    pub fn on(case: &Case<'_>) -> Option<Self> {
        let Case {
            tools,
            rules,
            places,
            invocation,
            context,
            ..
        } = *case;
        let holds = Holds::new(places.state.as_deref()?);
        if !holds.is_there() || only_reads(tools, invocation) {
            return None;
        }
        if let Some(freeze) = holds.freeze_on(tools, invocation, rules, context) {
            return Some(Self::Frozen(freeze));
        }
        holds.is_planning().then_some(Self::Planning(holds))
    }

    /// Holds the command: refuses it, or records it.
    pub fn take(&self, case: &Case<'_>, verdict: &Verdict) -> Held {
        let Case {
            tools,
            argv,
            invocation,
            context,
            ..
        } = *case;
        match self {
            Self::Frozen(freeze) => Held {
                next: Next::Frozen(freeze.clone()),
                answer: "frozen".to_owned(),
            },
            Self::Planning(holds) => {
                let reads_input = tools.inputs(invocation).contains(&Origin::Input);
                let recorded = inputs::digest(tools, invocation, context).and_then(|inputs| {
                    let variables = std::env::vars_os();
                    let identity =
                        Identity::of(tools, &invocation.tool, argv, context, variables, inputs);
                    let planned = Planned {
                        number: 0,
                        issued: now(),
                        agent: case.agent_name(),
                        tool: invocation.tool.to_string(),
                        argv: argv.iter().map(|word| Exact(word.clone())).collect(),
                        cwd: context
                            .directory
                            .as_deref()
                            .map(|path| Exact::from(path.as_os_str())),
                        variables: identity
                            .variables
                            .into_iter()
                            .map(|(name, value)| (name, Exact(value)))
                            .collect(),
                        inputs: identity.inputs,
                        input_kept: false,
                        verdict: verdict.effect.name().to_owned(),
                        lines: message::stakes(verdict),
                    };
                    holds.add_planned(planned, reads_input)
                });
                match recorded {
                    Ok(planned) => Held {
                        next: Next::Planned(planned.number),
                        answer: format!("planned as number {}", planned.number),
                    },
                    Err(error) => Held {
                        next: Next::Unrecorded(error.to_string()),
                        answer: "blocked in plan mode".to_owned(),
                    },
                }
            }
        }
    }
}
