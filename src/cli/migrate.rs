//! `provost migrate`.

use super::{CommandResult, say, start};
use crate::config::Config;

/// Applies what is pending.
pub fn run(config: Config) -> CommandResult {
    start::start(config)?;
    say("The database is up to date.")
}
