//! What every operation of the AWS CLI does: a table made by `scripts/aws/table.py` from the CLI's own
//! models and the public IAM access levels, looked up as it stands in the binary.
//!
//! All numbers are little-endian. In order:
//!
//! - the counts of words, services and operations, and a reserved one: 4 × `u16`;
//! - where each word starts in the text, and where the last one ends: `u16` each;
//! - of each service its word and the number of its first operation: 2 × `u16`, and one entry more that
//!   holds the end;
//! - where each operation starts in the records, and where the last one ends: 3 bytes each;
//! - the text of all words, sorted;
//! - the records: class, number of words (with two marks), and the name's words as `u16`. A record with
//!   a look holds its name as well, and the parameters that it takes over.
//!
//! Names are words with hyphens between them; services, and the operations of each, stand in the order
//! of their words' numbers. A service is one word. Under the service `*` stand verbs.

use std::borrow::Cow;

static TABLE: &[u8] = include_bytes!("operations.bin");

/// In the second byte of a record: the result goes to a file that the command names.
const STREAMS: u8 = 0x80;
/// In the second byte of a record: a look follows.
const HAS_LOOK: u8 = 0x40;
/// In the count of a parameter's words: the look's own parameter is the plural of it.
const PLURAL: u8 = 0x80;

/// Whatever service: what a verb says.
const ANY: &str = "*";

/// The names of the classes, by their number (`CLASSES` in `scripts/aws/levels.py`).
const CLASSES: [&str; 23] = [
    "read",
    "write",
    "tagging",
    "permissions",
    "delete",
    "terminate",
    "purge",
    "schedule",
    "deregister",
    "detach",
    "remove",
    "revoke",
    "disable",
    "release",
    "cancel",
    "unsubscribe",
    "decrease",
    "reset",
    "overwrite",
    "account",
    "audit",
    "expire",
    "run",
];

/// The class of what the table does not know.
pub const UNKNOWN: &str = "unknown";

/// What the table knows about an operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// What it does, in the word that rules use.
    pub class: &'static str,
    /// It writes what it gets to a file.
    pub streams: bool,
    record: &'static [u8],
}

/// The operation that reads what another would take away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingOperation {
    /// Its name.
    pub operation: String,
    /// Its parameters: the other operation's name for each, and the look's own.
    pub parameters: Vec<(String, String)>,
}

/// Whether the CLI has a command of this name.
pub fn has_service(name: &str) -> bool {
    name != ANY && service(name).is_some()
}

/// An operation, if the table holds it.
pub fn find(service_name: &str, name: &str) -> Option<Operation> {
    if service_name == ANY {
        return None;
    }
    find_in(service(service_name)?, name)
}

/// What the verb of an operation that the table does not hold says about it.
pub fn by_verb(name: &str) -> Option<Operation> {
    let verb = name.split('-').next().unwrap_or_default();
    find_in(service(ANY)?, verb)
}

impl Operation {
    /// The operation that reads what this one would take away.
    pub fn look(&self) -> Option<ReadingOperation> {
        let head = *self.record.get(1)?;
        if head & HAS_LOOK == 0 {
            return None;
        }
        let mut at = 2 + 2 * words_of(head);
        let (operation, _) = self.name(&mut at)?;
        let count = *self.record.get(at)?;
        at += 1;
        let mut parameters = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let (name, plural) = self.name(&mut at)?;
            let own = if plural {
                format!("{name}s")
            } else {
                name.clone()
            };
            parameters.push((name, own));
        }
        Some(ReadingOperation {
            operation,
            parameters,
        })
    }

    /// The name that starts at `at`, which is moved past it, and whether it is marked.
    fn name(&self, at: &mut usize) -> Option<(String, bool)> {
        let head = *self.record.get(*at)?;
        let mut name = String::new();
        for number in 0..words_of(head) {
            let id = u16::from_le_bytes(pair(self.record, *at + 1 + 2 * number)?);
            if number > 0 {
                name.push('-');
            }
            name.push_str(std::str::from_utf8(word(usize::from(id))?).ok()?);
        }
        *at += 1 + 2 * words_of(head);
        Some((name, head & PLURAL != 0))
    }
}

/// The number of words that a record or a name begins with.
fn words_of(head: u8) -> usize {
    usize::from(head & !(STREAMS | HAS_LOOK))
}

fn pair(bytes: &[u8], at: usize) -> Option<[u8; 2]> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok()
}

fn number(at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(pair(TABLE, at)?)))
}

/// Where the parts of the table start.
struct Parts {
    words: usize,
    services: usize,
    word_index: usize,
    service_index: usize,
    operation_index: usize,
    text: usize,
    records: usize,
}

fn parts() -> Option<Parts> {
    let (words, services, operations) = (number(0)?, number(2)?, number(4)?);
    let word_index = 8;
    let service_index = word_index + 2 * (words + 1);
    let operation_index = service_index + 4 * (services + 1);
    let text = operation_index + 3 * (operations + 1);
    let records = text + number(word_index + 2 * words)?;
    Some(Parts {
        words,
        services,
        word_index,
        service_index,
        operation_index,
        text,
        records,
    })
}

fn word(id: usize) -> Option<&'static [u8]> {
    let parts = parts()?;
    let start = number(parts.word_index + 2 * id)?;
    let end = number(parts.word_index + 2 * (id + 1))?;
    TABLE.get(parts.text + start..parts.text + end)
}

/// The number of a word.
fn id(text: &str) -> Option<usize> {
    search(parts()?.words, |at| {
        word(at).map(|word| word.cmp(text.as_bytes()))
    })
}

/// The place, among `count` in order, that compares as equal.
fn search(count: usize, compare: impl Fn(usize) -> Option<std::cmp::Ordering>) -> Option<usize> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match compare(middle)? {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Some(middle),
        }
    }
    None
}

/// The numbers of a service's operations.
fn service(name: &str) -> Option<std::ops::Range<usize>> {
    let parts = parts()?;
    let wanted = id(name)?;
    let entry = |at: usize| parts.service_index + 4 * at;
    let at = search(parts.services, |at| Some(number(entry(at))?.cmp(&wanted)))?;
    Some(number(entry(at) + 2)?..number(entry(at + 1) + 2)?)
}

fn find_in(range: std::ops::Range<usize>, name: &str) -> Option<Operation> {
    let ids: Vec<usize> = name.split('-').map(id).collect::<Option<_>>()?;
    let at = search(range.len(), |at| {
        let record = record(range.start + at)?;
        let count = words_of(*record.get(1)?);
        let own = (0..count).map(|word| {
            pair(record, 2 + 2 * word).map_or(usize::MAX, |id| usize::from(u16::from_le_bytes(id)))
        });
        Some(own.cmp(ids.iter().copied()))
    })?;
    let record = record(range.start + at)?;
    Some(Operation {
        class: CLASSES.get(usize::from(*record.first()?)).copied()?,
        streams: record.get(1)? & STREAMS != 0,
        record,
    })
}

fn record(at: usize) -> Option<&'static [u8]> {
    let parts = parts()?;
    let offset = |at: usize| {
        let from = parts.operation_index + 3 * at;
        let bytes = TABLE.get(from..from + 3)?;
        bytes
            .iter()
            .rev()
            .try_fold(0, |sum, byte| Some((sum << 8) | usize::from(*byte)))
    };
    TABLE.get(parts.records + offset(at)?..parts.records + offset(at + 1)?)
}

/// All operations, for tests: service and name.
#[cfg(test)]
pub fn all() -> Vec<(String, Operation)> {
    let parts = parts().unwrap_or_else(|| unreachable!());
    (0..parts.services)
        .filter_map(|at| {
            let name = word(number(parts.service_index + 4 * at)?)?;
            Some((String::from_utf8_lossy(name).into_owned(), at))
        })
        .filter(|(name, _)| name != ANY)
        .flat_map(|(name, at)| {
            let first = number(parts.service_index + 4 * at + 2).unwrap_or(0);
            let end = number(parts.service_index + 4 * (at + 1) + 2).unwrap_or(0);
            (first..end).filter_map(move |at| {
                let record = record(at)?;
                let operation = Operation {
                    class: CLASSES.get(usize::from(*record.first()?)).copied()?,
                    streams: false,
                    record,
                };
                let (own, _) = operation.name(&mut 1)?;
                Some((format!("{name} {own}"), operation))
            })
        })
        .collect()
}

/// The class of an operation as far as its names tell.
pub fn class(verb: &[Cow<'static, str>]) -> &'static str {
    match verb {
        [] => "read",
        // A service alone is a mistake that the CLI complains about; `configure` and `login` ask.
        [service] if has_service(service) => "write",
        [_, wait, ..] if wait == "wait" => "read",
        [service, operation, ..] => find(service, operation)
            .or_else(|| by_verb(operation))
            .map_or(UNKNOWN, |operation| operation.class),
        [_] => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_operation_is_found_by_its_name() {
        let all = all();
        assert!(all.len() > 18_000, "{}", all.len());
        assert!(TABLE.len() < 400 << 10, "{}", TABLE.len());
        for (name, operation) in all {
            let (service, own) = name.split_once(' ').unwrap();
            assert_eq!(find(service, own).unwrap().class, operation.class, "{name}");
        }
    }

    #[test]
    fn names_that_the_table_does_not_hold() {
        for (service, name) in [
            ("ec2", ""),
            ("ec2", "terminate"),
            ("ec2", "terminate-instances-x"),
            ("ec2", "terminate--instances"),
            ("", "terminate-instances"),
            ("*", "delete"),
            ("ec", "describe-instances"),
        ] {
            assert!(find(service, name).is_none(), "{service} {name}");
        }
        assert!(!has_service("*") && !has_service("instances") && has_service("s3"));
    }

    #[test]
    fn looks() {
        let look = |service, name| find(service, name).and_then(|found| found.look());
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            let pair = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
            pairs.iter().map(pair).collect()
        };
        let found = look("rds", "delete-db-instance").unwrap();
        assert_eq!(found.operation, "describe-db-instances");
        assert_eq!(
            found.parameters,
            pairs(&[("db-instance-identifier", "db-instance-identifier")])
        );
        let found = look("ec2", "delete-volume").unwrap();
        assert_eq!(found.parameters, pairs(&[("volume-id", "volume-ids")]));
        assert_eq!(look("ec2", "describe-volumes"), None);
        assert_eq!(look("sts", "get-caller-identity"), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_stumble(service in "\\PC{0,8}|ec2|s3api", name in "([a-z-]|\\PC){0,20}") {
            let _ = find(&service, &name);
            let _ = by_verb(&name);
        }
    }
}
