//! Tables, queues and log groups: how much is in them.

use serde_json::Value;

use super::client::{
    AwsProbe, Measured, PendingLook, Reply, list, number, shown, text, value, values,
};
use super::{loss_of, lot, nothing, saving, tags};
use crate::backup::{ItemTarget, Things};
use guard_core::invocation::Invocation;
use guard_core::loss::Loss;
use guard_core::preview::Preview;
use guard_ground::yaml;
use guard_words::Measure;

/// `dynamodb delete-table`.
pub fn table(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    let name = named(invocation, "table-name")?;
    // AWS counts items every six hours; whether there is one now, a scan says.
    let first = aws.start(&[
        "dynamodb",
        "scan",
        "--table-name",
        &name,
        "--select",
        "COUNT",
        "--limit",
        "1",
        "--no-paginate",
    ]);
    let words = ["dynamodb", "describe-table", "--table-name", &name];
    let answer = match aws.ask(&words)? {
        Reply::Missing(why) => return Ok(nothing(format!("it is not there: {}", shown(&why)))),
        Reply::Found(answer) => answer,
    };
    let described = answer.get("Table").unwrap_or(&Value::Null);
    if super::look::is_protected(described) {
        return Ok(nothing("it is protected against deletion, so AWS refuses"));
    }
    let counted = number(described, "ItemCount");
    let now = match first.and_then(PendingLook::reply) {
        Ok(Reply::Found(scan)) => Some(number(&scan, "Count")),
        _ => None,
    };
    let count = counted.max(now.unwrap_or(0));
    if count == 0 && now == Some(0) {
        return Ok(nothing("the table is empty"));
    }
    let bytes = number(described, "TableSizeBytes");
    let items = lot(
        Measure::Items,
        count,
        Some(bytes).filter(|bytes| *bytes > 0),
        "in the table",
        vec![shown(&name)],
    );
    let mut loss = loss_of(items, "delete", shown(&format!("in table {name}")));
    loss.fact("AWS counts the items of a table every six hours");
    let tags = text(described, "TableArn").and_then(|arn| tags::of_arn(aws, &arn));
    with_tags(&mut loss, tags);
    let things = Things {
        tables: vec![name],
        ..Things::default()
    };
    // Its settings do not all come back.
    saving(&mut loss, things, false);
    if now.is_none() && count == 0 {
        return Ok(Preview::Unknown(
            "whether the table is empty could not be seen".to_owned(),
            loss,
        ));
    }
    Ok(Preview::Exact(loss))
}

fn named(invocation: &Invocation, parameter: &str) -> Measured<String> {
    value(invocation, parameter)
        .filter(|name| !name.starts_with('-'))
        .ok_or_else(|| format!("--{parameter} is not on the command line"))
}

fn with_tags(loss: &mut Loss, tags: Option<Vec<(String, String)>>) {
    if let Some(tags) = tags.as_ref().filter(|tags| !tags.is_empty()) {
        loss.fact(format!("tags: {}", tags::shown(tags)));
    }
    loss.tags = tags;
}

/// `dynamodb batch-write-item` and `transact-write-items`: the items that a request deletes.
pub fn batch(invocation: &Invocation) -> Measured<Preview> {
    let mut deleted = 0_u64;
    let mut targets = Vec::new();
    for parameter in ["request-items", "transact-items"] {
        for request in values(invocation, parameter) {
            let parsed = yaml::only(&request)
                .filter(|request| request.is_object() || request.is_array())
                .ok_or("the request cannot be read")?;
            deleted += deletions(&parsed);
            targets.extend(deleted_items(&parsed));
        }
    }
    if deleted == 0 {
        return Ok(nothing("the request deletes nothing"));
    }
    let items = lot(
        Measure::Items,
        deleted,
        None,
        "that the request deletes",
        Vec::new(),
    );
    let mut loss = loss_of(items, "delete", String::new());
    let things = Things {
        items: targets,
        ..Things::default()
    };
    let whole = things.items.len() as u64 == deleted;
    saving(&mut loss, things, whole);
    Ok(Preview::Exact(loss))
}

/// `dynamodb delete-item`.
pub fn item(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    let look = crate::table::find("dynamodb", "delete-item")
        .and_then(|known| known.look())
        .ok_or("guard knows no way to look at what it changes")?;
    let mut preview = super::look::at(aws, invocation, "dynamodb", &look)?;
    let key = value(invocation, "key").and_then(|key| yaml::only(&key));
    if let (Preview::Exact(loss), Some(table), Some(key)) = (
        &mut preview,
        value(invocation, "table-name"),
        key.filter(is_key),
    ) {
        let things = Things {
            items: vec![ItemTarget { table, key }],
            ..Things::default()
        };
        if !loss.is_none() {
            saving(loss, things, true);
        }
    }
    Ok(preview)
}

/// Whether this is a key as `DynamoDB` writes it.
fn is_key(key: &Value) -> bool {
    key.as_object()
        .is_some_and(|key| !key.is_empty() && key.values().all(Value::is_object))
}

/// The items that a request deletes, by table: `{"t": [{"DeleteRequest": {"Key": …}}]}` and
/// `[{"Delete": {"TableName": "t", "Key": …}}]`.
fn deleted_items(request: &Value) -> Vec<ItemTarget> {
    let mut found = Vec::new();
    let mut add = |table: &str, key: Option<&Value>| {
        if let Some(key) = key.filter(|key| is_key(key)) {
            found.push(ItemTarget {
                table: table.to_owned(),
                key: key.clone(),
            });
        }
    };
    match request {
        Value::Object(tables) => {
            for (table, requests) in tables {
                for request in requests.as_array().into_iter().flatten() {
                    add(table, request.pointer("/DeleteRequest/Key"));
                }
            }
        }
        Value::Array(requests) => {
            for request in requests {
                let table = request.pointer("/Delete/TableName").and_then(Value::as_str);
                add(table.unwrap_or_default(), request.pointer("/Delete/Key"));
            }
        }
        _ => {}
    }
    found
}

fn deletions(value: &Value) -> u64 {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(name, inner)| match name.as_str() {
                "DeleteRequest" | "Delete" => 1,
                // What is put may be called anything.
                "PutRequest" | "Put" => 0,
                _ => deletions(inner),
            })
            .sum(),
        Value::Array(items) => items.iter().map(deletions).sum(),
        _ => 0,
    }
}

/// `sqs purge-queue` and `delete-queue`.
pub fn queue(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    let url = named(invocation, "queue-url")?;
    let tagged = aws.start(&["sqs", "list-queue-tags", "--queue-url", &url]);
    let words = [
        "sqs",
        "get-queue-attributes",
        "--attribute-names",
        "All",
        "--queue-url",
        &url,
    ];
    let answer = match aws.ask(&words)? {
        Reply::Missing(why) => return Ok(nothing(format!("it is not there: {}", shown(&why)))),
        Reply::Found(answer) => answer,
    };
    let attributes = answer.get("Attributes").unwrap_or(&Value::Null);
    let count = |name: &str| {
        text(attributes, name)
            .and_then(|count| count.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let waiting = count("ApproximateNumberOfMessages");
    let taken = count("ApproximateNumberOfMessagesNotVisible");
    let delayed = count("ApproximateNumberOfMessagesDelayed");
    let name = url.rsplit('/').next().unwrap_or_default().to_owned();
    let messages = waiting + taken + delayed;
    if messages == 0 {
        return Ok(nothing("the queue is empty"));
    }
    let counted = lot(
        Measure::Messages,
        messages,
        None,
        "in the queue, as SQS estimates",
        vec![shown(&name)],
    );
    let mut loss = loss_of(counted, "delete", shown(&format!("in queue {name}")));
    loss.fact(format!(
        "{waiting} waiting, {taken} being worked on, {delayed} delayed"
    ));
    let tags = match tagged.and_then(PendingLook::reply) {
        Ok(Reply::Found(answer)) => Some(tags::within(&answer, 0).unwrap_or_default()),
        _ => None,
    };
    with_tags(&mut loss, tags);
    Ok(Preview::Exact(loss))
}

/// `logs delete-log-group`.
pub fn log_group(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    let name = named(invocation, "log-group-name")?;
    let Some(group) = find_log_group(aws, &name)? else {
        return Ok(nothing("the log group is not there"));
    };
    let bytes = number(&group, "storedBytes");
    let example = shown(&format!("log group {name}"));
    let counted = lot(Measure::Resources, 1, Some(bytes), "", vec![example]);
    let mut loss = loss_of(counted, "delete", shown(&format!("log group {name}")));
    loss.fact("AWS counts stored bytes with a delay");
    let arn = text(&group, "arn").unwrap_or_default();
    with_tags(&mut loss, tags::of_arn(aws, arn.trim_end_matches(":*")));
    Ok(Preview::Exact(loss))
}

/// A log group by its whole name.
pub fn find_log_group(aws: &AwsProbe<'_>, name: &str) -> Measured<Option<Value>> {
    let words = [
        "logs",
        "describe-log-groups",
        "--log-group-name-prefix",
        name,
    ];
    Ok(match aws.ask(&words)? {
        Reply::Missing(_) => None,
        Reply::Found(answer) => list(&answer, "logGroups")
            .iter()
            .find(|group| text(group, "logGroupName").as_deref() == Some(name))
            .cloned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::deletions;

    #[test]
    fn deletions_in_requests() {
        for (request, count) in [
            (
                json!({"t": [{"DeleteRequest": {"Key": {}}}, {"PutRequest": {"Item": {}}}]}),
                1,
            ),
            (
                json!({"t": [{"PutRequest": {"Item": {"Delete": {"S": "x"}}}}]}),
                0,
            ),
            (json!([{"Delete": {"Key": {}}}, {"Delete": {"Key": {}}}]), 2),
        ] {
            assert_eq!(deletions(&request), count, "{request}");
        }
    }
}
