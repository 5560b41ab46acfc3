//! What a command points at: a name such as `production`, with the signals that say so.

use std::ffi::OsStr;

use crate::context::Context;
use crate::invocation::Invocation;
use crate::rule::{EnvironmentName, Texts};
use guard_ground::mask;

/// What a command points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// The name from the rules.
    pub name: String,
    /// What says so: `--context prod-eu`, `PGHOST=db.prod.example`.
    pub signals: Vec<String>,
}

/// A name that the command gives for what it works on, and where it was found.
#[derive(Debug)]
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
pub fn of(signals: &Signals, names: &[EnvironmentName]) -> Option<Environment> {
    for name in names {
        let found: Vec<String> = signals
            .0
            .iter()
            .filter(|signal| names_environment(&signal.value, &name.words))
            .map(|signal| {
                guard_ground::sanitize::text(&format!("{} {}", signal.source, signal.value))
            })
            .collect();
        if !found.is_empty() {
            return Some(Environment {
                name: name.name.to_string(),
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
pub fn of_tags(tags: &[(String, String)], names: &[EnvironmentName]) -> Option<Environment> {
    let telling = |tag: &&(String, String)| TAGS.contains(&tag.0.to_lowercase().as_str());
    names.iter().find_map(|name| {
        let signals: Vec<String> = tags
            .iter()
            .filter(telling)
            .filter(|(_, value)| names_environment(value, &name.words))
            .map(|(key, value)| guard_ground::sanitize::text(&format!("tag {key}={value}")))
            .collect();
        (!signals.is_empty()).then(|| Environment {
            name: name.name.to_string(),
            signals,
        })
    })
}

/// Whether one of the value's words is one of the environment's: `prod-eu`, `db.prod.example`, but
/// not `product` and not `non-prod`.
fn names_environment(value: &str, words: &Texts) -> bool {
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
        !negated && words.iter().any(|word| word == part || word == bare)
    })
}

/// The names that a command gives for what it works on.
#[derive(Debug, Default)]
pub struct Signals(Vec<Signal>);

impl Signals {
    /// Adds one: where it was found, and what it says.
    pub fn push(&mut self, source: &str, value: &OsStr) {
        self.0.push(Signal {
            source: source.to_owned(),
            value: without_password(&value.to_string_lossy()),
        });
    }

    /// Adds the values of these flags.
    pub fn flags(&mut self, invocation: &Invocation, names: &[&str]) {
        for name in names {
            for flag in invocation.flags.iter().filter(|flag| flag.is(name)) {
                if let Some(value) = &flag.value {
                    self.push(name, value);
                }
            }
        }
    }

    /// Adds the operands.
    pub fn operands(&mut self, invocation: &Invocation) {
        for operand in &invocation.operands {
            self.push("operand", &operand.text);
        }
    }

    /// Adds the variables that name what all tools of a project point at, and these.
    pub fn variables(&mut self, context: &Context, own: &[&str]) {
        for name in GENERAL.iter().chain(own) {
            if let Some(value) = context.value(name) {
                self.push(&format!("{name}="), &value);
            }
        }
    }
}

/// A URL or connection string without what follows `:` before `@`, and without `password=…`.
fn without_password(value: &str) -> String {
    mask::mask(value)
}

#[cfg(test)]
mod tests {
    use super::{Texts, names_environment};

    #[test]
    fn words_that_name_production() {
        let words = Texts::from(vec!["prod".into(), "production".into()]);
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
