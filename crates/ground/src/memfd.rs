//! A file without a name.

use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::rc::Rc;

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};

/// A file without a name, in memory: it goes with the last process that has it open, so there is
/// nothing to remove on any way out, a killed guard included (`memfd_create(2)`).
#[derive(Clone, Debug)]
pub struct MemoryFile(Rc<OwnedFd>);

impl MemoryFile {
    /// An empty one. Programs that guard starts see it until [`MemoryFile::close_on_exec`].
    ///
    /// # Errors
    /// The system's reason.
    #[cfg(target_os = "linux")]
    pub fn new(name: &str) -> std::io::Result<Self> {
        let made = rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC)?;
        // Above the standard streams, which may be closed.
        let kept = Self(Rc::new(fcntl_dupfd_cloexec(&made, 10)?));
        kept.open_on_exec()?;
        Ok(kept)
    }

    /// Elsewhere there is no such file.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(target_os = "linux"))]
    pub fn new(_name: &str) -> std::io::Result<Self> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    /// Where a program that has it open finds it (proc(5), `/proc/self/fd`).
    pub fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.0.as_raw_fd())
    }

    /// A handle to write and read it here.
    ///
    /// # Errors
    /// The system's reason.
    pub fn file(&self) -> std::io::Result<std::fs::File> {
        Ok(self.0.as_fd().try_clone_to_owned()?.into())
    }

    /// Programs started from now on do not see it.
    pub fn close_on_exec(&self) {
        let _ = fcntl_setfd(&*self.0, FdFlags::CLOEXEC);
    }

    /// Programs started from now on see it.
    ///
    /// # Errors
    /// The system's reason.
    pub fn open_on_exec(&self) -> std::io::Result<()> {
        Ok(fcntl_setfd(&*self.0, FdFlags::empty())?)
    }
}
