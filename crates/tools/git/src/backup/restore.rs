//! Bringing a repository back to where it stood.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;

use super::earlier::EarlierGit;
use super::kept::{KeptGit, KeptLog, KeptRef, KeptSection, RefValue};
use super::repository::Repository;
use super::{files, logs, refs, remote, worktree};
use guard_core::kept::Undoing;
use guard_ground::bytes::Bytes;
use guard_trees::Restoring;
use guard_trees::kept::KeptTrees;

/// git's own lock on the index, so that no other git writes it meanwhile.
struct IndexLock(PathBuf);

impl IndexLock {
    fn take(repository: &Repository<'_>) -> Result<Self, String> {
        let path = repository.place.git_dir.join("index.lock");
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map(|_: File| Self(path))
            .map_err(|error| format!("another git seems to be at work (.git/index.lock): {error}"))
    }
}

impl Drop for IndexLock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What a reflog will hold.
struct Log<'a> {
    kept: &'a KeptLog,
    content: Option<Vec<u8>>,
    changes: bool,
}

/// Brings everything back.
pub(super) fn restore(
    kept: &KeptGit,
    repository: &Repository<'_>,
    undoing: &Undoing<'_>,
) -> Result<Vec<String>, String> {
    let id = &undoing.reader.manifest().id;
    let why = format!("guard undo {id}");
    let mut notes = Vec::new();
    let plan = worktree::plan(repository, kept, undoing.reader)?;
    let _lock = match &kept.index {
        Some(_) => Some(IndexLock::take(repository)?),
        None => None,
    };
    let trees = |trees| Restoring {
        trees,
        reader: undoing.reader,
        into: None,
    };
    let logs = planned_logs(kept, undoing)?;
    remote::restore(repository, &kept.remotes)?;
    if let Some(plan) = &plan {
        worktree::remove(repository, plan)?;
    }
    let references = references(kept, &logs);
    refs::put(repository, &references, &why)?;
    if let Some(head) = &kept.head {
        refs::put_head(repository, head, &why)?;
    }
    put_index(kept, plan.as_ref(), &trees)?;
    files::clear(&kept.state, true)?;
    notes.extend(trees(&kept.state).restore()?);
    if let Some(plan) = &plan {
        worktree::write(repository, plan)?;
    }
    files::clear(&kept.files, false)?;
    notes.extend(trees(&kept.files).restore()?);
    for log in logs.iter().filter(|log| log.changes) {
        logs::write(log.kept.path.path(), log.content.as_deref())?;
    }
    for section in &kept.sections {
        put_section(repository, section)?;
    }
    Ok(notes)
}

fn put_index<'a>(
    kept: &'a KeptGit,
    plan: Option<&worktree::Reconciling>,
    trees: &dyn Fn(&'a KeptTrees) -> Restoring<'a>,
) -> Result<(), String> {
    let Some(index) = &kept.index else {
        return Ok(());
    };
    // Where the command only refreshed it, what was added since stays.
    let same = plan.is_some_and(|plan| plan.now == plan.wanted);
    if index.changed || same {
        trees(&index.file).restore()?;
    }
    Ok(())
}

/// What the reflogs will hold; read before references move, which adds to them.
fn planned_logs<'a>(kept: &'a KeptGit, undoing: &Undoing<'_>) -> Result<Vec<Log<'a>>, String> {
    let earlier = EarlierGit::of(undoing, kept);
    let mut planned = Vec::new();
    for log in &kept.logs {
        let now = std::fs::read(log.path.path()).ok();
        let saved = match &log.content {
            Some(blob) => Some(undoing.reader.bytes(blob)?),
            None => None,
        };
        let replaceable = now.is_none()
            || earlier
                .as_ref()
                .is_some_and(|earlier| earlier.has_log(log, now.as_deref().unwrap_or_default()));
        let content = match (saved, &now) {
            (saved, _) if replaceable => saved,
            (Some(saved), Some(now)) => Some(logs::merged(&log.name.0, &saved, now)),
            // A reflog that was not there goes with its reference.
            (saved, _) => saved,
        };
        planned.push(Log {
            kept: log,
            changes: content != now,
            content,
        });
    }
    Ok(planned)
}

/// Where references go: the stash's to the last entry of its reflog.
fn references(kept: &KeptGit, logs: &[Log<'_>]) -> Vec<KeptRef> {
    let mut references = kept.refs.clone();
    if let Some(log) = logs
        .iter()
        .find(|log| log.kept.name.0 == logs::STASH.as_bytes())
    {
        references.retain(|kept| kept.name != log.kept.name);
        let last = log
            .content
            .as_deref()
            .and_then(|content| logs::lines(content).last())
            .and_then(logs::new_of)
            .map(|object| String::from_utf8_lossy(object).into_owned());
        references.push(KeptRef {
            name: log.kept.name.clone(),
            value: last.map_or(RefValue::Absent, RefValue::Object),
        });
    }
    references
}

/// The settings of a section as they are now.
pub(super) fn settings(
    repository: &Repository<'_>,
    section: &KeptSection,
) -> Result<Vec<(Bytes, Bytes)>, String> {
    let output = repository.output(&["config", "--local", "-z", "--list"])?;
    let prefix = [section.name.0.as_slice(), b"."].concat();
    Ok(output
        .split(|byte| *byte == 0)
        .filter_map(|entry| {
            let mut halves = entry.splitn(2, |byte| *byte == b'\n');
            let key = halves.next()?;
            let rest = key.strip_prefix(prefix.as_slice())?;
            (!rest.contains(&b'.')).then(|| {
                (
                    Bytes(key.to_vec()),
                    Bytes(halves.next().unwrap_or(b"true").to_vec()),
                )
            })
        })
        .collect())
}

fn put_section(repository: &Repository<'_>, section: &KeptSection) -> Result<(), String> {
    let now = settings(repository, section)?;
    if now == section.settings {
        return Ok(());
    }
    if !now.is_empty() {
        let name = section.name.os();
        repository.output(&[
            "config".as_ref(),
            "--local".as_ref(),
            "--remove-section".as_ref(),
            name,
        ])?;
    }
    for (key, value) in &section.settings {
        repository.output(&[
            "config".as_ref(),
            "--local".as_ref(),
            "--add".as_ref(),
            key.os(),
            value.os(),
        ])?;
    }
    Ok(())
}
