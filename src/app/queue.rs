//! Jobs on their way into the queue: what they say, and the statement that queues them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, PgConnection, QueryResult, RunQueryDsl, dsl::sql as raw,
    query_builder::DecoratableTarget, sql_types,
};
use serde_json::Value;
use uuid::Uuid;

use crate::{db::schema::jobs, http::ApiResult};

/// What can be queued: every `Job`.
pub trait Queueable {
    /// The job, to be run at once, caused by nobody.
    fn to_new_job(&self, now: DateTime<Utc>) -> ApiResult<NewJob>;
}

/// A job on its way into the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its id.
    pub id: Uuid,
    /// Its kind.
    pub kind: &'static str,
    /// What to do.
    pub payload: Value,
    /// See [`crate::jobs::Job::unique_key`].
    pub unique_key: Option<String>,
    /// See [`crate::jobs::Job::IS_LONG`].
    pub is_long: bool,
    /// See [`crate::jobs::Job::PRIORITY`].
    pub priority: i16,
    /// Not before.
    pub run_at: DateTime<Utc>,
    /// Attempts before it is a dead letter.
    pub max_attempts: i32,
    /// Who caused it.
    pub on_behalf_of: Option<Uuid>,
    /// The request in which they did.
    pub request_id: String,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
}

/// Rows of one statement: 12 columns each, of 65,535 parameters at most.
const ROWS_A_STATEMENT: usize = 2_000;

/// Queues `new` in the caller's transaction. A job whose like waits already is that one, which then waits for this
/// transaction, so that it sees what this one wrote.
pub(super) fn insert(conn: &mut PgConnection, new: Vec<NewJob>) -> QueryResult<()> {
    let mut seen = BTreeSet::new();
    let mut new: Vec<NewJob> = new
        .into_iter()
        .filter(|job| match &job.unique_key {
            Some(key) => seen.insert((job.kind, key.clone())),
            None => true,
        })
        .collect();
    // Everybody locks in the same order.
    new.sort_by(|a, b| (a.kind, &a.unique_key).cmp(&(b.kind, &b.unique_key)));
    for chunk in new.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|job| {
                (
                    jobs::id.eq(job.id),
                    jobs::kind.eq(job.kind),
                    jobs::payload.eq(&job.payload),
                    jobs::state.eq("ready"),
                    jobs::unique_key.eq(&job.unique_key),
                    jobs::is_long.eq(job.is_long),
                    jobs::priority.eq(job.priority),
                    jobs::run_at.eq(job.run_at),
                    jobs::max_attempts.eq(job.max_attempts),
                    jobs::on_behalf_of.eq(job.on_behalf_of),
                    jobs::request_id.eq(&job.request_id),
                    jobs::created_at.eq(job.created_at),
                )
            })
            .collect();
        diesel::insert_into(jobs::table)
            .values(rows)
            .on_conflict((jobs::kind, jobs::unique_key))
            .filter_target(raw::<sql_types::Bool>(
                "state = 'ready' AND unique_key IS NOT NULL",
            ))
            .do_update()
            .set(jobs::run_at.eq(raw::<sql_types::Timestamptz>(
                "LEAST(jobs.run_at, excluded.run_at)",
            )))
            .execute(conn)?;
    }
    Ok(())
}
