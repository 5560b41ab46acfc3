//! The rooms of docs/architecture.md are those of the workspace, and each uses only rooms below it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const TOOLS: [&str; 6] = ["rm", "git", "kubectl", "terraform", "psql", "aws"];

/// Rooms from the top down, with what the page says that they use.
fn drawn() -> Vec<(String, Vec<String>)> {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/architecture.md")).unwrap();
    let (_, rest) = page.split_once("<!-- rooms:").unwrap();
    let (_, block) = rest.split_once("```text\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let room = |line: &str| {
        let (text, uses) = line.split_once('|').unwrap();
        let name = text.split_whitespace().next().unwrap().to_owned();
        (name, uses.split_whitespace().map(str::to_owned).collect())
    };
    block.lines().map(room).collect()
}

fn manifests() -> Vec<PathBuf> {
    let inside = |directory: &str| {
        let entries = std::fs::read_dir(Path::new(ROOT).join(directory)).unwrap();
        entries.map(|entry| entry.unwrap().path().join("Cargo.toml"))
    };
    let mut found: Vec<PathBuf> = inside("crates").chain(inside("crates/tools")).collect();
    found.push(Path::new(ROOT).join("Cargo.toml"));
    found.retain(|file| file.is_file());
    found
}

/// What each room really uses: its manifest's `[dependencies]`.
fn built() -> BTreeMap<String, (Vec<String>, Vec<String>)> {
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let name = manifest["package"]["name"].as_str().unwrap();
        let name = name.strip_prefix("guard-").unwrap_or(name).to_owned();
        let uses = manifest.get("dependencies").and_then(toml::Value::as_table);
        let (own, others): (Vec<String>, Vec<String>) = uses
            .into_iter()
            .flat_map(toml::Table::keys)
            .cloned()
            .partition(|name| name.starts_with("guard-"));
        let mut own: Vec<String> = own
            .iter()
            .map(|name| name.trim_start_matches("guard-").to_owned())
            .collect();
        own.sort();
        (name, (own, others))
    };
    manifests().into_iter().map(read).collect()
}

#[test]
fn the_page_draws_what_cargo_builds() {
    let built: BTreeMap<String, Vec<String>> = built()
        .into_iter()
        .map(|(name, (own, _))| (name, own))
        .collect();
    let drawn: BTreeMap<String, Vec<String>> = drawn().into_iter().collect();
    assert_eq!(drawn, built);
}

#[test]
fn a_room_uses_only_rooms_below_it() {
    let order: Vec<String> = drawn().into_iter().map(|(name, _)| name).collect();
    let height = |room: &str| order.iter().position(|name| name == room).unwrap();
    for (room, (uses, _)) in built() {
        for used in uses {
            assert!(height(&used) > height(&room), "{room} uses {used}");
        }
    }
}

#[test]
fn what_cargo_does_not_keep_by_itself() {
    for (room, (uses, libraries)) in built() {
        let is_tool = TOOLS.contains(&room.as_str());
        for used in &uses {
            let used_is_tool = TOOLS.contains(&used.as_str());
            assert!(!(is_tool && used_is_tool), "{room} uses {used}");
            let may_name_tools = ["toolbox", "guard", "testing"].contains(&room.as_str());
            assert!(may_name_tools || !used_is_tool, "{room} names {used}");
        }
        if room != "guard" {
            for top in ["clap", "anyhow", "dialoguer"] {
                assert!(
                    !libraries.iter().any(|one| one == top),
                    "{room} knows {top}"
                );
            }
        }
    }
}
