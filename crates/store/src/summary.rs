//! How a summary is written down, and read only as it was written.

use std::path::Path;

use super::manifest::Summary;
use crate::Unsaved;
use guard_ground::digest::Hasher;
use guard_ground::shelf;

/// A summary as it is written: one line, and behind it the line's digest.
pub(super) fn summary_text(summary: &Summary) -> Result<Vec<u8>, Unsaved> {
    let mut text = serde_json::to_vec(summary).map_err(|error| Unsaved(error.to_string()))?;
    let digest = digest(&text);
    text.push(b'\n');
    text.extend_from_slice(digest.as_bytes());
    text.push(b'\n');
    Ok(text)
}

/// A summary that is as it was written.
pub(super) fn read_summary(file: &Path) -> Option<Summary> {
    let text = shelf::read(file).ok()?;
    let mut lines = text.split(|byte| *byte == b'\n');
    let (line, wanted) = (lines.next()?, lines.next()?);
    (digest(line).as_bytes() == wanted).then(|| serde_json::from_slice(line).ok())?
}

fn digest(text: &[u8]) -> String {
    let mut hasher = Hasher::default();
    hasher.raw(text);
    hasher.finish()
}
