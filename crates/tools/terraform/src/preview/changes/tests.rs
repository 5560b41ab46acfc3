#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value
)]

use serde_json::json;

use super::*;
use std::borrow::Cow;

const LISTS: Infrastructure = Infrastructure {
    data: Cow::Borrowed(&[Cow::Borrowed("*_bucket"), Cow::Borrowed("db")]),
    losing: Cow::Borrowed(&[
        Cow::Borrowed("log_*.retention"),
        Cow::Borrowed("db.backup.days"),
    ]),
};

fn change(address: &str, actions: &[&str], before: Value, after: Value) -> Value {
    let kind = address.split('.').next().unwrap();
    json!({
        "address": address, "mode": "managed", "type": kind, "name": "n",
        "change": {"actions": actions, "before": before, "after": after, "after_unknown": {}},
    })
}

fn of(changes: &[Value]) -> Loss {
    let plan = json!({"resource_changes": changes});
    loss(&serde_json::from_value(plan).unwrap(), &LISTS)
}

#[test]
fn what_a_plan_loses() {
    let nothing = json!({});
    for (actions, lost) in [
        (&["no-op"][..], None),
        (&["create"], None),
        (&["read"], None),
        (&["update"], None),
        (&["delete"], Some("1 resource of type web destroyed: web.a")),
        (
            &["delete", "create"],
            Some("1 resource of type web destroyed and made again: web.a"),
        ),
        (
            &["create", "delete"],
            Some("1 resource of type web destroyed and made again: web.a"),
        ),
        (
            &["forget"],
            Some("1 resource of type web forgotten by terraform, running on: web.a"),
        ),
        (
            &["create", "forget"],
            Some("1 resource of type web forgotten by terraform, running on: web.a"),
        ),
    ] {
        let loss = of(&[change("web.a", actions, nothing.clone(), nothing.clone())]);
        assert_eq!(
            loss.lines().first().map(String::as_str),
            lost,
            "{actions:?}"
        );
        assert_eq!(loss.things.is_some(), lost.is_some());
    }
}

#[test]
fn what_holds_data_comes_first() {
    let nothing = json!({});
    let loss = of(&[
        change("a.x", &["delete"], nothing.clone(), nothing.clone()),
        change(
            "s3_bucket.x",
            &["delete", "create"],
            nothing.clone(),
            nothing.clone(),
        ),
        change("db.x", &["delete"], nothing.clone(), nothing),
    ]);
    assert_eq!(
        loss.lines(),
        [
            "1 resource of type db, which holds data, destroyed: db.x",
            "1 resource of type s3_bucket, which holds data, destroyed and made again: s3_bucket.x",
            "1 resource of type a destroyed: a.x",
        ]
    );
    assert_eq!(loss.facts, ["the plan: 1 to replace, 2 to destroy"]);
    assert_eq!(loss.size(), "3 resources");
    assert_eq!(loss.phrase.verb, "destroy");
}

#[test]
fn updates_that_lose_data() {
    let retention = |days: Value| json!({"retention": days});
    let days = |days: u32| json!({"backup": {"days": days}});
    for (address, before, after, lost) in [
        (
            "log_group.a",
            retention(json!(30)),
            retention(json!(7)),
            true,
        ),
        (
            "log_group.a",
            retention(json!(7)),
            retention(json!(30)),
            false,
        ),
        (
            "log_group.a",
            retention(json!(0)),
            retention(json!(30)),
            true,
        ),
        (
            "log_group.a",
            retention(json!(true)),
            retention(json!(false)),
            true,
        ),
        (
            "log_group.a",
            retention(json!(false)),
            retention(json!(true)),
            false,
        ),
        (
            "log_group.a",
            retention(Value::Null),
            retention(json!(7)),
            false,
        ),
        (
            "log_group.a",
            retention(json!("x")),
            retention(json!("y")),
            true,
        ),
        (
            "log_group.a",
            json!({"name": "x"}),
            json!({"name": "y"}),
            false,
        ),
        ("web.a", retention(json!(30)), retention(json!(7)), false),
        ("db.a", days(7), days(1), true),
        ("db.a", days(1), days(7), false),
    ] {
        let loss = of(&[change(address, &["update"], before.clone(), after.clone())]);
        assert_eq!(!loss.is_none(), lost, "{address}: {before} to {after}");
    }
}

#[test]
fn drift_that_drops_resources_from_the_state() {
    let gone = change("web.a", &["delete"], json!({}), Value::Null);
    let plan = |changes: Value| {
        let plan = json!({"resource_drift": [gone], "resource_changes": changes});
        loss(&serde_json::from_value(plan).unwrap(), &LISTS)
    };
    assert_eq!(plan(json!([])).size(), "1 resource");
    let again = change("web.a", &["create"], Value::Null, json!({}));
    assert!(plan(json!([again])).is_none());
}

#[test]
fn many_types_are_counted() {
    let changes: Vec<Value> = (0..40)
        .map(|at| {
            change(
                &format!("kind{at:02}.a"),
                &["delete"],
                json!({}),
                Value::Null,
            )
        })
        .collect();
    let loss = of(&changes);
    assert_eq!(loss.lines().len(), PARTS + 1);
    assert_eq!(loss.size(), "40 resources");
}

#[test]
fn hostile_addresses_are_shown_as_what_they_are() {
    let loss = of(&[change(
        "web.a[\"\u{1b}[2J\"]",
        &["delete"],
        json!({}),
        Value::Null,
    )]);
    assert!(!loss.lines()[0].contains('\u{1b}'));
}
