//! The lines of a script, one after another: a dump of many gigabytes is read in constant memory.

use std::io::{BufRead, Read};

use memchr::memchr;

/// What is read from the system at once.
const CHUNK: usize = 1 << 18;
/// Longer lines are not read.
const LONGEST: u64 = 32 << 20;

const LONG: &str = "there is more SQL on one line than guard reads";
const FAULT: &str = "the file cannot be read to its end";

/// A buffered reader whose buffer begins at a page. The kernel copies to such a place several times
/// as fast as to the odd ones that an allocator gives, and for a dump nothing else takes as long.
struct Chunks<R> {
    source: R,
    storage: Vec<u8>,
    /// Where in the storage the page begins.
    page: usize,
    at: usize,
    filled: usize,
}

const PAGE: usize = 4096;

impl<R: Read> Chunks<R> {
    fn of(source: R) -> Self {
        let storage = vec![0; CHUNK + PAGE];
        let page = storage.as_ptr().align_offset(PAGE).min(PAGE);
        Self {
            source,
            storage,
            page,
            at: page,
            filled: page,
        }
    }
}

impl<R: Read> Read for Chunks<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Chunks<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.at >= self.filled {
            let room = self.storage.get_mut(self.page..self.page + CHUNK);
            let read = self.source.read(room.unwrap_or_default())?;
            self.at = self.page;
            self.filled = self.page + read;
        }
        Ok(self.storage.get(self.at..self.filled).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.at = self.filled.min(self.at + amount);
    }
}

/// The lines of a script.
pub struct Lines<'a> {
    source: Box<dyn BufRead + 'a>,
    /// Nothing has been read so far.
    fresh: bool,
    fault: Option<&'static str>,
}

impl std::fmt::Debug for Lines<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl<'a> Lines<'a> {
    /// The lines of a text.
    pub fn of(text: &'a [u8]) -> Self {
        Self::new(Box::new(text))
    }

    /// The lines of a file, from where it stands.
    pub fn from(file: impl Read + 'a) -> Self {
        Self::new(Box::new(Chunks::of(file)))
    }

    fn new(source: Box<dyn BufRead + 'a>) -> Self {
        Self {
            source,
            fresh: true,
            fault: None,
        }
    }

    /// The next line, without the newline at its end; false after the last one.
    pub(super) fn next_line(&mut self, line: &mut Vec<u8>) -> bool {
        line.clear();
        match (&mut self.source).take(LONGEST).read_until(b'\n', line) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(_) => {
                self.fault = Some(FAULT);
                return false;
            }
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() as u64 >= LONGEST {
            self.fault = Some(LONG);
            return false;
        }
        if std::mem::take(&mut self.fresh) && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        true
    }

    /// Why there are no more lines, if there should be.
    pub(super) fn fault(&self) -> Option<&'static str> {
        self.fault
    }

    /// All that is left, newlines included.
    pub(super) fn everything(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        if self.source.read_to_end(&mut text).is_err() {
            self.fault = Some(FAULT);
        }
        text
    }

    /// Leaves out the data of COPY, up to and with the line `\.`: how many lines, and whether that line
    /// was there.
    pub(super) fn skip_data(&mut self) -> (usize, bool) {
        let mut lines = 0;
        let mut line = Vec::new();
        loop {
            let mut read = 0;
            let mut ends = false;
            let Ok(chunk) = self.source.fill_buf() else {
                self.fault = Some(FAULT);
                return (lines, false);
            };
            while let Some(rest) = chunk.get(read..)
                && let Some(length) = memchr(b'\n', rest)
            {
                read += length + 1;
                lines += 1;
                if is_end(rest.get(..length).unwrap_or_default()) {
                    ends = true;
                    break;
                }
            }
            self.source.consume(read);
            if ends {
                return (lines, true);
            }
            // A line that this chunk holds the beginning of.
            if !self.next_line(&mut line) {
                return (lines, false);
            }
            lines += 1;
            if is_end(&line) {
                return (lines, true);
            }
        }
    }
}

/// The line that ends the data of COPY (manual, "COPY", "File Formats").
fn is_end(line: &[u8]) -> bool {
    matches!(line, b"\\." | b"\\.\r")
}
