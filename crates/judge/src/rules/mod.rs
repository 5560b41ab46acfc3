//! Rules: which invocations they match, and what they then ask for.

use crate::allowance::Allowance;
use crate::load::Broken;
use guard_core::rule::{EnvironmentName, Infrastructure, Limits, PlaceLists, Rule};
use guard_store::limits::BackupLimits;
use guard_words::Effect;

/// Which default rules of a tool can match a command, by its first verb word; sorted for binary search.
struct IndexEntry {
    tool: &'static str,
    verbs: &'static [(&'static str, &'static [u16])],
    /// For all other verbs.
    any: &'static [u16],
}

include!(concat!(env!("OUT_DIR"), "/default_rules.rs"));

/// Everything that rules files say: the default one, compiled in, and the user's.
#[derive(Debug)]
pub struct Rules {
    /// The user's rules.
    pub(super) added: Vec<&'static Rule>,
    /// Places, defaults first.
    pub places: PlaceLists<'static>,
    /// Budgets.
    pub limits: Limits,
    /// What is saved, and how long it is kept.
    pub backup: BackupLimits,
    /// What holds data in terraform, defaults first.
    pub infrastructure: Infrastructure<'static>,
    /// Environments, defaults first.
    pub environments: Vec<EnvironmentName<'static>>,
    /// A command that tells the person of a request; nothing without one.
    pub notify: Vec<String>,
    /// Programs that are a person's terminals, besides those that guard knows.
    pub terminals: Vec<&'static str>,
    /// Losses that rules need not ask about; the user's.
    pub allowances: Vec<Allowance>,
    /// What is wrong with the user's file; its rules then do not count.
    pub broken: Option<Broken>,
}

impl Rules {
    /// The default rules alone.
    pub fn defaults() -> Self {
        Self {
            added: Vec::new(),
            places: DEFAULT_PLACES,
            limits: DEFAULT_LIMITS,
            backup: DEFAULT_BACKUP,
            infrastructure: DEFAULT_INFRASTRUCTURE,
            environments: DEFAULT_ENVIRONMENTS.to_vec(),
            notify: Vec::new(),
            terminals: Vec::new(),
            allowances: Vec::new(),
            broken: None,
        }
    }

    /// Names of tools that a user's rules add.
    /// They may be those of tools that guard knows, of which the tools themselves are asked first.
    pub fn added_tools(&self) -> impl Iterator<Item = &'static str> {
        self.added.iter().map(|rule| rule.tool)
    }

    /// All rules: the default ones, then the user's.
    pub fn all(&self) -> impl Iterator<Item = &'static Rule> {
        DEFAULT_RULES.iter().chain(self.added.iter().copied())
    }

    /// The user's rules.
    pub fn added(&self) -> &[&'static Rule] {
        &self.added
    }

    /// The rules that an invocation of `tool` with this first verb word may match.
    pub(super) fn possible(&self, family: &str, verb: &str) -> impl Iterator<Item = &'static Rule> {
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
        defaults.chain(self.added.iter().copied())
    }
}
