//! `provost rotate-keys`.

use clap::Args;

use super::{CommandResult, say, start};
use crate::{access::keys, app::Acting, config::Config, ledger};

/// Have another key sign access tokens.
#[derive(Debug, Args)]
pub struct RotateKeys {
    /// Somebody else has a key: retire all at once, that of the ledger too. Access tokens end; people go on by their refresh
    /// tokens.
    #[arg(long)]
    pub compromised: bool,
}

/// Makes the next key, or replaces all.
pub fn run(config: Config, arguments: &RotateKeys) -> CommandResult {
    let started = start::start(config)?;
    let acting = Acting::system("command:rotate-keys");
    if arguments.compromised {
        started.app.write_blocking(&acting, |tx| {
            keys::replace(tx)?;
            ledger::replace_key(tx).map(drop)
        })?;
        return say(
            "Another key signs access tokens from now on, and another the ledger's heads; access tokens of the others have ended.",
        );
    }
    let signs_from = started.app.write_blocking(&acting, keys::rotate)?;
    say(format_args!(
        "The next key is published and signs from {signs_from} on."
    ))
}
