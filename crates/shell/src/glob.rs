//! Expands globs against the file system as bash does by default: `dotglob`,
//! `globstar`, `extglob` and `nocaseglob` are off (Bash Reference Manual 3.5.8).

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Expands a pattern, as [`super::ShellWord::glob`] has it, below `directory`.
///
/// The results are sorted by their bytes and written as the pattern is:
/// relative ones stay relative. When nothing matches, the only result is the
/// pattern's literal text. None when there are more than `limit` results.
/// Directories that cannot be read match nothing.
#[must_use]
pub fn expand_glob(pattern: &OsStr, directory: &Path, limit: usize) -> Option<Vec<OsString>> {
    let pattern = pattern.as_bytes();
    let mut found: Vec<Vec<u8>> = vec![Vec::new()];
    let mut rest = pattern;
    while !rest.is_empty() && !found.is_empty() {
        let (part, slashes, after) = first_part(rest);
        rest = after;
        let mut next = Vec::new();
        for prefix in &found {
            if is_pattern(part) {
                matches(prefix, part, directory, limit, &mut next)?;
            } else {
                let mut path = prefix.clone();
                path.extend_from_slice(&literal(part));
                next.push(path);
            }
        }
        if !slashes.is_empty() {
            for path in &mut next {
                path.extend_from_slice(slashes);
            }
            // What a slash follows has to be a directory.
            next.retain(|path| full(directory, path).is_dir());
        }
        if next.len() > limit {
            return None;
        }
        found = next;
    }
    found.retain(|path| full(directory, path).symlink_metadata().is_ok());
    found.sort_unstable();
    if found.is_empty() {
        found.push(literal(pattern));
    }
    (found.len() <= limit).then(|| found.into_iter().map(OsString::from_vec).collect())
}

/// The path on disk; an empty one is the directory itself.
fn full(directory: &Path, path: &[u8]) -> std::path::PathBuf {
    directory.join(OsStr::from_bytes(path))
}

/// The part before the next slash, the slashes, and what follows.
fn first_part(pattern: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let end = pattern.iter().position(|b| *b == b'/');
    let (part, rest) = pattern.split_at(end.unwrap_or(pattern.len()));
    let slashes = rest.iter().take_while(|b| **b == b'/').count();
    let (slashes, after) = rest.split_at(slashes);
    (part, slashes, after)
}

/// Adds the entries of `prefix` that match one part of the pattern.
fn matches(
    prefix: &[u8],
    part: &[u8],
    directory: &Path,
    limit: usize,
    found: &mut Vec<Vec<u8>>,
) -> Option<()> {
    let Ok(entries) = fs::read_dir(full(directory, prefix)) else {
        return Some(());
    };
    let hidden = part.first() == Some(&b'.') || part.starts_with(b"\\.");
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_bytes();
        if (hidden || name.first() != Some(&b'.')) && fits(part, name) {
            if found.len() > limit {
                return None;
            }
            found.push([prefix, name].concat());
        }
    }
    Some(())
}

/// True when a part has an unquoted `*`, `?` or `[`.
fn is_pattern(part: &[u8]) -> bool {
    let mut bytes = part.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'*' | b'?' | b'[' => return true,
            _ => {}
        }
    }
    false
}

/// The text of a pattern without the backslashes that quote.
fn literal(pattern: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(pattern.len());
    let mut bytes = pattern.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => text.extend(bytes.next()),
            byte => text.push(byte),
        }
    }
    text
}

/// True when the pattern matches the whole name. A failed match goes back to
/// the last `*` only, which is enough for patterns without alternatives.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        let after = match pattern.first() {
            Some(b'*') => {
                pattern = pattern.get(1..).unwrap_or_default();
                star = Some((pattern, name));
                continue;
            }
            None if name.is_empty() => return true,
            Some(_) => one(pattern, name),
            None => None,
        };
        if let Some((rest, left)) = after {
            (pattern, name) = (rest, left);
        } else if let Some((after_star, from)) = star.filter(|(_, from)| !from.is_empty()) {
            let from = from.get(character(from).1..).unwrap_or_default();
            star = Some((after_star, from));
            (pattern, name) = (after_star, from);
        } else {
            return false;
        }
    }
}

/// Matches one element that is no `*`, and gives what is left of both.
fn one<'p, 'n>(pattern: &'p [u8], name: &'n [u8]) -> Option<(&'p [u8], &'n [u8])> {
    let (found, length) = character(name);
    if length == 0 {
        return None;
    }
    let left = name.get(length..)?;
    match pattern.first()? {
        b'?' => Some((pattern.get(1..)?, left)),
        b'[' => match bracket(pattern.get(1..)?, found) {
            Some((true, rest)) => Some((rest, left)),
            Some((false, _)) => None,
            // Without its `]` it is a plain character.
            None => (found == u32::from(b'[')).then_some((pattern.get(1..)?, left)),
        },
        sign => {
            let pattern = if *sign == b'\\' && pattern.len() > 1 {
                pattern.get(1..)?
            } else {
                pattern
            };
            let (wanted, length) = character(pattern);
            (wanted == found).then_some((pattern.get(length..)?, left))
        }
    }
}

/// Matches `[…]`, after its bracket: whether it fits and what follows it. None
/// when it is not closed.
fn bracket(pattern: &[u8], found: u32) -> Option<(bool, &[u8])> {
    let mut rest = pattern;
    let negated = matches!(rest.first(), Some(b'!' | b'^'));
    if negated {
        rest = rest.get(1..)?;
    }
    let mut fits = false;
    let mut first = true;
    loop {
        if rest.first() == Some(&b']') && !first {
            return Some((fits != negated, rest.get(1..)?));
        }
        first = false;
        if let Some((class, after)) = named_class(rest) {
            fits |= in_class(class, found);
            rest = after;
            continue;
        }
        let low;
        (low, rest) = element(rest)?;
        let mut high = low;
        if rest.first() == Some(&b'-') && rest.get(1).is_some_and(|b| *b != b']') {
            (high, rest) = element(rest.get(1..)?)?;
        }
        fits |= (low..=high).contains(&found);
    }
}

/// One character of a bracket expression, perhaps quoted.
fn element(rest: &[u8]) -> Option<(u32, &[u8])> {
    let rest = match rest {
        [b'\\', after @ ..] if !after.is_empty() => after,
        rest => rest,
    };
    let (value, length) = character(rest);
    (length > 0).then_some((value, rest.get(length..)?))
}

/// `[:name:]`
fn named_class(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = rest.strip_prefix(b"[:")?;
    let end = inside.windows(2).position(|w| w == b":]")?;
    let name = inside.get(..end)?;
    let named = name.iter().all(u8::is_ascii_lowercase);
    named.then_some((name, inside.get(end + 2..)?))
}

fn in_class(class: &[u8], found: u32) -> bool {
    let Some(found) = char::from_u32(found) else {
        return false;
    };
    match class {
        b"alnum" => found.is_alphanumeric(),
        b"alpha" => found.is_alphabetic(),
        b"blank" => matches!(found, ' ' | '\t'),
        b"cntrl" => found.is_control(),
        b"digit" => found.is_ascii_digit(),
        b"graph" => !found.is_control() && !found.is_whitespace(),
        b"lower" => found.is_lowercase(),
        b"print" => !found.is_control(),
        b"punct" => found.is_ascii_punctuation(),
        b"space" => found.is_whitespace(),
        b"upper" => found.is_uppercase(),
        b"word" => found.is_alphanumeric() || found == '_',
        b"xdigit" => found.is_ascii_hexdigit(),
        _ => false,
    }
}

/// The first character and its length; a byte that is not UTF-8 counts as a
/// character beyond Unicode.
fn character(text: &[u8]) -> (u32, usize) {
    let Some(&lead) = text.first() else {
        return (0, 0);
    };
    let length = match lead {
        0..=0x7f => return (u32::from(lead), 1),
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    let text = text.get(..length).and_then(|t| std::str::from_utf8(t).ok());
    match text.and_then(|t| t.chars().next()) {
        Some(character) => (u32::from(character), length),
        None => (0x11_0000 + u32::from(lead), 1),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::{expand_glob, fits};
    use std::ffi::OsStr;
    use std::fs;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("*", "a", true),
            ("a*b*c", "aXbYbc", true),
            ("a*b", "ac", false),
            ("?", "é", true),
            ("??", "é", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[^a]", "b", true),
            ("[]a]", "]", true),
            ("[a", "[a", true),
            ("[[:digit:]]*", "7z", true),
            ("[[:digit:]]*", "z7", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[a\\-c]", "b", false),
            ("[a-]", "-", true),
            ("[é-ü]", "ö", true),
            ("", "", true),
            ("**", "abc", true),
        ] {
            assert_eq!(
                fits(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn files() {
        let base = std::env::temp_dir().join(format!("guard-glob-{}", std::process::id()));
        fs::create_dir_all(base.join("sub")).unwrap();
        fs::create_dir_all(base.join(".git")).unwrap();
        for file in ["b.txt", "a.txt", ".hidden", "sub/c.txt", "st*r"] {
            fs::write(base.join(file), "").unwrap();
        }
        for (pattern, expected) in [
            ("*", "a.txt b.txt st*r sub"),
            ("*.txt", "a.txt b.txt"),
            ("*/", "sub/"),
            ("*/*", "sub/c.txt"),
            (".*", ".git .hidden"),
            ("./*.txt", "./a.txt ./b.txt"),
            ("sub/../[ab].txt", "sub/../a.txt sub/../b.txt"),
            ("st\\**", "st*r"),
            ("*.rs", "*.rs"),
            ("\\**.rs", "**.rs"),
            ("none/*", "none/*"),
            ("a.txt/*", "a.txt/*"),
        ] {
            let found = expand_glob(OsStr::new(pattern), &base, 100).unwrap();
            let found: Vec<_> = found.iter().map(|f| f.to_str().unwrap()).collect();
            assert_eq!(found.join(" "), expected, "{pattern}");
        }
        assert_eq!(expand_glob(OsStr::new("*.txt"), &base, 1), None);
        let absolute = base.join("*.txt");
        let found = expand_glob(absolute.as_os_str(), OsStr::new("/").as_ref(), 9).unwrap();
        assert_eq!(found, [base.join("a.txt"), base.join("b.txt")]);
        fs::remove_dir_all(&base).unwrap();
    }
}
