//! A Kubernetes API server on loopback (see `cluster.py`): one for the whole suite, a cluster of its own
//! for each test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{World, has};

/// The running server; it ends when the tests' process does, which holds its standard input.
struct Server {
    port: u16,
    _process: Child,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static COUNT: AtomicU32 = AtomicU32::new(1);

fn start() -> Server {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/suite/support/cluster.py"
    );
    let mut process = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    Server {
        port: line.trim().parse().unwrap(),
        _process: process,
    }
}

/// A cluster of a test's own, at the server that all of them share.
pub struct Cluster {
    port: u16,
    name: String,
}

impl Cluster {
    /// A fresh one, and a kubeconfig for it in the world's home: the current context is `dev` with the
    /// namespace `default`; `prod-eu` goes to the same cluster as somebody who may only read. `None`, and
    /// said, where there is no kubectl.
    pub fn start(world: &World) -> Option<Self> {
        if !has("kubectl") || !has("python3") {
            return None;
        }
        let cluster = Self {
            port: SERVER.get_or_init(start).port,
            name: format!("cluster-{}", COUNT.fetch_add(1, Ordering::Relaxed)),
        };
        world.write("home/.kube/config", kubeconfig(&cluster.address()));
        Some(cluster)
    }

    /// Where it serves.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}", self.port, self.name)
    }

    /// The requests that changed something.
    pub fn writes(&self) -> Vec<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request = format!(
            "GET /{}/writes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            self.name
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }
}

fn kubeconfig(address: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: dev
clusters:
- name: local
  cluster: {{server: \"{address}\"}}
- name: readonly
  cluster: {{server: \"{address}/readonly\"}}
users:
- name: writer
  user: {{token: writer}}
- name: reader
  user: {{token: reader}}
contexts:
- name: dev
  context: {{cluster: local, user: writer, namespace: default}}
- name: prod-eu
  context: {{cluster: readonly, user: reader, namespace: prod}}
"
    )
}
