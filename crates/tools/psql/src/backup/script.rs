//! The SQL that compares saved rows with those that are there, and brings them back. Saved rows are
//! loaded into temporary tables first: the server compares them as it knows how.

use std::fmt::Write as _;

use super::define::{Definition, identifier};
use super::kept::{KeptRows, KeptTable, Settings, Sheet};
use super::link::PsqlScript;
use crate::ask::literal;
use guard_store::reader::BackupReader;

/// Which of the rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those to be there.
    Rows,
    /// Those not to be there.
    Absent,
    /// What was left by whoever replaced them.
    Left,
}

impl Which {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rows, Self::Absent, Self::Left];

    /// The temporary table.
    pub fn loaded(self, at: usize) -> String {
        match self {
            Self::Rows => format!("guard_rows_{at}"),
            Self::Absent => format!("guard_absent_{at}"),
            Self::Left => format!("guard_left_{at}"),
        }
    }

    /// The rows.
    pub fn of(self, table: &KeptTable) -> Option<&Sheet> {
        match self {
            Self::Rows => Some(&table.rows),
            Self::Absent => table.absent.as_ref(),
            Self::Left => table.left.as_ref(),
        }
    }
}

/// Where COPY reads loaded rows from.
pub enum RowSource<'a> {
    /// The script itself.
    Inline(&'a BackupReader),
    /// Files beside it.
    Files,
}

/// The name of the file with rows of a table.
pub fn file_name(at: usize, which: Which, definition: &Definition) -> String {
    let plain: String = definition
        .name
        .chars()
        .map(|character| match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' => character,
            _ => '_',
        })
        .take(80)
        .collect();
    let kind = match which {
        Which::Rows => "",
        Which::Absent => ".absent",
        Which::Left => ".left",
    };
    format!("{:03}-{plain}{kind}.copy", at + 1)
}

/// Begins a transaction in which values read as they were written.
pub fn begin(script: &mut PsqlScript, settings: &Settings, lock: &str) -> Result<(), String> {
    script.line(&format!("\\encoding {}", settings.encoding))?;
    script.line("BEGIN ISOLATION LEVEL REPEATABLE READ;")?;
    for setting in [
        "standard_conforming_strings = on",
        "statement_timeout = 0",
        &format!("lock_timeout = '{lock}'"),
        "idle_in_transaction_session_timeout = 0",
        "row_security = off",
        "datestyle = 'ISO, MDY'",
        "intervalstyle = 'postgres'",
        "extra_float_digits = 3",
        "bytea_output = 'hex'",
        "xmloption = 'content'",
        "client_min_messages = 'warning'",
    ] {
        script.line(&format!("SET LOCAL {setting};"))?;
    }
    for (name, value) in [
        ("search_path", &settings.path),
        ("TimeZone", &settings.zone),
    ] {
        script.line(&format!(
            "SELECT pg_catalog.set_config('{name}', {}, true) \\g /dev/null",
            literal(value)
        ))?;
    }
    Ok(())
}

/// Loads the saved rows.
pub fn load(
    script: &mut PsqlScript,
    kept: &KeptRows,
    source: &RowSource<'_>,
) -> Result<(), String> {
    for (at, table) in kept.tables.iter().enumerate() {
        let definition = &table.definition;
        let columns = definition.list("");
        for which in Which::ALL {
            let Some(sheet) = which.of(table) else {
                continue;
            };
            let loaded = which.loaded(at);
            script.line(&format!(
                "CREATE TEMPORARY TABLE {loaded} ON COMMIT DROP AS SELECT {columns} FROM {} WITH NO DATA;",
                definition.alone()
            ))?;
            match source {
                RowSource::Inline(reader) => {
                    script.line(&format!("COPY pg_temp.{loaded} ({columns}) FROM STDIN;"))?;
                    reader
                        .copy(&sheet.content, script)
                        .map_err(|why| format!("{}: {why}", table.shown()))?;
                    script.line("\\.")?;
                }
                RowSource::Files => script.line(&format!(
                    "\\copy pg_temp.{loaded} ({columns}) FROM '{}'",
                    file_name(at, which, definition)
                ))?,
            }
            script.line(&format!("ANALYZE pg_temp.{loaded};"))?;
        }
    }
    Ok(())
}

/// A table in the comparisons: `t` is what is there, `b` what was saved.
pub struct Sides<'a> {
    at: usize,
    table: &'a KeptTable,
}

impl<'a> Sides<'a> {
    /// Of a table by its place.
    pub fn new(at: usize, table: &'a KeptTable) -> Self {
        Self { at, table }
    }

    /// The table that is there.
    fn there(&self) -> String {
        self.table.definition.alone()
    }

    fn loaded(&self, which: Which) -> String {
        format!("pg_temp.{}", which.loaded(self.at))
    }

    /// Whether rows can be told apart.
    fn keyed(&self) -> bool {
        !self.table.key.is_empty()
    }

    /// `t.k = b.k AND …`
    fn same_key(&self, one: &str, other: &str) -> String {
        let pairs = self.table.key.iter().map(|column| {
            let column = identifier(column);
            format!("{one}.{column} = {other}.{column}")
        });
        pairs.collect::<Vec<_>>().join(" AND ")
    }

    /// The whole row as text, so that types without a comparison of their own can be compared. Some
    /// columns can be left out.
    fn text(&self, of: &str, without: &[String]) -> String {
        let columns: Vec<String> = self
            .table
            .definition
            .columns
            .iter()
            .filter(|column| !without.contains(&column.name))
            .map(|column| format!("{of}.{}", identifier(&column.name)))
            .collect();
        format!("CAST(ROW({}) AS pg_catalog.text)", columns.join(", "))
    }

    /// The key for a reader: `id = 5`.
    fn key_text(&self, of: &str) -> String {
        let parts = self.table.key.iter().map(|column| {
            format!(
                "{} || CAST({of}.{} AS pg_catalog.text)",
                literal(&format!("{column} = ")),
                identifier(column)
            )
        });
        parts.collect::<Vec<_>>().join(" || ', ' || ")
    }

    /// Saved rows of which more are to be there than are: for tables without a key, where rows alike
    /// are counted.
    fn lacking(&self, which: Which) -> String {
        format!(
            "(SELECT b.* FROM (SELECT b.*, {text} AS guard_text, pg_catalog.row_number() OVER (PARTITION BY {text}) \
             AS guard_number FROM {loaded} AS b) AS b LEFT JOIN (SELECT {there_text} AS guard_text, \
             pg_catalog.count(*) AS guard_count FROM {there} AS t GROUP BY 1) AS h USING (guard_text) \
             WHERE b.guard_number > coalesce(h.guard_count, 0))",
            text = self.text("b", &[]),
            there_text = self.text("t", &[]),
            loaded = self.loaded(which),
            there = self.there(),
        )
    }

    /// Of rows without a key, those there that are among saved ones: as many of each as were saved.
    fn alike(&self, which: Which) -> String {
        format!(
            "(SELECT t.* FROM (SELECT t.*, t.tableoid AS guard_table, t.ctid AS guard_row, {there_text} AS guard_text, \
             pg_catalog.row_number() OVER (PARTITION BY {there_text}) AS guard_number FROM {there} AS t) AS t \
             JOIN (SELECT {text} AS guard_text, pg_catalog.count(*) AS guard_count FROM {loaded} AS b GROUP BY 1) AS h \
             USING (guard_text) WHERE t.guard_number <= h.guard_count)",
            text = self.text("b", &[]),
            there_text = self.text("t", &[]),
            loaded = self.loaded(which),
            there = self.there(),
        )
    }

    /// How many rows, and the keys of some.
    fn some(&self, from: &str) -> String {
        format!(
            "(SELECT pg_catalog.json_build_object('count', pg_catalog.count(*), 'some', \
             coalesce((pg_catalog.array_agg({key}))[1:3], '{{}}')) FROM {from})",
            key = self.key_text("b"),
        )
    }

    /// A query for what would be lost by bringing the rows back, as [`InTheWay`](super::part::InTheWay).
    pub fn conflicts(&self) -> String {
        if !self.keyed() {
            return format!(
                "SELECT pg_catalog.json_build_object('alike', (SELECT pg_catalog.count(*) FROM {} AS t))",
                self.alike(Which::Rows)
            );
        }
        let mut expected = String::new();
        if self.table.left.is_some() {
            let _ = write!(
                expected,
                " AND NOT EXISTS (SELECT 1 FROM {} AS e WHERE {} AND {} = {})",
                self.loaded(Which::Left),
                self.same_key("e", "t"),
                self.text("e", &[]),
                self.text("t", &[])
            );
        }
        let rows = self.loaded(Which::Rows);
        let join = format!(
            "{rows} AS b JOIN {} AS t ON {}",
            self.there(),
            self.same_key("t", "b")
        );
        let changed = self.some(&format!(
            "{join} WHERE {} IS DISTINCT FROM {}{expected}",
            self.text("t", &self.table.changes),
            self.text("b", &self.table.changes)
        ));
        let missing = if self.table.goes {
            "NULL".to_owned()
        } else {
            self.some(&format!(
                "{rows} AS b WHERE NOT EXISTS (SELECT 1 FROM {} AS t WHERE {})",
                self.there(),
                self.same_key("t", "b")
            ))
        };
        let absent = if self.table.absent.is_some() {
            self.some(&format!(
                "{} AS b JOIN {} AS t ON {} WHERE {} IS DISTINCT FROM {}",
                self.loaded(Which::Absent),
                self.there(),
                self.same_key("t", "b"),
                self.text("t", &[]),
                self.text("b", &[])
            ))
        } else {
            "NULL".to_owned()
        };
        // What one statement changed, one transaction changed.
        let writers = if self.table.changes.is_empty() {
            "0".to_owned()
        } else {
            format!(
                "(SELECT pg_catalog.count(DISTINCT CAST(t.xmin AS pg_catalog.text)) FROM {join} WHERE {} IS DISTINCT FROM {})",
                self.text("t", &[]),
                self.text("b", &[])
            )
        };
        format!(
            "SELECT pg_catalog.json_build_object('changed', {changed}, 'missing', {missing}, 'absent', {absent}, 'writers', {writers})"
        )
    }

    /// A query for how many rows are not as they were saved.
    pub fn differences(&self) -> String {
        let rows = if self.keyed() {
            format!(
                "SELECT pg_catalog.count(*) FROM {} AS b WHERE NOT EXISTS (SELECT 1 FROM {} AS t WHERE {} AND {} = {})",
                self.loaded(Which::Rows),
                self.there(),
                self.same_key("t", "b"),
                self.text("t", &[]),
                self.text("b", &[])
            )
        } else {
            format!(
                "SELECT pg_catalog.count(*) FROM {} AS b",
                self.lacking(Which::Rows)
            )
        };
        let absent = match (&self.table.absent, self.keyed()) {
            (Some(_), true) => format!(
                "SELECT pg_catalog.count(*) FROM {} AS b JOIN {} AS t ON {}",
                self.loaded(Which::Absent),
                self.there(),
                self.same_key("t", "b")
            ),
            // Rows alike may have been there before.
            _ => "SELECT 0".to_owned(),
        };
        format!("SELECT pg_catalog.json_build_object('rows', ({rows}), 'absent', ({absent}))")
    }

    /// Queries for what is there now: rows that would be replaced or removed, and saved rows that are
    /// not there.
    pub fn now(&self) -> (String, String) {
        let columns = self.table.definition.list("t.");
        let saved = self.table.definition.list("b.");
        let of = |which: Which| match (which.of(self.table), self.keyed()) {
            (None, _) => None,
            (Some(_), true) => Some(format!(
                "SELECT {columns} FROM {} AS t WHERE EXISTS (SELECT 1 FROM {} AS b WHERE {})",
                self.there(),
                self.loaded(which),
                self.same_key("t", "b")
            )),
            (Some(_), false) => Some(format!("SELECT {columns} FROM {} AS t", self.alike(which))),
        };
        // Rows alike in a table without a key stay: they are not replaced.
        let rows = self.keyed().then(|| of(Which::Rows)).flatten();
        let there: Vec<String> = rows.into_iter().chain(of(Which::Absent)).collect();
        let there = if there.is_empty() {
            format!("SELECT {columns} FROM {} AS t WHERE false", self.there())
        } else {
            there.join(" UNION ALL ")
        };
        let lacking = if self.keyed() {
            format!(
                "SELECT {saved} FROM {} AS b WHERE NOT EXISTS (SELECT 1 FROM {} AS t WHERE {})",
                self.loaded(Which::Rows),
                self.there(),
                self.same_key("t", "b")
            )
        } else {
            format!("SELECT {saved} FROM {} AS b", self.lacking(Which::Rows))
        };
        (there, lacking)
    }

    /// Removes the rows that are not to be there.
    pub fn remove(&self) -> Option<String> {
        self.table.absent.as_ref()?;
        let from = self.there();
        Some(if self.keyed() {
            format!(
                "DELETE FROM {from} AS t USING {} AS b WHERE {};",
                self.loaded(Which::Absent),
                self.same_key("t", "b")
            )
        } else {
            format!(
                "DELETE FROM {from} AS t USING {} AS a WHERE t.tableoid = a.guard_table AND t.ctid = a.guard_row;",
                self.alike(Which::Absent)
            )
        })
    }

    /// Inserts rows that are not there, then writes those over that differ: in a table that refers to
    /// itself these may refer to the former.
    pub fn bring_back(&self) -> Vec<String> {
        let definition = &self.table.definition;
        let columns = definition.list("");
        let saved = definition.list("b.");
        let from = if self.keyed() {
            format!(
                "{} AS b WHERE NOT EXISTS (SELECT 1 FROM {} AS t WHERE {})",
                self.loaded(Which::Rows),
                self.there(),
                self.same_key("t", "b")
            )
        } else {
            format!("{} AS b", self.lacking(Which::Rows))
        };
        // What identity columns held comes back too (manual, "INSERT").
        let mut statements = vec![format!(
            "INSERT INTO {} ({columns}) OVERRIDING SYSTEM VALUE SELECT {saved} FROM {from};",
            definition.quoted()
        )];
        let set: Vec<String> = definition
            .columns
            .iter()
            .filter(|column| !column.always && !self.table.key.contains(&column.name))
            .map(|column| {
                let name = identifier(&column.name);
                format!("{name} = b.{name}")
            })
            .collect();
        if self.keyed() && !set.is_empty() {
            statements.push(format!(
                "UPDATE {} AS t SET {} FROM {} AS b WHERE {} AND {} IS DISTINCT FROM {};",
                self.there(),
                set.join(", "),
                self.loaded(Which::Rows),
                self.same_key("t", "b"),
                self.text("t", &[]),
                self.text("b", &[])
            ));
        }
        statements
    }
}

/// Brings everything back: what is not to be there goes first, what refers to others before them; then
/// each table after those that it refers to.
pub fn bring_back(kept: &KeptRows) -> Vec<String> {
    let sides: Vec<Sides<'_>> = kept
        .tables
        .iter()
        .enumerate()
        .map(|(at, table)| Sides::new(at, table))
        .collect();
    let removed = sides.iter().rev().filter_map(Sides::remove);
    let mut statements = vec!["SET CONSTRAINTS ALL DEFERRED;".to_owned()];
    statements.extend(removed);
    statements.extend(sides.iter().flat_map(Sides::bring_back));
    statements
}
