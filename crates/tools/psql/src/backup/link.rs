//! Sessions with the server in which rows are saved and brought back: the real psql reads a script and
//! prints sections, each ended by a line that no row can be.

use guard_core::kept;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Seek as _, Write};
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::ask::{self, complaint};
use guard_core::context::Context;
use guard_core::probe::{Failure, Probe, Stream};
use guard_ground::spool;
use guard_store::Unsaved;
use guard_store::writer::Writer;

/// How psql prints the line that ends a section. A row never begins with a backslash and a dot (manual,
/// "COPY", "Text Format").
pub const END: &str = "\\echo '\\\\.'";
/// That line.
const LINE: &[u8] = b"\\.\n";

/// Where a database is; never the password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The host, or the directory of its socket.
    pub host: String,
    /// The port.
    pub port: String,
    /// The database.
    pub database: String,
    /// The user.
    pub user: String,
    /// What tells this database from another one at the same address: see [`CLUSTER`].
    #[serde(default)]
    pub cluster: String,
}

/// An expression for the number that a server got when it was made, where it may be asked for, and the
/// number of the database.
pub const CLUSTER: &str = "coalesce(CASE WHEN pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute') \
    THEN pg_catalog.substring(CAST(pg_catalog.query_to_xml('SELECT system_identifier FROM pg_catalog.pg_control_system()', \
    true, false, '') AS pg_catalog.text), '[0-9]{9,}') END, '') || '/' || (SELECT oid FROM pg_catalog.pg_database \
    WHERE datname = pg_catalog.current_database())";

impl Address {
    /// For a reader.
    pub fn shown(&self) -> String {
        guard_ground::sanitize::text(&format!(
            "database {} on {}:{} as {}",
            self.database, self.host, self.port, self.user
        ))
    }

    /// Says so when another database answers there by now.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn doubt(&self, context: &Context) -> Result<Option<String>, String> {
        let mut script = PsqlScript::new()?;
        script.line(&format!("SELECT {CLUSTER};"))?;
        let link = Link::to(self, context, kept::deadline());
        let mut sections = link.script(script)?;
        let now = sections.line()?;
        sections.end()?;
        Ok((now != self.cluster).then(|| {
            format!(
                "another database than the one that was saved from answers as {}",
                self.shown()
            )
        }))
    }

    /// As one argument of `--dbname` (manual, "Connection Strings").
    fn argument(&self) -> String {
        let pairs = [
            ("host", &self.host),
            ("port", &self.port),
            ("dbname", &self.database),
            ("user", &self.user),
        ];
        let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
        let words: Vec<String> = pairs
            .map(|(key, value)| {
                let value = value.replace('\\', "\\\\").replace('\'', "\\'");
                format!("{key}='{value}'")
            })
            .collect();
        words.join(" ")
    }
}

/// A way to a database.
pub struct Link<'a> {
    context: &'a Context,
    /// Options that lead there.
    scope: Vec<OsString>,
    operands: Vec<OsString>,
    /// The encoding of what guard writes; none where the command's own holds.
    encoding: Option<&'static str>,
    deadline: Instant,
}

impl<'a> Link<'a> {
    /// The way that a command takes.
    pub fn of_command(
        scope: &[OsString],
        operands: &[OsString],
        context: &'a Context,
        deadline: Instant,
    ) -> Self {
        Self {
            context,
            scope: scope.to_vec(),
            operands: operands.to_vec(),
            encoding: None,
            deadline,
        }
    }

    /// The way to an address; passwords come from where psql finds them.
    pub fn to(address: &Address, context: &'a Context, deadline: Instant) -> Self {
        Self {
            context,
            scope: vec!["--dbname".into(), address.argument().into()],
            operands: Vec::new(),
            encoding: Some("UTF8"),
            deadline,
        }
    }

    /// A real tool of `PostgreSQL`'s, where the command runs.
    fn probe(&self, tool: &str) -> Result<Probe<'a>, String> {
        let directory = self.context.directory.as_deref();
        let probe = Probe::new(
            tool,
            directory.unwrap_or(Path::new("/")),
            self.context,
            self.deadline,
        );
        let left = self.deadline.saturating_duration_since(Instant::now());
        let mut probe = probe.map_err(|failure| failure.to_string())?;
        if let Some(encoding) = self.encoding {
            probe = probe.variable("PGCLIENTENCODING", encoding);
        }
        Ok(probe
            .without(&["PSQLRC", "PSQL_PAGER", "PAGER"])
            .variable("PGAPPNAME", "guard")
            .variable("PGCONNECT_TIMEOUT", &left.as_secs().max(2).to_string())
            .variable("LC_ALL", "C"))
    }

    fn words(&self) -> Vec<OsString> {
        ask::words(&self.scope)
    }

    /// A session that takes these steps, one after the other, and then stays open until it is ended.
    /// Nothing in the steps is taken for a variable of psql's.
    pub fn steps<S: AsRef<str>>(&self, steps: &[S]) -> Result<Sections, String> {
        let mut words = self.words();
        for step in steps {
            words.extend(["--command".into(), step.as_ref().into()]);
        }
        words.extend(["--file".into(), "-".into(), "--".into()]);
        words.extend(self.operands.iter().cloned());
        let stream = self.probe("psql")?.held().stream(&words);
        Sections::of(stream)
    }

    /// A session that reads a script.
    pub fn script(&self, script: PsqlScript) -> Result<Sections, String> {
        let mut words = self.words();
        words.push("--file=-".into());
        words.push("--".into());
        words.extend(self.operands.iter().cloned());
        let file = script.finish().map_err(|error| error.to_string())?;
        let stream = self.probe("psql")?.reading(file).stream(&words);
        Sections::of(stream)
    }

    /// What `pg_dump` prints with these options.
    pub fn dump(&self, options: &[OsString]) -> Result<Sections, String> {
        let mut words: Vec<OsString> = vec!["--no-password".into()];
        words.extend(options.iter().cloned());
        words.extend(self.scope.iter().cloned());
        words.push("--".into());
        words.extend(self.operands.iter().cloned());
        Sections::of(self.probe("pg_dump")?.stream(&words))
    }
}

/// A script for psql, in a file without a name.
pub struct PsqlScript(std::io::BufWriter<File>);

impl PsqlScript {
    /// An empty one.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn new() -> Result<Self, String> {
        let file = spool::file().map_err(|error| error.to_string())?;
        Ok(Self(std::io::BufWriter::with_capacity(1 << 16, file)))
    }

    /// Adds a line.
    ///
    /// # Errors
    /// The system's reason.
    pub fn line(&mut self, line: &str) -> Result<(), String> {
        writeln!(self.0, "{line}").map_err(|error| error.to_string())
    }

    /// Writes all of it somewhere.
    ///
    /// # Errors
    /// The system's reason.
    pub fn copy_to(self, to: &mut dyn Write) -> std::io::Result<()> {
        std::io::copy(&mut self.finish()?, to).map(drop)
    }

    /// The file, to be read from its beginning.
    ///
    /// # Errors
    /// The system's reason.
    pub fn finish(self) -> std::io::Result<File> {
        let mut file = self
            .0
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    }
}

impl Write for PsqlScript {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// What a session prints, section by section.
pub struct Sections {
    stream: BufReader<Stream>,
    failed: bool,
}

impl Sections {
    fn of(stream: Result<Stream, Failure>) -> Result<Self, String> {
        Ok(Self {
            stream: BufReader::with_capacity(1 << 16, stream.map_err(|error| error.to_string())?),
            failed: false,
        })
    }

    /// The next line.
    pub fn line(&mut self) -> Result<String, String> {
        let mut line = Vec::new();
        let read = self.stream.read_until(b'\n', &mut line);
        match read {
            Ok(_) if line.ends_with(b"\n") => {
                line.pop();
                String::from_utf8(line)
                    .map_err(|_| "psql answered in something else than UTF-8".to_owned())
            }
            Ok(_) => Err(self.complaint()),
            Err(error) => Err(reason(&error)),
        }
    }

    /// The next line, which is JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, String> {
        let line = self.line()?;
        serde_json::from_str(&line)
            .map_err(|error| format!("psql answered with something strange: {error}"))
    }

    /// The next section, to its end.
    pub fn section<'s>(&'s mut self, writer: &'s Writer) -> Section<'s> {
        Section {
            sections: self,
            writer,
            ends: true,
            line: Vec::new(),
            at: 0,
            rows: 0,
            over: false,
        }
    }

    /// All that is still printed.
    pub fn rest<'s>(&'s mut self, writer: &'s Writer) -> Section<'s> {
        Section {
            ends: false,
            ..self.section(writer)
        }
    }

    /// Waits for the session's end; what it complained about.
    ///
    /// # Errors
    /// The complaint, when it did not end well.
    pub fn end(self) -> Result<(), String> {
        let answer = self.stream.into_inner().end();
        let answer = answer.map_err(|failure| failure.to_string())?;
        if answer.success {
            return Ok(());
        }
        Err(complaint(&answer.errors).why())
    }

    /// What it complained about, after which nothing more is asked of it.
    fn complaint(&mut self) -> String {
        self.failed = true;
        self.stream.get_mut().complaint().map_or_else(
            |failure| failure.to_string(),
            |errors| complaint(&errors).why(),
        )
    }
}

/// A failure to read in the words of messages.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::TimedOut => "it takes longer than the time for it".to_owned(),
        _ => error.to_string(),
    }
}

/// One section, counted against the limits of a backup.
pub struct Section<'s> {
    sections: &'s mut Sections,
    writer: &'s Writer,
    /// A line of its own ends it; otherwise what is printed ends.
    ends: bool,
    line: Vec<u8>,
    at: usize,
    /// The lines so far.
    pub rows: u64,
    over: bool,
}

impl Section<'_> {
    fn next_line(&mut self) -> std::io::Result<()> {
        self.line.clear();
        self.at = 0;
        self.sections.stream.read_until(b'\n', &mut self.line)?;
        if self.ends && self.line == LINE {
            self.over = true;
            self.line.clear();
            return Ok(());
        }
        if self.line.is_empty() {
            self.over = true;
            if self.ends {
                return Err(std::io::Error::other(self.sections.complaint()));
            }
            return Ok(());
        }
        self.rows += 1;
        self.writer
            .count(0, self.line.len() as u64)
            .map_err(|why| std::io::Error::other(why.0))
    }
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.line.len() && !self.over {
            self.next_line()?;
        }
        let rest = self.line.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

/// A failure of a session as a reason why nothing is saved.
pub fn unsaved(why: impl Into<String>) -> Unsaved {
    Unsaved(guard_ground::sanitize::cut(
        &guard_ground::sanitize::text(&why.into()),
        300,
    ))
}
