//! Things of an account in a backup.

use guard_core::kept;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::reach::{AccountReach, Answered};
use super::{
    AccountPlace, KeptBucket, KeptDynamoTable, KeptItem, KeptKey, Was, dynamo, put, s3, tables,
};
use guard_core::kept::{Kept, Undoing};
use guard_core::world::World;
use guard_ground::sanitize;
use guard_store::Unsaved;
use guard_store::aside::{self, AsideFiles};
use guard_store::manifest::{Blob, Part};
use guard_store::reader::BackupReader;
use guard_store::writer::Writer;
use guard_words::Measure;

/// Names that are listed.
const NAMED: usize = 12;

/// Things of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptThings {
    /// The account, and how it is reached.
    pub place: AccountPlace,
    /// Buckets that went with their objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<KeptBucket>,
    /// Keys in S3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeptKey>,
    /// Items of `DynamoDB`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<KeptItem>,
    /// Tables of `DynamoDB`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<KeptDynamoTable>,
}

/// The backup that this one takes back: what it brought back may be replaced.
struct EarlierThings {
    things: Vec<KeptThings>,
    reader: Option<BackupReader>,
}

impl EarlierThings {
    fn of(undoing: &Undoing<'_>) -> Self {
        let reader = undoing.earlier().ok().flatten();
        let things = reader
            .iter()
            .flat_map(|reader| reader.manifest().parts_of());
        Self {
            things: things.collect(),
            reader,
        }
    }

    fn key(&self, kept: &KeptKey) -> Option<&KeptKey> {
        let mut all = self.things.iter().flat_map(|things| &things.keys);
        all.find(|one| one.bucket == kept.bucket && one.key == kept.key)
    }

    /// The item that the earlier backup put there.
    fn item(&self, kept: &KeptItem) -> Option<Value> {
        let mut all = self.things.iter().flat_map(|things| &things.items);
        let found = all.find(|one| one.table == kept.table && one.key == kept.key)?;
        dynamo::saved(found.content.as_ref(), self.reader.as_ref()?).ok()?
    }

    /// The items that it put into a table.
    fn table(&self, name: &str) -> Option<Vec<Value>> {
        let mut all = self.things.iter().flat_map(|things| &things.tables);
        let found = all.find(|one| one.name == name && one.definition.is_some())?;
        tables::items(found, self.reader.as_ref()?).ok()
    }
}

impl KeptThings {
    fn reach<'a>(&self, undoing: &Undoing<'a>) -> Result<AccountReach<'a>, String> {
        // One object takes one call, and each call a good part of a second.
        let more = Duration::from_secs(self.keys.len() as u64);
        AccountReach::again(&self.place, undoing.context, kept::deadline() + more)
    }

    fn files(&self, reader: &BackupReader) -> Result<AsideFiles, String> {
        let mut files = Vec::new();
        for (number, kept) in self.keys.iter().enumerate() {
            if let Was::Copy { content, about, .. } = &kept.was {
                let name = format!("{:05}-{}-{}", number + 1, kept.bucket, kept.key);
                let name = aside::file_name(&name);
                files.push((name.clone(), reader.bytes(content)?));
                files.push((format!("{name}.about.json"), reader.bytes(about)?));
            }
        }
        let mut items = Vec::new();
        for kept in &self.items {
            if let Some(item) = dynamo::saved(kept.content.as_ref(), reader)? {
                items.push(json!({"table": kept.table, "item": item}));
            }
        }
        if !items.is_empty() {
            let text = Value::Array(items).to_string();
            files.push(("items.json".to_owned(), text.into_bytes()));
        }
        for table in &self.tables {
            for (what, blob) in [("definition", &table.definition), ("items", &table.items)] {
                if let Some(blob) = blob {
                    files.push((
                        format!("table-{}-{what}.json", table.name),
                        reader.bytes(blob)?,
                    ));
                }
            }
        }
        Ok(files)
    }

    fn key_conflicts(
        &self,
        reach: &AccountReach<'_>,
        earlier: &EarlierThings,
        found: &mut Vec<String>,
    ) -> Result<(), String> {
        for (kept, present) in s3::with_present(reach, &self.keys)? {
            let present = present.filter(|present| !present.marker);
            if present.is_none() || s3::is_same(reach, kept, present.as_ref())? {
                continue;
            }
            let expected = match earlier.key(kept) {
                Some(one) => s3::is_same(reach, one, present.as_ref())?,
                None => false,
            };
            if !expected {
                found.push(format!("{} was made or changed since", kept.shown()));
            }
        }
        Ok(())
    }

    fn table_conflicts(
        &self,
        reach: &AccountReach<'_>,
        earlier: &EarlierThings,
        reader: &BackupReader,
        found: &mut Vec<String>,
    ) -> Result<(), String> {
        for kept in &self.tables {
            let Some(present) = tables::table(reach, &kept.name)? else {
                continue;
            };
            let mut known = tables::items(kept, reader)?;
            known.extend(earlier.table(&kept.name).unwrap_or_default());
            let name = sanitize::text(&kept.name);
            match (&kept.definition, tables::lacking(&present.items, &known)) {
                // One with nothing else in it can be filled.
                (_, 0) => {}
                (None, more) => found.push(format!("table {name}: {more} items were made since")),
                (Some(_), _) => {
                    found.push(format!("table {name} was made since, with other items"));
                }
            }
        }
        Ok(())
    }

    /// Makes buckets that are not there again.
    fn make_buckets(&self, reach: &AccountReach<'_>) -> Result<(), String> {
        for bucket in &self.buckets {
            let input = json!({"Bucket": bucket.name});
            if let Answered::Found(_) = reach.call(&["s3api", "head-bucket"], &input)? {
                continue;
            }
            let input = if bucket.region.is_empty() {
                input
            } else {
                json!({
                    "Bucket": bucket.name,
                    "CreateBucketConfiguration": {"LocationConstraint": bucket.region},
                })
            };
            reach.done(&["s3api", "create-bucket"], &input)?;
        }
        Ok(())
    }

    /// How many versions are only noted.
    fn noted(&self) -> usize {
        let noted = |kept: &&KeptKey| matches!(kept.was, Was::Version(_));
        self.keys.iter().filter(noted).count()
    }
}

impl Kept for KeptThings {
    fn lines(&self) -> Vec<String> {
        let place = self.place.shown();
        let there = |kept: &&KeptKey| kept.was != Was::Absent;
        let mut lines = Vec::new();
        for bucket in &self.buckets {
            lines.push(format!("bucket {}", sanitize::text(&bucket.name)));
        }
        let keys = self.keys.iter().filter(there).count() as u64;
        if keys > 0 {
            let noted = self.noted();
            let how = if noted > 0 {
                format!(", {noted} of them as versions that the bucket keeps")
            } else {
                String::new()
            };
            lines.push(format!(
                "{} of S3 in {place}{how}",
                Measure::Objects.count(keys)
            ));
        }
        let names = self.keys.iter().filter(there).map(KeptKey::shown);
        lines.extend(names.take(NAMED).map(|name| format!("  {name}")));
        if keys > NAMED as u64 {
            lines.push("  …".to_owned());
        }
        let items = self.items.iter().filter(|item| item.content.is_some());
        for item in items.clone().take(NAMED) {
            lines.push(format!("{} in {place}", item.shown()));
        }
        if items.count() > NAMED {
            lines.push("  …".to_owned());
        }
        for table in &self.tables {
            let name = sanitize::text(&table.name);
            let count = Measure::Items.count(table.count);
            lines.push(match &table.definition {
                Some(_) => format!("table {name} with {count} in {place}"),
                None => format!("table {name}, which was not there, goes"),
            });
        }
        let gone = self.keys.len() as u64 - keys
            + self
                .items
                .iter()
                .filter(|item| item.content.is_none())
                .count() as u64;
        if gone > 0 {
            lines.push(format!("{gone} objects or items that were not there go"));
        }
        lines
    }

    fn is_outside(&self, _world: &World) -> bool {
        true
    }

    fn conflicts(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if let Some(into) = undoing.into {
            return Ok(aside::conflicts(into, &self.files(undoing.reader)?));
        }
        let reach = self.reach(undoing)?;
        let earlier = EarlierThings::of(undoing);
        let mut found = Vec::new();
        self.key_conflicts(&reach, &earlier, &mut found)?;
        for (kept, saved, now) in dynamo::pairs(&reach, &self.items, undoing.reader)? {
            let same = dynamo::is_same(saved.as_ref(), now.as_ref());
            let expected = dynamo::is_same(earlier.item(kept).as_ref(), now.as_ref());
            if now.is_some() && !same && !expected {
                found.push(format!("{} was made or changed since", kept.shown()));
            }
        }
        self.table_conflicts(&reach, &earlier, undoing.reader, &mut found)?;
        Ok(found)
    }

    fn save_now(&self, undoing: &Undoing<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        let reach = self.reach(undoing)?;
        let keys = s3::now(&reach, &self.keys, writer)?;
        let targets: Vec<dynamo::ItemTarget> = self
            .items
            .iter()
            .map(|kept| dynamo::ItemTarget {
                table: kept.table.clone(),
                key: kept.key.clone(),
            })
            .collect();
        let items = dynamo::save(&reach, &targets, writer)?;
        let all: Result<Vec<KeptDynamoTable>, Unsaved> = self
            .tables
            .iter()
            .map(|table| tables::save_table(&reach, &table.name, writer))
            .collect();
        let now = Self {
            place: self.place.clone(),
            // A bucket that was made for the objects stays, empty.
            buckets: Vec::new(),
            keys,
            items,
            tables: all?,
        };
        Ok(vec![Part::new(&now)?])
    }

    fn restore(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if let Some(into) = undoing.into {
            aside::write(into, &self.files(undoing.reader)?)?;
            return Ok(match self.noted() {
                0 => Vec::new(),
                noted => vec![format!(
                    "{noted} objects are kept as versions by their bucket, and are not written here"
                )],
            });
        }
        let reach = self.reach(undoing)?;
        self.make_buckets(&reach)?;
        put::restore(&reach, &self.keys, undoing.reader)?;
        for table in &self.tables {
            tables::restore_table(&reach, table, undoing.reader)?;
        }
        dynamo::restore(&reach, &self.items, undoing.reader)?;
        Ok(Vec::new())
    }

    fn differences(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if let Some(into) = undoing.into {
            return Ok(aside::differences(into, &self.files(undoing.reader)?));
        }
        let reach = self.reach(undoing)?;
        let mut found = Vec::new();
        let mut there = Vec::new();
        for (kept, present) in s3::with_present(&reach, &self.keys)? {
            let copied = matches!(kept.was, Was::Version(_))
                && present.as_ref().is_some_and(|present| !present.marker);
            // Where another version stood in between, this one is a new version with the same content.
            if !copied && !s3::is_same(&reach, kept, present.as_ref())? {
                found.push(format!("{}: it is not what was saved", kept.shown()));
            } else {
                there.push(kept);
            }
        }
        for kept in s3::other_headers(&reach, &there, undoing.reader)? {
            found.push(format!(
                "{}: its headers are not what was saved",
                kept.shown()
            ));
        }
        for (kept, saved, now) in dynamo::pairs(&reach, &self.items, undoing.reader)? {
            if !dynamo::is_same(saved.as_ref(), now.as_ref()) {
                found.push(format!("{}: it is not what was saved", kept.shown()));
            }
        }
        for kept in &self.tables {
            let name = sanitize::text(&kept.name);
            match (&kept.definition, tables::table(&reach, &kept.name)?) {
                (None, None) => {}
                (None, Some(_)) => found.push(format!("table {name}: it is still there")),
                (Some(_), None) => found.push(format!("table {name}: it is not there")),
                (Some(_), Some(present)) => {
                    let saved = tables::items(kept, undoing.reader)?;
                    let lacking = tables::lacking(&saved, &present.items);
                    if lacking > 0 {
                        found.push(format!(
                            "table {name}: {lacking} items are not what was saved"
                        ));
                    }
                }
            }
        }
        Ok(found)
    }

    fn drill(&self, undoing: &Undoing<'_>, scratch: &Path) -> Result<Vec<String>, String> {
        let files = self.files(undoing.reader)?;
        aside::write(scratch, &files)?;
        if let Some(first) = aside::differences(scratch, &files).first() {
            return Err(first.clone());
        }
        for kept in &self.items {
            let item = dynamo::saved(kept.content.as_ref(), undoing.reader)?;
            if item.is_some_and(|item| !dynamo::has_key(&item, &kept.key)) {
                return Err(format!("{}: another item was saved", kept.shown()));
            }
        }
        for kept in &self.tables {
            let count = tables::items(kept, undoing.reader)?.len() as u64;
            if count != kept.count {
                let name = sanitize::text(&kept.name);
                return Err(format!(
                    "table {name}: {count} items instead of {}",
                    kept.count
                ));
            }
        }
        let mut lines = vec![format!("{} files written and compared", files.len())];
        if self.noted() > 0 {
            lines.push(match self.missing_versions(undoing) {
                Ok(missing) if missing.is_empty() => {
                    format!("the bucket keeps {} versions", self.noted())
                }
                Ok(missing) => return Err(missing.join("; ")),
                Err(why) => format!("the bucket was not asked for its versions: {why}"),
            });
        }
        lines.push("writing to the account cannot be tried without doing it".to_owned());
        Ok(lines)
    }

    fn contents(&self) -> Vec<(String, &Blob)> {
        let mut all = Vec::new();
        for kept in &self.keys {
            if let Was::Copy { content, about, .. } = &kept.was {
                all.push((kept.shown(), content));
                all.push((format!("{}: headers and tags", kept.shown()), about));
            }
        }
        for kept in &self.items {
            all.extend(kept.content.iter().map(|blob| (kept.shown(), blob)));
        }
        for kept in &self.tables {
            let name = sanitize::text(&kept.name);
            let definition = kept.definition.iter();
            all.extend(definition.map(|blob| (format!("table {name}: definition"), blob)));
            all.extend(
                kept.items
                    .iter()
                    .map(|blob| (format!("table {name}: items"), blob)),
            );
        }
        all
    }
}

impl KeptThings {
    /// Versions that their bucket no longer has.
    fn missing_versions(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        let reach = self.reach(undoing)?;
        let mut missing = Vec::new();
        for kept in &self.keys {
            let Was::Version(version) = &kept.was else {
                continue;
            };
            let input = json!({"Bucket": kept.bucket, "Key": kept.key, "VersionId": version});
            if let Answered::Missing = reach.call(&["s3api", "head-object"], &input)? {
                missing.push(format!(
                    "{}: the bucket no longer has its version",
                    kept.shown()
                ));
            }
        }
        Ok(missing)
    }
}
