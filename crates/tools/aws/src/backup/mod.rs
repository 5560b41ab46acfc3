//! What an account holds: objects in S3, items and tables of `DynamoDB`. What is saved before a command
//! takes it, and how it comes back, all with the real CLI.
//!
//! In a bucket that keeps versions nothing is copied: the version is noted. Credentials are never kept; what
//! leads to the account (profile, region, endpoint, names of files) is.

mod dynamo;
mod kept;
mod put;
mod reach;
mod s3;
mod tables;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use guard_core::context::Context;
use guard_core::invocation::Invocation;
use guard_core::kept::Kept;
use guard_core::wish::{Saving, Wish};
use guard_store::Unsaved;
use guard_store::manifest::{Body, Part};
use guard_store::writer::Writer;

pub use dynamo::{ItemTarget, KeptItem};
pub use kept::KeptThings;
pub use reach::AccountPlace;
use reach::AccountReach;
pub use s3::{DoomedKey, KeptKey, Was};
pub use tables::KeptDynamoTable;

/// What a command takes.
#[derive(Clone, Debug, Default)]
pub struct Things {
    /// Where.
    pub place: AccountPlace,
    /// Buckets that go.
    pub buckets: Vec<String>,
    /// Objects.
    pub objects: Vec<DoomedKey>,
    /// Items.
    pub items: Vec<ItemTarget>,
    /// Tables.
    pub tables: Vec<String>,
}

impl Things {
    /// Objects of a bucket.
    pub fn objects<'k>(bucket: &str, keys: impl IntoIterator<Item = &'k str>) -> Self {
        let target = |key: &str| DoomedKey {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version: None,
        };
        Self {
            objects: keys.into_iter().map(target).collect(),
            ..Self::default()
        }
    }

    /// Says where they are: as the command says it.
    pub fn found_by(&mut self, invocation: &Invocation, context: &Context) {
        let directory: PathBuf = context.directory.clone().unwrap_or_default();
        self.place = AccountPlace::of(invocation, context, directory);
    }

    /// Whether there is nothing to save.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.items.is_empty() && self.tables.is_empty()
    }
}

/// A bucket, as far as it can be made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptBucket {
    /// Its name.
    pub name: String,
    /// The region; empty for the one that has no name there.
    pub region: String,
}

impl Body for KeptThings {
    const KIND: &'static str = "aws";
}

impl Wish for Things {
    fn save(&self, saving: &Saving<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        let kept = save(self, saving, writer)?;
        kept.iter().map(Part::new).collect()
    }
}

/// Things of an account in a backup.
pub fn revive(part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
    let kept = part.read::<KeptThings>()?;
    Some(kept.map(|kept| Box::new(kept) as Box<dyn Kept>))
}

/// What leads there is kept as it is: an address with a password in it is not.
fn secretless(place: &AccountPlace) -> Result<(), Unsaved> {
    let scope = place.scope.iter();
    let variables = place.variables.iter().map(|(_, value)| value);
    let holds_secret = scope.chain(variables).any(|value| {
        let text = value.os().to_string_lossy();
        text.contains('@') && guard_ground::mask::mask(&text) != text
    });
    if holds_secret {
        return Err(Unsaved(
            "the address of the service holds a secret, which is not kept".to_owned(),
        ));
    }
    Ok(())
}

/// Saves them.
///
/// # Errors
/// When the services do not answer in time, or it is too much.
pub fn save(
    things: &Things,
    saving: &Saving<'_>,
    writer: &Writer,
) -> Result<Option<KeptThings>, Unsaved> {
    let reach = AccountReach::new(&things.place, saving.context, writer.deadline())?;
    secretless(&things.place)?;
    let whose = reach.start_account()?;
    let mut kept = KeptThings {
        place: things.place.clone(),
        ..KeptThings::default()
    };
    kept.keys = s3::save(&reach, &things.objects, writer)?;
    kept.items = dynamo::save(&reach, &things.items, writer)?;
    // What is not there is not lost.
    kept.items.retain(|item| item.content.is_some());
    for name in &things.tables {
        let table = tables::save_table(&reach, name, writer)?;
        if table.definition.is_some() {
            kept.tables.push(table);
        }
    }
    if kept.keys.is_empty() && kept.items.is_empty() && kept.tables.is_empty() {
        return Ok(None);
    }
    if kept
        .keys
        .iter()
        .any(|key| matches!(key.was, Was::Copy { .. }))
    {
        writer.pass_over("access lists, locks and dates of the objects".to_owned());
    }
    for name in &things.buckets {
        let input = serde_json::json!({"Bucket": name});
        let answer = reach.done(&["s3api", "get-bucket-location"], &input)?;
        let region = answer.get("LocationConstraint").and_then(Value::as_str);
        kept.buckets.push(KeptBucket {
            name: name.clone(),
            region: region.unwrap_or_default().to_owned(),
        });
        writer.pass_over(format!(
            "the settings of bucket {name}: it comes back without policies, rules, tags and versioning"
        ));
    }
    kept.place.account = reach::account(whose);
    Ok(Some(kept))
}
