//! The state of a repository: what is not committed, and what no remote has.

use guard_trees::status::{StatusChange, changes, os};
use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::{GitProbe, Unmeasured};
use guard_trees::held;

impl GitProbe<'_> {
    /// Changes to tracked files below these pathspecs (all without any).
    pub(super) fn changes(&self, paths: &[OsString]) -> Result<Vec<StatusChange>, Unmeasured> {
        self.changes_and(paths, self.overwrites_skipped)
    }

    /// The same with files of the skip-worktree bit, which a checkout from a tree overwrites.
    pub(super) fn changes_with_skipped(
        &self,
        paths: &[OsString],
    ) -> Result<Vec<StatusChange>, Unmeasured> {
        self.changes_and(paths, true)
    }

    fn changes_and(
        &self,
        paths: &[OsString],
        skipped: bool,
    ) -> Result<Vec<StatusChange>, Unmeasured> {
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
    fn note_changes(&self, found: &[StatusChange]) -> Result<(), Unmeasured> {
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
    pub(super) fn drop_held(&self, changes: &mut Vec<&StatusChange>) -> Result<(), Unmeasured> {
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
        let in_index = |change: &StatusChange| {
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
    fn drop_made_by_merge(&self, changes: &mut Vec<StatusChange>) -> Result<(), Unmeasured> {
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
    ) -> Result<Vec<StatusChange>, Unmeasured> {
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
                found.push(StatusChange {
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
