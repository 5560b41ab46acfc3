//! `sudo guard lock`: rules and keys become root's, so that the agent's user can read and not
//! change them.

use guard_judge::load;
use guard_toolbox::TOOLBOX;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};

use super::terminal::Office;
use guard_audit as audit;
use guard_audit::entry::Entry;
use guard_ground::atomic::{self, Promise};
use guard_ground::install::Places;
use guard_ground::shelf;
use guard_ground::{exit_code, sanitize};
use guard_person::keys::KeyPlaces;
use guard_person::statement::{Kind, Statement};

/// What is moved, with the permissions that it has while it is locked.
const FILES: [(&str, u32); 5] = [
    ("rules.toml", 0o644),
    ("allowed_signers", 0o644),
    ("key", 0o640),
    ("key.pub", 0o644),
    ("key.path", 0o644),
];

/// The user for whom root acts.
#[derive(Clone, Copy)]
struct User {
    id: u32,
    group: u32,
}

impl User {
    /// The user who called sudo.
    fn of_sudo() -> anyhow::Result<Self> {
        if !rustix::process::geteuid().is_root() {
            bail!("this takes root's rights: sudo guard lock, sudo guard unlock");
        }
        let number = |name: &str| -> Option<u32> { std::env::var(name).ok()?.parse().ok() };
        let (Some(id), Some(group)) = (number("SUDO_UID"), number("SUDO_GID")) else {
            bail!("run it with sudo, as the user whose rules and keys it is about");
        };
        if id == 0 {
            bail!("root can change everything, so there is nothing to lock for root");
        }
        Ok(Self { id, group })
    }

    /// Does something with the user's rights and no others. The user's directories are full of
    /// what programs of the user's put there: links that lead root to other people's files.
    fn act<T>(self, what: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        take_rights(self.id, self.group, &[self.group]).context("the user's rights")?;
        let done = what();
        take_rights(0, 0, &[0]).context("root's rights")?;
        done
    }
}

/// Takes a user's rights as the effective ones of this process, or root's back (setuid(7)).
#[allow(unsafe_code)]
fn take_rights(user: u32, group: u32, groups: &[u32]) -> std::io::Result<()> {
    let checked = |code: i32| match code {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    };
    // SAFETY: plain system calls; `groups` lives until setgroups returns.
    unsafe {
        // Groups can be set by root alone: before root's rights go, after they are back.
        if user == 0 {
            checked(libc::seteuid(0))?;
        }
        checked(libc::setgroups(groups.len() as _, groups.as_ptr()))?;
        checked(libc::setegid(group))?;
        if user != 0 {
            checked(libc::seteuid(user))?;
        }
    }
    Ok(())
}

/// The files that are moved, as far as they are there, with their permissions while they are locked.
fn files_in(directory: &Path) -> anyhow::Result<Vec<(&'static str, u32, Vec<u8>)>> {
    let mut found = Vec::new();
    for (name, mode) in FILES {
        let file = directory.join(name);
        match shelf::read(&file) {
            Ok(text) => found.push((name, mode, text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| sanitize::path(&file)),
        }
    }
    Ok(found)
}

/// Runs `guard lock`.
pub(super) fn lock() -> anyhow::Result<i32> {
    let user = User::of_sudo()?;
    let places = Places::of(user.id);
    if places.is_locked() {
        println!("Locked already: {}", sanitize::path(&places.locked));
        return Ok(exit_code::OK);
    }
    let from = places
        .unlocked
        .clone()
        .ok_or_else(|| anyhow!("the user has no home directory"))?;
    let files = user.act(|| files_in(&from))?;
    let aside = places.locked.with_extension("new");
    make_directory(&aside)?;
    for (name, mode, text) in &files {
        let to = aside.join(name);
        atomic::write(&to, text, Promise::KEPT.mode(*mode)).with_context(|| sanitize::path(&to))?;
        std::fs::set_permissions(&to, Permissions::from_mode(*mode))?;
        chown(&to, Some(0), Some(user.group)).with_context(|| sanitize::path(&to))?;
    }
    std::fs::rename(&aside, &places.locked).with_context(|| sanitize::path(&places.locked))?;
    user.act(|| {
        for (name, _) in FILES {
            let _ = std::fs::remove_file(from.join(name));
        }
        note(&places, "lock", "rules and keys locked");
        Ok(())
    })?;
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

/// Writes to the user's log.
fn note(places: &Places, verb: &str, answer: &str) {
    let Some(file) = places.log_file() else {
        return;
    };
    if let Err(error) = audit::append(&file, &Entry::of_guard(&["guard", verb], answer)) {
        guard_ground::say::say(&format!("the audit log cannot be written: {error}"));
    }
}

/// Runs `guard unlock`: takes root's rights and the person's proof.
pub(super) fn unlock() -> anyhow::Result<i32> {
    let user = User::of_sudo()?;
    let places = Places::of(user.id);
    if !places.is_locked() {
        bail!("nothing is locked");
    }
    let no_home = || anyhow!("the user has no home directory");
    let to = places.unlocked.clone().ok_or_else(no_home)?;
    let office = Office {
        rules: load::load(&TOOLBOX, &places),
        state: places.state.clone().ok_or_else(no_home)?,
        keys: KeyPlaces::new(&places.locked),
        places: places.clone(),
    };
    let files = files_in(&places.locked)?;
    user.act(|| {
        if office.keys.default_key().is_some() {
            prove_unlock(&office, user)?;
        }
        std::fs::create_dir_all(&to).with_context(|| sanitize::path(&to))?;
        for (name, mode, text) in &files {
            let own = if *name == "key" { 0o600 } else { *mode };
            let path = to.join(name);
            atomic::write(&path, text, Promise::KEPT.mode(own))
                .with_context(|| sanitize::path(&path))?;
        }
        Ok(())
    })?;
    std::fs::remove_dir_all(&places.locked).with_context(|| sanitize::path(&places.locked))?;
    user.act(|| {
        note(&places, "unlock", "rules and keys unlocked");
        Ok(())
    })?;
    println!(
        "Unlocked: rules and keys are the user's own again, in {}",
        sanitize::path(&to)
    );
    Ok(exit_code::OK)
}

fn prove_unlock(office: &Office, user: User) -> anyhow::Result<()> {
    let mut person = office.person()?;
    let statement = Statement {
        shown: vec!["rules and keys become the user's own".to_owned()],
        ..Statement::new(Kind::Unlock, &user.id.to_string(), 0)
    };
    let proof = person.sign(&statement, None)?;
    office.log(&Entry {
        evidence: person.evidence.clone(),
        proof: Some(proof),
        ..Entry::of_guard(&["guard", "unlock"], "unlocked")
    })
}
