//! SQL on standard input: put into a file before psql reads it, then handed on, the same bytes.

use std::fs::{File, Metadata};
use std::io::{Error, Read as _, Seek as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, Mode, OFlags, fstat};
use rustix::process::{Resource, getrlimit};

use crate::install::Places;
use crate::text::human_bytes;

/// A pipe that brings more is taken for endless.
const MOST: u64 = 8 << 30;
/// Of the disk, so much stays free for others.
const RESERVE: u64 = 64 << 20;
/// A pipe that brings nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(300);
/// After this a person or an agent is told what guard waits for.
const SILENCE: Duration = Duration::from_secs(3);
/// What is copied at once.
const CHUNK: usize = 1 << 20;
const PAGE: usize = 4096;

/// What stands on standard input.
pub enum Standard {
    /// A pipe or the like: what is read from it goes into a file on the way.
    Pipe(Box<Spool>),
    /// A regular file, which can be read twice.
    File(File),
    /// A terminal.
    Terminal,
    /// A closed descriptor, or a device such as `/dev/null`.
    Nothing,
}

/// Looks at standard input without reading from it.
///
/// # Errors
/// A sentence for the reader, when there is no place to put it.
pub fn standard() -> std::io::Result<Standard> {
    let stdin = std::io::stdin();
    let Ok(status) = fstat(stdin.as_fd()) else {
        return Ok(Standard::Nothing);
    };
    match FileType::from_raw_mode(status.st_mode) {
        FileType::CharacterDevice if rustix::termios::isatty(&stdin) => Ok(Standard::Terminal),
        FileType::CharacterDevice | FileType::BlockDevice | FileType::Directory => {
            Ok(Standard::Nothing)
        }
        kind => {
            let source = File::from(stdin.as_fd().try_clone_to_owned()?);
            if kind == FileType::RegularFile {
                return Ok(Standard::File(source));
            }
            let _ = rustix::pipe::fcntl_setpipe_size(&source, CHUNK);
            Ok(Standard::Pipe(Box::new(Spool::of(source)?)))
        }
    }
}

/// A source on its way into a file without a name.
pub struct Spool {
    source: File,
    copy: File,
    directory: PathBuf,
    room: u64,
}

impl Spool {
    /// A copy of what `source` holds, still empty.
    ///
    /// # Errors
    /// When no file can be made for it.
    pub fn of(source: File) -> std::io::Result<Self> {
        let directory = directory()?;
        let copy = nameless(&directory).map_err(|error| failed(&directory, &error))?;
        Ok(Self {
            room: room(&copy),
            source,
            copy,
            directory,
        })
    }

    /// Copies all of it, and puts the file, which it gives, in the place of standard input. Nothing is
    /// read into SQL on the way: a pipe that never ends is then given up in seconds.
    ///
    /// # Errors
    /// A sentence for the reader; standard input has then been read in part, so psql must not run.
    pub fn finish(mut self) -> std::io::Result<File> {
        let mut storage = vec![0; CHUNK + PAGE];
        // The kernel copies faster to and from a place that begins at a page.
        let page = storage.as_ptr().align_offset(PAGE).min(PAGE);
        let buffer = storage.get_mut(page..page + CHUNK).unwrap_or_default();
        let mut told = false;
        let mut copied = 0_u64;
        loop {
            wait(&self.source, &mut told)?;
            // Never past the room: beyond a limit of the process's the kernel would end it.
            let left = usize::try_from(self.room - copied).map_or(CHUNK, |left| left.min(CHUNK));
            let moved = match splice(&self.source, &self.copy, left).filter(|_| left > 0) {
                Some(moved) => moved.map_err(|error| failed(&self.directory, &error))?,
                None => match self.source.read(buffer) {
                    Ok(read) if read > left => {
                        return Err(too_much(self.room, &self.directory));
                    }
                    Ok(read) => {
                        self.copy
                            .write_all(buffer.get(..read).unwrap_or_default())
                            .map_err(|error| failed(&self.directory, &error))?;
                        read
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                },
            };
            if moved == 0 {
                break;
            }
            copied += moved as u64;
        }
        self.copy.rewind()?;
        rustix::stdio::dup2_stdin(&self.copy)?;
        Ok(self.copy)
    }
}

/// Moves what stands in a pipe into a file within the kernel (splice(2)); `None` where it cannot, for
/// a socket for instance. 0 at the end.
#[cfg(target_os = "linux")]
fn splice(source: &File, copy: &File, most: usize) -> Option<std::io::Result<usize>> {
    use rustix::io::Errno;
    use rustix::pipe::SpliceFlags;
    loop {
        match rustix::pipe::splice(source, None, copy, None, most, SpliceFlags::MOVE) {
            Ok(moved) => return Some(Ok(moved)),
            Err(Errno::INTR) => {}
            Err(Errno::INVAL | Errno::NOSYS) => return None,
            Err(error) => return Some(Err(error.into())),
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn splice(_source: &File, _copy: &File, _most: usize) -> Option<std::io::Result<usize>> {
    None
}

/// Waits until there is something to read, or the end.
fn wait(source: &File, told: &mut bool) -> std::io::Result<()> {
    let began = Instant::now();
    loop {
        let limit = if *told { PATIENCE } else { SILENCE };
        let left = limit.saturating_sub(began.elapsed());
        let mut waiting = [PollFd::new(source, PollFlags::IN)];
        match poll(&mut waiting, Some(&crate::time::timespec(left))) {
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(0) if *told => {
                return Err(Error::other(format!(
                    "standard input has brought nothing for {} seconds and has not ended; guard \
                     reads all of it before psql starts",
                    PATIENCE.as_secs()
                )));
            }
            Ok(0) => {
                *told = true;
                crate::say::say("reads all of standard input before psql starts");
            }
            Ok(_) => return Ok(()),
        }
    }
}

/// How many bytes the file may hold: the disk and the process's own limit say.
fn room(copy: &File) -> u64 {
    let free = rustix::fs::fstatvfs(copy).map_or(MOST, |disk| {
        disk.f_bavail
            .saturating_mul(disk.f_frsize)
            .saturating_sub(RESERVE)
    });
    // Beyond it the kernel ends the process (setrlimit(2), RLIMIT_FSIZE).
    let own = getrlimit(Resource::Fsize).current.unwrap_or(u64::MAX);
    MOST.min(free).min(own)
}

fn too_much(room: u64, directory: &Path) -> Error {
    let why = if room == MOST {
        "it seems to be endless".to_owned()
    } else {
        format!("{} has no room for more", crate::sanitize::path(directory))
    };
    Error::other(format!(
        "standard input holds more than {}, and {why}; give the SQL as a file with -f",
        human_bytes(room)
    ))
}

fn failed(directory: &Path, error: &Error) -> Error {
    Error::other(format!(
        "standard input cannot be kept in {}: {error}",
        crate::sanitize::path(directory)
    ))
}

/// A directory on disk that only this user can enter.
fn directory() -> std::io::Result<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let own = Places::find().state.map(|state| state.join("spool"));
    let shared = PathBuf::from(format!("/var/tmp/guard-{user}"));
    let mut why = Error::other("there is no place for it");
    for directory in own.into_iter().chain([shared]) {
        let mut builder = std::fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&directory);
        match made.and_then(|()| directory.symlink_metadata()) {
            Ok(found) if is_private(&found, user) => return Ok(directory),
            Ok(_) => why = Error::other("others can enter it"),
            Err(error) => why = error,
        }
        why = failed(&directory, &why);
    }
    Err(why)
}

fn is_private(found: &Metadata, user: u32) -> bool {
    found.is_dir() && found.uid() == user && (found.mode() & 0o777) == 0o700
}

/// A private file that has no name and goes with the last process that has it open.
///
/// # Errors
/// When there is no place to put it.
pub fn file() -> std::io::Result<File> {
    let directory = directory()?;
    nameless(&directory).map_err(|error| failed(&directory, &error))
}

/// A file that has no name and goes with the last process that has it open.
fn nameless(directory: &Path) -> std::io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    #[cfg(target_os = "linux")]
    if let Ok(file) = rustix::fs::open(directory, flags | OFlags::TMPFILE, Mode::RUSR | Mode::WUSR)
    {
        return Ok(File::from(file));
    }
    let name = directory.join(format!("input.{}", std::process::id()));
    let mut options = File::options();
    let file = options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or(0) & libc::O_CLOEXEC)
        .open(&name)?;
    std::fs::remove_file(&name)?;
    Ok(file)
}

/// Puts a copy in the place of standard input, if that is a pipe.
///
/// # Errors
/// Why it cannot be copied; standard input may then have been read in part.
pub fn spool_input() -> std::io::Result<()> {
    match standard()? {
        Standard::Pipe(pipe) => pipe.finish().map(drop),
        Standard::File(_) | Standard::Terminal | Standard::Nothing => Ok(()),
    }
}
