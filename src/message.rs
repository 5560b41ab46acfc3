//! What the agent is told: the last sentence of every way that a command can take. What a verdict is
//! in words stands in [`core::message`](guard_core::message).

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use guard_core::message;
use guard_core::verdict::Verdict;
use guard_ground::{sanitize, text};
use guard_person::hold::Freeze;
use guard_person::next::Next;
use guard_person::statement::now;

/// The message for the agent: what is blocked, why, and what to do now.
pub fn blocked(argv: &[OsString], verdict: &Verdict, next: &Next) -> String {
    let mut text = match next {
        Next::Frozen(freeze) => return frozen(argv, freeze),
        Next::Planned(number) => return planned(argv, verdict, *number),
        Next::Unrecorded(why) => return unrecorded(argv, why),
        Next::Ended(how) => return ended(argv, how),
        _ => String::new(),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "guard: blocked: {}", message::shown(argv));
    for line in message::stakes(verdict) {
        let _ = writeln!(text, "  {line}");
    }
    for line in message::reasons(verdict) {
        let _ = writeln!(text, "  because it {line}");
    }
    match next {
        Next::Denied => {
            let _ = writeln!(
                text,
                "  This is never allowed here, and nothing was changed."
            );
        }
        Next::Nothing(why) => {
            let _ = writeln!(text, "  {why}\n  Nothing was changed.");
        }
        Next::Refused(refusal) => {
            let _ = write!(
                text,
                "  A person refused this ({}, request {}).",
                sanitize::text(&refusal.by),
                sanitize::text(&refusal.id)
            );
            if let Some(reason) = &refusal.reason {
                let _ = write!(text, " They say: {}", sanitize::text(reason));
            }
            let _ = writeln!(text, "\n  Nothing was changed.");
        }
        Next::Approve {
            why,
            request,
            has_key,
        } => {
            let id = &request.id;
            let _ = writeln!(text, "  {why}");
            let _ = writeln!(
                text,
                "  Nothing was changed. A person must approve it in a terminal of their own: guard approve {id}"
            );
            if !has_key {
                let _ = writeln!(
                    text,
                    "  (Before their first approval they set a passphrase there: guard key init)"
                );
            }
            let _ = writeln!(
                text,
                "  Tell them what you wanted to do and why. Once they have approved, run the same command \
                 again; the request is kept for {}.",
                text::duration(request.expires.saturating_sub(now()))
            );
        }
        Next::Frozen(_) | Next::Planned(_) | Next::Unrecorded(_) | Next::Ended(_) => {}
    }
    let _ = writeln!(
        text,
        "  Do not look for another way to the same end (another path, shell, language or tool)."
    );
    if let Some(rule) = verdict.rules.first() {
        let _ = writeln!(text, "  Safer: {}", sanitize::text(&rule.safer));
    }
    text
}

fn frozen(argv: &[OsString], freeze: &Freeze) -> String {
    let what = freeze.environment.as_ref().map_or_else(
        || "Everything that changes something".to_owned(),
        |name| {
            format!(
                "Everything that changes something in {}",
                sanitize::text(name)
            )
        },
    );
    let until = freeze.until.map_or_else(
        || "until a person ends it".to_owned(),
        |until| format!("for {} more", text::duration(until.saturating_sub(now()))),
    );
    format!(
        "guard: blocked: {}\n  {what} is frozen {until} (by {}, freeze {}).\n  Nothing was changed. \
         Commands that only read go on working. Only a person can end the freeze: guard thaw\n  \
         Do not look for another way to the same end (another path, shell, language or tool).\n",
        message::shown(argv),
        sanitize::text(&freeze.by),
        sanitize::text(&freeze.id),
    )
}

fn planned(argv: &[OsString], verdict: &Verdict, number: u32) -> String {
    let mut text = format!(
        "guard: not run, planned as number {number}: {}\n",
        message::shown(argv)
    );
    for line in message::stakes(verdict) {
        let _ = writeln!(text, "  {line}");
    }
    text.push_str(
        "  Plan mode is on: what changes something is recorded and not run. Go on planning as if it \
         had run, or tell the person that the plan is ready: guard plan apply\n",
    );
    text
}

fn unrecorded(argv: &[OsString], why: &str) -> String {
    format!(
        "guard: blocked: {}\n  Plan mode is on, and the plan cannot be written: {why}\n",
        message::shown(argv)
    )
}

/// A question that came to no answer.
fn ended(argv: &[OsString], how: &str) -> String {
    let name = argv.first().map(Path::new).and_then(Path::file_name);
    format!(
        "guard: blocked: {}: {how}; nothing was changed\n",
        name.map(sanitize::os).unwrap_or_default()
    )
}
