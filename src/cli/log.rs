//! `guard log`: what was asked, blocked, let through, and by whom.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::SystemTime;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand};
use serde_json::Value;

use guard_audit as audit;
use guard_ground::install::Places;
use guard_ground::{exit_code, sanitize};
use guard_person::trail::Trail;

/// Options of `guard log`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Options {
    /// Print the entries as they are: one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Only entries since then: a time (`2026-11-21T10:00:00Z`, `2026-11-21`) or how long ago (`30m`, `2h`, `7d`).
    #[arg(long, value_name = "T")]
    since: Option<String>,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check that no line was changed, removed or inserted, and every signature. Exit code 1 and the
    /// first bad line if one does not hold.
    Verify,
}

/// Runs `guard log`.
pub(super) fn run(options: &Options) -> anyhow::Result<i32> {
    let file = Places::find()
        .log_file()
        .ok_or_else(|| anyhow!("no home directory is known, so there is no log"))?;
    let mut out = std::io::stdout().lock();
    if let Some(Action::Verify) = options.action {
        let mut trail = Trail::default();
        let checked = audit::verify(&file, |entry| trail.check(entry))
            .with_context(|| sanitize::path(&file))?;
        match checked {
            Ok(count) => writeln!(
                out,
                "{}: {count} entries, the chain is whole{}",
                sanitize::path(&file),
                trail.summary()
            )?,
            Err(fault) => {
                bail!("{}:{}: {}", sanitize::path(&file), fault.line, fault.what);
            }
        }
        return Ok(exit_code::OK);
    }
    let since = options.since.as_deref().map(parse_time).transpose()?;
    for entry in audit::entries(&file).with_context(|| sanitize::path(&file))? {
        if since.is_some_and(|since| time_of(&entry).is_none_or(|time| time < since)) {
            continue;
        }
        if options.json {
            writeln!(out, "{entry}")?;
        } else {
            writeln!(out, "{}", line(&entry))?;
        }
    }
    Ok(exit_code::OK)
}

fn time_of(entry: &Value) -> Option<SystemTime> {
    humantime::parse_rfc3339_weak(entry.get("time")?.as_str()?).ok()
}

/// A time, a day, or how long ago.
fn parse_time(text: &str) -> anyhow::Result<SystemTime> {
    if let Ok(ago) = humantime::parse_duration(text) {
        return Ok(SystemTime::now()
            .checked_sub(ago)
            .unwrap_or(SystemTime::UNIX_EPOCH));
    }
    humantime::parse_rfc3339_weak(text)
        .or_else(|_| humantime::parse_rfc3339_weak(&format!("{text}T00:00:00Z")))
        .map_err(|_| anyhow!("{text:?} is neither a time (2026-11-21T10:00:00Z, 2026-11-21) nor a duration (30m, 2h, 7d)"))
}

fn line(entry: &Value) -> String {
    let text = |name: &str| sanitize::text(entry.get(name).and_then(Value::as_str).unwrap_or(""));
    let list = |name: &str| -> Vec<String> {
        entry
            .get(name)
            .and_then(Value::as_array)
            .map(|list| {
                list.iter()
                    .filter_map(Value::as_str)
                    .map(sanitize::text)
                    .collect()
            })
            .unwrap_or_default()
    };
    let mut line = format!(
        "{}  {}  {}",
        text("time"),
        text("answer"),
        sanitize::command(&list("argv"), 120)
    );
    // Writing to a String cannot fail.
    let loss = list("loss");
    if !loss.is_empty() {
        let _ = write!(line, "  ({})", sanitize::cut(&loss.join("; "), 160));
    }
    let agent = text("agent");
    if !agent.is_empty() {
        let _ = write!(line, "  by {agent}");
    }
    line
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::time::Duration;

    #[test]
    fn times() {
        let day = parse_time("2026-11-21").unwrap();
        assert_eq!(day, parse_time("2026-11-21T00:00:00Z").unwrap());
        let then = parse_time("2h").unwrap();
        let ago = SystemTime::now().duration_since(then).unwrap();
        assert!(ago >= Duration::from_secs(7200) && ago < Duration::from_secs(7260));
        assert!(parse_time("yesterday").is_err());
    }
}
