//! Workers with threads of their own.

use diesel::{QueryableByName, RunQueryDsl, sql_types::BigInt};
use provost::{
    app::Tx,
    http::{ApiError, ApiResult},
    jobs::{
        Worker,
        store::{self, Claimant, Room},
    },
    sql,
};
use uuid::Uuid;

use super::kinds::{HANDLERS, Long, Mark};
use crate::support::{TestApp, count, wait_until};

const JOBS: i64 = 500;

#[actix_web::test]
async fn two_workers_do_each_of_many_jobs_once() {
    let app = TestApp::start().await;
    let workers: Vec<_> = (0..2)
        .map(|_| Worker::start(app.app.clone(), HANDLERS, &[], provost::ledger::seal_some, 2).unwrap())
        .collect();

    for _ in 0..10 {
        app.write(|tx| (0..JOBS / 10).try_for_each(|_| tx.enqueue(&Mark { mark: Uuid::now_v7() })));
    }

    wait_until("all jobs are done", || {
        count(&app, "SELECT count(*) FROM jobs WHERE state = 'succeeded'") == JOBS
    });
    for worker in workers {
        worker.stop();
    }
    let effects = "SELECT count(*) FROM events WHERE action = 'test.marked'";
    let marks = "SELECT count(DISTINCT object_id) FROM events WHERE action = 'test.marked'";
    assert_eq!((count(&app, effects), count(&app, marks)), (JOBS, JOBS));
}

#[actix_web::test]
async fn long_jobs_keep_no_short_ones_waiting() {
    let app = TestApp::start().await;
    app.write(|tx| (0..3).try_for_each(|_| tx.enqueue(&Long {})));
    let short_done = "SELECT count(*) FROM jobs WHERE kind = 'test.mark' AND state = 'succeeded'";
    let long_running = "SELECT count(*) FROM jobs WHERE kind = 'test.long' AND state = 'running'";
    let long_ready = "SELECT count(*) FROM jobs WHERE kind = 'test.long' AND state = 'ready'";
    let long_done = "SELECT count(*) FROM jobs WHERE kind = 'test.long' AND state = 'succeeded'";

    let worker = app.write(|tx| {
        sql!("SELECT pg_advisory_xact_lock(7)").execute(tx.conn)?;
        let worker = Worker::start(app.app.clone(), HANDLERS, &[], provost::ledger::seal_some, 2).unwrap();
        app.write(|tx| (0..20).try_for_each(|_| tx.enqueue(&Mark { mark: Uuid::now_v7() })));
        wait_until("short jobs are done beside a long one", || {
            count(&app, short_done) == 20 && count(&app, long_running) == 1
        });
        assert_eq!(count(&app, long_ready), 2);
        Ok(worker)
    });

    wait_until("the long jobs are done", || count(&app, long_done) == 3);
    worker.stop();
}

#[actix_web::test]
async fn a_worker_that_stops_leaves_nothing_claimed() {
    let app = TestApp::start().await;
    app.write(|tx| (0..JOBS).try_for_each(|_| tx.enqueue(&Mark { mark: Uuid::now_v7() })));

    let worker = Worker::start(app.app.clone(), HANDLERS, &[], provost::ledger::seal_some, 2).unwrap();
    wait_until("some jobs are done", || {
        count(&app, "SELECT count(*) FROM jobs WHERE state = 'succeeded'") > 0
    });
    worker.stop();

    assert_eq!(
        count(&app, "SELECT count(*) FROM jobs WHERE state = 'running'"),
        0
    );
    assert_eq!(
        count(
            &app,
            "SELECT count(*) FROM jobs WHERE state = 'ready' AND attempts > 0"
        ),
        0
    );
}

#[actix_web::test]
async fn a_heartbeat_keeps_what_runs_and_says_what_is_lost() {
    let app = TestApp::start().await;
    app.write(|tx| (0..2).try_for_each(|_| tx.enqueue(&Mark { mark: Uuid::now_v7() })));
    let now = app.app.clock.now();
    let (kept, extended) = app.write(|tx| {
        let worker = Claimant {
            name: "test",
            number: None,
        };
        let room = Room { short: 2, long: 0 };
        let claims = store::claim(tx.conn, &["test.mark"], room, worker, now)?;
        sql!(
            "UPDATE jobs SET attempt_token = id WHERE id = {job}",
            job = claims[0].id
        )
        .execute(tx.conn)?;
        let held = claims
            .iter()
            .map(|claim| (claim.id, claim.attempt_token))
            .collect();
        Ok((claims[1].id, store::extend(tx.conn, held, worker, now)?))
    });

    assert_eq!(extended, [kept]);
}

#[derive(QueryableByName)]
struct Read {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// Tells the statistics that the queue is empty, as after a purge.
fn empty(tx: &mut Tx) -> ApiResult<()> {
    sql!("TRUNCATE jobs").execute(tx.conn)?;
    sql!("ANALYZE jobs").execute(tx.conn)?;
    Ok(())
}

/// 2,000 jobs that are due, and that the statistics do not know of.
fn fill(tx: &mut Tx) -> ApiResult<()> {
    sql!(
        "INSERT INTO jobs (id, kind, payload, state, is_long, run_at, max_attempts, request_id, created_at)
         SELECT gen_random_uuid(), 'test.mark', jsonb_build_object(), 'ready', false, {tx.now}, 1, '', {tx.now}
         FROM generate_series(1, 2000)"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Rows of jobs that the transaction has read.
fn rows_read(tx: &mut Tx) -> ApiResult<i64> {
    let read: Read = sql!(
        "SELECT seq_tup_read + idx_tup_fetch AS rows FROM pg_stat_xact_user_tables WHERE relname = 'jobs'"
    )
    .get_result(tx.conn)?;
    Ok(read.rows)
}

#[actix_web::test]
async fn a_claim_reads_only_what_it_takes_whatever_statistics_say() {
    let app = TestApp::start().await;
    let (claimed, read) = app.write(|tx| {
        empty(tx)?;
        fill(tx)?;
        let worker = Claimant {
            name: "test",
            number: None,
        };
        let room = Room { short: 2, long: 1 };
        let claims = store::claim(tx.conn, &["test.mark"], room, worker, tx.now)?;
        Ok((claims.len(), rows_read(tx)?))
    });

    assert_eq!(claimed, 2);
    assert!(read < 100, "{read} rows read");
}

#[actix_web::test]
async fn looking_for_lost_jobs_does_not_read_the_queue_for_each_of_its_jobs() {
    let app = TestApp::start().await;
    let read = app.write(|tx| {
        sql!("SET LOCAL plan_cache_mode = force_generic_plan").execute(tx.conn)?;
        let worker = Claimant {
            name: "test",
            number: None,
        };
        let look = |tx: &mut Tx| {
            assert_eq!(store::recover(tx.conn, tx.now)?, 0);
            assert!(store::claim_lost(tx.conn, &["test.mark"], worker, tx.now)?.is_empty());
            Ok::<_, ApiError>(())
        };
        // The plans are made while the queue is empty, and kept.
        empty(tx)?;
        look(tx)?;
        fill(tx)?;
        look(tx)?;
        rows_read(tx)
    });

    assert!(read < 10_000, "{read} rows read");
}
