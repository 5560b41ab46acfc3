//! What rm would destroy: files that no commit holds and nothing makes again.

use crate::status;
use guard_core::naming::{relative, typeable};
use guard_core::tracked::repository_above;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::Root;
use crate::count::{Counter, Recoverable, Tally};
use crate::held;
use crate::nested::add_repository;
use guard_core::context::Context;
use guard_core::loss::{Loss, Lot, Phrase};
use guard_core::place::Placed;
use guard_core::preview::{Budget, Preview};
use guard_core::probe::Probe;
use guard_core::tool::Scene;
use guard_core::tracked::REPOSITORY_VARIABLES;
use guard_core::world::World;
use guard_ground::sanitize;
use guard_ground::text::human_bytes;
use guard_words::Measure;
use guard_words::PlaceKind;

/// With more operands than this git is asked about the whole repository at once.
const MAX_PATHSPECS: usize = 64;

/// Up to so many lost files are looked for in other commits than the one checked out.
const MAX_LOOKED_FOR: u64 = 256;
/// So many files are compared with what commits hold.
const MAX_HASHED: usize = 1024;

/// Measures what deleting these places would lose.
pub fn measure(taking: Taking, scene: &Scene<'_>) -> Preview {
    let Scene {
        places,
        world,
        context,
        budget,
    } = *scene;
    let mut loss = Loss {
        phrase: phrase(places),
        ..Loss::default()
    };
    if let Some(unknown) = places
        .iter()
        .find(|placed| placed.place == PlaceKind::Unknown)
    {
        return Preview::Unknown(
            format!(
                "what {} names is not known before it runs",
                sanitize::os(&unknown.operand.text)
            ),
            loss,
        );
    }
    let mut targets: Vec<(&Path, PlaceKind)> = Vec::new();
    let mut seen = HashSet::new();
    for placed in places {
        match (placed.place, &placed.path) {
            (PlaceKind::Missing, _) | (_, None) => {}
            (PlaceKind::Scratch, _) => loss.fact("scratch files are not counted"),
            (PlaceKind::Disposable, Some(path)) => {
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
    let mut tally = count(&targets, taking, world, context, budget);
    tally.trees.roots.extend(alone(places));
    let (stopped, unreadable) = (tally.stopped, tally.unreadable);
    describe(tally, &mut loss, context, budget);
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
        .filter(|placed| placed.place == PlaceKind::Missing)
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
pub enum Taking {
    /// It removes their names.
    Unlinks,
    /// It writes over what they hold.
    WritesOver,
}

/// Counts paths, each with what its own repository can give back.
pub fn count(
    targets: &[(&Path, PlaceKind)],
    taking: Taking,
    world: &World,
    context: &Context,
    budget: &Budget,
) -> Tally {
    let unlinked = taking == Taking::Unlinks;
    let mut by_repository: HashMap<Option<PathBuf>, Vec<(&Path, PlaceKind)>> = HashMap::new();
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
                let inside = *place != PlaceKind::Escape;
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
                inside: *place != PlaceKind::Escape,
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
        if let Some(name) = status::status_path(entry) {
            known
                .committed
                .remove(top.join(OsStr::from_bytes(name)).as_os_str());
        }
    }
    Some(known)
}

/// Puts a tally into the loss: the files with the largest and the newest, and the repositories.
pub fn describe(tally: Tally, loss: &mut Loss, context: &Context, budget: &Budget) {
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
    loss.add(Lot {
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
        if !add_repository(&path, loss, context, budget) {
            trees.elsewhere.push(path);
        }
    }
    if !loss.is_none() && !trees.roots.is_empty() {
        loss.saves.push(trees);
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

fn phrase(places: &[Placed]) -> Phrase {
    let counted: Vec<&Placed> = places
        .iter()
        .filter(|placed| {
            !matches!(
                placed.place,
                PlaceKind::Missing | PlaceKind::Scratch | PlaceKind::Disposable
            )
        })
        .collect();
    // What lies outside is what a person should name.
    let named = counted
        .iter()
        .find(|placed| placed.place != PlaceKind::Inside)
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
