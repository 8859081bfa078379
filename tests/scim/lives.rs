//! Who is active, who is not, and who is gone.

use serde_json::json;

use super::{provider, user};
use crate::support::TestApp;

#[actix_web::test]
async fn not_active_ends_sign_in_on_the_next_request() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Entra").await.scim;
    let id = scim.user("ana").await;
    let ana = app.client_of(id.parse().unwrap());
    ana.get("/v1/me").await.assert_status(200);
    scim.patch(
        &format!("/Users/{id}"),
        json!([{"op": "Replace", "path": "active", "value": "False"}]),
    )
    .await
    .assert_status(200);
    ana.get("/v1/me").await.assert_problem(401, "unauthenticated");
    scim.patch(
        &format!("/Users/{id}"),
        json!([{"op": "Replace", "value": {"active": true}}]),
    )
    .await
    .assert_status(200);
    ana.get("/v1/me").await.assert_status(200);
}

#[actix_web::test]
async fn the_archived_are_inactive_and_active_restores_them() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let scim = provider(&app, "Entra").await.scim;
    let id = scim.user("ana").await;
    let person = format!("/v1/users/{id}");
    admin
        .patch(&person, json!({"status": "archived"}))
        .await
        .assert_status(200);
    assert_eq!(
        scim.get(&format!("/Users/{id}")).await.at("/active"),
        json!(false)
    );
    assert_eq!(
        scim.names("/Users?filter=userName%20eq%20%22ana%22").await,
        ["ana"]
    );
    let still = json!([{"op": "replace", "path": "active", "value": false}]);
    scim.patch(&format!("/Users/{id}"), still)
        .await
        .assert_status(200);
    assert_eq!(admin.get(&person).await.at("/status"), json!("archived"));
    let active = json!([{"op": "replace", "path": "active", "value": true}]);
    scim.patch(&format!("/Users/{id}"), active)
        .await
        .assert_status(200);
    assert_eq!(admin.get(&person).await.at("/status"), json!("active"));
}

#[actix_web::test]
async fn a_deleted_user_keeps_their_history_and_comes_back_as_the_same() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let scim = provider(&app, "Entra").await.scim;
    let mut body = user("ana");
    body["externalId"] = json!("1");
    body["title"] = json!("Nurse");
    let id = scim.post("/Users", body.clone()).await.assert_status(201).id();
    scim.delete(&format!("/Users/{id}")).await.assert_status(204);
    scim.delete(&format!("/Users/{id}"))
        .await
        .assert_scim_error(404, None);
    for answer in [
        scim.put(&format!("/Users/{id}"), body.clone()).await,
        scim.patch(&format!("/Users/{id}"), json!([])).await,
        scim.get(&format!("/Users/{id}")).await,
    ] {
        answer.assert_scim_error(404, None);
    }
    let person = admin.get(&format!("/v1/users/{id}")).await.assert_status(200);
    assert_eq!(person.at("/status"), json!("archived"));
    body.as_object_mut().unwrap().remove("title");

    body["userName"] = json!("ana.silva");
    body["nickName"] = json!("An");
    let back = scim.post("/Users", body.clone()).await.assert_status(201);
    assert_eq!(
        (back.id(), back.at("/userName"), back.at("/active")),
        (id.clone(), json!("ana.silva"), json!(true))
    );

    let person = admin.get(&format!("/v1/users/{id}")).await;
    assert_eq!(person.at("/title"), json!(null), "what SCIM no longer says");

    // Another person of the same name is a new user.
    scim.delete(&format!("/Users/{id}")).await.assert_status(204);
    body["externalId"] = json!("2");
    let other = scim.post("/Users", body).await.assert_status(201);
    assert_ne!(other.id(), id);
    let first = admin.get(&format!("/v1/users/{id}")).await;
    assert_eq!(first.at("/username"), json!(format!("ana.silva~{id}")));

    // Whom an administrator brings back is known again.
    admin
        .patch(&format!("/v1/users/{id}"), json!({"status": "active"}))
        .await
        .assert_status(200);
    scim.get(&format!("/Users/{id}")).await.assert_status(200);
}

#[actix_web::test]
async fn nobody_comes_back_to_a_client_that_did_not_delete_them() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let one = provider(&app, "Entra").await.scim;
    let other = provider(&app, "Okta").await.scim;
    let called = |external_id: Option<&str>| {
        let mut body = user("ana");
        body["externalId"] = json!(external_id);
        body
    };
    // The external id from the client that deletes, the client and external id of the new one, and whether it is the same user.
    for (known, by, given, is_same) in [
        (None, &other, Some("9"), false),
        (None, &other, None, false),
        (Some("1"), &other, Some("1"), false),
        (Some("2"), &other, None, false),
        (None, &one, Some("3"), false),
        (Some("4"), &one, None, false),
        (None, &one, None, true),
        (Some("5"), &one, Some("5"), true),
    ] {
        let said = format!("{known:?} {given:?} {is_same}");
        let id = one.post("/Users", called(known)).await.assert_status(201).id();
        let leaver = app.client_of(id.parse().unwrap());
        leaver.get("/v1/me").await.assert_status(200);
        one.delete(&format!("/Users/{id}")).await.assert_status(204);

        let back = by.post("/Users", called(given)).await.assert_status(201);
        assert_eq!(back.id() == id, is_same, "{said}");
        let first = admin.get(&format!("/v1/users/{id}")).await.assert_status(200);
        if is_same {
            assert_eq!(first.at("/username"), json!("ana"), "{said}");
        } else {
            assert_eq!(first.at("/username"), json!(format!("ana~{id}")), "{said}");
            assert_eq!(first.at("/status"), json!("archived"), "{said}");
            leaver.get("/v1/me").await.assert_problem(401, "unauthenticated");
        }
        // Room for the next one.
        admin
            .patch(
                &format!("/v1/users/{}", back.id()),
                json!({"username": back.id()}),
            )
            .await
            .assert_status(200);
        by.delete(&format!("/Users/{}", back.id()))
            .await
            .assert_status(204);
    }

    // Who was deleted by one and is called something by the other is the same to the other.
    let id = one
        .post("/Users", called(Some("6")))
        .await
        .assert_status(201)
        .id();
    let link = json!([{"op": "add", "path": "externalId", "value": "7"}]);
    other
        .patch(&format!("/Users/{id}"), link)
        .await
        .assert_status(200);
    one.delete(&format!("/Users/{id}")).await.assert_status(204);
    let back = other.post("/Users", called(Some("7"))).await.assert_status(201);
    assert_eq!(back.id(), id);
}
