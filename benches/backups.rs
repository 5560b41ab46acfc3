//! What saving costs: `rm -rf` of 10,000 small files against `cp -al` of the same tree, and
//! `git checkout --` of a file with one megabyte of changes, with and without saving it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;

fn main() {
    let world = World::new();
    world.ten_thousand_files();
    world.a_megabyte();
}

/// guard installed in a directory of its own, and a repository to work in.
struct World {
    root: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        // On a disk, as a home directory is: /tmp may be memory.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let world = Self {
            root: tempfile::tempdir_in(target).unwrap(),
        };
        for name in [
            "prefix/bin",
            "prefix/share/guard/shims",
            "config",
            "state",
            "app",
        ] {
            std::fs::create_dir_all(world.path(name)).unwrap();
        }
        let binary = world.path("prefix/bin/guard");
        std::fs::copy(env!("CARGO_BIN_EXE_guard"), &binary).unwrap();
        let places = format!(
            "config={}\nstate={}\n",
            world.path("config").display(),
            world.path("state").display()
        );
        std::fs::write(world.path("prefix/share/guard/places"), places).unwrap();
        for name in ["rm", "git"] {
            symlink(&binary, world.path("prefix/share/guard/shims").join(name)).unwrap();
        }
        world.real("git", &["init", "-q"]);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn timed(&self, program: &Path, words: &[&str], path: &OsString) -> Duration {
        let mut command = Command::new(program);
        command
            .args(words)
            .current_dir(self.path("app"))
            .env("PATH", path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // SAFETY: between fork and exec this makes one system call.
        #[allow(unsafe_code)]
        unsafe {
            command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
        }
        let began = Instant::now();
        let status = command.status().unwrap();
        assert!(status.success(), "{words:?}: {status}");
        began.elapsed()
    }

    fn real(&self, program: &str, words: &[&str]) -> Duration {
        let path = std::env::var_os("PATH").unwrap();
        self.timed(Path::new(program), words, &path)
    }

    fn guarded(&self, program: &str, words: &[&str]) -> Duration {
        let shims = self.path("prefix/share/guard/shims");
        let mut path = shims.clone().into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        self.timed(&shims.join(program), words, &path)
    }

    /// With a limit that lets a rule's losses pass without being saved, after the same measuring.
    fn limited(&self, rule: &str, run: impl FnOnce()) {
        let file = self.path("config/rules.toml");
        let limit = format!("[[limit]]\nrule = {rule:?}\nloss = {{ files = 20000 }}\n");
        std::fs::write(&file, limit).unwrap();
        run();
        std::fs::remove_file(&file).unwrap();
    }

    fn ten_thousand_files(&self) {
        let make = || {
            for directory in 0..100 {
                let directory = self.path(&format!("app/big/{directory}"));
                std::fs::create_dir_all(&directory).unwrap();
                for file in 0..100 {
                    std::fs::write(directory.join(file.to_string()), vec![b'x'; 300]).unwrap();
                }
            }
        };
        let (mut copies, mut plain, mut saved) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            make();
            rustix::fs::sync();
            copies.push(self.real("cp", &["-al", "big", "copy"]));
            // Names alone go here as well: what frees blocks takes longer, and is not guard's.
            self.limited("rm.delete", || {
                plain.push(self.guarded("rm", &["-rf", "copy"]));
            });
            saved.push(self.guarded("rm", &["-rf", "big"]));
            let _ = std::fs::remove_dir_all(self.path("state/backups"));
        }
        let (copy, plain, saved) = (median(copies), median(plain), median(saved));
        let added = saved.saturating_sub(plain);
        println!(
            "10,000 small files: cp -al {copy:?}, measured and removed {plain:?}, saved first {saved:?}: saving is {:.2} times cp -al",
            added.as_secs_f64() / copy.as_secs_f64()
        );
    }

    fn a_megabyte(&self) {
        let file = self.path("app/data");
        let text = (0..150_000)
            .map(|at| at.to_string())
            .collect::<Vec<_>>()
            .join("\n");
        std::fs::write(&file, &text).unwrap();
        self.real("git", &["add", "data"]);
        self.real(
            "git",
            &[
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@b",
                "commit",
                "-qm",
                "x",
            ],
        );
        let discard = ["checkout", "-q", "--", "data"];
        let (mut plain, mut saved) = (Vec::new(), Vec::new());
        for round in 0..3 * ROUNDS {
            let changed = text.replace('7', &round.to_string());
            std::fs::write(&file, &changed).unwrap();
            saved.push(self.guarded("git", &discard));
            std::fs::write(&file, &changed).unwrap();
            self.limited("git.checkout.paths", || {
                plain.push(self.guarded("git", &discard));
            });
        }
        let (plain, saved) = (median(plain), median(saved));
        println!(
            "git checkout -- of 1 MB of changes: measured {plain:?}, measured and saved {saved:?}: saving adds {:?}",
            saved.saturating_sub(plain)
        );
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
