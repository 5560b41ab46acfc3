//! What rm would destroy: files that no commit holds and nothing makes again.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::backup::Wanted;
use crate::backup::tree::Root;
use crate::context::Context;
use crate::paths::{Place, Placed, World};
use crate::preview::files::{Counter, Recoverable, Tally};
use crate::preview::{Budget, Loss, Measure, Part, Phrase, Preview, human_bytes};
use crate::probe::Probe;
use crate::sanitize;
use crate::tools::git::REPOSITORY_VARIABLES;
use crate::tools::git::preview::{held, repository};

/// With more operands than this git is asked about the whole repository at once.
const MAX_PATHSPECS: usize = 64;

/// Up to so many lost files are looked for in other commits than the one checked out.
const MAX_LOOKED_FOR: u64 = 256;
/// So many files are compared with what commits hold.
const MAX_HASHED: usize = 1024;

/// Measures what deleting these places would lose.
pub(crate) fn measure(
    places: &[Placed],
    taking: Taking,
    world: &World,
    context: &Context,
    budget: &Budget,
) -> Preview {
    let mut loss = Loss {
        phrase: phrase(places),
        ..Loss::default()
    };
    if let Some(unknown) = places.iter().find(|placed| placed.place == Place::Unknown) {
        return Preview::Unknown(
            format!(
                "what {} names is not known before it runs",
                sanitize::os(&unknown.operand.text)
            ),
            loss,
        );
    }
    let mut targets: Vec<(&Path, Place)> = Vec::new();
    let mut seen = HashSet::new();
    for placed in places {
        match (placed.place, &placed.path) {
            (Place::Missing, _) | (_, None) => {}
            (Place::Scratch, _) => loss.fact("scratch files are not counted"),
            (Place::Disposable, Some(path)) => {
                loss.fact(format!(
                    "{} can be made again",
                    sanitize::path(&relative(path.as_path(), context))
                ));
            }
            (_, Some(path)) => {
                // What is named twice goes once.
                if seen.insert(path) {
                    targets.push((path.as_path(), placed.place));
                }
            }
        }
    }
    let tally = count(&targets, taking, world, context, budget);
    let (stopped, unreadable) = (tally.stopped, tally.unreadable);
    describe(tally, &mut loss, context, budget);
    if let Some(Wanted::Trees(trees)) = loss.saves.last_mut() {
        trees.roots.extend(alone(places));
    }
    if stopped || unreadable > 0 {
        if unreadable > 0 {
            loss.fact(format!("{unreadable} directories could not be read"));
        }
        return Preview::Estimate(loss);
    }
    Preview::Exact(loss)
}

/// Directories that are named without `-r`: `rm -d` takes them if they are empty by then.
fn alone(places: &[Placed]) -> impl Iterator<Item = Root> {
    places
        .iter()
        .filter(|placed| placed.place == Place::Missing)
        .filter_map(|placed| placed.path.as_ref())
        .filter(|path| path.as_path().is_dir())
        .map(|path| Root {
            path: path.as_path().to_owned(),
            unlinked: true,
            inside: true,
            alone: true,
        })
}

/// How a command takes files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taking {
    /// It removes their names.
    Unlinks,
    /// It writes over what they hold.
    WritesOver,
}

/// Counts paths, each with what its own repository can give back.
pub(crate) fn count(
    targets: &[(&Path, Place)],
    taking: Taking,
    world: &World,
    context: &Context,
    budget: &Budget,
) -> Tally {
    let unlinked = taking == Taking::Unlinks;
    let mut by_repository: HashMap<Option<PathBuf>, Vec<(&Path, Place)>> = HashMap::new();
    let mut tops: HashMap<PathBuf, Option<PathBuf>> = HashMap::new();
    for (path, place) in targets {
        let parent = path.parent().unwrap_or(Path::new("/"));
        let top = tops
            .entry(parent.to_owned())
            .or_insert_with_key(|parent| repository_above(parent))
            .clone();
        by_repository.entry(top).or_default().push((path, *place));
    }
    let mut tally = Tally::default();
    for (top, targets) in by_repository {
        let paths: Vec<&Path> = targets.iter().map(|(path, _)| *path).collect();
        let mut recoverable = top
            .as_deref()
            .and_then(|top| recoverable(top, &paths, context, budget.deadline))
            .unwrap_or_default();
        let count_all = |recoverable: &Recoverable| {
            let mut tally = Tally::default();
            for (path, place) in &targets {
                let inside = *place != Place::Escape;
                let counter = Counter {
                    recoverable,
                    is_disposable: &|name, is_dir| inside && world.is_disposable_name(name, is_dir),
                    budget,
                };
                tally.add(counter.count(path));
            }
            tally
        };
        let mut counted = count_all(&recoverable);
        // A few files may be held by other commits than the one checked out.
        if (1..=MAX_LOOKED_FOR).contains(&counted.files)
            && !counted.stopped
            && let Some(top) = &top
            && add_held(top, &paths, context, budget.deadline, &mut recoverable)
        {
            counted = count_all(&recoverable);
        }
        tally.add(counted);
        tally.trees.recoverable.push(Arc::new(recoverable));
        tally
            .trees
            .roots
            .extend(targets.iter().map(|(path, place)| Root {
                path: (*path).to_owned(),
                unlinked,
                inside: *place != Place::Escape,
                alone: false,
            }));
    }
    tally
}

/// Adds files that stand, as they are, in a commit of any reference; whether there are some.
fn add_held(
    top: &Path,
    paths: &[&Path],
    context: &Context,
    deadline: Instant,
    known: &mut Recoverable,
) -> bool {
    let Ok(git) = Probe::new("git", top, context, deadline) else {
        return false;
    };
    let git = git
        .without(REPOSITORY_VARIABLES)
        .variable("GIT_OPTIONAL_LOCKS", "0");
    let below: Vec<OsString> = paths
        .iter()
        .filter_map(|path| path.strip_prefix(top).ok())
        .map(OsString::from)
        .collect();
    let held = held::at(&git, &[], &below);
    let names: Vec<&[u8]> = held
        .keys()
        .map(Vec::as_slice)
        .filter(|name| {
            let file = top.join(OsStr::from_bytes(name));
            !known.committed.contains(file.as_os_str())
                && paths.iter().any(|path| file.starts_with(path))
                && file.symlink_metadata().is_ok()
        })
        .take(MAX_HASHED)
        .collect();
    let found = held::as_they_are(&git, &[], top, &held, &names);
    let any = !found.is_empty();
    let files = found
        .into_iter()
        .map(|name| top.join(OsStr::from_bytes(&name)));
    known.committed.extend(files.map(PathBuf::into_os_string));
    any
}

fn repository_above(directory: &Path) -> Option<PathBuf> {
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
pub(crate) fn is_tracked(path: &Path, context: &Context) -> bool {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let Some(top) = repository_above(parent) else {
        return false;
    };
    let Ok(relative) = path.strip_prefix(&top) else {
        return true;
    };
    let mut known = context.tracked.borrow_mut();
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
fn tracked(top: &Path, context: &Context) -> Option<Vec<Vec<u8>>> {
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

/// What the repository at `top` can give back of `paths`: tracked files that are as the last
/// commit has them. `None` when git does not say.
fn recoverable(
    top: &Path,
    paths: &[&Path],
    context: &Context,
    deadline: Instant,
) -> Option<Recoverable> {
    let git = Probe::new("git", top, context, deadline)
        .ok()?
        .without(REPOSITORY_VARIABLES)
        .variable("GIT_OPTIONAL_LOCKS", "0");
    let mut pathspecs: Vec<OsString> = Vec::new();
    if paths.len() <= MAX_PATHSPECS {
        pathspecs.extend(
            paths
                .iter()
                .filter_map(|path| path.strip_prefix(top).ok())
                .map(OsString::from),
        );
    }
    let ask = |arguments: &[&str]| {
        let mut words: Vec<OsString> = vec![
            "--literal-pathspecs".into(),
            "-c".into(),
            "core.fsmonitor=false".into(),
        ];
        words.extend(arguments.iter().map(OsString::from));
        words.push("--".into());
        words.extend(pathspecs.iter().cloned());
        git.run(&words)
            .ok()
            .filter(|answer| answer.success)
            .map(|answer| answer.output)
    };
    let listed = ask(&["ls-files", "-v", "-z"])?;
    let mut known = Recoverable::default();
    for entry in listed.split(|byte| *byte == 0) {
        // A small letter or S: git does not look at the file, so it may hold anything.
        if let [tag, b' ', name @ ..] = entry {
            let path = top.join(OsStr::from_bytes(name));
            for directory in path
                .ancestors()
                .skip(1)
                .take_while(|directory| *directory != top)
            {
                if !known
                    .tracked_directories
                    .insert(directory.as_os_str().to_owned())
                {
                    break;
                }
            }
            if *tag == b'H' {
                known.committed.insert(path.into_os_string());
            }
        }
    }
    if known.committed.is_empty() {
        return Some(known);
    }
    let changed = ask(&[
        "status",
        "--porcelain=v2",
        "-z",
        "--untracked-files=no",
        "--no-renames",
        "--ignore-submodules=none",
    ])?;
    for entry in changed.split(|byte| *byte == 0) {
        if let Some(name) = repository::status_path(entry) {
            known
                .committed
                .remove(top.join(OsStr::from_bytes(name)).as_os_str());
        }
    }
    Some(known)
}

/// Puts a tally into the loss: the files with the largest and the newest, and the repositories.
pub(crate) fn describe(tally: Tally, loss: &mut Loss, context: &Context, budget: &Budget) {
    let mut examples: Vec<String> = Vec::new();
    for (bytes, path) in &tally.largest {
        examples.push(format!(
            "{} ({})",
            sanitize::path(&relative(path, context)),
            human_bytes(*bytes)
        ));
    }
    for (_, path) in &tally.newest {
        let name = sanitize::path(&relative(path, context));
        if !examples.iter().any(|example| example.starts_with(&name)) {
            examples.push(name);
        }
    }
    loss.add(Part {
        measure: Measure::Files,
        count: tally.files,
        at_least: tally.stopped,
        kept: true,
        bytes: Some(tally.bytes),
        what: "that no commit holds".to_owned(),
        examples,
    });
    let mut trees = tally.trees;
    for path in tally.repositories {
        if !repository::add_repository(&path, loss, context, budget) {
            trees.elsewhere.push(path);
        }
    }
    if !loss.is_none() && !trees.roots.is_empty() {
        loss.saves.push(Wanted::Trees(trees));
    }
    if tally.committed > 0 {
        loss.fact(format!(
            "committed, so it can be recovered: {}",
            Measure::Files.count(tally.committed)
        ));
    }
    if tally.disposable > 0 {
        loss.fact(format!(
            "{} disposable files or directories can be made again",
            tally.disposable
        ));
    }
}

/// A path as the command's directory sees it, up to three levels above; else absolute.
pub(crate) fn relative(path: &Path, context: &Context) -> PathBuf {
    let here = context
        .directory
        .as_deref()
        .and_then(|here| here.canonicalize().ok());
    let mut above = PathBuf::new();
    for ancestor in here.iter().flat_map(|here| here.ancestors()).take(4) {
        match path.strip_prefix(ancestor) {
            Ok(below) if ancestor != Path::new("/") && !below.as_os_str().is_empty() => {
                return above.join(below);
            }
            _ => above.push(".."),
        }
    }
    path.to_owned()
}

fn phrase(places: &[Placed]) -> Phrase {
    let counted: Vec<&Placed> = places
        .iter()
        .filter(|placed| {
            !matches!(
                placed.place,
                Place::Missing | Place::Scratch | Place::Disposable
            )
        })
        .collect();
    // What lies outside is what a person should name.
    let named = counted
        .iter()
        .find(|placed| placed.place != Place::Inside)
        .or(counted.first());
    let place = match (named, counted.len()) {
        (None, _) => String::new(),
        (Some(one), 1) => format!("in {}", typeable(&one.operand.text)),
        (Some(one), more) => format!("in {} and {} more", typeable(&one.operand.text), more - 1),
    };
    Phrase {
        verb: "delete",
        place,
    }
}

/// A name as a person can type it on any keyboard: itself when it is short and plain, else its
/// plain characters.
pub(crate) fn typeable(name: &OsStr) -> String {
    let bytes = name.as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    if bytes.len() <= 60 && bytes.iter().all(is_plain) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let tail: Vec<u8> = bytes
        .rsplit(|byte| *byte == b'/')
        .next()
        .unwrap_or(bytes)
        .iter()
        .copied()
        .filter(u8::is_ascii_alphanumeric)
        .take(24)
        .collect();
    if tail.is_empty() {
        return "that path".to_owned();
    }
    OsString::from_vec(tail).to_string_lossy().into_owned()
}
