//! `CloudFormation`: what a stack holds, and what of it the template keeps.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::{AwsProbe, Measured, PendingLook, Reply, list, shown, text, value};
use super::{loss_of, lot, nothing, tags};
use guard_core::invocation::Invocation;
use guard_core::loss::Loss;
use guard_core::preview::Preview;
use guard_ground::yaml;
use guard_words::Measure;

/// Types that hold data or keys, by the words in their names: what is deleted of these comes first.
const HOLDING: [&str; 20] = [
    "::DBInstance",
    "::DBCluster",
    "::Table",
    "::GlobalTable",
    "::Bucket",
    "::Volume",
    "::FileSystem",
    "::Key",
    "::Secret",
    "::Stream",
    "::Queue",
    "::LogGroup",
    "::UserPool",
    "::Domain",
    "::Cluster",
    "::ReplicationGroup",
    "::Repository",
    "::BackupVault",
    "::HostedZone",
    "::Instance",
];

fn holds(kind: &str) -> bool {
    HOLDING.iter().any(|end| kind.ends_with(end))
}

/// `cloudformation delete-stack`.
pub fn delete(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    let name = value(invocation, "stack-name").ok_or("the stack is not on the command line")?;
    let on =
        |operation: &'static str| aws.start(&["cloudformation", operation, "--stack-name", &name]);
    let resources = on("list-stack-resources")?;
    let template = on("get-template");
    let described = match on("describe-stacks")?.reply()? {
        Reply::Missing(why) => return Ok(nothing(format!("it is not there: {}", shown(&why)))),
        Reply::Found(answer) => answer,
    };
    let stack = list(&described, "Stacks")
        .first()
        .cloned()
        .unwrap_or(Value::Null);
    if super::look::is_protected(&stack) {
        return Ok(nothing(
            "the stack is protected against termination, so AWS refuses",
        ));
    }
    let resources = match resources.reply()? {
        Reply::Missing(why) => return Ok(nothing(shown(&why))),
        Reply::Found(answer) => answer,
    };
    let kept = template
        .and_then(PendingLook::reply)
        .ok()
        .and_then(|reply| match reply {
            Reply::Found(answer) => retained(&answer),
            Reply::Missing(_) => None,
        });
    let mut loss = resources_loss(
        list(&resources, "StackResourceSummaries"),
        kept.as_ref(),
        &name,
    );
    if kept.is_none() {
        loss.fact("the template cannot be read: which resources it keeps is not known");
    }
    let found = tags::within(&stack, 0).unwrap_or_default();
    if !found.is_empty() {
        loss.fact(format!("tags: {}", tags::shown(&found)));
    }
    loss.tags = Some(found);
    Ok(Preview::Exact(loss))
}

/// The logical names of the resources that a template keeps when their stack goes
/// (`DeletionPolicy: Retain` and its kin); `None` when it cannot be read.
fn retained(answer: &Value) -> Option<BTreeSet<String>> {
    let body = answer.get("TemplateBody")?;
    let read;
    let template = match body {
        Value::String(text) => {
            read = yaml::only(text)?;
            &read
        }
        other => other,
    };
    let resources = template.get("Resources")?.as_object()?;
    let keeps = |resource: &Value| {
        text(resource, "DeletionPolicy")
            .is_some_and(|policy| matches!(policy.as_str(), "Retain" | "RetainExceptOnCreate"))
    };
    Some(
        resources
            .iter()
            .filter(|(_, resource)| keeps(resource))
            .map(|(name, _)| name.clone())
            .collect(),
    )
}

fn resources_loss(summaries: &[Value], kept: Option<&BTreeSet<String>>, name: &str) -> Loss {
    let mut going: Vec<(bool, String)> = Vec::new();
    let mut stay = Vec::new();
    for summary in summaries {
        let status = text(summary, "ResourceStatus").unwrap_or_default();
        if status == "DELETE_COMPLETE" {
            continue;
        }
        let logical = text(summary, "LogicalResourceId").unwrap_or_default();
        let kind = text(summary, "ResourceType").unwrap_or_default();
        let physical = text(summary, "PhysicalResourceId").unwrap_or_default();
        if kept.is_some_and(|kept| kept.contains(&logical)) {
            stay.push(format!("{kind} {physical}"));
        } else {
            going.push((!holds(&kind), format!("{kind} {physical}")));
        }
    }
    going.sort();
    let holding = going.iter().filter(|(plain, _)| !plain).count();
    let counted = lot(
        Measure::Resources,
        u64::try_from(going.len()).unwrap_or(u64::MAX),
        None,
        &if holding > 0 {
            format!("({holding} of them hold data)")
        } else {
            String::new()
        },
        going
            .iter()
            .take(8)
            .map(|(_, label)| shown(label))
            .collect(),
    );
    let mut loss = loss_of(counted, "delete", shown(&format!("of stack {name}")));
    if !stay.is_empty() {
        loss.fact(format!("kept by the template: {}", shown(&stay.join(", "))));
    }
    loss
}

/// `cloudformation execute-change-set`: what the change set removes or replaces.
pub fn execute(aws: &AwsProbe<'_>, invocation: &Invocation) -> Measured<Preview> {
    let set =
        value(invocation, "change-set-name").ok_or("the change set is not on the command line")?;
    let mut words = vec![
        "cloudformation",
        "describe-change-set",
        "--change-set-name",
        &set,
    ];
    let stack = value(invocation, "stack-name");
    if let Some(stack) = &stack {
        words.extend(["--stack-name", stack]);
    }
    let answer = match aws.ask(&words)? {
        Reply::Missing(why) => return Ok(nothing(format!("it is not there: {}", shown(&why)))),
        Reply::Found(answer) => answer,
    };
    let mut going: Vec<(bool, String)> = list(&answer, "Changes")
        .iter()
        .filter_map(|change| change.get("ResourceChange"))
        .filter_map(|change| {
            let kind = text(change, "ResourceType").unwrap_or_default();
            let what = match (
                text(change, "Action").as_deref(),
                text(change, "Replacement").as_deref(),
            ) {
                (Some("Remove"), _) => "removes",
                (Some("Modify"), Some("True")) => "replaces",
                (Some("Modify"), Some("Conditional")) => "may replace",
                _ => return None,
            };
            let name =
                text(change, "PhysicalResourceId").or_else(|| text(change, "LogicalResourceId"));
            let label = format!("{what} {kind} {}", name.unwrap_or_default());
            Some((!holds(&kind), label))
        })
        .collect();
    if going.is_empty() {
        return Ok(nothing("the change set removes and replaces nothing"));
    }
    going.sort();
    let counted = lot(
        Measure::Resources,
        u64::try_from(going.len()).unwrap_or(u64::MAX),
        None,
        "",
        going
            .iter()
            .take(8)
            .map(|(_, label)| shown(label))
            .collect(),
    );
    let place = format!("of stack {}", stack.unwrap_or_default());
    let mut loss = loss_of(counted, "replace", shown(place.trim_end()));
    loss.tags = tags::within(&answer, 0);
    Ok(Preview::Exact(loss))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn what_templates_keep() {
        let yaml = "Resources:\n  A:\n    Type: AWS::S3::Bucket\n    DeletionPolicy: Retain\n  B:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: !Sub '${AWS::StackName}-q'\n";
        let kept = retained(&json!({"TemplateBody": yaml})).unwrap();
        assert_eq!(kept.into_iter().collect::<Vec<_>>(), ["A"]);
        let object = json!({"TemplateBody": {"Resources": {"A": {"DeletionPolicy": "Delete"}}}});
        assert!(retained(&object).unwrap().is_empty());
        assert_eq!(retained(&json!({"TemplateBody": "Resources: &x"})), None);
    }

    #[test]
    fn what_holds_data_comes_first() {
        let summary = |kind: &str, name: &str| {
            json!({"ResourceType": kind, "LogicalResourceId": name, "PhysicalResourceId": name,
                   "ResourceStatus": "CREATE_COMPLETE"})
        };
        let summaries = [
            summary("AWS::IAM::Role", "role"),
            summary("AWS::RDS::DBInstance", "db"),
            summary("AWS::S3::Bucket", "kept"),
        ];
        let kept = BTreeSet::from(["kept".to_owned()]);
        let loss = resources_loss(&summaries, Some(&kept), "app");
        assert_eq!(
            loss.lines(),
            ["2 resources (1 of them hold data): AWS::RDS::DBInstance db, AWS::IAM::Role role"]
        );
        assert_eq!(loss.facts, ["kept by the template: AWS::S3::Bucket kept"]);
    }
}
