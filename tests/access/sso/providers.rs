//! `/v1/identity-providers`.

use provost::authz::Permission;

use super::{super::role, *};
use crate::support::count;

#[actix_web::test]
async fn secrets_are_never_shown() {
    let academy = Academy::with(json!({})).await;
    let path = format!("/v1/identity-providers/{}", academy.id);
    let provider = academy.admin.get(&path).await.assert_status(200);
    assert_eq!(provider.at("/has_client_secret"), json!(true));
    academy.change(json!({"client_secret": "another secret"})).await;
    academy.app.run_jobs();
    for answer in [
        provider,
        academy.admin.get("/v1/identity-providers").await,
        academy.admin.get("/v1/events?limit=200").await,
    ] {
        let text = answer.assert_status(200).text();
        assert!(
            !text.contains(CLIENT.1) && !text.contains("another secret"),
            "{text}"
        );
    }
    academy.change(json!({"client_secret": null})).await;
    assert_eq!(
        academy.admin.get(&path).await.at("/has_client_secret"),
        json!(false)
    );
}

#[actix_web::test]
async fn setting_up_a_provider_takes_every_permission_that_any_user_holds() {
    let app = TestApp::start().await;
    let provider = Provider::start();
    let admin = app.admin().await;
    let keeper = app.holding(
        &[
            Permission::IdentityProvidersRead,
            Permission::IdentityProvidersWrite,
        ],
        "everything",
        None,
    );
    let refused = keeper
        .post("/v1/identity-providers", provider.setup(json!({})))
        .await
        .assert_problem(403, "grant_exceeds_caller");
    // Fault 29: who was granted what, the caller may not see.
    let named = Permission::ALL
        .iter()
        .find(|name| refused.text().contains(name.as_str()));
    assert_eq!(named, None, "{}", refused.text());
    let added = admin
        .post("/v1/identity-providers", provider.setup(json!({})))
        .await
        .assert_status(201);
    let path = format!("/v1/identity-providers/{}", added.id());
    keeper.get(&path).await.assert_status(200);
    keeper
        .patch(&path, json!({"links_verified_email": true}))
        .await
        .assert_problem(403, "grant_exceeds_caller");
    let auditor = role(&admin, "auditor").await;
    let person = person(&admin, "auditor").await;
    let grant = super::super::grant_body(("user", person), auditor, ("everything", None));
    admin.post("/v1/grants", grant).await.assert_status(201);
    let auditor = app.client_of(person);
    auditor.get(&path).await.assert_status(200);
    auditor
        .patch(&path, json!({"name": "x"}))
        .await
        .assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let academy = Academy::with(json!({})).await;
    let dynamic = academy
        .admin
        .post(
            "/v1/groups",
            json!({"code": "all", "name": "All", "kind": "dynamic", "filter": "username pr"}),
        )
        .await
        .assert_status(201)
        .id();
    let form = json!({"code": "corp", "name": "", "issuer": "http://login.example.com", "client_id": "x",
        "scopes": ["profile", "a b"], "redirect_uris": ["http://learn.example.com/"], "audiences": ["", "x"]});
    let named = json!({"code": "corp", "name": "N", "issuer": "https://login.example.com", "client_id": "x",
        "audiences": ["a", "x"], "links_external_key": {"claim": "oid", "source": "scim:nobody"},
        "creates_people": true, "groups_claim": "groups",
        "mapping": {"username": {"column": "a", "constant": "b"}, "status": {"column": "x"}},
        "groups": [{"value": "a", "group_id": dynamic}, {"value": "b", "group_id": Uuid::now_v7()}]});
    for (body, pointers) in [
        (
            form,
            &[
                "/name",
                "/issuer",
                "/scopes",
                "/scopes/1",
                "/redirect_uris/0",
                "/audiences/0",
            ][..],
        ),
        (
            named,
            &[
                "/code",
                "/audiences/1",
                "/links_external_key/source",
                "/mapping/username",
                "/mapping/status",
                "/mapping/given_name",
                "/groups/0/group_id",
                "/groups/1/group_id",
            ],
        ),
    ] {
        let answer = academy.admin.post("/v1/identity-providers", body).await;
        let answer = answer.assert_problem(422, "validation_failed");
        assert_eq!(answer.at("/errors").as_array().unwrap().len(), pointers.len());
        for pointer in pointers {
            answer.clone().assert_fault(pointer);
        }
    }
    let taken = academy.provider.setup(json!({}));
    academy
        .admin
        .post("/v1/identity-providers", taken)
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/code")
        .assert_fault("/issuer");
    let groups = json!({"code": "other", "issuer": "https://login.example.com",
        "groups": [{"value": "a", "group_id": group(&academy.admin, "g").await}]});
    academy
        .admin
        .post("/v1/identity-providers", academy.provider.setup(groups))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/groups_claim");
    assert_eq!(count(&academy.app, "SELECT count(*) FROM identity_providers"), 1);
}

#[actix_web::test]
async fn one_whose_group_is_archived_can_be_turned_off() {
    let academy = Academy::with(json!({})).await;
    let group = group(&academy.admin, "safety").await;
    academy
        .change(json!({"groups_claim": "roles", "groups": [{"value": "SAFE", "group_id": group}]}))
        .await;
    academy
        .admin
        .with("If-Match", "*")
        .post(&format!("/v1/groups/{group}/archival"), json!({}))
        .await;
    assert!(
        academy
            .admin
            .get(&format!("/v1/groups/{group}"))
            .await
            .at("/archived_at")
            .is_string()
    );
    academy.change(json!({"enabled": false})).await;
}

#[actix_web::test]
async fn front_ends_learn_which_providers_there_are() {
    let academy = Academy::with(json!({})).await;
    let offered = academy
        .app
        .anonymous()
        .get("/oauth/providers")
        .await
        .assert_status(200);
    assert_eq!(
        offered.at("/data"),
        json!([{"code": "corp", "name": "Company account"}])
    );
}

#[actix_web::test]
async fn other_processes_hear_of_changes() {
    let academy = Academy::with(json!({"audiences": ["https://api.example.com"]})).await;
    let node = academy.app.second_node();
    let mut claims = academy.claims("a-1");
    for (name, value) in ana().as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims["aud"] = json!("https://api.example.com");
    claims["scope"] = json!("openid");
    let client = Client::new(&node.address, Some(academy.provider.sign(&claims)));
    client.get("/v1/me").await.assert_status(200);
    academy.change(json!({"enabled": false})).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while client.get("/v1/me").await.status != 401 {
        assert!(
            std::time::Instant::now() < deadline,
            "the other process heard nothing"
        );
    }
}
