//! What a destroying statement does to what, for previews: the tables, conditions and names in it, as
//! pieces of its own text.

use squawk_syntax::{SyntaxElement, SyntaxKind as K, SyntaxNode};

use super::lexer::{Lexeme, Lexer};
use super::tree::{is_drop, with_tree};

/// One thing that a statement destroys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Rows deleted or overwritten.
    Rows(Rows),
    /// TRUNCATE.
    Truncate {
        /// The tables.
        tables: Vec<Table>,
        /// Tables that refer to them are emptied too.
        cascade: bool,
    },
    /// DROP of tables, views, schemas and other things.
    Drop {
        /// What sort of thing, in the grammar's words: `table`, `materialized view`.
        sort: &'static str,
        /// Their names.
        names: Vec<String>,
        /// What depends on them is dropped too.
        cascade: bool,
    },
    /// DROP DATABASE.
    Database(String),
    /// DROP OWNED BY these roles.
    Owned {
        /// The roles, and words such as `current_user`.
        roles: Vec<String>,
        /// What depends on their objects is dropped too.
        cascade: bool,
    },
    /// ALTER TABLE … DROP COLUMN.
    Column {
        /// The table.
        table: Table,
        /// The column.
        column: String,
        /// What depends on it is dropped too.
        cascade: bool,
    },
    /// ALTER TABLE … ALTER COLUMN … TYPE: every value is written anew.
    ColumnType {
        /// The table.
        table: Table,
        /// The column.
        column: String,
    },
}

/// A table that a statement names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name as written, without blanks and comments.
    pub name: String,
    /// Not its partitions or the tables that inherit from it.
    pub only: bool,
}

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

const STRANGE: &str = "guard cannot tell from its text what it takes";
const CURSOR: &str = "it takes the row that a cursor stands on";
const DEPENDS: &str = "its condition reads what the same statement changes";
const NAME: &str = "a name in it is spelled with escapes";
const SOURCE: &str = "it takes rows that its source does not match";

type Readable<T> = Result<T, &'static str>;

/// Everything that the statement destroys.
///
/// # Errors
/// Why it cannot be told, as the end of "it is unknown, because …".
pub fn actions(statement: &str) -> Result<Vec<Action>, String> {
    let found = with_tree(statement.as_bytes(), |root| of_statement(root, statement));
    found.and_then(|found| found).map_err(str::to_owned)
}

fn of_statement(root: &SyntaxNode, text: &str) -> Readable<Vec<Action>> {
    match root.kind() {
        // Without ANALYZE it would not have a destroying kind.
        K::EXPLAIN => {
            let inner = root.children().last().ok_or(STRANGE)?;
            return of_statement(&inner, text);
        }
        K::TRUNCATE => return truncate(root),
        K::DROP_DATABASE => return Ok(vec![Action::Database(name_in(root, K::DATABASE_REF)?)]),
        K::DROP_OWNED => {
            let roles = nodes(root, K::ROLE_REF).map(|role| joined(&role)).collect();
            let cascade = has(root, K::CASCADE);
            return Ok(vec![Action::Owned { roles, cascade }]);
        }
        K::ALTER_TABLE | K::ALTER_FOREIGN_TABLE => return alter(root),
        kind if is_drop(kind) => return dropped(root),
        _ => {}
    }
    let takers = root
        .descendants()
        .filter(|node| matches!(node.kind(), K::DELETE | K::UPDATE | K::MERGE));
    let mut found = Vec::new();
    for node in takers {
        match node.kind() {
            K::MERGE => merge(&node, text, &mut found)?,
            _ => found.push(Action::Rows(rows(&node, text)?)),
        }
    }
    if found.is_empty() {
        return Err(STRANGE);
    }
    Ok(found)
}

fn child(node: &SyntaxNode, kind: K) -> Option<SyntaxNode> {
    node.children().find(|child| child.kind() == kind)
}

fn has(node: &SyntaxNode, kind: K) -> bool {
    child(node, kind).is_some()
}

fn nodes(node: &SyntaxNode, kind: K) -> impl Iterator<Item = SyntaxNode> {
    node.descendants().filter(move |child| child.kind() == kind)
}

fn has_token(node: &SyntaxNode, kind: K) -> bool {
    node.children_with_tokens()
        .any(|element| element.as_token().is_some_and(|token| token.kind() == kind))
}

/// The node's text without blanks and comments.
fn joined(node: &SyntaxNode) -> String {
    let tokens = node
        .descendants_with_tokens()
        .filter_map(SyntaxElement::into_token);
    tokens
        .filter(|token| !matches!(token.kind(), K::WHITESPACE | K::COMMENT))
        .map(|token| token.text().to_owned())
        .collect()
}

/// A name that the catalogs can look up.
fn plain(node: &SyntaxNode) -> Readable<String> {
    let name = joined(node);
    let escaped = name
        .split('.')
        .any(|part| part.to_ascii_lowercase().starts_with("u&"));
    if name.is_empty() || escaped {
        return Err(NAME);
    }
    Ok(name)
}

fn name_in(node: &SyntaxNode, kind: K) -> Readable<String> {
    plain(&nodes(node, kind).next().ok_or(STRANGE)?)
}

/// The first relation that stands directly in `node`.
fn table(node: &SyntaxNode) -> Readable<Table> {
    let named = node
        .children()
        .find(|child| matches!(child.kind(), K::RELATION_NAME | K::TABLE_RELATION_NAME))
        .ok_or(STRANGE)?;
    of_relation(&named)
}

fn of_relation(named: &SyntaxNode) -> Readable<Table> {
    let reference = named
        .descendants()
        .find(|child| matches!(child.kind(), K::RELATION_NAME_REF | K::TABLE_NAME_REF))
        .ok_or(STRANGE)?;
    Ok(Table {
        name: plain(&reference)?,
        only: has_token(named, K::ONLY_KW),
    })
}

fn truncate(root: &SyntaxNode) -> Readable<Vec<Action>> {
    let tables = nodes(root, K::TABLE_RELATION_NAME)
        .map(|named| of_relation(&named))
        .collect::<Readable<Vec<_>>>()?;
    if tables.is_empty() {
        return Err(STRANGE);
    }
    let cascade = has(root, K::CASCADE);
    Ok(vec![Action::Truncate { tables, cascade }])
}

/// The words after DROP, and the nodes that hold the names.
fn sort(kind: K) -> Option<(&'static str, K)> {
    Some(match kind {
        K::DROP_TABLE => ("table", K::TABLE_NAME_REF),
        K::DROP_FOREIGN_TABLE => ("foreign table", K::PATH_REF),
        K::DROP_VIEW => ("view", K::VIEW_REF),
        K::DROP_MATERIALIZED_VIEW => ("materialized view", K::PATH_REF),
        K::DROP_SEQUENCE => ("sequence", K::SEQUENCE_REF),
        K::DROP_INDEX => ("index", K::INDEX_REF),
        K::DROP_SCHEMA => ("schema", K::SCHEMA_REF),
        K::DROP_TYPE => ("type", K::TYPE_NAME_REF),
        K::DROP_DOMAIN => ("domain", K::PATH_REF),
        K::DROP_EXTENSION => ("extension", K::EXTENSION_REF),
        _ => return None,
    })
}

fn dropped(root: &SyntaxNode) -> Readable<Vec<Action>> {
    let (sort, holder) =
        sort(root.kind()).ok_or("guard does not measure what hangs on such an object")?;
    let mut names = Vec::new();
    for node in nodes(root, holder) {
        // `a.b` is a path in a path.
        let inside = node.parent().is_some_and(|parent| parent.kind() == holder);
        if !inside {
            names.push(plain(&node)?);
        }
    }
    if names.is_empty() {
        return Err(STRANGE);
    }
    let cascade = has(root, K::CASCADE);
    Ok(vec![Action::Drop {
        sort,
        names,
        cascade,
    }])
}

fn alter(root: &SyntaxNode) -> Readable<Vec<Action>> {
    let table = table(root)?;
    let mut found = Vec::new();
    for action in root.children() {
        match action.kind() {
            K::DROP_COLUMN => found.push(Action::Column {
                table: table.clone(),
                column: name_in(&action, K::COLUMN_NAME_REF)?,
                cascade: has(&action, K::CASCADE),
            }),
            K::ALTER_COLUMN if has(&action, K::SET_TYPE) => found.push(Action::ColumnType {
                table: table.clone(),
                column: name_in(&action, K::COLUMN_NAME_REF)?,
            }),
            _ => {}
        }
    }
    if found.is_empty() {
        return Err(STRANGE);
    }
    Ok(found)
}

/// What is gathered around a statement that takes rows.
#[derive(Default)]
struct Around {
    with: Vec<String>,
    recursive: bool,
    /// Nodes whose text goes into the preview's query.
    pieces: Vec<SyntaxNode>,
    /// Names of queries that change rows, in lower case.
    changing: Vec<String>,
}

fn writes(node: &SyntaxNode) -> bool {
    node.descendants()
        .any(|inner| matches!(inner.kind(), K::DELETE | K::UPDATE | K::INSERT | K::MERGE))
}

/// The WITH clauses that the node can see.
fn around(node: &SyntaxNode, text: &str) -> Readable<Around> {
    let mut around = Around::default();
    let holders: Vec<_> = node.ancestors().collect();
    for holder in holders.iter().rev() {
        let Some(clause) = child(holder, K::WITH_CLAUSE) else {
            continue;
        };
        around.recursive |= has_token(&clause, K::RECURSIVE_KW);
        for query in clause
            .children()
            .filter(|child| child.kind() == K::WITH_TABLE)
        {
            if query.text_range().contains_range(node.text_range()) {
                break;
            }
            if writes(&query) {
                let name = child(&query, K::CTE_NAME).ok_or(STRANGE)?;
                around.changing.push(joined(&name).to_ascii_lowercase());
            } else {
                around.with.push(piece(&query, text)?);
                around.pieces.push(query);
            }
        }
    }
    Ok(around)
}

/// A node's own text, checked by the other lexer to be one closed piece.
fn piece(node: &SyntaxNode, text: &str) -> Readable<String> {
    let range = node.text_range();
    let piece = text
        .get(usize::from(range.start())..usize::from(range.end()))
        .ok_or(STRANGE)?;
    if is_closed(piece) {
        Ok(piece.to_owned())
    } else {
        Err(STRANGE)
    }
}

fn is_closed(piece: &str) -> bool {
    let mut depth = 0_usize;
    for token in Lexer::new(piece.as_bytes()) {
        match token.lexeme {
            Lexeme::Symbol(b'(' | b'[') => depth += 1,
            Lexeme::Symbol(b')' | b']') => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            Lexeme::Symbol(b';' | b'\\') | Lexeme::Broken(_) => return false,
            _ => {}
        }
    }
    depth == 0
}

/// The text of a clause after its first keyword.
fn after_keyword(
    clause: &SyntaxNode,
    text: &str,
    pieces: &mut Vec<SyntaxNode>,
) -> Readable<String> {
    let range = clause.text_range();
    let keyword = clause.first_token().ok_or(STRANGE)?.text_range();
    let rest = text
        .get(usize::from(keyword.end())..usize::from(range.end()))
        .ok_or(STRANGE)?;
    if !is_closed(rest) {
        return Err(STRANGE);
    }
    pieces.push(clause.clone());
    Ok(rest.trim().to_owned())
}

fn alias(node: &SyntaxNode) -> Readable<Option<String>> {
    match child(node, K::OPTIONAL_AS_ALIAS) {
        Some(given) => Ok(Some(name_in(&given, K::TABLE_ALIAS)?)),
        None => Ok(None),
    }
}

/// What DELETE and UPDATE have in common.
fn rows(node: &SyntaxNode, text: &str) -> Readable<Rows> {
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
fn merge(node: &SyntaxNode, text: &str, found: &mut Vec<Action>) -> Readable<()> {
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
        if let Some(more) = child(&clause, K::MERGE_CONDITION) {
            conditions.push(after_keyword(&more, text, &mut around.pieces)?);
        }
        around.pieces.push(item.clone());
        let deletes = has(&clause, K::MERGE_DELETE);
        let rows = Rows {
            verb: if deletes { Verb::Delete } else { Verb::Update },
            table: table(node)?,
            alias: alias(node)?,
            with: Vec::new(),
            recursive: around.recursive,
            from: Some(piece(&item, text)?),
            conditions,
            columns: nodes(&clause, K::SET_CLAUSE)
                .flat_map(|set| columns(&set))
                .collect(),
            at_most: matched > 1,
            mentions: Vec::new(),
            calls: Vec::new(),
        };
        found.push(Action::Rows(finished(rows, around)?));
    }
    Ok(())
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
