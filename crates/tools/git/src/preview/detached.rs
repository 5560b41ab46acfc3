//! Commands that leave a detached HEAD: the commits that only it holds.

use super::commits::{add_detached, dropping};
use super::history::amend;
use super::{GitProbe, Measured};
use crate::backup::Needs;
use guard_core::invocation::Invocation;

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
