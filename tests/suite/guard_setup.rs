//! `guard setup` writes guard into the agents' own configuration and the shells' start-up files,
//! keeps everything else as it is, and gives the bytes back.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use crate::support::{Outcome, World, has};
use guard_agents::setup::jsonc;
use proptest::prelude::*;
use serde_json::{Value, json};

/// An agent, its file below the home directory, and a variable that says so.
const AGENTS: [(&str, &str); 7] = [
    ("claude", "home/.claude/settings.json"),
    ("codex", "home/.codex/config.toml"),
    ("gemini", "home/.gemini/settings.json"),
    ("qwen", "home/.qwen/settings.json"),
    ("copilot", "home/.copilot/hooks/guard.json"),
    ("cursor", "home/.cursor/hooks.json"),
    ("opencode", "home/.config/opencode/plugins/guard.js"),
];

const JSON_AGENTS: [(&str, &str, &str); 5] = [
    ("claude", "home/.claude/settings.json", "PreToolUse"),
    ("gemini", "home/.gemini/settings.json", "BeforeTool"),
    ("qwen", "home/.qwen/settings.json", "PreToolUse"),
    ("copilot", "home/.copilot/hooks/guard.json", "preToolUse"),
    ("cursor", "home/.cursor/hooks.json", "beforeShellExecution"),
];

/// A world in which every agent counts as installed.
fn world() -> World {
    let world = World::new();
    for directory in [
        ".claude",
        ".codex",
        ".gemini",
        ".qwen",
        ".copilot",
        ".cursor",
        ".config/opencode",
    ] {
        std::fs::create_dir_all(world.path(&format!("home/{directory}"))).unwrap();
    }
    world
}

fn setup(world: &World, arguments: &[&str]) -> Outcome {
    let mut words = vec!["setup"];
    words.extend(arguments);
    world.guard(&words).run()
}

#[track_caller]
fn done(world: &World, arguments: &[&str]) -> String {
    let outcome = setup(world, arguments);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    outcome.stdout
}

#[track_caller]
fn refused(world: &World, arguments: &[&str], text: &str) {
    let outcome = setup(world, arguments);
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
    outcome.says(text);
}

fn bytes(world: &World, file: &str) -> Option<Vec<u8>> {
    std::fs::read(world.path(file)).ok()
}

/// What `.claude` and the others hold, but for the directories.
fn payload(world: &World, agent: &str, line: &str) -> Value {
    let cwd = world.path("app");
    match agent {
        "copilot" => json!({
            "sessionId": "s", "timestamp": 1, "cwd": cwd,
            "toolName": "bash", "toolArgs": json!({"command": line}).to_string(),
        }),
        "cursor" => json!({
            "hook_event_name": "beforeShellExecution", "conversation_id": "c",
            "workspace_roots": [cwd], "cwd": cwd, "command": line,
        }),
        "opencode" => json!({"tool": "bash", "args": {"command": line}, "cwd": cwd}),
        "gemini" | "qwen" => json!({
            "session_id": "s", "cwd": cwd,
            "hook_event_name": if agent == "gemini" { "BeforeTool" } else { "PreToolUse" },
            "tool_name": "run_shell_command", "tool_input": {"command": line},
        }),
        _ => json!({
            "session_id": "s", "cwd": cwd, "hook_event_name": "PreToolUse",
            "tool_name": "Bash", "tool_input": {"command": line},
        }),
    }
}

/// The command that an agent would run, as its documentation finds it in the file.
fn written_command(agent: &str, text: &str) -> String {
    let value: Value = if agent == "codex" {
        toml::from_str(text).unwrap()
    } else {
        serde_json::from_str(text).unwrap()
    };
    let hooks = &value["hooks"];
    let command = match agent {
        "gemini" => &hooks["BeforeTool"][0]["hooks"][0]["command"],
        "copilot" => &hooks["preToolUse"][0]["bash"],
        "cursor" => &hooks["beforeShellExecution"][0]["command"],
        _ => &hooks["PreToolUse"][0]["hooks"][0]["command"],
    };
    command.as_str().unwrap().to_owned()
}

#[test]
fn every_agent_from_nothing_and_back_and_the_hook_works() {
    for (agent, file) in AGENTS {
        let world = world();
        let dry = done(&world, &[agent, "--dry-run"]);
        assert!(dry.contains("+++ ") && dry.contains("hook"), "{dry}");
        assert!(
            !world.exists(file) && !world.exists("state/setup"),
            "{agent}"
        );

        let told = done(&world, &[agent]);
        assert!(told.contains(&format!("{agent}: wrote ")), "{told}");
        let text = world.read(file);
        let denied = if agent == "opencode" {
            if !has("node") {
                continue;
            }
            let script = format!(
                "import({:?}).then(async (m) => {{
                    const hooks = await m.Guard({{ directory: process.cwd() }})
                    await hooks['tool.execute.before']({{ tool: 'bash' }},
                        {{ args: {{ command: '/bin/rm -r ../shared/uploads' }} }})
                }}).catch((error) => console.log(error.message))",
                world.path(file).with_extension("mjs")
            );
            std::fs::copy(world.path(file), world.path(file).with_extension("mjs")).unwrap();
            let said = world.command(&["node", "-e", &script]).run();
            std::fs::remove_file(world.path(file).with_extension("mjs")).unwrap();
            said.stdout
        } else {
            let command = written_command(agent, &text);
            let line = "/bin/rm -r ../shared/uploads";
            world
                .command(&["sh", "-c", &command])
                .input(payload(&world, agent, line).to_string())
                .variable("PATH", "/usr/bin:/bin")
                .run()
                .stdout
        };
        assert!(denied.contains("guard: blocked"), "{agent}: {denied}");
        assert!(world.exists("shared/uploads/photo.jpg"));

        let again = done(&world, &[agent]);
        assert!(again.contains("Nothing to change."), "{again}");
        assert_eq!(world.read(file), text);
        done(&world, &["--undo", agent]);
        assert!(!world.exists(file), "{agent}");
        assert!(!world.exists("state/setup"));
        assert!(!world.exists("home/.copilot/hooks"));
        assert!(!world.exists("home/.config/opencode/plugins"));
    }
}

#[test]
fn what_stands_in_a_json_file_stays_as_it_is() {
    for (agent, file, event) in JSON_AGENTS {
        for text in [
            "{}",
            "{ }\n",
            "",
            "\n\n",
            "// nothing yet\n",
            "{\"a\":1}",
            "{\n  // mine\n  \"model\": \"x\", // as I like it\n  \"unknown\": [1, 2,],\n}\n",
            "{\r\n\t\"model\": \"x\"\r\n}\r\n",
            "\u{feff}{\n    \"model\": \"x\"\n}",
            "{\n   \"hooks\": {\n   }\n}\n",
            "{\"hooks\": {}}",
            "{\n  \"version\": 1,\n  \"hooks\": {\n    \"EVENT\": [] /* none */\n  }\n}\n",
            "{\n  \"hooks\": {\n    \"EVENT\": [\n      {\"command\": \"mine\"} // first\n    ],\n    \"Stop\": []\n  }\n}\n",
            "{\n  \"hooks\": { \"EVENT\": [ {\"command\": \"mine\"} ] }, /* a\n  b */ \"z\": \"\\u00e9//\"\n}",
        ] {
            let world = world();
            let text = text.replace("EVENT", event);
            world.write(file, &text);
            done(&world, &[agent]);
            let after = world.read(file);
            // Everything that was there is there, in order.
            let mut rest = after.chars();
            assert!(
                text.chars()
                    .all(|character| rest.any(|other| other == character)),
                "{agent}: {text:?} is not kept in {after:?}"
            );
            let root = guard_agents::setup::jsonc::read(after.as_bytes())
                .unwrap_or_else(|fault| panic!("{fault:?}: {after}"))
                .unwrap();
            let list = root.at(&["hooks", event]).unwrap().value();
            let newest = list.as_array().unwrap().last().unwrap().to_string();
            assert!(newest.contains(&format!(" hook {agent}")), "{newest}");
            if text.contains("\r\n") {
                assert!(!after.replace("\r\n", "").contains('\n'), "{after:?}");
                assert!(after.contains("\r\n\t\"hooks\": {\r\n\t\t\""), "{after:?}");
            }
            assert!(done(&world, &[agent]).contains("Nothing to change."));
            // Edited meanwhile: only guard's entry goes.
            let edited = after.replacen("\"model\": \"x\"", "\"model\": \"other\"", 1);
            let edited = format!("{edited}\n// a note\n");
            world.write(file, &edited);
            let told = done(&world, &["--undo"]);
            assert!(told.contains("took guard's part out of"), "{told}");
            let left = world.read(file);
            assert!(
                !left.contains("guard") && left.contains("// a note"),
                "{left}"
            );
            assert!(
                guard_agents::setup::jsonc::read(left.as_bytes()).is_ok(),
                "{left}"
            );
            // Untouched: the bytes come back.
            world.write(file, &text);
            done(&world, &[agent]);
            done(&world, &["--undo", agent]);
            assert_eq!(world.read(file), text);
        }
    }
}

#[test]
fn the_style_of_the_file() {
    let world = world();
    let file = "home/.claude/settings.json";
    world.write(
        file,
        "{\n    \"hooks\": {\n        \"PreToolUse\": [\n            { \"matcher\": \"Edit\" } // mine\n        ]\n    }\n}\n",
    );
    done(&world, &["claude"]);
    let guard = world.path("prefix/bin/guard");
    let expected = format!(
        r#"{{
    "hooks": {{
        "PreToolUse": [
            {{ "matcher": "Edit" }}, // mine
            {{
                "matcher": "Bash",
                "hooks": [
                    {{
                        "type": "command",
                        "command": "{} hook claude"
                    }}
                ]
            }}
        ]
    }}
}}
"#,
        guard.display()
    );
    assert_eq!(world.read(file), expected);
}

#[test]
fn codex_keeps_its_tables_and_a_choice_of_the_persons() {
    let file = "home/.codex/config.toml";
    let own = "#:schema https://example.com/s.json\n# mine\nmodel = \"o\" # as I like it\n\n[projects.\"/x\"]\ntrust_level = \"trusted\"\n\n[[hooks.PreToolUse]]\nmatcher = \"^Edit$\"\n";
    for text in [
        own.to_owned(),
        own.replace('\n', "\r\n"),
        own.trim_end().to_owned(),
    ] {
        let world = world();
        world.write(file, &text);
        let told = done(&world, &["codex"]);
        assert!(told.contains("trust the hook"), "{told}");
        let after = world.read(file);
        let value: Value = toml::from_str(&after).unwrap();
        assert_eq!(value["allow_login_shell"], json!(false));
        assert_eq!(
            value["hooks"]["PreToolUse"][0],
            json!({"matcher": "^Edit$"})
        );
        assert_eq!(value["hooks"]["PreToolUse"][1]["matcher"], "^Bash$");
        assert!(done(&world, &["codex"]).contains("Nothing to change."));
        world.write(file, format!("{after}\n[mine]\nlater = 1\n"));
        done(&world, &["--undo", "codex"]);
        let left = world.read(file);
        assert!(
            left.starts_with(&text) && left.ends_with("[mine]\nlater = 1\n"),
            "{left}"
        );
        assert!(!left.contains("guard"), "{left}");
        world.write(file, &text);
        done(&world, &["codex"]);
        done(&world, &["--undo"]);
        assert_eq!(world.read(file), text);
    }
    let world = world();
    world.write(file, "allow_login_shell = true\n");
    assert!(done(&world, &["codex"]).contains("which is kept"));
    assert!(
        world
            .read(file)
            .starts_with("allow_login_shell = true\n# >>> guard >>>\n[[hooks")
    );
    done(&world, &["--undo"]);
    for (text, told) in [
        ("a = \n", "config.toml:1: "),
        ("a = 1\nb = 2\nb = 3\n", "config.toml:3: "),
        (
            "hooks = { PreToolUse = [] }\n",
            "not written as [[hooks.PreToolUse]]",
        ),
    ] {
        world.write(file, text);
        refused(&world, &["codex"], told);
        assert_eq!(world.read(file), text);
    }
    world.write(file, b"a = 1\nb = \"\xff\"\n");
    refused(&world, &["codex"], "config.toml:2: TOML must be UTF-8");
}

#[test]
fn all_or_nothing() {
    let world = world();
    for (text, told) in [
        (
            "{\n  \"a\": 1\n  \"b\": 2\n}\n",
            "settings.json:3: a comma or } was expected here",
        ),
        (
            "{\n  \"hooks\": []\n}\n",
            "settings.json:2: hooks is not an object",
        ),
        (
            "{\"hooks\": {\"PreToolUse\": 1}}",
            "hooks.PreToolUse is not an array",
        ),
        ("[]", "settings.json:1: the whole is not an object"),
        ("{ /* ", "a comment that does not end"),
        ("{} {}", "more than one value"),
        (&"[".repeat(100_000), "nested too deeply"),
    ] {
        world.write("home/.claude/settings.json", text);
        refused(
            &world,
            &["gemini", "claude", "shell", "--shell", "bash"],
            told,
        );
        assert_eq!(world.read("home/.claude/settings.json"), text);
        for file in ["home/.gemini/settings.json", "home/.bashrc", "state/setup"] {
            assert!(!world.exists(file), "{file}");
        }
    }
    // Not installed; no hook; nothing that guard knows.
    std::fs::remove_dir(world.path("home/.qwen")).unwrap();
    refused(
        &world,
        &["gemini", "qwen"],
        "Qwen Code is not installed here",
    );
    refused(&world, &["gemini", "goose"], "guard run goose");
    refused(
        &world,
        &["gemini", "emacs"],
        "nothing that guard can set up",
    );
    refused(
        &world,
        &["shell", "--shell", "zsh,nu"],
        "\"nu\" is a shell that guard does not know",
    );
    assert!(!world.exists("home/.gemini/settings.json") && !world.exists("home/.zshrc"));
    let outcome = world
        .guard(&["setup", "shell"])
        .variable("SHELL", "/usr/bin/nu")
        .run();
    assert_eq!(outcome.code, Some(1));
    outcome.says("your shell /usr/bin/nu is none that guard knows");
    // Another guard's hook, and one that was written by hand.
    let command = format!(
        "'{}'  hook claude",
        world.path("prefix/bin/guard").display()
    );
    let own = json!({"hooks": {"PreToolUse": [{"hooks": [{"command": command}]}]}});
    world.write("home/.claude/settings.json", own.to_string());
    assert!(done(&world, &["claude"]).contains("Nothing to change."));
    world.write(
        "home/.claude/settings.json",
        own.to_string().replace("prefix/bin", "elsewhere/bin"),
    );
    refused(&world, &["claude"], "already calls another guard");
    world.write("home/.config/opencode/plugins/guard.js", "mine");
    refused(&world, &["opencode"], "is not what guard writes");
    assert_eq!(world.read("home/.config/opencode/plugins/guard.js"), "mine");
}

#[test]
fn links_modes_and_files_that_cannot_be_written() {
    let world = world();
    world.write("dotfiles/bashrc", "export A=1\n");
    world.write("dotfiles/claude.json", "{\n}\n");
    let mode = |file: &str| world.path(file).metadata().unwrap().permissions().mode() & 0o777;
    std::fs::set_permissions(
        world.path("dotfiles/claude.json"),
        std::fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    symlink("../dotfiles/bashrc", world.path("home/.bashrc")).unwrap();
    symlink(
        "../../dotfiles/claude.json",
        world.path("home/.claude/settings.json"),
    )
    .unwrap();
    let told = done(&world, &["claude", "shell", "--shell", "bash"]);
    assert!(told.contains("(a link: "), "{told}");
    for (link, file) in [
        ("home/.bashrc", "dotfiles/bashrc"),
        ("home/.claude/settings.json", "dotfiles/claude.json"),
    ] {
        assert!(world.path(link).is_symlink());
        assert!(world.read(file).contains("guard"));
    }
    assert_eq!(mode("dotfiles/claude.json"), 0o600);
    done(&world, &["--undo"]);
    assert!(world.path("home/.bashrc").is_symlink() && !world.exists("home/.profile"));
    assert_eq!(world.read("dotfiles/bashrc"), "export A=1\n");
    assert_eq!(world.read("dotfiles/claude.json"), "{\n}\n");
    assert_eq!(mode("dotfiles/claude.json"), 0o600);
    // Read-only; a link to nowhere; a directory. The file before it stays, too.
    std::fs::set_permissions(
        world.path("dotfiles/bashrc"),
        std::fs::Permissions::from_mode(0o444),
    )
    .unwrap();
    let both = ["claude", "shell", "--shell", "bash"];
    refused(&world, &both, ".bashrc is read-only");
    std::fs::remove_file(world.path("dotfiles/bashrc")).unwrap();
    refused(&world, &both, "which cannot be reached");
    std::fs::create_dir(world.path("dotfiles/bashrc")).unwrap();
    refused(&world, &both, "is no regular file");
    assert_eq!(world.read("dotfiles/claude.json"), "{\n}\n");
    assert!(!world.exists("state/setup"));
}

#[test]
fn start_up_files_that_are_no_text_and_blocks_of_others() {
    let world = world();
    let own: &[u8] =
        b"# caf\xe9\n# >>> conda initialize >>>\nconda\n# <<< conda initialize <<<\nlast";
    world.write("home/.bashrc", own);
    done(&world, &["shell", "--shell", "bash"]);
    let after = bytes(&world, "home/.bashrc").unwrap();
    assert!(after.starts_with(own));
    assert!(after.ends_with(b"# <<< guard <<<\n"));
    assert!(done(&world, &["shell", "--shell", "bash"]).contains("Nothing to change."));
    // Edited meanwhile, before and after.
    let mut edited = b"first\n".to_vec();
    edited.extend_from_slice(&after);
    edited.extend_from_slice(b"more\xff\n");
    world.write("home/.bashrc", &edited);
    let dry = done(&world, &["--undo", "--dry-run"]);
    assert!(
        dry.contains("-# >>> guard >>>") && dry.contains("\\xff"),
        "{dry}"
    );
    assert_eq!(bytes(&world, "home/.bashrc").unwrap(), edited);
    done(&world, &["--undo"]);
    let mut left = b"first\n".to_vec();
    left.extend_from_slice(own);
    left.extend_from_slice(b"\nmore\xff\n");
    assert_eq!(bytes(&world, "home/.bashrc").unwrap(), left);
    // guard's own text was changed: it stays, and that is said.
    world.write("home/.bashrc", own);
    done(&world, &["shell", "--shell", "bash"]);
    let text = bytes(&world, "home/.bashrc").unwrap();
    let text = String::from_utf8_lossy(&text).replace("export PATH", "export PATH # mine");
    world.write("home/.bashrc", &text);
    refused(
        &world,
        &["shell", "--shell", "bash"],
        "not what this guard writes",
    );
    refused(&world, &["--undo"], "was changed since");
    assert_eq!(world.read("home/.bashrc"), text);
    assert!(!world.exists("home/.profile"));
    // It is taken out by hand, and guard forgets it.
    world.write("home/.bashrc", "");
    assert!(done(&world, &["--undo"]).contains("nothing of guard's is left"));
    assert!(!world.exists("state/setup"));
    // The line that install.sh prints counts, where it is the last word.
    let line = format!("export PATH=\"{}:$PATH\"\n", world.shims().display());
    world.write("home/.bashrc", &line);
    world.write("home/.profile", format!("{line}. other\n"));
    done(&world, &["shell", "--shell", "bash"]);
    assert_eq!(world.read("home/.bashrc"), line);
    assert!(world.read("home/.profile").contains("# >>> guard >>>"));
}

#[test]
fn an_agent_cannot_take_it_out() {
    let world = world();
    done(&world, &["claude"]);
    let text = world.read("home/.claude/settings.json");
    let outcome = world
        .guard(&["setup", "--undo"])
        .variable("CLAUDECODE", "1")
        .run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    outcome.says("only a person can take guard out");
    assert_eq!(world.read("home/.claude/settings.json"), text);
}

#[test]
fn what_is_found_and_where_agents_say_their_files_are() {
    let world = World::new();
    world.write("home/.bashrc", "");
    world.script("tools/gemini", "#!/bin/sh\n");
    let path = format!("{}:/usr/bin:/bin", world.path("tools").display());
    let show = || world.guard(&["setup"]).variable("PATH", &path).run().stdout;
    let shown = show();
    assert!(
        shown.contains("claude    Claude Code is not installed here"),
        "{shown}"
    );
    assert!(
        shown.contains("Set up with: guard setup gemini shell"),
        "{shown}"
    );
    let outcome = world
        .guard(&["setup", "gemini", "shell", "claude", "codex"])
        .variable("PATH", &path)
        .variable("CLAUDE_CONFIG_DIR", world.path("app"))
        .variable("CODEX_HOME", world.path("shared"))
        .run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    for file in [
        "app/settings.json",
        "shared/config.toml",
        "home/.gemini/settings.json",
    ] {
        assert!(world.exists(file), "{file}");
    }
    let shown = show();
    assert!(
        shown.contains("gemini    set up: ") && shown.contains("bash      set up: "),
        "{shown}"
    );
    assert!(shown.contains("Nothing to do."), "{shown}");
}

#[test]
fn one_that_fails_takes_back_those_before_it() {
    use guard_agents::setup::apply::apply;
    use guard_agents::setup::manifest::{SetupManifest, SetupShelf, Trace};
    let world = world();
    let change = |file: &str, before: Option<&str>| guard_agents::setup::FileChange {
        name: "shell".to_owned(),
        shells: Vec::new(),
        path: world.path(file),
        target: world.path(file),
        before: before.map(|text| text.as_bytes().to_vec()),
        after: Some(b"after".to_vec()),
        trace: Trace::Whole,
    };
    world.write("home/one", "before");
    world.write("home/three", "changed by somebody");
    let shelf = SetupShelf::open(&world.path("state")).unwrap();
    // Only one at a time.
    let shelf_is_taken = SetupShelf::open(&world.path("state"));
    assert!(
        shelf_is_taken
            .err()
            .unwrap()
            .contains("another guard setup runs now")
    );
    let fault = apply(
        &shelf,
        &[
            change("home/one", Some("before")),
            change("home/new/two", None),
            change("home/three", Some("before")),
        ],
    )
    .unwrap_err();
    assert!(
        fault.ends_with("was changed by somebody just now; nothing was changed"),
        "{fault}"
    );
    assert_eq!(world.read("home/one"), "before");
    assert_eq!(world.read("home/three"), "changed by somebody");
    assert!(!world.exists("home/new") && !world.exists("state/setup/manifest.json"));
    assert_eq!(shelf.read().unwrap(), SetupManifest::default());
    drop(shelf);
    // A directory that the user may not write to.
    let outcome = world.guard(&["setup", "claude"]).by_nobody().run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(!world.exists("home/.claude/settings.json"));
}

#[test]
fn bytes_that_are_no_text_in_json_and_a_plugin_that_was_changed() {
    let world = world();
    let file = "home/.claude/settings.json";
    let own = b"{\n  \"name\": \"caf\xe9\" // \xff\n}\n";
    world.write(file, own);
    done(&world, &["claude", "opencode"]);
    let after = bytes(&world, file).unwrap();
    assert!(after.starts_with(b"{\n  \"name\": \"caf\xe9\", // \xff\n  \"hooks\": {"));
    let plugin = "home/.config/opencode/plugins/guard.js";
    world.write(plugin, world.read(plugin) + "// mine\n");
    refused(
        &world,
        &["--undo"],
        "guard's file was changed since; it was left as it is",
    );
    assert_eq!(bytes(&world, file).unwrap(), own);
    assert!(world.read(plugin).ends_with("// mine\n"));
    // A home that cannot be written down.
    let home = std::ffi::OsStr::from_bytes(b"h\xff");
    let home = world.path("home").join(home);
    std::fs::create_dir_all(home.join(".claude")).unwrap();
    let outcome = world
        .guard(&["setup", "claude"])
        .variable("HOME", &home)
        .run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    outcome.says("cannot be written down, so nothing was");
    assert!(!home.join(".claude/settings.json").exists());
}

#[test]
fn uninstalling_undoes_it_first() {
    let world = world();
    world.write("home/.bashrc", "export A=1");
    done(&world, &["claude", "shell", "--shell", "bash,fish"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh");
    let prefix = world.path("prefix");
    let uninstall = || {
        world
            .command(&[script, "--uninstall", "--prefix", prefix.to_str().unwrap()])
            .run()
    };
    let block = world.read("home/.bashrc");
    world.write("home/.bashrc", block.replace("unset", "unset -v"));
    let outcome = uninstall();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    outcome.says("so nothing was removed");
    assert!(world.exists("prefix/bin/guard"));
    world.write("home/.bashrc", "export A=1");
    let outcome = uninstall();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(!world.exists("prefix/bin/guard") && !world.exists("state/setup"));
    for file in [
        "home/.claude/settings.json",
        "home/.config/fish",
        "home/.profile",
    ] {
        assert!(!world.exists(file), "{file}");
    }
}

/// The PATH that Debian's /etc/profile, macOS's /etc/zprofile and version managers leave behind.
const RESET: &str = "export PATH=/usr/local/bin:/usr/bin:/bin\n";

#[test]
fn shells_find_the_shims_whatever_resets_path() {
    let world = World::new();
    for file in [
        ".bashrc",
        ".zshenv",
        ".zprofile",
        ".zshrc",
        ".profile",
        ".zlogin",
    ] {
        world.write(&format!("home/{file}"), RESET);
    }
    world.write(
        "home/.config/fish/config.fish",
        "set -gx PATH /usr/local/bin /usr/bin /bin\n",
    );
    done(&world, &["shell"]);
    let shim = world.shims().join("rm");
    for line in [
        "bash -lc",
        "bash -ic",
        "bash -lic",
        "sh -lc",
        "dash -lc",
        "zsh -c",
        "zsh -lc",
        "zsh -ic",
        "zsh -lic",
        "fish -c",
        "fish -lc",
        "fish -ic",
    ] {
        let (shell, flags) = line.split_once(' ').unwrap();
        if !has(shell) {
            continue;
        }
        let paths = [
            "/usr/bin:/bin".to_owned(),
            format!("/usr/bin:{0}:/bin:{0}", world.shims().display()),
        ];
        for path in paths {
            let outcome = Command::new(shell)
                .args([flags, "command -v rm; echo $PATH"])
                .env_clear()
                .env("HOME", world.path("home"))
                .env("PATH", &path)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&outcome.stdout).into_owned();
            assert!(
                said.starts_with(&format!("{}\n", shim.display())),
                "{line}: {said}{}",
                String::from_utf8_lossy(&outcome.stderr)
            );
            let times = said.matches("guard/shims").count();
            assert_eq!(times, 2, "{line}: {said}");
        }
    }
    done(&world, &["--undo", "shell", "--shell", "fish"]);
    assert!(!world.exists("home/.config/fish/conf.d"));
    assert!(world.read("home/.zshrc").contains("guard"));
    done(&world, &["--undo", "shell"]);
    for file in [
        ".bashrc",
        ".zshenv",
        ".zprofile",
        ".zshrc",
        ".profile",
        ".zlogin",
    ] {
        assert_eq!(world.read(&format!("home/{file}")), RESET);
    }
}

#[test]
fn a_later_change_of_path_in_fish_does_not_hide_the_shims() {
    let world = World::new();
    if !has("fish") {
        return;
    }
    done(&world, &["shell", "--shell", "fish"]);
    let outcome = Command::new("fish")
        .args([
            "-c",
            "set -gx PATH /usr/bin /bin; set -p PATH /opt; command -v rm",
        ])
        .env_clear()
        .env("HOME", world.path("home"))
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&outcome.stdout);
    assert_eq!(said.trim(), world.shims().join("rm").to_str().unwrap());
}

#[test]
fn the_block_keeps_path_as_it_is_otherwise() {
    let shims = std::env::temp_dir();
    let shims = shims.to_str().unwrap();
    let block = guard_agents::setup::shell::block(shims);
    for shell in ["sh", "bash", "zsh"] {
        if !has(shell) {
            continue;
        }
        for (before, after) in [
            ("/a:/b", format!("{shims}:/a:/b")),
            ("", shims.to_owned()),
            ("/a::/b:", format!("{shims}:/a::/b:")),
            (":/a", format!("{shims}::/a")),
            (&format!("{shims}:/a"), format!("{shims}:/a")),
            (
                &format!("/a:{shims}:{shims}:/b:{shims}"),
                format!("{shims}:/a:/b"),
            ),
            (&format!("{shims}x:/a b"), format!("{shims}:{shims}x:/a b")),
        ] {
            let script = format!("set -eu\nPATH='{before}'\n{block}printf %s \"$PATH\"");
            let outcome = Command::new(shell).args(["-c", &script]).output().unwrap();
            let said = String::from_utf8_lossy(&outcome.stdout).into_owned();
            assert_eq!(said, after, "{shell}: {before}: {outcome:?}");
        }
    }
}

/// A value as somebody might keep it: the gaps hold what the choices say.
fn written(value: &Value, choices: &mut impl Iterator<Item = u8>, text: &mut String) {
    let gap = |choices: &mut dyn Iterator<Item = u8>, text: &mut String| {
        text.push_str(match choices.next().unwrap_or(0) % 12 {
            0 => " ",
            1 => "\n  ",
            2 => "\r\n\t",
            3 => " // a \"note\", {\n",
            4 => "/* ] */",
            5 => "\n\n",
            _ => "",
        });
    };
    gap(choices, text);
    let (open, close, items): (_, _, Vec<(Option<&String>, &Value)>) = match value {
        Value::Object(map) => (
            '{',
            '}',
            map.iter().map(|(key, value)| (Some(key), value)).collect(),
        ),
        Value::Array(list) => ('[', ']', list.iter().map(|value| (None, value)).collect()),
        other => {
            text.push_str(&other.to_string());
            gap(choices, text);
            return;
        }
    };
    text.push(open);
    gap(choices, text);
    let count = items.len();
    for (index, (key, value)) in items.into_iter().enumerate() {
        if let Some(key) = key {
            text.push_str(&Value::from(key.as_str()).to_string());
            gap(choices, text);
            text.push(':');
        }
        written(value, choices, text);
        if index + 1 < count || choices.next().unwrap_or(0).is_multiple_of(4) {
            text.push(',');
            gap(choices, text);
        }
    }
    text.push(close);
    gap(choices, text);
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z\"\\\\/é\n]{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z\"/]{0,4}", inner), 0..4)
                .prop_map(|items| Value::Object(items.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_entry_is_added_and_nothing_else(
        others in prop::collection::vec(("[a-gi-z]{1,4}", values()), 0..4),
        hooks in prop::option::of(prop::collection::vec(("[a-z]{1,4}", values()), 0..3)),
        list in prop::option::of(prop::collection::vec(values(), 0..3)),
        place in 0_usize..4,
        choices in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut items = others;
        if let Some(hooks) = hooks {
            let mut map: serde_json::Map<String, Value> = hooks.into_iter().collect();
            if let Some(list) = list {
                map.insert("Event".to_owned(), list.into());
            }
            items.insert(place.min(items.len()), ("hooks".to_owned(), map.into()));
        }
        let value = Value::Object(items.into_iter().collect());
        let mut text = String::new();
        written(&value, &mut choices.into_iter(), &mut text);
        let read = |text: &[u8]| jsonc::read(text).unwrap().unwrap().value();
        prop_assert_eq!(&read(text.as_bytes()), &value, "{}", text);

        let entry = json!({"matcher": "Bash", "hooks": [{"command": "guard"}]});
        let path = ["hooks", "Event"];
        let inserted = jsonc::append(text.as_bytes(), &path, &entry).unwrap();
        let shown = String::from_utf8(inserted.text.clone()).unwrap();
        let mut expected = value.clone();
        let event = &mut expected["hooks"]["Event"];
        if event.is_null() {
            *event = json!([]);
        }
        event.as_array_mut().unwrap().push(entry.clone());
        prop_assert_eq!(read(&inserted.text), expected, "{}", shown);

        let left = jsonc::remove(&inserted.text, &path, &entry, inserted.found)
            .unwrap()
            .unwrap();
        let shown = String::from_utf8(left.clone()).unwrap();
        prop_assert_eq!(read(&left), value, "{}", shown);
    }

    #[test]
    fn nothing_makes_the_reader_fall(text in prop::collection::vec(
        prop_oneof![prop::sample::select(b"{}[]\",:/*\\ \n1te".to_vec()), any::<u8>()], 0..60)) {
        let entry = json!(1);
        if let Ok(inserted) = jsonc::append(&text, &["hooks", "Event"], &entry) {
            prop_assert!(jsonc::read(&inserted.text).is_ok(), "{:?}", inserted);
        }
        let _ = jsonc::remove(&text, &["hooks", "Event"], &entry, 0);
    }
}
