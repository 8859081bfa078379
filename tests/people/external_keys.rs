use provost::authz::Permission;
use serde_json::json;

use super::{person, unit, uuid};
use crate::support::TestApp;

#[actix_web::test]
async fn another_systems_key_stands_for_an_id() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(
        &admin,
        "ana",
        json!({"external_keys": [{"source": "hr", "key": "10/084"}]}),
    )
    .await;
    let keys = format!("/v1/users/{ana}/external-keys");

    admin
        .post(&keys, json!({"source": "payroll", "key": "7"}))
        .await
        .assert_status(201);
    let found = admin.get("/v1/users/ext:payroll:7").await.assert_status(200);
    assert_eq!(found.id(), ana);
    let listed = admin.get(&keys).await.assert_status(200);
    assert_eq!(
        listed.at("/data"),
        json!([{"source": "hr", "key": "10/084"}, {"source": "payroll", "key": "7"}])
    );

    let removed = admin
        .with("If-Match", "*")
        .delete(&format!("{keys}/hr/10%2F084"))
        .await;
    removed.assert_status(204);
    admin
        .with("If-Match", "*")
        .delete(&format!("{keys}/hr/10%2F084"))
        .await
        .assert_problem(404, "not_found");
    admin
        .get("/v1/users/ext:hr:10%2F084")
        .await
        .assert_problem(404, "not_found");
}

#[actix_web::test]
async fn a_key_names_one_thing_of_a_kind() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (a, b) = (unit(&admin, "a", None).await, unit(&admin, "b", None).await);
    let key = json!({"source": "hr", "key": "7"});
    admin
        .post(&format!("/v1/org-units/{a}/external-keys"), key.clone())
        .await
        .assert_status(201);

    admin
        .post(&format!("/v1/org-units/{b}/external-keys"), key.clone())
        .await
        .assert_problem(409, "already_exists");
    let user = json!({"username": "ana", "given_name": "A", "family_name": "S", "external_keys": [key, key]});
    admin
        .post("/v1/users", user)
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/external_keys/1");
    admin.get("/v1/org-units/ext:hr:7").await.assert_status(200);

    let of_b = app.holding(
        &[Permission::OrgUnitsRead, Permission::OrgUnitsWrite],
        "org_unit",
        Some(uuid(&b)),
    );
    of_b.get("/v1/org-units/ext:hr:7/external-keys")
        .await
        .assert_problem(404, "not_found");
}
