//! Nodes that pods have to leave: `drain`, and taints that evict.

use serde_json::Value;

use super::lots::{EXAMPLES, losing, lot};
use super::{KubectlProbe, Measured, Unmeasured};
use crate::backup::Objects;
use crate::objects::{list, owner, text};
use guard_core::loss::Loss;
use guard_ground::sanitize;
use guard_words::Measure;

/// `drain`: the server says which pods would be evicted.
pub(super) fn drain(kubectl: &KubectlProbe<'_>) -> Measured {
    let names = [
        "chunk-size",
        "delete-emptydir-data",
        "delete-local-data",
        "disable-eviction",
        "force",
        "ignore-daemonsets",
        "pod-selector",
        "selector",
    ];
    let printed = kubectl.dry_run(&names, &[])?;
    let mut evicted = Vec::new();
    let mut nodes = Vec::new();
    for line in printed.lines() {
        if let Some(pod) = between(
            line,
            &["evicting pod ", "deleting pod "],
            " (server dry run)",
        ) {
            evicted.push(pod.to_owned());
        } else if let Some(node) = line.strip_prefix("node/")
            && line.contains("cordoned")
        {
            nodes.push(node.split(' ').next().unwrap_or_default().to_owned());
        }
    }
    if evicted.is_empty() {
        return Ok(Loss::default());
    }
    // What makes it worse is said where it can be seen.
    let pods = on_nodes(kubectl, &nodes).unwrap_or_default();
    let leaving: Vec<&Value> = pods
        .iter()
        .filter(|pod| evicted.contains(&full_name(pod)))
        .collect();
    let mut loss = losing("evict");
    saving(&leaving, &mut loss);
    loss.add(lot(
        Measure::Pods,
        evicted.len() as u64,
        "evicted",
        if leaving.is_empty() {
            evicted
                .iter()
                .take(EXAMPLES)
                .map(|name| sanitize::text(name))
                .collect()
        } else {
            leaving
                .iter()
                .take(EXAMPLES)
                .map(|pod| shown(pod))
                .collect()
        },
    ));
    place(&mut loss, &nodes);
    Ok(loss)
}

/// Pods that nobody makes again are saved.
fn saving(leaving: &[&Value], loss: &mut Loss) {
    let mut saved = Objects::default();
    for pod in leaving.iter().filter(|pod| owner(pod).is_none()) {
        saved.add(pod, None);
    }
    if !saved.targets.is_empty() {
        loss.saves.push(saved);
    }
}

fn between<'l>(line: &'l str, starts: &[&str], end: &str) -> Option<&'l str> {
    let rest = starts.iter().find_map(|start| line.strip_prefix(start))?;
    rest.strip_suffix(end)
}

/// `taint … KEY=VALUE:NoExecute`: every pod that does not tolerate it.
pub(super) fn taint(kubectl: &KubectlProbe<'_>) -> Measured {
    let names = ["all", "overwrite", "selector", "validate"];
    let printed = kubectl.dry_run(&names, &["--output=name"])?;
    let nodes: Vec<String> = printed
        .lines()
        .filter_map(|line| line.trim().strip_prefix("node/"))
        .map(str::to_owned)
        .collect();
    if nodes.is_empty() {
        return Ok(Loss::default());
    }
    let taints: Vec<(String, String)> = kubectl
        .invocation
        .operands
        .iter()
        .filter_map(|word| {
            let text = word.text.to_string_lossy();
            let taint = text.strip_suffix(":NoExecute")?;
            let (key, value) = taint.split_once('=').unwrap_or((taint, ""));
            Some((key.to_owned(), value.to_owned()))
        })
        .collect();
    let pods = on_nodes(kubectl, &nodes)?;
    let leaving: Vec<&Value> = pods
        .iter()
        .filter(|pod| !taints.iter().all(|(key, value)| tolerates(pod, key, value)))
        .collect();
    let mut loss = losing("evict");
    saving(&leaving, &mut loss);
    loss.add(lot(
        Measure::Pods,
        leaving.len() as u64,
        "evicted",
        leaving
            .iter()
            .take(EXAMPLES)
            .map(|pod| shown(pod))
            .collect(),
    ));
    place(&mut loss, &nodes);
    Ok(loss)
}

/// Whether a pod stays in spite of a `NoExecute` taint (core/v1, `Toleration`).
fn tolerates(pod: &Value, key: &str, value: &str) -> bool {
    list(pod, "/spec/tolerations").iter().any(|toleration| {
        let effect = text(toleration, "/effect");
        let for_all_keys = text(toleration, "/key").is_empty();
        let exists = text(toleration, "/operator") == "Exists";
        // With a time it only stays for that time.
        let forever = toleration.pointer("/tolerationSeconds").is_none();
        forever
            && (effect.is_empty() || effect == "NoExecute")
            && ((for_all_keys && exists)
                || (text(toleration, "/key") == key
                    && (exists || text(toleration, "/value") == value)))
    })
}

/// The pods on these nodes.
fn on_nodes(kubectl: &KubectlProbe<'_>, nodes: &[String]) -> Result<Vec<Value>, Unmeasured> {
    let mut pods = Vec::new();
    for node in nodes {
        let chosen = format!("--field-selector=spec.nodeName={node}");
        pods.extend(kubectl.get_named(&["pods", "--all-namespaces", &chosen])?);
    }
    Ok(pods)
}

fn full_name(pod: &Value) -> String {
    format!(
        "{}/{}",
        text(pod, "/metadata/namespace"),
        text(pod, "/metadata/name")
    )
}

/// A pod, with what makes its eviction worse.
fn shown(pod: &Value) -> String {
    let mut notes = Vec::new();
    if owner(pod).is_none() {
        notes.push("nobody makes it again");
    }
    let is_empty_dir = |volume: &&Value| volume.get("emptyDir").is_some();
    if list(pod, "/spec/volumes")
        .iter()
        .any(|volume| is_empty_dir(&volume))
    {
        notes.push("its emptyDir goes");
    }
    let name = sanitize::text(&full_name(pod));
    if notes.is_empty() {
        name
    } else {
        format!("{name} ({})", notes.join(", "))
    }
}

/// The phrase names the node.
fn place(loss: &mut Loss, nodes: &[String]) {
    loss.phrase.place = match nodes {
        [only] => format!("from {}", guard_core::naming::typeable(only.as_ref())),
        more => format!("from {} nodes", more.len()),
    };
}
