//! JSON as people keep it: with comments, trailing commas and an indentation of their own. Nothing
//! is written anew; an entry is put in as text, and taken out as text.

mod edit;

use std::ops::Range;

use serde_json::{Map, Value};

pub use edit::{Inserted, append, member, remove};

/// Deeper than this is not read.
const MAX_DEPTH: usize = 128;

/// Why a text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsoncFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

/// A value, and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its bytes.
    pub span: Range<usize>,
    /// What it is.
    pub kind: NodeKind,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// `{…}`
    Object(Vec<Member>),
    /// `[…]`
    Array(Vec<Member>),
    /// Everything else.
    Scalar(Value),
}

/// A member of an object or an element of an array.
#[derive(Clone, Debug)]
pub struct Member {
    /// The key; empty in an array.
    pub key: String,
    /// Where it begins: at the key in an object.
    pub start: usize,
    /// The value.
    pub node: Node,
    /// The comma behind it.
    pub comma: Option<usize>,
}

impl Node {
    /// The value without its text.
    pub fn value(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar(value) => value.clone(),
            NodeKind::Array(items) => items.iter().map(|item| item.node.value()).collect(),
            NodeKind::Object(items) => Value::Object(
                items
                    .iter()
                    .map(|item| (item.key.clone(), item.node.value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// The member of that name; of several the last one counts, as everywhere.
    fn member(&self, key: &str) -> Option<&Member> {
        match &self.kind {
            NodeKind::Object(items) => items.iter().rev().find(|item| item.key == key),
            _ => None,
        }
    }

    fn items(&self) -> &[Member] {
        match &self.kind {
            NodeKind::Object(items) | NodeKind::Array(items) => items,
            NodeKind::Scalar(_) => &[],
        }
    }

    /// The value that a path of keys leads to.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter()
            .try_fold(self, |node, key| Some(&node.member(key)?.node))
    }
}

struct JsoncReader<'t> {
    text: &'t [u8],
    at: usize,
}

impl JsoncReader<'_> {
    fn fault<T>(&self, what: &str) -> Result<T, JsoncFault> {
        Err(JsoncFault {
            line: line_of(self.text, self.at),
            what: what.to_owned(),
        })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn starts(&self, with: &[u8]) -> bool {
        self.text
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(with))
    }

    /// Goes over blanks and comments.
    fn skip(&mut self) -> Result<(), JsoncFault> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(b'/') if self.starts(b"//") => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                Some(b'/') if self.starts(b"/*") => {
                    let rest = self.text.get(self.at + 2..).unwrap_or_default();
                    match rest.windows(2).position(|two| two == b"*/") {
                        Some(length) => self.at += length + 4,
                        None => return self.fault("a comment that does not end"),
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, JsoncFault> {
        if depth > MAX_DEPTH {
            return self.fault("nested too deeply");
        }
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => NodeKind::Object(self.items(depth, b'}')?),
            Some(b'[') => NodeKind::Array(self.items(depth, b']')?),
            Some(b'"') => NodeKind::Scalar(Value::String(self.string()?)),
            Some(_) => {
                while self
                    .peek()
                    .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
                {
                    self.at += 1;
                }
                let word = self.text.get(start..self.at).unwrap_or_default();
                let Ok(value) = serde_json::from_slice(word) else {
                    self.at = start;
                    return self.fault("a value was expected here");
                };
                NodeKind::Scalar(value)
            }
            None => return self.fault("it ends too early"),
        };
        Ok(Node {
            span: start..self.at,
            kind,
        })
    }

    fn items(&mut self, depth: usize, end: u8) -> Result<Vec<Member>, JsoncFault> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip()?;
            if self.peek() == Some(end) {
                self.at += 1;
                return Ok(items);
            }
            let start = self.at;
            let mut key = String::new();
            if end == b'}' {
                if self.peek() != Some(b'"') {
                    return self.fault("a key in double quotes or } was expected here");
                }
                key = self.string()?;
                self.skip()?;
                if self.peek() != Some(b':') {
                    return self.fault("a colon was expected here");
                }
                self.at += 1;
                self.skip()?;
            }
            let node = self.value(depth + 1)?;
            self.skip()?;
            let comma = (self.peek() == Some(b',')).then_some(self.at);
            let has_comma = comma.is_some();
            items.push(Member {
                key,
                start,
                node,
                comma,
            });
            if has_comma {
                self.at += 1;
            } else if self.peek() != Some(end) {
                return self.fault(if end == b'}' {
                    "a comma or } was expected here"
                } else {
                    "a comma or ] was expected here"
                });
            }
        }
    }

    fn string(&mut self) -> Result<String, JsoncFault> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(b'\n') | None => {
                    self.at = start;
                    return self.fault("a text that does not end");
                }
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        // Bytes that are not UTF-8 are kept in the file and only here replaced.
        let text = String::from_utf8_lossy(self.text.get(start..self.at).unwrap_or_default());
        serde_json::from_str(&text).or_else(|_| {
            self.at = start;
            self.fault("a text with a character or an escape that JSON does not have")
        })
    }
}

fn line_of(text: &[u8], at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    1 + memchr::memchr_iter(b'\n', before).count()
}

/// Reads a text; nothing where it holds only blanks and comments.
pub fn read(text: &[u8]) -> Result<Option<Node>, JsoncFault> {
    let at = if text.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    let mut reader = JsoncReader { text, at };
    reader.skip()?;
    if reader.peek().is_none() {
        return Ok(None);
    }
    let node = reader.value(0)?;
    reader.skip()?;
    if reader.peek().is_some() {
        return reader.fault("more than one value");
    }
    Ok(Some(node))
}
