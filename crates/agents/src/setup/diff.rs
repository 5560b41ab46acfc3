//! The difference between two texts, line by line, as `diff -u` shows it.

use std::time::{Duration, Instant};

use guard_ground::sanitize;
use similar::udiff::UnifiedHunkHeader;
use similar::{Algorithm, ChangeTag};

/// Lines around a change that are shown too.
const AROUND: usize = 3;
/// After this a shorter difference is not looked for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The difference; colours where they are wanted.
pub fn unified(name: &str, before: Option<&[u8]>, after: Option<&[u8]>, colored: bool) -> String {
    let none = "/dev/null";
    let paint = |code: &str, line: &str| match code {
        "" => format!("{line}\n"),
        _ if !colored => format!("{line}\n"),
        _ => format!("\x1b[{code}m{line}\x1b[0m\n"),
    };
    let mut text = paint("1", &format!("--- {}", before.map_or(none, |_| name)));
    text.push_str(&paint(
        "1",
        &format!("+++ {}", after.map_or(none, |_| name)),
    ));
    let old = lines(before.unwrap_or_default());
    let new = lines(after.unwrap_or_default());
    let end = Instant::now().checked_add(PATIENCE);
    let script = similar::capture_diff_slices_deadline(Algorithm::Myers, &old, &new, end);
    for hunk in similar::group_diff_ops(script, AROUND) {
        if hunk.is_empty() {
            continue;
        }
        text.push_str(&paint("36", &UnifiedHunkHeader::new(&hunk).to_string()));
        for change in hunk.iter().flat_map(|part| part.iter_changes(&old, &new)) {
            let code = match change.tag() {
                ChangeTag::Equal => "",
                ChangeTag::Delete => "31",
                ChangeTag::Insert => "32",
            };
            let line = change.value();
            text.push_str(&paint(code, &format!("{}{}", change.tag(), shown(line))));
            if !line.ends_with(b"\n") {
                text.push_str("\\ No newline at end of file\n");
            }
        }
    }
    text
}

fn shown(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let parts: Vec<String> = line
        .split(|byte| *byte == b'\t')
        .map(sanitize::bytes)
        .collect();
    parts.join("\t")
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_places_and_no_newline() {
        let before: Vec<String> = (1..=20).map(|number| number.to_string()).collect();
        let old = before.join("\n");
        let new = format!("0\n{old}\n21\n");
        assert_eq!(
            unified("f", Some(old.as_bytes()), Some(new.as_bytes()), false),
            "--- f\n+++ f\n@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -17,4 +18,5 @@\n 17\n 18\n 19\n-20\n\
             \\ No newline at end of file\n+20\n+21\n"
        );
        assert_eq!(
            unified("f", None, Some(b"a\x1b[1m\n"), false),
            "--- /dev/null\n+++ f\n@@ -0,0 +1 @@\n+a\\u{1b}[1m\n"
        );
    }
}
