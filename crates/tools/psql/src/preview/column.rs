//! What ALTER TABLE loses of a column: its values, and what depends on it.

use super::depends::Before;
use super::seeds::{Seeds, dropped};
use super::told::{at, examples, some};
use crate::ask::{Database, Trouble, literal, read};
use guard_core::loss::{Loss, Lot};
use guard_core::preview::Preview;
use guard_ground::sanitize;
use guard_sql::actions::Table;
use guard_words::Measure;

/// ALTER TABLE … DROP COLUMN: the values, and what depends on the column.
pub(super) fn drop(
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
        loss.fact(sanitize::text(&format!(
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
pub(super) fn retype(
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
        what: sanitize::text(&format!("of {} {verb} their {column}", table.name)),
        examples: Vec::new(),
    });
    if loss.amount("rows") > 0 {
        loss.share = 100.0;
    }
    Ok(Preview::Exact(std::mem::take(loss)))
}
