//! Single objects and whole buckets, as the operations of the S3 API name them.

use serde_json::Value;

use super::bucket::{
    about_bucket, address, all_versions, start_tags, start_versioning, versioning,
};
use super::client::{
    AwsProbe, Measured, PendingLook, Reply, list, number, shown, text, value, values,
};
use super::{loss_of, lot, nothing, saving};
use crate::backup::{DoomedKey, Things};
use guard_core::invocation::Invocation;
use guard_core::preview::Preview;
use guard_ground::yaml;
use guard_words::Measure;

/// So many versions are listed, and no more.
const MOST_VERSIONS: &str = "20000";

/// One object that would be deleted or overwritten.
pub fn one(
    aws: &AwsProbe<'_>,
    bucket: &str,
    key: &str,
    version: Option<&str>,
    verb: &'static str,
) -> Measured<Preview> {
    if key.is_empty() {
        return Ok(nothing("aws wants a key"));
    }
    let versions = start_versioning(aws, bucket);
    let tags = start_tags(aws, bucket);
    let key_word = format!("--key={key}");
    let mut words = vec!["s3api", "head-object", "--bucket", bucket, &key_word];
    if let Some(version) = version {
        words.extend(["--version-id", version]);
    }
    let found = match aws.ask(&words)? {
        Reply::Missing(why) => return Ok(nothing(format!("it is not there: {}", shown(&why)))),
        Reply::Found(found) => found,
    };
    let (kept, sentence) = versioning(versions);
    // A new version leaves the old one where it is.
    if kept && verb == "overwrite" {
        return Ok(nothing(sentence));
    }
    let what = match (verb, version) {
        ("overwrite", _) => "overwritten",
        (_, Some(_)) => "of this version, for good",
        _ => "",
    };
    let address = shown(&format!("s3://{bucket}/{key}"));
    let size = number(&found, "ContentLength");
    let counted = lot(Measure::Objects, 1, Some(size), what, vec![address.clone()]);
    let mut loss = loss_of(counted, verb, format!("at {address}"));
    let mut things = Things::objects(bucket, [key]);
    for target in &mut things.objects {
        target.version = version.map(str::to_owned);
    }
    // A version that comes back is a new one.
    saving(&mut loss, things, version.is_none());
    let about = about_bucket(Err(String::new()), tags);
    loss.tags = about.tags;
    loss.fact(sentence);
    if let Some(modified) = text(&found, "LastModified") {
        loss.fact(format!("last modified {}", shown(&modified)));
    }
    Ok(Preview::Exact(loss))
}

/// `s3api delete-object`.
pub fn delete_one(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    let (bucket, key) = names(invocation)?;
    let version = value(invocation, "version-id");
    one(aws, &bucket, &key, version.as_deref(), "delete")
}

/// `s3api put-object` and `copy-object`.
pub fn overwrite(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    if value(invocation, "if-none-match").is_some() {
        return Ok(nothing("S3 writes only if nothing is there"));
    }
    let (bucket, key) = names(invocation)?;
    one(aws, &bucket, &key, None, "overwrite")
}

fn names(invocation: &Invocation) -> Measured<(String, String)> {
    value(invocation, "bucket")
        .zip(value(invocation, "key"))
        .ok_or_else(|| "bucket and key are not on the command line".to_owned())
}

/// `s3api delete-objects`: the request's keys that are there.
pub fn delete_several(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    let unreadable = || "the keys in the request cannot be read".to_owned();
    let bucket = value(invocation, "bucket").ok_or_else(unreadable)?;
    let request = value(invocation, "delete").ok_or_else(unreadable)?;
    let keys = requested(&request).ok_or_else(unreadable)?;
    if keys.is_empty() {
        return Ok(nothing("the request names no key"));
    }
    let versions = start_versioning(aws, &bucket);
    let tags = start_tags(aws, &bucket);
    let prefix = format!("--prefix={}", common_prefix(&keys));
    let words = [
        "s3api",
        "list-object-versions",
        "--bucket",
        &bucket,
        &prefix,
        "--max-items",
        MOST_VERSIONS,
    ];
    let found = match aws.ask(&words)? {
        Reply::Missing(why) => return Ok(nothing(format!("it is not there: {}", shown(&why)))),
        Reply::Found(found) => found,
    };
    let going: Vec<&Value> = list(&found, "Versions")
        .iter()
        .filter(|version| keys.iter().any(|wanted| wanted.is(version)))
        .collect();
    if going.is_empty() && found.get("NextToken").is_none() {
        return Ok(nothing("none of the keys is there"));
    }
    let bytes = going.iter().map(|version| number(version, "Size")).sum();
    let counted = lot(
        Measure::Objects,
        u64::try_from(going.len()).unwrap_or(u64::MAX),
        Some(bytes),
        &format!("in {}", shown(&format!("s3://{bucket}"))),
        going
            .iter()
            .take(5)
            .filter_map(|version| text(version, "Key"))
            .map(|key| shown(&key))
            .collect(),
    );
    let mut loss = loss_of(
        counted,
        "delete",
        format!("in {}", shown(&format!("s3://{bucket}"))),
    );
    loss.merge(about_bucket(versions, tags));
    Ok(if found.get("NextToken").is_some() {
        Preview::Estimate(loss)
    } else {
        let things = Things {
            objects: keys
                .iter()
                .map(|wanted| DoomedKey {
                    bucket: bucket.clone(),
                    key: wanted.key.clone(),
                    version: wanted.version.clone(),
                })
                .collect(),
            ..Things::default()
        };
        let whole = keys.iter().all(|wanted| wanted.version.is_none());
        saving(&mut loss, things, whole);
        Preview::Exact(loss)
    })
}

/// A key that a request names, and the version.
#[derive(Debug, PartialEq, Eq)]
struct RequestedKey {
    key: String,
    version: Option<String>,
}

impl RequestedKey {
    fn is(&self, found: &Value) -> bool {
        text(found, "Key").as_deref() == Some(&self.key)
            && match &self.version {
                Some(version) => text(found, "VersionId").as_deref() == Some(version),
                None => found.get("IsLatest").and_then(Value::as_bool) == Some(true),
            }
    }
}

/// The keys of a request in JSON, YAML or the CLI's shorthand: `Objects=[{Key=a},{Key=b}]`.
fn requested(request: &str) -> Option<Vec<RequestedKey>> {
    if let Some(Value::Object(map)) = yaml::only(request) {
        let objects = map.get("Objects")?.as_array()?;
        let wanted = objects.iter().map(|object| {
            Some(RequestedKey {
                key: text(object, "Key")?,
                version: text(object, "VersionId"),
            })
        });
        return wanted.collect();
    }
    let inner = request.strip_prefix("Objects=[{")?;
    let (inner, rest) = inner.split_once("}]")?;
    if !(rest.is_empty() || rest == ",Quiet=true" || rest == ",Quiet=false")
        || inner.contains(['"', '\'', '[', ']'])
    {
        return None;
    }
    let objects = inner.split("},{").map(|object| {
        let mut wanted = RequestedKey {
            key: String::new(),
            version: None,
        };
        for member in object.split(',') {
            match member.split_once('=')? {
                ("Key", key) => key.clone_into(&mut wanted.key),
                ("VersionId", version) => wanted.version = Some(version.to_owned()),
                _ => return None,
            }
        }
        (!wanted.key.is_empty()).then_some(wanted)
    });
    objects.collect()
}

fn common_prefix(keys: &[RequestedKey]) -> String {
    let mut prefix = keys.first().map_or("", |first| &first.key);
    for wanted in keys {
        while !wanted.key.starts_with(prefix) {
            let shorter = prefix.char_indices().next_back().map_or(0, |(at, _)| at);
            prefix = prefix.get(..shorter).unwrap_or_default();
        }
    }
    prefix.to_owned()
}

/// `s3 rb` and `s3api delete-bucket`. S3 itself refuses to delete a bucket that is not empty; other
/// stores that speak its language need not.
pub fn bucket(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    let named = invocation
        .operands
        .first()
        .and_then(address)
        .map(|(bucket, _)| bucket);
    let Some(bucket) = named.or_else(|| values(invocation, "bucket").pop()) else {
        return Err("the bucket is not on the command line".to_owned());
    };
    let versions = start_versioning(aws, &bucket);
    let tags = start_tags(aws, &bucket);
    let words = [
        "s3api",
        "list-object-versions",
        "--bucket",
        &bucket,
        "--max-items",
        MOST_VERSIONS,
    ];
    let found = match aws.start(&words).and_then(PendingLook::reply)? {
        Reply::Missing(why) => return Ok(nothing(format!("it is not there: {}", shown(&why)))),
        Reply::Found(found) => found,
    };
    let (keys, bytes, older, more) = all_versions(&found);
    if keys.is_empty() && older == 0 {
        return Ok(nothing("the bucket is empty"));
    }
    let address = shown(&format!("s3://{bucket}"));
    let count = u64::try_from(keys.len()).unwrap_or(u64::MAX);
    let examples = keys.iter().take(5).map(|key| shown(key)).collect();
    let mut counted = lot(
        Measure::Objects,
        count.saturating_add(older),
        Some(bytes),
        &format!("in {address}"),
        examples,
    );
    counted.at_least = more;
    let mut loss = loss_of(counted, "delete", format!("with bucket {}", shown(&bucket)));
    if older > 0 {
        loss.fact(format!("{older} of them are older versions"));
    }
    if !invocation.has("--force") {
        loss.fact("S3 refuses to delete a bucket that is not empty");
    }
    loss.merge(about_bucket(versions, tags));
    Ok(if more {
        Preview::Estimate(loss)
    } else {
        let mut things = Things::objects(&bucket, keys.iter().map(String::as_str));
        things.buckets.push(bucket);
        // Older versions and the bucket's settings do not come back.
        saving(&mut loss, things, false);
        Preview::Exact(loss)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_to_delete() {
        let wanted = |keys: &[(&str, Option<&str>)]| {
            Some(
                keys.iter()
                    .map(|(key, version)| RequestedKey {
                        key: (*key).to_owned(),
                        version: version.map(str::to_owned),
                    })
                    .collect::<Vec<_>>(),
            )
        };
        for (request, expected) in [
            (
                r#"{"Objects":[{"Key":"a"},{"Key":"b","VersionId":"1"}]}"#,
                wanted(&[("a", None), ("b", Some("1"))]),
            ),
            (
                "Objects=[{Key=a},{Key=b,VersionId=1}]",
                wanted(&[("a", None), ("b", Some("1"))]),
            ),
            ("Objects=[{Key=a}],Quiet=true", wanted(&[("a", None)])),
            ("Objects:\n- Key: a\n", wanted(&[("a", None)])),
            (r#"{"Objects":[]}"#, wanted(&[])),
            ("Objects=[{Key='a,b'}]", None),
            ("nonsense", None),
        ] {
            assert_eq!(requested(request), expected, "{request}");
        }
    }
}
