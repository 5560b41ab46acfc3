//! The ways that an agent's commands take, each proven by a stand-in for what a command would destroy: from
//! here, in a login shell, as each agent runs commands, the same below `guard run`, through its hook, and
//! through sudo.

use guard_toolbox::TOOLBOX;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Finding, finding};
use guard_agents::stand_in::{StandIn, StandInFate};
use guard_core::context::{Consult, Context};
use guard_ground::install::Places;
use guard_ground::sanitize;

/// The shell that an agent runs commands in.
#[derive(Clone, Copy, Debug)]
enum AgentShell {
    /// The person's own (`$SHELL`).
    Own,
    /// Always bash.
    Bash,
}

/// An agent and how it runs commands.
struct Habit {
    /// Its program on PATH.
    program: &'static str,
    /// Its name.
    name: &'static str,
    shell: AgentShell,
    /// The options in front of the command.
    options: &'static [&'static str],
}

const fn habit(
    program: &'static str,
    name: &'static str,
    shell: AgentShell,
    options: &'static [&'static str],
) -> Habit {
    Habit {
        program,
        name,
        shell,
        options,
    }
}

/// How agents run commands, as measured in 2026.
const HABITS: [Habit; 10] = [
    habit("claude", "Claude Code", AgentShell::Own, &["-c"]),
    habit("codex", "Codex", AgentShell::Own, &["-lc"]),
    habit("gemini", "Gemini CLI", AgentShell::Bash, &["-c"]),
    habit("qwen", "Qwen Code", AgentShell::Bash, &["-c"]),
    habit("opencode", "OpenCode", AgentShell::Bash, &["-c"]),
    habit(
        "copilot",
        "Copilot CLI",
        AgentShell::Bash,
        &["--norc", "--noprofile", "-c"],
    ),
    habit("cursor-agent", "Cursor", AgentShell::Own, &["-ilc"]),
    habit("goose", "Goose", AgentShell::Bash, &["-c"]),
    habit("aider", "Aider", AgentShell::Own, &["-i", "-c"]),
    habit("cline", "Cline", AgentShell::Bash, &["-c"]),
];

/// Sends a stand-in through every way that there is on this machine.
pub(super) fn prove(places: &Places, state: &Path) -> Vec<Finding> {
    let stand_in = match StandIn::new(state) {
        Ok(stand_in) => stand_in,
        Err(error) => {
            let found = format!(
                "nothing can be proven: {} cannot be written: {error}",
                sanitize::path(state)
            );
            return vec![finding("ways", "wrong", found, None)];
        }
    };
    let context = Context::new(
        TOOLBOX.nested,
        Some(stand_in.directory().to_owned()),
        Consult::Tools,
    );
    let prover = WayProver {
        stand_in: &stand_in,
        context: &context,
        shims: places
            .share
            .as_ref()
            .map_or_else(|| PathBuf::from("…/shims"), |share| share.join("shims")),
        binary: places.binary.clone().unwrap_or_else(|| "guard".into()),
    };
    let mut ways = vec![
        prover.here(),
        prover.login(&own_shell()),
        prover.login("/bin/sh".as_ref()),
    ];
    ways.dedup_by(|one, other| one.found == other.found);
    for habit in &HABITS {
        ways.extend(prover.agent(habit));
        ways.extend(prover.below_run(habit));
    }
    ways.extend(super::hooks::prove(places, &stand_in, &context));
    ways.extend(prover.sudo());
    ways
}

/// The person's shell.
fn own_shell() -> PathBuf {
    std::env::var_os("SHELL")
        .map(PathBuf::from)
        .filter(|shell| shell.is_absolute() && shell.is_file())
        .unwrap_or_else(|| "/bin/sh".into())
}

fn on_path(name: &str, context: &Context) -> Option<PathBuf> {
    let search = context.variable("PATH")?;
    std::env::split_paths(&search)
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
}

struct WayProver<'a> {
    stand_in: &'a StandIn,
    context: &'a Context,
    shims: PathBuf,
    binary: PathBuf,
}

impl WayProver<'_> {
    fn in_shell(&self, shell: &Path, options: &[&str]) -> StandInFate {
        let mut words: Vec<OsString> = options.iter().map(Into::into).collect();
        words.push(self.stand_in.command("rm"));
        self.stand_in.send(shell, &words, self.context)
    }

    fn guard(&self, words: &str) -> String {
        format!("{} {words}", sanitize::path(&self.binary))
    }

    /// What is started from here.
    fn here(&self) -> Finding {
        let Some(rm) = on_path("rm", self.context) else {
            return finding("shell", "note", "rm: there is none on PATH", None);
        };
        let words = [OsString::from("-r"), self.stand_in.target().into()];
        let fate = self.stand_in.send(&rm, &words, self.context);
        let mend = format!("export PATH=\"{}:$PATH\"", sanitize::path(&self.shims));
        verdict("shell", "rm, as this shell finds it", fate, mend)
    }

    fn login(&self, shell: &Path) -> Finding {
        let way = format!("{} -lc 'rm …'", sanitize::path(shell));
        let fate = self.in_shell(shell, &["-lc"]);
        verdict("login", &way, fate, self.guard("setup shell"))
    }

    /// The shell that the agent starts, if the agent is on this machine.
    fn shell_of(&self, habit: &Habit) -> Option<PathBuf> {
        on_path(habit.program, self.context)?;
        match habit.shell {
            AgentShell::Own => Some(own_shell()),
            AgentShell::Bash => on_path("bash", self.context),
        }
    }

    /// An agent's own way.
    fn agent(&self, habit: &Habit) -> Option<Finding> {
        let shell = self.shell_of(habit)?;
        let way = format!(
            "{} runs {} {} 'rm …'",
            habit.name,
            sanitize::path(&shell),
            habit.options.join(" ")
        );
        let fate = self.in_shell(&shell, habit.options);
        let mend = self.guard(&format!("run {}", habit.program));
        Some(verdict("agent", &way, fate, mend))
    }

    /// The same below `guard run`: a script of the agent's name runs the command as the agent would.
    fn below_run(&self, habit: &Habit) -> Option<Finding> {
        let shell = self.shell_of(habit)?;
        let way = format!("{} below guard run", habit.name);
        let fate = match self.write_agent(habit, &shell) {
            Ok(agent) => {
                let words = [
                    "run".into(),
                    "--".into(),
                    agent.into(),
                    self.stand_in.command("rm"),
                ];
                self.stand_in.send(&self.binary, &words, self.context)
            }
            Err(error) => StandInFate::Unproven(error.to_string()),
        };
        Some(verdict("run", &way, fate, self.guard("run --dry-run")))
    }

    fn write_agent(&self, habit: &Habit, shell: &Path) -> std::io::Result<PathBuf> {
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::PermissionsExt as _;

        let file = self.stand_in.directory().join(habit.program);
        let own = matches!(habit.shell, AgentShell::Own);
        let mut text = b"#!/bin/sh\nfor last; do :; done\nexec ".to_vec();
        if own {
            // guard run may have put another one there.
            text.extend_from_slice(b"\"$SHELL\"");
        } else {
            let quoted = shlex::bytes::try_quote(shell.as_os_str().as_bytes());
            text.extend_from_slice(&quoted.unwrap_or_default());
        }
        text.extend_from_slice(format!(" {} \"$last\"\n", habit.options.join(" ")).as_bytes());
        std::fs::write(&file, text)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
        Ok(file)
    }

    /// sudo, whose PATH is its own (sudoers(5), `secure_path`).
    fn sudo(&self) -> Option<Finding> {
        let sudo = on_path("sudo", self.context)?;
        let mut words: Vec<OsString> = vec!["-n".into(), "rm".into(), "-r".into()];
        words.push(self.stand_in.target().into());
        let fate = self.stand_in.send(&sudo, &words, self.context);
        let one = verdict(
            "sudo",
            "sudo rm",
            fate,
            "sudo ./install.sh --system --secure-path, in a clone of guard".to_owned(),
        );
        // guard for one user cannot answer for root's commands.
        Some(Finding {
            status: if one.status == "wrong" {
                "note"
            } else {
                one.status
            },
            ..one
        })
    }
}

/// What a fate means for a way.
pub(super) fn verdict(name: &'static str, way: &str, fate: StandInFate, mend: String) -> Finding {
    let way = sanitize::text(way);
    match fate {
        StandInFate::Held => finding(
            name,
            "ok",
            format!("{way}: a stand-in was sent, and held"),
            None,
        ),
        StandInFate::Gone => finding(
            name,
            "wrong",
            format!("{way}: a stand-in was sent, and deleted: no shim is in the way"),
            Some(mend),
        ),
        StandInFate::Unproven(why) => finding(
            name,
            "note",
            format!("{way}: could not be proven: {}", sanitize::text(&why)),
            None,
        ),
    }
}
