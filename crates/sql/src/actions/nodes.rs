//! What stands in a node of a statement's tree: its children, its tokens, the names in it.

use squawk_syntax::{SyntaxElement, SyntaxKind as K, SyntaxNode};

use super::Table;

/// Why a statement is not understood.
pub(super) const STRANGE: &str = "guard cannot tell from its text what it takes";
const NAME: &str = "a name in it is spelled with escapes";

/// What was read, or why it cannot be told.
pub(super) type Readable<T> = Result<T, &'static str>;

pub(super) fn child(node: &SyntaxNode, kind: K) -> Option<SyntaxNode> {
    node.children().find(|child| child.kind() == kind)
}

pub(super) fn has(node: &SyntaxNode, kind: K) -> bool {
    child(node, kind).is_some()
}

pub(super) fn nodes(node: &SyntaxNode, kind: K) -> impl Iterator<Item = SyntaxNode> {
    node.descendants().filter(move |child| child.kind() == kind)
}

pub(super) fn has_token(node: &SyntaxNode, kind: K) -> bool {
    node.children_with_tokens()
        .any(|element| element.as_token().is_some_and(|token| token.kind() == kind))
}

/// The node's text without blanks and comments.
pub(super) fn joined(node: &SyntaxNode) -> String {
    let tokens = node
        .descendants_with_tokens()
        .filter_map(SyntaxElement::into_token);
    tokens
        .filter(|token| !matches!(token.kind(), K::WHITESPACE | K::COMMENT))
        .map(|token| token.text().to_owned())
        .collect()
}

/// A name that the catalogs can look up.
pub(super) fn plain(node: &SyntaxNode) -> Readable<String> {
    let name = joined(node);
    let escaped = name
        .split('.')
        .any(|part| part.to_ascii_lowercase().starts_with("u&"));
    if name.is_empty() || escaped {
        return Err(NAME);
    }
    Ok(name)
}

pub(super) fn name_in(node: &SyntaxNode, kind: K) -> Readable<String> {
    plain(&nodes(node, kind).next().ok_or(STRANGE)?)
}

/// The first relation that stands directly in `node`.
pub(super) fn table(node: &SyntaxNode) -> Readable<Table> {
    let named = node
        .children()
        .find(|child| matches!(child.kind(), K::RELATION_NAME | K::TABLE_RELATION_NAME))
        .ok_or(STRANGE)?;
    of_relation(&named)
}

pub(super) fn of_relation(named: &SyntaxNode) -> Readable<Table> {
    let reference = named
        .descendants()
        .find(|child| matches!(child.kind(), K::RELATION_NAME_REF | K::TABLE_NAME_REF))
        .ok_or(STRANGE)?;
    Ok(Table {
        name: plain(&reference)?,
        only: has_token(named, K::ONLY_KW),
    })
}
