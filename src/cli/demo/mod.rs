//! `provost demo`: a made-up company with its academy, through the same code that serves requests.
//!
//! Everything follows from a seed, but for ids and what day it is today.

pub mod catalog;
pub mod company;
mod exceptions;
pub mod export;
mod history;
mod library;
pub mod names;
mod people;
pub mod random;
mod rules;
mod structure;

use std::{io::IsTerminal, time::Instant};

use clap::Args;
use diesel::{QueryableByName, RunQueryDsl, sql_types};

use super::{CommandError, CommandResult, create_admin, say, serve, start};
use crate::{
    app::{App, Tx},
    config::{Config, whole},
    contract::events::DEMO_BUILT,
    http::ApiResult,
    ledger::Event,
    sql,
};

/// Build the demo academy: a made-up company, its courses, rules and two years of history.
#[derive(Debug, Args)]
pub struct Demo {
    /// What chance begins with: the same seed makes the same academy.
    #[arg(long, default_value_t = 7, value_parser = seed)]
    pub seed: u64,
    /// How many people work there today.
    #[arg(long, default_value_t = 2_000, value_parser = whole::<50, 50_000>)]
    pub people: u32,
    /// Serve it afterwards, with a worker inside.
    #[arg(long)]
    pub serve: bool,
}

fn seed(value: &str) -> Result<u64, String> {
    value
        .parse()
        .map_err(|_| format!("give a whole number from 0 to {}", u64::MAX))
}

/// What became of building the academy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Built {
    /// It is there now.
    Now,
    /// The database was in use already; nothing was changed.
    InUseAlready,
}

/// Builds the academy, and serves it if that is wanted.
pub fn run(mut config: Config, arguments: &Demo) -> CommandResult {
    let listener = arguments
        .serve
        .then(|| serve::Listeners::bind(&mut config))
        .transpose()?;
    let started = start::start(config)?;
    let begun = Instant::now();
    let outcome = match build(&started.app, arguments.seed, arguments.people, &tell)? {
        Built::Now => format!(
            "The demo academy is built: {} people, in {:.1} s.",
            arguments.people,
            begun.elapsed().as_secs_f32()
        ),
        Built::InUseAlready => format!(
            "There are courses or rules already, so everything is left as it is. {}",
            elsewhere(&started.app.config)
        ),
    };
    say(outcome)?;
    let Some(listener) = listener else {
        return Ok(());
    };
    let password = create_admin::random_password()?;
    create_admin::create(&started.app, ADMINISTRATOR, &password)?;
    let others = people::let_in(&started.app, &password)?;
    say(invitation(
        &started.app.config.public_url(),
        &password,
        others.as_ref(),
    ))?;
    serve::serve(&started, listener, true)
}

/// How to get an academy that is new and whole.
fn elsewhere(config: &Config) -> String {
    match config.database_url {
        Some(_) => "For a new academy set DATABASE_URL to an empty database.".into(),
        None => format!(
            "For a new academy remove the folder {}, or choose another (PROVOST_DATA_DIR or --data-dir).",
            config.data_dir.display()
        ),
    }
}

const ADMINISTRATOR: &str = "admin";

/// Progress, on the terminal.
fn tell(what: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("… {what}");
    }
}

/// Builds the academy of `seed` with so many `people`, unless there are courses or rules already. `progress` hears
/// what is being done.
pub fn build(app: &App, seed: u64, people: u32, progress: &dyn Fn(&str)) -> Result<Built, CommandError> {
    let state = app.read_blocking(&history::acting(), state)?;
    if state.is_begun && !state.is_built {
        return Err(CommandError(format!(
            "An earlier `provost demo` was interrupted here, so the academy is not whole. {}",
            elsewhere(&app.config)
        )));
    }
    if state.is_in_use {
        return Ok(Built::InUseAlready);
    }
    let plan = history::Plan {
        seed,
        people: people as usize,
    };
    history::live(app, &plan, progress)?;
    app.write_blocking(&history::acting(), |tx| {
        tx.record(Event::new(&DEMO_BUILT, uuid::Uuid::now_v7()));
        sql!("ANALYZE").execute(tx.conn)?;
        Ok(())
    })?;
    Ok(Built::Now)
}

#[derive(QueryableByName)]
struct State {
    #[diesel(sql_type = sql_types::Bool)]
    is_in_use: bool,
    #[diesel(sql_type = sql_types::Bool)]
    is_begun: bool,
    #[diesel(sql_type = sql_types::Bool)]
    is_built: bool,
}

fn state(tx: &mut Tx) -> ApiResult<State> {
    Ok(sql!(
        "SELECT EXISTS (SELECT 1 FROM courses) OR EXISTS (SELECT 1 FROM rules) AS is_in_use,
            EXISTS (SELECT 1 FROM import_profiles WHERE code = {profile}) AS is_begun,
            EXISTS (SELECT 1 FROM events WHERE object_kind = 'demo' AND action = {DEMO_BUILT.action}) AS is_built",
        profile = export::PROFILE,
    )
    .get_result(tx.conn)?)
}

/// What to do with the academy that is being served.
fn invitation(address: &str, password: &str, others: Option<&people::LetIn>) -> String {
    let others = others.map_or_else(String::new, |others| {
        format!(
            "Learner       {}\nManager       {}\n",
            others.learner, others.manager
        )
    });
    format!(
        "
The API       {address}/v1
Its docs      {address}/docs
Administrator {ADMINISTRATOR}
{others}Password      {password}   (for this time only; it is not kept)

`make portal` serves this academy and, beside it, a portal for learners and managers.

Try it:
curl -s -H \"Authorization: Bearer $(curl -s {address}/oauth/token -d grant_type=password -d username={ADMINISTRATOR} --data-urlencode 'password={password}' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\" {address}/v1/reports/compliance
"
    )
}
