//! The AWS CLI in front of moto, on loopback: one server for the whole test binary, names of its own
//! for each test.

use std::ffi::OsString;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::{Run, World, real_path};

/// A secret that must show nowhere.
pub const SECRET: &str = "wJalrXUtnFEMI-secret-of-the-tests";

/// The running server. When the tests' process ends, whoever keeps it sees its standard input end, and
/// stops it.
struct Server {
    port: u16,
    _keeper: Child,
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
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join("moto.log");
    let child = Command::new("sh")
        .arg("-c")
        .arg("\"$@\" >\"$LOG\" 2>&1 </dev/null & server=$!\nread _\nkill $server; wait $server")
        .arg("keeper")
        .arg(tools().join("venv/bin/moto_server"))
        .args(["-H", "127.0.0.1", "-p"])
        .arg(port.to_string())
        .env("PATH", real_path())
        .env("LOG", &log)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            Instant::now() < deadline,
            "moto did not start: {}",
            std::fs::read_to_string(&log).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(Server {
        port,
        _keeper: child,
    })
}

/// A world in which aws leads to the server.
pub struct Cloud {
    pub world: World,
    port: u16,
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
            port: server.port,
        };
        // The tests share two cores with each other.
        cloud.world.rules("[preview]\nseconds = 120\n");
        if !setup.is_empty() {
            cloud.python(setup);
        }
        Some(cloud)
    }

    /// Where the server answers.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Runs Python past guard; what it printed.
    #[track_caller]
    pub fn python(&self, script: &str) -> String {
        let prelude = format!(
            "import boto3\ndef c(name):\n    return boto3.client(name, endpoint_url='{}', \
             region_name='us-east-1', aws_access_key_id='a', aws_secret_access_key='b')\n",
            self.endpoint()
        );
        let output = Command::new(tools().join("venv/bin/python"))
            .arg("-c")
            .arg(format!("{prelude}{script}"))
            .env_clear()
            .env("PATH", real_path())
            .env("HOME", self.world.path("home"))
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {errors}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
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
        for more in [tools().join("bin").into_os_string(), real_path()] {
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
