//! Code that is given to an interpreter on the command line: which files it says that it deletes.
//!
//! Read as names, texts and signs, as all these languages have them; a call of a function that
//! deletes, with a text that stands there whole, names a path. What is computed cannot be known.

use std::ffi::OsStr;

use guard_ground::path::base_name;
use guard_shell::{Command, Stdin};

/// Functions that delete what they are given, by any name that their languages give them. With an
/// owner where the bare name means something else as well.
const DELETERS: [(&str, &str); 23] = [
    // Python: shutil, os, pathlib.
    ("", "rmtree"),
    ("os", "remove"),
    ("", "unlink"),
    // Node.js: fs, fs/promises, rimraf.
    ("", "rmSync"),
    ("fs", "rm"),
    ("fsp", "rm"),
    ("promises", "rm"),
    ("", "unlinkSync"),
    ("", "rimraf"),
    // Deno and Bun.
    ("Deno", "remove"),
    ("Deno", "removeSync"),
    // Ruby: FileUtils, File.
    ("", "rm_rf"),
    ("", "rm_r"),
    ("", "rm_f"),
    ("FileUtils", "rm"),
    ("FileUtils", "remove"),
    ("", "remove_dir"),
    ("", "remove_entry"),
    ("", "remove_entry_secure"),
    ("", "remove_file"),
    ("File", "delete"),
    // Perl: File::Path.
    ("", "remove_tree"),
    ("", "deltree"),
];

/// One piece of code.
#[derive(Clone, Debug, PartialEq, Eq)]
enum CodeToken {
    /// A name or a number.
    Name(String),
    /// A text; none where parts of it are computed or escaped.
    Text(Option<String>),
    /// Any other character.
    Sign(char),
}

/// The paths that the code on this command line says it deletes.
pub fn deletes(command: &Command) -> Vec<String> {
    let Some((code, comment)) = code(command) else {
        return Vec::new();
    };
    let tokens = tokens(&code, comment);
    let mut paths = Vec::new();
    for at in 0..tokens.len() {
        if is_deleter(&tokens, at) {
            arguments(&tokens, at, &mut paths);
        }
    }
    paths
}

/// How an interpreter takes code on its command line, by its manual page.
struct Language {
    /// Options whose value is code.
    code: &'static str,
    /// Options with another value, in the same word or the next.
    values: &'static str,
    /// Options whose other value, if there is one, stands in the same word.
    attached: &'static str,
    /// Long options whose value is code.
    long: &'static [&'static str],
    /// What begins a comment.
    comment: &'static str,
}

const PERL: Language = Language {
    code: "eE",
    values: "MmI",
    attached: "iFxCD",
    long: &[],
    comment: "#",
};
const RUBY: Language = Language {
    code: "e",
    values: "rIEC",
    attached: "iFKWx",
    long: &[],
    comment: "#",
};
const NODE: Language = Language {
    code: "ep",
    values: "rC",
    attached: "",
    long: &["--eval", "--print"],
    comment: "//",
};
const DENO: Language = Language {
    code: "",
    values: "",
    attached: "",
    long: &["eval"],
    comment: "//",
};
const PHP: Language = Language {
    code: "rBRE",
    values: "dcfzFSt",
    attached: "",
    long: &["--run"],
    comment: "//",
};
const PYTHON: Language = Language {
    code: "c",
    values: "WXm",
    attached: "",
    long: &[],
    comment: "#",
};

impl Language {
    fn of(program: &str) -> Option<&'static Self> {
        Some(match program {
            "perl" => &PERL,
            "ruby" => &RUBY,
            "node" | "bun" => &NODE,
            "deno" => &DENO,
            "php" => &PHP,
            name if name.starts_with("python") || name.starts_with("pypy") => &PYTHON,
            _ => return None,
        })
    }
}

/// The code, and what begins a comment in its language.
fn code(command: &Command) -> Option<(String, &'static str)> {
    let program = command.words.first().filter(|word| word.known)?;
    let language = Language::of(&base_name(&program.text))?;
    let comment = language.comment;
    let mut words = command.words.iter().skip(1);
    while let Some(word) = words.next() {
        let text = word.text.to_str()?;
        if language.long.contains(&text) {
            return known(words.next()).map(|code| (code, comment));
        }
        if let Some((option, code)) = text.split_once('=')
            && language.long.contains(&option)
        {
            return Some((code.to_owned(), comment));
        }
        if text.starts_with("--") {
            continue;
        }
        // Anything else is a script, which no one here has read.
        let cluster = text.strip_prefix('-')?;
        if cluster.is_empty() {
            break;
        }
        let telling = |letter: char| {
            [language.code, language.values, language.attached]
                .iter()
                .any(|letters| letters.contains(letter))
        };
        let Some((at, letter)) = cluster.char_indices().find(|(_, one)| telling(*one)) else {
            continue;
        };
        let rest = cluster.get(at + letter.len_utf8()..).unwrap_or_default();
        if language.code.contains(letter) {
            let follows = rest.chars().all(|letter| language.code.contains(letter));
            let code = if follows {
                known(words.next())
            } else {
                Some(rest.to_owned())
            };
            return code.map(|code| (code, comment));
        }
        if rest.is_empty() && language.values.contains(letter) {
            words.next();
        }
    }
    match &command.stdin {
        Stdin::Text(word) if word.known => Some((word.text.to_str()?.to_owned(), comment)),
        _ => None,
    }
}

fn known(word: Option<&guard_shell::ShellWord>) -> Option<String> {
    let word = word.filter(|word| word.known)?;
    OsStr::to_str(&word.text).map(ToOwned::to_owned)
}

fn is_deleter(tokens: &[CodeToken], at: usize) -> bool {
    let Some(CodeToken::Name(name)) = tokens.get(at) else {
        return false;
    };
    let owner = at.checked_sub(2).and_then(|before| {
        let is_dot = matches!(tokens.get(before + 1), Some(CodeToken::Sign('.' | ':')));
        match tokens.get(before) {
            Some(CodeToken::Name(owner)) if is_dot => Some(owner.as_str()),
            _ => None,
        }
    });
    DELETERS
        .iter()
        .any(|(whose, deleter)| name == deleter && (whose.is_empty() || owner == Some(whose)))
}

/// The texts that a call at `at` is given, or that stand before it: `Path("x").unlink()`.
fn arguments(tokens: &[CodeToken], at: usize, paths: &mut Vec<String>) {
    let before = at.checked_sub(5).and_then(|from| tokens.get(from..at));
    if let Some(
        [
            CodeToken::Name(class),
            CodeToken::Sign('('),
            CodeToken::Text(Some(path)),
            CodeToken::Sign(')'),
            CodeToken::Sign('.'),
        ],
    ) = before
        && class == "Path"
    {
        paths.push(path.clone());
        return;
    }
    let mut next = at + 1;
    while let Some(CodeToken::Sign('(' | '[')) = tokens.get(next) {
        next += 1;
    }
    while let Some(CodeToken::Text(text)) = tokens.get(next) {
        // With anything but an end after it, it is a part of something computed.
        let ends = matches!(
            tokens.get(next + 1),
            None | Some(CodeToken::Sign(')' | ']' | ',' | ';' | '}') | CodeToken::Name(_))
        );
        if let (Some(path), true) = (text, ends) {
            paths.push(path.clone());
        }
        if tokens.get(next + 1) != Some(&CodeToken::Sign(',')) {
            break;
        }
        next += 2;
    }
}

fn tokens(code: &str, comment: &str) -> Vec<CodeToken> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with(comment) {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if matches!(first, '"' | '\'' | '`') {
            // Python's `f"…"` computes, and `r"…"` does not escape; both are rare in paths.
            let is_formatted =
                matches!(tokens.last(), Some(CodeToken::Name(prefix)) if prefix == "f");
            if matches!(tokens.last(), Some(CodeToken::Name(prefix)) if prefix.len() <= 2 && code_touches(code, rest))
            {
                tokens.pop();
            }
            let (text, after) = quoted(rest, first);
            tokens.push(CodeToken::Text(text.filter(|_| !is_formatted)));
            rest = after;
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest
                .find(|one: char| !one.is_alphanumeric() && one != '_')
                .unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            tokens.push(CodeToken::Name(name.to_owned()));
            rest = after;
        } else {
            if !first.is_whitespace() {
                tokens.push(CodeToken::Sign(first));
            }
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    tokens
}

/// Whether a name stands right before `rest`, without a blank between.
fn code_touches(code: &str, rest: &str) -> bool {
    let before = code.len() - rest.len();
    code.get(..before)
        .and_then(|text| text.chars().next_back())
        .is_some_and(char::is_alphanumeric)
}

/// A quoted text at the beginning of `rest`, and what follows it.
fn quoted(rest: &str, quote: char) -> (Option<String>, &str) {
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    let single = quote.to_string();
    let mark = if rest.starts_with(&triple) && quote != '`' {
        triple.as_str()
    } else {
        single.as_str()
    };
    let inner = rest.get(mark.len()..).unwrap_or_default();
    let mut at = 0;
    let mut plain = true;
    while let Some(here) = inner.get(at..) {
        if here.is_empty() || here.starts_with(mark) {
            let text = inner.get(..at).unwrap_or_default();
            // Double quotes and backquotes compute in some of the languages.
            let computes =
                quote != '\'' && text.contains(['$', '#']) || quote == '`' && text.contains("${");
            let after = here.get(mark.len()..).unwrap_or_default();
            return (
                (plain && !computes && !here.is_empty()).then(|| text.to_owned()),
                after,
            );
        }
        let escapes = here.starts_with('\\');
        plain &= !escapes;
        let skip = here.chars().take(1 + usize::from(escapes));
        at += skip.map(char::len_utf8).sum::<usize>();
    }
    (None, "")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn what_the_code_deletes() {
        for (line, paths) in [
            (
                r#"python3 -c 'import shutil; shutil.rmtree("../shared")'"#,
                &["../shared"][..],
            ),
            (
                r#"python3.12 -Bc "from shutil import rmtree as r; import os; os.remove('x')""#,
                &["x"],
            ),
            (
                r#"python -c 'import shutil as s; s.rmtree("a", ignore_errors=True)'"#,
                &["a"],
            ),
            (
                r#"python -c 'from pathlib import Path; Path("/etc/x").unlink()'"#,
                &["/etc/x"],
            ),
            (
                r#"python -c 'l = [1]; l.remove("a"); print("rmtree")'"#,
                &[],
            ),
            (
                r"python -c 'import shutil, sys; shutil.rmtree(sys.argv[1])' x",
                &[],
            ),
            (r#"python -c 'import shutil; shutil.rmtree("a" + b)'"#, &[]),
            (r#"python -c 'import shutil; shutil.rmtree(f"{a}")'"#, &[]),
            (r#"python -c 'import shutil; shutil.rmtree(r"a")'"#, &["a"]),
            (r#"python -c '# shutil.rmtree("a")'"#, &[]),
            (
                "python3 - <<'E'\nimport shutil\nshutil.rmtree('''b''')\nE",
                &["b"],
            ),
            (r#"python3 script.py -c 'import os; os.remove("x")'"#, &[]),
            (
                r#"node -e 'require("fs").rmSync("../a", {recursive: true})'"#,
                &["../a"],
            ),
            (r#"node --eval='fs.rm("a", () => {})'"#, &["a"]),
            (r"node -pe 'fs.unlinkSync(`b`)'", &["b"]),
            (r"node -e 'fs.rmSync(`${a}`)'", &[]),
            (r#"perl -e 'unlink "a", "b"'"#, &["a", "b"]),
            (r#"perl -MFile::Path -e 'remove_tree("c")'"#, &["c"]),
            (r#"perl -e 'unlink "$x"'"#, &[]),
            (r#"ruby -e 'FileUtils.rm_rf("d")'"#, &["d"]),
            (r#"ruby -e 'FileUtils.rm_rf ["d", "e"]'"#, &["d", "e"]),
            (r#"ruby -rfileutils -e 'FileUtils.rm_rf("g")'"#, &["g"]),
            (r#"perl -ne 'unlink "h"' names"#, &["h"]),
            (r#"php -d x=1 -r 'unlink("f");'"#, &["f"]),
            (r#"deno eval 'Deno.removeSync("i")'"#, &["i"]),
            ("echo rmtree", &[]),
        ] {
            let script = guard_shell::read(line, &guard_shell::Known::default());
            assert_eq!(script.problem, None, "{line}");
            assert_eq!(deletes(&script.commands[0]), paths, "{line}");
        }
    }
}
