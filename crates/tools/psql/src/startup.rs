//! The files that psql runs before anything else (psql(1), "Files"; `startup.c`).

use guard_ground::recent::Recent;
use std::path::{Path, PathBuf};

use guard_core::context::{Consult, Context};

/// The startup files that psql would read here, in its order. A file with the version in its name
/// stands in for the one without; guard does not know the version and reads all of them.
pub(super) fn files(context: &Context) -> Vec<PathBuf> {
    if context.consult < Consult::Files {
        return Vec::new();
    }
    let mut files = Vec::new();
    // The system's own file belongs to the machine, unless a variable says that it is another one.
    if let Some(directory) = context.value("PGSYSCONFDIR") {
        add(&Path::new(&directory).join("psqlrc"), context, &mut files);
    }
    let home = context.value("HOME").map(PathBuf::from);
    let named = context.value("PSQLRC").map(PathBuf::from);
    let own = match (named, &home) {
        (Some(named), Some(home)) => Some(match named.strip_prefix("~") {
            Ok(rest) => home.join(rest),
            Err(_) => named,
        }),
        (Some(named), None) => Some(named),
        (None, home) => home.as_ref().map(|home| home.join(".psqlrc")),
    };
    if let Some(file) = own {
        add(&file, context, &mut files);
    }
    files
}

/// Which of the startup files exist, by their name without a version.
type Startup = Recent<Vec<PathBuf>>;

fn add(file: &Path, context: &Context, files: &mut Vec<PathBuf>) {
    let Some(file) = context.in_directory(Some(file)).directory else {
        return;
    };
    files.extend(context.remember::<Startup>().get(&file, || existing(&file)));
}

/// The file itself and those with a version in their name.
fn existing(file: &Path) -> Vec<PathBuf> {
    let (Some(directory), Some(name)) = (file.parent(), file.file_name()) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    if file.exists() {
        files.push(file.to_owned());
    }
    let Ok(entries) = directory.read_dir() else {
        return files;
    };
    let mut versions: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let entry = entry.file_name();
            let suffix = entry
                .as_encoded_bytes()
                .strip_prefix(name.as_encoded_bytes());
            suffix.is_some_and(|suffix| {
                suffix.len() > 1
                    && suffix.first() == Some(&b'-')
                    && suffix
                        .iter()
                        .skip(1)
                        .all(|byte| byte.is_ascii_digit() || *byte == b'.')
            })
        })
        .map(|entry| entry.path())
        .collect();
    versions.sort();
    files.extend(versions);
    files
}
