//! What psql reads: variables, backslash commands, data.
use super::check;
use crate::TextSource::{Command, Script};

#[test]
fn variables() {
    let set = [
        ("t", "users"),
        ("n", "a'b\\c"),
        ("q", "DROP TABLE x; SELECT 1"),
        ("loop", ":loop"),
        ("half", "DR"),
        ("bs", "\\! ls"),
        ("c", "1 -- "),
        ("o", "'"),
    ];
    check(
        Script,
        &set,
        &[
            ("DELETE FROM :t", "delete-all@1"),
            ("SELECT :q;", "unknown@1 read@1"),
            (":q;", "drop-table@1 read@1"),
            ("SELECT 1; :q", "read@1 drop-table@1 read@1"),
            (":half OP TABLE x", "unknown@1"),
            (":{?t}", "unknown@1"),
            ("SELECT :{?t}, :{?zzz}", "read@1"),
            ("SELECT ':q'", "read@1"),
            ("SELECT \":q\"", "read@1"),
            ("SELECT $$:q$$", "read@1"),
            ("SELECT :'n', :\"n\"; DROP TABLE x", "read@1 drop-table@1"),
            // What the server refuses, and where no word could destroy.
            ("SELECT :loop", "read@1"),
            ("SELECT :zzz", "unknown@1"),
            ("INSERT INTO a VALUES (:zzz)", "unknown@1"),
            ("DELETE FROM a WHERE b = :zzz", "delete@1 unknown@1"),
            ("SELECT :'zzz'", "read@1"),
            ("SELECT * FROM :\"zzz\"", "read@1"),
            ("SELECT a::int, b::text", "read@1"),
            ("SELECT a::t", "read@1"),
            ("SELECT a[1:2], a[:2], a[i:j], a[ 1 :n2 ]", "read@1"),
            ("SELECT f(a := 1)", "read@1"),
            ("SELECT \\:zzz", "read@1"),
            (":bs", "unknown@1"),
            ("SELECT :c; DROP TABLE x", "unknown@1 drop-table@1"),
            ("SELECT :o; DROP TABLE x;'", "read@1"),
            ("\\set v 'DROP TABLE x'\n:v;", "read@1 drop-table@2"),
            ("\\set v SELECT ' 1'\n:v;", "read@1 read@2"),
            ("\\set v 1\n\\unset v\nSELECT :v", "read@1 read@2 unknown@3"),
            ("\\set v :zzz\nSELECT :v", "read@1 unknown@2"),
            ("\\set v :t\nDELETE FROM :v", "read@1 delete-all@2"),
            ("\\set v `date`\nSELECT :v", "shell@1 unknown@2"),
            (
                "\\if :{?x}\n\\set v 1\n\\endif\nSELECT :v",
                "read@1 read@2 read@3 unknown@4",
            ),
            ("SELECT 1 AS t \\gset\nSELECT :t", "read@1 unknown@2"),
            (
                "SELECT 1 AS a \\gset p_\nSELECT :t, :p_a",
                "read@1 unknown@2",
            ),
            ("\\prompt 'x?' t\nSELECT :t", "read@1 unknown@2"),
            ("\\getenv t HOME\nSELECT :t", "read@1 unknown@2"),
            ("\\i f\nSELECT :t", "include@1 unknown@2"),
            ("\\set ROW_COUNT 1\nSELECT :ROW_COUNT", "read@1 unknown@2"),
            ("\\set SINGLELINE on", "unknown@1"),
            ("\\set ON_ERROR_STOP on", "read@1"),
        ],
    );
    check(
        Script,
        &[("a", ":b :b"), ("b", ":c :c"), ("c", "1")],
        &[("SELECT :a", "read@1")],
    );
}

#[test]
fn sending() {
    check(
        Script,
        &[],
        &[
            ("SELECT 1 \\g\nDROP TABLE x \\g", "read@1 drop-table@2"),
            ("SELECT 1 \\g |rm x", "read@1 shell@1"),
            ("SELECT 1 \\g out.txt", "read@1 copy-to-file@1"),
            (
                "SELECT 1 \\gx (format=csv) out.txt",
                "unknown@1 read@1 copy-to-file@1",
            ),
            ("DELETE FROM t \\gx", "delete-all@1"),
            ("DELETE FROM t RETURNING 1 \\gset", "delete-all@1"),
            ("DELETE FROM t \\gdesc", "read@1"),
            ("DELETE FROM t \\gdesc\n\\g", "read@1 delete-all@2"),
            ("DELETE FROM t;\n\\g", "delete-all@1 delete-all@2"),
            ("\\g", "read@1"),
            ("SELECT 'DROP TABLE x' \\gexec", "read@1 unknown@1"),
            ("SELECT 1, 2, 3 \\crosstabview", "read@1"),
            ("DELETE FROM t \\watch 1", "delete-all@1"),
            ("SELECT 1 \\watch i=1 c=3", "read@1"),
            ("DELETE FROM t \\x \\g", "read@1 delete-all@1"),
            (
                "DELETE FROM t \\cd x \\g\nWHERE a;",
                "write@1 delete-all@1 unknown@1 unknown@2",
            ),
            ("SELECT 1 \\watch abc", "unknown@1 read@1"),
            ("SELECT $1 \\bind 5 \\g", "read@1 read@1"),
            (
                "DELETE FROM t \\parse p\n\\bind_named p \\g",
                "write@1 delete-all@2 delete-all@2",
            ),
            ("\\bind_named zzz \\g", "unknown@1 read@1"),
            (
                "\\startpipeline\nDELETE FROM t \\sendpipeline\n\\endpipeline",
                "read@1 delete-all@2 read@3",
            ),
            ("DROP TABLE x \\r\nSELECT 1;", "read@1 read@2"),
            ("DROP TABLE x\n\\p\n;", "read@2 drop-table@1"),
            (
                "SELECT 1\\; DROP TABLE x\\; SELECT 2;",
                "read@1 drop-table@1 read@1",
            ),
            ("SELECT (1\n; 2);", "unknown@1"),
            ("DROP TABLE\n  x", "drop-table@1"),
            ("\n\n  DROP TABLE x", "drop-table@3"),
            ("SELECT 1; -- c\n\nDELETE FROM t", "read@1 delete-all@3"),
            ("DROP TABLE x \\q\nDROP TABLE y", "read@1 drop-table@1"),
            ("SELECT 1;\n\\q\nDROP TABLE y", "read@1 read@2"),
            (
                "\\restrict abc\n\\q\nDROP TABLE y;\n\\unrestrict abc",
                "read@1 read@2 drop-table@3 read@4",
            ),
        ],
    );
}

#[test]
fn commands() {
    check(
        Script,
        &[("pipe", "|rm"), ("f", "x.sql")],
        &[
            ("\\d", "read@1"),
            ("\\dt+ public.*", "read@1"),
            (
                "\\l\n\\x\n\\timing on\n\\pset format csv",
                "read@1 read@2 read@3 read@4",
            ),
            ("\\x \\\\ DROP TABLE x;", "read@1 drop-table@1"),
            ("\\x \\t \\a", "read@1 read@1 read@1"),
            ("\\echo DROP TABLE x;", "read@1"),
            ("\\echo `rm x`", "shell@1"),
            ("\\echo '`rm x`' \"`rm x`\"", "read@1"),
            ("\\echo 'a\\'b' `rm x`", "shell@1"),
            ("\\echo 'abc\nSELECT 1;", "unknown@1 read@1 read@2"),
            ("\\! rm -rf /; SELECT 1", "shell@1"),
            ("\\!", "shell@1"),
            ("\\!ls", "unknown@1"),
            ("\\o |cat", "shell@1"),
            ("\\o :pipe", "shell@1"),
            ("\\o :zzz", "unknown@1"),
            ("\\o out.txt", "copy-to-file@1"),
            ("\\o", "read@1"),
            ("\\w |cat", "shell@1"),
            ("\\w x", "copy-to-file@1"),
            ("\\s", "read@1"),
            ("\\i a.sql", "include@1"),
            ("\\ir a.sql", "include@1"),
            ("\\include :f", "include@1"),
            ("\\i :zzz", "unknown@1"),
            ("\\i `echo x`", "shell@1 unknown@1"),
            ("\\e", "unknown@1"),
            ("\\ef f", "unknown@1"),
            ("\\c other", "write@1"),
            ("\\connect - bob", "write@1"),
            ("\\cd /tmp", "write@1"),
            ("\\password bob", "write@1"),
            ("\\lo_unlink 5", "large-object@1"),
            ("\\lo_import x", "write@1"),
            ("\\lo_export 5 x", "copy-to-file@1"),
            ("\\lo_list", "read@1"),
            ("\\setenv A b", "write@1"),
            ("\\setenv PAGER 'rm x'", "unknown@1"),
            ("\\encoding UTF8", "read@1"),
            ("\\encoding SJIS", "unknown@1"),
            ("\\frob a b\nSELECT 1;", "unknown@1 read@2"),
            ("\\h DROP TABLE", "read@1"),
            ("\\?", "read@1"),
            ("\\.", "unknown@1"),
            (
                "\\if true\nDROP TABLE x;\n\\elif false\nSELECT 1;\n\\else\nTRUNCATE t;\n\\endif",
                "read@1 drop-table@2 read@3 read@4 read@5 truncate@6 read@7",
            ),
            ("\\if `test -f x`\n\\endif", "shell@1 read@2"),
            (
                "DELETE FROM t\n\\if :x\nWHERE a\n\\endif\n;",
                "unknown@2 unknown@4 delete@1",
            ),
            (
                "\\cd /nowhere \\\\ SELECT\nDROP TABLE x;",
                "write@1 unknown@1 unknown@1",
            ),
            (
                "DELETE FROM t \\cd x \\\\ WHERE a = 1;\n;",
                "write@1 delete@1 unknown@1",
            ),
            (
                "\\cd x \\\\ SELECT 'a\n'; DROP TABLE x;",
                "write@1 unknown@1 read@1 drop-table@2",
            ),
        ],
    );
}

#[test]
fn copying() {
    check(
        Script,
        &[],
        &[
            (
                "COPY t FROM STDIN;\nDROP TABLE x;\n\\.\nSELECT 1;",
                "write@1 read@4",
            ),
            (
                "COPY t (a, b) FROM stdin WITH (FORMAT csv);\n\\! rm\n'\n\\.\r\nTRUNCATE t;",
                "write@1 truncate@5",
            ),
            (
                "COPY t FROM STDIN; SELECT 'a\nDROP TABLE x;\n\\.\nb'; DROP TABLE y;",
                "write@1 read@1 drop-table@4",
            ),
            (
                "COPY t FROM STDOUT;\nx\n\\.\nTRUNCATE t",
                "write@1 truncate@4",
            ),
            (
                "COPY a FROM STDIN\\; COPY b FROM STDIN;\n1\n\\.\n2\n\\.\nTRUNCATE t",
                "write@1 write@1 truncate@6",
            ),
            ("COPY t FROM STDIN;\nDROP TABLE x;\n", "write@1 unknown@1"),
            ("COPY t FROM STDIN;", "write@1"),
            (
                "COPY t FROM STDIN \\g\nDROP TABLE x;\n\\.\nTRUNCATE t",
                "write@1 truncate@4",
            ),
            (
                "\\if false\nCOPY t FROM STDIN;\n\\endif\nDROP TABLE x;",
                "read@1 write@2 unknown@2 read@3 drop-table@4",
            ),
            (
                "\\copy t from stdin\nDROP TABLE x;\n\\.\nTRUNCATE t",
                "write@1 truncate@4",
            ),
            ("\\copy t from pstdin\nTRUNCATE t", "write@1 truncate@2"),
            ("\\copy t from file.csv csv header", "write@1"),
            ("\\copy t from /tmp/file.csv", "write@1"),
            ("\\copy t from 'a file'", "write@1"),
            ("\\copy t to stdout", "read@1"),
            ("\\copy t to pstdout", "read@1"),
            ("\\copy t to /tmp/x; DROP TABLE x", "copy-to-file@1"),
            ("\\copy t to program 'gzip'", "copy-to-program@1"),
            ("\\copy t from program 'curl'", "copy-from-program@1"),
            ("\\copy (select 1) to 'x'", "copy-to-file@1"),
            ("\\copy (delete from t returning *) to 'x'", "delete-all@1"),
            (
                "\\copy (delete from t where a returning *) to stdout",
                "delete@1",
            ),
            ("\\copy (select 1 -- ) to program 'rm'\n", "unknown@1"),
            ("\\copy", "unknown@1"),
            ("\\copy t", "unknown@1"),
        ],
    );
}

#[test]
fn command_line() {
    check(
        Command,
        &[("t", "users")],
        &[
            ("", ""),
            ("SELECT 1", "read@1"),
            ("SELECT 1; DROP TABLE x", "read@1 drop-table@1"),
            ("SELECT 1;\nDROP TABLE x", "read@1 drop-table@2"),
            ("DROP TABLE :t", "drop-table@1 unknown@1"),
            ("SELECT 1 \\g", "unknown@1"),
            (" \\dt", "unknown@1"),
            ("\\dt", "read@1"),
            ("\\dt \\! rm", "read@1"),
            ("\\! rm x", "shell@1"),
            ("\\i x.sql", "include@1"),
            ("\\echo `rm`", "shell@1"),
            ("\\copy t from x", "write@1"),
            ("\\copy t from stdin", "write@1"),
            ("COPY t FROM STDIN", "write@1"),
            ("SELECT 'abc", "unknown@1"),
            ("SELECT 1\\; SELECT 2", "unknown@1 read@1"),
        ],
    );
}
