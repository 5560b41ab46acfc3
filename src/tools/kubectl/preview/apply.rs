//! `apply --prune` and `apply --force`: what the files no longer name, and what cannot be changed in
//! place.

use std::ffi::OsString;

use super::objects::{EXAMPLES, losing, part};
use super::{Kubectl, Measured, delete, judged};
use crate::preview::{Loss, Measure};
use crate::sanitize;

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
pub(super) fn apply(kubectl: &Kubectl<'_>) -> Measured {
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
    loss.add(part(
        Measure::Objects,
        pruned.len() as u64,
        "that the files do not name",
        pruned.iter().take(EXAMPLES).cloned().collect(),
    ));
    if loss.is_none() {
        return Ok(Loss::default());
    }
    Ok(loss)
}
