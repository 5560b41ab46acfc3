//! psql: its options (psql(1), "Options") and the SQL that they bring along.

mod ask;
pub mod backup;
pub mod harden;
pub mod preview;
mod reader;
pub mod service;
mod startup;

use std::ffi::OsStr;
use std::path::Path;

use self::reader::ScriptReader;
use guard_core::context::Context;
use guard_core::environment::Signals;
use guard_core::grammar::options::{GETOPT, Grammar};
use guard_core::invocation::{Invocation, Word};
use guard_core::kept::Kept;
use guard_core::preview::Preview;
use guard_core::stamps::StampedInput;
use guard_core::tool::{Origin, Scene, Tool};
use guard_sql::{StatementKind, TextSource};
use guard_store::manifest::Part;

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

/// psql.
pub struct Psql;

impl Tool for Psql {
    fn name(&self) -> &'static str {
        "psql"
    }

    fn read(&self, arguments: &[Word], context: &Context) -> Invocation {
        read(arguments, context)
    }

    fn only_reads(&self, invocation: &Invocation) -> bool {
        only_reads(invocation)
    }

    fn inputs(&self, invocation: &Invocation) -> Vec<Origin> {
        inputs(invocation, Origin::of_flags(invocation, &["--file"], false))
    }

    fn runs_input(&self) -> bool {
        true
    }

    fn variables(&self) -> &'static [&'static str] {
        &["PG", "PSQLRC", "HOME", "POSIXLY_CORRECT"]
    }

    fn signals(&self, invocation: &Invocation, context: &Context, signals: &mut Signals) {
        signals.flags(invocation, &["--host", "--dbname", "--username"]);
        signals.operands(invocation);
        for value in service::values(invocation, context) {
            signals.push("service", value.as_ref());
        }
        let own = ["PGHOST", "PGDATABASE", "PGUSER", "PGSERVICE", "PGHOSTADDR"];
        signals.variables(context, &own);
    }

    fn measure(&self, invocation: &Invocation, scene: &Scene<'_>) -> Preview {
        preview::measure(invocation, scene.context, scene.budget)
    }

    fn revive(&self, part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
        backup::revive(part)
    }
}

/// Reads psql's arguments and the SQL of psqlrc files, `-c`, `-f` and standard input.
pub fn read(arguments: &[Word], context: &Context) -> Invocation {
    let mut style = GETOPT;
    style.permutes = !context.has_variable("POSIXLY_CORRECT");
    let parsed = Grammar {
        options: OPTIONS,
        inherited: "",
        style,
    }
    .read(arguments);
    let mut invocation = Invocation::new("psql");
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
    let mut reader = ScriptReader::new(variables(invocation), context);
    let lists = invocation.has("--list");
    if !invocation.has("--no-psqlrc") {
        for file in startup::files(context) {
            reader.startup(&file);
        }
    }
    let mut given = false;
    for flag in &invocation.flags {
        let Some(value) = &flag.value else { continue };
        if flag.is("--command") {
            given = true;
            if is_known(value, arguments) {
                reader.text(value.as_encoded_bytes(), TextSource::Command);
            } else {
                reader.unknown("part of the SQL is known only when it runs");
            }
        } else if flag.is("--file") {
            given = true;
            if is_input(value) {
                reader.input();
            } else {
                reader.file(Path::new(value), 0);
            }
        } else if (flag.is("--output") || flag.is("--log-file"))
            && value.as_encoded_bytes().starts_with(b"|")
        {
            reader.shell(value);
        }
    }
    if !given && !lists {
        reader.input();
    }
    reader.finish(invocation);
}

/// Names of standard input.
fn is_input(file: &OsStr) -> bool {
    ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]
        .iter()
        .any(|name| file == *name)
}

/// Whether an option's value came from words without unknown parts.
fn is_known(value: &OsStr, arguments: &[Word]) -> bool {
    !arguments
        .iter()
        .any(|word| !word.known && guard_ground::path::holds(&word.text, value))
}

fn variables(invocation: &Invocation) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> = invocation
        .flags
        .iter()
        .filter(|flag| flag.is("--set") || flag.is("--variable"))
        .filter_map(|flag| flag.text()?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    if invocation.has("--single-line") {
        variables.push(("SINGLELINE".to_owned(), "on".to_owned()));
    }
    variables
}

/// The files and the standard input whose SQL it runs; `files` are those of `-f`. Files that others
/// include, and startup files, are among them once they have been read.
pub fn inputs(invocation: &Invocation, files: Vec<Origin>) -> Vec<Origin> {
    let mut all = if files.is_empty() && !invocation.has_any(&["--command", "--list"]) {
        vec![Origin::Input]
    } else {
        files
    };
    for source in &invocation.inputs {
        let origin = match source {
            StampedInput::Input { .. } => Origin::Input,
            StampedInput::File { path, .. } => Origin::File(path.clone()),
        };
        if !all.contains(&origin) {
            all.push(origin);
        }
    }
    all
}

/// Whether all of its SQL only reads.
pub fn only_reads(invocation: &Invocation) -> bool {
    invocation
        .statements
        .iter()
        .all(|statement| statement.kind == StatementKind::Read.name())
        && !invocation.has_any(&["--output", "--log-file"])
}

#[cfg(test)]
mod tests;
