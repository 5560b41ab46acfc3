//! Statements in the manner of `PostgreSQL`'s own regression suite (`src/test/regress/sql`), which no
//! Debian package holds: one of every sort, in the odd forms that the grammar allows. None may take
//! long to read, and every one has the kind that its effect asks for.
use std::time::{Duration, Instant};

use super::told;
use crate::{TextSource, read};

const STATEMENTS: &[(&str, &str)] = &[
    // select, join, union, subselect, window, groupingsets
    (
        "SELECT p.* FROM onek p WHERE p.unique1 < 10 ORDER BY p.unique1 USING >",
        "read",
    ),
    (
        "SELECT DISTINCT ON (string4, ten) string4, ten, two FROM onek ORDER BY string4 USING <, ten USING >",
        "read",
    ),
    (
        "SELECT * FROM (VALUES (1, 'x'), (2, 'y')) AS v(a, b) NATURAL LEFT JOIN J1_TBL",
        "read",
    ),
    (
        "SELECT * FROM J1_TBL a FULL JOIN J2_TBL b USING (i) AS j WHERE j.i IS NOT DISTINCT FROM 1",
        "read",
    ),
    (
        "SELECT f1 FROM int4_tbl UNION ALL (SELECT f1 FROM int8_tbl EXCEPT SELECT 1) INTERSECT SELECT 2",
        "read",
    ),
    (
        "SELECT ARRAY(SELECT f1 FROM int4_tbl), ROW(1, 2) = ANY (SELECT 1, 2), (1, 2) < (3, 4)",
        "read",
    ),
    (
        "SELECT sum(x) FILTER (WHERE x > 1) OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES) FROM t WINDOW w AS (ORDER BY c)",
        "read",
    ),
    (
        "SELECT a, b, grouping(a, b), rank() WITHIN GROUP (ORDER BY c) FROM t GROUP BY GROUPING SETS ((a), CUBE (a, b), ROLLUP (b, c))",
        "read",
    ),
    (
        "SELECT * FROM tenk1 TABLESAMPLE SYSTEM (10) REPEATABLE (0)",
        "read",
    ),
    (
        "SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY[1]) ) WITH ORDINALITY AS f(a, b, c)",
        "read",
    ),
    (
        "SELECT * FROM LATERAL (SELECT 1) s, LATERAL f(s.a) AS g(x int)",
        "read",
    ),
    ("TABLE onek ORDER BY 1 FETCH FIRST 5 ROWS WITH TIES", "read"),
    (
        "SELECT * FROM onek ORDER BY 1 FETCH FIRST 5 ROWS WITH TIES",
        "read",
    ),
    ("SELECT * FROM t FOR NO KEY UPDATE OF t SKIP LOCKED", "read"),
    (
        "VALUES (1, 2), (3, 4) ORDER BY 1 LIMIT ALL OFFSET 0",
        "read",
    ),
    (
        "SELECT CASE WHEN a THEN b ELSE c END, COALESCE(a, b), NULLIF(a, b), GREATEST(1, 2), CAST(a AS numeric(3, 2)), a::text[] COLLATE \"C\"",
        "read",
    ),
    (
        "SELECT EXTRACT(EPOCH FROM now()), OVERLAY('a' PLACING 'b' FROM 1), POSITION('a' IN 'b'), SUBSTRING('abc' FROM 2 FOR 1), TRIM(BOTH 'x' FROM 'y')",
        "read",
    ),
    (
        "SELECT interval '1' day, timestamp with time zone '2000-01-01', B'101', X'1F', U&'\\0061', N'x'",
        "read",
    ),
    (
        "SELECT a[1:2][3], (b).c.d, (f(x)).*, t.* IS NULL, a AT TIME ZONE 'UTC', -a ^ 2 OPERATOR(pg_catalog.+) 3 FROM t",
        "read",
    ),
    (
        "SELECT 'a' LIKE 'b' ESCAPE '', a SIMILAR TO b, a BETWEEN SYMMETRIC 1 AND 2, a IS UNKNOWN, a IS JSON OBJECT, NOT a ISNULL",
        "read",
    ),
    (
        "SELECT xmlelement(name foo, xmlattributes(a AS b), 'c'), xmlforest(a, b AS c), xmlparse(document '<a/>')",
        "read",
    ),
    (
        "SELECT json_object('a': 1, 'b': 2 ABSENT ON NULL), json_agg(x ORDER BY y), '{}'::jsonb @> '{}' AND a ? 'b'",
        "read",
    ),
    ("SELECT * FROM t WHERE a = $1 AND b IN ($2, $3)", "read"),
    // with
    (
        "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 100) SEARCH DEPTH FIRST BY n SET o CYCLE n SET c USING p SELECT sum(n) FROM t",
        "read",
    ),
    (
        "WITH t AS NOT MATERIALIZED (SELECT 1), u(a, b) AS MATERIALIZED (TABLE v) SELECT * FROM t, u",
        "read",
    ),
    (
        "WITH t AS (DELETE FROM y RETURNING *) INSERT INTO z SELECT * FROM t",
        "delete-all",
    ),
    (
        "WITH RECURSIVE t AS (SELECT 1), u AS (UPDATE y SET a = 1 FROM t WHERE y.a = t.a RETURNING y.*) SELECT * FROM u",
        "update",
    ),
    (
        "WITH t AS (INSERT INTO y VALUES (1) RETURNING *) SELECT * FROM t",
        "write",
    ),
    // insert, insert_conflict, update, delete, merge, returning
    (
        "INSERT INTO inserttest (a, b[1], c.d) OVERRIDING SYSTEM VALUE VALUES (DEFAULT, 1, 'x') RETURNING *",
        "write",
    ),
    ("INSERT INTO t DEFAULT VALUES", "write"),
    (
        "INSERT INTO t AS u VALUES (1) ON CONFLICT ON CONSTRAINT k DO UPDATE SET a = excluded.a WHERE u.a > 1",
        "upsert",
    ),
    (
        "INSERT INTO t VALUES (1) ON CONFLICT (a COLLATE \"C\" text_ops) WHERE b DO NOTHING",
        "write",
    ),
    (
        "UPDATE update_test t SET (a, b) = (SELECT c, d FROM o WHERE o.k = t.k), e = DEFAULT",
        "update-all",
    ),
    (
        "UPDATE ONLY t * SET a[1] = 2, b.c = ROW(1) WHERE t.a IS NOT NULL RETURNING t.*",
        "update unknown",
    ),
    (
        "DELETE FROM t USING u LEFT JOIN v ON u.a = v.a WHERE t.a = u.a RETURNING *",
        "delete",
    ),
    ("DELETE FROM t WHERE CURRENT OF foo", "delete"),
    (
        "MERGE INTO target t USING source AS s ON t.tid = s.sid WHEN MATCHED AND t.b > 1 THEN UPDATE SET b = 0 WHEN NOT MATCHED BY TARGET THEN INSERT (tid) VALUES (s.sid) WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING merge_action(), t.*",
        "merge",
    ),
    (
        "MERGE INTO t USING s ON t.a = s.a WHEN NOT MATCHED THEN INSERT DEFAULT VALUES",
        "write",
    ),
    (
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DO NOTHING",
        "write",
    ),
    // create_table, alter_table, partition, inherit, constraints
    (
        "CREATE TABLE t (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, b text COLLATE \"C\" NOT NULL DEFAULT 'x', c int GENERATED ALWAYS AS IDENTITY (START 1), d int GENERATED ALWAYS AS (a * 2) STORED, CHECK (a > 1) NO INHERIT, EXCLUDE USING gist (c WITH &&) WHERE (a > 1))",
        "write",
    ),
    (
        "CREATE UNLOGGED TABLE IF NOT EXISTS s.t (LIKE u INCLUDING ALL EXCLUDING INDEXES) INHERITS (p) WITH (fillfactor = 70) TABLESPACE x",
        "write",
    ),
    (
        "CREATE TABLE p PARTITION OF q FOR VALUES FROM (MINVALUE, 1) TO (MAXVALUE, 2) PARTITION BY HASH (a, (b + 1) text_ops)",
        "write",
    ),
    (
        "CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1 WITH NO DATA",
        "write",
    ),
    ("SELECT 1 AS a INTO TEMPORARY u FROM t", "write"),
    (
        "ALTER TABLE IF EXISTS ONLY t ADD CONSTRAINT c FOREIGN KEY (a, b) REFERENCES u (c, d) MATCH FULL ON DELETE SET NULL (a) ON UPDATE CASCADE NOT VALID",
        "write",
    ),
    ("ALTER TABLE t ATTACH PARTITION p DEFAULT", "write"),
    ("ALTER TABLE t DETACH PARTITION p CONCURRENTLY", "write"),
    (
        "ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER b SET STATISTICS 100, CLUSTER ON i, SET (autovacuum_enabled = off), ENABLE ROW LEVEL SECURITY, REPLICA IDENTITY FULL",
        "write",
    ),
    (
        "ALTER TABLE t ALTER COLUMN a DROP NOT NULL, DROP COLUMN b CASCADE",
        "alter-drop-column",
    ),
    (
        "ALTER TABLE t ALTER a SET DATA TYPE varchar(3) COLLATE \"C\" USING a::text || 'x'",
        "alter-column-type",
    ),
    ("ALTER TABLE t RENAME COLUMN a TO b", "write"),
    ("ALTER TABLE t SET SCHEMA s", "write"),
    ("ALTER TABLE t DISABLE TRIGGER ALL", "write"),
    (
        "ALTER TYPE c ADD ATTRIBUTE a int CASCADE, DROP ATTRIBUTE b",
        "alter-drop-column",
    ),
    ("ALTER TYPE e RENAME VALUE 'a' TO 'b'", "write"),
    // indexes, sequences, views, rules, triggers
    (
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY t USING btree (lower(a) text_pattern_ops DESC NULLS LAST, (b || c)) INCLUDE (d) NULLS NOT DISTINCT WITH (fillfactor = 50) WHERE a > 'x'",
        "write",
    ),
    (
        "CREATE SEQUENCE s AS bigint INCREMENT BY -1 MINVALUE 1 NO CYCLE OWNED BY t.a",
        "write",
    ),
    ("ALTER SEQUENCE s RESTART WITH 1", "write"),
    (
        "CREATE OR REPLACE TEMP RECURSIVE VIEW v (a) AS VALUES (1) UNION ALL SELECT a + 1 FROM v",
        "write",
    ),
    (
        "CREATE VIEW v WITH (security_barrier) AS SELECT * FROM t WITH LOCAL CHECK OPTION",
        "write",
    ),
    (
        "CREATE MATERIALIZED VIEW IF NOT EXISTS m AS SELECT 1 WITH NO DATA",
        "write",
    ),
    ("REFRESH MATERIALIZED VIEW CONCURRENTLY m", "write"),
    (
        "CREATE RULE r AS ON UPDATE TO t WHERE old.a <> new.a DO INSTEAD (UPDATE u SET a = new.a; NOTIFY x)",
        "write",
    ),
    (
        "CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING",
        "write",
    ),
    (
        "CREATE CONSTRAINT TRIGGER g AFTER INSERT OR UPDATE OF a, b ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.a > 1) EXECUTE FUNCTION f('x', 1)",
        "write",
    ),
    (
        "CREATE TRIGGER g AFTER DELETE ON t REFERENCING OLD TABLE AS o FOR EACH STATEMENT EXECUTE PROCEDURE f()",
        "write",
    ),
    (
        "CREATE EVENT TRIGGER e ON ddl_command_start WHEN TAG IN ('create table') EXECUTE FUNCTION f()",
        "write",
    ),
    // functions
    (
        "CREATE FUNCTION f(IN a int, OUT b text, VARIADIC c int[] DEFAULT '{}') RETURNS SETOF record LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 10 SET search_path = s AS $f$ BEGIN DELETE FROM t; END $f$",
        "write",
    ),
    ("CREATE FUNCTION f(a int) RETURNS int RETURN a + 1", "write"),
    (
        "CREATE PROCEDURE p(INOUT a int) LANGUAGE sql BEGIN ATOMIC DELETE FROM t; SELECT 1; END",
        "write",
    ),
    (
        "CREATE AGGREGATE a (int, text) (SFUNC = f, STYPE = int, INITCOND = '0')",
        "write",
    ),
    (
        "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = f, COMMUTATOR = ===)",
        "write",
    ),
    (
        "CREATE CAST (a AS b) WITH FUNCTION f(a) AS ASSIGNMENT",
        "write",
    ),
    ("CREATE TYPE e AS ENUM ('a', 'b')", "write"),
    ("CREATE TYPE c AS (a int, b text COLLATE \"C\")", "write"),
    ("CREATE DOMAIN d AS int CHECK (VALUE > 1) NOT NULL", "write"),
    ("CREATE COLLATION c (LOCALE = 'C', PROVIDER = icu)", "write"),
    (
        "CREATE STATISTICS s (ndistinct) ON a, (b + 1) FROM t",
        "write",
    ),
    (
        "CREATE TEXT SEARCH CONFIGURATION c (COPY = english)",
        "write",
    ),
    ("CREATE ACCESS METHOD m TYPE TABLE HANDLER h", "write"),
    ("DO LANGUAGE plpgsql $$ BEGIN NULL; END $$", "unknown"),
    ("CALL p(1, b => 2)", "unknown"),
    // roles, privileges, policies, schemas, extensions, replication
    (
        "CREATE ROLE r WITH LOGIN CONNECTION LIMIT 3 VALID UNTIL 'infinity' IN ROLE a",
        "write",
    ),
    (
        "ALTER ROLE ALL IN DATABASE d SET work_mem TO DEFAULT",
        "write",
    ),
    ("ALTER USER u RENAME TO v", "write"),
    (
        "GRANT SELECT (a, b), UPDATE (c) ON t TO r WITH GRANT OPTION GRANTED BY CURRENT_USER",
        "write",
    ),
    (
        "GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA s TO GROUP public",
        "grant-public",
    ),
    ("GRANT a TO b WITH ADMIN OPTION", "write"),
    (
        "REVOKE GRANT OPTION FOR SELECT ON t FROM r CASCADE",
        "revoke",
    ),
    ("REVOKE a FROM b", "revoke"),
    (
        "ALTER DEFAULT PRIVILEGES FOR ROLE r IN SCHEMA s GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
        "grant-public",
    ),
    ("REASSIGN OWNED BY a, CURRENT_USER TO b", "reassign"),
    ("DROP OWNED BY a, b CASCADE", "drop-owned"),
    (
        "CREATE POLICY p ON t AS RESTRICTIVE FOR DELETE TO r USING (a = current_user) WITH CHECK (true)",
        "write",
    ),
    (
        "CREATE POLICY p ON t AS RESTRICTIVE FOR ALL TO r USING (a = current_user) WITH CHECK (true)",
        "write",
    ),
    ("CREATE SCHEMA IF NOT EXISTS AUTHORIZATION r", "write"),
    (
        "CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT 1",
        "write",
    ),
    (
        "CREATE EXTENSION IF NOT EXISTS e WITH SCHEMA s VERSION '1' CASCADE",
        "write",
    ),
    (
        "CREATE FOREIGN TABLE f (a int OPTIONS (x 'y')) SERVER s OPTIONS (z 'w')",
        "write",
    ),
    (
        "CREATE SERVER s TYPE 't' FOREIGN DATA WRAPPER w OPTIONS (host 'h')",
        "write",
    ),
    (
        "IMPORT FOREIGN SCHEMA s LIMIT TO (a, b) FROM SERVER x INTO y",
        "write",
    ),
    (
        "CREATE PUBLICATION p FOR TABLE t (a, b) WHERE (a > 1), TABLES IN SCHEMA s WITH (publish = 'insert')",
        "write",
    ),
    (
        "CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)",
        "write",
    ),
    (
        "CREATE DATABASE d WITH OWNER = r TEMPLATE template0 ENCODING 'UTF8' ALLOW_CONNECTIONS = false",
        "write",
    ),
    (
        "CREATE TABLESPACE t OWNER r LOCATION '/x' WITH (seq_page_cost = 1)",
        "write",
    ),
    ("ALTER DATABASE d SET TABLESPACE t", "write"),
    ("ALTER EXTENSION e UPDATE TO '2'", "write"),
    ("ALTER SYSTEM SET max_connections TO '10'", "alter-system"),
    ("ALTER LARGE OBJECT 1 OWNER TO r", "write"),
    ("COMMENT ON COLUMN t.a IS NULL", "write"),
    ("SECURITY LABEL FOR x ON TABLE t IS 'y'", "write"),
    // drop
    ("DROP TABLE a, b.c, \"D\" RESTRICT", "drop-table"),
    ("DROP VIEW IF EXISTS v CASCADE", "drop"),
    ("DROP MATERIALIZED VIEW m", "drop"),
    ("DROP INDEX CONCURRENTLY IF EXISTS i", "drop"),
    (
        "DROP FUNCTION IF EXISTS f(int, OUT text), g CASCADE",
        "drop",
    ),
    ("DROP AGGREGATE a (int), b (*)", "drop"),
    ("DROP OPERATOR === (int, NONE)", "drop"),
    ("DROP OPERATOR CLASS c USING btree", "drop"),
    ("DROP CAST IF EXISTS (a AS b)", "drop"),
    ("DROP TRIGGER g ON s.t", "drop"),
    ("DROP RULE r ON t", "drop"),
    ("DROP POLICY IF EXISTS p ON t", "drop"),
    ("DROP TEXT SEARCH CONFIGURATION c", "drop"),
    ("DROP USER MAPPING IF EXISTS FOR public SERVER s", "drop"),
    ("DROP SERVER s CASCADE", "drop"),
    ("DROP EVENT TRIGGER e", "drop"),
    ("DROP TRANSFORM FOR a LANGUAGE b", "drop"),
    ("DROP ROLE IF EXISTS a, b", "drop"),
    ("DROP SCHEMA a, b CASCADE", "drop-schema"),
    ("DROP DATABASE IF EXISTS d WITH (FORCE)", "drop-database"),
    ("DROP PUBLICATION p", "drop"),
    ("DROP SUBSCRIPTION s", "drop"),
    ("DROP STATISTICS s", "drop"),
    ("DROP DOMAIN d CASCADE", "drop"),
    ("DROP LANGUAGE l", "drop"),
    // utility
    ("TRUNCATE ONLY a, b * RESTART IDENTITY CASCADE", "truncate"),
    (
        "COPY (SELECT * FROM t) TO STDOUT WITH (FORMAT csv, HEADER, FORCE_QUOTE (a, b))",
        "read",
    ),
    (
        "COPY t (a, b) FROM '/x' WITH (FORMAT csv, DELIMITER E'\\t', NULL '') WHERE a > 1",
        "write",
    ),
    ("COPY t TO PROGRAM 'cat' (FORMAT binary)", "copy-to-program"),
    ("VACUUM (FULL, VERBOSE, PARALLEL 2) t (a)", "vacuum-full"),
    ("VACUUM (ANALYZE, SKIP_LOCKED) t, u", "write"),
    ("ANALYZE (VERBOSE) t (a, b)", "write"),
    ("CLUSTER VERBOSE t USING i", "write"),
    ("REINDEX (CONCURRENTLY, TABLESPACE x) INDEX i", "write"),
    ("LOCK TABLE ONLY t IN ACCESS EXCLUSIVE MODE NOWAIT", "write"),
    (
        "EXPLAIN (COSTS off, FORMAT yaml, SETTINGS) UPDATE t SET a = 1",
        "read",
    ),
    (
        "EXPLAIN (ANALYZE, TIMING off) UPDATE t SET a = 1",
        "update-all",
    ),
    ("EXPLAIN ANALYZE EXECUTE nobody(1)", "unknown"),
    ("PREPARE p (int, text) AS SELECT $1, $2", "write"),
    ("DEALLOCATE PREPARE ALL", "write"),
    (
        "DECLARE c BINARY INSENSITIVE SCROLL CURSOR WITH HOLD FOR SELECT 1",
        "read",
    ),
    ("FETCH BACKWARD ALL FROM c", "read"),
    ("MOVE RELATIVE -1 IN c", "read"),
    ("SET LOCAL TIME ZONE INTERVAL '-8' HOUR TO MINUTE", "write"),
    (
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "write",
    ),
    ("SET CONSTRAINTS ALL DEFERRED", "write"),
    ("RESET SESSION AUTHORIZATION", "write"),
    ("SHOW ALL", "read"),
    ("DISCARD TEMP", "write"),
    ("LISTEN a", "write"),
    ("NOTIFY a, 'b'", "write"),
    ("LOAD 'plpgsql'", "unknown"),
    ("CHECKPOINT", "write"),
    (
        "START TRANSACTION READ ONLY, ISOLATION LEVEL REPEATABLE READ, NOT DEFERRABLE",
        "read",
    ),
    ("SAVEPOINT a", "read"),
    ("ROLLBACK TO SAVEPOINT a", "read"),
    ("PREPARE TRANSACTION 'x'", "write"),
    ("COMMIT PREPARED 'x'", "unknown"),
    // functions that do something
    (
        "SELECT lo_unlink(oid) FROM pg_largeobject_metadata",
        "large-object",
    ),
    (
        "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity",
        "terminate",
    ),
    (
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots",
        "drop",
    ),
    (
        "SELECT * FROM dblink('dbname=x', 'DELETE FROM t') AS t(a int)",
        "unknown",
    ),
    ("SELECT set_config('work_mem', '1', false)", "write"),
];

/// What it gives, in less than 50 ms; other processes may be in the way once or twice.
fn at_once<T>(statement: &str, work: impl Fn() -> T) -> T {
    let mut took = Duration::MAX;
    for _ in 0..10 {
        let began = Instant::now();
        let done = work();
        took = began.elapsed();
        if took < Duration::from_millis(50) {
            return done;
        }
    }
    panic!("{statement}: {took:?}");
}

#[test]
fn every_statement_has_its_kind_and_is_read_at_once() {
    let mut wrong = Vec::new();
    for (statement, expected) in STATEMENTS {
        for from in [TextSource::Command, TextSource::Script] {
            let found = at_once(statement, || read(statement.as_bytes(), from, &[]));
            let kinds = told(&found).replace("@1", "");
            if kinds != *expected {
                wrong.push(format!(
                    "{statement}\n  expected {expected}\n  found    {kinds}\n"
                ));
            }
        }
    }
    assert!(STATEMENTS.len() >= 150, "{}", STATEMENTS.len());
    assert!(wrong.is_empty(), "\n{}", wrong.concat());
}

/// Pieces of one statement in another, cut anywhere: nothing panics, nothing takes long.
#[test]
fn spliced_statements_do_no_harm() {
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..3_000 {
        let first = STATEMENTS[random(STATEMENTS.len())].0;
        let second = STATEMENTS[random(STATEMENTS.len())].0;
        let head: String = first.chars().take(random(first.len() + 1)).collect();
        let tail: String = second.chars().skip(random(second.len() + 1)).collect();
        let text = format!("{head}{tail}");
        at_once(&text, || {
            for statement in read(text.as_bytes(), TextSource::Command, &[]) {
                if let Some(sql) = &statement.sql {
                    let _ = crate::actions::actions(sql);
                }
            }
        });
    }
}
