//! Which of the saved relations are there, and how they are now.

use super::dump::{self, KeptRelation, PLAIN};
use super::link::{Link, PsqlScript, Sections};
use crate::ask::literal;
use guard_ground::sanitize;
use guard_words::Measure;

/// Those of the relations that are there, as they are.
pub(super) fn there(
    link: &Link<'_>,
    relations: &[KeptRelation],
) -> Result<Vec<KeptRelation>, String> {
    if relations.is_empty() {
        return Ok(Vec::new());
    }
    let mut script = PsqlScript::new()?;
    for relation in relations {
        script.line(&format!(
            "SELECT pg_catalog.to_json(pg_catalog.to_regclass({}) IS NOT NULL);",
            literal(&relation.quoted())
        ))?;
    }
    let mut sections = link.script(script)?;
    let mut found = Vec::new();
    for relation in relations {
        if sections.json()? {
            found.push(relation.clone());
        }
    }
    sections.end()?;
    if found.is_empty() {
        return Ok(found);
    }
    let mut sections = asked(link, &found)?;
    let found = dump::answers(&mut sections, &found)?;
    sections.end()?;
    Ok(found)
}

fn asked(link: &Link<'_>, relations: &[KeptRelation]) -> Result<Sections, String> {
    let mut script = PsqlScript::new()?;
    script.line("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;")?;
    script.line(&format!("{PLAIN};"))?;
    for question in dump::questions(relations) {
        script.line(&format!("{question};"))?;
    }
    link.script(script)
}

/// In what relations differ from those that were saved.
pub(super) fn differing(saved: &[KeptRelation], there: &[KeptRelation]) -> Vec<String> {
    let mut lines = Vec::new();
    for relation in saved {
        let now = there
            .iter()
            .find(|now| (&now.schema, &now.table) == (&relation.schema, &relation.table));
        let Some(now) = now else {
            lines.push(format!("{} is not there", relation.shown()));
            continue;
        };
        if now.holds != relation.holds {
            lines.push(format!(
                "{} holds {} now, not the {} that were saved",
                relation.shown(),
                Measure::Rows.count(now.holds.count),
                relation.holds.count
            ));
        }
        if now.shape != relation.shape {
            let other = relation.shape.iter().find(|line| !now.shape.contains(line));
            let other = other.or_else(|| now.shape.iter().find(|l| !relation.shape.contains(l)));
            lines.push(sanitize::text(&format!(
                "{} is not defined as it was: {}",
                relation.shown(),
                other.map_or("", String::as_str)
            )));
        }
    }
    lines
}
