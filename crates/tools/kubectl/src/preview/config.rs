//! `config delete-*` and `config unset`: entries of the kubeconfig, and the credentials in them.

use std::path::PathBuf;

use serde_json::Value;

use super::lots::{losing, lot};
use super::{KubectlProbe, Measured};
use crate::objects::{list, text};
use guard_core::loss::Loss;
use guard_ground::sanitize;
use guard_trees as tree;
use guard_words::Measure;

/// Measures a command that takes entries out of the kubeconfig.
pub(super) fn config(kubectl: &KubectlProbe<'_>) -> Measured {
    let [operand] = kubectl.invocation.operands.as_slice() else {
        return Ok(Loss::default());
    };
    let operand = operand.text.to_string_lossy();
    let verb = kubectl.invocation.verb.get(1).map_or("", |word| word);
    let (kind, wanted) = match (verb, operand.split_once('.')) {
        ("delete-cluster", _) => ("cluster", &*operand),
        ("delete-context", _) => ("context", &*operand),
        ("delete-user", _) => ("user", &*operand),
        ("unset", Some(("clusters", name))) => ("cluster", name),
        ("unset", Some(("contexts", name))) => ("context", name),
        ("unset", Some(("users", name))) => ("user", name),
        ("unset", None) if matches!(&*operand, "clusters" | "contexts" | "users") => {
            (operand.trim_end_matches('s'), "")
        }
        // The current context, or a preference: it is set again in a moment.
        ("unset", _) => return Ok(Loss::default()),
        _ => return Err(format!("guard cannot measure kubectl config {verb}")),
    };
    let answer = kubectl.ask(&["config", "view", "--output=json"])?;
    super::judged(&answer)?;
    let view: Value = serde_json::from_slice(&answer.output)
        .map_err(|_| "kubectl did not print its configuration".to_owned())?;
    let entries: Vec<&Value> = list(&view, &format!("/{kind}s"))
        .iter()
        .filter(|entry| {
            let name = text(entry, "/name");
            // `unset users.ada.token` takes one field of ada's.
            let rest = wanted.strip_prefix(name);
            wanted.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
        .collect();
    let mut loss = losing("delete");
    let shown = |entry: &&Value| {
        let name = sanitize::text(text(entry, "/name"));
        let cluster = text(entry, "/context/cluster");
        let server = text(entry, "/cluster/server");
        match (cluster, server) {
            ("", "") => name,
            ("", server) => format!("{name} (server {})", sanitize::text(server)),
            (cluster, _) => format!(
                "{name} (cluster {}, user {})",
                sanitize::text(cluster),
                sanitize::text(text(entry, "/context/user"))
            ),
        }
    };
    let what = match kind {
        "user" => "of the kubeconfig: a user with its credentials",
        "cluster" => "of the kubeconfig: a cluster with its address and certificate",
        _ => "of the kubeconfig: a context",
    };
    loss.add(lot(
        Measure::Objects,
        entries.len() as u64,
        what,
        entries.iter().map(shown).collect(),
    ));
    "from the kubeconfig".clone_into(&mut loss.phrase.place);
    let files = files(kubectl);
    if !loss.is_none() && !files.is_empty() {
        let root = |path| tree::Root {
            path,
            unlinked: false,
            inside: false,
            alone: false,
        };
        loss.saves.push(tree::Trees {
            roots: files.into_iter().map(root).collect(),
            ..tree::Trees::default()
        });
        for lot in &mut loss.lots {
            lot.kept = true;
        }
    }
    Ok(loss)
}

/// The files that kubectl reads its configuration from, as far as they are there.
fn files(kubectl: &KubectlProbe<'_>) -> Vec<PathBuf> {
    let flag = kubectl.invocation.flag("--kubeconfig");
    let named: Vec<PathBuf> = match flag.and_then(|flag| flag.value.clone()) {
        Some(file) => vec![file.into()],
        None => match kubectl.context.value("KUBECONFIG") {
            Some(files) => std::env::split_paths(&files).collect(),
            None => kubectl
                .context
                .value("HOME")
                .map(|home| PathBuf::from(home).join(".kube/config"))
                .into_iter()
                .collect(),
        },
    };
    let Some(directory) = &kubectl.context.directory else {
        return Vec::new();
    };
    named
        .iter()
        .filter(|file| !file.as_os_str().is_empty())
        .filter_map(|file| directory.join(file).canonicalize().ok())
        .filter(|file| file.is_file())
        .collect()
}
