//! Which verbs run other commands: options that git hands to a shell, and what follows `bisect run`.

use std::ffi::OsString;

use crate::directory;
use crate::nested::{self, NestedPlace};
use guard_core::context::Context;
use guard_core::invocation::{Invocation, Word};

/// The command of an option that git hands to a shell.
pub(super) fn add_executed(
    invocation: &mut Invocation,
    context: &Context,
    option: &str,
    via: &str,
) {
    let commands: Vec<OsString> = invocation
        .flags
        .iter()
        .filter(|flag| flag.is(option))
        .filter_map(|flag| flag.value.clone())
        .collect();
    let directory = directory(invocation, context);
    for command in commands {
        let place = NestedPlace::Here(directory.as_deref());
        nested::add_text(invocation, via, &command, place, context);
    }
}

pub(super) fn add_filters(invocation: &mut Invocation, context: &Context) {
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
pub(super) fn add_handed_on(key: &str, invocation: &mut Invocation, context: &Context) {
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
            let directory = directory(invocation, context);
            let place = NestedPlace::Here(directory.as_deref());
            nested::add_shell(invocation, key, &operands, place, context);
        }
        _ => {}
    }
}
