//! Files and directories as a part of a backup.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::kept::{KeptTrees, PathState};
use super::measure;
use super::restore::Restoring;
use super::save::states_now;
use guard_core::kept::{Kept, Undoing};
use guard_core::world::World;
use guard_ground::sanitize;
use guard_store::Unsaved;
use guard_store::manifest::{Blob, Part};
use guard_store::reader::BackupReader;
use guard_store::writer::Writer;
use guard_words::Measure;
use guard_words::PlaceKind;

/// How many names a message shows.
const NAMED: usize = 8;

impl KeptTrees {
    fn restoring<'a>(&'a self, undoing: &Undoing<'a>) -> Restoring<'a> {
        Restoring {
            trees: self,
            reader: undoing.reader,
            into: undoing.into,
        }
    }
}

impl Kept for KeptTrees {
    fn lines(&self) -> Vec<String> {
        let files = self.files();
        let gone = self
            .entries
            .iter()
            .filter(|entry| entry.state == PathState::Absent)
            .count();
        let base = sanitize::path(self.base.path());
        let mut lines = vec![format!("{} in {base}", Measure::Files.count(files))];
        let names = self
            .entries
            .iter()
            .filter(|entry| !matches!(entry.state, PathState::Directory | PathState::Absent));
        lines.extend(names.clone().take(NAMED).map(|entry| {
            let path = entry.path.path();
            let below = path.strip_prefix(self.base.path()).unwrap_or(path);
            format!("  {}", sanitize::path(below))
        }));
        if files > NAMED as u64 {
            lines.push("  …".to_owned());
        }
        if gone > 0 {
            lines.push(format!(
                "{gone} files or directories that were not there go"
            ));
        }
        lines
    }

    fn is_outside(&self, world: &World) -> bool {
        self.entries
            .iter()
            .any(|entry| !world.is_inside(entry.path.path()))
    }

    fn conflicts(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        let earlier = EarlierFiles::of(undoing);
        let is_held = |path: &Path| {
            earlier.as_ref().is_some_and(|earlier| earlier.has(path)) || is_committed(path, undoing)
        };
        let conflicts = self.restoring(undoing).conflicts(&is_held);
        Ok(conflicts.iter().map(super::Conflict::line).collect())
    }

    fn save_now(&self, undoing: &Undoing<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        let restoring = self.restoring(undoing);
        let around = super::save::around(self.entries.iter().map(|entry| entry.path.path()));
        let paths: Vec<PathBuf> = self
            .entries
            .iter()
            .map(|entry| restoring.target(entry))
            .collect();
        let now = Self {
            base: self.base.clone(),
            entries: states_now(&paths, writer)?,
            around,
        };
        Ok(vec![Part::new(&now)?])
    }

    fn restore(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        self.restoring(undoing).restore()
    }

    fn differences(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        let mut found = self.restoring(undoing).differences();
        if rustix::process::geteuid().is_root() {
            return Ok(found);
        }
        // Only root gives files away; the notes of the undo say so.
        found.retain(|line| !line.contains("its owner is"));
        Ok(found)
    }

    fn drill(&self, undoing: &Undoing<'_>, scratch: &Path) -> Result<Vec<String>, String> {
        let restoring = Restoring {
            trees: self,
            reader: undoing.reader,
            into: Some(scratch),
        };
        restoring.restore()?;
        let root = rustix::process::geteuid().is_root();
        let differences: Vec<String> = restoring
            .differences()
            .into_iter()
            .filter(|line| root || !line.contains("its owner is"))
            .collect();
        match differences.first() {
            None => Ok(vec![format!(
                "{} brought back and compared",
                Measure::Files.count(self.files())
            )]),
            Some(first) => Err(format!(
                "{first}{}",
                match differences.len() {
                    1 => String::new(),
                    more => format!(" (and {} more)", more - 1),
                }
            )),
        }
    }

    fn contents(&self) -> Vec<(String, &Blob)> {
        let files = self.entries.iter().filter_map(|entry| match &entry.state {
            PathState::File { content, .. } => Some((entry.path.shown(), content)),
            _ => None,
        });
        files.collect()
    }
}

/// The backup that this one takes back: what it holds may be replaced.
struct EarlierFiles(BackupReader);

impl EarlierFiles {
    fn of(undoing: &Undoing<'_>) -> Option<Self> {
        undoing.earlier().ok()?.map(Self)
    }

    fn has(&self, path: &Path) -> bool {
        for trees in self.0.manifest().parts_of::<KeptTrees>() {
            let one = trees.only(path);
            let restoring = Restoring {
                trees: &one,
                reader: &self.0,
                into: None,
            };
            if one.entries.is_empty() {
                continue;
            }
            // Another name of a file stands with the first one.
            let linked = matches!(
                one.entries.first().map(|entry| &entry.state),
                Some(PathState::SameAs(_))
            );
            return if linked {
                path.symlink_metadata()
                    .is_ok_and(|metadata| metadata.nlink() > 1)
            } else {
                restoring.conflicts(&|_| false).is_empty()
            };
        }
        false
    }
}

/// Whether a commit holds the file as it is.
pub fn is_committed(path: &Path, undoing: &Undoing<'_>) -> bool {
    let tally = measure::count(
        &[(path, PlaceKind::Inside)],
        measure::Taking::Unlinks,
        undoing.world,
        undoing.context,
        undoing.budget,
    );
    tally.files == 0 && tally.committed > 0 && !tally.stopped
}
