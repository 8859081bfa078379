//! `provost migrate`.

use super::{CommandResult, start};
use crate::config::Config;

/// Applies what is pending.
pub fn run(config: Config) -> CommandResult {
    start::start(config)?;
    println!("The database is up to date.");
    Ok(())
}
