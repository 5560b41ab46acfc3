//! `guard plan`: commands that would change something are recorded, and a person walks through them.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, bail};
use clap::Subcommand;

use super::terminal::{AtTerminal, Office};
use crate::agent::Agent;
use crate::audit::Entry;
use crate::context::{Consult, Context};
use crate::exit_code;
use crate::invocation::Word;
use crate::judge::Judge;
use crate::message;
use crate::person::hold::{Holds, Planned};
use crate::person::size::Size;
use crate::person::statement::{Kind, Statement};
use crate::tools::{self, Tool};
use crate::verdict::{Effect, Verdict};
use crate::{real_tool, sanitize};

/// What to do with the plan.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// From now on what would change something is recorded, and not run.
    On,
    /// Run commands again as they come. Takes your proof; what was recorded stays recorded.
    Off,
    /// Show what was recorded.
    Show,
    /// Walk through what was recorded: look, approve, run, one after the other.
    Apply,
    /// Take a command off the list, or all of them.
    Drop {
        /// Its number.
        number: Option<u32>,
    },
}

/// Runs `guard plan`.
pub(super) fn run(action: &Action) -> anyhow::Result<i32> {
    let office = Office::open()?;
    let holds = Holds::new(&office.state);
    match action {
        Action::On => {
            holds
                .start_plan()
                .context("plan mode cannot be turned on")?;
            office.log(&Entry::of_guard(&["guard", "plan", "on"], "plan mode on"))?;
            println!(
                "Plan mode is on: what would change something is recorded. See: guard plan show"
            );
            Ok(exit_code::OK)
        }
        Action::Off => off(&office, &holds),
        Action::Show => show(&holds),
        Action::Apply => apply(&office, &holds),
        Action::Drop { number } => drop_some(&office, &holds, *number),
    }
}

fn off(office: &Office, holds: &Holds) -> anyhow::Result<i32> {
    if !holds.is_planning() {
        bail!("plan mode is not on");
    }
    let mut person = office.person()?;
    let statement = Statement {
        shown: vec!["plan mode ends".to_owned()],
        ..Statement::new(Kind::Plan, "off", 0)
    };
    let proof = person.sign(&statement, None)?;
    office.log(&Entry {
        evidence: person.evidence.clone(),
        proof: Some(proof),
        ..Entry::of_guard(&["guard", "plan", "off"], "plan mode off")
    })?;
    holds.end_plan().context("plan mode cannot be turned off")?;
    holds.tidy();
    person.show("\nPlan mode is off.\n");
    Ok(exit_code::OK)
}

fn command(planned: &Planned) -> Vec<OsString> {
    planned.argv.iter().map(|word| word.0.clone()).collect()
}

fn describe(planned: &Planned) -> String {
    let directory = planned
        .cwd
        .as_ref()
        .map_or_else(|| "?".to_owned(), |path| sanitize::os(&path.0));
    let mut text = format!(
        "{:>4}  {}\n      in {directory}{}\n",
        planned.number,
        message::shown(&command(planned)),
        planned
            .agent
            .as_ref()
            .map_or_else(String::new, |agent| format!(
                ", by {}",
                sanitize::text(agent)
            ))
    );
    for line in &planned.lines {
        text.push_str(&message::wrapped(&format!(
            "      {}",
            sanitize::text(line)
        )));
    }
    text
}

fn show(holds: &Holds) -> anyhow::Result<i32> {
    let mut out = std::io::stdout().lock();
    let planned = holds.planned();
    let mode = if holds.is_planning() { "on" } else { "off" };
    let mut text = format!("Plan mode is {mode}; {} recorded.\n", planned.len());
    for one in &planned {
        text.push_str(&describe(one));
    }
    out.write_all(text.as_bytes()).context("standard output")?;
    Ok(exit_code::OK)
}

fn drop_some(office: &Office, holds: &Holds, number: Option<u32>) -> anyhow::Result<i32> {
    let chosen: Vec<Planned> = holds
        .planned()
        .into_iter()
        .filter(|planned| number.is_none_or(|number| planned.number == number))
        .collect();
    if chosen.is_empty() {
        bail!("nothing of the kind is recorded; see: guard plan show");
    }
    for planned in &chosen {
        office.log(&Entry {
            argv: Entry::argv(&command(planned)),
            tool: planned.tool.clone(),
            ..Entry::of_guard(&[], "dropped from the plan")
        })?;
        holds.drop_planned(planned).context("the plan")?;
    }
    holds.tidy();
    println!("Dropped: {}", chosen.len());
    Ok(exit_code::OK)
}

fn apply(office: &Office, holds: &Holds) -> anyhow::Result<i32> {
    let planned = holds.planned();
    if planned.is_empty() {
        bail!("nothing is recorded; see: guard plan show");
    }
    let mut person = office.person()?;
    let mut text = String::from("\nguard: the plan\n\n");
    for one in &planned {
        text.push_str(&describe(one));
    }
    person.show(&text);
    person.show(
        "\nYour proof comes first; then each command is shown, measured afresh, and asked about.\n",
    );
    let statement = Statement {
        shown: planned.iter().map(describe).collect(),
        ..Statement::new(Kind::Plan, "apply", 0)
    };
    let proof = person.sign(&statement, None)?;
    office.log(&Entry {
        evidence: person.evidence.clone(),
        proof: Some(proof),
        ..Entry::of_guard(&["guard", "plan", "apply"], "the plan is walked through")
    })?;
    let mut worst = exit_code::OK;
    for one in &planned {
        match step(office, holds, &mut person, one)? {
            Step::Ran(0) | Step::Skipped => {}
            Step::Ran(code) => {
                worst = code;
                person.show(&format!(
                    "\nIt ended with {code}; the commands after it are still recorded.\n"
                ));
                break;
            }
        }
    }
    holds.tidy();
    Ok(worst)
}

enum Step {
    Skipped,
    Ran(i32),
}

/// One command: shown, asked about, run.
fn step(
    office: &Office,
    holds: &Holds,
    person: &mut AtTerminal<'_>,
    planned: &Planned,
) -> anyhow::Result<Step> {
    let tool = Tool::known(planned.tool.as_ref())
        .unwrap_or_else(|| Tool::Other(Box::leak(planned.tool.clone().into_boxed_str())));
    let argv = command(planned);
    let overlay: Vec<(OsString, Option<OsString>)> = planned
        .variables
        .iter()
        .map(|(name, value)| (name.into(), Some(value.0.clone())))
        .collect();
    let directory = planned.cwd.as_ref().map(|path| PathBuf::from(&path.0));
    let mut context =
        Context::new(directory.clone(), Consult::Tools).with_variables(overlay.clone());
    let input = planned.input_kept.then(|| holds.input_of(planned));
    if let Some(file) = &input {
        context.input = crate::context::Input::Text(std::fs::read(file).context("the input")?);
    }
    let words: Vec<Word> = argv.iter().skip(1).map(Word::known).collect();
    let invocation = tools::read(tool, &words, &context);
    let progress = || None;
    let agent = directory.as_ref().map(|directory| Agent {
        name: "an agent",
        evidence: String::new(),
        directory: Some(directory.clone()),
    });
    let judge = Judge::new(&office.rules, &office.places, &context, &progress).for_agent(agent);
    let verdict = judge.judge(&invocation);
    if verdict.effect == Effect::Deny {
        person.show(&format!(
            "\n{}: never allowed, so it is passed over\n",
            message::shown(&argv)
        ));
        return Ok(Step::Skipped);
    }
    let shown = directory
        .as_deref()
        .map_or_else(|| "?".to_owned(), sanitize::path);
    let (text, phrase) = if verdict.effect >= Effect::Confirm {
        (
            message::question(&argv, &verdict, &shown, message::colored()),
            message::phrase(&argv, &verdict),
        )
    } else {
        let text = format!(
            "\nguard: number {}: nothing would be lost\n\n  command   {}\n  in        {shown}\n",
            planned.number,
            message::shown(&argv)
        );
        (text, format!("run {}", planned.number))
    };
    if person.agrees(&text, &phrase).is_err() {
        person.show("Passed over; it is still recorded.\n");
        return Ok(Step::Skipped);
    }
    let again = judge.judge(&invocation);
    if again.effect > verdict.effect
        || !Size::of(&verdict.preview).covers(&Size::of(&again.preview))
    {
        person.show("What would be lost has grown meanwhile; it is still recorded.\n");
        return Ok(Step::Skipped);
    }
    let input = input.map(File::open).transpose().context("the input")?;
    log_step(office, person, planned, tool, &verdict)?;
    holds.drop_planned(planned).context("the plan")?;
    let program = real_tool::find(tool.name().as_ref(), std::env::var_os("PATH").as_deref())
        .ok_or_else(|| anyhow!("the real {} was not found on PATH", tool.name()))?;
    let mut child = Command::new(program);
    child
        .arg0(argv.first().cloned().unwrap_or_default())
        .args(argv.iter().skip(1))
        .envs(
            overlay
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    if let Some(directory) = directory {
        child.current_dir(directory);
    }
    if let Some(file) = input {
        child.stdin(Stdio::from(file));
    }
    let status = child.status().context("the command")?;
    Ok(Step::Ran(status.code().unwrap_or(exit_code::FAILURE)))
}

fn log_step(
    office: &Office,
    person: &AtTerminal<'_>,
    planned: &Planned,
    tool: Tool,
    verdict: &Verdict,
) -> anyhow::Result<()> {
    office.log(&Entry {
        agent: planned.agent.clone(),
        evidence: person.evidence.clone(),
        ..Entry::of_command(
            tool,
            &command(planned),
            planned
                .cwd
                .as_ref()
                .map(|path| std::path::Path::new(&path.0)),
            verdict,
            &format!(
                "approved at the terminal, number {} of the plan",
                planned.number
            ),
        )
    })
}
