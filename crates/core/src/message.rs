//! A verdict in words: what would be lost and why, the question, the phrase.

use guard_ground::text::{row, wrapped};
use std::ffi::OsString;
use std::fmt::Write as _;

use crate::loss::Loss;
use crate::preview::Preview;
use crate::verdict::Verdict;
use guard_ground::sanitize;
use guard_words::Effect;

/// How much of a long command is shown.
const COMMAND_WIDTH: usize = 300;

/// A command for a screen: secrets masked, and no longer than a few lines.
pub fn shown(argv: &[OsString]) -> String {
    let mut words: Vec<String> = argv
        .iter()
        .take(64)
        .map(|word| sanitize::os(word))
        .collect();
    guard_ground::mask::mask_all(&mut words);
    if argv.len() > words.len() {
        words.push("…".to_owned());
    }
    sanitize::command(&words, COMMAND_WIDTH)
}

/// What would be lost and where, one line each, for both readers.
pub fn stakes(verdict: &Verdict) -> Vec<String> {
    let mut lines = Vec::new();
    match &verdict.preview {
        Preview::Unknown(why, _) => lines.push(format!(
            "would lose: unknown, because {}",
            sanitize::text(why)
        )),
        Preview::Exact(loss) if loss.is_none() && verdict.effect == Effect::Allow => {
            lines.push("would lose: nothing".to_owned());
        }
        Preview::Exact(loss) if loss.is_none() => {
            lines.push("would lose: nothing that was measured".to_owned());
        }
        _ => {}
    }
    if let Some(loss) = verdict.preview.loss() {
        for line in loss.lines() {
            lines.push(format!("would lose: {line}"));
        }
    }
    for placed in &verdict.places {
        let place = placed.place;
        if verdict.rules.iter().any(|rule| {
            rule.path.contains(&place.name().into()) && !rule.path.iter().eq(["inside", "unknown"])
        }) {
            let line = format!(
                "{}: {}",
                sanitize::os(&placed.operand.text),
                place.describe()
            );
            if lines.len() > 12 {
                lines.push("…".to_owned());
                break;
            }
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    if let Some(environment) = &verdict.environment {
        lines.push(format!(
            "environment: {} ({})",
            environment.name,
            environment.signals.join("; ")
        ));
    }
    if let Some(loss) = verdict.preview.loss() {
        lines.extend(loss.facts.iter().map(|fact| format!("besides: {fact}")));
    }
    lines.extend(verdict.notes.iter().map(|note| format!("note: {note}")));
    lines
}

/// The reasons, with the rules that give them.
pub fn reasons(verdict: &Verdict) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for rule in verdict
        .rules
        .iter()
        .filter(|rule| rule.effect >= Effect::Backup)
    {
        let line = format!(
            "{} [{}]",
            sanitize::text(&rule.reason),
            sanitize::text(&rule.id)
        );
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// The question for the person, without the phrase; it fits into 80 columns.
pub fn question(argv: &[OsString], verdict: &Verdict, directory: &str, color: bool) -> String {
    let (bold, red, plain) = if color {
        ("\x1b[1m", "\x1b[1;31m", "\x1b[0m")
    } else {
        ("", "", "")
    };
    let mut text = format!("\n{red}guard: this command would destroy something{plain}\n");
    for line in stakes(verdict) {
        let (style, line) = match line.strip_prefix("would lose: ") {
            Some(loss) => (bold, loss),
            None if line.starts_with("environment: ") => (red, line.as_str()),
            None => ("", line.as_str()),
        };
        let line = wrapped(&format!("  {line}"));
        // The style ends before the line does, so that it never runs into what follows.
        let end = if style.is_empty() { "" } else { plain };
        let _ = writeln!(text, "{style}{}{end}", line.trim_end_matches('\n'));
    }
    for line in reasons(verdict) {
        text.push_str(&wrapped(&format!("  It {line}")));
    }
    text.push('\n');
    text.push_str(&row("command", &shown(argv)));
    text.push_str(&row("in", directory));
    if let Some(rule) = verdict.rules.first() {
        text.push_str(&row("safer", &sanitize::text(&rule.safer)));
    }
    text
}

/// The words that a person types: they name the thing and the size of the loss.
pub fn phrase(argv: &[OsString], verdict: &Verdict) -> String {
    let measured = verdict.preview.loss().filter(|loss| !loss.is_none());
    let words = match (&verdict.preview, measured) {
        (Preview::Unknown(..), _) | (_, None) => unmeasured(argv, verdict),
        (_, Some(loss)) => of_loss(loss),
    };
    let words = match &verdict.environment {
        Some(environment) => format!("{words} in {}", environment.name),
        None => words,
    };
    // What a person types has single blanks and plain characters, whatever the names hold.
    let plain = |character: char| {
        if character.is_ascii_graphic() {
            character
        } else {
            ' '
        }
    };
    let words: String = words.chars().map(plain).collect();
    words.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn of_loss(loss: &Loss) -> String {
    let more = if loss.lots.iter().any(|lot| lot.at_least) {
        "more than "
    } else {
        ""
    };
    let words = [
        loss.phrase.verb,
        &format!("{more}{}", loss.size()),
        &loss.phrase.place,
    ];
    words
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Without a measured size the command names itself: `run git push unmeasured`.
fn unmeasured(argv: &[OsString], verdict: &Verdict) -> String {
    if let Some(loss) = verdict.preview.loss()
        && matches!(verdict.preview, Preview::Exact(_))
        && !loss.phrase.place.is_empty()
    {
        // Nothing was counted, but the place alone is reason to ask.
        let place = loss
            .phrase
            .place
            .strip_prefix("in ")
            .unwrap_or(&loss.phrase.place);
        return format!("{} {place}", loss.phrase.verb);
    }
    let name = argv
        .first()
        .and_then(|name| std::path::Path::new(name).file_name());
    let mut words = vec!["run".to_owned(), name.map(sanitize::os).unwrap_or_default()];
    words.extend(
        argv.iter()
            .skip(1)
            .filter_map(|word| word.to_str())
            .filter(|word| {
                !word.starts_with('-') && word.bytes().all(|byte| byte.is_ascii_graphic())
            })
            .take(2)
            .map(|word| sanitize::cut(word, 40)),
    );
    words.push("unmeasured".to_owned());
    words.join(" ")
}
