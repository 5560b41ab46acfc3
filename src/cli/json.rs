//! The answers of `guard check --batch` as JSON, byte for byte as serde writes them. Written here
//! because names and marks that are the same for every command go out in a piece, and most texts as
//! they are: serde looks at each byte of them, which was a tenth of the time of a batch.

use super::explained::{EnvironmentShown, Explained, ExplainedCommand, PreviewShown, RuleShown};

/// Writes an answer behind what `out` holds.
///
/// # Errors
/// When serde cannot write a text or a loss, which does not happen.
pub(super) fn write(explained: &Explained, out: &mut Vec<u8>) -> serde_json::Result<()> {
    // Taken apart without `..`, so that nobody forgets a new field here.
    let Explained {
        commands,
        verdict,
        problem,
    } = explained;
    out.extend_from_slice(b"{\"commands\":[");
    list(commands, out, one)?;
    out.extend_from_slice(b"],\"verdict\":");
    text(verdict, out)?;
    if let Some(problem) = problem {
        out.extend_from_slice(b",\"problem\":");
        text(problem, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn one(one: &ExplainedCommand, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let ExplainedCommand {
        tool,
        argv,
        verdict,
        rules,
        environment,
        preview,
        notes,
        effect: _,
        details: _,
    } = one;
    out.extend_from_slice(b"{\"tool\":");
    match tool {
        Some(tool) => text(tool, out)?,
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"argv\":[");
    list(argv, out, |word, out| text(word, out))?;
    out.extend_from_slice(b"],\"verdict\":");
    text(verdict, out)?;
    out.extend_from_slice(b",\"rules\":[");
    list(rules, out, rule)?;
    out.extend_from_slice(b"],\"environment\":");
    match environment {
        Some(EnvironmentShown { name, signals }) => {
            out.extend_from_slice(b"{\"name\":");
            text(name, out)?;
            out.extend_from_slice(b",\"signals\":[");
            list(signals, out, |signal, out| text(signal, out))?;
            out.extend_from_slice(b"]}");
        }
        None => out.extend_from_slice(b"null"),
    }
    let PreviewShown { status, loss, why } = preview;
    out.extend_from_slice(b",\"preview\":{\"status\":");
    text(status, out)?;
    out.extend_from_slice(b",\"loss\":");
    match loss {
        Some(loss) => serde_json::to_writer(&mut *out, loss)?,
        None => out.extend_from_slice(b"null"),
    }
    if let Some(why) = why {
        out.extend_from_slice(b",\"why\":");
        text(why, out)?;
    }
    out.extend_from_slice(b"},\"notes\":[");
    list(notes, out, |note, out| text(note, out))?;
    out.extend_from_slice(b"]}");
    Ok(())
}

fn rule(rule: &RuleShown, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let RuleShown {
        id,
        effect,
        reason,
        safer,
    } = rule;
    out.extend_from_slice(b"{\"id\":");
    text(id, out)?;
    out.extend_from_slice(b",\"effect\":");
    text(effect, out)?;
    out.extend_from_slice(b",\"reason\":");
    text(reason, out)?;
    out.extend_from_slice(b",\"safer\":");
    text(safer, out)?;
    out.push(b'}');
    Ok(())
}

/// The items of a list, with commas between them.
fn list<T>(
    items: &[T],
    out: &mut Vec<u8>,
    write: impl Fn(&T, &mut Vec<u8>) -> serde_json::Result<()>,
) -> serde_json::Result<()> {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(item, out)?;
    }
    Ok(())
}

/// A string. Printable ASCII but for the quote and the backslash stands in JSON as it is.
fn text(text: &str, out: &mut Vec<u8>) -> serde_json::Result<()> {
    // All bytes are looked at, without an early end: that goes many at a time.
    let plain = text.bytes().fold(true, |plain, byte| {
        plain & matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~')
    });
    if !plain {
        return serde_json::to_writer(out, text);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::explained::LossShown;
    use super::*;
    use guard_core::loss::Loss;
    use guard_words::Effect;

    fn command(odd: &str) -> ExplainedCommand {
        ExplainedCommand {
            tool: Some("rm".to_owned()),
            argv: vec!["rm".to_owned(), odd.to_owned(), String::new()],
            verdict: "confirm",
            rules: ["a", "b"]
                .map(|id| RuleShown {
                    id: id.into(),
                    effect: "confirm",
                    reason: "says \"so\"".into(),
                    safer: "".into(),
                })
                .into(),
            environment: Some(EnvironmentShown {
                name: "production".to_owned(),
                signals: vec![odd.to_owned(), "PGHOST= x".to_owned()],
            }),
            preview: PreviewShown {
                status: "estimate",
                loss: Some(LossShown::from(&Loss::default())),
                why: Some(odd.to_owned()),
            },
            notes: vec![odd.to_owned(), "ends in \\".to_owned()],
            effect: Effect::Confirm,
            details: None,
        }
    }

    #[test]
    fn as_serde_writes_it() {
        for odd in [
            "",
            "plain ~",
            "\"",
            "\\",
            "\n",
            "\u{7f}",
            "\u{1b}[2J",
            "ü",
            "文",
            "\0",
        ] {
            let bare = ExplainedCommand {
                tool: None,
                argv: Vec::new(),
                rules: Vec::new(),
                environment: None,
                preview: PreviewShown {
                    status: "skipped",
                    loss: None,
                    why: None,
                },
                notes: Vec::new(),
                ..command(odd)
            };
            for (commands, problem) in [
                (vec![command(odd), bare], Some(odd.to_owned())),
                (Vec::new(), None),
            ] {
                let explained = Explained {
                    commands,
                    verdict: "confirm",
                    problem,
                };
                let mut out = Vec::new();
                write(&explained, &mut out).unwrap();
                let expected = serde_json::to_string(&explained).unwrap();
                assert_eq!(String::from_utf8(out).unwrap(), expected);
            }
        }
    }
}
