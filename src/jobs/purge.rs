//! Forgets what has served: finished jobs and stored answers.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, QueryResult};
use serde::{Deserialize, Serialize};

use super::{Job, JobError, JobRun};
use crate::sql;

/// Deletes finished jobs after a week, dead ones after a month, and idempotency records after a day.
#[derive(Debug, Serialize, Deserialize)]
pub struct Purge {}

const KEEP_SUCCEEDED: TimeDelta = TimeDelta::days(7);
const KEEP_DEAD: TimeDelta = TimeDelta::days(30);
const KEEP_ANSWERS: TimeDelta = TimeDelta::hours(24);

/// Rows a transaction, so that none holds locks for long.
const BATCH: i64 = 10_000;

impl Job for Purge {
    const KIND: &'static str = "system.purge";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        for delete in [finished_jobs, idempotency_records] {
            while run.write(|tx| Ok(delete(tx.conn, tx.now)?))? as i64 == BATCH {}
        }
        Ok(())
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

fn finished_jobs(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    sql!(
        "DELETE FROM jobs WHERE id = ANY(ARRAY(SELECT id FROM jobs
            WHERE state IN ('succeeded', 'dead') AND finished_at < {succeeded_since}
                AND (state = 'succeeded' OR finished_at < {dead_since}) LIMIT {BATCH}))",
        succeeded_since = now - KEEP_SUCCEEDED,
        dead_since = now - KEEP_DEAD,
    )
    .execute(conn)
}

fn idempotency_records(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    sql!(
        "DELETE FROM idempotency_keys
         WHERE (principal_id, key) IN (SELECT principal_id, key FROM idempotency_keys
            WHERE created_at < {since} LIMIT {BATCH})",
        since = now - KEEP_ANSWERS,
    )
    .execute(conn)
}
