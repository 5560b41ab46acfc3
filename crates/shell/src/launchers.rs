//! Wrappers that fill in operands (`xargs`, `parallel`, `find`) and the
//! launchers of package managers and secret stores.

use super::expansion::bytes;
use super::invoke::{Child, Run, Step};
use super::options::OptionTable;
use super::session::{Reading, Session};
use super::shells::reread_joined;
use super::wrappers::{Look, Wrapper, options, strip_to};
use super::{ShellWord, Stdin};

/// The longest replacement string that is told apart.
const REPLACE: usize = 64;

/// The long options of GNU parallel that its manual lists with values, and the
/// common ones without.
pub(super) const PARALLEL: &str = "jobs: max-procs:/P arg-file: colsep: delay: delimiter: env: \
    halt: halt-on-error: joblog: load: max-args: max-chars: max-lines:: max-replace-args: memfree: \
    memsuspend: nice: results: retries: sshlogin:/S sshloginfile:/S sshdelay: tagstring: timeout: \
    tmpdir: wd: workdir: block: recstart: recend: return: basefile: trc: transferfile: arg-sep: \
    arg-file-sep: replace::/i eof:: template: limit: semaphorename: id: color-failed colour-failed \
    bar eta dry-run dryrun group ungroup keep-order line-buffer line-buffered linebuffer lb tag \
    verbose silent no-run-if-empty null pipe pipepart progress quote resume resume-failed shuf \
    will-cite xapply link xargs plus tty cleanup nonall onall transfer interactive hostgroups files";

/// `xargs [options] COMMAND…`: operands from the input follow, or replace.
pub(super) fn xargs(
    session: &mut Session<'_>,
    run: &mut Run,
    wrapper: &'static Wrapper,
) -> Reading<Step> {
    let given = match options(run, wrapper, 1) {
        Ok(given) => given,
        Err(step) => return Ok(step),
    };
    let default = given.has(b'i').then(|| b"{}".to_vec());
    let named = [b'I', b'J', b'i'].iter().find_map(|l| given.value(*l));
    let replace = named.map(|word| bytes(&word.text).to_vec()).or(default);
    if given.at >= run.words().len() {
        // Without a command xargs runs echo.
        run.command.words.truncate(given.at);
        run.command.words.push(ShellWord::literal("echo"));
    }
    run.strip(given.at, wrapper.name);
    run.command.more_operands = true;
    run.note("xargs adds operands from its input, which cannot be known");
    if !given.has(b'a') && !given.has(b'o') {
        run.command.stdin = Stdin::File(ShellWord::literal("/dev/null"));
    }
    session.charge(run.words().len())?;
    match replace {
        Some(mut replace) => {
            replace.truncate(REPLACE);
            run.fill_in(&replace, false);
            run.replace = Some(replace);
        }
        None => run.appends = true,
    }
    Ok(Step::Again)
}

/// `parallel [options] COMMAND… ::: VALUES…`: the words joined are read by a
/// shell, with `{}` and its kind replaced.
pub(super) fn parallel(
    session: &mut Session<'_>,
    run: &mut Run,
    wrapper: &'static Wrapper,
) -> Reading<Step> {
    let given = match options(run, wrapper, 1) {
        Ok(given) => given,
        Err(step) => return Ok(step),
    };
    let is_separator = |word: &ShellWord| bytes(&word.text).starts_with(b":::");
    let end = run.words().iter().position(is_separator);
    let end = end.unwrap_or(run.words().len());
    if given.has(b'S') {
        run.goes_away();
    }
    if given.at >= end {
        return parallel_commands(session, run, end);
    }
    let mut replace = given
        .value(b'I')
        .map_or(b"{".to_vec(), |w| bytes(&w.text).to_vec());
    replace.truncate(REPLACE);
    run.command.words.truncate(end);
    run.appends = !run
        .words()
        .iter()
        .any(|w| super::invoke::holds(&w.text, &replace));
    let known = run.join(given.at).known;
    run.fill_in(&replace, true);
    run.replace = Some(replace);
    run.note("parallel fills in operands, which are not followed here");
    let mut text = run.join(given.at);
    // What is filled in is told apart word by word.
    text.known = known;
    let first = session.out.len();
    let step = reread_joined(session, run, &text, "parallel")?;
    for command in session.out.get_mut(first..).unwrap_or_default() {
        command.more_operands = true;
    }
    Ok(step)
}

/// `parallel ::: COMMAND…`, or commands from its input.
fn parallel_commands(session: &mut Session<'_>, run: &mut Run, end: usize) -> Reading<Step> {
    let commands: Vec<ShellWord> = run.words().iter().skip(end + 1).cloned().collect();
    if commands.is_empty() || run.text(end) != b":::" {
        return Ok(run.unclear("parallel"));
    }
    for command in commands {
        session.reread(run, &command, "parallel", Child::New(None))?;
    }
    Ok(Step::Done)
}

/// `find`: the commands of `-exec`, `-execdir`, `-ok` and `-okdir`; `find`
/// itself only when it has none of them or also removes or writes files.
pub(super) fn find(session: &mut Session<'_>, run: &mut Run, _: &'static Wrapper) -> Reading<Step> {
    let mut at = 1;
    let mut own = true;
    let mut branches = Vec::new();
    while at < run.words().len() {
        let action = match run.text(at) {
            b"-exec" => "find -exec",
            b"-execdir" => "find -execdir",
            b"-ok" => "find -ok",
            b"-okdir" => "find -okdir",
            _ => {
                at += 1;
                continue;
            }
        };
        let rest = run.words().get(at + 1..).unwrap_or_default();
        let end = exec_end(rest);
        let words = rest.get(..end).unwrap_or_default().to_vec();
        let splits = rest.get(end).is_some_and(|w| bytes(&w.text) == b"+");
        at += end + 2;
        own = false;
        session.charge(words.iter().map(|w| w.text.len() + 16).sum())?;
        branches.push((action, words, splits));
    }
    let writes = |w: &ShellWord| {
        let text = bytes(&w.text);
        text == b"-delete" || text.starts_with(b"-fprint") || text == b"-fls"
    };
    if own || run.words().iter().any(writes) {
        let mut itself = run.clone();
        super::wrappers::annotate(&mut itself);
        session.push(itself.command)?;
    }
    let outer = std::mem::take(&mut run.command.words);
    for (action, words, splits) in branches {
        let mut branch = run.clone();
        branch.command.words = words;
        branch.strip(0, action);
        branch.command.more_operands = true;
        branch.note("find puts the files that it finds for {}, which cannot be known");
        if action.ends_with("dir") {
            branch.lose_directory();
        }
        branch.fill_in(b"{}", splits);
        branch.replace = Some(b"{}".to_vec());
        session.branch(branch)?;
    }
    run.command.words = outer;
    Ok(Step::Done)
}

/// Where the `;`, or the `+` after `{}`, stands that ends an action.
fn exec_end(words: &[ShellWord]) -> usize {
    let mut before: &[u8] = b"";
    for (at, word) in words.iter().enumerate() {
        let text = bytes(&word.text);
        if text == b";" || text == b"+" && before == b"{}" {
            return at;
        }
        before = text;
    }
    words.len()
}

/// `NAME SUBCOMMAND [operands] COMMAND…`
pub(super) fn subcommand(run: &mut Run, wrapper: &'static Wrapper) -> Step {
    let is_sub = |text: &[u8]| is_subcommand(wrapper, text);
    if !is_sub(run.text(1)) {
        let hidden = run.text(1).first() == Some(&b'-')
            && run.words().iter().any(|w| is_sub(bytes(&w.text)));
        return if hidden {
            run.unclear(wrapper.name)
        } else {
            Step::Leaf
        };
    }
    let mut at = 1 + wrapper.operands;
    if run.text(at) == b"--" {
        at += 1;
    } else if run.text(at).first() == Some(&b'-') || run.words().iter().take(at).any(|w| w.splits) {
        return run.unclear(wrapper.name);
    }
    strip_at(run, at, wrapper)
}

/// `NAME [options] SUBCOMMAND [options] -- COMMAND…`, or `--command STRING`.
pub(super) fn dashed(
    session: &mut Session<'_>,
    run: &mut Run,
    wrapper: &'static Wrapper,
) -> Reading<Step> {
    let is_sub = |word: &ShellWord| is_subcommand(wrapper, bytes(&word.text));
    let Some(sub) = run.words().iter().skip(1).position(is_sub) else {
        return Ok(Step::Leaf);
    };
    let sub = sub + 1;
    let words = run.words().iter().skip(sub);
    let dashes = words.clone().position(|w| bytes(&w.text) == b"--");
    let string = words.clone().position(|w| bytes(&w.text) == b"--command");
    match (dashes, string) {
        (Some(dashes), _) => Ok(strip_at(run, sub + dashes + 1, wrapper)),
        (None, Some(string)) => {
            let Some(text) = run.words().get(sub + string + 1).cloned() else {
                return Ok(Step::Leaf);
            };
            session.reread(run, &text, wrapper.name, Child::New(None))?;
            Ok(Step::Done)
        }
        (None, None) => {
            let at = sub + 1 + wrapper.operands;
            let before = run.words().get(sub + 1..=at).unwrap_or_default();
            let plain = |w: &ShellWord| !w.splits && bytes(&w.text).first() != Some(&b'-');
            if before.is_empty() {
                Ok(Step::Leaf)
            } else if before.iter().all(plain) {
                Ok(strip_at(run, at, wrapper))
            } else {
                Ok(run.unclear(wrapper.name))
            }
        }
    }
}

fn is_subcommand(wrapper: &Wrapper, text: &[u8]) -> bool {
    let mut names = wrapper.grammar.long.split_ascii_whitespace();
    names.any(|name| name.as_bytes() == text)
}

/// Strips up to `at`, when a command stands there.
fn strip_at(run: &mut Run, at: usize, wrapper: &Wrapper) -> Step {
    if at >= run.words().len() {
        return Step::Leaf;
    }
    run.strip(at, wrapper.name);
    Step::Again
}

/// `mise exec [tools] -- COMMAND…` or `mise exec -c STRING`.
pub(super) fn mise(
    session: &mut Session<'_>,
    run: &mut Run,
    wrapper: &'static Wrapper,
) -> Reading<Step> {
    if !is_subcommand(wrapper, run.text(1)) {
        return Ok(Step::Leaf);
    }
    let words = || run.words().iter().map(|w| bytes(&w.text));
    let dashes = words().position(|text| text == b"--");
    let before = dashes.unwrap_or(run.words().len());
    let moves = words()
        .take(before)
        .any(|t| t.starts_with(b"-C") || t.starts_with(b"--cd"));
    let string = words()
        .take(before)
        .position(|t| t == b"-c" || t == b"--command");
    if moves {
        run.lose_directory();
    }
    if let Some(string) = string {
        let Some(text) = run.words().get(string + 1).cloned() else {
            return Ok(Step::Leaf);
        };
        session.reread(run, &text, wrapper.name, Child::New(None))?;
        return Ok(Step::Done);
    }
    match dashes {
        Some(dashes) => Ok(strip_at(run, dashes + 1, wrapper)),
        None => Ok(run.unclear(wrapper.name)),
    }
}

/// `uv run [options] COMMAND…`
pub(super) fn uv(run: &mut Run, wrapper: &'static Wrapper) -> Step {
    const RUN: Wrapper = Wrapper {
        name: "uv",
        grammar: OptionTable {
            short: "nqvp:w:ms:P:U",
            long: "with:/w with-editable: with-requirements: extra: group: no-group: only-group: \
                env-file: python:/p project: directory:/D package: index: default-index: \
                index-url: extra-index-url: find-links: cache-dir: config-file: config-setting: \
                color: python-platform: upgrade-package: refresh-package: no-extra: module/m \
                script/s gui-script/s isolated no-project frozen locked no-sync all-extras active \
                quiet verbose offline no-dev only-dev dev no-editable all-groups exact \
                no-env-file no-config no-cache upgrade refresh no-progress native-tls \
                all-packages no-default-groups",
        },
        operands: 0,
        directory: b'D',
        idle: "ms",
        look: Look::Strip(uv),
    };
    if !is_subcommand(wrapper, run.text(1)) {
        return Step::Leaf;
    }
    let given = match options(run, &RUN, 2) {
        Ok(given) => given,
        Err(step) => return step,
    };
    strip_to(run, &RUN, &given, given.at)
}

/// `npx [options] COMMAND…` or `npx -c STRING`.
pub(super) fn npx(
    session: &mut Session<'_>,
    run: &mut Run,
    wrapper: &'static Wrapper,
) -> Reading<Step> {
    let given = match options(run, wrapper, 1) {
        Ok(given) => given,
        Err(step) => return Ok(step),
    };
    if let Some(text) = given.value(b'c').cloned() {
        session.reread(run, &text, "npx -c", Child::New(None))?;
        return Ok(Step::Done);
    }
    Ok(strip_to(run, wrapper, &given, given.at))
}

/// `dotenv [options] [run] [--] COMMAND…`, as the Python, Node and Ruby tools
/// of that name take it.
pub(super) fn dotenv(run: &mut Run, wrapper: &'static Wrapper) -> Step {
    let mut given = match options(run, wrapper, 1) {
        Ok(given) => given,
        Err(step) => return step,
    };
    if run.text(given.at) == b"run" {
        given = match options(run, wrapper, given.at + 1) {
            Ok(given) => given,
            Err(step) => return step,
        };
    }
    strip_to(run, wrapper, &given, given.at)
}

/// `nix-shell … --run STRING`
pub(super) fn nix_shell(
    session: &mut Session<'_>,
    run: &mut Run,
    _: &'static Wrapper,
) -> Reading<Step> {
    let is_run = |w: &ShellWord| matches!(bytes(&w.text), b"--run" | b"--command");
    let at = run.words().iter().position(is_run);
    let Some(text) = at.and_then(|at| run.words().get(at + 1)).cloned() else {
        return Ok(Step::Leaf);
    };
    session.reread(run, &text, "nix-shell --run", Child::New(None))?;
    Ok(Step::Done)
}

/// `nix develop|shell … -c COMMAND…`
pub(super) fn nix(run: &mut Run, _: &'static Wrapper) -> Step {
    let label = match run.text(1) {
        b"develop" => "nix develop",
        b"shell" => "nix shell",
        _ => return Step::Leaf,
    };
    let is_command = |w: &ShellWord| matches!(bytes(&w.text), b"-c" | b"--command");
    match run.words().iter().position(is_command) {
        Some(at) if at + 1 < run.words().len() => {
            run.strip(at + 1, label);
            Step::Again
        }
        _ => Step::Leaf,
    }
}
