//! Whatever guard is given: a defined exit, a clear line, and nothing destroyed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::Duration;

use crate::support::{Outcome, World};

/// The start of a rule of the user's that holds.
const RULE: &str = r#"[[rule]]
id = "mine"
tool = "git"
verb = ["commit"]
effect = "confirm"
reason = "is asked for"
safer = "git status"
match = ["git commit -m x"]
no-match = ["git status"]
"#;

/// A broken rules file: named with its line and what is wrong, nothing that changes something runs,
/// and what only reads does.
#[track_caller]
fn refused(rules: &str, line: usize, words: &[&str]) {
    let world = World::new();
    world.rules(rules);
    world.write("app/new.txt", "new\n");
    world.write("app/target/x", "made\n");
    let at = format!("{}:{line}: ", world.path("config/rules.toml").display());
    let check = |outcome: &Outcome| {
        outcome.says(&at);
        for word in words {
            outcome.says(word);
        }
    };
    let status = world.run("git status --short");
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(status.stdout.contains("?? new.txt"), "{status:?}");
    let commit = world.command(&["git", "commit", "-am", "x"]).run();
    assert_eq!(commit.code, Some(78), "{commit:?}");
    check(&commit);
    let tip = world.tip("app", "HEAD");
    for line in [
        "rm -rf ../shared/uploads",
        "rm new.txt",
        "git clean -fdx",
        "git reset --hard HEAD",
    ] {
        let outcome = world.run(line);
        assert!(matches!(outcome.code, Some(77 | 78)), "{line}: {outcome:?}");
        check(&outcome);
    }
    assert!(world.exists("shared/uploads/photo.jpg"));
    assert!(world.exists("app/new.txt"));
    assert_eq!(world.tip("app", "HEAD"), tip);
    let test = world.guard(&["rules", "test"]).run();
    assert_eq!(test.code, Some(1), "{test:?}");
    check(&test);
    // guard's own commands still answer.
    let explain = world.guard(&["explain", "rm -rf ../shared"]).run();
    check(&explain);
    assert!(explain.stdout.contains("rm.escape"), "{explain:?}");
}

#[test]
fn rules_that_are_no_toml() {
    refused("# mine\n[[rule]\nid = 1\n", 2, &[]);
    refused("[preview]\nseconds = \n", 2, &[]);
}

#[test]
fn rules_with_unknown_keys() {
    let rules = RULE.replace("reason", "reasn");
    refused(&rules, 6, &["rule mine", "reasn"]);
    refused("\n[persons]\ntries = 1\n", 2, &["persons"]);
    refused("[person]\nminutes = 1\n", 2, &["minutes"]);
    refused("[preview]\nseconds = \"long\"\n", 2, &[]);
}

#[test]
fn rules_that_ask_for_what_is_not_there() {
    let rules = format!("\n{}", RULE.replace("\"confirm\"", "\"save\""));
    refused(&rules, 2, &["rule mine", "save", "backup"]);
    refused(
        &RULE.replace("\"confirm\"", "\"block\""),
        1,
        &["rule mine", "block"],
    );
    refused(
        &RULE.replace("verb =", "path = [\"outside\"]\nverb ="),
        1,
        &["rule mine", "outside"],
    );
}

#[test]
fn rules_whose_examples_fail() {
    refused(
        &RULE.replace("match = [\"git commit -m x\"]", "match = [\"git log\"]"),
        1,
        &["rule mine", "git log"],
    );
    refused(
        &RULE.replace("no-match = [\"git status\"]", "no-match = [\"git commit\"]"),
        1,
        &["rule mine", "git commit"],
    );
    refused(
        &RULE.replace("safer = \"git status\"", "safer = \"git commit --amend\""),
        1,
        &["rule mine", "safer"],
    );
    refused(
        &RULE.replace("match = [\"git commit -m x\"]", "match = []"),
        1,
        &["rule mine"],
    );
    refused(&format!("{RULE}\n{RULE}"), 11, &["rule mine", "same id"]);
    refused(
        &RULE.replace("verb =", "operand-regex = \"(\"\nverb ="),
        1,
        &["rule mine", "operand-regex"],
    );
    refused(
        &RULE.replace("\"mine\"", "\"rm.root\""),
        1,
        &["rule rm.root", "same id"],
    );
}

#[test]
fn rules_that_cannot_be_read() {
    let world = World::new();
    std::fs::remove_file(world.path("config/rules.toml")).unwrap();
    std::fs::create_dir(world.path("config/rules.toml")).unwrap();
    let outcome = world.run("git commit --allow-empty -m x");
    assert_eq!(outcome.code, Some(78), "{outcome:?}");
    outcome.says("config/rules.toml");
    world.run("git log").says("config/rules.toml");
    let world = World::new();
    world.write("config/rules.toml", b"id = \"\xff\"\n");
    let outcome = world.run("git commit --allow-empty -m x");
    assert_eq!(outcome.code, Some(78), "{outcome:?}");
}

#[test]
fn rules_of_the_user_hold() {
    let world = World::new();
    world.rules(&format!("{RULE}always = true\n"));
    world.write("app/README.md", "changed\n");
    world
        .run("git commit -am x")
        .blocked()
        .says("is asked for [mine]");
    world.run("git status").ran();
    // They add; they take nothing away.
    world.rules(
        &RULE
            .replace("confirm", "allow")
            .replace("[\"commit\"]", "[\"reset\"]")
            .replace("git commit -m x", "git reset --hard"),
    );
    world.run("git reset --hard").blocked();
}

#[test]
fn a_tool_that_the_users_rules_name() {
    let world = World::new();
    world.rules(
        &RULE
            .replace("tool = \"git\"", "tool = \"deploy\"")
            .replace("verb = [\"commit\"]", "verb = [\"production\"]")
            .replace("git commit -m x", "deploy production")
            .replace(
                "no-match = [\"git status\"]",
                "no-match = [\"deploy staging\"]",
            ),
    );
    symlink(world.path("prefix/bin/guard"), world.shims().join("deploy")).unwrap();
    world.script("tools/deploy", "#!/bin/sh\necho deployed to $1\n");
    let search = [world.shims(), world.path("tools")];
    let run = |to: &str| world.command(&["deploy", to]).search(&search).run();
    assert_eq!(run("staging").stdout, "deployed to staging\n");
    run("production").blocked();
}

/// Gives a world to nobody, for commands that run as nobody.
fn open_to_all(world: &World) {
    if rustix::process::geteuid().is_root() {
        let chown = std::process::Command::new("chown")
            .args(["-R", "65534:65534"])
            .arg(world.path(""))
            .status()
            .unwrap();
        assert!(chown.success());
    }
}

#[test]
fn a_directory_that_cannot_be_read() {
    let world = World::new();
    world.write("app/data/secret/file", "cannot be counted\n");
    open_to_all(&world);
    let closed = world.path("app/data/secret");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    let outcome = world.command(&["rm", "-rf", "data"]).by_nobody().run();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).unwrap();
    outcome.blocked().says("could not be read");
    assert!(world.exists("app/data/secret/file"));
}

#[test]
fn the_directory_has_vanished() {
    let world = World::new();
    let outcome = world
        .sh("mkdir ../gone && cd ../gone && rmdir ../gone && rm -rf ../shared/uploads; echo $?");
    assert!(world.exists("shared/uploads/photo.jpg"), "{outcome:?}");
    let outcome = world.sh("mkdir ../gone && cd ../gone && rmdir ../gone && git status; exit $?");
    assert_eq!(outcome.code, Some(128), "{outcome:?}");
    assert!(!outcome.guard_said(), "{outcome:?}");
}

#[test]
fn the_directory_has_vanished_and_the_path_is_absolute() {
    let world = World::new();
    let outcome = world.sh(&format!(
        "mkdir ../gone && cd ../gone && rmdir ../gone && rm -rf {}; exit $?",
        world.path("shared/uploads").display()
    ));
    outcome.blocked();
    assert!(world.exists("shared/uploads/photo.jpg"));
}

/// Puts a git in front of the real one that takes a second for what `slow` (a shell pattern)
/// matches, while previews may take a tenth.
fn with_a_slow_git(world: &World, slow: &str) -> Vec<std::path::PathBuf> {
    world.rules("[preview]\nseconds = 0.1\n");
    let real = std::env::split_paths(&crate::support::real_path())
        .map(|directory| directory.join("git"))
        .find(|path| path.exists())
        .unwrap();
    world.script(
        "slow/git",
        &format!(
            "#!/bin/sh\ncase \" $* \" in *' {slow} '*) sleep 1;; esac\nexec {} \"$@\"\n",
            real.display()
        ),
    );
    let mut search = vec![world.shims(), world.path("slow")];
    search.extend(std::env::split_paths(&crate::support::real_path()));
    search
}

#[test]
fn a_preview_that_takes_too_long() {
    let world = World::new();
    let search = with_a_slow_git(&world, "status");
    world.write("app/README.md", "a day's work\n");
    let outcome = world
        .command(&["git", "reset", "--hard"])
        .search(&search)
        .run();
    outcome.blocked().says("longer than the time budget");
    assert_eq!(world.read("app/README.md"), "a day's work\n");
}

#[test]
fn a_revision_that_takes_too_long_to_find() {
    let world = World::new();
    world.git("app", &["checkout", "-q", "-b", "topic"]);
    let topic = world.commit_file("app", "a.rs", "a\n");
    world.git("app", &["tag", "-a", "v1", "-m", "notes"]);
    world.git("app", &["checkout", "-q", "main"]);
    world.write("app/README.md", "a day's work\n");
    world.git("app", &["stash", "-q"]);
    world.write("app/README.md", "a day's work\n");
    let search = with_a_slow_git(&world, "rev-parse");
    for line in [
        "git reset --hard",
        "git branch -D topic",
        "git branch -f topic main",
        "git tag -d v1",
        "git stash clear",
        "git update-ref -d refs/heads/topic",
        "git checkout -B topic main",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let outcome = world.command(&words).search(&search).run();
        assert_eq!(outcome.code, Some(77), "{line}: {outcome:?}");
    }
    assert_eq!(world.tip("app", "topic"), topic);
    assert_eq!(world.read("app/README.md"), "a day's work\n");
}

#[test]
fn names_that_are_no_text() {
    let world = World::new();
    let name = OsStr::from_bytes(b"caf\xe9 \x1b[2J\n\xff");
    std::fs::write(world.path("app").join(name), "work\n").unwrap();
    let outcome = world.command(&[OsStr::new("rm"), name]).run();
    outcome.blocked().says("caf\\xe9 \\u{1b}[2J\\n\\xff");
    assert!(!outcome.stderr.contains('\u{1b}'), "{outcome:?}");
    world.run("git clean -fd").blocked().says("1 file");
    world.run("rm -rf .").blocked();
    assert!(world.path("app").join(name).exists());
    let log = world.log();
    assert_eq!(log.len(), 3);
    world.guard(&["log", "verify"]).run().ran();
    // Committed, it is as recoverable as any other.
    world.commit("app", "odd names");
    world.command(&[OsStr::new("rm"), name]).run().ran();
    assert!(!world.path("app").join(name).exists());
    world.git("app", &["checkout", "-q", "--", "."]);
    std::fs::write(world.path("app").join(name), "changed\n").unwrap();
    world
        .command(&[OsStr::new("rm"), OsStr::new("--"), name])
        .run()
        .blocked();
    world.run("git checkout .").blocked();
}

#[test]
fn verbs_and_options_that_are_no_text() {
    let world = World::new();
    let odd = OsStr::from_bytes(b"\xff\xfe");
    for words in [
        vec![OsStr::new("git"), odd],
        vec![
            OsStr::new("git"),
            OsStr::new("-c"),
            odd,
            OsStr::new("status"),
        ],
        vec![OsStr::new("git"), OsStr::new("checkout"), odd],
        vec![OsStr::new("rm"), OsStr::from_bytes(b"--\xff")],
        vec![OsStr::new("kubectl"), odd],
        vec![OsStr::new("psql"), OsStr::new("-c"), odd],
        vec![OsStr::new("aws"), odd, odd],
        vec![OsStr::new("terraform"), odd],
    ] {
        let outcome = world.command(&words).run();
        assert!(
            outcome.code.is_some_and(|code| code != 101),
            "{words:?}: {outcome:?}"
        );
        assert!(!outcome.stderr.contains("panicked"), "{outcome:?}");
    }
}

#[test]
fn a_hundred_thousand_operands() {
    let world = World::new();
    std::fs::create_dir(world.path("app/data")).unwrap();
    for number in 0..100_000 {
        std::fs::File::create(world.path("app/data").join(format!("{number:06}"))).unwrap();
    }
    let outcome = world
        .command(&["sh", "-c", "cd data && rm -- *; exit $?"])
        .run();
    outcome.blocked().says("100000 files");
    // Three seconds of an unoptimised guard's time, beside the rest of the suite; what grows with the square
    // takes minutes.
    assert!(outcome.time < Duration::from_secs(30), "{:?}", outcome.time);
    assert!(outcome.stderr.len() < 10_000, "the message is short");
    assert!(world.exists("app/data/099999"));
    let outcome = world
        .command(&[
            "sh",
            "-c",
            "cd data && git checkout -- * 2>/dev/null; exit $?",
        ])
        .run();
    assert!(outcome.time < Duration::from_secs(60), "{:?}", outcome.time);
}

#[test]
fn no_home() {
    let world = World::new();
    let outcome = world
        .command(&["rm", "-rf", "../shared/uploads"])
        .without("HOME")
        .run();
    outcome.blocked();
    world
        .command(&["git", "status"])
        .without("HOME")
        .run()
        .ran();
    let outcome = world
        .command(&["rm", "-rf", "../shared/uploads"])
        .variable("HOME", "relative")
        .run();
    outcome.blocked();
    assert!(world.exists("shared/uploads/photo.jpg"));
    assert_eq!(world.log().len(), 2);
}

#[test]
fn an_empty_environment() {
    let world = World::new();
    let shim = world.shims().join("rm");
    let words = [
        OsStr::new("env"),
        OsStr::new("-i"),
        shim.as_os_str(),
        OsStr::new("-rf"),
        OsStr::new("../shared/uploads"),
    ];
    world.command(&words).run().blocked();
    assert!(world.exists("shared/uploads/photo.jpg"));
}

#[test]
fn a_state_directory_that_cannot_be_written() {
    let world = World::new();
    world.git("app", &["branch", "merged"]);
    open_to_all(&world);
    let state = world.path("state");
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o555)).unwrap();
    let blocked = world
        .command(&["rm", "-rf", "../shared/uploads"])
        .by_nobody()
        .run();
    assert_eq!(blocked.code, Some(77), "{blocked:?}");
    blocked.says("audit log").says("guard: blocked");
    // What loses nothing runs all the same.
    let harmless = world
        .command(&["git", "branch", "-D", "merged"])
        .by_nobody()
        .run();
    assert_eq!(harmless.code, Some(0), "{harmless:?}");
    harmless.says("audit log");
    // An approval that cannot be written down is none.
    world.write("app/notes", "never committed\n");
    let mut person = world
        .command(&["rm", "-f", "notes"])
        .by_nobody()
        .at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(78), "{outcome:?}");
    assert!(world.exists("app/notes"));
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A script that fills the state directory's own small file system, then runs a command.
const FULL: &str = "mount -t tmpfs -o size=16k,mode=777 guard-test ../state || exit 99
    cat /dev/zero > ../state/full 2>/dev/null
    \"$@\"; code=$?; ls ../state; wc -c < ../state/audit.jsonl 2>/dev/null; exit $code";

#[test]
fn a_full_disk() {
    let world = World::new();
    world.git("app", &["branch", "merged"]);
    let run = |words: &[&str]| {
        let unshare = ["unshare", "-rm", "sh", "-c", FULL, "sh"];
        world.command(&[&unshare[..], words].concat()).run()
    };
    let blocked = run(&["rm", "-rf", "../shared/uploads"]);
    if blocked.code == Some(99) || blocked.stderr.contains("unshare") {
        eprintln!("NOT TESTED: this system does not let tests mount a file system of their own");
        return;
    }
    assert_eq!(blocked.code, Some(77), "{blocked:?}");
    blocked.says("audit log").says("No space left");
    assert!(world.exists("shared/uploads/photo.jpg"));
    let harmless = run(&["git", "branch", "-D", "merged"]);
    assert_eq!(harmless.code, Some(0), "{harmless:?}");
    // Nothing half-written stays behind.
    assert!(
        harmless.stdout.trim_end().ends_with('0') || !harmless.stdout.contains("audit.jsonl"),
        "{harmless:?}"
    );
}

#[test]
fn a_limit_on_file_size() {
    let world = World::new();
    let outcome = world.sh("ulimit -f 0; rm -rf ../shared/uploads; exit $?");
    assert!(world.exists("shared/uploads/photo.jpg"));
    assert_eq!(outcome.code, Some(77), "{outcome:?}");
}

#[test]
fn a_log_that_is_no_log() {
    let world = World::new();
    world.write("state/audit.jsonl", "not a log\n{\"half\":");
    world.run("rm -rf ../shared/uploads").blocked();
    let text = world.read("state/audit.jsonl");
    assert!(
        text.starts_with("not a log\n{\"half\":\n{\"time\""),
        "{text}"
    );
    assert_eq!(world.guard(&["log", "verify"]).run().code, Some(1));
    world.guard(&["log"]).run().ran();
    let world = World::new();
    std::fs::create_dir(world.path("state/audit.jsonl")).unwrap();
    let outcome = world.run("rm -rf ../shared/uploads");
    assert_eq!(outcome.code, Some(77), "{outcome:?}");
    outcome.says("audit.jsonl").says("guard: blocked");
}

#[test]
fn two_guards_on_the_path() {
    let world = World::new();
    world.install("second");
    world.install("third");
    std::fs::remove_file(world.path("third/bin/guard")).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_guard"), world.path("third/bin/guard")).unwrap();
    crate::support::to_be_run(&world.path("third/bin/guard"));
    let shims = |prefix: &str| world.path(&format!("{prefix}/share/guard/shims"));
    let mut search = vec![
        shims("third"),
        world.shims(),
        shims("second"),
        shims("third"),
    ];
    search.extend(std::env::split_paths(&crate::support::real_path()));
    let run = |words: &[&str]| world.command(words).search(&search).run();
    run(&["git", "status"]).ran();
    run(&["rm", "-f", "missing"]).ran();
    run(&["rm", "-rf", "../shared/uploads"]).blocked();
    assert!(world.exists("shared/uploads/photo.jpg"));
}

#[test]
fn another_tools_shim_that_calls_back_for_ever() {
    let world = World::new();
    world.script("other/kubectl", "#!/bin/sh\nexec kubectl \"$@\"\n");
    let outcome = world
        .command(&["kubectl", "version"])
        .search(&[world.shims(), world.path("other")])
        .within(Duration::from_secs(20))
        .run();
    assert_eq!(outcome.code, Some(78), "{outcome:?}");
    outcome.says("came back to guard");
    assert!(outcome.stderr.lines().count() < 5, "{outcome:?}");
    // It grows with each turn.
    world.script("other/kubectl", "#!/bin/sh\nexec kubectl \"$@\" more\n");
    let outcome = world
        .command(&["kubectl", "version"])
        .search(&[world.shims(), world.path("other")])
        .within(Duration::from_secs(30))
        .run();
    assert_eq!(outcome.code, Some(78), "{outcome:?}");
    // It forks instead of exec.
    world.script("other/kubectl", "#!/bin/sh\nkubectl \"$@\"\n");
    let outcome = world
        .command(&["kubectl", "version"])
        .search(&[world.shims(), world.path("other")])
        .within(Duration::from_secs(20))
        .run();
    assert_eq!(outcome.code, Some(78), "{outcome:?}");
}

#[test]
fn another_tools_shim_that_calls_back_once() {
    let world = World::new();
    // As shims of version managers do: they look for the next one on PATH by themselves.
    world.script("real/kubectl", "#!/bin/sh\necho the real one\n");
    world.script(
        "other/kubectl",
        "#!/bin/sh\nPATH=${PATH#*:} exec kubectl \"$@\"\n",
    );
    let outcome = world
        .command(&["kubectl", "version"])
        .search(&[world.path("other"), world.shims(), world.path("real")])
        .run();
    assert_eq!(outcome.stdout, "the real one\n", "{outcome:?}");
}

#[test]
fn a_counter_from_elsewhere_passes_nothing() {
    let world = World::new();
    for value in [
        "",
        "0:0:0",
        "199:11:0",
        "999999:1:1",
        "-1",
        "x",
        "200:12:ffffffffffffffff",
    ] {
        let outcome = world
            .command(&["rm", "-rf", "../shared/uploads"])
            .variable("GUARD_LOOP", value)
            .run();
        assert!(
            matches!(outcome.code, Some(77 | 78)),
            "{value}: {outcome:?}"
        );
        assert!(world.exists("shared/uploads/photo.jpg"), "{value}");
    }
}

#[test]
fn variables_do_not_move_rules_and_log() {
    let world = World::new();
    world.rules(&RULE.replace("\"confirm\"", "\"deny\""));
    for place in ["home", "xdg"] {
        world.write(&format!("{place}/.config/guard/rules.toml"), "broken");
        world.write(&format!("{place}/guard/rules.toml"), "broken");
        world.write(&format!("{place}/rules.toml"), "broken");
    }
    let outcome = world
        .command(&["git", "commit", "--allow-empty", "-m", "x"])
        .variable("HOME", world.path("home"))
        .variable("XDG_CONFIG_HOME", world.path("xdg"))
        .variable("XDG_STATE_HOME", world.path("xdg"))
        .variable("GUARD_CONFIG", world.path("xdg"))
        .variable("GUARD_CONFIG_DIR", world.path("xdg"))
        .variable("GUARD_HOME", world.path("xdg"))
        .run();
    outcome.blocked().says("[mine]");
    assert_eq!(world.log().len(), 1);
    assert!(!world.exists("xdg/audit.jsonl") && !world.exists("home/.local"));
}

#[test]
fn switches_that_agents_try() {
    let world = World::new();
    for (name, value) in [
        ("GUARD_DISABLE", "1"),
        ("GUARD_OFF", "1"),
        ("GUARD_SKIP", "1"),
        ("GUARD_APPROVE", "1"),
        ("CI", "true"),
        ("NO_GUARD", "1"),
        ("DEBIAN_FRONTEND", "noninteractive"),
    ] {
        let outcome = world
            .command(&["rm", "-rf", "../shared/uploads"])
            .variable(name, value)
            .input("y\ndelete 2 files in ../shared/uploads\n")
            .run();
        outcome.blocked();
    }
    world.write("app/.guard.toml", "[[rule]]\n");
    world.write("app/guard.toml", "[[rule]]\n");
    world.write("app/rules.toml", "[[rule]]\n");
    world.run("rm -rf ../shared/uploads").blocked();
    assert!(world.exists("shared/uploads/photo.jpg"));
}

#[test]
fn many_at_once() {
    let world = World::new();
    let outcome = world.sh(
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
             rm -rf ../shared/uploads 2>/dev/null &
         done; wait",
    );
    assert_eq!(outcome.code, Some(0));
    assert!(world.exists("shared/uploads/photo.jpg"));
    assert_eq!(world.log().len(), 30);
    world.guard(&["log", "verify"]).run().ran();
}

#[test]
fn git_that_git_is_told_to_start() {
    let world = World::with_remote();
    for name in ["GIT_SSH_COMMAND", "GIT_EDITOR", "GIT_PAGER"] {
        for value in ["git", "/usr/bin/git push --force"] {
            let outcome = world
                .command(&["git", "push", "origin", "main"])
                .variable(name, value)
                .run();
            assert!(outcome.signal.is_none(), "{name}={value}: {outcome:?}");
        }
    }
}
