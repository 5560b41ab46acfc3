//! The stage of the person: an answer that was given before, a question on their terminal, or a
//! request that waits for them.

use super::next::Next;
use guard_ground::say;
use guard_ground::text;
use guard_judge::case::Case;
use std::fs::File;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use super::approval::{self, Approval, Found};
use super::evidence::{Evidence, Trust, gather};
use super::identity::Identity;
use super::keys::KeyPlaces;
use super::prompt::{Answer, Question};
use super::proof::{NoProof, Prover};
use super::requests::{Blocked, Desk, Request};
use super::signers::Signer;
use super::size::Size;
use super::statement::{Kind, Statement};
use super::trail;
use guard_audit::entry::Proof;
use guard_core::inputs;
use guard_core::message;
use guard_core::verdict::Verdict;
use guard_ground::sanitize;
use guard_words::Effect;

/// How often a loss that grows under the question is asked about again.
const MAX_ROUNDS: usize = 3;
/// How often a shim that waits looks for an answer.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A command that a person has to agree to.
pub struct Asking<'a> {
    /// The command.
    pub case: &'a Case<'a>,
}

/// How it came out.
#[derive(Debug)]
pub struct Settled {
    /// What was decided about in the end: a loss can have grown meanwhile.
    pub verdict: Verdict,
    /// Whether it may run.
    pub runs: bool,
    /// The words for the log.
    pub answer: String,
    /// What is known of the terminal.
    pub evidence: Vec<String>,
    /// The request that was left.
    pub request: Option<String>,
    /// What the person signed.
    pub proof: Option<Proof>,
    /// The approval from elsewhere that lets it run; it has to be used up first.
    pub approval: Option<Approval>,
    /// What to tell the agent; nothing where it runs.
    pub next: Option<Next>,
    /// The signal that ended the question.
    pub signal: Option<i32>,
}

impl Settled {
    fn new(verdict: Verdict, runs: bool, answer: impl Into<String>) -> Self {
        Self {
            verdict,
            runs,
            answer: answer.into(),
            evidence: Vec::new(),
            request: None,
            proof: None,
            approval: None,
            next: None,
            signal: None,
        }
    }
}

/// What a person at this terminal has to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// The phrase.
    Phrase,
    /// The phrase, and what only they know or hold.
    Proof,
}

/// A command that no earlier answer settles.
struct Open {
    verdict: Verdict,
    identity: Identity,
    desk: Option<Desk>,
    /// Why the approvals that are there do not hold.
    misfits: Vec<String>,
}

impl Asking<'_> {
    /// Settles it.
    pub fn settle(&self, verdict: Verdict) -> Settled {
        let open = match self.settled_before(verdict) {
            Ok(open) => open,
            Err(settled) => return *settled,
        };
        let evidence = gather(
            self.case.judge.agent(),
            self.case.judge.ancestors(),
            &self.case.rules.terminals,
        );
        match self.wanted(&evidence, &open.verdict) {
            Ok(wanted) => self.question(open.verdict, evidence, wanted, &open.identity),
            Err(why) => self.leave_request(open, &evidence, &why),
        }
    }

    /// The same without a question here and now, for this reason: an agent's hook answers at once.
    pub fn settle_elsewhere(&self, verdict: Verdict, why: &str) -> Settled {
        let open = match self.settled_before(verdict) {
            Ok(open) => open,
            Err(settled) => return *settled,
        };
        let evidence = Evidence {
            terminal: None,
            trust: Trust::Nobody,
            is_systems: false,
            why: why.to_owned(),
            lines: vec![why.to_owned()],
            time: Duration::ZERO,
        };
        self.leave_request(open, &evidence, why)
    }

    /// What an approval or a refusal that was given before says.
    fn settled_before(&self, verdict: Verdict) -> Result<Open, Box<Settled>> {
        let identity = match self.identify() {
            Ok(identity) => identity,
            Err(why) => {
                return Err(Box::new(Settled {
                    next: Some(Next::Nothing(why)),
                    ..Settled::new(verdict, false, "blocked")
                }));
            }
        };
        let desk = self.case.places.state.as_deref().map(Desk::new);
        let mut misfits = Vec::new();
        if let Some(desk) = &desk {
            let found = self.look_for_approval(desk, &identity, &verdict);
            if let Some(approval) = found.approval {
                return Err(Box::new(Settled {
                    approval: Some(approval),
                    ..Settled::new(verdict, true, "approved")
                }));
            }
            misfits = found.misfits;
            if let Some(refusal) = desk.refusal(&identity.fingerprint) {
                return Err(Box::new(Settled {
                    request: Some(refusal.id.clone()),
                    next: Some(Next::Refused(refusal)),
                    ..Settled::new(verdict, false, "refused before")
                }));
            }
        }
        Ok(Open {
            verdict,
            identity,
            desk,
            misfits,
        })
    }

    fn identify(&self) -> Result<Identity, String> {
        let inputs = inputs::digest(self.case.tools, self.case.invocation, self.case.context)
            .map_err(|error| format!("What it would read cannot be read: {error}."))?;
        Ok(Identity::of(
            self.case.tools,
            &self.case.invocation.tool,
            self.case.argv,
            self.case.context,
            self.case.context.variables(),
            inputs,
        ))
    }

    /// Whether it is still the same command: what it reads may have been changed meanwhile.
    fn is_still(&self, identity: &Identity) -> bool {
        self.identify()
            .is_ok_and(|now| now.fingerprint == identity.fingerprint)
    }

    fn keys(&self) -> Option<KeyPlaces> {
        self.case.places.config.as_deref().map(KeyPlaces::new)
    }

    fn look_for_approval(&self, desk: &Desk, identity: &Identity, verdict: &Verdict) -> Found {
        approval::find(
            desk,
            || self.approvers(),
            identity,
            &Size::of(&verdict.preview),
            verdict.approvals(),
        )
    }

    fn approvers(&self) -> Result<Vec<Signer>, String> {
        match (self.keys(), self.case.places.log_file()) {
            (Some(keys), Some(log)) => keys.approvers(&log),
            _ => Ok(Vec::new()),
        }
    }

    /// What a person at this terminal has to give; else why nobody is asked on it.
    fn wanted(&self, evidence: &Evidence, verdict: &Verdict) -> Result<Wanted, String> {
        if evidence.trust > Trust::Nobody && verdict.approvals() > 1 {
            return Err(format!(
                "It takes the approvals of {} people.",
                verdict.approvals()
            ));
        }
        let reaches_far = verdict.environment.is_some()
            || self.case.tools.reaches_outside(
                self.case.invocation,
                &verdict.places,
                self.case.judge.world(),
                self.case.context,
            );
        match evidence.trust {
            Trust::Person => return Ok(Wanted::Phrase),
            Trust::Unknown if !reaches_far => return Ok(Wanted::Phrase),
            Trust::Nobody => return Err(evidence.why.clone()),
            Trust::Unknown | Trust::Shared => {}
        }
        let has_key = self.keys().is_some_and(|keys| keys.default_key().is_some());
        if has_key {
            Ok(Wanted::Proof)
        } else {
            Err(format!(
                "{} A phrase alone proves no person there, and no key is set up.",
                evidence.why
            ))
        }
    }

    /// Asks on the terminal; measures again before it lets the command go.
    fn question(
        &self,
        mut verdict: Verdict,
        mut evidence: Evidence,
        wanted: Wanted,
        identity: &Identity,
    ) -> Settled {
        let Some(mut terminal) = evidence.terminal.take() else {
            return Self::ended(verdict, &evidence, &Answer::Refused);
        };
        for _ in 0..MAX_ROUNDS {
            let answer = self.put_phrase(&verdict, &evidence, wanted, &mut terminal);
            if answer != Answer::Approved {
                return Self::ended(verdict, &evidence, &answer);
            }
            let proof = match wanted {
                Wanted::Phrase => None,
                Wanted::Proof => match self.prove(&verdict, &evidence, identity, &mut terminal) {
                    Ok(proof) => Some(proof),
                    Err(NoProof::Ended(answer)) => {
                        return Self::ended(verdict, &evidence, &answer);
                    }
                    Err(NoProof::Problem(what)) => {
                        say::say(&what);
                        return Self::ended(verdict, &evidence, &Answer::Refused);
                    }
                },
            };
            if verdict.instead().is_some() {
                // What was shown is what runs: there is nothing to measure again.
                return Settled {
                    evidence: evidence.lines,
                    proof,
                    ..Settled::new(verdict, true, "approved at the terminal")
                };
            }
            if !self.is_still(identity) {
                say::say("what it reads was changed since the question; call it again");
                break;
            }
            let again = self.case.judge.judge(self.case.invocation);
            let covered = Size::of(&verdict.preview).covers(&Size::of(&again.preview));
            if again.effect <= verdict.effect && covered {
                return Settled {
                    evidence: evidence.lines,
                    proof,
                    ..Settled::new(verdict, true, "approved at the terminal")
                };
            }
            say::say("what would be lost has grown since the question; it is asked again");
            verdict = again;
            if verdict.effect == Effect::Deny {
                break;
            }
        }
        Self::ended(verdict, &evidence, &Answer::Refused)
    }

    fn put_phrase(
        &self,
        verdict: &Verdict,
        evidence: &Evidence,
        wanted: Wanted,
        terminal: &mut File,
    ) -> Answer {
        let directory = self
            .case
            .context
            .directory
            .as_deref()
            .map_or_else(|| "?".to_owned(), sanitize::path);
        let mut text = message::question(self.case.argv, verdict, &directory, text::colored());
        if wanted == Wanted::Proof {
            text.push_str(&text::wrapped(&format!(
                "  {} After the phrase you are asked for your passphrase.",
                evidence.why
            )));
        }
        Question {
            text: &text,
            phrase: &message::phrase(self.case.argv, verdict),
            tries: self.case.rules.limits.person_tries,
            time: Duration::from_secs_f64(self.case.rules.limits.person_seconds),
        }
        .ask(terminal)
    }

    fn prove(
        &self,
        verdict: &Verdict,
        evidence: &Evidence,
        identity: &Identity,
        terminal: &mut File,
    ) -> Result<Proof, NoProof> {
        let (Some(keys), Some(state)) = (self.keys(), self.case.places.state.as_deref()) else {
            return Err(NoProof::Problem("no home directory is known".to_owned()));
        };
        let statement = statement_text(&Statement {
            command: guard_ground::mask::masked(self.case.argv),
            directory: self
                .case
                .context
                .directory
                .as_deref()
                .map_or_else(String::new, sanitize::path),
            fingerprint: identity.fingerprint.clone(),
            size: Size::of(&verdict.preview),
            shown: message::stakes(verdict),
            // Used up on the spot.
            ..Statement::new(Kind::Grant, "terminal", 0)
        })
        .map_err(NoProof::Problem)?;
        let prover = Prover {
            keys,
            state,
            time: Duration::from_secs_f64(self.case.rules.limits.person_seconds),
            evidence: &evidence.lines,
        };
        let signature = prover.prove(terminal, &statement, None)?;
        let signers = self.approvers().map_err(NoProof::Problem)?;
        let signer =
            trail::signed_by(&signers, &statement, &signature).map_err(NoProof::Problem)?;
        Ok(Proof {
            signers: vec![signer],
            statement,
            signatures: vec![signature],
            introduces: None,
        })
    }

    fn ended(verdict: Verdict, evidence: &Evidence, answer: &Answer) -> Settled {
        let how = match answer {
            Answer::TimedOut => "no answer in time".to_owned(),
            Answer::Interrupted(number) => format!("interrupted by signal {number}"),
            Answer::Refused | Answer::Approved => "refused at the terminal".to_owned(),
        };
        let signal = match answer {
            Answer::Interrupted(number) => Some(*number),
            _ => None,
        };
        Settled {
            evidence: evidence.lines.clone(),
            next: Some(Next::Ended(how.clone())),
            signal,
            ..Settled::new(verdict, false, how)
        }
    }

    /// Leaves a request for a person elsewhere, and waits a while for the answer if the rules say so.
    fn leave_request(&self, open: Open, evidence: &Evidence, why: &str) -> Settled {
        let Open {
            verdict,
            identity,
            desk,
            misfits,
        } = open;
        let identity = &identity;
        let left = desk.as_ref().map(|desk| {
            desk.leave(&Blocked {
                tool: &self.case.invocation.tool,
                argv: self.case.argv,
                directory: self.case.context.directory.as_deref(),
                agent: self.case.judge.agent(),
                identity,
                verdict: &verdict,
                // Seconds of at most a month.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                seconds: self.case.rules.limits.request_seconds as u64,
            })
        });
        let mut reasons = misfits;
        reasons.push(why.to_owned());
        let reasons = reasons.join(" ");
        let settled = |verdict, next, request| Settled {
            evidence: evidence.lines.clone(),
            next: Some(next),
            request,
            ..Settled::new(verdict, false, "blocked")
        };
        let request = match (left, desk) {
            (Some(Ok(request)), Some(desk)) => {
                self.notify(&request);
                if let Some(approved) = self.wait(&desk, identity, &verdict, &request) {
                    return Settled {
                        approval: Some(approved),
                        request: Some(request.id),
                        ..Settled::new(verdict, true, "approved")
                    };
                }
                request
            }
            (Some(Err(error)), _) => {
                let reasons = format!("{reasons} No request could be left: {error}.");
                return settled(verdict, Next::Nothing(reasons), None);
            }
            (None, _) | (_, None) => {
                let reasons = format!("{reasons} No home directory is known.");
                return settled(verdict, Next::Nothing(reasons), None);
            }
        };
        let has_key = self
            .keys()
            .is_some_and(|keys| keys.default_key().is_some() || keys.signers().exists());
        let id = request.id.clone();
        let next = Next::Approve {
            why: reasons,
            request: Box::new(request),
            has_key,
        };
        settled(verdict, next, Some(id))
    }

    /// Runs the person's own notification command, the first time a command is blocked.
    fn notify(&self, request: &Request) {
        let Some((program, arguments)) = self.case.rules.notify.split_first() else {
            return;
        };
        if request.tries > 1 {
            return;
        }
        let command = message::shown(self.case.argv);
        let filled = |word: &String| {
            word.replace("{id}", &request.id)
                .replace("{command}", &command)
        };
        let mut words: Vec<String> = arguments.iter().map(filled).collect();
        let is_told = self.case.rules.notify.iter().any(|word| word.contains('{'));
        if !is_told {
            words.push(format!("guard approve {}: {command}", request.id));
        }
        // It runs beside this command, and nobody waits for it.
        let _ = std::process::Command::new(program)
            .args(words)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn();
    }

    /// Waits for an approval. The end of whoever waits for the command means no.
    fn wait(
        &self,
        desk: &Desk,
        identity: &Identity,
        verdict: &Verdict,
        request: &Request,
    ) -> Option<Approval> {
        let deadline =
            Instant::now() + Duration::from_secs_f64(self.case.rules.limits.wait_seconds);
        let parent = rustix::process::getppid();
        while Instant::now() < deadline {
            if rustix::process::getppid() != parent || is_broken(2) || is_broken(1) {
                return None;
            }
            if let Some(approval) = self.look_for_approval(desk, identity, verdict).approval {
                if verdict.instead().is_some() {
                    return Some(approval);
                }
                // It may have taken long: what is lost now must still be what was approved.
                let again = self.case.judge.judge(self.case.invocation);
                let size = Size::of(&again.preview);
                let fits =
                    approval.is_exception() || approval.verified.statement.size.covers(&size);
                let same = again.effect <= verdict.effect && self.is_still(identity);
                return (fits && same).then_some(approval);
            }
            desk.requests.by_id(&request.id)?;
            std::thread::sleep(LOOK_AGAIN);
        }
        None
    }
}

/// Whether nobody reads this stream any more.
fn is_broken(number: i32) -> bool {
    let stdout = std::io::stdout();
    let stderr = std::io::stderr();
    let mut waiting = [if number == 1 {
        PollFd::new(&stdout, PollFlags::empty())
    } else {
        PollFd::new(&stderr, PollFlags::empty())
    }];
    let moment = guard_ground::time::timespec(Duration::ZERO);
    if poll(&mut waiting, Some(&moment)).is_err() {
        return false;
    }
    let [stream] = waiting;
    stream
        .revents()
        .intersects(PollFlags::ERR | PollFlags::NVAL)
}

/// The text of a statement.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn statement_text(statement: &Statement) -> Result<String, String> {
    serde_json::to_string(statement).map_err(|error| format!("the statement: {error}"))
}
