//! The log from its end: what happened last is what an approval is about.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use crate::entry::Entry;

/// How much is read at a time.
const BLOCK: u64 = 1 << 16;
/// How far back anybody looks.
const MAX_LOOK: u64 = 256 << 20;

/// The entries of a log, the newest first. Lines that are no entries are passed over: who looks for
/// one does not find it in them.
pub struct Backward<'l> {
    log: &'l mut File,
    /// What lies before was not read yet.
    at: u64,
    looked: u64,
    /// Read, and not handed out yet.
    held: Vec<u8>,
}

impl<'l> Backward<'l> {
    pub(super) fn new(log: &'l mut File, end: u64) -> Self {
        Self {
            log,
            at: end,
            looked: 0,
            held: Vec::new(),
        }
    }

    /// One more block in front of what is held; false at the log's beginning.
    fn more(&mut self) -> bool {
        let size = BLOCK.min(self.at);
        if size == 0 || self.looked > MAX_LOOK {
            return false;
        }
        let mut block = Vec::new();
        let read = self
            .log
            .seek(SeekFrom::Start(self.at - size))
            .and_then(|_| (&mut *self.log).take(size).read_to_end(&mut block));
        if read.is_err() {
            return false;
        }
        block.append(&mut self.held);
        self.held = block;
        self.at -= size;
        self.looked += size;
        true
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            while self.held.last() == Some(&b'\n') {
                self.held.pop();
            }
            if let Some(start) = self.held.iter().rposition(|byte| *byte == b'\n') {
                let line = self.held.split_off(start + 1);
                return Some(line);
            }
            if !self.more() {
                let line = std::mem::take(&mut self.held);
                return (!line.is_empty()).then_some(line);
            }
        }
    }
}

impl Iterator for Backward<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            let line = self.line()?;
            if let Ok(entry) = serde_json::from_slice(&line) {
                return Some(entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::{append, append_if};
    use super::*;

    #[test]
    fn the_newest_first() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("audit.jsonl");
        for number in 0..3000 {
            append(
                &file,
                &Entry::of_guard(&["guard", &number.to_string()], "tried"),
            )
            .unwrap();
            if number == 1500 {
                let text = std::fs::read_to_string(&file).unwrap();
                std::fs::write(&file, text + "no entry\n").unwrap();
            }
        }
        let mut seen = Vec::new();
        let entry = Entry::of_guard(&["guard"], "checked");
        let done = append_if(&file, &entry, |log| {
            seen = log
                .filter_map(|entry| entry.argv.into_iter().nth(1))
                .collect();
            Err("not written".to_owned())
        });
        assert_eq!(done.unwrap_err().to_string(), "not written");
        let expected: Vec<String> = (0..3000).rev().map(|number| number.to_string()).collect();
        assert_eq!(seen, expected);
        assert_eq!(
            std::fs::read_to_string(&file).unwrap().lines().count(),
            3001
        );
    }
}
