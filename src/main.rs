//! The command line: parses it and runs one command.

use std::process::ExitCode;

use clap::Parser;
use provost::{cli, config};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let commands = match cli::Cli::try_parse() {
        Ok(commands) => commands,
        Err(error) => match config::explain(&error) {
            Some(fault) => {
                eprintln!("{fault}");
                return ExitCode::from(2);
            }
            None => error.exit(),
        },
    };
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    match cli::run(commands) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
