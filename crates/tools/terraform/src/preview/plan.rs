//! `apply`, `destroy` and `refresh`: the plan is made with the command's own options and kept; once
//! a person agrees, exactly that plan is applied.

use std::ffi::OsString;
use std::io::Read as _;

use super::changes::{self, TerraformPlan};
use super::{Measured, TerraformProbe, Unmeasured};
use crate::complaint::complaint;
use crate::written::{self, WrittenOption};
use guard_core::instead::{Instead, Substitute};
use guard_core::loss::Loss;
use guard_core::probe::ToolAnswer;
use guard_ground::memfd::MemoryFile;

/// Options of `apply` that a plan does not take, or that guard sets itself.
const NOT_FOR_PLAN: [&str; 11] = [
    "auto-approve",
    "backup",
    "detailed-exitcode",
    "input",
    "json",
    "json-into",
    "lock",
    "lock-timeout",
    "no-color",
    "out",
    "state-out",
];

/// Options of `apply` that go with a saved plan; everything else is in the plan.
const WITH_SAVED_PLAN: [&str; 15] = [
    "backup",
    "compact-warnings",
    "concise",
    "consolidate-errors",
    "consolidate-warnings",
    "deprecation",
    "input",
    "json",
    "json-into",
    "lock",
    "lock-timeout",
    "no-color",
    "parallelism",
    "state",
    "state-out",
];

/// Variables that would put into the saved plan's `apply` what is in the plan already.
const IN_THE_PLAN: [&str; 4] = [
    "TF_CLI_ARGS",
    "TF_CLI_ARGS_apply",
    "TF_CLI_ARGS_destroy",
    "TF_CLI_ARGS_refresh",
];

/// A plan that is read into memory is no larger than this.
const MAX_PLAN: u64 = 512 << 20;

/// Measures an `apply`, `destroy` or `refresh`.
pub(super) fn measure(terraform: &TerraformProbe<'_>) -> Measured {
    let (options, operands) = written::split(&terraform.invocation.arguments);
    let applies = terraform.invocation.verb_name() == "apply";
    match operands.as_slice() {
        [] => planned(terraform, &options),
        [file] if applies => saved(terraform, &options, file),
        // terraform stops before it does anything: too many arguments.
        _ => Ok(Loss::default()),
    }
}

/// Makes the plan.
fn planned(terraform: &TerraformProbe<'_>, options: &[WrittenOption]) -> Measured {
    let kept =
        MemoryFile::new("guard-plan").map_err(|error| format!("no place for a plan: {error}"))?;
    let verb = terraform.invocation.verb_name();
    let mut words: Vec<OsString> = vec!["plan".into()];
    words.extend(
        options
            .iter()
            .filter(|option| !option.is_one_of(&NOT_FOR_PLAN))
            .flat_map(|option| option.words.clone()),
    );
    words.extend(["-input=false", "-lock=false", "-no-color"].map(Into::into));
    words.extend(match verb {
        "destroy" => Some("-destroy".into()),
        "refresh" => Some("-refresh-only".into()),
        _ => None,
    });
    words.push(format!("-out={}", kept.path()).into());
    let answer = terraform.ask(&words)?;
    if !answer.success {
        return failed(terraform, answer);
    }
    let plan = read(terraform, &kept)?;
    kept.close_on_exec();
    let mut loss = changes::loss(&plan, &terraform.budget.infrastructure);
    let json = options.iter().any(|option| option.is_one_of(&["json"]));
    let refresh = verb == "refresh";
    loss.instead = Some(Instead::Command(Substitute {
        arguments: substitute(terraform, options, &plan, &kept),
        file: kept,
        without: &IN_THE_PLAN,
        shown: if json { Vec::new() } else { told(&answer) },
        asks_itself: !refresh && !terraform.invocation.has("-auto-approve"),
    }));
    Ok(loss)
}

/// Reads a plan that was saved before. What is applied is a copy of it, so that nobody can put
/// another one in its place.
fn saved(terraform: &TerraformProbe<'_>, options: &[WrittenOption], file: &OsString) -> Measured {
    let there = terraform
        .context
        .in_directory(terraform.invocation.directory.as_deref());
    let path = there
        .in_directory(Some(file.as_ref()))
        .directory
        .ok_or("the working directory is not known")?;
    let Ok(metadata) = path.metadata() else {
        // terraform says so itself.
        return Ok(Loss::default());
    };
    if metadata.is_dir() {
        return Ok(Loss::default());
    }
    if !metadata.is_file() || metadata.len() > MAX_PLAN {
        return Err("the plan is no file that can be read twice".to_owned());
    }
    let kept =
        MemoryFile::new("guard-plan").map_err(|error| format!("no place for a plan: {error}"))?;
    let is_plan =
        copy(&path, &kept).map_err(|error| format!("the plan cannot be read: {error}"))?;
    let mut loss = Loss::default();
    let mut plan = TerraformPlan::default();
    if is_plan {
        plan = read(terraform, &kept)?;
        loss = changes::loss(&plan, &terraform.budget.infrastructure);
    }
    kept.close_on_exec();
    loss.instead = Some(Instead::Command(Substitute {
        arguments: substitute(terraform, options, &plan, &kept),
        file: kept,
        without: &IN_THE_PLAN,
        shown: Vec::new(),
        asks_itself: false,
    }));
    Ok(loss)
}

/// Copies a plan; whether it looks like one: a ZIP file, or the JSON that stands for a plan kept
/// elsewhere (`planfile.OpenWrapped`).
fn copy(path: &std::path::Path, kept: &MemoryFile) -> std::io::Result<bool> {
    let mut start = [0_u8; 2];
    let read = std::fs::File::open(path)?.read(&mut start)?;
    let mut source = std::fs::File::open(path)?.take(MAX_PLAN);
    std::io::copy(&mut source, &mut kept.file()?)?;
    let start = start.get(..read).unwrap_or_default();
    Ok(start == b"PK" || start.first() == Some(&b'{'))
}

/// What the plan would do.
fn read(terraform: &TerraformProbe<'_>, kept: &MemoryFile) -> Result<TerraformPlan, Unmeasured> {
    let output = terraform.output(&["show", "-json", "-no-color", &kept.path()])?;
    serde_json::from_slice(&output).map_err(|_| "terraform did not say what it plans".to_owned())
}

/// The arguments that apply the kept plan.
fn substitute(
    terraform: &TerraformProbe<'_>,
    options: &[WrittenOption],
    plan: &TerraformPlan,
    kept: &MemoryFile,
) -> Vec<OsString> {
    // Values that are not kept in a plan have to be given again (terraform 1.10, "ephemeral").
    let given = plan.has_ephemeral_variables();
    let goes_along = |option: &&WrittenOption| {
        option.is_one_of(&WITH_SAVED_PLAN) || (given && option.is_one_of(&["var", "var-file"]))
    };
    let mut words = terraform.invocation.scope.clone();
    words.push("apply".into());
    words.extend(
        options
            .iter()
            .filter(goes_along)
            .flat_map(|option| option.words.clone()),
    );
    words.push(kept.path().into());
    words
}

/// What `apply` prints before it does anything: the plan, without the advice how to apply it.
fn told(answer: &ToolAnswer) -> Vec<u8> {
    let text = String::from_utf8_lossy(&answer.output);
    let end = text.find("\n────").unwrap_or(text.len());
    let mut told = text.get(..end).unwrap_or_default().trim_end().to_owned();
    told.push_str("\n\n");
    told.into_bytes()
}

/// What cannot be planned cannot be applied: terraform's own error is all that there is, unless it
/// would ask a person for what is missing.
fn failed(terraform: &TerraformProbe<'_>, answer: ToolAnswer) -> Measured {
    let told = complaint(&answer);
    let Some(code) = answer.code else {
        return Err(told);
    };
    if !terraform.context.live || asks_for_values(terraform) {
        return Err(told);
    }
    Ok(Loss {
        instead: Some(Instead::Answer {
            code,
            output: answer.output,
            errors: answer.errors,
        }),
        ..Loss::default()
    })
}

/// Whether terraform would ask for values that are not given (`Meta.Input`: a terminal, and neither
/// `-input=false` nor `TF_INPUT=0`).
fn asks_for_values(terraform: &TerraformProbe<'_>) -> bool {
    let refused = terraform
        .invocation
        .arguments
        .iter()
        .any(|word| word == "-input=false" || word == "--input=false")
        || terraform
            .context
            .value("TF_INPUT")
            .is_some_and(|value| value == "0" || value == "false");
    !refused && rustix::termios::isatty(std::io::stdin())
}
