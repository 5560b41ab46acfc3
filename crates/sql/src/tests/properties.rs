//! What holds for every text. The texts come from a small generator with fixed
//! seeds, so that a failure repeats.
use super::told;
use crate::{SqlStatement, StatementKind, TextSource, read};

/// Xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}

const PIECES: &[&str] = &[
    "SELECT ",
    "DROP TABLE ",
    "DELETE FROM t",
    " WHERE ",
    "UPDATE t SET a=1 ",
    "(",
    ")",
    ";",
    "'",
    "\"",
    "$$",
    "$a$",
    "--",
    "/*",
    "*/",
    "\n",
    "\\",
    "\\g",
    "\\;",
    ":",
    ":x",
    ":'x'",
    "::int",
    "[",
    "]",
    "E'",
    "U&\"",
    "BEGIN",
    " ATOMIC ",
    "CREATE FUNCTION f() ",
    "END",
    "CASE ",
    "COPY t FROM STDIN",
    "\\.",
    "\\if ",
    "\\endif",
    "\\copy ",
    "\\set x ",
    "`",
    "|",
    "1",
    "1e5",
    ".",
    ",",
    " ",
    "\r",
    "\0",
    "é",
    "WITH a AS ",
    "EXPLAIN ",
    "ANALYZE ",
    "PREPARE p AS ",
    "EXECUTE p",
    "ALTER TABLE t ",
    "DROP ",
    "\\o ",
    "\\gexec",
    "\\i ",
    "\\c ",
    "ROLLBACK",
    "COMMIT",
    " AND CHAIN",
    "\\r",
    "\\q",
    "\\watch ",
    "\\bind_named ",
    "\\parse ",
    "GRANT a TO ",
    "VACUUM (",
    "FULL",
    "SET ",
    "standard_conforming_strings ",
];

fn pieces(random: &mut Random) -> String {
    (0..random.next(30))
        .map(|_| PIECES[random.next(PIECES.len())])
        .collect()
}

fn kinds(statements: &[SqlStatement]) -> Vec<StatementKind> {
    statements.iter().map(|it| it.kind).collect()
}

#[test]
fn never_panics() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let variables = [
        ("x".to_owned(), ":y ' ;".to_owned()),
        ("y".to_owned(), "\\! :x (".to_owned()),
    ];
    for round in 0..30_000 {
        let text = if round % 3 == 0 {
            (0..random.next(60))
                .map(|_| u8::try_from(random.next(256)).unwrap())
                .collect()
        } else {
            pieces(&mut random).into_bytes()
        };
        for from in [TextSource::Script, TextSource::Command] {
            told(&read(&text, from, &variables));
        }
    }
}

const STATEMENTS: &[&str] = &[
    "SELECT 1",
    "DELETE FROM t",
    "DELETE FROM t WHERE a = 1",
    "UPDATE t SET a = (SELECT 1 WHERE true)",
    "WITH d AS (DELETE FROM x RETURNING *) SELECT * FROM d",
    "DROP TABLE IF EXISTS a, b CASCADE",
    "TRUNCATE t",
    "ALTER TABLE a ALTER COLUMN b SET DATA TYPE text",
    "ALTER TABLE a DROP COLUMN b",
    "ALTER SYSTEM SET a = 1",
    "EXPLAIN (ANALYZE, VERBOSE) DELETE FROM t",
    "MERGE INTO t USING s ON a=b WHEN MATCHED THEN DELETE",
    "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1",
    "GRANT SELECT ON t TO PUBLIC",
    "VACUUM FULL t",
    "COPY t TO PROGRAM 'x'",
    "COPY (DELETE FROM t RETURNING *) TO STDOUT",
    "SELECT pg_terminate_backend(1)",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; END",
    "DO 'x'",
    "REASSIGN OWNED BY a TO b",
    "BEGIN; DROP SCHEMA s; ROLLBACK AND CHAIN; DROP OWNED BY a; ROLLBACK",
    "PREPARE p AS DELETE FROM t; EXECUTE p",
];

#[test]
fn comments_change_nothing() {
    for text in STATEMENTS {
        let plain = read(text.as_bytes(), TextSource::Script, &[]);
        let spaced = text.replace(' ', " /* ; DROP TABLE /* ' */ x */ ");
        for other in [
            format!("{text} -- x"),
            format!("{text} /* x; ' */"),
            spaced,
            text.replace(' ', " -- '\"$$\n "),
        ] {
            for from in [TextSource::Script, TextSource::Command] {
                let found = read(other.as_bytes(), from, &[]);
                assert_eq!(kinds(&found), kinds(&plain), "{other}");
                let undone = |them: &[SqlStatement]| {
                    them.iter().map(|it| it.rolled_back).collect::<Vec<_>>()
                };
                assert_eq!(undone(&found), undone(&plain), "{other}");
            }
        }
    }
}

#[test]
fn case_changes_nothing() {
    let mut random = Random(7);
    for text in STATEMENTS {
        let plain = told(&read(text.as_bytes(), TextSource::Script, &[]));
        for _ in 0..50 {
            let mixed: String = text
                .chars()
                .map(|c| {
                    if random.next(2) == 0 {
                        c.to_ascii_uppercase()
                    } else {
                        c.to_ascii_lowercase()
                    }
                })
                .collect();
            assert_eq!(
                told(&read(mixed.as_bytes(), TextSource::Script, &[])),
                plain,
                "{mixed}"
            );
        }
    }
}

#[test]
fn a_literal_is_read() {
    let mut random = Random(99);
    for round in 0_usize..5_000 {
        let known = STATEMENTS.get(round).map(|text| (*text).to_owned());
        let text = known.unwrap_or_else(|| pieces(&mut random));
        // A script's lines end where NUL stands, and \. ends data only.
        // An empty identifier is an error.
        let text = format!("x{}", text.replace('\0', ""));
        let quoted = text.replace('\'', "''");
        let escaped = quoted.replace('\\', "\\\\");
        let dollar = text.replace('$', "");
        for whole in [
            format!("SELECT '{quoted}'"),
            format!("SELECT E'{escaped}'"),
            format!("SELECT $q${dollar}$q$"),
            format!("SELECT \"{}\"", text.replace('"', "\"\"")),
        ] {
            for from in [TextSource::Script, TextSource::Command] {
                assert_eq!(
                    told(&read(whole.as_bytes(), from, &[])),
                    "read@1",
                    "{whole:?}"
                );
            }
        }
    }
}

/// Run with `--release -- --ignored`: 10 MB of ordinary text in less than a
/// second. Millions of tiny statements may take longer, but linear time.
#[test]
#[ignore = "measures time, for release builds"]
fn ten_megabytes() {
    let size = 10 << 20;
    let fill = |piece: &str| piece.repeat(size / piece.len());
    let texts = [
        ("statements", fill("DELETE FROM t WHERE a = 1;\n")),
        (
            "one statement",
            format!("INSERT INTO t VALUES {}", fill("(1,'a','b'),")),
        ),
        (
            "lines",
            format!("INSERT INTO t VALUES {}", fill("(1,'a'),\n")),
        ),
        (
            "data",
            format!("COPY t FROM STDIN;\n{}\\.\n", fill("1\t2\tabc\n")),
        ),
        ("parens", fill("(")),
        (
            "closed",
            format!("SELECT {}{}", "(".repeat(size / 2), ")".repeat(size / 2)),
        ),
        ("semicolons in parens", format!("({}", fill(";"))),
        ("quotes", fill("'")),
        ("strings", fill("'a' ")),
        ("broken continuation", fill("'a' -- x\n")),
        ("dollars", fill("$a")),
        ("dollar quote", format!("SELECT $a${}", fill("$a"))),
        ("comments", fill("/*")),
        ("dashes", fill("- ")),
        ("commands", fill("\\echo a\n")),
        ("commands in one line", fill("\\x ")),
        ("backticks", fill("\\echo `a`\n")),
        ("backticks in one line", fill("\\x `a` ")),
        ("pending", format!("SELECT 1{}", fill("\n\\x"))),
        (
            "again",
            format!(
                "{};\n{}",
                "SELECT 1\\;".repeat(size / 20),
                "\\g\n".repeat(size / 6)
            ),
        ),
        ("variables", fill(":x ")),
        ("known", fill(":k ")),
        ("arguments", fill("\\echo :k:k:k\n")),
        ("growing", fill("\\set k :k:k\n")),
        ("with", fill("WITH a AS (")),
        ("alter", format!("ALTER TABLE t {}", fill("DROP a,"))),
        ("prepare", fill("PREPARE p AS SELECT 1;EXECUTE p;")),
        ("gdesc", fill("SELECT 1 \\gdesc\n")),
        ("explain", fill("EXPLAIN ANALYZE ")),
        ("begin", fill("BEGIN;DELETE FROM t;ROLLBACK;")),
        ("copies", fill("COPY t FROM STDIN;\n\\.\n")),
        ("lists", format!("DROP TABLE {}", fill("a,"))),
        ("name", format!("DROP TABLE {}", fill("a."))),
        (
            "atomic",
            format!("CREATE FUNCTION f() BEGIN ATOMIC {}", fill("SELECT 1;")),
        ),
        ("copy names", fill("\\copy t from x\n")),
        ("set", format!("SET {}", fill("a,"))),
        ("grant", format!("GRANT a TO {}", fill("b,"))),
        ("vacuum", format!("VACUUM ({}", fill("a,"))),
        ("nul", fill("\0")),
        ("blank", fill(" \n\\x\n")),
        ("if", fill("\\if a\n")),
        ("slash copy", format!("\\copy ({}", fill("a "))),
    ];
    let variables = [("k".to_owned(), "1234567890".to_owned())];
    let mut slow = Vec::new();
    for (name, text) in &texts {
        for from in [TextSource::Script, TextSource::Command] {
            let start = std::time::Instant::now();
            let count = read(text.as_bytes(), from, &variables).len();
            let took = start.elapsed();
            println!("{name} {from:?}: {took:?}, {count} statements");
            let ordinary = ["statements", "one statement", "lines", "data"].contains(name);
            let limit = if ordinary { 1_000 } else { 3_000 };
            if took.as_millis() > limit {
                slow.push((name, from, took));
            }
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}
