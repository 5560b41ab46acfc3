//! Running git in the repository of a backup.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Instant;

use super::RepositoryPlace;
use guard_core::context::Context;
use guard_core::probe::{Probe, ToolAnswer};
use guard_core::tracked::REPOSITORY_VARIABLES;
use guard_trees::held::{self, HeldObjects};

/// A repository by its directories, whatever the variables of the caller say.
pub(super) struct Repository<'a> {
    pub place: &'a RepositoryPlace,
    probe: Probe<'a>,
}

impl<'a> Repository<'a> {
    pub fn open(
        place: &'a RepositoryPlace,
        context: &'a Context,
        deadline: Instant,
    ) -> Result<Self, String> {
        let directory = place.top.as_deref().unwrap_or(&place.git_dir);
        let probe =
            Probe::new("git", directory, context, deadline).map_err(|error| error.to_string())?;
        Ok(Self {
            place,
            probe: probe
                .without(REPOSITORY_VARIABLES)
                .variable("GIT_TERMINAL_PROMPT", "0")
                .variable("GIT_OPTIONAL_LOCKS", "0")
                .variable("LC_ALL", "C"),
        })
    }

    /// The top of the working tree.
    pub fn top(&self) -> Result<&'a Path, String> {
        self.place
            .top
            .as_deref()
            .ok_or_else(|| "the repository has no work tree".to_owned())
    }

    /// With another index.
    pub fn with_index(&self, file: &Path) -> Self {
        let probe = self.probe.clone();
        Self {
            place: self.place,
            probe: probe.variable_os("GIT_INDEX_FILE", file.as_os_str().to_owned()),
        }
    }

    fn words<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Vec<OsString> {
        let mut git_dir = OsString::from("--git-dir=");
        git_dir.push(&self.place.git_dir);
        let mut words = vec![git_dir];
        if let Some(top) = &self.place.top {
            let mut work_tree = OsString::from("--work-tree=");
            work_tree.push(top);
            words.push(work_tree);
        }
        // Neither hooks nor monitors of the repository's have a say here.
        words.extend(
            [
                "-c",
                "core.fsmonitor=false",
                "-c",
                "core.hooksPath=/dev/null",
                "--no-pager",
                "--literal-pathspecs",
            ]
            .map(OsString::from),
        );
        words.extend(arguments.iter().map(|word| word.as_ref().to_owned()));
        words
    }

    /// What git answers.
    pub fn ask<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<ToolAnswer, String> {
        self.probe
            .run(&self.words(arguments))
            .map_err(|failure| failure.to_string())
    }

    /// A command that is about no repository.
    pub fn outside<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Vec<u8>, String> {
        let answer = self
            .probe
            .run(arguments)
            .map_err(|failure| failure.to_string())?;
        good(answer)
    }

    /// The output of a git command that must succeed.
    pub fn output<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Vec<u8>, String> {
        good(self.ask(arguments)?)
    }

    /// The same with something on its standard input.
    pub fn feed<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        input: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        let answer = self
            .probe
            .clone()
            .input(input)
            .run(&self.words(arguments))
            .map_err(|failure| failure.to_string())?;
        good(answer)
    }

    /// The objects that commits of any reference but guard's have at these paths, relative to the top.
    pub fn committed(&self, paths: &[Vec<u8>]) -> HeldObjects {
        let none: [&str; 0] = [];
        let paths: Vec<OsString> = paths
            .iter()
            .map(|path| OsStr::from_bytes(path).to_owned())
            .collect();
        let mut scope = self.words(&none);
        // The paths come with magic of their own.
        scope.retain(|word| word != "--literal-pathspecs");
        held::at(&self.probe, &scope, &paths)
    }

    /// Of these objects the ones that are here.
    pub fn here(&self, objects: &[String]) -> Result<Vec<String>, String> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let input = objects.join("\n").into_bytes();
        let output = self.feed(&["cat-file", "--batch-check=%(objectname)"], input)?;
        Ok(String::from_utf8_lossy(&output)
            .lines()
            .filter(|line| !line.ends_with(" missing"))
            .map(str::to_owned)
            .collect())
    }
}

fn good(answer: ToolAnswer) -> Result<Vec<u8>, String> {
    if answer.success {
        Ok(answer.output)
    } else {
        Err(format!("git says: {}", answer.complaint()))
    }
}

/// Whether a text is the name of an object.
pub(super) fn is_object(text: &[u8]) -> bool {
    matches!(text.len(), 40 | 64)
        && text
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a name of an object is that of none.
pub(super) fn is_zero(object: &[u8]) -> bool {
    object.iter().all(|byte| *byte == b'0')
}
