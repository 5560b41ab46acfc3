//! What git's configuration adds to a command: aliases, push refspecs. Read with the real
//! `git config`, so that every file, include, `-c`, `--config-env` and `GIT_CONFIG_*` counts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use guard_core::context::{Consult, Context};
use guard_core::invocation::Invocation;
use guard_core::probe::{Probe, ToolAnswer};

/// Reading configuration is quick; a git that hangs here is not waited for.
const BUDGET: Duration = Duration::from_secs(5);

/// Runs `git` read-only with the invocation's own scope; `None` without an answer.
pub(super) fn ask(
    invocation: &Invocation,
    context: &Context,
    arguments: &[&str],
) -> Option<ToolAnswer> {
    if context.consult < Consult::Tools {
        return None;
    }
    let directory = context.directory.as_deref()?;
    let mut words = invocation.scope.clone();
    words.extend(arguments.iter().map(OsString::from));
    Probe::new("git", directory, context, Instant::now() + BUDGET)
        .ok()?
        .variable("GIT_OPTIONAL_LOCKS", "0")
        .run(&words)
        .ok()
}

/// One value; `None` when it is not set.
pub(super) fn value(invocation: &Invocation, context: &Context, key: &str) -> Option<String> {
    let answer = ask(invocation, context, &["config", "--get", key])?;
    let text = String::from_utf8_lossy(&answer.output);
    answer
        .success
        .then(|| text.trim_end_matches('\n').to_owned())
}

/// A boolean; `None` when it is not set or not a boolean.
pub(super) fn boolean(invocation: &Invocation, context: &Context, key: &str) -> Option<bool> {
    let answer = ask(
        invocation,
        context,
        &["config", "--type=bool", "--get", key],
    )?;
    match answer.output.trim_ascii() {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

/// Aliases by the place they were looked up in.
#[derive(Default)]
struct Aliases(RefCell<BTreeMap<Vec<OsString>, Option<String>>>);

/// What `alias.NAME` stands for. git takes the last definition; one given by `-c` is read without
/// asking git.
pub(super) fn alias(name: &str, invocation: &Invocation, context: &Context) -> Option<String> {
    // With `--config-env` only git knows which of them comes last.
    let from_variables = invocation
        .scope
        .iter()
        .any(|word| word.as_encoded_bytes().starts_with(b"--config-env"));
    if let Some(given) = given_alias(name, invocation).filter(|_| !from_variables) {
        return Some(given);
    }
    // git refuses other names as configuration keys (git-config(1), "CONFIGURATION FILE").
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return None;
    }
    let mut key: Vec<OsString> = vec![context.directory.clone().unwrap_or_default().into()];
    key.extend(invocation.scope.iter().cloned());
    key.push(name.into());
    let aliases = context.remember::<Aliases>();
    if let Some(known) = aliases.0.borrow().get(&key) {
        return known.clone();
    }
    let found = value(invocation, context, &format!("alias.{name}"));
    aliases.0.borrow_mut().insert(key, found.clone());
    found
}

fn given_alias(name: &str, invocation: &Invocation) -> Option<String> {
    invocation
        .scope
        .iter()
        .zip(invocation.scope.iter().skip(1))
        .filter(|(option, _)| *option == "-c")
        .filter_map(|(_, setting)| setting.to_str()?.split_once('='))
        .filter(|(key, _)| {
            // Section and variable names are case-insensitive.
            key.split_once('.').is_some_and(|(section, variable)| {
                section.eq_ignore_ascii_case("alias") && variable.eq_ignore_ascii_case(name)
            })
        })
        .map(|(_, value)| value.to_owned())
        .next_back()
}

/// Refspecs and modes that a push takes from configuration: what `remote.*.push`,
/// `remote.*.mirror` say for the remote it goes to.
#[derive(Debug, Default)]
pub(super) struct PushSettings {
    /// `remote.NAME.push`, when the command names no refspec.
    pub refspecs: Vec<String>,
    /// `remote.NAME.mirror`.
    pub mirror: bool,
}

/// Reads what configuration adds to `git push`.
pub(super) fn push(
    remote: Option<&str>,
    has_refspecs: bool,
    invocation: &Invocation,
    context: &Context,
) -> PushSettings {
    let mut settings = PushSettings::default();
    let pattern = r"^remote\..*\.(push|mirror)$";
    let Some(answer) = ask(
        invocation,
        context,
        &["config", "-z", "--get-regexp", pattern],
    ) else {
        return settings;
    };
    for entry in answer.output.split(|byte| *byte == 0) {
        let entry = String::from_utf8_lossy(entry);
        let (key, value) = entry.split_once('\n').unwrap_or((&entry, "true"));
        let Some((name, variable)) = key
            .strip_prefix("remote.")
            .and_then(|key| key.rsplit_once('.'))
        else {
            continue;
        };
        // Without a remote on the command line any of them may be the one: the strictest counts.
        if remote.is_some_and(|remote| remote != name) {
            continue;
        }
        match variable {
            "mirror" => settings.mirror |= !matches!(value, "false" | "no" | "off" | "0" | ""),
            _ if !has_refspecs => settings.refspecs.push(value.to_owned()),
            _ => {}
        }
    }
    settings
}

/// Whether configuration lets a fetch delete local tags (git-config(1), `fetch.pruneTags`).
pub(super) fn prunes_tags(invocation: &Invocation, context: &Context) -> bool {
    let pattern = r"^(fetch|remote\..*)\.prunetags$";
    let words = ["config", "--type=bool", "--get-regexp", pattern];
    ask(invocation, context, &words).is_some_and(|answer| {
        answer
            .output
            .split(|byte| *byte == b'\n')
            .any(|line| line.ends_with(b" true"))
    })
}

/// Whether git knows no such command, and runs the one that it takes the name for (git-config(1),
/// `help.autoCorrect`). Where it asks on the terminal first, it does not.
pub(super) fn is_corrected(name: &str, invocation: &Invocation, context: &Context) -> bool {
    let Some(setting) = value(invocation, context, "help.autocorrect") else {
        return false;
    };
    let quiet = ["", "0", "false", "no", "off", "never", "show", "prompt"];
    if quiet.contains(&setting.to_ascii_lowercase().as_str()) {
        return false;
    }
    ask(invocation, context, &["--list-cmds=builtins,main,others"]).is_some_and(|answer| {
        let mut known = answer.output.split(|byte| *byte == b'\n');
        answer.success && !known.any(|command| command == name.as_bytes())
    })
}

/// The top of the working tree, where shell aliases run.
pub(super) fn top_level(invocation: &Invocation, context: &Context) -> Option<PathBuf> {
    let answer = ask(invocation, context, &["rev-parse", "--show-toplevel"])?;
    let path = std::ffi::OsStr::from_bytes(answer.output.trim_ascii_end());
    answer.success.then(|| PathBuf::from(path))
}
