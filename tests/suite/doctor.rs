//! `guard doctor` proves the ways that commands take: a stand-in is sent, and held or not.

use crate::support::{Run, World, real_path};
use serde_json::Value;

fn report(run: Run<'_>) -> (Option<i32>, Value) {
    let outcome = run.run();
    let value =
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{e}: {outcome:?}"));
    (outcome.code, value)
}

fn doctor(world: &World) -> Run<'_> {
    world
        .guard(&["doctor", "--json"])
        .variable("SHELL", "/bin/bash")
}

/// The status of the first way of this name whose text holds `what`.
#[track_caller]
fn way<'r>(report: &'r Value, name: &str, what: &str) -> &'r Value {
    let ways = report["ways"].as_array().unwrap();
    ways.iter()
        .find(|way| way["name"] == name && way["found"].as_str().unwrap().contains(what))
        .unwrap_or_else(|| panic!("no {name} {what}: {report:#}"))
}

/// A home whose login shells set PATH anew, as Debian's /etc/profile does, and then run `more`.
fn profile(world: &World, more: &str) {
    let path = real_path().into_string().unwrap();
    world.write(
        "home/.profile",
        format!("PATH='{path}'\nexport PATH\n{more}"),
    );
}

fn put_first(world: &World) -> String {
    format!("PATH='{}':$PATH\n", world.shims().display())
}

#[test]
fn a_way_that_holds_and_one_that_does_not() {
    let world = World::new();
    profile(&world, "");
    let (code, before) = report(doctor(&world));
    assert_eq!(code, Some(1));
    assert_eq!(way(&before, "shell", "rm")["status"], "ok");
    let login = way(&before, "login", "/bin/bash -lc");
    assert_eq!(login["status"], "wrong");
    assert!(
        login["mend"]
            .as_str()
            .unwrap()
            .ends_with("guard setup shell")
    );

    profile(&world, &put_first(&world));
    let (_, after) = report(doctor(&world));
    assert_eq!(way(&after, "login", "/bin/bash -lc")["status"], "ok");
    assert_eq!(way(&after, "login", "/bin/sh -lc")["status"], "ok");
    // Nothing stays behind, and nobody is asked to approve a stand-in.
    assert!(!world.exists("state/doctor"));
    assert_eq!(world.pending().len(), 0);
    assert!(
        world
            .log()
            .iter()
            .all(|entry| entry["answer"] == "stand-in held")
    );
}

#[test]
fn without_the_shims_the_stand_in_is_gone_and_that_is_said() {
    let world = World::new();
    let (code, report) = report(doctor(&world).variable("PATH", real_path()));
    assert_eq!(code, Some(1));
    let here = way(&report, "shell", "rm");
    assert_eq!(here["status"], "wrong");
    let mend = here["mend"].as_str().unwrap();
    assert!(
        mend.starts_with("export PATH=") && mend.contains("guard/shims"),
        "{mend}"
    );
}

#[test]
fn an_agent_is_judged_by_the_way_that_it_runs_commands() {
    let world = World::new();
    profile(&world, "");
    // Codex runs a login shell, Gemini CLI does not; only what is installed is looked at.
    for agent in ["codex", "gemini"] {
        world.script(&format!("bin/{agent}"), "#!/bin/sh\n");
    }
    let mut path = world.shims().into_os_string();
    path.push(":");
    path.push(world.path("bin"));
    path.push(":");
    path.push(real_path());
    let (_, report) = report(doctor(&world).variable("PATH", path));
    let codex = way(&report, "agent", "Codex");
    assert_eq!(codex["status"], "wrong");
    assert!(codex["mend"].as_str().unwrap().ends_with("guard run codex"));
    assert_eq!(way(&report, "agent", "Gemini CLI")["status"], "ok");
    // Below guard run both hold.
    assert_eq!(way(&report, "run", "Codex")["status"], "ok");
    assert_eq!(way(&report, "run", "Gemini CLI")["status"], "ok");
    assert_eq!(world.pending().len(), 0);
    let ways = report["ways"].as_array().unwrap();
    assert!(
        !ways
            .iter()
            .any(|way| way["found"].as_str().unwrap().contains("Goose"))
    );
}

#[test]
fn a_hook_is_asked_and_must_deny() {
    let world = World::new();
    profile(&world, "");
    let before = report(doctor(&world)).1;
    assert!(
        !before["ways"]
            .as_array()
            .unwrap()
            .iter()
            .any(|way| way["name"] == "hook")
    );
    std::fs::create_dir_all(world.path("home/.claude")).unwrap();
    std::fs::create_dir_all(world.path("home/.codex")).unwrap();
    let (_, before) = report(doctor(&world));
    let claude = way(&before, "hook", "Claude Code");
    assert_eq!(claude["status"], "note");
    assert!(
        claude["mend"]
            .as_str()
            .unwrap()
            .ends_with("guard setup claude")
    );

    assert_eq!(
        world.guard(&["setup", "claude", "codex"]).run().code,
        Some(0)
    );
    let (_, after) = report(doctor(&world));
    assert_eq!(way(&after, "hook", "Claude Code")["status"], "ok");
    let codex = way(&after, "hook", "Codex");
    assert!(codex["status"] == "ok" && codex["found"].as_str().unwrap().contains("trusted"));

    let settings = "home/.claude/settings.json";
    let other = world
        .read(settings)
        .replace("prefix/bin/guard", "elsewhere/bin/guard");
    world.write(settings, other);
    let (code, moved) = report(doctor(&world));
    assert_eq!(
        (code, &way(&moved, "hook", "Claude Code")["status"]),
        (Some(1), &"wrong".into())
    );
}

#[test]
fn what_cannot_be_proven_is_not_called_good() {
    let world = World::new();
    profile(&world, "echo 'this profile ends here' >&2; exit 3\n");
    let (_, told) = report(doctor(&world));
    let login = way(&told, "login", "/bin/bash -lc");
    assert_eq!(login["status"], "note");
    assert!(
        login["found"]
            .as_str()
            .unwrap()
            .contains("this profile ends here")
    );

    // A state directory that is none.
    std::fs::remove_dir_all(world.path("state")).unwrap();
    world.write("state", "");
    let (code, told) = report(doctor(&world));
    assert_eq!(code, Some(1));
    assert!(way(&told, "ways", "nothing can be proven")["status"] == "wrong");
}
