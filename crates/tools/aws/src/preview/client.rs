//! The real `aws`, asked about what a command would change.

use std::ffi::OsString;

use serde_json::Value;

use crate::error::is_missing;
use guard_core::context::Context;
use guard_core::invocation::Invocation;
use guard_core::preview::Budget;
use guard_core::probe::{Probe, Started, ToolAnswer};

/// Something measured, or why not, as the end of a sentence.
pub type Measured<T> = Result<T, String>;

/// What a service answers about something.
#[derive(Debug)]
pub enum Reply {
    /// What it knows.
    Found(Value),
    /// There is no such thing: the service's own words.
    Missing(String),
}

/// The real CLI with a command's own way to the account.
pub struct AwsProbe<'a> {
    probe: Probe<'a>,
    scope: Vec<OsString>,
}

/// A look that goes on.
pub struct PendingLook(Started);

impl<'a> AwsProbe<'a> {
    /// The CLI as `invocation` would use it.
    pub fn new(invocation: &Invocation, context: &'a Context, budget: &Budget) -> Measured<Self> {
        let directory = context
            .directory
            .as_deref()
            .ok_or("the directory it works in is not known")?;
        let probe = Probe::new("aws", directory, context, budget.deadline)
            .map_err(|failure| failure.to_string())?
            // No pager, no questions; and an answer while somebody waits for it.
            .variable("AWS_PAGER", "")
            .variable("AWS_CLI_AUTO_PROMPT", "off")
            .variable("AWS_MAX_ATTEMPTS", "2");
        Ok(Self {
            probe,
            scope: invocation.scope.clone(),
        })
    }

    /// Starts a look.
    pub fn start<S: AsRef<std::ffi::OsStr>>(&self, words: &[S]) -> Measured<PendingLook> {
        let mut all = self.scope.clone();
        all.extend(words.iter().map(|word| word.as_ref().to_owned()));
        all.extend(["--output", "json"].map(OsString::from));
        let started = self.probe.start(&all);
        started
            .map(PendingLook)
            .map_err(|failure| failure.to_string())
    }

    /// Looks at something that may not be there.
    pub fn ask<S: AsRef<std::ffi::OsStr>>(&self, words: &[S]) -> Measured<Reply> {
        self.start(words)?.reply()
    }
}

impl PendingLook {
    /// The tool's answer, whatever it is.
    pub fn answer(self) -> Measured<ToolAnswer> {
        self.0.finish().map_err(|failure| failure.to_string())
    }

    /// What the service answered.
    pub fn reply(self) -> Measured<Reply> {
        let answer = self.answer()?;
        if answer.success {
            if answer.output.trim_ascii().is_empty() {
                return Ok(Reply::Found(Value::Null));
            }
            return serde_json::from_slice(&answer.output)
                .map(Reply::Found)
                .map_err(|_| "the answer of aws is not JSON".to_owned());
        }
        let complaint = format!("aws says: {}", answer.complaint());
        if is_missing(&answer) {
            Ok(Reply::Missing(complaint))
        } else {
            Err(complaint)
        }
    }
}

/// A member of an answer as text; numbers too.
pub fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A member that is a list; empty when it is none.
pub fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A member that is a number.
pub fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or(0)
}

/// Text from an answer, for a message.
pub fn shown(text: &str) -> String {
    guard_ground::sanitize::cut(&guard_ground::sanitize::text(text), 120)
}

/// The values of a parameter, in order, names of files aside.
pub fn values(invocation: &Invocation, name: &str) -> Vec<String> {
    let named = |long: &str| {
        // Abbreviations stand as they were written.
        long == name || (long.len() >= 3 && name.starts_with(long))
    };
    invocation
        .flags
        .iter()
        .filter(|flag| named(&flag.long))
        .filter_map(|flag| flag.text())
        .filter(|value| !value.starts_with("file://"))
        .map(str::to_owned)
        .collect()
}

/// The last value of a parameter.
pub fn value(invocation: &Invocation, name: &str) -> Option<String> {
    values(invocation, name).pop()
}
