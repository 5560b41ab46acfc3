//! Who may approve: public keys in OpenSSH's `allowed_signers` form (ssh-keygen(1), "ALLOWED
//! SIGNERS"), one line each: `PRINCIPALS [OPTIONS] TYPE KEY [COMMENT]`.

use std::path::Path;

use ssh_key::{HashAlg, PublicKey, SshSig};

/// The namespace of guard's signatures: one made for mail or git approves nothing.
pub const NAMESPACE: &str = "guard";

/// Somebody whose signature counts.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Their name.
    pub name: String,
    /// Their key.
    pub key: PublicKey,
}

impl Signer {
    /// The key's fingerprint: `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }

    /// The line that names them.
    ///
    /// # Errors
    /// When the key cannot be written down.
    pub fn line(&self) -> ssh_key::Result<String> {
        let mut key = self.key.clone();
        key.set_comment("");
        Ok(format!(
            "{} namespaces=\"{NAMESPACE}\" {}",
            self.name,
            key.to_openssh()?.trim_end()
        ))
    }
}

/// Everybody in the file; none when there is no such file.
///
/// # Errors
/// The system's reason, or the first line that cannot be read: a list that is broken trusts nobody.
pub fn load(file: &Path) -> Result<Vec<Signer>, String> {
    let text = match guard_ground::shelf::read_text(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("{}: {error}", guard_ground::sanitize::path(file))),
    };
    let mut signers = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match parse(line) {
            Ok(signer) => signers.extend(signer),
            Err(what) => {
                return Err(format!(
                    "{}:{}: {what}",
                    guard_ground::sanitize::path(file),
                    at + 1
                ));
            }
        }
    }
    Ok(signers)
}

/// One line; `None` for a key that is for something else, or not valid at this time.
fn parse(line: &str) -> Result<Option<Signer>, String> {
    let (name, mut rest) = line.split_once([' ', '\t']).ok_or("it names no key")?;
    rest = rest.trim_start();
    let mut counts = true;
    if let Some((options, key)) = split_options(rest) {
        rest = key;
        for option in options {
            counts &= fits(&option)?;
        }
    }
    let key = PublicKey::from_openssh(rest).map_err(|error| format!("the key: {error}"))?;
    Ok(counts.then(|| Signer {
        name: name.to_owned(),
        key,
    }))
}

/// The options before a key, if there are any. A key begins with its type, which no option does.
fn split_options(text: &str) -> Option<(Vec<String>, &str)> {
    let types = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"];
    if types.iter().any(|kind| text.starts_with(kind)) {
        return None;
    }
    let (mut options, mut current, mut quoted) = (Vec::new(), String::new(), false);
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => options.push(std::mem::take(&mut current)),
            ' ' | '\t' if !quoted => {
                options.push(current);
                return text.get(at..).map(|rest| (options, rest.trim_start()));
            }
            other => current.push(other),
        }
    }
    None
}

/// Whether a key with this option may approve now.
fn fits(option: &str) -> Result<bool, String> {
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    match name.to_ascii_lowercase().as_str() {
        "namespaces" => Ok(value
            .split(',')
            .any(|pattern| guard_ground::glob::matches(pattern, NAMESPACE.as_bytes()))),
        "valid-after" => Ok(moment(value)? <= now_text()),
        "valid-before" => Ok(moment(value)? > now_text()),
        // Certificates are not read, so what an authority signed does not count.
        "cert-authority" => Ok(false),
        _ => Err(format!("the option {name:?} is not known")),
    }
}

/// `YYYYMMDD[HHMM[SS]][Z]` as fourteen digits, UTC (ssh-keygen(1)).
fn moment(value: &str) -> Result<String, String> {
    let digits = value.trim_end_matches('Z');
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || !matches!(digits.len(), 8 | 12 | 14) {
        return Err(format!(
            "{value:?} is no time of the form YYYYMMDD[HHMM[SS]]"
        ));
    }
    Ok(format!("{digits:0<14}"))
}

fn now_text() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now())
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .collect()
}

/// The signer whose key made this signature of `statement`.
///
/// # Errors
/// When it is no signature, not one of these signers', or not of this statement.
pub fn verify<'s>(
    signers: &'s [Signer],
    statement: &str,
    signature: &str,
) -> Result<&'s Signer, String> {
    let signature =
        SshSig::from_pem(signature).map_err(|error| format!("it is no signature: {error}"))?;
    let signer = signers
        .iter()
        .find(|signer| signer.key.key_data() == signature.public_key())
        .ok_or("it is signed by a key that may not approve (guard key list)")?;
    signer
        .key
        .verify(NAMESPACE, statement.as_bytes(), &signature)
        .map_err(|_| "the signature does not fit".to_owned())?;
    if !touched(&signature) {
        return Err("the hardware key signed it without being touched".to_owned());
    }
    Ok(signer)
}

/// Whether a hardware key saw a person: bit 0 of the flags that stand before its counter
/// (OpenSSH's PROTOCOL.u2f). Other keys have no such flags.
fn touched(signature: &SshSig) -> bool {
    use ssh_key::Algorithm::{SkEcdsaSha2NistP256, SkEd25519};
    let signature = signature.signature();
    if !matches!(signature.algorithm(), SkEd25519 | SkEcdsaSha2NistP256) {
        return true;
    }
    let bytes = signature.as_bytes();
    bytes
        .len()
        .checked_sub(5)
        .and_then(|at| bytes.get(at))
        .is_some_and(|flags| flags & 1 == 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ssh_key::rand_core::OsRng;
    use ssh_key::{Algorithm, LineEnding, PrivateKey};

    use super::*;

    fn key() -> PrivateKey {
        PrivateKey::random(&mut OsRng, Algorithm::Ed25519).unwrap()
    }

    fn sign(key: &PrivateKey, namespace: &str, text: &str) -> String {
        key.sign(namespace, HashAlg::Sha512, text.as_bytes())
            .unwrap()
            .to_pem(LineEnding::LF)
            .unwrap()
    }

    #[test]
    fn lines() {
        let public = key().public_key().to_openssh().unwrap();
        for (line, counts) in [
            (format!("ada {public}"), Some(true)),
            (format!("ada {public} a comment"), Some(true)),
            (format!("ada namespaces=\"guard\" {public}"), Some(true)),
            (format!("ada namespaces=\"git,g*\" {public}"), Some(true)),
            (format!("ada namespaces=\"git\" {public}"), Some(false)),
            (format!("ada valid-after=\"20200101\" {public}"), Some(true)),
            (
                format!("ada valid-before=\"20200101Z\" {public}"),
                Some(false),
            ),
            (
                format!("ada namespaces=\"guard\",valid-before=\"202001010000\" {public}"),
                Some(false),
            ),
            (format!("ada cert-authority {public}"), Some(false)),
            (format!("ada unknown=\"1\" {public}"), None),
            (format!("ada valid-after=\"soon\" {public}"), None),
            ("ada".to_owned(), None),
            ("ada ssh-ed25519 AAAA".to_owned(), None),
        ] {
            assert_eq!(
                parse(&line).ok().map(|signer| signer.is_some()),
                counts,
                "{line}"
            );
        }
    }

    #[test]
    fn a_line_can_be_read_again() {
        let signer = Signer {
            name: "ada".to_owned(),
            key: key().public_key().clone(),
        };
        let read = parse(&signer.line().unwrap()).unwrap().unwrap();
        assert_eq!(
            (read.name, read.key.key_data()),
            (signer.name, signer.key.key_data())
        );
    }

    #[test]
    fn only_the_signers_own_signature_of_this_statement_counts() {
        let (ada, eve) = (key(), key());
        let signers = [Signer {
            name: "ada".to_owned(),
            key: ada.public_key().clone(),
        }];
        let good = sign(&ada, NAMESPACE, "statement");
        assert_eq!(verify(&signers, "statement", &good).unwrap().name, "ada");
        assert!(verify(&signers, "statement!", &good).is_err());
        assert!(verify(&signers, "statement", &sign(&ada, "git", "statement")).is_err());
        assert!(verify(&signers, "statement", &sign(&eve, NAMESPACE, "statement")).is_err());
        assert!(verify(&signers, "statement", "").is_err());
        assert!(verify(&[], "statement", &good).is_err());
    }
}
