//! References of remotes: what a push takes from them is pushed back.

use std::collections::BTreeMap;

use super::RemoteRef;
use super::kept::KeptRemoteRef;
use super::repository::Repository;
use guard_ground::sanitize;
use guard_store::Unsaved;

/// Notes references of remotes; what they hold is fetched where it is not here.
pub(super) fn keep(
    repository: &Repository<'_>,
    remotes: &[RemoteRef],
) -> Result<Vec<KeptRemoteRef>, Unsaved> {
    let mut kept = Vec::new();
    for one in remotes {
        fetch(repository, &one.address, &one.name, &one.old)?;
        kept.push(KeptRemoteRef {
            address: one.address.clone(),
            name: one.name.clone(),
            old: Some(one.old.clone()),
            new: one.new.clone(),
        });
    }
    Ok(kept)
}

/// Makes sure that what a remote's reference holds is here.
fn fetch(
    repository: &Repository<'_>,
    address: &str,
    name: &str,
    object: &str,
) -> Result<(), Unsaved> {
    let is_here = || {
        repository
            .here(&[object.to_owned()])
            .map(|here| !here.is_empty())
    };
    if is_here()? {
        return Ok(());
    }
    // Nothing else is written: no tags, no remote-tracking references.
    repository.output(&[
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-auto-maintenance",
        "--no-recurse-submodules",
        "--refmap=",
        "--",
        address,
        name,
    ])?;
    if is_here()? {
        Ok(())
    } else {
        Err(Unsaved(format!(
            "the remote's {} has changed meanwhile",
            sanitize::text(name)
        )))
    }
}

/// What the remotes hold now, for each of these references.
pub(super) fn now(
    repository: &Repository<'_>,
    remotes: &[KeptRemoteRef],
) -> Result<Vec<Option<String>>, String> {
    let mut asked: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    for one in remotes {
        if asked.contains_key(one.address.as_str()) {
            continue;
        }
        let output = repository.output(&["ls-remote", "--refs", "--", &one.address])?;
        let found = String::from_utf8_lossy(&output)
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(object, name)| (name.to_owned(), object.to_owned()))
            .collect();
        asked.insert(&one.address, found);
    }
    Ok(remotes
        .iter()
        .map(|one| asked.get(one.address.as_str())?.get(&one.name).cloned())
        .collect())
}

/// What stands in the way: a remote's reference that moved again since.
pub(super) fn conflicts(
    repository: &Repository<'_>,
    remotes: &[KeptRemoteRef],
) -> Result<Vec<String>, String> {
    let now = now(repository, remotes)?;
    Ok(remotes
        .iter()
        .zip(now)
        .filter(|(one, now)| *now != one.old && *now != one.new)
        .map(|(one, _)| {
            format!(
                "{} of {} has moved since",
                sanitize::text(&one.name),
                sanitize::text(&one.address)
            )
        })
        .collect())
}

/// As they are now, so that pushing back can be taken back; what they hold is fetched.
pub(super) fn keep_now(
    repository: &Repository<'_>,
    remotes: &[KeptRemoteRef],
) -> Result<Vec<KeptRemoteRef>, Unsaved> {
    let now = now(repository, remotes)?;
    let mut kept = Vec::new();
    for (one, now) in remotes.iter().zip(now) {
        if let Some(object) = &now {
            fetch(repository, &one.address, &one.name, object)?;
        }
        kept.push(KeptRemoteRef {
            address: one.address.clone(),
            name: one.name.clone(),
            old: now,
            new: one.old.clone(),
        });
    }
    Ok(kept)
}

/// Pushes back, and only over what stands there now.
pub(super) fn restore(
    repository: &Repository<'_>,
    remotes: &[KeptRemoteRef],
) -> Result<(), String> {
    let now = now(repository, remotes)?;
    let mut pushes: BTreeMap<&str, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for (one, now) in remotes.iter().zip(now) {
        if now == one.old {
            continue;
        }
        let (leases, refspecs) = pushes.entry(&one.address).or_default();
        leases.push(format!(
            "--force-with-lease={}:{}",
            one.name,
            now.unwrap_or_default()
        ));
        refspecs.push(format!(
            "{}:{}",
            one.old.as_deref().unwrap_or_default(),
            one.name
        ));
    }
    for (address, (leases, refspecs)) in pushes {
        let mut words: Vec<String> = ["push", "--quiet", "--no-verify", "--recurse-submodules=no"]
            .map(str::to_owned)
            .to_vec();
        words.extend(leases);
        words.extend(["--".to_owned(), address.to_owned()]);
        words.extend(refspecs);
        repository.output(&words)?;
    }
    Ok(())
}

/// In what the remotes differ from what was saved.
pub(super) fn differences(
    repository: &Repository<'_>,
    remotes: &[KeptRemoteRef],
) -> Result<Vec<String>, String> {
    let now = now(repository, remotes)?;
    Ok(remotes
        .iter()
        .zip(now)
        .filter(|(one, now)| *now != one.old)
        .map(|(one, _)| {
            format!(
                "{} of {} is not where it was",
                sanitize::text(&one.name),
                sanitize::text(&one.address)
            )
        })
        .collect())
}
