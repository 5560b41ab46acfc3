#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use proptest::prelude::*;

use super::*;
use guard_testing::{check, parse};

/// Command line, and how it is read: see [`guard_testing`].
const CASES: &[(&str, &str)] = &[
    ("aws", "| | | | inert"),
    ("aws help", "help | | | | inert"),
    ("aws --version", "| --version | | | inert"),
    ("aws --vers", "| --version | | | inert"),
    ("aws s3 --version", "s3 | --version | | | inert"),
    ("aws s3 help", "s3 help | | | | inert"),
    ("aws s3 rm help", "s3 rm | | help | | inert"),
    ("aws ec2 help", "ec2 help | | | | inert"),
    ("aws ec2 wait help", "ec2 wait help | | | | inert"),
    (
        "aws ec2 wait instance-running help",
        "ec2 wait instance-running | | help | | inert",
    ),
    (
        "aws ec2 terminate-instances help",
        "ec2 terminate-instances | | help | | inert",
    ),
    (
        "aws ssm delete-parameters --names a help",
        "ssm delete-parameters | --names=a --names=help | | |",
    ),
    (
        "aws s3api delete-bucket --bucket help",
        "s3api delete-bucket | --bucket=help | | |",
    ),
    ("aws s3 ls", "s3 ls | | | | reads"),
    (
        "aws s3 ls s3://b --recursive --human-readable --summarize",
        "s3 ls | --recursive --human-readable --summarize | s3://b | | reads",
    ),
    ("aws s3 rm s3://b/k", "s3 rm | | s3://b/k | |"),
    (
        "aws s3 rm s3://b --recursive",
        "s3 rm | --recursive | s3://b | |",
    ),
    (
        "aws s3 rm --recursive s3://b",
        "s3 rm | --recursive | s3://b | |",
    ),
    (
        "aws s3 rm s3://b --recurs",
        "s3 rm | --recursive | s3://b | |",
    ),
    (
        "aws s3 rm s3://b --rec --dryrun",
        "s3 rm | --recursive --dryrun | s3://b | | inert",
    ),
    (
        "aws s3 rm s3://b --recursive --dryr",
        "s3 rm | --recursive --dryrun | s3://b | | inert",
    ),
    (
        "aws s3 rm s3://b --recursive --dry-run",
        "s3 rm | --recursive ?--dry-run | s3://b | |",
    ),
    (
        "aws s3 rm s3://b --recursive --exclude '*' --include '*.log'",
        "s3 rm | --recursive --exclude=* --include=*.log | s3://b | |",
    ),
    (
        "aws s3 rm s3://b --exclude --dryrun",
        "s3 rm | --exclude=--dryrun | s3://b | |",
    ),
    (
        "aws s3 rm s3://b --exclude='--dryrun' --recursive",
        "s3 rm | --exclude=--dryrun --recursive | s3://b | |",
    ),
    (
        "aws s3 rm s3://b --request-payer requester --recursive",
        "s3 rm | --request-payer=requester --recursive | s3://b | |",
    ),
    (
        "aws s3 rm --request-payer s3://b",
        "s3 rm | --request-payer | s3://b | |",
    ),
    ("aws s3 rm -- s3://b/k", "s3 rm | | -- s3://b/k | |"),
    (
        "aws s3 rm -- s3://b --recursive",
        "s3 rm | --recursive | -- s3://b | |",
    ),
    (
        "aws s3 rm s3://b -- --dryrun",
        "s3 rm | --dryrun | s3://b -- | |",
    ),
    ("aws -- s3 rm s3://b", "s3 rm | | -- s3://b | |"),
    ("aws s3 -- rm s3://b", "s3 rm | | -- s3://b | |"),
    (
        "aws --region us-east-1 s3 rm s3://b",
        "s3 rm | --region=us-east-1 | s3://b | --region us-east-1 |",
    ),
    (
        "aws --region=us-east-1 s3 rm s3://b",
        "s3 rm | --region=us-east-1 | s3://b | '--region=us-east-1' |",
    ),
    (
        "aws --reg us-east-1 s3 rm s3://b",
        "s3 rm | --region=us-east-1 | s3://b | --reg us-east-1 |",
    ),
    (
        "aws s3 --region us-east-1 rm s3://b",
        "s3 rm | --region=us-east-1 | s3://b | --region us-east-1 |",
    ),
    (
        "aws s3 rm --region us-east-1 s3://b",
        "s3 rm | --region=us-east-1 | s3://b | --region us-east-1 |",
    ),
    (
        "aws s3 rm s3://b --region us-east-1",
        "s3 rm | --region=us-east-1 | s3://b | --region us-east-1 |",
    ),
    (
        "aws --profile prod --region eu-west-1 s3 rm s3://b --recursive",
        "s3 rm | --profile=prod --region=eu-west-1 --recursive | s3://b | --profile prod --region eu-west-1 |",
    ),
    (
        "aws s3 rm s3://b --profile prod",
        "s3 rm | --profile=prod | s3://b | --profile prod |",
    ),
    (
        "aws s3 rm s3://b --prof prod",
        "s3 rm | --profile=prod | s3://b | --prof prod |",
    ),
    (
        "aws --profile=prod s3 rm s3://b",
        "s3 rm | --profile=prod | s3://b | '--profile=prod' |",
    ),
    (
        "aws --profile s3 s3 rm s3://b",
        "s3 rm | --profile=s3 | s3://b | --profile s3 |",
    ),
    (
        "aws --endpoint-url http://h:1 s3 rm s3://b",
        "s3 rm | --endpoint-url=http://h:1 | s3://b | --endpoint-url http://h:1 |",
    ),
    (
        "aws --endp http://h:1 --no-verify-ssl --ca-bundle c s3 rm s3://b",
        "s3 rm | --endpoint-url=http://h:1 --no-verify-ssl --ca-bundle=c | s3://b | --endp http://h:1 --no-verify-ssl --ca-bundle c |",
    ),
    (
        "aws --no-sign-request --cli-connect-timeout 5 --cli-read-timeout 9 s3 rm s3://b",
        "s3 rm | --no-sign-request --cli-connect-timeout=5 --cli-read-timeout=9 | s3://b | --no-sign-request --cli-connect-timeout 5 --cli-read-timeout 9 |",
    ),
    (
        "aws --output json --query 'a[0]' s3 rm s3://b",
        "s3 rm | --output=json --query=a[0] | s3://b | |",
    ),
    (
        "aws --output s3 s3 rm s3://b",
        "s3 rm | --output=s3 | s3://b | |",
    ),
    (
        "aws --debug --no-paginate --no-cli-pager --color off s3 rm s3://b",
        "s3 rm | --debug --no-paginate --no-cli-pager --color=off | s3://b | |",
    ),
    (
        "aws s3 rm s3://b --quiet --only-show-errors --page-size 3",
        "s3 rm | --quiet --only-show-errors --page-size=3 | s3://b | |",
    ),
    (
        "aws s3 rm s3://b --profile --recursive",
        "s3 rm | --profile --recursive | s3://b | --profile |",
    ),
    (
        "aws s3 rm s3://b --bogus x",
        "s3 rm | ?--bogus | s3://b x | |",
    ),
    ("aws s3 rb s3://b", "s3 rb | | s3://b | |"),
    ("aws s3 rb s3://b --force", "s3 rb | --force | s3://b | |"),
    ("aws s3 rb --force s3://b", "s3 rb | --force | s3://b | |"),
    ("aws s3 rb --forc s3://b", "s3 rb | --force | s3://b | |"),
    (
        "aws s3 mb s3://b --tags k v",
        "s3 mb | --tags=k --tags=v | s3://b | |",
    ),
    ("aws s3 mv a s3://b/k", "s3 mv | | a s3://b/k | |"),
    (
        "aws s3 mv s3://a s3://b --recursive --dryrun",
        "s3 mv | --recursive --dryrun | s3://a s3://b | | inert",
    ),
    (
        "aws s3 cp a s3://b/k --sse",
        "s3 cp | --sse | a s3://b/k | |",
    ),
    (
        "aws s3 cp --sse AES256 a s3://b/k",
        "s3 cp | --sse=AES256 | a s3://b/k | |",
    ),
    (
        "aws s3 cp a s3://b/k --sse aws:kms --sse-kms-key-id k",
        "s3 cp | --sse=aws:kms --sse-kms-key-id=k | a s3://b/k | |",
    ),
    (
        "aws s3 cp a s3://b/k --grants read=uri=x full=id=y",
        "s3 cp | --grants=read=uri=x --grants=full=id=y | a s3://b/k | |",
    ),
    (
        "aws s3 cp --grants read=uri=x full=id=y --acl private a s3://b",
        "s3 cp | --grants=read=uri=x --grants=full=id=y --acl=private | a s3://b | |",
    ),
    (
        "aws s3 cp a - --metadata a=b --content-type text/plain",
        "s3 cp | --metadata=a=b --content-type=text/plain | a - | |",
    ),
    ("aws s3 cp s3://b/k .", "s3 cp | | s3://b/k . | |"),
    ("aws s3 sync . s3://b", "s3 sync | | . s3://b | |"),
    (
        "aws s3 sync . s3://b --delete",
        "s3 sync | --delete | . s3://b | |",
    ),
    (
        "aws s3 sync --delete . s3://b",
        "s3 sync | --delete | . s3://b | |",
    ),
    (
        "aws s3 sync . s3://b --del",
        "s3 sync | --delete | . s3://b | |",
    ),
    (
        "aws s3 sync . s3://b --delete --dryrun",
        "s3 sync | --delete --dryrun | . s3://b | | inert",
    ),
    (
        "aws s3 sync . s3://b --size-only --exclude '.git/*'",
        "s3 sync | --size-only --exclude=.git/* | . s3://b | |",
    ),
    (
        "aws s3 sync s3://b . --delete --exact-timestamps",
        "s3 sync | --delete --exact-timestamps | s3://b . | |",
    ),
    (
        "aws s3 presign s3://b/k --expires-in 60",
        "s3 presign | --expires-in=60 | s3://b/k | | reads",
    ),
    (
        "aws s3 website s3://b --index-document i",
        "s3 website | --index-document=i | s3://b | |",
    ),
    ("aws s3 RM s3://b", "s3 RM | | s3://b | |"),
    ("aws S3 rm s3://b", "S3 rm | | s3://b | | doubt"),
    (
        "aws s3api delete-bucket --bucket b",
        "s3api delete-bucket | --bucket=b | | |",
    ),
    (
        "aws s3api delete-bucket --bucket=b",
        "s3api delete-bucket | --bucket=b | | |",
    ),
    (
        "aws s3api --bucket=b delete-bucket",
        "s3api delete-bucket | --bucket=b | | |",
    ),
    (
        "aws --bucket=b s3api delete-bucket",
        "s3api delete-bucket | --bucket=b | | |",
    ),
    (
        "aws s3api --bucket b delete-bucket",
        "s3api b | --bucket=delete-bucket | | |",
    ),
    (
        "aws s3api delete-objects --bucket b --delete file://x",
        "s3api delete-objects | --bucket=b --delete=file://x | | |",
    ),
    (
        "aws s3api delete-object --bucket b --key k --version-id v",
        "s3api delete-object | --bucket=b --key=k --version-id=v | | |",
    ),
    (
        "aws s3api delete-object --bucket b --key --version",
        "s3api delete-object | --version --bucket=b --key | | | inert",
    ),
    (
        "aws s3api delete-bucket --bucket b --generate-cli-skeleton",
        "s3api delete-bucket | --bucket=b --generate-cli-skeleton | | | inert",
    ),
    (
        "aws s3api delete-bucket --bucket b --generate-cli-skeleton output",
        "s3api delete-bucket | --bucket=b --generate-cli-skeleton=output | | | inert",
    ),
    (
        "aws s3api put-bucket-versioning --bucket b --versioning-configuration Status=Suspended",
        "s3api put-bucket-versioning | --bucket=b --versioning-configuration=Status=Suspended | | |",
    ),
    (
        "aws s3api put-bucket-versioning --bucket b --versioning-conf Status=Suspended",
        "s3api put-bucket-versioning | --bucket=b --versioning-configuration=Status=Suspended | | |",
    ),
    (
        "aws s3api put-bucket-lifecycle-configuration --bucket b --lifecycle-configuration file://l.json",
        "s3api put-bucket-lifecycle-configuration | --bucket=b --lifecycle-configuration=file://l.json | | |",
    ),
    (
        "aws s3api get-object --bucket b --key k out",
        "s3api get-object | --bucket=b --key=k --key=out | | |",
    ),
    (
        "aws s3api head-object --bucket b --key k",
        "s3api head-object | --bucket=b --key=k | | | reads",
    ),
    (
        "aws s3api list-objects-v2 --bucket b",
        "s3api list-objects-v2 | --bucket=b | | | reads",
    ),
    (
        "aws ec2 terminate-instances --instance-ids i-1",
        "ec2 terminate-instances | --instance-ids=i-1 | | |",
    ),
    (
        "aws ec2 terminate-instances --instance-ids i-1 i-2 i-3",
        "ec2 terminate-instances | --instance-ids=i-1 --instance-ids=i-2 --instance-ids=i-3 | | |",
    ),
    (
        "aws ec2 terminate-instances --instance-ids i-1 --region us-east-1 i-2",
        "ec2 terminate-instances | --region=us-east-1 --instance-ids=i-1 --instance-ids=i-2 | | --region us-east-1 |",
    ),
    (
        "aws ec2 --instance-ids=i-1 terminate-instances",
        "ec2 terminate-instances | --instance-ids=i-1 | | |",
    ),
    (
        "aws --instance-ids=i-1 ec2 terminate-instances",
        "ec2 terminate-instances | --instance-ids=i-1 | | |",
    ),
    (
        "aws ec2 -- terminate-instances --instance-ids i-1",
        "ec2 terminate-instances | --instance-ids=i-1 | -- | |",
    ),
    (
        "aws ec2 terminate-instances --instance-ids i-1 --dry-run",
        "ec2 terminate-instances | --instance-ids=i-1 --dry-run | | | inert",
    ),
    (
        "aws ec2 terminate-instances --dry-run --instance-ids i-1",
        "ec2 terminate-instances | --dry-run --instance-ids=i-1 | | | inert",
    ),
    (
        "aws ec2 terminate-instances --dry-run --no-dry-run --instance-ids i-1",
        "ec2 terminate-instances | --dry-run --no-dry-run --instance-ids=i-1 | | |",
    ),
    (
        "aws ec2 terminate-instances --dry-run --instance-ids i-1 --no-d",
        "ec2 terminate-instances | --dry-run --instance-ids=i-1 --no-d | | |",
    ),
    (
        "aws ec2 terminate-instances --no-dry-run --dry-run --instance-ids i-1",
        "ec2 terminate-instances | --no-dry-run --dry-run --instance-ids=i-1 | | | inert",
    ),
    (
        "aws ec2 terminate-instances --instance-ids i-1 -- --dry-run",
        "ec2 terminate-instances | --instance-ids=i-1 --dry-run | -- | |",
    ),
    (
        "aws ec2 terminate-instances --instance-ids i-1 --dry",
        "ec2 terminate-instances | --instance-ids=i-1 --dry | | |",
    ),
    (
        "aws ec2 terminate-instances --dry-run=x --instance-ids i-1",
        "ec2 terminate-instances | --dry-run=x --instance-ids=i-1 | | |",
    ),
    (
        "aws ec2 terminate-instances --cli-input-json file://x.json",
        "ec2 terminate-instances | --cli-input-json=file://x.json | | | doubt",
    ),
    (
        "aws ec2 --region us-east-1 terminate-instances --instance-ids i-1",
        "ec2 terminate-instances | --region=us-east-1 --instance-ids=i-1 | | --region us-east-1 |",
    ),
    (
        "aws --region us-east-1 ec2 --profile p terminate-instances --output text --instance-ids i-1",
        "ec2 terminate-instances | --region=us-east-1 --profile=p --output=text --instance-ids=i-1 | | --region us-east-1 --profile p |",
    ),
    (
        "aws ec2 describe-instances",
        "ec2 describe-instances | | | | reads",
    ),
    (
        "aws ec2 describe-instances --filters Name=tag:a,Values=b Name=c,Values=d",
        "ec2 describe-instances | --filters=Name=tag:a,Values=b --filters=Name=c,Values=d | | | reads",
    ),
    (
        "aws ec2 describe-instances --dry-run",
        "ec2 describe-instances | --dry-run | | | inert",
    ),
    (
        "aws ec2 wait instance-terminated --instance-ids i-1",
        "ec2 wait instance-terminated | --instance-ids=i-1 | | | reads",
    ),
    (
        "aws ec2 wait --instance-ids=i-1 instance-running",
        "ec2 wait instance-running | --instance-ids=i-1 | | | reads",
    ),
    (
        "aws ec2 stop-instances --instance-ids i-1",
        "ec2 stop-instances | --instance-ids=i-1 | | |",
    ),
    (
        "aws ec2 delete-tags --resources i-1 --tags Key=a",
        "ec2 delete-tags | --resources=i-1 --tags=Key=a | | |",
    ),
    (
        "aws ec2 delete-snapshot --snapshot-id s",
        "ec2 delete-snapshot | --snapshot-id=s | | |",
    ),
    (
        "aws ec2 deregister-image --image-id a --delete-associated-snapshots",
        "ec2 deregister-image | --image-id=a --delete-associated-snapshots | | |",
    ),
    (
        "aws ec2 deregister-image --image-id a --delete-assoc",
        "ec2 deregister-image | --image-id=a --delete-associated-snapshots | | |",
    ),
    (
        "aws ec2 modify-instance-attribute --instance-id i --no-disable-api-termination",
        "ec2 modify-instance-attribute | --instance-id=i --no-disable-api-termination | | |",
    ),
    (
        "aws ec2 run-instances --image-id a --count 1",
        "ec2 run-instances | --image-id=a --count=1 | | |",
    ),
    (
        "aws ec2 create-tags --resources i --tags Key=a,Value=b",
        "ec2 create-tags | --resources=i --tags=Key=a,Value=b | | |",
    ),
    (
        "aws ec2 release-address --allocation-id e",
        "ec2 release-address | --allocation-id=e | | |",
    ),
    (
        "aws ec2 get-console-output --instance-id i",
        "ec2 get-console-output | --instance-id=i | | | reads",
    ),
    (
        "aws rds delete-db-instance --db-instance-identifier d --skip-final-snapshot",
        "rds delete-db-instance | --db-instance-identifier=d --skip-final-snapshot | | |",
    ),
    (
        "aws rds modify-db-instance --db-instance-identifier d --no-deletion-protection",
        "rds modify-db-instance | --db-instance-identifier=d --no-deletion-protection | | |",
    ),
    (
        "aws rds modify-db-instance --db-instance-identifier d --no-deletion-protection --apply-immediately",
        "rds modify-db-instance | --db-instance-identifier=d --no-deletion-protection --apply-immediately | | |",
    ),
    (
        "aws rds modify-db-instance --db-instance-identifier d --no-deletion-p",
        "rds modify-db-instance | --db-instance-identifier=d --no-deletion-protection | | |",
    ),
    (
        "aws rds modify-db-instance --db-instance-identifier d --deletion-protection",
        "rds modify-db-instance | --db-instance-identifier=d --deletion-protection | | |",
    ),
    (
        "aws rds describe-db-instances",
        "rds describe-db-instances | | | | reads",
    ),
    (
        "aws rds wait db-instance-deleted --db-instance-identifier d",
        "rds wait db-instance-deleted | --db-instance-identifier=d | | | reads",
    ),
    (
        "aws dynamodb delete-table --table-name t",
        "dynamodb delete-table | --table-name=t | | |",
    ),
    (
        "aws dynamodb update-table --table-name t --no-deletion-protection-enabled",
        "dynamodb update-table | --table-name=t --no-deletion-protection-enabled | | |",
    ),
    (
        "aws dynamodb scan --table-name t",
        "dynamodb scan | --table-name=t | | | reads",
    ),
    (
        "aws dynamodb query --table-name t --key-condition-expression x",
        "dynamodb query | --table-name=t --key-condition-expression=x | | | reads",
    ),
    (
        "aws dynamodb get-item --table-name t --key file://k",
        "dynamodb get-item | --table-name=t --key=file://k | | | reads",
    ),
    (
        "aws dynamodb batch-write-item --request-items file://r",
        "dynamodb batch-write-item | --request-items=file://r | | |",
    ),
    (
        "aws sqs purge-queue --queue-url u",
        "sqs purge-queue | --queue-url=u | | |",
    ),
    (
        "aws sqs receive-message --queue-url u",
        "sqs receive-message | --queue-url=u | | |",
    ),
    (
        "aws kms schedule-key-deletion --key-id k --pending-window-in-days 7",
        "kms schedule-key-deletion | --key-id=k --pending-window-in-days=7 | | |",
    ),
    (
        "aws kms schedule-key-deletion --key-id k --dry-run",
        "kms schedule-key-deletion | --key-id=k --dry-run | | | inert",
    ),
    (
        "aws kms disable-key --key-id k",
        "kms disable-key | --key-id=k | | |",
    ),
    (
        "aws iam delete-user --user-name u",
        "iam delete-user | --user-name=u | | |",
    ),
    ("aws iam list-users", "iam list-users | | | | reads"),
    (
        "aws iam detach-role-policy --role-name r --policy-arn a",
        "iam detach-role-policy | --role-name=r --policy-arn=a | | |",
    ),
    (
        "aws iam simulate-principal-policy --policy-source-arn a --action-names b",
        "iam simulate-principal-policy | --policy-source-arn=a --action-names=b | | | reads",
    ),
    (
        "aws sts get-caller-identity",
        "sts get-caller-identity | | | | reads",
    ),
    (
        "aws sts assume-role --role-arn r --role-session-name s",
        "sts assume-role | --role-arn=r --role-session-name=s | | |",
    ),
    (
        "aws logs delete-log-group --log-group-name /a",
        "logs delete-log-group | --log-group-name=/a | | |",
    ),
    (
        "aws logs tail /a --follow",
        "logs tail | --follow | /a | | reads",
    ),
    (
        "aws logs filter-log-events --log-group-name /a",
        "logs filter-log-events | --log-group-name=/a | | | reads",
    ),
    (
        "aws lambda invoke --function-name f out.json",
        "lambda invoke | --function-name=f --function-name=out.json | | |",
    ),
    (
        "aws lambda get-function --function-name f",
        "lambda get-function | --function-name=f | | | reads",
    ),
    (
        "aws lambda delete-function --function-name f",
        "lambda delete-function | --function-name=f | | |",
    ),
    (
        "aws cloudfront get-function --name f out",
        "cloudfront get-function | --name=f --name=out | | |",
    ),
    (
        "aws cloudformation delete-stack --stack-name s",
        "cloudformation delete-stack | --stack-name=s | | |",
    ),
    (
        "aws cloudformation deploy --template-file t --stack-name s",
        "cloudformation deploy | --template-file=t --stack-name=s | | |",
    ),
    (
        "aws cloudformation validate-template --template-body file://t",
        "cloudformation validate-template | --template-body=file://t | | | reads",
    ),
    (
        "aws cognito-identity get-id --identity-pool-id p",
        "cognito-identity get-id | --identity-pool-id=p | | |",
    ),
    (
        "aws redshift get-cluster-credentials --db-user u --auto-create",
        "redshift get-cluster-credentials | --db-user=u --auto-create | | |",
    ),
    (
        "aws eks update-kubeconfig --name c",
        "eks update-kubeconfig | --name=c | | |",
    ),
    (
        "aws ecr get-login-password",
        "ecr get-login-password | | | | reads",
    ),
    (
        "aws ecr batch-delete-image --repository-name r --image-ids imageTag=a",
        "ecr batch-delete-image | --repository-name=r --image-ids=imageTag=a | | |",
    ),
    (
        "aws ecr batch-get-image --repository-name r --image-ids imageTag=a",
        "ecr batch-get-image | --repository-name=r --image-ids=imageTag=a | | | reads",
    ),
    ("aws configure", "configure | | | |"),
    ("aws configure list", "configure list | | | | reads"),
    (
        "aws configure get region",
        "configure get | | region | | reads",
    ),
    (
        "aws configure set region us-east-1",
        "configure set | | region us-east-1 | |",
    ),
    (
        "aws configure set --profile p region us-east-1",
        "configure set | --profile=p | region us-east-1 | --profile p |",
    ),
    ("aws history list", "history list | | | | reads"),
    (
        "aws sso login --profile p",
        "sso login | --profile=p | | --profile p |",
    ),
    ("aws ddb select t", "ddb select | | t | | reads"),
    (
        "aws organizations close-account --account-id 1",
        "organizations close-account | --account-id=1 | | |",
    ),
    (
        "aws route53 change-resource-record-sets --hosted-zone-id z --change-batch file://b",
        "route53 change-resource-record-sets | --hosted-zone-id=z --change-batch=file://b | | |",
    ),
    (
        "aws secretsmanager delete-secret --secret-id s --force-delete-without-recovery",
        "secretsmanager delete-secret | --secret-id=s --force-delete-without-recovery | | |",
    ),
    (
        "aws autoscaling delete-auto-scaling-group --auto-scaling-group-name g --force-delete",
        "autoscaling delete-auto-scaling-group | --auto-scaling-group-name=g --force-delete | | |",
    ),
    (
        "aws myalias x --region r",
        "myalias x | --region=r | | --region r | doubt",
    ),
    ("aws whoami", "whoami | | | | doubt"),
    (
        "aws --bogus ec2 terminate-instances",
        "ec2 terminate-instances | --bogus | | |",
    ),
    (
        "aws --cli ec2 terminate-instances",
        "ec2 terminate-instances | --cli | | |",
    ),
    ("aws ec2", "ec2 | | | |"),
    (
        "aws ec2 terminate-instances --region",
        "ec2 terminate-instances | --region | | --region |",
    ),
    ("aws myalias help", "myalias help | | | | doubt"),
    (
        "aws myalias x --dry-run",
        "myalias x | --dry-run | | | doubt",
    ),
    (
        "aws s3control put-bucket-lifecycle-configuration --bucket b",
        "s3control put-bucket-lifecycle-configuration | --bucket=b | | |",
    ),
    (
        "aws deploy deregister --instance-name i",
        "deploy deregister | --instance-name=i | | |",
    ),
    (
        "aws iam delete-role --role-name=",
        "iam delete-role | --role-name= | | |",
    ),
    ("aws s3 rm '' --recursive", "s3 rm | --recursive | | |"),
];

#[test]
fn lines() {
    check(CASES);
}

/// Words that mean something to the tool, pieces of them, and any bytes at all.
fn argument() -> impl Strategy<Value = std::ffi::OsString> {
    use std::os::unix::ffi::OsStringExt as _;
    prop_oneof![
        prop::sample::select(vec![
            "s3",
            "rm",
            "ec2",
            "wait",
            "help",
            "--region",
            "--dry-run",
            "--",
            "--grants",
            "--tags",
            "mb",
            "cp",
            "--sse",
            "s3://b"
        ])
        .prop_map(Into::into),
        "-{0,3}[a-z=-]{0,8}".prop_map(Into::into),
        prop::collection::vec(any::<u8>(), 0..6).prop_map(std::ffi::OsString::from_vec),
    ]
}

/// Destructive lines: the line, its verb, and the flag that makes it so.
const DESTRUCTIVE: &[(&str, &str, &str)] = &[
    ("aws s3 rm s3://b --recursive", "s3 rm", "--recursive"),
    ("aws s3 rb s3://b --force", "s3 rb", "--force"),
    ("aws s3 sync . s3://b --delete", "s3 sync", "--delete"),
    ("aws s3 mv a s3://b", "s3 mv", ""),
    (
        "aws ec2 terminate-instances --instance-ids i-1",
        "ec2 terminate-instances",
        "--instance-ids",
    ),
    (
        "aws ec2 terminate-instances --dry-run --no-dry-run --instance-ids i-1",
        "ec2 terminate-instances",
        "--no-dry-run",
    ),
    (
        "aws s3api delete-bucket --bucket b",
        "s3api delete-bucket",
        "--bucket",
    ),
    (
        "aws rds modify-db-instance --no-deletion-protection",
        "rds modify-db-instance",
        "--no-deletion-protection",
    ),
    (
        "aws rds delete-db-instance --skip-final-snapshot",
        "rds delete-db-instance",
        "--skip-final-snapshot",
    ),
    (
        "aws sqs purge-queue --queue-url u",
        "sqs purge-queue",
        "--queue-url",
    ),
    (
        "aws kms schedule-key-deletion --key-id k",
        "kms schedule-key-deletion",
        "--key-id",
    ),
];

/// Options that change nothing about that, and may stand anywhere.
const HARMLESS: &[&str] = &[
    "--region us-east-1",
    "--region=us-east-1",
    "--reg us-east-1",
    "--profile p",
    "--prof=p",
    "--debug",
    "--deb",
    "--no-cli-pager",
    "--no-pag",
    "--output text",
    "--outp=text",
    "--query a",
    "--color off",
    "--endpoint-url http://h",
    "--endp http://h",
    "--no-verify-ssl",
    "--ca-bundle c",
    "--cli-read-timeout 5",
    "--cli-conn=5",
];

/// The same, but only after the verb.
const HARMLESS_AFTER: &[&str] = &[
    "--bogus",
    "--no-sign",
    "--page-size=3",
    "-- --dryrun",
    "-- --dry-run",
    "-- --version",
];

fn is_still(line: &str, verb: &str, flag: &str) -> Result<(), TestCaseError> {
    let invocation = parse(line);
    prop_assert_eq!(invocation.verb.join(" "), verb, "{}", line);
    prop_assert!(flag.is_empty() || invocation.has(flag), "{}", line);
    prop_assert!(!invocation.inert && !only_reads(&invocation), "{}", line);
    Ok(())
}

proptest! {
    #[test]
    fn harmless_options_hide_nothing(
        line in prop::sample::select(DESTRUCTIVE),
        extra in prop::collection::vec(
            (prop::sample::select(HARMLESS), any::<prop::sample::Index>()),
            0..4,
        ),
        after in prop::sample::select(HARMLESS_AFTER),
    ) {
        let (text, verb, flag) = line;
        let mut words: Vec<&str> = text.split(' ').collect();
        for (option, at) in extra {
            // Not in front of the tool's name, and not between an option and its value.
            let places: Vec<usize> = (1..=words.len())
                .filter(|at| !VALUED.contains(&words[at - 1]))
                .collect();
            words.insert(places[at.index(places.len())], option);
        }
        words.push(after);
        is_still(&words.join(" "), verb, flag)?;
    }

    #[test]
    fn random_arguments_never_panic(arguments in prop::collection::vec(argument(), 0..12)) {
        let words: Vec<Word> = arguments.into_iter().map(Word::known).collect();
        let invocation = read(&words, &Context::nothing(guard_toolbox::TOOLBOX.nested));
        let _ = only_reads(&invocation);
    }
}

/// Options of the lines above whose value is the next word.
const VALUED: &[&str] = &["--instance-ids", "--bucket", "--queue-url", "--key-id"];

#[test]
fn arguments_are_what_the_operation_receives() {
    for (line, expected) in [
        (
            "aws --region r s3 rm s3://b --recursive",
            "s3://b --recursive",
        ),
        ("aws s3 rm --region r s3://b", "--region r s3://b"),
        (
            "aws --bucket=b s3api --region r delete-bucket --debug",
            "--bucket=b --debug",
        ),
        (
            "aws ec2 wait instance-running --instance-ids i",
            "--instance-ids i",
        ),
    ] {
        assert_eq!(
            parse(line).arguments.join(" ".as_ref()),
            *expected,
            "{line}"
        );
    }
}
