//! What `guard sql harden` prints, applied to a real server.

use std::process::{Command, Stdio};

use super::SHOP;
use crate::support::postgres::Database;

/// Runs SQL past guard as a role; what it printed, or what the server said.
fn attempt(database: &Database, role: &str, sql: &str) -> Result<String, String> {
    let output = Command::new("psql")
        .env_clear()
        .env("PATH", crate::support::real_path())
        .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-h"])
        .arg(Database::socket())
        .args(["-U", role, "-d", &database.name, "-c", sql])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

#[test]
fn a_hardened_database() {
    let database = Database::with(SHOP);
    let role = format!("agent of \"{}\"", database.name);
    let printed = || {
        database
            .world
            .guard(&[
                "sql",
                "harden",
                "--role",
                &role,
                "--database",
                &database.name,
                "--most",
                "10",
            ])
            .run()
    };
    let script = printed();
    assert_eq!(script.code, Some(0), "{script:?}");
    // Nothing has happened so far.
    assert!(attempt(&database, &role, "SELECT 1").is_err());
    database.sql(&script.stdout);
    // It can be run again.
    database.sql("CREATE TABLE later AS SELECT generate_series(1, 50) AS id");
    database.sql(&script.stdout);

    let agent = |sql: &str| attempt(&database, &role, sql);
    assert_eq!(
        agent("SELECT count(*) FROM transactions"),
        Ok("4200".to_owned())
    );
    assert_eq!(agent("SELECT count(*) FROM later"), Ok("50".to_owned()));
    for sql in [
        "DELETE FROM visits WHERE id = 1",
        "SET default_transaction_read_only = off; DELETE FROM visits WHERE id = 1",
        "SET default_transaction_read_only = off; SET guard.allow_mass_delete = on; TRUNCATE visits",
        "SET default_transaction_read_only = off; CREATE TABLE mine (id int)",
        "SET default_transaction_read_only = off; DROP TABLE visits",
        "SET default_transaction_read_only = off; UPDATE visits SET customer = 1",
    ] {
        let said = agent(sql).expect_err(sql);
        let refused = [
            "permission denied",
            "read-only transaction",
            "must be owner",
        ];
        assert!(
            refused.iter().any(|words| said.contains(words)),
            "{sql}: {said}"
        );
    }

    let owner = |sql: &str| attempt(&database, "admin", sql);
    owner("DELETE FROM tickets WHERE id <= 10").unwrap();
    for (sql, told) in [
        (
            "DELETE FROM tickets WHERE id <= 21",
            "deleting 11 rows of public.tickets is refused",
        ),
        (
            "DELETE FROM later",
            "deleting 50 rows of public.later is refused",
        ),
        ("TRUNCATE visits", "truncating public.visits is refused"),
        // Cascades count in the table that they reach.
        (
            "DELETE FROM customers WHERE id = 7",
            "deleting 84 rows of public.transactions is refused",
        ),
    ] {
        let said = owner(sql).expect_err(sql);
        assert!(
            said.contains(told) && said.contains("SET guard.allow_mass_delete = on"),
            "{sql}: {said}"
        );
    }
    assert_eq!(database.rows("tickets"), 30);
    assert_eq!(database.rows("customers"), 100);
    owner("SET guard.allow_mass_delete = on; DELETE FROM customers WHERE id = 7").unwrap();
    owner("SET guard.allow_mass_delete = on; TRUNCATE visits").unwrap();
    assert_eq!(database.rows("customers"), 99);
    database.sql(&format!(
        "DROP OWNED BY \"{}\"; DROP ROLE \"{}\"",
        role.replace('"', "\"\""),
        role.replace('"', "\"\"")
    ));
}
