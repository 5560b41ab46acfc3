//! A progress line on a person's terminal.

use std::time::{Duration, Instant};

/// A progress line on a person's terminal.
#[derive(Debug)]
pub struct Progress {
    terminal: std::fs::File,
    started: Instant,
}

impl Progress {
    /// Progress on `terminal`, shown once the preview takes long.
    pub fn on(terminal: std::fs::File) -> Self {
        Self {
            terminal,
            started: Instant::now(),
        }
    }

    /// Shows what has been done so far, if it has taken long enough to wonder.
    pub fn show(&self, done: &str) {
        use std::io::Write as _;
        if self.started.elapsed() > Duration::from_millis(400) {
            let _ = write!(
                &self.terminal,
                "\r\x1b[Kguard: measuring what would be lost: {done}"
            );
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        use std::io::Write as _;
        if self.started.elapsed() > Duration::from_millis(400) {
            let _ = write!(&self.terminal, "\r\x1b[K");
        }
    }
}
