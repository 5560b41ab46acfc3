//! The second reader: `squawk`'s parser of `PostgreSQL`'s grammar. It gives a statement the structure that
//! previews need, and it contradicts the first reader where that one saw less.

use squawk_syntax::ast::AstNode as _;
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::kinds::StatementKind;
use super::lexer::{Lexeme, Lexer};

/// Longer statements are not parsed.
pub(super) const LONGEST: usize = 256 << 10;
/// The parser recurses: what nests its brackets deeper is not parsed.
const DEEPEST: usize = 100;
/// Up to this length the stack of the thread that asks is enough for any nesting.
const SHORT: usize = 1 << 10;
/// For longer statements there is a thread with this much, of which little is ever touched.
const STACK: usize = 512 << 20;

pub(super) const SYNTAX: &str = "it does not read as PostgreSQL's grammar";
const ENCODING: &str = "it is not UTF-8";
const LONG: &str = "the statement is longer than guard parses";
const DEEP: &str = "the statement nests deeper than guard parses";
const SEEN: &str = "it may destroy more than guard's first look saw";

/// Parses one statement and looks at its tree, whose root is the statement.
///
/// # Errors
/// Why it cannot be parsed, as the end of "it is unknown, because …".
pub(super) fn with_tree<T: Send>(
    text: &[u8],
    look: impl FnOnce(&SyntaxNode) -> T + Send,
) -> Result<T, &'static str> {
    if text.len() > LONGEST {
        return Err(LONG);
    }
    let text = std::str::from_utf8(text).map_err(|_| ENCODING)?;
    if depth(text.as_bytes()) > DEEPEST {
        return Err(DEEP);
    }
    if text.len() <= SHORT {
        return parse(text, look);
    }
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || parse(text, look))
            .map_err(|_| LONG)?
            .join()
            .unwrap_or(Err(SYNTAX))
    })
}

fn parse<T>(text: &str, look: impl FnOnce(&SyntaxNode) -> T) -> Result<T, &'static str> {
    let parsed = SourceFile::parse(text);
    let file = parsed.tree();
    let mut statements = file.syntax().children();
    let (Some(root), None) = (statements.next(), statements.next()) else {
        return Err(SYNTAX);
    };
    // The body of a function is a text to the server until the function runs.
    let body = matches!(
        root.kind(),
        SyntaxKind::CREATE_FUNCTION | SyntaxKind::CREATE_PROCEDURE | SyntaxKind::DO
    );
    if !body && !parsed.errors().is_empty() {
        return Err(SYNTAX);
    }
    Ok(look(&root))
}

/// How deep its brackets stand in one another.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for token in Lexer::new(text) {
        match token.lexeme {
            Lexeme::Symbol(b'(' | b'[') => depth += 1,
            Lexeme::Symbol(b')' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Without one of these words no statement destroys rows or objects, however it is read.
const DESTROYING: [&[u8]; 5] = [b"delete", b"drop", b"merge", b"truncate", b"update"];

/// Whether one of the words stands anywhere in the text, be it in a string or a comment.
fn names_destroying(text: &[u8]) -> bool {
    text.iter().enumerate().any(|(at, byte)| {
        matches!(byte | 0x20, b'd' | b'm' | b't' | b'u')
            && DESTROYING.iter().any(|word| {
                text.get(at..at + word.len())
                    .is_some_and(|found| found.eq_ignore_ascii_case(word))
            })
    })
}

/// Why the statement is not what the first reader took it for, if so.
pub(super) fn contradiction(text: &[u8], seen: StatementKind) -> Option<&'static str> {
    if seen < StatementKind::Unknown && !names_destroying(text) {
        return None;
    }
    let unseen = move |root: &SyntaxNode| seen < StatementKind::Unknown && destroys(root);
    match with_tree(text, unseen) {
        Ok(true) => Some(SEEN),
        Ok(false) => None,
        // A long INSERT is read by the first reader alone.
        Err(LONG | DEEP) if seen < StatementKind::Unknown => None,
        Err(why) => Some(why),
    }
}

/// Whether running the statement would by itself delete, overwrite or drop something.
fn destroys(root: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    match root.kind() {
        // What these hold runs later, or not at all.
        K::EXPLAIN
        | K::PREPARE
        | K::CREATE_FUNCTION
        | K::CREATE_PROCEDURE
        | K::CREATE_RULE
        | K::CREATE_VIEW => false,
        _ => {
            is_drop(root.kind())
                || root.descendants().any(|node| {
                    matches!(
                        node.kind(),
                        K::DELETE
                            | K::UPDATE
                            | K::MERGE_DELETE
                            | K::MERGE_UPDATE
                            | K::TRUNCATE
                            | K::DROP_COLUMN
                            | K::DROP_OWNED
                    )
                })
        }
    }
}

/// The statements that begin with DROP.
pub(super) fn is_drop(kind: SyntaxKind) -> bool {
    use SyntaxKind as K;
    matches!(
        kind,
        K::DROP_ACCESS_METHOD
            | K::DROP_AGGREGATE
            | K::DROP_CAST
            | K::DROP_COLLATION
            | K::DROP_CONVERSION
            | K::DROP_DATABASE
            | K::DROP_DOMAIN
            | K::DROP_EVENT_TRIGGER
            | K::DROP_EXTENSION
            | K::DROP_FOREIGN_DATA_WRAPPER
            | K::DROP_FOREIGN_TABLE
            | K::DROP_FUNCTION
            | K::DROP_GROUP
            | K::DROP_INDEX
            | K::DROP_LANGUAGE
            | K::DROP_MATERIALIZED_VIEW
            | K::DROP_OPERATOR
            | K::DROP_OPERATOR_CLASS
            | K::DROP_OPERATOR_FAMILY
            | K::DROP_OWNED
            | K::DROP_POLICY
            | K::DROP_PROCEDURE
            | K::DROP_PUBLICATION
            | K::DROP_ROLE
            | K::DROP_ROUTINE
            | K::DROP_RULE
            | K::DROP_SCHEMA
            | K::DROP_SEQUENCE
            | K::DROP_SERVER
            | K::DROP_STATISTICS
            | K::DROP_SUBSCRIPTION
            | K::DROP_TABLE
            | K::DROP_TABLESPACE
            | K::DROP_TEXT_SEARCH_CONFIG
            | K::DROP_TEXT_SEARCH_DICT
            | K::DROP_TEXT_SEARCH_PARSER
            | K::DROP_TEXT_SEARCH_TEMPLATE
            | K::DROP_TRANSFORM
            | K::DROP_TRIGGER
            | K::DROP_TYPE
            | K::DROP_USER
            | K::DROP_USER_MAPPING
            | K::DROP_VIEW
    )
}
