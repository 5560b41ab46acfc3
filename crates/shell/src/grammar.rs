//! Lists, pipelines and simple commands (POSIX.1-2024, XCU 2.9 and 2.10).

use std::mem;
use std::os::unix::ffi::OsStrExt;

use super::expansion::{Until, bytes};
use super::invoke::Run;
use super::redirect::{Pending, Redirects};
use super::scope::State;
use super::session::{Reading, Session};
use super::word::{Mode, ends_word, name_length};
use super::{Assignment, Command, Directory, ShellWord, Stdin};

/// A place in one text that is being read.
pub(super) struct TextReader<'s, 'c, 'k> {
    pub src: &'s [u8],
    pub pos: usize,
    pub session: &'c mut Session<'k>,
    /// Here-documents whose line has not ended yet.
    pub pending: Vec<Pending>,
    /// True when the source is one word whose braces are expanded already.
    pub no_braces: bool,
    /// Where the value of an assignment begins, for its tildes.
    pub value_at: Option<usize>,
}

impl<'s, 'c, 'k> TextReader<'s, 'c, 'k> {
    pub fn new(src: &'s [u8], session: &'c mut Session<'k>) -> Self {
        Self {
            src,
            pos: 0,
            session,
            pending: Vec::new(),
            no_braces: false,
            value_at: None,
        }
    }

    pub fn peek(&self) -> Option<u8> {
        self.src.get(self.pos).copied()
    }

    pub fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.src.get(self.pos + ahead).copied()
    }

    pub fn rest(&self) -> &'s [u8] {
        self.src.get(self.pos..).unwrap_or_default()
    }

    pub fn take(&mut self, length: usize) -> &'s [u8] {
        let from = self.pos;
        self.pos = (from + length).min(self.src.len());
        self.src.get(from..self.pos).unwrap_or_default()
    }

    pub fn fail<T>(&mut self, problem: &str) -> Reading<T> {
        self.session.syntax(problem.to_owned())
    }

    /// Stops at the present byte: `at_end` is the problem when there is none.
    pub fn unexpected<T>(&mut self, at_end: &str) -> Reading<T> {
        if self.peek().is_none() {
            return self.fail(at_end);
        }
        let length = self.rest().iter().skip(1).take_while(|b| !ends_word(**b));
        let length = length.count().min(20) + 1;
        let text = String::from_utf8_lossy(self.rest().get(..length).unwrap_or_default());
        let text = text.replace('\n', "\\n");
        self.session
            .syntax(format!("`{text}` is not expected there"))
    }

    /// Skips blanks and line continuations.
    pub fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.pos += 1,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.pos += 2,
                _ => return,
            }
        }
    }

    /// Skips blanks, newlines and comments.
    pub fn lines(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                Some(b'\n') => self.newline(),
                Some(b'#') => self.comment(),
                _ => return,
            }
        }
    }

    /// Skips a comment up to its newline.
    fn comment(&mut self) {
        let rest = self.rest();
        self.pos += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    }

    /// The reserved word at this place, or an empty string.
    pub fn reserved(&self) -> &'static str {
        let rest = self.rest();
        let length = rest.iter().take(9).take_while(|b| !ends_word(**b)).count();
        match rest.get(..length).unwrap_or_default() {
            b"!" => "!",
            b"{" => "{",
            b"}" => "}",
            b"[[" => "[[",
            b"case" => "case",
            b"coproc" => "coproc",
            b"do" => "do",
            b"done" => "done",
            b"elif" => "elif",
            b"else" => "else",
            b"esac" => "esac",
            b"fi" => "fi",
            b"for" => "for",
            b"function" => "function",
            b"if" => "if",
            b"select" => "select",
            b"then" => "then",
            b"time" => "time",
            b"until" => "until",
            b"while" => "while",
            _ => "",
        }
    }

    /// Goes past the reserved word `word`.
    pub fn expect(&mut self, word: &str) -> Reading {
        self.lines();
        if self.reserved() == word {
            self.pos += word.len();
            return Ok(());
        }
        self.unexpected(&format!("`{word}` is missing"))
    }

    /// Reads the whole source.
    pub fn script(&mut self) -> Reading {
        self.list()?;
        if self.peek().is_some() {
            return self.unexpected("");
        }
        Ok(())
    }

    /// Reads commands up to a byte or word that can end a list.
    pub fn list(&mut self) -> Reading {
        loop {
            self.lines();
            if self.ends_list() {
                return Ok(());
            }
            let mark = self.session.mark();
            self.and_or()?;
            self.blanks();
            match (self.peek(), self.peek_at(1)) {
                (Some(b';'), Some(b';' | b'&')) => return Ok(()),
                (Some(b';'), _) => self.pos += 1,
                (Some(b'&'), _) => {
                    self.pos += 1;
                    self.session.restore(&mark);
                }
                _ => {}
            }
        }
    }

    fn ends_list(&self) -> bool {
        match self.peek() {
            None | Some(b')') => true,
            Some(b';') => matches!(self.peek_at(1), Some(b';' | b'&')),
            Some(b'}' | b't' | b'e' | b'f' | b'd') => matches!(
                self.reserved(),
                "}" | "then" | "else" | "elif" | "fi" | "do" | "done" | "esac"
            ),
            _ => false,
        }
    }

    /// Pipelines joined by `&&` and `||`.
    fn and_or(&mut self) -> Reading {
        let start = self.session.state.clone();
        let simple = self.pipeline()?;
        // The state when only the part before the first `&&` has run.
        let mut first: Option<State> = None;
        let mut single = simple;
        loop {
            self.blanks();
            let rest = self.rest();
            if rest.starts_with(b"&&") {
                self.pos += 2;
                self.lines();
                if first.is_none() {
                    first = Some(self.session.state.clone());
                }
                self.pipeline()?;
            } else if rest.starts_with(b"||") {
                self.pos += 2;
                self.lines();
                let before = self.session.state.clone();
                self.session.state = failed(&start, &before, single);
                self.pipeline()?;
                let after = mem::take(&mut self.session.state);
                self.session.state = before.join(&after);
            } else {
                break;
            }
            single = false;
        }
        if let Some(first) = first {
            let state = &mut self.session.state;
            if state.ended && !first.ended {
                *state = first;
            } else {
                state.assumed |= state.directory != first.directory;
                state.join_variables(&first);
                if state.parameters != first.parameters {
                    state.parameters = None;
                }
            }
        }
        Ok(())
    }

    /// Commands joined by `|`. True when it is one command that is not negated.
    fn pipeline(&mut self) -> Reading<bool> {
        let mut negated = false;
        let mut timed = false;
        loop {
            match self.reserved() {
                "!" => {
                    self.pos += 1;
                    negated = !negated;
                }
                "time" if !timed => {
                    self.pos += 4;
                    self.blanks();
                    if self.rest().starts_with(b"-p") && self.peek_at(2).is_none_or(ends_word) {
                        self.pos += 2;
                    }
                    self.session.context.via.push("time".to_owned());
                    timed = true;
                }
                _ => break,
            }
            self.blanks();
        }
        let empty = (negated || timed) && self.peek().is_none_or(|b| matches!(b, b';' | b'\n'));
        let simple = if empty { true } else { self.piped()? };
        if timed {
            self.session.context.via.pop();
        }
        Ok(simple && !negated)
    }

    fn piped(&mut self) -> Reading<bool> {
        let mark = self.session.mark();
        self.command()?;
        self.blanks();
        if !self.at_pipe() {
            return Ok(true);
        }
        let outer = mem::replace(&mut self.session.context.stdin, Stdin::Pipe);
        while self.at_pipe() {
            self.pos += if self.peek_at(1) == Some(b'&') { 2 } else { 1 };
            self.lines();
            self.session.restore(&mark);
            self.command()?;
            self.blanks();
        }
        self.session.restore(&mark);
        self.session.context.stdin = outer;
        Ok(false)
    }

    fn at_pipe(&self) -> bool {
        self.peek() == Some(b'|') && self.peek_at(1) != Some(b'|')
    }

    /// A simple command. Its words are read, then it is looked through.
    pub(super) fn simple(&mut self) -> Reading {
        let from = self.pos;
        let mut words: Vec<ShellWord> = Vec::new();
        let mut assignments = Vec::new();
        let mut redirects = Redirects::default();
        // Arguments of `export` and the like are read as assignments.
        let mut declares = false;
        loop {
            self.blanks();
            let Some(byte) = self.peek() else { break };
            match byte {
                b'\n' | b';' | b'|' | b')' | b'&'
                    if byte != b'&' || self.peek_at(1) != Some(b'>') =>
                {
                    break;
                }
                b'#' => {
                    self.comment();
                    break;
                }
                b'(' => {
                    if words.len() == 1 && assignments.is_empty() && redirects.is_empty() {
                        return self.function(&words);
                    }
                    return self.unexpected("");
                }
                b'<' | b'>' | b'&' | b'{' | b'0'..=b'9' if self.redirect(&mut redirects)? => {}
                _ if words.is_empty() && self.assignment(&mut assignments)? => {}
                _ if declares && self.is_assignment() => self.declared(&mut words)?,
                _ => {
                    self.word(Mode::Argument, &mut words)?;
                    if words.len() == 1 {
                        declares = words.first().is_some_and(is_declaration);
                    }
                }
            }
        }
        if self.pos == from {
            return self.unexpected("a command is missing");
        }
        if words.is_empty() && assignments.is_empty() && redirects.is_empty() {
            // Only expansions that gave no word: nothing runs.
            self.session.take_notes();
            return Ok(());
        }
        self.run(words, assignments, redirects)
    }

    /// Hands a command to the wrapper pass.
    fn run(
        &mut self,
        words: Vec<ShellWord>,
        own: Vec<Assignment>,
        redirects: Redirects,
    ) -> Reading {
        let session = &mut *self.session;
        let (read_notes, filled) = session.take_notes();
        let mut notes = session.context.notes.clone();
        for note in &read_notes {
            super::session::add_note(&mut notes, note);
        }
        if session.state.directory == Directory::Unknown {
            let note = "the directory that this runs in cannot be known";
            super::session::add_note(&mut notes, note);
        } else if session.state.assumed {
            let note = "the directory is right only if the commands before its `cd` succeeded";
            super::session::add_note(&mut notes, note);
        }
        let pure = words.is_empty();
        if pure {
            for assignment in &own {
                let known = assignment.value.known && assignment.value.glob.is_none();
                let value = known.then(|| assignment.value.text.as_bytes().into());
                session.assign(assignment.name.as_bytes(), value, false);
            }
        }
        let mut assignments = if pure {
            Vec::new()
        } else {
            session.environment()
        };
        assignments.extend(own);
        let stdin = match redirects.stdin {
            Some(stdin) => stdin,
            None => session.context.stdin.clone(),
        };
        let run = Run {
            command: Command {
                words,
                assignments,
                redirects: redirects.list,
                stdin,
                directory: session.state.directory.clone(),
                via: session.context.via.clone(),
                notes,
                remote: session.context.remote,
                other_path: session.context.other_path,
                more_operands: filled,
                uncertain: false,
            },
            in_shell: true,
            foreign: session.state.foreign,
            ..Run::default()
        };
        if pure {
            return session.push(run.command);
        }
        session.invoke(run)
    }

    /// True when `NAME=`, `NAME+=` or `NAME[` stands here.
    fn is_assignment(&self) -> bool {
        let rest = self.rest();
        let length = name_length(rest);
        let after = rest.get(length..).unwrap_or_default();
        length > 0 && (after.starts_with(b"=") || after.starts_with(b"+="))
    }

    /// Reads an assignment if one stands here.
    fn assignment(&mut self, assignments: &mut Vec<Assignment>) -> Reading<bool> {
        let rest = self.rest();
        let length = name_length(rest);
        let mut after = rest.get(length..).unwrap_or_default();
        if length == 0 {
            return Ok(false);
        }
        let mut subscript = 0;
        if after.first() == Some(&b'[') {
            let end = super::skip::walk(after, 1, |b| b == b']' || ends_word(b));
            subscript = end + 1;
            after = after.get(subscript..).unwrap_or_default();
        }
        let sign = match after {
            [b'=', ..] => 1,
            [b'+', b'=', ..] => 2,
            _ => return Ok(false),
        };
        let name = String::from_utf8_lossy(self.take(length)).into_owned();
        let index = self.take(subscript);
        if subscript > 0 {
            TextReader::new(index, self.session).opaque(Until::End)?;
        }
        let before = (sign == 2).then(|| self.session.value(name.as_bytes()));
        self.pos += sign;
        let value_from = self.pos;
        self.value_at = Some(value_from);
        let mut value = if self.peek() == Some(b'(') {
            self.pos += 1;
            self.opaque(Until::Parenthesis)?;
            ShellWord::unknown(source_text(self.since(value_from)), false)
        } else if self.peek().is_none_or(ends_word)
            && !(matches!(self.peek(), Some(b'<' | b'>')) && self.peek_at(1) == Some(b'('))
        {
            ShellWord::literal("")
        } else {
            self.single_word(Mode::Value)?
        };
        self.value_at = None;
        match before {
            Some(Some(before)) => {
                let mut text = before.to_vec();
                text.extend_from_slice(bytes(&value.text));
                self.session.charge(text.len())?;
                value.text = source_text(&text);
            }
            Some(None) => value.known = false,
            None => {}
        }
        value.known &= subscript == 0;
        assignments.push(Assignment { name, value });
        Ok(true)
    }

    /// Reads an argument of `export` and the like that is an assignment.
    fn declared(&mut self, words: &mut Vec<ShellWord>) -> Reading {
        let mut assignments = Vec::new();
        let appends = self.rest().get(name_length(self.rest())) == Some(&b'+');
        if self.assignment(&mut assignments)? {
            for assignment in assignments {
                let mut word = assignment.value;
                let mut text = assignment.name.into_bytes();
                text.extend_from_slice(if appends && !word.known { b"+=" } else { b"=" });
                text.extend_from_slice(bytes(&word.text));
                word.text = source_text(&text);
                words.push(word);
            }
        }
        Ok(())
    }
}

/// Raw bytes as the text of a word.
pub(super) fn source_text(bytes: &[u8]) -> std::ffi::OsString {
    std::ffi::OsStr::from_bytes(bytes).to_owned()
}

/// The state in which the right side of `||` runs, where `before` is the state
/// after the left side and `start` the one before it.
fn failed(start: &State, before: &State, simple: bool) -> State {
    if before.ended {
        return State {
            ended: false,
            ..before.clone()
        };
    }
    let mut state = start.clone().join(before);
    if simple {
        // A `cd` that failed has not moved.
        state.directory.clone_from(&start.directory);
    }
    state
}

/// True for the builtins whose arguments are read as assignments.
fn is_declaration(word: &ShellWord) -> bool {
    matches!(
        bytes(&word.text),
        b"export" | b"readonly" | b"local" | b"declare" | b"typeset"
    )
}
