//! Tags of resources, in the forms that the services answer with.

use serde_json::Value;

use super::client::{AwsProbe, Reply};

/// The tags that stand in an answer, at most so many members deep; `None` when there is no member for
/// them.
pub fn within(value: &Value, depth: usize) -> Option<Vec<(String, String)>> {
    let map = value.as_object()?;
    for (name, inner) in map {
        if matches!(
            name.to_lowercase().as_str(),
            "tags" | "taglist" | "tagset" | "tagslist"
        ) {
            return Some(read(inner));
        }
    }
    if depth == 0 {
        return None;
    }
    let mut found: Option<Vec<(String, String)>> = None;
    for inner in map.values() {
        let items: &[Value] = match inner {
            Value::Array(items) => items,
            one => std::slice::from_ref(one),
        };
        for tags in items.iter().filter_map(|item| within(item, depth - 1)) {
            found.get_or_insert_default().extend(tags);
        }
    }
    found
}

/// A list of keys and values, or a map.
pub fn read(value: &Value) -> Vec<(String, String)> {
    let string =
        |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    match value {
        Value::Array(items) => items
            .iter()
            .filter_map(|item| {
                let member = |names: [&str; 3]| names.iter().find_map(|name| item.get(name));
                let key = member(["Key", "key", "TagKey"])?;
                Some((
                    string(Some(key)),
                    string(member(["Value", "value", "TagValue"])),
                ))
            })
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), string(Some(value))))
            .collect(),
        _ => Vec::new(),
    }
}

/// The first ARN of its own in an answer: most services call it that.
pub fn arn(value: &Value, depth: usize) -> Option<&str> {
    let map = value.as_object()?;
    let own = map.iter().find_map(|(name, value)| {
        let text = value.as_str()?;
        (text.starts_with("arn:") && name.to_lowercase().ends_with("arn")).then_some(text)
    });
    own.or_else(|| {
        map.values()
            .filter(|_| depth > 0)
            .find_map(|inner| match inner {
                Value::Array(items) => items.iter().find_map(|item| arn(item, depth - 1)),
                other => arn(other, depth - 1),
            })
    })
}

/// The tags of a resource by its ARN, where the answer about it holds none.
pub fn of_arn(aws: &AwsProbe<'_>, arn: &str) -> Option<Vec<(String, String)>> {
    let words = [
        "resourcegroupstaggingapi",
        "get-resources",
        "--resource-arn-list",
        arn,
    ];
    match aws.ask(&words) {
        Ok(Reply::Found(value)) => Some(within(&value, 2).unwrap_or_default()),
        _ => None,
    }
}

/// Tags for a message.
pub fn shown(tags: &[(String, String)]) -> String {
    let words: Vec<String> = tags
        .iter()
        .take(6)
        .map(|(key, value)| super::client::shown(&format!("{key}={value}")))
        .collect();
    let more = if tags.len() > words.len() {
        ", …"
    } else {
        ""
    };
    format!("{}{more}", words.join(", "))
}
