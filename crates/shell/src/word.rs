//! Words: quoting, globs, tilde, braces, and where a word ends.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::ShellWord;
use super::brace::{Braces, cost, expand};
use super::grammar::TextReader;
use super::session::{Reading, WORD_COST};
use super::skip;

/// How a word is expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// An argument: braces, splitting and globs.
    Argument,
    /// The word after a redirection operator: no splitting, globs kept.
    Single,
    /// A value: neither braces nor splitting nor globs.
    Value,
}

/// A word that is being put together.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent")]
pub(super) struct Build {
    pub text: Vec<u8>,
    /// Where quoted bytes stand that would be special in a pattern.
    quoted: Vec<usize>,
    pub glob: bool,
    bracket: bool,
    pub known: bool,
    pub splits: bool,
    /// True when there is a word even if its text is empty.
    pub started: bool,
    pub mode: Mode,
}

impl Build {
    pub fn new(mode: Mode) -> Self {
        Self {
            text: Vec::new(),
            quoted: Vec::new(),
            glob: false,
            bracket: false,
            known: true,
            splits: false,
            started: false,
            mode,
        }
    }

    /// Adds quoted text.
    pub fn quote(&mut self, bytes: &[u8]) {
        self.started = true;
        let base = self.text.len();
        let special = |(at, byte): (usize, &u8)| is_special(*byte).then_some(base + at);
        self.quoted
            .extend(bytes.iter().enumerate().filter_map(special));
        self.text.extend_from_slice(bytes);
    }

    /// Adds unquoted text that is not split.
    pub fn plain(&mut self, bytes: &[u8]) {
        self.started = true;
        for &byte in bytes {
            match byte {
                b'*' | b'?' => self.glob = true,
                b'[' => self.bracket = true,
                b']' if self.bracket => self.glob = true,
                _ => {}
            }
        }
        self.text.extend_from_slice(bytes);
    }

    /// Adds the source text of something unknown.
    pub fn unknown(&mut self, source: &[u8], splits: bool) {
        self.quote(source);
        self.known = false;
        self.splits |= splits && self.mode == Mode::Argument;
    }

    /// Adds a known value that is not quoted: it is split at blanks and its
    /// glob characters count.
    pub fn split(&mut self, value: &[u8], words: &mut Vec<ShellWord>) {
        if self.mode != Mode::Argument {
            if !value.is_empty() {
                self.plain(value);
            }
            return;
        }
        let mut fields = value.split(|b| matches!(b, b' ' | b'\t' | b'\n'));
        if let Some(first) = fields.next()
            && !first.is_empty()
        {
            self.plain(first);
        }
        for field in fields {
            self.end(words);
            if !field.is_empty() {
                self.plain(field);
            }
        }
    }

    /// Ends a word, when there is one, and starts the next.
    pub fn end(&mut self, words: &mut Vec<ShellWord>) {
        if self.started {
            let built = std::mem::replace(self, Self::new(self.mode));
            words.push(built.finish());
        }
    }

    /// The word.
    pub fn finish(self) -> ShellWord {
        let glob = (self.glob && self.mode != Mode::Value).then(|| self.pattern());
        ShellWord {
            text: OsString::from_vec(self.text),
            known: self.known,
            splits: self.splits,
            glob,
        }
    }

    /// The text with its quoted special characters escaped.
    fn pattern(&self) -> OsString {
        let mut pattern = Vec::with_capacity(self.text.len() + self.quoted.len());
        let mut quoted = self.quoted.iter().copied().peekable();
        for (at, &byte) in self.text.iter().enumerate() {
            if quoted.next_if_eq(&at).is_some() {
                pattern.push(b'\\');
            }
            pattern.push(byte);
        }
        OsString::from_vec(pattern)
    }
}

/// True for bytes that mean something in a pattern.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\' | b'!' | b'^' | b'-')
}

/// True for the bytes that end an unquoted word.
pub(super) fn ends_word(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>'
    )
}

/// True for the bytes that need no attention inside an unquoted word.
fn is_plain(byte: u8) -> bool {
    !ends_word(byte)
        && !matches!(
            byte,
            b'\'' | b'"' | b'\\' | b'$' | b'`' | b'*' | b'?' | b'[' | b']' | b'~' | b'{'
        )
}

/// The length of the variable name at the start of `text`.
pub(super) fn name_length(text: &[u8]) -> usize {
    match text.first() {
        Some(first) if first.is_ascii_alphabetic() || *first == b'_' => text
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
            .count(),
        _ => 0,
    }
}

impl TextReader<'_, '_, '_> {
    /// Reads one word of the source, which may become none or several.
    pub(super) fn word(&mut self, mode: Mode, words: &mut Vec<ShellWord>) -> Reading {
        let before = words.len();
        let start = self.pos;
        // Most words are one plain run: no builder is needed for those.
        let run = self.rest().iter().take_while(|b| is_plain(**b)).count();
        if run > 0 && self.rest().get(run).is_none_or(|b| ends_run(*b)) {
            let text = self.take(run);
            words.push(ShellWord::literal(OsString::from_vec(text.to_vec())));
        } else {
            let braces = mode == Mode::Argument && !self.no_braces;
            self.parts(Build::new(mode), start, braces, words)?;
        }
        let added = words.get(before..).unwrap_or_default();
        let cost: usize = added.iter().map(|w| w.text.len() + WORD_COST).sum();
        self.session.charge(cost)?;
        if self.session.state.distrust {
            distrust(words.get_mut(before..).unwrap_or_default());
        }
        if self.session.context.replace.is_some() {
            let source = self.since(start);
            self.fill_in(source, words.get_mut(before..).unwrap_or_default());
        }
        Ok(())
    }

    /// Reads exactly one word.
    pub(super) fn single_word(&mut self, mode: Mode) -> Reading<ShellWord> {
        let mut words = Vec::new();
        self.word(mode, &mut words)?;
        let mut words = words.into_iter();
        match (words.next(), words.next()) {
            (Some(word), None) => Ok(word),
            (None, _) => Ok(ShellWord::literal("")),
            (Some(word), Some(_)) => Ok(ShellWord::unknown(word.text, true)),
        }
    }

    /// Marks words as unknown that hold the string a wrapper fills in. They may
    /// split unless the string came in as a parameter's unknown value.
    fn fill_in(&mut self, source: &[u8], words: &mut [ShellWord]) {
        let Some(replace) = &self.session.context.replace else {
            return;
        };
        for word in words {
            if super::invoke::holds(&word.text, replace) {
                word.splits |= word.known || super::invoke::contains(source, replace);
                word.known = false;
                self.session.filled = true;
            }
        }
    }

    /// Reads the parts of a word that began at `start`.
    fn parts(
        &mut self,
        mut build: Build,
        start: usize,
        mut braces: bool,
        words: &mut Vec<ShellWord>,
    ) -> Reading {
        let first = words.len();
        let commands = self.session.out.len();
        let mut assigns = None;
        while let Some(byte) = self.peek() {
            match byte {
                b'\'' => self.single_quoted(&mut build)?,
                b'"' => {
                    self.pos += 1;
                    self.double_quoted(&mut build, words)?;
                }
                b'\\' => self.escaped(&mut build),
                b'$' => self.dollar(&mut build, false, words)?,
                b'`' => self.backquoted(&mut build, false)?,
                b'~' if self.tilde_counts(start, &mut assigns) => {
                    let value = self.pos > start || self.value_at == Some(start);
                    self.tilde(&mut build, value);
                }
                b'{' if braces => {
                    braces = false;
                    let raw = self.since_to(start, skip::word_end(self.src, start));
                    self.session.charge(cost(raw))?;
                    match expand(raw) {
                        Braces::None => {}
                        Braces::TooMany => {
                            words.truncate(first);
                            words.push(ShellWord::unknown(OsString::from_vec(raw.to_vec()), true));
                            self.session.note("a brace expansion is too long to list");
                            self.pos = start + raw.len();
                            return Ok(());
                        }
                        Braces::Words(list) => {
                            words.truncate(first);
                            self.session.out.truncate(commands);
                            self.pos = start + raw.len();
                            return self.brace_words(raw, &list, words);
                        }
                    }
                }
                b'<' | b'>' if self.peek_at(1) == Some(b'(') => {
                    self.process_substitution(&mut build)?;
                }
                b'(' if self.after_extended_glob(start) => self.extended_glob(&mut build),
                _ if ends_word(byte) => break,
                _ => {
                    let rest = self.rest();
                    let run = rest.iter().skip(1).take_while(|b| is_plain(**b)).count() + 1;
                    let run = self.take(run);
                    build.plain(run);
                }
            }
        }
        build.end(words);
        Ok(())
    }

    /// Reads each raw word that a brace expansion gave.
    fn brace_words(&mut self, raw: &[u8], list: &[Vec<u8>], words: &mut Vec<ShellWord>) -> Reading {
        let length: usize = list.iter().map(|w| w.len() + WORD_COST).sum();
        self.session.charge(length + raw.len())?;
        self.session.enter()?;
        for raw in list {
            let mut reader = TextReader::new(raw, self.session);
            reader.no_braces = true;
            reader.word(Mode::Argument, words)?;
        }
        self.session.leave();
        Ok(())
    }

    /// `'…'`
    fn single_quoted(&mut self, build: &mut Build) -> Reading {
        self.pos += 1;
        let Some(length) = self.rest().iter().position(|b| *b == b'\'') else {
            return self.fail("a single quote is not closed");
        };
        let text = self.take(length);
        build.quote(text);
        self.pos += 1;
        Ok(())
    }

    /// A backslash outside of quotes.
    fn escaped(&mut self, build: &mut Build) {
        match self.peek_at(1) {
            Some(b'\n') => self.pos += 2,
            Some(byte) => {
                build.quote(&[byte]);
                self.pos += 2;
            }
            None => {
                build.quote(b"\\");
                self.pos += 1;
            }
        }
    }

    /// The rest of `"…"`, after its opening quote.
    pub(super) fn double_quoted(
        &mut self,
        build: &mut Build,
        words: &mut Vec<ShellWord>,
    ) -> Reading {
        // `"$@"` with no parameters is no word at all.
        if !(self.rest().starts_with(b"$@\"") || self.rest().starts_with(b"${@}\"")) {
            build.started = true;
        }
        loop {
            let rest = self.rest();
            let special = |b: &u8| matches!(*b, b'"' | b'\\' | b'$' | b'`');
            let run = rest.iter().position(special).unwrap_or(rest.len());
            if run > 0 {
                let text = self.take(run);
                build.quote(text);
            }
            match (self.peek(), self.peek_at(1)) {
                (None, _) => return self.fail("a double quote is not closed"),
                (Some(b'"'), _) => {
                    self.pos += 1;
                    return Ok(());
                }
                (Some(b'\\'), Some(b'\n')) => self.pos += 2,
                (Some(b'\\'), Some(byte @ (b'$' | b'`' | b'"' | b'\\'))) => {
                    build.quote(&[byte]);
                    self.pos += 2;
                }
                (Some(b'$'), _) => self.dollar(build, true, words)?,
                (Some(b'`'), _) => self.backquoted(build, true)?,
                (Some(byte), _) => {
                    build.quote(&[byte]);
                    self.pos += 1;
                }
            }
        }
    }

    /// True when a tilde here would be expanded: at the start of the word, or
    /// in an assignment after its `=` or a colon.
    fn tilde_counts(&self, start: usize, assigns: &mut Option<bool>) -> bool {
        if self.pos == start {
            return true;
        }
        let before = self.pos.checked_sub(1).and_then(|at| self.src.get(at));
        if !matches!(before, Some(b'=' | b':')) {
            return false;
        }
        *assigns.get_or_insert_with(|| {
            let word = self.src.get(start..self.pos).unwrap_or_default();
            let after = word.get(name_length(word)..).unwrap_or_default();
            self.value_at == Some(start)
                || after.len() < word.len() && (after.starts_with(b"=") || after.starts_with(b"+="))
        })
    }

    /// True when the byte before makes a `(` here an extended glob.
    fn after_extended_glob(&self, start: usize) -> bool {
        let before = self.pos.checked_sub(1).and_then(|at| self.src.get(at));
        self.pos > start && matches!(before, Some(b'?' | b'*' | b'+' | b'@' | b'!'))
    }

    /// An extended glob, which is kept as unknown text.
    fn extended_glob(&mut self, build: &mut Build) {
        let from = self.pos;
        let end = skip::walk(self.src, from + 1, |byte| byte == b')' || byte == b'\n');
        self.pos = (end + 1).min(self.src.len());
        build.unknown(self.since_to(from, self.pos), true);
        self.session
            .note("what an extended glob matches cannot be known here");
    }
}

/// In a text with unknown parts even quoted text may be one of them.
fn distrust(words: &mut [ShellWord]) {
    for word in words {
        let stands_for = |b: &u8| matches!(*b, b'$' | b'`' | b'~');
        word.known &= !super::expansion::bytes(&word.text).iter().any(stands_for);
    }
}

/// True when a plain run that this byte follows is a whole word.
fn ends_run(byte: u8) -> bool {
    // `<(` and `>(` go on inside a word, and `?(` cannot follow a plain run.
    ends_word(byte) && !matches!(byte, b'<' | b'>' | b'(')
}
