//! Bytes of paths, names and arguments in JSON, without loss: as text where they are text, else in
//! hexadecimal digits. There are two forms of these, because older guards read what newer ones write: a
//! NUL, which no path holds, before the digits, in backups ([`Bytes`]), and `{"hex": "…"}` in requests,
//! grants and plans ([`Exact`]). Both are read everywhere.

use std::ffi::{OsStr, OsString};
use std::fmt::Formatter;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::hex;

/// Bytes that are usually text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// As a path.
    pub fn path(&self) -> &Path {
        Path::new(self.os())
    }

    /// As the system's text.
    pub fn os(&self) -> &OsStr {
        OsStr::from_bytes(&self.0)
    }

    /// For a screen.
    pub fn shown(&self) -> String {
        crate::sanitize::bytes(&self.0)
    }
}

impl From<PathBuf> for Bytes {
    fn from(path: PathBuf) -> Self {
        Self(path.into_os_string().into_vec())
    }
}

impl From<&Path> for Bytes {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }
}

impl From<OsString> for Bytes {
    fn from(text: OsString) -> Self {
        Self(text.into_vec())
    }
}

/// Arguments, variables and paths in requests, grants and plans: as [`Bytes`], but what is no text is
/// written as `{"hex": "…"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exact(pub OsString);

impl From<&OsStr> for Exact {
    fn from(text: &OsStr) -> Self {
        Self(text.to_owned())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) if !text.starts_with('\0') => serializer.serialize_str(text),
            _ => serializer.serialize_str(&format!("\0{}", hex(&self.0))),
        }
    }
}

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_map([("hex", hex(self.0.as_bytes()))]),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Bytes(bytes) = Bytes::deserialize(deserializer)?;
        Ok(Self(OsString::from_vec(bytes)))
    }
}

/// Reads both forms.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Bytes;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("text, or bytes in hexadecimal digits")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
        match text.strip_prefix('\0') {
            None => Ok(Bytes(text.as_bytes().to_vec())),
            Some(digits) => digits_of(digits),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bytes, A::Error> {
        match map.next_entry::<String, String>()? {
            Some((name, digits)) if name == "hex" => digits_of(&digits),
            _ => Err(A::Error::custom("these are no hexadecimal digits")),
        }
    }
}

fn digits_of<E: Error>(digits: &str) -> Result<Bytes, E> {
    unhex(digits)
        .map(Bytes)
        .ok_or_else(|| E::custom("these are no hexadecimal digits"))
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn any_bytes_come_back() {
        for bytes in [
            &b""[..],
            b"plain/name",
            "ümlaut\n\t\"".as_bytes(),
            b"\xff\xfe/\x01",
            b"\0starts with a NUL",
        ] {
            let json = serde_json::to_string(&Bytes(bytes.to_vec())).unwrap();
            let back: Bytes = serde_json::from_str(&json).unwrap();
            assert_eq!(back.0, bytes, "{json}");
        }
        for wrong in [
            r#""\u0000xy""#,
            r#""\u0000f""#,
            r#"{"hex":"f"}"#,
            r#"{"hex":"ff","more":"ff"}"#,
            r#"{"text":"ff"}"#,
            "{}",
            "7",
        ] {
            assert!(serde_json::from_str::<Bytes>(wrong).is_err(), "{wrong}");
            assert!(serde_json::from_str::<Exact>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn both_forms_are_read_and_each_is_written_as_ever() {
        for (bytes, as_bytes, as_exact) in [
            (&b"plain"[..], r#""plain""#, r#""plain""#),
            (b"", r#""""#, r#""""#),
            (b"caf\xe9", r#""\u0000636166e9""#, r#"{"hex":"636166e9"}"#),
            (b"\xff\x00\n", r#""\u0000ff000a""#, r#"{"hex":"ff000a"}"#),
        ] {
            let exact = Exact(OsStr::from_bytes(bytes).to_owned());
            assert_eq!(
                serde_json::to_string(&Bytes(bytes.to_vec())).unwrap(),
                as_bytes
            );
            assert_eq!(serde_json::to_string(&exact).unwrap(), as_exact);
            for json in [as_bytes, as_exact] {
                assert_eq!(serde_json::from_str::<Bytes>(json).unwrap().0, bytes);
                assert_eq!(serde_json::from_str::<Exact>(json).unwrap(), exact);
            }
        }
    }
}
