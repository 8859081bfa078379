//! The queue's statements.

use diesel::{ExpressionMethods, PgConnection, QueryResult, RunQueryDsl};

use super::NewJob;
use crate::db::schema::jobs;

/// Queues `new` in the caller's transaction; a job whose like waits already is dropped.
pub fn insert(conn: &mut PgConnection, new: Vec<NewJob>) -> QueryResult<()> {
    if new.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = new
        .into_iter()
        .map(|job| {
            (
                jobs::id.eq(job.id),
                jobs::kind.eq(job.kind),
                jobs::payload.eq(job.payload),
                jobs::state.eq("ready"),
                jobs::unique_key.eq(job.unique_key),
                jobs::run_at.eq(job.run_at),
                jobs::max_attempts.eq(job.max_attempts),
                jobs::created_at.eq(job.created_at),
            )
        })
        .collect();
    diesel::insert_into(jobs::table)
        .values(rows)
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}
