//! psql's variables (man psql, "Variables" and "SQL Interpolation").

use std::collections::BTreeMap;

/// The longest value that is kept; a longer one counts as not known.
const LONGEST: usize = 1 << 16;
/// How much text variables may stand for in one reading.
const BUDGET: usize = 1 << 20;

/// Variables that psql itself sets after every statement (man psql,
/// "Specially treated variables").
const OWN: &[&str] = &[
    "DBNAME",
    "ENCODING",
    "ERROR",
    "HOST",
    "LAST_ERROR_MESSAGE",
    "LAST_ERROR_SQLSTATE",
    "PORT",
    "ROW_COUNT",
    "SERVER_VERSION_NAME",
    "SERVER_VERSION_NUM",
    "SHELL_ERROR",
    "SHELL_EXIT_CODE",
    "SQLSTATE",
    "USER",
    "WATCH_INTERVAL",
];

/// The variables whose values are known.
#[derive(Debug)]
pub(super) struct Variables {
    known: BTreeMap<Vec<u8>, Vec<u8>>,
    budget: usize,
}

impl Variables {
    pub(super) fn new(given: &[(String, String)]) -> Self {
        let mut variables = Self {
            known: BTreeMap::new(),
            budget: BUDGET,
        };
        for (name, value) in given {
            variables.set(name.as_bytes(), Some(value.clone().into_bytes()));
        }
        variables
    }

    /// Sets a variable; without a value it is no longer known.
    pub(super) fn set(&mut self, name: &[u8], value: Option<Vec<u8>>) {
        let own = OWN.iter().any(|known| known.as_bytes() == name);
        match value {
            Some(value) if value.len() <= LONGEST && !own => {
                self.known.insert(name.to_vec(), value);
            }
            _ => {
                self.known.remove(name);
            }
        }
    }

    /// All that are known, where they are text.
    pub(super) fn all(&self) -> Vec<(String, String)> {
        let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).ok();
        let known = self.known.iter();
        known
            .filter_map(|(name, value)| Some((text(name)?, text(value)?)))
            .collect()
    }

    pub(super) fn forget_all(&mut self) {
        self.known.clear();
    }

    pub(super) fn forget_prefix(&mut self, prefix: &[u8]) {
        self.known.retain(|name, _| !name.starts_with(prefix));
    }

    pub(super) fn is_known(&self, name: &[u8]) -> bool {
        self.known.contains_key(name)
    }

    /// The value, if it is known and the budget covers it.
    pub(super) fn get(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        let value = self.known.get(name)?;
        self.budget = self.budget.checked_sub(value.len() + 1)?;
        Some(value.clone())
    }

    /// The value between quotes, as libpq's `PQescapeLiteral` and
    /// `PQescapeIdentifier` write it.
    pub(super) fn quoted(&mut self, name: &[u8], quote: u8) -> Option<Vec<u8>> {
        let value = self.get(name)?;
        let escapes = quote == b'\'' && value.contains(&b'\\');
        let mut text = Vec::with_capacity(value.len() + 4);
        if escapes {
            text.extend_from_slice(b" E");
        }
        text.push(quote);
        for byte in value {
            if byte == quote || (escapes && byte == b'\\') {
                text.push(byte);
            }
            text.push(byte);
        }
        text.push(quote);
        Some(text)
    }
}
