//! One command as its tool gets it, and the place that it runs in.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use guard_core::context::{Context, Input};
use guard_core::invocation::{Invocation, Word};
use guard_core::name::ToolName;
use guard_core::world::World;
use guard_judge::rules::Rules;
use guard_shell::{Command, Directory, Known, Stdin};
use guard_toolbox::TOOLBOX;

/// One command.
#[derive(Clone, Debug)]
pub struct Line {
    pub tool: ToolName,
    /// Its arguments, without the tool's name.
    pub words: Vec<Word>,
    /// Where it was led by `cd`.
    directory: Directory,
    variables: Vec<(String, String)>,
    input: Input,
}

impl Line {
    /// A rule's example, read as the check of rules reads it.
    pub fn of_example(line: &str) -> Option<Self> {
        let words = shlex::split(line).expect(line);
        let (name, arguments) = words.split_first().expect(line);
        Some(Self {
            tool: TOOLBOX.known(name.as_ref())?,
            words: guard_core::invocation::words(arguments),
            directory: Directory::default(),
            variables: Vec::new(),
            input: Input::Nothing,
        })
    }

    /// The commands that a shell would run, where guard has them.
    pub fn of_shell(text: &str) -> Vec<Self> {
        let known = Known {
            home: Some("/home/user".as_ref()),
            directory: Some("/workspace".as_ref()),
        };
        let script = guard_shell::read(text, &known);
        assert_eq!(script.problem, None, "{text}");
        script
            .commands
            .into_iter()
            .filter_map(Self::of_command)
            .collect()
    }

    fn of_command(command: Command) -> Option<Self> {
        let (name, arguments) = command.words.split_first()?;
        let tool = TOOLBOX.find(&name.text, std::iter::empty())?;
        let mut words: Vec<Word> = arguments.iter().map(Word::from).collect();
        if command.more_operands {
            words.push(Word {
                text: "…".into(),
                known: false,
            });
        }
        let known = command.assignments.iter().filter(|one| one.value.known);
        let variables = known.map(|one| {
            let value = one.value.text.to_str().unwrap().to_owned();
            (one.name.clone(), value)
        });
        Some(Self {
            input: match &command.stdin {
                _ if !TOOLBOX.of(&tool).runs_input() => Input::Nothing,
                Stdin::Inherited | Stdin::Closed => Input::Nothing,
                Stdin::Text(word) if word.known => {
                    Input::Text(word.text.as_encoded_bytes().to_vec())
                }
                _ => Input::Unknown,
            },
            variables: variables.collect(),
            directory: command.directory,
            tool,
            words,
        })
    }

    /// The same command with other words.
    pub fn with(&self, words: Vec<Word>) -> Self {
        Self {
            words,
            ..self.clone()
        }
    }

    /// What it knows of the place: nothing but what was written.
    pub fn context(&self) -> Context {
        let variables = self.variables.iter();
        let variables = variables.map(|(name, value)| (name.into(), Some(value.into())));
        let mut context = Context::nothing(TOOLBOX.nested).with_variables(variables.collect());
        context.input = self.input.clone();
        context
    }

    /// The imaginary workspace, or where `cd` led from there.
    pub fn world(&self, rules: &Rules) -> World {
        let world = World::imaginary(&rules.places);
        match &self.directory {
            Directory::Known(path) if *path == PathBuf::new() => world,
            Directory::Known(path) => world.led_to(Some(path)),
            Directory::Unknown => world.led_to(None),
        }
    }

    /// How the tool reads its first arguments.
    pub fn read(&self, words: &[Word]) -> Invocation {
        TOOLBOX.read(&self.tool, words, &self.context())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        match &self.directory {
            Directory::Known(path) if *path == PathBuf::new() => {}
            Directory::Known(path) => write!(text, "cd {} && ", path.display())?,
            Directory::Unknown => text.push_str("cd … && "),
        }
        for (name, value) in &self.variables {
            write!(text, "{name}={} ", quoted(value))?;
        }
        text.push_str(self.tool.as_str());
        for word in &self.words {
            text.push(' ');
            let written = word.text.to_str().unwrap();
            if word.known {
                text.push_str(&quoted(written));
            } else {
                text.push_str(written);
            }
        }
        match &self.input {
            Input::Text(bytes) => {
                let bytes = String::from_utf8_lossy(bytes);
                write!(text, " <<<{}", quoted(&bytes))?;
            }
            Input::Unknown => text.push_str(" <…"),
            Input::Process | Input::Nothing => {}
        }
        formatter.write_str(&text.replace('\n', "⏎"))
    }
}

/// A word with quotes only where a shell needs them.
pub fn quoted(word: &str) -> String {
    let plain =
        |character: char| character.is_alphanumeric() || "-_./:=+,@%^{}~*?".contains(character);
    if !word.is_empty() && !word.starts_with('~') && word.chars().all(plain) {
        return word.to_owned();
    }
    shlex::try_quote(word).unwrap().into_owned()
}
