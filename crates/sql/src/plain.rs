//! The one statement that stands in scripts by the million, `INSERT … VALUES` with constants, read at
//! the speed of a dump. What is not exactly of this form takes the ordinary way.

use memchr::memchr2;

use super::lexer::run_end;

/// The table of a line that holds one INSERT of constants and nothing else.
pub(super) fn insert(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"INSERT INTO ")?;
    let end = run_end(rest, 0, is_plain_name);
    let (table, rest) = rest.split_at_checked(end)?;
    let mut rest = rest.strip_prefix(b" ")?;
    if let Some(columns) = rest.strip_prefix(b"(") {
        let end = run_end(columns, 0, |byte| {
            is_plain_name(byte) || b", ".contains(&byte)
        });
        rest = columns.get(end..)?.strip_prefix(b") ")?;
    }
    let mut rest = rest.strip_prefix(b"VALUES (")?;
    loop {
        rest = value(rest)?;
        rest = match rest {
            [b')', b';'] | [b')', b';', b'\r'] => return (!table.is_empty()).then_some(table),
            [b')', b',', b' ', b'(', more @ ..] | [b',', b' ', more @ ..] | [b',', more @ ..] => {
                more
            }
            _ => return None,
        };
    }
}

fn is_plain_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.')
}

/// What follows a string without backslashes, a number, or one of four words.
fn value(text: &[u8]) -> Option<&[u8]> {
    match text.first()? {
        b'\'' => {
            let mut rest = text.get(1..)?;
            loop {
                let at = memchr2(b'\'', b'\\', rest)?;
                rest = match rest.get(at..)? {
                    [b'\'', b'\'', more @ ..] => more,
                    [b'\'', more @ ..] => return Some(more),
                    _ => return None,
                };
            }
        }
        b'0'..=b'9' | b'-' => {
            let digits = text.strip_prefix(b"-").unwrap_or(text);
            let end = run_end(digits, 0, |byte| byte.is_ascii_digit() || byte == b'.');
            digits.get(end..).filter(|_| end > 0)
        }
        _ => {
            let words: [&[u8]; 4] = [b"NULL", b"true", b"false", b"DEFAULT"];
            words.iter().find_map(|word| text.strip_prefix(*word))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::insert;
    use crate::{TextSource, read};

    #[test]
    fn only_constants() {
        for (line, table) in [
            (
                "INSERT INTO public.t VALUES (1, 'a', NULL);",
                Some("public.t"),
            ),
            (
                "INSERT INTO t (a, b) VALUES (-1.5, 'it''s; DROP TABLE x'), (2, DEFAULT);",
                Some("t"),
            ),
            ("INSERT INTO t VALUES (1,true,false);\r", Some("t")),
            ("INSERT INTO t VALUES (1)", None),
            ("INSERT INTO t VALUES (1); DROP TABLE x;", None),
            ("INSERT INTO t VALUES ('a\\');", None),
            ("INSERT INTO t VALUES (E'a');", None),
            ("INSERT INTO t VALUES (f(1));", None),
            ("INSERT INTO t VALUES (:x);", None),
            ("INSERT INTO t VALUES (1--2);", None),
            ("INSERT INTO t VALUES (NULLS);", None),
            ("INSERT INTO t VALUES ('a' 'b');", None),
            ("INSERT INTO t VALUES ('a);", None),
            ("INSERT INTO t SELECT 1;", None),
            ("INSERT INTO  VALUES (1);", None),
            ("INSERT INTO t VALUES ();", None),
            ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING;", None),
        ] {
            let found = insert(line.as_bytes());
            assert_eq!(found, table.map(str::as_bytes), "{line}");
            if found.is_some() {
                let slowly = read(line.as_bytes(), TextSource::Script, &[]);
                let kinds: Vec<_> = slowly.iter().map(|one| one.kind.name()).collect();
                assert_eq!(kinds, ["write"], "{line}");
            }
        }
    }
}
