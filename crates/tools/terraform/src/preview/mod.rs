//! What a terraform command would destroy: its own plan and its own dry runs say so.
//!
//! The state is read without taking its lock (`-lock=false`): a plan that is killed when its time is
//! up must not leave a lock behind, and a plan of a state that has changed since is refused when it
//! is applied.

mod changes;
pub mod place;
mod plan;
mod state;

use std::ffi::{OsStr, OsString};

use crate::backup;
use crate::complaint::complaint;
use guard_core::context::Context;
use guard_core::instead::Instead;
use guard_core::invocation::Invocation;
use guard_core::loss::Loss;
use guard_core::preview::{Budget, Preview};
use guard_core::probe::{Probe, ToolAnswer};
use guard_trees as tree;

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
struct TerraformProbe<'a> {
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
    let probe = Probe::new(
        invocation.tool.as_str(),
        directory,
        context,
        budget.deadline,
    );
    let terraform = match probe {
        Ok(probe) => TerraformProbe {
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
            terraform.save(&mut loss);
            for fact in place.facts {
                loss.fact(fact);
            }
            if loss.phrase.place.is_empty() {
                loss.phrase.place = place.phrase.place;
            }
            Preview::Exact(loss)
        }
        Err(why) => {
            terraform.save(&mut place);
            unknown(why, place)
        }
    }
}

impl TerraformProbe<'_> {
    /// Says what has to be saved: the state before. Where the command rewrites nothing else, that brings
    /// back all of it.
    fn save(&self, loss: &mut Loss) {
        let verb: Vec<&str> = self.invocation.verb.iter().map(|word| &**word).collect();
        let alone = match verb.as_slice() {
            ["apply" | "destroy" | "refresh"] => false,
            ["state", "rm" | "mv" | "replace-provider" | "push"]
            | ["taint" | "import"]
            | ["workspace", "delete"] => true,
            _ => return,
        };
        let there = self
            .context
            .in_directory(self.invocation.directory.as_deref());
        let Some(directory) = there.directory else {
            return;
        };
        // A state in a file that the command names is that file.
        let files: Vec<_> = ["-state", "-state-out"]
            .iter()
            .filter_map(|name| self.invocation.flag(name)?.value.clone())
            .collect();
        if !alone && !files.is_empty() {
            // `state pull` would give another one.
            return;
        }
        if files.is_empty() {
            let workspace = match (verb.as_slice(), self.invocation.operands.first()) {
                (["workspace", ..], Some(name)) => name.text.to_string_lossy().into_owned(),
                _ => place::workspace(self.invocation, self.context),
            };
            let plan = match &loss.instead {
                Some(Instead::Command(substitute)) => Some(substitute.file.clone()),
                _ => None,
            };
            let pushed = match (verb.as_slice(), self.invocation.operands.as_slice()) {
                (["state", "push"], [file]) if file.text != "-" => Some(directory.join(&file.text)),
                _ => None,
            };
            loss.saves.push(backup::StateWish {
                place: backup::StatePlace {
                    tool: self.invocation.tool.to_string(),
                    directory: directory.canonicalize().unwrap_or(directory).into(),
                    workspace,
                    data: self.context.value("TF_DATA_DIR").map(Into::into),
                },
                alone,
                plan,
                pushed,
            });
        } else {
            let mut trees = tree::Trees::default();
            for file in files {
                let path = directory.join(file);
                if let Ok(path) = path.canonicalize() {
                    trees.roots.push(tree::Root {
                        path,
                        unlinked: false,
                        inside: false,
                        alone: false,
                    });
                }
            }
            if !trees.roots.is_empty() {
                loss.saves.push(trees);
            }
        }
        for lot in &mut loss.lots {
            lot.kept = alone && !loss.saves.is_empty();
        }
    }

    /// Runs terraform in the command's own directory.
    fn ask<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<ToolAnswer, Unmeasured> {
        self.ask_with(&self.probe, words)
    }

    fn ask_with<S: AsRef<OsStr>>(
        &self,
        probe: &Probe<'_>,
        words: &[S],
    ) -> Result<ToolAnswer, Unmeasured> {
        let mut all: Vec<OsString> = self.invocation.scope.clone();
        all.extend(words.iter().map(|word| word.as_ref().to_owned()));
        probe.run(&all).map_err(|failure| failure.to_string())
    }

    /// As [`TerraformProbe::ask`]; what it prints, or its own error.
    fn output<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<Vec<u8>, Unmeasured> {
        let answer = self.ask(words)?;
        if answer.success {
            Ok(answer.output)
        } else {
            Err(complaint(&answer))
        }
    }
}
