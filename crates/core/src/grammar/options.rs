//! One reader of option syntax for all grammars.
//!
//! A tool describes its options in a compact table, one word an option:
//!
//! | word | meaning |
//! |---|---|
//! | `f\|force` | `-f`, `--force`: no value |
//! | `m\|message=` | a value: `-mX`, `-m X`, `--message=X`, `--message X` |
//! | `track?` | a value only when attached: `--track=X` |
//! | `x` | a short option alone |
//!
//! What differs between getopt, git's parse-options, pflag and Go's flag package is named in
//! [`Style`].

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::invocation::{Flag, Word};

/// How a tool reads options.
// Five independent facts about a parser are clearer as five names than as a bit set.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// `--har` stands for `--hard` when nothing else starts so (`getopt_long`, parse-options, argparse).
    pub abbreviations: bool,
    /// `--no-x` takes `--x` back (git's parse-options).
    pub negations: bool,
    /// `-long` is `--long` (terraform, Go's flag package).
    pub single_dash: bool,
    /// `--x=false` takes `--x` back (pflag and Go's flag package, for options without a value).
    pub false_values: bool,
    /// Options may stand after operands.
    pub permutes: bool,
}

/// GNU `getopt_long`: rm, psql.
pub const GETOPT: Style = Style {
    abbreviations: true,
    negations: false,
    single_dash: false,
    false_values: false,
    permutes: true,
};

/// git's parse-options (gitcli(7)).
pub const GIT: Style = Style {
    negations: true,
    ..GETOPT
};

/// Kubernetes' pflag.
pub const PFLAG: Style = Style {
    abbreviations: false,
    negations: false,
    single_dash: false,
    false_values: true,
    permutes: true,
};

/// Go's flag package, as terraform uses it.
pub const GO: Style = Style {
    abbreviations: false,
    negations: false,
    single_dash: true,
    false_values: true,
    permutes: true,
};

/// Python's argparse, as the AWS CLI uses it.
pub const ARGPARSE: Style = Style {
    abbreviations: true,
    negations: false,
    single_dash: false,
    false_values: false,
    permutes: true,
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Takes {
    Nothing,
    Value,
    Attached,
}

#[derive(Clone, Copy)]
struct OptionEntry {
    short: u8,
    long: &'static str,
    takes: Takes,
}

fn entry(word: &'static str) -> OptionEntry {
    let (name, takes) = match word.as_bytes().last() {
        Some(b'=') => (word.get(..word.len() - 1).unwrap_or(""), Takes::Value),
        Some(b'?') => (word.get(..word.len() - 1).unwrap_or(""), Takes::Attached),
        _ => (word, Takes::Nothing),
    };
    match name.as_bytes() {
        [short] => OptionEntry {
            short: *short,
            long: "",
            takes,
        },
        [short, b'|', ..] => OptionEntry {
            short: *short,
            long: name.get(2..).unwrap_or(""),
            takes,
        },
        _ => OptionEntry {
            short: 0,
            long: name,
            takes,
        },
    }
}

/// The words of a table. Every command walks these tables more than once, and the standard splitters
/// look at each character. Not with `memchr` either: for words this short it is slower than a plain
/// loop, and its first use asks the processor what it can do, which takes 15 µs in a virtual machine.
fn words(table: &'static str) -> impl Iterator<Item = &'static str> {
    let mut rest = table;
    std::iter::from_fn(move || {
        loop {
            let bytes = rest.as_bytes();
            let end = bytes.iter().position(|byte| *byte == b' ');
            let end = end.unwrap_or(bytes.len());
            let word = rest.get(..end)?;
            rest = rest.get(end + 1..).unwrap_or("");
            if !word.is_empty() {
                return Some(word);
            }
            if rest.is_empty() {
                return None;
            }
        }
    })
}

/// Whether a table has an option of this long name.
pub fn names(table: &'static str, long: &str) -> bool {
    !long.is_empty() && words(table).any(|word| entry(word).long == long)
}

/// Options, operands and where a `--` stood.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Normalised options.
    pub flags: Vec<Flag>,
    /// Operands.
    pub operands: Vec<Word>,
    /// Index into `operands` of the first one after `--`.
    pub separator: Option<usize>,
}

/// A table of options with the style it is read in.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    /// The verb's own options.
    pub options: &'static str,
    /// Options that every verb accepts.
    pub inherited: &'static str,
    /// How they are read.
    pub style: Style,
}

impl Grammar {
    fn entries(&self) -> impl Iterator<Item = OptionEntry> {
        words(self.options).chain(words(self.inherited)).map(entry)
    }

    fn short(&self, name: u8) -> Option<OptionEntry> {
        self.entries().find(|entry| entry.short == name)
    }

    /// The option that a long name means: exact, else a unique abbreviation. An ambiguous one is
    /// the tool's own error, unless all that it could mean is the same option.
    fn long(&self, name: &str) -> Option<OptionEntry> {
        let mut found: Option<OptionEntry> = None;
        let mut ambiguous = false;
        for entry in self.entries() {
            if entry.long == name {
                return Some(entry);
            }
            // git reads --help before it looks for abbreviations.
            let whole_only = self.style.negations && entry.long == "help";
            if self.style.abbreviations
                && !whole_only
                && !name.is_empty()
                && entry.long.starts_with(name)
            {
                ambiguous |= found.is_some_and(|other| other.long != entry.long);
                found = found.or(Some(entry));
            }
        }
        found.filter(|_| !ambiguous)
    }

    /// Reads `words` as the tool does.
    pub fn read(&self, words: &[Word]) -> Parsed {
        let mut parsed = Parsed::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if word.bytes() == b"--" {
                parsed.separator = Some(parsed.operands.len());
                parsed.operands.extend(rest.cloned());
                break;
            }
            if !self.read_option(word, &mut rest, &mut parsed.flags) {
                parsed.operands.push(word.clone());
                if !self.style.permutes {
                    parsed.operands.extend(rest.by_ref().cloned());
                }
            }
        }
        parsed
    }

    /// Reads a word that is not `--` if it is an option or a bundle of them, with a value from `rest`
    /// where the last one takes it.
    pub fn read_option<'w>(
        &self,
        word: &Word,
        rest: &mut impl Iterator<Item = &'w Word>,
        flags: &mut Vec<Flag>,
    ) -> bool {
        match word.bytes() {
            [b'-', b'-', long @ ..] => self.read_long(long, rest, flags),
            [b'-', long @ ..] if self.style.single_dash && long.len() > 1 => {
                self.read_long(long, rest, flags);
            }
            [b'-', shorts @ ..] if !shorts.is_empty() => self.read_shorts(shorts, rest, flags),
            _ => return false,
        }
        true
    }

    fn read_long<'w>(
        &self,
        written: &[u8],
        rest: &mut impl Iterator<Item = &'w Word>,
        flags: &mut Vec<Flag>,
    ) {
        let (name, attached) = match written.iter().position(|byte| *byte == b'=') {
            Some(at) => (
                written.get(..at).unwrap_or_default(),
                Some(OsString::from_vec(
                    written.get(at + 1..).unwrap_or_default().to_vec(),
                )),
            ),
            None => (written, None),
        };
        let text = String::from_utf8_lossy(name);
        if let Some(entry) = self.long(&text) {
            let value = match (entry.takes, attached) {
                (_, Some(value)) => Some(value),
                (Takes::Value, None) => rest.next().map(|word| word.text.clone()),
                (_, None) => None,
            };
            if entry.takes == Takes::Nothing && self.is_false(value.as_deref()) {
                take_back(flags, &entry);
            } else {
                push(flags, &entry, value);
            }
        } else if let Some(entry) = self.negated(&text) {
            take_back(flags, &entry);
        } else {
            flags.push(Flag {
                long: Cow::Owned(text.into_owned()),
                short: 0,
                value: attached,
                familiar: false,
            });
        }
    }

    fn negated(&self, name: &str) -> Option<OptionEntry> {
        if !self.style.negations {
            return None;
        }
        // `--no-ver` is `--no-verify`, and `--no` alone is ambiguous (gitcli(7)).
        name.strip_prefix("no-")
            .filter(|positive| !positive.is_empty())
            .and_then(|positive| self.long(positive))
    }

    fn is_false(&self, value: Option<&OsStr>) -> bool {
        self.style.false_values
            && value.is_some_and(|value| {
                // strconv.ParseBool, which both pflag and flag use.
                ["0", "f", "F", "false", "FALSE", "False"]
                    .iter()
                    .any(|no| value == *no)
            })
    }

    fn read_shorts<'w>(
        &self,
        shorts: &[u8],
        rest: &mut impl Iterator<Item = &'w Word>,
        flags: &mut Vec<Flag>,
    ) {
        let mut shorts = shorts;
        while let [name, after @ ..] = shorts {
            let Some(entry) = self.short(*name) else {
                flags.push(Flag {
                    long: Cow::Borrowed(""),
                    short: *name,
                    value: None,
                    familiar: false,
                });
                shorts = after;
                continue;
            };
            let attached = match after {
                [] => None,
                // pflag reads `-n=value` as `-n value`.
                [b'=', value @ ..] if self.style.false_values => Some(value),
                value => Some(value),
            };
            let attached = attached.map(|value| OsStr::from_bytes(value).to_owned());
            match entry.takes {
                Takes::Nothing => match after {
                    [b'=', value @ ..] if self.style.false_values => {
                        let value = OsStr::from_bytes(value);
                        if self.is_false(Some(value)) {
                            take_back(flags, &entry);
                        } else {
                            push(flags, &entry, Some(value.to_owned()));
                        }
                        return;
                    }
                    _ => {
                        push(flags, &entry, None);
                        shorts = after;
                    }
                },
                Takes::Value => {
                    let value = attached.or_else(|| rest.next().map(|word| word.text.clone()));
                    push(flags, &entry, value);
                    return;
                }
                Takes::Attached => {
                    push(flags, &entry, attached);
                    return;
                }
            }
        }
    }
}

fn push(flags: &mut Vec<Flag>, entry: &OptionEntry, value: Option<OsString>) {
    flags.push(Flag {
        long: Cow::Borrowed(entry.long),
        short: entry.short,
        value,
        familiar: true,
    });
}

fn take_back(flags: &mut Vec<Flag>, entry: &OptionEntry) {
    flags.retain(|flag| {
        !flag.familiar
            || flag.long != entry.long
            || (entry.long.is_empty() && flag.short != entry.short)
    });
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;
    use crate::invocation::words;

    const OPTIONS: &str =
        "f|force m|message= track? n|dry-run force-with-lease? x hard hardlinks o|push-option=";

    fn read(style: Style, line: &str) -> String {
        let grammar = Grammar {
            options: OPTIONS,
            inherited: "C= help",
            style,
        };
        let parsed = grammar.read(&words(&shlex::split(line).unwrap()));
        let mut shown: Vec<String> = parsed
            .flags
            .iter()
            .map(|flag| {
                let name = if flag.long.is_empty() {
                    format!("-{}", flag.short as char)
                } else {
                    format!("--{}", flag.long)
                };
                let value = flag.value.as_ref().map(|v| format!("={}", v.display()));
                format!("{name}{}", value.unwrap_or_default())
            })
            .collect();
        for (at, operand) in parsed.operands.iter().enumerate() {
            if parsed.separator == Some(at) {
                shown.push("--".into());
            }
            shown.push(operand.text.display().to_string());
        }
        shown.join(" ")
    }

    #[test]
    fn spellings() {
        for (style, line, expected) in [
            (GIT, "-fn a", "--force --dry-run a"),
            (GIT, "a -f", "--force a"),
            (GIT, "-- -f", "-- -f"),
            (GIT, "a -- -f", "a -- -f"),
            (GIT, "-mfoo", "--message=foo"),
            (GIT, "-fmfoo -x", "--force --message=foo -x"),
            (GIT, "-m -f", "--message=-f"),
            (GIT, "--message -f", "--message=-f"),
            (GIT, "--mess=-f x", "--message=-f x"),
            (GIT, "--track x", "--track x"),
            (GIT, "--track=x", "--track=x"),
            (GIT, "--force --no-force", ""),
            (GIT, "--no-force -f", "--force"),
            (GIT, "-f --no-forc", "--force --no-forc"),
            (GIT, "--for", "--for"),
            (GIT, "--hard", "--hard"),
            (GIT, "--har", "--har"),
            (GIT, "--dry", "--dry-run"),
            (GIT, "--wat -f", "--wat --force"),
            (GIT, "-", "-"),
            (GIT, "-m", "--message"),
            (PFLAG, "--force=false", ""),
            (PFLAG, "--force=true", "--force=true"),
            (PFLAG, "-f=false x", "x"),
            (PFLAG, "--dry", "--dry"),
            (PFLAG, "-m=a", "--message=a"),
            (GIT, "-m=a", "--message==a"),
            (GO, "-force x", "--force x"),
            (GO, "-force=false", ""),
            (GO, "-message a -force", "--message=a --force"),
            (GO, "--message=a", "--message=a"),
        ] {
            assert_eq!(read(style, line), expected, "{line}");
        }
    }
}
