//! Rules: which invocations they match, and what they then ask for.

pub mod examples;
#[allow(clippy::pedantic)] // shared with build.rs
pub mod format;
pub mod glob;
mod load;
mod matching;

use crate::preview::Loss;
use crate::tools::Tool;
use crate::verdict::Effect;

pub use load::{Broken, load, parse};
pub use matching::{Candidate, Facts, matching};

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, `tool.what`.
    pub id: &'static str,
    /// The tool it is about.
    pub tool: &'static str,
    /// Globs for the verb's first words.
    pub verb: &'static [&'static str],
    /// Any of these flags (all empty lists mean: no condition).
    pub any_flag: &'static [&'static str],
    /// All of these flags.
    pub all_flags: &'static [&'static str],
    /// None of these flags.
    pub no_flag: &'static [&'static str],
    /// Any of these flags with a value that fits the glob.
    pub flag_value: &'static [(&'static str, &'static str)],
    /// Any operand fits one of these globs.
    pub operand: &'static [&'static str],
    /// Any operand matches this regular expression.
    pub operand_regex: Option<&'static str>,
    /// Any operand lies in one of these places.
    pub path: &'static [&'static str],
    /// Any SQL statement is of one of these kinds.
    pub statement: &'static [&'static str],
    /// What the operation does, in the words of the tool's table.
    pub operation: &'static [&'static str],
    /// The command points at one of these environments.
    pub environment: &'static [&'static str],
    /// What it works on carries one of these tags, with a value that fits the glob.
    pub tag: &'static [(&'static str, &'static str)],
    /// The preview measured more than this of something.
    pub loss: &'static [(&'static str, f64)],
    /// What it asks for.
    pub effect: Effect,
    /// It asks even when the preview measures no loss.
    pub always: bool,
    /// How many different people have to approve.
    pub approvals: u32,
    /// Why, as the end of "… because it …".
    pub reason: &'static str,
    /// A safer command.
    pub safer: &'static str,
    /// Commands that it matches.
    pub examples: &'static [&'static str],
    /// Commands that it does not match.
    pub counterexamples: &'static [&'static str],
    /// From a user's file.
    pub by_user: bool,
}

/// Kinds of places, as lists of directories and globs.
#[derive(Debug, Clone, Copy)]
pub struct PlaceLists<'a> {
    /// Directories that belong to every workspace.
    pub workspace: &'a [&'a str],
    /// Directories whose entries are scratch.
    pub scratch: &'a [&'a str],
    /// Globs for names that can be made again.
    pub disposable: &'a [&'a str],
    /// Paths that nothing may delete.
    pub protected: &'a [&'a str],
}

/// Budgets.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Seconds that one preview may take.
    pub preview_seconds: f64,
    /// Seconds that a terraform plan may take.
    pub plan_seconds: f64,
    /// Seconds that looking around in a cluster may take.
    pub cluster_seconds: f64,
    /// Seconds that a question stays open.
    pub person_seconds: f64,
    /// Wrong phrases before the answer is no.
    pub person_tries: u32,
    /// Seconds that a blocked command waits for an approval from elsewhere.
    pub wait_seconds: f64,
    /// Seconds that a request waits for its answer.
    pub request_seconds: f64,
    /// Seconds that an approval is good for.
    pub grant_seconds: f64,
}

impl Limits {
    /// Seconds that a preview for this tool may take.
    pub fn preview_seconds_of(&self, tool: Tool) -> f64 {
        match tool.family() {
            Tool::Terraform => self.plan_seconds,
            Tool::Kubectl => self.cluster_seconds,
            _ => self.preview_seconds,
        }
    }
}

/// What is saved before a command destroys it, and how long it is kept.
#[derive(Debug, Clone, Copy)]
pub struct BackupLimits {
    /// The most bytes that one command's backup may hold.
    pub bytes: u64,
    /// The most files.
    pub files: u64,
    /// Seconds that saving may take.
    pub seconds: f64,
    /// Days that a backup is kept.
    pub days: f64,
    /// Bytes that all backups may take together.
    pub store_bytes: u64,
    /// Where backups lie; in the state directory without.
    pub store: Option<&'static str>,
    /// A file of variables for the engine that keeps them.
    pub credentials: Option<&'static str>,
    /// Whom they are encrypted to.
    pub recipient: Option<&'static str>,
}

impl BackupLimits {
    /// Whether nothing is saved at all: what would be lost is asked about.
    pub fn is_off(&self) -> bool {
        self.files == 0 || self.bytes == 0
    }
}

/// What the rules say about terraform's resources.
#[derive(Debug, Clone, Copy, Default)]
pub struct Infrastructure<'a> {
    /// Types that hold data, as globs.
    pub data: &'a [&'a str],
    /// `TYPE.ATTRIBUTE`: a change of the attribute in place can lose data; the type is a glob. With
    /// a `!` at its end any change can, also one from nothing.
    pub losing: &'a [&'a str],
}

/// A name for what commands point at.
#[derive(Debug, Clone, Copy)]
pub struct EnvironmentName<'a> {
    /// The name.
    pub name: &'a str,
    /// Words that say so.
    pub words: &'a [&'a str],
}

/// A loss up to which a rule does not ask.
#[derive(Debug, Clone)]
pub struct Allowance {
    /// The rule.
    pub rule: &'static str,
    /// The most of each measure that may be lost.
    pub loss: Vec<(&'static str, f64)>,
    /// The environments in which it holds; empty: wherever nothing points at production.
    pub environment: Vec<&'static str>,
}

impl Allowance {
    /// Whether a measured loss stays within it, in an environment of this name. What it does not
    /// name must not be lost at all, and in production it never holds.
    pub fn covers(&self, loss: &Loss, environment: Option<&str>) -> bool {
        let here = match environment {
            Some("production") => false,
            Some(name) => self.environment.is_empty() || self.environment.contains(&name),
            None => self.environment.is_empty(),
        };
        let named = |measure: &str| self.loss.iter().any(|(name, _)| *name == measure);
        here && loss.parts.iter().all(|part| {
            let measure = part.measure.name();
            named(measure) || (measure == "rows" && named("rows-percent"))
        }) && self
            .loss
            .iter()
            .all(|(measure, most)| loss.level(measure) <= *most)
    }
}

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
    added: Vec<&'static Rule>,
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
    pub fn added_tools(&self) -> impl Iterator<Item = &'static str> {
        self.added
            .iter()
            .map(|rule| rule.tool)
            .filter(|tool| crate::tools::Tool::known(tool.as_ref()).is_none())
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
    fn possible(&self, tool: Tool, verb: &str) -> impl Iterator<Item = &'static Rule> {
        let family = tool.family().name();
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
