//! The real git, asked and never told: no locks, no prompt, no monitor, no pager.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Instant;

use guard_core::context::Context;
use guard_core::probe::{Probe, ToolAnswer};
use guard_core::tracked::REPOSITORY_VARIABLES;
use guard_ground::sanitize;

/// Why something could not be measured, as the end of a sentence.
pub type Unmeasured = String;

/// Leaves out what guard itself keeps alive in repositories.
pub const EXCLUDED: &str = "--exclude=refs/guard/*";

/// The real git in one place, with global options.
#[derive(Debug)]
pub struct RealGit<'a> {
    /// How it is run.
    pub probe: Probe<'a>,
    /// The global options, as the command gives them.
    pub scope: Vec<OsString>,
}

impl<'a> RealGit<'a> {
    /// git as a command in this directory with these global options finds it.
    ///
    /// # Errors
    /// When it is not there.
    pub fn new(
        directory: &Path,
        scope: Vec<OsString>,
        context: &'a Context,
        deadline: Instant,
    ) -> Result<Self, Unmeasured> {
        let probe = Probe::new("git", directory, context, deadline)
            .map_err(|failure| failure.to_string())?;
        Ok(Self {
            probe: quiet(probe),
            scope,
        })
    }

    /// git in another directory, whatever repository variables name.
    ///
    /// # Errors
    /// When it is not there.
    pub fn at(
        directory: &Path,
        context: &'a Context,
        deadline: Instant,
    ) -> Result<Self, Unmeasured> {
        let mut git = Self::new(directory, Vec::new(), context, deadline)?;
        git.probe = git.probe.without(REPOSITORY_VARIABLES);
        Ok(git)
    }

    /// What git answers.
    ///
    /// # Errors
    /// When it does not.
    pub fn ask<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<ToolAnswer, Unmeasured> {
        let mut words = self.scope.clone();
        // A monitor or a pager is a program of the user's choice; a preview starts none.
        words.extend(["-c", "core.fsmonitor=false", "--no-pager"].map(OsString::from));
        words.extend(arguments.iter().map(|word| word.as_ref().to_owned()));
        self.probe
            .run(&words)
            .map_err(|failure| failure.to_string())
    }

    /// The output of a git command that must succeed.
    pub fn output<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Vec<u8>, Unmeasured> {
        let answer = self.ask(arguments)?;
        if answer.success {
            Ok(answer.output)
        } else {
            Err(format!("git says: {}", answer.complaint()))
        }
    }

    /// A value from configuration; `None` when it is not set.
    pub fn setting(&self, key: &str) -> Result<Option<String>, Unmeasured> {
        let answer = self.ask(&["config", "--get", key])?;
        let text = String::from_utf8_lossy(answer.output.trim_ascii()).into_owned();
        Ok(answer.success.then_some(text))
    }

    /// The object that a revision names, `None` when it names none. `-` is the branch before
    /// (git-checkout(1)).
    pub fn resolve(&self, revision: &OsStr) -> Result<Option<String>, Unmeasured> {
        let revision = if revision == "-" {
            OsStr::new("@{-1}")
        } else {
            revision
        };
        let words = [
            OsStr::new("rev-parse"),
            OsStr::new("--verify"),
            OsStr::new("--quiet"),
            OsStr::new("--end-of-options"),
            revision,
        ];
        let answer = self.ask(&words)?;
        let text = String::from_utf8_lossy(answer.output.trim_ascii()).into_owned();
        if answer.success && !text.is_empty() {
            return Ok(Some(text));
        }
        // 1 says that there is no such thing, anything else that git could not look.
        if answer.code != Some(1) {
            return Err(format!("git says: {}", answer.complaint()));
        }
        // `A...B` is their merge base where one commit is wanted (git-checkout(1)).
        let Some((left, right)) = revision.to_str().and_then(|text| text.split_once("...")) else {
            return Ok(None);
        };
        let or_head = |name: &str| {
            if name.is_empty() {
                "HEAD".to_owned()
            } else {
                name.to_owned()
            }
        };
        let words = ["merge-base".to_owned(), or_head(left), or_head(right)];
        let answer = self.ask(&words)?;
        let text = String::from_utf8_lossy(answer.output.trim_ascii()).into_owned();
        Ok((answer.success && !text.is_empty()).then_some(text))
    }

    /// The commit that a revision names, `None` when it names none.
    pub fn commit(&self, revision: &OsStr) -> Result<Option<String>, Unmeasured> {
        match self.resolve(revision)? {
            // Peeled by its name: `:/text^{commit}` would search for another text.
            Some(object) => self.resolve(OsStr::new(&format!("{object}^{{commit}}"))),
            None => Ok(None),
        }
    }

    /// The commit that a revision has to name.
    pub fn needed_commit(&self, revision: &OsStr) -> Result<String, Unmeasured> {
        self.commit(revision)?
            .ok_or_else(|| format!("{} names no commit here", sanitize::os(revision)))
    }

    /// Whether a revision names something.
    pub fn exists(&self, revision: &str) -> Result<bool, Unmeasured> {
        Ok(self.resolve(OsStr::new(revision))?.is_some())
    }
}

fn quiet(probe: Probe<'_>) -> Probe<'_> {
    probe
        .variable("GIT_OPTIONAL_LOCKS", "0")
        .variable("GIT_TERMINAL_PROMPT", "0")
        .variable("LC_ALL", "C")
}
