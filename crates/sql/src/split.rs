//! A text as psql sends it, taken apart into statements as the server does.

use std::collections::BTreeSet;

use super::SqlStatement;
use super::changes::{Changes, changes};
use super::classify::classify;
use super::facts::{Control, Prepared, StatementFacts};
use super::kinds::{KindSet, StatementKind};
use super::lexer::{Lexeme, Lexer, Token};
use super::transaction::{TransactionStep, Transactions};
use super::tree;
use super::words::Words;

/// A text on its way to the server.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    pub(super) text: Vec<u8>,
    /// From which offset on the text stands on which line of the source.
    pub(super) marks: Vec<(usize, usize)>,
    /// At which offset something is not known, and what.
    pub(super) doubts: Vec<(usize, &'static str)>,
}

impl Buffer {
    /// The text as it is, with its own lines.
    pub(super) fn whole(text: &[u8]) -> Self {
        let newlines = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let lines = newlines
            .enumerate()
            .map(|(line, (at, _))| (at + 1, line + 2));
        Self {
            text: text.to_vec(),
            marks: std::iter::once((0, 1)).chain(lines).collect(),
            doubts: Vec::new(),
        }
    }

    pub(super) fn mark(&mut self, line: usize) {
        self.marks.push((self.text.len(), line));
    }

    pub(super) fn doubt(&mut self, why: &'static str) {
        self.doubts.push((self.text.len(), why));
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.iter().all(u8::is_ascii_whitespace)
    }

    fn line(&self, offset: usize) -> usize {
        let after = self.marks.partition_point(|(start, _)| *start <= offset);
        let mark = self.marks.get(after.saturating_sub(1));
        mark.map_or(1, |(_, line)| *line)
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.marks.clear();
        self.doubts.clear();
    }
}

/// Everything found so far, and what a session remembers.
#[derive(Debug, Default)]
pub(super) struct TextReading {
    pub(super) statements: Vec<SqlStatement>,
    pub(super) prepared: Prepared,
    pub(super) transactions: Transactions,
    /// The greatest of the statements of the text sent last, which `\g` sends
    /// again, and whether the text holds only what may simply run again.
    pub(super) previous: Option<(SqlStatement, bool)>,
    /// How much the grammar's parser has read.
    parsed: usize,
    /// How much text of statements is kept for previews.
    kept: usize,
    /// What harmless statements change, once there are many.
    changed: BTreeSet<Changes>,
}

/// So many statements are remembered before harmless ones are forgotten.
const HARMLESS: usize = 1_000;
/// What a statement may do besides taking rows, and previews do not measure.
const BESIDE: [StatementKind; 7] = [
    StatementKind::CopyToFile,
    StatementKind::Terminate,
    StatementKind::Upsert,
    StatementKind::LargeObject,
    StatementKind::CopyFromProgram,
    StatementKind::CopyToProgram,
    StatementKind::Drop,
];
/// So much text of destroying statements is kept for previews.
const MAX_KEPT: usize = 16 << 20;

/// Of statements that seem harmless, so much is read a second time.
const MAX_PARSED: usize = 1 << 20;

impl TextReading {
    /// Adds a statement that is not SQL.
    pub(super) fn push(&mut self, statement: SqlStatement) {
        self.statements.push(statement);
    }

    /// Reads a text that psql sends; `conditional` tells that it may not do so.
    /// Gives how many COPY … FROM STDIN it holds.
    pub(super) fn send(&mut self, buffer: &Buffer, conditional: bool) -> usize {
        let first = self.statements.len();
        let mut steps = Vec::new();
        let mut copies = 0;
        let mut plain = true;
        let mut doubts = buffer.doubts.iter().peekable();
        split(&buffer.text, |tokens, end, why| {
            let words = Words {
                text: &buffer.text,
                tokens,
            };
            let mut facts = StatementFacts::default();
            if let Some(why) = why {
                facts.unknown(why);
            } else {
                facts = classify(words, &self.prepared);
                self.second_look(words, end, &mut facts);
            }
            while let Some((_, why)) = doubts.next_if(|(offset, _)| *offset <= end) {
                facts.unknown(why);
            }
            copies += usize::from(facts.copy_in);
            plain &= facts.control == Control::None && !facts.breaks && !facts.copy_in;
            let start = tokens.first().map_or(0, |token| token.start);
            let undone = self.found(&facts, words, end, buffer.line(start));
            self.remember(facts.prepares);
            steps.push(TransactionStep {
                control: facts.control,
                breaks: facts.breaks || conditional,
                undone,
            });
        });
        for place in self.transactions.text(&steps) {
            if let Some(statement) = self.statements.get_mut(place) {
                statement.rolled_back = true;
            }
        }
        let sent = self.statements.get(first..).unwrap_or_default();
        if let Some(top) = sent.iter().max_by_key(|statement| statement.kind) {
            let kept = self
                .previous
                .take()
                .filter(|(old, _)| conditional && old.kind > top.kind);
            self.previous = kept.or_else(|| Some((top.clone(), plain && !conditional)));
        }
        self.thin_out(first);
        copies
    }

    /// Whether harmless statements are being forgotten.
    pub(super) fn is_long(&self) -> bool {
        self.statements.len() >= HARMLESS
    }

    /// Whether a table is known to change.
    pub(super) fn changes(&self, table: &[u8]) -> bool {
        std::str::from_utf8(table)
            .is_ok_and(|table| self.changed.contains(&Changes::Table(table.to_owned())))
    }

    /// Forgets harmless statements of a long script, the ones from `first` on: millions of INSERTs tell
    /// no more than the first thousand, once it is known which tables they change.
    fn thin_out(&mut self, first: usize) {
        if first < HARMLESS {
            return;
        }
        let new = self.statements.get(first..).unwrap_or_default();
        if new
            .iter()
            .any(|statement| statement.kind > StatementKind::Write)
        {
            return;
        }
        let mut kept = Vec::new();
        for statement in self.statements.drain(first..) {
            if statement.changes != Changes::Nothing
                && self.changed.insert(statement.changes.clone())
            {
                kept.push(statement);
            }
        }
        self.statements.extend(kept);
    }

    /// Lets the grammar's own parser contradict what was seen. In a long script of harmless statements it
    /// looks at the first ones only.
    fn second_look(&mut self, words: Words, end: usize, facts: &mut StatementFacts) {
        let kind = facts.kinds.top();
        if facts.kinds.has(StatementKind::Unknown)
            || (kind < StatementKind::Unknown && self.parsed > MAX_PARSED)
        {
            return;
        }
        let start = words.tokens.first().map_or(0, |token| token.start);
        let text = words.text.get(start..end).unwrap_or_default();
        self.parsed += text.len().min(tree::LONGEST);
        if let Some(why) = tree::contradiction(text, kind) {
            facts.unknown(why);
        }
    }

    /// Reads a text that psql sends only to be parsed; `\\g` may run it later.
    /// Gives the kinds in it.
    pub(super) fn parse(&mut self, buffer: &Buffer, conditional: bool) -> KindSet {
        let mut apart = Self {
            prepared: std::mem::take(&mut self.prepared),
            previous: self.previous.take(),
            ..Self::default()
        };
        apart.send(buffer, conditional);
        self.prepared = apart.prepared;
        self.previous = apart.previous.map(|(top, _)| (top, false));
        let mut kinds = KindSet::default();
        for statement in &apart.statements {
            kinds.add(statement.kind);
        }
        kinds
    }

    /// Adds the statement; beside one that is known to destroy, what is not
    /// known of it stands as a second one. Gives the place of the first if a
    /// ROLLBACK would undo it.
    fn found(
        &mut self,
        facts: &StatementFacts,
        words: Words,
        end: usize,
        line: usize,
    ) -> Option<usize> {
        let place = self.statements.len();
        let kind = facts.kinds.top();
        let start = words.tokens.first().map_or(0, |token| token.start);
        let whole = words.text.get(start..end).unwrap_or_default();
        // Beside rows it does something that no count of rows tells.
        let more = BESIDE
            .iter()
            .any(|beside| *beside != kind && facts.kinds.has(*beside));
        let kept = kind > StatementKind::Unknown
            && !more
            && whole.len() <= tree::LONGEST
            && self.kept <= MAX_KEPT;
        self.kept += if kept { whole.len() } else { 0 };
        let statement = SqlStatement {
            kind,
            line,
            text: words.excerpt(),
            object: facts.object.clone(),
            why: None,
            rolled_back: false,
            sql: std::str::from_utf8(whole)
                .ok()
                .filter(|_| kept)
                .map(str::to_owned),
            changes: changes(words, facts.kinds),
        };
        let unknown = SqlStatement {
            kind: StatementKind::Unknown,
            object: None,
            sql: None,
            changes: Changes::Everything,
            why: facts
                .why
                .or(Some("a prepared statement is not known in full")),
            ..statement.clone()
        };
        if kind != StatementKind::Unknown {
            self.statements.push(statement);
        }
        if facts.kinds.has(StatementKind::Unknown) {
            self.statements.push(unknown);
        }
        let undone =
            kind > StatementKind::Unknown && facts.kinds.is_transactional() && !facts.lasting;
        undone.then_some(place)
    }

    /// Keeps what PREPARE names. A name that comes twice keeps both, as it is
    /// not known which of the two the server refused.
    pub(super) fn remember(&mut self, prepares: Option<(Vec<u8>, KindSet)>) {
        if let Some((name, kinds)) = prepares {
            self.prepared.entry(name).or_default().join(kinds);
        }
    }
}

const SEMICOLON: &str = "a semicolon stands inside parentheses";
const PARENTHESES: &str = "parentheses are not closed";

/// Calls `found` with the tokens of each statement, the offset at which it
/// ends, and the reason if it cannot be one.
fn split(text: &[u8], mut found: impl FnMut(&[Token], usize, Option<&'static str>)) {
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    let mut atomic = 0_usize;
    let mut why = None;
    for token in Lexer::new(text) {
        match token.lexeme {
            Lexeme::Symbol(b';') if depth == 0 && atomic == 0 => {
                if !tokens.is_empty() {
                    found(&tokens, token.start, why);
                }
                tokens.clear();
                why = None;
                continue;
            }
            Lexeme::Symbol(b';') if depth > 0 => {
                let words = Words {
                    text,
                    tokens: &tokens,
                };
                let rule = words.is(creates(words), "rule");
                if !rule {
                    why = Some(SEMICOLON);
                }
            }
            Lexeme::Symbol(b'(') => depth += 1,
            Lexeme::Symbol(b')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        tokens.push(token);
        if depth == 0 && token.lexeme == Lexeme::Word {
            atomic = body(
                Words {
                    text,
                    tokens: &tokens,
                },
                atomic,
            );
        }
    }
    if depth > 0 {
        why = Some(PARENTHESES);
    }
    if atomic > 0 {
        why = Some("the body of a function does not end");
    }
    if !tokens.is_empty() {
        found(&tokens, text.len(), why);
    }
}

/// The place of the word that says what CREATE [OR REPLACE] creates; past the
/// end if this is no CREATE.
fn creates(words: Words) -> usize {
    if words.is(0, "create") {
        words.skip(1, &["or", "replace"])
    } else {
        words.len()
    }
}

/// How deep in a body of SQL (BEGIN ATOMIC … END, with CASE … END inside) the
/// text is after its last word.
fn body(words: Words, depth: usize) -> usize {
    let last = words.len() - 1;
    if depth == 0 {
        let begins = words.is(last, "atomic") && last > 0 && words.is(last - 1, "begin");
        let routine = begins && words.any(creates(words), &["function", "procedure"]);
        return usize::from(routine);
    }
    if words.is_label(last) {
        return depth;
    }
    match () {
        () if words.is(last, "case") => depth + 1,
        () if words.is(last, "end") => depth - 1,
        () => depth,
    }
}
