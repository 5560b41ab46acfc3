//! The shape of a rules file: read and checked, but for its examples, which need the grammars. The default
//! rules are compiled in by a build script, which reads them with this too.

use guard_words::{Effect, PlaceKind, levels};
use serde::Deserialize;
use toml::Spanned;

/// A whole rules file.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct FileText {
    /// The rules, with their place in the file.
    pub rule: Vec<Spanned<RuleText>>,
    /// Kinds of places.
    pub places: PlacesText,
    /// Limits of previews.
    pub preview: PreviewText,
    /// How a person is asked.
    pub person: PersonText,
    /// What is saved before it is lost.
    pub backup: BackupText,
    /// What terraform's resources hold.
    pub terraform: TerraformText,
    /// Names for what commands point at.
    pub environment: Vec<EnvironmentText>,
    /// Losses that a rule need not ask about.
    pub limit: Vec<Spanned<LimitText>>,
}

/// One rule as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RuleText {
    /// Its name.
    pub id: String,
    /// The tool it is about.
    pub tool: String,
    /// Globs for the verb's words.
    #[serde(default)]
    pub verb: Vec<String>,
    /// Any of these flags.
    #[serde(default)]
    pub any_flag: Vec<String>,
    /// All of these flags.
    #[serde(default)]
    pub all_flags: Vec<String>,
    /// None of these flags.
    #[serde(default)]
    pub no_flag: Vec<String>,
    /// Any of these flags with a value that fits the glob: `--replicas=0`.
    #[serde(default)]
    pub flag_value: Vec<String>,
    /// Any operand fits one of these globs.
    #[serde(default)]
    pub operand: Vec<String>,
    /// Any operand matches this regular expression.
    pub operand_regex: Option<String>,
    /// Any operand lies in one of these places.
    #[serde(default)]
    pub path: Vec<String>,
    /// Any SQL statement is of one of these kinds (globs).
    #[serde(default)]
    pub statement: Vec<String>,
    /// What the operation does, in the words of the tool's table (globs): `delete`.
    #[serde(default)]
    pub operation: Vec<String>,
    /// The command points at one of these environments.
    #[serde(default)]
    pub environment: Vec<String>,
    /// What it works on carries one of these tags, with a value that fits the glob.
    #[serde(default)]
    pub tag: std::collections::BTreeMap<String, String>,
    /// The preview measured more than this of something.
    #[serde(default)]
    pub loss: std::collections::BTreeMap<String, f64>,
    /// What the rule asks for.
    pub effect: String,
    /// Ask even when the preview measures no loss.
    #[serde(default)]
    pub always: bool,
    /// How many different people have to approve.
    #[serde(default = "one")]
    pub approvals: u32,
    /// Why, as the end of "guard stopped this because it …".
    pub reason: String,
    /// A safer command.
    pub safer: String,
    /// Commands that it matches.
    #[serde(rename = "match")]
    pub examples: Vec<String>,
    /// Commands that it does not match.
    #[serde(rename = "no-match")]
    pub counterexamples: Vec<String>,
}

fn one() -> u32 {
    1
}

/// Kinds of places. A user's lists are added to the defaults.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PlacesText {
    /// Directories that belong to every workspace.
    pub workspace: Vec<String>,
    /// Directories whose entries are scratch when they belong to the user.
    pub scratch: Vec<String>,
    /// Globs for names of files and directories that can be made again.
    pub disposable: Vec<String>,
    /// Paths that nothing may delete.
    pub protected: Vec<String>,
}

/// Limits of previews.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PreviewText {
    /// Seconds that one preview may take.
    pub seconds: Option<f64>,
    /// Seconds that a terraform plan may take.
    pub plan_seconds: Option<f64>,
    /// Seconds that looking around in a cluster may take.
    pub cluster_seconds: Option<f64>,
}

/// What is saved before a command destroys it, and how long it is kept.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BackupText {
    /// The most bytes that one command's backup may hold.
    pub bytes: Option<u64>,
    /// The most files.
    pub files: Option<u64>,
    /// Seconds that saving may take.
    pub seconds: Option<f64>,
    /// Days that a backup is kept.
    pub days: Option<f64>,
    /// Bytes that all backups may take together.
    pub store_bytes: Option<u64>,
    /// Where backups lie: a directory, or `restic:`, `borg:`, `rclone:` and what these call a repository.
    pub store: Option<String>,
    /// A file of `NAME=VALUE` lines that such an engine is given as its environment.
    pub credentials: Option<String>,
    /// Whom backups are encrypted to (age(1), `--recipient`).
    pub recipient: Option<String>,
}

/// What terraform's resources hold. A user's lists are added to the defaults.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TerraformText {
    /// Types that hold data, as globs.
    pub data: Vec<String>,
    /// `TYPE.ATTRIBUTE`: a change of the attribute in place can lose data; the type is a glob.
    pub losing: Vec<String>,
}

/// How a person is asked.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PersonText {
    /// Seconds that the question stays open.
    pub seconds: Option<f64>,
    /// Wrong phrases before the answer is no.
    pub tries: Option<u32>,
    /// Seconds that a blocked command waits for an approval from elsewhere.
    pub wait: Option<f64>,
    /// Seconds that a request waits for its answer.
    pub request_seconds: Option<f64>,
    /// Seconds that an approval is good for.
    pub grant_seconds: Option<f64>,
    /// A command that tells the person of a request; `{id}` and `{command}` are replaced.
    #[serde(default)]
    pub notify: Vec<String>,
    /// Programs that are a person's terminals, besides those that guard knows.
    #[serde(default)]
    pub terminals: Vec<String>,
}

/// A name for what commands point at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnvironmentText {
    /// The name that rules and messages use.
    pub name: String,
    /// Words that say so where they stand in a host, database, context, namespace, workspace or profile.
    pub words: Vec<String>,
}

/// A loss up to which a rule does not ask. Only a user's file has them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LimitText {
    /// The rule's id.
    pub rule: String,
    /// The most that may be lost, of everything that is lost.
    pub loss: std::collections::BTreeMap<String, f64>,
    /// The command points at one of these environments; without the key, at none that is
    /// production.
    #[serde(default)]
    pub environment: Vec<String>,
}

/// What is wrong with a rules file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The rule, when the problem lies in one that has a name.
    pub rule: Option<String>,
    /// What is wrong and what would be right.
    pub what: String,
}

/// The line of an offset, from 1.
pub fn line_of(source: &str, offset: usize) -> usize {
    source
        .as_bytes()
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

/// Reads and checks a rules file, but for its examples (which need the grammars).
///
/// # Errors
/// A [`Problem`] with the line, the rule and what is wrong.
pub fn read(source: &str) -> Result<FileText, Problem> {
    let file: FileText = toml::from_str(source).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(source, span.start));
        Problem {
            line,
            rule: rule_before(source, line),
            what: error.message().to_owned(),
        }
    })?;
    if let Some(wrong) = file
        .terraform
        .losing
        .iter()
        .find(|entry| !entry.contains('.'))
    {
        let line = source
            .lines()
            .position(|line| line.contains(wrong.as_str()));
        return Err(Problem {
            line: line.unwrap_or(0) + 1,
            rule: None,
            what: format!("losing {wrong:?} is not of the form TYPE.ATTRIBUTE"),
        });
    }
    check_numbers(&file, source)?;
    let mut seen = std::collections::BTreeSet::new();
    for spanned in &file.rule {
        let rule = spanned.get_ref();
        let wrong = check(rule).err().or_else(|| {
            (!seen.insert(rule.id.clone())).then(|| "another rule has the same id".to_owned())
        });
        if let Some(what) = wrong {
            return Err(Problem {
                line: line_of(source, spanned.span().start),
                rule: Some(rule.id.clone()),
                what,
            });
        }
    }
    for spanned in &file.limit {
        let limit = spanned.get_ref();
        let unknown = limit
            .loss
            .keys()
            .find(|measure| !levels().any(|level| level == measure.as_str()));
        let what = match unknown {
            Some(measure) => format!(
                "the loss {measure:?} is not one of {}",
                levels().collect::<Vec<_>>().join(", ")
            ),
            None if limit.loss.is_empty() => "the limit names no loss".to_owned(),
            None => continue,
        };
        return Err(Problem {
            line: line_of(source, spanned.span().start),
            rule: Some(limit.rule.clone()),
            what,
        });
    }
    Ok(file)
}

/// TOML has `nan` and `inf`: no time, no limit.
fn check_numbers(file: &FileText, source: &str) -> Result<(), Problem> {
    let times = [
        ("preview.seconds", file.preview.seconds),
        ("preview.plan-seconds", file.preview.plan_seconds),
        ("preview.cluster-seconds", file.preview.cluster_seconds),
        ("person.seconds", file.person.seconds),
        ("person.wait", file.person.wait),
        ("person.request-seconds", file.person.request_seconds),
        ("person.grant-seconds", file.person.grant_seconds),
        ("backup.seconds", file.backup.seconds),
        ("backup.days", file.backup.days),
    ];
    let is_number = |number: f64| number.is_finite() && number >= 0.0;
    let wrong = |line, rule, name: &str, number: f64| Problem {
        line,
        rule,
        what: format!("{name} is {number}, which is no amount"),
    };
    for (name, number) in times {
        if let Some(number) = number.filter(|number| !is_number(*number)) {
            let key = name.rsplit('.').next().unwrap_or(name);
            let at = |line: &str| {
                let (written, value) = line.split_once('=').unwrap_or_default();
                let value = value.split('#').next().unwrap_or_default().trim();
                written.trim() == key && !value.parse().is_ok_and(is_number)
            };
            let line = source.lines().position(at).unwrap_or(0) + 1;
            return Err(wrong(line, None, name, number));
        }
    }
    let rules = file
        .rule
        .iter()
        .map(|rule| (rule.span(), &rule.get_ref().id, &rule.get_ref().loss));
    let limits = file
        .limit
        .iter()
        .map(|limit| (limit.span(), &limit.get_ref().rule, &limit.get_ref().loss));
    for (span, id, loss) in rules.chain(limits) {
        if let Some((measure, number)) = loss.iter().find(|(_, number)| !is_number(**number)) {
            let name = format!("the loss of {measure}");
            return Err(wrong(
                line_of(source, span.start),
                Some(id.clone()),
                &name,
                *number,
            ));
        }
    }
    Ok(())
}

/// The id of the rule that a line belongs to, for errors inside a rule that did not parse.
fn rule_before(source: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = source.lines().collect();
    let header = lines
        .iter()
        .take(line)
        .rposition(|text| text.trim_start().starts_with("[["))?;
    let body = lines
        .iter()
        .skip(header + 1)
        .take_while(|text| !text.trim_start().starts_with('['));
    for text in body {
        if let Some((key, value)) = text.split_once('=')
            && key.trim() == "id"
        {
            return Some(value.trim().trim_matches('"').to_owned());
        }
    }
    None
}

fn check(rule: &RuleText) -> Result<(), String> {
    let one_of = |what: &str, value: &str, allowed: &[&str]| {
        if allowed.contains(&value) {
            Ok(())
        } else {
            Err(format!(
                "{what} {value:?} is not one of {}",
                allowed.join(", ")
            ))
        }
    };
    one_of("the effect", &rule.effect, &Effect::ALL.map(Effect::name))?;
    for place in &rule.path {
        one_of("the path", place, &PlaceKind::ALL.map(PlaceKind::name))?;
    }
    for measure in rule.loss.keys() {
        one_of("the loss", measure, &levels().collect::<Vec<_>>())?;
    }
    for pair in &rule.flag_value {
        if !pair.contains('=') {
            return Err(format!("flag-value {pair:?} has no `=`"));
        }
    }
    for flag in rule
        .any_flag
        .iter()
        .chain(&rule.all_flags)
        .chain(&rule.no_flag)
        .chain(&rule.flag_value)
    {
        if !flag.starts_with('-') {
            return Err(format!("the flag {flag:?} does not start with a dash"));
        }
    }
    for (name, text) in [
        ("id", &rule.id),
        ("tool", &rule.tool),
        ("reason", &rule.reason),
        ("safer", &rule.safer),
    ] {
        if text.trim().is_empty() {
            return Err(format!("{name} is empty"));
        }
    }
    if !(1..=5).contains(&rule.approvals) {
        return Err("approvals is not between 1 and 5".to_owned());
    }
    if rule.approvals > 1 && rule.effect != "confirm" {
        return Err("approvals goes with the effect \"confirm\"".to_owned());
    }
    if rule.examples.is_empty() {
        return Err("it has no `match` example".to_owned());
    }
    if rule.counterexamples.is_empty() {
        return Err("it has no `no-match` example".to_owned());
    }
    Ok(())
}
