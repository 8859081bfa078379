//! What a PATCH takes away: what its value names, all of it without a value, and nothing where the value names nothing.

use serde_json::{Value, json};

use super::{provider, user};
use crate::support::TestApp;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Values that name nothing.
fn nothing() -> [Value; 5] {
    [json!([]), json!(""), json!([{}]), json!([null]), json!([""])]
}

// Fault 11.
#[actix_web::test]
async fn a_remove_that_names_no_member_leaves_all_of_them() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let (ana, ben) = (scim.user("ana").await, scim.user("ben").await);
    let group = json!({"displayName": "Officers", "members": [{"value": ana}, {"value": ben}]});
    let path = format!(
        "/Groups/{}",
        scim.post("/Groups", group.clone()).await.assert_status(201).id()
    );
    let remove = |value: Value| json!([{"op": "remove", "path": "members", "value": value}]);
    let members = async || {
        scim.get(&path)
            .await
            .at("/members")
            .as_array()
            .map_or(0, Vec::len)
    };

    for value in nothing() {
        scim.patch(&path, remove(value.clone())).await.assert_status(204);
        assert_eq!(members().await, 2, "{value}");
    }
    scim.patch(&path, remove(json!([{"value": ana}])))
        .await
        .assert_status(204);
    assert_eq!(members().await, 1);
    // Without a value, or with none, all of them are meant.
    for operation in [
        json!({"op": "remove", "path": "members"}),
        json!({"op": "remove", "path": "members", "value": null}),
        json!({"op": "replace", "path": "members", "value": []}),
    ] {
        scim.put(&path, group.clone()).await.assert_status(200);
        assert_eq!(members().await, 2);
        scim.patch(&path, json!([operation])).await.assert_status(204);
        assert_eq!(members().await, 0, "{operation}");
    }
}

// Fault 11.
#[actix_web::test]
async fn a_remove_takes_away_what_it_names_of_a_user() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let mut ana = user("ana");
    ana["emails"] =
        json!([{"value": "a@example.com", "type": "work"}, {"value": "b@example.com", "type": "home"}]);
    ana["addresses"] = json!([{"locality": "Porto", "type": "work"}, {"locality": "Faro", "type": "home"}]);
    ana["entitlements"] = json!([{"value": "bus"}, {"value": "tram"}]);
    ana["urn:example:tags:2.0:User"] = json!({"tags": ["x", "y"]});
    ana["name"]["middleName"] = json!("Lu");
    ana[ENTERPRISE] = json!({"department": "Care", "division": "North"});
    let path = format!(
        "/Users/{}",
        scim.post("/Users", ana.clone()).await.assert_status(201).id()
    );
    let whole = scim.get(&path).await.json();

    let many = [
        "emails",
        "addresses",
        "entitlements",
        "urn:example:tags:2.0:User:tags",
    ];
    // A filter in the path finds them; the value still names what goes.
    let filtered = r#"emails[type eq "work"]"#;
    let objects = ["name", ENTERPRISE, "urn:example:tags:2.0:User"];
    for name in many.into_iter().chain([filtered]).chain(objects) {
        for value in nothing()
            .into_iter()
            .chain(objects.contains(&name).then(|| json!({})))
        {
            let remove = json!([{"op": "remove", "path": name, "value": value}]);
            scim.patch(&path, remove.clone()).await.assert_status(200);
            assert_eq!(scim.get(&path).await.json(), whole, "{remove}");
        }
    }
    let remove = json!([{"op": "remove", "path": filtered, "value": [{"value": "b@example.com"}]}]);
    scim.patch(&path, remove).await.assert_status(200);
    assert_eq!(scim.get(&path).await.json(), whole);

    let named = [
        ("emails", json!([{"value": "a@example.com"}])),
        ("addresses", json!([{"type": "work"}])),
        ("entitlements", json!("bus")),
        ("urn:example:tags:2.0:User:tags", json!("x")),
        ("name", json!({"middleName": "Lu"})),
        (ENTERPRISE, json!({"division": "North"})),
    ];
    let operations: Value = named
        .iter()
        .map(|(path, value)| json!({"op": "remove", "path": path, "value": value}))
        .collect();
    let left = scim.patch(&path, operations).await.assert_status(200);
    for (pointer, value) in [
        ("/emails", json!([{"value": "b@example.com", "type": "home"}])),
        ("/addresses", json!([{"locality": "Faro", "type": "home"}])),
        ("/entitlements", json!([{"value": "tram"}])),
        ("/urn:example:tags:2.0:User/tags", json!(["y"])),
        ("/name", json!({"givenName": "ana", "familyName": "Silva"})),
    ] {
        assert_eq!(left.at(pointer), value, "{pointer}");
    }
    assert_eq!(left.json()[ENTERPRISE], json!({"department": "Care"}));
    for name in many {
        let remove = json!([{"op": "remove", "path": name}]);
        let left = scim.patch(&path, remove).await.assert_status(200);
        let pointer = format!("/{}", name.replace("User:", "User/"));
        assert_eq!(left.at(&pointer), json!(null), "{name}");
    }
}
