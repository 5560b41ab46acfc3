//! What a git command would destroy: uncommitted work, commits that nothing else would hold, and
//! what a remote would lose.

mod clean;
mod detached;
mod discard;
mod fetch;
pub mod held;
mod history;
mod housekeeping;
mod overwritten;
mod push;
pub mod repository;

use std::cell::{OnceCell, RefCell};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::backup;
use crate::context::Context;
use crate::invocation::{Invocation, Word};
use crate::paths::World;
use crate::preview::{Budget, Loss, Preview};
use crate::probe::{Answer, Probe};
use crate::tools::git::backup::{MOVING, Needs, Place, Wanted};
use crate::tools::rm;

/// Why something could not be measured, as the end of a sentence.
type Unmeasured = String;
type Measured = Result<Loss, Unmeasured>;

/// The real git in the place and with the global options of an invocation.
pub(crate) struct Git<'a> {
    probe: Probe<'a>,
    scope: Vec<OsString>,
    /// The command names submodules itself, or was told to go down into them.
    enters_submodules: bool,
    /// It was told to overwrite files with the skip-worktree bit as well.
    overwrites_skipped: bool,
    /// What has to be saved, gathered while the loss is measured.
    needs: RefCell<Needs>,
    place: OnceCell<Place>,
}

impl<'a> Git<'a> {
    fn new(
        invocation: &Invocation,
        context: &'a Context,
        budget: &Budget,
    ) -> Result<Self, Unmeasured> {
        let directory = context
            .directory
            .as_deref()
            .ok_or("the directory it works in is not known")?;
        Ok(Self {
            probe: quiet(
                Probe::new("git", directory, context, budget.deadline)
                    .map_err(|e| e.to_string())?,
            ),
            scope: invocation.scope.clone(),
            enters_submodules: invocation.verb_is(&["rm"])
                || invocation.has("--recurse-submodules"),
            overwrites_skipped: invocation.has("--ignore-skip-worktree-bits"),
            needs: RefCell::default(),
            place: OnceCell::new(),
        })
    }

    /// The real git in another directory, without the invocation's options.
    fn at(
        directory: &std::path::Path,
        context: &'a Context,
        budget: &Budget,
    ) -> Result<Self, Unmeasured> {
        let probe = Probe::new("git", directory, context, budget.deadline)
            .map_err(|failure| failure.to_string())?;
        Ok(Self {
            probe: quiet(probe.without(super::REPOSITORY_VARIABLES)),
            scope: Vec::new(),
            enters_submodules: false,
            overwrites_skipped: false,
            needs: RefCell::default(),
            place: OnceCell::new(),
        })
    }

    /// Notes something that has to be saved.
    fn need(&self, note: impl FnOnce(&mut Needs)) {
        note(&mut self.needs.borrow_mut());
    }

    /// Where the repository lies.
    fn place(&self) -> Result<&Place, Unmeasured> {
        if let Some(place) = self.place.get() {
            return Ok(place);
        }
        let words = [
            "rev-parse",
            "--path-format=absolute",
            "--git-dir",
            "--git-common-dir",
        ];
        let whole = self.ask(&[words.as_slice(), &["--show-toplevel"]].concat())?;
        let output = if whole.success {
            whole.output
        } else {
            // A bare repository has no top.
            self.output(&words)?
        };
        let mut lines = output
            .strip_suffix(b"\n")
            .unwrap_or(&output)
            .split(|byte| *byte == b'\n')
            .map(|line| PathBuf::from(repository::os(line)));
        let (Some(git_dir), Some(common_dir), top, None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err("the repository has a name that guard cannot read".to_owned());
        };
        Ok(self.place.get_or_init(|| Place {
            git_dir,
            common_dir,
            top,
        }))
    }

    /// What has to be saved, if anything.
    fn wanted(&self, context: &Context) -> Option<backup::Wanted> {
        let mut needs = self.needs.take();
        if needs.is_empty() {
            return None;
        }
        let namespace = |word: &OsString| word.as_encoded_bytes().starts_with(b"--namespace");
        if MOVING.iter().any(|name| context.has_variable(name)) || self.scope.iter().any(namespace)
        {
            needs.unable = Some("the command works with an index or objects of its own".to_owned());
        }
        let place = self.place().ok()?.clone();
        Some(backup::Wanted::Git(Wanted { place, needs }))
    }

    /// Whether the command goes down into submodules (git-config(1), `submodule.recurse`).
    fn recurses(&self) -> Result<bool, Unmeasured> {
        let ask = ["config", "--type=bool", "--get", "submodule.recurse"];
        let answer = self.ask(&ask)?;
        Ok(self.enters_submodules || answer.output.trim_ascii() == b"true")
    }

    fn ask<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Answer, Unmeasured> {
        let mut words = self.scope.clone();
        // A monitor or a pager is a program of the user's choice; a preview starts none.
        words.extend(["-c", "core.fsmonitor=false", "--no-pager"].map(OsString::from));
        words.extend(arguments.iter().map(|word| word.as_ref().to_owned()));
        self.probe
            .run(&words)
            .map_err(|failure| failure.to_string())
    }

    /// The output of a git command that must succeed.
    fn output<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Vec<u8>, Unmeasured> {
        let answer = self.ask(arguments)?;
        if answer.success {
            Ok(answer.output)
        } else {
            Err(format!("git says: {}", answer.complaint()))
        }
    }

    /// A value from configuration; `None` when it is not set.
    fn setting(&self, key: &str) -> Result<Option<String>, Unmeasured> {
        let answer = self.ask(&["config", "--get", key])?;
        let text = String::from_utf8_lossy(answer.output.trim_ascii()).into_owned();
        Ok(answer.success.then_some(text))
    }

    /// The object that a revision names, `None` when it names none. `-` is the branch before
    /// (git-checkout(1)).
    fn resolve(&self, revision: &OsStr) -> Result<Option<String>, Unmeasured> {
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
    fn commit(&self, revision: &OsStr) -> Result<Option<String>, Unmeasured> {
        match self.resolve(revision)? {
            // Peeled by its name: `:/text^{commit}` would search for another text.
            Some(object) => self.resolve(OsStr::new(&format!("{object}^{{commit}}"))),
            None => Ok(None),
        }
    }

    /// The commit that a revision has to name.
    fn needed_commit(&self, revision: &OsStr) -> Result<String, Unmeasured> {
        self.commit(revision)?
            .ok_or_else(|| format!("{} names no commit here", crate::sanitize::os(revision)))
    }

    /// Whether a revision names something.
    fn exists(&self, revision: &str) -> Result<bool, Unmeasured> {
        Ok(self.resolve(OsStr::new(revision))?.is_some())
    }
}

fn quiet(probe: Probe<'_>) -> Probe<'_> {
    probe
        .variable("GIT_OPTIONAL_LOCKS", "0")
        .variable("GIT_TERMINAL_PROMPT", "0")
        .variable("LC_ALL", "C")
}

/// Measures one git invocation.
pub fn measure(
    invocation: &Invocation,
    world: &World,
    context: &Context,
    budget: &Budget,
) -> Preview {
    let git = match Git::new(invocation, context, budget) {
        Ok(git) => git,
        Err(why) => return Preview::Unknown(why, Loss::default()),
    };
    let measured = loss_of(invocation, &git, world, context, budget)
        .map(|loss| loss.map(|loss| named(loss, invocation, context)));
    let takes_something = |loss: &Option<Loss>| loss.as_ref().is_some_and(|loss| !loss.is_none());
    let wanted = match &measured {
        Ok(loss) if !takes_something(loss) => None,
        // What a person approves without knowing the loss is saved as far as it is known.
        _ => git.wanted(context),
    };
    let measured = measured.map(|loss| {
        loss.map(|mut loss| {
            if matches!(&wanted, Some(backup::Wanted::Git(wanted)) if wanted.needs.unable.is_some())
            {
                for part in &mut loss.parts {
                    part.kept = false;
                }
            }
            loss.saves.extend(wanted.clone());
            loss
        })
    });
    match measured {
        Ok(Some(loss)) if loss.parts.iter().any(|part| part.at_least) => Preview::Estimate(loss),
        Ok(Some(loss)) => Preview::Exact(loss),
        Ok(None) => Preview::Unknown(
            format!(
                "guard does not know how to measure git {}",
                invocation.verb.join(" ")
            ),
            Loss::default(),
        ),
        Err(why) => {
            let loss = Loss {
                saves: wanted.into_iter().collect(),
                ..Loss::default()
            };
            Preview::Unknown(why, loss)
        }
    }
}

/// A phrase that names no place names the repository.
fn named(mut loss: Loss, invocation: &Invocation, context: &Context) -> Loss {
    if loss.phrase.place.is_empty()
        && let Some(directory) = super::directory(invocation, context)
        && let Some(name) = crate::paths::top_of(&directory).file_name()
    {
        loss.phrase.place = format!("in {}", rm::preview::typeable(name));
    }
    loss
}

/// The loss of a verb that guard can measure; `None` for the others.
fn loss_of(
    invocation: &Invocation,
    git: &Git<'_>,
    world: &World,
    context: &Context,
    budget: &Budget,
) -> Result<Option<Loss>, Unmeasured> {
    if let Some(unknown) = invocation.operands.iter().find(|word| !word.known) {
        return Err(format!(
            "what {} holds is not known before it runs",
            crate::sanitize::os(&unknown.text)
        ));
    }
    let second = invocation.verb.get(1).map_or("", |word| word);
    let loss = match (invocation.verb_name(), second) {
        ("reset", _) => discard::reset(invocation, git)?,
        ("checkout", "paths") => discard::checkout_paths(invocation, git, context)?,
        ("checkout" | "switch", _) => discard::switch(invocation, git)?,
        ("restore", _) => discard::restore(invocation, git, context)?,
        ("checkout-index", _) => discard::checkout_index(invocation, git)?,
        ("read-tree", _) => discard::read_tree(invocation, git)?,
        ("apply", _) => discard::apply(invocation, git)?,
        ("rm", _) => discard::remove(invocation, git, context)?,
        ("mv", _) => discard::rename(invocation, git, world, context, budget)?,
        ("clean", _) => clean::clean(invocation, git, world, context, budget)?,
        ("merge", _) if !invocation.has("--abort") => discard::merge(invocation, git)?,
        ("rebase" | "merge" | "cherry-pick" | "revert" | "am", _) => {
            discard::abort(invocation, git)?
        }
        ("commit", _) => history::amend(git)?,
        ("stash", _) => history::stash(invocation, git)?,
        ("branch", _) => history::branch(invocation, git)?,
        ("tag", _) => history::tag(invocation, git)?,
        ("symbolic-ref", _) => detached::symbolic_ref(invocation, git)?,
        ("update-ref", _) => history::update_ref(invocation, git)?,
        ("fetch" | "pull", _) => fetch::fetch(invocation, git)?,
        ("filter-branch", _) => history::filter_branch(git)?,
        ("filter-repo", _) => history::filter_repo(git)?,
        ("reflog", _) => housekeeping::reflog(invocation, git)?,
        ("gc" | "maintenance", _) => housekeeping::collect(invocation, git)?,
        ("prune", _) => housekeeping::prune(invocation, git)?,
        ("repack", _) => housekeeping::unreachable(git, &["--expire=now".to_owned()])?,
        ("autocorrect", name) => {
            return Err(format!(
                "git knows no {} and would run the command that it takes it for",
                crate::sanitize::text(name)
            ));
        }
        ("worktree", "prune") => housekeeping::worktree_prune(git)?,
        ("worktree", "add") => history::worktree_add(invocation, git)?,
        ("worktree", _) => housekeeping::worktree(invocation, git, world, context, budget)?,
        ("submodule", _) => housekeeping::submodule(invocation, git, context, budget)?,
        ("push", _) => push::push(invocation, git)?,
        _ => return Ok(None),
    };
    Ok(Some(loss))
}

/// Revisions and paths as arguments.
fn texts(words: &[Word]) -> Vec<OsString> {
    words.iter().map(|word| word.text.clone()).collect()
}

/// Words before and after `--`, for a command line of git's.
fn with_paths<S: AsRef<OsStr>>(command: &[S], paths: &[OsString]) -> Vec<OsString> {
    let mut words: Vec<OsString> = command
        .iter()
        .map(|word| word.as_ref().to_owned())
        .collect();
    if !paths.is_empty() {
        words.push("--".into());
        words.extend(paths.iter().cloned());
    }
    words
}
