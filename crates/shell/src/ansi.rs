//! `$'…'` strings.

use super::grammar::TextReader;
use super::session::Reading;
use super::word::Build;

impl TextReader<'_, '_, '_> {
    /// `$'…'` (Bash Reference Manual 3.1.2.4)
    pub(super) fn ansi_quoted(&mut self, build: &mut Build) -> Reading {
        self.pos += 2;
        let mut text = Vec::new();
        loop {
            let Some(byte) = self.peek() else {
                return self.fail("a `$'` quote is not closed");
            };
            self.pos += 1;
            match byte {
                b'\'' => break,
                b'\\' => self.ansi_escape(&mut text),
                byte => text.push(byte),
            }
        }
        // A NUL ends the string.
        let end = text.iter().position(|b| *b == 0).unwrap_or(text.len());
        build.quote(text.get(..end).unwrap_or_default());
        Ok(())
    }

    /// One escape of `$'…'`, after its backslash.
    fn ansi_escape(&mut self, text: &mut Vec<u8>) {
        let Some(byte) = self.peek() else { return };
        self.pos += 1;
        let simple = match byte {
            b'a' => 7,
            b'b' => 8,
            b'e' | b'E' => 27,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' | b'\'' | b'"' | b'?' => byte,
            b'c' => {
                let control = self.peek().map_or(0, |b| b.to_ascii_uppercase() ^ 64);
                self.pos = (self.pos + 1).min(self.src.len());
                control & 0x7f
            }
            b'0'..=b'7' => {
                self.pos -= 1;
                self.number(8, 3).map_or(0, low_byte)
            }
            b'x' => match self.number(16, 2) {
                Some(value) => low_byte(value),
                None => return text.extend_from_slice(b"\\x"),
            },
            b'u' | b'U' => {
                let digits = if byte == b'u' { 4 } else { 8 };
                match self.number(16, digits) {
                    Some(code) => {
                        let code = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                        text.extend_from_slice(code.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    None => text.extend_from_slice(&[b'\\', byte]),
                }
                return;
            }
            _ => return text.extend_from_slice(&[b'\\', byte]),
        };
        text.push(simple);
    }

    /// Up to `most` digits in `base`.
    fn number(&mut self, base: u32, most: usize) -> Option<u32> {
        let mut value = None;
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|b| char::from(b).to_digit(base)) else {
                break;
            };
            value = Some(value.unwrap_or(0_u32).wrapping_mul(base) + digit);
            self.pos += 1;
        }
        value
    }
}

/// The low eight bits, as bash keeps of `\777`.
fn low_byte(value: u32) -> u8 {
    u8::try_from(value & 0xff).unwrap_or(0)
}
