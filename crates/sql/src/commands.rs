//! psql's backslash commands (man psql, "Meta-Commands", `PostgreSQL` 18).

use super::lexer::is_name;

/// What a backslash command does.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Shows or sets something of psql's own.
    Info,
    /// As `Info`, and the rest of the line is its argument.
    InfoLine,
    /// Changes something, nothing stored before is lost.
    Change,
    /// Sends the text: `\g`, `\gx`.
    Go,
    /// Sends the text and sets variables.
    GoSet,
    /// Sends the text and runs the result.
    GoExec,
    /// Sends the text, perhaps again and again.
    Watch,
    /// Sends the text.
    Send,
    /// Asks for the columns of the text's result without running it.
    Describe,
    /// Prepares the text under a name.
    Parse,
    /// Runs what a name was prepared for.
    BindNamed,
    /// Pipelines, which change when statements run.
    Pipeline,
    /// Writes to a file or a command: `\o`, `\w`, `\s`.
    Output,
    Include,
    Set,
    /// Makes a variable's value something that is not in the text; it is the
    /// first or the last argument.
    Assign {
        last: bool,
    },
    SetEnvironment,
    Encoding,
    If,
    Else,
    EndIf,
    Connect,
    Reset,
    Quit,
    Restrict,
    LargeUnlink,
    LargeExport,
    Copy,
    Shell,
    Edit,
    Unknown,
}

/// What the command of this name does. The name is without its backslash.
pub(super) fn meaning(name: &[u8]) -> Meaning {
    match name {
        b"g" | b"gx" => Meaning::Go,
        b"gset" => Meaning::GoSet,
        b"gexec" => Meaning::GoExec,
        b"gdesc" => Meaning::Describe,
        b"watch" => Meaning::Watch,
        b"crosstabview" | b"sendpipeline" => Meaning::Send,
        b"parse" => Meaning::Parse,
        b"bind_named" => Meaning::BindNamed,
        b"startpipeline" | b"endpipeline" | b"syncpipeline" | b"flush" | b"flushrequest"
        | b"getresults" => Meaning::Pipeline,
        b"o" | b"out" | b"w" | b"write" | b"s" => Meaning::Output,
        b"i" | b"include" | b"ir" | b"include_relative" => Meaning::Include,
        b"set" => Meaning::Set,
        b"unset" | b"getenv" => Meaning::Assign { last: false },
        b"prompt" => Meaning::Assign { last: true },
        b"setenv" => Meaning::SetEnvironment,
        b"encoding" => Meaning::Encoding,
        b"if" => Meaning::If,
        b"elif" | b"else" => Meaning::Else,
        b"endif" => Meaning::EndIf,
        b"c" | b"connect" => Meaning::Connect,
        b"r" | b"reset" => Meaning::Reset,
        b"q" | b"quit" => Meaning::Quit,
        b"restrict" | b"unrestrict" => Meaning::Restrict,
        b"lo_unlink" => Meaning::LargeUnlink,
        b"lo_export" => Meaning::LargeExport,
        b"copy" => Meaning::Copy,
        b"!" => Meaning::Shell,
        b"e" | b"edit" | b"ef" | b"ev" => Meaning::Edit,
        b"cd" | b"password" | b"lo_import" => Meaning::Change,
        b"h" | b"help" | b"sf" | b"sf+" | b"sv" | b"sv+" => Meaning::InfoLine,
        b"a" | b"C" | b"conninfo" | b"conninfo+" | b"copyright" | b"echo" | b"qecho" | b"warn"
        | b"errverbose" | b"f" | b"H" | b"html" | b"l" | b"list" | b"l+" | b"list+"
        | b"lo_list" | b"lo_list+" | b"p" | b"print" | b"pset" | b"t" | b"T" | b"timing" | b"x"
        | b"lx" | b"lx+" | b"z" | b"zS" | b"z+" | b"bind" | b"close_prepared" | b"?" => {
            Meaning::Info
        }
        [b'd', rest @ ..] if rest.iter().all(|byte| is_name(*byte) || *byte == b'+') => {
            Meaning::Info
        }
        _ => Meaning::Unknown,
    }
}

/// Commands that work whatever the server and the files are. After one that
/// fails, psql drops the rest of the line.
pub(super) fn cannot_fail(name: &[u8], bare: bool) -> bool {
    match name {
        b"bind" | b"echo" | b"qecho" | b"warn" => true,
        b"a" | b"H" | b"p" | b"print" | b"t" | b"timing" | b"x" => bare,
        _ => false,
    }
}

/// Variables of the environment that name programs which psql starts.
pub(super) const PROGRAMS: &[&str] = &[
    "EDITOR",
    "PAGER",
    "PATH",
    "PSQL_EDITOR",
    "PSQL_PAGER",
    "PSQL_WATCH_PAGER",
    "SHELL",
    "VISUAL",
];
