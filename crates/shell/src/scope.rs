//! What is known about the shell's variables, directory and parameters.

use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::{Directory, ShellWord};

/// How many variables are kept; further ones stay unknown.
const VARIABLES: usize = 256;
/// The longest value kept, in bytes.
const VALUE: usize = 64 << 10;

/// A variable that the text has assigned or exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub name: Rc<[u8]>,
    /// None when it was set to something unknown.
    pub value: Option<Rc<[u8]>>,
    pub exported: bool,
}

/// The positional parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    /// `$0`
    pub zero: Option<ShellWord>,
    /// `$1` and on.
    pub list: Vec<ShellWord>,
    /// True when further ones follow that cannot be known.
    pub more: bool,
}

/// The state of one shell while its text is read.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent")]
pub(super) struct State {
    /// Sorted by name. A variable that is missing is unknown, except `HOME`
    /// and `PWD`, which then have the values the caller gave.
    pub variables: Rc<Vec<Variable>>,
    pub directory: Directory,
    /// True when the directory is right only if commands joined by `&&` succeeded.
    pub assumed: bool,
    pub parameters: Option<Rc<Parameters>>,
    /// `set -a`
    pub export_all: bool,
    /// `IFS` was assigned, so splitting cannot be foretold.
    pub separators_changed: bool,
    /// The text itself holds unknown parts, so no variable can be trusted.
    pub distrust: bool,
    /// `exit`, `return`, `break` or the like was run.
    pub ended: bool,
    /// Another user or machine: the caller's home and directory do not apply.
    pub foreign: bool,
}

/// What a piece of text may change, for loops and functions.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent")]
pub(super) struct Effects {
    /// False when nobody asks.
    pub recording: bool,
    pub names: Rc<Vec<Rc<[u8]>>>,
    pub directory: bool,
    pub everything: bool,
    pub parameters: bool,
    /// `break`, `continue`, `return` or `exit`.
    pub jumps: bool,
}

impl Effects {
    /// Effects that are being recorded.
    pub fn recording() -> Self {
        Self {
            recording: true,
            ..Self::default()
        }
    }

    /// Records that `name` was assigned.
    pub fn name(&mut self, name: &[u8]) {
        if self.recording && !self.names.iter().rev().take(8).any(|n| **n == *name) {
            Rc::make_mut(&mut self.names).push(name.into());
        }
    }

    /// Adds the effects of a part, which was recorded apart.
    pub fn merge(&mut self, part: &Self) {
        if self.recording {
            if !part.names.is_empty() {
                Rc::make_mut(&mut self.names).extend(part.names.iter().cloned());
            }
            self.directory |= part.directory;
            self.everything |= part.everything;
            self.parameters |= part.parameters;
            self.jumps |= part.jumps;
        }
    }
}

impl State {
    /// The variable the text has assigned, when it has.
    pub fn variable(&self, name: &[u8]) -> Option<&Variable> {
        let at = self.variables.binary_search_by(|v| (*v.name).cmp(name));
        at.ok().and_then(|at| self.variables.get(at))
    }

    /// The variables that commands inherit. PATH is among them wherever a shell is started.
    pub fn exported(&self) -> impl Iterator<Item = &Variable> {
        let inherited = |v: &&Variable| v.exported || *v.name == *b"PATH";
        self.variables.iter().filter(inherited)
    }

    /// Sets a variable; `exported` true exports it, false leaves that as it is.
    pub fn assign(&mut self, name: &[u8], value: Option<Rc<[u8]>>, exported: bool) {
        if name == b"IFS" {
            self.separators_changed = true;
        }
        let value = value.filter(|v| v.len() <= VALUE);
        let exported = exported || self.export_all || name == b"PATH" || name == b"HOME";
        match self.variables.binary_search_by(|v| (*v.name).cmp(name)) {
            Ok(at) => {
                if let Some(variable) = Rc::make_mut(&mut self.variables).get_mut(at) {
                    variable.value = value;
                    variable.exported |= exported;
                }
            }
            Err(at) if self.variables.len() < VARIABLES || has_default(name) => {
                if value.is_some() || exported || has_default(name) {
                    let name = name.into();
                    Rc::make_mut(&mut self.variables).insert(
                        at,
                        Variable {
                            name,
                            value,
                            exported,
                        },
                    );
                }
            }
            Err(_) => {}
        }
    }

    /// Removes a variable from the environment (`unset`, `export -n`).
    pub fn withdraw(&mut self, name: &[u8]) {
        if let Ok(at) = self.variables.binary_search_by(|v| (*v.name).cmp(name)) {
            if has_default(name) {
                self.assign(name, None, false);
            } else if at < self.variables.len() {
                Rc::make_mut(&mut self.variables).remove(at);
            }
        } else if has_default(name) {
            self.assign(name, None, false);
        }
    }

    /// From here on every variable is unknown.
    pub fn forget_variables(&mut self) {
        if !self.variables.is_empty() {
            let variables = Rc::make_mut(&mut self.variables);
            variables.retain(|v| v.exported || has_default(&v.name));
            for variable in variables {
                variable.value = None;
            }
        }
    }

    /// From here on nothing is known.
    pub fn forget_everything(&mut self) {
        self.forget_variables();
        self.directory = Directory::Unknown;
        self.parameters = None;
        self.separators_changed = true;
    }

    /// Forgets what a text with these effects may have changed.
    pub fn apply(&mut self, effects: &Effects) {
        if effects.everything {
            self.forget_everything();
        }
        for name in effects.names.iter() {
            self.assign(name, None, false);
        }
        if effects.directory {
            self.directory = Directory::Unknown;
        }
        if effects.parameters {
            self.parameters = None;
        }
    }

    /// What is known when either this state or `other` holds.
    pub fn join(mut self, other: &Self) -> Self {
        if other.ended {
            return self;
        }
        if self.ended {
            return other.clone();
        }
        self.join_variables(other);
        if self.directory != other.directory {
            self.directory = Directory::Unknown;
        }
        if self.parameters != other.parameters {
            self.parameters = None;
        }
        self.assumed |= other.assumed;
        self.export_all |= other.export_all;
        self.separators_changed |= other.separators_changed;
        self
    }

    /// Keeps the variables on which this state and `other` agree.
    pub fn join_variables(&mut self, other: &Self) {
        if Rc::ptr_eq(&self.variables, &other.variables) {
            return;
        }
        let mut joined = Vec::with_capacity(self.variables.len());
        let mut left = self.variables.iter().peekable();
        let mut right = other.variables.iter().peekable();
        loop {
            let order = match (left.peek(), right.peek()) {
                (Some(l), Some(r)) => l.name.cmp(&r.name),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (None, None) => break,
            };
            let one = if order.is_gt() { None } else { left.next() };
            let two = if order.is_lt() { None } else { right.next() };
            let value = match (one, two) {
                (Some(l), Some(r)) if l.value == r.value => l.value.clone(),
                _ => None,
            };
            let exported = one.is_some_and(|v| v.exported) || two.is_some_and(|v| v.exported);
            if let Some(some) = one.or(two)
                && (value.is_some() || exported || has_default(&some.name))
            {
                joined.push(Variable {
                    name: some.name.clone(),
                    value,
                    exported,
                });
            }
        }
        self.variables = Rc::new(joined);
    }
}

/// `HOME` and `PWD` have a value before the text assigns one.
fn has_default(name: &[u8]) -> bool {
    name == b"HOME" || name == b"PWD"
}

/// Where `cd target` leads. Without `physical` the shell takes `..` off the
/// path's text (POSIX, `cd`, step 8), which needs no look at the disk.
pub(super) fn moved(from: &Directory, target: &Path, physical: bool) -> Directory {
    let mut path = match from {
        _ if target.is_absolute() => PathBuf::new(),
        Directory::Known(path) => path.clone(),
        Directory::Unknown => return Directory::Unknown,
    };
    if physical {
        path.push(target);
        return Directory::Known(path);
    }
    for part in target.components() {
        match part {
            Component::ParentDir => match path.components().next_back() {
                Some(Component::Normal(_)) => {
                    path.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => path.push(".."),
            },
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    Directory::Known(path)
}
