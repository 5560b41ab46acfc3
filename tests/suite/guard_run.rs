//! `guard run`: below an agent that it started, every shell in every mode ends in the shims, and the
//! run's workspace stays what it was.

use std::ffi::OsString;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Outcome, Run, World, has, real_path};

const DELETE: &str = "rm -rf ../shared/uploads";
/// The line in a person's start-up files that takes the shims away.
const RESET: &str = "PATH=/usr/local/bin:/usr/bin:/bin\nexport PATH\n";

/// A world whose start-up files reset PATH, with a program `agent` that runs its arguments.
fn world() -> World {
    let world = World::new();
    for file in [
        ".profile",
        ".bash_profile",
        ".bashrc",
        ".zshenv",
        ".zprofile",
        ".zshrc",
        ".zlogin",
    ] {
        world.write(&format!("home/{file}"), RESET);
    }
    world.write(
        "home/.config/fish/config.fish",
        "set -gx PATH /usr/local/bin /usr/bin /bin\n",
    );
    // It waits for its command: the shell stays among the ancestors.
    world.script("bin/agent", "#!/bin/sh\n\"$@\"\nexit $?\n");
    world.script(
        "bin/forks",
        "#!/usr/bin/python3\nimport subprocess, sys\nsys.exit(subprocess.call(sys.argv[1:]))\n",
    );
    world
}

/// `guard run …` in a shell of a person's whose PATH has no shims.
fn guard_run<'w>(world: &'w World, words: &[&str]) -> Run<'w> {
    let mut all = vec!["run"];
    all.extend(words);
    world
        .guard(&all)
        .variable("PATH", person_path(world))
        .variable("SHELL", "/bin/bash")
        .within(Duration::from_secs(30))
}

fn person_path(world: &World) -> OsString {
    let mut path = world.path("bin").into_os_string();
    path.push(":");
    path.push(real_path());
    path
}

/// The shim blocked it, whatever else the shell said.
#[track_caller]
fn stopped(world: &World, what: &str, outcome: &Outcome) {
    assert!(
        world.exists("shared/uploads/photo.jpg"),
        "{what}: {outcome:?}"
    );
    assert_eq!(outcome.code, Some(77), "{what}: {outcome:?}");
    assert!(
        outcome.stderr.contains("guard: blocked"),
        "{what}: {outcome:?}"
    );
    assert!(
        outcome.stderr.contains("outside the workspace"),
        "{what}: {outcome:?}"
    );
}

/// Every one of these, below an agent, blocks the deletion and lets `git --version` through.
#[track_caller]
fn holds(modes: &[&[&str]]) {
    holds_below("agent", modes);
}

#[track_caller]
fn holds_below(agent: &str, modes: &[&[&str]]) {
    let world = world();
    for mode in modes {
        let mut words = vec!["--", agent];
        words.extend(*mode);
        words.push(DELETE);
        let outcome = guard_run(&world, &words).run();
        stopped(&world, &format!("{mode:?}"), &outcome);
        words.pop();
        words.push("git --version");
        let outcome = guard_run(&world, &words).run();
        assert_eq!(outcome.code, Some(0), "{mode:?}: {outcome:?}");
        assert!(
            outcome.stdout.starts_with("git version"),
            "{mode:?}: {outcome:?}"
        );
        assert!(!outcome.guard_said(), "{mode:?}: {outcome:?}");
    }
}

#[test]
fn without_guard_run_the_start_up_files_win() {
    let world = world();
    let outcome = world.command(&["bash", "-lc", "command -v rm"]).run();
    assert_eq!(outcome.stdout, "/usr/bin/rm\n", "{outcome:?}");
}

#[test]
fn bash() {
    holds(&[
        &["bash", "-c"],
        &["bash", "-lc"],
        &["bash", "-l", "-c"],
        &["bash", "-ic"],
        &["bash", "-ilc"],
        &["bash", "--norc", "--noprofile", "-c"],
        &["bash", "-euo", "pipefail", "-c"],
        &["bash", "-x", "-O", "extglob", "-lc"],
        &["/bin/bash", "-c"],
        &["/bin/bash", "-lc"],
    ]);
    // Exported functions do it, which neither dash nor bash -c hands on: the agent is another program.
    holds_below("forks", &[&["/bin/bash", "-ic"], &["/bin/bash", "-ilc"]]);
    let world = world();
    let outcome = guard_run(&world, &["forks", "bash", "-lc", "command -v git"]).run();
    let shim = format!("{}\n", world.shims().join("git").display());
    assert_eq!(outcome.ran().stdout, shim);
}

#[test]
fn sh_and_dash() {
    holds(&[
        &["sh", "-c"],
        &["sh", "-lc"],
        &["sh", "-l", "-c"],
        &["sh", "-e", "-o", "nounset", "-lc"],
        &["sh", "-lc", "--"],
        &["sh", "-ic"],
        &["dash", "-c"],
        &["dash", "-lc"],
        &["dash", "-ilc"],
        &["/bin/sh", "-c"],
        &["/bin/sh", "-ic"],
        &["/usr/bin/dash", "-ilc"],
        &["env", "sh", "-lc"],
    ]);
}

#[test]
fn zsh() {
    if !has("zsh") {
        return;
    }
    holds(&[
        &["zsh", "-c"],
        &["zsh", "-lc"],
        &["zsh", "-ic"],
        &["zsh", "-ilc"],
        &["/usr/bin/zsh", "-c"],
        &["/usr/bin/zsh", "-lc"],
        &["/usr/bin/zsh", "-ilc"],
    ]);
}

#[test]
fn fish() {
    if !has("fish") {
        return;
    }
    holds(&[
        &["fish", "-c"],
        &["fish", "-lc"],
        &["fish", "-ic"],
        &["fish", "-ilc"],
        &["/usr/bin/fish", "-lc"],
    ]);
}

#[test]
fn the_persons_own_start_up_files_are_read() {
    let world = world();
    world.write("home/own.sh", "echo own\n");
    let own = world.path("home/own.sh");
    let outcome = guard_run(&world, &["agent", "bash", "-c", "echo $0 $1", "a", "b"])
        .variable("BASH_ENV", "$HOME/own.sh")
        .run();
    assert_eq!(outcome.stdout, "own\na b\n", "{outcome:?}");
    let outcome = guard_run(&world, &["agent", "sh", "-ic", "echo $0", "a"])
        .variable("ENV", &own)
        .run();
    assert!(outcome.stdout.contains("own\na\n"), "{outcome:?}");
    if !has("zsh") {
        return;
    }
    world.write("zsh/.zshenv", format!("echo env $ZDOTDIR\n{RESET}"));
    world.write("zsh/.zshrc", format!("echo rc $ZDOTDIR\n{RESET}"));
    let outcome = guard_run(&world, &["agent", "zsh", "-ic", DELETE])
        .variable("ZDOTDIR", world.path("zsh"))
        .run();
    let zsh = world.path("zsh");
    let expected = format!("env {0}\nrc {0}\n", zsh.display());
    assert_eq!(outcome.stdout, expected, "{outcome:?}");
    stopped(&world, "zsh", &outcome);
    // A ZDOTDIR that ~/.zshenv sets.
    world.write("home/.zshenv", format!("ZDOTDIR={}\n", zsh.display()));
    let outcome = guard_run(&world, &["agent", "zsh", "-ic", DELETE]).run();
    assert_eq!(
        outcome.stdout,
        format!("rc {}\n", zsh.display()),
        "{outcome:?}"
    );
    stopped(&world, "zsh", &outcome);
}

#[test]
fn scripts_make_npm_and_sub_agents() {
    let world = world();
    world.script("app/plain", &format!("#!/bin/sh\n{DELETE}\n"));
    world.script("app/found", &format!("#!/usr/bin/env bash\n{DELETE}\n"));
    world.write("app/Makefile", format!("all:\n\t@{DELETE}\n"));
    world.write("app/ask", format!("{DELETE}\n"));
    for words in [
        &["./plain"][..],
        &["./found"],
        &["xargs", "-a", "ask", "env"],
        &["bash", "-lc", "bash -lc './plain'"],
        &["bash", "-lc", "sh -lc './found'"],
        &["sh", "-lc", "sh < ask"],
        &["bash", "-lc", "exec dash -lc 'rm -rf ../shared/uploads'"],
        &[
            "python3",
            "-c",
            "import os; os.execvp('rm', ['rm', '-rf', '../shared/uploads'])",
        ],
        &[
            "python3",
            "-c",
            "import subprocess, sys; sys.exit(subprocess.call('rm -rf ../shared/uploads', shell=True))",
        ],
    ] {
        let mut all = vec!["agent"];
        all.extend(words);
        let outcome = guard_run(&world, &all).run();
        let expected = if words[0] == "xargs" { 123 } else { 77 };
        assert!(world.exists("shared/uploads/photo.jpg"), "{words:?}");
        assert_eq!(outcome.code, Some(expected), "{words:?}: {outcome:?}");
        outcome.says("guard: blocked");
    }
    let (guard, agent) = (world.path("prefix/bin/guard"), world.path("bin/agent"));
    let nested = [
        "agent",
        "bash",
        "-lc",
        &format!(
            "{} run {} sh -lc '{DELETE}'",
            guard.display(),
            agent.display()
        ),
    ];
    stopped(&world, "nested", &guard_run(&world, &nested).run());
    if has("make") {
        let outcome = guard_run(&world, &["agent", "make"]).run();
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        outcome.says("guard: blocked");
        assert!(world.exists("shared/uploads/photo.jpg"));
    }
    if has("npm") {
        world.write(
            "app/package.json",
            format!("{{\"scripts\": {{\"clean\": \"{DELETE}\"}}}}"),
        );
        let outcome = guard_run(&world, &["agent", "npm", "run", "clean"]).run();
        outcome.says("guard: blocked");
        assert!(world.exists("shared/uploads/photo.jpg"));
    }
}

#[test]
fn tmux_started_inside() {
    let world = world();
    for shell in ["/bin/bash", "/usr/bin/zsh"] {
        if !has(shell.rsplit('/').next().unwrap()) {
            continue;
        }
        // The pane's shell is an interactive login shell of the server's, not the agent's child.
        let script = "m() { tmux -S ../\"$1\" -f /dev/null \"${@:2}\"; }\n\
             m $0 new-session -d -x 120 -y 50; sleep 1\n\
             m $0 send-keys 'cd ../shared; rm -rf uploads' Enter\n\
             for try in $(seq 50); do m $0 capture-pane -p | grep -q 'guard: blocked' && break; sleep 0.1; done\n\
             m $0 capture-pane -p; m $0 kill-server";
        let socket = shell.rsplit('/').next().unwrap();
        let outcome = guard_run(&world, &["agent", "bash", "-c", script, socket])
            .variable("SHELL", shell)
            .run();
        assert!(
            outcome.stdout.contains("guard: blocked"),
            "{shell}: {outcome:?}"
        );
        assert!(
            outcome.stdout.contains("outside the workspace"),
            "{shell}: {outcome:?}"
        );
        assert!(world.exists("shared/uploads/photo.jpg"));
    }
}

#[test]
fn the_exit_status_is_the_agents_own() {
    let world = world();
    let outcome = guard_run(&world, &["agent", "sh", "-c", "exit 41"]).run();
    assert_eq!(outcome.code, Some(41), "{outcome:?}");
    let outcome = guard_run(&world, &["--", "sh", "-c", "kill -TERM $$"]).run();
    assert_eq!(outcome.signal, Some(15), "{outcome:?}");
    let outcome = guard_run(
        &world,
        &[
            "python3",
            "-c",
            "import signal; print(signal.getsignal(13))",
        ],
    )
    .signals(&[libc::SIGHUP], &[])
    .run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let outcome = guard_run(&world, &["sh", "-c", "grep SigIgn /proc/self/status"])
        .signals(&[libc::SIGHUP], &[])
        .run();
    let ignored = outcome.stdout.trim().rsplit('\t').next().unwrap();
    let ignored = u64::from_str_radix(ignored, 16).unwrap();
    assert_eq!(ignored & 1, 1, "{outcome:?}");
    // Options after the agent's name are the agent's.
    let outcome = guard_run(&world, &["agent", "echo", "--dry-run", "--", "--help"]).run();
    assert_eq!(outcome.stdout, "--dry-run -- --help\n", "{outcome:?}");
}

#[test]
fn a_child_cannot_move_the_workspace() {
    let world = world();
    for script in [
        "cd ../shared && rm -rf uploads",
        "cd ../shared && git init -q . && rm -rf uploads",
        "cd ../shared && GUARD_RUN= rm -rf uploads",
        "cd ../shared && env -u GUARD_RUN rm -rf uploads",
    ] {
        let outcome = guard_run(&world, &["agent", "bash", "-c", script]).run();
        stopped(&world, script, &outcome);
    }
    // The agent itself moves, and the record stays.
    let outcome = guard_run(
        &world,
        &["bash", "-c", "cd ../shared; rm -rf uploads; exit $?"],
    )
    .run();
    stopped(&world, "the agent moves", &outcome);
    // The record is one of guard's own files.
    let script = "cd ../state/runs && rm -rf ./*";
    let outcome = guard_run(&world, &["agent", "bash", "-c", script]).run();
    assert_eq!(outcome.code, Some(77), "{outcome:?}");
    // Detached from the agent, the variable still names the run.
    let script = "setsid sh -c '(cd ../shared; sleep 0.5; rm -rf uploads) 2>../said &'; sleep 3";
    let outcome = guard_run(&world, &["agent", "bash", "-c", script]).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let said = world.read("said");
    assert!(said.contains("outside the workspace"), "{said}");
    assert!(world.exists("shared/uploads/photo.jpg"));
}

#[test]
fn any_program_counts_as_an_agent() {
    let world = World::with_uncommitted_work();
    world.script("bin/agent", "#!/bin/sh\n\"$@\"\nexit $?\n");
    let person = guard_run(&world, &["agent", "git", "reset", "--hard"]).at_terminal();
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(77), "{outcome:?}");
    assert!(
        outcome.stdout.contains("guard run started agent"),
        "{outcome:?}"
    );
    assert!(!outcome.stdout.contains("type exactly"), "{outcome:?}");
    world.work_is_there();
}

#[test]
fn records_of_ended_agents_are_removed() {
    let world = world();
    guard_run(&world, &["true"]).run().ran();
    let records = || {
        std::fs::read_dir(world.path("state/runs"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect::<Vec<_>>()
    };
    let first = records();
    assert_eq!(first.len(), 1, "{first:?}");
    // One of a process that lives, but started at another time.
    let other = format!("state/runs/{}-1", std::process::id());
    world.write(&other, "workspace=/\0program=x\0");
    guard_run(&world, &["true"]).run().ran();
    let second = records();
    assert_eq!(second.len(), 1, "{second:?}");
    assert_ne!(first, second);
    assert!(!world.exists(&other));
}

#[test]
fn bad_input_starts_nothing_and_writes_nothing() {
    let world = world();
    world.write("app/data", "no program\n");
    let cases: [(&[&str], i32, &str); 8] = [
        (
            &["clawd"],
            127,
            "clawd is not installed: no program of that name is on PATH",
        ),
        (&["./clawd"], 127, "./clawd is not there"),
        (&["./data"], 126, "./data cannot be executed"),
        (&["--", "-x"], 2, "is no agent"),
        (&["rm", "x"], 2, "is guarded already"),
        (&["guard"], 2, "is guarded already"),
        (
            &["../prefix/share/guard/shims/git"],
            2,
            "is guarded already",
        ),
        (&[], 2, "AGENT"),
    ];
    for (words, code, text) in cases {
        let outcome = guard_run(&world, words).run();
        assert_eq!(outcome.code, Some(code), "{words:?}: {outcome:?}");
        outcome.says(text);
    }
    let outcome = guard_run(&world, &["agent", "touch", "../started"])
        .variable("SHELL", "/usr/bin/nu")
        .run();
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    outcome.says("SHELL is /usr/bin/nu, a shell that guard does not know");
    let outcome = guard_run(&world, &["--dry-run", "agent", "touch", "../started"]).run();
    outcome.ran();
    assert!(!world.exists("started"));
    assert!(!world.exists("state/run") && !world.exists("state/runs"));
    // Where guard cannot write, the agent does not start.
    for (file, left) in [("state/run", false), ("state/runs", true)] {
        world.write(file, "in the way\n");
        let outcome = guard_run(&world, &["agent", "touch", "../started"]).run();
        assert_eq!(outcome.code, Some(78), "{outcome:?}");
        outcome.says("nothing was started, because guard cannot write to its state directory");
        assert!(!world.exists("started"));
        assert_eq!(world.exists("state/run/path.sh"), left);
        std::fs::remove_file(world.path(file)).unwrap();
    }
}

#[test]
fn what_single_agents_need() {
    let world = world();
    world.script(
        "bin/claude",
        "#!/bin/sh\nprintf '%s\\n' \"$CLAUDE_ENV_FILE\" \"$@\"\n",
    );
    let outcome = guard_run(&world, &["claude", "--resume"]).run();
    let file = world.path("state/run/claude.sh");
    assert_eq!(
        outcome.stdout,
        format!("{}\n--resume\n", file.display()),
        "{outcome:?}"
    );
    world.script("bin/codex", "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
    let outcome = guard_run(&world, &["codex", "exec", "-c", "model=x", "fix it"]).run();
    let words: Vec<&str> = outcome.ran().stdout.lines().collect();
    assert_eq!(words[..3], ["-c", "allow_login_shell=false", "-c"]);
    assert!(
        words[3].starts_with("shell_environment_policy.set.PATH=\"")
            && words[3].contains("/shims:"),
        "{words:?}"
    );
    assert_eq!(
        words[words.len() - 4..],
        ["exec", "-c", "model=x", "fix it"]
    );
    // Codex's settings are TOML, with every path quoted as it should be.
    for setting in words.iter().filter(|word| word.contains("policy")) {
        let table: toml::Table = toml::from_str(setting).unwrap();
        assert!(table["shell_environment_policy"]["set"].is_table());
    }
    let outcome = guard_run(&world, &["--layers", "agent"]).run();
    for layer in [
        "path",
        "bash",
        "interactive-bash",
        "sh",
        "zsh",
        "fish",
        "shells",
        "agent",
        "workspace",
    ] {
        assert!(
            outcome
                .stdout
                .lines()
                .any(|line| line.starts_with(&format!("{layer} "))),
            "{layer}: {outcome:?}"
        );
    }
}

/// A process that is ended when the test is.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_codex_server_from_before_is_named() {
    let world = world();
    // As `codex app-server` shows in the list of processes.
    let codex = world.script(
        "bin/codex",
        "#!/bin/bash\n[ \"$1\" != app-server ] || read -r\n",
    );
    let start = |path: OsString| {
        let mut command = Command::new(&codex);
        command.arg("app-server").env("PATH", path);
        let server = Server(command.stdin(Stdio::piped()).spawn().unwrap());
        let file = format!("/proc/{}/cmdline", server.0.id());
        let began = Instant::now();
        while !std::fs::read(&file).unwrap().starts_with(b"/bin/bash") {
            assert!(began.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    };
    let before = start(real_path());
    let mut guarded = world.shims().into_os_string();
    guarded.push(":");
    guarded.push(real_path());
    let below = start(guarded);
    let outcome = guard_run(&world, &["codex"]).run();
    let says = |id: u32| outcome.stderr.contains(&format!("(process {id})"));
    assert!(says(before.0.id()), "{outcome:?}");
    assert!(!says(below.0.id()), "{outcome:?}");
    outcome.says("guard run codex app-server daemon restart");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

#[test]
fn shells_of_guards_are_harmless_without_its_files() {
    let world = world();
    guard_run(&world, &["true"]).run().ran();
    let mut path = world.path("state/run/shells").into_os_string();
    path.push(":");
    path.push(real_path());
    std::fs::remove_file(world.path("state/run/path.sh")).unwrap();
    for words in [
        &["sh", "-lc", "echo $0 $1", "a", "b"][..],
        &["bash", "-c", "echo $0 $1", "a", "b"],
    ] {
        let outcome = world.command(words).variable("PATH", &path).run();
        assert_eq!(outcome.ran().stdout, "a b\n", "{words:?}");
    }
}
