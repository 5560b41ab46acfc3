//! Arguments and paths in JSON, without loss: text where they are UTF-8, else `{"hex": "…"}`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use serde::{Deserialize, Serialize};

/// An argument, a path or a variable's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Exact(pub OsString);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Bytes { hex: String },
}

impl From<Exact> for Written {
    fn from(exact: Exact) -> Self {
        match exact.0.into_string() {
            Ok(text) => Self::Text(text),
            Err(bytes) => Self::Bytes {
                hex: guard_ground::digest::hex(bytes.as_bytes()),
            },
        }
    }
}

impl From<Written> for Exact {
    fn from(written: Written) -> Self {
        Self(match written {
            Written::Text(text) => text.into(),
            Written::Bytes { hex } => OsString::from_vec(unhex(&hex)),
        })
    }
}

impl From<&OsStr> for Exact {
    fn from(text: &OsStr) -> Self {
        Self(text.to_owned())
    }
}

/// The bytes of hexadecimal digits; what is none is left out.
fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks_exact(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn there_and_back() {
        for bytes in [&b"plain"[..], b"", b"caf\xe9", b"\xff\x00\n"] {
            let exact = Exact(OsStr::from_bytes(bytes).to_owned());
            let text = serde_json::to_string(&exact).unwrap();
            assert_eq!(
                serde_json::from_str::<Exact>(&text).unwrap(),
                exact,
                "{text}"
            );
        }
        assert_eq!(
            serde_json::to_string(&Exact(OsStr::from_bytes(b"\xff").to_owned())).unwrap(),
            r#"{"hex":"ff"}"#
        );
    }
}
