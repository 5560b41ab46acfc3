//! Lists that are either compiled in or owned.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A text.
pub type Text = Cow<'static, str>;

/// Texts in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub enum Texts {
    /// Compiled in.
    Fixed(&'static [&'static str]),
    /// From a file.
    Own(Vec<String>),
}

impl Texts {
    /// None.
    pub const NONE: Self = Self::Fixed(&[]);

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        let (fixed, own): (&[&str], &[String]) = match self {
            Self::Fixed(texts) => (texts, &[]),
            Self::Own(texts) => (&[], texts),
        };
        fixed.iter().copied().chain(own.iter().map(String::as_str))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Fixed(texts) => texts.len(),
            Self::Own(texts) => texts.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this text is among them.
    pub fn contains(&self, text: &str) -> bool {
        self.iter().any(|one| one == text)
    }

    /// Puts more behind them.
    pub fn extend(&mut self, more: Vec<String>) {
        if !more.is_empty() {
            let all = self.iter().map(str::to_owned).chain(more).collect();
            *self = Self::Own(all);
        }
    }
}

impl From<Vec<String>> for Texts {
    fn from(texts: Vec<String>) -> Self {
        Self::Own(texts)
    }
}

impl From<Texts> for Vec<String> {
    fn from(texts: Texts) -> Self {
        texts.iter().map(str::to_owned).collect()
    }
}

/// Names with patterns for their values.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<(String, String)>", into = "Vec<(String, String)>")]
pub enum Pairs {
    /// Compiled in.
    Fixed(&'static [(&'static str, &'static str)]),
    /// From a file.
    Own(Vec<(String, String)>),
}

impl Pairs {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let fixed: &[_] = if let Self::Fixed(pairs) = self {
            pairs
        } else {
            &[]
        };
        let own: &[_] = if let Self::Own(pairs) = self {
            pairs
        } else {
            &[]
        };
        let own = own
            .iter()
            .map(|(name, value): &(String, String)| (&**name, &**value));
        fixed.iter().copied().chain(own)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl From<Vec<(String, String)>> for Pairs {
    fn from(pairs: Vec<(String, String)>) -> Self {
        Self::Own(pairs)
    }
}

impl From<Pairs> for Vec<(String, String)> {
    fn from(pairs: Pairs) -> Self {
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        pairs.iter().map(own).collect()
    }
}

/// Limits by what they limit (see [`guard_words::levels`]).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<(String, f64)>", into = "Vec<(String, f64)>")]
pub enum Levels {
    /// Compiled in.
    Fixed(&'static [(&'static str, f64)]),
    /// From a file.
    Own(Vec<(String, f64)>),
}

impl Levels {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        let fixed: &[_] = if let Self::Fixed(levels) = self {
            levels
        } else {
            &[]
        };
        let own: &[_] = if let Self::Own(levels) = self {
            levels
        } else {
            &[]
        };
        let own = own
            .iter()
            .map(|(name, limit): &(String, f64)| (&**name, *limit));
        fixed.iter().copied().chain(own)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl From<Vec<(String, f64)>> for Levels {
    fn from(levels: Vec<(String, f64)>) -> Self {
        Self::Own(levels)
    }
}

impl From<Levels> for Vec<(String, f64)> {
    fn from(levels: Levels) -> Self {
        let own = |(name, limit): (&str, f64)| (name.to_owned(), limit);
        levels.iter().map(own).collect()
    }
}
