//! What becomes of a command: the one decision that a shim, an agent's hook and a plan share. They differ
//! only in what they do with the outcome.

use guard_audit::entry::Entry;
use guard_backup::saving::Saver;
use guard_core::verdict::Verdict;
use guard_judge::case::Case;
use guard_judge::load::Broken;
use guard_person::hold::Hold;
use guard_words::Effect;

/// How a command came to guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By its name, about to run.
    Shim,
    /// In a line that an agent is about to run, past the shims.
    Hook,
    /// Recorded in plan mode, to be run by a person.
    Plan,
}

/// What becomes of it.
#[derive(Debug)]
#[must_use]
pub enum Outcome {
    /// It cannot run whatever anybody says, for this reason.
    Impossible(String),
    /// It may change something, and the user's own rules about it cannot be read.
    Unruled(Broken),
    /// A freeze or plan mode holds it, harmless or not.
    Held(Hold),
    /// No rule speaks of it: it runs.
    Passes,
    /// Rules do, and it runs all the same, for this reason.
    Harmless(String),
    /// It runs once what it would lose is saved.
    SavesFirst,
    /// A person settles it.
    Asks,
    /// Never.
    Denied,
}

/// Decides.
pub fn decide(case: &Case<'_>, verdict: &Verdict, way: Way) -> Outcome {
    if let Some(why) = &case.invocation.obstacle {
        return Outcome::Impossible(why.clone());
    }
    if let Some(broken) = &case.rules.broken
        && !case.tools.only_reads(case.invocation)
    {
        return Outcome::Unruled(broken.clone());
    }
    if let Some(hold) = Hold::on(case) {
        // A plan that is carried out is no longer recorded.
        if way != Way::Plan || matches!(hold, Hold::Frozen(_)) {
            return Outcome::Held(hold);
        }
    }
    if verdict.rules.is_empty() {
        return Outcome::Passes;
    }
    match verdict.effect {
        Effect::Allow => {
            let within = verdict.notes.iter().find(|note| note.starts_with("within"));
            Outcome::Harmless(
                within
                    .map_or("nothing would be lost", String::as_str)
                    .to_owned(),
            )
        }
        // What runs before it in a line may change what has to be saved, and a plan is asked about.
        Effect::Backup if way != Way::Shim => Outcome::Asks,
        Effect::Backup => Outcome::SavesFirst,
        Effect::Confirm => Outcome::Asks,
        Effect::Deny => Outcome::Denied,
    }
}

/// What saves the loss of this command.
pub fn saver<'a>(case: &'a Case<'a>) -> Saver<'a> {
    Saver {
        tools: case.tools,
        tool: &case.invocation.tool,
        argv: case.argv,
        context: case.context,
        world: case.judge.world(),
        agent: case.agent_name(),
        limits: &case.rules.backup,
        state: case.places.state.clone(),
    }
}

/// A line of the log about this command.
pub fn entry(case: &Case<'_>, verdict: &Verdict, answer: &str) -> Entry {
    Entry {
        agent: case.agent_name(),
        ..Entry::of_command(
            &case.invocation.tool,
            case.argv,
            case.context.directory.as_deref(),
            verdict,
            answer,
        )
    }
}
