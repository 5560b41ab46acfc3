//! Commands that leave a detached HEAD: the commits that only it holds.

use std::ffi::{OsStr, OsString};

use super::history::{amend, current_branch, dropping, lost_commits};
use super::{GitProbe, Measured, Unmeasured};
use crate::backup::Needs;
use guard_core::invocation::Invocation;
use guard_core::loss::Loss;

/// Leaving a detached HEAD for `target`, or for a branch without a commit, leaves the commits that
/// only it holds.
pub(super) fn add_detached(
    loss: &mut Loss,
    git: &GitProbe<'_>,
    target: Option<&String>,
) -> Result<(), Unmeasured> {
    if current_branch(git)?.is_none()
        && let Some(head) = git.commit("HEAD".as_ref())?
        && target.is_none_or(|target| *target != head)
    {
        let held: Vec<String> = target.cloned().into_iter().collect();
        git.need(|needs| needs.head = true);
        loss.add(lost_commits(
            git,
            &[head],
            &[],
            &held,
            "that only the detached HEAD holds",
        )?);
    }
    Ok(())
}

/// `git symbolic-ref HEAD refs/heads/x` changes branches without a look at what HEAD holds.
pub(super) fn symbolic_ref(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let mut loss = dropping(String::new());
    if let [name, target] = invocation.operands.as_slice()
        && name.bytes() == b"HEAD"
    {
        add_detached(&mut loss, git, git.commit(&target.text)?.as_ref())?;
    }
    Ok(loss)
}

/// `git rebase UPSTREAM BRANCH` changes to the branch first.
pub(super) fn rebase(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    git.need(Needs::changes_work_tree);
    let mut loss = amend(git)?;
    let upstream = usize::from(!invocation.has("--root"));
    if let Some(branch) = invocation.operands.get(upstream)
        && let Some(commit) = git.commit(&branch.text)?
    {
        add_detached(&mut loss, git, Some(&commit))?;
    }
    Ok(loss)
}

/// `git stash branch NAME [STASH]` changes to the commit that the stash was made on.
pub(super) fn stash_branch(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let mut loss = dropping(String::new());
    git.need(|needs| {
        needs.changes_work_tree();
        // It takes the stash out and makes the branch.
        needs.refs.insert("refs/stash".into());
        needs.logs.insert("refs/stash".into());
        if let Some(name) = invocation.operands.first() {
            let mut branch = OsString::from("refs/heads/");
            branch.push(&name.text);
            needs.refs.insert(branch);
        }
    });
    let stash = invocation
        .operands
        .get(1)
        .map_or_else(|| OsString::from("stash@{0}"), |word| word.text.clone());
    let stash = match stash.to_str().map(str::parse::<usize>) {
        Some(Ok(number)) => format!("stash@{{{number}}}").into(),
        _ => stash,
    };
    if let Some(commit) = git.commit(&stash)? {
        let base = git.commit(OsStr::new(&format!("{commit}^1")))?;
        add_detached(&mut loss, git, base.as_ref())?;
    }
    Ok(loss)
}
