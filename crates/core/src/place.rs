//! Where paths lie: workspace, escapes, scratch, disposable, and what nobody may delete.
//!
//! Operands are resolved as the tool would resolve them: symlinks in parents followed, the last
//! component not, unless a slash after it makes the tool follow it.

use guard_ground::path::{
    below, existing_part, holds_repository, is_absence, is_within, join, lexical, parts,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use guard_words::PlaceKind;

use crate::context::{Consult, Context};
use crate::invocation::Word;
use crate::tracked;
use crate::world::World;

/// A path whose parents hold no symlinks and no `..`: what the kernel would act on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resolved(PathBuf);

impl Resolved {
    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

/// An operand and where it lies.
#[derive(Clone, Debug)]
pub struct Placed {
    /// As written.
    pub operand: Word,
    /// What the kernel would act on; `None` when that cannot be known.
    pub path: Option<Resolved>,
    /// The kind of place.
    pub place: PlaceKind,
}

/// A path that an invocation would delete or overwrite.
#[derive(Clone, Debug)]
pub struct Target {
    /// The path as written.
    pub word: Word,
    /// It is written over, not deleted: a link is followed, and what is not there is not lost.
    pub overwritten: bool,
}

impl Target {
    /// Paths that are deleted.
    pub fn deleted(words: &[Word]) -> Vec<Self> {
        Self::all(words.iter().cloned(), false)
    }

    /// Paths that are written over.
    pub fn overwritten(words: Vec<Word>) -> Vec<Self> {
        Self::all(words.into_iter(), true)
    }

    fn all(words: impl Iterator<Item = Word>, overwritten: bool) -> Vec<Self> {
        words.map(|word| Self { word, overwritten }).collect()
    }
}

/// Places every target of a command that runs in `context`; directories among them go with all that is
/// in them where it is `recursive`.
pub fn place_all(
    targets: Vec<Target>,
    recursive: bool,
    world: &World,
    context: &Context,
) -> Vec<Placed> {
    targets
        .into_iter()
        .map(|target| place(target, recursive, world, context))
        .collect()
}

fn place(target: Target, recursive: bool, world: &World, context: &Context) -> Placed {
    let Target {
        word: operand,
        overwritten,
    } = target;
    let asks_nothing = context.consult == Consult::Nothing && !world.is_imaginary();
    let found = if !operand.known || asks_nothing {
        Err(PlaceKind::Unknown)
    } else if operand.bytes().is_empty() {
        // unlink("") is ENOENT (POSIX, pathname resolution).
        Err(PlaceKind::Missing)
    } else if world.is_imaginary() {
        let path = world.directory().join(&operand.text);
        // Without a directory to start from only a whole path says where it leads.
        if path.is_absolute() {
            Ok(Resolved(lexical(&path)))
        } else {
            Err(PlaceKind::Unknown)
        }
    } else if overwritten {
        existing_file(&operand, context)
    } else {
        resolve(&operand, context).ok_or(if context.live && context.directory.is_some() {
            PlaceKind::Missing
        } else {
            PlaceKind::Unknown
        })
    };
    match found {
        Ok(path) => Placed {
            place: classify(&path, recursive, world, context),
            path: Some(path),
            operand,
        },
        Err(place) => Placed {
            place,
            path: None,
            operand,
        },
    }
}

/// A file that is written over: links are followed, and one that is not there loses nothing.
fn existing_file(operand: &Word, context: &Context) -> Result<Resolved, PlaceKind> {
    if context.consult < Consult::Files {
        return Err(PlaceKind::Unknown);
    }
    let path = context
        .in_directory(Some(Path::new(&operand.text)))
        .directory
        .ok_or(PlaceKind::Unknown)?;
    match path.canonicalize() {
        Ok(path) if path.is_file() => Ok(Resolved(path)),
        _ => Err(PlaceKind::Missing),
    }
}

/// Resolves an operand as rm(1) and the kernel do. `None` when a parent does not exist (and the
/// command is about to run), or when the directory it is relative to is unknown.
fn resolve(operand: &Word, context: &Context) -> Option<Resolved> {
    let written = Path::new(&operand.text);
    let joined = if written.is_absolute() {
        written.to_owned()
    } else {
        join(context.directory.as_deref()?, &operand.text)
    };
    let bytes = joined.as_os_str().as_bytes();
    let trimmed_len = bytes
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(0, |at| at + 1);
    let trimmed = Path::new(OsStr::from_bytes(
        bytes.get(..trimmed_len).unwrap_or_default(),
    ));
    // With a slash behind it, a link to a directory is followed; `.` and `..` are directories.
    let follows = trimmed_len < bytes.len()
        || trimmed_len == 0
        || bytes
            .get(..trimmed_len)
            .is_some_and(|path| path.ends_with(b"/.") || path.ends_with(b"/.."));
    if trimmed_len == 0 {
        return Some(Resolved(PathBuf::from("/")));
    }
    if follows && let Ok(path) = joined.canonicalize() {
        return Some(Resolved(path));
    }
    let (Some(parent), Some(name)) = (if follows {
        (trimmed.parent(), trimmed.file_name())
    } else {
        // The last part is a plain name.
        parts(trimmed)
    }) else {
        return Some(Resolved(lexical(&joined)));
    };
    match in_canonical(parent, name, context) {
        Some(path) => Some(Resolved(path)),
        None if context.live => None,
        // Nothing is there yet: the best that can be said is what the existing part says.
        None => Some(Resolved(existing_part(&joined))),
    }
}

/// Canonical parents of operands: there can be 100,000 operands in one directory.
#[derive(Default)]
struct CanonicalParents(RefCell<BTreeMap<PathBuf, Option<PathBuf>>>);

/// The path of `name` in a directory, made canonical; `None` when the directory is not there.
fn in_canonical(parent: &Path, name: &OsStr, context: &Context) -> Option<PathBuf> {
    let parents = context.remember::<CanonicalParents>();
    if let Some(known) = parents.0.borrow().get(parent) {
        return known.as_deref().map(|known| join(known, name));
    }
    let found = match parent.canonicalize() {
        Ok(found) => Some(found),
        // Only what is surely not there counts as missing; anything else is outside until known.
        Err(error) if is_absence(&error) => None,
        Err(_) => Some(lexical(parent)),
    };
    parents
        .0
        .borrow_mut()
        .insert(parent.to_owned(), found.clone());
    found.map(|found| join(&found, name))
}

fn classify(resolved: &Resolved, recursive: bool, world: &World, context: &Context) -> PlaceKind {
    let path = resolved.as_path();
    if path.as_os_str() == "/" {
        return PlaceKind::Root;
    }
    // What holds something dear is as dear, and so is what lies in guard's own directories.
    let takes = |dear: &PathBuf| is_within(dear, path);
    if world.homes().iter().any(takes) || world.is_others_home(path) {
        return PlaceKind::Home;
    }
    if world.touches_protected(path) {
        return PlaceKind::Protected;
    }
    let metadata = if context.consult == Consult::Tools {
        match path.symlink_metadata() {
            Ok(metadata) => Some(metadata),
            Err(error) if is_absence(&error) => None,
            // Something may be there that cannot be looked at.
            Err(_) => return PlaceKind::Unknown,
        }
    } else {
        None
    };
    match &metadata {
        None if context.live => return PlaceKind::Missing,
        // rm refuses a directory without -r, and a non-empty one with -d.
        Some(metadata) if metadata.is_dir() && !recursive => return PlaceKind::Missing,
        _ => {}
    }
    if world.mounts().iter().any(takes) {
        return PlaceKind::Mount;
    }
    if world.workspace().iter().any(takes) {
        return PlaceKind::WorkspaceRoot;
    }
    let inside = world.workspace().iter().find_map(|root| below(path, root));
    if let Some(relative) = inside {
        if World::is_git_part(relative) {
            return PlaceKind::GitDir;
        }
        let is_dir = metadata
            .as_ref()
            .map_or(recursive, std::fs::Metadata::is_dir);
        if World::is_lock(relative) {
            return PlaceKind::Disposable;
        }
        if let Some(part) = world.disposable_part(relative, is_dir) {
            let named = || path.ancestors().nth(depth_below(relative, part));
            if context.consult < Consult::Tools
                || !keeps_work(named().unwrap_or(path), path, context)
            {
                return PlaceKind::Disposable;
            }
        }
        return PlaceKind::Inside;
    }
    if world.is_scratch(path) {
        return PlaceKind::Scratch;
    }
    PlaceKind::Escape
}

/// How many components a plain path has below one of its beginnings.
fn depth_below(path: &Path, beginning: &Path) -> usize {
    let names = |path: &Path| {
        let bytes = path.as_os_str().as_bytes();
        bytes.split(|byte| *byte == b'/').count()
    };
    names(path).saturating_sub(names(beginning))
}

/// A directory with a disposable name still holds work when git tracks something in it, or when
/// what is deleted of it is a repository or holds one.
fn keeps_work(named: &Path, deleted: &Path, context: &Context) -> bool {
    holds_repository(deleted) || tracked::is_tracked(named, context)
}
