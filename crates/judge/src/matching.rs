//! Which rules match an invocation: cheap matchers first, file system and regular expressions last.

use super::rules::Rules;
use guard_core::environment::Environment;
use guard_core::invocation::Invocation;
use guard_core::place::Placed;
use guard_core::rule::{Rule, RuleRef};
use guard_ground::glob;

/// What matching may need and should not compute unless a rule asks.
pub trait Facts {
    /// Where the operands lie.
    fn places(&self) -> &[Placed];
    /// What the command points at.
    fn environment(&self) -> Option<&Environment>;
    /// Whether the preview would read tags of what the command changes.
    fn reads_tags(&self) -> bool;
    /// Whether what the command changes may carry tags.
    fn has_tags(&self) -> bool;
}

/// A rule that matches as far as can be said before the loss is measured.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The rule.
    pub rule: RuleRef,
    /// It also names something that only the preview tells: a loss, a tag, an environment that
    /// nothing but tags could show.
    pub waits_for_loss: bool,
}

/// The rules that match, in the order of the files: the default ones of the tool's family, and the
/// user's.
pub fn matching(
    rules: &Rules,
    family: &str,
    invocation: &Invocation,
    facts: &dyn Facts,
) -> Vec<Candidate> {
    if invocation.inert {
        return Vec::new();
    }
    rules
        .possible(invocation.tool.as_str(), family, invocation.verb_name())
        .filter(|rule| fits(rule, invocation, facts))
        .map(|rule| Candidate {
            waits_for_loss: !rule.loss.is_empty()
                || !rule.tag.is_empty()
                || !environment_fits(&rule, facts),
            rule,
        })
        .collect()
}

fn fits(rule: &Rule, invocation: &Invocation, facts: &dyn Facts) -> bool {
    // They were chosen by their tool already.
    verb_fits(rule, invocation)
        && (rule.any_flag.is_empty() || rule.any_flag.iter().any(|flag| invocation.has(flag)))
        && rule.all_flags.iter().all(|flag| invocation.has(flag))
        && !rule.no_flag.iter().any(|flag| invocation.has(flag))
        && (rule.flag_value.is_empty() || value_fits(rule, invocation))
        && (rule.operand.is_empty() || operand_fits(rule, invocation))
        && (rule.statement.is_empty() || statement_fits(rule, invocation))
        && (rule.path.is_empty()
            || facts
                .places()
                .iter()
                .any(|placed| rule.path.contains(&placed.place.name().into())))
        && (rule.operation.is_empty() || operation_fits(rule, invocation))
        && (environment_fits(rule, facts) || facts.reads_tags())
        && (rule.tag.is_empty() || facts.has_tags())
        && regex_fits(rule, invocation)
}

fn environment_fits(rule: &Rule, facts: &dyn Facts) -> bool {
    rule.environment.is_empty()
        || facts
            .environment()
            .is_some_and(|environment| names(rule, environment))
}

/// Whether a rule names this environment.
pub(crate) fn names(rule: &Rule, environment: &Environment) -> bool {
    rule.environment
        .iter()
        .any(|name| *name == environment.name)
}

fn operation_fits(rule: &Rule, invocation: &Invocation) -> bool {
    rule.operation
        .iter()
        .any(|pattern| glob::matches(pattern, invocation.operation.as_bytes()))
}

fn verb_fits(rule: &Rule, invocation: &Invocation) -> bool {
    rule.verb.len() <= invocation.verb.len()
        && rule
            .verb
            .iter()
            .zip(&invocation.verb)
            .all(|(pattern, word)| glob::matches(pattern, word.as_bytes()))
}

fn value_fits(rule: &Rule, invocation: &Invocation) -> bool {
    rule.flag_value.iter().any(|(name, pattern)| {
        invocation.flags.iter().any(|flag| {
            flag.is(name)
                && flag
                    .value
                    .as_ref()
                    .is_some_and(|value| glob::matches(pattern, value.as_encoded_bytes()))
        })
    })
}

fn operand_fits(rule: &Rule, invocation: &Invocation) -> bool {
    invocation.operands.iter().any(|operand| {
        rule.operand
            .iter()
            .any(|pattern| glob::matches(pattern, operand.bytes()))
    })
}

fn statement_fits(rule: &Rule, invocation: &Invocation) -> bool {
    invocation.statements.iter().any(|statement| {
        !statement.rolled_back
            && rule
                .statement
                .iter()
                .any(|pattern| glob::matches(pattern, statement.kind.as_bytes()))
    })
}

fn regex_fits(rule: &Rule, invocation: &Invocation) -> bool {
    let Some(pattern) = &rule.operand_regex else {
        return true;
    };
    invocation
        .operands
        .iter()
        .any(|operand| pattern.fits(operand.bytes()))
}
