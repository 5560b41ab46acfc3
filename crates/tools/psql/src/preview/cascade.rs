//! The query that counts a statement's rows and every row that foreign keys take along: one common
//! table expression for each table, parents first.

use std::fmt::Write as _;

use super::look::{Edge, ReachedTables};
use guard_sql::actions::Rows;

/// A name that the user's own text certainly does not hold.
const OURS: &str = "guard_taken";

/// `SELECT columns FROM table WHERE …`: the rows that the statement itself takes.
pub(super) fn select(rows: &Rows, columns: &str) -> String {
    let mut query = String::new();
    if !rows.with.is_empty() {
        let recursive = if rows.recursive { "RECURSIVE " } else { "" };
        // A piece may end in a comment, which ends with its line.
        let _ = writeln!(query, "WITH {recursive}{}", rows.with.join("\n, "));
    }
    let _ = write!(query, "SELECT {columns} FROM {}", table(rows));
    if let Some(alias) = &rows.alias {
        let _ = write!(query, " AS {alias}");
    }
    let conditions: Vec<String> = rows
        .conditions
        .iter()
        .map(|condition| format!("({condition}\n)"))
        .collect();
    let conditions = conditions.join(" AND ");
    match (&rows.from, conditions.is_empty()) {
        (Some(from), true) => {
            let _ = write!(query, " WHERE EXISTS (SELECT 1 FROM {from}\n)");
        }
        (Some(from), false) => {
            let _ = write!(
                query,
                " WHERE EXISTS (SELECT 1 FROM {from}\n WHERE {conditions})"
            );
        }
        (None, false) => {
            let _ = write!(query, " WHERE {conditions}");
        }
        (None, true) => {}
    }
    query
}

/// The table as FROM names it.
pub(super) fn table(rows: &Rows) -> String {
    let only = if rows.table.only { "ONLY " } else { "" };
    format!("{only}{}", rows.table.name)
}

/// What the conditions call the table.
fn reference(rows: &Rows) -> &str {
    if let Some(alias) = &rows.alias {
        return alias;
    }
    let name = rows.table.name.as_str();
    // What stands after the last dot outside quotes.
    let mut quoted = false;
    let mut start = 0;
    for (at, character) in name.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '.' if !quoted => start = at + 1,
            _ => {}
        }
    }
    name.get(start..).unwrap_or(name)
}

/// A table in the query: its place in `Look::relations`, and the columns that others refer to.
struct CascadeNode<'a> {
    oid: u64,
    name: &'a str,
    time: Option<&'a str>,
    keys: Vec<&'a str>,
}

impl CascadeNode<'_> {
    /// The columns that its expression selects.
    fn columns(&self, reference: &str) -> String {
        let mut columns = format!("{reference}.tableoid AS o, {reference}.ctid AS r");
        for (at, key) in self.keys.iter().enumerate() {
            let _ = write!(columns, ", {reference}.{key} AS k{at}");
        }
        match self.time {
            Some(time) => {
                let _ = write!(columns, ", {reference}.{time} AS w");
            }
            None => columns.push_str(", NULL::date AS w"),
        }
        columns
    }

    fn key(&self, column: &str) -> usize {
        self.keys.iter().position(|key| *key == column).unwrap_or(0)
    }
}

/// The query that counts everything, as JSON: `taken`, and for each table of `tables` `rows`, `first`,
/// `last`; for each of `others` the rows that an edge only changes.
pub(super) struct Count<'a> {
    pub query: String,
    /// The query for the sizes of `tables`, for the shares.
    pub wholes: String,
    /// The tables whose rows are deleted, the statement's own first.
    pub tables: Vec<u64>,
    /// The foreign keys that set columns or refuse.
    pub others: Vec<&'a Edge>,
    /// The common table expressions of the query.
    with: String,
    /// For each of `others` the rows that it changes, as `FROM … WHERE …`.
    changed: Vec<Option<String>>,
}

impl Count<'_> {
    /// A query for `tableoid` and `ctid` of the rows that are taken of one of `tables`.
    pub(super) fn taken(&self, at: usize) -> String {
        format!("{}\nSELECT g.o, g.r FROM {OURS}_{at} AS g", self.with)
    }

    /// The same for the rows that one of `others` changes.
    pub(super) fn changed(&self, at: usize) -> Option<String> {
        let from = self.changed.get(at)?.as_ref()?;
        Some(format!("{}\nSELECT c.tableoid, c.ctid {from}", self.with))
    }
}

/// Composes the query; fails when the cascades go round in a circle of several tables.
pub(super) fn count<'a>(
    rows: &Rows,
    look: &'a ReachedTables,
    deletes: bool,
) -> Result<Count<'a>, String> {
    let root = look.relations.first().ok_or("the table is not there")?.oid;
    let order = if deletes {
        ordered(root, look)?
    } else {
        vec![root]
    };
    let nodes: Vec<CascadeNode<'_>> = order.iter().filter_map(|oid| node(*oid, look)).collect();
    let mut parts = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let mut sources = Vec::new();
        if at == 0 {
            let columns = node.columns(reference(rows));
            // Its own rows, before those that refer to them in the same table.
            parts.push(format!("{OURS}_own AS ({})", select(rows, &columns)));
            sources.push(format!("SELECT * FROM {OURS}_own"));
        }
        if deletes {
            sources.extend(taken_along(at, node, &nodes, look));
        }
        parts.push(format!("{OURS}_{at} AS ({})", sources.join("\n UNION ")));
    }
    let others: Vec<&Edge> = look
        .edges
        .iter()
        .filter(|edge| edge.action != "c" || !deletes)
        .filter(|edge| nodes.iter().any(|node| node.oid == edge.parent))
        .filter(|edge| deletes || edge.keys.iter().any(|key| rows.columns.contains(key)))
        .collect();
    let with = format!("WITH RECURSIVE {}", parts.join(",\n "));
    let changed: Vec<Option<String>> = others
        .iter()
        .map(|edge| changed(edge, &nodes, look))
        .collect();
    let counts = changed.iter().flatten();
    let counts: Vec<String> = counts
        .map(|from| format!("(SELECT count(*) {from})"))
        .collect();
    let query = format!(
        "{with}\nSELECT json_build_object(\
         'taken', (SELECT count(*) FROM {OURS}_own), \
         'tables', json_build_array({}), 'others', json_build_array({}))",
        table_counts(&nodes),
        counts.join(", ")
    );
    let wholes: Vec<String> = nodes
        .iter()
        .enumerate()
        .map(|(at, node)| match at {
            0 => format!("(SELECT count(*) FROM {})", table(rows)),
            _ => format!("(SELECT count(*) FROM {})", node.name),
        })
        .collect();
    Ok(Count {
        query,
        wholes: format!("SELECT json_build_array({})", wholes.join(", ")),
        tables: nodes.iter().map(|node| node.oid).collect(),
        others,
        with,
        changed,
    })
}

/// The queries for the rows of one table that deletes in its parents take along, and last, where it
/// refers to itself, the one that goes on from its own rows.
fn taken_along(
    at: usize,
    node: &CascadeNode<'_>,
    nodes: &[CascadeNode<'_>],
    look: &ReachedTables,
) -> Vec<String> {
    let incoming: Vec<&Edge> = look
        .edges
        .iter()
        .filter(|edge| edge.action == "c" && edge.child == node.oid)
        .collect();
    let mut sources = Vec::new();
    for edge in incoming.iter().filter(|edge| edge.parent != node.oid) {
        if let Some(parent) = nodes.iter().position(|node| node.oid == edge.parent) {
            sources.push(format!(
                "SELECT {} FROM {} AS c WHERE {}",
                node.columns("c"),
                node.name,
                refers(edge, parent, nodes)
            ));
        }
    }
    let own: Vec<String> = incoming
        .iter()
        .filter(|edge| edge.parent == node.oid)
        .map(|edge| {
            let pairs = edge.columns.iter();
            let pairs = pairs.map(|(child, own)| format!("c.{child} = g.k{}", node.key(own)));
            format!("({})", pairs.collect::<Vec<_>>().join(" AND "))
        })
        .collect();
    if !own.is_empty() {
        sources.push(format!(
            "SELECT {} FROM {} AS c JOIN {OURS}_{at} AS g ON {}",
            node.columns("c"),
            node.name,
            own.join(" OR ")
        ));
    }
    sources
}

fn table_counts(nodes: &[CascadeNode<'_>]) -> String {
    let counts = (0..nodes.len()).map(|at| {
        format!(
            "(SELECT json_build_object('rows', count(*), \
             'first', to_char(min(w), 'YYYY-MM-DD'), 'last', to_char(max(w), 'YYYY-MM-DD')) \
             FROM {OURS}_{at})"
        )
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// The rows that refer to taken ones through another foreign key and stay.
fn changed(edge: &Edge, nodes: &[CascadeNode<'_>], look: &ReachedTables) -> Option<String> {
    let place = |oid: u64| nodes.iter().position(|node| node.oid == oid);
    let name = &look.relations.iter().find(|it| it.oid == edge.child)?.name;
    let refers = refers(edge, place(edge.parent)?, nodes);
    let gone = place(edge.child).map_or_else(String::new, |child| {
        format!(
            " AND NOT EXISTS (SELECT 1 FROM {OURS}_{child} AS g \
             WHERE g.o = c.tableoid AND g.r = c.ctid)"
        )
    });
    Some(format!("FROM {name} AS c WHERE {refers}{gone}"))
}

/// `(c.a, c.b) IN (SELECT …)`: the child's row refers to a row that is taken.
fn refers(edge: &Edge, parent: usize, nodes: &[CascadeNode<'_>]) -> String {
    let child: Vec<String> = edge
        .columns
        .iter()
        .map(|(child, _)| format!("c.{child}"))
        .collect();
    let keys: Vec<String> = edge
        .columns
        .iter()
        .map(|(_, column)| {
            format!(
                "g.k{}",
                nodes.get(parent).map_or(0, |node| node.key(column))
            )
        })
        .collect();
    format!(
        "({}) IN (SELECT {} FROM {OURS}_{parent} AS g)",
        child.join(", "),
        keys.join(", ")
    )
}

fn node(oid: u64, look: &ReachedTables) -> Option<CascadeNode<'_>> {
    let relation = look.relations.iter().find(|relation| relation.oid == oid)?;
    let mut keys: Vec<&str> = look
        .edges
        .iter()
        .filter(|edge| edge.parent == oid)
        .flat_map(|edge| edge.columns.iter().map(|(_, parent)| parent.as_str()))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    Some(CascadeNode {
        oid,
        name: &relation.name,
        time: relation.time.as_deref(),
        keys,
    })
}

/// The tables that deletes reach, each after those that it is reached from.
fn ordered(root: u64, look: &ReachedTables) -> Result<Vec<u64>, String> {
    let cascades: Vec<(u64, u64)> = look
        .edges
        .iter()
        .filter(|edge| edge.action == "c" && edge.parent != edge.child)
        .map(|edge| (edge.parent, edge.child))
        .collect();
    let mut reached = vec![root];
    let mut at = 0;
    while let Some(parent) = reached.get(at).copied() {
        for (from, to) in &cascades {
            if *from == parent && !reached.contains(to) {
                reached.push(*to);
            }
        }
        at += 1;
    }
    let mut order: Vec<u64> = Vec::new();
    while order.len() < reached.len() {
        let next = reached.iter().find(|oid| {
            !order.contains(oid)
                && cascades
                    .iter()
                    .all(|(from, to)| to != *oid || order.contains(from) || !reached.contains(from))
        });
        let Some(oid) = next else {
            let names: Vec<&str> = look
                .relations
                .iter()
                .filter(|it| reached.contains(&it.oid) && !order.contains(&it.oid))
                .map(|it| it.name.as_str())
                .collect();
            return Err(format!(
                "rows of {} delete one another in a circle",
                names.join(", ")
            ));
        };
        order.push(*oid);
    }
    Ok(order)
}
