//! Commands that overwrite or remove files in the working tree.

use guard_core::naming;
use guard_trees::status;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::overwritten::{add_changes, add_ignored, add_overwritten};
use super::{GitProbe, Measured, Unmeasured, commits, detached, history, texts};
use crate::backup::{Index, Needs};
use guard_core::context::Context;
use guard_core::invocation::Invocation;
use guard_core::loss::{Loss, Lot, Phrase};
use guard_core::preview::Budget;
use guard_core::world::World;
use guard_ground::sanitize;
use guard_trees::measure;
use guard_trees::measure::Taking;
use guard_trees::status::{StatusChange, files, os};
use guard_words::PlaceKind;

fn discarding(place: String) -> Loss {
    Loss {
        phrase: Phrase {
            verb: "discard",
            place,
        },
        ..Loss::default()
    }
}

/// `git reset`: only `--hard` touches files; `--merge` keeps what is not staged, `--keep` all.
pub(super) fn reset(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let mut loss = discarding(String::new());
    git.need(Needs::changes_work_tree);
    if invocation.has("--keep") {
        if let Some(target) = invocation.operands.first()
            && let Some(target) = git.commit(&target.text)?
        {
            commits::add_left_behind(&mut loss, git, &target)?;
        }
        return Ok(loss);
    }
    if !invocation.has_any(&["--hard", "--merge"]) {
        return Ok(loss);
    }
    let changes = git.changes(&[])?;
    let named = invocation.operands.first();
    if named.is_none() && !git.exists("HEAD")? {
        // An unborn branch can hold staged work.
        add_changes(&mut loss, git, &changes, StatusChange::is_uncommitted)?;
        return Ok(loss);
    }
    let Some(target) = git.commit(named.map_or(OsStr::new("HEAD"), |word| &word.text))? else {
        // git refuses what names no commit.
        return Ok(loss);
    };
    if invocation.has("--hard") {
        add_changes(&mut loss, git, &changes, StatusChange::is_uncommitted)?;
        add_overwritten(&mut loss, git, &target, &[])?;
    } else {
        // --merge resets what is staged and refuses where staged and unstaged differ.
        add_changes(&mut loss, git, &changes, |change| {
            change.is_uncommitted() && change.staged != b'.'
        })?;
    }
    commits::add_left_behind(&mut loss, git, &target)?;
    Ok(loss)
}

/// `git checkout [TREE] -- PATHS`.
pub(super) fn checkout_paths(
    invocation: &Invocation,
    git: &GitProbe<'_>,
    context: &Context,
) -> Measured {
    let before = invocation.before_separator();
    let mut paths = texts(invocation.after_separator());
    let mut tree = None;
    if invocation.separator.is_some() {
        tree = before.first().map(|word| word.text.clone());
    } else if let Some((first, rest)) = before.split_first() {
        // Without `--` the first word is a tree if it names one; a patch needs no path.
        let may_be_tree = !rest.is_empty() || invocation.has("--patch");
        if may_be_tree && git.resolve(&first.text)?.is_some() {
            tree = Some(first.text.clone());
            paths = texts(rest);
        } else {
            paths = texts(before);
        }
    }
    let Some(listed) = listed_paths(invocation, context)? else {
        return at_most(overwrite(git, tree, &[])?);
    };
    paths.extend(listed);
    overwrite(git, tree, &paths)
}

/// What paths from standard input may lose, when `all` is what every path together would: nothing
/// if that is nothing, else it cannot be told before they are read.
fn at_most(all: Loss) -> Measured {
    if all.is_none() {
        Ok(all)
    } else {
        Err("the paths come from standard input".to_owned())
    }
}

/// Paths of `--pathspec-from-file`; `None` when they come from standard input.
fn listed_paths(
    invocation: &Invocation,
    context: &Context,
) -> Result<Option<Vec<OsString>>, Unmeasured> {
    let Some(file) = invocation
        .flag("--pathspec-from-file")
        .and_then(|flag| flag.value.as_ref())
    else {
        return Ok(Some(Vec::new()));
    };
    if file == "-" {
        return Ok(None);
    }
    let file = context
        .in_directory(invocation.directory.as_deref())
        .in_directory(Some(Path::new(file)))
        .directory
        .unwrap_or_default();
    let list =
        std::fs::read(&file).map_err(|error| format!("{}: {error}", sanitize::path(&file)))?;
    let separator = if invocation.has("--pathspec-file-nul") {
        0
    } else {
        b'\n'
    };
    let paths = list
        .split(|byte| *byte == separator)
        .filter(|path| !path.is_empty())
        .map(|path| os(path).to_owned());
    Ok(Some(paths.collect()))
}

fn overwrite(git: &GitProbe<'_>, tree: Option<OsString>, paths: &[OsString]) -> Measured {
    let place = match paths {
        [only] => format!("in {}", naming::typeable(only)),
        _ => String::new(),
    };
    let mut loss = discarding(place);
    let changes = if tree.is_some() {
        git.changes_with_skipped(paths)?
    } else {
        git.changes(paths)?
    };
    let Some(tree) = tree else {
        git.need(Needs::refreshes_index);
        add_changes(&mut loss, git, &changes, StatusChange::is_unstaged)?;
        return Ok(loss);
    };
    let resolved = git
        .resolve(&tree)?
        .ok_or_else(|| format!("{} names nothing here", sanitize::os(&tree)))?;
    // From a tree the index is overwritten too.
    git.need(|needs| needs.index = Index::Changed);
    add_changes(&mut loss, git, &changes, StatusChange::is_uncommitted)?;
    add_overwritten(&mut loss, git, &resolved, paths)?;
    Ok(loss)
}

/// `git restore`: of the index alone nothing is gone that the files do not hold.
pub(super) fn restore(invocation: &Invocation, git: &GitProbe<'_>, context: &Context) -> Measured {
    if invocation.has("--staged") && !invocation.has("--worktree") {
        return Ok(Loss::default());
    }
    let mut paths = texts(&invocation.operands);
    let listed = listed_paths(invocation, context)?;
    let source = invocation
        .flag("--source")
        .and_then(|flag| flag.value.clone())
        .or_else(|| invocation.has("--staged").then(|| "HEAD".into()));
    let Some(listed) = listed else {
        return at_most(overwrite(git, source, &[])?);
    };
    paths.extend(listed);
    overwrite(git, source, &paths)
}

/// Changing branches: by force everything uncommitted goes; without, ignored files in the way do.
/// `-B` and `-C` also move a branch.
pub(super) fn switch(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let mut loss = discarding(String::new());
    git.need(Needs::changes_work_tree);
    let operand = invocation.before_separator().first();
    let target = operand.map_or(OsStr::new("HEAD"), |word| &word.text);
    if operand.is_none() && !invocation.has_any(&["--force", "--discard-changes", "-B", "-C"]) {
        // `git checkout -b topic` goes nowhere; a branch without a commit leaves what HEAD holds.
        if invocation.has("--orphan") {
            commits::add_detached(&mut loss, git, None)?;
        }
        return Ok(loss);
    }
    let mut commit = git.commit(target)?;
    if commit.is_none() {
        note_branch(git, target);
        commit = guessed(git, target)?;
    }
    for flag in ["-b", "-c", "--orphan"] {
        if let Some(name) = invocation.flag(flag).and_then(|flag| flag.value.as_deref()) {
            note_branch(git, name);
        }
    }
    if invocation.has_any(&["--force", "--discard-changes"]) {
        add_changes(
            &mut loss,
            git,
            &git.changes(&[])?,
            StatusChange::is_uncommitted,
        )?;
        match (&commit, operand) {
            (Some(commit), _) => add_overwritten(&mut loss, git, commit, &[])?,
            (None, Some(_)) if !invocation.has("--orphan") => {
                return Err(format!("{} names no commit here", sanitize::os(target)));
            }
            (None, _) => {}
        }
    } else if let Some(commit) = &commit {
        add_ignored(&mut loss, git, commit)?;
    }
    if let Some(commit) = commit.as_ref().filter(|_| operand.is_some()) {
        commits::add_detached(&mut loss, git, Some(commit))?;
    }
    for flag in ["-B", "-C"] {
        if let Some(name) = invocation.flag(flag).and_then(|flag| flag.value.as_deref()) {
            history::add_reset_branch(&mut loss, git, name, target)?;
        }
    }
    Ok(loss)
}

/// A branch that is made: an undo takes it away again.
fn note_branch(git: &GitProbe<'_>, name: &OsStr) {
    let mut full = OsString::from("refs/heads/");
    full.push(name);
    git.need(|needs| {
        needs.refs.insert(full);
    });
}

/// `git checkout NAME` of a branch that only a remote has makes a local one of it.
fn guessed(git: &GitProbe<'_>, name: &OsStr) -> Result<Option<String>, Unmeasured> {
    let mut pattern = OsString::from("refs/remotes/*/");
    pattern.push(name);
    let words = [
        OsStr::new("for-each-ref"),
        OsStr::new("--format=%(objectname)"),
        &pattern,
    ];
    let found = git.output(&words)?;
    let first = found
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    Ok((!first.is_empty()).then(|| String::from_utf8_lossy(first).into_owned()))
}

/// `git merge`: it refuses where files would be overwritten, but not for ignored ones.
pub(super) fn merge(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let mut loss = discarding(String::new());
    git.need(Needs::changes_work_tree);
    for operand in &invocation.operands {
        if let Some(commit) = git.commit(&operand.text)? {
            add_ignored(&mut loss, git, &commit)?;
        }
    }
    Ok(loss)
}

/// `git checkout-index -f`: files are overwritten with what the index holds.
pub(super) fn checkout_index(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let mut loss = discarding(String::new());
    git.need(Needs::refreshes_index);
    if invocation.has("--stdin") && !invocation.has_any(&["--prefix", "--temp"]) {
        add_changes(
            &mut loss,
            git,
            &git.changes(&[])?,
            StatusChange::is_unstaged,
        )?;
        return at_most(loss);
    }
    if !invocation.has_any(&["--prefix", "--temp"]) {
        let changes = git.changes(&texts(&invocation.operands))?;
        add_changes(&mut loss, git, &changes, StatusChange::is_unstaged)?;
    } else if invocation.has("--prefix") {
        return Err("it writes below another directory".to_owned());
    }
    Ok(loss)
}

/// `git read-tree --reset -u`. Without `--reset` git refuses where it would overwrite a change,
/// and without `-u` it writes the index alone.
pub(super) fn read_tree(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let mut loss = discarding(String::new());
    if !invocation.has("--reset") || !invocation.has("-u") {
        return Ok(loss);
    }
    git.need(Needs::changes_work_tree);
    add_changes(
        &mut loss,
        git,
        &git.changes(&[])?,
        StatusChange::is_uncommitted,
    )?;
    for operand in &invocation.operands {
        let tree = git
            .resolve(&operand.text)?
            .ok_or_else(|| format!("{} names nothing here", sanitize::os(&operand.text)))?;
        add_overwritten(&mut loss, git, &tree, &[])?;
    }
    Ok(loss)
}

/// `git apply -R`: what it takes out still stands in the patch, unless that comes from a pipe. Then
/// nothing is lost only where a commit holds everything.
pub(super) fn apply(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let from_pipe = invocation.operands.is_empty()
        || invocation
            .operands
            .iter()
            .any(|operand| operand.bytes() == b"-");
    if !from_pipe {
        return Ok(Loss::default());
    }
    let status = ["status", "--porcelain=v2", "-z", "--untracked-files=normal"];
    if git.output(&status)?.is_empty() && git.hidden_changes(&[], true)?.is_empty() {
        Ok(Loss::default())
    } else {
        Err("the patch comes from standard input".to_owned())
    }
}

/// `git rm -f`: files with changes that no commit holds.
pub(super) fn remove(invocation: &Invocation, git: &GitProbe<'_>, context: &Context) -> Measured {
    if invocation.has("--cached") {
        return Ok(Loss::default());
    }
    let Some(listed) = listed_paths(invocation, context)? else {
        return at_most(remove_paths(invocation, git, &[])?);
    };
    let mut paths = texts(&invocation.operands);
    paths.extend(listed);
    remove_paths(invocation, git, &paths)
}

fn remove_paths(invocation: &Invocation, git: &GitProbe<'_>, paths: &[OsString]) -> Measured {
    let mut loss = discarding(String::new());
    git.need(|needs| needs.index = Index::Changed);
    if invocation.has("--force") {
        add_changes(
            &mut loss,
            git,
            &git.changes(paths)?,
            StatusChange::is_uncommitted,
        )?;
    } else {
        // git refuses where it sees a change; it does not look at hidden ones.
        let hidden = git.hidden_changes(paths, true)?;
        let names: Vec<&[u8]> = hidden.iter().map(|change| change.path.as_slice()).collect();
        git.note_files(&names)?;
        add_changes(&mut loss, git, &hidden, StatusChange::is_uncommitted)?;
    }
    Ok(loss)
}

/// `git mv -f`: what stands at the destinations.
pub(super) fn rename(
    invocation: &Invocation,
    git: &GitProbe<'_>,
    world: &World,
    context: &Context,
    budget: &Budget,
) -> Measured {
    let mut loss = discarding(String::new());
    let there = context.in_directory(invocation.directory.as_deref());
    let Some(((last, sources), directory)) = invocation
        .operands
        .split_last()
        .zip(there.directory.as_deref())
    else {
        return Ok(loss);
    };
    let destination = git.base(directory)?.join(&last.text);
    let targets: Vec<PathBuf> = if destination.is_dir() {
        sources
            .iter()
            .filter_map(|source| Path::new(&source.text).file_name())
            .map(|name| destination.join(name))
            .collect()
    } else {
        vec![destination]
    };
    let named: Vec<(&Path, PlaceKind)> = targets
        .iter()
        .map(|path| (path.as_path(), PlaceKind::Inside))
        .collect();
    let tally = measure::count(&named, Taking::Unlinks, world, &there, budget);
    measure::describe(tally, &mut loss, &there, budget);
    if !loss.is_none() {
        // As a whole: the index and both ends.
        loss.saves.clear();
        let base = git.base(directory)?;
        git.need(|needs| {
            needs.index = Index::Changed;
            needs.files.extend(targets.iter().cloned());
            let sources = sources.iter().map(|source| base.join(&source.text));
            needs
                .files
                .extend(sources.map(|path| guard_ground::path::lexical(&path)));
        });
    }
    Ok(loss)
}

/// Ending a merge, rebase, cherry-pick, revert or am half-way: what was resolved by hand since git
/// stopped.
pub(super) fn abort(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    if !invocation.has_any(&["--abort", "--skip"]) {
        return match invocation.verb_name() {
            "rebase" => detached::rebase(invocation, git),
            _ => Ok(Loss::default()),
        };
    }
    let mut loss = discarding(String::new());
    git.need(Needs::changes_work_tree);
    if !is_stopped(invocation, git)? {
        // git refuses: there is nothing to end.
        return Ok(loss);
    }
    add_changes(
        &mut loss,
        git,
        &git.changes(&[])?,
        StatusChange::is_uncommitted,
    )?;
    Ok(loss)
}

/// Whether git has stopped in the middle of such a command, by the files that it leaves behind
/// then.
fn is_stopped(invocation: &Invocation, git: &GitProbe<'_>) -> Result<bool, Unmeasured> {
    let signs: &[&str] = match invocation.verb_name() {
        "merge" => &["MERGE_HEAD"],
        "rebase" => &["rebase-merge", "rebase-apply"],
        "am" => &["rebase-apply"],
        _ => &["CHERRY_PICK_HEAD", "REVERT_HEAD", "sequencer"],
    };
    for sign in signs {
        let words = ["rev-parse", "--path-format=absolute", "--git-path", sign];
        let output = git.output(&words)?;
        let path = Path::new(os(output.strip_suffix(b"\n").unwrap_or(&output)));
        if path.symlink_metadata().is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Files of another working tree that nothing else holds: uncommitted, untracked, ignored. Without
/// `force` git refuses to remove a tree with the first two, but takes ignored files along.
pub(super) fn work_in(
    directory: &Path,
    force: bool,
    world: &World,
    context: &Context,
    budget: &Budget,
) -> Result<Lot, Unmeasured> {
    let git = GitProbe::at(directory, context, budget)?;
    let output = git.output(&[
        "status",
        "--porcelain=v2",
        "-z",
        "--untracked-files=all",
        "--ignored=traditional",
        "--ignore-submodules=none",
    ])?;
    let changes = status::changes(&output);
    let refuses = !force && changes.iter().any(|change| change.outside != b'!');
    let is_disposable = |path: &[u8]| {
        Path::new(os(path))
            .components()
            .any(|part| world.is_disposable_name(part.as_os_str(), true))
    };
    let gone: Vec<&[u8]> = changes
        .iter()
        .filter(|change| {
            !refuses
                && (change.is_uncommitted()
                    || (change.outside != 0 && !is_disposable(&change.path)))
        })
        .map(|change| change.path.as_slice())
        .collect();
    Ok(files(&gone, "uncommitted, untracked or ignored"))
}
