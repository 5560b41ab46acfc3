//! Loading the user's rules beside the compiled-in ones.

use guard_core::tool::Toolbox;
use guard_store::limits::BackupLimits;
use std::path::{Path, PathBuf};

use super::rules::Rules;
use crate::allowance::Allowance;
use guard_core::rule::{EnvironmentName, PlaceLists, Rule};
use guard_rulefile as format;
use guard_rulefile::{FileText, Problem, RuleText};
use guard_words::Effect;

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

/// The default rules and, if `file` exists, the user's. A broken file is reported in
/// [`Rules::broken`] and adds nothing.
pub fn load(tools: &Toolbox, file: Option<&Path>) -> Rules {
    let mut rules = Rules::defaults();
    let Some(file) = file else {
        return rules;
    };
    let source = match std::fs::read_to_string(file) {
        Ok(source) => source,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return rules,
        Err(error) => {
            rules.broken = Some(Broken {
                file: file.to_owned(),
                problem: Problem {
                    line: 1,
                    rule: None,
                    what: format!("it cannot be read: {error}"),
                },
            });
            return rules;
        }
    };
    match parse(tools, &source, &mut rules) {
        Ok(()) => rules,
        Err(problem) => {
            let mut rules = Rules::defaults();
            rules.broken = Some(Broken {
                file: file.to_owned(),
                problem,
            });
            rules
        }
    }
}

/// Adds what a rules file says to `rules`, and checks the file's examples.
///
/// # Errors
/// The first [`Problem`]; `rules` is then not to be used.
pub fn parse(tools: &Toolbox, source: &str, rules: &mut Rules) -> Result<(), Problem> {
    let file: FileText = format::read(source)?;
    let mut lines = Vec::new();
    for spanned in file.rule {
        let line = source
            .as_bytes()
            .iter()
            .take(spanned.span().start)
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        let text = spanned.into_inner();
        if rules.all().any(|rule| rule.id == text.id) {
            return Err(Problem {
                line,
                rule: Some(text.id),
                what: "another rule has the same id".to_owned(),
            });
        }
        if let Some(pattern) = &text.operand_regex
            && let Err(error) = regex_lite::Regex::new(pattern)
        {
            return Err(Problem {
                line,
                rule: Some(text.id),
                what: format!("operand-regex: {error}"),
            });
        }
        lines.push(line);
        rules.added.push(keep(text));
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
    rules.infrastructure.data = join(rules.infrastructure.data, file.terraform.data);
    rules.infrastructure.losing = join(rules.infrastructure.losing, file.terraform.losing);
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
        rules.places.protected = join(rules.places.protected, vec![store.clone()]);
    }
    extend_backup(&mut rules.backup, file.backup);
    rules.notify = file.person.notify;
    rules
        .terminals
        .extend(file.person.terminals.into_iter().map(leak));
    rules.environments.extend(
        file.environment
            .into_iter()
            .map(|environment| EnvironmentName {
                name: leak(environment.name),
                words: leak_all(environment.words),
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
    for (rule, line) in rules.added.iter().zip(lines) {
        super::examples::check(tools, rule, rules).map_err(|what| Problem {
            line,
            rule: Some(rule.id.to_owned()),
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
            let known = rules.environments.iter().any(|known| known.name == name);
            (!known).then(|| format!("there is no environment {name:?}"))
        }),
    };
    if let Some(what) = what {
        return Err((text.rule, what));
    }
    Ok(Allowance {
        rule: leak(text.rule),
        loss: text
            .loss
            .into_iter()
            .map(|(name, most)| (leak(name), most))
            .collect(),
        environment: text.environment.into_iter().map(leak).collect(),
    })
}

/// Rules live as long as the process: guard starts, judges one command, and becomes another
/// program.
fn keep(text: RuleText) -> &'static Rule {
    let pairs: Vec<(&'static str, &'static str)> = text
        .flag_value
        .into_iter()
        .filter_map(|pair| leak(pair).split_once('='))
        .collect();
    let losses: Vec<(&'static str, f64)> = text
        .loss
        .into_iter()
        .map(|(name, limit)| (leak(name), limit))
        .collect();
    let tags: Vec<(&'static str, &'static str)> = text
        .tag
        .into_iter()
        .map(|(name, value)| (leak(name), leak(value)))
        .collect();
    Box::leak(Box::new(Rule {
        id: leak(text.id),
        tool: leak(text.tool),
        verb: leak_all(text.verb),
        any_flag: leak_all(text.any_flag),
        all_flags: leak_all(text.all_flags),
        no_flag: leak_all(text.no_flag),
        flag_value: Box::leak(pairs.into_boxed_slice()),
        operand: leak_all(text.operand),
        operand_regex: text.operand_regex.map(leak),
        path: leak_all(text.path),
        statement: leak_all(text.statement),
        operation: leak_all(text.operation),
        environment: leak_all(text.environment),
        tag: Box::leak(tags.into_boxed_slice()),
        loss: Box::leak(losses.into_boxed_slice()),
        effect: match text.effect.as_str() {
            "allow" => Effect::Allow,
            "backup" => Effect::Backup,
            "deny" => Effect::Deny,
            _ => Effect::Confirm,
        },
        always: text.always,
        approvals: text.approvals,
        reason: leak(text.reason),
        safer: leak(text.safer),
        examples: leak_all(text.examples),
        counterexamples: leak_all(text.counterexamples),
        by_user: true,
    }))
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn leak_all(texts: Vec<String>) -> &'static [&'static str] {
    let list: Vec<&'static str> = texts.into_iter().map(leak).collect();
    Box::leak(list.into_boxed_slice())
}

/// A list with more at its end.
fn join(old: &'static [&'static str], new: Vec<String>) -> &'static [&'static str] {
    if new.is_empty() {
        return old;
    }
    let mut all = old.to_vec();
    all.extend(new.into_iter().map(leak));
    Box::leak(all.into_boxed_slice())
}

fn extend_backup(backup: &mut BackupLimits, text: format::BackupText) {
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
    backup.store = text.store.map(leak).or(backup.store);
    backup.credentials = text.credentials.map(leak).or(backup.credentials);
    backup.recipient = text.recipient.map(leak).or(backup.recipient);
}

fn extend_places(places: &mut PlaceLists<'static>, more: format::PlacesText) {
    places.workspace = join(places.workspace, more.workspace);
    places.scratch = join(places.scratch, more.scratch);
    places.disposable = join(places.disposable, more.disposable);
    places.protected = join(places.protected, more.protected);
}
