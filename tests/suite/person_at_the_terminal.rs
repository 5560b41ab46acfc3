//! A person at a terminal: asked, believed only for the exact phrase, and never impersonated.

use crate::support::{Outcome, Person, World};

const RESET: [&str; 3] = ["git", "reset", "--hard"];

#[track_caller]
fn not_asked(outcome: &Outcome) {
    assert_eq!(outcome.code, Some(77), "{outcome:?}");
    assert!(!outcome.stdout.contains("type exactly"), "{outcome:?}");
}

/// Types a wrong phrase, then the right one; the phrase.
#[track_caller]
fn approves(person: &mut Person) -> String {
    let phrase = person.phrase();
    person.line("yes");
    person.until("That is not the phrase.");
    assert_eq!(person.phrase(), phrase);
    person.line(&phrase);
    phrase
}

#[test]
fn a_reset_that_a_person_approves() {
    let world = World::with_uncommitted_work();
    let mut person = world.command(&RESET).at_terminal();
    assert_eq!(approves(&mut person), "discard 1 file in app");
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("HEAD is now at"), "{outcome:?}");
    assert_eq!(world.read("app/README.md"), "an app\n");
    let log = world.log();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0]["answer"], "approved at the terminal");
}

#[test]
fn an_rm_outside_that_a_person_approves() {
    let world = World::new();
    let mut person = world
        .command(&["rm", "-rf", "../shared/uploads"])
        .at_terminal();
    assert_eq!(approves(&mut person), "delete 2 files in ../shared/uploads");
    assert_eq!(person.ends().code, Some(0));
    assert!(!world.exists("shared/uploads"));
    assert!(world.exists("shared"));
}

#[test]
fn a_forced_push_that_a_person_approves() {
    let world = World::with_remote();
    world.commit_file("colleague", "hers.rs", "hers\n");
    world.git("colleague", &["push", "-q"]);
    let mine = world.commit_file("app", "mine.rs", "mine\n");
    world.git("app", &["fetch", "-q"]);
    let mut person = world.command(&["git", "push", "--force"]).at_terminal();
    assert_eq!(approves(&mut person), "drop 1 commit from origin/main");
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(world.tip("origin.git", "main"), mine);
}

#[test]
fn a_forced_push_of_unknown_size_that_a_person_approves() {
    let world = World::with_remote();
    world.commit_file("colleague", "hers.rs", "hers\n");
    world.git("colleague", &["push", "-q"]);
    let mine = world.commit_file("app", "mine.rs", "mine\n");
    let mut person = world.command(&["git", "push", "--force"]).at_terminal();
    approves(&mut person);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(world.tip("origin.git", "main"), mine);
}

#[test]
fn a_clean_that_a_person_approves() {
    let world = World::new();
    world.write("app/.env", "SECRET=1\n");
    let mut person = world.command(&["git", "clean", "-fdx"]).at_terminal();
    person.until("1 file");
    person.until(".env");
    approves(&mut person);
    assert_eq!(person.ends().code, Some(0));
    assert!(!world.exists("app/.env"));
}

#[test]
fn a_checkout_and_an_alias_that_a_person_approves() {
    for line in ["git checkout -- .", "git tidy"] {
        let world = World::with_uncommitted_work();
        world.git("app", &["config", "alias.tidy", "reset --hard"]);
        let words: Vec<&str> = line.split(' ').collect();
        let mut person = world.command(&words).at_terminal();
        approves(&mut person);
        assert_eq!(person.ends().code, Some(0), "{line}");
        assert_eq!(world.read("app/README.md"), "an app\n", "{line}");
    }
}

#[test]
fn three_wrong_phrases() {
    let world = World::with_uncommitted_work();
    let mut person = world.command(&RESET).at_terminal();
    for wrong in ["y", "discard 2 files in app", "Discard 1 file"] {
        person.phrase();
        person.line(wrong);
    }
    assert_eq!(person.ends().code, Some(77));
    world.work_is_there();
    assert_eq!(world.log()[0]["answer"], "refused at the terminal");
}

#[test]
fn no_answer_is_no() {
    // An empty line, and the end of input.
    for keys in ["\r", "\u{4}"] {
        let world = World::with_uncommitted_work();
        let mut person = world.command(&RESET).at_terminal();
        person.phrase();
        person.keys(keys);
        assert_eq!(person.ends().code, Some(77));
        world.work_is_there();
    }
}

#[test]
fn the_question_closes_by_itself() {
    let world = World::with_uncommitted_work();
    world.rules("[person]\nseconds = 1\n");
    let mut person = world.command(&RESET).at_terminal();
    person.phrase();
    person.keys("discard 1 fi");
    person.until("No answer in time");
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(77));
    assert!(outcome.time.as_secs() < 20, "{outcome:?}");
    world.work_is_there();
}

#[test]
fn what_was_typed_before_the_question_answers_nothing() {
    let world = World::with_uncommitted_work();
    let mut person = world
        .command(&["sh", "-c", "read go; git reset --hard"])
        .at_terminal();
    person.keys("go\rdiscard 1 file\rdiscard 1 file\r");
    assert_eq!(person.phrase(), "discard 1 file in app");
    world.work_is_there();
    person.line("");
    assert_eq!(person.ends().code, Some(77));
    world.work_is_there();
}

/// A shell whose terminal outlives guard, so that the modes can be looked at afterwards.
const AND_THEN: &str = "trap : INT QUIT TERM HUP; git reset --hard; echo \"code $?\"; read end";

#[test]
fn signals_leave_the_terminal_and_the_work_as_they_were() {
    for (number, key) in [
        (libc::SIGINT, Some("\u{3}")),
        (libc::SIGQUIT, Some("\u{1c}")),
        (libc::SIGTERM, None),
        (libc::SIGHUP, None),
    ] {
        let world = World::with_uncommitted_work();
        let mut person = world.command(&["sh", "-c", AND_THEN]).at_terminal();
        let modes = person.modes();
        person.phrase();
        match key {
            Some(key) => person.keys(key),
            None => person.signal(number),
        }
        person.until("nothing was changed");
        person.until("code ");
        let code: i32 = person.until("\r\n").trim().parse().unwrap();
        assert!(code == 77 || code == 128 + number, "{number}: {code}");
        assert_eq!(person.modes(), modes, "{number}");
        world.work_is_there();
        person.line("");
        person.ends();
    }
}

#[test]
fn suspended_and_continued() {
    let world = World::with_uncommitted_work();
    let script = "set -m; git reset --hard; echo \"suspended $?\"; fg; echo \"code $?\"; read end";
    let mut person = world.command(&["sh", "-c", script]).at_terminal();
    let modes = person.modes();
    let phrase = person.phrase();
    person.keys("\u{1a}");
    person.until("suspended 148");
    assert_eq!(person.phrase(), phrase, "it is asked again");
    assert_eq!(person.modes(), modes);
    world.work_is_there();
    person.line("");
    person.until("code 77");
    assert_eq!(person.modes(), modes);
    world.work_is_there();
}

#[test]
fn a_loss_that_grows_meanwhile_is_asked_about_again() {
    let world = World::with_uncommitted_work();
    let mut person = world.command(&RESET).at_terminal();
    let phrase = person.phrase();
    world.write("app/src/main.rs", "fn main() { work() }\n");
    person.line(&phrase);
    assert_eq!(person.phrase(), "discard 2 files in app");
    world.work_is_there();
    person.line(&phrase);
    assert_eq!(person.phrase(), "discard 2 files in app");
    person.line("discard 2 files in app");
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(world.read("app/src/main.rs"), "fn main() {}\n");
}

#[test]
fn the_question_is_on_the_terminal_whatever_is_redirected() {
    let world = World::with_uncommitted_work();
    let script = "git reset --hard </dev/null >../out 2>../err";
    let mut person = world.command(&["sh", "-c", script]).at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert!(world.read("out").starts_with("HEAD is now at"));
    assert_eq!(world.read("err"), "");
}

#[test]
fn a_pipe_does_not_answer() {
    let world = World::with_uncommitted_work();
    let script = "yes 'discard 1 file' | git reset --hard; exit $?";
    let mut person = world.command(&["sh", "-c", script]).at_terminal();
    person.until("type exactly:");
    person.until("\n> ");
    // The pipe's writer may be the innermost process, so no key is typed before guard waits.
    person.settled();
    world.work_is_there();
    person.keys("\u{3}");
    let outcome = person.ends();
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
    world.work_is_there();
}

#[test]
fn names_cannot_forge_the_question() {
    let world = World::new();
    world.write("app/\u{1b}[2Jx\nTo run it, type exactly:  y\n", "x\n");
    let mut person = world
        .command(&[
            "rm",
            "-rf",
            "--",
            "\u{1b}[2Jx\nTo run it, type exactly:  y\n",
        ])
        .at_terminal();
    let before = person.until("\nTo run it, type exactly:");
    assert!(!before.contains('\u{1b}'), "{before:?}");
    assert!(before.contains("\\u{1b}[2Jx\\nTo run it"), "{before:?}");
    assert!(person.until("\r\n").trim().starts_with("delete 1 file in "));
    person.until("\n> ");
    person.settled();
    person.line("");
    assert_eq!(person.ends().code, Some(77));
}

#[test]
fn an_agents_variable_speaks_against_a_person() {
    let world = World::with_uncommitted_work();
    for (name, value) in [
        ("CLAUDECODE", "1"),
        ("CODEX_CI", "1"),
        ("GEMINI_CLI", "1"),
        ("AGENT", "goose"),
        ("OR_APP_NAME", "Aider"),
    ] {
        let person = world.command(&RESET).variable(name, value).at_terminal();
        let outcome = person.ends();
        not_asked(&outcome);
        assert!(outcome.stdout.contains(name), "{outcome:?}");
        world.work_is_there();
    }
    // Another program's name for itself is no agent.
    let mut person = world
        .command(&RESET)
        .variable("OR_APP_NAME", "Editor")
        .at_terminal();
    person.phrase();
    person.line("");
    assert_eq!(person.ends().code, Some(77));
}

#[test]
fn an_agent_above_speaks_against_a_person() {
    let world = World::with_uncommitted_work();
    let agents = [
        world.script("bin/claude", "#!/bin/sh\ngit reset --hard\nexit $?\n"),
        world.script(
            "bin/codex.js",
            "#!/bin/sh\nsh -c 'git reset --hard; exit $?'\nexit $?\n",
        ),
        world.script(
            "lib/node_modules/@google/gemini-cli/main",
            "#!/bin/sh\nenv -i PATH=\"$PATH\" HOME=\"$HOME\" git reset --hard\nexit $?\n",
        ),
    ];
    for agent in agents {
        let outcome = world.command(&[agent]).at_terminal().ends();
        not_asked(&outcome);
        world.work_is_there();
    }
}

#[test]
fn a_driver_at_the_other_end_is_no_person() {
    let world = World::with_uncommitted_work();
    let typed = "discard 1 file\n".repeat(5);
    let outcome = world
        .command(&["script", "-qec", "git reset --hard", "/dev/null"])
        .input(&typed)
        .run();
    not_asked(&outcome);
    world.work_is_there();
    let outcome = world
        .command(&["script", "-qec", "git reset --hard", "/dev/null"])
        .at_terminal()
        .ends();
    not_asked(&outcome);
    world.work_is_there();
}

#[test]
fn nobody_is_asked_in_the_background() {
    let world = World::with_uncommitted_work();
    let script = "set -m; git reset --hard & wait $!; exit $?";
    let outcome = world.command(&["sh", "-c", script]).at_terminal().ends();
    not_asked(&outcome);
    world.work_is_there();
}

#[test]
fn what_is_never_allowed_is_not_asked_about() {
    let world = World::new();
    let guard = world.path("prefix/bin/guard");
    let outcome = world
        .command(&["rm", "-f", guard.to_str().unwrap()])
        .at_terminal()
        .ends();
    not_asked(&outcome);
    assert!(world.exists("prefix/bin/guard"));
}

#[test]
fn nothing_lost_is_not_asked_about() {
    let world = World::new();
    let outcome = world.command(&RESET).at_terminal().ends();
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.stdout.starts_with("HEAD is now at"), "{outcome:?}");
}
