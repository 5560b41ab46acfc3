//! DELETE, UPDATE and MERGE: the rows that they take, and what foreign keys take along.

use std::fmt::Write as _;

use serde::Deserialize;

use super::cascade;
use super::depends::Before;
use super::look::{Edge, ReachedTables, Relation, look};
use crate::ask::{Database, Trouble};
use crate::backup::define::{self, Definition};
use crate::backup::{SqlWish, TableWish};
use guard_core::loss::{Loss, Lot};
use guard_core::preview::Preview;
use guard_ground::text::human_percent;
use guard_sql::actions::{Rows, Verb};
use guard_words::Measure;

/// What the counting query answers.
#[derive(Deserialize)]
struct Counted {
    taken: u64,
    tables: Vec<TableCount>,
    others: Vec<u64>,
}

impl Counted {
    fn is_nothing(&self) -> bool {
        self.tables.iter().all(|one| one.rows == 0) && self.others.iter().all(|rows| *rows == 0)
    }
}

#[derive(Deserialize)]
struct TableCount {
    rows: u64,
    first: Option<String>,
    last: Option<String>,
}

/// Measures the rows that one statement takes.
pub(super) fn measure(
    rows: &Rows,
    database: &Database<'_>,
    before: &Before,
    here: &str,
) -> Result<Preview, Trouble> {
    let mut names = rows.mentions.clone();
    names.push(rows.table.name.clone());
    let deletes = rows.verb == Verb::Delete;
    before.check(&names, &[], database)?;
    let Some(look) = look(
        &rows.table.name,
        deletes,
        &rows.mentions,
        &rows.calls,
        database,
    )?
    else {
        // The server refuses a table that is not there.
        return Ok(Preview::Exact(Loss::default()));
    };
    let Some(table) = look.relations.first() else {
        return Ok(Preview::Exact(Loss::default()));
    };
    if let Some(why) = unsure(table, &look) {
        return Err(Trouble::Other(why));
    }
    let count = cascade::count(rows, &look, deletes).map_err(Trouble::Other)?;
    let mut reached = count.tables.clone();
    reached.extend(count.others.iter().map(|edge| edge.child));
    before.check(&names, &reached, database)?;
    if !look.views.is_empty() {
        // A view may call what it likes: it is not run, only planned.
        return estimate(rows, table, &look, &count, database, here);
    }
    // What is left pays for an estimate, should counting take too long.
    let time = database.left() * 7 / 10;
    let answer = match database.ask_for(&count.query, time, None) {
        Err(Trouble::Slow) => return estimate(rows, table, &look, &count, database, here),
        other => other?,
    };
    let counted: Counted = serde_json::from_value(answer)
        .map_err(|error| Trouble::Other(format!("the count is strange: {error}")))?;
    let always = look.relations.first().is_some_and(|table| table.always);
    if always && counted.taken == 0 {
        return Err(Trouble::Other(format!(
            "the trigger {} runs although no row fits",
            table.triggers.join(", ")
        )));
    }
    // How large the tables are is worth a second look, but not the whole answer.
    let wholes = match database.ask_for(&count.wholes, database.left() * 8 / 10, None) {
        Ok(answer) => serde_json::from_value(answer).ok(),
        Err(_) => None,
    };
    let saved = if counted.is_nothing() {
        SavedRows::default()
    } else {
        wished(rows, &look, &count, &counted, database)
    };
    let mut loss = told(rows, &look, &count, &counted, wholes, &saved.kept, here);
    loss.saves.push(saved.wish);
    Ok(if rows.at_most && !loss.is_none() {
        Preview::Estimate(loss)
    } else {
        Preview::Exact(loss)
    })
}

/// What is saved of the rows, and of which tables all of them.
#[derive(Default)]
struct SavedRows {
    wish: SqlWish,
    kept: Vec<u64>,
}

/// What has to be saved of what was counted.
fn wished(
    rows: &Rows,
    look: &ReachedTables,
    count: &cascade::Count<'_>,
    counted: &Counted,
    database: &Database<'_>,
) -> SavedRows {
    let mut saved = SavedRows::default();
    let taken = count.tables.iter().zip(&counted.tables).enumerate();
    let taken: Vec<(usize, u64)> = taken
        .filter(|(_, (_, one))| one.rows > 0)
        .map(|(at, (oid, _))| (at, *oid))
        .collect();
    let changed = count.others.iter().zip(&counted.others).enumerate();
    let changed: Vec<(usize, &Edge)> = changed
        .filter(|(_, (edge, rows))| **rows > 0 && matches!(edge.action.as_str(), "c" | "n" | "d"))
        .map(|(at, (edge, _))| (at, *edge))
        .collect();
    let children = changed.iter().map(|(_, edge)| edge.child);
    let oids: Vec<u64> = taken.iter().map(|(_, oid)| *oid).chain(children).collect();
    let definitions = match definitions(&oids, database) {
        Ok(definitions) => definitions,
        Err(trouble) => {
            saved.wish.unsaved.push(trouble.why());
            return saved;
        }
    };
    let definition = |oid: u64| definitions.iter().find(|one| one.oid == oid).cloned();
    for (at, oid) in taken {
        let goes = at > 0 || rows.verb == Verb::Delete;
        let Some(definition) = definition(oid) else {
            continue;
        };
        saved.wish.add(TableWish {
            definition,
            rows: Some(vec![count.taken(at)]),
            goes,
            changes: if goes {
                Vec::new()
            } else {
                rows.columns.clone()
            },
        });
    }
    for (at, edge) in changed {
        let (Some(definition), Some(query)) = (definition(edge.child), count.changed(at)) else {
            continue;
        };
        saved.wish.add(TableWish {
            definition,
            rows: Some(vec![query]),
            goes: false,
            changes: edge.own.clone(),
        });
    }
    saved.wish.drop_what_cannot_be_saved(oids.first().copied());
    saved.kept = saved
        .wish
        .tables
        .iter()
        .map(|table| table.definition.oid)
        .collect();
    for table in look.relations.iter().filter(|it| !it.triggers.is_empty()) {
        saved.kept.clear();
        saved
            .wish
            .unsaved
            .push(guard_ground::sanitize::text(&format!(
                "what the trigger {} on {} does",
                table.triggers.join(", "),
                table.name
            )));
    }
    saved
}

/// What has to be known of tables whose rows are saved.
pub(super) fn definitions(
    oids: &[u64],
    database: &Database<'_>,
) -> Result<Vec<Definition>, Trouble> {
    let oids: Vec<String> = oids.iter().map(u64::to_string).collect();
    serde_json::from_value(database.ask(&define::query(&oids))?)
        .map_err(|error| Trouble::Other(format!("the catalogs say something strange: {error}")))
}

/// Why counting would say little, or do something.
fn unsure(table: &Relation, look: &ReachedTables) -> Option<String> {
    if let Some(hidden) = look.relations.iter().find(|relation| relation.hidden) {
        return Some(format!(
            "row-level security may hide rows of {}",
            hidden.name
        ));
    }
    let why = match table.kind.as_str() {
        "v" => "it goes through a view".to_owned(),
        "f" => "the table lies on another server".to_owned(),
        "r" | "p" if table.rules => "rules on the table turn it into something else".to_owned(),
        "r" | "p" if !look.volatile.is_empty() => format!(
            "its condition calls {}, which may do more than compute",
            look.volatile.join(", ")
        ),
        "r" | "p" => return None,
        _ => "the server changes no rows of such a thing".to_owned(),
    };
    Some(why)
}

/// The planner's estimate, where counting takes too long. It cannot say what foreign keys take along.
fn estimate(
    rows: &Rows,
    table: &Relation,
    look: &ReachedTables,
    counting: &cascade::Count<'_>,
    database: &Database<'_>,
    here: &str,
) -> Result<Preview, Trouble> {
    let query = format!("EXPLAIN (FORMAT JSON) {}", cascade::select(rows, "1"));
    let answer = database.ask(&query)?;
    let planned = answer
        .pointer("/0/Plan/Plan Rows")
        .and_then(serde_json::Value::as_f64)
        .ok_or(Trouble::Slow)?;
    let mut loss = Loss::default();
    let count = to_count(planned).max(1);
    let percent = share(count, to_count(table.estimate.max(1.0)).max(1));
    loss.share = percent;
    loss.add(Lot {
        measure: Measure::Rows,
        count,
        at_least: false,
        kept: false,
        bytes: None,
        what: what(
            &format!(
                "of {} (about {}, the planner's estimate)",
                table.name,
                human_percent(percent)
            ),
            rows.verb,
            here,
        ),
        examples: Vec::new(),
    });
    let children = counting.others.iter().map(|edge| edge.child);
    let uncounted: Vec<u64> = counting
        .tables
        .iter()
        .skip(1)
        .copied()
        .chain(children)
        .collect();
    let reached: Vec<&str> = look
        .relations
        .iter()
        .filter(|relation| uncounted.contains(&relation.oid))
        .map(|relation| relation.name.as_str())
        .collect();
    if !reached.is_empty() {
        loss.fact(guard_ground::sanitize::text(&format!(
            "what foreign keys change in {} was not counted",
            reached.join(", ")
        )));
    }
    triggers(look, &mut loss);
    Ok(Preview::Estimate(loss))
}

// Estimates of the planner's are whole numbers far below 2^52.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn to_count(rows: f64) -> u64 {
    rows.max(0.0) as u64
}

/// Percent of the whole.
#[allow(clippy::cast_precision_loss)]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        (part as f64 * 100.0 / whole as f64).min(100.0)
    }
}

fn what(of: &str, verb: Verb, here: &str) -> String {
    let done = match verb {
        Verb::Delete => "",
        Verb::Update => ", overwritten",
    };
    let at = if here.is_empty() {
        String::new()
    } else {
        format!(", {here}")
    };
    guard_ground::sanitize::text(&format!("{of}{done}{at}"))
}

fn told(
    rows: &Rows,
    look: &ReachedTables,
    count: &cascade::Count<'_>,
    counted: &Counted,
    wholes: Option<Vec<u64>>,
    kept: &[u64],
    here: &str,
) -> Loss {
    let exact = wholes.is_some();
    let wholes = wholes.unwrap_or_default();
    let mut loss = Loss::default();
    let relation = |oid: u64| look.relations.iter().find(|relation| relation.oid == oid);
    for (at, (oid, one)) in count.tables.iter().zip(&counted.tables).enumerate() {
        let Some(table) = relation(*oid) else {
            continue;
        };
        let estimate = to_count(table.estimate).max(one.rows);
        let percent = share(one.rows, wholes.get(at).copied().unwrap_or(estimate));
        // A share that is only estimated is within no limit.
        let certain = if exact { percent } else { 100.0 };
        loss.share = loss.share.max(if one.rows > 0 { certain } else { 0.0 });
        let about = if exact { "" } else { "about " };
        let mut of = format!("of {} ({about}{})", table.name, human_percent(percent));
        if let (Some(first), Some(last)) = (&one.first, &one.last) {
            let _ = write!(
                of,
                ", {} {first} to {last}",
                table.time.as_deref().unwrap_or("")
            );
        }
        if at == 0 {
            if one.rows > counted.taken {
                let _ = write!(
                    of,
                    ", {} of them by ON DELETE CASCADE",
                    one.rows - counted.taken
                );
            }
        } else {
            of.push_str(", by ON DELETE CASCADE");
        }
        let verb = if at == 0 { rows.verb } else { Verb::Delete };
        loss.add(Lot {
            measure: Measure::Rows,
            count: one.rows,
            at_least: false,
            kept: kept.contains(oid),
            bytes: None,
            what: what(&of, verb, if at == 0 { here } else { "" }),
            examples: Vec::new(),
        });
    }
    for (edge, changed) in count.others.iter().zip(&counted.others) {
        if let Some(child) = relation(edge.child).filter(|_| *changed > 0) {
            let kept = kept.contains(&edge.child);
            other(edge, child, *changed, rows.verb, kept, &mut loss);
        }
    }
    triggers(look, &mut loss);
    loss
}

/// Rows that a foreign key changes without deleting them, or that keep the statement from running.
fn other(edge: &Edge, child: &Relation, changed: u64, verb: Verb, kept: bool, loss: &mut Loss) {
    let columns = edge.own.join(", ");
    let rule = match verb {
        Verb::Delete => "ON DELETE",
        Verb::Update => "ON UPDATE",
    };
    let how = match edge.action.as_str() {
        "n" => format!("of {} lose their {columns}, by {rule} SET NULL", child.name),
        "d" => format!(
            "of {} get another {columns}, by {rule} SET DEFAULT",
            child.name
        ),
        "c" => format!("of {} get another {columns}, by {rule} CASCADE", child.name),
        _ => {
            loss.fact(guard_ground::sanitize::text(&format!(
                "{changed} rows of {} refer to them: {} may make the server refuse",
                child.name, edge.name
            )));
            return;
        }
    };
    loss.add(Lot {
        measure: Measure::Rows,
        count: changed,
        at_least: false,
        kept,
        bytes: None,
        what: guard_ground::sanitize::text(&how),
        examples: Vec::new(),
    });
}

fn triggers(look: &ReachedTables, loss: &mut Loss) {
    for table in look
        .relations
        .iter()
        .filter(|table| !table.triggers.is_empty())
    {
        loss.fact(guard_ground::sanitize::text(&format!(
            "what the trigger {} on {} does is not measured",
            table.triggers.join(", "),
            table.name
        )));
    }
}
