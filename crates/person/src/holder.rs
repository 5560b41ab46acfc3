//! Who holds the other end of a terminal: the process with the master side of `/dev/pts/N`.
//!
//! Linux names it in `/proc/PID/fdinfo/FD` (`tty-index`, proc(5)). Elsewhere it stays unknown.

use guard_ground::path::base_name;
use guard_ground::process;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use guard_core::agent::{self, is_interpreter};

/// Programs that hold the master side of a terminal to type into it by themselves.
const DRIVERS: [&str; 12] = [
    "script",
    "scriptreplay",
    "expect",
    "autoexpect",
    "unbuffer",
    "socat",
    "empty",
    "pexpect",
    "ttyrec",
    "ptyget",
    "faketty",
    "ttyd",
];

/// Interpreters and shells that are not among [`INTERPRETERS`]: what runs in them is a script.
const SCRIPT_RUNNERS: [&str; 10] = [
    "perl", "ruby", "tclsh", "lua", "php", "java", "dotnet", "zsh", "dash", "busybox",
];

/// Terminal emulators that are scripts.
const SCRIPTED_EMULATORS: [&str; 3] = ["terminator", "guake", "gnome-terminal"];

/// Terminal emulators, by the name of the program that holds the master side.
const EMULATORS: [&str; 30] = [
    "gnome-terminal-server",
    "gnome-terminal",
    "ptyxis-agent",
    "kgx",
    "konsole",
    "yakuake",
    "xterm",
    "uxterm",
    "lxterm",
    "rxvt",
    "urxvt",
    "urxvtd",
    "alacritty",
    "kitty",
    "foot",
    "footclient",
    "ghostty",
    "st",
    "stterm",
    "tilix",
    "tilda",
    "xfce4-terminal",
    "mate-terminal",
    "lxterminal",
    "qterminal",
    "terminology",
    "deepin-terminal",
    "rio",
    "cool-retro-term",
    "contour",
];

/// Programs that hold the terminal for a person on another machine.
const REMOTE: [&str; 6] = [
    "sshd",
    "sshd-session",
    "sshd-auth",
    "dropbear",
    "in.telnetd",
    "telnetd",
];

/// Programs that hold terminals for others and take commands about what to type into them.
const MULTIPLEXERS: [&str; 9] = [
    "tmux",
    "tmux: server",
    "screen",
    "SCREEN",
    "zellij",
    "dtach",
    "abduco",
    "byobu",
    "dvtm",
];

/// Programs with terminals in them that let other programs type: editors with their extensions,
/// terminal emulators that take text from a command line (`wezterm cli send-text`), mosh-server,
/// whose client any program can be.
const OPEN: [&str; 25] = [
    "wezterm-gui",
    "wezterm-mux-server",
    "mosh-server",
    "code",
    "code-insiders",
    "codium",
    "code-server",
    "cursor",
    "windsurf",
    "zed",
    "zed-editor",
    "emacs",
    "emacs-nox",
    "emacs-gtk",
    "vim",
    "nvim",
    "vi",
    "hx",
    "kate",
    "gnome-builder",
    "idea",
    "pycharm",
    "clion",
    "rustrover",
    "eclipse",
];

/// Programs that hand a terminal of theirs on to a command, keys and all.
const RELAYS: [&str; 4] = ["sudo", "su", "doas", "runuser"];

/// More processes than this are not searched.
const MAX_PROCESSES: usize = 20_000;

/// What sort of program stands at the other end of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A terminal emulator: a person's window.
    Emulator,
    /// sshd and its like: a person on another machine.
    Remote,
    /// The system's own console.
    Console,
    /// tmux, screen: any program of the user's can type into it.
    Multiplexer,
    /// An editor's terminal, for instance: its extensions, agents among them, can type into it.
    Open,
    /// An agent.
    Agent,
    /// A program that types by itself.
    Scripted,
    /// None that guard knows, or none that it can see.
    Unknown,
}

impl Kind {
    /// How surely a person is at its keys.
    fn certainty(self) -> u8 {
        match self {
            Self::Agent => 0,
            Self::Scripted => 1,
            Self::Multiplexer | Self::Open => 2,
            Self::Unknown => 3,
            Self::Emulator | Self::Remote | Self::Console => 4,
        }
    }

    /// The kind in words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Emulator => "a terminal emulator",
            Self::Remote => "a login from another machine",
            Self::Console => "the console",
            Self::Multiplexer => "a terminal multiplexer",
            Self::Open => "a program that others can type through",
            Self::Agent => "an agent",
            Self::Scripted => "a program that types by itself",
            Self::Unknown => "unknown",
        }
    }
}

/// The program at the other end.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Its process, when there is one that can be seen.
    pub process: Option<u32>,
    /// Its name, or the agent's above it.
    pub name: String,
    /// What sort of program it is.
    pub kind: Kind,
    /// Only root could have put it where it runs from.
    pub is_systems: bool,
}

impl Holder {
    fn new(process: Option<u32>, name: impl Into<String>, kind: Kind) -> Self {
        Self {
            process,
            name: name.into(),
            kind,
            is_systems: false,
        }
    }

    fn unseen() -> Self {
        Self::new(None, "a program that cannot be seen", Kind::Unknown)
    }
}

/// A terminal by the device number in `/proc/PID/stat` (proc(5), `tty_nr`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    major: u32,
    minor: u32,
}

impl Device {
    /// The controlling terminal of a process, if it has one.
    pub fn of(process: &process::Stat) -> Option<Self> {
        let number = u32::try_from(process.terminal & 0xffff_ffff).ok()?;
        let major = (number >> 8) & 0xfff;
        let minor = (number & 0xff) | ((number >> 12) & 0xf_ff00);
        (number != 0).then_some(Self { major, minor })
    }

    /// The N of `/dev/pts/N`. Unix 98 pseudo-terminals have the majors 136 to 143 (the kernel's
    /// devices.txt).
    pub fn index(self) -> Option<u32> {
        (136..=143)
            .contains(&self.major)
            .then(|| (self.major - 136) * 256 + self.minor)
    }

    /// A virtual or serial console: no process holds its other end (devices.txt: 4, 5, 204, 229).
    fn is_console(self) -> bool {
        matches!(self.major, 4 | 5 | 204 | 229)
    }

    /// The name of the device.
    pub fn name(self) -> String {
        match (self.index(), self.major, self.minor) {
            (Some(index), ..) => format!("/dev/pts/{index}"),
            (None, 4, minor @ 0..=63) => format!("/dev/tty{minor}"),
            (None, major, minor) => format!("the terminal {major}:{minor}"),
        }
    }
}

/// Who holds the other end of `device`. `leader` is the process that leads the terminal's session,
/// whose parents most often hold it; `trusted` are programs that the person's rules call terminals.
pub fn of(device: Device, leader: u32, trusted: &[String]) -> Holder {
    follow(device, leader, trusted, 0)
}

fn follow(device: Device, leader: u32, trusted: &[String], depth: usize) -> Holder {
    if device.is_console() {
        return Holder::new(None, device.name(), Kind::Console);
    }
    let Some(index) = device.index() else {
        return Holder::unseen();
    };
    // Whoever has the master side open can type: the one that is least like a person counts.
    find(index)
        .into_iter()
        .map(|process| describe(process, device, trusted, depth))
        .min_by_key(|holder| holder.kind.certainty())
        .or_else(|| hidden_login(leader))
        .unwrap_or_else(Holder::unseen)
}

/// The program that holds the master side of `device`.
fn describe(process: u32, device: Device, trusted: &[String], depth: usize) -> Holder {
    let Some(stat) = process::stat_of(process) else {
        return Holder::unseen();
    };
    if let Some(agent) = agent_above(process, &stat.name) {
        return Holder::new(Some(process), agent, Kind::Agent);
    }
    let program = program_of(process);
    let name = program.as_deref().map_or_else(
        || stat.name.clone(),
        |path| base_name(path.as_os_str()).into_owned(),
    );
    let relays = RELAYS.contains(&name.as_str()) && is_roots(process);
    if relays && depth < 4 {
        // What sudo types is what its own terminal is told.
        let above = Device::of(&stat).filter(|above| *above != device);
        return above.map_or_else(Holder::unseen, |above| {
            follow(above, stat.session, trusted, depth + 1)
        });
    }
    let kind = kind_of(process, &stat.name, &name, program.as_deref(), trusted);
    let kind = match kind {
        Kind::Multiplexer if depth < 4 => attached(process, trusted, depth),
        kind => kind,
    };
    Holder {
        is_systems: program.as_deref().is_some_and(is_systems),
        ..Holder::new(Some(process), name, kind)
    }
}

/// What the program is, by the file it runs from; what a process calls itself says little.
fn kind_of(
    process: u32,
    comm: &str,
    name: &str,
    program: Option<&Path>,
    trusted: &[String],
) -> Kind {
    if program.is_some_and(|path| trusted.iter().any(|one| Path::new(one) == path)) {
        return Kind::Emulator;
    }
    if [comm, name].iter().any(|name| DRIVERS.contains(name)) {
        return Kind::Scripted;
    }
    if MULTIPLEXERS.contains(&name) || (program.is_none() && MULTIPLEXERS.contains(&comm)) {
        return Kind::Multiplexer;
    }
    let words = command_of(process);
    let is_open = OPEN.contains(&name)
        || words.iter().any(|word| word == b"--type=ptyHost")
        || words
            .iter()
            .any(|word| holds(word, b"com.intellij.idea.Main"));
    if is_open {
        return Kind::Open;
    }
    if is_interpreter(name) || SCRIPT_RUNNERS.iter().any(|one| is_version_of(name, one)) {
        // Some terminal emulators are scripts of the system's; but what else the interpreter runs
        // nobody can tell from here.
        let script = words.iter().skip(1).find(|word| !word.starts_with(b"-"));
        let is_emulator = script.is_some_and(|script| {
            let path = Path::new(OsStr::from_bytes(script));
            SCRIPTED_EMULATORS.contains(&&*base_name(path.as_os_str())) && is_systems(path)
        });
        return if is_emulator {
            Kind::Open
        } else {
            Kind::Scripted
        };
    }
    match program {
        Some(path) if EMULATORS.contains(&name) && is_systems(path) => Kind::Emulator,
        // A daemon that the user started lets in whom they like.
        Some(path) if REMOTE.contains(&name) && is_systems(path) && is_logins(process) => {
            Kind::Remote
        }
        // WSL's own init holds the terminals of its windows.
        Some(path) if path == Path::new("/init") && is_systems(path) => Kind::Emulator,
        // What a daemon of the system's calls itself, when its file cannot be seen.
        None if REMOTE.contains(&comm) && is_logins(process) => Kind::Remote,
        _ => Kind::Unknown,
    }
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// `python3.11` is a `python`.
fn is_version_of(name: &str, program: &str) -> bool {
    name.strip_prefix(program).is_some_and(|suffix| {
        suffix
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// A multiplexer that no person looks at is driven by a program. One that shows its terminals to
/// clients is as good as the terminals of those, but for what other programs type into it.
fn attached(server: u32, trusted: &[String], depth: usize) -> Kind {
    let owner = std::fs::metadata(format!("/proc/{server}")).map(|meta| meta.uid());
    let mut best = Kind::Scripted;
    for client in processes() {
        let Some(stat) = process::stat_of(client) else {
            continue;
        };
        let is_client = ["tmux: client", "screen", "zellij", "dtach", "abduco"]
            .contains(&stat.name.as_str())
            && client != server
            && std::fs::metadata(format!("/proc/{client}"))
                .ok()
                .map(|meta| meta.uid())
                == owner.as_ref().ok().copied();
        if !is_client {
            continue;
        }
        let Some(device) = Device::of(&stat) else {
            continue;
        };
        match follow(device, stat.session, trusted, depth + 1).kind {
            Kind::Agent | Kind::Scripted => {}
            _ => best = Kind::Multiplexer,
        }
    }
    best
}

/// A login daemon of root's that started the session, whose descriptors only root can see. Between
/// them stands nothing but root's own programs: a driver of the user's can hide its descriptors too.
fn hidden_login(leader: u32) -> Option<Holder> {
    let mut process = process::stat_of(leader)?.parent;
    for _ in 0..4 {
        let stat = process::stat_of(process).filter(|_| process > 1)?;
        if REMOTE.contains(&stat.name.as_str()) && is_logins(process) {
            return Some(Holder::new(Some(process), stat.name, Kind::Remote));
        }
        if !is_roots(process) {
            return None;
        }
        if RELAYS.contains(&stat.name.as_str()) {
            let device = Device::of(&stat)?;
            return Some(follow(device, stat.session, &[], 1));
        }
        process = stat.parent;
    }
    None
}

/// A process of root's.
fn is_roots(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/status"))
        .ok()
        .and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
            line.split_ascii_whitespace().next().map(|real| real == "0")
        })
        .unwrap_or(false)
}

/// A login daemon of root's, or the process that it gave to the user who logged in: such a one is
/// kept closed (proc(5), "dumpable"), and a daemon of root's is its parent.
fn is_logins(process: u32) -> bool {
    is_roots(process)
        || (std::fs::metadata(format!("/proc/{process}")).is_ok_and(|meta| meta.uid() == 0)
            && process::stat_of(process)
                .and_then(|stat| Some((stat.parent, process::stat_of(stat.parent)?.name)))
                .is_some_and(|(parent, name)| {
                    parent > 1 && REMOTE.contains(&name.as_str()) && is_roots(parent)
                }))
}

/// The agent that the process is, or that stands above it.
fn agent_above(process: u32, name: &str) -> Option<&'static str> {
    let mut next = Some((process, name.to_owned()));
    for _ in 0..64 {
        let (id, name) = next?;
        if let Some(agent) = agent::agent_of(id, &name) {
            return Some(agent);
        }
        next = process::stat_of(id)
            .filter(|stat| stat.parent > 1)
            .and_then(|stat| process::stat_of(stat.parent).map(|above| (stat.parent, above.name)));
    }
    None
}

/// The file that a process runs from. The name that the system gives is that file's here too: in a
/// mount namespace of its own a process can run anything from `/usr/bin/xterm`.
fn program_of(process: u32) -> Option<PathBuf> {
    let link = format!("/proc/{process}/exe");
    let path = std::fs::read_link(&link).ok()?;
    let (runs, named) = (std::fs::metadata(&link).ok()?, std::fs::metadata(&path));
    let is_same = named.is_ok_and(|named| (named.dev(), named.ino()) == (runs.dev(), runs.ino()));
    // A program that was replaced while it ran, or that lies elsewhere, is known by its name alone.
    Some(if is_same {
        path
    } else {
        PathBuf::from(path.file_name()?)
    })
}

fn command_of(process: u32) -> Vec<Vec<u8>> {
    std::fs::read(format!("/proc/{process}/cmdline"))
        .unwrap_or_default()
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

/// A file that only root could have put there, in a directory that only root writes to.
fn is_systems(path: &Path) -> bool {
    let is_roots = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|meta| meta.uid() == 0 && meta.mode() & 0o022 == 0)
    };
    is_roots(path) && path.parent().is_some_and(is_roots)
}

/// The processes that have the master of `/dev/pts/INDEX` open, as far as they can be seen.
fn find(index: u32) -> Vec<u32> {
    let own = std::process::id();
    processes()
        .filter(|process| *process != own && holds_master(*process, index))
        .collect()
}

/// The processes of the machine.
pub(super) fn processes() -> impl Iterator<Item = u32> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .take(MAX_PROCESSES)
}

/// Whether a process has the master of `/dev/pts/INDEX` open: `tty-index` in fdinfo. There are
/// thousands of descriptors to look at, so each costs one call, from its own directory.
#[cfg(target_os = "linux")]
fn holds_master(process: u32, index: u32) -> bool {
    use rustix::fs::{Mode, OFlags, RawDir};
    use std::mem::MaybeUninit;
    const PLACE: OFlags = OFlags::RDONLY
        .union(OFlags::DIRECTORY)
        .union(OFlags::CLOEXEC);
    let Ok(directory) = rustix::fs::open(format!("/proc/{process}/fd"), PLACE, Mode::empty())
    else {
        return false;
    };
    let mut entries = [MaybeUninit::uninit(); 8192];
    let mut descriptors = RawDir::new(&directory, &mut entries);
    while let Some(Ok(descriptor)) = descriptors.next() {
        let name = descriptor.file_name();
        // A target that does not fit is none of a terminal's.
        let mut target = [MaybeUninit::uninit(); 64];
        let is_master = rustix::fs::readlinkat_raw(&directory, name, &mut target)
            .is_ok_and(|(target, _)| target.ends_with(b"ptmx"));
        if is_master && master_of(process, &name.to_string_lossy()) == Some(index) {
            return true;
        }
    }
    false
}

/// Elsewhere nobody can tell.
#[cfg(not(target_os = "linux"))]
fn holds_master(_process: u32, _index: u32) -> bool {
    false
}

#[cfg(target_os = "linux")]
fn master_of(process: u32, descriptor: &str) -> Option<u32> {
    std::fs::read_to_string(format!("/proc/{process}/fdinfo/{descriptor}"))
        .ok()?
        .lines()
        .find_map(|line| line.strip_prefix("tty-index:"))
        .and_then(|number| number.trim().parse().ok())
}

/// Whether somebody on this machine is logged in to it over ssh: then a program can be at the other
/// end of that login (`ssh localhost`).
pub fn is_logged_in_from_here() -> bool {
    let table = |name: &str| std::fs::read_to_string(format!("/proc/net/{name}"));
    let text = ["tcp", "tcp6"].map(|name| table(name).unwrap_or_default());
    // `CLIENT PORT SERVER PORT`, as sshd sets it; without it sshd's own port.
    let told = std::env::var("SSH_CONNECTION").unwrap_or_default();
    let port = told.rsplit(' ').next().and_then(|port| port.parse().ok());
    let ports = [Some(22), port];
    holds_both_ends(&text.concat(), |port| ports.contains(&Some(port)))
}

/// Whether both ends of a connection to such a port stand in tables like `/proc/net/tcp`.
fn holds_both_ends(tables: &str, is_ssh: impl Fn(u16) -> bool) -> bool {
    const ESTABLISHED: &str = "01";
    // IPv4 addresses in IPv6 sockets are those addresses.
    let plain = |end: &str| {
        end.trim_start_matches("0000000000000000FFFF0000")
            .to_owned()
    };
    let connections: Vec<(String, String)> = tables
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace().skip(1);
            let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
            (state == ESTABLISHED).then(|| (plain(local), plain(remote)))
        })
        .collect();
    connections.iter().any(|(local, remote)| {
        let port = local.rsplit(':').next();
        port.and_then(|port| u16::from_str_radix(port, 16).ok())
            .is_some_and(&is_ssh)
            && connections
                .iter()
                .any(|(here, there)| here == remote && there == local)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use guard_core::agent::INTERPRETERS;

    #[test]
    fn a_login_from_this_machine() {
        let server = "  1: 0100007F:0016 0100007F:B25E 01 00000000:00000000 00:00 0 0 0 77\n";
        let mapped = "  1: 0000000000000000FFFF00000100007F:0016 0000000000000000FFFF00000100007F:B25E 01 0\n";
        let client = "  2: 0100007F:B25E 0100007F:0016 01 00000000:00000000 00:00 0 1000 0 78\n";
        let closed = client.replace(" 01 ", " 06 ");
        let ssh = |port| port == 22;
        for (tables, expected) in [
            (format!("{server}{client}"), true),
            (format!("{client}{mapped}"), true),
            (format!("{server}{closed}"), false),
            (server.to_owned(), false),
            (client.to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(holds_both_ends(&tables, ssh), expected, "{tables}");
        }
        assert!(!holds_both_ends(&format!("{server}{client}"), |port| port == 2222));
    }

    #[test]
    fn devices() {
        let device = |number: i64| {
            Device::of(&process::Stat {
                name: String::new(),
                state: 'S',
                parent: 1,
                group: 1,
                session: 1,
                terminal: number,
                started: 0,
            })
        };
        assert_eq!(device(0), None);
        // makedev(136, 3), makedev(136, 300) as the kernel packs them, makedev(4, 1).
        assert_eq!(device(0x8803).and_then(Device::index), Some(3));
        assert_eq!(
            device(0x0010_882c).and_then(Device::index),
            Some(256 + 0x2c)
        );
        assert_eq!(
            device(0x0401).map(Device::name).as_deref(),
            Some("/dev/tty1")
        );
        assert_eq!(device(0x0401).map(Device::is_console), Some(true));
    }

    #[test]
    fn no_program_is_of_two_kinds() {
        let lists: [&[&str]; 6] = [
            &DRIVERS,
            &SCRIPT_RUNNERS,
            &EMULATORS,
            &REMOTE,
            &MULTIPLEXERS,
            &OPEN,
        ];
        let mut all: Vec<&str> = lists.iter().flat_map(|list| list.iter().copied()).collect();
        all.extend(INTERPRETERS);
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
