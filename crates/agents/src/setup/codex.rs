//! Codex's config.toml. Tables may be appended at the end of a TOML file; a key of its own must stand
//! before the first table. So guard writes two marked blocks, and everything else stays as it is.

use toml::Table;

use super::entry::{HookOutcome, is_hook, is_ours};
use super::manifest::Trace;
use super::shell::{BEGIN, END};
use guard_ground::sanitize;

const LOGIN: &str = "allow_login_shell";

fn parse(shown: &str, text: &[u8]) -> Result<(String, Table), String> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let before = text.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        format!("{shown}:{line}: TOML must be UTF-8, and this is not; nothing was written")
    })?;
    let table = toml::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(
        |error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or_default();
            let line = 1 + before.matches('\n').count();
            let what = sanitize::text(error.message());
            format!("{shown}:{line}: {what}; nothing was written")
        },
    )?;
    Ok((text.to_owned(), table))
}

/// The commands of the hooks that are there.
fn command_in(table: &Table) -> Option<String> {
    let groups = table.get("hooks")?.get("PreToolUse")?.as_array()?;
    groups
        .iter()
        .filter_map(|group| group.get("hooks")?.as_array())
        .flatten()
        .filter_map(|hook| hook.get("command")?.as_str())
        .find(|command| is_hook(command, "codex"))
        .map(str::to_owned)
}

/// The command of guard's hook in a file.
pub(super) fn installed(text: &[u8]) -> Result<Option<String>, String> {
    parse("it", text).map(|(_, table)| command_in(&table))
}

/// Puts the hook in, and keeps login shells from resetting PATH.
pub(super) fn add(
    shown: &str,
    before: &[u8],
    command: &str,
    notes: &mut Vec<String>,
) -> Result<HookOutcome, String> {
    let (text, table) = parse(shown, before)?;
    if table.get(LOGIN).and_then(toml::Value::as_bool) == Some(true) {
        notes.push(format!(
            "{shown} says {LOGIN} = true, which is kept: Codex' login shells set PATH anew; guard setup shell puts the shims first there"
        ));
    }
    let there = command_in(&table);
    if let Some(there) = &there {
        is_ours(shown, there, command)?;
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let block = |lines: &str| format!("{BEGIN}\n{lines}\n{END}\n").replace('\n', newline);
    let mut after = text.clone();
    let mut texts = Vec::new();
    let mut expected = table.clone();
    if !table.contains_key(LOGIN) {
        let login = block(&format!(
            "# Codex' login shells would set PATH anew, without guard's shims.\n{LOGIN} = false"
        ));
        after.insert_str(first_line(&text), &login);
        texts.push(login);
        expected.insert(LOGIN.to_owned(), false.into());
    }
    if there.is_none() {
        let hook = block(&format!(
            "[[hooks.PreToolUse]]\nmatcher = \"^Bash$\"\n[[hooks.PreToolUse.hooks]]\ntype = \"command\"\ncommand = {}",
            toml_text(command)
        ));
        if !after.is_empty() && !after.ends_with('\n') {
            after.push_str(newline);
        }
        after.push_str(&hook);
        texts.push(hook);
        if !push(&mut expected, command) {
            return Err(unknown_place(shown));
        }
        notes.push("Codex asks once whether you trust the hook".to_owned());
    }
    if texts.is_empty() {
        return Ok(HookOutcome::Done);
    }
    match parse(shown, after.as_bytes()) {
        Ok((_, now)) if now == expected => Ok(HookOutcome::Change(
            after.into_bytes(),
            Trace::Blocks { texts },
        )),
        _ => Err(unknown_place(shown)),
    }
}

fn unknown_place(shown: &str) -> String {
    format!(
        "{shown}: hooks.PreToolUse is not written as [[hooks.PreToolUse]] there, so guard cannot add to it; see docs/hooks.md"
    )
}

/// Where a key may stand that is no table's: after a byte order mark and a first line for editors
/// (`#:schema`).
fn first_line(text: &str) -> usize {
    let mark = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let rest = text.get(mark..).unwrap_or_default();
    match rest.find('\n') {
        Some(end) if rest.starts_with("#:") => mark + end + 1,
        _ => mark,
    }
}

fn push(table: &mut Table, command: &str) -> bool {
    let hook = Table::from_iter([
        ("type".to_owned(), "command".into()),
        ("command".to_owned(), command.into()),
    ]);
    let group = Table::from_iter([
        ("matcher".to_owned(), "^Bash$".into()),
        ("hooks".to_owned(), toml::Value::Array(vec![hook.into()])),
    ]);
    table
        .entry("hooks")
        .or_insert_with(|| Table::new().into())
        .as_table_mut()
        .map(|hooks| {
            hooks
                .entry("PreToolUse")
                .or_insert_with(|| toml::Value::Array(Vec::new()))
        })
        .and_then(toml::Value::as_array_mut)
        .map(|list| list.push(group.into()))
        .is_some()
}

/// A text in TOML's basic quotes, which JSON's are too for everything that a path can hold here.
fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
