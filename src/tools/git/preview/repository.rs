//! The state of a repository: what is not committed, and what no remote has.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::{Git, Unmeasured, held};
use crate::context::Context;
use crate::preview::{Budget, Loss, Measure, Part};
use crate::sanitize;
use crate::tools::git::backup::EXCLUDED;

/// How many names a message shows.
pub(crate) const NAMED: usize = 5;

/// One entry of `git status --porcelain=v2` (git-status(1), "Porcelain Format Version 2").
// Independent facts of one entry, read from its columns.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The index against HEAD.
    pub staged: u8,
    /// The file against the index.
    pub unstaged: u8,
    /// The entry is a submodule.
    pub submodule: bool,
    /// A submodule with another commit checked out, or with changes or untracked files of its own.
    pub work_in_submodule: bool,
    /// Merge conflict.
    pub unmerged: bool,
    /// `?` untracked, `!` ignored, 0 tracked.
    pub outside: u8,
    /// A rename without a change of content.
    pub exact_rename: bool,
    /// The object in the index, where status names it.
    pub indexed: Vec<u8>,
    /// Of a conflict: the objects of all sides.
    pub sides: Vec<Vec<u8>>,
    /// The path, relative to the top level.
    pub path: Vec<u8>,
}

impl Change {
    /// Whether the file on disk holds something that the index does not.
    pub fn is_unstaged(&self) -> bool {
        self.outside == 0
            && !self.submodule
            && (self.unmerged || !matches!(self.unstaged, b'.' | b'D'))
    }

    /// Whether file or index hold something that HEAD does not.
    pub fn is_uncommitted(&self) -> bool {
        if self.outside != 0 || self.submodule {
            return false;
        }
        let moved_only = self.exact_rename && self.unstaged == b'.';
        self.is_unstaged() || !(moved_only || matches!(self.staged, b'.' | b'D'))
    }
}

/// The path of a `-z` status entry of any kind; `None` for headers and the second half of renames.
pub(crate) fn status_path(entry: &[u8]) -> Option<&[u8]> {
    let fields = match entry.first()? {
        b'1' => 8,
        b'2' => 9,
        b'u' => 10,
        b'?' | b'!' => 1,
        _ => return None,
    };
    entry.splitn(fields + 1, |byte| *byte == b' ').nth(fields)
}

/// Reads the output of `git status --porcelain=v2 -z`.
pub(crate) fn changes(output: &[u8]) -> Vec<Change> {
    let mut found = Vec::new();
    let mut entries = output.split(|byte| *byte == 0);
    while let Some(entry) = entries.next() {
        let Some(path) = status_path(entry) else {
            continue;
        };
        let kind = entry.first().copied().unwrap_or(b'?');
        let mut fields = entry.split(|byte| *byte == b' ').skip(1);
        let (staged, unstaged) = match fields.next() {
            Some([staged, unstaged]) if matches!(kind, b'1' | b'2' | b'u') => (*staged, *unstaged),
            _ => (b'.', b'.'),
        };
        let module = fields.next().unwrap_or_default();
        let submodule = module.starts_with(b"S");
        let exact_rename =
            kind == b'2' && entry.splitn(10, |byte| *byte == b' ').nth(8) == Some(b"R100");
        // Of the fields that follow, the fifth is the index's object.
        let indexed = match kind {
            b'1' | b'2' => fields.nth(4).unwrap_or_default().to_vec(),
            _ => Vec::new(),
        };
        let sides = match kind {
            b'u' => fields.skip(4).take(3).map(<[u8]>::to_vec).collect(),
            _ => Vec::new(),
        };
        if kind == b'2' {
            // The original path follows as an entry of its own.
            entries.next();
        }
        found.push(Change {
            staged,
            unstaged,
            submodule: submodule && matches!(kind, b'1' | b'2' | b'u'),
            work_in_submodule: submodule && module != b"S...",
            unmerged: kind == b'u',
            outside: if matches!(kind, b'?' | b'!') { kind } else { 0 },
            exact_rename,
            indexed,
            sides,
            path: path.to_vec(),
        });
    }
    found
}

impl Git<'_> {
    /// Changes to tracked files below these pathspecs (all without any).
    pub(super) fn changes(&self, paths: &[OsString]) -> Result<Vec<Change>, Unmeasured> {
        self.changes_and(paths, self.overwrites_skipped)
    }

    /// The same with files of the skip-worktree bit, which a checkout from a tree overwrites.
    pub(super) fn changes_with_skipped(
        &self,
        paths: &[OsString],
    ) -> Result<Vec<Change>, Unmeasured> {
        self.changes_and(paths, true)
    }

    fn changes_and(&self, paths: &[OsString], skipped: bool) -> Result<Vec<Change>, Unmeasured> {
        let command = [
            "status",
            "--porcelain=v2",
            "-z",
            "--untracked-files=no",
            "--ignore-submodules=none",
        ];
        let mut found = changes(&self.output(&super::with_paths(&command, paths))?);
        if found.iter().any(|change| change.work_in_submodule) && self.recurses()? {
            self.need(|needs| {
                needs.unable = Some("work in submodules would go as well".to_owned());
            });
            for change in found.iter_mut().filter(|change| change.work_in_submodule) {
                // The command goes down into it, so its work is at stake like any file's.
                change.submodule = false;
                change.unstaged = b'M';
            }
        }
        // What the loss leaves out because something else holds it has to come back as well.
        self.note_changes(&found)?;
        if !found.is_empty() && self.exists("AUTO_MERGE")? {
            self.drop_made_by_merge(&mut found)?;
        }
        let hidden = self.hidden_changes(paths, skipped)?;
        self.note_changes(&hidden)?;
        found.extend(hidden);
        Ok(found)
    }

    /// Notes changed files, and what only the index holds of them.
    fn note_changes(&self, found: &[Change]) -> Result<(), Unmeasured> {
        if found.is_empty() {
            return Ok(());
        }
        let top = self.top_level()?;
        let object = |object: &Vec<u8>| {
            let is_none = object.iter().all(|byte| *byte == b'0');
            (!is_none).then(|| String::from_utf8_lossy(object).into_owned())
        };
        self.need(|needs| {
            for change in found.iter().filter(|change| !change.submodule) {
                needs.files.insert(top.join(os(&change.path)));
                if change.staged != b'.' && !change.unmerged {
                    needs.staged.extend(object(&change.indexed));
                }
                needs.staged.extend(change.sides.iter().filter_map(object));
            }
        });
        Ok(())
    }

    /// Notes paths relative to the top that are written over.
    pub(super) fn note_files(&self, paths: &[&[u8]]) -> Result<(), Unmeasured> {
        if paths.is_empty() {
            return Ok(());
        }
        let top = self.top_level()?;
        let files = paths.iter().map(|path| top.join(os(path)));
        self.need(|needs| needs.files.extend(files));
        Ok(())
    }

    /// Leaves out changes whose content a commit of some reference holds at the same path, in the
    /// file as well as in the index.
    pub(super) fn drop_held(&self, changes: &mut Vec<&Change>) -> Result<(), Unmeasured> {
        if changes
            .iter()
            .all(|change| change.unmerged || change.submodule)
        {
            return Ok(());
        }
        let top = self.top_level()?;
        let paths: Vec<OsString> = changes
            .iter()
            .map(|change| os(&change.path).into())
            .collect();
        let held = held::at(&self.probe, &self.scope, &paths);
        let names: Vec<&[u8]> = changes
            .iter()
            .map(|change| change.path.as_slice())
            .collect();
        let on_disk = held::as_they_are(&self.probe, &self.scope, &top, &held, &names);
        let in_index = |change: &Change| {
            held.get(&change.path)
                .is_some_and(|objects| objects.contains(&change.indexed))
        };
        changes.retain(|change| {
            let file = match change.unstaged {
                b'.' => in_index(change),
                b'D' => true,
                _ => on_disk.contains(&change.path),
            };
            let is_held = file && (change.staged == b'.' || in_index(change));
            change.unmerged || change.submodule || !is_held
        });
        Ok(())
    }

    /// A merge that stopped leaves files that it made itself. git notes their state in
    /// `AUTO_MERGE` (git-diff(1)): only what differs from it was made by somebody.
    fn drop_made_by_merge(&self, changes: &mut Vec<Change>) -> Result<(), Unmeasured> {
        let touched = self.output(&["diff", "--name-only", "-z", "--no-ext-diff", "AUTO_MERGE"])?;
        let touched: std::collections::HashSet<&[u8]> = touched.split(|byte| *byte == 0).collect();
        changes.retain(|change| touched.contains(change.path.as_slice()));
        Ok(())
    }

    /// Files that git was told not to look at (`update-index --assume-unchanged`, skip-worktree):
    /// status does not show them, but a checkout may overwrite them.
    pub(super) fn hidden_changes(
        &self,
        paths: &[OsString],
        skipped: bool,
    ) -> Result<Vec<Change>, Unmeasured> {
        let listed = self.output(&super::with_paths(
            &["ls-files", "-v", "-z", "--full-name"],
            paths,
        ))?;
        let mut hidden = Vec::new();
        for entry in listed.split(|byte| *byte == 0) {
            if let [tag, b' ', name @ ..] = entry
                && (tag.is_ascii_lowercase() || (skipped && *tag == b'S'))
            {
                hidden.push(name.to_vec());
            }
        }
        if hidden.is_empty() {
            return Ok(Vec::new());
        }
        let top = self.top_level()?;
        let mut found = Vec::new();
        for path in hidden {
            let file = top.join(os(&path));
            if file.symlink_metadata().is_err() {
                continue;
            }
            let mut index = OsString::from(":");
            index.push(os(&path));
            let stored = self.resolve(&index)?;
            let actual = self
                .output(&[
                    OsStr::new("hash-object"),
                    OsStr::new("--"),
                    file.as_os_str(),
                ])
                .ok()
                .map(|output| String::from_utf8_lossy(output.trim_ascii()).into_owned());
            if stored != actual {
                found.push(Change {
                    staged: b'.',
                    unstaged: b'M',
                    submodule: false,
                    work_in_submodule: false,
                    unmerged: false,
                    outside: 0,
                    exact_rename: false,
                    indexed: Vec::new(),
                    sides: Vec::new(),
                    path,
                });
            }
        }
        Ok(found)
    }

    /// Where the command's relative paths start: its directory, unless that lies outside the working
    /// tree; then git starts at the tree's top (git(1), `--work-tree`).
    pub(super) fn base(&self, directory: &Path) -> Result<std::path::PathBuf, Unmeasured> {
        let top = self.top_level()?;
        let here = directory
            .canonicalize()
            .map_err(|error| error.to_string())?;
        Ok(if here.starts_with(&top) { here } else { top })
    }

    /// The top of the working tree.
    pub(super) fn top_level(&self) -> Result<std::path::PathBuf, Unmeasured> {
        self.place()?
            .top
            .clone()
            .ok_or_else(|| "there is no work tree".to_owned())
    }
}

pub(super) fn os(bytes: &[u8]) -> &OsStr {
    use std::os::unix::ffi::OsStrExt as _;
    OsStr::from_bytes(bytes)
}

/// A loss of files, by name.
pub(crate) fn files(paths: &[&[u8]], what: &str) -> Part {
    Part {
        measure: Measure::Files,
        count: u64::try_from(paths.len()).unwrap_or(u64::MAX),
        at_least: false,
        // Whoever counts them notes them.
        kept: true,
        bytes: None,
        what: what.to_owned(),
        examples: paths
            .iter()
            .take(NAMED)
            .map(|path| sanitize::bytes(path))
            .collect(),
    }
}

/// What a repository that is about to be deleted holds that nothing else has; whether there is
/// something.
pub(crate) fn add_repository(
    path: &Path,
    loss: &mut Loss,
    context: &Context,
    budget: &Budget,
) -> bool {
    let name = sanitize::path(&crate::tools::rm::preview::relative(path, context));
    let what = match state(path, context, budget) {
        Ok(state) if state.is_elsewhere() => {
            loss.fact(format!(
                "the repository {name} has no work that is not on its remote too"
            ));
            return false;
        }
        Ok(state) => state.describe(),
        Err(why) => format!("that could not be looked into ({why})"),
    };
    loss.add(Part {
        measure: Measure::Repositories,
        count: 1,
        at_least: false,
        // All of its files are saved.
        kept: true,
        bytes: None,
        what,
        examples: vec![name],
    });
    true
}

/// The work in a repository.
struct State {
    /// A linked worktree or submodule: its commits live elsewhere.
    linked: bool,
    uncommitted: usize,
    unpushed: u64,
    stashes: u64,
    has_remote: bool,
}

impl State {
    fn is_elsewhere(&self) -> bool {
        self.uncommitted == 0
            && self.unpushed == 0
            && (self.linked || (self.has_remote && self.stashes == 0))
    }

    fn describe(&self) -> String {
        let mut parts = Vec::new();
        if self.uncommitted > 0 {
            parts.push(format!(
                "{} uncommitted",
                Measure::Files.count(self.uncommitted as u64)
            ));
        }
        if self.unpushed > 0 {
            let who = if self.linked { "branch" } else { "remote" };
            parts.push(format!(
                "{} that no {who} has",
                Measure::Commits.count(self.unpushed)
            ));
        }
        if !self.linked {
            if self.stashes > 0 {
                parts.push(Measure::Stashes.count(self.stashes));
            }
            if !self.has_remote {
                parts.push("no remote".to_owned());
            }
        }
        format!("with {}", parts.join(", "))
    }
}

fn state(path: &Path, context: &Context, budget: &Budget) -> Result<State, Unmeasured> {
    let git = Git::at(path, context, budget)?;
    let count = |arguments: &[&str]| -> Result<u64, Unmeasured> {
        let output = git.output(arguments)?;
        Ok(String::from_utf8_lossy(output.trim_ascii())
            .parse()
            .unwrap_or(0))
    };
    let bare = git
        .output(&["rev-parse", "--is-bare-repository"])?
        .starts_with(b"true");
    let uncommitted = if bare {
        0
    } else {
        let output = git.output(&[
            "status",
            "--porcelain=v2",
            "-z",
            "--untracked-files=all",
            "--ignored=traditional",
            "--ignore-submodules=none",
        ])?;
        changes(&output)
            .iter()
            .filter(|change| {
                change.is_uncommitted() || change.work_in_submodule || change.outside != 0
            })
            .count()
    };
    let remotes = git.output(&["remote"])?;
    let linked = path.join(".git").is_file();
    // A linked worktree's commits are held elsewhere, but for those of a detached HEAD.
    let unpushed = if linked {
        count(&[
            "rev-list",
            "--count",
            "--ignore-missing",
            "HEAD",
            "--not",
            EXCLUDED,
            "--glob=refs/*",
        ])?
    } else {
        count(&[
            "rev-list",
            "--count",
            EXCLUDED,
            "--all",
            "--reflog",
            "--not",
            "--remotes",
        ])?
    };
    Ok(State {
        linked,
        uncommitted,
        unpushed,
        stashes: git.output(&["stash", "list", "-z"]).map_or(0, |list| {
            list.split(|byte| *byte == 0)
                .filter(|entry| !entry.is_empty())
                .count() as u64
        }),
        has_remote: !remotes.trim_ascii().is_empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(entry: &[u8]) -> (bool, bool, String) {
        let found = changes(entry);
        let change = found.first();
        (
            change.is_some_and(Change::is_unstaged),
            change.is_some_and(Change::is_uncommitted),
            change
                .map(|change| String::from_utf8_lossy(&change.path).into_owned())
                .unwrap_or_default(),
        )
    }

    #[test]
    fn status_entries() {
        for (entry, unstaged, uncommitted, path) in [
            (
                "1 .M N... 100644 100644 100644 aa bb a b.txt",
                true,
                true,
                "a b.txt",
            ),
            ("1 M. N... 100644 100644 100644 aa bb a", false, true, "a"),
            (
                "1 A. N... 000000 100644 100644 00 bb new",
                false,
                true,
                "new",
            ),
            (
                "1 .D N... 100644 100644 000000 aa aa gone",
                false,
                false,
                "gone",
            ),
            (
                "1 D. N... 100644 000000 000000 aa 00 gone",
                false,
                false,
                "gone",
            ),
            ("1 MD N... 100644 100644 000000 aa bb x", false, true, "x"),
            (
                "1 .M S..U 160000 160000 160000 aa aa sub",
                false,
                false,
                "sub",
            ),
            (
                "2 R. N... 100644 100644 100644 aa aa R100 to\0from",
                false,
                false,
                "to",
            ),
            (
                "2 R. N... 100644 100644 100644 aa bb R90 to\0from",
                false,
                true,
                "to",
            ),
            (
                "2 RM N... 100644 100644 100644 aa aa R100 to\0from",
                true,
                true,
                "to",
            ),
            (
                "u UU N... 100644 100644 100644 100644 aa bb cc both",
                true,
                true,
                "both",
            ),
            ("? untracked", false, false, "untracked"),
        ] {
            assert_eq!(
                one(entry.as_bytes()),
                (unstaged, uncommitted, path.to_owned()),
                "{entry}"
            );
        }
    }
}
