//! What single agents need besides the layers that hold for all of them.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;

use super::files::ShimFiles;

/// Variables that Codex's own policy may keep from the commands that it runs.
const FOR_CODEX: [&str; 5] = ["PATH", "BASH_ENV", "ENV", "ZDOTDIR", "XDG_DATA_DIRS"];
/// More processes than this are not looked at.
const MAX_PROCESSES: usize = 100_000;

/// What holds an agent's commands where nothing is set for it alone.
pub fn needs(agent: Option<&str>) -> &'static str {
    match agent {
        Some("OpenCode" | "Gemini CLI" | "Qwen Code" | "Goose" | "Cline") => {
            "nothing more: it runs bash -c, which reads BASH_ENV"
        }
        Some("Copilot CLI") => {
            "nothing more: bash --norc --noprofile -c reads BASH_ENV, after the directories that it puts in front"
        }
        Some("Cursor") => {
            "nothing more: it reads the environment of bash -ilc or zsh -ilc once (SHELL, ZDOTDIR), then runs -c"
        }
        Some("Aider") => "nothing more: it runs SHELL -i -c",
        Some(_) => "nothing more",
        None => "guard does not know this program: it is treated as an agent like any other",
    }
}

/// The options that make Codex run its commands without a login shell, and with the variables of
/// this run whatever its `shell_environment_policy` says. They stand before the person's own, and
/// the last one counts.
pub fn codex_options(variables: &[(OsString, OsString)]) -> Vec<OsString> {
    let mut options: Vec<OsString> = vec!["-c".into(), "allow_login_shell=false".into()];
    for (name, value) in variables {
        let Some(name) = FOR_CODEX.iter().find(|wanted| name == *wanted) else {
            continue;
        };
        // TOML holds no other text; what is not UTF-8 stays with the other layers.
        let Some(value) = value.to_str() else {
            continue;
        };
        let mut setting = format!("shell_environment_policy.set.{name}=\"");
        for character in value.chars() {
            match character {
                '"' => setting.push_str("\\\""),
                '\\' => setting.push_str("\\\\"),
                _ if character.is_control() => {
                    let _ = write!(setting, "\\u{:04X}", u32::from(character));
                }
                _ => setting.push(character),
            }
        }
        setting.push('"');
        options.push("-c".into());
        options.push(setting.into());
    }
    options
}

/// Codex servers of this user that were started earlier without the shims: they run commands in
/// their own environment, not in that of this run.
pub fn codex_servers(files: &ShimFiles) -> Vec<String> {
    let user = rustix::process::getuid().as_raw();
    let mut found = Vec::new();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for entry in processes.take(MAX_PROCESSES) {
        let name = entry.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let is_own = entry.metadata().is_ok_and(|meta| meta.uid() == user);
        if is_own && is_codex_server(id) && !has_shims(id, files) {
            found.push(format!(
                "Codex's server (process {id}) was started earlier, without the shims: what it runs is not guarded. \
                 Restart it: guard run codex app-server daemon restart (if it is no daemon: end process {id} first)"
            ));
        }
    }
    found
}

/// Whether a process is a Codex server: `codex … app-server …`, also as a script.
fn is_codex_server(id: u32) -> bool {
    let Ok(command) = std::fs::read(format!("/proc/{id}/cmdline")) else {
        return false;
    };
    let mut words = command.split(|byte| *byte == 0);
    let is_codex = words.by_ref().take(2).any(|word| {
        let base = word.rsplit(|byte| *byte == b'/').next().unwrap_or(word);
        base == b"codex" || base == b"codex.js" || base == b"codex-app-server"
    });
    is_codex
        && command
            .split(|byte| *byte == 0)
            .any(|word| word == b"app-server" || word.ends_with(b"codex-app-server"))
}

/// Whether the shims are on a process's PATH. One that cannot be read is taken to lack them.
fn has_shims(id: u32, files: &ShimFiles) -> bool {
    let Ok(variables) = std::fs::read(format!("/proc/{id}/environ")) else {
        return false;
    };
    variables
        .split(|byte| *byte == 0)
        .find_map(|variable| variable.strip_prefix(b"PATH="))
        .is_some_and(|path| {
            std::env::split_paths(OsStr::from_bytes(path)).any(|part| {
                part == files.shims() || part.canonicalize().is_ok_and(|real| real == files.shims())
            })
        })
}
