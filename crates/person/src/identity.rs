//! Which command exactly: what an approval fits.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use guard_core::context::Context;
use guard_core::name::ToolName;
use guard_core::tool::Toolbox;
use guard_ground::digest::Hasher;
use guard_ground::mask::names_secret;

/// Variables of these that say who or how, not what.
const INDIFFERENT: [&str; 10] = [
    "GIT_AUTHOR_",
    "GIT_COMMITTER_",
    "GIT_PAGER",
    "GIT_EDITOR",
    "GIT_TERMINAL_PROMPT",
    "GIT_TRACE",
    "TF_LOG",
    "PGPASSFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
];

/// Variables of these, by the beginnings of their names, that name a program to start, or a file or
/// directory that can: `core.sshCommand`, an exec plugin, `credential_process`, a provider.
const STARTING: [&str; 24] = [
    "HOME",
    "XDG_CONFIG_HOME",
    "GIT_ASKPASS",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_PROXY_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SSH",
    "KUBE",
    "TF_CLI_",
    "TF_DATA_DIR",
    "TF_PLUGIN",
    "TF_REATTACH",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "GOOGLE_",
    "PSQLRC",
    "PSQL_",
    "PGSYSCONFDIR",
    "PGSERVICEFILE",
    "PGSSL",
];

/// What tells one command from every other.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The digest of tool, argv, directory, variables and inputs.
    pub fingerprint: String,
    /// The variables that change what it means, but for secrets.
    pub variables: Vec<(String, OsString)>,
    /// The digest of what it reads besides its argv.
    pub inputs: Option<String>,
}

impl Identity {
    /// The identity of a command at a shim. `variables` are those that the process has.
    pub fn of(
        tools: &Toolbox,
        tool: &ToolName,
        argv: &[OsString],
        context: &Context,
        variables: impl Iterator<Item = (OsString, OsString)>,
        inputs: Option<String>,
    ) -> Self {
        let own = tools.of(tool).variables();
        let mut kept: Vec<(String, OsString)> = variables
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| means_something(own, name))
            .collect();
        kept.sort();
        let directory = context.directory.as_deref().unwrap_or(Path::new(""));
        Self {
            fingerprint: fingerprint(tool, argv, directory, &kept, inputs.as_deref()),
            variables: kept,
            inputs,
        }
    }
}

/// The digest of all that tells a command from others. By which path the tool was called does not.
pub fn fingerprint(
    tool: &ToolName,
    argv: &[OsString],
    directory: &Path,
    variables: &[(String, OsString)],
    inputs: Option<&str>,
) -> String {
    let mut hasher = Hasher::default();
    hasher
        .part(b"guard command 1")
        .part(tool.as_str().as_bytes())
        .part(&argv.len().to_le_bytes());
    for word in argv.iter().skip(1) {
        hasher.part(word.as_bytes());
    }
    hasher.part(directory.as_os_str().as_bytes());
    for (name, value) in variables {
        hasher.part(name.as_bytes()).part(value.as_bytes());
    }
    hasher.part(b"inputs");
    hasher.part(inputs.map(OsStr::new).unwrap_or_default().as_bytes());
    hasher.finish()
}

/// Whether a variable is among those that tell commands apart; `own` are the tool's, by the beginnings
/// of their names.
pub fn means_something(own: &[&str], name: &str) -> bool {
    own.iter().any(|prefix| name.starts_with(prefix))
        && !INDIFFERENT.iter().any(|prefix| name.starts_with(prefix))
        && !names_secret(name)
}

/// Whether a tool that is given this variable may start a program that it names.
pub fn starts_programs(name: &str) -> bool {
    STARTING.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use guard_toolbox::TOOLBOX;

    fn of(
        tool: &'static str,
        argv: &[&str],
        directory: &str,
        variables: &[(&str, &str)],
    ) -> String {
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        let mut context = Context::nothing(TOOLBOX.nested);
        context.directory = Some(directory.into());
        let variables = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Identity::of(
            &TOOLBOX,
            &ToolName::known(tool),
            &argv,
            &context,
            variables,
            None,
        )
        .fingerprint
    }

    #[test]
    fn what_makes_a_command_another() {
        let push = of("git", &["git", "push", "-f"], "/app", &[]);
        assert_eq!(of("git", &["/shims/git", "push", "-f"], "/app", &[]), push);
        assert_eq!(
            of(
                "git",
                &["git", "push", "-f"],
                "/app",
                &[("PGHOST", "x"), ("GIT_PAGER", "cat")]
            ),
            push
        );
        for other in [
            of("git", &["git", "push", "-f", "origin"], "/app", &[]),
            of("git", &["git", "push-f"], "/app", &[]),
            of("git", &["git", "push", "-f"], "/other", &[]),
            of("git", &["git", "push", "-f"], "/app", &[("GIT_DIR", "/x")]),
            of("rm", &["rm", "push", "-f"], "/app", &[]),
        ] {
            assert_ne!(other, push);
        }
    }

    #[test]
    fn secrets_are_not_kept() {
        let variables = [
            ("PGPASSWORD", "hunter2"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("AWS_SESSION_TOKEN", "x"),
            ("TF_VAR_db_password", "x"),
        ];
        for (name, _) in variables {
            for tool in TOOLBOX.tools {
                assert!(!means_something(tool.variables(), name), "{name}");
            }
        }
        assert!(means_something(&["PG"], "PGHOST"));
        assert!(means_something(&["AWS_"], "AWS_PROFILE"));
    }
}
