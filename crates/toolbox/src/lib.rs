//! The tools that guard knows, listed once.

pub mod added;

use std::ffi::OsStr;

use added::Added;
use guard_aws::Aws;
use guard_core::context::Context;
use guard_core::invocation::{Invocation, Word};
use guard_core::tool::Toolbox;
use guard_git::Git;
use guard_kubectl::Kubectl;
use guard_psql::Psql;
use guard_rm::Rm;
use guard_terraform::{TERRAFORM, TOFU};

/// Every tool; a new one is one line here.
pub static TOOLBOX: Toolbox = Toolbox {
    tools: &[&Rm, &Git, &Kubectl, &TERRAFORM, &Psql, &Aws, &TOFU],
    added: &Added,
    nested,
};

/// Reads a command inside a command, of a tool that has a shim of its own.
fn nested(name: &OsStr, arguments: &[Word], context: &Context) -> Option<Invocation> {
    let tool = TOOLBOX.known(name)?;
    (TOOLBOX.family(&tool) == tool.as_str()).then(|| TOOLBOX.read(&tool, arguments, context))
}
