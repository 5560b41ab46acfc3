//! `guard run`: start an agent with the shims first, and keep them first in everything below it.

use guard_ground::say;
use guard_toolbox::TOOLBOX;
use std::ffi::OsString;
use std::io::Write as _;

use anyhow::Context as _;
use clap::Args;

use guard_agents::run::RunPlan;
use guard_agents::run::layer::Layer;
use guard_ground::install::Places;
use guard_ground::{exit_code, sanitize};

const AFTER_HELP: &str = "Examples:
  guard run claude                    start Claude Code in this directory
  guard run codex exec 'fix the test' the agent's own options follow its name
  guard run -- ./my-agent --fast      any program: it counts as an agent
  guard run --dry-run codex           what would be set, layer by layer; starts nothing

This directory (its git top level) becomes the workspace: what the agent deletes outside of it is
asked about. Nothing of yours is edited; everything is set for this run only. guard becomes the
agent, so its exit status, signals and terminal are its own. See docs/run.md.";

/// Options of `guard run`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Options {
    /// Show the layers that would hold and what each sets. Starts nothing, writes nothing.
    #[arg(long, visible_alias = "layers")]
    dry_run: bool,
    /// The agent and its arguments.
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "AGENT"
    )]
    command: Vec<OsString>,
}

/// Runs `guard run`.
pub(super) fn run(options: &Options) -> anyhow::Result<i32> {
    let plan = match RunPlan::of(&TOOLBOX, &options.command, &Places::find()) {
        Ok(plan) => plan,
        Err(refusal) => {
            say::say(&refusal.why);
            return Ok(refusal.code);
        }
    };
    for note in &plan.notes {
        say::say(note);
    }
    if options.dry_run {
        show(&plan).context("standard output")?;
        return Ok(exit_code::OK);
    }
    let refusal = plan.start();
    say::say(&refusal.why);
    Ok(refusal.code)
}

fn show(plan: &RunPlan) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} would run: {}",
        plan.agent.unwrap_or("an agent that guard does not know"),
        sanitize::command(&plan.argv, 2000)
    )?;
    for layer in Layer::ALL {
        writeln!(out, "{:<17} {}", layer.name(), layer.describe())?;
        for step in plan.steps.iter().filter(|step| step.layer == layer) {
            writeln!(out, "{:<17}   {}", "", step.sets)?;
        }
    }
    Ok(())
}
