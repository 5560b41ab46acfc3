//! Commands read from a string or an argv, judged one by one, in the shape that `--json` prints.

use guard_core::name::ToolName;
use guard_toolbox::TOOLBOX;
use std::ffi::OsString;
use std::path::Path;

use guard_core::rule::Text;
use guard_words::levels;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use guard_core::context::{Consult, Context, Input};
use guard_core::invocation::{Invocation, Word};
use guard_core::loss::Loss;
use guard_core::place::Placed;
use guard_core::preview::Preview;
use guard_core::verdict::Verdict;
use guard_ground::sanitize;
use guard_judge::judging::Judge;
use guard_judge::rules::Rules;
use guard_shell as shell;
use guard_shell::{Command, Directory, Script, Stdin};
use guard_words::Effect;

/// More paths than this are not expanded from one glob.
const MAX_EXPANSION: usize = 10_000;

/// Everything about one command string.
#[derive(Debug, Serialize)]
pub(super) struct Explained {
    /// Its simple commands, in order.
    pub commands: Vec<ExplainedCommand>,
    /// The strictest of their verdicts.
    pub verdict: &'static str,
    /// What could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One simple command.
#[derive(Debug, Serialize)]
pub(super) struct ExplainedCommand {
    /// The tool that guard covers it by; `null` for all others.
    pub tool: Option<String>,
    /// The words, as far as they are known.
    pub argv: Vec<String>,
    /// `allow`, `backup`, `confirm`, `deny`.
    pub verdict: &'static str,
    /// The rules that matched, the strictest first.
    pub rules: Vec<RuleShown>,
    /// What it points at.
    pub environment: Option<EnvironmentShown>,
    /// What it would destroy.
    pub preview: PreviewShown,
    /// What a reader should know besides.
    pub notes: Vec<String>,
    #[serde(skip)]
    pub effect: Effect,
    /// What only people read; nothing for tools that guard does not cover.
    #[serde(skip)]
    pub details: Option<Details>,
}

/// What `guard explain` shows besides.
#[derive(Debug)]
pub(super) struct Details {
    pub places: Vec<Placed>,
    pub invocation: Invocation,
    /// The stakes, as the message for an agent words them.
    pub lines: Vec<String>,
}

/// A rule that matched.
#[derive(Debug, Serialize)]
pub(super) struct RuleShown {
    pub id: Text,
    pub effect: &'static str,
    pub reason: Text,
    pub safer: Text,
}

/// What a command points at.
#[derive(Debug, Serialize)]
pub(super) struct EnvironmentShown {
    pub name: String,
    pub signals: Vec<String>,
}

/// A preview.
#[derive(Debug, Serialize)]
pub(super) struct PreviewShown {
    /// `exact`, `estimate`, `unknown`, `skipped`.
    pub status: &'static str,
    /// What would be lost; `null` when it was not measured.
    pub loss: Option<LossShown>,
    /// Why it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A loss, by what is counted.
#[derive(Debug)]
pub(super) struct LossShown {
    /// Every amount that rules can name, but for shares.
    amounts: Vec<(&'static str, u64)>,
    /// In words.
    pub lines: Vec<String>,
    /// What can be recovered, and why.
    pub besides: Vec<String>,
}

impl Serialize for LossShown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.amounts.len() + 2))?;
        for (name, amount) in &self.amounts {
            map.serialize_entry(name, amount)?;
        }
        map.serialize_entry("lines", &self.lines)?;
        map.serialize_entry("besides", &self.besides)?;
        map.end()
    }
}

impl From<&Loss> for LossShown {
    fn from(loss: &Loss) -> Self {
        let counted = levels().filter(|name| *name != "rows-percent");
        Self {
            amounts: counted.map(|name| (name, loss.amount(name))).collect(),
            lines: loss.lines(),
            besides: loss.facts.clone(),
        }
    }
}

/// What the words of the command line mean: one is a string for a shell, several are an argv.
pub(super) fn read(words: &[OsString], context: &Context) -> Script {
    if let [only] = words
        && let Some(text) = only.to_str()
    {
        return read_text(text, context);
    }
    let home = context.value("HOME").map(std::path::PathBuf::from);
    let known = shell::Known {
        home: home.as_deref(),
        directory: context.directory.as_deref(),
    };
    shell::read_argv(
        words.iter().map(shell::ShellWord::literal).collect(),
        &known,
    )
}

/// Reads a string as a shell does.
pub(super) fn read_text(text: &str, context: &Context) -> Script {
    let home = context.value("HOME").map(std::path::PathBuf::from);
    let known = shell::Known {
        home: home.as_deref(),
        directory: context.directory.as_deref(),
    };
    shell::read(text, &known)
}

/// Judges every command of a script.
pub(super) fn judge(
    script: Script,
    judge: &Judge<'_>,
    rules: &Rules,
    context: &Context,
) -> Explained {
    let mut effect = Effect::Allow;
    let mut commands = Vec::with_capacity(script.commands.len());
    for command in script.commands {
        let one = judge_one(command, judge, rules, context);
        effect = effect.max(one.effect);
        commands.push(one);
    }
    if script.problem.is_some() {
        // What cannot be read may hold anything.
        effect = effect.max(Effect::Confirm);
    }
    Explained {
        commands,
        verdict: effect.name(),
        problem: script.problem,
    }
}

fn judge_one(
    command: Command,
    judge: &Judge<'_>,
    rules: &Rules,
    context: &Context,
) -> ExplainedCommand {
    let tool = command
        .words
        .first()
        .filter(|word| word.known)
        .and_then(|word| TOOLBOX.find(&word.text, rules.added_tools()));
    let runs_input = |tool| TOOLBOX.of(tool).runs_input();
    let input = if tool.as_ref().is_some_and(runs_input) {
        input_of(&command, context)
    } else {
        Input::Nothing
    };
    let changed = command.directory != Directory::default()
        || input != Input::Nothing
        || !command.assignments.is_empty();
    let own;
    let context = if changed {
        own = moved(context, &command, input);
        &own
    } else {
        context
    };
    let mut notes = command.notes;
    if !command.via.is_empty() {
        notes.insert(0, format!("reached through {}", command.via.join(", ")));
    }
    if let Some(first) = command.words.first()
        && tool.is_some()
        && first.text.as_encoded_bytes().contains(&b'/')
    {
        notes.push("it is called by its path, so it would not meet guard's shim".to_owned());
    }
    let for_people = context.consult == Consult::Tools;
    let elsewhere;
    let context = if command.remote && tool.is_some() {
        elsewhere = context.elsewhere();
        &elsewhere
    } else {
        context
    };
    if tool.is_some() && command.via.iter().any(|via| via == "sudo" || via == "doas") {
        notes.push("under another user's PATH guard's shim may not be asked".to_owned());
    }
    let (Some(tool), false) = (tool, command.uncertain) else {
        let argv = command
            .words
            .iter()
            .map(|word| sanitize::os(&word.text))
            .collect();
        let unknown_program = command.words.first().is_some_and(|word| !word.known);
        if unknown_program {
            notes.push(
                "which program runs is known only when it runs; a guarded one meets its shim"
                    .to_owned(),
            );
        }
        return ExplainedCommand {
            tool: None,
            argv,
            verdict: Effect::Allow.name(),
            rules: Vec::new(),
            environment: None,
            preview: PreviewShown::from(&Preview::Skipped),
            notes,
            effect: Effect::Allow,
            details: None,
        };
    };
    if command.remote {
        notes.push(
            "it runs on another machine or in a container, where guard's shim is not asked"
                .to_owned(),
        );
    }
    let words = expand(command.words, command.more_operands, context);
    let invocation = TOOLBOX.read(&tool, words.get(1..).unwrap_or_default(), context);
    notes.extend(invocation.doubts.iter().cloned());
    let verdict = judge.judge_in(&invocation, context);
    shown(&tool, &words, invocation, verdict, notes, for_people)
}

fn shown(
    tool: &ToolName,
    words: &[Word],
    invocation: Invocation,
    verdict: Verdict,
    mut notes: Vec<String>,
    for_people: bool,
) -> ExplainedCommand {
    let lines = for_people.then(|| guard_core::message::stakes(&verdict));
    notes.extend(verdict.notes.iter().cloned());
    ExplainedCommand {
        tool: Some(tool.to_string()),
        argv: words.iter().map(|word| sanitize::os(&word.text)).collect(),
        verdict: verdict.effect.name(),
        rules: verdict
            .rules
            .iter()
            .map(|rule| RuleShown {
                id: rule.id.clone(),
                effect: rule.effect.name(),
                reason: rule.reason.clone(),
                safer: rule.safer.clone(),
            })
            .collect(),
        environment: verdict
            .environment
            .as_ref()
            .map(|environment| EnvironmentShown {
                name: environment.name.clone(),
                signals: environment.signals.clone(),
            }),
        preview: PreviewShown::from(&verdict.preview),
        notes,
        effect: verdict.effect,
        details: lines.map(|lines| Details {
            lines,
            places: verdict.places,
            invocation,
        }),
    }
}

impl From<&Preview> for PreviewShown {
    fn from(preview: &Preview) -> Self {
        Self {
            status: preview.status(),
            loss: preview.loss().map(LossShown::from),
            why: match preview {
                Preview::Unknown(why, _) => Some(sanitize::text(why)),
                _ => None,
            },
        }
    }
}

/// What a command's standard input holds, as far as the string says.
pub(super) fn input_of(command: &Command, context: &Context) -> Input {
    match &command.stdin {
        Stdin::Inherited | Stdin::Closed => Input::Nothing,
        Stdin::Text(word) if word.known => Input::Text(word.text.as_encoded_bytes().to_vec()),
        Stdin::File(word) if word.text == "/dev/null" => Input::Nothing,
        Stdin::File(word) if word.known && context.consult >= Consult::Files => {
            let file = context.in_directory(Some(Path::new(&word.text))).directory;
            file.and_then(|file| std::fs::read(file).ok())
                .map_or(Input::Unknown, Input::Text)
        }
        Stdin::Pipe | Stdin::Text(_) | Stdin::File(_) => Input::Unknown,
    }
}

/// The context that a command runs in, after `cd` and with its own variables.
pub(super) fn moved(context: &Context, command: &Command, input: Input) -> Context {
    let place = match &command.directory {
        Directory::Known(path) if path.as_os_str().is_empty() => None,
        Directory::Known(path) => Some(path.as_path()),
        Directory::Unknown => None,
    };
    let mut moved = context.in_directory(place);
    moved.input = input;
    if command.directory == Directory::Unknown {
        moved.directory = None;
    }
    let variables = command
        .assignments
        .iter()
        .filter(|assignment| assignment.value.known)
        .map(|assignment| {
            (
                assignment.name.clone().into(),
                Some(assignment.value.text.clone()),
            )
        })
        .collect();
    moved.with_variables(variables)
}

/// Words as the program would receive them: globs expanded where the disk may be asked.
pub(super) fn expand(words: Vec<shell::ShellWord>, more: bool, context: &Context) -> Vec<Word> {
    let mut expanded = Vec::with_capacity(words.len() + usize::from(more));
    for word in words {
        let paths = word
            .glob
            .as_deref()
            .filter(|_| word.known && context.consult >= Consult::Files)
            .zip(context.directory.as_deref())
            .and_then(|(pattern, directory)| shell::expand_glob(pattern, directory, MAX_EXPANSION));
        match paths {
            Some(paths) => expanded.extend(paths.into_iter().map(Word::known)),
            None => expanded.push(Word {
                text: word.text,
                known: word.known,
            }),
        }
    }
    if more {
        expanded.push(Word {
            text: "…".into(),
            known: false,
        });
    }
    expanded
}
