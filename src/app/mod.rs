//! What every domain stands on: the process's state, a call, and the one write path.
//!
//! A handler takes a [`Call`] and either [`Call::read`]s or [`Call::write`]s; below it everything takes a
//! [`Tx`]. Knows no domain: what those keep in memory are its [`Part`]s.

mod call;
mod clock;
mod event;
mod event_kind;
mod idempotency;
mod parts;
mod queue;
mod tx;
mod unique;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use diesel::{Connection, PgConnection};
use uuid::Uuid;

use crate::{
    authz::Caller,
    config::Config,
    db::{Db, DbError},
    http::{ApiError, ApiResult, request::too_slow},
    metrics::Metrics,
};

pub use call::{Call, CallerSession};
pub use clock::Clock;
pub use event::{Event, payload_digest, payload_text};
pub use event_kind::{EventKind, EventPayload, Payload};
pub use idempotency::{IdempotencyKey, REPLAYED, recall};
pub use parts::{Part, Parts};
pub use queue::{NewJob, Queueable};
pub use tx::{CHANNEL, Reaction, Tx, Wake, advisory_lock_shared};
pub use unique::refuse_taken;

/// The state of a Provost process; holds nothing that another process could not rebuild from the database.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The way to the database.
    pub db: Db,
    /// The one clock.
    pub clock: Clock,
    /// What Prometheus scrapes.
    pub metrics: Metrics,
    /// Set once the process was told to stop: connections are closed after their answer.
    pub is_stopping: AtomicBool,
    /// What happens in the same transaction when people change. A list from the top: `people` does not
    /// know who listens.
    pub reactions: &'static [Reaction],
    /// What rooms above keep for the process.
    pub parts: Parts,
}

/// Who acts, and in which request.
#[derive(Debug, Clone)]
pub struct Acting {
    /// Who.
    pub caller: Arc<Caller>,
    /// In which session, if it is one of a person's.
    pub session: Option<Uuid>,
    /// The id that their events carry.
    pub request_id: String,
    /// When the client is told that it took too long: nothing is committed after that.
    pub deadline: Option<Instant>,
}

impl Acting {
    /// Provost itself, for the reason that `request_id` names, such as `command:demo`.
    pub fn system(request_id: impl Into<String>) -> Self {
        Acting {
            caller: Arc::new(Caller::system()),
            session: None,
            request_id: request_id.into(),
            deadline: None,
        }
    }

    /// Provost itself, on behalf of the principal who caused the work.
    pub fn system_on_behalf_of(principal: Option<Uuid>, request_id: impl Into<String>) -> Self {
        let mut caller = Caller::system();
        caller.actor.on_behalf_of = principal;
        Acting {
            caller: Arc::new(caller),
            session: None,
            request_id: request_id.into(),
            deadline: None,
        }
    }

    /// A person at the token endpoint, who just proved who they are.
    pub fn signing_in(user: Uuid, request_id: impl Into<String>) -> Self {
        Acting {
            caller: Arc::new(Caller::signing_in(user)),
            session: None,
            request_id: request_id.into(),
            deadline: None,
        }
    }
}

/// Attempts at a transaction that PostgreSQL gives up for another's sake.
const ATTEMPTS: u32 = 5;

impl App {
    /// Reads on `conn`. A read of one statement wants no transaction and gets none.
    pub fn read<T>(
        &self,
        conn: &mut PgConnection,
        acting: &Acting,
        f: impl FnOnce(&mut Tx) -> ApiResult<T>,
    ) -> ApiResult<T> {
        f(&mut Tx::begin(self, conn, acting))
    }

    /// Writes in one transaction: what `f` does, its events, its jobs, and the reactions to changes of users.
    /// Serialization failures and deadlocks are tried again, so `f` may run more than once.
    pub fn write<T>(
        &self,
        conn: &mut PgConnection,
        acting: &Acting,
        f: impl Fn(&mut Tx) -> ApiResult<T>,
    ) -> ApiResult<T> {
        let mut attempt = 1;
        loop {
            match self.attempt(conn, acting, &f) {
                Err(error) if error.is_retryable && attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one write path")]
    fn attempt<T>(
        &self,
        conn: &mut PgConnection,
        acting: &Acting,
        f: impl Fn(&mut Tx) -> ApiResult<T>,
    ) -> ApiResult<T> {
        let (answer, wakes) = conn.transaction(|conn| {
            let mut tx = Tx::begin(self, conn, acting);
            let answer = f(&mut tx)?;
            for reaction in self.reactions {
                reaction(&mut tx)?;
            }
            let wakes = tx.finish()?;
            if acting.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(too_slow());
            }
            Ok::<_, ApiError>((answer, wakes))
        })?;
        for wake in &wakes {
            self.on_wake(wake);
        }
        Ok(answer)
    }

    /// Reads on a connection of its own, for threads that may block.
    pub fn read_blocking<T>(&self, acting: &Acting, f: impl FnOnce(&mut Tx) -> ApiResult<T>) -> ApiResult<T> {
        self.read(&mut *self.db.connection()?, acting, f)
    }

    /// Writes on a connection of its own, for threads that may block.
    pub fn write_blocking<T>(&self, acting: &Acting, f: impl Fn(&mut Tx) -> ApiResult<T>) -> ApiResult<T> {
        self.write(&mut *self.db.connection()?, acting, f)
    }

    /// What a room above keeps for the process.
    pub fn part<T: Part>(&self) -> &T {
        self.parts.of()
    }

    /// Acts on a notification, be it from this process or another.
    pub fn on_wake(&self, wake: &Wake) {
        self.parts.all().for_each(|part| part.on_wake(wake));
    }

    /// What `/readyz` tells of the parts.
    pub fn readiness(&self) -> impl Iterator<Item = (&'static str, Option<String>)> {
        let now = self.clock.now();
        self.parts.all().filter_map(move |part| part.readiness(now))
    }

    /// Notifications may have been missed.
    pub fn on_missed_wakes(&self) {
        self.parts.all().for_each(Part::on_missed_wakes);
    }

    /// Runs `f` on a database thread.
    pub async fn on_database<T: Send + 'static>(
        self: &Arc<Self>,
        f: impl FnOnce(&App, &mut PgConnection) -> ApiResult<T> + Send + 'static,
    ) -> ApiResult<T> {
        let app = self.clone();
        self.db
            .run(move |conn| f(&app, conn))
            .await
            .map_err(|error: DbError| ApiError::from(error))?
    }
}
