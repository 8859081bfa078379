use serde_json::{Value, json};

use super::{provider, user};
use crate::support::TestApp;

fn badges(numbers: std::ops::Range<usize>) -> Value {
    numbers
        .map(|number| json!({"value": format!("badge {number}")}))
        .collect()
}

#[actix_web::test]
async fn an_attribute_has_at_most_a_thousand_values() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let path = format!("/Users/{}", scim.user("ana").await);
    let add = |value: Value| json!([{"op": "add", "path": "entitlements", "value": value}]);

    scim.patch(&path, add(badges(0..1_000))).await.assert_status(200);
    // Those that are there are no new ones.
    scim.patch(&path, add(badges(0..10))).await.assert_status(200);

    let mut many = user("ben");
    many["roles"] = badges(0..1_001);
    let answers = [
        scim.patch(&path, add(badges(1_000..1_001))).await,
        scim.patch(&path, add(badges(0..16_000))).await,
        scim.post("/Users", many).await,
    ];
    for answer in answers {
        let answer = answer.assert_scim_error(400, Some("invalidValue"));
        assert!(answer.text().contains("at most 1000"), "{}", answer.text());
    }
    let kept = scim.get(&path).await.assert_status(200);
    assert_eq!(kept.at("/entitlements").as_array().unwrap().len(), 1_000);
}

#[actix_web::test]
async fn a_path_makes_no_value_beyond_a_thousand() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let mut ana = user("ana");
    ana["entitlements"] = badges(0..1_000);
    let path = format!("/Users/{}", scim.post("/Users", ana).await.id());
    let operations = json!([
        {"op": "replace", "path": "entitlements[value eq \"another\"].display", "value": "x"},
        {"op": "remove", "path": "entitlements[value eq \"badge 1\"]"},
    ]);
    let answer = scim.patch(&path, operations).await;
    let answer = answer.assert_scim_error(400, Some("invalidValue"));
    assert!(answer.text().contains("at most 1000"), "{}", answer.text());
}

#[actix_web::test]
async fn what_the_operations_of_a_patch_look_at_and_copy_is_limited() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let mut ana = user("ana");
    ana["entitlements"] = badges(0..1_000);
    let path = format!("/Users/{}", scim.post("/Users", ana).await.id());
    let times = |times: usize, path: &str, value: Value| -> Value {
        let operation = json!({"op": "replace", "path": path, "value": value});
        std::iter::repeat_n(operation, times).collect()
    };
    let badge = "entitlements[value eq \"badge 7\"].display";
    scim.patch(&path, times(50, badge, json!("x")))
        .await
        .assert_status(200);
    let long = format!(
        "entitlements[value ne \"{}\" and value eq \"badge 7\"]",
        "y".repeat(3_900)
    );
    for operations in [
        times(20, &format!("{long}.display"), json!("x")),
        times(1, "entitlements.display", json!("x".repeat(5_000))),
        times(1, "entitlements[value pr]", json!({"note": "x".repeat(5_000)})),
    ] {
        let answer = scim.patch(&path, operations).await;
        let answer = answer.assert_scim_error(413, None);
        assert!(answer.text().contains("too many values"), "{}", answer.text());
    }
}

#[actix_web::test]
async fn one_value_at_most_is_the_primary_one() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let scim = provider(&app, "Okta").await.scim;
    let two = |a: bool, b: bool| {
        json!([{"value": "a@example.com", "type": "work", "primary": a},
            {"value": "b@example.com", "type": "work", "primary": b}])
    };
    let mut ana = user("ana");
    ana["emails"] = two(true, false);
    let id = scim.post("/Users", ana.clone()).await.assert_status(201).id();
    let path = format!("/Users/{id}");
    for operation in [
        json!({"op": "replace", "path": "emails[value eq \"b@example.com\"].primary", "value": true}),
        json!({"op": "replace", "path": "emails[value eq \"b@example.com\"].primary", "value": "True"}),
        json!({"op": "add", "path": "emails[value eq \"b@example.com\"]", "value": {"primary": true}}),
        json!({"op": "replace", "value": {"emails[value eq \"b@example.com\"].primary": true}}),
        json!({"op": "add", "path": "emails",
            "value": {"value": "b@example.com", "type": "work", "primary": true}}),
    ] {
        scim.put(&path, ana.clone()).await.assert_status(200);
        let answer = scim.patch(&path, json!([operation])).await.assert_status(200);
        assert_eq!(answer.at("/emails"), two(false, true), "{operation}");
        let person = admin.get(&format!("/v1/users/{id}")).await;
        assert_eq!(person.at("/email"), json!("b@example.com"), "{operation}");
    }
    // One that is made for the path is the primary one where the path says so.
    let made = json!([{"op": "add", "path": "emails[type eq \"home\" and primary eq true].value",
        "value": "c@example.com"}]);
    let answer = scim.patch(&path, made).await.assert_status(200);
    let primary = |answer: &crate::support::Answer| -> Vec<Value> {
        let emails = answer.at("/emails").as_array().unwrap().clone();
        let primary = emails.into_iter().filter(|email| email["primary"] == true);
        primary.map(|email| email["value"].clone()).collect()
    };
    assert_eq!(primary(&answer), ["c@example.com"]);

    // Of several values that are marked as primary the first counts.
    ana["emails"] = two(true, true);
    assert_eq!(
        scim.put(&path, ana).await.assert_status(200).at("/emails"),
        two(true, false)
    );
    let all = json!([{"op": "replace", "path": "emails.primary", "value": true}]);
    assert_eq!(primary(&scim.patch(&path, all).await), ["a@example.com"]);
    let whole = json!([{"op": "replace", "value": {"emails": two(true, true)}}]);
    assert_eq!(primary(&scim.patch(&path, whole).await), ["a@example.com"]);
}

#[actix_web::test]
async fn a_name_that_is_made_of_the_displayed_one_follows_it_and_is_not_told_as_said() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let scim = provider(&app, "Okta").await.scim;
    let called = |name: &str| json!({"userName": "ana", "displayName": name, "active": true});
    let made = scim.post("/Users", called("Ana Lu")).await.assert_status(201);
    assert_eq!(made.at("/name"), json!(null));
    let (path, person) = (
        format!("/Users/{}", made.id()),
        format!("/v1/users/{}", made.id()),
    );
    let given_name = async || admin.get(&person).await.at("/given_name");
    assert_eq!(given_name().await, json!("Ana Lu"));

    let answer = scim.put(&path, called("Bea Lu")).await.assert_status(200);
    assert_eq!(
        (answer.at("/name"), given_name().await),
        (json!(null), json!("Bea Lu"))
    );
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Cy Lu"}]);
    scim.patch(&path, rename).await.assert_status(200);
    assert_eq!(given_name().await, json!("Cy Lu"));

    // What came another way stays.
    admin
        .patch(&person, json!({"given_name": "Dora"}))
        .await
        .assert_status(200);
    let answer = scim.put(&path, called("Eve Lu")).await.assert_status(200);
    assert_eq!(
        (answer.at("/name/givenName"), given_name().await),
        (json!("Dora"), json!("Dora"))
    );
}
