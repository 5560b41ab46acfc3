//! The checked, compiled form of a user's rules, kept beside what it was made from.
//!
//! Checking a file means judging every example of every rule, and reading it means TOML: both for a
//! content that is new, and never again. What is kept is bound to the content (it holds a copy), to the
//! program that checked it (its version, size and time), and to the owner of the rules: a file of another
//! user, or one that others may write, is not there for guard. Rules are read from it one by one, when a
//! command of their tool and verb comes.

use std::fs::{File, Metadata};
use std::hash::{DefaultHasher, Hasher as _};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::OnceLock;

use guard_core::rule::{Rule, Texts};
use guard_ground::install::Places;
use guard_ground::{atomic, glob};
use serde::{Deserialize, Serialize};

use crate::rules::{Rules, Settings};

/// The name of the kept form.
const NAME: &str = "rules.checked";
/// The form of the file that this guard writes.
const FORM: u32 = 1;
/// It is never larger than a few times the largest file of rules.
const MOST: u64 = 8 << 20;

/// Where the form of these places is kept. Rules that root has locked have theirs beside them, so that
/// nobody else's can take its place.
fn file(places: &Places) -> Option<PathBuf> {
    let directory = if places.is_locked() {
        places.config.as_ref()
    } else {
        places.state.as_ref()
    };
    directory.map(|directory| directory.join(NAME))
}

/// The first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    form: u32,
    version: String,
    /// Size and time of the program that checked the rules.
    program: (u64, i64, i64),
    /// Bytes of the copy of the rules.
    source: usize,
    /// A hash of everything behind the copy. It tells a torn file, not a forged one.
    hash: u64,
}

impl Head {
    fn of(source: &str, compiled: &[u8]) -> Option<Self> {
        let program = std::fs::metadata("/proc/self/exe").ok()?;
        let mut hasher = DefaultHasher::new();
        hasher.write(compiled);
        Some(Self {
            form: FORM,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            program: (program.size(), program.mtime(), program.mtime_nsec()),
            source: source.len(),
            hash: hasher.finish(),
        })
    }
}

/// One rule of the user's, read from its text when it is first needed.
#[derive(Debug)]
pub struct AddedRule {
    tool: String,
    /// The pattern of the first word of the verb; empty for any.
    verb: String,
    text: String,
    rule: OnceLock<Option<Arc<Rule>>>,
}

impl AddedRule {
    /// A rule that was read from a rules file.
    pub(crate) fn new(rule: Rule) -> Self {
        Self {
            tool: rule.tool.to_string(),
            verb: first_word(&rule).to_owned(),
            text: String::new(),
            rule: OnceLock::from(Some(Arc::new(rule))),
        }
    }

    /// The tool that it is about.
    pub(crate) fn tool(&self) -> &str {
        &self.tool
    }

    /// Whether it may match a command with this first verb word.
    pub(crate) fn is_about(&self, tool: &str, verb: &str) -> bool {
        self.tool == tool && (self.verb.is_empty() || glob::matches(&self.verb, verb.as_bytes()))
    }

    /// The rule. Its text was written by this very program and is whole, so it can be read.
    pub(crate) fn rule(&self) -> Option<&Arc<Rule>> {
        self.rule
            .get_or_init(|| serde_json::from_str(&self.text).ok().map(Arc::new))
            .as_ref()
    }
}

/// The pattern of the first word of a rule's verb; empty for any.
fn first_word(rule: &Rule) -> &str {
    rule.verb.first().map_or("", |word| word)
}

/// What was kept for this content of a rules file that `owner` owns; `None` when nothing was that holds.
pub(crate) fn kept(places: &Places, source: &str, owner: u32) -> Option<Rules> {
    let mut bytes = Vec::new();
    let opened = File::open(file(places)?).ok()?;
    let metadata = opened.metadata().ok()?;
    if !is_trusted(&metadata, owner) {
        return None;
    }
    opened.take(MOST).read_to_end(&mut bytes).ok()?;
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (head, rest) = (bytes.get(..end)?, bytes.get(end + 1..)?);
    let (copy, compiled) = rest.split_at_checked(source.len())?;
    if copy != source.as_bytes()
        || serde_json::from_slice::<Head>(head).ok()? != Head::of(source, compiled)?
    {
        return None;
    }
    let text = std::str::from_utf8(compiled).ok()?;
    let mut lines = text.lines();
    let settings = match lines.next()? {
        "" => Settings::defaults(),
        text => serde_json::from_str(text).ok()?,
    };
    let mut added = Vec::new();
    for line in lines {
        let mut parts = line.splitn(3, '\t');
        let mut part = || parts.next().map(str::to_owned);
        added.push(AddedRule {
            tool: part()?,
            verb: part()?,
            text: part()?,
            rule: OnceLock::new(),
        });
    }
    Some(Rules::new(settings, added))
}

/// A plain file of the same owner as the rules that nobody else may write.
fn is_trusted(metadata: &Metadata, owner: u32) -> bool {
    metadata.is_file() && metadata.uid() == owner && metadata.mode() & 0o022 == 0
}

/// Keeps what a file with this content says, as well as it can be done: without it the next command checks
/// the rules again.
pub(crate) fn keep(places: &Places, source: &str, owner: u32, rules: &Rules) {
    let Some(file) = file(places) else {
        return;
    };
    if owner != rustix::process::geteuid().as_raw() {
        return;
    }
    if let Some(text) = text(source, rules) {
        let directory = file.parent().unwrap_or(Path::new("/"));
        let _ = atomic::make_directory(directory).and_then(|()| atomic::put(&file, &text));
    }
}

/// The whole file.
fn text(source: &str, rules: &Rules) -> Option<Vec<u8>> {
    let mut compiled = serde_json::to_vec(&rules.settings).ok()?;
    if compiled == serde_json::to_vec(&Settings::defaults()).ok()? {
        compiled.clear();
    }
    compiled.push(b'\n');
    for added in rules.added() {
        let verb = first_word(added);
        // Examples have done what they are for.
        let short = Rule {
            examples: Texts::default(),
            counterexamples: Texts::default(),
            ..Rule::clone(added)
        };
        let line = serde_json::to_string(&short).ok()?;
        if [&*added.tool, verb]
            .iter()
            .any(|text| text.contains(['\t', '\n']))
        {
            return None;
        }
        compiled.extend(format!("{}\t{verb}\t{line}\n", added.tool).into_bytes());
    }
    let mut whole = serde_json::to_vec(&Head::of(source, &compiled)?).ok()?;
    whole.push(b'\n');
    whole.extend(source.as_bytes());
    whole.extend(compiled);
    Some(whole)
}
