//! What the catalogs say about a table: its size, and which other tables' rows its rows take along.

use serde::Deserialize;

use crate::ask::{Database, Trouble, array, literal};

/// A table, or a relation of another sort.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Relation {
    pub oid: u64,
    /// With its schema, quoted where needed.
    pub name: String,
    /// `relkind` of `pg_class`.
    pub kind: String,
    /// The planner's count; negative when it was never analysed.
    pub estimate: f64,
    /// Row-level security may hide rows from whoever counts. Foreign keys see them all the same, and so
    /// does a DELETE that reads no column.
    pub hidden: bool,
    /// Rewrite rules change what statements on it do.
    pub rules: bool,
    /// Triggers that the statement starts.
    #[serde(default)]
    pub triggers: Vec<String>,
    /// One of them runs for each statement, whatever rows it takes.
    #[serde(default)]
    pub always: bool,
    /// A column that says when, if there is one.
    pub time: Option<String>,
}

/// A foreign key through which rows of `parent` are referred to by rows of `child`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Edge {
    pub name: String,
    pub parent: u64,
    pub child: u64,
    /// `c` CASCADE, `n` SET NULL, `d` SET DEFAULT, `a` and `r`: the server refuses.
    pub action: String,
    /// Pairs of columns, the child's and the parent's, quoted where needed.
    pub columns: Vec<(String, String)>,
    /// The parent's columns as the catalog spells them.
    pub keys: Vec<String>,
    /// The child's columns, for messages.
    pub own: Vec<String>,
}

/// A table and everything that its foreign keys reach.
#[derive(Debug, Deserialize)]
pub(super) struct ReachedTables {
    /// The table first.
    pub relations: Vec<Relation>,
    pub edges: Vec<Edge>,
    /// Functions among those named that may do more than compute.
    pub volatile: Vec<String>,
    /// Views among the relations that are named besides.
    pub views: Vec<String>,
}

/// Looks a table up. `None` when there is no such table. `deletes` tells which of the foreign keys'
/// actions count.
pub(super) fn look(
    name: &str,
    deletes: bool,
    mentions: &[String],
    calls: &[String],
    database: &Database<'_>,
) -> Result<Option<ReachedTables>, Trouble> {
    let calls: Vec<String> = calls
        .iter()
        .map(|call| super::depends::last_part(call))
        .collect();
    let (action, bit) = if deletes {
        ("confdeltype", "8")
    } else {
        ("confupdtype", "16")
    };
    // Only deletes go on from table to table.
    let follows = if deletes {
        "f.confdeltype = 'c'"
    } else {
        "false"
    };
    let query = LOOK
        .replace("{table}", &literal(name))
        .replace("{mentions}", &array(mentions))
        .replace("{calls}", &array(&calls))
        .replace("{action}", action)
        .replace("{bit}", bit)
        .replace("{follows}", follows);
    let answer = database.ask(&query)?;
    if answer.is_null() {
        return Ok(None);
    }
    serde_json::from_value(answer)
        .map(Some)
        .map_err(|error| Trouble::Other(format!("the catalogs say something strange: {error}")))
}

/// Two functions are marked as volatile and still only look.
const LOOK: &str = "WITH RECURSIVE
    up(child, ancestor) AS (
        SELECT oid, oid FROM pg_class WHERE relkind IN ('r', 'p', 'f')
        UNION SELECT u.child, i.inhparent FROM up u JOIN pg_inherits i ON i.inhrelid = u.ancestor),
    kin(a, b) AS (SELECT child, ancestor FROM up UNION SELECT ancestor, child FROM up),
    fk AS (SELECT * FROM pg_constraint WHERE contype = 'f' AND conparentid = 0),
    reach(oid, depth) AS (
        SELECT to_regclass({table})::oid, 0
        UNION
        SELECT f.conrelid, least(r.depth + 1, 30) FROM reach r JOIN kin k ON k.a = r.oid
               JOIN fk f ON f.confrelid = k.b WHERE {follows} AND r.depth < 30),
    reached AS (SELECT oid, min(depth) AS depth FROM reach WHERE oid IS NOT NULL GROUP BY oid),
    edges AS (
        SELECT DISTINCT f.oid, f.conname, r.oid AS parent, f.conrelid, f.{action} AS action,
               f.conkey, f.confkey, f.confrelid, r.depth
        FROM reached r JOIN kin k ON k.a = r.oid JOIN fk f ON f.confrelid = k.b),
    shown AS (SELECT oid, min(depth) AS depth FROM (
        SELECT oid, depth FROM reached UNION ALL SELECT conrelid, depth + 1 FROM edges) AS s
        GROUP BY oid)
    SELECT CASE WHEN to_regclass({table}) IS NULL THEN 'null'::json ELSE json_build_object(
      'relations', (SELECT json_agg(json_build_object(
            'oid', c.oid::bigint,
            'name', format('%I.%I', n.nspname, c.relname),
            'kind', c.relkind,
            'estimate', c.reltuples,
            'hidden', c.relkind IN ('r', 'p') AND row_security_active(c.oid),
            'rules', c.relhasrules AND c.relkind <> 'v',
            'triggers', (SELECT coalesce(json_agg(t.tgname), '[]') FROM pg_trigger t
                         WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'
                           AND t.tgtype & {bit} <> 0),
            'always', EXISTS (SELECT 1 FROM pg_trigger t
                         WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'
                           AND t.tgtype & {bit} <> 0 AND t.tgtype & 1 = 0),
            'time', (SELECT quote_ident(a.attname) FROM pg_attribute a
                     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                       AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
                     ORDER BY a.attname ~ '^(created|inserted|occurred|placed|booked|at|date|day|time|ts)' DESC,
                              a.attnum LIMIT 1))
            ORDER BY s.depth, c.relname)
          FROM shown s JOIN pg_class c ON c.oid = s.oid JOIN pg_namespace n ON n.oid = c.relnamespace),
      'edges', (SELECT coalesce(json_agg(json_build_object(
            'name', e.conname, 'parent', e.parent::bigint, 'child', e.conrelid::bigint,
            'action', e.action,
            'columns', (SELECT json_agg(json_build_array(quote_ident(ca.attname), quote_ident(pa.attname)))
                        FROM unnest(e.conkey, e.confkey) AS k(c, p)
                        JOIN pg_attribute ca ON ca.attrelid = e.conrelid AND ca.attnum = k.c
                        JOIN pg_attribute pa ON pa.attrelid = e.confrelid AND pa.attnum = k.p),
            'keys', (SELECT json_agg(a.attname) FROM unnest(e.confkey) AS k(p)
                     JOIN pg_attribute a ON a.attrelid = e.confrelid AND a.attnum = k.p),
            'own', (SELECT json_agg(a.attname) FROM unnest(e.conkey) AS k(c)
                    JOIN pg_attribute a ON a.attrelid = e.conrelid AND a.attnum = k.c))
            ORDER BY e.depth, e.conname), '[]') FROM edges e),
      'volatile', (SELECT coalesce(json_agg(DISTINCT p.proname), '[]') FROM pg_proc p
                   WHERE p.proname = ANY ({calls}) AND p.provolatile = 'v'
                     AND p.proname NOT IN ('clock_timestamp', 'timeofday')),
      'views', (SELECT coalesce(json_agg(name), '[]') FROM unnest({mentions}) AS name
                JOIN pg_class c ON c.oid = to_regclass(name) WHERE c.relkind = 'v'
                  AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)))
    END";
