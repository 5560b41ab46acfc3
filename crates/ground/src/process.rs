//! What the system says of processes (proc(5)).

/// What `/proc/PID/stat` says of a process (proc(5)).
#[derive(Clone, Debug)]
pub struct Stat {
    /// Its own name (`comm`).
    pub name: String,
    /// `R`, `S`, `T` for stopped …
    pub state: char,
    /// The process that started it, or that took it over.
    pub parent: u32,
    /// Its process group.
    pub group: i32,
    /// The process that leads its session.
    pub session: u32,
    /// The device number of its controlling terminal (`tty_nr`), 0 without one.
    pub terminal: i64,
    /// When it started, in clock ticks since the system did: with the id, no other process has it.
    pub started: u64,
}

/// Reads `/proc/PID/stat`: `ID (NAME) STATE PARENT GROUP SESSION TERMINAL …`, where the name may
/// itself hold blanks and parentheses.
pub fn stat_of(id: u32) -> Option<Stat> {
    let stat = std::fs::read(format!("/proc/{id}/stat")).ok()?;
    let text = String::from_utf8_lossy(&stat);
    let (before, after) = text.rsplit_once(')')?;
    let mut fields = after.split_ascii_whitespace();
    Some(Stat {
        name: before.split_once('(')?.1.to_owned(),
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
        session: fields.next()?.parse().ok()?,
        terminal: fields.next()?.parse().ok()?,
        started: fields.nth(14)?.parse().ok()?,
    })
}
