//! `guard setup`: guard in an agent's own configuration and in the shells' start-up files.

use guard_ground::say;
use guard_ground::text;
use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use super::menu;
use super::terminal::Office;
use guard_agents::setup::agents::{AGENTS, KnownAgent, WITHOUT_HOOK};
use guard_agents::setup::apply::{self, Removal};
use guard_agents::setup::manifest::{self, SetupShelf};
use guard_agents::setup::shell::{self, SHELLS, Shell};
use guard_agents::setup::{self, FileChange, Standing, Status, Surroundings, diff};
use guard_audit::entry::Entry;
use guard_core::agent;
use guard_ground::exit_code;
use guard_ground::sanitize;

/// Options of `guard setup`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Agents (claude, codex, gemini, qwen, copilot, cursor, opencode), and `shell` for the shells'
    /// start-up files. Without a name: show what is found here, and what would be done; a person at a
    /// terminal then chooses.
    #[arg(value_name = "AGENT|shell")]
    names: Vec<String>,
    /// The shells: bash, zsh, fish, sh. By default yours, and those that you have start-up files for.
    #[arg(long, value_name = "SHELLS", value_delimiter = ',')]
    shell: Vec<String>,
    /// Show what would be changed, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Take out again what was written: for the names, or all of it. A file that was changed since
    /// keeps everything but guard's own text.
    #[arg(long)]
    undo: bool,
}

/// What the names mean.
struct Chosen {
    agents: Vec<KnownAgent>,
    has_shell: bool,
    shells: Vec<Shell>,
}

/// Runs `guard setup`.
pub(super) fn run(options: &Options) -> anyhow::Result<i32> {
    let mut wanted = match wanted(&options.names, &options.shell) {
        Ok(wanted) => wanted,
        Err(faults) => return Ok(failed(&faults, exit_code::USAGE)),
    };
    let office = Office::open()?;
    if options.undo {
        return undo(&office, options, &wanted);
    }
    let around = Surroundings::find().context("no home directory is known")?;
    if wanted.agents.is_empty() && !wanted.has_shell {
        let names = show(&office, &around)?;
        if names.is_empty() || options.dry_run || !menu::is_possible(&office) {
            return Ok(exit_code::OK);
        }
        let chosen = menu::some("Set up which ones now?", &names, false)?;
        let at = |at: usize| names.get(at).cloned();
        let chosen: Vec<String> = chosen.into_iter().filter_map(at).collect();
        if chosen.is_empty() {
            return Ok(exit_code::OK);
        }
        wanted = match self::wanted(&chosen, &[]) {
            Ok(wanted) => wanted,
            Err(faults) => return Ok(failed(&faults, exit_code::USAGE)),
        };
    }
    let shells = match (wanted.has_shell, wanted.shells.is_empty()) {
        (false, _) => Vec::new(),
        (true, false) => wanted.shells,
        (true, true) => shells(&around)?,
    };
    let plan = setup::plan(&office.places, &around, &wanted.agents, &shells);
    if !plan.faults.is_empty() {
        return Ok(failed(&plan.faults, exit_code::FAILURE));
    }
    let mut out = std::io::stdout().lock();
    if options.dry_run {
        show_diff(&mut out, &plan.changes)?;
    } else if !plan.changes.is_empty() {
        let shelf = SetupShelf::open(&office.state).map_err(|fault| anyhow!(fault))?;
        if let Err(fault) = apply::apply(&shelf, &plan.changes) {
            bail!(fault);
        }
        // It only adds protection; a log that cannot be written does not stop it.
        let _ = office.log(&entry("set up", &plan.changes));
        for change in &plan.changes {
            writeln!(
                out,
                "{}: wrote {}{}",
                change.name,
                sanitize::path(&change.path),
                link(change)
            )
            .context("standard output")?;
        }
    }
    for line in plan.done.iter().chain(&plan.notes) {
        writeln!(out, "{line}").context("standard output")?;
    }
    let told = match (plan.changes.is_empty(), options.dry_run) {
        (true, _) => "Nothing to change.",
        (false, true) => "Nothing was written.",
        (false, false) => {
            "Start the agent, or a new shell, for it to count. Take it out again with: guard setup --undo"
        }
    };
    writeln!(out, "{told}").context("standard output")?;
    Ok(exit_code::OK)
}

fn failed(faults: &[String], code: i32) -> i32 {
    for fault in faults {
        say::say(&sanitize::text(fault));
    }
    say::say("nothing was written");
    code
}

fn link(change: &FileChange) -> String {
    if change.path.is_symlink() {
        format!(" (a link: {})", sanitize::path(&change.target))
    } else {
        String::new()
    }
}

fn wanted(names: &[String], shells: &[String]) -> Result<Chosen, Vec<String>> {
    let mut wanted = Chosen {
        agents: Vec::new(),
        has_shell: !shells.is_empty(),
        shells: Vec::new(),
    };
    let mut faults = Vec::new();
    for name in names {
        if let Some(agent) = KnownAgent::named(name) {
            if wanted.agents.iter().all(|other| other.word != agent.word) {
                wanted.agents.push(agent);
            }
        } else if name == "shell" {
            wanted.has_shell = true;
        } else if let Some((_, label)) = WITHOUT_HOOK.iter().find(|(word, _)| word == name) {
            faults.push(format!(
                "{label} asks no program before it runs a command, so there is no hook to write: put the shims first with guard setup shell, or start it with guard run {name}"
            ));
        } else {
            let words: Vec<&str> = AGENTS.iter().map(|agent| agent.word).collect();
            faults.push(format!(
                "{name:?} is nothing that guard can set up; it knows {} and shell",
                words.join(", ")
            ));
        }
    }
    for name in shells {
        match Shell::named(name) {
            Some(shell) if wanted.shells.contains(&shell) => {}
            Some(shell) => wanted.shells.push(shell),
            None => faults.push(format!(
                "{name:?} is a shell that guard does not know; it knows {}. Put the shims first on PATH in its start-up file",
                SHELLS.map(Shell::name).join(", ")
            )),
        }
    }
    if faults.is_empty() {
        Ok(wanted)
    } else {
        Err(faults)
    }
}

/// The shells that the person uses.
fn shells(around: &Surroundings) -> anyhow::Result<Vec<Shell>> {
    let (shells, unknown) = shell::found(around);
    if let Some(unknown) = unknown {
        say::say(&format!(
            "your shell {} is none that guard knows ({}); put the shims first on PATH in its start-up file",
            sanitize::text(&unknown),
            SHELLS.map(Shell::name).join(", ")
        ));
    }
    if shells.is_empty() {
        bail!(
            "no start-up file of a shell that guard knows was found; name the shell: guard setup shell --shell bash"
        );
    }
    Ok(shells)
}

fn show_diff(out: &mut impl std::io::Write, changes: &[FileChange]) -> anyhow::Result<()> {
    let colored = std::io::stdout().is_terminal() && text::colored();
    for change in changes {
        let text = diff::unified(
            &sanitize::path(&change.target),
            change.before.as_deref(),
            change.after.as_deref(),
            colored,
        );
        out.write_all(text.as_bytes()).context("standard output")?;
    }
    Ok(())
}

fn entry(what: &str, changes: &[FileChange]) -> Entry {
    let files: Vec<String> = changes
        .iter()
        .map(|change| sanitize::path(&change.path))
        .collect();
    Entry {
        agent: agent::find(&agent::ancestors()).map(|agent| agent.name.to_owned()),
        ..Entry::of_guard(
            &["guard", "setup"],
            &format!("{what}: {}", files.join(", ")),
        )
    }
}

fn undo(office: &Office, options: &Options, wanted: &Chosen) -> anyhow::Result<i32> {
    if let Some(agent) = agent::find(&agent::ancestors()).filter(|_| !options.dry_run) {
        bail!(
            "only a person can take guard out, in a terminal of their own: {} runs this command ({})",
            agent.name,
            agent.evidence
        );
    }
    let everything = wanted.agents.is_empty() && !wanted.has_shell;
    let is_wanted = |entry: &manifest::SetupEntry| {
        if everything {
            return true;
        }
        if entry.name != "shell" {
            return wanted.agents.iter().any(|agent| agent.word == entry.name);
        }
        let of_shell = |shell: &Shell| entry.shells.iter().any(|name| name == shell.name());
        wanted.has_shell && (wanted.shells.is_empty() || wanted.shells.iter().any(of_shell))
    };
    let manifest = manifest::peek(&office.state).map_err(|fault| anyhow!(fault))?;
    let mut out = std::io::stdout().lock();
    if !manifest.entries.iter().any(is_wanted) {
        writeln!(out, "guard setup has written nothing of the kind.").context("standard output")?;
        return Ok(exit_code::OK);
    }
    let shelf = SetupShelf::open(&office.state).map_err(|fault| anyhow!(fault))?;
    let manifest = shelf.read().map_err(|fault| anyhow!(fault))?;
    let undoing = apply::plan_undo(&manifest, |name| shelf.copy(name), is_wanted);
    if options.dry_run {
        show_diff(&mut out, &undoing.changes)?;
        writeln!(out, "Nothing was written.").context("standard output")?;
    } else {
        office.log(&entry("taken out", &undoing.changes))?;
        apply::undo(&shelf, &undoing).map_err(|fault| anyhow!(fault))?;
        tell_undone(&mut out, &undoing)?;
    }
    for fault in &undoing.stays {
        say::say(fault);
    }
    Ok(if undoing.stays.is_empty() {
        exit_code::OK
    } else {
        exit_code::FAILURE
    })
}

fn tell_undone(out: &mut impl std::io::Write, undoing: &Removal) -> anyhow::Result<()> {
    for change in &undoing.changes {
        let shown = sanitize::path(&change.path);
        let what = if undoing.edited.contains(&shown) {
            "took guard's part out of"
        } else if change.after.is_none() {
            "removed"
        } else {
            "restored"
        };
        writeln!(out, "{}: {what} {shown}{}", change.name, link(change))
            .context("standard output")?;
    }
    for entry in &undoing.gone {
        writeln!(
            out,
            "{}: nothing of guard's is left in {}",
            entry.name,
            sanitize::path(&entry.path)
        )
        .context("standard output")?;
    }
    Ok(())
}

/// What is found here, and what would be done.
/// What is found here; the names of what can be set up.
fn show(office: &Office, around: &Surroundings) -> anyhow::Result<Vec<String>> {
    let mut out = std::io::stdout().lock();
    let agents = setup::agents_status(&office.places, around);
    let shells = setup::shells_status(&office.places, around);
    let mut names: Vec<&str> = Vec::new();
    for one in agents.iter().chain(&shells) {
        let is_shell = shells.iter().any(|shell| std::ptr::eq(shell, one));
        let name = if is_shell { "shell" } else { one.name };
        if one.found.is_some() && one.state == Standing::NotSetUp && !names.contains(&name) {
            names.push(name);
        }
        writeln!(out, "{:<9} {}", one.name, describe(one)).context("standard output")?;
    }
    let told = if names.is_empty() {
        "Nothing to do.".to_owned()
    } else {
        format!("Set up with: guard setup {}", names.join(" "))
    };
    writeln!(out, "{told}").context("standard output")?;
    Ok(names.into_iter().map(str::to_owned).collect())
}

fn describe(one: &Status) -> String {
    let file = sanitize::path(&one.file);
    match (&one.state, &one.found) {
        (Standing::SetUp, _) => format!("set up: {file}"),
        (Standing::Other(command), _) => format!(
            "calls another guard: {file}: {}",
            sanitize::cut(&sanitize::text(command), 80)
        ),
        (Standing::Broken(why), Some(_)) => sanitize::text(why),
        (_, Some(_)) => format!("would write {file}"),
        (_, None) => format!("{} is not installed here", one.label),
    }
}
