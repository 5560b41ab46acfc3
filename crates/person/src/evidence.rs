//! Does a person hold this terminal? Agents have terminals too: some give their commands one and
//! type into it, and `script` makes one from nothing. So the question is not "is there a terminal"
//! but "who is at its other end, and who else can type into it".

use guard_ground::process;
use std::fs::{File, OpenOptions};
use std::time::{Duration, Instant};

use super::holder::{self, Device, Kind};
use guard_core::agent::{Agent, Ancestor};

/// Programs that start others and type nothing: shells, build tools, wrappers.
const LAUNCHERS: [&str; 38] = [
    "sh", "bash", "zsh", "dash", "fish", "ksh", "mksh", "ash", "busybox", "nu", "elvish", "tcsh",
    "csh", "make", "gmake", "ninja", "just", "task", "cargo", "npm", "yarn", "pnpm", "sudo", "su",
    "doas", "runuser", "env", "timeout", "nice", "ionice", "time", "nohup", "xargs", "find",
    "parallel", "git", "login", "watch",
];

/// How far what is typed on this terminal can be taken for a person's. On a shared terminal a phrase
/// proves nothing; on an unknown one it does where no more than the workspace is at stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// Nobody is asked here.
    Nobody,
    /// Nothing says that a person holds it, and nothing that something else does.
    Unknown,
    /// A person may hold it, and programs can type into it: what only a person knows is proof.
    Shared,
    /// A person holds it.
    Person,
}

impl Trust {
    /// The word for `guard doctor --json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Unknown => "unknown",
            Self::Shared => "shared",
            Self::Person => "person",
        }
    }
}

/// What was found out about the terminal of this process.
#[derive(Debug)]
pub struct Evidence {
    /// The controlling terminal, opened for reading and writing, unless nobody is asked on it.
    pub terminal: Option<File>,
    /// How far its keys can be trusted.
    pub trust: Trust,
    /// No program of the user's own is at the terminal's other end: it was brought into this container
    /// from outside (`docker exec -it`), or a program of the system's holds it that guard does not know.
    pub is_systems: bool,
    /// Why no more than that, as a sentence for messages; empty for a person.
    pub why: String,
    /// What was seen, for the audit log and `guard doctor`; sanitised.
    pub lines: Vec<String>,
    /// How long it took to see.
    pub time: Duration,
}

/// Looks at the controlling terminal, the agent's traces, who holds the terminal's other end, and
/// who else can type into it. `trusted` are programs that the person's rules call terminals.
pub fn gather(agent: Option<&Agent>, ancestors: &[Ancestor], trusted: &[String]) -> Evidence {
    let started = Instant::now();
    let mut lines = Vec::new();
    let (trust, why, terminal, is_systems) = look(agent, ancestors, trusted, &mut lines);
    Evidence {
        terminal: terminal.filter(|_| trust > Trust::Nobody),
        trust,
        is_systems: trust == Trust::Unknown && (is_systems || comes_from_outside()),
        why,
        lines,
        time: started.elapsed(),
    }
}

/// Whether the process that leads the session has its parent outside of this container: the kernel
/// then says 0 (`pid_namespaces(7)`).
fn comes_from_outside() -> bool {
    process::stat_of(std::process::id())
        .and_then(|own| process::stat_of(own.session))
        .is_some_and(|leader| leader.parent == 0)
}

type Seen = (Trust, String, Option<File>, bool);

fn look(
    agent: Option<&Agent>,
    ancestors: &[Ancestor],
    trusted: &[String],
    lines: &mut Vec<String>,
) -> Seen {
    let nobody = |why: String| (Trust::Nobody, why, None, false);
    if let Some(agent) = agent {
        lines.push(agent.evidence.clone());
        return nobody(format!(
            "{} runs this command ({}).",
            agent.name, agent.evidence
        ));
    }
    let opened = OpenOptions::new().read(true).write(true).open("/dev/tty");
    let (Ok(terminal), Some(own)) = (opened, process::stat_of(std::process::id())) else {
        lines.push("no controlling terminal".to_owned());
        return nobody("No person's terminal is attached to this command.".to_owned());
    };
    if rustix::termios::tcgetpgrp(&terminal).ok() != Some(rustix::process::getpgrp()) {
        lines.push("not in the terminal's foreground".to_owned());
        return nobody(
            "This command runs in the background of its terminal, where nobody can answer."
                .to_owned(),
        );
    }
    lines.push("in the foreground of its terminal".to_owned());
    let below_leader: Vec<&Ancestor> = ancestors
        .iter()
        .take_while(|ancestor| ancestor.id != own.session)
        .collect();
    let led = own.session == std::process::id() || below_leader.len() < ancestors.len();
    if !led {
        lines.push("no descendant of the process that leads its session".to_owned());
        return nobody(
            "This command was cut loose from the session that its terminal belongs to.".to_owned(),
        );
    }
    let Some(device) = Device::of(&own) else {
        return (Trust::Unknown, unknown_holder("it"), Some(terminal), false);
    };
    let holder = holder::of(device, own.session, trusted);
    let name = guard_ground::sanitize::text(&holder.name);
    lines.push(match holder.process {
        Some(process) => format!(
            "{} is held by {name} (process {process}): {}",
            device.name(),
            holder.kind.describe()
        ),
        None => format!(
            "{} is held by {name}: {}",
            device.name(),
            holder.kind.describe()
        ),
    });
    let (trust, why) = match holder.kind {
        Kind::Agent | Kind::Scripted => {
            return nobody(format!(
                "This terminal is driven by {name}, not by a person."
            ));
        }
        Kind::Multiplexer => (
            Trust::Shared,
            format!("Any program can type into a terminal of {name}."),
        ),
        Kind::Open => (
            Trust::Shared,
            format!("Other programs can type into a terminal of {name}."),
        ),
        Kind::Unknown => (Trust::Unknown, unknown_holder(&name)),
        Kind::Remote if holder::is_logged_in_from_here() => {
            lines.push("somebody on this machine is logged in to it over ssh".to_owned());
            let why =
                "This login may come from this machine itself, where a program can type into it.";
            (Trust::Shared, why.to_owned())
        }
        Kind::Emulator | Kind::Remote | Kind::Console => (Trust::Person, String::new()),
    };
    let pushed = pushes(device, ancestors, own.session);
    match pushed {
        Some(program) => {
            let program = guard_ground::sanitize::text(&program);
            lines.push(format!(
                "{program} shares the terminal and can push keys into it (TIOCSTI)"
            ));
            let why = format!("{program} shares this terminal and can type into it.");
            (Trust::Shared, why, Some(terminal), false)
        }
        None => (trust, why, Some(terminal), holder.is_systems),
    }
}

fn unknown_holder(name: &str) -> String {
    format!(
        "guard cannot tell whether a person or a program is at this terminal ({name} holds it)."
    )
}

/// A program, other than shells and launchers, that shares the terminal where the kernel lets
/// those push keys into it (`ioctl_tty(2)`, TIOCSTI).
fn pushes(device: Device, ancestors: &[Ancestor], leader: u32) -> Option<String> {
    if !keys_can_be_pushed() {
        return None;
    }
    let own = std::process::id();
    let group = rustix::process::getpgrp().as_raw_pid();
    let above = ancestors
        .iter()
        .find(|ancestor| !is_launcher(&ancestor.name) && ancestor.id != own);
    let in_session = above.filter(|ancestor| {
        process::stat_of(ancestor.id).and_then(|stat| Device::of(&stat)) == Some(device)
    });
    if let Some(ancestor) = in_session {
        return Some(ancestor.name.clone());
    }
    holder::processes().find_map(|process| {
        let is_above = process == own
            || process == leader
            || ancestors.iter().any(|ancestor| ancestor.id == process);
        if is_above {
            return None;
        }
        let stat = process::stat_of(process)?;
        // A stopped program types nothing; the foreground's was started by whoever is at the keys.
        let types = Device::of(&stat) == Some(device)
            && stat.group != group
            && !matches!(stat.state, 'T' | 't' | 'Z' | 'X')
            && !is_launcher(&stat.name);
        types.then_some(stat.name)
    })
}

fn is_launcher(name: &str) -> bool {
    // A login shell calls itself `-bash`.
    LAUNCHERS.contains(&name.trim_start_matches('-'))
}

/// Whether the kernel lets a process push keys into its terminal: always before Linux 6.2, since
/// then by `dev.tty.legacy_tiocsti` or with `CAP_SYS_ADMIN`.
fn keys_can_be_pushed() -> bool {
    rustix::process::geteuid().is_root()
        || std::fs::read("/proc/sys/dev/tty/legacy_tiocsti")
            .map_or(true, |text| text.trim_ascii() == b"1")
}
