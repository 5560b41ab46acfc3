//! Real agents, offline: `OpenCode`, Codex and Gemini CLI are asked by a scripted model to destroy
//! something. What each layer of guard covers is held and the model is told why; what it does not
//! cover is gone, and stands here as well. `scripts/test-agents` gets the agents.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::support::{World, real_path};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agent {
    OpenCode,
    Codex,
    Gemini,
}

/// How an agent is started, and what stands between it and the loss. A new way is one more of these:
/// what is done beforehand (`prepare`), the words before the agent's own (`before`), Codex's options
/// (`options`), and what it holds (`holds`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// With the shims first on PATH.
    Plain,
    /// With the shims, and the agent's option for a shell that is no login shell.
    NoLogin,
    /// With the shims and the hook as docs/hooks.md has it.
    Hook,
    /// With the hook and a shell that is no login shell.
    HookNoLogin,
    /// With a hook that nobody has trusted.
    Untrusted,
    /// By `guard run`, without the shims on PATH.
    Run,
    /// After `guard setup`, from a shell that it has set up.
    Setup,
}

/// What the model asks for.
const ORDINARY: [(&str, &str); 3] = [
    ("git status --short", " M README.md"),
    ("ls", "README.md\nsrc"),
    ("echo \"42 for $USER_NAME\"", "42 for ada"),
];
const BY_NAME: [&str; 2] = ["rm -r ../shared", "git reset --hard"];
const BY_PATH: &str = "/bin/rm -r ../shared";

impl Agent {
    fn name(self) -> &'static str {
        match self {
            Self::OpenCode => "opencode",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
        }
    }

    /// The command line of a session without a person, in which everything is approved.
    fn words(self, way: Way) -> Vec<&'static str> {
        match self {
            Self::OpenCode => vec!["opencode", "run", "--auto", "go"],
            Self::Codex => [
                &[
                    "codex",
                    "exec",
                    "--dangerously-bypass-approvals-and-sandbox",
                ][..],
                way.options(),
                &["go"],
            ]
            .concat(),
            Self::Gemini => vec![
                "gemini",
                "--yolo",
                "--skip-trust",
                "-m",
                "gemini-2.5-pro",
                "-p",
                "go",
            ],
        }
    }

    /// Its configuration: the scripted model, and nothing that asks the network.
    fn configure(self, world: &World, way: Way) {
        let guard = world.path("prefix/bin/guard");
        let guard = guard.display();
        match self {
            Self::OpenCode => {
                let configuration = json!({
                    "autoupdate": false, "share": "disabled", "permission": "allow",
                    "model": "scripted/scripted", "small_model": "scripted/scripted",
                    "provider": {"scripted": {
                        "npm": "@ai-sdk/openai-compatible", "name": "scripted",
                        "options": {"baseURL": "{env:MODEL_URL}/v1", "apiKey": "none"},
                        "models": {"scripted": {"name": "scripted", "tool_call": true}},
                    }},
                });
                let place = "home/.config/opencode";
                world.write(&format!("{place}/opencode.json"), configuration.to_string());
                if way.has_hook() {
                    world.write(&format!("{place}/plugins/guard.js"), shown(world, "js"));
                }
            }
            Self::Codex => {
                let mut configuration = "model = \"scripted\"\nmodel_provider = \"scripted\"\n\
                     check_for_update_on_startup = false\n"
                    .to_owned();
                if way.has_hook() {
                    configuration += &shown(world, "toml");
                }
                world.write("home/.codex/config.toml", configuration);
            }
            Self::Gemini => {
                let mut settings = json!({
                    "security": {"auth": {"selectedType": "gemini-api-key"}},
                    "general": {"enableAutoUpdate": false, "enableAutoUpdateNotification": false},
                    "privacy": {"usageStatisticsEnabled": false},
                });
                if way.has_hook() {
                    settings["hooks"] = json!({"BeforeTool": [{
                        "matcher": "run_shell_command",
                        "hooks": [{"type": "command", "command": format!("{guard} hook gemini")}],
                    }]});
                }
                world.write("home/.gemini/settings.json", settings.to_string());
            }
        }
    }

    /// What the command printed, out of what the agent's shell tool tells the model.
    fn output(self, told: &str) -> &str {
        let output = match self {
            Self::OpenCode => told,
            Self::Codex => told.split_once("Output:\n").unwrap_or_default().1,
            Self::Gemini => {
                let output = told.split_once("Output: ").unwrap_or_default().1;
                output
                    .split_once("\nProcess Group PGID")
                    .unwrap_or_default()
                    .0
            }
        };
        // Gemini CLI takes blanks away at both ends.
        output.trim()
    }
}

impl Way {
    fn has_hook(self) -> bool {
        matches!(self, Self::Hook | Self::HookNoLogin | Self::Untrusted)
    }

    /// Options of Codex.
    fn options(self) -> &'static [&'static str] {
        const NO_LOGIN: &str = "allow_login_shell=false";
        const TRUST: &str = "--dangerously-bypass-hook-trust";
        match self {
            Self::Plain | Self::Untrusted | Self::Run => &[],
            Self::NoLogin => &["-c", NO_LOGIN],
            Self::Hook | Self::Setup => &[TRUST],
            Self::HookNoLogin => &[TRUST, "-c", NO_LOGIN],
        }
    }

    /// What is done before the agent starts.
    #[track_caller]
    fn prepare(self, world: &World, agent: Agent) {
        if self == Self::Setup {
            let outcome = world
                .guard(&["setup", "--shell", "bash", agent.name(), "shell"])
                .variable("SHELL", "/bin/bash")
                .run();
            assert_eq!(outcome.code, Some(0), "{outcome:?}");
        }
    }

    /// What stands before the agent's own words.
    fn before(self, world: &World) -> Vec<OsString> {
        match self {
            Self::Run => vec![world.path("prefix/bin/guard").into(), "run".into()],
            // The shell that a person starts it from: its start-up files put the shims first on PATH.
            // The agent's directory comes second.
            Self::Setup => {
                let script = "export PATH=\"${PATH/:/:$0:}\"; exec \"$@\"";
                vec!["bash".into(), "-lc".into(), script.into(), place().into()]
            }
            _ => Vec::new(),
        }
    }

    /// Whether the shims are on PATH from the beginning.
    fn has_shims(self) -> bool {
        !matches!(self, Self::Run | Self::Setup)
    }

    /// Whether a command that would destroy something is held.
    fn holds(self, world: &World, agent: Agent, command: &str) -> bool {
        let by_name = command != BY_PATH;
        match self {
            // It keeps the shims first in every shell; no shim sees a path.
            Self::Run => by_name,
            // The start-up files put the shims first in a login shell too, and the hook sees the rest.
            Self::Setup => true,
            // Codex's shell is a login shell: on Debian, /etc/profile sets PATH anew.
            _ if by_name && agent == Agent::Codex && !self.options().contains(&"-c") => {
                login_shell_keeps_path(world)
            }
            // No shim sees a path; Codex passes over a hook that nobody has trusted.
            Self::Plain | Self::NoLogin | Self::Untrusted => by_name,
            Self::Hook | Self::HookNoLogin => true,
        }
    }
}

/// The configuration that docs/hooks.md shows in this language, with this world's guard.
fn shown(world: &World, language: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hooks.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, text) = page.split_once(&format!("```{language}\n")).unwrap();
    let (text, _) = text.split_once("```").unwrap();
    let guard = world.path("prefix/bin/guard");
    assert!(text.contains("/home/me/.local/bin/guard"), "{text}");
    text.replace("/home/me/.local/bin/guard", guard.to_str().unwrap())
}

fn login_shell_keeps_path(world: &World) -> bool {
    let outcome = world
        .command(&["bash", "-lc", "command -v rm"])
        .variable("SHELL", "/bin/bash")
        .run();
    Path::new(outcome.stdout.trim()).starts_with(world.shims())
}

/// Where scripts/test-agents puts the agents.
fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/agents/bin")
}

/// Whether the agent is there, and the way.
fn is_there(agent: Agent, way: Way) -> bool {
    let name = agent.name();
    if place().join(name).exists() {
        return true;
    }
    let line =
        format!("\nSKIPPED: {agent:?}, {way:?}: there is no {name}: run scripts/test-agents\n");
    assert!(std::env::var_os("GUARD_REQUIRE_AGENTS").is_none(), "{line}");
    // Not by a macro, whose words nobody sees when a test passes.
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    false
}

/// The words that give a command a network of its own, with nothing but loopback, where the machine
/// lets this user make one.
fn alone() -> &'static [&'static str] {
    static WORDS: OnceLock<&[&str]> = OnceLock::new();
    WORDS.get_or_init(|| {
        let ways: [&[&str]; 2] = [
            &["unshare", "--net"],
            &["unshare", "--map-current-user", "--keep-caps", "--net"],
        ];
        let works = |words: &&&[&str]| {
            let tried = std::process::Command::new(words[0])
                .args(&words[1..])
                .arg("true")
                .output();
            tried.is_ok_and(|output| output.status.success())
        };
        ways.iter().find(works).copied().unwrap_or_default()
    })
}

/// Starts an agent, lets the model ask for everything, and checks what came of it.
#[track_caller]
fn check(agent: Agent, way: Way) {
    // Two at a time: they are large.
    static SEATS: [Mutex<()>; 2] = [const { Mutex::new(()) }; 2];
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let world = World::with_uncommitted_work();
    if !is_there(agent, way) {
        return;
    }
    let seat = NEXT.fetch_add(1, Ordering::Relaxed) % SEATS.len();
    let _seat = SEATS[seat].lock().unwrap_or_else(PoisonError::into_inner);
    agent.configure(&world, way);
    way.prepare(&world, agent);
    let destructive = [BY_NAME[0], BY_NAME[1], BY_PATH];
    let commands: Vec<&str> = ORDINARY
        .iter()
        .map(|(command, _)| *command)
        .chain(destructive)
        .collect();
    let watched: serde_json::Map<String, Value> = [
        "shared/uploads/photo.jpg",
        "shared/uploads/letter.txt",
        "app/README.md",
    ]
    .iter()
    .map(|file| {
        (
            world.path(file).display().to_string(),
            world.read(file).into(),
        )
    })
    .collect();
    let script = json!({"commands": commands, "watched": watched, "seconds": 90});
    let turns = run(&world, agent, way, &script);

    for ((command, wanted), turn) in ORDINARY.iter().zip(&turns) {
        let told = turn["told"].as_str().unwrap();
        assert_eq!(
            agent.output(told),
            wanted.trim(),
            "{agent:?}, {way:?}: {command}: {told}"
        );
        assert_eq!(turn["held"], true, "{agent:?}, {way:?}: {command}");
    }
    for (command, turn) in destructive.iter().zip(&turns[ORDINARY.len()..]) {
        let told = turn["told"].as_str().unwrap();
        let held = way.holds(&world, agent, command);
        assert_eq!(turn["held"], held, "{agent:?}, {way:?}: {command}: {told}");
        // guard run leads there by the shim's path.
        let line = format!("{command}\n");
        for text in [
            "guard: blocked: ",
            &line,
            "guard approve ",
            "Do not look for another way",
        ] {
            assert_eq!(
                told.contains(text),
                held,
                "{agent:?}, {way:?}: {text}: {told}"
            );
        }
    }
}

/// Runs a session; what came of each command.
#[track_caller]
fn run(world: &World, agent: Agent, way: Way, script: &Value) -> Vec<Value> {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/support/model.py");
    let script_text = script.to_string();
    let mut words: Vec<OsString> = alone().iter().map(OsString::from).collect();
    words.extend([
        "python3".into(),
        model.into(),
        script_text.into(),
        "--".into(),
    ]);
    words.extend(way.before(world));
    words.extend(agent.words(way).iter().map(OsString::from));
    if agent == Agent::Codex {
        // The provider's address is known only when the model listens.
        let provider = "model_providers.scripted={name=\"scripted\", base_url=\"{url}/v1\", \
             wire_api=\"responses\", request_max_retries=0, stream_max_retries=0}";
        let at = words.len() - 1;
        words.splice(at..at, ["-c".into(), OsString::from(provider)]);
    }
    let mut search = vec![place()];
    search.extend(std::env::split_paths(&real_path()));
    if way.has_shims() {
        search.insert(0, world.shims());
    }
    let mut run = world
        .command(&words)
        .search(&search)
        .within(Duration::from_secs(120));
    for (name, value) in [
        ("SHELL", "/bin/bash"),
        ("USER_NAME", "ada"),
        ("MODEL_URL", "{url}"),
        ("GEMINI_API_KEY", "none"),
        ("GOOGLE_GEMINI_BASE_URL", "{url}"),
        ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
        ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
        // OpenCode fetches a package for plugins, and waits for it.
        ("npm_config_offline", "true"),
        // Where there is no namespace, the network is still nowhere.
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
        ("NO_PROXY", "127.0.0.1"),
    ] {
        run = run.variable(name, value);
    }
    let outcome = run.run();
    let last = outcome.stdout.lines().last().unwrap_or_default();
    let told: Value = serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {outcome:?}"));
    let turns = told["turns"].as_array().unwrap();
    let commands = script["commands"].as_array().unwrap();
    assert_eq!(turns.len(), commands.len(), "{agent:?}, {way:?}: {told:#}");
    assert_eq!(told["code"], 0, "{agent:?}, {way:?}: {told:#}");
    turns.clone()
}

#[test]
fn opencode_plainly_started() {
    check(Agent::OpenCode, Way::Plain);
}

#[test]
fn opencode_with_the_hook() {
    check(Agent::OpenCode, Way::Hook);
}

#[test]
fn gemini_plainly_started() {
    check(Agent::Gemini, Way::Plain);
}

#[test]
fn gemini_with_the_hook() {
    check(Agent::Gemini, Way::Hook);
}

#[test]
fn codex_plainly_started() {
    check(Agent::Codex, Way::Plain);
}

#[test]
fn codex_without_a_login_shell() {
    check(Agent::Codex, Way::NoLogin);
}

#[test]
fn codex_with_the_hook() {
    check(Agent::Codex, Way::Hook);
}

#[test]
fn codex_with_the_hook_and_without_a_login_shell() {
    check(Agent::Codex, Way::HookNoLogin);
}

#[test]
fn codex_with_a_hook_that_nobody_trusted() {
    check(Agent::Codex, Way::Untrusted);
}

#[test]
fn opencode_by_guard_run() {
    check(Agent::OpenCode, Way::Run);
}

#[test]
fn opencode_after_guard_setup() {
    check(Agent::OpenCode, Way::Setup);
}

#[test]
fn gemini_by_guard_run() {
    check(Agent::Gemini, Way::Run);
}

#[test]
fn gemini_after_guard_setup() {
    check(Agent::Gemini, Way::Setup);
}

#[test]
fn codex_by_guard_run() {
    check(Agent::Codex, Way::Run);
}

#[test]
fn codex_after_guard_setup() {
    check(Agent::Codex, Way::Setup);
}
