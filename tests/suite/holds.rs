//! Freeze, plan mode, the lock, and the second screen.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::World;

const PASSPHRASE: &str = "correct horse battery";

fn world() -> World {
    let world = World::new();
    let mut person = world.guard(&["key", "init", "--name", "ada"]).at_terminal();
    person.secret("New passphrase: ", PASSPHRASE);
    person.secret("The same again: ", PASSPHRASE);
    person.until("The key is made");
    person.ends();
    world
}

#[track_caller]
fn guard(world: &World, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let outcome = world.guard(&words).run();
    assert_eq!(outcome.code, Some(0), "{line}: {outcome:?}");
    outcome.stdout
}

const READING: [&str; 14] = [
    "git status",
    "git log",
    "git diff HEAD",
    "git branch",
    "git branch --show-current",
    "git rev-parse HEAD",
    "git config user.name",
    "git config --get remote.origin.url",
    "git remote -v",
    "git stash list",
    "git --version",
    "git push --dry-run",
    "git clean -n",
    "rm --help",
];

const WRITING: [&str; 8] = [
    "git add README.md",
    "git commit --allow-empty -m x",
    "git checkout -b topic",
    "git reset --hard",
    "git config user.name Ada",
    "git branch topic",
    "rm README.md",
    "rm -f missing",
];

#[test]
fn a_freeze_holds_everything_that_changes_something() {
    let world = world();
    guard(&world, "freeze");
    for line in READING {
        let outcome = world.run(line);
        assert_ne!(outcome.code, Some(77), "{line}: {outcome:?}");
    }
    for line in WRITING {
        world.run(line).blocked().says("frozen").says("guard thaw");
    }
    world.sh("git config alias.c 'commit --allow-empty -m x'; exit 0");
    world
        .command(&["git", "-c", "alias.c=!git commit --allow-empty -m x", "c"])
        .run()
        .blocked();
    assert_eq!(world.git("app", &["rev-list", "--count", "HEAD"]), "1");
    assert!(world.exists("app/README.md"));
    // A person at the keys is held too: the freeze has to be ended first.
    let outcome = world
        .command(&["git", "commit", "--allow-empty", "-m", "x"])
        .at_terminal()
        .ends();
    assert_eq!(outcome.code, Some(77), "{outcome:?}");
    let none = world.guard(&["thaw"]).run();
    assert_eq!(none.code, Some(1), "{none:?}");
    let mut person = world.guard(&["thaw"]).at_terminal();
    assert_eq!(person.phrase(), "thaw 1 freeze");
    person.line("thaw 1 freeze");
    person.secret("Passphrase of ", "not the passphrase");
    person.until("That is not the passphrase.");
    person.secret("Passphrase of ", PASSPHRASE);
    person.until("Thawed.");
    assert_eq!(person.ends().code, Some(0));
    world.run("git commit --allow-empty -m x");
    assert_eq!(world.git("app", &["rev-list", "--count", "HEAD"]), "2");
    assert!(!world.exists("state/holds"));
    guard(&world, "log verify");
}

#[test]
fn a_freeze_ends_by_itself_and_holds_one_environment() {
    let world = world();
    guard(&world, "freeze --for 1s");
    world.run("git commit --allow-empty -m x").blocked();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(world.run("git commit --allow-empty -m x").code, Some(0));
    guard(&world, "freeze --environment production");
    assert_eq!(world.run("git commit --allow-empty -m x").code, Some(0));
    world.script("bin/kubectl", "#!/bin/sh\necho \"real: $*\"\n");
    let kubectl = |line: &str| {
        let mut path = world.shims().into_os_string();
        path.push(":");
        path.push(world.path("bin"));
        let words: Vec<&str> = line.split(' ').collect();
        world.command(&words).variable("PATH", path).run()
    };
    kubectl("kubectl apply -f x.yaml --context prod-eu")
        .blocked()
        .says("frozen");
    assert_eq!(kubectl("kubectl get pods --context prod-eu").code, Some(0));
    assert_eq!(
        kubectl("kubectl apply -f x.yaml --context staging").code,
        Some(0)
    );
    let unknown = world.guard(&["freeze", "--environment", "moon"]).run();
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(guard(&world, "freeze --list").contains("production"));
}

#[test]
fn freezes_add_up() {
    let world = world();
    guard(&world, "freeze");
    // A short one does not end the long one.
    guard(&world, "freeze --for 1s");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    world.run("git add .").blocked();
    // Nor do broken files.
    for entry in std::fs::read_dir(world.path("state/holds")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "json") {
            std::fs::write(path, "{}").unwrap();
        }
    }
    world.run("git add .").blocked();
}

#[test]
fn a_plan_is_recorded_and_walked_through() {
    let world = world();
    world.write("app/new.rs", "fn new() {}\n");
    world.write("app/README.md", "changed\n");
    guard(&world, "plan on");
    let planned = world.run("git add new.rs");
    assert_eq!(planned.code, Some(77), "{planned:?}");
    planned.says("planned as number 1");
    world.run("git commit -m new").says("planned as number 2");
    world
        .run("git checkout -- README.md")
        .says("planned as number 3")
        .says("1 file");
    world
        .run("rm -rf ../shared/uploads")
        .says("planned as number 4");
    world.run("git status").ran();
    assert_eq!(world.git("app", &["rev-list", "--count", "HEAD"]), "1");
    let shown = guard(&world, "plan show");
    for text in ["git add new.rs", "git checkout -- README.md", "4 recorded"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let mut person = world.guard(&["plan", "apply"]).at_terminal();
    person.until("Your proof comes first");
    person.secret("Passphrase of ", PASSPHRASE);
    assert_eq!(person.phrase(), "run 1");
    person.line("run 1");
    assert_eq!(person.phrase(), "run 2");
    person.line("run 2");
    assert_eq!(person.phrase(), "discard 1 file in README.md");
    person.line("discard 1 file in README.md");
    assert_eq!(person.phrase(), "delete 2 files in ../shared/uploads");
    person.line("");
    person.until("Passed over");
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(world.git("app", &["rev-list", "--count", "HEAD"]), "2");
    assert_eq!(world.read("app/README.md"), "an app\n");
    assert!(world.exists("shared/uploads/photo.jpg"));
    assert!(guard(&world, "plan show").contains("1 recorded"));
    // It is still on until a person turns it off.
    world.run("git add .").says("planned as number 5");
    assert_eq!(world.guard(&["plan", "off"]).run().code, Some(1));
    guard(&world, "plan drop");
    let mut person = world.guard(&["plan", "off"]).at_terminal();
    person.secret("Passphrase of ", PASSPHRASE);
    person.until("Plan mode is off");
    assert_eq!(person.ends().code, Some(0));
    world.run("git add .").ran();
    guard(&world, "log verify");
}

#[test]
fn holds_that_cannot_be_read_hold() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("passed over: this test needs root");
        return;
    }
    let world = world();
    guard(&world, "freeze");
    for path in ["state", "app", "state/audit.jsonl"] {
        std::os::unix::fs::chown(world.path(path), Some(65_534), Some(65_534)).unwrap();
    }
    world.git(
        ".",
        &["config", "--file", "app/.git/config", "safe.directory", "*"],
    );
    std::fs::set_permissions(
        world.path("state/holds"),
        std::fs::Permissions::from_mode(0o000),
    )
    .unwrap();
    world
        .command(&["rm", "-f", "missing"])
        .by_nobody()
        .run()
        .blocked()
        .says("frozen");
}

#[test]
fn a_plan_that_was_changed() {
    let world = world();
    let evil = world.script("evil/pager", "#!/bin/sh\ntouch ../evil-ran\n");
    guard(&world, "plan on");
    world.run("git add README.md").says("planned as number 1");
    let file = world.path("state/holds/plan/000001.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut planned: serde_json::Value = serde_json::from_str(&text).unwrap();
    planned["variables"]
        .as_array_mut()
        .unwrap()
        .push(serde_json::json!(["LD_PRELOAD", evil]));
    std::fs::write(&file, planned.to_string()).unwrap();
    let mut person = world.guard(&["plan", "apply"]).at_terminal();
    person.secret("Passphrase of ", PASSPHRASE);
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stdout.contains("was changed"), "{outcome:?}");
}

#[test]
fn a_plan_waits_for_a_freeze() {
    let world = world();
    guard(&world, "plan on");
    world.run("git add README.md").says("planned as number 1");
    guard(&world, "freeze");
    let mut person = world.guard(&["plan", "apply"]).at_terminal();
    person.secret("Passphrase of ", PASSPHRASE);
    person.until("it is frozen");
    assert_eq!(person.ends().code, Some(0));
    assert!(guard(&world, "plan show").contains("1 recorded"));
}

#[test]
fn a_planned_command_keeps_its_input() {
    let world = world();
    let tip = world.tip("app", "HEAD");
    guard(&world, "plan on");
    let outcome = world
        .command(&["git", "update-ref", "--stdin"])
        .input(format!("create refs/heads/planned {tip}\n"))
        .run();
    assert_eq!(outcome.code, Some(77), "{outcome:?}");
    let mut person = world.guard(&["plan", "apply"]).at_terminal();
    person.secret("Passphrase of ", PASSPHRASE);
    let phrase = person.phrase();
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(world.tip("app", "planned"), tip);
}

#[test]
fn a_list_on_a_second_screen() {
    let world = world();
    let mut person = world.guard(&["pending", "--watch"]).at_terminal();
    person.until("Nothing waits");
    world.run("rm -rf ../shared/uploads").blocked();
    person.until("\u{7}");
    person.until("rm -rf ../shared/uploads");
    world.guard(&["deny", &world.request()]).run();
    person.until("Nothing waits");
    person.keys("\u{3}");
    person.ends();
}

#[test]
fn a_person_is_told_by_a_command_of_theirs() {
    let world = world();
    let tell = world.script("bin/tell", "#!/bin/sh\necho \"$*\" >> ../told\n");
    world.rules(&format!(
        "[person]\nnotify = [{:?}, \"see\", \"{{id}}\", \"{{command}}\"]\n",
        tell.to_str().unwrap()
    ));
    for _ in 0..2 {
        world.run("rm -rf ../shared/uploads").blocked();
    }
    let id = world.request();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !world.exists("told") && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(
        world.read("told"),
        format!("see {id} rm -rf ../shared/uploads\n")
    );
}

fn owner(world: &World, path: &str) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(world.path(path)).unwrap().uid()
}

#[test]
fn links_that_lead_root_astray() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("passed over: this test needs root");
        return;
    }
    let world = world();
    world.write("secret", "root's own\n");
    let secret = world.path("secret");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    for path in ["config", "state"] {
        std::os::unix::fs::chown(world.path(path), Some(65_534), Some(65_534)).unwrap();
    }
    for link in ["state/audit.jsonl", "config/rules.toml"] {
        let _ = std::fs::remove_file(world.path(link));
        symlink(&secret, world.path(link)).unwrap();
    }
    let run = |verb: &'static str| {
        world
            .guard(&[verb])
            .variable("SUDO_UID", "65534")
            .variable("SUDO_GID", "65534")
            .run()
    };
    let locked = run("lock");
    assert_eq!(locked.code, Some(1), "{locked:?}");
    assert!(!world.exists("locked/65534"));
    std::fs::remove_file(world.path("config/rules.toml")).unwrap();
    std::os::unix::fs::chown(world.path("config/key"), Some(65_534), Some(65_534)).unwrap();
    assert_eq!(run("lock").code, Some(0));
    assert_eq!(owner(&world, "secret"), 0);
    assert_eq!(world.read("secret"), "root's own\n");
}

#[test]
fn rules_and_keys_that_are_roots() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("passed over: this test needs root");
        return;
    }
    let world = world();
    world.rules("[[rule]]\nid = \"team.no-add\"\ntool = \"git\"\nverb = [\"add\"]\neffect = \"deny\"\nreason = \"is frozen\"\nsafer = \"git status\"\nmatch = [\"git add x\"]\nno-match = [\"git log\"]\n");
    for path in [
        "config",
        "state",
        "state/audit.jsonl",
        "config/key",
        "config/rules.toml",
    ] {
        std::os::unix::fs::chown(world.path(path), Some(65_534), Some(65_534)).unwrap();
    }
    let as_root = |verb: &'static str| {
        world
            .guard(&[verb])
            .variable("SUDO_UID", "65534")
            .variable("SUDO_GID", "65534")
    };
    assert_eq!(world.guard(&["lock"]).run().code, Some(1));
    let locked = as_root("lock").run();
    assert_eq!(locked.code, Some(0), "{locked:?}");
    assert!(!world.exists("config/key") && !world.exists("config/rules.toml"));
    assert_eq!(owner(&world, "state/audit.jsonl"), 65_534);
    let by_nobody = |script: &str| world.command(&["sh", "-c", script]).by_nobody().run();
    // The rules hold from there, and the user's own file does not.
    world.write("config/rules.toml", "");
    let denied = by_nobody("git add README.md");
    assert_eq!(denied.code, Some(77), "{denied:?}");
    let read = by_nobody("cat ../locked/65534/allowed_signers ../locked/65534/key");
    assert_eq!(read.code, Some(0), "{read:?}");
    for script in [
        "echo x >> ../locked/65534/allowed_signers",
        "mv ../locked/65534/key ../locked/65534/old",
        "mv ../locked/65534 ../locked/old",
        "/bin/rm ../locked/65534/rules.toml",
    ] {
        assert_ne!(by_nobody(script).code, Some(0), "{script}");
    }
    let mut person = as_root("unlock").at_terminal();
    person.secret("Passphrase of ", PASSPHRASE);
    person.until("Unlocked");
    assert_eq!(person.ends().code, Some(0));
    assert!(world.exists("config/key") && !world.exists("locked/65534"));
}
