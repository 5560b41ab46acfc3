//! What a destroying statement does to what, for previews: the tables, conditions and names in it, as
//! pieces of its own text.

mod nodes;
mod pieces;
mod rows;

use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::tree::{is_drop, with_tree};
use nodes::{Readable, STRANGE, has, joined, name_in, nodes, of_relation, plain, table};
use rows::{merge, rows};

pub use rows::{Rows, Verb};

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
