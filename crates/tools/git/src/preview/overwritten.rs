//! What a checkout would overwrite: changes, files that git does not track, and things that stand
//! where a tracked file belongs.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::{GitProbe, Unmeasured, with_paths};
use guard_core::loss::Loss;
use guard_trees::status::{StatusChange, files, os};

const UNCOMMITTED: &str = "with uncommitted changes";
const IN_THE_WAY: &str = "whose place something else has taken, which would go";
const OVERWRITTEN: &str = "that git does not track and would overwrite";

/// Adds the changes that count as lost, and what has taken the place of missing files.
pub(super) fn add_changes(
    loss: &mut Loss,
    git: &GitProbe<'_>,
    changes: &[StatusChange],
    is_lost: fn(&StatusChange) -> bool,
) -> Result<(), Unmeasured> {
    let mut gone: Vec<&StatusChange> = changes.iter().filter(|change| is_lost(change)).collect();
    git.drop_held(&mut gone)?;
    let gone: Vec<&[u8]> = gone.iter().map(|change| change.path.as_slice()).collect();
    loss.add(files(&gone, UNCOMMITTED));
    // Where a tracked file is missing, something else may stand in its place.
    let missing: Vec<&[u8]> = changes
        .iter()
        .filter(|change| change.unstaged == b'D' && change.outside == 0)
        .map(|change| change.path.as_slice())
        .collect();
    if !missing.is_empty() {
        let top = git.top_level()?;
        let in_place: Vec<&[u8]> = missing
            .into_iter()
            .filter(|path| stands_in_the_way(&top, path))
            .collect();
        git.note_files(&in_place)?;
        loss.add(files(&in_place, IN_THE_WAY));
    }
    Ok(())
}

/// Whether a directory stands where a file belongs, or a file where one of its directories does.
fn stands_in_the_way(top: &Path, path: &[u8]) -> bool {
    let file = top.join(os(path));
    file.is_dir()
        || file
            .ancestors()
            .skip(1)
            .take_while(|above| *above != top)
            .any(|above| {
                above
                    .symlink_metadata()
                    .is_ok_and(|metadata| !metadata.is_dir())
            })
}

/// Files on disk that git does not track here but `tree` holds: a forced checkout overwrites them
/// without a word.
pub(super) fn add_overwritten(
    loss: &mut Loss,
    git: &GitProbe<'_>,
    tree: &str,
    paths: &[OsString],
) -> Result<(), Unmeasured> {
    let top = git.top_level()?;
    let tracked: HashSet<Vec<u8>> = git
        .output(&["ls-files", "-z", "--full-name", ":/"])?
        .split(|byte| *byte == 0)
        .map(<[u8]>::to_vec)
        .collect();
    let format = "--format=%(objectname) %(path)";
    let listed = git.output(&["ls-tree", "-r", "-z", "--full-tree", format, tree])?;
    let mut gone = Vec::new();
    for entry in listed.split(|byte| *byte == 0) {
        let Some(at) = entry.iter().position(|byte| *byte == b' ') else {
            continue;
        };
        let (object, path) = (
            entry.get(..at).unwrap_or_default(),
            entry.get(at + 1..).unwrap_or_default(),
        );
        if !tracked.contains(path) && is_overwritten(git, &top, path, object, &tracked) {
            gone.push(path);
        }
    }
    // ls-tree takes no globs and no pathspec magic: with those all count.
    let plain = |path: &OsString| {
        let bytes = path.as_encoded_bytes();
        !bytes.starts_with(b":") && !bytes.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
    };
    if !paths.is_empty() && !gone.is_empty() && paths.iter().all(plain) {
        let names = ["ls-tree", "-r", "-z", "--name-only", "--full-name", tree];
        let chosen = git.output(&with_paths(&names, paths))?;
        let chosen: HashSet<&[u8]> = chosen.split(|byte| *byte == 0).collect();
        gone.retain(|path| chosen.contains(path));
    }
    git.note_files(&gone)?;
    loss.add(files(&gone, OVERWRITTEN));
    Ok(())
}

/// Whether checking out `object` at an untracked `path` destroys something that stands there.
fn is_overwritten(
    git: &GitProbe<'_>,
    top: &Path,
    path: &[u8],
    object: &[u8],
    tracked: &HashSet<Vec<u8>>,
) -> bool {
    let file = top.join(os(path));
    match file.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => {
            let words = [
                OsStr::new("hash-object"),
                OsStr::new("--"),
                file.as_os_str(),
            ];
            git.output(&words)
                .map_or(true, |hash| hash.trim_ascii() != object)
        }
        Ok(_) => true,
        // A tracked file in the place of a directory is seen by status.
        Err(_) => stands_in_the_way(top, path) && !has_tracked_parent(path, tracked),
    }
}

fn has_tracked_parent(path: &[u8], tracked: &HashSet<Vec<u8>>) -> bool {
    Path::new(os(path))
        .ancestors()
        .skip(1)
        .any(|above| tracked.contains(above.as_os_str().as_encoded_bytes()))
}

/// Ignored files that an ordinary change to `target` overwrites: git refuses for other untracked
/// files, but not for these (git-checkout(1), `--overwrite-ignore`).
pub(super) fn add_ignored(
    loss: &mut Loss,
    git: &GitProbe<'_>,
    target: &str,
) -> Result<(), Unmeasured> {
    if !git.exists("HEAD")? {
        return Ok(());
    }
    let command = [
        "diff",
        "--name-only",
        "--diff-filter=A",
        "--no-renames",
        "-z",
        "HEAD",
        target,
    ];
    let added = git.output(&command)?;
    let top = git.top_level()?;
    let mut gone = Vec::new();
    for path in added
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
    {
        let file = top.join(os(path));
        if file.symlink_metadata().is_err() && !stands_in_the_way(&top, path) {
            continue;
        }
        let mut object = OsString::from(format!("{target}:"));
        object.push(os(path));
        let object = git.resolve(&object)?.unwrap_or_default();
        let index = git.resolve(&[OsStr::new(":"), os(path)].join(OsStr::new("")))?;
        if index.is_none() && is_overwritten(git, &top, path, object.as_bytes(), &HashSet::new()) {
            let words = [
                OsStr::new("check-ignore"),
                OsStr::new("-q"),
                OsStr::new("--"),
                file.as_os_str(),
            ];
            let ignored = git.ask(&words)?;
            if ignored.success {
                gone.push(path);
            }
        }
    }
    git.note_files(&gone)?;
    loss.add(files(&gone, "that git ignores and would overwrite"));
    Ok(())
}
