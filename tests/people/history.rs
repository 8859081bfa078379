use chrono::TimeDelta;
use serde_json::json;

use super::person;
use crate::support::TestApp;

#[actix_web::test]
async fn history_is_periods_without_gap_or_overlap() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({"department": "Nursing"})).await;
    let path = format!("/v1/users/{ana}");
    let lisbon = json!({"code": "lis", "name": "Lisbon"});
    let lisbon = admin.post("/v1/locations", lisbon).await.id();

    for change in [
        json!({"location_id": lisbon}),
        json!({"department": "Surgery"}),
        json!({"email": "ana@example.com"}),
        json!({"status": "suspended"}),
    ] {
        app.app.clock.advance(TimeDelta::days(1));
        app.admin().await.patch(&path, change).await.assert_status(200);
    }

    let admin = app.admin().await;
    let history = admin.get(&format!("{path}/history")).await.assert_status(200);
    let periods = history.at("/data");
    let said: Vec<_> = periods
        .as_array()
        .unwrap()
        .iter()
        .map(|period| ["department", "status", "location_id"].map(|field| period[field].clone()))
        .collect();
    assert_eq!(
        said,
        [
            [json!("Nursing"), json!("active"), json!(null)],
            [json!("Nursing"), json!("active"), json!(lisbon)],
            [json!("Surgery"), json!("active"), json!(lisbon)],
            [json!("Surgery"), json!("suspended"), json!(lisbon)],
        ]
    );
    assert_eq!(history.at("/data/0/valid_to"), history.at("/data/1/valid_from"));
    assert_eq!(history.at("/data/1/valid_to"), history.at("/data/2/valid_from"));
    assert_eq!(history.at("/data/2/valid_to"), history.at("/data/3/valid_from"));
    assert_eq!(history.at("/data/3/valid_to"), json!(null));
    let open = format!("{path}/history?filter=valid_to%20eq%20null");
    assert_eq!(admin.get(&open).await.at("/data/0/id"), history.at("/data/3/id"));
    let elsewhere = format!("{path}/history?filter=location_id%20eq%20null");
    let elsewhere = admin.get(&elsewhere).await.assert_status(200);
    assert_eq!(elsewhere.at("/data").as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn keeping_the_facts_of_everybody_again_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let boss = person(&admin, "boss", json!({})).await;
    let ana = person(&admin, "ana", json!({"manager_id": boss})).await;
    let before = admin.get(&format!("/v1/users/{ana}/history")).await.json();

    for _ in 0..2 {
        app.write(|tx| provost::people::facts::refresh(tx, None));
    }

    assert_eq!(
        admin.get(&format!("/v1/users/{ana}/history")).await.json(),
        before
    );
}

#[actix_web::test]
async fn leaving_before_hiring_is_refused_also_on_change() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({"hired_on": "2026-03-01"})).await;
    let path = format!("/v1/users/{ana}");

    for days in [
        json!({"left_on": "2026-02-28"}),
        json!({"hired_on": "2027-01-01", "left_on": "2026-12-31"}),
        json!({"left_on": "0000-01-01"}),
        // Fault 5.
        json!({"left_on": "9999-12-31"}),
    ] {
        admin
            .patch(&path, days)
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault("/left_on");
    }
    admin
        .patch(&path, json!({"left_on": "2026-03-01"}))
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn the_first_active_day_is_noted_and_stays() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({"status": "invited"})).await;
    let path = format!("/v1/users/{ana}");
    assert_eq!(admin.get(&path).await.at("/activated_on"), json!(null));

    let day = app.app.clock.now().date_naive();
    let active = admin.patch(&path, json!({"status": "active"})).await;
    assert_eq!(active.at("/activated_on"), json!(day));
    app.app.clock.advance(TimeDelta::days(3));
    let admin = app.admin().await;
    admin
        .patch(&path, json!({"status": "suspended"}))
        .await
        .assert_status(200);
    let again = admin.patch(&path, json!({"status": "active"})).await;
    assert_eq!(again.at("/activated_on"), json!(day));
}

#[actix_web::test]
async fn a_change_that_changes_nothing_leaves_version_and_ledger_alone() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({"title": "Nurse"})).await;

    let same = admin
        .patch(&format!("/v1/users/{ana}"), json!({"title": "Nurse"}))
        .await
        .assert_status(200);

    assert_eq!(same.at("/version"), json!(1));
}
