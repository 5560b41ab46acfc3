//! Carrying out what was planned: all of it, or nothing; and undoing it.

use super::manifest::{self, SetupEntry, SetupManifest, SetupShelf, Without};
use super::{FileChange, files};
use guard_ground::sanitize;

/// Writes all changes, after what was there before was kept. When one cannot be written, those
/// before it are taken back.
pub fn apply(shelf: &SetupShelf, changes: &[FileChange]) -> Result<(), String> {
    let old = shelf.read()?;
    let mut new = old.clone();
    for change in changes {
        let backup = change
            .before
            .as_deref()
            .map(|before| shelf.keep(before))
            .transpose()?;
        new.entries.retain(|entry| entry.target != change.target);
        new.entries.push(SetupEntry {
            name: change.name.clone(),
            shells: change.shells.clone(),
            path: change.path.clone(),
            target: change.target.clone(),
            after: manifest::digest(change.after.as_deref().unwrap_or_default()),
            backup,
            made: files::missing_directories(&change.target),
            trace: change.trace.clone(),
        });
    }
    if let Err(fault) = shelf.write(&new) {
        shelf.tidy(&old);
        return Err(fault);
    }
    let done = write(changes, &new);
    if done.is_err() {
        shelf.write(&old)?;
        shelf.tidy(&old);
    } else {
        shelf.tidy(&new);
    }
    done
}

/// Writes files; takes back what was written when one fails.
fn write(changes: &[FileChange], manifest: &SetupManifest) -> Result<(), String> {
    for (index, change) in changes.iter().enumerate() {
        let done = files::replace(
            &change.target,
            change.before.as_deref(),
            change.after.as_deref(),
        );
        let Err(fault) = done else {
            continue;
        };
        let mut told = format!("{fault}; nothing was changed");
        for written in changes.iter().take(index).rev() {
            let back = files::replace(
                &written.target,
                written.after.as_deref(),
                written.before.as_deref(),
            );
            if let Err(other) = back {
                told = format!("{fault}; and it could not be taken back: {other}");
            }
        }
        for change in changes.iter().take(index + 1) {
            remove_directories(manifest, change);
        }
        return Err(told);
    }
    Ok(())
}

fn remove_directories(manifest: &SetupManifest, change: &FileChange) {
    let entry = manifest
        .entries
        .iter()
        .find(|entry| entry.target == change.target);
    for directory in entry.into_iter().flat_map(|entry| &entry.made) {
        // Only what is empty goes.
        let _ = std::fs::remove_dir(directory);
    }
}

/// What undoing comes to.
#[derive(Debug, Default)]
pub struct Removal {
    /// The files to write, each with its entry.
    pub changes: Vec<FileChange>,
    /// Entries whose text is gone already.
    pub gone: Vec<SetupEntry>,
    /// What stays, and why.
    pub stays: Vec<String>,
    /// Files that were changed since.
    pub edited: Vec<String>,
}

/// Plans to undo what the manifest names and `wanted` chooses. `copy` reads what was kept.
pub fn plan_undo(
    manifest: &SetupManifest,
    copy: impl Fn(&str) -> Result<Vec<u8>, String>,
    wanted: impl Fn(&SetupEntry) -> bool,
) -> Removal {
    let mut undoing = Removal::default();
    for entry in manifest.entries.iter().filter(|entry| wanted(entry)) {
        let shown = sanitize::path(&entry.path);
        if let Err(fault) = one(&mut undoing, entry, &copy) {
            undoing.stays.push(format!(
                "{shown}: {fault}; it was left as it is: take guard's part out by hand"
            ));
        }
    }
    undoing
}

fn one(
    undoing: &mut Removal,
    entry: &SetupEntry,
    copy: impl Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<(), String> {
    let look = files::look(&entry.target)?;
    let Some(now) = look.before.clone() else {
        undoing.gone.push(entry.clone());
        return Ok(());
    };
    let is_untouched = manifest::digest(&now) == entry.after;
    let kept = entry.backup.as_deref().map(copy).transpose();
    let after = match kept {
        Ok(Some(before)) if is_untouched => Some(before),
        Ok(None) if is_untouched => None,
        _ => match entry.trace.without(&now) {
            Without::Text(text) => {
                undoing.edited.push(sanitize::path(&entry.path));
                Some(text)
            }
            Without::Gone => {
                undoing.gone.push(entry.clone());
                return Ok(());
            }
            Without::Stays(why) => return Err(why),
        },
    };
    files::writable(&entry.path, &look.target, true)?;
    undoing.changes.push(FileChange {
        name: entry.name.clone(),
        shells: entry.shells.clone(),
        path: entry.path.clone(),
        target: entry.target.clone(),
        before: Some(now),
        after,
        trace: entry.trace.clone(),
    });
    Ok(())
}

/// Carries it out.
pub fn undo(shelf: &SetupShelf, undoing: &Removal) -> Result<(), String> {
    let mut manifest = shelf.read()?;
    write(&undoing.changes, &SetupManifest::default())?;
    for change in &undoing.changes {
        if change.after.is_none() {
            remove_directories(&manifest, change);
        }
    }
    manifest.entries.retain(|entry| {
        let is_written = undoing
            .changes
            .iter()
            .any(|change| change.target == entry.target);
        !is_written && !undoing.gone.contains(entry)
    });
    shelf.write(&manifest)?;
    shelf.tidy(&manifest);
    Ok(())
}
