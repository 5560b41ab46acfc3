//! Fetches that overwrite or delete local branches and tags.

use std::collections::HashMap;
use std::ffi::OsString;

use super::commits::{add_moved_refs, dropping, full_name};
use super::{GitProbe, Measured, Unmeasured};
use crate::backup::Needs;
use guard_core::invocation::Invocation;
use guard_trees::status::os;

/// `git fetch` with refspecs that overwrite local branches or tags, or with a pruning of tags.
pub(super) fn fetch(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let mut loss = dropping("by fetching over them".to_owned());
    if invocation.has("--refmap") {
        return Err("which tags and branches it overwrites is known only to the remote".to_owned());
    }
    if invocation.verb_is(&["pull"]) {
        git.need(Needs::changes_work_tree);
    }
    let mut moved = fetched_tags(invocation, git)?;
    let mut refspecs = invocation.operands.iter().skip(1);
    while let Some(refspec) = refspecs.next() {
        let bytes = refspec.bytes();
        if bytes == b"tag" {
            if let Some(name) = refspecs.next() {
                moved.push(full_name(git, "refs/tags/", &name.text)?);
            }
            continue;
        }
        let Some(colon) = bytes.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let destination = bytes.get(colon + 1..).unwrap_or_default();
        if destination.is_empty() || destination.starts_with(b"refs/remotes/") {
            continue;
        }
        if destination.contains(&b'*') {
            git.need(|needs| needs.every_ref = true);
            return Err("the refspec may overwrite any branch".to_owned());
        }
        let prefix = match destination {
            [b'r', b'e', b'f', b's', b'/', ..] => "",
            [b'h', b'e', b'a', b'd', b's', b'/', ..] | [b't', b'a', b'g', b's', b'/', ..] => {
                "refs/"
            }
            _ => "refs/heads/",
        };
        moved.push(full_name(git, prefix, os(destination))?);
    }
    add_moved_refs(&mut loss, git, &moved, None)?;
    Ok(loss)
}

/// Local tags that a fetch moves (`--tags --force`) or deletes (`--prune-tags`), as the remote says.
fn fetched_tags(invocation: &Invocation, git: &GitProbe<'_>) -> Result<Vec<OsString>, Unmeasured> {
    let moves = invocation.has("--tags") && invocation.has("--force");
    let deletes = invocation.has("--prune-tags");
    if !moves && !deletes {
        return Ok(Vec::new());
    }
    let local = git.output(&[
        "for-each-ref",
        "--format=%(objectname)\t%(refname)",
        "refs/tags/",
    ])?;
    if local.is_empty() {
        return Ok(Vec::new());
    }
    if invocation.has_any(&["--all", "--multiple"]) {
        return Err("it fetches from several remotes".to_owned());
    }
    let mut words: Vec<OsString> = ["ls-remote", "--tags", "--refs"]
        .map(OsString::from)
        .to_vec();
    if let Some(remote) = invocation.operands.first() {
        words.extend(["--".into(), remote.text.clone()]);
    }
    // Without a name it asks the same remote as fetch does (git-ls-remote(1)).
    let remote = git.output(&words)?;
    let pairs = |output: &[u8]| -> Vec<(OsString, OsString)> {
        let lines = output.split(|byte| *byte == b'\n');
        let halves = lines.filter_map(|line| {
            let at = line.iter().position(|byte| *byte == b'\t')?;
            Some((line.get(at + 1..)?, line.get(..at)?))
        });
        halves
            .map(|(name, object)| (os(name).to_owned(), os(object).to_owned()))
            .collect()
    };
    let there: HashMap<OsString, OsString> = pairs(&remote).into_iter().collect();
    let changed = pairs(&local).into_iter().filter(|(name, object)| {
        there
            .get(name)
            .map_or(deletes, |new| moves && new != object)
    });
    Ok(changed.map(|(name, _)| name).collect())
}
