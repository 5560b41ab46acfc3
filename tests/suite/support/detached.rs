//! Starts a command below no process of ours.
//!
//! The tests may themselves run below an agent, and guard would see it among the ancestors or at
//! the other end of the terminal. So a command's parent is a supervisor whose own parent has gone;
//! the supervisor also holds the master side of the command's terminal.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

/// What is done in the new process just before it becomes the command.
#[derive(Clone, Copy, Default)]
pub struct Settings {
    /// Standard streams that it finds closed.
    pub closed: &'static [i32],
    /// Signals that it finds ignored.
    pub ignored: &'static [i32],
    /// Signals that it finds blocked.
    pub blocked: &'static [i32],
    /// Whether it runs as the user `nobody`.
    pub nobody: bool,
}

/// A command that was started.
pub struct Started {
    /// Its process id; also its session and its process group.
    pub id: i32,
    /// The N of its `/dev/pts/N`, when it has a terminal.
    pub terminal: i32,
    /// Where its wait status will stand.
    pub report: File,
    /// The pipes of its standard streams.
    pub streams: Child,
}

/// Starts `command` in a session of its own; with a link, on a terminal whose other end is the link.
pub fn start(command: &mut Command, settings: Settings, link: Option<&UnixStream>) -> Started {
    let (report, writer) = io::pipe().unwrap();
    let (write_end, link_end) = (writer.as_raw_fd(), link.map(UnixStream::as_raw_fd));
    // SAFETY: what runs between fork and exec makes system calls only.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || supervise(write_end, link_end, settings));
    }
    let mut streams = command.spawn().unwrap();
    drop(writer);
    // The process that `spawn` knows has ended as soon as the supervisor stands by itself.
    // `wait` would close standard input.
    let input = streams.stdin.take();
    streams.wait().unwrap();
    streams.stdin = input;
    let report = File::from(OwnedFd::from(report));
    let mut started = Started {
        id: 0,
        terminal: 0,
        report,
        streams,
    };
    started.id = started.number();
    started.terminal = started.number();
    started
}

impl Started {
    /// The next number that the supervisor reports.
    pub fn number(&mut self) -> i32 {
        use std::io::Read as _;
        let mut bytes = [0_u8; 4];
        self.report.read_exact(&mut bytes).unwrap();
        i32::from_ne_bytes(bytes)
    }
}

/// Runs in the child: returns in the process that becomes the command, and nowhere else.
#[allow(unsafe_code)]
fn supervise(report: RawFd, link: Option<RawFd>, settings: Settings) -> io::Result<()> {
    // SAFETY: plain system calls; the descriptors are open here, as they were when the parent forked.
    unsafe {
        let middle = libc::getpid();
        match libc::fork() {
            -1 => return Err(io::Error::last_os_error()),
            0 => {}
            _ => libc::_exit(0),
        }
        while libc::getppid() == middle {
            libc::sched_yield();
        }
        let terminal = if link.is_some() {
            Some(Terminal::open()?)
        } else {
            None
        };
        match libc::fork() {
            -1 => Err(io::Error::last_os_error()),
            0 => settle(terminal.as_ref(), settings),
            command => {
                let report = BorrowedFd::borrow_raw(report);
                let link = link.map(|link| BorrowedFd::borrow_raw(link));
                watch(command, report, terminal, link)
            }
        }
    }
}

struct Terminal {
    master: OwnedFd,
    slave: OwnedFd,
}

impl Terminal {
    fn open() -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        unlockpt(&master)?;
        let slave = ioctl_tiocgptpeer(&master, flags)?;
        Ok(Self { master, slave })
    }

    #[allow(unsafe_code)]
    fn number(&self) -> i32 {
        let mut number: libc::c_int = 0;
        // SAFETY: TIOCGPTN stores one int.
        unsafe { libc::ioctl(self.master.as_raw_fd(), libc::TIOCGPTN, &raw mut number) };
        number
    }
}

/// The last steps before exec.
#[allow(unsafe_code)]
fn settle(terminal: Option<&Terminal>, settings: Settings) -> io::Result<()> {
    rustix::process::setsid()?;
    if let Some(terminal) = terminal {
        rustix::process::ioctl_tiocsctty(&terminal.slave)?;
        rustix::stdio::dup2_stdin(&terminal.slave)?;
        rustix::stdio::dup2_stdout(&terminal.slave)?;
        rustix::stdio::dup2_stderr(&terminal.slave)?;
    }
    // SAFETY: plain system calls on values that live here.
    unsafe {
        let mut mask = std::mem::zeroed();
        libc::sigemptyset(&raw mut mask);
        for signal in settings.blocked {
            libc::sigaddset(&raw mut mask, *signal);
        }
        libc::sigprocmask(libc::SIG_SETMASK, &raw const mask, std::ptr::null_mut());
        for signal in settings.ignored {
            libc::signal(*signal, libc::SIG_IGN);
        }
        if settings.nobody
            && libc::geteuid() == 0
            && (libc::setgroups(0, std::ptr::null()) != 0
                || libc::setgid(65_534) != 0
                || libc::setuid(65_534) != 0)
        {
            return Err(io::Error::last_os_error());
        }
        for stream in settings.closed {
            libc::close(*stream);
        }
    }
    Ok(())
}

/// The supervisor: reports the command's id and terminal, hands bytes to and fro, and reports how
/// the command ended.
#[allow(unsafe_code)]
fn watch(
    command: i32,
    report: BorrowedFd<'_>,
    terminal: Option<Terminal>,
    link: Option<BorrowedFd<'_>>,
) -> ! {
    let tell = |number: i32| {
        let _ = rustix::io::write(report, &number.to_ne_bytes());
    };
    tell(command);
    tell(terminal.as_ref().map_or(0, Terminal::number));
    let master = terminal.map(|terminal| terminal.master);
    let mut keep = [
        report.as_raw_fd(),
        link.map_or(-1, |link| link.as_raw_fd()),
        master.as_ref().map_or(-1, OwnedFd::as_raw_fd),
    ];
    keep.sort_unstable();
    // SAFETY: closes descriptors that nothing here uses any more, and waits for our own child.
    unsafe {
        let mut first = 0;
        for kept in keep.into_iter().filter(|kept| *kept >= 0) {
            if kept > first {
                libc::close_range(first.cast_unsigned(), kept.cast_unsigned() - 1, 0);
            }
            first = kept + 1;
        }
        libc::close_range(first.cast_unsigned(), libc::c_uint::MAX, 0);
    }
    if let (Some(master), Some(link)) = (&master, link) {
        relay(command, master.as_fd(), link);
    } else {
        outlive(command, report);
    }
    let mut status = 0;
    // SAFETY: as above.
    unsafe {
        libc::waitpid(command, &raw mut status, 0);
    }
    tell(status);
    // SAFETY: ends this process without running anything of the parent's.
    unsafe { libc::_exit(0) }
}

/// Waits for the command's end; when the test that waits for the report is gone, ends it.
fn outlive(command: i32, report: BorrowedFd<'_>) {
    let Some(Ok(ended)) =
        Pid::from_raw(command).map(|command| pidfd_open(command, PidfdFlags::empty()))
    else {
        return;
    };
    let mut waiting = [
        PollFd::new(&ended, PollFlags::IN),
        PollFd::new(&report, PollFlags::empty()),
    ];
    while poll(&mut waiting, None).is_err() {}
    if waiting[0].revents().is_empty() {
        end(command);
    }
}

/// Hands bytes between the terminal and the link until the command ends. A link that is closed ends
/// the command.
fn relay(command: i32, master: BorrowedFd<'_>, link: BorrowedFd<'_>) {
    let Some(Ok(ended)) =
        Pid::from_raw(command).map(|command| pidfd_open(command, PidfdFlags::empty()))
    else {
        return;
    };
    let mut buffer = [0_u8; 4096];
    loop {
        let (screen, keys, over) = {
            let mut waiting = [
                PollFd::new(&master, PollFlags::IN),
                PollFd::new(&link, PollFlags::IN),
                PollFd::new(&ended, PollFlags::IN),
            ];
            if poll(&mut waiting, None).is_err() {
                continue;
            }
            let [screen, keys, over] = waiting.map(|fd| !fd.revents().is_empty());
            (screen, keys, over)
        };
        if screen && let Ok(count @ 1..) = rustix::io::read(master, &mut buffer) {
            let _ = rustix::io::write(link, buffer.get(..count).unwrap_or_default());
            continue;
        }
        if over {
            return;
        }
        if keys {
            match rustix::io::read(link, &mut buffer) {
                Ok(count @ 1..) => {
                    let _ = rustix::io::write(master, buffer.get(..count).unwrap_or_default());
                }
                _ => end(command),
            }
        }
        if screen && !keys {
            // Nobody has the terminal open at the moment: wait until someone does, or the end.
            let moment = Timespec {
                tv_sec: 0,
                tv_nsec: 1_000_000,
            };
            let _ = poll(&mut [PollFd::new(&ended, PollFlags::IN)], Some(&moment));
        }
    }
}

/// Ends a command and its process group.
pub fn end(command: i32) {
    signal(-command, libc::SIGKILL);
}

/// Sends a signal to a process, or to a process group by its negative number.
#[allow(unsafe_code)]
pub fn signal(target: i32, number: i32) {
    // SAFETY: kill(2) has no memory to get wrong; the target is a process that a test started.
    unsafe {
        libc::kill(target, number);
    }
}

/// An owned descriptor for a terminal's slave side.
#[allow(unsafe_code)]
pub fn open_terminal(number: i32) -> File {
    use std::os::unix::ffi::OsStrExt as _;
    let path = std::path::PathBuf::from(format!("/dev/pts/{number}"));
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: the path ends with a NUL; the descriptor is owned by the File from here on. O_NOCTTY:
    // it must not become the tests' own terminal.
    unsafe {
        let fd = libc::open(
            path.as_ptr(),
            libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC,
        );
        assert!(fd >= 0, "{path:?}: {}", io::Error::last_os_error());
        File::from_raw_fd(fd)
    }
}
