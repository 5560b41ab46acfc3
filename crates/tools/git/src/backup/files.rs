//! Files of a work tree, and git's own files, as entries of a backup.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use guard_core::world::World;
use guard_ground::bytes::Bytes;
use guard_store::Unsaved;
use guard_store::writer::Writer;
use guard_trees as trees;
use guard_trees::kept::{KeptTrees, PathState, TreeEntry};
use guard_trees::{Root, Trees};

/// What stands at these paths, a directory with all that is in it; what is not there is noted as well.
pub(super) fn keep(
    paths: &BTreeSet<PathBuf>,
    base: &Path,
    world: &World,
    writer: &Writer,
) -> Result<KeptTrees, Unsaved> {
    let mut kept = KeptTrees {
        base: Bytes::from(base),
        entries: Vec::new(),
        around: Vec::new(),
    };
    let real: BTreeSet<PathBuf> = paths.iter().map(|path| reached(path, base)).collect();
    let mut done: Option<&Path> = None;
    for path in &real {
        if done.is_some_and(|done| path.starts_with(done)) {
            // What is there was saved with the directory.
            if path.symlink_metadata().is_err() {
                kept.entries.push(one(path, writer)?);
            }
            continue;
        }
        if path
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_dir())
        {
            kept.entries.extend(directory(path, world, writer)?);
            done = Some(path);
        } else {
            kept.entries.push(one(path, writer)?);
        }
    }
    Ok(kept)
}

/// What stands at one path.
fn one(path: &Path, writer: &Writer) -> Result<TreeEntry, Unsaved> {
    let paths = [path.to_owned()];
    let mut entries = trees::states_now(&paths, writer)?;
    entries.pop().ok_or_else(|| {
        Unsaved(format!(
            "{} was not saved",
            guard_ground::sanitize::path(path)
        ))
    })
}

/// Takes away directories that stand where a file was, and with `whole` also where nothing was. What they
/// hold was looked at, and saved.
pub(super) fn clear(trees: &KeptTrees, whole: bool) -> Result<(), String> {
    for entry in &trees.entries {
        let path = entry.path.path();
        let in_the_way = match entry.state {
            PathState::Directory => false,
            PathState::Absent => whole,
            _ => true,
        };
        let is_directory = path
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_dir());
        if in_the_way && is_directory {
            std::fs::remove_dir_all(path)
                .map_err(|error| format!("{}: {error}", guard_ground::sanitize::path(path)))?;
        }
    }
    Ok(())
}

fn directory(path: &Path, world: &World, writer: &Writer) -> Result<Vec<TreeEntry>, Unsaved> {
    let trees = Trees {
        roots: vec![Root {
            path: path.to_owned(),
            unlinked: false,
            inside: false,
            alone: false,
        }],
        ..Trees::default()
    };
    let kept = trees::save(&trees, world, writer)?;
    let mut entries = kept.map(|kept| kept.entries).unwrap_or_default();
    for entry in &mut entries {
        // Entries that are another name of an earlier one count from the beginning of their own list.
        if let trees::kept::PathState::SameAs(_) = entry.state {
            *entry = one(entry.path.path(), writer)?;
        }
    }
    Ok(entries)
}

/// The path itself, or what stands in the place of one of the directories above it.
fn reached(path: &Path, base: &Path) -> PathBuf {
    path.ancestors()
        .skip(1)
        .take_while(|above| *above != base && above.starts_with(base))
        .filter(|above| {
            above
                .symlink_metadata()
                .is_ok_and(|metadata| !metadata.is_dir())
        })
        .last()
        .unwrap_or(path)
        .to_owned()
}

/// One of git's own files. It does not count as one that the command loses.
pub(super) fn own(path: &Path, writer: &Writer) -> Result<TreeEntry, Unsaved> {
    let before = writer.counted();
    let entry = one(path, writer)?;
    writer.recount(before);
    Ok(entry)
}

/// The same for a directory or a file.
pub(super) fn own_tree(
    path: &Path,
    world: &World,
    writer: &Writer,
) -> Result<Vec<TreeEntry>, Unsaved> {
    if !path
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_dir())
    {
        return Ok(vec![own(path, writer)?]);
    }
    let before = writer.counted();
    let entries = directory(path, world, writer)?;
    writer.recount(before);
    Ok(entries)
}
