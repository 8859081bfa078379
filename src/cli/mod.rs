//! The commands, one file each.

pub mod content;
pub mod create_admin;
pub mod demo;
pub mod doctor;
pub mod import;
pub mod ledger;
pub mod migrate;
pub mod openapi;
pub mod rotate_keys;
pub mod serve;
pub mod start;
pub mod worker;

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

use clap::{Parser, Subcommand};

use crate::config::Config;

/// Why a command failed: a sentence for the person who ran it.
pub type CommandResult = Result<(), CommandError>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CommandError(pub String);

impl CommandError {
    /// The failure of doing `what`.
    pub fn of(what: &str, error: impl std::fmt::Display) -> Self {
        CommandError(format!("{what}: {error}"))
    }
}

impl From<crate::http::ApiError> for CommandError {
    fn from(error: crate::http::ApiError) -> Self {
        CommandError(error.to_string())
    }
}

/// Prints a line. That nobody reads on, as `head` does not, is no fault: the command goes on with its work.
fn say(line: impl Display) -> CommandResult {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CommandError::of("The output cannot be written", error))
        }
        _ => Ok(()),
    }
}

/// Provost, a headless LMS-administration backend.
#[derive(Debug, Parser)]
#[command(name = "provost", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API, with a worker inside.
    Serve(serve::Serve),
    /// Run jobs.
    Worker,
    /// Import a CSV file: plan, show the plan, apply it.
    Import(import::Import),
    /// Work on the content library: fill it from a folder.
    Content(content::Content),
    /// Bring the database up to date.
    Migrate,
    /// Print the API's document (OpenAPI 3.1).
    Openapi,
    /// Create an administrator, or give one a new password.
    CreateAdmin(create_admin::CreateAdmin),
    /// Have another key sign access tokens.
    RotateKeys(rotate_keys::RotateKeys),
    /// Build the demo academy: a made-up company, its courses, rules and two years of history.
    Demo(demo::Demo),
    /// Export the ledger, or verify an exported file offline.
    Ledger(ledger::Ledger),
    /// Check settings, database, migrations and clock, and name each fault with its fix.
    Doctor(doctor::Doctor),
}

/// Runs the command.
pub fn run(cli: Cli) -> CommandResult {
    match cli.command {
        Command::Serve(serve) => serve::run(cli.config, &serve),
        Command::Worker => worker::run(cli.config),
        Command::Import(import) => import::run(cli.config, &import),
        Command::Content(content) => content::run(cli.config, &content),
        Command::Migrate => migrate::run(cli.config),
        Command::Openapi => openapi::run(),
        Command::CreateAdmin(create_admin) => create_admin::run(cli.config, &create_admin),
        Command::RotateKeys(rotate_keys) => rotate_keys::run(cli.config, &rotate_keys),
        Command::Demo(demo) => demo::run(cli.config, &demo),
        Command::Ledger(ledger) => ledger::run(cli.config, &ledger),
        Command::Doctor(doctor) => doctor::run(cli.config, &doctor),
    }
}
