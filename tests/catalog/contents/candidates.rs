//! Contents that candidates for the next version of a course use.

use serde_json::{Value, json};

use super::{super::publish, add_version, create_content, create_course_of, create_page};
use crate::support::{Answer, Client, TestApp};

async fn freeze(admin: &Client, course: &Answer) -> Answer {
    let path = format!("/v1/courses/{}/candidates", course.id());
    admin.post(&path, json!({})).await.assert_status(201)
}

/// Withdraws or publishes a candidate.
async fn close(admin: &Client, course: &Answer, candidate: &Answer, how: &str) -> Answer {
    let path = format!(
        "/v1/courses/{}/candidates/{}/{how}",
        course.id(),
        candidate.at("/number")
    );
    let body = match how {
        "publication" => json!({"without_approval": true}),
        _ => json!({}),
    };
    admin.post(&path, body).await
}

async fn replace_outline(admin: &Client, course: &Answer, modules: Value) {
    let path = format!("/v1/courses/{}/outline", course.id());
    admin
        .put(&path, json!({"modules": modules}))
        .await
        .assert_status(200);
}

/// The uses of a content: the number of the course's version, and whether it is the current one.
async fn uses(admin: &Client, content: &Answer) -> Vec<(Value, Value)> {
    let uses = admin
        .get(&format!("/v1/contents/{}/uses", content.id()))
        .await
        .assert_status(200);
    let rows = uses.at("/data").as_array().cloned().unwrap();
    rows.iter()
        .map(|row| (row["course_version_number"].clone(), row["is_current"].clone()))
        .collect()
}

#[actix_web::test]
async fn candidates_are_no_uses_until_they_are_published() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (content, version) = create_page(&admin, "doors").await;
    let course = create_course_of(&admin, "FIRE", &[&version]).await;
    let draft_only = [(Value::Null, json!(false))];

    let withdrawn = freeze(&admin, &course).await;
    assert_eq!(uses(&admin, &content).await, draft_only);
    close(&admin, &course, &withdrawn, "withdrawal")
        .await
        .assert_status(200);
    assert_eq!(uses(&admin, &content).await, draft_only);

    let candidate = freeze(&admin, &course).await;
    close(&admin, &course, &candidate, "publication")
        .await
        .assert_status(201);
    let mut shown = uses(&admin, &content).await;
    shown.sort_by_key(|(number, _)| number.as_i64());
    assert_eq!(shown, [draft_only[0].clone(), (json!(2), json!(true))]);
}

#[actix_web::test]
async fn a_content_of_an_open_candidate_is_kept_until_the_candidate_is_withdrawn() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (content, version) = create_page(&admin, "doors").await;
    let course = create_course_of(&admin, "FIRE", &[&version]).await;
    let (archival, versions) = (
        format!("/v1/contents/{}/archival", content.id()),
        format!("/v1/contents/{}/versions/1", content.id()),
    );
    let candidate = freeze(&admin, &course).await;
    replace_outline(&admin, &course, json!([{"title": "Other"}])).await;

    for refused in [
        admin.post(&archival, json!({})).await,
        admin.delete(&versions).await,
    ] {
        let refused = refused.assert_problem(409, "content_in_use");
        let detail = refused.at("/detail").as_str().unwrap().to_owned();
        assert!(
            detail.contains("FIRE") && detail.contains("withdraw candidates"),
            "{detail}"
        );
    }
    close(&admin, &course, &candidate, "withdrawal")
        .await
        .assert_status(200);
    admin.post(&archival, json!({})).await.assert_status(200);
    admin.delete(&versions).await.assert_status(204);
}

#[actix_web::test]
async fn a_test_of_a_withdrawn_candidate_opens_nothing_that_was_deleted() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let content = create_content(&admin, "map", "link", json!({})).await;
    let link = add_version(&admin, &content, json!({"url": "https://example.com/map"})).await;
    let course = create_course_of(&admin, "FIRE", &[&link.assert_status(201).id()]).await;
    let tester = app.admin_id();
    let candidates = format!("/v1/courses/{}/candidates", course.id());
    let candidate = admin
        .post(&candidates, json!({"tester_ids": [tester]}))
        .await
        .assert_status(201);
    let enrollment = format!(
        "/v1/enrollments/{}",
        candidate.at("/testers/0/enrollment_id").as_str().unwrap()
    );
    let activity = candidate.at("/modules/0/activities/0/id");
    let launches = format!("{enrollment}/activities/{}/launches", activity.as_str().unwrap());
    admin.post(&launches, json!({})).await.assert_status(201);
    close(&admin, &course, &candidate, "withdrawal")
        .await
        .assert_status(200);
    replace_outline(&admin, &course, json!([])).await;
    admin
        .delete(&format!("/v1/contents/{}/versions/1", content.id()))
        .await
        .assert_status(204);

    admin
        .post(&launches, json!({}))
        .await
        .assert_problem(409, "enrollment_not_live");
    admin
        .get(&format!("{enrollment}/activities"))
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn nothing_is_published_that_uses_an_archived_content() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (content, version) = create_page(&admin, "doors").await;
    let course = create_course_of(&admin, "FIRE", &[&version]).await;
    publish(&admin, &course).await.assert_status(201);
    replace_outline(&admin, &course, json!([{"title": "Other"}])).await;
    publish(&admin, &course).await.assert_status(201);
    let archival = format!("/v1/contents/{}/archival", content.id());
    admin.post(&archival, json!({})).await.assert_status(200);

    let publications = format!("/v1/courses/{}/publications", course.id());
    let again = json!({"version_number": 1});
    let refused = admin
        .post(&publications, again.clone())
        .await
        .assert_problem(409, "content_blocks_publishing");
    assert!(
        refused.at("/detail").as_str().unwrap().contains("doors"),
        "{}",
        refused.text()
    );
    admin.delete(&archival).await.assert_status(200);
    admin.post(&publications, again).await.assert_status(201);
}

#[actix_web::test]
async fn a_retired_course_does_not_bring_back_an_archived_content() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (content, version) = create_page(&admin, "doors").await;
    let course = create_course_of(&admin, "FIRE", &[&version]).await;
    publish(&admin, &course).await.assert_status(201);
    let retirement = format!("/v1/courses/{}/retirement", course.id());
    admin.post(&retirement, json!({})).await.assert_status(200);
    let archival = format!("/v1/contents/{}/archival", content.id());
    admin.post(&archival, json!({})).await.assert_status(200);

    let refused = admin.delete(&retirement).await.assert_problem(409, "conflict");
    assert!(refused.at("/detail").as_str().unwrap().contains("doors"));
    admin.delete(&archival).await.assert_status(200);
    admin.delete(&retirement).await.assert_status(200);
}

#[actix_web::test]
async fn a_candidate_is_not_published_while_its_course_is_retired_or_a_finding_blocks() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let content = create_content(&admin, "page", "page", json!({})).await;
    let body = json!({"format": "markdown", "text": "![](door.png)"});
    let version = add_version(&admin, &content, body).await.assert_status(201);
    let course = create_course_of(&admin, "FIRE", &[&version.id()]).await;
    let candidate = freeze(&admin, &course).await;

    let choice = json!({"checks": [{"code": "alt_missing", "action": "block"}]});
    admin.put("/v1/content-checks", choice).await.assert_status(200);
    close(&admin, &course, &candidate, "publication")
        .await
        .assert_problem(409, "content_blocks_publishing");
    let none = json!({"checks": []});
    admin.put("/v1/content-checks", none).await.assert_status(200);
    let retirement = format!("/v1/courses/{}/retirement", course.id());
    admin.post(&retirement, json!({})).await.assert_status(200);
    close(&admin, &course, &candidate, "publication")
        .await
        .assert_problem(409, "course_retired");
    admin.delete(&retirement).await.assert_status(200);
    close(&admin, &course, &candidate, "publication")
        .await
        .assert_status(201);
}
