//! Rules and what else a rules file says, as they are used.

use guard_words::Effect;

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
