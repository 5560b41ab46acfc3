//! What one statement does, by its first word (manual, part VI "SQL Commands",
//! of `PostgreSQL` 17 and 18).

use super::ddl;
use super::facts::{Control, Prepared, StatementFacts};
use super::kinds::StatementKind;
use super::lexer::Lexeme;
use super::query::query;
use super::words::Words;

/// Reads one statement, which has at least one token.
pub(super) fn classify(words: Words, prepared: &Prepared) -> StatementFacts {
    let mut facts = StatementFacts::default();
    statement(words, prepared, &mut facts, 0);
    let broken = words.tokens.iter().find_map(|token| match token.lexeme {
        Lexeme::Broken(fault) => Some(fault.why()),
        Lexeme::Symbol(b'\\') => Some("a backslash stands outside quotes"),
        Lexeme::Symbol(byte) if byte < 0x20 || byte == 0x7f => {
            Some("a control character stands outside quotes")
        }
        _ => None,
    });
    if let Some(why) = broken {
        // What does not lex is an error before anything of it runs.
        facts = StatementFacts::default();
        facts.unknown(why);
    }
    facts
}

/// How deep EXPLAIN and PREPARE may hold one another.
const DEPTH: usize = 8;

fn statement(words: Words, prepared: &Prepared, facts: &mut StatementFacts, depth: usize) {
    let first = words.bytes(0).to_ascii_lowercase();
    let first = std::str::from_utf8(&first).unwrap_or_default();
    if words.symbol(0, b'(') {
        query(words, facts);
        return;
    }
    if words.lexeme(0) != Some(Lexeme::Word) || depth > DEPTH {
        facts.unknown("guard does not know this statement");
        return;
    }
    match first {
        "select" | "values" | "table" | "with" | "insert" | "update" | "delete" | "merge"
        | "declare" => begun(words, first, facts),
        "explain" => explain(words, prepared, facts, depth),
        "prepare" => prepare(words, prepared, facts, depth),
        "execute" => ddl::execute(words, prepared, facts),
        "drop" => ddl::drop(words, facts),
        "truncate" => ddl::truncate(words, facts),
        "alter" => ddl::alter(words, facts),
        "create" => ddl::create(words, prepared, facts),
        "grant" | "revoke" => ddl::privileges(words, facts),
        "copy" => ddl::copy(words, false, facts),
        "vacuum" => ddl::vacuum(words, facts),
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" => control(words, facts),
        "set" => {
            facts.add(StatementKind::Write, || None);
            ddl::lexing(words, facts);
        }
        "reassign" => facts.add(StatementKind::Reassign, || words.only_name(3)),
        "deallocate" | "discard" => {
            facts.breaks = true;
            facts.add(StatementKind::Write, || None);
        }
        "analyse" | "analyze" | "checkpoint" | "cluster" | "comment" | "import" | "listen"
        | "lock" | "notify" | "refresh" | "reindex" | "reset" | "security" | "unlisten" => {
            facts.breaks = matches!(first, "cluster" | "reindex");
            facts.add(StatementKind::Write, || None);
        }
        "savepoint" | "release" | "close" | "fetch" | "move" | "show" => {
            facts.add(StatementKind::Read, || None);
        }
        "do" => facts.unknown("DO runs a block of code"),
        "call" => facts.unknown("CALL runs a procedure"),
        "load" => facts.unknown("LOAD runs the code of a library"),
        _ => facts.unknown("guard does not know this statement"),
    }
}

/// The verbs of queries; each has to look like one.
fn begun(words: Words, first: &str, facts: &mut StatementFacts) {
    query(words, facts);
    let read = facts.kinds.top() == StatementKind::Read;
    if read && matches!(first, "insert" | "update" | "delete" | "merge") {
        facts.unknown("guard does not know this statement");
    }
}

/// EXPLAIN runs its statement with ANALYZE only (manual, "EXPLAIN").
fn explain(words: Words, prepared: &Prepared, facts: &mut StatementFacts, depth: usize) {
    facts.add(StatementKind::Read, || None);
    let query = words.any(2, &["select", "with", "values", "table"]) || words.symbol(2, b'(');
    let (runs, at) = if words.symbol(1, b'(') && !query {
        let end = words.outside(1, |at| words.symbol(at, b')'));
        let runs = ddl::option(words, "analyze") || ddl::option(words, "analyse");
        (runs, end.unwrap_or(words.len()) + 1)
    } else {
        let runs = words.any(1, &["analyze", "analyse"]);
        let at = 1 + usize::from(runs);
        (runs, words.skip(at, &["verbose"]))
    };
    if runs && at < words.len() {
        statement(words.from(at), prepared, facts, depth + 1);
        facts.control = Control::None;
        facts.copy_in = false;
    }
}

fn prepare(words: Words, prepared: &Prepared, facts: &mut StatementFacts, depth: usize) {
    facts.add(StatementKind::Write, || None);
    if words.is(1, "transaction") {
        facts.control = Control::Commit { chain: false };
        return;
    }
    let start = words.outside(2, |at| words.is(at, "as"));
    if let (Some(name), Some(start)) = (words.identifier(1), start) {
        let mut inner = StatementFacts::default();
        statement(words.from(start + 1), prepared, &mut inner, depth + 1);
        if inner.lasting {
            // EXECUTE must not pass for something that a ROLLBACK undoes.
            inner.kinds.add(StatementKind::Unknown);
        }
        facts.prepares = Some((name, inner.kinds));
    }
}

/// Statements that begin and end transactions. A form that is not exactly one
/// of the grammar's is an error and begins or ends nothing.
fn control(words: Words, facts: &mut StatementFacts) {
    facts.add(StatementKind::Read, || None);
    let noise = usize::from(words.any(1, &["work", "transaction"]));
    let at = 1 + noise;
    if words.any(0, &["begin", "start"]) {
        if modes(words.from(at)) && (words.is(0, "begin") || words.is(1, "transaction")) {
            facts.control = Control::Begin;
        } else {
            facts.unknown("guard does not know this statement");
        }
        return;
    }
    if words.is(at, "prepared") {
        facts.unknown("a prepared transaction holds work that is not seen here");
        return;
    }
    let ends = !words.any(0, &["rollback", "abort"]);
    if !ends && words.is(at, "to") {
        return;
    }
    let chain = words.are(at, &["and", "chain"]);
    let rest = words.skip(words.skip(at, &["and", "chain"]), &["and", "no", "chain"]);
    if rest < words.len() {
        facts.unknown("guard does not know this statement");
    } else if ends {
        facts.control = Control::Commit { chain };
    } else {
        facts.control = Control::Rollback { chain };
    }
}

/// Whether only transaction modes stand here (manual, "BEGIN").
fn modes(words: Words) -> bool {
    let forms: &[&[&str]] = &[
        &["isolation", "level", "serializable"],
        &["isolation", "level", "repeatable", "read"],
        &["isolation", "level", "read", "committed"],
        &["isolation", "level", "read", "uncommitted"],
        &["read", "write"],
        &["read", "only"],
        &["not", "deferrable"],
        &["deferrable"],
    ];
    let mut at = 0;
    while at < words.len() {
        match forms.iter().find(|form| words.are(at, form)) {
            Some(form) => at += form.len(),
            None => return false,
        }
        let comma = words.symbol(at, b',');
        if comma && at + 1 == words.len() {
            return false;
        }
        at += usize::from(comma);
    }
    true
}
