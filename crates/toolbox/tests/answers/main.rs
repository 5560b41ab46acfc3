//! What guard answers to every command of the rules, the documentation and the incidents, by its
//! arguments alone. Whoever changes a rule or a grammar sees in the difference of the snapshots which
//! commands change their answer; CONTRIBUTING says how to read and accept it ("When answers change").
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod commands;
mod judged;
mod line;
mod spelling;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use line::Line;

/// Every command of one tool, what it is answered, and where another spelling is answered otherwise. No
/// spelling may ask for less than the plain one.
fn answers(family: &str) -> String {
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    for line in commands::all() {
        if guard_toolbox::TOOLBOX.family(&line.tool) == family {
            lines.entry(line.to_string()).or_insert(line);
        }
    }
    lines
        .iter()
        .map(|(shown, line)| block(shown, line))
        .collect()
}

fn block(shown: &str, line: &Line) -> String {
    let (plain, effect) = judged::answer(line);
    let spellings = spelling::of(line);
    let (same, others): (Vec<_>, Vec<_>) = spellings
        .into_iter()
        .map(|spelled| {
            let (answer, other) = judged::answer(&spelled);
            assert!(other >= effect, "{spelled} is asked less than {shown}");
            (answer, spelled.to_string())
        })
        .partition(|(answer, _)| *answer == plain);
    let mut text = format!("{shown}\n{}", indented(&plain, 4));
    match same.len() {
        0 => {}
        1 => text.push_str("    = 1 spelling\n"),
        many => writeln!(text, "    = {many} spellings").unwrap(),
    }
    for (answer, spelled) in others {
        write!(text, "    but {spelled}\n{}", indented(&answer, 8)).unwrap();
    }
    text.push('\n');
    text
}

fn indented(text: &str, by: usize) -> String {
    let mut indented = String::new();
    for line in text.lines() {
        writeln!(indented, "{:by$}{line}", "").unwrap();
    }
    indented
}

fn check(family: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(family, answers(family)));
}

#[test]
fn rm() {
    check("rm");
}

#[test]
fn git() {
    check("git");
}

#[test]
fn kubectl() {
    check("kubectl");
}

#[test]
fn terraform() {
    check("terraform");
}

#[test]
fn psql() {
    check("psql");
}

#[test]
fn aws() {
    check("aws");
}

#[test]
fn every_tool_has_its_snapshot() {
    let known: Vec<&str> = guard_toolbox::TOOLBOX.shims().collect();
    assert_eq!(known, ["rm", "git", "kubectl", "terraform", "psql", "aws"]);
}
