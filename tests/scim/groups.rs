use serde_json::{Value, json};

use super::{Scim, provider, user};
use crate::support::{TestApp, count};

async fn group(scim: &Scim, name: &str) -> String {
    scim.post("/Groups", json!({"displayName": name}))
        .await
        .assert_status(201)
        .id()
}

async fn members(scim: &Scim, group: &str) -> usize {
    let read = scim.get(&format!("/Groups/{group}")).await.assert_status(200);
    read.at("/members").as_array().map_or(0, Vec::len)
}

#[actix_web::test]
async fn thousands_of_members_come_and_go_in_one_patch() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let scim = provider(&app, "Entra").await.scim;
    let mut people = Vec::new();
    for part in 0..2 {
        let row = |n: usize| {
            json!({"row_key": n.to_string(), "create":
            {"username": format!("u{part}-{n}"), "given_name": "U", "family_name": "U"}})
        };
        let rows: Vec<Value> = (0..750).map(row).collect();
        let answer = admin
            .post("/v1/users/bulk", json!({"rows": rows}))
            .await
            .assert_status(200);
        let results = answer.at("/results").as_array().unwrap().clone();
        people.extend(results.iter().map(|one| json!({"value": one["resource"]["id"]})));
    }
    assert!(people[0]["value"].is_string(), "{}", people[0]);
    let id = group(&scim, "Everybody").await;
    let path = format!("/Groups/{id}");

    let add = json!([{"op": "Add", "path": "members", "value": people}]);
    scim.patch(&path, add.clone()).await.assert_status(204);
    assert_eq!(members(&scim, &id).await, 1_500);
    scim.patch(&path, add).await.assert_status(204);
    assert_eq!(members(&scim, &id).await, 1_500);
    let added = "SELECT count(*) AS count FROM events WHERE action = 'group.member_added'";
    assert_eq!(count(&app, added), 1_500);

    // A thousand operations of one member each, as Entra sends them.
    let one_by_one = people[..1_000]
        .iter()
        .map(|one| json!({"op": "Remove", "path": format!("members[value eq {}]", one["value"])}));
    scim.patch(&path, one_by_one.collect()).await.assert_status(204);
    assert_eq!(members(&scim, &id).await, 500);
    let replace = json!([{"op": "replace", "path": "members", "value": &people[..10]}]);
    scim.patch(&path, replace).await.assert_status(204);
    assert_eq!(members(&scim, &id).await, 10);
    scim.patch(&path, json!([{"op": "remove", "path": "members"}]))
        .await
        .assert_status(204);
    assert_eq!(members(&scim, &id).await, 0);
}

#[actix_web::test]
async fn operations_of_one_patch_follow_each_other() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let (ana, ben) = (scim.user("ana").await, scim.user("ben").await);
    let id = group(&scim, "Aiders").await;
    let path = format!("/Groups/{id}");
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": ana}, {"value": ben}]},
        {"op": "remove", "path": format!("members[value eq \"{ana}\"]")},
        {"op": "remove", "path": "members[display sw \"ben\"]"},
        {"op": "add", "value": {"members": [{"value": ana}], "displayName": "First aiders", "externalId": "g1"}},
        {"op": "remove", "path": "members[value eq \"nobody\"]"},
    ]);
    scim.patch(&path, operations).await.assert_status(204);
    let read = scim.get(&path).await;
    assert_eq!(read.at("/members/0/value"), json!(ana));
    assert_eq!(
        (
            read.at("/members/1"),
            read.at("/displayName"),
            read.at("/externalId")
        ),
        (json!(null), json!("First aiders"), json!("g1"))
    );
    assert_eq!(
        scim.names("/Groups?filter=externalId%20eq%20%22g1%22").await,
        ["First aiders"]
    );
    let unknown = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    scim.patch(&path, unknown)
        .await
        .assert_scim_error(400, Some("invalidValue"));
    let nested = json!([{"op": "add", "path": "members", "value": [{"value": id, "type": "Group"}]}]);
    scim.patch(&path, nested)
        .await
        .assert_scim_error(400, Some("invalidValue"));
}

#[actix_web::test]
async fn the_parts_of_members_are_not_for_clients_to_change() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let (ana, id) = (scim.user("ana").await, group(&scim, "Aiders").await);
    let path = format!("/Groups/{id}");
    let add = json!([{"op": "add", "path": "members", "value": [{"value": ana}]}]);
    scim.patch(&path, add).await.assert_status(204);
    let of_ana = format!("members[value eq \"{ana}\"].display");
    for operation in [
        json!({"op": "remove", "path": "members.display"}),
        json!({"op": "remove", "path": of_ana}),
        json!({"op": "replace", "path": of_ana, "value": "Bea"}),
        json!({"op": "replace", "path": "members.value", "value": ana}),
        json!({"op": "add", "value": {"members.display": "Bea"}}),
    ] {
        scim.patch(&path, json!([operation]))
            .await
            .assert_scim_error(400, Some("mutability"));
        assert_eq!(members(&scim, &id).await, 1, "{operation}");
    }
}

#[actix_web::test]
async fn a_group_keeps_its_code_and_no_two_have_one_name() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let scim = provider(&app, "Okta").await.scim;
    let first = group(&scim, "Sales").await;
    scim.post("/Groups", json!({"displayName": "sales"}))
        .await
        .assert_scim_error(409, Some("uniqueness"));
    let rename = json!([{"op": "replace", "value": {"id": first, "displayName": "Sales EMEA"}}]);
    scim.patch(&format!("/Groups/{first}"), rename)
        .await
        .assert_status(204);
    let second = group(&scim, "Sales").await;
    let code = |answer: crate::support::Answer| answer.at("/code").as_str().unwrap().to_owned();
    assert_eq!(code(admin.get(&format!("/v1/groups/{first}")).await), "Sales");
    let other = code(admin.get(&format!("/v1/groups/{second}")).await);
    assert!(other.starts_with("Sales-"), "{other}");
}

#[actix_web::test]
async fn a_dynamic_group_is_shown_and_its_members_are_not_for_clients_to_choose() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let scim = provider(&app, "Okta").await.scim;
    let mut body = user("ana");
    body["title"] = json!("Nurse");
    let ana = scim.post("/Users", body).await.id();
    let ben = scim.user("ben").await;
    let dynamic =
        json!({"code": "nurses", "name": "Nurses", "kind": "dynamic", "filter": "title eq \"Nurse\""});
    let id = admin.post("/v1/groups", dynamic).await.assert_status(201).id();
    let path = format!("/Groups/{id}");
    assert_eq!(scim.get(&path).await.at("/members/0/value"), json!(ana));
    let add = |who: &str| json!([{"op": "add", "path": "members", "value": [{"value": who}]}]);
    scim.patch(&path, add(&ana)).await.assert_status(204);
    scim.patch(&path, add(&ben))
        .await
        .assert_scim_error(400, Some("mutability"));
}

#[actix_web::test]
async fn the_entity_tag_follows_members_where_they_are_shown() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let ana = scim.user("ana").await;
    let id = group(&scim, "Aiders").await;
    let path = format!("/Groups/{id}");
    let etag = scim.get(&path).await.header("etag").unwrap().to_owned();
    let guarded = Scim(scim.0.with("If-Match", &etag));
    let holding = Scim(scim.0.with("If-None-Match", &etag));
    holding.get(&path).await.assert_status(304);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": ana}]}]);
    guarded.patch(&path, add).await.assert_status(204);
    holding.get(&path).await.assert_status(200);
    guarded.delete(&path).await.assert_scim_error(412, None);

    let without = scim.get(&format!("{path}?excludedAttributes=members")).await;
    let own = without.header("etag").unwrap().to_owned();
    Scim(scim.0.with("If-Match", &own))
        .delete(&path)
        .await
        .assert_status(204);
}

#[actix_web::test]
async fn the_members_of_a_group_with_roles_are_for_those_who_grant() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let scim = provider(&app, "Okta").await.scim;
    let ana = scim.user("ana").await;
    let id = group(&scim, "Administrators").await;
    let roles = admin.get("/v1/roles?filter=code%20eq%20%22lms_admin%22").await;
    let grant = json!({"principal_kind": "group", "principal_id": id, "role_id": roles.at("/data/0/id"),
        "scope_kind": "everything"});
    admin.post("/v1/grants", grant).await.assert_status(201);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": ana}]}]);
    scim.patch(&format!("/Groups/{id}"), add)
        .await
        .assert_scim_error(403, None);
}

#[actix_web::test]
async fn external_ids_of_a_group_end_with_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (first, second) = (
        provider(&app, "Entra").await.scim,
        provider(&app, "Okta").await.scim,
    );
    let body = |name: &str, key: &str| json!({"displayName": name, "externalId": key});

    let id = first
        .post("/Groups", body("Sales", "s-1"))
        .await
        .assert_status(201)
        .id();
    admin
        .post(&format!("/v1/groups/{id}/archival"), json!({}))
        .await
        .assert_status(200);
    first
        .get(&format!("/Groups/{id}"))
        .await
        .assert_scim_error(404, None);
    first
        .post("/Groups", body("Sales", "s-1"))
        .await
        .assert_status(201);

    let id = first
        .post("/Groups", body("Care", "c-1"))
        .await
        .assert_status(201)
        .id();
    let path = format!("/Groups/{id}");
    let own = json!([{"op": "add", "path": "externalId", "value": "c-2"}]);
    second.patch(&path, own).await.assert_status(204);
    first.delete(&path).await.assert_status(204);
    second.get(&path).await.assert_scim_error(404, None);
    second
        .post("/Groups", body("Care", "c-2"))
        .await
        .assert_status(201);
    let gone = "SELECT count(*) AS count FROM events WHERE action = 'external_key.removed' AND object_kind = 'group'";
    assert_eq!(count(&app, gone), 3);
}
