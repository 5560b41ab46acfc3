//! guard: the last stop before an AI agent's command destroys something.
//!
//! The binary stands on an agent's PATH as `rm`, `git`, `kubectl`, `terraform`, `psql` and `aws`.
//! [`pipeline`] is the way of a command through it, on one screen; every stage is a module.

pub mod cli;
pub mod decide;
pub mod message;
pub mod pipeline;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use guard_agents::run::shells;
use guard_core::name::ToolName;
use guard_ground::install::Places;
use guard_ground::{exit_code, sanitize, say, stdio};
use guard_judge::load;
use guard_toolbox::TOOLBOX;

/// Dispatches on argv\[0\]: a shim's name, or `guard` itself.
pub fn start(argv: &[OsString]) -> i32 {
    let name = argv
        .first()
        .map(Path::new)
        .and_then(Path::file_name)
        .unwrap_or(OsStr::new(""));
    if let Some(tool) = TOOLBOX.known(name) {
        return pipeline::run(&tool, argv);
    }
    if name == "guard" {
        stdio::fill();
        return cli::run(argv);
    }
    if let Some(shell) = shells::served(name) {
        return shells::become_shell(&TOOLBOX, shell, argv);
    }
    stdio::fill();
    let added = added_tools();
    if let Some(tool) = added.iter().find(|added| name == added.as_str()) {
        return pipeline::run(&ToolName::written(tool), argv);
    }
    let mut known: Vec<&str> = TOOLBOX.shims().collect();
    known.extend(added.iter().map(String::as_str));
    say::say(&format!(
        "called as {:?}, which is no tool it knows. Known: {}, and guard itself",
        sanitize::os(name),
        known.join(", ")
    ));
    exit_code::USAGE
}

/// Tools that the user's rules name.
fn added_tools() -> Vec<String> {
    let places = Places::find();
    let rules = load::load(&TOOLBOX, &places);
    let mut names: Vec<String> = rules
        .added_tools()
        .filter(|tool| TOOLBOX.known(tool.as_ref()).is_none())
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}
