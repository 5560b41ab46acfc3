//! What goes wrong: a clear line, and nothing is run.

use std::net::TcpListener;
use std::time::Duration;

use super::SHOP;
use crate::support::postgres::Database;

/// Blocked, with this in what the agent reads.
#[track_caller]
fn stopped(outcome: &crate::support::Outcome, told: &str) {
    outcome
        .blocked()
        .says("would lose: unknown, because")
        .says(told);
    assert!(outcome.stderr.lines().count() < 16, "{outcome:?}");
}

#[test]
fn the_server_is_down() {
    let database = Database::with("");
    let outcome = database
        .psql(&["-c", "DELETE FROM t"])
        .variable("PGHOST", database.world.path("home"))
        .run();
    stopped(&outcome, "No such file or directory");
    let outcome = database
        .psql(&["-h", "127.0.0.1", "-p", "1", "-c", "TRUNCATE t"])
        .run();
    stopped(&outcome, "Connection refused");
    // What only reads is the server's own affair.
    let outcome = database
        .psql(&["-h", "127.0.0.1", "-p", "1", "-c", "SELECT 1"])
        .run();
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(!outcome.guard_said());
}

#[test]
fn a_wrong_password() {
    let database = Database::with(SHOP);
    let locked = |password: &str| {
        database
            .psql(&["-U", "locked", "-c", "DELETE FROM visits"])
            .variable("PGPASSWORD", password)
            .run()
    };
    stopped(&locked("wrong"), "password authentication failed");
    // It never asks for one.
    let outcome = database
        .psql(&["-U", "locked", "-c", "DELETE FROM visits"])
        .run();
    stopped(&outcome, "no password supplied");
    stopped(&locked("right"), "permission denied for table visits");
    database.sql("GRANT SELECT, DELETE ON visits TO locked");
    locked("right").blocked().says("20 rows of public.visits");
    let url = format!(
        "postgres://locked:right@/{}?host={}",
        database.name,
        Database::socket().display()
    );
    let outcome = database.psql(&[&url, "-c", "DELETE FROM visits"]).run();
    outcome.blocked().says("20 rows of public.visits");
    assert!(!outcome.stderr.contains(":right"), "{outcome:?}");
    assert_eq!(database.rows("visits"), 20);
}

#[test]
fn rows_that_a_policy_hides() {
    let database = Database::with(
        "CREATE TABLE hidden (id int); INSERT INTO hidden SELECT generate_series(1, 9);
         ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
         CREATE POLICY sees ON hidden FOR SELECT USING (false);
         CREATE POLICY deletes ON hidden FOR DELETE USING (true);
         GRANT SELECT, DELETE, TRUNCATE ON hidden TO locked;",
    );
    // The role counts no row, and would delete all of them.
    let locked = |sql: &str| {
        database
            .psql(&["-U", "locked", "-c", sql])
            .variable("PGPASSWORD", "right")
            .run()
    };
    stopped(
        &locked("DELETE FROM hidden"),
        "row-level security may hide rows",
    );
    locked("TRUNCATE hidden").blocked();
    assert_eq!(database.rows("hidden"), 9);
}

#[test]
fn a_server_that_hangs() {
    let database = Database::with("");
    database.world.rules("[preview]\nseconds = 1\n");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let outcome = database
        .psql(&["-h", "127.0.0.1", "-p", &port, "-c", "DELETE FROM t"])
        .run();
    stopped(&outcome, "longer than the time budget");
    assert!(outcome.time < Duration::from_secs(4), "{outcome:?}");
}

#[test]
fn a_table_that_somebody_holds() {
    let database = Database::with(SHOP);
    let holder = "BEGIN; LOCK TABLE visits; SELECT pg_sleep(6)";
    let mut command = std::process::Command::new("psql");
    command
        .env_clear()
        .env("PATH", crate::support::real_path())
        .args(["-X", "-h"])
        .arg(Database::socket())
        .args(["-U", "admin", "-d", &database.name, "-c", holder])
        .stdout(std::process::Stdio::null());
    let mut holding = command.spawn().unwrap();
    let locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'visits'::regclass";
    while database.sql(locked) != "1" {
        std::thread::sleep(Duration::from_millis(10));
    }
    let outcome = database.psql(&["-c", "DELETE FROM visits"]).run();
    stopped(&outcome, "lock timeout");
    assert!(outcome.time < Duration::from_secs(4), "{outcome:?}");
    holding.kill().unwrap();
    holding.wait().unwrap();
}

#[test]
fn a_table_too_large_to_count() {
    let database = Database::with(
        "CREATE TABLE big (id int, pad text);
         INSERT INTO big SELECT n, 'x' FROM generate_series(1, 1500000) n; ANALYZE big;",
    );
    database.world.rules("[preview]\nseconds = 2\n");
    // Each row would take a while to look at.
    let slow = "DELETE FROM big WHERE length(repeat(pad || id::text, 3000)) > 5";
    let one = database.explain(slow);
    assert_eq!(one["preview"]["status"], "estimate", "{one:#}");
    assert!(
        one.to_string().contains("the planner's estimate"),
        "{one:#}"
    );
    assert_eq!(one["verdict"], "confirm");
}

#[test]
fn files_that_are_no_text() {
    let database = Database::with(SHOP);
    database.world.write(
        "app/latin1.sql",
        b"DELETE FROM visits WHERE 'caf\xe9' = 'x';\n",
    );
    let outcome = database.psql(&["-f", "latin1.sql"]).run();
    stopped(&outcome, "it is not UTF-8");
    database
        .world
        .write("app/noise.sql", [0_u8, 159, 146, 150, 10, 255, 0, 10]);
    database.psql(&["-f", "noise.sql"]).run().blocked();
    // A pipe cannot be read twice.
    let outcome = database
        .lead(
            database
                .world
                .command(&["bash", "-c", "psql -f <(echo 'DELETE FROM visits')"]),
        )
        .run();
    stopped(&outcome, "no regular file");
    let script = "mkfifo p; (echo 'DELETE FROM visits WHERE id = 1' > p &); exec psql -f p";
    let mut person = database
        .lead(database.world.command(&["bash", "-c", script]))
        .at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(database.rows("visits"), 19);
    database.psql(&["-f", "/dev/null"]).run().ran();
    assert_eq!(database.rows("visits"), 19);
}

#[test]
fn a_server_that_reads_strings_otherwise() {
    let database = Database::with(SHOP);
    let outcome = database
        .psql(&["-c", "DELETE FROM visits"])
        .variable("PGOPTIONS", "-c standard_conforming_strings=off")
        .run();
    stopped(&outcome, "standard_conforming_strings is off");
    let outcome = database
        .psql(&["-c", "DELETE FROM things"])
        .variable("PGOPTIONS", "-c search_path=attic")
        .run();
    // The command's own settings hold for the preview too.
    assert!(outcome.stderr.contains("does not exist"), "{outcome:?}");
    database.sql("CREATE SCHEMA attic; CREATE TABLE attic.things AS SELECT 1");
    let outcome = database
        .psql(&["-c", "DELETE FROM things"])
        .variable("PGOPTIONS", "-c search_path=attic")
        .run();
    outcome.blocked().says("1 row of attic.things");
}

#[test]
fn a_service_says_where() {
    let database = Database::with(SHOP);
    let service = format!(
        "[shop-prod]\nhost={}\nuser=admin\ndbname={}\n",
        Database::socket().display(),
        database.name
    );
    database.world.write("home/.pg_service.conf", service);
    let outcome = database
        .world
        .command(&["psql", "service=shop-prod", "-c", "DELETE FROM visits"])
        .run();
    outcome
        .blocked()
        .says("20 rows of public.visits")
        .says("environment: production");
    // What the service stands for counts as well as its name.
    let service = format!(
        "[shop]\nhost={}\nuser=admin\ndbname={}\n[other]\nhost=db.prod.example\n",
        Database::socket().display(),
        database.name
    );
    database.world.write("home/.pg_service.conf", service);
    let named = |name: &str| {
        database
            .world
            .command(&["psql", "-c", "DELETE FROM visits"])
            .variable("PGSERVICE", name)
            .run()
    };
    assert!(!named("shop").stderr.contains("environment:"));
    named("other").blocked().says("environment: production");
}

#[test]
fn what_changes_between_the_question_and_the_answer() {
    let database = Database::with(SHOP);
    let mut person = database.person(&["-c", "DELETE FROM visits"]);
    let phrase = person.phrase();
    database.sql("INSERT INTO visits VALUES (777, 1)");
    person.line(&phrase);
    person.until("has grown since the question");
    let phrase = person.phrase();
    assert!(phrase.contains("21 rows"), "{phrase}");
    person.line("no");
    person.until("That is not the phrase");
    person.line("");
    assert_eq!(person.ends().code, Some(77));
    assert_eq!(database.rows("visits"), 21);
    // A file with another text than was shown.
    database
        .world
        .write("app/x.sql", "DELETE FROM visits WHERE id = 777;\n");
    let mut person = database.person(&["-f", "x.sql"]);
    let phrase = person.phrase();
    database.world.write("app/x.sql", "DELETE FROM visits;\n");
    person.line(&phrase);
    assert_eq!(person.ends().code, Some(77));
    assert_eq!(database.rows("visits"), 21);
}
