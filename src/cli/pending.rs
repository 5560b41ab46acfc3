//! `guard pending` and `guard deny`: what waits for a person, and their no.

use guard_ground::text;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::terminal::Office;
use guard_audit::entry::Entry;
use guard_core::message;
use guard_ground::exit_code;
use guard_ground::sanitize;
use guard_ground::shelf;
use guard_person::requests::{Refusal, Request};
use guard_person::statement::now;

/// How often the list is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a refusal holds.
const REFUSAL_SECONDS: u64 = 3600;

/// Options of `guard pending`.
#[derive(Debug, Args)]
pub(super) struct PendingOptions {
    /// Print one JSON array.
    #[arg(long, conflicts_with = "watch")]
    json: bool,
    /// Keep the list on the screen, and ring the bell when something is added. Ends with ^C.
    #[arg(long)]
    watch: bool,
}

/// Options of `guard deny`.
#[derive(Debug, Args)]
pub(super) struct DenyOptions {
    /// The request's id.
    id: String,
    /// Why; the agent reads it when it tries again.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// One request in one line.
pub(super) fn line(request: &Request, width: usize) -> String {
    let argv = request.command();
    let loss = request
        .lines
        .iter()
        .find_map(|line| line.strip_prefix("would lose: "))
        .unwrap_or("");
    let line = format!(
        "{}  {:>10}  {}  {}  ({})",
        request.id,
        format!(
            "{} ago",
            text::duration(now().saturating_sub(request.issued))
                .replace(" seconds", " s")
                .replace(" minutes", " min")
        ),
        request.agent.as_deref().unwrap_or("-"),
        message::shown(&argv),
        loss
    );
    sanitize::cut(&sanitize::text(&line), width)
}

/// Runs `guard pending`.
pub(super) fn run(options: &PendingOptions) -> anyhow::Result<i32> {
    let office = Office::open()?;
    let desk = office.desk();
    if options.watch {
        return watch(&office);
    }
    let pending: Vec<Request> = desk
        .pending()
        .into_iter()
        .map(|(_, request)| request)
        .collect();
    let mut out = std::io::stdout().lock();
    if options.json {
        let shown: Vec<serde_json::Value> = pending.iter().map(for_programs).collect();
        let text = serde_json::to_string_pretty(&shown).context("JSON")?;
        writeln!(out, "{text}").context("standard output")?;
        return Ok(exit_code::OK);
    }
    if pending.is_empty() {
        writeln!(out, "Nothing waits for an approval.").context("standard output")?;
    }
    for request in &pending {
        writeln!(out, "{}", line(request, width())).context("standard output")?;
    }
    if !pending.is_empty() {
        writeln!(out, "\nguard approve ID, or guard deny ID --reason \"…\"")
            .context("standard output")?;
    }
    Ok(exit_code::OK)
}

/// A request without what only guard needs, secrets masked.
fn for_programs(request: &Request) -> serde_json::Value {
    let texts = |lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| sanitize::text(line)).collect()
    };
    // Years of four digits: a request that somebody wrote by hand can say anything.
    let time = |seconds: u64| {
        let seconds = Duration::from_secs(seconds.min(253_402_300_799));
        humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + seconds).to_string()
    };
    serde_json::json!({
        "id": request.id,
        "time": time(request.issued),
        "expires": time(request.expires),
        "agent": request.agent.as_deref().map(sanitize::text),
        "user": sanitize::text(&request.user),
        "tool": sanitize::text(&request.tool),
        "argv": guard_ground::mask::masked(&request.command()),
        "cwd": request.directory().as_deref().map(sanitize::path),
        "rules": texts(&request.rules),
        "environment": request.environment.as_deref().map(sanitize::text),
        "loss": texts(&request.lines),
        "approvals": request.approvals,
        "tries": request.tries,
    })
}

fn width() -> usize {
    let columns =
        rustix::termios::tcgetwinsize(std::io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { 400 } else { columns }
}

fn watch(office: &Office) -> anyhow::Result<i32> {
    let desk = office.desk();
    let is_terminal = std::io::stdout().is_terminal();
    let mut known: Option<Vec<String>> = None;
    loop {
        let pending = desk.pending();
        let ids: Vec<String> = pending.iter().map(|(item, _)| item.id.clone()).collect();
        if known.as_ref() != Some(&ids) {
            let mut text = String::new();
            let is_new = known
                .as_ref()
                .is_some_and(|known| ids.iter().any(|id| !known.contains(id)));
            if is_terminal {
                text.push_str(if is_new {
                    "\x07\x1b[H\x1b[2J"
                } else {
                    "\x1b[H\x1b[2J"
                });
            }
            if pending.is_empty() {
                text.push_str("Nothing waits for an approval.\n");
            }
            for (_, request) in &pending {
                text.push_str(&line(request, width()));
                text.push('\n');
            }
            let mut out = std::io::stdout().lock();
            let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            if written.is_err() {
                return Ok(exit_code::OK);
            }
            known = Some(ids);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Runs `guard deny`. A no needs no proof: it can only stop something.
pub(super) fn deny(options: &DenyOptions) -> anyhow::Result<i32> {
    let office = Office::open()?;
    let desk = office.desk();
    let id = shelf::spell(&options.id);
    let (item, request) = desk
        .pending()
        .into_iter()
        .find(|(item, _)| item.id == id)
        .ok_or_else(|| {
            anyhow!(
                "no request {} waits. See: guard pending",
                sanitize::text(&id)
            )
        })?;
    let by = guard_ground::install::user_name();
    let entry = Entry {
        agent: request.agent.clone(),
        cwd: request.directory().as_deref().map(sanitize::path),
        tool: request.tool.clone(),
        argv: guard_ground::mask::masked(&request.command()),
        rules: request.rules.clone(),
        environment: request.environment.clone(),
        verdict: "confirm".to_owned(),
        request: Some(request.id.clone()),
        ..Entry::of_guard(&[], &format!("refused by {by}"))
    };
    office.log(&entry)?;
    let refusal = Refusal {
        id: request.id.clone(),
        by,
        reason: options.reason.clone(),
        expires: now().saturating_add(REFUSAL_SECONDS),
    };
    desk.refusals
        .put(&request.id, &request.fingerprint, &refusal)
        .context("the refusal cannot be written")?;
    let _ = item.remove();
    println!("Refused. The agent is told when it tries again within an hour.");
    Ok(exit_code::OK)
}
