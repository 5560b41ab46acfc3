//! Gathers what psql would execute: texts, files that include files, standard input.

use guard_ground::path;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Seek as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use guard_core::agent;
use guard_core::context::{Consult, Context, Input};
use guard_core::invocation::{Invocation, JudgedStatement, Nested};
use guard_core::stamps::{Stamp, StampedInput};
use guard_ground::spool;
use guard_shell as shell;
use guard_sql as sql;
use guard_sql::{Changes, Lines, StatementKind, TextSource};

/// Files may include files; psql itself has no limit.
const MAX_INCLUDES: usize = 16;

pub(super) struct ScriptReader<'a> {
    variables: Vec<(String, String)>,
    statements: Vec<JudgedStatement>,
    changes: Vec<Changes>,
    inputs: Vec<StampedInput>,
    nested: Vec<Nested>,
    context: &'a Context,
    /// What the statements being read come from, for messages.
    from: String,
    /// An earlier statement may have written files, so that what a file holds now says little.
    wrote: bool,
    /// `\cd` has been there: where relative names lead is not known.
    moved: bool,
    obstacle: Option<String>,
}

impl<'a> ScriptReader<'a> {
    pub(super) fn new(variables: Vec<(String, String)>, context: &'a Context) -> Self {
        Self {
            variables,
            statements: Vec::new(),
            changes: Vec::new(),
            inputs: Vec::new(),
            nested: Vec::new(),
            context,
            from: String::new(),
            wrote: false,
            moved: false,
            obstacle: None,
        }
    }

    /// Hands over everything that was read.
    pub(super) fn finish(self, invocation: &mut Invocation) {
        invocation.statements = self.statements;
        invocation.inputs = self.inputs;
        invocation.own = Some(Rc::new(self.changes));
        invocation.nested = self.nested;
        invocation.obstacle = self.obstacle;
    }

    /// Something is executed of which it is not known what it does.
    pub(super) fn unknown(&mut self, why: &str) {
        self.push(&sql::SqlStatement {
            kind: StatementKind::Unknown,
            line: 1,
            text: why.to_owned(),
            object: None,
            why: None,
            rolled_back: false,
            sql: None,
            changes: Changes::Everything,
        });
    }

    /// Input was read in part and must not go on to psql.
    fn unreadable(&mut self, why: &str) {
        self.unknown(why);
        self.obstacle = Some(why.to_owned());
    }

    /// An option that sends output to a command: `-o '|command'`.
    pub(super) fn shell(&mut self, value: &OsStr) {
        let command = value.to_string_lossy();
        let command = command.trim_start_matches('|').to_owned();
        self.push(&sql::SqlStatement {
            kind: StatementKind::Shell,
            line: 1,
            text: guard_ground::sanitize::os(value),
            object: Some(command),
            why: None,
            rolled_back: false,
            sql: None,
            changes: Changes::Everything,
        });
    }

    fn push(&mut self, statement: &sql::SqlStatement) {
        if statement.kind == StatementKind::Shell
            && let Some(command) = &statement.object
        {
            self.nest(command);
        }
        self.wrote |= matches!(
            statement.kind,
            StatementKind::CopyToFile
                | StatementKind::Shell
                | StatementKind::CopyToProgram
                | StatementKind::CopyFromProgram
        );
        self.moved |= statement.text.starts_with("\\cd");
        self.statements.push(JudgedStatement {
            kind: statement.kind.name(),
            line: statement.line,
            text: statement.text.clone(),
            from: self.from.clone(),
            rolled_back: statement.rolled_back,
            why: statement.why,
            sql: statement.sql.clone(),
        });
        self.changes.push(statement.changes.clone());
    }

    /// A command that psql gives to a shell: what guard covers in it is judged as well.
    fn nest(&mut self, command: &str) {
        let script = shell::read(command, &shell::Known::default());
        for found in &script.commands {
            let Some((program, arguments)) = found.words.split_first() else {
                continue;
            };
            let name = path::base_name(&program.text);
            if found.remote {
                continue;
            }
            let (directory, elsewhere) = match &found.directory {
                shell::Directory::Known(there) if !self.moved => (Some(there.clone()), false),
                _ => (None, true),
            };
            let arguments: Vec<_> = arguments.iter().map(Into::into).collect();
            let mut inner = self.context.in_directory(directory.as_deref());
            inner.input = Input::Unknown;
            let Some(invocation) = inner.nested((*name).as_ref(), &arguments) else {
                continue;
            };
            self.nested.push(Nested {
                via: "psql's shell".to_owned(),
                invocation,
                directory,
                elsewhere,
            });
        }
    }

    /// A text of `-c`.
    pub(super) fn text(&mut self, text: &[u8], from: TextSource) {
        self.from = String::new();
        self.lines(Lines::of(text), from, None, 0);
    }

    fn lines(&mut self, lines: Lines<'_>, from: TextSource, file: Option<&Path>, depth: usize) {
        let found = sql::read_all(lines, from, &mut self.variables);
        let name = self.from.clone();
        for statement in found {
            if statement.kind != StatementKind::Include {
                self.push(&statement);
                continue;
            }
            match self.included(&statement, file, depth) {
                Some(included) => self.file(&included, depth + 1),
                None => self.unknown("it includes a file that cannot be read before it runs"),
            }
            self.from.clone_from(&name);
        }
    }

    /// The file that `\i` or `\ir` names, if it is the same now as when psql comes to it.
    fn included(
        &self,
        statement: &sql::SqlStatement,
        from: Option<&Path>,
        depth: usize,
    ) -> Option<PathBuf> {
        let name = statement.object.as_deref()?;
        if depth >= MAX_INCLUDES || self.wrote || name == "-" {
            return None;
        }
        // psql knows the tilde (`expand_tilde`).
        let name = match name.strip_prefix('~') {
            None => PathBuf::from(name),
            Some(rest) if rest.starts_with('/') => {
                PathBuf::from(self.context.value("HOME")?).join(rest.trim_start_matches('/'))
            }
            Some(_) => return None,
        };
        if self.moved && name.is_relative() {
            return None;
        }
        // `\ir` is relative to the file that includes.
        let relative =
            statement.text.starts_with("\\ir") || statement.text.starts_with("\\include_relative");
        let base = from.and_then(Path::parent).filter(|_| relative);
        Some(base.map_or_else(|| name.clone(), |base| base.join(&name)))
    }

    /// A startup file, before everything else.
    pub(super) fn startup(&mut self, file: &Path) {
        self.file(file, 0);
    }

    /// A file of `-f`, or one that another includes.
    pub(super) fn file(&mut self, file: &Path, depth: usize) {
        self.from = guard_ground::sanitize::path(file);
        let found = self.context.in_directory(Some(file)).directory;
        let Some(found) = found.filter(|_| self.context.consult >= Consult::Files) else {
            self.unknown("the file is not read here");
            return;
        };
        let opened = open(&found);
        let stamp = opened.as_ref().ok().and_then(|file| file.metadata().ok());
        self.inputs.push(StampedInput::File {
            stamp: stamp.and_then(|file| Stamp::of(&file)),
            path: found,
        });
        match opened {
            Ok(opened) => self.lines(Lines::from(opened), TextSource::Script, Some(file), depth),
            // psql stops at a missing file itself.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.context.live => {
                if self.wrote {
                    self.unknown("the file is not there yet");
                }
            }
            Err(error) => {
                self.unknown(&format!("{}: {error}", guard_ground::sanitize::path(file)));
            }
        }
    }

    /// Standard input.
    pub(super) fn input(&mut self) {
        "standard input".clone_into(&mut self.from);
        match &self.context.input {
            Input::Nothing => {}
            Input::Unknown => self.unknown("the SQL comes from a pipe"),
            Input::Text(text) => {
                let text = text.clone();
                self.lines(Lines::of(&text), TextSource::Script, None, 0);
            }
            Input::Process => match spool::standard() {
                Ok(spool::Standard::Pipe(pipe)) => self.spooled(*pipe),
                Ok(spool::Standard::File(file)) => self.redirected(file),
                Ok(spool::Standard::Terminal) => self.terminal(),
                Ok(spool::Standard::Nothing) => {}
                Err(error) => self.unreadable(&error.to_string()),
            },
        }
    }

    /// Reads what psql then reads from a file.
    fn spooled(&mut self, pipe: spool::Spool) {
        self.inputs.push(StampedInput::Input { stamp: None });
        let mut file = match pipe.finish() {
            Ok(file) => file,
            Err(error) => return self.unreadable(&error.to_string()),
        };
        self.lines(Lines::from(&file), TextSource::Script, None, 0);
        if let Err(error) = file.rewind() {
            self.unreadable(&error.to_string());
        }
    }

    /// Reads a file in its place. Only where something is at stake, so that somebody has to approve these
    /// very bytes, they are copied, and the copy is what counts.
    fn redirected(&mut self, mut file: File) {
        let variables = self.variables.clone();
        let kept = (self.statements.len(), self.nested.len(), self.inputs.len());
        let (wrote, moved) = (self.wrote, self.moved);
        let place = file.stream_position();
        let stamp = file.metadata().ok();
        let stamp = stamp.and_then(|file| Stamp::of(&file));
        self.inputs.push(StampedInput::Input { stamp });
        self.lines(Lines::from(&file), TextSource::Script, None, 0);
        let back = place.and_then(|place| file.seek(std::io::SeekFrom::Start(place)));
        if let Err(error) = back {
            self.unreadable(&error.to_string());
            return;
        }
        let mut found = self.statements.iter().skip(kept.0);
        let quiet = [StatementKind::Read.name(), StatementKind::Write.name()];
        if found.all(|statement| quiet.contains(&statement.kind)) {
            return;
        }
        self.variables = variables;
        self.statements.truncate(kept.0);
        self.changes.truncate(kept.0);
        self.nested.truncate(kept.1);
        self.inputs.truncate(kept.2);
        (self.wrote, self.moved) = (wrote, moved);
        "standard input".clone_into(&mut self.from);
        match spool::Spool::of(file) {
            Ok(copied) => self.spooled(copied),
            Err(error) => self.unreadable(&error.to_string()),
        }
    }

    /// A person's terminal passes; what an agent would type into psql cannot be judged.
    fn terminal(&mut self) {
        if let Some(agent) = agent::find(&agent::ancestors()) {
            self.unknown(&format!(
                "{} would type into psql, and guard does not see what",
                agent.name
            ));
        }
    }
}

fn open(file: &Path) -> std::io::Result<File> {
    // A pipe without a writer must not hold guard up.
    if !file.metadata()?.is_file() && file != Path::new("/dev/null") {
        return Err(std::io::Error::other(
            "it is no regular file, so it cannot be read twice",
        ));
    }
    File::open(file)
}
