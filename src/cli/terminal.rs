//! What the person's commands share: their terminal, their proof, their places.

use guard_core::context::Context;
use guard_judge::judging::Judge;
use guard_judge::load;
use guard_toolbox::TOOLBOX;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};

use guard_audit as audit;
use guard_audit::entry::{Entry, Proof};
use guard_core::agent;
use guard_ground::install::Places;
use guard_ground::sanitize;
use guard_judge::rules::Rules;
use guard_person::ask::statement_text;
use guard_person::keys::KeyPlaces;
use guard_person::prompt::{Answer, Question};
use guard_person::proof::Prover;
use guard_person::requests::Desk;
use guard_person::signers::Signer;
use guard_person::statement::Statement;
use guard_person::{Trust, gather, trail};

/// Where the person's side keeps things.
pub(super) struct Office {
    /// guard's places.
    pub(super) places: Places,
    /// The rules that hold.
    pub(super) rules: Rules,
    /// The state directory.
    pub(super) state: PathBuf,
    /// The keys.
    pub(super) keys: KeyPlaces,
}

impl Office {
    /// Finds it.
    pub(super) fn open() -> anyhow::Result<Self> {
        let places = Places::find();
        let rules = load::load(&TOOLBOX, &places);
        if let Some(broken) = &rules.broken {
            guard_ground::say::say(&format!(
                "your rules do not hold, the default rules do: {broken}"
            ));
        }
        let nowhere = || anyhow!("no home directory is known, so there is nothing to approve");
        let state = places.state.clone().ok_or_else(nowhere)?;
        let config = places.config.clone().ok_or_else(nowhere)?;
        Ok(Self {
            places,
            rules,
            state,
            keys: KeyPlaces::new(&config),
        })
    }

    /// Judges commands in `context`; nobody is shown how far measuring is.
    pub(super) fn judge<'a>(&'a self, context: &'a Context) -> Judge<'a> {
        Judge::new(&TOOLBOX, &self.rules, &self.places, context, &|| None)
    }

    /// The requests and the answers to them.
    pub(super) fn desk(&self) -> Desk {
        Desk::new(&self.state)
    }

    /// Everybody who may approve now.
    pub(super) fn approvers(&self) -> anyhow::Result<Vec<Signer>> {
        self.keys
            .approvers(&self.state.join(guard_ground::install::LOG))
            .map_err(|error| anyhow!(error))
    }

    /// A signature that one of the approvers made.
    pub(super) fn proven(&self, text: String, signature: String) -> anyhow::Result<Proof> {
        let signer = trail::signed_by(&self.approvers()?, &text, &signature)
            .map_err(|error| anyhow!("the signature does not count: {error}"))?;
        Ok(Proof {
            statement: text,
            signatures: vec![signature],
            signers: vec![signer],
            introduces: None,
        })
    }

    /// Appends to the audit log.
    pub(super) fn log(&self, entry: &Entry) -> anyhow::Result<()> {
        let file = self.state.join(guard_ground::install::LOG);
        audit::append(&file, entry).with_context(|| {
            format!(
                "nothing was changed, because the audit log cannot be written: {}",
                sanitize::path(&file)
            )
        })
    }

    /// Whether a person is at the terminal of this process.
    pub(super) fn has_person(&self) -> bool {
        let ancestors = agent::ancestors();
        let agent = agent::find(&ancestors);
        let evidence = gather(agent.as_ref(), &ancestors, &self.rules.terminals);
        evidence.terminal.is_some()
    }

    /// The person at the terminal of this process.
    pub(super) fn person(&self) -> anyhow::Result<AtTerminal<'_>> {
        let ancestors = agent::ancestors();
        let agent = agent::find(&ancestors);
        let evidence = gather(agent.as_ref(), &ancestors, &self.rules.terminals);
        let Some(terminal) = evidence.terminal else {
            let mut entry = Entry::of_guard(&["guard"], "no person at the terminal");
            entry.agent = agent.map(|agent| agent.name.to_owned());
            entry.evidence = evidence.lines;
            let _ = self.log(&entry);
            bail!(
                "only a person can do this, in a terminal of their own. {}",
                evidence.why
            );
        };
        Ok(AtTerminal {
            office: self,
            terminal,
            trust: evidence.trust,
            is_systems: evidence.is_systems,
            why: evidence.why,
            evidence: evidence.lines,
        })
    }
}

/// A person at a terminal.
pub(super) struct AtTerminal<'o> {
    office: &'o Office,
    /// The terminal.
    pub(super) terminal: File,
    /// How far its keys can be trusted.
    pub(super) trust: Trust,
    /// No program of the user's own is at its other end.
    pub(super) is_systems: bool,
    /// Why no more than that.
    pub(super) why: String,
    /// What is known of it.
    pub(super) evidence: Vec<String>,
}

impl AtTerminal<'_> {
    /// How long a question stays open.
    pub(super) fn time(&self) -> Duration {
        Duration::from_secs_f64(self.office.rules.limits.person_seconds)
    }

    /// Prints on the terminal.
    pub(super) fn show(&mut self, text: &str) {
        let _ = self.terminal.write_all(text.as_bytes());
    }

    /// Shows a text and asks for a phrase.
    pub(super) fn agrees(&mut self, text: &str, phrase: &str) -> anyhow::Result<()> {
        let answer = Question {
            text,
            phrase,
            tries: self.office.rules.limits.person_tries,
            time: self.time(),
        }
        .ask(&mut self.terminal);
        match answer {
            Answer::Approved => Ok(()),
            Answer::TimedOut => bail!("no answer in time; nothing was changed"),
            Answer::Interrupted(number) => {
                bail!("interrupted by signal {number}; nothing was changed")
            }
            Answer::Refused => bail!("not approved; nothing was changed"),
        }
    }

    /// Shows a text and asks for a phrase; where keys can be pushed into the terminal, for a signature
    /// as well.
    pub(super) fn agrees_to(
        &mut self,
        text: &str,
        phrase: &str,
        statement: &Statement,
    ) -> anyhow::Result<Option<Proof>> {
        self.agrees(text, phrase)?;
        if self.trust == Trust::Person {
            return Ok(None);
        }
        self.sign(statement, None).map(Some)
    }

    /// Lets the person sign a statement; its text and the proof.
    pub(super) fn sign(
        &mut self,
        statement: &Statement,
        key: Option<&Path>,
    ) -> anyhow::Result<Proof> {
        let text = statement_text(statement).map_err(|error| anyhow!(error))?;
        self.sign_text(text, key)
    }

    /// Lets the person sign a statement that others have signed, or will.
    pub(super) fn sign_text(&mut self, text: String, key: Option<&Path>) -> anyhow::Result<Proof> {
        let prover = Prover {
            keys: self.office.keys.clone(),
            state: &self.office.state,
            time: self.time(),
            evidence: &self.evidence,
        };
        let signature = prover
            .prove(&mut self.terminal, &text, key)
            .map_err(|error| anyhow!("{error}; nothing was changed"))?;
        self.office.proven(text, signature)
    }
}

/// How long, as people write it: `30m`, `2h`, `1d`.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    humantime::parse_duration(text)
        .map(|duration| duration.as_secs())
        .ok()
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| format!("{text:?} is no duration like 30m, 2h or 1d"))
}
