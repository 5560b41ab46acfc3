//! Agents with terminals: they type, they forge, they improvise. Nothing is destroyed, and nothing
//! is approved.

use std::time::Duration;

use crate::support::{Outcome, World};

const PASSPHRASE: &str = "correct horse battery";

/// Opens a terminal of its own, runs a command on it, and types what it is asked for: the phrase as
/// it reads it from the screen, and guesses where a passphrase is wanted.
const TYPIST: &str = r#"
import os, pty, re, select, sys, time
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen, typed, end = b"", 0, time.time() + 20
while time.time() < end:
    ready, _, _ = select.select([master], [], [], 0.2)
    if ready:
        try:
            data = os.read(master, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data
    phrases = re.findall(rb"type exactly:\s+(.*?)\r\n", seen)
    asked = len(phrases) + seen.count(b"assphrase")
    if asked > typed and typed < 12:
        typed = asked
        time.sleep(0.2)
        line = b"hunter2hunter2" if seen.rstrip().endswith(b":") or not phrases else phrases[-1]
        os.write(master, line + b"\r")
sys.stdout.buffer.write(seen)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 127)
"#;

/// Pushes keys into the terminal that it shares with a shell.
const PUSHER: &str = r"
import fcntl, sys, termios, time
time.sleep(float(sys.argv[1]))
terminal = open('/dev/tty', 'r+b', buffering=0)
for key in sys.argv[2].encode().decode('unicode_escape'):
    fcntl.ioctl(terminal, termios.TIOCSTI, key.encode())
time.sleep(2)
";

/// A world with work to lose, a key, and the agent's programs.
fn world() -> World {
    let world = World::with_uncommitted_work();
    let mut person = world.guard(&["key", "init", "--name", "ada"]).at_terminal();
    person.secret("New passphrase: ", PASSPHRASE);
    person.secret("The same again: ", PASSPHRASE);
    person.until("The key is made");
    person.ends();
    world.write("typist.py", TYPIST);
    world.write("pusher.py", PUSHER);
    world
}

#[track_caller]
fn nothing_happened(world: &World) {
    world.work_is_there();
    assert!(world.exists("shared/uploads/photo.jpg"));
    for entry in world.log() {
        let answer = entry["answer"].as_str().unwrap();
        assert!(
            [
                "blocked",
                "no person",
                "refused",
                "key made",
                "no answer",
                "interrupted",
                "wrong",
                "stand-in held"
            ]
            .iter()
            .any(|start| answer.starts_with(start)),
            "{answer}"
        );
    }
}

/// A command of the agent's, as `sh -c` runs it.
fn agent(world: &World, script: &str) -> Outcome {
    world.sh(script)
}

#[test]
fn answers_from_a_pipe() {
    let world = world();
    for script in [
        "yes 'discard 1 file in app' | git reset --hard",
        "printf 'discard 1 file in app\\n%.0s' 1 2 3 | git checkout -- .",
        "echo 'discard 1 file in app' > a; git reset --hard < a",
        "git reset --hard <<< 'discard 1 file in app' 2>&1",
    ] {
        let outcome = world.command(&["bash", "-c", script]).run();
        assert_eq!(outcome.code, Some(77), "{script}: {outcome:?}");
    }
    nothing_happened(&world);
}

#[test]
fn script_with_typed_answers() {
    let world = world();
    let answers = "(sleep 1; while echo 'discard 1 file in app'; do sleep 1; done)";
    for run in [
        "script -qec 'git reset --hard' /dev/null",
        "setsid script -qec 'git reset --hard' /dev/null",
        "script -qec 'setsid -wc git reset --hard' /dev/null",
        "script -qec 'env -i PATH=$PATH git reset --hard' /dev/null",
        "script -qec 'script -qec \"git reset --hard\" /dev/null' /dev/null",
    ] {
        let outcome = agent(&world, &format!("{answers} | timeout 10 {run}"));
        assert_ne!(outcome.code, Some(0), "{run}: {outcome:?}");
        world.work_is_there();
    }
    nothing_happened(&world);
}

#[test]
fn a_terminal_made_by_python() {
    let world = world();
    for command in [
        "git reset --hard",
        "sh -c 'git reset --hard'",
        "setsid -wc git reset --hard",
        "bash -c 'exec -a rm git reset --hard'",
        "rm -rf ../shared/uploads",
        "env -i PATH=$PATH HOME=$HOME git checkout -- .",
    ] {
        let outcome = agent(&world, &format!("python3 ../typist.py {command}"));
        assert_ne!(outcome.code, Some(0), "{command}: {outcome:?}");
        assert!(
            !outcome.stdout.contains("type exactly"),
            "{command}: {outcome:?}"
        );
    }
    nothing_happened(&world);
}

#[test]
fn approving_ones_own_request() {
    let world = world();
    world.run("git reset --hard").blocked();
    let id = world.request();
    let guard = world.path("prefix/bin/guard");
    let guard = guard.to_str().unwrap();
    for line in [
        format!("{guard} approve {id}"),
        format!("{guard} approve {id} < /dev/null"),
        format!("yes hunter2hunter2 | {guard} approve {id}"),
        format!("python3 ../typist.py {guard} approve {id}"),
        format!("python3 ../typist.py setsid -wc {guard} approve {id}"),
        format!(
            "(sleep 1; yes | head -50) | timeout 10 script -qec '{guard} approve {id}' /dev/null"
        ),
        format!("python3 ../typist.py {guard} allow --for 30m -- git reset --hard"),
        format!("python3 ../typist.py {guard} key init"),
    ] {
        let outcome = agent(&world, &line);
        assert_ne!(outcome.code, Some(0), "{line}: {outcome:?}");
        world.run("git reset --hard").blocked();
    }
    assert_eq!(world.pending().len(), 1);
    nothing_happened(&world);
}

#[test]
fn tmux_with_sent_keys() {
    let world = world();
    let guard = world.path("prefix/bin/guard");
    world.run("git reset --hard").blocked();
    let id = world.request();
    // A server of its own each time: one that is being killed answers no more.
    let script = |server: &str, commands: &str| {
        format!(
            "m() {{ tmux -S ../{server} -f /dev/null \"$@\"; }}\n\
             m new-session -d -x 120 -y 50 sh; sleep 0.5\n\
             t() {{ m send-keys \"$@\" Enter; sleep 1; }}\n\
             {commands}\n\
             for try in 1 2 3 4 5 6 7 8 9 10; do\n\
             m capture-pane -p | grep -q '^guard: ' && break; sleep 1; done\n\
             m capture-pane -p; m kill-server"
        )
    };
    let outcome = agent(
        &world,
        &script(
            "first",
            "t 'git reset --hard'; t 'discard 1 file in app'; t 'hunter2hunter2'",
        ),
    );
    assert!(outcome.stdout.contains("guard: blocked"), "{outcome:?}");
    world.work_is_there();
    let outcome = agent(
        &world,
        &script(
            "second",
            &format!(
                "t '{} approve {id}'; t 'discard 1 file in app'; t 'hunter2hunter2'",
                guard.display()
            ),
        ),
    );
    assert!(outcome.stdout.contains("only a person"), "{outcome:?}");
    nothing_happened(&world);
}

#[test]
fn keys_pushed_into_a_shared_terminal() {
    let allowed = std::fs::read_to_string("/proc/sys/dev/tty/legacy_tiocsti")
        .is_ok_and(|text| text.trim() == "1");
    if !allowed && !rustix::process::geteuid().is_root() {
        eprintln!("passed over: the kernel does not let programs push keys");
        return;
    }
    let world = world();
    world.write(
        "config/rules.toml",
        "[backup]\nfiles = 0\n[person]\nseconds = 3\n",
    );
    let keys = "discard 1 file in app\\rhunter2hunter2\\r";
    // The program pushes beside a command that it started itself.
    let script = format!(
        "python3 -c 'import subprocess, sys\n\
         pusher = subprocess.Popen([\"python3\", \"../pusher.py\", \"1.5\", sys.argv[1]])\n\
         code = subprocess.call([\"git\", \"reset\", \"--hard\"])\n\
         pusher.wait(); sys.exit(code)' '{keys}'"
    );
    let outcome = world
        .command(&["sh", "-c", &script])
        .at_terminal()
        .ends_within(Duration::from_secs(60));
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
    world.work_is_there();
    // It types the whole command into the shell of a person.
    let line = format!("git reset --hard\\r{keys}");
    let script = format!(
        "set -m; python3 ../pusher.py 0.5 'git reset --hard\\r' & python3 ../pusher.py 2.5 '{keys}' & \
         read -r command; eval \"$command\"; echo code $?"
    );
    let outcome = world
        .command(&["bash", "-c", &script])
        .at_terminal()
        .ends_within(Duration::from_secs(60));
    assert!(!outcome.stdout.contains("code 0"), "{line}: {outcome:?}");
    nothing_happened(&world);
}

#[test]
fn stripped_and_cut_loose() {
    let world = world();
    let forks = "import os, sys, time\n\
                 if os.fork(): time.sleep(3); sys.exit(0)\n\
                 if os.fork(): os._exit(0)\n\
                 time.sleep(0.3)\n\
                 os.execvp(sys.argv[1], sys.argv[1:])";
    world.write("fork.py", forks);
    // With the terminal of whoever started it, but no longer below them.
    let outcome = world
        .command(&["sh", "-c", "python3 ../fork.py git reset --hard; sleep 1"])
        .at_terminal()
        .ends();
    assert!(!outcome.stdout.contains("type exactly"), "{outcome:?}");
    assert!(outcome.stdout.contains("guard: blocked"), "{outcome:?}");
    for script in [
        "python3 ../fork.py git reset --hard",
        "env -i PATH=\"$PATH\" git reset --hard",
        "unset CLAUDECODE AGENT; nohup setsid git reset --hard",
        "(exec -a bash git reset --hard)",
    ] {
        world.command(&["bash", "-c", script]).run();
        world.work_is_there();
    }
    nothing_happened(&world);
}

#[test]
fn variables_that_move_nothing() {
    let world = world();
    world.write(
        "fake/.config/guard/allowed_signers",
        "eve ssh-ed25519 AAAA\n",
    );
    world.write("fake/guard/rules.toml", "");
    let fake = world.path("fake");
    let mut run = world.command(&["git", "reset", "--hard"]);
    for name in [
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "XDG_DATA_HOME",
        "GUARD_CONFIG",
        "GUARD_STATE",
        "GUARD_KEY",
    ] {
        run = run.variable(name, &fake);
    }
    for name in [
        "GUARD_OFF",
        "GUARD_DISABLE",
        "GUARD_YES",
        "CI",
        "DEBIAN_FRONTEND",
    ] {
        run = run.variable(name, "1");
    }
    run.run().blocked();
    // A static program loads nobody's library.
    world
        .command(&["git", "reset", "--hard"])
        .variable("LD_PRELOAD", world.path("fake/evil.so"))
        .variable("LD_LIBRARY_PATH", &fake)
        .run();
    nothing_happened(&world);
    assert_eq!(world.log().len(), 3);
}

#[test]
fn guards_own_keys_and_answers_are_not_removed() {
    let world = world();
    world.run("git reset --hard").blocked();
    for file in [
        "config/key",
        "config/allowed_signers",
        "config",
        "state/requests",
        "state/audit.jsonl",
        "state",
    ] {
        let path = world.path(file);
        let outcome = world.command(&["rm", "-rf", path.to_str().unwrap()]).run();
        outcome.blocked();
        assert!(world.exists(file));
    }
}

/// Opens a terminal, lends its master side to a program that looks like a terminal emulator, and
/// types through its own copy.
const LENDER: &str = r#"
import os, pty, select, subprocess, sys, time
master, slave = pty.openpty()
os.set_inheritable(master, True)
lent = subprocess.Popen([sys.argv[1], "30"], pass_fds=[master])
child = os.fork()
if child == 0:
    os.setsid()
    import fcntl, termios
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for stream in range(3):
        os.dup2(slave, stream)
    os.execvp(sys.argv[2], sys.argv[2:])
os.close(slave)
seen, typed, end = b"", False, time.time() + 10
while time.time() < end:
    if select.select([master], [], [], 0.2)[0]:
        try:
            seen += os.read(master, 4096)
        except OSError:
            break
    if b"type exactly" in seen and not typed:
        typed = True
        os.write(master, b"discard 1 file in app\r")
lent.kill()
sys.stdout.buffer.write(seen)
"#;

#[test]
fn a_terminal_that_several_programs_hold() {
    let world = world();
    // Root's own file of an emulator's name; the parent's number is lower, so it is found later.
    let borrower = world.path("emulator/xterm");
    std::fs::create_dir(world.path("emulator")).unwrap();
    std::fs::copy("/bin/sleep", &borrower).unwrap();
    crate::support::to_be_run(&borrower);
    world.write("lender.py", LENDER);
    for command in ["git reset --hard", "../prefix/bin/guard key init"] {
        let outcome = agent(
            &world,
            &format!("python3 ../lender.py {} {command}", borrower.display()),
        );
        assert!(outcome.stdout.contains("guard: "), "{outcome:?}");
        assert!(!outcome.stdout.contains("type exactly"), "{outcome:?}");
    }
    nothing_happened(&world);
}

#[test]
fn programs_that_pretend_to_be_terminals() {
    let world = world();
    world.script("bin/terminator", "#!/bin/sh\n");
    let run = "import pty, sys; pty.spawn(sys.argv[2:])";
    world.write("spawn.py", format!("{run}\n"));
    let pretend = |how: &str| {
        agent(
            &world,
            &format!(
                "(sleep 1; echo 'discard 1 file in app'; sleep 1; echo) | timeout 20 {how} \
                 git reset --hard"
            ),
        )
    };
    for how in [
        // What looks like the script of an emulator runs something else.
        format!("python3 '-c{run}' ../bin/terminator"),
        "bash -c 'exec -a gnome-terminal-server python3 ../spawn.py x \"$@\"' -".to_owned(),
        "bash -c 'exec -a sshd python3 ../spawn.py x \"$@\"' -".to_owned(),
        "bash -c 'exec -a sudo python3 ../spawn.py x \"$@\"' -".to_owned(),
    ] {
        let outcome = pretend(&how);
        assert!(
            !outcome.stdout.contains("HEAD is now"),
            "{how}: {outcome:?}"
        );
        world.work_is_there();
    }
    nothing_happened(&world);
}

#[test]
fn a_key_that_nobody_let_in() {
    let world = world();
    world.run("git reset --hard").blocked();
    let id = world.request();
    let outcome = agent(
        &world,
        &format!(
            "ssh-keygen -q -t ed25519 -N '' -f ../eve && \
             echo \"eve $(cat ../eve.pub)\" >> ../config/allowed_signers && \
             ../prefix/bin/guard approve {id} --statement > ../statement && \
             ssh-keygen -q -Y sign -n guard -f ../eve ../statement && \
             ../prefix/bin/guard approve {id} --signature ../statement.sig"
        ),
    );
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    outcome.says("may not approve");
    world.run("git reset --hard").blocked();
    let doctor = world.guard(&["doctor"]).run();
    assert!(
        doctor.stdout.contains("nobody let it in: eve"),
        "{doctor:?}"
    );
    nothing_happened(&world);
}

#[test]
fn the_first_key_takes_a_persons_terminal() {
    let world = World::with_uncommitted_work();
    world.no_terminals();
    // Built by root, this test is a program of the system's that guard does not know, and may be
    // a person's terminal; built by anybody else, it may be a program of an agent's.
    let mut person = world.guard(&["key", "init"]).at_terminal();
    if rustix::process::geteuid().is_root() {
        person.until("New passphrase: ");
        person.keys("\u{3}");
        person.ends();
    } else {
        let outcome = person.ends();
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        assert!(outcome.stdout.contains("terminals = "), "{outcome:?}");
    }
    assert!(!world.exists("config/key"));
}

#[test]
fn pipes_and_directories_in_place_of_files() {
    let world = world();
    world.run("git reset --hard").blocked();
    let id = world.request();
    for place in [
        "state/requests/ABCD-0123456789abcdef.json",
        "state/grants/ABCD-0123456789abcdef.json",
        "state/refusals/ABCD-0123456789abcdef.json",
        "state/exceptions/ABCD-0123456789abcdef.json",
        "state/passphrase-failures",
    ] {
        let path = world.path(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
    }
    let patience = Duration::from_secs(10);
    world
        .command(&["git", "reset", "--hard"])
        .within(patience)
        .run()
        .blocked()
        .says(&id);
    let outcome = world.guard(&["pending"]).within(patience).run();
    assert!(outcome.stdout.contains(&id), "{outcome:?}");
    world.guard(&["allow", "--list"]).within(patience).run();
    // A grant's list of keys, too.
    let list = world.path("config/allowed_signers");
    std::fs::remove_file(&list).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&list).status();
    assert!(made.unwrap().success());
    world.guard(&["key", "list"]).within(patience).run();
    world.guard(&["doctor"]).within(patience).run();
    world
        .command(&["git", "reset", "--hard"])
        .within(patience)
        .run()
        .blocked();
    nothing_happened(&world);
}

#[test]
fn the_evidence_is_gathered_quickly() {
    let world = world();
    let report = |outcome: &Outcome| -> serde_json::Value {
        let start = outcome.stdout.find('{').unwrap();
        serde_json::from_str(&outcome.stdout[start..]).unwrap()
    };
    let nobody = report(&world.guard(&["doctor", "--json"]).run());
    assert_eq!(nobody["terminal"]["trust"], "nobody", "{nobody}");
    let person = report(&world.guard(&["doctor", "--json"]).at_terminal().ends());
    assert_eq!(person["terminal"]["trust"], "person", "{person}");
    world.no_terminals();
    let unknown = report(&world.guard(&["doctor", "--json"]).at_terminal().ends());
    assert_eq!(unknown["terminal"]["trust"], "unknown", "{unknown}");
    for report in [nobody, person, unknown] {
        let time = report["terminal"]["microseconds"].as_u64().unwrap();
        // Five milliseconds where it counts; these tests run unoptimised and beside each other.
        assert!(time < 50_000, "{report}");
    }
}

#[test]
fn what_a_phrase_proves_where_the_terminal_is_unknown() {
    let world = world();
    world.no_terminals();
    // Inside the workspace: the phrase.
    let mut person = world.command(&["git", "reset", "--hard"]).at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(world.read("app/README.md"), "an app\n");
    // Outside of it: the passphrase as well.
    let mut person = world
        .command(&["rm", "-rf", "../shared/uploads"])
        .at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    person.until("Passphrase of ");
    person.keys("\u{3}");
    person.ends();
    assert!(world.exists("shared/uploads/photo.jpg"));
    let mut person = world
        .command(&["rm", "-rf", "../shared/uploads"])
        .at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    person.secret("Passphrase of ", PASSPHRASE);
    assert_eq!(person.ends().code, Some(0));
    assert!(!world.exists("shared/uploads"));
    let log = world.log();
    let proof = &log.last().unwrap()["proof"];
    assert!(
        proof["signers"][0]
            .as_str()
            .unwrap()
            .starts_with("ada SHA256:"),
        "{proof}"
    );
    let verified = world.guard(&["log", "verify"]).run();
    assert!(
        verified.stdout.contains("2 signatures hold"),
        "{verified:?}"
    );
    // Without a key nobody is asked.
    let bare = World::new();
    bare.no_terminals();
    let outcome = bare
        .command(&["rm", "-rf", "../shared/uploads"])
        .at_terminal()
        .ends();
    assert_eq!(outcome.code, Some(77));
    assert!(outcome.stdout.contains("guard key init"), "{outcome:?}");
}

#[test]
fn the_echo_comes_back_after_a_passphrase() {
    let world = world();
    world.no_terminals();
    let script = "trap : INT TERM; rm -rf ../shared/uploads; echo \"code $?\"; read end";
    for keys in ["\u{3}", "\u{4}", "\r", "\u{1a}\u{3}"] {
        let mut person = world.command(&["sh", "-c", script]).at_terminal();
        let modes = person.modes();
        let phrase = person.phrase();
        person.line(&phrase);
        person.until("Passphrase of ");
        person.until(": ");
        person.settled();
        assert_ne!(person.modes(), modes);
        person.keys(keys);
        person.until("code ");
        assert_eq!(person.modes(), modes, "{keys:?}");
        person.line("");
        person.ends();
    }
    assert!(world.exists("shared/uploads/photo.jpg"));
}
