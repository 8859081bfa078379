//! Every change writes its event, and no read does.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};
use provost::{db::schema::events, sql};
use serde_json::json;

use super::{inputs, operations, samples, story::Story};
use crate::support::TestApp;

/// Operations that change something without an event, each with its reason.
const WITHOUT_EVENT: &[(&str, &str)] = &[
    ("preview_certificate_template", "it draws a sample"),
    ("create_content_download", "it signs an address"),
    ("plan_enrollment_moves", "it plans"),
    ("put_upload", UPLOADS),
    ("create_upload", UPLOADS),
    ("append_to_upload", UPLOADS),
    ("delete_upload", UPLOADS),
];

const UPLOADS: &str = "what is made of an upload writes one";

/// Operations that no story of requests can lead to, each with the test that covers it and its event.
const OUTSIDE_THE_STORY: &[(&str, &str)] = &[
    ("retry_job", "a job must have died: tests/jobs/queue.rs"),
    (
        "retry_set_aside_event",
        "a consumer must have failed: tests/ledger/consumers.rs",
    ),
];

/// The events of callers; those of jobs come when they come.
fn count_events(conn: &mut PgConnection) -> i64 {
    let of_callers = events::table.filter(events::actor_kind.ne("system"));
    of_callers.count().get_result(conn).unwrap()
}

#[test]
fn every_operation_that_changes_something_has_a_sample() {
    let sampled: BTreeSet<&str> = samples::samples().iter().map(|sample| sample.operation).collect();
    let missing: Vec<_> = operations::private()
        .into_iter()
        .filter(|operation| !operation.is_read() && !sampled.contains(operation.id.as_str()))
        .filter(|operation| !OUTSIDE_THE_STORY.iter().any(|(id, _)| *id == operation.id))
        .map(|operation| operation.id)
        .collect();
    assert!(
        missing.is_empty(),
        "add these to tests/contract/samples.rs: {missing:?}"
    );
}

#[actix_web::test]
async fn every_change_writes_its_event() {
    let app = TestApp::start().await;
    let mut conn = app.app.db.dedicated_connection().unwrap();
    let mut before = count_events(&mut conn);
    let mut silent = Vec::new();

    Story::tell(&app, |operation, answer| {
        assert!(
            (200..300).contains(&answer.status),
            "{}: {}",
            operation.id,
            answer.text()
        );
        let after = count_events(&mut conn);
        let excused = WITHOUT_EVENT.iter().any(|(id, _)| *id == operation.id);
        if after == before && !operation.is_read() && !excused {
            silent.push(operation.id.clone());
        }
        before = after;
    })
    .await;

    assert!(silent.is_empty(), "these write no event: {silent:?}");
}

#[actix_web::test]
async fn no_read_writes_an_event() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut story = Story::tell(&app, |_, _| ()).await;
    let mut conn = app.app.db.dedicated_connection().unwrap();
    let before = count_events(&mut conn);

    for operation in operations::private()
        .into_iter()
        .filter(|operation| operation.is_read())
    {
        let answer = story
            .send(&admin, &operation, samples::of(&operation).as_ref())
            .await;
        assert!(answer.status < 500, "{}: {}", operation.id, answer.text());
        assert_eq!(count_events(&mut conn), before, "{} wrote an event", operation.id);
    }
}

/// What is right of such a body is tried, to find what else is wrong with it.
#[actix_web::test]
async fn a_body_with_one_fault_commits_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut story = Story::tell(&app, |_, _| ()).await;
    let mut conn = app.app.db.dedicated_connection().unwrap();
    let before = count_events(&mut conn);
    for (operation, mut body) in inputs::with_bodies(&mut story) {
        body["nobody_knows_this"] = json!(1);
        let body = body.to_string().into();
        let answer = inputs::send(&admin, &operation, &story, body, "application/json").await;
        answer
            .assert_problem(422, "validation_failed")
            .assert_fault("/nobody_knows_this");
        assert_eq!(count_events(&mut conn), before, "{} wrote an event", operation.id);
    }
}

/// As behind a pooler that hands out another connection for each transaction.
#[actix_web::test]
async fn every_operation_works_without_prepared_statements() {
    let app = TestApp::start_with(|config| config.prepared_statements = false).await;
    Story::tell(&app, |operation, answer| {
        assert!(answer.status < 400, "{}: {}", operation.id, answer.text());
    })
    .await;
    let prepared = app.write(|tx| Ok(sql!("SELECT FROM pg_prepared_statements").execute(tx.conn)?));
    assert_eq!(prepared, 0);
}
