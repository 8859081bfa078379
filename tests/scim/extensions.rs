//! Schemas that nobody knows here.

use serde_json::{Value, json};

use super::{Scim, provider, user};
use crate::support::TestApp;

const CUSTOM: &str = "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User";
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

async fn tagged(app: &TestApp) -> (Scim, String) {
    let scim = provider(app, "Entra").await.scim;
    let mut body = user("ana");
    body[CUSTOM] = json!({"tag": "red", "badges": ["a"]});
    let id = scim.post("/Users", body).await.assert_status(201).id();
    (scim, format!("/Users/{id}"))
}

#[actix_web::test]
async fn members_of_unknown_schemas_are_changed_with_and_without_a_path() {
    let app = TestApp::start().await;
    let (scim, path) = tagged(&app).await;
    let tag = format!("{CUSTOM}:tag");
    let badges = format!("{CUSTOM}:badges");
    for (operation, kept) in [
        (
            json!({"op": "Replace", "path": tag, "value": "blue"}),
            json!({"tag": "blue", "badges": ["a"]}),
        ),
        (
            json!({"op": "replace", "value": {&tag: "green"}}),
            json!({"tag": "green", "badges": ["a"]}),
        ),
        (
            json!({"op": "add", "path": tag.to_uppercase().replace("TAG", "Tag"), "value": "pink"}),
            json!({"tag": "pink", "badges": ["a"]}),
        ),
        (
            json!({"op": "add", "path": badges, "value": ["a", "b"]}),
            json!({"tag": "pink", "badges": ["a", "b"]}),
        ),
        (
            json!({"op": "remove", "path": badges, "value": ["a"]}),
            json!({"tag": "pink", "badges": ["b"]}),
        ),
        (
            json!({"op": "replace", "path": CUSTOM, "value": {"tag": "gold"}}),
            json!({"tag": "gold", "badges": ["b"]}),
        ),
        (
            json!({"op": "add", "value": {CUSTOM: {"badges": null}}}),
            json!({"tag": "gold"}),
        ),
        (
            json!({"op": "add", "path": format!("{CUSTOM}:home.town"), "value": "Faro"}),
            json!({"tag": "gold", "home": {"town": "Faro"}}),
        ),
        (
            json!({"op": "remove", "path": format!("{CUSTOM}:home.town")}),
            json!({"tag": "gold"}),
        ),
        (json!({"op": "remove", "path": tag}), Value::Null),
        (
            json!({"op": "add", "value": {&tag: "red"}}),
            json!({"tag": "red"}),
        ),
        (json!({"op": "remove", "path": CUSTOM}), Value::Null),
    ] {
        // Done again, it changes nothing.
        for _ in 0..2 {
            let answer = scim.patch(&path, json!([operation])).await.assert_status(200);
            let shown = answer.json();
            assert_eq!(shown[CUSTOM], kept, "{operation}");
            let expected = if kept.is_null() {
                json!([CORE])
            } else {
                json!([CORE, CUSTOM])
            };
            assert_eq!(shown["schemas"], expected, "{operation}");
            assert_eq!(shown.get(&tag), None, "{operation}");
        }
    }
}

#[actix_web::test]
async fn what_stands_below_the_urn_of_users_is_their_own() {
    let app = TestApp::start().await;
    let (scim, path) = tagged(&app).await;
    for operation in [
        json!({"op": "replace", "value": {CORE: {"title": "T9", "emails[type eq \"work\"].value": "a@example.com"}}}),
        json!({"op": "replace", "path": CORE, "value": {"title": "T9"}}),
    ] {
        let answer = scim.patch(&path, json!([operation])).await.assert_status(200);
        assert_eq!(answer.at("/title"), json!("T9"), "{operation}");
        assert_eq!(answer.at("/emails/0/value"), json!("a@example.com"));
        assert_eq!(answer.at("/schemas"), json!([CORE, CUSTOM]), "{operation}");
    }
    let mut body = user("ben");
    body[CORE] = json!({"title": "T8"});
    let made = scim.post("/Users", body).await.assert_status(201);
    assert_eq!(
        (made.at("/title"), made.at("/schemas")),
        (json!("T8"), json!([CORE]))
    );

    // A member that nobody knows of a schema that is known is that schema's.
    let unknown = json!([{"op": "add", "value": {format!("{ENTERPRISE}:floor"): "3"}}]);
    let answer = scim.patch(&path, unknown).await.assert_status(200);
    assert_eq!(answer.json()[ENTERPRISE], json!({"floor": "3"}));
}

#[actix_web::test]
async fn paths_into_unknown_schemas_that_lead_nowhere_are_refused() {
    let app = TestApp::start().await;
    let (scim, path) = tagged(&app).await;
    for (unknown, value, scim_type) in [
        (format!("{CUSTOM}:tag.a.b"), json!("x"), "invalidPath"),
        (
            format!("{CUSTOM}:badges[value eq \"a\"]"),
            json!("x"),
            "invalidPath",
        ),
        (format!("{CUSTOM}:"), json!("x"), "invalidPath"),
        (
            "urn:ietf:params:scim:schemas:core:2.0:Group:displayName".into(),
            json!("x"),
            "invalidPath",
        ),
        ("urn:none".into(), json!("x"), "invalidPath"),
        (format!("{CUSTOM}:tag.a"), json!("x"), "noTarget"),
        (CUSTOM.into(), json!("x"), "invalidValue"),
    ] {
        let operation = json!([{"op": "add", "path": unknown, "value": value}]);
        scim.patch(&path, operation)
            .await
            .assert_scim_error(400, Some(scim_type));
    }
    // Groups keep what SCIM defines.
    let group = scim
        .post("/Groups", json!({"displayName": "Aiders"}))
        .await
        .assert_status(201)
        .id();
    let foreign = json!([{"op": "add", "path": "urn:acme:g:2.0:Group:a", "value": 1}]);
    scim.patch(&format!("/Groups/{group}"), foreign)
        .await
        .assert_scim_error(400, Some("invalidPath"));
}

#[actix_web::test]
async fn the_part_that_clients_cannot_change_is_named() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let path = format!("/Users/{}", scim.user("ana").await);
    let of_manager = format!("{ENTERPRISE}:manager.displayName");
    let remove = json!([{"op": "remove", "path": of_manager}]);
    let answer = scim.patch(&path, remove).await;
    let answer = answer.assert_scim_error(400, Some("mutability"));
    assert!(
        answer.text().contains("cannot change manager.displayName."),
        "{}",
        answer.text()
    );
    // Without a path it is passed over, as in a whole resource.
    let within = json!([{"op": "replace", "value": {of_manager: "Bea"}}]);
    let answer = scim.patch(&path, within).await.assert_status(200);
    assert_eq!(answer.json().get(ENTERPRISE), None);
}

#[actix_web::test]
async fn schemas_that_nobody_knows_are_named_by_whatever_their_urns_end_with() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let person = "urn:acme:1.0:Person";
    let mut body = user("ana");
    body[person] = json!({"tag": "z", "note": "y"});
    body["urn:acme:badges"] = json!(["b"]);
    let path = format!(
        "/Users/{}",
        scim.post("/Users", body).await.assert_status(201).id()
    );
    let seen = async |query: String| {
        let answer = scim.get(&format!("{path}?{query}")).await.assert_status(200);
        (
            answer.json()[person].clone(),
            answer.json()["urn:acme:badges"].clone(),
        )
    };
    let (all, badges) = (json!({"tag": "z", "note": "y"}), json!(["b"]));
    assert_eq!(
        seen(format!("attributes={person}")).await,
        (all.clone(), json!(null))
    );
    assert_eq!(
        seen(format!("attributes={person}:tag")).await,
        (json!({"tag": "z"}), json!(null))
    );
    assert_eq!(
        seen("attributes=URN:acme:badges".into()).await,
        (json!(null), badges.clone())
    );
    assert_eq!(
        seen(format!("excludedAttributes={person}")).await,
        (json!(null), badges.clone())
    );
    assert_eq!(
        seen(format!("excludedAttributes={person}:tag,urn:acme:badges")).await,
        (json!({"note": "y"}), json!(null))
    );
}
