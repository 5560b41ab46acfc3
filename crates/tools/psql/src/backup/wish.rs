//! What a preview asks to have saved.

use std::ffi::OsString;

use super::define::Definition;
use super::dump::DumpWish;

/// Everything of one command's that can be saved.
#[derive(Clone, Debug, Default)]
pub struct SqlWish {
    /// Options that lead to the database.
    pub scope: Vec<OsString>,
    /// Operands that do.
    pub operands: Vec<OsString>,
    /// Rows.
    pub tables: Vec<TableWish>,
    /// Whole objects.
    pub dumps: Vec<DumpWish>,
    /// What cannot be saved, and why, in plain sentences.
    pub unsaved: Vec<String>,
}

/// Rows of one table.
#[derive(Clone, Debug)]
pub struct TableWish {
    /// The table.
    pub definition: Definition,
    /// Queries for `tableoid` and `ctid` of the rows; none for all of them.
    pub rows: Option<Vec<String>>,
    /// Some of them are deleted.
    pub goes: bool,
    /// The columns that are changed.
    pub changes: Vec<String>,
}

impl TableWish {
    /// The columns that tell the rows apart whatever the command does to them.
    pub fn key(&self) -> Option<&Vec<String>> {
        let stays = |key: &&Vec<String>| !key.iter().any(|column| self.changes.contains(column));
        self.definition.keys.iter().find(stays)
    }

    /// Why these rows cannot be saved so that they can be brought back.
    pub fn obstacle(&self) -> Option<String> {
        let name = guard_ground::sanitize::text(&self.definition.name);
        if !matches!(self.definition.kind.as_str(), "r" | "p") {
            return Some(format!("{name} is no ordinary table"));
        }
        if self.definition.heirs && self.rows.is_some() {
            return Some(format!("other tables inherit from {name}"));
        }
        if !self.changes.is_empty() && self.key().is_none() {
            return Some(format!(
                "{name} has no primary key that stays as it is, so its changed rows could not be found again"
            ));
        }
        None
    }
}

impl SqlWish {
    /// Adds rows; of a table that is there already its other rows.
    pub fn add(&mut self, other: TableWish) {
        let known = self
            .tables
            .iter_mut()
            .find(|table| table.definition.oid == other.definition.oid);
        let Some(known) = known else {
            self.tables.push(other);
            return;
        };
        known.rows = match (known.rows.take(), other.rows) {
            (Some(mut rows), Some(more)) => {
                rows.extend(more);
                Some(rows)
            }
            _ => None,
        };
        known.goes |= other.goes;
        for column in other.changes {
            if !known.changes.contains(&column) {
                known.changes.push(column);
            }
        }
    }

    /// Leaves out what could not be brought back, and says so. `first` is the table that the command
    /// itself names: whom its changes reach is among the tables.
    pub fn drop_what_cannot_be_saved(&mut self, first: Option<u64>) {
        let tables = std::mem::take(&mut self.tables);
        for table in tables {
            let goes_on = Some(table.definition.oid) != first
                && table
                    .changes
                    .iter()
                    .any(|column| table.definition.followed.contains(column));
            let why = table.obstacle().or_else(|| {
                goes_on.then(|| {
                    guard_ground::sanitize::text(&format!(
                        "what changes in {} changes rows of further tables",
                        table.definition.name
                    ))
                })
            });
            match why {
                Some(why) => self.unsaved.push(why),
                None => self.tables.push(table),
            }
        }
    }

    /// Whether there is nothing to save and nothing to say.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.dumps.is_empty() && self.unsaved.is_empty()
    }

    /// Takes another wish in.
    pub fn merge(&mut self, other: Self) {
        for table in other.tables {
            self.add(table);
        }
        self.dumps.extend(other.dumps);
        for why in other.unsaved {
            if !self.unsaved.contains(&why) {
                self.unsaved.push(why);
            }
        }
    }

    /// The tables, each after those that it refers to.
    ///
    /// # Errors
    /// When they refer to one another in a circle.
    pub fn ordered(&self) -> Result<Vec<&TableWish>, String> {
        let mut left: Vec<&TableWish> = self.tables.iter().collect();
        let mut order = Vec::new();
        while !left.is_empty() {
            let next = left.iter().position(|table| {
                !left
                    .iter()
                    .any(|other| table.definition.refers.contains(&other.definition.oid))
            });
            let Some(next) = next else {
                let names: Vec<&str> = left
                    .iter()
                    .map(|table| table.definition.name.as_str())
                    .collect();
                return Err(guard_ground::sanitize::text(&format!(
                    "{} refer to one another in a circle",
                    names.join(", ")
                )));
            };
            order.push(left.remove(next));
        }
        Ok(order)
    }
}
