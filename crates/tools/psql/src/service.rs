//! What a connection service stands for (manual of `PostgreSQL`, 34.17, "The Connection Service File").

use std::path::PathBuf;

use guard_core::context::{Consult, Context};
use guard_core::invocation::Invocation;
use guard_ground::ini::Dialect;

/// Host, database and user of the service that the command names, as `key=value`.
pub fn values(invocation: &Invocation, context: &Context) -> Vec<String> {
    if context.consult < Consult::Files {
        return Vec::new();
    }
    let Some(name) = name(invocation, context) else {
        return Vec::new();
    };
    let own = context
        .value("PGSERVICEFILE")
        .map(PathBuf::from)
        .or_else(|| {
            let home = context.value("HOME")?;
            Some(PathBuf::from(home).join(".pg_service.conf"))
        });
    let common = context
        .value("PGSYSCONFDIR")
        .map_or_else(|| "/etc/postgresql-common".into(), PathBuf::from);
    let files = own.into_iter().chain([common.join("pg_service.conf")]);
    files
        .filter_map(|file| context.in_directory(Some(&file)).directory)
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .map(|text| section(&text, &name))
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// The service's name: from `service=` in the database's place, or PGSERVICE.
fn name(invocation: &Invocation, context: &Context) -> Option<String> {
    let given = invocation
        .flag("--dbname")
        .and_then(|flag| flag.value.clone());
    let given = given.or_else(|| invocation.operands.first().map(|word| word.text.clone()));
    let given = given
        .map(|text| text.to_string_lossy().into_owned())
        .unwrap_or_default();
    let named = given
        .split([' ', '?', '&'])
        .find_map(|part| part.strip_prefix("service="))
        .map(|name| name.trim_matches('\'').to_owned());
    named.or_else(|| Some(context.value("PGSERVICE")?.to_string_lossy().into_owned()))
}

fn section(text: &str, name: &str) -> Vec<String> {
    let mut found = Dialect::LIBPQ.section(text, name);
    found.retain(|(key, _)| ["host", "hostaddr", "dbname", "user"].contains(&key.as_str()));
    found
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::section;

    #[test]
    fn sections() {
        let text = "[one]\nhost=a\n[two]\nhost = db.prod.example\nport=5433\ndbname=app\n";
        assert_eq!(section(text, "two"), ["host=db.prod.example", "dbname=app"]);
        assert!(section(text, "four").is_empty());
    }
}
