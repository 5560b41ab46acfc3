//! What a person signs. The text itself is signed and kept, byte for byte; what it says is read
//! from it, never the other way round.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::signers::{self, Signer};
use super::size::Size;
use guard_ground::shelf;

/// What a statement allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One run of one command.
    Grant,
    /// Every run of one command until it expires.
    Exception,
    /// The end of a freeze.
    Thaw,
    /// The end of plan mode, or running the plan.
    Plan,
    /// Another key that may approve.
    Key,
    /// Bringing a backup back over something newer or outside the workspace, or removing it.
    Backup,
    /// Moving keys and rules back into the user's hands.
    Unlock,
}

/// What was approved, for how long, and what the person was shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The version of this form.
    pub guard: u32,
    /// What it allows.
    pub kind: Kind,
    /// The request's or exception's id; for other kinds what it is about.
    pub id: String,
    /// A number used once.
    pub nonce: String,
    /// The user whose commands it is about.
    pub user: String,
    /// The command as shown, secrets masked.
    pub command: Vec<String>,
    /// Where, as shown.
    pub directory: String,
    /// The command's fingerprint: argv, directory, variables, inputs.
    pub fingerprint: String,
    /// The loss that was shown.
    pub size: Size,
    /// What was shown.
    pub shown: Vec<String>,
    /// How many different signers it takes.
    pub approvals: u32,
    /// When it was made, seconds since 1970.
    pub issued: u64,
    /// When it ends, seconds since 1970.
    pub expires: u64,
    /// The machine's current start (`/proc/sys/kernel/random/boot_id`), and the seconds since then:
    /// a clock that is turned back makes nothing valid again.
    pub boot: String,
    /// Seconds since the machine started.
    pub uptime: u64,
}

impl Statement {
    /// A statement from now on, for `seconds`, about nothing yet.
    pub fn new(kind: Kind, id: &str, seconds: u64) -> Self {
        let issued = now();
        Self {
            guard: 1,
            kind,
            id: id.to_owned(),
            nonce: shelf::nonce(),
            user: guard_ground::install::user_name(),
            command: Vec::new(),
            directory: String::new(),
            fingerprint: String::new(),
            size: Size::default(),
            shown: Vec::new(),
            approvals: 1,
            issued,
            expires: issued.saturating_add(seconds),
            boot: boot(),
            uptime: uptime(),
        }
    }

    /// Whether it holds at this moment, by the clock and, since the same start, by the time that has
    /// really passed.
    pub fn is_current(&self) -> bool {
        // A little skew, for clocks that are corrected.
        const SKEW: u64 = 5;
        let now = now();
        let by_clock = self.issued <= now.saturating_add(SKEW) && now < self.expires;
        let passed = uptime().saturating_sub(self.uptime);
        let by_time = self.boot != boot() || passed < self.expires.saturating_sub(self.issued);
        by_clock && by_time
    }
}

/// A statement with its signatures.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The statement's text.
    pub statement: String,
    /// Signatures in OpenSSH's form (PROTOCOL.sshsig).
    pub signatures: Vec<String>,
}

/// A statement whose signatures hold.
#[derive(Debug)]
pub struct Verified {
    /// What it says.
    pub statement: Statement,
    /// Who signed it, each once: name and fingerprint.
    pub signers: Vec<(String, String)>,
}

impl Signed {
    /// Checks form and signatures. Whether enough signed, and whether it is current, is the
    /// caller's question.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn verify(&self, signers: &[Signer]) -> Result<Verified, String> {
        let statement: Statement = serde_json::from_str(&self.statement)
            .map_err(|error| format!("the statement cannot be read: {error}"))?;
        let mut found: Vec<(String, String)> = Vec::new();
        for signature in &self.signatures {
            let signer = signers::verify(signers, &self.statement, signature)?;
            let one = (signer.name.clone(), signer.fingerprint());
            if !found.iter().any(|(_, fingerprint)| *fingerprint == one.1) {
                found.push(one);
            }
        }
        if found.is_empty() {
            return Err("nobody signed it".to_owned());
        }
        Ok(Verified {
            statement,
            signers: found,
        })
    }
}

impl Verified {
    /// The signers' names, for the log and messages.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.signers.iter().map(|(name, _)| name.as_str()).collect();
        guard_ground::sanitize::text(&names.join(", "))
    }

    /// Whether as many different people signed as it and the rules of now ask for. Two keys of one
    /// name are one person.
    pub fn has_enough(&self, wanted: u32) -> bool {
        let mut names: Vec<&str> = self.signers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.len() >= usize::try_from(self.statement.approvals.max(wanted)).unwrap_or(usize::MAX)
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

/// Seconds since the machine started, sleep included.
fn uptime() -> u64 {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    u64::try_from(clock.tv_sec).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_current() {
        let fresh = Statement::new(Kind::Grant, "7F3K", 600);
        assert!(fresh.is_current());
        let mut expired = fresh.clone();
        expired.issued -= 700;
        expired.expires -= 700;
        assert!(!expired.is_current());
        // The clock was turned back by an hour after it was issued.
        let mut from_the_future = fresh.clone();
        from_the_future.issued += 3600;
        from_the_future.expires += 3600;
        assert!(!from_the_future.is_current());
        // The clock was turned back to when it was issued, but more time has passed.
        let mut replayed = fresh.clone();
        replayed.uptime = replayed.uptime.saturating_sub(601);
        assert_eq!(replayed.is_current(), fresh.uptime < 601);
        let mut other_start = replayed;
        other_start.boot = "another".to_owned();
        assert!(other_start.is_current());
    }
}
