//! The rows that DELETE, UPDATE and MERGE take.

use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::nodes::{Readable, STRANGE, child, has, joined, name_in, nodes, plain, table};
use super::pieces::{Around, after_keyword, around, piece, writes};
use super::{Action, Table};

const CURSOR: &str = "it takes the row that a cursor stands on";
const DEPENDS: &str = "its condition reads what the same statement changes";
const SOURCE: &str = "it takes rows that its source does not match";

/// What is done to rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// DELETE, or MERGE … THEN DELETE.
    Delete,
    /// UPDATE, or MERGE … THEN UPDATE.
    Update,
}

/// The rows that a DELETE, an UPDATE or a MERGE takes, and how to find them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// What is done to them.
    pub verb: Verb,
    /// The table.
    pub table: Table,
    /// The name that the conditions call it by, if another.
    pub alias: Option<String>,
    /// The queries of WITH clauses around it that only read, as `name AS (…)`.
    pub with: Vec<String>,
    /// WITH RECURSIVE.
    pub recursive: bool,
    /// What USING or FROM joins.
    pub from: Option<String>,
    /// The conditions, all of which hold for a row that is taken.
    pub conditions: Vec<String>,
    /// The columns that UPDATE sets, in lower case unless quoted.
    pub columns: Vec<String>,
    /// More rows may fit the conditions than are taken.
    pub at_most: bool,
    /// Relations that the pieces name, the table aside.
    pub mentions: Vec<String>,
    /// Functions that the pieces call.
    pub calls: Vec<String>,
}

fn alias(node: &SyntaxNode) -> Readable<Option<String>> {
    match child(node, K::OPTIONAL_AS_ALIAS) {
        Some(given) => Ok(Some(name_in(&given, K::TABLE_ALIAS)?)),
        None => Ok(None),
    }
}

/// What DELETE and UPDATE have in common.
pub(super) fn rows(node: &SyntaxNode, text: &str) -> Readable<Rows> {
    if has(node, K::WHERE_CURRENT_OF) {
        return Err(CURSOR);
    }
    let deletes = node.kind() == K::DELETE;
    let mut around = around(node, text)?;
    let joins = if deletes {
        K::USING_CLAUSE
    } else {
        K::FROM_CLAUSE
    };
    let from = match child(node, joins) {
        Some(clause) => Some(after_keyword(&clause, text, &mut around.pieces)?),
        None => None,
    };
    let mut conditions = Vec::new();
    if let Some(clause) = child(node, K::WHERE_CLAUSE) {
        conditions.push(after_keyword(&clause, text, &mut around.pieces)?);
    }
    let columns = match child(node, K::SET_CLAUSE) {
        Some(clause) => columns(&clause),
        None => Vec::new(),
    };
    finished(
        Rows {
            verb: if deletes { Verb::Delete } else { Verb::Update },
            table: table(node)?,
            alias: alias(node)?,
            with: Vec::new(),
            recursive: around.recursive,
            from,
            conditions,
            columns,
            at_most: false,
            mentions: Vec::new(),
            calls: Vec::new(),
        },
        around,
    )
}

/// The columns on the left sides of SET.
fn columns(clause: &SyntaxNode) -> Vec<String> {
    nodes(clause, K::COLUMN_TARGET)
        .filter_map(|target| child(&target, K::COLUMN_NAME_REF))
        .map(|column| {
            let name = joined(&column);
            match name
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
            {
                Some(inside) => inside.replace("\"\"", "\""),
                None => name.to_ascii_lowercase(),
            }
        })
        .collect()
}

/// MERGE: the rows that its source matches (manual, "MERGE"). Of several WHEN clauses the first
/// that fits a row counts, so each alone is an upper bound.
pub(super) fn merge(node: &SyntaxNode, text: &str, found: &mut Vec<Action>) -> Readable<()> {
    let clauses: Vec<_> = node
        .children()
        .filter(|child| {
            child
                .descendants()
                .any(|inner| matches!(inner.kind(), K::MERGE_DELETE | K::MERGE_UPDATE))
        })
        .collect();
    let matched = node
        .children()
        .filter(|child| child.kind() == K::MERGE_WHEN_MATCHED)
        .count();
    for clause in clauses {
        found.push(Action::Rows(matched_rows(node, &clause, matched, text)?));
    }
    Ok(())
}

/// The rows that one WHEN clause takes, of `matched` clauses that compete for them.
fn matched_rows(
    node: &SyntaxNode,
    clause: &SyntaxNode,
    matched: usize,
    text: &str,
) -> Readable<Rows> {
    if clause.kind() != K::MERGE_WHEN_MATCHED {
        return Err(SOURCE);
    }
    let mut around = around(node, text)?;
    let source = child(node, K::USING_ON_CLAUSE).ok_or(STRANGE)?;
    let on = child(&source, K::ON_CLAUSE).ok_or(STRANGE)?;
    let item = source
        .children()
        .find(|child| *child != on)
        .ok_or(STRANGE)?;
    let mut conditions = vec![after_keyword(&on, text, &mut around.pieces)?];
    if let Some(more) = child(clause, K::MERGE_CONDITION) {
        conditions.push(after_keyword(&more, text, &mut around.pieces)?);
    }
    around.pieces.push(item.clone());
    let deletes = has(clause, K::MERGE_DELETE);
    let rows = Rows {
        verb: if deletes { Verb::Delete } else { Verb::Update },
        table: table(node)?,
        alias: alias(node)?,
        with: Vec::new(),
        recursive: around.recursive,
        from: Some(piece(&item, text)?),
        conditions,
        columns: nodes(clause, K::SET_CLAUSE)
            .flat_map(|set| columns(&set))
            .collect(),
        at_most: matched > 1,
        mentions: Vec::new(),
        calls: Vec::new(),
    };
    finished(rows, around)
}

/// Adds what the pieces name and call.
fn finished(mut rows: Rows, around: Around) -> Readable<Rows> {
    for piece in &around.pieces {
        if writes(piece) {
            return Err(DEPENDS);
        }
        for node in piece.descendants() {
            match node.kind() {
                K::RELATION_NAME_REF | K::TABLE_NAME_REF => {
                    let name = plain(&node)?;
                    if around.changing.contains(&name.to_ascii_lowercase()) {
                        return Err(DEPENDS);
                    }
                    rows.mentions.push(name);
                }
                K::CALL_EXPR | K::FUNCTION_FROM_ITEM => rows.calls.extend(called(&node)),
                _ => {}
            }
        }
    }
    rows.with = around.with;
    rows.mentions.sort();
    rows.mentions.dedup();
    rows.calls.sort();
    rows.calls.dedup();
    Ok(rows)
}

/// The name of the function that a call names: what stands before its arguments.
fn called(node: &SyntaxNode) -> Option<String> {
    let head = node.children().find(|child| child.kind() != K::ARG_LIST)?;
    Some(joined(&head))
}
