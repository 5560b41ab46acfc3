//! The way of a command through guard, in order:
//!
//! `argv → invocation → rules → environment → preview → verdict → person → audit → exec`

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use crate::audit::{self, Entry};
use crate::context::Context;
use crate::exec::{self, Counter};
use crate::install::{self, Places};
use crate::invocation::{Invocation, Word};
use crate::judge::Judge;
use crate::person::prompt::{Answer, Question};
use crate::person::{Presence, presence};
use crate::preview::{Preview, Progress};
use crate::rules::{self, Rules};
use crate::tools::{self, Tool};
use crate::verdict::{Effect, Verdict};
use crate::{exit_code, message, real_tool, sanitize, stdio};

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
        Ok(()) => shim.execute(),
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
    /// Whether the command may run; else the exit code.
    fn decide(
        &self,
        invocation: &Invocation,
        rules: &Rules,
        judge: &Judge<'_>,
        verdict: Verdict,
    ) -> Result<(), i32> {
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
        if verdict.rules.is_empty() {
            return Ok(());
        }
        stdio::fill();
        match verdict.effect {
            Effect::Allow => {
                self.record_or_say(&verdict, judge, "nothing would be lost", &[]);
                Ok(())
            }
            Effect::Backup | Effect::Confirm => self.ask(invocation, rules, judge, verdict),
            Effect::Deny => {
                message::print(&message::blocked(self.argv, &verdict, ""));
                self.record_or_say(&verdict, judge, "denied", &[]);
                Err(exit_code::BLOCKED)
            }
        }
    }

    /// Asks a person, if one holds the terminal; measures again before it lets the command go.
    fn ask(
        &self,
        invocation: &Invocation,
        rules: &Rules,
        judge: &Judge<'_>,
        mut verdict: Verdict,
    ) -> Result<(), i32> {
        let (mut terminal, evidence) = match presence(judge.agent()) {
            Presence::Person(terminal, evidence) => (terminal, evidence),
            Presence::Nobody(why, evidence) => {
                message::print(&message::blocked(self.argv, &verdict, &why));
                self.record_or_say(&verdict, judge, "blocked", &evidence);
                return Err(exit_code::BLOCKED);
            }
        };
        for _ in 0..3 {
            let answer = self.put_question(&verdict, rules, &mut terminal);
            if answer != Answer::Approved {
                return Err(self.refused(&verdict, judge, &answer, &evidence));
            }
            let again = judge.judge(invocation);
            if again.effect <= verdict.effect && !has_grown(&verdict.preview, &again.preview) {
                return self.approved(&verdict, judge, &evidence);
            }
            message::say("what would be lost has grown since the question; it is asked again");
            verdict = again;
            if verdict.effect == Effect::Deny {
                break;
            }
        }
        Err(self.refused(&verdict, judge, &Answer::Refused, &evidence))
    }

    fn put_question(
        &self,
        verdict: &Verdict,
        rules: &Rules,
        terminal: &mut std::fs::File,
    ) -> Answer {
        let color = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        let directory = self
            .context
            .directory
            .as_deref()
            .map_or_else(|| "?".to_owned(), sanitize::path);
        let phrase = message::phrase(self.argv, verdict);
        Question {
            text: &message::question(self.argv, verdict, &directory, color),
            phrase: &phrase,
            tries: rules.limits.person_tries,
            time: Duration::from_secs_f64(rules.limits.person_seconds),
        }
        .ask(terminal)
    }

    /// An approval counts only once it is written down.
    fn approved(
        &self,
        verdict: &Verdict,
        judge: &Judge<'_>,
        evidence: &[String],
    ) -> Result<(), i32> {
        self.record(verdict, judge, "approved at the terminal", evidence)
            .map_err(|error| {
                message::say(&format!(
                    "not run: the audit log cannot be written: {error}"
                ));
                exit_code::BROKEN
            })
    }

    fn refused(
        &self,
        verdict: &Verdict,
        judge: &Judge<'_>,
        answer: &Answer,
        evidence: &[String],
    ) -> i32 {
        let how = match answer {
            Answer::TimedOut => "no answer in time".to_owned(),
            Answer::Interrupted(number) => format!("interrupted by signal {number}"),
            Answer::Refused | Answer::Approved => "refused at the terminal".to_owned(),
        };
        self.record_or_say(verdict, judge, &how, evidence);
        message::say(&format!("blocked: {how}; nothing was changed"));
        if let Answer::Interrupted(number) = answer {
            // Ends this process as the signal does by itself, so that the caller sees it.
            let _ = signal_hook::low_level::emulate_default_handler(*number);
        }
        exit_code::BLOCKED
    }

    /// Writes to the log; a log that cannot be written stops nothing that is harmless or blocked.
    fn record_or_say(
        &self,
        verdict: &Verdict,
        judge: &Judge<'_>,
        answer: &str,
        evidence: &[String],
    ) {
        if let Err(error) = self.record(verdict, judge, answer, evidence) {
            message::say(&format!("the audit log cannot be written: {error}"));
        }
    }

    fn record(
        &self,
        verdict: &Verdict,
        judge: &Judge<'_>,
        answer: &str,
        evidence: &[String],
    ) -> Result<(), String> {
        let file = self.places.log_file().ok_or("no home directory is known")?;
        let entry = Entry {
            time: audit::now(),
            user: install::user_name(),
            agent: judge.agent().map(|agent| agent.name.to_owned()),
            tool: self.tool.name().to_owned(),
            argv: Entry::argv(self.argv),
            cwd: self.context.directory.as_deref().map(sanitize::path),
            rules: verdict
                .rules
                .iter()
                .map(|rule| rule.id.to_owned())
                .collect(),
            environment: verdict
                .environment
                .as_ref()
                .map(|environment| environment.name.clone()),
            preview: verdict.preview.status().to_owned(),
            loss: verdict
                .preview
                .loss()
                .map(crate::preview::Loss::lines)
                .unwrap_or_default(),
            verdict: verdict.effect.name().to_owned(),
            answer: answer.to_owned(),
            evidence: evidence.to_vec(),
        };
        audit::append(&file, &entry).map_err(|error| format!("{}: {error}", sanitize::path(&file)))
    }

    /// Becomes the real tool; returns only when that cannot be done.
    fn execute(&self) -> i32 {
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
        let error = exec::become_tool(&program, self.argv, &counter);
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

/// Whether a second look found more than was shown.
fn has_grown(shown: &Preview, now: &Preview) -> bool {
    let (Some(shown), Some(now)) = (shown.loss(), now.loss()) else {
        return false;
    };
    [
        "files",
        "bytes",
        "commits",
        "stashes",
        "tags",
        "repositories",
    ]
    .iter()
    .any(|measure| now.amount(measure) > shown.amount(measure))
}
