use chrono::TimeDelta;
use provost::authz::Permission;
use serde_json::json;

use super::{Scim, provider, token, user};
use crate::support::{Client, TestApp};

#[actix_web::test]
async fn a_scim_token_opens_scim_and_nothing_else() {
    let app = TestApp::start().await;
    let provider = provider(&app, "Entra").await;
    provider.scim.get("/Users").await.assert_status(200);
    for path in ["/v1/users", "/v1/me", "/v1/nothing"] {
        provider
            .scim
            .0
            .get(path)
            .await
            .assert_problem(401, "unauthenticated");
    }
    let secret = provider.scim.0.token().to_owned();
    assert!(secret.starts_with("pvt_"));
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={secret}",
        provider.account
    );
    let form_type = "application/x-www-form-urlencoded";
    let method = awc::http::Method::POST;
    let anonymous = app.anonymous();
    let answer = anonymous
        .send(method, "/oauth/token", Some(form.into()), form_type)
        .await;
    assert_eq!(answer.status, 401, "{}", answer.text());
}

#[actix_web::test]
async fn a_secret_for_access_tokens_is_no_scim_token_and_access_tokens_count() {
    let app = TestApp::start().await;
    let provider = provider(&app, "Okta").await;
    let secret = token(&app, &provider.account, json!({})).await;
    Scim(Client::new(&app.address, Some(secret)))
        .get("/Users")
        .await
        .assert_scim_error(401, None);
    let account = provider.account.parse().unwrap();
    Scim(app.client_of_service_account(account))
        .get("/Users")
        .await
        .assert_status(200);
    Scim(app.anonymous())
        .get("/Users")
        .await
        .assert_scim_error(401, None);
}

#[actix_web::test]
async fn two_tokens_overlap_and_each_ends_by_itself() {
    let app = TestApp::start().await;
    let provider = provider(&app, "Entra").await;
    let ends = app.app.clock.now() + TimeDelta::minutes(5);
    let second = token(
        &app,
        &provider.account,
        json!({"kind": "scim", "expires_at": ends}),
    )
    .await;
    let second = Scim(Client::new(&app.address, Some(second)));

    let mut body = user("ana");
    body["externalId"] = json!("a-1");
    let ana = provider.scim.post("/Users", body).await.assert_status(201).id();
    let seen = second.get("/Users?filter=externalId%20eq%20%22a-1%22").await;
    assert_eq!(seen.at("/Resources/0/id"), json!(ana));

    let admin = app.admin().await;
    let secrets = format!("/v1/service-accounts/{}/secrets", provider.account);
    let listed = admin.get(&secrets).await.assert_status(200);
    assert_eq!(listed.at("/data/0/kind"), json!("scim"));
    assert_ne!(listed.at("/data/0/last_used_at"), json!(null));
    let first = listed.at("/data/0/id");
    admin
        .delete(&format!("{secrets}/{}", first.as_str().unwrap()))
        .await
        .assert_status(204);
    provider.scim.get("/Users").await.assert_scim_error(401, None);
    second.get("/Users").await.assert_status(200);
    app.app.clock.advance(TimeDelta::minutes(6));
    second.get("/Users").await.assert_scim_error(401, None);
}

#[actix_web::test]
async fn a_token_may_do_what_its_account_may_and_ends_with_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let reader = app.holding(&[Permission::UsersRead], "everything", None);
    let account = reader.get("/v1/me").await.id();
    let token = token(&app, &account, json!({"kind": "scim"})).await;
    let scim = Scim(Client::new(&app.address, Some(token)));
    scim.get("/Users").await.assert_status(200);
    scim.post("/Users", user("ana"))
        .await
        .assert_scim_error(403, None);
    scim.get("/Groups").await.assert_scim_error(403, None);

    let path = format!("/v1/service-accounts/{account}");
    admin
        .patch(&path, json!({"status": "suspended"}))
        .await
        .assert_status(200);
    scim.get("/Users").await.assert_scim_error(401, None);
}

#[actix_web::test]
async fn only_scim_tokens_try() {
    let app = TestApp::start().await;
    let provider = provider(&app, "Entra").await;
    let path = format!("/v1/service-accounts/{}/secrets", provider.account);
    let admin = app.admin().await;
    admin
        .post(&path, json!({"dry_run": true}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/dry_run");
}

#[actix_web::test]
async fn two_providers_never_meet_each_others_external_ids_nor_do_others() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (entra, okta) = (provider(&app, "Entra").await, provider(&app, "Okta").await);
    let mut body = user("ana");
    body["externalId"] = json!("42");
    let ana = entra
        .scim
        .post("/Users", body.clone())
        .await
        .assert_status(201)
        .id();
    body["userName"] = json!("ben");
    let ben = okta.scim.post("/Users", body).await.assert_status(201).id();
    let hr = json!({"username": "cem", "given_name": "Cem", "family_name": "C",
        "external_keys": [{"source": "hr", "key": "42"}]});
    admin.post("/v1/users", hr).await.assert_status(201);

    let by_id = "/Users?filter=externalId%20eq%20%2242%22";
    assert_eq!(entra.scim.names(by_id).await, ["ana"]);
    assert_eq!(okta.scim.names(by_id).await, ["ben"]);
    let seen = okta.scim.get(&format!("/Users/{ana}")).await.assert_status(200);
    assert_eq!(seen.at("/externalId"), json!(null));
    assert_eq!(
        entra.scim.get(&format!("/Users/{ben}")).await.at("/externalId"),
        json!(null)
    );

    let keys = admin.get(&format!("/v1/users/{ana}/external-keys")).await;
    assert_eq!(keys.at("/data"), json!([]));
    let source = format!("scim:{}", entra.account);
    admin
        .get(&format!("/v1/users/ext:{source}:42"))
        .await
        .assert_problem(404, "not_found");
    admin
        .post(
            &format!("/v1/users/{ben}/external-keys"),
            json!({"source": source, "key": "43"}),
        )
        .await
        .assert_problem(422, "validation_failed");
    entra
        .scim
        .get("/Users/ext:hr:42")
        .await
        .assert_scim_error(404, None);
}
