//! Objects as YAML, for people: block style, every text in double quotes (YAML 1.2, of which JSON's
//! strings are a part).

use std::fmt::Write as _;

use serde_json::Value;

/// Words that YAML 1.1 reads as something else than text, in lower case.
const RESERVED: [&str; 9] = ["y", "n", "yes", "no", "true", "false", "on", "off", "null"];

/// The document.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(value, 0, &mut text),
        Value::Array(list) if !list.is_empty() => block(value, 0, &mut text),
        other => {
            text.push_str(&scalar(other));
            text.push('\n');
        }
    }
    text
}

/// A mapping or a sequence, with a line for each entry.
fn block(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let _ = write!(text, "{:indent$}{}:", "", key(name));
                entry(value, indent, text);
            }
        }
        Value::Array(list) => {
            for value in list {
                let _ = write!(text, "{:indent$}-", "");
                entry(value, indent, text);
            }
        }
        _ => {}
    }
}

/// What follows a key or a dash.
fn entry(value: &Value, indent: usize, text: &mut String) {
    let nested = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    };
    if nested {
        text.push('\n');
        block(value, indent + 2, text);
    } else {
        let _ = writeln!(text, " {}", scalar(value));
    }
}

fn key(name: &str) -> String {
    let plain = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'))
        && !RESERVED.contains(&name.to_ascii_lowercase().as_str());
    if plain { name.to_owned() } else { quoted(name) }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

/// As JSON, and what YAML calls not printable is escaped as well.
fn quoted(source: &str) -> String {
    let json = Value::String(source.to_owned()).to_string();
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(letter));
            }
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::document;

    #[test]
    fn documents() {
        for (value, expected) in [
            (json!({}), "{}\n"),
            (
                json!({"a": "no", "yes": 1, "a b": null}),
                "a: \"no\"\n\"yes\": 1\n\"a b\": null\n",
            ),
            (
                json!({"a": [1, {"b": []}, ["x"]]}),
                "a:\n  - 1\n  -\n    b: []\n  -\n    - \"x\"\n",
            ),
            (
                json!({"t": "a\nb\u{7f}\"\\ü"}),
                "t: \"a\\nb\\u007f\\\"\\\\ü\"\n",
            ),
        ] {
            assert_eq!(document(&value), expected);
        }
    }
}
