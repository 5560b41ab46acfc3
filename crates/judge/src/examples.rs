//! Every rule carries commands that it matches and commands that it does not; both are checked.
//!
//! Examples are judged in an imaginary workspace, so that the answer is the same everywhere.

use std::cell::OnceCell;

use crate::matching::{Facts, matching};
use crate::rules::Rules;
use guard_core::context::Context;
use guard_core::environment::{self, Environment};
use guard_core::invocation::{Invocation, words};
use guard_core::place::Placed;
use guard_core::rule::{Rule, RuleRef};
use guard_core::tool::Toolbox;
use guard_core::world::World;
use guard_words::Effect;

struct Imagined<'a> {
    tools: &'a Toolbox,
    invocation: &'a Invocation,
    world: &'a World,
    rules: &'a Rules,
    context: &'a Context,
    places: OnceCell<Vec<Placed>>,
    environment: OnceCell<Option<Environment>>,
}

impl Facts for Imagined<'_> {
    fn places(&self) -> &[Placed] {
        self.places
            .get_or_init(|| self.tools.places(self.invocation, self.world, self.context))
    }

    fn environment(&self) -> Option<&Environment> {
        self.environment
            .get_or_init(|| {
                let signals = self.tools.signals(self.invocation, self.context);
                environment::of(&signals, &self.rules.environments)
            })
            .as_ref()
    }

    fn reads_tags(&self) -> bool {
        // No resource exists there: a rule with a tag matches by its other conditions.
        false
    }

    fn has_tags(&self) -> bool {
        self.tools
            .of(&self.invocation.tool)
            .has_tags(self.invocation)
    }
}

fn matched(tools: &Toolbox, line: &str, rules: &Rules) -> Result<Vec<RuleRef>, String> {
    let Some(split) = shlex::split(line) else {
        return Err(format!("the example {line:?} has an unclosed quote"));
    };
    let Some((name, arguments)) = split.split_first() else {
        return Err("an example is empty".to_owned());
    };
    let Some(tool) = tools.find(name.as_ref(), rules.added_tools()) else {
        return Ok(Vec::new());
    };
    let context = Context::nothing(tools.nested);
    let invocation = tools.read(&tool, &words(arguments), &context);
    let world = World::imaginary(&rules.places);
    let facts = Imagined {
        tools,
        invocation: &invocation,
        world: &world,
        rules,
        context: &context,
        places: OnceCell::new(),
        environment: OnceCell::new(),
    };
    Ok(matching(rules, tools.family(&tool), &invocation, &facts)
        .into_iter()
        .map(|candidate| candidate.rule)
        .collect())
}

/// Checks the examples of one rule: each `match` is matched by it, no `no-match` is, and its
/// `safer` command is stopped by no rule that does not wait for a measured loss.
///
/// # Errors
/// A sentence that says which example is wrong and how.
pub fn check(tools: &Toolbox, rule: &Rule, rules: &Rules) -> Result<(), String> {
    for line in rule.examples.iter() {
        if !matched(tools, line, rules)?
            .iter()
            .any(|other| other.id == rule.id)
        {
            return Err(format!("it does not match its example {line:?}"));
        }
    }
    for line in rule.counterexamples.iter() {
        if matched(tools, line, rules)?
            .iter()
            .any(|other| other.id == rule.id)
        {
            return Err(format!("it matches its counterexample {line:?}"));
        }
    }
    let blocking = matched(tools, &rule.safer, rules)?
        .into_iter()
        .find(|other| other.effect >= Effect::Confirm && other.loss.is_empty());
    match blocking {
        Some(other) => Err(format!(
            "its safer command {:?} is itself stopped by {}",
            rule.safer, other.id
        )),
        None => Ok(()),
    }
}
