//! What operators look at.

use provost::sql;
use serde_json::{Value, json};

use crate::support::TestApp;

async fn metric(app: &TestApp, line: &str) -> Option<f64> {
    let answer = app.anonymous().get("/metrics").await.assert_status(200);
    let text = answer.text();
    let value = text.lines().find_map(|each| each.strip_prefix(line))?;
    Some(value.trim().parse().expect("a number"))
}

#[actix_web::test]
async fn metrics_tell_of_requests_jobs_and_events() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    admin.get("/v1/users").await.assert_status(200);
    let requests = "provost_http_requests_total{method=\"GET\",operation=\"/v1/users\",status=\"200\"}";
    assert_eq!(metric(&app, requests).await, Some(1.0));

    let before = metric(&app, "provost_queue_length{queue=\"jobs\"}").await;
    admin
        .post("/v1/ledger/verifications", json!({}))
        .await
        .assert_status(202);
    let jobs = metric(&app, "provost_queue_length{queue=\"jobs\"}").await;
    assert_eq!(jobs, before.map(|before| before + 1.0));
    let events = metric(&app, "provost_queue_length{queue=\"unsealed_events\"}").await;
    assert!(events > Some(0.0), "{events:?}");
    app.run_jobs();
    assert_eq!(
        metric(&app, "provost_queue_length{queue=\"jobs\"}").await,
        Some(0.0)
    );
}

#[actix_web::test]
async fn readiness_names_the_part_that_fails() {
    let app = TestApp::start().await;
    let ready = app.anonymous().get("/readyz").await.assert_status(200);
    assert_eq!(ready.at("/ready"), json!(true));

    app.write(|tx| {
        sql![
            "DELETE FROM __diesel_schema_migrations WHERE version =
            (SELECT max(version) FROM __diesel_schema_migrations)"
        ]
        .execute(tx.conn)?;
        Ok(())
    });
    let failing = app.anonymous().get("/readyz").await.assert_status(503);
    let parts = failing.at("/parts");
    let faults: Vec<&Value> = parts
        .as_array()
        .into_iter()
        .flatten()
        .filter(|part| part["ready"] == json!(false))
        .map(|part| &part["name"])
        .collect();
    assert_eq!(faults, [&json!("migrations")]);
}
