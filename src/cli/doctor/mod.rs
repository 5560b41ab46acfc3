//! `guard doctor`: what protects this shell, and whose terminal this is.

mod hooks;
mod ways;

use guard_toolbox::TOOLBOX;
use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::terminal::Office;
use guard_agents::run::files::ShimFiles;
use guard_agents::run::layer::Layer;
use guard_audit as audit;
use guard_core::agent;
use guard_ground::exit_code;
use guard_ground::{real_tool, sanitize};
use guard_person::gather;
use guard_person::hold::Holds;
use guard_person::trail::Trail;

/// Options of `guard doctor`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// How one thing stands.
#[derive(Debug, Serialize)]
struct Finding {
    /// What was looked at: `shims`, `rules`, `log`, `key`, `locked`, `holds`, `run`; of the ways: `shell`, `login`,
    /// `agent`, `run`, `hook`, `sudo`.
    name: &'static str,
    /// `ok`, `note` or `wrong`.
    status: &'static str,
    /// What was found.
    found: String,
    /// One line that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

#[derive(Debug, Serialize)]
struct Terminal {
    /// `person`, `shared`, `unknown` or `nobody`.
    trust: &'static str,
    /// Why no more than that.
    why: String,
    evidence: Vec<String>,
    /// How long it took to see.
    microseconds: u128,
}

#[derive(Debug, Serialize)]
struct DoctorReport {
    findings: Vec<Finding>,
    /// The ways that commands take, each proven with a stand-in.
    ways: Vec<Finding>,
    terminal: Terminal,
}

fn finding(
    name: &'static str,
    status: &'static str,
    found: impl Into<String>,
    mend: Option<String>,
) -> Finding {
    Finding {
        name,
        status,
        found: found.into(),
        mend,
    }
}

/// Runs `guard doctor`.
pub(super) fn run(options: &Options) -> anyhow::Result<i32> {
    let office = Office::open()?;
    let ancestors = agent::ancestors();
    let agent = agent::find(&ancestors);
    let evidence = gather(agent.as_ref(), &ancestors, &office.rules.terminals);
    let report = DoctorReport {
        findings: vec![
            shims(&office),
            rules(&office),
            log(&office),
            key(&office),
            locked(&office),
            holds(&office),
            layers(&office),
        ],
        ways: ways::prove(&office.places, &office.state),
        terminal: Terminal {
            trust: evidence.trust.name(),
            why: evidence.why,
            evidence: evidence.lines,
            microseconds: evidence.time.as_micros(),
        },
    };
    let mut out = std::io::stdout().lock();
    if options.json {
        let text = serde_json::to_string_pretty(&report).context("JSON")?;
        writeln!(out, "{text}").context("standard output")?;
    } else {
        out.write_all(text(&report).as_bytes())
            .context("standard output")?;
    }
    let mut all = report.findings.iter().chain(&report.ways);
    let is_wrong = all.any(|one| one.status == "wrong");
    Ok(if is_wrong {
        exit_code::FAILURE
    } else {
        exit_code::OK
    })
}

fn text(report: &DoctorReport) -> String {
    let mut text = String::new();
    for one in report.findings.iter().chain(&report.ways) {
        let _ = writeln!(text, "{:<9} {:<5}  {}", one.name, one.status, one.found);
        if let Some(mend) = &one.mend {
            let _ = writeln!(text, "{:<17}{mend}", "");
        }
    }
    let terminal = &report.terminal;
    let _ = writeln!(
        text,
        "{:<9} {:<5}  seen in {} µs",
        "terminal", terminal.trust, terminal.microseconds
    );
    for line in terminal.evidence.iter().chain(Some(&terminal.why)) {
        if !line.is_empty() {
            let _ = writeln!(text, "{:<17}{line}", "");
        }
    }
    text
}

/// Whether the six names lead to guard in this shell, and the real tools are there.
fn shims(office: &Office) -> Finding {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let mut bare = Vec::new();
    let mut missing = Vec::new();
    for tool in TOOLBOX.shims() {
        let first = std::env::split_paths(&search)
            .map(|directory| directory.join(tool))
            .find(|path| path.is_file());
        if first.is_some_and(|path| !real_tool::is_guard_binary(&path)) {
            bare.push(tool);
        }
        if real_tool::find(tool.as_ref(), Some(&search)).is_none() {
            missing.push(tool);
        }
    }
    let absent = if missing.is_empty() {
        String::new()
    } else {
        format!(" (not on this machine: {})", missing.join(", "))
    };
    if bare.is_empty() {
        return finding(
            "shims",
            "ok",
            format!("they stand first on PATH{absent}"),
            None,
        );
    }
    let directory = office.places.share.as_ref().map_or_else(
        || "…/shims".to_owned(),
        |share| sanitize::path(&share.join("shims")),
    );
    finding(
        "shims",
        "wrong",
        format!("not guarded in this shell: {}{absent}", bare.join(", ")),
        Some(format!("export PATH=\"{directory}:$PATH\"")),
    )
}

fn rules(office: &Office) -> Finding {
    match &office.rules.broken {
        Some(broken) => finding(
            "rules",
            "wrong",
            format!("only the default rules hold: {broken}"),
            Some("guard rules test".to_owned()),
        ),
        None => finding(
            "rules",
            "ok",
            format!(
                "{} by default, {} of your own",
                office.rules.all().count() - office.rules.added().count(),
                office.rules.added().count()
            ),
            None,
        ),
    }
}

fn log(office: &Office) -> Finding {
    let file = office.state.join(guard_ground::install::LOG);
    let mut trail = Trail::default();
    match audit::verify(&file, |entry| trail.check(entry)) {
        Ok(Ok(count)) => finding(
            "log",
            "ok",
            format!("{count} entries, the chain is whole{}", trail.summary()),
            None,
        ),
        Ok(Err(fault)) => finding(
            "log",
            "wrong",
            format!("{}:{}: {}", sanitize::path(&file), fault.line, fault.what),
            Some(format!(
                "look at it, then move it away: mv {0} {0}.broken; keys are let in anew with: guard key use {1}",
                sanitize::path(&file),
                sanitize::path(&office.keys.private())
            )),
        ),
        Err(error) => finding(
            "log",
            "wrong",
            format!("{}: {error}", sanitize::path(&file)),
            None,
        ),
    }
}

fn key(office: &Office) -> Finding {
    match office.keys.load_signers() {
        Err(error) => finding("key", "wrong", error, Some("guard key list".to_owned())),
        Ok(signers) if signers.is_empty() => finding(
            "key",
            "note",
            "no key may approve; blocked commands can be approved only where a person's terminal is certain",
            Some("guard key init".to_owned()),
        ),
        Ok(signers) => {
            let strangers = match office
                .keys
                .approvers(&office.state.join(guard_ground::install::LOG))
            {
                Err(error) => return finding("key", "wrong", error, None),
                Ok(approvers) => signers
                    .iter()
                    .filter(|one| {
                        !approvers
                            .iter()
                            .any(|other| other.name == one.name && other.key == one.key)
                    })
                    .map(|one| format!("{} {}", sanitize::text(&one.name), one.fingerprint()))
                    .collect::<Vec<_>>(),
            };
            if !strangers.is_empty() {
                return finding(
                    "key",
                    "wrong",
                    format!(
                        "in the list of keys, but nobody let it in: {}",
                        strangers.join(", ")
                    ),
                    Some(format!(
                        "take the line out of {}, or let the key in: guard key use FILE --name NAME",
                        sanitize::path(&office.keys.signers())
                    )),
                );
            }
            let names: Vec<String> = signers
                .iter()
                .map(|signer| format!("{} {}", sanitize::text(&signer.name), signer.fingerprint()))
                .collect();
            finding("key", "ok", names.join(", "), None)
        }
    }
}

fn locked(office: &Office) -> Finding {
    if office.places.is_locked() {
        return finding("locked", "ok", "rules and keys are root's", None);
    }
    finding(
        "locked",
        "note",
        "rules and keys are the user's own, and programs of the user's can change them",
        Some("sudo guard lock".to_owned()),
    )
}

fn holds(office: &Office) -> Finding {
    let holds = Holds::new(&office.state);
    let freezes = holds.freezes().len();
    let found = match (freezes, holds.is_planning()) {
        (0, false) => "nothing is frozen, plan mode is off".to_owned(),
        (count, planning) => format!(
            "{count} freezes hold, plan mode is {}",
            if planning { "on" } else { "off" }
        ),
    };
    finding("holds", "ok", found, None)
}

/// The layers of `guard run` that hold here.
fn layers(office: &Office) -> Finding {
    let files = match ShimFiles::of(&TOOLBOX, &office.places) {
        Ok(files) => files,
        Err(why) => return finding("run", "note", sanitize::text(&why), None),
    };
    if !Layer::Workspace.holds_here(&files) {
        let found = "this shell was not started below guard run";
        return finding("run", "note", found, Some("guard run AGENT".to_owned()));
    }
    let (hold, gone): (Vec<Layer>, Vec<Layer>) = Layer::ALL
        .iter()
        .partition(|layer| layer.holds_here(&files));
    let names = |layers: &[Layer]| -> String {
        let names: Vec<&str> = layers.iter().map(|layer| layer.name()).collect();
        names.join(", ")
    };
    let mut found = format!("below guard run; these layers hold: {}", names(&hold));
    if !gone.is_empty() {
        let _ = write!(found, "; taken away here: {}", names(&gone));
    }
    finding("run", "ok", found, None)
}
