//! Which agent runs this command, if any: by its variables and by its name among the ancestors.
//!
//! Any agent can unset its variables, so they raise protection and label; they never lower it.

use guard_ground::path::base_name;
use guard_ground::process::stat_of;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::record::{self, Record};

/// Variables that agents set for the commands they run, with the agent's name.
const VARIABLES: [(&str, &str); 24] = [
    ("CLAUDECODE", "Claude Code"),
    ("CLAUDE_CODE_ENTRYPOINT", "Claude Code"),
    ("CODEX_CI", "Codex"),
    ("CODEX_THREAD_ID", "Codex"),
    ("CODEX_SESSION_ID", "Codex"),
    ("CODEX_SANDBOX", "Codex"),
    ("GEMINI_CLI", "Gemini CLI"),
    ("QWEN_CODE", "Qwen Code"),
    ("OPENCODE", "OpenCode"),
    ("COPILOT_CLI", "Copilot CLI"),
    ("COPILOT_AGENT_SESSION_ID", "Copilot CLI"),
    ("CURSOR_AGENT", "Cursor"),
    ("CURSOR_CONVERSATION_ID", "Cursor"),
    ("GOOSE_TERMINAL", "Goose"),
    ("CLINE_ACTIVE", "Cline"),
    ("CRUSH", "Crush"),
    ("ROO_ACTIVE", "Roo Code"),
    ("AUGMENT_AGENT", "Auggie"),
    ("OR_APP_NAME", "Aider"),
    ("AGENT_SESSION_ID", "an agent"),
    ("AI_AGENT", "an agent"),
    ("AGENT", "an agent"),
    ("KIRO_AGENT", "Kiro"),
    ("AMP_CURRENT_THREAD_ID", "Amp"),
];

/// Program names of agents. Compared with a process's own name, with the name of its program, and,
/// for interpreters, with the script that it runs.
const PROGRAMS: [(&str, &str); 24] = [
    ("claude", "Claude Code"),
    ("claude-code", "Claude Code"),
    ("codex", "Codex"),
    ("gemini", "Gemini CLI"),
    ("gemini-cli", "Gemini CLI"),
    ("qwen", "Qwen Code"),
    ("qwen-code", "Qwen Code"),
    ("opencode", "OpenCode"),
    ("copilot", "Copilot CLI"),
    ("cursor-agent", "Cursor"),
    ("goose", "Goose"),
    ("goosed", "Goose"),
    ("aider", "Aider"),
    ("cline", "Cline"),
    ("amp", "Amp"),
    ("crush", "Crush"),
    ("auggie", "Auggie"),
    ("openhands", "OpenHands"),
    ("droid", "Droid"),
    ("kiro-cli", "Kiro"),
    ("roo", "Roo Code"),
    ("devin", "Devin"),
    ("plandex", "Plandex"),
    ("mini-swe-agent", "mini-SWE-agent"),
];

/// Programs that run others' programs: the script they run names the agent.
pub const INTERPRETERS: [&str; 9] = [
    "node", "bun", "deno", "python", "python3", "sh", "bash", "npx", "uv",
];

/// More ancestors than this are not looked at.
const MAX_ANCESTORS: usize = 64;

/// One process above this one.
#[derive(Clone, Debug)]
pub struct Ancestor {
    /// Its process id.
    pub id: u32,
    /// Its own name (`comm`, proc(5)).
    pub name: String,
    /// The agent that it is, if it is one.
    pub agent: Option<&'static str>,
}

/// An agent above this process.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its name.
    pub name: &'static str,
    /// What says so, for people: `CLAUDECODE is set`, `claude (process 812) stands above`.
    pub evidence: String,
    /// The directory it works in, when a process says so.
    pub directory: Option<PathBuf>,
}

/// The agent that variables point at.
pub fn by_variables() -> Option<(&'static str, &'static str)> {
    VARIABLES.into_iter().find(|(variable, agent)| {
        std::env::var_os(variable).is_some_and(|value| {
            // Aider is known only by the application name it gives to OpenRouter.
            !value.is_empty() && (*agent != "Aider" || value == "Aider")
        })
    })
}

/// The processes above this one, nearest first. Empty where the system does not tell.
pub fn ancestors() -> Vec<Ancestor> {
    let mut found = Vec::new();
    let mut next = parent_of(std::process::id());
    while let Some(id) = next.filter(|id| *id > 1 && found.len() < MAX_ANCESTORS) {
        let Some(stat) = stat_of(id) else {
            break;
        };
        found.push(Ancestor {
            id,
            agent: agent_of(id, &stat.name),
            name: stat.name,
        });
        next = Some(stat.parent);
    }
    found
}

/// The agent above this process: the outermost one that stands among the ancestors, else the run of
/// `guard run` or the agent that variables name. The outermost, because an agent may start others
/// where it likes. What `guard run` started is an agent, whatever program it is, and works where
/// guard wrote down that it does.
pub fn find(ancestors: &[Ancestor]) -> Option<Agent> {
    if let Some(ancestor) = ancestors
        .iter()
        .rev()
        .find(|ancestor| ancestor.agent.is_some())
    {
        let name = ancestor.agent.unwrap_or("an agent");
        if let Some(record) = record::of(ancestor.id) {
            return Some(Agent {
                name,
                evidence: format!(
                    "guard run started {} (process {}) above this command",
                    guard_ground::sanitize::os(&record.program),
                    ancestor.id
                ),
                directory: Some(record.workspace.clone()),
            });
        }
        return Some(Agent {
            name,
            evidence: format!(
                "{} (process {}) stands above this command",
                guard_ground::sanitize::text(&ancestor.name),
                ancestor.id
            ),
            directory: std::fs::read_link(format!("/proc/{}/cwd", ancestor.id)).ok(),
        });
    }
    if let Some(record) = record::by_variable() {
        return Some(Agent {
            name: started_by(record),
            evidence: format!("{} is set", record::VARIABLE),
            directory: Some(record.workspace.clone()),
        });
    }
    by_variables().map(|(variable, name)| Agent {
        name,
        evidence: format!("{variable} is set"),
        directory: None,
    })
}

/// The name of an agent that `guard run` started.
fn started_by(record: &Record) -> &'static str {
    by_program(&record.program.to_string_lossy()).unwrap_or("an agent")
}

fn parent_of(id: u32) -> Option<u32> {
    stat_of(id).map(|stat| stat.parent)
}

/// The agent that a process is: started by `guard run`, or by its name, its program, or the script
/// that it interprets.
pub fn agent_of(id: u32, name: &str) -> Option<&'static str> {
    if let Some(record) = record::of(id) {
        return Some(started_by(record));
    }
    if let Some(agent) = by_program(name) {
        return Some(agent);
    }
    let command = std::fs::read(format!("/proc/{id}/cmdline")).ok()?;
    let mut words = command
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty());
    let program = base_name(OsStr::from_bytes(words.next()?));
    if let Some(agent) = by_program(&program) {
        return Some(agent);
    }
    if !is_interpreter(&program) {
        return None;
    }
    let script = words.find(|word| !word.starts_with(b"-"))?;
    by_program(&base_name(OsStr::from_bytes(script))).or_else(|| by_package(script))
}

/// Whether a program runs others' programs, whatever its version: `python3.11`.
pub fn is_interpreter(program: &str) -> bool {
    INTERPRETERS
        .iter()
        .any(|interpreter| program.strip_prefix(interpreter).is_some_and(is_version))
}

fn is_version(suffix: &str) -> bool {
    suffix
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The agent whose program has this name.
pub fn by_program(name: &str) -> Option<&'static str> {
    let name = [".js", ".mjs", ".cjs", ".py", ".exe"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name);
    PROGRAMS
        .into_iter()
        .find(|(program, _)| *program == name)
        .map(|(_, agent)| agent)
}

/// The agent whose package a script lies in: `…/node_modules/@openai/codex/bin/codex.js`.
fn by_package(script: &[u8]) -> Option<&'static str> {
    let path = Path::new(OsStr::from_bytes(script));
    let mut package = path
        .components()
        .skip_while(|part| part.as_os_str() != "node_modules")
        .skip(1)
        .take(2);
    package.find_map(|part| by_program(&part.as_os_str().to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_packages() {
        for (script, agent) in [
            (
                "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js",
                Some("Claude Code"),
            ),
            (
                "/usr/lib/node_modules/@openai/codex/bin/run.js",
                Some("Codex"),
            ),
            ("/home/me/claude/build.js", None),
            ("/usr/lib/node_modules/npm/bin/npm-cli.js", None),
        ] {
            assert_eq!(by_package(script.as_bytes()), agent, "{script}");
        }
        assert_eq!(by_program("codex.js"), Some("Codex"));
        assert_eq!(by_program("vim"), None);
    }
}
