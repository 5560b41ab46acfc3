//! Commands that move or delete references: the commits that nothing else would hold.

use std::ffi::{OsStr, OsString};

use super::commits::{
    add_detached, add_left_behind, add_moved_refs, current_branch, dropping, full_name,
    lost_commits, note_refs, short,
};
use super::stash::stashes;
use super::{GitProbe, Measured, Unmeasured, texts};
use crate::backup::Needs;
use guard_core::invocation::Invocation;
use guard_core::loss::{Loss, Lot};
use guard_core::naming::typeable;
use guard_trees::status::os;
use guard_words::Measure;

/// `git branch -D`, `-M`, `-C`, `-f`.
pub(super) fn branch(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let names = texts(&invocation.operands);
    let mut loss = dropping(match names.as_slice() {
        [only] => format!("of {}", typeable(only)),
        more => format!("of {} branches", more.len()),
    });
    let prefix = if invocation.has("--remotes") {
        "refs/remotes/"
    } else {
        "refs/heads/"
    };
    if invocation.has_any(&["-d", "-D"]) {
        let full: Result<Vec<OsString>, Unmeasured> = names
            .iter()
            .map(|name| full_name(git, prefix, name))
            .collect();
        add_moved_refs(&mut loss, git, &full?, None)?;
        return Ok(loss);
    }
    // A move or copy overwrites its last operand; `-f` resets its first.
    let (overwritten, new) = if invocation.has_any(&["-M", "-m", "-C", "-c"]) {
        let from = match names.as_slice() {
            [from, _, ..] => full_name(git, prefix, from)?,
            _ => "HEAD".into(),
        };
        let source = match current_branch(git)? {
            Some(branch) if from == "HEAD" => branch,
            _ => from.clone(),
        };
        note_refs(git, &[source]);
        // HEAD goes along with a branch that gets another name.
        git.need(|needs| needs.head = true);
        (names.last(), git.commit(&from)?)
    } else {
        let to = names.get(1).map_or(OsStr::new("HEAD"), OsString::as_os_str);
        (names.first(), Some(git.needed_commit(to)?))
    };
    if let Some(name) = overwritten {
        let full = full_name(git, prefix, name)?;
        add_moved_refs(&mut loss, git, &[full], new.as_ref())?;
    }
    Ok(loss)
}

/// `git checkout -B`, `git switch -C`, `git worktree add -B`: a branch that may exist is moved.
pub(super) fn add_reset_branch(
    loss: &mut Loss,
    git: &GitProbe<'_>,
    name: &OsStr,
    target: &OsStr,
) -> Result<(), Unmeasured> {
    let full = full_name(git, "refs/heads/", name)?;
    note_refs(git, std::slice::from_ref(&full));
    if git.commit(&full)?.is_some() {
        let new = git.needed_commit(target)?;
        add_moved_refs(loss, git, &[full], Some(&new))?;
    }
    Ok(())
}

/// `git worktree add -B BRANCH PATH [COMMIT]`.
pub(super) fn worktree_add(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let mut loss = dropping(String::new());
    if let Some(name) = invocation.flag("-B").and_then(|flag| flag.value.as_deref()) {
        let target = invocation
            .operands
            .get(1)
            .map_or(OsStr::new("HEAD"), |word| &word.text);
        add_reset_branch(&mut loss, git, name, target)?;
    }
    Ok(loss)
}

/// `git tag -d`, `git tag -f`: annotated tags, and commits that only the tags hold.
pub(super) fn tag(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let names = texts(&invocation.operands);
    let delete = invocation.has("--delete");
    let count = if delete {
        names.len()
    } else {
        1.min(names.len())
    };
    let moved = names.get(..count).unwrap_or_default();
    let new = if delete {
        None
    } else {
        git.commit(names.get(1).map_or(OsStr::new("HEAD"), OsString::as_os_str))?
    };
    let mut loss = dropping(match moved {
        [only] => format!("of tag {}", typeable(only)),
        more => format!("of {} tags", more.len()),
    });
    let full: Result<Vec<OsString>, Unmeasured> = moved
        .iter()
        .map(|name| full_name(git, "refs/tags/", name))
        .collect();
    let full = full?;
    add_annotated(&mut loss, git, &full)?;
    add_moved_refs(&mut loss, git, &full, new.as_ref())?;
    Ok(loss)
}

/// Tags with a message of their own, which goes with them.
fn add_annotated(
    loss: &mut Loss,
    git: &GitProbe<'_>,
    names: &[OsString],
) -> Result<(), Unmeasured> {
    let mut annotated = Vec::new();
    for name in names
        .iter()
        .filter(|name| name.as_encoded_bytes().starts_with(b"refs/tags/"))
    {
        if let Some(object) = git.resolve(name)?
            && git.output(&["cat-file", "-t", &object])?.trim_ascii() == b"tag"
        {
            annotated.push(short(name));
        }
    }
    loss.add(Lot {
        measure: Measure::Tags,
        count: annotated.len() as u64,
        at_least: false,
        kept: true,
        bytes: None,
        what: "with a message of its own".to_owned(),
        examples: annotated,
    });
    Ok(())
}

/// `git update-ref [-d] REF [NEW]`.
pub(super) fn update_ref(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    if invocation.has("--stdin") {
        git.need(|needs| needs.every_ref = true);
        return Err("the references come from standard input".to_owned());
    }
    let names = texts(&invocation.operands);
    let Some(name) = names.first() else {
        return Ok(Loss::default());
    };
    let mut loss = dropping(format!("of {}", typeable(name)));
    if name == "refs/stash" && invocation.has("-d") {
        return stashes(git, None);
    }
    // Without --no-deref the branch moves.
    let name = if name == "HEAD" {
        current_branch(git)?.unwrap_or_else(|| name.clone())
    } else {
        name.clone()
    };
    let new = match names.get(1) {
        Some(new) if !invocation.has("-d") => Some(git.needed_commit(new)?),
        _ => None,
    };
    match &new {
        Some(new) if name == "HEAD" => add_left_behind(&mut loss, git, new)?,
        None if name == "HEAD" => add_detached(&mut loss, git, None)?,
        _ => {
            add_annotated(&mut loss, git, std::slice::from_ref(&name))?;
            add_moved_refs(&mut loss, git, &[name], new.as_ref())?;
        }
    }
    Ok(loss)
}

/// `git commit --amend` and `git rebase` leave the old commits in the reflog: something is lost
/// only where there is none.
pub(super) fn amend(git: &GitProbe<'_>) -> Measured {
    let mut loss = dropping(String::new());
    let kept = git
        .output(&["config", "--get", "core.logAllRefUpdates"])
        .unwrap_or_default();
    let bare = git
        .output(&["rev-parse", "--is-bare-repository"])?
        .starts_with(b"true");
    let has_log = match kept.trim_ascii() {
        b"" => !bare,
        b"false" | b"no" | b"off" | b"0" => false,
        _ => true,
    };
    if !has_log && let Some(head) = git.commit("HEAD".as_ref())? {
        git.need(Needs::changes_work_tree);
        let leaving: Vec<OsString> = current_branch(git)?.into_iter().collect();
        loss.add(lost_commits(
            git,
            &[head],
            &leaving,
            &[],
            "that no reflog and no other branch holds",
        )?);
    }
    Ok(loss)
}

/// `git filter-branch` keeps the old history below refs/original, unless an older one stands there.
pub(super) fn filter_branch(git: &GitProbe<'_>) -> Measured {
    let mut loss = dropping("by rewriting history".to_owned());
    let originals = git.output(&["for-each-ref", "--format=%(refname)", "refs/original/"])?;
    let names: Vec<OsString> = originals
        .split(|byte| *byte == b'\n')
        .filter(|name| !name.is_empty())
        .map(|name| os(name).to_owned())
        .collect();
    if names.is_empty() {
        loss.fact("git keeps the old history below refs/original/");
        return Ok(loss);
    }
    git.need(|needs| {
        needs.changes_work_tree();
        needs.every_ref = true;
    });
    add_moved_refs(&mut loss, git, &names, None)?;
    Ok(loss)
}

/// `git filter-repo` rewrites every reference and expires every reflog.
pub(super) fn filter_repo(git: &GitProbe<'_>) -> Measured {
    let mut loss = dropping("by rewriting history".to_owned());
    let count = git.output(&["rev-list", "--count", "--all", "--reflog"])?;
    let count: u64 = String::from_utf8_lossy(count.trim_ascii())
        .parse()
        .unwrap_or(0);
    loss.add(Lot {
        measure: Measure::Commits,
        count,
        at_least: false,
        // It rewrites guard's own references with all others.
        kept: false,
        bytes: None,
        what: "that may be rewritten, with every reflog expired".to_owned(),
        examples: Vec::new(),
    });
    Ok(loss)
}
