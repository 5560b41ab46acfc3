//! Programs that keep or encrypt backups: restic, borg and rclone as stores, age for encryption. They are
//! called, not imitated, and only where the rules name them.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use guard_ground::sanitize;
use guard_ground::shelf;

/// Where these programs are looked for: PATH belongs to the command that guard judges.
const DIRECTORIES: [&str; 4] = ["/usr/local/bin", "/usr/bin", "/bin", "/opt/homebrew/bin"];

/// A program that keeps backups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EngineKind {
    Restic,
    Borg,
    Rclone,
}

/// A repository of such a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    kind: EngineKind,
    repository: String,
    credentials: Option<PathBuf>,
}

impl Engine {
    /// What a store's name says: `restic:REPOSITORY`, `borg:REPOSITORY`, `rclone:REMOTE:PATH`.
    pub fn of(store: &str, credentials: Option<&str>) -> Option<Self> {
        let (name, repository) = store.split_once(':')?;
        let kind = match name {
            "restic" => EngineKind::Restic,
            "borg" => EngineKind::Borg,
            "rclone" => EngineKind::Rclone,
            _ => return None,
        };
        Some(Self {
            kind,
            repository: repository.to_owned(),
            credentials: credentials.map(PathBuf::from),
        })
    }

    fn program(&self) -> &'static str {
        match self.kind {
            EngineKind::Restic => "restic",
            EngineKind::Borg => "borg",
            EngineKind::Rclone => "rclone",
        }
    }

    /// Gives it everything in a directory, under an id.
    ///
    /// # Errors
    /// What it says.
    pub fn put(&self, directory: &Path, id: &str, deadline: Instant) -> Result<(), String> {
        let name = format!("guard-{id}");
        let words: Vec<OsString> = match self.kind {
            EngineKind::Restic => vec![
                "--quiet".into(),
                "--repo".into(),
                self.repository.clone().into(),
                "backup".into(),
                "--host".into(),
                "guard".into(),
                "--tag".into(),
                name.into(),
                ".".into(),
            ],
            EngineKind::Borg => vec![
                "create".into(),
                format!("{}::{name}", self.repository).into(),
                ".".into(),
            ],
            EngineKind::Rclone => vec![
                "copy".into(),
                "--immutable".into(),
                directory.into(),
                format!("{}/{name}", self.repository).into(),
            ],
        };
        self.run(&words, directory, deadline)
    }

    /// Gets back what stands under an id, into an empty directory.
    ///
    /// # Errors
    /// What it says.
    pub fn get(&self, directory: &Path, id: &str, deadline: Instant) -> Result<(), String> {
        let name = format!("guard-{id}");
        let words: Vec<OsString> = match self.kind {
            EngineKind::Restic => vec![
                "--quiet".into(),
                "--repo".into(),
                self.repository.clone().into(),
                "restore".into(),
                "latest".into(),
                "--tag".into(),
                name.into(),
                "--target".into(),
                directory.into(),
            ],
            EngineKind::Borg => vec![
                "extract".into(),
                format!("{}::{name}", self.repository).into(),
            ],
            EngineKind::Rclone => vec![
                "copy".into(),
                format!("{}/{name}", self.repository).into(),
                directory.into(),
            ],
        };
        self.run(&words, directory, deadline)
    }

    fn run(&self, words: &[OsString], directory: &Path, deadline: Instant) -> Result<(), String> {
        let mut command = program(self.program())?;
        command
            .args(words)
            .current_dir(directory)
            .stdin(Stdio::null());
        if let Some(file) = &self.credentials {
            command.envs(variables(file)?);
        }
        wait(command, self.program(), deadline)
    }
}

/// Encrypts a file to a recipient (age(1)).
///
/// # Errors
/// What age says.
pub fn encrypt(plain: File, to: &Path, recipient: &str, deadline: Instant) -> Result<(), String> {
    let mut command = program("age")?;
    command
        .args([OsStr::new("--recipient"), OsStr::new(recipient)])
        .arg("--output")
        .arg(to)
        .stdin(Stdio::from(plain));
    wait(command, "age", deadline)
}

/// Decrypts a file with the identities of another (age(1)).
///
/// # Errors
/// What age says.
pub fn decrypt(file: File, to: File, identity: &Path, deadline: Instant) -> Result<(), String> {
    let mut command = program("age")?;
    command
        .args([OsStr::new("--decrypt"), OsStr::new("--identity")])
        .arg(identity)
        .stdin(Stdio::from(file))
        .stdout(Stdio::from(to));
    wait(command, "age", deadline)
}

/// A program with nothing of the environment that guard was called in, but for HOME.
fn program(name: &str) -> Result<Command, String> {
    let path = DIRECTORIES
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            format!(
                "the rules name {name}, which is in none of {}",
                DIRECTORIES.join(", ")
            )
        })?;
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("PATH", DIRECTORIES.join(":"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if let Some(home) = guard_ground::install::home() {
        command.env("HOME", home);
    }
    Ok(command)
}

/// Variables from a file of `NAME=VALUE` lines; empty lines and those that begin with `#` are none.
fn variables(file: &Path) -> Result<Vec<(OsString, OsString)>, String> {
    let text = shelf::read(file)
        .map_err(|error| format!("the credentials {}: {error}", sanitize::path(file)))?;
    Ok(text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.starts_with(b"#"))
        .filter_map(|line| {
            let at = line.iter().position(|byte| *byte == b'=')?;
            let (name, value) = (line.get(..at)?, line.get(at + 1..)?);
            (!name.is_empty()).then(|| {
                (
                    OsStr::from_bytes(name).to_owned(),
                    OsStr::from_bytes(value).to_owned(),
                )
            })
        })
        .collect())
}

/// Runs a program to its end, or to the deadline.
fn wait(mut command: Command, name: &str, deadline: Instant) -> Result<(), String> {
    let mut child = command
        .spawn()
        .map_err(|error| format!("{name}: {error}"))?;
    let status = loop {
        match child
            .try_wait()
            .map_err(|error| format!("{name}: {error}"))?
        {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{name} took too long"));
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    if status.success() {
        return Ok(());
    }
    let mut said = String::new();
    if let Some(errors) = child.stderr.take() {
        let _ = errors.take(1 << 16).read_to_string(&mut said);
    }
    let line = said.lines().rfind(|line| !line.trim().is_empty());
    Err(format!(
        "{name} says: {}",
        sanitize::cut(&sanitize::text(line.unwrap_or("nothing")), 200)
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_of_stores() {
        for (store, repository) in [
            ("restic:/srv/backups", Some("/srv/backups")),
            ("borg:ssh://host/./repo", Some("ssh://host/./repo")),
            ("rclone:remote:path", Some("remote:path")),
            ("/srv/backups", None),
            ("tar:/srv/backups", None),
        ] {
            let engine = Engine::of(store, None);
            assert_eq!(
                engine.map(|engine| engine.repository).as_deref(),
                repository,
                "{store}"
            );
        }
    }

    #[test]
    fn credentials_are_lines() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# comment\nA=b=c\n\nnothing\n=x\nD=\n").unwrap();
        let found = variables(file.path()).unwrap();
        let pair = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        assert_eq!(found, [pair("A", "b=c"), pair("D", "")]);
    }
}
