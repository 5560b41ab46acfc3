//! Standard input and the files that psql reads.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use super::SHOP;
use crate::support::postgres::Database;

/// COPY with data that are no text.
fn dump() -> Vec<u8> {
    let mut dump = b"SET statement_timeout = 0;\nCREATE TABLE IF NOT EXISTS copied (a bytea);\nCOPY copied FROM stdin;\n".to_vec();
    let mut state = 1_u32;
    for number in 0..3_000_000_u32 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let byte = u8::try_from(state >> 24).unwrap();
        dump.push(match byte {
            b'\n' | b'\\' | b'\r' | 0 => b'x',
            other => other,
        });
        if number % 100 == 99 {
            dump.push(b'\n');
        }
    }
    dump.extend_from_slice(b"\n\\.\n\nSELECT 1;\n");
    dump
}

#[test]
fn every_byte_arrives() {
    let database = Database::with("");
    let world = &database.world;
    world.script(
        "bin/psql",
        "#!/bin/sh\ncat > \"$HOME/got\"\nls -l /proc/self/fd/0 > \"$HOME/how\"\n",
    );
    let dump = dump();
    let outcome = world
        .command(&["psql"])
        .search(&[
            world.shims(),
            world.path("bin"),
            "/usr/bin".into(),
            "/bin".into(),
        ])
        .input(&dump)
        .run();
    outcome.ran();
    assert!(std::fs::read(world.path("home/got")).unwrap() == dump);
    // The file had no name, in a directory that nobody else can enter.
    assert!(
        world.read("home/how").contains("(deleted)"),
        "{}",
        world.read("home/how")
    );
    let spool = world.path("state/spool");
    assert_eq!(
        spool.metadata().unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert_eq!(spool.read_dir().unwrap().count(), 0);
}

#[test]
fn a_dump_goes_in_without_a_question() {
    let database = Database::with("");
    let mut dump =
        "SET client_encoding = 'UTF8';\nSELECT pg_catalog.set_config('search_path', '', false);\n"
            .to_owned();
    dump.push_str("CREATE TABLE public.numbers (n int, name text);\nCOPY public.numbers (n, name) FROM stdin;\n");
    for number in 0..50_000 {
        writeln!(dump, "{number}\tDROP TABLE numbers;").unwrap();
    }
    dump.push_str("\\.\n");
    for number in 0..3_000 {
        writeln!(
            dump,
            "INSERT INTO public.numbers VALUES ({number}, 'DELETE FROM x');"
        )
        .unwrap();
    }
    dump.push_str("ALTER TABLE ONLY public.numbers ADD CONSTRAINT u UNIQUE (n, name);\n");
    database.psql(&["-q"]).input(&dump).run().ran();
    assert_eq!(database.rows("numbers"), 53_000);
    // What stands behind all of that is still seen, with its line.
    let outcome = database
        .psql(&["-q"])
        .input(dump + "TRUNCATE public.numbers;\n")
        .run();
    outcome
        .blocked()
        .says("line 53007 of standard input: ")
        .says("depends on what line");
    assert_eq!(database.rows("numbers"), 53_000);
}

#[test]
fn an_endless_pipe_and_a_full_disk() {
    let database = Database::with(SHOP);
    // What a process may write is limited as a disk is; the unit is 1024 bytes.
    for script in [
        "ulimit -f 20000; yes 'SELECT 1;' | psql",
        "(echo 'COPY visits FROM stdin;'; yes | head -n 14000000; echo '\\\\.'; echo 'DROP TABLE visits;') > big; ulimit -f 20000; psql < big",
    ] {
        let script = format!("{script}; exit $?");
        let outcome = database
            .lead(database.world.command(&["bash", "-c", &script]))
            .run();
        assert_eq!(outcome.code, Some(77), "{script}: {outcome:?}");
        outcome
            .says("not run: standard input holds more than 19.5 MiB")
            .says("has no room for more");
        assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    }
}

#[test]
fn files_that_are_read_before_and_besides() {
    let database = Database::with(SHOP);
    let world = &database.world;
    let blocked = |run: crate::support::Run<'_>| {
        run.run().blocked();
    };
    world.write(
        "home/.psqlrc",
        "\\set QUIET on\n\\pset null '(null)'\n\\set doomed tickets\n",
    );
    database.psql(&["-c", "SELECT 1"]).run().ran();
    // A variable that the startup file sets holds later.
    let outcome = database.psql(&[]).input("DELETE FROM :doomed;\n").run();
    outcome.blocked().says("40 rows of public.tickets");
    world.write("home/.psqlrc", "TRUNCATE visits;\n");
    blocked(database.psql(&["-c", "SELECT 1"]));
    blocked(database.psql(&["-l"]));
    database.psql(&["-X", "-c", "SELECT 1"]).run().ran();
    std::fs::remove_file(world.path("home/.psqlrc")).unwrap();
    database.psql(&["-l"]).run().ran();
    world.write("home/.psqlrc-15", "TRUNCATE visits;\n");
    blocked(database.psql(&["-c", "SELECT 1"]));
    std::fs::remove_file(world.path("home/.psqlrc-15")).unwrap();
    world.write("app/rc", "TRUNCATE visits;\n");
    blocked(database.psql(&["-c", "SELECT 1"]).variable("PSQLRC", "rc"));
    // Included files, also by a file in another directory.
    world.write("app/sql/outer.sql", "SELECT 1;\n\\ir inner.sql\n");
    world.write("app/sql/inner.sql", "\n\nTRUNCATE tickets;\n");
    let outcome = database.psql(&["-f", "sql/outer.sql"]).run();
    outcome.blocked().says("line 3 of sql/inner.sql");
    // What a script writes before it includes it, and what lies elsewhere by then.
    world.write("app/made.sql", "SELECT 1;\n");
    database.psql(&["-c", "\\i made.sql"]).run().ran();
    let script = "\\o made.sql\nSELECT 'TRUNCATE tickets;';\n\\o\n\\i made.sql\n";
    blocked(database.psql(&["-At"]).input(script));
    blocked(database.psql(&["-At"]).input("\\cd sql\n\\i made.sql\n"));
    blocked(
        database
            .psql(&["-f", "/dev/stdin"])
            .input("TRUNCATE tickets;\n"),
    );
    database
        .psql(&["-f", "/dev/stdin"])
        .input("SELECT 1;\n")
        .run()
        .ran();
    assert_eq!(database.rows("tickets"), 40);
    assert_eq!(database.rows("visits"), 20);
}

#[test]
fn a_person_at_the_terminal_goes_through() {
    let database = Database::with(SHOP);
    let mut person = database.person(&["-P", "pager=off"]);
    person.until("=#");
    person.line("DELETE FROM visits;");
    person.until("DELETE 20");
    person.line("\\q");
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(database.rows("visits"), 0);
}
