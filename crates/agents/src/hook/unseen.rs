//! Which commands of a line no shim will see, as the guarded commands that do the same.
//!
//! guard's rules and previews are about tools. What deletes in another way is put in rm's words, so
//! that it is judged, measured and approved as that rm would be.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::inline;
use guard_core::context::Context;
use guard_core::name::ToolName;
use guard_core::place::Placed;
use guard_core::tool::Toolbox;
use guard_ground::path::base_name;
use guard_ground::sanitize;
use guard_judge::rules::Rules;
use guard_shell::{Command, RedirectKind, Script, ShellWord};
use guard_words::PlaceKind;

/// A guarded command that would run past the shims.
#[derive(Debug)]
pub struct Unseen {
    /// The tool that judges it.
    pub tool: ToolName,
    /// The command as that tool reads it, its name first.
    pub words: Vec<ShellWord>,
    /// What stands in the line.
    pub command: Command,
    /// Why no shim sees it, for people and agents.
    pub note: String,
    /// How much of what the words name would be lost.
    pub reach: Extent,
}

/// How much of what an unseen command names it would destroy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it, as the tool does.
    Whole,
    /// A part that only running it can tell: `find DIR -name '*.pyc' -delete`.
    Part,
    /// What the file held: a redirection over it.
    Contents,
}

impl Extent {
    /// Whether the places alone are reason to look closer. Inside the workspace, writing files anew
    /// and deleting some of them by pattern is what agents do all day, and nothing there can be
    /// measured before it runs.
    pub fn matters(self, places: &[Placed]) -> bool {
        self == Self::Whole
            || places.iter().any(|placed| {
                !matches!(
                    placed.place,
                    PlaceKind::Inside
                        | PlaceKind::WorkspaceRoot
                        | PlaceKind::Scratch
                        | PlaceKind::Disposable
                        | PlaceKind::Missing
                        | PlaceKind::Unknown
                )
            })
    }
}

/// The commands of a script that no shim will see, in order. `moved` gives the context in which a
/// command runs.
pub fn find(
    tools: &Toolbox,
    script: Script,
    rules: &Rules,
    moved: &dyn Fn(&Command) -> Context,
) -> Vec<Unseen> {
    let mut found = Vec::new();
    for command in script.commands {
        // What happens on another machine, or in a container, is beyond guard.
        if command.remote {
            continue;
        }
        overwritten(&command, moved, &mut found);
        let first = command.words.first().filter(|word| word.known);
        let Some(first) = first.filter(|_| !command.uncertain) else {
            continue;
        };
        if let Some(tool) = tools.find(&first.text, rules.added_tools()) {
            if let Some(note) = way_past(&first.text, &tool, &command, moved) {
                found.push(Unseen {
                    tool,
                    words: command.words.clone(),
                    note,
                    reach: Extent::Whole,
                    command,
                });
            }
        } else if base_name(&first.text) == "find" {
            found.extend(find_delete(&command));
        } else {
            found.extend(in_code(&command));
        }
    }
    found
}

/// Why this command does not meet the shim of its tool, if it does not.
fn way_past(
    name: &OsStr,
    tool: &ToolName,
    command: &Command,
    moved: &dyn Fn(&Command) -> Context,
) -> Option<String> {
    if name.as_encoded_bytes().contains(&b'/') {
        let here = moved(command).directory.unwrap_or_default();
        let path = here.join(Path::new(name));
        return (!guard_ground::real_tool::is_guard_binary(&path))
            .then(|| "it is called by its path, past guard's shim".to_owned());
    }
    let mut assigned = command.assignments.iter().rev();
    match assigned.find(|assignment| assignment.name == "PATH") {
        // What `$PATH` holds is not known here: the shims, as a rule.
        Some(path) if !path.value.known => None,
        Some(path) => (!leads_to_guard(tool, &path.value.text))
            .then(|| "the PATH that it is given does not lead to guard's shim".to_owned()),
        None => command.other_path.then(|| {
            "it is not looked up on the shell's PATH, where guard's shim stands".to_owned()
        }),
    }
}

fn leads_to_guard(tool: &ToolName, search: &OsStr) -> bool {
    std::env::split_paths(search)
        .map(|directory| directory.join(tool.as_str()))
        .find(|path| path.is_file())
        .is_some_and(|path| guard_ground::real_tool::is_guard_binary(&path))
}

/// `rm [-r] -- PATHS`
fn removal(recursive: bool, paths: impl IntoIterator<Item = ShellWord>) -> Vec<ShellWord> {
    let mut words = vec![ShellWord::literal("rm")];
    if recursive {
        words.push(ShellWord::literal("-r"));
    }
    words.push(ShellWord::literal("--"));
    words.extend(paths);
    words
}

/// Files that redirections of this command would empty.
fn overwritten(command: &Command, moved: &dyn Fn(&Command) -> Context, found: &mut Vec<Unseen>) {
    for redirect in &command.redirects {
        let target = &redirect.target;
        if redirect.kind != RedirectKind::Write || !target.known || target.glob.is_some() {
            continue;
        }
        let context = moved(command);
        let Some(path) = context
            .in_directory(Some(Path::new(&target.text)))
            .directory
        else {
            continue;
        };
        // Links are followed; devices, pipes and the kernel's own files keep nothing.
        let Ok(path) = path.canonicalize() else {
            continue;
        };
        let holds = std::fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() > 0);
        if !holds
            || ["/proc", "/sys", "/dev"]
                .iter()
                .any(|top| path.starts_with(top))
        {
            continue;
        }
        found.push(Unseen {
            tool: ToolName::known("rm"),
            words: removal(false, [ShellWord::literal(path)]),
            note: format!(
                "a redirection (> {}) empties the file before it is written; guard judges that as this rm",
                sanitize::os(&target.text)
            ),
            reach: Extent::Contents,
            command: command.clone(),
        });
    }
}

/// `find [-H] [-L] [-P] [ROOT…] [EXPRESSION]` with `-delete` in the expression (find(1)).
fn find_delete(command: &Command) -> Option<Unseen> {
    let words = command.words.get(1..).unwrap_or_default();
    if !words
        .iter()
        .any(|word| word.known && word.text == "-delete")
    {
        return None;
    }
    let bytes = |word: &ShellWord| word.text.as_encoded_bytes().to_vec();
    let options = words
        .iter()
        .take_while(|word| matches!(bytes(word).as_slice(), b"-H" | b"-L" | b"-P"))
        .count();
    let is_expression = |word: &&ShellWord| {
        let text = bytes(word);
        text.starts_with(b"-") || matches!(text.as_slice(), b"(" | b")" | b"!" | b",")
    };
    let rest = words.get(options..).unwrap_or_default();
    let mut roots: Vec<ShellWord> = rest
        .iter()
        .take_while(|word| !is_expression(word))
        .cloned()
        .collect();
    let expression = rest.get(roots.len()..).unwrap_or_default();
    if roots.is_empty() {
        roots.push(ShellWord::literal("."));
    }
    let reach = if takes_all(expression) {
        Extent::Whole
    } else {
        Extent::Part
    };
    Some(Unseen {
        tool: ToolName::known("rm"),
        words: removal(true, roots),
        note: "find -delete removes files itself; guard judges it as this rm, and find … -exec rm -- {} + \
               file by file"
            .to_owned(),
        reach,
        command: command.clone(),
    })
}

/// Whether an expression of find's chooses everything, or everything of one kind.
fn takes_all(expression: &[ShellWord]) -> bool {
    let mut words = expression.iter();
    while let Some(word) = words.next() {
        match word.text.as_encoded_bytes() {
            b"-delete" | b"-depth" | b"-d" | b"-xdev" | b"-mount" | b"-print" | b"-print0"
            | b"-true" | b"-noleaf" | b"-a" | b"-and" | b"(" | b")" => {}
            b"-type" | b"-mindepth" | b"-maxdepth" => {
                words.next();
            }
            _ => return false,
        }
    }
    true
}

/// Code for an interpreter that says which files it deletes.
fn in_code(command: &Command) -> Option<Unseen> {
    let paths = inline::deletes(command);
    if paths.is_empty() {
        return None;
    }
    let program = command.words.first()?;
    Some(Unseen {
        tool: ToolName::known("rm"),
        words: removal(
            true,
            paths
                .into_iter()
                .map(|path| ShellWord::literal(OsString::from(path))),
        ),
        note: format!(
            "the code for {} deletes files itself; guard judges it as this rm",
            sanitize::os(&program.text)
        ),
        reach: Extent::Whole,
        command: command.clone(),
    })
}
