//! The pieces of a statement's own text that a preview's query is made of: WITH clauses, conditions,
//! joins.

use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::nodes::{Readable, STRANGE, child, has_token, joined};
use crate::lexer::{Lexeme, Lexer};

/// What is gathered around a statement that takes rows.
#[derive(Default)]
pub(super) struct Around {
    pub(super) with: Vec<String>,
    pub(super) recursive: bool,
    /// Nodes whose text goes into the preview's query.
    pub(super) pieces: Vec<SyntaxNode>,
    /// Names of queries that change rows, in lower case.
    pub(super) changing: Vec<String>,
}

pub(super) fn writes(node: &SyntaxNode) -> bool {
    node.descendants()
        .any(|inner| matches!(inner.kind(), K::DELETE | K::UPDATE | K::INSERT | K::MERGE))
}

/// The WITH clauses that the node can see.
pub(super) fn around(node: &SyntaxNode, text: &str) -> Readable<Around> {
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
pub(super) fn piece(node: &SyntaxNode, text: &str) -> Readable<String> {
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
pub(super) fn after_keyword(
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
