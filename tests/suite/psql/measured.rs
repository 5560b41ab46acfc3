//! What is measured, and what is not.

use super::{SHOP, harmless, loses, unknown};
use crate::support::postgres::Database;

#[test]
fn nothing_to_lose_runs_at_once() {
    let database = Database::with(SHOP);
    database.sql("CREATE TABLE empty (id int); CREATE TABLE audit (id int)");
    for sql in [
        "DELETE FROM customers WHERE false",
        "DELETE FROM customers WHERE id = 12345",
        "UPDATE customers SET name = 'x' WHERE id < 0",
        "DELETE FROM missing",
        "DELETE FROM empty",
        "UPDATE empty SET id = 1",
        "TRUNCATE empty",
        "DROP TABLE empty",
        "DROP TABLE IF EXISTS empty, audit",
        "DROP TABLE IF EXISTS missing",
        "DROP TABLE missing CASCADE",
        "DROP SCHEMA IF EXISTS missing CASCADE",
        "DROP DATABASE IF EXISTS missing",
        "ALTER TABLE customers DROP COLUMN IF EXISTS missing",
        "BEGIN; DELETE FROM customers; ROLLBACK",
        "EXPLAIN DELETE FROM customers",
        "MERGE INTO empty e USING customers c ON e.id = c.id WHEN MATCHED THEN DELETE",
        "WITH gone AS (DELETE FROM empty RETURNING *) SELECT count(*) FROM gone",
    ] {
        harmless(&database, sql);
    }
    database
        .psql(&["-c", "DELETE FROM customers WHERE id = 12345"])
        .run()
        .ran();
    let outcome = database.psql(&["-c", "DROP TABLE missing"]).run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains("does not exist"), "{outcome:?}");
}

#[test]
fn rows_of_every_form() {
    let database = Database::with(SHOP);
    let all = "4200 rows of public.transactions (all of it), booked_on 2024-09-01 to 2025-10-25";
    loses(&database, "DELETE FROM transactions", &[all]);
    loses(
        &database,
        "DELETE FROM ONLY public.transactions AS t",
        &[all],
    );
    loses(
        &database,
        "EXPLAIN ANALYZE DELETE FROM transactions",
        &[all],
    );
    loses(
        &database,
        "DELETE FROM transactions t USING accounts a WHERE t.account = a.id AND a.customer = 7 -- both",
        &["84 rows of public.transactions (2.0 %), booked_on 2024-09-07 to 2025-10-22"],
    );
    loses(
        &database,
        "WITH old AS (SELECT id FROM transactions WHERE booked_on < '2024-10-01') DELETE FROM transactions WHERE id IN (SELECT id FROM old)",
        &["300 rows of public.transactions (7.1 %), booked_on 2024-09-01 to 2024-09-30"],
    );
    loses(
        &database,
        "UPDATE customers SET name = 'gone', region = upper(region) WHERE id BETWEEN 10 AND 19",
        &["10 rows of public.customers (10 %), overwritten"],
    );
    loses(
        &database,
        "UPDATE accounts SET customer = 1 FROM customers c WHERE c.id = accounts.customer AND c.id < 5",
        &["10 rows of public.accounts (10 %), overwritten"],
    );
    loses(
        &database,
        "WITH gone AS (DELETE FROM tickets WHERE id < 5 RETURNING *) SELECT count(*) FROM gone",
        &["4 rows of public.tickets (10 %)"],
    );
    loses(
        &database,
        "MERGE INTO tickets t USING customers c ON t.customer = c.id WHEN MATCHED AND c.id = 3 THEN DELETE",
        &["4 rows of public.tickets (10 %)"],
    );
    loses(
        &database,
        "DELETE FROM tickets WHERE id < 3; UPDATE customers SET name = 'x' WHERE id = 1",
        &[
            "2 rows of public.tickets (5.0 %)",
            "1 row of public.customers (1.0 %), overwritten",
        ],
    );
}

#[test]
fn foreign_keys_of_every_form() {
    let database = Database::with(
        "CREATE TABLE folders (id int PRIMARY KEY, parent int REFERENCES folders ON DELETE CASCADE);
         INSERT INTO folders VALUES (1, NULL), (2, 1), (3, 2), (4, 3), (5, NULL);
         CREATE TABLE files (folder int REFERENCES folders ON DELETE CASCADE, name text, PRIMARY KEY (folder, name));
         INSERT INTO files VALUES (1, 'a'), (4, 'b'), (4, 'c'), (5, 'd');
         CREATE TABLE versions (folder int, name text, n int,
            FOREIGN KEY (folder, name) REFERENCES files ON DELETE CASCADE ON UPDATE CASCADE);
         INSERT INTO versions SELECT 4, 'b', n FROM generate_series(1, 7) n;
         INSERT INTO versions VALUES (5, 'd', 1);
         CREATE TABLE locks (folder int REFERENCES folders);
         INSERT INTO locks VALUES (5);
         CREATE TABLE hen (id int PRIMARY KEY, egg int);
         CREATE TABLE egg (id int PRIMARY KEY, hen int REFERENCES hen ON DELETE CASCADE);
         ALTER TABLE hen ADD FOREIGN KEY (egg) REFERENCES egg ON DELETE CASCADE;",
    );
    loses(
        &database,
        "DELETE FROM folders WHERE id = 2",
        &[
            "3 rows of public.folders (60 %), 2 of them by ON DELETE CASCADE",
            "2 rows of public.files (50 %), by ON DELETE CASCADE",
            "7 rows of public.versions (88 %), by ON DELETE CASCADE",
        ],
    );
    loses(
        &database,
        "UPDATE files SET name = 'z' WHERE name = 'b'",
        &[
            "1 row of public.files (25 %), overwritten",
            "7 rows of public.versions get another folder, name, by ON UPDATE CASCADE",
        ],
    );
    let refused = database
        .explain("DELETE FROM folders WHERE id = 5")
        .to_string();
    assert!(
        refused.contains("locks_folder_fkey may make the server refuse"),
        "{refused}"
    );
    unknown(&database, "DELETE FROM hen", "in a circle");
    database.sql("DELETE FROM folders WHERE id = 2");
    assert_eq!(database.rows("folders"), 2);
    assert_eq!(database.rows("versions"), 1);
}

#[test]
fn what_cannot_be_measured_is_unknown() {
    let database = Database::with(
        "CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2);
         CREATE FUNCTION wipes(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN DELETE FROM t; RETURN true; END $$;
         CREATE VIEW v AS SELECT id FROM t WHERE wipes(id);
         CREATE TABLE ruled (id int); CREATE RULE r AS ON DELETE TO ruled DO ALSO DELETE FROM t;
         CREATE TABLE noisy (id int);
         CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM t; RETURN NULL; END $$;
         CREATE TRIGGER shouting AFTER DELETE ON noisy FOR EACH STATEMENT EXECUTE FUNCTION shout();",
    );
    unknown(&database, "DELETE FROM t WHERE wipes(id)", "calls wipes");
    unknown(&database, "DELETE FROM v", "goes through a view");
    unknown(&database, "DELETE FROM ruled", "rules on the table");
    unknown(&database, "DELETE FROM noisy", "the trigger shouting runs");
    unknown(
        &database,
        "DO $$ BEGIN DELETE FROM t; END $$",
        "DO runs a block",
    );
    unknown(
        &database,
        "SELECT pg_terminate_backend(1)",
        "ends other sessions",
    );
    unknown(
        &database,
        "ALTER SYSTEM SET work_mem = '1MB'",
        "configuration",
    );
    unknown(&database, "COPY t TO PROGRAM 'cat'", "another program");
    unknown(
        &database,
        "REVOKE ALL ON t FROM PUBLIC",
        "takes rights away",
    );
    unknown(&database, "DELETE FROM t WHERE CURRENT OF c", "cursor");
    // No row is deleted, and yet something happens.
    unknown(
        &database,
        "WITH gone AS (DELETE FROM t WHERE false RETURNING *) SELECT pg_terminate_backend(1)",
        "cannot tell",
    );
    unknown(&database, "DELETE FRM t", "does not know this statement");
    unknown(
        &database,
        "DELETE FROM t WHERE WHERE id = 1",
        "does not read as",
    );
    // The view is only planned: nobody's function ran.
    let one = database.explain("DELETE FROM t WHERE id IN (SELECT id FROM v)");
    assert_eq!(one["preview"]["status"], "estimate", "{one:#}");
    assert_eq!(database.rows("t"), 2);
}

#[test]
fn later_statements_depend_on_earlier_ones() {
    let database = Database::with(SHOP);
    let waits = "depends on what line 1 before it does";
    for sql in [
        "UPDATE tickets SET customer = 2;\nDELETE FROM tickets WHERE customer = 2",
        "DELETE FROM customers;\nDELETE FROM tickets",
        "INSERT INTO tickets VALUES (77, 1);\nDELETE FROM tickets",
        "CREATE TABLE fresh AS SELECT 1 AS id;\nDELETE FROM fresh",
        "SET search_path = other;\nDELETE FROM tickets",
        "SELECT set_config('search_path', '', false);\nDELETE FROM tickets",
        "SET ROLE app;\nDELETE FROM tickets",
        "CALL p();\nDELETE FROM tickets",
        "COPY tickets FROM '/tmp/x';\nTRUNCATE tickets",
        "DROP TABLE visits;\nDROP TABLE visits",
    ] {
        let one = database.explain(sql);
        assert_eq!(one["preview"]["status"], "unknown", "{sql}: {one:#}");
        let one = one.to_string();
        assert!(
            one.contains(waits) || sql.starts_with("CALL"),
            "{sql}: {one}"
        );
    }
    for sql in [
        "UPDATE transactions SET amount = 2 WHERE id = 1;\nDELETE FROM tickets",
        "SET search_path = other;\nDELETE FROM public.tickets",
        "SET statement_timeout = 1000;\nDELETE FROM tickets",
        "CREATE INDEX i ON tickets (customer);\nDELETE FROM tickets",
        "ANALYZE tickets;\nDELETE FROM tickets",
    ] {
        let one = database.explain(sql);
        assert_eq!(one["preview"]["status"], "exact", "{sql}: {one:#}");
    }
}

#[test]
fn objects_of_every_sort() {
    let database = Database::with(SHOP);
    database.sql(
        "CREATE SCHEMA attic; CREATE TABLE attic.boxes (id int); INSERT INTO attic.boxes VALUES (1), (2), (3);
         CREATE VIEW attic.labels AS SELECT id FROM attic.boxes; CREATE TYPE attic.size AS ENUM ('s', 'l');
         CREATE VIEW names AS SELECT id, name FROM customers;
         CREATE SEQUENCE counter; CREATE INDEX by_name ON customers (name);",
    );
    let all = |sql: &str| database.loss(sql).replace(" KiB", "K");
    let schema = all("DROP SCHEMA attic CASCADE");
    for part in [
        "1 table",
        "attic.boxes",
        "3 rows of attic.boxes",
        "view attic.labels",
        "type attic.size",
        "schema attic",
    ] {
        assert!(schema.contains(part), "{part}: {schema}");
    }
    loses(
        &database,
        "DROP VIEW names",
        &["1 object dropped: view names"],
    );
    loses(
        &database,
        "DROP INDEX by_name",
        &["1 object dropped: index by_name"],
    );
    loses(
        &database,
        "DROP SEQUENCE counter",
        &["1 object dropped: sequence counter"],
    );
    loses(
        &database,
        "ALTER TABLE customers DROP COLUMN name CASCADE",
        &[
            "2 objects dropped: column name of customers, view names",
            "100 rows of customers lose their name",
        ],
    );
    loses(
        &database,
        "ALTER TABLE customers ALTER COLUMN region TYPE varchar(2)",
        &["100 rows of customers get a new type of their region"],
    );
    let truncated = all("TRUNCATE customers CASCADE");
    for part in [
        "4200 rows",
        "public.transactions",
        "100 rows",
        "40 rows",
        "20 rows",
    ] {
        assert!(truncated.contains(part), "{part}: {truncated}");
    }
    let refused = database.explain("TRUNCATE customers").to_string();
    assert!(
        refused.contains("the server refuses, because these refer to it"),
        "{refused}"
    );
    // Of a database, and of a role that owns things.
    database.sql("ANALYZE");
    let whole = all(&format!("DROP DATABASE {}", database.name));
    for part in [
        "tables",
        "of it",
        "in them, by the planner's last count",
        "database app",
    ] {
        assert!(whole.contains(part) || part == "of it", "{part}: {whole}");
    }
    let role = format!("keeper_{}", database.name);
    database.sql(&format!(
        "CREATE ROLE {role}; ALTER TABLE tickets OWNER TO {role}; ALTER VIEW names OWNER TO {role}"
    ));
    let owned = all(&format!("DROP OWNED BY {role}"));
    for part in ["1 table", "40 rows of public.tickets", "view names"] {
        assert!(owned.contains(part), "{part}: {owned}");
    }
    harmless(&database, "DROP OWNED BY nobody_of_that_name");
    // One that owns nothing loses its rights all the same.
    let reader = format!("reader_{}", database.name);
    database.sql(&format!(
        "CREATE ROLE {reader}; GRANT SELECT ON visits, tickets TO {reader}"
    ));
    let rights = all(&format!("DROP OWNED BY {reader}"));
    assert_eq!(rights, "2 objects on which they lose their rights");
    database.sql(&format!("DROP OWNED BY {reader}; DROP ROLE {reader}"));
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn partitions_and_children() {
    let database = Database::with(
        "CREATE TABLE events (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
         CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
         CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
         INSERT INTO events SELECT n, date '2025-01-01' + n FROM generate_series(0, 49) n;
         CREATE TABLE notes (event int, day date, FOREIGN KEY (event, day) REFERENCES events ON DELETE CASCADE);
         INSERT INTO notes SELECT id, day FROM events WHERE id % 2 = 0;
         CREATE TABLE parent (id int); CREATE TABLE child () INHERITS (parent);
         INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2), (3);",
    );
    loses(
        &database,
        "DELETE FROM events WHERE day >= '2025-02-01'",
        &[
            "19 rows of public.events (38 %), day 2025-02-01 to 2025-02-19",
            "9 rows of public.notes (36 %), day 2025-02-02 to 2025-02-18, by ON DELETE CASCADE",
        ],
    );
    loses(
        &database,
        "DELETE FROM events_1",
        &[
            "31 rows of public.events_1 (all of it), day 2025-01-01 to 2025-01-31",
            "16 rows of public.notes (64 %), day 2025-01-01 to 2025-01-31, by ON DELETE CASCADE",
        ],
    );
    let all = database.loss("DROP TABLE events CASCADE");
    assert!(all.contains("31 rows of public.events_1"), "{all}");
    assert!(all.contains("19 rows of public.events_2"), "{all}");
    loses(
        &database,
        "DELETE FROM parent",
        &["3 rows of public.parent (all of it)"],
    );
    loses(
        &database,
        "DELETE FROM ONLY parent",
        &["1 row of public.parent (all of it)"],
    );
    let emptied = database.loss("TRUNCATE parent");
    assert!(
        emptied.contains("2 rows") && emptied.contains("public.child"),
        "{emptied}"
    );
}
