//! What a tool prints, taken as it comes: it may be more than fits in memory.

use std::io::Read;
use std::process::{ChildStderr, ChildStdout};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, poll};

use super::answer::{Failure, ToolAnswer};
use super::pipes::{Running, listen_to, take};
use guard_ground::time::timespec;

/// What a tool prints, read as it comes, until a deadline.
#[derive(Debug)]
pub struct Stream {
    pub(super) running: Running,
    pub(super) output: Option<ChildStdout>,
    pub(super) complaints: Option<ChildStderr>,
    pub(super) errors: Vec<u8>,
    pub(super) deadline: Instant,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while let Some(output) = &mut self.output {
            let mut waiting = vec![PollFd::new(&*output, PollFlags::IN)];
            if let Some(pipe) = &self.complaints {
                waiting.push(PollFd::new(pipe, PollFlags::IN));
            }
            let left = self.deadline.checked_duration_since(Instant::now());
            let left = left.ok_or(std::io::ErrorKind::TimedOut)?;
            match poll(&mut waiting, Some(&timespec(left))) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            let mut ready = waiting.iter().map(|fd| !fd.revents().is_empty());
            let (printed, complained) = (ready.next() == Some(true), ready.next() == Some(true));
            drop(waiting);
            if complained && take(&mut self.complaints, &mut self.errors).is_err() {
                return Err(std::io::ErrorKind::OutOfMemory.into());
            }
            if printed {
                let read = output.read(buffer)?;
                if read == 0 {
                    self.output = None;
                }
                return Ok(read);
            }
        }
        Ok(0)
    }
}

impl Stream {
    /// Lets the tool end, and passes over what it still prints.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn end(mut self) -> Result<ToolAnswer, Failure> {
        drop(self.running.0.stdin.take());
        let copied = std::io::copy(&mut self, &mut std::io::sink());
        if let Err(error) = copied {
            return Err(if error.kind() == std::io::ErrorKind::TimedOut {
                Failure::TimedOut
            } else {
                Failure::System(error.to_string())
            });
        }
        // What it complained about at last is still in the pipe.
        let rest = listen_to(self.complaints.take(), self.deadline)?;
        self.errors.extend(rest);
        let status = self.running.0.wait();
        let status = status.map_err(|error| Failure::System(error.to_string()))?;
        Ok(ToolAnswer {
            success: status.success(),
            code: status.code(),
            output: Vec::new(),
            errors: std::mem::take(&mut self.errors),
        })
    }

    /// What the tool complained about, once it has ended by itself.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn complaint(&mut self) -> Result<Vec<u8>, Failure> {
        let rest = listen_to(self.complaints.take(), self.deadline)?;
        self.errors.extend(rest);
        Ok(self.errors.clone())
    }
}
