//! What one reading shares between the text, its substitutions and the
//! strings handed to further shells.

use std::collections::HashSet;
use std::mem;

use super::grammar::TextReader;
use super::scope::{Effects, State};
use super::{Command, Known, Script, Stdin};

/// How deep constructs may nest.
const DEPTH: u32 = 64;
/// The longest text that is read, in bytes.
const SOURCE: usize = 1 << 20;
/// How many commands are listed.
const COMMANDS: usize = 100_000;
/// Bytes that one reading may produce or read again (loops, braces, `eval`).
const BUDGET: usize = 24 << 20;
/// What each word costs beside its text.
pub(super) const WORD_COST: usize = 16;

/// Why reading stopped. The sentence for it is in [`Session::problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The text is not a program; a text around it can go on.
    Syntax,
    /// A limit was reached; nothing goes on.
    Limit,
}

/// The outcome of every step of reading.
pub(super) type Reading<T = ()> = Result<T, Stop>;

/// What a command inherits from the wrappers around the text it stands in.
#[derive(Clone, Debug)]
pub(super) struct Inherited {
    pub via: Vec<String>,
    pub notes: Vec<String>,
    pub remote: bool,
    pub other_path: bool,
    pub stdin: Stdin,
    /// A string that `xargs -I`, `find -exec` or `parallel` fills in.
    pub replace: Option<Vec<u8>>,
}

/// A point to come back to when a subshell ends.
pub(super) struct Mark {
    pub state: State,
    effects: Effects,
}

/// One reading.
pub(super) struct Session<'k> {
    pub known: &'k Known<'k>,
    pub out: Vec<Command>,
    pub problem: Option<String>,
    pub state: State,
    pub context: Inherited,
    /// Notes for the command whose words are being read.
    pub notes: Vec<String>,
    /// True when a word of that command stands for operands filled in later.
    pub filled: bool,
    pub effects: Effects,
    pub functions: HashSet<Vec<u8>>,
    pub function_effects: Effects,
    /// True while a loop body is read only for what it changes.
    pub quiet: bool,
    /// True when the text has a word that could change the directory.
    pub moves: bool,
    depth: u32,
    budget: usize,
}

impl<'k> Session<'k> {
    pub fn new(known: &'k Known<'k>, source: &[u8]) -> Self {
        Self {
            known,
            out: Vec::new(),
            problem: None,
            state: State::default(),
            context: Inherited {
                via: Vec::new(),
                notes: Vec::new(),
                remote: false,
                other_path: false,
                stdin: Stdin::Inherited,
                replace: None,
            },
            notes: Vec::new(),
            filled: false,
            effects: Effects::default(),
            functions: HashSet::new(),
            function_effects: Effects::default(),
            quiet: false,
            // Only asked for functions and traps, which need parentheses or the word.
            moves: source.len() <= SOURCE && may_move(source),
            depth: 0,
            budget: BUDGET,
        }
    }

    pub fn finish(self) -> Script {
        Script {
            commands: self.out,
            problem: self.problem,
        }
    }

    /// Reads a whole text in the present state.
    pub fn read_source(&mut self, source: &[u8]) -> Reading {
        if source.len() > SOURCE {
            return self.limit("the text is longer than 1 MiB");
        }
        TextReader::new(source, self).script()
    }

    /// Records the first problem and stops at a limit.
    pub fn limit<T>(&mut self, problem: &str) -> Reading<T> {
        self.problem.get_or_insert_with(|| problem.to_owned());
        Err(Stop::Limit)
    }

    /// Records the first problem and stops this text.
    pub fn syntax<T>(&mut self, problem: String) -> Reading<T> {
        self.problem.get_or_insert(problem);
        Err(Stop::Syntax)
    }

    /// One level deeper.
    pub fn enter(&mut self) -> Reading {
        if self.depth >= DEPTH {
            return self.limit("the text nests deeper than 64 levels");
        }
        self.depth += 1;
        Ok(())
    }

    /// One level up.
    pub fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// The present level, to come back to after a stop.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// Comes back to a level after a stop inside.
    pub fn set_depth(&mut self, depth: u32) {
        self.depth = depth;
    }

    /// Takes `cost` bytes from what this reading may produce.
    pub fn charge(&mut self, cost: usize) -> Reading {
        match self.budget.checked_sub(cost) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => self.limit("the text expands to more than guard lists"),
        }
    }

    /// Lists a command.
    pub fn push(&mut self, command: Command) -> Reading {
        if self.out.len() >= COMMANDS {
            return self.limit("the text runs more than 100,000 commands");
        }
        if !command.assignments.is_empty() || !command.notes.is_empty() || !command.via.is_empty() {
            let notes: usize = command.notes.iter().map(String::len).sum();
            let via: usize = command.via.iter().map(String::len).sum();
            let assigned: usize = command.assignments.iter().map(|a| a.value.text.len()).sum();
            let parts = command.notes.len() + command.via.len() + command.assignments.len();
            self.charge(notes + via + assigned + parts * WORD_COST)?;
        }
        self.out.push(command);
        Ok(())
    }

    /// Adds a note to the command being read, once.
    pub fn note(&mut self, note: &str) {
        add_note(&mut self.notes, note);
    }

    /// The point to come back to with [`Session::restore`].
    pub fn mark(&self) -> Mark {
        Mark {
            state: self.state.clone(),
            effects: self.effects.clone(),
        }
    }

    /// Forgets what a subshell did to the variables and the directory.
    pub fn restore(&mut self, mark: &Mark) {
        self.state.clone_from(&mark.state);
        self.effects.clone_from(&mark.effects);
    }

    /// Runs `body` in a subshell.
    pub fn subshell(&mut self, body: impl FnOnce(&mut Self) -> Reading) -> Reading {
        let mark = self.mark();
        body(self)?;
        self.restore(&mark);
        Ok(())
    }

    /// Forgets whatever `effects` touches.
    pub fn apply(&mut self, effects: &Effects) {
        self.state.apply(effects);
        self.effects.merge(effects);
    }

    /// Takes the notes gathered so far, to give them back after a substitution.
    pub fn take_notes(&mut self) -> (Vec<String>, bool) {
        (mem::take(&mut self.notes), mem::take(&mut self.filled))
    }
}

/// Adds a sentence once; a command with many unknown parts keeps the first 16.
pub(super) fn add_note(notes: &mut Vec<String>, note: &str) {
    if notes.len() < 16 && !notes.iter().any(|known| known == note) {
        notes.push(note.to_owned());
    }
}

/// True when the text defines code that runs later and could change the
/// directory in between: then that code's directory is unknown.
pub(super) fn may_move(source: &[u8]) -> bool {
    let later = source.contains(&b'(') || source.windows(4).any(|w| w == b"trap" || w == b"func");
    later
        && (source.windows(2).any(|w| w == b"cd")
            || source
                .windows(4)
                .any(|w| w == b"popd" || w == b"push" || w == b"eval" || w == b"sour"))
}
