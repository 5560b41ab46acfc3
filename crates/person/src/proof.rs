//! The proof that a person agrees: a signature that takes what only they know or hold.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ssh_key::PrivateKey;

use super::keys::{self, KeyPlaces, Sealed};
use super::prompt::Answer;
use super::secret;
use super::statement::now;
use guard_audit as audit;
use guard_audit::entry::Entry;
use guard_ground::atomic::{self, Promise};
use guard_ground::lock;
use guard_ground::shelf;

/// Wrong passphrases before one question ends.
const TRIES: u32 = 3;
/// After so many wrong ones, the next answer has to wait.
const FREE_FAILURES: u32 = 3;
/// It never waits longer than this many seconds.
const MAX_DELAY: u64 = 10;
/// Failures are forgotten after so many seconds without one.
const FORGET: u64 = 3600;

/// Why there is no signature.
#[derive(Debug)]
pub enum NoProof {
    /// The person, or time, ended the question.
    Ended(Answer),
    /// Something is in the way; a sentence.
    Problem(String),
}

impl std::fmt::Display for NoProof {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ended(Answer::TimedOut) => write!(formatter, "no answer in time"),
            Self::Ended(Answer::Interrupted(number)) => {
                write!(formatter, "interrupted by signal {number}")
            }
            Self::Ended(_) => write!(formatter, "no passphrase was given"),
            Self::Problem(what) => write!(formatter, "{what}"),
        }
    }
}

/// How many wrong passphrases were typed lately.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Failures {
    count: u32,
    last: u64,
}

/// Asks for proofs.
#[derive(Debug)]
pub struct Prover<'a> {
    /// Where the keys are.
    pub keys: KeyPlaces,
    /// The directory of the log and of the count of failures.
    pub state: &'a Path,
    /// How long one question stays open.
    pub time: Duration,
    /// What is known of the terminal, for the log.
    pub evidence: &'a [String],
}

impl Prover<'_> {
    /// A signature of `statement` with the person's key, or with the one in `key`.
    ///
    /// # Errors
    /// When there is no key, the passphrase was wrong too often, or nobody answered.
    pub fn prove(
        &self,
        terminal: &mut File,
        statement: &str,
        key: Option<&Path>,
    ) -> Result<String, NoProof> {
        let file = key
            .map(Path::to_owned)
            .or_else(|| self.keys.default_key())
            .ok_or_else(|| {
                NoProof::Problem("there is no key yet; make one with: guard key init".to_owned())
            })?;
        match keys::inspect(&file).map_err(NoProof::Problem)? {
            Sealed::Open => Err(NoProof::Problem(format!(
                "{} has no passphrase, so any program could sign with it; give it one with: \
                 ssh-keygen -p -f FILE",
                guard_ground::sanitize::path(&file)
            ))),
            Sealed::Hardware => {
                let _ = writeln!(terminal, "Touch your hardware key if it blinks.");
                keys::sign_with_ssh_keygen(&file, statement, terminal).map_err(NoProof::Problem)
            }
            Sealed::Passphrase(key) => self.ask(terminal, statement, &key, &file),
        }
    }

    fn ask(
        &self,
        terminal: &mut File,
        statement: &str,
        key: &PrivateKey,
        file: &Path,
    ) -> Result<String, NoProof> {
        for _ in 0..TRIES {
            self.wait_out(terminal);
            let question = format!("Passphrase of {}: ", guard_ground::sanitize::path(file));
            let passphrase = secret::ask(terminal, &question, self.time).map_err(NoProof::Ended)?;
            // Where it cannot be written that a guess was wrong, none is made.
            let lock = lock::beside(&self.failures_file())
                .map_err(|error| NoProof::Problem(format!("{}: {error}", self.shown_state())))?;
            let signature = keys::sign(key, &passphrase, statement).map_err(NoProof::Problem)?;
            if let Some(signature) = signature {
                let _ = std::fs::remove_file(self.failures_file());
                return Ok(signature);
            }
            self.note_failure()?;
            drop(lock);
            let _ = writeln!(terminal, "That is not the passphrase.");
        }
        Err(NoProof::Problem(
            "the passphrase was wrong too often".to_owned(),
        ))
    }

    fn failures_file(&self) -> PathBuf {
        self.state.join("passphrase-failures")
    }

    fn shown_state(&self) -> String {
        guard_ground::sanitize::path(self.state)
    }

    fn failures(&self) -> Failures {
        shelf::read(&self.failures_file())
            .ok()
            .and_then(|text| serde_json::from_slice::<Failures>(&text).ok())
            .filter(|failures| now() < failures.last.saturating_add(FORGET))
            .unwrap_or_default()
    }

    fn note_failure(&self) -> Result<(), NoProof> {
        let failures = Failures {
            count: self.failures().count.saturating_add(1),
            last: now(),
        };
        let problem =
            |error: std::io::Error| NoProof::Problem(format!("{}: {error}", self.shown_state()));
        let text = serde_json::to_vec(&failures).map_err(|error| problem(error.into()))?;
        atomic::write(&self.failures_file(), &text, Promise::KEPT).map_err(problem)?;
        let mut entry = Entry::of_guard(&["guard", "passphrase"], "wrong passphrase");
        entry.evidence = self.evidence.to_vec();
        audit::append(&self.state.join(guard_ground::install::LOG), &entry).map_err(problem)
    }

    /// After some wrong passphrases each one costs time, whoever types it and wherever.
    fn wait_out(&self, terminal: &mut File) {
        let failures = self.failures();
        let delay = delay_after(failures.count);
        let left = failures
            .last
            .saturating_add(delay)
            .saturating_sub(now())
            .min(MAX_DELAY);
        if left > 0 {
            let _ = writeln!(
                terminal,
                "{} wrong passphrases were typed; the next can be tried in {left} s.",
                failures.count
            );
            std::thread::sleep(Duration::from_secs(left));
        }
    }
}

/// Seconds that the answer after so many wrong ones waits: 1, 2, 4, 8, 10, 10 …
fn delay_after(failures: u32) -> u64 {
    match failures.checked_sub(FREE_FAILURES) {
        None => 0,
        Some(more) => 1_u64.checked_shl(more).unwrap_or(MAX_DELAY).min(MAX_DELAY),
    }
}

#[cfg(test)]
mod tests {
    use super::delay_after;

    #[test]
    fn wrong_passphrases_cost_more_and_more_time() {
        let delays: Vec<u64> = (0..9).map(delay_after).collect();
        assert_eq!(delays, [0, 0, 0, 1, 2, 4, 8, 10, 10]);
        assert_eq!(delay_after(u32::MAX), 10);
    }
}
