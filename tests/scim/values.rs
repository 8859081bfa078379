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
