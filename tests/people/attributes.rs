use provost::authz::Permission;
use serde_json::json;

use super::{names, person};
use crate::support::{Client, TestApp};

async fn define(admin: &Client, name: &str, kind: &str, allowed: serde_json::Value) -> String {
    let body = json!({"name": name, "label": name, "kind": kind, "allowed_values": allowed});
    admin
        .post("/v1/attribute-definitions", body)
        .await
        .assert_status(201)
        .id()
}

#[actix_web::test]
async fn values_are_checked_against_their_definitions_all_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    define(&admin, "shift", "string", json!(["early", "late"])).await;
    define(&admin, "badge", "number", json!(null)).await;
    define(&admin, "first_aider", "boolean", json!(null)).await;
    define(&admin, "visa_until", "date", json!(null)).await;

    let attributes =
        json!({"shift": "night", "badge": "7", "first_aider": 1, "visa_until": "2026-02-30", "shoe": 44});
    let body = json!({"username": "ana", "given_name": "Ana", "family_name": "", "attributes": attributes});
    let answer = admin
        .post("/v1/users", body)
        .await
        .assert_problem(422, "validation_failed");
    for name in ["shift", "badge", "first_aider", "visa_until", "shoe"] {
        answer.clone().assert_fault(&format!("/attributes/{name}"));
    }

    let right = json!({"shift": "late", "badge": 7.5, "first_aider": true, "visa_until": "2026-02-28"});
    let id = person(&admin, "ana", json!({"attributes": right})).await;
    let changed = admin
        .patch(
            &format!("/v1/users/{id}"),
            json!({"attributes": {"badge": null, "shift": "early"}}),
        )
        .await
        .assert_status(200);
    assert_eq!(
        changed.at("/attributes"),
        json!({"shift": "early", "first_aider": true, "visa_until": "2026-02-28"})
    );
}

#[actix_web::test]
async fn an_archived_attribute_takes_no_values_but_is_found_and_taken_away() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let id = define(&admin, "shift", "string", json!(null)).await;
    let user = person(&admin, "ana", json!({"attributes": {"shift": "late"}})).await;

    admin
        .post(&format!("/v1/attribute-definitions/{id}/archival"), json!({}))
        .await
        .assert_status(200);

    let path = format!("/v1/users/{user}");
    admin
        .patch(&path, json!({"attributes": {"shift": "early"}}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/attributes/shift");
    let filter = "/v1/users?filter=attributes.shift%20eq%20%22late%22";
    assert_eq!(names(&admin, filter).await, ["ana"]);
    let archival = format!("/v1/attribute-definitions/{id}/archival");
    let emptied = admin.patch(&path, json!({"attributes": {"shift": null}})).await;
    assert_eq!(emptied.assert_status(200).at("/attributes"), json!({}));

    let any = admin.with("If-Match", "*");
    any.delete(&archival).await.assert_status(200);
    any.delete(&archival).await.assert_problem(409, "conflict");
    admin
        .patch(&path, json!({"attributes": {"shift": "early"}}))
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn definitions_are_added_changed_and_listed_by_those_who_may() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let id = define(&admin, "badge", "number", json!(null)).await;
    let path = format!("/v1/attribute-definitions/{id}");

    let twice_wrong = json!({"name": "score", "label": "Score", "kind": "number", "allowed_values": [""]});
    admin
        .post("/v1/attribute-definitions", twice_wrong)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/allowed_values")
        .assert_fault("/allowed_values/0");
    admin
        .patch(&path, json!({"allowed_values": ["a"]}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/allowed_values");
    admin
        .patch(&path, json!({"kind": "string"}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/kind");
    admin
        .patch(&path, json!({"label": "Badge number"}))
        .await
        .assert_status(200);
    let again = json!({"name": "badge", "label": "B", "kind": "date"});
    admin
        .post("/v1/attribute-definitions", again)
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/name");
    let listed = admin
        .get("/v1/attribute-definitions?filter=kind%20eq%20%22number%22")
        .await
        .assert_status(200);
    assert_eq!(listed.at("/data/0/label"), json!("Badge number"));

    let reader = app.holding(&[Permission::AttributesRead], "everything", None);
    reader
        .patch(&path, json!({"label": "x"}))
        .await
        .assert_problem(403, "forbidden");
    let nobody = app.holding(&[Permission::UsersRead], "everything", None);
    nobody.get(&path).await.assert_problem(403, "forbidden");
}
