//! Where the commands come from: the rules' examples, the documentation, the incidents.

use std::path::{Path, PathBuf};

use crate::judged::RULES;
use crate::line::Line;

/// All commands of the tools that guard knows.
pub fn all() -> Vec<Line> {
    let mut lines = Vec::new();
    for rule in RULES.all() {
        let texts = rule.examples.iter().chain(rule.counterexamples.iter());
        let texts = texts.chain([&rule.safer]);
        lines.extend(texts.filter_map(|text| Line::of_example(text)));
    }
    for page in pages() {
        lines.extend(of_page(&std::fs::read_to_string(page).unwrap()));
    }
    for text in include_str!("incidents.txt").lines() {
        if !text.is_empty() && !text.starts_with('#') {
            let found = Line::of_shell(text);
            assert!(!found.is_empty(), "no command of guard's: {text}");
            lines.extend(found);
        }
    }
    lines
}

/// The README and the documentation, in order.
fn pages() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages: Vec<PathBuf> = std::fs::read_dir(top.join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.push(top.join("README.md"));
    pages.sort();
    assert!(pages.len() > 1);
    pages
}

/// The commands in the fenced blocks of a page: those after a prompt, and the examples of rules.
fn of_page(text: &str) -> Vec<Line> {
    let mut found = Vec::new();
    let mut rest = text.lines();
    while let Some(line) = rest.next() {
        let Some(kind) = line.strip_prefix("```") else {
            continue;
        };
        let block: Vec<&str> = rest
            .by_ref()
            .take_while(|line| !line.starts_with("```"))
            .collect();
        match kind {
            "console" | "sh" => {
                let commands = block.iter().filter_map(|line| line.strip_prefix("$ "));
                found.extend(commands.flat_map(Line::of_shell));
            }
            "toml" => found.extend(of_rules(&block.join("\n"))),
            _ => {}
        }
    }
    found
}

/// The examples of rules that a page shows.
fn of_rules(block: &str) -> Vec<Line> {
    let table: toml::Table = block.parse().unwrap();
    let rules = table.get("rule").and_then(toml::Value::as_array);
    let texts = rules.into_iter().flatten().flat_map(|rule| {
        let list = |key: &str| rule.get(key).and_then(toml::Value::as_array).into_iter();
        list("match")
            .chain(list("no-match"))
            .flatten()
            .chain(rule.get("safer"))
    });
    texts
        .filter_map(|text| Line::of_example(text.as_str().unwrap()))
        .collect()
}

#[test]
fn pages_are_read_as_their_readers_read_them() {
    let page = "```console\n$ rm a && git -C x status | cat\nrm b\n```\nrm c\n```toml\n\
                [[rule]]\nmatch = [\"rm d\"]\nsafer = \"docker ps\"\n```\n$ rm e\n";
    let found: Vec<String> = of_page(page).iter().map(Line::to_string).collect();
    assert_eq!(found, ["rm a", "git -C x status", "rm d"]);
}
