//! `guard backups`: what is saved, and whether it can be brought back.

use guard_backup as backup;
use guard_ground::say;
use guard_ground::text;
use guard_toolbox::TOOLBOX;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::menu;
use super::undo::BackupDesk;
use guard_audit::entry::Entry;
use guard_backup::drill::{self, DrillReport};
use guard_core::kept::Undoing;
use guard_ground::shelf;
use guard_ground::text::human_bytes;
use guard_ground::time::ago;
use guard_ground::{exit_code, sanitize};
use guard_person::statement::{Kind, Statement};
use guard_store::store::StoredBackup;

/// Options of `guard backups`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Options {
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
    /// The file of the age identity that reads encrypted backups.
    #[arg(long, value_name = "FILE", global = true)]
    identity: Option<PathBuf>,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what a backup holds.
    Show {
        /// The backup; a person at a terminal may leave it out and chooses.
        #[arg(required = true)]
        id: Option<String>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Remove backups; takes a person.
    Rm {
        /// The backups; a person at a terminal may leave them out and chooses.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Bring backups back into a scratch place and compare; exit code 1 when one is damaged.
    Drill {
        /// The backup; by default the newest, or the one that a person at a terminal chooses.
        id: Option<String>,
        /// All of them.
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// Print one JSON array.
        #[arg(long)]
        json: bool,
    },
}

/// Runs `guard backups`.
pub(super) fn run(options: &Options) -> anyhow::Result<i32> {
    let desk = BackupDesk::open(options.identity.clone())?;
    match &options.action {
        None => list(&desk, options.json),
        Some(Action::Show { id, json }) => show(&desk, id.as_deref(), *json),
        Some(Action::Rm { ids }) => remove(&desk, ids),
        Some(Action::Drill { id, all, json }) => drill(&desk, id.as_deref(), *all, *json),
    }
}

fn list(desk: &BackupDesk, json: bool) -> anyhow::Result<i32> {
    let items = desk.store.items();
    let mut out = std::io::stdout().lock();
    if json {
        let list: Vec<Value> = items.iter().map(of_item).collect();
        writeln!(out, "{}", Value::Array(list)).context("standard output")?;
        return Ok(exit_code::OK);
    }
    if items.is_empty() {
        writeln!(out, "There are no backups.").context("standard output")?;
    }
    for item in &items {
        writeln!(out, "{}", line(item)).context("standard output")?;
    }
    for id in desk.store.unreadable() {
        say::say(&format!(
            "backup {} cannot be read: its summary is damaged",
            sanitize::text(&id)
        ));
    }
    Ok(exit_code::OK)
}

/// Backups as a menu shows them.
pub(super) fn lines(items: &[StoredBackup]) -> Vec<String> {
    items.iter().map(line).collect()
}

fn line(item: &StoredBackup) -> String {
    let summary = &item.summary;
    let state = match &item.undone {
        Some(_) => "  (brought back)",
        None => "",
    };
    let line = format!(
        "{}  {:>12}  {:>9}  {}  in {}{state}",
        summary.id,
        ago(summary.time),
        human_bytes(summary.bytes),
        sanitize::command(&summary.argv, 100),
        summary.subject.shown(),
    );
    sanitize::text(&line)
}

/// RFC 3339 in UTC, as in the audit log.
fn rfc3339(time: u64) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(time);
    humantime::format_rfc3339_millis(time).to_string()
}

fn of_item(item: &StoredBackup) -> Value {
    let summary = &item.summary;
    json!({
        "id": summary.id,
        "time": rfc3339(summary.time),
        "agent": summary.agent,
        "argv": summary.argv,
        "workspace": summary.subject.shown(),
        "loss": summary.loss,
        "unsaved": summary.unsaved,
        "files": summary.files,
        "bytes": summary.bytes,
        "stored": summary.stored,
        "encrypted": summary.encrypted,
        "undoes": summary.undoes,
        "undone": item.undone.as_ref().map(|undone| json!({"time": rfc3339(undone.time), "by": undone.by})),
    })
}

/// The one that is named, or that a person chooses.
fn one(desk: &BackupDesk, id: Option<&str>) -> anyhow::Result<StoredBackup> {
    if let Some(id) = id {
        return desk.item(id);
    }
    let mut items = several(desk)?;
    let at = menu::one("Which one?", &lines(&items))?;
    Ok(items.swap_remove(at))
}

/// What a person can choose from.
fn several(desk: &BackupDesk) -> anyhow::Result<Vec<StoredBackup>> {
    if !menu::is_possible(&desk.office) {
        bail!("which backup? See: guard backups");
    }
    let items = desk.store.items();
    if items.is_empty() {
        bail!("there are no backups");
    }
    Ok(items)
}

fn show(desk: &BackupDesk, id: Option<&str>, json: bool) -> anyhow::Result<i32> {
    let item = one(desk, id)?;
    let (reader, parts) = desk.opened(&item).map_err(|why| anyhow!(why))?;
    let manifest = reader.manifest();
    let mut out = std::io::stdout().lock();
    let contents = |name: &str, size: u64| json!({"name": name, "bytes": size});
    if json {
        let mut value = of_item(&item);
        let holds: Vec<Value> = parts
            .iter()
            .flat_map(|kept| kept.contents())
            .map(|(name, blob)| contents(&name, blob.size))
            .collect();
        if let Some(object) = value.as_object_mut() {
            object.insert("cwd".to_owned(), json!(manifest.cwd.shown()));
            object.insert("user".to_owned(), json!(manifest.user));
            object.insert(
                "restores".to_owned(),
                json!(
                    parts
                        .iter()
                        .flat_map(|part| part.lines())
                        .collect::<Vec<_>>()
                ),
            );
            object.insert("contents".to_owned(), Value::Array(holds));
        }
        writeln!(out, "{value}").context("standard output")?;
        return Ok(exit_code::OK);
    }
    let mut text = String::new();
    text.push_str(&text::row("backup", &item.summary.id));
    text.push_str(&text::row(
        "made",
        &format!(
            "{} by {}{}",
            ago(manifest.time),
            sanitize::text(&manifest.user),
            match &manifest.agent {
                Some(agent) => format!(" ({})", sanitize::text(agent)),
                None => String::new(),
            }
        ),
    ));
    text.push_str(&text::row(
        "before",
        &sanitize::command(&manifest.argv, 300),
    ));
    text.push_str(&text::row("in", &manifest.cwd.shown()));
    for loss in &manifest.loss {
        text.push_str(&text::row("lost", loss));
    }
    for line in &manifest.unsaved {
        text.push_str(&text::row("not saved", &sanitize::text(line)));
    }
    for part in &parts {
        for line in part.lines() {
            text.push_str(&text::row("holds", &line));
        }
    }
    if let Some(undone) = &item.undone {
        text.push_str(&text::row("undone", &ago(undone.time)));
    }
    out.write_all(text.as_bytes()).context("standard output")?;
    Ok(exit_code::OK)
}

fn remove(desk: &BackupDesk, ids: &[String]) -> anyhow::Result<i32> {
    let items: Vec<StoredBackup> = if ids.is_empty() {
        let items = several(desk)?;
        let marked = menu::some("Remove which ones?", &lines(&items), false)?;
        let at = |at: usize| items.get(at).cloned();
        marked.into_iter().filter_map(at).collect()
    } else {
        let named = ids.iter().map(|id| desk.item(id));
        named.collect::<anyhow::Result<_>>()?
    };
    if items.is_empty() {
        bail!("nothing was chosen");
    }
    let mut person = desk.office.person()?;
    let mut text = String::from("\nguard: this removes backups for good\n");
    for item in &items {
        text.push_str(&text::wrapped(&format!("  {}", line(item))));
    }
    let phrase = match items.len() {
        1 => "remove 1 backup".to_owned(),
        count => format!("remove {count} backups"),
    };
    let names: Vec<&str> = items.iter().map(|item| item.summary.id.as_str()).collect();
    let statement = Statement::new(Kind::Backup, &names.join(" "), 0);
    let proof = person.agrees_to(&text, &phrase, &statement)?;
    desk.office.log(&Entry {
        evidence: person.evidence.clone(),
        proof,
        loss: items.iter().map(line).collect(),
        ..Entry::of_guard(&["guard", "backups", "rm"], "removed")
    })?;
    for item in &items {
        desk.store
            .remove(item, &|item| backup::let_go(item, &desk.store, &TOOLBOX))
            .with_context(|| format!("backup {}", item.summary.id))?;
    }
    person.show("\nRemoved.\n");
    Ok(exit_code::OK)
}

fn drill(desk: &BackupDesk, id: Option<&str>, all: bool, json: bool) -> anyhow::Result<i32> {
    let unreadable = desk.store.unreadable();
    let named = id.map(shelf::spell);
    let (items, unreadable) = match &named {
        Some(id) if unreadable.contains(id) => (Vec::new(), vec![id.clone()]),
        Some(id) => (vec![desk.item(id)?], Vec::new()),
        None if all => (desk.store.items(), unreadable),
        None if desk.store.items().len() > 1 && menu::is_possible(&desk.office) => {
            (vec![one(desk, None)?], unreadable)
        }
        None => (desk.store.items().into_iter().take(1).collect(), unreadable),
    };
    if items.is_empty() && unreadable.is_empty() {
        bail!("there are no backups");
    }
    let mut reports: Vec<DrillReport> = items.iter().map(|item| one_drill(desk, item)).collect();
    reports.extend(unreadable.into_iter().map(|id| DrillReport {
        id,
        good: Vec::new(),
        bad: vec!["its summary cannot be read: the backup is damaged".to_owned()],
    }));
    let bad = reports.iter().any(|report| !report.bad.is_empty());
    let mut out = std::io::stdout().lock();
    if json {
        let list: Vec<Value> = reports
            .iter()
            .map(|report| {
                json!({
                    "id": report.id,
                    "ok": report.bad.is_empty(),
                    "restored": report.good,
                    "damage": report.bad,
                })
            })
            .collect();
        writeln!(out, "{}", Value::Array(list)).context("standard output")?;
    } else {
        for report in &reports {
            let word = if report.bad.is_empty() {
                "good"
            } else {
                "DAMAGED"
            };
            writeln!(out, "{}  {word}", report.id).context("standard output")?;
            for line in report.good.iter().chain(&report.bad) {
                writeln!(out, "      {}", sanitize::text(line)).context("standard output")?;
            }
        }
    }
    Ok(if bad {
        exit_code::FAILURE
    } else {
        exit_code::OK
    })
}

fn one_drill(desk: &BackupDesk, item: &StoredBackup) -> DrillReport {
    let judge = desk.office.judge(&desk.context);
    let (reader, parts) = match desk.opened(item) {
        Ok(opened) => opened,
        Err(why) => {
            return DrillReport {
                id: item.summary.id.clone(),
                good: Vec::new(),
                bad: vec![why],
            };
        }
    };
    let budget = desk.budget();
    let undoing = Undoing {
        reader: &reader,
        parts: &parts,
        store: &desk.store,
        context: &desk.context,
        world: judge.world(),
        into: None,
        budget: &budget,
    };
    drill::run(item, &desk.store, &undoing)
}
