//! How psql itself reads SQL (`src/fe_utils/psqlscan.l`): it looks for the end
//! of a statement, for backslash commands and for variables, and keeps count of
//! quotes, comments and parentheses from line to line.

use super::lexer::{
    comment_end, dollar_close, dollar_tag, identifier_end, is_name, is_word_start,
    line_comment_end, number_end, run_end, starts, string_end, word_end,
};

/// What psql is inside of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum ScanState {
    #[default]
    Code,
    String {
        escapes: bool,
    },
    Identifier,
    Dollar(Vec<u8>),
    Comment(usize),
}

/// How a variable is written.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `:name`
    Plain,
    /// `:'name'`
    Literal,
    /// `:"name"`
    Identifier,
    /// `:{?name}`
    Test,
}

/// Why psql stops reading.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum ScanStop {
    End,
    Semicolon,
    /// `\;` or `\:`, which stand for the second byte.
    Escaped,
    Backslash,
    /// A variable, its name between these offsets, and where it ends.
    Variable(Form, usize, usize, usize),
    /// A number runs into a dollar quote; versions of psql differ.
    Doubt,
}

/// Recognises a variable at the colon at `at`.
pub(super) fn variable(text: &[u8], at: usize) -> Option<(Form, usize, usize, usize)> {
    let (form, start, close): (Form, usize, &[u8]) = match text.get(at + 1)? {
        b'\'' => (Form::Literal, at + 2, b"'"),
        b'"' => (Form::Identifier, at + 2, b"\""),
        b'{' if text.get(at + 2) == Some(&b'?') => (Form::Test, at + 3, b"}"),
        _ => (Form::Plain, at + 1, b""),
    };
    let end = run_end(text, start, is_name);
    let whole = end > start && starts(text, end, close);
    whole.then(|| (form, start, end, end + close.len()))
}

/// psql's place in the SQL that it reads.
#[derive(Debug, Default)]
pub(super) struct Scan {
    state: ScanState,
    parens: usize,
    brackets: usize,
    /// The depth of BEGIN and CASE in a function's body.
    begins: usize,
    /// The first letters of the first words, if they are of CREATE OR REPLACE
    /// FUNCTION or PROCEDURE.
    initials: [u8; 4],
    words: usize,
}

impl Scan {
    /// Whether it stands outside quotes and comments.
    pub(super) fn is_code(&self) -> bool {
        self.state == ScanState::Code
    }

    /// Whether it stands inside `[…]`, where a colon makes a slice.
    pub(super) fn in_brackets(&self) -> bool {
        self.brackets > 0
    }

    /// `\;` ends a statement inside a text.
    pub(super) fn forget_words(&mut self) {
        self.words = 0;
        self.brackets = 0;
    }

    /// Reads on from `at`: where it stops, and why.
    pub(super) fn run(&mut self, text: &[u8], mut at: usize) -> (usize, ScanStop) {
        loop {
            if self.state == ScanState::Code {
                match self.code(text, at) {
                    (next, None) => at = next,
                    (next, Some(stop)) => return (next, stop),
                }
            } else {
                match self.inside(text, at) {
                    Some(next) => {
                        at = next;
                        self.state = ScanState::Code;
                    }
                    None => return (text.len(), ScanStop::End),
                }
            }
        }
    }

    /// The end of what it is inside of, if the text holds that.
    fn inside(&mut self, text: &[u8], at: usize) -> Option<usize> {
        match &mut self.state {
            ScanState::Code => Some(at),
            ScanState::String { escapes } => string_end(text, at, *escapes),
            ScanState::Identifier => identifier_end(text, at),
            ScanState::Dollar(tag) => dollar_close(text, at, tag),
            ScanState::Comment(depth) => match comment_end(text, at, *depth) {
                Ok(end) => Some(end),
                Err(left) => {
                    *depth = left;
                    None
                }
            },
        }
    }

    fn enter(&mut self, state: ScanState, at: usize) -> (usize, Option<ScanStop>) {
        self.state = state;
        (at, None)
    }

    fn code(&mut self, text: &[u8], at: usize) -> (usize, Option<ScanStop>) {
        let Some(byte) = text.get(at).copied() else {
            return (text.len(), Some(ScanStop::End));
        };
        let next = text.get(at + 1).copied().unwrap_or(0);
        match byte {
            b'\'' => return self.enter(ScanState::String { escapes: false }, at + 1),
            b'"' => return self.enter(ScanState::Identifier, at + 1),
            b'-' if next == b'-' => return (line_comment_end(text, at), None),
            b'/' if next == b'*' => return self.enter(ScanState::Comment(1), at + 2),
            b'(' => self.parens += 1,
            b')' => self.parens = self.parens.saturating_sub(1),
            b'[' => self.brackets += 1,
            b']' => self.brackets = self.brackets.saturating_sub(1),
            b';' if self.parens == 0 && self.begins == 0 => return (at, Some(ScanStop::Semicolon)),
            b'\\' if matches!(next, b';' | b':') => return (at, Some(ScanStop::Escaped)),
            b'\\' => return (at, Some(ScanStop::Backslash)),
            b':' if matches!(next, b':' | b'=') => return (at + 2, None),
            b':' => {
                if let Some((form, start, end, past)) = variable(text, at) {
                    return (at, Some(ScanStop::Variable(form, start, end, past)));
                }
            }
            b'$' => return self.dollar(text, at),
            b'0'..=b'9' => return number(text, at),
            b'.' if next.is_ascii_digit() => return number(text, at),
            b'e' | b'E' if next == b'\'' => {
                return self.enter(ScanState::String { escapes: true }, at + 2);
            }
            _ if is_word_start(byte) => return (self.word(text, at), None),
            _ => {}
        }
        (at + 1, None)
    }

    fn dollar(&mut self, text: &[u8], at: usize) -> (usize, Option<ScanStop>) {
        match dollar_tag(text, at) {
            Some(open) => {
                let tag = text.get(at..open).unwrap_or_default();
                self.enter(ScanState::Dollar(tag.to_vec()), open)
            }
            None => (run_end(text, at + 1, |byte| byte.is_ascii_digit()), None),
        }
    }

    /// Counts BEGIN, CASE and END after CREATE FUNCTION, as psql does.
    fn word(&mut self, text: &[u8], at: usize) -> usize {
        let end = word_end(text, at);
        let word = text.get(at..end).unwrap_or_default();
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
        if self.words == 0 {
            self.initials = [0; 4];
        }
        if let Some(initial) = self.initials.get_mut(self.words) {
            let known = ["create", "function", "procedure", "or", "replace"];
            if known.iter().any(|keyword| is(keyword)) {
                *initial = word.first().map_or(0, u8::to_ascii_lowercase);
            }
        }
        self.words += 1;
        let routine = matches!(
            self.initials,
            [b'c', b'f' | b'p', ..] | [b'c', b'o', b'r', b'f' | b'p']
        );
        if routine && self.parens == 0 {
            if is("begin") || (is("case") && self.begins > 0) {
                self.begins += 1;
            } else if is("end") {
                self.begins = self.begins.saturating_sub(1);
            }
        }
        end
    }
}

fn number(text: &[u8], at: usize) -> (usize, Option<ScanStop>) {
    let end = number_end(text, at);
    let tail = word_end(text, end);
    let rest = text.get(end..tail).unwrap_or_default();
    if rest.contains(&b'$') {
        return (tail, Some(ScanStop::Doubt));
    }
    (tail, None)
}
