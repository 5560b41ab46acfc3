//! A repository's state as a part of a backup.

use guard_core::kept;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::kept::{Head, KeptGit, KeptLog, KeptRef, RefValue};
use super::repository::Repository;
use super::save::{snapshot, staged};
use super::worktree::{self, Entries, Reconciling, SavedIndex};
use super::{Index, Needs, logs, refs, remote, restore};
use guard_core::kept::{Kept, Undoing};
use guard_core::world::World;
use guard_ground::bytes::Bytes;
use guard_ground::sanitize;
use guard_store::Unsaved;
use guard_store::manifest::{Blob, Part};
use guard_store::reader::BackupReader;
use guard_store::writer::Writer;
use guard_trees::asking::EXCLUDED;
use guard_trees::kept::{KeptTrees, PathState};
use guard_trees::{Restoring, is_committed};
use guard_words::Measure;

/// How many names a message shows.
const NAMED: usize = 8;
/// The backup that this one takes back: what it holds may be replaced.
pub(super) struct EarlierGit {
    reader: BackupReader,
    kept: KeptGit,
}

impl EarlierGit {
    /// The same repository's part of it.
    pub fn of(undoing: &Undoing<'_>, kept: &KeptGit) -> Option<Self> {
        let reader = undoing.earlier().ok()??;
        let found = reader
            .manifest()
            .parts_of::<KeptGit>()
            .find(|git| git.git_dir == kept.git_dir)?;
        Some(Self {
            reader,
            kept: found,
        })
    }

    fn has_file(&self, path: &Path) -> bool {
        let files = [&self.kept.files, &self.kept.state];
        files.into_iter().any(|files| {
            let one = files.only(path);
            let restoring = Restoring {
                trees: &one,
                reader: &self.reader,
                into: None,
            };
            !one.entries.is_empty() && restoring.conflicts(&|_| false).is_empty()
        })
    }

    /// Whether a reflog is as it was saved there.
    pub fn has_log(&self, log: &KeptLog, now: &[u8]) -> bool {
        let same = self.kept.logs.iter().find(|one| one.path == log.path);
        same.and_then(|one| one.content.as_ref())
            .and_then(|blob| self.reader.bytes(blob).ok())
            .is_some_and(|saved| saved == now || now.starts_with(&saved))
    }

    fn has_ref(&self, now: &KeptRef) -> bool {
        self.kept.refs.contains(now)
    }

    fn index(&self, repository: &Repository<'_>) -> Option<Entries> {
        let index = self.kept.index.as_ref()?;
        let saved = SavedIndex::write(repository, index, &self.reader).ok()?;
        saved.entries(repository).ok()
    }
}

impl KeptGit {
    fn at<T>(
        &self,
        undoing: &Undoing<'_>,
        act: impl FnOnce(&Repository<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let place = self.place();
        if !place.git_dir.join("HEAD").exists() {
            return Err(format!(
                "the repository {} is gone",
                sanitize::path(&place.git_dir)
            ));
        }
        let repository = Repository::open(&place, undoing.context, kept::deadline())?;
        act(&repository)
    }

    /// Files in the way that nothing else holds.
    fn files_in_the_way(
        &self,
        repository: &Repository<'_>,
        undoing: &Undoing<'_>,
        plan: Option<&Reconciling>,
        earlier: Option<&EarlierGit>,
    ) -> Result<Vec<String>, String> {
        let top = repository.place.top.as_deref();
        let is_clean = |path: &Path| {
            let name = top.and_then(|top| path.strip_prefix(top).ok());
            plan.zip(name).is_some_and(|(plan, name)| {
                let name = name.as_os_str().as_bytes();
                let stays = self.index.as_ref().is_some_and(|index| !index.changed)
                    || plan.is_in_wanted(name);
                plan.is_clean(name) && stays
            })
        };
        let is_kept = |path: &Path| earlier.is_some_and(|earlier| earlier.has_file(path));
        let is_held = |path: &Path| is_kept(path) || is_clean(path) || is_committed(path, undoing);
        let goes = |path: &Path| {
            let name = top.and_then(|top| path.strip_prefix(top).ok());
            plan.zip(name).is_some_and(|(plan, name)| {
                !name.as_os_str().is_empty()
                    && holds_only(path, top.unwrap_or(path), &plan.remove, &is_kept)
            })
        };
        let mut lines: BTreeSet<String> = restoring(&self.files, undoing)
            .conflicts(&is_held)
            .into_iter()
            .filter(|conflict| !goes(&conflict.path))
            .map(|conflict| conflict.line())
            .collect();
        // What git only remembers by is no work.
        let matters = |path: &Path| !path.ends_with("ORIG_HEAD") && !path.ends_with("MERGE_RR");
        lines.extend(
            restoring(&self.state, undoing)
                .conflicts(&is_kept)
                .into_iter()
                .filter(|conflict| matters(&conflict.path))
                .map(|conflict| conflict.line()),
        );
        // A directory that was not there: git is in the middle of something.
        let begun = self.state.entries.iter().filter(|entry| {
            let path = entry.path.path();
            entry.state == PathState::Absent
                && path.is_dir()
                && !holds_only(path, path, &[], &is_kept)
        });
        lines.extend(begun.map(|entry| {
            format!(
                "{} was made or changed since",
                sanitize::path(entry.path.path())
            )
        }));
        if let Some(plan) = plan.filter(|_| self.index.as_ref().is_some_and(|index| index.changed))
        {
            let changed = worktree::conflicts(repository, plan, &is_kept)?;
            lines.extend(
                changed
                    .iter()
                    .map(|path| format!("{} was made or changed since", sanitize::path(path))),
            );
            let entries = earlier.and_then(|earlier| earlier.index(repository));
            let staged = worktree::staged_only(repository, plan, entries.as_ref())?;
            lines.extend(staged.iter().map(|path| {
                format!(
                    "{} is staged with what no commit holds",
                    sanitize::bytes(path)
                )
            }));
        }
        Ok(lines.into_iter().collect())
    }

    /// References that have moved on to commits that nothing else would hold after an undo.
    fn refs_in_the_way(
        &self,
        repository: &Repository<'_>,
        earlier: Option<&EarlierGit>,
    ) -> Result<Vec<String>, String> {
        let names: Vec<Bytes> = self.refs.iter().map(|kept| kept.name.clone()).collect();
        let mut now = refs::values(repository, Some(&names))?;
        now.retain(|one| one.name.0 != logs::STASH.as_bytes());
        let mut reached: Vec<OsString> = Vec::new();
        for kept in &self.refs {
            if let RefValue::Object(object) = &kept.value {
                reached.push(object.into());
            }
        }
        let head = refs::head(repository.place)?;
        match (&self.head, &head) {
            (Some(Head::Detached(commit)), _) | (None, Head::Detached(commit)) => {
                reached.push(commit.into());
            }
            _ => {}
        }
        if let (Some(wanted), Head::Detached(commit)) = (&self.head, &head)
            && *wanted != head
            && !earlier.is_some_and(|earlier| earlier.kept.head.as_ref() == Some(&head))
        {
            now.push(KeptRef {
                name: Bytes(b"HEAD".to_vec()),
                value: RefValue::Object(commit.clone()),
            });
        }
        let mut lines = Vec::new();
        for one in &now {
            let RefValue::Object(object) = &one.value else {
                continue;
            };
            if self.refs.contains(one) || earlier.is_some_and(|earlier| earlier.has_ref(one)) {
                continue;
            }
            let name = sanitize::bytes(&one.name.0);
            if repository.output(&["cat-file", "-t", object])?.trim_ascii() == b"tag" {
                lines.push(format!("{name} is another tag with a message now"));
                continue;
            }
            let mut words: Vec<OsString> = ["rev-list", "--count", object, "--not"]
                .map(OsString::from)
                .to_vec();
            words.extend(reached.iter().cloned());
            words.push(EXCLUDED.into());
            for name in &names {
                let mut exclude = OsString::from("--exclude=");
                exclude.push(name.os());
                words.push(exclude);
            }
            words.push("--glob=refs/*".into());
            let count = repository.output(&words)?;
            let count: u64 = String::from_utf8_lossy(count.trim_ascii())
                .parse()
                .map_err(|_| "git counted no commits".to_owned())?;
            if count > 0 {
                lines.push(format!(
                    "{name} has {} since that nothing else holds",
                    Measure::Commits.count(count)
                ));
            }
        }
        Ok(lines)
    }

    /// What an undo replaces, as what has to be saved.
    fn needs_now(
        &self,
        repository: &Repository<'_>,
        undoing: &Undoing<'_>,
    ) -> Result<Needs, String> {
        let mut needs = Needs {
            files: worktree::at_stake(repository, self, undoing)?,
            head: self.head.is_some(),
            refs: self
                .refs
                .iter()
                .map(|kept| kept.name.os().to_owned())
                .collect(),
            logs: self
                .logs
                .iter()
                .map(|log| log.name.os().to_owned())
                .collect(),
            sections: self
                .sections
                .iter()
                .map(|section| section.name.os().to_string_lossy().into_owned())
                .collect(),
            ..Needs::default()
        };
        if let Some(index) = &self.index {
            needs.index = if index.changed {
                Index::Changed
            } else {
                Index::Refreshed
            };
            if index.changed {
                needs.staged = staged(repository)?;
            }
        }
        if let Some(head) = &self.head
            && let Head::Branch(name) = head
        {
            needs.refs.insert(name.os().to_owned());
        }
        Ok(needs)
    }
}

fn restoring<'a>(trees: &'a KeptTrees, undoing: &'a Undoing<'a>) -> Restoring<'a> {
    Restoring {
        trees,
        reader: undoing.reader,
        into: undoing.into,
    }
}

/// Whether a directory holds nothing but these paths, relative to the top, and what is kept.
fn holds_only(
    directory: &Path,
    top: &Path,
    paths: &[Vec<u8>],
    is_kept: &dyn Fn(&Path) -> bool,
) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return false;
    };
    entries.flatten().all(|entry| {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            return holds_only(&path, top, paths, is_kept);
        }
        is_kept(&path)
            || path
                .strip_prefix(top)
                .is_ok_and(|name| paths.iter().any(|one| one == name.as_os_str().as_bytes()))
    })
}

fn short(name: &Bytes) -> String {
    let shown = name.shown();
    ["refs/heads/", "refs/tags/", "refs/remotes/"]
        .iter()
        .find_map(|prefix| shown.strip_prefix(prefix))
        .unwrap_or(&shown)
        .to_owned()
}

fn listed(names: &[String]) -> String {
    let mut line = names
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > NAMED {
        line.push_str(", …");
    }
    line
}

impl Kept for KeptGit {
    fn lines(&self) -> Vec<String> {
        let place = self.top.as_ref().unwrap_or(&self.git_dir);
        let mut lines = vec![format!("the repository {}:", sanitize::path(place.path()))];
        let names = |wanted: &dyn Fn(&PathState) -> bool| -> Vec<String> {
            let entries = self.files.entries.iter();
            entries
                .filter(|entry| wanted(&entry.state))
                .map(|entry| {
                    let path = entry.path.path();
                    let below = path.strip_prefix(self.files.base.path()).unwrap_or(path);
                    sanitize::path(below)
                })
                .collect()
        };
        let files = names(&|state| !matches!(state, PathState::Absent | PathState::Directory));
        if !files.is_empty() {
            let count = Measure::Files.count(files.len() as u64);
            lines.push(format!("  {count}: {}", listed(&files)));
        }
        let gone = names(&|state| *state == PathState::Absent);
        if !gone.is_empty() {
            lines.push(format!("  not there, and so removed: {}", listed(&gone)));
        }
        if self.index.as_ref().is_some_and(|index| index.changed) {
            lines.push("  the index, and the files that were as it has them".to_owned());
        }
        match &self.head {
            Some(Head::Branch(name)) => lines.push(format!("  HEAD on {}", short(name))),
            Some(Head::Detached(commit)) => {
                lines.push(format!("  HEAD at {}", commit.get(..10).unwrap_or(commit)));
            }
            None => {}
        }
        let stashes = self
            .logs
            .iter()
            .any(|log| log.name.0 == logs::STASH.as_bytes());
        if stashes {
            lines.push("  the stash".to_owned());
        }
        let refs: Vec<String> = self
            .refs
            .iter()
            .filter(|kept| kept.name.0 != logs::STASH.as_bytes())
            .map(|kept| match &kept.value {
                RefValue::Absent => format!("{} (goes)", short(&kept.name)),
                RefValue::Object(object) => {
                    format!(
                        "{} at {}",
                        short(&kept.name),
                        object.get(..10).unwrap_or(object)
                    )
                }
                RefValue::Symbolic(target) => {
                    format!("{} as {}", short(&kept.name), short(target))
                }
            })
            .collect();
        if !refs.is_empty() {
            lines.push(format!("  {}", listed(&refs)));
        }
        let logs = self.logs.len() - usize::from(stashes);
        if logs > 0 {
            lines.push(format!("  {logs} reflogs"));
        }
        for one in &self.remotes {
            let old = one.old.as_deref();
            lines.push(format!(
                "  pushed back to {}: {} {}",
                sanitize::text(&one.address),
                sanitize::text(&one.name),
                old.map_or("goes".to_owned(), |old| format!(
                    "at {}",
                    old.get(..10).unwrap_or(old)
                ))
            ));
        }
        if !self.objects.is_empty() {
            lines.push(format!(
                "  kept in the repository: {} below refs/guard/",
                Measure::Objects.count(self.objects.len() as u64)
            ));
        }
        lines
    }

    fn is_outside(&self, world: &World) -> bool {
        let near = |path: &Path| world.is_inside(path) || world.is_own_scratch(path);
        let place = self.place();
        let repository = near(&place.common_dir) || place.top.as_deref().is_some_and(near);
        !repository || !self.remotes.is_empty()
    }

    fn conflicts(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if undoing.into.is_some() {
            let conflicts = restoring(&self.files, undoing).conflicts(&|_| false);
            return Ok(conflicts.iter().map(guard_trees::Conflict::line).collect());
        }
        self.at(undoing, |repository| {
            let earlier = EarlierGit::of(undoing, self);
            let plan = worktree::plan(repository, self, undoing.reader)?;
            let mut lines =
                self.files_in_the_way(repository, undoing, plan.as_ref(), earlier.as_ref())?;
            lines.extend(self.refs_in_the_way(repository, earlier.as_ref())?);
            lines.extend(remote::conflicts(repository, &self.remotes)?);
            Ok(lines)
        })
    }

    fn save_now(&self, undoing: &Undoing<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        let place = self.place();
        let repository = Repository::open(&place, undoing.context, writer.deadline())?;
        let needs = self.needs_now(&repository, undoing)?;
        let remotes = remote::keep_now(&repository, &self.remotes)?;
        let needs = Needs {
            objects: remotes.iter().filter_map(|one| one.old.clone()).collect(),
            ..needs
        };
        let mut now = snapshot(&repository, &needs, undoing.world, writer)?;
        now.remotes = remotes;
        Ok(vec![Part::new(&now)?])
    }

    fn restore(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if undoing.into.is_none() {
            return self.at(undoing, |repository| {
                restore::restore(self, repository, undoing)
            });
        }
        let mut notes = restoring(&self.files, undoing).restore()?;
        if !self.objects.is_empty() {
            notes.push(format!(
                "commits stay in the repository, below refs/guard/{}/",
                undoing.reader.manifest().id
            ));
        }
        Ok(notes)
    }

    fn differences(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        let root = rustix::process::geteuid().is_root();
        let mut found = restoring(&self.files, undoing).differences();
        if undoing.into.is_some() {
            found.retain(|line| root || !line.contains("its owner is"));
            return Ok(found);
        }
        found.extend(restoring(&self.state, undoing).differences());
        if let Some(index) = self.index.as_ref().filter(|index| index.changed) {
            found.extend(restoring(&index.file, undoing).differences());
        }
        found.retain(|line| root || !line.contains("its owner is"));
        self.at(undoing, |repository| {
            if let Some(head) = &self.head
                && refs::head(repository.place)? != *head
            {
                found.push("HEAD is not where it was".to_owned());
            }
            let names: Vec<Bytes> = self.refs.iter().map(|kept| kept.name.clone()).collect();
            for (kept, now) in self
                .refs
                .iter()
                .zip(refs::values(repository, Some(&names))?)
            {
                // A stash that came later stays above the others.
                if kept.value != now.value && kept.name.0 != logs::STASH.as_bytes() {
                    found.push(format!("{} is not where it was", kept.name.shown()));
                }
            }
            if repository.here(&self.objects)?.len() != self.objects.len() {
                found.push("objects that were kept are gone".to_owned());
            }
            for log in &self.logs {
                let saved = match &log.content {
                    Some(blob) => undoing.reader.bytes(blob)?,
                    None => continue,
                };
                let now = std::fs::read(log.path.path()).unwrap_or_default();
                if !now.starts_with(&saved) {
                    found.push(format!("the reflog of {} is another", log.name.shown()));
                }
            }
            for section in &self.sections {
                if restore::settings(repository, section)? != section.settings {
                    found.push(format!("the settings {} are others", section.name.shown()));
                }
            }
            found.extend(remote::differences(repository, &self.remotes)?);
            Ok(found)
        })
    }

    fn drill(&self, undoing: &Undoing<'_>, scratch: &Path) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let restoring = Restoring {
            trees: &self.files,
            reader: undoing.reader,
            into: Some(scratch),
        };
        if !self.files.entries.is_empty() {
            restoring.restore()?;
            let root = rustix::process::geteuid().is_root();
            let mut differences = restoring.differences();
            differences.retain(|line| root || !line.contains("its owner is"));
            if let Some(first) = differences.first() {
                return Err(first.clone());
            }
            lines.push(format!(
                "{} brought back and compared",
                Measure::Files.count(self.files.files())
            ));
        }
        self.at(undoing, |repository| {
            self.drill_objects(repository, undoing, scratch, &mut lines)
        })?;
        Ok(lines)
    }

    fn forget(&self, id: &str) {
        super::forget(self, id);
    }

    fn contents(&self) -> Vec<(String, &Blob)> {
        let trees = [&self.files, &self.state]
            .into_iter()
            .chain(self.index.as_ref().map(|index| &index.file));
        let mut contents: Vec<(String, &Blob)> = trees
            .flat_map(|trees| &trees.entries)
            .filter_map(|entry| match &entry.state {
                PathState::File { content, .. } => Some((entry.path.shown(), content)),
                _ => None,
            })
            .collect();
        contents.extend(self.logs.iter().filter_map(|log| {
            let blob = log.content.as_ref()?;
            Some((log.path.shown(), blob))
        }));
        contents
    }
}

impl KeptGit {
    /// In a repository of its own that borrows the objects: everything that the saved references and the
    /// saved index name has to be there, whole.
    fn drill_objects(
        &self,
        repository: &Repository<'_>,
        undoing: &Undoing<'_>,
        scratch: &Path,
        lines: &mut Vec<String>,
    ) -> Result<(), String> {
        let bare: PathBuf = scratch.join(".guard-drill.git");
        let mut words: Vec<OsString> = ["init", "--quiet", "--bare"].map(OsString::from).to_vec();
        let format = repository.output(&["rev-parse", "--show-object-format"])?;
        let mut object_format = OsString::from("--object-format=");
        object_format.push(String::from_utf8_lossy(format.trim_ascii()).into_owned());
        words.extend([object_format, bare.clone().into_os_string()]);
        repository.outside(&words)?;
        let failed = |error: std::io::Error| format!("the scratch repository: {error}");
        let objects = repository.place.common_dir.join("objects");
        let mut alternate = objects.as_os_str().as_bytes().to_vec();
        alternate.push(b'\n');
        std::fs::create_dir_all(bare.join("objects/info")).map_err(failed)?;
        std::fs::write(bare.join("objects/info/alternates"), alternate).map_err(failed)?;
        if let Some(index) = &self.index
            && let Some(PathState::File { content, .. }) =
                index.file.entries.first().map(|entry| &entry.state)
            && index.changed
        {
            std::fs::write(bare.join("index"), undoing.reader.bytes(content)?).map_err(failed)?;
        }
        let place = super::RepositoryPlace {
            git_dir: bare.clone(),
            common_dir: bare,
            top: None,
        };
        let inner = Repository::open(&place, undoing.context, kept::deadline())?;
        let mut input = Vec::new();
        for (number, object) in self.objects.iter().enumerate() {
            let line = format!("create refs/kept/{number} {object}\n");
            input.extend_from_slice(line.as_bytes());
        }
        if !input.is_empty() {
            inner
                .feed(&["update-ref", "--stdin"], input)
                .map_err(|why| format!("objects are missing: {why}"))?;
        }
        inner
            .output(&[
                "fsck",
                "--connectivity-only",
                "--no-dangling",
                "--no-progress",
            ])
            .map_err(|why| format!("the repository is not whole: {why}"))?;
        lines.push(format!(
            "{} in the repository, whole",
            Measure::Objects.count(self.objects.len() as u64)
        ));
        Ok(())
    }
}
