//! Which verbs only read.

use guard_core::invocation::{Invocation, Word};

/// Verbs that change nothing whatever their options, but for `--output` (see [`only_reads`]).
const READERS: [&str; 56] = [
    "annotate",
    "blame",
    "cat-file",
    "check-attr",
    "check-ignore",
    "check-mailmap",
    "check-ref-format",
    "cherry",
    "column",
    "count-objects",
    "describe",
    "diff",
    "diff-files",
    "diff-index",
    "diff-tree",
    "fmt-merge-msg",
    "for-each-ref",
    "fsck",
    "get-tar-commit-id",
    "grep",
    "help",
    "interpret-trailers",
    "log",
    "ls-files",
    "ls-remote",
    "ls-tree",
    "mailinfo",
    "merge-base",
    "name-rev",
    "patch-id",
    "range-diff",
    "request-pull",
    "rev-list",
    "rev-parse",
    "shortlog",
    "show",
    "show-branch",
    "show-index",
    "show-ref",
    "status",
    "stripspace",
    "var",
    "verify-commit",
    "verify-pack",
    "verify-tag",
    "version",
    "whatchanged",
    "diagnose",
    "bugreport",
    "unpack-file",
    "get-url",
    "pickaxe",
    "merge-tree",
    "difftool",
    "last-modified",
    "archive",
];

/// Whether the invocation changes neither repository nor files.
pub fn only_reads(invocation: &Invocation) -> bool {
    let name = invocation.verb_name();
    if READERS.contains(&name) {
        return !invocation.has_any(&["--output", "--lost-found"]);
    }
    let second = invocation.verb.get(1).map_or("", |word| word);
    match name {
        "" => true,
        "branch" | "tag" => {
            invocation.operands.is_empty()
                && !invocation.has_any(&["-d", "-D", "-m", "-M", "-c", "-C", "-u", "-f"])
                || invocation.has("--list")
        }
        "remote" => matches!(second, "" | "show" | "get-url"),
        "stash" => matches!(second, "list" | "show"),
        "reflog" => matches!(second, "" | "show" | "list" | "exists"),
        "worktree" => second == "list",
        "notes" => matches!(second, "" | "list" | "show"),
        "submodule" => matches!(second, "" | "status" | "summary"),
        "bundle" => matches!(second, "verify" | "list-heads"),
        "bisect" => matches!(second, "log" | "view" | "visualize" | "terms"),
        "config" => {
            reads_one_key(invocation)
                || invocation.has_any(&[
                    "--get",
                    "--get-all",
                    "--get-regexp",
                    "--get-urlmatch",
                    "--list",
                ])
                || matches!(
                    invocation.operands.first().map(Word::bytes),
                    Some(b"get" | b"list")
                )
        }
        "sparse-checkout" => second == "list" || first_is(invocation, b"list"),
        "rerere" => {
            matches!(second, "status" | "diff" | "remaining")
                || [&b"status"[..], b"diff", b"remaining"]
                    .iter()
                    .any(|word| first_is(invocation, word))
        }
        "format-patch" => invocation.has("--stdout"),
        "hash-object" => !invocation.has("-w"),
        "am" => invocation.has("--show-current-patch"),
        // Each of these turns applying off (git-apply(1)).
        "apply" => {
            invocation.has_any(&["--check", "--stat", "--numstat", "--summary"])
                && !invocation.has_any(&["--apply", "--index", "--cached", "--3way"])
        }
        // Without a word it lists what differs.
        "checkout" => invocation.arguments.is_empty(),
        "symbolic-ref" => invocation.operands.len() < 2 && !invocation.has("--delete"),
        _ => false,
    }
}

fn first_is(invocation: &Invocation, word: &[u8]) -> bool {
    invocation.operands.first().map(Word::bytes) == Some(word)
}

/// `git config KEY` prints (git-config(1), "DEPRECATED MODES"); keys have a dot, subcommands none.
fn reads_one_key(invocation: &Invocation) -> bool {
    let writes = [
        "--unset",
        "--unset-all",
        "--add",
        "--replace-all",
        "--rename-section",
        "--remove-section",
        "--edit",
    ];
    matches!(invocation.operands.as_slice(), [key] if key.bytes().contains(&b'.'))
        && !invocation.has_any(&writes)
}
