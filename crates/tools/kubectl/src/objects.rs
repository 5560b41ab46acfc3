//! Objects of a cluster, as `kubectl get -o json` prints them.
//!
//! Names, kinds and numbers leave this module; what an object holds can be secret and stays.

use serde_json::Value;

use guard_ground::sanitize;

/// The objects that kubectl printed, lists taken apart.
pub(crate) fn read(printed: &[u8]) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    for document in serde_json::Deserializer::from_slice(printed).into_iter::<Value>() {
        let mut document = document.map_err(|_| "kubectl did not print objects".to_owned())?;
        match document.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => found.extend(items),
            _ => found.push(document),
        }
    }
    Ok(found)
}

/// A text inside an object.
pub(crate) fn text<'v>(object: &'v Value, pointer: &str) -> &'v str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A number inside an object.
pub(crate) fn number(object: &Value, pointer: &str) -> u64 {
    object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// A list inside an object.
pub(crate) fn list<'v>(object: &'v Value, pointer: &str) -> &'v [Value] {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// `kind/name`, as kubectl takes it.
pub(crate) fn name(object: &Value) -> String {
    let shown = format!(
        "{}/{}",
        text(object, "/kind").to_ascii_lowercase(),
        text(object, "/metadata/name")
    );
    sanitize::cut(&sanitize::text(&shown), 120)
}

/// The controller that would make the object again.
pub(crate) fn owner(object: &Value) -> Option<String> {
    list(object, "/metadata/ownerReferences")
        .iter()
        .find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
        .map(|owner| {
            let shown = format!(
                "{}/{}",
                text(owner, "/kind").to_ascii_lowercase(),
                text(owner, "/name")
            );
            sanitize::text(&shown)
        })
}

/// Pods of a workload that serve now, and how many it wants.
pub(crate) fn replicas(object: &Value) -> (u64, u64) {
    if text(object, "/kind") == "DaemonSet" {
        return (
            number(object, "/status/numberReady"),
            number(object, "/status/desiredNumberScheduled"),
        );
    }
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_u64);
    (number(object, "/status/readyReplicas"), wanted.unwrap_or(1))
}

/// Whether pods hang on the object.
pub(crate) fn is_workload(object: &Value) -> bool {
    matches!(
        text(object, "/kind"),
        "Deployment" | "StatefulSet" | "ReplicaSet" | "DaemonSet" | "ReplicationController"
    )
}
