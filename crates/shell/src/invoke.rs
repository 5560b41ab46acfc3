//! The wrapper pass: from a command as written to the command that runs.

use std::ffi::OsStr;
use std::mem;

use super::expansion::bytes;
use super::grammar::{TextReader, source_text};
use super::scope::{Parameters, State, moved};
use super::session::{Inherited, Mark, Reading, Session, Stop, add_note, may_move};
use super::wrappers::Look;
use super::{Assignment, Command, Directory, ShellWord, Stdin, wrappers};

/// How many wrappers one command may stand behind.
const WRAPPERS: usize = 32;

/// A command on its way through the wrappers.
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent")]
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    pub command: Command,
    /// True while builtins act on the shell that is being read.
    pub in_shell: bool,
    /// True when `exec` has just put the command in the shell's place.
    pub ends_shell: bool,
    /// True when it runs as another user or on another machine.
    pub foreign: bool,
    /// The string that `xargs -I` or the like replaces in its words.
    pub replace: Option<Vec<u8>>,
    /// True when operands that cannot be known follow its words.
    pub appends: bool,
    /// How many of its assignments do not reach it, as `sudo` drops them.
    pub dropped: usize,
}

/// What a wrapper made of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is the command that runs.
    Leaf,
    /// The wrapper is stripped; look again.
    Again,
    /// Everything is listed.
    Done,
}

/// The shell that reads a string.
pub(super) enum Child {
    /// The same shell (`eval`).
    Same,
    /// The same shell, but later (`trap`).
    Later,
    /// A new one, with its positional parameters when they are known.
    New(Option<Parameters>),
}

impl Run {
    /// The words of the command.
    pub fn words(&self) -> &[ShellWord] {
        &self.command.words
    }

    /// The text of one word; empty when there is none.
    pub fn text(&self, index: usize) -> &[u8] {
        let word = self.command.words.get(index);
        word.map(|w| bytes(&w.text)).unwrap_or_default()
    }

    /// Drops the words before `at`, which belonged to a wrapper.
    pub fn strip(&mut self, at: usize, via: impl Into<String>) {
        let at = at.min(self.command.words.len());
        self.command.words.drain(..at);
        self.command.via.push(via.into());
        self.in_shell = false;
    }

    /// Adds a note, once.
    pub fn note(&mut self, note: &str) {
        add_note(&mut self.command.notes, note);
    }

    /// It cannot be told which command the wrapper runs.
    pub fn unclear(&mut self, wrapper: &str) -> Step {
        self.command.uncertain = true;
        self.note(&format!("guard cannot tell which command {wrapper} runs"));
        Step::Leaf
    }

    /// The wrapper changes to a directory first.
    pub fn change_directory(&mut self, target: &ShellWord) {
        self.command.directory = if target.known && target.glob.is_none() {
            moved(&self.command.directory, target.text.as_ref(), true)
        } else {
            Directory::Unknown
        };
    }

    /// The wrapper runs it in a directory that cannot be known.
    pub fn lose_directory(&mut self) {
        self.command.directory = Directory::Unknown;
        self.note("the directory that this runs in cannot be known");
    }

    /// It runs on another machine or in a container.
    pub fn goes_away(&mut self) {
        self.command.remote = true;
        self.foreign = true;
        self.lose_directory();
        self.dropped = self.command.assignments.len();
    }

    /// Moves leading `NAME=value` words, from `at`, to the assignments, and
    /// gives the index after them.
    pub fn assign_words(&mut self, mut at: usize) -> usize {
        while let Some(word) = self.command.words.get(at) {
            let text = bytes(&word.text);
            let Some(equals) = text.iter().position(|b| *b == b'=').filter(|e| *e > 0) else {
                break;
            };
            let name = String::from_utf8_lossy(text.get(..equals).unwrap_or_default());
            let value = ShellWord {
                text: source_text(text.get(equals + 1..).unwrap_or_default()),
                ..word.clone()
            };
            let name = name.into_owned();
            self.command.assignments.retain(|a| a.name != name);
            self.command.assignments.push(Assignment { name, value });
            at += 1;
        }
        at
    }

    /// Words from `at` joined by blanks, as `eval` and `ssh` do.
    pub fn join(&self, at: usize) -> ShellWord {
        let mut text = Vec::new();
        let mut known = true;
        for (index, word) in self.words().iter().skip(at).enumerate() {
            if index > 0 {
                text.push(b' ');
            }
            text.extend_from_slice(bytes(&word.text));
            known &= word.known && word.glob.is_none();
        }
        ShellWord {
            known,
            ..ShellWord::literal(source_text(&text))
        }
    }

    /// Marks the words that hold `replace` as filled in by a wrapper.
    pub fn fill_in(&mut self, replace: &[u8], splits: bool) {
        for word in &mut self.command.words {
            if holds(&word.text, replace) {
                word.known = false;
                word.splits |= splits;
            }
        }
    }
}

impl Session<'_> {
    /// Looks through the wrappers of a command and lists what runs.
    pub(super) fn invoke(&mut self, mut run: Run) -> Reading {
        for _ in 0..WRAPPERS {
            match self.step(&mut run)? {
                Step::Again => {}
                Step::Leaf => return self.leaf(run),
                Step::Done => return Ok(()),
            }
        }
        run.unclear("this chain of wrappers");
        self.leaf(run)
    }

    /// Looks through one wrapper.
    fn step(&mut self, run: &mut Run) -> Reading<Step> {
        let Some(first) = run.command.words.first() else {
            return Ok(Step::Leaf);
        };
        if !first.known || first.glob.is_some() {
            return Ok(Step::Leaf);
        }
        let text = bytes(&first.text);
        if run.in_shell && !self.functions.is_empty() && self.functions.contains(text) {
            run.note("this is a function; its commands are listed where it is defined");
            self.call_function();
            self.push(mem::take(&mut run.command))?;
            return Ok(Step::Done);
        }
        let Some(wrapper) = wrappers::find(base_name(text)) else {
            return Ok(Step::Leaf);
        };
        let step = match wrapper.look {
            Look::Strip(look) => look(run, wrapper),
            Look::Read(look) => look(self, run, wrapper)?,
        };
        if mem::take(&mut run.ends_shell) {
            self.effects.jumps = true;
            self.state.ended = true;
        }
        Ok(step)
    }

    /// Lists a command that no wrapper hides any more.
    fn leaf(&mut self, mut run: Run) -> Reading {
        match run.command.words.first() {
            Some(first) if !first.known || first.glob.is_some() => {
                run.note("which command this runs cannot be known");
            }
            Some(_) => wrappers::annotate(&mut run),
            None => {}
        }
        if run.in_shell {
            self.builtin(&run.command);
        }
        self.push(run.command)
    }

    /// Lists a further command behind `run`'s wrapper, as `find -exec` has.
    pub(super) fn branch(&mut self, run: Run) -> Reading {
        self.enter()?;
        self.invoke(run)?;
        self.leave();
        Ok(())
    }

    /// Reads a string that a wrapper hands to a shell. Text that is no program
    /// is a problem of the script, but what follows is still read.
    pub(super) fn reread(
        &mut self,
        run: &Run,
        text: &ShellWord,
        label: impl Into<String>,
        child: Child,
    ) -> Reading {
        self.redirected(run)?;
        self.charge(text.text.len())?;
        self.moves = self.moves || may_move(bytes(&text.text));
        let mark = self.mark();
        let saved = (self.depth(), self.quiet, self.take_notes());
        self.enter()?;
        let context = mem::replace(&mut self.context, child_context(run, label.into()));
        if self.context.replace.is_none() {
            self.context.replace.clone_from(&context.replace);
        }
        let same = matches!(child, Child::Same);
        let distrust = self.state.distrust;
        match child {
            Child::Same => self.state.distrust |= !text.known,
            Child::Later => {
                let moves = self.moves;
                self.state.later(moves);
                self.state.distrust |= !text.known;
            }
            Child::New(parameters) => {
                self.state = child_state(run, parameters);
                self.state.distrust = distrust || !text.known;
            }
        }
        let outcome = TextReader::new(bytes(&text.text), self).script();
        let (depth, quiet, (notes, filled)) = saved;
        self.context = context;
        self.set_depth(depth);
        (self.notes, self.filled) = (notes, filled);
        if outcome == Err(Stop::Limit) {
            return outcome;
        }
        self.after_reading(same, outcome.is_err(), text, &mark);
        self.state.distrust = distrust;
        self.quiet = quiet;
        Ok(())
    }

    /// The state after a string was read.
    fn after_reading(&mut self, same: bool, failed: bool, text: &ShellWord, mark: &Mark) {
        if !same || failed {
            self.restore(mark);
        }
        if same && (failed || !text.known) {
            self.effects.everything = true;
            self.state.forget_everything();
        }
    }

    /// Lists the redirections of a wrapper whose string is read apart.
    fn redirected(&mut self, run: &Run) -> Reading {
        if run.command.redirects.is_empty() {
            return Ok(());
        }
        self.push(Command {
            words: Vec::new(),
            assignments: Vec::new(),
            ..run.command.clone()
        })
    }

    /// The variables of the text that a command inherits.
    pub(super) fn environment(&self) -> Vec<Assignment> {
        let exported = self.state.exported().map(|variable| {
            let name = String::from_utf8_lossy(&variable.name).into_owned();
            let value = match &variable.value {
                Some(value) if !self.state.distrust => ShellWord::literal(source_text(value)),
                _ => ShellWord::unknown(format!("${name}"), false),
            };
            Assignment { name, value }
        });
        exported.collect()
    }
}

/// What the commands of a string inherit from its wrapper.
fn child_context(run: &Run, label: String) -> Inherited {
    let mut via = run.command.via.clone();
    via.push(label);
    Inherited {
        via,
        notes: run.command.notes.clone(),
        remote: run.command.remote,
        other_path: run.command.other_path,
        stdin: run.command.stdin.clone(),
        replace: run.replace.clone(),
    }
}

/// The state of a new shell: it has the exported variables only.
fn child_state(run: &Run, parameters: Option<Parameters>) -> State {
    let mut state = State {
        directory: run.command.directory.clone(),
        parameters: parameters.map(std::rc::Rc::new),
        foreign: run.foreign,
        ..State::default()
    };
    for assignment in run.command.assignments.iter().skip(run.dropped) {
        let known = assignment.value.known && assignment.value.glob.is_none();
        let value = known.then(|| bytes(&assignment.value.text).into());
        state.assign(assignment.name.as_bytes(), value, true);
    }
    state.separators_changed = false;
    state
}

/// The part of a path after its last slash.
pub(super) fn base_name(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|b| *b == b'/');
    path.get(slash.map_or(0, |at| at + 1)..).unwrap_or_default()
}

/// True when `text` holds `part`.
pub(super) fn holds(text: &OsStr, part: &[u8]) -> bool {
    contains(bytes(text), part)
}

/// True when `text` holds `part`.
pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}

/// The standard input as text, for a shell that reads its commands from it.
pub(super) fn input_text(stdin: &Stdin) -> Option<&ShellWord> {
    match stdin {
        Stdin::Text(text) => Some(text),
        _ => None,
    }
}
