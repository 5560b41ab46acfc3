//! The hooks of agents: what they send before they run a command, and how they are told no.
//!
//! A hook is a second net. It sees the string that the agent hands to a shell, so it sees what no
//! shim can: a tool by its path, `find -delete`, a redirection over a file, code for an interpreter.
//! What a shim will judge it leaves to the shim, which knows more and would ask again.
//!
//! Every agent has an answer that means "ask the person"; none is given here: some agents take it
//! for yes when nobody is there, and Cursor's automatic mode runs the command.

pub mod answer;
pub mod inline;
pub mod payload;
pub mod unseen;

/// An agent with a hook protocol that guard speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Claude Code, `PreToolUse` (code.claude.com/docs/en/hooks).
    Claude,
    /// Codex, `PreToolUse` (its documentation, "Hooks").
    Codex,
    /// Gemini CLI, `BeforeTool` (geminicli.com/docs/hooks/reference).
    Gemini,
    /// Qwen Code, `PreToolUse` (its repository, docs/users/features/hooks.md).
    Qwen,
    /// Copilot CLI, `preToolUse` and `PreToolUse` (docs.github.com, "Copilot CLI hooks reference").
    Copilot,
    /// Cursor, `beforeShellExecution` and `preToolUse` (cursor.com/docs/hooks).
    Cursor,
    /// `OpenCode`, the plugin in docs/hooks.md, which calls guard from `tool.execute.before`
    /// (opencode.ai/docs/plugins).
    OpenCode,
}

impl Host {
    /// Its name, the same as among guard's agents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claude => "Claude Code",
            Self::Codex => "Codex",
            Self::Gemini => "Gemini CLI",
            Self::Qwen => "Qwen Code",
            Self::Copilot => "Copilot CLI",
            Self::Cursor => "Cursor",
            Self::OpenCode => "OpenCode",
        }
    }
}
