//! Commands that move or delete references: the commits that nothing else would hold.

use std::ffi::{OsStr, OsString};

use super::{GitProbe, Measured, Unmeasured, detached, texts};
use crate::backup::Needs;
use guard_core::invocation::Invocation;
use guard_core::loss::{Loss, Lot, Phrase};
use guard_core::naming::typeable;
use guard_ground::sanitize;
use guard_trees::asking::EXCLUDED;
use guard_trees::status::NAMED;
use guard_trees::status::os;
use guard_words::Measure;

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
fn note_refs(git: &GitProbe<'_>, names: &[OsString]) {
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
fn short(name: &OsStr) -> String {
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
        None if name == "HEAD" => detached::add_detached(&mut loss, git, None)?,
        _ => {
            add_annotated(&mut loss, git, std::slice::from_ref(&name))?;
            add_moved_refs(&mut loss, git, &[name], new.as_ref())?;
        }
    }
    Ok(loss)
}

/// `git stash drop`, `git stash clear` and `git stash branch`.
pub(super) fn stash(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    if invocation.verb_is(&["stash", "clear"]) {
        return stashes(git, None);
    }
    if invocation.verb_is(&["stash", "branch"]) {
        return detached::stash_branch(invocation, git);
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
