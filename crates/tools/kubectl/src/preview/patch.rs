//! `patch`: the object before, and after by the server's dry run.

use serde_json::Value;

use super::lots::{losing, lot};
use super::workloads::stopped;
use super::{KubectlProbe, Measured};
use crate::backup::Objects;
use crate::objects::{self, name, text};
use guard_core::loss::Loss;
use guard_ground::sanitize;
use guard_words::Measure;

/// What changes by itself, or says nothing of its own.
const INDIFFERENT: [&str; 8] = [
    "/metadata/managedFields",
    "/metadata/resourceVersion",
    "/metadata/generation",
    "/metadata/uid",
    "/metadata/creationTimestamp",
    "/metadata/selfLink",
    "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
    "/status",
];
/// Fields that are named.
const FIELDS: usize = 8;

/// Measures a patch.
pub(super) fn patch(kubectl: &KubectlProbe<'_>) -> Measured {
    let names = [
        "field-manager",
        "filename",
        "kustomize",
        "patch",
        "patch-file",
        "recursive",
        "subresource",
        "type",
    ];
    let printed = kubectl.dry_run(&names, &["--output=json"])?;
    let after = objects::read(printed.as_bytes())?;
    if after.is_empty() {
        return Ok(Loss::default());
    }
    let subresource = kubectl.invocation.flag("--subresource");
    let subresource = subresource
        .and_then(|flag| flag.text())
        .map(|name| format!("--subresource={name}"));
    let more: Vec<&str> = subresource.as_deref().into_iter().collect();
    let before = kubectl.chosen(&more)?;
    Ok(loss(&before, &after))
}

fn loss(before: &[Value], after: &[Value]) -> Loss {
    let mut loss = losing("change");
    let mut stops = Vec::new();
    let mut losers = Vec::new();
    let mut saved = Objects::default();
    for old in before {
        let same = |new: &&Value| {
            ["/kind", "/metadata/name", "/metadata/namespace"]
                .iter()
                .all(|pointer| text(old, pointer) == text(new, pointer))
        };
        let Some(new) = after.iter().find(same) else {
            continue;
        };
        let zero = |object: &Value| object.pointer("/spec/replicas") == Some(&Value::from(0));
        if zero(new) && !zero(old) {
            stops.push(old.clone());
            saved.add(old, Some(new.clone()));
        }
        let mut fields = Vec::new();
        missing(old, new, "", &mut fields);
        if !fields.is_empty() {
            saved.add(old, Some(new.clone()));
            let more = fields.len().saturating_sub(FIELDS);
            fields.truncate(FIELDS);
            let dots = if more > 0 { " …" } else { "" };
            let told = fields.join(" ");
            losers.push(format!("{} ({}{dots})", name(old), sanitize::text(&told)));
        }
    }
    loss.add(lot(
        Measure::Objects,
        losers.len() as u64,
        "losing fields or entries",
        losers,
    ));
    loss.merge(stopped(&stops));
    if let Some(lot) = loss
        .lots
        .iter_mut()
        .find(|lot| lot.what.starts_with("losing"))
    {
        lot.kept = true;
    }
    if !saved.targets.is_empty() {
        loss.saves.push(saved);
    }
    loss
}

/// What stands in the first value and not in the second: where, never what.
fn missing(old: &Value, new: &Value, path: &str, found: &mut Vec<String>) {
    if INDIFFERENT.contains(&path) {
        return;
    }
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                let below = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
                match new.get(key) {
                    Some(other) => missing(value, other, &below, found),
                    None if is_something(value) && !INDIFFERENT.contains(&below.as_str()) => {
                        found.push(below);
                    }
                    None => {}
                }
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for (at, entry) in old.iter().enumerate() {
                let named = entry.get("name");
                let other = match named {
                    Some(name) => new.iter().find(|other| other.get("name") == Some(name)),
                    None => new.iter().find(|other| *other == entry).or_else(|| {
                        // An entry that was changed, not taken out.
                        new.get(at).filter(|_| old.len() <= new.len())
                    }),
                };
                let below = match named.and_then(Value::as_str) {
                    Some(name) => format!("{path}/{name}"),
                    None => format!("{path}/{at}"),
                };
                match other {
                    Some(other) => missing(entry, other, &below, found),
                    None => found.push(below),
                }
            }
        }
        (Value::Object(_) | Value::Array(_), _) if is_something(old) => {
            found.push(path.to_owned());
        }
        (old, Value::Null) if is_something(old) => found.push(path.to_owned()),
        _ => {}
    }
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_missing_afterwards() {
        for (old, new, expected) in [
            (json!({"a": 1}), json!({"a": 2}), ""),
            (json!({"a": 1}), json!({}), "/a"),
            (
                json!({"a": {"b": 1, "c": 2}}),
                json!({"a": {"c": 3}}),
                "/a/b",
            ),
            (json!({"a": null, "b": [], "c": {}}), json!({}), ""),
            (json!({"a": [1, 2]}), json!({"a": [2]}), "/a/0"),
            (json!({"a": [1, 2]}), json!({"a": [3, 2]}), ""),
            (json!({"a": [1]}), json!({"a": [1, 2]}), ""),
            (
                json!({"c": [{"name": "x", "v": 1}, {"name": "y"}]}),
                json!({"c": [{"name": "y"}]}),
                "/c/x",
            ),
            (
                json!({"c": [{"name": "x", "v": 1}]}),
                json!({"c": [{"name": "x"}]}),
                "/c/x/v",
            ),
            (json!({"a": {"b": 1}}), json!({"a": "text"}), "/a"),
            (json!({"a": "text"}), json!({"a": null}), "/a"),
            (
                json!({"metadata": {"resourceVersion": "1", "managedFields": [1]}, "status": {"x": 1}}),
                json!({"metadata": {}}),
                "",
            ),
            (
                json!({"metadata": {"finalizers": ["x"]}}),
                json!({"metadata": {"finalizers": []}}),
                "/metadata/finalizers/0",
            ),
        ] {
            let mut found = Vec::new();
            missing(&old, &new, "", &mut found);
            assert_eq!(found.join(" "), expected, "{old} to {new}");
        }
    }
}
