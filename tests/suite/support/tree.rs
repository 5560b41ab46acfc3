//! Everything about a tree that can be compared, and trees with every oddity.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use guard_ground::digest::Hasher;

/// One file or directory, in words.
pub type Facts = BTreeMap<PathBuf, String>;

/// What stands at these paths below a directory: kinds, modes, owners, times, contents, attributes,
/// and which of them are one file.
pub fn facts(base: &Path, names: &[&str]) -> Facts {
    let mut found = Facts::new();
    let mut inodes = BTreeMap::new();
    for name in names {
        add(base, &base.join(name), &mut found, &mut inodes);
    }
    found
}

fn add(base: &Path, path: &Path, found: &mut Facts, inodes: &mut BTreeMap<(u64, u64), PathBuf>) {
    let Ok(metadata) = path.symlink_metadata() else {
        return;
    };
    let name = path.strip_prefix(base).unwrap().to_owned();
    let kind = metadata.file_type();
    let what = if kind.is_dir() {
        "directory".to_owned()
    } else if kind.is_symlink() {
        format!("link to {}", std::fs::read_link(path).unwrap().display())
    } else if kind.is_fifo() {
        "pipe".to_owned()
    } else if kind.is_file() {
        let first = inodes
            .entry((metadata.dev(), metadata.ino()))
            .or_insert_with(|| name.clone());
        // Some are large: a digest that is compiled for speed also in tests.
        let mut sum = Hasher::default();
        let mut file = std::fs::File::open(path).unwrap();
        let mut buffer = vec![0_u8; 1 << 20];
        let mut length = 0;
        loop {
            let count = file.read(&mut buffer).unwrap();
            if count == 0 {
                break;
            }
            length += count;
            sum.raw(&buffer[..count]);
        }
        format!(
            "file \"{}\", {length} bytes, {}",
            first.display(),
            sum.finish()
        )
    } else {
        "something else".to_owned()
    };
    let mode = if kind.is_symlink() {
        0
    } else {
        metadata.mode()
    };
    found.insert(
        name,
        format!(
            "{what}, {mode:o}, {}:{}, {}.{:09}, {:?}",
            metadata.uid(),
            metadata.gid(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            attributes(path)
        ),
    );
    if kind.is_dir() {
        let mut inner: Vec<PathBuf> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        inner.sort();
        for path in inner {
            add(base, &path, found, inodes);
        }
    }
}

fn attributes(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut names = vec![0_u8; 4096];
    let Ok(length) = rustix::fs::llistxattr(path, &mut names[..]) else {
        return Vec::new();
    };
    names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| {
            let mut value = vec![0_u8; 4096];
            let length =
                rustix::fs::lgetxattr(path, OsStr::from_bytes(name), &mut value[..]).unwrap();
            value.truncate(length);
            (String::from_utf8_lossy(name).into_owned(), value)
        })
        .collect()
}

/// Sets a file's time of change, to the nanosecond.
pub fn set_time(path: &Path, seconds: i64, nanoseconds: i64) {
    let time = rustix::fs::Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let times = rustix::fs::Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::utimensat(
        rustix::fs::CWD,
        path,
        &times,
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
    )
    .unwrap();
}

/// Makes a directory with every oddity that a file system allows.
pub fn oddities(directory: &Path) {
    let make = |name: &[u8], text: &[u8]| {
        let path = directory.join(OsStr::from_bytes(name));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    };
    let mode = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    mode(&make(b"script.sh", b"#!/bin/sh\n"), 0o755);
    mode(&make(b"secret", b"hunter2\n"), 0o600);
    mode(&make(b"read-only", b"do not touch\n"), 0o444);
    mode(&make(b"set-user-id", b"x"), 0o4755);
    make(b"empty", b"");
    make("ümlaut und leer/ a b ".as_bytes(), b"blanks\n");
    make(b"new\nline\ttab\x1b[31m", b"odd\n");
    make(b"not utf8 \xff\xfe", b"bytes\n");
    make(b"-rf", b"a dash\n");
    make(
        b"binary",
        &(0..=255).cycle().take(200_000).collect::<Vec<u8>>(),
    );
    let old = make(b"old", b"from another time\n");
    set_time(&old, 1_000_000_000, 123_456_789);
    let before = make(b"before 1970", b"from before\n");
    set_time(&before, -86_400, 5);
    let first = make(b"names/first", b"one file, three names\n");
    std::fs::hard_link(&first, directory.join("names/second")).unwrap();
    std::fs::hard_link(&first, directory.join("third")).unwrap();
    symlink("names/first", directory.join("link")).unwrap();
    symlink("nowhere at all", directory.join("dangling")).unwrap();
    symlink("/etc", directory.join("link to a directory")).unwrap();
    set_time(&directory.join("link"), 1_500_000_000, 1);
    std::fs::create_dir_all(directory.join("deep/er/and/empty")).unwrap();
    mode(&directory.join("deep/er"), 0o700);
    mode(&directory.join("deep"), 0o1777);
    set_time(&directory.join("deep/er/and"), 1_600_000_000, 999_999_999);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        directory.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o640),
        0,
    )
    .unwrap();
    let sparse = make(b"sparse", b"");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&sparse)
        .unwrap();
    file.set_len(300 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"an island", 150 << 20).unwrap();
    let attributed = make(b"attributed", b"with attributes\n");
    // Some file systems have none; then there is nothing to compare.
    let _ = rustix::fs::setxattr(
        &attributed,
        "user.origin",
        b"somewhere\0else",
        rustix::fs::XattrFlags::empty(),
    );
}
