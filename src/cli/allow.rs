//! `guard allow`: one command may run for a while without being asked about.

use guard_core::tool::Origin;
use guard_ground::text;
use guard_toolbox::TOOLBOX;
use std::ffi::OsString;
use std::io::Write as _;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use super::terminal::{Office, seconds};
use guard_audit::entry::Entry;
use guard_core::context::{Consult, Context};
use guard_core::inputs;
use guard_core::invocation::Word;
use guard_core::message;
use guard_ground::exit_code;
use guard_ground::sanitize;
use guard_ground::shelf;
use guard_person::approval::REVOKED;
use guard_person::identity::Identity;
use guard_person::size::Size;
use guard_person::statement::{Kind, Signed, Statement, now};
use guard_words::Effect;

/// No exception lasts longer.
const MAX_SECONDS: u64 = 24 * 3600;

/// Options of `guard allow`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// For how long: 30m, 2h; a day at most.
    #[arg(long = "for", value_name = "T", value_parser = seconds, required_unless_present_any = ["list", "revoke"])]
    time: Option<u64>,
    /// Show the exceptions that hold.
    #[arg(long, conflicts_with_all = ["time", "revoke", "command"])]
    list: bool,
    /// Take an exception back.
    #[arg(long, value_name = "ID", conflicts_with_all = ["time", "command"])]
    revoke: Option<String>,
    /// The command, after `--`: exactly these words, in this directory.
    #[arg(trailing_var_arg = true, value_name = "CMD", required_unless_present_any = ["list", "revoke"])]
    command: Vec<OsString>,
}

/// Runs `guard allow`.
pub(super) fn run(options: &Options) -> anyhow::Result<i32> {
    let office = Office::open()?;
    if options.list {
        return list(&office);
    }
    if let Some(id) = &options.revoke {
        return revoke(&office, id);
    }
    add(&office, &options.command, options.time.unwrap_or(0))
}

fn add(office: &Office, command: &[OsString], time: u64) -> anyhow::Result<i32> {
    if time > MAX_SECONDS {
        bail!("an exception lasts a day at most");
    }
    let name = command.first().cloned().unwrap_or_default();
    let tool = TOOLBOX
        .find(&name, office.rules.added_tools())
        .ok_or_else(|| anyhow!("{} is no tool that guard covers", sanitize::os(&name)))?;
    let context = Context::new(TOOLBOX.nested, std::env::current_dir().ok(), Consult::Tools);
    let words: Vec<Word> = command.iter().skip(1).map(Word::known).collect();
    let invocation = TOOLBOX.read(&tool, &words, &context);
    let judge = office.judge(&context);
    let verdict = judge.judge(&invocation);
    if verdict.effect == Effect::Deny {
        bail!("this is never allowed, so there is no exception for it");
    }
    if verdict.rules.is_empty() {
        bail!("this runs without a question already");
    }
    let sources = TOOLBOX.inputs(&invocation);
    if sources.contains(&Origin::Input) {
        bail!("it reads its standard input, which can hold something else each time");
    }
    let digest = inputs::digest(&TOOLBOX, &invocation, &context).context("what it reads")?;
    let identity = Identity::of(
        &TOOLBOX,
        &tool,
        command,
        &context,
        std::env::vars_os(),
        digest,
    );
    let directory = context
        .directory
        .as_deref()
        .map_or_else(|| "?".to_owned(), sanitize::path);
    let mut person = office.person()?;
    let shown = message::shown(command);
    let duration = text::duration(time);
    let mut text = message::question(command, &verdict, &directory, text::colored());
    text.push_str(&text::wrapped(&format!(
        "  For {duration} this command runs in this directory without a question, as often as it is \
         called, whatever it would lose by then."
    )));
    person.agrees(&text, &format!("allow for {duration}"))?;
    let desk = office.desk();
    let lock = desk.exceptions.lock().context("the exceptions")?;
    let evidence = person.evidence.clone();
    let statement = Statement {
        command: guard_ground::mask::masked(command),
        directory,
        fingerprint: identity.fingerprint.clone(),
        size: Size::of(&verdict.preview),
        shown: message::stakes(&verdict),
        approvals: verdict.approvals(),
        ..Statement::new(Kind::Exception, "exception", time)
    };
    if statement.approvals > 1 {
        bail!(
            "it takes the approvals of {} people, each time",
            statement.approvals
        );
    }
    let proof = person.sign(&statement, None)?;
    office.log(&Entry {
        evidence,
        proof: Some(proof.clone()),
        ..Entry::of_command(
            &tool,
            command,
            context.directory.as_deref(),
            &verdict,
            &format!("allowed for {duration} by {}", proof.signers.join(", ")),
        )
    })?;
    let signed = Signed {
        statement: proof.statement,
        signatures: proof.signatures,
    };
    let id = desk
        .exceptions
        .add(&lock, &identity.fingerprint, |_| signed.clone())
        .context("the exception cannot be written")?;
    person.show(&format!(
        "\nAllowed for {duration}: {shown}\nTake it back with: guard allow --revoke {id}\n"
    ));
    Ok(exit_code::OK)
}

fn list(office: &Office) -> anyhow::Result<i32> {
    let signers = office.approvers()?;
    let mut out = std::io::stdout().lock();
    let mut any = false;
    for item in office.desk().exceptions.items() {
        let verified = item
            .read::<Signed>()
            .map_err(|error| error.to_string())
            .and_then(|signed| signed.verify(&signers));
        let Ok(verified) = verified else { continue };
        let statement = &verified.statement;
        if statement.kind != Kind::Exception || !statement.is_current() {
            continue;
        }
        any = true;
        writeln!(
            out,
            "{}  {} left  {}  (in {}, by {})",
            item.id,
            text::duration(statement.expires.saturating_sub(now())),
            sanitize::command(&statement.command, 200),
            sanitize::text(&statement.directory),
            verified.names()
        )
        .context("standard output")?;
    }
    if !any {
        writeln!(out, "No exception holds.").context("standard output")?;
    }
    Ok(exit_code::OK)
}

/// Taking back needs no proof: it can only stop something.
fn revoke(office: &Office, id: &str) -> anyhow::Result<i32> {
    let item = office.desk().exceptions.by_id(id).ok_or_else(|| {
        anyhow!(
            "no exception {}; see: guard allow --list",
            sanitize::text(&shelf::spell(id))
        )
    })?;
    let signed: Signed = item.read().context("the exception")?;
    let statement: Statement = serde_json::from_str(&signed.statement).context("the exception")?;
    office.log(&Entry {
        used: Some(statement.nonce),
        request: Some(item.id.clone()),
        argv: statement.command,
        ..Entry::of_guard(
            &[],
            &format!("{REVOKED} by {}", guard_ground::install::user_name()),
        )
    })?;
    item.remove().context("the exception")?;
    println!("Revoked.");
    Ok(exit_code::OK)
}
