//! Putting back what stood at keys in S3.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::{Value, json};

use super::reach::{AccountReach, Answered, RunningCall, file, list, text};
use super::s3::{KeptKey, PresentKey, Was, about, is_same, with_present};
use guard_ground::digest::hex;
use guard_ground::memfd::MemoryFile;
use guard_ground::sanitize;
use guard_store::reader::BackupReader;

/// `DeleteObjects` takes no more.
const DELETES: usize = 1000;

/// Puts back what stood at keys where something else stands now.
pub(super) fn restore(
    reach: &AccountReach<'_>,
    keys: &[KeptKey],
    reader: &BackupReader,
) -> Result<(), String> {
    let mut work = Vec::new();
    for (kept, present) in with_present(reach, keys)? {
        if !is_same(reach, kept, present.as_ref())? {
            work.push((kept, present));
        }
    }
    let (going, coming): (Vec<_>, Vec<_>) = work.into_iter().partition(|(kept, present)| {
        let marked = present.as_ref().is_some_and(|present| present.marker);
        kept.was == Was::Absent || (marked && matches!(kept.was, Was::Version(_)))
    });
    delete(reach, &going)?;
    AccountReach::each(
        &coming,
        |(kept, _)| start_back(reach, kept, reader),
        |(kept, _), (call, _content)| match call.reply()? {
            Answered::Found(_) => Ok(()),
            Answered::Missing => Err(format!("{}: its version is not there", kept.shown())),
        },
    )
}

fn start_back(
    reach: &AccountReach<'_>,
    kept: &KeptKey,
    reader: &BackupReader,
) -> Result<(RunningCall, Option<MemoryFile>), String> {
    let mut input = json!({"Bucket": kept.bucket, "Key": kept.key});
    let mut set = |name: &str, value: Value| {
        if let Some(map) = input.as_object_mut() {
            map.insert(name.to_owned(), value);
        }
    };
    match &kept.was {
        Was::Absent => Err("it is deleted, not put".to_owned()),
        Was::Version(version) => {
            let source = format!(
                "{}/{}?versionId={}",
                encoded(&kept.bucket),
                encoded(&kept.key),
                encoded(version)
            );
            set("CopySource", source.into());
            Ok((reach.start(&["s3api", "copy-object"], &input)?, None))
        }
        Was::Copy {
            content,
            about: blob,
            ..
        } => {
            let body = file()?;
            let mut to = body.file().map_err(|error| error.to_string())?;
            reader.copy(content, &mut to)?;
            to.flush().map_err(|error| error.to_string())?;
            let (headers, tags) = about(blob, reader)?;
            for (name, value) in headers {
                set(&name, value);
            }
            if !tags.is_empty() {
                let pairs: Vec<String> = tags
                    .iter()
                    .map(|tag| {
                        format!(
                            "{}={}",
                            encoded(text(tag, "Key")),
                            encoded(text(tag, "Value"))
                        )
                    })
                    .collect();
                set("Tagging", pairs.join("&").into());
            }
            let words = ["s3api", "put-object", "--body", &body.path()];
            let call = reach.start(&words, &input)?;
            Ok((call, Some(body)))
        }
    }
}

/// Deletes what stands at keys; a marker is deleted itself, and the version before it is the current one
/// again.
fn delete(
    reach: &AccountReach<'_>,
    going: &[(&KeptKey, Option<PresentKey>)],
) -> Result<(), String> {
    let mut buckets: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (kept, present) in going {
        let marker = present.as_ref().filter(|present| present.marker);
        let object = match marker {
            Some(marker) => json!({"Key": kept.key, "VersionId": marker.version}),
            None => json!({"Key": kept.key}),
        };
        buckets.entry(&kept.bucket).or_default().push(object);
    }
    for (bucket, objects) in buckets {
        for some in objects.chunks(DELETES) {
            let input = json!({"Bucket": bucket, "Delete": {"Objects": some, "Quiet": true}});
            let answer = reach.done(&["s3api", "delete-objects"], &input)?;
            if let Some(error) = list(&answer, "Errors").first() {
                return Err(format!(
                    "s3://{}/{}: {}",
                    sanitize::text(bucket),
                    sanitize::text(text(error, "Key")),
                    sanitize::text(text(error, "Code"))
                ));
            }
        }
    }
    Ok(())
}

/// As in an address (RFC 3986): everything but unreserved characters and slashes.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex(&[byte]).to_uppercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn addresses() {
        assert_eq!(encoded("a b/ü&=+"), "a%20b/%C3%BC%26%3D%2B");
    }
}
