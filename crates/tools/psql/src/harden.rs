//! SQL that protects a database by its own means, for a person to run: a role that only reads, and
//! triggers that refuse to delete many rows at once.

/// The script for a role and a database. `most` is how many rows one statement may delete without
/// the session setting `guard.allow_mass_delete`.
///
/// # Errors
/// When a name cannot stand in a script.
pub fn sql(role: &str, database: &str, most: u32) -> Result<String, String> {
    for name in [role, database] {
        if name.is_empty() || name.contains(['{', '}']) || name.chars().any(char::is_control) {
            return Err(format!("{name:?} is no name for a role or a database"));
        }
    }
    Ok(SCRIPT
        .replace("{role}", &role.replace('\'', "''"))
        .replace("{identifier}", &role.replace('"', "\"\""))
        .replace("{database}", &database.replace('"', "\"\""))
        .replace("{most}", &most.to_string()))
}

/// Statements for each schema and table are made by the database itself and run by `\gexec`.
const SCRIPT: &str = r#"-- Printed by `guard sql harden`. guard has run none of this: read it, then run it with psql as the owner of
-- the tables, who may also make roles:  psql -f THIS_FILE
\set ON_ERROR_STOP on
SET standard_conforming_strings = on;
\connect "{database}"
BEGIN;

-- 1. A role that only reads.
SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', '{role}')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \gexec
ALTER ROLE "{identifier}" SET default_transaction_read_only = on;
ALTER ROLE "{identifier}" SET statement_timeout = '30s';
ALTER ROLE "{identifier}" SET lock_timeout = '2s';
ALTER ROLE "{identifier}" SET idle_in_transaction_session_timeout = '60s';
REVOKE ALL ON DATABASE "{database}" FROM "{identifier}";
GRANT CONNECT ON DATABASE "{database}" TO "{identifier}";
-- Before PostgreSQL 15 everybody could create tables here.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
SELECT format(statement, nspname, '{role}')
  FROM pg_namespace CROSS JOIN (VALUES
       (1, 'REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I'),
       (2, 'REVOKE ALL ON ALL SEQUENCES IN SCHEMA %I FROM %I'),
       (3, 'REVOKE ALL ON SCHEMA %I FROM %I'),
       (4, 'GRANT USAGE ON SCHEMA %I TO %I'),
       (5, 'GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I'),
       (6, 'ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON TABLES TO %I')) AS made(step, statement)
 WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'guard')
 ORDER BY nspname, step \gexec

-- 2. Triggers that refuse mass deletes, whoever deletes. To delete more, in the session that does it:
--      SET guard.allow_mass_delete = on;
CREATE SCHEMA IF NOT EXISTS guard;
CREATE OR REPLACE FUNCTION guard.refuse_mass_delete() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    most CONSTANT bigint := TG_ARGV[0];
    deleted bigint;
BEGIN
    IF current_setting('guard.allow_mass_delete', true) = 'on' THEN
        RETURN NULL;
    END IF;
    SELECT count(*) INTO deleted FROM guard_deleted;
    IF deleted > most THEN
        RAISE EXCEPTION 'deleting % rows of %.% is refused', deleted, TG_TABLE_SCHEMA, TG_TABLE_NAME
            USING HINT = format('More than %s rows at once need: SET guard.allow_mass_delete = on', most);
    END IF;
    RETURN NULL;
END $guard$;
CREATE OR REPLACE FUNCTION guard.refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    most CONSTANT bigint := TG_ARGV[0];
    held bigint;
BEGIN
    IF current_setting('guard.allow_mass_delete', true) = 'on' THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT count(*) FROM (SELECT FROM %I.%I LIMIT %s) AS rows_held',
                   TG_TABLE_SCHEMA, TG_TABLE_NAME, most + 1) INTO held;
    IF held > most THEN
        RAISE EXCEPTION 'truncating %.% is refused', TG_TABLE_SCHEMA, TG_TABLE_NAME
            USING HINT = format('More than %s rows at once need: SET guard.allow_mass_delete = on', most);
    END IF;
    RETURN NULL;
END $guard$;
GRANT USAGE ON SCHEMA guard TO PUBLIC;
SELECT format(statement, nspname, relname)
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace CROSS JOIN (VALUES
       (1, 'DROP TRIGGER IF EXISTS guard_mass_delete ON %I.%I'),
       (2, 'DROP TRIGGER IF EXISTS guard_truncate ON %I.%I'),
       (3, 'CREATE TRIGGER guard_mass_delete AFTER DELETE ON %I.%I REFERENCING OLD TABLE AS guard_deleted '
           'FOR EACH STATEMENT EXECUTE FUNCTION guard.refuse_mass_delete({most})'),
       (4, 'CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON %I.%I '
           'FOR EACH STATEMENT EXECUTE FUNCTION guard.refuse_truncate({most})')) AS made(step, statement)
 WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'guard')
 ORDER BY nspname, relname, step \gexec

COMMIT;
\echo 'Give the role a password:  \\password "{identifier}"'
"#;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::sql;

    #[test]
    fn names_are_quoted() {
        let script = sql("o'b\"x", "d\"b", 7).unwrap();
        assert!(script.contains("rolname = 'o''b\"x'"));
        assert!(script.contains("ALTER ROLE \"o'b\"\"x\" SET"));
        assert!(script.contains("\\connect \"d\"\"b\""));
        assert!(script.contains("refuse_mass_delete(7)"));
        assert!(!script.contains("{most}"));
        assert!(sql("a\nb", "d", 1).is_err());
        assert!(sql("", "d", 1).is_err());
    }
}
