//! The arguments of psql's backslash commands (`psqlscanslash.l`; man psql,
//! "Meta-Commands").

use super::lexer::{is_space, run_end};
use super::scan::{Form, variable};
use super::variables::Variables;

/// One argument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Argument {
    pub(super) value: Vec<u8>,
    /// The value is not known: it holds backticks or a variable that is not
    /// known.
    pub(super) unknown: bool,
}

/// What stands between a command's name and its end.
#[derive(Debug, Default)]
pub(super) struct SlashArguments {
    pub(super) list: Vec<Argument>,
    /// The offset at which the command ends, past a `\\`.
    pub(super) end: usize,
    /// The first shell command in backticks.
    pub(super) backticks: Option<Vec<u8>>,
    /// A quote does not end.
    pub(super) broken: bool,
}

/// Where the name of the command at `at`, past its backslash, ends.
pub(super) fn name_end(text: &[u8], at: usize) -> usize {
    run_end(text, at, |byte| !is_space(byte) && byte != b'\\')
}

/// Reads arguments from `at` to the next unquoted backslash or the end of the
/// text. With `pipes`, an argument that begins with `|` is the whole rest.
pub(super) fn arguments(
    text: &[u8],
    at: usize,
    pipes: bool,
    variables: &mut Variables,
) -> SlashArguments {
    let mut found = SlashArguments::default();
    let mut at = run_end(text, at, is_space);
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => {
                let double = text.get(at + 1) == Some(&b'\\');
                at += if double { 2 } else { 0 };
                break;
            }
            b'|' if pipes => {
                let value = text.get(at..).unwrap_or_default().to_vec();
                let unknown = false;
                found.list.push(Argument { value, unknown });
                at = text.len();
            }
            _ => at = argument(text, at, &mut found, variables),
        }
        at = run_end(text, at, is_space);
    }
    found.end = at;
    found
}

fn argument(
    text: &[u8],
    mut at: usize,
    found: &mut SlashArguments,
    variables: &mut Variables,
) -> usize {
    let mut argument = Argument::default();
    while let Some(byte) = text.get(at).copied() {
        match byte {
            b'\\' => break,
            _ if is_space(byte) => break,
            b'\'' => at = quoted(text, at + 1, &mut argument.value, found),
            b'"' | b'`' => {
                let end = run_end(text, at + 1, |other| other != byte);
                found.broken |= end >= text.len();
                let inside = text.get(at + 1..end).unwrap_or_default();
                if byte == b'`' {
                    found.backticks.get_or_insert_with(|| inside.to_vec());
                    argument.unknown = true;
                } else {
                    // These quotes stay: they quote SQL, not the argument.
                    let whole = text.get(at..=end).unwrap_or(inside);
                    argument.value.extend_from_slice(whole);
                }
                at = end + 1;
            }
            b':' => at = colon(text, at, &mut argument, variables),
            _ => {
                argument.value.push(byte);
                at += 1;
            }
        }
    }
    found.list.push(argument);
    at.min(text.len())
}

fn colon(text: &[u8], at: usize, argument: &mut Argument, variables: &mut Variables) -> usize {
    let Some((form, start, end, past)) = variable(text, at) else {
        argument.value.push(b':');
        return at + 1;
    };
    let name = text.get(start..end).unwrap_or_default();
    let value = match form {
        Form::Plain => variables.get(name),
        Form::Literal => variables.quoted(name, b'\''),
        Form::Identifier => variables.quoted(name, b'"'),
        Form::Test if variables.is_known(name) => Some(b"TRUE".to_vec()),
        Form::Test => None,
    };
    if let Some(value) = value {
        argument.value.extend_from_slice(&value);
    } else {
        argument.unknown = true;
        let written = text.get(at..past).unwrap_or_default();
        argument.value.extend_from_slice(written);
    }
    past
}

/// Reads on inside `'…'`, with `''` and C's escapes.
fn quoted(text: &[u8], mut at: usize, value: &mut Vec<u8>, found: &mut SlashArguments) -> usize {
    while let Some(byte) = text.get(at).copied() {
        let next = text.get(at + 1).copied().unwrap_or(0);
        match byte {
            b'\'' if next == b'\'' => {
                value.push(b'\'');
                at += 2;
            }
            b'\'' => return at + 1,
            b'\\' => at = escape(text, at + 1, value),
            _ => {
                value.push(byte);
                at += 1;
            }
        }
    }
    found.broken = true;
    at
}

/// One escape, past its backslash.
fn escape(text: &[u8], at: usize, value: &mut Vec<u8>) -> usize {
    let digits = |from: usize, most: usize, base: u32| {
        let mut number = 0_u32;
        let mut end = from;
        while end < from + most {
            let digit = text
                .get(end)
                .and_then(|byte| char::from(*byte).to_digit(base));
            let Some(digit) = digit else { break };
            number = number * base + digit;
            end += 1;
        }
        (end, u8::try_from(number & 0xff).unwrap_or(0))
    };
    let plain = match text.get(at) {
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'b') => 0x08,
        Some(b'r') => b'\r',
        Some(b'f') => 0x0c,
        Some(b'0'..=b'7') => {
            let (end, byte) = digits(at, 3, 8);
            value.push(byte);
            return end;
        }
        Some(b'x') => {
            let (end, byte) = digits(at + 1, 2, 16);
            value.push(if end > at + 1 { byte } else { b'x' });
            return end.max(at + 1);
        }
        Some(other) => *other,
        None => return at,
    };
    value.push(plain);
    at + 1
}
