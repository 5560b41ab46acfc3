//! Questions to the database that the command points at, put by the real psql: in a transaction that
//! only reads, with time limits on the server too, and never with a statement of the user's.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use guard_core::context::Context;
use guard_core::invocation::Invocation;
use guard_core::preview::Budget;
use guard_core::probe::{Failure, Probe};

/// No question waits longer for a lock that somebody else holds.
const LOCK: &str = "1s";
/// The shortest time that a question is worth putting for.
const SHORTEST: Duration = Duration::from_millis(50);
/// One argument of a program may be so long on Linux (execve(2), `MAX_ARG_STRLEN`), roughly.
const LONGEST: usize = 120 << 10;

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The time budget ran out.
    Slow,
    /// Anything else, as the end of "unknown, because …".
    Other(String),
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

impl Trouble {
    /// The reason in words.
    pub(crate) fn why(self) -> String {
        match self {
            Self::Slow => "measuring it takes longer than the time budget".to_owned(),
            Self::Other(why) => why,
        }
    }
}

/// The database, reached with the command's own options.
pub(crate) struct Database<'a> {
    context: &'a Context,
    scope: Vec<OsString>,
    operands: Vec<OsString>,
    deadline: Instant,
}

impl<'a> Database<'a> {
    pub(crate) fn of(
        invocation: &Invocation,
        context: &'a Context,
        budget: &Budget,
    ) -> Result<Self, String> {
        if let Some(doubt) = invocation.doubts.first() {
            return Err(doubt.clone());
        }
        let operands = invocation.operands.iter();
        Ok(Self {
            context,
            scope: invocation.scope.clone(),
            operands: operands.map(|word| word.text.clone()).collect(),
            deadline: budget.deadline,
        })
    }

    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The one value that a query selects, as JSON.
    pub(crate) fn ask(&self, query: &str) -> Result<Value, Trouble> {
        self.ask_for(query, self.left(), None)
    }

    /// As [`Database::ask`], within a time, and in another database of the same server.
    pub(crate) fn ask_for(
        &self,
        query: &str,
        time: Duration,
        database: Option<&str>,
    ) -> Result<Value, Trouble> {
        // pgbouncer and its like refuse settings in the connection's first message.
        match self.try_ask(query, time, database, true) {
            Err(Trouble::Other(why)) if why.contains("unsupported startup parameter") => {
                self.try_ask(query, time, database, false)
            }
            answer => answer,
        }
    }

    fn try_ask(
        &self,
        query: &str,
        time: Duration,
        database: Option<&str>,
        options: bool,
    ) -> Result<Value, Trouble> {
        let time = time.min(self.left());
        if time < SHORTEST {
            return Err(Trouble::Slow);
        }
        if query.len() > LONGEST {
            return Err(Trouble::Other("its text is too long to measure".to_owned()));
        }
        // The server ends before guard does.
        let limit = (time * 9 / 10).as_millis().max(40);
        let deadline = Instant::now() + time;
        let directory = self.context.directory.as_deref();
        let mut probe = Probe::new(
            "psql",
            directory.unwrap_or(Path::new("/")),
            self.context,
            deadline,
        )
        .map_err(|failure| Trouble::Other(failure.to_string()))?
        .without(&["PSQLRC", "PSQL_PAGER", "PAGER"])
        .variable("PGAPPNAME", "guard")
        .variable("PGCONNECT_TIMEOUT", &time.as_secs().max(2).to_string())
        .variable("LC_ALL", "C");
        if options {
            let own = self.context.value("PGOPTIONS").unwrap_or_default();
            let all = format!(
                "{} -c default_transaction_read_only=on -c statement_timeout={limit} -c lock_timeout={LOCK}",
                own.to_string_lossy()
            );
            probe = probe.variable("PGOPTIONS", &all);
        }
        let limits = format!(
            "SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = '{LOCK}'; \
             SET LOCAL idle_in_transaction_session_timeout = '30s'"
        );
        let mut words = words(&self.scope);
        let connect = database.map(|name| format!("\\connect {}", identifier(name)));
        let steps = [
            connect.as_deref(),
            Some("BEGIN TRANSACTION READ ONLY"),
            Some(&limits),
            Some(query),
            Some("ROLLBACK"),
        ];
        for step in steps.into_iter().flatten() {
            words.extend(["--command".into(), step.into()]);
        }
        words.push("--".into());
        words.extend(self.operands.iter().cloned());
        let answer = match probe.run(&words) {
            Err(Failure::TimedOut) => return Err(Trouble::Slow),
            Err(failure) => return Err(Trouble::Other(failure.to_string())),
            Ok(answer) => answer,
        };
        if !answer.success {
            return Err(complaint(&answer.errors));
        }
        serde_json::from_slice(answer.output.trim_ascii())
            .map_err(|_| Trouble::Other("psql answered with something strange".to_owned()))
    }
}

/// What psql complained about: `ERROR:  57014: canceling statement due to statement timeout`.
pub(crate) fn complaint(errors: &[u8]) -> Trouble {
    let text = String::from_utf8_lossy(errors);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines
        .clone()
        .find(|line| line.contains("ERROR:") || line.contains("error:") || line.contains("FATAL:"))
        .or_else(|| lines.next())
        .unwrap_or("no reason given");
    let message = line
        .split_once("ERROR:")
        .map_or(line, |(_, rest)| rest.trim());
    let (state, message) = match message.split_once(": ") {
        Some((state, rest)) if state.len() == 5 => (state, rest),
        _ => ("", message),
    };
    if state == "57014" {
        return Trouble::Slow;
    }
    let what = guard_ground::sanitize::cut(&guard_ground::sanitize::text(message), 200);
    Trouble::Other(format!("psql says: {what}"))
}

/// A string constant, with `standard_conforming_strings` on.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''").replace('\0', ""))
}

/// An identifier in quotes.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\"").replace('\0', ""))
}

/// A list of string constants as an array.
pub(crate) fn array<S: AsRef<str>>(texts: &[S]) -> String {
    let list: Vec<String> = texts.iter().map(|text| literal(text.as_ref())).collect();
    format!("ARRAY[{}]::text[]", list.join(", "))
}

/// The options of every look with psql: nothing of the user's start-up files, no question, bare rows; then
/// those that say where to.
pub(crate) fn words(scope: &[OsString]) -> Vec<OsString> {
    let mut words: Vec<OsString> = [
        "--no-psqlrc",
        "--no-password",
        "--quiet",
        "--no-align",
        "--tuples-only",
        "--set=ON_ERROR_STOP=1",
        "--set=VERBOSITY=verbose",
        "--pset=pager=off",
    ]
    .map(OsString::from)
    .into();
    words.extend(scope.iter().cloned());
    words
}

/// Reads an answer of the catalogs.
pub(crate) fn read<T: serde::de::DeserializeOwned>(
    answer: serde_json::Value,
) -> Result<T, Trouble> {
    serde_json::from_value(answer)
        .map_err(|error| Trouble::Other(format!("the catalogs say something strange: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints() {
        let slow = b"ERROR:  57014: canceling statement due to statement timeout\nLOCATION:  x\n";
        assert_eq!(complaint(slow), Trouble::Slow);
        let denied = b"ERROR:  42501: permission denied for table t\nLOCATION:  aclcheck_error, aclchk.c:1\n";
        let said = "psql says: permission denied for table t";
        assert_eq!(complaint(denied), Trouble::Other(said.to_owned()));
        let down = b"psql: error: connection to server at \"x\" failed: Connection refused\n\tIs the server running?\n";
        let said =
            "psql says: psql: error: connection to server at \"x\" failed: Connection refused";
        assert_eq!(complaint(down), Trouble::Other(said.to_owned()));
    }

    #[test]
    fn quoting() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(array(&["a", "b"]), "ARRAY['a', 'b']::text[]");
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
    }
}
