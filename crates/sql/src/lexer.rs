//! The lexical rules of `PostgreSQL`'s server (`src/backend/parser/scan.l`,
//! manual section 4.1 "Lexical Structure"), on bytes. Strings are read with
//! `standard_conforming_strings` on, which has been the default since 9.1.

/// What a token is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Lexeme {
    /// A keyword or an unquoted identifier.
    Word,
    /// `"…"`.
    Quoted,
    /// `U&"…"`, whose spelling may hide its name.
    Unicode,
    /// A string constant of any spelling.
    Literal,
    /// A number or a parameter (`$1`).
    Number,
    /// Any other single byte.
    Symbol(u8),
    /// What the server refuses: the reason.
    Broken(LexFault),
}

/// Why the server refuses a text before it parses it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum LexFault {
    String,
    Name,
    Comment,
    Number,
}

impl LexFault {
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::String => "a quoted string does not end",
            Self::Name => "a quoted identifier does not end",
            Self::Comment => "a comment does not end",
            Self::Number => "a number runs into a word",
        }
    }
}

/// One token: what it is and where it stands in the text.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) lexeme: Lexeme,
    pub(super) start: usize,
    pub(super) end: usize,
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

pub(super) fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

/// A byte of a psql variable's name or of a dollar quote's tag.
pub(super) fn is_name(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit()
}

/// Where the run of bytes that it accepts ends.
pub(super) fn run_end(text: &[u8], at: usize, accepts: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .position(|byte| !accepts(*byte))
        .unwrap_or(rest.len())
}

pub(super) fn word_end(text: &[u8], at: usize) -> usize {
    run_end(text, at, |byte| is_name(byte) || byte == b'$')
}

pub(super) fn line_comment_end(text: &[u8], at: usize) -> usize {
    run_end(text, at, |byte| !is_newline(byte))
}

pub(super) fn starts(text: &[u8], at: usize, what: &[u8]) -> bool {
    text.get(at..).is_some_and(|rest| rest.starts_with(what))
}

/// The end of a number that begins at `at`: digits, a fraction, an exponent.
/// Hexadecimal and the like leave their letters to `word_end`.
pub(super) fn number_end(text: &[u8], at: usize) -> usize {
    let digits = |from| run_end(text, from, |byte| byte.is_ascii_digit());
    let mut end = digits(at);
    if text.get(end) == Some(&b'.') && text.get(end + 1) != Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}

/// The end of the delimiter `$tag$` that begins at `at`, if one does.
pub(super) fn dollar_tag(text: &[u8], at: usize) -> Option<usize> {
    let end = match text.get(at + 1) {
        Some(byte) if is_word_start(*byte) => run_end(text, at + 1, is_name),
        _ => at + 1,
    };
    (text.get(at) == Some(&b'$') && text.get(end) == Some(&b'$')).then_some(end + 1)
}

/// Where the next occurrence of the delimiter `tag` after `at` ends.
pub(super) fn dollar_close(text: &[u8], mut at: usize, tag: &[u8]) -> Option<usize> {
    loop {
        at = run_end(text, at, |byte| byte != b'$');
        if at >= text.len() {
            return None;
        }
        if starts(text, at, tag) {
            return Some(at + tag.len());
        }
        at += 1;
    }
}

/// After the closing quote of a string: where its continuation on a later line
/// begins, past that quote (section 4.1.2.1: constants separated by whitespace
/// with at least one newline are one constant, and keep the first one's rules).
pub(super) fn continuation(text: &[u8], mut at: usize) -> Option<usize> {
    let mut newline = false;
    loop {
        match text.get(at)? {
            b'\'' => return newline.then_some(at + 1),
            b'-' if text.get(at + 1) == Some(&b'-') => at = line_comment_end(text, at),
            byte if is_space(*byte) => {
                newline |= is_newline(*byte);
                at += 1;
            }
            _ => return None,
        }
    }
}

/// Reads on inside a string from `at` to its closing quote; `None` if the text
/// ends first.
pub(super) fn string_end(text: &[u8], mut at: usize, escapes: bool) -> Option<usize> {
    loop {
        at = run_end(text, at, |byte| {
            byte != b'\'' && (byte != b'\\' || !escapes)
        });
        match text.get(at)? {
            b'\\' => at += 2,
            _ if text.get(at + 1) == Some(&b'\'') => at += 2,
            _ => match continuation(text, at + 1) {
                Some(next) => at = next,
                None => return Some(at + 1),
            },
        }
    }
}

/// Reads on inside `"…"` from `at` to past the closing quote.
pub(super) fn identifier_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at = run_end(text, at, |byte| byte != b'"');
        text.get(at)?;
        if text.get(at + 1) != Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Reads on inside a block comment from `at`, `depth` levels deep. The end, or
/// the depth still open when the text ends.
pub(super) fn comment_end(text: &[u8], mut at: usize, mut depth: usize) -> Result<usize, usize> {
    while depth > 0 {
        at = run_end(text, at, |byte| byte != b'/' && byte != b'*');
        if at >= text.len() {
            return Err(depth);
        }
        if starts(text, at, b"/*") {
            depth += 1;
            at += 2;
        } else if starts(text, at, b"*/") {
            depth -= 1;
            at += 2;
        } else {
            at += 1;
        }
    }
    Ok(at)
}

/// Reads tokens one after another.
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    fn take(&mut self, lexeme: Lexeme, start: usize, end: Option<usize>, fault: LexFault) -> Token {
        let (lexeme, end) = match end {
            Some(end) => (lexeme, end),
            None => (Lexeme::Broken(fault), self.text.len()),
        };
        self.at = end;
        Token { lexeme, start, end }
    }

    /// Skips whitespace and comments; a comment that does not end is a token.
    fn skip(&mut self) -> Option<Token> {
        loop {
            self.at = run_end(self.text, self.at, is_space);
            if starts(self.text, self.at, b"--") {
                self.at = line_comment_end(self.text, self.at);
            } else if starts(self.text, self.at, b"/*") {
                let start = self.at;
                match comment_end(self.text, start + 2, 1) {
                    Ok(end) => self.at = end,
                    Err(_) => {
                        return Some(self.take(Lexeme::Literal, start, None, LexFault::Comment));
                    }
                }
            } else {
                return None;
            }
        }
    }

    fn string(&mut self, start: usize, inside: usize, escapes: bool) -> Token {
        let end = string_end(self.text, inside, escapes);
        self.take(Lexeme::Literal, start, end, LexFault::String)
    }

    fn word(&mut self, start: usize) -> Token {
        let text = self.text;
        let end = word_end(text, start);
        if end == start + 1 {
            let first = text.get(start).map(u8::to_ascii_lowercase);
            match (first, text.get(end), text.get(end + 1)) {
                (Some(b'e'), Some(b'\''), _) => return self.string(start, end + 1, true),
                (Some(b'b' | b'x' | b'n'), Some(b'\''), _) => {
                    return self.string(start, end + 1, false);
                }
                (Some(b'u'), Some(b'&'), Some(b'\'')) => {
                    return self.string(start, end + 2, false);
                }
                (Some(b'u'), Some(b'&'), Some(b'"')) => {
                    let close = identifier_end(text, end + 2);
                    return self.take(Lexeme::Unicode, start, close, LexFault::Name);
                }
                _ => {}
            }
        }
        self.take(Lexeme::Word, start, Some(end), LexFault::String)
    }

    /// A number. What follows it directly is an error since `PostgreSQL` 15, a
    /// word of its own before, and digits of another base since 16.
    fn number(&mut self, start: usize) -> Token {
        let end = number_end(self.text, start);
        let tail = word_end(self.text, end);
        let odd = (end..tail)
            .filter_map(|at| self.text.get(at))
            .any(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
        let based = self.text.get(start) == Some(&b'0') && end == start + 1;
        let digits = self.text.get(end).is_none_or(|byte| *byte == b'_');
        if tail > end && (odd || !(based || digits)) {
            return Token {
                lexeme: Lexeme::Broken(LexFault::Number),
                ..self.take(Lexeme::Number, start, Some(end), LexFault::String)
            };
        }
        self.take(Lexeme::Number, start, Some(tail), LexFault::String)
    }

    fn dollar(&mut self, start: usize) -> Token {
        let text = self.text;
        if let Some(open) = dollar_tag(text, start) {
            let tag = text.get(start..open).unwrap_or_default();
            let close = dollar_close(text, open, tag);
            return self.take(Lexeme::Literal, start, close, LexFault::String);
        }
        let digits = run_end(text, start + 1, |byte| byte.is_ascii_digit());
        let lexeme = if digits > start + 1 {
            Lexeme::Number
        } else {
            Lexeme::Symbol(b'$')
        };
        self.take(lexeme, start, Some(digits), LexFault::String)
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if let Some(broken) = self.skip() {
            return Some(broken);
        }
        let start = self.at;
        let byte = *self.text.get(start)?;
        let next = self.text.get(start + 1).copied().unwrap_or(0);
        Some(match byte {
            b'\'' => self.string(start, start + 1, false),
            b'"' => {
                let end = identifier_end(self.text, start + 1);
                self.take(Lexeme::Quoted, start, end, LexFault::Name)
            }
            b'$' => self.dollar(start),
            b'0'..=b'9' => self.number(start),
            b'.' if next.is_ascii_digit() => self.number(start),
            _ if is_word_start(byte) => self.word(start),
            _ => self.take(
                Lexeme::Symbol(byte),
                start,
                Some(start + 1),
                LexFault::String,
            ),
        })
    }
}
