//! The audit log: one JSON line for each command that was asked about, blocked, or let through
//! because nothing would be lost.
//!
//! Lines are appended whole, under a lock, and each is chained to the one before: `chain` is the
//! SHA-256 of the previous line's `chain` and of this line without its own. What people signed
//! stands in their entries, so that the log proves each answer.

mod backward;
mod mask;

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Hasher;
use crate::tools::Tool;
use crate::verdict::Verdict;

pub use backward::Backward;
pub use mask::{mask, mask_all, names_secret};

/// The chain value before the first line.
const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// No line is longer than this; a longer argv is cut before.
const MAX_LINE: u64 = 1 << 20;
/// An argv is logged up to so many words.
const MAX_WORDS: usize = 200;
/// And words up to so many characters.
const MAX_WORD: usize = 2000;

/// One line of the log. New fields may be added at the end; none is renamed.
#[derive(Debug, Serialize, Deserialize, Clone)]
pub struct Entry {
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// Who: the name of the user.
    pub user: String,
    /// The agent that ran it, if known.
    pub agent: Option<String>,
    /// The tool.
    pub tool: String,
    /// The command, secrets masked.
    pub argv: Vec<String>,
    /// The working directory.
    pub cwd: Option<String>,
    /// The rules that matched.
    pub rules: Vec<String>,
    /// What it points at.
    pub environment: Option<String>,
    /// `exact`, `estimate`, `unknown` or `skipped`.
    pub preview: String,
    /// What would be lost, as shown.
    pub loss: Vec<String>,
    /// `allow`, `confirm`, `deny`.
    pub verdict: String,
    /// How it was answered: `nothing would be lost`, `blocked`, `approved at the terminal` …
    pub answer: String,
    /// Why no person was asked, or what says that one was.
    pub evidence: Vec<String>,
    /// The request that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The number of the approval that it used up, or of the exception that it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<String>,
    /// What a person signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The backup that was made first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
}

/// What a person signed, so that whoever reads the log can check it.
#[derive(Debug, Serialize, Deserialize, Clone)]
pub struct Proof {
    /// The statement, byte for byte.
    pub statement: String,
    /// The signatures, in OpenSSH's form.
    pub signatures: Vec<String>,
    /// Who signed, with the keys' fingerprints.
    pub signers: Vec<String>,
    /// The public key that may approve from here on: `NAME TYPE KEY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduces: Option<String>,
}

impl Entry {
    /// An entry about guard itself, not about a command at a shim.
    pub fn of_guard(command: &[&str], answer: &str) -> Self {
        Self {
            time: now(),
            user: crate::install::user_name(),
            agent: None,
            tool: "guard".to_owned(),
            argv: command
                .iter()
                .map(|word| crate::sanitize::text(word))
                .collect(),
            cwd: None,
            rules: Vec::new(),
            environment: None,
            preview: "skipped".to_owned(),
            loss: Vec::new(),
            verdict: "allow".to_owned(),
            answer: answer.to_owned(),
            evidence: Vec::new(),
            request: None,
            used: None,
            proof: None,
            backup: None,
        }
    }

    /// An entry about a command.
    pub fn of_command(
        tool: Tool,
        argv: &[std::ffi::OsString],
        directory: Option<&Path>,
        verdict: &Verdict,
        answer: &str,
    ) -> Self {
        Self {
            tool: tool.name().to_owned(),
            argv: Self::argv(argv),
            cwd: directory.map(crate::sanitize::path),
            rules: verdict
                .rules
                .iter()
                .map(|rule| rule.id.to_owned())
                .collect(),
            environment: verdict
                .environment
                .as_ref()
                .map(|environment| environment.name.clone()),
            preview: verdict.preview.status().to_owned(),
            loss: verdict
                .preview
                .loss()
                .map(crate::preview::Loss::lines)
                .unwrap_or_default(),
            verdict: verdict.effect.name().to_owned(),
            ..Self::of_guard(&[], answer)
        }
    }

    /// Cuts what is too long and masks secrets.
    pub fn argv(words: &[std::ffi::OsString]) -> Vec<String> {
        let mut shown: Vec<String> = words
            .iter()
            .take(MAX_WORDS)
            .map(|word| crate::sanitize::cut(&crate::sanitize::os(word), MAX_WORD))
            .collect();
        mask_all(&mut shown);
        if words.len() > MAX_WORDS {
            shown.push(format!("… {} more", words.len() - MAX_WORDS));
        }
        shown
    }
}

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
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    let mut log = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)?;
    lock(&log)?;
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

/// Past a limit on file size (setrlimit(2)) a write shall fail, not kill: the signal is caught, and
/// has its default action again in the real tool.
pub(crate) fn catch_size_limit() {
    let number = signal_hook::consts::SIGXFSZ;
    if !crate::person::prompt::is_ignored(number) {
        let _ = signal_hook::flag::register(number, std::sync::Arc::default());
    }
}

/// One writer at a time. A lock that a stopped process holds is not waited for without end.
fn lock(log: &File) -> std::io::Result<()> {
    for _ in 0..200 {
        match flock(log, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        "another process holds the lock",
    ))
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
    let log = match crate::person::shelf::open(file) {
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
    let log = match crate::person::shelf::open(file) {
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
