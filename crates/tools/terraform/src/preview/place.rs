//! Where a terraform command works: the workspace and the backend, from terraform's own records.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use guard_core::context::Context;
use guard_core::invocation::Invocation;
use guard_core::loss::Loss;
use guard_core::naming::typeable;
use guard_ground::sanitize;

/// Settings of backends that say where the state is. The others can be secrets.
const TELLING: [&str; 12] = [
    "bucket",
    "container_name",
    "hostname",
    "key",
    "namespace",
    "organization",
    "path",
    "prefix",
    "project",
    "secret_suffix",
    "storage_account_name",
    "workspace_key_prefix",
];

/// Says which workspace and backend the command works on, and names them for the phrase.
pub(super) fn describe(invocation: &Invocation, context: &Context, loss: &mut Loss) {
    let workspace = workspace(invocation, context);
    let backend = backend(invocation, context).unwrap_or_else(|| "local".to_owned());
    loss.fact(format!(
        "workspace {}, backend {backend}",
        sanitize::text(&workspace)
    ));
    let name = if workspace == "default" {
        let there = context.in_directory(invocation.directory.as_deref());
        let directory = there.directory.and_then(|directory| {
            let directory = directory.canonicalize().unwrap_or(directory);
            directory.file_name().map(typeable)
        });
        directory.unwrap_or(workspace)
    } else {
        typeable(workspace.as_ref())
    };
    loss.phrase.place = format!("in {name}");
}

/// The selected workspace.
pub(super) fn workspace(invocation: &Invocation, context: &Context) -> String {
    context
        .value("TF_WORKSPACE")
        .map(|name| name.to_string_lossy().into_owned())
        .or_else(|| selected(invocation, context))
        .unwrap_or_else(|| "default".to_owned())
}

/// The backend that `terraform init` wrote down: its type, and where it keeps the state.
fn backend(invocation: &Invocation, context: &Context) -> Option<String> {
    let file = data_directory(invocation, context)?.join("terraform.tfstate");
    let record: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let backend = record.get("backend")?;
    let mut shown = backend.get("type")?.as_str()?.to_owned();
    for name in TELLING {
        if let Some(value) = backend.get("config").and_then(|config| config.get(name))
            && let Some(value) = value.as_str()
        {
            // Writing to a String cannot fail.
            let _ = write!(shown, " {name}={value}");
        }
    }
    Some(sanitize::cut(&sanitize::text(&shown), 200))
}

/// Where terraform keeps its own records.
pub(super) fn data_directory(invocation: &Invocation, context: &Context) -> Option<PathBuf> {
    let there = context.in_directory(invocation.directory.as_deref());
    let data = there
        .value("TF_DATA_DIR")
        .unwrap_or_else(|| ".terraform".into());
    Some(there.directory?.join(data))
}

/// The selected workspace, from the data directory's `environment` file (terraform's own record).
pub fn selected(invocation: &Invocation, context: &Context) -> Option<String> {
    let there = context.in_directory(invocation.directory.as_deref());
    let data = there
        .value("TF_DATA_DIR")
        .unwrap_or_else(|| ".terraform".into());
    let file = there.directory?.join(data).join("environment");
    let name = std::fs::read_to_string(file).ok()?.trim().to_owned();
    (!name.is_empty()).then_some(name)
}
