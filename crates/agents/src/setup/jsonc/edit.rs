//! Entries put in and taken out, as text in the style of the file.

use serde_json::{Map, Value};

use super::{JsoncFault, Member, Node, NodeKind, line_of, read};

/// How a file is written.
struct FileStyle {
    newline: &'static str,
    unit: String,
}

impl FileStyle {
    fn of(text: &[u8], root: Option<&Node>) -> Self {
        let newline = match text.iter().position(|byte| *byte == b'\n') {
            Some(at) if at > 0 && text.get(at - 1) == Some(&b'\r') => "\r\n",
            _ => "\n",
        };
        let unit = root
            .and_then(|root| root.items().first())
            .and_then(|item| indentation(text, item.start))
            .filter(|unit| !unit.is_empty())
            .unwrap_or_else(|| "  ".to_owned());
        Self { newline, unit }
    }

    /// A value in this style; its first line stands at `indent` already.
    fn render(&self, value: &Value, indent: &str) -> String {
        let inner = format!("{indent}{}", self.unit);
        let (open, close, lines): (_, _, Vec<String>) = match value {
            Value::Object(map) if !map.is_empty() => (
                '{',
                '}',
                map.iter()
                    .map(|(key, value)| self.member(key, value, &inner))
                    .collect(),
            ),
            Value::Array(list) if !list.is_empty() => (
                '[',
                ']',
                list.iter()
                    .map(|value| self.render(value, &inner))
                    .collect(),
            ),
            other => return other.to_string(),
        };
        let newline = self.newline;
        let separator = format!(",{newline}{inner}");
        format!(
            "{open}{newline}{inner}{}{newline}{indent}{close}",
            lines.join(&separator)
        )
    }

    fn member(&self, key: &str, value: &Value, indent: &str) -> String {
        format!("{}: {}", Value::from(key), self.render(value, indent))
    }
}

/// The blanks before a place, when nothing else stands before it on its line.
fn indentation(text: &[u8], at: usize) -> Option<String> {
    let before = text.get(..at)?;
    let line = before.iter().rposition(|byte| *byte == b'\n')? + 1;
    let blanks = before.get(line..)?;
    blanks
        .iter()
        .all(|byte| matches!(byte, b' ' | b'\t'))
        .then(|| String::from_utf8_lossy(blanks).into_owned())
}

/// The blanks at the beginning of the line that a place stands on.
fn line_indentation(text: &[u8], at: usize) -> String {
    let before = text.get(..at).unwrap_or_default();
    let line = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    text.get(line..)
        .unwrap_or_default()
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .map(|byte| char::from(*byte))
        .collect()
}

/// What came of an insertion.
#[derive(Clone, Debug)]
pub struct Inserted {
    /// The text with the entry in it.
    pub text: Vec<u8>,
    /// How many keys of the path were there before.
    pub found: usize,
}

/// Appends an entry to the array that a path of keys leads to; what of the path is missing is made.
pub fn append(text: &[u8], path: &[&str], entry: &Value) -> Result<Inserted, JsoncFault> {
    let root = read(text)?;
    let style = FileStyle::of(text, root.as_ref());
    let Some(root) = root else {
        let whole = wrapped(path, Value::Array(vec![entry.clone()]));
        return Ok(Inserted {
            text: document(text, &style.render(&whole, ""), &style),
            found: 0,
        });
    };
    let mut node = &root;
    for (depth, key) in path.iter().enumerate() {
        if !matches!(node.kind, NodeKind::Object(_)) {
            return Err(unexpected(text, node, path.get(..depth), "an object"));
        }
        let Some(item) = node.member(key) else {
            let rest = path.get(depth + 1..).unwrap_or_default();
            let value = wrapped(rest, Value::Array(vec![entry.clone()]));
            return Ok(Inserted {
                text: add(text, node, Some(key), &value, &style),
                found: depth,
            });
        };
        node = &item.node;
    }
    if !matches!(node.kind, NodeKind::Array(_)) {
        return Err(unexpected(text, node, Some(path), "an array"));
    }
    Ok(Inserted {
        text: add(text, node, None, entry, &style),
        found: path.len(),
    })
}

/// Adds a member to the outermost object, unless it is there.
pub fn member(text: &[u8], key: &str, value: &Value) -> Result<Vec<u8>, JsoncFault> {
    let root = read(text)?;
    let style = FileStyle::of(text, root.as_ref());
    let Some(root) = root else {
        let whole = wrapped(&[key], value.clone());
        return Ok(document(text, &style.render(&whole, ""), &style));
    };
    if !matches!(root.kind, NodeKind::Object(_)) {
        return Err(unexpected(text, &root, None, "an object"));
    }
    if root.member(key).is_some() {
        return Ok(text.to_vec());
    }
    Ok(add(text, &root, Some(key), value, &style))
}

fn unexpected(text: &[u8], node: &Node, path: Option<&[&str]>, wanted: &str) -> JsoncFault {
    let name = path.unwrap_or_default().join(".");
    let name = if name.is_empty() {
        "the whole"
    } else {
        name.as_str()
    };
    JsoncFault {
        line: line_of(text, node.span.start),
        what: format!("{name} is not {wanted}"),
    }
}

fn wrapped(path: &[&str], value: Value) -> Value {
    path.iter().rev().fold(value, |value, key| {
        Value::Object(Map::from_iter([((*key).to_owned(), value)]))
    })
}

/// A first value for a text of blanks and comments.
fn document(text: &[u8], value: &str, style: &FileStyle) -> Vec<u8> {
    let mut whole = text.to_vec();
    let is_bare = text.is_empty() || text == b"\xef\xbb\xbf";
    if !is_bare && !text.ends_with(b"\n") {
        whole.extend_from_slice(style.newline.as_bytes());
    }
    whole.extend_from_slice(value.as_bytes());
    whole.extend_from_slice(style.newline.as_bytes());
    whole
}

/// Adds a member or an element behind the last one.
fn add(text: &[u8], node: &Node, key: Option<&str>, value: &Value, style: &FileStyle) -> Vec<u8> {
    let close = node.span.end.saturating_sub(1);
    let outer = line_indentation(text, node.span.start);
    let compact = |value: &Value| match key {
        Some(key) => format!("{}: {value}", Value::from(key)),
        None => value.to_string(),
    };
    let spread = |indent: &str| match key {
        Some(key) => style.member(key, value, indent),
        None => style.render(value, indent),
    };
    let Some(last) = node.items().last() else {
        let indent = format!("{outer}{}", style.unit);
        let inside = text.get(node.span.start + 1..close).unwrap_or_default();
        let kept = inside
            .iter()
            .rposition(|byte| !byte.is_ascii_whitespace())
            .map_or(0, |at| at + 1);
        let at = node.span.start + 1 + kept;
        let mut added = format!("{}{indent}{}", style.newline, spread(&indent));
        if !inside.get(kept..).unwrap_or_default().contains(&b'\n') {
            added.push_str(style.newline);
            added.push_str(&outer);
        }
        return with(text, &[(at, &added)]);
    };
    let end = last.comma.map_or(last.node.span.end, |comma| comma + 1);
    let comma = if last.comma.is_none() { "," } else { "" };
    let Some(indent) = indentation(text, last.start) else {
        // One line, as the rest of it.
        let added = format!("{comma} {}", compact(value));
        return with(text, &[(end, &added)]);
    };
    // A comment on the line of the last one stays with it.
    let tail = comment_end(text, end, close);
    let added = format!("{}{indent}{}", style.newline, spread(&indent));
    let mut places = Vec::new();
    if !comma.is_empty() {
        places.push((end, comma));
    }
    places.push((tail, added.as_str()));
    with(text, &places)
}

/// The end of a comment that follows on the same line; the place itself when there is none.
fn comment_end(text: &[u8], from: usize, limit: usize) -> usize {
    let rest = text.get(from..limit).unwrap_or_default();
    let line = rest
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(rest, |end| rest.get(..end).unwrap_or(rest));
    let comment = line.trim_ascii_start();
    let is_whole = comment.starts_with(b"//")
        || (comment.starts_with(b"/*") && comment.trim_ascii_end().ends_with(b"*/"));
    if is_whole && line.len() < rest.len() {
        from + line.trim_ascii_end().len()
    } else {
        from
    }
}

fn with(text: &[u8], places: &[(usize, &str)]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(text.len() + 256);
    let mut from = 0;
    for (at, added) in places {
        whole.extend_from_slice(text.get(from..*at).unwrap_or_default());
        whole.extend_from_slice(added.as_bytes());
        from = *at;
    }
    whole.extend_from_slice(text.get(from..).unwrap_or_default());
    whole
}

/// Takes an entry out of the array that a path leads to, and the containers above it that are empty
/// then and were not there before (`found` says how many keys were). Nothing when it is not there.
pub fn remove(
    text: &[u8],
    path: &[&str],
    entry: &Value,
    found: usize,
) -> Result<Option<Vec<u8>>, JsoncFault> {
    let Some(root) = read(text)? else {
        return Ok(None);
    };
    let Some(array) = root.at(path) else {
        return Ok(None);
    };
    let items = array.items();
    let Some(index) = items.iter().position(|item| item.node.value() == *entry) else {
        return Ok(None);
    };
    let mut container = array;
    let mut index = index;
    let mut depth = path.len();
    while depth > found && container.items().len() == 1 {
        let Some((key, above)) = path.get(..depth).and_then(<[_]>::split_last) else {
            break;
        };
        let Some(parent) = root.at(above) else {
            break;
        };
        let Some(place) = parent.items().iter().rposition(|item| item.key == *key) else {
            break;
        };
        (container, index, depth) = (parent, place, depth - 1);
    }
    Ok(cut_out(text, container.items(), index))
}

fn cut_out(text: &[u8], items: &[Member], index: usize) -> Option<Vec<u8>> {
    let item = items.get(index)?;
    let before = text.get(..item.start)?;
    let blanks = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    // The line break before it goes with it, blank lines and comments stay.
    let start = match before
        .get(before.len() - blanks..)?
        .iter()
        .rposition(|byte| *byte == b'\n')
    {
        Some(line) => {
            let at = before.len() - blanks + line;
            if at > 0 && text.get(at - 1) == Some(&b'\r') {
                at - 1
            } else {
                at
            }
        }
        None => before.len() - blanks,
    };
    let (end, comma) = match item.comma {
        Some(comma) => (comma + 1, None),
        None => (
            item.node.span.end,
            index
                .checked_sub(1)
                .and_then(|before| items.get(before))
                .and_then(|before| before.comma),
        ),
    };
    let mut whole = Vec::with_capacity(text.len());
    match comma {
        Some(comma) if comma < start => {
            whole.extend_from_slice(text.get(..comma)?);
            whole.extend_from_slice(text.get(comma + 1..start)?);
        }
        _ => whole.extend_from_slice(text.get(..start.max(comma.unwrap_or(0)))?),
    }
    whole.extend_from_slice(text.get(end..)?);
    Some(whole)
}
