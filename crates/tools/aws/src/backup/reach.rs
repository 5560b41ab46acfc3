//! The account that things come from, and asking its services.

use std::ffi::OsString;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use guard_core::context::Context;
use guard_core::invocation::Invocation;
use guard_core::probe::{Probe, Started, ToolAnswer};
use guard_ground::bytes::Bytes;
use guard_ground::memfd::MemoryFile;
use guard_ground::sanitize;

use crate::error::is_missing;

/// Options that lead to an account and a region. None of them is a secret.
const SCOPE: [&str; 6] = [
    "ca-bundle",
    "endpoint-url",
    "no-sign-request",
    "no-verify-ssl",
    "profile",
    "region",
];
/// Variables that do; those with credentials are not among them.
const VARIABLES: [&str; 13] = [
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_S3",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
];
/// So many looks go on at a time.
const AT_A_TIME: usize = 6;

/// What leads to an account again, without credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountPlace {
    /// The directory that the command ran in: names of files can be relative to it.
    pub directory: Bytes,
    /// Options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<Bytes>,
    /// Variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<(String, Bytes)>,
    /// The account's number; empty where it is not known.
    pub account: String,
}

impl AccountPlace {
    /// As a command says it.
    pub fn of(invocation: &Invocation, context: &Context, directory: PathBuf) -> Self {
        let mut place = Self {
            directory: directory.into(),
            ..Self::default()
        };
        for flag in &invocation.flags {
            if !SCOPE.contains(&flag.long.as_ref()) {
                continue;
            }
            let mut word = OsString::from(format!("--{}", flag.long));
            if let Some(value) = &flag.value {
                word.push("=");
                word.push(value);
            }
            place.scope.push(word.into());
        }
        for name in VARIABLES {
            if let Some(value) = context.value(name) {
                place.variables.push((name.to_owned(), value.into()));
            }
        }
        place
    }

    /// For a screen.
    pub fn shown(&self) -> String {
        if self.account.is_empty() {
            "an account that is not known".to_owned()
        } else {
            format!("account {}", sanitize::text(&self.account))
        }
    }
}

/// What a service answers.
pub(super) enum Answered {
    /// What it knows.
    Found(Value),
    /// There is no such thing.
    Missing,
}

/// The CLI, pointed at one account.
pub(super) struct AccountReach<'a> {
    probe: Probe<'a>,
    scope: Vec<OsString>,
}

/// A call that goes on.
pub(super) struct RunningCall {
    started: Started,
    /// What it reads.
    _input: MemoryFile,
}

impl<'a> AccountReach<'a> {
    /// To this place.
    ///
    /// # Errors
    /// When there is no CLI.
    pub(super) fn new(
        place: &AccountPlace,
        context: &'a Context,
        deadline: Instant,
    ) -> Result<Self, String> {
        let mut directory = PathBuf::from(place.directory.os());
        if !directory.is_dir() {
            directory = context.directory.clone().unwrap_or_else(|| "/".into());
        }
        let mut probe = Probe::new("aws", &directory, context, deadline)
            .map_err(|failure| failure.to_string())?
            .without(&VARIABLES)
            .variable("AWS_PAGER", "")
            .variable("AWS_CLI_AUTO_PROMPT", "off")
            .variable("AWS_MAX_ATTEMPTS", "3");
        for name in VARIABLES {
            let known = place.variables.iter().find(|(known, _)| known == name);
            if let Some((_, value)) = known {
                probe = probe.variable(name, &value.os().to_string_lossy());
            }
        }
        Ok(Self {
            probe,
            scope: place
                .scope
                .iter()
                .map(|word| word.os().to_owned())
                .collect(),
        })
    }

    /// To the place that a backup names; refused where it is another account by now.
    ///
    /// # Errors
    /// When it cannot be reached, or is another one.
    pub(super) fn again(
        place: &AccountPlace,
        context: &'a Context,
        deadline: Instant,
    ) -> Result<Self, String> {
        let reach = Self::new(place, context, deadline)?;
        let account = account(reach.start_account()?);
        if !place.account.is_empty() && account != place.account {
            return Err(format!(
                "the backup is of {}; the credentials here are of {}",
                place.shown(),
                if account.is_empty() {
                    "an account that is not known".to_owned()
                } else {
                    format!("account {}", sanitize::text(&account))
                }
            ));
        }
        Ok(reach)
    }

    /// Starts to ask whose account it is.
    ///
    /// # Errors
    /// When the CLI does not start.
    pub(super) fn start_account(&self) -> Result<RunningCall, String> {
        self.start(&["sts", "get-caller-identity"], &Value::Null)
    }

    /// Whether it is the CLI's first major version, which cannot write binary values that it read.
    pub(super) fn is_first(&self) -> bool {
        let answer = self.probe.run(&["--version"]);
        answer.map_or(true, |answer| {
            [answer.output, answer.errors]
                .iter()
                .any(|text| text.starts_with(b"aws-cli/1."))
        })
    }

    /// Starts an operation with these parameters. They are in a file without a name: no value of theirs can
    /// be taken for the name of a file, and none shows in the list of processes.
    pub(super) fn start<S: AsRef<std::ffi::OsStr>>(
        &self,
        words: &[S],
        input: &Value,
    ) -> Result<RunningCall, String> {
        let mut all = self.scope.clone();
        all.extend(words.iter().map(|word| word.as_ref().to_owned()));
        let file = MemoryFile::new("guard-parameters")
            .and_then(|kept| {
                kept.file()?.write_all(input.to_string().as_bytes())?;
                Ok(kept)
            })
            .map_err(|error| format!("no file for aws: {error}"))?;
        if !input.is_null() {
            // Apart: the CLI looks for just this word before it asks for the required ones.
            all.push("--cli-input-json".into());
            all.push(format!("file://{}", file.path()).into());
        }
        all.extend(["--output", "json"].map(OsString::from));
        let started = self
            .probe
            .start(&all)
            .map_err(|failure| failure.to_string())?;
        Ok(RunningCall {
            started,
            _input: file,
        })
    }

    /// An operation with these parameters.
    ///
    /// # Errors
    /// When the service does not do it.
    pub(super) fn call(&self, words: &[&str], input: &Value) -> Result<Answered, String> {
        self.start(words, input)?.reply()
    }

    /// The same for something that has to be there.
    ///
    /// # Errors
    /// When the service does not do it.
    pub(super) fn done(&self, words: &[&str], input: &Value) -> Result<Value, String> {
        match self.call(words, input)? {
            Answered::Found(value) => Ok(value),
            Answered::Missing => Err("what it is about is not there".to_owned()),
        }
    }

    /// Does something for each of these, several at a time.
    ///
    /// # Errors
    /// The first one.
    pub(super) fn each<T, P>(
        things: &[T],
        mut start: impl FnMut(&T) -> Result<P, String>,
        mut finish: impl FnMut(&T, P) -> Result<(), String>,
    ) -> Result<(), String> {
        for some in things.chunks(AT_A_TIME) {
            let started: Result<Vec<P>, String> = some.iter().map(&mut start).collect();
            for (thing, pending) in some.iter().zip(started?) {
                finish(thing, pending)?;
            }
        }
        Ok(())
    }
}

impl RunningCall {
    /// What the service answered.
    ///
    /// # Errors
    /// When it refuses, or does not answer.
    pub(super) fn reply(self) -> Result<Answered, String> {
        let answer = self
            .started
            .finish()
            .map_err(|failure| failure.to_string())?;
        if answer.success {
            if answer.output.trim_ascii().is_empty() {
                return Ok(Answered::Found(Value::Null));
            }
            return serde_json::from_slice(&answer.output)
                .map(Answered::Found)
                .map_err(|_| "the answer of aws is not JSON".to_owned());
        }
        if is_missing(&answer) {
            Ok(Answered::Missing)
        } else {
            Err(complaint(&answer))
        }
    }
}

/// The account's number; empty where nobody says.
pub(super) fn account(call: RunningCall) -> String {
    match call.reply() {
        Ok(Answered::Found(value)) => text(&value, "Account").to_owned(),
        _ => String::new(),
    }
}

fn complaint(answer: &ToolAnswer) -> String {
    format!(
        "aws says: {}",
        guard_ground::mask::mask(&answer.complaint())
    )
}

/// A file without a name that the CLI writes to or reads from.
pub(super) fn file() -> Result<MemoryFile, String> {
    MemoryFile::new("guard-content").map_err(|error| format!("no file for aws: {error}"))
}

/// What is in such a file, from its start.
pub(super) fn rewound(kept: &MemoryFile) -> Result<std::fs::File, String> {
    let open = || -> std::io::Result<std::fs::File> {
        let mut file = kept.file()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    };
    open().map_err(|error| format!("what aws wrote cannot be read: {error}"))
}

/// A member that is a text; empty when it is none.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A member that is a list; empty when it is none.
pub(super) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
