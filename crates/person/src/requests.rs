//! What waits for a person: blocked commands, and the answers to them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::size::Size;
use super::statement::{Signed, now};
use guard_core::name::ToolName;
use guard_core::tool::Toolbox;
use guard_core::verdict::Verdict;
use guard_ground::bytes::Exact;
use guard_ground::shelf::{Item, Shelf};

/// A blocked command that waits for a person. The agent's user can write these files, so nothing in
/// one is believed but the command itself: what it would do is judged and measured anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Its id.
    pub id: String,
    /// When it was blocked, seconds since 1970.
    pub issued: u64,
    /// When it is forgotten.
    pub expires: u64,
    /// Whose command.
    pub user: String,
    /// The agent that ran it, if known.
    pub agent: Option<String>,
    /// The tool.
    pub tool: String,
    /// The command.
    pub argv: Vec<Exact>,
    /// Where it ran.
    pub cwd: Option<Exact>,
    /// Where the agent works, when that was known.
    pub workspace: Option<Exact>,
    /// The variables that change what it means.
    pub variables: Vec<(String, Exact)>,
    /// The digest of what it reads.
    pub inputs: Option<String>,
    /// The digest of all of it.
    pub fingerprint: String,
    /// The rules that stopped it.
    pub rules: Vec<String>,
    /// What it points at.
    pub environment: Option<String>,
    /// How much it would lose.
    pub size: Size,
    /// What it would lose, in words.
    pub lines: Vec<String>,
    /// How many different people have to approve.
    pub approvals: u32,
    /// How often it was tried.
    pub tries: u32,
}

/// A person's no.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// The request's id.
    pub id: String,
    /// Who said it.
    pub by: String,
    /// Why, for the agent to read.
    pub reason: Option<String>,
    /// When it is forgotten.
    pub expires: u64,
}

/// All shelves.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Blocked commands that nobody has answered.
    pub requests: Shelf,
    /// Signed approvals of single commands.
    pub grants: Shelf,
    /// Signed approvals until a time.
    pub exceptions: Shelf,
    /// Refusals.
    pub refusals: Shelf,
}

/// What a shim knows about a command that it blocks.
#[derive(Debug)]
pub struct Blocked<'a> {
    /// The tool.
    pub tool: &'a ToolName,
    /// The command.
    pub argv: &'a [OsString],
    /// Where it ran.
    pub directory: Option<&'a Path>,
    /// The agent above, with its directory.
    pub agent: Option<&'a guard_core::agent::Agent>,
    /// Which command it is.
    pub identity: &'a Identity,
    /// Why it is blocked.
    pub verdict: &'a Verdict,
    /// How long the request is kept, in seconds.
    pub seconds: u64,
}

impl Desk {
    /// The shelves below the state directory.
    pub fn new(state: &Path) -> Self {
        let shelf = |name: &str| Shelf::new(state.join(name));
        Self {
            requests: shelf("requests"),
            grants: shelf("grants"),
            exceptions: shelf("exceptions"),
            refusals: shelf("refusals"),
        }
    }

    /// Leaves a request, or finds the one that an earlier try of the same command left.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn leave(&self, blocked: &Blocked<'_>) -> std::io::Result<Request> {
        let lock = self.requests.lock()?;
        self.collect();
        let fingerprint = &blocked.identity.fingerprint;
        for item in self.requests.about(fingerprint) {
            if let Ok(earlier) = item.read::<Request>()
                && earlier.fingerprint == *fingerprint
            {
                let request = Request {
                    tries: earlier.tries.saturating_add(1),
                    issued: earlier.issued,
                    ..request(&item.id, blocked)
                };
                self.requests.put(&item.id, fingerprint, &request)?;
                return Ok(request);
            }
        }
        let made = |id: &str| request(id, blocked);
        let id = self.requests.add(&lock, fingerprint, made)?;
        Ok(request(&id, blocked))
    }

    /// The refusal of this command, if a person refused it.
    pub fn refusal(&self, fingerprint: &str) -> Option<Refusal> {
        self.refusals
            .about(fingerprint)
            .into_iter()
            .filter_map(|item| item.read::<Refusal>().ok())
            .find(|refusal| refusal.expires > now())
    }

    /// Signed grants for this command.
    pub fn grants_for(&self, fingerprint: &str) -> Vec<(Item, Signed)> {
        read_all(self.grants.about(fingerprint))
    }

    /// Signed exceptions for this command.
    pub fn exceptions_for(&self, fingerprint: &str) -> Vec<(Item, Signed)> {
        read_all(self.exceptions.about(fingerprint))
    }

    /// What waits and has not expired, the oldest first.
    pub fn pending(&self) -> Vec<(Item, Request)> {
        let mut pending: Vec<(Item, Request)> = read_all(self.requests.items());
        // A name that guard did not write into it would lead answers elsewhere.
        pending.retain(|(item, request)| {
            request.expires > now() && request.id == item.id && item.is_about(&request.fingerprint)
        });
        pending.sort_by_key(|(_, request)| request.issued);
        pending
    }

    /// Takes away what has expired. What cannot be read stays: a person may want to look.
    fn collect(&self) {
        #[derive(Deserialize)]
        struct Ends {
            expires: u64,
        }
        for item in self
            .requests
            .items()
            .into_iter()
            .chain(self.refusals.items())
        {
            if item.read::<Ends>().is_ok_and(|ends| ends.expires <= now()) {
                let _ = item.remove();
            }
        }
        for item in self
            .grants
            .items()
            .into_iter()
            .chain(self.exceptions.items())
        {
            let ends = item
                .read::<Signed>()
                .ok()
                .and_then(|signed| serde_json::from_str::<Ends>(&signed.statement).ok());
            if ends.is_some_and(|ends| ends.expires <= now()) {
                let _ = item.remove();
            }
        }
    }
}

fn read_all<T: serde::de::DeserializeOwned>(items: Vec<Item>) -> Vec<(Item, T)> {
    items
        .into_iter()
        .filter_map(|item| item.read().ok().map(|content| (item, content)))
        .collect()
}

fn request(id: &str, blocked: &Blocked<'_>) -> Request {
    let exact = |path: &Path| Exact::from(path.as_os_str());
    let verdict = blocked.verdict;
    let issued = now();
    Request {
        id: id.to_owned(),
        issued,
        expires: issued.saturating_add(blocked.seconds),
        user: guard_ground::install::user_name(),
        agent: blocked.agent.map(|agent| agent.name.to_owned()),
        tool: blocked.tool.to_string(),
        argv: blocked
            .argv
            .iter()
            .map(|word| Exact(word.clone()))
            .collect(),
        cwd: blocked.directory.map(exact),
        workspace: blocked
            .agent
            .and_then(|agent| agent.directory.as_deref())
            .map(exact),
        variables: blocked
            .identity
            .variables
            .iter()
            .map(|(name, value)| (name.clone(), Exact(value.clone())))
            .collect(),
        inputs: blocked.identity.inputs.clone(),
        fingerprint: blocked.identity.fingerprint.clone(),
        rules: verdict
            .rules
            .iter()
            .map(|rule| rule.id.to_string())
            .collect(),
        environment: verdict
            .environment
            .as_ref()
            .map(|environment| environment.name.clone()),
        size: Size::of(&verdict.preview),
        lines: guard_core::message::stakes(verdict),
        approvals: verdict.approvals(),
        tries: 1,
    }
}

impl Request {
    /// The command.
    pub fn command(&self) -> Vec<OsString> {
        self.argv.iter().map(|word| word.0.clone()).collect()
    }

    /// Where it ran.
    pub fn directory(&self) -> Option<PathBuf> {
        self.cwd.as_ref().map(|path| PathBuf::from(&path.0))
    }

    /// Whether guard could have written it: the digest in it is that of the command in it, and it sets
    /// no variables but those that tell commands apart.
    pub fn is_consistent(&self, tools: &Toolbox) -> bool {
        let tool = tools.named(&self.tool);
        let own = tools.of(&tool).variables();
        let variables: Vec<(String, OsString)> = self
            .variables
            .iter()
            .map(|(name, value)| (name.clone(), value.0.clone()))
            .collect();
        let directory = self.directory().unwrap_or_default();
        variables
            .iter()
            .all(|(name, _)| super::identity::means_something(own, name))
            && self.fingerprint
                == super::identity::fingerprint(
                    &tool,
                    &self.command(),
                    &directory,
                    &variables,
                    self.inputs.as_deref(),
                )
            && self.argv.iter().all(|word| !word.0.as_bytes().contains(&0))
    }
}
