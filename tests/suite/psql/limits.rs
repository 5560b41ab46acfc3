//! Limits: losses that rules name, and losses that a rule need not ask about.

use super::SHOP;
use crate::support::postgres::Database;

const LIMIT: &str = r#"
[[environment]]
name = "test"
words = ["test"]

[[limit]]
rule = "psql.delete"
environment = ["test"]
loss = { rows = 10, rows-percent = 20.0 }
"#;

#[test]
fn a_delete_under_the_limit_runs_and_over_it_asks() {
    let database = Database::with(SHOP);
    database.world.rules(LIMIT);
    let delete = |sql: &str, environment: &str| {
        database
            .psql(&["-c", sql])
            .variable("APP_ENV", environment)
            .run()
    };
    delete("DELETE FROM tickets WHERE id = 1", "test").ran();
    assert_eq!(database.rows("tickets"), 39);
    let log = database.world.log();
    assert_eq!(
        log.last().unwrap()["answer"],
        "within the limit for psql.delete"
    );
    // More rows, a larger share, cascades, another rule, another environment, none, production.
    delete("DELETE FROM transactions WHERE id < 11", "test").blocked();
    delete("DELETE FROM tickets WHERE id BETWEEN 10 AND 19", "test")
        .blocked()
        .says("(26 %)");
    delete("DELETE FROM customers WHERE id = 7", "test").blocked();
    delete("UPDATE tickets SET customer = 1 WHERE id = 2", "test").blocked();
    delete("DELETE FROM tickets WHERE id = 2; TRUNCATE visits", "test").blocked();
    delete("DELETE FROM tickets WHERE id = 2", "staging").blocked();
    delete("DELETE FROM tickets WHERE id = 2", "").blocked();
    delete("DELETE FROM tickets WHERE id = 2", "production").blocked();
    assert_eq!(database.rows("tickets"), 39);
}

#[test]
fn without_an_environment_a_limit_holds_wherever_nothing_says_production() {
    let database = Database::with(SHOP);
    database
        .world
        .rules("[[limit]]\nrule = \"psql.update\"\nloss = { rows-percent = 5.0 }\n");
    let update = "UPDATE customers SET name = 'x' WHERE id < 5";
    database.psql(&["-c", update]).run().ran();
    database
        .psql(&["-c", update])
        .variable("PGAPPNAME", "x")
        .variable("NODE_ENV", "prod")
        .run()
        .blocked();
    database
        .psql(&["-c", "UPDATE customers SET name = 'x' WHERE id < 6"])
        .run()
        .blocked();
}

#[test]
fn a_rule_that_names_a_loss() {
    let database = Database::with(SHOP);
    database.world.rules(
        r#"
[[rule]]
id = "team.not-half-of-a-table"
tool = "psql"
statement = ["delete*", "truncate"]
loss = { rows-percent = 50.0, tables = 0 }
effect = "deny"
reason = "deletes more than half of a table"
safer = "psql -c 'SELECT 1'"
match = ["psql -c 'DELETE FROM t'"]
no-match = ["psql -c 'SELECT 1'"]
"#,
    );
    let half = |sql: &str| database.explain(sql)["verdict"].clone();
    assert_eq!(half("DELETE FROM tickets WHERE id <= 20"), "confirm");
    assert_eq!(half("DELETE FROM tickets WHERE id <= 21"), "deny");
    assert_eq!(half("TRUNCATE tickets"), "deny");
    assert_eq!(
        half("DELETE FROM tickets WHERE false; DROP TABLE visits"),
        "deny"
    );
}

#[test]
fn limits_with_mistakes() {
    let database = Database::with("");
    for (text, told) in [
        (
            "[[limit]]\nrule = \"psql.nothing\"\nloss = { rows = 1 }\n",
            "no rule of that id",
        ),
        (
            "[[limit]]\nrule = \"rm.root\"\nloss = { rows = 1 }\n",
            "only a rule that asks",
        ),
        (
            "[[limit]]\nrule = \"psql.delete\"\nloss = { lines = 1 }\n",
            "is not one of",
        ),
        (
            "[[limit]]\nrule = \"psql.delete\"\nloss = {}\n",
            "names no loss",
        ),
        (
            "[[limit]]\nrule = \"psql.delete\"\nloss = { rows = 1 }\nenvironment = [\"production\"]\n",
            "no limit holds in production",
        ),
        (
            "[[limit]]\nrule = \"psql.delete\"\nloss = { rows = 1 }\nenvironment = [\"moon\"]\n",
            "no environment \"moon\"",
        ),
    ] {
        database.world.rules(text);
        let outcome = database.world.guard(&["rules", "test"]).run();
        assert_ne!(outcome.code, Some(0), "{text}");
        let said = outcome.stdout.clone() + &outcome.stderr;
        assert!(said.contains(told), "{text}: {outcome:?}");
    }
}
