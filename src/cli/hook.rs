//! `guard hook`: an agent asks before it runs a command line.

use crate::decide::{Outcome, Way, decide, entry};
use crate::message;
use guard_core::message::shown;
use guard_ground::say;
use guard_judge::case::Case;
use guard_judge::load;
use guard_person::next::Next;
use guard_toolbox::TOOLBOX;
use std::ffi::OsString;
use std::io::Write as _;

use clap::{Args, ValueEnum};

use super::explained;
use guard_agents::hook::payload::{self, CommandLine, HookCall, Payload};
use guard_agents::hook::unseen::{self, Unseen};
use guard_agents::hook::{Host, answer};
use guard_agents::stand_in;
use guard_audit as audit;
use guard_audit::entry::Entry;
use guard_core::agent::{self, Agent};
use guard_core::context::{Consult, Context, Input};
use guard_core::inputs;
use guard_core::preview::Preview;
use guard_core::verdict::Verdict;
use guard_ground::exit_code;
use guard_ground::install::Places;
use guard_ground::sanitize;
use guard_judge::judging::Judge;
use guard_judge::rules::Rules;
use guard_person::approval::Approval;
use guard_person::ask::Asking;
use guard_person::identity::Identity;
use guard_person::requests::Desk;
use guard_shell as shell;
use guard_shell::{Command, Script};
use guard_words::Effect;

/// How long all previews of one line may take. Agents wait for the answer, before every command.
const SECONDS: f64 = 0.02;
/// More commands past the shims than this are not judged one by one.
const MAX_UNSEEN: usize = 16;

/// The agents by their names on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum AgentName {
    /// Claude Code: `PreToolUse`.
    Claude,
    /// Codex: `PreToolUse`.
    Codex,
    /// Gemini CLI: `BeforeTool`.
    Gemini,
    /// Qwen Code: `PreToolUse`.
    Qwen,
    /// Copilot CLI: `preToolUse`.
    Copilot,
    /// Cursor: `beforeShellExecution`.
    Cursor,
    /// `OpenCode`: the plugin in docs/hooks.md.
    Opencode,
}

impl From<AgentName> for Host {
    fn from(name: AgentName) -> Self {
        match name {
            AgentName::Claude => Self::Claude,
            AgentName::Codex => Self::Codex,
            AgentName::Gemini => Self::Gemini,
            AgentName::Qwen => Self::Qwen,
            AgentName::Copilot => Self::Copilot,
            AgentName::Cursor => Self::Cursor,
            AgentName::Opencode => Self::OpenCode,
        }
    }
}

/// Options of `guard hook`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Whose protocol is spoken.
    agent: AgentName,
}

/// Runs `guard hook`; the exit code.
pub(super) fn run(options: &Options) -> i32 {
    let host = Host::from(options.agent);
    let reason = match payload::from_input(host) {
        Ok(Payload::Other) => None,
        Ok(Payload::Command(call)) => judged(host, &call),
        Err(why) => Some(unreadable(host, &why)),
    };
    let text = reason.as_deref().map_or_else(
        || answer::PASS.to_owned(),
        |reason| answer::deny(host, reason).to_string(),
    );
    let mut out = std::io::stdout().lock();
    match (writeln!(out, "{text}").and_then(|()| out.flush()), reason) {
        (Err(_), Some(reason)) => {
            // Most agents take exit code 2 for a no, with standard error as the reason.
            say::print(&reason);
            exit_code::USAGE
        }
        _ => exit_code::OK,
    }
}

fn unreadable(host: Host, why: &str) -> String {
    format!(
        "guard: blocked: what {} asked guard's hook about cannot be read: {}\n  Nothing was run. Write the \
         command as plain, short text; longer input goes into a file.\n",
        host.name(),
        sanitize::text(why)
    )
}

/// Why the command line must not run, if it must not.
fn judged(host: Host, call: &HookCall) -> Option<String> {
    let here = std::env::current_dir().ok();
    let session = match (&call.session, here) {
        (Some(session), Some(here)) => Some(here.join(session)),
        (session, here) => session.clone().or(here),
    };
    // The workspace is where the agent works, whatever directory the model names.
    let base = Context::new(TOOLBOX.nested, session, Consult::Tools);
    let context = base.in_directory(call.directory.as_deref());
    let script = match &call.line {
        CommandLine::Text(text) => explained::read_text(text, &context),
        CommandLine::Words(words) => {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            match words.as_slice() {
                // One word is a program, not a string for a shell.
                [_] => shell::read_argv(
                    words.iter().map(shell::ShellWord::literal).collect(),
                    &shell::Known::default(),
                ),
                _ => explained::read(&words, &context),
            }
        }
    };
    if let Some(problem) = &script.problem {
        return Some(unreadable(host, problem));
    }
    Hook::new(host, base, context).judge(script)
}

/// What one hook knows.
struct Hook {
    host: Host,
    places: Places,
    /// Where the agent works.
    base: Context,
    /// Where it runs the line.
    context: Context,
}

/// What became of one unseen command.
enum Passage {
    /// It may run.
    Passes,
    /// It may run once this approval is used up.
    Approved(Box<(Approval, Entry)>),
    /// It must not, as the message says.
    Blocked(String),
}

impl Hook {
    fn new(host: Host, base: Context, context: Context) -> Self {
        Self {
            host,
            places: Places::find(),
            base,
            context,
        }
    }

    /// The rules, with this much time for every preview.
    fn rules(&self, seconds: Option<f64>) -> Rules {
        let mut rules = load::load(&TOOLBOX, &self.places);
        // An approval is used when the agent comes again; it would not wait here.
        rules.limits.wait_seconds = 0.0;
        if let Some(seconds) = seconds {
            rules.limits.preview_seconds = seconds.min(rules.limits.preview_seconds);
        }
        rules
    }

    fn moved(&self, command: &Command) -> Context {
        let input = if command.stdin == shell::Stdin::Inherited {
            Input::Nothing
        } else {
            Input::Unknown
        };
        let mut moved = explained::moved(&self.context, command, input);
        // The kernel's name of the directory, which a shim would see.
        if let Some(real) = moved
            .directory
            .as_ref()
            .and_then(|path| path.canonicalize().ok())
        {
            moved.directory = Some(real);
        }
        moved
    }

    fn judge(&self, script: Script) -> Option<String> {
        let rules = self.rules(None);
        let unseen = unseen::find(&TOOLBOX, script, &rules, &|command| self.moved(command));
        if unseen.is_empty() {
            return None;
        }
        if unseen.len() > MAX_UNSEEN {
            return Some(format!(
                "guard: blocked: {} commands of this line would run past guard's shims, too many to judge here\n  \
                 Nothing was run. Call the tools by their names (rm, git …): guard then judges what really runs.\n",
                unseen.len()
            ));
        }
        // Not more than MAX_UNSEEN.
        #[allow(clippy::cast_precision_loss)]
        let quick = self.rules(Some(SECONDS / unseen.len() as f64));
        let mut approvals = Vec::new();
        let mut messages = Vec::new();
        for one in &unseen {
            match self.judge_one(one, &quick) {
                Passage::Passes => {}
                Passage::Approved(approved) => approvals.push(*approved),
                Passage::Blocked(message) => messages.push(message),
            }
        }
        // An approval is good for one run, so it is used up only when the whole line may run.
        if messages.is_empty() {
            for (approval, mut entry) in approvals {
                entry.answer = approval.answer();
                let log = self.places.log_file().unwrap_or_default();
                if let Err(error) = approval.use_up(&log, &entry) {
                    messages.push(format!(
                        "guard: not run: the approval {} does not hold: {error}\n",
                        approval.id()
                    ));
                }
            }
        }
        (!messages.is_empty()).then(|| messages.concat())
    }

    fn judge_one(&self, unseen: &Unseen, quick: &Rules) -> Passage {
        let context = self.moved(&unseen.command);
        let words = explained::expand(unseen.words.clone(), unseen.command.more_operands, &context);
        let invocation = TOOLBOX.read(&unseen.tool, words.get(1..).unwrap_or_default(), &context);
        let argv: Vec<OsString> = words.iter().map(|word| word.text.clone()).collect();
        let agent = self.agent();
        let judge = self.judge_with(quick, &agent);
        let verdict = judge.judge_in(&invocation, &context);
        if !unseen.reach.matters(&verdict.places) {
            return Passage::Passes;
        }
        let is_known = words.iter().all(|word| word.known);
        let case = |rules, judge| Case {
            tools: &TOOLBOX,
            rules,
            places: &self.places,
            argv: &argv,
            invocation: &invocation,
            context: &context,
            judge,
        };
        let quick_case = case(quick, &judge);
        if is_known && was_approved(&quick_case) && verdict.effect < Effect::Deny {
            // A person has just looked at it, so it gets the time to be measured as it was then.
            let patient = self.rules(None);
            let judge = self.judge_with(&patient, &agent);
            let verdict = judge.judge_in(&invocation, &context);
            let one = UnseenCommand {
                hook: self,
                unseen,
                is_known,
                case: case(&patient, &judge),
            };
            return one.settle(verdict);
        }
        let one = UnseenCommand {
            hook: self,
            unseen,
            is_known,
            case: quick_case,
        };
        one.settle(verdict)
    }

    /// The agent above, or the one that asks.
    fn agent(&self) -> Agent {
        agent::find(&agent::ancestors()).unwrap_or_else(|| Agent {
            name: self.host.name(),
            evidence: format!("{} asked guard's hook", self.host.name()),
            directory: None,
        })
    }

    fn judge_with<'a>(&'a self, rules: &'a Rules, agent: &Agent) -> Judge<'a> {
        Judge::new(&TOOLBOX, rules, &self.places, &self.base, &|| None)
            .for_agent(Some(agent.clone()))
    }
}

/// Whether an approval for it lies ready, whether or not it fits.
fn was_approved(case: &Case<'_>) -> bool {
    let Some(state) = case.places.state.as_deref() else {
        return false;
    };
    let desk = Desk::new(state);
    let Ok(inputs) = inputs::digest(case.tools, case.invocation, case.context) else {
        return false;
    };
    let variables = case.context.variables();
    let tool = &case.invocation.tool;
    let identity = Identity::of(case.tools, tool, case.argv, case.context, variables, inputs);
    !desk.grants_for(&identity.fingerprint).is_empty()
        || !desk.exceptions_for(&identity.fingerprint).is_empty()
}

/// One command that no shim will see.
struct UnseenCommand<'a> {
    hook: &'a Hook,
    unseen: &'a Unseen,
    is_known: bool,
    case: Case<'a>,
}

impl UnseenCommand<'_> {
    fn settle(&self, mut verdict: Verdict) -> Passage {
        let outcome = decide(&self.case, &verdict, Way::Hook);
        let tool = &self.case.invocation.tool;
        if matches!(
            outcome,
            Outcome::Harmless(_) | Outcome::Asks | Outcome::SavesFirst | Outcome::Denied
        ) {
            verdict.notes.push(self.unseen.note.clone());
            let is_the_tool = self.unseen.words == self.unseen.command.words;
            if is_the_tool && matches!(verdict.preview, Preview::Unknown(..)) {
                verdict.notes.push(format!(
                    "the hook measures for a moment only; {tool} called by its name is measured by the shim"
                ));
            }
        }
        match outcome {
            Outcome::Passes => Passage::Passes,
            Outcome::Impossible(why) => {
                Passage::Blocked(format!("guard: not run: {}\n", sanitize::text(&why)))
            }
            Outcome::Unruled(broken) => Passage::Blocked(format!(
                "guard: not run: {} may change something, and your own rules about it cannot be read: {broken}\n",
                shown(self.case.argv)
            )),
            Outcome::Held(hold) => {
                let taken = hold.take(&self.case, &verdict);
                self.block(&verdict, &taken.next, &taken.answer)
            }
            Outcome::Harmless(_) => {
                self.append(&entry(&self.case, &verdict, "nothing would be lost"));
                Passage::Passes
            }
            Outcome::Asks | Outcome::SavesFirst if self.is_known => {
                if verdict.effect == Effect::Backup {
                    // What runs before it in the same line may change what has to be saved.
                    verdict.notes.push(format!(
                        "not saved first: no shim sees it; {tool} called by its name is saved first and then runs"
                    ));
                    verdict.effect = Effect::Confirm;
                }
                self.ask(verdict)
            }
            Outcome::Asks | Outcome::SavesFirst => {
                let why = format!(
                    "What it would be given is known only when it runs. Call {tool} by its name: guard's shim \
                     then judges what really runs."
                );
                self.block(&verdict, &Next::Nothing(why), "blocked")
            }
            Outcome::Denied => {
                let answer = stand_in::refusal(&verdict, self.case.places.state.as_deref());
                self.block(&verdict, &Next::Denied, answer)
            }
        }
    }

    fn block(&self, verdict: &Verdict, next: &Next, answer: &str) -> Passage {
        self.append(&entry(&self.case, verdict, answer));
        Passage::Blocked(message::blocked(self.case.argv, verdict, next))
    }

    /// Looks for a person's answer, or leaves a request for one.
    fn ask(&self, verdict: Verdict) -> Passage {
        let why = format!(
            "{} asked before it ran, and nobody is asked there.",
            self.hook.host.name()
        );
        let settled = Asking { case: &self.case }.settle_elsewhere(verdict, &why);
        let mut entry = entry(&self.case, &settled.verdict, &settled.answer);
        entry.evidence.clone_from(&settled.evidence);
        entry.request.clone_from(&settled.request);
        if let Some(approval) = settled.approval.filter(|_| settled.runs) {
            return Passage::Approved(Box::new((approval, entry)));
        }
        self.append(&entry);
        let next = settled.next.as_ref();
        Passage::Blocked(next.map_or_else(String::new, |next| {
            message::blocked(self.case.argv, &settled.verdict, next)
        }))
    }

    /// A log that cannot be written stops nothing that is harmless or blocked.
    fn append(&self, entry: &Entry) {
        let Some(file) = self.case.places.log_file() else {
            return;
        };
        if let Err(error) = audit::append(&file, entry) {
            say::say(&format!("the audit log cannot be written: {error}"));
        }
    }
}
