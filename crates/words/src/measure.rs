//! What is counted when something is lost.

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Files and links.
    Files,
    /// Commits that nothing else would hold.
    Commits,
    /// Stash entries.
    Stashes,
    /// Annotated tags.
    Tags,
    /// Repositories with work of their own.
    Repositories,
    /// Rows of tables.
    Rows,
    /// Tables.
    Tables,
    /// Objects of a cluster or in a store, and other things in a database: views, functions, columns.
    Objects,
    /// What a cloud holds, and what terraform manages: instances, databases, roles.
    Resources,
    /// Items of tables that have no rows.
    Items,
    /// Messages in queues.
    Messages,
    /// Pods that serve now.
    Pods,
}

/// Each measure with the word for one of its things and the word for several, which is also the one that
/// rules and JSON use; in the order in which JSON lists them.
const TABLE: [(Measure, &str, &str); 12] = [
    (Measure::Files, "file", "files"),
    (Measure::Commits, "commit", "commits"),
    (Measure::Stashes, "stash", "stashes"),
    (Measure::Tags, "tag", "tags"),
    (Measure::Repositories, "repository", "repositories"),
    (Measure::Rows, "row", "rows"),
    (Measure::Tables, "table", "tables"),
    (Measure::Objects, "object", "objects"),
    (Measure::Resources, "resource", "resources"),
    (Measure::Items, "item", "items"),
    (Measure::Messages, "message", "messages"),
    (Measure::Pods, "pod", "pods"),
];

impl Measure {
    /// All of them, in the order in which JSON lists them.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(measure, ..)| *measure)
    }

    fn nouns(self) -> (&'static str, &'static str) {
        let row = TABLE.iter().find(|(measure, ..)| *measure == self);
        row.map_or(("thing", "things"), |(_, one, several)| (one, several))
    }

    /// The word that rules and JSON use.
    pub fn name(self) -> &'static str {
        self.nouns().1
    }

    /// `1 file`, `3412 files`.
    pub fn count(self, number: u64) -> String {
        let (one, several) = self.nouns();
        format!("{number} {}", if number == 1 { one } else { several })
    }
}

/// What a rule's `loss` can name: every measure, the bytes of files and tables, and the largest share of
/// any one table.
pub fn levels() -> impl Iterator<Item = &'static str> {
    Measure::all().flat_map(|measure| {
        let beside = match measure {
            Measure::Files => Some("bytes"),
            Measure::Rows => Some("rows-percent"),
            _ => None,
        };
        std::iter::once(measure.name()).chain(beside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_several() {
        assert_eq!(Measure::Repositories.count(1), "1 repository");
        assert_eq!(Measure::Stashes.count(0), "0 stashes");
        assert_eq!(Measure::Pods.count(3), "3 pods");
    }

    #[test]
    fn every_measure_stands_in_the_table_once() {
        for (at, measure) in Measure::all().enumerate() {
            assert_eq!(measure as usize, at, "{measure:?}");
        }
        assert_eq!(Measure::all().last(), Some(Measure::Pods));
        let all: Vec<&str> = levels().collect();
        for level in ["bytes", "rows-percent", "pods"] {
            assert!(all.contains(&level), "{level}");
        }
    }
}
