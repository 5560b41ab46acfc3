//! Objects that go: `delete` in every form, `replace --force`, `debug --replace`, requests to the API.

use serde_json::Value;

use super::contents;
use super::lots::{EXAMPLES, losing, lot};
use super::{KubectlProbe, Measured, SELECTING, Unmeasured};
use crate::backup::{self, Objects};
use crate::objects::{is_workload, name, owner, replicas, text};
use guard_core::loss::Loss;
use guard_ground::sanitize;
use guard_words::Measure;

/// Options of `delete` that say what goes.
const DECIDING: [&str; 9] = [
    "all",
    "all-namespaces",
    "cascade",
    "field-selector",
    "filename",
    "ignore-not-found",
    "kustomize",
    "recursive",
    "selector",
];

/// Owners that are named.
const OWNERS: usize = 6;

/// `delete`.
pub(super) fn delete(kubectl: &KubectlProbe<'_>) -> Measured {
    if let Some(flag) = kubectl.invocation.flag("--raw") {
        return raw(kubectl, flag.text().unwrap_or_default());
    }
    let printed = kubectl.dry_run(&DECIDING, &["--output=name", "--wait=false"])?;
    let names: Vec<String> = printed
        .lines()
        .map(str::trim)
        // Newer ones also say "No resources found".
        .filter(|line| line.contains('/') && !line.contains(' '))
        .map(sanitize::text)
        .collect();
    if names.is_empty() {
        return Ok(Loss::default());
    }
    match kubectl.chosen(&[]) {
        Ok(objects) => of_objects(kubectl, &names, &objects),
        Err(why) => {
            let mut loss = of_objects(kubectl, &names, &[])?;
            for lot in &mut loss.lots {
                lot.at_least = true;
            }
            loss.fact(format!("what hangs on them cannot be seen: {why}"));
            Ok(loss)
        }
    }
}

/// What is lost with these objects: themselves, what they hold, and what serves by them.
fn of_objects(kubectl: &KubectlProbe<'_>, names: &[String], objects: &[Value]) -> Measured {
    let orphans = kubectl
        .invocation
        .flag("--cascade")
        .is_some_and(|flag| matches!(flag.text(), Some("orphan" | "false")));
    let mut loss = losing("delete");
    let mut whole = lot(
        Measure::Objects,
        names.len() as u64,
        "",
        names.iter().take(EXAMPLES).cloned().collect(),
    );
    whole.kept = names.len() == objects.len() && objects.iter().all(backup::is_all);
    loss.add(whole);
    if !objects.is_empty() {
        let saved = Objects::of(objects).with_contents(objects);
        loss.saves.push(saved);
    }
    for object in objects {
        match text(object, "/kind") {
            "Namespace" => contents::namespace(kubectl, text(object, "/metadata/name"), &mut loss)?,
            "CustomResourceDefinition" => contents::definition(kubectl, object, &mut loss)?,
            "PersistentVolumeClaim" => contents::claim(kubectl, object, &mut loss),
            "PersistentVolume" => loss.fact(format!(
                "{}: what uses it can no longer reach its data",
                name(object)
            )),
            _ => {}
        }
    }
    if orphans {
        loss.fact("what belongs to them stays, without an owner");
    } else {
        serving(objects, &mut loss);
    }
    owners(objects, &mut loss);
    if let [only] = names
        && let Some(namespace) = only.strip_prefix("namespace/")
    {
        let name = guard_core::naming::typeable(namespace.as_ref());
        loss.phrase.place = format!("in {name}");
    }
    Ok(loss)
}

/// Pods that end with the workloads that are deleted.
fn serving(objects: &[Value], loss: &mut Loss) {
    let workloads: Vec<&Value> = objects
        .iter()
        .filter(|object| is_workload(object))
        .collect();
    let pods = workloads.iter().map(|object| replicas(object).0).sum();
    let examples = workloads
        .iter()
        .filter(|object| replicas(object).0 > 0)
        .take(EXAMPLES)
        .map(|object| name(object))
        .collect();
    loss.add(lot(Measure::Pods, pods, "serving now, of", examples));
    for object in workloads {
        if text(object, "/kind") == "StatefulSet" {
            let policy = text(
                object,
                "/spec/persistentVolumeClaimRetentionPolicy/whenDeleted",
            );
            loss.fact(format!(
                "{}: its volume claims {}",
                name(object),
                if policy == "Delete" {
                    "go with it"
                } else {
                    "stay"
                }
            ));
        }
    }
}

/// Who would make what is deleted again.
fn owners(objects: &[Value], loss: &mut Loss) {
    let owned: Vec<(String, String)> = objects
        .iter()
        .filter_map(|object| Some((name(object), owner(object)?)))
        .collect();
    for (object, owner) in owned.iter().take(OWNERS) {
        loss.fact(format!("{owner} would make {object} again"));
    }
    if owned.len() > OWNERS {
        loss.fact(format!(
            "{} more have an owner that would make them again",
            owned.len() - OWNERS
        ));
    }
}

/// `replace --force`: what exists is deleted before it is made again.
pub(super) fn replace(kubectl: &KubectlProbe<'_>) -> Measured {
    if kubectl.invocation.has("--raw") {
        return raw_request(kubectl);
    }
    let objects = kubectl.chosen(&[])?;
    Ok(made_again(&objects))
}

/// Objects that are deleted and made again from files.
pub(super) fn made_again(objects: &[Value]) -> Loss {
    let mut loss = losing("replace");
    loss.add(lot(
        Measure::Objects,
        objects.len() as u64,
        "deleted and made again",
        objects.iter().take(EXAMPLES).map(name).collect(),
    ));
    if !objects.is_empty() {
        loss.saves.push(Objects::of(objects));
    }
    serving(objects, &mut loss);
    loss
}

/// `debug POD --copy-to=X --replace`: the original goes.
pub(super) fn debug(kubectl: &KubectlProbe<'_>) -> Measured {
    let Some(pod) = kubectl.invocation.operands.first() else {
        return Ok(Loss::default());
    };
    let pod = pod.text.to_string_lossy().into_owned();
    let words: Vec<&str> = if pod.contains('/') {
        vec![&pod]
    } else {
        vec!["pod", &pod]
    };
    let objects = kubectl.get_named(&words)?;
    let names: Vec<String> = objects.iter().map(name).collect();
    if names.is_empty() {
        return Ok(Loss::default());
    }
    of_objects(kubectl, &names, &objects)
}

/// `replace` and `create` with `--raw`: a namespace that is finalized, a pod that is evicted.
pub(super) fn raw_request(kubectl: &KubectlProbe<'_>) -> Measured {
    let path = kubectl
        .invocation
        .flag("--raw")
        .and_then(|flag| flag.text());
    let path = path
        .unwrap_or_default()
        .split('?')
        .next()
        .unwrap_or_default();
    let parent = path
        .strip_suffix("/finalize")
        .or_else(|| path.strip_suffix("/eviction"));
    match parent {
        Some(parent) => raw(kubectl, parent),
        None => Err("guard does not know what this request does".to_owned()),
    }
}

/// A path of the API whose object, or whose objects all together, would go.
fn raw(kubectl: &KubectlProbe<'_>, path: &str) -> Measured {
    let path = path.split('?').next().unwrap_or_default();
    let answer = kubectl.ask(&["get", "--raw", path])?;
    super::judged(&answer)?;
    if !answer.success {
        return Ok(Loss::default());
    }
    let document: Value = serde_json::from_slice(&answer.output)
        .map_err(|_| "the server did not send an object".to_owned())?;
    let mut objects = match document.get("items").and_then(Value::as_array) {
        Some(items) => items.clone(),
        None => vec![document.clone()],
    };
    let kind = text(&document, "/kind").trim_end_matches("List").to_owned();
    let version = document.get("apiVersion").cloned().unwrap_or_default();
    for object in &mut objects {
        if let Some(map) = object.as_object_mut() {
            map.entry("kind").or_insert_with(|| kind.clone().into());
            map.entry("apiVersion").or_insert_with(|| version.clone());
        }
    }
    let names: Vec<String> = objects.iter().map(name).collect();
    if names.is_empty() {
        return Ok(Loss::default());
    }
    of_objects(kubectl, &names, &objects)
}

/// Options that choose the objects of a file.
pub(super) fn objects_of_files(kubectl: &KubectlProbe<'_>) -> Result<Vec<Value>, Unmeasured> {
    let mut words = kubectl.options(&SELECTING)?;
    words.retain(|word| !word.to_string_lossy().starts_with("--selector"));
    kubectl.get(&words)
}
