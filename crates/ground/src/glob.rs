//! Globs over single words: `*`, `?` and `{a,b}`, on bytes, case-sensitive.
//!
//! Written here because it is a few lines: compiling one pattern with `globset` costs more time
//! than everything else that guard does for an allowed command.

/// Whether the whole `text` fits `pattern`.
#[inline]
pub fn matches(pattern: &str, text: &[u8]) -> bool {
    // Most patterns are seen not to fit by their first byte.
    if let Some(first) = pattern.as_bytes().first()
        && !matches!(first, b'*' | b'?' | b'{')
        && text.first() != Some(first)
    {
        return false;
    }
    let mut steps = MAX_STEPS;
    fits(pattern.as_bytes(), None, text, &mut steps)
}

/// A text that makes a pattern try more than this counts as fitting: it may be an agent's, and
/// guard must not be talked out of a rule by making it work hard.
const MAX_STEPS: u32 = 100_000;

/// What of a pattern follows an alternative.
struct Rest<'a> {
    pattern: &'a [u8],
    next: Option<&'a Rest<'a>>,
}

fn fits(pattern: &[u8], next: Option<&Rest<'_>>, text: &[u8], steps: &mut u32) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    loop {
        *steps = steps.saturating_sub(1);
        if *steps == 0 {
            return true;
        }
        match pattern {
            [] => {
                return match next {
                    None => text.is_empty(),
                    Some(rest) => fits(rest.pattern, rest.next, text, steps),
                };
            }
            [b'*'] if next.is_none() => return true,
            [b'*', after @ ..] => return fits_somewhere(after, next, text, steps),
            [b'{', after @ ..] if after.contains(&b'}') => {
                let close = after.iter().position(|byte| *byte == b'}').unwrap_or(0);
                let rest = Rest {
                    pattern: after.get(close + 1..).unwrap_or_default(),
                    next,
                };
                return after
                    .get(..close)
                    .unwrap_or_default()
                    .split(|byte| *byte == b',')
                    .any(|alternative| match (alternative.first(), text.first()) {
                        (Some(b'*' | b'?') | None, _) => {
                            fits(alternative, Some(&rest), text, steps)
                        }
                        (first, found) => {
                            first == found && fits(alternative, Some(&rest), text, steps)
                        }
                    });
            }
            [wanted, after @ ..] => match text {
                [byte, left @ ..] if *wanted == b'?' || wanted == byte => {
                    pattern = after;
                    text = left;
                }
                _ => return false,
            },
        }
    }
}

/// Whether what follows a `*` fits some end of `text`. Most ends are seen not to by their first byte.
fn fits_somewhere(after: &[u8], next: Option<&Rest<'_>>, text: &[u8], steps: &mut u32) -> bool {
    let first = after
        .first()
        .filter(|byte| !matches!(byte, b'*' | b'?' | b'{'));
    (0..=text.len()).any(|from| {
        let end = text.get(from..).unwrap_or_default();
        (first.is_none() || end.first() == first) && fits(after, next, end, steps)
    })
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn words() {
        for (pattern, text, expected) in [
            ("push", "push", true),
            ("push", "pushx", false),
            ("terminate-*", "terminate-instances", true),
            ("terminate-*", "xterminate-", false),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*.pyc", "x.pyc", true),
            ("{delete,remove}-*", "remove-x", true),
            ("{delete,remove}-*", "move-x", false),
            ("+*", "+main:main", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("{a", "{a", true),
            ("", "", true),
        ] {
            assert_eq!(
                matches(pattern, text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn hard_work_ends_and_never_frees() {
        assert!(!matches(&"{a,b}".repeat(30), b"c"));
        assert!(matches(&"*a".repeat(40), "ab".repeat(5_000).as_bytes()));
    }
}
