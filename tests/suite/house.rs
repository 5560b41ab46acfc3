//! The house is complete: no test file is forgotten, and no crate.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every path below a directory that the test asks for; build output is no part of the house.
fn below(directory: &Path, wanted: &dyn Fn(&Path) -> bool) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            found.extend(below(&path, wanted));
        }
        if wanted(&path) {
            found.insert(path);
        }
    }
    found
}

/// The files that a module file leads to by `mod name;`, with itself. `home` is where its own stand.
fn reached(file: &Path, home: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::from([file.to_owned()]);
    for line in std::fs::read_to_string(file).unwrap().lines() {
        // Only at the margin: nothing in a string or in another module.
        let line = line
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub ");
        let Some(name) = line
            .strip_prefix("mod ")
            .and_then(|rest| rest.strip_suffix(';'))
        else {
            continue;
        };
        let (beside, inside) = (
            home.join(format!("{name}.rs")),
            home.join(name).join("mod.rs"),
        );
        let child = if beside.is_file() { beside } else { inside };
        all.extend(reached(&child, &home.join(name)));
    }
    all
}

#[test]
fn no_test_file_is_forgotten() {
    let suite = root().join("tests/suite");
    let files = below(&root().join("tests"), &|path| {
        path.extension().is_some_and(|kind| kind == "rs")
    });
    assert_eq!(files, reached(&suite.join("main.rs"), &suite));
}

#[test]
fn no_crate_is_forgotten() {
    let crates = below(&root().join("crates"), &|path| {
        path.join("Cargo.toml").is_file()
    });
    let manifest: toml::Table = std::fs::read_to_string(root().join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let members: BTreeSet<PathBuf> = members
        .iter()
        .map(|member| root().join(member.as_str().unwrap()))
        .collect();
    assert_eq!(crates, members);
    // A directory without a manifest is no crate that somebody began.
    let sources = below(&root().join("crates"), &|path| path.ends_with("src/lib.rs"));
    assert_eq!(sources.len(), crates.len(), "{sources:#?}");
}
