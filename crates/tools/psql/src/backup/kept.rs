//! What is known of rows that were saved.

use serde::{Deserialize, Serialize};

use super::define::Definition;
use super::link::Address;
use guard_store::manifest::Blob;

/// Rows of tables of one database, all seen at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptRows {
    /// Where the database is.
    pub server: Address,
    /// How the rows are written.
    pub settings: Settings,
    /// The tables, those first that others refer to.
    pub tables: Vec<KeptTable>,
}

/// Settings of the session that the form of values depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// `search_path`: names of functions and types among the values.
    pub path: String,
    /// `client_encoding`.
    pub encoding: String,
    /// `TimeZone`.
    pub zone: String,
}

/// Rows of one table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptTable {
    /// The table.
    pub definition: Definition,
    /// The columns that tell its rows apart; none where nothing does.
    pub key: Vec<String>,
    /// The command deletes rows: that they are not there is expected.
    pub goes: bool,
    /// The columns that the command changes: that they hold something else is expected.
    pub changes: Vec<String>,
    /// The rows as they are to be again.
    pub rows: Sheet,
    /// Rows that are not to be there, as they stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Sheet>,
    /// The rows as whoever replaced them left them: that they stand like this is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Sheet>,
}

/// Rows in the text format of COPY (manual, "COPY"), one a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sheet {
    /// How many.
    pub count: u64,
    /// They.
    pub content: Blob,
}

impl KeptTable {
    /// The name for a reader.
    pub fn shown(&self) -> String {
        guard_ground::sanitize::text(&self.definition.name)
    }
}

impl KeptRows {
    /// How many rows come back.
    pub fn count(&self) -> u64 {
        self.tables.iter().map(|table| table.rows.count).sum()
    }
}
