//! One command on its way from argv to exec.

use std::ffi::OsString;

use crate::judging::Judge;
use crate::rules::Rules;
use guard_core::context::Context;
use guard_core::invocation::Invocation;
use guard_core::tool::Toolbox;
use guard_ground::install::Places;

/// A command with all that is known of it before it is judged. Whatever asked about it (a shim, an
/// agent's hook, a plan), every stage is handed the same.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The tools that guard knows.
    pub tools: &'a Toolbox,
    /// The rules that hold.
    pub rules: &'a Rules,
    /// guard's own places.
    pub places: &'a Places,
    /// The command, the tool's name first.
    pub argv: &'a [OsString],
    /// How its tool reads it.
    pub invocation: &'a Invocation,
    /// Where it runs.
    pub context: &'a Context,
    /// Who judges it.
    pub judge: &'a Judge<'a>,
}

impl Case<'_> {
    /// The agent's name, if one is known.
    pub fn agent_name(&self) -> Option<String> {
        self.judge.agent().map(|agent| agent.name.to_owned())
    }
}
