//! psql's main loop (`mainloop.c`): lines, texts, variables. What backslash
//! commands do is in `act`.

use super::kinds::StatementKind;
use super::lexer::{is_space, run_end, starts};
use super::lines::Lines;
use super::plain;
use super::scan::{Form, Scan, ScanStop};
use super::split::{Buffer, TextReading};
use super::variables::Variables;
use super::words::excerpt;
use super::{Changes, SqlStatement, TextSource};

/// How deep variables may stand in the values of variables.
const DEPTH: usize = 64;

/// Longer statements are not read.
const LONGEST: usize = 32 << 20;
/// Nor are more statements than this remembered, but for harmless ones.
const MOST: usize = 20_000;

const TOO_MUCH: &str = "there is more SQL than guard reads";
const UNSET: &str = "a psql variable in the statement has no value that is known here";
const DEEP: &str = "psql variables stand too deep in one another";
const TAIL: &str = "what follows a backslash command on its line goes on";
const DATA: &str = "the data of COPY do not end before the text does";
const CONDITIONAL: &str = "whether data follow COPY depends on \\if";
const VALUE: &str = "the value of a psql variable changes how the text is read";
const NUMBER: &str = "a number runs into a dollar sign";
pub(super) const SINGLE_LINE: &str = "SINGLELINE changes how the text is read";

/// What follows a backslash command on its line. psql throws it away if the
/// command fails, so it must not change what stands around it.
#[derive(Debug)]
pub(super) struct Tail {
    /// Where it begins in the buffer.
    pub(super) start: usize,
    /// The buffer held the beginning of a statement.
    pub(super) pending: bool,
    /// The command may fail, and then psql drops even a bare `\g`.
    pub(super) fails: bool,
    /// It completed that statement.
    pub(super) completes: bool,
}

/// psql with a script.
pub(super) struct ScriptRun<'a> {
    /// The lines that are still to come.
    pub(super) rest: Lines<'a>,
    /// The line being read, from 1.
    pub(super) line: usize,
    pub(super) variables: Variables,
    /// The variables whose values are being read.
    pub(super) names: Vec<Vec<u8>>,
    pub(super) scan: Scan,
    pub(super) buffer: Buffer,
    pub(super) session: TextReading,
    /// How many `\if` are open.
    pub(super) conditionals: usize,
    pub(super) restricted: bool,
    pub(super) quit: bool,
    pub(super) tail: Option<Tail>,
}

/// Reads everything that a source holds; `variables` are psql's before and after it.
pub(super) fn read(
    source: Lines<'_>,
    from: TextSource,
    variables: &mut Vec<(String, String)>,
) -> Vec<SqlStatement> {
    if from == TextSource::Command {
        return command(source, variables);
    }
    let mut psql = ScriptRun::new(source, variables);
    let on = |(name, value): &(String, String)| {
        name == "SINGLELINE" && !value.eq_ignore_ascii_case("off")
    };
    if variables.iter().any(on) {
        psql.unknown(b"SINGLELINE", SINGLE_LINE);
    }
    psql.run();
    *variables = psql.variables.all();
    psql.session.statements
}

/// The argument of `-c`: one backslash command, or SQL as it is.
fn command(mut source: Lines<'_>, variables: &mut Vec<(String, String)>) -> Vec<SqlStatement> {
    let text = source.everything();
    let mut psql = ScriptRun::new(Lines::of(b""), variables);
    if text.first() == Some(&b'\\') {
        psql.line = 1;
        psql.command(&text, 0);
        *variables = psql.variables.all();
    } else {
        psql.session.send(&Buffer::whole(&text), false);
    }
    psql.session.statements
}

impl<'a> ScriptRun<'a> {
    fn new(source: Lines<'a>, variables: &[(String, String)]) -> Self {
        Self {
            rest: source,
            line: 0,
            variables: Variables::new(variables),
            names: Vec::new(),
            scan: Scan::default(),
            buffer: Buffer::default(),
            session: TextReading::default(),
            conditionals: 0,
            restricted: false,
            quit: false,
            tail: None,
        }
    }

    fn run(&mut self) {
        let mut line = Vec::new();
        while !self.quit && self.rest.next_line(&mut line) {
            self.line += 1;
            if self.is_more_of_the_same(&line) {
                continue;
            }
            self.read_line(&line);
            if self.buffer.text.len() > LONGEST || self.session.statements.len() > MOST {
                self.unknown(b"", TOO_MUCH);
                self.buffer.clear();
                return;
            }
        }
        if let Some(why) = self.rest.fault() {
            self.unknown(b"", why);
            return;
        }
        // A statement without its semicolon is sent at the end of the script.
        self.send();
    }

    /// Whether the line is one of very many INSERTs into a table that is known to change.
    fn is_more_of_the_same(&self, line: &[u8]) -> bool {
        self.session.is_long()
            && self.conditionals == 0
            && self.buffer.text.is_empty()
            && self.scan.is_code()
            && plain::insert(line).is_some_and(|table| self.session.changes(table))
    }

    fn read_line(&mut self, line: &[u8]) {
        if !self.buffer.text.is_empty() {
            self.buffer.text.push(b'\n');
        }
        self.buffer.mark(self.line);
        self.tail = None;
        self.read_text(line, true);
        let Some(tail) = self.tail.take() else { return };
        let rest = self.buffer.text.get(tail.start..).unwrap_or_default();
        let goes_on = !self.scan.is_code() || !rest.iter().all(|byte| is_space(*byte));
        if goes_on || tail.completes {
            self.unknown(line, TAIL);
        }
    }

    /// Takes text into the buffer; psql leaves out leading whitespace.
    fn append(&mut self, text: &[u8]) {
        let from = if self.buffer.text.is_empty() {
            run_end(text, 0, is_space)
        } else {
            0
        };
        let text = text.get(from..).unwrap_or_default();
        self.buffer.text.extend_from_slice(text);
    }

    /// Reads a line, or the value of a variable inside of one.
    fn read_text(&mut self, text: &[u8], is_line: bool) {
        let mut at = 0;
        loop {
            let (end, stop) = self.scan.run(text, at);
            self.append(text.get(at..end).unwrap_or_default());
            at = match stop {
                ScanStop::End => return,
                ScanStop::Semicolon => {
                    self.buffer.text.push(b';');
                    self.send();
                    end + 1
                }
                ScanStop::Escaped => {
                    let escaped = text.get(end + 1).copied().unwrap_or(b';');
                    self.buffer.text.push(escaped);
                    if escaped == b';' {
                        self.scan.forget_words();
                    }
                    end + 2
                }
                ScanStop::Doubt => {
                    self.buffer.doubt(NUMBER);
                    end
                }
                ScanStop::Variable(form, from, to, past) => {
                    let written = text.get(end..past).unwrap_or_default();
                    let name = text.get(from..to).unwrap_or_default();
                    self.expand(form, name, written);
                    past
                }
                ScanStop::Backslash if is_line => self.command(text, end),
                ScanStop::Backslash => {
                    self.unknown(text, VALUE);
                    return;
                }
            };
        }
    }

    fn expand(&mut self, form: Form, name: &[u8], written: &[u8]) {
        let quoted = match form {
            Form::Literal => self.variables.quoted(name, b'\''),
            Form::Identifier => self.variables.quoted(name, b'"'),
            Form::Test if self.variables.is_known(name) => Some(b"TRUE".to_vec()),
            Form::Test => Some(b"FALSE".to_vec()),
            Form::Plain => {
                self.expand_plain(name, written);
                return;
            }
        };
        self.append(quoted.as_deref().unwrap_or(written));
    }

    fn expand_plain(&mut self, name: &[u8], written: &[u8]) {
        if self.names.iter().any(|open| open == name) {
            self.append(written);
            return;
        }
        let Some(value) = self.variables.get(name) else {
            // A slice such as a[1:2] is no variable, and psql leaves it alone.
            let slice = self.scan.in_brackets() || name.iter().all(u8::is_ascii_digit);
            if !slice || self.variables.is_known(name) {
                self.buffer.doubt(UNSET);
            }
            self.append(written);
            return;
        };
        if self.names.len() >= DEPTH {
            self.buffer.doubt(DEEP);
            return;
        }
        let special = value.iter().any(|byte| b"'\"$;\\()".contains(byte));
        let comments =
            (0..value.len()).any(|at| starts(&value, at, b"/*") || starts(&value, at, b"--"));
        // In a branch that is not taken psql replaces no variables.
        if comments || (special && self.conditionals > 0) {
            self.buffer.doubt(VALUE);
        }
        self.names.push(name.to_vec());
        self.read_text(&value, false);
        self.names.pop();
    }

    /// Sends the buffer to the server.
    pub(super) fn send(&mut self) {
        if let Some(tail) = &mut self.tail {
            let rest = self.buffer.text.get(tail.start..).unwrap_or_default();
            let adds = tail.fails || !rest.iter().all(|byte| is_space(*byte));
            tail.completes |= tail.pending && adds;
            tail.pending = false;
            tail.start = 0;
        }
        let conditional = self.conditionals > 0;
        let copies = self.session.send(&self.buffer, conditional);
        self.clear();
        for _ in 0..copies {
            self.skip_data();
        }
    }

    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.buffer.mark(self.line);
        self.scan = Scan::default();
    }

    /// Leaves out the lines of data that follow COPY … FROM STDIN.
    pub(super) fn skip_data(&mut self) {
        if self.conditionals > 0 {
            self.unknown(b"COPY", CONDITIONAL);
            return;
        }
        let here = self.line;
        let (lines, ends) = self.rest.skip_data();
        self.line += lines;
        if !ends && lines > 0 {
            self.say(StatementKind::Unknown, b"COPY", None, here, Some(DATA));
        }
    }

    pub(super) fn say(
        &mut self,
        kind: StatementKind,
        text: &[u8],
        object: Option<String>,
        line: usize,
        why: Option<&'static str>,
    ) {
        let changes = match (kind, &object) {
            (StatementKind::Read | StatementKind::CopyToFile | StatementKind::Include, _) => {
                Changes::Nothing
            }
            // `\copy` into a table.
            (StatementKind::Write, Some(table)) if text.starts_with(b"copy") => {
                Changes::Table(table.clone())
            }
            _ => Changes::Everything,
        };
        self.session.push(SqlStatement {
            kind,
            line,
            text: excerpt(text),
            object,
            why,
            rolled_back: false,
            sql: None,
            changes,
        });
    }

    /// Adds something of which it is not known what it does.
    pub(super) fn unknown(&mut self, text: &[u8], why: &'static str) {
        self.say(
            StatementKind::Unknown,
            text,
            None,
            self.line.max(1),
            Some(why),
        );
        self.session.transactions.doubt();
    }
}
