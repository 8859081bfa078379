use provost::catalog::contents::checks::store::blocking;
use serde_json::json;

use super::{add_version, create_content, create_course_of};
use crate::support::TestApp;

#[actix_web::test]
async fn the_academy_says_which_findings_block() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let checks = admin.get("/v1/content-checks").await.assert_status(200);
    assert_eq!(
        (checks.header("etag"), checks.at("/updated_at")),
        (Some("\"1\""), json!(null))
    );
    let action = |checks: &crate::support::Answer, code: &str| {
        let all = checks.at("/checks").as_array().cloned().unwrap();
        let found = all.into_iter().find(|check| check["code"] == code).unwrap();
        found["action"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (
            action(&checks, "launch_file_missing"),
            action(&checks, "alt_missing")
        ),
        ("block".into(), "warn".into())
    );

    let content = create_content(&admin, "page", "page", json!({})).await;
    let body = json!({"format": "markdown", "text": "![](door.png)"});
    let version = add_version(&admin, &content, body).await.assert_status(201);
    let id = version.id().parse().unwrap();
    assert_eq!(app.write(move |tx| blocking(tx, &[id])), []);

    let choice = json!({"checks": [{"code": "alt_missing", "action": "block"}]});
    let chosen = admin
        .put("/v1/content-checks", choice.clone())
        .await
        .assert_status(200);
    assert_eq!(
        (action(&chosen, "alt_missing"), chosen.at("/version")),
        ("block".into(), json!(2))
    );
    let found = app.write(move |tx| blocking(tx, &[id]));
    assert_eq!((found[0].content_code.as_str(), found[0].number), ("page", 1));
    let course = create_course_of(&admin, "doors", &[&version.id()]).await;
    admin
        .post(&format!("/v1/courses/{}/publications", course.id()), json!({}))
        .await
        .assert_problem(409, "content_blocks_publishing");
    let watched = json!([{"title": "One", "activities": [{"title": "Look", "kind": "content",
        "content_version_id": version.id(), "criterion": {"kind": "watched", "percent": 90}}]}]);
    admin
        .patch(
            &format!("/v1/courses/{}", course.id()),
            json!({"modules": watched}),
        )
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/modules/0/activities/0/criterion");
    let again = admin
        .put("/v1/content-checks", choice.clone())
        .await
        .assert_status(200);
    assert_eq!(again.at("/version"), 2);
    admin
        .with("If-Match", "\"1\"")
        .put("/v1/content-checks", choice)
        .await
        .assert_problem(412, "precondition_failed");
    let twice =
        json!({"checks": [{"code": "flash", "action": "block"}, {"code": "flash", "action": "warn"}]});
    admin
        .put("/v1/content-checks", twice)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/checks/1/code");
    let reset = admin
        .put("/v1/content-checks", json!({"checks": []}))
        .await
        .assert_status(200);
    assert_eq!(action(&reset, "alt_missing"), "warn");
}
