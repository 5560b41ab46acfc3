//! The options that a preview must take along, as they were written.

use std::ffi::OsString;

use crate::grammar::options::Grammar;
use crate::invocation::{Flag, Word};

/// What one word is when it stands alone: its options, and whether the last of them takes the
/// next word as its value. `None` for operands and for `--`.
pub fn probe(grammar: &Grammar, word: &Word) -> Option<(Vec<Flag>, bool)> {
    if !matches!(word.bytes(), [b'-', _, ..]) || word.bytes() == b"--" {
        return None;
    }
    let mut takes_next = false;
    let mut rest = std::iter::from_fn(|| {
        takes_next = true;
        None
    });
    let mut flags = Vec::new();
    grammar.read_option(word, &mut rest, &mut flags);
    Some((flags, takes_next))
}

/// The words before a `--` that carry one of the `wanted` options, with the value that stands
/// apart. A bundle that holds other options as well gives only the wanted ones.
pub fn scope(grammar: &Grammar, words: &[Word], wanted: impl Fn(&Flag) -> bool) -> Vec<OsString> {
    let mut found = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word.bytes() == b"--" {
            break;
        }
        let Some((flags, takes_next)) = probe(grammar, word) else {
            continue;
        };
        let next = if takes_next { rest.next() } else { None };
        if flags.iter().all(|flag| flag.familiar && wanted(flag)) && !flags.is_empty() {
            found.push(word.text.clone());
            found.extend(next.map(|word| word.text.clone()));
            continue;
        }
        let last = flags.len().saturating_sub(1);
        for (at, flag) in flags.iter().enumerate() {
            if flag.familiar && wanted(flag) {
                let mut option = OsString::from(format!("--{}", flag.long));
                let next = next.filter(|_| at == last).map(|word| &word.text);
                if let Some(value) = flag.value.as_ref().or(next) {
                    option.push("=");
                    option.push(value);
                }
                found.push(option);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::grammar::options::PFLAG;
    use crate::invocation::words;

    #[test]
    fn as_written_and_out_of_bundles() {
        let grammar = Grammar {
            options: "A|all n|namespace= f|filename=",
            inherited: "",
            style: PFLAG,
        };
        for (line, expected) in [
            ("-n x", "-n x"),
            ("-nx a", "-nx"),
            ("a --namespace=x -f y", "--namespace=x"),
            ("--namespace x --all", "--namespace x"),
            ("-An x", "--namespace=x"),
            ("-Anx", "--namespace=x"),
            ("-f -n x", ""),
            ("-- -n x", ""),
            ("-n", "-n"),
        ] {
            let words = words(&shlex::split(line).unwrap());
            let found = scope(&grammar, &words, |flag| flag.long == "namespace");
            assert_eq!(found.join(" ".as_ref()), *expected, "{line}");
        }
    }
}
