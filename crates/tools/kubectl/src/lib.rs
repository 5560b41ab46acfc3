//! kubectl: cobra finds the verb, pflag reads the options.
//!
//! Checked against kubectl 1.32. Aliases that a person may keep in `~/.kube/kuberc` (or a file that
//! `KUBERC` names; 1.33 and later) are not looked up: they show as unknown verbs, with a doubt.

pub mod backup;
mod command;
mod find;
mod kinds;
mod objects;
mod only_reads;
mod place;
pub mod preview;
mod read;
mod verbs;

use guard_core::context::Context;
use guard_core::environment::Signals;
use guard_core::invocation::{Invocation, Word};
use guard_core::kept::Kept;
use guard_core::preview::Preview;
use guard_core::rule::Limits;
use guard_core::tool::{Origin, Scene, Tool};
use guard_store::manifest::Part;
use guard_words::Measure;

pub use only_reads::only_reads;
pub use read::read;

/// kubectl.
pub struct Kubectl;

impl Tool for Kubectl {
    fn name(&self) -> &'static str {
        "kubectl"
    }

    fn read(&self, arguments: &[Word], context: &Context) -> Invocation {
        read(arguments, context)
    }

    fn only_reads(&self, invocation: &Invocation) -> bool {
        only_reads(invocation)
    }

    fn inputs(&self, invocation: &Invocation) -> Vec<Origin> {
        Origin::of_flags(invocation, &["--filename", "--kustomize"], true)
    }

    fn variables(&self) -> &'static [&'static str] {
        &["KUBE", "HOME"]
    }

    fn signals(&self, invocation: &Invocation, context: &Context, signals: &mut Signals) {
        let flags = [
            "--context",
            "--cluster",
            "--namespace",
            "--server",
            "--user",
            "--kubeconfig",
        ];
        signals.flags(invocation, &flags);
        if !invocation.has_any(&["--context", "--cluster", "--server"])
            && let Some(current) = place::current_context(invocation, context)
        {
            signals.push("current context", current.as_ref());
        }
        if matches!(invocation.verb_name(), "delete" | "drain") {
            signals.operands(invocation);
        }
        signals.variables(context, &[]);
    }

    fn measure(&self, invocation: &Invocation, scene: &Scene<'_>) -> Preview {
        preview::measure(invocation, scene.context, scene.budget)
    }

    fn patience(&self, limits: &Limits) -> f64 {
        limits.cluster_seconds
    }

    fn saves(&self) -> Measure {
        Measure::Objects
    }

    fn revive(&self, part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
        backup::revive(part)
    }
}

#[cfg(test)]
mod tests;
