//! What guard says. Two readers: the agent, on stderr, and the person, on the terminal.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;

use crate::person::requests::{Refusal, Request};
use crate::person::statement::now;
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
pub fn shown(argv: &[OsString]) -> String {
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
        .filter(|rule| rule.effect >= Effect::Backup)
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

/// What whoever is blocked can do now.
#[derive(Debug)]
pub enum Next<'a> {
    /// Nothing: it is never allowed here.
    Denied,
    /// Nobody can be asked, for this reason.
    Nothing(&'a str),
    /// A person said no.
    Refused(&'a Refusal),
    /// A person can approve the request that was left.
    Approve {
        /// Why nobody was asked here.
        why: &'a str,
        /// The request.
        request: &'a Request,
        /// Whether a key to approve with is set up.
        has_key: bool,
    },
}

/// The message for the agent: what is blocked, why, and what to do now.
pub fn blocked(argv: &[OsString], verdict: &Verdict, next: &Next<'_>) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "guard: blocked: {}", shown(argv));
    for line in stakes(verdict) {
        let _ = writeln!(text, "  {line}");
    }
    for line in reasons(verdict) {
        let _ = writeln!(text, "  because it {line}");
    }
    match next {
        Next::Denied => {
            let _ = writeln!(
                text,
                "  This is never allowed here, and nothing was changed."
            );
        }
        Next::Nothing(why) => {
            let _ = writeln!(text, "  {why}\n  Nothing was changed.");
        }
        Next::Refused(refusal) => {
            let _ = write!(
                text,
                "  A person refused this ({}, request {}).",
                sanitize::text(&refusal.by),
                sanitize::text(&refusal.id)
            );
            if let Some(reason) = &refusal.reason {
                let _ = write!(text, " They say: {}", sanitize::text(reason));
            }
            let _ = writeln!(text, "\n  Nothing was changed.");
        }
        Next::Approve {
            why,
            request,
            has_key,
        } => {
            let id = &request.id;
            let _ = writeln!(text, "  {why}");
            let _ = writeln!(
                text,
                "  Nothing was changed. A person must approve it in a terminal of their own: guard approve {id}"
            );
            if !has_key {
                let _ = writeln!(
                    text,
                    "  (Before their first approval they set a passphrase there: guard key init)"
                );
            }
            let _ = writeln!(
                text,
                "  Tell them what you wanted to do and why. Once they have approved, run the same command \
                 again; the request is kept for {}.",
                duration(request.expires.saturating_sub(now()))
            );
        }
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

/// A number of seconds as people say it, rounded: `9 minutes`.
pub fn duration(seconds: u64) -> String {
    let units = [
        (86_400, "day"),
        (3600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let (size, name) = units
        .into_iter()
        .find(|(size, _)| seconds >= *size)
        .unwrap_or((1, "second"));
    let count = (seconds + size / 2) / size;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// Whether a person's terminal is to be shown colours (no-color.org).
pub fn colored() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// A text in lines of at most 80 columns, those after the first indented by two more; it ends with a
/// line break.
pub fn wrapped(text: &str) -> String {
    let indent = text.len() - text.trim_start_matches(' ').len();
    let (start, rest) = text.split_at(indent);
    let mut shown = String::new();
    fill(&mut shown, start, indent + 2, rest);
    shown
}

/// A text in lines of at most 80 columns, all of which begin where the first does, after `start`.
fn hanging(start: &str, text: &str) -> String {
    let mut shown = String::new();
    fill(&mut shown, start, start.chars().count(), text);
    shown
}

fn fill(into: &mut String, start: &str, indent: usize, text: &str) {
    const WIDTH: usize = 80;
    into.push_str(start);
    let mut column = start.chars().count();
    for (at, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if at > 0 && column + 1 + length > WIDTH {
            into.push('\n');
            into.push_str(&" ".repeat(indent));
            column = indent;
        } else if at > 0 {
            into.push(' ');
            column += 1;
        }
        into.push_str(word);
        column += length;
    }
    into.push('\n');
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
        text.push_str(&row("safer", &sanitize::text(rule.safer)));
    }
    text
}

/// A name and what it is, below one another on a screen.
pub fn row(name: &str, value: &str) -> String {
    hanging(&format!("  {name:<9} "), value)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_into_80_columns() {
        let words = "word ".repeat(40);
        for text in [wrapped(&format!("  {words}")), row("command", &words)] {
            assert!(
                text.lines().all(|line| line.chars().count() <= 80),
                "{text}"
            );
            assert_eq!(text.matches("word").count(), 40);
        }
        assert_eq!(wrapped("  short"), "  short\n");
        assert_eq!(row("in", "/app"), "  in        /app\n");
        // What is longer than a line stays whole: it has to be read, or copied.
        let long = "x".repeat(100);
        assert_eq!(
            wrapped(&format!("  a {long}")),
            format!("  a\n    {long}\n")
        );
    }

    #[test]
    fn durations() {
        for (seconds, shown) in [
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (600, "10 minutes"),
            (5400, "2 hours"),
            (86_400, "1 day"),
            (0, "0 seconds"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
    }
}
