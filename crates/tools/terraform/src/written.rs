//! A subcommand's options as they were written, to hand them on to another subcommand.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::OPTIONS;

/// One option with its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WrittenOption {
    /// Its name without dashes.
    pub name: String,
    /// The word that holds it and, when it stands apart, its value.
    pub words: Vec<OsString>,
}

impl WrittenOption {
    /// Whether its name is one of these.
    pub fn is_one_of(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }
}

/// The options, and the operands behind them, as Go's flag package reads them (`FlagSet.parseOne`):
/// the first word that is no option ends them.
pub(super) fn split(words: &[OsString]) -> (Vec<WrittenOption>, Vec<OsString>) {
    let mut options = Vec::new();
    let mut rest = words.iter();
    loop {
        let operands = rest.as_slice();
        let Some(word) = rest.next() else {
            return (options, Vec::new());
        };
        let bytes = word.as_bytes();
        if bytes == b"--" {
            return (options, rest.as_slice().to_vec());
        }
        let Some(name) = bytes
            .strip_prefix(b"--")
            .or_else(|| bytes.strip_prefix(b"-"))
            .filter(|name| !name.is_empty())
        else {
            return (options, operands.to_vec());
        };
        let (name, has_value) = match name.iter().position(|byte| *byte == b'=') {
            Some(at) => (name.get(..at).unwrap_or_default(), true),
            None => (name, false),
        };
        let name = OsStr::from_bytes(name).to_string_lossy().into_owned();
        let mut words = vec![word.clone()];
        if !has_value && takes_value(&name) {
            words.extend(rest.next().cloned());
        }
        options.push(WrittenOption { name, words });
    }
}

fn takes_value(name: &str) -> bool {
    OPTIONS
        .split_ascii_whitespace()
        .any(|entry| entry.strip_suffix('=') == Some(name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn as_written() {
        for (line, expected, operands) in [
            ("", "", ""),
            (
                "-var a=b -destroy plan",
                "var:-var a=b; destroy:-destroy",
                "plan",
            ),
            (
                "--var=a=b -refresh=false",
                "var:--var=a=b; refresh:-refresh=false",
                "",
            ),
            ("-auto-approve -- -x", "auto-approve:-auto-approve", "-x"),
            ("plan -destroy", "", "plan -destroy"),
            ("- x", "", "- x"),
            ("-target", "target:-target", ""),
            ("-unknown x", "unknown:-unknown", "x"),
        ] {
            let words: Vec<OsString> = shlex::split(line)
                .unwrap()
                .into_iter()
                .map(Into::into)
                .collect();
            let (options, rest) = split(&words);
            let shown: Vec<String> = options
                .iter()
                .map(|one| {
                    let words = one.words.join(OsStr::new(" "));
                    format!("{}:{}", one.name, words.to_string_lossy())
                })
                .collect();
            assert_eq!(shown.join("; "), expected, "{line}");
            assert_eq!(rest.join(OsStr::new(" ")), operands, "{line}");
        }
    }
}
