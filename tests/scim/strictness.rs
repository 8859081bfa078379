//! What is taken as our own schemas have it, and where a slash too many is looked past.

use awc::http::Method;
use serde_json::{Value, json};

use super::{provider, user};
use crate::support::TestApp;

// Fault 28.
#[actix_web::test]
async fn a_slash_at_the_end_of_an_address_is_looked_past() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Entra").await.scim;
    let id = scim.post("/Users/", user("ana")).await.assert_status(201).id();
    let found = scim
        .get("/Users/?filter=userName%20eq%20%22ana%22")
        .await
        .assert_status(200);
    assert_eq!(found.at("/totalResults"), json!(1));
    let group = json!({"displayName": "Officers"});
    let group = scim.post("/Groups/", group).await.assert_status(201).id();
    for path in [
        "/Users//".to_owned(),
        format!("/Users/{id}/"),
        "/Groups/".into(),
        format!("/Groups/{group}/"),
        "/ServiceProviderConfig/".into(),
        "/ResourceTypes/".into(),
        "/Schemas/".into(),
    ] {
        scim.get(&path).await.assert_status(200);
    }
    scim.post("/Users/.search/", json!({})).await.assert_status(200);
    let bulk =
        json!({"Operations": [{"method": "PUT", "path": format!("/Users/{id}/"), "data": user("ana")}]});
    let bulk = scim.post("/Bulk/", bulk).await.assert_status(200);
    assert_eq!(bulk.at("/Operations/0/status"), json!("200"), "{}", bulk.text());
    let nick = json!([{"op": "add", "path": "nickName", "value": "An"}]);
    scim.patch(&format!("/Users/{id}/"), nick)
        .await
        .assert_status(200);
    scim.send(Method::PUT, "/Users/", Some(user("ana")))
        .await
        .assert_scim_error(405, None);
    scim.get("/Nothing/").await.assert_scim_error(404, None);
    scim.delete(&format!("/Users/{id}/")).await.assert_status(204);
}

// Fault 28.
#[actix_web::test]
async fn values_of_another_kind_than_the_schemas_say_are_refused() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Entra").await.scim;
    let with = |member: &str, value: Value| {
        let mut body = user("ben");
        body[member] = value;
        body
    };
    let id = scim.user("ana").await;
    for body in [
        with("userName", json!(0)),
        with("userName", json!(["ben"])),
        with("userName", json!({"value": "ben"})),
        with("displayName", json!(["Ben"])),
        with("title", json!(7)),
        with("externalId", json!(7)),
        with("externalId", json!(["7"])),
        with("name", json!(["Ben"])),
        with("name", json!([{"givenName": "Ben"}])),
        with("active", json!(1)),
        with("active", json!([true])),
        with("emails", json!(["ben@example.com"])),
        with("emails", json!("ben@example.com")),
        with("emails", json!([{"value": 7}])),
        with("schemas", json!({})),
        with("schemas", json!("urn:ietf:params:scim:schemas:core:2.0:User")),
        with("schemas", json!([7])),
    ] {
        let bulk = json!({"Operations": [{"method": "POST", "path": "/Users", "bulkId": "1", "data": body}]});
        scim.post("/Users", body.clone())
            .await
            .assert_scim_error(400, Some("invalidValue"));
        scim.put(&format!("/Users/{id}"), body.clone())
            .await
            .assert_scim_error(400, Some("invalidValue"));
        let bulk = scim.post("/Bulk", bulk).await.assert_status(200);
        assert_eq!(bulk.at("/Operations/0/status"), json!("400"), "{body}");
    }
    for body in [
        json!({"displayName": 0}),
        json!({"displayName": ["Officers"]}),
        json!({"displayName": "Officers", "members": [id]}),
        json!({"displayName": "Officers", "schemas": {}}),
    ] {
        scim.post("/Groups", body)
            .await
            .assert_scim_error(400, Some("invalidValue"));
    }
    for value in [json!(0), json!({"value": "x"}), json!(["a", "b"])] {
        let patch = json!([{"op": "replace", "path": "userName", "value": value}]);
        scim.patch(&format!("/Users/{id}"), patch)
            .await
            .assert_scim_error(400, Some("invalidValue"));
    }
    let patch = json!({"schemas": {}, "Operations": [{"op": "add", "path": "title", "value": "x"}]});
    scim.send(Method::PATCH, &format!("/Users/{id}"), Some(patch))
        .await
        .assert_scim_error(400, Some("invalidValue"));
    // What providers do in a PATCH is taken.
    for (path, value) in [
        ("userName", json!(["ana"])),
        ("emails", json!("ana@example.com")),
        ("emails[type eq \"work\"]", json!([{"value": "ana@example.com"}])),
        ("emails[type eq \"work\"].value", json!(["ana@example.com"])),
        ("active", json!(["True"])),
    ] {
        let patch = json!([{"op": "replace", "path": path, "value": value}]);
        scim.patch(&format!("/Users/{id}"), patch)
            .await
            .assert_status(200);
    }
    // None of an attribute may be said by null and by an empty list (RFC 7643, section 2.5).
    let mut none = with("title", json!([]));
    none["emails"] = json!(null);
    scim.post("/Users", none).await.assert_status(201);
}

// Fault 28.
#[actix_web::test]
async fn an_external_id_that_the_client_gave_to_another_is_refused() {
    let app = TestApp::start().await;
    let (one, other) = (
        provider(&app, "Entra").await.scim,
        provider(&app, "Okta").await.scim,
    );
    let called = |name: &str| {
        let mut body = user(name);
        body["externalId"] = json!("7");
        body
    };
    one.post("/Users", called("ana")).await.assert_status(201);
    let ben = one.user("ben").await;
    one.post("/Users", called("cem"))
        .await
        .assert_scim_error(409, Some("uniqueness"));
    let patch = json!([{"op": "add", "path": "externalId", "value": "7"}]);
    one.patch(&format!("/Users/{ben}"), patch)
        .await
        .assert_scim_error(409, Some("uniqueness"));
    // Ids are apart by client.
    other.post("/Users", called("dan")).await.assert_status(201);
}

// Faults 4 and 29.
#[actix_web::test]
async fn every_address_is_one_and_lines_hold_no_control_characters() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let with = |name: &str, value: Value| {
        let mut body = user("ana");
        body[name] = value;
        body
    };
    for body in [
        with(
            "emails",
            json!([{"value": "a@b.de", "type": "work"}, {"value": "Ana <x@y.z>", "type": "home"}]),
        ),
        with(
            "emails",
            json!([{"value": "a@b.de"}, {"value": "a@b.de\r\nBcc: x@y.z"}]),
        ),
        with("externalId", json!("a\r\nb")),
        with("externalId", json!("\u{200b}")),
        with("displayName", json!("D\r\nBcc: x@y.z")),
        with("nickName", json!("N\u{7}")),
        with(
            "name",
            json!({"givenName": "A", "familyName": "B", "honorificPrefix": "P\nQ"}),
        ),
        with("phoneNumbers", json!([{"value": "1\r\n2"}])),
    ] {
        scim.post("/Users", body)
            .await
            .assert_scim_error(400, Some("invalidValue"));
    }
    scim.post("/Groups", json!({"displayName": "G", "externalId": "a\r\nb"}))
        .await
        .assert_scim_error(400, Some("invalidValue"));
    // Addresses of places have lines (RFC 7643, section 4.1.2).
    let place = json!([{"formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA", "type": "work"}]);
    scim.post("/Users", with("addresses", place))
        .await
        .assert_status(201);
}
