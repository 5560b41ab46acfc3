//! What the commands about stashes lose.

use std::ffi::{OsStr, OsString};

use super::commits::{add_detached, dropping};
use super::{GitProbe, Measured};
use guard_core::invocation::Invocation;
use guard_core::loss::Lot;
use guard_ground::sanitize;
use guard_trees::status::NAMED;
use guard_words::Measure;

/// `git stash drop`, `git stash clear` and `git stash branch`.
pub(super) fn stash(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    if invocation.verb_is(&["stash", "clear"]) {
        return stashes(git, None);
    }
    if invocation.verb_is(&["stash", "branch"]) {
        return stash_branch(invocation, git);
    }
    let which = invocation
        .operands
        .first()
        .map_or_else(|| OsString::from("0"), |word| word.text.clone());
    stashes(git, Some(&which))
}

/// All stash entries, or the one that is named.
pub(super) fn stashes(git: &GitProbe<'_>, which: Option<&OsStr>) -> Measured {
    let mut loss = dropping(String::new());
    if !git.exists("refs/stash")? {
        return Ok(loss);
    }
    git.need(|needs| {
        needs.refs.insert("refs/stash".into());
        needs.logs.insert("refs/stash".into());
    });
    let listed = git.output(&["stash", "list", "-z", "--format=%gd: %gs"])?;
    let mut entries: Vec<String> = listed
        .split(|byte| *byte == 0)
        .filter(|entry| !entry.trim_ascii().is_empty())
        .map(sanitize::bytes)
        .collect();
    if let Some(which) = which {
        // A bare number and stash@{N} name one; other words may name one by its date.
        let text = which.to_string_lossy();
        let number = text
            .trim_start_matches("refs/")
            .trim_start_matches("stash@{")
            .trim_end_matches('}');
        let at: usize = match number {
            "stash" => 0,
            _ => number
                .parse()
                .map_err(|_| format!("which stash {} is cannot be told", sanitize::os(which)))?,
        };
        entries = entries.into_iter().skip(at).take(1).collect();
    }
    loss.add(Lot {
        measure: Measure::Stashes,
        count: entries.len() as u64,
        at_least: false,
        kept: true,
        bytes: None,
        what: String::new(),
        examples: entries
            .iter()
            .take(NAMED)
            .map(|entry| sanitize::cut(entry, 72))
            .collect(),
    });
    Ok(loss)
}

/// `git stash branch NAME [STASH]` changes to the commit that the stash was made on.
fn stash_branch(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
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
