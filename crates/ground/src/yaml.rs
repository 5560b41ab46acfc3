//! YAML 1.2 as a JSON value: the one reader of it.
//!
//! `granit-parser` reads the syntax. What its events mean is said here, because it depends on whoever reads the same
//! text next (the AWS CLI, kubectl): a tag of their own (`!Ref x`) is passed over, and a scalar is no more
//! than null, a truth value, a whole number or text, so that `yes`, `1.50` and `0x10` stay as they are
//! written. What cannot be read is `None`, never guessed at.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, StrInput, Tag};
use serde_json::{Map, Value};

/// Nesting beyond this is not read.
const DEPTH: usize = 100;
/// Nor are more values than these: an alias repeats what it stands for, and may do so again and again.
const VALUES: usize = 250_000;
/// What the tags of YAML itself (`!!str`) begin with.
const CORE: &str = "tag:yaml.org,2002:";

/// The only document of a text, JSON or YAML.
pub fn only(text: &str) -> Option<Value> {
    read(text, true)
}

/// The first document of a text, JSON or YAML, whatever comes after it.
pub fn first(text: &str) -> Option<Value> {
    read(text, false)
}

fn read(text: &str, whole: bool) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        left: VALUES,
    };
    let mut found = None;
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentEnd => {}
            Event::StreamEnd => return Some(found.unwrap_or_default()),
            Event::DocumentStart(..) if found.is_some() => return None,
            Event::DocumentStart(..) => {
                let event = reader.next()?;
                let value = reader.node(event, 0)?.value;
                if !whole {
                    return Some(value);
                }
                found = Some(value);
            }
            _ => return None,
        }
    }
}

struct Reader<'t> {
    events: Parser<'t, StrInput<'t>>,
    /// What anchors stand for, and how many values that is.
    anchors: HashMap<usize, (Value, usize)>,
    left: usize,
}

/// A value, and whether it is a scalar without quotes.
struct Node {
    value: Value,
    plain: bool,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<Event<'t>> {
        self.events.next()?.ok().map(|(event, _)| event)
    }

    fn node(&mut self, event: Event<'t>, depth: usize) -> Option<Node> {
        if depth > DEPTH {
            return None;
        }
        let before = self.left;
        let anchor = event.anchor_id();
        let node = match event {
            Event::Alias(anchor) => {
                let (value, count) = self.anchors.get(&anchor)?;
                self.left = self.left.checked_sub(*count)?;
                Node {
                    value: value.clone(),
                    plain: false,
                }
            }
            Event::Scalar(text, style, _, tag) => {
                self.left = self.left.checked_sub(1)?;
                scalar(&text, style, tag.as_deref())?
            }
            Event::SequenceStart(..) => {
                self.left = self.left.checked_sub(1)?;
                self.sequence(depth)?
            }
            Event::MappingStart(..) => {
                self.left = self.left.checked_sub(1)?;
                self.mapping(depth)?
            }
            _ => return None,
        };
        if let Some(anchor) = anchor {
            let count = before - self.left;
            self.anchors.insert(anchor, (node.value.clone(), count));
        }
        Some(node)
    }

    fn sequence(&mut self, depth: usize) -> Option<Node> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Some(Value::Array(items).into()),
                event => items.push(self.node(event, depth + 1)?.value),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Option<Node> {
        let mut map = Map::new();
        let mut merged = Vec::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => break,
                event => self.node(event, depth + 1)?,
            };
            let plain = key.plain;
            let event = self.next()?;
            let value = self.node(event, depth + 1)?.value;
            match (key.value, value) {
                (Value::String(key), value) if key == "<<" && plain => match value {
                    Value::Array(values) => merged.extend(values),
                    value => merged.push(value),
                },
                (Value::String(key), value) => {
                    map.insert(key, value);
                }
                (Value::Array(_) | Value::Object(_), _) => return None,
                (key, value) => {
                    map.insert(key.to_string(), value);
                }
            }
        }
        // What stands in a mapping itself comes before what is merged into it, wherever that stands.
        for value in merged {
            let Value::Object(more) = value else {
                return None;
            };
            for (key, value) in more {
                map.entry(key).or_insert(value);
            }
        }
        Some(Value::Object(map).into())
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Self {
            value,
            plain: false,
        }
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Option<Node> {
    let written = || Value::from(text);
    let core = tag.filter(|tag| tag.handle() == CORE);
    let value = match core.map(Tag::suffix) {
        Some("str") => written(),
        Some("null" | "bool" | "int" | "float") => plain(text),
        // `!!binary`, `!!timestamp`: values that JSON does not have.
        Some(_) => return None,
        None if style != ScalarStyle::Plain => written(),
        None => plain(text),
    };
    Some(Node {
        value,
        plain: style == ScalarStyle::Plain,
    })
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => text
            .parse::<i64>()
            .map_or_else(|_| Value::from(text), Value::from),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn documents() {
        for (text, expected) in [
            ("{\"A\": [1]}", Some(json!({"A": [1]}))),
            ("", Some(json!(null))),
            (
                "A: b\nC: 3\nD: true\nE: yes\nF: 1.50\nG:\nH: ~\n",
                Some(
                    json!({"A": "b", "C": 3, "D": true, "E": "yes", "F": "1.50", "G": null, "H": null}),
                ),
            ),
            (
                "---\nA:\n  B: x # why\n  C:\n  - 1\n  - y\n",
                Some(json!({"A": {"B": "x", "C": [1, "y"]}})),
            ),
            (
                "A:\n- B: 1\n  C: 2\n- B: 3\n- - 4\n",
                Some(json!({"A": [{"B": 1, "C": 2}, {"B": 3}, [4]]})),
            ),
            (
                "A: [x, y]\nB: {}\nC: {b: 1}\n",
                Some(json!({"A": ["x", "y"], "B": {}, "C": {"b": 1}})),
            ),
            (
                "A: 'it''s'\nB: \"x\\ny\"\nC: \"1\"\n",
                Some(json!({"A": "it's", "B": "x\ny", "C": "1"})),
            ),
            (
                "A: |\n  one\n   two\nB: >\n  one\n  two\nC: one\n  two\n",
                Some(json!({"A": "one\n two\n", "B": "one two\n", "C": "one two"})),
            ),
            (
                "A: !Ref x\nB: !Sub\n  - y\n  - z\nC: !!str 1\nD: !If [a, !Ref b]\n",
                Some(json!({"A": "x", "B": ["y", "z"], "C": "1", "D": ["a", "b"]})),
            ),
            ("A: https://x.y/z\n", Some(json!({"A": "https://x.y/z"}))),
            ("# only\n\nA: ''  # required\n", Some(json!({"A": ""}))),
            ("1: a\ntrue: b\n", Some(json!({"1": "a", "true": "b"}))),
            ("A: 1\nA: 2\n", Some(json!({"A": 2}))),
            (
                "A: &x {k: 1, l: 2}\nB: *x\nC:\n  <<: *x\n  l: 3\n",
                Some(json!({"A": {"k": 1, "l": 2}, "B": {"k": 1, "l": 2}, "C": {"l": 3, "k": 1}})),
            ),
            ("'<<': {a: 1}\n", Some(json!({"<<": {"a": 1}}))),
            ("A:\n  <<: x\n", None),
            ("A: *x\n", None),
            ("A: &x [*x]\n", None),
            ("? [a]\n: b\n", None),
            ("A: !!binary aGk=\n", None),
            ("A: 1\n    B: 2\n", None),
            ("A: [1\n", None),
            ("A: 1\n---\nB: 2\n", None),
        ] {
            assert_eq!(only(text), expected, "{text:?}");
        }
        assert_eq!(first("A: 1\n---\nB: [\n"), Some(json!({"A": 1})));
    }

    #[test]
    fn what_grows_without_end_is_not_read() {
        assert_eq!(
            only(&format!("{}1{}", "[".repeat(5000), "]".repeat(5000))),
            None
        );
        let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for at in 1..12 {
            let before = format!("*a{}, ", at - 1).repeat(10);
            let line = format!("a{at}: &a{at} [{before}]\n");
            laughs.push_str(&line);
        }
        assert_eq!(only(&laughs), None);
    }

    /// A value as block YAML.
    fn write(value: &Value, depth: usize) -> String {
        let pad = "  ".repeat(depth);
        match value {
            Value::Object(map) if !map.is_empty() => {
                map.iter().fold(String::new(), |text, (key, value)| {
                    format!("{text}\n{pad}{key}:{}", write(value, depth + 1))
                })
            }
            Value::Array(list) if !list.is_empty() => {
                list.iter().fold(String::new(), |text, value| {
                    format!("{text}\n{pad}-{}", write(value, depth + 1))
                })
            }
            other => format!(" {other}"),
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[ -~]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map("[A-Za-z]{1,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(map in prop::collection::btree_map("[A-Za-z]{1,6}", value(), 1..4)) {
            let value = Value::Object(map.into_iter().collect());
            prop_assert_eq!(only(&write(&value, 0)), Some(value));
        }

        #[test]
        fn nothing_makes_it_stumble(text in "([ \\-:#|>'\"{}\\[\\]!&*a-c\\n]|\\PC){0,60}") {
            let _ = only(&text);
        }
    }
}
