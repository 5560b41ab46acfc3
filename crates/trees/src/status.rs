//! What `git status --porcelain=v2 -z` prints (git-status(1)).

use guard_core::loss::Lot;
use guard_ground::sanitize;
use guard_words::Measure;
use std::ffi::OsStr;

/// How many names a message shows.
pub const NAMED: usize = 5;

/// One entry of `git status --porcelain=v2` (git-status(1), "Porcelain Format Version 2").
// Independent facts of one entry, read from its columns.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// The index against HEAD.
    pub staged: u8,
    /// The file against the index.
    pub unstaged: u8,
    /// The entry is a submodule.
    pub submodule: bool,
    /// A submodule with another commit checked out, or with changes or untracked files of its own.
    pub work_in_submodule: bool,
    /// Merge conflict.
    pub unmerged: bool,
    /// `?` untracked, `!` ignored, 0 tracked.
    pub outside: u8,
    /// A rename without a change of content.
    pub exact_rename: bool,
    /// The object in the index, where status names it.
    pub indexed: Vec<u8>,
    /// Of a conflict: the objects of all sides.
    pub sides: Vec<Vec<u8>>,
    /// The path, relative to the top level.
    pub path: Vec<u8>,
}

impl StatusChange {
    /// Whether the file on disk holds something that the index does not.
    pub fn is_unstaged(&self) -> bool {
        self.outside == 0
            && !self.submodule
            && (self.unmerged || !matches!(self.unstaged, b'.' | b'D'))
    }

    /// Whether file or index hold something that HEAD does not.
    pub fn is_uncommitted(&self) -> bool {
        if self.outside != 0 || self.submodule {
            return false;
        }
        let moved_only = self.exact_rename && self.unstaged == b'.';
        self.is_unstaged() || !(moved_only || matches!(self.staged, b'.' | b'D'))
    }
}

/// The path of a `-z` status entry of any kind; `None` for headers and the second half of renames.
pub fn status_path(entry: &[u8]) -> Option<&[u8]> {
    let fields = match entry.first()? {
        b'1' => 8,
        b'2' => 9,
        b'u' => 10,
        b'?' | b'!' => 1,
        _ => return None,
    };
    entry.splitn(fields + 1, |byte| *byte == b' ').nth(fields)
}

/// Reads the output of `git status --porcelain=v2 -z`.
pub fn changes(output: &[u8]) -> Vec<StatusChange> {
    let mut found = Vec::new();
    let mut entries = output.split(|byte| *byte == 0);
    while let Some(entry) = entries.next() {
        let Some(path) = status_path(entry) else {
            continue;
        };
        let kind = entry.first().copied().unwrap_or(b'?');
        let mut fields = entry.split(|byte| *byte == b' ').skip(1);
        let (staged, unstaged) = match fields.next() {
            Some([staged, unstaged]) if matches!(kind, b'1' | b'2' | b'u') => (*staged, *unstaged),
            _ => (b'.', b'.'),
        };
        let module = fields.next().unwrap_or_default();
        let submodule = module.starts_with(b"S");
        let exact_rename =
            kind == b'2' && entry.splitn(10, |byte| *byte == b' ').nth(8) == Some(b"R100");
        // Of the fields that follow, the fifth is the index's object.
        let indexed = match kind {
            b'1' | b'2' => fields.nth(4).unwrap_or_default().to_vec(),
            _ => Vec::new(),
        };
        let sides = match kind {
            b'u' => fields.skip(4).take(3).map(<[u8]>::to_vec).collect(),
            _ => Vec::new(),
        };
        if kind == b'2' {
            // The original path follows as an entry of its own.
            entries.next();
        }
        found.push(StatusChange {
            staged,
            unstaged,
            submodule: submodule && matches!(kind, b'1' | b'2' | b'u'),
            work_in_submodule: submodule && module != b"S...",
            unmerged: kind == b'u',
            outside: if matches!(kind, b'?' | b'!') { kind } else { 0 },
            exact_rename,
            indexed,
            sides,
            path: path.to_vec(),
        });
    }
    found
}

/// Bytes of git's output as the system's text.
pub fn os(bytes: &[u8]) -> &OsStr {
    use std::os::unix::ffi::OsStrExt as _;
    OsStr::from_bytes(bytes)
}

/// A loss of files, by name.
pub fn files(paths: &[&[u8]], what: &str) -> Lot {
    Lot {
        measure: Measure::Files,
        count: u64::try_from(paths.len()).unwrap_or(u64::MAX),
        at_least: false,
        // Whoever counts them notes them.
        kept: true,
        bytes: None,
        what: what.to_owned(),
        examples: paths
            .iter()
            .take(NAMED)
            .map(|path| sanitize::bytes(path))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(entry: &[u8]) -> (bool, bool, String) {
        let found = changes(entry);
        let change = found.first();
        (
            change.is_some_and(StatusChange::is_unstaged),
            change.is_some_and(StatusChange::is_uncommitted),
            change
                .map(|change| String::from_utf8_lossy(&change.path).into_owned())
                .unwrap_or_default(),
        )
    }

    #[test]
    fn status_entries() {
        for (entry, unstaged, uncommitted, path) in [
            (
                "1 .M N... 100644 100644 100644 aa bb a b.txt",
                true,
                true,
                "a b.txt",
            ),
            ("1 M. N... 100644 100644 100644 aa bb a", false, true, "a"),
            (
                "1 A. N... 000000 100644 100644 00 bb new",
                false,
                true,
                "new",
            ),
            (
                "1 .D N... 100644 100644 000000 aa aa gone",
                false,
                false,
                "gone",
            ),
            (
                "1 D. N... 100644 000000 000000 aa 00 gone",
                false,
                false,
                "gone",
            ),
            ("1 MD N... 100644 100644 000000 aa bb x", false, true, "x"),
            (
                "1 .M S..U 160000 160000 160000 aa aa sub",
                false,
                false,
                "sub",
            ),
            (
                "2 R. N... 100644 100644 100644 aa aa R100 to\0from",
                false,
                false,
                "to",
            ),
            (
                "2 R. N... 100644 100644 100644 aa bb R90 to\0from",
                false,
                true,
                "to",
            ),
            (
                "2 RM N... 100644 100644 100644 aa aa R100 to\0from",
                true,
                true,
                "to",
            ),
            (
                "u UU N... 100644 100644 100644 100644 aa bb cc both",
                true,
                true,
                "both",
            ),
            ("? untracked", false, false, "untracked"),
        ] {
            assert_eq!(
                one(entry.as_bytes()),
                (unstaged, uncommitted, path.to_owned()),
                "{entry}"
            );
        }
    }
}
