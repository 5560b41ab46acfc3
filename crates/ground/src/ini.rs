//! Files of sections, `[name]` above `key = value`: the one reader of them.
//!
//! Own code, because what matters are the differences: `rust-ini` always takes `;` for a comment and `:`
//! for a separator, which libpq does not. [`Dialect`] says what the programs do.

/// How a program reads its file.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// What a line of comment begins with.
    comments: &'static [char],
    /// What ends a key.
    separators: &'static [char],
    /// Names count in lower case, and blanks in the name of a section once.
    folds: bool,
    /// A line that is indented goes on with the value above it.
    continues: bool,
    /// Only the first section of a name counts.
    first: bool,
}

impl Dialect {
    /// Python's `configparser`, as the AWS CLI uses it for the files below `~/.aws`.
    pub const CONFIGPARSER: Self = Self {
        comments: &['#', ';'],
        separators: &['=', ':'],
        folds: true,
        continues: true,
        first: false,
    };
    /// libpq's `parseServiceFile`.
    pub const LIBPQ: Self = Self {
        comments: &['#'],
        separators: &['='],
        folds: false,
        continues: false,
        first: true,
    };

    /// The last value of a key in a section.
    pub fn value(self, text: &str, section: &str, key: &str) -> Option<String> {
        let mut found = self.section(text, section);
        let at = found.iter().rposition(|(name, _)| name == key)?;
        Some(found.swap_remove(at).1)
    }

    /// Keys and values of a section, in order.
    pub fn section(self, text: &str, section: &str) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        let mut inside = false;
        // Whether the line above belongs to the last value.
        let mut mine = false;
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(self.comments) {
                continue;
            }
            if self.continues && line.starts_with([' ', '\t']) {
                if let Some((_, value)) = found.last_mut().filter(|_| mine) {
                    value.push('\n');
                    value.push_str(trimmed);
                }
                continue;
            }
            mine = false;
            if let Some(rest) = trimmed.strip_prefix('[') {
                if inside && self.first {
                    break;
                }
                inside = self.is_section(rest.split(']').next().unwrap_or_default(), section);
                continue;
            }
            let Some(end) = trimmed.find(self.separators).filter(|_| inside) else {
                continue;
            };
            let (name, rest) = trimmed.split_at(end);
            let name = if self.folds {
                name.trim().to_lowercase()
            } else {
                name.trim().to_owned()
            };
            let value = rest.get(1..).unwrap_or_default().trim();
            found.push((name, value.to_owned()));
            mine = true;
        }
        found
    }

    fn is_section(self, name: &str, wanted: &str) -> bool {
        if self.folds {
            name.split_whitespace().eq(wanted.split_whitespace())
        } else {
            name == wanted
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dialect;

    #[test]
    fn configparser() {
        let text = "x = 0\n[toplevel]\n# no\nWhoAmI = sts get-caller-identity\nlong =\n  ec2\n  describe-instances\n\
                    ; no\n[command  ec2]\nls: describe-instances --output text\n[profile a]\nregion=eu-west-1\n\
                    [other]\nx=1\n[profile a]\nregion=us-east-1\n";
        for (section, key, expected) in [
            ("toplevel", "whoami", Some("sts get-caller-identity")),
            ("toplevel", "long", Some("\nec2\ndescribe-instances")),
            (
                "command ec2",
                "ls",
                Some("describe-instances --output text"),
            ),
            ("profile a", "region", Some("us-east-1")),
            ("toplevel", "x", None),
            ("default", "region", None),
        ] {
            assert_eq!(
                Dialect::CONFIGPARSER.value(text, section, key).as_deref(),
                expected,
                "{section} {key}"
            );
        }
    }

    #[test]
    fn libpq() {
        let text = "# a\n[one]\nhost=a\n\n[two]\n  host = db.prod.example\nHost=b\n;port=5433\nx:y\n[one]\nuser=x\n";
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            Dialect::LIBPQ.section(text, "two"),
            [
                pair("host", "db.prod.example"),
                pair("Host", "b"),
                pair(";port", "5433")
            ]
        );
        assert_eq!(Dialect::LIBPQ.section(text, "one"), [pair("host", "a")]);
        assert!(Dialect::LIBPQ.section(text, "four").is_empty());
    }
}
