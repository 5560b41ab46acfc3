//! EC2 instances: who they are, and which disks end with them.

use serde_json::Value;

use super::client::{AwsProbe, Measured, Reply, list, number, shown, text, values};
use super::{loss_of, lot, nothing, tags};
use crate::error::error_code;
use guard_core::invocation::Invocation;
use guard_core::loss::Loss;
use guard_core::preview::Preview;
use guard_words::Measure;

/// `ec2 terminate-instances`.
pub fn terminate(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    let ids = values(invocation, "instance-ids");
    if ids.is_empty() || ids.iter().any(|id| id.starts_with('-')) {
        return Err("the instances are not on the command line".to_owned());
    }
    let with = |operation: &'static str| {
        let mut words = vec!["ec2", operation, "--instance-ids"];
        words.extend(ids.iter().map(String::as_str));
        words
    };
    let mut dry = with("terminate-instances");
    dry.push("--dry-run");
    let permitted = aws.start(&dry);
    let answer = match aws.ask(&with("describe-instances"))? {
        Reply::Missing(why) => return Ok(nothing(format!("it is not there: {}", shown(&why)))),
        Reply::Found(answer) => answer,
    };
    let instances: Vec<&Value> = list(&answer, "Reservations")
        .iter()
        .flat_map(|reservation| list(reservation, "Instances"))
        .filter(|instance| !matches!(state(instance).as_str(), "terminated" | "shutting-down"))
        .collect();
    if instances.is_empty() {
        return Ok(nothing("the instances are terminated already"));
    }
    let permission = permitted.and_then(super::client::PendingLook::answer);
    let code = permission.ok().and_then(|answer| error_code(&answer));
    match code.as_deref() {
        Some("UnauthorizedOperation") => {
            return Ok(nothing("the dry run says that this account may not do it"));
        }
        Some("OperationNotPermitted") => {
            return Ok(nothing("the instances are protected against termination"));
        }
        _ => {}
    }
    let mut loss = instances_loss(&instances);
    loss.fact(match code.as_deref() {
        Some("DryRunOperation") => "the dry run says that it would succeed".to_owned(),
        Some(other) => format!("the dry run says: {}", shown(other)),
        None => "the dry run gave no answer".to_owned(),
    });
    let mut all_tags = Vec::new();
    for instance in &instances {
        all_tags.extend(instance.get("Tags").map(tags::read).unwrap_or_default());
    }
    if !all_tags.is_empty() {
        loss.fact(format!("tags: {}", tags::shown(&all_tags)));
    }
    loss.tags = Some(all_tags);
    add_volumes(aws, &instances, &mut loss);
    Ok(Preview::Exact(loss))
}

fn state(instance: &Value) -> String {
    let state = instance.get("State");
    state
        .and_then(|state| text(state, "Name"))
        .unwrap_or_default()
}

/// The name that its tags give an instance.
fn name(instance: &Value) -> Option<String> {
    let found = tags::read(instance.get("Tags")?);
    found
        .into_iter()
        .find(|(key, _)| key == "Name")
        .map(|(_, value)| value)
}

fn instances_loss(instances: &[&Value]) -> Loss {
    let labels: Vec<String> = instances
        .iter()
        .map(|instance| {
            let id = text(instance, "InstanceId").unwrap_or_default();
            let kind = text(instance, "InstanceType").unwrap_or_default();
            let name = name(instance)
                .map(|name| format!(" {name}"))
                .unwrap_or_default();
            shown(&format!(
                "instance {id}{name} ({kind}, {})",
                state(instance)
            ))
        })
        .collect();
    let first = instances.first().copied().unwrap_or(&Value::Null);
    let place = name(first)
        .or_else(|| text(first, "InstanceId"))
        .unwrap_or_default();
    let counted = lot(
        Measure::Resources,
        u64::try_from(instances.len()).unwrap_or(u64::MAX),
        None,
        "",
        labels.into_iter().take(8).collect(),
    );
    loss_of(
        counted,
        "terminate",
        shown(&format!("with instance {place}")),
    )
}

/// The volumes that go with the instances, and those that stay.
fn add_volumes(aws: &AwsProbe<'_>, instances: &[&Value], loss: &mut Loss) {
    let (mut going, mut kept) = (Vec::new(), Vec::new());
    for device in instances
        .iter()
        .flat_map(|instance| list(instance, "BlockDeviceMappings"))
    {
        let Some(volume) = device.get("Ebs") else {
            continue;
        };
        let Some(id) = text(volume, "VolumeId") else {
            continue;
        };
        if volume.get("DeleteOnTermination").and_then(Value::as_bool) == Some(true) {
            going.push(id);
        } else {
            kept.push(id);
        }
    }
    if !kept.is_empty() {
        loss.fact(format!("volumes that stay: {}", shown(&kept.join(", "))));
    }
    if going.is_empty() {
        return;
    }
    let mut words = vec!["ec2", "describe-volumes", "--volume-ids"];
    words.extend(going.iter().map(String::as_str));
    let bytes = match aws.ask(&words) {
        Ok(Reply::Found(answer)) => {
            let gib: u64 = list(&answer, "Volumes")
                .iter()
                .map(|volume| number(volume, "Size"))
                .sum();
            Some(gib.saturating_mul(1 << 30))
        }
        _ => None,
    };
    let count = u64::try_from(going.len()).unwrap_or(u64::MAX);
    let examples = going
        .iter()
        .take(5)
        .map(|id| shown(&format!("volume {id}")))
        .collect();
    loss.add(lot(
        Measure::Resources,
        count,
        bytes,
        "deleted with the instances",
        examples,
    ));
}
