//! What a terraform command would destroy: its own plan and its own dry runs say so.
//!
//! The state is read without taking its lock (`-lock=false`): a plan that is killed when its time is
//! up must not leave a lock behind, and a plan of a state that has changed since is refused when it
//! is applied.

mod changes;
mod place;
mod plan;
mod state;

use std::ffi::{OsStr, OsString};

use crate::context::Context;
use crate::invocation::Invocation;
use crate::preview::{Budget, Loss, Preview};
use crate::probe::{Answer, Probe};
use crate::sanitize;

/// Why a loss could not be measured.
type Unmeasured = String;
/// What was measured.
type Measured = Result<Loss, Unmeasured>;

/// Variables that put arguments into subcommands, write files, or ask the network for news.
const NOT_FOR_PREVIEWS: [&str; 10] = [
    "TF_CLI_ARGS",
    "TF_CLI_ARGS_plan",
    "TF_CLI_ARGS_show",
    "TF_CLI_ARGS_state_list",
    "TF_CLI_ARGS_state_mv",
    "TF_CLI_ARGS_state_pull",
    "TF_CLI_ARGS_state_rm",
    "TF_CLI_ARGS_workspace_list",
    "TF_LOG",
    "TF_LOG_PATH",
];

/// terraform, where the command runs it.
struct Terraform<'a> {
    invocation: &'a Invocation,
    context: &'a Context,
    budget: &'a Budget,
    probe: Probe<'a>,
}

/// Measures one invocation.
pub(crate) fn measure(invocation: &Invocation, context: &Context, budget: &Budget) -> Preview {
    let mut place = Loss::default();
    place::describe(invocation, context, &mut place);
    let unknown = |why: String, loss: Loss| Preview::Unknown(why, loss);
    if let Some(doubt) = invocation.doubts.first() {
        return unknown(doubt.clone(), place);
    }
    let Some(directory) = context.directory.as_deref() else {
        return unknown("the working directory is not known".to_owned(), place);
    };
    let probe = Probe::new(invocation.tool.name(), directory, context, budget.deadline);
    let terraform = match probe {
        Ok(probe) => Terraform {
            invocation,
            context,
            budget,
            probe: probe
                .without(&NOT_FOR_PREVIEWS)
                .variable("CHECKPOINT_DISABLE", "1")
                .telling(budget.progress.as_ref(), "terraform plans")
                .outliving_nobody(),
        },
        Err(failure) => return unknown(failure.to_string(), place),
    };
    let verb: Vec<&str> = invocation.verb.iter().map(|word| &**word).collect();
    let measured = match verb.as_slice() {
        ["apply" | "destroy" | "refresh"] => plan::measure(&terraform),
        ["state", "rm"] => state::remove(&terraform),
        ["state", "mv"] => state::rename(&terraform),
        ["state", "replace-provider"] => state::replace_provider(&terraform),
        ["state", "push"] => state::push(&terraform),
        ["workspace", "delete"] => state::delete_workspace(&terraform),
        ["taint"] => state::taint(&terraform),
        ["import"] => state::import(&terraform),
        ["force-unlock"] => state::unlock(&terraform, &mut place),
        _ => Err(format!("guard cannot measure terraform {}", verb.join(" "))),
    };
    match measured {
        Ok(mut loss) if loss.is_none() => {
            loss.facts.clear();
            Preview::Exact(loss)
        }
        Ok(mut loss) => {
            for fact in place.facts {
                loss.fact(fact);
            }
            if loss.phrase.place.is_empty() {
                loss.phrase.place = place.phrase.place;
            }
            Preview::Exact(loss)
        }
        Err(why) => unknown(why, place),
    }
}

impl Terraform<'_> {
    /// Runs terraform in the command's own directory.
    fn ask<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<Answer, Unmeasured> {
        self.ask_with(&self.probe, words)
    }

    fn ask_with<S: AsRef<OsStr>>(
        &self,
        probe: &Probe<'_>,
        words: &[S],
    ) -> Result<Answer, Unmeasured> {
        let mut all: Vec<OsString> = self.invocation.scope.clone();
        all.extend(words.iter().map(|word| word.as_ref().to_owned()));
        probe.run(&all).map_err(|failure| failure.to_string())
    }

    /// As [`Terraform::ask`]; what it prints, or its own error.
    fn output<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<Vec<u8>, Unmeasured> {
        let answer = self.ask(words)?;
        if answer.success {
            Ok(answer.output)
        } else {
            Err(complaint(&answer))
        }
    }
}

/// terraform's own error, in one line: what follows `Error:`, up to its advice.
fn complaint(answer: &Answer) -> String {
    const LINES: usize = 6;
    let text = String::from_utf8_lossy(&answer.errors);
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim_matches(['╷', '│', '╵', ' ']))
        .filter(|line| !line.is_empty())
        .collect();
    let start = lines
        .iter()
        .position(|line| line.starts_with("Error:"))
        .unwrap_or(0);
    let told: Vec<&str> = lines.iter().skip(start).take(LINES).copied().collect();
    let told = if told.is_empty() {
        "no message".to_owned()
    } else {
        told.join(" ")
    };
    let told = crate::audit::mask(&sanitize::text(&told));
    format!("terraform says: {}", sanitize::cut(&told, 400))
}
