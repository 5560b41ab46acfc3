//! The real AWS CLI in front of moto on loopback: what a person let go comes back.

use crate::support::moto::{Cloud, SECRET};
use crate::support::saved::{self, approves, by, drilled, not_saved, refused, undone};
use crate::support::{Outcome, Run};

fn cloud(setup: &str) -> Option<Cloud> {
    let cloud = Cloud::with(setup)?;
    cloud.world.rules(saved::RULES);
    Some(cloud)
}

/// A person lets it run.
#[track_caller]
fn approved(cloud: &Cloud, line: &str) -> Outcome {
    approves(cloud.aws(line).at_terminal())
}

fn guard<'c>(cloud: &'c Cloud, words: &[&str]) -> Run<'c> {
    cloud.lead(cloud.world.guard(words))
}

fn undo<'c>(cloud: &'c Cloud, id: &str) -> Run<'c> {
    guard(cloud, &["undo", id])
}

/// Everything about the objects in a bucket but their dates.
fn objects(cloud: &Cloud, bucket: &str) -> String {
    cloud.python(&format!(
        "s = c('s3')\n\
         for o in s.list_objects_v2(Bucket='{bucket}').get('Contents', []):\n\
         \x20   k = o['Key']\n\
         \x20   r = s.get_object(Bucket='{bucket}', Key=k)\n\
         \x20   t = s.get_object_tagging(Bucket='{bucket}', Key=k)['TagSet']\n\
         \x20   print(repr(k), r['Body'].read(), r['ContentType'], r.get('CacheControl'), sorted(r['Metadata'].items()), t)"
    ))
}

const PLAIN: &str = "s = c('s3')\n\
     s.create_bucket(Bucket='BUCKET')\n\
     s.put_object(Bucket='BUCKET', Key='logs/a b.bin', Body=bytes(range(256)) * 9, ContentType='text/x-odd', \
     CacheControl='max-age=5', Metadata={'owner': 'ada'}, Tagging='team=web&x=a%20b')\n\
     s.put_object(Bucket='BUCKET', Key='logs/file:__c+d&e.txt', Body=b'')\n\
     s.put_object(Bucket='BUCKET', Key='other', Body=b'stays')";

#[test]
fn objects_come_back_with_all_that_is_known_of_them() {
    let Some(cloud) = cloud(&PLAIN.replace("BUCKET", "undo-1")) else {
        return;
    };
    let before = objects(&cloud, "undo-1");
    assert!(
        before.contains("text/x-odd max-age=5 [('owner', 'ada')]"),
        "{before}"
    );
    let outcome = approved(&cloud, "s3 rm s3://undo-1/logs --recursive");
    let id = saved::saved(&outcome);
    assert_eq!(cloud.keys("undo-1"), "other");
    let told = drilled(guard(&cloud, &["backups", "drill", &id]));
    assert!(told.contains("4 files written and compared"), "{told}");
    refused(undo(&cloud, &id), "only a person can do this");
    let outcome = undone(undo(&cloud, &id));
    assert!(
        outcome.stdout.contains("account 123456789012"),
        "{outcome:?}"
    );
    assert_eq!(objects(&cloud, "undo-1"), before);

    // The undo is undone, and that again.
    let again = undone(undo(&cloud, &by(&outcome)));
    assert_eq!(cloud.keys("undo-1"), "other");
    undone(undo(&cloud, &by(&again)));
    assert_eq!(objects(&cloud, "undo-1"), before);
    for file in std::fs::read_dir(cloud.world.path("state/backups")).unwrap() {
        let shown = guard(
            &cloud,
            &[
                "backups",
                "show",
                file.unwrap().file_name().to_str().unwrap(),
            ],
        )
        .run();
        assert!(!shown.stdout.contains(SECRET), "{shown:?}");
    }
}

#[test]
fn what_stands_there_by_then_is_not_replaced_unasked() {
    let Some(cloud) = cloud(&PLAIN.replace("BUCKET", "undo-2")) else {
        return;
    };
    let before = objects(&cloud, "undo-2");
    let id = saved::saved(&approved(&cloud, "s3 rm s3://undo-2/other"));
    cloud.python("c('s3').put_object(Bucket='undo-2', Key='other', Body=b'newer')");
    let newer = objects(&cloud, "undo-2");
    refused(
        undo(&cloud, &id),
        "In the way: s3://undo-2/other was made or changed since",
    );
    let into = cloud.world.path("app/back");
    let outcome = guard(&cloud, &["undo", &id, "--into", into.to_str().unwrap()]).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(cloud.world.read("app/back/00001-undo-2-other"), "stays");
    assert_eq!(objects(&cloud, "undo-2"), newer);
    let outcome = undone(guard(&cloud, &["undo", &id, "--overwrite"]));
    assert_eq!(objects(&cloud, "undo-2"), before);
    undone(undo(&cloud, &by(&outcome)));
    assert_eq!(objects(&cloud, "undo-2"), newer);
}

#[test]
fn a_bucket_that_keeps_versions_gives_them_back() {
    let Some(cloud) = cloud(
        "s = c('s3')\n\
         s.create_bucket(Bucket='undo-3')\n\
         s.put_bucket_versioning(Bucket='undo-3', VersioningConfiguration={'Status': 'Enabled'})\n\
         [s.put_object(Bucket='undo-3', Key=k, Body=b'x') for k in ['a', 'b']]",
    ) else {
        return;
    };
    let current = || {
        cloud.python(
            "print(sorted((v['Key'], v['VersionId']) for v in \
             c('s3').list_object_versions(Bucket='undo-3').get('Versions', []) if v['IsLatest']))",
        )
    };
    let before = current();
    let id = saved::saved(&approved(&cloud, "s3 rm s3://undo-3 --recursive"));
    assert_eq!(cloud.keys("undo-3"), "");
    let told = drilled(guard(&cloud, &["backups", "drill", &id]));
    assert!(told.contains("the bucket keeps 2 versions"), "{told}");
    undone(undo(&cloud, &id));
    assert_eq!(current(), before);

    // With something newer in between, the old version becomes a new one, and only when told to.
    let id = saved::saved(&approved(
        &cloud,
        "s3api delete-object --bucket undo-3 --key a",
    ));
    cloud.python("c('s3').put_object(Bucket='undo-3', Key='a', Body=b'newer')");
    refused(undo(&cloud, &id), "s3://undo-3/a was made or changed since");
    undone(guard(&cloud, &["undo", &id, "--overwrite"]));
    let body = "print(c('s3').get_object(Bucket='undo-3', Key='a')['Body'].read())";
    assert_eq!(cloud.python(body), "b'x'");
}

#[test]
fn other_ways_to_lose_objects() {
    let Some(cloud) = cloud(&PLAIN.replace("BUCKET", "undo-4")) else {
        return;
    };
    let before = objects(&cloud, "undo-4");
    cloud.world.write("app/new.txt", "written over");
    cloud.world.write("app/local/stays.txt", "only here");
    for line in [
        "s3api delete-objects --bucket undo-4 --delete 'Objects=[{Key=other},{Key=none}]'",
        "s3 rb s3://undo-4 --force",
        "s3 sync local s3://undo-4 --delete --exclude stays.txt",
    ] {
        let id = saved::saved(&approved(&cloud, line));
        undone(undo(&cloud, &id));
        assert_eq!(objects(&cloud, "undo-4"), before, "{line}");
    }
    // What the command itself wrote is in the way as anything else is.
    let id = saved::saved(&approved(&cloud, "s3 cp new.txt s3://undo-4/other"));
    refused(undo(&cloud, &id), "was made or changed since");
    undone(guard(&cloud, &["undo", &id, "--overwrite"]));
    assert_eq!(objects(&cloud, "undo-4"), before);
    // Files that a sync deletes are files.
    let id = saved::saved(&approved(&cloud, "s3 sync s3://undo-4/logs local --delete"));
    assert!(!cloud.world.exists("app/local/stays.txt"));
    let outcome = undo(&cloud, &id).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(cloud.world.read("app/local/stays.txt"), "only here");
}

#[test]
fn what_is_too_much_goes_unsaved_and_says_so() {
    let Some(cloud) = cloud(&PLAIN.replace("BUCKET", "undo-5")) else {
        return;
    };
    cloud
        .world
        .rules(&saved::RULES.replace("[backup]\n", "[backup]\nbytes = 100\n"));
    let outcome = approved(&cloud, "s3 rm s3://undo-5/logs --recursive");
    not_saved(&outcome, "more than 100 B are too much to save first");
    assert_eq!(cloud.keys("undo-5"), "other");
}

const TABLE: &str = "d = c('dynamodb')\n\
     d.create_table(TableName='TABLE', AttributeDefinitions=[{'AttributeName': n, 'AttributeType': 'S'} for n in ['id', 'team']], \
     KeySchema=[{'AttributeName': 'id', 'KeyType': 'HASH'}], BillingMode='PAY_PER_REQUEST', Tags=[{'Key': 'team', 'Value': 'web'}], \
     GlobalSecondaryIndexes=[{'IndexName': 'by-team', 'KeySchema': [{'AttributeName': 'team', 'KeyType': 'HASH'}], 'Projection': {'ProjectionType': 'ALL'}}])\n\
     for n in range(30):\n\
     \x20   d.put_item(TableName='TABLE', Item={'id': {'S': str(n)}, 'team': {'S': 't'}, 'n': {'N': str(n)}, 'tags': {'SS': ['a', 'b']}, 'm': {'M': {'x': {'L': [{'BOOL': True}, {'NULL': True}]}}}})";

fn table(cloud: &Cloud, name: &str) -> String {
    cloud
        .python(&format!(
            "import json\n\
         d = c('dynamodb')\n\
         t = d.describe_table(TableName='{name}')['Table']\n\
         print(t['KeySchema'], t['AttributeDefinitions'], t['BillingModeSummary']['BillingMode'], \
         [(i['IndexName'], i['KeySchema'], i['Projection']) for i in t['GlobalSecondaryIndexes']], \
         d.list_tags_of_resource(ResourceArn=t['TableArn'])['Tags'])\n\
         for i in d.scan(TableName='{name}')['Items']:\n\
         \x20   i['tags']['SS'].sort()\n\
         \x20   print(json.dumps(i, sort_keys=True))"
        ))
        .lines()
        .map(str::to_owned)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn items_come_back() {
    let Some(cloud) = cloud(&TABLE.replace("TABLE", "undo-items")) else {
        return;
    };
    let before = table(&cloud, "undo-items");
    cloud.world.write(
        "app/batch.json",
        r#"{"undo-items": [{"DeleteRequest": {"Key": {"id": {"S": "1"}}}}, {"DeleteRequest": {"Key": {"id": {"S": "none"}}}},
            {"DeleteRequest": {"Key": {"id": {"S": "2"}}}}]}"#,
    );
    for line in [
        "dynamodb delete-item --table-name undo-items --key '{\"id\":{\"S\":\"7\"}}'",
        "dynamodb batch-write-item --request-items file://batch.json",
    ] {
        let id = saved::saved(&approved(&cloud, line));
        assert_ne!(table(&cloud, "undo-items"), before, "{line}");
        let outcome = undone(undo(&cloud, &id));
        assert_eq!(table(&cloud, "undo-items"), before, "{line}");
        undone(undo(&cloud, &by(&outcome)));
        assert_ne!(table(&cloud, "undo-items"), before, "{line}");
        cloud.python(
            "d = c('dynamodb')\n\
             [d.put_item(TableName='undo-items', Item={'id': {'S': n}, 'n': {'N': '99'}, 'tags': {'SS': ['z']}}) for n in ['1', '2', '7']]",
        );
        refused(undo(&cloud, &id), "was made or changed since");
        undone(guard(&cloud, &["undo", &id, "--overwrite"]));
        let (_, items) = TABLE.split_once("\nfor n").unwrap();
        let items = items.replace("TABLE", "undo-items");
        cloud.python(&format!("d = c('dynamodb')\nfor n{items}"));
        assert_eq!(table(&cloud, "undo-items"), before, "{line}");
    }
}

#[test]
fn a_table_comes_back_with_its_items() {
    let Some(cloud) = cloud(&TABLE.replace("TABLE", "undo-table")) else {
        return;
    };
    let before = table(&cloud, "undo-table");
    assert_eq!(before.lines().count(), 31);
    let id = saved::saved(&approved(
        &cloud,
        "dynamodb delete-table --table-name undo-table",
    ));
    assert_eq!(
        cloud.python("print('undo-table' in c('dynamodb').list_tables()['TableNames'])"),
        "False"
    );
    drilled(guard(&cloud, &["backups", "drill", &id]));
    let outcome = undone(undo(&cloud, &id));
    assert_eq!(table(&cloud, "undo-table"), before);
    undone(undo(&cloud, &by(&outcome)));
    assert_eq!(
        cloud.python("print('undo-table' in c('dynamodb').list_tables()['TableNames'])"),
        "False"
    );
    // A table of that name with other items is in the way.
    cloud.python(
        &TABLE
            .replace("TABLE", "undo-table")
            .replace("range(30)", "range(40, 42)"),
    );
    refused(
        undo(&cloud, &id),
        "table undo-table was made since, with other items",
    );
}
