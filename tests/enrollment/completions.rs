use chrono::TimeDelta;
use provost::enrollment::completions::{
    model::CompletionSource,
    record::{self, NewCompletion},
};
use serde_json::json;

use super::fixture::{course, in_days, outline, person, requirements, rule};
use crate::support::{Answer, TestApp};

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
async fn a_correction_that_shows_that_it_never_counted_opens_the_requirement_again() {
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

    assert_eq!(
        outline(&admin, ana).await,
        [("open".into(), Some(in_days(&app, 30)))]
    );
}

#[actix_web::test]
async fn a_completion_that_counts_no_more_leaves_the_enrollment_until_it_is_corrected() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P1Y"));
    rule(&app, &admin, "Production", "P30D", &[fire]).await;
    let ana = person(&admin, "ana", "Production").await;
    let enrollments = format!("/v1/enrollments?filter=user_id%20eq%20%22{ana}%22");
    let enrolled = admin.get(&enrollments).await.at("/data/0/id");

    let long_ago = json!({"user_id": ana, "course_id": fire, "occurred_at": "2024-05-01T10:00:00Z"});
    let done = admin.post("/v1/completions", long_ago).await.assert_status(201);

    assert_eq!(done.at("/enrollment_id"), json!(null));
    let states = |page: &Answer| (page.at("/data/0/state"), page.at("/data/1"));
    assert_eq!(
        states(&admin.get(&enrollments).await),
        (json!("enrolled"), json!(null))
    );
    assert_eq!(outline(&admin, ana).await[0].0, "open");

    let recent = format!("{}T10:00:00Z", in_days(&app, -10));
    let correction = admin
        .post(
            &format!("/v1/completions/{}/corrections", done.id()),
            json!({"occurred_at": recent, "reason": "the wrong year"}),
        )
        .await
        .assert_status(201);

    assert_eq!(correction.at("/enrollment_id"), enrolled);
    assert_eq!(
        states(&admin.get(&enrollments).await),
        (json!("completed"), json!(null))
    );
    assert_eq!(outline(&admin, ana).await[0].0, "satisfied");
}

#[actix_web::test]
async fn of_completions_recorded_at_once_one_that_counts_ends_the_enrollment() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P365D"));
    let ana = person(&admin, "ana", "Production").await;
    let body = json!({"user_id": ana, "course_id": fire});
    let enrolled = admin.post("/v1/enrollments", body).await.assert_status(201);
    let of = |days| NewCompletion {
        user_id: ana,
        course_id: fire,
        occurred_at: app.app.clock.now() - TimeDelta::days(days),
        source: CompletionSource::Integration,
        score: None,
        evidence: None,
        expires_on: None,
    };
    let record = |days: &[i64]| {
        let new: Vec<_> = days.iter().copied().map(of).collect();
        app.write(|tx| record::record(tx, new.clone()))
    };

    record(&[900]);

    let path = format!("/v1/enrollments/{}", enrolled.id());
    assert_eq!(admin.get(&path).await.at("/state"), json!("enrolled"));
    record(&[800, 10, 700]);
    assert_eq!(admin.get(&path).await.at("/state"), json!("completed"));
    let completions = admin.get("/v1/completions").await.assert_status(200).at("/data");
    let ended: Vec<_> = completions
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| !one["enrollment_id"].is_null())
        .map(|one| (&one["enrollment_id"], &one["occurred_on"]))
        .collect();
    assert_eq!(completions.as_array().unwrap().len(), 4);
    assert_eq!(ended, [(&json!(enrolled.id()), &json!(in_days(&app, -10)))]);
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

    // Nor does evidence expire before it comes about.
    let new = |expires_on: &str| json!({"user_id": ana, "course_id": fire, "occurred_at": format!("{}T12:00:00Z", in_days(&app, -10)), "expires_on": expires_on});
    let (before, same) = (in_days(&app, -11), in_days(&app, -10));
    admin
        .post("/v1/completions", new(&before))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/expires_on");
    let rows =
        json!({"rows": [{"row_key": "1", "create": new(&before)}, {"row_key": "2", "create": new(&same)}]});
    let written = admin.post("/v1/completions/bulk", rows).await.assert_status(200);
    assert_eq!(
        written.at("/results/0/problem/errors/0/pointer"),
        json!("/create/expires_on")
    );
    let id = written.at("/results/1/resource/id");
    admin
        .post(
            &format!("/v1/completions/{}/corrections", id.as_str().unwrap()),
            json!({"expires_on": before, "reason": "misread"}),
        )
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/expires_on");
}
