//! `guard undo`: what a command destroyed comes back.

use guard_core::kept;
use guard_ground::lock;
use guard_ground::say;
use guard_ground::text;
use guard_toolbox::TOOLBOX;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use super::terminal::Office;
use super::{backups, menu};
use guard_audit::entry::Entry;
use guard_backup::undo::{self, UndoPlan};
use guard_core::context::Context;
use guard_core::kept::{Kept, Undoing};
use guard_core::preview::Budget;
use guard_ground::shelf;
use guard_ground::time::ago;
use guard_ground::{exit_code, sanitize};
use guard_person::statement::{Kind, Statement};
use guard_store::reader::BackupReader;
use guard_store::store::{Store, StoredBackup};

/// Options of `guard undo`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The backup; by default the last one of this workspace that was not brought back. A person at a
    /// terminal chooses, where there are several.
    id: Option<String>,
    /// Only show what would come back, and what stands in its way.
    #[arg(long)]
    dry_run: bool,
    /// Bring it back below this directory instead of where it was.
    #[arg(long, value_name = "DIR", conflicts_with = "overwrite")]
    into: Option<PathBuf>,
    /// Write over what was made or changed since. It is saved first; takes a person.
    #[arg(long)]
    overwrite: bool,
    /// The file of the age identity that reads an encrypted backup.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
}

/// What the commands about backups share.
pub(super) struct BackupDesk {
    /// The person's side.
    pub(super) office: Office,
    /// The backups.
    pub(super) store: Store,
    /// Where guard was called.
    pub(super) context: Context,
}

impl BackupDesk {
    /// Finds it.
    pub(super) fn open(identity: Option<PathBuf>) -> anyhow::Result<Self> {
        let office = Office::open()?;
        let store = Store::open(Some(&office.state), &office.rules.backup)
            .map_err(|why| anyhow!("{why}"))?
            .with_identity(identity);
        Ok(Self {
            office,
            store,
            context: Context::live(TOOLBOX.nested),
        })
    }

    /// The backup with this id.
    pub(super) fn item(&self, id: &str) -> anyhow::Result<StoredBackup> {
        self.store.by_id(id).ok_or_else(|| {
            anyhow!(
                "there is no backup {}; see: guard backups",
                sanitize::text(&shelf::spell(id))
            )
        })
    }

    /// A backup's reader and what is in it.
    pub(super) fn opened(
        &self,
        item: &StoredBackup,
    ) -> Result<(BackupReader, Vec<Box<dyn Kept>>), String> {
        let reader = BackupReader::open(item, &self.store)?;
        let parts = TOOLBOX.revive_all(reader.manifest())?;
        Ok((reader, parts))
    }

    /// The newest backup of this workspace, or the one that a person chooses.
    fn chosen(&self) -> anyhow::Result<StoredBackup> {
        let mut items = undo::candidates(&self.store, &self.subject());
        if items.is_empty() {
            bail!("nothing of this workspace can be brought back; all backups: guard backups");
        }
        let at = if items.len() > 1 && menu::is_possible(&self.office) {
            menu::one("Bring back which one?", &backups::lines(&items))?
        } else {
            0
        };
        Ok(items.swap_remove(at))
    }

    /// The workspace that guard was called in.
    pub(super) fn subject(&self) -> PathBuf {
        let directory = self.context.directory.clone().unwrap_or_default();
        guard_ground::path::top_of(&directory.canonicalize().unwrap_or(directory))
    }

    /// The time that looking may take.
    pub(super) fn budget(&self) -> Budget {
        Budget {
            deadline: kept::deadline(),
            progress: None,
            infrastructure: self.office.rules.infrastructure.clone(),
        }
    }
}

/// Runs `guard undo`.
pub(super) fn run(options: &Options) -> anyhow::Result<i32> {
    let desk = BackupDesk::open(options.identity.clone())?;
    let item = match &options.id {
        Some(id) => desk.item(id)?,
        None => desk.chosen()?,
    };
    // Two at once would each save what the other one is about to replace.
    let _alone = lock::beside(&item.directory.join("undo"))
        .with_context(|| format!("backup {} is being brought back", item.summary.id))?;
    let judge = desk.office.judge(&desk.context);
    let (reader, parts) = desk.opened(&item).map_err(|why| anyhow!(why))?;
    let into = options.into.as_deref().map(|into| {
        let directory = desk.context.directory.clone().unwrap_or_default();
        guard_ground::path::existing_part(&directory.join(into))
    });
    let budget = desk.budget();
    let undoing = Undoing {
        reader: &reader,
        parts: &parts,
        store: &desk.store,
        context: &desk.context,
        world: judge.world(),
        into: into.as_deref(),
        budget: &budget,
    };
    let plan = undo::plan(&undoing).map_err(|why| anyhow!(why))?;
    show(&item, &plan, into.as_deref());
    if options.dry_run {
        return Ok(exit_code::OK);
    }
    if !plan.conflicts.is_empty() && !options.overwrite {
        bail!(
            "backup {} was not brought back: it would write over what was made or changed since. Bring it back \
             beside that with --into DIR; a person can write over it with --overwrite (it is saved first)",
            item.summary.id
        );
    }
    let takes_person = plan.is_outside || (options.overwrite && !plan.conflicts.is_empty());
    let mut entry = Entry {
        agent: judge.agent().map(|agent| agent.name.to_owned()),
        backup: Some(item.summary.id.clone()),
        loss: plan.conflicts.clone(),
        ..Entry::of_guard(&["guard", "undo", &item.summary.id], "brought back")
    };
    if takes_person {
        let mut person = desk.office.person()?;
        let text = question(&item, &plan);
        let statement = Statement {
            shown: plan.lines.clone(),
            ..Statement::new(Kind::Backup, &item.summary.id, 0)
        };
        let phrase = format!("bring back {}", item.summary.id);
        entry.proof = person.agrees_to(&text, &phrase, &statement)?;
        entry.evidence.clone_from(&person.evidence);
    }
    // Written down first: what is not in the log did not happen.
    desk.office.log(&entry)?;
    let outcome = undo::run(&item, &undoing).map_err(|why| anyhow!(why))?;
    for note in &outcome.notes {
        println!("  note: {}", sanitize::text(note));
    }
    if !outcome.differences.is_empty() {
        for line in &outcome.differences {
            say::say(&sanitize::text(line));
        }
        bail!(
            "backup {} was brought back, but not everything is as it was",
            item.summary.id
        );
    }
    match (&outcome.by, &into) {
        (Some(by), _) => {
            println!("Brought back and compared. What it replaced is saved: guard undo {by}");
        }
        (None, Some(into)) => println!("Brought back below {} and compared.", sanitize::path(into)),
        (None, None) => println!("Brought back and compared."),
    }
    Ok(exit_code::OK)
}

fn show(item: &StoredBackup, plan: &UndoPlan, into: Option<&Path>) {
    let summary = &item.summary;
    println!(
        "Backup {}, {}, before: {}",
        summary.id,
        ago(summary.time),
        sanitize::command(&summary.argv, 200)
    );
    if let Some(undone) = &item.undone {
        println!("It was brought back {}.", ago(undone.time));
    }
    match into {
        Some(into) => println!("Comes back below {}:", sanitize::path(into)),
        None => println!("Comes back:"),
    }
    for line in &plan.lines {
        println!("  {line}");
    }
    for line in &summary.unsaved {
        println!("Was not saved: {}", sanitize::text(line));
    }
    for line in &plan.conflicts {
        println!("In the way: {line}");
    }
}

fn question(item: &StoredBackup, plan: &UndoPlan) -> String {
    let mut text = format!(
        "\nguard: this brings backup {} back\n",
        sanitize::text(&item.summary.id)
    );
    for line in &plan.lines {
        text.push_str(&text::wrapped(&format!("  {line}")));
    }
    for line in &plan.conflicts {
        text.push_str(&text::wrapped(&format!("  writes over: {line}")));
    }
    if plan.is_outside {
        text.push_str("  Some of it lies outside the workspace.\n");
    }
    text
}
