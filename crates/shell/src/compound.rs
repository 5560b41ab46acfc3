//! Compound commands and functions (Bash Reference Manual 3.2.5 and 3.3).

use std::mem;
use std::rc::Rc;

use super::expansion::{Until, bytes};
use super::grammar::TextReader;
use super::redirect::Redirects;
use super::scope::{Effects, State};
use super::session::{Reading, Session};
use super::word::{Mode, ends_word, name_length};
use super::{Command, ShellWord, Stdin, skip};

/// How many values of a `for` list are followed one by one.
const VALUES: usize = 64;

impl TextReader<'_, '_, '_> {
    /// One command of a pipeline.
    pub(super) fn command(&mut self) -> Reading {
        if self.peek() == Some(b'(') {
            return self.compound(Self::parenthesis);
        }
        match self.reserved() {
            "" | "!" | "time" => self.simple(),
            "{" => self.compound(Self::group),
            "if" => self.compound(Self::conditional),
            "while" | "until" => self.compound(Self::repeated),
            "for" | "select" => self.compound(Self::for_each),
            "case" => self.compound(Self::case),
            "[[" => self.compound(Self::test),
            "function" => self.compound(Self::named_function),
            "coproc" => self.compound(Self::coprocess),
            _ => self.unexpected(""),
        }
    }

    /// A compound command one level deeper, and the redirections after it.
    fn compound(&mut self, body: fn(&mut Self) -> Reading) -> Reading {
        self.session.enter()?;
        let first = self.session.out.len();
        body(self)?;
        self.session.leave();
        let mut redirects = Redirects::default();
        loop {
            self.blanks();
            if !self.redirect(&mut redirects)? {
                break;
            }
        }
        if redirects.is_empty() {
            return Ok(());
        }
        let (notes, _) = self.session.take_notes();
        if let Some(stdin) = &redirects.stdin {
            let inside = self.session.out.get_mut(first..).unwrap_or_default();
            for command in inside {
                if matches!(command.stdin, Stdin::Inherited | Stdin::Pipe) && !command.remote {
                    command.stdin = stdin.clone();
                }
            }
            let inside = self.session.out.len() - first;
            if let Stdin::Text(text) = stdin {
                self.session
                    .charge(text.text.len().saturating_mul(inside))?;
            }
        }
        let context = &self.session.context;
        let command = Command {
            redirects: redirects.list,
            stdin: redirects.stdin.unwrap_or_else(|| context.stdin.clone()),
            directory: self.session.state.directory.clone(),
            via: context.via.clone(),
            notes,
            remote: context.remote,
            other_path: context.other_path,
            ..Command::default()
        };
        self.session.push(command)
    }

    /// `( list )` or `(( expression ))`
    fn parenthesis(&mut self) -> Reading {
        if self.peek_at(1) == Some(b'(')
            && let Some(end) = skip::arithmetic_end(self.src, self.pos + 2)
        {
            let quiet_notes = self.session.take_notes();
            self.arithmetic(self.pos + 2, end)?;
            self.give_back(quiet_notes);
            return Ok(());
        }
        self.pos += 1;
        let mark = self.session.mark();
        self.list()?;
        self.session.restore(&mark);
        if self.peek() != Some(b')') {
            return self.unexpected("`(` is not closed");
        }
        self.pos += 1;
        Ok(())
    }

    /// Drops the notes of a part that is no command.
    fn give_back(&mut self, (notes, filled): (Vec<String>, bool)) {
        self.session.notes = notes;
        self.session.filled = filled;
    }

    /// `{ list; }`
    fn group(&mut self) -> Reading {
        self.pos += 1;
        self.list()?;
        self.expect("}")
    }

    /// `if list; then list; [elif …;] [else list;] fi`
    fn conditional(&mut self) -> Reading {
        let mut ends: Option<State> = None;
        loop {
            // At `if` or `elif`.
            self.pos += self.reserved().len();
            let before = self.session.state.clone();
            self.list()?;
            let after = self.session.state.clone();
            self.expect("then")?;
            self.list()?;
            let end = mem::replace(&mut self.session.state, before.join(&after));
            ends = Some(joined(ends, end));
            match self.reserved() {
                "elif" => {}
                "else" => {
                    self.pos += 4;
                    self.list()?;
                    break;
                }
                _ => break,
            }
        }
        let last = mem::take(&mut self.session.state);
        self.session.state = joined(ends, last);
        self.expect("fi")
    }

    /// `while list; do list; done`
    fn repeated(&mut self) -> Reading {
        self.pos += self.reserved().len();
        self.looped(|reader| {
            reader.list()?;
            reader.body()
        })
    }

    /// `do list; done`, or the braces that bash takes as well after `for`.
    fn body(&mut self) -> Reading {
        self.lines();
        if self.reserved() == "{" {
            return self.group();
        }
        self.expect("do")?;
        self.list()?;
        self.expect("done")
    }

    /// Reads code that runs an unknown number of times: first for what it
    /// changes, then for its commands with all of that unknown.
    fn looped(&mut self, code: impl Fn(&mut Self) -> Reading) -> Reading {
        if self.session.quiet {
            code(self)?;
            self.session.state.ended = false;
            return Ok(());
        }
        let (from, pending) = (self.pos, self.pending.clone());
        let effects = self.measure(&code)?;
        (self.pos, self.pending) = (from, pending);
        self.session.apply(&effects);
        let entry = self.session.state.clone();
        code(self)?;
        self.session.state = entry;
        Ok(())
    }

    /// Reads code for its effects only.
    fn measure(&mut self, code: &impl Fn(&mut Self) -> Reading) -> Reading<Effects> {
        let from = self.pos;
        let first = self.session.out.len();
        let state = self.session.state.clone();
        let outer = mem::replace(&mut self.session.effects, Effects::recording());
        let quiet = mem::replace(&mut self.session.quiet, true);
        let functions = self.session.function_effects.clone();
        code(self)?;
        self.session.quiet = quiet;
        self.session.function_effects = functions;
        self.session.out.truncate(first);
        self.session.state = state;
        self.session.charge(self.pos - from)?;
        Ok(mem::replace(&mut self.session.effects, outer))
    }

    /// `for name [in words]; do list; done`, `select` and `for ((…))`.
    fn for_each(&mut self) -> Reading {
        let select = self.reserved() == "select";
        self.pos += self.reserved().len();
        self.blanks();
        if self.rest().starts_with(b"((") {
            let Some(end) = skip::arithmetic_end(self.src, self.pos + 2) else {
                return self.fail("`for ((` is not closed");
            };
            self.arithmetic(self.pos + 2, end)?;
            self.session.take_notes();
            self.after_head();
            return self.looped(Self::body);
        }
        let length = name_length(self.rest());
        if length == 0 {
            return self.unexpected("`for` has no name");
        }
        let name = self.take(length);
        let notes = self.session.take_notes();
        let words = self.for_words()?;
        self.give_back(notes);
        self.after_head();
        match words {
            Some(words) if !select && !self.session.quiet && literal(&words) => {
                self.for_values(name, &words)
            }
            _ => {
                self.session.assign(name, None, false);
                self.looped(Self::body)
            }
        }
    }

    /// The words after `in`, or the positional parameters; none when unknown.
    fn for_words(&mut self) -> Reading<Option<Vec<ShellWord>>> {
        let from = self.pos;
        self.lines();
        if !(self.rest().starts_with(b"in") && self.peek_at(2).is_none_or(ends_word)) {
            self.pos = from;
            let parameters = self.session.state.parameters.as_ref();
            return Ok(parameters.filter(|p| !p.more).map(|p| p.list.clone()));
        }
        self.pos += 2;
        let mut words = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                None | Some(b';' | b'\n' | b'#' | b'&' | b'|' | b'(' | b')') => break,
                Some(b'<' | b'>') if self.peek_at(1) != Some(b'(') => break,
                _ => self.word(Mode::Argument, &mut words)?,
            }
        }
        Ok(Some(words))
    }

    /// The `;` or newline before `do`.
    fn after_head(&mut self) {
        self.lines();
        if self.peek() == Some(b';') && self.peek_at(1) != Some(b';') {
            self.pos += 1;
        }
    }

    /// Reads a body once for each value.
    fn for_values(&mut self, name: &[u8], values: &[ShellWord]) -> Reading {
        let (from, pending) = (self.pos, self.pending.clone());
        let effects = self.measure(&Self::body)?;
        for value in values {
            if effects.jumps {
                // Not every round runs to its end.
                self.session.apply(&effects);
            }
            self.pos = from;
            self.pending.clone_from(&pending);
            let value: Rc<[u8]> = bytes(&value.text).into();
            self.session.assign(name, Some(value), false);
            self.body()?;
            self.session.state.ended = false;
            self.session.charge(self.pos - from)?;
        }
        self.session.apply(&effects);
        self.session.assign(name, None, false);
        Ok(())
    }

    /// `case word in [(]pattern) list ;; … esac`
    fn case(&mut self) -> Reading {
        self.pos += 4;
        self.blanks();
        let notes = self.session.take_notes();
        self.single_word(Mode::Value)?;
        self.lines();
        if !self.rest().starts_with(b"in") {
            return self.unexpected("`in` is missing after `case`");
        }
        self.pos += 2;
        let before = self.session.state.clone();
        let mut ends = Some(before.clone());
        loop {
            self.lines();
            match self.peek() {
                None => return self.fail("`esac` is missing"),
                _ if self.reserved() == "esac" => break,
                Some(b'(') => self.pos += 1,
                _ => {}
            }
            self.opaque(Until::Parenthesis)?;
            self.session.take_notes();
            self.list()?;
            let end = mem::replace(&mut self.session.state, before.clone());
            if self.rest().starts_with(b";&") || self.rest().starts_with(b";;&") {
                self.session.state = before.clone().join(&end);
            }
            ends = Some(joined(ends, end));
            if self.peek() != Some(b';') {
                break;
            }
            let signs = self.rest().iter().take(3);
            self.pos += signs.take_while(|b| matches!(**b, b';' | b'&')).count();
        }
        self.give_back(notes);
        self.session.state = ends.unwrap_or(before);
        self.expect("esac")
    }

    /// `[[ expression ]]`
    fn test(&mut self) -> Reading {
        self.pos += 2;
        let notes = self.session.take_notes();
        self.opaque(Until::DoubleBracket)?;
        self.give_back(notes);
        Ok(())
    }

    /// `function name [()] body`
    fn named_function(&mut self) -> Reading {
        self.pos += 8;
        self.blanks();
        let length = self.rest().iter().take_while(|b| !ends_word(**b)).count();
        if length == 0 {
            return self.unexpected("`function` has no name");
        }
        let name = self.take(length);
        self.blanks();
        if self.peek() == Some(b'(') {
            self.empty_parentheses()?;
        }
        self.function_body(name)
    }

    /// `name () body`, at the parenthesis.
    pub(super) fn function(&mut self, words: &[ShellWord]) -> Reading {
        self.empty_parentheses()?;
        self.session.take_notes();
        let name = words.first().map(|w| bytes(&w.text)).unwrap_or_default();
        self.session.enter()?;
        self.function_body(name)?;
        self.session.leave();
        Ok(())
    }

    fn empty_parentheses(&mut self) -> Reading {
        self.pos += 1;
        self.blanks();
        if self.peek() != Some(b')') {
            return self.unexpected("`(` is not closed");
        }
        self.pos += 1;
        Ok(())
    }

    /// A function's body is read where it is defined, with everything unknown
    /// that may be different when it is called.
    fn function_body(&mut self, name: &[u8]) -> Reading {
        self.lines();
        if self.peek() != Some(b'(') && matches!(self.reserved(), "" | "!" | "time") {
            return self.unexpected("a function has no body");
        }
        let state = self.session.state.clone();
        let outer = mem::replace(&mut self.session.effects, Effects::recording());
        let stdin = mem::replace(&mut self.session.context.stdin, Stdin::Inherited);
        self.session.state.later(self.session.moves);
        self.command()?;
        self.session.context.stdin = stdin;
        self.session.state = state;
        let mut effects = mem::replace(&mut self.session.effects, outer);
        effects.jumps = false;
        // Parameters that a function shifts are its own.
        effects.parameters = false;
        self.session.function_effects.recording = true;
        self.session.function_effects.merge(&effects);
        self.session.functions.insert(name.to_vec());
        Ok(())
    }

    /// `coproc [NAME] command`
    fn coprocess(&mut self) -> Reading {
        self.pos += 6;
        self.blanks();
        let length = name_length(self.rest());
        let from = self.pos;
        self.pos += length;
        self.blanks();
        let named = length > 0
            && (self.peek() == Some(b'(') || !matches!(self.reserved(), "" | "!" | "time"));
        if !named {
            self.pos = from;
        }
        let mark = self.session.mark();
        self.command()?;
        self.session.restore(&mark);
        Ok(())
    }
}

impl Session<'_> {
    /// Calls a function of the text: whatever a function changes is unknown.
    pub(super) fn call_function(&mut self) {
        let effects = self.function_effects.clone();
        self.apply(&effects);
    }
}

impl State {
    /// Makes this the state for code that runs later.
    pub(super) fn later(&mut self, moves: bool) {
        self.forget_variables();
        self.parameters = None;
        if moves {
            self.directory = super::Directory::Unknown;
        }
    }
}

/// Joins the end of a branch to those before it.
fn joined(ends: Option<State>, end: State) -> State {
    match ends {
        Some(ends) => ends.join(&end),
        None => end,
    }
}

/// True when a `for` list can be followed value by value.
fn literal(words: &[ShellWord]) -> bool {
    let plain = |word: &ShellWord| word.known && !word.splits && word.glob.is_none();
    !words.is_empty() && words.len() <= VALUES && words.iter().all(plain)
}
