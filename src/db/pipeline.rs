//! Reads without a database thread: each thread that answers HTTP has a connection of its own, on which the statements of
//! many requests are under way at once. Nothing is handed to another thread, and PostgreSQL finds the next statement where it
//! sent an answer: one user is read for half the CPU (`benches/README.md`).
//!
//! The statements of a connection have turns, so this is for those that are quick whatever the data are: a row by its id.
//! Whatever goes wrong is no answer, and the caller goes by a database thread, which is also where errors are made.

use std::{
    cell::{Cell, RefCell},
    net::IpAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use diesel::{ConnectionError, ConnectionResult, QueryResult, connection::InstrumentationEvent};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tokio_postgres::{
    Config, NoTls,
    config::{Host, SslMode},
};

use super::pool::{CONNECT_TIMEOUT, DbOptions, MOST_PREPARED};

/// Statements that are under way on a connection; more go by database threads.
const MOST_UNDER_WAY: usize = 32;
/// How long a statement is waited for, with those before it: one of them may wait for a lock of the whole table.
const LONGEST: Duration = Duration::from_millis(250);
/// How long there is no connection after one gave no answer.
const PAUSE: Duration = Duration::from_secs(10);
/// The same after none could be made.
const PAUSE_UNOPENED: Duration = Duration::from_secs(60);
/// What libpq takes from the environment and these connections would not: they could then be others than those of the database
/// threads.
const ELSEWHERE: &[&str] = &["PGHOSTADDR", "PGOPTIONS", "PGSERVICE", "PGSSLMODE"];

/// The connection of a thread that answers HTTP. Made when it is first needed.
pub struct Pipeline {
    /// None where a connection would be encrypted, or a pooler hands sessions on.
    config: Option<Config>,
    state: RefCell<State>,
}

enum State {
    Unopened,
    Opening,
    Open(Rc<Line>),
    /// Nothing is tried before that instant.
    Paused(Instant),
}

struct Line {
    conn: AsyncPgConnection,
    under_way: Cell<usize>,
    /// When it last answered.
    answered: Cell<Instant>,
    /// Bytes of the statements that it has prepared.
    prepared: Arc<AtomicUsize>,
}

/// One statement that is under way.
struct UnderWay(Rc<Line>);

impl UnderWay {
    fn on(line: &Rc<Line>) -> Option<Self> {
        let under_way = line.under_way.get();
        (under_way < MOST_UNDER_WAY).then(|| {
            line.under_way.set(under_way + 1);
            UnderWay(line.clone())
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.set(self.0.under_way.get() - 1);
    }
}

impl Pipeline {
    pub(super) fn new(options: &DbOptions) -> Self {
        Pipeline {
            config: config(options),
            state: RefCell::new(State::Unopened),
        }
    }

    /// What `read` finds by one quick statement; none where it cannot be had this way.
    pub async fn read<T>(
        self: &Rc<Self>,
        read: impl AsyncFnOnce(&AsyncPgConnection) -> QueryResult<T>,
    ) -> Option<T> {
        let line = self.line()?;
        let under_way = UnderWay::on(&line)?;
        let found = tokio::time::timeout(LONGEST, read(&under_way.0.conn)).await;
        let next = match found {
            Ok(Ok(found)) => {
                line.answered.set(Instant::now());
                return Some(found);
            }
            // It may have been closed, or hold plans of tables that have changed.
            Ok(Err(error)) => {
                log::debug!("a pipelined read failed: {error}");
                State::Unopened
            }
            // Others were answered: it is busy, and the next may be again.
            Err(_) if line.answered.get().elapsed() < LONGEST => return None,
            Err(_) => {
                log::debug!("a pipelined read took more than {LONGEST:?}");
                State::Paused(Instant::now() + PAUSE)
            }
        };
        let mut state = self.state.borrow_mut();
        if matches!(&*state, State::Open(current) if Rc::ptr_eq(current, &line)) {
            *state = next;
        }
        None
    }

    /// The connection, if it is there; has it made otherwise.
    fn line(self: &Rc<Self>) -> Option<Rc<Line>> {
        let config = self.config.as_ref()?;
        match &*self.state.borrow() {
            State::Open(line) if line.prepared.load(Ordering::Relaxed) <= MOST_PREPARED => {
                return Some(line.clone());
            }
            State::Opening => return None,
            State::Paused(until) if Instant::now() < *until => return None,
            State::Unopened | State::Open(_) | State::Paused(_) => {}
        }
        self.state.replace(State::Opening);
        let (pipeline, config) = (self.clone(), config.clone());
        tokio::task::spawn_local(async move {
            let late = || ConnectionError::BadConnection(format!("not there after {CONNECT_TIMEOUT:?}"));
            let opened = tokio::time::timeout(CONNECT_TIMEOUT, open(&config)).await;
            let opened = match opened.unwrap_or_else(|_| Err(late())) {
                Ok(line) => State::Open(Rc::new(line)),
                Err(error) => {
                    log::info!("reads go by database threads, since no connection can be pipelined: {error}");
                    State::Paused(Instant::now() + PAUSE_UNOPENED)
                }
            };
            pipeline.state.replace(opened);
        });
        None
    }
}

impl DbOptions {
    /// Whether quick reads may have connections of their own.
    pub fn takes_pipelines(&self) -> bool {
        config(self).is_some()
    }
}

fn config(options: &DbOptions) -> Option<Config> {
    let mut config: Config = options.url.parse().ok()?;
    let is_set = |name: &&str| std::env::var_os(name).is_some();
    let is_same = !config.get_hosts().is_empty() && !ELSEWHERE.iter().any(is_set);
    (options.prepared_statements && is_same && is_plain(&config)).then(|| {
        config.application_name("provost pipeline");
        config
    })
}

/// Whether connections need no encryption: they stay on this machine, or the URL says so.
fn is_plain(config: &Config) -> bool {
    let is_here = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
    };
    let stays_here =
        || config.get_hosts().iter().all(is_here) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    match config.get_ssl_mode() {
        SslMode::Disable => true,
        SslMode::Prefer => stays_here(),
        _ => false,
    }
}

async fn open(config: &Config) -> ConnectionResult<Line> {
    let connected = config.connect(NoTls).await;
    let (client, connection) =
        connected.map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
    let mut conn = AsyncPgConnection::try_from_client_and_connection(client, connection).await?;
    conn.batch_execute("SET jit = off; SET statement_timeout = '1s'")
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    let prepared = Arc::new(AtomicUsize::new(0));
    let counter = prepared.clone();
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::CacheQuery { sql, .. } = event {
            counter.fetch_add(sql.len(), Ordering::Relaxed);
        }
    });
    Ok(Line {
        conn,
        under_way: Cell::new(0),
        answered: Cell::new(Instant::now()),
        prepared,
    })
}
