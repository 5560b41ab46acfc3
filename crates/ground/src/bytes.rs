//! Bytes of paths and names in JSON: as text where they are text, else as hexadecimal digits behind a
//! NUL, which no path holds.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use serde::de::Error as _;
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

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) if !text.starts_with('\0') => serializer.serialize_str(text),
            _ => serializer.serialize_str(&format!("\0{}", hex(&self.0))),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.strip_prefix('\0') {
            None => Ok(Self(text.into_bytes())),
            Some(digits) => unhex(digits)
                .map(Self)
                .ok_or_else(|| D::Error::custom("these are no hexadecimal digits")),
        }
    }
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
        assert!(serde_json::from_str::<Bytes>("\"\\u0000xy\"").is_err());
        assert!(serde_json::from_str::<Bytes>("\"\\u0000f\"").is_err());
    }
}
