//! Does a person hold this terminal? Agents have terminals too: some give their commands one and
//! type into it, and `script` makes one from nothing. So the question is not "is there a terminal"
//! but "who is at its other end".

use std::fs::{File, OpenOptions};

use crate::agent::{self, Agent};

/// Programs that hold the master side of a terminal to type into it by themselves.
const DRIVERS: [&str; 9] = [
    "script",
    "scriptreplay",
    "expect",
    "autoexpect",
    "unbuffer",
    "socat",
    "empty",
    "pexpect",
    "ttyrec",
];

/// More processes than this are not searched for the one that holds the master.
const MAX_PROCESSES: usize = 20_000;

/// What the evidence says.
#[derive(Debug)]
pub enum Presence {
    /// Nothing speaks against a person at this terminal.
    Person(File, Vec<String>),
    /// No person can be asked: why, as a sentence for the message, and the evidence.
    Nobody(String, Vec<String>),
}

/// Looks at the controlling terminal, the agent's traces, and who holds the terminal's other end.
pub fn presence(agent: Option<&Agent>) -> Presence {
    let mut evidence = Vec::new();
    if let Some(agent) = agent {
        evidence.push(agent.evidence.clone());
        return Presence::Nobody(
            format!("{} runs this command ({}).", agent.name, agent.evidence),
            evidence,
        );
    }
    let Ok(terminal) = OpenOptions::new().read(true).write(true).open("/dev/tty") else {
        evidence.push("no controlling terminal".to_owned());
        return Presence::Nobody(
            "No person's terminal is attached to this command.".to_owned(),
            evidence,
        );
    };
    let ours = rustix::process::getpgrp();
    if rustix::termios::tcgetpgrp(&terminal).ok() != Some(ours) {
        evidence.push("not in the terminal's foreground".to_owned());
        return Presence::Nobody(
            "This command runs in the background of its terminal, where nobody can answer."
                .to_owned(),
            evidence,
        );
    }
    evidence.push("in the foreground of its terminal".to_owned());
    if let Some(holder) = holder() {
        evidence.push(format!(
            "the terminal is held by {} (process {})",
            crate::sanitize::text(&holder.name),
            holder.id
        ));
        if let Some(driver) = holder.driver {
            return Presence::Nobody(
                format!("This terminal is driven by {driver}, not by a person."),
                evidence,
            );
        }
    }
    Presence::Person(terminal, evidence)
}

/// The process that holds the master side of our terminal.
struct Holder {
    id: u32,
    name: String,
    /// The program that types by itself, if the holder is one or runs below one.
    driver: Option<String>,
}

fn holder() -> Option<Holder> {
    let index = terminal_index()?;
    let processes = std::fs::read_dir("/proc").ok()?;
    for process in processes.flatten().take(MAX_PROCESSES) {
        let Some(id) = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        if id != std::process::id() && holds_master(id, index) {
            let (name, _) = agent::stat_of(id)?;
            return Some(Holder {
                id,
                driver: driver(id, &name),
                name,
            });
        }
    }
    None
}

/// The number N of our `/dev/pts/N`, from field 7 of `/proc/self/stat` (proc(5), `tty_nr`). `None`
/// for a console or without a terminal.
fn terminal_index() -> Option<u32> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let number: i64 = stat
        .rsplit_once(')')?
        .1
        .split_ascii_whitespace()
        .nth(4)?
        .parse()
        .ok()?;
    let number = u32::try_from(number & 0xffff_ffff).ok()?;
    let major = (number >> 8) & 0xfff;
    let minor = (number & 0xff) | ((number >> 12) & 0xf_ff00);
    // Unix 98 pseudo-terminals have the majors 136 to 143 (the kernel's devices.txt).
    (136..=143)
        .contains(&major)
        .then(|| (major - 136) * 256 + minor)
}

/// Whether a process has the master of `/dev/pts/INDEX` open: `tty-index` in fdinfo.
fn holds_master(id: u32, index: u32) -> bool {
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{id}/fd")) else {
        return false;
    };
    descriptors.flatten().any(|descriptor| {
        let is_master =
            std::fs::read_link(descriptor.path()).is_ok_and(|target| target.ends_with("ptmx"));
        is_master
            && std::fs::read_to_string(format!(
                "/proc/{id}/fdinfo/{}",
                descriptor.file_name().to_string_lossy()
            ))
            .is_ok_and(|info| {
                info.lines().any(|line| {
                    line.strip_prefix("tty-index:")
                        .is_some_and(|number| number.trim() == index.to_string())
                })
            })
    })
}

/// What types into the terminal, when the holder or something above it is known to.
fn driver(id: u32, name: &str) -> Option<String> {
    if DRIVERS.contains(&name) {
        return Some(name.to_owned());
    }
    let mut next = Some((id, name.to_owned()));
    for _ in 0..64 {
        let (id, name) = next?;
        if let Some(agent) = agent::agent_of(id, &name) {
            return Some(agent.to_owned());
        }
        next = agent::stat_of(id)
            .filter(|(_, parent)| *parent > 1)
            .and_then(|(_, parent)| agent::stat_of(parent).map(|(name, _)| (parent, name)));
    }
    None
}
