//! What holds for a bucket as a whole: its address, whether it keeps old versions, its tags.

use serde_json::Value;

use super::client::{AwsProbe, Measured, PendingLook, Reply, list, number, shown, text};
use guard_core::invocation::Word;
use guard_core::loss::Loss;

/// Bucket and key of `s3://bucket/key`; access points have other names and are not listed.
pub fn address(word: &Word) -> Option<(String, String)> {
    let rest = word.text.to_str()?.strip_prefix("s3://")?;
    if rest.starts_with("arn:") {
        return None;
    }
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    Some((bucket.to_owned(), key.to_owned()))
}

/// Starts to ask whether a bucket keeps old versions.
pub fn start_versioning(aws: &AwsProbe<'_>, bucket: &str) -> Measured<PendingLook> {
    aws.start(&["s3api", "get-bucket-versioning", "--bucket", bucket])
}

/// Whether a bucket keeps old versions, and the sentence that says so.
pub fn versioning(pending: Measured<PendingLook>) -> (bool, String) {
    let status = match pending.and_then(PendingLook::reply) {
        Ok(Reply::Found(value)) => text(&value, "Status").unwrap_or_default(),
        Ok(Reply::Missing(_)) => String::new(),
        Err(why) => return (false, format!("versioning is not known ({})", shown(&why))),
    };
    match status.as_str() {
        "Enabled" => (
            true,
            "the bucket is versioned: what is deleted can be brought back until a rule expires it"
                .to_owned(),
        ),
        "Suspended" => (false, "versioning is suspended".to_owned()),
        _ => (false, "the bucket is not versioned".to_owned()),
    }
}

/// Starts to ask for a bucket's tags.
pub(super) fn start_tags(aws: &AwsProbe<'_>, bucket: &str) -> Measured<PendingLook> {
    aws.start(&["s3api", "get-bucket-tagging", "--bucket", bucket])
}

/// What a reader should know about a bucket besides.
pub(super) fn about_bucket(versions: Measured<PendingLook>, tags: Measured<PendingLook>) -> Loss {
    let mut loss = Loss::default();
    loss.fact(versioning(versions).1);
    loss.tags = match tags.and_then(PendingLook::reply) {
        Ok(Reply::Found(value)) => super::tags::within(&value, 0),
        Ok(Reply::Missing(_)) => Some(Vec::new()),
        Err(_) => None,
    };
    if let Some(tags) = loss.tags.as_ref().filter(|tags| !tags.is_empty()) {
        let shown = format!("tags of the bucket: {}", super::tags::shown(tags));
        loss.fact(shown);
    }
    loss
}

/// The versions that a bucket holds: current ones and their bytes, and older ones.
pub fn all_versions(value: &Value) -> (Vec<String>, u64, u64, bool) {
    let (mut keys, mut bytes, mut older) = (Vec::new(), 0_u64, 0_u64);
    for version in list(value, "Versions") {
        bytes = bytes.saturating_add(number(version, "Size"));
        if version.get("IsLatest").and_then(Value::as_bool) == Some(true) {
            keys.extend(text(version, "Key"));
        } else {
            older += 1;
        }
    }
    (keys, bytes, older, value.get("NextToken").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("s3://b", Some(("b", ""))),
            ("s3://b/", Some(("b", ""))),
            ("s3://b/k/x", Some(("b", "k/x"))),
            ("s3://arn:aws:s3:us-east-1:1:accesspoint/x/k", None),
            ("./x", None),
        ] {
            let found = address(&Word::known(text));
            let expected = expected.map(|(bucket, key)| (bucket.to_owned(), key.to_owned()));
            assert_eq!(found, expected, "{text}");
        }
    }
}
