//! Where an operand lies.

/// The kind of place an operand names. The words are those of the rules' `path` matcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlaceKind {
    /// Nothing is there, or the tool itself will refuse it.
    Missing,
    /// A top-level entry of a scratch directory that belongs to the user, or something in it.
    Scratch,
    /// Can be made again.
    Disposable,
    /// Inside the workspace.
    Inside,
    /// Cannot be known before the command runs.
    Unknown,
    /// Outside the workspace and outside scratch.
    Escape,
    /// A repository's `.git`, or something in it.
    GitDir,
    /// The workspace's root, or a directory that holds it.
    WorkspaceRoot,
    /// A mount point, or a directory that holds one.
    Mount,
    /// A home directory, or a directory that holds one.
    Home,
    /// `/`.
    Root,
    /// guard's own files, what the rules protect, or a directory that holds them.
    Protected,
}

impl PlaceKind {
    /// All of them, in the order in which messages list them.
    pub const ALL: [Self; 12] = [
        Self::Inside,
        Self::Escape,
        Self::WorkspaceRoot,
        Self::GitDir,
        Self::Home,
        Self::Root,
        Self::Mount,
        Self::Protected,
        Self::Scratch,
        Self::Disposable,
        Self::Missing,
        Self::Unknown,
    ];

    /// The word that rules use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Scratch => "scratch",
            Self::Disposable => "disposable",
            Self::Inside => "inside",
            Self::Unknown => "unknown",
            Self::Escape => "escape",
            Self::GitDir => "git-dir",
            Self::WorkspaceRoot => "workspace-root",
            Self::Mount => "mount",
            Self::Home => "home",
            Self::Root => "root",
            Self::Protected => "protected",
        }
    }

    /// The place in words for a person.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Missing => "not there",
            Self::Scratch => "scratch",
            Self::Disposable => "can be made again",
            Self::Inside => "inside the workspace",
            Self::Unknown => "not known before the command runs",
            Self::Escape => "outside the workspace",
            Self::GitDir => "a repository's .git",
            Self::WorkspaceRoot => "the workspace itself",
            Self::Mount => "a mount point",
            Self::Home => "a home directory",
            Self::Root => "the root of the file system",
            Self::Protected => "guard's own or protected files",
        }
    }
}
