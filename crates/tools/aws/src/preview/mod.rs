//! What an AWS command would destroy, asked of the services with the real CLI, which only reads.

mod account;
mod bucket;
mod client;
mod compute;
mod data;
mod dry_run;
mod expire;
mod listing;
mod look;
mod objects;
mod s3;
mod stack;
mod tags;

use client::{AwsProbe, Measured};

use super::backup::Things;
use super::table;
use guard_core::context::Context;
use guard_core::invocation::Invocation;
use guard_core::loss::{Loss, Lot, Phrase};
use guard_core::preview::{Budget, Preview};
use guard_words::Measure;

/// Measures a command that a rule has matched.
pub fn measure(invocation: &Invocation, context: &Context, budget: &Budget) -> Preview {
    let unknown = |why: String| Preview::Unknown(why, Loss::default());
    if let Some(progress) = &budget.progress {
        progress.show("asking AWS");
    }
    if invocation.unread {
        return unknown("a file that holds parameters cannot be read".to_owned());
    }
    let aws = match AwsProbe::new(invocation, context, budget) {
        Ok(aws) => aws,
        Err(why) => return unknown(why),
    };
    if let Some(known) = without_looking(invocation) {
        return known;
    }
    let identity = account::start(&aws, invocation);
    let mut preview = look_at(&aws, invocation, context).unwrap_or_else(unknown);
    if preview.is_harmless() {
        return preview;
    }
    find_again(&mut preview, invocation, context);
    preview.and(Preview::Exact(Loss {
        facts: vec![account::line(identity, invocation, context)],
        ..Loss::default()
    }))
}

/// Says of what has to be saved where it is found.
fn find_again(preview: &mut Preview, invocation: &Invocation, context: &Context) {
    let (Preview::Exact(loss) | Preview::Estimate(loss) | Preview::Unknown(_, loss)) = preview
    else {
        return;
    };
    for mut things in loss.saves.take::<Things>() {
        things.found_by(invocation, context);
        loss.saves.push(things);
    }
}

/// Notes what has to be saved. `whole` says that this brings back all of the loss.
fn saving(loss: &mut Loss, things: Things, whole: bool) {
    if things.is_empty() {
        return;
    }
    loss.saves.push(things);
    for lot in &mut loss.lots {
        lot.kept = whole;
    }
}

/// What the arguments alone say to be no loss.
fn without_looking(invocation: &Invocation) -> Option<Preview> {
    let nothing = match invocation.verb.as_slice() {
        [service, command, ..] if service == "s3" && (command == "cp" || command == "mv") => {
            s3::goes_to_files(invocation)
        }
        _ => expire::expires_nothing(invocation),
    };
    nothing.then(|| Preview::Exact(Loss::default()))
}

fn look_at(aws: &AwsProbe<'_>, invocation: &Invocation, context: &Context) -> Measured<Preview> {
    let [service, operation, ..] = invocation.verb.as_slice() else {
        return Err("guard does not know the command".to_owned());
    };
    match (&**service, &**operation) {
        ("s3", "rm") => s3::remove(aws, invocation),
        ("s3", "cp" | "mv") => s3::overwrite(aws, invocation),
        ("s3", "sync") => s3::sync(aws, invocation, context),
        ("s3", "rb") | ("s3api", "delete-bucket") => objects::bucket(aws, invocation),
        ("s3api", "delete-object") => objects::delete_one(aws, invocation),
        ("s3api", "delete-objects") => objects::delete_several(aws, invocation),
        ("s3api", "put-object" | "copy-object") => objects::overwrite(aws, invocation),
        ("ec2", "terminate-instances") => compute::terminate(aws, invocation),
        ("cloudformation", "delete-stack") => stack::delete(aws, invocation),
        ("cloudformation", "execute-change-set") => stack::execute(aws, invocation),
        ("dynamodb", "delete-table") => data::table(aws, invocation),
        ("dynamodb", "delete-item") => data::item(aws, invocation),
        ("dynamodb", "batch-write-item" | "transact-write-items") => data::batch(invocation),
        ("sqs", "purge-queue" | "delete-queue") => data::queue(aws, invocation),
        ("logs", "delete-log-group") => data::log_group(aws, invocation),
        ("logs", "put-retention-policy") => expire::log_retention(aws, invocation),
        (service, operation) => {
            let known = table::find(service, operation);
            match known.and_then(|known| known.look()) {
                Some(look) => look::at(aws, invocation, service, &look),
                None => Err("guard knows no way to look at what it changes".to_owned()),
            }
        }
    }
}

/// A loss of things of one sort.
fn loss_of(lot: Lot, verb: &'static str, place: String) -> Loss {
    let mut loss = Loss {
        phrase: Phrase { verb, place },
        ..Loss::default()
    };
    loss.add(lot);
    loss
}

/// A lot of which everything was counted.
fn lot(measure: Measure, count: u64, bytes: Option<u64>, what: &str, examples: Vec<String>) -> Lot {
    Lot {
        measure,
        count,
        at_least: false,
        kept: false,
        bytes,
        what: what.to_owned(),
        examples,
    }
}

/// Nothing would be lost, and why.
fn nothing(why: impl Into<String>) -> Preview {
    let mut loss = Loss::default();
    loss.fact(why);
    Preview::Exact(loss)
}
