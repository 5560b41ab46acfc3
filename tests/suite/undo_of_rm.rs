//! What rm destroys is saved first and comes back exactly; a backup is whole or the command does not run
//! without a question.

use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::support::tree::{Facts, facts, oddities, set_time};
use crate::support::{Outcome, World};

/// Everything in `app/` but the repository.
fn app(world: &World) -> Facts {
    let mut names: Vec<String> = std::fs::read_dir(world.path("app"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name != ".git")
        .map(|name| name.into_string().unwrap())
        .collect();
    names.sort();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    facts(&world.path("app"), &names)
}

/// The id in what guard said.
#[track_caller]
fn saved(outcome: &Outcome) -> String {
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let lines: Vec<&str> = outcome
        .stderr
        .lines()
        .filter(|line| line.starts_with("guard:"))
        .collect();
    assert_eq!(lines.len(), 1, "{outcome:?}");
    let (_, id) = lines[0].split_once("guard undo ").expect("it says how");
    id.chars().take(4).collect()
}

#[track_caller]
fn undo(world: &World, arguments: &[&str]) -> Outcome {
    let outcome = world.guard(&[&["undo"], arguments].concat()).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    outcome
}

fn backups(world: &World) -> Vec<serde_json::Value> {
    let outcome = world.guard(&["backups", "--json"]).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// No backup was begun and left.
#[track_caller]
fn store_is_clean(world: &World) {
    let left: Vec<_> = std::fs::read_dir(world.path("state/backups"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_agent_removes_its_own_script() {
    let world = World::with_backups();
    world.write("app/try.py", "print('hello')\n");
    let before = app(&world);
    let outcome = world.run("rm try.py");
    let id = saved(&outcome);
    assert_eq!(outcome.stdout, "");
    assert!(!world.exists("app/try.py"));
    let log = world.log();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0]["verdict"], "backup");
    assert_eq!(log[0]["answer"], "saved first");
    assert_eq!(log[0]["backup"], id.as_str());
    undo(&world, &[]);
    assert_eq!(app(&world), before);
    assert_eq!(world.guard(&["log", "verify"]).run().code, Some(0));
    // There is nothing more to bring back here.
    let outcome = world.guard(&["undo"]).run();
    assert_eq!(outcome.code, Some(1));
    outcome.says("guard backups");
}

#[test]
fn a_tree_with_every_oddity() {
    let world = World::with_backups();
    oddities(&world.path("app/odd"));
    let before = app(&world);
    let sparse = || world.path("app/odd/sparse").metadata().unwrap().blocks();
    let blocks = sparse();
    let id = saved(&world.run("rm -rf odd"));
    assert!(!world.exists("app/odd"));
    let drill = world.guard(&["backups", "drill", &id]).run();
    assert_eq!(drill.code, Some(0), "{drill:?}");
    undo(&world, &[&id]);
    assert_eq!(app(&world), before);
    assert!(sparse() <= blocks + 64, "holes stay holes: {}", sparse());
}

#[test]
fn a_repository_is_as_it_was() {
    let world = World::with_backups();
    world.write("app/.gitignore", ".env\ntarget/\n");
    world.commit("app", "ignore");
    world.write("app/src/main.rs", "fn main() { work() }\n");
    world.write("app/src/new.rs", "// new\n");
    world.write("app/src/.env", "TOKEN=1\n");
    world.write("app/src/target/debug/app", "made by cargo\n");
    world.write("app/src/lib/mod.rs", "// staged\n");
    world.git("app", &["add", "src/lib"]);
    let status = || world.git("app", &["status", "--porcelain=v2", "--ignored", "-uall"]);
    let before = status();
    let outcome = world.run("rm -rf src");
    let id = saved(&outcome);
    outcome.says("target and the like, which can be made again");
    undo(&world, &[&id]);
    let without_target = |status: &str| {
        status
            .replace("! src/target/debug/app", "")
            .trim()
            .to_owned()
    };
    assert_eq!(status().trim(), without_target(&before));
    assert_eq!(world.read("app/src/main.rs"), "fn main() { work() }\n");
    world.git("app", &["fsck", "--strict"]);
}

#[test]
fn a_repository_inside() {
    let world = World::with_backups();
    world.git("app", &["init", "-q", "-b", "main", "vendor/tool"]);
    world.commit_file("app/vendor/tool", "tool.c", "int main;\n");
    world.write("app/vendor/tool/notes", "not committed\n");
    let head = world.tip("app/vendor/tool", "HEAD");
    let before = app(&world);
    let id = saved(&world.run("rm -rf vendor"));
    undo(&world, &[&id]);
    assert_eq!(app(&world), before);
    assert_eq!(world.tip("app/vendor/tool", "HEAD"), head);
    world.git("app/vendor/tool", &["fsck", "--strict"]);
}

#[test]
fn nothing_at_stake_is_not_saved() {
    let world = World::with_backups();
    world.write("app/target/debug/app", "made by cargo\n");
    world.run("rm -rf target src").ran();
    assert_eq!(backups(&world), Vec::<serde_json::Value>::new());
    assert!(!world.exists("state/backups"));
}

#[test]
fn more_than_the_limits_is_asked_about() {
    for (limits, why) in [
        ("files = 3", "4 files are too many to save first"),
        ("bytes = 1000", "4.1 KiB are too much to save first"),
        ("seconds = 0.0", "saving it takes longer than 0 s"),
    ] {
        let world = World::with_backups();
        world.rules(&format!("[backup]\n{limits}\n"));
        for name in ["a", "b", "c", "d"] {
            world.write(&format!("app/out/{name}"), [b'x'; 1050]);
        }
        let before = app(&world);
        world.run("rm -rf out").blocked().says(why);
        assert_eq!(app(&world), before);
        store_is_clean(&world);
        assert_eq!(backups(&world).len(), 0, "{limits}");
    }
}

#[test]
fn what_commits_hold_is_left_out_when_all_is_too_much() {
    let world = World::with_backups();
    world.rules("[backup]\nfiles = 3\n");
    for at in 0..10 {
        world.write(&format!("app/many/{at}"), format!("{at}\n"));
    }
    world.commit("app", "many");
    world.write("app/many/3", "changed\n");
    world.write("app/many/new", "new\n");
    let outcome = world.run("rm -rf many");
    let id = saved(&outcome);
    outcome.says("files that a commit holds");
    undo(&world, &[&id]);
    assert_eq!(world.read("app/many/3"), "changed\n");
    assert_eq!(world.read("app/many/new"), "new\n");
    assert!(!world.exists("app/many/4"));
}

#[test]
fn outside_a_person_is_asked_and_brings_back() {
    let world = World::with_backups();
    let before = facts(&world.path("shared"), &["uploads"]);
    world.run("rm -rf ../shared/uploads").blocked();
    let mut person = world
        .command(&["rm", "-rf", "../shared/uploads"])
        .at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(!world.exists("shared/uploads"));
    let id = backups(&world)[0]["id"].as_str().unwrap().to_owned();
    assert!(
        outcome.stdout.contains(&format!("guard undo {id}")),
        "{outcome:?}"
    );
    // Without a person it stays away.
    let outcome = world.guard(&["undo", &id]).run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(!world.exists("shared/uploads"));
    let mut person = world.guard(&["undo", &id]).at_terminal();
    let phrase = person.phrase();
    assert_eq!(phrase, format!("bring back {id}"));
    person.line(&phrase);
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(facts(&world.path("shared"), &["uploads"]), before);
}

#[test]
fn something_newer_is_not_written_over() {
    let world = World::with_backups();
    world.write("app/plan.md", "first\n");
    let id = saved(&world.run("rm plan.md"));
    world.write("app/plan.md", "second\n");
    let outcome = world.guard(&["undo", &id]).run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(
        outcome
            .stdout
            .contains("app/plan.md was made or changed since"),
        "{outcome:?}"
    );
    assert_eq!(world.read("app/plan.md"), "second\n");
    // Beside it.
    undo(&world, &[&id, "--into", "old"]);
    assert_eq!(world.read("app/old/plan.md"), "first\n");
    assert_eq!(world.read("app/plan.md"), "second\n");
    // Over it: not without a person.
    let outcome = world.guard(&["undo", &id, "--overwrite"]).run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert_eq!(world.read("app/plan.md"), "second\n");
    let mut person = world.guard(&["undo", &id, "--overwrite"]).at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(world.read("app/plan.md"), "first\n");
    // And what was written over comes back in turn.
    let second = backups(&world)[0]["id"].as_str().unwrap().to_owned();
    undo(&world, &[&second]);
    assert_eq!(world.read("app/plan.md"), "second\n");
}

#[test]
fn a_file_that_is_committed_now_may_be_replaced() {
    let world = World::with_backups();
    world.write("app/README.md", "a day's work\n");
    let id = saved(&world.run("rm README.md"));
    world.git("app", &["checkout", "--", "README.md"]);
    undo(&world, &[&id]);
    assert_eq!(world.read("app/README.md"), "a day's work\n");
}

#[test]
fn a_link_put_in_the_way_is_not_followed() {
    let world = World::with_backups();
    world.write("app/conf/app.toml", "x = 1\n");
    let id = saved(&world.run("rm -rf conf"));
    std::os::unix::fs::symlink(world.path("shared"), world.path("app/conf")).unwrap();
    let outcome = world.guard(&["undo", &id]).run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(!world.exists("shared/app.toml"));
}

#[test]
fn an_undo_can_be_undone() {
    let world = World::with_backups();
    oddities(&world.path("app/odd"));
    world.write("app/odd/dir/x", "x\n");
    let with = app(&world);
    let first = saved(&world.run("rm -rf odd"));
    let without = app(&world);
    undo(&world, &[&first]);
    assert_eq!(app(&world), with);
    let second = backups(&world)[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(backups(&world)[0]["undoes"], first.as_str());
    undo(&world, &[&second]);
    assert_eq!(app(&world), without);
    let third = backups(&world)[0]["id"].as_str().unwrap().to_owned();
    undo(&world, &[&third]);
    assert_eq!(app(&world), with);
}

#[test]
fn two_undos_at_once() {
    let world = World::with_backups();
    for at in 0..200 {
        world.write(&format!("app/many/{at}"), format!("{at}\n"));
    }
    let before = app(&world);
    let id = saved(&world.run("rm -rf many"));
    std::thread::scope(|scope| {
        let both: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| world.guard(&["undo", &id]).run()))
            .collect();
        for one in both {
            let outcome = one.join().unwrap();
            assert_eq!(outcome.code, Some(0), "{outcome:?}");
        }
    });
    assert_eq!(app(&world), before);
    store_is_clean(&world);
}

#[test]
fn a_flipped_bit_is_named() {
    let world = World::with_backups();
    // A pipe makes nothing; small files are kept by their inode, a file with another name is copied.
    world.write("app/out/linked", "linked\n".repeat(100));
    world.write("app/out/copied", "copied\n".repeat(100));
    std::fs::hard_link(world.path("app/out/copied"), world.path("app/elsewhere")).unwrap();
    let id = saved(&world.run("rm -rf out"));
    let directory = world.path(&format!("state/backups/{id}"));
    let mut files: Vec<PathBuf> = vec![directory.join("pack"), directory.join("summary.json")];
    files.extend(
        std::fs::read_dir(directory.join("files/0"))
            .unwrap()
            .map(|entry| entry.unwrap().path()),
    );
    assert_eq!(files.len(), 3, "{files:?}");
    let drill = |arguments: &[&str]| {
        world
            .guard(&[&["backups", "drill"], arguments].concat())
            .run()
    };
    for file in files {
        let whole = std::fs::read(&file).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 2] {
            let mut broken = whole.clone();
            broken[at] ^= 0x10;
            std::fs::write(&file, &broken).unwrap();
            for outcome in [drill(&[&id]), drill(&["--all"])] {
                assert_eq!(outcome.code, Some(1), "{file:?} at {at}: {outcome:?}");
                assert!(outcome.stdout.contains("DAMAGED"), "{outcome:?}");
                assert!(outcome.stdout.contains(&id), "{outcome:?}");
            }
            let outcome = world.guard(&["undo", &id]).run();
            assert_eq!(outcome.code, Some(1), "{file:?} at {at}: {outcome:?}");
            let _ = std::fs::remove_dir_all(world.path("app/out"));
        }
        std::fs::write(&file, &whole).unwrap();
    }
    assert_eq!(drill(&["--all"]).code, Some(0));
}

#[test]
fn an_open_file_is_copied_not_kept() {
    let world = World::with_backups();
    world.write("app/log", "first line\n");
    let writer = std::fs::OpenOptions::new()
        .write(true)
        .open(world.path("app/log"))
        .unwrap();
    let id = saved(&world.run("rm log"));
    writer.write_all_at(b"WRITTEN AFTER\n", 0).unwrap();
    drop(writer);
    undo(&world, &[&id]);
    assert_eq!(world.read("app/log"), "first line\n");
}

#[test]
fn a_file_with_another_name_is_copied() {
    let world = World::with_backups();
    world.write("app/one", "both\n");
    std::fs::hard_link(world.path("app/one"), world.path("shared/two")).unwrap();
    let id = saved(&world.run("rm one"));
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(world.path("shared/two"))
        .unwrap();
    file.write_all_at(b"NOT!\n", 0).unwrap();
    undo(&world, &[&id]);
    assert_eq!(world.read("app/one"), "both\n");
}

#[test]
fn a_file_that_changes_all_the_time() {
    let world = World::with_backups();
    world.write("app/busy", vec![b'x'; 3 << 20]);
    let path = world.path("app/busy");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            let mut at = 0_u64;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                file.write_all_at(b"y", at % (3 << 20)).unwrap();
                at += 4099;
            }
        });
        let outcome = world.run("rm busy");
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        if outcome.code == Some(77) {
            outcome.blocked().says("is being written to");
            assert!(world.exists("app/busy"));
            store_is_clean(&world);
        } else {
            // It found a moment in which nobody wrote.
            let id = saved(&outcome);
            assert_eq!(world.guard(&["backups", "drill", &id]).run().code, Some(0));
        }
    });
}

#[test]
fn a_socket_is_named_as_not_saved() {
    let world = World::with_backups();
    world.write("app/run/state", "state\n");
    let _socket = std::os::unix::net::UnixListener::bind(world.path("app/run/s")).unwrap();
    let outcome = world.run("rm -rf run");
    let id = saved(&outcome);
    outcome.says("not saved: the socket");
    undo(&world, &[&id]);
    assert_eq!(world.read("app/run/state"), "state\n");
    assert!(!world.exists("app/run/s"));
}

#[test]
fn only_the_owner_reads_backups() {
    let world = World::with_backups();
    world.write("app/.env", "TOKEN=1\n");
    let id = saved(&world.run("rm .env"));
    for (name, mode) in [
        (String::new(), 0o700),
        (format!("/{id}"), 0o700),
        (format!("/{id}/files"), 0o700),
        (format!("/{id}/pack"), 0o600),
        (format!("/{id}/summary.json"), 0o600),
    ] {
        let path = world.path(&format!("state/backups{name}"));
        let found = path.metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!(found, mode, "{path:?}");
    }
}

#[test]
fn a_store_on_another_file_system() {
    let other = Path::new("/dev/shm");
    let here = std::env::temp_dir().metadata().unwrap().dev();
    if !other
        .metadata()
        .is_ok_and(|metadata| metadata.dev() != here)
    {
        eprintln!("PASSED OVER: there is no other file system at /dev/shm");
        return;
    }
    let store = tempfile::Builder::new()
        .prefix("guard-test-")
        .tempdir_in(other)
        .unwrap();
    let world = World::with_backups();
    world.rules(&format!(
        "[backup]\nstore = {:?}\n",
        store.path().join("backups")
    ));
    oddities(&world.path("app/odd"));
    let before = app(&world);
    let id = saved(&world.run("rm -rf odd"));
    assert!(store.path().join("backups").join(&id).join("pack").exists());
    assert!(!world.exists("state/backups"));
    undo(&world, &[&id]);
    assert_eq!(app(&world), before);
    // Nothing deletes it but guard itself.
    world
        .command(&["rm", "-rf", store.path().to_str().unwrap()])
        .run()
        .blocked()
        .says("never allowed");
}

#[test]
fn the_store_and_the_log_are_not_removed() {
    let world = World::with_backups();
    world.write("app/x", "x\n");
    let id = saved(&world.run("rm x"));
    for command in [
        "rm -rf ../state/backups".to_owned(),
        format!("rm -rf ../state/backups/{id}"),
        format!("rm ../state/backups/{id}/pack"),
        "rm ../state/audit.jsonl".to_owned(),
        "rm -rf ../state".to_owned(),
    ] {
        world.run(&command).blocked().says("never allowed");
    }
    let outcome = world.guard(&["backups", "rm", &id]).run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert_eq!(backups(&world).len(), 1);
    let mut person = world.guard(&["backups", "rm", &id]).at_terminal();
    let phrase = person.phrase();
    assert_eq!(phrase, "remove 1 backup");
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(backups(&world).len(), 0);
}

#[test]
fn old_backups_go_but_never_the_last_of_a_workspace() {
    let world = World::with_backups();
    for name in ["a", "b", "c"] {
        world.write(&format!("app/{name}"), name);
        saved(&world.run(&format!("rm {name}")));
    }
    assert_eq!(backups(&world).len(), 3);
    // By age, and by size. It never takes long, so on a busy machine it may take more than one command.
    for limit in ["days = 0.0", "store-bytes = 1"] {
        world.rules(&format!("[backup]\n{limit}\n"));
        let mut left = Vec::new();
        for _ in 0..20 {
            world.write("app/e", "e");
            let id = saved(&world.run("rm e"));
            left = backups(&world);
            assert_eq!(left[0]["id"], id.as_str());
            if left.len() == 1 {
                break;
            }
        }
        assert_eq!(left.len(), 1, "{limit}: {left:?}");
    }
    let id = backups(&world)[0]["id"].as_str().unwrap().to_owned();
    undo(&world, &[&id]);
    assert_eq!(world.read("app/e"), "e");
}

#[test]
fn a_store_that_cannot_be_written_means_a_question() {
    let world = World::with_backups();
    world.write("app/x", "x\n");
    world.write("state/backups", "no directory\n");
    world.run("rm x").blocked().says("not saved first");
    assert!(world.exists("app/x"));
}

/// A file system that is full after so many bytes, whichever write that is.
#[test]
fn a_full_disk_means_a_question() {
    let world = World::with_backups();
    // Nothing that could be compressed.
    let mut seed = 1_u64;
    let text: String = (0..12_000)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'!' + u8::try_from(seed >> 58).unwrap())
        })
        .collect();
    world.write("app/x", &text);
    // With another name it has to be copied.
    std::fs::hard_link(world.path("app/x"), world.path("app/y")).unwrap();
    let mut blocked = 0;
    for limit in 0..40 {
        let script = format!("ulimit -f {limit}; exec rm x");
        let outcome = world.command(&["bash", "-c", &script]).run();
        if outcome.code == Some(0) {
            break;
        }
        assert_ne!(outcome.signal, Some(9), "{outcome:?}");
        assert_eq!(world.read("app/x"), text, "{limit}: {outcome:?}");
        store_is_clean(&world);
        assert_eq!(backups(&world).len(), 0, "{limit}");
        blocked += 1;
    }
    assert!(blocked > 3, "{blocked}");
    assert!(blocked < 40);
}

#[test]
fn explain_says_that_it_would_be_saved() {
    let world = World::with_backups();
    world.write("app/x", "x\n");
    let said = world.explain("rm x");
    assert_eq!(said["verdict"], "backup");
    assert_eq!(said["commands"][0]["verdict"], "backup");
    assert_eq!(world.guard(&["check", "rm x"]).run().code, Some(0));
    assert_eq!(
        world
            .guard(&["check", "rm ../shared/uploads/photo.jpg"])
            .run()
            .code,
        Some(77)
    );
    // Not measured, so it is not known whether it could be saved.
    let outcome = world
        .guard(&["explain", "--json", "--no-preview", "rm x"])
        .run();
    let said: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(said["verdict"], "confirm");
    assert!(!world.exists("state/backups"));
}

#[test]
fn a_rule_of_the_users_can_ask_all_the_same() {
    let world = World::with_backups();
    world.rules(
        "[backup]\n[[rule]]\nid = \"mine.notes\"\ntool = \"rm\"\noperand = [\"*notes*\"]\neffect = \"confirm\"\n\
         reason = \"deletes notes\"\nsafer = \"ls\"\nmatch = [\"rm notes.txt\"]\nno-match = [\"rm x\"]\n",
    );
    world.write("app/notes.txt", "notes\n");
    world.run("rm notes.txt").blocked();
    world.write("app/x", "x\n");
    saved(&world.run("rm x"));
}

/// Where guard is killed does not matter: the files are there, or a whole backup of them is.
#[test]
fn killed_at_any_moment() {
    let world = World::with_backups();
    let make = || {
        for at in 0..40 {
            world.write(&format!("app/many/{at}"), format!("{at}\n").repeat(50));
            set_time(
                &world.path(&format!("app/many/{at}")),
                1_700_000_000 + at,
                7,
            );
        }
        // With another name it has to be copied.
        std::fs::hard_link(world.path("app/many/1"), world.path("shared/other")).unwrap();
        set_time(&world.path("app/many"), 1_700_000_000, 7);
    };
    make();
    let before = app(&world);
    let (mut ended, mut killed_before, mut killed_after) = (0, 0, 0);
    for round in 0..400 {
        let time = format!("{:.5}", f64::from(round) * 0.000_2);
        let outcome = world
            .command(&["timeout", "-s", "KILL", &time, "rm", "-rf", "many"])
            .run();
        let found = backups(&world);
        if outcome.code == Some(0) {
            ended += 1;
        } else if found.is_empty() {
            killed_before += 1;
        } else {
            killed_after += 1;
        }
        if app(&world) != before {
            let id = found
                .first()
                .map(|item| item["id"].as_str().unwrap().to_owned())
                .expect("something is gone, so there is a backup");
            undo(&world, &[&id]);
        }
        assert_eq!(app(&world), before, "round {round}");
        let _ = std::fs::remove_dir_all(world.path("state/backups"));
        if ended >= 5 {
            break;
        }
    }
    assert!(killed_before > 3, "{killed_before} {killed_after} {ended}");
    assert!(ended > 0, "{killed_before} {killed_after} {ended}");
}

/// Random trees and random rm commands.
mod random {
    use super::*;

    /// A generator of numbers, so that a failure can be played again.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % sides as u64).unwrap()
        }

        fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
            &list[self.roll(list.len())]
        }
    }

    const NAMES: [&str; 12] = [
        "a",
        "b",
        "c",
        "d e",
        "-f",
        "ü",
        "new\nline",
        ".hidden",
        "x.o",
        "n*",
        "'quote\"",
        "z",
    ];

    fn name(dice: &mut Dice) -> String {
        (*dice.of(&NAMES)).to_owned()
    }

    /// A tree with up to so many things in it; the paths of what is in it.
    fn tree(dice: &mut Dice, root: &Path) -> Vec<PathBuf> {
        std::fs::create_dir(root).unwrap();
        let mut directories = vec![root.to_owned()];
        let mut files: Vec<PathBuf> = Vec::new();
        let mut all = Vec::new();
        for _ in 0..=dice.roll(14) {
            let path = dice.of(&directories).join(name(dice));
            if path.symlink_metadata().is_ok() {
                continue;
            }
            match dice.roll(10) {
                0 | 1 => {
                    std::fs::create_dir(&path).unwrap();
                    directories.push(path.clone());
                }
                2 => std::os::unix::fs::symlink(name(dice), &path).unwrap(),
                3 if !files.is_empty() => std::fs::hard_link(dice.of(&files), &path).unwrap(),
                _ => {
                    let length = [0, 1, 10, 5000, 70_000][dice.roll(5)];
                    let byte = u8::try_from(dice.roll(256)).unwrap();
                    std::fs::write(&path, vec![byte; length]).unwrap();
                    let mode = [0o644, 0o600, 0o755, 0o444, 0o4711][dice.roll(5)];
                    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
                    files.push(path.clone());
                }
            }
            if dice.roll(3) == 0 {
                let time = i64::try_from(dice.roll(2_000_000_000)).unwrap();
                set_time(&path, time, time % 1_000_000_000);
            }
            all.push(path);
        }
        all
    }

    /// The facts but for which names are one file: one whose other name stayed is a file of its own
    /// when it comes back.
    fn apart(facts: Facts) -> Facts {
        let cut = |what: String| match what.split_once("\", ") {
            Some((_, rest)) if what.starts_with("file ") => rest.to_owned(),
            _ => what,
        };
        facts
            .into_iter()
            .map(|(path, what)| (path, cut(what)))
            .collect()
    }

    fn round(world: &World, seed: u64) -> bool {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            dice.roll(2);
        }
        let root = world.path("app/tree");
        let all = tree(&mut dice, &root);
        let before = facts(&world.path("app"), &["tree"]);
        let mut words: Vec<std::ffi::OsString> = vec!["rm".into()];
        words.push(
            (*dice.of(&["-rf", "-r", "-fr", "-R", "-f", "-d", "-rfv", "--recursive"])).into(),
        );
        words.push("--".into());
        for _ in 0..=dice.roll(3) {
            let target = if all.is_empty() { &root } else { dice.of(&all) };
            words.push(target.strip_prefix(world.path("app")).unwrap().into());
        }
        let outcome = world.command(&words).run();
        assert_ne!(
            outcome.code,
            Some(77),
            "seed {seed}, {words:?}: {outcome:?}"
        );
        let found = backups(world);
        if let Some(newest) = found.first() {
            let id = newest["id"].as_str().unwrap();
            let undone = world.guard(&["undo", id]).run();
            assert_eq!(undone.code, Some(0), "seed {seed}, {words:?}: {undone:?}");
        }
        let after = facts(&world.path("app"), &["tree"]);
        // What can be made again is not saved, and what lies around it changes its time.
        let saved = !found.is_empty();
        let lost: Vec<_> = before
            .iter()
            .filter(|(path, _)| !after.contains_key(*path))
            .collect();
        for (path, what) in &lost {
            let disposable = path
                .iter()
                .any(|name| name.as_encoded_bytes().ends_with(b".o"));
            // Where nothing but empty directories goes, nothing is lost.
            let empty = !saved && what.starts_with("directory");
            assert!(
                disposable || empty,
                "seed {seed}, {words:?}: {}",
                path.display()
            );
        }
        if lost.is_empty() {
            assert_eq!(apart(after), apart(before), "seed {seed}, {words:?}");
        }
        std::fs::remove_dir_all(&root).unwrap();
        let _ = std::fs::remove_dir_all(world.path("state/backups"));
        saved
    }

    #[test]
    fn a_thousand_rounds() {
        let workers = 4;
        let saved: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..workers)
                .map(|worker| {
                    scope.spawn(move || {
                        let world = World::with_backups();
                        (0..1000)
                            .filter(|seed| seed % workers == worker)
                            .filter(|seed| round(&world, *seed))
                            .count()
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert!(saved > 500, "only {saved} rounds saved something");
    }
}

/// Stores that other programs keep, and encryption: with the real ones.
mod elsewhere {
    use super::*;

    fn real(program: &str, words: &[&str], variables: &[(&str, &str)]) -> String {
        let output = std::process::Command::new(program)
            .args(words)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        assert!(output.status.success(), "{program} {words:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What is saved there comes back from there, and the agent's environment holds no credentials.
    fn comes_back(world: &World, store: &str, credentials: &str) {
        world.write("config/credentials", credentials);
        world.rules(&format!(
            "[backup]\nstore = {store:?}\ncredentials = \"{}\"\nseconds = 30.0\n",
            world.path("config/credentials").display()
        ));
        oddities(&world.path("app/odd"));
        world.write("app/odd/unlike/anything", "a needle\n");
        let before = app(world);
        let id = saved(&world.run("rm -rf odd"));
        let left: Vec<_> = std::fs::read_dir(world.path(&format!("state/backups/{id}")))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["summary.json"]);
        let drill = world.guard(&["backups", "drill", "--all"]).run();
        assert_eq!(drill.code, Some(0), "{drill:?}");
        undo(world, &[&id]);
        assert_eq!(app(world), before);
        store_is_clean(world);
    }

    #[test]
    fn restic() {
        if !crate::support::has("restic") {
            return;
        }
        let world = World::with_backups();
        let repository = world.path("disk");
        let repository = repository.to_str().unwrap();
        real(
            "restic",
            &["-q", "init", "-r", repository],
            &[("RESTIC_PASSWORD", "xyzzy")],
        );
        comes_back(
            &world,
            &format!("restic:{repository}"),
            "RESTIC_PASSWORD=xyzzy\n",
        );
        // Without the right credentials nothing is saved, so a person is asked.
        world.write("config/credentials", "RESTIC_PASSWORD=wrong\n");
        world.write("app/x", "x\n");
        world
            .run("rm x")
            .blocked()
            .says("not saved first: restic says");
        store_is_clean(&world);
    }

    #[test]
    fn borg() {
        if !crate::support::has("borg") {
            return;
        }
        let world = World::with_backups();
        let repository = world.path("disk");
        let repository = repository.to_str().unwrap();
        let home = world.path("home");
        let variables = [
            ("BORG_PASSPHRASE", "xyzzy"),
            ("BORG_BASE_DIR", home.to_str().unwrap()),
        ];
        real("borg", &["init", "-e", "repokey", repository], &variables);
        comes_back(
            &world,
            &format!("borg:{repository}"),
            &format!("BORG_PASSPHRASE=xyzzy\nBORG_BASE_DIR={}\n", home.display()),
        );
    }

    #[test]
    fn rclone() {
        if !crate::support::has("rclone") {
            return;
        }
        let world = World::with_backups();
        let disk = world.path("disk");
        let config = world.path("config/rclone.conf");
        world.write("config/rclone.conf", "[other]\ntype = local\n");
        comes_back(
            &world,
            &format!("rclone:other:{}", disk.display()),
            &format!("RCLONE_CONFIG={}\n", config.display()),
        );
    }

    #[test]
    fn an_engine_that_is_not_there() {
        let world = World::with_backups();
        world.rules("[backup]\nstore = \"tar:/srv\"\n");
        world.write("app/x", "x\n");
        world.run("rm x").blocked().says("restic:");
        assert!(world.exists("app/x"));
    }

    #[test]
    fn encrypted_to_a_recipient() {
        if !crate::support::has("age-keygen") {
            return;
        }
        let world = World::with_backups();
        let identity = world.path("config/identity");
        let identity = identity.to_str().unwrap();
        real("age-keygen", &["-o", identity], &[]);
        let recipient = real("age-keygen", &["-y", identity], &[]);
        world.rules(&format!("[backup]\nrecipient = {:?}\n", recipient.trim()));
        oddities(&world.path("app/odd"));
        world.write("app/odd/unlike/anything", "a needle in the haystack\n");
        let before = app(&world);
        let id = saved(&world.run("rm -rf odd"));
        let held = world.path(&format!("state/backups/{id}"));
        let left: Vec<_> = std::fs::read_dir(&held)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "files")
            .collect();
        assert_eq!(left.len(), 2, "{left:?}");
        let sealed = std::fs::read(held.join("pack.age")).unwrap();
        assert!(sealed.starts_with(b"age-encryption.org/v1"));
        let outcome = world.guard(&["undo", &id]).run();
        assert_eq!(outcome.code, Some(1));
        outcome.says("--identity");
        undo(&world, &[&id, "--identity", identity]);
        assert_eq!(app(&world), before);
        let drill = world
            .guard(&["backups", "drill", &id, "--identity", identity])
            .run();
        assert_eq!(drill.code, Some(0), "{drill:?}");
        // Nothing is saved for nobody.
        world.rules("[backup]\nrecipient = \"age1nobody\"\n");
        world.write("app/x", "x\n");
        world
            .run("rm x")
            .blocked()
            .says("not saved first: age says");
    }
}
