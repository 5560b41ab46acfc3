//! DROP, ALTER, CREATE, GRANT, COPY and other statements that are no queries.

use super::facts::{Prepared, StatementFacts};
use super::kinds::StatementKind;
use super::lexer::{Lexeme, is_space, run_end};
use super::query::query;
use super::words::{Words, full};

/// DROP, with the words after it that say of what.
pub(super) fn drop(words: Words, facts: &mut StatementFacts) {
    let types: &[(&[&str], StatementKind)] = &[
        (&["table"], StatementKind::DropTable),
        (&["database"], StatementKind::DropDatabase),
        (&["schema"], StatementKind::DropSchema),
        (&["owned", "by"], StatementKind::DropOwned),
        (&["access", "method"], StatementKind::Drop),
        (&["event", "trigger"], StatementKind::Drop),
        (&["foreign", "data", "wrapper"], StatementKind::Drop),
        (&["foreign", "table"], StatementKind::Drop),
        (&["materialized", "view"], StatementKind::Drop),
        (&["operator", "class"], StatementKind::Drop),
        (&["operator", "family"], StatementKind::Drop),
        (&["procedural", "language"], StatementKind::Drop),
        (&["text", "search", "configuration"], StatementKind::Drop),
        (&["text", "search", "dictionary"], StatementKind::Drop),
        (&["text", "search", "parser"], StatementKind::Drop),
        (&["text", "search", "template"], StatementKind::Drop),
        (&["property", "graph"], StatementKind::Drop),
    ];
    let found = types.iter().find(|(names, _)| words.are(1, names));
    let (skipped, kind) = found.map_or((1, StatementKind::Drop), |(names, kind)| {
        (names.len(), *kind)
    });
    let mut at = words.skip(1 + skipped, &["concurrently"]);
    at = words.skip(at, &["if", "exists"]);
    // A cast or a user mapping has no name; USER MAPPING begins with FOR.
    let named = !words.any(1, &["cast", "transform"]) && !words.are(1, &["user", "mapping"]);
    facts.add(kind, || if named { words.only_name(at) } else { None });
    facts.breaks |= words.any(1, &["tablespace", "subscription"]);
}

/// The words that begin an action of ALTER TABLE (manual, "ALTER TABLE").
const TABLE_ACTIONS: &[&str] = &[
    "add", "alter", "attach", "cluster", "depends", "detach", "disable", "drop", "enable", "force",
    "inherit", "merge", "no", "not", "of", "options", "owner", "rename", "replica", "reset", "set",
    "split", "validate",
];

pub(super) fn alter(words: Words, facts: &mut StatementFacts) {
    facts.add(StatementKind::Write, || None);
    if words.is(1, "system") {
        facts.add(StatementKind::AlterSystem, || None);
    } else if words.are(1, &["default", "privileges"]) {
        if let Some(at) = words.outside(2, |at| words.any(at, &["grant", "revoke"])) {
            privileges(words.from(at), facts);
        }
    } else if words.any(1, &["table", "type"]) {
        alter_table(words, 2, facts);
    } else if words.are(1, &["foreign", "table"]) {
        alter_table(words, 3, facts);
    } else if words.is(1, "database") {
        facts.breaks = true;
        lexing(words.from(2), facts);
    } else if words.any(1, &["role", "user"]) {
        lexing(words.from(2), facts);
    }
}

fn alter_table(words: Words, mut at: usize, facts: &mut StatementFacts) {
    if words.are(at, &["all", "in", "tablespace"]) {
        return;
    }
    at = words.skip(at, &["if", "exists"]);
    at = words.skip(at, &["only"]);
    let name = words.name(at);
    at = words.name_end(at);
    at += usize::from(words.symbol(at, b'*'));
    loop {
        let kind = action(words, at);
        match kind {
            StatementKind::Unknown => facts.unknown("guard does not know this form of ALTER"),
            _ => facts.add(kind, || name.clone()),
        }
        match words.outside(at, |index| words.symbol(index, b',')) {
            Some(comma) => at = comma + 1,
            None => break,
        }
    }
    // USING of a new type is an expression over every row.
    query(words.from(1), facts);
}

/// One action of ALTER TABLE or ALTER TYPE.
fn action(words: Words, at: usize) -> StatementKind {
    if words.is(at, "drop") {
        return match () {
            () if words.is(at + 1, "constraint") => StatementKind::Write,
            () if words.is(at + 1, "value") && words.is(1, "type") => StatementKind::Drop,
            () => StatementKind::AlterDropColumn,
        };
    }
    if words.any(at, &["merge", "split"]) {
        return StatementKind::Unknown;
    }
    if words.is(at, "alter") && !words.is(at + 1, "constraint") {
        let mut end = words.skip(at + 1, &["column"]);
        end = words.skip(end, &["attribute"]);
        end = words.name_end(end);
        end = words.skip(end, &["set", "data"]);
        if words.is(end, "type") {
            return StatementKind::AlterColumnType;
        }
        return StatementKind::Write;
    }
    if words.any(at, TABLE_ACTIONS) {
        StatementKind::Write
    } else {
        StatementKind::Unknown
    }
}

pub(super) fn create(words: Words, session: &Prepared, facts: &mut StatementFacts) {
    facts.add(StatementKind::Write, || None);
    let Some(at) = words.outside(1, |at| {
        words.any(
            at,
            &[
                "table",
                "view",
                "function",
                "procedure",
                "rule",
                "trigger",
                "aggregate",
            ],
        )
    }) else {
        facts.breaks |= words.any(1, &["database", "tablespace", "subscription"]);
        return;
    };
    let runs = words.is(at, "table") || words.are(at - 1, &["materialized", "view"]);
    // EVENT TRIGGER … and SCHEMA … CREATE TABLE have no query of their own.
    if !runs || words.is(1, "schema") {
        return;
    }
    if let Some(start) = words.outside(at, |index| words.is(index, "as")) {
        if words.is(start + 1, "execute") {
            execute(words.from(start + 1), session, facts);
        } else {
            query(words.from(start + 1), facts);
        }
    }
}

/// GRANT and REVOKE.
pub(super) fn privileges(words: Words, facts: &mut StatementFacts) {
    if words.is(0, "revoke") {
        facts.add(StatementKind::Revoke, || None);
        return;
    }
    facts.add(StatementKind::Write, || None);
    let Some(to) = words.outside(1, |at| words.is(at, "to") && !words.is_label(at)) else {
        return;
    };
    // The server compares the name, so "public" in quotes is PUBLIC too.
    let public = (to + 1..words.len())
        .filter(|at| words.symbol(at - 1, b',') || *at == to + 1 || words.is(at - 1, "group"))
        .any(|at| words.identifier(at).is_some_and(|name| name == b"public"));
    if public {
        facts.add(StatementKind::GrantPublic, || None);
    }
}

/// COPY and `\copy`. `client` tells which: `\copy` takes a file's name without
/// quotes and reads or writes it as the user of psql.
pub(super) fn copy(words: Words, client: bool, facts: &mut StatementFacts) {
    facts.add(StatementKind::Read, || None);
    let first = words.skip(1, &["binary"]);
    let table = words.name(first);
    let Some(at) = words.outside(1, |at| {
        words.any(at, &["from", "to"]) && at > first && !words.is_label(at)
    }) else {
        facts.unknown("guard does not know this form of COPY");
        return;
    };
    if words.symbol(first, b'(') {
        query(words.from(first).until(at - first), facts);
    }
    let from = words.is(at, "from");
    let target = at + 1;
    let program = words.is(target, "program") && words.lexeme(target + 1).is_some();
    let standard = words.any(target, &["stdin", "stdout", "pstdin", "pstdout"]);
    let file = || words.literal(target).or_else(|| unquoted(words, target));
    if program && words.lexeme(target + 1) == Some(Lexeme::Literal) {
        let kind = if from {
            StatementKind::CopyFromProgram
        } else {
            StatementKind::CopyToProgram
        };
        facts.add(kind, || words.literal(target + 1));
    } else if from && (client || standard || words.literal(target).is_some()) {
        facts.add(StatementKind::Write, || table);
        facts.copy_in = words.any(target, &["stdin", "stdout"]);
    } else if standard {
        facts.add(StatementKind::Read, || None);
    } else if words.literal(target).is_some() || (client && words.lexeme(target).is_some()) {
        facts.add(StatementKind::CopyToFile, file);
    } else {
        facts.unknown("guard does not know this form of COPY");
    }
}

/// The name of a file without quotes, which `\copy` ends at whitespace or a
/// semicolon.
fn unquoted(words: Words, at: usize) -> Option<String> {
    let start = words.tokens.get(at)?.start;
    let end = run_end(words.text, start, |byte| !is_space(byte) && byte != b';');
    Some(full(words.text.get(start..end)?))
}

pub(super) fn vacuum(words: Words, facts: &mut StatementFacts) {
    facts.breaks = true;
    let full = if words.symbol(1, b'(') {
        option(words, "full")
    } else {
        words.is(1, "full")
    };
    let kind = if full {
        StatementKind::VacuumFull
    } else {
        StatementKind::Write
    };
    facts.add(kind, || None);
}

/// Whether an option in the parentheses at 1 is on: alone or with any value
/// that is not off. Of several, one that is on is enough.
pub(super) fn option(words: Words, name: &str) -> bool {
    let end = words.outside(1, |at| words.symbol(at, b')'));
    (2..end.unwrap_or(words.len())).any(|at| {
        let begins = words.symbol(at - 1, b'(') || words.symbol(at - 1, b',');
        let value = words
            .literal(at + 1)
            .unwrap_or_else(|| String::from_utf8_lossy(words.bytes(at + 1)).into_owned());
        let off = ["false", "off", "0", "no", "f", "n"];
        let named = words.identifier(at).is_some_and(|it| it == name.as_bytes());
        begins && named && !off.iter().any(|word| value.eq_ignore_ascii_case(word))
    })
}

pub(super) fn truncate(words: Words, facts: &mut StatementFacts) {
    let at = words.skip(words.skip(1, &["table"]), &["only"]);
    facts.add(StatementKind::Truncate, || words.only_name(at));
}

/// `PREPARE name AS …`'s statement runs when EXECUTE names it.
pub(super) fn execute(words: Words, prepared: &Prepared, facts: &mut StatementFacts) {
    let known = words
        .identifier(1)
        .and_then(|name| prepared.get(&name).copied());
    match known {
        Some(kinds) => {
            facts.kinds.join(kinds);
            facts.object = words.name(1);
        }
        None => facts.unknown("guard has not seen the PREPARE of this EXECUTE"),
    }
    query(words.from(2), facts);
}

/// Client encodings in which a byte of a character may look like a quote or a
/// backslash (manual 23.3.1, those that no server can use), and their aliases
/// without punctuation.
const UNSAFE_ENCODINGS: &[&str] = &[
    "sjis",
    "shiftjis",
    "mskanji",
    "shiftjis2004",
    "win932",
    "windows932",
    "big5",
    "win950",
    "windows950",
    "gbk",
    "win936",
    "windows936",
    "uhc",
    "win949",
    "windows949",
    "johab",
    "gb18030",
];

/// Whether psql's and the server's lexers would read this client encoding
/// otherwise than byte by byte.
pub(super) fn is_unsafe_encoding(name: &str) -> bool {
    let folded = name.chars().filter(char::is_ascii_alphanumeric);
    let folded: String = folded.map(|c| c.to_ascii_lowercase()).collect();
    UNSAFE_ENCODINGS.contains(&folded.as_str())
}

/// SET, and the SET of ALTER ROLE and ALTER DATABASE: settings that change how
/// the following text is read.
pub(super) fn lexing(words: Words, facts: &mut StatementFacts) {
    let why = "a setting changes how the text is read";
    for at in 0..words.len() {
        let named = |name: &str| words.identifier(at).is_some_and(|it| it == name.as_bytes());
        let mut value = at + 1;
        value += usize::from(words.symbol(value, b'=') || words.is(value, "to"));
        let text = || {
            let plain = || String::from_utf8_lossy(words.bytes(value)).into_owned();
            words.literal(value).unwrap_or_else(plain)
        };
        if words.lexeme(at) == Some(Lexeme::Unicode) {
            facts.unknown(why);
        } else if named("standard_conforming_strings") {
            let on = ["on", "true", "1", "yes", "default"];
            if !on.iter().any(|word| text().eq_ignore_ascii_case(word)) {
                facts.unknown(why);
            }
        } else if (named("client_encoding") || (named("names") && at < 3))
            && is_unsafe_encoding(&text())
        {
            facts.unknown(why);
        }
    }
}
