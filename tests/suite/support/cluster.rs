//! A Kubernetes API server on loopback (see `cluster.py`): one process for the whole suite, a
//! cluster of its own for each test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::{World, has};

/// The running server; it ends when the tests' process does, which holds its standard input.
struct Server {
    /// Where clusters are asked for, and their ports come out.
    ports: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    _process: Child,
}

static SERVER: OnceLock<Server> = OnceLock::new();

impl Server {
    fn start() -> Self {
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
        let (input, output) = (process.stdin.take(), process.stdout.take());
        Self {
            ports: Mutex::new((input.unwrap(), BufReader::new(output.unwrap()))),
            _process: process,
        }
    }

    fn cluster(&self) -> u16 {
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        let (input, output) = &mut *ports;
        writeln!(input).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }
}

/// A cluster of a test's own, in the process that all of them share.
pub struct Cluster {
    port: u16,
}

impl Cluster {
    /// A fresh one, and a kubeconfig for it in the world's home: the current context is `dev` with the
    /// namespace `default`; `prod-eu` goes to the same server as somebody who may only read. `None`, and
    /// said, where there is no kubectl.
    pub fn start(world: &World) -> Option<Self> {
        if !has("kubectl") || !has("python3") {
            return None;
        }
        let port = SERVER.get_or_init(Server::start).cluster();
        world.write("home/.kube/config", kubeconfig(port));
        Some(Self { port })
    }

    /// Where it serves.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests that changed something.
    pub fn writes(&self) -> Vec<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .write_all(b"GET /writes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }
}

fn kubeconfig(port: u16) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: dev
clusters:
- name: local
  cluster: {{server: \"http://127.0.0.1:{port}\"}}
- name: readonly
  cluster: {{server: \"http://127.0.0.1:{port}/readonly\"}}
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
