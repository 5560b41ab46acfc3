//! Tables that go or are emptied: their rows and bytes, counted where that can be.

use serde::Deserialize;

use super::told::{SHOWN, at, some};
use crate::ask::{Database, Trouble, read};
use guard_core::loss::{Loss, Lot};
use guard_ground::sanitize;
use guard_words::Measure;

/// The rows of more tables than this are not counted one by one.
pub(super) const MOST: usize = 200;

/// A table that goes, or is emptied.
#[derive(Deserialize)]
pub(super) struct Gone {
    pub(super) oid: u64,
    pub(super) name: String,
    /// Row-level security may hide rows from whoever counts.
    hidden: bool,
    bytes: u64,
    estimate: f64,
    analyzed: Option<String>,
    /// It was named, or lies in what was named.
    #[serde(default)]
    pub(super) triggers: Vec<String>,
}

/// Adds the tables with their rows; whether the rows were counted.
pub(super) fn add_tables(
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
    let listed: Vec<(&Gone, u64)> = gone.iter().zip(rows).collect();
    if dropped && exact && listed.iter().all(|(_, rows)| *rows == 0) {
        // What holds nothing is no loss; a definition can be written again.
        let names: Vec<String> = gone.iter().map(|table| table.name.clone()).collect();
        loss.fact(sanitize::text(&format!(
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
                .map(|table| sanitize::text(&table.name))
                .collect(),
        });
    }
    add_rows(listed, dropped, kept, exact, here, loss);
    for table in gone.iter().filter(|table| !table.triggers.is_empty()) {
        loss.fact(sanitize::text(&format!(
            "what the trigger {} on {} does is not measured",
            table.triggers.join(", "),
            table.name
        )));
    }
    Ok(exact)
}

/// Adds the rows of the tables, those with most of them first.
fn add_rows(
    mut listed: Vec<(&Gone, u64)>,
    dropped: bool,
    kept: bool,
    exact: bool,
    here: &str,
    loss: &mut Loss,
) {
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
            what: sanitize::text(&what),
            examples: Vec::new(),
        });
        loss.share = 100.0;
        if let Some(time) = &table.analyzed {
            loss.fact(sanitize::text(&format!(
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
