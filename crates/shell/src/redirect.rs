//! Redirections, here-documents and here-strings.

use super::expansion::bytes;
use super::grammar::TextReader;
use super::session::Reading;
use super::word::{Build, Mode, name_length};
use super::{Redirect, RedirectKind, ShellWord, Stdin, skip};

/// The redirections of one command.
#[derive(Debug, Default)]
pub(super) struct Redirects {
    pub list: Vec<Redirect>,
    /// What they make of the standard input, when they do.
    pub stdin: Option<Stdin>,
}

impl Redirects {
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.stdin.is_none()
    }
}

/// A here-document whose body has been read before its line ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    /// Where the newline stands after which the bodies begin.
    newline: usize,
    /// Where the text goes on after them.
    resume: usize,
}

impl<'s> TextReader<'s, '_, '_> {
    /// Reads a redirection if one begins here.
    pub(super) fn redirect(&mut self, redirects: &mut Redirects) -> Reading<bool> {
        let rest = self.rest();
        let prefix = match rest.first() {
            Some(b'<' | b'>') => 0,
            Some(b'&') if rest.get(1) == Some(&b'>') => 0,
            Some(b'0'..=b'9') => rest.iter().take_while(|b| b.is_ascii_digit()).count(),
            Some(b'{') => {
                let name = name_length(rest.get(1..).unwrap_or_default());
                if name == 0 || rest.get(name + 1) != Some(&b'}') {
                    return Ok(false);
                }
                name + 2
            }
            _ => return Ok(false),
        };
        let after = rest.get(prefix..).unwrap_or_default();
        let (sign, second) = (after.first(), after.get(1));
        if !matches!(sign, Some(b'<' | b'>' | b'&')) || prefix > 0 && sign == Some(&b'&') {
            return Ok(false);
        }
        // `<(` begins a word, but `2>(` cannot be told from a redirection to it.
        if prefix == 0 && second == Some(&b'(') {
            return Ok(false);
        }
        let named = rest.first() == Some(&b'{');
        let number = self.take(prefix);
        let descriptor = std::str::from_utf8(number)
            .ok()
            .and_then(|n| n.parse().ok());
        if named {
            let name = number.get(1..prefix - 1).unwrap_or_default();
            self.session.assign(name, None, false);
        }
        let to_input = descriptor.unwrap_or(0) == 0 && !named;
        self.operator(redirects, descriptor, to_input)?;
        Ok(true)
    }

    /// The operator and its target.
    fn operator(
        &mut self,
        redirects: &mut Redirects,
        descriptor: Option<u32>,
        to_input: bool,
    ) -> Reading {
        let rest = self.rest();
        for (sign, kind) in [
            (b"<<<".as_slice(), None),
            (b"<<-", None),
            (b"<<", None),
            (b"<&", Some(RedirectKind::Duplicate)),
            (b"<>", Some(RedirectKind::ReadWrite)),
            (b"<", Some(RedirectKind::Read)),
            (b"&>>", Some(RedirectKind::Append)),
            (b"&>", Some(RedirectKind::Write)),
            (b">>", Some(RedirectKind::Append)),
            (b">&", Some(RedirectKind::Duplicate)),
            (b">|", Some(RedirectKind::Write)),
            (b">", Some(RedirectKind::Write)),
        ] {
            if !rest.starts_with(sign) {
                continue;
            }
            self.pos += sign.len();
            let Some(kind) = kind else {
                let text = if sign == b"<<<" {
                    self.here_string()?
                } else {
                    self.here_document(sign == b"<<-")?
                };
                if to_input {
                    redirects.stdin = Some(Stdin::Text(text));
                }
                return Ok(());
            };
            let target = self.target()?;
            let input = sign.first() == Some(&b'<') && to_input;
            record(redirects, kind, descriptor, target, input);
            return Ok(());
        }
        self.fail("a redirection could not be read")
    }

    /// The word after an operator.
    fn target(&mut self) -> Reading<ShellWord> {
        self.blanks();
        if self.peek().is_none_or(super::word::ends_word)
            && !(matches!(self.peek(), Some(b'<' | b'>')) && self.peek_at(1) == Some(b'('))
        {
            return self.fail("a redirection has no target");
        }
        self.single_word(Mode::Single)
    }

    /// `<<< word`
    fn here_string(&mut self) -> Reading<ShellWord> {
        let mut word = self.target()?;
        word.text.push("\n");
        word.glob = None;
        Ok(word)
    }

    /// Reads the delimiter, and the body that begins on the next line.
    fn here_document(&mut self, strip_tabs: bool) -> Reading<ShellWord> {
        self.blanks();
        let (delimiter, quoted) = self.delimiter()?;
        let newline = match self.pending.last() {
            Some(pending) if pending.newline >= self.pos => pending.newline,
            _ => skip::line_end(self.src, self.pos),
        };
        let begin = match self.pending.last() {
            Some(pending) if pending.newline == newline => pending.resume,
            _ => newline + 1,
        };
        let mut body = Vec::new();
        let mut at = begin;
        while at < self.src.len() {
            let rest = self.src.get(at..).unwrap_or_default();
            let length = rest.iter().position(|b| *b == b'\n');
            let line = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
            at += line.len() + 1;
            let line = if strip_tabs {
                let tabs = line.iter().take_while(|b| **b == b'\t').count();
                line.get(tabs..).unwrap_or_default()
            } else {
                line
            };
            if line == delimiter {
                break;
            }
            body.extend_from_slice(line);
            body.push(b'\n');
        }
        self.pending.push(Pending {
            newline,
            resume: at.min(self.src.len()),
        });
        self.session.charge(body.len())?;
        let mut build = Build::new(Mode::Value);
        if quoted {
            build.quote(&body);
        } else {
            self.session.enter()?;
            TextReader::new(&body, self.session).document(&mut build)?;
            self.session.leave();
        }
        Ok(build.finish())
    }

    /// A here-document's delimiter and whether any part of it is quoted.
    fn delimiter(&mut self) -> Reading<(Vec<u8>, bool)> {
        let mut text = Vec::new();
        let mut quoted = false;
        let from = self.pos;
        while let Some(byte) = self.peek() {
            match byte {
                b'\'' | b'"' => {
                    self.pos += 1;
                    let Some(length) = self.rest().iter().position(|b| *b == byte) else {
                        return self.fail("the delimiter of a here-document is not closed");
                    };
                    text.extend_from_slice(self.take(length));
                    self.pos += 1;
                    quoted = true;
                }
                b'\\' => {
                    text.extend(self.peek_at(1));
                    self.pos = (self.pos + 2).min(self.src.len());
                    quoted = true;
                }
                _ if super::word::ends_word(byte) => break,
                _ => {
                    text.push(byte);
                    self.pos += 1;
                }
            }
        }
        if self.pos == from {
            return self.fail("a here-document has no delimiter");
        }
        Ok((text, quoted))
    }

    /// Expands the body of a here-document, which is the whole source.
    fn document(&mut self, build: &mut Build) -> Reading {
        let mut words = Vec::new();
        loop {
            let rest = self.rest();
            let special = |b: &u8| matches!(*b, b'\\' | b'$' | b'`');
            let run = rest.iter().position(special).unwrap_or(rest.len());
            let text = self.take(run);
            build.quote(text);
            match (self.peek(), self.peek_at(1)) {
                (None, _) => return Ok(()),
                (Some(b'\\'), Some(b'\n')) => self.pos += 2,
                (Some(b'\\'), Some(byte @ (b'$' | b'`' | b'\\'))) => {
                    build.quote(&[byte]);
                    self.pos += 2;
                }
                (Some(b'$'), _) => self.dollar(build, true, &mut words)?,
                (Some(b'`'), _) => self.backquoted(build, false)?,
                (Some(byte), _) => {
                    build.quote(&[byte]);
                    self.pos += 1;
                }
            }
        }
    }

    /// Goes past a newline and the here-documents that follow its line.
    pub(super) fn newline(&mut self) {
        let at = self.pos;
        self.pos += 1;
        while let Some(pending) = self.pending.last() {
            if pending.newline > at {
                break;
            }
            if pending.newline == at {
                self.pos = self.pos.max(pending.resume);
            }
            self.pending.pop();
        }
    }

    /// The text from `from` to here.
    pub(super) fn since(&self, from: usize) -> &'s [u8] {
        self.since_to(from, self.pos)
    }

    /// The text between two places.
    pub(super) fn since_to(&self, from: usize, to: usize) -> &'s [u8] {
        self.src.get(from..to).unwrap_or_default()
    }
}

/// Records a redirection and what it makes of the standard input.
fn record(
    redirects: &mut Redirects,
    kind: RedirectKind,
    descriptor: Option<u32>,
    target: ShellWord,
    input: bool,
) {
    let copies = bytes(&target.text);
    let is_descriptor = copies == b"-" || copies.iter().all(|b| b.is_ascii_digit() || *b == b'-');
    // `>&file` is `&>file`.
    let kind = match kind {
        RedirectKind::Duplicate if !is_descriptor && target.known => {
            if input {
                RedirectKind::Duplicate
            } else {
                RedirectKind::Write
            }
        }
        kind => kind,
    };
    if input {
        redirects.stdin = Some(match kind {
            RedirectKind::Duplicate if copies == b"-" => Stdin::Closed,
            _ => Stdin::File(target.clone()),
        });
    }
    redirects.list.push(Redirect {
        kind,
        descriptor,
        target,
    });
}
