//! What an undo would write over in a repository, and nothing else holds.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::earlier::EarlierGit;
use super::kept::{Head, KeptGit, KeptRef, RefValue};
use super::part::restoring;
use super::repository::Repository;
use super::worktree::{self, Reconciling};
use super::{logs, refs};
use guard_core::kept::Undoing;
use guard_ground::bytes::Bytes;
use guard_ground::sanitize;
use guard_trees::asking::EXCLUDED;
use guard_trees::is_committed;
use guard_trees::kept::PathState;
use guard_words::Measure;

impl KeptGit {
    /// Files in the way that nothing else holds.
    pub(super) fn files_in_the_way(
        &self,
        repository: &Repository<'_>,
        undoing: &Undoing<'_>,
        plan: Option<&Reconciling>,
        earlier: Option<&EarlierGit>,
    ) -> Result<Vec<String>, String> {
        let is_kept = |path: &Path| earlier.is_some_and(|earlier| earlier.has_file(path));
        let top = repository.place.top.as_deref();
        let mut lines: BTreeSet<String> = BTreeSet::new();
        lines.extend(self.work_in_the_way(top, undoing, plan, &is_kept));
        lines.extend(self.state_in_the_way(undoing, &is_kept));
        if let Some(plan) = plan.filter(|_| self.index.as_ref().is_some_and(|index| index.changed))
        {
            lines.extend(index_in_the_way(repository, plan, earlier, &is_kept)?);
        }
        Ok(lines.into_iter().collect())
    }

    /// Files of the working tree that were saved and are others now.
    fn work_in_the_way(
        &self,
        top: Option<&Path>,
        undoing: &Undoing<'_>,
        plan: Option<&Reconciling>,
        is_kept: &dyn Fn(&Path) -> bool,
    ) -> Vec<String> {
        let is_clean = |path: &Path| {
            let name = top.and_then(|top| path.strip_prefix(top).ok());
            plan.zip(name).is_some_and(|(plan, name)| {
                let name = name.as_os_str().as_bytes();
                let stays = self.index.as_ref().is_some_and(|index| !index.changed)
                    || plan.is_in_wanted(name);
                plan.is_clean(name) && stays
            })
        };
        let is_held = |path: &Path| is_kept(path) || is_clean(path) || is_committed(path, undoing);
        let goes = |path: &Path| {
            let name = top.and_then(|top| path.strip_prefix(top).ok());
            plan.zip(name).is_some_and(|(plan, name)| {
                !name.as_os_str().is_empty()
                    && holds_only(path, top.unwrap_or(path), &plan.remove, is_kept)
            })
        };
        restoring(&self.files, undoing)
            .conflicts(&is_held)
            .into_iter()
            .filter(|conflict| !goes(&conflict.path))
            .map(|conflict| conflict.line())
            .collect()
    }

    /// Files in which git notes what it is in the middle of, where they are others now.
    fn state_in_the_way(
        &self,
        undoing: &Undoing<'_>,
        is_kept: &dyn Fn(&Path) -> bool,
    ) -> Vec<String> {
        // What git only remembers by is no work.
        let matters = |path: &Path| !path.ends_with("ORIG_HEAD") && !path.ends_with("MERGE_RR");
        let mut lines: Vec<String> = restoring(&self.state, undoing)
            .conflicts(is_kept)
            .into_iter()
            .filter(|conflict| matters(&conflict.path))
            .map(|conflict| conflict.line())
            .collect();
        // A directory that was not there: git is in the middle of something.
        let begun = self.state.entries.iter().filter(|entry| {
            let path = entry.path.path();
            entry.state == PathState::Absent
                && path.is_dir()
                && !holds_only(path, path, &[], is_kept)
        });
        lines.extend(begun.map(|entry| changed_since(entry.path.path())));
        lines
    }

    /// References that have moved on to commits that nothing else would hold after an undo.
    pub(super) fn refs_in_the_way(
        &self,
        repository: &Repository<'_>,
        earlier: Option<&EarlierGit>,
    ) -> Result<Vec<String>, String> {
        let names: Vec<Bytes> = self.refs.iter().map(|kept| kept.name.clone()).collect();
        let mut now = refs::values(repository, Some(&names))?;
        now.retain(|one| one.name.0 != logs::STASH.as_bytes());
        let head = refs::head(repository.place)?;
        let reached = self.reached(&head);
        if let (Some(wanted), Head::Detached(commit)) = (&self.head, &head)
            && *wanted != head
            && !earlier.is_some_and(|earlier| earlier.has_head(&head))
        {
            now.push(KeptRef {
                name: Bytes(b"HEAD".to_vec()),
                value: RefValue::Object(commit.clone()),
            });
        }
        let mut lines = Vec::new();
        for one in &now {
            let RefValue::Object(object) = &one.value else {
                continue;
            };
            if self.refs.contains(one) || earlier.is_some_and(|earlier| earlier.has_ref(one)) {
                continue;
            }
            let name = sanitize::bytes(&one.name.0);
            if repository.output(&["cat-file", "-t", object])?.trim_ascii() == b"tag" {
                lines.push(format!("{name} is another tag with a message now"));
                continue;
            }
            let count = commits_beyond(repository, object, &reached, &names)?;
            if count > 0 {
                lines.push(format!(
                    "{name} has {} since that nothing else holds",
                    Measure::Commits.count(count)
                ));
            }
        }
        Ok(lines)
    }

    /// The commits that an undo leaves something at.
    fn reached(&self, head: &Head) -> Vec<OsString> {
        let mut reached: Vec<OsString> = Vec::new();
        for kept in &self.refs {
            if let RefValue::Object(object) = &kept.value {
                reached.push(object.into());
            }
        }
        match (&self.head, head) {
            (Some(Head::Detached(commit)), _) | (None, Head::Detached(commit)) => {
                reached.push(commit.into());
            }
            _ => {}
        }
        reached
    }
}

/// Files and stages that the index which comes back would take along.
fn index_in_the_way(
    repository: &Repository<'_>,
    plan: &Reconciling,
    earlier: Option<&EarlierGit>,
    is_kept: &dyn Fn(&Path) -> bool,
) -> Result<Vec<String>, String> {
    let changed = worktree::conflicts(repository, plan, is_kept)?;
    let mut lines: Vec<String> = changed.iter().map(|path| changed_since(path)).collect();
    let entries = earlier.and_then(|earlier| earlier.index(repository));
    let staged = worktree::staged_only(repository, plan, entries.as_ref())?;
    lines.extend(staged.iter().map(|path| {
        format!(
            "{} is staged with what no commit holds",
            sanitize::bytes(path)
        )
    }));
    Ok(lines)
}

/// How many commits `object` has that are not in `reached`, nor in a reference of another name.
fn commits_beyond(
    repository: &Repository<'_>,
    object: &str,
    reached: &[OsString],
    names: &[Bytes],
) -> Result<u64, String> {
    let mut words: Vec<OsString> = ["rev-list", "--count", object, "--not"]
        .map(OsString::from)
        .to_vec();
    words.extend(reached.iter().cloned());
    words.push(EXCLUDED.into());
    for name in names {
        let mut exclude = OsString::from("--exclude=");
        exclude.push(name.os());
        words.push(exclude);
    }
    words.push("--glob=refs/*".into());
    let count = repository.output(&words)?;
    String::from_utf8_lossy(count.trim_ascii())
        .parse()
        .map_err(|_| "git counted no commits".to_owned())
}

fn changed_since(path: &Path) -> String {
    format!("{} was made or changed since", sanitize::path(path))
}

/// Whether a directory holds nothing but these paths, relative to the top, and what is kept.
fn holds_only(
    directory: &Path,
    top: &Path,
    paths: &[Vec<u8>],
    is_kept: &dyn Fn(&Path) -> bool,
) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return false;
    };
    entries.flatten().all(|entry| {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            return holds_only(&path, top, paths, is_kept);
        }
        is_kept(&path)
            || path
                .strip_prefix(top)
                .is_ok_and(|name| paths.iter().any(|one| one == name.as_os_str().as_bytes()))
    })
}
