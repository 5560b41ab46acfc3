//! Saving: everything is seen in one transaction that only reads.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::define::Definition;
use super::dump;
use super::kept::{KeptRows, KeptTable, Settings, Sheet};
use super::link::{Address, CLUSTER, END, Link, Sections, unsaved};
use super::wish::{SqlWish, TableWish};
use guard_core::context::Context;
use guard_store::Unsaved;
use guard_store::manifest::Part;
use guard_store::writer::Writer;

/// One argument of a program may be so long on Linux (execve(2), `MAX_ARG_STRLEN`), roughly.
const LONGEST: usize = 120 << 10;

/// What the session says about itself.
#[derive(Deserialize)]
struct SessionFacts {
    path: String,
    encoding: String,
    zone: String,
    dates: String,
    intervals: String,
    digits: i64,
    version: u32,
    cluster: String,
}

const FACTS: &str = "SELECT pg_catalog.json_build_object(
    'path', pg_catalog.current_setting('search_path'), 'encoding', pg_catalog.current_setting('client_encoding'),
    'zone', pg_catalog.current_setting('TimeZone'), 'dates', pg_catalog.current_setting('DateStyle'),
    'intervals', pg_catalog.current_setting('IntervalStyle'),
    'digits', CAST(pg_catalog.current_setting('extra_float_digits') AS int),
    'version', CAST(pg_catalog.current_setting('server_version_num') AS int), 'cluster', {cluster})";

impl SessionFacts {
    /// Why values would not read as they are written. The conditions of the command are read with its own
    /// settings, so guard does not change them.
    fn obstacle(&self) -> Option<String> {
        if !self.dates.starts_with("ISO") {
            return Some(format!("DateStyle is {} there", self.dates));
        }
        if !matches!(self.intervals.as_str(), "postgres" | "iso_8601") {
            return Some(format!("IntervalStyle is {} there", self.intervals));
        }
        let exact = if self.version >= 120_000 { 1 } else { 3 };
        if self.digits < exact {
            return Some(format!("extra_float_digits is {} there", self.digits));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        (!self.encoding.bytes().all(plain)).then(|| "client_encoding is strange there".to_owned())
    }
}

/// Saves what a preview asked for.
///
/// # Errors
/// When something of it cannot be saved.
pub fn save(wish: &SqlWish, context: &Context, writer: &Writer) -> Result<Vec<Part>, Unsaved> {
    if wish.tables.is_empty() && wish.dumps.is_empty() {
        let first = wish.unsaved.first().cloned();
        return Err(Unsaved(
            first.unwrap_or_else(|| "guard cannot save it".to_owned()),
        ));
    }
    for why in &wish.unsaved {
        writer.pass_over(why.clone());
    }
    let link = Link::of_command(&wish.scope, &wish.operands, context, writer.deadline());
    let tables = wish.ordered()?;
    let mut steps = opening(writer.deadline());
    for table in &tables {
        steps.push(copy(table));
        steps.push(END.to_owned());
    }
    if !wish.dumps.is_empty() {
        steps.push("SELECT pg_catalog.to_json(pg_catalog.pg_export_snapshot())".to_owned());
    }
    if steps.iter().any(|step| step.len() > LONGEST) {
        return Err(unsaved("its text is too long"));
    }
    let mut sections = link.steps(&steps)?;
    let (server, settings) = greeting(&mut sections)?;
    let mut kept = Vec::new();
    for table in tables {
        let rows = sheet(&mut sections, writer)?;
        kept.push(KeptTable {
            definition: Definition::clone(&table.definition),
            key: table.key().cloned().unwrap_or_default(),
            goes: table.goes,
            changes: table.changes.clone(),
            rows,
            absent: None,
            left: None,
        });
    }
    let mut parts = Vec::new();
    if !wish.dumps.is_empty() {
        let snapshot: String = sections.json()?;
        for one in &wish.dumps {
            let objects = dump::save(one, &link, &server, &snapshot, writer)?;
            parts.push(Part::new(&objects)?);
        }
    }
    sections.end()?;
    if !kept.is_empty() {
        let rows = KeptRows {
            server,
            settings,
            tables: kept,
        };
        parts.push(Part::new(&rows)?);
    }
    Ok(parts)
}

/// The first steps of a session: where it leads, and a transaction that only reads.
fn opening(deadline: Instant) -> Vec<String> {
    let time = deadline.saturating_duration_since(Instant::now());
    let limit = time.max(Duration::from_millis(40)).as_millis();
    let mut steps: Vec<String> = ["HOST", "PORT", "DBNAME", "USER"]
        .iter()
        .map(|name| format!("\\echo :{name}"))
        .collect();
    steps.push("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned());
    steps.push(format!(
        "SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = '1s'; \
         SET LOCAL idle_in_transaction_session_timeout = {limit}; SET LOCAL row_security = off"
    ));
    // One line, as JSON is read.
    steps.push(FACTS.replace('\n', " ").replace("{cluster}", CLUSTER));
    steps
}

fn greeting(sections: &mut Sections) -> Result<(Address, Settings), Unsaved> {
    let mut server = Address {
        host: sections.line()?,
        port: sections.line()?,
        database: sections.line()?,
        user: sections.line()?,
        cluster: String::new(),
    };
    let facts: SessionFacts = sections.json()?;
    if let Some(why) = facts.obstacle() {
        return Err(unsaved(why));
    }
    server.cluster = facts.cluster;
    let settings = Settings {
        path: facts.path,
        encoding: facts.encoding,
        zone: facts.zone,
    };
    Ok((server, settings))
}

/// The rows of one table as COPY data.
fn copy(table: &TableWish) -> String {
    let definition = &table.definition;
    let mut query = format!(
        "SELECT {} FROM {} AS t",
        definition.list("t."),
        definition.alone()
    );
    if let Some(rows) = &table.rows {
        let rows: Vec<String> = rows
            .iter()
            .map(|rows| format!("SELECT * FROM ({rows}\n) AS guard_some"))
            .collect();
        query.push_str(" WHERE (t.tableoid, t.ctid) IN (");
        query.push_str(&rows.join(" UNION ALL "));
        query.push(')');
    }
    format!("COPY ({query}) TO STDOUT")
}

/// A section as rows.
pub(super) fn sheet(sections: &mut Sections, writer: &Writer) -> Result<Sheet, Unsaved> {
    let mut section = sections.section(writer);
    let content = writer
        .stream(&mut section, 0)
        .map_err(|why| unsaved(why.0))?;
    Ok(Sheet {
        count: section.rows,
        content,
    })
}
