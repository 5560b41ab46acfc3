//! What TRUNCATE loses: all rows of tables, and with CASCADE of those that refer to them.

use serde::Deserialize;

use super::catalog::TRUNCATED;
use super::depends::Before;
use super::gone::{Gone, add_tables};
use super::rows::definitions;
use super::told::some;
use crate::ask::{Database, Trouble, array, read};
use crate::backup::{SqlWish, TableWish};
use guard_core::loss::Loss;
use guard_core::preview::Preview;
use guard_ground::sanitize;
use guard_sql::actions::Table;

#[derive(Deserialize)]
struct Truncated {
    tables: Vec<Gone>,
    others: Vec<String>,
    missing: u64,
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
        loss.fact(sanitize::text(&format!(
            "without CASCADE the server refuses, because these refer to it: {}",
            some(&found.others)
        )));
    }
    let saved = emptied(&found.tables, database);
    let kept = saved.unsaved.is_empty();
    let exact = add_tables(&found.tables, false, kept, here, database, &mut loss)?;
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
        wish.unsaved.push(sanitize::text(&format!(
            "what the trigger {} on {} does",
            table.triggers.join(", "),
            table.name
        )));
    }
    wish
}
