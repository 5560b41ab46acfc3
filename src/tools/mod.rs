//! What differs per tool and nothing else: its argv grammar and its preview.

pub mod aws;
pub mod generic;
pub mod git;
pub mod kubectl;
pub mod options;
pub mod psql;
pub mod rm;
pub mod scope;
#[cfg(test)]
pub mod table;
pub mod terraform;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::context::Context;
use crate::inputs::Origin;
use crate::invocation::{Invocation, Word};
use crate::paths::{Place, Placed, World};

/// A guarded command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tool {
    /// GNU and BSD rm.
    Rm,
    /// git.
    Git,
    /// kubectl.
    Kubectl,
    /// terraform.
    Terraform,
    /// psql.
    Psql,
    /// The AWS command line, both major versions.
    Aws,
    /// A tool that a user's rules name; read by one generic grammar.
    Other(&'static str),
}

/// The six tools that guard knows by itself.
pub const TOOLS: [Tool; 6] = [
    Tool::Rm,
    Tool::Git,
    Tool::Kubectl,
    Tool::Terraform,
    Tool::Psql,
    Tool::Aws,
];

impl Tool {
    /// The name that a shim carries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rm => "rm",
            Self::Git => "git",
            Self::Kubectl => "kubectl",
            Self::Terraform => "terraform",
            Self::Psql => "psql",
            Self::Aws => "aws",
            Self::Other(name) => name,
        }
    }

    /// The tool whose grammar, rules and preview hold for this one: `tofu` reads its arguments as
    /// terraform does, and writes plans and states of the same form.
    #[must_use]
    pub fn family(self) -> Self {
        match self {
            Self::Other("tofu") => Self::Terraform,
            tool => tool,
        }
    }

    /// One of the six, or one that has the grammar of one of them, by the name of a shim.
    pub fn served(name: &OsStr) -> Option<Self> {
        Self::known(name).or_else(|| (name == "tofu").then_some(Self::Other("tofu")))
    }

    /// One of the six, by name.
    pub fn known(name: &OsStr) -> Option<Self> {
        TOOLS.into_iter().find(|tool| name == tool.name())
    }
}

/// Reads the arguments (without argv\[0\]) in the tool's own grammar.
pub fn read(tool: Tool, arguments: &[Word], context: &Context) -> Invocation {
    let mut invocation = match tool.family() {
        Tool::Rm => rm::read(arguments, context),
        Tool::Git => git::read(arguments, context),
        Tool::Kubectl => kubectl::read(arguments, context),
        Tool::Terraform => terraform::read(arguments, context),
        Tool::Psql => psql::read(arguments, context),
        Tool::Aws => aws::read(arguments, context),
        Tool::Other(_) => generic::read(tool, arguments),
    };
    invocation.tool = tool;
    for word in arguments.iter().filter(|word| !word.known) {
        invocation.doubt(format!(
            "what {} holds is known only when the command runs",
            crate::sanitize::os(&word.text)
        ));
    }
    invocation
}

/// A path that an invocation would delete or overwrite.
#[derive(Clone, Debug)]
pub struct Target {
    /// The path as written.
    pub word: Word,
    /// It is written over, not deleted: a link is followed, and what is not there is not lost.
    pub overwritten: bool,
}

/// The tool that a program is, by the last part of its name.
pub fn by_name(program: &OsStr, rules: &crate::rules::Rules) -> Option<Tool> {
    let name = crate::shell::base_name(program);
    Tool::served((*name).as_ref()).or_else(|| {
        rules
            .added_tools()
            .find(|added| name == **added)
            .map(Tool::Other)
    })
}

/// The paths that an invocation would delete or overwrite itself. Tools that users add have no
/// grammar that says so: all their operands count.
pub fn targets(invocation: &Invocation) -> Vec<Target> {
    match invocation.tool {
        Tool::Git => git::overwritten(invocation)
            .into_iter()
            .map(|word| Target {
                word,
                overwritten: true,
            })
            .collect(),
        // Buckets and names of resources are no paths.
        Tool::Aws => Vec::new(),
        _ => invocation
            .operands
            .iter()
            .map(|word| Target {
                word: word.clone(),
                overwritten: false,
            })
            .collect(),
    }
}

/// What the invocation reads and what decides what it does, besides its argv.
pub fn inputs(invocation: &Invocation) -> Vec<Origin> {
    if invocation.inert {
        return Vec::new();
    }
    let named = |flags: &[&str], split: bool| -> Vec<Origin> {
        invocation
            .flags
            .iter()
            .filter(|flag| flags.iter().any(|name| flag.is(name)))
            .filter_map(|flag| flag.value.as_deref())
            .flat_map(|value| source(value, split))
            .collect()
    };
    match invocation.tool.family() {
        Tool::Rm | Tool::Other(_) => Vec::new(),
        Tool::Git => git::inputs(invocation, named(&["--pathspec-from-file"], false)),
        Tool::Kubectl => named(&["--filename", "--kustomize"], true),
        Tool::Terraform => {
            let mut sources = named(&["-var-file"], false);
            let reads_operand = matches!(invocation.verb_name(), "apply" | "destroy")
                || invocation.verb_is(&["state", "push"]);
            let operands = invocation.operands.iter().filter(|_| reads_operand);
            sources.extend(operands.flat_map(|operand| source(&operand.text, false)));
            sources
        }
        Tool::Psql => psql::inputs(invocation, named(&["--file"], false)),
        Tool::Aws => invocation
            .flags
            .iter()
            .filter_map(|flag| flag.text())
            .filter_map(|value| {
                let path = value
                    .strip_prefix("file://")
                    .or_else(|| value.strip_prefix("fileb://"))?;
                Some(Origin::File(path.into()))
            })
            .collect(),
    }
}

/// The file or files that a flag's value names: `-` is standard input, addresses are no files.
fn source(value: &OsStr, split: bool) -> Vec<Origin> {
    let parts = value
        .as_encoded_bytes()
        .split(|byte| split && *byte == b',');
    parts
        .filter(|part| !part.starts_with(b"http://") && !part.starts_with(b"https://"))
        .map(|part| match part {
            b"-" => Origin::Input,
            path => Origin::File(OsStr::from_bytes(path).into()),
        })
        .collect()
}

/// Whether what the invocation would destroy lies outside the workspace: on other machines, in
/// databases, in other directories.
pub fn reaches_outside(
    invocation: &Invocation,
    places: &[Placed],
    world: &World,
    context: &Context,
) -> bool {
    let far = match invocation.tool {
        Tool::Rm => false,
        Tool::Git => invocation.verb_name() == "push" || !git::is_near(invocation, world, context),
        Tool::Kubectl | Tool::Terraform | Tool::Psql | Tool::Aws | Tool::Other(_) => true,
    };
    let near = |placed: &Placed| {
        matches!(
            placed.place,
            Place::Inside
                | Place::Missing
                | Place::Scratch
                | Place::Disposable
                | Place::WorkspaceRoot
                | Place::GitDir
        )
    };
    far || !places.iter().all(near)
}

/// Whether what the invocation changes may carry tags, which its preview would read.
pub fn has_tags(invocation: &Invocation) -> bool {
    invocation.tool == Tool::Aws && !invocation.inert && invocation.operation != "read"
}

/// Whether the invocation is known to change nothing at all. Used where guard itself is broken
/// (a rules file that cannot be read): what only reads goes on working.
pub fn only_reads(invocation: &Invocation) -> bool {
    if invocation.inert {
        return true;
    }
    match invocation.tool.family() {
        Tool::Rm | Tool::Other(_) => false,
        Tool::Git => git::only_reads(invocation),
        Tool::Kubectl => kubectl::only_reads(invocation),
        Tool::Terraform => terraform::only_reads(invocation),
        Tool::Psql => psql::only_reads(invocation),
        Tool::Aws => aws::only_reads(invocation),
    }
}
