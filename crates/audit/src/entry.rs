//! One line of the log.

use std::ffi::OsString;
use std::path::Path;

use serde::{Deserialize, Serialize};

use guard_core::loss::Loss;
use guard_core::name::ToolName;
use guard_core::verdict::Verdict;
use guard_ground::{install, mask, sanitize};

use super::now;

/// One line of the log. New fields may be added at the end; none is renamed.
#[derive(Debug, Serialize, Deserialize, Clone)]
pub struct Entry {
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// Who: the name of the user.
    pub user: String,
    /// The agent that ran it, if known.
    pub agent: Option<String>,
    /// The tool.
    pub tool: String,
    /// The command, secrets masked.
    pub argv: Vec<String>,
    /// The working directory.
    pub cwd: Option<String>,
    /// The rules that matched.
    pub rules: Vec<String>,
    /// What it points at.
    pub environment: Option<String>,
    /// `exact`, `estimate`, `unknown` or `skipped`.
    pub preview: String,
    /// What would be lost, as shown.
    pub loss: Vec<String>,
    /// `allow`, `confirm`, `deny`.
    pub verdict: String,
    /// How it was answered: `nothing would be lost`, `blocked`, `approved at the terminal` …
    pub answer: String,
    /// Why no person was asked, or what says that one was.
    pub evidence: Vec<String>,
    /// The request that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The number of the approval that it used up, or of the exception that it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<String>,
    /// What a person signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The backup that was made first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
}

/// What a person signed, so that whoever reads the log can check it.
#[derive(Debug, Serialize, Deserialize, Clone)]
pub struct Proof {
    /// The statement, byte for byte.
    pub statement: String,
    /// The signatures, in OpenSSH's form.
    pub signatures: Vec<String>,
    /// Who signed, with the keys' fingerprints.
    pub signers: Vec<String>,
    /// The public key that may approve from here on: `NAME TYPE KEY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduces: Option<String>,
}

impl Entry {
    /// An entry about guard itself, not about a command at a shim.
    pub fn of_guard(command: &[&str], answer: &str) -> Self {
        Self {
            time: now(),
            user: install::user_name(),
            agent: None,
            tool: "guard".to_owned(),
            argv: command.iter().map(|word| sanitize::text(word)).collect(),
            cwd: None,
            rules: Vec::new(),
            environment: None,
            preview: "skipped".to_owned(),
            loss: Vec::new(),
            verdict: "allow".to_owned(),
            answer: answer.to_owned(),
            evidence: Vec::new(),
            request: None,
            used: None,
            proof: None,
            backup: None,
        }
    }

    /// An entry about a command.
    pub fn of_command(
        tool: &ToolName,
        argv: &[OsString],
        directory: Option<&Path>,
        verdict: &Verdict,
        answer: &str,
    ) -> Self {
        Self {
            tool: tool.to_string(),
            argv: mask::masked(argv),
            cwd: directory.map(sanitize::path),
            rules: verdict
                .rules
                .iter()
                .map(|rule| rule.id.to_string())
                .collect(),
            environment: verdict
                .environment
                .as_ref()
                .map(|environment| environment.name.clone()),
            preview: verdict.preview.status().to_owned(),
            loss: verdict.preview.loss().map(Loss::lines).unwrap_or_default(),
            verdict: verdict.effect.name().to_owned(),
            ..Self::of_guard(&[], answer)
        }
    }
}
