//! Commands that tidy up: what they would make unrecoverable.

use guard_trees::status;
use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{GitProbe, Measured, commits, discard, stash, texts, with_paths};
use guard_core::context::Context;
use guard_core::invocation::Invocation;
use guard_core::loss::{Loss, Lot, Phrase};
use guard_core::naming::typeable;
use guard_core::preview::Budget;
use guard_core::world::World;
use guard_ground::sanitize;
use guard_trees::asking::EXCLUDED;
use guard_trees::status::NAMED;
use guard_words::Measure;

fn forgetting() -> Loss {
    Loss {
        phrase: Phrase {
            verb: "forget",
            place: "for good".to_owned(),
        },
        ..Loss::default()
    }
}

/// `git reflog expire` and `git reflog delete`: commits that only reflogs hold; the stash is a
/// reflog too.
pub(super) fn reflog(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let mut loss = forgetting();
    add_reflog_only(&mut loss, git)?;
    let stash = invocation
        .operands
        .iter()
        .any(|operand| operand.text.to_string_lossy().contains("stash"));
    if stash || (invocation.has("--all") && invocation.verb_is(&["reflog", "expire"])) {
        loss.merge(stash::stashes(git, None)?);
    }
    Ok(loss)
}

fn add_reflog_only(loss: &mut Loss, git: &GitProbe<'_>) -> Result<(), String> {
    let words = [
        "rev-list",
        "--parents",
        "--reflog",
        "--not",
        EXCLUDED,
        "--all",
    ];
    let listed = git.output(&words)?;
    let (count, tips) = count_tips(&listed);
    git.need(|needs| {
        needs.every_log = true;
        needs.objects.extend(tips);
    });
    loss.add(Lot {
        measure: Measure::Commits,
        count,
        at_least: false,
        kept: true,
        bytes: None,
        what: "that only the reflog holds".to_owned(),
        examples: Vec::new(),
    });
    Ok(())
}

/// Of lines `COMMIT PARENT…`: how many there are, and those that are no parents of others.
fn count_tips(listed: &[u8]) -> (u64, Vec<String>) {
    let (mut commits, mut parents) = (Vec::new(), HashSet::new());
    for line in listed.split(|byte| *byte == b'\n') {
        let mut words = line.split(|byte| *byte == b' ');
        if let Some(commit) = words.next().filter(|commit| !commit.is_empty()) {
            commits.push(commit);
            parents.extend(words);
        }
    }
    let tips = commits
        .iter()
        .filter(|commit| !parents.contains(*commit))
        .map(|commit| String::from_utf8_lossy(commit).into_owned());
    (commits.len() as u64, tips.collect())
}

/// `git gc`: commits that nothing reaches, not even a reflog; and what only reflogs hold where
/// configuration lets them expire at once (git-config(1), `gc.*`).
pub(super) fn collect(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let expire = match invocation.flag("--prune") {
        Some(flag) => flag.text().map(str::to_owned),
        None => git.setting("gc.pruneExpire")?,
    };
    let expire = expire.unwrap_or_else(|| "2.weeks.ago".to_owned());
    if expire == "never" {
        return Ok(forgetting());
    }
    let mut loss = unreachable(git, &[format!("--expire={expire}")])?;
    for key in ["gc.reflogExpire", "gc.reflogExpireUnreachable"] {
        if git
            .setting(key)?
            .is_some_and(|value| value != "never" && !value.contains("day"))
        {
            add_reflog_only(&mut loss, git)?;
            break;
        }
    }
    Ok(loss)
}

/// `git prune`.
pub(super) fn prune(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let mut extra: Vec<String> = Vec::new();
    if let Some(expire) = invocation.flag("--expire").and_then(|flag| flag.text()) {
        extra.push(format!("--expire={expire}"));
    }
    unreachable(git, &extra)
}

/// Commits and tags that git would prune: loose ones by `git prune -n`, packed ones by fsck.
pub(super) fn unreachable(git: &GitProbe<'_>, options: &[String]) -> Measured {
    let mut loss = forgetting();
    let mut words = vec!["prune".to_owned(), "-n".to_owned()];
    words.extend(options.iter().cloned());
    let pruned = git.output(&words)?;
    let mut found: std::collections::BTreeSet<String> = String::from_utf8_lossy(&pruned)
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, kind)| matches!(*kind, "commit" | "tag"))
        .map(|(object, _)| object.to_owned())
        .collect();
    // Packed objects are pruned by age as well; any time but the default is taken for "now".
    if options
        .iter()
        .any(|option| option != "--expire=2.weeks.ago")
    {
        let packed = git.ask(&[
            "fsck",
            "--unreachable",
            "--no-progress",
            "--connectivity-only",
        ])?;
        found.extend(
            String::from_utf8_lossy(&packed.output)
                .lines()
                .filter_map(|line| line.strip_prefix("unreachable commit ").map(str::to_owned)),
        );
    }
    git.need(|needs| needs.objects.extend(found.iter().cloned()));
    let examples = found
        .iter()
        .take(NAMED)
        .map(|object| object.chars().take(10).collect())
        .collect();
    loss.add(Lot {
        measure: Measure::Commits,
        count: found.len() as u64,
        at_least: false,
        kept: true,
        bytes: None,
        what: "that nothing reaches any more".to_owned(),
        examples,
    });
    Ok(loss)
}

/// `git worktree remove`: without force git refuses when files are modified or untracked, but
/// ignored ones go without a word; with force all go.
pub(super) fn worktree(
    invocation: &Invocation,
    git: &GitProbe<'_>,
    world: &World,
    context: &Context,
    budget: &Budget,
) -> Measured {
    let Some(operand) = invocation.operands.first() else {
        return Ok(Loss::default());
    };
    let mut loss = Loss {
        phrase: Phrase {
            verb: "delete",
            place: format!("in {}", typeable(&operand.text)),
        },
        ..Loss::default()
    };
    let Some(directory) = find_worktree(&operand.text, invocation, git, context)? else {
        // git refuses what is no worktree.
        return Ok(loss);
    };
    let force = invocation.has("--force");
    loss.add(discard::work_in(&directory, force, world, context, budget)?);
    // Commits on a detached HEAD are held by nothing else.
    let inner = GitProbe::at(&directory, context, budget)?;
    let own = inner.place()?.git_dir.clone();
    git.need(|needs| needs.files.extend([directory, own]));
    if let Some(head) = inner.commit("HEAD".as_ref())? {
        loss.add(commits::lost_commits(
            git,
            &[head],
            &[],
            &[],
            "of a detached HEAD",
        )?);
    }
    Ok(loss)
}

/// `git worktree prune`: commits that only the detached HEAD of a worktree holds whose directory is
/// gone.
pub(super) fn worktree_prune(git: &GitProbe<'_>) -> Measured {
    let mut loss = forgetting();
    let listed = git.output(&["worktree", "list", "--porcelain", "-z"])?;
    let (mut heads, mut head, mut detached) = (Vec::new(), None, false);
    for line in listed.split(|byte| *byte == 0) {
        match line {
            b"" => (head, detached) = (None, false),
            b"detached" => detached = true,
            [b'H', b'E', b'A', b'D', b' ', commit @ ..] => {
                head = Some(String::from_utf8_lossy(commit).into_owned());
            }
            _ if line.starts_with(b"prunable") && detached => heads.extend(head.take()),
            _ => {}
        }
    }
    if !heads.is_empty() {
        let gone = gone_worktrees(&git.place()?.common_dir);
        git.need(|needs| needs.files.extend(gone));
        let here: Vec<String> = git.commit("HEAD".as_ref())?.into_iter().collect();
        let what = "of a detached HEAD";
        loss.add(commits::lost_commits(git, &heads, &[], &here, what)?);
    }
    Ok(loss)
}

/// What git knows of worktrees whose directory is gone.
fn gone_worktrees(common_dir: &Path) -> Vec<PathBuf> {
    let known = std::fs::read_dir(common_dir.join("worktrees"))
        .into_iter()
        .flatten();
    known
        .flatten()
        .map(|entry| entry.path())
        .filter(|own| {
            std::fs::read(own.join("gitdir")).is_ok_and(|there| {
                let there = Path::new(status::os(there.trim_ascii_end()));
                own.join(there).symlink_metadata().is_err()
            })
        })
        .collect()
}

/// The worktree that a command means: a path, or the unique last parts of one (git-worktree(1)).
fn find_worktree(
    name: &std::ffi::OsStr,
    invocation: &Invocation,
    git: &GitProbe<'_>,
    context: &Context,
) -> Result<Option<PathBuf>, String> {
    let there = context.in_directory(invocation.directory.as_deref());
    let written = there.in_directory(Some(Path::new(name))).directory;
    if let Some(path) = written.and_then(|path| path.canonicalize().ok()) {
        return Ok(Some(path));
    }
    let listed = git.output(&["worktree", "list", "--porcelain", "-z"])?;
    let found = listed
        .split(|byte| *byte == 0)
        .filter_map(|line| line.strip_prefix(b"worktree "))
        .map(|path| PathBuf::from(status::os(path)))
        .find(|path| path.ends_with(Path::new(name)));
    Ok(found.filter(|path| path.is_dir()))
}

/// `git submodule deinit -f` and `update --force`: uncommitted work in submodules.
pub(super) fn submodule(
    invocation: &Invocation,
    git: &GitProbe<'_>,
    context: &Context,
    budget: &Budget,
) -> Measured {
    let mut loss = Loss {
        phrase: Phrase {
            verb: "discard",
            place: "in submodules".to_owned(),
        },
        ..Loss::default()
    };
    let paths: Vec<OsString> = texts(&invocation.operands);
    let listed = git.output(&with_paths(
        &["ls-files", "-s", "-z", "--full-name"],
        &paths,
    ))?;
    let top = git.top_level()?;
    for entry in listed.split(|byte| *byte == 0) {
        let Some(path) = entry
            .starts_with(b"160000 ")
            .then(|| entry.splitn(2, |byte| *byte == b'\t').nth(1))
            .flatten()
        else {
            continue;
        };
        let directory = top.join(status::os(path));
        if !directory.join(".git").exists() {
            continue;
        }
        let inner = GitProbe::at(&directory, context, budget)?;
        let output = inner.output(&[
            "status",
            "--porcelain=v2",
            "-z",
            "--untracked-files=all",
            "--ignored=traditional",
        ])?;
        let deinit = invocation.verb_is(&["submodule", "deinit"]);
        let force = invocation.has("--force");
        let changes = status::changes(&output);
        // Without force git refuses where it sees work, but takes ignored files along.
        if !force && changes.iter().any(|change| change.outside != b'!') {
            continue;
        }
        let gone = changes
            .iter()
            .filter(|change| {
                change.is_uncommitted()
                    || change.work_in_submodule
                    || (deinit && change.outside != 0)
            })
            .count();
        let section = format!("submodule.{}", String::from_utf8_lossy(path));
        // Of an update the submodule's own HEAD and index move too.
        let kept = deinit && git.setting(&format!("{section}.url"))?.is_some();
        if kept && gone > 0 {
            git.need(|needs| {
                needs.files.insert(directory.clone());
                needs.sections.insert(section);
            });
        }
        loss.add(Lot {
            measure: Measure::Files,
            count: gone as u64,
            at_least: false,
            kept,
            bytes: None,
            what: "uncommitted in a submodule".to_owned(),
            examples: vec![sanitize::bytes(path)],
        });
    }
    Ok(loss)
}
