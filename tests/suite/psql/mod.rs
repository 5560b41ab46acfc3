//! psql in front of a real `PostgreSQL`: what is measured, blocked, approved, and let through.

mod harden;
mod incidents;
mod limits;
mod measured;
mod spooled;
mod trouble;

use crate::support::postgres::Database;

/// A shop: customers, their accounts and transactions, and what hangs on them.
pub const SHOP: &str = "
CREATE TABLE customers (id int PRIMARY KEY, name text, region text);
CREATE TABLE accounts (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE);
CREATE TABLE transactions (id int PRIMARY KEY, account int REFERENCES accounts ON DELETE CASCADE,
    booked_on date NOT NULL, amount numeric);
CREATE TABLE tickets (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE SET NULL);
CREATE TABLE visits (id int PRIMARY KEY,
    customer int DEFAULT 0 REFERENCES customers ON DELETE SET DEFAULT);
INSERT INTO customers SELECT n, 'c' || n, 'north' FROM generate_series(0, 99) n;
INSERT INTO accounts SELECT n, n % 50 FROM generate_series(1, 100) n;
INSERT INTO transactions SELECT n, 1 + n % 100, date '2024-09-01' + n % 420, 1 FROM generate_series(0, 4199) n;
INSERT INTO tickets SELECT n, n % 10 FROM generate_series(1, 40) n;
INSERT INTO visits SELECT n, n % 10 FROM generate_series(1, 20) n;
";

/// What would be lost, line by line.
#[track_caller]
pub fn loses(database: &Database, sql: &str, lines: &[&str]) {
    assert_eq!(
        database.loss(sql),
        lines.join("\n"),
        "{sql}: {:#}",
        database.explain(sql)
    );
}

/// Nothing is lost, and the command goes at once.
#[track_caller]
pub fn harmless(database: &Database, sql: &str) {
    let one = database.explain(sql);
    assert_eq!(one["verdict"], "allow", "{sql}: {one:#}");
}

/// It cannot be measured, for this reason, and asks.
#[track_caller]
pub fn unknown(database: &Database, sql: &str, why: &str) {
    let one = database.explain(sql);
    assert_eq!(one["preview"]["status"], "unknown", "{sql}: {one:#}");
    let told = one["preview"]["why"].as_str().unwrap();
    assert!(told.contains(why), "{sql}: {told}");
    assert_eq!(one["verdict"], "confirm", "{sql}: {one:#}");
}
