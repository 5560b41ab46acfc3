//! `guard setup`: writes what is needed into the agents' own configuration and into the shells'
//! start-up files, and takes it out again.
//!
//! Everything is planned before anything is written; what was there before is kept in the state
//! directory (`manifest.rs`). A file that does not hold what guard left there any more is respected:
//! only guard's own text is taken out of it.

pub mod agents;
pub mod apply;
pub mod codex;
pub mod diff;
pub mod entry;
pub mod files;
pub mod jsonc;
pub mod manifest;
pub mod shell;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use agents::{AGENTS, KnownAgent};
use entry::HookOutcome;
use guard_ground::install::Places;
use guard_ground::sanitize;
use manifest::Trace;
use shell::Shell;

/// Where the files of a person are. These are the person's own, so their environment is asked.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The home directory.
    pub home: PathBuf,
    /// PATH.
    pub path: Option<OsString>,
    variables: fn(&str) -> Option<OsString>,
}

impl Surroundings {
    /// Those of this process.
    pub fn find() -> Option<Self> {
        let home = std::env::var_os("HOME")
            .map(PathBuf::from)
            .filter(|home| home.is_absolute())
            .or_else(guard_ground::install::home)?;
        Some(Self {
            home,
            path: std::env::var_os("PATH"),
            variables: |name| std::env::var_os(name),
        })
    }

    /// The directory that a variable names.
    pub fn directory(&self, variable: &str) -> Option<PathBuf> {
        (self.variables)(variable)
            .map(PathBuf::from)
            .filter(|directory| directory.is_absolute())
    }

    /// The text of a variable that is not empty.
    pub fn text(&self, variable: &str) -> Option<String> {
        (self.variables)(variable)
            .map(|value| value.to_string_lossy().into_owned())
            .filter(|value| !value.is_empty())
    }

    /// The directory of configuration (XDG Base Directory Specification).
    pub fn config(&self) -> PathBuf {
        self.directory("XDG_CONFIG_HOME")
            .unwrap_or_else(|| self.home.join(".config"))
    }
}

/// What one file becomes.
#[derive(Clone, Debug)]
pub struct FileChange {
    /// For whom: an agent's word, or `shell`.
    pub name: String,
    /// The shells that read it.
    pub shells: Vec<String>,
    /// As people name it.
    pub path: PathBuf,
    /// The file itself, links resolved.
    pub target: PathBuf,
    /// What it holds; nothing when it is not there.
    pub before: Option<Vec<u8>>,
    /// What it is to hold; nothing when it is to go.
    pub after: Option<Vec<u8>>,
    /// How guard's text is taken out again.
    pub trace: Trace,
}

/// What is to be done, and what is to be said.
#[derive(Clone, Debug, Default)]
pub struct SetupPlan {
    /// The files to write.
    pub changes: Vec<FileChange>,
    /// What stands there already.
    pub done: Vec<String>,
    /// What else people should know.
    pub notes: Vec<String>,
    /// Why it cannot be done. Then nothing is written.
    pub faults: Vec<String>,
}

/// guard's own paths, as text for others' files.
struct Own {
    binary: String,
    shims: Option<String>,
}

impl Own {
    fn find(places: &Places) -> Result<Self, String> {
        let text = |path: &Path| {
            path.to_str()
                .filter(|text| !text.contains(['\n', '\r', '\0']))
                .map(str::to_owned)
                .ok_or_else(|| {
                    format!(
                        "{} cannot be written into others' files; install guard elsewhere",
                        sanitize::path(path)
                    )
                })
        };
        let binary = places
            .binary
            .as_deref()
            .ok_or("guard cannot find its own file")?;
        // As install.sh and people name it, without the `..` from the binary to it.
        let shims = places.share.as_ref().map(|share| {
            let shims = share.join("shims");
            shims.canonicalize().unwrap_or(shims)
        });
        Ok(Self {
            binary: text(binary)?,
            shims: shims.as_deref().map(text).transpose()?,
        })
    }
}

/// Plans the hooks of agents and, where wanted, the blocks of shells.
pub fn plan(
    places: &Places,
    around: &Surroundings,
    wanted: &[KnownAgent],
    shells: &[Shell],
) -> SetupPlan {
    let mut plan = SetupPlan::default();
    let own = match Own::find(places) {
        Ok(own) => own,
        Err(fault) => {
            plan.faults.push(fault);
            return plan;
        }
    };
    for agent in wanted {
        if let Err(fault) = plan_agent(&mut plan, &own, around, *agent) {
            plan.faults.push(fault);
        }
    }
    for shell in shells {
        for path in shell.files(around) {
            if let Err(fault) = plan_shell(&mut plan, &own, *shell, path) {
                plan.faults.push(fault);
            }
        }
    }
    plan.faults.dedup();
    plan
}

fn plan_agent(
    plan: &mut SetupPlan,
    own: &Own,
    around: &Surroundings,
    agent: KnownAgent,
) -> Result<(), String> {
    if agent.found(around).is_none() {
        return Err(agent.missing(around));
    }
    let path = agent.file(around);
    let look = files::look(&path)?;
    match agent.add(&path, &look, &own.binary, &mut plan.notes)? {
        HookOutcome::Done => plan.done.push(format!(
            "{}: guard's hook stands in {}",
            agent.word,
            sanitize::path(&path)
        )),
        HookOutcome::Change(after, trace) => {
            files::writable(&path, &look.target, look.before.is_some())?;
            plan.changes.push(FileChange {
                name: agent.word.to_owned(),
                shells: Vec::new(),
                path,
                target: look.target,
                before: look.before,
                after: Some(after),
                trace,
            });
        }
    }
    Ok(())
}

fn plan_shell(plan: &mut SetupPlan, own: &Own, shell: Shell, path: PathBuf) -> Result<(), String> {
    let shims = own.shims.as_deref().ok_or(
        "guard runs from a checkout, which has no shims of its own to put on PATH; run ./install.sh first",
    )?;
    let look = files::look(&path)?;
    // Two shells, or two names, may share one file.
    if let Some(change) = plan
        .changes
        .iter_mut()
        .find(|change| change.target == look.target)
    {
        let name = shell.name().to_owned();
        if !change.shells.contains(&name) {
            change.shells.push(name);
        }
        return Ok(());
    }
    let block = if shell == Shell::Fish {
        shell::fish(shims)
    } else {
        shell::block(shims)
    };
    let before = look.before.as_deref().unwrap_or_default();
    let shown = sanitize::path(&path);
    let Some(after) = shell::with_block(before, &block, shims) else {
        let line = format!("shell: guard's shims are put first in {shown}");
        if !plan.done.contains(&line) {
            plan.done.push(line);
        }
        return Ok(());
    };
    if shell::contains(before, shell::BEGIN.as_bytes()) {
        return Err(format!(
            "{shown} holds a block of guard's that is not what this guard writes; take it out first, with guard setup --undo shell or by hand"
        ));
    }
    files::writable(&path, &look.target, look.before.is_some())?;
    plan.changes.push(FileChange {
        name: "shell".to_owned(),
        shells: vec![shell.name().to_owned()],
        path,
        target: look.target,
        before: look.before,
        after: Some(after),
        trace: Trace::Blocks { texts: vec![block] },
    });
    Ok(())
}

/// How an agent or a shell's file stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// guard's text stands there, and is this guard's.
    SetUp,
    /// It calls another guard: the command.
    Other(String),
    /// It does not stand there.
    NotSetUp,
    /// The file cannot be read or understood.
    Broken(String),
}

/// What was found of one agent or one shell's file.
#[derive(Clone, Debug)]
pub struct Status {
    /// `claude` …, or `bash` …
    pub name: &'static str,
    /// For people: `Claude Code`, or the shell's name.
    pub label: &'static str,
    /// Where it was found; nothing when it is not installed. For shells: always there.
    pub found: Option<PathBuf>,
    /// The file.
    pub file: PathBuf,
    /// How it stands.
    pub state: Standing,
}

/// How every agent with a hook stands. Reads, and changes nothing.
pub fn agents_status(places: &Places, around: &Surroundings) -> Vec<Status> {
    let own = Own::find(places).ok();
    AGENTS
        .into_iter()
        .map(|agent| {
            let file = agent.file(around);
            let state = agent_state(agent, &file, own.as_ref());
            Status {
                name: agent.word,
                label: agent.host.name(),
                found: agent.found(around),
                file,
                state,
            }
        })
        .collect()
}

fn agent_state(agent: KnownAgent, file: &Path, own: Option<&Own>) -> Standing {
    let look = match files::look(file) {
        Ok(look) => look,
        Err(fault) => return Standing::Broken(fault),
    };
    let Some(text) = look.before.as_deref() else {
        return Standing::NotSetUp;
    };
    let Ok(there) = agent.installed(text) else {
        return Standing::Broken(format!("{} cannot be read", sanitize::path(file)));
    };
    let Some(there) = there else {
        return Standing::NotSetUp;
    };
    let Some(own) = own else {
        return Standing::Other(there);
    };
    let is_ours = if agent.host == crate::hook::Host::OpenCode {
        agents::calls(text, &own.binary)
    } else {
        shlex::split(&there) == shlex::split(&agent.command(&own.binary))
    };
    if is_ours {
        Standing::SetUp
    } else {
        Standing::Other(there)
    }
}

/// How the start-up files of the shells that a person uses stand. Reads, and changes nothing.
pub fn shells_status(places: &Places, around: &Surroundings) -> Vec<Status> {
    let own = Own::find(places).ok();
    let shims = own.and_then(|own| own.shims).unwrap_or_default();
    let (shells, _) = shell::found(around);
    let mut all: Vec<Status> = Vec::new();
    for shell in shells {
        let block = if shell == Shell::Fish {
            shell::fish(&shims)
        } else {
            shell::block(&shims)
        };
        for file in shell.files(around) {
            let state = match files::look(&file) {
                Err(fault) => Standing::Broken(fault),
                Ok(look) => {
                    let text = look.before.unwrap_or_default();
                    if shell::with_block(&text, &block, &shims).is_none() {
                        Standing::SetUp
                    } else if shell::contains(&text, shell::BEGIN.as_bytes()) {
                        Standing::Other("another guard's block".to_owned())
                    } else {
                        Standing::NotSetUp
                    }
                }
            };
            if all.iter().all(|one| one.file != file) {
                all.push(Status {
                    name: shell.name(),
                    label: shell.name(),
                    found: Some(file.clone()),
                    file,
                    state,
                });
            }
        }
    }
    all
}
