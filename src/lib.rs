//! guard: the last stop before an AI agent's command destroys something.
//!
//! The binary stands on an agent's PATH as `rm`, `git`, `kubectl`, `terraform`, `psql` and `aws`.
//! [`pipeline`] is the way of a command through it, on one screen; every stage is a module.

pub mod agent;
pub mod audit;
pub mod backup;
pub mod cli;
pub mod context;
pub mod digest;
pub mod environment;
pub mod exec;
pub mod exit_code;
pub mod hook;
pub mod inputs;
pub mod install;
pub mod invocation;
pub mod judge;
pub mod message;
pub mod paths;
pub mod person;
pub mod pipeline;
pub mod preview;
pub mod probe;
pub mod real_tool;
pub mod recent;
pub mod rules;
pub mod run;
pub mod sanitize;
pub mod setup;
pub mod shell;
pub mod stand_in;
pub mod stdio;
pub mod tools;
pub mod verdict;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::tools::{TOOLS, Tool};

/// Dispatches on argv\[0\]: a shim's name, or `guard` itself.
pub fn start(argv: &[OsString]) -> i32 {
    let name = argv
        .first()
        .map(Path::new)
        .and_then(Path::file_name)
        .unwrap_or(OsStr::new(""));
    if let Some(tool) = Tool::served(name) {
        return pipeline::run(tool, argv);
    }
    if name == "guard" {
        stdio::fill();
        return cli::run(argv);
    }
    if let Some(shell) = run::shells::served(name) {
        return run::shells::become_shell(shell, argv);
    }
    stdio::fill();
    let added = added_tools();
    if let Some(tool) = added.iter().find(|added| name == **added) {
        return pipeline::run(Tool::Other(tool), argv);
    }
    let mut known: Vec<&str> = TOOLS.iter().map(|tool| tool.name()).collect();
    known.extend(added);
    message::say(&format!(
        "called as {:?}, which is no tool it knows. Known: {}, and guard itself",
        sanitize::os(name),
        known.join(", ")
    ));
    exit_code::USAGE
}

/// Tools that the user's rules name.
fn added_tools() -> Vec<&'static str> {
    let places = install::Places::find();
    let rules = rules::load(places.rules_file().as_deref());
    let mut names: Vec<&'static str> = rules.added_tools().collect();
    names.sort_unstable();
    names.dedup();
    names
}
