//! References: where they stand, and moving them back.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::kept::{Head, KeptRef, RefValue};
use super::repository::{Repository, is_object};
use super::{NAMESPACE, RepositoryPlace};
use guard_ground::bytes::Bytes;

/// What HEAD holds.
pub(super) fn head(place: &RepositoryPlace) -> Result<Head, String> {
    let file = place.git_dir.join("HEAD");
    let text = std::fs::read(&file).map_err(|error| format!("HEAD: {error}"))?;
    let text = text.trim_ascii();
    if let Some(name) = text.strip_prefix(b"ref:") {
        return Ok(Head::Branch(Bytes(name.trim_ascii().to_vec())));
    }
    match std::str::from_utf8(text) {
        Ok(object) if is_object(text) => Ok(Head::Detached(object.to_owned())),
        _ => Err("HEAD holds something that guard does not know".to_owned()),
    }
}

/// Where these references stand; all but guard's own without names.
pub(super) fn values(
    repository: &Repository<'_>,
    names: Option<&[Bytes]>,
) -> Result<Vec<KeptRef>, String> {
    if names.is_some_and(<[Bytes]>::is_empty) {
        return Ok(Vec::new());
    }
    let mut words: Vec<OsString> = [
        "for-each-ref",
        "--format=%(refname) %(objectname) %(symref)",
    ]
    .map(OsString::from)
    .to_vec();
    words.extend(
        names
            .iter()
            .flat_map(|names| names.iter())
            .map(|name| name.os().to_owned()),
    );
    let output = repository.output(&words)?;
    let mut found = BTreeMap::new();
    for line in output.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b' ');
        let (Some(name), Some(object)) = (fields.next(), fields.next()) else {
            continue;
        };
        let value = match fields.next() {
            Some(target) if !target.is_empty() => RefValue::Symbolic(Bytes(target.to_vec())),
            _ => RefValue::Object(String::from_utf8_lossy(object).into_owned()),
        };
        found.insert(Bytes(name.to_vec()), value);
    }
    Ok(match names {
        None => found
            .into_iter()
            .filter(|(name, _)| !name.0.starts_with(NAMESPACE.as_bytes()))
            .map(|(name, value)| KeptRef { name, value })
            .collect(),
        Some(names) => names
            .iter()
            .map(|name| KeptRef {
                name: name.clone(),
                value: found.remove(name).unwrap_or(RefValue::Absent),
            })
            .collect(),
    })
}

/// Puts references where they stood.
pub(super) fn put(repository: &Repository<'_>, refs: &[KeptRef], why: &str) -> Result<(), String> {
    let names: Vec<Bytes> = refs.iter().map(|kept| kept.name.clone()).collect();
    let now = values(repository, Some(&names))?;
    let (mut gone, mut set, mut symbolic) = (Vec::new(), Vec::new(), Vec::new());
    for (kept, now) in refs.iter().zip(&now) {
        if kept.value == now.value {
            continue;
        }
        let old = match &now.value {
            RefValue::Object(object) => Some(object.as_str()),
            _ => None,
        };
        match &kept.value {
            RefValue::Symbolic(target) => symbolic.push((kept, target)),
            RefValue::Absent => add(&mut gone, b"delete", kept, &[old]),
            RefValue::Object(object) if now.value == RefValue::Absent => {
                add(&mut set, b"create", kept, &[Some(object)]);
            }
            RefValue::Object(object) => add(&mut set, b"update", kept, &[Some(object), old]),
        }
    }
    // One after the other: a name that goes may be the directory of one that comes.
    for commands in [gone, set] {
        if !commands.is_empty() {
            repository.feed(&["update-ref", "-m", why, "--stdin"], commands)?;
        }
    }
    for (kept, target) in symbolic {
        let words = [
            OsStr::new("symbolic-ref"),
            OsStr::new("-m"),
            OsStr::new(why),
            kept.name.os(),
            target.os(),
        ];
        repository.output(&words)?;
    }
    Ok(())
}

fn add(commands: &mut Vec<u8>, verb: &[u8], kept: &KeptRef, values: &[Option<&str>]) {
    commands.extend_from_slice(b"option no-deref\n");
    commands.extend_from_slice(verb);
    commands.push(b' ');
    commands.extend_from_slice(&kept.name.0);
    for value in values.iter().flatten() {
        commands.push(b' ');
        commands.extend_from_slice(value.as_bytes());
    }
    commands.push(b'\n');
}

/// Puts HEAD where it stood.
pub(super) fn put_head(
    repository: &Repository<'_>,
    wanted: &Head,
    why: &str,
) -> Result<(), String> {
    if head(repository.place)? == *wanted {
        return Ok(());
    }
    let done = match wanted {
        Head::Branch(name) => repository.output(&[
            OsStr::new("symbolic-ref"),
            OsStr::new("-m"),
            OsStr::new(why),
            OsStr::new("HEAD"),
            OsStr::from_bytes(&name.0),
        ]),
        Head::Detached(commit) => repository.output(&[
            "update-ref",
            "--no-deref",
            "--create-reflog",
            "-m",
            why,
            "HEAD",
            commit,
        ]),
    };
    done.map(drop)
}
