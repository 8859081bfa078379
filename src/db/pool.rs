//! Database threads: a small fixed set, one for each pooled connection.
//!
//! Async code hands a closure to [`Db::run`]; a thread runs it on its connection. With as many threads as
//! connections nobody ever waits inside r2d2, which only keeps the connections healthy.

use std::{
    ops::{Deref, DerefMut},
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crossbeam_channel::{Sender, TrySendError};
use diesel::{
    connection::{CacheSize, Connection, InstrumentationEvent},
    pg::PgConnection,
    r2d2::{self, ConnectionManager, CustomizeConnection, ManageConnection, Pool, PooledConnection},
};

use super::Pipeline;

/// A connection out of the pool.
pub type PooledPg = PooledConnection<Connections>;

type Work = Box<dyn FnOnce(Result<&mut PgConnection, DbError>) + Send>;

/// Why work did not reach the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// More work waits than can be done in good time.
    #[error("the queue of database work is full")]
    Busy,
    /// No connection could be had.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The closure panicked; the connection was given up.
    #[error("database work panicked")]
    Panicked,
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// libpq URL.
    pub url: String,
    /// Connections that answer requests, each with a thread.
    pub connections: u32,
    /// Connections for threads that may block, beside those.
    pub blocking_connections: u32,
    /// Whether statements are prepared and kept.
    pub prepared_statements: bool,
}

/// The way to the database. Cheap to clone; its threads end when the last clone is gone.
#[derive(Clone)]
pub struct Db {
    queue: Sender<Work>,
    pool: Pool<Connections>,
    options: Arc<DbOptions>,
}

/// Work that may wait for each connection before more is refused.
const QUEUE_PER_CONNECTION: usize = 256;
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of prepared statements that a connection keeps before another takes its place. Filters and sort orders make
/// statements of their own, and the server keeps parsed forms and plans many times as large: without a limit, requests
/// with made-up filters fill its memory.
pub const MOST_PREPARED: usize = 1 << 20;

/// A connection that counts the bytes of the statements it has prepared.
pub struct CountingConnection {
    conn: PgConnection,
    prepared: Arc<AtomicUsize>,
}

impl CountingConnection {
    fn new(mut conn: PgConnection) -> Self {
        let prepared = Arc::new(AtomicUsize::new(0));
        let counter = prepared.clone();
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::CacheQuery { sql, .. } = event {
                counter.fetch_add(sql.len(), Ordering::Relaxed);
            }
        });
        CountingConnection { conn, prepared }
    }
}

impl Deref for CountingConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.conn
    }
}

impl DerefMut for CountingConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.conn
    }
}

/// Makes connections, and tells those that the server has closed or that have prepared too much.
#[derive(Debug)]
pub struct Connections(ConnectionManager<PgConnection>);

impl ManageConnection for Connections {
    type Connection = CountingConnection;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<CountingConnection, r2d2::Error> {
        self.0.connect().map(CountingConnection::new)
    }

    /// Asks the socket, not the server: a restart has closed all of them, and none shall cost a request its answer.
    fn is_valid(&self, conn: &mut CountingConnection) -> Result<(), r2d2::Error> {
        // The first look may take in the server's last words; behind them the second finds the end.
        for _ in 0..2 {
            for notification in conn.notifications_iter() {
                notification?;
            }
        }
        Ok(())
    }

    fn has_broken(&self, conn: &mut CountingConnection) -> bool {
        conn.prepared.load(Ordering::Relaxed) > MOST_PREPARED || self.0.has_broken(conn)
    }
}

#[derive(Debug)]
struct PrepareConnection {
    prepared_statements: bool,
}

impl CustomizeConnection<CountingConnection, r2d2::Error> for PrepareConnection {
    fn on_acquire(&self, conn: &mut CountingConnection) -> Result<(), r2d2::Error> {
        use diesel::connection::SimpleConnection;
        if !self.prepared_statements {
            // A pooler hands the session on to others: leave it as it is.
            conn.set_prepared_statement_cache_size(CacheSize::Disabled);
            return Ok(());
        }
        conn.batch_execute("SET TIME ZONE 'UTC'; SET jit = off; SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'")
            .map_err(r2d2::Error::QueryError)
    }
}

impl Db {
    /// Starts the threads. Connections are made when they are first needed.
    pub fn start(options: DbOptions) -> Self {
        let pool = Pool::builder()
            .max_size(options.connections + options.blocking_connections)
            .min_idle(Some(0))
            .test_on_check_out(true)
            .connection_timeout(CONNECT_TIMEOUT)
            .connection_customizer(Box::new(PrepareConnection {
                prepared_statements: options.prepared_statements,
            }))
            .build_unchecked(Connections(ConnectionManager::new(&options.url)));
        let (queue, work) =
            crossbeam_channel::bounded::<Work>(options.connections as usize * QUEUE_PER_CONNECTION);
        for number in 0..options.connections {
            let (work, pool) = (work.clone(), pool.clone());
            let spawned = std::thread::Builder::new()
                .name(format!("db-{number}"))
                .spawn(move || {
                    for job in work {
                        match pool.get() {
                            Ok(mut conn) => job(Ok(&mut conn)),
                            Err(error) => job(Err(DbError::Unreachable(error.to_string()))),
                        }
                    }
                });
            if let Err(error) = spawned {
                log::error!("could not start a database thread: {error}");
            }
        }
        Db {
            queue,
            pool,
            options: Arc::new(options),
        }
    }

    /// Runs `f` on a database thread.
    pub async fn run<T, F>(&self, f: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> T + Send + 'static,
    {
        let (answer, result) = tokio::sync::oneshot::channel();
        let work: Work = Box::new(move |conn| {
            let outcome = conn.and_then(|conn| {
                std::panic::catch_unwind(AssertUnwindSafe(|| f(conn))).map_err(|_| DbError::Panicked)
            });
            // The caller may be gone by now; its work is done all the same.
            drop(answer.send(outcome));
        });
        self.queue.try_send(work).map_err(|error| match error {
            TrySendError::Full(_) => DbError::Busy,
            TrySendError::Disconnected(_) => DbError::Unreachable("its threads have stopped".into()),
        })?;
        result.await.unwrap_or(Err(DbError::Panicked))
    }

    /// The way for quick reads of a thread that answers HTTP.
    pub fn pipeline(&self) -> Pipeline {
        Pipeline::new(&self.options)
    }

    /// A connection for a thread that may block: jobs and commands.
    pub fn connection(&self) -> Result<PooledPg, DbError> {
        self.pool
            .get()
            .map_err(|error| DbError::Unreachable(error.to_string()))
    }

    /// A connection outside the pool, for as long as its owner likes: listening, locks.
    pub fn dedicated_connection(&self) -> Result<PgConnection, DbError> {
        PgConnection::establish(&self.options.url).map_err(|error| DbError::Unreachable(error.to_string()))
    }

    /// Whether a pooler may stand in between, so that sessions cannot be relied on.
    pub fn is_pooled_externally(&self) -> bool {
        !self.options.prepared_statements
    }

    /// Closures that wait for a thread.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }
}
