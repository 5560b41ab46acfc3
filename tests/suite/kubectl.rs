//! kubectl, the real one, against an API server that the tests bring: what hangs on the objects that go.

use crate::support::cluster::Cluster;
use crate::support::{Outcome, Person, Run, World};

/// The deployment `web` of the cluster.
const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: prod}\n";

fn cluster() -> Option<(World, Cluster)> {
    let world = World::new();
    let cluster = Cluster::start(&world)?;
    Some((world, cluster))
}

fn command<'w>(world: &'w World, line: &str) -> Run<'w> {
    world.command(&shlex::split(line).unwrap())
}

/// It was blocked, says these texts, and nothing was changed.
#[track_caller]
fn blocked(world: &World, cluster: &Cluster, line: &str, texts: &[&str]) {
    let before = cluster.writes();
    let outcome = command(world, line).run();
    outcome.blocked();
    for text in texts {
        outcome.says(text);
    }
    assert_eq!(cluster.writes(), before, "{line}");
}

/// Types the phrase; the phrase and the outcome.
fn approves(mut person: Person) -> (String, Outcome) {
    let phrase = person.phrase();
    person.line(&phrase);
    (phrase, person.ends())
}

/// It runs at once, and guard says nothing; its code.
#[track_caller]
fn runs(world: &World, line: &str) -> i32 {
    let outcome = command(world, line).run();
    assert!(!outcome.guard_said(), "{line}: {outcome:?}");
    outcome.code.unwrap()
}

fn exists(world: &World, namespace: &str, object: &str) -> bool {
    let arguments = [
        "-n",
        namespace,
        "get",
        object,
        "-o",
        "name",
        "--ignore-not-found",
    ];
    !world.tool("kubectl", "app", &arguments).is_empty()
}

#[test]
fn a_namespace_with_everything_in_it() {
    let Some((world, cluster)) = cluster() else {
        return;
    };
    let server = format!(
        "context dev, server {}, namespace default",
        cluster.address()
    );
    blocked(
        &world,
        &cluster,
        "kubectl delete ns prod",
        &[
            "would lose: 1 object: namespace/prod",
            "would lose: 14 objects in namespace prod: 4 pod, 2 replicaset.apps, 2 widget.example.com",
            "1 statefulset.apps",
            "persistentvolumeclaim/data-db-0 (10Gi): reclaim policy Delete: its data go with it",
            "environment: production",
            &server,
        ],
    );
    assert!(exists(&world, "prod", "deploy/web"));
    let (phrase, outcome) = approves(command(&world, "kubectl delete ns prod").at_terminal());
    assert_eq!(phrase, "delete 15 objects in prod in production");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(!exists(&world, "prod", "deploy/web"));
    assert!(!exists(&world, "default", "ns/prod"));
}

#[test]
fn deletes_in_every_form() {
    let Some((world, cluster)) = cluster() else {
        return;
    };
    world.write("app/web.yaml", WEB);
    world.write("app/deep/er/web.yaml", WEB);
    world.write("app/kustomization.yaml", "resources: [web.yaml]\n");
    for (line, texts) in [
        ("kubectl delete pod lonely", &["1 object: pod/lonely"][..]),
        (
            "kubectl delete pod/lonely cm/kube-root-ca.crt",
            &["2 objects: pod/lonely, configmap/kube-root-ca.crt"],
        ),
        (
            "kubectl delete pod lonely missing",
            &["1 object: pod/lonely"],
        ),
        (
            "kubectl -n prod delete pods -l app=web",
            &[
                "3 objects: pod/web-2-a",
                "replicaset/web-2 would make pod/web-2-a again",
            ],
        ),
        ("kubectl --all pods delete -n prod", &["4 objects"]),
        (
            "kubectl delete pods,services -l app=web -n prod",
            &["4 objects", "service/web"],
        ),
        (
            "kubectl delete pods -A --field-selector=spec.nodeName=node-1",
            &["5 objects"],
        ),
        (
            "kubectl -n prod delete all --all",
            &[
                "9 objects",
                "4 pods serving now, of: deployment/web, statefulset/db",
                "its volume claims stay",
            ],
        ),
        (
            "kubectl delete -f web.yaml",
            &[
                "1 object: deployment.apps/web",
                "3 pods serving now, of: deployment/web",
            ],
        ),
        (
            "kubectl delete -Rf deep",
            &["1 object: deployment.apps/web"],
        ),
        ("kubectl delete -k .", &["1 object: deployment.apps/web"]),
        (
            "kubectl -n prod delete deploy web --cascade=orphan",
            &[
                "1 object: deployment.apps/web",
                "what belongs to them stays",
            ],
        ),
        (
            "kubectl delete pvc archive",
            &["persistentvolumeclaim/archive (1Ti): reclaim policy Retain: the volume stays"],
        ),
        (
            "kubectl delete pv pv-1",
            &["1 object: persistentvolume/pv-1"],
        ),
        (
            "kubectl delete crd widgets.example.com",
            &["2 objects of kind widgets.example.com in all namespaces"],
        ),
    ] {
        blocked(&world, &cluster, line, texts);
    }
}

#[test]
fn what_goes_by_requests_and_other_verbs() {
    let Some((world, cluster)) = cluster() else {
        return;
    };
    world.write("app/web.yaml", WEB);
    for (line, texts) in [
        (
            "kubectl delete --raw /api/v1/namespaces/prod",
            &["in namespace prod: 4 pod"][..],
        ),
        (
            "kubectl delete --raw /api/v1/namespaces/default/pods/lonely?gracePeriodSeconds=0",
            &["1 object: pod/lonely"],
        ),
        (
            "kubectl delete --raw /api/v1/namespaces/prod/pods",
            &["4 objects: pod/"],
        ),
        (
            "kubectl delete pod lonely --force --grace-period=0 --now",
            &["1 object: pod/lonely"],
        ),
        ("kubectl delete ns empty", &["1 object: namespace/empty"]),
        (
            "kubectl replace --force -f web.yaml",
            &["1 object deleted and made again: deployment/web", "3 pods"],
        ),
        (
            "kubectl debug lonely --copy-to=x --replace --image=x",
            &["1 object: pod/lonely"],
        ),
        (
            "kubectl replace --raw /api/v1/namespaces/prod/finalize -f web.yaml",
            &["in namespace prod"],
        ),
        (
            "kubectl create --raw /api/v1/namespaces/default/pods/lonely/eviction -f web.yaml",
            &["1 object: pod/lonely"],
        ),
    ] {
        blocked(&world, &cluster, line, texts);
    }
}

#[test]
fn input_that_a_preview_reads_is_still_there() {
    let Some((world, cluster)) = cluster() else {
        return;
    };
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: lonely}\n";
    let line = "kubectl delete -f -";
    let outcome = command(&world, line).input(text).run();
    outcome.blocked().says("1 object: pod/lonely");
    let other = "apiVersion: v1\nkind: Pod\nmetadata: {name: missing}\n";
    let outcome = command(&world, line).input(other).run();
    assert_eq!(
        (outcome.code, outcome.guard_said()),
        (Some(1), false),
        "{outcome:?}"
    );
    outcome.says("pods \"missing\" not found");
    assert!(
        cluster
            .writes()
            .iter()
            .all(|write| write.contains("missing"))
    );
}

#[test]
fn nothing_lost_is_the_tools_own_business() {
    let Some((world, cluster)) = cluster() else {
        return;
    };
    for (line, code) in [
        ("kubectl delete pod missing", 1),
        ("kubectl delete pod missing --ignore-not-found", 0),
        ("kubectl delete ns missing", 1),
        ("kubectl delete -f missing.yaml", 1),
        ("kubectl delete pods -l app=none", 0),
        ("kubectl delete gizmos x", 1),
        ("kubectl delete pod", 1),
        (
            "kubectl delete --raw /api/v1/namespaces/default/pods/missing",
            1,
        ),
        ("kubectl --context prod-eu delete deploy web", 1),
        ("kubectl scale deploy/missing --replicas=0", 1),
        ("kubectl -n prod scale rs/web-1 --replicas=0", 0),
        ("kubectl rollout undo deploy/missing", 1),
        ("kubectl patch cm missing -p {}", 1),
        ("kubectl config delete-context missing", 1),
        ("kubectl config delete-user missing", 1),
        ("kubectl drain missing", 1),
        ("kubectl drain node-1", 1),
        (
            "kubectl -n prod patch cm settings -p '{\"data\":{\"c\":\"3\"}}'",
            0,
        ),
        ("kubectl -n prod scale deploy/web --replicas=4", 0),
        ("kubectl get pods -A", 0),
        ("kubectl delete pod lonely --dry-run=server", 0),
        ("kubectl -n prod get secret keys -o yaml", 0),
    ] {
        assert_eq!(runs(&world, line), code, "{line}");
    }
    assert!(exists(&world, "prod", "deploy/web"));
    assert!(
        !cluster
            .writes()
            .iter()
            .any(|write| write.contains("lonely"))
    );
}

#[test]
fn who_may_only_read_loses_nothing() {
    let Some((world, _cluster)) = cluster() else {
        return;
    };
    let outcome = command(&world, "kubectl --context prod-eu delete pod db-0").run();
    assert_eq!(
        (outcome.code, outcome.guard_said()),
        (Some(1), false),
        "{outcome:?}"
    );
    outcome.says("forbidden");
}

#[test]
fn workloads_that_stop_serving() {
    let Some((world, cluster)) = cluster() else {
        return;
    };
    for (line, texts) in [
        (
            "kubectl -n prod scale deploy/web --replicas=0",
            &["3 pods serving now, of: deployment/web (3 of 3)"][..],
        ),
        (
            "kubectl -n prod scale --replicas 0 --all deploy",
            &["3 pods serving now"],
        ),
        (
            "kubectl -n prod scale sts db --replicas=0",
            &["1 pod serving now, of: statefulset/db (1 of 1)"],
        ),
        (
            "kubectl -n prod patch deploy web -p '{\"spec\":{\"replicas\":0}}'",
            &["3 pods serving now, of: deployment/web (3 of 3)"],
        ),
        (
            "kubectl -n prod patch deploy web --type=json -p '[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":0}]'",
            &["3 pods serving now"],
        ),
        (
            "kubectl -n prod rollout undo deploy/web",
            &[
                "3 pods serving now, to make way for an earlier revision, of: deployment/web (revision 2, web:2)",
            ],
        ),
        (
            "kubectl -n prod edit deploy/web",
            &[
                "unknown, because what an editor leaves",
                "deployment/web: 3 of 3 serve now",
            ],
        ),
    ] {
        blocked(&world, &cluster, line, texts);
    }
    let line = "kubectl -n prod scale deploy/web --replicas=0";
    let (phrase, outcome) = approves(command(&world, line).at_terminal());
    assert_eq!(phrase, "stop 3 pods in dev/prod in production");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let replicas = [
        "-n",
        "prod",
        "get",
        "deploy",
        "web",
        "-o",
        "jsonpath={.spec.replicas}",
    ];
    assert_eq!(world.tool("kubectl", "app", &replicas), "0");
}

#[test]
fn patches_that_drop_data() {
    let Some((world, cluster)) = cluster() else {
        return;
    };
    world.write("app/patch.yaml", "data:\n  a: null\n");
    for (line, texts) in [
        (
            "kubectl -n prod patch cm settings --type=merge -p '{\"data\":{\"a\":null}}'",
            &["1 object losing fields or entries: configmap/settings (/data/a)"][..],
        ),
        (
            "kubectl -n prod patch cm settings --patch-file patch.yaml",
            &["configmap/settings (/data/a)"],
        ),
        (
            "kubectl -n prod patch cm settings --type json -p '[{\"op\":\"remove\",\"path\":\"/data\"}]'",
            &["configmap/settings (/data)"],
        ),
        (
            "kubectl -n prod patch secret keys --type=merge -p '{\"data\":null}'",
            &["secret/keys (/data)"],
        ),
    ] {
        blocked(&world, &cluster, line, texts);
    }
    let log = serde_json::to_string(&world.log()).unwrap();
    assert!(
        !log.contains("hunter2") && !log.contains("aHVudGVyMg"),
        "{log}"
    );
    let line = "kubectl -n prod patch cm settings --patch-file patch.yaml";
    let (_, outcome) = approves(command(&world, line).at_terminal());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let data = [
        "-n",
        "prod",
        "get",
        "cm",
        "settings",
        "-o",
        "jsonpath={.data}",
    ];
    assert_eq!(world.tool("kubectl", "app", &data), "{\"b\":\"2\"}");
}

#[test]
fn nodes_that_pods_have_to_leave() {
    let Some((world, cluster)) = cluster() else {
        return;
    };
    let drain = "kubectl drain node-1 --ignore-daemonsets --force --delete-emptydir-data";
    for (line, texts) in [
        (
            drain,
            &[
                "4 pods evicted",
                "default/lonely (nobody makes it again)",
                "prod/web-2-a (its emptyDir goes)",
            ][..],
        ),
        (
            "kubectl drain -l pool=blue --ignore-daemonsets --force --delete-emptydir-data",
            &["5 pods evicted"],
        ),
        (
            "kubectl taint nodes node-1 dedicated=db:NoExecute",
            &["5 pods evicted"],
        ),
        (
            "kubectl taint nodes --all dedicated:NoExecute",
            &["5 pods evicted"],
        ),
        (
            "kubectl taint node node-2 other=x:NoExecute",
            &["1 pod evicted: prod/db-0"],
        ),
    ] {
        blocked(&world, &cluster, line, texts);
    }
    // The only pod there tolerates it.
    assert_eq!(
        runs(&world, "kubectl taint node node-2 dedicated=db:NoExecute"),
        0
    );
    let (phrase, outcome) = approves(command(&world, drain).at_terminal());
    assert_eq!(phrase, "evict 4 pods from node-1");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(!exists(&world, "default", "pod/lonely"));
    assert!(exists(&world, "prod", "pod/db-0"));
}

#[test]
fn files_that_no_longer_name_an_object() {
    let Some((world, cluster)) = cluster() else {
        return;
    };
    let map = |name: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: prod, labels: {{app: x}}}}\ndata: {{a: b}}\n"
        )
    };
    world.write("app/all.yaml", format!("{}---\n{}", map("one"), map("two")));
    world.write("app/one.yaml", map("one"));
    world.tool(
        "kubectl",
        "app",
        &["apply", "--validate=false", "-f", "all.yaml"],
    );
    let prune = "kubectl -n prod apply --validate=false --prune -l app=x --prune-allowlist=core/v1/ConfigMap -f one.yaml";
    blocked(
        &world,
        &cluster,
        prune,
        &["1 object that the files do not name: configmap/two"],
    );
    assert!(exists(&world, "prod", "cm/two"));
    let whole = prune.replace("one.yaml", "all.yaml");
    assert_eq!(runs(&world, &whole), 0);
    let (phrase, outcome) = approves(command(&world, prune).at_terminal());
    assert_eq!(phrase, "prune 1 object in dev/prod in production");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(!exists(&world, "prod", "cm/two"));
    assert!(exists(&world, "prod", "cm/one"));
    // What changes in place is not made again.
    assert_eq!(
        runs(&world, "kubectl apply --validate=false --force -f one.yaml"),
        0
    );
    world.write(
        "app/web.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: prod}\nspec: {selector: {matchLabels: {app: other}}}\n",
    );
    blocked(
        &world,
        &cluster,
        "kubectl apply --validate=false --force -f web.yaml",
        &["1 object deleted and made again: deployment/web", "3 pods"],
    );
}

#[test]
fn entries_of_the_kubeconfig() {
    let Some((world, cluster)) = cluster() else {
        return;
    };
    for (line, text) in [
        (
            "kubectl config delete-context prod-eu",
            "1 object of the kubeconfig: a context: prod-eu (cluster readonly, user reader)",
        ),
        (
            "kubectl config delete-user reader",
            "a user with its credentials: reader",
        ),
        (
            "kubectl config delete-cluster local",
            "a cluster with its address and certificate: local (server http://127.0.0.1:",
        ),
        (
            "kubectl config unset users.reader",
            "a user with its credentials: reader",
        ),
        (
            "kubectl config unset contexts",
            "2 objects of the kubeconfig: a context",
        ),
    ] {
        blocked(&world, &cluster, line, &[text]);
    }
    assert_eq!(runs(&world, "kubectl config unset current-context"), 0);
    let line = "kubectl config delete-user reader";
    let (phrase, outcome) = approves(command(&world, line).at_terminal());
    assert_eq!(phrase, "delete 1 object from the kubeconfig");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(!world.read("home/.kube/config").contains("token: reader"));
}

#[test]
fn commands_in_pods_and_copies_into_them() {
    let Some((world, cluster)) = cluster() else {
        return;
    };
    blocked(
        &world,
        &cluster,
        "kubectl -n prod exec db-0 -- rm -rf /data",
        &["rm.", "kubectl exec runs: rm"],
    );
    blocked(
        &world,
        &cluster,
        "kubectl cp README.md prod/db-0:/tmp/x",
        &[
            "unknown, because what a copy overwrites",
            "lies in the container's own file system",
            "pod/db-0 belongs to statefulset/db",
        ],
    );
}

#[test]
fn the_scope_of_the_command_is_the_scope_of_the_preview() {
    let Some((world, cluster)) = cluster() else {
        return;
    };
    let other = world
        .read("home/.kube/config")
        .replace("namespace: default", "namespace: prod");
    world.write("other.yaml", other);
    let file = world.path("other.yaml");
    let file = file.to_str().unwrap();
    for line in [
        "kubectl delete deploy web -n prod".to_owned(),
        "kubectl --namespace=prod delete deploy web".to_owned(),
        format!("kubectl --kubeconfig={file} delete deploy web"),
        "kubectl --context=prod-eu --cluster=local --user=writer delete deploy web".to_owned(),
    ] {
        blocked(
            &world,
            &cluster,
            &line,
            &["1 object: deployment.apps/web", "namespace prod"],
        );
    }
    command(&world, "kubectl delete deploy web")
        .variable("KUBECONFIG", file)
        .run()
        .blocked()
        .says("1 object: deployment.apps/web");
    // Nobody answers there.
    command(
        &world,
        "kubectl --server http://127.0.0.1:1 delete pod lonely",
    )
    .run()
    .blocked()
    .says("unknown, because kubectl says:")
    .says("server http://127.0.0.1:1");
}

#[test]
fn a_cluster_that_takes_too_long_is_unknown() {
    let Some((world, _cluster)) = cluster() else {
        return;
    };
    world.rules("[preview]\ncluster-seconds = 0.3\n");
    let slow = world.script("slow/kubectl", "#!/bin/sh\nexec sleep 20\n");
    let mut search = vec![world.shims(), slow.parent().unwrap().to_owned()];
    search.extend(std::env::split_paths(&crate::support::real_path()));
    command(&world, "kubectl delete pod lonely")
        .search(&search)
        .run()
        .blocked()
        .says("unknown, because it took longer than the time budget");
}
