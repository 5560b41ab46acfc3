//! terraform, the real one with real state: the plan that was read is the plan that is applied.

use crate::support::{Outcome, Person, Run, World, has};

/// One resource that changes in place with `size`, and two that are replaced with `version`.
const CONFIGURATION: &str = r#"
variable "size" { default = "small" }
variable "version_" { default = "1" }
variable "servers" { default = 2 }
resource "terraform_data" "db" {
  input = var.size
}
resource "terraform_data" "web" {
  count            = var.servers
  triggers_replace = [var.version_]
}
output "size" { value = terraform_data.db.output }
"#;

/// A world whose `app/` is applied; `None`, and said, where there is no terraform.
fn applied() -> Option<World> {
    let world = World::new();
    if !has("terraform") {
        return None;
    }
    world.write("app/main.tf", CONFIGURATION);
    terraform(&world, &["init", "-no-color"]);
    terraform(&world, &["apply", "-auto-approve", "-no-color"]);
    Some(world)
}

/// The real terraform.
fn terraform(world: &World, arguments: &[&str]) -> String {
    world.tool("terraform", "app", arguments)
}

fn addresses(world: &World) -> Vec<String> {
    let listed = terraform(world, &["state", "list"]);
    listed.lines().map(str::to_owned).collect()
}

/// A resource's id, which a replacement changes.
fn id(world: &World, address: &str) -> String {
    let shown = terraform(world, &["state", "show", "-no-color", address]);
    shown
        .lines()
        .find(|line| line.trim().starts_with("id "))
        .unwrap()
        .trim()
        .to_owned()
}

fn command<'w>(world: &'w World, line: &str) -> Run<'w> {
    let words: Vec<&str> = line.split(' ').collect();
    world.command(&words).variable("CHECKPOINT_DISABLE", "1")
}

/// Types the phrase; the phrase and the outcome.
fn approves(mut person: Person) -> (String, Outcome) {
    let phrase = person.phrase();
    person.line(&phrase);
    (phrase, person.ends())
}

const ALL: [&str; 3] = [
    "terraform_data.db",
    "terraform_data.web[0]",
    "terraform_data.web[1]",
];

#[test]
fn a_destroy_in_production_is_blocked_with_what_would_die() {
    let Some(world) = applied() else { return };
    terraform(&world, &["workspace", "new", "prod-us-east-1"]);
    terraform(&world, &["apply", "-auto-approve"]);
    let outcome = command(&world, "terraform destroy -auto-approve").run();
    outcome
        .blocked()
        .says("3 resources of type terraform_data destroyed: terraform_data.db, terraform_data.web[0], terraform_data.web[1]")
        .says("environment: production (workspace prod-us-east-1)")
        .says("workspace prod-us-east-1, backend local");
    assert_eq!(addresses(&world), ALL);

    let person = command(&world, "terraform destroy -auto-approve").at_terminal();
    let (phrase, outcome) = approves(person);
    assert_eq!(
        phrase,
        "destroy 3 resources in prod-us-east-1 in production"
    );
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(addresses(&world).is_empty());
    terraform(&world, &["workspace", "select", "default"]);
    assert_eq!(addresses(&world), ALL);
}

#[test]
fn what_loses_nothing_runs_at_once() {
    let Some(world) = applied() else { return };
    let db = id(&world, ALL[0]);
    let outcome = command(
        &world,
        "terraform apply -auto-approve -no-color -var size=large -var servers=3",
    )
    .run();
    outcome.ran();
    for text in [
        "Plan: 1 to add, 1 to change, 0 to destroy.",
        "1 added, 1 changed, 0 destroyed",
        "size = \"large\"",
    ] {
        assert!(outcome.stdout.contains(text), "{text}: {outcome:?}");
    }
    assert!(!outcome.stdout.contains("Saved the plan"), "{outcome:?}");
    assert_eq!(id(&world, ALL[0]), db);
    assert_eq!(addresses(&world).len(), 4);
    let log = world.log();
    assert_eq!(log[0]["answer"], "nothing would be lost");
    command(&world, "terraform plan -destroy").run().ran();
    command(&world, "terraform state list").run().ran();
}

#[test]
fn terraforms_own_question_stays_where_guard_asks_nothing() {
    let Some(world) = applied() else { return };
    let mut person = command(&world, "terraform apply -no-color -var size=large").at_terminal();
    person.until("Enter a value:");
    person.line("no");
    assert_eq!(person.ends().code, Some(1));
    let mut person = command(&world, "terraform apply -no-color -var size=large").at_terminal();
    person.until("Enter a value:");
    person.line("yes");
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(terraform(&world, &["output", "size"]).contains("large"));
}

#[test]
fn a_replacement_is_blocked_and_runs_after_the_phrase() {
    let Some(world) = applied() else { return };
    let (db, web) = (id(&world, ALL[0]), id(&world, ALL[1]));
    for line in [
        "terraform apply -auto-approve -var version_=2",
        "terraform apply -auto-approve -replace=terraform_data.db",
        "terraform apply -destroy -auto-approve -target terraform_data.db",
        "terraform -chdir=../app apply -auto-approve -var servers=1",
    ] {
        command(&world, line).run().blocked().says("would lose: ");
    }
    assert_eq!(
        (id(&world, ALL[0]), id(&world, ALL[1])),
        (db.clone(), web.clone())
    );
    // Without -auto-approve the phrase is the only question.
    let person = command(&world, "terraform apply -var version_=2").at_terminal();
    let (phrase, outcome) = approves(person);
    assert_eq!(phrase, "replace 2 resources in app");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(id(&world, ALL[0]), db);
    assert_ne!(id(&world, ALL[1]), web);
}

#[test]
fn the_options_of_the_command_make_the_plan() {
    let Some(world) = applied() else { return };
    world.write("app/other.tfvars", "servers = 0\n");
    for (line, variable, lost) in [
        (
            "terraform apply -auto-approve -var-file=other.tfvars",
            None,
            "2 resources",
        ),
        (
            "terraform apply -auto-approve -var-file other.tfvars -target=terraform_data.web[1]",
            None,
            "1 resource",
        ),
        (
            "terraform apply -auto-approve -refresh=false -parallelism=1 -lock-timeout=5s -var servers=1",
            None,
            "1 resource",
        ),
        (
            "terraform apply -auto-approve",
            Some(("TF_CLI_ARGS_apply", "-destroy")),
            "3 resources",
        ),
        (
            "terraform apply",
            Some(("TF_CLI_ARGS", "-auto-approve -var-file=other.tfvars")),
            "2 resources",
        ),
        (
            "terraform destroy -auto-approve",
            Some(("TF_CLI_ARGS_destroy", "-target=terraform_data.db")),
            "1 resource",
        ),
        (
            "terraform apply -auto-approve",
            Some(("TF_VAR_servers", "1")),
            "1 resource",
        ),
    ] {
        let mut run = command(&world, line);
        if let Some((name, value)) = variable {
            run = run.variable(name, value);
        }
        run.run().blocked().says(&format!("would lose: {lost}"));
    }
    // What a plan's own variables say is not what the apply does.
    command(&world, "terraform apply -auto-approve")
        .variable("TF_CLI_ARGS_plan", "-destroy")
        .run()
        .ran();
    assert_eq!(addresses(&world), ALL);
    let person = command(
        &world,
        "terraform apply -auto-approve -var-file=other.tfvars",
    )
    .variable("TF_CLI_ARGS_apply", "-target=terraform_data.web[1]")
    .at_terminal();
    let (_, outcome) = approves(person);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(addresses(&world), ALL[..2]);
}

#[test]
fn another_workspace_data_directory_and_state() {
    let Some(world) = applied() else { return };
    terraform(&world, &["workspace", "new", "other"]);
    terraform(&world, &["apply", "-auto-approve", "-var", "servers=5"]);
    terraform(&world, &["workspace", "select", "default"]);
    command(&world, "terraform destroy -auto-approve")
        .variable("TF_WORKSPACE", "other")
        .run()
        .blocked()
        .says("6 resources")
        .says("workspace other, backend local");
    // A fresh data directory knows no workspace but the default one.
    command(&world, "terraform destroy -auto-approve")
        .variable("TF_DATA_DIR", "elsewhere")
        .run()
        .blocked()
        .says("3 resources");
    let state = "-state=terraform.tfstate.d/other/terraform.tfstate";
    let line = format!("terraform destroy -auto-approve {state}");
    command(&world, &line).run().blocked().says("6 resources");
    let (_, outcome) = approves(command(&world, &line).at_terminal());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(addresses(&world), ALL);
    assert!(terraform(&world, &["state", "list", state]).is_empty());
}

#[test]
fn a_saved_plan_is_read_and_the_one_that_was_read_is_applied() {
    let Some(world) = applied() else { return };
    terraform(
        &world,
        &["plan", "-out=harmless.plan", "-var", "size=large"],
    );
    terraform(&world, &["plan", "-out=web.plan", "-var", "servers=1"]);
    terraform(&world, &["plan", "-out=all.plan", "-destroy"]);
    command(&world, "terraform apply web.plan")
        .run()
        .blocked()
        .says("terraform_data.web[1] (beyond count)");
    let mut person = command(&world, "terraform apply web.plan").at_terminal();
    let phrase = person.phrase();
    std::fs::copy(world.path("app/all.plan"), world.path("app/web.plan")).unwrap();
    person.line(&phrase);
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(addresses(&world), ALL[..2]);
    // The other plans were made for a state that is no more.
    let outcome = command(&world, "terraform apply harmless.plan").run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    outcome.says("stale");
}

#[test]
fn a_saved_plan_that_loses_nothing_and_files_that_are_none() {
    let Some(world) = applied() else { return };
    terraform(
        &world,
        &["plan", "-out=harmless.plan", "-var", "size=large"],
    );
    command(&world, "terraform apply harmless.plan").run().ran();
    assert!(terraform(&world, &["output", "size"]).contains("large"));
    for line in [
        "terraform apply missing.plan",
        "terraform apply main.tf",
        "terraform apply harmless.plan more.plan",
        "terraform destroy harmless.plan",
    ] {
        let outcome = command(&world, line).run();
        assert_eq!(outcome.code, Some(1), "{line}: {outcome:?}");
        assert!(!outcome.guard_said(), "{line}: {outcome:?}");
    }
    assert_eq!(addresses(&world), ALL);
}

#[test]
fn a_state_that_changes_after_the_question_stops_the_plan() {
    let Some(world) = applied() else { return };
    let mut person = command(&world, "terraform destroy -auto-approve -no-color").at_terminal();
    let phrase = person.phrase();
    terraform(&world, &["apply", "-auto-approve", "-var", "servers=4"]);
    person.line(&phrase);
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(
        outcome.stdout.contains("Saved plan is stale"),
        "{outcome:?}"
    );
    assert_eq!(addresses(&world).len(), 5);
}

#[test]
fn a_changed_configuration_counts_for_nothing_after_the_question() {
    let Some(world) = applied() else { return };
    let mut person = command(&world, "terraform apply -auto-approve -var servers=1").at_terminal();
    let phrase = person.phrase();
    assert_eq!(phrase, "destroy 1 resource in app");
    world.write("app/main.tf", "");
    person.line(&phrase);
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(addresses(&world), ALL[..2]);
}

#[test]
fn an_approval_fits_the_plan_that_was_shown_and_no_other() {
    const PASSPHRASE: &str = "correct horse battery";
    let Some(world) = applied() else { return };
    let mut person = world.guard(&["key", "init", "--name", "ada"]).at_terminal();
    person.secret("New passphrase: ", PASSPHRASE);
    person.secret("The same again: ", PASSPHRASE);
    assert_eq!(person.ends().code, Some(0));
    world.write("app/extra.auto.tfvars", "servers = 1\n");
    let apply = "terraform apply -auto-approve";
    command(&world, apply).run().blocked().says("web[1]");
    let mut person = world.guard(&["approve", &world.request()]).at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    person.secret("Passphrase of ", PASSPHRASE);
    assert_eq!(person.ends().code, Some(0));
    // As many resources, but another one.
    world.write("app/extra.auto.tfvars", "");
    let kept = CONFIGURATION.replace("output \"size\" { value = terraform_data.db.output }", "");
    let without_db = kept.replace(
        "resource \"terraform_data\" \"db\" {\n  input = var.size\n}\n",
        "",
    );
    assert!(!without_db.contains("db"));
    world.write("app/main.tf", without_db);
    command(&world, apply)
        .run()
        .blocked()
        .says("terraform_data.db");
    assert_eq!(addresses(&world), ALL);
    // The one that was approved.
    world.write("app/main.tf", CONFIGURATION);
    world.write("app/extra.auto.tfvars", "servers = 1\n");
    let outcome = command(&world, apply).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(addresses(&world), ALL[..2]);
}

#[test]
fn terraforms_own_errors() {
    let Some(world) = applied() else { return };
    world.write("app/broken.tf", "resource {");
    let outcome = command(&world, "terraform apply -auto-approve").run();
    assert_eq!(
        (outcome.code, outcome.guard_said()),
        (Some(1), false),
        "{outcome:?}"
    );
    outcome.says("Error: ");
    world.write("app/broken.tf", "variable \"needed\" {}\n");
    let outcome = command(&world, "terraform destroy -auto-approve").run();
    assert_eq!(
        (outcome.code, outcome.guard_said()),
        (Some(1), false),
        "{outcome:?}"
    );
    outcome.says("No value for required variable");
    let outcome = command(&world, "terraform apply -auto-approve -bogus").run();
    assert_eq!(
        (outcome.code, outcome.guard_said()),
        (Some(1), false),
        "{outcome:?}"
    );
    outcome.says("flag provided but not defined");
    assert_eq!(addresses_without(&world, "broken.tf"), ALL);
    // A person would be asked for the value.
    world.write("app/broken.tf", "variable \"needed\" {}\n");
    let mut person = command(&world, "terraform destroy -auto-approve").at_terminal();
    person.until("unknown, because terraform says: Error: No value for required variable");
    person.phrase();
    person.line("");
    assert_eq!(person.ends().code, Some(77));
}

fn addresses_without(world: &World, file: &str) -> Vec<String> {
    std::fs::remove_file(world.path(&format!("app/{file}"))).unwrap();
    addresses(world)
}

#[test]
fn a_plan_that_takes_too_long_is_unknown() {
    let Some(world) = applied() else { return };
    world.rules("[preview]\nplan-seconds = 0.3\n");
    let slow = world.script("slow/terraform", "#!/bin/sh\nexec sleep 20\n");
    let mut search = vec![world.shims(), slow.parent().unwrap().to_owned()];
    search.extend(std::env::split_paths(&crate::support::real_path()));
    command(&world, "terraform apply -auto-approve")
        .search(&search)
        .run()
        .blocked()
        .says("would lose: unknown, because it took longer than the time budget");
}

#[test]
fn updates_in_place_that_can_lose_data() {
    let Some(world) = applied() else { return };
    world.rules("[terraform]\ndata = [\"terraform_data\"]\nlosing = [\"terraform_data.input\"]\n");
    command(&world, "terraform apply -auto-approve -var size=large")
        .run()
        .blocked()
        .says("1 resource of type terraform_data, which holds data, changed in a way that can lose data: terraform_data.db (input)");
    command(&world, "terraform apply -auto-approve -var servers=3")
        .run()
        .ran();
    let outcome = world.guard(&["rules", "test"]).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    world.rules("[terraform]\nlosing = [\"nonsense\"]\n");
    let outcome = world.guard(&["rules", "test"]).run();
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
}

#[test]
fn forgetting_in_the_state() {
    let Some(world) = applied() else { return };
    let line = "terraform state rm terraform_data.web";
    command(&world, line)
        .run()
        .blocked()
        .says("2 resources forgotten by terraform, running on: terraform_data.web[0], terraform_data.web[1]");
    assert_eq!(addresses(&world), ALL);
    let (phrase, outcome) = approves(command(&world, line).at_terminal());
    assert_eq!(phrase, "forget 2 resources in app");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(addresses(&world), ALL[..1]);
    let outcome = command(&world, "terraform state rm terraform_data.nothing").run();
    assert_eq!(
        (outcome.code, outcome.guard_said()),
        (Some(1), false),
        "{outcome:?}"
    );
    command(&world, "terraform state rm -dry-run terraform_data.db")
        .run()
        .ran();
}

#[test]
fn removed_blocks_forget() {
    let Some(world) = applied() else { return };
    let kept = CONFIGURATION
        .split("resource \"terraform_data\" \"web\"")
        .next()
        .unwrap();
    let removed = "removed {\n  from = terraform_data.web\n  lifecycle { destroy = false }\n}\n";
    world.write("app/main.tf", format!("{kept}{removed}"));
    command(&world, "terraform apply -auto-approve")
        .run()
        .blocked()
        .says("2 resources of type terraform_data forgotten by terraform, running on");
}

#[test]
fn moving_in_the_state() {
    let Some(world) = applied() else { return };
    let line = "terraform state mv terraform_data.db terraform_data.store";
    command(&world, line)
        .run()
        .blocked()
        .says("terraform_data.db to terraform_data.store");
    let (_, outcome) = approves(command(&world, line).at_terminal());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(addresses(&world).contains(&"terraform_data.store".to_owned()));
    let outcome = command(
        &world,
        "terraform state mv terraform_data.nothing terraform_data.x",
    )
    .run();
    assert_eq!(
        (outcome.code, outcome.guard_said()),
        (Some(1), false),
        "{outcome:?}"
    );
    command(&world, "terraform state replace-provider -auto-approve terraform.io/builtin/terraform example.com/a/b")
        .run()
        .blocked()
        .says("3 resources given to another provider");
}

#[test]
fn pushing_a_state() {
    let Some(world) = applied() else { return };
    let whole = terraform(&world, &["state", "pull"]);
    let mut state: serde_json::Value = serde_json::from_str(&whole).unwrap();
    let resources = state["resources"].as_array_mut().unwrap();
    resources.retain(|resource| resource["name"] == "db");
    state["serial"] = 100.into();
    world.write("app/small.tfstate", state.to_string());
    let line = "terraform state push -force small.tfstate";
    command(&world, line)
        .run()
        .blocked()
        .says("2 resources that the new state does not hold")
        .says("terraform_data.web[1]");
    assert_eq!(addresses(&world), ALL);
    let (_, outcome) = approves(command(&world, line).at_terminal());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(addresses(&world), ALL[..1]);
    // One that holds everything loses nothing.
    world.write("app/whole.tfstate", &whole);
    command(&world, "terraform state push -force whole.tfstate")
        .run()
        .ran();
    assert_eq!(addresses(&world), ALL);
    command(&world, "terraform state push -")
        .run()
        .blocked()
        .says("unknown");
}

#[test]
fn deleting_a_workspace() {
    let Some(world) = applied() else { return };
    terraform(&world, &["workspace", "new", "empty"]);
    terraform(&world, &["workspace", "new", "full"]);
    terraform(&world, &["apply", "-auto-approve"]);
    terraform(&world, &["workspace", "select", "default"]);
    let line = "terraform workspace delete -force full";
    command(&world, line)
        .run()
        .blocked()
        .says("3 resources of the workspace full: forgotten by terraform");
    assert!(world.exists("app/terraform.tfstate.d/full/terraform.tfstate"));
    let (phrase, outcome) = approves(command(&world, line).at_terminal());
    assert_eq!(phrase, "forget 3 resources in full");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(!world.exists("app/terraform.tfstate.d/full"));
    command(&world, "terraform workspace delete -force empty")
        .run()
        .ran();
    for line in [
        "terraform workspace delete -force nothing",
        "terraform workspace delete nothing",
    ] {
        let outcome = command(&world, line).run();
        assert_eq!(
            (outcome.code, outcome.guard_said()),
            (Some(1), false),
            "{outcome:?}"
        );
    }
    assert!(!world.exists("app/terraform.tfstate.d/nothing"));
}

#[test]
fn marks_locks_and_imports() {
    let Some(world) = applied() else { return };
    let line = "terraform taint terraform_data.db";
    command(&world, line)
        .run()
        .blocked()
        .says("1 resource marked");
    let (_, outcome) = approves(command(&world, line).at_terminal());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    command(&world, "terraform apply -auto-approve")
        .run()
        .blocked()
        .says("terraform_data.db (tainted)");
    command(&world, "terraform untaint terraform_data.db")
        .run()
        .ran();
    let outcome = command(&world, "terraform taint terraform_data.nothing").run();
    assert_eq!(
        (outcome.code, outcome.guard_said()),
        (Some(1), false),
        "{outcome:?}"
    );

    // Nothing is locked.
    let outcome = command(&world, "terraform force-unlock -force 1").run();
    assert!(!outcome.guard_said(), "{outcome:?}");
    world.write(
        "app/.terraform.tfstate.lock.info",
        r#"{"ID":"1","Operation":"OperationTypeApply","Who":"ada@laptop","Created":"2026-01-01T00:00:00Z"}"#,
    );
    command(&world, "terraform force-unlock -force 1")
        .run()
        .blocked()
        .says("locked by ada@laptop for OperationTypeApply since 2026-01-01");
    std::fs::remove_file(world.path("app/.terraform.tfstate.lock.info")).unwrap();

    let shown = id(&world, ALL[0]);
    let known = shown.split('"').nth(1).unwrap();
    world.write("app/more.tf", "resource \"terraform_data\" \"twin\" {}\n");
    command(
        &world,
        &format!("terraform import terraform_data.twin {known}"),
    )
    .run()
    .blocked()
    .says("1 resource managed already under this address")
    .says("terraform_data.db");
    command(&world, "terraform import terraform_data.twin another-thing")
        .run()
        .ran();
}

#[test]
fn values_go_nowhere() {
    let Some(world) = applied() else { return };
    let outcome = command(
        &world,
        "terraform apply -auto-approve -var version_=hunter2 -var size=hunter3",
    )
    .run();
    outcome.blocked();
    let log = world.log();
    let log = serde_json::to_string(&log[0]["loss"]).unwrap();
    for secret in ["hunter2", "hunter3"] {
        assert!(!log.contains(secret), "{log}");
    }
    // No plan stays behind, in the workspace or elsewhere in the world.
    let left = world.sh("find .. -newer main.tf -size +1k -type f -exec grep -l tfplan {} +");
    assert_eq!(left.stdout, "", "{left:?}");
}

#[test]
fn opentofu_by_its_own_name() {
    let Some(world) = applied() else { return };
    std::os::unix::fs::symlink(world.path("prefix/bin/guard"), world.shims().join("tofu")).unwrap();
    let tofu = world.script("other/tofu", "#!/bin/sh\nexec terraform \"$@\"\n");
    let mut search = vec![world.shims(), tofu.parent().unwrap().to_owned()];
    search.extend(std::env::split_paths(&crate::support::real_path()));
    let run = |line: &str| command(&world, line).search(&search);
    run("tofu destroy -auto-approve")
        .run()
        .blocked()
        .says("3 resources")
        .says("tofu destroy");
    run("tofu apply -auto-approve -var servers=3 -concise=false").run();
    run("tofu state list").run().ran();
}

#[test]
fn values_that_no_plan_keeps_are_given_again() {
    let Some(world) = applied() else { return };
    world.write(
        "app/token.tf",
        "variable \"token\" {\n  type      = string\n  ephemeral = true\n}\n",
    );
    world.write("app/token.tfvars", "token = \"x\"\n");
    let line = "terraform apply -auto-approve -var token=x -var servers=3";
    command(&world, line).run().ran();
    let line = "terraform apply -auto-approve -var-file=token.tfvars -var servers=1";
    let (_, outcome) = approves(command(&world, line).at_terminal());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(addresses(&world), ALL[..2]);
}

#[test]
fn what_a_refresh_would_drop() {
    let Some(world) = applied() else { return };
    // Nothing has changed outside, so nothing is dropped.
    command(&world, "terraform apply -refresh-only -auto-approve")
        .run()
        .ran();
    command(&world, "terraform refresh").run().ran();
    assert_eq!(addresses(&world), ALL);
}

#[test]
fn a_killed_guard_leaves_nothing_behind() {
    let Some(world) = applied() else { return };
    let mut person = command(&world, "terraform destroy -auto-approve").at_terminal();
    person.phrase();
    person.signal(libc::SIGKILL);
    assert_eq!(person.ends().signal, Some(libc::SIGKILL));
    let left = world.sh("find .. -newer terraform.tfstate -type f ! -path '*/state/*'");
    assert_eq!(left.stdout, "", "{left:?}");
    assert_eq!(addresses(&world), ALL);
}

#[test]
fn a_long_plan_shows_progress() {
    let Some(world) = applied() else { return };
    let real = std::env::split_paths(&crate::support::real_path())
        .map(|directory| directory.join("terraform"))
        .find(|file| file.is_file())
        .unwrap();
    let text = format!("#!/bin/sh\nsleep 1.2\nexec {} \"$@\"\n", real.display());
    let slow = world.script("slow/terraform", &text);
    let mut search = vec![world.shims(), slow.parent().unwrap().to_owned()];
    search.extend(std::env::split_paths(&crate::support::real_path()));
    let mut person = command(&world, "terraform destroy -auto-approve")
        .search(&search)
        .at_terminal();
    person.until("measuring what would be lost: terraform plans, 1 s");
    person.phrase();
    person.line("");
    assert_eq!(person.ends().code, Some(77));
}
