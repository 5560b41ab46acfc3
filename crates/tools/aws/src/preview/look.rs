//! Operations whose look the table names: what a describe or get answers about the same thing.

use std::ffi::OsString;

use serde_json::Value;

use super::client::{AwsProbe, Measured, Reply, shown, text, values};
use super::{loss_of, lot, nothing, tags};
use crate::table::ReadingOperation;
use guard_core::invocation::Invocation;
use guard_core::loss::Loss;
use guard_core::preview::Preview;
use guard_words::Measure;

/// Members that say how large something is, and how many bytes one of them is.
const SIZES: [(&str, u64); 11] = [
    ("AllocatedStorage", 1 << 30),
    ("VolumeSize", 1 << 30),
    ("StorageCapacity", 1 << 30),
    ("TotalStorageCapacity", 1 << 30),
    ("SizeInBytes", 1),
    ("imageSizeInBytes", 1),
    ("storedBytes", 1),
    ("TableSizeBytes", 1),
    ("BackupSizeInBytes", 1),
    ("SnapshotSizeInBytes", 1),
    ("StoredBytes", 1),
];

/// Members that say that the service refuses to delete it.
const PROTECTIONS: [&str; 5] = [
    "DeletionProtection",
    "DeletionProtectionEnabled",
    "deletionProtection",
    "deletionProtectionEnabled",
    "EnableTerminationProtection",
];

/// States in which a thing is going or gone already.
const GONE: [&str; 5] = [
    "terminated",
    "shutting-down",
    "PendingDeletion",
    "DELETED",
    "DELETE_COMPLETE",
];

/// Looks at what an operation would take away.
pub fn at(
    aws: &AwsProbe<'_>,
    invocation: &Invocation,
    service: &str,
    look: &ReadingOperation,
) -> Measured<Preview> {
    let mut words: Vec<OsString> = vec![service.into(), (&look.operation).into()];
    let mut names = Vec::new();
    for (given, own) in &look.parameters {
        let given = values(invocation, given);
        if given.is_empty() {
            continue;
        }
        words.push(format!("--{own}").into());
        for value in given {
            words.push((&value).into());
            names.push(value);
        }
    }
    if names.is_empty() {
        return Err("what it changes is not named on the command line".to_owned());
    }
    // An option as a value would be one of the look's own.
    if names.iter().any(|name| name.starts_with('-')) {
        return Err("a name in it begins with a dash".to_owned());
    }
    match aws.ask(&words)? {
        Reply::Missing(why) => Ok(nothing(format!("it is not there: {}", shown(&why)))),
        Reply::Found(answer) => Ok(describe(aws, invocation, &answer, &names)),
    }
}

/// The things that an answer is about; `None` when it says that there are none.
pub fn things(answer: &Value) -> Option<Vec<&Value>> {
    let map = answer.as_object()?;
    let members: Vec<(&String, &Value)> = map
        .iter()
        .filter(|(name, value)| {
            !name.to_lowercase().contains("token")
                && *name != "failures"
                && *name != "ResponseMetadata"
                && !value.is_null()
        })
        .collect();
    if members.is_empty() {
        return None;
    }
    // A list of things, if there is nothing but lists; else the answer is about one thing.
    if members.iter().all(|(_, value)| value.is_array()) {
        let all: Vec<&Value> = members
            .iter()
            .filter_map(|(_, value)| value.as_array())
            .flatten()
            .collect();
        return (!all.is_empty()).then_some(all);
    }
    match members.as_slice() {
        [(_, only)] if only.is_object() => Some(vec![only]),
        _ => Some(vec![answer]),
    }
}

fn describe(
    aws: &AwsProbe<'_>,
    invocation: &Invocation,
    answer: &Value,
    names: &[String],
) -> Preview {
    let Some(found) = things(answer) else {
        return nothing("it is not there");
    };
    // ECS calls deleted clusters and services inactive; elsewhere that is a state like any other.
    let inactive = |thing: &Value| {
        invocation.verb_name() == "ecs" && text(thing, "status").as_deref() == Some("INACTIVE")
    };
    if found.iter().all(|thing| is_gone(thing) || inactive(thing)) {
        return nothing("it is gone already");
    }
    if deletes(invocation) && found.iter().all(|thing| is_protected(thing)) {
        return nothing("it is protected against deletion, so AWS refuses");
    }
    let subject = subject(invocation);
    let examples = names
        .iter()
        .take(5)
        .map(|name| shown(&format!("{subject} {name}")))
        .collect();
    let counted = lot(
        Measure::Resources,
        u64::try_from(found.len()).unwrap_or(u64::MAX),
        size(&found),
        "",
        examples,
    );
    let verb = if deletes(invocation) {
        "delete"
    } else {
        "change"
    };
    let place = format!("{subject} {}", names.first().map_or("", String::as_str));
    let mut loss = loss_of(counted, verb, shown(&place));
    for thing in found.iter().take(3) {
        for fact in facts(thing) {
            loss.fact(fact);
        }
    }
    snapshots(invocation, &mut loss);
    loss.tags = tags::within(answer, 3).or_else(|| {
        let arn = tags::arn(answer, 2)?;
        tags::of_arn(aws, arn)
    });
    if let Some(tags) = loss.tags.as_ref().filter(|tags| !tags.is_empty()) {
        let sentence = format!("tags: {}", tags::shown(tags));
        loss.fact(sentence);
    }
    Preview::Exact(loss)
}

/// Whether what is described would be gone, rather than cut off or switched off.
fn deletes(invocation: &Invocation) -> bool {
    matches!(
        invocation.operation,
        "delete" | "terminate" | "schedule" | "purge"
    )
}

/// `db instance` for `delete-db-instance`.
fn subject(invocation: &Invocation) -> String {
    let name = invocation.verb.get(1).map_or("", |word| word);
    let words = name.strip_prefix("batch-").unwrap_or(name);
    words
        .split_once('-')
        .map_or(words, |(_, rest)| rest)
        .replace('-', " ")
}

pub(super) fn is_protected(thing: &Value) -> bool {
    PROTECTIONS.iter().any(|name| match thing.get(name) {
        Some(Value::Bool(on)) => *on,
        Some(Value::String(word)) => matches!(word.as_str(), "ACTIVE" | "ENABLED" | "true"),
        _ => false,
    })
}

fn is_gone(thing: &Value) -> bool {
    let gone = |value: &Value| value.as_str().is_some_and(|state| GONE.contains(&state));
    ["State", "Status", "status", "KeyState", "StackStatus"]
        .iter()
        .filter_map(|name| thing.get(name))
        .any(|state| gone(state) || state.get("Name").is_some_and(gone))
}

fn size(found: &[&Value]) -> Option<u64> {
    let mut sum: Option<u64> = None;
    for thing in found {
        let one = SIZES.iter().find_map(|(name, unit)| {
            let value = thing.get(name)?;
            // Elastic file systems: `{"Value": 6144}`.
            let number = value.as_u64().or_else(|| value.get("Value")?.as_u64())?;
            Some(if value.is_object() {
                number
            } else {
                number.saturating_mul(*unit)
            })
        });
        // Elsewhere than for volumes `Size` is anything.
        let volume = thing
            .get("VolumeId")
            .and_then(|_| thing.get("Size")?.as_u64());
        if let Some(bytes) = one.or(volume.map(|gib| gib.saturating_mul(1 << 30))) {
            sum = Some(sum.unwrap_or(0).saturating_add(bytes));
        }
    }
    sum
}

/// What a reader should know about a thing: engine, state, age, how much is in it.
fn facts(thing: &Value) -> Vec<String> {
    let named = [
        ("Engine", "engine"),
        ("DBInstanceStatus", "state"),
        ("Status", "state"),
        ("status", "state"),
        ("KeyState", "state"),
        ("Description", "description"),
        ("description", "description"),
        ("CreatedDate", "created"),
        ("CreationDate", "created"),
        ("CreateDate", "created"),
        ("InstanceCreateTime", "created"),
        ("LastModified", "last modified"),
        ("ItemCount", "items"),
        ("ResourceRecordSetCount", "records"),
        ("MultiAZ", "in several zones"),
        ("EstimatedNumberOfUsers", "users"),
    ];
    let mut found: Vec<String> = named
        .iter()
        .filter_map(|(member, word)| {
            let value = text(thing, member).filter(|value| !value.is_empty())?;
            Some(format!("{word}: {}", shown(&value)))
        })
        .take(5)
        .collect();
    if let Some(state) = thing.get("State").and_then(|state| text(state, "Name")) {
        found.push(format!("state: {}", shown(&state)));
    }
    found
}

/// Whether a last copy is kept, for the operations that can (their parameters say so).
fn snapshots(invocation: &Invocation, loss: &mut Loss) {
    let names = [
        "final-db-snapshot-identifier",
        "final-cluster-snapshot-identifier",
        "final-snapshot-identifier",
    ];
    let kept = names.iter().find_map(|name| values(invocation, name).pop());
    if invocation.has("--skip-final-snapshot") || invocation.has("--skip-final-cluster-snapshot") {
        loss.fact("no final snapshot is taken");
    } else if let Some(name) = kept {
        loss.fact(format!("a final snapshot is kept: {}", shown(&name)));
    }
    if invocation.has("--delete-automated-backups")
        || invocation.has("--no-delete-automated-backups")
    {
        let deleted = invocation.has("--delete-automated-backups");
        loss.fact(if deleted {
            "automated backups are deleted too"
        } else {
            "automated backups are kept"
        });
    } else if invocation.verb_is(&["rds", "delete-db-instance"]) {
        loss.fact("automated backups are deleted too");
    }
    if invocation.has("--force-delete-without-recovery") {
        loss.fact("without a recovery window");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn what_answers_are_about() {
        for (answer, count) in [
            (json!({"DBInstances": [{"a": 1}]}), 1),
            (json!({"DBInstances": [], "Marker": null}), 0),
            (
                json!({"services": [], "failures": [{"reason": "MISSING"}]}),
                0,
            ),
            (json!({"Role": {"RoleName": "r", "Tags": []}}), 1),
            (json!({"ARN": "a", "Tags": []}), 1),
            (json!({"FileSystems": [{}, {}], "NextToken": "x"}), 2),
            (json!({}), 0),
            (json!(null), 0),
        ] {
            assert_eq!(
                things(&answer).map_or(0, |found| found.len()),
                count,
                "{answer}"
            );
        }
    }

    #[test]
    fn sizes_of_things() {
        for (thing, bytes) in [
            (json!({"AllocatedStorage": 20}), Some(20 << 30)),
            (json!({"SizeInBytes": {"Value": 6144}}), Some(6144)),
            (json!({"imageSizeInBytes": 7}), Some(7)),
            (json!({"VolumeId": "v", "Size": 2}), Some(2 << 30)),
            (json!({"Size": 2}), None),
            (json!({"Name": "x"}), None),
        ] {
            assert_eq!(size(&[&thing]), bytes, "{thing}");
        }
    }
}
