//! The keys below a prefix of a bucket, and how large they are.

use std::collections::BTreeMap;

use super::client::{AwsProbe, Measured, PendingLook, Reply, list, number, shown, text};
use super::lot;
use guard_core::invocation::Invocation;
use guard_core::loss::Lot;
use guard_words::Measure;

/// So many keys are listed, and no more.
const MOST_KEYS: usize = 20_000;

/// The keys that a listing found.
pub struct Listing {
    /// Sizes by key.
    pub sizes: BTreeMap<String, u64>,
    /// There are more.
    pub more: bool,
}

/// Starts to list what has a prefix.
pub(super) fn start_listing(
    aws: &AwsProbe<'_>,
    invocation: &Invocation,
    bucket: &str,
    prefix: &str,
) -> Measured<PendingLook> {
    let most = MOST_KEYS.to_string();
    let mut words = vec![
        "s3api",
        "list-objects-v2",
        "--bucket",
        bucket,
        "--max-items",
        &most,
    ];
    let prefix = format!("--prefix={prefix}");
    words.push(&prefix);
    if invocation.has("--request-payer") {
        words.extend(["--request-payer", "requester"]);
    }
    aws.start(&words)
}

/// Waits for the listing.
pub(super) fn listing(pending: PendingLook) -> Measured<Listing> {
    let mut found = Listing {
        sizes: BTreeMap::new(),
        more: false,
    };
    if let Reply::Found(value) = pending.reply()? {
        found.more = value.get("NextToken").is_some();
        for object in list(&value, "Contents") {
            if let Some(key) = text(object, "Key") {
                found.sizes.insert(key, number(object, "Size"));
            }
        }
    }
    Ok(found)
}

/// A lot for keys of a bucket, with their sizes where all are known.
pub(super) fn keys_lot(bucket: &str, keys: &[&str], listed: &Listing, what: &str) -> Lot {
    let mut bytes = 0_u64;
    let mut largest: Vec<(u64, &str)> = Vec::new();
    let mut complete = true;
    for key in keys {
        match listed.sizes.get(*key) {
            Some(size) => {
                bytes = bytes.saturating_add(*size);
                largest.push((*size, key));
            }
            None => complete = false,
        }
    }
    largest.sort_by(|a, b| b.cmp(a));
    let examples = if largest.is_empty() {
        keys.iter().take(5).map(|key| shown(key)).collect()
    } else {
        largest
            .iter()
            .take(5)
            .map(|(size, key)| {
                format!(
                    "{} ({})",
                    shown(key),
                    guard_ground::text::human_bytes(*size)
                )
            })
            .collect()
    };
    let what = format!("{what} {}", shown(&format!("s3://{bucket}")));
    lot(
        Measure::Objects,
        u64::try_from(keys.len()).unwrap_or(u64::MAX),
        complete.then_some(bytes),
        &what,
        examples,
    )
}
