//! What SQL destroyed in a real `PostgreSQL` after a person approved it, brought back and compared.

use crate::support::postgres::Database;
use crate::support::{Outcome, Person};

/// A database in front of which guard saves what goes.
fn with(setup: &str) -> Database {
    let database = Database::with(setup);
    database.world.rules("[backup]\n");
    database
}

/// Everything that a table holds and how it is defined, as text, in an order that does not depend on
/// where rows lie.
const CONTENT: &str = "SELECT format('%s %s', c.oid::regclass, x.line) FROM pg_class c CROSS JOIN LATERAL (
        SELECT 'row ' || (xpath('/table/row/r/text()', query_to_xml(format('SELECT t::text AS r FROM ONLY %s AS t ORDER BY t::text', c.oid::regclass), true, false, '')))::text AS line
         WHERE c.relkind IN ('r', 'm')
        UNION ALL SELECT 'view ' || pg_get_viewdef(c.oid) WHERE c.relkind IN ('v', 'm')
        UNION ALL SELECT 'column ' || attname || ' ' || format_type(atttypid, atttypmod) || attnotnull::text || attidentity::text || attgenerated::text
            || coalesce((SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum), '')
          FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND c.relkind <> 'S'
        UNION ALL SELECT 'constraint ' || conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = c.oid
        UNION ALL SELECT 'index ' || pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = c.oid
        UNION ALL SELECT 'trigger ' || tgenabled::text || pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal
        UNION ALL SELECT 'rights ' || acl::text FROM unnest(c.relacl) AS acl
        UNION ALL SELECT 'owner ' || c.relowner::regrole::text) AS x
    WHERE c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace, 'information_schema'::regnamespace)
      AND c.relnamespace::regnamespace::text NOT LIKE 'pg\\_%' AND c.relkind IN ('r', 'p', 'v', 'm', 'S') ORDER BY 1";

fn content(database: &Database) -> String {
    database.sql(CONTENT)
}

/// A person types what is asked for.
#[track_caller]
fn agree(mut person: Person) -> Outcome {
    let phrase = person.phrase();
    person.line(&phrase);
    person.ends()
}

/// The id of the backup that a command said.
#[track_caller]
fn backup_in(outcome: &Outcome) -> String {
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    let (_, rest) = said
        .rsplit_once("guard undo ")
        .unwrap_or_else(|| panic!("nothing was saved: {outcome:?}"));
    rest[..4].to_owned()
}

/// A person approves the SQL, which runs; the backup.
#[track_caller]
fn run(database: &Database, sql: &str) -> String {
    let outcome = agree(database.person(&["-c", sql]));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    backup_in(&outcome)
}

/// A person brings a backup back; the one that takes it back.
#[track_caller]
fn undo(database: &Database, id: &str) -> String {
    let outcome = agree(
        database
            .lead(database.world.guard(&["undo", id]))
            .at_terminal(),
    );
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    backup_in(&outcome)
}

/// The database is changed by the SQL, is as before after the undo, as the SQL left it after the undo of
/// the undo, and as before again after one more.
#[track_caller]
fn there_and_back(database: &Database, sql: &str) {
    let before = content(database);
    let id = run(database, sql);
    let after = content(database);
    assert_ne!(before, after, "{sql}");
    let back = undo(database, &id);
    assert_eq!(content(database), before, "{sql}");
    let again = undo(database, &back);
    assert_eq!(content(database), after, "{sql}");
    undo(database, &again);
    assert_eq!(content(database), before, "{sql}");
}

const SHOP: &str = "
CREATE TABLE customers (id int PRIMARY KEY, name text, region text);
CREATE TABLE accounts (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE);
CREATE TABLE transactions (id int PRIMARY KEY, account int REFERENCES accounts ON DELETE CASCADE,
    booked_on date NOT NULL, amount numeric);
CREATE TABLE tickets (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE SET NULL);
CREATE TABLE visits (id int PRIMARY KEY,
    customer int DEFAULT 0 REFERENCES customers ON DELETE SET DEFAULT);
INSERT INTO customers SELECT n, 'c' || n, 'north' FROM generate_series(0, 19) n;
INSERT INTO accounts SELECT n, n % 10 FROM generate_series(1, 20) n;
INSERT INTO transactions SELECT n, 1 + n % 20, date '2024-09-01' + n % 420, 1.50 FROM generate_series(0, 199) n;
INSERT INTO tickets SELECT n, n % 10 FROM generate_series(1, 40) n;
INSERT INTO visits SELECT n, n % 10 FROM generate_series(1, 20) n;
";

#[test]
fn rows_that_cascades_took_over_three_tables() {
    let database = with(SHOP);
    there_and_back(&database, "DELETE FROM customers WHERE id IN (3, 7)");
}

#[test]
fn rows_that_an_update_wrote_over() {
    let database = with(SHOP);
    there_and_back(
        &database,
        "UPDATE customers SET name = upper(name), region = NULL WHERE id BETWEEN 4 AND 9",
    );
    // A key of two columns, and rows that another table's rows choose.
    database.sql(
        "CREATE TABLE stock (shop text, item text, n int, PRIMARY KEY (shop, item));
         INSERT INTO stock SELECT 's' || n % 3, 'i' || n, n FROM generate_series(1, 30) n",
    );
    there_and_back(
        &database,
        "UPDATE stock s SET n = -n FROM customers c WHERE c.name = 'c1' AND s.shop = 's1'",
    );
}

#[test]
fn a_key_that_changes_and_what_follows_it() {
    let database = with(
        "CREATE TABLE files (id int PRIMARY KEY, name text NOT NULL UNIQUE);
         CREATE TABLE versions (id int PRIMARY KEY, name text REFERENCES files (name) ON UPDATE CASCADE);
         INSERT INTO files VALUES (1, 'a'), (2, 'b');
         INSERT INTO versions VALUES (1, 'a'), (2, 'b'), (3, 'b');
         CREATE TABLE loose (n int, t text);
         INSERT INTO loose VALUES (1, 'x'), (1, 'x'), (2, NULL);
         CREATE TABLE only_key (id int PRIMARY KEY, n int);
         INSERT INTO only_key VALUES (1, 1);",
    );
    there_and_back(&database, "UPDATE files SET name = 'z' WHERE id = 2");
    // Where the key itself is set, nothing tells which row was which.
    for (sql, table) in [
        ("UPDATE only_key SET id = id + 1", "public.only_key"),
        ("UPDATE loose SET n = 3", "public.loose"),
    ] {
        let outcome = agree(database.person(&["-c", sql]));
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        let said = format!("not saved first: {table} has no primary key that stays as it is");
        assert!(outcome.stdout.contains(&said), "{outcome:?}");
    }
}

/// Every sort of value and of column.
const ODD: &str = r#"
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', E'tab\there');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE "Odd ""table" (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "a column: x" text, serial serial,
    own int GENERATED BY DEFAULT AS IDENTITY, twice int GENERATED ALWAYS AS (serial * 2) STORED,
    list text[], nested int[][], bytes bytea, doc json, docb jsonb, at timestamptz, span interval, f float8,
    n numeric, mood mood, p positive, x xml, place point, r int4range, u uuid, b boolean);
INSERT INTO "Odd ""table" ("a column: x", list, nested, bytes, doc, docb, at, span, f, n, mood, p, x, place, r, u, b) VALUES
    (E'line\nbreak\ttab \\ back\\.slash', ARRAY['a', NULL, 'NULL', '', E'q"u,o{}\\'], ARRAY[[1,2],[3,4]], '\x00ff0a5c',
     '{"a":  1, "a": 2}', '{"b": [1, null]}', '2024-02-29 12:00:00.123456+05:30', '1 mon -2 days 00:00:03.5', 'NaN',
     1.10, E'tab\there', 5, '<a b="1">&amp;</a>', '(1,2)', '[1,5)', '00000000-0000-0000-0000-000000000001', true),
    (E'\\.', '{}', NULL, '', 'null', 'null', 'infinity', '-3 days', '-0', 'NaN', NULL, NULL, NULL, NULL, 'empty', NULL, false);
INSERT INTO "Odd ""table" ("a column: x", f, n) VALUES
    (NULL, 0.1::float8 + 0.2, 1e100), ('', 1e-300, NULL), (E'\u00fcml\u00e4ut \U0001F600 :HOST :''x'' \\N', NULL, 0.000);
CREATE TABLE log (line text, n int);
INSERT INTO log SELECT 'x', n % 3 FROM generate_series(1, 10) n;
"#;

#[test]
fn values_of_every_type_and_columns_of_every_sort() {
    let database = with(ODD);
    there_and_back(&database, r#"DELETE FROM "Odd ""table""#);
    there_and_back(
        &database,
        r#"UPDATE "Odd ""table" SET doc = '[]', x = NULL, f = 2, list = NULL"#,
    );
    there_and_back(&database, r#"TRUNCATE "Odd ""table""#);
    there_and_back(&database, r#"DROP TABLE "Odd ""table""#);
    // Nothing tells the rows of this one apart.
    there_and_back(&database, "DELETE FROM log WHERE n = 1");
    there_and_back(&database, "TRUNCATE log");
}

#[test]
fn emptied_tables_with_what_refers_to_them() {
    let database = with(SHOP);
    database.sql(
        "CREATE TABLE days (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
         CREATE TABLE days_a PARTITION OF days FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
         CREATE TABLE days_b PARTITION OF days FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
         INSERT INTO days SELECT n, date '2024-01-01' + n FROM generate_series(0, 59) n",
    );
    there_and_back(&database, "TRUNCATE customers CASCADE");
    there_and_back(&database, "TRUNCATE days");
    there_and_back(&database, "DELETE FROM days WHERE id > 20");
    // A partition alone would not fit into its table again.
    let outcome = agree(database.person(&["-c", "DROP TABLE days_b"]));
    let said = "not saved first: table days_b, which is a partition";
    assert!(outcome.stdout.contains(said), "{outcome:?}");
    there_and_back(&database, "DROP TABLE days");
}

#[test]
fn a_table_that_was_dropped_with_a_view_and_foreign_keys() {
    let database = with(SHOP);
    database.sql(
        "CREATE VIEW northern AS SELECT name FROM customers WHERE region = 'north';
         CREATE VIEW northern_names AS SELECT upper(name) FROM northern;
         CREATE INDEX by_name ON customers (lower(name)) WHERE region IS NOT NULL;
         GRANT SELECT ON customers TO locked;
         CREATE TABLE numbered (id serial PRIMARY KEY, t text DEFAULT 'x' CHECK (t <> ''));
         INSERT INTO numbered (t) SELECT 't' || n FROM generate_series(1, 5) n;
         CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER quiet BEFORE INSERT ON numbered FOR EACH ROW EXECUTE FUNCTION quiet();
         CREATE MATERIALIZED VIEW summed AS SELECT count(*) FROM numbered;",
    );
    there_and_back(&database, "DROP TABLE customers CASCADE");
    there_and_back(&database, "DROP TABLE numbered CASCADE");
    there_and_back(&database, "DROP TABLE visits, tickets");
    assert_eq!(
        database.sql("INSERT INTO numbered DEFAULT VALUES RETURNING id"),
        "6"
    );
}

#[test]
fn a_schema_with_everything_in_it() {
    let database = with(SHOP);
    database.sql(
        "CREATE SCHEMA old;
         CREATE TYPE old.mood AS ENUM ('sad', 'glad');
         CREATE TABLE old.moods (id int PRIMARY KEY, mood old.mood);
         INSERT INTO old.moods VALUES (1, 'sad'), (2, NULL);
         CREATE VIEW glad AS SELECT id FROM old.moods WHERE mood = 'glad';
         CREATE TABLE diary (mood int REFERENCES old.moods);
         INSERT INTO diary VALUES (1);",
    );
    let before = content(&database);
    let id = run(&database, "DROP SCHEMA old CASCADE");
    assert_ne!(content(&database), before);
    undo(&database, &id);
    assert_eq!(content(&database), before);
    // What everybody starts with, and agents drop to begin anew.
    let rights = "SELECT nspowner::regrole, nspacl FROM pg_namespace WHERE nspname = 'public'";
    let (owner, before) = (database.sql(rights), content(&database));
    there_and_back(&database, "DROP SCHEMA public CASCADE");
    assert_eq!((database.sql(rights), content(&database)), (owner, before));
}

#[test]
fn several_statements_and_what_is_not_saved() {
    let database = with(SHOP);
    there_and_back(
        &database,
        "DELETE FROM tickets WHERE id < 5; DELETE FROM visits; UPDATE transactions SET amount = 2 WHERE id < 9",
    );
    let sql = "DELETE FROM tickets WHERE id = 5; ALTER TABLE visits DROP COLUMN customer";
    let outcome = agree(database.person(&["-c", sql]));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("not saved: "), "{outcome:?}");
    undo(&database, &backup_in(&outcome));
    assert_eq!(database.rows("tickets WHERE id = 5"), 1);
}

/// `guard undo` that is refused; what it says.
#[track_caller]
fn refused(database: &Database, id: &str) -> String {
    let before = content(database);
    let outcome = database
        .lead(database.world.guard(&["undo", id]))
        .at_terminal()
        .ends();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert_eq!(content(database), before);
    outcome.stdout
}

/// A person writes over what is newer; the backup of that.
#[track_caller]
fn overwrite(database: &Database, id: &str) -> String {
    let outcome = agree(
        database
            .lead(database.world.guard(&["undo", "--overwrite", id]))
            .at_terminal(),
    );
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    backup_in(&outcome)
}

#[test]
fn what_was_made_or_changed_since_stays() {
    let database = with(SHOP);
    let deleted = run(&database, "DELETE FROM customers WHERE id IN (3, 7)");
    database.sql("INSERT INTO customers VALUES (3, 'new', 'south')");
    let updated = run(
        &database,
        "UPDATE accounts SET customer = 1 WHERE id IN (10, 11)",
    );
    database.sql("DELETE FROM accounts WHERE id = 11");
    let dropped = run(&database, "DROP TABLE visits");
    database.sql("CREATE TABLE visits (id text); INSERT INTO visits VALUES ('newer')");
    for (id, named) in [
        (&updated, "1 row of public.accounts, by now gone: id = 11"),
        (&dropped, "public.visits, which is there now with 1 row"),
    ] {
        let said = refused(&database, id);
        assert!(said.contains(named), "{said}");
    }
    let before = content(&database);
    let back = overwrite(&database, &dropped);
    assert_eq!(database.rows("visits WHERE customer IS NOT NULL"), 20);
    let said = refused(&database, &deleted);
    let named = "1 row of public.customers, by now something else: id = 3";
    assert!(said.contains(named), "{said}");
    undo(&database, &back);
    assert_eq!(content(&database), before);
    // A column that is not there any more.
    let said = refused(&database, &deleted);
    assert!(
        said.contains("public.visits has no column customer any more"),
        "{said}"
    );
    undo(&database, &overwrite(&database, &updated));
    assert_eq!(content(&database), before);
    database.sql("DROP TABLE visits");
    let said = refused(&database, &deleted);
    assert!(said.contains("public.visits is not there"), "{said}");
}

#[test]
fn a_person_writes_over_rows() {
    let database = with(SHOP);
    let id = run(&database, "DELETE FROM customers WHERE id IN (3, 7)");
    database.sql("INSERT INTO customers VALUES (3, 'new', 'south')");
    let before = content(&database);
    let back = overwrite(&database, &id);
    assert_eq!(
        database.sql("SELECT name FROM customers WHERE id IN (3, 7) ORDER BY 1"),
        "c3\nc7"
    );
    undo(&database, &back);
    assert_eq!(content(&database), before);
}

#[test]
fn an_undo_of_an_undo_takes_nothing_newer_along() {
    let database = with(SHOP);
    let id = run(&database, "DELETE FROM customers WHERE id = 3");
    let back = undo(&database, &id);
    database.sql("INSERT INTO accounts VALUES (77, 3)");
    let said = refused(&database, &back);
    let named = "1 row of public.accounts that refer to rows of public.customers";
    assert!(said.contains(named), "{said}");
}

#[test]
fn rows_changed_twice_are_not_changed_back() {
    let database = with(SHOP);
    let id = run(&database, "UPDATE customers SET name = 'x' WHERE id < 5");
    database.sql("UPDATE customers SET name = 'y' WHERE id = 2");
    let said = refused(&database, &id);
    assert!(
        said.contains("rows of public.customers, changed again since"),
        "{said}"
    );
    database.sql("UPDATE customers SET region = 'west' WHERE id = 4");
    let said = refused(&database, &id);
    let named = "1 row of public.customers, by now something else: id = 4";
    assert!(said.contains(named), "{said}");
}

#[test]
fn triggers_do_not_run_for_what_comes_back() {
    let database = with(SHOP);
    database.sql(
        "CREATE TABLE seen (what text);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO seen VALUES (TG_OP); RETURN NULL; END $$;
         CREATE TRIGGER note AFTER INSERT OR UPDATE ON tickets FOR EACH ROW EXECUTE FUNCTION note();
         CREATE TRIGGER off AFTER INSERT ON tickets FOR EACH ROW EXECUTE FUNCTION note();
         ALTER TABLE tickets DISABLE TRIGGER off;",
    );
    let before = content(&database);
    let id = run(&database, "DELETE FROM tickets WHERE id < 9");
    undo(&database, &id);
    assert_eq!(content(&database), before);
    // Whoever does not own the table cannot switch the trigger off.
    let role = format!("clerk_{}", database.name);
    database.sql(&format!(
        "CREATE ROLE {role} LOGIN; GRANT ALL ON tickets, customers TO {role}"
    ));
    let sql = "DELETE FROM tickets WHERE id < 9";
    let outcome = agree(
        database
            .psql(&["-c", sql])
            .variable("PGUSER", &role)
            .at_terminal(),
    );
    let said = refused(&database, &backup_in(&outcome));
    assert!(
        said.contains("the trigger note on public.tickets would run"),
        "{said}"
    );
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn beside_what_is_there() {
    let database = with(SHOP);
    let before = content(&database);
    let id = run(&database, "DELETE FROM customers WHERE id = 3");
    let into = database.world.path("app/rescued");
    let undo_into = || {
        let words = ["undo", &id, "--into", into.to_str().unwrap()];
        database.lead(database.world.guard(&words)).run()
    };
    let outcome = undo_into();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let rows = database.world.read("app/rescued/001-public.customers.copy");
    assert_eq!(rows, "3\tc3\tnorth\n");
    assert_eq!(database.rows("customers"), 19);
    let script = std::process::Command::new("psql")
        .env_clear()
        .env("PATH", crate::support::real_path())
        .current_dir(&into)
        .args(["-Xq", "-v", "ON_ERROR_STOP=1", "-f", "restore.sql"])
        .args([
            "-U",
            crate::support::postgres::ADMIN,
            "-d",
            &database.name,
            "-h",
        ])
        .arg(Database::socket())
        .output()
        .unwrap();
    assert!(script.status.success(), "{script:?}");
    assert_eq!(content(&database), before);
    // What stands there is not written over.
    assert_eq!(undo_into().code, Some(1));
}

#[test]
fn drills_restore_into_a_database_of_their_own() {
    let database = with(SHOP);
    database
        .sql("CREATE TYPE mood AS ENUM ('sad'); ALTER TABLE tickets ADD mood mood DEFAULT 'sad'");
    run(&database, "DELETE FROM customers WHERE id BETWEEN 1 AND 4");
    run(&database, "DROP TABLE visits, transactions");
    let drill = |words: &[&str]| {
        let words: Vec<&str> = ["backups", "drill"].iter().chain(words).copied().collect();
        database.lead(database.world.guard(&words)).run()
    };
    let outcome = drill(&["--all"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let good = "brought back into a database of its own and compared";
    assert_eq!(outcome.stdout.matches("  good").count(), 2, "{outcome:?}");
    assert_eq!(outcome.stdout.matches(good).count(), 2, "{outcome:?}");
    // Somebody who may not make databases.
    let role = format!("poor_{}", database.name);
    database.sql(&format!(
        "CREATE ROLE {role} LOGIN; GRANT ALL ON tickets TO {role}"
    ));
    let sql = "DELETE FROM tickets WHERE id = 9";
    let outcome = agree(
        database
            .psql(&["-c", sql])
            .variable("PGUSER", &role)
            .at_terminal(),
    );
    let outcome = drill(&[&backup_in(&outcome)]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let said = "not brought back: no database can be made for it";
    assert!(outcome.stdout.contains(said), "{outcome:?}");
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'guard%'";
    assert_eq!(Database::sql_in("postgres", left), "0");
}

#[test]
fn too_much_runs_without_a_backup_and_says_so() {
    let database = with(SHOP);
    database.world.rules("[backup]\nbytes = 150\n");
    for sql in [
        "DELETE FROM transactions",
        "TRUNCATE tickets",
        "DROP TABLE accounts CASCADE",
    ] {
        let outcome = agree(database.person(&["-c", sql]));
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        let said = "not saved first: more than 150 B are too much";
        assert!(outcome.stdout.contains(said), "{outcome:?}");
        assert!(!outcome.stdout.contains("guard undo"), "{outcome:?}");
    }
    assert_eq!(database.rows("transactions"), 0);
    assert_eq!(database.rows("tickets"), 0);
    let list = database.world.guard(&["backups"]).run();
    assert!(list.stdout.contains("There are no backups"), "{list:?}");
}

#[test]
fn two_undos_at_once() {
    let database = with(SHOP);
    let before = content(&database);
    let id = run(&database, "DELETE FROM customers WHERE id BETWEEN 1 AND 4");
    let begin = || {
        database
            .lead(database.world.guard(&["undo", &id]))
            .at_terminal()
    };
    let mut first = begin();
    let phrase = first.phrase();
    let second = begin().ends();
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(
        second.stdout.contains("is being brought back"),
        "{second:?}"
    );
    first.line(&phrase);
    assert_eq!(first.ends().code, Some(0));
    assert_eq!(content(&database), before);
}

#[test]
fn no_password_is_written_down() {
    let database = with(SHOP);
    let socket = Database::socket().display();
    let uri = format!(
        "postgresql:///{}?host={socket}&user=locked&password=right",
        database.name
    );
    database.sql("GRANT ALL ON tickets TO locked");
    let outcome = agree(database.person(&["-c", "DELETE FROM tickets WHERE id = 1", &uri]));
    let id = backup_in(&outcome);
    let show = database
        .world
        .guard(&["backups", "show", &id, "--json"])
        .run();
    assert!(!show.stdout.contains("right"), "{show:?}");
    assert!(show.stdout.contains("as locked"), "{show:?}");
    let said = refused(&database, &id);
    assert!(said.contains("no password supplied"), "{said}");
    let undo = || {
        let undo = database.lead(database.world.guard(&["undo", &id]));
        undo.variable("PGPASSWORD", "right")
    };
    // Without a person nothing comes back into a database.
    assert_ne!(undo().run().code, Some(0));
    assert_eq!(database.rows("tickets"), 39);
    let outcome = agree(undo().at_terminal());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(database.rows("tickets"), 40);
    database.sql("DROP OWNED BY locked");
}

#[test]
fn tables_that_refer_to_themselves_and_to_one_another() {
    let database = with(
        "CREATE TABLE folders (id int PRIMARY KEY, parent int REFERENCES folders ON DELETE CASCADE,
            twin int REFERENCES folders ON DELETE SET NULL);
         INSERT INTO folders VALUES (5, NULL, NULL), (1, NULL, 5), (2, 1, 1), (3, 2, NULL), (4, 3, 5), (6, 5, 3);
         CREATE TABLE hen (id int PRIMARY KEY, egg int);
         CREATE TABLE egg (id int PRIMARY KEY, hen int REFERENCES hen DEFERRABLE);
         ALTER TABLE hen ADD FOREIGN KEY (egg) REFERENCES egg DEFERRABLE;
         INSERT INTO hen VALUES (1, NULL), (2, NULL); INSERT INTO egg VALUES (1, 1), (2, 2); UPDATE hen SET egg = 3 - id;
         CREATE TABLE chick (id int PRIMARY KEY, cock int);
         CREATE TABLE cock (id int PRIMARY KEY, chick int REFERENCES chick);
         INSERT INTO chick VALUES (1, 1); INSERT INTO cock VALUES (1, 1);
         ALTER TABLE chick ADD FOREIGN KEY (cock) REFERENCES cock;
         CREATE TABLE news (id int, n int); INSERT INTO news VALUES (1, 10), (3, 30), (5, 50);",
    );
    there_and_back(&database, "DELETE FROM folders WHERE id = 2");
    there_and_back(
        &database,
        "MERGE INTO folders f USING news n ON f.id = n.id WHEN MATCHED AND n.n < 20 THEN UPDATE SET twin = 6 \
         WHEN MATCHED AND n.n = 30 THEN DELETE",
    );
    there_and_back(&database, "TRUNCATE hen, egg");
    let outcome = agree(database.person(&["-c", "TRUNCATE chick, cock"]));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let said = "not saved first: public.chick, public.cock refer to one another in a circle";
    assert!(outcome.stdout.contains(said), "{outcome:?}");
}

#[test]
fn another_encoding_and_a_database_of_the_same_name() {
    let setup = "CREATE TABLE wörter (id serial PRIMARY KEY, wort text);
                 INSERT INTO wörter (wort) VALUES (E'\\u00fcber'), ('na\u{ef}ve'), (NULL);";
    let anew = |database: &Database| {
        let name = &database.name;
        let made = format!(
            "DROP DATABASE {name} WITH (FORCE); \
             CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
        );
        for statement in made.split("; ") {
            Database::sql_in("postgres", statement);
        }
        database.sql(&format!("SET client_encoding = 'UTF8'; {setup}"));
    };
    let database = with("");
    anew(&database);
    // What the person's terminal writes is UTF-8.
    let run_utf8 = |sql: &str| {
        let psql = database.psql(&["-c", sql]);
        let outcome = agree(psql.variable("PGCLIENTENCODING", "UTF8").at_terminal());
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        backup_in(&outcome)
    };
    let words = || {
        database.sql(
            "SET client_encoding = 'UTF8'; SELECT string_agg(w::text, ' ' ORDER BY id) FROM wörter AS w",
        )
    };
    let before = words();
    assert_eq!(before, "(1,über) (2,naïve) (3,)");
    let id = run_utf8("TRUNCATE wörter RESTART IDENTITY");
    let outcome = agree(
        database
            .lead(database.world.guard(&["undo", &id]))
            .at_terminal(),
    );
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(
        outcome.stdout.contains("stands behind the rows of"),
        "{outcome:?}"
    );
    assert_eq!(words(), before);
    let id = run_utf8("DELETE FROM wörter WHERE wort LIKE 'na\u{ef}%'");
    anew(&database);
    let outcome = database
        .lead(database.world.guard(&["undo", &id]))
        .at_terminal()
        .ends();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let said = "another database than the one that was saved from answers";
    assert!(outcome.stdout.contains(said), "{outcome:?}");
    assert_eq!(words(), before);
}
