//! The hooks of agents: each that is set up is asked about a stand-in, in its agent's own words.

use std::ffi::OsString;
use std::path::Path;

use serde_json::{Value, json};

use super::ways::verdict;
use super::{Finding, finding};
use guard_agents::setup::{self, Standing, Status, Surroundings};
use guard_agents::stand_in::{StandIn, StandInFate};
use guard_core::context::Context;
use guard_ground::install::Places;
use guard_ground::{real_tool, sanitize};

/// Asks the hook of every agent that is installed.
pub(super) fn prove(places: &Places, stand_in: &StandIn, context: &Context) -> Vec<Finding> {
    let Some(around) = Surroundings::find() else {
        return Vec::new();
    };
    let binary = places.binary.as_deref().unwrap_or("guard".as_ref());
    setup::agents_status(places, &around)
        .iter()
        .filter(|agent| agent.found.is_some())
        .map(|agent| hook(agent, binary, stand_in, context))
        .collect()
}

fn hook(agent: &Status, binary: &Path, stand_in: &StandIn, context: &Context) -> Finding {
    let mend = format!("{} setup {}", sanitize::path(binary), agent.name);
    let file = sanitize::path(&agent.file);
    match &agent.state {
        Standing::NotSetUp => finding(
            "hook",
            "note",
            format!("{}: no hook of guard's in {file}", agent.label),
            Some(mend),
        ),
        Standing::Other(command) => finding(
            "hook",
            "wrong",
            format!(
                "{}: {file} calls another guard: {}",
                agent.label,
                sanitize::text(command)
            ),
            Some(format!("take it out of {file}, then: {mend}")),
        ),
        Standing::Broken(why) => finding(
            "hook",
            "wrong",
            format!("{}: {}", agent.label, sanitize::text(why)),
            Some(mend),
        ),
        Standing::SetUp => {
            let fate = ask(agent, binary, stand_in, context);
            let trust = match agent.name {
                "codex" => " (Codex passes over it until you have trusted it: /hooks in Codex)",
                _ => "",
            };
            verdict(
                "hook",
                &format!("{}{trust}: the hook in {file}", agent.label),
                fate,
                mend,
            )
        }
    }
}

/// Sends the hook what the agent would send before it runs `/bin/rm` at the stand-in.
fn ask(agent: &Status, binary: &Path, stand_in: &StandIn, context: &Context) -> StandInFate {
    let rm = real_tool::find("rm".as_ref(), context.variable("PATH").as_deref()).map_or_else(
        || "/bin/rm".to_owned(),
        |rm| rm.to_string_lossy().into_owned(),
    );
    let line = stand_in.command(&rm).to_string_lossy().into_owned();
    let asked = payload(agent.name, &line, stand_in.directory());
    let file = stand_in.directory().join("payload");
    if let Err(error) = std::fs::write(&file, asked.to_string()) {
        return StandInFate::Unproven(error.to_string());
    }
    let words: [OsString; 6] = [
        "-c".into(),
        r#"exec "$1" hook "$2" <"$3""#.into(),
        "sh".into(),
        binary.into(),
        agent.name.into(),
        file.into(),
    ];
    match stand_in.hear("/bin/sh".as_ref(), &words, context) {
        Ok(output) => match serde_json::from_slice::<Value>(&output) {
            Ok(answer) if is_denial(&answer) => StandInFate::Held,
            Ok(_) => StandInFate::Gone,
            Err(_) => StandInFate::Unproven("the hook answered no JSON".to_owned()),
        },
        Err(why) => StandInFate::Unproven(why),
    }
}

/// Whether one of the fields by which agents are told no says so.
fn is_denial(answer: &Value) -> bool {
    [
        "/hookSpecificOutput/permissionDecision",
        "/permissionDecision",
        "/permission",
        "/decision",
    ]
    .iter()
    .any(|field| answer.pointer(field).is_some_and(|said| said == "deny"))
}

/// What an agent sends before it runs a command line (docs/hooks.md names the protocols).
fn payload(agent: &str, line: &str, directory: &Path) -> Value {
    let cwd = directory.to_string_lossy();
    match agent {
        "gemini" => json!({
            "session_id": "doctor", "cwd": cwd, "hook_event_name": "BeforeTool",
            "tool_name": "run_shell_command", "tool_input": {"command": line},
        }),
        "qwen" => json!({
            "session_id": "doctor", "cwd": cwd, "hook_event_name": "PreToolUse",
            "tool_name": "run_shell_command", "tool_input": {"command": line},
        }),
        "copilot" => json!({
            "sessionId": "doctor", "timestamp": 1, "cwd": cwd,
            "toolName": "bash", "toolArgs": json!({"command": line}).to_string(),
        }),
        "cursor" => json!({
            "hook_event_name": "beforeShellExecution", "conversation_id": "doctor",
            "workspace_roots": [cwd], "cwd": cwd, "command": line,
        }),
        "opencode" => json!({"tool": "bash", "args": {"command": line}, "cwd": cwd}),
        _ => json!({
            "session_id": "doctor", "cwd": cwd, "hook_event_name": "PreToolUse",
            "tool_name": "Bash", "tool_input": {"command": line},
        }),
    }
}
