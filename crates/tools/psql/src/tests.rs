#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use guard_core::invocation::words;

fn kinds(line: &str) -> String {
    let read = read(
        &words(&shlex::split(line).unwrap()),
        &Context::nothing(guard_toolbox::TOOLBOX.nested),
    );
    read.statements
        .iter()
        .map(|statement| statement.kind)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn sql_is_found_in_every_spelling() {
    for (line, expected) in [
        ("-c 'DROP TABLE a'", "drop-table"),
        ("-c'DROP TABLE a'", "drop-table"),
        ("--command 'DROP TABLE a'", "drop-table"),
        ("--comm='DROP TABLE a'", "drop-table"),
        ("-Atc 'DROP TABLE a' app", "drop-table"),
        ("-XAt1c 'DROP TABLE a'", "drop-table"),
        ("app me -c 'select 1' -c 'TRUNCATE a'", "read truncate"),
        (
            "-h db -U me -d app -c 'delete from a where id = 1'",
            "delete",
        ),
        ("postgres://me:x@db/app -c 'delete from a'", "delete-all"),
        ("-v t=users -c 'select 1'", "read"),
        ("-f x.sql", "unknown"),
        ("-l", ""),
        ("", ""),
        ("--help -c 'DROP TABLE a'", ""),
        ("-o '|rm -rf x' -c 'select 1'", "shell read"),
        ("-- -c 'DROP TABLE a'", ""),
    ] {
        assert_eq!(kinds(line), expected, "{line}");
    }
}

#[test]
fn connection_options_are_kept_for_previews() {
    let read = read(
        &words(&["-hdb", "-p", "5433", "--user=me", "-c", "select 1", "-w"]),
        &Context::nothing(guard_toolbox::TOOLBOX.nested),
    );
    let scope: Vec<_> = read
        .scope
        .iter()
        .map(|word| word.to_str().unwrap())
        .collect();
    assert_eq!(
        scope,
        [
            "--host",
            "db",
            "--port",
            "5433",
            "--username",
            "me",
            "--no-password"
        ]
    );
}
