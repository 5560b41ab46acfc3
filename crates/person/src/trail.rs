//! What people signed, read back from the audit log: who could approve when, and whether each
//! signature is theirs.

use std::path::Path;

use ssh_key::PublicKey;

use super::signers::{self, Signer};
use super::statement::{Kind, Signed, Statement};
use guard_audit as audit;
use guard_audit::entry::Entry;

/// What stands in each line that lets a key in.
const INTRODUCES: &[u8] = b"\"introduces\":\"";

/// The signers as the log introduces them, line by line.
#[derive(Debug, Default)]
pub struct Trail {
    signers: Vec<Signer>,
    signatures: usize,
}

impl Trail {
    /// Whether a key was let in by the entries so far.
    fn lets_in(&self, signer: &Signer) -> bool {
        self.signers
            .iter()
            .any(|one| one.name == signer.name && one.key.key_data() == signer.key.key_data())
    }

    /// Checks one entry's proof against the keys that were introduced before it.
    ///
    /// # Errors
    /// What does not hold, as the end of a sentence about the line.
    pub fn check(&mut self, entry: &Entry) -> Result<(), String> {
        let Some(proof) = &entry.proof else {
            return Ok(());
        };
        let introduced = proof.introduces.as_deref().map(introduced).transpose()?;
        if let Some(signer) = &introduced
            && self.signers.is_empty()
        {
            // The first key vouches for itself; whoever reads the log knows its fingerprint.
            self.signers.push(signer.clone());
        }
        let signed = Signed {
            statement: proof.statement.clone(),
            signatures: proof.signatures.clone(),
        };
        let verified = signed.verify(&self.signers)?;
        self.signatures += signed.signatures.len();
        if let Some(signer) = introduced {
            let names_it = verified.statement.kind == Kind::Key
                && verified.statement.id == signer.fingerprint();
            if !names_it {
                return Err("it introduces a key that was not signed for".to_owned());
            }
            self.signers.push(signer);
        }
        Ok(())
    }

    /// What was checked, for the end of a sentence.
    pub fn summary(&self) -> String {
        match self.signatures {
            0 => String::new(),
            1 => ", 1 signature holds".to_owned(),
            count => format!(", {count} signatures hold"),
        }
    }
}

/// Those of `signers` whom the log in `file` lets in: the first key by itself, each later one by one
/// that was let in before it. Whoever merely stands in the list was put there by a program.
pub fn let_in(signers: Vec<Signer>, file: &Path) -> Result<Vec<Signer>, String> {
    let mut trail = Trail::default();
    audit::each(file, |line| {
        if line
            .windows(INTRODUCES.len())
            .any(|part| part == INTRODUCES)
            && let Ok(entry) = serde_json::from_slice::<Entry>(line)
        {
            // One that does not hold lets nobody in.
            let _ = trail.check(&entry);
        }
    })
    .map_err(|error| format!("{}: {error}", guard_ground::sanitize::path(file)))?;
    Ok(signers
        .into_iter()
        .filter(|signer| trail.lets_in(signer))
        .collect())
}

/// `NAME TYPE KEY`, as an entry introduces a signer.
fn introduced(text: &str) -> Result<Signer, String> {
    let wrong = || "it introduces a key that cannot be read".to_owned();
    let (name, key) = text.split_once(' ').ok_or_else(wrong)?;
    Ok(Signer {
        name: name.to_owned(),
        key: PublicKey::from_openssh(key).map_err(|_| wrong())?,
    })
}

/// A signer as an entry introduces them.
///
/// # Errors
/// When the key cannot be written down.
pub fn introduction(signer: &Signer) -> Result<String, String> {
    let mut key = signer.key.clone();
    key.set_comment("");
    key.to_openssh()
        .map(|key| format!("{} {}", signer.name, key.trim_end()))
        .map_err(|error| error.to_string())
}

/// The statement that a key may approve from now on.
pub fn key_statement(signer: &Signer) -> Statement {
    Statement {
        shown: vec![format!("{} may approve", signer.name)],
        ..Statement::new(Kind::Key, &signer.fingerprint(), 0)
    }
}

/// Checks that a signature of `statement` is one of the signers'.
///
/// # Errors
/// Why it is not.
pub fn signed_by(signers: &[Signer], statement: &str, signature: &str) -> Result<String, String> {
    signers::verify(signers, statement, signature)
        .map(|signer| format!("{} {}", signer.name, signer.fingerprint()))
}
