//! Work that takes longer than a request.

mod random_scopes;

use provost::{authz::Permission, operations};
use serde_json::json;
use uuid::Uuid;

use crate::support::TestApp;

#[actix_web::test]
async fn an_operation_is_answered_202_and_watched_until_it_succeeds() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    app.run_jobs();

    let begun = admin
        .post("/v1/ledger/verifications", json!({}))
        .await
        .assert_status(202);
    let path = format!("/v1/operations/{}", begun.id());
    assert_eq!(begun.header("location"), Some(path.as_str()));
    let waiting = admin.get(&path).await.assert_status(200);
    assert_eq!(
        (waiting.at("/status"), waiting.at("/progress")),
        (json!("pending"), json!(0))
    );

    app.run_jobs();

    let done = admin.get(&path).await;
    assert_eq!(done.at("/status"), json!("succeeded"));
    assert_eq!(done.at("/progress"), done.at("/total"));
    assert!(done.at("/finished_at").is_string());
    let etag = done.header("etag").unwrap().to_owned();
    admin
        .with("If-None-Match", &etag)
        .get(&path)
        .await
        .assert_status(304);
    admin
        .post(&format!("{path}/cancellation"), json!({}))
        .await
        .assert_problem(409, "operation_finished");
}

#[actix_web::test]
async fn an_operation_that_waits_is_cancelled_at_once_and_its_work_never_begins() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let begun = admin.post("/v1/ledger/verifications", json!({})).await;
    let path = format!("/v1/operations/{}", begun.id());

    let cancelled = admin
        .post(&format!("{path}/cancellation"), json!({}))
        .await
        .assert_status(202);
    assert_eq!(cancelled.at("/status"), json!("cancelled"));
    assert_eq!(app.run_jobs(), 1, "the job ends without work");

    let after = admin.get(&path).await;
    assert_eq!(
        (after.at("/status"), after.at("/started_at")),
        (json!("cancelled"), json!(null))
    );
}

#[actix_web::test]
async fn an_operation_that_runs_ends_at_its_next_step() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let begun = admin.post("/v1/ledger/verifications", json!({})).await;
    let path = format!("/v1/operations/{}", begun.id());
    let id = Uuid::parse_str(&begun.id()).unwrap();
    app.write(|tx| operations::start(tx, id));

    let asked = admin
        .post(&format!("{path}/cancellation"), json!({}))
        .await
        .assert_status(202);
    assert_eq!(
        (asked.at("/status"), asked.at("/cancel_requested")),
        (json!("running"), json!(true))
    );
    app.run_jobs();

    assert_eq!(admin.get(&path).await.at("/status"), json!("cancelled"));
}

#[actix_web::test]
async fn operations_are_their_callers_own() {
    let app = TestApp::start().await;
    let verifier = app.holding(&[Permission::EventsRead], "everything", None);
    let begun = verifier
        .post("/v1/ledger/verifications", json!({}))
        .await
        .assert_status(202);
    let path = format!("/v1/operations/{}", begun.id());
    verifier.get(&path).await.assert_status(200);

    let stranger = app.holding(&[Permission::EventsRead], "everything", None);
    stranger.get(&path).await.assert_problem(404, "not_found");
    stranger
        .post(&format!("{path}/cancellation"), json!({}))
        .await
        .assert_problem(404, "not_found");
    assert_eq!(stranger.get("/v1/operations").await.at("/data"), json!([]));

    let watcher = app.holding(&[Permission::OperationsRead], "everything", None);
    watcher.get(&path).await.assert_status(200);
    watcher
        .post(&format!("{path}/cancellation"), json!({}))
        .await
        .assert_problem(403, "forbidden");
    let listed = watcher
        .get("/v1/operations?filter=status%20eq%20%22pending%22&sort=-created_at")
        .await;
    assert_eq!(listed.at("/data/0/id"), json!(begun.id()));
}
