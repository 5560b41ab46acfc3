//! What a hook prints. Exit code 0 with JSON is understood by every agent; other codes are not:
//! exit 2 blocks in Claude Code, Codex, Gemini CLI, Qwen Code and Cursor, but Copilot CLI "logs and
//! skips" every hook that fails. So a denial is always JSON with exit code 0.

use serde_json::{Value, json};

use super::Host;

/// The answer that leaves the decision to the agent's own rules. An explicit "allow" would skip the
/// agent's own question.
pub const PASS: &str = "{}";

/// The answer that denies, for this reason, which the model reads.
pub fn deny(host: Host, reason: &str) -> Value {
    match host {
        Host::Claude | Host::Codex | Host::Qwen => json!({
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": "deny",
                "permissionDecisionReason": reason,
            }
        }),
        Host::Gemini | Host::OpenCode => json!({ "decision": "deny", "reason": reason }),
        Host::Copilot => json!({
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        }),
        // Cursor 1.7 spelled the messages in camel case, later versions with underscores.
        Host::Cursor => json!({
            "permission": "deny",
            "user_message": reason,
            "agent_message": reason,
            "userMessage": reason,
            "agentMessage": reason,
        }),
    }
}
