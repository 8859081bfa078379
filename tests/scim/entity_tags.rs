use serde_json::json;

use super::{Scim, provider};
use crate::support::TestApp;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[actix_web::test]
async fn the_entity_tag_follows_what_is_shown_of_others_and_guards_no_change_against_that() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let (ana, boss) = (scim.user("ana").await, scim.user("boss").await);
    let path = format!("/Users/{ana}");
    let tag = async |path: &str| scim.get(path).await.header("etag").unwrap().to_owned();
    let holding = |etag: &str| Scim(scim.0.with("If-None-Match", etag));
    let guarded = |etag: &str| Scim(scim.0.with("If-Match", etag));
    let nick = |name: &str| json!([{"op": "add", "path": "nickName", "value": name}]);

    let alone = tag(&path).await;
    let body = json!({"displayName": "Aiders", "members": [{"value": ana}]});
    let group = scim.post("/Groups", body).await.assert_status(201).id();
    let read = holding(&alone).get(&path).await.assert_status(200);
    assert_eq!(read.at("/groups/0/display"), json!("Aiders"));
    let within = read.header("etag").unwrap().to_owned();
    assert_eq!(read.at("/meta/version"), json!(within));
    holding(&within).get(&path).await.assert_status(304);
    guarded(&alone).patch(&path, nick("A")).await.assert_status(200);
    guarded(&within)
        .patch(&path, nick("B"))
        .await
        .assert_scim_error(412, None);

    let within = tag(&path).await;
    let rename = json!([{"op": "replace", "path": "displayName", "value": "First aiders"}]);
    scim.patch(&format!("/Groups/{group}"), rename)
        .await
        .assert_status(204);
    holding(&within).get(&path).await.assert_status(200);
    guarded(&within).patch(&path, nick("C")).await.assert_status(200);
    let bare = tag(&format!("{path}?excludedAttributes=groups")).await;
    guarded(&bare).patch(&path, nick("D")).await.assert_status(200);

    let manager = json!([{"op": "add", "path": format!("{ENTERPRISE}:manager"), "value": {"value": boss}}]);
    scim.patch(&path, manager).await.assert_status(200);
    let led = tag(&path).await;
    let rename = json!([{"op": "replace", "path": "name.familyName", "value": "Lu"}]);
    scim.patch(&format!("/Users/{boss}"), rename)
        .await
        .assert_status(200);
    let read = holding(&led).get(&path).await.assert_status(200);
    assert_eq!(
        read.json()[ENTERPRISE]["manager"]["displayName"],
        json!("boss Lu")
    );
}

#[actix_web::test]
async fn the_entity_tag_follows_the_names_of_members_and_guards_no_change_against_them() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let ana = scim.user("ana").await;
    let group = json!({"displayName": "Aiders"});
    let id = scim.post("/Groups", group).await.assert_status(201).id();
    let path = format!("/Groups/{id}");
    let add = json!([{"op": "add", "path": "members", "value": [{"value": ana}]}]);
    scim.patch(&path, add).await.assert_status(204);
    let etag = scim.get(&path).await.header("etag").unwrap().to_owned();
    let holding = Scim(scim.0.with("If-None-Match", &etag));
    holding.get(&path).await.assert_status(304);

    let rename = json!([{"op": "replace", "path": "name.familyName", "value": "Lu"}]);
    scim.patch(&format!("/Users/{ana}"), rename)
        .await
        .assert_status(200);
    let read = holding.get(&path).await.assert_status(200);
    assert_eq!(read.at("/members/0/display"), json!("ana Lu"));
    assert_ne!(read.header("etag"), Some(etag.as_str()));
    let nothing = json!([{"op": "replace", "path": "displayName", "value": "First aiders"}]);
    Scim(scim.0.with("If-Match", &etag))
        .patch(&path, nothing)
        .await
        .assert_status(204);
}
