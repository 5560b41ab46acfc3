//! Contents that some commit holds although the one checked out does not: a file that another
//! branch tracks, one that was untracked a commit ago, a change of the mode alone.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use crate::asking::EXCLUDED;
use crate::status::os;
use guard_core::probe::Probe;

/// More files than this are looked for at the tips of references only.
const MAX_PATHS: usize = 64;
/// How many tips, the newest first.
const MAX_TIPS: usize = 16;
/// How long looking may take; what was not found by then counts as lost.
const TIME: Duration = Duration::from_secs(1);

/// The objects that stood at a path, by path relative to the top level.
pub type HeldObjects = HashMap<Vec<u8>, HashSet<Vec<u8>>>;

/// What commits hold at these paths, as far as a second of looking tells.
pub fn at(git: &Probe<'_>, scope: &[OsString], paths: &[OsString]) -> HeldObjects {
    let git = git.within(TIME);
    let ask = |arguments: &[&OsStr]| {
        let mut words = scope.to_vec();
        words.extend(["--no-pager"].map(OsString::from));
        words.extend(
            [
                "-c",
                "core.fsmonitor=false",
                "-c",
                "log.showRoot=true",
                "-c",
                "log.follow=false",
            ]
            .map(OsString::from),
        );
        words.extend(arguments.iter().map(OsString::from));
        git.run(&words).ok().filter(|answer| answer.success)
    };
    let mut held = HeldObjects::new();
    if paths.len() <= MAX_PATHS {
        // Whatever configuration says: no program is started, and paths start at the top level.
        let options = [
            EXCLUDED,
            "--all",
            "--raw",
            "--no-abbrev",
            "--no-renames",
            "--no-relative",
            "--no-ext-diff",
            "--no-show-signature",
            "--format=",
            "-z",
        ];
        let mut words = vec![OsStr::new("log")];
        words.extend(options.map(OsStr::new));
        words.push(OsStr::new("--"));
        // From wherever it is asked, the paths start at the top level.
        let paths: Vec<OsString> = paths.iter().map(|path| from_top(path)).collect();
        words.extend(paths.iter().map(OsString::as_os_str));
        if let Some(answer) = ask(&words) {
            read_log(&answer.output, &mut held);
        }
        return held;
    }
    let newest = format!("--count={MAX_TIPS}");
    let words = [
        "for-each-ref",
        "--sort=-committerdate",
        "--format=%(objectname)",
        &newest,
        "refs/heads",
        "refs/remotes",
    ];
    let Some(tips) = ask(&words.map(OsStr::new)) else {
        return held;
    };
    for tip in tips.output.split(|byte| *byte == b'\n') {
        let words = ["ls-tree", "-r", "-z", "--full-tree"].map(OsStr::new);
        if let Some(tree) = ask(&[words.as_slice(), &[os(tip)]].concat()) {
            read_tree(&tree.output, &mut held);
        }
    }
    held
}

/// A path relative to the top level as a pathspec (gitglossary(7), "pathspec").
fn from_top(path: &OsStr) -> OsString {
    let mut pathspec = OsString::from(":(top,literal)");
    pathspec.push(path);
    pathspec
}

/// `:OLDMODE NEWMODE OLD NEW STATUS`, then the path, each with a NUL behind it.
fn read_log(output: &[u8], held: &mut HeldObjects) {
    let mut entries = output.split(|byte| *byte == 0);
    while let Some(entry) = entries.next() {
        let entry = entry.trim_ascii_start();
        if !entry.starts_with(b":") {
            continue;
        }
        let Some(path) = entries.next() else { break };
        let objects = entry.split(|byte| *byte == b' ').skip(2).take(2);
        held.entry(path.to_vec())
            .or_default()
            .extend(objects.map(<[u8]>::to_vec));
    }
}

/// `MODE TYPE OBJECT<tab>PATH`.
fn read_tree(output: &[u8], held: &mut HeldObjects) {
    for entry in output.split(|byte| *byte == 0) {
        let mut halves = entry.splitn(2, |byte| *byte == b'\t');
        let (Some(facts), Some(path)) = (halves.next(), halves.next()) else {
            continue;
        };
        let object = facts.split(|byte| *byte == b' ').nth(2);
        held.entry(path.to_vec())
            .or_default()
            .extend(object.map(<[u8]>::to_vec));
    }
}

/// Which of these files on disk are held as they are. Only plain files: a link is not its content.
pub fn as_they_are(
    git: &Probe<'_>,
    scope: &[OsString],
    top: &Path,
    held: &HeldObjects,
    paths: &[&[u8]],
) -> HashSet<Vec<u8>> {
    let candidates: Vec<&[u8]> = paths
        .iter()
        .copied()
        .filter(|path| held.contains_key(*path))
        .filter(|path| {
            let file = top.join(os(path));
            file.symlink_metadata()
                .is_ok_and(|metadata| metadata.is_file())
        })
        .collect();
    if candidates.is_empty() {
        return HashSet::new();
    }
    let mut words = scope.to_vec();
    words.extend(["hash-object", "--"].map(OsString::from));
    words.extend(
        candidates
            .iter()
            .map(|path| top.join(os(path)).into_os_string()),
    );
    let Some(answer) = git
        .within(TIME)
        .run(&words)
        .ok()
        .filter(|answer| answer.success)
    else {
        return HashSet::new();
    };
    let objects = answer.output.split(|byte| *byte == b'\n');
    candidates
        .into_iter()
        .zip(objects)
        .filter(|(path, object)| {
            held.get(*path)
                .is_some_and(|objects| objects.contains(*object))
        })
        .map(|(path, _)| path.to_vec())
        .collect()
}
