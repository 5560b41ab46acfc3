//! guard's own commands: explain, check, log, rules, completions, help.

use crate::support::World;
use serde_json::{Value, json};

/// The commands of an explanation as `tool verdict first-rule`, without measuring.
fn read(world: &World, command: &str) -> (Vec<String>, Value) {
    let outcome = world
        .guard(&["explain", "--json", "--no-preview", command])
        .run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let explained: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let commands = explained["commands"].as_array().unwrap();
    let shown = commands
        .iter()
        .map(|one| {
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let rule = one["rules"]
                .get(0)
                .map_or("-".to_owned(), |rule| text(&rule["id"]));
            format!("{} {} {rule}", text(&one["tool"]), text(&one["verdict"]))
        })
        .collect();
    (shown, explained)
}

#[test]
fn what_explain_prints() {
    let world = World::new();
    let outcome = world
        .guard(&["explain", "rm -rf ../shared/uploads && git reset --hard"])
        .run();
    outcome.ran();
    let root = world.path("").display().to_string();
    let text = outcome.stdout.replace(root.trim_end_matches('/'), "/world");
    insta::assert_snapshot!(text, @"
    rm -rf ../shared/uploads
      read as    rm --recursive --force
      path       ../shared/uploads: outside the workspace (/world/shared/uploads)
      rule       rm.escape (confirm): it deletes outside the workspace
      would lose 2 files (61 B) that no commit holds: ../shared/uploads/letter.txt (31 B), ../shared/uploads/photo.jpg (30 B)
      verdict    confirm: a person would have to type a phrase first
      safer      ls -la

    git reset --hard
      read as    git reset --hard
      rule       git.reset.hard (backup): it discards uncommitted changes and leaves commits behind
      would lose nothing
      note       nothing would be lost
      verdict    allow: it would run at once

    Together: confirm
    ");
}

#[test]
fn what_a_block_prints() {
    let world = World::new();
    world.write("app/README.md", "changed\n");
    let outcome = world.run("git reset --hard");
    let text = outcome.stderr.replace(&world.request(), "7F3K");
    insta::assert_snapshot!(text, @"
    guard: blocked: git reset --hard
      would lose: 1 file with uncommitted changes: README.md
      because it discards uncommitted changes and leaves commits behind [git.reset.hard]
      No person's terminal is attached to this command.
      Nothing was changed. A person must approve it in a terminal of their own: guard approve 7F3K
      (Before their first approval they set a passphrase there: guard key init)
      Tell them what you wanted to do and why. Once they have approved, run the same command again; the request is kept for 1 day.
      Do not look for another way to the same end (another path, shell, language or tool).
      Safer: git stash push --include-untracked
    ");
}

#[test]
fn strings_are_read_as_a_shell_reads_them() {
    let world = World::new();
    for (string, commands) in [
        (
            "rm -rf ../shared && echo done",
            vec!["rm confirm rm.escape", "- allow -"],
        ),
        (
            "cd ../shared; rm -rf uploads",
            vec!["- allow -", "rm confirm rm.escape"],
        ),
        (
            "cd .. && cd app && rm README.md",
            vec!["- allow -", "- allow -", "rm confirm rm.delete"],
        ),
        ("sudo rm -rf /", vec!["- allow -", "rm deny rm.root"]),
        (
            "sudo -u me -- rm -rf /",
            vec!["- allow -", "rm deny rm.root"],
        ),
        (
            "env -u B A=1 git push --force",
            vec!["- allow -", "git confirm git.push.force"],
        ),
        ("A=1 git clean -fdx", vec!["git confirm git.clean"]),
        (
            "ls | xargs rm -rf",
            vec!["- allow -", "- allow -", "rm confirm rm.delete"],
        ),
        (
            "bash -c 'git reset --hard'",
            vec!["- allow -", "git confirm git.reset.hard"],
        ),
        (
            "bash -lc \"cd /; rm -rf *\"",
            vec!["- allow -", "- allow -", "rm deny rm.home"],
        ),
        (
            "find . -name '*.rs' -exec rm {} +",
            vec!["- allow -", "rm confirm rm.delete"],
        ),
        (
            "(git stash clear) 2>/dev/null &",
            vec!["git confirm git.stash.drop"],
        ),
        (
            "if true; then rm -rf ~; fi",
            vec!["- allow -", "rm deny rm.home"],
        ),
        (
            "for i in 1 2; do git clean -f; done",
            vec!["git confirm git.clean"],
        ),
        (
            "timeout 5 nice -n 3 nohup rm -rf /",
            vec!["- allow -", "- allow -", "- allow -", "rm deny rm.root"],
        ),
        ("echo 'rm -rf /'", vec!["- allow -"]),
        ("git commit -m 'git reset --hard'", vec!["git allow -"]),
        ("# rm -rf /", vec![]),
        ("/bin/rm -rf /", vec!["rm deny rm.root"]),
        ("\\rm -rf /", vec!["rm deny rm.root"]),
        ("'r'm -rf \"/\"", vec!["rm deny rm.root"]),
        ("$'rm' -rf /", vec!["rm deny rm.root"]),
        ("eval 'rm -rf /'", vec!["- allow -", "rm deny rm.root"]),
        ("echo $(rm -rf /)", vec!["rm deny rm.root", "- allow -"]),
        ("cat <(rm -rf /)", vec!["rm deny rm.root", "- allow -"]),
        ("rm -rf {/,x}", vec!["rm deny rm.root"]),
        ("rm -rf $HOME", vec!["rm deny rm.home"]),
    ] {
        let (mut found, explained) = read(&world, string);
        let mut commands = commands;
        // The order of a command and of what stands inside it is nobody's concern.
        found.sort();
        commands.sort_unstable();
        // A loop may be read once for each turn.
        found.dedup();
        // Wrappers may be shown by themselves or not at all.
        found.retain(|line| line != "- allow -");
        commands.retain(|line| *line != "- allow -");
        assert_eq!(found, commands, "{string}: {explained:#}");
    }
}

#[test]
fn what_cannot_be_known_is_said() {
    let world = World::new();
    for string in [
        "rm -rf \"$X\"",
        "rm -rf $X/",
        "rm -rf $(cat list)",
        "rm -rf `cat list`",
        "git clean -fdx $X",
    ] {
        let explained = world.explain(string);
        assert_eq!(explained["verdict"], "confirm", "{string}: {explained:#}");
        let shown = explained.to_string();
        assert!(
            shown.contains("not known before it runs") || shown.contains("is not known"),
            "{string}: {explained:#}"
        );
    }
    let explained = world.explain("$TOOL -rf /");
    assert_eq!(explained["commands"][0]["tool"], Value::Null);
    assert!(
        explained["commands"][0]["notes"]
            .to_string()
            .contains("known only when it runs"),
        "{explained:#}"
    );
    let explained = world.explain("rm -rf 'unclosed");
    assert_eq!(explained["verdict"], "confirm");
    assert!(explained["problem"].is_string(), "{explained:#}");
}

#[test]
fn the_shape_of_explain_json() {
    let world = World::new();
    let explained = world.explain("rm -rf ../shared/uploads; ls");
    assert_eq!(explained["verdict"], "confirm");
    let one = &explained["commands"][0];
    assert_eq!(one["tool"], "rm");
    assert_eq!(one["argv"], json!(["rm", "-rf", "../shared/uploads"]));
    assert_eq!(one["verdict"], "confirm");
    let rule = &one["rules"][0];
    assert_eq!(rule["id"], "rm.escape");
    assert_eq!(rule["effect"], "confirm");
    assert!(rule["reason"].is_string() && rule["safer"].is_string());
    assert_eq!(one["environment"], Value::Null);
    assert_eq!(one["preview"]["status"], "exact");
    assert_eq!(one["preview"]["loss"]["files"], 2);
    assert!(one["notes"].is_array());
    let other = &explained["commands"][1];
    assert_eq!(other["tool"], Value::Null);
    assert_eq!(other["verdict"], "allow");
    assert!(world.exists("shared/uploads/photo.jpg"));
    assert_eq!(world.log().len(), 0, "explaining is not asking");
}

#[test]
fn words_after_two_dashes_are_an_argv() {
    let world = World::new();
    let outcome = world
        .guard(&[
            "explain",
            "--json",
            "--",
            "rm",
            "-rf",
            "a b",
            "$X",
            "; rm -rf /",
        ])
        .run();
    let explained: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        explained["commands"].as_array().unwrap().len(),
        1,
        "{explained:#}"
    );
    assert_eq!(
        explained["commands"][0]["argv"],
        json!(["rm", "-rf", "a b", "$X", "; rm -rf /"])
    );
    let outcome = world
        .guard(&["check", "--", "git", "push", "--force", "--help"])
        .run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

#[test]
fn an_environment_is_named() {
    let world = World::new();
    let explained = world.explain("kubectl --context prod-eu delete namespace shop");
    let one = &explained["commands"][0];
    assert_eq!(one["environment"]["name"], "production", "{explained:#}");
    assert!(!one["environment"]["signals"].as_array().unwrap().is_empty());
    assert_ne!(one["verdict"], "allow");
}

#[test]
fn check_is_the_verdict_as_an_exit_code() {
    let world = World::new();
    world.write("app/notes.txt", "untracked\n");
    for (command, code) in [
        ("git reset --hard", 0),
        ("git status && ls", 0),
        ("rm -f README.md", 0),
        ("rm notes.txt", 77),
        ("rm -rf /", 77),
        ("rm -rf ../shared", 77),
        ("git clean -fd", 77),
        ("ls; bash -c 'git clean -fd'", 77),
        ("echo 'unclosed", 77),
        ("", 0),
    ] {
        let outcome = world.guard(&["check", command]).run();
        assert_eq!(outcome.code, Some(code), "{command}: {outcome:?}");
        assert_eq!(outcome.stdout, "", "{command}");
    }
    assert!(world.exists("app/notes.txt"));
}

#[test]
fn check_batch_answers_line_by_line() {
    let world = World::new();
    let shared = world.path("shared");
    let input = [
        json!({"command": "git status"}).to_string(),
        json!({"command": "rm -rf ../shared/uploads"}).to_string(),
        json!({"command": "rm -rf uploads", "cwd": shared}).to_string(),
        json!({"command": "rm -rf / && true", "cwd": "/nowhere"}).to_string(),
        "not json".to_owned(),
        json!({"command": "echo \u{e9}\n\"quoted\""}).to_string(),
    ]
    .join("\n");
    let outcome = world.guard(&["check", "--batch"]).input(input).run();
    let verdicts: Vec<Value> = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["verdict"].clone())
        .collect();
    assert_eq!(
        verdicts,
        ["allow", "confirm", "confirm", "deny", "confirm", "allow"]
    );
    assert_ne!(
        outcome.code,
        Some(0),
        "one line could not be read: {outcome:?}"
    );
    let outcome = world
        .guard(&["check", "--batch"])
        .input("{\"command\": \"rm -rf src\"}\n")
        .run();
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["commands"][0]["preview"]["status"], "skipped");
    assert_eq!(outcome.code, Some(0));
}

#[test]
fn check_batch_does_not_wait_for_the_end_of_a_pipe() {
    let world = World::new();
    let guard = world.path("prefix/bin/guard");
    // One question, one answer, while the pipe stays open: as a long-lived hook asks.
    let script = format!(
        "mkfifo ask answer; {} check --batch <ask >answer & exec 3>ask 4<answer
         echo '{{\"command\": \"rm -rf /\"}}' >&3; read -r line <&4; echo \"$line\"; exec 3>&-; wait",
        guard.display()
    );
    let outcome = world
        .command(&["sh", "-c", &script])
        .within(std::time::Duration::from_secs(10))
        .run();
    assert!(outcome.stdout.contains("deny"), "{outcome:?}");
}

#[test]
fn the_log_and_its_chain() {
    let world = World::new();
    world.write("app/.env", "SECRET=1\n");
    world.git("app", &["branch", "merged"]);
    world.run("rm -rf ../shared/uploads").blocked();
    world.run("git branch -D merged").ran();
    world
        .command(&[
            "git",
            "push",
            "--force",
            "https://me:hunter2@example.invalid/x",
            "main",
        ])
        .run()
        .blocked();
    world.run("rm -rf /").blocked();
    let text = world.guard(&["log"]).run();
    text.ran();
    assert_eq!(text.stdout.lines().count(), 4);
    assert!(text.stdout.contains("rm -rf ../shared/uploads"), "{text:?}");
    assert!(!text.stdout.contains("hunter2"), "{text:?}");
    assert!(!world.read("state/audit.jsonl").contains("hunter2"));
    let lines = world.guard(&["log", "--json"]).run();
    let entries: Vec<Value> = lines
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let answers: Vec<&Value> = entries.iter().map(|entry| &entry["answer"]).collect();
    assert_eq!(
        answers,
        ["blocked", "nothing would be lost", "blocked", "denied"]
    );
    assert_eq!(entries[3]["verdict"], "deny");
    assert_eq!(entries[0]["rules"], json!(["rm.escape"]));
    assert_eq!(entries[0]["cwd"], world.path("app").to_str().unwrap());
    assert_eq!(
        world
            .guard(&["log", "--since", "1h"])
            .run()
            .stdout
            .lines()
            .count(),
        4
    );
    assert_eq!(
        world.guard(&["log", "--since", "2100-01-01"]).run().stdout,
        ""
    );
    assert_eq!(
        world.guard(&["log", "--since", "yesterday"]).run().code,
        Some(1)
    );
    let verified = world.guard(&["log", "verify"]).run();
    verified.ran();
    assert!(verified.stdout.contains("4 entries"), "{verified:?}");
}

#[test]
fn a_log_that_was_tampered_with() {
    type Change = fn(&str) -> String;
    let changes: [(usize, Change); 4] = [
        (2, |text| text.replacen("two", "TWO", 1)),
        (2, |text| {
            let lines: Vec<&str> = text.lines().collect();
            format!("{}\n{}\n", lines[0], lines[2])
        }),
        (3, |text| {
            let lines: Vec<&str> = text.lines().collect();
            format!("{}\n{}\n{}\n{}\n", lines[0], lines[1], lines[1], lines[2])
        }),
        (1, |text| {
            text.replacen("\"blocked\"", "\"approved at the terminal\"", 1)
        }),
    ];
    for (line, change) in changes {
        let world = World::new();
        for name in ["one", "two", "three"] {
            world.write(&format!("app/{name}"), "work\n");
            world.run(&format!("rm {name}")).blocked();
        }
        world.guard(&["log", "verify"]).run().ran();
        let text = change(&world.read("state/audit.jsonl"));
        world.write("state/audit.jsonl", text);
        let outcome = world.guard(&["log", "verify"]).run();
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        outcome.says(&format!("audit.jsonl:{line}: "));
    }
}

#[test]
fn no_log_yet() {
    let world = World::new();
    world.guard(&["log"]).run().ran();
    let outcome = world.guard(&["log", "verify"]).run();
    outcome.ran();
    assert!(outcome.stdout.contains("0 entries"), "{outcome:?}");
}

#[test]
fn rules_can_be_listed_and_tested() {
    let world = World::new();
    let listed = world.guard(&["rules", "list"]).run();
    listed.ran();
    for id in ["rm.root", "git.push.force", "psql.drop"] {
        assert!(listed.stdout.contains(id), "{id}");
    }
    let json = world.guard(&["rules", "list", "--json"]).run();
    for line in json.stdout.lines() {
        let rule: Value = serde_json::from_str(line).unwrap();
        for key in ["id", "tool", "effect", "reason", "safer"] {
            assert!(rule[key].is_string(), "{key}: {rule}");
        }
    }
    world.guard(&["rules", "test"]).run().ran();
    let mine = "[[rule]]\nid = \"mine\"\ntool = \"git\"\nverb = [\"log\"]\neffect = \"deny\"\nreason = \"is mine\"\nsafer = \"git status\"\nmatch = [\"git log\"]\nno-match = [\"git status\"]\n";
    world.rules(mine);
    let listed = world.guard(&["rules", "list"]).run();
    let line = listed
        .stdout
        .lines()
        .find(|line| line.starts_with("mine"))
        .unwrap();
    assert!(line.contains("deny") && line.contains("(yours)"), "{line}");
    let tested = world.guard(&["rules", "test"]).run();
    tested.ran();
    assert!(
        tested.stdout.contains("rules: 1, all examples hold"),
        "{tested:?}"
    );
    world.write("app/draft.toml", mine.replace("git status", "git log"));
    let tested = world.guard(&["rules", "test", "draft.toml"]).run();
    assert_eq!(tested.code, Some(1));
    tested.says("draft.toml:1: rule mine");
    assert_eq!(
        world.guard(&["rules", "test", "missing.toml"]).run().code,
        Some(1)
    );
}

#[test]
fn completions_that_shells_accept() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        let outcome = world.guard(&["completions", shell]).run();
        outcome.ran();
        for word in ["explain", "check", "rules", "completions"] {
            assert!(outcome.stdout.contains(word), "{shell}: {word}");
        }
        world.write(&format!("app/completions.{shell}"), &outcome.stdout);
    }
    world
        .command(&["bash", "-n", "completions.bash"])
        .run()
        .ran();
    assert_eq!(world.guard(&["completions", "cmd"]).run().code, Some(2));
}

#[test]
fn help_and_usage() {
    let world = World::new();
    for arguments in [
        &["--help"][..],
        &["help"],
        &["explain", "--help"],
        &["check", "-h"],
        &["log", "--help"],
        &["rules", "--help"],
    ] {
        let outcome = world.guard(arguments).run();
        outcome.ran();
        assert!(outcome.stdout.contains("Usage:"), "{outcome:?}");
    }
    let help = world.guard(&["--help"]).run().stdout;
    for command in [
        "explain",
        "check",
        "log",
        "rules",
        "completions",
        "77",
        "78",
    ] {
        assert!(help.contains(command), "{command}");
    }
    let version = world.guard(&["--version"]).run().stdout;
    assert_eq!(version, format!("guard {}\n", env!("CARGO_PKG_VERSION")));
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["explain"],
        &["check"],
        &["check", "--batch", "x"],
        &["log", "--nonsense"],
    ] {
        let outcome = world.guard(arguments).run();
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {outcome:?}");
        assert!(
            outcome.stderr.contains("Usage:"),
            "{arguments:?}: {outcome:?}"
        );
    }
}

#[test]
fn a_reader_that_goes_away() {
    let world = World::new();
    let guard = world.path("prefix/bin/guard");
    let outcome = world.sh(&format!(
        "{} rules list | head -n 1 >/dev/null",
        guard.display()
    ));
    assert_eq!(outcome.code, Some(0));
    assert!(!outcome.stderr.contains("panicked"), "{outcome:?}");
}

#[test]
fn what_is_shown_cannot_reach_the_terminal() {
    let world = World::new();
    let name = "\u{1b}]0;owned\u{7}\u{202e}x";
    world.write(&format!("app/{name}"), "work\n");
    for arguments in [vec!["explain", "--", "rm", name], vec!["explain", "rm *"]] {
        let outcome = world.guard(&arguments).run();
        outcome.ran();
        assert!(outcome.stdout.contains("owned"), "{outcome:?}");
        assert!(
            !outcome.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']),
            "{outcome:?}"
        );
    }
    world.command(&["rm", name]).run().blocked();
    let outcome = world.guard(&["log"]).run();
    assert!(
        !outcome.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{outcome:?}"
    );
}
