//! rm, GNU (rm(1), coreutils) and BSD (rm(1), FreeBSD and macOS).

use guard_core::context::Context;
use guard_core::grammar::options::{GETOPT, Grammar};
use guard_core::invocation::{Invocation, Word};
use guard_core::kept::Kept;
use guard_core::preview::Preview;
use guard_core::tool::{Scene, Tool};
use guard_core::world::World;
use guard_store::manifest::Part;
use guard_trees as trees;
use guard_trees::measure::{Taking, measure};

/// GNU's options, then BSD's `-P`, `-W`, `-x`.
const OPTIONS: &str = "f|force i I interactive? one-file-system no-preserve-root preserve-root? \
                       r|recursive R d|dir v|verbose help version P W x";

/// rm.
pub struct Rm;

impl Tool for Rm {
    fn name(&self) -> &'static str {
        "rm"
    }

    fn read(&self, arguments: &[Word], context: &Context) -> Invocation {
        read(arguments, context)
    }

    fn is_recursive(&self, invocation: &Invocation) -> bool {
        is_recursive(invocation)
    }

    fn measure(&self, _invocation: &Invocation, scene: &Scene<'_>) -> Preview {
        measure(Taking::Unlinks, scene)
    }

    fn is_far(&self, _invocation: &Invocation, _world: &World, _context: &Context) -> bool {
        false
    }

    fn revive(&self, part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
        trees::revive(part)
    }
}

/// Reads rm's arguments. With `POSIXLY_CORRECT` set, options end at the first operand.
pub fn read(arguments: &[Word], context: &Context) -> Invocation {
    let mut style = GETOPT;
    style.permutes = !context.has_variable("POSIXLY_CORRECT");
    let parsed = Grammar {
        options: OPTIONS,
        inherited: "",
        style,
    }
    .read(arguments);
    let mut invocation = Invocation::new("rm");
    invocation.inert = parsed
        .flags
        .iter()
        .any(|flag| flag.is("--help") || flag.is("--version"));
    invocation.flags = parsed.flags;
    invocation.operands = parsed.operands;
    invocation.separator = parsed.separator;
    invocation.arguments = arguments.iter().map(|word| word.text.clone()).collect();
    invocation
}

/// Whether directories are emptied, not refused.
pub fn is_recursive(invocation: &Invocation) -> bool {
    invocation.has_any(&["-r", "-R"])
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;
    use guard_core::invocation::words;

    #[test]
    fn spellings() {
        for (line, recursive, force, operands, inert) in [
            ("-rf a", true, true, "a", false),
            ("-fr a b", true, true, "a b", false),
            ("a -rf", true, true, "a", false),
            ("-R a", true, false, "a", false),
            ("--recursive --force a", true, true, "a", false),
            ("--rec --fo a", true, true, "a", false),
            ("--r a", true, false, "a", false),
            ("-- -rf", false, false, "-rf", false),
            ("-vfr -- -x y", true, true, "-x y", false),
            ("-d a", false, false, "a", false),
            ("--interactive=never -r a", true, false, "a", false),
            ("-I a --one-file-system", false, false, "a", false),
            ("--preserve-root=all -r /", true, false, "/", false),
            ("--no-preserve-root -rf /", true, true, "/", false),
            ("-rf a --help", true, true, "a", true),
            ("--he", false, false, "", true),
            ("-rPf a", true, true, "a", false),
            ("-", false, false, "-", false),
            ("", false, false, "", false),
        ] {
            let read = read(
                &words(&shlex::split(line).unwrap()),
                &Context::nothing(guard_toolbox::TOOLBOX.nested),
            );
            let shown: Vec<_> = read
                .operands
                .iter()
                .map(|w| w.text.to_str().unwrap())
                .collect();
            assert_eq!(is_recursive(&read), recursive, "{line}");
            assert_eq!(read.has("--force"), force, "{line}");
            assert_eq!(shown.join(" "), operands, "{line}");
            assert_eq!(read.inert, inert, "{line}");
        }
    }
}
