use serde_json::json;

use super::fixture::{course, in_days, outline, person, requirements, rule};
use crate::support::TestApp;

#[actix_web::test]
async fn a_correction_supersedes_and_requirements_follow_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P365D"));
    rule(&app, &admin, "Production", "P30D", &[fire]).await;
    let ana = person(&admin, "ana", "Production").await;
    let done = admin
        .post(
            "/v1/completions",
            json!({"user_id": ana, "course_id": fire, "score": 80}),
        )
        .await
        .assert_status(201);
    let path = format!("/v1/completions/{}", done.id());

    let earlier = format!("{}T12:00:00Z", in_days(&app, -100));
    let correction = admin
        .post(
            &format!("{path}/corrections"),
            json!({"occurred_at": earlier, "reason": "the wrong day"}),
        )
        .await
        .assert_status(201);

    assert_eq!(
        (correction.at("/score"), correction.at("/supersedes_id")),
        (json!(80.0), json!(done.id()))
    );
    let requirement = &requirements(&admin, ana).await[0];
    assert_eq!(
        (&requirement["completion_id"], &requirement["valid_until"]),
        (&json!(correction.id()), &json!(in_days(&app, 265)))
    );
    let old = admin.get(&path).await.assert_status(200);
    assert_eq!(
        (old.at("/superseded_by_id"), old.at("/score")),
        (json!(correction.id()), json!(80.0))
    );
    admin
        .post(&format!("{path}/corrections"), json!({"reason": "again"}))
        .await
        .assert_problem(409, "completion_superseded");
}

#[actix_web::test]
async fn a_correction_that_lets_it_lapse_opens_the_next_cycle() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P1Y"));
    rule(&app, &admin, "Production", "P30D", &[fire]).await;
    let ana = person(&admin, "ana", "Production").await;
    let done = admin
        .post("/v1/completions", json!({"user_id": ana, "course_id": fire}))
        .await;

    admin
        .post(
            &format!("/v1/completions/{}/corrections", done.id()),
            json!({"occurred_at": "2020-02-29T08:00:00Z", "reason": "that was years ago"}),
        )
        .await
        .assert_status(201);

    let statuses = outline(&admin, ana).await;
    assert_eq!(
        (statuses[0].0.as_str(), statuses[1].0.as_str()),
        ("expired", "open")
    );
}

#[actix_web::test]
async fn nobody_has_done_what_lies_ahead() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;

    let ahead = format!("{}T12:00:00Z", in_days(&app, 2));
    admin
        .post(
            "/v1/completions",
            json!({"user_id": ana, "course_id": fire, "occurred_at": ahead}),
        )
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/occurred_at");
}
