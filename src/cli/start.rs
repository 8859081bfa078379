//! From settings to a running [`App`]: the database, its migrations, the keys, the ear for notifications.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use diesel::connection::SimpleConnection;

use super::CommandError;
use crate::{
    access::{
        built_in, callers::Callers, hashing::Hashing, keys, rates::Rates, sso::cache::Providers,
        token::VerifiedTokens,
    },
    app::{self, Acting, App, Clock, Parts, Wake},
    config::Config,
    contract,
    credential::templates,
    db::{
        Db, DbOptions,
        embedded::{EmbeddedOptions, EmbeddedPostgres},
        migrate,
    },
    files::{Addresses, Store},
    jobs::{JobSignal, long_jobs},
    learning::live::Launches,
    ledger::{Consumers, consumers},
    metrics::Metrics,
    server,
};

/// A running app, and its use of the private PostgreSQL, which stops with its last user.
pub struct Started {
    /// The app.
    pub app: Arc<App>,
    postgres: Option<EmbeddedPostgres>,
}

impl Started {
    /// Whether it runs on its private PostgreSQL.
    pub fn is_embedded(&self) -> bool {
        self.postgres.is_some()
    }
}

/// Connections beside those that answer requests and run jobs: commands with their sign of life, the sealer, the dispatcher
/// and the heartbeat of a worker.
const SPARE_CONNECTIONS: u32 = 5;

/// Opens the database: the one that is set, or the private one, started if need be.
pub fn database(config: &Config) -> Result<(DbOptions, Option<EmbeddedPostgres>), CommandError> {
    let (url, postgres) = match &config.database_url {
        Some(url) => (url.clone(), None),
        None => {
            let mut options = EmbeddedOptions::new(&config.data_dir);
            options.binaries = config.postgres_bin.clone();
            let postgres =
                EmbeddedPostgres::start(&options).map_err(|error| CommandError(error.to_string()))?;
            (postgres.url("provost"), Some(postgres))
        }
    };
    let options = DbOptions {
        url,
        connections: config.database_connections,
        // A long job tells how far it is beside its transaction.
        blocking_connections: config.worker_threads + long_jobs(config.worker_threads) + SPARE_CONNECTIONS,
        prepared_statements: config.prepared_statements,
    };
    Ok((options, postgres))
}

/// Opens and migrates the database and makes the app.
pub fn start(config: Config) -> Result<Started, CommandError> {
    let (options, postgres) = database(&config)?;
    let app = app(config, options, Clock::default())?;
    Ok(Started { app, postgres })
}

/// Makes the app on a database, which is migrated and seeded with what Provost itself needs.
pub fn app(config: Config, database: DbOptions, clock: Clock) -> Result<Arc<App>, CommandError> {
    app_with(config, database, clock, super::worker::CONSUMERS)
}

/// The same with other consumers of events.
pub fn app_with(
    config: Config,
    database: DbOptions,
    clock: Clock,
    consumers: Consumers,
) -> Result<Arc<App>, CommandError> {
    config.mail().map_err(CommandError)?;
    let files = Store::open(&config).map_err(CommandError)?;
    let db = Db::start(database);
    let (applied, addresses) = {
        let mut conn = db
            .connection()
            .map_err(|error| CommandError::of("The database does not answer", error))?;
        let applied = migrate::run(&mut conn)
            .map_err(|error| CommandError::of("The database cannot be migrated", error))?;
        (applied, Addresses::load(&mut conn, clock.now())?)
    };
    for name in applied {
        log::info!("applied migration {name}");
    }
    let notified = !db.is_pooled_externally();
    let app = Arc::new(App {
        metrics: Metrics::new(contract::PAGES)
            .map_err(|error| CommandError::of("The metrics cannot be registered", error))?,
        reactions: server::REACTIONS,
        parts: Parts::default()
            .with(Callers::new(notified))
            .with(VerifiedTokens::default())
            .with(keys::KeyRing::default())
            .with(Hashing::start(config.hashing_threads)?)
            .with(Rates::new(config.rate_limit))
            .with(Providers::default())
            .with(JobSignal::default())
            .with(Launches::new(notified))
            .with(files)
            .with(addresses)
            .with(consumers)
            .with(server::IMPORT_TARGETS)
            .with(server::SSO_PEOPLE)
            .with(server::SUBJECTS)
            .with(server::BLOB_USES),
        is_stopping: AtomicBool::new(false),
        config,
        db,
        clock,
    });
    app.write_blocking(&Acting::system("start"), |tx| {
        keys::ensure(tx)?;
        built_in::ensure(tx)?;
        templates::store::ensure(tx)?;
        consumers::register(tx)
    })?;
    keys::load(
        &app,
        &mut *app
            .db
            .connection()
            .map_err(|error| CommandError(error.to_string()))?,
    )?;
    if notified {
        listen(&app)?;
    }
    Ok(app)
}

const RECONNECT_AFTER: Duration = Duration::from_secs(1);
const POLL_EVERY: Duration = Duration::from_millis(100);

/// Hears what other processes changed, on a connection and a thread of its own, for as long as the app lives.
/// While it is deaf, callers are not kept.
fn listen(app: &Arc<App>) -> Result<(), CommandError> {
    let app = Arc::downgrade(app);
    let thread = std::thread::Builder::new().name("listener".into());
    let body = move || {
        while let Some(strong) = app.upgrade() {
            let connection = strong.db.dedicated_connection();
            drop(strong);
            let heard = connection
                .map_err(|error| error.to_string())
                .and_then(|mut conn| {
                    conn.batch_execute(&format!("LISTEN {}", app::CHANNEL))
                        .map_err(|error| error.to_string())?;
                    listen_until_disconnected(&app, &mut conn)
                });
            let Err(fault) = heard else { return };
            let Some(strong) = app.upgrade() else { return };
            log::warn!("notifications are interrupted: {fault}");
            strong.on_missed_wakes();
            drop(strong);
            std::thread::sleep(RECONNECT_AFTER);
        }
    };
    thread
        .spawn(body)
        .map(drop)
        .map_err(|error| CommandError::of("A thread cannot be started", error))
}

fn listen_until_disconnected(
    app: &std::sync::Weak<App>,
    conn: &mut diesel::PgConnection,
) -> Result<(), String> {
    // What was missed before is looked up again.
    if let Some(app) = app.upgrade() {
        app.on_missed_wakes();
    }
    loop {
        for notification in conn.notifications_iter() {
            let notification = notification.map_err(|error| error.to_string())?;
            let Some(app) = app.upgrade() else { return Ok(()) };
            if let Some(wake) = Wake::from_payload(&notification.payload) {
                app.on_wake(&wake);
            }
        }
        if app.strong_count() == 0 {
            return Ok(());
        }
        std::thread::sleep(POLL_EVERY);
    }
}
