//! Bringing a backup back into a database of its own on the same server, which goes again.

use super::define::identifier;
use super::dump::KeptDump;
use super::kept::KeptRows;
use super::link::{Address, Link, PsqlScript};
use super::script::RowSource;
use super::there;
use guard_core::context::Context;
use guard_core::kept;
use guard_core::kept::Undoing;
use guard_ground::sanitize;
use guard_words::Measure;

/// A database that goes when it is dropped.
struct ScratchDatabase<'a> {
    beside: Address,
    address: Address,
    context: &'a Context,
}

impl<'a> ScratchDatabase<'a> {
    /// Makes one with the encoding and the order of the other database's.
    fn beside(server: &Address, context: &'a Context) -> Result<Self, String> {
        let since = guard_ground::time::now();
        let name = format!("guard_drill_{}_{since}", std::process::id());
        let mut script = PsqlScript::new()?;
        script.line(&format!(
            "SELECT pg_catalog.format('CREATE DATABASE {name} TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L', \
             pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype) FROM pg_catalog.pg_database \
             WHERE datname = pg_catalog.current_database() \\gexec"
        ))?;
        let link = Link::to(server, context, kept::deadline());
        // From here on it may be there.
        let scratch = Self {
            beside: server.clone(),
            address: Address {
                database: name,
                ..server.clone()
            },
            context,
        };
        link.script(script)?.end()?;
        Ok(scratch)
    }

    fn link(&self) -> Link<'a> {
        Link::to(&self.address, self.context, kept::deadline())
    }
}

impl Drop for ScratchDatabase<'_> {
    fn drop(&mut self) {
        let Ok(mut script) = PsqlScript::new() else {
            return;
        };
        let name = identifier(&self.address.database);
        let _ = script.line(&format!("DROP DATABASE IF EXISTS {name};"));
        let link = Link::to(&self.beside, self.context, kept::deadline());
        let _ = link.script(script).map(super::link::Sections::end);
    }
}

/// What a drill says that cannot be held.
fn not_tried(why: &str) -> Vec<String> {
    vec![sanitize::text(&format!(
        "read and found as it was saved, but not brought back: no database can be made for it ({why})"
    ))]
}

/// Saved rows: their tables are made anew, without what refers to other tables.
pub fn rows(kept: &KeptRows, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
    let scratch = match ScratchDatabase::beside(&kept.server, undoing.context) {
        Ok(scratch) => scratch,
        Err(why) => return Ok(not_tried(&why)),
    };
    let mut script = PsqlScript::new()?;
    for table in &kept.tables {
        let definition = &table.definition;
        script.line(&format!(
            "CREATE SCHEMA IF NOT EXISTS {};",
            identifier(&definition.schema)
        ))?;
        let mut columns: Vec<String> = definition
            .columns
            .iter()
            .map(|column| {
                // Types of the user's are not there; their text is.
                let kind = if column.own { "text" } else { &column.kind };
                format!("{} {kind}", identifier(&column.name))
            })
            .collect();
        if !table.key.is_empty() {
            let key: Vec<String> = table.key.iter().map(|name| identifier(name)).collect();
            columns.push(format!("UNIQUE ({})", key.join(", ")));
        }
        script.line(&format!(
            "CREATE TABLE {} ({});",
            definition.quoted(),
            columns.join(", ")
        ))?;
    }
    scratch.link().script(script)?.end()?;
    let mut script = PsqlScript::new()?;
    kept.restoring(&mut script, &[], &RowSource::Inline(undoing.reader))?;
    scratch.link().script(script)?.end()?;
    let differences = kept.compared(&scratch.link(), undoing.reader)?;
    if let Some(first) = differences.first() {
        return Err(first.clone());
    }
    Ok(vec![format!(
        "{} of {} brought back into a database of its own and compared",
        Measure::Rows.count(kept.count()),
        Measure::Tables.count(kept.tables.len() as u64)
    )])
}

/// Dumped objects; what needs something that was not saved with them is left out and told.
pub fn objects(kept: &KeptDump, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
    if kept.dumps.is_empty() {
        return Ok(vec!["it only says what was not there".to_owned()]);
    }
    let scratch = match ScratchDatabase::beside(&kept.server, undoing.context) {
        Ok(scratch) => scratch,
        Err(why) => return Ok(not_tried(&why)),
    };
    let mut script = PsqlScript::new()?;
    script.line("\\set ON_ERROR_STOP off")?;
    for relation in &kept.relations {
        script.line(&format!(
            "CREATE SCHEMA IF NOT EXISTS {};",
            identifier(&relation.schema)
        ))?;
    }
    for blob in &kept.dumps {
        undoing.reader.copy(blob, &mut script)?;
    }
    scratch.link().script(script)?.end()?;
    let there = there::there(&scratch.link(), &kept.relations)?;
    let mut lines = Vec::new();
    let mut rows = 0;
    let mut tables = 0;
    for relation in &kept.relations {
        let now = there.iter().find(|one| one.quoted() == relation.quoted());
        match now {
            Some(now) if now.holds == relation.holds => {
                rows += now.holds.count;
                tables += 1;
            }
            Some(now) => {
                return Err(format!(
                    "{} holds {}, not the {} that were saved",
                    relation.shown(),
                    Measure::Rows.count(now.holds.count),
                    relation.holds.count
                ));
            }
            None => lines.push(format!(
                "{} needs something that only its own database has, so it was not brought back there",
                relation.shown()
            )),
        }
    }
    lines.insert(
        0,
        format!(
            "{} in {} brought back into a database of its own and compared",
            Measure::Rows.count(rows),
            Measure::Tables.count(tables)
        ),
    );
    Ok(lines)
}
