//! How others see that a worker is gone: its session holds an advisory lock, which PostgreSQL drops with the session, and
//! so as soon as the process ends, however it ends. Its jobs are then taken over at once, on whatever machine or in whatever
//! container it ran. Where nobody can tell (the machine vanished from the network, or a pooler stands in between and
//! sessions are not our own), the lease runs out.

use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_types};

use crate::{
    app::App,
    db::{Fixed, Sql, pool::PooledPg},
    http::{ApiError, ApiResult},
    sql,
};

/// The first half of the locks' names: no other advisory lock has two halves.
const CLASS: i64 = 0x7072_6f76;

/// A session that holds the lock of a worker.
pub struct WorkerLock {
    session: Session,
    number: i32,
}

enum Session {
    Own(Box<PgConnection>),
    Pooled(PooledPg),
}

impl Session {
    fn conn(&mut self) -> &mut PgConnection {
        match self {
            Session::Own(conn) => conn,
            Session::Pooled(conn) => conn,
        }
    }
}

impl WorkerLock {
    /// On a connection of its own, for as long as a worker lives; none where sessions are not our own.
    pub fn of_worker(app: &App) -> ApiResult<Option<Self>> {
        if app.db.is_pooled_externally() {
            return Ok(None);
        }
        Self::on(Session::Own(Box::new(app.db.dedicated_connection()?)))
    }

    /// On a connection of the pool, for some jobs; none where sessions are not our own.
    pub fn of_drain(app: &App) -> ApiResult<Option<Self>> {
        if app.db.is_pooled_externally() {
            return Ok(None);
        }
        Self::on(Session::Pooled(app.db.connection()?))
    }

    fn on(mut session: Session) -> ApiResult<Option<Self>> {
        let number = rand::random_range(1..=i32::MAX);
        #[derive(QueryableByName)]
        struct Taken {
            #[diesel(sql_type = sql_types::Bool)]
            is_taken: bool,
        }
        let taken: Taken =
            lock("SELECT pg_try_advisory_lock(", number, ") AS is_taken").get_result(session.conn())?;
        if !taken.is_taken {
            return Err(ApiError::internal("the number of a worker is another's"));
        }
        Ok(Some(WorkerLock { session, number }))
    }

    /// The number by which claims name it.
    pub fn number(&self) -> i32 {
        self.number
    }

    /// Whether the session is still there.
    pub fn is_given(&mut self) -> bool {
        sql!("SELECT 1").execute(self.session.conn()).is_ok()
    }
}

impl Drop for WorkerLock {
    fn drop(&mut self) {
        // The connection may go back to the pool.
        let freed: QueryResult<usize> =
            lock("SELECT pg_advisory_unlock(", self.number, ")").execute(self.session.conn());
        if let Err(error) = freed {
            log::debug!("a worker's lock went with its connection: {error}");
        }
    }
}

fn lock(before: &'static str, number: i32, after: &'static str) -> Sql {
    sql!(
        "{before}{CLASS}::int, {number}::int{after}",
        before = Fixed(before),
        number = i64::from(number),
        after = Fixed(after),
    )
}

/// The numbers of the workers that live, as an array.
pub fn alive() -> Sql {
    sql!(
        "ARRAY(SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
                AND granted AND classid::bigint = {CLASS}
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )
}
