//! What git commands lose is saved first, and comes back as it was: references, HEAD, the index byte for
//! byte, the work tree, the stash.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::support::World;

/// Everything that an undo has to bring back, by name.
type State = BTreeMap<String, String>;

fn walk(directory: &Path, top: &Path, found: &mut State) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let name = path.strip_prefix(top).unwrap().display().to_string();
        if metadata.is_dir() {
            if path.file_name().unwrap() != ".git" {
                walk(&path, top, found);
            }
            continue;
        }
        let content = if metadata.is_symlink() {
            format!("-> {}", std::fs::read_link(&path).unwrap().display())
        } else {
            String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned()
        };
        let mode = metadata.permissions().mode() & 0o7777;
        found.insert(format!("file {name}"), format!("{mode:o} {content}"));
    }
}

/// The state of a repository.
fn state(world: &World, directory: &str) -> State {
    let mut found = State::new();
    let git =
        |arguments: &[&str]| world.git(directory, &[&["--no-optional-locks"], arguments].concat());
    let own = git(&["rev-parse", "--absolute-git-dir"]);
    let index = std::fs::read(Path::new(&own).join("index")).unwrap_or_default();
    found.insert("index".to_owned(), format!("{index:?}"));
    for line in git(&[
        "for-each-ref",
        "--format=%(refname) %(objectname) %(symref)",
    ])
    .lines()
    {
        if let Some((name, value)) = line.split_once(' ')
            && !name.starts_with("refs/guard/")
        {
            found.insert(format!("ref {name}"), value.to_owned());
        }
    }
    for (name, arguments) in [
        (
            "status",
            &["status", "--porcelain=v2", "--branch", "--show-stash"][..],
        ),
        ("stash", &["stash", "list", "--format=%gd %H %gs"]),
        ("settings", &["config", "--local", "--list"]),
        ("worktrees", &["worktree", "list", "--porcelain"]),
    ] {
        found.insert(name.to_owned(), git(arguments));
    }
    let head = std::fs::read_to_string(Path::new(&own).join("HEAD")).unwrap();
    found.insert("HEAD".to_owned(), head);
    for name in ["MERGE_HEAD", "CHERRY_PICK_HEAD", "rebase-merge/onto"] {
        let content = std::fs::read_to_string(Path::new(&own).join(name)).unwrap_or_default();
        found.insert(name.to_owned(), content);
    }
    walk(&world.path(directory), &world.path(directory), &mut found);
    found
}

#[track_caller]
fn same(found: &State, expected: &State, what: &str) {
    let names = found.keys().chain(expected.keys());
    for name in names {
        if name == "index" {
            assert!(found.get(name) == expected.get(name), "{what}: the index");
        } else {
            assert_eq!(found.get(name), expected.get(name), "{what}: {name}");
        }
    }
}

/// The id behind the last `guard undo `.
#[track_caller]
fn id_in(text: &str) -> String {
    let (_, after) = text
        .rsplit_once("guard undo ")
        .unwrap_or_else(|| panic!("no id in {text:?}"));
    after.chars().take(4).collect()
}

/// Runs a command at the shim, which saves first; the backup's id.
#[track_caller]
fn saves(world: &World, command: &str) -> String {
    let outcome = world.run(command);
    assert_eq!(outcome.code, Some(0), "{command}: {outcome:?}");
    outcome.says("saved first; bring back with: guard undo");
    assert!(!outcome.stderr.contains("blocked"), "{outcome:?}");
    let said = outcome
        .stderr
        .lines()
        .find(|line| line.contains("guard undo"))
        .unwrap();
    let id = id_in(said);
    let log = world.log();
    let entry = log.last().unwrap();
    assert_eq!(entry["answer"], "saved first", "{command}: {entry:#}");
    assert_eq!(entry["backup"], id.as_str(), "{command}");
    id
}

/// Brings a backup back; the id of what that replaced.
#[track_caller]
fn undo(world: &World, id: &str) -> String {
    let outcome = world.guard(&["undo", id]).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    id_in(&outcome.stdout)
}

#[track_caller]
fn whole(world: &World, directory: &str) {
    // It ends with an error when anything is missing.
    world.git(directory, &["fsck", "--no-dangling", "--no-progress"]);
}

/// The command runs without a question, is undone, the undo is undone, and once more.
#[track_caller]
fn round(world: &World, command: &str) {
    let before = state(world, "app");
    let id = saves(world, command);
    let after = state(world, "app");
    assert_ne!(before, after, "{command} did something");
    let drill = world.guard(&["backups", "drill", &id]).run();
    assert_eq!(drill.code, Some(0), "{command}: {drill:?}");
    let back = undo(world, &id);
    same(&state(world, "app"), &before, &format!("{command}, undone"));
    whole(world, "app");
    let again = undo(world, &back);
    same(&state(world, "app"), &after, &format!("{command}, redone"));
    whole(world, "app");
    undo(world, &again);
    same(
        &state(world, "app"),
        &before,
        &format!("{command}, undone again"),
    );
    // Nothing but guard's references holds what is kept.
    world.git("app", &["gc", "-q", "--prune=now"]);
    whole(world, "app");
}

/// Uncommitted work of every kind: changed, staged, staged and changed, added, removed, with odd modes and
/// names.
fn with_work() -> World {
    let world = World::with_backups();
    for name in [
        "both.txt",
        "gone.txt",
        "private.txt",
        "sp ace/ü\t.txt",
        "staged.txt",
    ] {
        world.write(&format!("app/{name}"), format!("{name}\n"));
    }
    world.commit("app", "more");
    world.write("app/README.md", "a day's work\n");
    world.write("app/staged.txt", "staged\n");
    world.write("app/both.txt", "staged first\n");
    world.write("app/added.txt", "added\n");
    world.git("app", &["add", "staged.txt", "both.txt", "added.txt"]);
    world.write("app/both.txt", "then changed\n");
    world.write("app/sp ace/ü\t.txt", "odd\n");
    world.write("app/private.txt", "private work\n");
    let private = world.path("app/private.txt");
    std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::remove_file(world.path("app/gone.txt")).unwrap();
    world.write("app/untracked.txt", "untracked\n");
    world
}

#[test]
fn resets_and_checkouts_of_uncommitted_work() {
    for command in [
        "git reset --hard",
        "git reset --hard HEAD~1",
        "git checkout -f",
        "git checkout HEAD -- .",
        "git checkout -- .",
        "git restore .",
        "git restore -s HEAD~1 -SW .",
        "git checkout-index -f -a",
        "git read-tree --reset -u HEAD",
        "git rm -q -f README.md added.txt both.txt",
        "git checkout HEAD~1 -- README.md src",
        "git switch -f --detach HEAD~1",
    ] {
        round(&with_work(), command);
    }
}

#[test]
fn times_and_modes_of_changed_files() {
    let world = with_work();
    let facts = || {
        let metadata = world.path("app/private.txt").metadata().unwrap();
        (metadata.mode(), metadata.mtime(), metadata.mtime_nsec())
    };
    let before = facts();
    let id = saves(&world, "git checkout private.txt");
    assert_ne!(facts(), before);
    undo(&world, &id);
    assert_eq!(facts(), before);
    assert_eq!(world.read("app/private.txt"), "private work\n");
}

#[test]
fn a_reset_that_leaves_commits_behind() {
    let world = World::with_backups();
    world.commit_file("app", "one.rs", "one\n");
    world.commit_file("app", "src/main.rs", "two\n");
    round(&world, "git reset -q --hard HEAD~2");
    // The index is back as it was, with the times and inodes of files that were replaced.
    world.git("app", &["status"]);
    round(&world, "git reset -q --keep HEAD~1");
}

#[test]
fn a_reset_over_an_untracked_file() {
    let world = World::with_backups();
    world.commit_file("app", "notes.txt", "old notes\n");
    world.git("app", &["rm", "-q", "notes.txt"]);
    world.commit("app", "without notes");
    world.write("app/notes.txt", "new notes\n");
    round(&world, "git reset -q --hard HEAD~1");
    round(&world, "git checkout HEAD~1 -- notes.txt");
}

#[test]
fn something_else_in_the_place_of_a_file() {
    let world = World::with_backups();
    std::fs::remove_file(world.path("app/README.md")).unwrap();
    world.write("app/README.md/deep/notes.txt", "notes\n");
    round(&world, "git reset -q --hard");
    let world = World::with_backups();
    std::fs::remove_dir_all(world.path("app/src")).unwrap();
    world.write("app/src", "a file where a directory was\n");
    round(&world, "git reset -q --hard");
}

#[test]
fn files_that_git_was_told_not_to_look_at() {
    let world = World::with_backups();
    world.git("app", &["update-index", "--assume-unchanged", "README.md"]);
    world.write("app/README.md", "hidden work\n");
    round(&world, "git reset -q --hard");
}

#[test]
fn branches() {
    let world = World::with_backups();
    world.git("app", &["branch", "other"]);
    world.git("app", &["checkout", "-q", "-b", "topic"]);
    world.commit_file("app", "a.rs", "a\n");
    world.commit_file("app", "b.rs", "b\n");
    world.git("app", &["checkout", "-q", "main"]);
    world.git("app", &["config", "branch.topic.remote", "origin"]);
    world.git("app", &["config", "branch.topic.merge", "refs/heads/topic"]);
    let log = world.read("app/.git/logs/refs/heads/topic");
    for command in [
        "git branch -D topic",
        "git branch -f topic main",
        "git branch -M other topic",
        "git checkout -q -B topic",
        "git switch -q -C topic main",
        "git update-ref -d refs/heads/topic",
        "git update-ref refs/heads/topic main",
        "git worktree add -q -B topic ../wt main",
    ] {
        if command.contains("worktree") {
            let before = state(&world, "app");
            let id = saves(&world, command);
            world.git("app", &["worktree", "remove", "--force", "../wt"]);
            undo(&world, &id);
            same(&state(&world, "app"), &before, command);
        } else {
            round(&world, command);
        }
        assert!(
            world
                .read("app/.git/logs/refs/heads/topic")
                .starts_with(&log),
            "{command}"
        );
    }
}

#[test]
fn tags() {
    let world = World::with_backups();
    world.git("app", &["tag", "-a", "v1", "-m", "release notes"]);
    world.git("app", &["checkout", "-q", "--detach"]);
    world.commit_file("app", "x.rs", "x\n");
    world.git("app", &["tag", "tip"]);
    world.git("app", &["checkout", "-q", "main"]);
    for command in [
        "git tag -d v1",
        "git tag -d v1 tip",
        "git tag -f tip HEAD",
        "git update-ref -d refs/tags/v1",
    ] {
        round(&world, command);
    }
}

#[test]
fn stashes() {
    let world = World::with_backups();
    for name in ["first", "second", "third"] {
        world.write("app/README.md", name);
        world.git("app", &["stash", "push", "-q", "-m", name]);
    }
    for command in [
        "git stash drop -q",
        "git stash drop -q stash@{1}",
        "git stash drop -q 2",
        "git stash clear",
        "git update-ref -d refs/stash",
    ] {
        round(&world, command);
    }
}

#[test]
fn a_stash_that_came_later_stays() {
    let world = World::with_backups();
    for name in ["first", "second"] {
        world.write("app/README.md", name);
        world.git("app", &["stash", "push", "-q", "-m", name]);
    }
    let id = saves(&world, "git stash drop -q stash@{1}");
    world.write("app/README.md", "third");
    world.git("app", &["stash", "push", "-q", "-m", "third"]);
    undo(&world, &id);
    let list = world.git("app", &["stash", "list", "--format=%gs"]);
    assert_eq!(list, "On main: third\nOn main: second\nOn main: first");
    whole(&world, "app");
}

#[test]
fn leaving_a_detached_head() {
    for command in [
        "git checkout -q main",
        "git switch -q main",
        "git checkout -q --orphan x",
        "git symbolic-ref HEAD refs/heads/main",
        "git rebase -q main topic",
    ] {
        let world = World::with_backups();
        world.git("app", &["branch", "topic"]);
        world.git("app", &["checkout", "-q", "--detach"]);
        world.commit_file("app", "x.rs", "x\n");
        round(&world, command);
    }
}

#[test]
fn an_ignored_file_that_a_change_of_branches_overwrites() {
    let world = World::with_backups();
    world.git("app", &["checkout", "-q", "-b", "topic"]);
    world.commit_file("app", "secret.env", "committed\n");
    world.git("app", &["checkout", "-q", "main"]);
    world.write("app/.git/info/exclude", "*.env\n");
    world.write("app/secret.env", "ignored and only here\n");
    round(&world, "git checkout -q topic");
}

fn stopped(verb: &str) -> World {
    let world = World::with_backups();
    world.git("app", &["checkout", "-q", "-b", "theirs"]);
    world.commit_file("app", "README.md", "theirs\n");
    world.git("app", &["checkout", "-q", "main"]);
    world.commit_file("app", "README.md", "ours\n");
    let _ = world.run(&format!("git {verb} theirs"));
    world.write("app/README.md", "resolved by hand\n");
    world
}

#[test]
fn ending_half_way() {
    for verb in ["merge", "rebase", "cherry-pick"] {
        round(&stopped(verb), &format!("git {verb} --abort"));
        if verb != "rebase" {
            round(&stopped(verb), "git reset -q --hard");
        }
    }
}

#[test]
fn histories_without_a_reflog() {
    let world = World::with_backups();
    world.git("app", &["config", "core.logAllRefUpdates", "false"]);
    std::fs::remove_dir_all(world.path("app/.git/logs")).unwrap();
    let old = world.commit_file("app", "a.rs", "a\n");
    let id = saves(&world, "git commit -q --amend -m better");
    let made = world.tip("app", "HEAD");
    // What the command made would be held by nothing: a person says so.
    let outcome = world.guard(&["undo", &id]).run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(
        outcome
            .stdout
            .contains("refs/heads/main has 1 commit since"),
        "{outcome:?}"
    );
    assert_eq!(world.tip("app", "HEAD"), made);
    world.git("app", &["branch", "made"]);
    undo(&world, &id);
    assert_eq!(world.tip("app", "HEAD"), old);
}

#[test]
fn linked_worktrees() {
    let world = World::with_backups();
    world.git("app", &["worktree", "add", "-q", "wt", "-b", "topic"]);
    world.write("app/.git/info/exclude", "wt/\n");
    world.write("app/wt/notes.txt", "untracked\n");
    world.write("app/wt/README.md", "changed\n");
    let inner = state(&world, "app/wt");
    round(&world, "git worktree remove --force wt");
    same(&state(&world, "app/wt"), &inner, "the worktree");
    whole(&world, "app/wt");
    world.git("app/wt", &["checkout", "-q", "-f", "--detach"]);
    world.commit_file("app/wt", "one.rs", "one\n");
    round(&world, "git worktree remove --force wt");
}

#[test]
fn a_worktree_beside_the_workspace_is_the_workspaces() {
    let world = World::with_backups();
    world.git("app", &["worktree", "add", "-q", "../wt", "-b", "topic"]);
    world.write("wt/README.md", "a day's work\n");
    let outcome = world.run("git -C ../wt reset --hard -q");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    undo(&world, &id_in(&outcome.stderr));
    assert_eq!(world.read("wt/README.md"), "a day's work\n");
    // Another repository is not.
    world.git(".", &["clone", "-q", "app", "other"]);
    world.write("other/README.md", "somebody's work\n");
    world.run("git -C ../other reset --hard -q").blocked();
}

#[test]
fn a_worktree_beside_the_workspace_in_drills() {
    let world = World::with_backups();
    world.git("app", &["worktree", "add", "-q", "../wt", "-b", "topic"]);
    world.write("wt/notes.txt", "untracked\n");
    let id = saves(&world, "git worktree remove --force ../wt");
    assert!(!world.exists("wt"));
    undo(&world, &id);
    assert_eq!(world.read("wt/notes.txt"), "untracked\n");
    // What stood there before the undo was nothing: a drill of that must not look at what came back.
    let outcome = world.guard(&["backups", "drill", "--all"]).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(world.read("wt/notes.txt"), "untracked\n");
}

#[test]
fn pruning_a_worktree_that_is_gone() {
    let world = World::with_backups();
    world.git("app", &["worktree", "add", "-q", "--detach", "../gone"]);
    let commit = world.commit_file("gone", "x.rs", "x\n");
    std::fs::remove_dir_all(world.path("gone")).unwrap();
    let id = saves(&world, "git worktree prune");
    assert!(!world.exists("app/.git/worktrees/gone"));
    undo(&world, &id);
    assert_eq!(world.read("app/.git/worktrees/gone/HEAD").trim(), commit);
    whole(&world, "app");
}

#[test]
fn reflogs_and_what_only_they_hold() {
    let world = World::with_backups();
    world.commit_file("app", "a.rs", "a\n");
    let lost = world.commit_file("app", "b.rs", "b\n");
    world.git("app", &["reset", "-q", "--hard", "HEAD~2"]);
    let log = world.read("app/.git/logs/HEAD");
    for command in [
        "git reflog expire --expire=now --all",
        "git reflog delete HEAD@{1}",
    ] {
        let id = saves(&world, command);
        assert_ne!(world.read("app/.git/logs/HEAD"), log, "{command}");
        world.git("app", &["gc", "-q", "--prune=now"]);
        undo(&world, &id);
        assert_eq!(world.read("app/.git/logs/HEAD"), log, "{command}");
        assert_eq!(world.git("app", &["cat-file", "-t", &lost]), "commit");
        whole(&world, "app");
    }
}

#[test]
fn what_nothing_reaches_any_more() {
    for command in ["git gc -q --prune=now", "git prune", "git repack -q -a -d"] {
        let world = World::with_backups();
        let lost = world.commit_file("app", "a.rs", "a\n");
        if command.contains("repack") {
            world.git("app", &["gc", "-q"]);
        }
        world.git("app", &["reset", "-q", "--hard", "HEAD~1"]);
        world.git("app", &["reflog", "expire", "--expire=now", "--all"]);
        let id = saves(&world, command);
        assert_eq!(
            world.git("app", &["cat-file", "-t", &lost]),
            "commit",
            "{command}"
        );
        let shown = world.guard(&["backups", "show", &id]).run();
        assert!(shown.stdout.contains("refs/guard/"), "{shown:?}");
        undo(&world, &id);
    }
}

#[test]
fn a_submodule() {
    let world = World::with_backups();
    world.git(".", &["clone", "-q", "--bare", "app", "origin.git"]);
    world.git(
        "app",
        &[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            "../origin.git",
            "lib",
        ],
    );
    world.commit("app", "lib");
    world.write("app/lib/README.md", "changed\n");
    world.write("app/lib/notes.txt", "untracked\n");
    round(&world, "git submodule --quiet deinit -f lib");
    world.run("git submodule update --force").blocked();
}

#[test]
fn moving_over_a_file() {
    let world = World::with_backups();
    world.write("app/draft.txt", "untracked draft\n");
    round(&world, "git mv -f README.md draft.txt");
}

#[test]
fn fetching_over_a_branch() {
    let world = World::with_remote();
    world.rules("[backup]\n");
    world.git("app", &["checkout", "-q", "-b", "topic"]);
    world.commit_file("app", "a.rs", "a\n");
    world.git("app", &["checkout", "-q", "-b", "elsewhere", "main"]);
    round(&world, "git fetch -q origin +main:topic");
    world.git("app", &["tag", "only-here", "topic"]);
    world.git("app", &["branch", "-q", "-D", "topic"]);
    round(&world, "git fetch -q origin --prune --prune-tags");
}

#[test]
fn something_newer_is_not_written_over() {
    let world = World::with_backups();
    world.write("app/README.md", "a day's work\n");
    world.commit_file("app", "one.rs", "one\n");
    world.write("app/README.md", "a second day's work\n");
    let id = saves(&world, "git reset -q --hard HEAD~1");
    world.write("app/README.md", "newer work\n");
    world.write("app/one.rs", "newer file\n");
    let new = world.commit_file("app", "new.rs", "new\n");
    world.write("app/README.md", "newest work\n");
    let before = state(&world, "app");
    let outcome = world.guard(&["undo", &id]).run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    for text in [
        "README.md was made or changed since",
        "refs/heads/main has 1 commit since",
    ] {
        assert!(outcome.stdout.contains(text), "{text}: {outcome:?}");
    }
    same(&state(&world, "app"), &before, "refused");
    // Beside it the files come back, and the commits have stayed.
    let outcome = world.guard(&["undo", &id, "--into", "beside"]).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(world.read("app/beside/README.md"), "a second day's work\n");
    std::fs::remove_dir_all(world.path("app/beside")).unwrap();
    same(&state(&world, "app"), &before, "beside");
    // Without a person nothing is written over.
    let outcome = world.guard(&["undo", &id, "--overwrite"]).run();
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
    same(&state(&world, "app"), &before, "without a person");
    // A person may, and what was written over can be had back.
    let mut person = world.guard(&["undo", &id, "--overwrite"]).at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(world.read("app/README.md"), "a second day's work\n");
    assert_eq!(world.read("app/one.rs"), "one\n");
    undo(&world, &id_in(&outcome.stdout));
    assert_eq!(world.tip("app", "HEAD"), new);
    same(&state(&world, "app"), &before, "taken back");
    whole(&world, "app");
}

#[test]
fn what_was_staged_since_is_not_thrown_away() {
    let world = World::with_uncommitted_work();
    world.rules("[backup]\n");
    let id = saves(&world, "git reset -q --hard");
    world.write("app/next.txt", "staged since\n");
    world.git("app", &["add", "next.txt"]);
    std::fs::remove_file(world.path("app/next.txt")).unwrap();
    let outcome = world.guard(&["undo", &id]).run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stdout.contains("next.txt is staged"), "{outcome:?}");
    assert_eq!(world.git("app", &["show", ":next.txt"]), "staged since");
}

#[test]
fn a_forced_push_that_is_undone() {
    let world = World::with_remote();
    world.rules("[backup]\n");
    // A colleague's commit that was never fetched.
    let hers = world.commit_file("colleague", "hers.rs", "hers\n");
    world.git("colleague", &["push", "-q"]);
    let mine = world.commit_file("app", "mine.rs", "mine\n");
    world.run("git push -q --force").blocked();
    let mut person = world
        .command(&["git", "push", "-q", "--force"])
        .at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(world.tip("origin.git", "main"), mine);
    let id = id_in(&outcome.stdout);
    // An agent cannot: it lies outside.
    let refused = world.guard(&["undo", &id]).run();
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert_eq!(world.tip("origin.git", "main"), mine);
    let brings_back = |id: &str| {
        let mut person = world.guard(&["undo", id]).at_terminal();
        let phrase = person.phrase();
        person.line(&phrase);
        let outcome = person.ends();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        id_in(&outcome.stdout)
    };
    let back = brings_back(&id);
    assert_eq!(world.tip("origin.git", "main"), hers);
    let again = brings_back(&back);
    assert_eq!(world.tip("origin.git", "main"), mine);
    // Somebody pushes in between.
    world.git("colleague", &["fetch", "-q"]);
    world.git("colleague", &["reset", "-q", "--hard", "origin/main"]);
    let newer = world.commit_file("colleague", "newer.rs", "newer\n");
    world.git("colleague", &["push", "-q"]);
    let refused = world.guard(&["undo", &again]).run();
    assert!(refused.stdout.contains("has moved since"), "{refused:?}");
    assert_eq!(world.tip("origin.git", "main"), newer);
}

#[test]
fn a_branch_deleted_on_the_remote() {
    let world = World::with_remote();
    world.rules("[backup]\n");
    world.git("app", &["checkout", "-q", "-b", "topic"]);
    let tip = world.commit_file("app", "a.rs", "a\n");
    world.git("app", &["push", "-q", "origin", "topic"]);
    world.git("app", &["checkout", "-q", "main"]);
    world.git("app", &["branch", "-q", "-D", "topic"]);
    let mut person = world
        .command(&["git", "push", "-q", "origin", "--delete", "topic"])
        .at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let mut person = world
        .guard(&["undo", &id_in(&outcome.stdout)])
        .at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(world.tip("origin.git", "topic"), tip);
}

#[test]
fn guards_own_references_are_not_for_agents() {
    let world = World::with_backups();
    world.commit_file("app", "one.rs", "one\n");
    let id = saves(&world, "git reset -q --hard HEAD~1");
    let name = format!("refs/guard/{id}/0");
    let tip = world.tip("app", &name);
    for command in [
        format!("git update-ref -d {name}"),
        format!("git update-ref {name} HEAD"),
        format!("git symbolic-ref {name} refs/heads/main"),
        format!("git push . :{name}"),
        format!("git push . +HEAD:{name}"),
        format!("git fetch . +main:{name}"),
    ] {
        world.run(&command).blocked();
        assert_eq!(world.tip("app", &name), tip, "{command}");
    }
    let list = format!(
        "git for-each-ref --format='delete %(refname)' refs/guard | git update-ref --stdin; rm -rf .git/{name}"
    );
    world.sh(&list);
    assert_eq!(world.tip("app", &name), tip);
    // Ordinary pushes leave them alone.
    world.git(".", &["init", "-q", "--bare", "other.git"]);
    for options in ["--all", "--tags"] {
        world.git("app", &["push", "-q", "../other.git", options]);
    }
    assert_eq!(world.git("other.git", &["for-each-ref", "refs/guard"]), "");
    // A person who removes the backup removes them.
    let mut person = world.guard(&["backups", "rm", &id]).at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(world.git("app", &["for-each-ref", "refs/guard"]), "");
}

#[test]
fn what_guard_keeps_for_a_while_still_counts_as_lost() {
    let world = World::with_backups();
    world.git("app", &["checkout", "-q", "-b", "topic"]);
    world.commit_file("app", "a.rs", "a\n");
    world.git("app", &["checkout", "-q", "main"]);
    let id = saves(&world, "git branch -q -D topic");
    undo(&world, &id);
    saves(&world, "git branch -q -D topic");
}

#[test]
fn a_damaged_backup_is_named_by_the_drill() {
    let world = World::with_backups();
    world.commit_file("app", "one.rs", "one\n");
    let id = saves(&world, "git reset -q --hard HEAD~1");
    let drill = world.guard(&["backups", "drill", &id]).run();
    assert_eq!(drill.code, Some(0), "{drill:?}");
    world.git("app", &["reflog", "expire", "--expire=now", "--all"]);
    std::fs::remove_dir_all(world.path(&format!("app/.git/refs/guard/{id}"))).unwrap();
    world.git("app", &["gc", "-q", "--prune=now"]);
    let drill = world.guard(&["backups", "drill", &id]).run();
    assert_eq!(drill.code, Some(1), "{drill:?}");
    assert!(drill.stdout.contains("objects are missing"), "{drill:?}");
}

#[test]
fn an_index_of_its_own_is_asked_about() {
    let world = World::with_uncommitted_work();
    world.rules("[backup]\n");
    world
        .command(&["git", "reset", "--hard"])
        .variable("GIT_INDEX_FILE", world.path("app/.git/index"))
        .run()
        .blocked();
    world.work_is_there();
}
