//! The way of a command through guard, in order:
//!
//! `argv → invocation → rules → environment → preview → verdict → person → audit → exec`

use guard_ground::say;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::decide::{Outcome, Way, decide, entry, saver};
use crate::message;
use guard_agents::stand_in;
use guard_audit as audit;
use guard_audit::entry::Entry;
use guard_backup as backup;
use guard_backup::saving::SavedFirst;
use guard_core::context::Context;
use guard_core::instead::{Instead, Substitute};
use guard_core::invocation::Word;
use guard_core::name::ToolName;
use guard_core::stamps;
use guard_core::verdict::Verdict;
use guard_ground::exec::{self, LoopCounter};
use guard_ground::install::Places;
use guard_ground::progress::Progress;
use guard_ground::{exit_code, real_tool, sanitize, stdio};
use guard_judge::case::Case;
use guard_judge::judging::Judge;
use guard_judge::load;
use guard_person::ask::{Asking, Settled};
use guard_person::next::Next;
use guard_store::Unsaved;
use guard_toolbox::TOOLBOX;
use guard_words::Effect;

/// What a shim does with a command: it becomes the tool, or it returns guard's exit code.
pub fn run(tool: &ToolName, argv: &[OsString]) -> i32 {
    let places = Places::find();
    let context = Context::live(TOOLBOX.nested);
    let words: Vec<Word> = argv.iter().skip(1).map(Word::known).collect();
    let invocation = TOOLBOX.read(tool, &words, &context);
    let rules = load::load(&TOOLBOX, &places);
    let progress = || progress(&context);
    let judge = Judge::new(&TOOLBOX, &rules, &places, &context, &progress);
    let case = Case {
        tools: &TOOLBOX,
        rules: &rules,
        places: &places,
        argv,
        invocation: &invocation,
        context: &context,
        judge: &judge,
    };
    let verdict = judge.judge(&invocation);
    let outcome = decide(&case, &verdict, Way::Shim);
    match (Shim { case }).settle(outcome, verdict) {
        Ok(instead) => match stamps::changed(&invocation.inputs) {
            None => execute(tool, argv, instead),
            Some(file) => {
                stdio::fill();
                say::say(&format!(
                    "not run: {} has changed since guard read it; run the command again",
                    sanitize::path(file)
                ));
                exit_code::BLOCKED
            }
        },
        Err(code) => code,
    }
}

/// One command at a shim.
struct Shim<'a> {
    case: Case<'a>,
}

impl Shim<'_> {
    /// What runs in place of the command, if anything does; else the exit code.
    fn settle(&self, outcome: Outcome, verdict: Verdict) -> Result<Option<Instead>, i32> {
        if let Some(broken) = &self.case.rules.broken {
            stdio::fill();
            say::say(&format!(
                "your rules do not hold, the default rules do: {broken}"
            ));
        }
        if !matches!(outcome, Outcome::Passes) {
            stdio::fill();
        }
        match outcome {
            Outcome::Passes => Ok(None),
            Outcome::Impossible(why) => {
                say::say(&format!("not run: {}", sanitize::text(&why)));
                Err(exit_code::BLOCKED)
            }
            Outcome::Unruled(_) => {
                say::say(&format!(
                    "not run: {} may change something, and your own rules about it cannot be read",
                    sanitize::command(self.case.argv, 200)
                ));
                Err(exit_code::BROKEN)
            }
            Outcome::Held(hold) => {
                let taken = hold.take(&self.case, &verdict);
                self.tell(&verdict, &taken.next);
                self.record_or_say(&entry(&self.case, &verdict, &taken.answer));
                Err(exit_code::BLOCKED)
            }
            Outcome::Harmless(why) => {
                self.record_or_say(&entry(&self.case, &verdict, &why));
                // Nobody was asked here, so a question of the tool's own stays.
                Ok(verdict.instead().filter(|it| !it.asks_itself()).cloned())
            }
            Outcome::SavesFirst => self.back_up(verdict),
            Outcome::Asks => self.ask(verdict),
            Outcome::Denied => {
                self.tell(&verdict, &Next::Denied);
                let answer = stand_in::refusal(&verdict, self.case.places.state.as_deref());
                self.record_or_say(&entry(&self.case, &verdict, answer));
                Err(exit_code::BLOCKED)
            }
        }
    }

    /// Tells whoever ran it that it does not run.
    fn tell(&self, verdict: &Verdict, next: &Next) {
        say::print(&message::blocked(self.case.argv, verdict, next));
    }

    /// Saves what would be lost and lets it run; what cannot be saved is asked about.
    fn back_up(&self, mut verdict: Verdict) -> Result<Option<Instead>, i32> {
        let saved = match self.save(&verdict) {
            Some(Ok(saved)) => saved,
            failed => {
                let why = match failed {
                    Some(Err(why)) => why.to_string(),
                    _ => "guard cannot save it".to_owned(),
                };
                verdict.notes.push(format!("not saved first: {why}"));
                verdict.effect = Effect::Confirm;
                return self.ask(verdict);
            }
        };
        let mut entry = entry(&self.case, &verdict, "saved first");
        entry.backup = Some(saved.saved.id.clone());
        // What is not written down did not happen, and then nobody could bring it back.
        self.record_or_refuse(&entry)?;
        say::say(&backup::announcement(&saved));
        Ok(verdict.instead().cloned())
    }

    fn save(&self, verdict: &Verdict) -> Option<Result<SavedFirst, Unsaved>> {
        saver(&self.case).take(verdict)
    }

    /// Lets a person settle it.
    fn ask(&self, verdict: Verdict) -> Result<Option<Instead>, i32> {
        let settled = Asking { case: &self.case }.settle(verdict);
        if let Some(next) = &settled.next {
            self.tell(&settled.verdict, next);
        }
        let mut entry = entry(&self.case, &settled.verdict, &settled.answer);
        entry.evidence.clone_from(&settled.evidence);
        entry.request.clone_from(&settled.request);
        entry.proof.clone_from(&settled.proof);
        if settled.runs {
            // Who approves by mistake can still have it back.
            match self.save(&settled.verdict) {
                Some(Ok(saved)) => {
                    entry.backup = Some(saved.saved.id.clone());
                    say::say(&backup::announcement(&saved));
                }
                Some(Err(why)) => say::say(&format!("not saved first: {why}")),
                None => {}
            }
            self.approved(&settled, entry)?;
            return Ok(settled.verdict.instead().cloned());
        }
        self.record_or_say(&entry);
        if let Some(number) = settled.signal {
            // Ends this process as the signal does by itself, so that the caller sees it.
            let _ = signal_hook::low_level::emulate_default_handler(number);
        }
        Err(exit_code::BLOCKED)
    }

    /// An approval counts only once it is written down, and only once.
    fn approved(&self, settled: &Settled, mut entry: Entry) -> Result<(), i32> {
        let Some(approval) = &settled.approval else {
            return self.record_or_refuse(&entry);
        };
        entry.answer = approval.answer();
        let log = self.case.places.log_file().unwrap_or_default();
        approval.use_up(&log, &entry).map_err(|error| {
            say::say(&format!(
                "not run: the approval {} does not hold: {error}",
                approval.id()
            ));
            exit_code::BLOCKED
        })
    }

    /// Writes to the log; a log that cannot be written stops nothing that is harmless or blocked.
    fn record_or_say(&self, entry: &Entry) {
        if let Err(error) = self.record(entry) {
            say::say(&format!("the audit log cannot be written: {error}"));
        }
    }

    /// Writes to the log; without that the command does not run.
    fn record_or_refuse(&self, entry: &Entry) -> Result<(), i32> {
        self.record(entry).map_err(|error| {
            say::say(&format!(
                "not run: the audit log cannot be written: {error}"
            ));
            exit_code::BROKEN
        })
    }

    fn record(&self, entry: &Entry) -> Result<(), String> {
        let file = self
            .case
            .places
            .log_file()
            .ok_or("no home directory is known")?;
        audit::append(&file, entry).map_err(|error| format!("{}: {error}", sanitize::path(&file)))
    }
}

/// Becomes the real tool; returns only when that cannot be done, or when nothing is left to run.
fn execute(tool: &ToolName, argv: &[OsString], instead: Option<Instead>) -> i32 {
    let substitute = match instead {
        None => None,
        Some(Instead::Command(substitute)) => Some(substitute),
        Some(Instead::Answer {
            code,
            output,
            errors,
        }) => {
            stdio::print(&output, &errors);
            return code;
        }
    };
    let name = tool.as_str();
    let Ok(counter) = LoopCounter::next(argv) else {
        stdio::fill();
        say::say(&format!(
            "stopped: {name} came back to guard again and again. Another tool's shim calls it, or two \
             guards call each other: check which files `type -a {name}` lists"
        ));
        return exit_code::BROKEN;
    };
    let search = std::env::var_os("PATH");
    let Some(program) = real_tool::find(OsStr::new(name), search.as_deref()) else {
        stdio::fill();
        say::say(&format!("the real {name} was not found on PATH"));
        return exit_code::NOT_FOUND;
    };
    let error = match &substitute {
        None => exec::become_tool(&program, argv, &counter),
        Some(substitute) => become_substitute(&program, argv, substitute, &counter),
    };
    stdio::fill();
    say::say(&format!(
        "{} cannot be executed: {error}",
        sanitize::path(&program)
    ));
    exit_code::NOT_EXECUTABLE
}

/// Becomes the real tool with a substitute's arguments, variables and file. Returns only when that
/// failed, with the system's reason.
fn become_substitute(
    program: &Path,
    argv: &[OsString],
    substitute: &Substitute,
    counter: &LoopCounter,
) -> std::io::Error {
    if let Err(error) = substitute.file.open_on_exec() {
        return error;
    }
    stdio::print(&substitute.shown, &[]);
    let words: Vec<OsString> = argv
        .first()
        .into_iter()
        .chain(&substitute.arguments)
        .cloned()
        .collect();
    exec::become_tool_without(program, &words, substitute.without, counter)
}

/// A progress line, where it would be read: on a terminal that is also where stderr goes.
fn progress(context: &Context) -> Option<Progress> {
    if !context.live || !rustix::termios::isatty(std::io::stderr()) {
        return None;
    }
    std::fs::OpenOptions::new()
        .write(true)
        .open(Path::new("/dev/tty"))
        .ok()
        .map(Progress::on)
}
