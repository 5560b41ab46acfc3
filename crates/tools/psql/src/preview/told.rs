//! How objects are named where a loss is told.

use guard_ground::sanitize;

/// So many names are shown.
pub(super) const SHOWN: usize = 8;

/// Where it is, at the end of a line.
pub(super) fn at(here: &str) -> String {
    if here.is_empty() {
        String::new()
    } else {
        format!(", {here}")
    }
}

/// Some of the names, each for itself.
pub(super) fn examples(objects: &[String]) -> Vec<String> {
    objects
        .iter()
        .take(SHOWN)
        .map(|object| sanitize::text(object))
        .collect()
}

/// Some of the names in one text.
pub(super) fn some(objects: &[String]) -> String {
    let mut text = objects
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if objects.len() > SHOWN {
        text.push_str(", …");
    }
    text
}
