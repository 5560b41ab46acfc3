//! Which commits nothing else would hold once a reference moves or goes.

use std::ffi::{OsStr, OsString};

use super::{GitProbe, Unmeasured};
use guard_core::loss::{Loss, Lot, Phrase};
use guard_ground::sanitize;
use guard_trees::asking::EXCLUDED;
use guard_trees::status::{NAMED, os};
use guard_words::Measure;

/// A loss of what is dropped.
pub(super) fn dropping(place: String) -> Loss {
    Loss {
        phrase: Phrase {
            verb: "drop",
            place,
        },
        ..Loss::default()
    }
}

/// Commits that `old` reaches and that no reference but `leaving`, nor any of `held`, reaches.
/// Reflogs do not count: they are how an expert finds what was lost.
pub(super) fn lost_commits(
    git: &GitProbe<'_>,
    old: &[String],
    leaving: &[OsString],
    held: &[String],
    what: &str,
) -> Result<Lot, Unmeasured> {
    git.need(|needs| needs.objects.extend(old.iter().cloned()));
    let mut range: Vec<OsString> = old.iter().map(OsString::from).collect();
    range.push("--not".into());
    range.extend(held.iter().map(OsString::from));
    for name in leaving {
        let mut exclude = OsString::from("--exclude=");
        exclude.push(name);
        range.push(exclude);
    }
    // What guard keeps alive for a while is no reason to lose it.
    range.push(EXCLUDED.into());
    range.push("--glob=refs/*".into());
    let run = |words: &[&str]| {
        let mut words: Vec<OsString> = words.iter().map(OsString::from).collect();
        words.extend(range.iter().cloned());
        git.output(&words)
    };
    let count = run(&["rev-list", "--count"])?;
    let count: u64 = String::from_utf8_lossy(count.trim_ascii())
        .parse()
        .map_err(|_| "git counted no commits".to_owned())?;
    let mut examples = Vec::new();
    if count > 0 {
        let most = format!("--max-count={NAMED}");
        let format = "--format=%h %an: %s";
        let listed = run(&["log", "-z", "--no-show-signature", format, &most])?;
        examples = listed
            .split(|byte| *byte == 0)
            .filter(|line| !line.trim_ascii().is_empty())
            .map(|line| sanitize::cut(&sanitize::bytes(line), 72))
            .collect();
    }
    Ok(Lot {
        measure: Measure::Commits,
        count,
        at_least: false,
        kept: true,
        bytes: None,
        what: what.to_owned(),
        examples,
    })
}

/// The branch that HEAD is on, as a full reference.
pub(super) fn current_branch(git: &GitProbe<'_>) -> Result<Option<OsString>, Unmeasured> {
    let answer = git.ask(&["symbolic-ref", "--quiet", "HEAD"])?;
    Ok(answer
        .success
        .then(|| os(answer.output.trim_ascii()).to_owned()))
}

/// Moving HEAD and its branch to `target` leaves these commits behind.
pub(super) fn add_left_behind(
    loss: &mut Loss,
    git: &GitProbe<'_>,
    target: &str,
) -> Result<(), Unmeasured> {
    let Some(head) = git.commit("HEAD".as_ref())? else {
        return Ok(());
    };
    if head == target {
        return Ok(());
    }
    git.need(|needs| needs.head = true);
    let leaving: Vec<OsString> = current_branch(git)?.into_iter().collect();
    let name = leaving
        .first()
        .map_or_else(|| "HEAD".to_owned(), |name| short(name));
    let what = format!("that only {name} holds");
    loss.add(lost_commits(
        git,
        &[head],
        &leaving,
        &[target.to_owned()],
        &what,
    )?);
    Ok(())
}

/// Deleting references, or moving them to `new`, leaves these commits behind. All at once: what one
/// of them holds does not save what another one loses.
pub(super) fn add_moved_refs(
    loss: &mut Loss,
    git: &GitProbe<'_>,
    names: &[OsString],
    new: Option<&String>,
) -> Result<(), Unmeasured> {
    let mut old = Vec::new();
    let mut leaving = Vec::new();
    note_refs(git, names);
    for name in names {
        // git refuses what does not exist.
        if let Some(commit) = git.commit(name)? {
            old.push(commit);
            leaving.push(name.clone());
        }
    }
    if old.is_empty() {
        return Ok(());
    }
    let mut held: Vec<String> = new.cloned().into_iter().collect();
    // A detached HEAD holds what it reaches; one on such a branch moves along.
    if current_branch(git)?.is_none_or(|branch| !leaving.contains(&branch)) {
        held.extend(git.commit("HEAD".as_ref())?);
    }
    let what = match leaving.as_slice() {
        [only] => format!("that only {} holds", short(only)),
        _ => "that only these references hold".to_owned(),
    };
    loss.add(lost_commits(git, &old, &leaving, &held, &what)?);
    Ok(())
}

/// References that move, go or come, with their reflogs and, of branches, their settings.
pub(super) fn note_refs(git: &GitProbe<'_>, names: &[OsString]) {
    let full = |name: &&OsString| name.as_encoded_bytes().starts_with(b"refs/");
    git.need(|needs| {
        for name in names.iter().filter(full) {
            needs.refs.insert(name.clone());
            needs.logs.insert(name.clone());
            if let Some(branch) = name
                .to_str()
                .and_then(|name| name.strip_prefix("refs/heads/"))
            {
                needs.sections.insert(format!("branch.{branch}"));
            }
        }
    });
}

/// A reference without its usual prefix, for messages.
pub(super) fn short(name: &OsStr) -> String {
    let shown = sanitize::os(name);
    ["refs/heads/", "refs/tags/", "refs/remotes/"]
        .iter()
        .find_map(|prefix| shown.strip_prefix(prefix))
        .unwrap_or(&shown)
        .to_owned()
}

/// The full reference of a branch or tag as the command names it; `-` and `@{-1}` are the branch
/// before (git-branch(1)).
pub(super) fn full_name(
    git: &GitProbe<'_>,
    prefix: &str,
    name: &OsStr,
) -> Result<OsString, Unmeasured> {
    let name = if name == "-" {
        OsStr::new("@{-1}")
    } else {
        name
    };
    if name.as_encoded_bytes().starts_with(b"@{") {
        let words = [
            OsStr::new("rev-parse"),
            OsStr::new("--symbolic-full-name"),
            name,
        ];
        let output = git.output(&words)?;
        return Ok(os(output.trim_ascii()).to_owned());
    }
    let mut full = OsString::from(prefix);
    full.push(name);
    Ok(full)
}

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
