//! Everything shown to a person passes through here: file names, branches and SQL can carry escape
//! sequences, fake prompts and text that reads backwards.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

/// Characters that a terminal or a reader could take for something else than themselves.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // Bidirectional controls, zero-width characters, separators, variation selectors, tags.
            '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}' | '\u{00AD}' | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{180E}')
}

/// Text with every control, invisible or direction-changing character shown as `\n`, `\t` or
/// `\u{…}`.
pub fn text(source: &str) -> String {
    if is_plain(source.as_bytes()) || !source.chars().any(is_unsafe) {
        return source.to_owned();
    }
    let mut shown = String::with_capacity(source.len() + 8);
    for character in source.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            _ if is_unsafe(character) => {
                // Writing to a String cannot fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
            }
            _ => shown.push(character),
        }
    }
    shown
}

/// Printable ASCII, as nearly everything is: no character of it needs a closer look.
fn is_plain(source: &[u8]) -> bool {
    source.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// An argument; bytes that are not UTF-8 are shown as `\xNN`.
pub fn os(source: &OsStr) -> String {
    if let Some(source) = source.to_str().filter(|text| is_plain(text.as_bytes())) {
        return source.to_owned();
    }
    let mut shown = String::new();
    for chunk in source.as_encoded_bytes().utf8_chunks() {
        shown.push_str(&text(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// A path.
pub fn path(source: &Path) -> String {
    os(source.as_os_str())
}

/// Bytes that a tool printed.
pub fn bytes(source: &[u8]) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    os(OsStr::from_bytes(source))
}

/// An argv as a person could paste it into a shell, cut after `limit` characters.
pub fn command<S: AsRef<OsStr>>(argv: &[S], limit: usize) -> String {
    let mut shown = String::new();
    for word in argv {
        if !shown.is_empty() {
            shown.push(' ');
        }
        let plain = os(word.as_ref());
        match shlex::try_quote(&plain) {
            Ok(quoted) => shown.push_str(&quoted),
            Err(_) => shown.push_str(&plain),
        }
        if shown.len() > limit {
            return cut(&shown, limit);
        }
    }
    shown
}

/// At most `limit` characters, with an ellipsis where something is missing.
pub fn cut(source: &str, limit: usize) -> String {
    if source.chars().count() <= limit {
        return source.to_owned();
    }
    let mut shown: String = source.chars().take(limit.saturating_sub(1)).collect();
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_shown_as_what_they_are() {
        for (name, shown) in [
            ("plain ünïcode 文件", "plain ünïcode 文件"),
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("one\ntwo\ttab\r", "one\\ntwo\\ttab\\r"),
            ("\u{202e}txt.exe", "\\u{202e}txt.exe"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            ("c1\u{9b}31m", "c1\\u{9b}31m"),
        ] {
            assert_eq!(text(name), shown);
        }
    }

    #[test]
    fn bytes_that_are_no_text() {
        assert_eq!(bytes(b"caf\xe9 \x1b]0;x\x07"), "caf\\xe9 \\u{1b}]0;x\\u{7}");
    }

    #[test]
    fn commands_can_be_pasted() {
        assert_eq!(command(&["rm", "-rf", "a b", "c"], 100), "rm -rf 'a b' c");
        assert_eq!(command(&["rm", "aaaaaaaaaaaaaaaa"], 10), "rm aaaaaa…");
    }
}
