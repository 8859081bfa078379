//! The same change is told in the same words, whoever makes it. (That each event is as the catalogue says is checked of every
//! event of every test, when its `TestApp` goes.)

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    enrollment::fixture::{course, person, rule},
    import::{Importing, small_profile},
    scim,
    support::{Client, TestApp},
};

async fn events(admin: &Client, action: &str) -> Vec<Value> {
    let path = format!("/v1/events?limit=200&filter=action%20eq%20%22{action}%22");
    let page = admin.get(&path).await.assert_status(200);
    page.at("/data").as_array().unwrap().clone()
}

/// The events of this action told what the API answers: of `ways` objects that have not changed since.
async fn assert_told_like_the_api(admin: &Client, action: &str, path: &str, ways: usize) {
    let mut told = 0;
    for event in events(admin, action).await {
        let id = event["object_id"].as_str().unwrap();
        let answered = admin.get(&format!("{path}/{id}")).await.assert_status(200).json();
        if event["after"]["version"] == answered["version"] {
            assert_eq!(event["after"], answered, "{action} of {}", event["actor_kind"]);
            told += 1;
        }
    }
    assert_eq!(told, ways, "{action}");
}

#[actix_web::test]
async fn people_are_told_of_alike_by_the_api_bulk_requests_scim_and_imports() {
    let importing = Importing::with(small_profile()).await;
    let admin = &importing.admin;
    let idp = scim::provider(&importing.app, "idp").await.scim;
    let admins = 1;

    let new = json!({ "username": "api", "given_name": "Ana", "family_name": "" });
    let api = admin.post("/v1/users", new).await.assert_status(201).id();
    let rows =
        json!([{ "row_key": "1", "create": { "username": "bulk", "given_name": "Ana", "family_name": "" } }]);
    admin
        .post("/v1/users/bulk", json!({ "rows": rows }))
        .await
        .assert_status(200);
    let scim_user = idp.user("scim").await;
    let import = importing.plan("small", "id,name,boss\n1,Ana,\n2,Bea,1\n").await;
    importing.applied(&import).await;
    importing.app.run_jobs();
    assert_told_like_the_api(admin, "user.created", "/v1/users", admins + 5).await;

    let renamed = json!({ "given_name": "Eva" });
    admin
        .patch(&format!("/v1/users/{api}"), renamed)
        .await
        .assert_status(200);
    let name = json!([{ "op": "replace", "path": "name.givenName", "value": "Eva" }]);
    idp.patch(&format!("/Users/{scim_user}"), name)
        .await
        .assert_status(200);
    let import = importing.plan("small", "id,name,boss\n1,Eva,\n3,Cem,\n").await;
    importing.applied(&import).await;
    importing.app.run_jobs();
    // Renamed by three ways, and archived because the file lacks them.
    assert_told_like_the_api(admin, "user.updated", "/v1/users", 4).await;
}

#[actix_web::test]
async fn what_people_must_do_is_told_of_alike_by_people_and_rules() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "FIRE", Some("P1Y"));
    let by_rule = person(&admin, "rule", "ops").await;
    let by_hand = person(&admin, "hand", "it").await;
    rule(&app, &admin, "ops", "P30D", &[fire]).await;
    let asked =
        json!({ "user_id": by_hand, "target": {"kind": "course", "id": fire}, "due_on": "2099-01-01" });
    admin.post("/v1/requirements", asked).await.assert_status(201);
    let taken = json!({ "user_id": person(&admin, "taker", "it").await, "course_id": fire });
    admin.post("/v1/enrollments", taken).await.assert_status(201);
    app.run_jobs();

    let opened = events(&admin, "requirement.opened").await;
    let of_rule = |event: &&Value| event["user_id"] == json!(by_rule);
    let (ruled, asked) = (
        opened.iter().find(of_rule),
        opened.iter().find(|event| !of_rule(event)),
    );
    let forms = [ruled.unwrap(), asked.unwrap()].map(|event| {
        let names = |value: &Value| {
            value
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<BTreeSet<_>>()
        };
        (names(&event["after"]), names(&event["after"]["reasons"][0]))
    });
    assert_eq!(forms[0], forms[1]);
    assert_told_like_the_api(&admin, "enrollment.created", "/v1/enrollments", 3).await;

    let done = |user| json!({ "user_id": user, "course_id": fire });
    admin
        .post("/v1/completions", done(by_rule))
        .await
        .assert_status(201);
    let more = [
        person(&admin, "one", "hr").await,
        person(&admin, "two", "hr").await,
    ];
    let rows = more.map(|user| json!({ "row_key": user, "create": done(user) }));
    admin
        .post("/v1/completions/bulk", json!({ "rows": rows }))
        .await
        .assert_status(200);
    app.run_jobs();
    assert_told_like_the_api(&admin, "certificate.issued", "/v1/certificates", 3).await;
}
