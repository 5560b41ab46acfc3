//! Dumped objects as a part of a backup.

use guard_core::kept;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use super::define::identifier;
use super::drill;
use super::dump::{self, KeptDump, KeptRelation, PLAIN, Schema};
use super::link::{Link, PsqlScript};
use super::part::{LOCK, new_file};
use super::there::{differing, there};
use crate::ask::literal;
use guard_core::kept::TIME;
use guard_core::kept::{Kept, Undoing};
use guard_core::world::World;
use guard_ground::sanitize;
use guard_store::Unsaved;
use guard_store::manifest::{Blob, Part};
use guard_store::reader::BackupReader;
use guard_store::writer::Writer;
use guard_words::Measure;

/// The name of the file with the dump.
const FILE: &str = "objects.sql";

impl KeptDump {
    fn link<'a>(&self, undoing: &Undoing<'a>) -> Link<'a> {
        Link::to(&self.server, undoing.context, kept::deadline())
    }

    /// Those of the relations that are there, as they are.
    fn there(
        &self,
        relations: &[KeptRelation],
        undoing: &Undoing<'_>,
    ) -> Result<Vec<KeptRelation>, String> {
        there(&self.link(undoing), relations)
    }

    /// Drops relations: views before what they show, tables together.
    fn drop(script: &mut PsqlScript, relations: &[KeptRelation]) -> Result<(), String> {
        for relation in relations.iter().rev() {
            let word = match relation.kind.as_str() {
                "v" => "VIEW",
                "m" => "MATERIALIZED VIEW",
                _ => continue,
            };
            script.line(&format!("DROP {word} IF EXISTS {};", relation.quoted()))?;
        }
        let tables: Vec<String> = relations
            .iter()
            .filter(|relation| matches!(relation.kind.as_str(), "r" | "p"))
            .map(KeptRelation::quoted)
            .collect();
        if tables.is_empty() {
            return Ok(());
        }
        script.line(&format!("DROP TABLE IF EXISTS {};", tables.join(", ")))
    }

    /// Writes the script that brings everything back in one transaction; `there` are the relations in
    /// the way.
    fn restoring(
        &self,
        script: &mut PsqlScript,
        reader: &BackupReader,
        there: &[KeptRelation],
    ) -> Result<(), String> {
        script.line("\\encoding UTF8")?;
        script.line("BEGIN;")?;
        script.line(&format!("SET LOCAL lock_timeout = '{LOCK}';"))?;
        if !there.is_empty() {
            for key in &self.keys {
                script.line(&format!(
                    "ALTER TABLE {} DROP CONSTRAINT IF EXISTS {};",
                    key.table,
                    identifier(&key.name)
                ))?;
            }
            Self::drop(script, there)?;
        }
        // Without CASCADE: what else was made in them since keeps them.
        for schema in &self.removed_schemas {
            let name = identifier(&schema.name);
            script.line(&format!("DROP SCHEMA IF EXISTS {name};"))?;
        }
        for blob in &self.dumps {
            reader.copy(blob, script)?;
        }
        for grant in self.schemas.iter().flat_map(|schema| &schema.grants) {
            script.line(&format!("{grant};"))?;
        }
        if !self.dumps.is_empty() {
            for key in &self.keys {
                script.line(&format!(
                    "ALTER TABLE {} ADD CONSTRAINT {} {};",
                    key.table,
                    identifier(&key.name),
                    key.definition
                ))?;
            }
        }
        script.line("COMMIT;")
    }

    fn write_into(&self, directory: &Path, reader: &BackupReader) -> Result<(), String> {
        let path = directory.join(FILE);
        let problem = |error: std::io::Error| format!("{}: {error}", sanitize::path(&path));
        let mut script = PsqlScript::new()?;
        self.restoring(&mut script, reader, &[])?;
        let mut file = new_file(&path).map_err(problem)?;
        script
            .copy_to(&mut file)
            .and_then(|()| file.sync_all())
            .map_err(problem)
    }

    /// Those of the schemas to be removed that are there, with everything in them.
    fn schemas_there(&self, link: &Link<'_>) -> Result<Vec<Schema>, String> {
        let mut script = PsqlScript::new()?;
        for schema in &self.removed_schemas {
            script.line(&format!("{};", dump::grants(&schema.name)))?;
        }
        let mut sections = link.script(script)?;
        let mut found = Vec::new();
        for schema in &self.removed_schemas {
            if let Some(grants) = sections.json()? {
                found.push(Schema {
                    name: schema.name.clone(),
                    grants,
                });
            }
        }
        sections.end()?;
        Ok(found)
    }

    /// Foreign keys of other tables that are not as they were.
    fn keys_missing(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        let mut script = PsqlScript::new()?;
        script.line("BEGIN READ ONLY;")?;
        script.line(&format!("{PLAIN};"))?;
        for key in &self.keys {
            script.line(&format!(
                "SELECT pg_catalog.to_json((SELECT pg_catalog.pg_get_constraintdef(f.oid) FROM pg_catalog.pg_constraint f \
                 WHERE f.conrelid = pg_catalog.to_regclass({}) AND f.conname = {}));",
                literal(&key.table),
                literal(&key.name)
            ))?;
        }
        let mut sections = self.link(undoing).script(script)?;
        let mut lines = Vec::new();
        for key in &self.keys {
            let line = sections.line()?;
            let now: Option<String> = serde_json::from_str(&line).unwrap_or_default();
            if now.as_ref() != Some(&key.definition) {
                lines.push(sanitize::text(&format!(
                    "the foreign key {} of {} is not as it was",
                    key.name, key.table
                )));
            }
        }
        sections.end()?;
        Ok(lines)
    }
}

impl Kept for KeptDump {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("In {}", self.server.shown())];
        for relation in &self.relations {
            let kind = match relation.kind.as_str() {
                "v" => "view",
                "m" => "materialized view",
                _ => "table",
            };
            let mut line = format!("  {kind} {}", relation.shown());
            if relation.kind == "r" {
                let _ = write!(line, " with {}", Measure::Rows.count(relation.holds.count));
            }
            lines.push(line);
        }
        if !self.dumps.is_empty() {
            lines.extend(self.keys.iter().map(|key| {
                sanitize::text(&format!("  foreign key {} of {}", key.name, key.table))
            }));
        }
        lines.extend(self.schemas.iter().map(|schema| {
            sanitize::text(&format!(
                "  schema {} with everything that was in it",
                schema.name
            ))
        }));
        lines.extend(self.removed_schemas.iter().map(|schema| {
            sanitize::text(&format!(
                "  schema {} goes, which was not there",
                schema.name
            ))
        }));
        lines.extend(
            self.removed
                .iter()
                .map(|relation| format!("  {} goes, which was not there", relation.shown())),
        );
        lines
    }

    fn is_outside(&self, _world: &World) -> bool {
        true
    }

    fn conflicts(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if let Some(directory) = undoing.into {
            let path = directory.join(FILE);
            let there = path.symlink_metadata().is_ok();
            return Ok(there.then(|| sanitize::path(&path)).into_iter().collect());
        }
        let doubt = self.server.doubt(undoing.context)?;
        let there = self.there(&self.relations, undoing)?;
        let expected = |relation: &KeptRelation| {
            self.removed.iter().any(|removed| {
                (&removed.schema, &removed.table) == (&relation.schema, &relation.table)
            })
        };
        let newer = there
            .iter()
            .filter(|relation| !expected(relation))
            .map(|relation| {
                format!(
                    "{}, which is there now with {}",
                    relation.shown(),
                    Measure::Rows.count(relation.holds.count)
                )
            });
        let mut lines: Vec<String> = doubt.into_iter().chain(newer).collect();
        let there = self.there(&self.removed, undoing)?;
        let changed = differing(&self.removed, &there);
        lines.extend(
            changed
                .into_iter()
                .filter(|line| !line.ends_with("is not there")),
        );
        Ok(lines)
    }

    fn save_now(&self, undoing: &Undoing<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
        let mut all = self.relations.clone();
        for relation in &self.removed {
            if !all.iter().any(|one| one.quoted() == relation.quoted()) {
                all.push(relation.clone());
            }
        }
        let there = self.there(&all, undoing)?;
        let link = Link::to(&self.server, undoing.context, writer.deadline());
        let schemas = self.schemas_there(&link)?;
        let names: Vec<String> = schemas.iter().map(|schema| schema.name.clone()).collect();
        let dumps = dump::dumps(&there, &names, &link, None, writer)?;
        let now = Self {
            server: self.server.clone(),
            relations: there,
            removed: self.relations.clone(),
            keys: self.keys.clone(),
            schemas,
            removed_schemas: self.schemas.clone(),
            dumps,
        };
        Ok(vec![Part::new(&now)?])
    }

    fn restore(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if let Some(directory) = undoing.into {
            self.write_into(directory, undoing.reader)?;
            return Ok(Vec::new());
        }
        let mut there = self.there(&self.relations, undoing)?;
        for relation in self.there(&self.removed, undoing)? {
            if !there.iter().any(|one| one.quoted() == relation.quoted()) {
                there.push(relation);
            }
        }
        let mut script = PsqlScript::new()?;
        self.restoring(&mut script, undoing.reader, &there)?;
        let link = Link::to(&self.server, undoing.context, Instant::now() + TIME * 5);
        link.script(script)?
            .end()
            .map_err(|why| format!("{why}; nothing was changed in {}", self.server.shown()))?;
        Ok(Vec::new())
    }

    fn differences(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
        if let Some(directory) = undoing.into {
            let path = directory.join(FILE);
            return Ok(match path.symlink_metadata() {
                Ok(_) => Vec::new(),
                Err(error) => vec![format!("{}: {error}", sanitize::path(&path))],
            });
        }
        let there = self.there(&self.relations, undoing)?;
        let mut lines = differing(&self.relations, &there);
        if !self.dumps.is_empty() {
            lines.extend(self.keys_missing(undoing)?);
        }
        let gone: Vec<KeptRelation> = self
            .removed
            .iter()
            .filter(|one| {
                !self
                    .relations
                    .iter()
                    .any(|other| other.quoted() == one.quoted())
            })
            .cloned()
            .collect();
        for relation in self.there(&gone, undoing)? {
            lines.push(format!("{} is still there", relation.shown()));
        }
        Ok(lines)
    }

    fn drill(&self, undoing: &Undoing<'_>, _scratch: &Path) -> Result<Vec<String>, String> {
        drill::objects(self, undoing)
    }

    fn contents(&self) -> Vec<(String, &Blob)> {
        let named = |blob| ("pg_dump".to_owned(), blob);
        self.dumps.iter().map(named).collect()
    }
}
