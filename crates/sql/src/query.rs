//! Queries: SELECT, INSERT, UPDATE, DELETE, MERGE, and what is nested in them.

use super::facts::StatementFacts;
use super::functions::{LONGEST, function};
use super::kinds::StatementKind;
use super::lexer::Lexeme;
use super::words::Words;

#[derive(Copy, Clone, PartialEq, Eq)]
enum MainVerb {
    /// Nothing read yet.
    Start,
    /// Inside WITH, before the main verb.
    With,
    Select,
    Insert,
    Update,
    Delete,
    Merge,
    /// An expression, a list of columns.
    Other,
}

/// One level of parentheses.
#[derive(Copy, Clone)]
struct Frame {
    verb: MainVerb,
    /// Where the verb stands.
    at: usize,
    r#where: bool,
    /// Past FROM of a SELECT, or past RETURNING.
    past: bool,
    /// The words that make of the verb more: INTO of SELECT, SET of UPDATE, DO
    /// UPDATE of INSERT, THEN DELETE and THEN UPDATE of MERGE.
    mark: bool,
}

impl Frame {
    const NEW: Self = Self {
        verb: MainVerb::Start,
        at: 0,
        r#where: false,
        past: false,
        mark: false,
    };
}

/// The verb that begins at `at`, where a query may begin. The words are not
/// reserved, so a column may have their names: what follows tells.
fn verb_at(words: Words, at: usize) -> MainVerb {
    if words.is(at, "with") {
        MainVerb::With
    } else if words.any(at, &["select", "values", "table"]) {
        MainVerb::Select
    } else if words.are(at, &["insert", "into"]) {
        MainVerb::Insert
    } else if words.are(at, &["delete", "from"]) {
        MainVerb::Delete
    } else if words.are(at, &["merge", "into"]) {
        MainVerb::Merge
    } else if words.is(at, "update") && words.name_end(at + 1) > at + 1 {
        MainVerb::Update
    } else {
        MainVerb::Other
    }
}

/// In WITH, whether the word at `at` is the name of a query or a column
/// rather than the main verb.
fn names_in_with(words: Words, at: usize) -> bool {
    let before = at.saturating_sub(1);
    let list = [b',', b'.', b'('].map(|byte| words.symbol(before, byte));
    list.contains(&true)
        || words.any(
            before,
            &[
                "with",
                "recursive",
                "by",
                "set",
                "using",
                "to",
                "default",
                "cycle",
            ],
        )
}

fn word(words: Words, at: usize, frame: &mut Frame) {
    match frame.verb {
        MainVerb::Start => {
            frame.verb = verb_at(words, at);
            frame.at = at;
        }
        MainVerb::With if !names_in_with(words, at) => {
            let verb = verb_at(words, at);
            if !matches!(verb, MainVerb::Other | MainVerb::With) {
                frame.verb = verb;
                frame.at = at;
            }
        }
        MainVerb::With | MainVerb::Other => {}
        _ if words.is_label(at) => {}
        MainVerb::Select => {
            frame.mark |= !frame.past && words.is(at, "into");
            frame.past |= words.is(at, "from");
        }
        MainVerb::Insert => frame.mark |= words.are(at, &["do", "update"]),
        MainVerb::Merge => {
            let then = words.is(at, "then") && words.any(at + 1, &["delete", "update"]);
            frame.mark |= then;
        }
        MainVerb::Update | MainVerb::Delete => {
            frame.mark |= words.is(at, "set");
            frame.past |= words.is(at, "returning");
            frame.r#where |= !frame.past && words.is(at, "where");
        }
    }
}

fn finish(words: Words, frame: &Frame, facts: &mut StatementFacts) {
    let target = |skipped: usize| {
        let at = words.skip(frame.at + skipped, &["only"]);
        words.name(at)
    };
    let (kind, skipped) = match frame.verb {
        MainVerb::Select if frame.mark => (StatementKind::Write, None),
        MainVerb::Insert if frame.mark => (StatementKind::Upsert, Some(2)),
        MainVerb::Merge if frame.mark => (StatementKind::Merge, Some(2)),
        MainVerb::Insert | MainVerb::Merge => (StatementKind::Write, Some(2)),
        MainVerb::Delete if frame.r#where => (StatementKind::Delete, Some(2)),
        MainVerb::Delete => (StatementKind::DeleteAll, Some(2)),
        MainVerb::Update if !frame.mark && frame.at > 0 => return,
        MainVerb::Update if frame.r#where => (StatementKind::Update, Some(1)),
        MainVerb::Update => (StatementKind::UpdateAll, Some(1)),
        _ => return,
    };
    facts.add(kind, || skipped.and_then(target));
}

/// A name before a parenthesis: whether it is a function that does something.
fn call(words: Words, at: usize, facts: &mut StatementFacts) {
    if words.bytes(at).len() > LONGEST + 2 || !words.symbol(at + 1, b'(') {
        return;
    }
    if words.lexeme(at) == Some(Lexeme::Unicode) {
        facts.unknown("a function's name is spelled with escapes");
        return;
    }
    let Some(name) = words.identifier(at) else {
        return;
    };
    let Some(kind) = function(&name) else {
        return;
    };
    if name == b"set_config" && changes_lexing(words, at + 2) {
        facts.unknown("a setting changes how the text is read");
        return;
    }
    facts.lasting |= kind != StatementKind::LargeObject;
    match kind {
        StatementKind::Unknown => facts.unknown("a function runs SQL that is given to it as text"),
        _ => facts.add(kind, || None),
    }
}

/// Whether `set_config`'s first argument is, or may be, a setting of the lexer.
fn changes_lexing(words: Words, at: usize) -> bool {
    let Some(name) = words.literal(at) else {
        return true;
    };
    let plain = words.bytes(at).first() == Some(&b'\'') && words.symbol(at + 1, b',');
    let lexing = ["standard_conforming_strings", "client_encoding"];
    !plain || lexing.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Reads a query with everything nested in it.
pub(super) fn query(words: Words, facts: &mut StatementFacts) {
    facts.add(StatementKind::Read, || None);
    let mut frames = Vec::new();
    let mut frame = Frame::NEW;
    for at in 0..words.len() {
        match words.lexeme(at) {
            Some(Lexeme::Symbol(b'(')) => {
                frames.push(frame);
                frame = Frame::NEW;
            }
            Some(Lexeme::Symbol(b')')) => {
                finish(words, &frame, facts);
                frame = frames.pop().unwrap_or(Frame::NEW);
                if frame.verb == MainVerb::Start {
                    frame.verb = MainVerb::Other;
                }
            }
            Some(Lexeme::Word) => {
                word(words, at, &mut frame);
                call(words, at, facts);
            }
            Some(Lexeme::Quoted | Lexeme::Unicode) => {
                call(words, at, facts);
                frame.verb = started(frame.verb);
            }
            _ => frame.verb = started(frame.verb),
        }
    }
    finish(words, &frame, facts);
    for frame in &frames {
        finish(words, frame, facts);
    }
}

/// A token that is no word cannot begin a query.
fn started(verb: MainVerb) -> MainVerb {
    if verb == MainVerb::Start {
        MainVerb::Other
    } else {
        verb
    }
}
