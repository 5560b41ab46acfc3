//! How the arguments of a verb are read, and what some verbs need to be read rightly.

mod builtins;
mod reading;
mod running;

use std::borrow::Cow;

use super::{config, looks_like_path, tables};
use running::{add_executed, add_filters, add_handed_on};

pub(super) use builtins::shadows_aliases;
use guard_core::context::Context;
use guard_core::invocation::{Flag, Invocation, Word};
pub use reading::only_reads;

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
