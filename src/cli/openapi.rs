//! `provost openapi`.

use super::{CommandResult, say};
use crate::contract;

/// Prints the API's document.
pub fn run() -> CommandResult {
    say(contract::text().trim_end())
}
