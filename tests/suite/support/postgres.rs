//! A real `PostgreSQL` for the tests: a throw-away cluster on a Unix socket, one server for the whole
//! test binary, one database for each test.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

use super::{Person, Run, World, real_path};

/// The cluster's superuser.
pub const ADMIN: &str = "admin";

/// The running server. When the tests' process ends, whoever keeps it sees its standard input end,
/// stops the server, and removes its directory.
struct Server {
    directory: PathBuf,
    _keeper: Child,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static LOCKED: Once = Once::new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Where Debian keeps the server's programs, or else PATH.
fn program(name: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| name.into())
}

/// A command of the server's, which refuses to run as root.
fn as_server(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    command.arg(program);
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn give_to_server(path: &Path) {
    if is_root() {
        run(Command::new("chown").arg("postgres:postgres").arg(path));
    }
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command
        .env("PATH", real_path())
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error} (scripts/test installs it)"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

/// An initialised cluster, made once and kept below `target`.
fn template() -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres-cluster");
    if kept.join("PG_VERSION").exists() {
        return kept;
    }
    let made = kept.with_extension(format!("{}", std::process::id()));
    std::fs::create_dir_all(&made).unwrap();
    give_to_server(&made);
    let arguments = [
        "--auth=trust",
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "-U",
        ADMIN,
    ];
    run(as_server(&program("initdb"))
        .args(arguments)
        .arg("-D")
        .arg(&made));
    if std::fs::rename(&made, &kept).is_err() {
        std::fs::remove_dir_all(&made).unwrap();
    }
    kept
}

fn start() -> Server {
    let root = tempfile::Builder::new()
        .prefix("guard-postgres-")
        .tempdir()
        .unwrap()
        .keep();
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
    let data = root.join("data");
    run(Command::new("cp").arg("-a").arg(template()).arg(&data));
    let rules = data.join("pg_hba.conf");
    let trusting = std::fs::read_to_string(&rules).unwrap();
    std::fs::write(
        &rules,
        format!("local all locked scram-sha-256\n{trusting}"),
    )
    .unwrap();
    give_to_server(&root);
    let mut keeper = Command::new("sh");
    keeper
        .arg("-c")
        .arg(
            "\"$@\" >\"$ROOT/log\" 2>&1 </dev/null & server=$!\n\
             read _\n\
             kill -INT $server; wait $server; rm -rf \"$ROOT\"",
        )
        .arg("keeper");
    let server = as_server(&program("postgres"));
    keeper.arg(server.get_program()).args(server.get_args());
    for setting in [
        "listen_addresses=",
        "fsync=off",
        "full_page_writes=off",
        "autovacuum=off",
        "max_connections=60",
        &format!("unix_socket_directories={}", root.display()),
    ] {
        keeper.arg("-c").arg(setting);
    }
    keeper.arg("-D").arg(&data);
    let child = keeper
        .env("PATH", real_path())
        .env("ROOT", &root)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !root.join(".s.PGSQL.5432").exists() {
        assert!(
            Instant::now() < deadline,
            "the server did not start: {}",
            std::fs::read_to_string(root.join("log")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    Server {
        directory: root,
        _keeper: child,
    }
}

/// A database of its own, and a world in which psql leads there by default.
pub struct Database {
    pub world: World,
    pub name: String,
}

impl Database {
    /// A database with this in it.
    pub fn with(setup: &str) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let database = Self {
            world: World::new(),
            name: format!("app{number}"),
        };
        // Every session sees a socket before it takes connections.
        let deadline = Instant::now() + Duration::from_secs(30);
        while Self::try_sql("postgres", "SELECT 1").is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        LOCKED.call_once(|| {
            Self::sql_in("postgres", "CREATE ROLE locked LOGIN PASSWORD 'right'");
        });
        Self::sql_in("postgres", &format!("CREATE DATABASE {}", database.name));
        if !setup.is_empty() {
            database.sql(setup);
        }
        database
    }

    /// The directory of the server's socket.
    pub fn socket() -> &'static Path {
        &SERVER.get_or_init(start).directory
    }

    fn real_psql(database: &str) -> Command {
        let mut command = Command::new("psql");
        command
            .env_clear()
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-h"])
            .arg(Self::socket())
            .args(["-U", ADMIN, "-d", database]);
        command
    }

    fn try_sql(database: &str, sql: &str) -> Option<String> {
        let output = Self::real_psql(database)
            .env("PATH", real_path())
            .args(["-c", sql])
            .output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs SQL in another database, past guard; what it printed.
    #[track_caller]
    pub fn sql_in(database: &str, sql: &str) -> String {
        let mut child = Self::real_psql(database)
            .env("PATH", real_path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(sql.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{sql}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }

    /// Runs SQL past guard; what it printed.
    #[track_caller]
    pub fn sql(&self, sql: &str) -> String {
        Self::sql_in(&self.name, sql)
    }

    /// The number of rows of a table.
    #[track_caller]
    pub fn rows(&self, table: &str) -> u64 {
        self.sql(&format!("SELECT count(*) FROM {table}"))
            .parse()
            .unwrap()
    }

    /// Variables that lead psql to the database.
    pub fn lead<'w>(&self, run: Run<'w>) -> Run<'w> {
        run.variable("PGHOST", Self::socket())
            .variable("PGUSER", ADMIN)
            .variable("PAGER", "cat")
            .variable("PGDATABASE", &self.name)
    }

    /// psql with these arguments, at the shim.
    pub fn psql(&self, arguments: &[&str]) -> Run<'_> {
        let words: Vec<&str> = std::iter::once("psql")
            .chain(arguments.iter().copied())
            .collect();
        self.lead(self.world.command(&words))
    }

    /// What `guard explain --json` says about a psql command with this SQL in `-c`.
    #[track_caller]
    pub fn explain(&self, sql: &str) -> serde_json::Value {
        let outcome = self
            .lead(
                self.world
                    .guard(&["explain", "--json", "--", "psql", "-c", sql]),
            )
            .run();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        let explained: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        explained["commands"][0].clone()
    }

    /// The lines of the loss, and of what is told besides.
    #[track_caller]
    pub fn loss(&self, sql: &str) -> String {
        let one = self.explain(sql);
        let list = |key: &str| {
            let lines = one["preview"]["loss"][key].as_array();
            lines
                .into_iter()
                .flatten()
                .filter_map(|line| line.as_str().map(str::to_owned))
        };
        let why = one["preview"]["why"]
            .as_str()
            .map(|why| format!("unknown: {why}"));
        let all: Vec<String> = why.into_iter().chain(list("lines")).collect();
        all.join("\n")
    }

    /// psql on a person's terminal.
    pub fn person(&self, arguments: &[&str]) -> Person {
        self.psql(arguments).at_terminal()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = Self::try_sql("postgres", &drop);
    }
}
