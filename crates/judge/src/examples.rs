//! Every rule carries commands that it matches and commands that it does not; both are checked.
//!
//! Examples are judged in an imaginary workspace, so that the answer is the same everywhere.

use std::cell::OnceCell;

use crate::matching::{Candidate, Facts, matching};
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
        self.places.get_or_init(|| {
            self.tools
                .places(self.invocation, || self.world, self.context)
        })
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

/// What a command meets in the imaginary workspace, where nothing is measured.
#[derive(Debug)]
pub struct Answer {
    /// How its tool reads it.
    pub invocation: Invocation,
    /// The rules that match it, in the order of the files.
    pub rules: Vec<Candidate>,
    /// Where what it would delete or write over lies.
    pub places: Vec<Placed>,
    /// What it points at.
    pub environment: Option<Environment>,
}

impl Answer {
    /// What the rules that need no measured loss ask for together.
    pub fn effect(&self) -> Effect {
        let certain = self.rules.iter().filter(|rule| !rule.waits_for_loss);
        let effects = certain.map(|candidate| candidate.rule.effect);
        effects.max().unwrap_or(Effect::Allow)
    }
}

/// Answers a command by its arguments alone: `world` is an imaginary one, and `context` consults
/// nothing. What is nested in it is not looked at.
pub fn answer(
    tools: &Toolbox,
    invocation: Invocation,
    world: &World,
    context: &Context,
    rules: &Rules,
) -> Answer {
    let facts = Imagined {
        tools,
        invocation: &invocation,
        world,
        rules,
        context,
        places: OnceCell::new(),
        environment: OnceCell::new(),
    };
    let found = matching(rules, tools.family(&invocation.tool), &invocation, &facts);
    let places = facts.places().to_vec();
    let environment = facts.environment().cloned();
    Answer {
        invocation,
        rules: found,
        places,
        environment,
    }
}

/// Answers one example; `None` when its tool is none of guard's.
fn answered(tools: &Toolbox, line: &str, rules: &Rules) -> Result<Option<Answer>, String> {
    let Some(split) = shlex::split(line) else {
        return Err(format!("the example {line:?} has an unclosed quote"));
    };
    let Some((name, arguments)) = split.split_first() else {
        return Err("an example is empty".to_owned());
    };
    let Some(tool) = tools.find(name.as_ref(), rules.added_tools()) else {
        return Ok(None);
    };
    let context = Context::nothing(tools.nested);
    let invocation = tools.read(&tool, &words(arguments), &context);
    let world = World::imaginary(&rules.places);
    Ok(Some(answer(tools, invocation, &world, &context, rules)))
}

fn matched(tools: &Toolbox, line: &str, rules: &Rules) -> Result<Vec<RuleRef>, String> {
    let answer = answered(tools, line, rules)?;
    let candidates = answer.into_iter().flat_map(|answer| answer.rules);
    Ok(candidates.map(|candidate| candidate.rule).collect())
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
