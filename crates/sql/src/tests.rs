//! Tables of texts and what is read from them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod properties;
mod psql_language;
mod regression;
mod server_language;

use super::{SqlStatement, StatementKind, TextSource, read};

/// The result in one line: `kind@line`, with `!` where it is rolled back.
pub(super) fn told(statements: &[SqlStatement]) -> String {
    let one = |it: &SqlStatement| {
        let mark = if it.rolled_back { "!" } else { "" };
        assert_eq!(
            it.why.is_some(),
            it.kind == StatementKind::Unknown,
            "{it:?}"
        );
        assert!(it.text.chars().count() <= 200 && !it.text.contains('\n'));
        format!("{}@{}{mark}", it.kind.name(), it.line)
    };
    statements.iter().map(one).collect::<Vec<_>>().join(" ")
}

pub(super) fn check(from: TextSource, variables: &[(&str, &str)], table: &[(&str, &str)]) {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: Vec<_> = variables.iter().map(owned).collect();
    let mut wrong = Vec::new();
    for (text, expected) in table {
        let found = told(&read(text.as_bytes(), from, &variables));
        if found != *expected {
            wrong.push(format!(
                "{text:?}\n  expected {expected}\n  found    {found}\n"
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.concat());
}

#[test]
fn names_are_unique_and_found() {
    for kind in StatementKind::ALL {
        assert_eq!(StatementKind::from_name(kind.name()), Some(*kind));
    }
    assert!(StatementKind::ALL.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(StatementKind::from_name("drop_table"), None);
}

#[test]
fn objects_and_excerpts() {
    let table = [
        (
            "DROP TABLE IF EXISTS public.\"A  b\" CASCADE",
            Some("public.\"A  b\""),
        ),
        ("DROP TABLE a, b", None),
        ("DROP DATABASE prod", Some("prod")),
        ("DROP INDEX CONCURRENTLY IF EXISTS i", Some("i")),
        ("DROP OWNED BY bob", Some("bob")),
        ("DELETE FROM ONLY a.t", Some("a.t")),
        ("UPDATE t SET a=1", Some("t")),
        (
            "WITH d AS (DELETE FROM x RETURNING *) SELECT * FROM d",
            Some("x"),
        ),
        ("TRUNCATE TABLE ONLY t", Some("t")),
        ("TRUNCATE a, b", None),
        ("ALTER TABLE IF EXISTS t DROP a", Some("t")),
        (
            "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE",
            Some("t"),
        ),
        ("COPY t TO '/tmp/it''s'", Some("/tmp/it's")),
        ("COPY t TO PROGRAM 'rm -rf  x'", Some("rm -rf  x")),
        ("\\! rm -rf  /x ", Some("rm -rf  /x")),
        ("\\i 'a file.sql'", Some("a file.sql")),
        ("\\o |cat > x", Some("cat > x")),
        ("\\copy t to /tmp/x.csv csv", Some("/tmp/x.csv")),
        ("\\copy t to 'x.csv'", Some("x.csv")),
        ("\\echo `date`", Some("date")),
    ];
    for (text, object) in table {
        let found = read(text.as_bytes(), TextSource::Script, &[]);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].object.as_deref(), object, "{text}");
    }
    let found = read(
        b"DROP /* all */ TABLE\n\t x -- gone\n;",
        TextSource::Script,
        &[],
    );
    assert_eq!(found[0].text, "DROP TABLE x");
    let long = format!("SELECT '{}'", "ä".repeat(500));
    let found = read(long.as_bytes(), TextSource::Script, &[]);
    assert_eq!(found[0].text.chars().count(), 200);
}
