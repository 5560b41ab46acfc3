//! What a tool owes guard: its grammar, what it would lose, what can be saved. The core names none.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use crate::context::{Context, ReadNested};
use crate::environment::Signals;
use crate::invocation::{Invocation, Word};
use crate::kept::Kept;
use crate::loss::Loss;
use crate::name::ToolName;
use crate::place::{self, Placed, Target};
use crate::preview::{Budget, Preview};
use crate::rule::Limits;
use crate::world::World;
use guard_ground::path;
use guard_ground::sanitize;
use guard_store::manifest::{Manifest, Part};
use guard_words::Measure;
use guard_words::PlaceKind;

/// A guarded command. What has no body here is what every tool has to say; the rest is, as it stands,
/// right for a tool of which only the rules of a user know something.
pub trait Tool: Sync {
    /// The name that a shim carries.
    fn name(&self) -> &str;

    /// The tool whose rules hold for this one too: `tofu` reads its arguments as terraform does.
    fn family(&self) -> &str {
        self.name()
    }

    /// Reads the arguments (without argv\[0\]) in the tool's own grammar.
    fn read(&self, arguments: &[Word], context: &Context) -> Invocation;

    /// Whether the invocation is known to change nothing at all. Used where guard itself is broken
    /// (a rules file that cannot be read): what only reads goes on working.
    fn only_reads(&self, _invocation: &Invocation) -> bool {
        false
    }

    /// The paths that an invocation would delete or overwrite itself. Where no grammar says so, all
    /// operands count.
    fn targets(&self, invocation: &Invocation) -> Vec<Target> {
        Target::deleted(&invocation.operands)
    }

    /// Whether directories among the targets go with all that is in them.
    fn is_recursive(&self, _invocation: &Invocation) -> bool {
        true
    }

    /// What the invocation reads and what decides what it does, besides its argv.
    fn inputs(&self, _invocation: &Invocation) -> Vec<Origin> {
        Vec::new()
    }

    /// Whether it runs what stands on its standard input.
    fn runs_input(&self) -> bool {
        false
    }

    /// Variables that decide what the command does, by their beginning.
    fn variables(&self) -> &'static [&'static str] {
        &["POSIXLY_CORRECT"]
    }

    /// Gathers the names that the command gives for what it works on.
    fn signals(&self, _invocation: &Invocation, _context: &Context, _signals: &mut Signals) {}

    /// Measures what the invocation would lose, with the real tool, read-only.
    fn measure(&self, invocation: &Invocation, _scene: &Scene<'_>) -> Preview {
        Preview::Unknown(
            format!("guard cannot measure {} yet", invocation.tool),
            Loss::default(),
        )
    }

    /// Seconds that measuring may take.
    fn patience(&self, limits: &Limits) -> f64 {
        limits.preview_seconds
    }

    /// Whether what the invocation changes may carry tags, which its preview would read.
    fn has_tags(&self, _invocation: &Invocation) -> bool {
        false
    }

    /// Whether what the invocation changes lies on other machines, in databases, in other directories
    /// than the workspace.
    fn is_far(&self, _invocation: &Invocation, _world: &World, _context: &Context) -> bool {
        true
    }

    /// What is counted when a message says how much was saved.
    fn saves(&self) -> Measure {
        Measure::Files
    }

    /// A part of a backup, if the tool writes parts of its kind; the error when it cannot be read.
    fn revive(&self, _part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
        None
    }
}

/// What measuring may look at.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Where the targets lie.
    pub places: &'a [Placed],
    /// Workspace, homes, mounts.
    pub world: &'a World,
    /// Where the command runs.
    pub context: &'a Context,
    /// The time it may take.
    pub budget: &'a Budget,
}

/// Something that a command reads and that decides what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file, or a directory with all that is in it.
    File(PathBuf),
    /// Standard input.
    Input,
}

impl Origin {
    /// The file or files that a flag's value names: `-` is standard input, addresses are no files.
    /// With `split` a comma stands between several.
    pub fn named(value: &OsStr, split: bool) -> Vec<Self> {
        let parts = value
            .as_encoded_bytes()
            .split(|byte| split && *byte == b',');
        parts
            .filter(|part| !part.starts_with(b"http://") && !part.starts_with(b"https://"))
            .map(|part| match part {
                b"-" => Self::Input,
                path => Self::File(OsStr::from_bytes(path).into()),
            })
            .collect()
    }

    /// What the values of these flags name.
    pub fn of_flags(invocation: &Invocation, flags: &[&str], split: bool) -> Vec<Self> {
        invocation
            .flags
            .iter()
            .filter(|flag| flags.iter().any(|name| flag.is(name)))
            .filter_map(|flag| flag.value.as_deref())
            .flat_map(|value| Self::named(value, split))
            .collect()
    }
}

/// The tools that guard knows, and the one that stands for all that users add.
#[derive(Clone, Copy)]
pub struct Toolbox {
    /// The tools, those with a shim of their own first.
    pub tools: &'static [&'static dyn Tool],
    /// What reads a tool of which only rules know something.
    pub added: &'static dyn Tool,
    /// How a command inside a command is read: see [`Context::nested`].
    pub nested: ReadNested,
}

impl Toolbox {
    /// The tool of this name.
    pub fn of(&self, name: &ToolName) -> &'static dyn Tool {
        self.tools
            .iter()
            .copied()
            .find(|tool| *name == tool.name())
            .unwrap_or(self.added)
    }

    /// Names of the tools that have a shim wherever guard is installed.
    pub fn shims(&self) -> impl Iterator<Item = &'static str> {
        let own = |tool: &&&dyn Tool| tool.family() == tool.name();
        self.tools.iter().filter(own).map(|tool| tool.name())
    }

    /// A tool that guard itself knows, by the name of a shim.
    pub fn known(&self, name: &OsStr) -> Option<ToolName> {
        self.tools
            .iter()
            .find(|tool| name == tool.name())
            .map(|tool| ToolName::known(tool.name()))
    }

    /// The tool that a program is, by the last part of its name; `added` are the names that rules add.
    pub fn find<'a>(
        &self,
        program: &OsStr,
        mut added: impl Iterator<Item = &'a str>,
    ) -> Option<ToolName> {
        let name = path::base_name(program);
        self.known((*name).as_ref())
            .or_else(|| added.find(|added| name == **added).map(ToolName::written))
    }

    /// The tool that was called this when it was written down.
    pub fn named(&self, name: &str) -> ToolName {
        self.known(name.as_ref())
            .unwrap_or_else(|| ToolName::written(name))
    }

    /// The tool whose rules hold for this one too.
    pub fn family<'a>(&self, name: &'a ToolName) -> &'a str {
        self.tools
            .iter()
            .find(|tool| *name == tool.name())
            .map_or(name.as_str(), |tool| tool.family())
    }

    /// Reads the arguments (without argv\[0\]) in the tool's own grammar.
    pub fn read(&self, name: &ToolName, arguments: &[Word], context: &Context) -> Invocation {
        let mut invocation = self.of(name).read(arguments, context);
        invocation.tool = name.clone();
        for word in arguments.iter().filter(|word| !word.known) {
            invocation.doubt(format!(
                "what {} holds is known only when the command runs",
                sanitize::os(&word.text)
            ));
        }
        invocation
    }

    /// As [`Tool::only_reads`], where help and version do too.
    pub fn only_reads(&self, invocation: &Invocation) -> bool {
        invocation.inert || self.of(&invocation.tool).only_reads(invocation)
    }

    /// As [`Tool::inputs`], where help and version read nothing.
    pub fn inputs(&self, invocation: &Invocation) -> Vec<Origin> {
        if invocation.inert {
            return Vec::new();
        }
        self.of(&invocation.tool).inputs(invocation)
    }

    /// Where the targets of an invocation lie. Looking around costs more than most commands: `world` is
    /// asked for only by one that names a path.
    pub fn places<'w>(
        &self,
        invocation: &Invocation,
        world: impl FnOnce() -> &'w World,
        context: &Context,
    ) -> Vec<Placed> {
        let tool = self.of(&invocation.tool);
        let targets = tool.targets(invocation);
        if targets.is_empty() {
            return Vec::new();
        }
        let moved;
        let there = match &invocation.directory {
            None => context,
            directory => {
                moved = context.in_directory(directory.as_deref());
                &moved
            }
        };
        place::place_all(targets, tool.is_recursive(invocation), world(), there)
    }

    /// Whether what the invocation would destroy lies outside the workspace: on other machines, in
    /// databases, in other directories.
    pub fn reaches_outside(
        &self,
        invocation: &Invocation,
        places: &[Placed],
        world: &World,
        context: &Context,
    ) -> bool {
        let near = |placed: &Placed| {
            matches!(
                placed.place,
                PlaceKind::Inside
                    | PlaceKind::Missing
                    | PlaceKind::Scratch
                    | PlaceKind::Disposable
                    | PlaceKind::WorkspaceRoot
                    | PlaceKind::GitDir
            )
        };
        self.of(&invocation.tool).is_far(invocation, world, context) || !places.iter().all(near)
    }

    /// The names that the command gives for what it works on.
    pub fn signals(&self, invocation: &Invocation, context: &Context) -> Signals {
        let mut signals = Signals::default();
        self.of(&invocation.tool)
            .signals(invocation, context, &mut signals);
        signals
    }

    /// All parts of a backup.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn revive_all(&self, manifest: &Manifest) -> Result<Vec<Box<dyn Kept>>, String> {
        manifest
            .parts
            .iter()
            .map(|part| self.revive(part))
            .collect()
    }

    /// A part of a backup, by the tool that wrote it.
    ///
    /// # Errors
    /// When no tool knows the kind, or when it cannot be read.
    pub fn revive(&self, part: &Part) -> Result<Box<dyn Kept>, String> {
        self.tools
            .iter()
            .find_map(|tool| tool.revive(part))
            .unwrap_or_else(|| {
                Err(format!(
                    "this guard cannot bring back what is of the kind {}",
                    sanitize::text(part.kind())
                ))
            })
    }
}

impl fmt::Debug for Toolbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.shims()).finish()
    }
}
