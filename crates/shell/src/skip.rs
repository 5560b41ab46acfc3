//! Finds where a piece of shell text ends without interpreting it.

/// The longest arithmetic expression, in bytes: unclosed parentheses are not
/// followed further.
const ARITHMETIC: usize = 16 << 10;

/// Walks from `from` over quotes and nested expansions; `stop` sees every
/// unquoted byte outside of them, and the walk ends where it says true.
pub(super) fn walk(source: &[u8], from: usize, mut stop: impl FnMut(u8) -> bool) -> usize {
    let mut closers: Vec<u8> = Vec::new();
    let mut at = from;
    while let Some(&byte) = source.get(at) {
        let top = closers.last().copied();
        let next = source.get(at + 1).copied();
        if byte == b'\\' {
            at += 2;
            continue;
        }
        if top == Some(byte) && byte != b'(' {
            closers.pop();
            at += 1;
            continue;
        }
        let in_double = top == Some(b'"');
        match (byte, next) {
            (b'$', Some(b'\'')) if !in_double => at = single(source, at + 2, true),
            (b'\'', _) if !in_double => at = single(source, at + 1, false),
            (b'$', Some(b'(')) => {
                closers.push(b')');
                at += 2;
            }
            (b'$', Some(b'{')) => {
                closers.push(b'}');
                at += 2;
            }
            (b'<' | b'>', Some(b'(')) if !in_double => {
                closers.push(b')');
                at += 2;
            }
            (b'`', _) => {
                closers.push(b'`');
                at += 1;
            }
            (b'"', _) => {
                closers.push(b'"');
                at += 1;
            }
            _ => {
                if byte == b'(' && top == Some(b')') {
                    closers.push(b')');
                } else if top.is_none() && stop(byte) {
                    return at;
                }
                at += 1;
            }
        }
    }
    source.len()
}

/// The index after the closing quote of a single-quoted string.
fn single(source: &[u8], mut at: usize, escapes: bool) -> usize {
    while let Some(&byte) = source.get(at) {
        match byte {
            b'\\' if escapes => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    source.len()
}

/// Where the line that holds `from` ends, quoted newlines aside.
pub(super) fn line_end(source: &[u8], from: usize) -> usize {
    walk(source, from, |byte| byte == b'\n')
}

/// Where the word that holds `from` ends.
pub(super) fn word_end(source: &[u8], from: usize) -> usize {
    walk(source, from, super::word::ends_word)
}

/// Where the `))` stands that closes an arithmetic `((` before `from`; none
/// when the parentheses close apart, as in `((a); (b))`.
pub(super) fn arithmetic_end(source: &[u8], from: usize) -> Option<usize> {
    let mut open = 0_usize;
    let source = source.get(..from + ARITHMETIC).unwrap_or(source);
    let end = walk(source, from, |byte| match byte {
        b'(' => {
            open += 1;
            false
        }
        b')' if open == 0 => true,
        b')' => {
            open -= 1;
            false
        }
        _ => false,
    });
    (source.get(end) == Some(&b')') && source.get(end + 1) == Some(&b')')).then_some(end)
}
