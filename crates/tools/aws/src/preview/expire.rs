//! Settings by which stored data is deleted from now on.

use serde_json::Value;

use super::client::{AwsProbe, Measured, number, shown, value, values};
use super::data::find_log_group;
use super::{loss_of, lot, nothing};
use guard_core::invocation::Invocation;
use guard_core::preview::Preview;
use guard_ground::yaml;
use guard_words::Measure;

/// Whether the setting, as the arguments give it, deletes nothing at all.
pub fn expires_nothing(invocation: &Invocation) -> bool {
    let [service, operation, ..] = invocation.verb.as_slice() else {
        return false;
    };
    match (&**service, &**operation) {
        ("s3api" | "s3control", name) if name.starts_with("put-bucket-lifecycle") => {
            let given = values(invocation, "lifecycle-configuration");
            !given.is_empty()
                && given.iter().all(|text| {
                    yaml::only(text).is_some_and(|rules| rules.is_object() && !expires(&rules))
                })
        }
        ("dynamodb", "update-time-to-live") => values(invocation, "time-to-live-specification")
            .iter()
            .any(|given| is_off(given)),
        _ => false,
    }
}

/// Whether a lifecycle holds a rule that deletes objects or versions.
fn expires(rules: &Value) -> bool {
    match rules {
        Value::Object(map) => map.iter().any(|(name, inner)| {
            matches!(name.as_str(), "Expiration" | "NoncurrentVersionExpiration") || expires(inner)
        }),
        Value::Array(items) => items.iter().any(expires),
        _ => false,
    }
}

/// `Enabled=false,AttributeName=x`, or the same in JSON.
fn is_off(given: &str) -> bool {
    match yaml::only(given) {
        Some(Value::Object(map)) => map.get("Enabled") == Some(&Value::Bool(false)),
        _ => given
            .split(',')
            .filter_map(|member| member.split_once('='))
            .any(|(name, value)| name == "Enabled" && value.eq_ignore_ascii_case("false")),
    }
}

/// `logs put-retention-policy`: a shorter time than now deletes what is older.
pub fn log_retention(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    let missing = "the log group and its retention are not on the command line";
    let name = value(invocation, "log-group-name").ok_or(missing)?;
    let days: u64 = value(invocation, "retention-in-days")
        .and_then(|days| days.parse().ok())
        .ok_or(missing)?;
    let Some(group) = find_log_group(aws, &name)? else {
        return Ok(nothing("the log group is not there"));
    };
    let now = number(&group, "retentionInDays");
    if now > 0 && days >= now {
        return Ok(nothing(
            "the log group keeps its events no shorter than now",
        ));
    }
    let bytes = number(&group, "storedBytes");
    let example = shown(&format!("log group {name}"));
    let counted = lot(
        Measure::Resources,
        1,
        None,
        "whose older events are deleted",
        vec![example],
    );
    let mut loss = loss_of(counted, "expire", shown(&format!("log group {name}")));
    let kept = if now == 0 {
        "for ever".to_owned()
    } else {
        format!("for {now} days")
    };
    loss.fact(format!(
        "it keeps events {kept} now, and for {days} days from then on"
    ));
    loss.fact(format!(
        "it holds {} now",
        guard_ground::text::human_bytes(bytes)
    ));
    Ok(Preview::Exact(loss))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lifecycles_that_delete() {
        for (rules, deletes) in [
            (json!({"Rules": [{"Expiration": {"Days": 1}}]}), true),
            (
                json!({"Rules": [{"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}]}),
                true,
            ),
            (json!({"Rules": [{"Transitions": [{"Days": 30}]}]}), false),
        ] {
            assert_eq!(expires(&rules), deletes, "{rules}");
        }
        assert!(is_off("Enabled=false,AttributeName=x"));
        assert!(is_off(r#"{"Enabled": false}"#));
        assert!(!is_off("Enabled=true,AttributeName=x"));
    }
}
