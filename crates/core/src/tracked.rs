//! What git tracks.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::probe::Probe;

/// Variables that say which repository git works on (git(1), "The Git Repository"). A look into
/// another repository must not be led back to theirs.
pub const REPOSITORY_VARIABLES: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CEILING_DIRECTORIES",
];

/// Sorted names of what git tracks, by the top of the repository.
#[derive(Default)]
struct Tracked(RefCell<BTreeMap<PathBuf, Option<Vec<Vec<u8>>>>>);

/// The top of the repository that a directory lies in; none below a `.git`.
pub fn repository_above(directory: &Path) -> Option<PathBuf> {
    // Below a `.git` nothing is tracked.
    if directory
        .components()
        .any(|part| part.as_os_str() == ".git")
    {
        return None;
    }
    directory
        .ancestors()
        .find(|directory| directory.join(".git").symlink_metadata().is_ok())
        .map(Path::to_owned)
}

/// Whether git tracks this path or something in it. The repository is asked once for all paths.
pub fn is_tracked(path: &Path, context: &Context) -> bool {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let Some(top) = repository_above(parent) else {
        return false;
    };
    let Ok(relative) = path.strip_prefix(&top) else {
        return true;
    };
    let remembered = context.remember::<Tracked>();
    let mut known = remembered.0.borrow_mut();
    let listed = known
        .entry(top)
        .or_insert_with_key(|top| tracked(top, context));
    let relative = relative.as_os_str().as_bytes();
    // Without an answer the directory is measured like any other.
    listed.as_ref().is_none_or(|listed| {
        let below = [relative, b"/"].concat();
        let first = listed.partition_point(|name| *name < below);
        listed
            .binary_search_by(|name| name.as_slice().cmp(relative))
            .is_ok()
            || listed
                .get(first)
                .is_some_and(|name| name.starts_with(&below))
    })
}

/// Everything that git tracks in a repository, sorted; `None` when it does not say.
pub fn tracked(top: &Path, context: &Context) -> Option<Vec<Vec<u8>>> {
    let deadline = Instant::now() + Duration::from_secs(5);
    let git = Probe::new("git", top, context, deadline).ok()?;
    let answer = git
        .without(REPOSITORY_VARIABLES)
        .run(&["ls-files", "-z"])
        .ok()?;
    if !answer.success {
        return None;
    }
    let mut names: Vec<Vec<u8>> = answer
        .output
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    names.sort_unstable();
    names.dedup();
    Some(names)
}
