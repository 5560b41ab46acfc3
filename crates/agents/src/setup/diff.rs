//! The difference between two texts, line by line, as `diff -u` shows it.

use std::fmt::Write as _;

use guard_ground::sanitize;

/// Lines around a change that are shown too.
const AROUND: usize = 3;
/// More cells than this are not compared: the middle is then shown as taken out and put in.
const MAX_CELLS: usize = 4_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Both,
    Before,
    After,
}

/// The difference; colours where they are wanted.
pub fn unified(name: &str, before: Option<&[u8]>, after: Option<&[u8]>, colored: bool) -> String {
    let none = "/dev/null";
    let paint = |code: &str, line: &str| {
        if colored {
            format!("\x1b[{code}m{line}\x1b[0m\n")
        } else {
            format!("{line}\n")
        }
    };
    let mut text = paint("1", &format!("--- {}", before.map_or(none, |_| name)));
    text.push_str(&paint(
        "1",
        &format!("+++ {}", after.map_or(none, |_| name)),
    ));
    let script = compare(
        &lines(before.unwrap_or_default()),
        &lines(after.unwrap_or_default()),
    );
    let mut old = 1;
    let mut new = 1;
    let mut at = 0;
    while let Some(change) = script
        .iter()
        .skip(at)
        .position(|(side, _)| *side != Side::Both)
    {
        let first = at + change;
        let start = first.saturating_sub(AROUND).max(at);
        old += start - at;
        new += start - at;
        let mut end = first;
        let mut quiet = 0;
        for (index, (side, _)) in script.iter().enumerate().skip(first) {
            if *side == Side::Both {
                quiet += 1;
                if quiet > 2 * AROUND {
                    break;
                }
            } else {
                quiet = 0;
                end = index;
            }
        }
        let end = (end + 1 + AROUND).min(script.len());
        let part = script.get(start..end).unwrap_or_default();
        let count = |without: Side| part.iter().filter(|(side, _)| *side != without).count();
        let (olds, news) = (count(Side::After), count(Side::Before));
        let range = |from: usize, count: usize| match count {
            0 => format!("{},0", from - 1),
            1 => from.to_string(),
            _ => format!("{from},{count}"),
        };
        text.push_str(&paint(
            "36",
            &format!("@@ -{} +{} @@", range(old, olds), range(new, news)),
        ));
        for (side, line) in part {
            let (mark, code) = match side {
                Side::Both => (' ', ""),
                Side::Before => ('-', "31"),
                Side::After => ('+', "32"),
            };
            let shown = format!("{mark}{}", shown(line));
            if code.is_empty() {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{shown}");
            } else {
                text.push_str(&paint(code, &shown));
            }
            if !line.ends_with(b"\n") {
                text.push_str("\\ No newline at end of file\n");
            }
        }
        old += olds;
        new += news;
        at = end;
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

/// Every line of both texts in order, and on which side it stands.
fn compare<'t>(before: &[&'t [u8]], after: &[&'t [u8]]) -> Vec<(Side, &'t [u8])> {
    let head = before
        .iter()
        .zip(after)
        .take_while(|(one, other)| one == other)
        .count();
    let (front, old) = before.split_at(head);
    let (_, new) = after.split_at(head);
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(one, other)| one == other)
        .count();
    let (old, back) = old.split_at(old.len() - tail);
    let (new, _) = new.split_at(new.len() - tail);
    let mut script: Vec<_> = front.iter().map(|line| (Side::Both, *line)).collect();
    if old.len().saturating_mul(new.len()) > MAX_CELLS {
        script.extend(old.iter().map(|line| (Side::Before, *line)));
        script.extend(new.iter().map(|line| (Side::After, *line)));
    } else {
        middle(old, new, &mut script);
    }
    script.extend(back.iter().map(|line| (Side::Both, *line)));
    script
}

/// The longest common subsequence of lines.
fn middle<'t>(old: &[&'t [u8]], new: &[&'t [u8]], script: &mut Vec<(Side, &'t [u8])>) {
    let width = new.len() + 1;
    let mut lengths = vec![0_u32; width * (old.len() + 1)];
    let get = |lengths: &[u32], i: usize, j: usize| {
        lengths.get(i * width + j).copied().unwrap_or_default()
    };
    for (i, one) in old.iter().enumerate().rev() {
        for (j, other) in new.iter().enumerate().rev() {
            let length = if one == other {
                get(&lengths, i + 1, j + 1) + 1
            } else {
                get(&lengths, i + 1, j).max(get(&lengths, i, j + 1))
            };
            if let Some(cell) = lengths.get_mut(i * width + j) {
                *cell = length;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    loop {
        match (old.get(i), new.get(j)) {
            (Some(one), Some(other)) if one == other => {
                script.push((Side::Both, one));
                (i, j) = (i + 1, j + 1);
            }
            (Some(one), other)
                if other.is_none() || get(&lengths, i + 1, j) >= get(&lengths, i, j + 1) =>
            {
                script.push((Side::Before, one));
                i += 1;
            }
            (_, Some(other)) => {
                script.push((Side::After, other));
                j += 1;
            }
            _ => return,
        }
    }
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
