//! Names of files as people type and read them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::context::Context;

/// A path as the command's directory sees it, up to three levels above; else absolute.
pub fn relative(path: &Path, context: &Context) -> PathBuf {
    let here = context
        .directory
        .as_deref()
        .and_then(|here| here.canonicalize().ok());
    let mut above = PathBuf::new();
    for ancestor in here.iter().flat_map(|here| here.ancestors()).take(4) {
        match path.strip_prefix(ancestor) {
            Ok(below) if ancestor != Path::new("/") && !below.as_os_str().is_empty() => {
                return above.join(below);
            }
            _ => above.push(".."),
        }
    }
    path.to_owned()
}

/// A name as a person can type it on any keyboard: itself when it is short and plain, else its
/// plain characters.
pub fn typeable(name: &OsStr) -> String {
    let bytes = name.as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    if bytes.len() <= 60 && bytes.iter().all(is_plain) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let tail: Vec<u8> = bytes
        .rsplit(|byte| *byte == b'/')
        .next()
        .unwrap_or(bytes)
        .iter()
        .copied()
        .filter(u8::is_ascii_alphanumeric)
        .take(24)
        .collect();
    if tail.is_empty() {
        return "that path".to_owned();
    }
    OsString::from_vec(tail).to_string_lossy().into_owned()
}
