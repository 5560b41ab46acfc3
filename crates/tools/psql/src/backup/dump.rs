//! Whole objects, saved by `pg_dump`: what is dumped, and what `pg_dump` leaves out.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};

use super::define::{self, Definition, identifier};
use super::link::{Address, Link, Sections, unsaved};
use crate::ask::literal;
use guard_store::Unsaved;
use guard_store::manifest::Blob;
use guard_store::writer::Writer;

/// What a command drops, as the catalogs tell.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct DumpWish {
    /// Tables and views.
    pub relations: Vec<KeptRelation>,
    /// Foreign keys of tables that stay.
    pub keys: Vec<ForeignKey>,
    /// What `pg_dump` does not save with them.
    pub rest: Vec<String>,
    /// Schemas, with everything in them.
    pub schemas: Vec<String>,
    /// Some of the rest has to be there before the relations.
    pub blocked: bool,
}

impl DumpWish {
    /// Whether there is anything to dump that could be brought back.
    pub fn is_possible(&self) -> bool {
        !self.blocked && (!self.relations.is_empty() || !self.schemas.is_empty())
    }
}

/// A schema in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Its name, as it is spelled.
    pub name: String,
    /// Statements that grant the rights on it: `pg_dump` leaves out those that a schema has from the
    /// beginning of its database.
    pub grants: Vec<String>,
}

/// A table or a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRelation {
    /// The schema, as it is spelled.
    pub schema: String,
    /// The name, as it is spelled.
    pub table: String,
    /// `relkind` of `pg_class`.
    pub kind: String,
    /// Columns, constraints, indexes and triggers as SQL.
    #[serde(default)]
    pub shape: Vec<String>,
    /// What it holds.
    #[serde(default)]
    pub holds: RowTally,
}

/// How many rows, and the sum of their digests, whatever their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowTally {
    /// The rows.
    pub count: u64,
    /// The sum.
    pub sum: String,
}

/// A foreign key of another table's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The table that refers, as SQL names it.
    pub table: String,
    /// The constraint, as it is spelled.
    pub name: String,
    /// What it says.
    pub definition: String,
}

/// Objects of one database in a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptDump {
    /// Where the database is.
    pub server: Address,
    /// Tables and views that are to be there again.
    pub relations: Vec<KeptRelation>,
    /// Those that are not to be there, as they stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<KeptRelation>,
    /// Foreign keys of other tables that are to be there again.
    pub keys: Vec<ForeignKey>,
    /// Schemas that are to be there again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<Schema>,
    /// Those that are not to be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed_schemas: Vec<Schema>,
    /// What `pg_dump` printed: what is in the schemas, then the other relations.
    pub dumps: Vec<Blob>,
}

impl KeptRelation {
    /// As SQL names it.
    pub fn quoted(&self) -> String {
        format!("{}.{}", identifier(&self.schema), identifier(&self.table))
    }

    /// For a reader.
    pub fn shown(&self) -> String {
        guard_ground::sanitize::text(&format!("{}.{}", self.schema, self.table))
    }

    /// Whether it holds rows of its own.
    pub fn holds_rows(&self) -> bool {
        matches!(self.kind.as_str(), "r" | "m")
    }

    /// A query for [`RowTally`].
    fn holding(&self) -> String {
        format!(
            "SELECT pg_catalog.json_build_object('count', pg_catalog.count(*), 'sum', coalesce(CAST(pg_catalog.sum(\
             CAST(pg_catalog.hashtextextended(CAST(t.* AS pg_catalog.text), 0) AS pg_catalog.numeric)) \
             AS pg_catalog.text), '0')) FROM {} AS t",
            match self.kind.as_str() {
                "r" => format!("ONLY {}", self.quoted()),
                _ => self.quoted(),
            }
        )
    }
}

/// Settings under which values and definitions read the same everywhere.
pub const PLAIN: &str = "SET LOCAL search_path = ''; SET LOCAL datestyle = 'ISO, MDY'; SET LOCAL TimeZone = 'UTC'; \
    SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 3; SET LOCAL bytea_output = 'hex'; \
    SET LOCAL row_security = off; SET LOCAL lock_timeout = '5s'; SET LOCAL client_encoding = 'UTF8'";

/// Questions about relations that are there: definitions in one line, then a line for each that holds
/// rows.
pub fn questions(relations: &[KeptRelation]) -> Vec<String> {
    let oids: Vec<String> = relations
        .iter()
        .map(|relation| {
            format!(
                "pg_catalog.to_regclass({})::oid",
                literal(&relation.quoted())
            )
        })
        .collect();
    let mut questions = vec![define::query(&oids).replace('\n', " ")];
    questions.extend(
        relations
            .iter()
            .filter(|relation| relation.holds_rows())
            .map(KeptRelation::holding),
    );
    questions
}

/// The answers to [`questions`]: the relations as they are.
pub fn answers(
    sections: &mut Sections,
    relations: &[KeptRelation],
) -> Result<Vec<KeptRelation>, String> {
    let definitions: Vec<Definition> = sections.json()?;
    let mut answered = Vec::new();
    for relation in relations {
        let mut relation = relation.clone();
        let definition = definitions
            .iter()
            .find(|one| (&one.schema, &one.table) == (&relation.schema, &relation.table));
        let definition = definition.ok_or_else(|| format!("{} is not there", relation.shown()))?;
        relation.kind.clone_from(&definition.kind);
        relation.shape.clone_from(&definition.shape);
        answered.push(relation);
    }
    for relation in answered.iter_mut().filter(|one| one.holds_rows()) {
        relation.holds = sections.json()?;
    }
    Ok(answered)
}

/// A query for the rights on a schema as statements, in one line of JSON; `null` where there is no such
/// schema.
pub fn grants(schema: &str) -> String {
    format!(
        "SELECT CASE WHEN pg_catalog.to_regnamespace({0}) IS NULL THEN CAST('null' AS pg_catalog.json) ELSE \
         (SELECT coalesce(pg_catalog.json_agg(pg_catalog.format('GRANT %s ON SCHEMA %I TO %s%s', a.privilege_type, \
         n.nspname, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE CAST(CAST(a.grantee AS pg_catalog.regrole) AS pg_catalog.text) END, \
         CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)), '[]') \
         FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS a \
         WHERE n.oid = pg_catalog.to_regnamespace({0})) END",
        literal(&identifier(schema))
    )
}

/// Saves what is dropped as a snapshot shows it.
pub(super) fn save(
    wish: &DumpWish,
    link: &Link<'_>,
    server: &Address,
    snapshot: &str,
    writer: &Writer,
) -> Result<KeptDump, Unsaved> {
    let mut steps = vec![
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
        format!("SET TRANSACTION SNAPSHOT {}", literal(snapshot)),
        PLAIN.to_owned(),
    ];
    steps.extend(questions(&wish.relations));
    // Written with the schemas of all names, as the settings above have it.
    steps.extend(wish.keys.iter().map(|key| {
        format!(
            "SELECT pg_catalog.to_json(pg_catalog.pg_get_constraintdef(f.oid)) FROM pg_catalog.pg_constraint f \
             WHERE f.conrelid = CAST({} AS pg_catalog.regclass) AND f.conname = {}",
            literal(&key.table),
            literal(&key.name)
        )
    }));
    steps.extend(wish.schemas.iter().map(|name| grants(name)));
    let mut sections = link.steps(&steps)?;
    let relations = answers(&mut sections, &wish.relations)?;
    let mut keys = wish.keys.clone();
    for key in &mut keys {
        key.definition = sections.json()?;
    }
    let mut schemas = Vec::new();
    for name in &wish.schemas {
        schemas.push(Schema {
            name: name.clone(),
            grants: sections.json()?,
        });
    }
    sections.end()?;
    let dumps = dumps(&wish.relations, &wish.schemas, link, Some(snapshot), writer)?;
    Ok(KeptDump {
        server: server.clone(),
        relations,
        removed: Vec::new(),
        keys,
        schemas,
        removed_schemas: Vec::new(),
        dumps,
    })
}

/// What `pg_dump` prints of these schemas, and of the relations that lie in others. It takes either
/// schemas or relations (`pg_dump(1)`, `--table`).
pub(super) fn dumps(
    relations: &[KeptRelation],
    schemas: &[String],
    link: &Link<'_>,
    snapshot: Option<&str>,
    writer: &Writer,
) -> Result<Vec<Blob>, Unsaved> {
    // In quotes nothing is a pattern (manual, psql, "Patterns").
    let schemas_named = schemas
        .iter()
        .map(|name| format!("--schema={}", identifier(name)));
    let relations_named = relations
        .iter()
        .filter(|relation| !schemas.contains(&relation.schema))
        .map(|relation| format!("--table={}", relation.quoted()));
    let mut blobs = Vec::new();
    for named in [schemas_named.collect::<Vec<_>>(), relations_named.collect()] {
        if named.is_empty() {
            continue;
        }
        let mut options: Vec<OsString> =
            vec!["--lock-wait-timeout=1000".into(), "--encoding=UTF8".into()];
        if let Some(snapshot) = snapshot {
            options.push(format!("--snapshot={snapshot}").into());
        }
        options.extend(named.into_iter().map(OsString::from));
        let mut sections = link.dump(&options)?;
        let mut rest = sections.rest(writer);
        blobs.push(writer.stream(&mut rest, 0).map_err(|why| unsaved(why.0))?);
        sections
            .end()
            .map_err(|why| unsaved(format!("pg_dump cannot save it: {why}")))?;
    }
    Ok(blobs)
}

/// What goes with what is dropped, and is not saved by dumping it: [`GONE`] leads it.
///
/// [`GONE`]: crate::preview
pub const DUMPED: &str = ",
    all_of_them AS (
        SELECT DISTINCT c.oid, c.relname, c.relnamespace, c.relkind FROM gone g JOIN pg_class c
            ON g.classid = 'pg_class'::regclass AND c.oid = g.objid AND g.objsubid = 0
         WHERE c.relkind IN ('r', 'p', 'm', 'v') AND c.relpersistence <> 't'),
    lone AS (
        SELECT r.oid FROM all_of_them r JOIN pg_class c USING (oid) JOIN pg_inherits i ON i.inhrelid = r.oid
         WHERE to_jsonb(c) ->> 'relispartition' = 'true' AND i.inhparent NOT IN (SELECT oid FROM all_of_them)),
    relations AS (SELECT * FROM all_of_them WHERE oid NOT IN (SELECT oid FROM lone)),
    schemas AS (SELECT n.oid, n.nspname FROM gone g JOIN pg_namespace n
            ON g.classid = 'pg_namespace'::regclass AND n.oid = g.objid),
    rest AS (SELECT DISTINCT g.classid, g.objid, g.objsubid FROM gone g
           WHERE NOT (g.classid = 'pg_class'::regclass AND g.objid IN (SELECT oid FROM all_of_them))
             AND NOT (g.classid = 'pg_namespace'::regclass)
             AND NOT (g.classid = 'pg_default_acl'::regclass AND EXISTS (SELECT 1 FROM pg_default_acl a WHERE a.oid = g.objid
                      AND a.defaclnamespace IN (SELECT oid FROM schemas)))
             AND NOT coalesce((SELECT i.schema FROM pg_identify_object(g.classid, g.objid, g.objsubid) AS i)
                      IN (SELECT nspname FROM schemas), false)
             AND NOT (g.classid = 'pg_class'::regclass AND EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = g.objid
                      AND c.relkind IN ('t', 'i', 'I', 'S') AND NOT EXISTS (SELECT 1 FROM seeds s WHERE s.objid = g.objid)))
             AND NOT (g.classid = 'pg_attrdef'::regclass AND EXISTS (SELECT 1 FROM pg_attrdef d WHERE d.oid = g.objid
                      AND d.adrelid IN (SELECT oid FROM all_of_them)))
             AND NOT (g.classid = 'pg_rewrite'::regclass AND EXISTS (SELECT 1 FROM pg_rewrite w WHERE w.oid = g.objid
                      AND w.ev_class IN (SELECT oid FROM all_of_them)))
             AND NOT (g.classid = 'pg_type'::regclass AND EXISTS (SELECT 1 FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem
                      WHERE t.oid = g.objid AND (t.typrelid IN (SELECT oid FROM all_of_them)
                                                 OR e.typrelid IN (SELECT oid FROM all_of_them))))
             AND NOT (g.classid = 'pg_constraint'::regclass AND EXISTS (SELECT 1 FROM pg_constraint f WHERE f.oid = g.objid
                      AND (f.conrelid IN (SELECT oid FROM all_of_them) OR f.contype = 'f')))
             AND NOT (g.classid = 'pg_trigger'::regclass AND EXISTS (SELECT 1 FROM pg_trigger t WHERE t.oid = g.objid
                      AND (t.tgisinternal OR t.tgrelid IN (SELECT oid FROM all_of_them))))
             AND NOT (g.classid = 'pg_policy'::regclass AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.oid = g.objid
                      AND p.polrelid IN (SELECT oid FROM all_of_them))))
    SELECT json_build_object(
        'relations', (SELECT coalesce(json_agg(json_build_object('schema', n.nspname, 'table', r.relname, 'kind', r.relkind)
                ORDER BY r.oid), '[]')
            FROM relations r JOIN pg_namespace n ON n.oid = r.relnamespace),
        'schemas', (SELECT coalesce(json_agg(nspname ORDER BY nspname), '[]') FROM schemas),
        'keys', (SELECT coalesce(json_agg(json_build_object('table', format('%I.%I', n.nspname, c.relname),
                'name', f.conname, 'definition', '') ORDER BY f.oid), '[]')
            FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE f.contype = 'f' AND f.conparentid = 0 AND f.conrelid NOT IN (SELECT oid FROM all_of_them)
             AND f.confrelid IN (SELECT oid FROM relations)
             AND EXISTS (SELECT 1 FROM gone g WHERE g.classid = 'pg_constraint'::regclass AND g.objid = f.oid)),
        'rest', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM (
                SELECT pg_describe_object(classid, objid, objsubid) AS name FROM rest
                UNION ALL SELECT format('table %s, which is a partition', oid::regclass) FROM lone) AS s),
        'blocked', EXISTS (SELECT 1 FROM rest WHERE classid IN ('pg_extension'::regclass, 'pg_type'::regclass,
                'pg_proc'::regclass, 'pg_collation'::regclass, 'pg_opclass'::regclass, 'pg_operator'::regclass)))";
