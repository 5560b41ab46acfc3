//! Tables of `DynamoDB`: what makes one again, and its items.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::dynamo::{refuse_bytes, saved, settled, write};
use super::reach::{AccountReach, Answered, list, text};
use guard_store::Unsaved;
use guard_store::manifest::Blob;
use guard_store::reader::BackupReader;
use guard_store::writer::Writer;

/// A table with its items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDynamoTable {
    /// Its name.
    pub name: String,
    /// What `create-table` has to be told, in JSON; `None` where there was none.
    pub definition: Option<Blob>,
    /// The attribute by which its items expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<String>,
    /// All items, as a list in JSON.
    pub items: Option<Blob>,
    /// How many.
    pub count: u64,
}

/// What is known of a table that is there.
pub(super) struct PresentTable {
    /// What `create-table` would have to be told.
    pub definition: Value,
    /// Its items.
    pub items: Vec<Value>,
}

/// A table as it is now, with all its items.
pub(super) fn table(reach: &AccountReach<'_>, name: &str) -> Result<Option<PresentTable>, String> {
    let input = json!({"TableName": name});
    let described = match reach.call(&["dynamodb", "describe-table"], &input)? {
        Answered::Missing => return Ok(None),
        Answered::Found(answer) => answer.get("Table").cloned().unwrap_or_default(),
    };
    let scanned = reach.done(
        &["dynamodb", "scan"],
        &json!({"TableName": name, "ConsistentRead": true}),
    )?;
    let items = list(&scanned, "Items").to_vec();
    let count = scanned.get("Count").and_then(Value::as_u64);
    if count != Some(items.len() as u64) {
        return Err(format!("not all items of table {name} were read"));
    }
    Ok(Some(PresentTable {
        definition: definition(name, &described),
        items,
    }))
}

/// What makes a table again: keys, indexes, capacity, stream, encryption.
fn definition(name: &str, described: &Value) -> Value {
    let mut told = Map::new();
    told.insert("TableName".to_owned(), name.into());
    for member in [
        "AttributeDefinitions",
        "KeySchema",
        "DeletionProtectionEnabled",
    ] {
        if let Some(value) = described.get(member) {
            told.insert(member.to_owned(), value.clone());
        }
    }
    let on_demand = described
        .pointer("/BillingModeSummary/BillingMode")
        .and_then(Value::as_str)
        == Some("PAY_PER_REQUEST");
    let mode = if on_demand {
        "PAY_PER_REQUEST"
    } else {
        "PROVISIONED"
    };
    told.insert("BillingMode".to_owned(), mode.into());
    let capacity = |value: &Value| {
        let units = |member: &str| {
            let number = value.pointer(&format!("/ProvisionedThroughput/{member}"));
            number.and_then(Value::as_u64).unwrap_or(1).max(1)
        };
        json!({"ReadCapacityUnits": units("ReadCapacityUnits"), "WriteCapacityUnits": units("WriteCapacityUnits")})
    };
    if !on_demand {
        told.insert("ProvisionedThroughput".to_owned(), capacity(described));
    }
    for (member, global) in [
        ("LocalSecondaryIndexes", false),
        ("GlobalSecondaryIndexes", true),
    ] {
        let indexes: Vec<Value> = list(described, member)
            .iter()
            .map(|index| {
                let mut one = Map::new();
                for member in ["IndexName", "KeySchema", "Projection"] {
                    if let Some(value) = index.get(member) {
                        one.insert(member.to_owned(), value.clone());
                    }
                }
                if global && !on_demand {
                    one.insert("ProvisionedThroughput".to_owned(), capacity(index));
                }
                Value::Object(one)
            })
            .collect();
        if !indexes.is_empty() {
            told.insert(member.to_owned(), indexes.into());
        }
    }
    if let Some(stream) = described.get("StreamSpecification") {
        told.insert("StreamSpecification".to_owned(), stream.clone());
    }
    let class = described.pointer("/TableClassSummary/TableClass");
    if let Some(class) = class {
        told.insert("TableClass".to_owned(), class.clone());
    }
    if text(
        described.get("SSEDescription").unwrap_or(&Value::Null),
        "Status",
    ) == "ENABLED"
    {
        let mut encryption = json!({"Enabled": true, "SSEType": "KMS"});
        let key = described.pointer("/SSEDescription/KMSMasterKeyArn");
        if let (Some(map), Some(key)) = (encryption.as_object_mut(), key) {
            map.insert("KMSMasterKeyId".to_owned(), key.clone());
        }
        told.insert("SSESpecification".to_owned(), encryption);
    }
    Value::Object(told)
}

/// Saves a table; nothing of it where there is none.
pub(super) fn save_table(
    reach: &AccountReach<'_>,
    name: &str,
    writer: &Writer,
) -> Result<KeptDynamoTable, Unsaved> {
    let Some(present) = table(reach, name)? else {
        return Ok(KeptDynamoTable {
            name: name.to_owned(),
            definition: None,
            expiry: None,
            items: None,
            count: 0,
        });
    };
    refuse_bytes(reach, present.items.iter())?;
    let count = present.items.len() as u64;
    let items = Value::Array(present.items).to_string();
    writer.count(count + 1, items.len() as u64)?;
    let input = json!({"TableName": name});
    let mut definition = present.definition;
    let expiry = reach.done(&["dynamodb", "describe-time-to-live"], &input);
    let expiry = expiry.ok().and_then(|answer| {
        let told = answer.get("TimeToLiveDescription")?;
        (text(told, "TimeToLiveStatus") == "ENABLED")
            .then(|| text(told, "AttributeName").to_owned())
    });
    tags(reach, name, &mut definition);
    writer.pass_over(format!(
        "backups, policies, alarms, replicas and scaling of table {name}: it comes back without them"
    ));
    Ok(KeptDynamoTable {
        name: name.to_owned(),
        definition: Some(writer.bytes(definition.to_string().as_bytes())?),
        expiry,
        items: Some(writer.bytes(items.as_bytes())?),
        count,
    })
}

/// Adds a table's tags to its definition.
fn tags(reach: &AccountReach<'_>, name: &str, definition: &mut Value) {
    let described = reach.done(&["dynamodb", "describe-table"], &json!({"TableName": name}));
    let arn = described.ok().and_then(|answer| {
        let arn = answer.pointer("/Table/TableArn")?.as_str()?;
        Some(arn.to_owned())
    });
    let answer = arn.and_then(|arn| {
        let words = ["dynamodb", "list-tags-of-resource"];
        reach.done(&words, &json!({"ResourceArn": arn})).ok()
    });
    let tags = answer.map(|answer| list(&answer, "Tags").to_vec());
    if let (Some(map), Some(tags)) = (
        definition.as_object_mut(),
        tags.filter(|tags| !tags.is_empty()),
    ) {
        map.insert("Tags".to_owned(), tags.into());
    }
}

/// The items of a table that was saved.
pub(super) fn items(kept: &KeptDynamoTable, reader: &BackupReader) -> Result<Vec<Value>, String> {
    let items = saved(kept.items.as_ref(), reader)?;
    Ok(items
        .and_then(|items| items.as_array().cloned())
        .unwrap_or_default())
}

/// How many of the items are not there as they were.
pub(super) fn lacking(saved: &[Value], present: &[Value]) -> usize {
    let mut sums: BTreeMap<String, usize> = BTreeMap::new();
    for item in present {
        *sums.entry(canonical(item)).or_default() += 1;
    }
    let mut lacking = 0;
    for item in saved {
        match sums.get_mut(&canonical(item)) {
            Some(count) if *count > 0 => *count -= 1,
            _ => lacking += 1,
        }
    }
    lacking
}

/// An item as one text, whatever the order of its attributes.
fn canonical(item: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let ordered: BTreeMap<&String, Value> = map
                    .iter()
                    .map(|(name, value)| (name, sorted(value)))
                    .collect();
                Value::Object(
                    ordered
                        .into_iter()
                        .map(|(name, value)| (name.clone(), value))
                        .collect(),
                )
            }
            Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    sorted(&settled(item)).to_string()
}

/// Makes a table again and fills it; one that is there gets the items that it lacks.
pub(super) fn restore_table(
    reach: &AccountReach<'_>,
    kept: &KeptDynamoTable,
    reader: &BackupReader,
) -> Result<(), String> {
    let input = json!({"TableName": kept.name});
    let present = table(reach, &kept.name)?;
    let Some(blob) = &kept.definition else {
        if present.is_some() {
            reach.done(&["dynamodb", "delete-table"], &input)?;
            reach.call(
                &[
                    "dynamodb",
                    "wait",
                    "table-not-exists",
                    "--table-name",
                    &kept.name,
                ],
                &Value::Null,
            )?;
        }
        return Ok(());
    };
    let all = items(kept, reader)?;
    let there = if let Some(present) = present {
        present.items
    } else {
        let definition: Value = serde_json::from_slice(&reader.bytes(blob)?)
            .map_err(|_| "what was saved of a table cannot be read".to_owned())?;
        reach.done(&["dynamodb", "create-table"], &definition)?;
        let words = [
            "dynamodb",
            "wait",
            "table-exists",
            "--table-name",
            &kept.name,
        ];
        reach.call(&words, &Value::Null)?;
        Vec::new()
    };
    let there: HashSet<String> = there.iter().map(canonical).collect();
    let requests: Vec<(&str, Value)> = all
        .iter()
        .filter(|item| !there.contains(&canonical(item)))
        .map(|item| (kept.name.as_str(), json!({"PutRequest": {"Item": item}})))
        .collect();
    write(reach, &requests)?;
    if let Some(attribute) = &kept.expiry {
        let input = json!({"TableName": kept.name, "TimeToLiveSpecification": {"Enabled": true, "AttributeName": attribute}});
        // Where it is set already the service says so.
        let _ = reach.done(&["dynamodb", "update-time-to-live"], &input);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_that_are_lacking() {
        let one = json!({"id": {"S": "1"}, "tags": {"SS": ["a", "b"]}});
        let same = json!({"tags": {"SS": ["b", "a"]}, "id": {"S": "1"}});
        let other = json!({"id": {"S": "2"}});
        let present = [same, other.clone()];
        assert_eq!(lacking(&[one.clone(), other], &present), 0);
        assert_eq!(lacking(&[one.clone(), one], &present), 1);
    }

    #[test]
    fn definitions_of_tables() {
        let described = json!({
            "TableName": "t", "TableStatus": "ACTIVE", "ItemCount": 3,
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 2, "NumberOfDecreasesToday": 0},
            "GlobalSecondaryIndexes": [{
                "IndexName": "i", "KeySchema": [], "Projection": {"ProjectionType": "ALL"}, "IndexStatus": "ACTIVE",
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            }],
        });
        let expected = json!({
            "TableName": "t",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 2},
            "GlobalSecondaryIndexes": [{
                "IndexName": "i", "KeySchema": [], "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            }],
        });
        assert_eq!(definition("t", &described), expected);
    }
}
