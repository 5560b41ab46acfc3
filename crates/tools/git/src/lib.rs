//! git: global options (git(1)), verbs and their options, aliases, and what makes a verb dangerous.

pub mod backup;
pub mod config;
pub mod nested;
pub mod preview;
mod tables;
mod verbs;

use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use guard_core::context::{Consult, Context};
use guard_core::invocation::{Invocation, Word};
use guard_core::kept::Kept;
use guard_core::place::Target;
use guard_core::preview::Preview;
use guard_core::tool::{Origin, Scene, Tool};
use guard_core::world::World;
use guard_store::manifest::Part;
use guard_trees as trees;
use guard_trees::measure::Taking;

pub use verbs::only_reads;

/// git.
pub struct Git;

impl Tool for Git {
    fn name(&self) -> &'static str {
        "git"
    }

    fn read(&self, arguments: &[Word], context: &Context) -> Invocation {
        read_at(arguments, context, 0)
    }

    fn only_reads(&self, invocation: &Invocation) -> bool {
        only_reads(invocation)
    }

    fn targets(&self, invocation: &Invocation) -> Vec<Target> {
        Target::overwritten(overwritten(invocation))
    }

    fn inputs(&self, invocation: &Invocation) -> Vec<Origin> {
        let paths = Origin::of_flags(invocation, &["--pathspec-from-file"], false);
        inputs(invocation, paths)
    }

    fn variables(&self) -> &'static [&'static str] {
        &["GIT_", "HOME", "XDG_CONFIG_HOME"]
    }

    fn measure(&self, invocation: &Invocation, scene: &Scene<'_>) -> Preview {
        if overwritten(invocation).is_empty() {
            return preview::measure(invocation, scene.world, scene.context, scene.budget);
        }
        trees::measure::measure(Taking::WritesOver, scene)
    }

    fn is_far(&self, invocation: &Invocation, world: &World, context: &Context) -> bool {
        invocation.verb_name() == "push" || !is_near(invocation, world, context)
    }

    fn revive(&self, part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
        backup::revive(part)
    }
}

/// Aliases may name aliases; git itself stops at a loop, guard at this depth.
const MAX_ALIASES: usize = 32;

/// Global options that take the next argument as their value (git(1), "OPTIONS").
const VALUED: [&str; 8] = [
    "-C",
    "-c",
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--config-env",
    "--super-prefix",
    "--attr-source",
];

/// Global options that print something and end.
const ENDING: [&str; 9] = [
    "-h",
    "--help",
    "-v",
    "--version",
    "--html-path",
    "--man-path",
    "--info-path",
    "--exec-path",
    "--build-options",
];

/// Reads git's arguments: global options, then the verb, through aliases.
fn read_at(arguments: &[Word], context: &Context, depth: usize) -> Invocation {
    let mut invocation = Invocation::new("git");
    let rest = read_globals(arguments, &mut invocation);
    if depth == 0 {
        nested::add_configured(&mut invocation, context);
    }
    let Some((verb, arguments)) = rest.split_first() else {
        // `git` alone and `git --version` print something and end.
        invocation.inert = true;
        return invocation;
    };
    let Some(name) = verb.text.to_str().filter(|_| verb.known) else {
        invocation.verb = vec![Cow::Owned(verb.text.to_string_lossy().into_owned())];
        invocation.doubt("which git command runs is not known before it runs");
        return invocation;
    };
    if !verbs::shadows_aliases(name)
        && depth < MAX_ALIASES
        && let Some(expanded) = config::alias(name, &invocation, context)
    {
        return read_alias(name, &expanded, arguments, invocation, context, depth);
    }
    if !verbs::shadows_aliases(name) && config::is_corrected(name, &invocation, context) {
        invocation.verb = vec![Cow::Borrowed("autocorrect"), Cow::Owned(name.to_owned())];
        invocation.arguments = arguments.iter().map(|word| word.text.clone()).collect();
        return invocation;
    }
    verbs::read(name, arguments, &mut invocation, context);
    invocation
}

/// Global options up to the verb; what remains starts with the verb.
fn read_globals<'w>(mut words: &'w [Word], invocation: &mut Invocation) -> &'w [Word] {
    while let Some((first, after)) = words.split_first() {
        let bytes = first.bytes();
        if !bytes.starts_with(b"-") || bytes.len() < 2 {
            break;
        }
        let written = first.text.to_str().unwrap_or("");
        if ENDING.contains(&written) {
            invocation.inert = true;
            return &[];
        }
        invocation.scope.push(first.text.clone());
        words = after;
        if VALUED.contains(&written) {
            let Some((value, after)) = words.split_first() else {
                break;
            };
            invocation.scope.push(value.text.clone());
            words = after;
            if written == "-C" && !value.bytes().is_empty() {
                // Each -C is relative to the one before.
                let directory = invocation.directory.take().unwrap_or_default();
                invocation.directory = Some(directory.join(&value.text));
                if !value.known {
                    invocation.doubt("the directory that git works in is not known before it runs");
                }
            }
        }
    }
    words
}

/// Reads what an alias stands for: git's own words, or a shell command after `!`.
fn read_alias(
    name: &str,
    expanded: &str,
    arguments: &[Word],
    mut outer: Invocation,
    context: &Context,
    depth: usize,
) -> Invocation {
    if let Some(command) = expanded.strip_prefix('!') {
        outer.verb = vec![Cow::Owned(name.to_owned())];
        outer.arguments = arguments.iter().map(|word| word.text.clone()).collect();
        // git runs it with the remaining arguments as "$@" (git-config(1), "alias.*"), from the
        // top of the working tree.
        let mut words = vec![
            Word::known("sh"),
            Word::known("-c"),
            Word::known(format!("{command} \"$@\"")),
            Word::known(command),
        ];
        words.extend_from_slice(arguments);
        let via = format!("alias.{name}");
        let top = config::top_level(&outer, context);
        let place = nested::NestedPlace::Here(top.as_deref());
        nested::add_shell(&mut outer, &via, &words, place, context);
        return outer;
    }
    let Some(split) = split_alias(expanded) else {
        outer.verb = vec![Cow::Owned(name.to_owned())];
        outer.doubt(format!("the alias {name} cannot be read"));
        return outer;
    };
    let mut words: Vec<Word> = outer.scope.iter().map(Word::known).collect();
    words.extend(split.into_iter().map(Word::known));
    words.extend_from_slice(arguments);
    let mut inner = read_at(&words, context, depth + 1);
    for doubt in outer.doubts {
        inner.doubt(doubt);
    }
    inner.nested.extend(outer.nested);
    inner
}

/// Splits an alias as git does (`split_cmdline` in git's alias.c): blanks, both quotes, backslash.
/// `None` for an unclosed quote, which git refuses.
fn split_alias(text: &str) -> Option<Vec<OsString>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote: Option<u8> = None;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (None, b'\'' | b'"') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (None, _) if byte.is_ascii_whitespace() => words.extend(word.take()),
            (None | Some(b'"'), b'\\') => word.get_or_insert_default().push(bytes.next()?),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    if quote.is_some() {
        return None;
    }
    words.extend(word);
    Some(words.into_iter().map(OsString::from_vec).collect())
}

/// Files that the command writes its output to: `archive -o`, `--output` of diff and log, the file
/// of `bundle create`.
pub fn overwritten(invocation: &Invocation) -> Vec<Word> {
    // merge-file writes its result over the first file (git-merge-file(1)).
    let merges = invocation.verb_is(&["merge-file"]) && !invocation.has_any(&["-p", "--object-id"]);
    if merges || invocation.verb_is(&["bundle", "create"]) {
        return invocation
            .operands
            .iter()
            .take(1)
            .filter(|word| word.bytes() != b"-")
            .cloned()
            .collect();
    }
    invocation
        .flags
        .iter()
        .filter(|flag| flag.long == "output")
        .filter_map(|flag| flag.value.clone().map(Word::known))
        .collect()
}

/// The directory that the command works in: the context's, moved by `-C`.
pub fn directory(invocation: &Invocation, context: &Context) -> Option<PathBuf> {
    context
        .in_directory(invocation.directory.as_deref())
        .directory
}

/// Whether the repository that the command works in is the workspace's: it lies there, it is a linked
/// worktree of one that does, or it lies in scratch of the user's own.
pub fn is_near(invocation: &Invocation, world: &World, context: &Context) -> bool {
    if is_moved(invocation, context) {
        return false;
    }
    let Some(directory) =
        directory(invocation, context).and_then(|directory| directory.canonicalize().ok())
    else {
        return false;
    };
    let top = guard_ground::path::top_of(&directory);
    let is_near = |place: &std::path::Path| world.holds(place) || world.is_own_scratch(place);
    is_near(&directory) || common_of(&top).is_some_and(|common| is_near(&common))
}

/// The repository that a linked worktree belongs to: its `.git` is a file (gitrepository-layout(5)).
fn common_of(top: &std::path::Path) -> Option<PathBuf> {
    let text = std::fs::read(top.join(".git")).ok()?;
    let own = text.trim_ascii_end().strip_prefix(b"gitdir: ")?;
    let own = top
        .join(std::ffi::OsStr::from_bytes(own))
        .canonicalize()
        .ok()?;
    let worktrees = own.parent()?;
    (worktrees.file_name()? == "worktrees").then(|| worktrees.parent().map(PathBuf::from))?
}

/// Whether options or variables name another repository or working tree.
fn is_moved(invocation: &Invocation, context: &Context) -> bool {
    ["GIT_DIR", "GIT_WORK_TREE"]
        .iter()
        .any(|name| context.has_variable(name))
        || invocation.scope.iter().any(|word| {
            [b"--git-dir".as_slice(), b"--work-tree"]
                .iter()
                .any(|option| word.as_encoded_bytes().starts_with(option))
        })
}

/// Files and standard input that decide what the command does; `paths` are those that name its
/// pathspecs.
pub fn inputs(invocation: &Invocation, mut paths: Vec<Origin>) -> Vec<Origin> {
    if invocation.has("--stdin") {
        paths.push(Origin::Input);
    }
    let reads_patches = matches!(invocation.verb_name(), "apply" | "am")
        && !invocation.has_any(&["--abort", "--quit", "--skip", "--continue", "--resolved"]);
    if reads_patches && invocation.operands.is_empty() {
        paths.push(Origin::Input);
    } else if reads_patches {
        let files = invocation.operands.iter();
        paths.extend(files.map(|file| match file.bytes() {
            b"-" => Origin::Input,
            _ => Origin::File(PathBuf::from(&file.text)),
        }));
    }
    paths
}

/// Whether an operand could be a path rather than a revision, by what stands on the disk and by
/// its looks: pathspec magic, globs, `.` and trailing slashes.
fn looks_like_path(word: &Word, invocation: &Invocation, context: &Context) -> bool {
    let bytes = word.bytes();
    if !word.known {
        return false;
    }
    if matches!(bytes, b"." | b".." | b"/")
        || bytes.starts_with(b":")
        || bytes.starts_with(b"./")
        || bytes.starts_with(b"../")
        || bytes.ends_with(b"/")
        || bytes.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
    {
        return true;
    }
    if context.consult < Consult::Files {
        return false;
    }
    let top = if is_moved(invocation, context) {
        config::top_level(invocation, context)
    } else {
        None
    };
    let places = [directory(invocation, context), top];
    places.iter().flatten().any(|directory| {
        directory
            .join(std::ffi::OsStr::from_bytes(bytes))
            .symlink_metadata()
            .is_ok()
    })
}

#[cfg(test)]
mod tests;
