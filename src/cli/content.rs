//! `provost content`.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, IsTerminal},
    path::PathBuf,
};

use clap::{Args, Subcommand};

use super::{CommandError, CommandResult, say, start};
use crate::{
    app::Acting,
    catalog::contents::{
        findings::FindingSeverity,
        import::{Applied, PlannedRow, RowAction, apply, plan, read_manifest},
    },
    config::Config,
};

/// Work on the content library.
#[derive(Debug, Args)]
pub struct Content {
    #[command(subcommand)]
    command: ContentCommand,
}

#[derive(Debug, Subcommand)]
enum ContentCommand {
    /// Fill the library from a folder of files, as its manifest says.
    Import(ImportFolder),
}

/// Fill the library from a folder.
#[derive(Debug, Args)]
struct ImportFolder {
    /// The folder with the files.
    folder: PathBuf,
    /// The CSV file with the columns code, kind, file, and if need be title, language, category, tags, description, note, tracks;
    /// in the folder, unless its path is absolute.
    #[arg(long, default_value = "content.csv")]
    manifest: PathBuf,
    /// Write what the plan says.
    #[arg(long)]
    apply: bool,
}

/// Runs the command.
pub fn run(config: Config, content: &Content) -> CommandResult {
    match &content.command {
        ContentCommand::Import(import) => import_folder(config, import),
    }
}

fn import_folder(config: Config, arguments: &ImportFolder) -> CommandResult {
    let path = arguments.folder.join(&arguments.manifest);
    let failed = |error: &dyn std::fmt::Display| {
        CommandError::of(&format!("{} cannot be read", path.display()), error)
    };
    let file = File::open(&path).map_err(|error| failed(&error))?;
    let rows = read_manifest(file).map_err(|error| failed(&error))?;
    let started = start::start(config)?;
    let app = &started.app;
    let acting = Acting::system("command:content");
    let mut progress = progress(rows.len());
    let planned = app.read_blocking(&acting, |tx| plan(tx, &arguments.folder, rows, &mut progress))?;
    for row in &planned {
        say(told(row))?;
    }
    say(counts(&planned))?;
    if !arguments.apply {
        return say("Nothing was written. Run the command again with --apply to write this.");
    }
    let mut failures = 0;
    for row in &planned {
        if let Applied::Failed(error) = apply(app, &acting, row) {
            failures += 1;
            say(format!("line {}, {}: {error}", row.row.line, row.row.code))?;
        }
    }
    let refused = planned
        .iter()
        .filter(|row| row.action == RowAction::Refused)
        .count();
    match failures + refused {
        0 => say("Applied."),
        left => Err(CommandError(format!(
            "{left} of {} rows were not written; the others were.",
            planned.len()
        ))),
    }
}

fn progress(total: usize) -> impl FnMut(usize) {
    let shows = io::stderr().is_terminal();
    move |done| {
        if shows {
            eprint!(
                "\r{done} of {total} files read{}",
                if done == total { "\n" } else { "" }
            );
        }
    }
}

fn told(row: &PlannedRow) -> String {
    let (errors, warnings) = (
        row.count(FindingSeverity::Error),
        row.count(FindingSeverity::Warning),
    );
    let findings = match (errors, warnings) {
        (0, 0) => String::new(),
        _ => format!(" ({errors} errors, {warnings} warnings)"),
    };
    let faults = match row.faults.is_empty() {
        true => String::new(),
        false => format!(": {}", row.faults.join("; ")),
    };
    format!(
        "line {}, {}: {}{findings}{faults}",
        row.row.line,
        row.row.code,
        row.action.as_str()
    )
}

fn counts(planned: &[PlannedRow]) -> String {
    let mut counts: BTreeMap<RowAction, usize> = BTreeMap::new();
    for row in planned {
        *counts.entry(row.action).or_default() += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(action, count)| format!("{count} {}", action.as_str()))
        .collect();
    format!("{} rows: {}", planned.len(), counts.join(", "))
}
