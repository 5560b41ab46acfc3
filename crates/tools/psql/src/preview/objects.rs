//! TRUNCATE, DROP and ALTER: tables with their rows and bytes, and what depends on them.

use serde::Deserialize;

use super::ask::{Database, Trouble, array, literal};
use super::catalog::{DROPPED, GONE, INSIDE, TRUNCATED};
use super::depends::Before;
use super::rows::definitions;
use crate::backup::dump::{DUMPED, DumpWish};
use crate::backup::{SqlWish, TableWish};
use guard_core::loss::{Loss, Lot};
use guard_core::preview::Preview;
use guard_sql::actions::Table;
use guard_words::Measure;

/// The rows of more tables than this are not counted one by one.
const MOST: usize = 200;
/// So many names are shown.
const SHOWN: usize = 8;

/// Where dropping begins.
pub(super) struct Seeds {
    /// A query for `(classid, objid, objsubid)`.
    query: String,
    /// The names as written.
    names: Vec<String>,
}

impl Seeds {
    /// Objects of one sort, by name.
    pub(super) fn named(sort: &str, names: &[String]) -> Self {
        let (class, object) = match sort {
            "schema" => ("pg_namespace", "to_regnamespace(name)::oid"),
            "type" | "domain" => ("pg_type", "to_regtype(name)::oid"),
            "extension" => (
                "pg_extension",
                "(SELECT e.oid FROM pg_extension e WHERE e.extname = (parse_ident(name))[1])",
            ),
            _ => ("pg_class", "to_regclass(name)::oid"),
        };
        Self {
            query: format!(
                "SELECT '{class}'::regclass::oid, {object}, 0 FROM unnest({}) AS name",
                array(names)
            ),
            names: names.to_vec(),
        }
    }

    /// Everything in this database that depends on roles: what they own (`'o'`), what they have rights
    /// on (`'a'`, `'r'`).
    fn of_roles(roles: &[String], dependency: &str) -> Self {
        let roles: Vec<String> = roles
            .iter()
            .map(|role| match role.to_ascii_lowercase().as_str() {
                "current_user" | "current_role" => "quote_ident(current_user)".to_owned(),
                "session_user" => "quote_ident(session_user)".to_owned(),
                _ => literal(role),
            })
            .collect();
        Self {
            query: format!(
                "SELECT s.classid, s.objid, s.objsubid FROM pg_shdepend s \
                 JOIN unnest(ARRAY[{}]::text[]) AS role ON s.refobjid = to_regrole(role)::oid \
                 WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype IN ({dependency}) \
                 AND s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))",
                roles.join(", ")
            ),
            names: Vec::new(),
        }
    }

    fn column(table: &str, column: &str) -> Self {
        Self {
            query: format!(
                "SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::int FROM pg_attribute a \
                 WHERE a.attrelid = to_regclass({})::oid AND a.attname = (parse_ident({}))[1] \
                 AND NOT a.attisdropped",
                literal(table),
                literal(column)
            ),
            names: vec![table.to_owned()],
        }
    }
}

/// What would be dropped.
#[derive(Deserialize)]
struct Dropped {
    tables: Vec<Gone>,
    /// Other things, described.
    objects: Vec<String>,
    /// What depends on it and would be dropped by CASCADE only.
    others: Vec<String>,
    /// How many of the seeds are there.
    seeds: u64,
}

/// A table that goes, or is emptied.
#[derive(Deserialize)]
struct Gone {
    oid: u64,
    name: String,
    /// Row-level security may hide rows from whoever counts.
    hidden: bool,
    bytes: u64,
    estimate: f64,
    analyzed: Option<String>,
    /// It was named, or lies in what was named.
    #[serde(default)]
    triggers: Vec<String>,
}

/// DROP: the objects, what they hold, and with CASCADE what depends on them.
pub(super) fn drop(
    seeds: &Seeds,
    cascade: bool,
    database: &Database<'_>,
    before: &Before,
    here: &str,
) -> Result<Preview, Trouble> {
    let dropped = dropped(seeds, cascade, database)?;
    let reached: Vec<u64> = dropped.tables.iter().map(|table| table.oid).collect();
    before.check(&seeds.names, &reached, database)?;
    let mut loss = Loss::default();
    if dropped.seeds == 0 {
        return Ok(Preview::Exact(loss));
    }
    if !cascade && !dropped.others.is_empty() {
        loss.fact(guard_ground::sanitize::text(&format!(
            "without CASCADE the server refuses, because these depend on it: {}",
            some(&dropped.others)
        )));
    }
    let saved = dumped(seeds, cascade, database);
    let kept = saved
        .as_ref()
        .is_ok_and(|wish| wish.rest.is_empty() && wish.is_possible());
    let exact = tables(&dropped.tables, true, kept, here, database, &mut loss)?;
    if !loss.is_none() || !dropped.objects.is_empty() {
        loss.saves.push(of_dump(saved));
    }
    let objects = examples(&dropped.objects);
    loss.add(Lot {
        measure: Measure::Objects,
        count: dropped.objects.len() as u64,
        at_least: false,
        kept,
        bytes: None,
        what: format!("dropped{}", at(here)),
        examples: objects,
    });
    Ok(if exact {
        Preview::Exact(loss)
    } else {
        Preview::Estimate(loss)
    })
}

/// What `pg_dump` can save of what is dropped.
fn dumped(seeds: &Seeds, cascade: bool, database: &Database<'_>) -> Result<DumpWish, Trouble> {
    let wish: DumpWish = read(database.ask(&gone(seeds, cascade, DUMPED))?)?;
    if wish.relations.len() > MOST {
        return Err(Trouble::Other(
            "there are more tables than guard saves".to_owned(),
        ));
    }
    Ok(wish)
}

fn of_dump(saved: Result<DumpWish, Trouble>) -> SqlWish {
    let mut wish = SqlWish::default();
    match saved {
        Ok(one) => {
            wish.unsaved = one
                .rest
                .iter()
                .map(|rest| guard_ground::sanitize::text(rest))
                .collect();
            if one.is_possible() {
                wish.dumps.push(one);
            }
        }
        Err(trouble) => wish.unsaved.push(trouble.why()),
    }
    wish
}

/// DROP OWNED: the objects, and the rights that were granted to the roles.
pub(super) fn owned(
    roles: &[String],
    cascade: bool,
    database: &Database<'_>,
    before: &Before,
    here: &str,
) -> Result<Preview, Trouble> {
    let seeds = Seeds::of_roles(roles, "'o'");
    let found = drop(&seeds, cascade, database, before, here)?;
    let rights = Seeds::of_roles(roles, "'a', 'r'");
    let query = format!(
        "SELECT to_json(count(*)) FROM ({}) AS granted",
        rights.query
    );
    let mut loss = Loss::default();
    loss.add(Lot {
        measure: Measure::Objects,
        count: read(database.ask(&query)?)?,
        at_least: false,
        kept: false,
        bytes: None,
        what: format!("on which they lose their rights{}", at(here)),
        examples: Vec::new(),
    });
    Ok(found.and(Preview::Exact(loss)))
}

fn dropped(seeds: &Seeds, cascade: bool, database: &Database<'_>) -> Result<Dropped, Trouble> {
    read(database.ask(&gone(seeds, cascade, DROPPED))?)
}

/// A query about what dropping the seeds drops.
fn gone(seeds: &Seeds, cascade: bool, answer: &str) -> String {
    let follows = if cascade { "true" } else { "d.deptype <> 'n'" };
    format!("{GONE}{answer}")
        .replace("{seeds}", &seeds.query)
        .replace("{follows}", follows)
}

fn read<T: serde::de::DeserializeOwned>(answer: serde_json::Value) -> Result<T, Trouble> {
    serde_json::from_value(answer)
        .map_err(|error| Trouble::Other(format!("the catalogs say something strange: {error}")))
}

/// Adds the tables with their rows; whether the rows were counted.
fn tables(
    gone: &[Gone],
    dropped: bool,
    kept: bool,
    here: &str,
    database: &Database<'_>,
    loss: &mut Loss,
) -> Result<bool, Trouble> {
    if gone.is_empty() {
        return Ok(true);
    }
    let counts = counted(gone, database)?;
    let exact = counts.is_some();
    let rows: Vec<u64> = match counts {
        Some(rows) => rows,
        // Estimates of the planner's are whole numbers far below 2^52; -1 is none.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        None => gone
            .iter()
            .map(|table| table.estimate.max(1.0) as u64)
            .collect(),
    };
    let mut listed: Vec<(&Gone, u64)> = gone.iter().zip(rows).collect();
    if dropped && exact && listed.iter().all(|(_, rows)| *rows == 0) {
        // What holds nothing is no loss; a definition can be written again.
        let names: Vec<String> = gone.iter().map(|table| table.name.clone()).collect();
        loss.fact(guard_ground::sanitize::text(&format!(
            "dropped without a row in it{}: {}",
            at(here),
            some(&names)
        )));
        return Ok(exact);
    }
    if dropped {
        // The tables first, as what is named; then what they hold.
        loss.add(Lot {
            measure: Measure::Tables,
            count: gone.len() as u64,
            at_least: false,
            kept,
            bytes: Some(gone.iter().map(|table| table.bytes).sum()),
            what: format!("dropped{}", at(here)),
            examples: gone
                .iter()
                .take(SHOWN)
                .map(|table| guard_ground::sanitize::text(&table.name))
                .collect(),
        });
    }
    listed.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    let how = if exact {
        ""
    } else {
        ", by the planner's last count"
    };
    let rest: u64 = listed.iter().skip(SHOWN).map(|(_, rows)| rows).sum();
    for (table, rows) in listed.iter().take(SHOWN).filter(|(_, rows)| *rows > 0) {
        let mut what = format!("of {}{how}", table.name);
        if !dropped {
            what.push_str(&at(here));
        }
        loss.add(Lot {
            measure: Measure::Rows,
            count: *rows,
            at_least: false,
            kept,
            bytes: (!dropped).then_some(table.bytes),
            what: guard_ground::sanitize::text(&what),
            examples: Vec::new(),
        });
        loss.share = 100.0;
        if let Some(time) = &table.analyzed {
            loss.fact(guard_ground::sanitize::text(&format!(
                "{} was last analysed {time}",
                table.name
            )));
        }
    }
    loss.add(Lot {
        measure: Measure::Rows,
        count: rest,
        at_least: false,
        kept,
        bytes: None,
        what: format!(
            "of {} further tables{how}",
            listed.len().saturating_sub(SHOWN)
        ),
        examples: Vec::new(),
    });
    for table in gone.iter().filter(|table| !table.triggers.is_empty()) {
        loss.fact(guard_ground::sanitize::text(&format!(
            "what the trigger {} on {} does is not measured",
            table.triggers.join(", "),
            table.name
        )));
    }
    Ok(exact)
}

/// The rows of each, counted; `None` where that takes too long or is not allowed.
fn counted(gone: &[Gone], database: &Database<'_>) -> Result<Option<Vec<u64>>, Trouble> {
    if gone.len() > MOST || gone.iter().any(|table| table.hidden) {
        return Ok(None);
    }
    let counts: Vec<String> = gone
        .iter()
        .map(|table| format!("(SELECT count(*) FROM ONLY {})", table.name))
        .collect();
    let query = format!("SELECT json_build_array({})", counts.join(", "));
    match database.ask_for(&query, database.left() * 7 / 10, None) {
        Ok(answer) => read(answer).map(Some),
        Err(Trouble::Slow) => Ok(None),
        Err(Trouble::Other(why)) if why.contains("permission denied") => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// TRUNCATE: every row of the tables and their partitions, with CASCADE also of all tables that refer to
/// them (manual, "TRUNCATE").
pub(super) fn truncate(
    tables_named: &[Table],
    cascade: bool,
    database: &Database<'_>,
    before: &Before,
    here: &str,
) -> Result<Preview, Trouble> {
    let names: Vec<String> = tables_named
        .iter()
        .map(|table| table.name.clone())
        .collect();
    let (only, whole): (Vec<&Table>, Vec<&Table>) =
        tables_named.iter().partition(|table| table.only);
    let list = |tables: &[&Table]| {
        let listed: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
        array(&listed)
    };
    let query = TRUNCATED
        .replace("{whole}", &list(&whole))
        .replace("{only}", &list(&only))
        .replace("{cascade}", if cascade { "true" } else { "false" });
    let found: Truncated = read(database.ask(&query)?)?;
    let reached: Vec<u64> = found.tables.iter().map(|table| table.oid).collect();
    before.check(&names, &reached, database)?;
    let mut loss = Loss::default();
    if found.missing > 0 {
        // One that is not there makes the server refuse all of it.
        return Ok(Preview::Exact(loss));
    }
    if !cascade && !found.others.is_empty() {
        loss.fact(guard_ground::sanitize::text(&format!(
            "without CASCADE the server refuses, because these refer to it: {}",
            some(&found.others)
        )));
    }
    let saved = emptied(&found.tables, database);
    let kept = saved.unsaved.is_empty();
    let exact = tables(&found.tables, false, kept, here, database, &mut loss)?;
    if !loss.is_none() {
        loss.saves.push(saved);
    }
    let triggers = found.tables.iter().any(|table| !table.triggers.is_empty());
    if loss.is_none() && triggers {
        return Err(Trouble::Other(
            "a trigger runs although the table is empty".to_owned(),
        ));
    }
    Ok(if exact {
        Preview::Exact(loss)
    } else {
        Preview::Estimate(loss)
    })
}

/// All rows of tables, to be saved.
fn emptied(tables: &[Gone], database: &Database<'_>) -> SqlWish {
    let mut wish = SqlWish::default();
    let oids: Vec<u64> = tables.iter().map(|table| table.oid).collect();
    match definitions(&oids, database) {
        // The rows of a partitioned table lie in its partitions, which are among the tables.
        Ok(definitions) => {
            for definition in definitions.into_iter().filter(|one| one.kind != "p") {
                wish.add(TableWish {
                    definition,
                    rows: None,
                    goes: true,
                    changes: Vec::new(),
                });
            }
        }
        Err(trouble) => wish.unsaved.push(trouble.why()),
    }
    wish.drop_what_cannot_be_saved(None);
    for table in tables.iter().filter(|table| !table.triggers.is_empty()) {
        wish.unsaved.push(guard_ground::sanitize::text(&format!(
            "what the trigger {} on {} does",
            table.triggers.join(", "),
            table.name
        )));
    }
    wish
}

#[derive(Deserialize)]
struct Truncated {
    tables: Vec<Gone>,
    others: Vec<String>,
    missing: u64,
}

/// ALTER TABLE … DROP COLUMN: the values, and what depends on the column.
pub(super) fn column(
    table: &Table,
    column: &str,
    cascade: bool,
    database: &Database<'_>,
    before: &Before,
    here: &str,
) -> Result<Preview, Trouble> {
    before.check(std::slice::from_ref(&table.name), &[], database)?;
    let dropped = dropped(&Seeds::column(&table.name, column), cascade, database)?;
    let mut loss = Loss::default();
    if dropped.seeds == 0 {
        return Ok(Preview::Exact(loss));
    }
    let mut objects = vec![format!("column {column} of {}", table.name)];
    objects.extend(dropped.objects);
    if !cascade && !dropped.others.is_empty() {
        loss.fact(guard_ground::sanitize::text(&format!(
            "without CASCADE the server refuses, because these depend on it: {}",
            some(&dropped.others)
        )));
    }
    loss.add(Lot {
        measure: Measure::Objects,
        count: objects.len() as u64,
        at_least: false,
        kept: false,
        bytes: None,
        what: format!("dropped{}", at(here)),
        examples: examples(&objects),
    });
    values(table, column, "lose", database, &mut loss)
}

/// ALTER TABLE … TYPE: every value is written anew, and may lose what the new type does not hold.
pub(super) fn column_type(
    table: &Table,
    column: &str,
    database: &Database<'_>,
    before: &Before,
    here: &str,
) -> Result<Preview, Trouble> {
    before.check(std::slice::from_ref(&table.name), &[], database)?;
    let found = dropped(&Seeds::column(&table.name, column), false, database)?;
    let mut loss = Loss::default();
    if found.seeds == 0 {
        return Ok(Preview::Exact(loss));
    }
    if !here.is_empty() {
        loss.fact(here.to_owned());
    }
    values(table, column, "get a new type of", database, &mut loss)
}

/// Adds the rows that hold something in a column.
fn values(
    table: &Table,
    column: &str,
    verb: &str,
    database: &Database<'_>,
    loss: &mut Loss,
) -> Result<Preview, Trouble> {
    let only = if table.only { "ONLY " } else { "" };
    let query = format!(
        "SELECT CASE WHEN row_security_active(to_regclass({})::oid) THEN 'null'::json \
         ELSE to_json(count({column})) END FROM {only}{} AS t",
        literal(&table.name),
        table.name
    );
    let counted = database.ask_for(&query, database.left() * 8 / 10, None)?;
    if counted.is_null() {
        let why = format!("row-level security may hide rows of {}", table.name);
        return Err(Trouble::Other(why));
    }
    loss.add(Lot {
        measure: Measure::Rows,
        count: read(counted)?,
        at_least: false,
        kept: false,
        bytes: None,
        what: guard_ground::sanitize::text(&format!("of {} {verb} their {column}", table.name)),
        examples: Vec::new(),
    });
    if loss.amount("rows") > 0 {
        loss.share = 100.0;
    }
    Ok(Preview::Exact(std::mem::take(loss)))
}

/// DROP DATABASE: everything in it, seen from inside.
pub(super) fn database(
    name: &str,
    database: &Database<'_>,
    here: &str,
) -> Result<Preview, Trouble> {
    let found = database.ask(&format!(
        "SELECT coalesce((SELECT to_json(d.datname) FROM pg_database d \
         WHERE d.datname = (parse_ident({}))[1]), 'null'::json)",
        literal(name)
    ))?;
    let Some(there) = found.as_str() else {
        return Ok(Preview::Exact(Loss::default()));
    };
    let inside: Inside = read(database.ask_for(INSIDE, database.left() * 8 / 10, Some(there))?)?;
    let mut loss = Loss::default();
    loss.add(Lot {
        measure: Measure::Tables,
        count: inside.tables,
        at_least: false,
        kept: false,
        bytes: Some(inside.bytes),
        what: format!(
            "in the database {}{}",
            guard_ground::sanitize::text(there),
            at(here)
        ),
        examples: inside
            .names
            .iter()
            .map(|name| guard_ground::sanitize::text(name))
            .collect(),
    });
    // Estimates of the planner's are whole numbers far below 2^52.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rows = inside.rows.max(0.0) as u64;
    loss.add(Lot {
        measure: Measure::Rows,
        count: rows,
        at_least: false,
        kept: false,
        bytes: None,
        what: "in them, by the planner's last count".to_owned(),
        examples: Vec::new(),
    });
    loss.add(Lot {
        measure: Measure::Objects,
        count: 1,
        at_least: false,
        kept: false,
        bytes: None,
        what: "dropped".to_owned(),
        examples: vec![format!("database {}", guard_ground::sanitize::text(there))],
    });
    loss.share = 100.0;
    if inside.sessions > 0 {
        loss.fact(format!("{} other sessions are in it", inside.sessions));
    }
    Ok(Preview::Estimate(loss))
}

#[derive(Deserialize)]
struct Inside {
    tables: u64,
    bytes: u64,
    rows: f64,
    names: Vec<String>,
    sessions: u64,
}

fn at(here: &str) -> String {
    if here.is_empty() {
        String::new()
    } else {
        format!(", {here}")
    }
}

fn examples(objects: &[String]) -> Vec<String> {
    objects
        .iter()
        .take(SHOWN)
        .map(|object| guard_ground::sanitize::text(object))
        .collect()
}

fn some(objects: &[String]) -> String {
    let mut text = objects
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if objects.len() > SHOWN {
        text.push_str(", …");
    }
    text
}
