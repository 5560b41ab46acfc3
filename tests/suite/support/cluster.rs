//! A Kubernetes API server on loopback: see `cluster.py`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use super::{World, has};

/// The server; it ends when this is dropped, or with the tests.
pub struct Cluster {
    server: Child,
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
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/suite/support/cluster.py"
        );
        let mut server = Command::new("python3")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line.trim().parse().unwrap();
        world.write("home/.kube/config", kubeconfig(port));
        Some(Self { server, port })
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

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
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
