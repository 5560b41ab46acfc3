//! `guard explain`: how guard reads a command, what matched and why. Runs nothing.

use guard_judge::load;
use guard_toolbox::TOOLBOX;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;
use clap::Args;

use super::explained::{self, Explained, ExplainedCommand};
use guard_core::context::{Consult, Context};
use guard_ground::exit_code;
use guard_ground::install::Places;
use guard_ground::sanitize;
use guard_judge::judging::Judge;
use guard_words::Effect;

/// Options of `guard explain`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Do not measure what would be lost.
    #[arg(long)]
    no_preview: bool,
    /// One quoted string, read as a shell reads it, or the words of a command after `--`.
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    command: Vec<OsString>,
}

/// Judges the command as a shim would, without being one.
pub(super) fn explain(command: &[OsString], measures: bool) -> (Explained, Option<String>) {
    let places = Places::find();
    let rules = load::load(&TOOLBOX, &places);
    let context = Context::new(TOOLBOX.nested, std::env::current_dir().ok(), Consult::Tools);
    let judge = Judge::new(&TOOLBOX, &rules, &places, &context, &|| None);
    let judge = if measures {
        judge
    } else {
        judge.without_preview()
    };
    let script = explained::read(command, &context);
    let broken = rules.broken.as_ref().map(ToString::to_string);
    (explained::judge(script, &judge, &rules, &context), broken)
}

/// Runs `guard explain`.
pub(super) fn run(options: &Options) -> anyhow::Result<i32> {
    let (explained, broken) = explain(&options.command, !options.no_preview);
    if let Some(broken) = &broken {
        guard_ground::say::say(&format!(
            "your rules do not hold, the default rules do: {broken}"
        ));
    }
    let mut out = std::io::stdout().lock();
    if options.json {
        let text = serde_json::to_string_pretty(&explained)
            .context("the answer cannot be written as JSON")?;
        writeln!(out, "{text}").context("standard output")?;
    } else {
        let color = std::io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        out.write_all(text(&explained, color).as_bytes())
            .context("standard output")?;
    }
    Ok(exit_code::OK)
}

fn text(explained: &Explained, color: bool) -> String {
    let mut text = String::new();
    for one in &explained.commands {
        describe(one, color, &mut text);
    }
    // Writing to a String cannot fail.
    if let Some(problem) = &explained.problem {
        let _ = writeln!(
            text,
            "guard cannot read all of it: {}\n",
            sanitize::text(problem)
        );
    }
    if explained.commands.len() != 1 || explained.problem.is_some() {
        let _ = writeln!(text, "Together: {}", painted(explained.verdict, color));
    }
    text
}

fn painted(verdict: &str, color: bool) -> String {
    let code = match verdict {
        "allow" => "32",
        "deny" => "1;31",
        _ => "1;33",
    };
    if color {
        format!("\x1b[{code}m{verdict}\x1b[0m")
    } else {
        verdict.to_owned()
    }
}

fn describe(one: &ExplainedCommand, color: bool, text: &mut String) {
    let _ = writeln!(text, "{}", sanitize::command(&one.argv, 400));
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<10} {value}");
    };
    if let Some(details) = &one.details {
        row("read as", &reading(&details.invocation));
        for placed in details.places.iter().take(20) {
            let path = placed
                .path
                .as_ref()
                .map(|path| sanitize::path(path.as_path()));
            row(
                "path",
                &format!(
                    "{}: {} ({})",
                    sanitize::os(&placed.operand.text),
                    placed.place.describe(),
                    path.as_deref().unwrap_or("?")
                ),
            );
        }
    } else {
        row("tool", "none that guard covers");
    }
    for rule in &one.rules {
        row(
            "rule",
            &format!(
                "{} ({}): it {}",
                rule.id,
                rule.effect,
                sanitize::text(&rule.reason)
            ),
        );
    }
    for line in one.details.iter().flat_map(|details| &details.lines) {
        if let Some((name @ ("would lose" | "besides" | "environment"), rest)) =
            line.split_once(": ")
        {
            row(name, rest);
        }
    }
    for note in &one.notes {
        row("note", &sanitize::text(note));
    }
    let meaning = match one.effect {
        Effect::Allow => "it would run at once",
        Effect::Backup => "it would run after a backup",
        Effect::Confirm => "a person would have to type a phrase first",
        Effect::Deny => "it would never run",
    };
    row(
        "verdict",
        &format!("{}: {meaning}", painted(one.verdict, color)),
    );
    if let Some(rule) = one.rules.first().filter(|_| one.effect >= Effect::Confirm) {
        row("safer", &sanitize::text(&rule.safer));
    }
    text.push('\n');
}

fn reading(invocation: &guard_core::invocation::Invocation) -> String {
    let mut text = invocation.tool.to_string();
    for word in &invocation.verb {
        let _ = write!(text, " {}", sanitize::text(word));
    }
    for flag in &invocation.flags {
        let name = if flag.long.is_empty() {
            format!("-{}", char::from(flag.short))
        } else {
            format!("--{}", flag.long)
        };
        let _ = write!(text, " {}", sanitize::text(&name));
        if let Some(value) = &flag.value {
            let _ = write!(
                text,
                "={}",
                sanitize::cut(&guard_ground::mask::mask(&sanitize::os(value)), 60)
            );
        }
    }
    if invocation.inert {
        text.push_str(" (help, version or a dry run: nothing happens)");
    }
    text
}
