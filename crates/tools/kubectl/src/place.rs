//! Where a command goes when it does not say so itself.

use std::path::Path;

use guard_core::context::Context;
use guard_core::invocation::Invocation;
use guard_ground::yaml;
use serde_json::Value;

/// `current-context` of the first kubeconfig file that names one (kubectl merges them in order).
pub(super) fn current_context(invocation: &Invocation, context: &Context) -> Option<String> {
    let given = invocation
        .flag("--kubeconfig")
        .and_then(|flag| flag.value.clone());
    let list = given.or_else(|| context.value("KUBECONFIG")).or_else(|| {
        Some(
            Path::new(&context.value("HOME")?)
                .join(".kube/config")
                .into(),
        )
    })?;
    std::env::split_paths(&list).find_map(|file| {
        let file = context.in_directory(Some(&file)).directory?;
        let text = std::fs::read_to_string(file).ok()?;
        named(&text)
    })
}

/// What a kubeconfig names; one that cannot be read is kubectl's error.
fn named(text: &str) -> Option<String> {
    // kubectl reads no further than the first document.
    let config = yaml::first(text)?;
    let value = match config.get("current-context")? {
        Value::String(text) => text.clone(),
        Value::Null => return None,
        other => other.to_string(),
    };
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn current_contexts() {
        for (text, expected) in [
            (
                "apiVersion: v1\ncurrent-context: prod\nusers: []\n",
                Some("prod"),
            ),
            ("current-context: 'a b' # mine\n", Some("a b")),
            (
                r#"{"kind": "Config", "current-context": "prod"}"#,
                Some("prod"),
            ),
            (
                "x: &a prod\ncurrent-context: *a\n---\nmore: [\n",
                Some("prod"),
            ),
            ("current-context: 7\n", Some("7")),
            ("current-context: \"\"\n", None),
            ("users:\n- name: |\n    current-context: no\n", None),
            ("current-context: prod\nusers: [\n", None),
        ] {
            assert_eq!(named(text).as_deref(), expected, "{text:?}");
        }
    }
}
