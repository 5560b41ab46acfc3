//! Loading the user's rules beside the compiled-in ones.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{Error, ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use guard_core::rule::{EnvironmentName, Levels, Pairs, Pattern, PlaceLists, Rule, Text, Texts};
use guard_core::tool::Toolbox;
use guard_ground::install::Places;
use guard_rulefile::{self as format, FileText, Problem, RuleText};
use guard_store::limits::BackupLimits;
use guard_words::Effect;

use crate::allowance::Allowance;
use crate::checked;
use crate::rules::Rules;

/// A user's rules file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The file.
    pub file: PathBuf,
    /// Where and what, when it could be read at all.
    pub problem: Problem,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}:{}: ",
            guard_ground::sanitize::path(&self.file),
            self.problem.line
        )?;
        if let Some(rule) = &self.problem.rule {
            write!(formatter, "rule {}: ", guard_ground::sanitize::text(rule))?;
        }
        write!(
            formatter,
            "{}",
            guard_ground::sanitize::text(&self.problem.what)
        )
    }
}

/// A larger file of rules is a mistake.
const MOST: u64 = 1 << 20;

/// The default rules and, if there is a file of them, the user's. A broken file is reported in
/// [`Rules::broken`] and adds nothing. A content that is new is checked, and kept as [`checked`] says.
pub fn load(tools: &Toolbox, places: &Places) -> Rules {
    let Some(file) = places.rules_file() else {
        return Rules::defaults();
    };
    let (source, owner) = match read(&file) {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::NotFound => return Rules::defaults(),
        Err(error) => {
            return broken(
                file,
                Problem {
                    line: 1,
                    rule: None,
                    what: format!("it cannot be read: {error}"),
                },
            );
        }
    };
    if let Some(rules) = checked::kept(places, &source, owner) {
        return rules;
    }
    let mut rules = Rules::defaults();
    match parse(tools, &source, &mut rules) {
        Ok(()) => {
            checked::keep(places, &source, owner, &rules);
            rules
        }
        Err(problem) => broken(file, problem),
    }
}

fn broken(file: PathBuf, problem: Problem) -> Rules {
    let mut rules = Rules::defaults();
    rules.broken = Some(Broken { file, problem });
    rules
}

/// The text of a rules file and its owner. A pipe, a device or a file of many megabytes is no rules file,
/// and none of them makes guard wait.
///
/// # Errors
/// The system's reason, or what it is instead.
pub fn read(file: &Path) -> std::io::Result<(String, u32)> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(file)?;
    let metadata = opened.metadata()?;
    if !metadata.is_file() {
        return Err(Error::other("it is no file"));
    }
    if metadata.len() > MOST {
        return Err(Error::other("it is larger than a megabyte"));
    }
    let mut source = String::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    opened.take(MOST + 1).read_to_string(&mut source)?;
    Ok((source, metadata.uid()))
}

/// Adds what a rules file says to `rules`, and checks the file's examples.
///
/// # Errors
/// The first [`Problem`]; `rules` is then not to be used.
pub fn parse(tools: &Toolbox, source: &str, rules: &mut Rules) -> Result<(), Problem> {
    let file: FileText = format::read(source)?;
    let mut ids: HashSet<String> = rules.all().map(|rule| rule.id.to_string()).collect();
    let mut lines = Vec::new();
    for spanned in file.rule {
        let line = format::line_of(source, spanned.span().start);
        let text = spanned.into_inner();
        if !ids.insert(text.id.clone()) {
            return Err(Problem {
                line,
                rule: Some(text.id),
                what: "another rule has the same id".to_owned(),
            });
        }
        if let Some(pattern) = &text.operand_regex
            && let Err(error) = regex::bytes::Regex::new(pattern)
        {
            return Err(Problem {
                line,
                rule: Some(text.id),
                what: format!("operand-regex: {error}"),
            });
        }
        lines.push(line);
        rules.add(rule_of(text));
    }
    extend_places(&mut rules.places, file.places);
    if let Some(seconds) = file.preview.seconds {
        rules.limits.preview_seconds = seconds.clamp(0.1, 600.0);
    }
    if let Some(seconds) = file.preview.plan_seconds {
        rules.limits.plan_seconds = seconds.clamp(0.1, 3600.0);
    }
    if let Some(seconds) = file.preview.cluster_seconds {
        rules.limits.cluster_seconds = seconds.clamp(0.1, 600.0);
    }
    extend(&mut rules.infrastructure.data, file.terraform.data);
    extend(&mut rules.infrastructure.losing, file.terraform.losing);
    if let Some(seconds) = file.person.seconds {
        rules.limits.person_seconds = seconds.clamp(1.0, 86_400.0);
    }
    if let Some(tries) = file.person.tries {
        rules.limits.person_tries = tries.clamp(1, 10);
    }
    if let Some(seconds) = file.person.wait {
        rules.limits.wait_seconds = seconds.clamp(0.0, 20.0);
    }
    if let Some(seconds) = file.person.request_seconds {
        rules.limits.request_seconds = seconds.clamp(10.0, 30.0 * 86_400.0);
    }
    if let Some(seconds) = file.person.grant_seconds {
        rules.limits.grant_seconds = seconds.clamp(1.0, 86_400.0);
    }
    if let Some(store) = &file.backup.store
        && Path::new(store).is_absolute()
    {
        // Nothing deletes backups but guard itself.
        extend(&mut rules.places.protected, vec![store.clone()]);
    }
    extend_backup(&mut rules.backup, file.backup);
    rules.notify = file.person.notify;
    rules.terminals.extend(file.person.terminals);
    rules.environments.extend(
        file.environment
            .into_iter()
            .map(|environment| EnvironmentName {
                name: environment.name.into(),
                words: owned(environment.words),
            }),
    );
    for spanned in file.limit {
        let line = format::line_of(source, spanned.span().start);
        let allowance = allowance(spanned.into_inner(), rules).map_err(|(rule, what)| Problem {
            line,
            rule: Some(rule),
            what,
        })?;
        rules.allowances.push(allowance);
    }
    for (rule, line) in rules.added().zip(lines) {
        crate::examples::check(tools, rule, rules).map_err(|what| Problem {
            line,
            rule: Some(rule.id.to_string()),
            what,
        })?;
    }
    Ok(())
}

/// A limit as it is used, or the rule that it names and what is wrong with it.
fn allowance(text: format::LimitText, rules: &Rules) -> Result<Allowance, (String, String)> {
    let what = match rules.all().find(|rule| rule.id == text.rule) {
        None => Some("there is no rule of that id".to_owned()),
        Some(rule) if !rule.effect.asks() || rule.always => {
            Some("only a rule that asks when something is lost can have a limit".to_owned())
        }
        Some(_) => text.environment.iter().find_map(|name| {
            if name == "production" {
                return Some("no limit holds in production".to_owned());
            }
            let known = rules
                .environments
                .iter()
                .any(|known| known.name == name.as_str());
            (!known).then(|| format!("there is no environment {name:?}"))
        }),
    };
    if let Some(what) = what {
        return Err((text.rule, what));
    }
    Ok(Allowance {
        rule: text.rule,
        loss: text.loss.into_iter().collect(),
        environment: text.environment,
    })
}

/// Texts from a file.
fn owned(texts: Vec<String>) -> Texts {
    texts.into_iter().map(Text::from).collect()
}

/// Puts texts from a file behind those that are there.
fn extend(texts: &mut Texts, more: Vec<String>) {
    if !more.is_empty() {
        texts.to_mut().extend(more.into_iter().map(Text::from));
    }
}

/// A rule as it is used.
fn rule_of(text: RuleText) -> Rule {
    let pairs = text.flag_value.into_iter().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned().into(), value.to_owned().into()))
    });
    let tags = text.tag.into_iter();
    let tags = tags.map(|(name, value)| (name.into(), value.into()));
    let losses = text.loss.into_iter();
    let losses = losses.map(|(measure, limit)| (measure.into(), limit));
    Rule {
        id: text.id.into(),
        tool: text.tool.into(),
        verb: owned(text.verb),
        any_flag: owned(text.any_flag),
        all_flags: owned(text.all_flags),
        no_flag: owned(text.no_flag),
        flag_value: Pairs::Owned(pairs.collect()),
        operand: owned(text.operand),
        operand_regex: text.operand_regex.map(Pattern::from),
        path: owned(text.path),
        statement: owned(text.statement),
        operation: owned(text.operation),
        environment: owned(text.environment),
        tag: Pairs::Owned(tags.collect()),
        loss: Levels::Owned(losses.collect()),
        // The name was checked when the file was read.
        effect: Effect::named(&text.effect).unwrap_or(Effect::Confirm),
        always: text.always,
        approvals: text.approvals,
        reason: text.reason.into(),
        safer: text.safer.into(),
        examples: owned(text.examples),
        counterexamples: owned(text.counterexamples),
        by_user: true,
    }
}

fn extend_backup(backup: &mut BackupLimits, text: format::BackupText) {
    let set_text = |own: &mut Option<Text>, written: Option<String>| {
        if let Some(written) = written {
            *own = Some(written.into());
        }
    };
    let set = |own: &mut u64, written: Option<u64>| *own = written.unwrap_or(*own);
    set(&mut backup.bytes, text.bytes);
    set(&mut backup.files, text.files);
    set(&mut backup.store_bytes, text.store_bytes);
    if let Some(seconds) = text.seconds {
        backup.seconds = seconds.clamp(0.0, 3600.0);
    }
    if let Some(days) = text.days {
        backup.days = days.clamp(0.0, 36_500.0);
    }
    set_text(&mut backup.store, text.store);
    set_text(&mut backup.credentials, text.credentials);
    set_text(&mut backup.recipient, text.recipient);
}

fn extend_places(places: &mut PlaceLists, more: format::PlacesText) {
    extend(&mut places.workspace, more.workspace);
    extend(&mut places.scratch, more.scratch);
    extend(&mut places.disposable, more.disposable);
    extend(&mut places.protected, more.protected);
}
