//! What stands in the text of a state (statefile version 4).

use serde_json::Value;

/// What a state says about itself (statefile version 4).
pub(super) struct StateHead {
    pub(super) lineage: String,
    pub(super) serial: u64,
    /// What it holds, apart from its number and who wrote it.
    pub(super) held: Value,
}

pub(super) fn head(text: &[u8]) -> Result<StateHead, String> {
    let unreadable = || "terraform's state is in a form that guard cannot read".to_owned();
    let mut held: Value = serde_json::from_slice(text).map_err(|_| unreadable())?;
    let map = held.as_object_mut().ok_or_else(unreadable)?;
    if map.get("version").and_then(Value::as_u64) != Some(4) {
        return Err(unreadable());
    }
    let serial = map.remove("serial").and_then(|serial| serial.as_u64());
    map.remove("terraform_version");
    let lineage = map.get("lineage").and_then(Value::as_str);
    Ok(StateHead {
        lineage: lineage.ok_or_else(unreadable)?.to_owned(),
        serial: serial.ok_or_else(unreadable)?,
        held,
    })
}

/// The same text with another number. Only the number: what else a value may become when it is read and
/// written again is not for guard to find out.
pub(super) fn renumbered(text: &[u8], serial: u64) -> Result<Vec<u8>, String> {
    let odd = || "terraform's state is in a form that guard cannot write".to_owned();
    let source = std::str::from_utf8(text).map_err(|_| odd())?;
    let before = head(text)?;
    let mut done = String::with_capacity(source.len() + 8);
    let mut found = false;
    for line in source.split_inclusive('\n') {
        match line.strip_prefix("  \"serial\": ") {
            Some(rest) if !found => {
                found = true;
                let rest = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
                done.push_str("  \"serial\": ");
                done.push_str(&serial.to_string());
                done.push_str(rest);
            }
            _ => done.push_str(line),
        }
    }
    let after = head(done.as_bytes())?;
    if after.serial == serial && after.held == before.held {
        Ok(done.into_bytes())
    } else {
        Err(odd())
    }
}

/// Addresses of managed resources, without indices.
pub(super) fn addresses(held: &Value) -> Vec<String> {
    let resources = held.get("resources").and_then(Value::as_array);
    let text = |value: &Value, name: &str| {
        let text = value.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let mut all = Vec::new();
    for resource in resources.into_iter().flatten() {
        if text(resource, "mode") != "managed" {
            continue;
        }
        let module = text(resource, "module");
        let dot = if module.is_empty() { "" } else { "." };
        let base = format!(
            "{module}{dot}{}.{}",
            text(resource, "type"),
            text(resource, "name")
        );
        for instance in resource
            .get("instances")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            all.push(match instance.get("index_key") {
                Some(key) => format!("{base}[{key}]"),
                None => base.clone(),
            });
        }
    }
    all
}

#[cfg(test)]
mod tests;
