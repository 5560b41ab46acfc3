//! The audit log: one JSON line for each command that was asked about, blocked, or let through
//! because nothing would be lost.
//!
//! Lines are appended whole, under a lock, and each is chained to the one before: `chain` is the
//! SHA-256 of the previous line's `chain` and of this line without its own. What people signed
//! stands in their entries, so that the log proves each answer.

mod backward;

use crate::entry::Entry;
use guard_ground::signals::catch_size_limit;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::Value;

use guard_ground::atomic;
use guard_ground::digest::Hasher;
use guard_ground::lock;

pub mod entry;

pub use backward::Backward;

/// The chain value before the first line.
const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// No line is longer than this; a longer argv is cut before.
const MAX_LINE: u64 = 1 << 20;

/// The time now, RFC 3339 in UTC.
pub fn now() -> String {
    humantime::format_rfc3339_millis(std::time::SystemTime::now()).to_string()
}

/// Appends one entry and waits until the system has it.
///
/// # Errors
/// When the directory or the file cannot be written; nothing half-written stays behind.
pub fn append(file: &Path, entry: &Entry) -> std::io::Result<()> {
    append_if(file, entry, |_| Ok(()))
}

/// Appends one entry if, while nobody else can write, `check` is content with the log before it.
///
/// # Errors
/// As [`append`], and with the reason of `check`.
pub fn append_if(
    file: &Path,
    entry: &Entry,
    check: impl FnOnce(&mut Backward<'_>) -> Result<(), String>,
) -> std::io::Result<()> {
    catch_size_limit();
    if let Some(directory) = file.parent() {
        atomic::directory(directory)?;
    }
    let mut log = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)?;
    lock::take(&log, lock::PATIENT)?;
    let end = log.seek(SeekFrom::End(0))?;
    check(&mut Backward::new(&mut log, end)).map_err(std::io::Error::other)?;
    let (previous, torn) = last_chain(&mut log, end)?;
    let mut line = serde_json::to_string(entry)?;
    let chain = link(&previous, &line);
    line.pop();
    let start = if torn { "\n" } else { "" };
    let whole = format!("{start}{line},\"chain\":\"{chain}\"}}\n");
    if let Err(error) = log.write_all(whole.as_bytes()) {
        // A full disk may have taken a part of the line.
        let _ = log.set_len(end);
        return Err(error);
    }
    Ok(())
}

/// The chain value of the last line, and whether that line lacks its end.
fn last_chain(log: &mut File, end: u64) -> std::io::Result<(String, bool)> {
    let from = end.saturating_sub(MAX_LINE);
    log.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    log.take(MAX_LINE).read_to_end(&mut tail)?;
    let torn = tail.last().is_some_and(|byte| *byte != b'\n');
    let last = tail
        .split(|byte| *byte == b'\n')
        .rev()
        .find(|line| !line.is_empty());
    // A long line may have lost its beginning, in the middle of a character.
    let last = last.map(String::from_utf8_lossy).unwrap_or_default();
    let chain = split_chain(&last).map_or(START, |(_, chain)| chain);
    Ok((chain.to_owned(), torn))
}

fn link(previous: &str, line: &str) -> String {
    let mut hash = Hasher::default();
    hash.raw(previous.as_bytes()).raw(line.as_bytes());
    hash.finish()
}

/// A line without its chain, and the chain.
fn split_chain(line: &str) -> Option<(String, &str)> {
    let (body, rest) = line.rsplit_once(",\"chain\":\"")?;
    let chain = rest.strip_suffix("\"}")?;
    (chain.len() == 64).then(|| (format!("{body}}}"), chain))
}

/// The first thing that is wrong with a log.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// Checks the chain, and each entry with `check`; the number of lines when all of it holds.
///
/// # Errors
/// The system's reason when the file cannot be read.
pub fn verify(
    file: &Path,
    mut check: impl FnMut(&Entry) -> Result<(), String>,
) -> std::io::Result<Result<usize, Fault>> {
    let log = match guard_ground::shelf::open(file) {
        Ok(log) => log,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Ok(0)),
        Err(error) => return Err(error),
    };
    let mut previous = START.to_owned();
    let mut count = 0;
    for (at, line) in BufReader::new(log).split(b'\n').enumerate() {
        let line = line?;
        let fault = |what: &str| {
            Ok(Err(Fault {
                line: at + 1,
                what: what.to_owned(),
            }))
        };
        let Ok(text) = std::str::from_utf8(&line) else {
            return fault("it is not text");
        };
        let Some((body, chain)) = split_chain(text) else {
            return fault("it is not a whole entry");
        };
        if link(&previous, &body) != chain {
            return fault(
                "it, or the line before it, was changed, or lines between them were removed",
            );
        }
        let checked = serde_json::from_str::<Entry>(&body)
            .map_err(|error| format!("it is not an entry: {error}"))
            .and_then(|entry| check(&entry));
        if let Err(what) = checked {
            return fault(&what);
        }
        chain.clone_into(&mut previous);
        count += 1;
    }
    Ok(Ok(count))
}

/// Hands each line of a log to `look`, the oldest first; none when there is no log.
///
/// # Errors
/// The system's reason when the file cannot be read.
pub fn each(file: &Path, mut look: impl FnMut(&[u8])) -> std::io::Result<()> {
    let log = match guard_ground::shelf::open(file) {
        Ok(log) => log,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for line in BufReader::new(log).split(b'\n') {
        look(&line?);
    }
    Ok(())
}

/// The entries of a log, oldest first; lines that are no entries are passed over.
///
/// # Errors
/// The system's reason when the file cannot be read.
pub fn entries(file: &Path) -> std::io::Result<Vec<Value>> {
    let mut found = Vec::new();
    each(file, |line| found.extend(serde_json::from_slice(line)))?;
    Ok(found)
}

#[cfg(test)]
mod tests;
