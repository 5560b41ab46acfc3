//! git's verbs: which there are, which only read, and what some of them need to be read rightly.

use std::borrow::Cow;
use std::ffi::OsString;

use super::nested::{self, NestedPlace};
use super::{config, looks_like_path, tables};
use guard_core::context::Context;
use guard_core::invocation::{Flag, Invocation, Word};

/// Commands that are built into every git of the last years: an alias of the same name is ignored
/// (git(1), git-config(1) "alias.*"). Newer commands are left out on purpose: on an older git the
/// name may be an alias. Sorted.
const BUILTINS: [&str; 135] = [
    "add",
    "am",
    "annotate",
    "apply",
    "archive",
    "bisect",
    "blame",
    "branch",
    "bundle",
    "cat-file",
    "check-attr",
    "check-ignore",
    "check-mailmap",
    "check-ref-format",
    "checkout",
    "checkout-index",
    "cherry",
    "cherry-pick",
    "citool",
    "clean",
    "clone",
    "column",
    "commit",
    "commit-graph",
    "commit-tree",
    "config",
    "count-objects",
    "credential",
    "credential-cache",
    "credential-store",
    "daemon",
    "describe",
    "diff",
    "diff-files",
    "diff-index",
    "diff-tree",
    "difftool",
    "fast-export",
    "fast-import",
    "fetch",
    "fetch-pack",
    "filter-branch",
    "fmt-merge-msg",
    "for-each-ref",
    "format-patch",
    "fsck",
    "fsck-objects",
    "gc",
    "get-tar-commit-id",
    "grep",
    "gui",
    "hash-object",
    "help",
    "index-pack",
    "init",
    "init-db",
    "instaweb",
    "interpret-trailers",
    "log",
    "ls-files",
    "ls-remote",
    "ls-tree",
    "mailinfo",
    "mailsplit",
    "merge",
    "merge-base",
    "merge-file",
    "merge-index",
    "merge-ours",
    "merge-recursive",
    "merge-subtree",
    "merge-tree",
    "mergetool",
    "mktag",
    "mktree",
    "multi-pack-index",
    "mv",
    "name-rev",
    "notes",
    "pack-objects",
    "pack-refs",
    "patch-id",
    "pickaxe",
    "prune",
    "prune-packed",
    "pull",
    "push",
    "range-diff",
    "read-tree",
    "rebase",
    "receive-pack",
    "reflog",
    "remote",
    "remote-ext",
    "remote-fd",
    "repack",
    "replace",
    "request-pull",
    "rerere",
    "reset",
    "restore",
    "rev-list",
    "rev-parse",
    "revert",
    "rm",
    "send-email",
    "send-pack",
    "shortlog",
    "show",
    "show-branch",
    "show-index",
    "show-ref",
    "sparse-checkout",
    "stage",
    "stash",
    "status",
    "stripspace",
    "submodule",
    "switch",
    "symbolic-ref",
    "tag",
    "unpack-file",
    "unpack-objects",
    "update-index",
    "update-ref",
    "update-server-info",
    "upload-archive",
    "upload-pack",
    "var",
    "verify-commit",
    "verify-pack",
    "verify-tag",
    "version",
    "worktree",
    "write-tree",
];

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

/// Verbs whose first operand is part of the verb.
const SECOND_WORDS: [&str; 11] = [
    "stash",
    "reflog",
    "worktree",
    "remote",
    "notes",
    "submodule",
    "bisect",
    "maintenance",
    "sparse-checkout",
    "bundle",
    "lfs",
];

/// Verbs with a dry run of their own.
const DRY_RUNS: [&str; 16] = [
    "add",
    "clean",
    "commit",
    "fetch",
    "filter-repo",
    "mv",
    "notes prune",
    "prune",
    "prune-packed",
    "pull",
    "push",
    "reflog delete",
    "reflog expire",
    "remote prune",
    "rm",
    "worktree prune",
];

/// Whether git runs its own command of this name without looking for an alias.
pub(super) fn shadows_aliases(name: &str) -> bool {
    BUILTINS.binary_search(&name).is_ok()
}

/// Reads the arguments of a verb.
pub(super) fn read(name: &str, words: &[Word], invocation: &mut Invocation, context: &Context) {
    let mut words = words;
    invocation.verb = vec![Cow::Owned(name.to_owned())];
    if SECOND_WORDS.contains(&name) {
        words = read_second_word(name, words, invocation);
    }
    let key = invocation.verb.join(" ");
    let mut grammar = tables::grammar(&key);
    if grammar.options.is_empty() {
        grammar = tables::grammar(name);
    }
    invocation.arguments = words.iter().map(|word| word.text.clone()).collect();
    // These hand everything from the first operand on to another command.
    if matches!(
        key.as_str(),
        "submodule foreach" | "bisect run" | "for-each-repo"
    ) {
        grammar.style.permutes = false;
    }
    let parsed = grammar.read(words);
    invocation.flags = parsed.flags;
    invocation.operands = parsed.operands;
    invocation.separator = parsed.separator;
    let dry = DRY_RUNS.contains(&key.as_str()) && invocation.has("--dry-run");
    // A lone `-h` prints the usage of every command (parse-options).
    let usage = matches!(words, [only] if only.bytes() == b"-h");
    invocation.inert = dry || usage || invocation.has("--help");
    match name {
        "checkout" => classify_checkout(invocation, context),
        "push" if !invocation.inert => add_push_settings(invocation, context),
        "fetch" | "pull" if !invocation.inert => add_fetch_settings(invocation, context),
        "rebase" => add_executed(invocation, context, "--exec", "rebase --exec"),
        "filter-branch" => add_filters(invocation, context),
        _ => add_handed_on(&key, invocation, context),
    }
}

/// Takes the second word of a verb like `stash drop`; options may stand before it
/// (`git remote -v update`, `git notes --ref x remove`).
fn read_second_word<'w>(name: &str, words: &'w [Word], invocation: &mut Invocation) -> &'w [Word] {
    let mut at = 0;
    while let Some(word) = words.get(at).filter(|word| word.bytes().starts_with(b"-")) {
        // `git stash -m x` is `git stash push -m x` (git-stash(1)).
        if name == "stash" || word.bytes() == b"--" {
            at = words.len();
            break;
        }
        at += if word.bytes() == b"--ref" { 2 } else { 1 };
    }
    let second = words
        .get(at)
        .and_then(|word| word.text.to_str().filter(|_| word.known));
    match (name, second) {
        ("stash", None) => invocation.verb.push(Cow::Borrowed("push")),
        (_, None) => {}
        ("remote", Some("rm")) => invocation.verb.push(Cow::Borrowed("remove")),
        (_, Some(second)) => invocation.verb.push(Cow::Owned(second.to_owned())),
    }
    match second {
        Some(_) => words.get(at + 1..).unwrap_or_default(),
        None => words,
    }
}

/// `git checkout` is two commands in one: it changes branches, or it overwrites files. The second
/// verb word says which: `checkout branch` or `checkout paths`.
fn classify_checkout(invocation: &mut Invocation, context: &Context) {
    let branches = ["-b", "-B", "--orphan", "--detach", "--track"];
    let before = invocation.before_separator().len();
    let after = invocation.after_separator().len();
    // Picking hunks overwrites files, with or without a path.
    let paths = if invocation.has_any(&["--pathspec-from-file", "--patch"]) || after > 0 {
        true
    } else if invocation.has_any(&branches) {
        false
    } else if invocation.separator.is_some() {
        before > 1
    } else {
        match invocation.operands.as_slice() {
            [] => false,
            [only] => {
                let only = only.clone();
                looks_like_path(&only, invocation, context)
            }
            _ => true,
        }
    };
    invocation
        .verb
        .push(Cow::Borrowed(if paths { "paths" } else { "branch" }));
}

/// A push obeys `remote.NAME.push` and `remote.NAME.mirror` as if they stood on the line.
fn add_push_settings(invocation: &mut Invocation, context: &Context) {
    let remote = invocation
        .operands
        .first()
        .map(|word| &word.text)
        .or(invocation
            .flag("--repo")
            .and_then(|flag| flag.value.as_ref()))
        .and_then(|name| name.to_str().map(str::to_owned));
    let has_refspecs = invocation.operands.len() > 1;
    let settings = config::push(remote.as_deref(), has_refspecs, invocation, context);
    if settings.mirror {
        invocation.flags.push(Flag {
            long: Cow::Borrowed("mirror"),
            short: 0,
            value: None,
            familiar: true,
        });
    }
    if settings
        .refspecs
        .iter()
        .any(|refspec| refspec.starts_with(['+', ':']))
    {
        if invocation.operands.is_empty() {
            invocation
                .operands
                .push(Word::known(remote.unwrap_or_else(|| "origin".to_owned())));
        }
        invocation
            .operands
            .extend(settings.refspecs.into_iter().map(Word::known));
    }
}

/// A fetch obeys `fetch.pruneTags` and `remote.NAME.pruneTags` like `--prune-tags`.
fn add_fetch_settings(invocation: &mut Invocation, context: &Context) {
    if !invocation.has("--prune-tags") && config::prunes_tags(invocation, context) {
        invocation.flags.push(Flag {
            long: Cow::Borrowed("prune-tags"),
            short: b'P',
            value: None,
            familiar: true,
        });
    }
}

/// The command of an option that git hands to a shell.
fn add_executed(invocation: &mut Invocation, context: &Context, option: &str, via: &str) {
    let commands: Vec<OsString> = invocation
        .flags
        .iter()
        .filter(|flag| flag.is(option))
        .filter_map(|flag| flag.value.clone())
        .collect();
    let directory = super::directory(invocation, context);
    for command in commands {
        let place = NestedPlace::Here(directory.as_deref());
        nested::add_text(invocation, via, &command, place, context);
    }
}

fn add_filters(invocation: &mut Invocation, context: &Context) {
    for filter in [
        "--setup",
        "--env-filter",
        "--tree-filter",
        "--index-filter",
        "--msg-filter",
    ] {
        // The commit filter's `git commit-tree` and the index filter's `git rm --cached` work on
        // an index and a tree of their own.
        if filter != "--index-filter" {
            add_executed(
                invocation,
                context,
                filter,
                &format!("filter-branch {filter}"),
            );
        }
    }
}

/// `submodule foreach` and `bisect run` run what follows.
fn add_handed_on(key: &str, invocation: &mut Invocation, context: &Context) {
    let operands: Vec<Word> = invocation.operands.clone();
    match (key, operands.as_slice()) {
        ("submodule foreach", [only]) => {
            // One argument is read by a shell in each submodule (git-submodule(1)).
            let text = only.text.clone();
            nested::add_text(invocation, key, &text, NestedPlace::Unknown, context);
        }
        ("submodule foreach", [_, ..]) => {
            nested::add_shell(invocation, key, &operands, NestedPlace::Unknown, context);
        }
        ("for-each-repo", [_, ..]) => {
            let mut argv = vec![Word::known("git")];
            argv.extend(operands);
            nested::add_shell(invocation, key, &argv, NestedPlace::Unknown, context);
        }
        ("bisect run", _) => {
            let directory = super::directory(invocation, context);
            let place = NestedPlace::Here(directory.as_deref());
            nested::add_shell(invocation, key, &operands, place, context);
        }
        _ => {}
    }
}

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
