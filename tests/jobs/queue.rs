//! Attempts, retries, dead letters, fencing.

use std::{
    cell::Cell,
    sync::{Arc, Mutex, OnceLock},
};

use chrono::TimeDelta;
use provost::{
    app::App,
    authz::Permission,
    jobs::{Handler, Job, JobError, JobRun, Worker},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::kinds::{self, Fail, HANDLERS, Mark, Panic};
use crate::support::{TestApp, count};

const MARKS: &str = "SELECT count(*) FROM events WHERE action = 'test.marked'";

#[actix_web::test]
async fn a_job_runs_once_and_its_events_name_who_caused_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    admin
        .with("x-request-id", "the-request")
        .post("/v1/ledger/verifications", json!({}))
        .await
        .assert_status(202);

    assert_eq!((app.run_jobs(), app.run_jobs()), (1, 0));

    let me = admin.get("/v1/users").await.at("/data/0/id");
    let done = admin
        .get("/v1/events?filter=action%20eq%20%22operation.succeeded%22")
        .await;
    assert_eq!(done.at("/data/0/actor_kind"), json!("system"));
    assert_eq!(done.at("/data/0/on_behalf_of"), me);
    assert_eq!(done.at("/data/0/request_id"), json!("the-request"));
}

#[actix_web::test]
async fn jobs_that_wait_with_the_same_key_are_one() {
    let app = TestApp::start().await;
    let mark = Uuid::now_v7();
    for _ in 0..2 {
        app.write(|tx| {
            tx.enqueue(&Mark { mark })?;
            tx.enqueue(&Mark { mark })
        });
    }

    assert_eq!(Worker::drain(&app.app, HANDLERS).unwrap(), 1);

    app.write(|tx| tx.enqueue(&Mark { mark }));
    assert_eq!(Worker::drain(&app.app, HANDLERS).unwrap(), 1);
}

#[actix_web::test]
async fn a_job_that_fails_is_tried_again_later_and_then_a_dead_letter_that_can_be_retried() {
    let app = TestApp::start().await;
    app.write(|tx| {
        tx.enqueue(&Fail {
            operation_id: None,
            is_refused: false,
        })
    });

    for attempt in 1..=3 {
        assert_eq!(Worker::drain(&app.app, HANDLERS).unwrap(), 1, "attempt {attempt}");
        assert_eq!(
            Worker::drain(&app.app, HANDLERS).unwrap(),
            0,
            "not before its time"
        );
        app.app.clock.advance(TimeDelta::minutes(5));
    }
    assert_eq!(Worker::drain(&app.app, HANDLERS).unwrap(), 0);
    assert_eq!(count(&app, MARKS), 0, "a write that failed leaves nothing");

    let admin = app.admin().await;
    let dead = admin
        .get("/v1/jobs?filter=state%20eq%20%22dead%22")
        .await
        .assert_status(200);
    assert_eq!(dead.at("/data/0/attempts"), json!(3));
    assert!(dead.at("/data/0/last_error").to_string().contains("on fire"));

    let path = format!("/v1/jobs/{}", dead.at("/data/0/id").as_str().unwrap());
    admin
        .post(&format!("{path}/retry"), json!({}))
        .await
        .assert_status(200);
    admin
        .post(&format!("{path}/retry"), json!({}))
        .await
        .assert_problem(409, "job_not_dead");
    assert_eq!(
        count(&app, "SELECT count(*) FROM events WHERE action = 'job.retried'"),
        1
    );
    assert_eq!(Worker::drain(&app.app, HANDLERS).unwrap(), 1);
    assert_eq!(admin.get(&path).await.at("/attempts"), json!(4));
}

#[actix_web::test]
async fn a_handler_that_panics_costs_an_attempt_only() {
    let app = TestApp::start().await;
    app.write(|tx| tx.enqueue(&Panic {}));

    assert_eq!(Worker::drain(&app.app, HANDLERS).unwrap(), 1);

    let dead = app
        .admin()
        .await
        .get("/v1/jobs?filter=state%20eq%20%22dead%22")
        .await;
    assert_eq!(dead.at("/data/0/last_error"), json!("the handler panicked"));
}

#[actix_web::test]
async fn the_operation_of_a_job_that_dies_fails_with_its_problem() {
    let app = TestApp::start().await;
    let refused = app.write(|tx| kinds::begin_failing(tx, true));
    let broken = app.write(|tx| kinds::begin_failing(tx, false));

    for _ in 0..3 {
        Worker::drain(&app.app, HANDLERS).unwrap();
        app.app.clock.advance(TimeDelta::minutes(5));
    }

    let admin = app.admin().await;
    for (operation, code) in [(refused, "plan_stale"), (broken, "internal")] {
        let answer = admin
            .get(&format!("/v1/operations/{operation}"))
            .await
            .assert_status(200);
        assert_eq!(answer.at("/status"), json!("failed"));
        assert_eq!(answer.at("/problem/code"), json!(code));
    }

    let dead = admin
        .get("/v1/jobs?filter=state%20eq%20%22dead%22&sort=-created_at&limit=1")
        .await;
    let path = format!("/v1/jobs/{}/retry", dead.at("/data/0/id").as_str().unwrap());
    admin.post(&path, json!({})).await.assert_status(200);
    Worker::drain(&app.app, HANDLERS).unwrap();
    let again = admin.get(&format!("/v1/operations/{broken}")).await;
    assert_eq!(
        (again.at("/status"), again.at("/problem")),
        (json!("running"), json!(null))
    );
}

/// Is taken over in the middle, by a worker that this test plays.
#[derive(Serialize, Deserialize)]
struct Slow {}

static APP: OnceLock<Mutex<Option<Arc<App>>>> = OnceLock::new();
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

const SLOW: &[Handler] = &[Handler::of::<Slow>()];

impl Job for Slow {
    const KIND: &'static str = "test.slow";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let app = APP.get().and_then(|app| app.lock().unwrap().clone()).unwrap();
        if run.attempt() == 1 {
            run.write(|tx| {
                kinds::leave_mark(tx, Uuid::nil());
                Ok(())
            })?;
            app.clock.advance(TimeDelta::minutes(2));
            Worker::drain(&app, SLOW).unwrap();
        }
        let written = run.finish(|tx| {
            kinds::leave_mark(tx, Uuid::max());
            Ok(())
        });
        SEEN.lock()
            .unwrap()
            .push(format!("{}: {written:?}", run.attempt()));
        written
    }
}

#[actix_web::test]
async fn an_attempt_whose_lease_ran_out_writes_nothing_more() {
    let app = TestApp::start().await;
    *APP.get_or_init(Mutex::default).lock().unwrap() = Some(app.app.clone());
    app.write(|tx| tx.enqueue(&Slow {}));

    Worker::drain(&app.app, SLOW).unwrap();

    assert_eq!(*SEEN.lock().unwrap(), ["2: Ok(())", "1: Err(Fenced)"]);
    assert_eq!(
        count(&app, MARKS),
        2,
        "the first attempt's first write and the second's last"
    );
    assert_eq!(
        count(
            &app,
            "SELECT count(*) FROM jobs WHERE state = 'succeeded' AND attempts = 2"
        ),
        1
    );
    *APP.get().unwrap().lock().unwrap() = None;
}

#[actix_web::test]
async fn a_job_whose_worker_is_lost_in_the_last_attempt_is_a_dead_letter() {
    let app = TestApp::start().await;
    let operation = app.write(|tx| kinds::begin_failing(tx, false));
    app.write(|tx| {
        provost::sql!(
            "UPDATE jobs SET state = 'running', attempts = max_attempts, attempt_token = id,
                lease_until = created_at"
        )
        .execute(tx.conn)?;
        Ok(())
    });
    app.app.clock.advance(TimeDelta::seconds(1));

    assert_eq!(Worker::drain(&app.app, HANDLERS).unwrap(), 0);

    assert_eq!(count(&app, "SELECT count(*) FROM jobs WHERE state = 'dead'"), 1);
    let answer = app
        .admin()
        .await
        .get(&format!("/v1/operations/{operation}"))
        .await;
    assert_eq!(answer.at("/status"), json!("failed"));
}

#[actix_web::test]
async fn the_queue_is_for_those_who_may_see_it() {
    let app = TestApp::start().await;
    let reader = app.holding(&[Permission::JobsRead], "everything", None);
    let other = app.holding(&[Permission::UsersRead], "everything", None);
    app.write(|tx| tx.enqueue(&Panic {}));
    Worker::drain(&app.app, HANDLERS).unwrap();
    let path = format!(
        "/v1/jobs/{}",
        reader.get("/v1/jobs").await.at("/data/0/id").as_str().unwrap()
    );

    reader.get(&path).await.assert_status(200);
    reader
        .post(&format!("{path}/retry"), json!({}))
        .await
        .assert_problem(403, "forbidden");
    other.get("/v1/jobs").await.assert_problem(403, "forbidden");
    other.get(&path).await.assert_problem(403, "forbidden");
    reader
        .get(&format!("/v1/jobs/{}", Uuid::nil()))
        .await
        .assert_problem(404, "not_found");
}

#[actix_web::test]
async fn what_has_served_is_purged() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    admin
        .with("Idempotency-Key", "once")
        .post("/v1/ledger/verifications", json!({}))
        .await
        .assert_status(202);
    app.run_jobs();

    let purge = || {
        app.write(|tx| tx.enqueue(&provost::jobs::Purge {}));
        app.run_jobs();
        (
            count(&app, "SELECT count(*) FROM jobs WHERE kind = 'ledger.verify'"),
            count(&app, "SELECT count(*) FROM idempotency_keys"),
        )
    };

    assert_eq!(purge(), (1, 1));
    app.app.clock.advance(TimeDelta::hours(25));
    assert_eq!(purge(), (1, 0));
    app.app.clock.advance(TimeDelta::days(7));
    assert_eq!(purge(), (0, 0));
}
