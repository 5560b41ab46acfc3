//! What a push would take from the remote: `git push --dry-run` says which references move or go,
//! `git ls-remote` what they hold now.

use guard_trees::status;
use std::collections::HashMap;
use std::ffi::OsString;

use super::{GitProbe, Measured, Unmeasured, commits, texts};
use crate::backup::RemoteRef;
use guard_core::invocation::Invocation;
use guard_core::loss::{Loss, Lot, Phrase};
use guard_core::naming::typeable;
use guard_ground::sanitize;
use guard_words::Measure;

/// Options that decide what is pushed; all others are left out of the dry run. Among those are
/// some that would run a program (`--receive-pack`, `--verify`) or end the dry run.
const DECIDING: [&str; 12] = [
    "all",
    "branches",
    "mirror",
    "delete",
    "tags",
    "follow-tags",
    "force",
    "force-with-lease",
    "force-if-includes",
    "prune",
    "atomic",
    "repo",
];

/// Options that change nothing about what is lost.
const SILENT: [&str; 12] = [
    "verbose",
    "quiet",
    "porcelain",
    "progress",
    "thin",
    "set-upstream",
    "verify",
    "no-verify",
    "signed",
    "push-option",
    "ipv4",
    "ipv6",
];

/// What git says when it refuses a push before it starts (builtin/push.c, remote.c): the real one
/// is refused as well.
const REFUSALS: [&str; 5] = [
    "You are not currently on a branch",
    "remote ref does not exist",
    "has no upstream branch",
    "No configured push destination",
    "does not match any",
];

/// One reference of the remote that would be rewritten or deleted.
#[derive(Debug, PartialEq, Eq)]
struct Moved {
    /// The reference on the remote.
    name: String,
    /// What would stand there; `None` when it goes.
    new: Option<String>,
}

/// Measures a push.
pub(super) fn push(invocation: &Invocation, git: &GitProbe<'_>) -> Measured {
    let answer = git.ask(&dry_run(invocation)?)?;
    let report = String::from_utf8(answer.output.clone())
        .map_err(|_| "a reference has a name that is no text".to_owned())?;
    let mut loss = Loss::default();
    if !answer.success {
        // A rejected reference changes nothing, and neither does what git refuses to start.
        let rejected = report.lines().any(|line| line.starts_with('!'));
        let errors = String::from_utf8_lossy(&answer.errors);
        let refused = REFUSALS.iter().any(|refusal| errors.contains(refusal));
        if !rejected && !refused {
            return Err(format!("git says: {}", answer.complaint()));
        }
    } else if !report.lines().any(|line| line == "Done") {
        return Err("git did not say what it would push".to_owned());
    }
    let places = read_report(&report);
    if places.iter().all(Vec::is_empty) {
        return Ok(loss);
    }
    let remote = remote_name(git, invocation)?;
    let addresses = addresses(git, &remote, places.len())?;
    for (moved, address) in places.iter().zip(&addresses) {
        add_place(&mut loss, git, moved, address, &remote)?;
    }
    let shown = sanitize::text(&typeable(remote.as_ref()));
    loss.phrase = Phrase {
        verb: "drop",
        place: match places.iter().flatten().collect::<Vec<_>>().as_slice() {
            [only] => format!("from {shown}/{}", typeable(short(&only.name).as_ref())),
            more => format!("from {} references of {shown}", more.len()),
        },
    };
    Ok(loss)
}

/// The command as a dry run: built from what was read, so that no spelling slips through.
fn dry_run(invocation: &Invocation) -> Result<Vec<OsString>, Unmeasured> {
    let mut words: Vec<OsString> = [
        "push",
        "--dry-run",
        "--porcelain",
        "--no-verify",
        "--recurse-submodules=no",
    ]
    .map(OsString::from)
    .to_vec();
    for flag in &invocation.flags {
        let name = flag.long.as_ref();
        if DECIDING.contains(&name) && flag.familiar {
            let mut word = OsString::from(format!("--{name}"));
            if let Some(value) = &flag.value {
                word.push("=");
                word.push(value);
            }
            words.push(word);
        } else if !(flag.familiar
            && (SILENT.contains(&name) || name == "recurse-submodules" || name == "dry-run"))
        {
            return Err(format!(
                "guard does not push with --{}, not even to look",
                sanitize::text(if name.is_empty() { "?" } else { name })
            ));
        }
    }
    words.push("--".into());
    words.extend(texts(&invocation.operands));
    Ok(words)
}

/// All references of one place that move or go, measured together: what one of them holds does not
/// save what another one loses.
fn add_place(
    loss: &mut Loss,
    git: &GitProbe<'_>,
    moved: &[Moved],
    address: &str,
    remote: &str,
) -> Result<(), Unmeasured> {
    if moved.is_empty() {
        return Ok(());
    }
    let tips = remote_tips(git, address, moved)?;
    let here = is_here(git, address)?;
    let (mut old, mut held, mut leaving) = (Vec::new(), Vec::new(), Vec::<OsString>::new());
    for reference in moved {
        let name = sanitize::text(short(&reference.name));
        let tip = tips
            .get(&reference.name)
            .ok_or_else(|| format!("the remote did not say what its {name} holds"))?;
        note_moved(git, reference, tip, address, remote, here)?;
        if git.ask(&["cat-file", "-e", tip])?.success {
            old.extend(git.commit(tip.as_ref())?);
        } else {
            return Err(format!(
                "the remote's {name} holds commits that were never fetched ({}): somebody else's work",
                tip.get(..10).unwrap_or(tip)
            ));
        }
        if let Some(new) = &reference.new {
            held.extend(git.commit(new.as_ref())?);
        }
        if here {
            leaving.push(reference.name.clone().into());
        } else if let Some(branch) = reference.name.strip_prefix("refs/heads/") {
            // The remote-tracking reference follows the push, so it holds nothing afterwards.
            leaving.push(format!("refs/remotes/{remote}/{branch}").into());
        }
        add_tag(loss, git, reference, tip)?;
    }
    leaving.push(format!("refs/remotes/{remote}/HEAD").into());
    let what = match moved {
        [only] => format!(
            "of the remote's {} that no local branch holds",
            sanitize::text(short(&only.name))
        ),
        more => format!(
            "of {} references of the remote that no local branch holds",
            more.len()
        ),
    };
    loss.add(commits::lost_commits(git, &old, &leaving, &held, &what)?);
    Ok(())
}

/// Notes what a push takes from the remote, so that it can be pushed back.
fn note_moved(
    git: &GitProbe<'_>,
    reference: &Moved,
    tip: &str,
    address: &str,
    remote: &str,
    here: bool,
) -> Result<(), Unmeasured> {
    if here {
        git.need(|needs| {
            needs.refs.insert(reference.name.clone().into());
        });
        return Ok(());
    }
    let named = git.ask(&["remote", "get-url", "--push", "--all", remote])?;
    let several = named.output.trim_ascii().contains(&b'\n');
    let address = if named.success && !several {
        remote
    } else {
        address
    };
    // A password is never written down, and a relative path may start elsewhere next time.
    let is_secret = address.split_once("://").is_some_and(|(_, rest)| {
        rest.split('/')
            .next()
            .is_some_and(|host| host.contains('@'))
    });
    let is_lasting =
        (named.success && !several) || address.starts_with('/') || address.contains(':');
    let new = match &reference.new {
        Some(new) => git.resolve(new.as_ref())?,
        None => None,
    };
    git.need(|needs| {
        if is_secret || !is_lasting {
            needs.unable = Some("the remote has no name that guard could keep".to_owned());
        }
        needs.remotes.push(RemoteRef {
            address: address.to_owned(),
            name: reference.name.clone(),
            old: tip.to_owned(),
            new,
        });
    });
    Ok(())
}

/// An annotated tag whose message only the remote has.
fn add_tag(
    loss: &mut Loss,
    git: &GitProbe<'_>,
    reference: &Moved,
    tip: &str,
) -> Result<(), Unmeasured> {
    if reference.name.starts_with("refs/tags/")
        && git.output(&["cat-file", "-t", tip])?.trim_ascii() == b"tag"
        && git.resolve(reference.name.as_ref())?.as_deref() != Some(tip)
    {
        loss.add(Lot {
            measure: Measure::Tags,
            count: 1,
            at_least: false,
            kept: true,
            bytes: None,
            what: "with a message of its own".to_owned(),
            examples: vec![sanitize::text(short(&reference.name))],
        });
    }
    Ok(())
}

/// Reads the output of `git push --porcelain` (git-push(1), "OUTPUT"): for each place `To URL`, then
/// lines of `FLAG\tFROM:TO\tSUMMARY`.
fn read_report(report: &str) -> Vec<Vec<Moved>> {
    let mut places: Vec<Vec<Moved>> = Vec::new();
    for line in report.lines() {
        if line.starts_with("To ") {
            places.push(Vec::new());
            continue;
        }
        let mut fields = line.split('\t');
        let (Some(flag), Some(pair)) = (fields.next(), fields.next()) else {
            continue;
        };
        let (Some((from, to)), Some(moved)) = (pair.split_once(':'), places.last_mut()) else {
            continue;
        };
        match flag {
            "+" => moved.push(Moved {
                name: to.to_owned(),
                new: Some(from.to_owned()),
            }),
            "-" => moved.push(Moved {
                name: to.to_owned(),
                new: None,
            }),
            _ => {}
        }
    }
    places
}

/// What the references of a place hold now.
fn remote_tips(
    git: &GitProbe<'_>,
    address: &str,
    moved: &[Moved],
) -> Result<HashMap<String, String>, Unmeasured> {
    let mut words = ["ls-remote", "--refs", "--", address]
        .map(str::to_owned)
        .to_vec();
    if moved.len() <= 64 {
        words.extend(moved.iter().map(|reference| reference.name.clone()));
    }
    let output = git.output(&words)?;
    Ok(String::from_utf8_lossy(&output)
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(object, name)| (name.to_owned(), object.to_owned()))
        .collect())
}

/// The remote that the push goes to: as written, else by the order of git-push(1) and
/// git-config(1), `branch.*.pushRemote`.
fn remote_name(git: &GitProbe<'_>, invocation: &Invocation) -> Result<String, Unmeasured> {
    let written = invocation
        .operands
        .first()
        .map(|word| word.text.clone())
        .or_else(|| {
            invocation
                .flag("--repo")
                .and_then(|flag| flag.value.clone())
        });
    if let Some(written) = written {
        return written
            .into_string()
            .map_err(|_| "the remote has a name that is no text".to_owned());
    }
    let branch = git.ask(&["symbolic-ref", "--quiet", "--short", "HEAD"])?;
    let branch = String::from_utf8_lossy(branch.output.trim_ascii()).into_owned();
    for key in [
        format!("branch.{branch}.pushRemote"),
        "remote.pushDefault".to_owned(),
        format!("branch.{branch}.remote"),
    ] {
        if let Some(name) = git.setting(&key)?.filter(|name| !name.is_empty()) {
            return Ok(name);
        }
    }
    Ok("origin".to_owned())
}

/// Where a push to this remote goes, place by place: its push URLs, or itself when it is a URL.
fn addresses(git: &GitProbe<'_>, remote: &str, places: usize) -> Result<Vec<String>, Unmeasured> {
    let answer = git.ask(&["remote", "get-url", "--push", "--all", remote])?;
    let listed: Vec<String> = if answer.success {
        String::from_utf8_lossy(&answer.output)
            .lines()
            .map(str::to_owned)
            .collect()
    } else {
        vec![remote.to_owned()]
    };
    if listed.len() == places {
        Ok(listed)
    } else {
        Err("guard cannot tell the places that it pushes to".to_owned())
    }
}

/// Whether a push goes to this very repository.
fn is_here(git: &GitProbe<'_>, address: &str) -> Result<bool, Unmeasured> {
    if address == "." {
        return Ok(true);
    }
    let own = git.output(&["rev-parse", "--path-format=absolute", "--git-common-dir"])?;
    let own = std::path::Path::new(status::os(own.trim_ascii()))
        .canonicalize()
        .ok();
    let local = address.strip_prefix("file://").unwrap_or(address);
    let there = git.output(&[
        "-C",
        local,
        "rev-parse",
        "--path-format=absolute",
        "--git-common-dir",
    ]);
    let there = there.ok().and_then(|there| {
        std::path::Path::new(status::os(there.trim_ascii()))
            .canonicalize()
            .ok()
    });
    Ok(own.is_some() && own == there)
}

fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/")
        .or_else(|| name.strip_prefix("refs/tags/"))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn reports() {
        let report = "To ../origin.git\n \trefs/heads/a:refs/heads/a\t1..2\n+\trefs/heads/main:refs/heads/main\t3...4 (forced update)\n-\t:refs/heads/old\t[deleted]\n*\trefs/heads/n:refs/heads/n\t[new branch]\n!\trefs/heads/r:refs/heads/r\t[rejected] (fetch first)\n=\trefs/heads/e:refs/heads/e\t[up to date]\nDone\n";
        let places = read_report(report);
        assert_eq!(places.len(), 1);
        let moved = &places[0];
        assert_eq!(
            *moved,
            [
                Moved {
                    name: "refs/heads/main".into(),
                    new: Some("refs/heads/main".into())
                },
                Moved {
                    name: "refs/heads/old".into(),
                    new: None
                },
            ]
        );
    }
}
