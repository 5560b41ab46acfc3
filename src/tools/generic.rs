//! The grammar for tools that a user's rules name: what most commands have in common.

use crate::invocation::{Invocation, Word};
use crate::tools::Tool;
use crate::tools::options::{GETOPT, Grammar};

/// Reads the arguments: options anywhere, the leading operands as the verb.
pub fn read(tool: Tool, arguments: &[Word]) -> Invocation {
    let mut invocation = Invocation::new(tool);
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
