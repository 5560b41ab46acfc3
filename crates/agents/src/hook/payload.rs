//! What agents send to a hook: one JSON object on standard input.

use std::io::Read as _;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::Host;

/// Longer input is not read. A command line has at most 2 MiB on Linux (execve(2)), and JSON can
/// double it.
const LIMIT: u64 = 4 << 20;

/// A command that an agent is about to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCall {
    /// What it runs.
    pub line: CommandLine,
    /// Where the agent works.
    pub session: Option<PathBuf>,
    /// Where it runs the command, when it says so: the model chooses it.
    pub directory: Option<PathBuf>,
}

/// A command as the agent hands it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLine {
    /// A string for a shell.
    Text(String),
    /// Words, run without a shell.
    Words(Vec<String>),
}

/// What a payload is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A command.
    Command(HookCall),
    /// Something that runs no command: reading or editing a file, a search.
    Other,
}

/// Reads the payload from standard input.
///
/// # Errors
/// What it is that cannot be read, as the end of a sentence.
pub fn from_input(host: Host) -> Result<Payload, String> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("standard input: {error}"))?;
    if bytes.len() as u64 > LIMIT {
        return Err("it is longer than 4 MiB".to_owned());
    }
    read(host, &bytes)
}

/// Reads a payload.
///
/// # Errors
/// What it is that cannot be read, as the end of a sentence.
pub fn read(host: Host, bytes: &[u8]) -> Result<Payload, String> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| format!("it is not whole JSON ({error})"))?;
    let object = value.as_object().ok_or("it is not a JSON object")?;
    let event = text(object, &["hook_event_name"]);
    let is_event = |event: &str| event == "beforeShellExecution";
    let names_tool = object.contains_key("tool_name");
    if host == Host::Cursor && event.map_or(!names_tool, is_event) {
        return from_cursor(object);
    }
    // It names a server that runs already, and its command line, not a command to run.
    if event == Some("beforeMCPExecution") {
        return Ok(Payload::Other);
    }
    let Some(tool) = text(object, tool_keys(host)) else {
        // Cursor's other events name no tool and start none.
        return match host {
            Host::Cursor => Ok(Payload::Other),
            _ => Err("it names no tool".to_owned()),
        };
    };
    let input = arguments(object, input_keys(host))?;
    let is_shell = shells(host).contains(&tool);
    let Some(command) = input.get("command") else {
        return if is_shell {
            Err("it holds no command".to_owned())
        } else {
            Ok(Payload::Other)
        };
    };
    // Codex hands patches over under the same name.
    if tool == "apply_patch" {
        return Ok(Payload::Other);
    }
    let line = match line(command) {
        Some(line) => line,
        None if !is_shell => return Ok(Payload::Other),
        None => return Err("its command is neither text nor words".to_owned()),
    };
    Ok(Payload::Command(HookCall {
        line: checked(line)?,
        session: path(object, &["cwd"]),
        directory: path(
            &input,
            &["workdir", "working_directory", "dir_path", "directory"],
        ),
    }))
}

/// `{"command": …, "cwd": …, "workspace_roots": [ … ]}`
fn from_cursor(object: &Map<String, Value>) -> Result<Payload, String> {
    let line = object
        .get("command")
        .and_then(line)
        .ok_or("it holds no command")?;
    let root = object
        .get("workspace_roots")
        .and_then(|roots| roots.get(0))
        .and_then(Value::as_str)
        .map(PathBuf::from);
    let directory = path(object, &["cwd"]);
    Ok(Payload::Command(HookCall {
        line: checked(line)?,
        session: root.or_else(|| directory.clone()),
        directory,
    }))
}

fn tool_keys(host: Host) -> &'static [&'static str] {
    match host {
        Host::Copilot => &["toolName", "tool_name"],
        Host::OpenCode => &["tool"],
        _ => &["tool_name"],
    }
}

fn input_keys(host: Host) -> &'static [&'static str] {
    match host {
        Host::Copilot => &["toolArgs", "tool_input"],
        Host::OpenCode => &["args"],
        _ => &["tool_input"],
    }
}

/// The tools that always run a command. Others may, when their input holds one.
fn shells(host: Host) -> &'static [&'static str] {
    match host {
        Host::Claude | Host::Codex => &["Bash"],
        Host::Gemini | Host::Qwen => &["run_shell_command"],
        Host::Copilot | Host::OpenCode => &["bash"],
        Host::Cursor => &["Shell"],
    }
}

fn text<'a>(object: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| object.get(*key)?.as_str())
}

fn path(object: &Map<String, Value>, keys: &[&str]) -> Option<PathBuf> {
    text(object, keys)
        .filter(|path| !path.is_empty() && !path.contains('\0'))
        .map(PathBuf::from)
}

/// A tool's arguments: an object, or (Copilot CLI) a string that holds one.
fn arguments(object: &Map<String, Value>, keys: &[&str]) -> Result<Map<String, Value>, String> {
    match keys.iter().find_map(|key| object.get(*key)) {
        Some(Value::Object(arguments)) => Ok(arguments.clone()),
        Some(Value::String(text)) => serde_json::from_str(text)
            .map_err(|error| format!("the tool's arguments are not whole JSON ({error})")),
        Some(Value::Null) | None => Ok(Map::new()),
        Some(_) => Err("the tool's arguments are not a JSON object".to_owned()),
    }
}

fn line(command: &Value) -> Option<CommandLine> {
    if let Some(text) = command.as_str() {
        return Some(CommandLine::Text(text.to_owned()));
    }
    let words = command.as_array()?.iter();
    let words: Option<Vec<String>> = words
        .map(|word| word.as_str().map(ToOwned::to_owned))
        .collect();
    words.map(CommandLine::Words)
}

/// No program can be given a NUL, and a shell would end or skip at one.
fn checked(line: CommandLine) -> Result<CommandLine, String> {
    let has_nul = match &line {
        CommandLine::Text(text) => text.contains('\0'),
        CommandLine::Words(words) => words.iter().any(|word| word.contains('\0')),
    };
    if has_nul {
        return Err("its command holds a NUL".to_owned());
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTS: [Host; 7] = [
        Host::Claude,
        Host::Codex,
        Host::Gemini,
        Host::Qwen,
        Host::Copilot,
        Host::Cursor,
        Host::OpenCode,
    ];

    fn call(text: &str, session: Option<&str>, directory: Option<&str>) -> Payload {
        Payload::Command(HookCall {
            line: CommandLine::Text(text.to_owned()),
            session: session.map(PathBuf::from),
            directory: directory.map(PathBuf::from),
        })
    }

    #[test]
    fn commands_of_every_agent() {
        for (host, sent, session, directory) in [
            (
                Host::Claude,
                r#"{"session_id":"a","cwd":"/app","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls","description":"List"},"tool_use_id":"t"}"#,
                Some("/app"),
                None,
            ),
            (
                Host::Codex,
                r#"{"cwd":"/app","model":"m","turn_id":"1","tool_name":"Bash","tool_input":{"command":"ls"}}"#,
                Some("/app"),
                None,
            ),
            (
                Host::Gemini,
                r#"{"cwd":"/app","hook_event_name":"BeforeTool","tool_name":"run_shell_command","tool_input":{"command":"ls","dir_path":"sub"}}"#,
                Some("/app"),
                Some("sub"),
            ),
            (
                Host::Qwen,
                r#"{"cwd":"/app","hook_event_name":"PreToolUse","tool_name":"run_shell_command","tool_input":{"command":"ls","directory":"/app/sub"}}"#,
                Some("/app"),
                Some("/app/sub"),
            ),
            (
                Host::Copilot,
                r#"{"sessionId":"a","timestamp":1,"cwd":"/app","toolName":"bash","toolArgs":{"command":"ls"}}"#,
                Some("/app"),
                None,
            ),
            (
                Host::Copilot,
                r#"{"cwd":"/app","toolName":"bash","toolArgs":"{\"command\":\"ls\"}"}"#,
                Some("/app"),
                None,
            ),
            (
                Host::Copilot,
                r#"{"hook_event_name":"PreToolUse","cwd":"/app","tool_name":"bash","tool_input":{"command":"ls"}}"#,
                Some("/app"),
                None,
            ),
            (
                Host::Cursor,
                r#"{"hook_event_name":"beforeShellExecution","command":"ls","cwd":"/app/sub","workspace_roots":["/app"]}"#,
                Some("/app"),
                Some("/app/sub"),
            ),
            (
                Host::Cursor,
                r#"{"command":"ls","cwd":"/app"}"#,
                Some("/app"),
                Some("/app"),
            ),
            (
                Host::Cursor,
                r#"{"hook_event_name":"preToolUse","cwd":"/app","tool_name":"Shell","tool_input":{"command":"ls","working_directory":"/app/sub"}}"#,
                Some("/app"),
                Some("/app/sub"),
            ),
            (
                Host::OpenCode,
                r#"{"tool":"bash","args":{"command":"ls","workdir":"sub"},"cwd":"/app"}"#,
                Some("/app"),
                Some("sub"),
            ),
        ] {
            let expected = Ok(call("ls", session, directory));
            assert_eq!(read(host, sent.as_bytes()), expected, "{sent}");
        }
    }

    #[test]
    fn what_runs_no_command_is_none_of_guards() {
        for (host, sent) in [
            (
                Host::Claude,
                r#"{"tool_name":"Write","tool_input":{"file_path":"/x","content":"rm -rf /"}}"#,
            ),
            (
                Host::Codex,
                r#"{"tool_name":"apply_patch","tool_input":{"command":"*** Begin Patch"}}"#,
            ),
            (
                Host::Gemini,
                r#"{"tool_name":"read_file","tool_input":{"path":"x"}}"#,
            ),
            (
                Host::Qwen,
                r#"{"tool_name":"glob","tool_input":{"pattern":"*"}}"#,
            ),
            (
                Host::Copilot,
                r#"{"toolName":"view","toolArgs":"{\"path\":\"x\"}"}"#,
            ),
            (
                Host::Cursor,
                r#"{"hook_event_name":"beforeMCPExecution","tool_name":"q","tool_input":"{}","command":"npx server"}"#,
            ),
            (
                Host::Cursor,
                r#"{"hook_event_name":"beforeReadFile","file_path":"/x"}"#,
            ),
            (
                Host::OpenCode,
                r#"{"tool":"read","args":{"filePath":"/x"}}"#,
            ),
        ] {
            assert_eq!(read(host, sent.as_bytes()), Ok(Payload::Other), "{sent}");
        }
    }

    #[test]
    fn a_tool_that_guard_does_not_know_may_run_a_command() {
        let sent = r#"{"tool_name":"mcp__shell__run","tool_input":{"command":["ls","-l"]}}"#;
        let words = CommandLine::Words(vec!["ls".to_owned(), "-l".to_owned()]);
        for host in [Host::Claude, Host::Codex, Host::Gemini, Host::Qwen] {
            let Ok(Payload::Command(call)) = read(host, sent.as_bytes()) else {
                unreachable!("{host:?}");
            };
            assert_eq!(call.line, words);
        }
    }

    #[test]
    fn what_cannot_be_read() {
        let nul = r#"{"tool_name":"Bash","tool_input":{"command":"ls\u0000"}}"#;
        assert!(read(Host::Claude, nul.as_bytes()).is_err());
        let shell = r#"{"tool_name":"Bash","tool_input":{"command":7}}"#;
        assert!(read(Host::Claude, shell.as_bytes()).is_err());
        let list = r#"{"tool_name":"Bash","tool_input":[]}"#;
        assert!(read(Host::Claude, list.as_bytes()).is_err());
        let cut = r#"{"toolName":"bash","toolArgs":"{\"command\":"}"#;
        assert!(read(Host::Copilot, cut.as_bytes()).is_err());
        let event = r#"{"hook_event_name":"beforeShellExecution","cwd":"/app"}"#;
        assert!(read(Host::Cursor, event.as_bytes()).is_err());
        for host in HOSTS {
            for bytes in [
                &b""[..],
                b"{",
                b"[]",
                b"null",
                b"{}",
                b"\0",
                b"{\"tool_name\":\"Ba",
                b"\xff",
            ] {
                assert!(read(host, bytes).is_err(), "{host:?} {bytes:?}");
            }
        }
    }
}
