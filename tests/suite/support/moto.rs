//! The AWS CLI in front of moto, on loopback: one server for the whole suite, names of its own
//! for each test.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::{Run, World, real_path};

/// A secret that must show nowhere.
pub const SECRET: &str = "wJalrXUtnFEMI-secret-of-the-tests";

/// The running server; it ends when the tests' process does, which holds its standard input.
struct Server {
    port: u16,
    /// Where scripts go in, and what they say comes out.
    python: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    /// Where the `aws` stands that need not import itself for each call.
    warm: PathBuf,
    _processes: [Child; 2],
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/aws")
}

/// Installs the tools where they are missing, and starts the server.
fn start() -> Option<Server> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/aws/test-tools");
    let installed = Command::new(script).env("PATH", real_path()).status();
    if !installed.is_ok_and(|status| status.success()) {
        return None;
    }
    let (mut process, output, line) = python("cloud.py", &[]);
    let port = line.parse().unwrap();
    let warm = tempfile::Builder::new()
        .prefix("guard-aws-")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir()
        .unwrap()
        .keep();
    let (_, rest) = AWS.split_once('\n').unwrap();
    let launcher = format!("#!{} -IS\n{rest}", interpreter().display());
    std::fs::write(warm.join("aws"), launcher).unwrap();
    std::fs::set_permissions(warm.join("aws"), std::fs::Permissions::from_mode(0o755)).unwrap();
    super::to_be_run(&warm.join("aws"));
    let endpoint = format!("http://127.0.0.1:{port}");
    let socket = warm.join("warm.sock");
    let (ready, _, _) = python("warm.py", &[socket.as_os_str(), OsStr::new(&endpoint)]);
    let input = process.stdin.take().unwrap();
    Some(Server {
        port,
        python: Mutex::new((input, output)),
        warm,
        _processes: [process, ready],
    })
}

/// The launcher of the warm CLI.
const AWS: &str = include_str!("aws");

fn interpreter() -> PathBuf {
    tools().join("venv/bin/python")
}

/// Starts a script of ours with the tools' Python; what it prints first.
fn python(name: &str, arguments: &[&OsStr]) -> (Child, BufReader<ChildStdout>, String) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/support");
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.log"));
    let mut process = Command::new(interpreter())
        .arg(here.join(name))
        .args(arguments)
        .env_clear()
        .env("PATH", real_path())
        .env("LC_ALL", "C.UTF-8")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(
        !line.is_empty(),
        "{name} did not start: {}",
        std::fs::read_to_string(&log).unwrap_or_default()
    );
    (process, output, line.trim().to_owned())
}

/// A world in which aws leads to the server.
pub struct Cloud {
    pub world: World,
    server: &'static Server,
    cold: bool,
}

impl Cloud {
    /// A world, with this Python run first: `c(service)` gives a client. Nothing where the tools cannot be
    /// had; the test is then passed over.
    #[track_caller]
    pub fn with(setup: &str) -> Option<Self> {
        let Some(server) = SERVER.get_or_init(start) else {
            eprintln!("PASSED OVER: the AWS CLI and moto cannot be had (scripts/aws/test-tools)");
            return None;
        };
        let cloud = Self {
            world: World::new(),
            server,
            cold: false,
        };
        // The tests share two cores with each other.
        cloud.world.rules("[preview]\nseconds = 120\n");
        if !setup.is_empty() {
            cloud.python(setup);
        }
        Some(cloud)
    }

    /// With a CLI that starts as anywhere else, not as a fork of one that has started.
    pub fn cold(mut self) -> Self {
        self.cold = true;
        self
    }

    /// Where the server answers.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port)
    }

    /// Runs Python past guard; what it printed.
    #[track_caller]
    pub fn python(&self, script: &str) -> String {
        let mut python = self
            .server
            .python
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (input, output) = &mut *python;
        writeln!(input, "{}", serde_json::Value::from(script)).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        drop(python);
        let answer: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(answer["error"].is_null(), "{script}: {}", answer["error"]);
        answer["said"].as_str().unwrap().trim().to_owned()
    }

    /// The keys in a bucket.
    #[track_caller]
    pub fn keys(&self, bucket: &str) -> String {
        self.python(&format!(
            "r = c('s3').list_objects_v2(Bucket='{bucket}')\n\
             print(' '.join(o['Key'] for o in r.get('Contents', [])))"
        ))
    }

    fn path(&self) -> OsString {
        let mut path = self.world.shims().into_os_string();
        let cli = if self.cold {
            tools().join("bin")
        } else {
            self.server.warm.clone()
        };
        for more in [cli.into_os_string(), real_path()] {
            path.push(":");
            path.push(more);
        }
        path
    }

    /// Variables that lead the CLI to the server.
    pub fn lead<'w>(&self, run: Run<'w>) -> Run<'w> {
        run.variable("PATH", self.path())
            .variable("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .variable("AWS_SECRET_ACCESS_KEY", SECRET)
            .variable("AWS_DEFAULT_REGION", "us-east-1")
            .variable("AWS_ENDPOINT_URL", self.endpoint())
            .within(Duration::from_secs(240))
    }

    /// aws with these words, at the shim.
    pub fn aws(&self, line: &str) -> Run<'_> {
        let words: Vec<String> = std::iter::once("aws".to_owned())
            .chain(shlex::split(line).unwrap())
            .collect();
        self.lead(self.world.command(&words))
    }

    /// What `guard explain --json` says about an aws command.
    #[track_caller]
    pub fn explain(&self, line: &str) -> serde_json::Value {
        let mut words: Vec<String> = ["explain", "--json", "--", "aws"].map(str::to_owned).into();
        words.extend(shlex::split(line).unwrap());
        let outcome = self.lead(self.world.guard(&words)).run();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        let explained: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        explained["commands"][0].clone()
    }
}
