//! The answer to a command, as the snapshots show it.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use guard_core::context::Context;
use guard_core::invocation::Invocation;
use guard_core::world::World;
use guard_judge::examples;
use guard_judge::matching::Candidate;
use guard_judge::rules::Rules;
use guard_toolbox::TOOLBOX;
use guard_words::Effect;

use crate::line::{Line, quoted};

/// The rules that everybody has.
pub static RULES: LazyLock<Rules> = LazyLock::new(Rules::defaults);

/// The rules that match, where the paths lie, what the command points at, what is not known, and the
/// same of what it runs.
///
/// Also what the rules that need no measured loss ask for together.
pub fn answer(line: &Line) -> (String, Effect) {
    let invocation = line.read(&line.words);
    let mut text = String::new();
    let effect = describe(invocation, &line.world(&RULES), &line.context(), &mut text);
    (text, effect)
}

fn describe(invocation: Invocation, world: &World, context: &Context, text: &mut String) -> Effect {
    let answer = examples::answer(&TOOLBOX, invocation, world, context, &RULES);
    let mut effect = answer.effect();
    let invocation = &answer.invocation;
    let mut candidates = answer.rules.clone();
    candidates.sort_by_key(|one| (one.waits_for_loss, Reverse(one.rule.effect)));
    for candidate in &candidates {
        let effect = candidate.rule.effect.name();
        let when = conditions(candidate);
        writeln!(text, "{effect:<8} {}{when}", candidate.rule.id).unwrap();
    }
    if answer.rules.is_empty() {
        text.push_str(match () {
            () if invocation.inert => "allow    (inert)\n",
            () if TOOLBOX.only_reads(invocation) => "allow    (only reads)\n",
            () => "allow\n",
        });
    }
    // Of the other tools, operands are no paths.
    if matches!(TOOLBOX.family(&invocation.tool), "rm" | "git") {
        for placed in &answer.places {
            let operand = placed.operand.text.to_str().unwrap();
            let place = placed.place.name();
            writeln!(text, "place    {place}: {}", quoted(operand)).unwrap();
        }
    }
    if let Some(environment) = &answer.environment {
        let signals = environment.signals.join(", ");
        writeln!(text, "points at {}: {signals}", environment.name).unwrap();
    }
    if let Some(obstacle) = &invocation.obstacle {
        writeln!(text, "obstacle {obstacle}").unwrap();
    }
    for doubt in &invocation.doubts {
        writeln!(text, "not known: {doubt}").unwrap();
    }
    for nested in &invocation.nested {
        let inner = &nested.invocation;
        let mut shown = vec![inner.tool.as_str().to_owned()];
        shown.extend(inner.verb.iter().take(1).map(ToString::to_string));
        let arguments = inner.arguments.iter();
        shown.extend(arguments.map(|word| quoted(word.to_str().unwrap())));
        let place = if nested.elsewhere { ", elsewhere" } else { "" };
        writeln!(text, "runs {} ({}{place})", shown.join(" "), nested.via).unwrap();
        let mut own = String::new();
        let there = nested.directory.as_deref();
        let context = if nested.elsewhere {
            context.elsewhere()
        } else {
            context.in_directory(there)
        };
        let world = in_directory(world, there);
        effect = effect.max(describe(inner.clone(), &world, &context, &mut own));
        for line in own.lines() {
            writeln!(text, "    {line}").unwrap();
        }
    }
    effect
}

fn in_directory(world: &World, there: Option<&Path>) -> World {
    let here = World::imaginary(&RULES.places).led_to(Some(world.directory()));
    match there {
        None => here,
        Some(there) => here.led_to(Some(there)),
    }
}

/// What only the preview can tell: the loss, the tags, an environment that nothing but tags show.
fn conditions(candidate: &Candidate) -> String {
    let rule = &candidate.rule;
    let mut parts: Vec<String> = Vec::new();
    for (measure, limit) in rule.loss.iter() {
        parts.push(format!("{measure} > {limit}"));
    }
    for (name, value) in rule.tag.iter() {
        parts.push(format!("tag {name}={value}"));
    }
    match (candidate.waits_for_loss, parts.is_empty()) {
        (false, _) => String::new(),
        (true, false) => format!("  when {}", parts.join(", ")),
        (true, true) => format!("  when in {}", rule.environment.join(" or ")),
    }
}
