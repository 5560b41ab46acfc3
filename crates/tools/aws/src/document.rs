//! The YAML that `--cli-input-yaml` and templates are written in, as far as guard reads it: block
//! mappings and sequences, plain and quoted scalars, block scalars, and JSON on one line. What goes beyond
//! (anchors, merges, scalars over several lines) is not guessed at: there is then no answer.

use serde_json::{Map, Value};

/// Nesting beyond this is not read.
const DEPTH: usize = 40;

/// Reads a document that is JSON or YAML.
pub fn read(text: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.contains('\t') && line.trim_start_matches(' ').starts_with('\t') {
            return None;
        }
        lines.push(line.trim_end());
    }
    let mut reader = YamlReader { lines, at: 0 };
    reader.skip();
    if reader.line().is_some_and(|line| line == "---") {
        reader.at += 1;
    }
    let value = reader.block(0, 0)?;
    reader.skip();
    (reader.at == reader.lines.len()).then_some(value)
}

struct YamlReader<'a> {
    lines: Vec<&'a str>,
    at: usize,
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

impl<'a> YamlReader<'a> {
    fn line(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    /// Moves to the next line that is neither empty nor a comment.
    fn skip(&mut self) {
        while self
            .line()
            .is_some_and(|line| matches!(line.trim_start().as_bytes().first(), None | Some(b'#')))
        {
            self.at += 1;
        }
    }

    /// The value that starts here, indented by at least `least`.
    fn block(&mut self, least: usize, depth: usize) -> Option<Value> {
        self.skip();
        let Some(line) = self.line().filter(|line| indent(line) >= least) else {
            return Some(Value::Null);
        };
        if depth > DEPTH {
            return None;
        }
        let here = indent(line);
        let text = line.get(here..)?;
        if is_item(text) {
            self.sequence(here, depth)
        } else if key_of(text).is_some() {
            self.mapping(here, depth)
        } else {
            self.at += 1;
            scalar(text)
        }
    }

    fn sequence(&mut self, here: usize, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        loop {
            self.skip();
            let Some(line) = self.line().filter(|line| indent(line) == here) else {
                break;
            };
            let text = line.get(here..)?;
            if !is_item(text) {
                break;
            }
            let after = text.get(1..)?;
            let inner = after.trim_start_matches(' ');
            let offset = here + 1 + (after.len() - inner.len());
            if inner.is_empty() || inner.starts_with('#') {
                self.at += 1;
                items.push(self.block(here + 1, depth + 1)?);
            } else if is_item(inner) || key_of(inner).is_some() {
                // `- key: value` opens a mapping whose other keys stand below this one.
                items.push(self.nested(inner, offset, depth + 1)?);
            } else {
                self.at += 1;
                items.push(self.value(inner, here, depth)?);
            }
        }
        Some(Value::Array(items))
    }

    /// A mapping or sequence that starts on the line of its dash, `offset` columns in.
    fn nested(&mut self, inner: &'a str, offset: usize, depth: usize) -> Option<Value> {
        if depth > DEPTH {
            return None;
        }
        if is_item(inner) {
            // Sequences in sequences on one line: nobody writes them by hand.
            return None;
        }
        let mut map = Map::new();
        self.at += 1;
        self.entry(inner, offset, &mut map, depth)?;
        if let Value::Object(more) = self.mapping(offset, depth)? {
            map.extend(more);
        }
        Some(Value::Object(map))
    }

    fn mapping(&mut self, here: usize, depth: usize) -> Option<Value> {
        let mut map = Map::new();
        loop {
            self.skip();
            let Some(line) = self.line().filter(|line| indent(line) == here) else {
                break;
            };
            let text = line.get(here..)?;
            if is_item(text) || matches!(text, "---" | "...") {
                break;
            }
            self.at += 1;
            self.entry(text, here, &mut map, depth)?;
        }
        if self.line().is_some_and(|line| indent(line) > here) {
            return None;
        }
        Some(Value::Object(map))
    }

    /// One `key: value`, whose line has been passed.
    fn entry(
        &mut self,
        text: &'a str,
        here: usize,
        map: &mut Map<String, Value>,
        depth: usize,
    ) -> Option<()> {
        let (key, rest) = key_of(text)?;
        // Merges take keys from elsewhere.
        if key == "<<" {
            return None;
        }
        let rest = without_tag(rest);
        let value = if rest.is_empty() || rest.starts_with('#') {
            self.skip();
            // A sequence may stand as far left as its key.
            let sequence = self
                .line()
                .is_some_and(|line| indent(line) == here && is_item(line.trim_start()));
            self.block(if sequence { here } else { here + 1 }, depth + 1)?
        } else {
            self.value(rest, here, depth)?
        };
        map.insert(key, value);
        Some(())
    }

    /// A value that stands on the line of its key or dash.
    fn value(&mut self, text: &str, here: usize, depth: usize) -> Option<Value> {
        let text = without_tag(text);
        if depth > DEPTH {
            return None;
        }
        if let Some(style) = text.strip_prefix(['|', '>']) {
            let plain =
                style.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
            return (plain.is_empty()).then(|| self.literal(here));
        }
        let value = scalar(text)?;
        // A scalar that goes on in the next line.
        self.skip();
        let goes_on = self
            .line()
            .is_some_and(|line| indent(line) > here && !line.trim().is_empty());
        (!goes_on).then_some(value)
    }

    /// The lines of a block scalar; folding makes no difference to what guard looks for.
    fn literal(&mut self, here: usize) -> Value {
        let mut text = String::new();
        while let Some(line) = self.line() {
            if !line.trim().is_empty() && indent(line) <= here {
                break;
            }
            text.push_str(line.trim_start());
            text.push('\n');
            self.at += 1;
        }
        Value::String(text)
    }
}

fn is_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

/// A key with what follows its colon.
fn key_of(text: &str) -> Option<(String, &str)> {
    let quote = text
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''));
    let (key, rest) = if let Some(quote) = quote {
        let end = text.get(1..)?.find(quote)? + 1;
        (text.get(1..end)?, text.get(end + 1..)?)
    } else {
        if text.starts_with(['{', '[', '&', '*', '?', '|', '>', '%', '@', '`', '#', ',']) {
            return None;
        }
        let end = text
            .find(": ")
            .or_else(|| text.strip_suffix(':').map(str::len))?;
        (text.get(..end)?, text.get(end..)?)
    };
    let rest = rest.strip_prefix(':')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| (key.to_owned(), rest.trim()))
}

/// A value without the tag before it (`!Ref`): for guard's purposes the rest is what counts.
fn without_tag(text: &str) -> &str {
    match text.strip_prefix('!') {
        Some(tag) => tag
            .split_once(' ')
            .map_or("", |(_, rest)| rest.trim_start()),
        None => text,
    }
}

/// A value on one line.
fn scalar(text: &str) -> Option<Value> {
    let text = text.trim();
    match text.chars().next() {
        None => Some(Value::Null),
        Some('{' | '[') => flow(text),
        Some('"') => {
            let (inside, rest) = quoted(text)?;
            let rest = rest.trim_start();
            (rest.is_empty() || rest.starts_with('#')).then(|| serde_json::from_str(inside).ok())?
        }
        Some('\'') => {
            let inner = text.strip_prefix('\'')?;
            let end = inner.rfind('\'')?;
            let rest = inner.get(end + 1..)?.trim_start();
            (rest.is_empty() || rest.starts_with('#'))
                .then(|| Value::String(inner.get(..end).unwrap_or_default().replace("''", "'")))
        }
        Some('&' | '*' | '?' | '|' | '>' | '%' | '@' | '`') => None,
        Some(_) => {
            let plain = text
                .split_once(" #")
                .map_or(text, |(before, _)| before)
                .trim_end();
            if plain.contains(": ") {
                return None;
            }
            Some(match plain {
                "~" | "null" | "Null" | "NULL" => Value::Null,
                "true" | "True" | "TRUE" => Value::Bool(true),
                "false" | "False" | "FALSE" => Value::Bool(false),
                _ => plain
                    .parse::<i64>()
                    .map_or_else(|_| Value::String(plain.to_owned()), Value::from),
            })
        }
    }
}

/// A double-quoted string with its quotes, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((text.get(..=at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

/// `[a, "b"]` and `{}`: JSON, or a list of plain scalars.
fn flow(text: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    if inner.contains(['[', ']', '{', '}', '"', '\'', ':']) {
        return None;
    }
    let items = inner
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    items
        .map(scalar)
        .collect::<Option<Vec<_>>>()
        .map(Value::Array)
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
            (
                "A: b\nC: 3\nD: true\n",
                Some(json!({"A": "b", "C": 3, "D": true})),
            ),
            (
                "---\nA:\n  B: x # why\n  C:\n  - 1\n  - y\n",
                Some(json!({"A": {"B": "x", "C": [1, "y"]}})),
            ),
            (
                "A:\n- B: 1\n  C: 2\n- B: 3\n",
                Some(json!({"A": [{"B": 1, "C": 2}, {"B": 3}]})),
            ),
            (
                "A: [x, y]\nB: {}\n",
                Some(json!({"A": ["x", "y"], "B": {}})),
            ),
            (
                "A: 'it''s'\nB: \"x\\ny\"\n",
                Some(json!({"A": "it's", "B": "x\ny"})),
            ),
            (
                "A: |\n  one\n  two\nB: 1\n",
                Some(json!({"A": "one\ntwo\n", "B": 1})),
            ),
            (
                "A: !Ref x\nB: !Sub\n  - y\n  - z\n",
                Some(json!({"A": "x", "B": ["y", "z"]})),
            ),
            ("A: https://x.y/z\n", Some(json!({"A": "https://x.y/z"}))),
            ("# only\n\nA: ''  # required\n", Some(json!({"A": ""}))),
            ("A: &x 1\nB: *x\n", None),
            ("A:\n  <<: *x\n", None),
            ("A: one\n  two\n", None),
            ("A: 1\n    B: 2\n", None),
            ("\tA: 1\n", None),
            ("A: {b: 1}\n", None),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
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
            prop_assert_eq!(read(&write(&value, 0)), Some(value));
        }

        #[test]
        fn nothing_makes_it_stumble(text in "([ \\-:#|>'\"{}\\[\\]!&*a-c\\n]|\\PC){0,60}") {
            let _ = read(&text);
        }
    }
}
