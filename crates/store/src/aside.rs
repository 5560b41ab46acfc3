//! `guard undo --into DIR` of what is no file: it is written into files there, for a person to look at
//! and to use.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use guard_ground::sanitize;

/// Files that a part of a backup is written into: name and content.
pub type AsideFiles = Vec<(String, Vec<u8>)>;

/// A text as a file name: nothing but letters, digits and `.-_`, and never hidden.
pub fn file_name(text: &str) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_') {
            letter
        } else {
            '_'
        }
    };
    let name: String = text.chars().map(plain).take(180).collect();
    match name.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None if name.is_empty() => "_".to_owned(),
        None => name,
    }
}

fn place(into: &Path, name: &str) -> PathBuf {
    into.join(file_name(name))
}

/// Files of these names that are there and hold something else; sanitised.
pub fn conflicts(into: &Path, files: &AsideFiles) -> Vec<String> {
    let differs = |(name, content): &&(String, Vec<u8>)| {
        let path = place(into, name);
        path.symlink_metadata().is_ok() && std::fs::read(&path).ok().as_ref() != Some(content)
    };
    files
        .iter()
        .filter(differs)
        .map(|(name, _)| format!("{} is there", sanitize::path(&place(into, name))))
        .collect()
}

/// Writes them, for their owner only. What is there already stays as it is.
///
/// # Errors
/// When one cannot be written.
pub fn write(into: &Path, files: &AsideFiles) -> Result<(), String> {
    for (name, content) in files {
        let path = place(into, name);
        if path.symlink_metadata().is_ok() {
            continue;
        }
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(content))
            .map_err(|error| format!("{}: {error}", sanitize::path(&path)))?;
    }
    Ok(())
}

/// Files that do not hold what was written; sanitised.
pub fn differences(into: &Path, files: &AsideFiles) -> Vec<String> {
    files
        .iter()
        .filter(|(name, content)| std::fs::read(place(into, name)).ok().as_ref() != Some(content))
        .map(|(name, _)| {
            let path = sanitize::path(&place(into, name));
            format!("{path}: its content is not what was saved")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_stay_in_their_directory() {
        for (text, expected) in [
            ("a.yaml", "a.yaml"),
            ("../../etc/passwd", "_._.._etc_passwd"),
            ("..", "_."),
            ("", "_"),
            ("system:node", "system_node"),
        ] {
            assert_eq!(file_name(text), expected);
        }
    }

    #[test]
    fn what_is_there_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let into = directory.path();
        let files = vec![("a".to_owned(), b"1".to_vec())];
        assert_eq!(conflicts(into, &files), Vec::<String>::new());
        write(into, &files).unwrap();
        assert_eq!(conflicts(into, &files), Vec::<String>::new());
        assert_eq!(differences(into, &files), Vec::<String>::new());
        let other = vec![("a".to_owned(), b"2".to_vec())];
        assert_eq!(conflicts(into, &other).len(), 1);
        write(into, &other).unwrap();
        assert_eq!(differences(into, &other).len(), 1);
        assert_eq!(std::fs::read(into.join("a")).unwrap(), b"1");
    }
}
