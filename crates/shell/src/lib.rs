//! Reads shell command strings and lists every simple command that they would
//! run. Nothing is ever executed, and no file is read except by [`expand_glob`].
//!
//! The grammar is that of the Bash Reference Manual (5.2) and of POSIX.1-2024,
//! XCU section 2. Wrappers (`sudo`, `xargs`, `bash -c`, …) are looked through
//! by the option tables of their manual pages, see `wrappers`.
//!
//! The reader interprets while it parses: it keeps the variables, the directory
//! and the positional parameters as far as the text alone tells them, and calls
//! everything else unknown.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

mod ansi;
mod brace;
mod builtins;
mod compound;
mod containers;
mod expansion;
mod glob;
mod grammar;
mod invoke;
mod launchers;
mod options;
mod parameters;
mod redirect;
mod scope;
mod session;
mod shells;
mod skip;
mod word;
mod wrappers;

#[cfg(test)]
mod tests;

pub use glob::expand_glob;

/// One word of a command after quote removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellWord {
    /// The text after quote removal, tilde and brace expansion. Parts that
    /// cannot be known are kept as their source text (`$X`, `$(date)`).
    pub text: OsString,
    /// False when some part is an expansion whose value cannot be known.
    pub known: bool,
    /// True when an unquoted unknown expansion may turn this word into no word
    /// or into several.
    pub splits: bool,
    /// When the word holds unquoted glob characters (`*`, `?`, `[…]`): the
    /// pattern, in which quoted special characters are escaped by a backslash.
    pub glob: Option<OsString>,
}

impl ShellWord {
    /// A word whose text is fully known and is no pattern.
    pub fn literal(text: impl Into<OsString>) -> Self {
        Self {
            text: text.into(),
            known: true,
            splits: false,
            glob: None,
        }
    }

    /// A word whose text cannot be known; `text` stands for it.
    pub(crate) fn unknown(text: impl Into<OsString>, splits: bool) -> Self {
        Self {
            text: text.into(),
            known: false,
            splits,
            glob: None,
        }
    }
}

/// A variable given to a command through its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The variable's name.
    pub name: String,
    /// Its value.
    pub value: ShellWord,
}

/// Where a command's standard input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stdin {
    /// The standard input of the whole script.
    Inherited,
    /// The output of the command before it in a pipeline.
    Pipe,
    /// The content of a here-document or here-string.
    Text(ShellWord),
    /// A file.
    File(ShellWord),
    /// Closed by `<&-`.
    Closed,
}

/// What a redirection does with its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// `<`
    Read,
    /// `>`, `>|`, `&>`: truncates the target.
    Write,
    /// `>>`, `&>>`
    Append,
    /// `<>`
    ReadWrite,
    /// `<&`, `>&` with a descriptor or `-` as the target.
    Duplicate,
}

/// One redirection. Here-documents and here-strings are in [`Stdin`] instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// What it does.
    pub kind: RedirectKind,
    /// The descriptor where one is written (`2>x`); none for the default one,
    /// for `&>` (both outputs) and for `{name}>x`.
    pub descriptor: Option<u32>,
    /// The file, or the descriptor to copy.
    pub target: ShellWord,
}

/// Where a command would run, relative to where the script starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directory {
    /// A path to join to the starting directory; empty means the same.
    Known(PathBuf),
    /// It cannot be known.
    Unknown,
}

impl Default for Directory {
    fn default() -> Self {
        Self::Known(PathBuf::new())
    }
}

/// A simple command that the text would run.
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The arguments with the command's name first and wrappers stripped.
    /// Empty for a command that only assigns or redirects.
    pub words: Vec<ShellWord>,
    /// The variables put in its environment by the text: exported earlier,
    /// written before the command, or given to `env`.
    pub assignments: Vec<Assignment>,
    /// Its redirections, in order.
    pub redirects: Vec<Redirect>,
    /// Its standard input.
    pub stdin: Stdin,
    /// Where it would run.
    pub directory: Directory,
    /// The wrappers looked through, the outermost first: `sudo`, `bash -c`.
    pub via: Vec<String>,
    /// Sentences for a person: what cannot be known about this and why.
    pub notes: Vec<String>,
    /// True when it runs on another machine or in a container.
    pub remote: bool,
    /// True when operands that cannot be known are added or filled in
    /// (`xargs`, `find -exec`, `parallel`).
    pub more_operands: bool,
    /// True when this is a wrapper whose command could not be found.
    pub uncertain: bool,
    /// True when a wrapper finds the program elsewhere than on the shell's PATH, so that it need not
    /// meet a shim: `command -p`, `env -i`, `sudo`, `busybox`.
    pub other_path: bool,
}

impl Default for Command {
    fn default() -> Self {
        Self {
            words: Vec::new(),
            assignments: Vec::new(),
            redirects: Vec::new(),
            stdin: Stdin::Inherited,
            directory: Directory::default(),
            via: Vec::new(),
            notes: Vec::new(),
            remote: false,
            more_operands: false,
            uncertain: false,
            other_path: false,
        }
    }
}

/// Everything that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The commands; those inside a substitution come before its user.
    pub commands: Vec<Command>,
    /// A sentence when part of the text could not be read. The commands read
    /// before that part are kept.
    pub problem: Option<String>,
}

/// What is known about the place where the text would run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The value of `$HOME`, for `~` and `cd` as well.
    pub home: Option<&'a Path>,
    /// The starting directory, for `$PWD`.
    pub directory: Option<&'a Path>,
}

/// Lists the commands that a shell would run for `source`.
#[must_use]
pub fn read(source: &str, known: &Known<'_>) -> Script {
    let mut session = session::Session::new(known, source.as_bytes());
    // A stop has left its reason in the session.
    let _ = session.read_source(source.as_bytes());
    session.finish()
}

/// Lists the commands that running `words` directly, with no shell, would run:
/// only wrappers are looked through.
#[must_use]
pub fn read_argv(words: Vec<ShellWord>, known: &Known<'_>) -> Script {
    let mut session = session::Session::new(known, b"");
    let _ = session.invoke(invoke::Run {
        command: Command {
            words,
            ..Command::default()
        },
        ..invoke::Run::default()
    });
    session.finish()
}

impl From<&ShellWord> for guard_core::invocation::Word {
    fn from(word: &ShellWord) -> Self {
        Self {
            text: word.text.clone(),
            known: word.known,
        }
    }
}

impl From<&guard_core::invocation::Word> for ShellWord {
    fn from(word: &guard_core::invocation::Word) -> Self {
        Self {
            text: word.text.clone(),
            known: word.known,
            splits: false,
            glob: None,
        }
    }
}
