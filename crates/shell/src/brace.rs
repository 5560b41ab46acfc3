//! Brace expansion (Bash Reference Manual 3.5.1), on the raw text of a word.

/// How many words one word may become.
const WORDS: usize = 1024;
/// How long the results may be together, in bytes.
const BYTES: usize = 256 << 10;
/// The longest word that is tried, in bytes.
const SOURCE: usize = 8 << 10;
/// How many opening braces are tried in one word.
const BRACES: usize = 128;
/// How deep braces may nest.
const DEPTH: u32 = 32;

/// What became of a word.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Braces {
    /// It has no brace expression.
    None,
    /// The raw words it becomes.
    Words(Vec<Vec<u8>>),
    /// More than the limits allow.
    TooMany,
}

/// How many bytes of work the braces of a word may take, for the budget.
pub(super) fn cost(raw: &[u8]) -> usize {
    raw.len().min(SOURCE) * count(raw).min(BRACES)
}

fn count(raw: &[u8]) -> usize {
    raw.split(|b| *b == b'{').count() - 1
}

/// Expands the braces of a raw word.
pub(super) fn expand(raw: &[u8]) -> Braces {
    if raw.len() > SOURCE || count(raw) > BRACES {
        return Braces::TooMany;
    }
    if find(raw).is_none() {
        return Braces::None;
    }
    let mut left = BYTES;
    match alternatives(raw, 0, &mut left) {
        Some(words) => Braces::Words(words),
        None => Braces::TooMany,
    }
}

/// A brace expression inside a word.
struct Expression {
    open: usize,
    close: usize,
    /// Where its top-level commas stand; none in a sequence.
    commas: Vec<usize>,
}

/// The words that `raw` stands for, or none when they are too many.
fn alternatives(raw: &[u8], depth: u32, left: &mut usize) -> Option<Vec<Vec<u8>>> {
    if depth > DEPTH {
        return None;
    }
    // The heads grow from left to right, one expression at a time.
    let mut heads = vec![Vec::new()];
    let mut rest = raw;
    while let Some(found) = find(rest) {
        let inside = rest.get(found.open + 1..found.close)?;
        let middles = if found.commas.is_empty() {
            sequence(inside)?.ok()?
        } else {
            let mut middles = Vec::new();
            let mut from = found.open + 1;
            for &to in found.commas.iter().chain([&found.close]) {
                middles.extend(alternatives(rest.get(from..to)?, depth + 1, left)?);
                from = to + 1;
            }
            middles
        };
        if heads.len().checked_mul(middles.len())? > WORDS {
            return None;
        }
        let plain = rest.get(..found.open)?;
        let mut grown = Vec::with_capacity(heads.len() * middles.len());
        for head in &heads {
            for middle in &middles {
                let word = [head, plain, middle].concat();
                *left = left.checked_sub(word.len())?;
                grown.push(word);
            }
        }
        heads = grown;
        rest = rest.get(found.close + 1..)?;
    }
    for head in &mut heads {
        *left = left.checked_sub(rest.len())?;
        head.extend_from_slice(rest);
    }
    Some(heads)
}

/// The first valid brace expression.
fn find(raw: &[u8]) -> Option<Expression> {
    let mut from = 0;
    loop {
        let open = super::skip::walk(raw, from, |byte| byte == b'{');
        if open >= raw.len() {
            return None;
        }
        if let Some(found) = measure(raw, open) {
            return Some(found);
        }
        from = open + 1;
    }
}

/// The expression that opens at `open`, when it is one.
fn measure(raw: &[u8], open: usize) -> Option<Expression> {
    let mut depth = 0_usize;
    let mut commas = Vec::new();
    let mut at = open + 1;
    loop {
        at = super::skip::walk(raw, at, |byte| matches!(byte, b'{' | b'}' | b','));
        match raw.get(at)? {
            b'{' => depth += 1,
            b',' if depth == 0 => commas.push(at),
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    let inside = raw.get(open + 1..at)?;
    (!commas.is_empty() || sequence(inside).is_some()).then_some(Expression {
        open,
        close: at,
        commas,
    })
}

/// A sequence that is longer than the limits allow.
struct TooMany;

/// `1..5`, `a..e`, `01..10..2`. None when it is no sequence.
fn sequence(inside: &[u8]) -> Option<Result<Vec<Vec<u8>>, TooMany>> {
    let text = std::str::from_utf8(inside).ok()?;
    let mut parts = text.split("..");
    let (first, last) = (parts.next()?, parts.next()?);
    let step: i64 = parts.next().map_or(Some(1), |step| step.parse().ok())?;
    if parts.next().is_some() {
        return None;
    }
    if let (Some(first), Some(last)) = (letter(first), letter(last)) {
        let values = steps(i64::from(first), i64::from(last), step).unwrap_or_default();
        let letters = values.into_iter().filter_map(|v| u8::try_from(v).ok());
        return Some(Ok(letters.map(|v| vec![v]).collect()));
    }
    let (from, to): (i64, i64) = (first.parse().ok()?, last.parse().ok()?);
    let width = if padded(first) || padded(last) {
        first.len().max(last.len())
    } else {
        0
    };
    if width > 64 {
        return Some(Err(TooMany));
    }
    Some(match steps(from, to, step) {
        Some(values) => {
            let texts = values.into_iter().map(|v| format!("{v:0width$}"));
            Ok(texts.map(String::into_bytes).collect())
        }
        None => Err(TooMany),
    })
}

/// The values from `from` to `to`, or none when they are too many.
fn steps(from: i64, to: i64, step: i64) -> Option<Vec<i64>> {
    let step = step.unsigned_abs().max(1);
    let count = from.abs_diff(to) / step;
    if count >= u64::try_from(WORDS).ok()? {
        return None;
    }
    let mut values = Vec::new();
    for index in 0..=count {
        let distance = i64::try_from(index.checked_mul(step)?).ok()?;
        values.push(if from <= to {
            from.checked_add(distance)?
        } else {
            from.checked_sub(distance)?
        });
    }
    Some(values)
}

/// A single ASCII letter.
fn letter(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii_alphabetic() => Some(*byte),
        _ => None,
    }
}

/// True for a number written with leading zeros.
fn padded(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    digits.len() > 1 && digits.starts_with('0')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::{Braces, expand};

    #[test]
    fn words() {
        for (raw, expected) in [
            ("a{b,c}d", "abd acd"),
            ("{1..3}", "1 2 3"),
            ("{3..1}", "3 2 1"),
            ("{01..10..4}", "01 05 09"),
            ("{a..e..2}", "a c e"),
            ("{a,b{1,2}}", "a b1 b2"),
            ("{a,b}{c,d}", "ac ad bc bd"),
            ("{{a,b}", "{a {b"),
            ("{}{a,b}", "{}a {}b"),
            ("x{,.bak}", "x x.bak"),
            ("{'a,b',c}", "'a,b' c"),
            ("${X}{a,b}", "${X}a ${X}b"),
        ] {
            let words = match expand(raw.as_bytes()) {
                Braces::Words(words) => words,
                other => panic!("{raw}: {other:?}"),
            };
            let words: Vec<String> = words
                .into_iter()
                .map(|w| String::from_utf8(w).unwrap())
                .collect();
            assert_eq!(words.join(" "), expected, "{raw}");
        }
    }

    #[test]
    fn none() {
        for raw in ["{}", "{a}", "a{b", "'{a,b}'", "{a..}", "${a,b}", "{1..a}"] {
            assert_eq!(expand(raw.as_bytes()), Braces::None, "{raw}");
        }
        for raw in ["{1..9999999}", "{1..100}{1..100}"] {
            assert_eq!(expand(raw.as_bytes()), Braces::TooMany, "{raw}");
        }
    }
}
