//! What loses nothing runs at once, and what runs is the real tool, as if guard were not there.

use std::path::Path;

use crate::support::{Outcome, World};

/// Runs a command at the shims in one world and with the real tool in its twin: same exit code,
/// same output.
#[track_caller]
fn same_as_the_tool(prepare: fn(&World), line: &str) -> World {
    let (guarded, plain) = (World::new(), World::new());
    prepare(&guarded);
    prepare(&plain);
    let words: Vec<&str> = line.split(' ').collect();
    let through = guarded.command(&words).run();
    let direct = plain
        .command(&words)
        .variable("PATH", crate::support::real_path())
        .run();
    let shown = |outcome: &Outcome, world: &World| {
        let place = world.path("").display().to_string();
        let tip = world.tip("app", "HEAD");
        [&outcome.stdout, &outcome.stderr].map(|text| {
            text.replace(place.trim_end_matches('/'), "")
                .replace(&tip[..7], "TIP")
        })
    };
    assert_eq!(through.code, direct.code, "{line}: {through:?}");
    assert_eq!(shown(&through, &guarded), shown(&direct, &plain), "{line}");
    guarded
}

fn nothing(_: &World) {}

#[test]
fn a_clean_tree() {
    for line in [
        "git reset --hard",
        "git checkout -- .",
        "git checkout .",
        "git restore .",
        "git clean -fdx",
        "git checkout -f main",
        "git stash clear",
        "git gc -q --prune=now",
        "git status --short --branch",
        "git log --format=%s",
        "git checkout -b topic",
        "git branch -D missing",
        "git reset --hard nonsense",
        "git frobnicate",
        "git --version",
        "git",
        "rm",
        "rm --version",
        "rm -rf",
        "rm missing",
        "rm -f missing also-missing",
        "rm src",
        "rm -x-unknown a",
        "rm --",
    ] {
        same_as_the_tool(nothing, line);
    }
}

#[test]
fn a_merged_branch() {
    let merged = |world: &World| {
        world.git("app", &["branch", "merged"]);
    };
    let world = same_as_the_tool(merged, "git branch -D merged");
    assert_eq!(world.git("app", &["branch", "--list", "merged"]), "");
    let log = world.log();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0]["answer"], "nothing would be lost");
    assert_eq!(log[0]["verdict"], "allow");
}

#[test]
fn build_output() {
    let built = |world: &World| world.write("app/target/debug/app", "built\n");
    let world = same_as_the_tool(built, "rm -rf target");
    assert!(!world.exists("app/target"));
    let world = same_as_the_tool(built, "rm -rfv target");
    assert!(!world.exists("app/target"));
}

#[test]
fn a_committed_file() {
    let world = same_as_the_tool(nothing, "rm README.md");
    assert!(!world.exists("app/README.md"));
    let world = same_as_the_tool(nothing, "rm -r src");
    assert!(!world.exists("app/src"));
    let world = same_as_the_tool(nothing, "git rm -q README.md");
    assert!(!world.exists("app/README.md"));
}

#[test]
fn a_stale_lock() {
    let locked = |world: &World| world.write("app/.git/index.lock", "");
    let world = same_as_the_tool(locked, "rm -f .git/index.lock");
    assert!(!world.exists("app/.git/index.lock"));
}

#[test]
fn scratch() {
    let world = World::new();
    let scratch = tempfile::Builder::new()
        .prefix("guard-test-scratch-")
        .tempdir_in("/tmp")
        .unwrap();
    let file = scratch.path().join("a/file");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "scratch\n").unwrap();
    world.command(&[Path::new("rm"), &file]).run().ran();
    assert!(!file.exists());
    world
        .command(&[Path::new("rm"), Path::new("-rf"), scratch.path()])
        .run()
        .ran();
    assert!(!scratch.path().exists());
    // The list of scratch places is not taken from the environment.
    world
        .command(&["rm", "-rf", "../shared/uploads"])
        .variable("TMPDIR", world.path("shared"))
        .run()
        .blocked();
    assert!(world.exists("shared/uploads/photo.jpg"));
}

#[test]
fn a_push_that_rewrites_nothing() {
    let world = World::with_remote();
    let mine = world.commit_file("app", "mine.rs", "mine\n");
    let outcome = world.run("git push --force");
    outcome.ran();
    assert_eq!(world.tip("origin.git", "main"), mine);
    world.run("git push --force").ran();
    world.run("git push --delete origin missing");
    world.run("git push origin main:topic").ran();
    world.run("git push origin --delete topic").ran();
    assert_eq!(world.git("origin.git", &["branch", "--list", "topic"]), "");
}

#[test]
fn a_day_of_work() {
    let world = World::with_remote();
    let sh = |script: &str| {
        let outcome = world.sh(&format!("set -e\n{script}"));
        outcome.ran();
        outcome
    };
    sh("git checkout -b feature
        echo 1 > one.rs && git add . && git commit -m one
        echo 2 > two.rs && git add -A && git commit -qm two
        echo 3 >> two.rs && git commit -qa --amend --no-edit
        git push -u origin feature
        git checkout main
        git merge --no-ff -m merge feature
        git push
        git branch -d feature
        git branch -D scratch 2>/dev/null || true");
    sh("echo 4 > four.rs
        git stash --include-untracked
        git stash list
        git stash pop
        git add . && git commit -m four
        git tag v1
        git rebase origin/main
        git checkout -b other HEAD~1
        git cherry-pick main
        git revert --no-edit HEAD
        git switch main
        git restore --staged .
        git rm -q four.rs
        git reset
        git checkout -- four.rs
        git clean -n
        git fetch --all --prune
        git pull --rebase
        git submodule update --init
        git worktree add -q ../wt other
        git worktree remove ../wt
        git config user.name Ada
        git gc -q");
    sh("git clone -q ../origin.git ../again && cd ../again && git log --oneline | wc -l");
    let log = world.git("app", &["log", "--format=%s", "-2"]);
    assert_eq!(log, "four\nmerge");
}

#[test]
fn the_argument_vector_is_kept() {
    let world = World::new();
    // A script is started by its interpreter; what guard handed over is in no argv[0] of the
    // script's, so this looks at a program.
    std::fs::create_dir_all(world.path("tools")).unwrap();
    std::os::unix::fs::symlink(program("sleep"), world.path("tools/kubectl")).unwrap();
    let outcome = world
        .command(&["a strange name/kubectl", "--version", ""])
        .program(world.shims().join("kubectl"))
        .search(&[world.shims(), world.path("tools")])
        .run();
    // coreutils names itself by argv[0].
    assert!(
        outcome.stdout.contains("sleep (GNU coreutils)")
            || outcome.stderr.contains("a strange name/kubectl"),
        "{outcome:?}"
    );
    let echo = world.script("tools/terraform", "#!/bin/sh\nprintf '<%s>' \"$@\"\n");
    assert!(echo.exists());
    let outcome = world
        .command(&["terraform", "fmt", "", "two words", "*", "-x\ny", "--"])
        .search(&[world.shims(), world.path("tools")])
        .run();
    assert_eq!(outcome.stdout, "<fmt><><two words><*><-x\ny><-->");
}

/// Where a program of the system stands.
fn program(name: &str) -> std::path::PathBuf {
    std::env::split_paths(&crate::support::real_path())
        .map(|directory| directory.join(name))
        .find(|path| path.exists())
        .unwrap()
}

/// The directory that a program of the system stands in.
fn home_of(name: &str) -> std::path::PathBuf {
    program(name).parent().unwrap().to_owned()
}

#[test]
fn the_environment_is_kept() {
    let world = World::new();
    world.script("tools/kubectl", "#!/bin/sh\nexec cat /proc/$$/environ\n");
    let run = |path: &[std::path::PathBuf]| {
        let outcome = world
            .command(&["kubectl", "version"])
            .program(path[0].join("kubectl"))
            .variable("PATH", std::env::join_paths(path).unwrap())
            .variable("ODD", "a=b\nc")
            .variable("EMPTY", "")
            .run();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        outcome
            .stdout
            .split('\0')
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (tools, system) = (world.path("tools"), home_of("cat"));
    let mut through = run(&[world.shims(), tools.clone(), system.clone()]);
    let before = through.len();
    through.retain(|variable| !variable.starts_with("GUARD_LOOP="));
    assert_eq!(through.len(), before - 1, "the counter is there");
    let mut direct = run(&[tools, system]);
    let path =
        |variables: &mut Vec<String>| variables.retain(|variable| !variable.starts_with("PATH="));
    path(&mut through);
    path(&mut direct);
    through.sort();
    direct.sort();
    assert_eq!(through, direct);
}

#[test]
fn signals_are_kept() {
    let world = World::new();
    world.script(
        "tools/kubectl",
        "#!/bin/sh\nexec grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status\n",
    );
    let search = [world.shims(), world.path("tools"), home_of("grep")];
    let run = |ignored, blocked, name: &str| {
        let outcome = world
            .command(&["kubectl", "version"])
            .program(name)
            .search(&search)
            .signals(ignored, blocked)
            .run();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        outcome.stdout
    };
    let shim = world.shims().join("kubectl");
    let tool = world.path("tools/kubectl");
    for (ignored, blocked) in [
        (&[][..], &[][..]),
        (&[libc::SIGPIPE, libc::SIGINT, libc::SIGHUP][..], &[][..]),
        (&[][..], &[libc::SIGUSR1, libc::SIGTERM][..]),
        (&[libc::SIGPIPE, libc::SIGTTOU][..], &[libc::SIGCHLD][..]),
    ] {
        assert_eq!(
            run(ignored, blocked, shim.to_str().unwrap()),
            run(ignored, blocked, tool.to_str().unwrap()),
            "ignored {ignored:?}, blocked {blocked:?}"
        );
    }
}

#[test]
fn signals_are_kept_after_a_preview() {
    let world = World::new();
    world.script(
        "tools/git",
        &format!(
            "#!/bin/sh\ncase \" $* \" in *' --hard '*) exec grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status;; esac\nexec {} \"$@\"\n",
            program("git").display()
        ),
    );
    let search = [world.shims(), world.path("tools"), home_of("grep")];
    let run = |path: std::path::PathBuf| {
        world
            .command(&["git", "reset", "--hard", "HEAD"])
            .program(path)
            .search(&search)
            .signals(&[libc::SIGPIPE, libc::SIGINT], &[libc::SIGUSR1])
            .run()
            .ran()
            .stdout
            .clone()
    };
    let direct = run(world.path("tools/git"));
    let ignored = direct
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:\t"))
        .unwrap();
    let ignored = u64::from_str_radix(ignored, 16).unwrap();
    assert_eq!(ignored & 0x1002, 0x1002, "{direct}");
    assert_eq!(run(world.shims().join("git")), direct);
    assert_eq!(world.log().len(), 1, "it was measured");
}

#[test]
fn descriptors_are_kept() {
    let world = World::new();
    world.script("tools/git", &format!(
        "#!/bin/sh\ncase \" $* \" in *' --hard '*) ls /proc/self/fd; exit;; esac\nexec {} \"$@\"\n",
        program("git").display()
    ));
    let search = [world.shims(), world.path("tools"), home_of("ls")];
    let run = |path: std::path::PathBuf| {
        world
            .command(&["git", "reset", "--hard", "HEAD"])
            .program(path)
            .search(&search)
            .run()
            .stdout
    };
    assert_eq!(run(world.shims().join("git")), run(world.path("tools/git")));
}

#[test]
fn standard_streams_are_the_tools_own() {
    let world = World::new();
    let outcome = world
        .command(&["git", "hash-object", "--stdin"])
        .input("hello\n")
        .run();
    assert_eq!(outcome.stdout, "ce013625030ba8dba906f756967f9e9ca394464a\n");
    let outcome = world.command(&["rm", "-i", "README.md"]).input("n\n").run();
    assert_eq!(outcome.code, Some(0));
    assert!(world.exists("app/README.md"));
}

#[test]
fn nothing_is_logged_for_a_plainly_allowed_command() {
    let world = World::new();
    world.run("git status").ran();
    world.run("git log").ran();
    world.run("git add .").ran();
    world.run("rm -f missing").ran();
    assert_eq!(world.log().len(), 0);
    assert!(!world.exists("state/audit.jsonl"));
}
