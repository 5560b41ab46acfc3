//! Finding everything that has to be saved, and saving it.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::attributes::attributes;
use super::contents::Contents;
use super::found::{FoundPath, about};
use super::kept::{KeptTrees, PathState, TreeEntry};
use super::{Root, Trees};
use crate::count::held_bytes;
use guard_core::world::World;
use guard_ground::bytes::Bytes;
use guard_ground::path::is_absence;
use guard_ground::sanitize;
use guard_store::Unsaved;
use guard_store::writer::Writer;

/// Saves trees. Everything that goes is saved where that stays within the limits, else what no
/// commit holds. `None` when there is nothing.
///
/// # Errors
/// When it cannot be saved whole.
pub fn save(trees: &Trees, world: &World, writer: &Writer) -> Result<Option<KeptTrees>, Unsaved> {
    let mut walk = Walk {
        trees,
        world,
        writer,
        only_lost: false,
        found: Vec::new(),
        names: HashMap::new(),
    };
    let before = writer.counted();
    if let Err(why) = walk.all() {
        let committed = trees
            .recoverable
            .iter()
            .any(|known| !known.committed.is_empty());
        if !committed {
            return Err(why);
        }
        writer.recount(before);
        walk.only_lost = true;
        walk.found.clear();
        walk.names.clear();
        walk.all()?;
        writer.pass_over("files that a commit holds; git brings them back".to_owned());
    }
    if walk.found.is_empty() {
        return Ok(None);
    }
    let Walk { found, names, .. } = walk;
    let around = around(found.iter().map(|one| one.path.as_path()));
    let entries = Contents::new(writer, &names).of(&found)?;
    Ok(Some(KeptTrees {
        base: base(trees),
        entries,
        around,
    }))
}

/// The directories that these paths lie in, but for those that are among them.
pub(super) fn around<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<(Bytes, (i64, i64))> {
    let paths: std::collections::BTreeSet<&Path> = paths.collect();
    let parents: std::collections::BTreeSet<&Path> = paths
        .iter()
        .filter_map(|path| path.parent())
        .filter(|parent| !paths.contains(parent))
        .collect();
    parents
        .into_iter()
        .filter_map(|parent| {
            let metadata = parent.symlink_metadata().ok()?;
            let time = (metadata.mtime(), metadata.mtime_nsec());
            Some((Bytes::from(parent), time))
        })
        .collect()
}

/// The directory that all of them lie in.
fn base(trees: &Trees) -> Bytes {
    let mut parents = trees
        .roots
        .iter()
        .map(|root| root.path.parent().unwrap_or(Path::new("/")));
    let first = parents.next().unwrap_or(Path::new("/"));
    let common = parents.fold(first, |common, parent| {
        common
            .ancestors()
            .find(|above| parent.starts_with(above))
            .unwrap_or(Path::new("/"))
    });
    Bytes::from(common)
}

struct Walk<'a> {
    trees: &'a Trees,
    world: &'a World,
    writer: &'a Writer,
    only_lost: bool,
    found: Vec<FoundPath>,
    /// How many names of an inode with several were found.
    names: HashMap<(u64, u64), u64>,
}

impl Walk<'_> {
    fn all(&mut self) -> Result<(), Unsaved> {
        let mut roots: Vec<&Root> = self.trees.roots.iter().collect();
        roots.sort_by(|a, b| a.path.cmp(&b.path));
        let mut done: Option<&Path> = None;
        for root in roots {
            // What lies in another one is saved with it.
            if done.is_some_and(|done| root.path.starts_with(done)) {
                continue;
            }
            self.root(root)?;
            if !root.alone {
                done = Some(&root.path);
            }
        }
        Ok(())
    }

    fn root(&mut self, root: &Root) -> Result<(), Unsaved> {
        match root.path.symlink_metadata() {
            Ok(metadata) => self.one(root, root.path.clone(), metadata),
            Err(error) if is_absence(&error) => Ok(()),
            Err(error) => Err(about(&root.path, &error)),
        }
    }

    fn one(&mut self, root: &Root, path: PathBuf, metadata: Metadata) -> Result<(), Unsaved> {
        let kind = metadata.file_type();
        if kind.is_socket() || kind.is_block_device() || kind.is_char_device() {
            let what = if kind.is_socket() { "socket" } else { "device" };
            self.writer
                .pass_over(format!("the {what} {}", sanitize::path(&path)));
            return Ok(());
        }
        if kind.is_dir() {
            return self.directory(root, path, metadata);
        }
        if self.only_lost && self.is_committed(&path) {
            return Ok(());
        }
        if metadata.nlink() > 1 {
            *self
                .names
                .entry((metadata.dev(), metadata.ino()))
                .or_default() += 1;
        }
        self.writer.count(1, held_bytes(&metadata))?;
        self.found.push(FoundPath {
            path,
            metadata,
            unlinked: root.unlinked,
        });
        Ok(())
    }

    fn directory(&mut self, root: &Root, path: PathBuf, metadata: Metadata) -> Result<(), Unsaved> {
        if self.trees.elsewhere.contains(&path) {
            self.writer.pass_over(format!(
                "the repository {}, which its remote holds",
                sanitize::path(&path)
            ));
            return Ok(());
        }
        let entries = std::fs::read_dir(&path).map_err(|error| about(&path, &error))?;
        self.found.push(FoundPath {
            path,
            metadata,
            unlinked: root.unlinked,
        });
        self.writer.in_time()?;
        if root.alone {
            return Ok(());
        }
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_cached_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if is_absence(&error) => continue,
                Err(error) => return Err(about(&path, &error)),
            };
            if root.inside && self.is_disposable(&entry.file_name(), &path, &metadata) {
                self.writer.pass_over(format!(
                    "{} and the like, which can be made again",
                    sanitize::os(&entry.file_name())
                ));
                continue;
            }
            self.one(root, path, metadata)?;
        }
        Ok(())
    }

    /// As the preview counts: what git tracks something in, or what holds a repository, is not.
    fn is_disposable(&self, name: &OsStr, path: &Path, metadata: &Metadata) -> bool {
        let known = &self.trees.recoverable;
        self.world.is_disposable_name(name, metadata.is_dir())
            && if metadata.is_dir() {
                !known
                    .iter()
                    .any(|known| known.tracked_directories.contains(path.as_os_str()))
                    && !guard_ground::path::holds_repository(path)
            } else {
                !self.is_committed(path)
            }
    }

    fn is_committed(&self, path: &Path) -> bool {
        self.trees
            .recoverable
            .iter()
            .any(|known| known.committed.contains(path.as_os_str()))
    }
}

/// What stands at these paths now, with contents saved; for what an undo will replace.
///
/// # Errors
/// When it cannot be saved.
pub fn states_now(paths: &[PathBuf], writer: &Writer) -> Result<Vec<TreeEntry>, Unsaved> {
    let mut entries = Vec::with_capacity(paths.len());
    let mut first: HashMap<(u64, u64), usize> = HashMap::new();
    for (at, path) in paths.iter().enumerate() {
        let metadata = match path.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if is_absence(&error) => {
                entries.push(TreeEntry {
                    path: Bytes::from(path.as_path()),
                    state: PathState::Absent,
                    attributes: None,
                });
                continue;
            }
            Err(error) => return Err(about(path, &error)),
        };
        let several = metadata.nlink() > 1 && metadata.is_file();
        let earlier = *first.entry((metadata.dev(), metadata.ino())).or_insert(at);
        let state = if several && earlier != at {
            PathState::SameAs(earlier)
        } else {
            copied(path, &metadata, writer)?
        };
        entries.push(TreeEntry {
            path: Bytes::from(path.as_path()),
            state,
            attributes: Some(attributes(path, &metadata)),
        });
    }
    Ok(entries)
}

/// What stands at one path now, with its content saved.
///
/// # Errors
/// When it cannot be saved.
pub fn state_now(path: &Path, writer: &Writer) -> Result<TreeEntry, Unsaved> {
    let mut entries = states_now(&[path.to_owned()], writer)?;
    entries
        .pop()
        .ok_or_else(|| Unsaved(format!("{} was not read", sanitize::path(path))))
}

/// A copy of what stands at a path.
fn copied(path: &Path, metadata: &Metadata, writer: &Writer) -> Result<PathState, Unsaved> {
    if !metadata.is_dir() {
        writer.count(1, held_bytes(metadata))?;
    }
    let found = FoundPath {
        path: path.to_owned(),
        metadata: metadata.clone(),
        unlinked: false,
    };
    Contents::copying(writer).copy(&found)
}
