//! Compiles the default rules in, so that no TOML is parsed when guard starts.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The default rules.
const RULES: &str = "../../rules.toml";

fn main() {
    println!("cargo::rerun-if-changed={RULES}");
    let source = std::fs::read_to_string(RULES).expect("rules.toml can be read");
    let file = guard_rulefile::read(&source).unwrap_or_else(|problem| {
        panic!(
            "rules.toml:{}: {:?}: {}",
            problem.line, problem.rule, problem.what
        )
    });
    let mut code = String::from("static DEFAULT_RULES: &[Rule] = &[\n");
    for rule in &file.rule {
        write_rule(&mut code, rule.get_ref());
    }
    code.push_str("];\n");
    write_index(&mut code, &file);
    let places = &file.places;
    writeln!(
        code,
        "const DEFAULT_PLACES: PlaceLists = PlaceLists {{ workspace: {}, scratch: {}, disposable: {}, protected: {} }};",
        texts(&places.workspace), texts(&places.scratch), texts(&places.disposable), texts(&places.protected)
    )
    .unwrap();
    writeln!(
        code,
        "const DEFAULT_LIMITS: Limits = Limits {{ preview_seconds: {:?}, plan_seconds: {:?}, cluster_seconds: {:?}, person_seconds: {:?}, person_tries: {:?}, wait_seconds: {:?}, request_seconds: {:?}, grant_seconds: {:?} }};",
        file.preview.seconds.expect("rules.toml sets preview.seconds"),
        file.preview.plan_seconds.expect("rules.toml sets preview.plan-seconds"),
        file.preview.cluster_seconds.expect("rules.toml sets preview.cluster-seconds"),
        file.person.seconds.expect("rules.toml sets person.seconds"),
        file.person.tries.expect("rules.toml sets person.tries"),
        file.person.wait.expect("rules.toml sets person.wait"),
        file.person.request_seconds.expect("rules.toml sets person.request-seconds"),
        file.person.grant_seconds.expect("rules.toml sets person.grant-seconds"),
    )
    .unwrap();
    let backup = &file.backup;
    writeln!(
        code,
        "const DEFAULT_BACKUP: BackupLimits = BackupLimits {{ bytes: {}, files: {}, seconds: {:?}, days: {:?}, store_bytes: {}, store: None, credentials: None, recipient: None }};",
        separated(backup.bytes.expect("rules.toml sets backup.bytes")),
        separated(backup.files.expect("rules.toml sets backup.files")),
        backup.seconds.expect("rules.toml sets backup.seconds"),
        backup.days.expect("rules.toml sets backup.days"),
        separated(backup.store_bytes.expect("rules.toml sets backup.store-bytes")),
    )
    .unwrap();
    writeln!(
        code,
        "const DEFAULT_INFRASTRUCTURE: Infrastructure = Infrastructure {{ data: {}, losing: {} }};",
        texts(&file.terraform.data),
        texts(&file.terraform.losing)
    )
    .unwrap();
    writeln!(code, "static DEFAULT_ENVIRONMENTS: &[EnvironmentName] = &[").unwrap();
    for environment in &file.environment {
        writeln!(
            code,
            "EnvironmentName {{ name: {}, words: {} }},",
            text(&environment.name),
            texts(&environment.words)
        )
        .unwrap();
    }
    code.push_str("];\n");
    let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    std::fs::write(out.join("default_rules.rs"), code).expect("OUT_DIR can be written");
}

/// For each tool, by the first verb word, the rules that can match it: a command is held against the
/// few rules of its verb, and most verbs have none.
fn write_index(code: &mut String, file: &guard_rulefile::FileText) {
    let rules = || file.rule.iter().map(toml::Spanned::get_ref).enumerate();
    let tools: BTreeSet<&str> = rules().map(|(_, rule)| rule.tool.as_str()).collect();
    code.push_str("static DEFAULT_INDEX: &[IndexEntry] = &[\n");
    for tool in tools {
        let mut any = Vec::new();
        let mut verbs: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, rule) in rules().filter(|(_, rule)| rule.tool == tool) {
            match rule.verb.first() {
                Some(verb) if !verb.contains(['*', '?']) => {
                    for word in alternatives(verb) {
                        verbs.entry(word).or_default().push(at);
                    }
                }
                _ => any.push(at),
            }
        }
        let of_verbs = verbs.into_iter().map(|(verb, mut own)| {
            own.extend(&any);
            own.sort_unstable();
            own.dedup();
            format!("({verb:?}, &{own:?})")
        });
        let verbs = of_verbs.collect::<Vec<_>>().join(", ");
        writeln!(
            code,
            "IndexEntry {{ tool: {tool:?}, verbs: &[{verbs}], any: &{any:?} }},"
        )
        .unwrap();
    }
    code.push_str("];\n");
}

/// A number as people write it in code: `20_000`.
fn separated(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits are text"))
        .collect();
    groups.join("_")
}

/// `{a,b}` as words; anything else as itself.
fn alternatives(verb: &str) -> Vec<String> {
    match verb
        .strip_prefix('{')
        .and_then(|inner| inner.strip_suffix('}'))
    {
        Some(inner) if !inner.contains(['{', '}']) => inner.split(',').map(str::to_owned).collect(),
        _ => {
            assert!(
                !verb.contains('{'),
                "{verb}: braces stand around a whole verb word"
            );
            vec![verb.to_owned()]
        }
    }
}

/// A text as code.
fn text(text: &str) -> String {
    format!("Cow::Borrowed({text:?})")
}

/// A list of what is code already.
fn list(items: impl Iterator<Item = String>) -> String {
    format!("Cow::Borrowed(&[{}])", items.collect::<Vec<_>>().join(", "))
}

/// Texts as code.
fn texts(texts: &[String]) -> String {
    list(texts.iter().map(|one| text(one)))
}

/// A name with what it is given, as code.
fn pair(name: &str, value: &str) -> String {
    format!("({}, {value})", text(name))
}

fn write_rule(code: &mut String, rule: &guard_rulefile::RuleText) {
    let losses = rule.loss.iter();
    let losses = list(losses.map(|(name, limit)| pair(name, &format!("{limit:?}"))));
    let values = rule
        .flag_value
        .iter()
        .filter_map(|pair| pair.split_once('='));
    let values = list(values.map(|(name, value)| pair(name, &text(value))));
    let tags = rule.tag.iter();
    let tags = list(tags.map(|(name, value)| pair(name, &text(value))));
    let pattern = match &rule.operand_regex {
        Some(pattern) => format!("Some(guard_core::rule::Pattern::fixed({pattern:?}))"),
        None => "None".to_owned(),
    };
    code.push_str("Rule { ");
    for (field, value) in [
        ("id", text(&rule.id)),
        ("tool", text(&rule.tool)),
        ("verb", texts(&rule.verb)),
        ("any_flag", texts(&rule.any_flag)),
        ("all_flags", texts(&rule.all_flags)),
        ("no_flag", texts(&rule.no_flag)),
        ("flag_value", values),
        ("operand", texts(&rule.operand)),
        ("operand_regex", pattern),
        ("path", texts(&rule.path)),
        ("statement", texts(&rule.statement)),
        ("operation", texts(&rule.operation)),
        ("environment", texts(&rule.environment)),
        ("tag", tags),
        ("loss", losses),
        ("effect", effect(&rule.effect)),
        ("always", rule.always.to_string()),
        ("approvals", rule.approvals.to_string()),
        ("reason", text(&rule.reason)),
        ("safer", text(&rule.safer)),
        ("examples", texts(&rule.examples)),
        ("counterexamples", texts(&rule.counterexamples)),
        ("by_user", "false".to_owned()),
    ] {
        write!(code, "{field}: {value}, ").unwrap();
    }
    code.push_str("},\n");
}

fn effect(name: &str) -> String {
    let variant = match name {
        "allow" => "Allow",
        "backup" => "Backup",
        "deny" => "Deny",
        _ => "Confirm",
    };
    format!("Effect::{variant}")
}
