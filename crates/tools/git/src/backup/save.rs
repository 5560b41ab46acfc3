//! Saving a repository's state before a command changes it.

use std::collections::BTreeSet;
use std::ffi::OsString;

use super::kept::{Head, KeptGit, KeptIndex, KeptSection, RefValue};
use super::repository::{Repository, is_object, is_zero};
use super::{GitWish, Index, NAMESPACE, Needs, files, logs, refs, remote};
use guard_core::wish::Saving;
use guard_core::world::World;
use guard_ground::bytes::Bytes;
use guard_store::Unsaved;
use guard_store::writer::Writer;
use guard_trees::kept::{KeptTrees, PathState, TreeEntry};

/// More objects than this are not kept alive one by one.
const MAX_OBJECTS: usize = 4096;

/// Files in which git notes what it is in the middle of (gitrepository-layout(5), git-merge(1)).
const STATE: [&str; 18] = [
    "ORIG_HEAD",
    "MERGE_HEAD",
    "MERGE_MODE",
    "MERGE_MSG",
    "MERGE_RR",
    "MERGE_AUTOSTASH",
    "AUTO_MERGE",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "REBASE_HEAD",
    "SQUASH_MSG",
    "BISECT_HEAD",
    "BISECT_LOG",
    "BISECT_START",
    "BISECT_TERMS",
    "rebase-merge",
    "rebase-apply",
    "sequencer",
];

/// The content of an empty file, which git knows without having it.
const EMPTY: [&str; 2] = [
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
];

/// Saves what a git command would lose.
///
/// # Errors
/// When it cannot be saved whole.
pub fn save(
    wanted: &GitWish,
    saving: &Saving<'_>,
    writer: &mut Writer,
) -> Result<KeptGit, Unsaved> {
    if let Some(why) = &wanted.needs.unable {
        return Err(Unsaved(why.clone()));
    }
    let repository = Repository::open(&wanted.place, saving.context, writer.deadline())?;
    snapshot(&repository, &wanted.needs, saving.world, writer)
}

/// The state of a repository as far as it is needed.
pub(super) fn snapshot(
    repository: &Repository<'_>,
    needs: &Needs,
    world: &World,
    writer: &Writer,
) -> Result<KeptGit, Unsaved> {
    let place = repository.place;
    if place.common_dir.join("reftable").exists() {
        return Err(Unsaved(
            "the repository keeps its references in a form that guard does not read".to_owned(),
        ));
    }
    let top = place.top.as_deref();
    let base = top.unwrap_or(&place.git_dir);
    let mut kept = KeptGit {
        git_dir: Bytes::from(place.git_dir.as_path()),
        common_dir: Bytes::from(place.common_dir.as_path()),
        top: top.map(Bytes::from),
        files: files::keep(&needs.files, base, world, writer)?,
        index: index(place, needs, writer)?,
        ..KeptGit::default()
    };
    let mut objects: BTreeSet<String> = needs.objects.clone();
    if needs.head {
        kept.head = Some(refs::head(place)?);
        kept.state = state(place, world, writer)?;
    }
    kept.refs = references(repository, needs, kept.head.as_ref())?;
    for kept_ref in &kept.refs {
        if let RefValue::Object(object) = &kept_ref.value {
            objects.insert(object.clone());
        }
    }
    if let Some(Head::Detached(commit)) = &kept.head {
        objects.insert(commit.clone());
    }
    let named = keep_logs(repository, needs, &mut kept, writer)?;
    let noted = noted(place, &kept.state);
    let doubtful: Vec<String> = named.into_iter().chain(noted).collect();
    objects.extend(repository.here(&doubtful)?);
    for name in &needs.sections {
        kept.sections.push(section(repository, name)?);
    }
    kept.remotes = remote::keep(repository, &needs.remotes)?;
    objects.extend(kept.remotes.iter().filter_map(|one| one.old.clone()));
    if !needs.staged.is_empty() {
        objects.insert(tree_of(repository, &needs.staged)?);
    }
    kept.objects = objects.into_iter().collect();
    writer.in_time()?;
    keep_alive(repository, &kept.objects, writer.id())?;
    Ok(kept)
}

fn index(
    place: &super::RepositoryPlace,
    needs: &Needs,
    writer: &Writer,
) -> Result<Option<KeptIndex>, Unsaved> {
    if needs.index == Index::Untouched {
        return Ok(None);
    }
    let entry = files::own(&place.git_dir.join("index"), writer)?;
    Ok(Some(KeptIndex {
        changed: needs.index == Index::Changed,
        file: KeptTrees {
            base: Bytes::from(place.git_dir.as_path()),
            entries: vec![entry],
            around: Vec::new(),
        },
    }))
}

/// What git is in the middle of; what is not there is noted as well.
fn state(
    place: &super::RepositoryPlace,
    world: &World,
    writer: &Writer,
) -> Result<KeptTrees, Unsaved> {
    let mut entries: Vec<TreeEntry> = Vec::new();
    for name in STATE {
        entries.extend(files::own_tree(&place.git_dir.join(name), world, writer)?);
    }
    Ok(KeptTrees {
        base: Bytes::from(place.git_dir.as_path()),
        entries,
        around: Vec::new(),
    })
}

fn references(
    repository: &Repository<'_>,
    needs: &Needs,
    head: Option<&Head>,
) -> Result<Vec<super::kept::KeptRef>, Unsaved> {
    if needs.every_ref {
        return Ok(refs::values(repository, None)?);
    }
    let mut names: BTreeSet<Bytes> = needs.refs.iter().cloned().map(Bytes::from).collect();
    if let Some(Head::Branch(name)) = head {
        names.insert(name.clone());
    }
    let names: Vec<Bytes> = names.into_iter().collect();
    Ok(refs::values(repository, Some(&names))?)
}

/// Saves reflogs; the objects that they name.
fn keep_logs(
    repository: &Repository<'_>,
    needs: &Needs,
    kept: &mut KeptGit,
    writer: &Writer,
) -> Result<BTreeSet<String>, Unsaved> {
    let place = repository.place;
    let names: BTreeSet<OsString> = if needs.every_log {
        logs::names(place).into_iter().collect()
    } else {
        needs.logs.clone()
    };
    let mut mentioned = BTreeSet::new();
    for name in names {
        let log = logs::keep(place, &name, writer)?;
        if let Ok(bytes) = std::fs::read(log.path.path())
            // The stash's entries hang on nothing else; of other reflogs what goes was measured.
            && name == logs::STASH
        {
            mentioned.extend(logs::objects(&bytes).filter(|object| !is_zero(object.as_bytes())));
        }
        kept.logs.push(log);
    }
    if mentioned.len() > MAX_OBJECTS {
        return Err(Unsaved("the reflogs name too many commits".to_owned()));
    }
    Ok(mentioned)
}

/// The objects that the files of the state name, by the first word of each line.
fn noted(place: &super::RepositoryPlace, state: &KeptTrees) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in &state.entries {
        let is_short = matches!(entry.state, PathState::File { length, .. } if length < 1 << 16);
        if !is_short || !entry.path.path().starts_with(&place.git_dir) {
            continue;
        }
        let text = std::fs::read(entry.path.path()).unwrap_or_default();
        let words = text
            .split(|byte| *byte == b'\n')
            .filter_map(|line| line.split(u8::is_ascii_whitespace).next())
            .filter(|word| is_object(word) && !is_zero(word));
        found.extend(words.map(|word| String::from_utf8_lossy(word).into_owned()));
    }
    found
}

fn section(repository: &Repository<'_>, name: &str) -> Result<KeptSection, Unsaved> {
    let answer = repository.ask(&["config", "--local", "-z", "--list"])?;
    if !answer.success {
        return Err(Unsaved(
            "the repository's configuration cannot be read".to_owned(),
        ));
    }
    let prefix = format!("{name}.");
    let settings = answer.output.split(|byte| *byte == 0).filter_map(|entry| {
        let mut halves = entry.splitn(2, |byte| *byte == b'\n');
        let key = halves.next()?;
        // The names of variables have no dots.
        let rest = key.strip_prefix(prefix.as_bytes())?;
        if rest.contains(&b'.') {
            return None;
        }
        let value = halves.next().unwrap_or(b"true");
        Some((Bytes(key.to_vec()), Bytes(value.to_vec())))
    });
    Ok(KeptSection {
        name: Bytes(name.as_bytes().to_vec()),
        settings: settings.collect(),
    })
}

/// One tree that holds all of these contents.
fn tree_of(repository: &Repository<'_>, blobs: &BTreeSet<String>) -> Result<String, Unsaved> {
    if blobs.iter().any(|blob| EMPTY.contains(&blob.as_str())) {
        repository.output(&["hash-object", "-w", "/dev/null"])?;
    }
    let mut input = Vec::new();
    for (number, blob) in blobs.iter().enumerate() {
        input.extend_from_slice(format!("100644 blob {blob}\t{number}\n").as_bytes());
    }
    let tree = repository.feed(&["mktree"], input)?;
    let tree = String::from_utf8_lossy(tree.trim_ascii()).into_owned();
    Ok(tree)
}

/// Gives objects references of guard's own, so that nothing deletes them.
fn keep_alive(repository: &Repository<'_>, objects: &[String], id: &str) -> Result<(), Unsaved> {
    if objects.is_empty() {
        return Ok(());
    }
    if objects.len() > MAX_OBJECTS {
        return Err(Unsaved(format!(
            "{} commits are too many to keep alive",
            objects.len()
        )));
    }
    let mut input = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        let line = format!("create {NAMESPACE}{id}/{number} {object}\n");
        input.extend_from_slice(line.as_bytes());
    }
    repository.feed(&["update-ref", "--stdin"], input)?;
    Ok(())
}

/// Contents that stand in the index and not in the last commit.
pub(super) fn staged(repository: &Repository<'_>) -> Result<BTreeSet<String>, String> {
    let mut words = vec!["ls-files", "-s", "-z"];
    let head = repository.ask(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?;
    if head.success {
        words = vec!["diff-index", "--cached", "--no-renames", "-z", "HEAD"];
    }
    let output = repository.output(&words)?;
    let mut found = BTreeSet::new();
    for entry in output.split(|byte| *byte == 0) {
        let fields: Vec<&[u8]> = entry
            .split(|byte| *byte == b' ' || *byte == b'\t')
            .collect();
        let (mode, object) = match fields.as_slice() {
            [first, mode, _, object, ..] if first.starts_with(b":") => (*mode, *object),
            [mode, object, ..] if is_object(object) => (*mode, *object),
            _ => continue,
        };
        if !is_zero(object) && mode != b"160000" && is_object(object) {
            found.insert(String::from_utf8_lossy(object).into_owned());
        }
    }
    // Of a file in conflict the differences name none.
    let unmerged = repository.output(&["ls-files", "-u", "-z"])?;
    for entry in unmerged.split(|byte| *byte == 0) {
        if let Some(object) = entry.split(|byte| *byte == b' ').nth(1) {
            found.insert(String::from_utf8_lossy(object).into_owned());
        }
    }
    Ok(found)
}
