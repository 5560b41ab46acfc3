//! What agents have destroyed, replayed with no terminal: blocked, and all data still there.

use crate::support::World;

#[test]
fn rm_of_a_release_takes_the_uploads_along() {
    let world = World::new();
    world.write("releases/temp/build.log", "built\n");
    let release = world.path("releases/temp");
    let outcome = world
        .command(&["rm", "-rf", release.to_str().unwrap(), "../shared/uploads"])
        .run();
    outcome
        .blocked()
        .says("3 files")
        .says("../shared/uploads: outside the workspace")
        .says("Nothing was changed");
    assert!(world.exists("releases/temp/build.log"));
    assert!(world.exists("shared/uploads/photo.jpg"));
    assert!(world.exists("shared/uploads/letter.txt"));
    let log = world.log();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0]["answer"], "blocked");
    assert_eq!(log[0]["verdict"], "confirm");
    assert_eq!(log[0]["argv"][0], "rm");
}

#[test]
fn rm_of_one_file_outside_the_workspace() {
    let world = World::new();
    world.run("rm ../shared/uploads/photo.jpg").blocked();
    world
        .command(&["rm", "-r", "uploads"])
        .directory("shared")
        .run()
        .blocked();
    assert!(world.exists("shared/uploads/photo.jpg"));
}

#[test]
fn rm_of_the_workspace_and_of_its_history() {
    let world = World::new();
    for line in [
        "rm -rf .git",
        "rm -rf .git/objects",
        "rm -rf ../app",
        "rm -f .git/config",
    ] {
        world.run(line).blocked();
    }
    world
        .command(&["rm", "-rf", world.path("app").to_str().unwrap()])
        .run()
        .blocked();
    assert_eq!(world.git("app", &["status", "--porcelain"]), "");
}

#[test]
fn rm_of_what_guard_needs() {
    let world = World::new();
    for place in [
        "prefix/bin/guard",
        "prefix",
        "config",
        "state",
        "prefix/share/guard/shims/rm",
    ] {
        let path = world.path(place);
        world
            .command(&["rm", "-rf", path.to_str().unwrap()])
            .run()
            .blocked()
            .says("never allowed");
        assert!(world.exists(place), "{place}");
    }
}

#[test]
fn a_forced_push_over_a_colleagues_commit() {
    let world = World::with_remote();
    let hers = {
        world.write("colleague/feature.rs", "hers\n");
        world.git("colleague", &["add", "."]);
        world.git(
            "colleague",
            &[
                "-c",
                "user.name=Grace",
                "commit",
                "-q",
                "-m",
                "her feature",
                "--author=Grace <g@example.com>",
            ],
        );
        world.git("colleague", &["push", "-q"]);
        world.tip("colleague", "HEAD")
    };
    world.commit_file("app", "mine.rs", "mine\n");
    let forms = [
        "git push --force",
        "git push -f origin main",
        "git push origin +main",
        "git push origin +HEAD:main",
        "git push --force origin HEAD:refs/heads/main",
        "git -C . push -uf origin main",
        "git push origin :main",
        "git push --delete origin main",
        "git push --mirror",
    ];
    for line in forms {
        // Never fetched: nobody here can say what would go.
        world.run(line).blocked().says("unknown");
        assert_eq!(world.tip("origin.git", "main"), hers, "{line}");
    }
    world.git("app", &["fetch", "-q"]);
    for line in forms {
        world.run(line).blocked().says("Grace").says("her feature");
        assert_eq!(world.tip("origin.git", "main"), hers, "{line}");
    }
    world.git(
        "app",
        &["config", "remote.origin.push", "+refs/heads/*:refs/heads/*"],
    );
    world.run("git push").blocked();
    world.git("app", &["config", "--unset", "remote.origin.push"]);
    world.git("app", &["config", "remote.origin.mirror", "true"]);
    world.run("git push").blocked();
    assert_eq!(world.tip("origin.git", "main"), hers);
}

#[test]
fn a_forced_push_with_a_lease_over_what_was_fetched() {
    let world = World::with_remote();
    let hers = world.commit_file("colleague", "feature.rs", "hers\n");
    world.git("colleague", &["push", "-q"]);
    world.git("app", &["fetch", "-q"]);
    world.commit_file("app", "mine.rs", "mine\n");
    world.run("git push --force-with-lease").blocked();
    assert_eq!(world.tip("origin.git", "main"), hers);
}

#[test]
fn commands_that_discard_uncommitted_work() {
    let world = World::with_uncommitted_work();
    for line in [
        "git reset --hard",
        "git reset --har HEAD",
        "git -c core.pager=cat reset -q --hard",
        "git --no-pager reset HEAD --hard",
        "git checkout -- .",
        "git checkout .",
        "git checkout README.md",
        "git checkout HEAD -- README.md",
        "git checkout -f",
        "git checkout -fq main",
        "git switch --discard-changes main",
        "git switch -f main",
        "git restore .",
        "git restore -s HEAD -SW README.md",
        "git rm -f README.md",
        "git rm -rf .",
        "git checkout-index -f -a",
        "git read-tree --reset -u HEAD",
        "rm README.md",
        "rm -rf src README.md",
    ] {
        world.run(line).blocked().says("README.md");
        world.work_is_there();
    }
}

#[test]
fn the_same_from_another_directory() {
    let world = World::with_uncommitted_work();
    for (directory, line) in [
        ("app/src", "git reset --hard"),
        ("app/src", "git checkout -- .."),
        (".", "git -C app reset --hard"),
        (".", "git --git-dir=app/.git --work-tree=app reset --hard"),
        ("home", "git -C ../app -C src restore ../README.md"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        world.command(&words).directory(directory).run().blocked();
        world.work_is_there();
    }
    let directory = world.path("app/.git");
    world
        .command(&["git", "reset", "--hard"])
        .directory("home")
        .variable("GIT_DIR", directory)
        .variable("GIT_WORK_TREE", world.path("app"))
        .run()
        .blocked();
    world.work_is_there();
}

#[test]
fn clean_takes_the_secrets() {
    let world = World::new();
    world.write("app/.gitignore", ".env\nnode_modules/\n");
    world.commit("app", "ignore");
    world.write("app/.env", "SECRET=1\n");
    world.write("app/node_modules/x/index.js", "x\n");
    for line in [
        "git clean -fdx",
        "git clean -xffd",
        "git clean -fX",
        "git clean -f -d -x -- .env",
        "git -c clean.requireForce=false clean -dx",
    ] {
        world.run(line).blocked().says(".env").says("1 file ");
        assert_eq!(world.read("app/.env"), "SECRET=1\n");
        assert!(world.exists("app/node_modules/x/index.js"));
    }
}

/// Only `sh` and a false `rm` that writes down what it was asked to do stand behind the shims, so
/// that no mistake of guard's can touch a real file.
#[test]
fn variables_that_are_empty() {
    let world = World::new();
    let record = world.path("record");
    world.script(
        "false/rm",
        &format!("#!/bin/sh\necho \"$@\" >> {}\n", record.display()),
    );
    for script in [
        "rm -rf \"$EMPTY/\"*",
        "rm -rf $EMPTY/",
        "rm -rf \"${EMPTY}/\" ",
        "rm -rf --no-preserve-root $EMPTY/",
        "rm -rf $HOME/$EMPTY",
        "rm -rf ~/$EMPTY",
        "cd / && rm -rf $EMPTY*",
        "rm -rf $EMPTY/home $EMPTY/root",
        "rm -r /..//.",
    ] {
        let outcome = world
            .command(&["sh", "-c", script])
            .program("/bin/sh")
            .search(&[world.shims(), world.path("false")])
            .run();
        outcome.blocked().says("never allowed");
        assert!(!record.exists(), "{script}: {}", world.read("record"));
    }
    // The trap itself works: what guard lets through would be written down.
    world
        .command(&["rm", "-f", "nothing-here"])
        .search(&[world.shims(), world.path("false")])
        .run()
        .ran();
    assert_eq!(world.read("record"), "-f nothing-here\n");
}

#[test]
fn an_empty_variable_before_cd() {
    let world = World::new();
    world.write("home/notes.txt", "notes\n");
    world.sh("cd $EMPTY && rm -rf *").blocked();
    assert_eq!(world.read("home/notes.txt"), "notes\n");
}

#[test]
fn aliases_that_hide_a_reset() {
    let world = World::with_uncommitted_work();
    for (name, value) in [
        ("tidy", "reset --hard"),
        ("tidier", "tidy"),
        ("fresh", "!git reset --hard"),
        ("fresher", "!f() { git reset --hard; }; f"),
        ("freshest", "!sh -c 'git checkout -- .'"),
        ("spaced", "-c core.pager=cat   'reset'  --\"hard\""),
        ("undo", "checkout --"),
    ] {
        world.git("app", &["config", &format!("alias.{name}"), value]);
    }
    for line in [
        "git tidy",
        "git tidier",
        "git TIDY",
        "git tidy HEAD",
        "git -C . tidy",
        "git fresh",
        "git fresher",
        "git freshest",
        "git spaced",
        "git undo .",
    ] {
        world.run(line).blocked();
        world.work_is_there();
    }
}

#[test]
fn aliases_from_the_command_line_and_the_environment() {
    let world = World::with_uncommitted_work();
    let include = format!("include.path={}", world.path("home/gitconfig").display());
    let git = |words: &[&str]| world.command(&[&["git"], words].concat());
    let runs = [
        git(&["-c", "alias.x=reset --hard", "x"]),
        git(&["-c", "Alias.X=reset --hard", "x"]),
        git(&["-c", "alias.x=!git reset --hard", "x"]),
        git(&["-c", "alias.x=status", "-c", "alias.x=reset --hard", "x"]),
        git(&["--config-env=alias.x=HIDDEN", "x"]).variable("HIDDEN", "reset --hard"),
        git(&["--config-env", "alias.x=HIDDEN", "x"]).variable("HIDDEN", "reset --hard"),
        git(&["x"])
            .variable("GIT_CONFIG_COUNT", "1")
            .variable("GIT_CONFIG_KEY_0", "alias.x")
            .variable("GIT_CONFIG_VALUE_0", "reset --hard"),
        git(&["x"]).variable("GIT_CONFIG_PARAMETERS", "'alias.x=reset --hard'"),
        git(&["x"]).variable("GIT_CONFIG_GLOBAL", world.path("home/gitconfig")),
        git(&["x"])
            .variable("GIT_CONFIG_SYSTEM", world.path("home/gitconfig"))
            .without("GIT_CONFIG_NOSYSTEM"),
        git(&["-c", &include, "x"]),
    ];
    world.write("home/gitconfig", "[alias]\n\tx = reset --hard\n");
    for run in runs {
        run.run().blocked();
        world.work_is_there();
    }
}

#[test]
fn commands_that_git_runs_by_itself() {
    let world = World::with_uncommitted_work();
    world.write("app/.env", "SECRET=1\n");
    for words in [
        vec!["git", "rebase", "--exec", "git clean -fdx", "HEAD"],
        vec!["git", "rebase", "-x", "git reset --hard", "HEAD"],
        vec!["git", "bisect", "run", "git", "clean", "-fdx"],
        vec!["git", "bisect", "run", "sh", "-c", "git reset --hard"],
        vec!["git", "submodule", "foreach", "git clean -fdx"],
        vec![
            "git",
            "submodule",
            "foreach",
            "--recursive",
            "git",
            "reset",
            "--hard",
        ],
    ] {
        world.command(&words).run().blocked();
        world.work_is_there();
        assert!(world.exists("app/.env"));
    }
}

#[test]
fn rm_that_other_programs_start() {
    let world = World::new();
    for script in [
        "find ../shared -type f -exec rm {} +",
        "find ../shared -type f -exec rm -f {} ';'",
        "find ../shared -type f -print0 | xargs -0 rm -f",
        "for f in ../shared/uploads/*; do rm \"$f\"; done",
        "bash -c 'rm -rf ../shared/uploads'",
        "env -u HOME rm -rf ../shared/uploads",
        "nohup rm -rf ../shared/uploads",
        "X='rm -rf'; $X ../shared/uploads",
        "cd .. && rm -rf shared/uploads/",
        "echo ../shared/uploads | xargs rm -rf",
        "command rm -rf ../shared/uploads",
        "rm -rf ../shared/../shared/uploads/.",
    ] {
        let outcome = world.sh(script);
        outcome.says("guard: blocked");
        assert!(world.exists("shared/uploads/photo.jpg"), "{script}");
        assert!(world.exists("shared/uploads/letter.txt"), "{script}");
    }
}

#[test]
fn a_link_that_leads_out_of_the_workspace() {
    let world = World::new();
    std::os::unix::fs::symlink(world.path("shared/uploads"), world.path("app/media")).unwrap();
    for line in [
        "rm -rf media/",
        "rm -rf media/photo.jpg",
        "rm -rf media/../uploads",
    ] {
        world.run(line).blocked();
    }
    assert!(world.exists("shared/uploads/photo.jpg"));
}

#[test]
fn the_message_is_for_the_agent() {
    let world = World::with_uncommitted_work();
    let outcome = world.run("git reset --hard");
    outcome
        .blocked()
        .says("would lose: 1 file with uncommitted changes: README.md")
        .says("[git.reset.hard]")
        .says("A person must approve it in a terminal of their own: guard approve ")
        .says("run the same command again")
        .says("Do not look for another way")
        .says("Safer: git stash push --include-untracked");
}

#[test]
fn commands_in_configuration() {
    let world = World::with_uncommitted_work();
    let git = |words: &[&str]| world.command(&[&["git"], words].concat());
    for run in [
        git(&[
            "-c",
            "core.fsmonitor=git -c core.fsmonitor=false reset --hard; false",
            "status",
        ]),
        git(&[
            "-c",
            "core.editor=git reset --hard; false",
            "commit",
            "--allow-empty",
        ]),
        git(&["commit", "--allow-empty"]).variable("GIT_EDITOR", "git reset --hard; false"),
        git(&["-c", "diff.external=git reset --hard; true", "diff"]),
    ] {
        run.run();
        world.work_is_there();
    }
}

#[test]
fn a_misspelt_command_that_git_corrects() {
    let world = World::with_uncommitted_work();
    world.git("app", &["config", "help.autocorrect", "immediate"]);
    world.run("git rset --hard").blocked();
    world.work_is_there();
    world.script("bin/git-rsets", "#!/bin/sh\n");
    let path = std::env::join_paths(
        [world.shims(), world.path("bin")]
            .into_iter()
            .chain(std::env::split_paths(&crate::support::real_path())),
    );
    let external = world
        .command(&["git", "rsets"])
        .variable("PATH", path.unwrap());
    external.run().ran();
}
