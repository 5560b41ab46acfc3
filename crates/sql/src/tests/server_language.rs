//! What the server reads: statements of every kind.
use super::check;
use crate::TextSource::{Command, Script};

const TEXTS_AND_COMMENTS: &[(&str, &str)] = &[
    ("", ""),
    ("  \n\t", ""),
    (";;;", ""),
    ("-- DROP TABLE x", ""),
    ("/* DROP /* TABLE */ x */", ""),
    ("-- DROP TABLE x\nSELECT 1", "read@2"),
    ("-- a\rDROP TABLE x", "drop-table@1"),
    ("SELECT 'DROP TABLE x'", "read@1"),
    ("SELECT 'it''s; DROP TABLE x;'", "read@1"),
    ("SELECT E'\\'; DROP TABLE x; --'", "read@1"),
    ("SELECT '\\'; DROP TABLE x; --'", "read@1 drop-table@1"),
    ("SELECT U&'\\0041; DROP TABLE x'", "read@1"),
    ("SELECT b'1', x'F', n'; DROP TABLE x'", "read@1"),
    ("SELECT $$ ; DROP TABLE x; $$", "read@1"),
    ("SELECT $a$ $$ ; DROP TABLE x; $$ $b$ $a$", "read@1"),
    ("SELECT $a$ $a $a$; DROP TABLE x", "read@1 drop-table@1"),
    (
        "SELECT a$b$ FROM t; DROP TABLE x; SELECT a$b$",
        "read@1 drop-table@1 read@1",
    ),
    ("SELECT $1; DROP TABLE x", "read@1 drop-table@1"),
    ("SELECT \"delete\" FROM t", "read@1"),
    ("SELECT \"a\"\"; DROP TABLE x\"", "read@1"),
    (
        "SELECT 1; DROP TABLE a;\nDROP TABLE b",
        "read@1 drop-table@1 drop-table@2",
    ),
    ("DR/**/OP TABLE x", "unknown@1"),
    ("DROP/**/TABLE/*;*/x", "drop-table@1"),
    ("dRoP tAbLe x", "drop-table@1"),
    ("\"DROP\" TABLE x", "unknown@1"),
    (
        "SELECT 1 /* /* ; */ DROP TABLE x; */; SELECT 2",
        "read@1 read@1",
    ),
    ("SELECT 1 */ 2; DROP TABLE x", "read@1 drop-table@1"),
    ("SELECT 2+--x\n3; DROP TABLE x", "read@1 drop-table@2"),
    ("SELECT 'a\n;DROP TABLE x;\n'", "read@1"),
    ("SELECT 'abc", "unknown@1"),
    ("SELECT 1; SELECT \"abc", "read@1 unknown@1"),
    ("SELECT 1 /* abc", "unknown@1"),
    ("/* abc", "unknown@1"),
    ("SELECT $q$ abc $Q$", "unknown@1"),
    ("SELECT (1; DROP TABLE x;", "unknown@1"),
    ("SELECT (1;2)", "unknown@1"),
    // The server refuses the first; nothing in it could destroy.
    ("SELECT 1); DROP TABLE x", "read@1 drop-table@1"),
    ("SELECT 1\0; SELECT 2", "unknown@1 read@1"),
    (
        "SELECT 1e5$$; DROP TABLE x; $$",
        "unknown@1 drop-table@1 unknown@1",
    ),
    ("SELECT 1.5e-3, .5, 0x1F, 1_000, a[1:2]", "read@1"),
    ("SELECT 1FROM t", "unknown@1"),
    // psql reads the second string by itself, the server as a part of the first.
    (
        "SELECT E'a'\n'\\', '; DROP TABLE x; --';",
        "read@1 drop-table@2",
    ),
    ("\u{feff}SELECT 1", "read@1"),
    ("FROBNICATE x", "unknown@1"),
    ("12", "unknown@1"),
];

#[test]
fn texts_and_comments() {
    check(Script, &[], TEXTS_AND_COMMENTS);
}

const QUERIES: &[(&str, &str)] = &[
    ("SELECT 1", "read@1"),
    ("(SELECT 1) UNION (SELECT 2)", "read@1"),
    ("VALUES (1)", "read@1"),
    ("TABLE t", "read@1"),
    ("SHOW all", "read@1"),
    ("SELECT * FROM t FOR UPDATE", "read@1"),
    ("SELECT * INTO n FROM t", "write@1"),
    ("SELECT a AS into FROM t", "read@1"),
    ("SELECT update, insert FROM delete", "read@1"),
    ("DELETE FROM t", "delete-all@1"),
    ("DELETE FROM t WHERE a = 1", "delete@1"),
    ("DELETE FROM t WHERE true", "delete@1"),
    ("DELETE FROM a USING b WHERE a.x = b.x", "delete@1"),
    ("DELETE FROM a USING b", "delete-all@1"),
    ("DELETE FROM t WHERE CURRENT OF c", "delete@1"),
    (
        "DELETE FROM t USING (SELECT 1 WHERE true) s",
        "delete-all@1",
    ),
    ("DELETE FROM t RETURNING 1 AS where", "delete-all@1"),
    ("DELETE FROM t RETURNING t.where", "delete-all@1"),
    ("DELETE FROM \"where\"", "delete-all@1"),
    ("DELETE t", "unknown@1"),
    ("UPDATE t SET a = 1", "update-all@1"),
    ("UPDATE ONLY t SET a = 1 WHERE b", "update@1"),
    ("update t set a = (select 1 where true)", "update-all@1"),
    ("UPDATE t SET a = b.where FROM b", "update-all@1"),
    (
        "UPDATE t SET (a, b) = (SELECT 1, 2) FROM c WHERE c.d",
        "update@1",
    ),
    ("INSERT INTO t VALUES (1)", "write@1"),
    ("INSERT INTO t (delete, update) VALUES (1, 2)", "write@1"),
    ("INSERT INTO t SELECT * FROM s WHERE true", "write@1"),
    ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", "write@1"),
    (
        "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1",
        "upsert@1",
    ),
    (
        "MERGE INTO t USING s ON a=b WHEN MATCHED THEN DELETE",
        "merge@1",
    ),
    (
        "MERGE INTO t USING s ON a=b WHEN MATCHED THEN UPDATE SET x=1",
        "merge@1",
    ),
    (
        "MERGE INTO t USING s ON a=b WHEN NOT MATCHED THEN INSERT VALUES (1)",
        "write@1",
    ),
    (
        "MERGE INTO t USING s ON a=b WHEN MATCHED THEN DO NOTHING",
        "write@1",
    ),
    ("WITH x AS (SELECT 1) DELETE FROM t", "delete-all@1"),
    (
        "WITH x AS (SELECT 1) DELETE FROM t WHERE a IN (SELECT * FROM x)",
        "delete@1",
    ),
    ("WITH deletes AS (SELECT 1) SELECT * FROM deletes", "read@1"),
    (
        "WITH d AS (DELETE FROM x RETURNING *) SELECT * FROM d",
        "delete-all@1",
    ),
    (
        "WITH d AS (DELETE FROM x WHERE a RETURNING *) SELECT * FROM d WHERE b",
        "delete@1",
    ),
    (
        "WITH d AS MATERIALIZED (UPDATE x SET a=1 RETURNING *), e(f) AS (TABLE d) SELECT 1",
        "update-all@1",
    ),
    (
        "WITH RECURSIVE t(n) AS (VALUES (1)) SEARCH DEPTH FIRST BY n SET o DELETE FROM u",
        "delete-all@1",
    ),
    (
        "WITH a AS (INSERT INTO x VALUES (1) ON CONFLICT (i) DO UPDATE SET b=2 RETURNING 1) TABLE a",
        "upsert@1",
    ),
    (
        "WITH a AS (WITH b AS (DELETE FROM x RETURNING 1) SELECT 1) SELECT 1",
        "delete-all@1",
    ),
    (
        "INSERT INTO log WITH d AS (DELETE FROM x WHERE y RETURNING *) SELECT * FROM d",
        "delete@1",
    ),
    ("SELECT lo_unlink(5)", "large-object@1"),
    ("SELECT \"lo_unlink\"(5)", "large-object@1"),
    ("SELECT pg_catalog.lo_unlink (oid) FROM x", "large-object@1"),
    ("SELECT \"LO_UNLINK\"(5)", "read@1"),
    ("SELECT lo_unlink FROM t", "read@1"),
    ("SELECT 'lo_unlink(5)'", "read@1"),
    ("SELECT U&\"lo\\005Funlink\"(5)", "unknown@1"),
    (
        "SELECT PG_TERMINATE_BACKEND(pid) FROM pg_stat_activity",
        "terminate@1",
    ),
    ("SELECT pg_cancel_backend(1)", "terminate@1"),
    ("SELECT pg_drop_replication_slot('s')", "drop@1"),
    ("SELECT dblink_exec('c', 'DROP TABLE x')", "unknown@1"),
    (
        "SELECT query_to_xml('DELETE FROM x', true, true, '')",
        "unknown@1",
    ),
    ("SELECT setval('s', 1)", "write@1"),
    ("SELECT nextval('s')", "write@1"),
    ("SELECT pg_read_file('x')", "read@1"),
    ("SELECT count(*), now() FROM t", "read@1"),
    ("SELECT lo_export(1, '/tmp/x')", "copy-to-file@1"),
    (
        "SELECT pg_catalog.set_config('search_path', '', false)",
        "write@1",
    ),
    (
        "SELECT set_config('standard_conforming_strings', 'off', false)",
        "unknown@1",
    ),
    ("SELECT set_config(a, b, false) FROM t", "unknown@1"),
    (
        "DELETE FROM t WHERE dblink_exec('x') = 'y'",
        "delete@1 unknown@1",
    ),
];

#[test]
fn queries() {
    check(Script, &[], QUERIES);
}

const EXPLAIN_AND_PREPARE: &[(&str, &str)] = &[
    ("EXPLAIN DELETE FROM t", "read@1"),
    ("EXPLAIN ANALYZE DELETE FROM t", "delete-all@1"),
    ("EXPLAIN ANALYSE VERBOSE DELETE FROM t WHERE a", "delete@1"),
    ("EXPLAIN VERBOSE DELETE FROM t", "read@1"),
    ("EXPLAIN (ANALYZE) DELETE FROM t", "delete-all@1"),
    ("EXPLAIN (ANALYZE false) DELETE FROM t", "read@1"),
    ("EXPLAIN (ANALYZE 'off', VERBOSE) DELETE FROM t", "read@1"),
    (
        "EXPLAIN (VERBOSE, analyze on, FORMAT json) DELETE FROM t",
        "delete-all@1",
    ),
    ("EXPLAIN (\"analyze\" true) DELETE FROM t", "delete-all@1"),
    ("EXPLAIN (FORMAT json) DELETE FROM t", "read@1"),
    ("EXPLAIN (SELECT 1)", "read@1"),
    ("EXPLAIN ANALYZE SELECT 1", "read@1"),
    ("EXPLAIN ANALYZE CREATE TABLE a AS SELECT 1", "write@1"),
    ("PREPARE p AS DELETE FROM t", "write@1"),
    (
        "PREPARE p AS DELETE FROM t; EXECUTE p",
        "write@1 delete-all@1",
    ),
    (
        "PREPARE p (int) AS SELECT $1; EXECUTE P(1)",
        "write@1 read@1",
    ),
    ("PREPARE p AS SELECT 1; EXECUTE \"P\"", "write@1 unknown@1"),
    ("EXECUTE p", "unknown@1"),
    (
        "PREPARE p AS DELETE FROM t; EXPLAIN ANALYZE EXECUTE p",
        "write@1 delete-all@1",
    ),
    (
        "PREPARE p AS DELETE FROM t WHERE a; CREATE TABLE n AS EXECUTE p",
        "write@1 delete@1",
    ),
    (
        "PREPARE p AS SELECT 1; DEALLOCATE p; PREPARE p AS DELETE FROM t; EXECUTE p",
        "write@1 write@1 write@1 delete-all@1",
    ),
    ("DECLARE c CURSOR FOR SELECT 1", "read@1"),
    ("FETCH ALL c; MOVE c; CLOSE c", "read@1 read@1 read@1"),
];

#[test]
fn explain_and_prepare() {
    check(Script, &[], EXPLAIN_AND_PREPARE);
}

const DEFINITIONS: &[(&str, &str)] = &[
    ("CREATE TABLE t (a int)", "write@1"),
    ("CREATE TABLE t (update boolean, delete int)", "write@1"),
    ("CREATE TABLE t AS SELECT 1", "write@1"),
    (
        "CREATE TABLE t AS WITH d AS (DELETE FROM x RETURNING *) SELECT * FROM d",
        "delete-all@1",
    ),
    (
        "CREATE MATERIALIZED VIEW v AS SELECT lo_unlink(1)",
        "large-object@1",
    ),
    ("CREATE OR REPLACE VIEW v AS SELECT lo_unlink(1)", "write@1"),
    (
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ DELETE FROM t; $$",
        "write@1",
    ),
    (
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DROP TABLE x'; DROP TABLE y",
        "write@1 drop-table@1",
    ),
    (
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC DELETE FROM t; SELECT CASE WHEN a THEN 1 END; END; DROP TABLE x",
        "write@1 drop-table@1",
    ),
    (
        "CREATE OR REPLACE PROCEDURE p()\nBEGIN ATOMIC\n DELETE FROM t;\nEND;\nDROP TABLE x",
        "write@1 drop-table@5",
    ),
    (
        "CREATE FUNCTION f() BEGIN; DROP TABLE x; END",
        "write@1 drop-table@1 read@1",
    ),
    (
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; DROP TABLE x;",
        "unknown@1",
    ),
    (
        "CREATE RULE r AS ON DELETE TO t DO INSTEAD (DELETE FROM a; DELETE FROM b); DROP TABLE x",
        "write@1 drop-table@1",
    ),
    (
        "CREATE TRIGGER g AFTER DELETE ON t EXECUTE FUNCTION f()",
        "write@1",
    ),
    ("CREATE DATABASE d", "write@1"),
    ("CREATE EXTENSION e", "write@1"),
    ("CREATE INDEX CONCURRENTLY i ON t (a)", "write@1"),
    ("DROP TABLE x", "drop-table@1"),
    ("DROP TABLE IF EXISTS a, b CASCADE", "drop-table@1"),
    ("DROP DATABASE d WITH (FORCE)", "drop-database@1"),
    ("DROP SCHEMA s CASCADE", "drop-schema@1"),
    ("DROP OWNED BY r", "drop-owned@1"),
    ("DROP INDEX i", "drop@1"),
    ("DROP VIEW v", "drop@1"),
    ("DROP FUNCTION f(int)", "drop@1"),
    ("DROP FUNCTION lo_unlink(oid)", "drop@1"),
    ("DROP MATERIALIZED VIEW v", "drop@1"),
    ("DROP ROLE r", "drop@1"),
    ("DROP USER r", "drop@1"),
    ("DROP EXTENSION e CASCADE", "drop@1"),
    ("DROP FOREIGN TABLE f", "drop@1"),
    ("DROP SEQUENCE s", "drop@1"),
    ("DROP TYPE t", "drop@1"),
    ("DROP TABLESPACE t", "drop@1"),
    ("TRUNCATE t", "truncate@1"),
    ("TRUNCATE TABLE a, b RESTART IDENTITY CASCADE", "truncate@1"),
    ("ALTER TABLE a DROP COLUMN b", "alter-drop-column@1"),
    ("ALTER TABLE a DROP b", "alter-drop-column@1"),
    ("ALTER TABLE a DROP expression", "alter-drop-column@1"),
    (
        "ALTER TABLE a ADD c int, DROP COLUMN IF EXISTS b",
        "alter-drop-column@1",
    ),
    (
        "ALTER TABLE a DROP COLUMN b, ADD c numeric(1,2)",
        "alter-drop-column@1",
    ),
    ("ALTER TABLE a DROP CONSTRAINT c", "write@1"),
    ("ALTER TABLE a ALTER b DROP NOT NULL", "write@1"),
    ("ALTER TABLE a ALTER COLUMN b DROP DEFAULT", "write@1"),
    ("ALTER TABLE a ALTER b DROP EXPRESSION", "write@1"),
    ("ALTER TABLE a ALTER b DROP IDENTITY IF EXISTS", "write@1"),
    ("ALTER TABLE a DETACH PARTITION b", "write@1"),
    ("ALTER TABLE a ADD COLUMN drop int", "write@1"),
    ("ALTER TABLE a ALTER b TYPE text", "alter-column-type@1"),
    (
        "ALTER TABLE a ALTER COLUMN b SET DATA TYPE text USING b::text",
        "alter-column-type@1",
    ),
    (
        "ALTER TABLE a ALTER b TYPE text, DROP c",
        "alter-drop-column@1",
    ),
    ("ALTER TABLE s.a * RENAME TO b", "write@1"),
    ("ALTER TABLE a FROB b", "unknown@1"),
    (
        "ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b",
        "write@1",
    ),
    ("ALTER FOREIGN TABLE a DROP COLUMN b", "alter-drop-column@1"),
    ("ALTER TYPE a DROP ATTRIBUTE b", "alter-drop-column@1"),
    (
        "ALTER TYPE a ALTER ATTRIBUTE b TYPE text",
        "alter-column-type@1",
    ),
    ("ALTER TYPE a DROP VALUE 'x'", "drop@1 unknown@1"),
    ("ALTER TYPE a ADD VALUE 'x'", "write@1"),
    ("ALTER DOMAIN d DROP CONSTRAINT c", "write@1"),
    ("ALTER EXTENSION e DROP TABLE t", "write@1"),
    ("ALTER SYSTEM SET work_mem = 1", "alter-system@1"),
    ("ALTER SYSTEM RESET ALL", "alter-system@1"),
    (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA s REVOKE SELECT ON TABLES FROM bob",
        "revoke@1",
    ),
    (
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
        "grant-public@1",
    ),
    (
        "ALTER ROLE r SET standard_conforming_strings = off",
        "unknown@1",
    ),
    ("ALTER ROLE r PASSWORD 'x'", "write@1"),
];

#[test]
fn definitions() {
    check(Script, &[], DEFINITIONS);
}

const OTHER_STATEMENTS: &[(&str, &str)] = &[
    ("GRANT SELECT ON t TO bob", "write@1"),
    ("GRANT ALL ON SCHEMA public TO bob", "write@1"),
    ("GRANT SELECT ON t TO bob, PUBLIC", "grant-public@1"),
    (
        "GRANT SELECT ON t TO \"public\" WITH GRANT OPTION",
        "grant-public@1",
    ),
    ("GRANT a TO b", "write@1"),
    ("REVOKE ALL ON t FROM bob", "revoke@1"),
    ("REASSIGN OWNED BY a TO b", "reassign@1"),
    ("VACUUM t", "write@1"),
    ("VACUUM FULL t", "vacuum-full@1"),
    ("VACUUM (FULL, ANALYZE) t", "vacuum-full@1"),
    ("VACUUM (FULL false) t", "write@1"),
    ("VACUUM (ANALYZE) full_table", "write@1"),
    ("COPY t TO STDOUT", "read@1"),
    ("COPY t (a, b) TO '/tmp/x' CSV", "copy-to-file@1"),
    ("COPY t FROM '/tmp/x'", "write@1"),
    ("COPY t TO PROGRAM 'gzip > x'", "copy-to-program@1"),
    ("COPY t FROM PROGRAM 'curl x'", "copy-from-program@1"),
    ("COPY (SELECT 1) TO STDOUT", "read@1"),
    ("COPY (DELETE FROM t RETURNING *) TO STDOUT", "delete-all@1"),
    ("COPY (SELECT a FROM b) TO PROGRAM 'x'", "copy-to-program@1"),
    ("COPY (SELECT lo_unlink(1)) TO STDOUT", "large-object@1"),
    ("COPY t", "unknown@1"),
    ("DO $$ BEGIN END $$", "unknown@1"),
    ("CALL p()", "unknown@1"),
    ("LOAD 'x'", "unknown@1"),
    ("SET search_path = a", "write@1"),
    ("SET standard_conforming_strings = on", "write@1"),
    ("SET LOCAL standard_conforming_strings TO off", "unknown@1"),
    ("SET client_encoding = 'UTF8'", "write@1"),
    ("SET NAMES 'SJIS'", "unknown@1"),
    ("SET client_encoding TO 'gb-18030'", "unknown@1"),
    (
        "RESET ALL; DISCARD ALL; LISTEN a; NOTIFY a; UNLISTEN a",
        "write@1 write@1 write@1 write@1 write@1",
    ),
    (
        "ANALYZE t; CHECKPOINT; CLUSTER; REINDEX TABLE t; LOCK t",
        "write@1 write@1 write@1 write@1 write@1",
    ),
    ("COMMENT ON TABLE t IS 'DROP TABLE x'", "write@1"),
    ("SECURITY LABEL ON TABLE t IS 'x'", "write@1"),
    ("REFRESH MATERIALIZED VIEW v", "write@1"),
    ("IMPORT FOREIGN SCHEMA s FROM SERVER x INTO y", "write@1"),
    ("COMMIT PREPARED 'x'", "unknown@1"),
    ("ROLLBACK PREPARED 'x'", "unknown@1"),
];

#[test]
fn other_statements() {
    check(Script, &[], OTHER_STATEMENTS);
}

const TRANSACTIONS: &[(&str, &str)] = &[
    (
        "BEGIN; DELETE FROM t; ROLLBACK;",
        "read@1 delete-all@1! read@1",
    ),
    (
        "START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE; DROP TABLE t; ABORT WORK;",
        "read@1 drop-table@1! read@1",
    ),
    (
        "BEGIN; DELETE FROM t; COMMIT;",
        "read@1 delete-all@1 read@1",
    ),
    ("BEGIN; DELETE FROM t; END;", "read@1 delete-all@1 read@1"),
    ("BEGIN; DELETE FROM t;", "read@1 delete-all@1"),
    ("DELETE FROM t; ROLLBACK;", "delete-all@1 read@1"),
    (
        "DELETE FROM a; BEGIN; DELETE FROM b; ROLLBACK; DELETE FROM c",
        "delete-all@1 read@1 delete-all@1! read@1 delete-all@1",
    ),
    (
        "BEGIN; DELETE FROM t; SAVEPOINT s; DELETE FROM u; ROLLBACK TO s; COMMIT;",
        "read@1 delete-all@1 read@1 delete-all@1 read@1 read@1",
    ),
    (
        "BEGIN; SAVEPOINT s; DELETE FROM u; RELEASE s; ROLLBACK;",
        "read@1 read@1 delete-all@1! read@1 read@1",
    ),
    (
        "BEGIN; DELETE FROM t; ROLLBACK AND CHAIN; DELETE FROM u; COMMIT;",
        "read@1 delete-all@1! read@1 delete-all@1 read@1",
    ),
    (
        "BEGIN; DELETE FROM t; ROLLBACK AND CHAIN; DELETE FROM u; ROLLBACK AND NO CHAIN;",
        "read@1 delete-all@1! read@1 delete-all@1! read@1",
    ),
    (
        "BEGIN; DELETE FROM t; COMMIT AND CHAIN; DELETE FROM u; ROLLBACK;",
        "read@1 delete-all@1 read@1 delete-all@1! read@1",
    ),
    (
        "BEGIN; DELETE FROM t; PREPARE TRANSACTION 'x'; ROLLBACK;",
        "read@1 delete-all@1 write@1 read@1",
    ),
    (
        "BEGIN; DELETE FROM t; \\c other\nROLLBACK;",
        "read@1 delete-all@1 write@1 read@2",
    ),
    (
        "BEGIN; DELETE FROM t; \\i f\nROLLBACK;",
        "read@1 delete-all@1 include@1 read@2",
    ),
    (
        "BEGIN; DELETE FROM t; FROB; ROLLBACK;",
        "read@1 delete-all@1 unknown@1 read@1",
    ),
    (
        "BEGIN; DELETE FROM t; VACUUM; ROLLBACK;",
        "read@1 delete-all@1 write@1 read@1",
    ),
    (
        "BEGIN; DELETE FROM t; CREATE DATABASE d; ROLLBACK;",
        "read@1 delete-all@1 write@1 read@1",
    ),
    (
        "BEGIN TRANSACTON; DELETE FROM t; ROLLBACK;",
        "unknown@1 delete-all@1 read@1",
    ),
    (
        "BEGIN; DELETE FROM t; ROLLBACK NOW; COMMIT;",
        "read@1 delete-all@1 unknown@1 read@1",
    ),
    (
        "BEGIN\\; SELECT 1; DELETE FROM t; ROLLBACK;",
        "read@1 read@1 delete-all@1 read@1",
    ),
    (
        "BEGIN\\; DELETE FROM t\\; ROLLBACK;",
        "read@1 delete-all@1! read@1",
    ),
    (
        "BEGIN; DELETE FROM t; SELECT 1\\; ROLLBACK; COMMIT;",
        "read@1 delete-all@1 read@1 read@1 read@1",
    ),
    (
        "BEGIN; COPY t TO '/x'; COPY t TO PROGRAM 'y'; ROLLBACK;",
        "read@1 copy-to-file@1 copy-to-program@1 read@1",
    ),
    (
        "BEGIN; DELETE FROM t WHERE pg_terminate_backend(1); ROLLBACK;",
        "read@1 delete@1 read@1",
    ),
    (
        "BEGIN; \\! x\nTRUNCATE t; ROLLBACK;",
        "read@1 shell@1 truncate@2! read@2",
    ),
    (
        "BEGIN; SELECT lo_unlink(1); ROLLBACK;",
        "read@1 large-object@1! read@1",
    ),
    (
        "\\if :x\nBEGIN;\n\\endif\nDELETE FROM t; ROLLBACK;",
        "read@1 read@2 read@3 delete-all@4 read@4",
    ),
    (
        "BEGIN; DELETE FROM t;\n\\if :x\nCOMMIT;\n\\endif\nROLLBACK;",
        "read@1 delete-all@1 read@2 read@3 read@4 read@5",
    ),
    (
        "BEGIN; PREPARE p AS DELETE FROM t; EXECUTE p; ROLLBACK",
        "read@1 write@1 delete-all@1! read@1",
    ),
];

#[test]
fn transactions() {
    check(Script, &[], TRANSACTIONS);
    check(
        Command,
        &[],
        &[
            (
                "BEGIN; DELETE FROM t; ROLLBACK",
                "read@1 delete-all@1! read@1",
            ),
            (
                "DELETE FROM t; BEGIN; ROLLBACK",
                "delete-all@1 read@1 read@1",
            ),
        ],
    );
}
