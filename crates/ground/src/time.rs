//! Times, as the system and as people write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::event::Timespec;

use super::text;

/// A duration as the kernel takes it.
pub fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

/// How long ago something was, in words.
pub fn ago(time: u64) -> String {
    format!("{} ago", text::duration(now().saturating_sub(time) / 1000))
}
