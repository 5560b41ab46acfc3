//! What the error of a service says.

use guard_core::probe::ToolAnswer;

/// The code of a service's error: `An error occurred (NoSuchBucket) when calling …`
/// (`awscli/errorhandler.py`).
pub fn error_code(answer: &ToolAnswer) -> Option<String> {
    let text = String::from_utf8_lossy(&answer.errors);
    let (_, rest) = text.split_once("An error occurred (")?;
    Some(rest.split_once(')')?.0.to_owned())
}

/// Whether an error says that what was asked for is not there.
pub(crate) fn is_missing(answer: &ToolAnswer) -> bool {
    let Some(code) = error_code(answer) else {
        return false;
    };
    let text = String::from_utf8_lossy(&answer.errors);
    ["NotFound", "NoSuch", "NonExistent", "DoesNotExist"]
        .iter()
        .any(|part| code.contains(part))
        || code == "404"
        || (code == "ValidationError" && text.contains("does not exist"))
}
