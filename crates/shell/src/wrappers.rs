//! The wrappers, by name, and the plain ones among them: commands that take
//! options and operands and then the command that they run. Each line follows
//! the command's manual page.

use super::builtins::is_shell;
use super::expansion::bytes;
use super::invoke::{Child, Run, Step, base_name};
use super::options::{self, Operands, OptionTable};
use super::session::{Reading, Session};
use super::{ShellWord, containers, launchers, shells};

/// How a wrapper is looked through.
#[derive(Clone, Copy)]
pub(super) enum Look {
    /// By its words alone.
    Strip(fn(&mut Run, &'static Wrapper) -> Step),
    /// By reading a string, or listing several commands.
    Read(fn(&mut Session<'_>, &mut Run, &'static Wrapper) -> Reading<Step>),
}

use Look::{Read, Strip};

/// A command that runs another one.
pub(super) struct Wrapper {
    pub name: &'static str,
    pub grammar: OptionTable,
    /// How many operands come before the command.
    pub operands: usize,
    /// The option that names a directory to change to; 0 when there is none.
    pub directory: u8,
    /// Options with which no command is run.
    pub idle: &'static str,
    pub look: Look,
}

/// A wrapper that `plain` looks through.
const fn simple(
    name: &'static str,
    operands: usize,
    short: &'static str,
    long: &'static str,
) -> Wrapper {
    special(name, Strip(plain), operands, short, long)
}

/// A wrapper with its own way.
const fn special(
    name: &'static str,
    look: Look,
    operands: usize,
    short: &'static str,
    long: &'static str,
) -> Wrapper {
    Wrapper {
        name,
        grammar: OptionTable { short, long },
        operands,
        directory: 0,
        idle: "",
        look,
    }
}

impl Wrapper {
    const fn idle(self, idle: &'static str) -> Self {
        Self { idle, ..self }
    }

    const fn directory(self, directory: u8) -> Self {
        Self { directory, ..self }
    }
}

/// Every wrapper, sorted by name.
#[rustfmt::skip]
static WRAPPERS: &[Wrapper] = &[
    special("ash", Read(shells::shell), 0, "", ""),
    special("aws-vault", Read(launchers::dashed), 1, "", "exec"),
    special("bash", Read(shells::shell), 0, "", ""),
    special("builtin", Strip(in_shell), 0, "", ""),
    special("bundle", Strip(launchers::subcommand), 1, "", "exec"),
    special("busybox", Strip(applet), 0, "", "list list-full install"),
    simple("caffeinate", 0, "dimsut:w:", ""),
    simple("chronic", 0, "ev", ""),
    simple("chroot", 1, "", "groups: userspec: skip-chdir"),
    simple("chrt", 1, "abdefiomprRvT:P:D:", "all-tasks batch deadline fifo idle other rr reset-on-fork max pid verbose sched-runtime: sched-period: sched-deadline:").idle("pm"),
    special("command", Strip(in_shell), 0, "pvV", "").idle("vV"),
    special("dash", Read(shells::shell), 0, "", ""),
    special("direnv", Strip(launchers::subcommand), 2, "", "exec"),
    special("doas", Strip(other_user), 0, "C:Lnsu:a:", "").idle("CL"),
    special("docker", Strip(containers::docker), 0, "c:DH:l:v", "config: context:/c debug/D host:/H log-level:/l tls tlscacert: tlscert: tlskey: tlsverify"),
    special("doppler", Read(launchers::dashed), 0, "", "run"),
    special("dotenv", Strip(launchers::dotenv), 0, "f:e:c::v:oq:p:in", "file: quote: export: override no-override"),
    special("entr", Read(shells::entr), 0, "acdnprsxz", ""),
    special("env", Read(env), 0, "iu:C:S:0va:", "ignore-environment/i unset:/u chdir:/C split-string:/S null/0 debug argv0:/a block-signal:: default-signal:: ignore-signal:: list-signal-handling").directory(b'C'),
    special("eval", Read(eval), 0, "", ""),
    special("exec", Strip(in_shell), 0, "cla:", ""),
    simple("fakeroot", 0, "l:s:i:ub:hv", "lib: faked: unknown-is-real fd-base:"),
    special("find", Read(launchers::find), 0, "", ""),
    special("fish", Read(shells::shell), 0, "", ""),
    special("flock", Read(shells::flock), 1, "sexnouFw:E:hV", "shared exclusive unlock nonblock nb timeout: wait:/w conflict-exit-code: close no-fork verbose"),
    simple("gtimeout", 1, "fk:ps:v", "foreground kill-after: preserve-status signal: verbose"),
    simple("ionice", 0, "c:n:p:P:u:t", "class: classdata: pid:/p pgid:/P uid:/u ignore").idle("pPu"),
    special("ksh", Read(shells::shell), 0, "", ""),
    simple("ltrace", 0, "a:A:bcCD:e:F:fiLl:n:o:p:rs:Stu:w:x:X:T", "align: config: debug: demangle indent: library: output: where: no-signals").idle("p"),
    special("mise", Read(launchers::mise), 1, "", "exec x"),
    special("mksh", Read(shells::shell), 0, "", ""),
    simple("nice", 0, "0123456789n:", "adjustment:"),
    special("nix", Strip(launchers::nix), 0, "", ""),
    special("nix-shell", Read(launchers::nix_shell), 0, "", ""),
    simple("nohup", 0, "", ""),
    special("npx", Read(launchers::npx), 0, "yqp:c:w:", "yes no quiet package:/p call:/c workspace:/w workspaces include-workspace-root ignore-existing no-install prefer-offline prefer-online offline"),
    simple("nsenter", 0, "at:m::u::i::n::p::C::U::T::S:G:r::w::W:FZe", "all target: mount:: uts:: ipc:: net:: pid:: cgroup:: user:: user-parent time:: setuid: setgid: root:: wd:: wdns: no-fork env preserve-credentials keep-caps follow-context net-socket: join-cgroup"),
    special("op", Read(launchers::dashed), 0, "", "run"),
    special("parallel", Read(launchers::parallel), 0, "0a:C:d:E:e::hi::I:j:P:kL:l:mn:N:qrs:S:tTuvVWxXz", launchers::PARALLEL),
    special("pipenv", Strip(launchers::subcommand), 1, "", "run"),
    special("pkexec", Strip(other_user), 0, "u:", "user: disable-internal-agent keep-cwd"),
    special("podman", Strip(containers::docker), 0, "c:r", "connection:/c remote/r log-level: root: runroot: storage-driver: storage-opt: url: identity: cgroup-manager: config: events-backend: network-cmd-path: noout syslog tmpdir: conmon: runtime: runtime-flag: hooks-dir: imagestore: module: out: ssh: transient-store volumepath: cdi-spec-dir:"),
    special("poetry", Strip(launchers::subcommand), 1, "", "run"),
    special("rbash", Read(shells::shell), 0, "", ""),
    special("runuser", Read(shells::su), 0, "c:flmpPu:g:G:s:w:hV", "command:/c session-command:/c fast login/l group: supp-group: preserve-environment pty shell: user:/u whitelist-environment:"),
    special("script", Read(shells::script), 0, "ac:eE:fqt::O:I:B:T:o:m:F", "append command:/c return echo: flush force quiet timing:: log-out: log-in: log-io: log-timing: output-limit: logging-format:"),
    simple("setarch", 1, "vhBFILRSTXZ3", "32bit 3gb 4gb fdpic-funcptrs short-inode addr-compat-layout addr-no-randomize whole-seconds sticky-timeouts read-implies-exec mmap-page-zero uname-2.6 verbose list show::"),
    simple("setsid", 0, "cfwhV", "ctty fork wait"),
    special("sh", Read(shells::shell), 0, "", ""),
    special("ssh", Read(shells::ssh), 0, "46AaCfGgKkMNnqsTtVvXxYyB:b:c:D:E:e:F:I:i:J:L:l:m:O:o:P:p:Q:R:S:W:w:", ""),
    simple("stdbuf", 0, "i:o:e:", "input: output: error:"),
    simple("strace", 0, "a:A:b:BcCdDe:E:fFhiI:kno:O:p:P:qrs:S:tTu:U:vVwX:xyYzZ", "attach:/p columns: abbrev: argv0: background: daemonize:: debug decode-fds:: decode-pids: env: fault: follow-forks output-separately inject: instruction-pointer interruptible: kill-on-exit output: output-append-mode quiet:: raw: read: write: relative-timestamps:: absolute-timestamps:: signal: stack-traces:: stack-trace-frame-limit: status: string-limit: summary summary-only summary-columns: summary-sort-by: summary-syscall-overhead: summary-wall-clock syscall-number syscall-times:: syscall-limit: trace: trace-path: seccomp-bpf secontext:: strings-in-hex:: successful-only failed-only tips:: user: verbose: const-print-style: no-abbrev").idle("p"),
    special("su", Read(shells::su), 0, "c:flmpPs:g:G:T:w:hV", "command:/c session-command:/c fast login/l group: supp-group: preserve-environment pty no-pty shell: whitelist-environment:"),
    special("sudo", Strip(sudo), 0, "Aa:Bbc:C:D:Eeg:HhiKklNnPp:R:r:SsT:t:U:u:vV", "askpass auth-type: background bell close-from: login-class: chdir:/D preserve-env:: edit/e group: set-home host: login/i remove-timestamp/K reset-timestamp/k list/l no-update non-interactive preserve-groups prompt: chroot:/R role: stdin shell/s type: command-timeout: other-user: user: validate/v").directory(b'D').idle("elvKVh"),
    simple("taskset", 1, "acphV", "all-tasks pid/p cpu-list").idle("p"),
    simple("time", 0, "apqvVf:o:h", "append format: output: portability quiet verbose"),
    simple("timeout", 1, "fk:ps:v", "foreground kill-after: preserve-status signal: verbose"),
    special("toybox", Strip(applet), 0, "", "long"),
    special("trap", Read(trap), 0, "lpP", "").idle("lpP"),
    simple("unbuffer", 0, "p", ""),
    simple("unshare", 0, "m::u::i::n::p::C::U::T::rcfS:G:R:w:l:", "mount:: uts:: ipc:: net:: pid:: user:: cgroup:: time:: mount-proc:: mount-binfmt:: map-user: map-group: map-users: map-groups: map-root-user map-current-user map-auto propagation: setgroups: keep-caps setuid: setgid: root:/R wd:/w monotonic: boottime: load-interp: fork kill-child:: forward-signals").directory(b'w'),
    special("uv", Strip(launchers::uv), 1, "", "run"),
    special("watch", Read(shells::watch), 0, "bcCd::egpq:rs:tn:wxf", "beep chgexit color no-color differences:: errexit exec/x follow interval: no-rerun no-title no-wrap precise equexit: shotsdir:"),
    special("xargs", Read(launchers::xargs), 0, "0a:d:E:e::i::I:J:l::L:n:oprR:s:S:txP:", "null arg-file:/a delimiter: eof:: replace::/i max-lines:: max-args: interactive no-run-if-empty max-chars: verbose show-limits exit open-tty/o max-procs: process-slot-var:"),
    special("zsh", Read(shells::shell), 0, "", ""),
];

/// The wrapper of that name.
pub(super) fn find(name: &[u8]) -> Option<&'static Wrapper> {
    let at = WRAPPERS.binary_search_by(|wrapper| wrapper.name.as_bytes().cmp(name));
    at.ok().and_then(|at| WRAPPERS.get(at))
}

/// What the options of a wrapper say.
pub(super) struct Options {
    /// Where the operands begin.
    pub at: usize,
    letters: Vec<(u8, Option<ShellWord>)>,
}

impl Options {
    /// True when an option of that letter is given.
    pub fn has(&self, letter: u8) -> bool {
        self.letters.iter().any(|(l, _)| *l == letter)
    }

    /// The last value given to an option.
    pub fn value(&self, letter: u8) -> Option<&ShellWord> {
        let found = self.letters.iter().rev().find(|(l, _)| *l == letter);
        found.and_then(|(_, value)| value.as_ref())
    }

    /// All values given to an option.
    pub fn values(&self, letter: u8) -> impl Iterator<Item = &ShellWord> {
        let found = self.letters.iter().filter(move |(l, _)| *l == letter);
        found.filter_map(|(_, value)| value.as_ref())
    }
}

/// Reads the options of a wrapper from word `from` on. Gives a step when that
/// settles it: nothing runs, or it cannot be told what.
pub(super) fn options(run: &mut Run, wrapper: &Wrapper, from: usize) -> Result<Options, Step> {
    let mut letters = Vec::new();
    let found = options::read(run.words(), from, wrapper.grammar, |letter, value| {
        letters.push((letter, value));
    });
    let at = match found {
        Operands::At(at) => at,
        Operands::Nothing => return Err(Step::Leaf),
        Operands::Unclear => return Err(run.unclear(wrapper.name)),
    };
    let idle = |(letter, _): &(u8, Option<ShellWord>)| wrapper.idle.as_bytes().contains(letter);
    if letters.iter().any(idle) {
        return Err(Step::Leaf);
    }
    Ok(Options { at, letters })
}

/// Strips the wrapper up to word `at`, where the command begins.
pub(super) fn strip_to(run: &mut Run, wrapper: &Wrapper, options: &Options, at: usize) -> Step {
    let operands = run.words().get(options.at..at).unwrap_or_default();
    if operands.iter().any(|word| word.splits) {
        return run.unclear(wrapper.name);
    }
    if at >= run.words().len() {
        return Step::Leaf;
    }
    run.strip(at, wrapper.name);
    if wrapper.directory != 0
        && let Some(directory) = options.value(wrapper.directory)
    {
        run.change_directory(directory);
    }
    Step::Again
}

/// Options, then operands, then the command.
fn plain(run: &mut Run, wrapper: &'static Wrapper) -> Step {
    let options = match options(run, wrapper, 1) {
        Ok(options) => options,
        Err(step) => return step,
    };
    let step = strip_to(run, wrapper, &options, options.at + wrapper.operands);
    let other_root = matches!(wrapper.name, "chroot" | "nsenter") || options.has(b'R');
    if step == Step::Again && other_root && matches!(wrapper.name, "chroot" | "nsenter" | "unshare")
    {
        run.lose_directory();
        run.note("this runs with another root directory or in other namespaces");
    }
    step
}

/// `command` and `builtin`, which run in the same shell, and `exec`, which
/// replaces it.
fn in_shell(run: &mut Run, wrapper: &'static Wrapper) -> Step {
    let here = run.in_shell;
    let options = match options(run, wrapper, 1) {
        Ok(options) => options,
        Err(step) => return step,
    };
    let step = strip_to(run, wrapper, &options, options.at);
    // "-p: a default value for PATH that is guaranteed to find all of the standard utilities".
    run.command.other_path |= wrapper.name == "command" && options.has(b'p');
    let replaces = wrapper.name == "exec";
    run.in_shell = here && !replaces;
    run.ends_shell = here && replaces && step == Step::Again;
    step
}

/// `doas`, `pkexec`
fn other_user(run: &mut Run, wrapper: &'static Wrapper) -> Step {
    let options = match options(run, wrapper, 1) {
        Ok(options) => options,
        Err(step) => return step,
    };
    let step = strip_to(run, wrapper, &options, options.at);
    if step == Step::Again {
        run.foreign = true;
        run.command.other_path = true;
        run.dropped = run.command.assignments.len();
        if wrapper.name == "pkexec" {
            run.lose_directory();
        }
    }
    step
}

/// `sudo`: also `NAME=value` before the command, `-i` and `-R`.
fn sudo(run: &mut Run, wrapper: &'static Wrapper) -> Step {
    let options = match options(run, wrapper, 1) {
        Ok(options) => options,
        Err(step) => return step,
    };
    let dropped = run.command.assignments.len();
    let at = run.assign_words(options.at);
    let step = strip_to(run, wrapper, &options, at);
    if step == Step::Again {
        run.foreign = true;
        run.command.other_path = true;
        if !options.has(b'E') {
            run.dropped = dropped.min(run.command.assignments.len());
        }
        if options.has(b'i') || options.has(b'R') {
            run.lose_directory();
        }
    }
    step
}

/// `env`: `NAME=value`, `-i`, `-u`, and `-S`, whose string is more arguments.
fn env(session: &mut Session<'_>, run: &mut Run, wrapper: &'static Wrapper) -> Reading<Step> {
    let options = match options(run, wrapper, 1) {
        Ok(options) => options,
        Err(step) => return Ok(step),
    };
    if let Some(string) = options.value(b'S').cloned() {
        let mut words = session.split_string(&string)?;
        session.charge(words.len())?;
        words.insert(0, ShellWord::literal("env"));
        words.extend(
            run.command
                .words
                .drain(options.at.min(run.command.words.len())..),
        );
        run.command.words = words;
    }
    let bare = run.text(options.at) == b"-";
    if options.has(b'i') || bare {
        run.command.assignments.clear();
        run.command.other_path = true;
        run.dropped = 0;
    }
    for name in options.values(b'u') {
        let unset = |name: &ShellWord, given: &str| bytes(&name.text) == given.as_bytes();
        run.command.assignments.retain(|a| !unset(name, &a.name));
    }
    if options.has(b'S') {
        if let Some(directory) = options.value(b'C') {
            run.change_directory(directory);
        }
        // The words that the string gave are options and operands in turn.
        return Ok(Step::Again);
    }
    let at = run.assign_words(options.at + usize::from(bare));
    Ok(strip_to(run, wrapper, &options, at))
}

/// `eval`: its arguments joined are read by the same shell.
fn eval(session: &mut Session<'_>, run: &mut Run, _: &'static Wrapper) -> Reading<Step> {
    let from = if run.text(1) == b"--" { 2 } else { 1 };
    let text = run.join(from);
    let child = if run.in_shell {
        Child::Same
    } else {
        Child::New(None)
    };
    session.reread(run, &text, "eval", child)?;
    Ok(Step::Done)
}

/// `trap COMMAND SIGNAL…`: the command is read as running later.
fn trap(session: &mut Session<'_>, run: &mut Run, wrapper: &'static Wrapper) -> Reading<Step> {
    let options = match options(run, wrapper, 1) {
        Ok(options) => options,
        Err(step) => return Ok(step),
    };
    let Some(text) = run.words().get(options.at).cloned() else {
        return Ok(Step::Leaf);
    };
    let signals: Vec<_> = run.words().iter().skip(options.at + 1).collect();
    let signals: Vec<_> = signals.iter().map(|w| w.text.to_string_lossy()).collect();
    if signals.is_empty() || text.text == "-" || text.text.is_empty() {
        return Ok(Step::Leaf);
    }
    run.note(&format!("runs when the shell gets {}", signals.join(", ")));
    session.reread(run, &text, "trap", Child::Later)?;
    Ok(Step::Done)
}

/// `busybox APPLET …`
fn applet(run: &mut Run, wrapper: &'static Wrapper) -> Step {
    if run.words().len() < 2 || run.text(1).first() == Some(&b'-') {
        return Step::Leaf;
    }
    run.strip(1, wrapper.name);
    // The program is in busybox itself.
    run.command.other_path = true;
    Step::Again
}

/// Adds to a command what cannot be seen about it.
pub(super) fn annotate(run: &mut Run) {
    let name = base_name(run.text(0));
    let note = match name {
        b"source" | b"." | b"make" | b"gmake" | b"just" | b"rake" => {
            "what the file runs cannot be seen here, but its commands meet the shims"
        }
        b"find" if run.words().iter().any(|w| bytes(&w.text) == b"-delete") => {
            "find -delete removes files itself; guard does not cover it"
        }
        name if is_shell(name) && run.words().len() > 1 => {
            "what the script runs cannot be seen here, but its commands meet the shims"
        }
        name if is_shell(name) => {
            "what the shell reads from its input cannot be seen here, but its commands meet the shims"
        }
        name if runs_inline_code(name, run.words()) => "code given inline cannot be read",
        _ => return,
    };
    run.note(note);
}

/// True for `python -c`, `perl -e` and their like.
fn runs_inline_code(name: &[u8], words: &[ShellWord]) -> bool {
    let (letters, long): (&[u8], &[u8]) = match name {
        b"perl" | b"ruby" | b"lua" | b"Rscript" => (b"eE", b""),
        b"node" | b"bun" => (b"ep", b"--eval"),
        b"deno" => (b"", b"eval"),
        b"php" => (b"r", b""),
        name if name.starts_with(b"python") || name.starts_with(b"pypy") => (b"c", b""),
        _ => return false,
    };
    words.iter().skip(1).any(|word| {
        let text = bytes(&word.text);
        let short = text.first() == Some(&b'-') && text.get(1) != Some(&b'-');
        short && text.iter().skip(1).any(|b| letters.contains(b))
            || !long.is_empty() && text.starts_with(long)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn sorted() {
        assert!(super::WRAPPERS.is_sorted_by(|a, b| a.name < b.name));
    }
}
