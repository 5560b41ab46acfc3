//! `guard plan`: commands that would change something are recorded, and a person walks through them.

use crate::decide::{Outcome, Way, decide, entry, saver};
use guard_core::name::ToolName;
use guard_ground::spool;
use guard_ground::text;
use guard_judge::case::Case;
use guard_toolbox::TOOLBOX;
use std::ffi::OsString;
use std::io::{Seek as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, bail};
use clap::Subcommand;

use super::menu;
use super::terminal::{AtTerminal, Office};
use guard_audit::entry::Entry;
use guard_backup as backup;
use guard_core::agent::Agent;
use guard_core::context::{Consult, Context, Input};
use guard_core::invocation::Word;
use guard_core::message;
use guard_core::verdict::Verdict;
use guard_ground::exit_code;
use guard_ground::shelf;
use guard_ground::{real_tool, sanitize};
use guard_person::hold::{Holds, Planned};
use guard_person::size::Size;
use guard_person::statement::{Kind, Statement};

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

fn describe(planned: &Planned) -> String {
    let directory = planned
        .cwd
        .as_ref()
        .map_or_else(|| "?".to_owned(), |path| sanitize::os(&path.0));
    let mut text = format!(
        "{:>4}  {}\n      in {directory}{}\n",
        planned.number,
        message::shown(&planned.command()),
        planned
            .agent
            .as_ref()
            .map_or_else(String::new, |agent| format!(
                ", by {}",
                sanitize::text(agent)
            ))
    );
    for (name, value) in &planned.variables {
        if name != "HOME" {
            let value = guard_ground::mask::mask(&sanitize::os(&value.0));
            let line = sanitize::text(&format!("with {name}={value}"));
            text.push_str(&text::wrapped(&format!("      {line}")));
        }
    }
    for line in &planned.lines {
        text.push_str(&text::wrapped(&format!("      {}", sanitize::text(line))));
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
            argv: guard_ground::mask::masked(&planned.command()),
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
    let mut planned = holds.planned();
    if planned.is_empty() {
        bail!("nothing is recorded; see: guard plan show");
    }
    let mut person = office.person()?;
    if planned.len() > 1 && menu::has_terminal() {
        let lines: Vec<String> = planned
            .iter()
            .map(|one| format!("{:>4}  {}", one.number, message::shown(&one.command())))
            .collect();
        let chosen = menu::some("Walk through which ones?", &lines, true)?;
        let mut at = 0..;
        planned.retain(|_| at.next().is_some_and(|at| chosen.contains(&at)));
        if planned.is_empty() {
            bail!("nothing was chosen");
        }
    }
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
        let taken = PlanStep::of(holds, one)
            .with_context(|| format!("number {}", one.number))?
            .take(office, holds, &mut person)?;
        match taken {
            Taken::Ran(0) | Taken::PassedOver => {}
            Taken::Ran(code) => {
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

/// What became of a planned command.
enum Taken {
    PassedOver,
    Ran(i32),
}

/// A planned command, as it would run now.
struct PlanStep<'p> {
    planned: &'p Planned,
    tool: ToolName,
    argv: Vec<OsString>,
    context: Context,
    variables: Vec<(OsString, OsString)>,
    input: Option<Vec<u8>>,
}

impl<'p> PlanStep<'p> {
    fn of(holds: &Holds, planned: &'p Planned) -> anyhow::Result<Self> {
        let tool = TOOLBOX.named(&planned.tool);
        if !planned.is_consistent(&TOOLBOX) {
            bail!("it was changed after guard wrote it");
        }
        let variables: Vec<(OsString, OsString)> = planned
            .variables
            .iter()
            .map(|(name, value)| (name.into(), value.0.clone()))
            .collect();
        let overlay = variables
            .iter()
            .map(|(name, value)| (name.clone(), Some(value.clone())))
            .collect();
        let mut context = Context::new(TOOLBOX.nested, planned.directory(), Consult::Tools)
            .with_variables(overlay);
        // Read once: what is judged is what the command is given.
        let input = planned
            .input_kept
            .then(|| shelf::read(&holds.input_of(planned)).context("its input"))
            .transpose()?;
        if let Some(text) = &input {
            context.input = Input::Text(text.clone());
        }
        Ok(Self {
            planned,
            tool,
            argv: planned.command(),
            context,
            variables,
            input,
        })
    }

    /// Shows it, asks about it, runs it.
    fn take(
        &self,
        office: &Office,
        holds: &Holds,
        person: &mut AtTerminal<'_>,
    ) -> anyhow::Result<Taken> {
        let words: Vec<Word> = self.argv.iter().skip(1).map(Word::known).collect();
        let invocation = TOOLBOX.read(&self.tool, &words, &self.context);
        let agent = self.planned.directory().map(|directory| Agent {
            name: "an agent",
            evidence: String::new(),
            directory: Some(directory),
        });
        let judge = office.judge(&self.context).for_agent(agent);
        let verdict = judge.judge(&invocation);
        let case = Case {
            tools: &TOOLBOX,
            rules: &office.rules,
            places: &office.places,
            argv: &self.argv,
            invocation: &invocation,
            context: &self.context,
            judge: &judge,
        };
        let obstacle = match decide(&case, &verdict, Way::Plan) {
            Outcome::Denied => Some("it is never allowed".to_owned()),
            Outcome::Held(_) => Some("it is frozen; see: guard freeze --list".to_owned()),
            Outcome::Impossible(why) => Some(why),
            Outcome::Unruled(broken) => Some(format!(
                "it may change something, and your own rules about it cannot be read: {broken}"
            )),
            _ if verdict.approvals() > 1 => Some(format!(
                "it takes the approvals of {} people, so it has to be tried once plan mode is off",
                verdict.approvals()
            )),
            _ => None,
        };
        if let Some(obstacle) = obstacle {
            let shown = message::shown(&self.argv);
            person.show(&text::wrapped(&format!(
                "\n{shown}: passed over: {obstacle}"
            )));
            return Ok(Taken::PassedOver);
        }
        let (text, phrase) = self.question(&verdict);
        if person.agrees(&text, &phrase).is_err() {
            person.show("Passed over; it is still recorded.\n");
            return Ok(Taken::PassedOver);
        }
        let again = judge.judge(&invocation);
        if again.effect > verdict.effect
            || !Size::of(&verdict.preview).covers(&Size::of(&again.preview))
        {
            person.show("What would be lost has grown meanwhile; it is still recorded.\n");
            return Ok(Taken::PassedOver);
        }
        if let Some(saved) = saver(&case).take(&again) {
            let line = match saved {
                Ok(saved) => backup::announcement(&saved),
                Err(why) => format!("not saved first: {why}"),
            };
            person.show(&format!("{line}\n"));
        }
        let answer = format!(
            "approved at the terminal, number {} of the plan",
            self.planned.number
        );
        office.log(&Entry {
            agent: self.planned.agent.clone(),
            evidence: person.evidence.clone(),
            ..entry(&case, &verdict, &answer)
        })?;
        holds.drop_planned(self.planned).context("the plan")?;
        self.run().map(Taken::Ran)
    }

    /// What is shown, and the phrase that is asked for.
    fn question(&self, verdict: &Verdict) -> (String, String) {
        let directory = self.planned.directory();
        let shown = directory
            .as_deref()
            .map_or_else(|| "?".to_owned(), sanitize::path);
        if verdict.effect.asks() {
            return (
                message::question(&self.argv, verdict, &shown, text::colored()),
                message::phrase(&self.argv, verdict),
            );
        }
        let number = self.planned.number;
        let mut text = format!("\nguard: number {number}: nothing would be lost\n\n");
        text.push_str(&text::row("command", &message::shown(&self.argv)));
        text.push_str(&text::row("in", &shown));
        (text, format!("run {number}"))
    }

    /// Runs the real tool; its exit code.
    fn run(&self) -> anyhow::Result<i32> {
        let name = self.tool.as_str();
        let program = real_tool::find(name.as_ref(), std::env::var_os("PATH").as_deref())
            .ok_or_else(|| anyhow!("the real {name} was not found on PATH"))?;
        let mut child = Command::new(program);
        child
            .arg0(self.argv.first().cloned().unwrap_or_default())
            .args(self.argv.iter().skip(1))
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = self.planned.directory() {
            child.current_dir(directory);
        }
        if let Some(text) = &self.input {
            let mut file = spool::file().context("its input")?;
            file.write_all(text).context("its input")?;
            file.rewind().context("its input")?;
            child.stdin(Stdio::from(file));
        }
        let status = child.status().context("the command")?;
        Ok(status.code().unwrap_or(exit_code::FAILURE))
    }
}
