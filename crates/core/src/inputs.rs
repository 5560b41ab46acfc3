//! What a command reads besides its argv: its digest is a part of what a person approves.

use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::context::{Context, Input};
use crate::invocation::Invocation;
use crate::tool::{Origin, Toolbox};
use guard_ground::digest::Hasher;
use guard_ground::memfd::MemoryFile;
use guard_ground::spool;

/// The digest of everything that decides what the invocation, and those nested in it, would do;
/// `None` when that is its argv alone.
///
/// # Errors
/// When standard input cannot be read. What another source holds, or that it is not there, is part
/// of the digest.
pub fn digest(
    tools: &Toolbox,
    invocation: &Invocation,
    context: &Context,
) -> std::io::Result<Option<String>> {
    let mut hasher = Hasher::default();
    let mut any = false;
    let waits = context.input == Input::Process;
    add(tools, invocation, context, waits, &mut hasher, &mut any)?;
    Ok(any.then(|| hasher.finish()))
}

fn add(
    tools: &Toolbox,
    invocation: &Invocation,
    context: &Context,
    waits: bool,
    hasher: &mut Hasher,
    any: &mut bool,
) -> std::io::Result<()> {
    for source in tools.inputs(invocation) {
        *any = true;
        match source {
            Origin::Input => {
                hasher.part(b"input");
                if waits {
                    standard_input(hasher)?;
                }
            }
            Origin::File(path) => {
                let there = context.in_directory(invocation.directory.as_deref());
                hasher.part(b"file").part(path.as_os_str().as_bytes());
                if let Some(path) = there.in_directory(Some(&path)).directory {
                    file(&path, hasher, 0);
                }
            }
        }
    }
    for nested in &invocation.nested {
        if !nested.elsewhere {
            let inner = context.in_directory(nested.directory.as_deref());
            add(tools, &nested.invocation, &inner, waits, hasher, any)?;
        }
    }
    Ok(())
}

/// What stands on standard input, from where it stands. A pipe is copied first, so that the tool
/// reads the same bytes; a terminal or a device is left alone.
fn standard_input(hasher: &mut Hasher) -> std::io::Result<()> {
    spool::spool_input()?;
    let mut input = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    if !input.metadata()?.is_file() {
        return Ok(());
    }
    let start = input.stream_position()?;
    let read = contents(&mut input, hasher);
    input.seek(SeekFrom::Start(start))?;
    read
}

/// Writes what stands on standard input to a file that only its owner can read; the tool would still
/// find all of it. False when nothing stands there.
///
/// # Errors
/// When it cannot be read or written, or is larger than `limit`.
pub fn keep_input(file: &Path, limit: u64) -> std::io::Result<bool> {
    use std::os::unix::fs::OpenOptionsExt as _;
    spool::spool_input()?;
    let mut input = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    if !input.metadata()?.is_file() {
        return Ok(false);
    }
    let start = input.stream_position()?;
    let mut kept = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)?;
    let copied = std::io::copy(&mut (&mut input).take(limit + 1), &mut kept)?;
    input.seek(SeekFrom::Start(start))?;
    if copied > limit {
        return Err(std::io::Error::other("standard input is too long to keep"));
    }
    Ok(true)
}

/// A copy of what stands on standard input, for a preview; the tool would still find all of it. `None`
/// when nothing stands there.
///
/// # Errors
/// When it cannot be read or kept.
pub fn copy_input() -> std::io::Result<Option<MemoryFile>> {
    spool::spool_input()?;
    let mut input = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    if !input.metadata()?.is_file() {
        return Ok(None);
    }
    let start = input.stream_position()?;
    let kept = MemoryFile::new("guard-input")?;
    let copied = std::io::copy(&mut input, &mut kept.file()?);
    input.seek(SeekFrom::Start(start))?;
    copied?;
    Ok(Some(kept))
}

/// A file's bytes, or a directory's entries in order. What cannot be read counts as such.
fn file(path: &Path, hasher: &mut Hasher, depth: usize) {
    const DEPTH: usize = 16;
    let Ok(meta) = std::fs::metadata(path) else {
        hasher.part(b"missing");
        return;
    };
    if meta.is_file() {
        let read = File::open(path).and_then(|mut file| contents(&mut file, hasher));
        if read.is_err() {
            hasher.part(b"unreadable");
        }
        return;
    }
    if !meta.is_dir() || depth > DEPTH {
        hasher.part(b"special");
        return;
    }
    let mut names: Vec<PathBuf> = std::fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    names.sort();
    for name in names {
        hasher.part(name.as_os_str().as_bytes());
        file(&name, hasher, depth + 1);
    }
}

fn contents(from: &mut impl Read, hasher: &mut Hasher) -> std::io::Result<()> {
    let mut buffer = vec![0_u8; 1 << 16];
    let mut inner = Hasher::default();
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                inner.raw(buffer.get(..count).unwrap_or_default());
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    hasher.part(inner.finish().as_bytes());
    Ok(())
}
