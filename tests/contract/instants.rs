//! What an instant is does not depend on where it enters. Fault 15.

use serde_json::{Value, json};

use super::{
    faults::faults,
    inputs::{send, with_bodies},
    operations::{self, resolve},
    story::Story,
};
use crate::support::TestApp;

/// In the year 10000 in UTC.
const TOO_LATE: &str = "9999-12-31T23:59:59-01:00";
/// At noon there is no leap second.
const NOON: &str = "2026-06-30T12:00:60Z";

/// The members of a body that are instants.
fn instants(document: &Value, schema: &Value) -> Vec<String> {
    let members = resolve(document, schema)["properties"].as_object().cloned();
    let members = members.unwrap_or_default().into_iter();
    let instants = members.filter(|(_, member)| member["format"] == "date-time");
    instants.map(|(name, _)| name).collect()
}

#[actix_web::test]
async fn instants_that_cannot_be_kept_are_refused_in_every_body() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut story = Story::tell(&app, |_, _| ()).await;
    let document = operations::document();
    let mut seen = 0;
    for (operation, body) in with_bodies(&mut story) {
        for name in instants(document, operation.json_body().unwrap()) {
            for bad in [TOO_LATE, NOON] {
                let mut body = body.clone();
                body[&name] = json!(bad);
                let answer = send(
                    &admin,
                    &operation,
                    &story,
                    body.to_string().into(),
                    "application/json",
                )
                .await
                .assert_problem(422, "validation_failed");
                let mut told = faults(&answer).into_iter().map(|(pointer, _)| pointer);
                assert!(
                    told.any(|pointer| pointer == format!("/{name}")),
                    "{}",
                    operation.id
                );
                seen += 1;
            }
        }
    }
    assert!(seen >= 10, "only {seen} instants in bodies");
}

#[actix_web::test]
async fn a_leap_second_is_of_the_day_that_it_ends_wherever_it_enters() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let course = crate::enrollment::fixture::course(&app, "fire", Some("P1Y"));
    let user = crate::enrollment::fixture::person(&admin, "ana", "Production").await;
    let body = json!({"user_id": user, "course_id": course, "occurred_at": "2016-12-31T23:59:60Z"});
    let done = admin.post("/v1/completions", body).await.assert_status(201);
    assert_eq!(
        (done.at("/occurred_at"), done.at("/occurred_on"),),
        (json!("2016-12-31T23:59:59.999999Z"), json!("2016-12-31"),)
    );
    let read = admin.get(&format!("/v1/completions/{}", done.id())).await;
    assert_eq!(read.json(), done.json());

    let found = async |filter: &str| {
        let filter = filter.replace(' ', "%20").replace('"', "%22");
        let page = admin
            .get(&format!("/v1/completions?filter={filter}"))
            .await
            .assert_status(200);
        page.at("/data").as_array().unwrap().len()
    };
    assert_eq!(found("occurred_at eq \"2016-12-31T23:59:60Z\"").await, 1);
    assert_eq!(found("occurred_at lt \"2017-01-01T00:00:00Z\"").await, 1);
    assert_eq!(found("occurred_at ge \"2017-01-01T08:59:60.5%2B09:00\"").await, 1);
    for bad in [TOO_LATE, NOON] {
        admin
            .get(&format!("/v1/completions?filter=occurred_at%20eq%20%22{bad}%22"))
            .await
            .assert_problem(400, "invalid_filter");
    }
}
