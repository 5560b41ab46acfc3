//! What every tool's argv becomes: one shape for rules, previews and messages to read.

use std::any::Any;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::rc::Rc;

use crate::name::ToolName;
use crate::stamps::StampedInput;

/// One argument as the tool receives it.
///
/// In a shim every argument is known. In a command string that `guard explain` reads, an argument
/// may hold an expansion whose value only the shell will know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The argument; unknown parts stand as their source text (`$X`).
    pub text: OsString,
    /// False when some part of the text is an expansion that cannot be known.
    pub known: bool,
}

impl Word {
    /// A fully known argument.
    pub fn known(text: impl Into<OsString>) -> Self {
        Self {
            text: text.into(),
            known: true,
        }
    }

    /// The argument's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.text.as_encoded_bytes()
    }
}

/// The known words of a list of strings; for examples, configuration and tests.
pub fn words<S: AsRef<OsStr>>(texts: &[S]) -> Vec<Word> {
    texts.iter().map(Word::known).collect()
}

/// One option after the grammar has normalised it: bundles split, abbreviations expanded, the
/// short and the long spelling brought together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The long name without dashes; empty when the option has none.
    pub long: Cow<'static, str>,
    /// The short name; 0 when the option has none.
    pub short: u8,
    /// The value, if one was given.
    pub value: Option<OsString>,
    /// False when the grammar has no such option: it is kept as written.
    pub familiar: bool,
}

impl Flag {
    /// Whether this is the option that a rule or the code names, in either spelling
    /// (`--force`, `-f`; for tools with single-dash options also `-auto-approve`).
    pub fn is(&self, spelling: &str) -> bool {
        if let Some(long) = spelling.strip_prefix("--") {
            return !long.is_empty() && self.long == long;
        }
        match spelling.strip_prefix('-').map(str::as_bytes) {
            Some([short]) => self.short == *short,
            Some(_) => self.long == spelling[1..],
            None => false,
        }
    }

    /// The value as text, when there is one and it is UTF-8.
    pub fn text(&self) -> Option<&str> {
        self.value.as_deref().and_then(OsStr::to_str)
    }
}

/// One command as the tool itself would read it.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Which tool reads it.
    pub tool: ToolName,
    /// The words that say what to do (`["stash", "drop"]`, `["s3", "rm"]`); empty for rm and psql.
    pub verb: Vec<Cow<'static, str>>,
    /// The options, normalised, in order; negated ones removed.
    pub flags: Vec<Flag>,
    /// Everything that is neither verb nor option nor an option's value.
    pub operands: Vec<Word>,
    /// How many of the operands stood before a `--`; `None` without one.
    pub separator: Option<usize>,
    /// Global options with their values, as written: a preview takes them along.
    pub scope: Vec<OsString>,
    /// The arguments after verb and global options, as the verb receives them.
    pub arguments: Vec<OsString>,
    /// The directory that the tool changes to first (`git -C`, `terraform -chdir`).
    pub directory: Option<PathBuf>,
    /// Help, version or the tool's own dry run: nothing can happen.
    pub inert: bool,
    /// SQL or other commands that this one would run, in the words of their own grammar.
    pub nested: Vec<Nested>,
    /// What the statement matcher reads: kinds of SQL statements, in order.
    pub statements: Vec<JudgedStatement>,
    /// What it reads besides its arguments and runs.
    pub inputs: Vec<StampedInput>,
    /// Why it must not run whatever anybody says: part of its input has been read and is gone.
    pub obstacle: Option<String>,
    /// What it does, in the words of its tool's table of operations (`delete`); empty without one.
    pub operation: &'static str,
    /// Something that decides what it does could not be read.
    pub unread: bool,
    /// What its tool's grammar keeps for its tool's preview.
    pub own: Option<Rc<dyn Any>>,
    /// What the grammar could not know, in plain sentences.
    pub doubts: Vec<String>,
}

/// A command inside a command (`!` aliases, `rebase --exec`, `kubectl exec --`).
#[derive(Clone, Debug)]
pub struct Nested {
    /// How it is reached, for messages: `alias.wipe`.
    pub via: String,
    /// The command.
    pub invocation: Invocation,
    /// The directory it runs in, relative to the outer command's.
    pub directory: Option<PathBuf>,
    /// It runs in a container or on another machine: nothing here says what it would find.
    pub elsewhere: bool,
}

/// One SQL statement, as far as rules need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedStatement {
    /// Its kind, in the words that rules use (`drop-table`).
    pub kind: &'static str,
    /// The line where it starts, from 1.
    pub line: usize,
    /// A short excerpt.
    pub text: String,
    /// What it stands in: a file, standard input; empty for an argument.
    pub from: String,
    /// True when a transaction that is rolled back holds it.
    pub rolled_back: bool,
    /// Of an unknown one: why, as a plain sentence.
    pub why: Option<&'static str>,
    /// It as the server gets it, for the preview; only of what destroys.
    pub sql: Option<String>,
}

impl Invocation {
    /// An empty invocation of the tool that guard knows by this name.
    pub fn new(tool: &'static str) -> Self {
        Self {
            tool: ToolName::known(tool),
            verb: Vec::new(),
            flags: Vec::new(),
            operands: Vec::new(),
            separator: None,
            scope: Vec::new(),
            arguments: Vec::new(),
            directory: None,
            inert: false,
            nested: Vec::new(),
            statements: Vec::new(),
            inputs: Vec::new(),
            obstacle: None,
            operation: "",
            unread: false,
            own: None,
            doubts: Vec::new(),
        }
    }

    /// What the tool's grammar kept, if it kept something of this type.
    pub fn own<T: 'static>(&self) -> Option<&T> {
        self.own.as_deref()?.downcast_ref()
    }

    /// The last flag of this spelling: where a tool takes the last word, so does guard.
    pub fn flag(&self, spelling: &str) -> Option<&Flag> {
        self.flags.iter().rev().find(|flag| flag.is(spelling))
    }

    /// Whether the flag was given.
    pub fn has(&self, spelling: &str) -> bool {
        self.flag(spelling).is_some()
    }

    /// Whether any of these flags was given.
    pub fn has_any(&self, spellings: &[&str]) -> bool {
        spellings.iter().any(|spelling| self.has(spelling))
    }

    /// Whether the verb is exactly these words.
    pub fn verb_is(&self, words: &[&str]) -> bool {
        self.verb.len() == words.len() && self.verb.iter().zip(words).all(|(a, b)| a == b)
    }

    /// The verb's first word, or nothing.
    pub fn verb_name(&self) -> &str {
        self.verb.first().map_or("", |word| word)
    }

    /// Operands before a `--` (all of them without one).
    pub fn before_separator(&self) -> &[Word] {
        let end = self.separator.unwrap_or(self.operands.len());
        self.operands.get(..end).unwrap_or_default()
    }

    /// Operands after a `--`.
    pub fn after_separator(&self) -> &[Word] {
        self.separator
            .and_then(|at| self.operands.get(at..))
            .unwrap_or_default()
    }

    /// Adds a doubt once.
    pub fn doubt(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if !self.doubts.contains(&sentence) {
            self.doubts.push(sentence);
        }
    }
}
