//! `guard approve`: a person looks at a blocked command, measures it afresh, and signs.

use guard_core::name::ToolName;
use guard_core::tool::Origin;
use guard_ground::atomic::{self, Promise};
use guard_ground::text;
use guard_toolbox::TOOLBOX;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use super::terminal::{AtTerminal, Office};
use super::{menu, pending};
use guard_audit::entry::{Entry, Proof};
use guard_core::agent::Agent;
use guard_core::context::{Consult, Context};
use guard_core::inputs;
use guard_core::invocation::Word;
use guard_core::message;
use guard_core::preview::Preview;
use guard_core::verdict::Verdict;
use guard_ground::exit_code;
use guard_ground::sanitize;
use guard_ground::shelf::{self, Item};
use guard_person::identity::{means_something, starts_programs};
use guard_person::requests::{Desk, Request};
use guard_person::size::Size;
use guard_person::statement::{Kind, Signed, Statement};
use guard_words::Effect;

/// How long a statement that is signed elsewhere is good for.
const ELSEWHERE_SECONDS: u64 = 3600;

/// Options of `guard approve`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The request's id, as the blocked command printed it; without one you choose from a list.
    id: Option<String>,
    /// Sign with this private key instead of guard's own.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Print the statement to sign elsewhere: `ssh-keygen -Y sign -n guard -f KEY FILE`.
    #[arg(long, conflicts_with_all = ["key", "signature"], requires = "id")]
    statement: bool,
    /// Approve with the signature that ssh-keygen made of the statement.
    #[arg(long, value_name = "FILE", conflicts_with = "key", requires = "id")]
    signature: Option<PathBuf>,
}

/// Runs `guard approve`.
pub(super) fn run(options: &Options) -> anyhow::Result<i32> {
    let office = Office::open()?;
    let desk = office.desk();
    if let Some(file) = &options.signature {
        return with_signature(&office, &desk, options, file);
    }
    let mut person = if options.statement {
        None
    } else {
        Some(office.person()?)
    };
    let (item, request) = match (&options.id, &mut person) {
        (Some(id), _) => find(&desk, id)?,
        (None, Some(person)) => choose(&desk, person)?,
        (None, None) => bail!("which request? See: guard pending"),
    };
    let Some(_answering) = item.answering().context("the request")? else {
        bail!("somebody is answering {} right now", request.id);
    };
    let command = Replayed::of(&request)?;
    let looked = command.look(&office, &request)?;
    if looked.verdict.effect == Effect::Deny {
        let _ = item.remove();
        bail!(
            "{}: this is never allowed, so nobody can approve it",
            request.id
        );
    }
    if looked.verdict.effect < Effect::Confirm {
        let _ = item.remove();
        println!(
            "{}: the command runs by itself when it is tried again.",
            match looked.verdict.effect {
                Effect::Backup => "What would be lost can be saved first",
                _ => "Nothing would be lost any more",
            }
        );
        return Ok(exit_code::OK);
    }
    let Some(person) = &mut person else {
        let statement = command.statement(&request, &looked, ELSEWHERE_SECONDS);
        return print_statement(&item, &statement);
    };
    let text = screen(&request, &looked);
    let phrase = message::phrase(&command.argv, &looked.verdict);
    person.agrees(&text, &phrase)?;
    let seconds = whole_seconds(office.rules.limits.grant_seconds);
    let several = looked.verdict.approvals() > 1;
    let earlier = several.then(|| Replayed::earlier(&office, &desk, &request, &looked.size));
    let statement = match earlier.flatten() {
        Some(earlier) => earlier,
        None => guard_person::ask::statement_text(&command.statement(&request, &looked, seconds))
            .map_err(|error| anyhow!(error))?,
    };
    let proof = person.sign_text(statement, options.key.as_deref())?;
    let evidence = person.evidence.clone();
    let outcome = grant(
        &office,
        &desk,
        &item,
        &request,
        &looked.verdict,
        proof,
        evidence,
    )?;
    person.show(&outcome);
    Ok(exit_code::OK)
}

/// Seconds from the rules, which are checked when they are loaded.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn whole_seconds(seconds: f64) -> u64 {
    seconds as u64
}

fn find(desk: &Desk, id: &str) -> anyhow::Result<(Item, Request)> {
    let wanted = shelf::spell(id);
    desk.pending()
        .into_iter()
        .find(|(item, _)| item.id == wanted)
        .ok_or_else(|| {
            anyhow!(
                "no request {} waits: it was answered, has expired, or never was. See: guard pending",
                sanitize::text(&wanted)
            )
        })
}

fn choose(desk: &Desk, person: &mut AtTerminal<'_>) -> anyhow::Result<(Item, Request)> {
    let mut waiting = desk.pending();
    if waiting.len() <= 1 {
        return waiting
            .pop()
            .ok_or_else(|| anyhow!("nothing waits for an approval"));
    }
    if menu::has_terminal() {
        let lines: Vec<String> = waiting
            .iter()
            .map(|(_, request)| pending::line(request, 200))
            .collect();
        return Ok(waiting.swap_remove(menu::one("Which one?", &lines)?));
    }
    let mut text = String::from("\n");
    for (_, request) in waiting.iter().rev().take(30).rev() {
        text.push_str(&pending::line(request, 80));
        text.push('\n');
    }
    text.push_str("\nWhich one? (its id; Enter for none) ");
    person.show(&text);
    let time = person.time();
    let answer = guard_person::prompt::answer(&mut person.terminal, time);
    let Some(answer) = answer.filter(|answer| !answer.is_empty()) else {
        bail!("nothing was chosen");
    };
    find(desk, &answer)
}

/// A blocked command, as it would be run again.
struct Replayed {
    tool: ToolName,
    argv: Vec<OsString>,
    context: Context,
    /// It came with variables of its own that name programs. Measuring it would start them here,
    /// outside of whatever holds the agent.
    starts_programs: bool,
}

/// What a fresh look at it found.
struct FreshLook {
    verdict: Verdict,
    /// What is shown, and signed.
    size: Size,
    lines: Vec<String>,
    /// The fresh look could not measure it, so what the shim measured is shown.
    from_the_shim: bool,
}

impl Replayed {
    /// Takes the request's command, and nothing else that it says, for true.
    fn of(request: &Request) -> anyhow::Result<Self> {
        let tool = TOOLBOX.named(&request.tool);
        if !request.is_consistent(&TOOLBOX) || request.argv.is_empty() {
            bail!(
                "the request {} was changed after guard wrote it; nothing was approved",
                sanitize::text(&request.id)
            );
        }
        let own = TOOLBOX.of(&tool).variables();
        let recorded = |name: &str| request.variables.iter().any(|(one, _)| one == name);
        let mut overlay: Vec<(OsString, Option<OsString>)> = std::env::vars_os()
            .filter(|(name, _)| {
                name.to_str()
                    .is_some_and(|name| means_something(own, name) && !recorded(name))
            })
            .map(|(name, _)| (name, None))
            .collect();
        overlay.extend(
            request
                .variables
                .iter()
                .map(|(name, value)| (name.into(), Some(value.0.clone()))),
        );
        let mut context = Context::new(TOOLBOX.nested, request.directory(), Consult::Tools)
            .with_variables(overlay);
        context.input = guard_core::context::Input::Unknown;
        // It is about to run: what is missing now stays missing.
        context.live = true;
        let starts_programs = request.variables.iter().any(|(name, value)| {
            starts_programs(name) && std::env::var_os(name).as_ref() != Some(&value.0)
        });
        Ok(Self {
            starts_programs,
            tool,
            argv: request.command(),
            context,
        })
    }

    /// Judges and measures it now.
    fn look(&self, office: &Office, request: &Request) -> anyhow::Result<FreshLook> {
        let words: Vec<Word> = self.argv.iter().skip(1).map(Word::known).collect();
        let invocation = TOOLBOX.read(&self.tool, &words, &self.context);
        let reads_input = TOOLBOX.inputs(&invocation).contains(&Origin::Input);
        let inputs =
            inputs::digest(&TOOLBOX, &invocation, &self.context).context("what it reads")?;
        if !reads_input && inputs != request.inputs {
            bail!(
                "the files that it reads have changed since it was blocked; let the agent run it again"
            );
        }
        let agent = request.workspace.as_ref().map(|directory| Agent {
            name: "an agent",
            evidence: String::new(),
            directory: Some(PathBuf::from(&directory.0)),
        });
        let mut judge = office.judge(&self.context).for_agent(agent);
        if self.starts_programs {
            judge =
                judge.unmeasured("its variables can start programs, so it is not measured here");
        }
        let verdict = judge.judge(&invocation);
        let unmeasured = matches!(verdict.preview, Preview::Unknown(..) | Preview::Skipped);
        if unmeasured && request.size.status == "exact" {
            // The shim compares with what it measures itself, so a size that is not true only
            // makes the approval useless.
            return Ok(FreshLook {
                verdict,
                size: request.size.clone(),
                lines: request
                    .lines
                    .iter()
                    .map(|line| sanitize::text(line))
                    .collect(),
                from_the_shim: true,
            });
        }
        Ok(FreshLook {
            size: Size::of(&verdict.preview),
            lines: message::stakes(&verdict),
            verdict,
            from_the_shim: false,
        })
    }

    fn statement(&self, request: &Request, looked: &FreshLook, seconds: u64) -> Statement {
        Statement {
            command: guard_ground::mask::masked(&self.argv),
            directory: request
                .directory()
                .as_deref()
                .map_or_else(String::new, sanitize::path),
            fingerprint: request.fingerprint.clone(),
            size: looked.size.clone(),
            shown: looked.lines.clone(),
            approvals: looked.verdict.approvals(),
            ..Statement::new(Kind::Grant, &request.id, seconds)
        }
    }

    /// The statement that somebody else has signed already, if this person is shown no more than
    /// they were.
    fn earlier(office: &Office, desk: &Desk, request: &Request, size: &Size) -> Option<String> {
        let signers = office.approvers().ok()?;
        desk.grants_for(&request.fingerprint)
            .into_iter()
            .find_map(|(_, signed)| {
                let verified = signed.verify(&signers).ok()?;
                let statement = &verified.statement;
                (statement.kind == Kind::Grant
                    && statement.is_current()
                    && statement.fingerprint == request.fingerprint
                    && statement.size.covers(size))
                .then_some(signed.statement)
            })
    }
}

/// The screen: what, where, how much, by whom, since when.
fn screen(request: &Request, looked: &FreshLook) -> String {
    let directory = request
        .directory()
        .as_deref()
        .map_or_else(|| "?".to_owned(), sanitize::path);
    let argv = request.command();
    let color = text::colored();
    let mut text = message::question(&argv, &looked.verdict, &directory, color);
    let mut row = |name: &str, value: &str| {
        text.push_str(&text::row(name, &sanitize::text(value)));
    };
    row("request", &request.id);
    row(
        "by",
        &format!(
            "{}{}",
            request.agent.as_deref().unwrap_or("no agent that is known"),
            if request.tries > 1 {
                format!(", tried {} times", request.tries)
            } else {
                String::new()
            }
        ),
    );
    row(
        "since",
        &format!(
            "{} ago",
            text::duration(guard_person::statement::now().saturating_sub(request.issued))
        ),
    );
    for (name, value) in &request.variables {
        if name != "HOME" {
            let value = guard_ground::mask::mask(&sanitize::os(&value.0));
            row("with", &format!("{name}={value}"));
        }
    }
    if looked.from_the_shim {
        text.push_str(
            "\n  It cannot be measured from here. When it was blocked, guard measured:\n",
        );
        for line in &looked.lines {
            text.push_str(&text::wrapped(&format!("    {line}")));
        }
    }
    if looked.verdict.approvals() > 1 {
        let _ = writeln!(
            text,
            "\n  It takes the approvals of {} people.",
            looked.verdict.approvals()
        );
    }
    text
}

/// Writes down that somebody approved, then lets the command be run.
fn grant(
    office: &Office,
    desk: &Desk,
    item: &Item,
    request: &Request,
    verdict: &Verdict,
    proof: Proof,
    evidence: Vec<String>,
) -> anyhow::Result<String> {
    let lock = desk.grants.lock().context("the approvals")?;
    let mut signed = Signed {
        statement: proof.statement.clone(),
        signatures: proof.signatures.clone(),
    };
    for (_, earlier) in desk.grants_for(&request.fingerprint) {
        if earlier.statement == signed.statement {
            signed.signatures.splice(0..0, earlier.signatures);
        }
    }
    let signers = office.approvers()?;
    let verified = signed.verify(&signers).map_err(|error| anyhow!(error))?;
    let wanted = verdict.approvals();
    let is_enough = verified.has_enough(wanted);
    if verified.signers.len() < signed.signatures.len() {
        bail!("you have approved it already; it takes somebody else besides");
    }
    let who = proof.signers.join(", ");
    let entry = Entry {
        agent: request.agent.clone(),
        evidence,
        request: Some(request.id.clone()),
        proof: Some(proof),
        ..Entry::of_command(
            &TOOLBOX.named(&request.tool),
            &request.command(),
            request.directory().as_deref(),
            verdict,
            &format!("approval given by {who}"),
        )
    };
    office.log(&entry)?;
    desk.grants
        .put(&request.id, &request.fingerprint, &signed)
        .context("the approval cannot be written")?;
    drop(lock);
    if is_enough {
        let _ = item.remove();
        let left = verified
            .statement
            .expires
            .saturating_sub(guard_person::statement::now());
        return Ok(format!(
            "\nApproved. The same command runs once within the next {}.\n",
            text::duration(left)
        ));
    }
    Ok(format!(
        "\nApproved by {} of {} people: guard approve {}\n",
        verified.signers.len(),
        wanted,
        request.id
    ))
}

fn statement_file(item: &Item) -> PathBuf {
    item.path().with_extension("statement")
}

/// Prints a statement to sign elsewhere, and keeps it for the signature to come.
fn print_statement(item: &Item, statement: &Statement) -> anyhow::Result<i32> {
    let text = guard_person::ask::statement_text(statement).map_err(|error| anyhow!(error))?;
    atomic::write(&statement_file(item), text.as_bytes(), Promise::KEPT)
        .context("the statement")?;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).context("standard output")?;
    Ok(exit_code::OK)
}

/// The signature is the proof; who hands it in does not matter.
fn with_signature(
    office: &Office,
    desk: &Desk,
    options: &Options,
    file: &Path,
) -> anyhow::Result<i32> {
    let (item, request) = find(desk, options.id.as_deref().unwrap_or_default())?;
    let Some(_answering) = item.answering().context("the request")? else {
        bail!("somebody is answering {} right now", request.id);
    };
    let text = shelf::read_text(&statement_file(&item)).map_err(|_| {
        anyhow!(
            "no statement of {} was printed; first: guard approve {} --statement",
            request.id,
            request.id
        )
    })?;
    let signature = shelf::read_text(file).with_context(|| sanitize::path(file))?;
    let proof = office.proven(text, signature)?;
    let statement: Statement = serde_json::from_str(&proof.statement).context("the statement")?;
    let fits = statement.kind == Kind::Grant
        && statement.fingerprint == request.fingerprint
        && statement.is_current();
    if !fits {
        bail!("the statement is for another command, or has expired");
    }
    let command = Replayed::of(&request)?;
    let looked = command.look(office, &request)?;
    if looked.verdict.effect == Effect::Deny || !statement.size.covers(&looked.size) {
        bail!("more would be lost now than was signed for; print the statement again");
    }
    let evidence = vec!["signed elsewhere".to_owned()];
    let outcome = grant(
        office,
        desk,
        &item,
        &request,
        &looked.verdict,
        proof,
        evidence,
    )?;
    let _ = std::fs::remove_file(statement_file(&item));
    print!("{outcome}");
    Ok(exit_code::OK)
}
