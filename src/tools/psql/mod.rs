//! psql: its options (psql(1), "Options") and the SQL that they bring along.

mod input;
pub mod sql;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use self::sql::{Kind, Source};
use crate::context::{Consult, Context, Input};
use crate::inputs::Origin;
use crate::invocation::{Invocation, Statement, Word};
use crate::tools::Tool;
use crate::tools::options::{GETOPT, Grammar};

const OPTIONS: &str = "a|echo-all A|no-align b|echo-errors c|command= d|dbname= e|echo-queries \
    E|echo-hidden f|file= F|field-separator= h|host= H|html l|list L|log-file= n|no-readline \
    o|output= p|port= P|pset= q|quiet R|record-separator= s|single-step S|single-line \
    t|tuples-only T|table-attr= U|username= v|set= variable= V|version w|no-password W|password \
    x|expanded X|no-psqlrc 1|single-transaction ?|help? csv z|field-separator-zero \
    0|record-separator-zero";

/// Options that say where the database is; a preview takes them along.
const SCOPE: [&str; 6] = [
    "--dbname",
    "--host",
    "--port",
    "--username",
    "--no-password",
    "--no-psqlrc",
];

/// More SQL than this is not read: it is then unknown.
pub(crate) const MAX_SQL: u64 = 32 << 20;
/// Files may include files; psql itself has no limit.
const MAX_INCLUDES: usize = 16;

/// Reads psql's arguments and the SQL of `-c`, `-f` and standard input.
pub fn read(arguments: &[Word], context: &Context) -> Invocation {
    let mut style = GETOPT;
    style.permutes = !context.has_variable("POSIXLY_CORRECT");
    let parsed = Grammar {
        options: OPTIONS,
        inherited: "",
        style,
    }
    .read(arguments);
    let mut invocation = Invocation::new(Tool::Psql);
    invocation.flags = parsed.flags;
    invocation.operands = parsed.operands;
    invocation.separator = parsed.separator;
    invocation.arguments = arguments.iter().map(|word| word.text.clone()).collect();
    invocation.inert = invocation.has_any(&["--help", "--version"]);
    for flag in &invocation.flags {
        if SCOPE.iter().any(|scope| flag.is(scope)) {
            invocation.scope.push(format!("--{}", flag.long).into());
            invocation.scope.extend(flag.value.clone());
        }
    }
    if !invocation.inert {
        read_sql(&mut invocation, arguments, context);
    }
    invocation
}

/// Gathers the statements of everything that psql would execute, in its order.
fn read_sql(invocation: &mut Invocation, arguments: &[Word], context: &Context) {
    let mut reader = Reader {
        variables: variables(invocation),
        statements: Vec::new(),
        context,
    };
    let flags = invocation.flags.clone();
    let mut given = false;
    for flag in &flags {
        let Some(value) = &flag.value else { continue };
        if flag.is("--command") {
            given = true;
            if is_known(value, arguments) {
                reader.text(value.as_encoded_bytes(), Source::Command, None, 0);
            } else {
                reader.unknown("part of the SQL is known only when it runs");
            }
        } else if flag.is("--file") {
            given = true;
            if value == "-" {
                reader.input();
            } else {
                reader.file(Path::new(value), 0);
            }
        } else if (flag.is("--output") || flag.is("--log-file"))
            && value.as_encoded_bytes().starts_with(b"|")
        {
            reader.push(Kind::Shell, 1, crate::sanitize::os(value), false);
        }
    }
    if !given && !invocation.has("--list") {
        reader.input();
    }
    let statements = reader.statements;
    invocation.statements = statements;
}

/// Whether an option's value came from words without unknown parts.
fn is_known(value: &OsStr, arguments: &[Word]) -> bool {
    !arguments
        .iter()
        .any(|word| !word.known && crate::shell::holds(&word.text, value))
}

fn variables(invocation: &Invocation) -> Vec<(String, String)> {
    invocation
        .flags
        .iter()
        .filter(|flag| flag.is("--set") || flag.is("--variable"))
        .filter_map(|flag| flag.text()?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

struct Reader<'a> {
    variables: Vec<(String, String)>,
    statements: Vec<Statement>,
    context: &'a Context,
}

impl Reader<'_> {
    fn push(&mut self, kind: Kind, line: usize, text: String, rolled_back: bool) {
        self.statements.push(Statement {
            kind: kind.name(),
            line,
            text,
            rolled_back,
        });
    }

    fn unknown(&mut self, why: &str) {
        self.push(Kind::Unknown, 1, why.to_owned(), false);
    }

    fn text(&mut self, text: &[u8], source: Source, from: Option<&Path>, depth: usize) {
        for statement in sql::read(text, source, &self.variables) {
            if statement.kind != Kind::Include {
                self.push(
                    statement.kind,
                    statement.line,
                    statement.text,
                    statement.rolled_back,
                );
                continue;
            }
            match &statement.object {
                Some(file) if depth < MAX_INCLUDES => {
                    // `\ir` is relative to the file that includes.
                    let relative = statement.text.starts_with("\\ir")
                        || statement.text.starts_with("\\include_relative");
                    let base = from.and_then(Path::parent).filter(|_| relative);
                    let file = base.map_or_else(|| PathBuf::from(file), |base| base.join(file));
                    self.file(&file, depth + 1);
                }
                _ => self.unknown("it includes a file that cannot be read"),
            }
        }
    }

    fn file(&mut self, file: &Path, depth: usize) {
        let found = self.context.in_directory(Some(file)).directory;
        let Some(found) = found.filter(|_| self.context.consult >= Consult::Files) else {
            self.unknown("the file is not read here");
            return;
        };
        match input::read_file(&found) {
            Ok(text) => self.text(&text, Source::Script, Some(file), depth),
            // psql stops at a missing file itself.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.context.live => {}
            Err(error) => self.unknown(&format!("{}: {error}", crate::sanitize::path(file))),
        }
    }

    fn input(&mut self) {
        match &self.context.input {
            Input::Nothing => {}
            Input::Unknown => self.unknown("the SQL comes from a pipe"),
            Input::Text(text) => {
                let text = text.clone();
                self.text(&text, Source::Script, None, 0);
            }
            Input::Process => match input::spool() {
                Ok(Some(text)) => self.text(&text, Source::Script, None, 0),
                // A terminal, or nothing at all.
                Ok(None) => {}
                Err(error) => self.unknown(&format!("standard input: {error}")),
            },
        }
    }
}

/// The files and the standard input whose SQL it runs; `files` are those of `-f`.
pub fn inputs(invocation: &Invocation, files: Vec<Origin>) -> Vec<Origin> {
    if files.is_empty() && !invocation.has_any(&["--command", "--list"]) {
        return vec![Origin::Input];
    }
    files
}

/// Puts a copy in the place of standard input, if that is a pipe.
///
/// # Errors
/// The system's reason; standard input may then have been read in part.
pub fn spool_input() -> std::io::Result<()> {
    input::spool().map(drop)
}

pub(crate) use input::nameless_file;

/// Whether all of its SQL only reads.
pub fn only_reads(invocation: &Invocation) -> bool {
    invocation
        .statements
        .iter()
        .all(|statement| statement.kind == Kind::Read.name())
        && !invocation.has_any(&["--output", "--log-file"])
}

#[cfg(test)]
mod tests;
