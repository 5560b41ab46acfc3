//! guard end to end: every module drives the built guard with the real tools, in worlds of its own.
//! One binary, so that `support` is compiled once and its servers are started once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    missing_docs
)]

mod agents;
mod approvals;
mod aws;
mod bad_input;
mod coverage;
mod doctor;
mod guard_run;
mod guard_setup;
mod harmless_commands;
mod holds;
mod hook;
mod house;
mod incidents;
mod kubectl;
mod measured_loss;
mod menus;
mod own_commands;
mod person_at_the_terminal;
mod psql;
mod real_agents;
mod rooms;
mod rules_file;
mod shims;
mod support;
mod terraform;
mod undo_of_aws;
mod undo_of_git;
mod undo_of_kubectl;
mod undo_of_psql;
mod undo_of_rm;
mod undo_of_terraform;
mod written_before;
