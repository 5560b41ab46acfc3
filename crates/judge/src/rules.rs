//! All rules that hold: the default ones, compiled in, and the user's.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use guard_core::rule::{EnvironmentName, Infrastructure, Limits, PlaceLists, Rule, RuleRef};
use guard_store::limits::BackupLimits;
use guard_words::Effect;
use serde::{Deserialize, Serialize};

use crate::allowance::Allowance;
use crate::checked::AddedRule;
use crate::load::Broken;

/// Which default rules of a tool can match a command, by its first verb word; sorted for binary search.
struct IndexEntry {
    tool: &'static str,
    verbs: &'static [(&'static str, &'static [u16])],
    /// For all other verbs.
    any: &'static [u16],
}

include!(concat!(env!("OUT_DIR"), "/default_rules.rs"));

/// Everything in rules files but the rules themselves: the defaults, and what the user adds to them.
#[derive(Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Places, defaults first.
    pub places: PlaceLists,
    /// Budgets.
    pub limits: Limits,
    /// What is saved, and how long it is kept.
    pub backup: BackupLimits,
    /// What holds data in terraform, defaults first.
    pub infrastructure: Infrastructure,
    /// Environments, defaults first.
    pub environments: Vec<EnvironmentName>,
    /// A command that tells the person of a request; nothing without one.
    pub notify: Vec<String>,
    /// Programs that are a person's terminals, besides those that guard knows.
    pub terminals: Vec<String>,
    /// Losses that rules need not ask about; the user's.
    pub allowances: Vec<Allowance>,
}

impl Settings {
    /// The default ones.
    pub fn defaults() -> Self {
        Self {
            places: DEFAULT_PLACES,
            limits: DEFAULT_LIMITS,
            backup: DEFAULT_BACKUP,
            infrastructure: DEFAULT_INFRASTRUCTURE,
            environments: DEFAULT_ENVIRONMENTS.to_vec(),
            notify: Vec::new(),
            terminals: Vec::new(),
            allowances: Vec::new(),
        }
    }
}

/// Everything that rules files say: the default one, compiled in, and the user's.
#[derive(Debug)]
pub struct Rules {
    /// The user's rules.
    added: Vec<AddedRule>,
    /// The rest.
    pub settings: Settings,
    /// What is wrong with the user's file; its rules then do not count.
    pub broken: Option<Broken>,
}

impl Deref for Rules {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

impl DerefMut for Rules {
    fn deref_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }
}

impl Rules {
    /// The default rules alone.
    pub fn defaults() -> Self {
        Self::new(Settings::defaults(), Vec::new())
    }

    /// The default rules and these.
    pub(crate) fn new(settings: Settings, added: Vec<AddedRule>) -> Self {
        Self {
            added,
            settings,
            broken: None,
        }
    }

    /// Adds a rule of the user's.
    pub(crate) fn add(&mut self, rule: Rule) {
        self.added.push(AddedRule::new(rule));
    }

    /// Names of tools that a user's rules name. They may be those of tools that guard knows, of which the
    /// toolbox is asked first.
    pub fn added_tools(&self) -> impl Iterator<Item = &str> {
        self.added.iter().map(AddedRule::tool)
    }

    /// All rules: the default ones, then the user's.
    pub fn all(&self) -> impl Iterator<Item = RuleRef> {
        let added = self.added().map(|rule| RuleRef::User(Arc::clone(rule)));
        DEFAULT_RULES.iter().map(RuleRef::Default).chain(added)
    }

    /// The user's rules. Without their examples where these were checked before.
    pub fn added(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.added.iter().filter_map(AddedRule::rule)
    }

    /// The rules that an invocation of `tool`, or of its family, with this first verb word may match.
    pub(crate) fn possible(
        &self,
        tool: &str,
        family: &str,
        verb: &str,
    ) -> impl Iterator<Item = RuleRef> {
        let defaults = DEFAULT_INDEX
            .iter()
            .find(|entry| entry.tool == family)
            .map(|entry| {
                let at = entry.verbs.binary_search_by(|(word, _)| (*word).cmp(verb));
                let own = at.ok().and_then(|at| entry.verbs.get(at));
                own.map_or(entry.any, |(_, rules)| *rules)
            })
            .unwrap_or_default()
            .iter()
            .filter_map(|at| DEFAULT_RULES.get(usize::from(*at)));
        let added = self
            .added
            .iter()
            .filter(move |added| added.is_about(tool, verb))
            .filter_map(AddedRule::rule);
        defaults
            .map(RuleRef::Default)
            .chain(added.map(|rule| RuleRef::User(Arc::clone(rule))))
    }
}
