//! Finding the real tool: the next one on PATH that is not guard.
//!
//! guard recognises itself by file identity (device and inode of the running executable) and, for
//! copies and other versions, by a note that every build of guard carries in its first pages
//! (elf(5), "Notes").

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// How much of a file is searched for the note: it stands right behind the program headers.
const HEAD: usize = 4096;

/// The text of the note. Spelled in two parts where it is looked for, so that only the note itself
/// holds it whole.
const MARK: [u8; 24] = *b"guard:shim:8f3d51c07be\0\0";

/// An ELF note: name size, description size, type, name, description.
#[repr(C, align(4))]
struct Note {
    name_size: u32,
    description_size: u32,
    kind: u32,
    name: [u8; 8],
    description: [u8; 24],
}

// A linker section of its own is the only way to place bytes at a known spot of the executable;
// the data are inert and nothing reads them through this static.
#[allow(unsafe_code)]
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".note.guard"))]
static NOTE: Note = Note {
    name_size: 6,
    description_size: 24,
    kind: 1,
    name: *b"guard\0\0\0",
    description: MARK,
};

/// The identity of a file: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileIdentity(u64, u64);

impl From<&Metadata> for FileIdentity {
    fn from(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

/// Where guard itself runs from, links resolved; `None` where the system does not tell.
pub fn own_path() -> Option<PathBuf> {
    if cfg!(target_os = "linux") {
        // Unlike `current_exe`, which may trust argv[0] elsewhere, the kernel's own word.
        return std::fs::read_link("/proc/self/exe").ok();
    }
    std::env::current_exe().ok()?.canonicalize().ok()
}

fn own_identity() -> Option<FileIdentity> {
    let metadata = if cfg!(target_os = "linux") {
        std::fs::metadata("/proc/self/exe")
    } else {
        std::fs::metadata(std::env::current_exe().ok()?)
    };
    metadata.ok().as_ref().map(FileIdentity::from)
}

/// Whether the file is a guard binary: this one, a link to it, a copy, or another version.
fn is_guard(path: &Path, metadata: &Metadata, own: Option<FileIdentity>) -> bool {
    if own == Some(FileIdentity::from(metadata)) {
        return true;
    }
    let mut head = [0_u8; HEAD];
    let read = File::open(path)
        .and_then(|mut file| file.read(&mut head))
        .unwrap_or(0);
    let head = head.get(..read).unwrap_or_default();
    // The parts of a note are aligned to four bytes (elf(5), "Notes").
    let found = |at: usize| head.get(at..at + MARK.len()) == Some(&MARK);
    head.starts_with(b"\x7fELF") && (0..read).step_by(4).any(found)
}

/// The next executable of this name on `search` (a PATH) that is not guard. An empty part of PATH
/// is the current directory (environ(7)).
pub fn find(name: &OsStr, search: Option<&OsStr>) -> Option<PathBuf> {
    let own = own_identity();
    let search = search.unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"));
    let mut candidate = Vec::with_capacity(64);
    for directory in search.as_bytes().split(|byte| *byte == b':') {
        candidate.clear();
        candidate.extend_from_slice(if directory.is_empty() {
            b"."
        } else {
            directory
        });
        candidate.push(b'/');
        candidate.extend_from_slice(name.as_bytes());
        let path = Path::new(OsStr::from_bytes(&candidate));
        let Ok(metadata) = std::fs::metadata(path) else {
            continue;
        };
        if metadata.is_file()
            && metadata.permissions().mode() & 0o111 != 0
            && !is_guard(path, &metadata, own)
        {
            return Some(path.to_owned());
        }
    }
    None
}

/// Whether the file at `path` is a guard binary (for `guard doctor` and tests).
pub fn is_guard_binary(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| is_guard(path, &metadata, own_identity()))
}
