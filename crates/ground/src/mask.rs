//! Secrets do not go into the log or onto a screen.

use std::ffi::OsString;

use crate::sanitize;

/// What stands for a secret.
const MASKED: &str = "***";

/// Parts of names whose values are secrets.
const SECRET_NAMES: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api-key",
    "api_key",
    "access-key",
    "access_key",
    "credential",
    "authorization",
    "private-key",
    "private_key",
];

/// Words of an argv beyond these are only counted.
const MAX_WORDS: usize = 200;
/// A longer word is cut.
const MAX_WORD: usize = 2000;

/// A command as it may be written down: secrets masked, what is too long cut, sanitised.
pub fn masked(argv: &[OsString]) -> Vec<String> {
    let mut shown: Vec<String> = argv
        .iter()
        .take(MAX_WORDS)
        .map(|word| sanitize::cut(&sanitize::os(word), MAX_WORD))
        .collect();
    mask_all(&mut shown);
    if argv.len() > MAX_WORDS {
        shown.push(format!("… {} more", argv.len() - MAX_WORDS));
    }
    shown
}

/// Whether what has this name is a secret.
pub fn names_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
        || name.ends_with("pass")
        || name == "pw"
        || name.ends_with("pwd")
}

/// Masks the secrets in a whole argv: values of secret options, and secrets within words.
pub fn mask_all(words: &mut [String]) {
    // psql's --password asks; it takes no value (psql(1)).
    let is_psql = words
        .first()
        .is_some_and(|name| name.rsplit('/').next() == Some("psql"));
    let mut secret_follows = false;
    for word in words.iter_mut() {
        if secret_follows && !word.starts_with('-') {
            MASKED.clone_into(word);
            secret_follows = false;
            continue;
        }
        secret_follows = word.starts_with('-')
            && !word.contains('=')
            && names_secret(word)
            // These name where a secret is, or take none.
            && !word.ends_with("-file")
            && (word != "--password" || !is_psql)
            && !matches!(word.as_str(), "--no-password" | "-w" | "-W");
        *word = mask(word);
    }
}

/// Masks the secrets within one word: `password=…`, `user:password@host`, AWS access keys, bearer
/// tokens.
pub fn mask(word: &str) -> String {
    let mut masked = mask_assignments(word);
    masked = mask_user_info(&masked);
    masked = mask_sql(&masked);
    mask_tokens(&masked)
}

/// `NAME=VALUE` with a secret name, at the start or after a separator.
fn mask_assignments(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(at) = rest.find(['=', ':']) {
        let (before, after) = rest.split_at(at);
        let name_start = before
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
            .map_or(0, |start| start + 1);
        let name = before.get(name_start..).unwrap_or("");
        // JSON: `"password": "…"`.
        let quoted = before
            .strip_suffix('"')
            .and_then(|before| before.rsplit('"').next());
        let name = if name.is_empty() {
            quoted.unwrap_or("")
        } else {
            name
        };
        out.push_str(before);
        let (separator, value) = after.split_at(1);
        out.push_str(separator);
        let opening = value.len() - value.trim_start_matches([' ', '"', '\'']).len();
        let (opening, value) = if names_secret(name) {
            value.split_at(opening)
        } else {
            ("", value)
        };
        out.push_str(opening);
        // `https://…` is no assignment.
        if names_secret(name) && !value.starts_with("//") && !value.trim_start().is_empty() {
            let header = name.eq_ignore_ascii_case("authorization");
            let end = value
                .find(|c: char| {
                    matches!(c, '&' | ';' | ',' | '\'' | '"') || (c.is_whitespace() && !header)
                })
                .filter(|end| *end > 0)
                .unwrap_or(value.len());
            out.push_str(MASKED);
            rest = value.get(end..).unwrap_or("");
        } else {
            rest = value;
        }
    }
    out.push_str(rest);
    out
}

/// `PASSWORD 'secret'` in SQL.
fn mask_sql(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let Some(at) = lower.find("password ") else {
        return text.to_owned();
    };
    let (before, after) = text.split_at(at + "password ".len());
    let mut quotes = after.match_indices('\'');
    match (quotes.next(), quotes.next()) {
        (Some((open, _)), Some((close, _))) if open < 12 => format!(
            "{before}{}{MASKED}{}",
            after.get(..=open).unwrap_or(""),
            after.get(close..).unwrap_or("")
        ),
        _ => text.to_owned(),
    }
}

/// `scheme://user:password@host` without the password.
fn mask_user_info(word: &str) -> String {
    let Some(scheme) = word.find("://") else {
        return word.to_owned();
    };
    let start = scheme + 3;
    let authority = word.get(start..).unwrap_or("");
    let end = authority
        .find(['/', '?', '#', ' '])
        .unwrap_or(authority.len());
    let Some(at) = authority
        .get(..end)
        .and_then(|authority| authority.rfind('@'))
    else {
        return word.to_owned();
    };
    let user_info = authority.get(..at).unwrap_or("");
    let shown = match user_info.split_once(':') {
        Some((user, _)) => format!("{user}:{MASKED}"),
        // A lone long name is a token (`https://ghp_…@github.com`).
        None if user_info.len() > 20 => MASKED.to_owned(),
        None => user_info.to_owned(),
    };
    format!(
        "{}{shown}{}",
        word.get(..start).unwrap_or(""),
        authority.get(at..).unwrap_or("")
    )
}

/// Well-known shapes of tokens.
fn mask_tokens(word: &str) -> String {
    const PREFIXES: [&str; 12] = [
        "AKIA",
        "ASIA",
        "ghp_",
        "gho_",
        "ghs_",
        "ghu_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "xoxp-",
        "sk-",
        "eyJ",
    ];
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    loop {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let start = rest.find(is_part).unwrap_or(rest.len());
        let (skipped, from) = rest.split_at(start);
        out.push_str(skipped);
        if from.is_empty() {
            return out;
        }
        let end = from.find(|c: char| !is_part(c)).unwrap_or(from.len());
        let (part, after) = from.split_at(end);
        if part.len() >= 16 && PREFIXES.iter().any(|prefix| part.starts_with(prefix)) {
            out.push_str(MASKED);
        } else {
            out.push_str(part);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_words() {
        for (word, masked) in [
            ("postgres://me:hunter2@db/app", "postgres://me:***@db/app"),
            (
                "https://ghp_aaaaaaaaaaaaaaaaaaaaaaaa@github.com/a/b",
                "https://***@github.com/a/b",
            ),
            (
                "host=db password=hunter2 dbname=app",
                "host=db password=*** dbname=app",
            ),
            ("PGPASSWORD=x", "PGPASSWORD=***"),
            ("-var=db_password=x", "-var=db_password=***"),
            (
                "http.extraHeader=Authorization: Bearer abc",
                "http.extraHeader=Authorization: ***",
            ),
            ("--token=abc", "--token=***"),
            ("AKIAABCDEFGHIJKLMNOP", "***"),
            ("src/token.rs", "src/token.rs"),
            (
                "git@github.com:me/secret-garden.git",
                "git@github.com:me/secret-garden.git",
            ),
            (
                "https://example.com/x?token=abc&y=1",
                "https://example.com/x?token=***&y=1",
            ),
            (
                "ALTER USER me PASSWORD 'x y'; select 1",
                "ALTER USER me PASSWORD '***'; select 1",
            ),
            (
                r#"{"MasterUserPassword": "x"}"#,
                r#"{"MasterUserPassword": "***"}"#,
            ),
            ("db_pass=x", "db_pass=***"),
            ("plain", "plain"),
            ("", ""),
        ] {
            assert_eq!(mask(word), masked, "{word}");
        }
    }

    #[test]
    fn secrets_in_the_next_word() {
        let mut words: Vec<String> = [
            "kubectl",
            "--token",
            "abc",
            "delete",
            "pod",
            "--master-user-password",
            "x",
        ]
        .map(str::to_owned)
        .to_vec();
        mask_all(&mut words);
        assert_eq!(
            words,
            [
                "kubectl",
                "--token",
                "***",
                "delete",
                "pod",
                "--master-user-password",
                "***"
            ]
        );
    }
}
