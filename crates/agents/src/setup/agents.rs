//! The agents' own configuration: where each keeps its hooks, and what guard's entry looks like.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::entry::{HookOutcome, is_hook, is_ours};
use super::files::FileNow;
use super::manifest::Trace;
use super::shell::contains;
use super::{Surroundings, codex, jsonc};
use crate::hook::Host;
use guard_ground::sanitize;

/// An agent that `guard setup` knows.
#[derive(Clone, Copy, Debug)]
pub struct KnownAgent {
    /// Its name on the command line, the same as for `guard hook`.
    pub word: &'static str,
    /// The agent.
    pub host: Host,
    /// Its programs.
    programs: &'static [&'static str],
}

/// All agents with a hook.
pub const AGENTS: [KnownAgent; 7] = [
    agent("claude", Host::Claude, &["claude"]),
    agent("codex", Host::Codex, &["codex"]),
    agent("gemini", Host::Gemini, &["gemini"]),
    agent("qwen", Host::Qwen, &["qwen"]),
    agent("copilot", Host::Copilot, &["copilot"]),
    agent("cursor", Host::Cursor, &["cursor-agent", "cursor"]),
    agent("opencode", Host::OpenCode, &["opencode"]),
];

/// Agents that ask nobody before they run a command.
pub const WITHOUT_HOOK: [(&str, &str); 3] =
    [("goose", "Goose"), ("aider", "Aider"), ("cline", "Cline")];

const fn agent(word: &'static str, host: Host, programs: &'static [&'static str]) -> KnownAgent {
    KnownAgent {
        word,
        host,
        programs,
    }
}

impl KnownAgent {
    /// The agent of that name.
    pub fn named(word: &str) -> Option<Self> {
        AGENTS.into_iter().find(|agent| agent.word == word)
    }

    /// The directory of its configuration.
    pub fn directory(self, around: &Surroundings) -> PathBuf {
        let own = |variable: &str, usual: &str| {
            around
                .directory(variable)
                .unwrap_or_else(|| around.home.join(usual))
        };
        match self.host {
            Host::Claude => own("CLAUDE_CONFIG_DIR", ".claude"),
            Host::Codex => own("CODEX_HOME", ".codex"),
            Host::Gemini => around.home.join(".gemini"),
            Host::Qwen => around.home.join(".qwen"),
            Host::Copilot => own("COPILOT_HOME", ".copilot"),
            Host::Cursor => around.home.join(".cursor"),
            Host::OpenCode => around.config().join("opencode"),
        }
    }

    /// The file that the hook is written to.
    pub fn file(self, around: &Surroundings) -> PathBuf {
        self.directory(around).join(match self.host {
            Host::Claude | Host::Gemini | Host::Qwen => "settings.json",
            Host::Codex => "config.toml",
            Host::Copilot => "hooks/guard.json",
            Host::Cursor => "hooks.json",
            Host::OpenCode => "plugins/guard.js",
        })
    }

    /// What says that it is installed.
    pub fn found(self, around: &Surroundings) -> Option<PathBuf> {
        let search = around.path.as_deref().unwrap_or_default();
        std::env::split_paths(search)
            .flat_map(|directory| {
                self.programs
                    .iter()
                    .map(move |program| directory.join(program))
            })
            .find(|program| program.is_absolute() && program.is_file())
            .or_else(|| Some(self.directory(around)).filter(|directory| directory.is_dir()))
    }

    /// Why it counts as not installed.
    pub fn missing(self, around: &Surroundings) -> String {
        format!(
            "{} is not installed here: there is neither {} on PATH nor {}",
            self.host.name(),
            self.programs.join(" nor "),
            sanitize::path(&self.directory(around))
        )
    }

    /// The command that the agent runs.
    pub fn command(self, binary: &str) -> String {
        let quoted = shlex::try_quote(binary).unwrap_or_else(|_| binary.into());
        format!("{quoted} hook {}", self.word)
    }

    /// Where in the JSON file the entry stands.
    fn keys(self) -> &'static [&'static str] {
        match self.host {
            Host::Gemini => &["hooks", "BeforeTool"],
            Host::Copilot => &["hooks", "preToolUse"],
            Host::Cursor => &["hooks", "beforeShellExecution"],
            _ => &["hooks", "PreToolUse"],
        }
    }

    fn entry(self, command: &str) -> Value {
        let matcher = match self.host {
            Host::Copilot => return json!({"type": "command", "bash": command}),
            Host::Cursor => return json!({"command": command}),
            Host::Claude => "Bash",
            _ => "run_shell_command",
        };
        json!({"matcher": matcher, "hooks": [{"type": "command", "command": command}]})
    }

    /// Puts the hook into the text of a file.
    pub fn add(
        self,
        path: &Path,
        look: &FileNow,
        binary: &str,
        notes: &mut Vec<String>,
    ) -> Result<HookOutcome, String> {
        let before = look.before.as_deref().unwrap_or_default();
        let command = self.command(binary);
        let shown = sanitize::path(path);
        match self.host {
            Host::OpenCode => {
                let text = plugin(binary);
                match &look.before {
                    // Also the plugin that somebody copied from docs/hooks.md.
                    Some(before) if calls(before, binary) => Ok(HookOutcome::Done),
                    Some(before) if !before.trim_ascii().is_empty() => Err(format!(
                        "{shown} is there and is not what guard writes; move it away, then run this again"
                    )),
                    _ => Ok(HookOutcome::Change(text.into_bytes(), Trace::Whole)),
                }
            }
            Host::Codex => codex::add(&shown, before, &command, notes),
            _ => self.add_json(&shown, before, &command),
        }
    }

    fn add_json(self, shown: &str, before: &[u8], command: &str) -> Result<HookOutcome, String> {
        let keys = self.keys();
        let failed = |fault: jsonc::JsoncFault| {
            format!(
                "{shown}:{}: {}; nothing was written",
                fault.line, fault.what
            )
        };
        let root = jsonc::read(before).map_err(failed)?;
        if let Some(there) = root
            .as_ref()
            .and_then(|root| root.at(keys))
            .and_then(|list| self.command_in(&list.value()))
        {
            return is_ours(shown, &there, command);
        }
        let entry = self.entry(command);
        let mut after = before.to_vec();
        if matches!(self.host, Host::Copilot | Host::Cursor) {
            after = jsonc::member(&after, "version", &json!(1)).map_err(failed)?;
        }
        let inserted = jsonc::append(&after, keys, &entry).map_err(failed)?;
        // What is written must read as the old value and the entry, and nothing else.
        let mut expected = root.map_or_else(|| json!({}), |root| root.value());
        if matches!(self.host, Host::Copilot | Host::Cursor) {
            let version = expected.as_object_mut();
            version.map(|map| map.entry("version").or_insert(json!(1)));
        }
        push(&mut expected, keys, &entry);
        let is_right = jsonc::read(&inserted.text)
            .ok()
            .flatten()
            .is_some_and(|root| root.value() == expected);
        if !is_right {
            return Err(format!(
                "{shown}: guard does not know where to put its hook in this file; see docs/hooks.md"
            ));
        }
        let trace = Trace::Json {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            entry,
            found: inserted.found,
        };
        Ok(HookOutcome::Change(inserted.text, trace))
    }

    /// The command of guard's hook somewhere in a value.
    pub(super) fn command_in(self, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => is_hook(text, self.word).then(|| text.clone()),
            Value::Array(list) => list.iter().find_map(|value| self.command_in(value)),
            Value::Object(map) => map.values().find_map(|value| self.command_in(value)),
            _ => None,
        }
    }

    /// The command of guard's hook in a file, by whomever it was written.
    pub fn installed(self, text: &[u8]) -> Result<Option<String>, String> {
        match self.host {
            Host::OpenCode => {
                Ok(contains(text, b"[\"hook\", \"opencode\"]").then(|| "the plugin".to_owned()))
            }
            Host::Codex => codex::installed(text),
            _ => jsonc::read(text)
                .map(|root| self.command_in(&root?.at(self.keys())?.value()))
                .map_err(|fault| format!("line {}: {}", fault.line, fault.what)),
        }
    }
}

fn push(value: &mut Value, keys: &[&str], entry: &Value) {
    let Some(map) = value.as_object_mut() else {
        return;
    };
    match keys.split_first() {
        Some((key, [])) => {
            if let Some(list) = map.entry(*key).or_insert_with(|| json!([])).as_array_mut() {
                list.push(entry.clone());
            }
        }
        Some((key, rest)) => push(map.entry(*key).or_insert_with(|| json!({})), rest, entry),
        None => {}
    }
}

/// Whether a plugin calls this guard.
pub(super) fn calls(plugin: &[u8], binary: &str) -> bool {
    let call = format!("{}, [\"hook\", \"opencode\"]", Value::from(binary));
    contains(plugin, call.as_bytes())
}

/// The plugin for `OpenCode`, as docs/hooks.md has it.
fn plugin(binary: &str) -> String {
    format!(
        r#"// Written by guard setup opencode; guard setup --undo opencode removes it.
import {{ spawnSync }} from "node:child_process"

export const Guard = async ({{ directory }}) => ({{
  "tool.execute.before": async (input, output) => {{
    const asked = JSON.stringify({{ tool: input.tool, args: output.args, cwd: directory }})
    const told = spawnSync({}, ["hook", "opencode"], {{ input: asked }})
    let answer
    try {{
      answer = JSON.parse(told.stdout)
    }} catch {{
      throw new Error("guard's hook did not answer, so nothing was run")
    }}
    if (answer.decision === "deny") throw new Error(answer.reason)
  }},
}})
"#,
        Value::from(binary)
    )
}
