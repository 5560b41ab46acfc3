//! The user's rules file as a file: what is none, what is checked once, and what is kept of it.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use crate::support::World;

const RULE: &str = r#"
[[rule]]
id       = "team.no-tags"
tool     = "git"
verb     = ["tag"]
effect   = "deny"
reason   = "makes tags, which the release does"
safer    = "git log"
match    = ["git tag v1"]
no-match = ["git log"]
"#;

/// What only reads goes on, what may change something waits, and both say why.
fn is_broken(world: &World, why: &str) {
    let outcome = world
        .command(&["git", "status", "--short"])
        .within(Duration::from_secs(5))
        .run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains(why), "{outcome:?}");
    let outcome = world.run("git tag v1");
    assert_eq!(outcome.code, Some(78), "{outcome:?}");
}

#[test]
fn numbers_that_are_none() {
    let world = World::new();
    for text in ["[preview]\nseconds = nan\n", "[backup]\ndays = inf\n"] {
        world.rules(text);
        is_broken(&world, "which is no amount");
    }
    let loss = RULE.replace("effect ", "loss = { rows = nan }\neffect ");
    world.rules(&loss);
    is_broken(&world, "rule team.no-tags: the loss of rows is NaN");
}

#[test]
fn a_pipe_a_device_and_ten_megabytes() {
    let world = World::new();
    let file = world.path("config/rules.toml");
    std::fs::remove_file(&file).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &file, rustix::fs::Mode::RUSR).unwrap();
    is_broken(&world, "it is no file");
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
    is_broken(&world, "it is no file");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "#".repeat(10 << 20)).unwrap();
    is_broken(&world, "it is larger than a megabyte");
}

#[test]
fn what_was_checked_is_kept_and_only_that_counts() {
    let world = World::new();
    let is_denied = || world.run("git tag v1").code == Some(77);
    world.rules(RULE);
    assert!(is_denied());
    let kept = world.path("state/rules.checked");
    let text = std::fs::read_to_string(&kept).unwrap();
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(is_denied(), "by what was kept");

    // Changed, cut, of another form, or writable by others: it is not there for guard.
    for wrong in [
        text.replace("\"deny\"", "\"allow\""),
        text[..text.len() - 40].to_owned(),
        text.replacen("\"form\":1", "\"form\":2", 1),
        String::new(),
    ] {
        std::fs::write(&kept, &wrong).unwrap();
        assert!(is_denied(), "{wrong}");
    }
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(is_denied());

    // A new content is checked anew.
    world.rules(
        &RULE
            .replace("[\"tag\"]", "[\"branch\"]")
            .replace("git tag v1", "git branch v1"),
    );
    assert!(!is_denied());
    world.rules(&RULE.replace("match    = [\"git tag v1\"]", "match    = [\"git log\"]"));
    is_broken(&world, "rule team.no-tags: it does not match its example");
}
