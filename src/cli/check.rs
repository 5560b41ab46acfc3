//! `guard check`: the verdict as an exit code, and for many commands as JSON lines.

use guard_judge::load;
use guard_toolbox::TOOLBOX;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde::Deserialize;

use super::{explained, json};
use guard_core::context::{Consult, Context};
use guard_ground::exit_code;
use guard_ground::install::Places;
use guard_judge::judging::Judge;
use guard_judge::rules::Rules;

/// Options of `guard check`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Read JSON lines `{"command": "…", "cwd": "…"}` from standard input and answer each with one
    /// JSON line as `guard explain --json` prints it, without previews.
    #[arg(long, conflicts_with = "command")]
    batch: bool,
    /// One quoted string, read as a shell reads it, or the words of a command after `--`.
    #[arg(
        required_unless_present = "batch",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    command: Vec<OsString>,
}

/// One line of a batch.
#[derive(Debug, Deserialize)]
struct BatchLine<'a> {
    #[serde(borrow)]
    command: Cow<'a, str>,
    #[serde(borrow)]
    cwd: Option<Text<'a>>,
}

/// Borrowed where the line holds it as it is, which serde does for no `Cow` inside an `Option`.
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Runs `guard check`.
pub(super) fn run(options: &Options) -> anyhow::Result<i32> {
    if options.batch {
        return batch();
    }
    let (explained, broken) = super::explain::explain(&options.command, true);
    if let Some(broken) = broken {
        guard_ground::say::say(&format!(
            "your rules do not hold, the default rules do: {broken}"
        ));
        return Ok(exit_code::BROKEN);
    }
    Ok(match explained.verdict {
        "allow" | "backup" => exit_code::OK,
        _ => exit_code::BLOCKED,
    })
}

fn batch() -> anyhow::Result<i32> {
    let places = Places::find();
    let rules = load::load(&TOOLBOX, &places);
    if let Some(broken) = &rules.broken {
        guard_ground::say::say(&format!(
            "your rules do not hold, the default rules do: {broken}"
        ));
    }
    let here = std::env::current_dir().ok();
    let mut benches: HashMap<Option<PathBuf>, &Bench<'_>> = HashMap::new();
    // Most lines name the directory of the line before.
    let mut last: Option<(Option<String>, &Bench<'_>)> = None;
    let mut input = BufReader::with_capacity(1 << 16, std::io::stdin().lock());
    let mut output = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut line = Vec::new();
    let mut answer = Vec::new();
    let mut unreadable = false;
    loop {
        line.clear();
        if input
            .read_until(b'\n', &mut line)
            .context("standard input")?
            == 0
        {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<BatchLine<'_>>(&line) {
            Ok(read) => {
                let named = read.cwd.as_ref().map(|cwd| &*cwd.0);
                let bench = match &last {
                    Some((before, bench)) if before.as_deref() == named => *bench,
                    _ => {
                        let cwd = named.map(PathBuf::from).or_else(|| here.clone());
                        let bench = *benches
                            .entry(cwd)
                            .or_insert_with_key(|cwd| Bench::leaked(cwd.clone(), &places, &rules));
                        last = Some((named.map(str::to_owned), bench));
                        bench
                    }
                };
                let script = bench.read(&read.command);
                let explained = explained::judge(script, &bench.judge, &rules, bench.context);
                answer.clear();
                json::write(&explained, &mut answer).context("JSON")?;
                output.write_all(&answer).context("standard output")?;
            }
            Err(error) => {
                unreadable = true;
                let answer = serde_json::json!({
                    "commands": [], "verdict": "confirm",
                    "problem": format!("this line is not {{\"command\": …, \"cwd\": …}}: {error}"),
                });
                serde_json::to_writer(&mut output, &answer).context("standard output")?;
            }
        }
        output.write_all(b"\n").context("standard output")?;
        // Who writes one line and waits for its answer gets it.
        if input.buffer().is_empty() {
            output.flush().context("standard output")?;
        }
    }
    output.flush().context("standard output")?;
    Ok(if unreadable {
        exit_code::USAGE
    } else {
        exit_code::OK
    })
}

/// What is the same for all commands in one directory.
struct Bench<'a> {
    context: &'a Context,
    judge: Judge<'a>,
    home: Option<PathBuf>,
}

impl<'a> Bench<'a> {
    /// Lives as long as the batch: one for each directory that it names.
    fn leaked(directory: Option<PathBuf>, places: &'a Places, rules: &'a Rules) -> &'a Self {
        let context: &'a Context = Box::leak(Box::new(Context::new(
            TOOLBOX.nested,
            directory,
            Consult::Files,
        )));
        Box::leak(Box::new(Self {
            context,
            judge: Judge::new(&TOOLBOX, rules, places, context, &|| None).without_preview(),
            home: context.value("HOME").map(PathBuf::from),
        }))
    }

    fn read(&self, command: &str) -> guard_shell::Script {
        let known = guard_shell::Known {
            home: self.home.as_deref(),
            directory: self.context.directory.as_deref(),
        };
        guard_shell::read(command, &known)
    }
}
