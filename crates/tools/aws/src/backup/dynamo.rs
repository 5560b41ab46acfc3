//! Items of `DynamoDB`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::reach::{AccountReach, Answered};
use guard_ground::sanitize;
use guard_store::Unsaved;
use guard_store::manifest::Blob;
use guard_store::reader::BackupReader;
use guard_store::writer::Writer;

/// `BatchGetItem` takes no more keys.
const READS: usize = 100;
/// `BatchWriteItem` takes no more requests.
const WRITES: usize = 25;
/// What is not done is tried again so often.
const TRIES: usize = 5;

/// An item that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemTarget {
    /// The table.
    pub table: String,
    /// The key, as `DynamoDB` writes it: `{"id": {"S": "1"}}`.
    pub key: Value,
}

/// A key of a table, and the item that was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptItem {
    /// The table.
    pub table: String,
    /// The key.
    pub key: Value,
    /// The item, in JSON; `None` where there was none.
    pub content: Option<Blob>,
}

impl KeptItem {
    /// For a screen; sanitised.
    pub fn shown(&self) -> String {
        let text = format!("item {} of table {}", self.key, self.table);
        sanitize::cut(&sanitize::text(&text), 160)
    }
}

/// The same item in one form: the members of sets stand in any order.
pub(super) fn settled(item: &Value) -> Value {
    match item {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(name, value)| {
                    let mut value = settled(value);
                    if matches!(name.as_str(), "SS" | "NS" | "BS")
                        && let Some(members) = value.as_array_mut()
                    {
                        members.sort_by_key(Value::to_string);
                    }
                    (name.clone(), value)
                })
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.iter().map(settled).collect()),
        other => other.clone(),
    }
}

/// Whether two items are the same.
pub(super) fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    one.map(settled) == other.map(settled)
}

/// Whether an item has the key.
pub(super) fn has_key(item: &Value, key: &Value) -> bool {
    key.as_object().is_some_and(|key| {
        key.iter()
            .all(|(name, value)| item.get(name) == Some(value))
    })
}

/// Whether an item holds bytes, which the CLI's first version cannot write as it read them.
fn has_bytes(item: &Value) -> bool {
    match item {
        Value::Object(map) => map
            .iter()
            .any(|(name, value)| matches!(name.as_str(), "B" | "BS") || has_bytes(value)),
        Value::Array(list) => list.iter().any(has_bytes),
        _ => false,
    }
}

pub(super) fn refuse_bytes<'v>(
    reach: &AccountReach<'_>,
    mut items: impl Iterator<Item = &'v Value>,
) -> Result<(), Unsaved> {
    if items.any(has_bytes) && reach.is_first() {
        return Err(Unsaved(
            "it holds binary values, which the AWS CLI 1 cannot write as it reads them".to_owned(),
        ));
    }
    Ok(())
}

/// The items at these keys.
pub(super) fn read(
    reach: &AccountReach<'_>,
    keys: &[ItemTarget],
) -> Result<Vec<Option<Value>>, String> {
    let mut tables: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for target in keys {
        let known = tables.entry(&target.table).or_default();
        if !known.contains(&&target.key) {
            known.push(&target.key);
        }
    }
    let mut found: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (table, keys) in tables {
        for some in keys.chunks(READS) {
            let mut wanted = Map::new();
            wanted.insert(
                table.to_owned(),
                json!({"Keys": some, "ConsistentRead": true}),
            );
            let words = ["dynamodb", "batch-get-item"];
            let answer = match reach.call(&words, &json!({"RequestItems": wanted}))? {
                Answered::Found(answer) => answer,
                // Without its table there is no item.
                Answered::Missing => continue,
            };
            let left = answer.get("UnprocessedKeys").and_then(Value::as_object);
            if left.is_some_and(|left| !left.is_empty()) {
                return Err("DynamoDB is too busy to give all items".to_owned());
            }
            let items = answer.get("Responses").and_then(|all| all.get(table));
            let items = items.and_then(Value::as_array).cloned();
            found
                .entry(table)
                .or_default()
                .extend(items.unwrap_or_default());
        }
    }
    Ok(keys
        .iter()
        .map(|target| {
            let items = found.get(target.table.as_str())?;
            items
                .iter()
                .find(|item| has_key(item, &target.key))
                .cloned()
        })
        .collect())
}

/// Saves items.
pub(super) fn save(
    reach: &AccountReach<'_>,
    targets: &[ItemTarget],
    writer: &Writer,
) -> Result<Vec<KeptItem>, Unsaved> {
    let items = read(reach, targets)?;
    refuse_bytes(reach, items.iter().flatten())?;
    let mut kept: Vec<KeptItem> = Vec::new();
    for (target, item) in targets.iter().zip(items) {
        let is_known = kept
            .iter()
            .any(|one| one.table == target.table && one.key == target.key);
        if is_known {
            continue;
        }
        let content = match item {
            Some(item) => {
                let text = item.to_string();
                writer.count(1, text.len() as u64)?;
                Some(writer.bytes(text.as_bytes())?)
            }
            None => None,
        };
        kept.push(KeptItem {
            table: target.table.clone(),
            key: target.key.clone(),
            content,
        });
    }
    Ok(kept)
}

/// Writes or deletes items: requests by table.
pub(super) fn write(reach: &AccountReach<'_>, requests: &[(&str, Value)]) -> Result<(), String> {
    for some in requests.chunks(WRITES) {
        let mut left = Map::new();
        for (table, request) in some {
            let list = left
                .entry((*table).to_owned())
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Some(list) = list.as_array_mut() {
                list.push(request.clone());
            }
        }
        let mut tries = 0;
        while !left.is_empty() {
            if tries == TRIES {
                return Err("DynamoDB is too busy to take all items".to_owned());
            }
            let words = ["dynamodb", "batch-write-item"];
            let answer = reach.done(&words, &json!({"RequestItems": left}))?;
            let unprocessed = answer.get("UnprocessedItems").and_then(Value::as_object);
            left = unprocessed.cloned().unwrap_or_default();
            tries += 1;
        }
    }
    Ok(())
}

/// An item that was saved.
pub(super) fn saved(blob: Option<&Blob>, reader: &BackupReader) -> Result<Option<Value>, String> {
    blob.map(|blob| {
        serde_json::from_slice(&reader.bytes(blob)?)
            .map_err(|_| "what was saved is no item".to_owned())
    })
    .transpose()
}

/// A key, the item that was there, and the one that is there now.
pub(super) type ItemPair<'k> = (&'k KeptItem, Option<Value>, Option<Value>);

/// All keys with their items.
pub(super) fn pairs<'k>(
    reach: &AccountReach<'_>,
    items: &'k [KeptItem],
    reader: &BackupReader,
) -> Result<Vec<ItemPair<'k>>, String> {
    let keys: Vec<ItemTarget> = items
        .iter()
        .map(|kept| ItemTarget {
            table: kept.table.clone(),
            key: kept.key.clone(),
        })
        .collect();
    items
        .iter()
        .zip(read(reach, &keys)?)
        .map(|(kept, now)| Ok((kept, saved(kept.content.as_ref(), reader)?, now)))
        .collect()
}

/// Puts items back.
pub(super) fn restore(
    reach: &AccountReach<'_>,
    items: &[KeptItem],
    reader: &BackupReader,
) -> Result<(), String> {
    let pairs = pairs(reach, items, reader)?;
    let requests: Vec<(&str, Value)> = pairs
        .iter()
        .filter(|(_, saved, now)| !is_same(saved.as_ref(), now.as_ref()))
        .map(|(kept, saved, _)| {
            let request = match saved {
                Some(item) => json!({"PutRequest": {"Item": item}}),
                None => json!({"DeleteRequest": {"Key": kept.key}}),
            };
            (kept.table.as_str(), request)
        })
        .collect();
    write(reach, &requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_compared_as_sets_are() {
        let one = json!({"id": {"S": "1"}, "tags": {"SS": ["a", "b"]}, "list": {"L": [{"N": "1"}, {"N": "2"}]}});
        let other = json!({"list": {"L": [{"N": "1"}, {"N": "2"}]}, "tags": {"SS": ["b", "a"]}, "id": {"S": "1"}});
        let third = json!({"list": {"L": [{"N": "2"}, {"N": "1"}]}, "tags": {"SS": ["b", "a"]}, "id": {"S": "1"}});
        assert!(is_same(Some(&one), Some(&other)));
        assert!(!is_same(Some(&one), Some(&third)));
        assert!(!is_same(Some(&one), None));
        assert!(!has_bytes(&one));
        assert!(has_bytes(&json!({"x": {"M": {"y": {"B": "AA=="}}}})));
        assert!(has_key(&one, &json!({"id": {"S": "1"}})));
        assert!(!has_key(&one, &json!({"id": {"S": "2"}})));
    }
}
