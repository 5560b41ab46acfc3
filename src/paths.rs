//! Where paths lie: workspace, escapes, scratch, disposable, and what nobody may delete.
//!
//! Operands are resolved as the tool would resolve them: symlinks in parents followed, the last
//! component not, unless a slash after it makes the tool follow it.

mod world;

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::context::{Consult, Context};
use crate::invocation::{Invocation, Word};
use crate::tools::{self, Target, Tool, rm};

pub use world::World;
pub(crate) use world::top_of;

/// The kind of place an operand names. The words are those of the rules' `path` matcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Nothing is there, or the tool itself will refuse it.
    Missing,
    /// A top-level entry of a scratch directory that belongs to the user, or something in it.
    Scratch,
    /// Can be made again.
    Disposable,
    /// Inside the workspace.
    Inside,
    /// Cannot be known before the command runs.
    Unknown,
    /// Outside the workspace and outside scratch.
    Escape,
    /// A repository's `.git`, or something in it.
    GitDir,
    /// The workspace's root, or a directory that holds it.
    WorkspaceRoot,
    /// A mount point, or a directory that holds one.
    Mount,
    /// A home directory, or a directory that holds one.
    Home,
    /// `/`.
    Root,
    /// guard's own files, what the rules protect, or a directory that holds them.
    Protected,
}

impl Place {
    /// The word that rules use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Scratch => "scratch",
            Self::Disposable => "disposable",
            Self::Inside => "inside",
            Self::Unknown => "unknown",
            Self::Escape => "escape",
            Self::GitDir => "git-dir",
            Self::WorkspaceRoot => "workspace-root",
            Self::Mount => "mount",
            Self::Home => "home",
            Self::Root => "root",
            Self::Protected => "protected",
        }
    }

    /// The place in words for a person.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Missing => "not there",
            Self::Scratch => "scratch",
            Self::Disposable => "can be made again",
            Self::Inside => "inside the workspace",
            Self::Unknown => "not known before the command runs",
            Self::Escape => "outside the workspace",
            Self::GitDir => "a repository's .git",
            Self::WorkspaceRoot => "the workspace itself",
            Self::Mount => "a mount point",
            Self::Home => "a home directory",
            Self::Root => "the root of the file system",
            Self::Protected => "guard's own or protected files",
        }
    }
}

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
    pub place: Place,
}

/// Places every operand of an invocation.
pub fn place_all(invocation: &Invocation, world: &World, context: &Context) -> Vec<Placed> {
    let recursive = match invocation.tool {
        Tool::Rm => rm::is_recursive(invocation),
        _ => true,
    };
    let moved;
    let context = match &invocation.directory {
        Some(directory) => {
            moved = context.in_directory(Some(directory));
            &moved
        }
        None => context,
    };
    tools::targets(invocation)
        .into_iter()
        .map(|target| place(target, recursive, world, context))
        .collect()
}

/// Whether a path is `directory` or lies below it.
fn is_within(path: &Path, directory: &Path) -> bool {
    below(path, directory).is_some()
}

/// What of a path stands behind `directory`, if it is that or lies below it. Both are absolute and
/// plain, so their bytes decide; `Path::strip_prefix` would take both apart for every comparison.
fn below<'p>(path: &'p Path, directory: &Path) -> Option<&'p Path> {
    let directory = directory.as_os_str().as_bytes();
    let rest = path.as_os_str().as_bytes().strip_prefix(directory)?;
    let rest = if rest.is_empty() || directory == b"/" {
        rest
    } else {
        rest.strip_prefix(b"/")?
    };
    Some(Path::new(OsStr::from_bytes(rest)))
}

/// As `Path::join`, which makes a copy and then has to grow it.
fn join(directory: &Path, name: &OsStr) -> PathBuf {
    let mut joined = PathBuf::with_capacity(directory.as_os_str().len() + 1 + name.len());
    joined.push(directory);
    joined.push(name);
    joined
}

fn place(target: Target, recursive: bool, world: &World, context: &Context) -> Placed {
    let Target {
        word: operand,
        overwritten,
    } = target;
    let asks_nothing = context.consult == Consult::Nothing && !world.is_imaginary();
    let found = if !operand.known || asks_nothing {
        Err(Place::Unknown)
    } else if operand.bytes().is_empty() {
        // unlink("") is ENOENT (POSIX, pathname resolution).
        Err(Place::Missing)
    } else if world.is_imaginary() {
        Ok(Resolved(lexical(&world.directory().join(&operand.text))))
    } else if overwritten {
        existing_file(&operand, context)
    } else {
        resolve(&operand, context).ok_or(if context.live && context.directory.is_some() {
            Place::Missing
        } else {
            Place::Unknown
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
fn existing_file(operand: &Word, context: &Context) -> Result<Resolved, Place> {
    if context.consult < Consult::Files {
        return Err(Place::Unknown);
    }
    let path = context
        .in_directory(Some(Path::new(&operand.text)))
        .directory
        .ok_or(Place::Unknown)?;
    match path.canonicalize() {
        Ok(path) if path.is_file() => Ok(Resolved(path)),
        _ => Err(Place::Missing),
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

/// A path's directory and name, by its last slash.
fn parts(path: &Path) -> (Option<&Path>, Option<&OsStr>) {
    let bytes = path.as_os_str().as_bytes();
    let Some(slash) = bytes.iter().rposition(|byte| *byte == b'/') else {
        return (path.parent(), path.file_name());
    };
    let (parent, name) = bytes.split_at(slash);
    let parent = if parent.is_empty() { b"/" } else { parent };
    (
        Some(Path::new(OsStr::from_bytes(parent))),
        name.get(1..).map(OsStr::from_bytes),
    )
}

/// The path of `name` in a directory, made canonical; `None` when the directory is not there.
fn in_canonical(parent: &Path, name: &OsStr, context: &Context) -> Option<PathBuf> {
    if let Some(known) = context.parents.borrow().get(parent) {
        return known.as_deref().map(|known| join(known, name));
    }
    let found = match parent.canonicalize() {
        Ok(found) => Some(found),
        // Only what is surely not there counts as missing; anything else is outside until known.
        Err(error) if is_absence(&error) => None,
        Err(_) => Some(lexical(parent)),
    };
    context
        .parents
        .borrow_mut()
        .insert(parent.to_owned(), found.clone());
    found.map(|found| join(&found, name))
}

fn is_absence(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    )
}

/// The longest existing part of a path made canonical, the rest by its letters.
fn existing_part(path: &Path) -> PathBuf {
    let plain = lexical(path);
    for ancestor in plain.ancestors() {
        if let Ok(canonical) = ancestor.canonicalize() {
            let rest = plain.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() {
                canonical
            } else {
                canonical.join(rest)
            };
        }
    }
    plain
}

/// A path without `.` and `..`, by its letters alone.
pub(crate) fn lexical(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    let mut plain = Vec::with_capacity(bytes.len() + 1);
    for part in bytes.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => plain.truncate(plain.iter().rposition(|byte| *byte == b'/').unwrap_or(0)),
            name => {
                plain.push(b'/');
                plain.extend_from_slice(name);
            }
        }
    }
    if plain.is_empty() {
        plain.push(b'/');
    }
    PathBuf::from(std::ffi::OsString::from_vec(plain))
}

fn classify(resolved: &Resolved, recursive: bool, world: &World, context: &Context) -> Place {
    let path = resolved.as_path();
    if path.as_os_str() == "/" {
        return Place::Root;
    }
    // What holds something dear is as dear, and so is what lies in guard's own directories.
    let takes = |dear: &PathBuf| is_within(dear, path);
    if world.homes().iter().any(takes) || world.is_others_home(path) {
        return Place::Home;
    }
    if world.touches_protected(path) {
        return Place::Protected;
    }
    let metadata = if context.consult == Consult::Tools {
        match path.symlink_metadata() {
            Ok(metadata) => Some(metadata),
            Err(error) if is_absence(&error) => None,
            // Something may be there that cannot be looked at.
            Err(_) => return Place::Unknown,
        }
    } else {
        None
    };
    match &metadata {
        None if context.live => return Place::Missing,
        // rm refuses a directory without -r, and a non-empty one with -d.
        Some(metadata) if metadata.is_dir() && !recursive => return Place::Missing,
        _ => {}
    }
    if world.mounts().iter().any(takes) {
        return Place::Mount;
    }
    if world.workspace().iter().any(takes) {
        return Place::WorkspaceRoot;
    }
    let inside = world.workspace().iter().find_map(|root| below(path, root));
    if let Some(relative) = inside {
        if World::is_git_part(relative) {
            return Place::GitDir;
        }
        let is_dir = metadata
            .as_ref()
            .map_or(recursive, std::fs::Metadata::is_dir);
        if World::is_lock(relative) {
            return Place::Disposable;
        }
        if let Some(part) = world.disposable_part(relative, is_dir) {
            let named = || path.ancestors().nth(depth_below(relative, part));
            if context.consult < Consult::Tools
                || !keeps_work(named().unwrap_or(path), path, context)
            {
                return Place::Disposable;
            }
        }
        return Place::Inside;
    }
    if world.is_scratch(path) {
        return Place::Scratch;
    }
    Place::Escape
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
    holds_repository(deleted) || rm::preview::is_tracked(named, context)
}

/// Whether a directory is a repository or holds one a level below (two below `@scope`), as a linked
/// package or a checked-out dependency does.
pub(crate) fn holds_repository(directory: &Path) -> bool {
    let is_repository = |path: &Path| path.join(".git").symlink_metadata().is_ok();
    let inner = |path: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        directories.map(|entry| entry.path()).collect()
    };
    if !directory
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_dir())
    {
        return false;
    }
    is_repository(directory)
        || inner(directory).iter().any(|below| {
            let scope = below
                .file_name()
                .is_some_and(|name| name.as_bytes().starts_with(b"@"));
            is_repository(below) || (scope && inner(below).iter().any(|path| is_repository(path)))
        })
}
