"""What an operation does, by its IAM access level, its verb, and the exceptions from both.

The question behind every line is what is gone afterwards that nothing else holds, not how the
operation is called: `guard` asks about what is lost, and lets everything else pass.
"""

# The classes, in the order of their numbers in the table. `crates/tools/aws/src/table.rs` has the same list.
CLASSES = """read write tagging permissions delete terminate purge schedule deregister detach remove
revoke disable release cancel unsubscribe decrease reset overwrite account audit expire run""".split()

# Verbs that only read, where IAM has no level for the operation.
READING = set("list get describe head search lookup query scan select count check is filter".split())

# Verbs that change something even where the IAM level says Read.
CHANGING = set(
    """create update delete put set start stop modify cancel complete invoke assume request receive
    deliver apply execute generate reject redeem send import copy register""".split()
)

# What the first word of a name says about what is lost.
VERBS = {
    "delete": "delete", "destroy": "delete", "erase": "delete",
    "terminate": "terminate",
    "purge": "purge", "dispose": "purge", "evict": "purge", "discard": "purge", "redact": "purge",
    "deregister": "deregister", "unregister": "deregister",
    "detach": "detach", "disassociate": "detach", "dissociate": "detach", "deprovision": "detach",
    "unassign": "detach", "unlink": "detach", "unpeer": "detach", "unshare": "detach",
    "withdraw": "detach", "undeploy": "detach",
    "remove": "remove",
    "revoke": "revoke", "retire": "revoke", "deauthorize": "revoke",
    "disable": "disable", "deactivate": "disable",
    "release": "release", "return": "release",
    "unsubscribe": "unsubscribe",
    "decrease": "decrease",
}

# Words before the verb.
PREFIXES = ("batch-", "bulk-", "admin-", "start-batch-", "start-remote-", "detach-and-", "start-delete")

# Operations whose class neither level nor verb says. Names may end in `*`; `*` stands for any service.
EXCEPTIONS = {
    # Keys and data that a deletion is only set going for.
    "schedule": [
        "kms schedule-key-deletion", "mpa start-active-approval-team-deletion",
        "personalize create-data-deletion-job", "outposts start-outpost-decommission",
    ],
    # Most cancellations stop a job; these end capacity, holds or contracts.
    "cancel": [
        "athena cancel-capacity-reservation", "backup cancel-legal-hold",
        "ec2 cancel-capacity-reservation*", "ec2 cancel-spot-fleet-requests",
        "ec2 cancel-image-launch-permission", "datazone cancel-subscription",
        "marketplace-agreement cancel-agreement", "outposts cancel-order",
        "pricing-plan-manager cancel-subscription", "qbusiness cancel-subscription",
        "security-ir cancel-membership", "signer cancel-signing-profile", "snowball cancel-cluster",
        "snowball cancel-job", "importexport cancel-job", "storagegateway cancel-archival",
    ],
    # Settings, credentials or data that make room for the defaults.
    "reset": [
        "controltower reset-landing-zone", "* reset-cluster-parameter-group",
        "* reset-cache-parameter-group", "* reset-parameter-group", "ec2 reset-fpga-image-attribute",
        "ec2 reset-image-attribute", "ec2 reset-instance-attribute",
        "ec2 reset-network-interface-attribute", "ec2 reset-snapshot-attribute",
        "ds reset-user-password", "finspace-data reset-user-password", "workmail reset-password",
        "glue reset-job-bookmark", "greengrass reset-deployments",
        "iam reset-service-specific-credential", "inspector2 reset-encryption-key",
        "mediapackagev2 reset-*", "neptune-graph reset-graph", "ssm reset-service-setting",
        "storagegateway reset-cache", "wickr batch-reset-devices-for-user",
        "docdb reset-db-cluster-parameter-group", "neptune reset-db-*", "rds reset-db-*",
    ],
    # What is there makes room for something older or something else.
    "overwrite": [
        "redshift-serverless restore-from-snapshot", "ds restore-from-snapshot",
        "fsx restore-volume-from-snapshot", "workspaces restore-workspace",
        "workspaces rebuild-workspaces", "workspaces migrate-workspace", "rds backtrack-db-cluster",
        "ec2 create-replace-root-volume-task", "elasticbeanstalk rebuild-environment",
        "cloudformation rollback-stack", "cloudformation execute-change-set",
        "drs disconnect-source-server", "mgn disconnect-from-service", "neptunedata execute-fast-reset",
        "s3api put-object", "s3api copy-object", "s3api rename-object",
        "emr restore-from-hbase-backup", "lightsail reset-*",
    ],
    "account": [
        "organizations close-account", "organizations leave-organization",
        "organizations remove-account-from-organization",
    ],
    # The record of what happens in the account.
    "audit": [
        "cloudtrail stop-logging", "cloudtrail stop-event-data-store-ingestion",
        "configservice stop-configuration-recorder", "guardduty stop-monitoring-members",
    ],
    # Stored data that is deleted from now on, by age.
    "expire": [
        "s3api put-bucket-lifecycle*", "s3control put-bucket-lifecycle-configuration",
        "ecr put-lifecycle-policy", "mediastore put-lifecycle-policy", "logs put-retention-policy",
        "dynamodb update-time-to-live", "workmail put-retention-policy", "chime put-retention-settings",
        "chime-sdk-identity put-app-instance-retention-settings",
        "chime-sdk-identity put-app-instance-user-expiration-settings",
        "chime-sdk-messaging put-channel-expiration-settings",
        "opensearchserverless create-lifecycle-policy", "opensearchserverless update-lifecycle-policy",
        "imagebuilder create-lifecycle-policy", "imagebuilder update-lifecycle-policy",
        "elasticbeanstalk update-application-resource-lifecycle",
        "configservice put-retention-configuration", "backup update-recovery-point-lifecycle",
        "redshift modify-snapshot-copy-retention-period",
        "s3tables put-table-record-expiration-configuration",
    ],
    # Commands on machines that guard does not see.
    "run": ["ssm send-command"],
    "delete": [
        "amplifybackend remove-all-backends", "pinpoint remove-attributes", "kendra clear-query-suggestions",
    ],
    "terminate": ["iotthingsgraph undeploy-system-instance"],
    "disable": [
        "payment-cryptography stop-key-usage", "kms disconnect-custom-key-store",
        "iot clear-default-authorizer",
    ],
    "deregister": ["deploy deregister", "deploy uninstall"],
    "tagging": ["* delete-tags", "* *-tagging", "* remove-tags*", "* untag-*", "* tag-resource*"],
    # Names that sound like a loss and are none: sessions, caches, flags that protect, what can be
    # switched on again and leaves nothing behind.
    "write": [
        "cognito-idp revoke-token", "signin revoke-*",
        "gameliftstreams revoke-stream-url", "autoscaling disable-metrics-collection",
        "kinesis disable-enhanced-monitoring", "ec2 disable-fast-launch",
        "ec2 disable-fast-snapshot-restores", "ec2 disable-address-transfer",
        "ec2 disable-image-deprecation", "ec2 disable-aws-network-performance-metric-subscription",
        "ec2 disable-serial-console-access", "notifications disable-notifications-access-for-organization",
        "resource-groups ungroup-resources", "logs stop-query",
        "swf respond-*", "codebuild invalidate-project-cache",
        "* terminate-session", "gameliftstreams terminate-stream-session",
        "workspaces terminate-workspaces-pool-session", "ec2 terminate-client-vpn-connections",
        "fsx release-file-system-nfs-v3-locks", "qbusiness chat-sync", "apigateway test-invoke-authorizer",
        # They get an identity or a token by making one.
        "cognito-identity get-id", "cognito-identity get-open-id-token*", "ssm get-access-token",
        "cognito-identity get-credentials-for-identity",
        "stepfunctions get-activity-task", "kinesis subscribe-to-shard",
    ],
    "read": [
        "logs start-query", "billing get-resource-policy", "ssm-sap get-resource-permission",
        "lightsail get-relational-database-master-user-password", "lightsail get-instance-access-details",
        "athena get-session-endpoint", "sts decode-authorization-message", "dynamodb transact-get-items",
        "cloudformation validate-template", "cloudformation estimate-template-cost", "logs test-metric-filter",
        "iam simulate-*", "events test-event-pattern", "ecr batch-check-layer-availability",
        "ecr start-lifecycle-policy-preview", 
    ],
}

# Operations that look at what others would take away, where name and required parameters do not say
# so: the look, and the parameters that it takes over.
LOOKS = {
    "kms schedule-key-deletion": "describe-key key-id",
    "kms disable-key": "describe-key key-id",
    "kinesis delete-stream": "describe-stream-summary stream-name stream-arn",
    "ec2 release-address": "describe-addresses allocation-id+s",
    "cloudwatch delete-alarms": "describe-alarms alarm-names",
    "elbv2 deregister-targets": "describe-target-health target-group-arn targets",
    "elb delete-load-balancer": "describe-load-balancers load-balancer-name+s",
    "elbv2 delete-load-balancer": "describe-load-balancers load-balancer-arn+s",
    "elbv2 delete-target-group": "describe-target-groups target-group-arn+s",
    "ec2 delete-security-group": "describe-security-groups group-id+s",
    "ec2 delete-key-pair": "describe-key-pairs key-name+s",
    "ec2 delete-nat-gateway": "describe-nat-gateways nat-gateway-id+s",
    "ec2 delete-launch-template": "describe-launch-templates launch-template-id+s launch-template-name+s",
    "ec2 delete-vpc-endpoints": "describe-vpc-endpoints vpc-endpoint-ids",
    "codebuild delete-project": "batch-get-projects name+s",
    "cognito-idp admin-delete-user": "admin-get-user user-pool-id username",
    "cognito-idp admin-disable-user": "admin-get-user user-pool-id username",
    "events delete-rule": "describe-rule name event-bus-name",
    "iam delete-access-key": "get-access-key-last-used access-key-id",
    "iam delete-login-profile": "get-login-profile user-name",
    "iam deactivate-mfa-device": "list-mfa-devices user-name",
    "lambda delete-layer-version": "get-layer-version layer-name version-number",
    "ecs delete-cluster": "describe-clusters cluster+s",
    "stepfunctions delete-state-machine": "describe-state-machine state-machine-arn",
    "apigateway delete-rest-api": "get-rest-api rest-api-id",
    "apigatewayv2 delete-api": "get-api api-id",
    "servicediscovery deregister-instance": "get-instance service-id instance-id",
    "ecr batch-delete-image": "describe-images repository-name image-ids registry-id",
    "ecr-public batch-delete-image": "describe-images repository-name image-ids registry-id",
    "sns unsubscribe": "get-subscription-attributes subscription-arn",
}

# Commands that the CLI has besides the operations of the services: version 1's and version 2's own.
OWN = {
    "s3": "ls:read presign:read mb:write website:write cp:overwrite mv:overwrite sync:write rm:delete rb:delete",
    "configure": """list:read get:read list-profiles:read export-credentials:read set:write add-model:write
        import:write sso:write sso-session:write mfa-login:write""",
    "history": "list:read show:read",
    "sso": "login:write logout:write",
    "login": "", "logout": "", "help": "",
    "ddb": "select:read put:write",
    "cli-dev": "wizard:write",
    "cloudformation": "package:write deploy:write",
    "cloudfront": "sign:read",
    "cloudtrail": "create-subscription:write update-subscription:write validate-logs:read verify-query-results:read",
    "codeartifact": "login:write",
    "codecommit": "credential-helper:write",
    "configservice": "subscribe:write get-status:read",
    "datapipeline": "list-runs:read create-default-roles:write",
    "deploy": "push:write register:write install:write deregister:deregister uninstall:deregister",
    "dlm": "create-default-role:write",
    "dsql": "generate-db-connect-auth-token:read generate-db-connect-admin-auth-token:read",
    "dynamodb": "wizard:write",
    "ec2": "",
    "ec2-instance-connect": "ssh:write open-tunnel:write",
    "ecr": "get-login:read get-login-password:read",
    "ecr-public": "get-login-password:read",
    "ecs": "deploy:write monitor-express-gateway-service:read",
    "eks": "update-kubeconfig:write get-token:read",
    "emr": """add-instance-groups:write describe-cluster:read terminate-clusters:terminate
        modify-cluster-attributes:write install-applications:write create-cluster:write add-steps:write
        restore-from-hbase-backup:overwrite create-hbase-backup:write schedule-hbase-backup:write
        disable-hbase-backups:disable create-default-roles:write ssh:write socks:write get:write put:write""",
    "emr-containers": "update-role-trust-policy:write",
    "events": "wizard:write",
    "gamelift": "upload-build:write get-game-session-log:write",
    "iam": "wizard:write",
    "lambda": "wizard:write",
    "logs": "tail:read start-live-tail:read",
    "opsworks": "register:write",
    "rds": "generate-db-auth-token:read add-option-to-option-group:write remove-option-from-option-group:remove",
    "servicecatalog": "generate:write",
    "ssm": "",
}


def _fits(pattern, service, operation):
    wanted_service, wanted = pattern.split()
    if wanted_service not in ("*", service):
        return False
    if wanted.startswith("*"):
        return operation.endswith(wanted[1:])
    if wanted.endswith("*"):
        return operation.startswith(wanted[:-1])
    return operation == wanted


def _exception(service, operation):
    # An exact name goes before a pattern, and what is lost before what is not.
    found = [
        ("*" in pattern, name in ("read", "write"), name)
        for name, patterns in EXCEPTIONS.items()
        for pattern in patterns
        if _fits(pattern, service, operation)
    ]
    return min(found)[2] if found else None


def classify(service, operation, level):
    """The class of an operation; `level` is IAM's, or None where IAM knows no such action."""
    exception = _exception(service, operation)
    if exception == "tagging" and operation.startswith(("get-", "list-")):
        exception = "read"
    if exception:
        return exception
    stem = operation
    for prefix in sorted(PREFIXES, key=len, reverse=True):
        if stem.startswith(prefix):
            stem = stem[len(prefix):] if not prefix.endswith("delete") else "delete"
            break
    verb = stem.split("-")[0]
    if verb in VERBS:
        return VERBS[verb]
    if verb in ("list", "describe"):
        return "read"
    if level == "Tagging":
        return "tagging" if "tag" in operation else "write"
    if level == "Permissions management":
        return "permissions"
    if level in ("Read", "List"):
        return "write" if verb in CHANGING else "read"
    if level is None and verb in READING:
        return "read"
    return "write"
