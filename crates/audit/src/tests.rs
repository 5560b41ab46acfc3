#![allow(clippy::unwrap_used)]

use super::*;

fn entry(answer: &str) -> Entry {
    Entry {
        tool: "rm".into(),
        argv: vec!["rm".into(), "x\"},\"chain\":\"".into()],
        cwd: Some("/w".into()),
        rules: vec!["rm.delete".into()],
        preview: "exact".into(),
        verdict: "confirm".into(),
        ..Entry::of_guard(&[], answer)
    }
}

#[test]
fn a_whole_log_verifies_and_a_changed_one_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state/audit.jsonl");
    for answer in ["one", "two", "three"] {
        append(&file, &entry(answer)).unwrap();
    }
    assert_eq!(verify(&file, |_| Ok(())).unwrap(), Ok(3));
    let whole = std::fs::read_to_string(&file).unwrap();

    std::fs::write(&file, whole.replace("\"two\"", "\"2wo\"")).unwrap();
    assert_eq!(verify(&file, |_| Ok(())).unwrap().unwrap_err().line, 2);

    let without: Vec<&str> = whole
        .lines()
        .enumerate()
        .filter(|(at, _)| *at != 1)
        .map(|(_, l)| l)
        .collect();
    std::fs::write(&file, without.join("\n") + "\n").unwrap();
    assert_eq!(verify(&file, |_| Ok(())).unwrap().unwrap_err().line, 2);

    std::fs::write(&file, format!("{whole}garbage\n")).unwrap();
    assert_eq!(verify(&file, |_| Ok(())).unwrap().unwrap_err().line, 4);
}

#[test]
fn writers_at_once_leave_whole_lines() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("audit.jsonl");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    append(&file, &entry("x")).unwrap();
                }
            });
        }
    });
    assert_eq!(verify(&file, |_| Ok(())).unwrap(), Ok(80));
}

#[test]
fn a_torn_last_line_is_named_and_does_not_spoil_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("audit.jsonl");
    append(&file, &entry("one")).unwrap();
    let mut log = OpenOptions::new().append(true).open(&file).unwrap();
    log.write_all(b"{\"time\":\"2026").unwrap();
    append(&file, &entry("two")).unwrap();
    assert_eq!(entries(&file).unwrap().len(), 2);
    assert_eq!(verify(&file, |_| Ok(())).unwrap().unwrap_err().line, 2);
}
