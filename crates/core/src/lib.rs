//! The words of a decision (invocation, place, environment, loss, rule, verdict), and the contracts that
//! tools keep: [`tool::Tool`], [`wish::Wish`], [`kept::Kept`]. It names no tool.

pub mod agent;
pub mod context;
pub mod environment;
pub mod grammar;
pub mod inputs;
pub mod instead;
pub mod invocation;
pub mod kept;
pub mod loss;
pub mod message;
pub mod name;
pub mod naming;
pub mod place;
pub mod preview;
pub mod probe;
pub mod record;
pub mod rule;
pub mod stamps;
pub mod tool;
pub mod tracked;
pub mod verdict;
pub mod wish;
pub mod world;
