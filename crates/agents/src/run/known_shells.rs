//! The shells that guard knows how to keep its shims first in.

/// The shells that guard stands in front of.
pub const SHELLS: [&str; 3] = ["bash", "sh", "dash"];
/// Shells whose own start-up files keep the shims first.
pub const OTHERS: [&str; 2] = ["zsh", "fish"];
