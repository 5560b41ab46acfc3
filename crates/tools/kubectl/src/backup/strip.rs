//! Objects without what the server and its controllers set themselves: so that they can be made again,
//! and compared.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::objects::{list, text};

/// What the server sets in every object.
const SERVERS: [&str; 9] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "initializers",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];
/// Annotations that controllers keep about what they did with an object that is gone.
const ABOUT_THE_OLD: [&str; 6] = [
    "deployment.kubernetes.io/revision",
    "kubernetes.io/service-account.uid",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.kubernetes.io/selected-node",
    "batch.kubernetes.io/job-tracking",
];
/// Labels by which a controller finds the pods of one job, by its uid.
const OF_ONE_JOB: [&str; 4] = [
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
];

/// What becomes of an object that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectFate {
    /// It is saved.
    Saved,
    /// Its owner makes it again.
    MadeAgain,
    /// It had run to its end: made again it would run again.
    Ended,
}

/// Whether an object is saved, and if not, why.
pub(super) fn fate(object: &Value) -> ObjectFate {
    let kind = text(object, "/kind");
    let by = list(object, "/metadata/ownerReferences")
        .iter()
        .find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
        .map_or("", |owner| text(owner, "/kind"));
    // Only what is known to be made the same again: a secret of an operator might come back as another.
    let again = match kind {
        "Pod" => matches!(
            by,
            "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController" | "Node"
        ),
        "ReplicaSet" => by == "Deployment",
        "Job" => by == "CronJob",
        "ControllerRevision" => matches!(by, "StatefulSet" | "DaemonSet"),
        "EndpointSlice" => by == "Service",
        _ => false,
    };
    if again {
        return ObjectFate::MadeAgain;
    }
    let phase = text(object, "/status/phase");
    if kind == "Pod" && matches!(phase, "Succeeded" | "Failed") {
        return ObjectFate::Ended;
    }
    let finished = |condition: &Value| {
        matches!(text(condition, "/type"), "Complete" | "Failed")
            && text(condition, "/status") == "True"
    };
    if kind == "Job" && list(object, "/status/conditions").iter().any(finished) {
        return ObjectFate::Ended;
    }
    ObjectFate::Saved
}

/// The object as it can be made again. References to owners stay only where the owner stays: `gone` are
/// the uids of what goes.
pub(super) fn stripped(object: &Value, gone: &HashSet<String>) -> Value {
    let mut fresh = object.clone();
    if let Some(map) = fresh.as_object_mut() {
        map.remove("status");
    }
    if let Some(metadata) = fresh.get_mut("metadata").and_then(Value::as_object_mut) {
        strip_metadata(metadata, gone);
    }
    let kind = text(object, "/kind").to_owned();
    let spec = fresh.get_mut("spec").and_then(Value::as_object_mut);
    match (kind.as_str(), spec) {
        ("Pod", Some(spec)) => {
            // The scheduler finds a node.
            spec.remove("nodeName");
        }
        ("Namespace", _) => {
            if let Some(map) = fresh.as_object_mut() {
                map.remove("spec");
            }
        }
        ("Job", Some(spec)) => strip_job(spec),
        ("PersistentVolume", Some(spec)) => {
            if let Some(claim) = spec.get_mut("claimRef").and_then(Value::as_object_mut) {
                claim.remove("uid");
                claim.remove("resourceVersion");
            }
        }
        ("Secret", _) if text(object, "/type") == "kubernetes.io/service-account-token" => {
            // The token of an account that is made again is another one; the controller fills it in.
            if let Some(map) = fresh.as_object_mut() {
                map.remove("data");
            }
        }
        _ => {}
    }
    fresh
}

fn strip_metadata(metadata: &mut Map<String, Value>, gone: &HashSet<String>) {
    for name in SERVERS {
        metadata.remove(name);
    }
    if let Some(annotations) = metadata
        .get_mut("annotations")
        .and_then(Value::as_object_mut)
    {
        for name in ABOUT_THE_OLD {
            annotations.remove(name);
        }
    }
    if let Some(owners) = metadata
        .get_mut("ownerReferences")
        .and_then(Value::as_array_mut)
    {
        owners.retain(|owner| !gone.contains(text(owner, "/uid")));
    }
    for name in ["annotations", "labels", "ownerReferences"] {
        let empty = match metadata.get(name) {
            Some(Value::Object(map)) => map.is_empty(),
            Some(Value::Array(list)) => list.is_empty(),
            _ => false,
        };
        if empty {
            metadata.remove(name);
        }
    }
}

/// A job comes back without what ties it to its old uid, and waits: it is not known how far it had come.
fn strip_job(spec: &mut Map<String, Value>) {
    spec.insert("suspend".to_owned(), Value::Bool(true));
    if spec.get("manualSelector") == Some(&Value::Bool(true)) {
        return;
    }
    spec.remove("selector");
    let labels = spec
        .get_mut("template")
        .and_then(|template| template.pointer_mut("/metadata/labels"))
        .and_then(Value::as_object_mut);
    if let Some(labels) = labels {
        for name in OF_ONE_JOB {
            labels.remove(name);
        }
    }
}

/// What was saved in the place of an object that is there: what was taken out because it belongs to the
/// one object stays as it is there.
pub(super) fn onto(saved: &Value, present: &Value) -> Value {
    let mut fresh = saved.clone();
    for name in ABOUT_THE_OLD {
        if let Some(value) = present
            .pointer("/metadata/annotations")
            .and_then(|annotations| annotations.get(name))
        {
            set(
                &mut fresh,
                &["metadata", "annotations", name],
                value.clone(),
            );
        }
    }
    let bound: &[&[&str]] = match text(present, "/kind") {
        "Pod" => &[&["spec", "nodeName"]],
        "Namespace" => &[&["spec"]],
        "PersistentVolumeClaim" => &[&["spec", "volumeName"]],
        "PersistentVolume" => &[&["spec", "claimRef"]],
        "Job" => &[
            &["spec", "selector"],
            &["spec", "suspend"],
            &["spec", "template"],
        ],
        "Secret" if text(present, "/type") == "kubernetes.io/service-account-token" => &[&["data"]],
        _ => &[],
    };
    for path in bound {
        if let Some(value) = path.iter().try_fold(present, |at, step| at.get(step)) {
            set(&mut fresh, path, value.clone());
        }
    }
    fresh
}

/// Sets a value, and the objects on the way to it.
fn set(object: &mut Value, path: &[&str], value: Value) {
    match (path, object) {
        ([], object) => *object = value,
        ([first, rest @ ..], Value::Object(map)) => {
            let below = map
                .entry(*first)
                .or_insert_with(|| Value::Object(Map::new()));
            set(below, rest, value);
        }
        _ => {}
    }
}

/// Whether two objects say the same, as far as people and not controllers wrote it.
pub(super) fn is_same(saved: &Value, present: &Value) -> bool {
    settled(saved) == settled(present)
}

/// Without what a controller fills in by itself, in either form.
fn settled(object: &Value) -> Value {
    let mut plain = stripped(object, &HashSet::new());
    let kind = text(object, "/kind").to_owned();
    if kind == "PersistentVolumeClaim"
        && let Some(spec) = plain.get_mut("spec").and_then(Value::as_object_mut)
    {
        spec.remove("volumeName");
    }
    if let Some(metadata) = plain.get_mut("metadata").and_then(Value::as_object_mut) {
        // References to owners are compared without uids, which are new in what was made again.
        metadata.remove("ownerReferences");
    }
    plain
}

/// Where the second value lacks something of the first, or has another value; `None` when it has all
/// of it. What the cluster adds is no difference.
pub(super) fn first_missing(saved: &Value, present: &Value) -> Option<String> {
    missing(&settled(saved), &settled(present), "")
}

fn missing(saved: &Value, present: &Value, path: &str) -> Option<String> {
    match (saved, present) {
        (Value::Object(saved), Value::Object(present)) => saved.iter().find_map(|(name, value)| {
            let below = format!("{path}/{name}");
            match present.get(name) {
                Some(other) => missing(value, other, &below),
                None => (!value.is_null()).then_some(below),
            }
        }),
        (Value::Array(saved), Value::Array(present)) if saved.len() == present.len() => saved
            .iter()
            .zip(present)
            .enumerate()
            .find_map(|(at, (value, other))| missing(value, other, &format!("{path}/{at}"))),
        _ => (saved != present).then(|| path.to_owned()),
    }
}

/// The place of a kind in an order in which objects can be made.
pub(super) fn order(kind: &str) -> u8 {
    match kind {
        "Namespace" => 0,
        "CustomResourceDefinition" => 1,
        "StorageClass" | "PriorityClass" | "RuntimeClass" | "IngressClass" | "Node" => 2,
        "ServiceAccount" | "ClusterRole" | "ClusterRoleBinding" | "Role" | "RoleBinding" => 3,
        "ResourceQuota" | "LimitRange" | "NetworkPolicy" | "PodDisruptionBudget" => 4,
        "ConfigMap" | "Secret" | "PersistentVolume" | "PersistentVolumeClaim" => 5,
        "Service" | "Endpoints" => 6,
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" => 8,
        "Pod" | "Job" | "CronJob" => 9,
        "HorizontalPodAutoscaler" | "Ingress" => 10,
        "APIService" | "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => 11,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_server_set_goes() {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": "a", "namespace": "b", "uid": "1", "resourceVersion": "2", "labels": {"x": "y"},
                "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [{}], "generation": 3,
                "annotations": {"deployment.kubernetes.io/revision": "2"},
                "ownerReferences": [{"uid": "gone", "kind": "A"}, {"uid": "stays", "kind": "B"}],
            },
            "data": {"k": "v"}, "status": {"x": 1},
        });
        let gone = HashSet::from(["gone".to_owned()]);
        let expected = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": "a", "namespace": "b", "labels": {"x": "y"},
                "ownerReferences": [{"uid": "stays", "kind": "B"}],
            },
            "data": {"k": "v"},
        });
        assert_eq!(stripped(&object, &gone), expected);
        assert!(is_same(&expected, &object));
    }

    #[test]
    fn kinds_with_ties_of_their_own() {
        for (object, expected) in [
            (
                json!({"kind": "Pod", "spec": {"nodeName": "n", "x": 1}}),
                json!({"kind": "Pod", "spec": {"x": 1}}),
            ),
            (
                json!({"kind": "Namespace", "spec": {"finalizers": ["kubernetes"]}}),
                json!({"kind": "Namespace"}),
            ),
            (
                json!({"kind": "Job", "spec": {"selector": {}, "template": {"metadata": {"labels": {"controller-uid": "u", "a": "b"}}}}}),
                json!({"kind": "Job", "spec": {"template": {"metadata": {"labels": {"a": "b"}}}, "suspend": true}}),
            ),
            (
                json!({"kind": "PersistentVolume", "spec": {"claimRef": {"name": "c", "uid": "u", "resourceVersion": "1"}}}),
                json!({"kind": "PersistentVolume", "spec": {"claimRef": {"name": "c"}}}),
            ),
            (
                json!({"kind": "Secret", "type": "kubernetes.io/service-account-token", "data": {"token": "x"}}),
                json!({"kind": "Secret", "type": "kubernetes.io/service-account-token"}),
            ),
        ] {
            assert_eq!(stripped(&object, &HashSet::new()), expected);
        }
    }

    #[test]
    fn what_comes_back_by_itself_or_must_not() {
        let owned = |kind: &str, by: &str| json!({"kind": kind, "metadata": {"ownerReferences": [{"kind": by, "controller": true}]}});
        for (object, expected) in [
            (json!({"kind": "Pod"}), ObjectFate::Saved),
            (owned("Pod", "ReplicaSet"), ObjectFate::MadeAgain),
            (owned("Pod", "Operator"), ObjectFate::Saved),
            (owned("ReplicaSet", "Deployment"), ObjectFate::MadeAgain),
            (owned("Secret", "Certificate"), ObjectFate::Saved),
            (
                json!({"kind": "Pod", "status": {"phase": "Succeeded"}}),
                ObjectFate::Ended,
            ),
            (
                json!({"kind": "Job", "status": {"conditions": [{"type": "Complete", "status": "True"}]}}),
                ObjectFate::Ended,
            ),
            (
                json!({"kind": "Job", "status": {"conditions": [{"type": "Complete", "status": "False"}]}}),
                ObjectFate::Saved,
            ),
        ] {
            assert_eq!(fate(&object), expected, "{object}");
        }
    }

    #[test]
    fn additions_are_changes_but_no_lack() {
        let saved = json!({"kind": "ConfigMap", "data": {"a": "1"}});
        for (present, same, lack) in [
            (json!({"kind": "ConfigMap", "data": {"a": "1"}}), true, None),
            (
                json!({"kind": "ConfigMap", "data": {"a": "1", "b": "2"}}),
                false,
                None,
            ),
            (
                json!({"kind": "ConfigMap", "data": {"a": "2"}}),
                false,
                Some("/data/a"),
            ),
            (json!({"kind": "ConfigMap"}), false, Some("/data")),
        ] {
            assert_eq!(is_same(&saved, &present), same, "{present}");
            assert_eq!(
                first_missing(&saved, &present).as_deref(),
                lack,
                "{present}"
            );
        }
    }
}
