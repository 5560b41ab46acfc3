//! `guard run`: starts an agent so that the shims come first in everything below it.
//!
//! Nothing of the person's is edited: variables and files of guard's own do it, for this run only.
//! guard then becomes the agent, so that exit status, signals, job control and the terminal are the
//! agent's own.

pub mod agents;
pub mod files;
pub mod known_shells;
pub mod layer;
pub mod shells;

use guard_core::record;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use files::ShimFiles;
use guard_core::agent;
use guard_core::tool::Toolbox;
use guard_ground::install::Places;
use guard_ground::{exec, exit_code, real_tool, sanitize};
use layer::Layer;
use record::Record;

/// Why nothing was started.
#[derive(Debug)]
pub struct NotStarted {
    /// The sentence for the person.
    pub why: String,
    /// The exit code.
    pub code: i32,
}

fn refusal(code: i32, why: impl Into<String>) -> NotStarted {
    NotStarted {
        why: why.into(),
        code,
    }
}

/// What one layer sets for an agent.
#[derive(Debug)]
pub struct LayerStep {
    /// The layer.
    pub layer: Layer,
    /// What is set, sanitised.
    pub sets: String,
}

/// Everything that will be done to start an agent. Nothing is written until [`RunPlan::start`].
#[derive(Debug)]
pub struct RunPlan {
    /// The agent's name, when guard knows it.
    pub agent: Option<&'static str>,
    /// The file that is executed.
    pub program: PathBuf,
    /// Its arguments.
    pub argv: Vec<OsString>,
    /// The variables that are set.
    pub variables: Vec<(OsString, OsString)>,
    /// The layers, and what each sets.
    pub steps: Vec<LayerStep>,
    /// What the person should know.
    pub notes: Vec<String>,
    workspace: PathBuf,
    name: OsString,
    state: PathBuf,
    files: ShimFiles,
}

impl RunPlan {
    /// Works out how to start the command, and refuses what would not hold.
    ///
    /// # Errors
    /// A [`NotStarted`] with the reason.
    pub fn of(
        tools: &'static Toolbox,
        command: &[OsString],
        places: &Places,
    ) -> Result<Self, NotStarted> {
        let name = command
            .first()
            .ok_or_else(|| refusal(exit_code::USAGE, "name the agent to start"))?;
        let program = find_agent(tools, name)?;
        let workspace =
            record::workspace().map_err(|error| refusal(exit_code::FAILURE, error.to_string()))?;
        let files = ShimFiles::of(tools, places).map_err(|why| refusal(exit_code::BROKEN, why))?;
        let shell = own_shell()?;
        let base = Path::new(name).file_name().unwrap_or(name).to_owned();
        let mut plan = Self {
            agent: agent::by_program(&base.to_string_lossy()),
            program,
            argv: command.to_vec(),
            variables: Vec::new(),
            steps: Vec::new(),
            notes: Vec::new(),
            workspace,
            name: base,
            state: places.state.clone().unwrap_or_default(),
            files,
        };
        plan.shells(shell);
        plan.agents_own();
        let workspace = sanitize::path(&plan.workspace);
        plan.step(Layer::Workspace, workspace);
        Ok(plan)
    }

    fn set(&mut self, layer: Layer, name: &str, value: impl Into<OsString>) {
        let value = value.into();
        self.step(layer, format!("{name}={}", sanitize::os(&value)));
        self.variables.push((name.into(), value));
    }

    fn step(&mut self, layer: Layer, sets: String) {
        self.steps.push(LayerStep { layer, sets });
    }

    /// Sets a variable that names a file, and remembers what it was for that file to read.
    fn wrap(&mut self, layer: Layer, name: &str, file: PathBuf) {
        let before = std::env::var_os(name).filter(|before| *before != *file.as_os_str());
        self.set(layer, name, file);
        if let Some(before) = before {
            self.variables
                .push((format!("GUARD_RUN_{name}").into(), before));
        }
    }

    fn shells(&mut self, shell: Option<&'static str>) {
        let search = std::env::var_os("PATH");
        let path = self.files.first_on(search.as_deref());
        self.set(Layer::Path, "PATH", path);
        self.wrap(Layer::Bash, "BASH_ENV", self.files.bash());
        for (name, value) in self.files.functions() {
            self.variables.push((name, value));
        }
        let mut prompt = self.files.prefix();
        let before = std::env::var_os("PROMPT_COMMAND").unwrap_or_default();
        if before.as_bytes().starts_with(prompt.as_bytes()) {
            prompt = before;
        } else {
            prompt.push(before);
        }
        self.variables.push(("PROMPT_COMMAND".into(), prompt));
        self.step(
            Layer::InteractiveBash,
            "functions rm, git, kubectl, terraform, psql, aws; PROMPT_COMMAND".to_owned(),
        );
        self.wrap(Layer::Sh, "ENV", self.files.sh());
        self.wrap(Layer::Zsh, "ZDOTDIR", self.files.zsh());
        let mut data = self.files.fish_data().into_os_string();
        let before = std::env::var_os("XDG_DATA_DIRS").filter(|before| !before.is_empty());
        // What an unset one means (XDG Base Directory Specification).
        let before = before.unwrap_or_else(|| "/usr/local/share:/usr/share".into());
        if std::env::split_paths(&before).next() == Some(self.files.fish_data()) {
            data = before;
        } else {
            data.push(":");
            data.push(before);
        }
        self.set(Layer::Fish, "XDG_DATA_DIRS", data);
        match shell.map(|shell| self.files.shells().join(shell)) {
            Some(shell) => self.set(Layer::Shells, "SHELL", shell),
            None => self.step(
                Layer::Shells,
                "bash, sh, dash by name; SHELL stays".to_owned(),
            ),
        }
    }

    fn agents_own(&mut self) {
        match self.agent {
            Some("Claude Code") => {
                self.wrap(Layer::Agent, "CLAUDE_ENV_FILE", self.files.claude());
            }
            Some("Codex") => {
                let options = agents::codex_options(&self.variables);
                for option in options.iter().filter(|option| *option != "-c") {
                    self.step(Layer::Agent, format!("-c {}", sanitize::os(option)));
                }
                self.argv.splice(1..1, options);
                self.notes.extend(agents::codex_servers(&self.files));
            }
            known => self.step(Layer::Agent, agents::needs(known).to_owned()),
        }
    }

    /// Writes guard's files and the record, and becomes the agent. Returns only when that cannot be
    /// done.
    pub fn start(self) -> NotStarted {
        let search = std::env::var_os("PATH");
        let broken = |error: std::io::Error| {
            refusal(
                exit_code::BROKEN,
                format!(
                    "nothing was started, because guard cannot write to its state directory: {error}"
                ),
            )
        };
        if let Err(error) = self.files.write(search.as_deref()) {
            return broken(error);
        }
        let Some(record) = Record::of_this_process(self.workspace, &self.name) else {
            return refusal(
                exit_code::BROKEN,
                "nothing was started: the system does not tell about this process (is /proc mounted?)",
            );
        };
        if let Err(error) = record.write(&self.state) {
            return broken(error);
        }
        let mut variables = self.variables;
        variables.push((record::VARIABLE.into(), record.name().into()));
        let error = exec::become_program_with(&self.program, &self.argv, &variables);
        record.remove(&self.state);
        refusal(
            exit_code::NOT_EXECUTABLE,
            format!(
                "{} cannot be executed: {error}",
                sanitize::path(&self.program)
            ),
        )
    }
}

/// The agent's program: by its path, or the first on PATH that is not guard.
fn find_agent(tools: &Toolbox, name: &OsStr) -> Result<PathBuf, NotStarted> {
    let shown = sanitize::os(name);
    let base = Path::new(name).file_name().unwrap_or(name);
    if name.as_bytes().starts_with(b"-") || name.is_empty() {
        return Err(refusal(
            exit_code::USAGE,
            format!(
                "{shown:?} is no agent. Options of guard's own stand first: guard run [options] -- AGENT…"
            ),
        ));
    }
    let by_path = name.as_bytes().contains(&b'/');
    if base == "guard"
        || tools.known(base).is_some()
        || (by_path && real_tool::is_guard_binary(Path::new(name)))
    {
        return Err(refusal(
            exit_code::USAGE,
            format!(
                "guard run starts an agent, and {shown} is guarded already: run it without guard run"
            ),
        ));
    }
    if !by_path {
        let search = std::env::var_os("PATH");
        return real_tool::find(name, search.as_deref()).ok_or_else(|| {
            refusal(
                exit_code::NOT_FOUND,
                format!("{shown} is not installed: no program of that name is on PATH. Nothing was started"),
            )
        });
    }
    let is_program = std::fs::metadata(name).is_ok_and(|meta| meta.is_file());
    if !is_program {
        return Err(refusal(
            exit_code::NOT_FOUND,
            format!("{shown} is not there. Nothing was started"),
        ));
    }
    let may_run = std::fs::metadata(name).is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0);
    if !may_run {
        return Err(refusal(
            exit_code::NOT_EXECUTABLE,
            format!("{shown} cannot be executed. Nothing was started"),
        ));
    }
    Ok(PathBuf::from(name))
}

/// The shell of guard's own that SHELL becomes; `None` where it stays.
fn own_shell() -> Result<Option<&'static str>, NotStarted> {
    let Some(shell) = std::env::var_os("SHELL").filter(|shell| !shell.is_empty()) else {
        return Ok(None);
    };
    let name = Path::new(&shell).file_name().unwrap_or(&shell);
    if known_shells::OTHERS.iter().any(|other| name == *other) {
        return Ok(None);
    }
    known_shells::SHELLS
        .into_iter()
        .find(|known| name == *known)
        .map(Some)
        .ok_or_else(|| {
            refusal(
                exit_code::USAGE,
                format!(
                    "SHELL is {}, a shell that guard does not know (it knows bash, sh, dash, zsh and fish): it could not \
                     keep the shims first in it. Nothing was started. Try: SHELL=/bin/bash guard run …",
                    sanitize::os(&shell)
                ),
            )
        })
}
