//! `provost openapi`.

use super::CommandResult;
use crate::contract;

/// Prints the API's document.
pub fn run() -> CommandResult {
    print!("{}", contract::to_json(&contract::document()));
    Ok(())
}
