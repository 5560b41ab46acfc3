//! A repository's state as a part of a backup.

use guard_core::kept;
use std::path::Path;

use super::earlier::EarlierGit;
use super::kept::{Head, KeptGit};
use super::repository::Repository;
use super::save::{snapshot, staged};
use super::worktree::{self};
use super::{Index, Needs, logs, refs, remote, restore};
use guard_core::kept::{Kept, Undoing};
use guard_core::world::World;
use guard_ground::bytes::Bytes;
use guard_ground::sanitize;
use guard_store::Unsaved;
use guard_store::manifest::{Blob, Part};
use guard_store::writer::Writer;
use guard_trees::Restoring;
use guard_trees::kept::{KeptTrees, PathState};
use guard_words::Measure;

impl KeptGit {
    fn at<T>(
        &self,
        undoing: &Undoing<'_>,
        act: impl FnOnce(&Repository<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let place = self.place();
        if !place.git_dir.join("HEAD").exists() {
            return Err(format!(
                "the repository {} is gone",
                sanitize::path(&place.git_dir)
            ));
        }
        let repository = Repository::open(&place, undoing.context, kept::deadline())?;
        act(&repository)
    }

    /// What an undo replaces, as what has to be saved.
    fn needs_now(
        &self,
        repository: &Repository<'_>,
        undoing: &Undoing<'_>,
    ) -> Result<Needs, String> {
        let mut needs = Needs {
            files: worktree::at_stake(repository, self, undoing)?,
            head: self.head.is_some(),
            refs: self
                .refs
                .iter()
                .map(|kept| kept.name.os().to_owned())
                .collect(),
            logs: self
                .logs
                .iter()
                .map(|log| log.name.os().to_owned())
                .collect(),
            sections: self
                .sections
                .iter()
                .map(|section| section.name.os().to_string_lossy().into_owned())
                .collect(),
            ..Needs::default()
        };
        if let Some(index) = &self.index {
            needs.index = if index.changed {
                Index::Changed
            } else {
                Index::Refreshed
            };
            if index.changed {
                needs.staged = staged(repository)?;
            }
        }
        if let Some(head) = &self.head
            && let Head::Branch(name) = head
        {
            needs.refs.insert(name.os().to_owned());
        }
        Ok(needs)
    }

    /// What is in the repository itself and not as it was saved.
    fn differences_in(
        &self,
        repository: &Repository<'_>,
        undoing: &Undoing<'_>,
    ) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        if let Some(head) = &self.head
            && refs::head(repository.place)? != *head
        {
            found.push("HEAD is not where it was".to_owned());
        }
        let names: Vec<Bytes> = self.refs.iter().map(|kept| kept.name.clone()).collect();
        for (kept, now) in self
            .refs
            .iter()
            .zip(refs::values(repository, Some(&names))?)
        {
            // A stash that came later stays above the others.
            if kept.value != now.value && kept.name.0 != logs::STASH.as_bytes() {
                found.push(format!("{} is not where it was", kept.name.shown()));
            }
        }
        if repository.here(&self.objects)?.len() != self.objects.len() {
            found.push("objects that were kept are gone".to_owned());
        }
        for log in &self.logs {
            let saved = match &log.content {
                Some(blob) => undoing.reader.bytes(blob)?,
                None => continue,
            };
            let now = std::fs::read(log.path.path()).unwrap_or_default();
            if !now.starts_with(&saved) {
                found.push(format!("the reflog of {} is another", log.name.shown()));
            }
        }
        for section in &self.sections {
            if restore::settings(repository, section)? != section.settings {
                found.push(format!("the settings {} are others", section.name.shown()));
            }
        }
        Ok(found)
    }
}

/// One of the trees, on its way back to its place or into the directory that was asked for.
pub(super) fn restoring<'a>(trees: &'a KeptTrees, undoing: &'a Undoing<'a>) -> Restoring<'a> {
    Restoring {
        trees,
        reader: undoing.reader,
        into: undoing.into,
    }
}

impl Kept for KeptGit {
    fn lines(&self) -> Vec<String> {
        self.told()
    }

    fn is_outside(&self, world: &World) -> bool {
        let near = |path: &Path| world.is_inside(path) || world.is_own_scratch(path);
        let place = self.place();
        let repository = near(&place.common_dir) || place.top.as_deref().is_some_and(near);
        !repository || !self.remotes.is_empty()
    }

    fn conflicts(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if undoing.into.is_some() {
            let conflicts = restoring(&self.files, undoing).conflicts(&|_| false);
            return Ok(conflicts.iter().map(guard_trees::Conflict::line).collect());
        }
        self.at(undoing, |repository| {
            let earlier = EarlierGit::of(undoing, self);
            let plan = worktree::plan(repository, self, undoing.reader)?;
            let mut lines =
                self.files_in_the_way(repository, undoing, plan.as_ref(), earlier.as_ref())?;
            lines.extend(self.refs_in_the_way(repository, earlier.as_ref())?);
            lines.extend(remote::conflicts(repository, &self.remotes)?);
            Ok(lines)
        })
    }

    fn save_now(&self, undoing: &Undoing<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        let place = self.place();
        let repository = Repository::open(&place, undoing.context, writer.deadline())?;
        let needs = self.needs_now(&repository, undoing)?;
        let remotes = remote::keep_now(&repository, &self.remotes)?;
        let needs = Needs {
            objects: remotes.iter().filter_map(|one| one.old.clone()).collect(),
            ..needs
        };
        let mut now = snapshot(&repository, &needs, undoing.world, writer)?;
        now.remotes = remotes;
        Ok(vec![Part::new(&now)?])
    }

    fn restore(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if undoing.into.is_none() {
            return self.at(undoing, |repository| {
                restore::restore(self, repository, undoing)
            });
        }
        let mut notes = restoring(&self.files, undoing).restore()?;
        if !self.objects.is_empty() {
            notes.push(format!(
                "commits stay in the repository, below refs/guard/{}/",
                undoing.reader.manifest().id
            ));
        }
        Ok(notes)
    }

    fn differences(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        let root = rustix::process::geteuid().is_root();
        let mut found = restoring(&self.files, undoing).differences();
        if undoing.into.is_some() {
            found.retain(|line| root || !line.contains("its owner is"));
            return Ok(found);
        }
        found.extend(restoring(&self.state, undoing).differences());
        if let Some(index) = self.index.as_ref().filter(|index| index.changed) {
            found.extend(restoring(&index.file, undoing).differences());
        }
        found.retain(|line| root || !line.contains("its owner is"));
        self.at(undoing, |repository| {
            found.extend(self.differences_in(repository, undoing)?);
            found.extend(remote::differences(repository, &self.remotes)?);
            Ok(found)
        })
    }

    fn drill(&self, undoing: &Undoing<'_>, scratch: &Path) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let restoring = Restoring {
            trees: &self.files,
            reader: undoing.reader,
            into: Some(scratch),
        };
        if !self.files.entries.is_empty() {
            restoring.restore()?;
            let root = rustix::process::geteuid().is_root();
            let mut differences = restoring.differences();
            differences.retain(|line| root || !line.contains("its owner is"));
            if let Some(first) = differences.first() {
                return Err(first.clone());
            }
            lines.push(format!(
                "{} brought back and compared",
                Measure::Files.count(self.files.files())
            ));
        }
        self.at(undoing, |repository| {
            self.drill_objects(repository, undoing, scratch, &mut lines)
        })?;
        Ok(lines)
    }

    fn forget(&self, id: &str) {
        super::forget(self, id);
    }

    fn contents(&self) -> Vec<(String, &Blob)> {
        let trees = [&self.files, &self.state]
            .into_iter()
            .chain(self.index.as_ref().map(|index| &index.file));
        let mut contents: Vec<(String, &Blob)> = trees
            .flat_map(|trees| &trees.entries)
            .filter_map(|entry| match &entry.state {
                PathState::File { content, .. } => Some((entry.path.shown(), content)),
                _ => None,
            })
            .collect();
        contents.extend(self.logs.iter().filter_map(|log| {
            let blob = log.content.as_ref()?;
            Some((log.path.shown(), blob))
        }));
        contents
    }
}
