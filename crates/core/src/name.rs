//! The name of a tool.

use std::borrow::Cow;
use std::fmt;

/// The name that a tool's shim carries, and by which messages, requests and backups know it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ToolName(Cow<'static, str>);

impl ToolName {
    /// The name of a tool that guard knows by itself.
    pub const fn known(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// A name that a user's rules, or something written down earlier, say.
    pub fn written(name: &str) -> Self {
        Self(Cow::Owned(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ToolName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl PartialEq<&str> for ToolName {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}
