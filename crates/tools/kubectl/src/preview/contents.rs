//! What goes with an object that holds others: a namespace, a resource definition, a volume claim.

use std::collections::BTreeMap;

use serde_json::Value;

use super::lots::lot;
use super::{KubectlProbe, Unmeasured};
use crate::kinds::{EVERYWHERE, LISTING, kinds};
use crate::objects::{name, text};
use guard_core::loss::Loss;
use guard_ground::sanitize;
use guard_words::Measure;

/// Kinds on a line.
const KINDS: usize = 20;

type Gathered = Result<(), Unmeasured>;

/// A namespace with everything in it by kind.
pub(super) fn namespace(kubectl: &KubectlProbe<'_>, namespace: &str, loss: &mut Loss) -> Gathered {
    let listed = kubectl.ask(&LISTING)?;
    let kinds = kinds(&listed.output);
    if kinds.is_empty() {
        return Err(format!(
            "the cluster does not say what it has: {}",
            listed.complaint()
        ));
    }
    let answer = kubectl.ask(&[
        "get",
        &kinds.join(","),
        &format!("--namespace={namespace}"),
        "--output=name",
        "--ignore-not-found",
    ])?;
    let names: Vec<String> = String::from_utf8_lossy(&answer.output)
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty() && !EVERYWHERE.contains(&line.as_str()))
        .collect();
    let mut whole = lot(
        Measure::Objects,
        names.len() as u64,
        &format!(
            "in namespace {}: {}",
            sanitize::text(namespace),
            by_kind(&names)
        ),
        Vec::new(),
    );
    whole.at_least = !(listed.success && answer.success);
    // Claims hold data, pods what runs in them, jobs how far they are: that does not come back.
    let is_data = |name: &String| {
        ["persistentvolumeclaim/", "pod/", "job.batch/"]
            .iter()
            .any(|kind| name.starts_with(kind))
    };
    whole.kept = !whole.at_least && !names.iter().any(is_data);
    loss.add(whole);
    if names
        .iter()
        .any(|name| name.starts_with("persistentvolumeclaim/"))
    {
        let claims = kubectl.get_named(&["pvc", &format!("--namespace={namespace}")])?;
        for object in &claims {
            claim(kubectl, object, loss);
        }
    }
    Ok(())
}

/// `4 pod, 1 service`: how many of each kind, the most first.
fn by_kind(names: &[String]) -> String {
    let mut sums: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        let kind = name.split('/').next().unwrap_or_default();
        *sums.entry(kind).or_default() += 1;
    }
    let mut sums: Vec<(&str, usize)> = sums.into_iter().collect();
    sums.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = sums.len().saturating_sub(KINDS);
    let mut told: Vec<String> = sums
        .iter()
        .take(KINDS)
        .map(|(kind, count)| format!("{count} {}", sanitize::text(kind)))
        .collect();
    if more > 0 {
        told.push(format!("{more} more kinds"));
    }
    told.join(", ")
}

/// A resource definition: every object of its kind, wherever it is.
pub(super) fn definition(kubectl: &KubectlProbe<'_>, object: &Value, loss: &mut Loss) -> Gathered {
    let kind = text(object, "/metadata/name");
    let answer = kubectl.ask(&[
        "get",
        kind,
        "--all-namespaces",
        "--output=name",
        "--ignore-not-found",
    ])?;
    let count = String::from_utf8_lossy(&answer.output)
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count();
    let what = format!("of kind {} in all namespaces", sanitize::text(kind));
    let mut all = lot(Measure::Objects, count as u64, &what, Vec::new());
    all.at_least = !answer.success;
    all.kept = answer.success;
    loss.add(all);
    Ok(())
}

/// A volume claim: how large it is, and whether its data go with it.
pub(super) fn claim(kubectl: &KubectlProbe<'_>, object: &Value, loss: &mut Loss) {
    let volume = text(object, "/spec/volumeName");
    let size = text(object, "/status/capacity/storage");
    let shown = name(object);
    if volume.is_empty() {
        loss.fact(format!("{shown}: bound to no volume"));
        return;
    }
    // Volumes belong to no namespace, and not everybody may look at them.
    let volumes = kubectl.get_named(&["pv", volume]).unwrap_or_default();
    let policy = volumes.first().map_or("", |volume| {
        text(volume, "/spec/persistentVolumeReclaimPolicy")
    });
    let after = match policy {
        "Delete" => "its data go with it",
        "Retain" => "the volume stays, unbound",
        "Recycle" => "its data are wiped",
        _ => "what becomes of its data is not known",
    };
    let policy = if policy.is_empty() { "unknown" } else { policy };
    loss.fact(format!(
        "{shown} ({}): reclaim policy {}: {after}",
        sanitize::text(if size.is_empty() {
            "size unknown"
        } else {
            size
        }),
        sanitize::text(policy)
    ));
}
