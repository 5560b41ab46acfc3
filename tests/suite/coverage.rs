//! The table in docs/coverage.md is what happens: every way to run a command is run, in every layer. (The
//! last column, an installation for all users, is run by scripts/check-system.)

use crate::support::{World, has, real_path};
use serde_json::json;

/// The rows of the table: the command, and what the layers do.
fn rows() -> Vec<(String, Vec<String>)> {
    let text = include_str!("../../docs/coverage.md");
    let (_, text) = text.split_once("<!-- ways -->\n").unwrap();
    let (text, _) = text.split_once("<!-- /ways -->").unwrap();
    let rows = text.lines().skip(2).map(|line| {
        let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
        let command = cells.nth(1).unwrap().trim_matches('`').to_owned();
        (command, cells.map(str::to_owned).collect::<Vec<_>>())
    });
    let rows: Vec<_> = rows.collect();
    assert!(rows.len() > 15 && rows.iter().all(|(_, layers)| layers.len() == 4));
    rows
}

/// A world with the programs that the commands name, and a home whose login shells set PATH anew.
fn world() -> World {
    let world = World::new();
    let path = real_path().into_string().unwrap();
    world.write("home/.profile", format!("PATH='{path}'\nexport PATH\n"));
    world.script("app/clean.sh", "#!/bin/sh\nrm -r \"$1\"\n");
    world.write("app/clean.mk", "all:\n\trm -r $(WHAT)\n");
    world.write(
        "app/clean.py",
        "import shutil, sys\nshutil.rmtree(sys.argv[1])\n",
    );
    for program in ["docker", "ssh"] {
        let shift = if program == "docker" { 2 } else { 1 };
        let text = format!("#!/bin/sh\nshift {shift}\nexec env -i PATH=/usr/bin:/bin \"$@\"\n");
        world.script(&format!("bin/{program}"), &text);
    }
    world.script("bin/agent", "#!/bin/bash\nexec bash -c \"$1\"\n");
    world
}

/// Whether the programs of a row are on this machine; said loudly when not.
fn is_runnable(command: &str) -> bool {
    ["make", "python3", "sudo"]
        .iter()
        .all(|program| !command.contains(program) || has(program))
        && (!command.starts_with("sudo") || can_sudo())
}

fn can_sudo() -> bool {
    let can = std::process::Command::new("sudo")
        .args(["-n", "true"])
        .status()
        .is_ok_and(|status| status.success());
    if !can {
        eprintln!("PASSED OVER: sudo asks for a password here");
    }
    can
}

/// PATH with the shims and the stand-ins in front.
fn search(world: &World) -> std::ffi::OsString {
    let mut path = world.shims().into_os_string();
    for more in [world.path("bin").into_os_string(), real_path()] {
        path.push(":");
        path.push(more);
    }
    path
}

/// Runs every row in a world of its own; `start` says how a line is started.
fn every_row(column: usize, start: impl Fn(&World, &str) -> Vec<String>) {
    let mut wrong = Vec::new();
    for (command, layers) in rows() {
        if !is_runnable(&command) {
            continue;
        }
        let world = world();
        let line = command.replace("DIR", "../shared");
        let outcome = world
            .command(&start(&world, &line))
            .variable("PATH", search(&world))
            .run();
        let found = if world.exists("shared/uploads/letter.txt") {
            "held"
        } else {
            "passes"
        };
        if found != layers[column] {
            wrong.push(format!(
                "{command}: {found}, not {}: {outcome:?}",
                layers[column]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_shims() {
    every_row(0, |_, line| vec!["bash".into(), "-c".into(), line.into()]);
}

#[test]
fn guard_run() {
    every_row(1, |world, line| {
        let guard = world.path("prefix/bin/guard").into_os_string();
        let agent = world.path("bin/agent").into_os_string();
        let word = |word: std::ffi::OsString| word.into_string().unwrap();
        vec![
            word(guard),
            "run".into(),
            "--".into(),
            word(agent),
            line.into(),
        ]
    });
}

#[test]
fn the_hook() {
    let mut wrong = Vec::new();
    for (command, layers) in rows() {
        let world = world();
        let line = command.replace("DIR", "../shared");
        let payload = json!({
            "session_id": "s", "cwd": world.path("app"), "hook_event_name": "PreToolUse",
            "tool_name": "Bash", "tool_input": {"command": line},
        });
        let outcome = world
            .guard(&["hook", "claude"])
            .variable("PATH", search(&world))
            .input(payload.to_string())
            .run();
        let answer: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        let found = match answer["hookSpecificOutput"]["permissionDecision"].as_str() {
            Some("deny") => "held",
            None if answer == json!({}) => "left",
            _ => "something else",
        };
        if found != layers[2] {
            wrong.push(format!("{command}: {found}, not {}: {answer}", layers[2]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
