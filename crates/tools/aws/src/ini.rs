//! The files below `~/.aws`, which Python's `configparser` reads: names in lower case, values over
//! several lines, comments on lines of their own.

/// A value from the text of such a file.
pub fn value(text: &str, section: &str, key: &str) -> Option<String> {
    let mut inside = false;
    let mut found: Option<String> = None;
    let mut mine = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            if let Some(value) = found.as_mut().filter(|_| mine) {
                value.push('\n');
                value.push_str(trimmed);
            }
            continue;
        }
        mine = false;
        if let Some(name) = trimmed
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            inside = words(name) == section;
            continue;
        }
        let Some(end) = line.find(['=', ':']).filter(|_| inside) else {
            continue;
        };
        let (name, rest) = line.split_at(end);
        if name.trim().to_lowercase() == key {
            mine = true;
            found = Some(rest.get(1..).unwrap_or_default().trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn values() {
        let text = "x = 0\n[toplevel]\n# no\nWhoAmI = sts get-caller-identity\nlong =\n  ec2\n  describe-instances\n\
                    ; no\n[command  ec2]\nls: describe-instances --output text\n[profile a]\nregion=eu-west-1\n";
        for (section, key, expected) in [
            ("toplevel", "whoami", Some("sts get-caller-identity")),
            ("toplevel", "long", Some("\nec2\ndescribe-instances")),
            (
                "command ec2",
                "ls",
                Some("describe-instances --output text"),
            ),
            ("profile a", "region", Some("eu-west-1")),
            ("toplevel", "x", None),
            ("default", "region", None),
        ] {
            assert_eq!(
                value(text, section, key).as_deref(),
                expected,
                "{section} {key}"
            );
        }
    }
}
