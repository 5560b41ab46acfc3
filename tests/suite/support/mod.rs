//! What the end-to-end tests share: a world with guard installed in it, and people.

pub mod cluster;
mod detached;
pub mod moto;
mod person;
pub mod postgres;
mod run;
pub mod saved;
pub mod tree;

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

pub use person::Person;
pub use run::{Outcome, Run};

/// The names that guard stands under.
pub const TOOLS: [&str; 6] = ["rm", "git", "kubectl", "terraform", "psql", "aws"];

/// Waits until nobody has a program that was just written open for writing any more. A child that another
/// test's thread forked meanwhile has it until it becomes its own program, and nothing can be executed
/// that long (execve(2), ETXTBSY). A read lease is given only once all are gone (fcntl(2), `F_SETLEASE`).
pub fn to_be_run(program: &Path) {
    use std::os::fd::AsRawFd as _;
    let file = std::fs::File::open(program).unwrap();
    // SAFETY: a system call on an open descriptor, with an integer.
    #[allow(unsafe_code)]
    let lease =
        |kind: libc::c_int| unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, kind) == 0 };
    for _ in 0..1000 {
        if lease(libc::F_RDLCK) {
            lease(libc::F_UNLCK);
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("{} stays open for writing", program.display());
}

/// A directory with guard installed in it, a repository to work in, and things to lose. Gone when
/// it is dropped.
///
/// - `prefix/`, `config/`, `state/`: guard
/// - `home/`: what HOME names
/// - `app/`: a git repository with `README.md` and `src/main.rs` committed; commands run here
/// - `shared/uploads/`: two files outside of it
pub struct World {
    root: tempfile::TempDir,
}

impl World {
    /// A world without a remote.
    pub fn new() -> Self {
        let world = Self {
            root: tempfile::Builder::new()
                .prefix("guard-test-")
                .permissions(std::fs::Permissions::from_mode(0o755))
                .tempdir()
                .unwrap(),
        };
        world.install("prefix");
        for directory in ["config", "state", "home", "app"] {
            std::fs::create_dir_all(world.path(directory)).unwrap();
        }
        world.rules("");
        world.write(
            "shared/uploads/photo.jpg",
            "a photo that exists only here\n",
        );
        world.write(
            "shared/uploads/letter.txt",
            "a letter that exists only here\n",
        );
        world.write("app/README.md", "an app\n");
        world.write("app/src/main.rs", "fn main() {}\n");
        world.git("app", &["init", "-q", "-b", "main"]);
        world.commit("app", "first");
        world
    }

    /// A world whose `app/README.md` holds work that was never committed.
    pub fn with_uncommitted_work() -> Self {
        let world = Self::new();
        world.write("app/README.md", "a day's work\n");
        world
    }

    /// Checks that the work of [`World::with_uncommitted_work`] is still there.
    #[track_caller]
    pub fn work_is_there(&self) {
        assert_eq!(self.read("app/README.md"), "a day's work\n");
    }

    /// A world with a bare `origin.git` that has all of `app`'s commits, and a clone of it in
    /// `colleague/`.
    pub fn with_remote() -> Self {
        let world = Self::new();
        world.git(".", &["clone", "-q", "--bare", "app", "origin.git"]);
        world.git("app", &["remote", "add", "origin", "../origin.git"]);
        world.git("app", &["fetch", "-q", "origin"]);
        world.git("app", &["branch", "-q", "-u", "origin/main"]);
        world.git(".", &["clone", "-q", "origin.git", "colleague"]);
        world
    }

    /// Installs guard below a directory as install.sh does.
    pub fn install(&self, prefix: &str) {
        let (bin, share) = (format!("{prefix}/bin"), format!("{prefix}/share/guard"));
        std::fs::create_dir_all(self.path(&bin)).unwrap();
        std::fs::create_dir_all(self.path(&format!("{share}/shims"))).unwrap();
        let binary = self.path(&format!("{bin}/guard"));
        let built = Path::new(env!("CARGO_BIN_EXE_guard"));
        // The unstripped binary is large; where the file system allows, it is not copied.
        if std::fs::hard_link(built, &binary).is_err() {
            std::fs::copy(built, &binary).unwrap();
            to_be_run(&binary);
        }
        let places = format!(
            "config={}\nstate={}\nlocked={}\n",
            self.path("config").display(),
            self.path("state").display(),
            self.path("locked").display()
        );
        self.write(&format!("{share}/places"), &places);
        for tool in TOOLS {
            symlink(&binary, self.path(&format!("{share}/shims/{tool}"))).unwrap();
        }
    }

    /// An absolute path in the world.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(relative)
    }

    /// The directory of shims.
    pub fn shims(&self) -> PathBuf {
        self.path("prefix/share/guard/shims")
    }

    /// Writes a file, with the directories above it.
    pub fn write(&self, relative: &str, text: impl AsRef<[u8]>) {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Writes a program.
    pub fn script(&self, relative: &str, text: &str) -> PathBuf {
        self.write(relative, text);
        let path = self.path(relative);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        to_be_run(&path);
        path
    }

    /// The user's rules. This test is among what they call a person's terminal, and unless they speak of
    /// backups nothing is saved first: it is asked about.
    pub fn rules(&self, text: &str) {
        let mut text = text.to_owned();
        if !text.contains("[backup]") {
            text.push_str(NO_BACKUPS);
        }
        let terminal = std::env::current_exe().unwrap().canonicalize().unwrap();
        let terminals = format!("terminals = [{:?}]\n", terminal.to_str().unwrap());
        let text = match text.split_once("[person]\n") {
            None => format!("{text}\n[person]\n{terminals}"),
            Some((before, person)) => {
                let (person, after) = match person.split_once("\n[") {
                    Some((person, after)) => (format!("{person}\n"), format!("[{after}")),
                    None => (person.to_owned(), String::new()),
                };
                format!("{before}[person]\n{person}{terminals}{after}")
            }
        };
        self.write("config/rules.toml", text);
    }

    /// The same, but nothing says that this test is a terminal.
    pub fn no_terminals(&self) {
        self.write("config/rules.toml", NO_BACKUPS);
    }

    /// A world in which guard saves what would be lost, as it does without rules of the user's.
    pub fn with_backups() -> Self {
        let world = Self::new();
        world.rules("[backup]\n");
        world
    }

    /// What a file holds.
    pub fn read(&self, relative: &str) -> String {
        std::fs::read_to_string(self.path(relative))
            .unwrap_or_else(|error| panic!("{relative}: {error}"))
    }

    /// Whether something stands there; a dangling link counts.
    pub fn exists(&self, relative: &str) -> bool {
        self.path(relative).symlink_metadata().is_ok()
    }

    /// Runs the real git, which must succeed; what it printed.
    pub fn git(&self, directory: &str, arguments: &[&str]) -> String {
        let output = self
            .real("git", directory)
            .args(arguments)
            .output()
            .expect("git is installed");
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Commits everything in a repository; the commit.
    pub fn commit(&self, directory: &str, message: &str) -> String {
        self.git(directory, &["add", "--all"]);
        self.git(directory, &["commit", "-q", "--allow-empty", "-m", message]);
        self.tip(directory, "HEAD")
    }

    /// Writes a file and commits it; the commit.
    pub fn commit_file(&self, directory: &str, name: &str, text: &str) -> String {
        self.write(&format!("{directory}/{name}"), text);
        self.commit(directory, name)
    }

    /// The commit that a revision names.
    pub fn tip(&self, directory: &str, revision: &str) -> String {
        self.git(directory, &["rev-parse", "--verify", revision])
    }

    /// Runs another real tool, which must succeed; what it printed.
    #[track_caller]
    pub fn tool(&self, program: &str, directory: &str, arguments: &[&str]) -> String {
        let output = self
            .real(program, directory)
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn real(&self, program: &str, directory: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path(directory))
            .env_clear()
            .envs(self.environment())
            .env("PATH", real_path());
        command
    }

    /// The environment of every command: nothing of the tests' own but where programs are.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut path = self.shims().into_os_string();
        path.push(":");
        path.push(real_path());
        let text = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        vec![
            ("PATH".into(), path),
            ("HOME".into(), self.path("home").into()),
            text("TERM", "dumb"),
            text("LC_ALL", "C.UTF-8"),
            text("GIT_CONFIG_GLOBAL", "/dev/null"),
            text("GIT_CONFIG_NOSYSTEM", "1"),
            text("GIT_AUTHOR_NAME", "Ada"),
            text("GIT_AUTHOR_EMAIL", "ada@example.com"),
            text("GIT_COMMITTER_NAME", "Ada"),
            text("GIT_COMMITTER_EMAIL", "ada@example.com"),
        ]
    }

    /// A command in `app/`, with the shims first on PATH and no terminal.
    pub fn command<S: AsRef<OsStr>>(&self, words: &[S]) -> Run<'_> {
        Run::new(self, words)
    }

    /// Runs words, separated by blanks, at the shims.
    pub fn run(&self, line: &str) -> Outcome {
        self.command(&line.split(' ').collect::<Vec<_>>()).run()
    }

    /// Runs a shell script.
    pub fn sh(&self, script: &str) -> Outcome {
        self.command(&["sh", "-c", script]).run()
    }

    /// guard itself, under its own name.
    pub fn guard<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Run<'_> {
        let mut words = vec![self.path("prefix/bin/guard").into_os_string()];
        words.extend(arguments.iter().map(|word| word.as_ref().to_owned()));
        self.command(&words)
    }

    /// What `guard explain --json` says about a command string.
    pub fn explain(&self, command: &str) -> serde_json::Value {
        let outcome = self.guard(&["explain", "--json", command]).run();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{e}: {outcome:?}"))
    }

    /// The id of the only request that waits.
    #[track_caller]
    pub fn request(&self) -> String {
        let pending = self.pending();
        assert_eq!(pending.len(), 1, "{pending:?}");
        pending[0]["id"].as_str().unwrap().to_owned()
    }

    /// What waits for an approval.
    pub fn pending(&self) -> Vec<serde_json::Value> {
        let outcome = self.guard(&["pending", "--json"]).run();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// The entries of the audit log.
    pub fn log(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.path("state/audit.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Rules by which nothing is saved first.
const NO_BACKUPS: &str = "\n[backup]\nfiles = 0\n";

/// The tests' own PATH without directories in which guard stands as git.
pub fn real_path() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let is_shims = |directory: &PathBuf| {
        directory
            .join("git")
            .canonicalize()
            .is_ok_and(|program| program.file_name() == Some(OsStr::new("guard")))
    };
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/bin");
    let directories = std::env::split_paths(&path).filter(|directory| !is_shims(directory));
    std::env::join_paths(directories.chain([installed])).unwrap()
}

/// Whether a real tool is there; says loudly when it is not. `scripts/test` gets what is missing.
pub fn has(tool: &str) -> bool {
    let found = std::env::split_paths(&real_path()).any(|directory| directory.join(tool).is_file());
    if !found {
        eprintln!(
            "PASSED OVER: there is no {tool}; run scripts/test, or scripts/test-tools {tool}"
        );
    }
    found
}
