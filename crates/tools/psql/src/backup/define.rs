//! What is known of a table whose rows are saved: its columns, what tells its rows apart, and which
//! tables have to be there before it.

use serde::{Deserialize, Serialize};

/// A table as it was when its rows were saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its number in the catalog then.
    pub oid: u64,
    /// The schema, as it is spelled.
    pub schema: String,
    /// The name, as it is spelled.
    pub table: String,
    /// Both for a reader, quoted where needed.
    pub name: String,
    /// `relkind` of `pg_class`.
    pub kind: String,
    /// Other tables inherit from it, as no partitions do.
    pub heirs: bool,
    /// The columns that hold something of their own: not those that are generated.
    pub columns: Vec<Column>,
    /// Sets of columns that tell rows apart, the primary key first.
    pub keys: Vec<Vec<String>>,
    /// Tables that it refers to at the end of each statement, by number.
    pub refers: Vec<u64>,
    /// Columns that others follow when they change.
    pub followed: Vec<String>,
    /// Its indexes, constraints and triggers as SQL, to see whether they are the same again.
    pub shape: Vec<String>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, as it is spelled.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The type, or what it is made of, was made by a user.
    pub own: bool,
    /// The server alone gives it values, unless told otherwise (GENERATED ALWAYS AS IDENTITY).
    pub always: bool,
}

impl Definition {
    /// As SQL names it.
    pub fn quoted(&self) -> String {
        format!("{}.{}", identifier(&self.schema), identifier(&self.table))
    }

    /// As SQL names it where only rows of its own count.
    pub fn alone(&self) -> String {
        if self.kind == "p" {
            self.quoted()
        } else {
            format!("ONLY {}", self.quoted())
        }
    }

    /// The columns in SQL, each after a prefix.
    pub fn list(&self, prefix: &str) -> String {
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|column| format!("{prefix}{}", identifier(&column.name)))
            .collect();
        names.join(", ")
    }
}

/// An identifier in quotes.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\"").replace('\0', ""))
}

/// The definitions of the tables with these numbers, which SQL computes. `to_jsonb` asks for columns of the catalogs that
/// older servers do not have.
pub fn query(oids: &[String]) -> String {
    DEFINITIONS.replace("{oids}", &oids.join(", "))
}

const DEFINITIONS: &str = "SELECT coalesce(json_agg(json_build_object(
    'oid', c.oid::bigint, 'schema', n.nspname, 'table', c.relname,
    'name', format('%I.%I', n.nspname, c.relname), 'kind', c.relkind,
    'heirs', c.relkind <> 'p' AND EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent = c.oid),
    'columns', (SELECT coalesce(json_agg(json_build_object(
            'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
            'own', a.atttypid >= 16384,
            'always', coalesce(to_jsonb(a) ->> 'attidentity', '') = 'a') ORDER BY a.attnum), '[]')
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         AND coalesce(to_jsonb(a) ->> 'attgenerated', '') = ''),
    'keys', (SELECT coalesce(json_agg(k.names ORDER BY k.indisprimary DESC, k.indexrelid), '[]') FROM (
        SELECT i.indexrelid, i.indisprimary, (SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum = ANY ((i.indkey::int2[])[0:
                    coalesce((to_jsonb(i) ->> 'indnkeyatts')::int, i.indnatts) - 1])) AS names
          FROM pg_index i
         WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
           AND i.indpred IS NULL AND i.indexprs IS NULL
           AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid
                 AND a.attnum = ANY (i.indkey) AND (NOT a.attnotnull OR coalesce(to_jsonb(a) ->> 'attgenerated', '') <> ''))) AS k),
    'refers', (SELECT coalesce(json_agg(DISTINCT f.confrelid::bigint), '[]') FROM pg_constraint f
        WHERE f.conrelid = c.oid AND f.contype = 'f' AND NOT f.condeferrable AND f.confrelid <> c.oid),
    'followed', (SELECT coalesce(json_agg(DISTINCT a.attname), '[]') FROM pg_constraint f
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (f.confkey)
        WHERE f.confrelid = c.oid AND f.contype = 'f' AND f.confupdtype IN ('c', 'n', 'd')),
    'shape', (SELECT coalesce(json_agg(line ORDER BY line), '[]') FROM (
        SELECT format('%I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
                CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
                coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')) AS line
          FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL SELECT 'CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(f.oid) FROM pg_constraint f
         WHERE f.conrelid = c.oid AND f.contype <> 't'
        UNION ALL SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = c.oid
        UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
        UNION ALL SELECT pg_get_viewdef(c.oid) WHERE c.relkind IN ('v', 'm')) AS s)
    ) ORDER BY c.oid), '[]')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid IN ({oids})";
