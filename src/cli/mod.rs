//! `guard` under its own name: the commands for people and programs. clap lives only here.

mod allow;
mod approve;
mod backups;
mod check;
mod doctor;
mod explain;
mod explained;
mod freeze;
mod hook;
mod json;
mod key;
mod lock;
mod log;
mod menu;
mod pending;
mod plan;
mod rules;
mod run;
mod setup;
mod sql;
mod terminal;
mod undo;

use std::ffi::OsString;
use std::io::Write as _;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use guard_ground::exit_code;

/// The last stop before an AI agent's command destroys something.
///
/// guard stands on an agent's PATH as rm, git, kubectl, terraform, psql and aws. It reads the
/// command that would really run, measures what would be lost, and becomes the real tool when
/// nothing is at stake, or when a person has typed the words that name the loss.
#[derive(Debug, Parser)]
#[command(name = "guard", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Commands,
}

const AFTER_HELP: &str = "Examples:
  guard run claude                                 start an agent so that the shims hold
  guard explain 'rm -rf build ../shared/uploads'   what would guard do, and why?
  guard explain --json -- git push --force         the same for programs
  guard check 'git reset --hard' && echo harmless  as an exit code: 0 or 77
  guard approve 7F3K                               look at a blocked command and let it run once
  guard undo                                       bring back what the last command here destroyed
  guard setup claude shell                         write guard into Claude Code's and your shells' files
  guard freeze --for 2h                            nothing changes until then, or until guard thaw
  guard log --since 1h                             what was asked, blocked, let through
  guard rules list                                 the rules that hold here

Exit codes of a shim: the real tool's own; 77 blocked; 78 guard's configuration is broken and the
command was not plainly harmless; 127 the real tool was not found.";

#[derive(Debug, Subcommand)]
enum Commands {
    /// Start an agent with the shims first, and keep them first in everything below it.
    Run(run::Options),
    /// Show how guard reads a command, what matched and why, and what it would decide. Runs nothing.
    Explain(explain::Options),
    /// The verdict as an exit code: 0 (would run) or 77 (would not). Runs nothing.
    Check(check::Options),
    /// Look at a blocked command, measured afresh, and let it run once. Takes the phrase and your
    /// passphrase, in a terminal of your own.
    Approve(approve::Options),
    /// Refuse a blocked command, with a reason for the agent.
    Deny(pending::DenyOptions),
    /// Show what waits for an approval.
    Pending(pending::PendingOptions),
    /// Let one command run for a while without a question. Takes the same proof as an approval.
    Allow(allow::Options),
    /// Refuse everything that changes something, until `guard thaw`.
    Freeze(freeze::Options),
    /// End a freeze. Takes the same proof as an approval.
    Thaw(freeze::ThawOptions),
    /// Record what would change something instead of running it, and walk through it later.
    Plan {
        #[command(subcommand)]
        action: plan::Action,
    },
    /// Bring back what a command destroyed, from the backup that guard made first.
    Undo(undo::Options),
    /// Show the backups, remove some, or try in a drill whether they can be brought back.
    Backups(backups::Options),
    /// The keys that approvals are signed with.
    Key {
        #[command(subcommand)]
        action: key::Action,
    },
    /// Make rules and keys root's, so that the agent's user cannot change them: sudo guard lock.
    Lock,
    /// Make them the user's own again: sudo guard unlock.
    Unlock,
    /// Show what protects this shell and the agents on this machine, whose terminal this is, and what is
    /// missing. Proves each way by sending a command at a stand-in; exit code 1 when one is open.
    Doctor(doctor::Options),
    /// Answer an agent's hook: read what it is about to run from standard input, and deny what no
    /// shim will see. See docs/hooks.md.
    Hook(hook::Options),
    /// Write guard into an agent's own configuration, or into the shells' start-up files; --undo takes
    /// it out again. See docs/setup.md.
    Setup(setup::Options),
    /// Show the audit log, or check that it is whole.
    Log(log::Options),
    /// Show the rules, or check a rules file and its examples.
    Rules(rules::Options),
    /// Print SQL that protects a database by its own means. Runs nothing.
    Sql(sql::Options),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// The command line; what menus ask for may be left out where they can stand.
fn command() -> clap::Command {
    let command = Arguments::command();
    if !menu::has_terminal() {
        return command;
    }
    command.mut_subcommand("backups", |backups| {
        backups
            .mut_subcommand("show", |show| show.mut_arg("id", |id| id.required(false)))
            .mut_subcommand("rm", |rm| rm.mut_arg("ids", |ids| ids.required(false)))
    })
}

/// Runs `guard …`; the exit code.
pub fn run(argv: &[OsString]) -> i32 {
    let parsed = command().try_get_matches_from(argv);
    let arguments = match parsed.and_then(|found| Arguments::from_arg_matches(&found)) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return error.exit_code();
        }
    };
    let done = match arguments.command {
        Commands::Run(options) => run::run(&options),
        Commands::Explain(options) => explain::run(&options),
        Commands::Check(options) => check::run(&options),
        Commands::Approve(options) => approve::run(&options),
        Commands::Deny(options) => pending::deny(&options),
        Commands::Pending(options) => pending::run(&options),
        Commands::Allow(options) => allow::run(&options),
        Commands::Freeze(options) => freeze::run(&options),
        Commands::Thaw(options) => freeze::thaw(&options),
        Commands::Undo(options) => undo::run(&options),
        Commands::Backups(options) => backups::run(&options),
        Commands::Plan { action } => plan::run(&action),
        Commands::Key { action } => key::run(&action),
        Commands::Lock => lock::lock(),
        Commands::Unlock => lock::unlock(),
        Commands::Doctor(options) => doctor::run(&options),
        Commands::Hook(options) => Ok(hook::run(&options)),
        Commands::Setup(options) => setup::run(&options),
        Commands::Log(options) => log::run(&options),
        Commands::Rules(options) => rules::run(&options),
        Commands::Sql(options) => sql::run(&options),
        Commands::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Arguments::command(),
                "guard",
                &mut std::io::stdout(),
            );
            Ok(exit_code::OK)
        }
    };
    // Nothing else does: the standard library's own exit is not used (see main.rs).
    let _ = std::io::stdout().flush();
    done.unwrap_or_else(|error| {
        guard_ground::say::say(&guard_ground::sanitize::text(&format!("{error:#}")));
        exit_code::FAILURE
    })
}

/// The reference of all commands and options, as `guard --help` and its subcommands print it.
#[cfg(test)]
pub(crate) fn reference() -> String {
    let mut command = Arguments::command().term_width(100);
    let mut text = command.render_long_help().to_string();
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for name in names {
        if let Some(sub) = command.find_subcommand_mut(&name) {
            text.push_str("\n──── guard ");
            text.push_str(&name);
            text.push_str(" ────\n");
            text.push_str(&sub.render_long_help().to_string());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    /// `docs/cli.md` is what `--help` prints. `GUARD_UPDATE_DOCS=1 cargo test cli_reference` writes
    /// it anew.
    #[test]
    fn cli_reference_is_current() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md");
        let text = format!(
            "# The commands of guard\n\nAs `--help` prints them.\n\n```text\n{}```\n",
            super::reference()
        );
        if std::env::var_os("GUARD_UPDATE_DOCS").is_some() {
            std::fs::write(file, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), text);
    }
}
