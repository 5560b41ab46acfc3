//! Which kinds of objects a namespace can hold, and what every one of them holds anyway.

/// Kinds that the cluster keeps by itself about others.
const DERIVED: [&str; 6] = [
    "events",
    "events.events.k8s.io",
    "endpoints",
    "endpointslices.discovery.k8s.io",
    "controllerrevisions.apps",
    "leases.coordination.k8s.io",
];

/// What every namespace has.
pub(crate) const EVERYWHERE: [&str; 2] = ["configmap/kube-root-ca.crt", "serviceaccount/default"];

/// Asks for all kinds of objects that are in namespaces.
pub(crate) const LISTING: [&str; 4] = [
    "api-resources",
    "--verbs=list,delete",
    "--namespaced",
    "--output=name",
];

/// The kinds of the answer to [`LISTING`], without those that the cluster keeps by itself.
pub(crate) fn kinds(printed: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(printed)
        .lines()
        .map(|kind| kind.trim().to_owned())
        .filter(|kind| !kind.is_empty() && !DERIVED.contains(&kind.as_str()))
        .collect()
}
