//! Approvals: given by a person elsewhere, fit for one command, used once, and made by nobody else.

use crate::support::{Outcome, Person, World};
use guard_ground::digest::Hasher;

const PASSPHRASE: &str = "correct horse battery";
const RM: [&str; 3] = ["rm", "-rf", "../shared/uploads"];

/// Makes the world's key at a terminal.
fn key(world: &World) {
    let mut person = world.guard(&["key", "init", "--name", "ada"]).at_terminal();
    person.secret("New passphrase: ", PASSPHRASE);
    person.secret("The same again: ", PASSPHRASE);
    person.until("The key is made");
    assert_eq!(person.ends().code, Some(0));
}

/// A world with a key, in which an agent's rm was blocked; the request.
fn blocked() -> (World, String) {
    let world = World::new();
    key(&world);
    world.command(&RM).run().blocked();
    let id = world.request();
    (world, id)
}

/// Types the phrase that is asked for, then the passphrase.
fn approves(person: &mut Person) {
    let phrase = person.phrase();
    person.line(&phrase);
    person.secret("Passphrase of ", PASSPHRASE);
}

fn approve(world: &World, id: &str) -> Outcome {
    let mut person = world.guard(&["approve", id]).at_terminal();
    approves(&mut person);
    person.ends()
}

#[track_caller]
fn uploads_are_there(world: &World) {
    assert!(world.exists("shared/uploads/photo.jpg"));
    assert!(world.exists("shared/uploads/letter.txt"));
}

#[track_caller]
fn log_is_whole(world: &World) {
    let outcome = world.guard(&["log", "verify"]).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

#[test]
fn approved_from_another_terminal_and_run_once() {
    let (world, id) = blocked();
    let mut person = world.guard(&["approve", &id.to_lowercase()]).at_terminal();
    let screen = person.until("type exactly:");
    for text in [
        "2 files",
        "../shared/uploads: outside the workspace",
        "rm -rf ../shared/uploads",
        &id,
    ] {
        assert!(screen.contains(text), "{text}: {screen}");
    }
    for line in screen.lines().filter(|line| !line.contains("/tmp/")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    person.until("\n> ");
    person.settled();
    person.line("delete 2 files in ../shared/uploads");
    person.secret("Passphrase of ", PASSPHRASE);
    person.until("Approved.");
    assert_eq!(person.ends().code, Some(0));
    uploads_are_there(&world);
    assert!(world.pending().is_empty());
    let outcome = world.command(&RM).run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(!world.exists("shared/uploads"));
    // The same again is another command's loss.
    world.write(
        "shared/uploads/photo.jpg",
        "a photo that exists only here\n",
    );
    world.command(&RM).run().blocked();
    assert!(world.exists("shared/uploads/photo.jpg"));
    let log = world.log();
    let answers: Vec<&str> = log
        .iter()
        .map(|entry| entry["answer"].as_str().unwrap())
        .collect();
    assert_eq!(answers[0], "key made");
    assert_eq!(answers[1], "blocked");
    assert!(
        answers[2].starts_with("approval given by ada SHA256:"),
        "{answers:?}"
    );
    assert_eq!(answers[3], "approved by ada");
    assert_eq!(answers[4], "blocked");
    assert_eq!(log[2]["request"], id.as_str());
    log_is_whole(&world);
}

#[test]
fn a_wrong_phrase_or_passphrase_approves_nothing() {
    let (world, id) = blocked();
    let mut person = world.guard(&["approve", &id]).at_terminal();
    for _ in 0..3 {
        person.phrase();
        person.line("yes");
    }
    assert_eq!(person.ends().code, Some(1));
    let mut person = world.guard(&["approve", &id]).at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    for guess in ["password", "letmein", "correct horse"] {
        person.secret("Passphrase of ", guess);
        person.until("That is not the passphrase.");
    }
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(!outcome.stdout.contains("letmein"), "{outcome:?}");
    world.command(&RM).run().blocked();
    uploads_are_there(&world);
    let wrong = world
        .log()
        .iter()
        .filter(|entry| entry["answer"] == "wrong passphrase")
        .count();
    assert_eq!(wrong, 3);
    // After three, each one waits.
    let mut person = world.guard(&["approve", &id]).at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    person.secret("Passphrase of ", "a fourth guess");
    person.until("4 wrong passphrases were typed");
    person.secret("Passphrase of ", PASSPHRASE);
    person.until("Approved.");
    person.ends();
    log_is_whole(&world);
}

#[test]
fn a_signal_between_two_questions_ends_it() {
    let (world, id) = blocked();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    world.write(
        "state/passphrase-failures",
        format!("{{\"count\":7,\"last\":{}}}", now.unwrap().as_secs()),
    );
    let mut person = world.guard(&["approve", &id]).at_terminal();
    let phrase = person.phrase();
    person.line(&phrase);
    person.until("7 wrong passphrases were typed");
    person.signal(libc::SIGTERM);
    let outcome = person.ends();
    assert_eq!(outcome.signal, Some(libc::SIGTERM), "{outcome:?}");
    assert!(outcome.time.as_secs() < 8, "{outcome:?}");
    world.command(&RM).run().blocked();
}

#[test]
fn an_approval_fits_one_command_in_one_place() {
    let (world, id) = blocked();
    assert_eq!(approve(&world, &id).code, Some(0));
    let others: [&[&str]; 4] = [
        &["rm", "-rf", "../shared/uploads/"],
        &["rm", "-r", "-f", "../shared/uploads"],
        &["rm", "-rf", "../shared"],
        &["rm", "-rf", "../shared/uploads", "../shared/uploads"],
    ];
    for other in others {
        world.command(other).run().blocked();
    }
    world.git(".", &["init", "-q", "elsewhere"]);
    world.command(&RM).directory("elsewhere").run().blocked();
    uploads_are_there(&world);
    assert_eq!(world.command(&RM).run().code, Some(0));
}

#[test]
fn a_loss_that_has_grown_is_not_approved() {
    let (world, id) = blocked();
    assert_eq!(approve(&world, &id).code, Some(0));
    world.write("shared/uploads/third.jpg", "another photo\n");
    let outcome = world.command(&RM).run();
    outcome
        .blocked()
        .says("more would be lost now than was approved");
    uploads_are_there(&world);
    // A smaller one is.
    std::fs::remove_file(world.path("shared/uploads/third.jpg")).unwrap();
    std::fs::remove_file(world.path("shared/uploads/letter.txt")).unwrap();
    assert_eq!(world.command(&RM).run().code, Some(0));
    assert!(!world.exists("shared/uploads"));
}

#[test]
fn an_approval_expires() {
    let (world, id) = blocked();
    world.rules("[person]\ngrant-seconds = 1\n");
    assert_eq!(approve(&world, &id).code, Some(0));
    std::thread::sleep(std::time::Duration::from_millis(2100));
    world.command(&RM).run().blocked().says("it has expired");
    uploads_are_there(&world);
}

/// The files of a shelf.
fn shelf(world: &World, name: &str) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(world.path(&format!("state/{name}")))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect()
}

#[test]
fn a_copied_approval_is_spent() {
    let (world, id) = blocked();
    assert_eq!(approve(&world, &id).code, Some(0));
    let [grant] = shelf(&world, "grants").try_into().unwrap();
    let text = std::fs::read(&grant).unwrap();
    assert_eq!(world.command(&RM).run().code, Some(0));
    world.write(
        "shared/uploads/photo.jpg",
        "a photo that exists only here\n",
    );
    std::fs::write(&grant, text).unwrap();
    let outcome = world.command(&RM).run();
    assert_eq!(outcome.code, Some(77), "{outcome:?}");
    outcome.says("used already");
    assert!(world.exists("shared/uploads/photo.jpg"));
}

#[test]
fn forged_approvals_do_not_count() {
    let (world, id) = blocked();
    assert_eq!(approve(&world, &id).code, Some(0));
    let [grant] = shelf(&world, "grants").try_into().unwrap();
    let signed: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&grant).unwrap()).unwrap();
    let statement = signed["statement"].as_str().unwrap();
    let forgeries = [
        // Another text under the same signature, a larger loss for instance.
        serde_json::json!({
            "statement": statement.replace("\"files\":2", "\"files\":9"),
            "signatures": signed["signatures"],
        }),
        serde_json::json!({ "statement": statement, "signatures": [] }),
        serde_json::json!({ "statement": statement, "signatures": ["-----BEGIN SSH SIGNATURE-----\n"] }),
        serde_json::json!({ "statement": "{}", "signatures": signed["signatures"] }),
    ];
    for forged in forgeries {
        std::fs::write(&grant, forged.to_string()).unwrap();
        world.command(&RM).run().blocked().says("does not hold");
        uploads_are_there(&world);
    }
    for text in ["", "[]", "{\"statement\":1}"] {
        std::fs::write(&grant, text).unwrap();
        world.command(&RM).run().blocked();
    }
    // A key that nobody let in.
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(world.path("eve"))
        .status()
        .unwrap();
    assert!(made.success());
    world.write("statement", statement);
    let signature = sign(&world, "eve", "statement", "guard");
    let forged = serde_json::json!({ "statement": statement, "signatures": [signature] });
    std::fs::write(&grant, forged.to_string()).unwrap();
    world.command(&RM).run().blocked().says("may not approve");
    uploads_are_there(&world);
}

/// The signature that ssh-keygen makes of a file.
fn sign(world: &World, key: &str, file: &str, namespace: &str) -> String {
    let output = std::process::Command::new("ssh-keygen")
        .args(["-Y", "sign", "-n", namespace, "-f"])
        .arg(world.path(key))
        .stdin(std::fs::File::open(world.path(file)).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_signed_approval_that_the_log_does_not_hold_does_not_count() {
    let (world, id) = blocked();
    assert_eq!(approve(&world, &id).code, Some(0));
    let text = world.read("state/audit.jsonl");
    let (key_made, _) = text.split_once('\n').unwrap();
    world.write("state/audit.jsonl", format!("{key_made}\n"));
    let outcome = world.command(&RM).run();
    assert_eq!(outcome.code, Some(77), "{outcome:?}");
    outcome.says("the audit log does not hold it");
    std::fs::remove_file(world.path("state/audit.jsonl")).unwrap();
    world.command(&RM).run().blocked().says("may not approve");
    uploads_are_there(&world);
}

#[test]
fn requests_written_by_hand() {
    let (world, id) = blocked();
    let [request] = shelf(&world, "requests").try_into().unwrap();
    let text = std::fs::read_to_string(&request).unwrap();
    // Another command under the same id.
    std::fs::write(
        &request,
        text.replace("../shared/uploads\"]", "../shared\"]"),
    )
    .unwrap();
    let person = world.guard(&["approve", &id]).at_terminal();
    let outcome = person.ends();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(
        outcome.stdout.contains("was changed after guard wrote it"),
        "{outcome:?}"
    );
    // A loss that is made small is measured again.
    std::fs::write(&request, text.replace("\"files\":2", "\"files\":0")).unwrap();
    let mut person = world.guard(&["approve", &id]).at_terminal();
    assert_eq!(person.phrase(), "delete 2 files in ../shared/uploads");
    person.line("");
    person.ends();
    for nonsense in ["", "{}", "[[[[", "\u{0}"] {
        std::fs::write(&request, nonsense).unwrap();
        let outcome = world.guard(&["approve", &id]).at_terminal().ends();
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
    }
    uploads_are_there(&world);
}

/// Changes the only request, as somebody would who knows how its digest is made.
fn rewrite(world: &World, change: impl FnOnce(&mut serde_json::Value)) {
    let [file] = shelf(world, "requests").try_into().unwrap();
    let mut request: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    change(&mut request);
    let mut hasher = Hasher::default();
    let texts = |value: &serde_json::Value| -> Vec<String> {
        let list = value.as_array().unwrap();
        list.iter()
            .map(|one| one.as_str().unwrap().to_owned())
            .collect()
    };
    let argv = texts(&request["argv"]);
    hasher
        .part(b"guard command 1")
        .part(request["tool"].as_str().unwrap().as_bytes())
        .part(&argv.len().to_le_bytes());
    for word in argv.iter().skip(1) {
        hasher.part(word.as_bytes());
    }
    hasher.part(request["cwd"].as_str().unwrap().as_bytes());
    for pair in request["variables"].as_array().unwrap() {
        for text in texts(pair) {
            hasher.part(text.as_bytes());
        }
    }
    hasher.part(b"inputs").part(b"");
    let fingerprint = hasher.finish();
    let name = file.file_name().unwrap().to_str().unwrap();
    let other = format!("{}-{}.json", &name[..4], &fingerprint[..16]);
    request["fingerprint"] = fingerprint.into();
    std::fs::remove_file(&file).unwrap();
    std::fs::write(file.with_file_name(other), request.to_string()).unwrap();
}

#[test]
fn requests_whose_variables_start_programs() {
    let world = World::with_remote();
    key(&world);
    world.commit_file("app", "a", "a\n");
    world.git("app", &["push", "-q", "origin", "main"]);
    world.git("app", &["reset", "-q", "--hard", "HEAD~1"]);
    let evil = world.script(
        "evil/git",
        "#!/bin/sh\ntouch ../evil-ran; exec /usr/bin/git \"$@\"\n",
    );
    world.run("git push --force origin main").blocked();
    let id = world.request();
    // A variable that guard never records.
    rewrite(&world, |request| {
        request["variables"]
            .as_array_mut()
            .unwrap()
            .push(serde_json::json!(["PATH", evil.parent().unwrap()]));
    });
    let outcome = world.guard(&["approve", &id]).at_terminal().ends();
    assert!(
        outcome.stdout.contains("was changed after guard wrote it"),
        "{outcome:?}"
    );
    // One that it does.
    rewrite(&world, |request| {
        let variables = request["variables"].as_array_mut().unwrap();
        variables.pop();
        variables.push(serde_json::json!(["GIT_SSH_COMMAND", evil]));
        variables.sort_by_key(|pair| pair[0].as_str().unwrap().to_owned());
    });
    let mut person = world.guard(&["approve", &id]).at_terminal();
    let screen = person.until("type exactly:");
    assert!(screen.contains("variables can start programs"), "{screen}");
    assert!(screen.contains("GIT_SSH_COMMAND="), "{screen}");
    person.keys("\u{3}");
    person.ends();
    assert!(!world.exists("evil-ran"));
}

#[test]
fn what_previews_start_finds_no_terminal() {
    let (world, id) = blocked();
    world.run("git add -A");
    world.write("app/README.md", "a day's work\n");
    let evil = world.script(
        "evil/monitor",
        "#!/bin/sh\n(: > /dev/tty) 2> /dev/null && touch ../reached-the-terminal\ntouch ../monitor-ran\nexit 1\n",
    );
    world.git("app", &["config", "filter.x.clean", evil.to_str().unwrap()]);
    world.write("app/.gitattributes", "* filter=x\n");
    world.guard(&["deny", &id]).run();
    world.run("git reset --hard").blocked();
    let mut person = world.guard(&["approve"]).at_terminal();
    person.until("type exactly:");
    person.keys("\u{3}");
    person.ends();
    assert!(world.exists("monitor-ran"));
    assert!(!world.exists("reached-the-terminal"));
}

#[test]
fn requests_with_hostile_text() {
    let (world, id) = blocked();
    let bad = "\u{1b}]0;x\u{7}\u{9b}2J";
    rewrite(&world, |request| {
        for name in ["agent", "user", "environment"] {
            request[name] = bad.into();
        }
        for name in ["lines", "rules"] {
            request[name] = serde_json::json!([bad]);
        }
        request["issued"] = u64::MAX.into();
        request["expires"] = u64::MAX.into();
    });
    let clean = |text: &str| {
        let text = text.replace(['\n', '\r'], "");
        assert!(!text.contains(char::is_control), "{text:?}");
    };
    for arguments in [&["pending"][..], &["pending", "--json"]] {
        let outcome = world.guard(arguments).run();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        clean(&outcome.stdout);
    }
    let mut person = world.guard(&["approve", &id]).at_terminal();
    clean(&person.until("type exactly:"));
    person.keys("\u{3}");
    person.ends();
    // An id that leads elsewhere is none.
    rewrite(&world, |request| request["id"] = "../../elsewhere".into());
    assert!(world.pending().is_empty());
    let outcome = world.guard(&["deny", &id]).run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
}

#[test]
fn a_long_line_breaks_no_chain() {
    let (world, _) = blocked();
    let mut command: Vec<String> = ["rm", "-rf", "../shared/uploads"].map(String::from).into();
    command.extend((0..200).map(|_| "\u{1f5d1}".repeat(1999)));
    world.command(&command).run().blocked();
    world.command(&RM).run().blocked();
    log_is_whole(&world);
}

#[test]
fn the_same_command_leaves_one_request() {
    let (world, id) = blocked();
    for _ in 0..3 {
        world
            .command(&RM)
            .run()
            .blocked()
            .says(&format!("guard approve {id}"));
    }
    assert_eq!(world.pending()[0]["tries"], 4);
    world.command(&["rm", "-rf", "../shared"]).run().blocked();
    assert_eq!(world.pending().len(), 2);
}

#[test]
fn refused_with_a_reason_that_the_agent_reads() {
    let (world, id) = blocked();
    let outcome = world
        .guard(&["deny", &id, "--reason", "these are the customers' photos"])
        .run();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(world.pending().is_empty());
    world
        .command(&RM)
        .run()
        .blocked()
        .says("A person refused this")
        .says("these are the customers' photos");
    assert!(world.pending().is_empty());
    uploads_are_there(&world);
}

#[test]
fn an_approval_that_is_on_its_way_is_waited_for() {
    let (world, _) = blocked();
    world.rules("[person]\nwait = 20\n");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| world.command(&RM).run());
        let approved = approve(&world, &world.request());
        assert_eq!(approved.code, Some(0), "{approved:?}");
        let outcome = waiting.join().unwrap();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
    });
    assert!(!world.exists("shared/uploads"));
}

#[test]
fn waiting_ends_with_a_refusal_and_with_time() {
    let (world, _) = blocked();
    world.rules("[person]\nwait = 1\n");
    let outcome = world.command(&RM).run();
    outcome.blocked();
    assert!(outcome.time.as_millis() >= 1000, "{outcome:?}");
    world.rules("[person]\nwait = 20\n");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| world.command(&RM).run());
        std::thread::sleep(std::time::Duration::from_millis(300));
        world.guard(&["deny", &world.request()]).run();
        let outcome = waiting.join().unwrap();
        outcome.blocked();
        assert!(outcome.time.as_secs() < 15, "{outcome:?}");
    });
    uploads_are_there(&world);
}

#[test]
fn two_shims_share_no_approval() {
    let (world, id) = blocked();
    assert_eq!(approve(&world, &id).code, Some(0));
    // rm -f is content with what another rm removed, so its exit code tells who ran.
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| world.command(&RM).run()))
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let used = world
        .log()
        .iter()
        .filter(|entry| entry["answer"] == "approved by ada")
        .count();
    assert_eq!(used, 1, "{outcomes:?}");
    log_is_whole(&world);
}

#[test]
fn two_people_answer_one_request() {
    let (world, id) = blocked();
    let mut first = world.guard(&["approve", &id]).at_terminal();
    first.phrase();
    let second = world.guard(&["approve", &id]).at_terminal().ends();
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(
        second.stdout.contains("somebody is answering"),
        "{second:?}"
    );
    first.line("");
    first.ends();
    assert_eq!(approve(&world, &id).code, Some(0));
    let gone = world.guard(&["approve", &id]).at_terminal().ends();
    assert_eq!(gone.code, Some(1), "{gone:?}");
}

#[test]
fn a_choice_from_a_list() {
    let (world, id) = blocked();
    world.write("app/notes", "never committed\n");
    world.command(&["rm", "notes"]).run().blocked();
    let mut person = world.guard(&["approve"]).at_terminal();
    let list = person.until("Which one?");
    assert!(list.contains(&id) && list.contains("rm notes"), "{list}");
    person.until("none) ");
    person.settled();
    person.line(&id);
    approves(&mut person);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(world.command(&RM).run().code, Some(0));
    assert!(world.exists("app/notes"));
}

#[test]
fn what_loses_nothing_any_more_needs_no_approval() {
    let (world, id) = blocked();
    std::fs::remove_dir_all(world.path("shared/uploads")).unwrap();
    let outcome = world.guard(&["approve", &id]).at_terminal().ends();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(
        outcome.stdout.contains("Nothing would be lost"),
        "{outcome:?}"
    );
    assert!(world.pending().is_empty());
}

#[test]
fn a_thousand_requests() {
    let (world, id) = blocked();
    let [request] = shelf(&world, "requests").try_into().unwrap();
    let text = std::fs::read_to_string(&request).unwrap();
    let fingerprint = &text[text.find("\"fingerprint\":\"").unwrap() + 15..][..16];
    let other = text.replace(fingerprint, "0000000000000000");
    for at in 0..999 {
        let file = format!("state/requests/{at:04}-0000000000000000.json");
        world.write(&file, other.replace(&id, &format!("{at:04}")));
    }
    let outcome = world.command(&["rm", "-rf", "../shared"]).run();
    outcome.blocked().says("guard pending");
    // The one that was there before is found again.
    world.command(&RM).run().blocked().says("guard approve ");
    assert_eq!(world.pending().len(), 1000);
}

#[test]
fn a_signature_made_elsewhere() {
    let (world, id) = blocked();
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ecdsa", "-N", "grace's own secret", "-f"])
        .arg(world.path("grace"))
        .status()
        .unwrap();
    assert!(made.success());
    let mut person = world
        .guard(&["key", "use", "../grace.pub", "--name", "grace"])
        .at_terminal();
    person.secret("Passphrase of ", PASSPHRASE);
    person.until("grace may approve");
    person.ends();
    let printed = world.guard(&["approve", &id, "--statement"]).run();
    assert_eq!(printed.code, Some(0), "{printed:?}");
    world.write("statement", &printed.stdout);
    // As Grace does on her own machine, where her key has been opened.
    let opened = std::process::Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", "grace's own secret", "-N", "", "-f"])
        .arg(world.path("grace"))
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(opened.success());
    world.write("wrong.sig", sign(&world, "grace", "statement", "file"));
    let wrong = world
        .guard(&["approve", &id, "--signature", "../wrong.sig"])
        .run();
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    world.command(&RM).run().blocked();
    world.write("right.sig", sign(&world, "grace", "statement", "guard"));
    let right = world
        .guard(&["approve", &id, "--signature", "../right.sig"])
        .run();
    assert_eq!(right.code, Some(0), "{right:?}");
    assert_eq!(world.command(&RM).run().code, Some(0));
    log_is_whole(&world);
}

#[test]
fn two_signers() {
    let (world, _) = blocked();
    world.rules(
        "[[rule]]\nid = \"team.two\"\ntool = \"rm\"\npath = [\"escape\"]\neffect = \"confirm\"\n\
         approvals = 2\nreason = \"needs two people\"\nsafer = \"ls\"\n\
         match = [\"rm /srv/x\"]\nno-match = [\"rm x\"]\n",
    );
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "grace's own secret", "-f"])
        .arg(world.path("grace"))
        .status()
        .unwrap();
    assert!(made.success());
    let mut person = world
        .guard(&["key", "use", "../grace.pub", "--name", "grace"])
        .at_terminal();
    person.secret("Passphrase of ", PASSPHRASE);
    person.until("grace may approve");
    person.ends();
    // One person at the terminal is not enough.
    let direct = world.command(&RM).at_terminal().ends();
    assert_eq!(direct.code, Some(77), "{direct:?}");
    assert!(
        direct.stdout.contains("approvals of 2 people"),
        "{direct:?}"
    );
    let id = world.request();
    let first = approve(&world, &id);
    assert!(
        first.stdout.contains("Approved by 1 of 2 people"),
        "{first:?}"
    );
    world.command(&RM).run().blocked().says("1 of 2 people");
    let again = approve(&world, &id);
    assert_eq!(again.code, Some(1), "{again:?}");
    world.command(&RM).run().blocked();
    uploads_are_there(&world);
    let mut grace = world
        .guard(&["approve", &id, "--key", "../grace"])
        .at_terminal();
    let phrase = grace.phrase();
    grace.line(&phrase);
    grace.secret("Passphrase of ", "grace's own secret");
    grace.until("Approved.");
    grace.ends();
    assert_eq!(world.command(&RM).run().code, Some(0));
    assert!(!world.exists("shared/uploads"));
    log_is_whole(&world);
}

#[test]
fn keys_are_replaced_only_with_their_passphrase() {
    let world = World::new();
    key(&world);
    let before = world.read("config/key");
    let mut person = world.guard(&["key", "init"]).at_terminal();
    for guess in ["guess one", "guess two", "guess three"] {
        person.secret("Passphrase of ", guess);
    }
    assert_eq!(person.ends().code, Some(1));
    assert_eq!(world.read("config/key"), before);
    std::fs::remove_file(world.path("state/passphrase-failures")).unwrap();
    let mut person = world.guard(&["key", "init"]).at_terminal();
    person.secret("Passphrase of ", PASSPHRASE);
    person.secret("New passphrase: ", "another passphrase");
    person.secret("The same again: ", "another passphrase");
    person.until("The key is made");
    person.ends();
    assert_ne!(world.read("config/key"), before);
    let list = world.guard(&["key", "list"]).run();
    assert_eq!(list.stdout.lines().count(), 1, "{list:?}");
    log_is_whole(&world);
}

#[test]
fn keys_without_a_passphrase_are_refused() {
    let world = World::new();
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(world.path("open"))
        .status()
        .unwrap();
    assert!(made.success());
    let outcome = world.guard(&["key", "use", "../open"]).at_terminal().ends();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stdout.contains("no passphrase"), "{outcome:?}");
    for short in ["", "short"] {
        let mut person = world.guard(&["key", "init"]).at_terminal();
        person.secret("New passphrase: ", short);
        if short.is_empty() {
            assert_eq!(person.ends().code, Some(1));
        } else {
            person.until("too short");
            person.until("New passphrase: ");
            person.settled();
            person.keys("\u{3}");
            person.ends();
        }
    }
    assert!(!world.exists("config/key"));
}

#[test]
fn an_exception_for_a_while() {
    let (world, _) = blocked();
    let mut command = vec!["allow", "--for", "30m", "--"];
    command.extend(RM);
    let mut person = world.guard(&command).at_terminal();
    assert_eq!(person.phrase(), "allow for 30 minutes");
    person.line("allow for 30 minutes");
    person.secret("Passphrase of ", PASSPHRASE);
    person.until("--revoke ");
    let id = person.until("\r\n").trim().to_owned();
    assert_eq!(person.ends().code, Some(0));
    for _ in 0..2 {
        assert_eq!(world.command(&RM).run().code, Some(0));
        assert!(!world.exists("shared/uploads"));
        world.write("shared/uploads/photo.jpg", "again\n");
    }
    world.command(&["rm", "-rf", "../shared"]).run().blocked();
    let list = world.guard(&["allow", "--list"]).run();
    assert!(list.stdout.contains(&id), "{list:?}");
    let [exception] = shelf(&world, "exceptions").try_into().unwrap();
    let copy = std::fs::read(&exception).unwrap();
    assert_eq!(world.guard(&["allow", "--revoke", &id]).run().code, Some(0));
    world.command(&RM).run().blocked();
    // Nor does a copy of it hold.
    std::fs::write(&exception, copy).unwrap();
    let outcome = world.command(&RM).run();
    assert_eq!(outcome.code, Some(77), "{outcome:?}");
    assert!(world.exists("shared/uploads/photo.jpg"));
    log_is_whole(&world);
}

#[test]
fn no_exception_for_what_is_never_allowed() {
    let (world, _) = blocked();
    let guard = world.path("prefix/bin/guard");
    let command = [
        "allow",
        "--for",
        "1h",
        "--",
        "rm",
        "-f",
        guard.to_str().unwrap(),
    ];
    let outcome = world.guard(&command).at_terminal().ends();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stdout.contains("never allowed"), "{outcome:?}");
}

#[test]
fn the_log_names_the_first_bad_line() {
    let (world, id) = blocked();
    assert_eq!(approve(&world, &id).code, Some(0));
    assert_eq!(world.command(&RM).run().code, Some(0));
    log_is_whole(&world);
    let text = world.read("state/audit.jsonl");
    let doctor = world.guard(&["doctor", "--json"]).run();
    let report: serde_json::Value = serde_json::from_str(&doctor.stdout).unwrap();
    assert_eq!(report["findings"][2]["status"], "ok", "{report}");
    world.write(
        "state/audit.jsonl",
        text.replace("\"ada SHA256", "\"eve SHA256"),
    );
    let outcome = world.guard(&["log", "verify"]).run();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    outcome.says("audit.jsonl:1: ");
}
