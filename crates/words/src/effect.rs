//! What a rule asks for.

/// What a rule asks for, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Run it.
    Allow,
    /// Save what would be lost, then run it.
    Backup,
    /// Ask a person.
    Confirm,
    /// Never.
    Deny,
}

impl Effect {
    /// All of them, the mildest first.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Backup, Self::Confirm, Self::Deny];

    /// Whether it asks for something before the command runs.
    pub fn asks(self) -> bool {
        matches!(self, Self::Backup | Self::Confirm)
    }

    /// The word that rules and JSON use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Backup => "backup",
            Self::Confirm => "confirm",
            Self::Deny => "deny",
        }
    }

    /// The effect of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.name() == name)
    }
}
