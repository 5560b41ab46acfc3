//! Approvals from elsewhere: which of them fit a command, and using one up.
//!
//! The audit log is the record of what was approved and what was used: an approval that it does
//! not hold counts as forged, and one that it holds as used up as spent, whatever files are there.

use std::path::Path;

use super::identity::Identity;
use super::requests::Desk;
use super::signers::Signer;
use super::size::Size;
use super::statement::{Kind, Signed, Verified};
use guard_audit as audit;
use guard_audit::entry::Entry;
use guard_ground::shelf::Item;

/// The beginning of the answer in the entry that takes an exception back.
pub const REVOKED: &str = "revoked";

/// An approval that fits.
#[derive(Debug)]
pub struct Approval {
    item: Item,
    signed: Signed,
    /// What it says, and who signed it.
    pub verified: Verified,
}

/// What was found for a command.
#[derive(Debug, Default)]
pub struct Found {
    /// One that fits.
    pub approval: Option<Approval>,
    /// Why others that are there do not, as sentences.
    pub misfits: Vec<String>,
}

/// Looks for an approval of this command, which would lose `size` now and takes `wanted` approvals.
pub fn find(
    desk: &Desk,
    signers: impl FnOnce() -> Result<Vec<Signer>, String>,
    identity: &Identity,
    size: &Size,
    wanted: u32,
) -> Found {
    let mut found = Found::default();
    let fingerprint = &identity.fingerprint;
    let grants = desk.grants_for(fingerprint).into_iter();
    let exceptions = desk.exceptions_for(fingerprint).into_iter();
    let mut given = grants.chain(exceptions).peekable();
    if given.peek().is_none() {
        return found;
    }
    let signers = signers();
    for (item, signed) in given {
        let checked = signers
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|signers| signed.verify(signers))
            .and_then(|verified| {
                fits(&verified, fingerprint, size, wanted)?;
                Ok(verified)
            });
        match checked {
            Ok(verified) => {
                found.approval = Some(Approval {
                    item,
                    signed,
                    verified,
                });
                return found;
            }
            Err(why) => found
                .misfits
                .push(format!("The approval {} does not hold: {why}.", item.id)),
        }
    }
    found
}

fn fits(verified: &Verified, fingerprint: &str, size: &Size, wanted: u32) -> Result<(), String> {
    let statement = &verified.statement;
    let right_kind = matches!(statement.kind, Kind::Grant | Kind::Exception);
    if statement.guard != 1 || !right_kind || statement.fingerprint != fingerprint {
        return Err("it is for another command".to_owned());
    }
    if statement.user != guard_ground::install::user_name() {
        return Err("it is for another user".to_owned());
    }
    if !statement.is_current() {
        return Err("it has expired".to_owned());
    }
    if !verified.has_enough(wanted) {
        return Err(format!(
            "{} of {} people have approved it",
            verified.signers.len(),
            statement.approvals.max(wanted)
        ));
    }
    if statement.kind == Kind::Grant && !statement.size.covers(size) {
        return Err("more would be lost now than was approved".to_owned());
    }
    Ok(())
}

impl Approval {
    /// Whether it is good for more than one run.
    pub fn is_exception(&self) -> bool {
        self.verified.statement.kind == Kind::Exception
    }

    /// The id of the request or exception.
    pub fn id(&self) -> &str {
        &self.item.id
    }

    /// The words for the audit log.
    pub fn answer(&self) -> String {
        let names = self.verified.names();
        if self.is_exception() {
            format!("allowed for a while by {names}")
        } else {
            format!("approved by {names}")
        }
    }

    /// Writes `entry` into the log and takes the approval away; afterwards the command may run.
    ///
    /// # Errors
    /// When the log does not hold the approval, holds that it was used or revoked, or cannot be
    /// written. The command must then not run.
    pub fn use_up(&self, log: &Path, entry: &Entry) -> std::io::Result<()> {
        let entry = Entry {
            used: Some(self.verified.statement.nonce.clone()),
            request: Some(self.item.id.clone()),
            ..entry.clone()
        };
        audit::append_if(log, &entry, |earlier| self.is_unspent(earlier))?;
        if !self.is_exception() {
            let _ = self.item.remove();
        }
        Ok(())
    }

    fn is_unspent(&self, earlier: impl Iterator<Item = Entry>) -> Result<(), String> {
        let nonce = &self.verified.statement.nonce;
        let mut missing: Vec<&str> = self.signed.signatures.iter().map(String::as_str).collect();
        for entry in earlier {
            if entry.used.as_ref() == Some(nonce) {
                if entry.answer.starts_with(REVOKED) {
                    return Err("it was revoked".to_owned());
                }
                if !self.is_exception() {
                    return Err("it was used already; it is good for one run".to_owned());
                }
            }
            if let Some(proof) = &entry.proof
                && proof.statement == self.signed.statement
            {
                missing.retain(|signature| !proof.signatures.iter().any(|one| one == signature));
            }
            if missing.is_empty() {
                return Ok(());
            }
        }
        Err("the audit log does not hold it".to_owned())
    }
}
