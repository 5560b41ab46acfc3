//! A drill: a backup is brought back into a scratch place and compared. One that was never brought back
//! is a hope.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use guard_core::kept::Undoing;
use guard_store::store::{Store, StoredBackup};

/// What a drill found.
#[derive(Clone, Debug)]
pub struct DrillReport {
    /// The backup.
    pub id: String,
    /// What was brought back and is as it was, one line each.
    pub good: Vec<String>,
    /// What is wrong.
    pub bad: Vec<String>,
}

/// A directory that goes when it is dropped.
struct ScratchDirectory(PathBuf);

impl Drop for ScratchDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Checks every content, then brings everything back into a scratch place.
pub fn run(item: &StoredBackup, store: &Store, undoing: &Undoing<'_>) -> DrillReport {
    let mut report = DrillReport {
        id: item.summary.id.clone(),
        good: Vec::new(),
        bad: Vec::new(),
    };
    for part in undoing.parts {
        for (name, blob) in part.contents() {
            if let Err(why) = undoing.reader.copy(blob, &mut std::io::sink()) {
                report.bad.push(format!("{name}: {why}"));
            }
        }
    }
    if !report.bad.is_empty() {
        return report;
    }
    let place = store
        .directory()
        .join(format!(".gone-drill-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&place);
    if let Err(error) = DirBuilder::new().mode(0o700).create(&place) {
        report.bad.push(format!("no scratch place: {error}"));
        return report;
    }
    let scratch = ScratchDirectory(place);
    for (number, part) in undoing.parts.iter().enumerate() {
        let own = scratch.0.join(number.to_string());
        let done = std::fs::create_dir(&own)
            .map_err(|error| error.to_string())
            .and_then(|()| part.drill(undoing, &own));
        match done {
            Ok(lines) => report.good.extend(lines),
            Err(why) => report.bad.push(why),
        }
    }
    report
}
