//! What was saved before a command, and bringing it back as a person does.

use super::{Outcome, Person, Run, World};

/// Types the phrase that is asked for.
#[track_caller]
pub fn approves(mut person: Person) -> Outcome {
    let phrase = person.phrase();
    person.line(&phrase);
    person.ends_within(std::time::Duration::from_secs(120))
}

/// The id that guard names: it was saved, and the command ran.
#[track_caller]
pub fn saved(outcome: &Outcome) -> String {
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let told = "bring back with: guard undo ";
    let (_, rest) = outcome
        .stdout
        .split_once(told)
        .unwrap_or_else(|| panic!("{told:?} is not in {outcome:?}"));
    rest.chars().take(4).collect()
}

/// The command was approved and ran, and nothing of it was saved because of this.
#[track_caller]
pub fn not_saved(outcome: &Outcome, why: &str) {
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let told = format!("not saved first: {why}");
    assert!(
        outcome.stdout.contains(&told),
        "{told:?} is not in {outcome:?}"
    );
}

/// A person brings a backup back: the outcome of `guard undo`.
#[track_caller]
pub fn undone(undo: Run<'_>) -> Outcome {
    let outcome = approves(undo.at_terminal());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(
        outcome.stdout.contains("Brought back"),
        "it was not brought back: {outcome:?}"
    );
    outcome
}

/// The backup that takes an undo back.
#[track_caller]
pub fn by(outcome: &Outcome) -> String {
    let told = "is saved: guard undo ";
    let (_, rest) = outcome
        .stdout
        .split_once(told)
        .unwrap_or_else(|| panic!("{told:?} is not in {outcome:?}"));
    rest.chars().take(4).collect()
}

/// It was not brought back, because of this; nobody was asked.
#[track_caller]
pub fn refused(undo: Run<'_>, why: &str) {
    let outcome = undo.run();
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
    let all = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(all.contains(why), "{why:?} is not in {outcome:?}");
}

/// The drill finds nothing wrong with it; what it says.
#[track_caller]
pub fn drilled(drill: Run<'_>) -> String {
    let outcome = drill.run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    outcome.stdout
}

/// A world in which guard saves what would be lost and takes its time: the tests share two cores.
pub fn world() -> World {
    let world = World::new();
    world.rules(RULES);
    world
}

/// The rules of that world.
pub const RULES: &str = "[preview]\nseconds = 120\nplan-seconds = 120\ncluster-seconds = 120\n[backup]\nseconds = 120\n";
