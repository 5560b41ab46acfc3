//! Saved rows as a part of a backup.

use guard_core::kept;
use std::fmt::Write as _;
use std::fs::File;

use std::path::Path;
use std::time::Instant;

use serde::Deserialize;

use super::define::identifier;
use super::kept::{KeptRows, KeptTable, Sheet};
use super::link::{Link, PsqlScript, Sections, unsaved};
use super::look::{self, Now};
use super::script::{self, RowSource, Sides, Which};
use super::{drill, save};
use guard_core::kept::TIME;
use guard_core::kept::{Kept, Undoing};
use guard_core::world::World;
use guard_ground::sanitize;
use guard_store::Unsaved;
use guard_store::manifest::{Blob, Part};
use guard_store::reader::BackupReader;
use guard_store::writer::Writer;
use guard_words::Measure;

/// Nobody waits longer for a lock that others hold.
pub const LOCK: &str = "10s";
/// How many names a message shows.
const NAMED: usize = 12;

/// What stands in the way in one table.
#[derive(Deserialize)]
pub struct InTheWay {
    /// Rows with the key of a saved one that hold something else.
    #[serde(default)]
    changed: Option<Those>,
    /// Changed rows that are not there any more.
    #[serde(default)]
    missing: Option<Those>,
    /// Rows to be removed that hold something else by now.
    #[serde(default)]
    absent: Option<Those>,
    /// How many transactions wrote the rows that differ.
    #[serde(default)]
    writers: u64,
    /// Rows that are like saved ones, where nothing tells rows apart.
    #[serde(default)]
    alike: u64,
}

/// How many, and the keys of some.
#[derive(Deserialize)]
struct Those {
    count: u64,
    some: Vec<String>,
}

impl Those {
    fn line(&self, table: &KeptTable, what: &str) -> Option<String> {
        if self.count == 0 {
            return None;
        }
        let mut line = format!(
            "{} of {}{what}: {}",
            Measure::Rows.count(self.count),
            table.definition.name,
            self.some.join("; ")
        );
        if self.count > self.some.len() as u64 {
            line.push_str("; …");
        }
        Some(sanitize::text(&line))
    }
}

impl InTheWay {
    fn lines(&self, table: &KeptTable) -> Vec<String> {
        let line = |found: &Option<Those>, what: &str| found.as_ref()?.line(table, what);
        let mut lines: Vec<String> = [
            line(&self.changed, ", by now something else"),
            line(&self.missing, ", by now gone"),
            line(&self.absent, " that would go, by now something else"),
        ]
        .into_iter()
        .flatten()
        .collect();
        if self.writers > 1 {
            lines.push(format!("rows of {}, changed again since", table.shown()));
        }
        if self.alike > 0 {
            lines.push(format!(
                "{} of {} are like saved ones, and it has no key to tell them apart",
                Measure::Rows.count(self.alike),
                table.shown()
            ));
        }
        lines
    }
}

impl KeptRows {
    /// The way to the database.
    pub(super) fn link<'a>(&self, undoing: &Undoing<'a>) -> Link<'a> {
        Link::to(&self.server, undoing.context, kept::deadline())
    }

    /// What stands there now.
    fn look(&self, undoing: &Undoing<'_>) -> Result<Vec<Now>, String> {
        let mut script = PsqlScript::new()?;
        script.line("BEGIN READ ONLY;")?;
        for query in look::queries(self) {
            script.line(&query)?;
        }
        let mut sections = self.link(undoing).script(script)?;
        let mut found = Vec::new();
        for table in &self.tables {
            let now: Option<Now> = sections.json()?;
            let now = now.ok_or_else(|| {
                format!(
                    "the table {} is not there ({})",
                    table.shown(),
                    self.server.shown()
                )
            })?;
            if !now.missing.is_empty() {
                return Err(sanitize::text(&format!(
                    "the table {} has no column {} any more",
                    table.definition.name,
                    now.missing.join(", ")
                )));
            }
            found.push(now);
        }
        sections.end()?;
        Ok(found)
    }

    /// Sequences that stand behind the rows of their tables: emptying may have set them back.
    fn behind(&self, now: &[Now], undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        let mut script = PsqlScript::new()?;
        let mut asked = Vec::new();
        for (table, now) in self.tables.iter().zip(now) {
            for (sequence, column) in &now.sequences {
                script.line(&format!(
                    "SELECT coalesce((SELECT pg_catalog.max({}) FROM {}) > (SELECT last_value FROM {sequence}), false);",
                    identifier(column),
                    table.definition.alone()
                ))?;
                asked.push((sequence, table));
            }
        }
        let mut sections = self.link(undoing).script(script)?;
        let mut notes = Vec::new();
        for (sequence, table) in asked {
            if sections.line()? == "t" {
                notes.push(format!(
                    "the sequence {sequence} stands behind the rows of {}: set it with setval()",
                    table.definition.name
                ));
            }
        }
        sections.end()?;
        Ok(notes)
    }

    /// A session with everything loaded, then these queries; nothing stays.
    fn compare(
        &self,
        link: &Link<'_>,
        reader: &BackupReader,
        queries: &[String],
    ) -> Result<Sections, String> {
        let mut script = PsqlScript::new()?;
        script::begin(&mut script, &self.settings, LOCK)?;
        script::load(&mut script, self, &RowSource::Inline(reader))?;
        // From here on even a mistake of guard's changes nothing.
        script.line("SET TRANSACTION READ ONLY;")?;
        for query in queries {
            script.line(query)?;
        }
        script.line("ROLLBACK;")?;
        link.script(script)
    }

    fn sides(&self) -> impl Iterator<Item = Sides<'_>> {
        self.tables
            .iter()
            .enumerate()
            .map(|(at, table)| Sides::new(at, table))
    }

    /// In what the database differs from what was saved.
    pub(super) fn compared(
        &self,
        link: &Link<'_>,
        reader: &BackupReader,
    ) -> Result<Vec<String>, String> {
        #[derive(Deserialize)]
        struct Differing {
            rows: u64,
            absent: u64,
        }
        let queries: Vec<String> = self
            .sides()
            .map(|sides| format!("{};", sides.differences()))
            .collect();
        let mut sections = self.compare(link, reader, &queries)?;
        let mut lines = Vec::new();
        for table in &self.tables {
            let found: Differing = sections.json()?;
            if found.rows > 0 {
                lines.push(format!(
                    "{} of {} are not as they were saved",
                    Measure::Rows.count(found.rows),
                    table.shown()
                ));
            }
            if found.absent > 0 {
                lines.push(format!(
                    "{} of {} are still there",
                    Measure::Rows.count(found.absent),
                    table.shown()
                ));
            }
        }
        sections.end()?;
        Ok(lines)
    }

    /// Writes the script that brings everything back in one transaction.
    pub(super) fn restoring(
        &self,
        script: &mut PsqlScript,
        now: &[Now],
        source: &RowSource<'_>,
    ) -> Result<(), String> {
        script::begin(script, &self.settings, LOCK)?;
        script::load(script, self, source)?;
        let triggers: Vec<_> = now.iter().flat_map(|now| &now.triggers).collect();
        for look::Trigger(table, name, _) in &triggers {
            script.line(&format!("ALTER TABLE ONLY {table} DISABLE TRIGGER {name};"))?;
        }
        for statement in script::bring_back(self) {
            script.line(&statement)?;
        }
        // Foreign keys are checked before anything is final, and before triggers are switched on again.
        script.line("SET CONSTRAINTS ALL IMMEDIATE;")?;
        for look::Trigger(table, name, state) in &triggers {
            let always = if state == "A" { "ALWAYS " } else { "" };
            script.line(&format!(
                "ALTER TABLE ONLY {table} ENABLE {always}TRIGGER {name};"
            ))?;
        }
        script.line("COMMIT;")
    }

    /// The rows as files, and a script that brings them back.
    fn write_into(&self, directory: &Path, reader: &BackupReader) -> Result<(), String> {
        let problem = |path: &Path, error: &dyn std::fmt::Display| {
            format!("{}: {error}", sanitize::path(path))
        };
        for (name, sheet) in self.sheets() {
            let path = directory.join(name);
            let mut file = new_file(&path).map_err(|error| problem(&path, &error))?;
            reader.copy(&sheet.content, &mut file)?;
            file.sync_all().map_err(|error| problem(&path, &error))?;
        }
        let mut script = PsqlScript::new()?;
        script.line(&format!(
            "-- Brings rows back that guard saved, in {}.\n-- In this directory: psql -X -v ON_ERROR_STOP=1 -f restore.sql\n\
             -- Triggers of the tables run.",
            self.server.shown()
        ))?;
        self.restoring(&mut script, &[], &RowSource::Files)?;
        let path = directory.join("restore.sql");
        let mut file = new_file(&path).map_err(|error| problem(&path, &error))?;
        script
            .copy_to(&mut file)
            .and_then(|()| file.sync_all())
            .map_err(|error| problem(&path, &error))
    }

    /// Everything that was saved, by the names of files.
    fn sheets(&self) -> impl Iterator<Item = (String, &Sheet)> {
        self.tables.iter().enumerate().flat_map(|(at, table)| {
            Which::ALL.into_iter().filter_map(move |which| {
                let name = script::file_name(at, which, &table.definition);
                which.of(table).map(|sheet| (name, sheet))
            })
        })
    }
}

/// A new file that only its owner reads.
pub(super) fn new_file(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

impl Kept for KeptRows {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{} in {}",
            Measure::Rows.count(self.count()),
            self.server.shown()
        )];
        let told = self.tables.iter().filter(|table| {
            table.rows.count > 0 || table.absent.as_ref().is_some_and(|sheet| sheet.count > 0)
        });
        for table in told.clone().take(NAMED) {
            let mut line = format!(
                "  {} of {}",
                Measure::Rows.count(table.rows.count),
                table.definition.name
            );
            if !table.changes.is_empty() {
                let _ = write!(line, ", with {} as before", table.changes.join(", "));
            }
            if let Some(absent) = table.absent.as_ref().filter(|sheet| sheet.count > 0) {
                let _ = write!(
                    line,
                    "; {} that were not there go",
                    Measure::Rows.count(absent.count)
                );
            }
            lines.push(sanitize::text(&line));
        }
        if told.count() > NAMED {
            lines.push("  …".to_owned());
        }
        lines
    }

    fn is_outside(&self, _world: &World) -> bool {
        // A database lies in no workspace.
        true
    }

    fn conflicts(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if let Some(directory) = undoing.into {
            let names = self.sheets().map(|(name, _)| name);
            return Ok(names
                .chain(["restore.sql".to_owned()])
                .map(|name| directory.join(name))
                .filter(|path| path.symlink_metadata().is_ok())
                .map(|path| sanitize::path(&path))
                .collect());
        }
        let now = self.look(undoing)?;
        for (table, now) in self.tables.iter().zip(&now) {
            if let Some(look::Trigger(_, name, _)) = now.triggers.first()
                && !now.owned
            {
                return Err(sanitize::text(&format!(
                    "the trigger {name} on {} would run, and only who owns the table may switch it off meanwhile; \
                     --into DIR writes the rows and a script there",
                    table.definition.name
                )));
            }
        }
        let mut queries: Vec<String> = self
            .sides()
            .map(|sides| format!("{};", sides.conflicts()))
            .collect();
        let mut referring = Vec::new();
        for (at, (table, now)) in self.tables.iter().zip(&now).enumerate() {
            if table.absent.as_ref().is_none_or(|sheet| sheet.count == 0) {
                continue;
            }
            for edge in &now.edges {
                queries.push(format!("{};", look::referring(self, at, edge)));
                referring.push((table, edge));
            }
        }
        let mut sections = self.compare(&self.link(undoing), undoing.reader, &queries)?;
        let mut lines: Vec<String> = self.server.doubt(undoing.context)?.into_iter().collect();
        for table in &self.tables {
            let found: InTheWay = sections.json()?;
            lines.extend(found.lines(table));
        }
        for (table, edge) in referring {
            let count: u64 = sections.json()?;
            if count > 0 {
                lines.push(sanitize::text(&format!(
                    "{} of {}.{} that refer to rows of {} that would go",
                    Measure::Rows.count(count),
                    edge.schema,
                    edge.table,
                    table.definition.name
                )));
            }
        }
        sections.end()?;
        Ok(lines)
    }

    fn save_now(&self, undoing: &Undoing<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        let mut queries = Vec::new();
        for sides in self.sides() {
            let (there, lacking) = sides.now();
            for query in [there, lacking] {
                queries.push(format!("COPY ({query}) TO STDOUT;\n{}", super::link::END));
            }
        }
        let link = Link::to(&self.server, undoing.context, writer.deadline());
        let mut sections = self.compare(&link, undoing.reader, &queries)?;
        let mut tables = Vec::new();
        for table in &self.tables {
            let rows = save::sheet(&mut sections, writer)?;
            let absent = save::sheet(&mut sections, writer)?;
            tables.push(KeptTable {
                definition: table.definition.clone(),
                key: table.key.clone(),
                goes: true,
                changes: Vec::new(),
                rows,
                absent: Some(absent),
                left: Some(again(&table.rows, undoing.reader, writer)?),
            });
        }
        sections.end()?;
        let now = Self {
            server: self.server.clone(),
            settings: self.settings.clone(),
            tables,
        };
        Ok(vec![Part::new(&now)?])
    }

    fn restore(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if let Some(directory) = undoing.into {
            self.write_into(directory, undoing.reader)?;
            return Ok(Vec::new());
        }
        let now = self.look(undoing)?;
        let mut script = PsqlScript::new()?;
        self.restoring(&mut script, &now, &RowSource::Inline(undoing.reader))?;
        let link = Link::to(&self.server, undoing.context, Instant::now() + TIME * 5);
        link.script(script)?
            .end()
            .map_err(|why| format!("{why}; nothing was changed in {}", self.server.shown()))?;
        let mut notes = self.behind(&now, undoing)?;
        for look::Trigger(table, name, _) in now.iter().flat_map(|now| &now.triggers) {
            notes.push(format!(
                "the trigger {name} on {table} did not run for the rows that came back"
            ));
        }
        Ok(notes)
    }

    fn differences(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        let Some(directory) = undoing.into else {
            return self.compared(&self.link(undoing), undoing.reader);
        };
        let mut lines = Vec::new();
        for (name, sheet) in self.sheets() {
            let path = directory.join(name);
            let written = std::fs::read(&path).unwrap_or_default();
            if written != undoing.reader.bytes(&sheet.content)? {
                lines.push(format!("{} is not what was saved", sanitize::path(&path)));
            }
        }
        Ok(lines)
    }

    fn drill(&self, undoing: &Undoing<'_>, _scratch: &Path) -> Result<Vec<String>, String> {
        drill::rows(self, undoing)
    }

    fn contents(&self) -> Vec<(String, &Blob)> {
        self.tables
            .iter()
            .flat_map(|table| {
                let sheets = [
                    (Some(&table.rows), ""),
                    (table.absent.as_ref(), ", rows that go"),
                    (table.left.as_ref(), ", rows as they were left"),
                ];
                sheets.into_iter().filter_map(move |(sheet, what)| {
                    Some((format!("{}{what}", table.shown()), &sheet?.content))
                })
            })
            .collect()
    }
}

/// A content of another backup's, once more.
fn again(sheet: &Sheet, reader: &BackupReader, writer: &Writer) -> Result<Sheet, Unsaved> {
    let mut script = PsqlScript::new().map_err(unsaved)?;
    reader.copy(&sheet.content, &mut script).map_err(unsaved)?;
    let mut file = script.finish()?;
    Ok(Sheet {
        count: sheet.count,
        content: writer.stream(&mut file, sheet.content.size)?,
    })
}
