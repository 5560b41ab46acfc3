//! Aliases of the CLI's own, from `~/.aws/cli/alias`: new names for commands, and shell commands.
//!
//! One may have the name of a service and then stands in front of it (`awscli/alias.py`); version 2 has
//! them for operations as well, in sections of their own.

use guard_ground::recent::Recent;
use std::rc::Rc;

use guard_core::context::{Consult, Context};
use guard_core::invocation::Word;
use guard_ground::ini::Dialect;

/// What an alias stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum Alias {
    /// Words of the CLI.
    Words(Vec<Word>),
    /// A shell command, which gets the rest of the line as its arguments.
    Shell(String),
}

/// The files of aliases that were read a moment ago.
type AliasFiles = Recent<Result<Option<Rc<str>>, ()>>;

/// The file of aliases, or nothing when there is none.
///
/// # Errors
/// When no file may be looked at, so that nothing is known.
pub fn load(context: &Context) -> Result<Option<Rc<str>>, ()> {
    if context.consult == Consult::Nothing {
        return Err(());
    }
    let Some(home) = context.value("HOME") else {
        return Ok(None);
    };
    let file = std::path::Path::new(&home).join(".aws/cli/alias");
    context
        .remember::<AliasFiles>()
        .get(&file, || match std::fs::read(&file) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(_) => Err(()),
        })
}

/// What a word stands for: the first of a command, or the one after the service `of`.
pub fn find(text: &str, of: Option<&str>, word: &str) -> Option<Alias> {
    let section = of.map_or_else(
        || "toplevel".to_owned(),
        |service| format!("command {service}"),
    );
    let value = Dialect::CONFIGPARSER.value(text, &section, word)?;
    if let Some(command) = value.trim_start().strip_prefix('!') {
        return Some(Alias::Shell(command.trim().to_owned()));
    }
    // What Python's shlex cannot split is an error of the CLI's.
    let words = shlex::split(&value)?;
    Some(Alias::Words(words.into_iter().map(Word::known).collect()))
}
