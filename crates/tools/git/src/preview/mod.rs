//! What a git command would destroy: uncommitted work, commits that nothing else would hold, and
//! what a remote would lose.

mod clean;
mod commits;
mod detached;
mod discard;
mod fetch;
mod history;
mod housekeeping;
mod overwritten;
mod push;
pub mod repository;
mod stash;

use std::cell::{OnceCell, RefCell};
use std::ffi::{OsStr, OsString};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::backup::{GitWish, MOVING, Needs, RepositoryPlace};
use guard_core::context::Context;
use guard_core::invocation::{Invocation, Word};
use guard_core::loss::Loss;
use guard_core::naming::typeable;
use guard_core::preview::{Budget, Preview};
use guard_core::world::World;
use guard_trees::asking::{RealGit, Unmeasured};
use guard_trees::status;

type Measured = Result<Loss, Unmeasured>;

/// The real git in the place and with the global options of an invocation.
pub(crate) struct GitProbe<'a> {
    real: RealGit<'a>,
    /// The command names submodules itself, or was told to go down into them.
    enters_submodules: bool,
    /// It was told to overwrite files with the skip-worktree bit as well.
    overwrites_skipped: bool,
    /// What has to be saved, gathered while the loss is measured.
    needs: RefCell<Needs>,
    place: OnceCell<RepositoryPlace>,
}

impl<'a> Deref for GitProbe<'a> {
    type Target = RealGit<'a>;

    fn deref(&self) -> &Self::Target {
        &self.real
    }
}

impl<'a> GitProbe<'a> {
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
            real: RealGit::new(
                directory,
                invocation.scope.clone(),
                context,
                budget.deadline,
            )?,
            enters_submodules: invocation.verb_is(&["rm"])
                || invocation.has("--recurse-submodules"),
            overwrites_skipped: invocation.has("--ignore-skip-worktree-bits"),
            needs: RefCell::default(),
            place: OnceCell::new(),
        })
    }

    /// The real git in another directory, without the invocation's options.
    fn at(directory: &Path, context: &'a Context, budget: &Budget) -> Result<Self, Unmeasured> {
        Ok(Self {
            real: RealGit::at(directory, context, budget.deadline)?,
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
    fn place(&self) -> Result<&RepositoryPlace, Unmeasured> {
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
            .map(|line| PathBuf::from(status::os(line)));
        let (Some(git_dir), Some(common_dir), top, None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err("the repository has a name that guard cannot read".to_owned());
        };
        Ok(self.place.get_or_init(|| RepositoryPlace {
            git_dir,
            common_dir,
            top,
        }))
    }

    /// What has to be saved, if anything.
    fn wish(&self, context: &Context) -> Option<GitWish> {
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
        Some(GitWish { place, needs })
    }

    /// Whether the command goes down into submodules (git-config(1), `submodule.recurse`).
    fn recurses(&self) -> Result<bool, Unmeasured> {
        let ask = ["config", "--type=bool", "--get", "submodule.recurse"];
        let answer = self.ask(&ask)?;
        Ok(self.enters_submodules || answer.output.trim_ascii() == b"true")
    }
}

/// Measures one git invocation.
pub fn measure(
    invocation: &Invocation,
    world: &World,
    context: &Context,
    budget: &Budget,
) -> Preview {
    let git = match GitProbe::new(invocation, context, budget) {
        Ok(git) => git,
        Err(why) => return Preview::Unknown(why, Loss::default()),
    };
    let measured = loss_of(invocation, &git, world, context, budget)
        .map(|loss| loss.map(|loss| named(loss, invocation, context)));
    let takes_something = |loss: &Option<Loss>| loss.as_ref().is_some_and(|loss| !loss.is_none());
    let wanted = match &measured {
        Ok(loss) if !takes_something(loss) => None,
        // What a person approves without knowing the loss is saved as far as it is known.
        _ => git.wish(context),
    };
    let measured = measured.map(|loss| {
        loss.map(|mut loss| {
            if wanted
                .as_ref()
                .is_some_and(|wish| wish.needs.unable.is_some())
            {
                for lot in &mut loss.lots {
                    lot.kept = false;
                }
            }
            if let Some(wish) = wanted.clone() {
                loss.saves.push(wish);
            }
            loss
        })
    });
    match measured {
        Ok(Some(loss)) if loss.lots.iter().any(|lot| lot.at_least) => Preview::Estimate(loss),
        Ok(Some(loss)) => Preview::Exact(loss),
        Ok(None) => Preview::Unknown(
            format!(
                "guard does not know how to measure git {}",
                invocation.verb.join(" ")
            ),
            Loss::default(),
        ),
        Err(why) => {
            let mut loss = Loss::default();
            if let Some(wish) = wanted {
                loss.saves.push(wish);
            }
            Preview::Unknown(why, loss)
        }
    }
}

/// A phrase that names no place names the repository.
fn named(mut loss: Loss, invocation: &Invocation, context: &Context) -> Loss {
    if loss.phrase.place.is_empty()
        && let Some(directory) = super::directory(invocation, context)
        && let Some(name) = guard_ground::path::top_of(&directory).file_name()
    {
        loss.phrase.place = format!("in {}", typeable(name));
    }
    loss
}

/// The loss of a verb that guard can measure; `None` for the others.
fn loss_of(
    invocation: &Invocation,
    git: &GitProbe<'_>,
    world: &World,
    context: &Context,
    budget: &Budget,
) -> Result<Option<Loss>, Unmeasured> {
    if let Some(unknown) = invocation.operands.iter().find(|word| !word.known) {
        return Err(format!(
            "what {} holds is not known before it runs",
            guard_ground::sanitize::os(&unknown.text)
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
        ("stash", _) => stash::stash(invocation, git)?,
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
                guard_ground::sanitize::text(name)
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
