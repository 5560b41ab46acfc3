//! kubectl, the real one, against an API server that the tests bring: what a person let go comes back.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::cluster::Cluster;
use crate::support::saved::{self, approves, by, drilled, not_saved, refused, undone};
use crate::support::{Outcome, Run, World};
use serde_json::Value;

fn cluster() -> Option<(World, Cluster)> {
    let world = saved::world();
    let cluster = Cluster::start(&world)?;
    Some((world, cluster))
}

fn command<'w>(world: &'w World, line: &str) -> Run<'w> {
    world.command(&shlex::split(line).unwrap())
}

/// A person lets it run.
#[track_caller]
fn approved(world: &World, line: &str) -> Outcome {
    approves(command(world, line).at_terminal())
}

fn undo<'w>(world: &'w World, id: &str) -> Run<'w> {
    world.guard(&["undo", id])
}

/// The real kubectl.
fn kubectl(world: &World, line: &str) -> String {
    world.tool(
        "kubectl",
        "app",
        &shlex::split(line)
            .unwrap()
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    )
}

/// The objects that kubectl shows, without what a server sets in new ones, by kind and name.
fn objects(world: &World, what: &str) -> Vec<(String, Value)> {
    let printed = kubectl(world, &format!("get {what} -o json"));
    let list: Value = serde_json::from_str(&printed).unwrap();
    let mut found: Vec<(String, Value)> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| {
            let mut object = object.clone();
            object.as_object_mut().unwrap().remove("status");
            let metadata = object["metadata"].as_object_mut().unwrap();
            for name in ["uid", "resourceVersion", "creationTimestamp"] {
                metadata.remove(name);
            }
            let name = format!("{}/{}", object["kind"], object["metadata"]["name"]);
            (name, object)
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Makes a config map.
fn config(world: &World, namespace: &str, name: &str) {
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata: {{a: newer}}\n"
    );
    world.write("app/config.yaml", text);
    kubectl(world, "create --validate=false -f config.yaml");
}

/// Everything in the namespace that nobody makes again.
const OWN: &str = "-n prod statefulsets,services,configmaps,secrets,widgets";

#[test]
fn a_namespace_comes_back_with_everything_in_it() {
    let Some((world, _cluster)) = cluster() else {
        return;
    };
    // The cluster makes this one in each namespace by itself.
    kubectl(&world, "-n prod delete configmap kube-root-ca.crt");
    let before = objects(&world, OWN);
    assert_eq!(before.len(), 6, "{before:?}");
    let id = saved::saved(&approved(&world, "kubectl delete ns prod"));
    assert_eq!(kubectl(&world, "get ns prod --ignore-not-found"), "");

    let shown = world.guard(&["backups", "show", &id, "--json"]).run();
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    let unsaved = shown["unsaved"].to_string();
    for text in [
        "the data of persistentvolumeclaim/data-db-0 in prod (10Gi), which go with the volume",
        "4 pod made again by their owners",
        "2 replicaset made again by their owners",
    ] {
        assert!(unsaved.contains(text), "{text} is not in {unsaved}");
    }
    let told = drilled(world.guard(&["backups", "drill", &id]));
    assert!(
        told.contains("9 objects written as files and compared"),
        "{told}"
    );
    assert!(
        told.contains("dry run takes 1 of them; 8 could not be tried"),
        "{told}"
    );

    // It lies outside the workspace: an agent alone cannot bring it back.
    refused(undo(&world, &id), "only a person can do this");
    let outcome = undone(undo(&world, &id));
    assert_eq!(objects(&world, OWN), before);
    let web = &objects(&world, "-n prod deployments")[0].1;
    assert_eq!(
        web["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:2"
    );
    let claim = &objects(&world, "-n prod pvc")[0].1;
    assert_eq!(claim["metadata"]["labels"]["app"], "db");
    assert_eq!(claim["spec"].get("volumeName"), None);

    // The undo is undone: what it made goes again.
    let again = by(&outcome);
    undone(undo(&world, &again));
    assert_eq!(kubectl(&world, "get ns prod --ignore-not-found"), "");
    let _ = undone(undo(&world, &id));
    assert_eq!(objects(&world, OWN), before);
}

#[test]
fn what_is_in_a_namespace_by_then_is_not_taken_with_it() {
    let Some((world, _cluster)) = cluster() else {
        return;
    };
    let id = saved::saved(&approved(&world, "kubectl delete ns empty"));
    let again = by(&undone(undo(&world, &id)));
    config(&world, "empty", "newer");
    refused(
        undo(&world, &again),
        "In the way: configmap/newer in empty was made since",
    );
    assert_ne!(kubectl(&world, "-n empty get cm newer -o name"), "");
}

#[test]
fn a_definition_comes_back_before_its_objects() {
    let Some((world, _cluster)) = cluster() else {
        return;
    };
    let what = "-A widgets";
    let before = objects(&world, what);
    assert_eq!(before.len(), 2);
    let id = saved::saved(&approved(&world, "kubectl delete crd widgets.example.com"));
    assert_eq!(kubectl(&world, "get crd -o name"), "");
    undone(undo(&world, &id));
    assert_eq!(objects(&world, what), before);
}

#[test]
fn what_stands_in_the_way_is_not_replaced_unasked() {
    let Some((world, _cluster)) = cluster() else {
        return;
    };
    let what = "-n prod configmaps";
    let before = objects(&world, what);
    let id = saved::saved(&approved(&world, "kubectl -n prod delete cm settings"));
    config(&world, "prod", "settings");
    let newer = objects(&world, what);
    refused(
        undo(&world, &id),
        "In the way: configmap/settings in prod was made or changed since",
    );
    assert_eq!(objects(&world, what), newer);

    // Beside it: YAML that kubectl takes.
    let into = world.path("app/back");
    let into = into.to_str().unwrap();
    let outcome = world.guard(&["undo", &id, "--into", into]).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let file = world.path("app/back/0001-configmap-prod-settings.yaml");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(
        world
            .read("app/back/0001-configmap-prod-settings.yaml")
            .contains("hunter2")
    );
    assert_eq!(objects(&world, what), newer);
    kubectl(&world, "-n prod delete cm settings");
    kubectl(&world, "create --validate=false -f back");
    assert_eq!(objects(&world, what), before);

    // A person writes over it, and takes that back.
    kubectl(&world, "-n prod delete cm settings");
    config(&world, "prod", "settings");
    let outcome = undone(world.guard(&["undo", &id, "--overwrite"]));
    assert_eq!(objects(&world, what), before);
    undone(undo(&world, &by(&outcome)));
    assert_eq!(objects(&world, what), newer);
}

#[test]
fn what_was_only_changed_is_changed_back() {
    let Some((world, _cluster)) = cluster() else {
        return;
    };
    let what = "-n prod deployments,configmaps";
    for (name, line) in [
        (
            "deploy/web",
            "kubectl -n prod scale deploy/web --replicas=0",
        ),
        (
            "cm/settings",
            "kubectl -n prod patch cm settings --type=merge -p '{\"data\":{\"a\":null}}'",
        ),
    ] {
        let before = objects(&world, what);
        let id = saved::saved(&approved(&world, line));
        assert_ne!(objects(&world, what), before, "{line}");
        undone(undo(&world, &id));
        assert_eq!(objects(&world, what), before, "{line}");
        // What somebody changed after the command is in the way.
        let id = saved::saved(&approved(&world, line));
        kubectl(&world, &format!("-n prod label {name} by=hand --overwrite"));
        refused(undo(&world, &id), "was made or changed since");
        undone(world.guard(&["undo", &id, "--overwrite"]));
        assert_eq!(objects(&world, what), before, "{line}");
    }
}

#[test]
fn bare_pods_come_back_and_those_of_others_are_left_to_them() {
    let Some((world, _cluster)) = cluster() else {
        return;
    };
    let id = saved::saved(&approved(&world, "kubectl delete pod lonely agent-1"));
    let outcome = undone(undo(&world, &id));
    assert!(
        outcome
            .stdout
            .contains("what runs in pod/lonely in default"),
        "{outcome:?}"
    );
    assert_eq!(kubectl(&world, "get pods -o name"), "pod/lonely");
    // The scheduler finds it a node.
    assert_eq!(
        kubectl(&world, "get pod lonely -o jsonpath={.spec.nodeName}"),
        ""
    );
}

#[test]
fn what_is_too_much_goes_unsaved_and_says_so() {
    let Some((world, _cluster)) = cluster() else {
        return;
    };
    world.rules(&saved::RULES.replace("[backup]\n", "[backup]\nfiles = 3\n"));
    not_saved(
        &approved(&world, "kubectl delete ns prod"),
        "more than 3 files are too many to save first",
    );
    assert_eq!(kubectl(&world, "get ns prod --ignore-not-found"), "");
    let left = world.guard(&["backups", "--json"]).run();
    assert_eq!(left.stdout.trim(), "[]");
}

#[test]
fn a_token_is_not_kept_and_another_server_is_not_written_to() {
    let Some((world, cluster)) = cluster() else {
        return;
    };
    let line = "kubectl --token=hush-of-the-tests -n prod delete secret keys";
    let id = saved::saved(&approved(&world, line));
    let shown = world.guard(&["backups", "show", &id]).run();
    let all = format!("{}{}", shown.stdout, shown.stderr);
    assert!(all.contains("the option --token"), "{all}");
    assert!(!all.contains("hush-of-the-tests"), "{all}");
    // The current context is another one by then: it goes back to where it was.
    kubectl(&world, "config use-context prod-eu");
    let elsewhere = world.read("home/.kube/config").replace(
        &format!("{}\"", cluster.address()),
        &format!("{}/elsewhere\"", cluster.address()),
    );
    let right = world.read("home/.kube/config");
    world.write(
        "home/.kube/config",
        elsewhere.replace(
            &format!("server: {}\n", cluster.address()),
            &format!("server: {}/elsewhere\n", cluster.address()),
        ),
    );
    refused(undo(&world, &id), "which now leads to");
    world.write("home/.kube/config", right);
    undone(undo(&world, &id));
    let keys = kubectl(
        &world,
        "--context dev -n prod get secret keys -o jsonpath={.data.token}",
    );
    assert_eq!(keys, "aHVudGVyMg==");
}

#[test]
fn the_kubeconfig_comes_back() {
    let Some((world, _cluster)) = cluster() else {
        return;
    };
    let before = world.read("home/.kube/config");
    let id = saved::saved(&approved(&world, "kubectl config delete-user writer"));
    assert!(!world.read("home/.kube/config").contains("token: writer"));
    // The command wrote the file: what it wrote is in the way as anything else is.
    undone(world.guard(&["undo", &id, "--overwrite"]));
    assert_eq!(world.read("home/.kube/config"), before);
}
