#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use proptest::prelude::*;

use super::*;
use guard_testing::{check, parse};

/// Command line, and how it is read: see [`guard_testing`].
const CASES: &[(&str, &str)] = &[
    ("kubectl", "| | | | inert"),
    ("kubectl delete pod x", "delete | | pod x | |"),
    ("kubectl delete pod/x svc/y", "delete | | pod/x svc/y | |"),
    (
        "kubectl delete pods,services -l app=web",
        "delete | --selector=app=web | pods,services | |",
    ),
    ("kubectl delete pod x y z", "delete | | pod x y z | |"),
    ("kubectl delete pods --all", "delete | --all | pods | |"),
    ("kubectl delete pods --all=false", "delete | | pods | |"),
    (
        "kubectl delete pods --all=true",
        "delete | --all=true | pods | |",
    ),
    (
        "kubectl delete -A pods --all",
        "delete | --all-namespaces --all | pods | |",
    ),
    ("kubectl delete ns prod", "delete | | ns prod | |"),
    (
        "kubectl -n prod delete pod x",
        "delete | --namespace=prod | pod x | -n prod |",
    ),
    (
        "kubectl -nprod delete pod x",
        "delete | --namespace=prod | pod x | -nprod |",
    ),
    (
        "kubectl -n=prod delete pod x",
        "delete | --namespace=prod | pod x | '-n=prod' |",
    ),
    (
        "kubectl --namespace prod delete pod x",
        "delete | --namespace=prod | pod x | --namespace prod |",
    ),
    (
        "kubectl --namespace=prod delete pod x",
        "delete | --namespace=prod | pod x | '--namespace=prod' |",
    ),
    (
        "kubectl delete -n prod pod x",
        "delete | --namespace=prod | pod x | -n prod |",
    ),
    (
        "kubectl delete pod -n prod x",
        "delete | --namespace=prod | pod x | -n prod |",
    ),
    (
        "kubectl delete pod x -n prod",
        "delete | --namespace=prod | pod x | -n prod |",
    ),
    (
        "kubectl delete pod x --context prod --cluster c --user u",
        "delete | --context=prod --cluster=c --user=u | pod x | --context prod --cluster c --user u |",
    ),
    (
        "kubectl --context=prod --kubeconfig /k -s https://h delete pod x",
        "delete | --context=prod --kubeconfig=/k --server=https://h | pod x | '--context=prod' --kubeconfig /k -s https://h |",
    ),
    (
        "kubectl --server=https://h --token t --as root --as-group g delete pod x",
        "delete | --server=https://h --token=t --as=root --as-group=g | pod x | '--server=https://h' --token t --as root --as-group g |",
    ),
    (
        "kubectl --insecure-skip-tls-verify --request-timeout 5s delete pod x",
        "delete | --insecure-skip-tls-verify --request-timeout=5s | pod x | --insecure-skip-tls-verify --request-timeout 5s |",
    ),
    (
        "kubectl --certificate-authority ca --client-key k --client-certificate c delete pod x",
        "delete | --certificate-authority=ca --client-key=k --client-certificate=c | pod x | --certificate-authority ca --client-key k --client-certificate c |",
    ),
    ("kubectl -v 9 delete pod x", "delete | --v=9 | pod x | |"),
    ("kubectl -v=9 delete pod x", "delete | --v=9 | pod x | |"),
    ("kubectl -v9 delete pod x", "delete | --v=9 | pod x | |"),
    (
        "kubectl --v 9 --vmodule a=1 delete pod x",
        "delete | --v=9 --vmodule=a=1 | pod x | |",
    ),
    (
        "kubectl delete -f a.yaml -f b.yaml",
        "delete | --filename=a.yaml --filename=b.yaml | | |",
    ),
    (
        "kubectl delete -fa.yaml",
        "delete | --filename=a.yaml | | |",
    ),
    (
        "kubectl delete -Rf dir",
        "delete | --recursive --filename=dir | | |",
    ),
    ("kubectl delete -f -", "delete | --filename=- | | |"),
    (
        "kubectl delete -k overlays/prod",
        "delete | --kustomize=overlays/prod | | |",
    ),
    (
        "kubectl delete --filename=a.yaml --recursive",
        "delete | --filename=a.yaml --recursive | | |",
    ),
    (
        "kubectl delete --raw /api/v1/namespaces/x",
        "delete | --raw=/api/v1/namespaces/x | | |",
    ),
    (
        "kubectl delete --raw /api/v1/namespaces/x --dry-run=server",
        "delete | --raw=/api/v1/namespaces/x --dry-run=server | | |",
    ),
    (
        "kubectl delete pod x --force --grace-period=0",
        "delete | --force --grace-period=0 | pod x | |",
    ),
    (
        "kubectl delete pod x --grace-period 0 --force",
        "delete | --grace-period=0 --force | pod x | |",
    ),
    ("kubectl delete pod x --force=false", "delete | | pod x | |"),
    (
        "kubectl delete pod x --now --wait=false",
        "delete | --now | pod x | |",
    ),
    (
        "kubectl delete pod x --cascade=orphan",
        "delete | --cascade=orphan | pod x | |",
    ),
    (
        "kubectl delete pod x --cascade orphan",
        "delete | --cascade | pod x orphan | |",
    ),
    (
        "kubectl delete pod x --dry-run",
        "delete | --dry-run | pod x | | inert",
    ),
    (
        "kubectl delete pod x --dry-run=client",
        "delete | --dry-run=client | pod x | | inert",
    ),
    (
        "kubectl delete pod x --dry-run=server",
        "delete | --dry-run=server | pod x | | inert",
    ),
    (
        "kubectl delete pod x --dry-run server",
        "delete | --dry-run | pod x server | | inert",
    ),
    (
        "kubectl delete pod x --dry-run=none",
        "delete | --dry-run=none | pod x | |",
    ),
    (
        "kubectl delete pod x --dry-run=false",
        "delete | --dry-run=false | pod x | |",
    ),
    (
        "kubectl delete pod x --dry-run=true",
        "delete | --dry-run=true | pod x | | inert",
    ),
    (
        "kubectl delete pod x --dry-run=SERVER",
        "delete | --dry-run=SERVER | pod x | |",
    ),
    (
        "kubectl delete pod x --dry-run=server --dry-run=none",
        "delete | --dry-run=server --dry-run=none | pod x | |",
    ),
    (
        "kubectl delete pod x --dry-run=none --dry-run=server",
        "delete | --dry-run=none --dry-run=server | pod x | | inert",
    ),
    (
        "kubectl delete -l --dry-run=client pod",
        "delete | --selector=--dry-run=client | pod | |",
    ),
    (
        "kubectl delete pod -- --dry-run=client",
        "delete | | pod -- --dry-run=client | |",
    ),
    ("kubectl delete -- pod x", "delete | | -- pod x | |"),
    ("kubectl -- delete pod x", "| | -- delete pod x | | inert"),
    ("kubectl '' delete pod x", "delete | | pod x | |"),
    ("kubectl - delete pod x", "delete | | - pod x | |"),
    ("kubectl --all pods delete", "delete | --all | pods | |"),
    (
        "kubectl --force delete pod x",
        "delete | --force | pod x | |",
    ),
    (
        "kubectl --force=true delete pod x",
        "delete | --force=true | pod x | |",
    ),
    (
        "kubectl --bogus=1 delete pod x",
        "delete | ?--bogus=1 | pod x | |",
    ),
    (
        "kubectl -n prod --force --all delete pods",
        "delete | --namespace=prod --force --all | pods | -n prod |",
    ),
    ("kubectl delete --help", "delete | --help | | | inert"),
    (
        "kubectl delete pod x -h",
        "delete | --help | pod x | | inert",
    ),
    (
        "kubectl --help delete pod x",
        "delete | --help | pod x | | inert",
    ),
    ("kubectl delete pod x --help=false", "delete | | pod x | |"),
    (
        "kubectl delete -l --help pods",
        "delete | --selector=--help | pods | |",
    ),
    ("kubectl delete help", "delete | | help | |"),
    (
        "kubectl help delete pod x",
        "help | | delete pod x | | inert",
    ),
    ("kubectl delete pod delete", "delete | | pod delete | |"),
    (
        "kubectl delete pod x -i",
        "delete | --interactive | pod x | |",
    ),
    (
        "kubectl delete pod -An x",
        "delete | --all-namespaces --namespace=x | pod | '--namespace=x' |",
    ),
    ("kubectl DELETE pod x", "DELETE | | pod x | | doubt"),
    ("kubectl get pods", "get | | pods | | reads"),
    (
        "kubectl get pods -o yaml -w -A",
        "get | --output=yaml --watch --all-namespaces | pods | | reads",
    ),
    (
        "kubectl get --raw /healthz",
        "get | --raw=/healthz | | | reads",
    ),
    ("kubectl get pod delete", "get | | pod delete | | reads"),
    (
        "kubectl get pods --profile=cpu --profile-output x",
        "get | --profile=cpu --profile-output=x | pods | |",
    ),
    ("kubectl describe pod x", "describe | | pod x | | reads"),
    (
        "kubectl logs -f x -c y",
        "logs | --follow --container=y | x | | reads",
    ),
    (
        "kubectl logs x -p --tail 5",
        "logs | --previous --tail=5 | x | | reads",
    ),
    (
        "kubectl explain pods --recursive",
        "explain | --recursive | pods | | reads",
    ),
    ("kubectl top pod", "top pod | | | | reads"),
    (
        "kubectl top po -A",
        "top pod | --all-namespaces | | | reads",
    ),
    ("kubectl top nodes", "top node | | | | reads"),
    (
        "kubectl api-resources --verbs=list,delete -o name",
        "api-resources | --verbs=list,delete --output=name | | | reads",
    ),
    ("kubectl api-versions", "api-versions | | | | reads"),
    ("kubectl cluster-info", "cluster-info | | | | reads"),
    (
        "kubectl cluster-info dump",
        "cluster-info dump | | | | reads",
    ),
    (
        "kubectl cluster-info dump --output-directory=d",
        "cluster-info dump | --output-directory=d | | |",
    ),
    ("kubectl version --client", "version | --client | | | inert"),
    ("kubectl -v 4 version", "version | --v=4 | | | inert"),
    ("kubectl options", "options | | | | inert"),
    ("kubectl completion bash", "completion | | bash | | inert"),
    (
        "kubectl diff -f a.yaml",
        "diff | --filename=a.yaml | | | reads",
    ),
    (
        "kubectl events --for pod/x",
        "events | --for=pod/x | | | reads",
    ),
    (
        "kubectl wait --for=delete pod/x",
        "wait | --for=delete | pod/x | | reads",
    ),
    (
        "kubectl auth can-i delete pods",
        "auth can-i | | delete pods | | reads",
    ),
    ("kubectl auth whoami", "auth whoami | | | | reads"),
    (
        "kubectl auth reconcile -f r.yaml --remove-extra-permissions",
        "auth reconcile | --filename=r.yaml --remove-extra-permissions | | |",
    ),
    (
        "kubectl auth reconcile -f r.yaml --remove-extra-subjects --dry-run=client",
        "auth reconcile | --filename=r.yaml --remove-extra-subjects --dry-run=client | | | inert",
    ),
    ("kubectl config view", "config view | | | | reads"),
    (
        "kubectl config get-contexts",
        "config get-contexts | | | | reads",
    ),
    (
        "kubectl config current-context",
        "config current-context | | | | reads",
    ),
    ("kubectl config use prod", "config use-context | | prod | |"),
    (
        "kubectl config use-context prod",
        "config use-context | | prod | |",
    ),
    (
        "kubectl config delete-context prod",
        "config delete-context | | prod | |",
    ),
    (
        "kubectl config -n x delete-cluster prod",
        "config delete-cluster | --namespace=x | prod | -n x |",
    ),
    (
        "kubectl --kubeconfig k config delete-user u",
        "config delete-user | --kubeconfig=k | u | --kubeconfig k |",
    ),
    (
        "kubectl config unset contexts.prod",
        "config unset | | contexts.prod | |",
    ),
    (
        "kubectl config set-context c --cluster=x --namespace n --user u",
        "config set-context | --cluster=x --namespace=n --user=u | c | |",
    ),
    (
        "kubectl config set-cluster c --server https://h --insecure-skip-tls-verify",
        "config set-cluster | --server=https://h --insecure-skip-tls-verify | c | |",
    ),
    (
        "kubectl config set-credentials u --token t --username a",
        "config set-credentials | --token=t --username=a | u | |",
    ),
    (
        "kubectl config delete-context prod --dry-run=client",
        "config delete-context | ?--dry-run=client | prod | |",
    ),
    (
        "kubectl config -- delete-context x",
        "config | | -- delete-context x | | reads",
    ),
    (
        "kubectl rollout undo deploy/x",
        "rollout undo | | deploy/x | |",
    ),
    (
        "kubectl rollout undo deploy/x --to-revision=3",
        "rollout undo | --to-revision=3 | deploy/x | |",
    ),
    (
        "kubectl rollout --to-revision 3 undo deploy/x",
        "rollout undo | --to-revision=3 | deploy/x | |",
    ),
    (
        "kubectl rollout '' undo deploy/x",
        "rollout undo | | deploy/x | |",
    ),
    (
        "kubectl rollout -n prod undo deploy/x --dry-run=server",
        "rollout undo | --namespace=prod --dry-run=server | deploy/x | -n prod | inert",
    ),
    (
        "kubectl rollout status deploy/x",
        "rollout status | | deploy/x | | reads",
    ),
    (
        "kubectl rollout history deploy/x",
        "rollout history | | deploy/x | | reads",
    ),
    (
        "kubectl rollout restart deploy/x",
        "rollout restart | | deploy/x | |",
    ),
    ("kubectl rollout", "rollout | | | | reads"),
    ("kubectl apply -f a.yaml", "apply | --filename=a.yaml | | |"),
    (
        "kubectl apply -f a.yaml --prune --all",
        "apply | --filename=a.yaml --prune --all | | |",
    ),
    (
        "kubectl apply --prune -l app=x -f dir -R",
        "apply | --prune --selector=app=x --filename=dir --recursive | | |",
    ),
    (
        "kubectl apply --prune=false -f a.yaml",
        "apply | --filename=a.yaml | | |",
    ),
    (
        "kubectl apply -f a.yaml --prune --prune-allowlist=core/v1/Pod --dry-run=server",
        "apply | --filename=a.yaml --prune --prune-allowlist=core/v1/Pod --dry-run=server | | | inert",
    ),
    (
        "kubectl apply --force -f a.yaml",
        "apply | --force --filename=a.yaml | | |",
    ),
    (
        "kubectl apply --server-side --force-conflicts -f a.yaml",
        "apply | --server-side --force-conflicts --filename=a.yaml | | |",
    ),
    (
        "kubectl apply edit-last-applied deploy/x",
        "apply edit-last-applied | | deploy/x | |",
    ),
    (
        "kubectl apply view-last-applied deploy/x",
        "apply view-last-applied | | deploy/x | | reads",
    ),
    (
        "kubectl apply set-last-applied -f a.yaml",
        "apply set-last-applied | --filename=a.yaml | | |",
    ),
    (
        "kubectl replace -f a.yaml",
        "replace | --filename=a.yaml | | |",
    ),
    (
        "kubectl replace --force -f a.yaml",
        "replace | --force --filename=a.yaml | | |",
    ),
    (
        "kubectl replace --raw /api/v1/x -f a --dry-run=client",
        "replace | --raw=/api/v1/x --filename=a --dry-run=client | | |",
    ),
    (
        "kubectl create -f a.yaml",
        "create | --filename=a.yaml | | |",
    ),
    ("kubectl create ns x", "create namespace | | x | |"),
    (
        "kubectl create deploy d --image=i -r 3",
        "create deployment | --image=i --replicas=3 | d | |",
    ),
    (
        "kubectl create svc clusterip s --tcp=80:80",
        "create service clusterip | --tcp=80:80 | s | |",
    ),
    (
        "kubectl create secret generic s --from-literal=a=b",
        "create secret generic | --from-literal=a=b | s | |",
    ),
    (
        "kubectl create clusterrolebinding b --clusterrole=admin --user=u",
        "create clusterrolebinding | --clusterrole=admin --user=u | b | |",
    ),
    (
        "kubectl scale deploy/x --replicas=0",
        "scale | --replicas=0 | deploy/x | |",
    ),
    (
        "kubectl scale --replicas 0 sts x",
        "scale | --replicas=0 | sts x | |",
    ),
    (
        "kubectl scale --replicas=0 --all deploy -n prod",
        "scale | --replicas=0 --all --namespace=prod | deploy | -n prod |",
    ),
    (
        "kubectl scale --current-replicas=2 --replicas=3 deploy/x",
        "scale | --current-replicas=2 --replicas=3 | deploy/x | |",
    ),
    (
        "kubectl drain node1 --ignore-daemonsets --delete-emptydir-data",
        "drain | --ignore-daemonsets --delete-emptydir-data | node1 | |",
    ),
    (
        "kubectl drain -l pool=a --force --dry-run=client",
        "drain | --selector=pool=a --force --dry-run=client | | | inert",
    ),
    ("kubectl cordon node1", "cordon | | node1 | |"),
    (
        "kubectl taint nodes n1 k=v:NoExecute",
        "taint | | nodes n1 k=v:NoExecute | |",
    ),
    (
        "kubectl taint nodes n1 k:NoSchedule-",
        "taint | | nodes n1 k:NoSchedule- | |",
    ),
    (
        r#"kubectl patch deploy x -p '{"spec":{"replicas":0}}'"#,
        r#"patch | --patch={"spec":{"replicas":0}} | deploy x | |"#,
    ),
    (
        r#"kubectl patch deploy x --type=json --patch='[{"op":"remove","path":"/a"}]'"#,
        r#"patch | --type=json --patch=[{"op":"remove","path":"/a"}] | deploy x | |"#,
    ),
    (
        "kubectl patch deploy x --patch-file p.yaml --local",
        "patch | --patch-file=p.yaml --local | deploy x | |",
    ),
    (
        "kubectl set image deploy/x a=b:1",
        "set image | | deploy/x a=b:1 | |",
    ),
    (
        "kubectl set sa deploy x y",
        "set serviceaccount | | deploy x y | |",
    ),
    (
        "kubectl set env deploy/x A=1 --prefix=P_",
        "set env | --prefix=P_ | deploy/x A=1 | |",
    ),
    ("kubectl label pods --all a-", "label | --all | pods a- | |"),
    (
        "kubectl annotate pod x a=b --overwrite",
        "annotate | --overwrite | pod x a=b | |",
    ),
    ("kubectl edit deploy/x", "edit | | deploy/x | |"),
    (
        "kubectl expose deploy x --port 80",
        "expose | --port=80 | deploy x | |",
    ),
    (
        "kubectl autoscale deploy x --min 1 --max 3",
        "autoscale | --min=1 --max=3 | deploy x | |",
    ),
    (
        "kubectl certificate deny csr",
        "certificate deny | | csr | |",
    ),
    ("kubectl cp a pod:/b", "cp into | | a pod:/b | |"),
    (
        "kubectl cp ns/pod:/b a -c c --retries 3",
        "cp | --container=c --retries=3 | ns/pod:/b a | |",
    ),
    (
        "kubectl port-forward svc/x 80:80 -n n",
        "port-forward | --namespace=n | svc/x 80:80 | -n n |",
    ),
    ("kubectl proxy -p 8001", "proxy | --port=8001 | | |"),
    ("kubectl attach x -it", "attach | --stdin --tty | x | |"),
    ("kubectl exec x -- ls /", "exec | | x -- ls / | |"),
    (
        "kubectl exec x -- rm -rf /data",
        "exec | | x -- rm -rf /data | | runs rm -rf /data",
    ),
    (
        "kubectl exec -it x -c app -- /bin/rm -rf /data",
        "exec | --stdin --tty --container=app | x -- /bin/rm -rf /data | | runs rm -rf /data",
    ),
    (
        "kubectl exec x -c app -n prod -- psql -c 'drop table a'",
        "exec | --container=app --namespace=prod | x -- psql -c drop table a | -n prod | runs psql -c 'drop table a'",
    ),
    (
        "kubectl exec -n prod x rm /data",
        "exec | --namespace=prod | x rm /data | -n prod | runs rm /data",
    ),
    (
        "kubectl exec deploy/x -- sh -c 'rm -rf /data'",
        "exec | | deploy/x -- sh -c rm -rf /data | | runs rm -rf /data",
    ),
    (
        "kubectl exec x -- sh script.sh",
        "exec | | x -- sh script.sh | |",
    ),
    (
        "kubectl exec x -- bash -ec 'rm -rf /data'",
        "exec | | x -- bash -ec rm -rf /data | | runs rm -rf /data",
    ),
    (
        "kubectl exec x -- kubectl delete ns prod",
        "exec | | x -- kubectl delete ns prod | | runs kubectl delete ns prod",
    ),
    (
        "kubectl exec x -- kubectl exec y -- aws s3 rm s3://b --recursive",
        "exec | | x -- kubectl exec y -- aws s3 rm s3://b --recursive | | runs kubectl exec y -- aws s3 rm s3://b --recursive",
    ),
    (
        "kubectl exec x -- rm --help",
        "exec | | x -- rm --help | | runs rm --help",
    ),
    ("kubectl run x --image=i", "run | --image=i | x | |"),
    (
        "kubectl run x --image=i --rm -it --restart=Never --command -- rm -rf /data",
        "run | --image=i --rm --stdin --tty --restart=Never --command | x -- rm -rf /data | | runs rm -rf /data",
    ),
    (
        "kubectl run x --image=i --command rm /data",
        "run | --image=i --command | x rm /data | | runs rm /data",
    ),
    (
        "kubectl run x --image=i -- rm -rf /data",
        "run | --image=i | x -- rm -rf /data | |",
    ),
    (
        "kubectl run x --image=i --dry-run=client -o yaml",
        "run | --image=i --dry-run=client --output=yaml | x | | inert",
    ),
    (
        "kubectl debug node/n -it --image=i -- git clean -f",
        "debug | --stdin --tty --image=i | node/n -- git clean -f | | runs git clean -f",
    ),
    (
        "kubectl debug x --image=i --profile=general --target c",
        "debug | --image=i --profile=general --target=c | x | |",
    ),
    (
        "kubectl kustomize overlays/prod",
        "kustomize | | overlays/prod | | reads",
    ),
    (
        "kubectl kustomize . -o out.yaml",
        "kustomize | --output=out.yaml | . | |",
    ),
    (
        "kubectl kustomize . --enable-helm",
        "kustomize | --enable-helm | . | |",
    ),
    ("kubectl plugin list", "plugin list | | | | reads"),
    ("kubectl krew install x", "krew | | install x | | doubt"),
    (
        "kubectl neat -n prod --force",
        "neat | --namespace=prod ?--force | | -n prod | doubt",
    ),
    ("kubectl foo delete pod x", "foo | | delete pod x | | doubt"),
    ("kubectl alpha", "alpha | | | | reads"),
    (
        "kubectl rolling-update a b",
        "rolling-update | | a b | | doubt",
    ),
    ("kubectl --context", "| --context | | --context | inert"),
    (
        "kubectl delete pod x -n",
        "delete | --namespace | pod x | -n |",
    ),
    ("kubectl $VERB pod x", "$VERB | | pod x | | doubt"),
    (
        "kubectl --cascade=orphan delete --cascade pod x",
        "delete | --cascade=orphan --cascade | pod x | |",
    ),
    (
        "kubectl delete sa/x --as-user-extra a=b",
        "delete | --as-user-extra=a=b | sa/x | --as-user-extra 'a=b' |",
    ),
    (
        "kubectl cp -n prod pod:/b a",
        "cp | --namespace=prod | pod:/b a | -n prod |",
    ),
    (
        "kubectl -n prod cp a db/pod:/b -c app",
        "cp into | --namespace=prod --container=app | a db/pod:/b | -n prod |",
    ),
    ("kubectl cp a :b", "cp | | a :b | |"),
    (
        "kubectl edit deploy/web -n prod",
        "edit | --namespace=prod | deploy/web | -n prod |",
    ),
    (
        "kubectl patch cm a --patch-file=p.yaml --type merge",
        "patch | --patch-file=p.yaml --type=merge | cm a | |",
    ),
    (
        "kubectl scale --all --replicas=0 deploy",
        "scale | --all --replicas=0 | deploy | |",
    ),
    (
        "kubectl taint nodes -l pool=blue a=b:NoExecute --overwrite",
        "taint | --selector=pool=blue --overwrite | nodes a=b:NoExecute | |",
    ),
    (
        "kubectl delete all --all --cascade=foreground -n prod",
        "delete | --all --cascade=foreground --namespace=prod | all | -n prod |",
    ),
    (
        "kubectl create --raw /api/v1/namespaces/a/pods/b/eviction -f e.json",
        "create | --raw=/api/v1/namespaces/a/pods/b/eviction --filename=e.json | | |",
    ),
    ("kubectl logs --help", "logs | --help | | | inert"),
];

#[test]
fn lines() {
    check(CASES);
}

/// Words that mean something to the tool, pieces of them, and any bytes at all.
fn argument() -> impl Strategy<Value = std::ffi::OsString> {
    use std::os::unix::ffi::OsStringExt as _;
    prop_oneof![
        prop::sample::select(vec![
            "delete",
            "rollout",
            "undo",
            "config",
            "--all",
            "-n",
            "--",
            "exec",
            "kubectl",
            "rm",
            "--dry-run",
            "-f"
        ])
        .prop_map(Into::into),
        "-{0,3}[a-z=-]{0,8}".prop_map(Into::into),
        prop::collection::vec(any::<u8>(), 0..6).prop_map(std::ffi::OsString::from_vec),
    ]
}

/// Destructive lines: the line, its verb, and the flag that makes it so.
const DESTRUCTIVE: &[(&str, &str, &str)] = &[
    ("kubectl delete pod x", "delete", ""),
    ("kubectl delete pods --all -A", "delete", "--all"),
    (
        "kubectl delete pod/x --force --grace-period=0",
        "delete",
        "--force",
    ),
    ("kubectl replace --force -f=a.yaml", "replace", "--force"),
    ("kubectl apply --prune --all -Rf=dir", "apply", "--prune"),
    ("kubectl scale --replicas=0 deploy/x", "scale", "--replicas"),
    ("kubectl drain n1 --force", "drain", "--force"),
    ("kubectl rollout undo deploy/x", "rollout undo", ""),
    (
        "kubectl config delete-context prod",
        "config delete-context",
        "",
    ),
    ("kubectl delete --raw=/api/v1/x", "delete", "--raw"),
    (
        "kubectl auth reconcile -f=r --remove-extra-subjects",
        "auth reconcile",
        "--remove-extra-subjects",
    ),
    ("kubectl config unset users.a", "config unset", ""),
];

/// Options that change nothing about that, and may stand anywhere.
const HARMLESS: &[&str] = &[
    "-n prod",
    "-nprod",
    "--namespace=prod",
    "--namespace prod",
    "-v 4",
    "-v=4",
    "-v4",
    "--v=4",
    "--context=c",
    "--context c",
    "-s https://h",
    "--insecure-skip-tls-verify",
    "--request-timeout=5s",
    "--request-timeout 5s",
    "--warnings-as-errors",
    "--as=root",
    "--disable-compression=true",
    "--as-group g",
];

/// The same, but only after the verb.
const HARMLESS_AFTER: &[&str] = &[
    "--wait=false",
    "--timeout=5s",
    "--ignore-not-found",
    "-o name",
    "-oname",
    "--output=name",
    "--field-manager=x",
    "--bogus",
    "--dry-run=none",
    "--dry-run=false",
    "--help=false",
    "-- --dry-run=client",
    "-- --help",
];

fn is_still(line: &str, verb: &str, flag: &str) -> Result<(), TestCaseError> {
    let invocation = parse(line);
    prop_assert_eq!(invocation.verb.join(" "), verb, "{}", line);
    prop_assert!(flag.is_empty() || invocation.has(flag), "{}", line);
    prop_assert!(!invocation.inert && !only_reads(&invocation), "{}", line);
    Ok(())
}

proptest! {
    #[test]
    fn harmless_options_hide_nothing(
        line in prop::sample::select(DESTRUCTIVE),
        extra in prop::collection::vec(
            (prop::sample::select(HARMLESS), any::<prop::sample::Index>()),
            0..4,
        ),
        after in prop::sample::select(HARMLESS_AFTER),
    ) {
        let (text, verb, flag) = line;
        let mut words: Vec<&str> = text.split(' ').collect();
        for (option, at) in extra {
            // Not in front of the tool's name, and not between an option and its value.
            let places: Vec<usize> = (1..=words.len())
                .filter(|at| !VALUED.contains(&words[at - 1]))
                .collect();
            words.insert(places[at.index(places.len())], option);
        }
        words.push(after);
        is_still(&words.join(" "), verb, flag)?;
    }

    #[test]
    fn random_arguments_never_panic(arguments in prop::collection::vec(argument(), 0..12)) {
        let words: Vec<Word> = arguments.into_iter().map(Word::known).collect();
        let invocation = read(&words, &Context::nothing(guard_toolbox::TOOLBOX.nested));
        let _ = only_reads(&invocation);
    }
}

/// Options of the lines above whose value is the next word.
const VALUED: &[&str] = &[];

#[test]
fn nesting_has_an_end() {
    let line = format!("kubectl{}", " exec x -- kubectl".repeat(20_000));
    let mut invocation = &parse(&line);
    let mut depth = 0;
    while let Some(nested) = invocation.nested.first() {
        invocation = &nested.invocation;
        depth += 1;
    }
    assert_eq!(depth, command::DEPTH);
    assert!(!invocation.doubts.is_empty());
}

#[test]
fn arguments_are_what_the_verb_receives() {
    for (line, expected) in [
        ("kubectl -n prod delete pod x", "pod x"),
        ("kubectl delete -n prod pod x", "-n prod pod x"),
        ("kubectl --all pods delete", "--all pods"),
        (
            "kubectl --context c rollout -n p undo deploy/x --to-revision 3",
            "deploy/x --to-revision 3",
        ),
        ("kubectl exec x -- rm -rf /data", "x -- rm -rf /data"),
    ] {
        assert_eq!(
            parse(line).arguments.join(" ".as_ref()),
            *expected,
            "{line}"
        );
    }
}
