//! What a backup of a repository's state is told to hold, line by line.

use super::kept::{Head, KeptGit, RefValue};
use super::logs;
use guard_ground::bytes::Bytes;
use guard_ground::sanitize;
use guard_trees::kept::PathState;
use guard_words::Measure;

/// How many names a message shows.
const NAMED: usize = 8;

impl KeptGit {
    /// One line for each sort of thing that is in it.
    pub(super) fn told(&self) -> Vec<String> {
        let place = self.top.as_ref().unwrap_or(&self.git_dir);
        let mut lines = vec![format!("the repository {}:", sanitize::path(place.path()))];
        lines.extend(self.files_told());
        if self.index.as_ref().is_some_and(|index| index.changed) {
            lines.push("  the index, and the files that were as it has them".to_owned());
        }
        match &self.head {
            Some(Head::Branch(name)) => lines.push(format!("  HEAD on {}", short(name))),
            Some(Head::Detached(commit)) => {
                lines.push(format!("  HEAD at {}", abbreviated(commit)));
            }
            None => {}
        }
        lines.extend(self.refs_told());
        for one in &self.remotes {
            let old = one.old.as_deref();
            lines.push(format!(
                "  pushed back to {}: {} {}",
                sanitize::text(&one.address),
                sanitize::text(&one.name),
                old.map_or("goes".to_owned(), |old| format!("at {}", abbreviated(old)))
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

    fn files_told(&self) -> Vec<String> {
        let mut lines = Vec::new();
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
        lines
    }

    /// The stash, references and their logs.
    fn refs_told(&self) -> Vec<String> {
        let mut lines = Vec::new();
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
                    format!("{} at {}", short(&kept.name), abbreviated(object))
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
        lines
    }
}

/// A commit as people know it.
fn abbreviated(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
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
