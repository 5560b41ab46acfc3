//! Rules and what else a rules file says, as they are used.
//!
//! The default rules are compiled in, and borrowed; a user's are owned.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use guard_words::Effect;
use serde::{Deserialize, Serialize};

/// A text.
pub type Text = Cow<'static, str>;
/// Texts in order.
pub type Texts = Cow<'static, [Text]>;
/// Names with patterns for their values.
pub type Pairs = Cow<'static, [(Text, Text)]>;
/// Limits by what they limit (see [`guard_words::levels`]).
pub type Levels = Cow<'static, [(Text, f64)]>;

/// One rule.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// Its name, `tool.what`.
    pub id: Text,
    /// The tool it is about.
    pub tool: Text,
    /// Globs for the verb's first words.
    pub verb: Texts,
    /// Any of these flags (all empty lists mean: no condition).
    pub any_flag: Texts,
    /// All of these flags.
    pub all_flags: Texts,
    /// None of these flags.
    pub no_flag: Texts,
    /// Any of these flags with a value that fits the glob.
    pub flag_value: Pairs,
    /// Any operand fits one of these globs.
    pub operand: Texts,
    /// Any operand matches this regular expression.
    pub operand_regex: Option<Pattern>,
    /// Any operand lies in one of these places.
    pub path: Texts,
    /// Any SQL statement is of one of these kinds.
    pub statement: Texts,
    /// What the operation does, in the words of the tool's table.
    pub operation: Texts,
    /// The command points at one of these environments.
    pub environment: Texts,
    /// What it works on carries one of these tags, with a value that fits the glob.
    pub tag: Pairs,
    /// The preview measured more than this of something.
    pub loss: Levels,
    /// What it asks for.
    #[serde(with = "effect_name")]
    pub effect: Effect,
    /// It asks even when the preview measures no loss.
    pub always: bool,
    /// How many different people have to approve.
    pub approvals: u32,
    /// Why, as the end of "… because it …".
    pub reason: Text,
    /// A safer command.
    pub safer: Text,
    /// Commands that it matches.
    pub examples: Texts,
    /// Commands that it does not match.
    pub counterexamples: Texts,
    /// From a user's file.
    pub by_user: bool,
}

/// A regular expression, compiled when it is first asked, which is when every cheaper matcher of its rule
/// has matched.
#[derive(Debug, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Pattern {
    text: Text,
    compiled: OnceLock<Option<regex::bytes::Regex>>,
}

impl Pattern {
    /// A pattern of the default rules.
    pub const fn fixed(text: &'static str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            compiled: OnceLock::new(),
        }
    }

    /// Whether some part of these bytes fits. One that does not compile fits nothing: a file with such a
    /// pattern is refused when it is read.
    pub fn fits(&self, bytes: &[u8]) -> bool {
        let compiled = self
            .compiled
            .get_or_init(|| regex::bytes::Regex::new(&self.text).ok());
        compiled.as_ref().is_some_and(|regex| regex.is_match(bytes))
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Clone for Pattern {
    fn clone(&self) -> Self {
        Self::from(self.text.to_string())
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self {
            text: Cow::Owned(text),
            compiled: OnceLock::new(),
        }
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text.into_owned()
    }
}

/// A rule, as verdicts hold it.
#[derive(Clone, Debug)]
pub enum RuleRef {
    /// One of the default ones.
    Default(&'static Rule),
    /// One of the user's.
    User(Arc<Rule>),
}

impl Deref for RuleRef {
    type Target = Rule;

    fn deref(&self) -> &Rule {
        match self {
            Self::Default(rule) => rule,
            Self::User(rule) => rule,
        }
    }
}

/// An effect in JSON, by its name.
mod effect_name {
    use guard_words::Effect;
    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    // The signature is serde's.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(effect: &Effect, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(effect.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Effect, D::Error> {
        let name = String::deserialize(from)?;
        Effect::named(&name).ok_or_else(|| D::Error::custom("this is no effect"))
    }
}

/// Kinds of places, as lists of directories and globs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlaceLists {
    /// Directories that belong to every workspace.
    pub workspace: Texts,
    /// Directories whose entries are scratch.
    pub scratch: Texts,
    /// Globs for names that can be made again.
    pub disposable: Texts,
    /// Paths that nothing may delete.
    pub protected: Texts,
}

/// Budgets.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
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

/// What the rules say about terraform's resources.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Infrastructure {
    /// Types that hold data, as globs.
    pub data: Texts,
    /// `TYPE.ATTRIBUTE`: a change of the attribute in place can lose data; the type is a glob. With
    /// a `!` at its end any change can, also one from nothing.
    pub losing: Texts,
}

/// A name for what commands point at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnvironmentName {
    /// The name.
    pub name: Text,
    /// Words that say so.
    pub words: Texts,
}
