use provost::authz::Permission;
use serde_json::json;

use super::fixture::{course, draft, person};
use crate::support::TestApp;

#[actix_web::test]
async fn a_learner_enrolls_themselves_and_finishes() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    let learner = app.client_of(ana);

    let enrolled = learner
        .post("/v1/enrollments", json!({"user_id": ana, "course_id": fire}))
        .await
        .assert_status(201);
    assert_eq!(enrolled.at("/source"), json!("self"));
    let path = format!("/v1/enrollments/{}", enrolled.id());
    let half = learner
        .patch(&path, json!({"progress_percent": 50}))
        .await
        .assert_status(200);
    assert_eq!(half.at("/state"), json!("in_progress"));
    let done = learner
        .patch(&path, json!({"progress_percent": 100}))
        .await
        .assert_status(200);
    assert_eq!(done.at("/state"), json!("completed"));

    let completions = learner.get("/v1/completions").await.assert_status(200);
    assert_eq!(
        (
            completions.at("/data/0/source"),
            completions.at("/data/0/enrollment_id")
        ),
        (json!("learner"), json!(enrolled.id()))
    );
    learner
        .patch(&path, json!({"progress_percent": 10}))
        .await
        .assert_problem(409, "enrollment_not_live");
}

#[actix_web::test]
async fn nobody_is_enrolled_twice_or_in_what_cannot_be_taken() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (fire, secret) = (course(&app, "fire", None), draft(&app, "secret"));
    let ana = person(&admin, "ana", "Production").await;

    let body = json!({"user_id": ana, "course_id": fire});
    admin
        .post("/v1/enrollments", body.clone())
        .await
        .assert_status(201);
    admin
        .post("/v1/enrollments", body)
        .await
        .assert_problem(409, "already_enrolled");
    admin
        .post("/v1/enrollments", json!({"user_id": ana, "course_id": secret}))
        .await
        .assert_problem(409, "course_not_published");
    admin
        .post("/v1/enrollments", json!({"user_id": ana, "course_id": ana}))
        .await
        .assert_fault("/course_id");
}

#[actix_web::test]
async fn withdrawing_keeps_progress() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    let body = json!({"user_id": ana, "course_id": fire});
    let enrolled = admin.post("/v1/enrollments", body.clone()).await;
    let path = format!("/v1/enrollments/{}", enrolled.id());
    admin
        .patch(&path, json!({"progress_percent": 70}))
        .await
        .assert_status(200);

    let withdrawn = admin
        .post(&format!("{path}/withdrawal"), json!({}))
        .await
        .assert_status(200);

    assert_eq!(
        (withdrawn.at("/state"), withdrawn.at("/progress_percent")),
        (json!("withdrawn"), json!(70))
    );
    admin
        .post(&format!("{path}/withdrawal"), json!({}))
        .await
        .assert_problem(409, "enrollment_not_live");
    admin.post("/v1/enrollments", body).await.assert_status(201);
}

#[actix_web::test]
async fn learners_see_and_touch_their_own_only() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    let bea = person(&admin, "bea", "Production").await;
    let hers = admin
        .post("/v1/enrollments", json!({"user_id": bea, "course_id": fire}))
        .await
        .id();
    let learner = app.client_of(ana);

    learner
        .get(&format!("/v1/enrollments/{hers}"))
        .await
        .assert_problem(404, "not_found");
    assert_eq!(learner.get("/v1/enrollments").await.at("/data"), json!([]));
    learner
        .post("/v1/enrollments", json!({"user_id": bea, "course_id": fire}))
        .await
        .assert_problem(403, "forbidden");
    learner
        .post("/v1/completions", json!({"user_id": ana, "course_id": fire}))
        .await
        .assert_problem(403, "forbidden");
    let instructor = app.holding(&[Permission::EnrollmentsRead], "course", Some(fire));
    instructor
        .get(&format!("/v1/enrollments/{hers}"))
        .await
        .assert_status(200);
}
