//! The real AWS CLI in front of moto on loopback: what is measured, blocked, approved, and let through.

use crate::support::moto::{Cloud, SECRET};

/// The verdict, and what would be lost, line by line; what is told besides follows.
fn told(one: &serde_json::Value) -> String {
    let list = |key: &str| {
        let lines = one["preview"]["loss"][key].as_array();
        lines
            .into_iter()
            .flatten()
            .filter_map(|line| line.as_str().map(str::to_owned))
    };
    let why = one["preview"]["why"].as_str().map(str::to_owned);
    let mut all = vec![one["verdict"].as_str().unwrap().to_owned()];
    all.extend(why);
    all.extend(list("lines"));
    all.extend(list("besides"));
    all.join("\n")
}

/// It asks, and the question holds all of this.
#[track_caller]
fn asks(cloud: &Cloud, line: &str, texts: &[&str]) {
    let one = cloud.explain(line);
    let told = told(&one);
    assert!(told.starts_with("confirm\n"), "{line}: {told}\n{one:#}");
    assert_ne!(one["preview"]["status"], "unknown", "{line}: {told}");
    for text in texts {
        assert!(told.contains(text), "{line}: {text:?} is not in\n{told}");
    }
}

/// It was measured, and nothing would be lost.
#[track_caller]
fn harmless(cloud: &Cloud, line: &str) {
    let one = cloud.explain(line);
    assert_eq!(one["verdict"], "allow", "{line}: {one:#}");
}

#[test]
fn a_recursive_rm_says_how_many_keys_and_bytes_and_runs_after_the_phrase() {
    let Some(cloud) = Cloud::with(
        "s = c('s3')\n\
         s.create_bucket(Bucket='uploads-1')\n\
         [s.put_object(Bucket='uploads-1', Key=k, Body=b'x' * n) for k, n in \
         [('logs/a.log', 1000), ('logs/b c.log', 48), ('logs/keep.txt', 5), ('other', 7)]]",
    ) else {
        return;
    };
    let cloud = cloud.cold();
    let command = "--profile default s3 rm s3://uploads-1/logs --recursive";
    cloud
        .world
        .write("home/.aws/config", "[default]\nregion = us-east-1\n");
    // A profile that is named wins over the variables.
    cloud.world.write(
        "home/.aws/credentials",
        format!("[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {SECRET}\n"),
    );
    let outcome = cloud.aws(command).run();
    outcome
        .blocked()
        .says("3 objects (1.0 KiB) in s3://uploads-1: logs/a.log (1000 B), logs/b c.log (48 B)")
        .says("the bucket is not versioned")
        .says("account 123456789012")
        .says("region us-east-1, profile default")
        .says("aws.s3.rm");
    assert!(!outcome.stderr.contains(SECRET), "{outcome:?}");
    assert_eq!(
        cloud.keys("uploads-1"),
        "logs/a.log logs/b c.log logs/keep.txt other"
    );
    let mut person = cloud.aws(command).at_terminal();
    let phrase = person.phrase();
    assert_eq!(phrase, "delete 3 objects in s3://uploads-1/logs");
    person.line(&phrase);
    let outcome = person.ends_within(std::time::Duration::from_secs(120));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(cloud.keys("uploads-1"), "other");
    // The same again finds nothing.
    cloud.aws(command).run().ran();
    assert!(!cloud.world.read("state/audit.jsonl").contains(SECRET));
}

#[test]
fn filters_single_keys_and_what_is_not_there() {
    let Some(cloud) = Cloud::with(
        "s = c('s3')\n\
         s.create_bucket(Bucket='filters-1', )\n\
         [s.put_object(Bucket='filters-1', Key=k, Body=b'x' * 10) for k in ['a.log', 'b.txt', 'd/c.log']]\n\
         s.create_bucket(Bucket='versions-1')\n\
         s.put_bucket_versioning(Bucket='versions-1', VersioningConfiguration={'Status': 'Enabled'})\n\
         s.put_bucket_tagging(Bucket='versions-1', Tagging={'TagSet': [{'Key': 'team', 'Value': 'web'}]})\n\
         s.put_object(Bucket='versions-1', Key='k', Body=b'x')",
    ) else {
        return;
    };
    asks(
        &cloud,
        "s3 rm s3://filters-1 --recursive --exclude '*' --include '*.log' --quiet",
        &["2 objects (20 B) in s3://filters-1"],
    );
    asks(
        &cloud,
        "s3 rm s3://filters-1/b.txt",
        &["1 object (10 B): s3://filters-1/b.txt"],
    );
    asks(
        &cloud,
        "s3api delete-objects --bucket filters-1 --delete 'Objects=[{Key=a.log},{Key=none}]'",
        &["1 object (10 B) in s3://filters-1: a.log"],
    );
    for line in [
        "s3 rm s3://filters-1/none",
        "s3 rm s3://filters-1/none/ --recursive",
        "s3 rm s3://no-such-bucket-1/k",
        "s3api delete-objects --bucket filters-1 --delete 'Objects=[{Key=none}]'",
        "s3 rm s3://filters-1 --recursive --exclude '*'",
        // What stands there stays as an older version.
        "s3 cp README.md s3://versions-1/k",
        "s3 cp README.md s3://filters-1/new",
        "s3 mv s3://filters-1/a.log s3://filters-1/moved.log",
    ] {
        harmless(&cloud, line);
    }
    asks(
        &cloud,
        "s3 rm s3://versions-1 --recursive",
        &[
            "1 object (1 B)",
            "the bucket is versioned",
            "tags of the bucket: team=web",
        ],
    );
    asks(
        &cloud,
        "s3 cp README.md s3://filters-1/a.log",
        &["1 object (10 B) overwritten: s3://filters-1/a.log"],
    );
    cloud.world.write("app/out/a.log", "new");
    cloud.world.write("app/out/z.log", "new");
    asks(
        &cloud,
        "s3 cp out s3://filters-1 --recursive",
        &["1 object (10 B) overwritten in s3://filters-1: a.log"],
    );
    asks(
        &cloud,
        "s3 sync out s3://filters-1 --delete --size-only",
        &["2 objects (20 B) in s3://filters-1"],
    );
    asks(
        &cloud,
        "s3 sync s3://filters-1 out --delete",
        &["1 file (3 B)", "out/z.log"],
    );
    asks(
        &cloud,
        "s3api put-object --bucket filters-1 --key b.txt --body README.md",
        &["overwritten"],
    );
}

#[test]
fn buckets_and_what_is_in_them() {
    let Some(cloud) = Cloud::with(
        "s = c('s3')\n\
         [s.create_bucket(Bucket=b) for b in ['empty-1', 'full-1']]\n\
         s.put_object(Bucket='full-1', Key='k', Body=b'12345')",
    ) else {
        return;
    };
    harmless(&cloud, "s3api delete-bucket --bucket no-such-bucket-2");
    asks(
        &cloud,
        "s3api delete-bucket --bucket full-1",
        &["1 object (5 B) in s3://full-1: k"],
    );
    cloud
        .aws("s3 rb s3://full-1 --force")
        .run()
        .blocked()
        .says("1 object (5 B) in s3://full-1: k");
    assert_eq!(cloud.keys("full-1"), "k");
    cloud.aws("s3 rb s3://empty-1").run().ran();
    assert_eq!(
        cloud.python("print([b['Name'] for b in c('s3').list_buckets()['Buckets'] if b['Name'] == 'empty-1'])"),
        "[]"
    );
}

#[test]
fn instances_with_their_names_tags_and_disks() {
    let Some(cloud) = Cloud::with("") else {
        return;
    };
    let id = cloud.python(
        "e = c('ec2')\n\
         i = e.run_instances(ImageId=e.describe_images()['Images'][0]['ImageId'], MinCount=1, MaxCount=1, \
         TagSpecifications=[{'ResourceType': 'instance', 'Tags': [{'Key': 'Name', 'Value': 'web-1'}, \
         {'Key': 'environment', 'Value': 'prod'}]}])['Instances'][0]['InstanceId']\n\
         print(i)",
    );
    let command = format!("ec2 terminate-instances --instance-ids {id}");
    asks(
        &cloud,
        &command,
        &[
            &format!("1 resource: instance {id} web-1 ("),
            "deleted with the instances: volume vol-",
            "GiB",
            "the dry run says that it would succeed",
            "tags: Name=web-1, environment=prod",
        ],
    );
    // A tag says where it belongs.
    let one = cloud.explain(&command);
    assert_eq!(one["environment"]["name"], "production", "{one:#}");
    cloud.world.rules(
        "[preview]\nseconds = 120\n[[rule]]\nid = \"team.prod\"\ntool = \"aws\"\noperation = [\"terminate\", \"delete\"]\n\
         tag = { environment = \"prod*\" }\neffect = \"deny\"\nreason = \"ends production\"\nsafer = \"aws ec2 describe-instances\"\n\
         match = [\"aws ec2 terminate-instances --instance-ids i\"]\nno-match = [\"aws ec2 describe-instances\"]\n",
    );
    let outcome = cloud.aws(&command).run();
    outcome.blocked().says("team.prod");
    let other = cloud.python(
        "e = c('ec2')\nprint(e.create_volume(Size=3, AvailabilityZone='us-east-1a', TagSpecifications=\
         [{'ResourceType': 'volume', 'Tags': [{'Key': 'environment', 'Value': 'dev'}]}])['VolumeId'])",
    );
    asks(
        &cloud,
        &format!("ec2 delete-volume --volume-id {other}"),
        &[
            &format!("1 resource (3.0 GiB): volume {other}"),
            "tags: environment=dev",
        ],
    );
    harmless(
        &cloud,
        "ec2 delete-volume --volume-id vol-00000000000000000",
    );
    harmless(
        &cloud,
        "ec2 terminate-instances --instance-ids i-00000000000000000",
    );
    let state = cloud.python(&format!(
        "print(c('ec2').describe_instances(InstanceIds=['{id}'])['Reservations'][0]['Instances'][0]['State']['Name'])"
    ));
    assert_eq!(state, "running");
}

#[test]
fn databases_stacks_and_roles() {
    let Some(cloud) = Cloud::with(
        "r = c('rds')\n\
         [r.create_db_instance(DBInstanceIdentifier=n, Engine='postgres', DBInstanceClass='db.t3.micro', \
         AllocatedStorage=20, MasterUsername='u', MasterUserPassword='password1', DeletionProtection=p) \
         for n, p in [('db-1', False), ('safe-1', True)]]\n\
         c('iam').create_role(RoleName='role-1', AssumeRolePolicyDocument='{}')\n\
         c('cloudformation').create_stack(StackName='app-1', TemplateBody='''\n\
Resources:\n  Kept:\n    Type: AWS::S3::Bucket\n    DeletionPolicy: Retain\n    Properties:\n      BucketName: kept-1\n  \
Jobs:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: jobs-1\n''')",
    ) else {
        return;
    };
    // Version 1 of the CLI takes the endpoint of rds from the command line only.
    let endpoint = cloud.endpoint();
    asks(
        &cloud,
        &format!(
            "--endpoint-url {endpoint} rds delete-db-instance --db-instance-identifier db-1 --skip-final-snapshot"
        ),
        &[
            "1 resource (20.0 GiB): db instance db-1",
            "no final snapshot is taken",
            "engine: postgres",
            &endpoint,
        ],
    );
    harmless(
        &cloud,
        &format!(
            "--endpoint-url {endpoint} rds delete-db-instance --db-instance-identifier safe-1"
        ),
    );
    asks(
        &cloud,
        "cloudformation delete-stack --stack-name app-1",
        &[
            "1 resource (1 of them hold data): AWS::SQS::Queue",
            "kept by the template: AWS::S3::Bucket kept-1",
        ],
    );
    harmless(&cloud, "cloudformation delete-stack --stack-name none-1");
    cloud
        .aws("iam delete-role --role-name role-1")
        .run()
        .blocked()
        .says("role role-1");
    let outcome = cloud.aws("iam delete-role --role-name none-1").run();
    assert!(outcome.stderr.contains("NoSuchEntity"), "{outcome:?}");
    assert_ne!(outcome.code, Some(77), "{outcome:?}");
}

#[test]
fn tables_queues_and_logs() {
    let Some(cloud) = Cloud::with(
        "d = c('dynamodb')\n\
         [d.create_table(TableName=t, KeySchema=[{'AttributeName': 'id', 'KeyType': 'HASH'}], \
         AttributeDefinitions=[{'AttributeName': 'id', 'AttributeType': 'S'}], BillingMode='PAY_PER_REQUEST') \
         for t in ['orders-1', 'none-2']]\n\
         [d.put_item(TableName='orders-1', Item={'id': {'S': str(n)}}) for n in range(3)]\n\
         q = c('sqs')\n\
         u = q.create_queue(QueueName='work-1')['QueueUrl']\n\
         q.create_queue(QueueName='idle-1')\n\
         [q.send_message(QueueUrl=u, MessageBody='x') for n in range(4)]\n\
         l = c('logs')\n\
         l.create_log_group(logGroupName='/app-1')\n\
         l.put_retention_policy(logGroupName='/app-1', retentionInDays=30)",
    ) else {
        return;
    };
    asks(
        &cloud,
        "dynamodb delete-table --table-name orders-1",
        &["3 items in the table: orders-1"],
    );
    harmless(&cloud, "dynamodb delete-table --table-name none-2");
    let key = |id: &str| {
        format!("dynamodb delete-item --table-name orders-1 --key '{{\"id\":{{\"S\":\"{id}\"}}}}'")
    };
    asks(&cloud, &key("1"), &["1 resource"]);
    harmless(&cloud, &key("9"));
    cloud.world.write(
        "app/batch.json",
        "{\"orders-1\":[{\"DeleteRequest\":{\"Key\":{\"id\":{\"S\":\"1\"}}}}]}",
    );
    asks(
        &cloud,
        "dynamodb batch-write-item --request-items file://batch.json",
        &["1 item that the request deletes"],
    );
    let endpoint = cloud.endpoint();
    let queue = |verb: &str, name: &str| {
        format!("sqs {verb} --endpoint-url {endpoint} --queue-url {endpoint}/123456789012/{name}")
    };
    cloud
        .aws(&queue("purge-queue", "work-1"))
        .run()
        .blocked()
        .says("4 messages in the queue");
    harmless(&cloud, &queue("purge-queue", "idle-1"));
    harmless(&cloud, &queue("delete-queue", "never-1"));
    asks(
        &cloud,
        "logs delete-log-group --log-group-name /app-1",
        &["log group /app-1"],
    );
    let retention = |days: u32| {
        format!("logs put-retention-policy --log-group-name /app-1 --retention-in-days {days}")
    };
    asks(
        &cloud,
        &retention(7),
        &["it keeps events for 30 days now, and for 7 days from then on"],
    );
    harmless(&cloud, &retention(60));
    harmless(&cloud, "logs delete-log-group --log-group-name /app");
}

#[test]
fn documents_and_aliases() {
    let Some(cloud) = Cloud::with(
        "s = c('s3')\ns.create_bucket(Bucket='named-1')\ns.put_object(Bucket='named-1', Key='k', Body=b'123')",
    ) else {
        return;
    };
    let cloud = cloud.cold();
    cloud
        .world
        .write("app/one.json", "{\"Bucket\": \"named-1\", \"Key\": \"k\"}");
    asks(
        &cloud,
        "s3api delete-object --cli-input-json file://one.json",
        &["1 object (3 B): s3://named-1/k"],
    );
    // The command line wins over the document.
    harmless(
        &cloud,
        "s3api delete-object --cli-input-json file://one.json --key none",
    );
    cloud.world.write(
        "home/.aws/cli/alias",
        "[toplevel]\nwipe = s3 rm --recursive\nwhoami = sts get-caller-identity\nshell = !rm -rf /\ns3 = s3 --region us-east-1\n",
    );
    asks(
        &cloud,
        "wipe s3://named-1",
        &["1 object (3 B) in s3://named-1"],
    );
    asks(&cloud, "s3 rm s3://named-1/k", &["1 object (3 B)"]);
    cloud.aws("whoami").run().ran();
    let one = cloud.explain("shell x help");
    assert_eq!(one["verdict"], "confirm", "{one:#}");
    assert!(one.to_string().contains("rm -rf /"), "{one:#}");
    assert_eq!(cloud.keys("named-1"), "k");
}

#[test]
fn a_service_that_does_not_answer_is_unknown_and_keys_show_nowhere() {
    let Some(cloud) = Cloud::with("") else {
        return;
    };
    let dead = "--endpoint-url http://127.0.0.1:9 s3 rm s3://b/k";
    let outcome = cloud.aws(dead).run();
    outcome.blocked().says("aws says:");
    assert!(!format!("{outcome:?}").contains(SECRET));
    let one = cloud.explain(dead);
    assert_eq!(one["preview"]["status"], "unknown", "{one:#}");
    // Too little time is no answer either.
    cloud.world.rules("[preview]\nseconds = 0.1\n");
    let one = cloud.explain("s3 rm s3://b --recursive");
    assert_eq!(one["preview"]["status"], "unknown", "{one:#}");
    // What only reads or is inert is not looked at.
    for line in [
        "s3 ls",
        "ec2 describe-instances",
        "s3 rm s3://b --recursive --dryrun",
        "rds delete-db-instance help",
    ] {
        let one = cloud.explain(line);
        assert_eq!(one["verdict"], "allow", "{one:#}");
        assert_eq!(one["preview"]["status"], "skipped", "{one:#}");
    }
}
