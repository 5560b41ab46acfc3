//! Where a state is, and terraform there.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::complaint::complaint;
use guard_core::context::Context;
use guard_core::probe::Probe;
use guard_ground::bytes::Bytes;
use guard_ground::sanitize;

/// Variables that put arguments into subcommands, write files, or name another place.
const NOT_FOR_STATES: [&str; 8] = [
    "TF_CLI_ARGS",
    "TF_CLI_ARGS_show",
    "TF_CLI_ARGS_state_pull",
    "TF_CLI_ARGS_state_push",
    "TF_DATA_DIR",
    "TF_LOG",
    "TF_LOG_PATH",
    "TF_WORKSPACE",
];

/// Where a state is. No variables with credentials are in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatePlace {
    /// `terraform` or `tofu`.
    pub tool: String,
    /// The directory of the configuration.
    pub directory: Bytes,
    /// The workspace.
    pub workspace: String,
    /// The variable `TF_DATA_DIR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Bytes>,
}

impl StatePlace {
    /// For a screen.
    pub(super) fn shown(&self) -> String {
        format!(
            "workspace {} of {}",
            sanitize::text(&self.workspace),
            sanitize::path(self.directory.path())
        )
    }

    /// Whether terraform works in this workspace without being told to.
    fn is_selected(&self) -> bool {
        let data = self
            .data
            .as_ref()
            .map_or(Path::new(".terraform"), Bytes::path);
        let file = self.directory.path().join(data).join("environment");
        let selected = std::fs::read_to_string(file).unwrap_or_default();
        let selected = match selected.trim() {
            "" => "default",
            name => name,
        };
        selected == self.workspace
    }

    /// terraform, there.
    pub(super) fn probe<'a>(
        &self,
        context: &'a Context,
        deadline: Instant,
    ) -> Result<Probe<'a>, String> {
        let directory = PathBuf::from(self.directory.os());
        if !directory.is_dir() {
            return Err(format!("{} is not there", sanitize::path(&directory)));
        }
        let mut probe = Probe::new(&self.tool, &directory, context, deadline)
            .map_err(|failure| failure.to_string())?
            .without(&NOT_FOR_STATES)
            .variable("CHECKPOINT_DISABLE", "1")
            .outliving_nobody();
        if let Some(data) = &self.data {
            probe = probe.variable("TF_DATA_DIR", &data.os().to_string_lossy());
        }
        if !self.is_selected() {
            probe = probe.variable("TF_WORKSPACE", &self.workspace);
        }
        Ok(probe)
    }
}

/// The state as it is now; `None` where there is none.
pub(super) fn pull(probe: &Probe<'_>) -> Result<Option<Vec<u8>>, String> {
    let answer = probe
        .run(&["state", "pull"])
        .map_err(|failure| failure.to_string())?;
    if !answer.success {
        return Err(complaint(&answer));
    }
    Ok((!answer.output.trim_ascii().is_empty()).then_some(answer.output))
}
