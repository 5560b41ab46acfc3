//! The fixed points that places are judged by.

use guard_ground::path::{self, top_of};
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::agent::Agent;
use crate::context::Context;
use crate::rule::{PlaceLists, Texts};
use guard_ground::glob;
use guard_ground::install::Places;

/// The fixed points: the workspace, homes, mounts, guard's own files, and the lists of the rules.
#[derive(Debug)]
pub struct World {
    imaginary: bool,
    directory: PathBuf,
    workspace: Vec<PathBuf>,
    homes: Vec<PathBuf>,
    protected: Vec<PathBuf>,
    scratch: Vec<PathBuf>,
    mounts: OnceLock<Vec<PathBuf>>,
    disposable: Texts,
    user: u32,
}

impl World {
    /// Where rule examples are judged: in `/workspace`, with a home at `/home/user`, a disk mounted
    /// at `/mnt/disk`, and guard installed below `/opt/guard`.
    pub fn imaginary(lists: &PlaceLists) -> Self {
        Self {
            imaginary: true,
            directory: PathBuf::from("/workspace"),
            workspace: vec![PathBuf::from("/workspace")],
            homes: vec![PathBuf::from("/home/user"), PathBuf::from("/root")],
            protected: paths(&lists.protected)
                .chain([PathBuf::from("/opt/guard")])
                .collect(),
            scratch: paths(&lists.scratch).collect(),
            mounts: OnceLock::from(vec![PathBuf::from("/mnt/disk")]),
            disposable: lists.disposable.clone(),
            user: 0,
        }
    }

    /// The same for a command that was led elsewhere first; relative is as `cd` takes it, and `None` is
    /// where nobody can say.
    #[must_use]
    pub fn led_to(mut self, directory: Option<&Path>) -> Self {
        self.directory = directory.map_or_else(PathBuf::new, |there| {
            path::lexical(&self.directory.join(there))
        });
        self
    }

    /// The world of a command in `context`.
    pub fn real(
        context: &Context,
        agent: Option<&Agent>,
        lists: &PlaceLists,
        places: &Places,
    ) -> Self {
        let directory = context.directory.clone().unwrap_or_default();
        let homes = homes(context);
        let start = agent
            .and_then(|agent| agent.directory.clone())
            .filter(|directory| is_telling(directory, &homes))
            .or_else(|| context.directory.clone())
            // Where everything would be inside, nothing is.
            .filter(|directory| directory != Path::new("/"));
        let mut workspace: Vec<PathBuf> = start
            .and_then(|start| start.canonicalize().ok())
            .map(|start| top_of(&start))
            .into_iter()
            .collect();
        workspace.extend(
            lists
                .workspace
                .iter()
                .filter_map(|more| expand(more, &homes).canonicalize().ok()),
        );
        let mut protected = places.own_files();
        protected.extend(lists.protected.iter().map(|path| expand(path, &homes)));
        Self {
            imaginary: false,
            directory,
            workspace,
            homes,
            protected: protected
                .into_iter()
                .map(|path| path.canonicalize().unwrap_or(path))
                .collect(),
            scratch: paths(&lists.scratch)
                .filter_map(|path| path.canonicalize().ok())
                .collect(),
            mounts: OnceLock::new(),
            disposable: lists.disposable.clone(),
            user: rustix::process::geteuid().as_raw(),
        }
    }

    /// Whether this is the world of rule examples, where no file exists.
    pub fn is_imaginary(&self) -> bool {
        self.imaginary
    }

    /// The directory that relative paths start in.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether a directory that is there lies in the workspace.
    pub fn holds(&self, directory: &Path) -> bool {
        directory
            .canonicalize()
            .is_ok_and(|real| self.workspace.iter().any(|root| real.starts_with(root)))
    }

    /// The workspace's root and further directories that belong to it.
    pub fn workspace(&self) -> &[PathBuf] {
        &self.workspace
    }

    /// Home directories of the user.
    pub fn homes(&self) -> &[PathBuf] {
        &self.homes
    }

    /// Mount points besides `/`.
    pub fn mounts(&self) -> &[PathBuf] {
        self.mounts.get_or_init(mounts)
    }

    /// Whether a path is protected, lies in something protected, or holds it.
    pub fn touches_protected(&self, path: &Path) -> bool {
        self.protected
            .iter()
            .any(|dear| path::is_within(dear, path) || path::is_within(path, dear))
    }

    /// Homes of other users, by where systems put them.
    pub fn is_others_home(&self, path: &Path) -> bool {
        ["/home", "/Users"].iter().any(|place| {
            path::below(path, Path::new(place)).is_some_and(|rest| {
                let name = rest.as_os_str().as_bytes();
                name.is_empty() || (!name.contains(&b'/') && (self.imaginary || path.is_dir()))
            })
        })
    }

    /// Whether a path relative to a workspace is a repository's `.git` or lies in one. Lock files
    /// are not part of the repository: git itself asks people to remove stale ones.
    pub fn is_git_part(relative: &Path) -> bool {
        Self::passes_git(relative) && !Self::is_named_lock(relative)
    }

    /// Whether `.git` is one of the names in a plain path.
    fn passes_git(relative: &Path) -> bool {
        let mut names = relative.as_os_str().as_bytes().split(|byte| *byte == b'/');
        names.any(|name| name == b".git")
    }

    fn is_named_lock(relative: &Path) -> bool {
        relative.extension() == Some(OsStr::new("lock"))
    }

    /// The part of a path relative to a workspace, from the front, up to the first disposable name.
    pub fn disposable_part<'p>(&self, relative: &'p Path, is_dir: bool) -> Option<&'p Path> {
        let bytes = relative.as_os_str().as_bytes();
        let slashes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let ends = slashes.map(|(at, _)| at).chain([bytes.len()]);
        let mut start = 0;
        for end in ends {
            let name = OsStr::from_bytes(bytes.get(start..end)?);
            let inner = end != bytes.len();
            if !name.is_empty() && self.is_disposable_name(name, inner || is_dir) {
                return Some(Path::new(OsStr::from_bytes(bytes.get(..end)?)));
            }
            start = end + 1;
        }
        None
    }

    /// Whether a path is a lock file that git leaves behind when it is killed.
    pub fn is_lock(relative: &Path) -> bool {
        Self::passes_git(relative) && Self::is_named_lock(relative)
    }

    /// Whether a name is on the list of what can be made again. A pattern with a slash at its end
    /// means directories only.
    pub fn is_disposable_name(&self, name: &OsStr, is_dir: bool) -> bool {
        self.disposable
            .iter()
            .any(|pattern| match pattern.strip_suffix('/') {
                Some(pattern) => is_dir && glob::matches(pattern, name.as_bytes()),
                None => glob::matches(pattern, name.as_bytes()),
            })
    }

    /// Whether a path lies in the workspace.
    pub fn is_inside(&self, path: &Path) -> bool {
        self.workspace
            .iter()
            .any(|root| path::is_within(path, root))
    }

    /// Whether a path lies in scratch of the user's own.
    pub fn is_own_scratch(&self, path: &Path) -> bool {
        self.is_scratch(path)
    }

    /// Whether a path lies in a top-level entry of a scratch directory that belongs to the user and
    /// does not hold the workspace.
    pub fn is_scratch(&self, path: &Path) -> bool {
        // Without a workspace nobody can say that an entry does not hold it.
        !self.workspace.is_empty()
            && self.scratch.iter().any(|scratch| {
                let Some(rest) = path::below(path, scratch) else {
                    return false;
                };
                let mut names = rest.as_os_str().as_bytes().split(|byte| *byte == b'/');
                let Some(first) = names.next().filter(|first| !first.is_empty()) else {
                    return false;
                };
                let entry = path::join(scratch, OsStr::from_bytes(first));
                !self
                    .workspace
                    .iter()
                    .any(|root| path::is_within(root, &entry))
                    && (self.imaginary
                        || entry
                            .symlink_metadata()
                            .is_ok_and(|metadata| metadata.uid() == self.user)
                        || entry.symlink_metadata().is_err())
            })
    }
}

/// An agent that was started from a desktop works in `/` or a home directory; that says nothing
/// about its project.
fn is_telling(directory: &Path, homes: &[PathBuf]) -> bool {
    directory != Path::new("/") && !homes.iter().any(|home| home.starts_with(directory))
}

/// The user's home directories: what the system's user list says, and HOME, which can only add.
fn homes(context: &Context) -> Vec<PathBuf> {
    let mut homes: Vec<PathBuf> = guard_ground::install::home().into_iter().collect();
    homes.extend(
        context
            .value("HOME")
            .map(PathBuf::from)
            .filter(|home| home.is_absolute()),
    );
    homes.push(PathBuf::from("/root"));
    let mut found: Vec<PathBuf> = Vec::new();
    for home in homes {
        let home = home.canonicalize().unwrap_or(home);
        if home != Path::new("/") && !found.contains(&home) {
            found.push(home);
        }
    }
    found
}

/// Texts of the rules as paths.
fn paths(texts: &Texts) -> impl Iterator<Item = PathBuf> {
    texts.iter().map(|text| PathBuf::from(&**text))
}

fn expand(path: &str, homes: &[PathBuf]) -> PathBuf {
    match (path.strip_prefix("~/"), homes.first()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// Mount points, from `/proc/self/mountinfo` (proc(5)): field 5, with octal escapes.
fn mounts() -> Vec<PathBuf> {
    let Ok(table) = std::fs::read("/proc/self/mountinfo") else {
        return Vec::new();
    };
    table
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b' ').nth(4))
        .map(unescape)
        .filter(|path| path != Path::new("/"))
        .collect()
}

fn unescape(field: &[u8]) -> PathBuf {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'\\'
            && let [
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                after @ ..,
            ] = after
        {
            plain.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
            rest = after;
        } else {
            plain.push(*first);
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_with_blanks() {
        assert_eq!(unescape(br"/mnt/my\040disk"), PathBuf::from("/mnt/my disk"));
        assert_eq!(
            unescape(br"/mnt/back\134slash\"),
            PathBuf::from(r"/mnt/back\slash\")
        );
    }
}
