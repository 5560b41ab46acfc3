//! What runs in place of the command that was given, so that what was measured is what happens.

use guard_ground::memfd::MemoryFile;
use std::ffi::OsString;

/// What runs in place of the command.
#[derive(Clone, Debug)]
pub enum Instead {
    /// Another command of the same tool.
    Command(Substitute),
    /// Nothing: the command could only say this, as its own dry run did.
    Answer {
        /// Its exit code.
        code: i32,
        /// Standard output.
        output: Vec<u8>,
        /// Standard error.
        errors: Vec<u8>,
    },
}

impl Instead {
    /// Whether the given command puts a question of its own, which this would not.
    pub fn asks_itself(&self) -> bool {
        matches!(self, Self::Command(substitute) if substitute.asks_itself)
    }
}

/// A command that does exactly what was measured.
#[derive(Clone, Debug)]
pub struct Substitute {
    /// Its arguments, without argv\[0\].
    pub arguments: Vec<OsString>,
    /// A file that it reads by [`MemoryFile::path`].
    pub file: MemoryFile,
    /// Variables that it must not see: what they say is in the arguments.
    pub without: &'static [&'static str],
    /// What the given command would have printed before it did anything.
    pub shown: Vec<u8>,
    /// The given command puts a question of its own first: where guard asks nobody, it is the one to run.
    pub asks_itself: bool,
}
