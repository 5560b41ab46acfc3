//! What DROP would take along, as the catalogs have it: from the objects that are named to all that
//! goes with them.

use serde::Deserialize;

use super::catalog::{DROPPED, GONE};
use super::gone::Gone;
use crate::ask::{Database, Trouble, array, literal, read};

/// Where dropping begins.
pub(super) struct Seeds {
    /// A query for `(classid, objid, objsubid)`.
    pub(super) query: String,
    /// The names as written.
    pub(super) names: Vec<String>,
}

impl Seeds {
    /// Objects of one sort, by name.
    pub(super) fn named(sort: &str, names: &[String]) -> Self {
        let (class, object) = match sort {
            "schema" => ("pg_namespace", "to_regnamespace(name)::oid"),
            "type" | "domain" => ("pg_type", "to_regtype(name)::oid"),
            "extension" => (
                "pg_extension",
                "(SELECT e.oid FROM pg_extension e WHERE e.extname = (parse_ident(name))[1])",
            ),
            _ => ("pg_class", "to_regclass(name)::oid"),
        };
        Self {
            query: format!(
                "SELECT '{class}'::regclass::oid, {object}, 0 FROM unnest({}) AS name",
                array(names)
            ),
            names: names.to_vec(),
        }
    }

    /// Everything in this database that depends on roles: what they own (`'o'`), what they have rights
    /// on (`'a'`, `'r'`).
    pub(super) fn of_roles(roles: &[String], dependency: &str) -> Self {
        let roles: Vec<String> = roles
            .iter()
            .map(|role| match role.to_ascii_lowercase().as_str() {
                "current_user" | "current_role" => "quote_ident(current_user)".to_owned(),
                "session_user" => "quote_ident(session_user)".to_owned(),
                _ => literal(role),
            })
            .collect();
        Self {
            query: format!(
                "SELECT s.classid, s.objid, s.objsubid FROM pg_shdepend s \
                 JOIN unnest(ARRAY[{}]::text[]) AS role ON s.refobjid = to_regrole(role)::oid \
                 WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype IN ({dependency}) \
                 AND s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))",
                roles.join(", ")
            ),
            names: Vec::new(),
        }
    }

    pub(super) fn column(table: &str, column: &str) -> Self {
        Self {
            query: format!(
                "SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::int FROM pg_attribute a \
                 WHERE a.attrelid = to_regclass({})::oid AND a.attname = (parse_ident({}))[1] \
                 AND NOT a.attisdropped",
                literal(table),
                literal(column)
            ),
            names: vec![table.to_owned()],
        }
    }
}

/// What would be dropped.
#[derive(Deserialize)]
pub(super) struct Dropped {
    pub(super) tables: Vec<Gone>,
    /// Other things, described.
    pub(super) objects: Vec<String>,
    /// What depends on it and would be dropped by CASCADE only.
    pub(super) others: Vec<String>,
    /// How many of the seeds are there.
    pub(super) seeds: u64,
}

/// Asks what dropping the seeds drops.
pub(super) fn dropped(
    seeds: &Seeds,
    cascade: bool,
    database: &Database<'_>,
) -> Result<Dropped, Trouble> {
    read(database.ask(&gone(seeds, cascade, DROPPED))?)
}

/// A query about what dropping the seeds drops.
pub(super) fn gone(seeds: &Seeds, cascade: bool, answer: &str) -> String {
    let follows = if cascade { "true" } else { "d.deptype <> 'n'" };
    format!("{GONE}{answer}")
        .replace("{seeds}", &seeds.query)
        .replace("{follows}", follows)
}
