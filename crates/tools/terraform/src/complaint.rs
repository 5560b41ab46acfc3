//! What terraform says of itself when something fails.

use guard_core::probe::ToolAnswer;
use guard_ground::sanitize;

/// terraform's own error, in one line: what follows `Error:`, up to its advice.
pub(super) fn complaint(answer: &ToolAnswer) -> String {
    const LINES: usize = 6;
    let text = String::from_utf8_lossy(&answer.errors);
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim_matches(['╷', '│', '╵', ' ']))
        .filter(|line| !line.is_empty())
        .collect();
    let start = lines
        .iter()
        .position(|line| line.starts_with("Error:"))
        .unwrap_or(0);
    let told: Vec<&str> = lines.iter().skip(start).take(LINES).copied().collect();
    let told = if told.is_empty() {
        "no message".to_owned()
    } else {
        told.join(" ")
    };
    let told = guard_ground::mask::mask(&sanitize::text(&told));
    format!("terraform says: {}", sanitize::cut(&told, 400))
}
