//! The size of a loss, in a form that can be kept: what was shown must cover what is lost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use guard_core::preview::Preview;

/// How much a preview found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// `exact`, `estimate`, `unknown` or `skipped`.
    pub status: String,
    /// Counting stopped early: there is more than the amounts say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
    /// By measure: `files`, `bytes`, `commits` …
    pub amounts: BTreeMap<String, u64>,
    /// A digest of exactly what is lost, where the tool can say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub things: Option<String>,
}

impl Size {
    /// The size of what a preview found.
    pub fn of(preview: &Preview) -> Self {
        let mut size = Self {
            status: preview.status().to_owned(),
            things: preview.loss().and_then(|loss| loss.things.clone()),
            ..Self::default()
        };
        for lot in preview.loss().iter().flat_map(|loss| &loss.lots) {
            size.at_least |= lot.at_least;
            let count = size
                .amounts
                .entry(lot.measure.name().to_owned())
                .or_default();
            *count = count.saturating_add(lot.count);
            if let Some(bytes) = lot.bytes {
                let sum = size.amounts.entry("bytes".to_owned()).or_default();
                *sum = sum.saturating_add(bytes);
            }
        }
        size
    }

    /// Whether somebody who was shown this size was shown all that `now` would lose. Who accepted a
    /// loss that nobody can measure accepted any.
    pub fn covers(&self, now: &Self) -> bool {
        if self.status == "unknown" {
            return true;
        }
        let open = |size: &Self| size.at_least || size.status == "estimate";
        if open(self) {
            // "More than so much" has no upper end, and counts that stop early differ each time.
            return now.status != "unknown";
        }
        let same = self.things == now.things || now.amounts.values().all(|amount| *amount == 0);
        same && !open(now)
            && now.status != "unknown"
            && now
                .amounts
                .iter()
                .all(|(measure, amount)| *amount <= self.amounts.get(measure).copied().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(status: &str, at_least: bool, amounts: &[(&str, u64)]) -> Size {
        Size {
            status: status.to_owned(),
            at_least,
            amounts: amounts
                .iter()
                .map(|(name, amount)| ((*name).to_owned(), *amount))
                .collect(),
            things: None,
        }
    }

    #[test]
    fn what_was_shown_covers_no_more_than_that() {
        let shown = size("exact", false, &[("files", 3), ("bytes", 100)]);
        for (now, covered) in [
            (size("exact", false, &[("files", 3), ("bytes", 100)]), true),
            (size("exact", false, &[("files", 2)]), true),
            (size("exact", false, &[]), true),
            (size("exact", false, &[("files", 4), ("bytes", 100)]), false),
            (size("exact", false, &[("files", 3), ("bytes", 101)]), false),
            (size("exact", false, &[("commits", 1)]), false),
            (size("exact", true, &[("files", 1)]), false),
            (size("estimate", false, &[("files", 1)]), false),
            (size("unknown", false, &[]), false),
        ] {
            assert_eq!(shown.covers(&now), covered, "{now:?}");
        }
        let named = |things: &str, count| Size {
            things: Some(things.to_owned()),
            ..size("exact", false, &[("resources", count)])
        };
        assert!(named("a", 1).covers(&named("a", 1)));
        assert!(!named("a", 1).covers(&named("b", 1)));
        assert!(named("a", 1).covers(&named("b", 0)));
        let more = size("exact", true, &[("files", 1000)]);
        assert!(more.covers(&size("exact", true, &[("files", 1001)])));
        assert!(!more.covers(&size("unknown", false, &[])));
        let unknown = size("unknown", false, &[]);
        assert!(unknown.covers(&size("unknown", false, &[("files", 5)])));
        assert!(unknown.covers(&size("exact", false, &[("files", 5)])));
    }
}
