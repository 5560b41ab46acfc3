//! terraform, the real one with real state: a state that a person let a command rewrite comes back.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::saved::{self, approves, by, drilled, not_saved, refused, undone};
use crate::support::{Outcome, Run, World, has};
use serde_json::Value;

const CONFIGURATION: &str = r#"
resource "terraform_data" "db" {
  input = "the password is hunter2"
}
resource "terraform_data" "web" {
  count = 2
}
"#;

/// A world whose `app/` is applied; `None`, and said, where there is no terraform.
fn applied() -> Option<World> {
    let world = saved::world();
    if !has("terraform") {
        return None;
    }
    world.write("app/main.tf", CONFIGURATION);
    terraform(&world, "init -no-color");
    terraform(&world, "apply -auto-approve -no-color");
    Some(world)
}

/// The real terraform.
fn terraform(world: &World, line: &str) -> String {
    world.tool("terraform", "app", &line.split(' ').collect::<Vec<_>>())
}

fn command<'w>(world: &'w World, line: &str) -> Run<'w> {
    let words: Vec<&str> = line.split(' ').collect();
    world.command(&words).variable("CHECKPOINT_DISABLE", "1")
}

#[track_caller]
fn approved(world: &World, line: &str) -> Outcome {
    approves(command(world, line).at_terminal())
}

fn undo<'w>(world: &'w World, id: &str) -> Run<'w> {
    world.guard(&["undo", id])
}

/// The state, but for the number that each write of it counts up.
fn state(world: &World) -> Value {
    let mut state: Value = serde_json::from_str(&terraform(world, "state pull")).unwrap();
    state.as_object_mut().unwrap().remove("serial");
    state
}

#[test]
fn a_state_comes_back_after_commands_that_rewrite_it() {
    let Some(world) = applied() else { return };
    let before = state(&world);
    std::fs::copy(
        world.path("app/terraform.tfstate"),
        world.path("app/all.tfstate"),
    )
    .unwrap();
    let mut less: Value = serde_json::from_str(&world.read("app/terraform.tfstate")).unwrap();
    less["serial"] = 90.into();
    less["resources"].as_array_mut().unwrap().pop();
    world.write("app/less.tfstate", less.to_string());
    for line in [
        "terraform state rm terraform_data.db terraform_data.web[1]",
        "terraform state mv terraform_data.db terraform_data.other",
        "terraform taint terraform_data.db",
        "terraform -chdir=../app state rm terraform_data.web",
        "terraform state push less.tfstate",
    ] {
        let id = saved::saved(&approved(&world, line));
        let after = state(&world);
        assert_ne!(after, before, "{line}");
        let told = drilled(world.guard(&["backups", "drill", &id]));
        assert!(told.contains("terraform reads it"), "{told}");
        refused(undo(&world, &id), "only a person can do this");
        let outcome = undone(undo(&world, &id));
        assert_eq!(state(&world), before, "{line}");
        // Undone, the undo leaves what the command left; and again.
        let again = undone(undo(&world, &by(&outcome)));
        assert_eq!(state(&world), after, "{line}");
        undone(undo(&world, &by(&again)));
        assert_eq!(state(&world), before, "{line}");
    }
    assert!(terraform(&world, "plan -no-color").contains("No changes"));
}

#[test]
fn a_state_that_was_changed_since_is_not_replaced_unasked() {
    let Some(world) = applied() else { return };
    let before = state(&world);
    let id = saved::saved(&approved(&world, "terraform state rm terraform_data.db"));
    terraform(&world, "apply -auto-approve -no-color");
    let newer = state(&world);
    assert_ne!(newer, before);
    refused(undo(&world, &id), "was changed since");
    assert_eq!(state(&world), newer);

    let into = world.path("app/back");
    let outcome = world
        .guard(&["undo", &id, "--into", into.to_str().unwrap()])
        .run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let file = world.path("app/back/terraform.tfstate");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let listed = terraform(&world, "state list -state=back/terraform.tfstate");
    assert_eq!(listed.lines().count(), 3, "{listed}");

    let outcome = undone(world.guard(&["undo", &id, "--overwrite"]));
    assert_eq!(state(&world), before);
    undone(undo(&world, &by(&outcome)));
    assert_eq!(state(&world), newer);
}

#[test]
fn a_workspace_comes_back_with_its_state() {
    let Some(world) = applied() else { return };
    let default = state(&world);
    terraform(&world, "workspace new other");
    terraform(&world, "apply -auto-approve -no-color");
    let before = state(&world);
    terraform(&world, "workspace select default");
    let id = saved::saved(&approved(&world, "terraform workspace delete -force other"));
    assert!(!terraform(&world, "workspace list").contains("other"));
    undone(undo(&world, &id));
    assert_eq!(terraform(&world, "workspace show"), "default");
    assert_eq!(state(&world), default);
    terraform(&world, "workspace select other");
    assert_eq!(state(&world), before);
}

#[test]
fn what_was_destroyed_is_not_said_to_come_back() {
    let Some(world) = applied() else { return };
    let outcome = approved(&world, "terraform destroy -auto-approve -no-color");
    let id = saved::saved(&outcome);
    assert!(
        outcome
            .stdout
            .contains("not saved: the resources that it destroys"),
        "{outcome:?}"
    );
    let after = state(&world);
    refused(undo(&world, &id), "is not undone by their old state");
    refused(
        world.guard(&["undo", &id, "--overwrite"]),
        "is not undone by their old state",
    );
    let shown = world.guard(&["backups", "show", &id]).run();
    assert!(
        shown.stdout.contains("the resources do not come back"),
        "{shown:?}"
    );
    assert_eq!(state(&world), after);

    let into = world.path("app/back");
    let outcome = world
        .guard(&["undo", &id, "--into", into.to_str().unwrap()])
        .run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let listed = terraform(&world, "state list -state=back/terraform.tfstate");
    assert_eq!(listed.lines().count(), 3, "{listed}");
    let plan = terraform(&world, "show -no-color back/plan.tfplan");
    assert!(plan.contains("3 to destroy"), "{plan}");
    assert_eq!(state(&world), after);
}

#[test]
fn what_is_too_much_goes_unsaved_and_says_so() {
    let Some(world) = applied() else { return };
    world.rules(&saved::RULES.replace("[backup]\n", "[backup]\nbytes = 100\n"));
    let outcome = approved(&world, "terraform state rm terraform_data.db");
    not_saved(&outcome, "more than 100 B are too much to save first");
    assert!(!terraform(&world, "state list").contains("db"));
}

#[test]
fn a_state_in_a_file_that_is_named_is_that_file() {
    let Some(world) = applied() else { return };
    std::fs::copy(
        world.path("app/terraform.tfstate"),
        world.path("app/mine.tfstate"),
    )
    .unwrap();
    let before = world.read("app/mine.tfstate");
    let line = "terraform state rm -state=mine.tfstate terraform_data.db";
    let id = saved::saved(&approved(&world, line));
    assert_ne!(world.read("app/mine.tfstate"), before);
    undone(world.guard(&["undo", &id, "--overwrite"]));
    assert_eq!(world.read("app/mine.tfstate"), before);
}
