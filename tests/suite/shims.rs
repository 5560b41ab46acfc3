//! The shims as any caller sees them from outside: exit code, both streams byte by byte, and what is
//! left behind. Commands run detached as everywhere ([`Run::output`]); `assert_cmd` judges them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use assert_cmd::assert::{Assert, OutputAssertExt as _};
use predicates::prelude::{PredicateBooleanExt as _, predicate};

use crate::support::tree::facts;
use crate::support::{Run, TOOLS, World, real_path};

fn assert(run: Run<'_>) -> Assert {
    run.output().assert()
}

/// A tool of the tests' own in front of everything else, and where it is then found.
fn with_a_tool(world: &World, tool: &str, script: &str) -> Vec<PathBuf> {
    world.script(&format!("tools/{tool}"), script);
    let mut search = vec![world.shims(), world.path("tools")];
    search.extend(std::env::split_paths(&real_path()));
    search
}

/// A world whose rules file says nothing that guard understands.
fn with_broken_rules() -> World {
    let world = World::new();
    world.rules("[[rule]\n");
    world
}

#[test]
fn help_and_version_are_the_tools_own() {
    let (world, broken) = (World::new(), with_broken_rules());
    for tool in TOOLS {
        let script = format!("#!/bin/sh\nprintf '{tool} <%s>' \"$@\"\n");
        for word in ["--help", "--version"] {
            let run = |world: &World| {
                let search = with_a_tool(world, tool, &script);
                let ended = assert(world.command(&[tool, word]).search(&search));
                std::fs::remove_file(world.path("tools").join(tool)).unwrap();
                ended.code(0).stdout(format!("{tool} <{word}>"))
            };
            run(&world).stderr("");
            // Whatever is said about the rules there, they stop nothing.
            run(&broken);
        }
    }
    assert!(world.log().is_empty() && broken.log().is_empty());
}

#[test]
fn what_the_tool_says_of_its_own_failure_is_all_that_is_said() {
    let world = World::new();
    for words in [
        &["rm", "missing"][..],
        &["rm", "--no-such-option"],
        &["git", "no-such-verb"],
        &["git", "show", "no-such-revision"],
        &["git", "-C", "/no/such/directory", "status"],
    ] {
        let direct = world.command(words).variable("PATH", real_path()).output();
        assert(world.command(words))
            .code(direct.status.code().unwrap())
            .failure()
            .stdout(direct.stdout)
            .stderr(direct.stderr);
    }
}

#[test]
fn a_blocked_rm_leaves_everything_and_says_it_on_standard_error() {
    let world = World::new();
    let before = facts(&world.path(""), &["app", "shared", "home"]);
    assert(world.command(&["rm", "-rfv", "../shared/uploads"]))
        .code(77)
        .stdout("")
        .stderr(
            predicate::str::starts_with("guard: blocked: ")
                .and(predicate::str::ends_with("\n"))
                .and(predicate::str::contains("would lose: 2 files")),
        );
    assert_eq!(facts(&world.path(""), &["app", "shared", "home"]), before);
}

#[test]
fn a_saved_rm_says_one_line_and_the_tool_has_standard_output() {
    let world = World::with_backups();
    world.write("app/plan", "work\n");
    assert(world.command(&["rm", "-v", "plan"]))
        .code(0)
        .stdout("removed 'plan'\n")
        .stderr(predicate::function(|text: &str| {
            text.lines().count() == 1
                && text.starts_with("guard: ")
                && text.contains(" guard undo ")
                && text.ends_with('\n')
        }));
    assert!(!world.exists("app/plan"));
}

#[test]
fn broken_rules_name_the_line_and_stop_what_changes_something() {
    let world = with_broken_rules();
    world.write("app/build.log", "made\n");
    assert(world.command(&["git", "clean", "-fd"]))
        .code(predicate::in_iter([77, 78]))
        .stdout("")
        .stderr(predicate::str::contains("config/rules.toml:1: "));
    assert(world.command(&["git", "add", "build.log"]))
        .code(78)
        .stdout("")
        .stderr(predicate::str::contains("config/rules.toml:1: "));
    assert!(world.exists("app/build.log"));
    assert_eq!(world.git("app", &["status", "--porcelain"]), "?? build.log");
}

#[test]
fn arguments_that_are_no_text_arrive_byte_for_byte() {
    let world = World::new();
    let search = with_a_tool(
        &world,
        "kubectl",
        "#!/bin/sh\nshift\nprintf '<%s>' \"$@\"\n",
    );
    let odd = OsStr::from_bytes(b"\xff caf\xe9\n*\x1b");
    let words = [
        OsStr::new("kubectl"),
        OsStr::new("version"),
        odd,
        OsStr::new(""),
    ];
    assert(world.command(&words).search(&search))
        .code(0)
        .stdout(&b"<\xff caf\xe9\n*\x1b><>"[..])
        .stderr("");
}

#[test]
fn a_shim_is_a_shim_by_whatever_path_it_is_called() {
    let world = World::with_uncommitted_work();
    std::fs::create_dir_all(world.path("links/deeper")).unwrap();
    symlink(world.shims().join("git"), world.path("links/git")).unwrap();
    symlink("../git", world.path("links/deeper/git")).unwrap();
    for path in [
        world.shims().join("git"),
        PathBuf::from("../prefix/share/guard/shims/git"),
        PathBuf::from("../prefix/share/guard/shims/../shims/./git"),
        world.path("links/git"),
        world.path("links/deeper/git"),
    ] {
        let words = [path.as_os_str(), OsStr::new("reset"), OsStr::new("--hard")];
        assert(world.command(&words))
            .code(77)
            .stdout("")
            .stderr(predicate::str::starts_with("guard: blocked: "));
    }
    world.work_is_there();
}

#[test]
fn a_blocked_command_leaves_standard_input_to_the_next() {
    let world = World::with_uncommitted_work();
    let script = "git reset --hard; echo \"ended with $?\"; cat";
    assert(world.command(&["sh", "-c", script]).input("for the next\n"))
        .code(0)
        .stdout("ended with 77\nfor the next\n");
    world.work_is_there();
}

#[test]
fn the_tool_takes_the_shims_place() {
    let world = World::new();
    let search = with_a_tool(
        &world,
        "kubectl",
        "#!/bin/sh\necho $$ $PPID $(umask) $(pwd)\n",
    );
    let script = "umask 027; cd src; sh -c 'echo $$ $PPID $(umask) $(pwd); exec kubectl version'";
    let outcome = world.command(&["sh", "-c", script]).search(&search).run();
    let lines: Vec<&str> = outcome.ran().stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{outcome:?}");
    assert_eq!(lines[0], lines[1]);
}

#[test]
fn what_no_one_hears_is_held_all_the_same() {
    let world = World::with_uncommitted_work();
    // Standard error is a pipe that nobody reads any more, and then a device that is full.
    for script in [
        "{ trap '' PIPE; git reset --hard; echo $? >../code; } 2>&1 | true",
        "git reset --hard 2>/dev/full; echo $? >../code",
    ] {
        assert(world.command(&["sh", "-c", script]))
            .code(0)
            .stdout("");
        assert_eq!(world.read("code"), "77\n", "{script}");
        world.work_is_there();
    }
}

#[test]
fn called_by_a_name_that_is_no_tool() {
    let world = World::new();
    let guard = world.path("prefix/bin/guard");
    symlink(&guard, world.path("shred")).unwrap();
    let outcome = world.command(&[world.path("shred")]).run();
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    outcome.says("shred");
    for tool in TOOLS {
        outcome.says(tool);
    }
    let outcome = world.command(&[""]).program(&guard).run();
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
}

#[test]
fn the_real_tool_is_missing() {
    let world = World::new();
    for tool in TOOLS {
        let outcome = world
            .command(&[tool, "--version"])
            .search(&[world.shims(), world.path("prefix/bin")])
            .run();
        assert_eq!(outcome.code, Some(127), "{outcome:?}");
        outcome.says(tool).says("not found");
    }
    let outcome = world
        .command(&["rm", "-rf", "../shared/uploads"])
        .search(&[world.shims()])
        .run();
    assert!(matches!(outcome.code, Some(77 | 127)), "{outcome:?}");
    // A directory and a file that cannot be executed are no tools.
    world.write("odd/kubectl", "#!/bin/sh\n");
    std::fs::create_dir_all(world.path("odder/kubectl")).unwrap();
    let outcome = world
        .command(&["kubectl", "version"])
        .search(&[world.shims(), world.path("odd"), world.path("odder")])
        .run();
    assert_eq!(outcome.code, Some(127), "{outcome:?}");
}

#[test]
fn a_tool_that_cannot_be_executed() {
    let world = World::new();
    world.script("tools/kubectl", "#!/no/such/interpreter\n");
    let outcome = world
        .command(&["kubectl", "version"])
        .search(&[world.shims(), world.path("tools")])
        .run();
    assert_eq!(outcome.code, Some(126), "{outcome:?}");
    outcome.says("tools/kubectl");
}

#[test]
fn closed_streams() {
    let world = World::new();
    world.write("app/README.md", "a day's work\n");
    for closed in [&[0][..], &[1], &[2], &[0, 1], &[1, 2], &[0, 1, 2]] {
        let outcome = world
            .command(&["git", "reset", "--hard"])
            .closed(closed)
            .run();
        assert_eq!(outcome.code, Some(77), "{closed:?}: {outcome:?}");
        let outcome = world.command(&["rm", "-f", "missing"]).closed(closed).run();
        assert_eq!(outcome.code, Some(0), "{closed:?}: {outcome:?}");
        let outcome = world
            .guard(&["check", "git reset --hard"])
            .closed(closed)
            .run();
        assert_eq!(outcome.code, Some(77), "{closed:?}: {outcome:?}");
        assert_eq!(world.read("app/README.md"), "a day's work\n");
    }
    // Nothing that was said went into the log instead.
    world.guard(&["log", "verify"]).run().ran();
    assert_eq!(world.log().len(), 6);
}

#[test]
fn the_tool_finds_streams_closed_as_they_were() {
    let world = World::new();
    world.git("app", &["branch", "merged"]);
    world.script("tools/kubectl", "#!/bin/sh\nls -l /proc/$$/fd > ../fds\n");
    let mut search = vec![world.shims(), world.path("tools")];
    search.extend(std::env::split_paths(&crate::support::real_path()));
    let run = |program: std::path::PathBuf| {
        world
            .command(&["kubectl", "version"])
            .program(program)
            .search(&search)
            .closed(&[0])
            .run();
        let text = world.read("fds");
        text.lines().filter(|line| line.contains(" 0 -> ")).count()
    };
    assert_eq!(
        run(world.shims().join("kubectl")),
        run(world.path("tools/kubectl"))
    );
}

#[test]
fn exit_codes_and_signals_of_the_tool() {
    let world = World::new();
    world.script(
        "tools/kubectl",
        "#!/bin/sh\ncase $2 in s*) kill -${2#s} $$;; *) exit $2;; esac\n",
    );
    let search = [world.shims(), world.path("tools")];
    for code in [0, 1, 2, 77, 78, 126, 127, 130, 255] {
        let outcome = world
            .command(&["kubectl", "version", &code.to_string()])
            .search(&search)
            .run();
        assert_eq!(outcome.code, Some(code));
        assert_eq!(outcome.stderr, "");
    }
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGKILL, libc::SIGPIPE] {
        let outcome = world
            .command(&["kubectl", "version", &format!("s{signal}")])
            .search(&search)
            .run();
        assert_eq!(outcome.signal, Some(signal));
    }
}
