//! A statement as a row of tokens, and questions about it.

use super::lexer::{Lexeme, Token};

/// The tokens of one statement, or of the rest of one.
#[derive(Copy, Clone)]
pub(super) struct Words<'a> {
    pub(super) text: &'a [u8],
    pub(super) tokens: &'a [Token],
}

impl<'a> Words<'a> {
    pub(super) fn len(self) -> usize {
        self.tokens.len()
    }

    pub(super) fn from(self, at: usize) -> Self {
        let tokens = self.tokens.get(at..).unwrap_or_default();
        Self { tokens, ..self }
    }

    pub(super) fn until(self, at: usize) -> Self {
        let tokens = self.tokens.get(..at).unwrap_or(self.tokens);
        Self { tokens, ..self }
    }

    pub(super) fn lexeme(self, at: usize) -> Option<Lexeme> {
        self.tokens.get(at).map(|token| token.lexeme)
    }

    pub(super) fn bytes(self, at: usize) -> &'a [u8] {
        let token = self.tokens.get(at);
        token
            .and_then(|token| self.text.get(token.start..token.end))
            .unwrap_or_default()
    }

    /// Whether the token is this keyword: unquoted, in any case.
    pub(super) fn is(self, at: usize, keyword: &str) -> bool {
        self.lexeme(at) == Some(Lexeme::Word)
            && self.bytes(at).eq_ignore_ascii_case(keyword.as_bytes())
    }

    pub(super) fn any(self, at: usize, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(at, keyword))
    }

    /// Whether these keywords follow one another from here.
    pub(super) fn are(self, at: usize, keywords: &[&str]) -> bool {
        let mut pairs = keywords.iter().enumerate();
        pairs.all(|(index, keyword)| self.is(at + index, keyword))
    }

    pub(super) fn symbol(self, at: usize, byte: u8) -> bool {
        self.lexeme(at) == Some(Lexeme::Symbol(byte))
    }

    /// Steps over the keywords if they stand here.
    pub(super) fn skip(self, at: usize, keywords: &[&str]) -> usize {
        if self.are(at, keywords) {
            at + keywords.len()
        } else {
            at
        }
    }

    /// Whether a keyword here is a name after all: `t.where`, `AS where`.
    pub(super) fn is_label(self, at: usize) -> bool {
        at > 0 && (self.symbol(at - 1, b'.') || self.is(at - 1, "as"))
    }

    /// The first place from `at` on, outside brackets, where `test` holds.
    pub(super) fn outside(self, at: usize, test: impl Fn(usize) -> bool) -> Option<usize> {
        let mut depth = 0_usize;
        for index in at..self.len() {
            match self.lexeme(index) {
                Some(Lexeme::Symbol(b'(' | b'[')) => depth += 1,
                Some(Lexeme::Symbol(b')' | b']')) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && test(index) {
                return Some(index);
            }
        }
        None
    }

    /// The end of the possibly qualified name that begins here; `at` if none.
    pub(super) fn name_end(self, at: usize) -> usize {
        let mut end = at;
        loop {
            // An unset variable stays in the text as it is: :"name".
            let colon = usize::from(self.symbol(end, b':'));
            if !matches!(
                self.lexeme(end + colon),
                Some(Lexeme::Word | Lexeme::Quoted | Lexeme::Unicode | Lexeme::Literal)
            ) {
                return at;
            }
            end += colon + 1;
            if !self.symbol(end, b'.') {
                return end;
            }
            end += 1;
        }
    }

    /// The name that begins here, as it is written.
    pub(super) fn name(self, at: usize) -> Option<String> {
        let end = self.name_end(at);
        if end == at {
            return None;
        }
        let parts: Vec<_> = (at..end).map(|part| self.bytes(part)).collect();
        Some(full(&parts.concat()))
    }

    /// The name that begins here, if a list of names does not.
    pub(super) fn only_name(self, at: usize) -> Option<String> {
        let list = self.outside(at, |index| self.symbol(index, b','));
        if list.is_some() {
            return None;
        }
        self.name(at)
    }

    /// An identifier as the server compares it: folded unless quoted.
    pub(super) fn identifier(self, at: usize) -> Option<Vec<u8>> {
        let bytes = self.bytes(at);
        match self.lexeme(at)? {
            Lexeme::Word => Some(bytes.to_ascii_lowercase()),
            Lexeme::Quoted => Some(unquote(bytes, b'"')),
            _ => None,
        }
    }

    /// A string constant's value; constants with escapes as they are written.
    pub(super) fn literal(self, at: usize) -> Option<String> {
        let bytes = self.bytes(at);
        let value = match (self.lexeme(at)?, bytes.first()) {
            (Lexeme::Literal, Some(b'\'')) => unquote(bytes, b'\''),
            (Lexeme::Literal, _) => bytes.to_vec(),
            _ => return None,
        };
        Some(String::from_utf8_lossy(&value).into_owned())
    }

    /// The statement in one line, at most 200 characters, without comments.
    pub(super) fn excerpt(self) -> String {
        let mut line = Vec::new();
        let mut last = None;
        for token in self.tokens {
            if last.is_some_and(|end| end < token.start) {
                line.push(b' ');
            }
            last = Some(token.end);
            let end = token.end.min(token.start + LIMIT * 4);
            line.extend_from_slice(self.text.get(token.start..end).unwrap_or_default());
            if line.len() > LIMIT * 4 {
                break;
            }
        }
        excerpt(&line)
    }
}

/// The longest excerpt, in characters.
const LIMIT: usize = 200;

/// Text as it is, without whitespace around it.
pub(super) fn full(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.trim_ascii()).into_owned()
}

/// Text in one line, whitespace folded, at most 200 characters.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let head = bytes.get(..LIMIT * 8).unwrap_or(bytes);
    let text = String::from_utf8_lossy(head);
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        for character in word.chars().filter(|c| !c.is_control()) {
            if length >= LIMIT {
                return line.trim_end().to_owned();
            }
            line.push(character);
            length += 1;
        }
    }
    line
}

/// The inside of a quoted text, doubled quotes made single.
fn unquote(bytes: &[u8], quote: u8) -> Vec<u8> {
    let inside = bytes
        .get(1..bytes.len().saturating_sub(1))
        .unwrap_or_default();
    let mut value = Vec::with_capacity(inside.len());
    let mut skip = false;
    for byte in inside {
        if *byte == quote && !skip {
            skip = true;
            continue;
        }
        skip = false;
        value.push(*byte);
    }
    value
}
