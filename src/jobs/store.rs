//! The queue's statements.
//!
//! An attempt holds its row by FOR KEY SHARE while it writes: heartbeats, which change no key, pass by, and
//! a worker that would take the job over (FOR UPDATE SKIP LOCKED) does not.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    Connection, ExpressionMethods, PgConnection, QueryDsl, QueryResult, QueryableByName, RunQueryDsl,
    connection::SimpleConnection, sql_types,
};
use serde_json::Value;
use uuid::Uuid;

use super::worker_lock;
use crate::{
    db::{Sql, schema::jobs, sql::Bind},
    sql,
};

/// How long a claim is good for without a heartbeat, where nobody sees that its worker is gone.
pub const LEASE: TimeDelta = TimeDelta::seconds(30);

/// What an attempt's transaction may take: bulk work has more time than a request.
const STATEMENT_TIMEOUT: &str = "600s";

/// A job that a worker has claimed.
#[derive(Debug, Clone, QueryableByName)]
pub struct Claim {
    /// The job.
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: Uuid,
    /// Its kind.
    #[diesel(sql_type = sql_types::Text)]
    pub kind: String,
    /// Whether it may take long.
    #[diesel(sql_type = sql_types::Bool)]
    pub is_long: bool,
    /// What to do.
    #[diesel(sql_type = sql_types::Jsonb)]
    pub payload: Value,
    /// Attempts, this one included.
    #[diesel(sql_type = sql_types::Integer)]
    pub attempts: i32,
    /// Attempts before it is a dead letter.
    #[diesel(sql_type = sql_types::Integer)]
    pub max_attempts: i32,
    /// What fences this attempt.
    #[diesel(sql_type = sql_types::Uuid)]
    pub attempt_token: Uuid,
    /// Who caused it.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub on_behalf_of: Option<Uuid>,
    /// The request in which they did.
    #[diesel(sql_type = sql_types::Text)]
    pub request_id: String,
}

/// Who claims jobs.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// The worker, for people.
    pub name: &'a str,
    /// The number of its worker lock, if it holds one.
    pub number: Option<i32>,
}

impl Claimant<'_> {
    fn number(self) -> Bind {
        Bind::from(self.number.map(i64::from))
    }
}

/// How many jobs a claim may take.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Of those that are done at once.
    pub short: usize,
    /// Of those that may take long.
    pub long: usize,
}

/// Statistics about the queue are old soon after they were made: where they say that it is empty, a plan that sorts
/// all that waits looks cheap, and is kept for as long as the connection.
const BY_INDEX: &str =
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off";

/// Claims jobs of `kinds` that are due, as many as there is `room` for. No two workers get the same.
#[expect(
    clippy::disallowed_methods,
    reason = "the settings are for this statement alone"
)]
pub fn claim(
    conn: &mut PgConnection,
    kinds: &[&str],
    room: Room,
    worker: Claimant<'_>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Claim>> {
    conn.transaction(|conn| {
        conn.batch_execute(BY_INDEX)?;
        let mut claims = Vec::new();
        for (is_long, limit) in [(true, room.long), (false, room.short)] {
            if limit > 0 {
                claims.extend(claim_some(conn, kinds, is_long, limit, worker, now)?);
            }
        }
        Ok(claims)
    })
}

fn claim_some(
    conn: &mut PgConnection,
    kinds: &[&str],
    is_long: bool,
    limit: usize,
    worker: Claimant<'_>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Claim>> {
    let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    sql!(
        "WITH picked AS (
            SELECT id FROM jobs
            WHERE state = 'ready' AND is_long = {is_long} AND run_at <= {now} AND kind = ANY({kinds})
            ORDER BY priority DESC, run_at, id LIMIT {limit} FOR UPDATE SKIP LOCKED
         ), claimed AS (
            UPDATE jobs SET state = 'running', attempts = attempts + 1, unique_key = NULL,
                attempt_token = {new_id}, worker = {worker.name}, worker_number = {number},
                lease_until = {until}
            WHERE id = ANY(ARRAY(SELECT id FROM picked)) RETURNING jobs.*
         )
         SELECT id, kind, is_long, payload, attempts, max_attempts, attempt_token, on_behalf_of, request_id
         FROM claimed ORDER BY priority DESC, run_at, id",
        limit = limit as i64,
        new_id = Uuid::now_v7(),
        number = worker.number(),
        until = now + LEASE,
    )
    .load(conn)
}

/// Jobs whose worker is gone: its lease ran out, or its worker lock is free.
fn lost(now: DateTime<Utc>) -> Sql {
    sql!(
        "state = 'running' AND (lease_until < {now} OR worker_number <> ALL({alive}))",
        alive = worker_lock::alive(),
    )
}

/// Makes jobs whose worker is gone ready again, and answers how many. Those that had their last attempt are left for
/// [`claim_lost`]. The jobs are found once, as an array: a join planned while the queue was empty reads the whole queue
/// again for each of its jobs.
pub fn recover(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    sql!(
        "UPDATE jobs SET state = 'ready', attempt_token = NULL, lease_until = NULL, run_at = {now},
            last_error = 'its worker was lost'
         WHERE id = ANY(ARRAY(SELECT id FROM jobs WHERE {lost} AND attempts < max_attempts
            FOR UPDATE SKIP LOCKED))",
        lost = lost(now),
    )
    .execute(conn)
}

/// Takes over the jobs whose last attempt ended with its worker, to make them dead letters.
pub fn claim_lost(
    conn: &mut PgConnection,
    kinds: &[&str],
    worker: Claimant<'_>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Claim>> {
    let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    sql!(
        "UPDATE jobs SET attempt_token = {new_id}, worker = {worker.name}, worker_number = {number},
            lease_until = {until}
         WHERE id = ANY(ARRAY(SELECT id FROM jobs WHERE {lost} AND attempts >= max_attempts
                AND kind = ANY({kinds}) FOR UPDATE SKIP LOCKED))
         RETURNING id, kind, is_long, payload, attempts, max_attempts, attempt_token, on_behalf_of, request_id",
        new_id = Uuid::now_v7(),
        number = worker.number(),
        until = now + LEASE,
        lost = lost(now),
    )
    .load(conn)
}

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

/// How many jobs could be worked on now and are not.
pub fn due(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<i64> {
    jobs::table
        .filter(jobs::state.eq("ready"))
        .filter(jobs::run_at.le(now))
        .count()
        .get_result(conn)
}

/// Whether jobs of one of these kinds are to be worked on or are worked on.
pub fn is_any_pending(conn: &mut PgConnection, kinds: &[&str]) -> QueryResult<bool> {
    let pending = jobs::table
        .filter(jobs::kind.eq_any(kinds))
        .filter(jobs::state.eq_any(["ready", "running"]));
    diesel::select(diesel::dsl::exists(pending)).get_result(conn)
}

/// Holds the job's row until the transaction ends; false if the attempt was fenced off.
pub fn hold(conn: &mut PgConnection, claim: &Claim) -> QueryResult<bool> {
    let held: Vec<Held> = sql!(
        "SELECT id, set_config('statement_timeout', {STATEMENT_TIMEOUT}, true) FROM jobs
         WHERE id = {claim.id} AND attempt_token = {claim.attempt_token}
            AND state = 'running' FOR KEY SHARE"
    )
    .load(conn)?;
    Ok(held.iter().any(|held| held.id == claim.id))
}

/// Lets the leases of these claims of a worker, given as ids and tokens, run on; answers the ids of those that are still held.
pub fn extend(
    conn: &mut PgConnection,
    claims: Vec<(Uuid, Uuid)>,
    worker: Claimant<'_>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Uuid>> {
    let (ids, tokens): (Vec<Uuid>, Vec<Uuid>) = claims.into_iter().unzip();
    let held: Vec<Held> = sql!(
        "UPDATE jobs SET lease_until = {until}, worker_number = {number}
         FROM unnest({ids}, {tokens}) AS held (id, token)
         WHERE jobs.id = held.id AND jobs.attempt_token = held.token AND state = 'running'
         RETURNING jobs.id",
        until = now + LEASE,
        number = worker.number(),
    )
    .load(conn)?;
    Ok(held.into_iter().map(|held| held.id).collect())
}

/// Completes the job; false if the attempt was fenced off.
pub fn complete(conn: &mut PgConnection, claim: &Claim, now: DateTime<Utc>) -> QueryResult<bool> {
    let ended = sql!(
        "UPDATE jobs SET state = 'succeeded', attempt_token = NULL, lease_until = NULL,
            last_error = NULL, finished_at = {now} {own}",
        own = own(claim),
    );
    Ok(ended.execute(conn)? == 1)
}

/// Puts the job back for another attempt at `run_at`.
pub fn retry_later(
    conn: &mut PgConnection,
    claim: &Claim,
    error: &str,
    run_at: DateTime<Utc>,
) -> QueryResult<bool> {
    let put_back = sql!(
        "UPDATE jobs SET state = 'ready', attempt_token = NULL, lease_until = NULL,
            last_error = {error}, run_at = {run_at} {own}",
        own = own(claim),
    );
    Ok(put_back.execute(conn)? == 1)
}

/// Makes the job a dead letter.
pub fn dead_letter(
    conn: &mut PgConnection,
    claim: &Claim,
    error: &str,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let buried = sql!(
        "UPDATE jobs SET state = 'dead', attempt_token = NULL, lease_until = NULL, last_error = {error},
            finished_at = {now} {own}",
        own = own(claim),
    );
    Ok(buried.execute(conn)? == 1)
}

/// Gives claims back that were not begun, as if they had not been claimed.
pub fn unclaim(conn: &mut PgConnection, claims: &[Claim]) -> QueryResult<usize> {
    let (ids, tokens): (Vec<Uuid>, Vec<Uuid>) =
        claims.iter().map(|claim| (claim.id, claim.attempt_token)).unzip();
    sql!(
        "UPDATE jobs SET state = 'ready', attempts = attempts - 1, attempt_token = NULL,
            lease_until = NULL
         FROM unnest({ids}, {tokens}) AS held (id, token)
         WHERE jobs.id = held.id AND jobs.attempt_token = held.token AND state = 'running'"
    )
    .execute(conn)
}

fn own(claim: &Claim) -> Sql {
    sql!("WHERE id = {claim.id} AND attempt_token = {claim.attempt_token} AND state = 'running'")
}
