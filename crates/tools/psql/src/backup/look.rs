//! What stands in the database now where rows are brought back: the tables, their triggers, and who
//! refers to them.

use serde::Deserialize;
use std::fmt::Write as _;

use super::define::identifier;
use super::kept::{KeptRows, KeptTable};
use crate::ask::{array, literal};

/// A table as it is now.
#[derive(Debug, Deserialize)]
pub struct Now {
    /// Columns that are not there any more.
    pub missing: Vec<String>,
    /// Whether its triggers may be switched off.
    pub owned: bool,
    /// User triggers that would run, of its partitions too.
    pub triggers: Vec<Trigger>,
    /// Sequences of its columns as SQL names them, with the column.
    pub sequences: Vec<(String, String)>,
    /// Foreign keys that act when its rows are deleted.
    pub edges: Vec<Referrer>,
}

/// A trigger: its table as SQL names it, its name likewise, and `tgenabled` of `pg_trigger`.
#[derive(Debug, Deserialize)]
pub struct Trigger(pub String, pub String, pub String);

/// A foreign key of another table's.
#[derive(Debug, Deserialize)]
pub struct Referrer {
    /// The other table's schema and name.
    pub schema: String,
    /// As it is spelled.
    pub table: String,
    /// Pairs of columns: its own, and those that they refer to.
    pub columns: Vec<(String, String)>,
}

/// One line of JSON for each table: `null` where it is not there.
pub fn queries(kept: &KeptRows) -> impl Iterator<Item = String> {
    kept.tables.iter().map(query)
}

fn query(table: &KeptTable) -> String {
    let definition = &table.definition;
    let columns: Vec<&str> = definition
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    LOOK.replace("{columns}", &array(&columns))
        .replace("{table}", &literal(&definition.quoted()))
        .replace('\n', " ")
}

const LOOK: &str = "SELECT CASE WHEN c.oid IS NULL THEN 'null'::json ELSE json_build_object(
    'missing', (SELECT coalesce(json_agg(w.name), '[]') FROM unnest({columns}) AS w(name)
        WHERE NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = w.name
                          AND a.attnum > 0 AND NOT a.attisdropped)),
    'owned', pg_has_role(c.relowner, 'USAGE'),
    'triggers', (WITH RECURSIVE down(oid) AS (SELECT c.oid UNION SELECT i.inhrelid FROM down d
                     JOIN pg_inherits i ON i.inhparent = d.oid WHERE c.relkind = 'p')
        SELECT coalesce(json_agg(json_build_array(format('%I.%I', n.nspname, r.relname), quote_ident(t.tgname),
                                                  t.tgenabled)), '[]')
          FROM down d JOIN pg_class r ON r.oid = d.oid JOIN pg_namespace n ON n.oid = r.relnamespace
          JOIN pg_trigger t ON t.tgrelid = d.oid
         WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')),
    'sequences', (SELECT coalesce(json_agg(json_build_array(format('%I.%I', n.nspname, r.relname), a.attname)), '[]')
        FROM pg_depend d JOIN pg_class r ON r.oid = d.objid AND r.relkind = 'S' JOIN pg_namespace n ON n.oid = r.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
       WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
         AND d.deptype IN ('a', 'i')),
    'edges', (SELECT coalesce(json_agg(json_build_object('schema', n.nspname, 'table', r.relname, 'columns',
            (SELECT json_agg(json_build_array(ca.attname, pa.attname)) FROM unnest(f.conkey, f.confkey) AS k(c, p)
             JOIN pg_attribute ca ON ca.attrelid = f.conrelid AND ca.attnum = k.c
             JOIN pg_attribute pa ON pa.attrelid = f.confrelid AND pa.attnum = k.p))), '[]')
        FROM pg_constraint f JOIN pg_class r ON r.oid = f.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
       WHERE f.confrelid = c.oid AND f.contype = 'f' AND f.conparentid = 0 AND f.confdeltype IN ('c', 'n', 'd')))
    END FROM (SELECT to_regclass({table})::oid AS oid) AS s LEFT JOIN pg_class c ON c.oid = s.oid;";

/// A query for the rows of another table's that refer to rows that are to go, and that the backup does
/// not know.
pub fn referring(kept: &KeptRows, at: usize, edge: &Referrer) -> String {
    let own: Vec<String> = edge
        .columns
        .iter()
        .map(|(own, _)| format!("c.{}", identifier(own)))
        .collect();
    let keys: Vec<String> = edge
        .columns
        .iter()
        .map(|(_, key)| format!("a.{}", identifier(key)))
        .collect();
    let mut query = format!(
        "SELECT pg_catalog.count(*) FROM {}.{} AS c WHERE ({}) IN (SELECT {} FROM pg_temp.guard_absent_{at} AS a)",
        identifier(&edge.schema),
        identifier(&edge.table),
        own.join(", "),
        keys.join(", ")
    );
    let known = kept.tables.iter().enumerate().find(|(_, table)| {
        (&table.definition.schema, &table.definition.table) == (&edge.schema, &edge.table)
    });
    let Some((number, table)) = known.filter(|(_, table)| !table.key.is_empty()) else {
        return query;
    };
    let same: Vec<String> = table
        .key
        .iter()
        .map(|column| format!("g.{0} = c.{0}", identifier(column)))
        .collect();
    let mut sets = vec![format!("guard_rows_{number}")];
    if table.absent.is_some() {
        sets.push(format!("guard_absent_{number}"));
    }
    for set in sets {
        let _ = write!(
            query,
            " AND NOT EXISTS (SELECT 1 FROM pg_temp.{set} AS g WHERE {})",
            same.join(" AND ")
        );
    }
    query
}
