//! guard under the names of shells, below an agent that `guard run` started: the real shell, with the
//! shims first again after what its profile and its other start-up files do to PATH.
//!
//! bash, sh and dash read nothing of guard's in some modes: `sh -lc` and `bash -ilc` run the command
//! right after the person's files. There the command string begins with a line of guard's.

use guard_core::tool::Toolbox;
use guard_ground::say;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::files::ShimFiles;
use super::known_shells::SHELLS;
use guard_ground::install::Places;
use guard_ground::{exec, exit_code, real_tool, sanitize, stdio};

/// bash's options that take a word of their own.
const WITH_VALUE: [&[u8]; 2] = [b"--rcfile", b"--init-file"];

/// The shell that argv\[0\] names; a login shell's name begins with a hyphen.
pub fn served(name: &OsStr) -> Option<&'static str> {
    let bytes = name.as_bytes();
    let plain = bytes.strip_prefix(b"-").unwrap_or(bytes);
    SHELLS.into_iter().find(|shell| plain == shell.as_bytes())
}

/// Becomes the real shell; returns only when that cannot be done.
pub fn become_shell(tools: &'static Toolbox, shell: &'static str, argv: &[OsString]) -> i32 {
    let search = std::env::var_os("PATH");
    let name = OsStr::new(shell);
    let found = real_tool::find(name, search.as_deref()).or_else(|| real_tool::find(name, None));
    let Some(program) = found else {
        stdio::fill();
        say::say(&format!("the real {shell} was not found on PATH"));
        return exit_code::NOT_FOUND;
    };
    // Without guard's files the shell is still a shell.
    let files = ShimFiles::of(tools, &Places::find())
        .ok()
        .filter(|files| files.path().is_file());
    let error = match files {
        None => exec::become_program(&program, argv),
        Some(files) => {
            let path = files.first_on(search.as_deref());
            let variables = if search.as_ref() == Some(&path) {
                Vec::new()
            } else {
                vec![("PATH".into(), path)]
            };
            exec::become_program_with(&program, &arranged(shell, argv, &files), &variables)
        }
    };
    stdio::fill();
    say::say(&format!(
        "{} cannot be executed: {error}",
        sanitize::path(&program)
    ));
    exit_code::NOT_EXECUTABLE
}

/// The arguments with which the shell puts the shims first once its start-up files have run.
fn arranged(shell: &str, argv: &[OsString], files: &ShimFiles) -> Vec<OsString> {
    let mode = ShellMode::of(argv);
    let mut words = argv.to_vec();
    if let Some(command) = mode.command.and_then(|at| words.get_mut(at)) {
        if mode.login || mode.interactive {
            let mut text = files.prefix();
            text.push(&*command);
            *command = text;
        }
    } else if shell == "bash" && !mode.login && !mode.has_rcfile && words.len() == mode.options {
        // Only an interactive shell reads it.
        let at = words.len().min(1);
        words.splice(at..at, ["--rcfile".into(), files.bashrc().into_os_string()]);
    }
    words
}

/// How a shell was called, as far as its start-up files depend on it.
#[derive(Debug, Default, PartialEq, Eq)]
struct ShellMode {
    login: bool,
    interactive: bool,
    has_rcfile: bool,
    /// Where the command string of `-c` stands.
    command: Option<usize>,
    /// Where the first word stands that is no option.
    options: usize,
}

impl ShellMode {
    /// Reads a shell's options (sh(1), bash(1)): single letters, bundled; `-o` and `-O` take the next
    /// word; bash's long ones come first.
    fn of(argv: &[OsString]) -> Self {
        let mut mode = Self {
            login: argv
                .first()
                .is_some_and(|name| name.as_bytes().starts_with(b"-")),
            ..Self::default()
        };
        let mut is_command = false;
        let mut at = 1;
        while let Some(word) = argv.get(at).map(|word| word.as_bytes()) {
            let Some((sign @ (b'-' | b'+'), letters)) = word.split_first() else {
                break;
            };
            at += 1;
            if letters.is_empty() || word == b"--" {
                break;
            }
            if letters.starts_with(b"-") {
                mode.login |= word == b"--login";
                mode.has_rcfile |= word == b"--norc" || WITH_VALUE.contains(&word);
                at += usize::from(WITH_VALUE.contains(&word));
                continue;
            }
            for letter in letters {
                match letter {
                    b'c' => is_command = true,
                    b'l' if *sign == b'-' => mode.login = true,
                    b'i' if *sign == b'-' => mode.interactive = true,
                    b'o' | b'O' => at += 1,
                    _ => {}
                }
            }
        }
        mode.options = at.min(argv.len());
        mode.command = (is_command && at < argv.len()).then_some(at);
        mode
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(line: &str) -> ShellMode {
        let argv: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        ShellMode::of(&argv)
    }

    #[test]
    fn how_a_shell_is_called() {
        // Line, login, interactive, where the command string stands.
        for (line, login, interactive, command) in [
            ("bash -c x", false, false, Some(2)),
            ("bash -lc x name y", true, false, Some(2)),
            ("bash -l -c x", true, false, Some(3)),
            ("bash -c -l x", true, false, Some(3)),
            ("bash -ilc x", true, true, Some(2)),
            ("bash --login -c x", true, false, Some(3)),
            ("bash --norc --noprofile -c x", false, false, Some(4)),
            ("bash --rcfile -c -ic x", false, true, Some(4)),
            ("bash -lco pipefail x", true, false, Some(3)),
            ("bash -O extglob -lc x", true, false, Some(4)),
            ("sh -o errexit -lc x", true, false, Some(4)),
            ("sh +x -ec x", false, false, Some(3)),
            ("sh -lc -- x", true, false, Some(3)),
            ("sh -lc - x", true, false, Some(3)),
            ("-bash", true, false, None),
            ("-sh -c x", true, false, Some(2)),
            ("sh script -lc x", false, false, None),
            ("sh -l script", true, false, None),
            ("sh -lc", true, false, None),
            ("sh -s -l", true, false, None),
        ] {
            let found = mode(line);
            assert_eq!(
                (found.login, found.interactive, found.command),
                (login, interactive, command),
                "{line}"
            );
        }
    }

    #[test]
    fn names_of_shells() {
        assert_eq!(served(OsStr::new("-bash")), Some("bash"));
        assert_eq!(served(OsStr::new("sh")), Some("sh"));
        assert_eq!(served(OsStr::new("zsh")), None);
        assert_eq!(served(OsStr::new("--bash")), None);
    }
}
