//! `$…`, backquotes, process substitution and tilde.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use super::grammar::TextReader;
use super::session::{Reading, Session};
use super::word::{Build, Mode, name_length};
use super::{Directory, ShellWord, skip};

/// Where a piece of text ends whose words do not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// `}` of a parameter expansion.
    Brace,
    /// `}` of a parameter expansion in double quotes, where `'` is plain.
    QuotedBrace,
    /// The `]]` of a conditional expression.
    DoubleBracket,
    /// The `)` of a case pattern or an array.
    Parenthesis,
    /// The end of the source.
    End,
}

impl Session<'_> {
    /// The value of a variable, when the text tells it.
    pub(super) fn value(&self, name: &[u8]) -> Option<Rc<[u8]>> {
        if self.state.distrust {
            return None;
        }
        if let Some(variable) = self.state.variable(name) {
            return variable.value.clone();
        }
        if self.state.foreign {
            return None;
        }
        match name {
            b"HOME" => self
                .known
                .home
                .map(|home| home.as_os_str().as_bytes().into()),
            b"PWD" => self.directory(),
            _ => None,
        }
    }

    /// The value of `$PWD`, unless the text assigned it.
    fn directory(&self) -> Option<Rc<[u8]>> {
        let Directory::Known(path) = &self.state.directory else {
            return None;
        };
        let full = if path.is_absolute() {
            path.clone()
        } else {
            let start = Directory::Known(self.known.directory?.to_path_buf());
            match super::scope::moved(&start, path, false) {
                Directory::Known(full) => full,
                Directory::Unknown => return None,
            }
        };
        full.is_absolute()
            .then(|| full.as_os_str().as_bytes().into())
    }

    /// Forgets every name in an arithmetic expression that may assign.
    pub(super) fn forget_arithmetic(&mut self, text: &[u8]) {
        let steps = text.windows(2).any(|w| w == b"++" || w == b"--");
        if !steps && !text.contains(&b'=') {
            return;
        }
        let mut rest = text;
        while let Some(at) = rest
            .iter()
            .position(|b| b.is_ascii_alphabetic() || *b == b'_')
        {
            let name = rest.get(at..).unwrap_or_default();
            let length = name_length(name);
            self.assign(name.get(..length).unwrap_or_default(), None, false);
            rest = name.get(length..).unwrap_or_default();
        }
    }

    /// Assigns a variable and records that for loops and functions.
    pub(super) fn assign(&mut self, name: &[u8], value: Option<Rc<[u8]>>, exported: bool) {
        self.effects.name(name);
        self.state.assign(name, value, exported);
    }
}

impl TextReader<'_, '_, '_> {
    /// Reads what a `$` begins.
    pub(super) fn dollar(
        &mut self,
        build: &mut Build,
        quoted: bool,
        words: &mut Vec<ShellWord>,
    ) -> Reading {
        let from = self.pos;
        match self.peek_at(1) {
            Some(b'\'') if !quoted => return self.ansi_quoted(build),
            Some(b'"') if !quoted => {
                self.pos += 2;
                return self.double_quoted(build, words);
            }
            Some(b'(') => return self.substitution(build, quoted),
            Some(b'{') => return self.braced(build, quoted, words),
            Some(b'[') => {
                let length = self.rest().iter().position(|b| *b == b']');
                self.pos = length.map_or(self.src.len(), |length| from + length + 1);
                build.unknown(self.since(from), false);
            }
            Some(byte @ (b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' | b'0'..=b'9')) => {
                self.pos += 2;
                let name = [byte];
                self.parameter(build, &name, from, quoted, words);
            }
            Some(b'\\') if self.peek_at(2) == Some(b'\n') => {
                // The shell joins the lines first; what follows is not read as
                // the expansion's name, so nothing of it may count as known.
                self.pos += 1;
                build.unknown(b"$", true);
                self.note_unknown("and the next line stand for", b"$");
            }
            _ => {
                let length = name_length(self.src.get(from + 1..).unwrap_or_default());
                self.pos += 1;
                let name = self.take(length);
                if name.is_empty() {
                    build.quote(b"$");
                } else if self.rest().starts_with(b"\\\n") {
                    self.continued_variable(build, name, from, quoted, words);
                } else {
                    self.variable(build, name, from, quoted, words);
                }
            }
        }
        Ok(())
    }

    /// A variable whose name goes on after a line continuation.
    fn continued_variable(
        &mut self,
        build: &mut Build,
        name: &[u8],
        from: usize,
        quoted: bool,
        words: &mut Vec<ShellWord>,
    ) {
        let mut name = name.to_vec();
        while self.rest().starts_with(b"\\\n") {
            self.pos += 2;
            let more = self.rest().iter();
            let more = more.take_while(|b| b.is_ascii_alphanumeric() || **b == b'_');
            let more = more.count();
            name.extend_from_slice(self.take(more));
        }
        self.variable(build, &name, from, quoted, words);
    }

    /// Adds the value of a variable whose source began at `from`.
    fn variable(
        &mut self,
        build: &mut Build,
        name: &[u8],
        from: usize,
        quoted: bool,
        words: &mut Vec<ShellWord>,
    ) {
        match self.session.value(name) {
            Some(value) if quoted => build.quote(&value),
            Some(value) if !self.session.state.separators_changed || value.is_empty() => {
                build.split(&value, words);
            }
            _ => {
                let source = self.since(from);
                build.unknown(source, !quoted);
                self.note_unknown("holds", source);
            }
        }
    }

    /// Says that the value of `source` is unknown.
    pub(super) fn note_unknown(&mut self, verb: &str, source: &[u8]) {
        let source = String::from_utf8_lossy(source);
        let short = match source.char_indices().nth(40) {
            Some((end, _)) => format!("{}…", source.get(..end).unwrap_or_default()),
            None => source.into_owned(),
        };
        let note = format!("what {short} {verb} cannot be known here");
        self.session.note(&note);
    }

    /// `${…}`
    fn braced(&mut self, build: &mut Build, quoted: bool, words: &mut Vec<ShellWord>) -> Reading {
        let from = self.pos;
        self.pos += 2;
        let inside = self.rest();
        let name_len = match (inside.first(), inside.get(1)) {
            (Some(b'@' | b'*' | b'?' | b'-' | b'$'), _) | (Some(b'#' | b'!'), Some(b'}')) => 1,
            (Some(b'0'..=b'9'), _) => inside.iter().take_while(|b| b.is_ascii_digit()).count(),
            _ => name_length(inside),
        };
        let name = self.take(name_len);
        let operator = self.rest();
        if operator.starts_with(b"}") && name_len > 0 {
            self.pos += 1;
            if name_length(name) > 0 {
                self.variable(build, name, from, quoted, words);
            } else {
                self.parameter(build, name, from, quoted, words);
            }
            return Ok(());
        }
        // `${#X}` is a number, `${!X}` the value of another variable.
        let number = name_len == 0 && operator.starts_with(b"#");
        let whole_list = operator.starts_with(b"[@]") || matches!(name, b"@" | b"*");
        let colon = operator.starts_with(b":");
        let sign = operator.get(usize::from(colon)).copied();
        let until = match sign {
            Some(b'#' | b'%' | b'/' | b'^' | b',') if !colon => Until::Brace,
            _ if quoted => Until::QuotedBrace,
            _ => Until::Brace,
        };
        self.opaque(until)?;
        if sign == Some(b'=') && name_length(name) > 0 && self.session.value(name).is_none() {
            self.session.assign(name, None, false);
        }
        if matches!(sign, Some(b'-' | b'=' | b'?'))
            && let Some(value) = self.session.value(name)
            && !(colon && value.is_empty())
        {
            self.variable(build, name, from, quoted, words);
            return Ok(());
        }
        let source = self.since(from);
        build.unknown(source, !number && (!quoted || whole_list));
        self.note_unknown("holds", source);
        Ok(())
    }

    /// Walks over text whose words do not matter, reporting the commands of its
    /// substitutions, and past what ends it.
    pub(super) fn opaque(&mut self, until: Until) -> Reading {
        self.session.enter()?;
        let mut ignored = Build::new(Mode::Value);
        let mut words = Vec::new();
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match (byte, until) {
                (b'}', Until::Brace | Until::QuotedBrace) => {
                    self.pos += 1;
                    self.session.leave();
                    return Ok(());
                }
                (b')', Until::Parenthesis) if open == 0 => {
                    self.pos += 1;
                    self.session.leave();
                    return Ok(());
                }
                (b']', Until::DoubleBracket) if self.closes_test() => {
                    self.pos += 2;
                    self.session.leave();
                    return Ok(());
                }
                (b'(', Until::Parenthesis) => {
                    open += 1;
                    self.pos += 1;
                }
                (b')', Until::Parenthesis) => {
                    open -= 1;
                    self.pos += 1;
                }
                (b'\\', _) => self.pos = (self.pos + 2).min(self.src.len()),
                (b'\'', Until::QuotedBrace | Until::End) | (b'"', Until::End) => self.pos += 1,
                (b'\'', _) => {
                    let length = self.rest().iter().skip(1).position(|b| *b == b'\'');
                    let Some(length) = length else {
                        return self.fail("a single quote is not closed");
                    };
                    self.pos += length + 2;
                }
                (b'"', _) => {
                    self.pos += 1;
                    self.double_quoted(&mut ignored, &mut words)?;
                }
                (b'$', _) => {
                    let quoted = matches!(until, Until::QuotedBrace | Until::End);
                    self.dollar(&mut ignored, quoted, &mut words)?;
                }
                (b'`', _) => self.backquoted(&mut ignored, true)?,
                (b'<' | b'>', Until::DoubleBracket | Until::Parenthesis)
                    if self.peek_at(1) == Some(b'(') =>
                {
                    self.process_substitution(&mut ignored)?;
                }
                _ => self.pos += 1,
            }
            if ignored.text.len() > 4096 {
                ignored.text.clear();
                words.clear();
            }
        }
        self.session.leave();
        match until {
            Until::End => Ok(()),
            Until::Brace | Until::QuotedBrace => self.fail("`${` is not closed"),
            Until::DoubleBracket => self.fail("`[[` is not closed"),
            Until::Parenthesis => self.fail("`(` is not closed"),
        }
    }

    /// True at a `]]` that stands apart.
    fn closes_test(&self) -> bool {
        let before = self.pos.checked_sub(1).and_then(|at| self.src.get(at));
        self.peek_at(1) == Some(b']')
            && before.is_none_or(|b| matches!(b, b' ' | b'\t' | b'\n'))
            && self.peek_at(2).is_none_or(super::word::ends_word)
    }

    /// `$(…)` or `$((…))`
    fn substitution(&mut self, build: &mut Build, quoted: bool) -> Reading {
        let from = self.pos;
        if self.peek_at(2) == Some(b'(')
            && let Some(end) = skip::arithmetic_end(self.src, from + 3)
        {
            self.arithmetic(from + 3, end)?;
            build.unknown(self.since(from), self.session.state.separators_changed);
            let source = self.since(from);
            self.note_unknown("computes", source);
            return Ok(());
        }
        self.pos += 2;
        self.inner_list()?;
        let source = self.since(from);
        if source == b"$(pwd)"
            && let Some(path) = self.session.value(b"PWD")
            && !self.session.state.separators_changed
        {
            if quoted {
                build.quote(&path);
            } else {
                build.split(&path, &mut Vec::new());
            }
            return Ok(());
        }
        build.unknown(source, !quoted);
        self.note_unknown("prints", source);
        Ok(())
    }

    /// The commands of a substitution and its closing parenthesis.
    fn inner_list(&mut self) -> Reading {
        self.session.enter()?;
        let (notes, filled) = self.session.take_notes();
        let mark = self.session.mark();
        let value_at = self.value_at.take();
        self.list()?;
        self.session.restore(&mark);
        self.value_at = value_at;
        self.session.notes = notes;
        self.session.filled = filled;
        self.session.leave();
        if self.peek() != Some(b')') {
            return self.unexpected("a command substitution is not closed");
        }
        self.pos += 1;
        Ok(())
    }

    /// Reports the substitutions inside an arithmetic expression that stands
    /// from `from` to `end`, and goes past its `))`.
    pub(super) fn arithmetic(&mut self, from: usize, end: usize) -> Reading {
        let text = self.src.get(from..end).unwrap_or_default();
        let mut inner = TextReader::new(text, self.session);
        inner.opaque(Until::End)?;
        self.session.forget_arithmetic(text);
        self.pos = end + 2;
        Ok(())
    }

    /// `` `…` ``, inside which a backslash quotes `` ` ``, `\` and `$`.
    pub(super) fn backquoted(&mut self, build: &mut Build, quoted: bool) -> Reading {
        let from = self.pos;
        let mut inside = Vec::new();
        self.pos += 1;
        loop {
            match (self.peek(), self.peek_at(1)) {
                (None, _) => return self.fail("a backquote is not closed"),
                (Some(b'`'), _) => break,
                (Some(b'\\'), Some(byte @ (b'`' | b'\\' | b'$'))) => {
                    inside.push(byte);
                    self.pos += 2;
                }
                // In double quotes a backslash quotes `"` as well.
                (Some(b'\\'), Some(b'"')) if quoted => {
                    inside.push(b'"');
                    self.pos += 2;
                }
                (Some(byte), _) => {
                    inside.push(byte);
                    self.pos += 1;
                }
            }
        }
        self.pos += 1;
        self.session.charge(inside.len())?;
        self.session.enter()?;
        let (notes, filled) = self.session.take_notes();
        self.session
            .subshell(|session| TextReader::new(&inside, session).script())?;
        self.session.notes = notes;
        self.session.filled = filled;
        self.session.leave();
        let source = self.since(from);
        build.unknown(source, !quoted);
        self.note_unknown("prints", source);
        Ok(())
    }

    /// `<(…)` or `>(…)`: the word is the name of a pipe.
    pub(super) fn process_substitution(&mut self, build: &mut Build) -> Reading {
        let from = self.pos;
        self.pos += 2;
        self.inner_list()?;
        build.unknown(self.since(from), false);
        Ok(())
    }

    /// `~…` up to the next slash, or a colon in a value.
    pub(super) fn tilde(&mut self, build: &mut Build, value: bool) {
        let from = self.pos;
        self.pos += 1;
        let user = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'_' | b'-' | b'+' | b'.');
        let length = self.rest().iter().take_while(user).count();
        let name = self.take(length);
        while self.rest().starts_with(b"\\\n") {
            self.pos += 2;
        }
        let ends = |b| b == b'/' || value && b == b':' || super::word::ends_word(b);
        if !self.peek().is_none_or(ends) {
            if name.is_empty() && matches!(self.peek(), Some(b':' | b'=')) {
                // Bash expands this in some words and not in others.
                build.unknown(b"~", false);
                self.note_unknown("stands for", b"~");
                return;
            }
            // A quote or an expansion inside the name makes the tilde plain.
            build.quote(b"~");
            build.quote(name);
            return;
        }
        let value = match name {
            b"" => self.session.value(b"HOME"),
            b"+" => self.session.value(b"PWD"),
            b"root" if !self.session.state.foreign => Some((*b"/root").into()),
            _ => None,
        };
        if let Some(value) = value {
            build.quote(&value);
        } else {
            let source = self.since(from);
            build.unknown(source, false);
            self.note_unknown("stands for", source);
        }
    }
}

/// The bytes of a word's text.
pub(super) fn bytes(text: &OsStr) -> &[u8] {
    text.as_bytes()
}
