//! What previews measure: the numbers of `guard explain --json`, in real repositories.

use crate::support::World;

/// A loss as `files`, `commits`, `stashes`, `tags`, `repositories`.
type Amounts = [u64; 5];

const NOTHING: Amounts = [0; 5];

const fn files(count: u64) -> Amounts {
    [count, 0, 0, 0, 0]
}

const fn commits(count: u64) -> Amounts {
    [0, count, 0, 0, 0]
}

/// The one command of an explanation.
fn only(world: &World, command: &str) -> serde_json::Value {
    let explained = world.explain(command);
    assert_eq!(
        explained["commands"].as_array().unwrap().len(),
        1,
        "{explained:#}"
    );
    explained["commands"][0].clone()
}

/// guard counts everything, finds this loss, and asks only when there is one.
#[track_caller]
fn loses(world: &World, command: &str, expected: Amounts) {
    let one = only(world, command);
    let verdict = if expected == NOTHING {
        "allow"
    } else {
        "confirm"
    };
    assert_eq!(one["verdict"], verdict, "{command}: {one:#}");
    if expected == NOTHING && one["preview"]["status"] == "skipped" {
        return;
    }
    assert_eq!(one["preview"]["status"], "exact", "{command}: {one:#}");
    let loss = &one["preview"]["loss"];
    let found = ["files", "commits", "stashes", "tags", "repositories"]
        .map(|measure| loss[measure].as_u64().unwrap());
    assert_eq!(found, expected, "{command}: {one:#}");
}

/// What guard says would be lost, in words.
fn lines(world: &World, command: &str) -> String {
    only(world, command)["preview"]["loss"].to_string()
}

#[test]
fn rm_counts_what_no_commit_holds() {
    let world = World::new();
    world.write("app/.gitignore", "*.log\n.env\n");
    world.write("app/src/util.rs", "util\n");
    world.commit("app", "more");
    world.write("app/src/main.rs", "changed\n");
    world.write("app/src/new.rs", "12345678\n");
    world.write("app/src/run.log", "log\n");
    world.write("app/.env", "SECRET=1\n");
    // Modified, untracked and ignored files are gone for good; the committed one is not.
    loses(&world, "rm -rf src", files(3));
    let one = only(&world, "rm -rf src");
    assert_eq!(one["preview"]["loss"]["bytes"], 8 + 9 + 4);
    assert!(lines(&world, "rm -rf src").contains("committed, so it can be recovered: 1 file"));
    loses(&world, "rm src/util.rs README.md", NOTHING);
    loses(&world, "rm src/main.rs", files(1));
    loses(&world, "rm .env", files(1));
    loses(&world, "rm -f missing also-missing", NOTHING);
    // Staged only: the index holds it, no commit does.
    world.git("app", &["add", "src/new.rs"]);
    loses(&world, "rm src/new.rs", files(1));
}

#[test]
fn rm_names_the_largest_and_the_newest() {
    let world = World::new();
    for (name, size) in [("a", 10), ("b", 5000), ("c", 100), ("d", 20)] {
        world.write(&format!("app/data/{name}.bin"), "x".repeat(size));
    }
    let newest = std::fs::File::open(world.path("app/data/a.bin")).unwrap();
    newest
        .set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(60))
        .unwrap();
    let lines = lines(&world, "rm -rf data");
    assert!(lines.contains("data/b.bin (4.8 KiB)"), "{lines}");
    assert!(lines.contains("data/a.bin"), "{lines}");
}

#[test]
fn git_was_told_not_to_look() {
    let world = World::new();
    world.git("app", &["update-index", "--assume-unchanged", "README.md"]);
    world.write("app/README.md", "hidden work\n");
    assert_eq!(world.git("app", &["status", "--porcelain"]), "");
    loses(&world, "rm README.md", files(1));
    loses(&world, "git checkout -- README.md", files(1));
    loses(&world, "git checkout HEAD -- README.md", files(1));
    loses(&world, "git reset --hard", files(1));
}

#[test]
fn skipped_in_the_worktree() {
    let world = World::new();
    world.git("app", &["update-index", "--skip-worktree", "README.md"]);
    world.write("app/README.md", "hidden work\n");
    loses(&world, "rm README.md", files(1));
}

#[test]
fn what_can_be_made_again() {
    let world = World::new();
    for file in [
        "target/debug/app",
        "web/node_modules/x/index.js",
        ".venv/bin/python",
        "src/__pycache__/a.pyc",
    ] {
        world.write(&format!("app/{file}"), "made\n");
    }
    loses(&world, "rm -rf target", NOTHING);
    loses(
        &world,
        "rm -rf target .venv web/node_modules src/__pycache__",
        NOTHING,
    );
    loses(&world, "rm -rf web", NOTHING);
    loses(&world, "rm -rf target/debug", NOTHING);
    world.write("app/web/notes.txt", "notes\n");
    loses(&world, "rm -rf web", files(1));
    loses(&world, "git clean -fdx", files(1));
}

#[test]
fn a_disposable_name_that_git_tracks() {
    let world = World::new();
    world.commit_file("app", "dist/bundle.js", "committed\n");
    loses(&world, "rm -rf dist", NOTHING);
    world.write("app/dist/bundle.js", "changed\n");
    loses(&world, "rm -rf dist", files(1));
    world.write("app/dist/extra.js", "new\n");
    loses(&world, "rm -rf dist", files(2));
    loses(&world, "rm dist/bundle.js", files(1));
}

#[test]
fn disposable_names_count_inside_the_workspace_only() {
    let world = World::new();
    world.write("shared/target/thesis.txt", "years\n");
    loses(&world, "rm -rf ../shared/target", files(1));
    loses(&world, "rm -rf ../shared", files(3));
}

#[test]
fn repositories_inside() {
    let world = World::with_remote();
    world.git("app", &["clone", "-q", "../origin.git", "vendor/pushed"]);
    // Its work is on its remote too.
    loses(&world, "rm -rf vendor", NOTHING);
    world.commit_file("app/vendor/pushed", "local.rs", "local\n");
    loses(&world, "rm -rf vendor", [0, 0, 0, 0, 1]);
    world.git("app", &["init", "-q", "vendor/alone"]);
    loses(&world, "rm -rf vendor", [0, 0, 0, 0, 2]);
    loses(&world, "rm -rf vendor/alone", [0, 0, 0, 0, 1]);
    let lines = lines(&world, "rm -rf vendor/pushed");
    assert!(lines.contains("1 commit that no remote has"), "{lines}");
    // One with a disposable name is still a repository.
    world.git("app", &["init", "-q", "build"]);
    world.write("app/build/work.txt", "work\n");
    loses(&world, "rm -rf build", [0, 0, 0, 0, 1]);
}

#[test]
fn a_bare_repository_inside() {
    let world = World::new();
    world.git("app", &["clone", "-q", "--bare", ".", "mirror.git"]);
    world.git("app/mirror.git", &["remote", "remove", "origin"]);
    loses(&world, "rm -rf mirror.git", [0, 0, 0, 0, 1]);
}

#[test]
fn linked_worktrees() {
    let world = World::new();
    world.git("app", &["worktree", "add", "-q", "wt", "-b", "topic"]);
    loses(&world, "rm -rf wt", NOTHING);
    loses(&world, "git worktree remove wt", NOTHING);
    world.commit_file("app/wt", "topic.rs", "committed on a branch\n");
    loses(&world, "git worktree remove wt", NOTHING);
    world.write("app/wt/notes.txt", "untracked\n");
    world.write("app/wt/README.md", "changed\n");
    loses(&world, "git worktree remove --force wt", files(2));
    loses(&world, "rm -rf wt", [0, 0, 0, 0, 1]);
}

#[test]
fn commits_of_a_detached_worktree() {
    let world = World::new();
    world.git("app", &["worktree", "add", "-q", "--detach", "wt"]);
    world.commit_file("app/wt", "one.rs", "one\n");
    world.commit_file("app/wt", "two.rs", "two\n");
    loses(&world, "git worktree remove wt", commits(2));
    loses(&world, "git worktree remove --force wt", commits(2));
}

#[test]
fn stashes() {
    let world = World::new();
    for name in ["first", "second", "third"] {
        world.write("app/README.md", name);
        world.git("app", &["stash", "push", "-q", "-m", name]);
    }
    loses(&world, "git stash drop", [0, 0, 1, 0, 0]);
    loses(&world, "git stash drop stash@{2}", [0, 0, 1, 0, 0]);
    loses(&world, "git stash drop 1", [0, 0, 1, 0, 0]);
    loses(&world, "git stash drop stash@{7}", NOTHING);
    loses(&world, "git stash clear", [0, 0, 3, 0, 0]);
    loses(&world, "git update-ref -d refs/stash", [0, 0, 3, 0, 0]);
    let lines = lines(&world, "git stash drop 2");
    assert!(
        lines.contains("first") && !lines.contains("third"),
        "{lines}"
    );
    loses(&world, "git stash list", NOTHING);
}

#[test]
fn branches() {
    let world = World::new();
    world.git("app", &["branch", "merged"]);
    world.git("app", &["checkout", "-q", "-b", "topic"]);
    world.commit_file("app", "a.rs", "a\n");
    world.commit_file("app", "b.rs", "b\n");
    world.git("app", &["checkout", "-q", "main"]);
    loses(&world, "git branch -D merged", NOTHING);
    loses(&world, "git branch -D topic", commits(2));
    loses(&world, "git branch -d -f topic", commits(2));
    loses(&world, "git branch -D merged topic", commits(2));
    loses(&world, "git branch -f topic main", commits(2));
    loses(&world, "git branch -f topic main~0", commits(2));
    loses(&world, "git branch -M merged topic", commits(2));
    loses(&world, "git checkout -B topic", commits(2));
    loses(&world, "git checkout -B topic main", commits(2));
    loses(&world, "git switch -C topic main", commits(2));
    loses(&world, "git update-ref -d refs/heads/topic", commits(2));
    loses(&world, "git update-ref refs/heads/topic main", commits(2));
    loses(&world, "git branch -f topic topic", NOTHING);
    world.git("app", &["tag", "keep", "topic"]);
    loses(&world, "git branch -D topic", NOTHING);
    world.git("app", &["tag", "-d", "keep"]);
    world.git("app", &["branch", "other", "topic~1"]);
    loses(&world, "git branch -D topic", commits(1));
    loses(&world, "git branch -D topic other", commits(2));
}

#[test]
fn a_branch_that_only_its_remote_tracking_reference_holds() {
    let world = World::with_remote();
    world.git("app", &["checkout", "-q", "-b", "topic"]);
    world.commit_file("app", "a.rs", "a\n");
    world.git("app", &["push", "-q", "origin", "topic"]);
    world.git("app", &["checkout", "-q", "main"]);
    loses(&world, "git branch -D topic", NOTHING);
    loses(&world, "git push origin --delete topic", NOTHING);
    world.git("app", &["branch", "-D", "topic"]);
    loses(&world, "git push origin --delete topic", commits(1));
    loses(&world, "git push origin :topic", commits(1));
    loses(&world, "git branch -rD origin/topic", commits(1));
}

#[test]
fn tags() {
    let world = World::new();
    world.git("app", &["tag", "light"]);
    world.git("app", &["tag", "-a", "v1", "-m", "release notes"]);
    loses(&world, "git tag -d light", NOTHING);
    loses(&world, "git tag -d v1", [0, 0, 0, 1, 0]);
    loses(&world, "git tag -d light v1", [0, 0, 0, 1, 0]);
    loses(&world, "git tag -f v1", [0, 0, 0, 1, 0]);
    world.commit_file("app", "x.rs", "x\n");
    world.git("app", &["tag", "tip"]);
    world.git("app", &["reset", "-q", "--hard", "HEAD~1"]);
    loses(&world, "git tag -d tip", commits(1));
    loses(&world, "git tag -f tip HEAD", commits(1));
}

#[test]
fn a_reset_that_leaves_commits_behind() {
    let world = World::with_remote();
    world.commit_file("app", "pushed.rs", "pushed\n");
    world.git("app", &["push", "-q"]);
    loses(&world, "git reset --hard HEAD~1", NOTHING);
    world.commit_file("app", "one.rs", "one\n");
    world.commit_file("app", "two.rs", "two\n");
    loses(&world, "git reset --hard origin/main", commits(2));
    loses(&world, "git reset --hard HEAD~1", commits(1));
    world.write("app/README.md", "changed\n");
    world.write("app/new.rs", "untracked files stay\n");
    loses(&world, "git reset --hard HEAD~1", [1, 1, 0, 0, 0]);
    loses(&world, "git reset --hard", files(1));
    loses(&world, "git reset HEAD~1", NOTHING);
    loses(&world, "git reset --keep HEAD", NOTHING);
    loses(&world, "git update-ref HEAD HEAD~1", commits(1));
    world.git("app", &["branch", "backup"]);
    loses(&world, "git reset --hard HEAD~1", files(1));
}

#[test]
fn a_reset_over_an_untracked_file() {
    let world = World::new();
    world.commit_file("app", "notes.txt", "old notes\n");
    world.git("app", &["rm", "-q", "notes.txt"]);
    world.commit("app", "without notes");
    world.write("app/notes.txt", "new notes that no commit holds\n");
    loses(&world, "git checkout HEAD~1 -- notes.txt", files(1));
    loses(&world, "git restore --source HEAD~1 notes.txt", files(1));
    // The commit that the reset leaves is lost as well.
    loses(&world, "git reset --hard HEAD~1", [1, 1, 0, 0, 0]);
    world.write("app/notes.txt", "old notes\n");
    loses(&world, "git checkout HEAD~1 -- notes.txt", NOTHING);
}

#[test]
fn which_changes_a_checkout_discards() {
    let world = World::new();
    world.write("app/README.md", "staged\n");
    world.git("app", &["add", "README.md"]);
    world.write("app/src/main.rs", "unstaged\n");
    // From the index only what is not staged goes; from a commit both.
    loses(&world, "git checkout -- .", files(1));
    loses(&world, "git checkout HEAD -- .", files(2));
    loses(&world, "git restore .", files(1));
    loses(&world, "git restore --staged .", NOTHING);
    loses(&world, "git restore -SW .", files(2));
    loses(&world, "git checkout -- README.md", NOTHING);
    loses(&world, "git checkout HEAD README.md", files(1));
    loses(&world, "git reset --hard", files(2));
    loses(&world, "git checkout-index -f -a", files(1));
    loses(&world, "git checkout -f", files(2));
    loses(&world, "git rm -f README.md", files(1));
    loses(&world, "git rm --cached -f README.md", NOTHING);
    world.write("app/README.md", "staged, then changed\n");
    loses(&world, "git checkout -- README.md", files(1));
    loses(&world, "git reset --hard", files(2));
}

#[test]
fn deleted_files_are_no_loss() {
    let world = World::new();
    std::fs::remove_file(world.path("app/README.md")).unwrap();
    loses(&world, "git checkout -- .", NOTHING);
    loses(&world, "git reset --hard", NOTHING);
    loses(&world, "git restore README.md", NOTHING);
}

#[test]
fn commits_that_nothing_reaches() {
    let world = World::new();
    world.commit_file("app", "a.rs", "a\n");
    world.commit_file("app", "b.rs", "b\n");
    world.git("app", &["reset", "-q", "--hard", "HEAD~2"]);
    // The reflog still holds them.
    loses(&world, "git gc --prune=now", NOTHING);
    loses(&world, "git prune", NOTHING);
    loses(&world, "git reflog expire --expire=now --all", commits(2));
    loses(&world, "git reflog delete HEAD@{1}", commits(2));
    world.git("app", &["reflog", "expire", "--expire=now", "--all"]);
    loses(&world, "git gc --prune=now", commits(2));
    loses(&world, "git prune", commits(2));
    loses(&world, "git prune --expire=now", commits(2));
    loses(&world, "git gc", NOTHING);
}

#[test]
fn a_prune_after_gc_has_packed() {
    let world = World::new();
    world.commit_file("app", "a.rs", "a\n");
    world.git("app", &["gc", "-q"]);
    world.git("app", &["reset", "-q", "--hard", "HEAD~1"]);
    world.git("app", &["reflog", "expire", "--expire=now", "--all"]);
    loses(&world, "git gc --prune=now", commits(1));
}

#[test]
fn filter_branch() {
    let world = World::new();
    loses(
        &world,
        "git filter-branch --tree-filter 'touch x' HEAD",
        NOTHING,
    );
    // An older backup of the history would be overwritten with --force.
    world.commit_file("app", "a.rs", "a\n");
    world.git(
        "app",
        &["update-ref", "refs/original/refs/heads/main", "HEAD"],
    );
    world.git("app", &["reset", "-q", "--hard", "HEAD~1"]);
    loses(
        &world,
        "git filter-branch -f --tree-filter 'touch x' HEAD",
        commits(1),
    );
}

#[test]
fn submodules() {
    let world = World::with_remote();
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
    loses(&world, "git submodule deinit -f lib", NOTHING);
    world.write("app/lib/README.md", "changed\n");
    world.write("app/lib/notes.txt", "untracked\n");
    loses(&world, "git submodule deinit -f lib", files(2));
    loses(&world, "git submodule deinit -f --all", files(2));
    loses(&world, "git submodule update --force", files(1));
}

#[test]
fn links() {
    let world = World::new();
    std::os::unix::fs::symlink("../shared/uploads", world.path("app/media")).unwrap();
    // The link itself goes, not what is behind it.
    loses(&world, "rm media", files(1));
    loses(&world, "rm -rf media", files(1));
    // With the slash GNU rm empties the directory behind it.
    loses(&world, "rm -rf media/", files(2));
    let one = only(&world, "rm -rf media/");
    assert_eq!(one["rules"][0]["id"], "rm.escape", "{one:#}");
    // A committed link can be had again.
    world.commit("app", "link");
    loses(&world, "rm media", NOTHING);
}

#[test]
fn dots_through_a_link() {
    let world = World::new();
    std::os::unix::fs::symlink("../shared/uploads", world.path("app/media")).unwrap();
    world.write("shared/plans.txt", "plans\n");
    world.write("app/plans.txt", "other plans\n");
    // `media/..` is `shared`, whatever the letters say.
    loses(&world, "rm media/../plans.txt", files(1));
    let one = only(&world, "rm media/../plans.txt");
    assert_eq!(one["rules"][0]["id"], "rm.escape", "{one:#}");
    // A link to a directory in the workspace leads nowhere else.
    std::os::unix::fs::symlink("src", world.path("app/code")).unwrap();
    loses(&world, "rm code/main.rs", NOTHING);
}

#[test]
fn clean_counts_as_git_would() {
    let world = World::new();
    world.write("app/.gitignore", "*.secret\n");
    world.commit("app", "ignore");
    world.write("app/a.secret", "a\n");
    world.write("app/new.txt", "new\n");
    world.write("app/dir/one.txt", "1\n");
    world.write("app/dir/two.txt", "2\n");
    loses(&world, "git clean -f", files(1));
    loses(&world, "git clean -fd", files(3));
    loses(&world, "git clean -fdx", files(4));
    loses(&world, "git clean -fX", files(1));
    loses(&world, "git clean -fd -e new.txt", files(2));
    loses(&world, "git clean -fd dir", files(2));
    loses(&world, "git clean -n", NOTHING);
    loses(&world, "git clean -fdn", NOTHING);
    // A repository inside is left alone without a second -f.
    world.git("app", &["init", "-q", "nested"]);
    world.write("app/nested/work.txt", "work\n");
    loses(&world, "git clean -fd", files(3));
    loses(&world, "git clean -ffd", [3, 0, 0, 0, 1]);
}

#[test]
fn pushes() {
    let world = World::with_remote();
    world.commit_file("app", "one.rs", "one\n");
    loses(&world, "git push", NOTHING);
    loses(&world, "git push --force", NOTHING);
    world.git("app", &["push", "-q"]);
    // Rewritten on the remote, but a local branch holds it.
    world.git("app", &["branch", "backup"]);
    world.git("app", &["commit", "-q", "--amend", "-m", "better"]);
    loses(&world, "git push --force", NOTHING);
    world.git("app", &["branch", "-D", "backup"]);
    loses(&world, "git push --force", commits(1));
    loses(&world, "git push --force-with-lease", commits(1));
    loses(&world, "git push origin +main", commits(1));
    loses(&world, "git push --force --dry-run", NOTHING);
    loses(&world, "git push origin main:topic --force", NOTHING);
}

#[test]
fn a_tag_on_the_remote() {
    let world = World::with_remote();
    world.git("app", &["tag", "-a", "v1", "-m", "notes"]);
    world.git("app", &["push", "-q", "origin", "v1"]);
    loses(&world, "git push origin :refs/tags/v1", NOTHING);
    world.git("app", &["tag", "-d", "v1"]);
    let one = only(&world, "git push origin :refs/tags/v1");
    assert_eq!(one["verdict"], "confirm", "{one:#}");
}

#[test]
fn ending_a_merge_half_way() {
    let world = World::new();
    world.git("app", &["checkout", "-q", "-b", "topic"]);
    world.commit_file("app", "README.md", "theirs\n");
    world.git("app", &["checkout", "-q", "main"]);
    world.commit_file("app", "README.md", "ours\n");
    let merge = world.command(&["git", "merge", "topic"]).run();
    assert_eq!(merge.code, Some(1), "{merge:?}");
    loses(&world, "git merge --abort", NOTHING);
    world.write("app/README.md", "resolved by hand\n");
    loses(&world, "git merge --abort", files(1));
    loses(&world, "git reset --hard", files(1));
}

#[test]
fn histories_that_a_reflog_keeps() {
    let world = World::new();
    world.commit_file("app", "a.rs", "a\n");
    loses(&world, "git commit --amend -m better", NOTHING);
    loses(&world, "git rebase HEAD~1", NOTHING);
    world.git("app", &["config", "core.logAllRefUpdates", "false"]);
    loses(&world, "git commit --amend -m better", commits(2));
}

#[test]
fn fetching_over_a_branch() {
    let world = World::with_remote();
    world.git("app", &["checkout", "-q", "-b", "topic"]);
    world.commit_file("app", "a.rs", "a\n");
    world.git("app", &["checkout", "-q", "-b", "elsewhere", "main"]);
    loses(&world, "git fetch origin +main:topic", commits(1));
    loses(&world, "git fetch -f origin main:topic", commits(1));
    loses(&world, "git fetch origin +main:main", NOTHING);
}

#[test]
fn moving_over_a_file() {
    let world = World::new();
    world.write("app/draft.txt", "untracked draft\n");
    loses(&world, "git mv -f README.md draft.txt", files(1));
    loses(&world, "git mv -f README.md src/main.rs", NOTHING);
}

#[test]
fn another_working_tree() {
    let world = World::new();
    world.write("home/README.md", "somebody else's\n");
    loses(&world, "git --work-tree=../home checkout -f", files(1));
}

#[test]
fn a_tree_that_is_too_large_for_the_time() {
    let world = World::new();
    world.rules("[preview]\nseconds = 0.1\n");
    for directory in 0..150 {
        let path = world.path(&format!("app/data/{directory}"));
        std::fs::create_dir_all(&path).unwrap();
        for file in 0..200 {
            std::fs::File::create(path.join(format!("{file}"))).unwrap();
        }
    }
    let one = only(&world, "rm -rf data");
    assert_eq!(one["verdict"], "confirm", "{one:#}");
    let status = one["preview"]["status"].as_str().unwrap();
    if status == "exact" {
        assert_eq!(one["preview"]["loss"]["files"], 30_000);
    } else {
        assert_eq!(status, "estimate", "{one:#}");
        // Of this very look: another one may be quicker.
        let lines = one["preview"]["loss"]["lines"].to_string();
        assert!(lines.contains("more than"), "{one:#}");
    }
}

#[test]
fn previews_change_nothing() {
    let world = World::with_remote();
    world.write("app/README.md", "changed\n");
    world.write("app/.git/hooks/pre-push", "");
    let hook = world.script("app/.git/hooks/pre-push", "#!/bin/sh\ntouch ../hooked\n");
    assert!(hook.exists());
    world.git(
        "app",
        &["config", "core.fsmonitor", "touch ../monitored; false"],
    );
    world.git("app", &["config", "alias.mark", "!touch ../aliased"]);
    let index = std::fs::read(world.path("app/.git/index")).unwrap();
    let commit = world.commit_file("colleague", "x.rs", "x\n");
    world.git("colleague", &["push", "-q"]);
    for command in [
        "git reset --hard",
        "git push --force",
        "git clean -fdx",
        "git mark",
        "git checkout .",
        "git gc --prune=now",
        "rm -rf src",
    ] {
        world.explain(command);
    }
    assert_eq!(std::fs::read(world.path("app/.git/index")).unwrap(), index);
    for mark in ["hooked", "monitored", "aliased"] {
        assert!(!world.exists(mark), "{mark}");
    }
    assert_eq!(world.tip("origin.git", "main"), commit);
    assert_eq!(world.log().len(), 0);
}

#[test]
fn a_repack_drops_what_nothing_reaches() {
    let world = World::new();
    world.commit_file("app", "a.rs", "a\n");
    world.git("app", &["gc", "-q"]);
    world.git("app", &["reset", "-q", "--hard", "HEAD~1"]);
    world.git("app", &["reflog", "expire", "--expire=now", "--all"]);
    loses(&world, "git repack -a -d", commits(1));
}

#[test]
fn clean_in_another_working_tree() {
    let world = World::new();
    loses(&world, "git --work-tree=../shared clean -fdx", files(2));
}

#[test]
fn clean_in_another_working_tree_by_a_variable() {
    let world = World::new();
    loses(&world, "GIT_WORK_TREE=../shared git clean -fdx", files(2));
}

#[test]
fn rm_of_a_detached_worktree() {
    let world = World::new();
    world.git("app", &["worktree", "add", "-q", "--detach", "wt"]);
    world.commit_file("app/wt", "one.rs", "one\n");
    let one = only(&world, "rm -rf wt");
    assert_eq!(one["verdict"], "confirm", "{one:#}");
}

#[test]
fn rm_of_a_directory_without_r() {
    let world = World::new();
    world.write("app/notes/a.txt", "untracked\n");
    loses(&world, "rm notes", NOTHING);
}

#[test]
fn checkout_that_ignores_skipped_bits() {
    let world = World::new();
    world.git("app", &["update-index", "--skip-worktree", "README.md"]);
    world.write("app/README.md", "hidden work\n");
    loses(&world, "git checkout -- README.md", NOTHING);
    loses(
        &world,
        "git checkout --ignore-skip-worktree-bits -- README.md",
        files(1),
    );
}

#[test]
fn update_ref_of_an_annotated_tag() {
    let world = World::new();
    world.git("app", &["tag", "-a", "v1", "-m", "release notes"]);
    loses(&world, "git update-ref -d refs/tags/v1", [0, 0, 0, 1, 0]);
}

#[test]
fn a_worktree_that_moves_a_branch() {
    let world = World::new();
    world.git("app", &["checkout", "-q", "-b", "topic"]);
    world.commit_file("app", "a.rs", "a\n");
    world.git("app", &["checkout", "-q", "main"]);
    loses(&world, "git worktree add -B topic ../wt main", commits(1));
}

#[test]
fn files_that_git_writes_its_output_to() {
    let world = World::new();
    world.write("app/README.md", "a day's work\n");
    for command in [
        "git archive -o README.md HEAD",
        "git diff --output=README.md HEAD~0",
        "git bundle create README.md HEAD",
        "git diff-index --output=README.md HEAD",
        "git stash show -p --output=README.md",
        "git merge-file README.md src/main.rs src/main.rs",
        "git archive --output=../shared/uploads/letter.txt HEAD",
    ] {
        let one = only(&world, command);
        assert_eq!(one["verdict"], "confirm", "{command}: {one:#}");
    }
}

#[test]
fn leaving_a_detached_head() {
    let world = World::new();
    world.write("app/README.md", "stashed\n");
    world.git("app", &["stash", "-q"]);
    world.git("app", &["branch", "topic"]);
    for command in LEAVING {
        loses(&world, command, NOTHING);
    }
    world.git("app", &["checkout", "-q", "--detach"]);
    world.commit_file("app", "x.rs", "x\n");
    for command in LEAVING {
        loses(&world, command, commits(1));
    }
    loses(&world, "git rebase main", NOTHING);
    loses(&world, "git update-ref -d HEAD", commits(1));
}

const LEAVING: [&str; 6] = [
    "git checkout --orphan x",
    "git switch --orphan x",
    "git rebase main topic",
    "git rebase --root topic",
    "git stash branch x",
    "git symbolic-ref HEAD refs/heads/topic",
];

#[test]
fn ending_what_has_not_begun() {
    let world = World::with_uncommitted_work();
    for verb in ["merge", "rebase", "am", "cherry-pick", "revert"] {
        loses(&world, &format!("git {verb} --abort"), NOTHING);
    }
    world.git("app", &["stash", "-q"]);
    world.git("app", &["checkout", "-q", "-b", "theirs"]);
    world.commit_file("app", "README.md", "theirs\n");
    world.git("app", &["checkout", "-q", "main"]);
    world.commit_file("app", "README.md", "ours\n");
    for verb in ["merge", "rebase", "cherry-pick"] {
        let _ = world.run(&format!("git {verb} theirs"));
        world.write("app/README.md", "resolved\n");
        loses(&world, &format!("git {verb} --abort"), files(1));
        world.git("app", &[verb, "--abort"]);
    }
}

const FROM_INPUT: [&str; 4] = [
    "git checkout --pathspec-from-file=-",
    "git restore --pathspec-from-file -",
    "git checkout-index -f --stdin",
    "git apply -R",
];

#[test]
fn paths_from_standard_input() {
    let world = World::new();
    for command in FROM_INPUT {
        loses(&world, command, NOTHING);
    }
    world.write("app/README.md", "work\n");
    for command in FROM_INPUT {
        assert_eq!(only(&world, command)["preview"]["status"], "unknown");
    }
    world.write("app/list", "src/main.rs\n");
    loses(&world, "git rm -f --pathspec-from-file=list", NOTHING);
}

#[test]
fn reading_a_tree() {
    let world = World::with_uncommitted_work();
    loses(&world, "git read-tree --reset -u HEAD", files(1));
    loses(&world, "git read-tree --reset HEAD", NOTHING);
    loses(&world, "git read-tree -m -u HEAD HEAD", NOTHING);
}

#[test]
fn pushes_that_git_refuses() {
    let world = World::with_remote();
    loses(&world, "git push origin --delete nowhere", NOTHING);
    world.git("app", &["checkout", "-q", "--detach"]);
    loses(&world, "git push --force", NOTHING);
    loses(&world, "git push --force-with-lease", NOTHING);
}

#[test]
fn contents_that_another_commit_holds() {
    let world = World::new();
    world.git("app", &["checkout", "-q", "-b", "topic"]);
    world.commit_file("app", "docs/topic.md", "topic\n");
    world.commit_file("app", "README.md", "newer\n");
    world.git("app", &["checkout", "-q", "main"]);
    // As another branch has them.
    world.write("app/docs/topic.md", "topic\n");
    loses(&world, "rm docs/topic.md", NOTHING);
    loses(&world, "rm -r docs", NOTHING);
    for setting in ["diff.relative", "log.follow", "log.showSignature"] {
        world.git("app", &["config", setting, "true"]);
    }
    loses(&world, "git -C docs rm -f ../docs/topic.md", NOTHING);
    world.write("app/docs/notes.md", "notes\n");
    loses(&world, "rm -r docs", files(1));
    world.write("app/README.md", "newer\n");
    loses(&world, "git reset --hard", NOTHING);
    loses(&world, "git checkout .", NOTHING);
    loses(&world, "git -C src checkout ..", NOTHING);
    loses(&world, "rm README.md", NOTHING);
    world.git("app", &["add", "README.md"]);
    loses(&world, "git reset --hard", NOTHING);
    // The index may hold what the file does not.
    world.write("app/README.md", "staged\n");
    world.git("app", &["add", "README.md"]);
    world.write("app/README.md", "newer\n");
    loses(&world, "git reset --hard", files(1));
    world.git("app", &["reset", "-q"]);
    world.write("app/README.md", "newest\n");
    loses(&world, "git reset --hard", files(1));
    // The same content elsewhere is another file.
    world.git("app", &["checkout", "-q", "."]);
    world.write("app/other.md", "topic\n");
    loses(&world, "rm other.md", files(1));
}

#[test]
fn a_mode_is_not_work() {
    let world = World::new();
    world.git("app", &["config", "core.fileMode", "true"]);
    world.script("app/README.md", "an app\n");
    loses(&world, "git reset --hard", NOTHING);
    loses(&world, "git checkout README.md", NOTHING);
    loses(&world, "rm README.md", NOTHING);
}

#[test]
fn a_branch_that_starts_from_nothing() {
    let world = World::new();
    world.git("app", &["checkout", "-q", "--orphan", "pages"]);
    loses(&world, "git rm -rf .", NOTHING);
    loses(&world, "git reset --hard", NOTHING);
    loses(&world, "git checkout -f main", NOTHING);
    world.write("app/new.md", "new\n");
    world.git("app", &["add", "new.md"]);
    loses(&world, "git rm -rf .", files(1));
    loses(&world, "git reset --hard", files(1));
    for number in 0..80 {
        world.write(&format!("app/many/{number}"), "x\n");
    }
    world.git("app", &["add", "many"]);
    loses(&world, "git rm -rf .", files(81));
    world.commit("app", "many");
    world.git("app", &["checkout", "-q", "--orphan", "again"]);
    loses(&world, "git rm -rf .", NOTHING);
}

#[test]
fn pruning_a_worktree_that_is_gone() {
    let world = World::new();
    world.git("app", &["worktree", "add", "-q", "--detach", "../gone"]);
    loses(&world, "git worktree prune", NOTHING);
    world.commit_file("gone", "x.rs", "x\n");
    loses(&world, "git worktree prune", NOTHING);
    std::fs::remove_dir_all(world.path("gone")).unwrap();
    loses(&world, "git worktree prune", commits(1));
}

#[test]
fn tags_that_a_fetch_moves_or_deletes() {
    let world = World::with_remote();
    world.git("app", &["tag", "same"]);
    world.git("app", &["push", "-q", "--tags"]);
    loses(&world, "git fetch --tags --force", NOTHING);
    loses(&world, "git fetch --prune --prune-tags", NOTHING);
    world.git("app", &["checkout", "-q", "--detach"]);
    world.commit_file("app", "x.rs", "x\n");
    world.git("app", &["tag", "only-here"]);
    world.git("app", &["checkout", "-q", "main"]);
    loses(&world, "git fetch --tags --force", NOTHING);
    loses(&world, "git fetch origin --prune --prune-tags", commits(1));
    world.git("app", &["tag", "-f", "same", "only-here"]);
    world.git("app", &["tag", "-d", "only-here"]);
    loses(&world, "git fetch --tags --force", commits(1));
    loses(&world, "git fetch --prune", NOTHING);
    world.git("app", &["tag", "only-here", "same"]);
    world.git("app", &["tag", "-d", "same"]);
    world.git("app", &["config", "fetch.pruneTags", "true"]);
    loses(&world, "git fetch --prune", commits(1));
}

#[test]
fn pipes_and_sockets_hold_nothing() {
    let world = World::new();
    let socket = std::os::unix::net::UnixListener::bind(world.path("app/run.sock")).unwrap();
    loses(&world, "rm run.sock", NOTHING);
    drop(socket);
}
