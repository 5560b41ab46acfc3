//! The high-level S3 commands: their own dry run says which keys, a listing how large they are.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::client::{AwsProbe, Measured, PendingLook, Reply, list, number, shown, text};
use super::{loss_of, lot, nothing, saving};
use crate::backup::Things;
use guard_core::context::Context;
use guard_core::invocation::{Invocation, Word};
use guard_core::loss::{Loss, Lot};
use guard_core::preview::Preview;
use guard_trees as tree;
use guard_words::Measure;

/// Options that decide which keys a command works on; a dry run gets no others.
const KEPT: [&str; 15] = [
    "case-conflict",
    "delete",
    "exact-timestamps",
    "exclude",
    "follow-symlinks",
    "force-glacier-transfer",
    "ignore-glacier-warnings",
    "include",
    "no-follow-symlinks",
    "no-overwrite",
    "page-size",
    "recursive",
    "request-payer",
    "size-only",
    "source-region",
];

/// So many keys are listed, and no more.
const MOST_KEYS: usize = 20_000;

/// Bucket and key of `s3://bucket/key`; access points have other names and are not listed.
pub fn address(word: &Word) -> Option<(String, String)> {
    let rest = word.text.to_str()?.strip_prefix("s3://")?;
    if rest.starts_with("arn:") {
        return None;
    }
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    Some((bucket.to_owned(), key.to_owned()))
}

/// Whether a copy goes to files, or nowhere at all.
pub fn goes_to_files(invocation: &Invocation) -> bool {
    match invocation.operands.as_slice() {
        [_, to] => !to.bytes().starts_with(b"s3://"),
        // The CLI wants both.
        _ => true,
    }
}

/// The keys that a listing found.
pub struct Listing {
    /// Sizes by key.
    pub sizes: BTreeMap<String, u64>,
    /// There are more.
    pub more: bool,
}

/// Starts to list what has a prefix.
fn start_listing(
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

fn listing(pending: PendingLook) -> Measured<Listing> {
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

/// Starts the command's own dry run.
fn start_dry_run(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<PendingLook> {
    let mut words: Vec<std::ffi::OsString> = invocation
        .verb
        .iter()
        .map(|word| (&**word).into())
        .collect();
    for flag in &invocation.flags {
        if !KEPT.contains(&&*flag.long) {
            continue;
        }
        let mut word = std::ffi::OsString::from(format!("--{}", flag.long));
        if let Some(value) = &flag.value {
            word.push("=");
            word.push(value);
        }
        words.push(word);
    }
    words.push("--dryrun".into());
    if invocation.verb.last().is_some_and(|word| word != "rm") {
        words.push("--no-progress".into());
    }
    words.extend(invocation.operands.iter().map(|word| word.text.clone()));
    aws.start(&words)
}

/// What a dry run says.
struct DryRun {
    /// `delete` and `upload`, `copy`, `move`, with what they would delete or write.
    steps: Vec<(String, String)>,
    /// Some lines are none of its own: a key holds a line break.
    odd: bool,
}

fn dry_run(pending: Measured<PendingLook>) -> Measured<DryRun> {
    let answer = pending?.answer()?;
    // 2 stands for files that were skipped, with the others done (AWS CLI reference, return codes).
    if !answer.success && answer.code != Some(2) {
        return Err(format!("aws says: {}", answer.complaint()));
    }
    Ok(read_dry_run(&String::from_utf8_lossy(&answer.output)))
}

/// `(dryrun) delete: s3://b/k`, `(dryrun) upload: ./k to s3://b/k`
/// (`awscli/customizations/s3/results.py`).
fn read_dry_run(output: &str) -> DryRun {
    let mut found = DryRun {
        steps: Vec::new(),
        odd: false,
    };
    for line in output.lines().filter(|line| !line.is_empty()) {
        let step = line
            .strip_prefix("(dryrun) ")
            .and_then(|line| line.split_once(": "));
        let Some((what, rest)) = step else {
            found.odd = true;
            continue;
        };
        let target = if what == "delete" {
            rest
        } else {
            rest.rsplit_once(" to ").map_or(rest, |(_, to)| to)
        };
        found.steps.push((what.to_owned(), target.to_owned()));
    }
    found
}

/// A lot for keys of a bucket, with their sizes where all are known.
fn keys_lot(bucket: &str, keys: &[&str], listed: &Listing, what: &str) -> Lot {
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

/// `s3 rm`.
pub fn remove(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    let Some(place) = invocation.operands.first() else {
        return Ok(nothing("aws wants to know what to delete"));
    };
    let Some((bucket, key)) = address(place) else {
        return Err("it is no bucket that guard can list".to_owned());
    };
    if !invocation.has("--recursive") {
        return super::objects::one(aws, &bucket, &key, None, "delete");
    }
    let dry = start_dry_run(aws, invocation);
    let versions = start_versioning(aws, &bucket);
    let tags = start_tags(aws, &bucket);
    let listed = start_listing(aws, invocation, &bucket, &key).and_then(listing)?;
    let mut preview = match dry_run(dry) {
        Ok(dry) => {
            let prefix = format!("s3://{bucket}/");
            let keys: Vec<&str> = dry
                .steps
                .iter()
                .filter_map(|(_, target)| target.strip_prefix(&prefix))
                .collect();
            let counted = keys_lot(&bucket, &keys, &listed, "in");
            let mut loss = loss_of(counted, "delete", place_of(place));
            if dry.odd {
                Preview::Estimate(loss)
            } else {
                saving(&mut loss, Things::objects(&bucket, keys), true);
                Preview::Exact(loss)
            }
        }
        // The bucket is too large to ask for every key: what was listed is there at least.
        Err(why) if listed.more && !invocation.has_any(&["--exclude", "--include"]) => {
            let keys: Vec<&str> = listed.sizes.keys().map(String::as_str).collect();
            let mut counted = keys_lot(&bucket, &keys, &listed, "in");
            counted.at_least = true;
            let mut loss = loss_of(counted, "delete", place_of(place));
            loss.fact(format!("not counted to the end: {}", shown(&why)));
            Preview::Estimate(loss)
        }
        Err(why) => return Err(why),
    };
    if !preview.is_harmless() {
        preview = preview.and(Preview::Exact(about_bucket(versions, tags)));
    }
    Ok(preview)
}

fn place_of(place: &Word) -> String {
    format!("in {}", shown(&place.text.to_string_lossy()))
}

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

/// `s3 cp` and `s3 mv` to a bucket: what stands there already. The source of a move is copied first.
pub fn overwrite(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    let [from, to] = invocation.operands.as_slice() else {
        return Ok(nothing("aws wants a source and a destination"));
    };
    if from.text == to.text {
        return Ok(nothing("source and destination are the same"));
    }
    let Some((bucket, key)) = address(to) else {
        return Err("it is no bucket that guard can list".to_owned());
    };
    if !invocation.has("--recursive") {
        let key = if key.is_empty() || key.ends_with('/') {
            let name = from.text.to_string_lossy();
            let name = name
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default();
            format!("{key}{name}")
        } else {
            key
        };
        return super::objects::one(aws, &bucket, &key, None, "overwrite");
    }
    let dry = start_dry_run(aws, invocation);
    let versions = start_versioning(aws, &bucket);
    let tags = start_tags(aws, &bucket);
    let listed = start_listing(aws, invocation, &bucket, &key).and_then(listing)?;
    if listed.sizes.is_empty() {
        return Ok(nothing("nothing stands at the destination"));
    }
    let dry = dry_run(dry)?;
    let prefix = format!("s3://{bucket}/");
    let keys: Vec<&str> = dry
        .steps
        .iter()
        .filter_map(|(_, target)| target.strip_prefix(&prefix))
        .filter(|key| listed.more || listed.sizes.contains_key(*key))
        .collect();
    if keys.is_empty() && !dry.odd {
        return Ok(nothing("nothing stands at the destination"));
    }
    let (kept, sentence) = versioning(versions);
    if kept {
        return Ok(nothing(sentence));
    }
    let counted = keys_lot(&bucket, &keys, &listed, "overwritten in");
    let mut loss = loss_of(counted, "overwrite", place_of(to));
    loss.merge(about_bucket(Err("asked before".to_owned()), tags));
    loss.facts.retain(|fact| !fact.contains("asked before"));
    loss.fact(sentence);
    Ok(if listed.more || dry.odd {
        Preview::Estimate(loss)
    } else {
        saving(&mut loss, Things::objects(&bucket, keys), true);
        Preview::Exact(loss)
    })
}

/// `s3 sync --delete`: what the source does not have, in a bucket or among files.
pub fn sync(aws: &AwsProbe<'_>, invocation: &Invocation, context: &Context) -> Measured<Preview> {
    let Some(to) = invocation.operands.get(1) else {
        return Ok(nothing("aws wants a source and a destination"));
    };
    let dry = start_dry_run(aws, invocation);
    let Some((bucket, key)) = address(to) else {
        if to.bytes().starts_with(b"s3://") {
            return Err("it is no bucket that guard can list".to_owned());
        }
        return Ok(files(&dry_run(dry)?, to, context));
    };
    let versions = start_versioning(aws, &bucket);
    let tags = start_tags(aws, &bucket);
    let listed = start_listing(aws, invocation, &bucket, &key).and_then(listing)?;
    let dry = dry_run(dry)?;
    let prefix = format!("s3://{bucket}/");
    let keys: Vec<&str> = dry
        .steps
        .iter()
        .filter(|(what, _)| what == "delete")
        .filter_map(|(_, target)| target.strip_prefix(&prefix))
        .collect();
    if keys.is_empty() && !dry.odd {
        return Ok(nothing("nothing at the destination would be deleted"));
    }
    let counted = keys_lot(&bucket, &keys, &listed, "in");
    let mut loss = loss_of(counted, "delete", place_of(to));
    let about = about_bucket(versions, tags);
    let measured = if dry.odd {
        Preview::Estimate(loss)
    } else {
        saving(&mut loss, Things::objects(&bucket, keys), true);
        Preview::Exact(loss)
    };
    Ok(measured.and(Preview::Exact(about)))
}

/// Files that a sync from a bucket would delete.
fn files(dry: &DryRun, to: &Word, context: &Context) -> Preview {
    let mut names = Vec::new();
    let mut bytes = 0_u64;
    let mut trees = tree::Trees::default();
    for (_, target) in dry.steps.iter().filter(|(what, _)| what == "delete") {
        let path = context.in_directory(Some(Path::new(target))).directory;
        let size = path.as_ref().and_then(|path| path.symlink_metadata().ok());
        if let Some(path) = path.and_then(|path| in_its_place(&path)) {
            trees.roots.push(tree::Root {
                path,
                unlinked: true,
                inside: false,
                alone: false,
            });
        }
        bytes = bytes.saturating_add(size.map_or(0, |meta| meta.len()));
        names.push(target);
    }
    let counted = lot(
        Measure::Files,
        u64::try_from(names.len()).unwrap_or(u64::MAX),
        Some(bytes),
        "that the bucket does not have",
        names.iter().take(5).map(|name| shown(name)).collect(),
    );
    let mut loss = loss_of(counted, "delete", place_of(to));
    if dry.odd {
        return Preview::Estimate(loss);
    }
    if trees.roots.len() == names.len() {
        loss.saves.push(trees);
        for lot in &mut loss.lots {
            lot.kept = true;
        }
    }
    Preview::Exact(loss)
}

/// A path without symlinks in its parents.
fn in_its_place(path: &Path) -> Option<std::path::PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
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
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_of_dry_runs() {
        let dry = read_dry_run(
            "(dryrun) delete: s3://b/a b\n(dryrun) upload: ./x to y to s3://b/k\n(dryrun) copy: s3://a/k to s3://b/k\n",
        );
        assert!(!dry.odd);
        let steps: Vec<String> = dry.steps.iter().map(|(a, b)| format!("{a} {b}")).collect();
        assert_eq!(
            steps,
            ["delete s3://b/a b", "upload s3://b/k", "copy s3://b/k"]
        );
        assert!(read_dry_run("(dryrun) delete: s3://b/a\nb\n").odd);
    }

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

    proptest! {
        #[test]
        fn every_line_is_a_step_or_odd(lines in prop::collection::vec("(\\(dryrun\\) )?(delete: |copy: )?[ -~]{1,20}", 0..8)) {
            let dry = read_dry_run(&lines.join("\n"));
            prop_assert!(dry.odd || dry.steps.len() == lines.len());
        }
    }
}
