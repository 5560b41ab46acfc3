//! What keeps the shims first below an agent, layer by layer. `guard run --dry-run` lists them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::files::ShimFiles;

/// One way in which the shims are put, and kept, in front of everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// PATH begins with guard's directories.
    Path,
    /// `BASH_ENV`.
    Bash,
    /// Exported functions and `PROMPT_COMMAND`.
    InteractiveBash,
    /// `ENV`.
    Sh,
    /// `ZDOTDIR`.
    Zsh,
    /// A vendor configuration below `XDG_DATA_DIRS`.
    Fish,
    /// bash, sh and dash of guard's own, first on PATH and in SHELL.
    Shells,
    /// What this one agent needs.
    Agent,
    /// The record of the run, with its workspace.
    Workspace,
}

impl Layer {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Path,
        Self::Bash,
        Self::InteractiveBash,
        Self::Sh,
        Self::Zsh,
        Self::Fish,
        Self::Shells,
        Self::Agent,
        Self::Workspace,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Bash => "bash",
            Self::InteractiveBash => "interactive-bash",
            Self::Sh => "sh",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Shells => "shells",
            Self::Agent => "agent",
            Self::Workspace => "workspace",
        }
    }

    /// What it does, in one line.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Path => "the shims come first on PATH",
            Self::Bash => "bash -c, bash -lc and bash scripts put them first again (BASH_ENV)",
            Self::InteractiveBash => {
                "interactive bash calls the shims by exported functions, and before each prompt puts them first again"
            }
            Self::Sh => "interactive sh puts them first again (ENV)",
            Self::Zsh => "zsh reads your start-up files, then puts them first again (ZDOTDIR)",
            Self::Fish => "fish puts them first whenever PATH changes (XDG_DATA_DIRS)",
            Self::Shells => {
                "sh -lc, dash -lc and bash -ilc by name put them first after the profile"
            }
            Self::Agent => "what this agent needs besides",
            Self::Workspace => {
                "this directory is the workspace, and what is started here counts as an agent"
            }
        }
    }

    /// Whether it holds in this process, which may stand below a `guard run`. [`Layer::Agent`] shows
    /// nowhere but in the agent itself, and is taken to hold where the run's record does.
    pub fn holds_here(self, files: &ShimFiles) -> bool {
        let is = |name: &str, value: &OsStr| std::env::var_os(name).is_some_and(|it| it == value);
        match self {
            Self::Path => std::env::var_os("PATH").is_some_and(|path| files.is_first_on(&path)),
            Self::Bash => is("BASH_ENV", files.bash().as_os_str()),
            // A bash that reads BASH_ENV hands the functions on no more.
            Self::InteractiveBash => std::env::var_os("PROMPT_COMMAND")
                .is_some_and(|command| command.as_bytes().starts_with(files.prefix().as_bytes())),
            Self::Sh => is("ENV", files.sh().as_os_str()),
            Self::Zsh => is("ZDOTDIR", files.zsh().as_os_str()),
            Self::Fish => std::env::var_os("XDG_DATA_DIRS")
                .is_some_and(|list| std::env::split_paths(&list).next() == Some(files.fish_data())),
            Self::Shells => std::env::var_os("PATH").is_some_and(|path| {
                std::env::split_paths(&path).any(|directory| directory == files.shells())
            }),
            Self::Agent | Self::Workspace => {
                guard_core::agent::ancestors()
                    .iter()
                    .any(|ancestor| guard_core::record::of(ancestor.id).is_some())
                    || guard_core::record::by_variable().is_some()
            }
        }
    }
}
