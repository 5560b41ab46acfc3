//! What a statement changes for the statements after it. A preview looks at the database as it is
//! before the first of them, so it must not speak of what an earlier one has changed by then.

use super::kinds::{KindSet, StatementKind};
use super::words::Words;

/// What a statement changes that later statements may depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Changes {
    /// Nothing that they depend on.
    #[default]
    Nothing,
    /// Rows or the shape of these tables and what hangs on them, named as in the text.
    Table(String),
    /// Where names without a schema lead.
    SearchPath,
    /// It cannot be told.
    Everything,
}

/// Statements that change nothing that a preview of a later one would see.
const QUIET: &[&str] = &[
    "abort",
    "analyse",
    "analyze",
    "begin",
    "checkpoint",
    "close",
    "cluster",
    "comment",
    "commit",
    "copy",
    "deallocate",
    "declare",
    "end",
    "explain",
    "fetch",
    "grant",
    "listen",
    "lock",
    "move",
    "notify",
    "prepare",
    "reindex",
    "release",
    "rollback",
    "savepoint",
    "security",
    "select",
    "show",
    "start",
    "table",
    "unlisten",
    "vacuum",
    "values",
];

/// What CREATE and ALTER make or change without touching what tables hold.
const ASIDE: &[&str] = &[
    "collation",
    "database",
    "domain",
    "extension",
    "group",
    "index",
    "publication",
    "role",
    "sequence",
    "server",
    "statistics",
    "tablespace",
    "text",
    "type",
    "user",
];

/// Settings of which every preview is independent are all but these.
const MEANING: &[&str] = &[
    "role",
    "session",
    "row_security",
    "standard_conforming_strings",
    "names",
];

pub(super) fn changes(words: Words, kinds: KindSet) -> Changes {
    let table = |at: usize| words.name(at).map_or(Changes::Everything, Changes::Table);
    let only = |at: usize| words.skip(at, &["only"]);
    if kinds.has(StatementKind::Unknown) {
        return Changes::Everything;
    }
    if words.is(0, "set") {
        return setting(words);
    }
    if words.is(0, "insert") {
        return plain(words, 2, kinds, table);
    }
    if words.is(0, "update") {
        return plain(words, only(1), kinds, table);
    }
    if words.is(0, "delete") || words.is(0, "merge") {
        return plain(words, only(2), kinds, table);
    }
    if words.is(0, "copy") && kinds.top() == StatementKind::Write {
        return table(words.skip(1, &["binary"]));
    }
    if words.any(0, &["truncate", "drop"]) {
        return several(words);
    }
    if words.any(0, &["create", "alter"]) {
        return definition(words, kinds);
    }
    if words.is(0, "refresh") {
        return Changes::Everything;
    }
    if words.any(0, QUIET) || words.symbol(0, b'(') {
        return query(words, kinds);
    }
    Changes::Everything
}

/// A statement on one table, unless more is nested in it.
fn plain(words: Words, at: usize, kinds: KindSet, table: impl Fn(usize) -> Changes) -> Changes {
    let nested = (2..words.len()).any(|at| {
        words.any(at, &["insert", "merge"]) && words.is(at + 1, "into")
            || words.are(at, &["delete", "from"])
    });
    if nested || kinds.has(StatementKind::Drop) || kinds.has(StatementKind::LargeObject) {
        return Changes::Everything;
    }
    table(at)
}

fn setting(words: Words) -> Changes {
    let at = if words.any(1, &["local", "session"]) && words.len() > 2 {
        2
    } else {
        1
    };
    if words.any(at, &["search_path", "schema"]) {
        return Changes::SearchPath;
    }
    // SET SESSION AUTHORIZATION, SET SESSION CHARACTERISTICS.
    let meaning = words.any(at, MEANING) || words.any(at, &["authorization", "characteristics"]);
    if meaning {
        Changes::Everything
    } else {
        Changes::Nothing
    }
}

/// One table of TRUNCATE and DROP; of several, or of other things, everything.
fn several(words: Words) -> Changes {
    let dropped = words.is(0, "drop");
    if dropped && words.is(1, "index") {
        return Changes::Nothing;
    }
    let mut at = match () {
        () if words.is(1, "table") => 2,
        () if dropped => return Changes::Everything,
        () => 1,
    };
    at = words.skip(words.skip(at, &["if", "exists"]), &["only"]);
    words
        .only_name(at)
        .map_or(Changes::Everything, Changes::Table)
}

fn definition(words: Words, kinds: KindSet) -> Changes {
    let altered = words.is(0, "alter");
    let at = words.skip(1, &["or", "replace"]);
    let at = words.skip(at, &["unique"]);
    if words.any(at, ASIDE) && kinds.top() < StatementKind::Unknown {
        // A role or a database may get settings, which hold for later sessions only.
        return Changes::Nothing;
    }
    let kind = (at..words.len().min(at + 3)).find(|at| words.any(*at, &["table", "view"]));
    match kind {
        Some(at) => {
            let name = words.skip(at + 1, &["if", "not", "exists"]);
            let name = words.skip(words.skip(name, &["if", "exists"]), &["only"]);
            words.name(name).map_or(Changes::Everything, Changes::Table)
        }
        None if !altered && words.is(1, "schema") && words.len() < 8 => Changes::Nothing,
        None => Changes::Everything,
    }
}

/// A query, or something that holds one.
fn query(words: Words, kinds: KindSet) -> Changes {
    let path = (0..words.len()).any(|at| words.is(at, "set_config"));
    match kinds.top() {
        StatementKind::Write if path => {
            let names = (0..words.len()).filter_map(|at| words.literal(at));
            let mut names =
                names.filter(|name| MEANING.iter().any(|known| name.eq_ignore_ascii_case(known)));
            if names.next().is_some() {
                Changes::Everything
            } else {
                Changes::SearchPath
            }
        }
        StatementKind::Read | StatementKind::Write if words.is(0, "select") => {
            let into = words.outside(1, |at| words.is(at, "into") && !words.is_label(at));
            into.map_or(Changes::Nothing, |_| Changes::Everything)
        }
        StatementKind::Read
        | StatementKind::Write
        | StatementKind::CopyToFile
        | StatementKind::VacuumFull
        | StatementKind::GrantPublic => Changes::Nothing,
        _ => Changes::Everything,
    }
}
