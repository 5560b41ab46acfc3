//! Commands that rewrite the state itself: what terraform would no longer know of.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use serde_json::Value;

use super::changes::lot;
use super::place::data_directory;
use super::{Measured, TerraformProbe, Unmeasured};
use crate::complaint::complaint;
use crate::written;
use guard_core::loss::{Loss, Phrase};
use guard_core::naming::typeable;
use guard_ground::digest::Hasher;
use guard_ground::sanitize;

/// Addresses on a line.
const EXAMPLES: usize = 12;

/// The verb of the phrase where terraform loses sight of what goes on running.
const FORGET: &str = "forget";

/// Options that a look at the state takes along.
const READING: [&str; 3] = ["state", "ignore-remote-version", "state-out"];

/// A loss of these resources; none without any.
fn of_resources(addresses: &[String], what: &str, verb: &'static str) -> Loss {
    let mut loss = Loss::default();
    if addresses.is_empty() {
        return loss;
    }
    let mut hasher = Hasher::default();
    for address in addresses {
        hasher.part(address.as_bytes());
    }
    loss.things = Some(hasher.finish());
    let shown = |address: &String| sanitize::cut(&sanitize::text(address), 160);
    loss.add(lot(
        addresses.len() as u64,
        what.to_owned(),
        addresses.iter().take(EXAMPLES).map(shown).collect(),
    ));
    loss.phrase = Phrase {
        verb,
        place: String::new(),
    };
    loss
}

/// The options that a look takes along, as written.
fn reading_options(terraform: &TerraformProbe<'_>, names: &[&str]) -> Vec<OsString> {
    written::split(&terraform.invocation.arguments)
        .0
        .into_iter()
        .filter(|option| option.is_one_of(names))
        .flat_map(|option| option.words)
        .collect()
}

fn operands(terraform: &TerraformProbe<'_>) -> Vec<OsString> {
    written::split(&terraform.invocation.arguments).1
}

/// `state rm -dry-run` or `state mv -dry-run` with the command's own addresses.
fn dry_run(terraform: &TerraformProbe<'_>, verb: &str) -> Result<Option<String>, Unmeasured> {
    let mut words: Vec<OsString> = ["state", verb].map(Into::into).to_vec();
    words.extend(reading_options(terraform, &READING));
    words.extend(["-lock=false", "-dry-run"].map(Into::into));
    words.extend(operands(terraform));
    let answer = terraform.ask(&words)?;
    if answer.success {
        return Ok(Some(String::from_utf8_lossy(&answer.output).into_owned()));
    }
    // No such address, no such state: the real one says the same. Another failure can pass.
    let errors = String::from_utf8_lossy(&answer.errors);
    let refused = [
        "Invalid",
        "No matching",
        "Unsupported",
        "required",
        "expected",
    ];
    if refused.iter().any(|word| errors.contains(word)) {
        Ok(None)
    } else {
        Err(complaint(&answer))
    }
}

/// `state rm`: terraform forgets what goes on running.
pub(super) fn remove(terraform: &TerraformProbe<'_>) -> Measured {
    let told = dry_run(terraform, "rm")?.unwrap_or_default();
    let addresses: Vec<String> = told
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Would remove "))
        .map(str::to_owned)
        .collect();
    if addresses.is_empty() && !told.is_empty() && !told.contains("removed nothing") {
        return Err("terraform did not say what it would remove".to_owned());
    }
    let mut loss = of_resources(&addresses, "forgotten by terraform, running on", FORGET);
    if !loss.is_none() {
        loss.fact("the next apply makes anew what the configuration still names");
    }
    Ok(loss)
}

/// `state mv`: resources under other addresses.
pub(super) fn rename(terraform: &TerraformProbe<'_>) -> Measured {
    let told = dry_run(terraform, "mv")?.unwrap_or_default();
    let moves: Vec<String> = told
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Would move "))
        .map(|moved| moved.replace('"', ""))
        .collect();
    if moves.is_empty() && !told.is_empty() && !told.contains("moved nothing") {
        return Err("terraform did not say what it would move".to_owned());
    }
    Ok(of_resources(
        &moves,
        "under another address, which the next apply destroys unless the configuration names it",
        "move",
    ))
}

/// `state replace-provider FROM TO`.
pub(super) fn replace_provider(terraform: &TerraformProbe<'_>) -> Measured {
    let operands = operands(terraform);
    let [from, _] = operands.as_slice() else {
        return Ok(Loss::default());
    };
    let from = from.to_string_lossy();
    let named = |provider: &str| {
        provider.ends_with(&format!("/{from}\"]")) || provider.contains(&format!("[\"{from}\"]"))
    };
    let addresses: Vec<String> = current(terraform)?
        .into_iter()
        .filter(|instance| named(&instance.provider))
        .map(|instance| instance.address)
        .collect();
    Ok(of_resources(
        &addresses,
        "given to another provider",
        "move",
    ))
}

/// `state push FILE`: what the state holds now and the file does not.
pub(super) fn push(terraform: &TerraformProbe<'_>) -> Measured {
    let operands = operands(terraform);
    let [file] = operands.as_slice() else {
        return Ok(Loss::default());
    };
    let now = current(terraform)?;
    if file == "-" {
        let count = now.len();
        return Err(format!(
            "the new state stands on standard input; the present one holds {count} resources"
        ));
    }
    let there = terraform
        .context
        .in_directory(terraform.invocation.directory.as_deref());
    let path = there.in_directory(Some(file.as_ref())).directory;
    let Some(text) = path.and_then(|path| std::fs::read(path).ok()) else {
        return Ok(Loss::default());
    };
    let Some(new) = instances(&text) else {
        return Err("the file is no state that guard can read".to_owned());
    };
    let gone: Vec<String> = now
        .into_iter()
        .filter(|instance| !new.iter().any(|other| other.is_same(instance)))
        .map(|instance| instance.address)
        .collect();
    Ok(of_resources(
        &gone,
        "that the new state does not hold: forgotten by terraform, running on",
        FORGET,
    ))
}

/// `workspace delete NAME`: its state with it, if `-force` is given; else terraform refuses unless
/// the state is empty.
pub(super) fn delete_workspace(terraform: &TerraformProbe<'_>) -> Measured {
    let operands = operands(terraform);
    let [name] = operands.as_slice() else {
        return Ok(Loss::default());
    };
    if !terraform.invocation.has("-force") {
        return Ok(Loss::default());
    }
    let listed = terraform.output(&["workspace", "list"])?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let exists = listed
        .lines()
        .any(|line| OsStr::new(line.trim_start_matches(['*', ' ']).trim()) == name);
    if !exists {
        return Ok(Loss::default());
    }
    let shown = name.to_string_lossy();
    let probe = terraform.probe.clone().variable("TF_WORKSPACE", &shown);
    let answer = terraform.ask_with(&probe, &["state", "list"])?;
    let addresses = listed_addresses(&answer.output);
    if !answer.success && !is_without_state(&answer.errors) {
        return Err(complaint(&answer));
    }
    let mut loss = of_resources(
        &addresses,
        &format!(
            "of the workspace {}: forgotten by terraform, running on",
            sanitize::text(&shown)
        ),
        FORGET,
    );
    loss.phrase.place = format!("in {}", typeable(name));
    Ok(loss)
}

fn is_without_state(errors: &[u8]) -> bool {
    String::from_utf8_lossy(errors).contains("No state file was found")
}

fn listed_addresses(output: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(output)
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Addresses that are in the state.
fn listed(terraform: &TerraformProbe<'_>, address: &OsStr) -> Result<Vec<String>, Unmeasured> {
    let mut words: Vec<OsString> = ["state", "list"].map(Into::into).to_vec();
    words.extend(reading_options(terraform, &["state"]));
    words.push(address.to_owned());
    let answer = terraform.ask(&words)?;
    let errors = String::from_utf8_lossy(&answer.errors);
    let is_missing = [
        "No state file was found",
        "Unknown resource",
        "Unknown module",
        "Invalid",
    ]
    .iter()
    .any(|word| errors.contains(word));
    if answer.success {
        Ok(listed_addresses(&answer.output))
    } else if is_missing {
        Ok(Vec::new())
    } else {
        Err(complaint(&answer))
    }
}

/// `taint ADDRESS`.
pub(super) fn taint(terraform: &TerraformProbe<'_>) -> Measured {
    let operands = operands(terraform);
    let [address] = operands.as_slice() else {
        return Ok(Loss::default());
    };
    let found = listed(terraform, address)?;
    Ok(of_resources(
        &found,
        "marked, so that the next apply destroys it and makes it again",
        "taint",
    ))
}

/// `import ADDRESS ID`: terraform refuses an address that it manages; a thing that it manages under
/// another address is then managed twice.
pub(super) fn import(terraform: &TerraformProbe<'_>) -> Measured {
    let operands = operands(terraform);
    let [address, id] = operands.as_slice() else {
        return Ok(Loss::default());
    };
    let (address, id) = (address.to_string_lossy(), id.to_string_lossy());
    let kind = kind_of(&address);
    let twice: Vec<String> = current(terraform)?
        .into_iter()
        .filter(|instance| {
            instance.kind == kind && instance.address != address && instance.id == *id
        })
        .map(|instance| instance.address)
        .collect();
    Ok(of_resources(
        &twice,
        "managed already under this address: what happens to one happens to both",
        "import",
    ))
}

/// The type in an address: `module.a["x.y"].aws_instance.web[0]`.
fn kind_of(address: &str) -> String {
    let mut rest = address;
    while let Some(inner) = rest.strip_prefix("module.") {
        let end = inner.find(['.', '[']).unwrap_or(inner.len());
        let after = inner.get(end..).unwrap_or_default();
        let after = if after.starts_with('[') {
            after
                .find(']')
                .and_then(|at| after.get(at + 1..))
                .unwrap_or_default()
        } else {
            after
        };
        rest = after.strip_prefix('.').unwrap_or_default();
    }
    rest.split('.').next().unwrap_or_default().to_owned()
}

/// `force-unlock`: who holds the lock, where that can be seen.
pub(super) fn unlock(terraform: &TerraformProbe<'_>, place: &mut Loss) -> Measured {
    let there = terraform
        .context
        .in_directory(terraform.invocation.directory.as_deref());
    let is_local = data_directory(terraform.invocation, terraform.context)
        .is_none_or(|data| !data.join("terraform.tfstate").exists());
    let workspace = super::place::workspace(terraform.invocation, terraform.context);
    let state = if workspace == "default" {
        PathBuf::new()
    } else {
        PathBuf::from("terraform.tfstate.d").join(workspace)
    };
    let file = there
        .directory
        .map(|directory| directory.join(state).join(".terraform.tfstate.lock.info"));
    let info = file.and_then(|file| std::fs::read(file).ok());
    match info.and_then(|info| serde_json::from_slice::<Value>(&info).ok()) {
        Some(info) => {
            let told = |name: &str| {
                let value = info.get(name).and_then(Value::as_str).unwrap_or("?");
                sanitize::cut(&sanitize::text(value), 80)
            };
            place.fact(format!(
                "locked by {} for {} since {}",
                told("Who"),
                told("Operation"),
                told("Created")
            ));
        }
        // Nothing is locked: terraform says so itself.
        None if is_local => return Ok(Loss::default()),
        None => {}
    }
    Err("whether the run that holds the lock still works cannot be seen from here".to_owned())
}

/// One resource in a state.
struct Instance {
    address: String,
    kind: String,
    provider: String,
    id: String,
}

impl Instance {
    /// The same address for the same thing; a thing without an id is known by its address.
    fn is_same(&self, other: &Self) -> bool {
        self.address == other.address && (self.id == other.id || self.id.is_empty())
    }
}

/// What the state holds now.
fn current(terraform: &TerraformProbe<'_>) -> Result<Vec<Instance>, Unmeasured> {
    let (options, _) = written::split(&terraform.invocation.arguments);
    let file = options
        .iter()
        .any(|option| option.is_one_of(&["state"]))
        .then(|| terraform.invocation.flag("-state"))
        .flatten()
        .and_then(|flag| flag.value.clone());
    let text = match file {
        Some(file) => {
            let there = terraform
                .context
                .in_directory(terraform.invocation.directory.as_deref());
            let path = there.in_directory(Some(file.as_ref())).directory;
            path.and_then(|path| std::fs::read(path).ok())
                .unwrap_or_default()
        }
        None => terraform.output(&["state", "pull"])?,
    };
    if text.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    instances(&text)
        .ok_or_else(|| "terraform's state is in a form that guard cannot read".to_owned())
}

/// The managed resources of a state file (statefile version 4).
fn instances(text: &[u8]) -> Option<Vec<Instance>> {
    let state: Value = serde_json::from_slice(text).ok()?;
    if state.get("version")?.as_u64()? != 4 {
        return None;
    }
    let mut found = Vec::new();
    for resource in state.get("resources")?.as_array()? {
        let text = |name: &str| {
            resource
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        if text("mode") != "managed" {
            continue;
        }
        let module = text("module");
        let dot = if module.is_empty() { "" } else { "." };
        let base = format!("{module}{dot}{}.{}", text("type"), text("name"));
        for instance in resource.get("instances")?.as_array()? {
            let index = match instance.get("index_key") {
                Some(Value::String(key)) => format!("[{key:?}]"),
                Some(key) => format!("[{key}]"),
                None => String::new(),
            };
            let id = instance
                .pointer("/attributes/id")
                .and_then(Value::as_str)
                .unwrap_or_default();
            found.push(Instance {
                address: format!("{base}{index}"),
                kind: text("type").to_owned(),
                provider: text("provider").to_owned(),
                id: id.to_owned(),
            });
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn types_in_addresses() {
        for (address, kind) in [
            ("aws_instance.web", "aws_instance"),
            ("aws_instance.web[0]", "aws_instance"),
            ("module.a.aws_instance.web", "aws_instance"),
            ("module.a[0].module.b.aws_instance.web", "aws_instance"),
            ("module.a[\"x.y\"].aws_s3_bucket.b[\"k\"]", "aws_s3_bucket"),
            ("", ""),
        ] {
            assert_eq!(kind_of(address), kind, "{address}");
        }
    }

    #[test]
    fn a_state_is_read() {
        let state = br#"{"version": 4, "resources": [
            {"mode": "data", "type": "d", "name": "x", "instances": [{}]},
            {"module": "module.m", "mode": "managed", "type": "t", "name": "a", "provider": "p",
             "instances": [{"index_key": "k", "attributes": {"id": "1"}}, {"index_key": 0}]}]}"#;
        let found = instances(state).unwrap();
        let shown: Vec<&str> = found.iter().map(|one| &*one.address).collect();
        assert_eq!(shown, ["module.m.t.a[\"k\"]", "module.m.t.a[0]"]);
        assert!(instances(b"{\"version\": 3}").is_none());
        assert!(instances(b"nonsense").is_none());
    }
}
