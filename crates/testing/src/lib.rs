//! Tables of command lines for the tests of the grammars.
//!
//! An expected reading is one line: `verb | flags | operands | scope | marks`. Flags stand by their
//! long names with `=value`, `?` before one that the grammar does not know; `--` among the operands is
//! where it stood; marks are `inert`, `reads` (only reads), `doubt`, and `runs COMMAND` for a nested
//! one.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

use std::ffi::OsString;

use guard_core::context::Context;
use guard_core::invocation::{Flag, Invocation, words};
use guard_toolbox::TOOLBOX;

/// Reads a command line without any surroundings.
pub fn parse(line: &str) -> Invocation {
    parse_in(line, &Context::nothing(TOOLBOX.nested))
}

/// Reads a command line.
pub fn parse_in(line: &str, context: &Context) -> Invocation {
    let words = words(&shlex::split(line).unwrap());
    let (name, arguments) = words.split_first().unwrap();
    TOOLBOX.read(&TOOLBOX.known(&name.text).unwrap(), arguments, context)
}

/// Compares the readings of all lines, and reports every difference at once.
pub fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(line, expected)| (line, expected, show(&parse(line))))
        .filter(|(_, expected, shown)| shown != *expected)
        .map(|(line, expected, shown)| format!("{line}\n  {expected}\n  {shown}"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn join<'a>(texts: impl Iterator<Item = &'a OsString>) -> String {
    shlex::try_join(texts.map(|text| text.to_str().unwrap())).unwrap()
}

fn show_flag(flag: &Flag) -> String {
    let mut shown = String::from(if flag.familiar { "" } else { "?" });
    if flag.long.is_empty() {
        shown.extend(['-', char::from(flag.short)]);
    } else {
        shown.push_str("--");
        shown.push_str(&flag.long);
    }
    if let Some(value) = &flag.value {
        shown.push('=');
        shown.push_str(value.to_str().unwrap());
    }
    shown
}

fn show(invocation: &Invocation) -> String {
    let flags: Vec<String> = invocation.flags.iter().map(show_flag).collect();
    let mut operands: Vec<&str> = invocation
        .operands
        .iter()
        .map(|word| word.text.to_str().unwrap())
        .collect();
    if let Some(at) = invocation.separator {
        operands.insert(at, "--");
    }
    let mut marks = Vec::new();
    if invocation.inert {
        marks.push("inert".to_owned());
    } else if TOOLBOX.only_reads(invocation) {
        marks.push("reads".to_owned());
    }
    if !invocation.doubts.is_empty() {
        marks.push("doubt".to_owned());
    }
    for nested in &invocation.nested {
        let inner = &nested.invocation;
        let arguments = join(inner.arguments.iter());
        let verb = inner.verb.join(" ");
        let words = [inner.tool.as_str(), &verb, &arguments];
        let words = words.into_iter().filter(|word| !word.is_empty());
        marks.push(format!("runs {}", words.collect::<Vec<_>>().join(" ")));
    }
    let parts = [
        invocation.verb.join(" "),
        flags.join(" "),
        operands.join(" "),
        join(invocation.scope.iter()),
        marks.join(", "),
    ];
    let mut shown = parts.join(" | ");
    while shown.contains("  ") {
        shown = shown.replace("  ", " ");
    }
    shown.trim().to_owned()
}
