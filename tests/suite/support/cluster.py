"""A Kubernetes API server on loopback for the tests: stateful, with discovery and typed REST, dry runs
honoured. It is no cluster: nothing schedules or runs, but owners, namespaces and scales work as far as
kubectl can tell.

Below `/readonly` every change is forbidden.

Each line of standard input asks for one more cluster, fresh and on a port of its own, which is printed.
Serves until standard input ends. `GET /writes` lists what changed something.
"""

import copy
import json
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

# group, version, plural, kind, namespaced, short names, in category `all`
RESOURCES = [
    ("", "v1", "namespaces", "Namespace", False, ["ns"], False),
    ("", "v1", "nodes", "Node", False, ["no"], False),
    ("", "v1", "persistentvolumes", "PersistentVolume", False, ["pv"], False),
    ("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", True, ["pvc"], False),
    ("", "v1", "pods", "Pod", True, ["po"], True),
    ("", "v1", "services", "Service", True, ["svc"], True),
    ("", "v1", "configmaps", "ConfigMap", True, ["cm"], False),
    ("", "v1", "secrets", "Secret", True, [], False),
    ("", "v1", "serviceaccounts", "ServiceAccount", True, ["sa"], False),
    ("", "v1", "events", "Event", True, ["ev"], False),
    ("apps", "v1", "deployments", "Deployment", True, ["deploy"], True),
    ("apps", "v1", "replicasets", "ReplicaSet", True, ["rs"], True),
    ("apps", "v1", "statefulsets", "StatefulSet", True, ["sts"], True),
    ("apps", "v1", "daemonsets", "DaemonSet", True, ["ds"], True),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False, ["crd", "crds"], False),
    ("example.com", "v1", "widgets", "Widget", True, [], False),
]
SCALED = {"deployments", "replicasets", "statefulsets"}
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

# Those of the cluster that is asked; they change hands under the lock.
STORE = {}
WRITES = []
LOCK = threading.RLock()


class Failure(Exception):
    def __init__(self, code, reason, message, details=None):
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details or {}


def api_version(group, version):
    return f"{group}/{version}" if group else version


def is_served(row):
    """Widgets are there as long as their definition is."""
    definition = ("apiextensions.k8s.io", "v1", "customresourcedefinitions", "", f"{row[2]}.{row[0]}")
    return row[0] != "example.com" or definition in STORE


def resource(group, version, plural):
    for one in RESOURCES:
        if one[:3] == (group, version, plural) and is_served(one):
            return one
    raise Failure(404, "NotFound", "the server could not find the requested resource")


def put(group, plural, namespace, name, body=None, owner=None, labels=None):
    """Seeds an object."""
    row = next(one for one in RESOURCES if one[0] == group and one[2] == plural)
    meta = {"name": name, "uid": str(uuid.uuid4()), "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    if namespace:
        meta["namespace"] = namespace
    if labels:
        meta["labels"] = labels
    if owner:
        meta["ownerReferences"] = [{
            "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"], "controller": True,
        }]
    stored = {"apiVersion": api_version(row[0], row[1]), "kind": row[3], "metadata": meta, **(body or {})}
    STORE[(group, row[1], plural, namespace or "", name)] = stored
    return stored


def seed():
    for name in ["default", "prod", "empty"]:
        put("", "namespaces", None, name, {"status": {"phase": "Active"}})
        put("", "configmaps", name, "kube-root-ca.crt", {"data": {"ca.crt": "x"}})
        put("", "serviceaccounts", name, "default")
    for name in ["node-1", "node-2"]:
        put("", "nodes", None, name, {"spec": {}}, labels={"pool": "blue"})
    web = put("apps", "deployments", "prod", "web", {
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:2"}]}}},
        "status": {"replicas": 3, "readyReplicas": 3},
    }, labels={"app": "web"})
    web["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "2"}
    for revision in ["1", "2"]:
        rs = put("apps", "replicasets", "prod", f"web-{revision}", {
            "spec": {"replicas": 3 if revision == "2" else 0, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": f"web:{revision}"}]}}},
            "status": {"replicas": 3 if revision == "2" else 0},
        }, owner=web, labels={"app": "web"})
        rs["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": revision}
    for at in "abc":
        put("", "pods", "prod", f"web-2-{at}", {"spec": {"nodeName": "node-1", "containers": [{"name": "web", "image": "web:2"}], "volumes": [{"name": "tmp", "emptyDir": {}}]}, "status": {"phase": "Running"}}, owner=rs, labels={"app": "web"})
    db = put("apps", "statefulsets", "prod", "db", {
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "db"}}, "serviceName": "db", "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "db", "image": "db:1"}]}}},
        "status": {"replicas": 1, "readyReplicas": 1},
    }, labels={"app": "db"})
    put("", "pods", "prod", "db-0", {"spec": {"nodeName": "node-2", "containers": [{"name": "db", "image": "db:1"}], "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}], "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}]}, "status": {"phase": "Running"}}, owner=db, labels={"app": "db"})
    put("", "persistentvolumeclaims", "prod", "data-db-0", {"spec": {"volumeName": "pv-1"}, "status": {"phase": "Bound", "capacity": {"storage": "10Gi"}}}, labels={"app": "db"})
    put("", "persistentvolumeclaims", "default", "archive", {"spec": {"volumeName": "pv-2"}, "status": {"phase": "Bound", "capacity": {"storage": "1Ti"}}})
    put("", "persistentvolumes", None, "pv-1", {"spec": {"persistentVolumeReclaimPolicy": "Delete", "capacity": {"storage": "10Gi"}}, "status": {"phase": "Bound"}})
    put("", "persistentvolumes", None, "pv-2", {"spec": {"persistentVolumeReclaimPolicy": "Retain", "capacity": {"storage": "1Ti"}}, "status": {"phase": "Bound"}})
    put("", "services", "prod", "web", {"spec": {"ports": [{"port": 80}]}}, labels={"app": "web"})
    put("", "configmaps", "prod", "settings", {"data": {"a": "hunter2", "b": "2"}})
    put("", "secrets", "prod", "keys", {"data": {"token": "aHVudGVyMg=="}})
    put("", "pods", "default", "lonely", {"spec": {"nodeName": "node-1", "containers": [{"name": "x", "image": "x"}]}, "status": {"phase": "Running"}})
    agent = put("apps", "daemonsets", "default", "agent", {"spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": {"metadata": {"labels": {"app": "agent"}}, "spec": {"containers": [{"name": "x", "image": "x"}]}}}, "status": {"numberReady": 1}})
    put("", "pods", "default", "agent-1", {"spec": {"nodeName": "node-1", "containers": [{"name": "x", "image": "x"}]}, "status": {"phase": "Running"}}, owner=agent)
    put("apiextensions.k8s.io", "customresourcedefinitions", None, "widgets.example.com", {"spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"}}})
    for name in ["left", "right"]:
        put("example.com", "widgets", "prod", name, {"spec": {"size": 1}})


def matches(labels, selector):
    for part in filter(None, selector.split(",")):
        key, _, value = part.partition("=")
        value = value.lstrip("=")
        if key.endswith("!"):
            if labels.get(key[:-1]) == value:
                return False
        elif labels.get(key) != value:
            return False
    return True


def field_matches(stored, selector):
    for part in filter(None, selector.split(",")):
        path, _, value = part.partition("=")
        at = stored
        for step in path.split("."):
            at = at.get(step, "") if isinstance(at, dict) else ""
        if str(at) != value.lstrip("="):
            return False
    return True


def merge(target, patch):
    """RFC 7386; good enough for strategic merge patches of the tests, lists are merged by name."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            target.pop(key, None)
        elif isinstance(value, list) and isinstance(target.get(key), list) and all(isinstance(one, dict) and "name" in one for one in value):
            rows = {one.get("name"): one for one in target[key]}
            for one in value:
                if one.get("$patch") == "delete":
                    rows.pop(one["name"], None)
                else:
                    rows[one["name"]] = merge(rows.get(one["name"]), one)
            target[key] = list(rows.values())
        else:
            target[key] = merge(target.get(key), value)
    return target


def json_patch(target, operations):
    for one in operations:
        steps = [step.replace("~1", "/").replace("~0", "~") for step in one["path"].split("/")[1:]]
        at = target
        for step in steps[:-1]:
            at = at[int(step)] if isinstance(at, list) else at[step]
        last = int(steps[-1]) if isinstance(at, list) and steps[-1] != "-" else steps[-1]
        if one["op"] == "remove":
            if isinstance(at, dict) and last not in at:
                raise Failure(422, "Invalid", "the server rejected our request due to an error in our request")
            del at[last]
        elif last == "-":
            at.append(one["value"])
        else:
            at[last] = one["value"]
    return target


def remove(key, orphan=False):
    stored = STORE.pop(key, None)
    if stored is None:
        return
    if key[2] == "namespaces":
        for other in [other for other in STORE if other[3] == key[4]]:
            STORE.pop(other, None)
    if key[2] == "customresourcedefinitions":
        for other in [other for other in STORE if f"{other[2]}.{other[0]}" == key[4]]:
            STORE.pop(other, None)
    if not orphan:
        uid = stored["metadata"]["uid"]
        for other, one in list(STORE.items()):
            if any(owner["uid"] == uid for owner in one["metadata"].get("ownerReferences", [])):
                remove(other)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body):
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = {}
        address = urlparse(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        try:
            with LOCK:
                self.server.enter()
                parts = address.path.strip("/").split("/")
                self.read_only = parts[0] == "readonly"
                code, answer = self.route(parts[self.read_only:], query, body)
                # Another request may change what is answered.
                answer = copy.deepcopy(answer)
            self.answer(code, answer)
        except Failure as failure:
            self.answer(failure.code, {
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": failure.message, "reason": failure.reason, "details": failure.details, "code": failure.code,
            })

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def route(self, parts, query, body):
        if parts == ["writes"]:
            return 200, WRITES
        if parts == ["version"]:
            return 200, {"major": "1", "minor": "32", "gitVersion": "v1.32.0"}
        if parts == ["api"]:
            return 200, {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        if parts == ["apis"]:
            groups = sorted({(one[0], one[1]) for one in RESOURCES if one[0] and is_served(one)})
            told = [{"name": group, "versions": [{"groupVersion": f"{group}/{version}", "version": version}], "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version}} for group, version in groups]
            return 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": told}
        if parts[0] == "api" and len(parts) >= 2:
            group, version, rest = "", parts[1], parts[2:]
        elif parts[0] == "apis" and len(parts) >= 3:
            group, version, rest = parts[1], parts[2], parts[3:]
        else:
            raise Failure(404, "NotFound", "the server could not find the requested resource")
        if not rest:
            return 200, self.discovery(group, version)
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("finalize", "status"):
            namespace, rest = rest[1], rest[2:]
        row = resource(group, version, rest[0])
        name = rest[1] if len(rest) > 1 else None
        below = rest[2] if len(rest) > 2 else None
        asked = body if isinstance(body, dict) else {}
        dry = query.get("dryRun") == "All" or "All" in (asked.get("dryRun") or asked.get("deleteOptions", {}).get("dryRun") or [])
        if self.read_only and self.command != "GET":
            raise Failure(403, "Forbidden", f'{row[2]} "{name}" is forbidden: User "reader" cannot {self.command.lower()} resource')
        if self.command != "GET" and not dry:
            WRITES.append(f"{self.command} {self.path}")
        return self.operate(row, namespace, name, below, query, body, dry)

    def discovery(self, group, version):
        told = []
        for row in RESOURCES:
            if row[:2] != (group, version) or not is_served(row):
                continue
            told.append({"name": row[2], "singularName": row[3].lower(), "namespaced": row[4], "kind": row[3], "verbs": VERBS, "shortNames": row[5], "categories": ["all"] if row[6] else []})
            if row[2] in SCALED:
                told.append({"name": f"{row[2]}/scale", "singularName": "", "namespaced": True, "group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": ["get", "patch", "update"]})
            if row[2] == "pods":
                told.append({"name": "pods/eviction", "singularName": "", "namespaced": True, "group": "policy", "version": "v1", "kind": "Eviction", "verbs": ["create"]})
        if not told:
            raise Failure(404, "NotFound", "the server could not find the requested resource")
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version(group, version), "resources": told}

    def operate(self, row, namespace, name, below, query, body, dry):
        base = row[:3]
        if name is None:
            found = [
                (key, one) for key, one in STORE.items()
                if key[:3] == base and (not namespace or key[3] == namespace)
                and matches(one["metadata"].get("labels", {}), query.get("labelSelector", ""))
                and field_matches(one, query.get("fieldSelector", ""))
            ]
            if self.command == "POST":
                fresh = body["metadata"]
                key = (*base, namespace, fresh["name"])
                if key in STORE:
                    raise Failure(409, "AlreadyExists", f'{row[2]} "{fresh["name"]}" already exists')
                if namespace and ("", "v1", "namespaces", "", namespace) not in STORE:
                    raise Failure(404, "NotFound", f'namespaces "{namespace}" not found')
                fresh.update(uid=str(uuid.uuid4()), resourceVersion="1", **({"namespace": namespace} if namespace else {}))
                if not dry:
                    STORE[key] = body
                return 201, body
            if self.command == "DELETE" and not dry:
                for key, _ in found:
                    remove(key)
            return 200, {"kind": f"{row[3]}List", "apiVersion": api_version(row[0], row[1]), "metadata": {"resourceVersion": "1"}, "items": [one for _, one in found]}
        key = (*base, namespace, name)
        stored = STORE.get(key)
        if stored is None:
            details = {"name": name, "group": row[0], "kind": row[2]}
            told = f"{row[2]}.{row[0]}" if row[0] else row[2]
            raise Failure(404, "NotFound", f'{told} "{name}" not found', details)
        if below == "eviction":
            if not dry:
                remove(key)
            return 201, {"kind": "Status", "apiVersion": "v1", "status": "Success", "code": 201}
        if below == "scale":
            return 200, self.scale(key, stored, body, dry)
        if self.command == "GET":
            return 200, stored
        if self.command == "DELETE":
            if not dry:
                remove(key, body.get("propagationPolicy") == "Orphan")
            return 200, {"kind": "Status", "apiVersion": "v1", "status": "Success", "details": {"name": name, "kind": row[2], "uid": stored["metadata"]["uid"]}}
        if self.command == "PATCH":
            fresh = copy.deepcopy(stored)
            if "json-patch" in self.headers.get("Content-Type", ""):
                fresh = json_patch(fresh, body)
            else:
                fresh = merge(fresh, body)
        else:
            fresh = body
            fresh["metadata"].setdefault("uid", stored["metadata"]["uid"])
            fresh["metadata"].setdefault("resourceVersion", "1")
        if row[2] in SCALED and fresh.get("spec", {}).get("selector") != stored.get("spec", {}).get("selector"):
            raise Failure(422, "Invalid", f'{row[3]} "{name}" is invalid: spec.selector: field is immutable')
        if not dry:
            STORE[key] = fresh
        return 200, fresh

    def scale(self, key, stored, body, dry):
        if self.command != "GET":
            replicas = body.get("spec", {}).get("replicas", 0)
            stored = copy.deepcopy(stored)
            stored["spec"]["replicas"] = replicas
            stored.setdefault("status", {})["replicas"] = replicas
            if not dry:
                STORE[key] = stored
        meta = {name: stored["metadata"][name] for name in ("name", "namespace", "uid", "resourceVersion")}
        replicas = stored["spec"].get("replicas", 1)
        return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": {"replicas": replicas}, "status": {"replicas": replicas}}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.store, self.writes = {}, []
        with LOCK:
            self.enter()
            seed()

    def enter(self):
        """Makes this cluster the one that is asked."""
        global STORE, WRITES
        STORE, WRITES = self.store, self.writes

    def handle_error(self, *_):
        """kubectl may hang up at any time."""


def main():
    for _ in sys.stdin:
        server = Server()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)


main()
