//! The parameters of an API operation: from the command line, from files that it names, and from a
//! document with all of them.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use serde_json::Value;

use super::is_option;
use guard_core::context::{Consult, Context};
use guard_core::invocation::{Flag, Invocation, Word};
use guard_ground::yaml;

/// Larger files are not read.
const MAX_FILE: u64 = 4 << 20;

/// Options of operations that rules look for: an abbreviation of one is read as that one.
const KEY_OPTIONS: [&str; 16] = [
    "delete-associated-snapshots",
    "no-deletion-protection",
    "no-deletion-protection-enabled",
    "no-enable-termination-protection",
    "no-termination-protection-enabled",
    "no-delete-protection",
    "no-disable-api-termination",
    "cli-input-json",
    "cli-input-yaml",
    "lifecycle-configuration",
    "versioning-configuration",
    "backup-retention-period",
    "request-items",
    "transact-items",
    "change-batch",
    "desired-capacity",
];

/// Reads the options: one takes all words up to the next, and one with several values becomes several
/// flags. (The file that a few operations write their result to is taken for such a value as well.)
pub fn read(words: &[Word], invocation: &mut Invocation, context: &Context) {
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        if word.bytes() == b"--" {
            invocation.separator = invocation.separator.or(Some(invocation.operands.len()));
            continue;
        }
        let Some(written) = word.bytes().strip_prefix(b"--") else {
            invocation.operands.push(word.clone());
            continue;
        };
        let mut parts = written.splitn(2, |byte| *byte == b'=');
        let name = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
        if let Some(value) = parts.next() {
            let value = OsStr::from_bytes(value).to_owned();
            invocation.flags.push(flag(&name, Some(value)));
            continue;
        }
        let mut bare = true;
        while let Some(value) = words.next_if(|next| !is_option(next)) {
            invocation.flags.push(flag(&name, Some(value.text.clone())));
            bare = false;
        }
        if bare {
            invocation.flags.push(flag(&name, None));
        }
    }
    from_files(invocation, context);
}

fn flag(name: &str, value: Option<OsString>) -> Flag {
    let key = KEY_OPTIONS.iter().find(|key| **key == name).or_else(|| {
        // As short as an abbreviation can be and still name one of these.
        let long_enough = name.len() > "no-del".len();
        KEY_OPTIONS
            .iter()
            .find(|key| long_enough && key.starts_with(name))
    });
    Flag {
        long: key.map_or_else(|| Cow::Owned(name.to_owned()), |key| Cow::Borrowed(*key)),
        short: 0,
        value,
        familiar: true,
    }
}

/// What a value that names a file holds; other values are no files.
enum Content {
    NoFile,
    /// The CLI will not find it either, and say so.
    Missing,
    Unread,
    Text(String),
}

/// A value `file://…` (`awscli/paramfile.py`).
fn content(value: &OsStr, context: &Context) -> Content {
    let Some(path) = value.as_bytes().strip_prefix(b"file://") else {
        return Content::NoFile;
    };
    if context.consult == Consult::Nothing {
        return Content::Unread;
    }
    let mut path = PathBuf::from(OsStr::from_bytes(path));
    if let Ok(rest) = path.strip_prefix("~")
        && let Some(home) = context.value("HOME")
    {
        path = PathBuf::from(home).join(rest);
    }
    let Some(path) = context.in_directory(Some(&path)).directory else {
        return Content::Unread;
    };
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Content::Missing,
        // A pipe or a device can be read once, and that is the CLI's to do.
        Ok(meta) if meta.is_file() && meta.len() <= MAX_FILE => std::fs::read(&path)
            .map_or(Content::Unread, |bytes| {
                Content::Text(String::from_utf8_lossy(&bytes).into_owned())
            }),
        _ => Content::Unread,
    }
}

/// Adds what files hold: the value of a parameter beside its name, and the members of a document as
/// the options that they stand for, before those of the command line, which win.
fn from_files(invocation: &mut Invocation, context: &Context) {
    let mut added = Vec::new();
    let mut members = Vec::new();
    let mut unread = false;
    for given in &invocation.flags {
        let Some(value) = &given.value else { continue };
        let whole = matches!(&*given.long, "cli-input-json" | "cli-input-yaml");
        let text = match content(value, context) {
            Content::NoFile if whole => value.to_str().map(str::to_owned),
            Content::NoFile | Content::Missing => continue,
            // Where nothing may be looked at, only a whole request is worth a word.
            Content::Unread if !whole && context.consult == Consult::Nothing => continue,
            Content::Unread => None,
            Content::Text(text) => Some(text),
        };
        match text {
            None => unread = true,
            Some(text) if !whole => added.push(flag(&given.long, Some(text.trim().into()))),
            Some(text) => match yaml::only(&text) {
                Some(Value::Object(map)) => {
                    for (name, value) in map {
                        spread(&option_name(&name), &value, &mut members);
                    }
                }
                // Not JSON is the CLI's error; YAML may be more than guard reads.
                _ => unread |= given.long == "cli-input-yaml",
            },
        }
    }
    if unread {
        invocation.doubt("a file that holds parameters cannot be read");
        invocation.unread = context.consult > Consult::Nothing;
    }
    members.append(&mut invocation.flags);
    members.append(&mut added);
    invocation.flags = members;
}

/// A member of a document as options.
fn spread(name: &str, value: &Value, flags: &mut Vec<Flag>) {
    match value {
        Value::Null => {}
        Value::Bool(true) => flags.push(flag(name, None)),
        Value::Bool(false) => flags.push(flag(&format!("no-{name}"), None)),
        Value::String(text) => flags.push(flag(name, Some(text.into()))),
        Value::Array(list)
            if list
                .iter()
                .all(|item| !item.is_array() && !item.is_object()) =>
        {
            for item in list {
                spread(name, item, flags);
            }
        }
        other => flags.push(flag(name, Some(other.to_string().into()))),
    }
}

/// A member's name as the CLI spells the option (`xform_name` in `botocore/__init__.py`).
pub fn option_name(member: &str) -> String {
    let letters: Vec<char> = member.chars().collect();
    let mut name = String::with_capacity(member.len() + 4);
    // `DBSubnetIDs`: a plural of capitals stays together.
    let plural = {
        let capitals = letters
            .iter()
            .rev()
            .skip(1)
            .take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        let count = capitals.count();
        (letters.last() == Some(&'s') && count >= 2).then(|| letters.len() - count - 1)
    };
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let next = letters.get(at + 1);
        let starts = letter.is_ascii_uppercase()
            && before.is_some_and(|before| *before != '-' && *before != '_')
            && if plural.is_some_and(|start| at >= start) {
                plural == Some(at)
            } else {
                before.is_some_and(|before| before.is_ascii_lowercase() || before.is_ascii_digit())
                    || next.is_some_and(char::is_ascii_lowercase)
            };
        if starts {
            name.push('-');
        }
        name.push(if *letter == '_' {
            '-'
        } else {
            letter.to_ascii_lowercase()
        });
    }
    name
}

#[cfg(test)]
mod tests {
    use super::option_name;

    /// As `botocore.xform_name(name, "-")` writes them.
    #[test]
    fn names_of_members() {
        for (member, option) in [
            ("Bucket", "bucket"),
            ("InstanceIds", "instance-ids"),
            ("DBInstanceIdentifier", "db-instance-identifier"),
            ("VersionId", "version-id"),
            ("SkipFinalSnapshot", "skip-final-snapshot"),
            ("stackName", "stack-name"),
            ("KMSKeyId", "kms-key-id"),
            ("SSEKMSKeyId", "ssekms-key-id"),
            ("Ipv6CidrBlock", "ipv6-cidr-block"),
            ("TargetGroupARNs", "target-group-arns"),
            ("EC2SecurityGroupName", "ec2-security-group-name"),
            ("HTTPSPort", "https-port"),
            ("name", "name"),
        ] {
            assert_eq!(option_name(member), option, "{member}");
        }
    }
}
