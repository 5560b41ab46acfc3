//! From an invocation to a verdict: rules, environment, preview. It knows no tool.

pub mod allowance;
pub mod case;
pub mod checked;
pub mod examples;
pub mod judging;
pub mod load;
pub mod matching;
pub mod rules;
