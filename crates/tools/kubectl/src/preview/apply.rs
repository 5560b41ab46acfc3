//! `apply --prune` and `apply --force`: what the files no longer name, and what cannot be changed in
//! place.

use std::ffi::OsString;

use serde_json::Value;

use super::lots::{EXAMPLES, losing, lot};
use super::{KubectlProbe, Measured, delete, judged};
use crate::backup::{self, Objects};
use crate::objects::text;
use guard_core::loss::Loss;
use guard_ground::sanitize;
use guard_words::Measure;

/// Options that say what is applied and pruned. `--force` goes with no dry run.
const DECIDING: [&str; 14] = [
    "all",
    "field-manager",
    "filename",
    "force-conflicts",
    "kustomize",
    "openapi-patch",
    "overwrite",
    "prune",
    "prune-allowlist",
    "prune-whitelist",
    "recursive",
    "selector",
    "server-side",
    "subresource",
];

/// What the server says of a change that it only takes as a new object.
const UNCHANGEABLE: [&str; 3] = ["(Invalid)", "is invalid", "immutable"];

/// Measures an `apply`.
pub(super) fn apply(kubectl: &KubectlProbe<'_>) -> Measured {
    let mut words: Vec<OsString> = vec!["apply".into()];
    words.extend(kubectl.options(&DECIDING)?);
    words.extend(["--dry-run=server", "--validate=false"].map(Into::into));
    words.extend(kubectl.operands());
    let answer = kubectl.ask(&words)?;
    let errors = String::from_utf8_lossy(&answer.errors);
    let unchangeable = errors
        .lines()
        .any(|line| UNCHANGEABLE.iter().any(|word| line.contains(word)));
    let mut loss = losing("prune");
    if unchangeable && kubectl.invocation.has("--force") {
        loss.merge(delete::made_again(&delete::objects_of_files(kubectl)?));
    } else if !unchangeable {
        judged(&answer)?;
    }
    let pruned: Vec<String> = String::from_utf8_lossy(&answer.output)
        .lines()
        .filter_map(|line| line.split_once(" pruned"))
        .map(|(name, _)| sanitize::text(name.trim()))
        .collect();
    loss.add(lot(
        Measure::Objects,
        pruned.len() as u64,
        "that the files do not name",
        pruned.iter().take(EXAMPLES).cloned().collect(),
    ));
    if loss.is_none() {
        return Ok(Loss::default());
    }
    if !pruned.is_empty() {
        let found = pruned_objects(kubectl, &pruned);
        if let Some(lot) = loss.lots.last_mut() {
            lot.kept = found.len() == pruned.len() && found.iter().all(backup::is_all);
        }
        if found.len() == pruned.len() {
            let saved = Objects::of(&found).with_contents(&found);
            loss.saves.push(saved);
        } else {
            loss.fact("what is pruned could not be found one by one: it is not saved");
        }
    }
    Ok(loss)
}

/// The objects behind `configmap/settings`: kubectl prunes in the namespaces of what it applies, and does
/// not say in which one. Only where that is clear.
fn pruned_objects(kubectl: &KubectlProbe<'_>, pruned: &[String]) -> Vec<Value> {
    let applied = delete::objects_of_files(kubectl).unwrap_or_default();
    let mut namespaces: Vec<&str> = applied
        .iter()
        .map(|object| text(object, "/metadata/namespace"))
        .filter(|namespace| !namespace.is_empty())
        .collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let words: Vec<&str> = pruned.iter().map(String::as_str).collect();
    let mut found: Vec<Value> = Vec::new();
    for namespace in namespaces {
        let option = format!("--namespace={namespace}");
        let mut words = words.clone();
        words.push(&option);
        for object in kubectl.get_named(&words).unwrap_or_default() {
            let uid = text(&object, "/metadata/uid");
            if !found.iter().any(|one| text(one, "/metadata/uid") == uid) {
                found.push(object);
            }
        }
    }
    found
}
