//! Menus: which of several, where a person did not say.
//!
//! They only choose. Nothing is agreed to in one: while it waits, the terminal is in raw mode, which stays when
//! guard is killed, there is no deadline, and a key is a key, whoever pushed it. Phrases and passphrases
//! are read by `guard_person` (see there). They stand on standard error, without colours, and only where a
//! person holds the terminal; everywhere else nothing is asked.

use std::io::IsTerminal as _;

use anyhow::{Context as _, bail};
use dialoguer::console::Term;
use dialoguer::{MultiSelect, Select};
use rustix::termios::{QueueSelector, tcflush};

use super::terminal::Office;
use guard_ground::sanitize;
use guard_person::prompt;

/// What a menu puts before a line, and a column in which nothing stands.
const MARGIN: usize = 7;

/// Whether there is a terminal on which menus can stand.
pub(super) fn has_terminal() -> bool {
    let draws = std::env::var_os("TERM").is_some_and(|name| !name.is_empty() && name != "dumb");
    draws && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Whether a person can choose there.
pub(super) fn is_possible(office: &Office) -> bool {
    has_terminal() && office.has_person()
}

/// Lets a person choose one; the first is where they start.
///
/// # Errors
/// When nothing is chosen.
pub(super) fn one(question: &str, items: &[String]) -> anyhow::Result<usize> {
    let chosen = asked(items, |term, lines| {
        Select::new()
            .with_prompt(format!("{question} (arrows and Enter; q for none)"))
            .items(lines)
            .default(0)
            .interact_on_opt(term)
    })?;
    chosen.context("nothing was chosen")
}

/// Lets a person choose some; `marked` says which are chosen already.
///
/// # Errors
/// When the menu is left.
pub(super) fn some(question: &str, items: &[String], marked: bool) -> anyhow::Result<Vec<usize>> {
    let chosen = asked(items, |term, lines| {
        MultiSelect::new()
            .with_prompt(format!(
                "{question} (space marks, Enter goes on; q for none)"
            ))
            .items_checked(lines.iter().map(|line| (line, marked)))
            .interact_on_opt(term)
    })?;
    chosen.context("nothing was chosen")
}

fn asked<T>(
    items: &[String],
    ask: impl FnOnce(&Term, &[String]) -> dialoguer::Result<T>,
) -> anyhow::Result<T> {
    let term = Term::stderr();
    let width = usize::from(term.size().1).saturating_sub(MARGIN).max(20);
    // A line that goes on in the next one would not be taken away whole.
    let lines: Vec<String> = items
        .iter()
        .map(|item| sanitize::cut(&sanitize::text(item), width))
        .collect();
    // What was typed before the menu could be seen chooses nothing.
    let _ = tcflush(std::io::stdin(), QueueSelector::IFlush);
    let chosen = prompt::choosing(|| ask(&term, &lines));
    let _ = term.show_cursor();
    match chosen.context("the terminal")? {
        Ok(chosen) => Ok(chosen.context("the terminal")?),
        Err(number) => bail!("interrupted by signal {number}; nothing was chosen"),
    }
}
