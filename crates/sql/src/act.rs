//! What psql does at a backslash command.

use super::commands::{Meaning, PROGRAMS, cannot_fail, meaning};
use super::ddl::{copy, is_unsafe_encoding};
use super::facts::StatementFacts;
use super::kinds::{KindSet, StatementKind};
use super::lexer::{Lexeme, Lexer};
use super::lines::Lines;
use super::psql::{SINGLE_LINE, ScriptRun, Tail};
use super::slash::{Argument, SlashArguments, arguments, name_end};
use super::words::{Words, full};

const NO_COMMAND: &str = "guard does not know this backslash command";
const NO_QUOTE_END: &str = "a quoted argument does not end";
const OPTIONS: &str = "the options of a backslash command may be wrong, and then it sends nothing";
const NO_FILE: &str = "the name of the file is not known here";
const EXEC: &str = "\\gexec runs the result of a query as SQL";
const EDITOR: &str = "the text comes from an editor";
const WITHIN: &str = "\\if stands inside a statement";
const ENCODING: &str = "the client encoding changes how the text is read";
const ENVIRONMENT: &str = "psql may start the program that this names";
const PREPARED: &str = "guard has not seen the \\parse of this name";
const COMMENT: &str = "\\copy and the server read this text differently";

fn shown(argument: &Argument) -> String {
    full(&argument.value)
}

impl ScriptRun<'_> {
    /// Acts on the command whose backslash is at `at`. Gives where to read on.
    pub(super) fn command(&mut self, text: &[u8], at: usize) -> usize {
        let name_at = at + 1;
        let past = name_end(text, name_at);
        let name = text.get(name_at..past).unwrap_or_default();
        let meaning = meaning(name);
        let whole = text.get(at..).unwrap_or_default();
        let rest = text.get(past..).unwrap_or_default();
        let pending = !self.buffer.is_blank();
        match meaning {
            Meaning::Unknown => self.unknown(whole, NO_COMMAND),
            Meaning::Edit => self.unknown(whole, EDITOR),
            Meaning::Shell => {
                let command = full(rest);
                let object = Some(command).filter(|command| !command.is_empty());
                self.note(StatementKind::Shell, whole, object);
            }
            Meaning::InfoLine => self.note(StatementKind::Read, whole, None),
            Meaning::Copy => self.client_copy(text.get(name_at..).unwrap_or_default()),
            _ => {
                let pipes = matches!(meaning, Meaning::Go | Meaning::Output);
                let found = arguments(text, past, pipes, &mut self.variables);
                let written = text.get(at..found.end).unwrap_or(whole);
                self.with_arguments(meaning, name, written, &found);
                self.follow(pending, !cannot_fail(name, found.list.is_empty()));
                return found.end;
            }
        }
        text.len()
    }

    /// What comes next on the line is the command's tail.
    fn follow(&mut self, pending: bool, fails: bool) {
        let pending = pending && !self.buffer.is_blank();
        let completes = self.tail.as_ref().is_some_and(|tail| tail.completes);
        self.tail = Some(Tail {
            start: self.buffer.text.len(),
            pending,
            fails,
            completes,
        });
    }

    fn note(&mut self, kind: StatementKind, text: &[u8], object: Option<String>) {
        self.say(kind, text, object, self.line, None);
    }

    fn with_arguments(
        &mut self,
        meaning: Meaning,
        name: &[u8],
        text: &[u8],
        found: &SlashArguments,
    ) {
        if found.broken {
            self.unknown(text, NO_QUOTE_END);
        }
        let before = self.session.statements.len();
        if let Some(command) = &found.backticks {
            self.note(StatementKind::Shell, text, Some(full(command)));
        }
        let first = found.list.first();
        match meaning {
            Meaning::Change => self.note(StatementKind::Write, text, first.map(shown)),
            Meaning::Output => self.output(text, first),
            Meaning::Include => self.include(text, first),
            Meaning::Connect => {
                self.note(StatementKind::Write, text, first.map(shown));
                self.session.transactions.disconnect();
                self.session.prepared.clear();
            }
            Meaning::Quit => self.leave(text),
            Meaning::Reset => self.reset(text),
            Meaning::If | Meaning::Else | Meaning::EndIf => self.condition(meaning, text),
            Meaning::Set | Meaning::Assign { .. } => self.assign(meaning, text, &found.list),
            Meaning::SetEnvironment => self.environment(text, first),
            Meaning::Encoding => match first {
                Some(name) if name.unknown || is_unsafe_encoding(&shown(name)) => {
                    self.unknown(text, ENCODING);
                }
                _ => self.note(StatementKind::Read, text, None),
            },
            Meaning::Restrict => {
                self.restricted = true;
                self.note(StatementKind::Read, text, None);
            }
            Meaning::LargeUnlink => self.note(StatementKind::LargeObject, text, first.map(shown)),
            Meaning::LargeExport => {
                self.note(
                    StatementKind::CopyToFile,
                    text,
                    found.list.get(1).map(shown),
                );
            }
            Meaning::Pipeline => {
                self.session.transactions.doubt_all();
                self.note(StatementKind::Read, text, None);
            }
            Meaning::Parse | Meaning::BindNamed => self.named(meaning, text, first),
            Meaning::Go
            | Meaning::GoSet
            | Meaning::GoExec
            | Meaning::Watch
            | Meaning::Send
            | Meaning::Describe => self.go(meaning, name, text, found),
            _ => self.note(StatementKind::Read, text, None),
        }
        if found.backticks.is_some() {
            // The shell command says all; reading beside it says nothing.
            let after = self.session.statements.split_off(before);
            let told = after
                .into_iter()
                .filter(|it| it.kind != StatementKind::Read);
            self.session.statements.extend(told);
        }
    }

    /// A file or, after `|`, a command, that output goes to.
    fn output(&mut self, text: &[u8], target: Option<&Argument>) {
        let Some(target) = target else {
            self.note(StatementKind::Read, text, None);
            return;
        };
        match target.value.split_first() {
            Some((b'|', command)) => self.note(StatementKind::Shell, text, Some(full(command))),
            _ if target.unknown => self.unknown(text, NO_FILE),
            _ => self.note(StatementKind::CopyToFile, text, Some(shown(target))),
        }
    }

    fn include(&mut self, text: &[u8], file: Option<&Argument>) {
        match file {
            Some(file) if !file.unknown => {
                self.note(StatementKind::Include, text, Some(shown(file)));
            }
            _ => self.unknown(text, NO_FILE),
        }
        // The file may set variables, prepare statements and end transactions.
        self.variables.forget_all();
        self.session.prepared.clear();
        self.session.transactions.doubt();
    }

    fn leave(&mut self, text: &[u8]) {
        self.note(StatementKind::Read, text, None);
        if self.conditionals == 0 && !self.restricted {
            self.quit = true;
            self.rest = Lines::of(b"");
            self.send();
        }
    }

    /// `\r` throws the buffer away, unless it stands in a branch not taken.
    fn reset(&mut self, text: &[u8]) {
        if self.conditionals > 0 || self.restricted {
            if !self.buffer.is_blank() {
                self.unknown(text, WITHIN);
            }
            self.send();
        } else {
            self.note(StatementKind::Read, text, None);
            self.clear();
        }
    }

    fn condition(&mut self, meaning: Meaning, text: &[u8]) {
        if self.buffer.is_blank() {
            self.note(StatementKind::Read, text, None);
        } else {
            self.unknown(text, WITHIN);
        }
        self.session.transactions.doubt();
        match meaning {
            Meaning::If => self.conditionals += 1,
            Meaning::EndIf => self.conditionals = self.conditionals.saturating_sub(1),
            _ => {}
        }
    }

    fn assign(&mut self, meaning: Meaning, text: &[u8], list: &[Argument]) {
        let at_end = meaning == Meaning::Assign { last: true };
        let Some(name) = (if at_end { list.last() } else { list.first() }) else {
            self.note(StatementKind::Read, text, None);
            return;
        };
        let values = list.get(1..).unwrap_or_default();
        let value: Vec<u8> = values.iter().flat_map(|it| it.value.clone()).collect();
        let known = meaning == Meaning::Set
            && self.conditionals == 0
            && !self.restricted
            && !values.iter().any(|argument| argument.unknown);
        if name.unknown {
            self.variables.forget_all();
        }
        let single = name.value == b"SINGLELINE" && !value.eq_ignore_ascii_case(b"off");
        if single && meaning == Meaning::Set {
            self.unknown(text, SINGLE_LINE);
        } else {
            self.note(StatementKind::Read, text, None);
        }
        self.variables.set(&name.value, known.then_some(value));
    }

    fn environment(&mut self, text: &[u8], name: Option<&Argument>) {
        let starts = |name: &Argument| {
            let program = PROGRAMS.iter().any(|known| known.as_bytes() == name.value);
            name.unknown || program
        };
        if name.is_some_and(starts) {
            self.unknown(text, ENVIRONMENT);
        } else {
            self.note(StatementKind::Write, text, name.map(shown));
        }
    }

    /// Commands that send the buffer or, if it is empty, the text sent before.
    fn go(&mut self, meaning: Meaning, name: &[u8], text: &[u8], found: &SlashArguments) {
        if meaning == Meaning::Describe {
            if !self.buffer.is_blank() {
                self.session.parse(&self.buffer, self.conditionals > 0);
            }
            self.clear();
            self.note(StatementKind::Read, text, None);
            return;
        }
        let doubtful = match meaning {
            // "(format=csv …)" before the file.
            Meaning::Go => found
                .list
                .first()
                .is_some_and(|it| it.value.first() == Some(&b'(')),
            Meaning::Watch => found.list.iter().any(|it| {
                let number = |byte: &u8| byte.is_ascii_digit() || b".=icm;".contains(byte);
                it.unknown || !it.value.iter().all(number)
            }),
            _ => found.broken,
        };
        if doubtful {
            self.unknown(text, OPTIONS);
        }
        if self.buffer.is_blank() {
            self.again(text);
            self.clear();
        } else {
            self.send();
        }
        match meaning {
            Meaning::Go => {
                let close = |it: &Argument| it.value.last() == Some(&b')');
                let skipped = if doubtful {
                    found
                        .list
                        .iter()
                        .position(close)
                        .map_or(found.list.len(), |at| at + 1)
                } else {
                    0
                };
                if let Some(target) = found.list.get(skipped) {
                    self.output(text, Some(target));
                }
            }
            Meaning::GoExec => self.unknown(text, EXEC),
            Meaning::GoSet => match found.list.first() {
                Some(prefix) if !prefix.unknown => self.variables.forget_prefix(&prefix.value),
                _ => self.variables.forget_all(),
            },
            _ if name == b"sendpipeline" => self.session.transactions.doubt_all(),
            _ => {}
        }
    }

    /// Sends the previous text once more.
    fn again(&mut self, text: &[u8]) {
        let Some((statement, plain)) = self.session.previous.clone() else {
            self.note(StatementKind::Read, text, None);
            return;
        };
        if !plain {
            self.session.transactions.doubt();
        }
        self.say(
            statement.kind,
            statement.text.as_bytes(),
            statement.object,
            self.line,
            statement.why,
        );
    }

    /// `\parse` keeps the buffer under a name, `\bind_named` runs it.
    fn named(&mut self, meaning: Meaning, text: &[u8], name: Option<&Argument>) {
        let name = name.filter(|name| !name.unknown);
        if meaning == Meaning::Parse {
            let kinds = self.session.parse(&self.buffer, self.conditionals > 0);
            let name = name.map(|name| (name.value.clone(), kinds));
            self.session.remember(name);
            self.clear();
            self.note(StatementKind::Write, text, None);
            return;
        }
        let known = name.and_then(|name| self.session.prepared.get(&name.value));
        match known.map(|kinds: &KindSet| kinds.top()) {
            Some(StatementKind::Unknown) | None => self.unknown(text, PREPARED),
            Some(kind) => self.note(kind, text, name.map(shown)),
        }
        self.session.transactions.doubt();
    }

    /// `\copy`, whose argument is the rest of the line from its name on.
    fn client_copy(&mut self, text: &[u8]) {
        let tokens: Vec<_> = Lexer::new(text).collect();
        let words = Words {
            text,
            tokens: &tokens,
        };
        let pair = |what: &[u8]| text.windows(2).any(|two| two == what);
        let dollars = (0..tokens.len()).any(|at| {
            words.lexeme(at) == Some(Lexeme::Literal) && words.bytes(at).starts_with(b"$")
        });
        let mut facts = StatementFacts::default();
        copy(words, true, &mut facts);
        let broken = tokens
            .iter()
            .any(|token| matches!(token.lexeme, Lexeme::Broken(_)));
        if pair(b"--") || pair(b"/*") || dollars || broken {
            facts.unknown(COMMENT);
        }
        let kind = facts.kinds.top();
        if kind != StatementKind::Unknown {
            let object = facts.object.clone();
            self.note(kind, text, object);
        }
        if facts.kinds.has(StatementKind::Unknown) {
            self.unknown(text, facts.why.unwrap_or(COMMENT));
        } else if facts.copy_in {
            self.skip_data();
        }
    }
}
