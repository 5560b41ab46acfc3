//! Objects in S3: what stands at a key, a copy of it, and putting it back.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::reach::{AccountReach, Answered, RunningCall, file, list, rewound, text};
use guard_ground::digest::hex;
use guard_ground::memfd::MemoryFile;
use guard_ground::sanitize;
use guard_store::Unsaved;
use guard_store::manifest::Blob;
use guard_store::reader::BackupReader;
use guard_store::writer::Writer;

/// Members of an answer about an object that `put-object` takes under the same names.
const HEADERS: [&str; 11] = [
    "BucketKeyEnabled",
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Metadata",
    "SSEKMSKeyId",
    "ServerSideEncryption",
    "StorageClass",
    "WebsiteRedirectLocation",
];
/// So many versions are listed, and no more.
const MOST: &str = "50000";

/// An object that goes or is written over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoomedKey {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version that goes for good, if it is one.
    pub version: Option<String>,
}

/// A key, and what stood there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptKey {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// What stood there.
    pub was: Was,
}

/// What stands at a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Was {
    /// Nothing.
    Absent,
    /// A version that the bucket keeps.
    Version(String),
    /// An object, of which this is a copy.
    Copy {
        /// What it holds.
        content: Blob,
        /// Its headers and tags, in JSON.
        about: Blob,
        /// What S3 called its content.
        etag: String,
    },
}

impl KeptKey {
    /// `s3://bucket/key`; sanitised.
    pub fn shown(&self) -> String {
        let address = format!("s3://{}/{}", self.bucket, self.key);
        sanitize::cut(&sanitize::text(&address), 160)
    }
}

/// What stands at a key now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PresentKey {
    pub etag: String,
    pub version: String,
    pub size: u64,
    /// It is a marker that says that it was deleted.
    pub marker: bool,
}

/// Starts to list what stands at the keys of a bucket.
fn start_listing<'k>(
    reach: &AccountReach<'_>,
    bucket: &str,
    keys: impl Iterator<Item = &'k str>,
) -> Result<RunningCall, String> {
    let input = json!({"Bucket": bucket, "Prefix": common_prefix(keys)});
    let words = ["s3api", "list-object-versions", "--max-items", MOST];
    reach.start(&words, &input)
}

/// What stands at the keys of a bucket now: the current version of each.
fn listing(call: RunningCall) -> Result<HashMap<String, PresentKey>, String> {
    let mut found = HashMap::new();
    let answer = match call.reply()? {
        Answered::Missing => return Ok(found),
        Answered::Found(answer) => answer,
    };
    if answer.get("NextToken").is_some() {
        return Err(format!("there are more than {MOST} versions"));
    }
    for (name, marker) in [("Versions", false), ("DeleteMarkers", true)] {
        for version in list(&answer, name) {
            if version.get("IsLatest").and_then(Value::as_bool) == Some(true) {
                let size = version.get("Size").and_then(Value::as_u64);
                let one = PresentKey {
                    etag: text(version, "ETag").to_owned(),
                    version: text(version, "VersionId").to_owned(),
                    size: size.unwrap_or(0),
                    marker,
                };
                found.insert(text(version, "Key").to_owned(), one);
            }
        }
    }
    Ok(found)
}

fn common_prefix<'k>(mut keys: impl Iterator<Item = &'k str>) -> String {
    let mut prefix = keys.next().unwrap_or_default();
    for key in keys {
        while !key.starts_with(prefix) {
            let shorter = prefix.char_indices().next_back().map_or(0, |(at, _)| at);
            prefix = prefix.get(..shorter).unwrap_or_default();
        }
    }
    prefix.to_owned()
}

/// Saves objects.
pub(super) fn save(
    reach: &AccountReach<'_>,
    targets: &[DoomedKey],
    writer: &Writer,
) -> Result<Vec<KeptKey>, Unsaved> {
    let mut buckets: BTreeMap<&str, Vec<&DoomedKey>> = BTreeMap::new();
    for target in targets {
        buckets.entry(&target.bucket).or_default().push(target);
    }
    let mut kept = Vec::new();
    for (bucket, targets) in buckets {
        let keys = targets.iter().map(|target| target.key.as_str());
        let listed = start_listing(reach, bucket, keys)?;
        let words = ["s3api", "get-bucket-versioning"];
        let versioned = match reach.call(&words, &json!({"Bucket": bucket}))? {
            Answered::Found(answer) => text(&answer, "Status") == "Enabled",
            Answered::Missing => false,
        };
        let now = listing(listed)?;
        let mut copies = Vec::new();
        for target in targets {
            match (&target.version, now.get(&target.key)) {
                (None, Some(now)) if versioned && !now.marker => {
                    writer.count(1, 0)?;
                    kept.push(KeptKey {
                        bucket: target.bucket.clone(),
                        key: target.key.clone(),
                        was: Was::Version(now.version.clone()),
                    });
                }
                (None, Some(now)) if !now.marker => {
                    writer.count(1, now.size)?;
                    copies.push((target, now.size));
                }
                (None, _) => {}
                (Some(_), _) => {
                    writer.count(1, 0)?;
                    writer.pass_over(format!(
                        "the place of the version of s3://{}/{} among the others: it comes back as a new one",
                        target.bucket, target.key
                    ));
                    copies.push((target, u64::MAX));
                }
            }
        }
        kept.extend(copied(reach, &copies, writer)?);
    }
    Ok(kept)
}

/// Copies of objects, several at a time. A size that is not known is counted when it is.
fn copied(
    reach: &AccountReach<'_>,
    targets: &[(&DoomedKey, u64)],
    writer: &Writer,
) -> Result<Vec<KeptKey>, Unsaved> {
    let mut kept = Vec::new();
    let mut failed = None;
    let start = |(target, _): &(&DoomedKey, u64)| {
        let content = file()?;
        let mut input = json!({"Bucket": target.bucket, "Key": target.key});
        if let (Some(version), Some(map)) = (&target.version, input.as_object_mut()) {
            map.insert("VersionId".to_owned(), version.clone().into());
        }
        let call = start_download(reach, target, &content)?;
        Ok((call, content, input))
    };
    AccountReach::each(targets, start, |(target, size), (call, content, input)| {
        let Answered::Found(answer) = call.reply()? else {
            return Ok(());
        };
        match copy(reach, target, &answer, &content, &input, *size, writer) {
            Ok(one) => kept.push(one),
            Err(why) => failed = Some(why),
        }
        Ok(())
    })?;
    match failed {
        Some(why) => Err(why),
        None => Ok(kept),
    }
}

/// Starts to read an object into a file. Operations that write files take their parameters from the command
/// line alone.
fn start_download(
    reach: &AccountReach<'_>,
    target: &DoomedKey,
    to: &MemoryFile,
) -> Result<RunningCall, String> {
    // The CLI would read a file, or an address, in place of such a key (`awscli/paramfile.py`).
    let is_elsewhere = ["file://", "fileb://", "http://", "https://"]
        .iter()
        .any(|start| target.key.starts_with(start));
    if is_elsewhere {
        return Err("the CLI takes a key of it for the name of a file".to_owned());
    }
    let mut words = vec![
        "s3api".to_owned(),
        "get-object".to_owned(),
        format!("--bucket={}", target.bucket),
        format!("--key={}", target.key),
    ];
    if let Some(version) = &target.version {
        words.push(format!("--version-id={version}"));
    }
    words.push(to.path());
    reach.start(&words, &Value::Null)
}

fn copy(
    reach: &AccountReach<'_>,
    target: &DoomedKey,
    answer: &Value,
    content: &MemoryFile,
    input: &Value,
    expected: u64,
    writer: &Writer,
) -> Result<KeptKey, Unsaved> {
    let mut tags = Vec::new();
    if answer.get("TagCount").and_then(Value::as_u64).unwrap_or(0) > 0 {
        let answer = reach.done(&["s3api", "get-object-tagging"], input)?;
        tags.extend(list(&answer, "TagSet").iter().cloned());
    }
    let mut file = rewound(content)?;
    let size = file.metadata()?.len();
    writer.count(
        0,
        size.saturating_sub(if expected == u64::MAX { 0 } else { expected }),
    )?;
    if answer.get("ContentLength").and_then(Value::as_u64) != Some(size) {
        return Err(Unsaved(format!(
            "s3://{}/{} was not read to its end",
            target.bucket, target.key
        )));
    }
    let about = json!({"put": headers(answer), "tags": tags});
    let about = writer.bytes(about.to_string().as_bytes())?;
    Ok(KeptKey {
        bucket: target.bucket.clone(),
        key: target.key.clone(),
        was: Was::Copy {
            content: writer.stream(&mut file, size)?,
            about,
            etag: text(answer, "ETag").to_owned(),
        },
    })
}

/// What `put-object` has to be told of an object.
fn headers(answer: &Value) -> Map<String, Value> {
    let mut told = Map::new();
    for name in HEADERS {
        if let Some(value) = answer.get(name).filter(|value| !value.is_null()) {
            told.insert(name.to_owned(), value.clone());
        }
    }
    told
}

/// What stands at a key now, kept so that it can be put there again.
pub(super) fn now(
    reach: &AccountReach<'_>,
    keys: &[KeptKey],
    writer: &Writer,
) -> Result<Vec<KeptKey>, Unsaved> {
    let targets: Vec<DoomedKey> = keys
        .iter()
        .map(|kept| DoomedKey {
            bucket: kept.bucket.clone(),
            key: kept.key.clone(),
            version: None,
        })
        .collect();
    let mut found = save(reach, &targets, writer)?;
    for kept in keys {
        let known = found
            .iter()
            .any(|one| one.bucket == kept.bucket && one.key == kept.key);
        if !known {
            found.push(KeptKey {
                was: Was::Absent,
                ..kept.clone()
            });
        }
    }
    Ok(found)
}

/// Keys with what stands there now; `None` where nothing does.
pub(super) fn with_present<'k>(
    reach: &AccountReach<'_>,
    keys: &'k [KeptKey],
) -> Result<Vec<(&'k KeptKey, Option<PresentKey>)>, String> {
    let mut buckets: BTreeMap<&str, Vec<&'k KeptKey>> = BTreeMap::new();
    for kept in keys {
        buckets.entry(&kept.bucket).or_default().push(kept);
    }
    let mut all = Vec::new();
    for (bucket, keys) in buckets {
        let names = keys.iter().map(|kept| kept.key.as_str());
        let mut found = listing(start_listing(reach, bucket, names)?)?;
        all.extend(keys.into_iter().map(|kept| (kept, found.remove(&kept.key))));
    }
    Ok(all)
}

/// Whether what stands there is what stood there. Where S3 calls the content otherwise, as it does with
/// what was written in parts, the content itself is compared.
pub(super) fn is_same(
    reach: &AccountReach<'_>,
    kept: &KeptKey,
    present: Option<&PresentKey>,
) -> Result<bool, String> {
    let present = present.filter(|present| !present.marker);
    let (content, etag) = match (&kept.was, present) {
        (Was::Absent, None) => return Ok(true),
        (Was::Version(version), Some(present)) => return Ok(*version == present.version),
        (Was::Copy { content, etag, .. }, Some(_)) => (content, etag),
        _ => return Ok(false),
    };
    let Some(present) = present else {
        return Ok(false);
    };
    if present.size != content.size {
        return Ok(false);
    }
    // An ETag without a dash is the MD5 of the content, or of what it is encrypted to.
    if present.etag == *etag {
        return Ok(true);
    }
    let there = file()?;
    let target = DoomedKey {
        bucket: kept.bucket.clone(),
        key: kept.key.clone(),
        version: None,
    };
    let call = start_download(reach, &target, &there)?;
    let Answered::Found(_) = call.reply()? else {
        return Ok(false);
    };
    let mut hasher = Sha256::new();
    std::io::copy(&mut rewound(&there)?, &mut hasher).map_err(|error| error.to_string())?;
    Ok(hex(&hasher.finalize()) == content.sha256)
}

/// What a saved object has for headers and tags.
pub(super) fn about(
    blob: &Blob,
    reader: &BackupReader,
) -> Result<(Map<String, Value>, Vec<Value>), String> {
    let about: Value = serde_json::from_slice(&reader.bytes(blob)?)
        .map_err(|_| "what was saved of an object cannot be read".to_owned())?;
    let put = about.get("put").and_then(Value::as_object).cloned();
    Ok((put.unwrap_or_default(), list(&about, "tags").to_vec()))
}

/// The keys at which headers are not those of the copy.
pub(super) fn other_headers<'k>(
    reach: &AccountReach<'_>,
    keys: &[&'k KeptKey],
    reader: &BackupReader,
) -> Result<Vec<&'k KeptKey>, String> {
    let mut found = Vec::new();
    let start = |kept: &&'k KeptKey| {
        let input = json!({"Bucket": kept.bucket, "Key": kept.key});
        reach.start(&["s3api", "head-object"], &input)
    };
    let copies: Vec<&'k KeptKey> = keys
        .iter()
        .copied()
        .filter(|kept| matches!(kept.was, Was::Copy { .. }))
        .collect();
    AccountReach::each(&copies, start, |kept, call| {
        let (Was::Copy { about: blob, .. }, Answered::Found(answer)) = (&kept.was, call.reply()?)
        else {
            found.push(*kept);
            return Ok(());
        };
        let (mut saved, _) = about(blob, reader)?;
        let mut now = headers(&answer);
        for headers in [&mut saved, &mut now] {
            // Defaults that the service may or may not tell.
            headers.retain(|_, value| *value != json!({}) && *value != json!("STANDARD"));
        }
        if saved != now {
            found.push(*kept);
        }
        Ok(())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        for (keys, expected) in [
            (&["a/b", "a/c"][..], "a/"),
            (&["ä", "äx"], "ä"),
            (&["ä", "ö"], ""),
            (&[], ""),
        ] {
            assert_eq!(common_prefix(keys.iter().copied()), expected);
        }
    }
}
