//! The files that `guard run` keeps in guard's state directory: start-up files for the shells below
//! an agent, and links under the names of shells. Their content depends on where guard is installed
//! and on nothing else, so that runs side by side write the same.

use guard_core::tool::Toolbox;
use std::ffi::{OsStr, OsString};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use super::known_shells::SHELLS;
use guard_ground::atomic::{link, make_directory, put};
use guard_ground::install::Places;
use guard_ground::real_tool;

/// The directory, in the state directory.
const DIRECTORY: &str = "run";
/// The files that zsh reads, in that order (zsh(1), "Startup/shutdown files").
const ZSH_FILES: [&str; 5] = [".zshenv", ".zprofile", ".zshrc", ".zlogin", ".zlogout"];

/// Where they are.
#[derive(Clone, Debug)]
pub struct ShimFiles {
    tools: &'static Toolbox,
    directory: PathBuf,
    shims: PathBuf,
    binary: PathBuf,
}

impl ShimFiles {
    /// Where they are in this installation, written or not.
    ///
    /// # Errors
    /// What is not known, or a directory that cannot stand on PATH.
    pub fn of(tools: &'static Toolbox, places: &Places) -> std::result::Result<Self, String> {
        let state = places.state.as_ref().ok_or("no home directory is known")?;
        let binary = places
            .binary
            .clone()
            .ok_or("the system does not say where guard's own program is")?;
        let directory = state.join(DIRECTORY);
        // Without the `..` that leads from the binary to it.
        let installed = places.share.as_ref().map(|share| {
            let shims = share.join("shims");
            shims.canonicalize().unwrap_or(shims)
        });
        let files = Self {
            tools,
            // A checkout has no shims of its installation.
            shims: installed.unwrap_or_else(|| directory.join("shims")),
            directory,
            binary,
        };
        for path in [&files.directory, &files.shims] {
            if path.as_os_str().as_bytes().contains(&b':') {
                return Err(format!(
                    "a directory with a colon cannot stand on PATH: {}",
                    guard_ground::sanitize::path(path)
                ));
            }
        }
        Ok(files)
    }

    /// What puts the shims first, for `.` in any POSIX shell.
    pub fn path(&self) -> PathBuf {
        self.directory.join("path.sh")
    }

    /// What `BASH_ENV` names.
    pub fn bash(&self) -> PathBuf {
        self.directory.join("bash.sh")
    }

    /// What `ENV` names.
    pub fn sh(&self) -> PathBuf {
        self.directory.join("sh.sh")
    }

    /// What `CLAUDE_ENV_FILE` names.
    pub fn claude(&self) -> PathBuf {
        self.directory.join("claude.sh")
    }

    /// What `bash --rcfile` is given in place of `~/.bashrc`.
    pub fn bashrc(&self) -> PathBuf {
        self.directory.join("bashrc.sh")
    }

    /// What `ZDOTDIR` names.
    pub fn zsh(&self) -> PathBuf {
        self.directory.join("zsh")
    }

    /// What comes first in `XDG_DATA_DIRS`.
    pub fn fish_data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The links under the names of shells.
    pub fn shells(&self) -> PathBuf {
        self.directory.join("shells")
    }

    /// The shims.
    pub fn shims(&self) -> &Path {
        &self.shims
    }

    /// What PATH begins with.
    fn front(&self) -> [PathBuf; 2] {
        [self.shells(), self.shims.clone()]
    }

    /// Whether PATH begins with guard's directories.
    pub fn is_first_on(&self, path: &OsStr) -> bool {
        std::env::split_paths(path)
            .take(2)
            .eq(self.front().iter().cloned())
    }

    /// PATH with guard's directories first, and nowhere else.
    pub fn first_on(&self, path: Option<&OsStr>) -> OsString {
        let front = self.front();
        let mut parts: Vec<&[u8]> = front
            .iter()
            .map(|directory| directory.as_os_str().as_bytes())
            .collect();
        let rest = path.unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"));
        parts.extend(
            rest.as_bytes()
                .split(|byte| *byte == b':')
                .filter(|part| !front.iter().any(|one| one.as_os_str().as_bytes() == *part)),
        );
        OsString::from_vec(parts.join(&b':'))
    }

    /// The functions that every bash below the agent inherits: name of the variable and value.
    pub fn functions(&self) -> Vec<(OsString, OsString)> {
        self.tools
            .shims()
            .map(|tool| {
                let mut body = OsString::from("() {  ");
                body.push(quoted(&self.shims.join(tool)));
                body.push(" \"$@\"\n}");
                (format!("BASH_FUNC_{tool}%%").into(), body)
            })
            .collect()
    }

    /// What a command string of a shell is begun with.
    pub fn prefix(&self) -> OsString {
        let path = quoted(&self.path());
        let mut text = OsString::from("if [ -r ");
        text.push(&path);
        text.push(" ]; then . ");
        text.push(&path);
        text.push("; fi; ");
        text
    }

    /// Writes what is not there yet, each file whole.
    pub fn write(&self, search: Option<&OsStr>) -> Result<()> {
        make_directory(&self.directory)?;
        put(&self.path(), &self.path_script())?;
        put(&self.bash(), &self.bash_script())?;
        put(&self.sh(), &self.after("ENV"))?;
        put(&self.claude(), &self.after("CLAUDE_ENV_FILE"))?;
        put(&self.bashrc(), &self.bashrc_script())?;
        make_directory(&self.zsh())?;
        for name in ZSH_FILES {
            put(&self.zsh().join(name), &self.zsh_script(name))?;
        }
        let fish = self.fish_data().join("fish/vendor_conf.d");
        make_directory(&fish)?;
        put(&fish.join("guard-run.fish"), &self.fish_script())?;
        make_directory(&self.shells())?;
        for name in SHELLS {
            if real_tool::find(OsStr::new(name), search).is_some() {
                link(&self.binary, &self.shells().join(name))?;
            }
        }
        if self.shims.starts_with(&self.directory) {
            make_directory(&self.shims)?;
            for tool in self.tools.shims() {
                link(&self.binary, &self.shims.join(tool))?;
            }
        }
        if !real_tool::is_guard_binary(&self.shims.join("rm")) {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "{} holds no shims: run install.sh again",
                    guard_ground::sanitize::path(&self.shims)
                ),
            ));
        }
        Ok(())
    }

    /// Puts the shims first, whatever PATH is: in POSIX sh, with the shell's own means only.
    fn path_script(&self) -> Vec<u8> {
        let (shells, shims) = (quoted(&self.shells()), quoted(&self.shims));
        script(&[
            OsStr::new("guard_shells="),
            &shells,
            OsStr::new("\nguard_shims="),
            &shims,
            OsStr::new(
                r#"
case ${PATH-}: in
"$guard_shells:$guard_shims:"*) ;;
*)
    guard_path=:${PATH-}:
    for guard_part in "$guard_shells" "$guard_shims"; do
        while :; do
            case $guard_path in
            *":$guard_part:"*) guard_path=${guard_path%%":$guard_part:"*}:${guard_path#*":$guard_part:"} ;;
            *) break ;;
            esac
        done
    done
    guard_path=${guard_path#:}
    PATH=$guard_shells:$guard_shims${guard_path:+:${guard_path%:}}
    export PATH
    unset guard_path guard_part
    ;;
esac
unset guard_shells guard_shims
"#,
            ),
        ])
    }

    /// A bash that reads it has the shims first and needs no functions: `command -v git` is a path.
    fn bash_script(&self) -> Vec<u8> {
        let names: Vec<&str> = self.tools.shims().collect();
        let mut text = format!("unset -f {}\n", names.join(" ")).into_bytes();
        text.extend(self.after("BASH_ENV"));
        text
    }

    /// Reads the person's own file, which `GUARD_RUN_NAME` remembers, then puts the shims first.
    fn after(&self, variable: &str) -> Vec<u8> {
        // Shells expand BASH_ENV and ENV before they read what they name (bash(1), sh(1)).
        let text = format!(
            r#"if [ -n "${{GUARD_RUN_{variable}-}}" ]; then
    case $GUARD_RUN_{variable} in
    *['$`']*) eval "guard_file=\"$GUARD_RUN_{variable}\"" ;;
    *) guard_file=$GUARD_RUN_{variable} ;;
    esac
    if [ -r "$guard_file" ]; then . "$guard_file"; fi
    unset guard_file
fi
. "#
        );
        script(&[OsStr::new(&text), &quoted(&self.path()), OsStr::new("\n")])
    }

    fn bashrc_script(&self) -> Vec<u8> {
        script(&[
            OsStr::new("if [ -r ~/.bashrc ]; then . ~/.bashrc; fi\n. "),
            &quoted(&self.path()),
            OsStr::new("\n"),
        ])
    }

    /// The person's own files see the ZDOTDIR that they would see without guard, and may set it.
    fn zsh_script(&self, name: &str) -> Vec<u8> {
        let before = if name == ".zshenv" {
            "if [[ -n ${GUARD_RUN_ZDOTDIR-} ]]; then ZDOTDIR=$GUARD_RUN_ZDOTDIR; else unset ZDOTDIR; fi\n"
        } else {
            "if [[ -n ${guard_zdotdir-} ]]; then ZDOTDIR=$guard_zdotdir; else unset ZDOTDIR; fi\n"
        };
        let text = format!(
            "{before}if [[ -r ${{ZDOTDIR:-$HOME}}/{name} ]]; then source \"${{ZDOTDIR:-$HOME}}/{name}\"; fi\n\
             typeset -g guard_zdotdir=${{ZDOTDIR-}}\nexport ZDOTDIR="
        );
        script(&[
            OsStr::new(&text),
            &quoted(&self.zsh()),
            OsStr::new("\nsource "),
            &quoted(&self.path()),
            OsStr::new("\n"),
        ])
    }

    fn fish_script(&self) -> Vec<u8> {
        let (shells, shims) = (fish_quoted(&self.shells()), fish_quoted(&self.shims));
        script(&[
            OsStr::new("function __guard_run_first --on-variable PATH\n    set -l front "),
            &shells,
            OsStr::new(" "),
            &shims,
            OsStr::new(
                "
    if test \"$PATH[1]\" != \"$front[1]\" -o \"$PATH[2]\" != \"$front[2]\"
        set -l rest
        for directory in $PATH
            if not contains -- $directory $front
                set -a rest $directory
            end
        end
        set -gx PATH $front $rest
    end
end
__guard_run_first
",
            ),
        ])
    }
}

fn script(parts: &[&OsStr]) -> Vec<u8> {
    let mut text = b"# Written by guard run. Changes are overwritten.\n".to_vec();
    for part in parts {
        text.extend_from_slice(part.as_bytes());
    }
    text
}

/// A path as one word of a POSIX shell.
fn quoted(path: &Path) -> OsString {
    quote(path, b"'\\''", false)
}

/// A path as one word of fish.
fn fish_quoted(path: &Path) -> OsString {
    quote(path, b"\\'", true)
}

fn quote(path: &Path, apostrophe: &[u8], doubles: bool) -> OsString {
    let mut word = vec![b'\''];
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'\'' => word.extend_from_slice(apostrophe),
            b'\\' if doubles => word.extend_from_slice(b"\\\\"),
            _ => word.push(*byte),
        }
    }
    word.push(b'\'');
    OsString::from_vec(word)
}
