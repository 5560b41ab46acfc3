//! Where a command goes when it does not say so itself.

use std::path::Path;

use guard_core::context::Context;
use guard_core::invocation::Invocation;

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
        let line = text
            .lines()
            .find(|line| line.starts_with("current-context:"))?;
        let value = line.split_once(':')?.1.trim().trim_matches(['"', '\'']);
        (!value.is_empty()).then(|| value.to_owned())
    })
}
