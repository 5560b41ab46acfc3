//! Command-line options as `getopt_long` reads them.

use super::ShellWord;
use super::expansion::bytes;
use super::grammar::source_text;

/// Which options a command takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct OptionTable {
    /// As for getopt(3): `a:` takes a value, `a::` takes one only in the same word.
    pub short: &'static str,
    /// Names separated by blanks, marked by `:` and `::` alike; `/x` after one
    /// gives the letter that stands for it.
    pub long: &'static str,
}

/// Where the operands begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operands {
    /// At this word.
    At(usize),
    /// `--help` or `--version` is given: nothing runs.
    Nothing,
    /// An option is not in the grammar, or a word may hold options.
    Unclear,
}

/// Whether an option takes a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    Attached,
}

/// Goes over the options from `words[from]`; `each` is told the letter of each
/// one (0 when it has none) and its value.
pub(super) fn read(
    words: &[ShellWord],
    from: usize,
    grammar: OptionTable,
    mut each: impl FnMut(u8, Option<ShellWord>),
) -> Operands {
    let mut index = from;
    while let Some(word) = words.get(index) {
        let text = bytes(&word.text);
        if word.splits && text.first() != Some(&b'-') {
            return Operands::Unclear;
        }
        if text.len() < 2 || text.first() != Some(&b'-') {
            break;
        }
        index += 1;
        if text == b"--" {
            break;
        }
        let step = match text.strip_prefix(b"--") {
            Some(b"help" | b"version") => return Operands::Nothing,
            Some(name) => long(words, &mut index, grammar, name, word, &mut each),
            None => short(words, &mut index, grammar, text, word, &mut each),
        };
        if step.is_none() {
            return Operands::Unclear;
        }
    }
    Operands::At(index)
}

/// One word of short options. None when a letter is not in the grammar.
fn short(
    words: &[ShellWord],
    index: &mut usize,
    grammar: OptionTable,
    text: &[u8],
    word: &ShellWord,
    each: &mut impl FnMut(u8, Option<ShellWord>),
) -> Option<()> {
    let letters = grammar.short.as_bytes();
    for (at, &letter) in text.iter().enumerate().skip(1) {
        let found = letters
            .iter()
            .position(|l| *l == letter && letter != b':')?;
        let takes = takes(letters.get(found + 1..).unwrap_or_default());
        let attached = text.get(at + 1..).unwrap_or_default();
        if takes == Takes::Nothing {
            each(letter, None);
            continue;
        }
        let value = if takes == Takes::Attached || !attached.is_empty() {
            (!attached.is_empty()).then(|| part(word, attached))
        } else {
            *index += 1;
            words.get(*index - 1).cloned()
        };
        each(letter, value);
        return Some(());
    }
    Some(())
}

/// One long option. None when it is not in the grammar.
fn long(
    words: &[ShellWord],
    index: &mut usize,
    grammar: OptionTable,
    name: &[u8],
    word: &ShellWord,
    each: &mut impl FnMut(u8, Option<ShellWord>),
) -> Option<()> {
    let equals = name.iter().position(|b| *b == b'=');
    let (name, attached) = match equals {
        Some(at) => (name.get(..at)?, Some(part(word, name.get(at + 1..)?))),
        None => (name, None),
    };
    let (letter, takes) = find_long(grammar.long, name)?;
    let value = match (takes, attached) {
        (Takes::Value, None) => {
            *index += 1;
            words.get(*index - 1).cloned()
        }
        (_, attached) => attached,
    };
    each(letter, value);
    Some(())
}

/// A long option by its name or by a beginning that fits only one.
fn find_long(table: &str, name: &[u8]) -> Option<(u8, Takes)> {
    let mut found = None;
    for entry in table.split_ascii_whitespace() {
        let (entry, letter) = match entry.split_once('/') {
            Some((entry, letter)) => (entry, letter.bytes().next().unwrap_or(0)),
            None => (entry, 0),
        };
        let full = entry.trim_end_matches(':');
        let entry_takes = takes(entry.as_bytes().get(full.len()..).unwrap_or_default());
        if full.as_bytes() == name {
            return Some((letter, entry_takes));
        }
        if full.as_bytes().starts_with(name) {
            if found.is_some_and(|known| known != (letter, entry_takes)) {
                return None;
            }
            found = Some((letter, entry_takes));
        }
    }
    found
}

fn takes(marks: &[u8]) -> Takes {
    match marks {
        [b':', b':', ..] => Takes::Attached,
        [b':', ..] => Takes::Value,
        _ => Takes::Nothing,
    }
}

/// The value that is part of a word.
fn part(word: &ShellWord, text: &[u8]) -> ShellWord {
    ShellWord {
        text: source_text(text),
        known: word.known,
        splits: word.splits,
        glob: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::ShellWord;
    use super::{Operands, OptionTable, read};

    #[test]
    fn options() {
        let grammar = OptionTable {
            short: "ab:c::",
            long: "all/a base:/b colour:: bare",
        };
        for (line, expected, at) in [
            ("-a x -b", "a", Operands::At(1)),
            ("-ab v x", "a b=v", Operands::At(2)),
            ("-bv x", "b=v", Operands::At(1)),
            ("-c x", "c", Operands::At(1)),
            ("-cv x", "c=v", Operands::At(1)),
            ("--base v x", "b=v", Operands::At(2)),
            ("--base=v -- -x", "b=v", Operands::At(2)),
            ("--col=v x", "0=v", Operands::At(1)),
            ("--ba x", "", Operands::Unclear),
            ("-d x", "", Operands::Unclear),
            ("--help", "", Operands::Nothing),
            ("- x", "", Operands::At(0)),
        ] {
            let words: Vec<ShellWord> = line.split(' ').map(ShellWord::literal).collect();
            let mut seen = Vec::new();
            let found = read(&words, 0, grammar, |letter, value| {
                let letter = if letter == 0 { '0' } else { letter.into() };
                seen.push(match value {
                    Some(value) => format!("{letter}={}", value.text.to_str().unwrap()),
                    None => letter.to_string(),
                });
            });
            assert_eq!((seen.join(" ").as_str(), found), (expected, at), "{line}");
        }
    }
}
