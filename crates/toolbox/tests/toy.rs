//! A tool is one crate and one line in the toolbox: this one reads, measures, saves and brings back, and
//! nothing else in guard knows it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

/// What would be the crate of the tool.
mod crate_of_toy {
    use std::path::{Path, PathBuf};

    use guard_core::context::Context;
    use guard_core::grammar::options::{GETOPT, Grammar};
    use guard_core::invocation::{Invocation, Word};
    use guard_core::kept::{Kept, Undoing};
    use guard_core::loss::{self, Loss, Phrase};
    use guard_core::preview::Preview;
    use guard_core::tool::{Scene, Tool};
    use guard_core::wish::{Saving, Wish};
    use guard_core::world::World;
    use guard_ground::sanitize;
    use guard_store::Unsaved;
    use guard_store::manifest::{Blob, Body, Part};
    use guard_store::writer::Writer;
    use guard_words::Measure;
    use serde::{Deserialize, Serialize};

    /// `toy wipe FILE…` empties files, `toy list` lists them.
    pub struct Toy;

    impl Tool for Toy {
        fn name(&self) -> &'static str {
            "toy"
        }

        fn read(&self, arguments: &[Word], _context: &Context) -> Invocation {
            let mut parsed = Grammar {
                options: "q|quiet n|dry-run",
                inherited: "help",
                style: GETOPT,
            }
            .read(arguments);
            let mut invocation = Invocation::new("toy");
            if !parsed.operands.is_empty() {
                let verb = parsed.operands.remove(0);
                let verb = verb.text.to_string_lossy().into_owned();
                invocation.verb = vec![verb.into()];
            }
            invocation.inert = parsed
                .flags
                .iter()
                .any(|flag| flag.is("--dry-run") || flag.is("--help"));
            invocation.flags = parsed.flags;
            invocation.operands = parsed.operands;
            invocation.arguments = arguments.iter().map(|word| word.text.clone()).collect();
            invocation
        }

        fn only_reads(&self, invocation: &Invocation) -> bool {
            invocation.verb_is(&["list"])
        }

        fn measure(&self, _invocation: &Invocation, scene: &Scene<'_>) -> Preview {
            let mut loss = Loss {
                phrase: Phrase {
                    verb: "wipe",
                    place: String::new(),
                },
                ..Loss::default()
            };
            let paths = scene
                .places
                .iter()
                .filter_map(|placed| placed.path.as_ref());
            let files: Vec<PathBuf> = paths
                .map(|path| path.as_path().to_owned())
                .filter(|path| path.metadata().is_ok_and(|meta| meta.len() > 0))
                .collect();
            if files.is_empty() {
                return Preview::Exact(loss);
            }
            let sizes = files
                .iter()
                .map(|file| file.metadata().map(|meta| meta.len()));
            let Ok(bytes) = sizes.sum::<std::io::Result<u64>>() else {
                return Preview::Unknown("a file cannot be looked at".to_owned(), loss);
            };
            loss.add(loss::Lot {
                measure: Measure::Files,
                count: files.len() as u64,
                at_least: false,
                bytes: Some(bytes),
                what: "with toys".to_owned(),
                examples: files.iter().map(|file| sanitize::path(file)).collect(),
                kept: true,
            });
            loss.saves.push(Toys { files });
            Preview::Exact(loss)
        }

        fn is_far(&self, _invocation: &Invocation, _world: &World, _context: &Context) -> bool {
            false
        }

        fn revive(&self, part: &Part) -> Option<Result<Box<dyn Kept>, String>> {
            let kept = part.read::<KeptToys>()?;
            Some(kept.map(|kept| Box::new(kept) as Box<dyn Kept>))
        }
    }

    /// Files that would be emptied.
    #[derive(Debug)]
    struct Toys {
        files: Vec<PathBuf>,
    }

    impl Wish for Toys {
        fn save(&self, _saving: &Saving<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved> {
            Ok(vec![save(&self.files, writer)?])
        }
    }

    fn save(files: &[PathBuf], writer: &Writer) -> Result<Part, Unsaved> {
        let mut kept = KeptToys { files: Vec::new() };
        for file in files {
            let content = std::fs::read(file)?;
            writer.count(1, content.len() as u64)?;
            kept.files.push((file.clone(), writer.bytes(&content)?));
        }
        Part::new(&kept)
    }

    /// The same in a backup.
    #[derive(Serialize, Deserialize)]
    struct KeptToys {
        files: Vec<(PathBuf, Blob)>,
    }

    impl Body for KeptToys {
        const KIND: &'static str = "toys";
    }

    impl KeptToys {
        /// Writes every file below another directory, or where it was.
        fn write(&self, undoing: &Undoing<'_>, into: Option<&Path>) -> Result<(), String> {
            for (file, blob) in &self.files {
                let content = undoing.reader.bytes(blob)?;
                std::fs::write(place(file, into), content).map_err(|error| error.to_string())?;
            }
            Ok(())
        }

        fn differing(
            &self,
            undoing: &Undoing<'_>,
            into: Option<&Path>,
        ) -> Result<Vec<String>, String> {
            let mut lines = Vec::new();
            for (file, blob) in &self.files {
                if std::fs::read(place(file, into)).ok() != Some(undoing.reader.bytes(blob)?) {
                    lines.push(sanitize::path(file));
                }
            }
            Ok(lines)
        }
    }

    fn place(file: &Path, into: Option<&Path>) -> PathBuf {
        match (into, file.file_name()) {
            (Some(into), Some(name)) => into.join(name),
            _ => file.to_owned(),
        }
    }

    impl Kept for KeptToys {
        fn lines(&self) -> Vec<String> {
            self.files
                .iter()
                .map(|(file, _)| sanitize::path(file))
                .collect()
        }

        fn is_outside(&self, world: &World) -> bool {
            !self.files.iter().all(|(file, _)| world.is_inside(file))
        }

        fn conflicts(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
            let full = |file: &Path| file.metadata().is_ok_and(|meta| meta.len() > 0);
            let differing = self.differing(undoing, undoing.into)?;
            Ok(self
                .files
                .iter()
                .filter(|(file, _)| full(&place(file, undoing.into)))
                .map(|(file, _)| sanitize::path(file))
                .filter(|shown| differing.contains(shown))
                .collect())
        }

        fn save_now(
            &self,
            _undoing: &Undoing<'_>,
            writer: &mut Writer,
        ) -> Result<Vec<Part>, Unsaved> {
            let there = self.files.iter().map(|(file, _)| file.clone());
            let there: Vec<PathBuf> = there.filter(|file| file.exists()).collect();
            Ok(vec![save(&there, writer)?])
        }

        fn restore(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
            self.write(undoing, undoing.into)?;
            Ok(Vec::new())
        }

        fn differences(&self, undoing: &Undoing<'_>) -> Result<Vec<String>, String> {
            self.differing(undoing, undoing.into)
        }

        fn drill(&self, undoing: &Undoing<'_>, scratch: &Path) -> Result<Vec<String>, String> {
            self.write(undoing, Some(scratch))?;
            match self.differing(undoing, Some(scratch))?.as_slice() {
                [] => Ok(self.lines()),
                wrong => Err(wrong.join(", ")),
            }
        }

        fn contents(&self) -> Vec<(String, &Blob)> {
            self.files
                .iter()
                .map(|(file, blob)| (sanitize::path(file), blob))
                .collect()
        }
    }
}

use std::ffi::OsString;
use std::path::Path;

use crate_of_toy::Toy;
use guard_backup::{drill, saving::Saver, undo};
use guard_core::context::{Consult, Context};
use guard_core::invocation::words;
use guard_core::kept::{self, Undoing};
use guard_core::preview::Budget;
use guard_core::tool::{Tool, Toolbox};
use guard_core::verdict::Verdict;
use guard_ground::install::Places;
use guard_judge::judging::Judge;
use guard_judge::load;
use guard_judge::rules::Rules;
use guard_store::reader::BackupReader;
use guard_store::store::Store;
use guard_toolbox::TOOLBOX;
use guard_words::Effect;

const RULE: &str = r#"
[[rule]]
id       = "toy.wipe"
tool     = "toy"
verb     = ["wipe"]
effect   = "backup"
reason   = "empties files"
safer    = "toy wipe --dry-run a"
match    = ["toy wipe a", "toy -q wipe a b", "toy wipe a --quiet"]
no-match = ["toy list", "toy wipe -n a"]
"#;

/// The toolbox with the one line more.
fn toolbox() -> Toolbox {
    let toy: &'static dyn Tool = &Toy;
    Toolbox {
        tools: [TOOLBOX.tools, &[toy]].concat().leak(),
        ..TOOLBOX
    }
}

/// Rules, the tools and a place to work in.
struct Room {
    tools: Toolbox,
    rules: Rules,
    places: Places,
    context: Context,
    directory: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        let tools = toolbox();
        let mut rules = Rules::defaults();
        load::parse(&tools, RULE, &mut rules).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let work = directory.path().join("work");
        std::fs::create_dir(&work).unwrap();
        std::fs::write(work.join("bear"), "brown\n").unwrap();
        std::fs::write(work.join("ball"), "red\n").unwrap();
        Self {
            context: Context::new(tools.nested, Some(work), Consult::Tools),
            places: Places {
                binary: None,
                config: None,
                state: Some(directory.path().join("state")),
                share: None,
                locked: directory.path().join("locked"),
                unlocked: None,
            },
            tools,
            rules,
            directory,
        }
    }

    fn judge(&self) -> Judge<'_> {
        let none = &|| None;
        Judge::new(&self.tools, &self.rules, &self.places, &self.context, none).for_agent(None)
    }

    fn verdict(&self, line: &str) -> Verdict {
        let line: Vec<&str> = line.split(' ').collect();
        let name = self.tools.known(line[0].as_ref()).unwrap();
        let invocation = self.tools.read(&name, &words(&line[1..]), &self.context);
        self.judge().judge(&invocation)
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join("work").join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }
}

fn is_harmless(verdict: &Verdict) -> bool {
    verdict.effect == Effect::Allow
}

#[test]
fn it_is_judged_and_measured_as_any_other() {
    let room = Room::new();
    let verdict = room.verdict("toy wipe bear ball");
    assert_eq!(verdict.effect, Effect::Backup);
    assert_eq!(verdict.rules[0].id, "toy.wipe");
    assert_eq!(verdict.preview.loss().unwrap().size(), "2 files");
    let stakes = guard_core::message::stakes(&verdict).join("\n");
    assert!(stakes.contains("with toys"), "{stakes}");

    std::fs::write(room.file("empty"), "").unwrap();
    std::fs::write(room.directory.path().join("outside"), "x").unwrap();
    let nothing = room.verdict("toy wipe empty missing");
    assert!(is_harmless(&nothing) && nothing.preview.is_harmless());
    assert!(is_harmless(&room.verdict("toy wipe bear --dry-run")));
    assert!(is_harmless(&room.verdict("toy list")));
    // What lies outside the workspace is not simply saved.
    let outside = room.verdict("toy wipe ../outside");
    assert_eq!(outside.effect, Effect::Confirm);
    // The others are as they were.
    assert_eq!(room.verdict("rm bear").effect, Effect::Backup);
}

#[test]
fn what_it_loses_is_saved_drilled_and_brought_back() {
    let room = Room::new();
    let verdict = room.verdict("toy wipe bear ball");
    let argv = ["toy", "wipe", "bear", "ball"].map(OsString::from);
    let judge = room.judge();
    let way = Saver {
        tools: &room.tools,
        tool: &room.tools.known("toy".as_ref()).unwrap(),
        argv: &argv,
        context: &room.context,
        world: judge.world(),
        agent: None,
        limits: &room.rules.backup,
        state: room.places.state.clone(),
    };
    let saved = way.take(&verdict).unwrap().unwrap();
    let announced = guard_backup::announcement(&saved);
    assert!(
        announced.starts_with("2 files (10 B) saved first"),
        "{announced}"
    );
    std::fs::write(room.file("bear"), "").unwrap();
    std::fs::remove_file(room.file("ball")).unwrap();

    let store = Store::open(room.places.state.as_deref(), &room.rules.backup).unwrap();
    let item = store.by_id(&saved.saved.id).unwrap();
    let reader = BackupReader::open(&item, &store).unwrap();
    let parts = room.tools.revive_all(reader.manifest()).unwrap();
    let budget = Budget {
        deadline: kept::deadline(),
        progress: None,
        infrastructure: room.rules.infrastructure.clone(),
    };
    let undoing = |into| Undoing {
        reader: &reader,
        parts: &parts,
        store: &store,
        context: &room.context,
        world: judge.world(),
        into,
        budget: &budget,
    };
    let report = drill::run(&item, &store, &undoing(None));
    assert_eq!((report.good.len(), report.bad), (2, vec![]));
    assert_eq!(room.text("bear"), "");

    let plan = undo::plan(&undoing(None)).unwrap();
    assert_eq!((plan.lines.len(), plan.conflicts.len()), (2, 0));
    assert!(!plan.is_outside);
    let elsewhere = room.directory.path().join("elsewhere");
    let copied = undo::run(&item, &undoing(Some(&elsewhere))).unwrap();
    assert!(copied.by.is_none() && copied.differences.is_empty());
    assert_eq!(read(&elsewhere.join("ball")), "red\n");
    assert!(!room.file("ball").exists());

    let outcome = undo::run(&item, &undoing(None)).unwrap();
    assert!(outcome.notes.is_empty() && outcome.differences.is_empty());
    assert_eq!(
        (room.text("bear"), room.text("ball")),
        ("brown\n".into(), "red\n".into())
    );
    assert!(store.by_id(&saved.saved.id).unwrap().undone.is_some());
    // What it replaced was saved in its turn.
    let by = store.by_id(&outcome.by.unwrap()).unwrap();
    assert_eq!(by.summary.undoes, Some(saved.saved.id.clone()));

    // What was made since is not written over without being asked about.
    std::fs::write(room.file("bear"), "white\n").unwrap();
    assert_eq!(undo::plan(&undoing(None)).unwrap().conflicts.len(), 1);
}

#[test]
fn a_guard_without_it_says_so() {
    let room = Room::new();
    let verdict = room.verdict("toy wipe bear");
    let state = room.places.state.as_deref();
    let store = Store::open(state, &room.rules.backup).unwrap();
    let mut writer = store.begin(kept::deadline()).unwrap();
    let judge = room.judge();
    let saving = guard_core::wish::Saving {
        context: &room.context,
        world: judge.world(),
    };
    let wishes = &verdict.preview.loss().unwrap().saves;
    let wish = wishes.iter().next().unwrap();
    let parts = wish.save(&saving, &mut writer).unwrap();
    let why = TOOLBOX.revive(&parts[0]).err().unwrap();
    assert!(why.contains("of the kind toys"), "{why}");
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}
