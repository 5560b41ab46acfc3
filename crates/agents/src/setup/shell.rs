//! The shells' start-up files. A block at the end of each, so that it stands after whatever else
//! changes PATH: Debian's /etc/profile, macOS's `path_helper` in /etc/zprofile, version managers.

use std::path::{Path, PathBuf};

use super::Surroundings;

/// The first line of what is guard's.
pub const BEGIN: &str = "# >>> guard >>>";
/// The last line of what is guard's.
pub const END: &str = "# <<< guard <<<";

/// A shell that guard knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// bash(1), "INVOCATION".
    Bash,
    /// zsh(1), "STARTUP/SHUTDOWN FILES".
    Zsh,
    /// fish(1), "Configuration files".
    Fish,
    /// `sh`, `dash`, `ksh` as login shells.
    Sh,
}

/// All of them.
pub const SHELLS: [Shell; 4] = [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Sh];

impl Shell {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Sh => "sh",
        }
    }

    /// The shell of that name or path.
    pub fn named(name: &str) -> Option<Self> {
        match name.rsplit('/').next().unwrap_or(name) {
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            "sh" | "dash" | "ksh" => Some(Self::Sh),
            _ => None,
        }
    }

    /// The files that it reads and that get a block.
    pub fn files(self, around: &Surroundings) -> Vec<PathBuf> {
        let home = &around.home;
        let below = |names: &[&str], directory: &Path| -> Vec<PathBuf> {
            names.iter().map(|name| directory.join(name)).collect()
        };
        match self {
            Self::Bash => {
                // A login shell reads the first of these that is there, and only that one.
                let login = [".bash_profile", ".bash_login"]
                    .into_iter()
                    .find(|name| home.join(name).is_file());
                let mut files = below(&[".bashrc"], home);
                files.extend(login.map(|name| home.join(name)));
                let profile = home.join(".profile");
                if login.is_none() || profile.is_file() {
                    files.push(profile);
                }
                files
            }
            Self::Zsh => {
                let own = around.directory("ZDOTDIR");
                let directory = own.as_deref().unwrap_or(home);
                let mut files = below(&[".zshenv"], home);
                files.extend(below(&[".zprofile", ".zshrc"], directory));
                let more = [directory.join(".zshenv"), directory.join(".zlogin")];
                for file in more {
                    if file.is_file() && !files.contains(&file) {
                        files.push(file);
                    }
                }
                files
            }
            Self::Fish => vec![around.config().join("fish/conf.d/guard.fish")],
            Self::Sh => vec![home.join(".profile")],
        }
    }

    /// Whether the person has start-up files for it.
    fn is_used(self, around: &Surroundings) -> bool {
        let any = |names: &[&str]| names.iter().any(|name| around.home.join(name).is_file());
        match self {
            Self::Bash => any(&[".bashrc", ".bash_profile", ".bash_login"]),
            Self::Zsh => {
                any(&[".zshenv", ".zprofile", ".zshrc"])
                    || around
                        .directory("ZDOTDIR")
                        .is_some_and(|directory| directory.join(".zshrc").is_file())
            }
            Self::Fish => around.config().join("fish").is_dir(),
            Self::Sh => any(&[".profile"]),
        }
    }
}

/// The shells that a person uses: SHELL, and those that they have start-up files for. And what SHELL
/// names, when it is none that guard knows.
pub fn found(around: &Surroundings) -> (Vec<Shell>, Option<String>) {
    let own = around.text("SHELL");
    let known = own.as_deref().and_then(Shell::named);
    let shells = SHELLS
        .into_iter()
        .filter(|shell| known == Some(*shell) || shell.is_used(around))
        .collect();
    (shells, own.filter(|_| known.is_none()))
}

/// A POSIX shell's words for guard's block.
pub fn block(shims: &str) -> String {
    let quoted = single_quoted(shims, false);
    format!(
        "{BEGIN}
# Puts guard's shims first on PATH, and nowhere else. guard setup --undo shell takes this out.
_guard_shims={quoted}
if [ -d \"$_guard_shims\" ]; then
  case \"${{PATH-}}\" in
  \"$_guard_shims\" | \"$_guard_shims\":*) ;;
  *)
    _guard_path=\":${{PATH-}}:\"
    while :; do
      case \"$_guard_path\" in
      *\":$_guard_shims:\"*) _guard_path=\"${{_guard_path%%\":$_guard_shims:\"*}}:${{_guard_path#*\":$_guard_shims:\"}}\" ;;
      *) break ;;
      esac
    done
    _guard_path=\"${{_guard_path#:}}\"
    _guard_path=\"${{_guard_path%:}}\"
    PATH=\"$_guard_shims${{_guard_path:+:$_guard_path}}\"
    export PATH
    unset _guard_path
    ;;
  esac
fi
unset _guard_shims
{END}
"
    )
}

/// The file for fish.
pub fn fish(shims: &str) -> String {
    let quoted = single_quoted(shims, true);
    format!(
        "{BEGIN}
# Keeps guard's shims first on PATH, whatever changes it. guard setup --undo shell removes this file.
function __guard_first --on-variable PATH
    set -l shims {quoted}
    if test -d $shims; and test \"$PATH[1]\" != $shims
        set -l others
        for directory in $PATH
            test \"$directory\" = $shims; or set -a others $directory
        end
        set -gx PATH $shims $others
    end
end
__guard_first
{END}
"
    )
}

fn single_quoted(text: &str, fish: bool) -> String {
    if fish {
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// What a file holds after guard's block was put at its end; nothing when it stands there already.
pub fn with_block(before: &[u8], block: &str, shims: &str) -> Option<Vec<u8>> {
    if contains(before, block.as_bytes()) || ends_with_line(before, shims) {
        return None;
    }
    let mut after = before.to_vec();
    if !after.is_empty() && !after.ends_with(b"\n") {
        after.push(b'\n');
    }
    after.extend_from_slice(block.as_bytes());
    Some(after)
}

/// Whether the last command of a file is the line that install.sh prints.
fn ends_with_line(text: &[u8], shims: &str) -> bool {
    let escaped = shims.chars().fold(String::new(), |mut text, character| {
        if matches!(character, '\\' | '"' | '$' | '`') {
            text.push('\\');
        }
        text.push(character);
        text
    });
    let line = format!("export PATH=\"{escaped}:$PATH\"");
    text.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .rfind(|line| !line.is_empty() && !line.starts_with(b"#"))
        .is_some_and(|last| last == line.as_bytes())
}

/// Whether a text stands in another.
pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}
