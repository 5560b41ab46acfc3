//! Positional and special parameters.

use super::ShellWord;
use super::expansion::bytes;
use super::grammar::TextReader;
use super::scope::Parameters;
use super::word::{Build, Mode};

impl TextReader<'_, '_, '_> {
    /// Adds `$1`, `$@`, `$?` and the like, whose source began at `from`.
    pub(super) fn parameter(
        &mut self,
        build: &mut Build,
        name: &[u8],
        from: usize,
        quoted: bool,
        words: &mut Vec<ShellWord>,
    ) {
        let source = self.since(from);
        let parameters = match &self.session.state.parameters {
            Some(parameters) if !self.session.state.distrust => Some(parameters.clone()),
            _ => None,
        };
        match (name, parameters) {
            (b"@" | b"*", Some(parameters)) if build.mode == Mode::Argument => {
                if name == b"*" && quoted {
                    star(build, &parameters);
                } else {
                    all(build, &parameters, quoted, words);
                }
                if parameters.more {
                    build.end(words);
                    build.unknown(source, true);
                    self.session.filled = true;
                }
            }
            (b"?" | b"$" | b"#" | b"!" | b"-", _) => {
                build.unknown(source, self.session.state.separators_changed);
            }
            (b"@", _) => {
                build.unknown(source, true);
                self.note_unknown("holds", source);
            }
            (digits, Some(parameters)) => match nth(&parameters, digits) {
                Nth::Set(word) => add(build, word, quoted, words),
                // A parameter that is not set is empty.
                Nth::Unset => {
                    if quoted {
                        build.quote(b"");
                    }
                }
                Nth::Unknown => self.unknown_parameter(build, source, quoted),
            },
            _ => self.unknown_parameter(build, source, quoted),
        }
    }

    fn unknown_parameter(&mut self, build: &mut Build, source: &[u8], quoted: bool) {
        build.unknown(source, !quoted);
        self.note_unknown("holds", source);
    }
}

/// A positional parameter.
enum Nth<'p> {
    Set(&'p ShellWord),
    Unset,
    /// It cannot be told which one it is.
    Unknown,
}

/// The parameter of that number.
fn nth<'p>(parameters: &'p Parameters, digits: &[u8]) -> Nth<'p> {
    let number = std::str::from_utf8(digits)
        .ok()
        .and_then(|d| d.parse().ok());
    let word = match number {
        None => return Nth::Unknown,
        Some(0) => return parameters.zero.as_ref().map_or(Nth::Unknown, Nth::Set),
        Some(number) => parameters.list.get(number - 1),
    };
    let before = parameters.list.get(..number.unwrap_or(0));
    let before = before.unwrap_or(&parameters.list);
    if before.iter().any(|w| w.splits || w.glob.is_some()) {
        return Nth::Unknown;
    }
    match word {
        Some(word) => Nth::Set(word),
        None if parameters.more => Nth::Unknown,
        None => Nth::Unset,
    }
}

/// Adds one parameter's value.
fn add(build: &mut Build, word: &ShellWord, quoted: bool, words: &mut Vec<ShellWord>) {
    let text = bytes(&word.text);
    if !word.known {
        build.unknown(text, !quoted || word.splits);
    } else if word.glob.is_some() {
        // A pattern that the calling shell would have expanded.
        build.plain(text);
    } else if quoted {
        build.quote(text);
    } else {
        build.split(text, words);
    }
}

/// `$@`, `"$@"`, `$*`: one word for each parameter.
fn all(build: &mut Build, parameters: &Parameters, quoted: bool, words: &mut Vec<ShellWord>) {
    for (index, word) in parameters.list.iter().enumerate() {
        if index > 0 {
            build.end(words);
        }
        add(build, word, quoted, words);
    }
}

/// `"$*"`: the parameters joined by blanks.
fn star(build: &mut Build, parameters: &Parameters) {
    build.started = true;
    for (index, word) in parameters.list.iter().enumerate() {
        if index > 0 {
            build.quote(b" ");
        }
        build.quote(bytes(&word.text));
        build.known &= word.known && word.glob.is_none();
    }
}
