//! `provost ledger`: export the ledger, and verify an exported file offline.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};

use super::{CommandError, CommandResult, say, start};
use crate::{
    config::Config,
    http::jwk::JwkSet,
    ledger::{export, verify_file},
};

/// Export the ledger, or verify an exported file offline.
#[derive(Debug, Args)]
pub struct Ledger {
    #[command(subcommand)]
    command: LedgerCommand,
}

#[derive(Debug, Subcommand)]
enum LedgerCommand {
    /// Write events with hashes, signed heads and keys to a file.
    Export(Export),
    /// Check an exported file with nothing but the published keys.
    Verify(Verify),
}

#[derive(Debug, Args)]
struct Export {
    /// The file to write.
    file: PathBuf,
    /// The first position.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..))]
    from: i64,
    /// The last position. The file goes on to the next signed head; without this, to the end, which is signed for it.
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    to: Option<i64>,
}

#[derive(Debug, Args)]
struct Verify {
    /// The exported file.
    file: PathBuf,
    /// A file with the keys that Provost publishes at /.well-known/ledger-keys.json.
    #[arg(long)]
    keys: Option<PathBuf>,
}

/// Exports or verifies.
pub fn run(config: Config, arguments: &Ledger) -> CommandResult {
    match &arguments.command {
        LedgerCommand::Export(arguments) => run_export(config, arguments),
        LedgerCommand::Verify(arguments) => run_verify(arguments),
    }
}

fn run_export(config: Config, arguments: &Export) -> CommandResult {
    let started = start::start(config)?;
    let file = File::create(&arguments.file).map_err(|error| {
        CommandError::of(&format!("{} cannot be written", arguments.file.display()), error)
    })?;
    let exported = export(
        &started.app,
        arguments.from,
        arguments.to,
        &mut BufWriter::new(file),
    )?;
    match exported {
        Some(exported) => say(format_args!(
            "Wrote the events from position {} to {}, whose head is signed.",
            exported.from, exported.to
        )),
        None => Err(CommandError(format!(
            "The ledger ends before position {}; choose an earlier one.",
            arguments.from
        ))),
    }
}

fn run_verify(arguments: &Verify) -> CommandResult {
    let keys = arguments.keys.as_deref().map(read_keys).transpose()?;
    let file = File::open(&arguments.file)
        .map_err(|error| CommandError::of(&format!("{} cannot be read", arguments.file.display()), error))?;
    let found = verify_file(BufReader::new(file), keys.as_ref());
    if let Some(fault) = found.fault {
        return Err(CommandError(format!(
            "The file is not as it was exported. The first bad position is {}: {}.",
            fault.position, fault.detail
        )));
    }
    say(format_args!(
        "The file is intact: {} events up to position {}.",
        found.checked, found.position
    ))?;
    if keys.is_none() {
        say(
            "The keys are those in the file itself. To know whose ledger it is, give --keys with those that Provost publishes.",
        )?;
    }
    Ok(())
}

fn read_keys(path: &Path) -> Result<JwkSet, CommandError> {
    let failed = |error: String| CommandError(format!("{} holds no keys: {error}", path.display()));
    let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))
}
