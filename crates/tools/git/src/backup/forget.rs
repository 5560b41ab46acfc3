//! Taking guard's references away with the backup that needed them.

use std::time::{Duration, Instant};

use super::{KeptGit, NAMESPACE, RepositoryPlace};
use guard_core::context::{Consult, Context, none_nested};

/// It is not waited for longer: what is left keeps objects alive and does no other harm.
const TIME: Duration = Duration::from_secs(5);

/// Removes the references of a backup that goes, as well as it can be done.
pub fn forget(kept: &KeptGit, id: &str) {
    if kept.objects.is_empty() {
        return;
    }
    let place = kept.place();
    let context = Context::new(none_nested, None, Consult::Tools);
    let Ok(repository) =
        super::repository::Repository::open(&place, &context, Instant::now() + TIME)
    else {
        return;
    };
    let mut input = Vec::new();
    for number in 0..kept.objects.len() {
        input.extend_from_slice(format!("delete {NAMESPACE}{id}/{number}\n").as_bytes());
    }
    let _ = repository.feed(&["update-ref", "--stdin"], input);
}

impl KeptGit {
    /// Where the repository lies.
    pub fn place(&self) -> RepositoryPlace {
        RepositoryPlace {
            git_dir: self.git_dir.path().to_owned(),
            common_dir: self.common_dir.path().to_owned(),
            top: self.top.as_ref().map(|top| top.path().to_owned()),
        }
    }
}
