use serde_json::json;

use super::{codes, create_category, create_course, encoded};
use crate::support::TestApp;

#[actix_web::test]
async fn a_category_is_added_listed_and_changed() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    create_category(&admin, "zoo").await;
    let safety = create_category(&admin, "safety").await;
    let path = format!("/v1/categories/{}", safety.id());

    let changed = admin
        .patch(&path, json!({"name": "Safety first"}))
        .await
        .assert_status(200);
    assert_eq!(
        (changed.at("/name"), changed.at("/version")),
        (json!("Safety first"), json!(2))
    );
    admin
        .with("If-Match", "\"1\"")
        .patch(&path, json!({"name": "Late"}))
        .await
        .assert_problem(412, "precondition_failed");

    let listed = admin.get("/v1/categories?sort=-code").await.assert_status(200);
    assert_eq!(codes(&listed), ["zoo", "safety"]);
    let filter = encoded("name sw \"safety\"");
    let found = admin.get(&format!("/v1/categories?filter={filter}")).await;
    assert_eq!(codes(&found), ["safety"]);
    admin
        .post("/v1/categories", json!({"code": "zoo", "name": "Again"}))
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/code");
    admin
        .post(
            "/v1/categories",
            json!({"code": "a b", "name": " ", "colour": "red"}),
        )
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/code")
        .assert_fault("/name")
        .assert_fault("/colour");
}

#[actix_web::test]
async fn a_category_with_courses_is_not_archived_and_an_archived_one_takes_none() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let category = create_category(&admin, "safety").await;
    let archival = format!("/v1/categories/{}/archival", category.id());
    let course = create_course(&admin, "FIRE", "Fire", json!({"category_id": category.id()})).await;

    admin
        .post(&archival, json!({}))
        .await
        .assert_problem(409, "category_not_empty");
    let path = format!("/v1/courses/{}", course.id());
    admin
        .patch(&path, json!({"category_id": null}))
        .await
        .assert_status(200);
    let archived = admin.post(&archival, json!({})).await.assert_status(200);
    assert!(archived.at("/archived_at").is_string());
    let again = admin.post(&archival, json!({})).await.assert_status(200);
    assert_eq!(again.at("/version"), archived.at("/version"));

    admin
        .patch(&path, json!({"category_id": category.id()}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/category_id");
    let left = encoded("archived_at eq null");
    let listed = admin.get(&format!("/v1/categories?filter={left}")).await;
    assert_eq!(codes(&listed), Vec::<String>::new());

    let restored = admin.delete(&archival).await.assert_status(200);
    assert_eq!(restored.at("/archived_at"), json!(null));
    admin
        .patch(&path, json!({"category_id": category.id()}))
        .await
        .assert_status(200);
}
