//! What a tool answered, or why there is no answer.

/// What a tool answered.
#[derive(Debug)]
pub struct ToolAnswer {
    /// Whether it exited with 0.
    pub success: bool,
    /// Its exit code, if it was not killed.
    pub code: Option<i32>,
    /// Standard output.
    pub output: Vec<u8>,
    /// Standard error.
    pub errors: Vec<u8>,
}

impl ToolAnswer {
    /// The line of standard error that says what went wrong, for messages.
    pub fn complaint(&self) -> String {
        let text = String::from_utf8_lossy(&self.errors);
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let line = lines
            .clone()
            .find(|line| line.starts_with("fatal:") || line.starts_with("error:"))
            .or_else(|| lines.next_back())
            .unwrap_or("no message");
        guard_ground::sanitize::cut(&guard_ground::sanitize::text(line.trim()), 200)
    }
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// The time budget ran out.
    TimedOut,
    /// More output than guard reads.
    TooMuch,
    /// The tool is not on PATH.
    NotFound(String),
    /// The system refused.
    System(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TimedOut => write!(formatter, "it took longer than the time budget"),
            Self::TooMuch => write!(formatter, "the tool printed more than guard reads"),
            Self::NotFound(name) => write!(formatter, "the real {name} was not found"),
            Self::System(reason) => write!(formatter, "{reason}"),
        }
    }
}
