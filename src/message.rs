//! What guard says. Two readers: the agent, on stderr, and the person, on the terminal.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;

use crate::preview::{Loss, Preview};
use crate::sanitize;
use crate::verdict::{Effect, Verdict};

/// How much of a long command is shown.
const COMMAND_WIDTH: usize = 300;

/// Prints one line to stderr. A closed or full stderr changes nothing: the exit code says it too.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "guard: {line}");
}

/// Prints a text to stderr.
pub fn print(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// A command for a screen: secrets masked, and no longer than a few lines.
fn shown(argv: &[OsString]) -> String {
    let mut words: Vec<String> = argv
        .iter()
        .take(64)
        .map(|word| sanitize::os(word))
        .collect();
    crate::audit::mask_all(&mut words);
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
        if verdict
            .rules
            .iter()
            .any(|rule| rule.path.contains(&place.name()) && rule.path != ["inside", "unknown"])
        {
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
        .filter(|rule| rule.effect >= Effect::Confirm)
    {
        let line = format!(
            "{} [{}]",
            sanitize::text(rule.reason),
            sanitize::text(rule.id)
        );
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// The message for the agent: what is blocked, why, and what to do now.
pub fn blocked(argv: &[OsString], verdict: &Verdict, why_no_person: &str) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "guard: blocked: {}", shown(argv));
    for line in stakes(verdict) {
        let _ = writeln!(text, "  {line}");
    }
    for line in reasons(verdict) {
        let _ = writeln!(text, "  because it {line}");
    }
    if verdict.effect == Effect::Deny {
        let _ = writeln!(
            text,
            "  This is never allowed here, and nothing was changed."
        );
    } else {
        let _ = writeln!(text, "  {why_no_person}");
        let _ = writeln!(
            text,
            "  Nothing was changed. Only a person can approve this, by running the same command in a\n  \
             terminal of their own: tell them what you wanted to do and why."
        );
    }
    let _ = writeln!(
        text,
        "  Do not look for another way to the same end (another path, shell, language or tool)."
    );
    if let Some(rule) = verdict.rules.first() {
        let _ = writeln!(text, "  Safer: {}", sanitize::text(rule.safer));
    }
    text
}

/// The question for the person, without the phrase.
pub fn question(argv: &[OsString], verdict: &Verdict, directory: &str, color: bool) -> String {
    let (bold, red, plain) = if color {
        ("\x1b[1m", "\x1b[1;31m", "\x1b[0m")
    } else {
        ("", "", "")
    };
    let mut text = String::new();
    let _ = writeln!(
        text,
        "\n{red}guard: this command would destroy something{plain}"
    );
    for line in stakes(verdict) {
        match line.strip_prefix("would lose: ") {
            Some(loss) => {
                let _ = writeln!(text, "  {bold}{loss}{plain}");
            }
            None => {
                let _ = writeln!(text, "  {line}");
            }
        }
    }
    for line in reasons(verdict) {
        let _ = writeln!(text, "  It {line}");
    }
    let _ = writeln!(text, "\n  command   {}", shown(argv));
    let _ = writeln!(text, "  in        {directory}");
    if let Some(rule) = verdict.rules.first() {
        let _ = writeln!(text, "  safer     {}", sanitize::text(rule.safer));
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
    let more = if loss.parts.iter().any(|part| part.at_least) {
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
