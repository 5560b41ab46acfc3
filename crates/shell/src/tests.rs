#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Command, Directory, Known, RedirectKind, Script, ShellWord, Stdin, read, read_argv};

fn known() -> Known<'static> {
    Known {
        home: Some(Path::new("/home/u")),
        directory: Some(Path::new("/work")),
    }
}

/// `?` before an unknown word, `??` when it splits, `*` before a pattern.
fn word(word: &ShellWord) -> String {
    let mark = match (word.known, word.splits) {
        (true, false) => "",
        (false, false) => "?",
        (false, true) => "??",
        (true, true) => "!",
    };
    match &word.glob {
        Some(glob) => format!("{mark}*{}", glob.to_string_lossy()),
        None => format!("{mark}{}", word.text.to_string_lossy()),
    }
}

/// `via> NAME=value … word|word <input >output @directory` and flags.
fn show(command: &Command) -> String {
    let mut line = String::new();
    for via in &command.via {
        let _ = write!(line, "{via}> ");
    }
    for assignment in &command.assignments {
        let _ = write!(line, "{}={} ", assignment.name, word(&assignment.value));
    }
    let words: Vec<String> = command.words.iter().map(word).collect();
    line += &words.join("|");
    match &command.stdin {
        Stdin::Inherited => {}
        Stdin::Pipe => line += " <|",
        Stdin::Text(text) => {
            let _ = write!(line, " <<{:?}", word(text));
        }
        Stdin::File(file) => {
            let _ = write!(line, " <{}", word(file));
        }
        Stdin::Closed => line += " <-",
    }
    for redirect in &command.redirects {
        let sign = match redirect.kind {
            RedirectKind::Read => continue,
            RedirectKind::Write => ">",
            RedirectKind::Append => ">>",
            RedirectKind::ReadWrite => "<>",
            RedirectKind::Duplicate => ">&",
        };
        let number = redirect.descriptor.map(|d| d.to_string());
        let target = word(&redirect.target);
        let _ = write!(line, " {}{sign}{target}", number.unwrap_or_default());
    }
    match &command.directory {
        Directory::Known(path) if path.as_os_str().is_empty() => {}
        Directory::Known(path) => {
            let _ = write!(line, " @{}", path.display());
        }
        Directory::Unknown => line += " @?",
    }
    for (flag, text) in [
        (command.remote, " remote"),
        (command.more_operands, " +"),
        (command.uncertain, " uncertain"),
    ] {
        if flag {
            line += text;
        }
    }
    line
}

fn shown(script: &Script) -> String {
    let mut lines: Vec<String> = script.commands.iter().map(show).collect();
    if let Some(problem) = &script.problem {
        lines.push(format!("PROBLEM {problem}"));
    }
    lines.join("\n")
}

fn check(table: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (source, expected) in table {
        let found = shown(&read(source, &known()));
        if found != *expected {
            let _ = write!(
                wrong,
                "\n--- {source}\nfound:\n{found}\nexpected:\n{expected}\n"
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn words_and_quotes() {
    check(&[
        ("", ""),
        ("  \n # only a comment", ""),
        ("ls", "ls"),
        (
            "git commit -m \"fix: x\" && git push",
            "git|commit|-m|fix: x\ngit|push",
        ),
        ("\\rm x", "rm|x"),
        ("'rm' x", "rm|x"),
        ("r\"\"m x", "rm|x"),
        ("r\\\nm x", "rm|x"),
        ("echo a\\ b 'c d' \"e f\"", "echo|a b|c d|e f"),
        ("echo 'it'\\''s'", "echo|it's"),
        ("echo \"a\\\"b\\$c\\`d\\\\e\\f\"", "echo|a\"b$c`d\\e\\f"),
        (
            "echo $'a\\tb\\x41\\101\\u00e9\\'' x",
            "echo|a\tbAA\u{e9}'|x",
        ),
        ("echo $\"hi\"", "echo|hi"),
        ("echo '' \"\"", "echo||"),
        ("echo a#b #c", "echo|a#b"),
        ("echo a # it's\necho b", "echo|a\necho|b"),
        ("echo {a,b}{1..3}", "echo|a1|a2|a3|b1|b2|b3"),
        ("echo {a} {} x{,y}", "echo|{a}|{}|x|xy"),
        ("rm {'a b',c}/d", "rm|a b/d|c/d"),
        ("rm '{a,b}' \"{c,d}\" \\{e,f}", "rm|{a,b}|{c,d}|{e,f}"),
        ("rm {1..5000}", "rm|??{1..5000}"),
        ("rm *.txt a?b [ab] [ ]", "rm|**.txt|*a?b|*[ab]|[|]"),
        ("rm '*'.* \"a*\" \\*", "rm|*\\*.*|a*|*"),
        ("rm '[a'*]", "rm|*\\[a*]"),
        ("[ -f x ] && rm x", "[|-f|x|]\nrm|x"),
        (
            "rm ~ ~/x ~root/y ~u/z '~' a~ ~+/q",
            "rm|/home/u|/home/u/x|/root/y|?~u/z|~|a~|/work/q",
        ),
        ("make p=~/x a:~", "make|p=/home/u/x|a:~"),
        ("rm \"unclosed", "PROBLEM a double quote is not closed"),
        ("ls; rm 'x", "ls\nPROBLEM a single quote is not closed"),
        ("ls; )", "ls\nPROBLEM `)` is not expected there"),
        ("ls;; rm", "ls\nPROBLEM `;` is not expected there"),
        ("echo a\r\nrm b\r\n", "echo|a\r\nrm|b\r"),
    ]);
}

#[test]
fn lists_and_compounds() {
    check(&[
        ("a; b & c && d || e", "a\nb\nc\nd\ne"),
        ("a | b |& c", "a\nb <|\nc <|"),
        ("! a && ! b", "a\nb"),
        ("time -p rm x", "time> rm|x"),
        ("(a; b)", "a\nb"),
        ("{ a; b; } > f", "a\nb\n >f"),
        ("if a; then b; elif c; then d; else e; fi", "a\nb\nc\nd\ne"),
        ("while a; do b; done", "a\nb"),
        ("until a\ndo b\ndone < f", "a <f\nb <f\n <f"),
        ("for ((i=0;i<3;i++)); do rm $i; done", "rm|??$i"),
        ("select x in a b; do rm $x; done", "rm|??$x"),
        (
            "case $x in a|b) rm a;; (c) rm c;& *) rm d;; esac",
            "rm|a\nrm|c\nrm|d",
        ),
        ("case x in esac; ls", "ls"),
        ("case \"$(cmd)\" in\n'x)') a\n;;\nesac", "cmd\na"),
        ("[[ -f $x && ( $y =~ ^(a|b)$ ) ]] && rm x", "rm|x"),
        ("[[ $(cmd) < x ]]", "cmd"),
        ("(( x = 1 + $(cmd) ))", "cmd"),
        ("((a); b)", "a\nb"),
        ("f() { rm $1; }; f x", "rm|??$1\nf|x"),
        ("function f { rm x; }; f", "rm|x\nf"),
        ("function f() ( rm x )\nf", "rm|x\nf"),
        ("coproc rm x", "rm|x"),
        ("coproc N { rm x; }", "rm|x"),
        ("if a; then", "a\nPROBLEM `fi` is missing"),
        ("{ a", "a\nPROBLEM `}` is missing"),
        ("a && \n b ||\n c", "a\nb\nc"),
        ("echo if then fi", "echo|if|then|fi"),
        ("x=1 if", "x=1 if"),
        ("a() { b; } 2>/dev/null; c", "b\n 2>/dev/null\nc"),
        ("echo }; ls", "echo|}\nls"),
        ("! ( a ) | { b; }", "a\nb <|"),
        ("(cd a; (rm b); ) && rm c", "cd|a\nrm|b @a\nrm|c"),
    ]);
}

#[test]
fn expansions() {
    check(&[
        ("rm $X", "rm|??$X"),
        ("rm \"$X/a\"", "rm|?$X/a"),
        ("rm $HOME/x \"${HOME}\"/y", "rm|/home/u/x|/home/u/y"),
        ("rm $PWD/x $(pwd)/y", "pwd\nrm|/work/x|/work/y"),
        ("cd a; rm $PWD/x", "cd|a\nrm|/work/a/x @a"),
        (
            "DIR=../shared; rm -rf $DIR/x",
            "DIR=../shared \nrm|-rf|../shared/x",
        ),
        ("X='a b*'; rm $X \"$X\"", "X=a b* \nrm|a|*b*|a b*"),
        ("X=; rm $X \"$X\" a", "X= \nrm||a"),
        ("X=a; X+=b; rm $X", "X=a \nX=ab \nrm|ab"),
        ("X=a && rm $X; rm $X", "X=a \nrm|a\nrm|a"),
        ("t && X=a; rm $X", "t\nX=a \nrm|??$X"),
        ("t && X=a && rm $X", "t\nX=a \nrm|a"),
        ("t || X=a; rm $X", "t\nX=a \nrm|??$X"),
        ("X=a; if t; then X=b; fi; rm $X", "X=a \nt\nX=b \nrm|??$X"),
        ("X=a; if t; then X=a; fi; rm $X", "X=a \nt\nX=a \nrm|a"),
        ("X=a; (X=b; rm $X); rm $X", "X=a \nX=b \nrm|b\nrm|a"),
        ("X=a; X=b | t; rm $X", "X=a \nX=b \nt <|\nrm|a"),
        (
            "X=a; while t; do rm $X; X=b; done; rm $X",
            "X=a \nt\nrm|??$X\nX=b \nrm|??$X",
        ),
        ("X=a; read X; rm $X", "X=a \nread|X\nrm|??$X"),
        ("X=a; unset X; rm $X", "X=a \nunset|X\nrm|??$X"),
        ("X=a; . f; rm $X", "X=a \n.|f\nrm|??$X @?"),
        ("X=a; f() { X=b; }; f; rm $X", "X=a \nX=b \nf\nrm|??$X"),
        ("X=a; ((X++)); rm $X", "X=a \nrm|??$X"),
        (
            "X=a; : ${X:=b} ${Y:=c}; rm $X $Y",
            "X=a \n:|a|??${Y:=c}\nrm|a|??$Y",
        ),
        ("X=a; printf -v X b; rm $X", "X=a \nprintf|-v|X|b\nrm|??$X"),
        ("X=a Y=b cmd $X", "X=a Y=b cmd|??$X"),
        ("export X=a; cmd $X", "export|X=a\nX=a cmd|a"),
        ("X=a; export X; cmd", "X=a \nexport|X\nX=a cmd"),
        ("export X=$(c); cmd", "c\nexport|?X=$(c)\nX=?$X cmd"),
        (
            "X=\"a b\"; export Y=$X; rm \"$Y\"",
            "X=a b \nexport|Y=a b\nY=a b rm|a b",
        ),
        ("HOME=/x; rm ~/a", "HOME=/x \nHOME=/x rm|/x/a"),
        ("IFS=:; X=a:b; rm $X", "IFS=: \nX=a:b \nrm|??$X"),
        ("rm $(a $(b) | c)", "b\na|??$(b)\nc <|\nrm|??$(a $(b) | c)"),
        ("rm `a \\`b\\``", "b\na|??`b`\nrm|??`a \\`b\\``"),
        (
            "rm \"$(echo \"$(a)\")\"",
            "a\necho|?$(a)\nrm|?$(echo \"$(a)\")",
        ),
        ("cat <(a) >(b)", "a\nb\ncat|?<(a)|?>(b)"),
        (
            "echo $((1+2)) $(( $(a) ))",
            "a\necho|?$((1+2))|?$(( $(a) ))",
        ),
        ("echo $((a); b)", "a\nb\necho|??$((a); b)"),
        ("rm ${X:-$(a)} \"${Y#'}'}\"", "a\nrm|??${X:-$(a)}|?${Y#'}'}"),
        ("rm \"${X:-it's}\" ok", "rm|?${X:-it's}|ok"),
        (
            "X=a; XY=b; rm $X\\\nY $\\\nX ~\\\n/q ~:a",
            "X=a \nXY=b \nrm|b|??$X|/home/u/q|?~:a",
        ),
        ("X=a; rm ${X:-b} ${X%c} ${#X}", "X=a \nrm|a|??${X%c}|?${#X}"),
        ("rm $1 \"$@\" $? $$", "rm|??$1|??$@|?$?|?$$"),
        ("rm a$", "rm|a$"),
        ("$X a", "??$X|a"),
        ("X=rm; $X a", "X=rm \nrm|a"),
        ("X='rm -rf'; $X a", "X=rm -rf \nrm|-rf|a"),
        (
            "A=(x \"$(c)\"); rm ${A[@]}",
            "c\nA=?(x \"$(c)\") \nrm|??${A[@]}",
        ),
        ("X=(a 'b)' c) cmd", "X=?(a 'b)' c) cmd"),
        (
            "set -- a 'b c'; rm \"$@\"; shift; rm \"$1\" $#",
            "set|--|a|b c\nrm|a|b c\nshift\nrm|b c|?$#",
        ),
        (
            "git commit -m \"$(cat <<'EOF'\nit's $X\n)\nEOF\n)\"; ls",
            "cat <<\"it's $X\\n)\\n\"\ngit|commit|-m|?$(cat <<'EOF'\nit's $X\n)\nEOF\n)\nls",
        ),
    ]);
}

#[test]
fn redirections() {
    check(&[
        ("a > f 2>&1", "a >f 2>&1"),
        ("a >>f 2>>g", "a >>f 2>>g"),
        ("a &> f; b &>>g; c >& h", "a >f\nb >>g\nc >h"),
        ("a >| f", "a >f"),
        ("> f", " >f"),
        ("a 2>&-", "a 2>&-"),
        ("a <&-", "a <- >&-"),
        ("a < f", "a <f"),
        ("a <> f", "a <f <>f"),
        ("a 10> f x2>g", "a|x2 10>f >g"),
        ("a {fd}>f", "a >f"),
        ("a > $X", "a >?$X"),
        ("a > *.x", "a >**.x"),
        ("a <<< \"b $HOME\"", "a <<\"b /home/u\\n\""),
        (
            "cat <<EOF\na $HOME $X\nEOF\nls",
            "cat <<\"?a /home/u $X\\n\"\nls",
        ),
        ("cat <<'EOF'\n$(rm x)\nEOF", "cat <<\"$(rm x)\\n\""),
        ("cat <<EOF\n$(rm x)\nEOF", "rm|x\ncat <<\"?$(rm x)\\n\""),
        ("cat <<-E\n\ta\n\tE\nls", "cat <<\"a\\n\"\nls"),
        (
            "cat <<A <<B; ls\na\nA\nb\nB\nrm x",
            "cat <<\"b\\n\"\nls\nrm|x",
        ),
        ("cat <<E | sh\nrm x\nE\n", "cat <<\"rm x\\n\"\nsh <|"),
        (
            "cat <<E && echo \"a\nb\"\nbody\nE\nls",
            "cat <<\"body\\n\"\necho|a\nb\nls",
        ),
        (
            "bash <<'E'\nrm $X\ncd a; rm b\nE\nls",
            "bash> rm|??$X\nbash> cd|a\nbash> rm|b @a\nls",
        ),
        ("bash -s x <<< 'rm $1'", "bash> rm|x"),
        (
            "cat <<E | while read x; do rm $x; done\nbody\nE\nls",
            "cat <<\"body\\n\"\nread|x <|\nrm|??$x <|\nls",
        ),
        ("cat <<E", "cat <<\"\""),
        ("a >", "PROBLEM a redirection has no target"),
        ("> f rm x", "rm|x >f"),
    ]);
}

#[test]
fn directories() {
    check(&[
        ("cd a; rm x", "cd|a\nrm|x @a"),
        ("cd a && rm x; rm y", "cd|a\nrm|x @a\nrm|y @a"),
        ("cd a/b && cd .. && rm x", "cd|a/b\ncd|.. @a/b\nrm|x @a"),
        ("cd ..; cd ..; rm x", "cd|..\ncd|.. @..\nrm|x @../.."),
        ("cd /tmp; cd x; rm y", "cd|/tmp\ncd|x @/tmp\nrm|y @/tmp/x"),
        ("cd; rm x", "cd\nrm|x @/home/u"),
        ("cd ~/a; rm x", "cd|/home/u/a\nrm|x @/home/u/a"),
        ("cd -; rm x", "cd|-\nrm|x @?"),
        (
            "cd $X; rm x; cd /; rm y",
            "cd|??$X\nrm|x @?\ncd|/ @?\nrm|y @/",
        ),
        ("cd -P a/..; rm x", "cd|-P|a/..\nrm|x @a/.."),
        ("(cd a; rm x); rm y", "cd|a\nrm|x @a\nrm|y"),
        ("cd a | rm x; rm y", "cd|a\nrm|x <|\nrm|y"),
        ("cd a & rm y", "cd|a\nrm|y"),
        ("cd a || exit 1; rm x", "cd|a\nexit|1\nrm|x @a"),
        (
            "cd a || { echo no; exit 1; }; rm x",
            "cd|a\necho|no\nexit|1\nrm|x @a",
        ),
        ("cd a || rm x; rm y", "cd|a\nrm|x\nrm|y @?"),
        ("t || cd a; rm x", "t\ncd|a\nrm|x @?"),
        (
            "if t; then cd a; rm x; fi; rm y",
            "t\ncd|a\nrm|x @a\nrm|y @?",
        ),
        ("if t; then ls; fi; rm y", "t\nls\nrm|y"),
        ("while t; do cd a; done; rm y", "t @?\ncd|a @?\nrm|y @?"),
        (
            "for d in *; do (cd \"$d\" && rm x); done; rm y",
            "cd|?$d\nrm|x @?\nrm|y",
        ),
        (
            "pushd a; rm x; popd; rm y",
            "pushd|a\nrm|x @a\npopd @a\nrm|y @?",
        ),
        ("command cd a; rm x", "command> cd|a\nrm|x @a"),
        ("env cd a; rm x", "env> cd|a\nrm|x"),
        ("f() { cd a; }; f; rm x", "cd|a @?\nf\nrm|x @?"),
        ("rm $(cd a; pwd) x", "cd|a\npwd @a\nrm|??$(cd a; pwd)|x"),
        ("eval cd a; rm x", "eval> cd|a\nrm|x @a"),
        ("eval \"$X\"; rm x", "eval> ??$X\nrm|x @?"),
        (
            "bash -c 'cd a; rm x'; rm y",
            "bash -c> cd|a\nbash -c> rm|x @a\nrm|y",
        ),
        (
            "cd a; bash -c 'cd b; rm x'",
            "cd|a\nbash -c> cd|b @a\nbash -c> rm|x @a/b",
        ),
    ]);
}

#[test]
fn loops_over_words() {
    check(&[
        (
            "for f in a 'b c'; do rm $f \"$f\"; done",
            "rm|a|a\nrm|b|c|b c",
        ),
        (
            "for f in a b; do X=$f; rm $X; done; rm $X $f",
            "X=a \nrm|a\nX=b \nrm|b\nrm|??$X|??$f",
        ),
        ("for f in *.c; do rm \"$f\"; done", "rm|?$f"),
        ("for f in $(ls); do rm $f; done", "ls\nrm|??$f"),
        ("for f in {1..3}; do rm $f; done", "rm|1\nrm|2\nrm|3"),
        ("for f in {1..65}; do rm $f; done", "rm|??$f"),
        (
            "for a in x y; do for b in 1 2; do rm $a$b; done; done",
            "rm|x1\nrm|x2\nrm|y1\nrm|y2",
        ),
        (
            "X=a; for f in 1 2; do t && continue; rm $X; X=b; done",
            "X=a \nt\ncontinue\nrm|??$X\nX=b \nt\ncontinue\nrm|??$X\nX=b ",
        ),
        (
            "for d in a b; do cd $d; rm x; cd ..; done; rm y",
            "cd|a\nrm|x @a\ncd|.. @a\ncd|b\nrm|x @b\ncd|.. @b\nrm|y @?",
        ),
        (
            "for f in a b\ndo cat <<E\n$f\nE\ndone",
            "cat <<\"a\\n\"\ncat <<\"b\\n\"",
        ),
        ("for f; do rm $f; done", "rm|??$f"),
        (
            "bash -c 'for f; do rm $f; done' _ a b",
            "bash -c> rm|a\nbash -c> rm|b",
        ),
        ("for f in a b; { rm $f; }", "rm|a\nrm|b"),
    ]);
}

#[test]
fn shells_and_strings() {
    check(&[
        ("bash -c 'rm x; ls'", "bash -c> rm|x\nbash -c> ls"),
        ("bash -lc 'rm x'", "bash -c> rm|x"),
        ("sh -ec 'rm x'", "sh -c> rm|x"),
        ("bash -o pipefail -c 'rm x'", "bash -c> rm|x"),
        ("bash -euo pipefail -c 'rm x'", "bash -c> rm|x"),
        ("bash --norc --rcfile f -c 'rm x'", "bash -c> rm|x"),
        ("/bin/bash -O extglob -c -- 'rm x'", "bash -c> rm|x"),
        (
            "zsh -c 'rm x'; dash -c 'rm y'; fish -c 'rm z'",
            "zsh -c> rm|x\ndash -c> rm|y\nfish -c> rm|z",
        ),
        ("bash -c 'rm \"$@\"' _ a 'b c'", "bash -c> rm|a|b c"),
        (
            "bash -c 'rm $1 \"$2\" $0 $3' z a 'b c'",
            "bash -c> rm|a|b c|z",
        ),
        (
            "bash -c 'rm $*; rm \"$*\"' _ a b",
            "bash -c> rm|a|b\nbash -c> rm|a b",
        ),
        ("bash -c 'rm \"$1\"' _ \"$X\"", "bash -c> rm|?$X"),
        ("bash -c \"rm $X/a\"", "bash -c> rm|??$X/a"),
        ("bash -c \"rm '$X/a' b\"", "bash -c> rm|?$X/a|b"),
        ("bash -c \"X=a; rm $X\"", "bash -c> X=a \nbash -c> rm|??$X"),
        ("X=a bash -c 'rm $X'", "bash -c> X=a rm|a"),
        ("X=a; bash -c 'rm $X'", "X=a \nbash -c> rm|??$X"),
        (
            "export X=a; bash -c 'rm $X'",
            "export|X=a\nbash -c> X=a rm|a",
        ),
        ("bash -c \"$X\"", "bash -c> ??$X"),
        (
            "bash -c 'rm \"x'; ls",
            "ls\nPROBLEM a double quote is not closed",
        ),
        (
            "bash -c 'bash -c \"rm \\$1\" _ a'",
            "bash -c> bash -c> rm|a",
        ),
        ("bash script.sh -c x", "bash|script.sh|-c|x"),
        ("bash", "bash"),
        ("bash $X", "bash|??$X uncertain"),
        ("bash -c 'ls' > f", " >f\nbash -c> ls"),
        ("eval rm x '&&' ls", "eval> rm|x\neval> ls"),
        ("eval 'X=a'; rm $X", "eval> X=a \nrm|a"),
        ("X='rm a'; eval \"$X b\"", "X=rm a \neval> rm|a|b"),
        (
            "su -c 'rm x' u; su - u -c 'rm y'",
            "su -c> rm|x\nsu -c> rm|y @?",
        ),
        (
            "runuser -u u -- rm x; runuser -l u -c 'rm y'",
            "runuser> rm|x\nrunuser -c> rm|y @?",
        ),
        ("script -qec 'rm x' /dev/null", "script -c> rm|x"),
        ("script -q /dev/null rm x", "script> rm|x"),
        ("script -q f -c 'rm x'", "script -c> rm|x"),
        (
            "flock /l rm x; flock -n /l -c 'rm y'",
            "flock> rm|x\nflock -c> rm|y",
        ),
        ("watch -n 5 rm x '&&' ls", "watch> rm|x\nwatch> ls"),
        ("watch -x rm x", "watch> rm|x"),
        ("trap 'rm x' EXIT INT; ls", "trap> rm|x\nls"),
        ("trap - EXIT; trap", "trap|-|EXIT\ntrap"),
        (
            "ls | entr -r rm /_; ls | entr -s 'rm x; ls'",
            "ls\nentr> rm|?/_ <|\nls\nentr -s> rm|x <|\nentr -s> ls <|",
        ),
        ("ssh h rm -rf x", "ssh h> rm|-rf|x @? remote"),
        (
            "ssh -p 22 u@h -t 'cd /a && rm x'",
            "ssh u@h> cd|/a @? remote\nssh u@h> rm|x @/a remote",
        ),
        ("ssh h <<E\nrm x\nE", "ssh h> rm|x @? remote"),
        ("ssh h", "ssh|h"),
        (
            "ssh h rm ~/x \"\\$HOME\"",
            "ssh h> rm|/home/u/x|??$HOME @? remote",
        ),
        (
            "nix-shell -p x --run 'rm a'; nix develop . -c rm b",
            "nix-shell --run> rm|a\nnix develop> rm|b",
        ),
        (
            "npx -y rimraf x; npx -c 'rm y'",
            "npx> rimraf|x\nnpx -c> rm|y",
        ),
    ]);
}

#[test]
fn wrappers() {
    check(&[
        ("sudo rm x", "sudo> rm|x"),
        ("sudo -u u -n -- rm x", "sudo> rm|x"),
        ("sudo -nu root A=b rm x", "sudo> A=b rm|x"),
        ("sudo --user=u --chdir /d rm x", "sudo> rm|x @/d"),
        ("sudo -D /d rm x", "sudo> rm|x @/d"),
        (
            "sudo -s rm x; sudo -i rm y; sudo -i",
            "sudo> rm|x\nsudo> rm|y @?\nsudo|-i",
        ),
        ("sudo -l; sudo -e f; sudo -v", "sudo|-l\nsudo|-e|f\nsudo|-v"),
        ("sudo --nonesuch rm x", "sudo|--nonesuch|rm|x uncertain"),
        ("sudo $O rm x", "sudo|??$O|rm|x uncertain"),
        (
            "sudo bash -c 'rm ~/x $HOME'",
            "sudo> bash -c> rm|?~/x|??$HOME",
        ),
        ("X=a sudo bash -c 'rm $X'", "sudo> bash -c> rm|??$X"),
        (
            "/usr/bin/sudo env A=b nohup nice -n 5 timeout 5s rm x",
            "sudo> env> nohup> nice> timeout> A=b rm|x",
        ),
        ("doas -u u rm x; pkexec rm y", "doas> rm|x\npkexec> rm|y @?"),
        ("env -i A=b C=d rm x", "env> A=b C=d rm|x"),
        ("A=1 env -u A B=2 rm x", "env> B=2 rm|x"),
        ("env - rm x; env; env A=b", "env> rm|x\nenv\nA=b env|A=b"),
        (
            "env -C /d rm x; env --chdir=e rm y",
            "env> rm|x @/d\nenv> rm|y @e",
        ),
        ("env -S 'A=b rm -rf' x", "env> A=b rm|-rf|x"),
        (
            "nice rm x; nice -10 rm y; nice -n10 rm z",
            "nice> rm|x\nnice> rm|y\nnice> rm|z",
        ),
        ("ionice -c3 rm x; ionice -p 5", "ionice> rm|x\nionice|-p|5"),
        (
            "timeout -k 5 --signal=KILL 10 rm x; timeout $T rm y",
            "timeout> rm|x\ntimeout|??$T|rm|y uncertain",
        ),
        (
            "stdbuf -oL rm x; setsid -w rm y",
            "stdbuf> rm|x\nsetsid> rm|y",
        ),
        (
            "/usr/bin/time -f %e -o out rm x; \\time rm y",
            "time> rm|x\ntime> rm|y",
        ),
        (
            "command rm x; command -v rm; builtin cd a; exec -a n rm y",
            "command> rm|x\ncommand|-v|rm\nbuiltin> cd|a\nexec> rm|y @a",
        ),
        ("exec > log; rm x", "exec >log\nrm|x"),
        (
            "chroot /r rm x; unshare -n rm y; nsenter -t 1 -m rm z",
            "chroot> rm|x @?\nunshare> rm|y\nnsenter> rm|z @?",
        ),
        (
            "strace -f -o out rm x; ltrace rm y; strace -p 5",
            "strace> rm|x\nltrace> rm|y\nstrace|-p|5",
        ),
        (
            "caffeinate -i rm x; chronic rm y; fakeroot -- rm z",
            "caffeinate> rm|x\nchronic> rm|y\nfakeroot> rm|z",
        ),
        (
            "busybox rm x; toybox rm y; busybox --list",
            "busybox> rm|x\ntoybox> rm|y\nbusybox|--list",
        ),
    ]);
}

#[test]
fn wrappers_that_fill_in() {
    check(&[
        ("ls | xargs rm -f", "ls\nxargs> rm|-f </dev/null +"),
        (
            "xargs -0 -n 1 -P4 --max-args=2 rm < f",
            "xargs> rm </dev/null +",
        ),
        ("xargs -I{} rm a/{} b", "xargs> rm|?a/{}|b </dev/null +"),
        (
            "xargs -I % sh -c 'rm %; ls'",
            "xargs> sh -c> rm|??% </dev/null +\nxargs> sh -c> ls </dev/null",
        ),
        (
            "xargs sh -c 'rm \"$@\"' _ a",
            "xargs> sh -c> rm|a|??$@ </dev/null +",
        ),
        ("xargs", "xargs> echo </dev/null +"),
        ("xargs sudo rm", "xargs> sudo> rm </dev/null +"),
        (
            "find . -name '*.o' -exec rm -f {} \\;",
            "find -exec> rm|-f|?{} +",
        ),
        (
            "find . -exec rm {} + -execdir ls {} ';'",
            "find -exec> rm|??{} +\nfind -execdir> ls|?{} @? +",
        ),
        (
            "find . -exec sh -c 'rm \"$1\"' _ {} \\;",
            "find -exec> sh -c> rm|?{} +",
        ),
        (
            "find . -exec sh -c 'rm {}' \\;",
            "find -exec> sh -c> rm|??{} +",
        ),
        (
            "find . -exec bash -c 'X={}; rm $X' \\;",
            "find -exec> bash -c> X=??{}  +\nfind -exec> bash -c> rm|??$X",
        ),
        ("find . -delete", "find|.|-delete"),
        ("find . -name x", "find|.|-name|x"),
        ("parallel rm ::: a b", "parallel> rm +"),
        (
            "parallel -j4 'rm {}; ls' ::: a",
            "parallel> rm|??{} +\nparallel> ls +",
        ),
        (
            "parallel ::: 'rm a' 'rm b'",
            "parallel> rm|a\nparallel> rm|b",
        ),
        ("docker exec -it c rm x", "docker exec> rm|x @? remote"),
        (
            "docker run --rm -v /a:/b -e X=y img sh -c 'rm x'",
            "docker run> sh -c> rm|x @? remote",
        ),
        (
            "docker --context c container exec c rm x; docker ps",
            "docker exec> rm|x @? remote\ndocker|ps",
        ),
        (
            "docker compose -f f exec -T s rm x",
            "docker exec> rm|x @? remote",
        ),
        (
            "podman run img; podman run --unheard img rm x",
            "podman|run|img\npodman|run|--unheard|img|rm|x uncertain",
        ),
        (
            "npx rimraf x; bundle exec rake; poetry run rm x; pipenv run rm y",
            "npx> rimraf|x\nbundle> rake\npoetry> rm|x\npipenv> rm|y",
        ),
        (
            "mise exec node@20 -- rm x; mise x -c 'rm y'; mise use z",
            "mise> rm|x\nmise> rm|y\nmise|use|z",
        ),
        (
            "direnv exec . rm x; uv run --directory d --with a rm y; uv sync",
            "direnv> rm|x\nuv> rm|y @d\nuv|sync",
        ),
        (
            "dotenv -f .env run -- rm x; dotenv -e .env -- rm y",
            "dotenv> rm|x\ndotenv> rm|y",
        ),
        (
            "doppler run -p x -- rm x; op run -- rm y; aws-vault exec p -- rm z",
            "doppler> rm|x\nop> rm|y\naws-vault> rm|z",
        ),
        (
            "doppler run --command 'rm x; ls'",
            "doppler> rm|x\ndoppler> ls",
        ),
        ("sudo", "sudo"),
        ("sudo --help", "sudo|--help"),
        ("git() { ls; }; git x", "ls\ngit|x"),
    ]);
}

#[test]
fn notes() {
    for (source, expected) in [
        ("rm $X", "what $X holds cannot be known here"),
        ("rm $(ls)", "what $(ls) prints cannot be known here"),
        (
            "$X a",
            "what $X holds cannot be known here; which command this runs cannot be known",
        ),
        (
            "find . -delete",
            "find -delete removes files itself; guard does not cover it",
        ),
        (
            "sudo --nonesuch x",
            "guard cannot tell which command sudo runs",
        ),
        (
            "make x",
            "what the file runs cannot be seen here, but its commands meet the shims",
        ),
        (
            "bash f",
            "what the script runs cannot be seen here, but its commands meet the shims",
        ),
        ("python3 -c 'x'", "code given inline cannot be read"),
        ("perl -ne 'x'; ", "code given inline cannot be read"),
        ("trap 'rm x' EXIT", "runs when the shell gets EXIT"),
        ("rm x", ""),
    ] {
        let script = read(source, &known());
        assert_eq!(
            script.commands.last().unwrap().notes.join("; "),
            expected,
            "{source}"
        );
    }
    let script = read("test -d a && cd a; rm x", &known());
    assert_eq!(
        script.commands.last().unwrap().notes,
        ["the directory is right only if the commands before its `cd` succeeded"]
    );
}

#[test]
fn argv() {
    let words = |line: &str| line.split('|').map(ShellWord::literal).collect::<Vec<_>>();
    for (line, expected) in [
        ("rm|*|$X|~", "rm|*|$X|~"),
        ("sudo|rm|a b;c", "sudo> rm|a b;c"),
        ("bash|-c|rm \"$1\" *|_|a b", "bash -c> rm|a b|**"),
        ("eval|rm x", "eval> rm|x"),
        ("cd|a", "cd|a"),
        (
            "bash|-c|f() { rm x; }; cd a; f",
            "bash -c> rm|x @?\nbash -c> cd|a\nbash -c> f @a",
        ),
    ] {
        assert_eq!(shown(&read_argv(words(line), &known())), expected, "{line}");
    }
    assert_eq!(shown(&read_argv(Vec::new(), &known())), "");
}

/// Every input here is made to cost as much as it can.
#[test]
fn limits() {
    let many = |part: &str, count: usize| part.repeat(count);
    let loops = "for i in {1..64}; do ";
    let inputs = [
        many("(", 1_000_000),
        many("{ ", 500_000),
        many("$(", 10_000),
        many("\"$(", 10_000),
        many("`", 100_001),
        many("${X:-", 100_000),
        many("$((", 100_000),
        many("((", 100_000),
        many("<(", 100_000),
        many("if ", 100_000),
        many("while ", 100_000),
        many("f() ", 100_000),
        many("case x in a) ", 50_000),
        many("! ", 100_000),
        many("time ", 100_000),
        many("{", 1_000_000),
        format!("echo {}", many("{a,", 300_000)),
        format!("echo {}", many("{a,b}", 200_000)),
        many("{a,b}{c,d}{e,f}{g,h}{1..9} ", 38_000),
        many("cat <<a ", 120_000),
        many("sudo ", 200_000),
        many("eval ", 200_000),
        many("find -exec ", 90_000),
        many("a=a;", 250_000),
        many("(a=b);", 150_000),
        many("a;", 500_000),
        many("a&&", 300_000),
        many("a|", 500_000),
        many("a||", 300_000),
        many("a ", 500_000),
        format!("X={}; {}", many("x", 60_000), many("$X ", 300_000)),
        format!("X=a;{}echo $X", many("X=$X$X;", 100_000)),
        format!("{}:{}", many(loops, 30), many("; done", 30)),
        format!("{}:{}", many("while a; do ", 60), many("; done", 60)),
        format!("{}{}", many("export A=1 B=2;", 100), many("cmd;", 200_000)),
        (0..2000).fold(String::new(), |all, n| all + &format!("export V{n}=1;"))
            + &many("a;", 90_000),
        many("~:", 500_000),
        format!("a={}", many(":~", 500_000)),
        many("[[ ( ", 100_000),
        many("a[", 500_000),
        many("'\\''", 250_000),
        many("bash -c \"", 100_000),
        many("xargs -I{} ", 90_000),
        many("x", 1_048_577),
        many("trap 'a' EXIT;", 70_000),
        many("f(){ a; };f;", 80_000),
    ];
    for input in inputs {
        let start = Instant::now();
        let script = read(&input, &known());
        let took = start.elapsed();
        let head: String = input.chars().take(40).collect();
        assert!(script.commands.len() <= 100_000, "{head}");
        // Debug builds on a shared machine; release takes a tenth of this.
        assert!(took < Duration::from_secs(10), "{head}: {took:?}");
        if took > Duration::from_millis(500) {
            println!("{head}: {took:?} {:?}", script.problem);
        }
    }
    let deep = read(&many("(", 100), &known());
    assert_eq!(
        deep.problem.as_deref(),
        Some("the text nests deeper than 64 levels")
    );
    let long = read(&many("x", 1_048_577), &known());
    assert_eq!(
        long.problem.as_deref(),
        Some("the text is longer than 1 MiB")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn never_panics(source in ".*") {
        let _ = read(&source, &Known::default());
    }

    #[test]
    fn never_panics_on_soup(parts in prop::collection::vec(prop::sample::select(vec![
        "a", " ", "\n", ";", "&", "|", "(", ")", "{", "}", "<", ">", "'", "\"", "`", "$", "\\",
        "#", "*", "?", "[", "]", "~", "!", "=", "X=", "$X", "${X", ":-", "$(", "$((", "))", "<<E\n",
        "E\n", "<<<", "if ", "then ", "fi ", "for x in ", "do ", "done ", "while ", "case x in ",
        "esac ", ";;", "[[ ", " ]]", "f()", "function ", "coproc ", "{a,b}", "{1..3}", "sudo ",
        "env ", "bash -c ", "eval ", "xargs -I{} ", "find -exec ", "{} ", "\\;", "cd ", "-", "--",
        "ssh h ", "time ", "trap ", "shift;", "set -- ", "\"$@\"", "$'", "é", "parallel ", "2>", "$1",
    ]), 0..60)) {
        let _ = read(&parts.concat(), &known());
    }

    #[test]
    fn single_quotes_give_words_back(words in prop::collection::vec("[^\u{0}]*", 1..8)) {
        let quote = |word: &String| format!("'{}'", word.replace('\'', "'\\''"));
        let line = words.iter().map(quote).collect::<Vec<_>>().join(" ");
        let script = read(&format!(": {line}"), &known());
        prop_assert_eq!(script.problem, None);
        let expected: Vec<ShellWord> = [":".to_owned()].into_iter().chain(words).map(ShellWord::literal).collect();
        prop_assert_eq!(&script.commands[0].words, &expected);
    }

    #[test]
    fn globs_never_panic(pattern in "[a*?\\[\\]!^:\\\\/.é-]*") {
        let _ = super::expand_glob(pattern.as_ref(), Path::new("/proc/self/task"), 10);
    }
}
