//! What an earlier guard wrote is read by this one. `written_before/state` is the state directory of the
//! build of 24 November 2026, after a checkout and a removal that were saved first, a blocked removal,
//! and a freeze.

use std::path::Path;

use crate::support::World;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn world() -> World {
    let world = World::with_backups();
    let before = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/written_before/state");
    copy(&before, &world.path("state"));
    world
}

#[test]
fn a_log_and_its_chain() {
    let world = world();
    let outcome = world.guard(&["log", "verify"]).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let answers: Vec<String> = world
        .log()
        .iter()
        .map(|entry| entry["answer"].as_str().unwrap().to_owned())
        .collect();
    let first: Vec<&str> = answers.iter().map(String::as_str).take(2).collect();
    assert_eq!(first, ["saved first", "saved first"], "{answers:?}");
}

#[test]
fn backups_of_files_and_of_a_repository() {
    let world = world();
    for (id, held) in [("7GFC", "untracked"), ("DRYZ", "/work/oldw/app")] {
        let outcome = world.guard(&["backups", "show", id]).run();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert!(outcome.stdout.contains(held), "{outcome:?}");
    }
    let outcome = world.guard(&["backups", "drill", "7GFC"]).run();
    assert!(outcome.stdout.contains("good"), "{outcome:?}");
    let outcome = world.guard(&["undo", "7GFC", "--into", "old"]).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(world.read("app/old/untracked"), "new\n");
}

#[test]
fn a_freeze_that_still_holds() {
    let world = world();
    world.write("app/plan.md", "work\n");
    let outcome = world.run("rm plan.md");
    assert_eq!(outcome.code, Some(77), "{outcome:?}");
    assert!(outcome.stderr.contains("freeze 25RZ"), "{outcome:?}");
    assert_eq!(world.read("app/plan.md"), "work\n");
}

#[test]
fn a_request() {
    let world = world();
    let file = world.path("state/requests/NQQH-e15d37d9f9d238de.json");
    // It waited for a day: as if it had been left just now.
    let mut request: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    request["expires"] = (now.unwrap().as_secs() + 600).into();
    std::fs::write(&file, request.to_string()).unwrap();
    let pending = world.pending();
    assert_eq!(pending.len(), 1, "{pending:?}");
    assert_eq!(pending[0]["id"], "NQQH");
    assert_eq!(
        pending[0]["argv"],
        serde_json::json!(["rm", "-rf", "../out"])
    );
}
