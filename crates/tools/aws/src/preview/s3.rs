//! What the high-level S3 commands lose: their own dry run says which keys, a listing how large they are.

use std::path::Path;

use super::bucket::{about_bucket, address, start_tags, start_versioning, versioning};
use super::client::{AwsProbe, Measured, shown};
use super::dry_run::{DryRun, dry_run, start_dry_run};
use super::listing::{keys_lot, listing, start_listing};
use super::{loss_of, lot, nothing, objects, saving};
use crate::backup::Things;
use guard_core::context::Context;
use guard_core::invocation::{Invocation, Word};
use guard_core::preview::Preview;
use guard_trees as tree;
use guard_words::Measure;

/// Whether a copy goes to files, or nowhere at all.
pub fn goes_to_files(invocation: &Invocation) -> bool {
    match invocation.operands.as_slice() {
        [_, to] => !to.bytes().starts_with(b"s3://"),
        // The CLI wants both.
        _ => true,
    }
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
        return objects::one(aws, &bucket, &key, None, "delete");
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
        return objects::one(aws, &bucket, &key, None, "overwrite");
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
