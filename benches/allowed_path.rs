//! What guard costs in front of a command that it allows: guard, a do-nothing shim, and the direct
//! call side by side; then how many command strings `guard check --batch` judges a second.
//!
//! The do-nothing shim is this same executable under the name `git`: it finds the next `git` on
//! PATH that is not itself and executes it, and is linked as guard is.
#![no_main]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::zombie_processes, // reaped by wait4, which also tells the memory
    clippy::cast_precision_loss
)]

use std::ffi::{CString, OsString};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 600;

// SAFETY: the symbol is defined once, with the signature that the C standard gives `main`.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn main(_count: i32, _words: *const *const std::ffi::c_char) -> i32 {
    let name = std::env::args_os().next().unwrap_or_default();
    if Path::new(&name).file_name() == Some("git".as_ref()) {
        return do_nothing();
    }
    measure();
    0
}

fn do_nothing() -> i32 {
    let own = std::fs::metadata("/proc/self/exe")
        .map(|m| (m.dev(), m.ino()))
        .ok();
    let path = std::env::var_os("PATH").unwrap_or_default();
    for directory in path.as_bytes().split(|byte| *byte == b':') {
        let candidate = [directory, b"/git"].concat();
        let Ok(metadata) = std::fs::metadata(Path::new(std::ffi::OsStr::from_bytes(&candidate)))
        else {
            continue;
        };
        if Some((metadata.dev(), metadata.ino())) == own {
            continue;
        }
        let program = CString::new(candidate).unwrap();
        let words: Vec<CString> = std::env::args_os()
            .map(|word| CString::new(word.as_bytes()).unwrap())
            .collect();
        let mut pointers: Vec<_> = words.iter().map(|word| word.as_ptr()).collect();
        pointers.push(std::ptr::null());
        // SAFETY: NUL-terminated strings that live until the call, and a null pointer at the end.
        #[allow(unsafe_code)]
        unsafe {
            libc::execv(program.as_ptr(), pointers.as_ptr());
        }
    }
    127
}

fn measure() {
    let world = tempfile::tempdir().unwrap();
    let guard = shims(
        world.path(),
        "guard",
        Path::new(env!("CARGO_BIN_EXE_guard")),
    );
    let nothing = shims(world.path(), "nothing", &std::env::current_exe().unwrap());
    let direct = find("git");
    let path = std::env::var_os("PATH").unwrap();
    let repository = world.path().join("repository");
    run(Command::new(&direct).args(["init", "-q"]).arg(&repository));
    let ways = [
        ("direct", direct, path.clone()),
        (
            "do-nothing shim",
            nothing.join("git"),
            prepend(&nothing, &path),
        ),
        ("guard", guard.join("git"), prepend(&guard, &path)),
    ];
    for arguments in [
        &["--version"][..],
        &["status", "--short"],
        &["commit", "--dry-run", "-qm", "x"],
    ] {
        compare(&ways, arguments, &repository);
    }
    memory(&guard, &path);
    batch();
}

/// A directory with `git` as a link to a copy of `binary`: an installed file is a copy, and the
/// kernel maps it faster than one that a linker has just written.
fn shims(world: &Path, name: &str, binary: &Path) -> PathBuf {
    let directory = world.join(name);
    std::fs::create_dir(&directory).unwrap();
    let copy = directory.join("installed");
    std::fs::copy(binary, &copy).unwrap();
    std::os::unix::fs::symlink(copy, directory.join("git")).unwrap();
    directory
}

fn prepend(directory: &Path, path: &OsString) -> OsString {
    let mut whole = directory.as_os_str().to_owned();
    whole.push(":");
    whole.push(path);
    whole
}

fn find(name: &str) -> PathBuf {
    std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
        .expect("git is on PATH")
}

fn run(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.unwrap();
    start.elapsed()
}

/// Times the ways in turn, so that a busy moment of the machine falls on all of them.
fn compare(ways: &[(&str, PathBuf, OsString); 3], arguments: &[&str], repository: &Path) {
    let mut times: [Vec<Duration>; 3] = Default::default();
    for round in 0..ROUNDS + 20 {
        for ((_, program, path), times) in ways.iter().zip(&mut times) {
            let time = run(Command::new(program)
                .args(arguments)
                .env("PATH", path)
                .current_dir(repository));
            if round >= 20 {
                times.push(time);
            }
        }
    }
    println!("git {}", arguments.join(" "));
    let mut medians = Vec::new();
    for ((name, ..), times) in ways.iter().zip(&mut times) {
        times.sort_unstable();
        let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e6;
        medians.push(at(50));
        println!(
            "  {name:<16} median {:>7.0} µs   p10 {:>7.0} µs   p90 {:>7.0} µs",
            at(50),
            at(10),
            at(90)
        );
    }
    let [direct, nothing, guard] = medians[..] else {
        return;
    };
    println!(
        "  over the direct call: do-nothing shim {:+.0} µs, guard {:+.0} µs: {:.2} times",
        nothing - direct,
        guard - direct,
        (guard - direct) / (nothing - direct)
    );
}

/// The memory of guard in front of a tool that needs next to none.
fn memory(guard: &Path, path: &OsString) {
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_guard"))
        .unwrap()
        .len();
    let child = Command::new(guard.join("git"))
        .arg("status")
        .env("PATH", prepend(guard, path))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    let pid = libc::pid_t::try_from(child.id()).unwrap();
    // SAFETY: `usage` is large enough for the kernel to fill, and no status is asked for.
    #[allow(unsafe_code)]
    let usage = unsafe {
        libc::wait4(pid, std::ptr::null_mut(), 0, usage.as_mut_ptr());
        usage.assume_init()
    };
    println!(
        "binary {} KiB; largest resident memory of guard and then git: {} KiB",
        size / 1024,
        usage.ru_maxrss
    );
}

fn batch() {
    let commands = [
        "git status --short",
        "git commit -m 'fix: the thing' && git push",
        "git reset --hard HEAD~1",
        "rm -rf node_modules dist",
        "rm -rf ../shared/uploads",
        "kubectl get pods -n default",
        "terraform plan -out=tfplan",
        "psql -c 'select 1'",
        "aws s3 ls s3://bucket/prefix",
        "cargo build --release 2>&1 | tail -5",
    ];
    let mut input = Vec::new();
    for number in 0..400_000 {
        let line = commands[number % commands.len()];
        writeln!(input, "{{\"command\": \"{line}\", \"cwd\": \"/tmp\"}}").unwrap();
    }
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&input).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let start = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_guard"))
        .args(["check", "--batch"])
        .stdin(file)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    let rate = 400_000.0 / start.elapsed().as_secs_f64();
    println!("guard check --batch: {rate:.0} commands a second on one core ({status})");
}
