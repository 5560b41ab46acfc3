//! Whether a statement's loss depends on what statements before it have done by then.

use serde_json::Value;

use crate::ask::{Database, Trouble, array};
use guard_core::invocation::JudgedStatement;
use guard_sql::Changes;

/// What the statements before have changed.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// The tables that they named, and where.
    tables: Vec<(String, usize)>,
    /// Where one first changed the search path.
    path: Option<usize>,
    /// Where one may have changed anything.
    everything: Option<usize>,
}

impl Before {
    pub(super) fn add(&mut self, statement: &JudgedStatement, changes: &Changes) {
        match changes {
            Changes::Nothing => {}
            Changes::Table(name) => {
                if !self.tables.iter().any(|(known, _)| known == name) {
                    self.tables.push((name.clone(), statement.line));
                }
            }
            Changes::SearchPath => self.path = self.path.or(Some(statement.line)),
            Changes::Everything => self.everything = self.everything.or(Some(statement.line)),
        }
    }

    /// The line that may have changed anything.
    pub(super) fn everything(&self) -> Option<usize> {
        self.everything
    }

    /// Fails when one of `names` or of the relations `reached` may be changed by then.
    pub(super) fn check(
        &self,
        names: &[String],
        reached: &[u64],
        database: &Database<'_>,
    ) -> Result<(), Trouble> {
        if let Some(line) = self.path
            && names.iter().any(|name| !name.contains('.'))
        {
            return Err(depends(line));
        }
        let same = self.tables.iter().find(|(changed, _)| {
            names
                .iter()
                .any(|name| last_part(name) == last_part(changed))
        });
        if let Some((_, line)) = same {
            return Err(depends(*line));
        }
        let Some((_, first)) = self.tables.first() else {
            return Ok(());
        };
        let changed: Vec<&str> = self.tables.iter().map(|(name, _)| name.as_str()).collect();
        let reached: Vec<String> = reached.iter().map(u64::to_string).collect();
        let query = QUERY
            .replace("{changed}", &array(&changed))
            .replace("{names}", &array(names))
            .replace("{reached}", &array(&reached));
        match database.ask(&query)? {
            Value::Bool(false) => Ok(()),
            _ => Err(depends(*first)),
        }
    }
}

fn depends(line: usize) -> Trouble {
    Trouble::Other(format!("it depends on what line {line} before it does"))
}

/// The last part of a name as the server compares it.
pub(super) fn last_part(name: &str) -> String {
    let last = match name.strip_suffix('"') {
        Some(inside) => match inside.rfind('"') {
            // A quote inside a quoted name is doubled; then both parts count.
            Some(at) => inside.get(at + 1..).unwrap_or(inside),
            None => inside,
        },
        None => return name.rsplit('.').next().unwrap_or(name).to_lowercase(),
    };
    last.to_owned()
}

/// Whether the changed tables, with what their foreign keys change in turn, meet the others. A
/// trigger may change anything, and a view may show anything.
const QUERY: &str = "WITH RECURSIVE
    up(child, ancestor) AS (
        SELECT oid, oid FROM pg_class WHERE relkind IN ('r', 'p', 'f')
        UNION SELECT u.child, i.inhparent FROM up u JOIN pg_inherits i ON i.inhrelid = u.ancestor),
    kin(a, b) AS (SELECT child, ancestor FROM up UNION SELECT ancestor, child FROM up),
    changed(oid) AS (
        SELECT k.b FROM unnest({changed}) AS name JOIN kin k ON k.a = to_regclass(name)::oid
        UNION
        SELECT k.b FROM changed c JOIN pg_constraint f ON f.confrelid = c.oid AND f.contype = 'f'
                    AND (f.confdeltype IN ('c', 'n', 'd') OR f.confupdtype IN ('c', 'n', 'd'))
               JOIN kin k ON k.a = f.conrelid),
    asked(oid) AS (
        SELECT to_regclass(name)::oid FROM unnest({names}) AS name
        UNION SELECT text::oid FROM unnest({reached}) AS text)
    SELECT to_json(
        EXISTS (SELECT 1 FROM changed JOIN kin k ON k.a = changed.oid JOIN asked ON asked.oid = k.b)
        OR EXISTS (SELECT 1 FROM changed JOIN pg_trigger t ON t.tgrelid = changed.oid
                   WHERE NOT t.tgisinternal)
        OR EXISTS (SELECT 1 FROM asked JOIN pg_class c ON c.oid = asked.oid
                   WHERE c.relkind IN ('v', 'm')))";
