//! The work tree between two indexes: which files an undo writes and removes besides those that were saved.
//! Files that were as the index has them are not saved: git has their contents.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::kept::{KeptGit, KeptIndex};
use super::repository::Repository;
use guard_core::kept::Undoing;
use guard_store::reader::BackupReader;
use guard_trees::kept::PathState;
use guard_trees::status::changes;

/// A path in the index with everything that stands there: mode, object, stage.
pub(super) type Entries = BTreeMap<Vec<u8>, Vec<Vec<u8>>>;

/// What an undo does to files that were not saved, by path relative to the top.
#[derive(Debug, Default)]
pub(super) struct Reconciling {
    /// Written as the saved index has them.
    pub write: Vec<Vec<u8>>,
    /// Removed: they are in the present index and were not in the saved one.
    pub remove: Vec<Vec<u8>>,
    /// Files that differ from the present index.
    pub dirty: HashSet<Vec<u8>>,
    /// The present index.
    pub now: Entries,
    /// The saved index.
    pub wanted: Entries,
}

impl Reconciling {
    /// Whether a file is as the present index has it.
    pub fn is_clean(&self, path: &[u8]) -> bool {
        self.now.contains_key(path) && !self.dirty.contains(path)
    }

    /// Whether the saved index has what the present one has at a path, there or elsewhere.
    pub fn is_in_wanted(&self, path: &[u8]) -> bool {
        let objects: HashSet<&[u8]> = self
            .wanted
            .values()
            .flatten()
            .filter_map(|one| object_of(one))
            .collect();
        self.now.get(path).is_some_and(|facts| {
            facts
                .iter()
                .filter_map(|one| object_of(one))
                .all(|one| objects.contains(one))
        })
    }
}

/// The object of `MODE OBJECT STAGE`.
fn object_of(facts: &[u8]) -> Option<&[u8]> {
    facts.split(|byte| *byte == b' ').nth(1)
}

/// A saved index in a file of its own, which goes when this is dropped.
pub(super) struct SavedIndex(PathBuf);

impl SavedIndex {
    /// Writes a saved index next to the present one.
    pub fn write(
        repository: &Repository<'_>,
        index: &KeptIndex,
        reader: &BackupReader,
    ) -> Result<Self, String> {
        let id = &reader.manifest().id;
        let name = format!("guard-index-{id}-{}", std::process::id());
        let saved = Self(repository.place.git_dir.join(name));
        let failed = |error: std::io::Error| format!("the index: {error}");
        match index.file.entries.first().map(|entry| &entry.state) {
            Some(PathState::File { content, .. }) => {
                std::fs::write(&saved.0, reader.bytes(content)?).map_err(failed)?;
            }
            // No index is an empty one.
            _ => drop(std::fs::remove_file(&saved.0)),
        }
        Ok(saved)
    }

    /// Everything in it.
    pub fn entries(&self, repository: &Repository<'_>) -> Result<Entries, String> {
        entries(&repository.with_index(&self.0))
    }
}

impl Drop for SavedIndex {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Everything in the index.
pub(super) fn entries(repository: &Repository<'_>) -> Result<Entries, String> {
    let listed = repository.output(&["ls-files", "-s", "-z", "--full-name"])?;
    let mut found = Entries::new();
    for entry in listed.split(|byte| *byte == 0) {
        let mut halves = entry.splitn(2, |byte| *byte == b'\t');
        if let (Some(facts), Some(path)) = (halves.next(), halves.next()) {
            found.entry(path.to_vec()).or_default().push(facts.to_vec());
        }
    }
    Ok(found)
}

/// What has to be done to the work tree; `None` where the command did not touch the index, or there is no
/// work tree.
pub(super) fn plan(
    repository: &Repository<'_>,
    kept: &KeptGit,
    reader: &BackupReader,
) -> Result<Option<Reconciling>, String> {
    let (Some(index), Some(top)) = (&kept.index, repository.place.top.as_deref()) else {
        return Ok(None);
    };
    let mut plan = Reconciling {
        now: entries(repository)?,
        wanted: SavedIndex::write(repository, index, reader)?.entries(repository)?,
        ..Reconciling::default()
    };
    let status = repository.output(&[
        "status",
        "--porcelain=v2",
        "-z",
        "--untracked-files=no",
        "--no-renames",
        "--ignore-submodules=all",
    ])?;
    plan.dirty = changes(&status)
        .into_iter()
        .filter(|change| change.unstaged != b'.')
        .map(|change| change.path)
        .collect();
    if !index.changed {
        return Ok(Some(plan));
    }
    let saved: BTreeSet<&Path> = kept
        .files
        .entries
        .iter()
        .map(|entry| entry.path.path())
        .collect();
    let is_plain = |facts: &[Vec<u8>]| {
        facts
            .iter()
            .all(|one| one.ends_with(b" 0") && !one.starts_with(b"160000"))
    };
    for (path, facts) in &plan.wanted {
        let file = top.join(OsStr::from_bytes(path));
        if is_plain(facts) && plan.now.get(path) != Some(facts) && !saved.contains(file.as_path()) {
            plan.write.push(path.clone());
        }
    }
    for (path, facts) in &plan.now {
        let file = top.join(OsStr::from_bytes(path));
        if !facts.iter().any(|one| one.starts_with(b"160000"))
            && !plan.wanted.contains_key(path)
            && !saved.contains(file.as_path())
            && file.symlink_metadata().is_ok_and(|found| !found.is_dir())
        {
            plan.remove.push(path.clone());
        }
    }
    // Where a file comes back, what a directory that took its place holds goes.
    let tracked = plan.now.keys();
    let below: Vec<Vec<u8>> = tracked
        .filter(|path| {
            let file = top.join(OsStr::from_bytes(path));
            file.ancestors().skip(1).any(|above| {
                saved.contains(above)
                    && kept.files.entries.iter().any(|entry| {
                        entry.path.path() == above && entry.state != PathState::Directory
                    })
            })
        })
        .filter(|path| !plan.remove.contains(path))
        .cloned()
        .collect();
    plan.remove.extend(below);
    Ok(Some(plan))
}

/// Files that would be written over or removed and that nothing else holds as they are.
pub(super) fn conflicts(
    repository: &Repository<'_>,
    plan: &Reconciling,
    is_kept: &dyn Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, String> {
    let top = repository.top()?;
    let mut found = Vec::new();
    for path in plan.write.iter().chain(&plan.remove) {
        let file = top.join(OsStr::from_bytes(path));
        let Ok(metadata) = file.symlink_metadata() else {
            continue;
        };
        if plan.is_clean(path) || is_kept(&file) {
            continue;
        }
        let is_wanted = metadata.is_file()
            && plan.wanted.get(path).is_some_and(|facts| {
                let words = [
                    OsStr::new("hash-object"),
                    OsStr::new("--"),
                    file.as_os_str(),
                ];
                repository.output(&words).is_ok_and(|object| {
                    let object = Some(object.trim_ascii());
                    facts.iter().any(|one| object_of(one) == object)
                })
            });
        if !is_wanted {
            found.push(file);
        }
    }
    Ok(found)
}

/// Contents that only the present index holds, by path.
pub(super) fn staged_only(
    repository: &Repository<'_>,
    plan: &Reconciling,
    earlier: Option<&Entries>,
) -> Result<Vec<Vec<u8>>, String> {
    let objects = super::save::staged(repository)?;
    let differs = |path: &&Vec<u8>, facts: &[Vec<u8>]| {
        plan.wanted.get(*path).is_none_or(|wanted| wanted != facts)
            && earlier
                .and_then(|earlier| earlier.get(*path))
                .is_none_or(|held| held != facts)
    };
    let mut found: Vec<Vec<u8>> = plan
        .now
        .iter()
        .filter(|(path, facts)| differs(path, facts))
        .filter(|(_, facts)| {
            facts.iter().filter_map(|one| object_of(one)).any(|object| {
                std::str::from_utf8(object).is_ok_and(|object| objects.contains(object))
            })
        })
        .map(|(path, _)| path.clone())
        .filter(|path| !plan.is_in_wanted(path))
        .collect();
    if !found.is_empty() {
        let held = repository.committed(&found);
        found.retain(|path| {
            let facts = plan.now.get(path).into_iter().flatten();
            !facts.filter_map(|one| object_of(one)).all(|object| {
                held.get(path)
                    .is_some_and(|objects| objects.contains(object))
            })
        });
    }
    Ok(found)
}

/// Removes what was not there.
pub(super) fn remove(repository: &Repository<'_>, plan: &Reconciling) -> Result<(), String> {
    let top = repository.top()?;
    for path in &plan.remove {
        let file = top.join(OsStr::from_bytes(path));
        if passes_a_link(&file, top) {
            continue;
        }
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{}: {error}", guard_ground::sanitize::path(&file)));
            }
            _ => {}
        }
        for above in file.ancestors().skip(1).take_while(|above| *above != top) {
            if std::fs::remove_dir(above).is_err() {
                break;
            }
        }
    }
    Ok(())
}

/// Writes files as the index, which is back in its place, has them.
pub(super) fn write(repository: &Repository<'_>, plan: &Reconciling) -> Result<(), String> {
    if plan.write.is_empty() {
        return Ok(());
    }
    let mut input = Vec::new();
    for path in &plan.write {
        input.extend_from_slice(path);
        input.push(0);
    }
    repository.feed(&["checkout-index", "-f", "-q", "-z", "--stdin"], input)?;
    Ok(())
}

/// Paths of the present state that an undo replaces and that only the work tree holds.
pub(super) fn at_stake(
    repository: &Repository<'_>,
    kept: &KeptGit,
    undoing: &Undoing<'_>,
) -> Result<BTreeSet<PathBuf>, String> {
    let mut paths: BTreeSet<PathBuf> = kept
        .files
        .entries
        .iter()
        .map(|entry| entry.path.path().to_owned())
        .collect();
    let Some(plan) = plan(repository, kept, undoing.reader)? else {
        return Ok(paths);
    };
    let top = repository.top()?;
    for path in plan.write.iter().chain(&plan.remove) {
        if !plan.is_clean(path) {
            paths.insert(top.join(OsStr::from_bytes(path)));
        }
    }
    Ok(paths)
}

/// Whether a directory between the top and a path is a link.
fn passes_a_link(path: &Path, top: &Path) -> bool {
    path.ancestors()
        .skip(1)
        .take_while(|above| *above != top)
        .any(|above| {
            above
                .symlink_metadata()
                .is_ok_and(|metadata| metadata.is_symlink())
        })
}
