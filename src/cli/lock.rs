//! `sudo guard lock`: rules and keys become root's, so that the agent's user can read and not
//! change them.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};

use super::terminal::Office;
use crate::audit::{self, Entry};
use crate::install::Places;
use crate::person::keys::KeyPlaces;
use crate::person::shelf;
use crate::person::statement::{Kind, Statement};
use crate::{exit_code, rules, sanitize};

/// What is moved, with the permissions that it has while it is locked.
const FILES: [(&str, u32); 5] = [
    ("rules.toml", 0o644),
    ("allowed_signers", 0o644),
    ("key", 0o640),
    ("key.pub", 0o644),
    ("key.path", 0o644),
];

/// The user for whom root acts: numbers of user and group.
fn user() -> anyhow::Result<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        bail!("this takes root's rights: sudo guard lock, sudo guard unlock");
    }
    let number = |name: &str| -> Option<u32> { std::env::var(name).ok()?.parse().ok() };
    let (Some(user), Some(group)) = (number("SUDO_UID"), number("SUDO_GID")) else {
        bail!("run it with sudo, as the user whose rules and keys it is about");
    };
    if user == 0 {
        bail!("root can change everything, so there is nothing to lock for root");
    }
    Ok((user, group))
}

/// Runs `guard lock`.
pub(super) fn lock() -> anyhow::Result<i32> {
    let (user, group) = user()?;
    let places = Places::of(user);
    if places.is_locked() {
        println!("Locked already: {}", sanitize::path(&places.locked));
        return Ok(exit_code::OK);
    }
    let from = places
        .unlocked
        .clone()
        .ok_or_else(|| anyhow!("the user has no home directory"))?;
    let aside = places.locked.with_extension("new");
    make_directory(&aside)?;
    for (name, mode) in FILES {
        let file = from.join(name);
        match std::fs::read(&file) {
            Ok(text) => {
                let to = aside.join(name);
                shelf::replace(&to, &text, mode).with_context(|| sanitize::path(&to))?;
                std::fs::set_permissions(&to, Permissions::from_mode(mode))?;
                chown(&to, Some(0), Some(group)).with_context(|| sanitize::path(&to))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| sanitize::path(&file)),
        }
    }
    std::fs::rename(&aside, &places.locked).with_context(|| sanitize::path(&places.locked))?;
    for (name, _) in FILES {
        let _ = std::fs::remove_file(from.join(name));
    }
    note(&places, user, group, "rules and keys locked");
    println!(
        "Locked: rules and keys are root's now, in {}\nChange them there with sudo, or: sudo guard unlock",
        sanitize::path(&places.locked)
    );
    Ok(exit_code::OK)
}

fn make_directory(directory: &Path) -> anyhow::Result<()> {
    if let Some(parent) = directory.parent() {
        std::fs::create_dir_all(parent).with_context(|| sanitize::path(parent))?;
    }
    let _ = std::fs::remove_dir_all(directory);
    std::fs::create_dir(directory).with_context(|| sanitize::path(directory))?;
    std::fs::set_permissions(directory, Permissions::from_mode(0o755))
        .with_context(|| sanitize::path(directory))
}

/// Writes to the user's log, and leaves it the user's.
fn note(places: &Places, user: u32, group: u32, answer: &str) {
    if let Some(file) = places.log_file() {
        let written = audit::append(&file, &Entry::of_guard(&["guard", "lock"], answer));
        if let Err(error) = written {
            crate::message::say(&format!("the audit log cannot be written: {error}"));
        }
        let owned = [file.parent(), Some(file.as_path())];
        for path in owned.into_iter().flatten() {
            let _ = chown(path, Some(user), Some(group));
        }
    }
}

/// Runs `guard unlock`: takes root's rights and the person's proof.
pub(super) fn unlock() -> anyhow::Result<i32> {
    let (user, group) = user()?;
    let places = Places::of(user);
    if !places.is_locked() {
        bail!("nothing is locked");
    }
    let to = places
        .unlocked
        .clone()
        .ok_or_else(|| anyhow!("the user has no home directory"))?;
    let office = Office {
        rules: rules::load(places.rules_file().as_deref()),
        state: places
            .state
            .clone()
            .ok_or_else(|| anyhow!("the user has no home directory"))?,
        keys: KeyPlaces::new(&places.locked),
        places: places.clone(),
    };
    if office.keys.default_key().is_some() {
        let mut person = office.person()?;
        let statement = Statement {
            shown: vec!["rules and keys become the user's own".to_owned()],
            ..Statement::new(Kind::Unlock, &user.to_string(), 0)
        };
        let proof = person.sign(&statement, None)?;
        office.log(&Entry {
            evidence: person.evidence.clone(),
            proof: Some(proof),
            ..Entry::of_guard(&["guard", "unlock"], "unlocked")
        })?;
    }
    std::fs::create_dir_all(&to).with_context(|| sanitize::path(&to))?;
    for (name, mode) in FILES {
        let file = places.locked.join(name);
        match std::fs::read(&file) {
            Ok(text) => {
                let own = if name == "key" { 0o600 } else { mode };
                let path = to.join(name);
                shelf::replace(&path, &text, own).with_context(|| sanitize::path(&path))?;
                chown(&path, Some(user), Some(group)).with_context(|| sanitize::path(&path))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| sanitize::path(&file)),
        }
    }
    chown(&to, Some(user), Some(group)).with_context(|| sanitize::path(&to))?;
    std::fs::remove_dir_all(&places.locked).with_context(|| sanitize::path(&places.locked))?;
    note(&places, user, group, "rules and keys unlocked");
    println!(
        "Unlocked: rules and keys are the user's own again, in {}",
        sanitize::path(&to)
    );
    Ok(exit_code::OK)
}
