//! What a command points at: a name such as `production`, with the signals that say so.

use crate::context::Context;
use crate::invocation::Invocation;
use crate::rules::EnvironmentName;
use crate::tools::Tool;

/// What a command points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// The name from the rules.
    pub name: String,
    /// What says so: `--context prod-eu`, `PGHOST=db.prod.example`.
    pub signals: Vec<String>,
}

/// A name that the command gives for what it works on, and where it was found.
struct Signal {
    source: String,
    value: String,
}

/// Variables that name what all tools of a project point at.
const GENERAL: [&str; 6] = [
    "ENVIRONMENT",
    "APP_ENV",
    "NODE_ENV",
    "RAILS_ENV",
    "DJANGO_ENV",
    "DEPLOY_ENV",
];

/// The environment that an invocation points at, by the words in its scope options, its operands
/// where they name a place, its variables and its tool's own files. `None` when nothing says so.
pub fn of(
    invocation: &Invocation,
    context: &Context,
    names: &[EnvironmentName<'_>],
) -> Option<Environment> {
    let signals = signals(invocation, context);
    for name in names {
        let found: Vec<String> = signals
            .iter()
            .filter(|signal| names_environment(&signal.value, name.words))
            .map(|signal| crate::sanitize::text(&format!("{} {}", signal.source, signal.value)))
            .collect();
        if !found.is_empty() {
            return Some(Environment {
                name: name.name.to_owned(),
                signals: found,
            });
        }
    }
    None
}

/// Tags whose values say where something belongs, in lower case.
const TAGS: [&str; 6] = [
    "environment",
    "env",
    "stage",
    "tier",
    "name",
    "aws:cloudformation:stack-name",
];

/// The environment that tags of resources name.
pub fn of_tags(tags: &[(String, String)], names: &[EnvironmentName<'_>]) -> Option<Environment> {
    let telling = |tag: &&(String, String)| TAGS.contains(&tag.0.to_lowercase().as_str());
    names.iter().find_map(|name| {
        let signals: Vec<String> = tags
            .iter()
            .filter(telling)
            .filter(|(_, value)| names_environment(value, name.words))
            .map(|(key, value)| crate::sanitize::text(&format!("tag {key}={value}")))
            .collect();
        (!signals.is_empty()).then(|| Environment {
            name: name.name.to_owned(),
            signals,
        })
    })
}

/// Whether one of the value's words is one of the environment's: `prod-eu`, `db.prod.example`, but
/// not `product` and not `non-prod`.
fn names_environment(value: &str, words: &[&str]) -> bool {
    let parts: Vec<String> = value
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    parts.iter().enumerate().any(|(at, part)| {
        let bare = part.trim_end_matches(|character: char| character.is_ascii_digit());
        let negated = at > 0
            && parts
                .get(at - 1)
                .is_some_and(|before| matches!(before.as_str(), "non" | "no" | "not" | "pre"));
        !negated && words.iter().any(|word| *word == part || *word == bare)
    })
}

fn signals(invocation: &Invocation, context: &Context) -> Vec<Signal> {
    let mut signals = Vec::new();
    let mut variables: Vec<&str> = GENERAL.to_vec();
    match invocation.tool.family() {
        Tool::Rm | Tool::Git | Tool::Other(_) => return signals,
        Tool::Kubectl => {
            flags(
                invocation,
                &[
                    "--context",
                    "--cluster",
                    "--namespace",
                    "--server",
                    "--user",
                    "--kubeconfig",
                ],
                &mut signals,
            );
            if !invocation.has_any(&["--context", "--cluster", "--server"])
                && let Some(current) = current_kube_context(invocation, context)
            {
                signals.push(Signal {
                    source: "current context".into(),
                    value: current,
                });
            }
            if matches!(invocation.verb_name(), "delete" | "drain") {
                operands(invocation, &mut signals);
            }
        }
        Tool::Terraform => {
            flags(
                invocation,
                &["--var-file", "--state", "--chdir"],
                &mut signals,
            );
            variables.extend(["TF_WORKSPACE", "TF_VAR_environment", "TF_VAR_env"]);
            if !context.has_variable("TF_WORKSPACE")
                && let Some(workspace) = terraform_workspace(invocation, context)
            {
                signals.push(Signal {
                    source: "workspace".into(),
                    value: workspace,
                });
            }
            if invocation.verb_name() == "workspace" {
                operands(invocation, &mut signals);
            }
        }
        Tool::Psql => {
            flags(
                invocation,
                &["--host", "--dbname", "--username"],
                &mut signals,
            );
            operands(invocation, &mut signals);
            for value in crate::tools::psql::service::values(invocation, context) {
                signals.push(Signal {
                    source: "service".to_owned(),
                    value,
                });
            }
            variables.extend(["PGHOST", "PGDATABASE", "PGUSER", "PGSERVICE", "PGHOSTADDR"]);
        }
        Tool::Aws => {
            flags(invocation, &["--profile", "--endpoint-url"], &mut signals);
            operands(invocation, &mut signals);
            variables.extend(["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_VAULT"]);
        }
    }
    for name in variables {
        if let Some(value) = context.value(name) {
            signals.push(Signal {
                source: format!("{name}="),
                value: without_password(&value.to_string_lossy()),
            });
        }
    }
    signals
}

fn flags(invocation: &Invocation, names: &[&str], signals: &mut Vec<Signal>) {
    for name in names {
        for flag in invocation.flags.iter().filter(|flag| flag.is(name)) {
            if let Some(value) = &flag.value {
                signals.push(Signal {
                    source: (*name).to_owned(),
                    value: without_password(&value.to_string_lossy()),
                });
            }
        }
    }
}

fn operands(invocation: &Invocation, signals: &mut Vec<Signal>) {
    for operand in &invocation.operands {
        signals.push(Signal {
            source: "operand".to_owned(),
            value: without_password(&operand.text.to_string_lossy()),
        });
    }
}

/// A URL or connection string without what follows `:` before `@`, and without `password=…`.
fn without_password(value: &str) -> String {
    crate::audit::mask(value)
}

/// `current-context` of the first kubeconfig file that names one (kubectl merges them in order).
fn current_kube_context(invocation: &Invocation, context: &Context) -> Option<String> {
    let given = invocation
        .flag("--kubeconfig")
        .and_then(|flag| flag.value.clone());
    let list = given.or_else(|| context.value("KUBECONFIG")).or_else(|| {
        Some(
            std::path::Path::new(&context.value("HOME")?)
                .join(".kube/config")
                .into(),
        )
    })?;
    std::env::split_paths(&list).find_map(|file| {
        let file = context.in_directory(Some(&file)).directory?;
        let text = std::fs::read_to_string(file).ok()?;
        let line = text
            .lines()
            .find(|line| line.starts_with("current-context:"))?;
        let value = line.split_once(':')?.1.trim().trim_matches(['"', '\'']);
        (!value.is_empty()).then(|| value.to_owned())
    })
}

/// The selected workspace, from the data directory's `environment` file (terraform's own record).
pub(crate) fn terraform_workspace(invocation: &Invocation, context: &Context) -> Option<String> {
    let there = context.in_directory(invocation.directory.as_deref());
    let data = there
        .value("TF_DATA_DIR")
        .unwrap_or_else(|| ".terraform".into());
    let file = there.directory?.join(data).join("environment");
    let name = std::fs::read_to_string(file).ok()?.trim().to_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::names_environment;

    #[test]
    fn words_that_name_production() {
        let words = ["prod", "production"];
        for (value, expected) in [
            ("prod", true),
            ("prod-us-east-1", true),
            ("db.prod.example.com", true),
            ("PRODUCTION", true),
            ("prod2", true),
            ("arn:aws:eks:eu-1:1:cluster/prod", true),
            ("product-db", false),
            ("non-prod", false),
            ("pre-production", false),
            ("nonprod", false),
            ("staging", false),
            ("", false),
        ] {
            assert_eq!(names_environment(value, &words), expected, "{value}");
        }
    }
}
