//! `guard key`: what a person signs approvals with.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Subcommand;
use ssh_key::PublicKey;

use super::terminal::{AtTerminal, Office};
use guard_audit::entry::{Entry, Proof};
use guard_ground::atomic::{self, Promise};
use guard_ground::exit_code;
use guard_ground::sanitize;
use guard_person::ask::statement_text;
use guard_person::keys::{self, MIN_PASSPHRASE, Sealed};
use guard_person::signers::Signer;
use guard_person::{Trust, secret, trail};

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Make a key, sealed by a passphrase of your choosing. One that is there already is replaced
    /// only with its passphrase.
    Init {
        /// Your name, as the log shall show it; the user's name by default.
        #[arg(long)]
        name: Option<String>,
    },
    /// Let an SSH key that you have already approve: a private key with a passphrase, or a hardware
    /// key. The first one proves itself; later ones are let in by a key that may approve already.
    Use {
        /// The private key file, or for somebody else's key the public one.
        file: PathBuf,
        /// The name of its owner; the user's name by default.
        #[arg(long)]
        name: Option<String>,
    },
    /// Show the keys that may approve.
    List,
}

/// Runs `guard key`.
pub(super) fn run(action: &Action) -> anyhow::Result<i32> {
    let office = Office::open()?;
    match action {
        Action::Init { name } => init(&office, name.as_deref()),
        Action::Use { file, name } => use_key(&office, file, name.as_deref()),
        Action::List => list(&office),
    }
}

fn signers(office: &Office) -> anyhow::Result<Vec<Signer>> {
    office.keys.load_signers().map_err(|error| anyhow!(error))
}

fn list(office: &Office) -> anyhow::Result<i32> {
    let mut out = std::io::stdout().lock();
    let signers = signers(office)?;
    if signers.is_empty() {
        writeln!(out, "No key may approve yet: guard key init").context("standard output")?;
    }
    let approvers = office.approvers()?;
    for signer in signers {
        let counts = approvers
            .iter()
            .any(|one| one.fingerprint() == signer.fingerprint());
        writeln!(
            out,
            "{}  {}  {}{}",
            sanitize::text(&signer.name),
            signer.fingerprint(),
            signer.key.algorithm(),
            if counts {
                ""
            } else {
                "  may not approve: nobody let it in (guard key use FILE)"
            }
        )
        .context("standard output")?;
    }
    Ok(exit_code::OK)
}

/// A name that an `allowed_signers` line can begin with.
fn checked_name(name: Option<&str>) -> anyhow::Result<String> {
    let name = name.map_or_else(guard_ground::install::user_name, str::to_owned);
    let plain = !name.is_empty()
        && !name.starts_with(['#', '-'])
        && name
            .chars()
            .all(|character| character.is_alphanumeric() || "._@+-".contains(character));
    if !plain {
        bail!("{name:?} is no plain name: letters, digits and . _ @ + -");
    }
    Ok(name)
}

fn init(office: &Office, name: Option<&str>) -> anyhow::Result<i32> {
    let name = checked_name(name)?;
    let mut person = office.person()?;
    let file = office.keys.private();
    let mut all = signers(office)?;
    let is_first = office.approvers()?.is_empty();
    if is_first {
        first_key_fits(&person)?;
    }
    let replaced = replaced_key(&file)?;
    let made = keys::generate(&name).map_err(|error| anyhow!("no key was made: {error}"))?;
    let signer = Signer {
        name,
        key: made.public_key().clone(),
    };
    let statement = trail::key_statement(&signer);
    let mut proof = if is_first && replaced.is_none() {
        let text = statement_text(&statement).map_err(|error| anyhow!(error))?;
        let signature = keys::sign_open(&made, &text).map_err(|error| anyhow!(error))?;
        self_proof(&signer, text, signature)?
    } else {
        person.show("A key may approve already; it has to let the new one in.\n");
        person.sign(&statement, None)?
    };
    proof.introduces = Some(trail::introduction(&signer).map_err(|error| anyhow!(error))?);
    let passphrase = new_passphrase(&mut person)?;
    let private = keys::seal(&made, &passphrase)
        .map_err(|error| anyhow!("the key cannot be sealed: {error}"))?;
    log_key(office, &person, "key made", proof)?;
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory).with_context(|| sanitize::path(directory))?;
    }
    atomic::write(&file, private.as_bytes(), Promise::KEPT)
        .with_context(|| sanitize::path(&file))?;
    let public = signer.key.to_openssh().context("the public key")?;
    atomic::write(
        &file.with_extension("pub"),
        public.as_bytes(),
        Promise::KEPT.mode(0o644),
    )
    .with_context(|| sanitize::path(&file))?;
    all.retain(|other| {
        replaced
            .as_ref()
            .is_none_or(|old| other.key.key_data() != old.key_data())
    });
    all.push(signer.clone());
    write_signers(office, &all)?;
    person.show(&format!(
        "\nThe key is made: {}\n  {}\nRemember the passphrase: nobody can tell it to you, and approvals take it.\n",
        sanitize::path(&file),
        signer.fingerprint()
    ));
    Ok(exit_code::OK)
}

/// Where a program could type, it could make the first key, and then approve everything.
fn first_key_fits(person: &AtTerminal<'_>) -> anyhow::Result<()> {
    match person.trust {
        Trust::Person => Ok(()),
        _ if person.is_systems => Ok(()),
        Trust::Shared => bail!(
            "{} Make the first key in a terminal window of its own; afterwards this one will do",
            person.why
        ),
        _ => bail!(
            "{} Make the first key where it can: in a terminal emulator of the system's, over ssh, \
             on the console; or name your terminal in your rules: [person] terminals = [\"/its/program\"]",
            person.why
        ),
    }
}

/// The key that a new one replaces.
fn replaced_key(file: &Path) -> anyhow::Result<Option<PublicKey>> {
    if !file.exists() {
        return Ok(None);
    }
    PublicKey::read_openssh_file(&file.with_extension("pub"))
        .map(Some)
        .with_context(|| {
            format!(
                "{} is there without its public half; nothing was changed",
                sanitize::path(file)
            )
        })
}

/// A key's own signature that it may approve.
fn self_proof(signer: &Signer, text: String, signature: String) -> anyhow::Result<Proof> {
    let who = trail::signed_by(std::slice::from_ref(signer), &text, &signature)
        .map_err(|error| anyhow!("the signature does not fit the public key: {error}"))?;
    Ok(Proof {
        statement: text,
        signatures: vec![signature],
        signers: vec![who],
        introduces: None,
    })
}

fn new_passphrase(person: &mut AtTerminal<'_>) -> anyhow::Result<zeroize::Zeroizing<Vec<u8>>> {
    let time = person.time();
    for _ in 0..3 {
        let ended = |_| anyhow!("no passphrase was given; nothing was changed");
        let first = secret::ask(&mut person.terminal, "New passphrase: ", time).map_err(ended)?;
        if first.len() < MIN_PASSPHRASE {
            person.show(&format!(
                "That is too short; {MIN_PASSPHRASE} characters at least.\n"
            ));
            continue;
        }
        let second = secret::ask(&mut person.terminal, "The same again: ", time).map_err(ended)?;
        if first == second {
            return Ok(first);
        }
        person.show("These two differ.\n");
    }
    bail!("no passphrase was set; nothing was changed");
}

fn write_signers(office: &Office, signers: &[Signer]) -> anyhow::Result<()> {
    let mut text = String::from(
        "# Who may approve what guard blocks (ssh-keygen(1), \"ALLOWED SIGNERS\"). Changed by: guard key\n",
    );
    for signer in signers {
        text.push_str(&signer.line().context("a key")?);
        text.push('\n');
    }
    let file = office.keys.signers();
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory).with_context(|| sanitize::path(directory))?;
    }
    atomic::write(&file, text.as_bytes(), Promise::KEPT.mode(0o644))
        .with_context(|| sanitize::path(&file))
}

fn log_key(
    office: &Office,
    person: &AtTerminal<'_>,
    answer: &str,
    proof: Proof,
) -> anyhow::Result<()> {
    office.log(&Entry {
        evidence: person.evidence.clone(),
        proof: Some(proof),
        ..Entry::of_guard(&["guard", "key"], answer)
    })
}

fn use_key(office: &Office, file: &Path, name: Option<&str>) -> anyhow::Result<i32> {
    let name = checked_name(name)?;
    let file = std::fs::canonicalize(file).with_context(|| sanitize::path(file))?;
    let mut all = signers(office)?;
    let is_public = file.extension().is_some_and(|end| end == "pub");
    let public_file = if is_public {
        file.clone()
    } else {
        PathBuf::from(format!("{}.pub", file.display()))
    };
    if !is_public
        && matches!(
            keys::inspect(&file).map_err(|error| anyhow!(error))?,
            Sealed::Open
        )
    {
        bail!(
            "{} has no passphrase, so any program could approve with it; give it one with: ssh-keygen -p -f {}",
            sanitize::path(&file),
            sanitize::path(&file)
        );
    }
    let public =
        PublicKey::read_openssh_file(&public_file).with_context(|| sanitize::path(&public_file))?;
    let signer = Signer { name, key: public };
    let is_signers = |other: &Signer| other.key.key_data() == signer.key.key_data();
    let approvers = office.approvers()?;
    if approvers.iter().any(is_signers) {
        bail!("this key may approve already");
    }
    let is_first = approvers.is_empty();
    all.retain(|other| !is_signers(other));
    let mut person = office.person()?;
    let statement = trail::key_statement(&signer);
    let mut proof = if is_first {
        first_key_fits(&person)?;
        if is_public {
            bail!("the first key proves itself: name the private key file");
        }
        let text = statement_text(&statement).map_err(|error| anyhow!(error))?;
        first_proof(office, &mut person, &signer, text, &file)?
    } else {
        person.show("One of the keys that may approve lets the new one in.\n");
        person.sign(&statement, None)?
    };
    proof.introduces = Some(trail::introduction(&signer).map_err(|error| anyhow!(error))?);
    log_key(office, &person, "key added", proof)?;
    all.push(signer.clone());
    write_signers(office, &all)?;
    if is_first {
        use std::os::unix::ffi::OsStrExt as _;
        atomic::write(
            &office.keys.chosen(),
            file.as_os_str().as_bytes(),
            Promise::KEPT.mode(0o644),
        )
        .context("the name of the key")?;
    }
    person.show(&format!(
        "\n{} may approve: {}\n",
        sanitize::text(&signer.name),
        signer.fingerprint()
    ));
    if !keys::is_hardware(&signer.key.algorithm()) {
        person.show(
            "Do not load this key into an ssh-agent where AI agents run: what it holds, they can use.\n",
        );
    }
    Ok(exit_code::OK)
}

/// A key of the person's own signs that it may approve.
fn first_proof(
    office: &Office,
    person: &mut AtTerminal<'_>,
    signer: &Signer,
    text: String,
    file: &Path,
) -> anyhow::Result<Proof> {
    let prover = guard_person::proof::Prover {
        keys: office.keys.clone(),
        state: &office.state,
        time: person.time(),
        evidence: &person.evidence,
    };
    let signature = prover
        .prove(&mut person.terminal, &text, Some(file))
        .map_err(|error| anyhow!("{error}; nothing was changed"))?;
    self_proof(signer, text, signature)
}
