//! The way of a command through guard, in order:
//!
//! `argv → invocation → rules → environment → preview → verdict → person → audit → exec`

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::audit::{self, Entry};
use crate::backup::{self, Saved, Saving, Unsaved};
use crate::context::Context;
use crate::exec::{self, Counter};
use crate::install::Places;
use crate::invocation::{Invocation, Word};
use crate::judge::Judge;
use crate::message::Next;
use crate::person::ask::{Asking, Settled};
use crate::person::hold::Hold;
use crate::preview::Progress;
use crate::preview::instead::Instead;
use crate::rules::{self, Rules};
use crate::tools::psql::stamps;
use crate::tools::{self, Tool};
use crate::verdict::{Effect, Verdict};
use crate::{exit_code, message, real_tool, sanitize, stand_in, stdio};

/// What a shim does with a command: it becomes the tool, or it returns guard's exit code.
pub fn run(tool: Tool, argv: &[OsString]) -> i32 {
    let shim = Shim {
        tool,
        argv,
        places: Places::find(),
        context: Context::live(),
    };
    let words: Vec<Word> = argv.iter().skip(1).map(Word::known).collect();
    let invocation = tools::read(tool, &words, &shim.context);
    let rules = rules::load(shim.places.rules_file().as_deref());
    let progress = || progress(&shim.context);
    let judge = Judge::new(&rules, &shim.places, &shim.context, &progress);
    let verdict = judge.judge(&invocation);
    match shim.decide(&invocation, &rules, &judge, verdict) {
        Ok(instead) => match stamps::changed(&invocation) {
            None => shim.execute(instead),
            Some(file) => {
                stdio::fill();
                message::say(&format!(
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
    tool: Tool,
    argv: &'a [OsString],
    places: Places,
    context: Context,
}

impl Shim<'_> {
    /// Whether the command may run, and what runs in its place; else the exit code.
    fn decide(
        &self,
        invocation: &Invocation,
        rules: &Rules,
        judge: &Judge<'_>,
        verdict: Verdict,
    ) -> Result<Option<Instead>, i32> {
        if let Some(why) = &invocation.obstacle {
            stdio::fill();
            message::say(&format!("not run: {}", sanitize::text(why)));
            return Err(exit_code::BLOCKED);
        }
        if let Some(broken) = &rules.broken {
            stdio::fill();
            message::say(&format!(
                "your rules do not hold, the default rules do: {broken}"
            ));
            if !tools::only_reads(invocation) {
                message::say(&format!(
                    "not run: {} may change something, and your own rules about it cannot be read",
                    sanitize::command(self.argv, 200)
                ));
                return Err(exit_code::BROKEN);
            }
        }
        if let Some(hold) = Hold::on(&self.places, invocation, rules, &self.context) {
            return Err(self.hold(&hold, invocation, &verdict, judge));
        }
        if verdict.rules.is_empty() {
            return Ok(None);
        }
        stdio::fill();
        match verdict.effect {
            Effect::Allow => {
                let within = verdict.notes.iter().find(|note| note.starts_with("within"));
                let why = within.map_or("nothing would be lost", String::as_str);
                let entry = self.entry(&verdict, judge, why);
                self.record_or_say(&entry);
                // Nobody was asked here, so a question of the tool's own stays.
                Ok(verdict.instead().filter(|it| !it.asks_itself()).cloned())
            }
            Effect::Backup => self.back_up(invocation, rules, judge, verdict),
            Effect::Confirm => self.ask(invocation, rules, judge, verdict),
            Effect::Deny => {
                message::print(&message::blocked(self.argv, &verdict, &Next::Denied));
                let answer = stand_in::refusal(&verdict, self.places.state.as_deref());
                let entry = self.entry(&verdict, judge, answer);
                self.record_or_say(&entry);
                Err(exit_code::BLOCKED)
            }
        }
    }

    /// A freeze or plan mode holds what changes something, harmless or not.
    fn hold(
        &self,
        hold: &Hold,
        invocation: &Invocation,
        verdict: &Verdict,
        judge: &Judge<'_>,
    ) -> i32 {
        stdio::fill();
        let taken = hold.take(
            self.tool,
            self.argv,
            invocation,
            verdict,
            &self.context,
            judge.agent().map(|agent| agent.name.to_owned()),
        );
        message::print(&taken.message);
        self.record_or_say(&self.entry(verdict, judge, &taken.answer));
        exit_code::BLOCKED
    }

    /// Saves what would be lost and lets it run; what cannot be saved is asked about.
    fn back_up(
        &self,
        invocation: &Invocation,
        rules: &Rules,
        judge: &Judge<'_>,
        mut verdict: Verdict,
    ) -> Result<Option<Instead>, i32> {
        let saved = match self.save(rules, judge, &verdict) {
            Some(Ok(saved)) => saved,
            failed => {
                let why = match failed {
                    Some(Err(why)) => why.to_string(),
                    _ => "guard cannot save it".to_owned(),
                };
                verdict.notes.push(format!("not saved first: {why}"));
                verdict.effect = Effect::Confirm;
                return self.ask(invocation, rules, judge, verdict);
            }
        };
        let mut entry = self.entry(&verdict, judge, "saved first");
        entry.backup = Some(saved.id.clone());
        // What is not written down did not happen, and then nobody could bring it back.
        self.record_or_refuse(&entry)?;
        message::say(&backup::announcement(&saved));
        Ok(verdict.instead().cloned())
    }

    fn save(
        &self,
        rules: &Rules,
        judge: &Judge<'_>,
        verdict: &Verdict,
    ) -> Option<Result<Saved, Unsaved>> {
        let saving = Saving {
            tool: self.tool,
            argv: self.argv,
            context: &self.context,
            judge,
            rules,
            state: self.places.state.clone(),
        };
        saving.take(verdict)
    }

    /// Lets a person settle it.
    fn ask(
        &self,
        invocation: &Invocation,
        rules: &Rules,
        judge: &Judge<'_>,
        verdict: Verdict,
    ) -> Result<Option<Instead>, i32> {
        let asking = Asking {
            tool: self.tool,
            argv: self.argv,
            invocation,
            judge,
            rules,
            places: &self.places,
            context: &self.context,
        };
        let settled = asking.settle(verdict);
        if let Some(text) = &settled.message {
            message::print(text);
        }
        let mut entry = self.entry(&settled.verdict, judge, &settled.answer);
        entry.evidence.clone_from(&settled.evidence);
        entry.request.clone_from(&settled.request);
        entry.proof.clone_from(&settled.proof);
        if settled.runs {
            // Who approves by mistake can still have it back.
            match self.save(rules, judge, &settled.verdict) {
                Some(Ok(saved)) => {
                    entry.backup = Some(saved.id.clone());
                    message::say(&backup::announcement(&saved));
                }
                Some(Err(why)) => message::say(&format!("not saved first: {why}")),
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
        let log = self.places.log_file().unwrap_or_default();
        approval.use_up(&log, &entry).map_err(|error| {
            message::say(&format!(
                "not run: the approval {} does not hold: {error}",
                approval.id()
            ));
            exit_code::BLOCKED
        })
    }

    /// Writes to the log; a log that cannot be written stops nothing that is harmless or blocked.
    fn record_or_say(&self, entry: &Entry) {
        if let Err(error) = self.record(entry) {
            message::say(&format!("the audit log cannot be written: {error}"));
        }
    }

    /// Writes to the log; without that the command does not run.
    fn record_or_refuse(&self, entry: &Entry) -> Result<(), i32> {
        self.record(entry).map_err(|error| {
            message::say(&format!(
                "not run: the audit log cannot be written: {error}"
            ));
            exit_code::BROKEN
        })
    }

    fn record(&self, entry: &Entry) -> Result<(), String> {
        let file = self.places.log_file().ok_or("no home directory is known")?;
        audit::append(&file, entry).map_err(|error| format!("{}: {error}", sanitize::path(&file)))
    }

    fn entry(&self, verdict: &Verdict, judge: &Judge<'_>, answer: &str) -> Entry {
        Entry {
            agent: judge.agent().map(|agent| agent.name.to_owned()),
            ..Entry::of_command(
                self.tool,
                self.argv,
                self.context.directory.as_deref(),
                verdict,
                answer,
            )
        }
    }

    /// Becomes the real tool; returns only when that cannot be done, or when nothing is left to run.
    fn execute(&self, instead: Option<Instead>) -> i32 {
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
        let name = self.tool.name();
        let Ok(counter) = Counter::next(self.argv) else {
            stdio::fill();
            message::say(&format!(
                "stopped: {name} came back to guard again and again. Another tool's shim calls it, or two \
                 guards call each other: check which files `type -a {name}` lists"
            ));
            return exit_code::BROKEN;
        };
        let search = std::env::var_os("PATH");
        let Some(program) = real_tool::find(OsStr::new(name), search.as_deref()) else {
            stdio::fill();
            message::say(&format!("the real {name} was not found on PATH"));
            return exit_code::NOT_FOUND;
        };
        let error = match &substitute {
            None => exec::become_tool(&program, self.argv, &counter),
            Some(substitute) => exec::become_substitute(&program, self.argv, substitute, &counter),
        };
        stdio::fill();
        message::say(&format!(
            "{} cannot be executed: {error}",
            sanitize::path(&program)
        ));
        exit_code::NOT_EXECUTABLE
    }
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
