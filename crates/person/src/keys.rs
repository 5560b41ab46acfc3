//! The person's own key: made by guard and sealed by a passphrase, or one that they had before.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ssh_key::private::KeypairData;
use ssh_key::rand_core::{OsRng, RngCore as _};
use ssh_key::{Algorithm, Cipher, HashAlg, Kdf, LineEnding, PrivateKey};

use zeroize::Zeroizing;

use super::signers::{self, NAMESPACE, Signer};

/// Rounds of bcrypt: each try of a passphrase costs about half a second.
const ROUNDS: u32 = 64;
/// Shorter passphrases are guessed.
pub const MIN_PASSPHRASE: usize = 8;

/// Where the keys are.
#[derive(Clone, Debug)]
pub struct KeyPlaces {
    directory: PathBuf,
}

impl KeyPlaces {
    /// Keys lie beside the rules.
    pub fn new(config: &Path) -> Self {
        Self {
            directory: config.to_owned(),
        }
    }

    /// The private key that guard made.
    pub fn private(&self) -> PathBuf {
        self.directory.join("key")
    }

    /// The public keys that may approve.
    pub fn signers(&self) -> PathBuf {
        self.directory.join("allowed_signers")
    }

    /// The file that names a person's own key instead.
    pub fn chosen(&self) -> PathBuf {
        self.directory.join("key.path")
    }

    /// Everybody who may approve now: who stands in the list and, as long as programs of the user's can
    /// write to it, was let in by a key that could approve already. The log in `log` says so.
    ///
    /// # Errors
    /// What is wrong with the list or the log.
    pub fn approvers(&self, log: &Path) -> Result<Vec<Signer>, String> {
        use std::os::unix::fs::MetadataExt as _;
        let signers = self.load_signers()?;
        let is_roots = |path: &Path| std::fs::metadata(path).is_ok_and(|meta| meta.uid() == 0);
        let is_locked = !rustix::process::getuid().is_root()
            && is_roots(&self.directory)
            && is_roots(&self.signers());
        if is_locked || signers.is_empty() {
            return Ok(signers);
        }
        super::trail::let_in(signers, log)
    }

    /// Everybody in the list.
    ///
    /// # Errors
    /// What is wrong with the list.
    pub fn load_signers(&self) -> Result<Vec<Signer>, String> {
        signers::load(&self.signers())
    }

    /// The private key to sign with: guard's own, else the one that was named.
    pub fn default_key(&self) -> Option<PathBuf> {
        let own = self.private();
        if own.exists() {
            return Some(own);
        }
        guard_ground::shelf::read_text(&self.chosen())
            .ok()
            .map(|text| PathBuf::from(text.trim_end_matches('\n')))
    }
}

/// A new key, not sealed yet.
///
/// # Errors
/// When there is no randomness.
pub fn generate(name: &str) -> ssh_key::Result<PrivateKey> {
    let mut key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519)?;
    key.set_comment(format!("{name}: approvals of guard"));
    Ok(key)
}

/// The text of a key's file, sealed by a passphrase.
///
/// # Errors
/// When the key cannot be written down.
pub fn seal(key: &PrivateKey, passphrase: &[u8]) -> ssh_key::Result<Zeroizing<String>> {
    let mut salt = vec![0; 16];
    OsRng.fill_bytes(&mut salt);
    let kdf = Kdf::Bcrypt {
        salt,
        rounds: ROUNDS,
    };
    key.encrypt_with(Cipher::Aes256Ctr, kdf, OsRng.next_u32(), passphrase)?
        .to_openssh(LineEnding::LF)
}

/// A private key in a file, as far as it can be told without its passphrase.
#[derive(Debug)]
pub enum Sealed {
    /// Its passphrase opens it here.
    Passphrase(Box<PrivateKey>),
    /// A hardware key, or one whose file holds no private half: ssh-keygen signs with it.
    Hardware,
    /// Whoever reads the file can sign.
    Open,
}

/// What kind of key a file holds.
///
/// # Errors
/// When it is no OpenSSH private key that can be read.
pub fn inspect(file: &Path) -> Result<Sealed, String> {
    let problem =
        |error: &dyn std::fmt::Display| format!("{}: {error}", guard_ground::sanitize::path(file));
    let text = guard_ground::shelf::read_text(file).map_err(|error| problem(&error))?;
    let key = PrivateKey::from_openssh(&text).map_err(|error| problem(&error))?;
    if is_hardware(&key.algorithm()) {
        return Ok(Sealed::Hardware);
    }
    match key.key_data() {
        KeypairData::Encrypted(_) => Ok(Sealed::Passphrase(Box::new(key))),
        KeypairData::SkEd25519(_) | KeypairData::SkEcdsaSha2NistP256(_) => Ok(Sealed::Hardware),
        _ => Ok(Sealed::Open),
    }
}

/// Whether keys of this kind sign only when a person touches them.
pub fn is_hardware(algorithm: &Algorithm) -> bool {
    matches!(
        algorithm,
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256
    )
}

/// Opens a sealed key and signs a statement with it. `None` when the passphrase is wrong.
///
/// # Errors
/// When the key cannot sign.
pub fn sign(
    key: &PrivateKey,
    passphrase: &[u8],
    statement: &str,
) -> Result<Option<String>, String> {
    match key.decrypt(passphrase) {
        Ok(open) => sign_open(&open, statement).map(Some),
        Err(_) => Ok(None),
    }
}

/// Signs a statement with a key that is open.
///
/// # Errors
/// When the key cannot sign.
pub fn sign_open(key: &PrivateKey, statement: &str) -> Result<String, String> {
    key.sign(NAMESPACE, HashAlg::Sha512, statement.as_bytes())
        .and_then(|signature| signature.to_pem(LineEnding::LF))
        .map_err(|error| format!("the key cannot sign: {error}"))
}

/// Lets ssh-keygen sign on this terminal: it asks for what the key needs, a touch for instance.
///
/// # Errors
/// When ssh-keygen cannot be run or did not sign.
pub fn sign_with_ssh_keygen(
    file: &Path,
    statement: &str,
    terminal: &File,
) -> Result<String, String> {
    use std::io::Write as _;
    let failed = |error: std::io::Error| format!("ssh-keygen: {error}");
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-n", NAMESPACE, "-f"])
        .arg(file)
        // What an agent program holds, a program can use without a person.
        .env_remove("SSH_AUTH_SOCK")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::from(terminal.try_clone().map_err(failed)?))
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(statement.as_bytes()).map_err(failed)?;
    }
    let output = child.wait_with_output().map_err(failed)?;
    if !output.status.success() {
        return Err("ssh-keygen did not sign".to_owned());
    }
    String::from_utf8(output.stdout).map_err(|_| "ssh-keygen printed no signature".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_sealed_key_signs_for_its_passphrase_only() {
        let directory = tempfile::tempdir().unwrap();
        let made = generate("ada").unwrap();
        let file = directory.path().join("key");
        std::fs::write(&file, seal(&made, b"correct horse").unwrap()).unwrap();
        let Sealed::Passphrase(key) = inspect(&file).unwrap() else {
            panic!("it is not sealed");
        };
        assert_eq!(sign(&key, b"correct house", "statement").unwrap(), None);
        let signature = sign(&key, b"correct horse", "statement").unwrap().unwrap();
        let signers = [Signer {
            name: "ada".to_owned(),
            key: made.public_key().clone(),
        }];
        assert!(signers::verify(&signers, "statement", &signature).is_ok());
    }

    #[test]
    fn an_open_key_is_known_as_such() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        let key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519).unwrap();
        std::fs::write(&file, key.to_openssh(LineEnding::LF).unwrap()).unwrap();
        assert!(matches!(inspect(&file).unwrap(), Sealed::Open));
        assert!(inspect(directory.path()).is_err());
    }
}
