//! The incidents: blocked without a person, the data intact; run after a person typed the phrase.

use super::{SHOP, loses};
use crate::support::postgres::Database;

#[test]
fn one_customer_takes_fourteen_months_of_transactions() {
    let database = Database::with(SHOP);
    let sql = "DELETE FROM customers WHERE id = 7";
    loses(
        &database,
        sql,
        &[
            "1 row of public.customers (1.0 %)",
            "2 rows of public.accounts (2.0 %), by ON DELETE CASCADE",
            "84 rows of public.transactions (2.0 %), booked_on 2024-09-07 to 2025-10-22, by ON DELETE CASCADE",
            "4 rows of public.tickets lose their customer, by ON DELETE SET NULL",
            "2 rows of public.visits get another customer, by ON DELETE SET DEFAULT",
        ],
    );
    let outcome = database.psql(&["-c", sql]).run();
    outcome.blocked().says("84 rows of public.transactions");
    assert_eq!(database.rows("customers"), 100);
    assert_eq!(database.rows("transactions"), 4200);

    let mut person = database.person(&["-c", sql]);
    let phrase = person.phrase();
    assert_eq!(
        phrase,
        format!("delete 93 rows of customers in {}", database.name)
    );
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(database.rows("customers"), 99);
    assert_eq!(database.rows("accounts"), 98);
    assert_eq!(database.rows("transactions"), 4116);
    assert_eq!(database.rows("tickets WHERE customer IS NULL"), 4);
    assert_eq!(database.rows("visits WHERE customer = 0"), 4);
}

#[test]
fn a_third_of_the_users() {
    let database = Database::with(
        "CREATE TABLE users (id int PRIMARY KEY, last_login date);
         INSERT INTO users SELECT n, CASE WHEN n > 34 THEN date '2025-01-01' END FROM generate_series(1, 100) n;",
    );
    let sql = "DELETE FROM users WHERE last_login IS NULL";
    loses(&database, sql, &["34 rows of public.users (34 %)"]);
    database.psql(&["-c", sql]).run().blocked().says("(34 %)");
    assert_eq!(database.rows("users"), 100);
    let mut person = database.person(&["-c", sql]);
    let phrase = person.phrase();
    assert_eq!(
        phrase,
        format!("delete 34 rows of users in {}", database.name)
    );
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(database.rows("users"), 66);
}

#[test]
fn a_drop_between_two_deletes() {
    let database = Database::with(
        "CREATE TABLE old_logs (id int); INSERT INTO old_logs VALUES (1), (2);
         CREATE TABLE user_sessions (id int); INSERT INTO user_sessions SELECT generate_series(1, 5000);
         CREATE TABLE drafts (id int);",
    );
    let script = "-- tidy up\nDELETE FROM old_logs WHERE id = 99;\n\nDROP TABLE IF EXISTS user_sessions;\nDELETE FROM drafts;\nSELECT 1;\n";
    database.world.write("app/tidy.sql", script);
    let outcome = database.psql(&["-f", "tidy.sql"]).run();
    outcome
        .blocked()
        .says("would lose: 1 table")
        .says("line 4 of tidy.sql: public.user_sessions")
        .says("would lose: 5000 rows of public.user_sessions");
    assert!(!outcome.stderr.contains("old_logs"), "{outcome:?}");
    assert_eq!(database.rows("user_sessions"), 5000);
    let mut person = database.person(&["-f", "tidy.sql"]);
    let phrase = person.phrase();
    assert_eq!(
        phrase,
        format!("destroy 1 table and 5000 rows in {}", database.name)
    );
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(
        database.sql("SELECT to_regclass('user_sessions') IS NULL"),
        "t"
    );
    assert_eq!(database.rows("old_logs"), 2);
}

#[test]
fn drop_table_cascade() {
    let database = Database::with(
        "CREATE TABLE orders (id int PRIMARY KEY, total int);
         CREATE TABLE lines (id int, \"order\" int REFERENCES orders);
         CREATE VIEW big_orders AS SELECT * FROM orders WHERE total > 5;
         CREATE VIEW biggest AS SELECT * FROM big_orders;
         CREATE MATERIALIZED VIEW sums AS SELECT sum(total) FROM orders;
         INSERT INTO orders SELECT n, n FROM generate_series(1, 12) n;",
    );
    let sql = "DROP TABLE orders CASCADE";
    let loss = database.loss(sql);
    for part in [
        "2 tables",
        "public.orders",
        "12 rows of public.orders",
        "view big_orders",
        "view biggest",
        "public.sums",
        "constraint lines_order_fkey on table lines",
    ] {
        assert!(loss.contains(part), "{part}: {loss}");
    }
    database.psql(&["-c", sql]).run().blocked();
    assert_eq!(database.rows("big_orders"), 7);
    let mut person = database.person(&["-c", sql]);
    let phrase = person.phrase();
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(database.sql("SELECT to_regclass('biggest') IS NULL"), "t");
    // Without CASCADE the server would refuse; guard says so.
    let database = Database::with("CREATE TABLE a (id int); CREATE VIEW b AS TABLE a;");
    let one = database.explain("DROP TABLE a");
    assert!(one.to_string().contains("depend on it: view b"), "{one:#}");
}

#[test]
fn truncate_through_a_pipe() {
    let database = Database::with(SHOP);
    let blocked = database
        .psql(&[])
        .input("SELECT 1;\nTRUNCATE transactions;\n")
        .run();
    blocked
        .blocked()
        .says("4200 rows (360 KiB) of public.transactions")
        .says("line 2 of standard input");
    assert_eq!(database.rows("transactions"), 4200);
    database
        .world
        .write("app/t.sql", "TRUNCATE transactions;\n");
    let mut person = database
        .lead(database.world.command(&["sh", "-c", "cat t.sql | psql"]))
        .at_terminal();
    let phrase = person.phrase();
    assert_eq!(
        phrase,
        format!("empty 4200 rows of transactions in {}", database.name)
    );
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(database.rows("transactions"), 0);
    // Nothing is left to lose.
    database.psql(&["-c", "TRUNCATE transactions"]).run().ran();
}

#[test]
fn a_shell_command_inside_psql() {
    let database = Database::with("");
    let outcome = database.psql(&["-c", "\\! rm -rf ../shared"]).run();
    outcome
        .blocked()
        .says("psql.program")
        .says("rm.escape")
        .says("2 files");
    assert!(database.world.exists("shared/uploads/photo.jpg"));
    let mut person = database.person(&["-c", "\\! /bin/rm -rf ../shared"]);
    let phrase = person.phrase();
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert!(!database.world.exists("shared/uploads/photo.jpg"));
}
