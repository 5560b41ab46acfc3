#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use proptest::prelude::*;

use super::*;
use guard_core::invocation::words;
use guard_testing::check;

fn git(line: &str) -> Invocation {
    let split = shlex::split(line).unwrap();
    read_at(
        &words(&split),
        &Context::nothing(guard_toolbox::TOOLBOX.nested),
        0,
    )
}

/// Verb, normalised flags, operands, scope, marks: as git(1) and the manual page of each command
/// say. The notation is that of [`guard_testing`].
const LINES: &[(&str, &str)] = &[
    ("git status", "status | | | | reads"),
    (
        "git -C app -c a.b=c --no-pager log --oneline -3",
        "log | --oneline ?-3 | | -C app -c 'a.b=c' --no-pager | reads",
    ),
    (
        "git --git-dir x/.git --work-tree=. reset --hard",
        "reset | --hard | | --git-dir x/.git '--work-tree=.' |",
    ),
    ("git reset HEAD~3 --hard", "reset | --hard | HEAD~3 | |"),
    ("git reset --har", "reset | --hard | | |"),
    ("git reset -q --hard -- ", "reset | --quiet --hard | -- | |"),
    ("git reset -- --hard", "reset | | -- --hard | |"),
    (
        "git commit -m 'reset --hard'",
        "commit | --message=reset --hard | | |",
    ),
    ("git commit -m --amend", "commit | --message=--amend | | |"),
    (
        "git commit -am x --ame",
        "commit | --all --message=x --amend | | |",
    ),
    ("git checkout main", "checkout branch | | main | |"),
    ("git checkout -- .", "checkout paths | | -- . | |"),
    ("git checkout .", "checkout paths | | . | |"),
    (
        "git checkout HEAD -- a b",
        "checkout paths | | HEAD -- a b | |",
    ),
    ("git checkout main --", "checkout branch | | main -- | |"),
    (
        "git checkout -b topic origin/main",
        "checkout branch | -b=topic | origin/main | |",
    ),
    (
        "git checkout -fb topic",
        "checkout branch | --force -b=topic | | |",
    ),
    (
        "git checkout -Bmain origin/main",
        "checkout branch | -B=main | origin/main | |",
    ),
    (
        "git checkout ':(top)*.rs'",
        "checkout paths | | :(top)*.rs | |",
    ),
    ("git checkout --ours a", "checkout branch | --ours | a | |"),
    (
        "git switch -fc topic",
        "switch | --force --create=topic | | |",
    ),
    (
        "git switch --disc main",
        "switch | --discard-changes | main | |",
    ),
    ("git restore -SW .", "restore | --staged --worktree | . | |"),
    (
        "git restore -s HEAD~2 a",
        "restore | --source=HEAD~2 | a | |",
    ),
    ("git clean -xdf", "clean | -x -d --force | | |"),
    (
        "git clean -e -f -n",
        "clean | --exclude=-f --dry-run | | | inert",
    ),
    ("git stash", "stash push | | | |"),
    ("git stash -m drop", "stash push | --message=drop | | |"),
    (
        "git stash drop -q stash@{1}",
        "stash drop | --quiet | stash@{1} | |",
    ),
    ("git stash list", "stash list | | | | reads"),
    ("git branch -D topic", "branch | -D | topic | |"),
    (
        "git branch topic -df",
        "branch | --delete --force | topic | |",
    ),
    (
        "git branch -u origin/x",
        "branch | --set-upstream-to=origin/x | | |",
    ),
    (
        "git push -uf origin main",
        "push | --set-upstream --force | origin main | |",
    ),
    (
        "git push origin main -f",
        "push | --force | origin main | |",
    ),
    (
        "git push -o --force origin",
        "push | --push-option=--force | origin | |",
    ),
    ("git push --force --no-force", "push | | | |"),
    ("git push --forc", "push | ?--forc | | |"),
    (
        "git push --force-w=main:abc origin",
        "push | --force-with-lease=main:abc | origin | |",
    ),
    ("git push --mir backup", "push | --mirror | backup | |"),
    (
        "git push -nf origin +main",
        "push | --dry-run --force | origin +main | | inert",
    ),
    (
        "git remote -v update --prune",
        "remote update | --prune | | |",
    ),
    ("git remote rm origin", "remote remove | | origin | |"),
    ("git notes --ref x remove HEAD", "notes remove | | HEAD | |"),
    (
        "git worktree remove -f wt",
        "worktree remove | --force | wt | |",
    ),
    (
        "git reflog expire --expire=now --all",
        "reflog expire | --expire=now --all | | |",
    ),
    ("git gc --prune=now", "gc | --prune=now | | |"),
    ("git gc --no-prune", "gc | | | |"),
    (
        "git rebase -x 'git reset --hard' main",
        "rebase | --exec=git reset --hard | main | | runs git reset --hard",
    ),
    (
        "git bisect run git clean -fd",
        "bisect run | | git clean -fd | | runs git clean -fd",
    ),
    (
        "git submodule foreach 'git reset --hard'",
        "submodule foreach | | git reset --hard | | runs git reset --hard",
    ),
    (
        "git submodule foreach git checkout -- .",
        "submodule foreach | | git checkout -- . | | runs git checkout paths -- .",
    ),
    (
        "git -c alias.w='reset --hard' w HEAD~1",
        "reset | --hard | HEAD~1 | -c 'alias.w=reset --hard' |",
    ),
    (
        "git -c ALIAS.w='!git reset --hard' w",
        "w | | | -c 'ALIAS.w=!git reset --hard' | runs git reset --hard",
    ),
    (
        "git -c alias.a=b -c alias.b='clean -f' a -d",
        "clean | --force -d | | -c 'alias.a=b' -c 'alias.b=clean -f' |",
    ),
    ("git -c alias.a=a a", "a | | | -c 'alias.a=a' |"),
    (
        "git -c alias.reset=status reset --hard",
        "reset | --hard | | -c 'alias.reset=status' |",
    ),
    (
        "git reset --hard --help",
        "reset | --hard --help | | | inert",
    ),
    ("git push -h", "push | ?-h | | | inert"),
    ("git --version", "| | | | inert"),
    ("git", "| | | | inert"),
    ("git -C", "| | | -C | inert"),
    ("git help reset", "help | | reset | | reads"),
];

#[test]
fn lines() {
    check(LINES);
}

/// Commands that lose something, and harmless options that may be added anywhere.
const DANGEROUS: [(&str, &str); 8] = [
    ("reset --hard", "--hard"),
    ("push --force origin main", "--force"),
    ("push origin --delete topic", "--delete"),
    ("clean -f", "--force"),
    ("branch -D topic", "-D"),
    ("checkout --force main", "--force"),
    ("switch --discard-changes main", "--discard-changes"),
    ("worktree remove --force wt", "--force"),
];

proptest! {
    /// Whatever the arguments: an answer, never a panic.
    #[test]
    fn never_panics(line in prop::collection::vec("[-a-zA-Z0-9=+:./@{}~^*' ]{0,12}|--?[a-z-]{0,16}(=[a-z]*)?|reset|push|stash|-c|-C|--", 0..8)) {
        let _ = read_at(&words(&line), &Context::nothing(guard_toolbox::TOOLBOX.nested), 0);
    }

    /// An appended harmless flag, in any spelling, hides neither the verb nor the flag that counts.
    #[test]
    fn appended_flags_lower_nothing(
        which in 0..DANGEROUS.len(),
        extra in prop::sample::select(vec!["-q", "--quiet", "--qui", "-v", "--verbose", "--no-progress", "--unknown", "--unknown=x", "-qq"]),
        at in 1_usize..4,
    ) {
        let (line, flag) = DANGEROUS[which];
        let mut split: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let verb_words = git(line).verb.iter().filter(|word| line.contains(word.as_ref())).count();
        let at = at.max(verb_words).min(split.len());
        split.insert(at, extra.to_owned());
        let changed = read_at(&words(&split), &Context::nothing(guard_toolbox::TOOLBOX.nested), 0);
        prop_assert_eq!(&changed.verb, &git(line).verb);
        prop_assert!(changed.has(flag), "{:?}", split);
        prop_assert!(!changed.inert);
    }
}

#[test]
fn aliases_are_split_as_git_splits_them() {
    for (alias, expected) in [
        ("reset --hard", Some(vec!["reset", "--hard"])),
        ("log --format='%h %s'", Some(vec!["log", "--format=%h %s"])),
        (
            r#"commit -m "a \"b\" c""#,
            Some(vec!["commit", "-m", "a \"b\" c"]),
        ),
        (r"x a\ b", Some(vec!["x", "a b"])),
        ("x ''", Some(vec!["x", ""])),
        ("x 'unclosed", None),
    ] {
        let split = split_alias(alias);
        let shown: Option<Vec<&str>> = split
            .as_ref()
            .map(|words| words.iter().map(|word| word.to_str().unwrap()).collect());
        assert_eq!(shown, expected, "{alias}");
    }
}

#[test]
fn what_only_reads() {
    let reads = |line: &str| {
        let words: Vec<&str> = line.split(' ').skip(1).collect();
        only_reads(&read_at(
            &guard_core::invocation::words(&words),
            &Context::nothing(guard_toolbox::TOOLBOX.nested),
            0,
        ))
    };
    for line in [
        "git status -sb",
        "git log -p",
        "git config user.name",
        "git config --get user.name",
        "git format-patch --stdout -1",
        "git sparse-checkout list",
        "git rerere diff",
        "git hash-object x",
        "git am --show-current-patch",
        "git apply --check x.patch",
        "git checkout",
        "git branch --contains HEAD",
    ] {
        assert!(reads(line), "{line}");
    }
    for line in [
        "git config user.name Ada",
        "git config --unset user.name",
        "git config edit",
        "git config -e",
        "git format-patch -1",
        "git sparse-checkout set src",
        "git rerere",
        "git hash-object -w x",
        "git am x.patch",
        "git apply x.patch",
        "git apply --check --index x.patch",
        "git checkout main",
        "git fetch",
        "git add .",
    ] {
        assert!(!reads(line), "{line}");
    }
}
