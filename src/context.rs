//! Where a command runs: its directory and variables, and what reading it may consult.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::recent::Recent;

/// What may be asked while a command is read and judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consult {
    /// The arguments alone: the examples in rules files.
    Nothing,
    /// Files as well: `guard check --batch`.
    Files,
    /// The real tools as well, read-only: shims and `guard explain`.
    Tools,
}

/// What stands on a command's standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The process's own standard input, which the tool will inherit.
    Process,
    /// These bytes.
    Text(Vec<u8>),
    /// Something that only the running command will see.
    Unknown,
    /// Nothing that matters.
    Nothing,
}

/// Sorted names of files.
pub(crate) type Names = Vec<Vec<u8>>;

/// Where a command runs.
#[derive(Debug)]
pub struct Context {
    /// The working directory; `None` when it has vanished or cannot be known.
    pub directory: Option<PathBuf>,
    /// What may be consulted.
    pub consult: Consult,
    /// What stands on its standard input.
    pub input: Input,
    /// True in a shim: the command is about to run, so what is missing now stays missing.
    pub live: bool,
    inherits: bool,
    overlay: Vec<(OsString, Option<OsString>)>,
    /// Variables that hold commands for git, with their values.
    pub(crate) git_commands: Rc<OnceCell<Vec<(&'static str, OsString)>>>,
    /// Git aliases by the place they were looked up in.
    pub(crate) aliases: Rc<RefCell<BTreeMap<Vec<OsString>, Option<String>>>>,
    /// What git tracks, sorted, by the top of the repository.
    pub(crate) tracked: Rc<RefCell<BTreeMap<PathBuf, Option<Names>>>>,
    /// Canonical parents of operands: there can be 100,000 operands in one directory.
    pub(crate) parents: Rc<RefCell<BTreeMap<PathBuf, Option<PathBuf>>>>,
    /// The files of aliases of the AWS CLI.
    pub(crate) aws_aliases: Rc<Recent<Result<Option<Rc<str>>, ()>>>,
    /// Which of psql's startup files exist, by their name without a version.
    pub(crate) psql_startup: Rc<Recent<Vec<PathBuf>>>,
}

impl Context {
    /// The process's own directory and variables: what a shim judges.
    pub fn live() -> Self {
        Self {
            live: true,
            input: Input::Process,
            ..Self::new(std::env::current_dir().ok(), Consult::Tools)
        }
    }

    /// A directory with the process's variables.
    pub fn new(directory: Option<PathBuf>, consult: Consult) -> Self {
        Self {
            directory,
            consult,
            input: Input::Nothing,
            live: false,
            inherits: true,
            overlay: Vec::new(),
            git_commands: Rc::default(),
            aliases: Rc::default(),
            tracked: Rc::default(),
            parents: Rc::default(),
            aws_aliases: Rc::default(),
            psql_startup: Rc::default(),
        }
    }

    /// No directory, no variables, nothing to consult: for examples and tests.
    pub fn nothing() -> Self {
        Self {
            inherits: false,
            ..Self::new(None, Consult::Nothing)
        }
    }

    /// A container or another machine: nothing can be asked about it.
    pub fn elsewhere() -> Self {
        Self::nothing()
    }

    /// The same place with some variables set or, with `None`, removed.
    #[must_use]
    pub fn with_variables(mut self, variables: Vec<(OsString, Option<OsString>)>) -> Self {
        self.overlay.extend(variables);
        self.git_commands = Rc::default();
        self
    }

    /// The same variables in another directory, relative to this one.
    #[must_use]
    pub fn in_directory(&self, directory: Option<&Path>) -> Self {
        let joined = match (self.directory.as_deref(), directory) {
            (here, None) => here.map(Path::to_owned),
            (Some(here), Some(there)) => Some(here.join(there)),
            (None, Some(there)) => there.is_absolute().then(|| there.to_owned()),
        };
        Self {
            directory: joined,
            consult: self.consult,
            input: Input::Nothing,
            live: self.live,
            inherits: self.inherits,
            overlay: self.overlay.clone(),
            git_commands: Rc::clone(&self.git_commands),
            aliases: Rc::clone(&self.aliases),
            tracked: Rc::clone(&self.tracked),
            parents: Rc::clone(&self.parents),
            aws_aliases: Rc::clone(&self.aws_aliases),
            psql_startup: Rc::clone(&self.psql_startup),
        }
    }

    /// A variable as the command would see it.
    pub fn variable(&self, name: &str) -> Option<OsString> {
        if let Some((_, value)) = self.overlay.iter().rev().find(|(key, _)| key == name) {
            return value.clone();
        }
        if self.inherits {
            std::env::var_os(name)
        } else {
            None
        }
    }

    /// Whether a variable is set at all.
    pub fn has_variable(&self, name: &str) -> bool {
        self.variable(name).is_some()
    }

    /// A variable that is set to something.
    pub fn value(&self, name: &str) -> Option<OsString> {
        self.variable(name).filter(|value| !value.is_empty())
    }

    /// All variables as the command would see them.
    pub fn variables(&self) -> impl Iterator<Item = (OsString, OsString)> {
        let own = self.inherits.then(std::env::vars_os).into_iter().flatten();
        let mut variables: BTreeMap<OsString, OsString> = own.collect();
        for (name, value) in &self.overlay {
            match value {
                Some(value) => variables.insert(name.clone(), value.clone()),
                None => variables.remove(name),
            };
        }
        variables.into_iter()
    }

    /// What differs from the process's own variables, for the tools that previews run.
    pub fn overlay(&self) -> impl Iterator<Item = (&OsStr, Option<&OsStr>)> {
        self.overlay
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_deref()))
    }
}
