//! The grammar for tools that a user's rules name: what most commands have in common.

use guard_core::context::Context;
use guard_core::grammar::options::{GETOPT, Grammar};
use guard_core::invocation::{Invocation, Word};
use guard_core::tool::Tool;

/// All tools that users add; an invocation carries the name of its own.
pub struct Added;

impl Tool for Added {
    fn name(&self) -> &'static str {
        ""
    }

    fn read(&self, arguments: &[Word], _context: &Context) -> Invocation {
        read(arguments)
    }
}

/// Reads the arguments: options anywhere, the leading operands as the verb.
fn read(arguments: &[Word]) -> Invocation {
    let mut invocation = Invocation::new("");
    let parsed = Grammar {
        options: "help version",
        inherited: "",
        style: GETOPT,
    }
    .read(arguments);
    invocation.inert = parsed
        .flags
        .iter()
        .any(|flag| flag.is("--help") || flag.is("--version"));
    invocation.verb = parsed
        .operands
        .iter()
        .take(parsed.separator.unwrap_or(usize::MAX))
        .filter(|word| word.known)
        .map_while(|word| word.text.to_str().map(|text| text.to_owned().into()))
        .collect();
    invocation.flags = parsed.flags;
    invocation.operands = parsed.operands;
    invocation.separator = parsed.separator;
    invocation.arguments = arguments.iter().map(|word| word.text.clone()).collect();
    invocation
}
