//! Menus: a person who leaves out which one chooses, and everybody else is told as ever.
use crate::support::{Person, World};

const PASSPHRASE: &str = "correct horse battery";
const DOWN: &str = "\x1b[B";

/// guard at a terminal on which a menu can stand.
fn at_screen(world: &World, arguments: &[&str]) -> Person {
    world
        .guard(arguments)
        .variable("TERM", "xterm")
        .at_terminal()
}

/// Waits for a menu whose last line is this, and presses keys.
fn presses(person: &mut Person, last: &str, keys: &str) {
    person.until(last);
    person.settled();
    person.keys(keys);
}

#[test]
fn an_approval_is_chosen() {
    let world = World::new();
    let mut person = world.guard(&["key", "init", "--name", "ada"]).at_terminal();
    person.secret("New passphrase: ", PASSPHRASE);
    person.secret("The same again: ", PASSPHRASE);
    assert_eq!(person.ends().code, Some(0));
    world
        .command(&["rm", "-rf", "../shared/uploads"])
        .run()
        .blocked();
    world.write("app/notes", "never committed\n");
    world.command(&["rm", "notes"]).run().blocked();

    // The oldest stands first; of those of one second, any.
    let waiting = world.pending();
    let is_notes = |at: usize| waiting[at]["argv"][1] == "notes";
    let last = if is_notes(1) { "rm notes" } else { "uploads" };
    let mut person = at_screen(&world, &["approve"]);
    presses(&mut person, last, "q");
    person.until("nothing was chosen");
    assert_eq!(person.ends().code, Some(1));

    let mut person = at_screen(&world, &["approve"]);
    presses(&mut person, last, "\x03");
    let left = person.ends();
    assert!(left.stdout.contains("\x1b[?25h"), "the cursor: {left:?}");
    assert_eq!(world.pending().len(), 2);

    let mut person = at_screen(&world, &["approve"]);
    let modes = person.modes();
    if is_notes(1) {
        presses(&mut person, last, DOWN);
    }
    presses(&mut person, last, "\r");
    let phrase = person.phrase();
    assert_eq!(person.modes(), modes);
    person.line(&phrase);
    person.secret("Passphrase of ", PASSPHRASE);
    assert_eq!(person.ends().code, Some(0));
    assert_eq!(world.command(&["rm", "notes"]).run().code, Some(0));
    assert!(!world.exists("app/notes") && world.exists("shared/uploads/photo.jpg"));
}

#[test]
fn a_backup_is_chosen() {
    let world = World::with_backups();
    for name in ["one", "two", "three"] {
        world.write(&format!("app/{name}"), "text\n");
        assert_eq!(world.run(&format!("rm {name}")).code, Some(0));
    }
    // The newest stands first.
    let mut person = at_screen(&world, &["undo"]);
    presses(&mut person, "rm one", DOWN);
    presses(&mut person, "rm one", "\r");
    assert_eq!(person.ends().code, Some(0));
    let there = ["one", "two", "three"].map(|name| world.exists(&format!("app/{name}")));
    assert_eq!(there, [false, true, false]);

    let mut person = at_screen(&world, &["backups", "show"]);
    presses(&mut person, "rm one", "\r");
    let shown = person.ends();
    assert_eq!(shown.code, Some(0), "{shown:?}");

    // Where no menu can stand, the newest is meant, or an id is asked for.
    let refused = world.guard(&["backups", "show"]).run();
    assert_eq!(refused.code, Some(2), "{refused:?}");
    refused.says("<ID>");
    assert_eq!(world.guard(&["undo"]).run().code, Some(0));
    assert!(world.exists("app/three") && !world.exists("app/one"));
}
