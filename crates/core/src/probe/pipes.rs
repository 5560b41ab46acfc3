//! What a running tool prints, read until a deadline; it ends with its reader.

use std::io::Read;
use std::process::{Child, ChildStderr};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use super::answer::{Failure, ToolAnswer};
use guard_ground::progress::Progress;
use guard_ground::time::timespec;

/// Output beyond this many bytes is not read: the answer is then *unknown*.
const MAX_OUTPUT: usize = 256 << 20;

/// How often progress is shown.
const TICK: Duration = Duration::from_millis(500);

/// A child that does not outlive its reader.
#[derive(Debug)]
pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let group = i32::try_from(self.0.id())
                .ok()
                .and_then(rustix::process::Pid::from_raw);
            if let Some(group) = group {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// Everything that it prints, and how it ended.
pub(super) fn listen(
    mut running: Running,
    deadline: Instant,
    progress: Option<(&Progress, &str)>,
) -> Result<ToolAnswer, Failure> {
    let began = Instant::now();
    let system = |error: rustix::io::Errno| Failure::System(error.to_string());
    let mut stdout = running.0.stdout.take();
    let mut stderr = running.0.stderr.take();
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    while stdout.is_some() || stderr.is_some() {
        let mut waiting = Vec::with_capacity(2);
        if let Some(pipe) = &stdout {
            waiting.push(PollFd::new(pipe, PollFlags::IN));
        }
        if let Some(pipe) = &stderr {
            waiting.push(PollFd::new(pipe, PollFlags::IN));
        }
        let left = deadline
            .checked_duration_since(Instant::now())
            .ok_or(Failure::TimedOut)?;
        let patience = if progress.is_some() {
            left.min(TICK)
        } else {
            left
        };
        let ready = match poll(&mut waiting, Some(&timespec(patience))) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other.map_err(system)?,
        };
        if let Some((progress, what)) = progress {
            progress.show(&format!("{what}, {} s", began.elapsed().as_secs()));
        }
        if ready == 0 && patience == left {
            return Err(Failure::TimedOut);
        }
        let mut events = waiting
            .iter()
            .map(|fd| !fd.revents().is_empty())
            .collect::<Vec<_>>()
            .into_iter();
        if stdout.is_some() && events.next() == Some(true) {
            take(&mut stdout, &mut output)?;
        }
        if stderr.is_some() && events.next() == Some(true) {
            take(&mut stderr, &mut errors)?;
        }
    }
    let status = running
        .0
        .wait()
        .map_err(|error| Failure::System(error.to_string()))?;
    Ok(ToolAnswer {
        success: status.success(),
        code: status.code(),
        output,
        errors,
    })
}

/// Everything from a pipe.
pub(super) fn listen_to(
    mut pipe: Option<ChildStderr>,
    deadline: Instant,
) -> Result<Vec<u8>, Failure> {
    let mut all = Vec::new();
    while let Some(open) = &pipe {
        let left = deadline.checked_duration_since(Instant::now());
        let left = timespec(left.ok_or(Failure::TimedOut)?);
        match poll(&mut [PollFd::new(open, PollFlags::IN)], Some(&left)) {
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Failure::System(error.to_string())),
            Ok(0) => return Err(Failure::TimedOut),
            Ok(_) => take(&mut pipe, &mut all)?,
        }
    }
    Ok(all)
}

/// Takes what is in a pipe now; the pipe goes when it is at its end.
pub(super) fn take(pipe: &mut Option<impl Read>, into: &mut Vec<u8>) -> Result<(), Failure> {
    let mut buffer = [0_u8; 16384];
    let read = pipe
        .as_mut()
        .map_or(0, |pipe| pipe.read(&mut buffer).unwrap_or(0));
    into.extend_from_slice(buffer.get(..read).unwrap_or_default());
    if read == 0 {
        *pipe = None;
    }
    if into.len() > MAX_OUTPUT {
        return Err(Failure::TooMuch);
    }
    Ok(())
}
