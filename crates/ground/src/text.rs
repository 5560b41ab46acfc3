//! Numbers, times and lines as people read them.

/// A number of seconds as people say it, rounded: `9 minutes`.
pub fn duration(seconds: u64) -> String {
    let units = [
        (86_400, "day"),
        (3600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let (size, name) = units
        .into_iter()
        .find(|(size, _)| seconds >= *size)
        .unwrap_or((1, "second"));
    let count = (seconds + size / 2) / size;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// Whether a person's terminal is to be shown colours (no-color.org).
pub fn colored() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// A text in lines of at most 80 columns, those after the first indented by two more; it ends with a
/// line break.
pub fn wrapped(text: &str) -> String {
    let indent = text.len() - text.trim_start_matches(' ').len();
    let (start, rest) = text.split_at(indent);
    let mut shown = String::new();
    fill(&mut shown, start, indent + 2, rest);
    shown
}

/// A text in lines of at most 80 columns, all of which begin where the first does, after `start`.
pub fn hanging(start: &str, text: &str) -> String {
    let mut shown = String::new();
    fill(&mut shown, start, start.chars().count(), text);
    shown
}

fn fill(into: &mut String, start: &str, indent: usize, text: &str) {
    const WIDTH: usize = 80;
    into.push_str(start);
    let mut column = start.chars().count();
    for (at, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if at > 0 && column + 1 + length > WIDTH {
            into.push('\n');
            into.push_str(&" ".repeat(indent));
            column = indent;
        } else if at > 0 {
            into.push(' ');
            column += 1;
        }
        into.push_str(word);
        column += length;
    }
    into.push('\n');
}

/// A name and what it is, below one another on a screen.
pub fn row(name: &str, value: &str) -> String {
    hanging(&format!("  {name:<9} "), value)
}

/// A share as people read it: `34 %`, `0.02 %`.
pub fn human_percent(percent: f64) -> String {
    match percent {
        100.0.. => "all of it".to_owned(),
        10.0.. => format!("{percent:.0} %"),
        0.1.. => format!("{percent:.1} %"),
        _ => format!("{percent:.4} %"),
    }
}

/// A size as people read it: `512 B`, `1.2 GiB`.
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut unit = 0;
    let mut whole = bytes;
    let mut tenths = 0;
    while whole >= 1024 && unit + 1 < UNITS.len() {
        tenths = (whole % 1024) * 10 / 1024;
        whole /= 1024;
        unit += 1;
    }
    let unit_name = UNITS.get(unit).copied().unwrap_or("B");
    if unit == 0 || whole >= 100 {
        format!("{whole} {unit_name}")
    } else {
        format!("{whole}.{tenths} {unit_name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_536, "1.5 KiB"),
            (1_288_490_188, "1.1 GiB"),
            (500 << 20, "500 MiB"),
        ] {
            assert_eq!(human_bytes(bytes), shown);
        }
    }

    #[test]
    fn lines_fit_into_80_columns() {
        let words = "word ".repeat(40);
        for text in [wrapped(&format!("  {words}")), row("command", &words)] {
            assert!(
                text.lines().all(|line| line.chars().count() <= 80),
                "{text}"
            );
            assert_eq!(text.matches("word").count(), 40);
        }
        assert_eq!(wrapped("  short"), "  short\n");
        assert_eq!(row("in", "/app"), "  in        /app\n");
        // What is longer than a line stays whole: it has to be read, or copied.
        let long = "x".repeat(100);
        assert_eq!(
            wrapped(&format!("  a {long}")),
            format!("  a\n    {long}\n")
        );
    }

    #[test]
    fn durations() {
        for (seconds, shown) in [
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (600, "10 minutes"),
            (5400, "2 hours"),
            (86_400, "1 day"),
            (0, "0 seconds"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
    }
}
