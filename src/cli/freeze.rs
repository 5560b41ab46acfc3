//! `guard freeze` and `guard thaw`: a time in which nothing changes.

use guard_ground::text;
use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Context as _, bail};
use clap::Args;

use super::terminal::{Office, seconds};
use guard_audit::entry::Entry;
use guard_ground::exit_code;
use guard_ground::sanitize;
use guard_ground::shelf;
use guard_person::hold::{Freeze, Holds};
use guard_person::statement::{Kind, Statement, now};

/// Options of `guard freeze`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// For how long: 30m, 2h, 3d; until `guard thaw` by default.
    #[arg(long = "for", value_name = "T", value_parser = seconds)]
    time: Option<u64>,
    /// Only commands that point at this environment, by its name in the rules.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Show the freezes that hold.
    #[arg(long, conflicts_with_all = ["time", "environment"])]
    list: bool,
}

/// Options of `guard thaw`.
#[derive(Debug, Args)]
pub(super) struct ThawOptions {
    /// The freeze; all of them by default.
    id: Option<String>,
}

/// Runs `guard freeze`. It needs no proof: it can only stop something.
pub(super) fn run(options: &Options) -> anyhow::Result<i32> {
    let office = Office::open()?;
    let holds = Holds::new(&office.state);
    if options.list {
        return list(&holds);
    }
    if let Some(name) = &options.environment
        && !office
            .rules
            .environments
            .iter()
            .any(|one| one.name == name.as_str())
    {
        let known: Vec<&str> = office
            .rules
            .environments
            .iter()
            .map(|one| &*one.name)
            .collect();
        bail!(
            "{name:?} is no environment that the rules name ({})",
            known.join(", ")
        );
    }
    let until = options.time.map(|time| now().saturating_add(time));
    let id = holds
        .freeze(until, options.environment.as_deref())
        .context("the freeze cannot be written")?;
    office.log(&Entry {
        request: Some(id.clone()),
        environment: options.environment.clone(),
        ..Entry::of_guard(&["guard", "freeze"], "frozen by a command of its user")
    })?;
    let text = describe(&Freeze {
        id,
        since: now(),
        until,
        environment: options.environment.clone(),
        by: guard_ground::install::user_name(),
    });
    println!("Frozen: {text}\nEnd it with: guard thaw");
    Ok(exit_code::OK)
}

fn describe(freeze: &Freeze) -> String {
    let what = freeze.environment.as_ref().map_or_else(
        || "everything that changes something".to_owned(),
        |name| format!("what changes something in {}", sanitize::text(name)),
    );
    let until = freeze.until.map_or_else(
        || "until it is ended".to_owned(),
        |until| format!("for {}", text::duration(until.saturating_sub(now()))),
    );
    format!(
        "{}  {what}, {until}, by {}",
        sanitize::text(&freeze.id),
        sanitize::text(&freeze.by)
    )
}

fn list(holds: &Holds) -> anyhow::Result<i32> {
    let mut out = std::io::stdout().lock();
    let freezes = holds.freezes();
    if freezes.is_empty() {
        writeln!(out, "Nothing is frozen.").context("standard output")?;
    }
    for (_, freeze) in freezes {
        writeln!(out, "{}", describe(&freeze)).context("standard output")?;
    }
    Ok(exit_code::OK)
}

/// Runs `guard thaw`.
pub(super) fn thaw(options: &ThawOptions) -> anyhow::Result<i32> {
    let office = Office::open()?;
    let holds = Holds::new(&office.state);
    let wanted = options.id.as_deref().map(shelf::spell);
    let chosen: Vec<_> = holds
        .freezes()
        .into_iter()
        .filter(|(item, _)| wanted.as_ref().is_none_or(|id| item.id == *id))
        .collect();
    if chosen.is_empty() {
        bail!("nothing of the kind is frozen; see: guard freeze --list");
    }
    let mut person = office.person()?;
    let mut text =
        String::from("\nguard: this ends a freeze; commands that change something run again\n");
    for (_, freeze) in &chosen {
        let _ = writeln!(text, "  {}", describe(freeze));
    }
    let count = chosen.len();
    let phrase = match count {
        1 => "thaw 1 freeze".to_owned(),
        _ => format!("thaw {count} freezes"),
    };
    person.agrees(&text, &phrase)?;
    let ids: Vec<&str> = chosen.iter().map(|(item, _)| item.id.as_str()).collect();
    let statement = Statement {
        shown: chosen.iter().map(|(_, freeze)| describe(freeze)).collect(),
        ..Statement::new(Kind::Thaw, &ids.join(" "), 0)
    };
    let proof = person.sign(&statement, None)?;
    office.log(&Entry {
        evidence: person.evidence.clone(),
        proof: Some(proof),
        ..Entry::of_guard(&["guard", "thaw"], "thawed")
    })?;
    for (item, _) in &chosen {
        item.remove().context("a freeze")?;
    }
    holds.tidy();
    person.show("\nThawed.\n");
    Ok(exit_code::OK)
}
