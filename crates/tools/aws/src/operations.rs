//! What operations do, by thought: written from the services' documentation, not from the table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;

use guard_core::environment::Environment;
use guard_core::place::Placed;
use guard_judge::matching::{Facts, matching};
use guard_judge::rules::Rules;
use guard_testing::parse;
use guard_toolbox::TOOLBOX;

/// Services with operations that change nothing.
const READS: &str = "
accessanalyzer list-analyzers get-finding validate-policy
acm list-certificates describe-certificate get-certificate
apigateway get-rest-apis get-resources get-stage get-deployments
apigatewayv2 get-apis get-routes
application-autoscaling describe-scalable-targets describe-scaling-policies
appsync list-graphql-apis get-graphql-api
athena list-work-groups get-query-execution get-query-results
autoscaling describe-auto-scaling-groups describe-policies describe-scaling-activities
backup list-backup-vaults describe-backup-vault list-recovery-points-by-backup-vault
batch describe-jobs list-jobs describe-compute-environments
ce get-cost-and-usage get-cost-forecast
cloudformation describe-stacks list-stacks get-template describe-stack-events validate-template describe-change-set
cloudfront list-distributions get-distribution get-distribution-config list-invalidations
cloudtrail lookup-events describe-trails get-trail-status list-trails
cloudwatch describe-alarms get-metric-data get-metric-statistics list-metrics get-dashboard
codebuild batch-get-builds list-projects batch-get-projects list-builds
codecommit get-repository list-branches get-file batch-get-repositories
codepipeline get-pipeline list-pipelines get-pipeline-state
cognito-idp list-user-pools describe-user-pool list-users admin-get-user
configservice describe-config-rules select-resource-config get-compliance-details-by-config-rule
deploy get-deployment list-applications list-deployments
dms describe-replication-instances describe-replication-tasks
docdb describe-db-clusters describe-db-instances
dynamodb describe-table list-tables scan query get-item batch-get-item transact-get-items describe-continuous-backups
ec2 describe-instances describe-volumes describe-vpcs describe-snapshots describe-images get-console-output describe-security-groups describe-subnets get-launch-template-data search-transit-gateway-routes
ecr describe-repositories describe-images list-images batch-get-image get-login-password get-authorization-token
ecs list-clusters describe-services describe-tasks list-tasks describe-task-definition
efs describe-file-systems describe-mount-targets
eks list-clusters describe-cluster describe-nodegroup get-token list-addons
elasticache describe-cache-clusters describe-replication-groups describe-snapshots
elasticbeanstalk describe-environments describe-events
elb describe-load-balancers
elbv2 describe-load-balancers describe-target-health describe-listeners describe-rules
emr list-clusters describe-cluster list-steps
events list-rules describe-rule list-targets-by-rule test-event-pattern
firehose describe-delivery-stream list-delivery-streams
fsx describe-file-systems describe-backups
glacier list-vaults describe-vault
glue get-databases get-tables get-job get-job-runs
guardduty list-detectors get-findings
iam list-users get-role get-policy-version simulate-principal-policy get-account-summary list-attached-role-policies
kafka list-clusters describe-cluster
kinesis describe-stream describe-stream-summary list-shards get-records
kms list-keys describe-key get-key-policy get-key-rotation-status
lambda list-functions get-policy get-function-configuration list-versions-by-function get-function
lightsail get-instances get-instance
logs describe-log-groups filter-log-events get-log-events start-query tail
mq list-brokers describe-broker
neptune describe-db-clusters
opensearch describe-domain list-domain-names
organizations list-accounts describe-organization list-policies
ram get-resource-shares
rds describe-db-instances describe-db-snapshots describe-db-clusters generate-db-auth-token download-db-log-file-portion
redshift describe-clusters describe-cluster-snapshots
resourcegroupstaggingapi get-resources get-tag-keys
route53 list-hosted-zones list-resource-record-sets get-hosted-zone test-dns-answer get-change
s3 ls presign
s3api list-buckets list-objects-v2 head-object head-bucket get-bucket-policy list-object-versions get-bucket-tagging get-object-tagging list-multipart-uploads get-bucket-lifecycle-configuration
sagemaker list-endpoints describe-endpoint describe-training-job
secretsmanager list-secrets describe-secret get-secret-value
securityhub get-findings
servicediscovery list-services discover-instances
ses get-send-quota list-identities
sns list-topics get-topic-attributes list-subscriptions
sqs list-queues get-queue-attributes get-queue-url list-dead-letter-source-queues
ssm get-parameter get-parameters-by-path describe-instance-information list-commands get-command-invocation
stepfunctions list-state-machines describe-execution get-execution-history
sts get-caller-identity decode-authorization-message get-access-key-info
timestream-query describe-endpoints
transfer list-servers
wafv2 list-web-acls get-web-acl
workspaces describe-workspaces
xray get-trace-summaries batch-get-traces
";

/// Operations that change something and lose nothing: no question.
const PASSES: &str = "
acm request-certificate add-tags-to-certificate
apigateway create-deployment update-stage flush-stage-cache put-method
appconfig start-deployment
athena start-query-execution stop-query-execution create-work-group
autoscaling create-auto-scaling-group set-desired-capacity attach-instances start-instance-refresh delete-tags suspend-processes disable-metrics-collection
backup start-backup-job create-backup-plan
batch submit-job cancel-job register-job-definition
cloudformation create-stack update-stack create-change-set cancel-update-stack continue-update-rollback
cloudfront create-invalidation update-distribution
cloudtrail create-trail start-logging
cloudwatch put-metric-alarm put-metric-data enable-alarm-actions set-alarm-state
codebuild start-build stop-build
codepipeline start-pipeline-execution
cognito-idp sign-up admin-create-user admin-enable-user revoke-token
configure set
deploy create-deployment stop-deployment push
dynamodb create-table put-item update-item update-table create-backup
ec2 run-instances start-instances stop-instances reboot-instances create-tags delete-tags create-snapshot copy-image associate-address attach-volume authorize-security-group-ingress create-volume modify-instance-attribute allocate-address create-vpc
ecr create-repository put-image tag-resource untag-resource complete-layer-upload
ecs run-task stop-task update-service register-task-definition create-service
efs create-file-system tag-resource
eks update-kubeconfig create-cluster create-nodegroup update-cluster-version
elasticache create-cache-cluster reboot-cache-cluster
elbv2 create-load-balancer modify-listener register-targets add-tags remove-tags
emr add-steps create-cluster cancel-steps
events put-rule put-targets put-events enable-rule
firehose put-record put-record-batch
glue start-job-run start-crawler stop-crawler batch-stop-job-run
iam create-user attach-role-policy put-role-policy create-access-key tag-role untag-role update-assume-role-policy
kinesis put-record put-records increase-stream-retention-period
kms create-key encrypt cancel-key-deletion enable-key tag-resource
lambda invoke update-function-code create-function publish-version add-permission tag-resource
logs create-log-group put-log-events create-log-stream stop-query
organizations create-account
rds create-db-instance create-db-snapshot reboot-db-instance start-db-instance stop-db-instance modify-db-instance add-tags-to-resource remove-tags-from-resource
redshift create-cluster resume-cluster pause-cluster
route53 create-hosted-zone change-tags-for-resource
s3 mb website
s3api create-bucket put-bucket-tagging delete-object-tagging delete-bucket-tagging upload-part create-multipart-upload abort-multipart-upload
sagemaker create-training-job stop-training-job
secretsmanager create-secret put-secret-value rotate-secret restore-secret
sns publish subscribe create-topic
sqs send-message receive-message create-queue change-message-visibility tag-queue
ssm put-parameter start-session terminate-session cancel-command
sso login
stepfunctions start-execution stop-execution
sts assume-role
wafv2 create-web-acl
workspaces start-workspaces reboot-workspaces
xray put-trace-segments
";

/// Operations after which something is gone, cut off, or switched off.
const ASKS: &str = "
accessanalyzer delete-analyzer
acm delete-certificate revoke-certificate
apigateway delete-rest-api delete-stage delete-resource
apigatewayv2 delete-api
appsync delete-graphql-api disassociate-api
athena delete-work-group delete-named-query
autoscaling delete-auto-scaling-group terminate-instance-in-auto-scaling-group detach-instances delete-launch-configuration
backup delete-recovery-point delete-backup-vault disassociate-recovery-point cancel-legal-hold update-recovery-point-lifecycle
batch delete-job-queue deregister-job-definition terminate-job
cloudformation delete-stack delete-stack-set delete-stack-instances rollback-stack execute-change-set
cloudfront delete-distribution delete-function
cloudtrail delete-trail stop-logging delete-event-data-store
cloudwatch delete-alarms delete-dashboards disable-alarm-actions
codecommit delete-repository delete-branch delete-file
codeartifact delete-repository dispose-package-versions delete-package-versions
cognito-idp delete-user-pool admin-delete-user admin-disable-user delete-group
configservice delete-config-rule stop-configuration-recorder put-retention-configuration
dax decrease-replication-factor delete-cluster
deploy delete-application deregister-on-premises-instance
directconnect delete-connection disassociate-connection-from-lag
dms delete-replication-task delete-replication-instance
docdb delete-db-cluster delete-db-instance reset-db-cluster-parameter-group remove-from-global-cluster
ds delete-directory restore-from-snapshot disable-sso
dynamodb delete-table delete-item delete-backup update-time-to-live disable-kinesis-streaming-destination
ec2 terminate-instances delete-volume delete-snapshot deregister-image release-address delete-vpc detach-volume disassociate-address revoke-security-group-ingress delete-key-pair cancel-spot-fleet-requests create-replace-root-volume-task delete-nat-gateway reset-image-attribute unassign-private-ip-addresses withdraw-byoip-cidr release-hosts
ecr delete-repository batch-delete-image put-lifecycle-policy delete-registry-policy
ecs delete-service delete-cluster deregister-task-definition deregister-container-instance
efs delete-file-system delete-mount-target delete-access-point
eks delete-cluster delete-nodegroup delete-addon disassociate-identity-provider-config
elasticache delete-cache-cluster delete-replication-group decrease-replica-count delete-snapshot
elasticbeanstalk terminate-environment rebuild-environment delete-application-version
elb delete-load-balancer deregister-instances-from-load-balancer
elbv2 delete-load-balancer delete-target-group deregister-targets delete-listener
emr terminate-clusters
es delete-elasticsearch-domain
events delete-rule remove-targets disable-rule delete-archive
firehose delete-delivery-stream
fsx delete-file-system delete-backup restore-volume-from-snapshot
glacier delete-vault delete-archive
glue delete-table delete-database batch-delete-partition batch-delete-table reset-job-bookmark
guardduty delete-detector disassociate-members stop-monitoring-members
iam delete-user delete-role detach-role-policy remove-user-from-group deactivate-mfa-device delete-access-key delete-role-policy delete-login-profile
imagebuilder delete-image
iot delete-thing detach-policy delete-certificate
kafka delete-cluster
kinesis delete-stream decrease-stream-retention-period deregister-stream-consumer
kms schedule-key-deletion disable-key delete-imported-key-material revoke-grant retire-grant disable-key-rotation delete-alias
lambda delete-function remove-permission delete-layer-version delete-event-source-mapping delete-alias
lightsail delete-instance release-static-ip delete-disk
logs delete-log-group delete-log-stream put-retention-policy delete-metric-filter disassociate-kms-key
macie2 disable-macie
memorydb delete-cluster reset-parameter-group
mq delete-broker
neptune delete-db-cluster
opensearch delete-domain dissociate-package
organizations close-account leave-organization remove-account-from-organization detach-policy disable-policy-type
ram disassociate-resource-share delete-resource-share
rds delete-db-instance delete-db-cluster delete-db-snapshot backtrack-db-cluster revoke-db-security-group-ingress remove-role-from-db-cluster delete-db-parameter-group delete-db-instance-automated-backup
redshift delete-cluster delete-cluster-snapshot batch-delete-cluster-snapshots disable-logging
route53 delete-hosted-zone disassociate-vpc-from-hosted-zone delete-health-check disable-hosted-zone-dnssec
s3 rm rb cp mv
s3api delete-object delete-objects delete-bucket delete-bucket-policy put-bucket-lifecycle-configuration put-object copy-object delete-bucket-encryption
s3control delete-access-point put-bucket-lifecycle-configuration
sagemaker delete-endpoint delete-model delete-notebook-instance
sdb delete-domain batch-delete-attributes
secretsmanager delete-secret remove-regions-from-replication delete-resource-policy
securityhub disable-security-hub batch-disable-standards
servicediscovery deregister-instance delete-service
ses delete-identity
sns delete-topic unsubscribe remove-permission
sqs purge-queue delete-queue delete-message remove-permission
ssm send-command delete-parameter delete-parameters deregister-managed-instance delete-document
stepfunctions delete-state-machine
timestream-write delete-table delete-database
transfer delete-server delete-user
wafv2 delete-web-acl disassociate-web-acl
workspaces terminate-workspaces rebuild-workspaces restore-workspace
";

struct Nowhere;

impl Facts for Nowhere {
    fn places(&self) -> &[Placed] {
        &[]
    }

    fn environment(&self) -> Option<&Environment> {
        None
    }

    fn reads_tags(&self) -> bool {
        false
    }

    fn has_tags(&self) -> bool {
        true
    }
}

fn commands(list: &'static str) -> impl Iterator<Item = String> {
    list.lines()
        .filter(|line| !line.is_empty())
        .flat_map(|line| {
            let (service, operations) = line.split_once(' ').unwrap_or((line, ""));
            operations
                .split(' ')
                .filter(|name| !name.is_empty())
                .map(move |operation| format!("aws {service} {operation}"))
        })
}

/// Whether a rule would ask about the command, and whether it is known to read only.
fn judged(line: &str) -> (bool, bool) {
    let rules = Rules::defaults();
    let invocation = parse(line);
    let asks = !matching(&rules, "aws", &invocation, &Nowhere).is_empty();
    (asks, TOOLBOX.only_reads(&invocation))
}

#[test]
fn what_operations_do() {
    let mut wrong = Vec::new();
    for (list, expected) in [
        (READS, (false, true)),
        (PASSES, (false, false)),
        (ASKS, (true, false)),
    ] {
        for line in commands(list) {
            let found = judged(&line);
            if found != expected {
                wrong.push(format!("{line}: (asks, reads) is {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_lists_are_long_enough() {
    let all: Vec<String> = [READS, PASSES, ASKS]
        .into_iter()
        .flat_map(commands)
        .collect();
    let services: BTreeSet<&str> = all
        .iter()
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    assert!(all.len() >= 400, "{}", all.len());
    assert!(services.len() >= 60, "{}", services.len());
}

/// What parameters make of an operation: the line, and whether it asks.
#[test]
fn what_parameters_do() {
    for (line, asks) in [
        (
            "aws rds modify-db-instance --db-instance-identifier d --backup-retention-period 0",
            true,
        ),
        (
            "aws rds modify-db-instance --db-instance-identifier d --backup-retention-period 7",
            false,
        ),
        (
            "aws rds modify-db-instance --db-instance-identifier d --no-deletion-prot",
            true,
        ),
        (
            "aws rds modify-db-instance --cli-input-json '{\"DeletionProtection\":false}'",
            true,
        ),
        (
            "aws rds modify-db-instance --cli-input-json '{\"DeletionProtection\":true}'",
            false,
        ),
        (
            "aws rds modify-db-instance --cli-input-yaml 'DeletionProtection: false'",
            true,
        ),
        (
            "aws rds modify-db-instance --cli-input-json '{\"BackupRetentionPeriod\":0}'",
            true,
        ),
        (
            "aws ecs update-service --cluster c --service s --desired-count 0",
            true,
        ),
        (
            "aws ecs update-service --cli-input-json '{\"desiredCount\":0}'",
            true,
        ),
        (
            "aws autoscaling set-desired-capacity --auto-scaling-group-name g --desired-capacity 0",
            true,
        ),
        (
            "aws autoscaling set-desired-capacity --auto-scaling-group-name g --desired-capacity 2",
            false,
        ),
        (
            "aws iam update-access-key --access-key-id A --status Inactive",
            true,
        ),
        (
            "aws iam update-access-key --access-key-id A --status Active",
            false,
        ),
        (
            "aws s3api put-bucket-versioning --bucket b --versioning-configuration Status=Suspended",
            true,
        ),
        (
            "aws s3api put-bucket-versioning --bucket b --versioning-configuration Status=Enabled",
            false,
        ),
        ("aws s3 sync . s3://b --delete", true),
        ("aws s3 sync . s3://b", false),
        ("aws ec2 stop-instances --instance-ids i --force", true),
        (
            "aws ec2 terminate-instances --instance-ids i --dry-run",
            false,
        ),
        ("aws s3 rm s3://b --recursive --dryrun", false),
        ("aws rds delete-db-instance --generate-cli-skeleton", false),
        ("aws rds delete-db-instance help", false),
        ("aws newservice describe-things", false),
        ("aws newservice delete-thing --id x", true),
        ("aws ec2 vaporize-instances --instance-ids i", true),
        ("aws newservice", true),
    ] {
        assert_eq!(judged(line).0, asks, "{line}");
    }
    // What only looks like a read by its name counts as one for no freeze.
    assert!(!judged("aws newservice describe-things").1);
    assert!(!judged("aws ec2 describe-something-new").1);
    // It writes a file.
    assert!(!judged("aws s3api get-object --bucket b --key k out").1);
}
