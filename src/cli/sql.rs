//! `guard sql`: SQL for a person to read and to run.

use std::io::Write as _;

use clap::{Args, Subcommand};

use guard_ground::exit_code;
use guard_psql::harden;

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Print SQL for a role that only reads, and for triggers that refuse mass deletes.
    ///
    /// guard runs none of it. Read it, and run it with psql as the owner of the tables. It can be run
    /// again, for tables that are new.
    Harden {
        /// The role that an agent is to use; made if it does not exist.
        #[arg(long, value_name = "NAME")]
        role: String,
        /// The database.
        #[arg(long, value_name = "DB")]
        database: String,
        /// Rows that one statement may delete without the session setting.
        #[arg(long, value_name = "ROWS", default_value_t = 100)]
        most: u32,
    },
}

pub(super) fn run(options: &Options) -> anyhow::Result<i32> {
    let Commands::Harden {
        role,
        database,
        most,
    } = &options.command;
    let sql = harden::sql(role, database, *most).map_err(anyhow::Error::msg)?;
    std::io::stdout().write_all(sql.as_bytes())?;
    Ok(exit_code::OK)
}
