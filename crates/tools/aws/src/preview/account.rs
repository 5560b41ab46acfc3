//! Which account, region and profile a command works on.

use super::client::{AwsProbe, Measured, PendingLook, Reply, shown, text};
use guard_core::context::Context;
use guard_core::invocation::Invocation;
use guard_ground::ini::Dialect;

/// Starts to ask whose account it is; nothing for a command without credentials.
pub fn start(aws: &AwsProbe<'_>, invocation: &Invocation) -> Option<Measured<PendingLook>> {
    (!invocation.has("--no-sign-request")).then(|| aws.start(&["sts", "get-caller-identity"]))
}

/// One line that says where the command goes.
pub fn line(
    pending: Option<Measured<PendingLook>>,
    invocation: &Invocation,
    context: &Context,
) -> String {
    let account = match pending.map(|started| started.and_then(PendingLook::reply)) {
        None => "no credentials".to_owned(),
        Some(Ok(Reply::Found(value))) => {
            let number = text(&value, "Account").unwrap_or_default();
            let who = text(&value, "Arn").unwrap_or_default();
            shown(&format!("account {number}, as {who}"))
        }
        Some(Ok(Reply::Missing(why)) | Err(why)) => format!("account unknown ({})", shown(&why)),
    };
    let profile = profile(invocation, context);
    let region = region(invocation, context, &profile);
    let mut line = format!(
        "{account}, region {}, profile {}",
        shown(&region),
        shown(&profile)
    );
    if let Some(flag) = invocation.flag("--endpoint-url")
        && let Some(endpoint) = flag.text()
    {
        line.push_str(", endpoint ");
        line.push_str(&shown(&guard_ground::mask::mask(endpoint)));
    }
    line
}

fn variable(context: &Context, names: &[&str]) -> Option<String> {
    let value = names.iter().find_map(|name| context.value(name))?;
    Some(value.to_string_lossy().into_owned())
}

fn given(invocation: &Invocation, flag: &str) -> Option<String> {
    Some(invocation.flag(flag)?.text()?.to_owned())
}

fn profile(invocation: &Invocation, context: &Context) -> String {
    given(invocation, "--profile")
        .or_else(|| variable(context, &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]))
        .unwrap_or_else(|| "default".to_owned())
}

fn region(invocation: &Invocation, context: &Context, profile: &str) -> String {
    given(invocation, "--region")
        .or_else(|| variable(context, &["AWS_REGION", "AWS_DEFAULT_REGION"]))
        .or_else(|| {
            let file = variable(context, &["AWS_CONFIG_FILE"])
                .or_else(|| Some(format!("{}/.aws/config", variable(context, &["HOME"])?)))?;
            let text = std::fs::read_to_string(file).ok()?;
            let section = if profile == "default" {
                profile.to_owned()
            } else {
                format!("profile {profile}")
            };
            Dialect::CONFIGPARSER.value(&text, &section, "region")
        })
        .unwrap_or_else(|| "not set".to_owned())
}
