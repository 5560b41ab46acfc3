//! What DROP DATABASE loses: everything in it, seen from inside.

use serde::Deserialize;

use super::catalog::INSIDE;
use super::told::at;
use crate::ask::{Database, Trouble, literal, read};
use guard_core::loss::{Loss, Lot};
use guard_core::preview::Preview;
use guard_ground::sanitize;
use guard_words::Measure;

#[derive(Deserialize)]
struct Inside {
    tables: u64,
    bytes: u64,
    rows: f64,
    names: Vec<String>,
    sessions: u64,
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
        what: format!("in the database {}{}", sanitize::text(there), at(here)),
        examples: inside
            .names
            .iter()
            .map(|name| sanitize::text(name))
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
        examples: vec![format!("database {}", sanitize::text(there))],
    });
    loss.share = 100.0;
    if inside.sessions > 0 {
        loss.fact(format!("{} other sessions are in it", inside.sessions));
    }
    Ok(Preview::Estimate(loss))
}
