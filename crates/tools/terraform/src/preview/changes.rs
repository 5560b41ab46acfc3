//! A plan's changes, as `terraform show -json` tells them, and what they would lose.
//!
//! Only addresses, types and names of attributes leave this module: values can be secrets.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use guard_core::loss::{Loss, Lot, Phrase};
use guard_core::rule::Infrastructure;
use guard_ground::digest::Hasher;
use guard_ground::glob;
use guard_ground::sanitize;
use guard_words::Measure;

/// Lines that a summary has at most.
const PARTS: usize = 12;
/// Addresses on a line.
const EXAMPLES: usize = 8;

/// A plan: the parts of the JSON output format that say what is lost.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TerraformPlan {
    #[serde(default)]
    resource_changes: Vec<Resource>,
    #[serde(default)]
    resource_drift: Vec<Resource>,
    #[serde(default)]
    configuration: Value,
    /// By name; only the names are looked at.
    #[serde(default)]
    variables: Value,
}

#[derive(Debug, Deserialize)]
struct Resource {
    address: String,
    #[serde(default)]
    mode: String,
    #[serde(rename = "type", default)]
    kind: String,
    deposed: Option<String>,
    change: ResourceChange,
    action_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ResourceChange {
    actions: Vec<String>,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    after: Value,
    #[serde(default)]
    after_unknown: Value,
}

/// What becomes of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ResourceFate {
    Destroyed,
    Replaced,
    Forgotten,
    Vanished,
    Reduced,
}

impl ResourceFate {
    fn words(self) -> &'static str {
        match self {
            Self::Destroyed => "destroyed",
            Self::Replaced => "destroyed and made again",
            Self::Forgotten => "forgotten by terraform, running on",
            Self::Vanished => "dropped from the state, because the provider does not find them now",
            Self::Reduced => "changed in a way that can lose data",
        }
    }

    /// The verb of the phrase.
    fn verb(self) -> &'static str {
        match self {
            Self::Destroyed => "destroy",
            Self::Replaced => "replace",
            Self::Forgotten | Self::Vanished => "forget",
            Self::Reduced => "change",
        }
    }
}

impl TerraformPlan {
    /// Whether a variable's value is not kept in the plan: it is declared, and the plan has no value,
    /// not even a default one.
    pub fn has_ephemeral_variables(&self) -> bool {
        self.configuration
            .pointer("/root_module/variables")
            .and_then(Value::as_object)
            .is_some_and(|declared| {
                declared
                    .keys()
                    .any(|name| self.variables.get(name).is_none())
            })
    }
}

/// One resource that something is lost of.
struct Lost<'a> {
    resource: &'a Resource,
    fate: ResourceFate,
    holds_data: bool,
    shown: String,
}

/// What a plan would lose.
pub(super) fn loss(plan: &TerraformPlan, infrastructure: &Infrastructure) -> Loss {
    let mut changes: Vec<Lost<'_>> = plan
        .resource_changes
        .iter()
        .filter_map(|resource| {
            let (fate, why) = fate(resource, infrastructure)?;
            Some(Lost {
                resource,
                fate,
                holds_data: holds_data(&resource.kind, infrastructure),
                shown: shown(resource, &why),
            })
        })
        .collect();
    changes.extend(vanished(plan).map(|resource| Lost {
        resource,
        fate: ResourceFate::Vanished,
        holds_data: holds_data(&resource.kind, infrastructure),
        shown: shown(resource, ""),
    }));
    changes.sort_by(|a, b| {
        let key = |one: &Lost<'_>| (!one.holds_data, one.fate);
        key(a)
            .cmp(&key(b))
            .then_with(|| a.resource.kind.cmp(&b.resource.kind))
            .then_with(|| a.resource.address.cmp(&b.resource.address))
    });
    let mut loss = Loss {
        things: things(&changes),
        ..Loss::default()
    };
    add_lots(&mut loss, &changes);
    let fates: Vec<ResourceFate> = changes.iter().map(|one| one.fate).collect();
    if let Some(worst) = fates.iter().min() {
        loss.phrase = Phrase {
            verb: worst.verb(),
            place: String::new(),
        };
        loss.fact(counts(plan));
    }
    loss
}

/// What becomes of one resource, when something is lost, and why.
fn fate(resource: &Resource, infrastructure: &Infrastructure) -> Option<(ResourceFate, String)> {
    if resource.mode == "data" {
        return None;
    }
    let does = |action: &str| resource.change.actions.iter().any(|one| one == action);
    let reason = || reason(resource.action_reason.as_deref()).to_owned();
    if does("delete") && does("create") {
        return Some((ResourceFate::Replaced, reason()));
    }
    if does("delete") {
        return Some((ResourceFate::Destroyed, reason()));
    }
    if does("forget") {
        return Some((ResourceFate::Forgotten, reason()));
    }
    if does("update") {
        let attributes = reduced(resource, infrastructure);
        return (!attributes.is_empty()).then(|| (ResourceFate::Reduced, attributes.join(", ")));
    }
    None
}

/// Resources that the state would lose because the provider no longer finds them, and that are not
/// made again.
fn vanished(plan: &TerraformPlan) -> impl Iterator<Item = &Resource> {
    let is_planned = |address: &str| {
        plan.resource_changes.iter().any(|resource| {
            resource.address == address
                && !resource
                    .change
                    .actions
                    .iter()
                    .all(|action| action == "no-op")
        })
    };
    plan.resource_drift.iter().filter(move |resource| {
        resource.mode != "data"
            && resource
                .change
                .actions
                .iter()
                .any(|action| action == "delete")
            && !is_planned(&resource.address)
    })
}

/// terraform's words for why it plans this (internal/command/jsonplan, `ResourceChange`).
fn reason(code: Option<&str>) -> &'static str {
    match code {
        Some("replace_because_tainted") => "tainted",
        Some("replace_because_cannot_update") => "cannot be changed in place",
        Some("replace_by_request") => "by -replace",
        Some("replace_by_triggers") => "by replace_triggered_by",
        Some("delete_because_no_resource_config") => "no longer in the configuration",
        Some("delete_because_no_module") => "its module is no longer in the configuration",
        Some("delete_because_wrong_repetition") => "count or for_each has changed",
        Some("delete_because_count_index") => "beyond count",
        Some("delete_because_each_key") => "no longer in for_each",
        Some("delete_because_no_move_target") => "moved to an address that does not exist",
        _ => "",
    }
}

fn shown(resource: &Resource, why: &str) -> String {
    // Writing to a String cannot fail.
    let mut shown = sanitize::cut(&sanitize::text(&resource.address), 160);
    if let Some(deposed) = &resource.deposed {
        let _ = write!(shown, " (deposed {})", sanitize::text(deposed));
    }
    if !why.is_empty() {
        let _ = write!(shown, " ({})", sanitize::text(why));
    }
    shown
}

fn holds_data(kind: &str, infrastructure: &Infrastructure) -> bool {
    infrastructure
        .data
        .iter()
        .any(|pattern| glob::matches(pattern, kind.as_bytes()))
}

/// Attributes that a change in place takes something from.
fn reduced(resource: &Resource, infrastructure: &Infrastructure) -> Vec<String> {
    let change = &resource.change;
    infrastructure
        .losing
        .iter()
        .filter_map(|entry| entry.split_once('.'))
        .map(|(kind, path)| (kind, path.trim_end_matches('!'), path.ends_with('!')))
        .filter(|(kind, ..)| glob::matches(kind, resource.kind.as_bytes()))
        .filter(|(_, path, always)| {
            let pointer = format!("/{}", path.replace('.', "/"));
            let at = |value: &Value| value.pointer(&pointer).cloned().unwrap_or_default();
            let (before, after) = (at(&change.before), at(&change.after));
            let unknown = at(&change.after_unknown) == Value::Bool(true);
            (*always && (unknown || before != after)) || loses(&before, &after, unknown)
        })
        .map(|(_, path, _)| path.to_owned())
        .collect()
}

/// Whether a value that becomes another one loses something: what was nothing cannot, a larger number
/// does not (0 stands for "without end" in retention times), and what is switched on does not.
fn loses(before: &Value, after: &Value, unknown: bool) -> bool {
    if unknown {
        return !is_nothing(before);
    }
    if before == after {
        return false;
    }
    match (before, after) {
        (Value::Number(before), Value::Number(after)) => {
            let (before, after) = (before.as_f64(), after.as_f64());
            before == Some(0.0) || after < before
        }
        (Value::Bool(before), _) => *before,
        (before, _) => !is_nothing(before),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// A digest of what is lost: a plan that destroys as many others is another plan.
fn things(lost: &[Lost<'_>]) -> Option<String> {
    if lost.is_empty() {
        return None;
    }
    let mut hasher = Hasher::default();
    for one in lost {
        hasher
            .part(one.resource.address.as_bytes())
            .part(
                one.resource
                    .deposed
                    .as_deref()
                    .unwrap_or_default()
                    .as_bytes(),
            )
            .part(one.fate.words().as_bytes())
            .part(one.shown.as_bytes());
    }
    Some(hasher.finish())
}

/// One line for each type and fate, those that hold data first; what does not fit is counted.
fn add_lots(loss: &mut Loss, changes: &[Lost<'_>]) {
    let mut groups: Vec<(&Lost<'_>, Vec<&Lost<'_>>)> = Vec::new();
    for one in changes {
        let same = groups.last_mut().filter(|(first, _)| {
            first.fate == one.fate && first.resource.kind == one.resource.kind
        });
        match same {
            Some((_, group)) => group.push(one),
            None => groups.push((one, vec![one])),
        }
    }
    let mut rest: BTreeMap<ResourceFate, (u64, Vec<String>)> = BTreeMap::new();
    for (at, (first, group)) in groups.iter().enumerate() {
        let count = group.len() as u64;
        if at >= PARTS {
            let (sum, kinds) = rest.entry(first.fate).or_default();
            *sum += count;
            kinds.push(sanitize::text(&first.resource.kind));
            continue;
        }
        let data = if first.holds_data {
            ", which holds data,"
        } else {
            ""
        };
        loss.add(lot(
            count,
            format!(
                "of type {}{data} {}",
                sanitize::text(&first.resource.kind),
                first.fate.words()
            ),
            group
                .iter()
                .take(EXAMPLES)
                .map(|one| one.shown.clone())
                .collect(),
        ));
    }
    for (fate, (count, kinds)) in rest {
        let what = format!("of {} more types {}", kinds.len(), fate.words());
        loss.add(lot(count, what, kinds.into_iter().take(EXAMPLES).collect()));
    }
}

/// Some resources.
pub(super) fn lot(count: u64, what: String, examples: Vec<String>) -> Lot {
    Lot {
        measure: Measure::Resources,
        count,
        at_least: false,
        kept: false,
        bytes: None,
        what,
        examples,
    }
}

/// `the plan: 1 to create, 2 to change, 3 to destroy`.
fn counts(plan: &TerraformPlan) -> String {
    let mut sums: BTreeMap<&str, usize> = BTreeMap::new();
    for resource in plan
        .resource_changes
        .iter()
        .filter(|one| one.mode != "data")
    {
        let actions: Vec<&str> = resource
            .change
            .actions
            .iter()
            .map(|action| &**action)
            .collect();
        let word = match actions.as_slice() {
            ["create"] => "create",
            ["update"] => "change",
            ["delete"] => "destroy",
            ["forget"] => "forget",
            [_, _, ..] => "replace",
            _ => continue,
        };
        *sums.entry(word).or_default() += 1;
    }
    let order = ["create", "change", "replace", "destroy", "forget"];
    let told: Vec<String> = order
        .into_iter()
        .filter_map(|word| Some(format!("{} to {word}", sums.get(word)?)))
        .collect();
    if told.is_empty() {
        return "the plan changes the state only".to_owned();
    }
    format!("the plan: {}", told.join(", "))
}

#[cfg(test)]
mod tests;
