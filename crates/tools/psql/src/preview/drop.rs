//! What DROP loses: the objects, tables with their rows, and with CASCADE what depends on them.

use super::depends::Before;
use super::gone::{MOST, add_tables};
use super::seeds::{Seeds, dropped, gone};
use super::told::{at, examples, some};
use crate::ask::{Database, Trouble, read};
use crate::backup::SqlWish;
use crate::backup::dump::{DUMPED, DumpWish};
use guard_core::loss::{Loss, Lot};
use guard_core::preview::Preview;
use guard_ground::sanitize;
use guard_words::Measure;

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
        loss.fact(sanitize::text(&format!(
            "without CASCADE the server refuses, because these depend on it: {}",
            some(&dropped.others)
        )));
    }
    let saved = dumped(seeds, cascade, database);
    let kept = saved
        .as_ref()
        .is_ok_and(|wish| wish.rest.is_empty() && wish.is_possible());
    let exact = add_tables(&dropped.tables, true, kept, here, database, &mut loss)?;
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
            wish.unsaved = one.rest.iter().map(|rest| sanitize::text(rest)).collect();
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
