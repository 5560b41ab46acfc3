//! Where a command runs: its directory and variables, and what reading it may consult.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::invocation::{Invocation, Word};

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

/// Reads a command inside a command by the name of its program, if guard knows that tool.
pub type ReadNested = fn(&OsStr, &[Word], &Context) -> Option<Invocation>;

/// Reads none of them: for looks that judge nothing.
pub fn none_nested(_: &OsStr, _: &[Word], _: &Context) -> Option<Invocation> {
    None
}

/// What tools remember between their looks, by the type that they keep it in.
type Memory = Rc<RefCell<BTreeMap<TypeId, Rc<dyn Any>>>>;

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
    nested: ReadNested,
    memory: Memory,
    /// What holds only as long as the variables are the same.
    variables_memory: Memory,
}

impl Context {
    /// The process's own directory and variables: what a shim judges.
    pub fn live(nested: ReadNested) -> Self {
        Self {
            live: true,
            input: Input::Process,
            ..Self::new(nested, std::env::current_dir().ok(), Consult::Tools)
        }
    }

    /// A directory with the process's variables.
    pub fn new(nested: ReadNested, directory: Option<PathBuf>, consult: Consult) -> Self {
        Self {
            directory,
            consult,
            input: Input::Nothing,
            live: false,
            inherits: true,
            overlay: Vec::new(),
            nested,
            memory: Rc::default(),
            variables_memory: Rc::default(),
        }
    }

    /// No directory, no variables, nothing to consult: for examples and tests.
    pub fn nothing(nested: ReadNested) -> Self {
        Self {
            inherits: false,
            ..Self::new(nested, None, Consult::Nothing)
        }
    }

    /// A container or another machine: nothing can be asked about it.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        Self::nothing(self.nested)
    }

    /// Reads a command that this one would start, if guard knows its tool.
    pub fn nested(&self, name: &OsStr, arguments: &[Word]) -> Option<Invocation> {
        (self.nested)(name, arguments, self)
    }

    /// What was remembered in this type, for this command and those nested in it.
    pub fn remember<T: Default + 'static>(&self) -> Rc<T> {
        remembered(&self.memory)
    }

    /// The same for what holds only as long as the variables are the same.
    pub fn remember_variables<T: Default + 'static>(&self) -> Rc<T> {
        remembered(&self.variables_memory)
    }

    /// The same context, that remembers this of its variables.
    #[must_use]
    pub fn remembering_variables<T: 'static>(mut self, known: T) -> Self {
        let known: Rc<dyn Any> = Rc::new(known);
        self.variables_memory = Rc::new(RefCell::new(BTreeMap::from([(TypeId::of::<T>(), known)])));
        self
    }

    /// The same place with some variables set or, with `None`, removed.
    #[must_use]
    pub fn with_variables(mut self, variables: Vec<(OsString, Option<OsString>)>) -> Self {
        self.overlay.extend(variables);
        self.variables_memory = Rc::default();
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
            nested: self.nested,
            memory: Rc::clone(&self.memory),
            variables_memory: Rc::clone(&self.variables_memory),
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

fn remembered<T: Default + 'static>(memory: &Memory) -> Rc<T> {
    let mut memory = memory.borrow_mut();
    let known = memory
        .entry(TypeId::of::<T>())
        .or_insert_with(|| Rc::new(T::default()));
    // What stands under a type's own key is of that type.
    Rc::clone(known).downcast().unwrap_or_default()
}
