//! The machine and text: what has no word of guard's.

pub mod atomic;
pub mod bytes;
pub mod digest;
pub mod exec;
pub mod exit_code;
pub mod glob;
pub mod ini;
pub mod install;
pub mod lock;
pub mod mask;
pub mod memfd;
pub mod path;
pub mod process;
pub mod progress;
pub mod real_tool;
pub mod recent;
pub mod sanitize;
pub mod say;
pub mod shelf;
pub mod signals;
pub mod spool;
pub mod stdio;
pub mod text;
pub mod time;
pub mod yaml;
