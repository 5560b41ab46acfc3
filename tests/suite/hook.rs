//! Agents ask guard's hook before they run a command line: what no shim will see is denied in each
//! agent's words, and everything else is left to the shims.

use std::time::Duration;

use crate::support::{Outcome, World};
use serde_json::{Value, json};

const PASSPHRASE: &str = "correct horse battery";

/// What an agent sends for a command line in `app/`.
fn payload(world: &World, agent: &str, line: &str) -> Value {
    let cwd = world.path("app");
    match agent {
        "claude" | "codex" => json!({
            "session_id": "s", "cwd": cwd, "hook_event_name": "PreToolUse",
            "tool_name": "Bash", "tool_input": {"command": line},
        }),
        "gemini" => json!({
            "session_id": "s", "cwd": cwd, "hook_event_name": "BeforeTool",
            "tool_name": "run_shell_command", "tool_input": {"command": line},
        }),
        "qwen" => json!({
            "session_id": "s", "cwd": cwd, "hook_event_name": "PreToolUse",
            "tool_name": "run_shell_command", "tool_input": {"command": line},
        }),
        "copilot" => json!({
            "sessionId": "s", "timestamp": 1, "cwd": cwd,
            "toolName": "bash", "toolArgs": json!({"command": line}).to_string(),
        }),
        "cursor" => json!({
            "hook_event_name": "beforeShellExecution", "conversation_id": "c",
            "workspace_roots": [cwd], "cwd": cwd, "command": line,
        }),
        "opencode" => json!({"tool": "bash", "args": {"command": line}, "cwd": cwd}),
        other => panic!("{other}"),
    }
}

/// The reason in an agent's words for no, as its documentation has them.
fn denial(agent: &str, answer: &Value) -> Option<String> {
    let (decision, reason) = match agent {
        "claude" | "codex" | "qwen" => {
            let specific = &answer["hookSpecificOutput"];
            if *answer != json!({}) {
                assert_eq!(specific["hookEventName"], "PreToolUse", "{answer}");
            }
            (
                &specific["permissionDecision"],
                &specific["permissionDecisionReason"],
            )
        }
        "copilot" => (
            &answer["permissionDecision"],
            &answer["permissionDecisionReason"],
        ),
        "cursor" => (&answer["permission"], &answer["agent_message"]),
        _ => (&answer["decision"], &answer["reason"]),
    };
    if *answer == json!({}) {
        return None;
    }
    assert_eq!(*decision, "deny", "{answer}");
    Some(reason.as_str().unwrap().to_owned())
}

fn send(world: &World, agent: &str, bytes: impl AsRef<[u8]>) -> (Outcome, Option<String>) {
    let outcome = world.guard(&["hook", agent]).input(bytes.as_ref()).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(outcome.stderr, "", "{outcome:?}");
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let denied = denial(agent, &answer);
    (outcome, denied)
}

/// Why an agent is told no; nothing when it may go on.
fn hook(world: &World, agent: &str, line: &str) -> Option<String> {
    send(world, agent, payload(world, agent, line).to_string()).1
}

const AGENTS: [&str; 7] = [
    "claude", "codex", "gemini", "qwen", "copilot", "cursor", "opencode",
];

#[test]
fn every_agent_is_told_in_its_own_words() {
    for agent in AGENTS {
        let world = World::new();
        let told = hook(&world, agent, "/bin/rm -r ../shared/uploads").expect(agent);
        let id = world.request();
        for text in [
            "guard: blocked: /bin/rm -r ../shared/uploads\n",
            "would lose: 2 files (61 B) that no commit holds",
            "deletes outside the workspace [rm.escape]",
            "past guard's shim",
            &format!("guard approve {id}"),
            "Do not look for another way",
        ] {
            assert!(told.contains(text), "{agent}: {text:?} is not in {told}");
        }
        for line in [
            "rm -r ../shared/uploads",
            "ls -l && cargo test",
            "git reset --hard",
        ] {
            assert_eq!(hook(&world, agent, line), None, "{agent}: {line}");
        }
        assert_eq!(world.pending().len(), 1);
        assert!(world.exists("shared/uploads/photo.jpg"));
    }
}

#[test]
fn what_no_shim_sees_and_what_is_left_to_the_shims() {
    let world = World::with_uncommitted_work();
    world.write("app/notes.txt", "never committed\n");
    world.write("app/target/x", "made again\n");
    world.write("app/cache/a.pyc", "by pattern\n");
    let shims = world.shims();
    let shim = shims.join("rm");
    let shim = shim.display();
    let path = format!("{}:/usr/bin:/bin", shims.display());
    for (line, denied) in [
        // By its path, by another PATH, as another user.
        ("/bin/rm -r ../shared", true),
        ("/usr/bin/rm notes.txt", true),
        ("cd ../shared && /bin/rm -r uploads", true),
        ("/bin/rm -r target", false),
        ("/usr/bin/git reset --hard", true),
        ("/usr/bin/git status", false),
        (&format!("{shim} -r ../shared"), false),
        ("command -p rm -r ../shared", true),
        ("command rm -r ../shared", false),
        ("env -i rm -r ../shared", true),
        ("env -i PATH=$PATH rm -r ../shared", false),
        ("sudo rm -r ../shared", true),
        ("busybox rm -r ../shared", true),
        ("PATH=/usr/bin:/bin rm -r ../shared", true),
        ("PATH=/usr/bin:/bin; rm -r ../shared", true),
        ("export PATH=/usr/bin:/bin && rm -r ../shared", true),
        ("export PATH=/opt/bin:$PATH && rm -r ../shared", false),
        (&format!("PATH={path} rm -r ../shared"), false),
        ("bash -c '/bin/rm -r ../shared'", true),
        ("echo ../shared/uploads | xargs /bin/rm -r", true),
        ("find ../shared -type f -exec /bin/rm {} +", true),
        ("find ../shared -type f -exec rm {} +", false),
        ("/bin/rm --help", false),
        ("/bin/rm -r \"$UNKNOWN\"", true),
        ("rm -r \"$UNKNOWN\"", false),
        // find.
        ("find ../shared -delete", true),
        ("find ../shared -name '*.jpg' -delete", true),
        ("find . -delete", true),
        ("find . -name '*.pyc' -delete", false),
        ("find target -delete", false),
        ("find ../shared -name '*.jpg'", false),
        // Redirections.
        ("echo x > ../shared/uploads/letter.txt", true),
        ("cat > ../shared/uploads/letter.txt <<E\nx\nE", true),
        (": > .git/config", true),
        ("echo x >> ../shared/uploads/letter.txt", false),
        ("echo x > ../shared/uploads/new.txt", false),
        ("echo x > notes.txt", false),
        ("ls > /dev/null 2>&1", false),
        // Code.
        (
            "python3 -c 'import shutil; shutil.rmtree(\"../shared\")'",
            true,
        ),
        (
            "python3 - <<'E'\nimport os\nos.remove('notes.txt')\nE",
            true,
        ),
        ("node -e 'fs.rmSync(\"target\", {recursive: true})'", false),
        ("python3 -c 'print(1)'", false),
        // On other machines.
        ("ssh host /bin/rm -r /srv", false),
        ("docker exec app /bin/rm -r /srv", false),
    ] {
        let told = hook(&world, "claude", line);
        assert_eq!(told.is_some(), denied, "{line}: {told:?}");
    }
    world.work_is_there();
    assert!(world.exists("shared/uploads/photo.jpg"));
    assert_eq!(
        world.read("shared/uploads/letter.txt"),
        "a letter that exists only here\n"
    );
}

#[test]
fn the_directory_that_the_model_names_is_not_the_workspace() {
    let world = World::new();
    let sent = json!({
        "tool": "bash", "cwd": world.path("app"),
        "args": {"command": "/bin/rm -r uploads", "workdir": "../shared"},
    });
    let (_, told) = send(&world, "opencode", sent.to_string());
    assert!(told.unwrap().contains("[rm.escape]"));
}

#[test]
fn one_id_and_one_approval_for_hook_and_shim() {
    let world = World::new();
    let mut person = world.guard(&["key", "init", "--name", "ada"]).at_terminal();
    person.secret("New passphrase: ", PASSPHRASE);
    person.secret("The same again: ", PASSPHRASE);
    assert_eq!(person.ends().code, Some(0));
    let approve = || {
        let mut person = world.guard(&["approve", &world.request()]).at_terminal();
        let phrase = person.phrase();
        person.line(&phrase);
        person.secret("Passphrase of ", PASSPHRASE);
        assert_eq!(person.ends().code, Some(0));
    };
    let line = "cd .. && /bin/rm -r shared/uploads";
    assert!(hook(&world, "claude", line).is_some());
    let id = world.request();
    // The shim, in the same place, knows it as the same command.
    let shim = world
        .command(&["rm", "-r", "shared/uploads"])
        .directory(".");
    shim.run().blocked().says(&id);
    approve();
    assert_eq!(hook(&world, "claude", line), None);
    assert!(hook(&world, "claude", line).is_some(), "good for one run");
    // Approved for the hook, used by the shim.
    approve();
    let shim = world
        .command(&["rm", "-r", "shared/uploads"])
        .directory(".");
    shim.run().ran();
    assert!(!world.exists("shared/uploads"));
    let verified = world.guard(&["log", "verify"]).run();
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[test]
fn an_approval_is_not_used_up_by_a_line_that_may_not_run() {
    let world = World::new();
    let mut person = world.guard(&["key", "init", "--name", "ada"]).at_terminal();
    person.secret("New passphrase: ", PASSPHRASE);
    person.secret("The same again: ", PASSPHRASE);
    assert_eq!(person.ends().code, Some(0));
    let first = "/bin/rm ../shared/uploads/letter.txt";
    assert!(hook(&world, "qwen", first).is_some());
    let mut person = world.guard(&["approve", &world.request()]).at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    person.secret("Passphrase of ", PASSPHRASE);
    assert_eq!(person.ends().code, Some(0));
    let both = format!("{first}; /bin/rm ../shared/uploads/photo.jpg");
    assert!(hook(&world, "qwen", &both).is_some());
    assert_eq!(hook(&world, "qwen", first), None);
}

#[test]
fn a_freeze_holds_for_what_no_shim_sees() {
    let world = World::new();
    assert_eq!(
        hook(&world, "codex", "/bin/rm -f /tmp/nothing-is-there"),
        None
    );
    let frozen = world.guard(&["freeze", "--for", "1h"]).run();
    assert_eq!(frozen.code, Some(0), "{frozen:?}");
    let told = hook(&world, "codex", "/bin/rm -f /tmp/nothing-is-there").unwrap();
    assert!(told.contains("guard thaw"), "{told}");
}

#[test]
fn what_cannot_be_read_is_denied() {
    let world = World::new();
    let long = "x".repeat(10 << 20);
    for agent in AGENTS {
        let whole = payload(&world, agent, "ls").to_string();
        let cut = &whole.as_bytes()[..whole.len() / 2];
        let huge = payload(&world, agent, &long).to_string();
        let nul = payload(&world, agent, "ls\0-l").to_string();
        let open = payload(&world, agent, "echo 'never closed").to_string();
        for bytes in [
            cut,
            huge.as_bytes(),
            nul.as_bytes(),
            open.as_bytes(),
            b"\0\0",
            b" ",
        ] {
            let (outcome, told) = send(&world, agent, bytes);
            let told = told.unwrap_or_else(|| panic!("{agent}: {outcome:?}"));
            assert!(told.starts_with("guard: blocked: "), "{told}");
        }
    }
    assert!(world.pending().is_empty());
}

#[test]
fn an_answer_that_cannot_be_printed_is_still_a_no() {
    let world = World::new();
    let guard = world.path("prefix/bin/guard");
    let outcome = world
        .command(&[
            "sh",
            "-c",
            "\"$0\" hook claude >/dev/full",
            guard.to_str().unwrap(),
        ])
        .input(payload(&world, "claude", "/bin/rm -r ../shared").to_string())
        .run();
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    outcome.says("guard: blocked: /bin/rm -r ../shared");
}

#[test]
fn a_broken_rules_file_lets_nothing_past_that_changes_something() {
    let world = World::new();
    world.write("config/rules.toml", "no rules\n");
    let told = hook(&world, "gemini", "/bin/rm -r target").unwrap();
    assert!(told.contains("your own rules"), "{told}");
    for line in ["/usr/bin/git status", "ls", "rm -r target"] {
        assert_eq!(hook(&world, "gemini", line), None, "{line}");
    }
}

#[test]
fn it_answers_before_a_large_tree_is_counted() {
    let world = World::new();
    for directory in 0..60 {
        for file in 0..100 {
            world.write(&format!("shared/many/{directory}/{file}"), "x");
        }
    }
    let (outcome, told) = send(
        &world,
        "claude",
        payload(&world, "claude", "/bin/rm -r ../shared").to_string(),
    );
    assert!(told.unwrap().contains("[rm.escape]"));
    // Far below the five seconds that a preview may take; the machine may be busy.
    assert!(outcome.time < Duration::from_secs(2), "{outcome:?}");
}

#[test]
fn the_plugin_in_the_documentation_tells_opencode() {
    let document = include_str!("../../docs/hooks.md");
    let (_, after) = document.split_once("```js\n").unwrap();
    let (plugin, _) = after.split_once("```").unwrap();
    let world = World::new();
    let guard = world.path("prefix/bin/guard");
    let plugin = plugin.replace("/home/me/.local/bin/guard", guard.to_str().unwrap());
    world.write("plugin/guard.mjs", plugin);
    world.write(
        "plugin/try.mjs",
        r#"
import { Guard } from "./guard.mjs"
const hooks = await Guard({ directory: process.cwd() })
for (const command of ["ls", "/bin/rm -r ../shared", "echo \0"]) {
  try {
    await hooks["tool.execute.before"]({ tool: "bash" }, { args: { command } })
    console.log("runs")
  } catch (error) {
    console.log(String(error.message).split("\n")[0])
  }
}
"#,
    );
    let script = world.path("plugin/try.mjs");
    let outcome = world.command(&["node", script.to_str().unwrap()]).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{outcome:?}");
    assert_eq!(lines[0], "runs");
    assert_eq!(lines[1], "guard: blocked: /bin/rm -r ../shared");
    assert!(lines[2].contains("NUL"), "{outcome:?}");
}
