//! Losses that a user lets rules pass.

use guard_core::loss::Loss;
use serde::{Deserialize, Serialize};

/// A loss up to which a rule does not ask.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Allowance {
    /// The rule.
    pub rule: String,
    /// The most of each measure that may be lost.
    pub loss: Vec<(String, f64)>,
    /// The environments in which it holds; empty: wherever nothing points at production.
    pub environment: Vec<String>,
}

impl Allowance {
    /// Whether a measured loss stays within it, in an environment of this name. What it does not
    /// name must not be lost at all, and in production it never holds.
    pub fn covers(&self, loss: &Loss, environment: Option<&str>) -> bool {
        let here = match environment {
            Some("production") => false,
            Some(name) => {
                self.environment.is_empty() || self.environment.iter().any(|one| one == name)
            }
            None => self.environment.is_empty(),
        };
        let named = |measure: &str| self.loss.iter().any(|(name, _)| *name == measure);
        here && loss.lots.iter().all(|lot| {
            let measure = lot.measure.name();
            named(measure) || (measure == "rows" && named("rows-percent"))
        }) && self
            .loss
            .iter()
            .all(|(measure, most)| loss.level(measure) <= *most)
    }
}
