//! Workloads that stop serving, or serve something else: `scale`, `rollout undo`; and what is known of
//! what `edit` and `cp` touch.

use serde_json::Value;

use super::lots::{EXAMPLES, losing, lot};
use super::{KubectlProbe, Measured, Unmeasured};
use crate::backup::Objects;
use crate::objects::{is_workload, list, name, owner, replicas, text};
use guard_core::loss::Loss;
use guard_ground::sanitize;
use guard_words::Measure;

/// `scale` to nothing.
pub(super) fn scale(kubectl: &KubectlProbe<'_>) -> Measured {
    let names = [
        "all",
        "current-replicas",
        "filename",
        "kustomize",
        "recursive",
        "replicas",
        "resource-version",
        "selector",
    ];
    if kubectl
        .dry_run(&names, &["--output=name"])?
        .trim()
        .is_empty()
    {
        return Ok(Loss::default());
    }
    let objects = kubectl.chosen(&[])?;
    let mut loss = stopped(&objects);
    let flag = kubectl.invocation.flag("--replicas");
    let wanted: Option<u64> = flag.and_then(|flag| flag.text()?.parse().ok());
    let mut saved = Objects::default();
    for object in &objects {
        let mut after = object.clone();
        let replicas = after.pointer_mut("/spec/replicas");
        let known = match (replicas, wanted) {
            (Some(replicas), Some(wanted)) => {
                *replicas = wanted.into();
                true
            }
            _ => false,
        };
        saved.add(object, known.then_some(after));
    }
    if !loss.is_none() {
        loss.saves.push(saved);
    }
    Ok(loss)
}

/// Workloads without pods from now on.
pub(super) fn stopped(objects: &[Value]) -> Loss {
    let mut loss = losing("stop");
    let running: Vec<&Value> = objects
        .iter()
        .filter(|object| replicas(object).1 > 0)
        .collect();
    let serves = |object: &&&Value| replicas(object).0 > 0;
    let shown = |object: &&Value| {
        let (ready, wanted) = replicas(object);
        format!("{} ({ready} of {wanted})", name(object))
    };
    let serving: Vec<&Value> = running.iter().filter(serves).copied().collect();
    loss.add(lot(
        Measure::Pods,
        serving.iter().map(|object| replicas(object).0).sum(),
        "serving now, of",
        serving.iter().take(EXAMPLES).map(shown).collect(),
    ));
    let waiting: Vec<&Value> = running.iter().filter(|one| !serves(one)).copied().collect();
    loss.add(lot(
        Measure::Objects,
        waiting.len() as u64,
        "that would no longer try to serve",
        waiting.iter().take(EXAMPLES).map(shown).collect(),
    ));
    loss
}

/// `rollout undo`: what serves now makes way for an earlier revision.
pub(super) fn undo(kubectl: &KubectlProbe<'_>) -> Measured {
    let names = [
        "filename",
        "kustomize",
        "recursive",
        "selector",
        "to-revision",
    ];
    let printed = kubectl.dry_run(&names, &[])?;
    if !printed.lines().any(|line| line.contains("rolled back")) {
        return Ok(Loss::default());
    }
    let objects = kubectl.chosen(&[])?;
    let mut loss = losing("replace");
    if !objects.is_empty() {
        loss.saves.push(Objects::of(&objects));
    }
    let shown = |object: &Value| {
        let revision = object.pointer("/metadata/annotations/deployment.kubernetes.io~1revision");
        let revision = revision.and_then(Value::as_str).unwrap_or("?");
        let images: Vec<&str> = list(object, "/spec/template/spec/containers")
            .iter()
            .map(|container| text(container, "/image"))
            .collect();
        let told = format!("revision {revision}, {}", images.join(" "));
        format!(
            "{} ({})",
            name(object),
            sanitize::cut(&sanitize::text(&told), 100)
        )
    };
    let pods: u64 = objects.iter().map(|object| replicas(object).0).sum();
    let examples: Vec<String> = objects.iter().take(EXAMPLES).map(shown).collect();
    if pods > 0 {
        let what = "serving now, to make way for an earlier revision, of";
        loss.add(lot(Measure::Pods, pods, what, examples));
    } else {
        let count = objects.len() as u64;
        loss.add(lot(
            Measure::Objects,
            count,
            "put back to an earlier revision",
            examples,
        ));
    }
    Ok(loss)
}

/// What serves now of the objects that a command touches.
pub(super) fn serving(kubectl: &KubectlProbe<'_>, facts: &mut Loss) -> Result<(), Unmeasured> {
    let objects = kubectl.chosen(&[])?;
    if !objects.is_empty() {
        facts.saves.push(Objects::of(&objects));
    }
    for object in objects.iter().take(EXAMPLES) {
        if is_workload(object) {
            let (ready, wanted) = replicas(object);
            facts.fact(format!("{}: {ready} of {wanted} serve now", name(object)));
        } else {
            facts.fact(format!("{} exists", name(object)));
        }
    }
    Ok(())
}

/// What is known of the place that `cp` writes to: the volume, and who would make the pod again.
pub(super) fn destination(kubectl: &KubectlProbe<'_>, facts: &mut Loss) -> Result<(), Unmeasured> {
    let Some(target) = kubectl.invocation.operands.last() else {
        return Ok(());
    };
    let target = target.text.to_string_lossy();
    let Some((pod, path)) = target.split_once(':') else {
        return Ok(());
    };
    let (namespace, pod) = match pod.split_once('/') {
        Some((namespace, pod)) => (Some(format!("--namespace={namespace}")), pod),
        None => (None, pod),
    };
    let mut words = vec!["pod", pod];
    words.extend(namespace.as_deref());
    for object in kubectl.get_named(&words)? {
        facts.fact(match mounted(&object, path) {
            Some(volume) => format!("{} lies on {volume}", sanitize::text(path)),
            None => format!(
                "{} lies in the container's own file system, which goes with the pod",
                sanitize::text(path)
            ),
        });
        if let Some(owner) = owner(&object) {
            facts.fact(format!("{} belongs to {owner}", name(&object)));
        }
    }
    Ok(())
}

/// The volume that holds a path in any container of the pod.
fn mounted(pod: &Value, path: &str) -> Option<String> {
    let mount = list(pod, "/spec/containers")
        .iter()
        .flat_map(|container| list(container, "/volumeMounts"))
        .filter(|mount| {
            let place = text(mount, "/mountPath").trim_end_matches('/');
            path.strip_prefix(place)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
        .max_by_key(|mount| text(mount, "/mountPath").len())?;
    let volume = list(pod, "/spec/volumes")
        .iter()
        .find(|volume| text(volume, "/name") == text(mount, "/name"))?;
    let claim = text(volume, "/persistentVolumeClaim/claimName");
    Some(if claim.is_empty() {
        format!("volume {}", sanitize::text(text(volume, "/name")))
    } else {
        format!("volume claim {}", sanitize::text(claim))
    })
}
