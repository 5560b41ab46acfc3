//! `guard rules`: the rules that hold here, and the check of their examples.

use guard_judge::load;
use guard_toolbox::TOOLBOX;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use guard_ground::install::Places;
use guard_ground::{exit_code, sanitize};
use guard_judge::examples;
use guard_judge::rules::Rules;

/// Options of `guard rules`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the default rules and your own.
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Check every rule against its own examples: the default rules, and a file (by default yours).
    Test {
        /// A rules file.
        file: Option<PathBuf>,
    },
}

/// Runs `guard rules`.
pub(super) fn run(options: &Options) -> anyhow::Result<i32> {
    match &options.action {
        Action::List { json } => list(*json),
        Action::Test { file } => test(file.clone()),
    }
}

fn list(json: bool) -> anyhow::Result<i32> {
    let rules = load::load(&TOOLBOX, &Places::find());
    if let Some(broken) = &rules.broken {
        guard_ground::say::say(&format!(
            "your rules do not hold, the default rules do: {broken}"
        ));
    }
    let mut out = std::io::stdout().lock();
    for rule in rules.all() {
        if json {
            let line = serde_json::json!({
                "id": rule.id, "tool": rule.tool, "effect": rule.effect.name(), "always": rule.always,
                "reason": rule.reason, "safer": rule.safer, "origin": if rule.by_user { "user" } else { "default" },
            });
            writeln!(out, "{line}")?;
        } else {
            let origin = if rule.by_user { "  (yours)" } else { "" };
            writeln!(
                out,
                "{:<28} {:<8} it {}{origin}",
                sanitize::text(&rule.id),
                rule.effect.name(),
                sanitize::text(&rule.reason)
            )?;
        }
    }
    Ok(exit_code::OK)
}

fn test(file: Option<PathBuf>) -> anyhow::Result<i32> {
    let mut rules = Rules::defaults();
    for rule in rules.all() {
        if let Err(what) = examples::check(&TOOLBOX, &rule, &rules) {
            bail!("rules.toml (the default rules): rule {}: {what}", rule.id);
        }
    }
    let defaults = rules.all().count();
    let given = file.is_some();
    let mut out = std::io::stdout().lock();
    if let Some(file) = file.or_else(|| Places::find().rules_file()) {
        match load::read(&file) {
            Ok((source, _)) => {
                if let Err(problem) = load::parse(&TOOLBOX, &source, &mut rules) {
                    let rule = problem
                        .rule
                        .map(|rule| format!("rule {rule}: "))
                        .unwrap_or_default();
                    bail!(
                        "{}:{}: {rule}{}",
                        sanitize::path(&file),
                        problem.line,
                        problem.what
                    );
                }
                writeln!(
                    out,
                    "{}: rules: {}, all examples hold",
                    sanitize::path(&file),
                    rules.added().count()
                )?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !given => {}
            Err(error) => return Err(error).context(sanitize::path(&file)),
        }
    }
    writeln!(out, "default rules: {defaults}, all examples hold")?;
    Ok(exit_code::OK)
}
