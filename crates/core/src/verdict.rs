//! What guard decides, and why.

use crate::environment::Environment;
use crate::instead::Instead;
use crate::place::Placed;
use crate::preview::Preview;
use crate::rule::RuleRef;
use guard_words::Effect;

/// The decision about one invocation, with all of its reasons.
#[derive(Debug)]
#[must_use]
pub struct Verdict {
    /// What happens.
    pub effect: Effect,
    /// The rules that matched, the strictest first.
    pub rules: Vec<RuleRef>,
    /// Where its operands lie, for tools that delete paths.
    pub places: Vec<Placed>,
    /// What it points at.
    pub environment: Option<Environment>,
    /// What it would destroy.
    pub preview: Preview,
    /// What a reader should know besides.
    pub notes: Vec<String>,
}

impl Verdict {
    /// Nothing to decide.
    pub fn harmless() -> Self {
        Self {
            effect: Effect::Allow,
            rules: Vec::new(),
            places: Vec::new(),
            environment: None,
            preview: Preview::Skipped,
            notes: Vec::new(),
        }
    }

    /// What runs in place of the command.
    pub fn instead(&self) -> Option<&Instead> {
        self.preview.loss()?.instead.as_ref()
    }

    /// How many different people have to approve it.
    pub fn approvals(&self) -> u32 {
        let asking = self
            .rules
            .iter()
            .filter(|rule| rule.effect >= Effect::Backup);
        asking.map(|rule| rule.approvals).max().unwrap_or(1)
    }

    /// Both together: the stricter effect, every reason.
    pub fn and(mut self, other: Self) -> Self {
        self.effect = self.effect.max(other.effect);
        self.rules.extend(other.rules);
        self.rules
            .sort_by_key(|rule| std::cmp::Reverse(rule.effect));
        self.places.extend(other.places);
        self.environment = self.environment.or(other.environment);
        self.preview = self.preview.and(other.preview);
        self.notes.extend(other.notes);
        self
    }
}
