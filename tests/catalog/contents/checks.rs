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

    let choice = json!({"checks": [{"code": "alt_missing", "action": "block"}]});
    let chosen = admin
        .put("/v1/content-checks", choice.clone())
        .await
        .assert_status(200);
    assert_eq!(
        (action(&chosen, "alt_missing"), chosen.at("/version")),
        ("block".into(), json!(2))
    );
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

#[actix_web::test]
async fn what_only_warns_is_told_with_the_publication_and_the_candidate() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let content = create_content(&admin, "page", "page", json!({})).await;
    let body = json!({"format": "markdown", "text": "![](door.png)"});
    let version = add_version(&admin, &content, body).await.assert_status(201);
    let course = create_course_of(&admin, "doors", &[&version.id()]).await;
    let mut finding = version.at("/findings/0");
    assert_eq!(
        (&finding["code"], &finding["severity"]),
        (&json!("alt_missing"), &json!("warning"))
    );
    finding["activity_id"] = course.at("/modules/0/activities/0/id");
    finding["content_id"] = json!(content.id());
    let findings = json!([finding]);

    let candidates = format!("/v1/courses/{}/candidates", course.id());
    let candidate = admin.post(&candidates, json!({})).await.assert_status(201);
    assert_eq!(candidate.at("/findings"), findings);
    let path = format!("{candidates}/{}", candidate.at("/number"));
    assert_eq!(admin.get(&path).await.at("/findings"), findings);
    let how = json!({"without_approval": true});
    let published = admin
        .post(&format!("{path}/publication"), how)
        .await
        .assert_status(201);
    assert_eq!(published.at("/findings"), findings);

    let course_path = format!("/v1/courses/{}", course.id());
    admin
        .patch(&course_path, json!({"title": "New"}))
        .await
        .assert_status(200);
    let publications = format!("{course_path}/publications");
    let published = admin.post(&publications, json!({})).await.assert_status(201);
    assert_eq!(
        (published.at("/number"), published.at("/findings")),
        (json!(2), findings.clone())
    );
    let again = json!({"version_number": 1});
    let published = admin.post(&publications, again).await.assert_status(201);
    assert_eq!(
        (published.at("/number"), published.at("/findings")),
        (json!(3), findings)
    );
}
