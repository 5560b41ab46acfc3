//! A repository that is about to be deleted: what of it is not committed, and what no remote has.

use std::path::Path;

use crate::asking::{EXCLUDED, RealGit, Unmeasured};
use crate::status::changes;
use guard_core::context::Context;
use guard_core::loss::{Loss, Lot};
use guard_core::naming;
use guard_core::preview::Budget;
use guard_ground::sanitize;
use guard_words::Measure;

/// What a repository that is about to be deleted holds that nothing else has; whether there is
/// something.
pub fn add_repository(path: &Path, loss: &mut Loss, context: &Context, budget: &Budget) -> bool {
    let name = sanitize::path(&naming::relative(path, context));
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
    loss.add(Lot {
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
struct Work {
    /// A linked worktree or submodule: its commits live elsewhere.
    linked: bool,
    uncommitted: usize,
    unpushed: u64,
    stashes: u64,
    has_remote: bool,
}

impl Work {
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

fn state(path: &Path, context: &Context, budget: &Budget) -> Result<Work, Unmeasured> {
    let git = RealGit::at(path, context, budget.deadline)?;
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
    Ok(Work {
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
