//! What was read from the user's own small files, kept for a moment: a batch of commands asks for
//! the same files again for each of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long an answer holds. Who writes a file and asks again by hand is slower than this.
const HOLDS: Duration = Duration::from_millis(250);

/// Answers by the path that they were read from.
#[derive(Debug)]
pub struct Recent<T>(RefCell<BTreeMap<PathBuf, (Instant, T)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: Clone> Recent<T> {
    /// The answer for `path`: the one that was just given, or what `read` says now.
    pub fn get(&self, path: &Path, read: impl FnOnce() -> T) -> T {
        let now = Instant::now();
        let mut answers = self.0.borrow_mut();
        if let Some((at, answer)) = answers.get(path)
            && now.duration_since(*at) < HOLDS
        {
            return answer.clone();
        }
        let answer = read();
        answers.insert(path.to_owned(), (now, answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_for_a_moment_and_for_its_path_only() {
        let recent = Recent::default();
        assert_eq!(recent.get(Path::new("/a"), || 1), 1);
        assert_eq!(recent.get(Path::new("/a"), || 2), 1);
        assert_eq!(recent.get(Path::new("/b"), || 3), 3);
        std::thread::sleep(HOLDS);
        assert_eq!(recent.get(Path::new("/a"), || 4), 4);
    }
}
