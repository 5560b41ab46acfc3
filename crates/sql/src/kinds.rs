//! What one statement can do to data, and sets of it.

/// What one statement can do to data.
///
/// The variants stand in ascending order of destruction, and `Ord` is that
/// order: where one statement does several things, its kind is the greatest.
/// `Unknown` stands above what destroys nothing and below what is known to
/// destroy.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatementKind {
    /// Changes nothing that is stored.
    Read,
    /// Changes state and destroys nothing stored before: INSERT, CREATE, SET.
    Write,
    /// `\i`, `\ir`: the statements are in another file, which the caller reads.
    Include,
    /// What it does cannot be told from the text.
    Unknown,
    /// Writes a file: COPY TO 'file', `\copy … to`, `\o file`, `\g file`.
    CopyToFile,
    /// VACUUM FULL.
    VacuumFull,
    /// Ends other sessions or what they run.
    Terminate,
    /// GRANT … TO PUBLIC.
    GrantPublic,
    /// REVOKE, also in ALTER DEFAULT PRIVILEGES.
    Revoke,
    /// REASSIGN OWNED.
    Reassign,
    /// INSERT … ON CONFLICT DO UPDATE.
    Upsert,
    /// UPDATE with WHERE.
    Update,
    /// MERGE with a DELETE or UPDATE action.
    Merge,
    /// DELETE with WHERE.
    Delete,
    /// UPDATE without WHERE.
    UpdateAll,
    /// DELETE without WHERE.
    DeleteAll,
    /// Removes or overwrites a large object.
    LargeObject,
    /// ALTER TABLE … ALTER COLUMN … TYPE.
    AlterColumnType,
    /// ALTER TABLE … DROP COLUMN, ALTER TYPE … DROP ATTRIBUTE.
    AlterDropColumn,
    /// ALTER SYSTEM.
    AlterSystem,
    /// COPY … FROM PROGRAM, which runs a shell command.
    CopyFromProgram,
    /// COPY … TO PROGRAM, which runs a shell command.
    CopyToProgram,
    /// psql runs a shell command: `\!`, `\o |`, `\g |`, `\w |`, backticks.
    Shell,
    /// TRUNCATE.
    Truncate,
    /// DROP of an object that has no kind of its own here.
    Drop,
    /// DROP TABLE.
    DropTable,
    /// DROP OWNED.
    DropOwned,
    /// DROP SCHEMA.
    DropSchema,
    /// DROP DATABASE.
    DropDatabase,
}

impl StatementKind {
    /// Every kind, in ascending order of destruction.
    pub const ALL: &[Self] = &[
        Self::Read,
        Self::Write,
        Self::Include,
        Self::Unknown,
        Self::CopyToFile,
        Self::VacuumFull,
        Self::Terminate,
        Self::GrantPublic,
        Self::Revoke,
        Self::Reassign,
        Self::Upsert,
        Self::Update,
        Self::Merge,
        Self::Delete,
        Self::UpdateAll,
        Self::DeleteAll,
        Self::LargeObject,
        Self::AlterColumnType,
        Self::AlterDropColumn,
        Self::AlterSystem,
        Self::CopyFromProgram,
        Self::CopyToProgram,
        Self::Shell,
        Self::Truncate,
        Self::Drop,
        Self::DropTable,
        Self::DropOwned,
        Self::DropSchema,
        Self::DropDatabase,
    ];

    /// The name that rules use, in kebab-case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Include => "include",
            Self::Unknown => "unknown",
            Self::CopyToFile => "copy-to-file",
            Self::VacuumFull => "vacuum-full",
            Self::Terminate => "terminate",
            Self::GrantPublic => "grant-public",
            Self::Revoke => "revoke",
            Self::Reassign => "reassign",
            Self::Upsert => "upsert",
            Self::Update => "update",
            Self::Merge => "merge",
            Self::Delete => "delete",
            Self::UpdateAll => "update-all",
            Self::DeleteAll => "delete-all",
            Self::LargeObject => "large-object",
            Self::AlterColumnType => "alter-column-type",
            Self::AlterDropColumn => "alter-drop-column",
            Self::AlterSystem => "alter-system",
            Self::CopyFromProgram => "copy-from-program",
            Self::CopyToProgram => "copy-to-program",
            Self::Shell => "shell",
            Self::Truncate => "truncate",
            Self::Drop => "drop",
            Self::DropTable => "drop-table",
            Self::DropOwned => "drop-owned",
            Self::DropSchema => "drop-schema",
            Self::DropDatabase => "drop-database",
        }
    }

    /// The kind of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether `PostgreSQL` undoes it with the transaction. Files, programs and
    /// signals to other sessions stay; DROP DATABASE, VACUUM and ALTER SYSTEM
    /// do not run inside a transaction block at all.
    pub(super) fn is_transactional(self) -> bool {
        !matches!(
            self,
            Self::Include
                | Self::Unknown
                | Self::CopyToFile
                | Self::VacuumFull
                | Self::Terminate
                | Self::AlterSystem
                | Self::CopyFromProgram
                | Self::CopyToProgram
                | Self::Shell
                | Self::DropDatabase
        )
    }
}

/// A set of kinds.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KindSet(u32);

impl KindSet {
    pub(super) fn add(&mut self, kind: StatementKind) {
        self.0 |= 1 << kind as u32;
    }

    pub(super) fn join(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) fn has(self, kind: StatementKind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }

    /// The most destructive one; `Read` for the empty set.
    pub(super) fn top(self) -> StatementKind {
        let found = StatementKind::ALL
            .iter()
            .rev()
            .copied()
            .find(|kind| self.has(*kind));
        found.unwrap_or(StatementKind::Read)
    }

    /// Whether a ROLLBACK undoes all of it.
    pub(super) fn is_transactional(self) -> bool {
        let mut kinds = StatementKind::ALL
            .iter()
            .copied()
            .filter(|kind| self.has(*kind));
        kinds.all(StatementKind::is_transactional)
    }
}
