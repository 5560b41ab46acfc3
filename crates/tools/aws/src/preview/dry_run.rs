//! The dry run of a high-level S3 command: which keys and files it would delete or write.

use std::ffi::OsString;

use super::client::{AwsProbe, Measured, PendingLook};
use guard_core::invocation::Invocation;

/// Options that decide which keys a command works on; a dry run gets no others.
const KEPT: [&str; 15] = [
    "case-conflict",
    "delete",
    "exact-timestamps",
    "exclude",
    "follow-symlinks",
    "force-glacier-transfer",
    "ignore-glacier-warnings",
    "include",
    "no-follow-symlinks",
    "no-overwrite",
    "page-size",
    "recursive",
    "request-payer",
    "size-only",
    "source-region",
];

/// Starts the command's own dry run.
pub(super) fn start_dry_run(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<PendingLook> {
    let mut words: Vec<OsString> = invocation
        .verb
        .iter()
        .map(|word| (&**word).into())
        .collect();
    for flag in &invocation.flags {
        if !KEPT.contains(&&*flag.long) {
            continue;
        }
        let mut word = OsString::from(format!("--{}", flag.long));
        if let Some(value) = &flag.value {
            word.push("=");
            word.push(value);
        }
        words.push(word);
    }
    words.push("--dryrun".into());
    if invocation.verb.last().is_some_and(|word| word != "rm") {
        words.push("--no-progress".into());
    }
    words.extend(invocation.operands.iter().map(|word| word.text.clone()));
    aws.start(&words)
}

/// What a dry run says.
pub(super) struct DryRun {
    /// `delete` and `upload`, `copy`, `move`, with what they would delete or write.
    pub(super) steps: Vec<(String, String)>,
    /// Some lines are none of its own: a key holds a line break.
    pub(super) odd: bool,
}

/// Waits for what the dry run says.
pub(super) fn dry_run(pending: Measured<PendingLook>) -> Measured<DryRun> {
    let answer = pending?.answer()?;
    // 2 stands for files that were skipped, with the others done (AWS CLI reference, return codes).
    if !answer.success && answer.code != Some(2) {
        return Err(format!("aws says: {}", answer.complaint()));
    }
    Ok(read_dry_run(&String::from_utf8_lossy(&answer.output)))
}

/// `(dryrun) delete: s3://b/k`, `(dryrun) upload: ./k to s3://b/k`
/// (`awscli/customizations/s3/results.py`).
fn read_dry_run(output: &str) -> DryRun {
    let mut found = DryRun {
        steps: Vec::new(),
        odd: false,
    };
    for line in output.lines().filter(|line| !line.is_empty()) {
        let step = line
            .strip_prefix("(dryrun) ")
            .and_then(|line| line.split_once(": "));
        let Some((what, rest)) = step else {
            found.odd = true;
            continue;
        };
        let target = if what == "delete" {
            rest
        } else {
            rest.rsplit_once(" to ").map_or(rest, |(_, to)| to)
        };
        found.steps.push((what.to_owned(), target.to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_of_dry_runs() {
        let dry = read_dry_run(
            "(dryrun) delete: s3://b/a b\n(dryrun) upload: ./x to y to s3://b/k\n(dryrun) copy: s3://a/k to s3://b/k\n",
        );
        assert!(!dry.odd);
        let steps: Vec<String> = dry.steps.iter().map(|(a, b)| format!("{a} {b}")).collect();
        assert_eq!(
            steps,
            ["delete s3://b/a b", "upload s3://b/k", "copy s3://b/k"]
        );
        assert!(read_dry_run("(dryrun) delete: s3://b/a\nb\n").odd);
    }

    proptest! {
        #[test]
        fn every_line_is_a_step_or_odd(lines in prop::collection::vec("(\\(dryrun\\) )?(delete: |copy: )?[ -~]{1,20}", 0..8)) {
            let dry = read_dry_run(&lines.join("\n"));
            prop_assert!(dry.odd || dry.steps.len() == lines.len());
        }
    }
}
