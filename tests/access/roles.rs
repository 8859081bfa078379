use provost::authz::Permission;
use serde_json::json;

use super::{grant_body, id, person, role};
use crate::support::TestApp;

#[actix_web::test]
async fn a_role_is_made_changed_and_put_away() {
    let app = TestApp::start().await;
    let admin = app.admin().await;

    let body = json!({"code": "reader", "name": "Reader", "permissions": ["users.read", "groups.read", "users.read"]});
    let made = admin.post("/v1/roles", body).await.assert_status(201);
    assert_eq!(made.at("/permissions"), json!(["users.read", "groups.read"]));
    let path = format!("/v1/roles/{}", made.id());

    let changed = admin
        .patch(&path, json!({"permissions": ["courses.read"]}))
        .await
        .assert_status(200);
    assert_eq!(
        (changed.at("/permissions"), changed.at("/name")),
        (json!(["courses.read"]), json!("Reader"))
    );

    let archived = admin
        .post(&format!("{path}/archival"), json!({}))
        .await
        .assert_status(200);
    assert_ne!(archived.at("/archived_at"), json!(null));
    let ana = person(&admin, "ana").await;
    admin
        .post(
            "/v1/grants",
            grant_body(("user", ana), id(&made), ("everything", None)),
        )
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/role_id");
}

#[actix_web::test]
async fn built_in_roles_do_not_change() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let path = format!("/v1/roles/{}", role(&admin, "manager").await);
    admin
        .patch(&path, json!({"name": "Boss"}))
        .await
        .assert_problem(409, "role_built_in");
    admin
        .post(&format!("{path}/archival"), json!({}))
        .await
        .assert_problem(409, "role_built_in");
}

#[actix_web::test]
async fn a_role_that_somebody_holds_is_not_put_away() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let body = json!({"code": "reader", "name": "Reader", "permissions": ["users.read"]});
    let reader = id(&admin.post("/v1/roles", body).await);
    let ana = person(&admin, "ana").await;
    let grant = admin
        .post(
            "/v1/grants",
            grant_body(("user", ana), reader, ("everything", None)),
        )
        .await;

    let archival = format!("/v1/roles/{reader}/archival");
    admin
        .post(&archival, json!({}))
        .await
        .assert_problem(409, "role_in_use");
    admin
        .delete(&format!("/v1/grants/{}", grant.id()))
        .await
        .assert_status(204);
    admin.post(&archival, json!({})).await.assert_status(200);
}

#[actix_web::test]
async fn a_role_is_not_widened_past_what_the_caller_holds_where_it_is_granted() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let body = json!({"code": "reader", "name": "Reader", "permissions": ["users.read"]});
    let reader = admin.post("/v1/roles", body).await.id();
    let path = format!("/v1/roles/{reader}");
    let keeper = app.holding(
        &[Permission::RolesRead, Permission::RolesWrite],
        "everything",
        None,
    );

    // Nobody holds it yet, so widening it gives nobody anything.
    keeper
        .patch(&path, json!({"permissions": ["users.read", "users.write"]}))
        .await
        .assert_status(200);
    keeper
        .patch(&path, json!({"permissions": ["users.read"]}))
        .await
        .assert_status(200);

    let ana = person(&admin, "ana").await;
    let grant = grant_body(("user", ana), reader.parse().unwrap(), ("everything", None));
    admin.post("/v1/grants", grant).await.assert_status(201);
    let refused = keeper
        .patch(&path, json!({"permissions": ["users.read", "users.write"]}))
        .await;
    let refused = refused.assert_problem(403, "grant_exceeds_caller");
    assert!(refused.at("/detail").as_str().unwrap().contains("users.write"));
    keeper
        .patch(&path, json!({"permissions": [], "name": "Nothing"}))
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn changing_a_role_counts_at_the_next_request() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let body = json!({"code": "reader", "name": "Reader", "permissions": []});
    let reader = id(&admin.post("/v1/roles", body).await);
    let ana = person(&admin, "ana").await;
    admin
        .post(
            "/v1/grants",
            grant_body(("user", ana), reader, ("everything", None)),
        )
        .await
        .assert_status(201);
    let client = app.client_of(ana);
    client.get("/v1/roles").await.assert_problem(403, "forbidden");

    let path = format!("/v1/roles/{reader}");
    admin
        .patch(&path, json!({"permissions": ["roles.read"]}))
        .await
        .assert_status(200);
    client.get("/v1/roles").await.assert_status(200);
}

#[actix_web::test]
async fn the_permissions_are_listed_with_what_they_open() {
    let app = TestApp::start().await;
    let listed = app.admin().await.get("/v1/permissions").await.assert_status(200);
    assert_eq!(
        listed.at("/data").as_array().unwrap().len(),
        Permission::ALL.len()
    );
    assert_eq!(
        listed.at("/data/0"),
        json!({"permission": "users.read", "opens": "See people and their history."})
    );
}
