//! Reads SQL as psql would receive it and says what kinds of statements it
//! holds. Nothing is executed and no file is opened.
//!
//! Two lexers work one after the other, because psql and the server do not
//! always agree. `scan` reads as psql does: it finds where psql sends a text,
//! which backslash commands it acts on and which variables it replaces.
//! `split` then reads each text as the server does and classifies its
//! statements. Sources: the manual of `PostgreSQL` 17 and 18, `man psql`,
//! `psqlscan.l`, `psqlscanslash.l` and `mainloop.c`.

mod act;
pub mod actions;
mod changes;
mod classify;
mod commands;
mod ddl;
mod facts;
mod functions;
mod kinds;
mod lexer;
mod lines;
mod plain;
mod psql;
mod query;
mod scan;
mod slash;
mod split;
#[cfg(test)]
mod tests;
mod transaction;
mod tree;
mod variables;
mod words;

pub use changes::Changes;
pub use kinds::StatementKind;
pub use lines::Lines;

/// How psql receives the text.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum TextSource {
    /// With `-c`: one backslash command, or SQL that goes to the server as it
    /// is, without variables.
    Command,
    /// With `-f` or on standard input.
    Script,
}

/// One statement or backslash command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SqlStatement {
    /// The most destructive of the things it does.
    pub kind: StatementKind,
    /// The line on which it starts, from 1.
    pub line: usize,
    /// It in one line of at most 200 characters, without comments.
    pub text: String,
    /// What it is done to, as written, if exactly one thing is named: a table,
    /// schema or database, a file, a shell command.
    pub object: Option<String>,
    /// Of `Kind::Unknown`: the reason, a plain sentence.
    pub why: Option<&'static str>,
    /// It destroys, and stands in a transaction that provably ends in ROLLBACK.
    pub rolled_back: bool,
    /// It as the server gets it, if it destroys and previews can read it.
    pub sql: Option<String>,
    /// What it changes for the statements after it.
    pub changes: Changes,
}

/// Reads a text. `variables` are psql's, from `-v` and earlier `\set`.
///
/// A statement that destroys and of which something is not known as well, such
/// as an unset variable, gives two entries: the kind that is known, and
/// `Kind::Unknown`.
#[must_use]
pub fn read(source: &[u8], from: TextSource, variables: &[(String, String)]) -> Vec<SqlStatement> {
    psql::read(Lines::of(source), from, &mut variables.to_vec())
}

/// As [`read`], from a source of any length, in constant memory; `variables` become psql's after it.
#[must_use]
pub fn read_all(
    source: Lines<'_>,
    from: TextSource,
    variables: &mut Vec<(String, String)>,
) -> Vec<SqlStatement> {
    psql::read(source, from, variables)
}
