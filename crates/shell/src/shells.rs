//! Wrappers that hand a string to a shell.

use super::ShellWord;
use super::expansion::bytes;
use super::grammar::TextReader;
use super::invoke::{Child, Run, Step, input_text};
use super::scope::Parameters;
use super::session::{Reading, Session, Stop};
use super::word::Mode;
use super::wrappers::{Wrapper, options, strip_to};

/// What the arguments of a shell say.
#[derive(Default)]
struct ShellArguments {
    /// `-c`: the first operand is read.
    command: bool,
    /// `-s`: the input is read whatever the operands are.
    stdin: bool,
    /// Where the operands begin.
    at: usize,
}

/// `bash`, `sh` and the others: POSIX `sh`, bash(1), zsh(1), ksh(1), fish(1).
pub(super) fn shell(
    session: &mut Session<'_>,
    run: &mut Run,
    wrapper: &'static Wrapper,
) -> Reading<Step> {
    let Some(arguments) = shell_arguments(run.words()) else {
        return Ok(run.unclear(wrapper.name));
    };
    let operands = run.words().get(arguments.at..).unwrap_or_default();
    let (first, rest) = match operands.split_first() {
        Some((first, rest)) => (Some(first), rest),
        None => (None, operands),
    };
    if arguments.command {
        let Some(text) = first.cloned() else {
            return Ok(Step::Leaf);
        };
        let parameters = Parameters {
            zero: Some(match rest.first() {
                Some(zero) => zero.clone(),
                None => run
                    .words()
                    .first()
                    .cloned()
                    .unwrap_or(ShellWord::literal("sh")),
            }),
            list: rest.get(1..).unwrap_or_default().to_vec(),
            more: run.appends,
        };
        if wrapper.name == "fish" {
            run.note("this is read as a POSIX shell would, and fish differs");
        }
        let label = format!("{} -c", wrapper.name);
        session.reread(run, &text, label, Child::New(Some(parameters)))?;
        return Ok(Step::Done);
    }
    let reads_input = first.is_none() || arguments.stdin;
    if let Some(text) = input_text(&run.command.stdin)
        .cloned()
        .filter(|_| reads_input)
    {
        let parameters = Parameters {
            zero: run.words().first().cloned(),
            list: operands.to_vec(),
            more: run.appends,
        };
        run.command.stdin = super::Stdin::Inherited;
        session.reread(run, &text, wrapper.name, Child::New(Some(parameters)))?;
        return Ok(Step::Done);
    }
    Ok(Step::Leaf)
}

/// Goes over a shell's options. None when a word may hold options.
fn shell_arguments(words: &[ShellWord]) -> Option<ShellArguments> {
    let mut found = ShellArguments {
        at: 1,
        ..ShellArguments::default()
    };
    while let Some(word) = words.get(found.at) {
        let text = bytes(&word.text);
        if word.splits && !matches!(text.first(), Some(b'-' | b'+')) && !found.command {
            return None;
        }
        if text.len() < 2 || !matches!(text.first(), Some(b'-' | b'+')) {
            break;
        }
        found.at += 1;
        match text {
            b"--" => break,
            b"--rcfile" | b"--init-file" | b"--init-command" | b"--emulate" => found.at += 1,
            b"--command" => found.command = true,
            _ if text.starts_with(b"--") => {}
            _ => {
                let letters = text.get(1..).unwrap_or_default();
                found.command |= letters.contains(&b'c');
                found.stdin |= letters.contains(&b's');
                // `-o NAME`, bash's `-O NAME` and fish's `-C COMMAND`.
                let valued = letters.iter().filter(|b| matches!(**b, b'o' | b'O' | b'C'));
                let attached = letters.first() == Some(&b'o') && !letters.contains(&b'c');
                if !(attached && letters.len() > 4) {
                    found.at += valued.count();
                }
            }
        }
    }
    Some(found)
}

/// `su [options] [-] [user]` and `runuser`, which also takes `-u USER COMMAND`.
pub(super) fn su(
    session: &mut Session<'_>,
    run: &mut Run,
    wrapper: &'static Wrapper,
) -> Reading<Step> {
    let mut login = false;
    let mut command = None;
    let mut at = 1;
    // Options may follow operands.
    while at < run.words().len() {
        let given = match options(run, wrapper, at) {
            Ok(given) => given,
            Err(step) => return Ok(step),
        };
        login |= given.has(b'l') || run.text(given.at) == b"-";
        command = given.value(b'c').cloned().or(command);
        if given.has(b'u') {
            let step = strip_to(run, wrapper, &given, given.at);
            run.foreign = true;
            run.command.other_path = true;
            return Ok(step);
        }
        at = given.at + 1;
    }
    let Some(text) = command else {
        return Ok(Step::Leaf);
    };
    run.foreign = true;
    run.command.other_path = true;
    if login {
        run.dropped = run.command.assignments.len();
        run.lose_directory();
    }
    let label = format!("{} -c", wrapper.name);
    session.reread(run, &text, label, Child::New(None))?;
    Ok(Step::Done)
}

/// `script [options] [file]` with `-c STRING`, and the BSD form with the
/// command's words after the file.
pub(super) fn script(
    session: &mut Session<'_>,
    run: &mut Run,
    wrapper: &'static Wrapper,
) -> Reading<Step> {
    let before = match options(run, wrapper, 1) {
        Ok(given) => given,
        Err(step) => return Ok(step),
    };
    let mut text = before.value(b'c').cloned();
    let mut command = before.at + 1;
    if text.is_none() && run.text(command).first() == Some(&b'-') {
        let after = match options(run, wrapper, command) {
            Ok(given) => given,
            Err(step) => return Ok(step),
        };
        text = after.value(b'c').cloned();
        command = after.at;
    }
    match text {
        Some(text) => {
            session.reread(run, &text, "script -c", Child::New(None))?;
            Ok(Step::Done)
        }
        None => Ok(strip_to(run, wrapper, &before, command)),
    }
}

/// `flock [options] FILE COMMAND…` or `flock [options] FILE -c STRING`.
pub(super) fn flock(
    session: &mut Session<'_>,
    run: &mut Run,
    wrapper: &'static Wrapper,
) -> Reading<Step> {
    let given = match options(run, wrapper, 1) {
        Ok(given) => given,
        Err(step) => return Ok(step),
    };
    let command = given.at + 1;
    if matches!(run.text(command), b"-c" | b"--command") {
        let Some(text) = run.words().get(command + 1).cloned() else {
            return Ok(Step::Leaf);
        };
        session.reread(run, &text, "flock -c", Child::New(None))?;
        return Ok(Step::Done);
    }
    Ok(strip_to(run, wrapper, &given, command))
}

/// `watch COMMAND…`, whose words are joined for `sh -c` unless `-x` is given.
pub(super) fn watch(
    session: &mut Session<'_>,
    run: &mut Run,
    wrapper: &'static Wrapper,
) -> Reading<Step> {
    let given = match options(run, wrapper, 1) {
        Ok(given) => given,
        Err(step) => return Ok(step),
    };
    if given.has(b'x') || given.at >= run.words().len() {
        return Ok(strip_to(run, wrapper, &given, given.at));
    }
    let text = run.join(given.at);
    reread_joined(session, run, &text, "watch")
}

/// `entr COMMAND…`, which puts a file for `/_`; with `-s` a string.
pub(super) fn entr(
    session: &mut Session<'_>,
    run: &mut Run,
    wrapper: &'static Wrapper,
) -> Reading<Step> {
    let given = match options(run, wrapper, 1) {
        Ok(given) => given,
        Err(step) => return Ok(step),
    };
    if given.has(b's') {
        let Some(text) = run.words().get(given.at).cloned() else {
            return Ok(Step::Leaf);
        };
        session.reread(run, &text, "entr -s", Child::New(None))?;
        return Ok(Step::Done);
    }
    let step = strip_to(run, wrapper, &given, given.at);
    if step == Step::Again {
        run.fill_in(b"/_", false);
    }
    Ok(step)
}

/// `ssh [options] HOST [options] COMMAND…`: the words joined are read by the
/// other machine's shell.
pub(super) fn ssh(
    session: &mut Session<'_>,
    run: &mut Run,
    wrapper: &'static Wrapper,
) -> Reading<Step> {
    let before = match options(run, wrapper, 1) {
        Ok(given) => given,
        Err(step) => return Ok(step),
    };
    let Some(host) = run.words().get(before.at).cloned() else {
        return Ok(Step::Leaf);
    };
    if host.splits {
        return Ok(run.unclear(wrapper.name));
    }
    let after = match options(run, wrapper, before.at + 1) {
        Ok(given) => given,
        Err(step) => return Ok(step),
    };
    let label = format!("ssh {}", host.text.to_string_lossy());
    let text = if after.at < run.words().len() {
        run.join(after.at)
    } else if let Some(text) = input_text(&run.command.stdin).cloned() {
        run.command.stdin = super::Stdin::Inherited;
        text
    } else {
        return Ok(Step::Leaf);
    };
    run.goes_away();
    reread_joined(session, run, &text, &label)
}

/// Reads words that were joined; further operands go to the last command.
pub(super) fn reread_joined(
    session: &mut Session<'_>,
    run: &Run,
    text: &ShellWord,
    label: &str,
) -> Reading<Step> {
    let first = session.out.len();
    session.reread(run, text, label, Child::New(None))?;
    if run.appends
        && let Some(last) = session.out.get_mut(first..).and_then(<[_]>::last_mut)
    {
        last.more_operands = true;
    }
    Ok(Step::Done)
}

impl Session<'_> {
    /// The words of `env -S STRING`, which are quoted much as in a shell.
    pub(super) fn split_string(&mut self, string: &ShellWord) -> Reading<Vec<ShellWord>> {
        let mut words = Vec::new();
        let distrust = std::mem::replace(&mut self.state.distrust, true);
        let mut reader = TextReader::new(bytes(&string.text), self);
        reader.no_braces = true;
        let mut outcome = Ok(());
        while outcome.is_ok() {
            reader.lines();
            let from = reader.pos;
            if reader.peek().is_none() {
                break;
            }
            outcome = reader.word(Mode::Argument, &mut words);
            if reader.pos == from {
                // `;` and the like are plain here.
                let plain = reader.take(1);
                words.push(ShellWord::literal(super::grammar::source_text(plain)));
            }
        }
        self.state.distrust = distrust;
        if outcome == Err(Stop::Limit) {
            return Err(Stop::Limit);
        }
        for word in &mut words {
            word.known &= string.known;
            word.glob = None;
        }
        Ok(words)
    }
}
