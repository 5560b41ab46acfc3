//! `git clean`: asked of `git clean -n` with the same options, and measured like rm.

use guard_core::naming;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{GitProbe, Measured, texts, with_paths};
use crate::config;
use guard_core::context::Context;
use guard_core::invocation::Invocation;
use guard_core::loss::{Loss, Phrase};
use guard_core::preview::Budget;
use guard_core::world::World;
use guard_ground::sanitize;
use guard_trees::measure;
use guard_trees::measure::Taking;
use guard_trees::status::os;
use guard_words::PlaceKind;

/// `git clean`: asked of `git clean -n` with the same options, and measured like rm.
pub(super) fn clean(
    invocation: &Invocation,
    git: &GitProbe<'_>,
    world: &World,
    context: &Context,
    budget: &Budget,
) -> Measured {
    let mut loss = Loss {
        phrase: Phrase {
            verb: "delete",
            place: "that git does not track".to_owned(),
        },
        ..Loss::default()
    };
    let forced = invocation.has_any(&["--force", "--interactive"]);
    if !forced && config::boolean(invocation, context, "clean.requireForce") != Some(false) {
        return Ok(loss);
    }
    let mut words: Vec<OsString> = ["-c", "core.quotePath=false", "clean", "-n"]
        .map(OsString::from)
        .to_vec();
    for flag in &invocation.flags {
        match (flag.short, flag.long.as_ref()) {
            (b'd' | b'x' | b'X', _) => words.push(format!("-{}", flag.short as char).into()),
            (_, "force") => words.push("-f".into()),
            (_, "exclude") => {
                let mut exclude = OsString::from("--exclude=");
                exclude.push(flag.value.clone().unwrap_or_default());
                words.push(exclude);
            }
            _ => {}
        }
    }
    let output = git.output(&with_paths(&words, &texts(&invocation.operands)))?;
    // It names paths relative to the directory it runs in.
    let there = context.in_directory(invocation.directory.as_deref());
    let directory = git.base(there.directory.as_deref().unwrap_or(Path::new(".")))?;
    let mut targets: Vec<PathBuf> = Vec::new();
    for line in output.split(|byte| *byte == b'\n') {
        let Some(name) = line.strip_prefix(b"Would remove ") else {
            continue;
        };
        let name = unquote(name);
        let path = directory.join(os(name.strip_suffix(b"/").unwrap_or(&name)));
        let path = guard_ground::path::lexical(&path);
        if world.touches_protected(&path) {
            return Err(format!(
                "{} holds guard's own files, or what the rules protect",
                sanitize::path(&path)
            ));
        }
        let metadata = path
            .symlink_metadata()
            .map_err(|error| format!("{}: {error}", sanitize::path(&path)))?;
        // git names a directory as a whole only when it tracks nothing in it.
        if world.is_inside(&path)
            && path
                .file_name()
                .is_some_and(|name| world.is_disposable_name(name, metadata.is_dir()))
            && !guard_ground::path::holds_repository(&path)
        {
            loss.fact(format!(
                "{} can be made again",
                sanitize::path(&naming::relative(&path, &there))
            ));
        } else {
            targets.push(path);
        }
    }
    let named: Vec<(&Path, PlaceKind)> = targets
        .iter()
        .map(|path| {
            let inside = world.is_inside(path);
            (
                path.as_path(),
                if inside {
                    PlaceKind::Inside
                } else {
                    PlaceKind::Escape
                },
            )
        })
        .collect();
    let tally = measure::count(&named, Taking::Unlinks, world, &there, budget);
    measure::describe(tally, &mut loss, &there, budget);
    Ok(loss)
}

/// A path as git quotes it (git-config(1), `core.quotePath`): as it is, or in double quotes with
/// C's escapes.
fn unquote(name: &[u8]) -> Vec<u8> {
    let Some(inner) = name
        .strip_prefix(b"\"")
        .and_then(|name| name.strip_suffix(b"\""))
    else {
        return name.to_vec();
    };
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            plain.push(byte);
            continue;
        }
        match bytes.next() {
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    if let Some(next @ b'0'..=b'7') = bytes.peek().copied() {
                        value = value * 8 + u32::from(next - b'0');
                        bytes.next();
                    }
                }
                plain.push(u8::try_from(value & 0xff).unwrap_or(b'?'));
            }
            Some(b'a') => plain.push(7),
            Some(b'b') => plain.push(8),
            Some(b't') => plain.push(b'\t'),
            Some(b'n') => plain.push(b'\n'),
            Some(b'v') => plain.push(11),
            Some(b'f') => plain.push(12),
            Some(b'r') => plain.push(b'\r'),
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::unquote;

    #[test]
    fn quoted_names() {
        for (quoted, plain) in [
            (&b"plain name"[..], &b"plain name"[..]),
            (br#""tab\there""#, b"tab\there"),
            (br#""quote\"back\\slash""#, br#"quote"back\slash"#),
            (br#""\303\251""#, "é".as_bytes()),
            (br#""bell\a\n""#, b"bell\x07\n"),
        ] {
            assert_eq!(unquote(quoted), plain);
        }
    }
}
